//! `hooks recover`: making up for what dead runs owe.

use super::super::usage;
use crate::exit;
use crate::lock::LockError;
use crate::run::{self, Came, Owing, Recover, Stands};
use crate::settings::Settings;
use crate::workers::{self, Worker};
use serde_json::{Value, json};
use std::io::{self, Write as _};

/// How long the last writes may take.
const LAST_WRITES: std::time::Duration = std::time::Duration::from_secs(30);
/// What a usage error ends with.
const SEE_HELP: &str = "\nRun boathook hooks recover --help for usage.";
/// What is done about runs of a worker that is running.
const ONCE_IT_HAS_ENDED: &str = "it does this at its next start, or call this again once it has ended";

/// What is asked for.
pub(super) struct Wanted<'a> {
    pub job: Option<&'a str>,
    pub run: Option<&'a str>,
    pub json: bool,
}

/// Recovers what is wanted, and gives the exit code.
pub(super) fn run(settings: &Settings, wanted: &Wanted<'_>) -> i32 {
    if let Some(job) = wanted.job.filter(|job| workers::find(job).is_none()) {
        let names = workers::names().join(", ");
        return usage::refuse(&format!("--job={job} is no worker: use one of {names}{SEE_HELP}"), &settings.secrets);
    }
    if let Some(run) = wanted.run.filter(|run| !run::is_id(run)) {
        let form = "20260511T073000Z-backup-0a1b2c3d";
        return usage::refuse(
            &format!("--run='{run}' is no run's id: give one in the form {form}{SEE_HELP}"),
            &settings.secrets,
        );
    }
    let found = match run::owing(&settings.paths.state) {
        Ok(found) => found,
        Err(error) => return say(settings, &format!("❌ What is owed cannot be known: {error}"), exit::FAILURE),
    };
    let is_wanted =
        |one: &&Owing| wanted.job.is_none_or(|job| one.job == job) && wanted.run.is_none_or(|run| one.run == run);
    let found: Vec<Owing> = found.iter().filter(is_wanted).cloned().collect();
    let mut report = Report { settings, wanted, entries: Vec::new(), code: exit::SUCCESS };
    for worker in workers::WORKERS {
        report.job(worker, &found);
        if wanted.job.is_none_or(|job| worker.job.name == job) && wanted.run.is_none() {
            run::clear_unowed(settings, &worker.job);
        }
    }
    for one in found.iter().filter(|one| workers::find(&one.job).is_none()) {
        let what = if one.is_named() {
            format!("its worker '{}' is not known to this program: use the boathook that wrote it", one.job)
        } else {
            format!("{} is no journal's name: move it away", one.path.display())
        };
        report.add(&one.run, "unknown", &[what], exit::FAILURE);
    }
    export(settings);
    // Afterwards: it may lie on what was frozen.
    crate::process::apart(LAST_WRITES, || run::clear_half_made(&settings.paths.state));
    report.end()
}

/// Puts aside what a run owes.
pub(super) fn forget(settings: &Settings, run: &str, json: bool) -> i32 {
    match run::forget(&settings.paths.state, &settings.paths.run, run) {
        Ok(aside) => {
            export(settings);
            if json {
                let kept_as = aside.display().to_string();
                let document =
                    json!({"run": run, "status": "forgotten", "kept_as": kept_as, "exit_code": exit::SUCCESS});
                return say(settings, &document.to_string(), exit::SUCCESS);
            }
            let line =
                format!("🗑 Run {run}: what it owes is not done any more. Its journal is kept as {}.", aside.display());
            say(settings, &line, exit::SUCCESS)
        }
        Err(why) => say(settings, &format!("❌ {why}."), exit::FAILURE),
    }
}

/// Tells monitoring what is owed now.
fn export(settings: &Settings) {
    crate::process::apart(LAST_WRITES, || {
        if let Err(line) = run::export_debts(settings, None) {
            let _ = writeln!(io::stderr(), "{}", settings.secrets.mask(&line));
        }
    });
}

fn say(settings: &Settings, line: &str, code: i32) -> i32 {
    let line = format!("{}\n", settings.secrets.mask(line));
    let _ = if code == exit::SUCCESS {
        io::stdout().write_all(line.as_bytes())
    } else {
        io::stderr().write_all(line.as_bytes())
    };
    code
}

struct Report<'a> {
    settings: &'a Settings,
    wanted: &'a Wanted<'a>,
    entries: Vec<Value>,
    code: i32,
}

impl Report<'_> {
    /// Recovers the runs of one worker.
    fn job(&mut self, worker: &'static Worker, found: &[Owing]) {
        let of_job: Vec<&Owing> = found.iter().filter(|one| one.job == worker.job.name).collect();
        if of_job.is_empty() {
            return;
        }
        let mut settings = self.settings.clone();
        if self.wanted.json {
            settings.log.console = crate::settings::Console::Stderr;
        }
        let order = Recover {
            job: &worker.job,
            extras: extras(worker, &settings),
            settings,
            workers: workers::names(),
            run: self.wanted.run.map(str::to_owned),
        };
        match run::recover(&order) {
            Ok(came) => came.iter().for_each(|came| self.came(came)),
            Err(error) => {
                let is_held = matches!(error, LockError::Held { .. });
                let code = if is_held { exit::LOCKED } else { exit::FAILURE };
                let hint = if is_held { ONCE_IT_HAS_ENDED.to_owned() } else { error.hint() };
                // One that holds its journal, and the lock as well, is a run that goes on.
                let (alive, dead): (Vec<&Owing>, Vec<&Owing>) =
                    of_job.into_iter().partition(|one| one.stands == Stands::Alive);
                for one in alive {
                    self.add(&one.run, "alive", &[], exit::SUCCESS);
                }
                for one in dead {
                    let what = format!("not tried: {error}; {hint}");
                    self.add(&one.run, "left", &[what], code);
                }
            }
        }
    }

    fn came(&mut self, came: &Came) {
        match came {
            Came::Settled { run } => self.add(run, "settled", &[], exit::SUCCESS),
            Came::Owing { run, what } => self.add(run, "owing", what, exit::FAILURE),
            Came::Alive { run } => self.add(run, "alive", &[], exit::SUCCESS),
            Came::Unreadable { path, why } => {
                let run = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                self.add(&run, "unreadable", &[format!("{}: {why}", path.display())], exit::FAILURE);
            }
            Came::Stopped { signal, run, what } => {
                let stands = if what.is_empty() { "settled" } else { "owing" };
                self.add(run, stands, what, if what.is_empty() { exit::SUCCESS } else { exit::FAILURE });
                self.code = exit::of_signal(*signal);
            }
        }
    }

    fn add(&mut self, run: &str, stands: &str, what: &[String], code: i32) {
        // A signal outweighs what is owed, and that a lock.
        if self.code < 128 && (code == exit::FAILURE || self.code == exit::SUCCESS) {
            self.code = code;
        }
        self.entries.push(json!({"run": run, "status": stands, "owed": what}));
        if self.wanted.json {
            return;
        }
        let more = what.join("; ");
        let line = match stands {
            "settled" => format!("✅ Run {run}: nothing is owed any more."),
            "alive" => format!("⏳ Run {run} is alive, or somebody recovers it: left alone."),
            "owing" => format!("❌ Run {run} still owes: {more}."),
            "unreadable" => format!("❌ What run {run} owes is not known: {more}."),
            _ => format!("❌ Run {run}: {more}."),
        };
        say(self.settings, &line, code);
    }

    fn end(self) -> i32 {
        if self.wanted.json {
            let document = json!({"runs": self.entries, "exit_code": self.code});
            let _ = writeln!(io::stdout(), "{}", self.settings.secrets.mask(&document.to_string()));
        } else if self.entries.is_empty() && self.code == exit::SUCCESS {
            let folder = run::journals_lie_in(&self.settings.paths.state);
            let folder = folder.display();
            let line = match (self.wanted.run, self.wanted.job) {
                (Some(run), _) => {
                    format!("✅ No journal of run {run} in {folder}: settled, forgotten, or never there.")
                }
                (None, Some(job)) => format!("✅ Nothing is owed (no journal of {job} in {folder})."),
                (None, None) => format!("✅ Nothing is owed (no journal in {folder})."),
            };
            say(self.settings, &line, exit::SUCCESS);
        }
        self.code
    }
}

/// The contract's extras of a worker's summary, as far as they are known without its words.
fn extras(worker: &Worker, settings: &Settings) -> Vec<(String, String)> {
    let matches = super::super::workers::command(worker).try_get_matches_from([worker.job.name]);
    let work = matches.and_then(|matches| (worker.command.make)(&matches));
    work.map(|work| work.extras_without_work(settings)).unwrap_or_default()
}
