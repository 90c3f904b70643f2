//! Making up for what a dead run owes: its undos first, then summary, post hooks, seal and reports.
//!
//! A recovery goes on as the successor of a killed worker does, from what the journal says. It holds the journal's lock, so
//! that no two do it, and writes to the same journal, so that the next one resumes where it stood.

use super::attend::Keeper;
use super::claims::Claims;
use super::journal::{self, Dead, Taken};
use super::keeper::{self, Run, hear_signals};
use super::recoveries::{self, Entry};
use super::state::{Record, State};
use super::{Command, Job, RepositoryLock, Work, WorkContext, Worked, exported, guess, identity};
use crate::exit;
use crate::hooks::{Declarations, Phase};
use crate::lock::{Acquire, Holder, Lock, LockError};
use crate::process;
use crate::process::registry::{self, Registered};
use crate::process::supervisor::NAME_RUNNING;
use crate::report::HookRecord;
use crate::settings::Settings;
use chrono::Local;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, sigprocmask};
use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Who makes up for what a dead run owes.
#[derive(Debug, Clone)]
pub(super) struct Recovery {
    /// Its own id.
    pub id: String,
    /// Where the dead run's hooks handed values on.
    pub values: Option<PathBuf>,
    /// A later run of the job has left its reports: this one writes none over them.
    pub is_overtaken: bool,
}

/// What `RUN_TRIGGER` says to hooks of a recovery.
const TRIGGER: &str = "recovery";
/// How long is waited for the supervisors of a dead run to end their hooks, beyond a hook's own grace.
const REMAINS_PATIENCE: Duration = Duration::from_secs(5);
/// How long a run waits for another container that recovers its job.
const OTHERS_PATIENCE: Duration = Duration::from_secs(60);
/// How often is looked meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What is to be recovered.
pub struct Recover {
    /// The worker whose runs.
    pub job: &'static Job,
    /// The contract's extras of a summary without work.
    pub extras: Vec<(String, String)>,
    /// All settings.
    pub settings: Settings,
    /// The names of all workers, for finding hooks.
    pub workers: Vec<&'static str>,
    /// Only this run.
    pub run: Option<String>,
}

/// What came of a dead run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// All that it owed is paid.
    Settled {
        /// The dead run.
        run: String,
    },
    /// Something is owed still, in words.
    Owing {
        /// The dead run.
        run: String,
        /// What.
        what: Vec<String>,
    },
    /// Its journal cannot be read: why.
    Unreadable {
        /// The journal.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// It lives, or somebody else recovers it.
    Alive {
        /// The run.
        run: String,
    },
    /// A signal asked for a stop.
    Stopped {
        /// Which.
        signal: i32,
        /// The dead run that was being recovered.
        run: String,
        /// What it owes still, in words.
        what: Vec<String>,
    },
}

/// Recovers the dead runs of a job, oldest first, under the job's lock.
///
/// # Errors
/// When the lock is held, or cannot be had.
pub fn recover(order: &Recover) -> Result<Vec<Came>, LockError> {
    let lock = crate::lock::acquire(&order.settings.paths.run.join(order.job.lock), Acquire::AtOnce, None)?;
    lock.say(&Holder::ourselves(Holder::RECOVERY));
    let came = all(order, &lock);
    clear_registered(&order.settings, order.job);
    lock.release();
    Ok(came)
}

/// Clears away the folders of killed runs of a job that had no journal yet, or no more: they owe nothing. Only under
/// the job's lock, and if that is free.
pub fn clear_unowed(settings: &Settings, job: &Job) {
    if !registry::ids(&settings.paths.run).iter().any(|id| journal::job_of(id) == job.name) {
        return;
    }
    let lock = crate::lock::acquire(&settings.paths.run.join(job.lock), Acquire::AtOnce, None);
    if let Ok(lock) = lock {
        clear_registered(settings, job);
        lock.release();
    }
}

fn clear_registered(settings: &Settings, job: &Job) {
    registry::clear(&settings.paths.run, |id| {
        journal::job_of(id) == job.name && !journal::may_be_there(&settings.paths.state, id)
    });
}

/// Recovers what runs of the command's job owe, before it begins a run of its own. Gives the signal that asked for a
/// stop meanwhile, if one did, and what is owed still.
pub(super) fn before_a_run(command: &Command, lock: &Lock) -> (Option<i32>, Vec<String>) {
    let (settings, job) = (&command.settings, command.job);
    clear_registered(settings, job);
    if journal::of_job(&settings.paths.state, job.name).is_empty() {
        return (None, Vec::new());
    }
    let order = Recover {
        job,
        extras: command.work.extras_without_work(settings),
        settings: settings.clone(),
        workers: command.workers.clone(),
        run: None,
    };
    let mut owed = Vec::new();
    for came in all(&order, lock) {
        match came {
            Came::Stopped { signal, .. } => return (Some(signal), owed),
            Came::Owing { run, what } => owed.push(format!("run {run} still owes: {}", what.join("; "))),
            Came::Unreadable { path, why } => {
                owed.push(format!("what the run of {} owes is not known: {why}", path.display()));
            }
            Came::Settled { .. } | Came::Alive { .. } => {}
        }
    }
    // Else a file system may be frozen still, with the metrics on it: the end of the run tells.
    if owed.is_empty() {
        process::apart(keeper::WRITE_LIMIT, || {
            let _ = exported::export_debts(settings, Some(job.name));
        });
    }
    (None, owed)
}

fn all(order: &Recover, lock: &Lock) -> Vec<Came> {
    let mut came = Vec::new();
    for path in journal::of_job(&order.settings.paths.state, order.job.name) {
        let run = journal::run_of(&path);
        if order.run.as_ref().is_some_and(|wanted| *wanted != run) {
            continue;
        }
        match take(&path, &order.settings) {
            Taken::Gone => {}
            Taken::Alive => came.push(Came::Alive { run }),
            Taken::Unreadable(why) => came.push(Came::Unreadable { path, why }),
            Taken::Dead(dead) => {
                let one = one(order, *dead, lock);
                let is_stopped = matches!(one, Came::Stopped { .. });
                came.push(one);
                if is_stopped {
                    break;
                }
            }
        }
    }
    came
}

/// Takes a journal; waits within bounds for what is left of a dead run to end its hooks, and for another container that
/// recovers it.
fn take(path: &Path, settings: &Settings) -> Taken {
    let began = Instant::now();
    let (mut is_said, mut is_ended) = (false, false);
    loop {
        match journal::take(path) {
            Taken::Alive => {}
            other => return other,
        }
        let Some(patience) = patience_with(path, settings) else { return Taken::Alive };
        if !std::mem::replace(&mut is_said, true) {
            let line = format!("⏳ Run {}: waiting for the end of what is left of it.", journal::run_of(path));
            let _ = writeln!(io::stderr(), "{line}");
        }
        if began.elapsed() >= patience && !std::mem::replace(&mut is_ended, true) {
            // A supervisor that is stopped or stuck; what it had below it is found by its environment.
            for pid in process::holding(path).into_iter().filter(|pid| process::name_of(*pid) == NAME_RUNNING) {
                let _ = kill(pid, Signal::SIGKILL);
            }
        } else if began.elapsed() >= patience + REMAINS_PATIENCE {
            return Taken::Unreadable("it is held by something of its run that does not end".to_owned());
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// How long a held journal of this job is waited for; `None` if not at all: its run is alive in another container.
fn patience_with(path: &Path, settings: &Settings) -> Option<Duration> {
    let found = journal::look_at(path)?;
    let (header, records, _) = found.content.as_ref().ok()?;
    let state = guess::state_of(&header.plan, records);
    if state.recovering.is_some() {
        return Some(OTHERS_PATIENCE);
    }
    // We hold the job's lock in this RUN_DIR: if it is of here, its keeper and its worker are dead.
    let is_of_here = header.folder.as_ref().is_none_or(|folder| folder.starts_with(settings.paths.run.join("runs")))
        && header.pid_namespace == process::pid_namespace();
    is_of_here.then_some(settings.hooks.kill_after + REMAINS_PATIENCE)
}

/// The work of a dead run: none.
struct NoWork {
    target: String,
    extras: Vec<(String, String)>,
}

impl Work for NoWork {
    fn repository_lock(&self, _: &Settings) -> RepositoryLock {
        RepositoryLock::None
    }

    fn target(&self, _: &Settings, _: &BTreeMap<String, String>) -> String {
        self.target.clone()
    }

    fn run(&mut self, _: &mut WorkContext<'_>) -> Worked {
        Worked::with_code(exit::of_signal(libc::SIGKILL), String::new())
    }

    fn details(&self, _: &WorkContext<'_>) -> String {
        String::new()
    }

    fn extras_without_work(&self, _: &Settings) -> Vec<(String, String)> {
        self.extras.clone()
    }
}

fn one(order: &Recover, dead: Dead, lock: &Lock) -> Came {
    let Dead { journal, header, mut records, damage } = dead;
    let run_id = header.run_id.clone();
    let mut settings = order.settings.clone();
    TRIGGER.clone_into(&mut settings.trigger);
    let mut declared = crate::hooks::load(&settings, &order.workers);
    let current = crate::hooks::plan(&settings, order.job.name, &order.workers, &declared);
    let mut plan = header.plan.clone();
    let lost = journal::resolve(&mut plan, &current);
    declared.also_reads(&plan, &settings);
    declared.mask_in(&mut settings);
    let Declarations { secrets: secret_values, .. } = declared;
    let id = identity::new_id(order.job.name);
    let registered = Registered::new(&settings.paths.run, &id);
    let mut run = Run {
        job: order.job,
        id: run_id.clone(),
        started_at: header.started_at,
        folder: registered.as_ref().ok().map(|registered| registered.folder().to_owned()),
        folder_error: None,
        namespace: header.namespace.clone(),
        trigger: header.trigger.clone(),
        trial: header.trial.clone(),
        broken: Vec::new(),
        is_notified: header.is_notified,
        repository: None,
        secret_values,
        awaited: Vec::new(),
        claims: Arc::new(Claims::none()),
        journal: Some(journal),
        journal_error: None,
        owed_still: Vec::new(),
        recovery: Some(Recovery {
            id: id.clone(),
            values: header.folder.clone(),
            is_overtaken: is_overtaken(&settings, order.job, &run_id),
        }),
        plan,
        settings,
    };
    if is_settled(&run, &records, damage.lost > 0) {
        // Its journal was not removed in time: nobody is told of that.
        if let Ok(registered) = registered {
            registered.remove();
        }
        if let Some(journal) = &run.journal {
            let _ = journal.remove();
        }
        clear_folders(&run, &records);
        return Came::Settled { run: run_id };
    }
    let restore = SigSet::thread_get_mask();
    let started_at = Local::now();
    let kept = keeper_of(&mut run).map(|mut keeper| {
        complete(&run, &mut records, damage.lost, &lost, &id);
        keeper.knows(records.clone());
        let mut work =
            NoWork { target: keeper.state.target.clone().unwrap_or(header.target), extras: order.extras.clone() };
        keeper.watch(&run, &mut work, lock);
        keeper
    });
    if let Ok(mask) = restore {
        let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&mask), None);
    }
    match kept {
        Err(error) => {
            let _ = writeln!(io::stderr(), "❌ Run {run_id} cannot be recovered: the keeper cannot start: {error}");
            if let Ok(registered) = &registered {
                registered.remove();
            }
            Came::Owing { run: run_id, what: vec![format!("everything: its recovery cannot start: {error}")] }
        }
        Ok(keeper) => {
            let mut what: Vec<String> = run.owes(&keeper.state);
            let is_settled = what.is_empty();
            // An undo that has failed may have left them frozen: none of these writes may keep us, or a lock.
            let aside = (keeper.state.damaged.max(damage.lost) > 0 && is_settled)
                .then(|| put_aside(&run, keeper.state.damaged.max(damage.lost)))
                .flatten();
            what.extend(aside);
            let entry = Entry::of(&run, &keeper.state, id, started_at, &what);
            let state = run.settings.paths.state.clone();
            process::apart(keeper::WRITE_LIMIT, || {
                run.settle(&keeper.state);
                if is_settled {
                    clear_folders(&run, &records);
                }
                if let Ok(registered) = &registered {
                    registered.remove();
                }
            });
            run.journal = None;
            process::apart(keeper::WRITE_LIMIT, || recoveries::note(&state, &entry));
            match keeper.asked.first() {
                Some(signal) => Came::Stopped { signal: i32::from(*signal), run: run_id, what },
                None if what.is_empty() => Came::Settled { run: run_id },
                None => Came::Owing { run: run_id, what },
            }
        }
    }
}

fn keeper_of(run: &mut Run) -> io::Result<Keeper> {
    run.claims = Arc::new(Claims::new(run.plan.undos.len())?);
    Keeper::new(run, hear_signals()?)
}

fn is_settled(run: &Run, records: &[Record], is_damaged: bool) -> bool {
    let state = guess::state_of(&run.plan, records);
    !is_damaged && (!state.begun || run.owes(&state).is_empty())
}

/// Removes the folders of a run of which nothing is owed any more, and of recoveries that were killed.
pub(super) fn clear_folders(run: &Run, records: &[Record]) {
    if let Some(folder) = run.recovery.as_ref().and_then(|recovery| recovery.values.as_ref()) {
        // In the folder of runs, and named by the journal, which only we write.
        let _ = std::fs::remove_dir_all(folder);
    }
    let ours = run.recovery.as_ref().map(|recovery| recovery.id.as_str());
    for id in recoveries_in(records).into_iter().filter(|id| Some(*id) != ours && !id.contains('/')) {
        let _ = std::fs::remove_dir_all(run.settings.paths.run.join("runs").join(id));
    }
}

pub(super) fn recoveries_in(records: &[Record]) -> Vec<&str> {
    let mut ids = Vec::new();
    for record in records {
        match record {
            Record::Recovering(id) => ids.push(id.as_str()),
            Record::Anew(all) => ids.extend(recoveries_in(all)),
            _ => {}
        }
    }
    ids
}

/// Keeps a journal that was damaged, of a run that is recovered as far as could be read. Gives what is not known to be
/// paid, in words: that is said once.
fn put_aside(run: &Run, lost: usize) -> Option<String> {
    let journal = run.journal.as_ref()?;
    let aside = journal.path().with_extension("damaged");
    let kept = match std::fs::rename(journal.path(), &aside) {
        Ok(()) => format!("it is kept as {}", aside.display()),
        Err(error) => format!("it cannot be put aside: {error}"),
    };
    Some(format!("{}; {kept}", guess::damaged(lost)))
}

/// Ends what the dead have left of hooks that had not ended, or had failed and are to be undone: nobody above them is left
/// to do it, and no undo starts before.
pub(super) fn end_what_hooks_left(run: &Run, state: &State) {
    for (place, (hook, record)) in run.plan.all().zip(&state.hooks).enumerate() {
        // Of an undo nothing may be written, and yet it runs.
        let of = hook.undo_of.and_then(|of| state.hooks.get(of)?.as_ref()).is_some_and(|of| of.attempts > 0);
        let is_open = record.as_ref().is_none_or(|record| !matches!(record.status.as_str(), "completed" | "skipped"));
        if of && is_open {
            super::leftovers::end_told(&run.id, &hook.name, hook.kill_after);
            continue;
        }
        let Some(record) = record.as_ref().filter(|record| record.attempts > 0) else { continue };
        let is_undone = run.plan.undos.iter().any(|undo| undo.undo_of == Some(place));
        let has_failed = matches!(record.status.as_str(), "failed" | "timed_out");
        if record.status == "running" || has_failed && is_undone {
            super::leftovers::end_told(&run.id, &hook.name, hook.kill_after);
        }
    }
}

/// Adds to what a journal says what follows from it, as [`guess::complete`]; and that its run was cut short, that undos that
/// have failed are to be tried again, and what hooks are not to be found any more.
fn complete(run: &Run, records: &mut Vec<Record>, damaged_records: usize, lost: &[String], id: &str) {
    guess::complete(&run.plan, run.trial.as_ref(), records, damaged_records);
    let state = guess::state_of(&run.plan, records);
    let first = run.plan.pre.len();
    for (index, undo) in run.plan.undos.iter().enumerate() {
        let known = state.hooks.get(first + index).and_then(Option::as_ref);
        if let Some(record) = known.filter(|record| matches!(record.status.as_str(), "failed" | "timed_out")) {
            let said = super::outcome::said(record);
            records.push(Record::Trouble(format!("{said}; tried again since")));
            let record = HookRecord { attempts: record.attempts, ..super::reports::record_of(undo, "running") };
            records.push(Record::Hook(first + index, Box::new(record)));
        }
    }
    for what in lost {
        records.push(Record::Trouble(what.clone()));
    }
    records.push(Record::Recovering(id.to_owned()));
}

/// Whether a later run of the job has left its summary.
fn is_overtaken(settings: &Settings, job: &Job, run: &str) -> bool {
    let summary = settings.paths.log.join(format!("last-{}.json", job.name));
    // An id begins with its second; the rest of it says nothing about which was first.
    let second = |id: &str| id.split('-').next().unwrap_or_default().to_owned();
    crate::report::file::run_id(&summary).is_some_and(|last| second(last.as_str()) > second(run))
}

/// The undos, and the post hooks, of a phase with what became of them.
pub(super) fn outcomes(run: &Run, state: &State, phase: Phase) -> Vec<(String, String)> {
    let hooks = run.plan.all().zip(&state.hooks).filter(|(hook, _)| hook.phase == phase);
    hooks.filter_map(|(hook, record)| Some((hook.name.clone(), record.as_ref()?.status.clone()))).collect()
}
