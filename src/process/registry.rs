//! The folder of each run in `RUN_DIR`: says that the run is there, and holds what its hooks hand on.
//!
//! A stop of the container reaches every run that is registered, also those that `docker exec` has started, whose
//! parent is outside.

use super::table::started_at;
use nix::unistd::{Pid, getpid};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// A registered run; the folder is removed by [`Registered::remove`].
#[derive(Debug)]
pub struct Registered {
    folder: PathBuf,
}

/// A run that is going on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// Its id.
    pub id: String,
    /// Its keeper.
    pub pid: Pid,
}

impl Registered {
    /// Registers the run: `RUN_DIR/runs/<id>`, which only we can write, with the keeper's number and when that process
    /// was started in `pid`.
    ///
    /// # Errors
    /// When the folder cannot be made: the run goes on without, hooks cannot hand values on.
    pub fn new(run_dir: &Path, id: &str) -> io::Result<Self> {
        let runs = run_dir.join("runs");
        DirBuilder::new().recursive(true).mode(0o755).create(&runs)?;
        let folder = runs.join(id);
        DirBuilder::new().mode(0o700).create(&folder)?;
        let registered = Self { folder };
        let content = format!("{}\n{}\n", getpid(), started_at(getpid()).unwrap_or_default());
        if let Err(error) = fs::write(registered.folder.join("pid"), content) {
            registered.remove();
            return Err(error);
        }
        Ok(registered)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The run is over.
    pub fn remove(&self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The runs that are going on. A number that belongs to another process by now (a file that an earlier container has
/// left) is none.
pub fn running(run_dir: &Path) -> Vec<Running> {
    folders(run_dir).filter_map(|folder| Some(Running { pid: keeper(&folder)?, id: name(&folder)? })).collect()
}

/// The ids of all runs that have a folder.
pub fn ids(run_dir: &Path) -> Vec<String> {
    folders(run_dir).filter_map(|folder| name(&folder)).collect()
}

/// Removes the folders of those runs that `is_over` takes for over and whose keeper is gone. Whoever asks holds the
/// lock that such a run registers under: nobody is just making one.
pub fn clear(run_dir: &Path, is_over: impl Fn(&str) -> bool) {
    for folder in folders(run_dir) {
        let is_real = folder.symlink_metadata().is_ok_and(|facts| facts.is_dir());
        if is_real && name(&folder).is_some_and(|id| is_over(&id)) && keeper(&folder).is_none() {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

fn folders(run_dir: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(run_dir.join("runs")).into_iter().flatten().flatten().map(|entry| entry.path())
}

fn name(folder: &Path) -> Option<String> {
    Some(folder.file_name()?.to_string_lossy().into_owned())
}

fn keeper(folder: &Path) -> Option<Pid> {
    let content = fs::read_to_string(folder.join("pid")).ok()?;
    let mut lines = content.lines();
    let pid = Pid::from_raw(lines.next()?.parse().ok()?);
    let started: u64 = lines.next()?.parse().ok()?;
    (started_at(pid) == Some(started)).then_some(pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_found_as_long_as_its_process_is_there() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let registered = Registered::new(folder.path(), "one").expect("can be registered");
        let expected = Running { id: "one".to_owned(), pid: getpid() };
        assert_eq!(running(folder.path()), [expected]);
        fs::write(registered.folder().join("pid"), format!("{}\n1\n", getpid())).expect("can be written");
        assert_eq!(running(folder.path()), []);
        registered.remove();
        assert_eq!(running(folder.path()), []);
    }

    #[test]
    fn what_a_dead_keeper_has_left_is_cleared_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let make = |id: &str, pid: Option<String>| {
            let registered = Registered::new(folder.path(), id).expect("can be registered");
            let path = registered.folder().join("pid");
            match pid {
                Some(pid) => fs::write(path, pid).expect("can be written"),
                None => fs::remove_file(path).expect("is there"),
            }
        };
        let alive = format!("{}\n{}\n", getpid(), started_at(getpid()).expect("is there"));
        make("alive", Some(alive));
        make("another-boot", Some(format!("{}\n1\n", getpid())));
        make("killed-while-registering", None);
        make("not-asked-for", None);
        clear(folder.path(), |id| id != "not-asked-for");
        let mut left = ids(folder.path());
        left.sort();
        assert_eq!(left, ["alive", "not-asked-for"]);
    }
}
