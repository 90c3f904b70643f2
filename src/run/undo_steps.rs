//! The steps of a run that take back what its pre hooks did, in reverse, each once.

use super::attempts::Progress;
use super::pipeline::Pipeline;
use crate::hooks::Hook;
use crate::masking::say;
use std::time::Instant;

impl Pipeline<'_> {
    /// Undoes every pre hook that was started, whatever became of it and of the run. What the predecessor of a successor
    /// has undone stays so; an undo that it died in runs again, which an undo must bear.
    ///
    /// Each has its first attempt before any has its second: what fails must not keep others from being thawed.
    pub(super) fn undos(&mut self) {
        self.ledger.look();
        let first = self.run.plan.pre.len();
        let (mut again, mut early) = (Vec::new(), Vec::new());
        for (index, undo) in self.run.plan.undos.iter().enumerate() {
            let place = first + index;
            let is_free = self.holds.get(&index).is_none_or(super::hold::Hold::take);
            if !is_free {
                self.wait_for_early(index, undo, true);
                early.push((index, undo));
                continue;
            }
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
                    let progress = state.hooks[place].as_ref().map(Progress::left).unwrap_or_default();
                    again.extend(self.run_undo(place, undo, progress).map(|progress| (place, undo, progress)));
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
            for (place, undo, progress) in std::mem::take(&mut again) {
                again.extend(self.run_undo(place, undo, progress).map(|progress| (place, undo, progress)));
            }
        }
        for (index, undo) in early {
            self.wait_for_early(index, undo, false);
        }
        self.ledger.look();
    }

    /// Waits for an undo that runs since its hold limit has passed.
    fn wait_for_early(&mut self, index: usize, undo: &Hook, once: bool) {
        let Some(hold) = self.holds.get(&index) else { return };
        let is_open = self.run.trial.is_none() && self.ledger.state().notified.is_none();
        let due = self.notifications_due().filter(|_| is_open);
        let mut done = hold.wait(once, Some(Instant::now()));
        if done.is_none() {
            say::info(format!("⏳ Hook {} runs since its hold limit has passed: waiting for its end.", undo.name));
            done = hold.wait(once, due);
        }
        if done.is_none() {
            let mut letter = None;
            let status = self.notify_early(undo, &mut letter);
            done = hold.wait(once, None);
            self.letter = letter.or_else(|| self.letter.take());
            self.ledger.note(super::state::Record::Notified(status));
        }
        self.supervisors.extend(done.unwrap_or_default());
        self.ledger.look();
    }

    /// Whether the effects of the pre hooks are to stay: a trial that says so.
    pub(super) fn keeps_effects(&self) -> bool {
        self.run.trial.as_ref().is_some_and(|trial| trial.keep)
    }

    /// The work is over, or will not be done: from now on notifications are waited for, and no undo is an early one.
    pub(super) fn work_is_over(&mut self) {
        self.work_over_at = Some(Instant::now());
        for hold in self.holds.values() {
            hold.work_is_over();
        }
    }

    /// When notifications go out, whatever undos and post hooks do (`NOTIFY_AFTER`).
    pub(super) fn notifications_due(&self) -> Option<Instant> {
        self.work_over_at.map(|at| at + self.run.settings.limits.notify_after)
    }
}
