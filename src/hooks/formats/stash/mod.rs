//! Stash (`stash.appscode.com`): one handler before and one after, for a target or for a whole batch.

mod invoker;
mod notes;
mod scope;

use super::super::document::Node;
use super::super::model::Origin;
use super::super::{FileMistake, Owner, Phase};
use super::kubernetes::{Files, Object, is_of_group, nearest, objects};
use super::{Format, Found, names_of};
use std::path::{Path, PathBuf};

/// Stash.
pub const FORMAT: Format = Format {
    name: SYSTEM,
    claims: |node| is_of_group(node, |group| group.starts_with(GROUP)),
    mentioned_in: |text| text.contains("stash.appscode.com/v1"),
    is_referred_to: |_| false,
    read,
};

const SYSTEM: &str = "Stash";
const GROUP: &str = "stash.appscode.com/";

/// A kind of object that defines hooks.
#[derive(Debug, Clone, Copy)]
struct Kind {
    name: &'static str,
    worker: &'static str,
    pre: &'static str,
    post: &'static str,
    /// Its own hooks enclose those of its members.
    is_batch: bool,
}

impl Kind {
    const fn backup(name: &'static str, is_batch: bool) -> Self {
        Self { name, worker: "backup", pre: "preBackup", post: "postBackup", is_batch }
    }

    const fn restore(name: &'static str, is_batch: bool) -> Self {
        Self { name, worker: "restore", pre: "preRestore", post: "postRestore", is_batch }
    }
}

const KINDS: [Kind; 5] = [
    Kind::backup("BackupConfiguration", false),
    Kind::backup("BackupBatch", true),
    Kind::backup("BackupBlueprint", false),
    Kind::restore("RestoreSession", false),
    Kind::restore("RestoreBatch", true),
];

fn read(documents: &[(&Path, &Node)]) -> Vec<(PathBuf, Found)> {
    let mut files = Files::default();
    let all = objects(SYSTEM, documents);
    for object in all.iter().filter(|object| object.api_version().starts_with(GROUP)) {
        let found = files.of(object.file);
        found.documents.push(object.title());
        found.mistakes.extend(names_of(object.node));
        found.means_fail = true;
        match KINDS.iter().find(|kind| kind.name == object.kind()) {
            Some(kind) => {
                found.concerns.push(kind.worker);
                invoker::read(object, kind, found);
            }
            None => other_kind(object, found),
        }
    }
    settle_stops(&mut files);
    files.finished()
}

/// Other kinds define no hooks; one that is nearly a kind that does is a slip of the pen.
fn other_kind(object: &Object<'_>, found: &mut Found) {
    let kinds = KINDS.map(|kind| kind.name);
    if let Some(near) = nearest(object.kind(), &kinds) {
        let at = object.node.get("kind").map_or(object.node.at, |kind| kind.at);
        let what = format!("unknown kind '{}'", object.kind());
        found.mistakes.push(FileMistake { at, what, mend: format!("did you mean '{near}'?") });
        found.concerns.extend(["backup", "restore"]);
    } else {
        found.notes.push(format!("{} defines no hooks and is not read", object.title()));
    }
}

/// A failed action of a post handler stops the rest of that handler. That can be said only where nothing else follows that
/// would be stopped with it.
fn settle_stops(files: &mut Files) {
    let mut last: Vec<(Owner, Phase, Origin)> = Vec::new();
    for hook in files.hooks().rev() {
        let handler = (hook.owner, hook.phase, hook.origin.clone());
        let known = last.iter().find(|(owner, phase, _)| (*owner, *phase) == (hook.owner, hook.phase));
        let is_last = known.is_none_or(|known| *known == handler);
        if known.is_none() {
            last.push(handler);
        }
        if !hook.stop_phase_on_error {
            continue;
        }
        hook.stop_phase_on_error = is_last;
        hook.notes.push(if is_last {
            "in Stash its failure stops the rest of this handler; here also post hooks that follow from other files"
                .to_owned()
        } else {
            "in Stash its failure stops the rest of this handler; here the rest runs, since other post hooks follow"
                .to_owned()
        });
    }
}

#[cfg(test)]
mod tests;
