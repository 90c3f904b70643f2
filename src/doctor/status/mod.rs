//! `status`: how the jobs are doing, from what lies on the disk: the schedules, the summaries of the last runs, and the
//! runs that are going on. No engine is asked, nothing is written.
//!
//! `gather.rs` reads, `judge.rs` decides, `owed.rs` is about what dead runs owe, `reading.rs` is about the parts of the data that `check` reads by turns, `text.rs` and `json.rs` show. `docs/status.md` is the page for users.

mod gather;
mod going;
#[cfg(test)]
mod golden;
mod json;
mod judge;
mod last;
mod mend;
mod owed;
mod reading;
#[cfg(test)]
mod scenarios;
mod text;
mod words;

use super::debts::Debts;
use super::{Format, Severity};
use crate::exit;
use crate::schedule::{Entry, Zone};
use crate::settings::Settings;
use chrono::{DateTime, FixedOffset, Offset as _, TimeDelta, Utc};
use going::Going;
use judge::Verdict;
use last::Last;
use reading::Reading;
use std::io::{self, Write};
use std::path::PathBuf;

/// Looks at all jobs and writes how they are doing to `out`. Gives the exit code: 1 if anything has failed.
///
/// # Errors
/// When it cannot be written.
pub fn status(settings: &Settings, format: Format, out: &mut dyn Write) -> io::Result<i32> {
    let status = Status::gather(settings, Utc::now());
    let text = match format {
        Format::Text => text::render(settings, &status),
        Format::Json => json::render(settings, &status),
    };
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(status.exit_code())
}

/// Everything that was read, with the verdicts.
struct Status {
    clock: Clock,
    /// Where the crontab was looked for.
    crontab: PathBuf,
    /// How many lines the crontab has, or would have.
    lines: usize,
    rows: Vec<Row>,
    jobs: Vec<(Job, Verdict)>,
    /// The summary of every worker, in their order.
    recent: Vec<(&'static str, Last)>,
    findings: Vec<Finding>,
    /// What dead runs owe, and the recoveries of late.
    debts: Debts,
}

/// A job among the schedules.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    job: &'static str,
    variable: &'static str,
    /// The expression in force; empty is off.
    cron: String,
    /// Whether the scheduler has loaded it; `None` where there is no crontab to tell.
    loaded: Option<bool>,
    next: Option<DateTime<Utc>>,
}

/// A job as far as it is judged.
struct Job {
    name: &'static str,
    /// Whether it is one of the five that the reference image judges.
    core: bool,
    variable: &'static str,
    cron: String,
    plan: Plan,
    last: Last,
    going: Option<Going>,
    /// How far it has come with reading all data, if it does so.
    reading: Option<Reading>,
    /// The log of its last run.
    log: PathBuf,
    /// The log of the last run that went wrong; the former where there is none.
    error_log: PathBuf,
}

/// What its schedule is.
enum Plan {
    Off,
    /// The expression or the time zone cannot be read.
    Unreadable,
    Times(Box<Entry>),
}

/// The time, and what it is measured against.
struct Clock {
    now: DateTime<Utc>,
    /// `None` if `TZ` names none.
    zone: Option<Zone>,
    /// When the scheduler loaded its schedules.
    loaded: Option<DateTime<Utc>>,
    /// Whether runs that are going on can be seen.
    visible: bool,
    lock_wait: TimeDelta,
    cron_log: PathBuf,
}

/// Something to look after.
#[derive(Debug, Clone, PartialEq)]
struct Finding {
    level: Severity,
    /// Whose; empty if it is everybody's.
    job: &'static str,
    what: String,
    reason: String,
    mend: String,
}

impl Status {
    fn count(&self, level: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }

    fn verdict(&self) -> &'static str {
        match (self.count(Severity::Fail), self.count(Severity::Warn)) {
            (0, 0) => "OK",
            (0, _) => "WARN",
            _ => "FAIL",
        }
    }

    fn exit_code(&self) -> i32 {
        if self.count(Severity::Fail) > 0 { exit::FAILURE } else { exit::SUCCESS }
    }

    /// The crontab's path, or the word that programs know for its absence.
    fn source(&self) -> String {
        match self.clock.loaded {
            Some(_) => self.crontab.display().to_string(),
            None => "environment-preview".to_owned(),
        }
    }
}

impl Job {
    fn warn(&self, what: impl Into<String>, reason: impl Into<String>, mend: impl Into<String>) -> Finding {
        let (what, reason, mend) = (what.into(), reason.into(), mend.into());
        Finding { level: Severity::Warn, job: self.name, what, reason, mend }
    }

    /// `BACKUP_CRON '0 */6 * * *'`.
    fn schedule(&self) -> String {
        format!("{} '{}'", self.variable, self.cron)
    }
}

/// `3d 4h`, `2h 5m`, `7m`.
pub(super) fn age(seconds: i64) -> String {
    words::age(seconds)
}

impl Clock {
    /// What a clock on the wall shows.
    fn local(&self, time: DateTime<Utc>) -> DateTime<FixedOffset> {
        self.zone.map_or_else(|| time.with_timezone(&Utc.fix()), |zone| zone.local(time))
    }

    /// The first scheduled time of a job after `time`.
    fn after(&self, job: &Job, time: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let Plan::Times(entry) = &job.plan else { return None };
        entry.next_after(time, &self.zone?)
    }

    /// How much later than its time a run may be without anybody seeing it.
    fn slack(&self) -> TimeDelta {
        // A run that waits for another one's lock is seen, unless it is in another container.
        judge::GRACE + if self.visible { TimeDelta::zero() } else { self.lock_wait }
    }
}

impl Finding {
    /// The first part, in the words that programs know.
    fn head(&self) -> String {
        if self.job.is_empty() { self.what.clone() } else { format!("{}: {}", self.job, self.what) }
    }

    /// All of it on one line.
    fn message(&self) -> String {
        let parts = [&self.reason, &self.mend].into_iter().filter(|part| !part.is_empty());
        let parts = parts.map(String::as_str).collect::<Vec<_>>().join("; ");
        format!("{}: {parts}", self.head())
    }
}
