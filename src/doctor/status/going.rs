//! Runs that are going on, or wait for another one: those that are registered, and those that hold their job's lock.

use crate::lock::Holder;
use crate::process::handover::INIT_SOCKET;
use crate::process::registry::{self, Running};
use crate::settings::Settings;
use chrono::{DateTime, NaiveDateTime, Utc};
use nix::unistd::Pid;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The longest line that says who holds a lock.
const LARGEST: u64 = 512;

/// A run that is going on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Going {
    /// Its id; empty while it has none.
    pub(super) run: String,
    /// The process to end it by, as numbered here.
    pub(super) pid: i32,
    /// Since when.
    pub(super) since: Option<DateTime<Utc>>,
}

/// Everything that is going on in this container.
pub(super) struct Runs {
    registered: Vec<Running>,
    /// Whether runs can be seen here at all. A container that has only the logs in common with the one that runs the
    /// schedule sees none.
    pub(super) visible: bool,
}

impl Runs {
    pub(super) fn read(settings: &Settings) -> Self {
        let folder = &settings.paths.run;
        // Before the first run nothing but init tells that this is the container of the schedule.
        let visible = folder.join("runs").is_dir() || folder.join(INIT_SOCKET).exists();
        Self { registered: registry::running(folder), visible }
    }

    /// The run of `job` that has been going on for longest.
    pub(super) fn of(&self, job: &str, lock: &Path) -> Option<Going> {
        let of_job = self.registered.iter().filter_map(|running| {
            let (since, named) = from_id(&running.id)?;
            (named == job).then(|| Going { run: running.id.clone(), pid: running.pid.as_raw(), since: Some(since) })
        });
        of_job.min_by_key(|going| going.since).or_else(|| holder(lock))
    }
}

/// Start and job of `20260511T073000Z-restore-test-0a1b2c3d`.
fn from_id(id: &str) -> Option<(DateTime<Utc>, &str)> {
    let (time, rest) = id.split_once('-')?;
    let (job, _) = rest.rsplit_once('-')?;
    let since = NaiveDateTime::parse_from_str(time, "%Y%m%dT%H%M%SZ").ok()?;
    Some((since.and_utc(), job))
}

/// Who holds a lock. The line alone proves nothing: one that was killed could not clear it. Trying the lock would make
/// a run that comes at this moment believe that another one is there.
fn holder(lock: &Path) -> Option<Going> {
    let facts = fs::symlink_metadata(lock).ok().filter(|facts| facts.is_file() && facts.len() <= LARGEST)?;
    let holder = Holder::parse(&fs::read_to_string(lock).ok()?)?;
    let table = fs::read_to_string("/proc/locks").ok()?;
    if !is_held(&table, facts.ino(), Pid::from_raw(holder.pid)) {
        return None;
    }
    Some(Going { run: holder.run, pid: holder.pid, since: Some(holder.since.with_timezone(&Utc)) })
}

/// Whether the kernel's table (proc(5): locks) has this file locked by this process.
fn is_held(table: &str, inode: u64, pid: Pid) -> bool {
    table.lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, "FLOCK", _, _, by, file, ..] = words.as_slice() else { return false };
        by.parse() == Ok(pid.as_raw()) && file.rsplit(':').next().and_then(|word| word.parse().ok()) == Some(inode)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::{Acquire, acquire};

    #[test]
    fn an_id_says_when_and_what() {
        let (since, job) = from_id("20260511T073000Z-restore-test-0a1b2c3d").expect("is one");
        assert_eq!((since.to_rfc3339().as_str(), job), ("2026-05-11T07:30:00+00:00", "restore-test"));
        for id in ["", "x", "20260511T073000Z-backup", "yesterday-backup-0a1b2c3d"] {
            assert_eq!(from_id(id), None, "{id}");
        }
    }

    #[test]
    fn a_lock_counts_while_the_process_in_its_line_holds_it() {
        let folder = tempfile::tempdir().expect("there is room");
        let path = folder.path().join("cron.lock");
        assert_eq!(holder(&path), None);
        let lock = acquire(&path, Acquire::AtOnce, None).expect("is free");
        lock.say(&Holder::ourselves("run-1"));
        let found = holder(&path).expect("is held");
        assert_eq!((found.run.as_str(), found.pid), ("run-1", std::process::id() as i32));
        // As after a kill: the line stays, the lock is gone.
        let line = fs::read(&path).expect("is there");
        lock.release();
        fs::write(&path, line).expect("there is room");
        assert_eq!(holder(&path), None);
    }

    #[test]
    fn another_files_or_anothers_lock_is_not_taken_for_it() {
        let table = "1: POSIX  ADVISORY  WRITE 7 08:01:42 0 EOF\n2: FLOCK  ADVISORY  WRITE 8 08:01:42 0 EOF\n";
        assert!(is_held(table, 42, Pid::from_raw(8)));
        assert!(!is_held(table, 42, Pid::from_raw(7)));
        assert!(!is_held(table, 43, Pid::from_raw(8)));
    }
}
