//! `hooks list`.

use super::{print, unknown};
use crate::exit;
use crate::hooks::{self, Declarations, listing};
use crate::settings::Settings;
use crate::workers;
use std::fmt::Write as _;
use std::io::{self, Write as _};

/// Lists what would run.
pub(super) fn run(settings: &Settings, declared: &Declarations, worker: Option<&str>, json: bool) -> i32 {
    let names = workers::names();
    let wanted: Vec<&'static str> = match worker {
        None => names.clone(),
        Some(name) => match workers::find(name) {
            Some(worker) => vec![worker.job.name],
            None => return unknown(settings, name),
        },
    };
    let plans: Vec<_> = wanted.iter().map(|name| (*name, hooks::plan(settings, name, &names, declared))).collect();
    if json {
        let values: Vec<_> =
            plans.iter().map(|(name, plan)| listing::list_json(name, plan, &settings.secrets)).collect();
        let text = serde_json::to_string_pretty(&values).unwrap_or_default();
        // Masked value by value: a secret must not tear the document.
        let _ = writeln!(io::stdout(), "{text}");
        return exit::SUCCESS;
    }
    let mut text = String::new();
    for (name, plan) in &plans {
        if worker.is_some() || plan.all().next().is_some() {
            text.push_str(&listing::list(name, plan, &settings.paths.hooks));
        }
    }
    if text.is_empty() {
        let folder = settings.paths.hooks.display();
        let _ = writeln!(text, "No hooks in {folder}. Everything that lies there: boathook hooks check");
    }
    print(settings, &text);
    exit::SUCCESS
}
