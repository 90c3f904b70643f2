//! The end of a run: summary and metrics, the seal, notifications.

use super::Work;
use super::bounded::Turn;
use super::budget;
use super::delivery::{Delivery, GivenUp, deliver};
use super::pipeline::Pipeline;
use super::reports::{Notification, Writing};
use super::state::{Record, WorkEnd};
use crate::exit;
use crate::hooks::{Hook, Phase};
use crate::masking::say;
use crate::report::{HookRecord, Status};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// How long a file of the run may take to be written. Then the run goes on without it.
const WRITE_LIMIT: Duration = Duration::from_secs(30);
/// The same where a stop has left no more time: what a disk takes that is not frozen.
const WRITE_MOMENT: Duration = Duration::from_secs(1);

impl Pipeline<'_> {
    /// Writes the summary. That it cannot be written costs nothing else.
    pub(super) fn write_summary(&mut self, turn: Turn) {
        if !self.run.has_the_last_word() {
            // Nor is it owed.
            self.ledger.note(Record::SummaryWritten);
            return;
        }
        if self.run.trial.is_some() && self.run.folder.is_none() {
            return;
        }
        match self.write(turn, self.reports().summary()) {
            Ok(()) => self.ledger.note(Record::SummaryWritten),
            Err(line) => self.complain(line, |line| say::error(line)),
        }
    }

    pub(super) fn write_metrics(&mut self, turn: Turn) {
        if !self.run.has_the_last_word() {
            return;
        }
        let Some(metrics) = self.reports().metrics() else { return };
        if let Err(line) = self.write(turn, metrics) {
            self.complain(line, |line| say::warn(line));
        }
    }

    /// The log of a run that went wrong is kept until the next one that does.
    pub(super) fn keep_error_log(&mut self) {
        let failed = self.ledger.state().work.as_ref().is_some_and(|work| {
            work.code != 0 && !work.deferred || work.steps.iter().any(|step| step.status == "failed")
        });
        if !failed {
            return;
        }
        self.output.flush();
        if let Err(line) = self.write(Turn::Early, self.reports().error_log(self.log_path())) {
            say::error(line);
        }
    }

    /// Writes a file, and waits for that no longer than [`WRITE_LIMIT`]: an undo that has failed may have left its file
    /// system frozen. The error is the line to say.
    fn write(&mut self, turn: Turn, file: Writing) -> Result<(), String> {
        let limit = self.time_to_write();
        let Writing { folder, write, line } = file;
        self.writers.write(&folder, turn, limit, write).unwrap_or_else(|why| Err(line(&why.to_string())))
    }

    /// Removes the run's folder.
    pub(super) fn remove_folder(&mut self, folder: &Path) {
        let (limit, path) = (self.time_to_write(), folder.to_owned());
        let _ = self.writers.write(folder, Turn::Last, limit, move || fs::remove_dir_all(path));
    }

    /// Where an undo has failed, hooks have no `HOOK_OUTPUT` any more if its folder is frozen: who makes a file there
    /// would wait for ever.
    fn look_at_outputs(&mut self) {
        let failed = |hook: &HookRecord| hook.phase == "undo" && hook.status != "completed" && hook.attempts > 0;
        let is_likely = self.ledger.state().hooks.iter().flatten().any(failed);
        let Some(folder) = self.run.folder.clone().filter(|_| is_likely && !self.run.plan.post.is_empty()) else {
            return;
        };
        let (limit, probe) = (self.time_to_write(), folder.join("post"));
        let written = self.writers.write(&folder, Turn::Early, limit, move || drop(fs::write(probe, "")));
        if let Err(why) = written {
            say::warn(format!("⚠️ HOOK_OUTPUT cannot be made in {}: {why}", folder.display()));
            self.outputs = None;
        }
    }

    fn time_to_write(&self) -> Duration {
        self.time_to_notify().map_or(WRITE_LIMIT, |left| left.clamp(WRITE_MOMENT, WRITE_LIMIT))
    }

    pub(super) fn complain(&mut self, line: String, say: fn(&str)) {
        if !self.complaints.contains(&line) {
            say(&line);
            self.complaints.push(line);
        }
    }

    /// Everything after the work: summary, post hooks, seal, reports.
    pub(super) fn finish(&mut self, work: &dyn Work) -> i32 {
        if self.run.recovery.is_some() || self.ledger.state().sealed.is_none() {
            self.undos();
        }
        self.clear_away();
        let killed = self.ledger.state().work.clone().filter(|end| end.killed);
        if let (Some(end), None) = (killed, self.ledger.state().sealed) {
            // What the work would say of what it left is true by now.
            let extras = work.extras_without_work(&self.run.settings);
            self.ledger.note(Record::WorkEnded(Box::new(WorkEnd { extras, ..end })));
        }
        if self.ledger.state().sealed.is_none() {
            if self.ledger.state().work.as_ref().is_some_and(|work| !work.killed) {
                self.keep_error_log();
            }
            self.write_summary(Turn::Early);
            self.write_metrics(Turn::Early);
            self.look_at_outputs();
            self.post_hooks();
            let code = self.standing().code;
            self.ledger.note_ahead(Record::Sealed(code));
        }
        self.write_summary(Turn::Last);
        self.write_metrics(Turn::Last);
        for line in self.reports().tasks(&[]) {
            say::log_only(line);
        }
        let status = self.standing().status;
        let mut notifications: Vec<Notification> = Vec::new();
        self.finish_letter();
        let mut are_owed = false;
        if self.ledger.state().notified != Some(status) {
            (notifications, are_owed) = self.notify(None);
        }
        if !are_owed {
            self.ledger.note(Record::Notified(status));
        }
        for line in self.reports().tasks(&notifications) {
            say::console_only(line);
        }
        self.standing().code
    }

    /// After the undos: what the work has forgotten to clear away, or a dead worker left, once its engine has ended.
    fn clear_away(&mut self) {
        self.ledger.pen().await_engine();
        if let Some(hold) = &self.run.repository {
            hold.release_at_once();
        }
        for debt in self.ledger.state().debts.clone() {
            let (limit, owed) = (self.time_to_write(), debt.clone());
            let folder = debt.path().parent().unwrap_or(debt.path()).to_owned();
            let why = match self.writers.write(&folder, Turn::Last, limit, move || owed.settle()) {
                Ok(Ok(())) => {
                    self.ledger.note(Record::Paid(debt));
                    continue;
                }
                Ok(Err(error)) => error.to_string(),
                Err(why) => why.to_string(),
            };
            say::error(format!("❌ {} is left behind: {why}", debt.path().display()));
        }
    }

    /// The end of `hooks test`: post hooks if they are tried, the table, and what a real run would do now.
    pub(super) fn finish_trial(&mut self) -> i32 {
        let post = self.run.trial.as_ref().is_some_and(|trial| trial.post);
        self.undos();
        self.clear_away();
        if post {
            self.write_summary(Turn::Early);
            self.look_at_outputs();
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
            let (would, would_not): (Vec<&Hook>, Vec<&Hook>) =
                self.run.plan.post.iter().partition(|hook| self.why_no_post_hook(hook).is_none());
            let names = |hooks: &[&Hook]| hooks.iter().map(|hook| hook.name.as_str()).collect::<Vec<_>>().join(", ");
            if !would.is_empty() {
                say::console_only(format!("ℹ️ A real run would now run {} (not run by this test).", names(&would)));
            }
            if !would_not.is_empty() {
                let status = self.told_status().word();
                let names = names(&would_not);
                say::console_only(format!("ℹ️ A real run that stands at {status} would not run {names}."));
            }
        }
        code
    }

    /// `NOTIFY_AFTER` has passed: notifications go out with what is known.
    ///
    /// While an undo runs nothing waits for them: the log that is mailed may lie on what the undo has yet to thaw.
    /// `letter` gets what is on its way.
    pub(super) fn notify_early(&self, hook: &Hook, letter: &mut Option<Delivery<Vec<Notification>>>) -> Status {
        say::warn(format!("⏰ Hook {} is still running; notifications go out with what is known.", hook.name));
        if hook.phase != Phase::Undo {
            let _ = self.notify(Some(hook));
        } else if self.notifies() {
            let (message, limit) = (self.reports().letter(Some(hook)), self.time_to_notify());
            match Delivery::begin(move || message.send(limit)) {
                Ok(delivery) => *letter = Some(delivery),
                Err(GivenUp::NotStarted(error)) => say::error(format!("❌ Notifications cannot be sent: {error}")),
                Err(GivenUp::Abandoned) => {}
            }
        }
        self.standing().status
    }

    /// Waits for what went out while an undo ran.
    fn finish_letter(&mut self) {
        let Some(letter) = self.letter.take() else { return };
        if letter.wait(|| self.time_to_notify().is_some_and(|left| left.is_zero())).is_err() {
            say::error("❌ Notifications were given up: no time was left before the stop (STOP_TIMEOUT)");
        }
    }

    fn notifies(&self) -> bool {
        let wanted = &self.run.settings.notify;
        self.run.is_notified && !(wanted.webhook_url.is_empty() && wanted.mail_recipient.is_empty())
    }

    fn time_to_notify(&self) -> Option<Duration> {
        budget::notifications(self.run.settings.limits.stop, self.stop.request().as_ref())
    }

    /// Sends notifications, and gives up when a stop leaves no more time for them. Also whether they are owed still: then
    /// the journal stays, and the next start sends them.
    pub(super) fn notify(&self, still_running: Option<&Hook>) -> (Vec<Notification>, bool) {
        if !self.notifies() {
            return (Vec::new(), false);
        }
        let left = || self.time_to_notify();
        let (letter, limit) = (self.reports().letter(still_running), left());
        match deliver(move || letter.send(limit), || left().is_some_and(|left| left.is_zero())) {
            Ok(sent) => (sent, false),
            Err(GivenUp::NotStarted(error)) => {
                say::error(format!("❌ Notifications cannot be sent: {error}"));
                (Vec::new(), true)
            }
            Err(GivenUp::Abandoned) => {
                let reason = "no time was left before the stop (STOP_TIMEOUT)";
                let later = if self.run.journal.is_some() { "; the next start sends them" } else { "" };
                say::error(format!("❌ Notifications were given up: {reason}{later}"));
                (vec![("notifications".to_owned(), "failed".to_owned(), reason.to_owned())], true)
            }
        }
    }
}
