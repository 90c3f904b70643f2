//! The end of a run: summary and metrics, the seal, notifications.

use super::budget;
use super::delivery::{GivenUp, deliver};
use super::pipeline::Pipeline;
use super::reports::Notification;
use super::state::Record;
use crate::exit;
use crate::hooks::Hook;
use crate::masking::say;
use crate::report::Status;

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

    /// The end of `hooks test`: post hooks if they are tried, the table, and what a real run would do now.
    pub(super) fn finish_trial(&mut self) -> i32 {
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

    /// `NOTIFY_AFTER` has passed: notifications go out with what is known.
    pub(super) fn notify_early(&self, hook: &Hook) -> Status {
        say::warn(format!("⏰ Hook {} is still running; notifications go out with what is known.", hook.name));
        self.notify(Some(hook));
        self.standing().status
    }

    /// Sends notifications, and gives up when a stop leaves no more time for them.
    pub(super) fn notify(&self, still_running: Option<&Hook>) -> Vec<Notification> {
        let wanted = &self.run.settings.notify;
        if !self.run.is_notified || (wanted.webhook_url.is_empty() && wanted.mail_recipient.is_empty()) {
            return Vec::new();
        }
        let left = || budget::notifications(self.run.settings.limits.stop, self.stop.request().as_ref());
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
