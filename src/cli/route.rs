//! From the name that the process was called by to its command.

use super::{alive, cron_list, entry, hooks, rotate_log, schedule, status, usage, workers};
use crate::doctor;
use crate::exit;
use crate::lock::locked_run;
use crate::run::cleaner;
use crate::settings::{self, Environment, Settings, table};
use crate::workers::{OLD_NAMES, WORKERS, find, find_by_old_name};
use anyhow::Context as _;
use clap::Parser;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

/// Check the whole set-up: settings, repository, tools, hooks, recent runs
#[derive(Debug, Parser)]
#[command(
    name = "doctor",
    disable_version_flag = true,
    args_override_self = true,
    after_help = "Exit codes: 0 no failure found (warnings do not count), 1 at least one, 2 bad usage.\nMore: docs/doctor.md"
)]
struct DoctorArgs {
    /// One JSON document instead of text
    #[arg(long, short)]
    json: bool,
    /// Do not ask the repository
    #[arg(long)]
    no_probe: bool,
}

/// Check the settings, without asking the repository
#[derive(Debug, Parser)]
#[command(
    name = "config-check",
    disable_version_flag = true,
    args_override_self = true,
    after_help = "Exit codes: 0 no error (warnings do not count), 1 at least one, 2 bad usage.\nMore: docs/doctor.md"
)]
struct ConfigCheckArgs {
    /// One JSON document instead of text
    #[arg(long, short)]
    json: bool,
}

/// A report that nobody could read told nobody anything.
const UNPRINTED: &str = "the report cannot be printed";

const LOCKED_RUN: &str = "Usage: locked_run JOB LOCK COMMAND [ARG...]
       locked_run JOB COMMAND

Takes the lock file LOCK (with two arguments: the lock of the worker JOB) and becomes COMMAND, which keeps the lock until
it ends. If another run holds the lock, says so and ends with exit code 0.

Exit codes: the command's own; 0 skipped; 1 the lock cannot be taken; 2 bad usage; 126 the command cannot be executed;
127 it does not exist";

/// Runs the command that the process was called as, and gives its exit code.
///
/// # Errors
/// When a command cannot say what it has to say.
pub fn run(mut args: Vec<OsString>, environment: &Environment) -> anyhow::Result<i32> {
    let name = args.first().map(|name| base_name(name)).unwrap_or_default();
    if is_command(&name) {
        return command(&name, &format!("/bin/{name}"), args, environment);
    }
    if args.len() < 2 {
        let _ = writeln!(io::stdout(), "{}", help());
        return Ok(exit::USAGE);
    }
    let name = base_name(&args[1]);
    match name.as_str() {
        "--help" | "-h" | "help" => {
            let _ = writeln!(io::stdout(), "{}", help());
            Ok(exit::SUCCESS)
        }
        "--version" | "-V" => {
            let _ = writeln!(io::stdout(), "boathook {}", env!("CARGO_PKG_VERSION"));
            Ok(exit::SUCCESS)
        }
        known if is_command(known) => {
            args.remove(0);
            command(known, &format!("boathook {known}"), args, environment)
        }
        unknown => {
            let message = format!("Unknown command: {unknown}\nRun boathook --help for the list of commands.");
            Ok(usage::refuse(&message, &settings::read(environment).secrets))
        }
    }
}

/// The commands beside the workers, aliases among them.
const OTHERS: [&str; 14] = [
    "entry.sh",
    "scheduler-process",
    entry::MOUNTED,
    cleaner::COMMAND,
    "locked_run",
    "rotate_log",
    "hooks",
    "doctor",
    "config-check",
    "status",
    "health-summary",
    "cron-list",
    "schedule",
    "alive",
];

/// Those of them that only we ourselves call.
const HIDDEN: [&str; 3] = ["scheduler-process", entry::MOUNTED, cleaner::COMMAND];

fn base_name(path: &OsStr) -> String {
    Path::new(path).file_name().unwrap_or(path).to_string_lossy().into_owned()
}

pub(super) fn is_command(name: &str) -> bool {
    OTHERS.contains(&name) || find(name).or_else(|| find_by_old_name(name)).is_some()
}

/// Every name that a process may be called by, links of the image among them.
pub fn commands() -> Vec<&'static str> {
    let workers = WORKERS.iter().map(|worker| worker.job.name);
    workers.chain(OLD_NAMES.iter().map(|(old, _)| *old)).chain(OTHERS).filter(|name| !HIDDEN.contains(name)).collect()
}

fn command(name: &str, shown: &str, args: Vec<OsString>, environment: &Environment) -> anyhow::Result<i32> {
    let settings = || read(environment);
    Ok(match name {
        "entry.sh" => entry::run(args, environment),
        "scheduler-process" => entry::scheduler(&args, environment),
        cleaner::COMMAND => cleaner::main(),
        entry::MOUNTED => entry::mounted(&args, environment),
        "locked_run" => lock(args, environment, settings),
        "rotate_log" => rotate_log::run(args, shown, &settings()),
        "status" | "health-summary" => status::run(args, shown, &settings()).context(UNPRINTED)?,
        "cron-list" => cron_list::run(args, shown, &settings()).context(UNPRINTED)?,
        "schedule" => schedule::run(args, &settings()).context(UNPRINTED)?,
        "alive" => alive::run(args, shown, &settings()),
        "hooks" => hooks::run(args, settings()),
        "doctor" => match DoctorArgs::try_parse_from(args) {
            Ok(args) => {
                let probe =
                    if args.no_probe { doctor::Probe::Skip } else { doctor::Probe::Within(doctor::PROBE_LIMIT) };
                doctor::run(&settings(), format_of(args.json), probe, &mut io::stdout()).context(UNPRINTED)?
            }
            Err(error) => usage::report(shown, &error, &settings().secrets),
        },
        "config-check" => match ConfigCheckArgs::try_parse_from(args) {
            Ok(args) => {
                let format = format_of(args.json);
                doctor::config_check(&settings(), format, &mut io::stdout(), &mut io::stderr()).context(UNPRINTED)?
            }
            Err(error) => usage::report(shown, &error, &settings().secrets),
        },
        _ => match find(name).or_else(|| find_by_old_name(name)) {
            Some(worker) => workers::run(worker, shown, args, settings()),
            None => exit::USAGE,
        },
    })
}

/// The settings, with what is wrong in schedules among the mistakes: `settings` takes those as they are given.
fn read(environment: &Environment) -> Settings {
    let mut settings = settings::read(environment);
    settings.mistakes.extend(crate::schedule::mistakes(&settings));
    settings.mistakes.sort_by_key(|mistake| table::place(mistake.variable));
    settings::adopt_zone(&settings);
    settings
}

fn format_of(json: bool) -> doctor::Format {
    if json { doctor::Format::Json } else { doctor::Format::Text }
}

fn lock(args: Vec<OsString>, environment: &Environment, settings: impl Fn() -> Settings) -> i32 {
    let words: Vec<OsString> = args.into_iter().skip(1).collect();
    match words.as_slice() {
        [help] if help == "--help" || help == "-h" => {
            let _ = writeln!(io::stdout(), "{LOCKED_RUN}");
            exit::SUCCESS
        }
        [job, command] => {
            let job = job.to_string_lossy();
            let Some(worker) = find(&job) else {
                let names = crate::workers::names().join(", ");
                let message = format!(
                    "'{job}' is no worker, so its lock is not known: use one of {names}, or name the lock file\n{LOCKED_RUN}"
                );
                return usage::refuse(&message, &settings().secrets);
            };
            let path = settings().paths.run.join(worker.job.lock);
            locked_run(&job, &path, std::slice::from_ref(command), environment)
        }
        [job, lock, command @ ..] if !command.is_empty() => {
            locked_run(&job.to_string_lossy(), Path::new(lock), command, environment)
        }
        _ => {
            let _ = writeln!(io::stderr(), "{LOCKED_RUN}");
            exit::USAGE
        }
    }
}

fn help() -> String {
    let mut text = String::from(
        "Boathook: container workers for restic backups, with hooks that can be trusted\n\nUsage: boathook COMMAND [ARG...]\n       COMMAND [ARG...]           (called by a link of that name, such as /bin/backup)\n\nWorkers:\n",
    );
    for worker in WORKERS {
        let _ = writeln!(text, "  {:<16} {}", worker.job.name, worker.command.about);
    }
    text.push_str("\nHooks:\n  hooks list     What would run, in order\n  hooks check    Everything that would keep a hook from running\n  hooks test     Run hooks for real, without the work\n  hooks show     What a hooks file, also of another system, means here\n  hooks recover  Do what killed runs still owe\n  hooks schema   The JSON Schema of hooks.yaml\n\nDiagnosis:\n  doctor         Check the whole set-up\n  config-check   Check the settings\n  status         How the jobs are doing\n\nSchedule:\n  cron-list      Which job runs when\n  schedule next  The next times of any cron expression\n  alive          Whether the container's scheduler answers\n  rotate_log     Archive cron.log once it is large\n\nLocks:\n  locked_run     Run a command under a job's lock\n\nContainer:\n  entry.sh       What the container starts: schedule, or the command that is given\n\nOld names: bisync (replicate), health-summary (status)\n\nEach command has --help.");
    text
}
