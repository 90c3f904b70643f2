//! One hook of the native form: its settings, and the rules that hold between them.

use super::super::document::{At, Node, Yaml};
use super::super::model::{Executor, ExecutorKind, Http, ObjectRef, Tcp, Undo};
use super::super::names;
use super::super::strangers;
use super::super::{Action, Context, Declared, FileMistake, Finding, OnError, Owner, Phase, Policy, Text};
use super::action;
use super::check::{Checker, actions, either};
use super::decode::place;
use super::fields::{ACTIONS, HOOK};
use super::path::Path;
use super::phases;
use crate::settings::duration;
use std::time::Duration;

/// Reads one hook into `hook`. Its mistakes go to `checker`; what is wrong is left at its default.
pub(super) fn read(checker: &mut Checker, node: &Node, path: &Path<'_>, mut hook: Declared) -> Declared {
    checker.object(node, &HOOK, path, hook.phase);
    hook.name = text(node, "name");
    hook.script = text(node, "script");
    let printed = action::Printed {
        at_all: ["executor", "context", "containerName"].iter().any(|key| node.get(key).is_some()),
        with_executor: node.get("executor").is_some(),
    };
    hook.action = action::read(checker, node, path, printed, &mut hook.warnings);
    hook.timeout = time(node, "timeout");
    hook.on_error = word(node, "onError", &[OnError::Continue, OnError::Fail], OnError::word);
    hook.stop_phase_on_error = flag(node, "stopPhaseOnError");
    hook.policy = word(node, "executionPolicy", &Policy::ALL, Policy::word).unwrap_or_default();
    hook.retries = match node.get("retries").map(|node| &node.value) {
        Some(Yaml::Int(number, _)) => u32::try_from(*number).unwrap_or(0),
        _ => 0,
    };
    hook.retry_delay = time(node, "retryDelay");
    hook.skip_on = node.get("skipOn").map(codes);
    hook.hold_limit = time(node, "holdLimit");
    if let Some(undo) = node.get("undo") {
        let path = path.key("undo");
        let action = action::read(checker, undo, &path, printed, &mut hook.warnings);
        one_action(checker, undo, &path, &ACTIONS[1..]);
        hook.undo = action.map(|action| Undo { action, timeout: time(undo, "timeout") });
    }
    hook.context = node.get("context").map(context);
    hook.executor = node.get("executor").map(executor);
    hook.container_name = text(node, "containerName");
    if hook.executor.as_ref().is_some_and(|executor| executor.kind != ExecutorKind::Operator) {
        hook.action = hook.action.map(|action| of_pod(action, node));
    }
    one_action(checker, node, path, &ACTIONS);
    rules(checker, node, path, &mut hook);
    hook
}

/// A request of a pod that names no host goes to the pod itself: such a definition has been printed so.
fn of_pod(action: Action, node: &Node) -> Action {
    if node.at_path(&[action.word(), "host"]).is_some() {
        return action;
    }
    let host = Text::plain("");
    match action {
        Action::HttpGet(http) => Action::HttpGet(Http { host, ..http }),
        Action::HttpPost(http) => Action::HttpPost(Http { host, ..http }),
        Action::TcpSocket(tcp) => Action::TcpSocket(Tcp { host, ..tcp }),
        Action::Script(_) | Action::Exec(_) => action,
    }
}

/// There must be one action.
fn one_action(checker: &mut Checker, node: &Node, path: &Path<'_>, words: &[&str]) {
    if !matches!(node.value, Yaml::Map(_)) {
        return;
    }
    let given = actions(node);
    match given.as_slice() {
        [] => {
            // A misspelt action has been named already.
            let misspelt = checker.mistakes.iter().any(|mistake| {
                node.entries().iter().any(|entry| entry.at == mistake.at)
                    && words.iter().any(|word| mistake.mend == format!("did you mean '{word}'?"))
            });
            if !misspelt {
                checker.mistake(node.at, format!("{path} has no action"), format!("give it {}", either(words)));
            }
        }
        [_] => {}
        [first, others @ ..] => {
            for other in others {
                let what = format!("{path} has two actions, {} and {}", first.key, other.key);
                let has_script = first.key == "script" || other.key == "script";
                let mend = if has_script {
                    "make two hooks of it: 'script' gives settings to a script, which runs in its own place"
                } else {
                    "make two hooks of it"
                };
                checker.mistake(other.at, what, mend);
            }
        }
    }
}

fn rules(checker: &mut Checker, node: &Node, path: &Path<'_>, hook: &mut Declared) {
    if let Some(value) = node.get("name").filter(|value| value.text().is_some()) {
        let name = value.text().unwrap_or_default();
        if name.trim().is_empty() {
            checker.mistake(value.at, format!("{path}.name is empty"), "give it a name, or take the key away");
        } else if name.chars().any(char::is_control) {
            checker.mistake(
                value.at,
                format!("{path}.name has a line end or a control character in it"),
                "write one line",
            );
        }
    }
    if node.get("holdLimit").is_some() && node.get("undo").is_none() && hook.phase == Phase::Pre {
        let what = format!("{path} has a holdLimit and no undo");
        checker.mistake(place(node, "holdLimit"), what, "add the undo that runs at the limit, or take the limit away");
    }
    if hook.hold_limit == Some(Duration::ZERO) {
        let what = format!("{path}.holdLimit is 0, at which the undo would run at once");
        checker.mistake(place(node, "holdLimit"), what, "take it away for no limit");
    }
    if hook.script.is_some() {
        for key in ["executor", "containerName"] {
            if node.get(key).is_some() {
                let what = format!("{path} has a script and {key}, and scripts run in this container");
                checker.mistake(place(node, key), what, "take it away");
            }
        }
    }
    if hook.retry_delay.is_some() && hook.retries == 0 {
        let what = format!("has a retryDelay (line {}) and no retries", place(node, "retryDelay").line);
        hook.warnings.push(Finding { what, mend: "add retries, or take retryDelay away".to_owned() });
    }
}

/// Why a `script` is no file name of a hook of this phase, if so.
pub(super) fn script_mistake(
    script: &str,
    phase: Phase,
    owner: Owner,
    workers: &[&'static str],
    at: At,
    path: &Path<'_>,
) -> Option<FileMistake> {
    let mistake = |what: String, mend: String| Some(FileMistake { at, what, mend });
    let shown: String = script.chars().take(80).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if let Some(file) = shown.rsplit_once('/').map(|(_, file)| file) {
        let mend = format!("write the name of a file in HOOKS_DIR alone: {file}");
        return mistake(format!("{path}.script '{shown}' has a folder in it"), mend);
    }
    if let Some(name) = names::read(script.as_bytes(), workers) {
        if name.phase == phase && name.owner == owner {
            return None;
        }
        let key = phases::key(name.phase, name.owner);
        return mistake(format!("{path}.script '{shown}' is a hook of another phase"), format!("write it below {key}"));
    }
    let stranger = strangers::explain(script.as_bytes(), false, workers);
    let stem = names::stem(phase, owner);
    let mend = stranger.nearest.map_or_else(
        || format!("name a file such as {stem}.sh or {stem}.10-name.sh, or use exec"),
        |name| format!("did you mean '{name}'?"),
    );
    mistake(format!("{path}.script '{shown}' is no hook's file name: it {}", stranger.reason), mend)
}

pub(super) fn text(node: &Node, key: &str) -> Option<String> {
    node.get(key).and_then(Node::text).map(str::to_owned)
}

pub(super) fn flag(node: &Node, key: &str) -> bool {
    matches!(node.get(key).map(|node| &node.value), Some(Yaml::Bool(true)))
}

pub(super) fn word<T: Copy>(node: &Node, key: &str, values: &[T], of: impl Fn(T) -> &'static str) -> Option<T> {
    let given = node.get(key)?.text()?;
    values.iter().copied().find(|value| of(*value).eq_ignore_ascii_case(given))
}

fn time(node: &Node, key: &str) -> Option<Duration> {
    match &node.get(key)?.value {
        Yaml::Int(_, written) | Yaml::Str(written) => duration(written).ok(),
        _ => None,
    }
}

fn codes(node: &Node) -> Vec<i32> {
    let mut codes = Vec::new();
    for item in node.items() {
        if let Yaml::Int(code @ 1..=255, _) = item.value
            && !codes.contains(&(code as i32))
        {
            codes.push(code as i32);
        }
    }
    codes
}

fn context(node: &Node) -> Context {
    Context {
        namespace: text(node, "namespace"),
        invoker: node.get("invoker").map(object),
        target: node.get("target").map(object),
    }
}

fn object(node: &Node) -> ObjectRef {
    let of = |key| text(node, key).unwrap_or_default();
    ObjectRef {
        api_group: of("apiGroup"),
        api_version: of("apiVersion"),
        kind: of("kind"),
        name: of("name"),
        namespace: of("namespace"),
    }
}

fn executor(node: &Node) -> Executor {
    let kinds = [ExecutorKind::Pod, ExecutorKind::Operator, ExecutorKind::Function];
    let namespaces = node.get("namespaces").map(Node::items).unwrap_or_default();
    Executor {
        kind: word(node, "type", &kinds, ExecutorKind::word).unwrap_or(ExecutorKind::Operator),
        selector: text(node, "selector"),
        namespaces: namespaces.iter().filter_map(Node::text).map(str::to_owned).collect(),
        owner: text(node, "owner"),
        strategy: text(node, "strategy"),
        function: text(node, "function"),
    }
}
