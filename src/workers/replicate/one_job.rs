//! One job: its rclone command, and what follows from its end.

use super::super::skeleton::{finished_at_log, timestamp};
use super::job_file::{Entry, Mode};
use super::pairs::Pairs;
use super::recovery::{self, Cause};
use super::voice::Voice;
use super::words::{is_on, without_resync, without_silence};
use crate::engine::rclone::{Heard, Rclone};
use crate::engine::{Bounds, Listings, RcloneMeaning as Meaning, RcloneOutcome as Outcome, Transfers};
use std::time::{Duration, Instant};

/// What all jobs of a run share.
pub(super) struct Shared<'a> {
    pub(super) rclone: Rclone,
    pub(super) bounds: Bounds<'a>,
    pub(super) pairs: Pairs,
    /// The words for every job, as they were given.
    pub(super) words: Vec<String>,
    pub(super) check_access: bool,
    /// One job at a time.
    pub(super) alone: bool,
}

/// Whether a job ended in a resync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resync {
    /// No.
    None,
    /// The pair was brought together for the first time.
    First,
    /// bisync could not go on without one: what was deleted on one side may be back.
    Recovery,
}

/// What came of a job.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ended {
    /// rclone's exit code; that of the step that failed.
    pub(super) code: i32,
    /// One line why it failed; empty if it did not.
    pub(super) reason: String,
    pub(super) resync: Resync,
    pub(super) took: Duration,
    pub(super) transfers: Option<Transfers>,
}

/// How rclone's progress is shown.
pub(super) trait Watch {
    /// A command begins.
    fn begin(&mut self, name: &str);
    /// How far it is.
    fn stats(&mut self, transfers: Transfers);
    /// Nothing for a moment.
    fn tick(&mut self);
    /// It is over.
    fn end(&mut self);
}

/// A job on its way.
pub(super) struct OneJob<'a, 'v, 's> {
    pub(super) shared: &'a Shared<'a>,
    pub(super) entry: &'a Entry,
    pub(super) voice: &'v mut Voice<'s>,
    pub(super) watch: &'v mut dyn Watch,
    words: Vec<String>,
    transfers: Option<Transfers>,
}

impl<'a, 'v, 's> OneJob<'a, 'v, 's> {
    pub(super) fn new(
        shared: &'a Shared<'a>,
        entry: &'a Entry,
        voice: &'v mut Voice<'s>,
        watch: &'v mut dyn Watch,
    ) -> Self {
        let mut words = shared.words.clone();
        let mut own = entry.words.clone();
        if entry.mode == Mode::Bisync {
            let (kept, resync) = without_resync(&own);
            let (kept, silence) = without_silence(&kept);
            if !resync.is_empty() {
                voice.error(left_out_line(&resync, "the job file"));
            }
            if !silence.is_empty() {
                voice.error(silence_line(&silence, "the job file"));
            }
            own = kept;
            words = without_silence(&without_resync(&words).0).0;
        } else {
            // It may stand in the words of all jobs, and sync and copy do not know it.
            let is_resync = |word: &String| word == "--resync" || word.starts_with("--resync=");
            words.retain(|word| !is_resync(word));
            own.retain(|word| !is_resync(word));
        }
        words.extend(own);
        Self { shared, entry, voice, watch, words, transfers: None }
    }

    /// Runs it (contract: workers, section 9.3).
    pub(super) fn run(mut self) -> Ended {
        let started = Instant::now();
        let (source, destination) = (self.entry.shown_source(), self.entry.shown_destination());
        let (title, line) = match self.entry.mode {
            Mode::Bisync => ("Bisync", format!("🔀 Performing bisync of {source} <-> {destination}...")),
            Mode::Sync => ("Sync", format!("➡️ Performing sync of {source} -> {destination}...")),
            Mode::Copy => ("Copy", format!("📥 Performing copy of {source} -> {destination}...")),
        };
        self.voice.info(line);
        let (code, reason, resync) = match self.entry.mode {
            Mode::Bisync => self.bisync(),
            Mode::Sync | Mode::Copy => {
                let outcome = self.rclone(self.entry.mode.word(), &self.command(self.entry.mode.word()));
                self.voice.log(finished_at_log(title));
                self.verdict(title, &outcome);
                (outcome.code(), outcome.reason(), Resync::None)
            }
        };
        let took = started.elapsed();
        let (minutes, seconds) = (took.as_secs() / 60, took.as_secs() % 60);
        self.voice.info(format!("🏁 Finished {} at {} after {minutes}m {seconds}s", title.to_lowercase(), timestamp()));
        Ended { code, reason: self.voice.masked(&reason), resync, took, transfers: self.transfers }
    }

    fn bisync(&mut self) -> (i32, String, Resync) {
        let (source, destination) = (&self.entry.source, &self.entry.destination);
        let listings = Listings::of(source, destination, &self.words, self.shared.rclone.environment());
        let outcome = self.rclone("bisync", &self.bisync_command());
        self.voice.log(finished_at_log("Bisync"));
        let known = || self.shared.pairs.knows(source, destination) || listings.has_traces();
        let cause = match &outcome.meaning {
            Meaning::NoListings if !known() => Some(Cause::FirstRun),
            // Two folders that were empty hold nothing that could have been deleted since.
            Meaning::EmptyListings if Listings::were_empty(&outcome.message) => Some(Cause::WereEmpty),
            Meaning::NoListings | Meaning::EmptyListings | Meaning::MustResync => Some(Cause::MustResync),
            _ => None,
        };
        match cause {
            Some(Cause::FirstRun) => {
                self.voice.info("🆕 rclone has no listings of this pair yet: this is its first run.");
            }
            Some(Cause::WereEmpty) => {
                self.voice.info("🆕 Both sides were empty at the last run: it counts as the first.");
            }
            _ => self.verdict("Bisync", &outcome),
        }
        self.advise(&outcome, &listings);
        let (code, reason, resync) = match cause {
            Some(cause) => recovery::run(self, cause, &outcome),
            None => (outcome.code(), outcome.reason(), Resync::None),
        };
        if code == 0
            && !self.is_dry_run()
            && let Err(error) = self.shared.pairs.remember(source, destination)
        {
            self.voice.error(format!("⚠️ The pair cannot be remembered in STATE_DIR ({error})."));
        }
        (code, reason, resync)
    }

    /// Says what to do about a failure that is no case for a resync, and undoes what bisync made of it.
    fn advise(&mut self, outcome: &Outcome, listings: &Listings) {
        let what = match &outcome.meaning {
            Meaning::AccessCheck => {
                "the access check failed. Is a side not mounted? Each side needs the file RCLONE_TEST (or that of \
                 --check-filename) in the same places"
            }
            Meaning::Emptied => {
                "a side is empty that held files. Is it not mounted? If it is meant to be empty, empty the other \
                 side as well and resync by hand: rclone bisync SOURCE DESTINATION --resync"
            }
            Meaning::Locked(path) => {
                return self.voice.error(format!(
                    "❌ rclone's lock file is in the way: another bisync of this pair runs, or one was killed. If \
                     none runs, remove it: rm '{path}'"
                ));
            }
            _ => return,
        };
        self.voice.error(format!("❌ Nothing was copied and no resync is made: {what}."));
        if listings.put_back(self.shared.alone) {
            self.voice.info("ℹ️ rclone had set its listings of the pair aside; they are put back for the next run.");
        }
    }

    /// Runs one rclone command; what it prints goes to the log.
    pub(super) fn rclone(&mut self, name: &str, words: &[String]) -> Outcome {
        self.watch.begin(name);
        let (voice, watch) = (&mut *self.voice, &mut *self.watch);
        let outcome = self.shared.rclone.run(words, &self.shared.bounds, &mut |heard| match heard {
            Heard::Line(line) => voice.log(line),
            Heard::Stats(transfers) => watch.stats(transfers),
            Heard::Tick => watch.tick(),
        });
        self.watch.end();
        if let Some(more) = outcome.transfers {
            let sum = self.transfers.get_or_insert_default();
            sum.files += more.files;
            sum.bytes += more.bytes;
        }
        outcome
    }

    /// The files of a side, as bisync would list them.
    pub(super) fn files(&mut self, side: &str, words: &[String]) -> (Outcome, Vec<String>) {
        let voice = &mut *self.voice;
        self.shared.rclone.files(side, words, &self.shared.bounds, &mut |heard| {
            if let Heard::Line(line) = heard {
                voice.log(line);
            }
        })
    }

    /// Whether bisync is to look for its check file.
    pub(super) fn checks_access(&self) -> bool {
        let by_variable = self.shared.rclone.environment().text_or_empty("RCLONE_CHECK_ACCESS");
        self.shared.check_access || is_on(&self.words, "--check-access") || matches!(by_variable.as_str(), "true" | "1")
    }

    fn verdict(&mut self, title: &str, outcome: &Outcome) {
        if outcome.meaning == Meaning::NotStarted {
            self.voice.error(format!("❌ {}", outcome.message));
        }
        match outcome.code() {
            0 => self.voice.info(format!("✅ {title} Successful")),
            code => self.voice.error(format!("❌ {title} Failed with Status {code}")),
        }
    }

    fn command(&self, sub: &str) -> Vec<String> {
        let ends = [sub, &self.entry.source, &self.entry.destination].map(str::to_owned);
        ends.into_iter().chain(self.words.iter().cloned()).collect()
    }

    fn bisync_command(&self) -> Vec<String> {
        let mut command = self.command("bisync");
        if self.shared.check_access {
            command.insert(3, "--check-access".to_owned());
        }
        command
    }

    /// The job's words, without those for a resync.
    pub(super) fn words(&self) -> &[String] {
        &self.words
    }

    /// Whether somebody wants the run to be stopped.
    pub(super) fn is_stopped(&self) -> bool {
        self.shared.bounds.stop.request().is_some()
    }

    fn is_dry_run(&self) -> bool {
        let by_word = self.words.iter().any(|word| {
            let letters = word.strip_prefix('-').filter(|letters| !letters.starts_with('-'));
            word == "--dry-run" || word == "--dry-run=true" || letters.is_some_and(|letters| letters.contains('n'))
        });
        by_word || !self.shared.rclone.environment().text_or_empty("RCLONE_DRY_RUN").is_empty()
    }
}

/// The line about words that would keep what bisync says from us.
pub(super) fn silence_line(words: &[String], place: &str) -> String {
    format!(
        "⚠️ {} in {place} is left out for bisync: what its end means is known only from what it prints.",
        words.join(" ")
    )
}

/// The line about words that would have rclone resync.
pub(super) fn left_out_line(words: &[String], place: &str) -> String {
    format!(
        "⚠️ {} in {place} is left out: a resync is made for a first run, or when rclone demands one.",
        words.join(" ")
    )
}
