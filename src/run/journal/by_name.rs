//! Hooks that a journal keeps by name alone, since their definition holds a secret, and finding them again.
//!
//! Such a hook stands in the plan with its name, phase, source, rules and numbers, and without any other text. It
//! cannot run and says so: nobody who forgets to look it up runs something else.

use crate::hooks::{Action, Finding, Hook, OnError, Phase, Plan, Policy};
use crate::masking::Secrets;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

/// The problem of a hook that is kept by name, by which it is known.
const BY_NAME: &str = "is kept by name alone in its run's journal, and is not among the hooks of today";
/// Our own words in a hook as it is written: they hold no secret, whatever a secret is called.
const OUR_WORDS: [&str; 3] = ["scheme", "tls", "trust"];
/// The same in the hook itself; name and source are kept in any case.
const OUR_WORDS_OF_A_HOOK: [&str; 5] = ["name", "source", "phase", "on_error", "policy"];

/// Whether nothing but its name is known of this hook of a journal.
pub fn is_by_name(hook: &Hook) -> bool {
    hook.problem.as_ref().is_some_and(|problem| problem.what == BY_NAME)
}

/// Fills in the hooks that are kept by name from the `current` plan of the same worker. Gives the names of undos and
/// post hooks that cannot be found there: they stay as they are.
///
/// The one of the same phase, name and source is taken; else the one of the same phase and name, if that is a name that
/// somebody has given to it (others depend on which hooks stand before them).
pub fn resolve(plan: &mut Plan, current: &Plan) -> Vec<String> {
    let mut missing = Vec::new();
    let Plan { pre, undos, post, .. } = plan;
    for hook in pre.iter_mut().chain(undos).chain(post).filter(|hook| is_by_name(hook)) {
        let of_name = || current.phase(hook.phase).iter().filter(|now| now.name == hook.name);
        let same = of_name().find(|now| now.source == hook.source);
        match same.or_else(|| of_name().find(|_| !is_made_up(&hook.name))) {
            // The place of an undo's hook is one in this plan.
            Some(now) => *hook = Hook { undo_of: hook.undo_of, ..now.clone() },
            // Nobody will run it.
            None if hook.phase == Phase::Pre => {}
            None => missing.push(hook.name.clone()),
        }
    }
    missing
}

/// Whether the plan has made the name: `pre-backup.exec`, `undo-pre-backup.exec-2`.
fn is_made_up(name: &str) -> bool {
    let (head, number) = name.rsplit_once('-').unwrap_or((name, ""));
    let name = if number.bytes().all(|byte| byte.is_ascii_digit()) { head } else { name };
    [".exec", ".httpGet", ".httpPost", ".tcpSocket", ".script"].iter().any(|end| name.ends_with(end))
}

/// The plan as it may lie on a disk.
pub(super) fn reduced(plan: &Plan, secrets: &Secrets) -> Plan {
    let reduce = |hooks: &[Hook]| {
        let reduce = |hook: &Hook| if holds_a_secret(hook, secrets) { reduced_hook(hook) } else { hook.clone() };
        hooks.iter().map(reduce).collect()
    };
    Plan {
        pre: reduce(&plan.pre),
        undos: reduce(&plan.undos),
        post: reduce(&plan.post),
        absent: plan.absent.clone(),
        discovery: plan.discovery.clone(),
    }
}

fn reduced_hook(hook: &Hook) -> Hook {
    Hook {
        action: Action::Script(PathBuf::new()),
        context: None,
        executor: None,
        container_name: None,
        problem: Some(by_name()),
        not_executable: false,
        warnings: Vec::new(),
        ..hook.clone()
    }
}

fn by_name() -> Finding {
    Finding { what: BY_NAME.to_owned(), mend: "see to its effect by hand".to_owned() }
}

/// Whether any text of it holds a secret. What cannot be written holds one.
fn holds_a_secret(hook: &Hook, secrets: &Secrets) -> bool {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(hook) else { return true };
    fields.retain(|key, _| !OUR_WORDS_OF_A_HOOK.contains(&key.as_str()));
    is_in(&Value::Object(fields), secrets)
}

fn is_in(value: &Value, secrets: &Secrets) -> bool {
    match value {
        Value::String(text) => secrets.found_in(text),
        Value::Array(items) => items.iter().any(|item| is_in(item, secrets)),
        Value::Object(fields) => {
            fields.iter().any(|(key, value)| !OUR_WORDS.contains(&key.as_str()) && is_in(value, secrets))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A plan as it is written, each hook for itself.
#[derive(Deserialize)]
struct Written {
    pre: Vec<Value>,
    undos: Vec<Value>,
    post: Vec<Value>,
    #[serde(flatten)]
    rest: serde_json::Map<String, Value>,
}

/// What a hook of any version has.
#[derive(Deserialize)]
struct Named {
    name: String,
    phase: Phase,
    source: String,
    undo_of: Option<usize>,
}

/// Reads a plan. A hook that this program cannot read (another release has written it) is one that is kept by name: the
/// others must not be lost for it.
pub(super) fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Plan, D::Error> {
    let Written { pre, undos, post, mut rest } = Written::deserialize(from)?;
    for phase in ["pre", "undos", "post"] {
        rest.insert(phase.to_owned(), Value::Array(Vec::new()));
    }
    let plan: Plan = serde_json::from_value(Value::Object(rest)).map_err(D::Error::custom)?;
    let hooks = |values: Vec<Value>| values.into_iter().map(hook).collect::<Result<_, _>>().map_err(D::Error::custom);
    Ok(Plan { pre: hooks(pre)?, undos: hooks(undos)?, post: hooks(post)?, ..plan })
}

fn hook(value: Value) -> Result<Hook, serde_json::Error> {
    if let Ok(hook) = Hook::deserialize(&value) {
        return Ok(hook);
    }
    let Named { name, phase, source, undo_of } = serde_json::from_value(value)?;
    Ok(Hook {
        name,
        phase,
        source,
        action: Action::Script(PathBuf::new()),
        on_error: OnError::Continue,
        stop_phase_on_error: false,
        policy: Policy::Always,
        retries: 0,
        retry_delay: Duration::ZERO,
        timeout: None,
        kill_after: Duration::ZERO,
        skip_on: Vec::new(),
        undo_of,
        hold_limit: None,
        context: None,
        executor: None,
        container_name: None,
        problem: Some(by_name()),
        not_executable: false,
        is_broken_file: false,
        warnings: Vec::new(),
    })
}
