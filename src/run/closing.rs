//! The end of a run: summary and metrics, the seal, notifications.

use super::budget;
use super::delivery::{Delivery, GivenUp, deliver};
use super::pipeline::Pipeline;
use super::reports::Notification;
use super::state::Record;
use crate::exit;
use crate::hooks::{Hook, Phase};
use crate::masking::say;
use crate::report::Status;
use std::time::Duration;

impl Pipeline<'_> {
    /// Writes the summary. That it cannot be written costs nothing else.
    pub(super) fn write_summary(&mut self) {
        if self.run.trial.is_some() && self.run.folder.is_none() {
            return;
        }
        match self.reports().write_summary() {
            Ok(()) => self.ledger.note(Record::SummaryWritten),
            Err(line) => self.complain(line, |line| say::error(line)),
        }
    }

    pub(super) fn write_metrics(&mut self) {
        if let Err(line) = self.reports().write_metrics() {
            self.complain(line, |line| say::warn(line));
        }
    }

    pub(super) fn complain(&mut self, line: String, say: fn(&str)) {
        if !self.complaints.contains(&line) {
            say(&line);
            self.complaints.push(line);
        }
    }

    /// Everything after the work: summary, post hooks, seal, reports.
    pub(super) fn finish(&mut self) -> i32 {
        if self.ledger.state().sealed.is_none() {
            self.undos();
            if self.ledger.state().work.as_ref().is_some_and(|work| !work.killed) {
                self.keep_error_log();
            }
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
        self.finish_letter();
        if self.ledger.state().notified != Some(status) {
            notifications = self.notify(None);
        }
        self.ledger.note(Record::Notified(status));
        for line in self.reports().tasks(&notifications) {
            say::console_only(line);
        }
        self.standing().code
    }

    /// The end of `hooks test`: post hooks if they are tried, the table, and what a real run would do now.
    pub(super) fn finish_trial(&mut self) -> i32 {
        let post = self.run.trial.as_ref().is_some_and(|trial| trial.post);
        self.undos();
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
            self.notify(Some(hook));
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

    /// Sends notifications, and gives up when a stop leaves no more time for them.
    pub(super) fn notify(&self, still_running: Option<&Hook>) -> Vec<Notification> {
        if !self.notifies() {
            return Vec::new();
        }
        let left = || self.time_to_notify();
        let (letter, limit) = (self.reports().letter(still_running), left());
        match deliver(move || letter.send(limit), || left().is_some_and(|left| left.is_zero())) {
            Ok(sent) => sent,
            Err(GivenUp::NotStarted(error)) => {
                say::error(format!("❌ Notifications cannot be sent: {error}"));
                Vec::new()
            }
            Err(GivenUp::Abandoned) => {
                let reason = "no time was left before the stop (STOP_TIMEOUT)";
                say::error(format!("❌ Notifications were given up: {reason}"));
                vec![("notifications".to_owned(), "failed".to_owned(), reason.to_owned())]
            }
        }
    }
}
