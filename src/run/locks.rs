//! The locks of a run: its job's and its repository's. Whether it takes them, how long it waits, and what it says
//! meanwhile.

use super::keeper::{Command, Run};
use crate::exit;
use crate::lock::{
    Acquire, Holder, Lock, LockError, Place, Repository, RepositoryHold, RepositoryLock, Turn, Wanted, acquire,
};
use crate::process::registry::running;
use crate::process::{Stop, ancestors_of};
use crate::settings::Settings;
use chrono::Local;
use nix::unistd::getpid;
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

/// Takes the job's own lock.
///
/// # Errors
/// The exit code of a command that is not run. The reason has been said.
pub(super) fn of_the_job(command: &Command) -> Result<Lock, i32> {
    let path = command.settings.paths.run.join(command.job.lock);
    acquire(&path, command.acquire, command.settings.lock_descriptor).map_err(|error| refuse_command(command, &error))
}

/// Takes the lock of the repository after the job's own, before there is a run. `place` is given up as soon as it is
/// taken or waited for, `asked` is when the caller began to wait.
///
/// # Errors
/// The exit code of a command that is not run. The reason has been said.
pub(super) fn of_the_repository(
    command: &Command,
    lock: &Lock,
    place: Place,
    asked: Instant,
) -> Result<Option<RepositoryHold>, i32> {
    let settings = &command.settings;
    let mode = command.work.repository_lock(settings);
    let shown = settings.repository.shown.as_str();
    if mode == RepositoryLock::None || shown.trim().is_empty() {
        return Ok(None);
    }
    let repository = Repository::new(&settings.paths.run, shown);
    if stands_under_a_user(settings, &repository) {
        return Ok(None);
    }
    let due = settings.due.unwrap_or_else(|| Local::now().timestamp().max(0) as u64);
    let how = patience(settings, command.acquire, asked.elapsed());
    let wanted = Wanted { job: command.job.name, mode, turn: Turn::new(due, command.place), how };
    let mut place = Some(place);
    let taken = repository.take(wanted, &mut |who| {
        // The ticket is drawn: whoever comes next is behind us.
        place.take();
        lock.say(&Holder::ourselves(""));
        if settings.log.verbose {
            let _ = writeln!(io::stdout(), "{}", settings.secrets.mask(&waiting(command.job.name, who)));
        }
    });
    taken.map(Some).map_err(|error| refuse_command(command, &error))
}

/// The line of a run that waits.
pub(super) fn waiting(name: &str, who: &str) -> String {
    format!("⏳ {name} is waiting: {who}")
}

/// How long the run waits for its repository: as long as the caller says, counted for both locks together, and where
/// nobody says anything, a run of the schedule waits for `LOCK_WAIT`.
fn patience(settings: &Settings, how: Acquire, passed: Duration) -> Acquire {
    match how {
        Acquire::AtOnce if settings.trigger == SCHEDULE => Acquire::Wait(Some(settings.limits.lock_wait)),
        Acquire::Wait(Some(limit)) => Acquire::Wait(Some(limit.saturating_sub(passed))),
        other => other,
    }
}

/// What started a run that nobody waits for at a terminal.
const SCHEDULE: &str = "schedule";

/// Whether one that uses the repository has started us from its hook: it waits for us, and stands for both.
fn stands_under_a_user(settings: &Settings, repository: &Repository) -> bool {
    let Some(parent) = &settings.parent_run else { return false };
    let users = repository.users();
    running(&settings.paths.run).iter().any(|run| run.id == *parent && users.contains(&run.pid))
        || ancestors_of(getpid()).iter().any(|pid| users.contains(pid))
}

/// Takes the repository again that was lent while a person was asked.
///
/// # Errors
/// The exit code of a command that is not run. The reason has been said.
pub(super) fn back(run: &Run, stop: &Stop) -> Result<(), i32> {
    let Some(hold) = &run.repository else { return Ok(()) };
    let settings = &run.settings;
    let taken = hold.take_back(stop, &mut |who| {
        let _ = writeln!(io::stdout(), "{}", settings.secrets.mask(&waiting(run.job.name, who)));
    });
    taken.map_err(|error| refuse(settings, run.job.name, Acquire::Wait(None), &error))
}

fn refuse_command(command: &Command, error: &LockError) -> i32 {
    refuse(&command.settings, command.job.name, command.acquire, error)
}

fn refuse(settings: &Settings, job: &str, how: Acquire, error: &LockError) -> i32 {
    let waited = settings.trigger == SCHEDULE && how == Acquire::AtOnce;
    let why = match error {
        LockError::InUse { what } if waited => {
            let seconds = settings.limits.lock_wait.as_secs_f64();
            format!("{what}, and LOCK_WAIT ({seconds}s) is over; the next run tries again, or give it more time")
        }
        other => format!("{other}; {}", other.hint()),
    };
    let line = format!("❌ {job} not run: {why}");
    let _ = writeln!(io::stderr(), "{}", settings.secrets.mask(&line));
    match error {
        LockError::Held { .. } | LockError::InUse { .. } => exit::LOCKED,
        LockError::Interrupted { signal } => exit::of_signal(*signal as i32),
        _ => exit::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        crate::settings::read(&pairs.iter().copied().collect())
    }

    #[test]
    fn a_run_of_the_schedule_waits_unless_its_caller_says_how_long() {
        let minute = Duration::from_secs(60);
        let scheduled = settings(&[("RUN_TRIGGER", "schedule"), ("LOCK_WAIT", "2m")]);
        assert_eq!(patience(&scheduled, Acquire::AtOnce, minute), Acquire::Wait(Some(minute * 2)));
        assert_eq!(patience(&scheduled, Acquire::Wait(None), minute), Acquire::Wait(None));
        let direct = settings(&[]);
        assert_eq!(patience(&direct, Acquire::AtOnce, minute), Acquire::AtOnce);
        assert_eq!(patience(&direct, Acquire::Wait(Some(minute * 3)), minute), Acquire::Wait(Some(minute * 2)));
        assert_eq!(patience(&direct, Acquire::Wait(Some(minute)), minute * 2), Acquire::Wait(Some(Duration::ZERO)));
    }
}
