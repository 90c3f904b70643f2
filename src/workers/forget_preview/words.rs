//! The words for `restic forget`, read as restic reads them (0.14 and 0.18): what they would undo, and what they ask for.

use crate::workers::flags::names_in;
use std::collections::BTreeMap;

/// Flags that are followed by a value, beside `--keep-…`.
const WITH_VALUE: &[&str] = &[
    "cacert",
    "cache-dir",
    "compression",
    "group-by",
    "host",
    "http-user-agent",
    "key-hint",
    "limit-download",
    "limit-upload",
    "max-repack-size",
    "max-unused",
    "option",
    "pack-size",
    "password-command",
    "password-file",
    "path",
    "repack-smaller-than",
    "repo",
    "repository-file",
    "retry-lock",
    "stuck-request-timeout",
    "tag",
    "tls-client-cert",
];

/// Their short forms, with the long ones that matter here.
const SHORT_WITH_VALUE: &[(char, &str)] = &[
    ('l', "keep-last"),
    ('H', "keep-hourly"),
    ('d', "keep-daily"),
    ('w', "keep-weekly"),
    ('m', "keep-monthly"),
    ('y', "keep-yearly"),
    ('g', "group-by"),
    ('o', "option"),
    ('p', "password-file"),
    ('r', "repo"),
];

/// Short forms of switches.
const SHORT_SWITCHES: &[(char, &str)] =
    &[('c', "compact"), ('h', "help"), ('n', "dry-run"), ('q', "quiet"), ('v', "verbose")];

/// What a list of words asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    /// Whether each rule keeps anything; the last of a name counts.
    rules: BTreeMap<String, bool>,
    /// Snapshots that are named: restic then leaves rules and filters out of account.
    pub snapshots: Vec<String>,
    /// The list is hidden.
    pub quiet: bool,
    /// restic is to tell more, or less, than it would by itself.
    pub verbose: bool,
    /// The output is JSON.
    pub json: bool,
    /// A group may lose all its snapshots (restic 0.17 and later).
    pub removes_all: bool,
}

impl Reading {
    /// Reads words.
    ///
    /// # Errors
    /// The word that makes it more, or less, than a preview, and why, in one line.
    pub(super) fn of(words: &[String]) -> Result<Self, String> {
        // Wherever it stands: whether it is a flag or the value of one depends on the version of restic.
        if let Some(problem) = words.iter().find_map(|word| refusal(word)) {
            return Err(problem);
        }
        let mut reading = Self::default();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let Some((name, value)) = reading.take(word) else { continue };
            let value = match value {
                Some(value) => value,
                None => rest.next().cloned().ok_or_else(|| format!("'{word}' stands at the end, without its value"))?,
            };
            if name.starts_with("keep-") {
                reading.rules.insert(name, value != "0");
            }
        }
        Ok(reading)
    }

    /// Both of them, one after the other.
    pub(super) fn and(mut self, more: Self) -> Self {
        self.rules.extend(more.rules);
        self.snapshots.extend(more.snapshots);
        self.quiet |= more.quiet;
        self.verbose |= more.verbose;
        self.json |= more.json;
        self.removes_all |= more.removes_all;
        self
    }

    /// Whether anything says what to keep.
    pub(super) fn has_rule(&self) -> bool {
        self.rules.values().any(|keeps| *keeps)
    }

    /// Takes note of a word; the flag's long name, and its value unless that is the next word, if it has one.
    fn take(&mut self, word: &str) -> Option<(String, Option<String>)> {
        if let Some(long) = word.strip_prefix("--") {
            let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            if name.starts_with("keep-") || WITH_VALUE.contains(&name) {
                return Some((name.to_owned(), value.map(str::to_owned)));
            }
            self.switch(name, value);
            return None;
        }
        let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
            self.snapshots.push(word.to_owned());
            return None;
        };
        let mut rest = letters.chars();
        while let Some(letter) = rest.next() {
            let after = rest.as_str();
            if let Some((_, name)) = SHORT_WITH_VALUE.iter().find(|(known, _)| *known == letter) {
                let value = after.strip_prefix('=').unwrap_or(after);
                return Some(((*name).to_owned(), (!after.is_empty()).then(|| value.to_owned())));
            }
            let value = after.strip_prefix('=');
            if let Some((_, name)) = SHORT_SWITCHES.iter().find(|(known, _)| *known == letter) {
                self.switch(name, value);
            }
            if value.is_some() {
                break;
            }
        }
        None
    }

    fn switch(&mut self, name: &str, value: Option<&str>) {
        let on = value.is_none_or(is_true);
        match name {
            "quiet" => self.quiet = on,
            "verbose" => self.verbose = true,
            "json" => self.json = on,
            "unsafe-allow-remove-all" => self.removes_all = on,
            _ => {}
        }
    }
}

/// Why this word is refused, if it is.
fn refusal(word: &str) -> Option<String> {
    let says = |what: &str| Some(format!("'{word}' {what}: leave it out"));
    let help = "shows the help of restic and no preview";
    let with_value: String = SHORT_WITH_VALUE.iter().map(|(letter, _)| *letter).collect();
    for name in names_in(word, &with_value) {
        match name {
            "repo" | "repository-file" | "r" => {
                return Some(format!(
                    "'{word}' names another repository than the one that is reported: set RESTIC_REPOSITORY instead"
                ));
            }
            "password-command" => {
                return Some(format!("'{word}' runs a command: set RESTIC_PASSWORD_COMMAND instead"));
            }
            "cleanup-cache" => return says("removes old caches, and a preview removes nothing"),
            _ => {}
        }
    }
    if word == "--" {
        return says("ends the flags, so that those of the preview would not count");
    }
    if let Some(long) = word.strip_prefix("--") {
        let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
        return match name {
            "dry-run" if value.is_some_and(|value| !is_true(value)) => says("undoes the dry run"),
            "help" => says(help),
            _ => None,
        };
    }
    let letters = word.strip_prefix('-')?;
    let (letters, value) = letters.split_once('=').map_or((letters, None), |(letters, value)| (letters, Some(value)));
    if letters.ends_with('n') && value.is_some_and(|value| !is_true(value)) {
        return says("undoes the dry run");
    }
    let are_switches = letters.chars().all(|letter| SHORT_SWITCHES.iter().any(|(known, _)| *known == letter));
    if are_switches && letters.contains('h') { says(help) } else { None }
}

/// What Go takes for true.
fn is_true(value: &str) -> bool {
    matches!(value, "1" | "t" | "T" | "true" | "TRUE" | "True")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::words::split;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Reading, String> {
        Reading::of(&split(text).expect("is a list"))
    }

    fn sound(text: &str) -> Reading {
        read(text).unwrap_or_else(|problem| panic!("{text}: {problem}"))
    }

    #[test]
    fn what_undoes_the_dry_run_is_refused_by_name() {
        for (text, word) in [
            ("--keep-last 1 --dry-run=false", "--dry-run=false"),
            ("--dry-run=0 --keep-last 1", "--dry-run=0"),
            ("--dry-run=", "--dry-run="),
            ("-n=false", "-n=false"),
            ("--keep-last 1 -n=F", "-n=F"),
            ("-qn=false", "-qn=false"),
            ("-cqvn=0 --keep-last 1", "-cqvn=0"),
            ("--keep-last 1 --", "--"),
            ("-- latest", "--"),
            // The value of a flag in one version may be a flag in another.
            ("--keep-tag --dry-run=false", "--dry-run=false"),
        ] {
            let problem = read(text).expect_err(text);
            assert!(problem.starts_with(&format!("'{word}' ")), "{text}: {problem}");
        }
    }

    #[test]
    fn what_shows_no_preview_is_refused() {
        for text in ["--help", "-h", "-qh --keep-last 1", "--help=true", "-hv"] {
            assert!(read(text).expect_err(text).contains("no preview"), "{text}");
        }
        sound("-H 3");
        sound("-H3 -lH");
    }

    #[test]
    fn what_leads_elsewhere_or_does_more_is_refused() {
        for word in ["-r", "-r/x", "-cqr=/x", "--repo", "--repo=/x", "--repository-file=/x"] {
            let problem = read(&format!("--keep-last 1 {word} x")).expect_err(word);
            assert!(problem.starts_with(&format!("'{word}' ")) && problem.contains("RESTIC_REPOSITORY"), "{problem}");
        }
        for word in ["--password-command", "--password-command=x", "--cleanup-cache", "--cleanup-cache=true"] {
            assert!(read(&format!("--keep-last 1 {word} x")).is_err(), "{word}");
        }
        sound("-l1 -H3 --tag r -ghost --repack-smaller-than 1M");
    }

    #[test]
    fn a_flag_without_its_value_would_swallow_one_of_ours() {
        for (text, word) in [("--keep-last", "--keep-last"), ("--keep-last 1 -cd", "-cd"), ("-l 1 --tag", "--tag")] {
            assert_eq!(read(text), Err(format!("'{word}' stands at the end, without its value")), "{text}");
        }
    }

    #[test]
    fn a_dry_run_that_is_asked_for_is_none_of_our_business() {
        for text in ["--dry-run", "-n", "--dry-run=true", "-n=1", "-qn=T", "--no-lock=false", "--prune"] {
            sound(&format!("{text} --keep-last 1"));
        }
    }

    #[test]
    fn rules_are_found_in_every_form() {
        for text in [
            "--keep-last 3",
            "--keep-daily=7",
            "-l3",
            "-l=3",
            "-cd 7",
            "--keep-tag x",
            "--keep-within 1y",
            "-l 0 -d 1",
            "-l 0 --keep-last 2",
        ] {
            assert!(sound(text).has_rule(), "{text}");
        }
        for text in ["", "--prune", "--keep-last 0", "-l0", "-l 2 --keep-last=0", "--host --keep-last", "latest"] {
            assert!(!sound(text).has_rule(), "{text}");
        }
    }

    #[test]
    fn named_snapshots_and_switches_are_found() {
        let reading = sound("latest --keep-last 1 -vq 1a2b --host h --json --unsafe-allow-remove-all");
        assert_eq!(reading.snapshots, ["latest", "1a2b"]);
        assert!(reading.quiet && reading.verbose && reading.json && reading.removes_all);
        assert!(!sound("-q --quiet=false").quiet);
        let both = sound("--keep-last 1").and(sound("-q"));
        assert!(both.has_rule() && both.quiet);
        assert!(!sound("--keep-last 1").and(sound("-l 0")).has_rule());
    }

    proptest! {
        #[test]
        fn no_word_makes_the_reader_panic(words in prop::collection::vec("[-=a-zA-Z0-9 ü]{0,8}", 0..6)) {
            let _ = Reading::of(&words);
        }
    }
}
