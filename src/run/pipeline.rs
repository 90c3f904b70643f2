//! The way of a run through the worker process (`docs/hooks.md`: Order of a run).
//!
//! One pipeline for every worker, and for the successor of a killed one: each step looks at what is known already, so
//! a successor goes on where its predecessor fell.

use super::bounded::{Turn, Writers};
use super::delivery::Delivery;
use super::hold::Holds;
use super::journal::Journal;
use super::keeper::Run;
use super::ledger::Ledger;
use super::ledger::journal_trouble;
use super::outcome::{self, Outcome};
use super::reports::{Notification, Reports};
use super::state::{Record, WorkEnd};
use super::{Asked, Cancelled, Debt, Debts, Work, WorkContext, Worked, locks, recovery};
use crate::exit;
use crate::hooks::{Directory, Hook, OutputFiles, Phase, read_handed_on};
use crate::lock::RepositoryHold;
use crate::masking::output::{self, Output};
use crate::masking::say;
use crate::process::{self, Stop, Supervisor, is_ignored};
use crate::report::{Attempt, HookRecord};
use crate::settings::seeded::{Fault, seeded};
use crate::settings::table::{self, Class};
use crate::settings::{Effect, Mistake};
use chrono::Local;
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::read;
use serde_json::Map;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// From SIGTERM to SIGKILL for what an interrupted engine left behind.
const ENGINE_ORPHANS_GRACE: Duration = Duration::from_millis(500);

/// How many mistakes of hooks files are said.
const MOST_MISTAKES: usize = 20;

/// One run on its way.
pub(super) struct Pipeline<'a> {
    pub(super) run: &'a Run,
    pub(super) ledger: Ledger,
    pub(super) stop: Stop,
    pub(super) output: Output,
    pub(super) hooks: Vec<&'a Hook>,
    pub(super) target: String,
    /// Those that may still drain what hooks left running: waited for when they end.
    pub(super) supervisors: Vec<Supervisor>,
    /// What could not be written, as it was said: a summary is written twice, and its trouble is one.
    pub(super) complaints: Vec<String>,
    /// Asked together with `stop`, for the threads that watch holds: each stop has one waiter.
    pub(super) stops: Arc<Mutex<Vec<Stop>>>,
    /// See [`Pipeline::hold_stop`].
    for_holds: OnceCell<Stop>,
    /// The holds, for when nobody else keeps their time.
    pub(super) holds: Arc<Holds>,
    /// When the run's clock began.
    pub(super) began: Instant,
    /// See [`Pipeline::work_is_over`].
    pub(super) work_over_at: Option<Instant>,
    /// Notifications that are on their way while an undo runs.
    pub(super) letter: Option<Delivery<Vec<Notification>>>,
    /// Where hooks hand values on; `None` if the run has no folder.
    pub(super) outputs: Option<OutputFiles>,
    /// Writes what may lie on a file system that an undo has failed to thaw.
    pub(super) writers: Writers,
}

impl<'a> Pipeline<'a> {
    /// Makes this process the worker: hears signals, from whoever sends them, and opens the console.
    pub fn new(run: &'a Run, ledger: Ledger, keeper_signals: OwnedFd) -> io::Result<Self> {
        let stop = Stop::new()?;
        let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT, SIGQUIT])?;
        if !is_ignored(Signal::SIGHUP) {
            signals.add_signal(SIGHUP)?;
        }
        SigSet::all().thread_unblock()?;
        let stops = Arc::new(Mutex::new(vec![stop.clone()]));
        let asked = Arc::clone(&stops);
        std::thread::Builder::new().name("signals".into()).spawn(move || {
            for signal in signals.forever() {
                ask(&asked, signal);
            }
        })?;
        let asked = Arc::clone(&stops);
        let holds = Arc::new(Holds::default());
        let orders = Arc::clone(&holds);
        process::lend_to_supervisors(run.journal.as_ref().map(Journal::as_fd));
        std::thread::Builder::new().name("keeper".into()).spawn(move || {
            let mut signal = [0];
            while matches!(read(&keeper_signals, &mut signal), Ok(1)) {
                ask(&asked, i32::from(signal[0]));
            }
            // The keeper is dead: what it would have adopted comes to us.
            let _ = nix::sys::prctl::set_child_subreaper(true);
            orders.keep();
        })?;
        let settings = &run.settings;
        let output = output::open(settings.secrets.clone(), settings.log.clone())?;
        output.let_logs_let_go(process::own_descriptors);
        Ok(Self {
            run,
            ledger,
            stop,
            output,
            hooks: run.plan.all().collect(),
            target: String::new(),
            supervisors: Vec::new(),
            complaints: Vec::new(),
            stops,
            holds,
            for_holds: OnceCell::new(),
            began: Instant::now(),
            work_over_at: None,
            letter: None,
            outputs: run.folder.as_deref().map(OutputFiles::new),
            writers: Writers::default(),
        })
    }

    /// A stop that is asked for whenever ours is, for another thread to wait for.
    pub(super) fn hold_stop(&self) -> io::Result<Stop> {
        // One for all of them: one thread carries them out, one after the other.
        if let Some(stop) = self.for_holds.get() {
            return Ok(stop.clone());
        }
        let stop = Stop::new()?;
        let mut stops = self.stops.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(request) = self.stop.request() {
            stop.ask(request.signal);
        }
        stops.push(stop.clone());
        let _ = self.for_holds.set(stop.clone());
        Ok(stop)
    }

    /// Goes all the way, and gives the exit code.
    pub fn go(mut self, work: &mut dyn Work) -> i32 {
        let span = tracing::info_span!("run", run_id = %self.run.id, worker = self.run.job.name);
        let _entered = span.enter();
        self.target = work.target(&self.run.settings, &self.ledger.state().values);
        if self.ledger.state().begun {
            self.take_over(work);
        } else {
            let lent = self.run.repository.as_ref().filter(|_| work.asks(&self.run.settings));
            if let Some(hold) = lent {
                hold.lend();
            }
            match work.ask(&self.run.settings, &self.stop) {
                Ok(Asked::Proceed) => {
                    if lent.is_some()
                        && let Err(code) = locks::back(self.run, &self.stop)
                    {
                        return self.leave(code);
                    }
                }
                Ok(Asked::Done(code)) => return self.leave(code),
                Err(Cancelled::Refused { message, code }) => {
                    let message = self.run.settings.secrets.mask(&message).into_owned();
                    let _ = writeln!(io::stderr(), "{message}");
                    return self.leave(code);
                }
                Err(Cancelled::ByOperator { extras }) => {
                    return self.cancelled(extras, Record::Interrupted(libc::SIGINT));
                }
                Err(Cancelled::Declined { extras, reason }) => {
                    return self.cancelled(extras, Record::CalledOff(reason));
                }
            }
            // What the questions settled: a target that was typed.
            self.find_target(work);
            self.begin();
            if self.run.trial.as_ref().is_none_or(|trial| trial.pre) {
                self.pre_hooks();
            }
            // What they handed on may change what is read.
            self.find_target(work);
            self.work(work);
        }
        self.work_is_over();
        let code = if self.run.trial.is_some() { self.finish_trial() } else { self.finish(work) };
        self.leave(code)
    }

    fn find_target(&mut self, work: &dyn Work) {
        let target = work.target(&self.run.settings, &self.ledger.state().values);
        if target != self.target {
            self.ledger.note(Record::Target(target.clone()));
        }
        self.target = target;
    }

    fn leave(mut self, code: i32) -> i32 {
        self.output.flush();
        if let Some(folder) = self.run.folder.as_ref().filter(|_| self.ledger.is_alone()) {
            // Nobody else does it any more.
            self.remove_folder(folder);
            self.run.release_repository();
        }
        self.ledger.pen().sync();
        self.ledger.look();
        if self.ledger.is_alone() && self.run.settle(self.ledger.state()) {
            recovery::clear_folders(self.run, &[]);
        }
        if self.ledger.is_alone() {
            self.ledger.dismiss_cleaner();
        }
        code
    }

    /// Has the run's log opened by whoever writes it, when there is something to write: it may lie on a frozen file system.
    pub(super) fn open_log_later(&self) {
        if self.run.trial.is_none() && self.run.has_the_last_word() {
            self.output.open_log_later(&self.log_path());
        }
    }

    pub(super) fn log_path(&self) -> PathBuf {
        self.run.settings.paths.log.join(format!("{}-last.log", self.run.job.name))
    }

    /// From here on the run is recorded: its logs are its own, and it owes its post hooks.
    fn begin(&mut self) {
        self.ledger.note(Record::Begun);
        if let Some(ticket) = self.run.repository.as_ref().map(RepositoryHold::ticket) {
            // Torn up when the repository is let go, by whoever does that.
            self.ledger.pen().note(Record::Owes(Debt::File(ticket)));
        }
        let job = self.run.job.name;
        if self.run.trial.is_none() {
            for kind in ["last", "mail-last"] {
                let _ = fs::remove_file(self.run.settings.paths.log.join(format!("{job}-{kind}.log")));
            }
            self.open_log();
        }
        for mistake in self.run.settings.mistakes.iter().filter(|mistake| !mistake.stops(job)) {
            match mistake.effect {
                Effect::Fallback => say::warn(mistake.line()),
                Effect::Work(_) if !self.concerns_everybody(mistake) => {}
                Effect::Loud | Effect::Work(_) => {
                    say::error(mistake.line());
                    self.ledger.note(Record::Trouble(mistake.to_string()));
                }
            }
        }
        for what in &self.run.owed_still {
            say::error(format!("❌ {what}"));
            self.ledger.note(Record::OwedStill(self.run.settings.secrets.mask(what).into_owned()));
        }
        if let Some(error) = &self.run.journal_error {
            self.trouble(&journal_trouble(error));
        }
        if let Some(error) = &self.run.folder_error {
            let runs = self.run.settings.paths.run.join("runs");
            self.trouble(&format!("the run cannot be registered in {} ({error}): set RUN_DIR", runs.display()));
        }
        if let Directory::Unreadable(why) = &self.run.plan.discovery.directory {
            self.trouble(&format!("no hook runs: {} cannot be read: {why}", self.run.settings.paths.hooks.display()));
        }
        for what in &self.run.awaited {
            self.trouble(what);
        }
        self.say_broken_files();
        for hook in &self.run.plan.post {
            if let Some(problem) = &hook.problem {
                say::error(format!(
                    "❌ Hook {} will not run after the work ({}): {}",
                    hook.name, hook.source, problem.what
                ));
            }
        }
    }

    /// Everything that is wrong with hooks files, as far as a console bears it.
    fn say_broken_files(&self) {
        let all: Vec<String> = self
            .run
            .broken
            .iter()
            .flat_map(|file| file.mistakes.iter().map(move |mistake| (file.path.display(), mistake)))
            .map(|(path, mistake)| format!("❌ {path}:{}: {}: {}", mistake.at, mistake.what, mistake.mend))
            .collect();
        for line in all.iter().take(MOST_MISTAKES) {
            say::error(line);
        }
        if let Some(more) = all.len().checked_sub(MOST_MISTAKES).filter(|more| *more > 0) {
            say::error(format!("   and {more} more: boathook hooks check"));
        }
        if !all.is_empty() {
            say::error("   A hooks file with a mistake gives none of its hooks.");
        }
    }

    /// Whether a mistake of another worker's setting is said here, too: a list that nobody can read is one wherever it
    /// is met, but for what is said of it already. An empty value may mean something to this worker.
    fn concerns_everybody(&self, mistake: &Mistake) -> bool {
        let is_list = table::find(mistake.variable).is_some_and(|variable| variable.class == Class::Words);
        let told = |other: &Mistake| other.variable == mistake.variable && other.effect == Effect::Loud;
        is_list && !self.run.settings.mistakes.iter().any(told)
    }

    fn open_log(&mut self) {
        let path = self.log_path();
        let opened = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| self.output.open_log(&path));
        if let Err(error) = opened {
            self.trouble(&format!("the log {} cannot be written: {error}; the run goes on without it", path.display()));
        }
    }

    pub(super) fn trouble(&mut self, what: &str) {
        say::error(format!("❌ {what}"));
        self.ledger.note(Record::Trouble(self.run.settings.secrets.mask(what).into_owned()));
    }

    /// The successor of a killed worker: settles what its predecessor left open.
    fn take_over(&mut self, work: &dyn Work) {
        self.ledger.pen().hold(true);
        self.open_log_later();
        let state = self.ledger.state();
        if let Some(recovery) = &self.run.recovery {
            let owed = self.run.owes(state).join(", ");
            let (id, began) = (&self.run.id, self.run.started_at.format("%Y-%m-%d %H:%M:%S"));
            let stands = if state.sealed.is_some() { "still owes something" } else { "was not finished" };
            say::warn(format!("⚠️ Run {id}, begun {began}, {stands}. Recovery {}: {owed}.", recovery.id));
            recovery::end_what_hooks_left(self.run, state);
        }
        if state.sealed.is_some() {
            return;
        }
        let is_crashed = state.crashed;
        let (code, reason) = if is_crashed {
            (exit::of_signal(libc::SIGKILL), outcome::CUT_SHORT.to_owned())
        } else {
            let (code, reason) = outcome::death(state.died.unwrap_or(libc::SIGKILL));
            say::error(format!("❌ {reason}; its keeper finishes the run."));
            (code, reason)
        };
        let because = if is_crashed { outcome::BECAUSE_CUT_SHORT.to_owned() } else { format!(", since {reason}") };
        let (clock, ended) = (state.clock, state.work.is_some());
        for (place, hook) in self.hooks.clone().into_iter().enumerate() {
            match &self.ledger.state().hooks[place] {
                // What it was undoing is undone again, and its post hook is run again.
                Some(record) if record.status == "running" && hook.phase == Phase::Pre => {
                    let record = end_of_left(record, &because);
                    self.keep_values_for_undo(place, hook, record.attempts);
                    self.ledger.note(Record::Hook(place, Box::new(record)));
                }
                None if hook.phase == Phase::Pre => self.skip(place, hook, &format!("not run{because}")),
                None if hook.phase == Phase::Post && seeded(Fault::PostForgotten) => {
                    self.skip(place, hook, "forgotten");
                }
                _ => {}
            }
        }
        if ended {
            self.ledger.note(Record::Trouble(reason));
            return;
        }
        // How long the dead worked is not known: what has passed since is none of it.
        let counted = clock.filter(|_| !is_crashed);
        let milliseconds = counted.map_or(0, |at| (Local::now() - at).num_milliseconds().max(0) as u64);
        self.ledger.note(Record::WorkEnded(Box::new(WorkEnd {
            started: clock.is_some(),
            killed: true,
            code,
            reason,
            extras: work.extras_without_work(&self.run.settings),
            finished_at: Some(Local::now()),
            milliseconds,
            ..WorkEnd::default()
        })));
    }

    /// What the hook that a worker died in had handed on by then: it may have made what its undo is to take back.
    fn keep_values_for_undo(&mut self, place: usize, hook: &Hook, attempts: u32) {
        let is_undone = self.run.plan.undos.iter().any(|undo| undo.undo_of == Some(place));
        let Some(folder) = self.run.values_folder().filter(|_| hook.phase == Phase::Pre && is_undone) else { return };
        let known = self.ledger.state().undo_values.get(&place);
        let mut values: BTreeMap<String, String> = known.into_iter().flatten().cloned().collect();
        for attempt in 1..=attempts {
            let path = folder.join(format!("{}-{}-{attempt}", hook.phase.word(), place + 1));
            values.extend(read_handed_on(&path, &self.run.settings.secrets).unwrap_or_default());
        }
        if !values.is_empty() {
            self.ledger.note(Record::UndoValues(place, values.into_iter().collect()));
        }
    }

    fn cancelled(mut self, extras: Vec<(String, String)>, how: Record) -> i32 {
        self.ledger.note(Record::Begun);
        self.ledger.note(Record::Cancelled(extras));
        self.ledger.note(how);
        self.open_log();
        self.write_summary(Turn::Last);
        let code = self.standing().code;
        self.ledger.note(Record::Sealed(code));
        self.leave(code)
    }

    pub(super) fn standing(&self) -> Outcome {
        outcome::outcome(&self.hooks, self.ledger.state())
    }

    pub(super) fn reports(&self) -> Reports<'_> {
        Reports { run: self.run, hooks: &self.hooks, state: self.ledger.state(), output: &self.output }
    }

    /// A signal that comes before the work has ended makes the run an interrupted one.
    pub(super) fn note_interruption(&mut self) {
        if let (Some(request), None) = (self.stop.request(), self.ledger.state().interrupted) {
            say::warn(format!("🛑 {} received; ending {}.", request.signal, self.run.job.name));
            self.ledger.note(Record::Interrupted(request.signal as i32));
        }
    }

    /// Why what comes before the work's end is not done any more (the words are normative), if so.
    pub(super) fn why_no_work(&self) -> Option<String> {
        let state = self.ledger.state();
        if let Some(record) = outcome::forbidding(&self.hooks, state) {
            return Some(format!("Task skipped due to critical hook failure: {}", record.name));
        }
        if state.interrupted.is_some() {
            return Some(format!("Task skipped: the run was {}", self.standing().reason));
        }
        state.called_off.as_ref().map(|reason| format!("Task skipped: the run was called off: {reason}"))
    }

    fn work(&mut self, work: &mut dyn Work) {
        self.note_interruption();
        if let Some(reason) = self.why_no_work() {
            say::warn(format!("⏭ {}: {reason}", self.run.job.name));
            let extras = work.extras_without_work(&self.run.settings);
            self.ledger.note(Record::WorkEnded(Box::new(WorkEnd {
                reason,
                extras,
                finished_at: Some(Local::now()),
                ..WorkEnd::default()
            })));
            return;
        }
        let span = tracing::info_span!("task", task = self.run.job.name);
        let _entered = span.enter();
        self.ledger.note(Record::WorkStarted(Local::now()));
        let started = Instant::now();
        work.hear(self.reports().draft());
        let end = self.do_work(work, started);
        if self.stop.request().is_some() {
            // What served the engine has no purpose without it.
            self.ledger.end_orphans(ENGINE_ORPHANS_GRACE);
        }
        if end.code != 0 {
            self.note_interruption();
        }
        self.ledger.note(Record::WorkEnded(Box::new(end)));
    }

    fn do_work(&mut self, work: &mut dyn Work, started: Instant) -> WorkEnd {
        let run = self.run;
        let settings = &run.settings;
        let values = self.ledger.state().values.clone();
        let mut environment = settings.environment.clone();
        for (name, value) in &values {
            environment.set(name, value);
        }
        let log_path = self.log_path();
        let mut cx = WorkContext {
            job: self.run.job,
            settings,
            environment,
            values: &values,
            stop: &self.stop,
            log_path,
            extras: Vec::new(),
            stats: Map::new(),
            snapshot: String::new(),
            steps: Vec::new(),
            debts: Debts::noted_in(&mut self.ledger),
            repository: self.run.repository.as_ref(),
        };
        let Worked { code, reason, warnings, deferred } = work.run(&mut cx);
        let details = work.details(&cx);
        let mask = |text: &str| settings.secrets.mask(text).into_owned();
        WorkEnd {
            started: true,
            killed: false,
            code,
            reason: mask(&reason),
            warnings: warnings.iter().map(|warning| mask(warning)).collect(),
            deferred,
            extras: std::mem::take(&mut cx.extras),
            stats: std::mem::take(&mut cx.stats),
            snapshot: std::mem::take(&mut cx.snapshot),
            steps: std::mem::take(&mut cx.steps),
            details,
            finished_at: Some(Local::now()),
            milliseconds: started.elapsed().as_millis() as u64,
        }
    }
}

/// How a hook ended that its worker died in, or before a further attempt of it: then it ended as its last attempt did.
/// `because` follows what became of it.
fn end_of_left(record: &HookRecord, because: &str) -> HookRecord {
    let mut record = record.clone();
    let status = if record.timed_out { "timed_out" } else { "failed" };
    status.clone_into(&mut record.status);
    if record.exit_code.is_some() {
        record.reason = format!("{}; not tried again{because}", record.reason);
    } else {
        let exit_code = exit::of_signal(libc::SIGTERM);
        record.exit_code = Some(exit_code);
        record.reason = format!("ended{because}");
        if !record.tries.is_empty() {
            record.tries.push(Attempt { exit_code, duration_ms: 0, reason: record.reason.clone() });
        }
    }
    if record.tries.len() < 2 {
        record.tries.clear();
    }
    record
}

fn ask(stops: &Mutex<Vec<Stop>>, signal: i32) {
    if let Ok(signal) = Signal::try_from(signal) {
        for stop in stops.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            stop.ask(signal);
        }
    }
}
