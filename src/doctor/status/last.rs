//! What the last run of a job has left: its summary, with the typed values that are judged.

use crate::doctor::recent;
use crate::hooks::reason;
use crate::report;
use chrono::{DateTime, Datelike as _, Utc};
use serde::Deserialize;
use serde_json::Value;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How large a summary is read to judge it.
const LARGEST: u64 = 16 * 1024 * 1024;

/// The longest time that anything is believed to have taken.
pub(super) const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// A summary file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Last {
    pub(super) path: PathBuf,
    /// When the file was written.
    pub(super) modified: Option<DateTime<Utc>>,
    /// What it says, or why it is no summary; `None` if it is missing or empty.
    pub(super) summary: Option<Result<Summary, String>>,
}

/// What is wrong with a file, and more about it: `is cut short`, `EOF while parsing ...`.
pub(super) fn in_two(problem: &str) -> (&str, &str) {
    problem.split_once(" (").map_or((problem, ""), |(what, more)| (what, more.trim_end_matches(')')))
}

/// What a summary says of its run.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Summary {
    pub(super) exit_code: i64,
    /// `success` and so on; empty in those of the reference image.
    pub(super) status: String,
    /// Why the run is not a plain success.
    pub(super) reason: String,
    /// As it is written.
    pub(super) finished_at: String,
    /// The same as a time, else when the file was written.
    pub(super) finished: Option<DateTime<Utc>>,
    /// When the work was last really done, by this run or one before.
    pub(super) last_success: Option<DateTime<Utc>>,
    /// How long the whole run took, its hooks included, if its work was done.
    pub(super) usual: Option<Duration>,
    /// How long the work took.
    pub(super) duration_seconds: Option<u64>,
    /// Every hook that failed: its name, and why.
    pub(super) failed_hooks: Vec<(String, String)>,
}

/// A summary as it is written. A value of another type than ours counts as not there.
#[derive(Deserialize)]
struct Raw {
    job: Option<Value>,
    finished_at: Option<Value>,
    duration_seconds: Option<Value>,
    exit_code: Option<Value>,
    status: Option<Value>,
    reason: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    last_success_at: Option<Value>,
    work: Option<Value>,
    #[serde(default)]
    hooks: Vec<RawHook>,
}

#[derive(Deserialize)]
struct RawHook {
    name: String,
    status: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    duration_ms: u64,
}

/// Tells `null` from a key that is not there.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Reads `last-<job>.json` in `folder`.
pub(super) fn read(folder: &Path, job: &str) -> Last {
    let path = folder.join(format!("last-{job}.json"));
    let mut last = Last { path, modified: None, summary: None };
    let mut bytes = Vec::new();
    let read = recent::open(&last.path).and_then(|(file, size)| {
        last.modified = file.metadata()?.modified().ok().and_then(of_file);
        file.take(LARGEST).read_to_end(&mut bytes)?;
        Ok(size)
    });
    last.summary = match read {
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => Some(Err(format!("cannot be read ({})", reason(&error)))),
        Ok(0) => None,
        Ok(size) if size > LARGEST => Some(Err("is larger than 16 MiB".to_owned())),
        Ok(_) => Some(parse(job, &bytes, last.modified)),
    };
    last
}

fn parse(job: &str, bytes: &[u8], modified: Option<DateTime<Utc>>) -> Result<Summary, String> {
    let raw: Raw = serde_json::from_slice(bytes).map_err(|error| {
        let how = if error.is_eof() { "is cut short" } else { "is no summary" };
        format!("{how} ({error})")
    })?;
    let text = |value: &Option<Value>| value.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
    match raw.job.as_ref().and_then(Value::as_str) {
        Some(found) if found == job => {}
        Some(found) => return Err(format!("is the summary of another job ({found})")),
        None => return Err("names no job".to_owned()),
    }
    let exit_code = raw.exit_code.as_ref().and_then(Value::as_i64).ok_or("holds no exit_code")?;
    let finished_at = text(&raw.finished_at);
    let finished = time(&finished_at).or(modified);
    let duration_seconds = raw.duration_seconds.as_ref().and_then(Value::as_u64);
    let last_success = match &raw.last_success_at {
        Some(value) => value.as_str().and_then(time),
        // The reference image knows the last run only.
        None if exit_code == 0 => finished,
        None => None,
    };
    let done = match raw.work.as_ref().and_then(|work| work.get("status")).and_then(Value::as_str) {
        Some(status) => status == "completed",
        None => exit_code == 0,
    };
    let in_hooks = raw.hooks.iter().fold(0_u64, |sum, hook| sum.saturating_add(hook.duration_ms));
    let took = |seconds| Duration::from_secs(seconds).saturating_add(Duration::from_millis(in_hooks)).min(LONGEST);
    let failed = raw.hooks.into_iter().filter(|hook| matches!(hook.status.as_str(), "failed" | "timed_out"));
    Ok(Summary {
        exit_code,
        status: text(&raw.status),
        reason: text(&raw.reason),
        finished_at,
        finished,
        last_success,
        usual: duration_seconds.filter(|_| done).map(took),
        duration_seconds,
        failed_hooks: failed.map(|hook| (hook.name, hook.reason)).collect(),
    })
}

fn time(text: &str) -> Option<DateTime<Utc>> {
    let parsed = DateTime::parse_from_str(text, report::TIME).or_else(|_| DateTime::parse_from_rfc3339(text));
    parsed.ok().map(DateTime::from).filter(is_believed)
}

/// The time of a file. File systems hold more years than a calendar does.
fn of_file(time: SystemTime) -> Option<DateTime<Utc>> {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, 0).filter(is_believed)
}

/// Whether a time is one that can be reckoned with.
pub(super) fn is_believed(time: &DateTime<Utc>) -> bool {
    (1970..=9999).contains(&time.year())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone as _;

    fn at(hour: u32) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 3, 1, hour, 0, 0).single().expect("is a time")
    }

    fn of(text: &str) -> Result<Summary, String> {
        parse("backup", text.as_bytes(), Some(at(9)))
    }

    #[test]
    fn a_summary_of_the_reference_image_succeeded_when_it_finished() {
        let text =
            r#"{"job": "backup", "finished_at": "2026-03-01T12:00:00+0100", "duration_seconds": 60, "exit_code": 0}"#;
        let summary = of(text).expect("is one");
        assert_eq!((summary.last_success, summary.finished), (Some(at(11)), Some(at(11))));
        assert_eq!(summary.usual, Some(Duration::from_secs(60)));
        let failed = of(&text.replace("\"exit_code\": 0", "\"exit_code\": 1")).expect("is one");
        assert_eq!((failed.last_success, failed.usual), (None, None));
    }

    #[test]
    fn a_time_that_cannot_be_read_is_the_files() {
        let summary = of(r#"{"job": "backup", "finished_at": "yesterday", "exit_code": 0}"#).expect("is one");
        assert_eq!((summary.finished, summary.last_success), (Some(at(9)), Some(at(9))));
    }

    #[test]
    fn a_run_that_never_did_its_work_has_no_success() {
        let text = r#"{"job": "backup", "finished_at": "2026-03-01T12:00:00+0100", "exit_code": 0, "status": "skipped",
            "duration_seconds": 3, "last_success_at": null, "work": {"status": "skipped"}}"#;
        let summary = of(text).expect("is one");
        assert_eq!((summary.last_success, summary.usual), (None, None));
    }

    #[test]
    fn hooks_count_for_how_long_a_run_takes() {
        let text = r#"{"job": "backup", "exit_code": 0, "duration_seconds": 60, "hooks": [
            {"name": "pre-backup", "status": "completed", "duration_ms": 5000},
            {"name": "post-backup", "status": "failed", "duration_ms": 1000, "reason": "failed with exit code 3"}]}"#;
        let summary = of(text).expect("is one");
        assert_eq!(summary.usual, Some(Duration::from_secs(66)));
        assert_eq!(summary.failed_hooks, [("post-backup".to_owned(), "failed with exit code 3".to_owned())]);
    }

    #[test]
    fn what_is_no_summary_says_why() {
        for (text, why) in [
            ("{\"job\": \"backup\", \"exit", "is cut short"),
            ("backup: 0", "is no summary"),
            ("[]", "is no summary"),
            ("{}", "names no job"),
            (r#"{"job": "check", "exit_code": 0}"#, "is the summary of another job (check)"),
            (r#"{"job": "backup", "exit_code": "0"}"#, "holds no exit_code"),
        ] {
            let problem = of(text).expect_err(text);
            assert!(problem.starts_with(why), "{text}: {problem}");
        }
    }

    #[test]
    fn a_missing_and_an_empty_file_are_the_same() {
        let folder = tempfile::tempdir().expect("there is room");
        assert_eq!(read(folder.path(), "backup").summary, None);
        std::fs::write(folder.path().join("last-backup.json"), "").expect("there is room");
        assert_eq!(read(folder.path(), "backup").summary, None);
        std::fs::create_dir(folder.path().join("last-check.json")).expect("there is room");
        let folder = read(folder.path(), "check").summary;
        assert_eq!(folder, Some(Err("cannot be read (it is not a file)".to_owned())));
    }
}
