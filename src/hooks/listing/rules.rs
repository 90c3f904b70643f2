//! The rules of one hook in the words of the native file: what always counts first, then what was set.

use super::super::model::Executor;
use super::super::{Hook, Plan, Policy};
use std::time::Duration;

/// `limit 300s, onError Continue`, and what differs from the defaults.
pub(super) fn rules(hook: &Hook, plan: &Plan) -> String {
    let limit = hook.timeout.map_or_else(|| "no limit".to_owned(), |limit| format!("limit {}", seconds(limit)));
    let mut rules = vec![limit, format!("onError {}", hook.on_error.word())];
    if hook.stop_phase_on_error {
        rules.push("stopPhaseOnError".to_owned());
    }
    if hook.policy != Policy::Always {
        rules.push(format!("executionPolicy {}", hook.policy.word()));
    }
    if hook.retries > 0 {
        rules.push(format!("retries {} (the first after {})", hook.retries, seconds(hook.retry_delay)));
    }
    if !hook.skip_on.is_empty() {
        let codes: Vec<String> = hook.skip_on.iter().map(ToString::to_string).collect();
        rules.push(format!("skipOn {}", codes.join(" ")));
    }
    if let Some(undo) = undo_of(hook, plan) {
        rules.push(format!("undo {}", undo.name));
    }
    if let Some(limit) = hook.hold_limit {
        rules.push(format!("holdLimit {}", seconds(limit)));
    }
    if let Some(executor) = &hook.executor {
        rules.push(format!("executor {}", place(executor, hook.container_name.as_deref())));
    }
    rules.join(", ")
}

/// What takes this pre hook's effect back.
pub(super) fn undo_of<'a>(hook: &Hook, plan: &'a Plan) -> Option<&'a Hook> {
    let place = plan.pre.iter().position(|one| std::ptr::eq(one, hook))?;
    plan.undos.iter().find(|undo| undo.undo_of == Some(place))
}

/// Where a hook would run in the system that it was written for: `Pod (Deployment/wiki, container db)`.
fn place(executor: &Executor, container: Option<&str>) -> String {
    let parts: Vec<String> = [
        executor.owner.clone(),
        executor.selector.clone(),
        executor.function.clone(),
        executor.strategy.clone(),
        container.map(|name| format!("container {name}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    let word = executor.kind.word();
    if parts.is_empty() { word.to_owned() } else { format!("{word} ({})", parts.join(", ")) }
}

fn seconds(time: Duration) -> String {
    format!("{}s", time.as_secs_f64())
}
