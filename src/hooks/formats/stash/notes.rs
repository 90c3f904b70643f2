//! Where the meaning differs from what Stash did, hook by hook: for `hooks show`.
//!
//! Found in its published source; where that and its documentation differ, we do what is documented.

use super::super::super::document::{Entry, Node};
use super::super::super::model::Policy;
use super::super::super::{Action, Declared, Finding, Phase, Text};
use super::super::kubernetes::{Object, set};
use super::Kind;
use super::scope::{Role, Scope};

/// What is not read of a document, and where it differs as a whole.
pub(super) fn of_document(object: &Object<'_>, kind: &Kind, spec: &Node, hooks: &[&[Declared]]) -> Vec<String> {
    let has_none = hooks.iter().all(|hooks| hooks.is_empty());
    let is_request = |hook: &Declared| matches!(hook.action, Some(Action::HttpGet(_) | Action::HttpPost(_)));
    let title = object.title();
    let mut notes = Vec::new();
    if has_none {
        notes.push(format!("{title} defines no hooks"));
    }
    let unread = |entry: &&Entry| !matches!(entry.key.as_str(), "hooks" | "members") && !entry.value.is_null();
    let fields: Vec<String> = spec.entries().iter().filter(unread).map(|entry| format!("spec.{}", entry.key)).collect();
    if !fields.is_empty() {
        let target = if set(spec, "target").is_some() { " (of the target, templates see its ref)" } else { "" };
        notes.push(format!("{title}: {} define no hooks and are not read{target}", fields.join(", ")));
    }
    if kind.is_batch {
        let order = set(spec, "executionOrder").and_then(Node::text).unwrap_or("Parallel");
        notes.push(format!(
            "{title}: executionOrder is {order}; here the members are one run: the hooks before the work of all members in their \
             order, the work, then those after it"
        ));
    }
    if kind.name == "BackupBlueprint" {
        notes.push(format!(
            "{title}: Stash makes a BackupConfiguration of it for every annotated workload; here its hooks belong to every \
             backup, and templates see the blueprint as the invoker and the path as the target"
        ));
    }
    if hooks.iter().any(|hooks| hooks.iter().any(is_request)) {
        notes.push(format!(
            "{title}: Stash went by no proxy; here HTTP_PROXY, HTTPS_PROXY and NO_PROXY count as for every request"
        ));
    }
    notes
}

/// What differs for one hook.
pub(super) fn of_hook(hook: &mut Declared, scope: &Scope<'_>, kind: &Kind) {
    let is_exec = matches!(hook.action, Some(Action::Exec(_)));
    let mut say = |note: &str| hook.notes.push(note.to_owned());
    if is_exec {
        say("Stash set a command no limit; here HOOK_TIMEOUT is its limit, if that is set");
    }
    let is_job = is_job(scope);
    if is_exec && scope.target_kind() == "AppBinding" {
        say("Stash ran it in a pod behind the Service of the AppBinding: the first that was ready, else the first");
    }
    if matches!(scope.target_kind(), "StatefulSet" | "DaemonSet") {
        say("Stash ran it once for each replica, or once for all, as timing would have it; here it runs once a run");
    }
    if scope.role == Role::Member {
        say(match hook.phase {
            Phase::Pre => "in Stash its failure failed this member alone; here it stops the work for all members",
            _ => {
                "in Stash it ran when this member was done, by how this member ended; here after all, by how the run stands"
            }
        });
    }
    if hook.phase == Phase::Pre && kind.worker == "restore" && scope.role != Role::Global && !is_job {
        say("in Stash its failure kept the workload starting over in its init container; here the restore fails, once");
    }
    if hook.phase == Phase::Post && is_job {
        say("Stash's job ended well although this hook failed, and only a condition told; here the run fails");
    }
    if hook.policy == Policy::OnFinalRetryFailure {
        say("spec.retryConfig is not read: a run that is not tried again counts as its own last attempt");
    }
    let driver = set(scope.node, "driver").and_then(Node::text).unwrap_or_default();
    if driver == "VolumeSnapshotter" {
        let ignored = hook.phase == Phase::Post && hook.policy != Policy::OnSuccess;
        if ignored {
            hook.notes.push(format!(
                "Stash's VolumeSnapshotter ignored executionPolicy and ran it after a success alone; here it is {}",
                hook.policy.word()
            ));
        }
        let texts = hook.action.as_ref().map(Action::texts).unwrap_or_default();
        if texts.iter().any(|(_, text)| text.template().is_some()) {
            hook.notes
                .push("Stash's VolumeSnapshotter did not render its templates; here they are rendered".to_owned());
        }
    }
    if kind.name == "BackupBlueprint" {
        variables_of_a_blueprint(hook);
    }
}

/// Which hooks there are before the work whose failure kept a hook after it from running.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failed {
    /// One of the batch as a whole.
    pub(super) global: bool,
    /// One of the same scope.
    pub(super) own: bool,
}

/// A hook after the work that Stash left out where a hook before it had failed.
pub(super) fn after_a_failed_pre_hook(hook: &mut Declared, kind: &Kind, scope: &Scope<'_>, failed: Failed) {
    let runs = match hook.policy {
        Policy::OnSuccess => return,
        Policy::Always => "here it runs then",
        Policy::OnFailure | Policy::OnFinalRetryFailure => "here it runs then, since the run has failed",
    };
    // The one place where Stash did run it: the init container of a restore, in any case.
    let of_own = failed.own && (kind.worker != "restore" || is_job(scope));
    let when = match (of_own, failed.global) {
        (true, _) => "a failed hook before the work",
        (false, true) => "a failed global hook before the work",
        (false, false) => return,
    };
    hook.notes.push(format!("after {when} Stash never ran it; {runs}"));
}

/// Stash fills `${TARGET_NAME}` and the like when it makes a BackupConfiguration of a blueprint.
fn variables_of_a_blueprint(hook: &mut Declared) {
    let texts = hook.action.as_ref().map(Action::texts).unwrap_or_default();
    let found = texts.iter().find(|(_, text)| Text::source(text).contains("${TARGET_"));
    if let Some((field, _)) = found {
        hook.warnings.push(Finding {
            what: format!("has a variable of a blueprint in {field}, which is not filled in here"),
            mend: "write the workload's own value".to_owned(),
        });
    }
}

/// Databases and volumes have no pod of their own that a sidecar could be in: Stash starts a job for them.
fn is_job(scope: &Scope<'_>) -> bool {
    matches!(scope.target_kind(), "AppBinding" | "PersistentVolumeClaim")
}
