//! `locked_run JOB LOCK COMMAND [ARG...]`: take the lock, become the command.

use super::{Acquire, Holder, Lock, LockError, acquire, place};
use crate::exit;
use crate::process::retry_while_busy;
use crate::settings::{self, Environment};
use chrono::Local;
use std::convert::Infallible;
use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// How long a recovery is waited for before is looked who has the lock.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The variable that tells a worker which descriptor is the lock.
pub const DESCRIPTOR: &str = "BOATHOOK_LOCK_FD";

fn now() -> String {
    Local::now().format("%Y-%m-%d %a %H:%M:%S").to_string()
}

/// The line that is printed for a run whose lock is held (contract: workers, section 3).
fn skip_line(job: &str, lock: &Path) -> String {
    format!("[{}] ⏭ {job} skipped: previous run still active (lock {})", now(), lock.display())
}

/// Says why the command does not run.
fn abort(job: &str, why: &str, environment: &Environment) {
    let line = format!("[{}] ❌ {job} aborted: {why}", now());
    let _ = writeln!(io::stderr(), "{}", settings::read(environment).secrets.mask(&line));
}

/// The lock. Whoever makes up for dead runs of the job is no run of it, and is waited for: this one would be lost.
fn after_recoveries(job: &str, lock: &Path, inherited: Option<i32>) -> Result<Lock, LockError> {
    let mut how = Acquire::AtOnce;
    loop {
        match acquire(lock, how, inherited) {
            Err(LockError::Held { holder: Some(holder), .. }) if holder.is_recovery() => {
                if how == Acquire::AtOnce {
                    let _ = writeln!(io::stdout(), "[{}] ⏳ {job} waits for {holder}", now());
                }
                how = Acquire::Wait(Some(LOOK_AGAIN));
            }
            other => return other,
        }
    }
}

/// Takes the lock and replaces this process by the command, which keeps the lock for as long as it or anything that
/// inherits its descriptor lives; a worker of ours takes the descriptor over and hands it to nobody. The command also
/// keeps the place in the line of jobs, if there is one; a skip ends it.
///
/// Returns the exit code only if there is no command to become: 0 for a held lock (a skip), 1 for a lock that cannot
/// be taken, 126 and 127 for a command that cannot be executed or does not exist.
pub fn locked_run(job: &str, lock: &Path, command: &[OsString], environment: &Environment) -> i32 {
    let Some((program, args)) = command.split_first() else { return exit::USAGE };
    // Every line from here on tells a time.
    settings::adopt_zone_of_file(environment);
    let inherited = environment.text(DESCRIPTOR).and_then(|text| text.parse().ok());
    let lock = match after_recoveries(job, lock, inherited) {
        Ok(lock) => lock,
        Err(LockError::Interrupted { signal }) => return exit::of_signal(signal as i32),
        Err(LockError::Held { path, .. }) => {
            let _ = writeln!(io::stdout(), "{}", skip_line(job, &path));
            return exit::SUCCESS;
        }
        Err(error) => {
            abort(job, &format!("{error}; {}", error.hint()), environment);
            return exit::FAILURE;
        }
    };
    lock.say(&Holder::ourselves(""));
    let number = lock.number();
    let mut next = Command::new(program);
    next.args(args).env_clear().envs(environment.iter()).env(DESCRIPTOR, number.to_string());
    // SAFETY: one system call on a descriptor that is ours.
    unsafe { libc::fcntl(number, libc::F_SETFD, 0) };
    place::hand_on(environment);
    let failed: io::Result<Infallible> = retry_while_busy(|| Err(next.exec()));
    let Err(error) = failed;
    lock.release();
    abort(job, &format!("cannot execute {}: {error}", program.display()), environment);
    if error.kind() == io::ErrorKind::NotFound { exit::NOT_FOUND } else { exit::CANNOT_EXECUTE }
}
