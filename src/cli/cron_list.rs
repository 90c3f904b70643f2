//! `cron-list`: flags and help.

use super::usage;
use crate::doctor::{self, Format};
use crate::settings::Settings;
use clap::Parser;
use std::ffi::OsString;
use std::io::{self, Write};

/// Which job runs when: the crontab, and the next five times of each job
#[derive(Debug, Parser)]
#[command(
    name = "cron-list",
    disable_version_flag = true,
    args_override_self = true,
    after_help = "Words that mean nothing are ignored, with a note.\n\nExit codes: 0, always.\nMore: docs/status.md"
)]
struct CronListArgs {
    /// One JSON document instead of text
    #[arg(long, short)]
    json: bool,
}

/// The words that mean something; the reference image ignored all of them, and calls that give some must go on.
const KNOWN: [&str; 4] = ["--help", "-h", "--json", "-j"];

pub(super) fn run(args: Vec<OsString>, shown: &str, settings: &Settings) -> io::Result<i32> {
    let mut words = args.into_iter();
    let name = words.next();
    let (known, ignored): (Vec<_>, Vec<_>) = words.partition(|word| KNOWN.iter().any(|known| word == known));
    for word in ignored {
        let note = format!("ℹ️ {shown} ignores '{}'", word.to_string_lossy());
        let _ = writeln!(io::stderr(), "{}", settings.secrets.mask(&note));
    }
    match CronListArgs::try_parse_from(name.into_iter().chain(known)) {
        Ok(args) => {
            let format = if args.json { Format::Json } else { Format::Text };
            doctor::cron_list(settings, format, &mut io::stdout())
        }
        Err(error) => Ok(usage::report(shown, &error, &settings.secrets)),
    }
}
