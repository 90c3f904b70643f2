//! The keys of the phases, and what a key that is none was meant to be.

use super::super::document::Entry;
use super::super::near;
use super::super::strangers::Meant;
use super::super::{FileMistake, Owner, Phase};

/// The key of a phase: `preBackup`, `postSnapshotExport`, `preAll`.
pub fn key(phase: Phase, owner: Owner) -> String {
    let word = match owner {
        Owner::All => "all",
        Owner::Worker(worker) => worker,
    };
    format!("{}{}", phase.word(), camel(word))
}

fn camel(word: &str) -> String {
    let parts = word.split('-').map(|part| {
        let mut letters = part.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    });
    parts.collect()
}

/// All phases with their keys: every worker's first.
pub(super) fn all(workers: &[&'static str]) -> Vec<(String, Phase, Owner)> {
    let owners = [Owner::All].into_iter().chain(workers.iter().map(|worker| Owner::Worker(worker)));
    owners.flat_map(|owner| [Phase::Pre, Phase::Post].map(|phase| (key(phase, owner), phase, owner))).collect()
}

/// Whether a key of the file itself is a phase, or nearly one, that belongs below `hooks`.
pub(super) fn is_meant(given: &str, workers: &[&'static str]) -> bool {
    matches!(Meant::of(&hyphens(given), workers), Meant::Hook { .. } | Meant::WithoutHooks(_))
}

/// A key below `hooks` that is no phase.
pub(super) fn unknown(entry: &Entry, workers: &[&'static str], keys: &[(String, Phase, Owner)]) -> FileMistake {
    let given = &entry.key;
    let of = |stem: &str| {
        let wanted = stem.split_once('-').map(|(phase, word)| format!("{phase}{}", camel(word))).unwrap_or_default();
        keys.iter().find(|(key, _, _)| *key == wanted).map(|(key, _, _)| key.clone())
    };
    let (what, mend) = match Meant::of(&hyphens(given), workers) {
        Meant::WithoutHooks(word) => {
            let what = format!("'{given}' is no phase: {word} only looks, and runs no hooks");
            return FileMistake { at: entry.at, what, mend: "take it away".to_owned() };
        }
        Meant::Hook { stem, .. } => (format!("unknown phase '{given}'"), of(&stem)),
        Meant::Nothing { worker: Some(worker) } => {
            let what = format!("'{given}' is no phase");
            let (pre, post) = (key(Phase::Pre, Owner::Worker(worker)), key(Phase::Post, Owner::Worker(worker)));
            return FileMistake { at: entry.at, what, mend: format!("write {pre} or {post}") };
        }
        Meant::NoSuchWorker(word) => (format!("unknown phase '{given}': '{word}' is no worker"), None),
        Meant::Nothing { worker: None } => (format!("unknown phase '{given}'"), None),
    };
    let nearest = mend.or_else(|| near::nearest(given, keys.iter().map(|(key, _, _)| key.as_str())).map(str::to_owned));
    let mend = nearest.map_or_else(
        || "write pre or post and the worker: preBackup, postSnapshotExport, preAll".to_owned(),
        |word| format!("did you mean '{word}'?"),
    );
    FileMistake { at: entry.at, what, mend }
}

/// `pre-snapshot-export` of `preSnapshotExport`, as the names of scripts are written.
fn hyphens(given: &str) -> String {
    let mut words = String::new();
    for letter in given.chars().take(100) {
        if letter.is_uppercase() && !words.is_empty() && !words.ends_with(['-', '_', ' ', '.']) {
            words.push('-');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hooks::document::{At, Node, Yaml};

    const WORKERS: &[&str] = &["backup", "check", "replicate", "restore-test", "snapshot-export"];

    #[test]
    fn keys_are_the_worker_in_camel_case() {
        assert_eq!(key(Phase::Pre, Owner::Worker("snapshot-export")), "preSnapshotExport");
        assert_eq!(key(Phase::Post, Owner::All), "postAll");
        let keys: Vec<String> = all(&["backup"]).into_iter().map(|(key, _, _)| key).collect();
        assert_eq!(keys, ["preAll", "postAll", "preBackup", "postBackup"]);
    }

    #[test]
    fn what_is_no_phase_gets_the_nearest_one() {
        for (given, what, mend) in [
            ("preBakcup", "unknown phase 'preBakcup'", "did you mean 'preBackup'?"),
            ("pre-backup", "unknown phase 'pre-backup'", "did you mean 'preBackup'?"),
            ("prebackup", "unknown phase 'prebackup'", "did you mean 'preBackup'?"),
            ("PreBackup", "unknown phase 'PreBackup'", "did you mean 'preBackup'?"),
            ("PRE_BACKUP", "unknown phase 'PRE_BACKUP'", "did you mean 'preBackup'?"),
            ("backupPre", "unknown phase 'backupPre'", "did you mean 'preBackup'?"),
            ("beforeBackup", "unknown phase 'beforeBackup'", "did you mean 'preBackup'?"),
            ("postSnapshotexport", "unknown phase 'postSnapshotexport'", "did you mean 'postSnapshotExport'?"),
            ("postRestoreTset", "unknown phase 'postRestoreTset'", "did you mean 'postRestoreTest'?"),
            ("preSync", "unknown phase 'preSync'", "did you mean 'preReplicate'?"),
            ("preAl", "unknown phase 'preAl'", "did you mean 'preAll'?"),
            ("preDoctor", "'preDoctor' is no phase: doctor only looks, and runs no hooks", "take it away"),
            ("backup", "'backup' is no phase", "write preBackup or postBackup"),
            (
                "preDatabase",
                "unknown phase 'preDatabase': 'database' is no worker",
                "write pre or post and the worker: preBackup, postSnapshotExport, preAll",
            ),
            ("x", "unknown phase 'x'", "write pre or post and the worker: preBackup, postSnapshotExport, preAll"),
        ] {
            let entry = Entry { at: At::START, key: given.to_owned(), value: Node::new(At::START, Yaml::Null) };
            let mistake = unknown(&entry, WORKERS, &all(WORKERS));
            assert_eq!((mistake.what.as_str(), mistake.mend.as_str()), (what, mend), "{given}");
        }
    }
}
