//! `boathook hooks list`, `check` and `test`.

use super::usage;
use super::workers::Waiting;
use crate::exit;
use crate::hooks::{self, Phase, listing};
use crate::report::Status;
use crate::run::trial::{Trial, TrialWork};
use crate::run::{self, Command};
use crate::settings::Settings;
use crate::workers::{self, Worker, crontab};
use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, Write};

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
    #[command(
        after_help = "Exit codes: 0 every hook would run, 1 something keeps one from it, 2 bad usage.\nMore: docs/hooks.md"
    )]
    Check,
    /// Really run the hooks of a worker or of one of its phases, as in a run that ends as given, without the work
    ///
    /// Takes the worker's lock; writes no log, no summary, no report.
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
        /// Show what would be run, and run nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        waiting: Waiting,
    },
}

fn status(word: &str) -> Result<Status, String> {
    [Status::Success, Status::Warning, Status::Failure, Status::Skipped, Status::Interrupted]
        .into_iter()
        .find(|status| status.word() == word.to_ascii_lowercase())
        .ok_or_else(|| "use success, warning, failure, skipped or interrupted".to_owned())
}

/// Runs `hooks ...` to its exit code.
pub fn run(args: Vec<OsString>, settings: Settings) -> i32 {
    let args = match HooksArgs::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => return usage::report("boathook hooks", &error, &settings.secrets),
    };
    match args.action {
        Action::List { worker, json } => list(&settings, worker.as_deref(), json),
        Action::Check => {
            let path = settings.environment.text_or_empty("PATH");
            let found = hooks::discover(&settings.paths.hooks, &workers::names(), settings.hooks.strict, &path);
            let (text, wrong) = listing::check(&found, &settings.paths.hooks);
            print(&settings, &text);
            if wrong { exit::FAILURE } else { exit::SUCCESS }
        }
        Action::Test { what, exit_code, status, error, dry_run, waiting } => {
            let Some((worker, pre, post)) = which(&what) else {
                return unknown(&settings, &what);
            };
            let trial = Trial { pre, post, exit_code, status, error };
            if dry_run {
                print(&settings, &dry(&settings, worker, &trial));
                return exit::SUCCESS;
            }
            let acquire = match waiting.acquire() {
                Ok(acquire) => acquire,
                Err(message) => return usage::refuse(&message, &settings.secrets),
            };
            let target = match worker.job.name {
                "backup" => settings.jobs.backup_root.clone(),
                "restore" => settings.paths.restore.display().to_string(),
                _ => settings.repository.shown.clone(),
            };
            let work = Box::new(TrialWork { target, trial: trial.clone() });
            run::keep(Command {
                job: &worker.job,
                work,
                settings,
                workers: workers::names(),
                acquire,
                place: crontab::place(worker.job.name),
                trial: Some(trial),
            })
        }
    }
}

fn print(settings: &Settings, text: &str) {
    let _ = write!(io::stdout(), "{}", settings.secrets.mask(text));
}

fn unknown(settings: &Settings, what: &str) -> i32 {
    let names = workers::names().join(", ");
    let message = format!("'{what}' is no worker and no phase of one: use one of {names}, or pre- or post- and one");
    usage::refuse(&message, &settings.secrets)
}

fn which(what: &str) -> Option<(&'static Worker, bool, bool)> {
    if let Some(worker) = workers::find(what) {
        return Some((worker, true, true));
    }
    if let Some(worker) = what.strip_prefix("pre-").and_then(workers::find) {
        return Some((worker, true, false));
    }
    let worker = what.strip_prefix("post-").and_then(workers::find)?;
    Some((worker, false, true))
}

fn list(settings: &Settings, worker: Option<&str>, json: bool) -> i32 {
    let names = workers::names();
    let wanted: Vec<&'static str> = match worker {
        None => names.clone(),
        Some(name) => match workers::find(name) {
            Some(worker) => vec![worker.job.name],
            None => return unknown(settings, name),
        },
    };
    let plans: Vec<_> = wanted.iter().map(|name| (*name, hooks::plan(settings, name, &names))).collect();
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
        let _ = writeln!(
            text,
            "No hooks in {}. Everything that lies there: boathook hooks check",
            settings.paths.hooks.display()
        );
    }
    print(settings, &text);
    exit::SUCCESS
}

fn dry(settings: &Settings, worker: &Worker, trial: &Trial) -> String {
    let plan = hooks::plan(settings, worker.job.name, &workers::names());
    let mut text = String::new();
    for (phase, wanted) in [(Phase::Pre, trial.pre), (Phase::Post, trial.post)] {
        for hook in plan.phase(phase).iter().filter(|_| wanted) {
            let argument = if phase == Phase::Post { format!(" {}", trial.exit_code) } else { String::new() };
            let _ = match &hook.problem {
                None => writeln!(text, "would run {}{argument}", hook.path.display()),
                Some(problem) => writeln!(text, "cannot run {}: {}", hook.path.display(), problem.what),
            };
        }
    }
    if text.is_empty() {
        text.push_str("no hooks would run\n");
    }
    text
}
