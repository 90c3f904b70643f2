//! The stop of a container: runs and command, then the scheduler, then whatever is left.

use super::front::Front;
use super::runs::{Run, is_registered, new_runs};
use super::service::Scheduler;
use super::signals::{for_a_run, send};
use super::sweep::{LOOK_EVERY, Progress, Sweep};
use super::timetable::Timetable;
use super::watch::Init;
use crate::exit;
use nix::unistd::Pid;
use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// How often a stop looks for runs that have registered since.
const LOOK_FOR_RUNS: Duration = Duration::from_millis(100);

/// A stop, from the request to the end.
pub(super) struct Stopping {
    signal: i32,
    table: Timetable,
    /// Every run that has been told, and the command if it is one.
    told: BTreeSet<Pid>,
    runs: Vec<Run>,
    step: Step,
}

enum Step {
    /// Runs and command end.
    Runs,
    /// The scheduler writes what is left of the log.
    Scheduler,
    /// The rest goes.
    Sweep(Sweep),
}

impl Stopping {
    /// When something is due even if nothing happens.
    pub(super) fn next_moment(&self) -> Instant {
        let now = Instant::now();
        match self.step {
            Step::Runs => self.table.runs_until.min(now + LOOK_FOR_RUNS),
            Step::Scheduler => self.table.scheduler_until,
            Step::Sweep(_) => self.table.end.min(now + LOOK_EVERY),
        }
    }

    /// What becomes readable at the end of a run.
    pub(super) fn ends(&self) -> impl Iterator<Item = &OwnedFd> {
        self.runs.iter().filter_map(|run| run.end.as_ref())
    }
}

impl Init {
    /// Begins a stop, unless one is under way.
    pub(super) fn begin_stop(&mut self, signal: i32) {
        if self.stopping.is_some() {
            return;
        }
        let mut told = BTreeSet::new();
        if let Some(pid) = self.scheduler.as_ref().and_then(Scheduler::pid) {
            ask(pid, signal);
        }
        if let Some(pid) = self.front.as_ref().and_then(Front::pid) {
            let is_run = is_registered(&self.run_dir, pid);
            let signal_there = if is_run { for_a_run(signal) } else { signal };
            ask(pid, signal_there);
            // Who may still become a run is told once more then, unless it knows already that its time counts.
            if is_run || signal == for_a_run(signal) {
                told.insert(pid);
            }
        }
        let table = Timetable::new(Instant::now(), self.stop);
        self.stopping = Some(Stopping { signal, table, told, runs: Vec::new(), step: Step::Runs });
        self.find_runs();
    }

    /// Tells every run that has come since. The last one may have been started in the moment before the stop.
    fn find_runs(&mut self) {
        let scheduler = self.scheduler.as_ref().and_then(Scheduler::pid);
        let command = self.front.as_ref().and_then(Front::pid);
        let Some(stopping) = &mut self.stopping else { return };
        let signal = for_a_run(stopping.signal);
        if let Some(command) = command.filter(|pid| !stopping.told.contains(pid))
            && is_registered(&self.run_dir, command)
        {
            ask(command, signal);
            stopping.told.insert(command);
        }
        for run in new_runs(&self.run_dir, self.reach, &stopping.told, scheduler, command) {
            ask(run.pid, signal);
            stopping.told.insert(run.pid);
            stopping.runs.push(run);
        }
        stopping.runs.retain(|run| !run.is_over());
    }

    /// A second request is handed on, too: it cuts short what the first one left time for.
    pub(super) fn ask_again(&mut self, signal: i32) {
        if let Some(pid) = self.scheduler.as_ref().and_then(Scheduler::pid) {
            ask(pid, signal);
        }
        let command = self.front.as_ref().and_then(Front::pid);
        if let Some(pid) = command {
            ask(pid, if is_registered(&self.run_dir, pid) { for_a_run(signal) } else { signal });
        }
        for run in self.stopping.iter().flat_map(|stopping| &stopping.runs) {
            ask(run.pid, for_a_run(signal));
        }
    }

    /// The next step of a stop, if one is due; at its end the container's exit code.
    pub(super) fn stop_further(&mut self) -> Option<i32> {
        if matches!(self.stopping.as_ref()?.step, Step::Runs) {
            self.find_runs();
            let stopping = self.stopping.as_ref()?;
            let command = self.front.as_ref().and_then(Front::pid);
            let late = Instant::now() >= stopping.table.runs_until;
            if !late && (command.is_some() || !stopping.runs.is_empty()) {
                return None;
            }
            let mut left: Vec<String> = stopping.runs.iter().map(|run| format!("run {}", run.name)).collect();
            left.extend(command.map(|pid| format!("the command ({pid})")));
            if !left.is_empty() {
                let stop = self.stop.as_secs_f32();
                self.say(&format!(
                    "⚠️ not ended within STOP_TIMEOUT ({stop} s), killed: {}; raise it, and the stop time of the container with it",
                    left.join(", ")
                ));
            }
            if let Some(scheduler) = &self.scheduler {
                scheduler.finish();
            }
            self.stopping.as_mut()?.step = Step::Scheduler;
        }
        let stopping = self.stopping.as_ref()?;
        if matches!(stopping.step, Step::Scheduler) {
            let is_there = self.scheduler.as_ref().is_some_and(|scheduler| scheduler.pid().is_some());
            let now = Instant::now();
            if is_there && now < stopping.table.scheduler_until {
                return None;
            }
            if let Some(scheduler) = self.scheduler.as_ref().filter(|_| !is_there) {
                scheduler.spill(&io::stdout());
            }
            let sweep = Sweep::begin(self.reach, stopping.table.kill_leftovers_at(now));
            self.stopping.as_mut()?.step = Step::Sweep(sweep);
        }
        let stopping = self.stopping.as_ref()?;
        let Step::Sweep(sweep) = &stopping.step else { return None };
        match sweep.step(stopping.table.end) {
            Progress::Wait => return None,
            Progress::Clean => {}
            Progress::Left(left) => self.say(&format!("⚠️ still there after the stop: {}", left.join(", "))),
        }
        Some(self.code(stopping.signal))
    }

    /// The container's exit code: the command's, if there was one.
    fn code(&self, signal: i32) -> i32 {
        match &self.front {
            // Killed at the end, and not waited for yet; or never started.
            Some(front) if self.boot_failed.is_none() => front.code().unwrap_or_else(|| exit::of_signal(signal)),
            _ => self.boot_failed.unwrap_or(exit::SUCCESS),
        }
    }
}

/// Asks a process to end, also one that was stopped.
fn ask(pid: Pid, signal: i32) {
    send(pid, signal);
    send(pid, libc::SIGCONT);
}
