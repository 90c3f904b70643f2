//! The summary of a run as data; how it is written is decided by its readers.

use chrono::{DateTime, Local};
use serde_json::{Map, Value};

/// A run's status (`docs/hooks.md`: A run's status).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Work and surroundings went well.
    Success,
    /// The work succeeded, something around it did not.
    Warning,
    /// The work failed or was not done.
    Failure,
    /// A pre hook called the run off.
    Skipped,
    /// Ended by a signal, or the worker was killed.
    Interrupted,
}

impl Status {
    /// The word in summaries, variables and metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Warning => "warning",
            Self::Failure => "failure",
            Self::Skipped => "skipped",
            Self::Interrupted => "interrupted",
        }
    }
}

/// The verdict on the work alone.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct WorkRecord {
    /// `completed`, `failed`, `skipped`, `interrupted` or `running`.
    pub status: String,
    /// The work's own exit code; `None` if it was not started.
    pub exit_code: Option<i32>,
    /// Why, in one line; empty if there is nothing to say.
    pub reason: String,
}

/// What became of one hook.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HookRecord {
    /// `pre-backup.10-dump`.
    pub name: String,
    /// Where it comes from: the path of a script.
    pub source: String,
    /// `pre`, `undo` or `post`.
    pub phase: String,
    /// `script`, `exec`, `httpGet`, `httpPost`, `tcpSocket`.
    pub action: String,
    /// `pending`, `running`, `completed`, `failed`, `timed_out`, `skipped`.
    pub status: String,
    /// `None` if it has not ended, or never ran.
    pub exit_code: Option<i32>,
    /// The signal that it died of, by number.
    pub signal: Option<i32>,
    /// Whether it ran into its limit.
    pub timed_out: bool,
    /// How often it was started.
    pub attempts: u32,
    /// Of the last attempt, in milliseconds.
    pub duration_ms: u64,
    /// Why it was skipped or failed, in one line; empty otherwise.
    pub reason: String,
    /// The last 64 KiB of what it printed, masked.
    pub output_tail: String,
    /// Every attempt in order, where there was more than one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tries: Vec<Attempt>,
}

/// One attempt of a hook that was tried again.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Attempt {
    /// As the hook's own.
    pub exit_code: i32,
    /// In milliseconds.
    pub duration_ms: u64,
    /// Why it failed, in one line; empty if it did not.
    pub reason: String,
}

/// The summary of one run. Values are masked by whoever fills them in; writers mask once more.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The worker's name with hyphens.
    pub job: String,
    /// Its name in mail subjects: `Backup`, `Restore-test`.
    pub title: String,
    /// As [`crate::settings::Identity`].
    pub hostname: String,
    /// As [`crate::settings::Identity`].
    pub release: String,
    /// Start of the clock.
    pub started_at: DateTime<Local>,
    /// End of the clock.
    pub finished_at: DateTime<Local>,
    /// End minus start by the monotonic clock, in whole seconds.
    pub duration_seconds: i64,
    /// The contract's extra keys in their order; always strings.
    pub extras: Vec<(String, String)>,
    /// Which of the extras may become gauges (contract: reports, section 5).
    pub gauges: &'static [&'static str],
    /// The process's exit code.
    pub exit_code: i32,
    /// The run's id.
    pub run_id: String,
    /// `schedule`, `manual`, `api`, `recovery`.
    pub trigger: String,
    /// The run's status.
    pub status: Status,
    /// When the work was last really done, this run included; `None` if never.
    pub last_success_at: Option<DateTime<Local>>,
    /// `ok`, `failed`, `timed_out`, `none`.
    pub hooks_verdict: String,
    /// One line why the run is not a plain success; empty otherwise.
    pub reason: String,
    /// The verdict on the work alone.
    pub work: WorkRecord,
    /// Typed statistics of the work, by name.
    pub stats: Map<String, Value>,
    /// Every hook of the run's plan, in order.
    pub hooks: Vec<HookRecord>,
    /// What the mail's subject says after the duration; empty for nothing.
    pub details: String,
}
