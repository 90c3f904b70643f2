//! The start of a run: `locked_run JOB LOCK PROGRAM`, as a process of its own.

use super::Job;
use super::ledger::Claim;
use crate::process::{Launch, launch};
use crate::settings::Environment;
use chrono::{DateTime, Utc};
use std::ffi::OsString;
use std::io::{self, PipeReader};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;

/// The variable that names the descriptor which a run closes once it has its place in the repository's queue.
const PLACE: &str = "BOATHOOK_PLACE_FD";
/// The variable that holds the due time, in seconds since 1970.
const DUE: &str = "BOATHOOK_DUE";

/// Ourselves, whatever the file is called.
const OURSELVES: &str = "/proc/self/exe";

/// A run that was started.
pub(super) struct Started {
    /// Its process.
    pub child: Child,
    /// Ends when the run has taken its place, or has ended.
    pub place: PipeReader,
}

/// Starts a run. It is on record if it was started, and not on record if it was not.
///
/// # Errors
/// When it cannot be started; EALREADY if it was started by somebody else.
pub(super) fn start(
    job: &Job,
    due: DateTime<Utc>,
    environment: &Environment,
    output: BorrowedFd<'_>,
    claim: Claim,
) -> io::Result<Started> {
    let (place, keeps) = io::pipe()?;
    let mut environment = environment.clone();
    environment.set("RUN_TRIGGER", "schedule");
    environment.set(DUE, due.timestamp().to_string());
    environment.set(PLACE, keeps.as_raw_fd().to_string());
    let commands = Path::new("/bin");
    let locked_run = commands.join("locked_run");
    let mut args: Vec<OsString> = vec![job.name.into(), job.lock.clone().into()];
    args.extend(command_of(job, commands));
    let launched =
        Launch { program: ours(&locked_run), name: locked_run.into(), args, environment, output, kept: keeps.as_fd() };
    let claim = Arc::new(claim);
    let in_child = Arc::clone(&claim);
    match launch(&launched, move || in_child.make()) {
        Ok(child) => Ok(Started { child, place }),
        Err(error) => {
            if error.raw_os_error() != Some(libc::EALREADY) {
                claim.take_back();
            }
            Err(error)
        }
    }
}

/// The job's command: its link where there is one that is us, so that `ps` shows it.
fn command_of(job: &Job, commands: &Path) -> Vec<OsString> {
    let link = commands.join(job.name);
    if is_ours(&link) { vec![link.into()] } else { vec![OURSELVES.into(), job.name.into()] }
}

/// That link where it leads to us; else ourselves, whatever the file is called.
pub(super) fn ours(link: &Path) -> PathBuf {
    if is_ours(link) { link.to_owned() } else { PathBuf::from(OURSELVES) }
}

fn is_ours(program: &Path) -> bool {
    let identity = |path: &Path| std::fs::metadata(path).ok().map(|facts| (facts.dev(), facts.ino()));
    identity(program).is_some_and(|program| identity(Path::new(OURSELVES)) == Some(program))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_started_by_its_link_where_that_is_us() {
        let folder = tempfile::tempdir().expect("a folder");
        let job = Job {
            name: "backup",
            label: "backup".to_owned(),
            lock: PathBuf::new(),
            variable: "BACKUP_CRON",
            expression: String::new(),
        };
        assert_eq!(command_of(&job, folder.path()), [OURSELVES, "backup"]);
        std::os::unix::fs::symlink("/bin/sh", folder.path().join("backup")).expect("is linked");
        assert_eq!(command_of(&job, folder.path()), [OURSELVES, "backup"], "that is another program");
        std::fs::remove_file(folder.path().join("backup")).expect("is removed");
        let ourselves = std::fs::read_link(OURSELVES).expect("is there");
        std::os::unix::fs::symlink(ourselves, folder.path().join("backup")).expect("is linked");
        assert_eq!(command_of(&job, folder.path()), [folder.path().join("backup")]);
    }
}
