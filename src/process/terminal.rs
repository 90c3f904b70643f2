//! The terminal of this process, and who has its foreground: whom Ctrl-C reaches, and who may read.

use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, killpg, sigprocmask};
use nix::unistd::{Pid, getpgrp};

/// The terminal that controls our session, as one of our standard streams.
#[derive(Debug, Clone, Copy)]
pub struct Terminal(i32);

impl Terminal {
    /// The terminal among our standard streams, if we have its foreground: a background job of somebody's shell takes
    /// nothing away.
    pub fn in_our_hands() -> Option<Self> {
        // The call fails for a terminal that is not our session's.
        (0..3).map(Self).find(|terminal| terminal.foreground() == Some(getpgrp()))
    }

    /// The process group in front; `None` if the terminal is gone.
    pub fn foreground(self) -> Option<Pid> {
        // SAFETY: takes one integer.
        let group = unsafe { libc::tcgetpgrp(self.0) };
        (group > 0).then(|| Pid::from_raw(group))
    }

    /// Whether the foreground is ours to give: we have it, or nobody is left who has.
    pub fn is_free(self) -> bool {
        self.foreground().is_some_and(|group| group == getpgrp() || killpg(group, None) == Err(Errno::ESRCH))
    }

    /// Gives the foreground to a process group. Safe between fork and exec.
    pub fn give_to(self, group: Pid) {
        // Who is not in front may do that only with this signal blocked.
        let mut blocked = SigSet::empty();
        blocked.add(Signal::SIGTTOU);
        let mut before = SigSet::empty();
        let _ = sigprocmask(SigmaskHow::SIG_BLOCK, Some(&blocked), Some(&mut before));
        // SAFETY: takes two integers; a terminal that is gone gives an error, and then nobody has it.
        unsafe { libc::tcsetpgrp(self.0, group.as_raw()) };
        let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&before), None);
    }

    /// Takes the foreground back.
    pub fn take_back(self) {
        self.give_to(getpgrp());
    }
}
