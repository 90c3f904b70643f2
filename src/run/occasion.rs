//! All that a hook is told at its turn, in one place and its own: also the thread of a hold limit has it.

use crate::hooks::template::Value;
use crate::hooks::{Facts, Hook, Standing, Told, summary};
use crate::report::Status;
use crate::settings::Settings;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// How the run stands, for hooks after the work.
#[derive(Debug, Clone)]
pub(super) struct Stands {
    /// The worker's exit code so far.
    pub exit_code: i32,
    /// The run's status so far.
    pub status: Status,
    /// One line why.
    pub error: String,
    /// The snapshot's id.
    pub snapshot: String,
    /// This run's own summary, for post hooks.
    pub summary: Option<PathBuf>,
}

/// The turn of one hook.
#[derive(Debug, Clone)]
pub(super) struct Occasion {
    pub worker: &'static str,
    pub run_id: String,
    pub started_at: String,
    pub log: PathBuf,
    pub target: String,
    /// Place among the hooks of the phase, from 1.
    pub index: usize,
    /// How many there are.
    pub count: usize,
    pub values: BTreeMap<String, String>,
    /// `None` before the work.
    pub stands: Option<Stands>,
    /// The namespace of native hooks.
    pub namespace: String,
    /// Of the work, or of the run so far.
    pub duration: Duration,
    pub stats: Map<String, Json>,
    /// The hooks of the run as the summary has them.
    pub hooks: Json,
    /// Place among all tasks of the run, from 0.
    pub task_index: usize,
    /// It is made up for: the worker whose turn it was has died.
    pub recovery: bool,
}

impl Occasion {
    /// What attempt number `attempt` is told.
    pub fn told<'a>(&'a self, settings: &'a Settings, attempt: u32) -> Told<'a> {
        Told {
            worker: self.worker,
            run_id: &self.run_id,
            trigger: &settings.trigger,
            started_at: &self.started_at,
            log: &self.log,
            target: &self.target,
            index: self.index,
            count: self.count,
            attempt,
            standing: self.stands.as_ref().map(|stands| Standing {
                exit_code: stands.exit_code,
                status: stands.status.word(),
                error: &stands.error,
                snapshot: &stands.snapshot,
                summary: stands.summary.as_deref(),
            }),
            output: None,
            values: &self.values,
            recovery: self.recovery,
        }
    }

    /// What templates of `hook` see.
    pub fn data(&self, settings: &Settings, hook: &Hook, told: &Told<'_>) -> Value {
        let facts = Facts {
            namespace: &self.namespace,
            phase: self.stands.as_ref().map_or("Running", |stands| phase_of(stands.status)),
            duration: self.duration,
            // A run is not started again.
            retry_left: 0,
            hostname: &settings.identity.hostname,
            repository: &settings.repository.shown,
            stats: &self.stats,
            hooks: self.hooks.clone(),
            task_index: self.task_index,
        };
        summary(told, &facts, hook.context.as_ref())
    }
}

/// `.Status.Phase` (`docs/hooks/templates.md`).
fn phase_of(status: Status) -> &'static str {
    match status {
        Status::Success | Status::Warning => "Succeeded",
        Status::Failure | Status::Interrupted => "Failed",
        Status::Skipped => "Skipped",
    }
}
