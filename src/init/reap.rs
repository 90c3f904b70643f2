//! The one waiter of this process: everything that ends below it comes here.

use crate::process::Exit;
use nix::unistd::Pid;

/// What became of a child, whoever started it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is gone.
    Ended(Exit),
    /// It was stopped by this signal.
    Stopped(i32),
}

/// The next change that has not been taken note of; `None` if there is none now.
pub fn next() -> Option<(Pid, Change)> {
    loop {
        let mut status = 0;
        // By number and not by the type of nix: that refuses real-time signals, after it has taken the status away.
        // SAFETY: writes one integer to where one is.
        let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG | libc::WUNTRACED) };
        if pid <= 0 {
            return None;
        }
        let change = if libc::WIFEXITED(status) {
            Change::Ended(Exit::Code(libc::WEXITSTATUS(status)))
        } else if libc::WIFSIGNALED(status) {
            Change::Ended(Exit::Signal(libc::WTERMSIG(status)))
        } else if libc::WIFSTOPPED(status) {
            Change::Stopped(libc::WSTOPSIG(status))
        } else {
            continue;
        };
        return Some((Pid::from_raw(pid), change));
    }
}
