//! One object: its handlers, turned into hooks in the order in which they run here.

use super::super::super::document::{Entry, Node};
use super::super::super::model::{Origin, Policy};
use super::super::super::{Context, Declared, OnError, Owner, Phase};
use super::super::Found;
use super::super::kubernetes::{Fields, Object, set, slips};
use super::super::prober::{self, Prober};
use super::scope::{Scope, invoker};
use super::{Kind, SYSTEM, notes};
use std::time::Duration;

/// The prober's limit of a request, which nobody can change. A command has none.
const REQUEST_LIMIT: Duration = Duration::from_secs(5 * 60);

/// Reads an object into `found`.
pub(super) fn read(object: &Object<'_>, kind: &Kind, found: &mut Found) {
    let Some(spec) = set(object.node, "spec") else {
        found.notes.push(format!("{} has no spec, and so no hooks", object.title()));
        return;
    };
    let mut reader = Reader { object, kind, fields: Fields::default() };
    let global = Scope::of_object(object, spec, kind.is_batch);
    slips(&mut reader.fields, spec, &[kind.pre, kind.post], "spec");
    let mut members = Vec::new();
    if kind.is_batch {
        for (at, node) in reader.fields.list(spec, "members", "spec").iter().enumerate() {
            slips(&mut reader.fields, node, &[kind.pre, kind.post], &format!("spec.members[{at}]"));
            members.push(Scope::of_member(object, node, at));
        }
    }
    // The hooks of the whole enclose those of the members.
    let (mut pre, mut last) = reader.hooks(&global);
    if !pre.is_empty() {
        for hook in &mut last {
            notes::after_a_failed_pre_hook(
                hook,
                kind,
                &global,
                notes::Failed { global: kind.is_batch, own: !kind.is_batch },
            );
        }
    }
    let mut post = Vec::new();
    let has_global = !pre.is_empty();
    for member in &members {
        let (before, mut after) = reader.hooks(member);
        let failed = notes::Failed { global: has_global, own: !before.is_empty() };
        for hook in &mut after {
            notes::after_a_failed_pre_hook(hook, kind, member, failed);
        }
        pre.extend(before);
        post.extend(after);
    }
    post.append(&mut last);
    found.notes.extend(notes::of_document(object, kind, spec, &[&pre, &post]));
    found.hooks.append(&mut pre);
    found.hooks.append(&mut post);
    found.mistakes.append(&mut reader.fields.mistakes);
}

struct Reader<'a> {
    object: &'a Object<'a>,
    kind: &'a Kind,
    fields: Fields,
}

impl Reader<'_> {
    /// The hooks of a scope: those before the work, and those after it.
    fn hooks(&mut self, scope: &Scope<'_>) -> (Vec<Declared>, Vec<Declared>) {
        let Some(hooks) = set(scope.node, "hooks") else { return Default::default() };
        let place = format!("{}.hooks", scope.place);
        self.fields.only(hooks, &[self.kind.pre, self.kind.post], &place);
        let kind = self.kind;
        let mut of = |key, phase| match hooks.entry(key).filter(|entry| !entry.value.is_null()) {
            Some(entry) => self.handler(scope, entry, phase, &format!("{place}.{key}")),
            None => Vec::new(),
        };
        (of(kind.pre, Phase::Pre), of(kind.post, Phase::Post))
    }

    fn handler(&mut self, scope: &Scope<'_>, entry: &Entry, phase: Phase, place: &str) -> Vec<Declared> {
        let node = &entry.value;
        let mut keys = prober::FIELDS.to_vec();
        if phase == Phase::Post {
            keys.push("executionPolicy");
        }
        if phase == Phase::Pre && node.get("executionPolicy").is_some() {
            let what = format!("unknown field 'executionPolicy' in {place}");
            self.fields.wrong(node.at, what, "leave it out: a hook before the work runs in any case");
            keys.push("executionPolicy");
        }
        self.fields.only(node, &keys, place);
        let policy = if phase == Phase::Post { self.policy(node, place) } else { Policy::Always };
        let mut prober = Prober { fields: &mut self.fields, system: SYSTEM, executor: scope.executor.kind };
        let handler = prober.handler(node, entry.at, place);
        let count = handler.probes.len();
        let each = handler.probes.into_iter().enumerate().map(|(at, probe)| {
            let origin = Origin { file: self.object.file.to_owned(), at: entry.at, document: self.object.title() };
            let action = probe.action;
            let several = if count > 1 { format!(".{}", action.word()) } else { String::new() };
            let mut hook = Declared::new(Owner::Worker(self.kind.worker), phase, None, origin);
            hook.name = Some(format!("{}.{}{several}", scope.label, entry.key));
            hook.timeout = (!action.is_process()).then_some(REQUEST_LIMIT);
            hook.on_error = Some(OnError::Fail);
            // Looked at again when it is known what follows.
            hook.stop_phase_on_error = phase == Phase::Post && at + 1 < count;
            hook.policy = policy;
            hook.context = Some(Context {
                namespace: self.object.namespace().map(str::to_owned),
                invoker: Some(invoker(self.object)),
                target: scope.target.clone(),
            });
            hook.executor = Some(scope.executor.clone());
            hook.container_name.clone_from(&handler.container);
            hook.notes = probe.notes;
            hook.warnings = probe.warnings;
            if count > 1 {
                let order = "exec, httpGet, httpPost, tcpSocket";
                hook.notes.push(format!("one of {count} actions of {place}, which run in the order {order}"));
            }
            hook.action = Some(action);
            notes::of_hook(&mut hook, scope, self.kind);
            hook
        });
        each.collect()
    }

    fn policy(&mut self, node: &Node, place: &str) -> Policy {
        // A restore is not tried again, and its CRD has no such value.
        let count = if self.kind.worker == "restore" { 3 } else { 4 };
        let words: Vec<(&str, Policy)> = Policy::ALL[..count].iter().map(|policy| (policy.word(), *policy)).collect();
        self.fields.word(node, "executionPolicy", place, &words).unwrap_or_default()
    }
}
