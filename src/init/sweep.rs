//! The end of whatever is left.

use super::runs::Reach;
use super::signals::send;
use crate::process::name_of;
use std::time::{Duration, Instant};

/// How often is looked.
pub const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Everything within reach is asked to end, and then made to.
#[derive(Debug)]
pub struct Sweep {
    reach: Reach,
    kill_at: Instant,
}

/// Where it stands.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is left.
    Clean,
    /// Look again.
    Wait,
    /// This is left, and had time enough.
    Left(Vec<String>),
}

impl Sweep {
    /// Asks once: a second SIGTERM would hit what a trap has started to clean up.
    pub fn begin(reach: Reach, kill_at: Instant) -> Self {
        for process in reach.alive() {
            send(process.pid, libc::SIGTERM);
            send(process.pid, libc::SIGCONT);
        }
        Self { reach, kill_at }
    }

    /// The next step; the caller reaps before each. `end` is when to give up.
    pub fn step(&self, end: Instant) -> Progress {
        let alive = self.reach.alive();
        let now = Instant::now();
        if alive.is_empty() {
            return Progress::Clean;
        }
        if now >= self.kill_at {
            for process in &alive {
                send(process.pid, libc::SIGKILL);
            }
            if now >= end {
                // SIGKILL was sent just now, or again and again: what is still there is stuck in the kernel.
                let stuck = |state: char| if state == 'D' { " (stuck in the kernel)" } else { "" };
                let name = |pid: nix::unistd::Pid, state| format!("{} {pid}{}", name_of(pid), stuck(state));
                return Progress::Left(alive.iter().map(|process| name(process.pid, process.state)).collect());
            }
        }
        Progress::Wait
    }
}
