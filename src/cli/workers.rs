//! The workers' commands: flags that every worker has, and those of its own from the table.

use super::usage;
use crate::exit;
use crate::lock::Acquire;
use crate::run;
use crate::settings::{self, Settings};
use crate::workers::{self, Worker, crontab};
use clap::{Args, FromArgMatches};
use std::ffi::OsString;

/// What every worker takes.
#[derive(Debug, Clone, Args)]
pub struct Waiting {
    /// Wait for the locks of the job and of its repository if another run holds one of them, for at most DURATION (such
    /// as 90s, 5m, 1h; without end if none is given), instead of ending at once with exit code 75
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    wait: Option<String>,
}

impl Waiting {
    /// # Errors
    /// When the duration cannot be read.
    pub fn acquire(&self) -> Result<Acquire, String> {
        match self.wait.as_deref() {
            None => Ok(Acquire::AtOnce),
            Some("") => Ok(Acquire::Wait(None)),
            Some(text) => settings::duration(text)
                .map(|limit| Acquire::Wait(Some(limit)))
                .map_err(|error| format!("--wait='{text}' {error}: write seconds, or a duration such as 90s, 5m, 1h")),
        }
    }
}

const EXIT_CODES: &str = "Exit codes:
  0    done, or called off by a pre hook      75   not run: another run holds a lock
  2    bad usage or configuration             120  a critical pre hook failed
  121  a critical post hook failed            124  a critical pre hook timed out
  129, 130, 131, 143  ended by a signal       any other code is restic's own (replicate: rclone's)
More: docs/workers.md, docs/hooks.md, docs/environment.md";

/// The command of a worker, with its flags and help; `None` if it has no command.
pub fn command(worker: &Worker) -> Option<clap::Command> {
    let own = worker.command.as_ref()?;
    // What `Waiting` brings along includes a description of itself: the worker's own comes after it.
    let command = Waiting::augment_args(clap::Command::new(worker.job.name)).about(own.about).after_help(EXIT_CODES);
    Some((own.augment)(command).disable_version_flag(true))
}

/// Runs a worker's command to its exit code. `shown` is how the user would ask for its help.
pub fn run(worker: &'static Worker, shown: &str, args: Vec<OsString>, settings: Settings) -> i32 {
    let (Some(command), Some(own)) = (command(worker), &worker.command) else { return exit::USAGE };
    let parsed = command.try_get_matches_from(args).and_then(|matches| {
        let waiting = Waiting::from_arg_matches(&matches)?;
        Ok((waiting, (own.make)(&matches)?))
    });
    let (waiting, work) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return usage::report(shown, &error, &settings.secrets),
    };
    let acquire = match waiting.acquire() {
        Ok(acquire) => acquire,
        Err(message) => return usage::refuse(&message, &settings.secrets),
    };
    let place = crontab::place(worker.job.name);
    run::keep(run::Command { job: &worker.job, work, settings, workers: workers::names(), acquire, place, trial: None })
}
