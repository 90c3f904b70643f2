//! The journal of a run: what it would owe if it died now, on disk before it is owed.
//!
//! One file a run, `STATE_DIR/journal/<run id>.journal`, mode 0600, locked (flock) for as long as anything of the run
//! lives: keeper, worker, undoer and the supervisors of running hooks share the open file. It holds a header (who, the plan of
//! hooks) and then the run's records (`state.rs`), so that whoever finds it knows what a successor would know.

mod by_name;
mod create;
#[cfg(test)]
mod disk_tests;
#[cfg(test)]
mod fixture;
mod format;
mod masked;
mod owed;
#[cfg(test)]
mod owed_tests;
#[cfg(test)]
mod plan_tests;
mod read;
#[cfg(test)]
mod read_tests;
mod scan;
#[cfg(test)]
mod scan_tests;
mod trouble;
mod writer;

pub use by_name::resolve;
pub use format::Header;
pub use owed::{Owed, UNREADABLE, UNWRITTEN, is_settled, may_have_started, owed};
pub use scan::{Damage, Dead, Found, Taken, look, look_at, take};
pub use writer::Writer;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};
use std::path::{Path, PathBuf};

/// Where journals lie.
pub fn folder(state: &Path) -> PathBuf {
    state.join("journal")
}

/// The open, locked journal of a living run.
#[derive(Debug)]
pub struct Journal {
    /// Has the lock; nothing is written to it once it has its name.
    file: File,
    /// Another open file of the same, without the lock: whoever writes may hang, and must not keep the run alive.
    ink: File,
    path: PathBuf,
}

impl Journal {
    /// Makes the journal of a run: made under another name, locked, written, synced, renamed, and its folder synced.
    /// What others have left half made is removed first.
    ///
    /// # Errors
    /// When it cannot be written or locked: what, where, why and the mend. The run goes on under its keeper alone.
    pub fn create(state: &Path, header: &Header, secrets: &crate::masking::Secrets) -> io::Result<Self> {
        create::create(state, header, secrets)
    }

    /// Its open file, for a process that shares its lock.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Starts the thread of this process that writes. Each process of a run has its own; a record is one write at the
    /// file's end.
    ///
    /// # Errors
    /// When the system has no thread or no descriptor left.
    pub fn writer(&self, secrets: std::sync::Arc<crate::masking::Secrets>) -> io::Result<Writer> {
        Writer::start(&self.ink, &self.path, secrets)
    }

    /// Takes it away: nothing is owed any more.
    ///
    /// # Errors
    /// When it cannot be removed; what it says is settled all the same.
    pub fn remove(&self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }

    fn over(file: File, path: PathBuf) -> io::Result<Self> {
        let again = format!("/proc/self/fd/{}", file.as_raw_fd());
        let ink = OpenOptions::new().read(true).append(true).open(again);
        let ink = ink.map_err(|error| trouble::told("open", &path, &error))?;
        Ok(Self { file, ink, path })
    }
}

/// Clears away what runs that were killed have left half made.
pub fn clear(state: &Path) {
    create::remove_stale(&folder(state));
}

/// The journals of a job, the oldest first. None if their folder cannot be read.
pub fn of_job(state: &Path, job: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder(state)).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| is_of(path, job)).collect();
    found.sort();
    found
}

/// Whether this run may have a journal: it has one, or that cannot be seen.
pub fn may_be_there(state: &Path, run: &str) -> bool {
    let path = folder(state).join(format!("{run}.journal"));
    fs::symlink_metadata(path).map_or_else(|error| error.kind() != io::ErrorKind::NotFound, |_| true)
}

fn is_of(path: &Path, job: &str) -> bool {
    let run = run_of(path);
    let is_journal = path.extension().is_some_and(|extension| extension == "journal") && !run.starts_with('.');
    is_journal && job_of(&run) == job
}

/// The id of the run that a journal of this name is of.
pub fn run_of(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The worker of the run with this id; empty if it is none.
pub fn job_of(run: &str) -> &str {
    run.split_once('-').and_then(|(_, rest)| rest.rsplit_once('-')).map_or("", |(job, _)| job)
}
