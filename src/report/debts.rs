//! The Prometheus textfile of what dead runs owe: one for all workers.

use super::beside;
use super::metrics::Page;
use crate::masking::Secrets;
use chrono::{DateTime, Local};
use fs2::FileExt as _;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// The file in `METRICS_DIR`.
pub const FILE: &str = "boathook_debts.prom";

/// How long is waited for another run that writes it.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often is looked meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What the dead runs of one worker owe.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobDebts {
    /// How many dead runs owe something.
    pub open: usize,
    /// When the oldest of them was started, if that is known.
    pub oldest: Option<DateTime<Local>>,
    /// When the last recovery ended, if one is known.
    pub last_recovery: Option<DateTime<Local>>,
}

/// Writes [`FILE`] into `dir`: what `read` gives by worker, and a zero for each further worker that the file had before.
/// What is read is written before another run reads. Nothing is written where nothing has changed.
///
/// # Errors
/// Why there is no new file, as a line to say.
pub fn write<R>(dir: &Path, hostname: &str, secrets: &Secrets, now: DateTime<Local>, read: R) -> Result<(), String>
where
    R: FnOnce() -> io::Result<BTreeMap<String, JobDebts>>,
{
    let path = dir.join(FILE);
    let line = |error: &io::Error| format!("⚠️ {} is not written ({error})", path.display());
    fs::create_dir_all(dir).map_err(|error| line(&error))?;
    // Let go when it is closed.
    let _turn = turn(dir);
    let before = fs::read_to_string(&path).unwrap_or_default();
    let mut jobs = read().map_err(|error| line(&error))?;
    for job in jobs_of(&before) {
        jobs.entry(job).or_default();
    }
    let text = text(&secrets.mask(hostname), &jobs, now);
    if text == before {
        return Ok(());
    }
    beside::replace(&path, text.as_bytes()).map_err(|error| line(&error))
}

/// The turn of whoever writes. A folder that cannot be locked is written to without one.
fn turn(dir: &Path) -> Option<File> {
    let folder = File::open(dir).ok()?;
    let began = Instant::now();
    while let Err(error) = folder.try_lock_exclusive() {
        if error.kind() != io::ErrorKind::WouldBlock || began.elapsed() >= PATIENCE {
            return None;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Some(folder)
}

fn text(hostname: &str, jobs: &BTreeMap<String, JobDebts>, now: DateTime<Local>) -> String {
    let mut page = Page::default();
    let mut gauge = |name: &str, help: &str, value: &dyn Fn(&JobDebts) -> i64| {
        page.gauge(name, help);
        for (job, debts) in jobs {
            page.sample(&[("hostname", hostname), ("job", job)], value(debts));
        }
    };
    let seconds = |time: Option<DateTime<Local>>| time.map_or(0, |time| time.timestamp());
    gauge("boathook_open_debts", "Runs that are dead and owe something: undos, post hooks, reports.", &|debts| {
        i64::try_from(debts.open).unwrap_or(i64::MAX)
    });
    gauge(
        "boathook_oldest_debt_timestamp_seconds",
        "Epoch seconds at which the oldest of them was started; 0 if there is none.",
        &|debts| seconds(debts.oldest),
    );
    gauge(
        "boathook_oldest_debt_age_seconds",
        "Age of the oldest of them in seconds when this was written; 0 if there is none.",
        &|debts| debts.oldest.map_or(0, |oldest| now.signed_duration_since(oldest).num_seconds().max(0)),
    );
    gauge(
        "boathook_last_recovery_timestamp_seconds",
        "Epoch seconds at which the last recovery of a dead run ended; 0 if none is known.",
        &|debts| seconds(debts.last_recovery),
    );
    page.into_text()
}

/// The workers that a file of ours has lines for: names of ours, in which nothing is escaped.
fn jobs_of(text: &str) -> Vec<String> {
    let of_line = |line: &str| {
        let labels = line.strip_prefix("boathook_open_debts{")?;
        let job = labels.rsplit_once("job=\"")?.1.split_once('"')?.0;
        let is_name = !job.is_empty() && job.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        is_name.then(|| job.to_owned())
    };
    text.lines().filter_map(of_line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone as _;

    fn at(seconds: i64) -> DateTime<Local> {
        Local.timestamp_opt(seconds, 0).single().expect("is a time")
    }

    fn owing(open: usize, oldest: i64) -> JobDebts {
        JobDebts { open, oldest: Some(at(oldest)), last_recovery: None }
    }

    #[test]
    fn a_worker_that_had_debts_has_a_zero_once_they_are_paid() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut secrets = Secrets::new();
        secrets.add("hunter2hunter2");
        let put = |jobs: Vec<(&str, JobDebts)>| {
            let jobs = jobs.into_iter().map(|(job, debts)| (job.to_owned(), debts)).collect();
            write(folder.path(), "a\"hunter2hunter2", &secrets, at(1_000_090), || Ok(jobs)).expect("is written");
            let text = fs::read_to_string(folder.path().join(FILE)).expect("is there");
            text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>()
        };
        let lines = put(vec![("backup", owing(2, 1_000_000)), ("restore-test", JobDebts::default())]);
        let host = "hostname=\"a\\\"***\"";
        assert_eq!(lines[0], format!("boathook_open_debts{{{host},job=\"backup\"}} 2"));
        assert_eq!(lines[1], format!("boathook_open_debts{{{host},job=\"restore-test\"}} 0"));
        assert_eq!(lines[2], format!("boathook_oldest_debt_timestamp_seconds{{{host},job=\"backup\"}} 1000000"));
        assert_eq!(lines[4], format!("boathook_oldest_debt_age_seconds{{{host},job=\"backup\"}} 90"));
        let lines = put(vec![("check", JobDebts { last_recovery: Some(at(7)), ..JobDebts::default() })]);
        assert_eq!(lines[0], format!("boathook_open_debts{{{host},job=\"backup\"}} 0"));
        assert_eq!(lines[3], format!("boathook_oldest_debt_timestamp_seconds{{{host},job=\"backup\"}} 0"));
        assert_eq!(lines[10], format!("boathook_last_recovery_timestamp_seconds{{{host},job=\"check\"}} 7"));
        assert_eq!(lines.len(), 12);
    }

    #[test]
    fn what_has_not_changed_is_not_written_and_what_cannot_be_is_said() {
        use std::os::unix::fs::MetadataExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let jobs = || Ok(BTreeMap::from([("backup".to_owned(), JobDebts::default())]));
        let put = |now| write(folder.path(), "node", &Secrets::new(), at(now), jobs);
        let file = || fs::metadata(folder.path().join(FILE)).expect("is there").ino();
        put(1).expect("is written");
        let before = file();
        put(2).expect("is there");
        assert_eq!(file(), before);
        let wrong = folder.path().join(FILE).join("below-a-file");
        let line = write(&wrong, "node", &Secrets::new(), at(1), jobs).expect_err("is no folder");
        assert!(line.starts_with("⚠️ ") && line.contains("boathook_debts.prom is not written ("), "{line}");
        let unknown = || Err(io::Error::other("no"));
        write(folder.path(), "node", &Secrets::new(), at(1), unknown).expect_err("nothing is known");
    }
}
