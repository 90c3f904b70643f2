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
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
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
            trigger: run.trigger.clone(),
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

    /// `last-<job>.json`, to be written.
    pub fn summary(&self) -> Writing {
        let path = self.summary_path();
        let (document, secrets, shown) = (self.document(), self.run.settings.secrets.clone(), path.clone());
        let line = move |why: &str| format!("❌ The summary {} cannot be written: {why}", shown.display());
        Writing::new(&path.clone(), line, move || report::file::write(&path, &document, &secrets))
    }

    /// The Prometheus textfile, if there is a folder for it.
    pub fn metrics(&self) -> Option<Writing> {
        let folder = self.run.settings.notify.metrics_dir.clone()?;
        let (document, secrets, shown) = (self.document(), self.run.settings.secrets.clone(), folder.clone());
        Some(Writing {
            folder: folder.clone(),
            write: Box::new(move || report::metrics::write(&folder, &document, &secrets)),
            line: Box::new(move |why| {
                format!("⚠️ METRICS_DIR='{}' is not writable; no metrics are written ({why})", shown.display())
            }),
        })
    }

    /// A copy of the run's log, for a run that went wrong.
    pub fn error_log(&self, log: PathBuf) -> Writing {
        let to = self.run.settings.paths.log.join(format!("{}-error-last.log", self.run.job.name));
        let shown = to.clone();
        let line = move |why: &str| format!("❌ The error log {} cannot be written: {why}", shown.display());
        Writing::new(&to.clone(), line, move || {
            let beside = to.with_extension("log.tmp");
            let copied = fs::copy(log, &beside).and_then(|_| fs::rename(&beside, &to));
            copied.inspect_err(|_| drop(fs::remove_file(&beside)))
        })
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

/// A file of the run that is to be written, by any thread.
pub(super) struct Writing {
    pub folder: PathBuf,
    /// Writes it. The error is the line to say.
    pub write: Box<dyn FnOnce() -> Result<(), String> + Send>,
    /// The line to say when it cannot be written, for a reason.
    pub line: Box<dyn Fn(&str) -> String + Send>,
}

impl Writing {
    fn new(
        path: &Path,
        line: impl Fn(&str) -> String + Clone + Send + 'static,
        write: impl FnOnce() -> io::Result<()> + Send + 'static,
    ) -> Self {
        let folder = path.parent().unwrap_or(path).to_owned();
        let said = line.clone();
        let write = Box::new(move || write().map_err(|error| line(&error.to_string())));
        Self { folder, write, line: Box::new(said) }
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
