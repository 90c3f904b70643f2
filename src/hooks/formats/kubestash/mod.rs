//! KubeStash (`core.kubestash.com`): hooks that refer to templates of hooks, which may stand in another file.

mod filling;
mod hook_template;
mod invoker;
mod making;
mod session;

use super::super::FileMistake;
use super::super::document::Node;
use super::kubernetes::{Files, Object, is_of_group, nearest, objects};
use super::{Format, Found, names_of};
use hook_template::{HookTemplate, Templates};
use std::path::{Path, PathBuf};

/// KubeStash.
pub const FORMAT: Format = Format {
    name: SYSTEM,
    claims: |node| is_of_group(node, |group| group.contains(GROUPS)),
    mentioned_in: |text| text.contains("kubestash.com/v1"),
    is_referred_to: |node| node.get("kind").and_then(Node::text) == Some(TEMPLATE),
    read,
};

const SYSTEM: &str = "KubeStash";
/// The group of what defines hooks.
const GROUP: &str = "core.kubestash.com";
/// How all groups of the system end: a user has its stores beside its hooks.
const GROUPS: &str = ".kubestash.com/";
const TEMPLATE: &str = "HookTemplate";
/// What refers to templates of hooks, and the worker that it is for.
const KINDS: [(&str, &str); 4] = [
    ("BackupConfiguration", "backup"),
    ("BackupBatch", "backup"),
    ("BackupBlueprint", "backup"),
    ("RestoreSession", "restore"),
];

fn read(documents: &[(&Path, &Node)]) -> Vec<(PathBuf, Found)> {
    let mut files = Files::default();
    let all = objects(SYSTEM, documents);
    let all: Vec<Object<'_>> = all.into_iter().filter(|object| object.api_version().contains(GROUPS)).collect();
    let mut templates = Templates::default();
    for object in &all {
        let found = files.of(object.file);
        found.documents.push(object.title());
        found.mistakes.extend(names_of(object.node));
        found.means_fail = true;
        if object.kind() == TEMPLATE {
            templates.add(HookTemplate::read(object, &mut found.mistakes));
        }
    }
    for object in &all {
        match KINDS.iter().find(|(kind, _)| *kind == object.kind()) {
            Some((_, worker)) => {
                files.of(object.file).concerns.push(worker);
                invoker::read(object, worker, &mut templates, &mut files);
            }
            None if object.kind() != TEMPLATE => other_kind(object, files.of(object.file)),
            None => {}
        }
    }
    templates.settle(&mut files);
    files.finished()
}

/// Other kinds define no hooks; one that is nearly a kind that does is a slip of the pen.
fn other_kind(object: &Object<'_>, found: &mut Found) {
    let kinds: Vec<&str> = KINDS.iter().map(|(kind, _)| *kind).chain([TEMPLATE]).collect();
    let of_core = object.api_version().starts_with(GROUP);
    if let Some(near) = nearest(object.kind(), &kinds).filter(|_| of_core) {
        let at = object.node.get("kind").map_or(object.node.at, |kind| kind.at);
        let what = format!("unknown kind '{}'", object.kind());
        found.mistakes.push(FileMistake { at, what, mend: format!("did you mean '{near}'?") });
        found.concerns.extend(["backup", "restore"]);
    } else {
        found.notes.push(format!("{} defines no hooks and is not read", object.title()));
    }
}

#[cfg(test)]
mod tests;
