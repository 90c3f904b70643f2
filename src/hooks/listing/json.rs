//! `hooks list --json`: one object a worker, one object a hook. Keys are added, never renamed or taken away.

use super::super::model::{Executor, ObjectRef};
use super::super::{Context, Hook, Plan};
use super::rules::undo_of;
use crate::masking::Secrets;
use serde_json::{Value, json};

/// What would run for a worker. Texts from outside are masked, words of ours are not.
pub fn list_json(worker: &str, plan: &Plan, secrets: &Secrets) -> Value {
    let list = |hooks: &[Hook]| hooks.iter().map(|hook| of_hook(hook, plan, secrets)).collect::<Value>();
    json!({"worker": worker, "pre": list(&plan.pre), "post": list(&plan.post), "undos": list(&plan.undos)})
}

fn of_hook(hook: &Hook, plan: &Plan, secrets: &Secrets) -> Value {
    let shown = |text: &str| secrets.mask(text).into_owned();
    let warnings = hook.warnings.iter();
    json!({
        "name": shown(&hook.name),
        "phase": hook.phase.word(),
        "action": hook.action_word(),
        "source": shown(&hook.source),
        "timeout_seconds": hook.timeout.map(|limit| limit.as_secs_f64()),
        "kill_after_seconds": hook.kill_after.as_secs_f64(),
        "on_error": hook.on_error.word(),
        "skip_on": hook.skip_on,
        "problem": hook.problem.as_ref().map(|problem| shown(&problem.what)),
        "execution_policy": hook.policy.word(),
        "retries": hook.retries,
        "retry_delay_seconds": hook.retry_delay.as_secs_f64(),
        "stop_phase_on_error": hook.stop_phase_on_error,
        "undo": undo_of(hook, plan).map(|undo| shown(&undo.name)),
        "hold_limit_seconds": hook.hold_limit.map(|limit| limit.as_secs_f64()),
        "context": hook.context.as_ref().map(|context| of_context(context, secrets)),
        "executor": hook.executor.as_ref().map(|executor| {
            of_executor(executor, hook.container_name.as_deref(), secrets)
        }),
        "warnings": warnings.map(|doubt| json!({"what": shown(&doubt.what), "mend": shown(&doubt.mend)})).collect::<Value>(),
    })
}

fn of_context(context: &Context, secrets: &Secrets) -> Value {
    let shown = |text: &String| secrets.mask(text).into_owned();
    let object = |object: &ObjectRef| {
        json!({
            "api_group": shown(&object.api_group),
            "api_version": shown(&object.api_version),
            "kind": shown(&object.kind),
            "name": shown(&object.name),
            "namespace": shown(&object.namespace),
        })
    };
    json!({
        "namespace": context.namespace.as_ref().map(shown),
        "invoker": context.invoker.as_ref().map(object),
        "target": context.target.as_ref().map(object),
    })
}

fn of_executor(executor: &Executor, container: Option<&str>, secrets: &Secrets) -> Value {
    let shown = |text: &String| secrets.mask(text).into_owned();
    json!({
        "type": executor.kind.word(),
        "selector": executor.selector.as_ref().map(shown),
        "namespaces": executor.namespaces.iter().map(shown).collect::<Vec<_>>(),
        "owner": executor.owner.as_ref().map(shown),
        "strategy": executor.strategy.as_ref().map(shown),
        "function": executor.function.as_ref().map(shown),
        "container": container.map(|name| secrets.mask(name).into_owned()),
    })
}
