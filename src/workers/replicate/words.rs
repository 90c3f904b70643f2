//! The words that rclone is given: the operator's, without those that would have it resync.

use crate::engine::rclone::is_below_error;

/// Long options without a value: a `-1` behind them is no value of theirs.
const SWITCHES: [&str; 14] = [
    "--check-access",
    "--checksum",
    "--create-empty-src-dirs",
    "--dry-run",
    "--fast-list",
    "--force",
    "--metadata",
    "--progress",
    "--quiet",
    "--remove-empty-dirs",
    "--resilient",
    "--size-only",
    "--update",
    "--verbose",
];

/// Short options without a value, beside which `1` may stand: `-v1`.
const SHORT: &str = "1vnqPiIcuxlLMh";

/// Options of `bisync` that `rclone copy` does not know; `true` where a value follows.
const BISYNC_ALONE: [(&str, bool); 20] = [
    ("--check-access", false),
    ("--check-filename", true),
    ("--check-sync", true),
    ("--compare", true),
    ("--conflict-loser", true),
    ("--conflict-resolve", true),
    ("--conflict-suffix", true),
    ("--backup-dir1", true),
    ("--backup-dir2", true),
    ("--download-hash", false),
    ("--force", false),
    ("--ignore-listing-checksum", false),
    ("--localtime", false),
    ("--max-lock", true),
    ("--no-cleanup", false),
    ("--no-slow-hash", false),
    ("--recover", false),
    ("--remove-empty-dirs", false),
    ("--resilient", false),
    ("--slow-hash-sync-only", false),
];

/// The words without every spelling of `--resync`, and those that were left out.
pub(super) fn without_resync(words: &[String]) -> (Vec<String>, Vec<String>) {
    let (mut kept, mut left_out) = (Vec::new(), Vec::new());
    let mut rest = words.iter().peekable();
    let mut before: &str = "";
    while let Some(word) = rest.next() {
        if word == "--resync-mode" {
            left_out.push(word.clone());
            left_out.extend(rest.next_if(|next| !next.starts_with('-')).cloned());
        } else if word.starts_with("--resync") {
            left_out.push(word.clone());
        } else if let Some(letters) = word.strip_prefix('-').filter(|letters| is_resync(letters, before)) {
            left_out.push(word.clone());
            let others = letters.split('=').next().unwrap_or_default().replace('1', "");
            if !others.is_empty() {
                kept.push(format!("-{others}"));
            }
        } else {
            kept.push(word.clone());
        }
        before = word;
    }
    (kept, left_out)
}

/// Whether these are short options with `1` among them: `1`, `v1`, `1=true`.
fn is_resync(letters: &str, before: &str) -> bool {
    let letters = letters.split('=').next().unwrap_or_default();
    letters.contains('1') && letters.chars().all(|c| SHORT.contains(c)) && !takes_a_value(before)
}

/// Whether the next word may be the value of this one.
fn takes_a_value(word: &str) -> bool {
    let is_switch = SWITCHES.contains(&word) || ["--no-", "--ignore-", "--resync"].iter().any(|b| word.starts_with(b));
    word.starts_with("--") && !word.contains('=') && !is_switch
}

/// The words without those that keep bisync's words from us, by which its end is understood; and those that were left
/// out.
pub(super) fn without_silence(words: &[String]) -> (Vec<String>, Vec<String>) {
    let (mut kept, mut left_out) = (Vec::new(), Vec::new());
    let mut rest = words.iter().peekable();
    while let Some(word) = rest.next() {
        let (name, value) = word.split_once('=').map_or((word.as_str(), None), |(name, value)| (name, Some(value)));
        let next = rest.peek().map(|next| next.as_str());
        let silences = match name {
            "--log-file" | "--syslog" => true,
            "--log-level" => value.or(next).is_some_and(is_below_error),
            _ => false,
        };
        if !silences {
            kept.push(word.clone());
            continue;
        }
        left_out.push(word.clone());
        if name != "--syslog" && value.is_none() {
            left_out.extend(rest.next().cloned());
        }
    }
    (kept, left_out)
}

/// The value of an option of which the last one counts; empty for one without a value.
pub(super) fn value_of(words: &[String], name: &str) -> Option<String> {
    let is_it = |(index, word): (usize, &String)| match word.strip_prefix(name)? {
        "" => Some(words.get(index + 1).cloned().unwrap_or_default()),
        rest => rest.strip_prefix('=').map(str::to_owned),
    };
    words.iter().enumerate().filter_map(is_it).next_back()
}

/// Whether a switch is on.
pub(super) fn is_on(words: &[String], name: &str) -> bool {
    let last = words
        .iter()
        .rev()
        .find(|word| word.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('=')));
    last.is_some_and(|word| !matches!(word.split_once('='), Some((_, "false" | "0" | "f" | "F" | "False" | "FALSE"))))
}

/// The words as `rclone lsf` understands them.
pub(super) fn for_list(words: &[String]) -> Vec<String> {
    for_copy(words).into_iter().filter(|word| !word.starts_with("--create-empty-src-dirs")).collect()
}

/// The words as `rclone copy` understands them, so that it copies what bisync would.
pub(super) fn for_copy(words: &[String]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let (name, value) = word.split_once('=').map_or((word.as_str(), None), |(name, value)| (name, Some(value)));
        if name == "--filters-file" {
            kept.push("--filter-from".to_owned());
            kept.extend(value.map(str::to_owned).or_else(|| rest.next().cloned()));
        } else if name == "--workdir" || BISYNC_ALONE.iter().any(|(known, _)| *known == name) {
            let takes_value = name == "--workdir" || BISYNC_ALONE.contains(&(name, true));
            if takes_value && value.is_none() {
                rest.next();
            }
        } else {
            kept.push(word.clone());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn no_spelling_of_resync_gets_through() {
        for (given, kept, left_out) in [
            ("--resync", "", "--resync"),
            ("--fast-list --resync=true -v", "--fast-list -v", "--resync=true"),
            ("--resync;x", "", "--resync;x"),
            ("--resync-mode newer -v", "-v", "--resync-mode newer"),
            ("--resync-mode=path1", "", "--resync-mode=path1"),
            ("--resync-mode -v", "-v", "--resync-mode"),
            ("-1", "", "-1"),
            ("-1v --fast-list", "-v --fast-list", "-1v"),
            ("--fast-list -1 --bwlimit=1M -1", "--fast-list --bwlimit=1M", "-1 -1"),
            ("-vv1=true", "-vv", "-vv1=true"),
        ] {
            assert_eq!(without_resync(&list(given)), (list(kept), list(left_out)), "{given}");
        }
    }

    #[test]
    fn what_only_looks_like_it_stays() {
        for words in [
            "--max-age -1",
            "--tpslimit -1",
            "--max-depth -1",
            "--exclude *1",
            "--transfers 1",
            "-v --suffix -old1",
            "--timeout 10s",
        ] {
            assert_eq!(without_resync(&list(words)), (list(words), Vec::new()), "{words}");
        }
    }

    #[test]
    fn what_keeps_words_from_us_is_left_out() {
        for (given, kept) in [
            ("--log-file /l -v", "-v"),
            ("--log-file=/l --log-level CRITICAL --syslog", ""),
            ("--log-level DEBUG --log-level=critical", "--log-level DEBUG"),
        ] {
            assert_eq!(without_silence(&list(given)).0, list(kept), "{given}");
        }
    }

    #[test]
    fn copies_get_what_they_understand() {
        assert_eq!(
            for_copy(&list("--force --workdir /w --filters-file /f --check-sync=false -v --max-lock 2m --bwlimit 1M")),
            list("--filter-from /f -v --bwlimit 1M")
        );
        assert_eq!(for_copy(&list("--filters-file=/f --compare size --resilient=true")), list("--filter-from /f"));
    }
}
