//! `status`: flags and help.

use super::usage;
use crate::doctor::{self, Format};
use crate::settings::Settings;
use clap::Parser;
use std::ffi::OsString;
use std::io;

/// How the jobs are doing: schedules, last runs, what is due and what went wrong
#[derive(Debug, Parser)]
#[command(
    name = "status",
    disable_version_flag = true,
    args_override_self = true,
    after_help = "Looks at local files only.\n\nExit codes: 0 nothing has failed (warnings do not count), 1 a job has failed, or a dead run owes something, 2 bad usage.\nMore: docs/status.md"
)]
struct StatusArgs {
    /// One JSON document instead of text
    #[arg(long, short)]
    json: bool,
}

pub(super) fn run(args: Vec<OsString>, shown: &str, settings: &Settings) -> io::Result<i32> {
    match StatusArgs::try_parse_from(args) {
        Ok(args) => {
            let format = if args.json { Format::Json } else { Format::Text };
            doctor::status(settings, format, &mut io::stdout())
        }
        Err(error) => Ok(usage::report(shown, &error, &settings.secrets)),
    }
}
