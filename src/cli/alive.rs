//! `alive`: flags and help.

use super::usage;
use crate::exit;
use crate::init::alive::look;
use crate::settings::Settings;
use clap::Parser;
use std::ffi::OsString;
use std::io::{self, Write};

/// Whether the container's own processes answer: init and, where there is a schedule, the scheduler. How the backups are
/// doing is asked with `status`: a failed backup is no reason to restart a container
#[derive(Debug, Parser)]
#[command(
    name = "alive",
    disable_version_flag = true,
    args_override_self = true,
    after_help = "Exit codes: 0 they answer, or the container is starting or stopping; 1 one of them does not, or the scheduler stops alone; 2 bad usage.\nMore: docs/container.md"
)]
struct AliveArgs {
    /// One JSON document instead of a line
    #[arg(long, short)]
    json: bool,
}

pub(super) fn run(args: Vec<OsString>, shown: &str, settings: &Settings) -> i32 {
    let args = match AliveArgs::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => return usage::report(shown, &error, &settings.secrets),
    };
    let health = look(&settings.paths.run);
    let text = if args.json { health.json().to_string() } else { health.line };
    // Who asks may only want the code.
    let _ = writeln!(io::stdout(), "{}", settings.secrets.mask(&text));
    if health.alive { exit::SUCCESS } else { exit::FAILURE }
}
