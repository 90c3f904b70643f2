//! `hooks check`.

use super::print;
use crate::exit;
use crate::hooks::{self, Declarations, listing};
use crate::settings::Settings;
use crate::workers;
use std::fmt::Write as _;

/// Says everything that would keep a hook from running.
pub(super) fn run(settings: &Settings, declared: &Declarations) -> i32 {
    let names = workers::names();
    let path = settings.environment.text_or_empty("PATH");
    let found = hooks::discover(&settings.paths.hooks, &names, settings.hooks.strict, &path);
    let troubles = listing::troubles(settings, &names, declared, &found);
    let (mut text, wrong) = listing::check(&found, declared, &troubles, &settings.paths.hooks);
    for line in listing::unset(settings, declared) {
        let _ = writeln!(text, "⚠️ {line}");
    }
    print(settings, &text);
    if wrong { exit::FAILURE } else { exit::SUCCESS }
}
