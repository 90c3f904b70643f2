//! The first process of a container: it starts the scheduler and the command that was given, hands signals on, reaps
//! every orphan, and sweeps up at the end. One thread, no settings but its own time limits.
//!
//! - `watch`: the loop; it waits for signals, children and callers at the door, and for nothing else
//! - `signals`: what each signal means
//! - `reap`: the one waiter of this process
//! - `service`: the scheduler, what it is handed, and when it is started again
//! - `front`: the command, and the terminal
//! - `runs`: the runs that a stop must reach
//! - `stopping`: the steps of a stop
//! - `timetable`: how the time of a stop is shared out
//! - `sweep`: the end of whatever is left
//! - `door`: the socket at which init answers
//! - `alive`: asking init and scheduler how they are
//! - `say`: a line that cannot block

pub mod alive;
mod door;
mod front;
mod reap;
mod runs;
mod say;
mod service;
mod signals;
mod stopping;
mod sweep;
mod timetable;
mod watch;

use crate::masking::Secrets;
use crate::process::Spec;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What init is to do.
#[derive(Debug)]
pub struct Config {
    /// Where runs are registered, and where the sockets of init and scheduler lie.
    pub run_dir: PathBuf,
    /// How long everything may take from a stop request to the end.
    pub stop: Duration,
    /// The scheduler's command, without the word that says how it starts; `None` where there is no schedule.
    pub scheduler: Option<Spec>,
    /// The command given to the container, or a one-shot command.
    pub command: Option<Command>,
    /// What no line of ours may show.
    pub secrets: Arc<Secrets>,
}

/// A command, and the name that it sees itself called by.
#[derive(Debug)]
pub struct Command {
    /// What is executed.
    pub spec: Spec,
    /// Its name for itself; the program's if `None`.
    pub called: Option<OsString>,
}

/// Runs until the end of the container, and gives its exit code. Called while the process has one thread.
pub fn run(config: Config) -> i32 {
    watch::run(config)
}
