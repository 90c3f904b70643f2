//! The way of a run through the worker process (`docs/hooks.md`: Order of a run).
//!
//! One pipeline for every worker, and for the successor of a killed one: each step looks at what is known already, so
//! a successor goes on where its predecessor fell.

use super::keeper::Run;
use super::ledger::{Ledger, end_own};
use super::outcome::{self, Outcome};
use super::reports::{Notification, Reports, record_of};
use super::state::{Record, WorkEnd};
use super::{Asked, Cancelled, Work, WorkContext, Worked, budget};
use crate::exit;
use crate::hooks::{Directory, Hook, HookEnd, Phase, Runner, Standing, Told};
use crate::masking::output::{self, Output};
use crate::masking::say;
use crate::process::{Alarm, Request, Stop, Supervisor, is_ignored};
use crate::report::{HookRecord, Status};
use crate::settings::table::{self, Class};
use crate::settings::{Effect, Mistake};
use chrono::{Local, SecondsFormat};
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::read;
use serde_json::Map;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use std::fs;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

/// From SIGTERM to SIGKILL for what an interrupted engine left behind.
const ENGINE_ORPHANS_GRACE: Duration = Duration::from_millis(500);

/// One run on its way.
pub(super) struct Pipeline<'a> {
    run: &'a Run,
    ledger: Ledger,
    stop: Stop,
    output: Output,
    hooks: Vec<&'a Hook>,
    target: String,
    /// Those that may still drain what hooks left running: waited for when they end.
    supervisors: Vec<Supervisor>,
    /// What could not be written, as it was said: a summary is written twice, and its trouble is one.
    complaints: Vec<String>,
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
        let asked = stop.clone();
        std::thread::Builder::new().name("signals".into()).spawn(move || {
            for signal in signals.forever() {
                ask(&asked, signal);
            }
        })?;
        let asked = stop.clone();
        std::thread::Builder::new().name("keeper".into()).spawn(move || {
            let mut signal = [0];
            while matches!(read(&keeper_signals, &mut signal), Ok(1)) {
                ask(&asked, i32::from(signal[0]));
            }
            // The keeper is dead: what it would have adopted comes to us.
            let _ = nix::sys::prctl::set_child_subreaper(true);
        })?;
        let settings = &run.settings;
        let output = output::open(settings.secrets.clone(), settings.log.clone());
        Ok(Self {
            run,
            ledger,
            stop,
            output,
            hooks: run.plan.all().collect(),
            target: String::new(),
            supervisors: Vec::new(),
            complaints: Vec::new(),
        })
    }

    /// Goes all the way, and gives the exit code.
    pub fn go(mut self, work: &mut dyn Work) -> i32 {
        let span = tracing::info_span!("run", run_id = %self.run.id, worker = self.run.job.name);
        let _entered = span.enter();
        self.target = work.target(&self.run.settings, &self.ledger.state().values);
        if self.ledger.state().begun {
            self.take_over(work);
        } else {
            match work.ask(&self.run.settings, &self.stop) {
                Ok(Asked::Proceed) => {}
                Ok(Asked::Done(code)) => return self.leave(code),
                Err(Cancelled::Refused { message, code }) => {
                    let message = self.run.settings.secrets.mask(&message).into_owned();
                    let _ = writeln!(io::stderr(), "{message}");
                    return self.leave(code);
                }
                Err(Cancelled::ByOperator { extras }) => return self.cancelled(extras),
            }
            // What the questions settled: a target that was typed.
            self.target = work.target(&self.run.settings, &self.ledger.state().values);
            self.begin();
            if self.run.trial.as_ref().is_none_or(|trial| trial.pre) {
                self.pre_hooks();
            }
            // What they handed on may change what is read.
            self.target = work.target(&self.run.settings, &self.ledger.state().values);
            self.work(work);
        }
        let code = if self.run.trial.is_some() { self.finish_trial() } else { self.finish() };
        self.leave(code)
    }

    /// The end of `hooks test`: post hooks if they are tried, the table, and what a real run would do now.
    fn finish_trial(&mut self) -> i32 {
        let post = self.run.trial.as_ref().is_some_and(|trial| trial.post);
        if post {
            self.write_summary();
            self.post_hooks();
        }
        let failed = self.ledger.state().hooks.iter().flatten().find(|hook| hook.status == "failed" || hook.timed_out);
        let code = match (self.ledger.state().interrupted, failed) {
            (Some(signal), _) => exit::of_signal(signal),
            (None, Some(hook)) if hook.timed_out => exit::TIMED_OUT,
            (None, Some(_)) => exit::FAILURE,
            (None, None) => exit::SUCCESS,
        };
        self.ledger.note(Record::Sealed(code));
        for line in self.reports().tasks(&[]) {
            say::console_only(line);
        }
        if !post && !self.run.plan.post.is_empty() {
            let names: Vec<&str> = self.run.plan.post.iter().map(|hook| hook.name.as_str()).collect();
            say::console_only(format!("ℹ️ A real run would now run {} (not run by this test).", names.join(", ")));
        }
        code
    }

    fn leave(mut self, code: i32) -> i32 {
        self.output.flush();
        if let Some(folder) = self.run.folder.as_ref().filter(|_| self.ledger.is_alone()) {
            // Nobody else does it any more.
            let _ = fs::remove_dir_all(folder);
        }
        code
    }

    fn log_path(&self) -> PathBuf {
        self.run.settings.paths.log.join(format!("{}-last.log", self.run.job.name))
    }

    /// From here on the run is recorded: its logs are its own, and it owes its post hooks.
    fn begin(&mut self) {
        self.ledger.note(Record::Begun);
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
        if let Some(error) = &self.run.folder_error {
            let runs = self.run.settings.paths.run.join("runs");
            self.trouble(&format!("the run cannot be registered in {} ({error}): set RUN_DIR", runs.display()));
        }
        if let Directory::Unreadable(why) = &self.run.plan.discovery.directory {
            self.trouble(&format!("no hook runs: {} cannot be read: {why}", self.run.settings.paths.hooks.display()));
        }
        for hook in &self.run.plan.post {
            if let Some(problem) = &hook.problem {
                say::error(format!(
                    "❌ Hook {} will not run after the work ({}): {}",
                    hook.name,
                    hook.path.display(),
                    problem.what
                ));
            }
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

    fn trouble(&mut self, what: &str) {
        say::error(format!("❌ {what}"));
        self.ledger.note(Record::Trouble(self.run.settings.secrets.mask(what).into_owned()));
    }

    /// The successor of a killed worker: settles what its predecessor left open.
    fn take_over(&mut self, work: &dyn Work) {
        if self.run.trial.is_none() {
            let _ = self.output.open_log(&self.log_path());
        }
        let state = self.ledger.state();
        if state.sealed.is_some() {
            return;
        }
        let (code, reason) = outcome::death(state.died.unwrap_or(libc::SIGKILL));
        let (clock, ended) = (state.clock, state.work.is_some());
        say::error(format!("❌ {reason}; its keeper finishes the run."));
        for (place, hook) in self.hooks.clone().into_iter().enumerate() {
            match &self.ledger.state().hooks[place] {
                Some(record) if record.status == "running" => {
                    let mut record = record.clone();
                    "failed".clone_into(&mut record.status);
                    record.exit_code = Some(exit::of_signal(libc::SIGTERM));
                    record.reason = format!("ended, since {reason}");
                    self.ledger.note(Record::Hook(place, Box::new(record)));
                }
                None if hook.phase == Phase::Pre => self.skip(place, hook, &format!("not run, since {reason}")),
                _ => {}
            }
        }
        if ended {
            self.ledger.note(Record::Trouble(reason));
            return;
        }
        let milliseconds = clock.map_or(0, |at| (Local::now() - at).num_milliseconds().max(0) as u64);
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

    fn cancelled(mut self, extras: Vec<(String, String)>) -> i32 {
        self.ledger.note(Record::Begun);
        self.ledger.note(Record::Cancelled(extras));
        self.ledger.note(Record::Interrupted(libc::SIGINT));
        self.open_log();
        self.write_summary();
        let code = exit::of_signal(libc::SIGINT);
        self.ledger.note(Record::Sealed(code));
        self.leave(code)
    }

    fn standing(&self) -> Outcome {
        outcome::outcome(&self.hooks, self.ledger.state())
    }

    fn reports(&self) -> Reports<'_> {
        Reports { run: self.run, hooks: &self.hooks, state: self.ledger.state(), output: &self.output }
    }

    /// Writes the summary. That it cannot be written costs nothing else.
    fn write_summary(&mut self) {
        if self.run.trial.is_some() && self.run.folder.is_none() {
            return;
        }
        match self.reports().write_summary() {
            Ok(()) => self.ledger.note(Record::SummaryWritten),
            Err(line) => self.complain(line, |line| say::error(line)),
        }
    }

    fn write_metrics(&mut self) {
        if let Err(line) = self.reports().write_metrics() {
            self.complain(line, |line| say::warn(line));
        }
    }

    fn complain(&mut self, line: String, say: fn(&str)) {
        if !self.complaints.contains(&line) {
            say(&line);
            self.complaints.push(line);
        }
    }

    fn pre_hooks(&mut self) {
        self.say_absent(Phase::Pre);
        for (place, hook) in self.run.plan.pre.iter().enumerate() {
            self.note_interruption();
            if let Some(reason) = self.why_no_work() {
                self.skip(place, hook, &reason);
                continue;
            }
            let end = self.run_hook(place, hook, None);
            if let Some(reason) = end.called_off {
                self.ledger.note(Record::CalledOff(reason));
            }
        }
    }

    /// A signal that comes before the work has ended makes the run an interrupted one.
    fn note_interruption(&mut self) {
        if let (Some(request), None) = (self.stop.request(), self.ledger.state().interrupted) {
            say::warn(format!("🛑 {} received; ending {}.", request.signal, self.run.job.name));
            self.ledger.note(Record::Interrupted(request.signal as i32));
        }
    }

    /// Why what comes before the work's end is not done any more (the words are normative), if so.
    fn why_no_work(&self) -> Option<String> {
        let state = self.ledger.state();
        if let Some(record) = outcome::forbidding(&self.hooks, state) {
            return Some(format!("Task skipped due to critical hook failure: {}", record.name));
        }
        if state.interrupted.is_some() {
            return Some(format!("Task skipped: the run was {}", self.standing().reason));
        }
        state.called_off.as_ref().map(|reason| format!("Task skipped: the run was called off: {reason}"))
    }

    fn say_absent(&self, phase: Phase) {
        for (_, name, path) in self.run.plan.absent.iter().filter(|(of, _, _)| *of == phase) {
            say::info(format!("ℹ️ Hook {name} not found ({})", path.display()));
        }
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
        let end = self.do_work(work, started);
        if self.stop.request().is_some() {
            // What served the engine has no purpose without it.
            self.ledger.end_orphans(ENGINE_ORPHANS_GRACE);
        }
        if end.code != 0 {
            self.note_interruption();
        }
        self.ledger.note(Record::WorkEnded(Box::new(end)));
        if self.run.trial.is_none() {
            self.keep_error_log();
        }
    }

    fn do_work(&self, work: &mut dyn Work, started: Instant) -> WorkEnd {
        let settings = &self.run.settings;
        let values = self.ledger.state().values.clone();
        let mut environment = settings.environment.clone();
        for (name, value) in &values {
            environment.set(name, value);
        }
        let mut cx = WorkContext {
            job: self.run.job,
            settings,
            environment,
            values: &values,
            stop: &self.stop,
            log_path: self.log_path(),
            extras: Vec::new(),
            stats: Map::new(),
            snapshot: String::new(),
            steps: Vec::new(),
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

    /// The log of a run that went wrong is kept until the next one that does.
    fn keep_error_log(&self) {
        let failed = self.ledger.state().work.as_ref().is_some_and(|work| {
            work.code != 0 && !work.deferred || work.steps.iter().any(|step| step.status == "failed")
        });
        if !failed {
            return;
        }
        self.output.flush();
        let to = self.run.settings.paths.log.join(format!("{}-error-last.log", self.run.job.name));
        let beside = to.with_extension("log.tmp");
        let copied = fs::copy(self.log_path(), &beside).and_then(|_| fs::rename(&beside, &to));
        if let Err(error) = copied {
            let _ = fs::remove_file(&beside);
            say::error(format!("❌ The error log {} cannot be written: {error}", to.display()));
        }
    }

    /// Everything after the work: summary, post hooks, seal, reports.
    fn finish(&mut self) -> i32 {
        if self.ledger.state().sealed.is_none() {
            self.write_summary();
            self.write_metrics();
            self.post_hooks();
            let code = self.standing().code;
            self.ledger.note(Record::Sealed(code));
        }
        self.write_summary();
        self.write_metrics();
        for line in self.reports().tasks(&[]) {
            say::log_only(line);
        }
        let status = self.standing().status;
        let mut notifications: Vec<Notification> = Vec::new();
        if self.ledger.state().notified != Some(status) {
            notifications = self.notify(None);
        }
        self.ledger.note(Record::Notified(status));
        for line in self.reports().tasks(&notifications) {
            say::console_only(line);
        }
        self.standing().code
    }

    fn post_hooks(&mut self) {
        let ended = Instant::now();
        self.say_absent(Phase::Post);
        let first = self.run.plan.pre.len();
        for (place, hook) in self.run.plan.post.iter().enumerate().map(|(index, hook)| (first + index, hook)) {
            if self.ledger.state().hooks[place].is_some() {
                continue;
            }
            let stop = self.run.settings.limits.stop;
            if self.stop.request().is_some_and(|request| budget::post_hook(stop, &request).0 <= Instant::now()) {
                self.skip(place, hook, "no time was left before the stop (STOP_TIMEOUT)");
                continue;
            }
            self.run_hook(place, hook, Some(ended + self.run.settings.limits.notify_after));
        }
    }

    fn skip(&mut self, place: usize, hook: &Hook, reason: &str) {
        say::warn(format!("⏭ Hook {}: {reason}", hook.name));
        let record = HookRecord { reason: reason.to_owned(), ..record_of(hook, "skipped") };
        self.ledger.note(Record::Hook(place, Box::new(record)));
    }

    fn run_hook(&mut self, place: usize, hook: &Hook, notify_at: Option<Instant>) -> HookEnd {
        let span = tracing::info_span!("hook", hook = %hook.name);
        let _entered = span.enter();
        let mut record = HookRecord { attempts: 1, ..record_of(hook, "running") };
        self.ledger.note(Record::Hook(place, Box::new(record.clone())));
        let standing = self.standing();
        let state = self.ledger.state();
        let settings = &self.run.settings;
        let summary = self.reports().summary_path();
        let started_at = self.run.started_at.to_rfc3339_opts(SecondsFormat::Secs, false);
        let trial_status = self.run.trial.as_ref().and_then(|trial| trial.status);
        let phase = self.run.plan.phase(hook.phase);
        let log = self.log_path();
        let told = Told {
            worker: self.run.job.name,
            run_id: &self.run.id,
            trigger: &settings.trigger,
            started_at: &started_at,
            log: &log,
            target: &self.target,
            index: phase.iter().position(|one| one == hook).unwrap_or(0) + 1,
            count: phase.len(),
            attempt: 1,
            standing: (hook.phase == Phase::Post).then(|| Standing {
                exit_code: standing.code,
                status: trial_status.unwrap_or(standing.status).word(),
                error: &standing.reason,
                snapshot: state.work.as_ref().map_or("", |work| &work.snapshot),
                summary: state.summary_written.then_some(&*summary),
            }),
            output: None,
            values: &state.values,
            recovery: false,
        };
        let stop_after = settings.limits.stop;
        let rule = |request: &Request| match hook.phase {
            Phase::Pre => budget::pre_hook(stop_after, hook.kill_after, request),
            Phase::Post => budget::post_hook(stop_after, request),
        };
        let supervisors = std::mem::take(&mut self.supervisors);
        let mut notified: Option<Status> = None;
        let mut ring = || notified = Some(self.notify_early(hook));
        let alarm = notify_at
            .filter(|_| state.notified.is_none() && self.run.trial.is_none())
            .map(|at| Alarm { at, ring: &mut ring as &mut dyn FnMut() });
        let mut runner = Runner {
            environment: &settings.environment,
            secrets: settings.secrets.clone(),
            stop: &self.stop,
            folder: self.run.folder.as_deref(),
            supervisors,
        };
        let end = runner.run(hook, &told, &rule, alarm);
        let supervisors = runner.supervisors;
        self.supervisors = supervisors;
        if let Some(status) = notified {
            self.ledger.note(Record::Notified(status));
        }
        if end.supervisor_died {
            self.ledger.end_orphans(hook.kill_after);
        }
        end.status.word().clone_into(&mut record.status);
        if end.called_off.is_some() {
            "completed".clone_into(&mut record.status);
        }
        record.exit_code = Some(end.exit_code);
        record.signal = end.signal;
        record.timed_out = record.status == "timed_out";
        record.duration_ms = end.duration.as_millis() as u64;
        end.called_off.as_ref().unwrap_or(&end.reason).clone_into(&mut record.reason);
        end.output_tail.clone_into(&mut record.output_tail);
        if hook.problem.is_some() {
            record.attempts = 0;
        }
        self.ledger.note(Record::Hook(place, Box::new(record)));
        if !end.values.is_empty() {
            self.ledger.note(Record::Values(end.values.clone()));
        }
        end
    }

    /// `NOTIFY_AFTER` has passed: notifications go out with what is known.
    fn notify_early(&self, hook: &Hook) -> Status {
        say::warn(format!("⏰ Hook {} is still running; notifications go out with what is known.", hook.name));
        self.notify(Some(hook));
        self.standing().status
    }

    /// Sends notifications, and gives up when a stop leaves no more time for them.
    fn notify(&self, still_running: Option<&Hook>) -> Vec<Notification> {
        let wanted = &self.run.settings.notify;
        if wanted.webhook_url.is_empty() && wanted.mail_recipient.is_empty() {
            return Vec::new();
        }
        let left = || budget::notifications(self.run.settings.limits.stop, self.stop.request().as_ref());
        let (letter, limit) = (self.reports().letter(still_running), left());
        let (done, wait) = std::sync::mpsc::channel();
        let sender = std::thread::Builder::new().name("notify".into()).spawn(move || {
            // Nobody waits any more once a stop has left no time.
            let _ = done.send(letter.send(limit));
        });
        if let Err(error) = sender {
            say::error(format!("❌ Notifications cannot be sent: {error}"));
            return Vec::new();
        }
        loop {
            match wait.recv_timeout(Duration::from_millis(50)) {
                Ok(sent) => return sent,
                Err(RecvTimeoutError::Timeout) if left().is_none_or(|left| !left.is_zero()) => {}
                Err(_) => {
                    let reason = "no time was left before the stop (STOP_TIMEOUT)";
                    say::error(format!("❌ Notifications were given up: {reason}"));
                    // A sendmail that does not end.
                    end_own(Duration::ZERO);
                    return vec![("notifications".to_owned(), "failed".to_owned(), reason.to_owned())];
                }
            }
        }
    }
}

fn ask(stop: &Stop, signal: i32) {
    if let Ok(signal) = Signal::try_from(signal) {
        stop.ask(signal);
    }
}
