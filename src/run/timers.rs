//! The hold timers of the keeper: past a hold limit it has the hook undone, whatever state the worker is in.

use super::attend::{Keeper, Undoer};
use super::claims::Claim;
use super::keeper::Run;
use super::state::Record;
use crate::hooks::Hook;
use crate::process::supervisor::NAME_RUNNING;
use crate::process::tree::{Progress, TreeEnder};
use crate::process::{Process, Request, children_of, is_as_good_as_dead, is_stopped, is_uninterruptible, name_of};
use nix::sys::signal::{Signal, kill};
use nix::unistd::getpid;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How often is looked at a hold whose undo cannot begin yet.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long a worker that is stopped, and so keeps an undo from running, is left alone beyond the limit.
const STOPPED_PATIENCE: Duration = Duration::from_secs(1);
/// How often an undo gets a new undoer when the one before was killed.
const UNDOERS: u32 = 3;
/// What an undoer may take beyond the limits of its undo.
const UNDOER_GRACE: Duration = Duration::from_secs(30);

/// What is known of holds.
#[derive(Default)]
pub(super) struct Timers {
    /// A hook with an undo has been started.
    any: bool,
    /// A stop was asked for, and by then the worker should have come to its undos.
    stop_due: Option<Instant>,
    /// By the place of the undo among the undos: when it is due, and how many undoers it has had.
    due: BTreeMap<usize, (Instant, u32)>,
}

impl Timers {
    /// Hooks with undos have been started before this keeper was there.
    pub fn take_over(&mut self) {
        self.any = true;
    }

    /// Whether a hook with an undo has been started.
    pub fn holds(&self) -> bool {
        self.any
    }

    /// Takes note of a step that is heard for the first time.
    pub fn hear(&mut self, run: &Run, record: &Record) {
        let Record::Hook(place, hook) = record else { return };
        let Some(index) = run.plan.undos.iter().position(|undo| undo.undo_of == Some(*place)) else { return };
        if *place >= run.plan.pre.len() || hook.status != "running" {
            return;
        }
        self.any = true;
        let is_kept = run.trial.as_ref().is_some_and(|trial| trial.keep);
        if let (Some(limit), false) = (run.plan.pre[*place].hold_limit, is_kept) {
            self.due.entry(index).or_insert_with(|| (Instant::now() + limit, 0));
        }
    }
}

impl Keeper {
    /// A stop was asked for: the worker has so long to come to its undos.
    pub(super) fn a_stop_is_asked_for(&mut self, run: &Run) {
        let request = Request { signal: Signal::SIGTERM, at: Instant::now(), again: false };
        let grace = super::budget::engine_grace(run.settings.limits.stop, &request);
        self.timers.stop_due.get_or_insert(request.at + grace + STOPPED_PATIENCE);
    }

    /// After a stop: a worker that hangs in the kernel (its work writes to what its hooks have frozen) comes to no undo.
    /// Gives when to look again.
    fn look_at_stop(&mut self, run: &Run, now: Instant) -> Option<Duration> {
        let due = self.timers.stop_due.filter(|_| self.timers.any)?;
        if now < due {
            return Some(due - now);
        }
        let hangs = self.worker.as_ref().is_some_and(|worker| is_uninterruptible(worker.pid));
        if hangs && !run.trial.as_ref().is_some_and(|trial| trial.keep) {
            for (index, undo) in run.plan.undos.iter().enumerate() {
                let hook = undo.undo_of.and_then(|of| self.state.hooks.get(of)?.as_ref());
                if hook.is_some_and(|hook| hook.attempts > 0) {
                    self.timers.due.entry(index).or_insert((now, 0));
                }
            }
        }
        Some(LOOK_EVERY)
    }

    /// Has undone what is due. Gives when to look again.
    pub(super) fn keep_time(&mut self, run: &Run) -> Option<Duration> {
        let now = Instant::now();
        let stop = self.look_at_stop(run, now);
        // One with a thread that hangs in the kernel cannot be waited for: its end is not told.
        let dead: Vec<usize> =
            (0..self.undoers.len()).rev().filter(|at| is_as_good_as_dead(self.undoers[*at].child.pid)).collect();
        for at in dead {
            self.hear(run);
            let undoer = self.undoers.remove(at);
            self.undoer_has_ended(run, &undoer);
        }
        for undoer in self.undoers.iter().filter(|undoer| now >= undoer.until) {
            // It is stopped or stuck; its end is noticed as any other.
            let _ = kill(undoer.child.pid, Signal::SIGKILL);
        }
        let undoers = self.undoers.iter().map(|undoer| undoer.until.saturating_duration_since(now).max(LOOK_EVERY));
        let mut next = undoers.chain(stop).min();
        let due: Vec<(usize, Instant)> = self.timers.due.iter().map(|(index, (due, _))| (*index, *due)).collect();
        for (index, due) in due {
            let wait = if now < due {
                Some(due - now)
            } else if self.hold_has_passed(run, index, now - due) {
                self.timers.due.remove(&index);
                None
            } else {
                Some(LOOK_EVERY)
            };
            next = [next, wait].into_iter().flatten().min();
        }
        next
    }

    /// What is done `since` a hold has passed. Whether nothing more is to be done.
    fn hold_has_passed(&mut self, run: &Run, index: usize, since: Duration) -> bool {
        let place = run.plan.pre.len() + index;
        let record = |place: usize| self.state.hooks.get(place).and_then(Option::as_ref);
        if record(place).is_some_and(|record| record.status != "running") {
            return true;
        }
        let Some(of) = run.plan.undos[index].undo_of else { return true };
        let is_over = record(of).is_some_and(|hook| hook.status != "running");
        if is_over && record(of).is_some_and(|hook| hook.attempts == 0) {
            return true;
        }
        let stopped = self.worker.as_ref().map(|worker| worker.pid).filter(|pid| is_stopped(*pid));
        match run.claims.of(index) {
            Claim::Ended(_) => true,
            Claim::Free if is_over || stopped.is_some() => {
                self.undo_early(run, index);
                false
            }
            Claim::Free => false,
            Claim::Hook(pid) | Claim::Claimed(pid) => {
                // It may begin its hook, or its undo, whenever it is let go on: nobody else can undo it while it lives.
                if stopped == Some(pid) && since >= STOPPED_PATIENCE {
                    let _ = kill(pid, Signal::SIGKILL);
                }
                false
            }
            // A supervisor ends it at its limit, if it came to that.
            Claim::Started(pid) => {
                if stopped == Some(pid) && since >= longest(&run.plan.undos[index]) {
                    let _ = kill(pid, Signal::SIGKILL);
                }
                false
            }
        }
    }

    fn undo_early(&mut self, run: &Run, index: usize) {
        if self.undoers.iter().any(|undoer| undoer.index == index) {
            return;
        }
        let Some((_, count)) = self.timers.due.get_mut(&index).filter(|(_, count)| *count < UNDOERS) else { return };
        *count += 1;
        if let Ok(child) = self.start_undoer(run, index) {
            let until = Instant::now() + longest(&run.plan.undos[index]);
            self.undoers.push(Undoer { child, index, until });
        }
    }

    /// An undoer is gone: what it has not ended is free again, once nothing of it runs any more.
    pub(super) fn undoer_has_ended(&mut self, run: &Run, undoer: &Undoer) {
        let grace = run.plan.undos[undoer.index].kill_after;
        let until = Instant::now() + grace + UNDOER_GRACE;
        if !matches!(run.claims.of(undoer.index), Claim::Claimed(pid) | Claim::Started(pid) if pid == undoer.child.pid)
        {
            return;
        }
        // Its supervisor sees its socket closed, and ends the undo.
        let running = || -> Vec<Process> {
            // They stay its own while a thread of it is left.
            let all = children_of(getpid()).into_iter().chain(children_of(undoer.child.pid));
            all.filter(|one| !one.is_over() && name_of(one.pid) == NAME_RUNNING).collect()
        };
        while !running().is_empty() && Instant::now() < until {
            super::attend::reap();
            std::thread::sleep(Duration::from_millis(10));
        }
        let busy = running();
        if !busy.is_empty() {
            self.end_with(&busy);
        }
        let mut rest = TreeEnder::begin(grace, self.not_to_be_ended());
        while let Progress::Wait(time) = rest.step() {
            super::attend::reap();
            std::thread::sleep(time);
        }
        run.claims.free(undoer.child.pid);
    }
}

/// The longest that all attempts of an undo may take.
pub(super) fn longest(undo: &Hook) -> Duration {
    let attempt = undo.timeout.unwrap_or(Duration::from_secs(24 * 3600)) + undo.kill_after + undo.retry_delay * 4;
    attempt * (undo.retries + 1) + UNDOER_GRACE
}
