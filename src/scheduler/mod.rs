//! The boot of a container, and the loop that starts each job at its time.
//!
//! What is due is decided in `due.rs`, which is pure; the loop around it waits, starts and mirrors. The reasons are in
//! `docs/design/scheduler.md`.

mod beside;
mod boot;
mod console;
mod crontab;
mod door;
mod due;
mod handed;
mod install;
mod journal;
mod ledger;
mod lines;
mod memory;
pub mod mount;
mod outlet;
mod recovery;
mod repository;
mod round;
mod start;
mod timetable;
mod welcome;
mod wishes;

use crate::settings::{self, Environment, Settings};
use chrono::Utc;
use std::io::Write as _;
use std::path::PathBuf;

/// A job that may be scheduled.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its name, which is its command's, too.
    pub name: &'static str,
    /// The name in boot lines.
    pub label: String,
    /// Its lock file.
    pub lock: PathBuf,
    /// The variable of its schedule.
    pub variable: &'static str,
    /// The expression; empty is off.
    pub expression: String,
}

/// What the scheduler is given by its caller, who knows the workers.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The jobs of these settings, in the order of the crontab: always the same jobs, whether they are on or off.
    pub jobs: fn(&Settings) -> Vec<Job>,
    /// The crontab of these settings, for readers.
    pub crontab: fn(&Settings) -> String,
    /// What is wrong with these settings beside what they say themselves, a line for each.
    pub complaints: fn(&Settings) -> Vec<String>,
}

/// How the scheduler was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With the container: banner, mount, look at the repository.
    First,
    /// After the death of one before: at once.
    Again,
}

/// Runs the scheduler in this process, which init has started; gives its exit code.
pub fn run(start: Start, plan: &Plan, environment: &Environment) -> i32 {
    let begun = Utc::now();
    let ready = handed::Handed::take().and_then(|handed| Ok((wishes::Wishes::hear()?, handed)));
    let (wishes, handed) = match ready {
        Ok(ready) => ready,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "❌ The scheduler cannot start: {error}; only init starts it.");
            return crate::exit::FAILURE;
        }
    };
    let settings = settings::read(environment);
    let (console, recovery) = match start {
        Start::First => match boot::boot(&settings, *plan, &wishes, &handed, begun) {
            Ok(booted) => booted,
            Err(code) => return code,
        },
        Start::Again => (outlet::Outlet::to(std::io::stdout()), None),
    };
    let scene = round::Scene { plan: *plan, environment: environment.clone(), settings, wishes, handed, begun };
    match round::Round::new(scene, start, console, recovery) {
        Ok(round) => round.go_on(),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "❌ The scheduler cannot start: {error}");
            crate::exit::FAILURE
        }
    }
}
