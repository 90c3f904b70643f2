//! Every signal that init gets, and whom it is meant for.

use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::io;

/// What a signal to init means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// A child has ended or stopped.
    Children,
    /// Settings and hooks are read again: for the scheduler alone. A run would end.
    Reload,
    /// The container ends.
    Stop,
    /// We are awake again, and perhaps in the foreground.
    Awake,
    /// For the command alone; a run would die of it.
    Command,
    /// Nothing.
    Nothing,
}

impl Meaning {
    /// Of the signal with this number.
    pub fn of(signal: i32) -> Self {
        match signal {
            libc::SIGCHLD => Self::Children,
            libc::SIGHUP => Self::Reload,
            libc::SIGTERM | libc::SIGINT | libc::SIGQUIT => Self::Stop,
            libc::SIGCONT => Self::Awake,
            // From the terminal, when nobody else is in front: there is nobody who could wake the container again.
            // And a reader of ours that has gone.
            libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU | libc::SIGPIPE => Self::Nothing,
            _ => Self::Command,
        }
    }
}

/// What a run is told when init hears `signal`. A SIGINT leaves each hook its own limit, but the container ends when its
/// time is over: a run must know of that, and counts its budget from SIGTERM.
pub fn for_a_run(signal: i32) -> i32 {
    if signal == libc::SIGINT { libc::SIGTERM } else { signal }
}

/// Has every signal wait to be read; faults of our own stay as they are. A blocked signal is also kept for a process of
/// number 1, for which the kernel drops what is left at its default.
///
/// # Errors
/// When the process is out of descriptors.
pub fn hear() -> io::Result<SignalFd> {
    let mut heard = SigSet::all();
    for fault in [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGABRT, libc::SIGTRAP, libc::SIGSYS] {
        if let Ok(fault) = fault.try_into() {
            heard.remove(fault);
        }
    }
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&heard), None)?;
    Ok(SignalFd::with_flags(&heard, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?)
}

/// Sends a signal by its number, real-time ones too. A process that is gone is fine.
pub fn send(pid: nix::unistd::Pid, signal: i32) {
    // SAFETY: takes two integers.
    unsafe { libc::kill(pid.as_raw(), signal) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hang_up_is_for_the_scheduler_and_what_runs_die_of_for_the_command() {
        assert_eq!(Meaning::of(libc::SIGHUP), Meaning::Reload);
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT] {
            assert_eq!(Meaning::of(signal), Meaning::Stop);
        }
        for signal in [libc::SIGUSR1, libc::SIGUSR2, libc::SIGWINCH, libc::SIGALRM, libc::SIGRTMIN() + 3] {
            assert_eq!(Meaning::of(signal), Meaning::Command);
        }
    }

    #[test]
    fn a_run_always_learns_that_its_time_counts() {
        assert_eq!([2, 3, 15].map(for_a_run), [15, 3, 15]);
    }
}
