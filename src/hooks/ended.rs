//! How one attempt of a hook ended, and what is said about it.

use super::Hook;
use crate::exit;
use crate::masking::say;
use std::time::Duration;

/// How a hook ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookStatus {
    /// With exit code 0.
    Completed,
    /// Otherwise, or it could not run.
    Failed,
    /// At its limit.
    TimedOut,
}

impl HookStatus {
    /// The word in summaries.
    pub fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
        }
    }
}

/// What came of one attempt of a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookEnd {
    /// How it ended.
    pub status: HookStatus,
    /// Its exit code: 124 at its limit, 126 if it could not run, 128 and the signal if it died of one; of a request 1 if it
    /// failed, and 143 if it was given up for a stop.
    pub exit_code: i32,
    /// The signal that it died of.
    pub signal: Option<i32>,
    /// How long it took.
    pub duration: Duration,
    /// Why it failed, in one line; empty if it did not.
    pub reason: String,
    /// The end of what it printed, masked; of a request, what was answered.
    pub output_tail: String,
    /// What it handed on; empty unless it ended well.
    pub values: Vec<(String, String)>,
    /// What it handed on however it ended: for its own undo.
    pub values_for_undo: Vec<(String, String)>,
    /// Whether it was started at all: then its undo is owed.
    pub started: bool,
    /// A pre hook ended with one of its `skipOn` codes: the run is called off, for this reason.
    pub called_off: Option<String>,
    /// It was ended because the run was asked to stop.
    pub stopped: bool,
    /// Its supervisor died: what it left must be ended by whoever adopted it.
    pub supervisor_died: bool,
}

impl HookEnd {
    /// A hook that was started and ended well.
    pub(super) fn completed(duration: Duration) -> Self {
        Self {
            status: HookStatus::Completed,
            exit_code: 0,
            signal: None,
            duration,
            reason: String::new(),
            output_tail: String::new(),
            values: Vec::new(),
            values_for_undo: Vec::new(),
            started: true,
            called_off: None,
            stopped: false,
            supervisor_died: false,
        }
    }

    /// A hook that was not started.
    pub fn could_not_run(why: &str, duration: Duration) -> Self {
        let mut end = Self { started: false, ..Self::completed(duration) };
        end.fail(exit::CANNOT_EXECUTE, &format!("cannot run: {why}"));
        end
    }

    pub(super) fn fail(&mut self, code: i32, reason: &str) {
        self.status = HookStatus::Failed;
        self.exit_code = code;
        reason.clone_into(&mut self.reason);
    }

    pub(super) fn time_out(&mut self, reason: &str) {
        self.fail(exit::TIMED_OUT, reason);
        self.status = HookStatus::TimedOut;
    }

    /// Says that it ended, in the contract's lines (workers, section 2), with the time-out told apart from a hook's own
    /// 124.
    pub(super) fn say(&self, hook: &Hook) {
        let (name, ran, code) = (&hook.name, self.duration.as_secs(), self.exit_code);
        if code == exit::CANNOT_EXECUTE && !self.started {
            say::error(format!("❌ Hook {name} {}", self.reason));
        }
        match self.status {
            _ if self.called_off.is_some() => {
                let reason = self.called_off.as_deref().unwrap_or_default();
                say::warn(format!("⏭ Hook {name} calls the run off in {ran}s (exit {code}): {reason}"));
            }
            HookStatus::Completed => say::info(format!("✅ Hook {name} completed in {ran}s (exit 0)")),
            HookStatus::TimedOut => {
                let limit = hook.timeout.map_or(0, seconds);
                say::error(format!("❌ Hook {name} timed out after {limit}s (exit {code}, ran {ran}s)"));
            }
            HookStatus::Failed => say::error(format!("❌ Hook {name} failed in {ran}s (exit {code})")),
        }
        let is_told = self.status == HookStatus::Completed || !self.started || self.called_off.is_some();
        if !is_told && (self.reason.starts_with("HOOK_OUTPUT") || !hook.action.is_process()) {
            say::error(format!("   {}", self.reason));
        }
    }
}

/// Whole seconds, rounded up for a limit below one.
pub(super) fn seconds(time: Duration) -> u64 {
    time.as_secs().max(u64::from(!time.is_zero()))
}
