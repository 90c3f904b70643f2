//! Whose hooks a handler holds: those of an object, of a batch as a whole, or of one of its members.

use super::super::super::document::Node;
use super::super::super::model::{Executor, ExecutorKind, ObjectRef};
use super::super::kubernetes::{Object, set};
use super::GROUP;

/// What a handler belongs to within its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The object's one target.
    Single,
    /// A batch as a whole.
    Global,
    /// One member of a batch.
    Member,
}

/// A place in a document that may have hooks.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    pub(super) role: Role,
    /// `spec`, `spec.members[0]`.
    pub(super) place: String,
    /// `wiki`, `shop.shop-db`: what its hooks' names begin with.
    pub(super) label: String,
    /// What has `hooks` in it.
    pub(super) node: &'a Node,
    /// What is backed up or restored, as far as the document says.
    pub(super) target: Option<ObjectRef>,
    /// What runs its hooks in Stash.
    pub(super) executor: Executor,
}

impl<'a> Scope<'a> {
    /// The object itself, or a batch as a whole.
    pub(super) fn of_object(object: &Object<'a>, spec: &'a Node, is_batch: bool) -> Self {
        let target = if is_batch { None } else { target(object, spec) };
        let role = if is_batch { Role::Global } else { Role::Single };
        let executor = match role {
            Role::Global => Executor::of(ExecutorKind::Operator),
            _ => pod(target.as_ref()),
        };
        Self { role, place: "spec".to_owned(), label: label(object), node: spec, target, executor }
    }

    /// A member of a batch.
    pub(super) fn of_member(object: &Object<'a>, node: &'a Node, at: usize) -> Self {
        let target = target(object, node);
        let name = target.as_ref().map_or_else(|| format!("members[{at}]"), |target| target.name.clone());
        Self {
            role: Role::Member,
            place: format!("spec.members[{at}]"),
            label: format!("{}.{name}", label(object)),
            node,
            executor: pod(target.as_ref()),
            target,
        }
    }

    /// The kind of its target; empty if that is not known.
    pub(super) fn target_kind(&self) -> &str {
        self.target.as_ref().map_or("", |target| &target.kind)
    }
}

/// What `.Invoker` is.
pub(super) fn invoker(object: &Object<'_>) -> ObjectRef {
    ObjectRef {
        api_group: GROUP.trim_end_matches('/').to_owned(),
        api_version: object.api_version().to_owned(),
        kind: object.kind().to_owned(),
        name: object.name().to_owned(),
        namespace: object.namespace().unwrap_or_default().to_owned(),
    }
}

fn label(object: &Object<'_>) -> String {
    if object.name().is_empty() { object.kind().to_owned() } else { object.name().to_owned() }
}

fn target(object: &Object<'_>, node: &Node) -> Option<ObjectRef> {
    let reference = set(set(node, "target")?, "ref")?;
    let of = |key: &str| set(reference, key).and_then(Node::text).unwrap_or_default().to_owned();
    let api_version = of("apiVersion");
    // The core group has no name: `v1`.
    let api_group = api_version.split_once('/').map(|(group, _)| group.to_owned()).unwrap_or_default();
    let own = Some(of("namespace")).filter(|name| !name.is_empty());
    let namespace = own.or_else(|| object.namespace().map(str::to_owned)).unwrap_or_default();
    Some(ObjectRef { api_group, api_version, kind: of("kind"), name: of("name"), namespace })
}

fn pod(target: Option<&ObjectRef>) -> Executor {
    let mut executor = Executor::of(ExecutorKind::Pod);
    if let Some(target) = target {
        executor.owner = Some(format!("{}/{}", target.kind, target.name));
        executor.namespaces = Some(target.namespace.clone()).filter(|name| !name.is_empty()).into_iter().collect();
    }
    executor
}
