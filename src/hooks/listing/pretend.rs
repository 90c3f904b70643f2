//! A run that is not made: what its hooks would be told.

use super::super::template::Value;
use super::super::{Facts, Hook, Phase, Plan, Standing, Told, summary};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// The run that is pretended.
#[derive(Debug, Clone)]
pub struct Pretended<'a> {
    /// Whose.
    pub worker: &'a str,
    /// The phases that are tried, in running order.
    pub phases: Vec<Phase>,
    /// How the run stands after the work: `success`, `warning`, `failure`, `skipped`, `interrupted`.
    pub status: &'a str,
    /// The exit code that the work is said to have ended with.
    pub exit_code: i32,
    /// One line why.
    pub error: &'a str,
    /// What is read or written.
    pub target: &'a str,
    /// The run's log.
    pub log: &'a Path,
    /// What started it.
    pub trigger: &'a str,
    /// When: RFC 3339.
    pub started_at: &'a str,
    /// `.Namespace` of native hooks.
    pub namespace: &'a str,
    /// `.Hostname`.
    pub hostname: &'a str,
    /// `.Repository`, masked.
    pub repository: &'a str,
}

/// Where a hook stands.
pub(super) struct Place {
    /// Among the hooks of its phase, from 0.
    index: usize,
    count: usize,
    /// Among all tasks of the run, from 0.
    task: usize,
}

impl Place {
    pub(super) fn of(plan: &Plan, phase: Phase, index: usize) -> Self {
        // The work is a task, too.
        let before = match phase {
            Phase::Pre => 0,
            Phase::Undo => plan.pre.len() + 1,
            Phase::Post => plan.pre.len() + 1 + plan.undos.len(),
        };
        Self { index, count: plan.phase(phase).len(), task: before + index }
    }
}

impl Pretended<'_> {
    /// What the templates of a hook would see.
    pub(super) fn data(&self, hook: &Hook, place: &Place) -> Value {
        let values = BTreeMap::new();
        let has_ended = hook.phase != Phase::Pre;
        let told = Told {
            worker: self.worker,
            run_id: "dry-run",
            trigger: self.trigger,
            started_at: self.started_at,
            log: self.log,
            target: self.target,
            index: place.index + 1,
            count: place.count,
            attempt: 1,
            standing: has_ended.then_some(Standing {
                exit_code: self.exit_code,
                status: self.status,
                error: self.error,
                snapshot: "",
                summary: None,
            }),
            output: None,
            values: &values,
            recovery: false,
        };
        let stats = Map::new();
        let facts = Facts {
            namespace: self.namespace,
            phase: if has_ended { phase_of(self.status) } else { "Running" },
            duration: Duration::ZERO,
            retry_left: 0,
            hostname: self.hostname,
            repository: self.repository,
            stats: &stats,
            hooks: Json::Array(Vec::new()),
            task_index: place.task,
        };
        summary(&told, &facts, hook.context.as_ref())
    }
}

/// `.Status.Phase` of a run that has ended so.
fn phase_of(status: &str) -> &'static str {
    match status {
        "success" | "warning" => "Succeeded",
        "skipped" => "Skipped",
        _ => "Failed",
    }
}
