//! The steps of a run that take back what its pre hooks did, in reverse, each once.

use super::attempts::Progress;
use super::claims::Claim;
use super::pipeline::Pipeline;
use super::state::Record;
use crate::hooks::Hook;
use crate::masking::say;
use crate::process::{is_as_good_as_dead, name_of};
use std::time::{Duration, Instant};

/// How often is looked whether whoever has claimed an undo is still there.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What came of waiting for somebody else's undo.
enum Waited {
    /// It has ended, or is to be tried again by whoever has it.
    Enough,
    /// Whoever had it is dead: it is ours.
    Ours,
}

impl Pipeline<'_> {
    /// Undoes every pre hook that was started, whatever became of it and of the run. What the predecessor of a successor
    /// has undone stays so; an undo that it died in runs again, which an undo must bear.
    ///
    /// Each has its first attempt before any has its second: what fails must not keep others from being thawed.
    pub(super) fn undos(&mut self) {
        let first = self.run.plan.pre.len();
        let (mut again, mut early) = (Vec::new(), Vec::new());
        for (index, undo) in self.run.plan.undos.iter().enumerate() {
            self.ledger.look();
            let place = first + index;
            let state = self.ledger.state();
            if state.hooks[place].as_ref().is_some_and(|record| record.status != "running") {
                continue;
            }
            let of = undo.undo_of.and_then(|of| Some((self.run.plan.pre.get(of)?, state.hooks[of].as_ref())));
            match of {
                Some((_, Some(record))) if record.attempts > 0 && self.keeps_effects() => {
                    self.note_skipped(place, undo, "Task skipped: the effects are to be kept (--keep)");
                }
                Some((_, Some(record))) if record.attempts > 0 => {
                    if !self.run.claims.claim(index) && matches!(self.wait_for_other(index, undo, true), Waited::Enough)
                    {
                        early.push((index, undo));
                        continue;
                    }
                    let progress = self.ledger.state().hooks[place].as_ref().map(Progress::left).unwrap_or_default();
                    again.extend(self.undo_once(index, undo, progress));
                }
                Some((hook, Some(_))) => {
                    let reason = format!("Task skipped: {} was not started, so there is nothing to undo", hook.name);
                    say::log_only(format!("⏭ Hook {}: {reason}", undo.name));
                    self.note_skipped(place, undo, &reason);
                }
                // A trial of the post hooks alone.
                _ => {}
            }
        }
        while !again.is_empty() {
            for (index, undo, progress) in std::mem::take(&mut again) {
                again.extend(self.undo_once(index, undo, progress));
            }
        }
        for (index, undo) in early {
            if matches!(self.wait_for_other(index, undo, false), Waited::Ours) {
                let progress = self.ledger.state().hooks[first + index].as_ref().map(Progress::left);
                let mut left = self.undo_once(index, undo, progress.unwrap_or_default());
                while let Some((index, undo, progress)) = left {
                    left = self.undo_once(index, undo, progress);
                }
            }
        }
        self.ledger.look();
        // What is frozen still, after all attempts, stays so: from here on the disk is waited for, within bounds.
        self.ledger.pen().hold(false);
    }

    /// Runs an undo that is claimed once. Gives what it is to be gone on from, if it is to be tried again.
    fn undo_once<'h>(
        &mut self,
        index: usize,
        undo: &'h Hook,
        progress: Progress,
    ) -> Option<(usize, &'h Hook, Progress)> {
        self.run.claims.started(index);
        let place = self.run.plan.pre.len() + index;
        if let Some(progress) = self.run_undo(place, undo, progress) {
            return Some((index, undo, progress));
        }
        let record = self.ledger.state().hooks[place].as_ref();
        self.run.claims.ended(index, record.is_some_and(|record| record.status == "completed"));
        None
    }

    /// Waits for an undo that somebody else has claimed, since its hold limit has passed; with `once` only for its first
    /// attempt.
    fn wait_for_other(&mut self, index: usize, undo: &Hook, once: bool) -> Waited {
        let place = self.run.plan.pre.len() + index;
        let is_open = self.run.trial.is_none() && self.ledger.state().notified.is_none();
        let mut due = self.notifications_due().filter(|_| is_open);
        let mut is_said = false;
        let began = Instant::now();
        loop {
            self.ledger.look();
            let record = self.ledger.state().hooks[place].as_ref();
            let has_ended = record.is_some_and(|record| record.status != "running");
            if has_ended || once && record.is_some_and(|record| !record.tries.is_empty()) {
                return Waited::Enough;
            }
            match self.run.claims.of(index) {
                Claim::Free if self.run.claims.claim(index) => return Waited::Ours,
                // Its last words did not reach us: nobody is left to hand them on.
                Claim::Ended(well) if self.ledger.is_alone() => {
                    self.note_unheard(place, undo, well);
                    return Waited::Enough;
                }
                Claim::Claimed(other) | Claim::Started(other)
                    if self.ledger.is_alone() && is_as_good_as_dead(other) =>
                {
                    // What it ran may still be there, and has nobody to end it.
                    super::leftovers::end_told(&self.run.id, &undo.name, undo.kill_after);
                    // A supervisor that was about to start it has noticed by then.
                    std::thread::sleep(LOOK_EVERY);
                    super::leftovers::end_told(&self.run.id, &undo.name, undo.kill_after);
                    self.run.claims.free(other);
                    continue;
                }
                _ => {}
            }
            if self.ledger.is_alone()
                && began.elapsed() >= super::timers::longest(undo)
                && let Claim::Claimed(other) | Claim::Started(other) = self.run.claims.of(index)
                && name_of(other) == super::undoer::NAME
            {
                // It is stopped or stuck, and has no keeper that would see to it.
                let _ = nix::sys::signal::kill(other, nix::sys::signal::Signal::SIGKILL);
            }
            if !is_said {
                is_said = true;
                say::info(format!("⏳ Hook {} runs since its hold limit has passed: waiting for its end.", undo.name));
            }
            if due.is_some_and(|due| Instant::now() >= due) {
                due = None;
                let mut letter = None;
                let status = self.notify_early(undo, &mut letter);
                self.letter = letter.or_else(|| self.letter.take());
                self.ledger.note(Record::Notified(status));
            }
            self.ledger.pen().wait(LOOK_EVERY);
        }
    }

    /// Notes the end of an undo of which only that is known.
    fn note_unheard(&mut self, place: usize, undo: &Hook, well: bool) {
        let known = self.ledger.state().hooks[place].clone();
        let mut record = known.unwrap_or_else(|| super::reports::record_of(undo, "running"));
        record.attempts = record.attempts.max(1);
        record.exit_code = Some(i32::from(!well));
        if well { "completed" } else { "failed" }.clone_into(&mut record.status);
        if !well {
            "failed; more is not known, since the keeper of the run was killed".clone_into(&mut record.reason);
        }
        self.ledger.note(Record::Hook(place, Box::new(record)));
    }

    /// Whether the effects of the pre hooks are to stay: a trial that says so.
    pub(super) fn keeps_effects(&self) -> bool {
        self.run.trial.as_ref().is_some_and(|trial| trial.keep)
    }

    /// The work is over, or will not be done: from now on notifications are waited for, and no undo is an early one.
    pub(super) fn work_is_over(&mut self) {
        self.work_over_at = Some(Instant::now());
        self.holds.work_is_over();
    }

    /// When notifications go out, whatever undos and post hooks do (`NOTIFY_AFTER`).
    pub(super) fn notifications_due(&self) -> Option<Instant> {
        self.work_over_at.map(|at| at + self.run.settings.limits.notify_after)
    }
}
