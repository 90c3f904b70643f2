//! Which file names are names of hooks.

use super::{Owner, Phase};

/// The owner's word in names of hooks that belong to every worker.
pub(super) const ALL: &str = "all";

/// What a file name says about the hook in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) phase: Phase,
    pub(super) owner: Owner,
    /// The name without `.sh`, bytes that are not UTF-8 replaced.
    pub(super) hook: String,
    /// Whether something stands between the worker and `.sh`.
    pub(super) suffixed: bool,
}

impl Name {
    /// The place among all hooks: byte order of file names, but a worker's `P-W.sh` before all its `P-W.<suffix>.sh`
    /// (a digit would come before the `s` of `.sh`).
    pub(super) fn place(&self, file: &[u8]) -> (Vec<u8>, bool, Vec<u8>) {
        let base = format!("{}.sh", stem(self.phase, self.owner));
        (base.into_bytes(), self.suffixed, file.to_vec())
    }
}

/// `pre-backup`: a hook's name without suffix.
pub(super) fn stem(phase: Phase, owner: Owner) -> String {
    let word = match owner {
        Owner::All => ALL,
        Owner::Worker(worker) => worker,
    };
    format!("{}-{word}", phase.word())
}

/// Every phase of every worker, and those that belong to all of them.
pub(super) fn stems(workers: &[&'static str]) -> impl Iterator<Item = String> {
    workers
        .iter()
        .copied()
        .chain([ALL])
        .flat_map(|worker| [Phase::Pre, Phase::Post].map(|phase| format!("{}-{worker}", phase.word())))
}

/// Reads `P-W.sh` and `P-W.<suffix>.sh` whose suffix begins with a digit; `None` for every other name.
pub(super) fn read(file: &[u8], workers: &[&'static str]) -> Option<Name> {
    let name = file.strip_suffix(b".sh")?;
    let dot = name.iter().position(|byte| *byte == b'.');
    let (head, suffix) = dot.map_or((name, None), |dot| (&name[..dot], Some(&name[dot + 1..])));
    let (phase, word) = if let Some(word) = head.strip_prefix(b"pre-") {
        (Phase::Pre, word)
    } else {
        (Phase::Post, head.strip_prefix(b"post-")?)
    };
    let owner = if word == ALL.as_bytes() {
        Owner::All
    } else {
        Owner::Worker(workers.iter().find(|worker| worker.as_bytes() == word)?)
    };
    if suffix.is_some_and(|suffix| !suffix.first().is_some_and(u8::is_ascii_digit)) {
        return None;
    }
    Some(Name { phase, owner, hook: String::from_utf8_lossy(name).into_owned(), suffixed: suffix.is_some() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKERS: &[&str] = &["backup", "restore", "restore-test"];

    fn owner(file: &str) -> Option<(Phase, Owner, String)> {
        read(file.as_bytes(), WORKERS).map(|name| (name.phase, name.owner, name.hook))
    }

    #[test]
    fn a_plain_and_a_suffixed_name_are_hooks() {
        assert_eq!(owner("pre-backup.sh"), Some((Phase::Pre, Owner::Worker("backup"), "pre-backup".into())));
        assert_eq!(
            owner("post-restore-test.10-mail.sh"),
            Some((Phase::Post, Owner::Worker("restore-test"), "post-restore-test.10-mail".into()))
        );
        assert_eq!(owner("pre-all.1.sh"), Some((Phase::Pre, Owner::All, "pre-all.1".into())));
    }

    #[test]
    fn a_suffix_begins_with_a_digit() {
        for file in ["pre-backup.old.sh", "pre-backup..sh", "pre-backup.-1.sh", "pre-backup"] {
            assert_eq!(owner(file), None, "{file}");
        }
    }

    #[test]
    fn other_words_are_no_hooks() {
        for file in
            ["pre-bakcup.sh", "Pre-backup.sh", "pre_backup.sh", "prebackup.sh", "pre-.sh", ".sh", "", "pre-backup.py"]
        {
            assert_eq!(owner(file), None, "{file}");
        }
    }

    #[test]
    fn bytes_that_are_not_text_are_kept_apart_from_the_name() {
        let name = read(b"pre-backup.1\xff.sh", WORKERS).expect("is a hook");
        assert_eq!(name.hook, "pre-backup.1\u{fffd}");
    }

    #[test]
    fn the_plain_name_comes_before_its_suffixed_ones() {
        let mut files =
            ["pre-backup.20-b.sh", "pre-restore.sh", "pre-backup.sh", "post-restore.sh", "pre-backup.10-a.sh"];
        files.sort_by_key(|file| read(file.as_bytes(), WORKERS).expect("is a hook").place(file.as_bytes()));
        assert_eq!(
            files,
            ["post-restore.sh", "pre-backup.sh", "pre-backup.10-a.sh", "pre-backup.20-b.sh", "pre-restore.sh"]
        );
    }
}
