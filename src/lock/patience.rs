//! Waiting for a moment, for something to happen, or for whoever wants us to stop.

use crate::process::{Stop, is_ignored};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// Whom a waiting process listens to.
pub(super) enum Patience<'a> {
    /// The signals of this process: the first process of a container would never hear one by its default action.
    Signals {
        /// Where they are read.
        heard: SignalFd,
        /// What was blocked before.
        before: SigSet,
    },
    /// A process that hears its signals elsewhere.
    Stop(&'a Stop),
}

impl Patience<'_> {
    /// Blocks the signals that end a process until this is dropped, and listens to them.
    pub fn of_signals() -> io::Result<Self> {
        let mut set = SigSet::empty();
        for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT] {
            if !is_ignored(signal) || signal != Signal::SIGHUP {
                set.add(signal);
            }
        }
        let before = set.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        let heard = SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        Ok(Self::Signals { heard, before })
    }

    /// Waits for so long, or until `news` can be read. Gives the signal that ends the waiting, if one came.
    pub fn wait(&self, time: Duration, news: Option<BorrowedFd<'_>>) -> Option<Signal> {
        let ends = match self {
            Self::Signals { heard, .. } => heard.as_fd(),
            Self::Stop(stop) => stop.wake(),
        };
        if let Some(signal) = self.asked() {
            return Some(signal);
        }
        let mut fds = vec![PollFd::new(ends, PollFlags::POLLIN)];
        fds.extend(news.map(|news| PollFd::new(news, PollFlags::POLLIN)));
        let _ = poll(&mut fds, PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX));
        self.asked()
    }

    fn asked(&self) -> Option<Signal> {
        match self {
            Self::Signals { heard, .. } => {
                let signal = heard.read_signal().ok().flatten()?;
                Signal::try_from(signal.ssi_signo as i32).ok()
            }
            Self::Stop(stop) => stop.request().map(|request| request.signal),
        }
    }
}

impl Drop for Patience<'_> {
    fn drop(&mut self) {
        if let Self::Signals { before, .. } = self {
            let _ = before.thread_set_mask();
        }
    }
}
