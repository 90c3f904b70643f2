//! What a run tells of its jobs: exit code, counts, a record for each.

use super::super::skeleton::milliseconds;
use super::job_file::{Mode, Row};
use super::one_job::Resync;
use super::several::RowEnd;
use crate::exit;
use crate::process::Request;
use crate::run::{Step, WorkContext, Worked};
use serde_json::{Value, json};
use std::time::Duration;

/// How long a job's name is in the table of tasks, in characters.
const LONGEST_NAME: usize = 60;

/// The jobs of a run, as reports have them.
#[derive(Debug, Default)]
pub(super) struct Told {
    jobs: Vec<Job>,
    /// The code of the signal that ended the run, if one did.
    stopped: Option<i32>,
}

#[derive(Debug)]
struct Job {
    name: String,
    source: String,
    destination: String,
    mode: &'static str,
    /// As it stands in the file, where it is no job.
    line: Option<String>,
    status: &'static str,
    code: Option<i32>,
    reason: String,
    resync: Resync,
    took: Duration,
    transferred: Option<(u64, u64)>,
}

impl Told {
    /// From the rows and what came of them.
    pub(super) fn of(rows: &[Row], results: &[RowEnd], stop: Option<Request>) -> Self {
        let jobs = (1..).zip(rows.iter().zip(results)).map(|(number, (row, result))| Job::of(number, row, result));
        Self { jobs: jobs.collect(), stopped: stop.map(|request| exit::of_signal(request.signal as i32)) }
    }

    fn count(&self, status: &str) -> usize {
        self.jobs.iter().filter(|job| job.status == status).count()
    }

    fn recovered(&self) -> impl Iterator<Item = &Job> {
        self.jobs.iter().filter(|job| job.resync == Resync::Recovery)
    }

    fn processed(&self) -> usize {
        self.jobs.len() - self.count("skipped")
    }

    /// The contract's keys. A job that was recovered has not failed.
    pub(super) fn extras(&self) -> [(String, String); 2] {
        [("replicate_jobs_processed", self.processed()), ("replicate_jobs_failed", self.count("failed"))]
            .map(|(key, count)| (key.to_owned(), count.to_string()))
    }

    /// What the mail's subject says.
    pub(super) fn details(&self) -> String {
        format!("{} jobs ({} failed)", self.processed(), self.count("failed"))
    }

    /// Fills in keys, statistics and tasks.
    pub(super) fn report(&self, cx: &mut WorkContext<'_>) {
        cx.extras = self.extras().into();
        for (key, count) in [
            ("replicate_jobs_processed", self.processed()),
            ("replicate_jobs_failed", self.count("failed")),
            ("replicate_jobs_recovered", self.recovered().count()),
            ("replicate_jobs_skipped", self.count("skipped")),
        ] {
            cx.stat(key, count);
        }
        let transferred: Vec<(u64, u64)> = self.jobs.iter().filter_map(|job| job.transferred).collect();
        if !transferred.is_empty() {
            cx.stat("files_transferred", transferred.iter().map(|(files, _)| files).sum::<u64>());
            cx.stat("bytes_transferred", transferred.iter().map(|(_, bytes)| bytes).sum::<u64>());
        }
        cx.stat("jobs", self.jobs.iter().map(Job::record).collect::<Vec<Value>>());
        cx.steps.extend(self.jobs.iter().map(|job| Step {
            name: job.name.clone(),
            status: job.status.to_owned(),
            duration_ms: milliseconds(job.took),
            reason: match job.resync {
                Resync::None => job.reason.clone(),
                Resync::First => "first run".to_owned(),
                Resync::Recovery => "recovered by a resync".to_owned(),
            },
        }));
    }

    /// The first code in the order of the file that is not 0, with its reason; recovered jobs as warnings.
    pub(super) fn worked(&self) -> Worked {
        let mut failed = self.jobs.iter().filter(|job| job.status == "failed");
        let mut worked = match (failed.next(), self.stopped) {
            (Some(job), _) => {
                let more = failed.count();
                let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
                Worked::with_code(job.code.unwrap_or(exit::FAILURE), format!("job {}: {}{more}", job.name, job.reason))
            }
            (None, Some(code)) if self.count("skipped") > 0 => {
                Worked::with_code(code, format!("{} jobs were skipped: a stop was asked for", self.count("skipped")))
            }
            (None, _) => Worked::with_code(exit::SUCCESS, ""),
        };
        worked.warnings = self
            .recovered()
            .map(|job| {
                format!(
                    "job {} was recovered by a resync: what was deleted on one side since its last good run may be back",
                    job.name
                )
            })
            .collect();
        worked
    }
}

impl Job {
    fn of(number: usize, row: &Row, result: &RowEnd) -> Self {
        let (source, destination, mode, line) = match row {
            Row::Job(entry) => (entry.shown_source(), entry.shown_destination(), entry.mode.word(), None),
            Row::Malformed { row, .. } => (String::new(), String::new(), "", Some(row.clone())),
        };
        let name = match &line {
            Some(line) => format!("{number} {line}"),
            None if mode == Mode::Bisync.word() => format!("{number} {source} <-> {destination}"),
            None => format!("{number} {source} -> {destination}"),
        };
        let (status, code, reason) = match result {
            RowEnd::Ended(ended) if ended.code == exit::SUCCESS => ("completed", Some(ended.code), String::new()),
            RowEnd::Ended(ended) => ("failed", Some(ended.code), ended.reason.clone()),
            RowEnd::Malformed(why) => ("failed", Some(exit::USAGE), format!("the line is no job: {why}")),
            RowEnd::Skipped => ("skipped", None, "a stop was asked for".to_owned()),
        };
        let ended = if let RowEnd::Ended(ended) = result { Some(ended) } else { None };
        Self {
            name: shortened(&name),
            source,
            destination,
            mode,
            line,
            status,
            code,
            reason,
            resync: ended.map_or(Resync::None, |ended| ended.resync),
            took: ended.map_or(Duration::ZERO, |ended| ended.took),
            transferred: ended.and_then(|ended| ended.transfers).map(|transfers| (transfers.files, transfers.bytes)),
        }
    }

    fn record(&self) -> Value {
        let mut record = json!({
            "source": self.source,
            "destination": self.destination,
            "mode": self.mode,
            "status": self.status,
            "exit_code": self.code,
            "seconds": (self.took.as_secs_f64() * 100.0).round() / 100.0,
            "first_run": self.resync == Resync::First,
            "recovered": self.resync == Resync::Recovery,
            "files_transferred": self.transferred.map(|(files, _)| files),
            "bytes_transferred": self.transferred.map(|(_, bytes)| bytes),
            "reason": self.reason,
        });
        if let Some(line) = &self.line {
            record["line"] = line.as_str().into();
        }
        record
    }
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= LONGEST_NAME {
        return name.to_owned();
    }
    name.chars().take(LONGEST_NAME - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::super::job_file::parse;
    use super::super::one_job::Ended;
    use super::*;

    fn ended(code: i32, resync: Resync) -> RowEnd {
        let reason = if code == 0 { String::new() } else { format!("rclone ended with status {code}") };
        RowEnd::Ended(Ended { code, reason, resync, took: Duration::from_millis(1234), transfers: None })
    }

    #[test]
    fn the_first_code_in_the_order_of_the_file_counts() {
        let rows = parse("/a;/b\n/c;/d;copy\n/e;/f;move\n/g;/h;sync\n");
        let results = [
            ended(0, Resync::None),
            ended(5, Resync::None),
            RowEnd::Malformed("the mode 'move' is none".to_owned()),
            ended(3, Resync::None),
        ];
        let told = Told::of(&rows, &results, None);
        let worked = told.worked();
        assert_eq!(
            (worked.code, worked.reason.as_str()),
            (5, "job 2 /c -> /d: rclone ended with status 5 (and 2 more)")
        );
        assert_eq!(told.details(), "4 jobs (3 failed)");
        assert_eq!(told.jobs[2].record()["line"], "/e;/f;move");
        assert_eq!(told.jobs[0].record()["seconds"], 1.23);
    }

    #[test]
    fn a_first_run_is_a_plain_success_and_a_recovery_a_warning() {
        let rows = parse("/a;/b\n/c;/d\n");
        let told = Told::of(&rows, &[ended(0, Resync::First), ended(0, Resync::Recovery)], None);
        let worked = told.worked();
        assert_eq!((worked.code, worked.warnings.len()), (0, 1));
        assert!(worked.warnings[0].starts_with("job 2 /c <-> /d was recovered"), "{:?}", worked.warnings);
        assert_eq!(told.extras()[1].1, "0");
    }

    #[test]
    fn jobs_that_a_stop_kept_from_running_are_no_success() {
        let request =
            Request { signal: nix::sys::signal::Signal::SIGTERM, at: std::time::Instant::now(), again: false };
        let rows = parse("/a;/b\n/c;/d\n");
        let told = Told::of(&rows, &[ended(0, Resync::None), RowEnd::Skipped], Some(request));
        assert_eq!((told.worked().code, told.details()), (143, "1 jobs (0 failed)".to_owned()));
    }
}
