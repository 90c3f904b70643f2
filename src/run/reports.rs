//! What the run leaves, made from what is known of it.

use super::keeper::Run;
use super::outcome::{self, Outcome};
use super::state::State;
use super::tasks;
use super::work::Draft;
use crate::hooks::{Hook, Phase};
use crate::masking::output::{Flusher, Output};
use crate::report::mail::Files;
use crate::report::{self, Document, HookRecord, Sent, WorkRecord};
use crate::settings::Settings;
use chrono::Local;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

/// Mail takes at most this long.
const MAIL_LIMIT: Duration = Duration::from_secs(30);

/// A run as its reports see it.
pub(super) struct Reports<'a> {
    pub run: &'a Run,
    pub hooks: &'a [&'a Hook],
    pub state: &'a State,
    /// Where lines go: all of them are to be in the log before it is mailed.
    pub output: &'a Output,
}

impl Reports<'_> {
    /// `last-<job>.json` in the log folder; a trial's own stays in the run's folder.
    pub fn summary_path(&self) -> PathBuf {
        let folder = match (&self.run.trial, &self.run.folder) {
            (Some(_), Some(folder)) => folder,
            _ => &self.run.settings.paths.log,
        };
        folder.join(format!("last-{}.json", self.run.job.name))
    }

    fn document(&self) -> Document {
        let (run, state) = (self.run, self.state);
        let Outcome { status, code, reason } = outcome::outcome(self.hooks, state);
        let work = state.work.clone().unwrap_or_default();
        let started_at = state.clock.unwrap_or(run.started_at);
        let finished_at = work.finished_at.unwrap_or_else(Local::now);
        let last_success_at = if outcome::work_succeeded(state) {
            Some(finished_at)
        } else {
            report::file::last_success(&self.summary_path())
        };
        Document {
            job: run.job.name.to_owned(),
            title: run.job.title.to_owned(),
            hostname: run.settings.identity.hostname.clone(),
            release: run.settings.identity.release.clone(),
            started_at,
            finished_at,
            duration_seconds: (work.milliseconds / 1000) as i64,
            extras: state.cancelled.clone().unwrap_or(work.extras),
            gauges: run.job.gauges,
            exit_code: code,
            run_id: run.id.clone(),
            trigger: run.settings.trigger.clone(),
            status,
            last_success_at,
            hooks_verdict: outcome::hooks_verdict(state).to_owned(),
            reason,
            work: outcome::work_record(state),
            stats: work.stats,
            hooks: self.hook_records(),
            details: work.details,
        }
    }

    /// The hooks as the summary has them.
    pub fn hooks(&self) -> serde_json::Value {
        serde_json::to_value(self.hook_records()).unwrap_or_default()
    }

    fn hook_records(&self) -> Vec<HookRecord> {
        let hooks = self.hooks.iter().zip(&self.state.hooks);
        hooks.map(|(hook, record)| record.clone().unwrap_or_else(|| record_of(hook, "pending"))).collect()
    }

    /// Writes `last-<job>.json`.
    ///
    /// # Errors
    /// The line that says why it is not there.
    pub fn write_summary(&self) -> Result<(), String> {
        let path = self.summary_path();
        report::file::write(&path, &self.document(), &self.run.settings.secrets)
            .map_err(|error| format!("❌ The summary {} cannot be written: {error}", path.display()))
    }

    /// Writes the Prometheus textfile, if there is a folder for it.
    ///
    /// # Errors
    /// The line that says why it is not there.
    pub fn write_metrics(&self) -> Result<(), String> {
        let Some(folder) = &self.run.settings.notify.metrics_dir else { return Ok(()) };
        report::metrics::write(folder, &self.document(), &self.run.settings.secrets)
    }

    /// What is to be sent about the run as it stands now, perhaps before the end of a post hook.
    pub fn letter(&self, still_running: Option<&Hook>) -> Letter {
        let mut document = self.document();
        if let Some(hook) = still_running {
            let separator = if document.reason.is_empty() { "" } else { "; " };
            let what = if hook.phase == Phase::Post { "post hook" } else { "undo" };
            let _ = write!(document.reason, "{separator}{what} {} still running", hook.name);
        }
        Letter { settings: self.run.settings.clone(), document, flusher: self.output.flusher() }
    }

    /// What is known before the work.
    pub fn draft(&self) -> Draft {
        Draft { document: self.document(), flusher: self.output.flusher() }
    }

    /// The table of tasks, with its heading.
    pub fn tasks(&self, notifications: &[Notification]) -> Vec<String> {
        let status = outcome::outcome(self.hooks, self.state).status;
        let mut lines = vec![format!("📋 Run {}: {}", self.run.id, status.word())];
        let mut work = outcome::work_record(self.state);
        if self.run.trial.is_some() {
            lines = vec!["📋 Hooks that were tried:".to_owned()];
            work = WorkRecord {
                status: "pending".to_owned(),
                exit_code: None,
                reason: "not part of this test".to_owned(),
            };
        }
        lines.extend(tasks::table(self.hooks, self.state, self.run.job.name, work, notifications));
        lines
    }
}

/// Notifications as they are sent: with all that they need, so that a thread of their own can send them.
pub(super) struct Letter {
    settings: Settings,
    document: Document,
    flusher: Flusher,
}

impl Letter {
    /// Sends webhook and mail; gives their tasks as (name, status, reason).
    pub fn send(&self, limit: Option<Duration>) -> Vec<Notification> {
        let Self { settings, document, flusher } = self;
        let (environment, secrets) = (&settings.environment, &settings.secrets);
        let mut sent = Vec::new();
        sent.extend(task("webhook", report::webhook::send(&settings.notify, document, environment, secrets, limit)));
        let log = settings.paths.log.join(format!("{}-last.log", document.job));
        let transcript = settings.paths.log.join(format!("{}-mail-last.log", document.job));
        let limit = limit.map_or(MAIL_LIMIT, |limit| limit.min(MAIL_LIMIT));
        let files = Files { log: &log, transcript: &transcript, flush: &|| flusher.flush() };
        let mail = report::mail::send(&settings.notify, document, &files, environment, secrets, limit);
        sent.extend(task("mail", mail));
        sent
    }
}

/// A notification as a task: name, status, reason.
pub(super) type Notification = (String, String, String);

/// What is known of a hook before it ran.
pub(super) fn record_of(hook: &Hook, status: &str) -> HookRecord {
    HookRecord {
        name: hook.name.clone(),
        source: hook.source.clone(),
        phase: hook.phase.word().to_owned(),
        action: hook.action_word().to_owned(),
        status: status.to_owned(),
        exit_code: None,
        signal: None,
        timed_out: false,
        attempts: 0,
        duration_ms: 0,
        reason: String::new(),
        output_tail: String::new(),
        tries: Vec::new(),
    }
}

/// A notification as a task; none if nothing was to be sent.
fn task(name: &str, sent: Sent) -> Option<Notification> {
    let (status, reason) = match sent {
        Sent::Off | Sent::NotDue => return None,
        Sent::Delivered => ("completed", String::new()),
        Sent::Failed(code) => ("failed", format!("code {code}")),
    };
    Some((name.to_owned(), status.to_owned(), reason))
}
