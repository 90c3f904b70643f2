//! What restic's commands take of a repository, by their words (tried with restic 0.14 and 0.18).
//!
//! | command | restic's lock | none |
//! | --- | --- | --- |
//! | backup, restore | shared | |
//! | check | exclusive | `--no-lock` |
//! | forget | exclusive | `--no-lock` together with `--dry-run` |
//! | prune | exclusive | the same, from 0.18 on; 0.14 locks all the same |
//!
//! `backup --dry-run` takes none from 0.18 on; it counts as a backup here. What restic takes less than this costs a wait,
//! what it takes more is up to its own lock.

use crate::engine::Version;
use crate::run::RepositoryLock;

/// `check` with these words.
pub(super) fn check(words: &[String]) -> RepositoryLock {
    if is_on(words, "--no-lock") { RepositoryLock::None } else { RepositoryLock::Exclusive }
}

/// `forget` with these words.
pub(super) fn forget(words: &[String]) -> RepositoryLock {
    if is_on(words, "--no-lock") && is_trial(words) { RepositoryLock::None } else { RepositoryLock::Exclusive }
}

/// `prune` with these words. `version` is asked for only where it matters.
pub(super) fn prune(words: &[String], version: impl FnOnce() -> Option<Version>) -> RepositoryLock {
    let obeyed = || version().is_some_and(|version| version.at_least(0, 18));
    if forget(words) == RepositoryLock::None && obeyed() { RepositoryLock::None } else { RepositoryLock::Exclusive }
}

/// Whether nothing is to be changed.
fn is_trial(words: &[String]) -> bool {
    let is_short = |word: &String| {
        word.strip_prefix('-')
            .is_some_and(|letters| letters.contains('n') && letters.chars().all(|c| "nqv".contains(c)))
    };
    is_on(words, "--dry-run") || words.iter().take_while(|word| *word != "--").any(is_short)
}

/// Whether a switch is on: the last one counts, and nothing behind `--` is one.
fn is_on(words: &[String], switch: &str) -> bool {
    let given = words.iter().take_while(|word| *word != "--").filter_map(|word| word.strip_prefix(switch));
    let values = given.filter(|value| value.is_empty() || value.starts_with('='));
    values.last().is_some_and(|value| matches!(value, "" | "=1" | "=t" | "=T" | "=true" | "=TRUE" | "=True"))
}

#[cfg(test)]
mod tests {
    use super::RepositoryLock::{Exclusive, None};
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn check_obeys_no_lock() {
        assert_eq!(check(&words("--read-data")), Exclusive);
        assert_eq!(check(&words("--read-data --no-lock")), None);
        assert_eq!(check(&words("--no-lock --no-lock=false")), Exclusive);
        assert_eq!(check(&words("-- --no-lock")), Exclusive);
        assert_eq!(check(&words("--no-lock-at-all")), Exclusive);
    }

    #[test]
    fn forget_and_prune_obey_it_in_a_dry_run_alone() {
        for text in ["--no-lock", "--dry-run", "-n", "-v --no-lock", "--no-lock --dry-run=false", "--keep-last -1"] {
            assert_eq!(forget(&words(text)), Exclusive, "{text}");
        }
        for text in ["--no-lock --dry-run", "-n --no-lock", "-vn --no-lock=true"] {
            assert_eq!(forget(&words(text)), None, "{text}");
            assert_eq!(prune(&words(text), || Some(Version(0, 18, 0))), None, "{text}");
            assert_eq!(prune(&words(text), || Some(Version(0, 14, 0))), Exclusive, "{text}");
        }
        assert_eq!(prune(&words("--max-unused 5%"), || panic!("is asked for in vain")), Exclusive);
    }
}
