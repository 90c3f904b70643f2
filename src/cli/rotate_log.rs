//! `rotate_log`: flags and help.

use super::usage;
use crate::settings::Settings;
use crate::workers::rotate_log::rotate;
use clap::Parser;
use std::ffi::OsString;

/// Archive cron.log once it has reached CRON_LOG_MAX_SIZE bytes, and keep MAX_CRON_LOG_ARCHIVES archives
#[derive(Debug, Parser)]
#[command(
    name = "rotate_log",
    disable_version_flag = true,
    after_help = "Exit codes: 0 archived, or not due; 1 it could not be done, the message says why; 2 bad usage.\n\
                  More: docs/workers.md"
)]
struct Args {}

pub(super) fn run(args: Vec<OsString>, shown: &str, settings: &Settings) -> i32 {
    match Args::try_parse_from(args) {
        Ok(Args {}) => rotate(settings),
        Err(error) => usage::report(shown, &error, &settings.secrets),
    }
}
