//! Sections `Recent JSON summaries` and `Recent cron log`: what the last runs have left.

use super::page::{Entry, Section};
use super::{Finding, Severity};
use crate::hooks::{Phase, reason};
use crate::report;
use crate::settings::Settings;
use crate::workers::WORKERS;
use chrono::{DateTime, Local};
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// How much of a summary is shown, and of the cron log looked at.
const SHOWN: u64 = 64 * 1024;

/// How large a summary is read to judge it.
const LARGEST: u64 = 16 * 1024 * 1024;

/// How many lines of the cron log are shown.
const LINES: usize = 40;

/// A summary file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Recent {
    pub(super) path: PathBuf,
    /// Its size; 0 if it is not there or not a file.
    pub(super) size: u64,
    /// Whole lines of its beginning.
    lines: Vec<String>,
    /// What it says, or why it is no summary; `None` if it is missing or empty.
    pub(super) summary: Option<Result<Summary, String>>,
}

/// What a summary says of its run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Summary {
    pub(super) exit_code: i64,
    /// `success` and so on; older summaries have none.
    pub(super) status: Option<String>,
    pub(super) finished_at: Option<String>,
    /// Whose run it was.
    pub(super) job: String,
    /// The undos that failed, and why: what they would have taken back may still be there.
    pub(super) failed_undos: Vec<(String, String)>,
}

impl Summary {
    fn of(job: &str, bytes: &[u8]) -> Result<Self, String> {
        let document: Value = serde_json::from_slice(bytes).map_err(|error| format!("is not JSON ({error})"))?;
        let text = |key: &str| document.get(key).and_then(Value::as_str).map(str::to_owned);
        match text("job") {
            Some(found) if found == job => {}
            Some(found) => return Err(format!("is the summary of another job ({found})")),
            None => return Err("names no job".to_owned()),
        }
        let exit_code = document.get("exit_code").and_then(Value::as_i64).ok_or("holds no exit_code")?;
        Ok(Self {
            exit_code,
            status: text("status"),
            finished_at: text("finished_at"),
            job: job.to_owned(),
            failed_undos: failed_undos(&document),
        })
    }

    /// Seconds since the run ended; negative if the clock was set back.
    pub(super) fn age(&self, now: DateTime<Local>) -> Option<i64> {
        let finished = DateTime::parse_from_str(self.finished_at.as_ref()?, report::TIME).ok()?;
        Some(now.signed_duration_since(finished).num_seconds())
    }
}

fn failed_undos(document: &Value) -> Vec<(String, String)> {
    let hooks = document.get("hooks").and_then(Value::as_array).into_iter().flatten();
    let text = |hook: &Value, key: &str| hook.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    hooks
        .filter(|hook| text(hook, "phase") == Phase::Undo.word())
        .filter(|hook| matches!(text(hook, "status").as_str(), "failed" | "timed_out"))
        .map(|hook| (text(hook, "name"), text(hook, "reason")))
        .collect()
}

/// Reads the summary of every worker, in their order.
pub(super) fn read(settings: &Settings) -> Vec<Recent> {
    WORKERS
        .iter()
        .map(|worker| one(worker.job.name, settings.paths.log.join(format!("last-{}.json", worker.job.name))))
        .collect()
}

fn one(job: &str, path: PathBuf) -> Recent {
    let mut recent = Recent { path, size: 0, lines: Vec::new(), summary: None };
    let mut bytes = Vec::new();
    let read = open(&recent.path).and_then(|(file, size)| {
        file.take(LARGEST).read_to_end(&mut bytes)?;
        Ok(size)
    });
    match read {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => recent.summary = Some(Err(format!("cannot be read ({})", reason(&error)))),
        Ok(0) => {}
        Ok(size) => {
            recent.size = size;
            recent.lines = beginning(&bytes, size);
            recent.summary =
                Some(if size > LARGEST { Err("is larger than 16 MiB".to_owned()) } else { Summary::of(job, &bytes) });
        }
    }
    recent
}

/// Opens a regular file; a fifo in its place must not keep us waiting.
pub(super) fn open(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() { Ok((file, metadata.len())) } else { Err(io::Error::other("it is not a file")) }
}

/// The first whole lines, and how much follows. Half a line could hold half a secret, which nobody would recognise.
fn beginning(bytes: &[u8], size: u64) -> Vec<String> {
    let is_cut = size > SHOWN;
    let shown = &bytes[..bytes.len().min(SHOWN as usize)];
    let end = if is_cut { shown.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1) } else { shown.len() };
    let mut lines: Vec<String> = String::from_utf8_lossy(&shown[..end]).lines().map(str::to_owned).collect();
    if is_cut {
        lines.push(format!("... and {} more bytes", size - end as u64));
    }
    lines
}

/// The section.
pub(super) fn section(recent: &[Recent]) -> Section {
    let mut section = Section::new("Recent JSON summaries");
    for file in recent {
        let path = file.path.display();
        if file.summary.is_none() {
            section.note(Severity::Info, format!("{path}: missing or empty"));
            continue;
        }
        if let Some(Err(why)) = &file.summary {
            section.findings([Finding::warn(format!("{path} {why}"))]);
        }
        if file.size > 0 {
            section.note(Severity::Info, format!("{path}:"));
            section.entries.push(Entry::Embedded(file.lines.clone()));
        }
    }
    section
}

/// The section with the end of the cron log.
pub(super) fn cron_log(settings: &Settings) -> Section {
    let mut section = Section::new("Recent cron log");
    let path = settings.paths.log.join("cron.log");
    match last_lines(&path) {
        Ok(lines) if !lines.is_empty() => {
            section.note(Severity::Info, format!("Last {LINES} lines from {}:", path.display()));
            section.entries.push(Entry::Embedded(lines));
        }
        Err(error) if error.kind() != ErrorKind::NotFound => {
            section.note(Severity::Info, format!("{}: cannot be read ({})", path.display(), reason(&error)));
        }
        _ => section.note(Severity::Info, format!("{}: missing or empty", path.display())),
    }
    section
}

/// Reads the end of a file, however large it is.
fn last_lines(path: &Path) -> io::Result<Vec<String>> {
    let (mut file, size) = open(path)?;
    let start = size.saturating_sub(SHOWN);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(SHOWN).read_to_end(&mut bytes)?;
    let whole = match bytes.iter().position(|byte| *byte == b'\n') {
        _ if start == 0 => &bytes[..],
        Some(end) => &bytes[end + 1..],
        None => return Ok(vec![format!("... one line of more than {SHOWN} bytes")]),
    };
    let text = String::from_utf8_lossy(whole);
    let lines: Vec<&str> = text.lines().collect();
    Ok(lines[lines.len().saturating_sub(LINES)..].iter().map(|line| (*line).to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use std::fs;

    fn summary_of(content: &str) -> Recent {
        let folder = sample::folder();
        let path = folder.path().join("last-backup.json");
        fs::write(&path, content).expect("there is room");
        one("backup", path)
    }

    #[test]
    fn a_summary_is_read() {
        let content = r#"{"job": "backup", "finished_at": "2026-01-02T03:04:05+0000", "exit_code": 3}"#;
        let recent = summary_of(content);
        let summary = recent.summary.expect("is there").expect("is one");
        assert_eq!((summary.exit_code, summary.status.as_deref()), (3, None));
        let now = DateTime::parse_from_rfc3339("2026-01-02T03:05:05+00:00").expect("is a time");
        assert_eq!(summary.age(now.into()), Some(60));
    }

    #[test]
    fn what_is_no_summary_is_a_warning_that_says_why() {
        for (content, why) in [
            ("{\"job\": \"backup\", \"exit", "is not JSON"),
            ("[]", "names no job"),
            (r#"{"job": "check", "exit_code": 0}"#, "is the summary of another job (check)"),
            (r#"{"job": "backup", "exit_code": "0"}"#, "holds no exit_code"),
        ] {
            let recent = summary_of(content);
            let section = section(std::slice::from_ref(&recent));
            let (_, finding) = section.checks().next().expect("is found");
            assert_eq!(finding.severity, Severity::Warn);
            assert!(finding.message.contains(why), "{finding:?}");
            assert!(section.entries.contains(&Entry::Embedded(vec![content.to_owned()])), "is shown all the same");
        }
    }

    #[test]
    fn a_missing_and_an_empty_file_are_the_same() {
        let empty = summary_of("");
        assert_eq!((empty.size, &empty.summary), (0, &None));
        let missing = one("backup", "/none/last-backup.json".into());
        assert_eq!((missing.size, &missing.summary), (0, &None));
        assert_eq!(section(&[missing]).checks().count(), 0);
    }

    #[test]
    fn a_folder_in_place_of_a_summary_is_not_present() {
        let folder = sample::folder();
        let recent = one("backup", folder.path().to_owned());
        assert_eq!(recent.size, 0);
        assert_eq!(recent.summary, Some(Err("cannot be read (it is not a file)".to_owned())));
    }

    #[test]
    fn a_long_summary_is_cut_at_a_line() {
        let line = format!("{}\n", "x".repeat(999));
        let lines = summary_of(&line.repeat(100)).lines;
        assert_eq!(lines.len(), 66);
        assert_eq!(lines[65], "... and 35000 more bytes");
        assert_eq!(summary_of(&"x".repeat(70_000)).lines, ["... and 70000 more bytes"]);
    }

    #[test]
    fn only_the_end_of_the_cron_log_is_read() {
        let folder = sample::folder();
        let path = folder.path().join("cron.log");
        let content: Vec<String> = (0..20_000).map(|number| format!("line {number}\n")).collect();
        fs::write(&path, content.concat()).expect("there is room");
        let lines = last_lines(&path).expect("can be read");
        assert_eq!((lines.len(), lines[0].as_str(), lines[39].as_str()), (LINES, "line 19960", "line 19999"));
        fs::write(&path, "one\ntwo").expect("there is room");
        assert_eq!(last_lines(&path).expect("can be read"), ["one", "two"]);
        fs::write(&path, "x".repeat(100_000)).expect("there is room");
        assert_eq!(last_lines(&path).expect("can be read"), ["... one line of more than 65536 bytes"]);
    }
}
