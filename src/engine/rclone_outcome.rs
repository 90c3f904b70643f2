//! What rclone's end means, from its exit code and from what it said: the words of 1.60 and of later versions.

use super::rclone_stats::Transfers;
use crate::exit;
use crate::process::Exit;
use std::io;
use std::path::Path;
use std::time::Duration;

/// Longest message that is kept, in characters: a reason is one line of a report.
const LONGEST: usize = 500;

/// What an end means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// Everything went well.
    Ok,
    /// bisync has no listings of this pair: a first run, or they were lost or set aside.
    NoListings,
    /// bisync's listings of this pair are of empty folders, with which it never begins.
    EmptyListings,
    /// bisync cannot go on from its listings: they do not describe the pair any more.
    MustResync,
    /// bisync's check files are not there. Nothing was changed.
    AccessCheck,
    /// A side that held files is empty now, as a disk that is not mounted. Nothing was changed.
    Emptied,
    /// The lock file of another bisync of the pair.
    Locked(String),
    /// Ended on request.
    Interrupted,
    /// The program could not be started.
    NotStarted,
    /// Any other failure.
    Failed,
}

/// What came of one rclone command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How the process ended; as a shell would say it for a program that could not be started (126, 127).
    pub exit: Exit,
    /// What that means.
    pub meaning: Meaning,
    /// What rclone said on it, in one line; empty if nothing. Not masked.
    pub message: String,
    /// What was transferred, as far as rclone said.
    pub transfers: Option<Transfers>,
    /// How long it took.
    pub took: Duration,
}

impl Outcome {
    pub(super) fn of(exit: Exit, telling: &Telling, stop: bool, transfers: Option<Transfers>, took: Duration) -> Self {
        let code = exit.code();
        let meaning = match () {
            () if code == exit::SUCCESS => Meaning::Ok,
            () if stop => Meaning::Interrupted,
            () => telling.meaning(),
        };
        Self { exit, meaning, message: telling.message(), transfers, took }
    }

    pub(super) fn not_started(program: &Path, error: &io::Error) -> Self {
        let outcome = super::Outcome::not_started(program, error);
        let (exit, message) = (outcome.exit, outcome.message);
        Self { exit, meaning: Meaning::NotStarted, message, transfers: None, took: Duration::ZERO }
    }

    /// The exit code, as a shell would give it.
    pub fn code(&self) -> i32 {
        self.exit.code()
    }

    /// Whether everything went well.
    pub fn is_ok(&self) -> bool {
        self.meaning == Meaning::Ok
    }

    /// One line why it is not well; empty if it is.
    pub fn reason(&self) -> String {
        let phrase = match (&self.meaning, self.exit) {
            (Meaning::Ok, _) => return String::new(),
            (Meaning::NotStarted, _) => return self.message.clone(),
            (Meaning::Interrupted, _) => return "rclone was interrupted".to_owned(),
            (_, Exit::Code(code)) => format!("rclone ended with status {code}"),
            (_, Exit::Signal(signal)) => format!("rclone was killed by signal {signal}"),
        };
        if self.message.is_empty() { phrase } else { format!("{phrase}: {}", self.message) }
    }
}

/// What rclone says while it works, remembered as far as it explains its end.
#[derive(Debug, Clone, Default)]
pub(super) struct Telling {
    must_resync: bool,
    critical: Option<String>,
    failed: Option<String>,
    error: Option<String>,
    lock: Option<String>,
    last: String,
}

impl Telling {
    /// Takes note of a line.
    pub(super) fn hear(&mut self, line: &str) {
        let text = without_prefix(line);
        if text.is_empty() {
            return;
        }
        let short = || text.chars().take(LONGEST).collect::<String>();
        // Later versions show their hints in red; the colours are taken out before.
        if text.contains("Must run --resync to recover") {
            self.must_resync = true;
        } else if let Some((_, reason)) = text.split_once("Bisync critical error: ") {
            self.critical.get_or_insert_with(|| reason.chars().take(LONGEST).collect());
        } else if text.starts_with("Failed to ") {
            self.failed = Some(short());
        } else if line.contains("ERROR : ") || line.contains("CRITICAL: ") {
            self.error = Some(short());
        }
        if let Some((_, path)) = text.split_once("prior lock file found: ") {
            self.lock.get_or_insert_with(|| path.trim().to_owned());
        }
        self.last = short();
    }

    fn meaning(&self) -> Meaning {
        if let Some(path) = &self.lock {
            return Meaning::Locked(path.clone());
        }
        let critical = self.critical.as_deref().unwrap_or_default();
        let says = |begin: &str| critical.starts_with(begin);
        if says("check file check failed") {
            Meaning::AccessCheck
        } else if says("empty current") {
            Meaning::Emptied
        } else if !self.must_resync {
            Meaning::Failed
        } else if says("cannot find prior") || says("filters file md5 hash not found") {
            Meaning::NoListings
        } else if says("empty prior") {
            Meaning::EmptyListings
        } else {
            Meaning::MustResync
        }
    }

    fn message(&self) -> String {
        let said = self.critical.as_ref().or(self.failed.as_ref()).or(self.error.as_ref());
        said.unwrap_or(&self.last).clone()
    }
}

/// A line without time and level: `2026/11/21 10:39:12 ERROR : ...`.
fn without_prefix(line: &str) -> &str {
    let is_time = |c: char| c.is_ascii_digit() || matches!(c, '/' | ':' | ' ' | '.');
    let rest = if line.starts_with(|c: char| c.is_ascii_digit()) { line.trim_start_matches(is_time) } else { line };
    let levels = ["EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING", "NOTICE", "INFO", "DEBUG"];
    let after = |level: &&str| rest.strip_prefix(*level).and_then(|rest| rest.trim_start().strip_prefix(':'));
    levels.iter().find_map(after).unwrap_or(rest).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(code: i32, said: &str) -> Outcome {
        let mut telling = Telling::default();
        said.lines().for_each(|line| telling.hear(line));
        Outcome::of(Exit::Code(code), &telling, false, None, Duration::ZERO)
    }

    const ABORTED: &str = "2026/11/21 10:39:11 ERROR : Bisync aborted. Must run --resync to recover.";

    #[test]
    fn the_outcomes_of_bisync_are_told_apart_by_its_words() {
        for (critical, meaning) in [
            (
                "cannot find prior Path1 or Path2 listings, likely due to critical error on prior run",
                Meaning::NoListings,
            ),
            ("filters file md5 hash not found (must run --resync): /f", Meaning::NoListings),
            ("filters file has changed (must run --resync): /f", Meaning::MustResync),
            ("empty prior Path1 listing: /c/x.path1.lst", Meaning::EmptyListings),
            ("empty current Path2 listing: /c/x.path2.lst-new", Meaning::Emptied),
            ("check file check failed", Meaning::AccessCheck),
            ("path1 and path2 are out of sync, run --resync to recover", Meaning::MustResync),
        ] {
            for code in [2, 7] {
                let said = format!("2026/11/21 10:39:11 ERROR : Bisync critical error: {critical}\n{ABORTED}");
                let outcome = outcome(code, &said);
                assert_eq!((outcome.meaning.clone(), outcome.code()), (meaning.clone(), code), "{critical}");
                assert_eq!(outcome.reason(), format!("rclone ended with status {code}: {critical}"));
            }
        }
    }

    #[test]
    fn without_its_own_words_no_code_means_that_a_resync_is_due() {
        for code in [1, 2, 3, 5, 6, 7, 9] {
            assert_eq!(outcome(code, "Failed to bisync: connection refused").meaning, Meaning::Failed, "{code}");
        }
        let retryable = "ERROR : Bisync critical error: cannot list\nERROR : Bisync aborted. Error is retryable \
                         without --resync due to --resilient mode.";
        assert_eq!(outcome(1, retryable).meaning, Meaning::Failed);
    }

    #[test]
    fn a_lock_file_is_named() {
        let said = "2026/11/21 10:39:12 Failed to bisync: prior lock file found: /c/a..b.lck";
        assert_eq!(outcome(1, said).meaning, Meaning::Locked("/c/a..b.lck".to_owned()));
        let newer = "NOTICE: Failed to bisync: prior lock file found: /c/a..b.lck\nTip: this indicates that another";
        assert_eq!(outcome(1, newer).meaning, Meaning::Locked("/c/a..b.lck".to_owned()));
    }

    #[test]
    fn the_reason_has_neither_time_nor_level() {
        let said = "2026/11/21 10:45:36 ERROR : x: error reading\n2026/11/21 10:45:36 Failed to sync: not found";
        assert_eq!(outcome(3, said).reason(), "rclone ended with status 3: Failed to sync: not found");
    }

    #[test]
    fn an_interrupted_bisync_is_interrupted_though_it_asks_for_a_resync() {
        let mut telling = Telling::default();
        telling.hear("2026/11/21 10:45:32 NOTICE: Bisync interrupted. Must run --resync to recover.");
        let outcome = Outcome::of(Exit::Code(130), &telling, true, None, Duration::ZERO);
        assert_eq!(
            (outcome.meaning.clone(), outcome.reason().as_str()),
            (Meaning::Interrupted, "rclone was interrupted")
        );
    }
}
