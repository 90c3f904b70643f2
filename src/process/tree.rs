//! The end of a whole tree of processes, in whatever group or session its members are.
//!
//! A process group misses what called `setsid` or forked twice; walking the descendants of a subreaper gets all. The
//! one that ends a tree must be that subreaper and must reap, or nothing is ever gone.

use super::{Process, descendants_of};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpid};
use std::time::{Duration, Instant};

/// How long SIGKILL is repeated for what forks while it is being killed.
const SWEEP_FOR: Duration = Duration::from_secs(2);
/// How often the tree is looked at while it ends.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Where the end of a tree stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is left.
    Gone,
    /// Look again after this time.
    Wait(Duration),
    /// The rest cannot be ended (stuck in the kernel, another user's): number and state of each.
    Left(Vec<(i32, char)>),
}

/// The end of everything below this process, as a state to be driven from an event loop.
#[derive(Debug)]
pub struct TreeEnder {
    keep: Vec<Pid>,
    kill_at: Instant,
    give_up_at: Option<Instant>,
}

fn ask(pid: Pid, signal: Signal) {
    let _ = kill(pid, signal);
    let _ = kill(pid, Signal::SIGCONT);
}

impl TreeEnder {
    /// Sends SIGTERM and SIGCONT once to all that exists below us now, except `keep` and what is below those; SIGKILL
    /// follows after `grace`. TERM goes once: repeated, it would kill the clean-up commands of a trap.
    pub fn begin(grace: Duration, keep: Vec<Pid>) -> Self {
        let ender = Self { keep, kill_at: Instant::now() + grace, give_up_at: None };
        for process in ender.alive() {
            ask(process.pid, Signal::SIGTERM);
        }
        ender
    }

    /// As [`TreeEnder::begin`], but asks by SIGINT, and only our direct children: an engine's ssh or rclone must live
    /// until the engine has removed its lock in the repository.
    /// The children of `dead`, a process that is over and cannot leave, count as ours.
    pub fn begin_with_engine(grace: Duration, keep: Vec<Pid>, dead: Option<Pid>) -> Self {
        let ender = Self { keep, kill_at: Instant::now() + grace, give_up_at: None };
        let is_near = |process: &&Process| process.parent == getpid() || Some(process.parent) == dead;
        for process in ender.alive().iter().filter(is_near).filter(|process| Some(process.pid) != dead) {
            ask(process.pid, Signal::SIGINT);
        }
        ender
    }

    /// Leaves this process, and what is below it, in peace from now on.
    pub fn keep(&mut self, pid: Pid) {
        self.keep.push(pid);
    }

    /// Brings SIGKILL forward.
    pub fn hurry(&mut self, grace: Duration) {
        self.kill_at = self.kill_at.min(Instant::now() + grace);
    }

    /// Takes the next step; the caller reaps before each.
    pub fn step(&mut self) -> Progress {
        let alive = self.alive();
        if alive.is_empty() {
            return Progress::Gone;
        }
        let now = Instant::now();
        if now < self.kill_at {
            return Progress::Wait(LOOK_EVERY.min(self.kill_at - now));
        }
        let give_up_at = *self.give_up_at.get_or_insert(now + SWEEP_FOR);
        let mut reachable = false;
        for process in &alive {
            reachable |= kill(process.pid, Signal::SIGKILL) != Err(Errno::EPERM);
        }
        if now >= give_up_at || !reachable {
            return Progress::Left(alive.iter().map(|process| (process.pid.as_raw(), process.state)).collect());
        }
        Progress::Wait(LOOK_EVERY)
    }

    fn alive(&self) -> Vec<Process> {
        let mut kept: Vec<Pid> = self.keep.clone();
        for root in &self.keep {
            kept.extend(descendants_of(*root).iter().map(|process| process.pid));
        }
        descendants_of(getpid())
            .into_iter()
            .filter(|process| !process.is_over() && !kept.contains(&process.pid))
            .collect()
    }
}
