//! `boathook hooks`: look at hooks, and try them.

mod check;
mod list;
mod recover;
mod schema;
mod show;
mod test;

use super::usage;
use super::workers::Waiting;
use crate::exit;
use crate::hooks::{self, Declarations, listing};
use crate::report::Status;
use crate::run::trial::Trial;
use crate::settings::Settings;
use crate::workers;
use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

/// Look at hooks, and try them
#[derive(Debug, Parser)]
#[command(name = "hooks", disable_version_flag = true)]
pub struct HooksArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// What would run, in order, with limit, policy and source
    #[command(after_help = "Exit codes: 0 listed, 2 bad usage.\nMore: docs/hooks.md")]
    List {
        /// Only this worker's hooks (backup, check, ...); every worker that has some if none is given
        worker: Option<String>,
        /// One JSON document instead of text
        #[arg(long, short)]
        json: bool,
    },
    /// Everything that would keep a hook from running; exit code 1 if there is anything
    ///
    /// Scripts, the hooks file, definitions of other systems: each mistake with file, line and column.
    #[command(
        after_help = "Exit codes: 0 every hook would run, 1 something keeps one from it, 2 bad usage.\nMore: docs/hooks.md"
    )]
    Check,
    /// Really run the hooks of a worker or of one of its phases, as in a run that ends as given, without the work
    ///
    /// Takes the worker's lock; writes no log, no summary, no report. What pre hooks have done is undone afterwards.
    #[command(
        after_help = "Exit codes: 0 every hook ended well, 1 one failed, 124 one timed out, 75 the worker is running, 2 bad usage.\nMore: docs/hooks.md"
    )]
    Test {
        /// A worker (backup: both phases) or a phase of it (pre-backup, post-backup)
        what: String,
        /// The exit code that the work is said to have ended with
        #[arg(long, default_value_t = 0)]
        exit_code: i32,
        /// The status that post hooks are told: success, warning, failure, skipped, interrupted; by default as the exit
        /// code says
        #[arg(long, value_parser = status)]
        status: Option<Status>,
        /// The reason that post hooks are told in RUN_ERROR
        #[arg(long, default_value = "")]
        error: String,
        /// Show what would be run, with every template rendered and secrets masked, and run nothing; exit code 1 if something
        /// cannot run
        #[arg(long)]
        dry_run: bool,
        /// Leave the effects of pre hooks: run no undo
        #[arg(long)]
        keep: bool,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// What a hooks file means here, hook by hook in running order, as hooks.yaml would have it
    ///
    /// Reads the native form and the definitions of other systems; comments say where the meaning differs there. Runs
    /// nothing.
    #[command(
        after_help = "Exit codes: 0 shown, 1 a file has mistakes, cannot be read or is of no known form, 2 bad usage.\nMore: docs/hooks.md"
    )]
    Show {
        /// The files; - is standard input
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Do what dead runs owe: undos of hooks, summaries, post hooks, notifications
    ///
    /// A run that was killed with all its processes, or whose container or machine ended, has left a journal in STATE_DIR. The
    /// next run of the same worker does what it owes, and so does the container at its start; this command does it now.
    #[command(
        after_help = "Exit codes: 0 nothing is owed any more (a run that lives owes nothing), 1 something is, or --forget found no such journal or a living run, 2 bad usage, 75 a worker is running, 128 and more stopped by a signal.
More: docs/hooks/recovery.md"
    )]
    Recover {
        /// Only runs of this worker (backup, check, ...)
        #[arg(long, value_name = "WORKER")]
        job: Option<String>,
        /// Only this run
        #[arg(long, value_name = "ID", conflicts_with = "job")]
        run: Option<String>,
        /// Do nothing of what this run owes, now or later: for what was undone by hand
        #[arg(long, value_name = "ID", conflicts_with_all = ["job", "run"])]
        forget: Option<String>,
        /// One JSON document instead of text
        #[arg(long, short)]
        json: bool,
    },
    /// The JSON Schema of hooks.yaml, for editors
    #[command(after_help = "Exit codes: 0 printed, 2 bad usage.\nMore: docs/hooks.md")]
    Schema,
}

fn status(word: &str) -> Result<Status, String> {
    [Status::Success, Status::Warning, Status::Failure, Status::Skipped, Status::Interrupted]
        .into_iter()
        .find(|status| status.word() == word.to_ascii_lowercase())
        .ok_or_else(|| "use success, warning, failure, skipped or interrupted".to_owned())
}

/// Runs `hooks ...` to its exit code.
pub fn run(args: Vec<OsString>, mut settings: Settings) -> i32 {
    let command =
        if args.get(1).is_some_and(|word| word == "recover") { "boathook hooks recover" } else { "boathook hooks" };
    let args = match HooksArgs::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => return usage::report(command, &error, &settings.secrets),
    };
    match args.action {
        Action::List { worker, json } => {
            let declared = declared(&mut settings);
            list::run(&settings, &declared, worker.as_deref(), json)
        }
        Action::Check => {
            let declared = declared(&mut settings);
            check::run(&settings, &declared)
        }
        Action::Recover { forget: Some(run), json, .. } => recover::forget(&settings, &run, json),
        Action::Recover { job, run, forget: None, json } => {
            recover::run(&settings, &recover::Wanted { job: job.as_deref(), run: run.as_deref(), json })
        }
        Action::Show { files } => show::run(&settings, &files),
        Action::Schema => schema::run(),
        Action::Test { what, exit_code, status, error, dry_run, keep, waiting } => {
            let Some((worker, pre, post)) = test::which(&what) else {
                return unknown(&settings, &what);
            };
            let trial = Trial { pre, post, exit_code, status, error, keep };
            if dry_run {
                let declared = declared(&mut settings);
                let (text, fails) = test::dry(&settings, &declared, worker, &trial);
                print(&settings, &text);
                return if fails { exit::FAILURE } else { exit::SUCCESS };
            }
            // A broken file is a failed hook before the work. Where those are not tried, it is to be seen all the same.
            let broken = listing::broken_for(worker.job.name, &declared(&mut settings));
            print(&settings, &broken);
            match test::run(settings, worker, trial, &waiting) {
                exit::SUCCESS if !broken.is_empty() => exit::FAILURE,
                code => code,
            }
        }
    }
}

/// What hooks files declare, with everything that their templates read masked from here on.
fn declared(settings: &mut Settings) -> Declarations {
    let declared = hooks::load(settings, &workers::names());
    declared.mask_in(settings);
    declared
}

fn print(settings: &Settings, text: &str) {
    let _ = write!(io::stdout(), "{}", settings.secrets.mask(text));
}

fn unknown(settings: &Settings, what: &str) -> i32 {
    let names = workers::names().join(", ");
    let message = format!("'{what}' is no worker and no phase of one: use one of {names}, or pre- or post- and one");
    usage::refuse(&message, &settings.secrets)
}
