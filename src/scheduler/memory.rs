//! `STATE_DIR/schedule.json`: up to when each job is settled, for the next start of the container (`CATCH_UP`).

use super::beside;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// The name of the file.
pub(super) const FILE: &str = "schedule.json";
const SCHEMA: &str = "boathook.schedule/1";

/// Up to when each job is settled, by its name.
pub(super) type Settled = BTreeMap<String, Counted>;

/// Up to when a job is settled, and which times that is about: others were not missed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counted {
    pub until: DateTime<Utc>,
    /// Expression, zone and shift; empty where the document does not say.
    pub times: String,
}

/// Reads what the last container has left; empty if there was none.
///
/// # Errors
/// Why it cannot be read.
pub(super) fn read(path: &Path) -> Result<Settled, String> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Settled::new()),
        Err(error) => return Err(error.to_string()),
    };
    parse(&text).ok_or_else(|| format!("it is no document of {SCHEMA}"))
}

fn parse(text: &str) -> Option<Settled> {
    let document: Value = serde_json::from_str(text).ok()?;
    if document.get("schema")?.as_str()? != SCHEMA {
        return None;
    }
    let jobs = document.get("settled")?.as_object()?;
    let times = |job: &str| Some(document.get("times")?.get(job)?.as_str()?.to_owned());
    let of = |(job, time): (&String, &Value)| {
        let until = time.as_str()?.parse().ok()?;
        Some((job.clone(), Counted { until, times: times(job).unwrap_or_default() }))
    };
    jobs.iter().map(of).collect()
}

fn rendered(settled: &Settled) -> String {
    let time = |time: &DateTime<Utc>| Value::from(time.to_rfc3339_opts(SecondsFormat::Secs, true));
    let jobs: Map<String, Value> = settled.iter().map(|(job, counted)| (job.clone(), time(&counted.until))).collect();
    let times = settled.iter().map(|(job, counted)| (job.clone(), Value::from(counted.times.as_str())));
    let times: Map<String, Value> = times.collect();
    format!("{:#}\n", json!({"schema": SCHEMA, "settled": jobs, "times": times}))
}

#[derive(Default)]
struct Desk {
    newest: Mutex<(Option<Settled>, bool)>,
    bell: Condvar,
}

/// Writes the newest state by a thread of its own: a frozen disk costs the state and nothing else.
pub(super) struct Recorder {
    desk: Arc<Desk>,
    path: PathBuf,
}

impl Recorder {
    /// A recorder for this file; `trouble` is told once why it cannot be written, and once more after it could again.
    pub fn new(path: PathBuf, trouble: impl FnMut(String) + Send + 'static) -> Self {
        let recorder = Self { desk: Arc::default(), path };
        let (desk, path) = (Arc::clone(&recorder.desk), recorder.path.clone());
        // Without a thread there is no state: CATCH_UP alone depends on it.
        let _ = std::thread::Builder::new().name("state".to_owned()).spawn(move || desk.work(&path, trouble));
        recorder
    }

    /// Has this state written; one that is not written yet is dropped for it.
    pub fn record(&self, settled: Settled) {
        self.desk.newest.lock().unwrap_or_else(PoisonError::into_inner).0 = Some(settled);
        self.desk.bell.notify_all();
    }

    /// Waits until the newest state is written, for at most this long.
    pub fn finish(&self, patience: std::time::Duration) {
        let newest = self.desk.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = self.desk.bell.wait_timeout_while(newest, patience, |(newest, busy)| newest.is_some() || *busy);
    }
}

impl Desk {
    fn work(&self, path: &Path, mut trouble: impl FnMut(String)) {
        let mut well = true;
        loop {
            let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
            let waiting = |(newest, _): &mut (Option<Settled>, bool)| newest.is_none();
            let mut newest = self.bell.wait_while(newest, waiting).unwrap_or_else(PoisonError::into_inner);
            let state = newest.0.take().unwrap_or_default();
            newest.1 = true;
            drop(newest);
            let written = beside::replace(path, rendered(&state).as_bytes(), 0o644);
            if let Err(error) = &written
                && well
            {
                trouble(format!("⚠️ {} cannot be written ({error}): CATCH_UP will not know.", path.display()));
            }
            well = written.is_ok();
            self.newest.lock().unwrap_or_else(PoisonError::into_inner).1 = false;
            self.bell.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::time::Duration;

    fn settled(day: u32) -> Settled {
        let time = format!("2026-11-{day}T02:00:00Z").parse().expect("is a time");
        Settled::from([("backup".to_owned(), Counted { until: time, times: "0 2 * * * UTC+0".to_owned() })])
    }

    #[test]
    fn the_newest_state_is_written_and_read_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state/schedule.json");
        assert_eq!(read(&path), Ok(Settled::new()), "there is none yet");
        let recorder = Recorder::new(path.clone(), |line| panic!("{line}"));
        for day in 10..30 {
            recorder.record(settled(day));
        }
        recorder.finish(Duration::from_secs(20));
        assert_eq!(read(&path), Ok(settled(29)));
    }

    #[test]
    fn a_broken_state_is_an_error_and_no_panic() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("schedule.json");
        for text in
            ["", "{", "[]", "{\"schema\":\"other/1\",\"settled\":{}}", &rendered(&settled(10)).replace("02:", "99:")]
        {
            fs::write(&path, text).expect("is written");
            assert!(read(&path).is_err(), "{text}");
        }
        fs::write(&path, b"\xff").expect("is written");
        assert!(read(&path).is_err());
    }

    #[test]
    fn what_cannot_be_written_is_said_once() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("file"), "").expect("is written");
        let (said, heard) = std::sync::mpsc::channel();
        let recorder = Recorder::new(folder.path().join("file/schedule.json"), move |line| {
            said.send(line).expect("is heard");
        });
        for day in [10, 11] {
            recorder.record(settled(day));
            recorder.finish(Duration::from_secs(20));
        }
        let lines: Vec<String> = heard.try_iter().collect();
        assert!(lines.len() == 1 && lines[0].contains("schedule.json cannot be written"), "{lines:?}");
    }
}
