//! The runs that a stop of the container must reach, and how far we reach at all.

use crate::process::supervisor::{NAME_DRAINING, NAME_RUNNING};
use crate::process::{Process, descendants_of, name_of, pidfd, registry, started_at};
use nix::unistd::{Pid, getpid};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Which processes are ours to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// All of the container: we are its first process.
    Container,
    /// What is below us, and every run that is registered.
    BelowAndRegistered,
    /// What is below us.
    Below,
}

impl Reach {
    /// Everything that lives within reach, but for ourselves.
    pub fn alive(self) -> Vec<Process> {
        let ours = getpid();
        // In a container, what `docker exec` has started has no parent there: its number is 0, as ours is.
        let root = if self == Self::Container { Pid::from_raw(0) } else { ours };
        descendants_of(root).into_iter().filter(|process| process.pid != ours && !process.is_over()).collect()
    }
}

/// A run that is going on.
#[derive(Debug)]
pub struct Run {
    /// Its keeper; the worker, if that has been killed.
    pub pid: Pid,
    /// Its id, or what the process calls itself if it is not registered.
    pub name: String,
    /// Becomes readable at its end.
    pub end: Option<OwnedFd>,
    started: Option<u64>,
}

impl Run {
    fn new(pid: Pid, name: String) -> Self {
        let started = started_at(pid);
        Self { pid, name, end: pidfd(pid), started }
    }

    /// Whether it is over. A process that has ended but was not waited for is: its parent may be outside.
    pub fn is_over(&self) -> bool {
        self.started.is_none() || started_at(self.pid) != self.started
    }
}

/// Whether this process is the keeper of a registered run.
pub fn is_registered(run_dir: &Path, pid: Pid) -> bool {
    registry::running(run_dir).iter().any(|run| run.pid == pid)
}

/// Every run within reach that `known` does not have: those that are registered, and processes of this very program that
/// are not, or not yet (they wait for a lock; their keeper was killed). Commands that a hook runs are that hook's: its
/// run ends them when its time is over. `scheduler` is no run, and `command` is told by its starter.
pub fn new_runs(
    run_dir: &Path,
    reach: Reach,
    known: &BTreeSet<Pid>,
    scheduler: Option<Pid>,
    command: Option<Pid>,
) -> Vec<Run> {
    let alive = reach.alive();
    let parents: BTreeMap<Pid, Pid> = alive.iter().map(|process| (process.pid, process.parent)).collect();
    let mut found: Vec<(Pid, String)> = registry::running(run_dir)
        .into_iter()
        .filter(|run| reach != Reach::Below || parents.contains_key(&run.pid))
        .map(|run| (run.pid, run.id))
        .collect();
    let registered: BTreeSet<Pid> = found.iter().map(|(pid, _)| *pid).collect();
    if let Some(program) = program_of("self") {
        let same: Vec<&Process> =
            alive.iter().filter(|process| program_of(&process.pid.to_string()) == Some(program)).collect();
        let all_same: BTreeSet<Pid> = same.iter().map(|process| process.pid).collect();
        for process in same {
            // A worker below its keeper hears from that one, also if the keeper is the command and not registered yet.
            let has_keeper = all_same.contains(&process.parent) && scheduler != Some(process.parent);
            let of_a_run = above(process.pid, &parents).any(|pid| registered.contains(&pid) || is_supervisor(pid));
            if !has_keeper && !of_a_run && !is_supervisor(process.pid) && !registered.contains(&process.pid) {
                found.push((process.pid, name_of(process.pid)));
            }
        }
    }
    found
        .into_iter()
        .filter(|(pid, _)| *pid != getpid() && !known.contains(pid) && ![scheduler, command].contains(&Some(*pid)))
        .map(|(pid, name)| Run::new(pid, name))
        .collect()
}

/// Whether this process keeps a hook, or the output of what one has left behind.
fn is_supervisor(pid: Pid) -> bool {
    [NAME_RUNNING, NAME_DRAINING].contains(&name_of(pid).as_str())
}

/// The parent of a process, its parent, and so on, as far as they are within reach.
fn above(pid: Pid, parents: &BTreeMap<Pid, Pid>) -> impl Iterator<Item = Pid> {
    // The table is not read at one moment: as many steps as it has entries, or a circle would have no end.
    std::iter::successors(parents.get(&pid), |pid| parents.get(pid)).copied().take(parents.len())
}

/// What tells the program of a process from every other: where the file lies.
fn program_of(process: &str) -> Option<(u64, u64)> {
    let facts = fs::metadata(format!("/proc/{process}/exe")).ok()?;
    Some((facts.dev(), facts.ino()))
}
