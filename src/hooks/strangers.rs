//! Entries of the hooks folder that are no hooks: why, and what their name should have been.

use super::names::stems;
use super::near::{NEAR, distance};
use super::{Stranger, StrangerKind};

/// Commands that run no hooks, by the names that people would write hooks for.
const WITHOUT_HOOKS: &[&str] =
    &["doctor", "status", "health-summary", "cron-list", "config-check", "rotate-log", "locked-run"];

/// Endings of files that scripts read, or that people read.
const DATA: &[&str] = &[
    "yaml", "yml", "json", "toml", "ini", "cfg", "conf", "env", "sql", "csv", "xml", "pem", "crt", "key", "md", "rst",
    "html", "log",
];

/// Older names and everyday words, and the word that names use.
const OTHER_WORDS: &[(&str, &str)] = &[("bisync", "replicate"), ("sync", "replicate"), ("rotate", "rotate-log")];

/// Says why the entry called `file`, which is no hook, will not run.
pub(super) fn explain(file: &[u8], is_folder: bool, workers: &[&'static str]) -> Stranger {
    let shown = String::from_utf8_lossy(file).into_owned();
    let text = shown.trim();
    let (head, rest) = split(text);
    let ending = Ending::of(rest);
    let meant = Meant::of(head, workers);
    let mut reasons = Vec::new();
    if is_folder {
        reasons.push("is a folder, and hooks are files side by side".to_owned());
    }
    let is_attempt = match &meant {
        Meant::Nothing { .. } => false,
        Meant::Hook { .. } | Meant::NoSuchWorker(_) | Meant::WithoutHooks(_) => !ending.is_data() && !is_copy(text),
    };
    let nearest = match (&meant, is_attempt) {
        (Meant::Hook { stem, .. }, true) => Some(ending.right_name(stem, is_folder)),
        (Meant::Nothing { worker: Some(worker) }, _) if ending.is_script() && !is_folder => {
            Some(format!("pre-{worker}.sh"))
        }
        _ => None,
    };
    if is_attempt {
        if text.len() != shown.len() {
            reasons.push("has blanks around its name".to_owned());
        }
        reasons.extend(meant.reasons(head));
        if !is_folder {
            reasons.extend(ending.reason());
        }
    } else if !is_folder {
        reasons.push(match meant {
            _ if is_copy(text) => "is an editor's copy".to_owned(),
            _ if ending.is_shouted() => {
                format!("ends in `.{0}`, and hooks are declared in `.yaml`, `.yml` and `.json`", ending.last)
            }
            _ if ending.is_data() => "is data, which scripts may read".to_owned(),
            _ => "has not the name of a hook".to_owned(),
        });
    }
    if reasons.is_empty() {
        reasons.push("has not the name of a hook".to_owned());
    }
    let kind = if is_attempt { StrangerKind::Attempt } else { StrangerKind::Other };
    Stranger { file: shown, reason: reasons.join(", "), nearest, kind }
}

/// The part that should be `pre-backup`, and what follows its dot. `pre.backup.sh` counts as `pre-backup` and `sh`.
fn split(text: &str) -> (&str, Option<&str>) {
    let Some(first) = text.find('.') else { return (text, None) };
    let is_phase = matches!(text[..first].to_lowercase().as_str(), "pre" | "post");
    let dot = match text[first + 1..].find('.') {
        Some(second) if is_phase => first + 1 + second,
        _ => first,
    };
    (&text[..dot], Some(&text[dot + 1..]))
}

fn is_copy(text: &str) -> bool {
    text.ends_with('~') || text.starts_with('#')
}

/// Which hook a name's first part is likely to mean.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meant {
    /// The hook of this name; `how` says what is wrong beside upper case and signs, if anything.
    Hook { stem: String, how: Option<String> },
    /// A phase and a word that is no worker.
    NoSuchWorker(String),
    /// A phase and a command that runs no hooks.
    WithoutHooks(String),
    /// No hook; perhaps the bare name of a worker.
    Nothing { worker: Option<&'static str> },
}

impl Meant {
    /// Reads the first part of a file's name; capitals and other signs in place of hyphens do not matter.
    pub(super) fn of(head: &str, workers: &[&'static str]) -> Self {
        let plain = normal(head);
        if stems(workers).any(|stem| stem == plain) {
            return Self::Hook { stem: plain, how: None };
        }
        if let Some(worker) = workers.iter().find(|worker| **worker == plain) {
            return Self::Nothing { worker: Some(worker) };
        }
        for (wrong, right) in [("before-", "pre-"), ("after-", "post-")] {
            if let Some(stem) = plain.strip_prefix(wrong).map(|word| format!("{right}{word}"))
                && stems(workers).any(|known| known == stem)
            {
                let how = format!("begins with `{wrong}` where `{right}` belongs");
                return Self::Hook { stem, how: Some(how) };
            }
        }
        for phase in ["pre", "post"] {
            let stem = plain.strip_suffix(phase).and_then(|word| word.strip_suffix('-'));
            if let Some(stem) = stem.map(|word| format!("{phase}-{word}"))
                && stems(workers).any(|known| known == stem)
            {
                return Self::Hook { stem, how: Some(format!("has `{phase}` at its end instead of its beginning")) };
            }
        }
        if let Some((phase, word)) = plain.split_once('-')
            && matches!(phase, "pre" | "post")
        {
            let word = OTHER_WORDS.iter().find(|(other, _)| *other == word).map_or(word, |(_, right)| right);
            if WITHOUT_HOOKS.contains(&word) {
                return Self::WithoutHooks(word.to_owned());
            }
            let stem = format!("{phase}-{word}");
            if stem != plain && stems(workers).any(|known| known == stem) {
                return Self::Hook { stem, how: Some(format!("names the worker otherwise than `{word}`")) };
            }
        }
        let near = stems(workers).map(|stem| (distance(&plain, &stem), stem)).min();
        if let Some((letters, stem)) = near
            && letters <= NEAR
        {
            return Self::Hook { stem, how: Some(format!("is called `{plain}`, which is no hook")) };
        }
        match plain.split_once('-') {
            Some(("pre" | "post", word)) if !word.is_empty() => Self::NoSuchWorker(word.to_owned()),
            _ => Self::Nothing { worker: None },
        }
    }

    fn reasons(&self, head: &str) -> Vec<String> {
        let mut reasons = Vec::new();
        if head.chars().any(char::is_uppercase) {
            reasons.push("is written in upper case".to_owned());
        }
        for sign in ['_', ' ', '.'] {
            if head.contains(sign) {
                reasons.push(format!("has `{sign}` where `-` belongs"));
            }
        }
        match self {
            Self::Hook { how, .. } => reasons.extend(how.clone()),
            Self::NoSuchWorker(word) => reasons.push(format!("names `{word}`, which is no worker")),
            Self::WithoutHooks(word) => reasons.push(format!("names `{word}`, which runs no hooks")),
            Self::Nothing { .. } => {}
        }
        reasons
    }
}

/// Lower case, with hyphens for the signs that are put in their place.
fn normal(head: &str) -> String {
    head.to_lowercase().replace(['_', ' ', '.'], "-")
}

/// What follows the first part of a name.
struct Ending<'a> {
    /// Between the first part and the last ending; may hold dots.
    suffix: Option<&'a str>,
    /// The last ending with its case (`sh`, `py`, `sh.txt`); empty if there is none.
    last: &'a str,
}

impl<'a> Ending<'a> {
    fn of(rest: Option<&'a str>) -> Self {
        let Some(rest) = rest else { return Self { suffix: None, last: "" } };
        let lower = rest.to_ascii_lowercase();
        // `sh.txt`, `10-dump.sh.bak`: what an editor or a mail program has put behind the right ending.
        let cut = if lower.starts_with("sh.") {
            0
        } else {
            lower.find(".sh.").or_else(|| lower.rfind('.')).map_or(0, |dot| dot + 1)
        };
        Self { suffix: (cut > 0).then(|| &rest[..cut - 1]), last: &rest[cut..] }
    }

    fn is_data(&self) -> bool {
        DATA.contains(&self.last.to_ascii_lowercase().as_str())
    }

    /// `hooks.YAML`: its small twin would be read for hooks.
    fn is_shouted(&self) -> bool {
        let lower = self.last.to_ascii_lowercase();
        lower != self.last && ["yaml", "yml", "json"].contains(&lower.as_str())
    }

    fn is_script(&self) -> bool {
        self.last.eq_ignore_ascii_case("sh")
    }

    fn reason(&self) -> Option<String> {
        if self.last.is_empty() {
            return Some("has no `.sh` at its end".to_owned());
        }
        if !self.is_script() {
            return Some(format!("ends in `.{}` instead of `.sh`", self.last));
        }
        let suffix = self.suffix.filter(|suffix| !begins_with_digit(suffix));
        let suffix = suffix.map(|suffix| format!("has the suffix `{suffix}`, which does not begin with a digit"));
        suffix.or_else(|| (self.last != "sh").then(|| format!("ends in `.{}` instead of `.sh`", self.last)))
    }

    fn right_name(&self, stem: &str, is_folder: bool) -> String {
        match self.suffix {
            // `pre-backup.d`: the files in it, side by side.
            _ if is_folder => format!("{stem}.10-name.sh"),
            Some(suffix) if begins_with_digit(suffix) => format!("{stem}.{suffix}.sh"),
            Some(suffix) if !suffix.is_empty() => format!("{stem}.10-{suffix}.sh"),
            _ => format!("{stem}.sh"),
        }
    }
}

fn begins_with_digit(suffix: &str) -> bool {
    suffix.starts_with(|first: char| first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKERS: &[&str] = &["backup", "check", "replicate", "restore", "restore-test", "snapshot-export"];

    fn file(name: &str) -> Stranger {
        explain(name.as_bytes(), false, WORKERS)
    }

    #[track_caller]
    fn attempt(name: &str, nearest: &str, reason: &str) {
        let stranger = file(name);
        assert_eq!(stranger.kind, StrangerKind::Attempt, "{stranger:?}");
        assert_eq!(stranger.nearest.as_deref(), Some(nearest), "{stranger:?}");
        assert!(stranger.reason.contains(reason), "{stranger:?}");
    }

    #[test]
    fn a_misspelt_worker_is_near_its_name() {
        attempt("pre-bakcup.sh", "pre-backup.sh", "is called `pre-bakcup`, which is no hook");
        attempt("post-restore-tset.10-a.sh", "post-restore-test.10-a.sh", "which is no hook");
        attempt("prebackup.sh", "pre-backup.sh", "which is no hook");
        attempt("pre\u{2013}backup.sh", "pre-backup.sh", "which is no hook");
    }

    #[test]
    fn a_suffix_without_a_digit_is_named() {
        attempt("pre-backup.old.sh", "pre-backup.10-old.sh", "the suffix `old`, which does not begin with a digit");
        attempt("pre-backup..sh", "pre-backup.sh", "does not begin with a digit");
    }

    #[test]
    fn a_missing_or_wrong_ending_is_named() {
        attempt("pre-backup", "pre-backup.sh", "has no `.sh` at its end");
        attempt("pre-backup.py", "pre-backup.sh", "ends in `.py`");
        attempt("pre-backup.sh.txt", "pre-backup.sh", "ends in `.sh.txt`");
        attempt("pre-backup.10-dump.py", "pre-backup.10-dump.sh", "ends in `.py`");
        attempt("pre-backup.10-dump.sh.bak", "pre-backup.10-dump.sh", "ends in `.sh.bak`");
        attempt("pre-backup.SH", "pre-backup.sh", "ends in `.SH`");
        attempt("pre-backup.sh ", "pre-backup.sh", "blanks around its name");
    }

    #[test]
    fn other_signs_and_upper_case_are_named() {
        attempt("pre_backup.sh", "pre-backup.sh", "has `_` where `-` belongs");
        attempt("pre.backup.sh", "pre-backup.sh", "has `.` where `-` belongs");
        attempt("Pre-Backup.sh", "pre-backup.sh", "upper case");
        attempt("PRE_BACKUP.10_Dump.py", "pre-backup.10_Dump.sh", "upper case");
    }

    #[test]
    fn everyday_words_and_old_names_are_understood() {
        attempt("before-backup.sh", "pre-backup.sh", "`before-`");
        attempt("backup-post.sh", "post-backup.sh", "`post` at its end");
        attempt("pre-bisync.sh", "pre-replicate.sh", "`replicate`");
    }

    #[test]
    fn what_has_no_hooks_is_said() {
        let stranger = file("pre-doctor.sh");
        assert_eq!((stranger.kind, stranger.nearest), (StrangerKind::Attempt, None));
        assert!(stranger.reason.contains("runs no hooks"));
        let stranger = file("post-database.sh");
        assert_eq!((stranger.kind, stranger.nearest), (StrangerKind::Attempt, None));
        assert!(stranger.reason.contains("names `database`, which is no worker"));
    }

    #[test]
    fn data_and_notes_are_no_attempts() {
        for name in ["hooks.toml", "pre-backup.sql", "README.md", "lib.sh", "notify.py", "LICENSE", "pre-backup.sh~"] {
            let stranger = file(name);
            assert_eq!(stranger.kind, StrangerKind::Other, "{stranger:?}");
            assert_eq!(stranger.nearest, None, "{stranger:?}");
        }
        assert_eq!(file("hooks.toml").reason, "is data, which scripts may read");
        assert!(file("hooks.YAML").reason.starts_with("ends in `.YAML`, and hooks are declared in"));
    }

    #[test]
    fn a_bare_worker_may_be_a_script_of_their_own() {
        let stranger = file("backup.sh");
        assert_eq!((stranger.kind, stranger.nearest.as_deref()), (StrangerKind::Other, Some("pre-backup.sh")));
    }

    #[test]
    fn a_folder_is_named_as_one() {
        let stranger = explain(b"pre-backup.d", true, WORKERS);
        assert_eq!(stranger.kind, StrangerKind::Attempt);
        assert_eq!(stranger.nearest.as_deref(), Some("pre-backup.10-name.sh"));
        assert!(stranger.reason.starts_with("is a folder"));
        let stranger = explain(b"lib", true, WORKERS);
        assert_eq!((stranger.kind, stranger.nearest), (StrangerKind::Other, None));
    }

    #[test]
    fn every_worker_and_all_can_be_near() {
        attempt("pre-al.sh", "pre-all.sh", "which is no hook");
        attempt("post-restor-test.sh", "post-restore-test.sh", "which is no hook");
    }
}
