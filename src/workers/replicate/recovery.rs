//! The way back to listings: what is newer goes both ways, then a resync (contract: workers, section 9.4).
//!
//! Only for a pair's first run, and when rclone says that it cannot go on without a resync; never for a failure that
//! may be gone tomorrow. The two updates come first because a resync alone lets the source overwrite files that are
//! newer in the destination. A step that fails ends it: a source that cannot be read is not to be filled up.

use super::job_file::Entry;
use super::one_job::{OneJob, Resync};
use super::words::{for_copy, for_list, value_of};
use crate::engine::{RcloneMeaning as Meaning, RcloneOutcome as Outcome};
use std::collections::BTreeSet;

/// Why a resync is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The pair has never been brought together.
    FirstRun,
    /// There was nothing on either side.
    WereEmpty,
    /// bisync's listings are lost, or do not describe the pair any more.
    MustResync,
}

/// Goes through the steps; gives the job's code, its reason, and which resync it was.
pub(super) fn run(job: &mut OneJob<'_, '_, '_>, cause: Cause, first: &Outcome) -> (i32, String, Resync) {
    let failed = (first.code(), first.reason(), Resync::None);
    if job.is_stopped() {
        return failed;
    }
    if let Some(why) = refusal(job, cause) {
        job.voice.error(format!("❌ Recovery Failed - nothing was copied and no resync is made: {why}"));
        return (first.code(), why, Resync::None);
    }
    let entry = job.entry;
    let (source, destination) = (entry.shown_source(), entry.shown_destination());
    let start = format!("🚨 Starting recovery procedure for {source}...");
    match cause {
        Cause::MustResync => job.voice.error(start),
        Cause::FirstRun | Cause::WereEmpty => job.voice.info(start),
    }
    let (mut codes, mut end) = ([None; 3], None);
    for (index, step) in Step::ALL.into_iter().enumerate() {
        job.voice.info(match step {
            Step::ToDestination => format!("🔄 Step 1: Updating from {source} to {destination}"),
            Step::ToSource => format!("🔄 Step 2: Updating from {destination} to {source}"),
            Step::Resync => {
                format!("🔄 Step 3: Performing full resync between {source} and {destination}")
            }
        });
        let command = step.command(entry, job.words(), job.shared.check_access);
        let outcome = job.rclone(step.name(), &command);
        codes[index] = Some(outcome.code());
        if !outcome.is_ok() {
            if outcome.meaning == Meaning::NotStarted {
                job.voice.error(format!("❌ {}", outcome.message));
            }
            end = Some((step, outcome));
            break;
        }
        if job.is_stopped() && step != Step::Resync {
            job.voice.error("❌ Recovery Failed - a stop was asked for");
            return failed;
        }
    }
    let result = match end {
        None => {
            match cause {
                Cause::MustResync => job.voice.error("✅ Recovery Successful - All steps completed"),
                Cause::FirstRun | Cause::WereEmpty => job.voice.info("✅ Recovery Successful - All steps completed"),
            }
            let resync = if cause == Cause::MustResync { Resync::Recovery } else { Resync::First };
            (0, String::new(), resync)
        }
        Some((step, outcome)) => {
            let code = outcome.code();
            job.voice.error(format!("❌ Recovery Failed - {} failed with status {code}", step.title()));
            (code, format!("{} of the recovery: {}", step.title(), outcome.reason()), Resync::None)
        }
    };
    let shown = |code: Option<i32>| code.map_or_else(|| "-".to_owned(), |code| code.to_string());
    job.voice.info(format!(
        "📊 Recovery Exitcode Summary: Source→Dest={}, Dest→Source={}, Resync={}",
        shown(codes[0]),
        shown(codes[1]),
        shown(codes[2].or(Some(first.code())))
    ));
    result
}

/// Why nothing may be done: the steps would fill a side that is not mounted, or a disk under its mount point.
fn refusal(job: &mut OneJob<'_, '_, '_>, cause: Cause) -> Option<String> {
    let checks = job.checks_access();
    if !checks && cause != Cause::MustResync {
        return None;
    }
    let entry = job.entry;
    let words = for_list(job.words());
    let mut sides = Vec::new();
    for (side, shown) in [(&entry.source, entry.shown_source()), (&entry.destination, entry.shown_destination())] {
        let (outcome, files) = job.files(side, &words);
        if !outcome.is_ok() {
            return Some(format!("{shown} cannot be listed: {}", outcome.reason()));
        }
        sides.push((shown, files));
    }
    let by_variable = || job.shared.rclone.environment().text("RCLONE_CHECK_FILENAME").filter(|name| !name.is_empty());
    let name =
        value_of(job.words(), "--check-filename").or_else(by_variable).unwrap_or_else(|| "RCLONE_TEST".to_owned());
    unfit(&sides, checks.then_some(name.as_str()), cause)
}

/// The same from the sides' names and files; `check_file` is looked for if it is given.
fn unfit(sides: &[(String, Vec<String>)], check_file: Option<&str>, cause: Cause) -> Option<String> {
    if let Some(name) = check_file {
        let places = |files: &[String]| {
            let is_it = |file: &&String| file.rsplit('/').next() == Some(name);
            files.iter().filter(is_it).cloned().collect::<BTreeSet<String>>()
        };
        let found: Vec<_> = sides.iter().map(|(_, files)| places(files)).collect();
        if let Some((shown, _)) = sides.iter().zip(&found).find(|(_, places)| places.is_empty()).map(|(side, _)| side) {
            return Some(format!("{shown} has no check file {name}. Is it not mounted? If it is, put one there"));
        }
        if found.windows(2).any(|two| two[0] != two[1]) {
            return Some(format!(
                "the check files {name} are not in the same places on both sides. Is a disk not mounted?"
            ));
        }
    }
    let mut empty = sides.iter().filter(|(_, files)| files.is_empty());
    match (empty.next(), empty.next()) {
        (Some((shown, _)), None) if cause == Cause::MustResync => Some(format!(
            "{shown} is empty and the other side is not. Mount it; or, if it is meant to be empty, empty the other \
             side as well; or fill it with rclone copy"
        )),
        _ => None,
    }
}

/// A step of the recovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    ToDestination,
    ToSource,
    Resync,
}

impl Step {
    const ALL: [Self; 3] = [Self::ToDestination, Self::ToSource, Self::Resync];

    fn name(self) -> &'static str {
        if self == Self::Resync { "resync" } else { "copy" }
    }

    fn title(self) -> &'static str {
        match self {
            Self::ToDestination => "source-to-destination update",
            Self::ToSource => "destination-to-source update",
            Self::Resync => "resync",
        }
    }

    fn command(self, entry: &Entry, words: &[String], check_access: bool) -> Vec<String> {
        let (source, destination) = (entry.source.as_str(), entry.destination.as_str());
        let (begin, words, end) = match self {
            Self::ToDestination => (["copy", source, destination, "--update"], for_copy(words), None),
            Self::ToSource => (["copy", destination, source, "--update"], for_copy(words), None),
            Self::Resync => {
                let end = check_access.then_some("--check-access");
                (["bisync", source, destination, "--resync"], words.to_vec(), end)
            }
        };
        begin.map(str::to_owned).into_iter().chain(words).chain(end.map(str::to_owned)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::job_file::Mode;
    use super::*;

    #[test]
    fn the_steps_have_the_contracts_commands() {
        let entry =
            Entry { source: "/a".to_owned(), destination: "nas:b".to_owned(), mode: Mode::Bisync, words: Vec::new() };
        let words = ["--fast-list".to_owned(), "--force".to_owned()];
        let commands = Step::ALL.map(|step| step.command(&entry, &words, true).join(" "));
        assert_eq!(
            commands,
            [
                "copy /a nas:b --update --fast-list",
                "copy nas:b /a --update --fast-list",
                "bisync /a nas:b --resync --fast-list --force --check-access",
            ]
        );
    }
}
