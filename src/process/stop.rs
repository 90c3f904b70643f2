//! The wish that this process should stop: who asked, when, and whether they asked again.

use nix::fcntl::OFlag;
use nix::sys::signal::Signal;
use nix::unistd::{pipe2, read, write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A signal that reaches a process twice within this time was sent once: the terminal gives Ctrl-C to keeper and
/// worker, and the keeper hands its own on.
const SAME_REQUEST: Duration = Duration::from_millis(300);

/// A request to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// The first signal that asked; SIGINT gives way to a later one that leaves less time.
    pub signal: Signal,
    /// When that came.
    pub at: Instant,
    /// Whether a second one came since: the work's grace is cut short.
    pub again: bool,
}

#[derive(Debug)]
struct Inner {
    state: Mutex<(Option<Request>, Option<Instant>)>,
    wake_read: OwnedFd,
    wake_write: OwnedFd,
}

/// Shared by whoever hears signals and whoever waits for a child.
#[derive(Debug, Clone)]
pub struct Stop(Arc<Inner>);

impl Stop {
    /// A stop that nobody has asked for.
    ///
    /// # Errors
    /// When the process is out of descriptors.
    pub fn new() -> std::io::Result<Self> {
        let (wake_read, wake_write) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        Ok(Self(Arc::new(Inner { state: Mutex::new((None, None)), wake_read, wake_write })))
    }

    /// Notes that `signal` asked for a stop.
    pub fn ask(&self, signal: Signal) {
        let now = Instant::now();
        {
            let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
            let (request, last) = &mut *state;
            match request {
                None => *request = Some(Request { signal, at: now, again: false }),
                // A person interrupted it, and now the container is stopped: from here on the time is counted.
                Some(known) if known.signal == Signal::SIGINT && signal != Signal::SIGINT => {
                    *known = Request { signal, at: now, again: true };
                }
                Some(known) if last.is_some_and(|last| now.duration_since(last) > SAME_REQUEST) => known.again = true,
                Some(_) => {}
            }
            *last = Some(now);
        }
        // A full pipe already wakes the reader.
        let _ = write(&self.0.wake_write, &[1]);
    }

    /// The request, if there is one.
    pub fn request(&self) -> Option<Request> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// A descriptor that becomes readable at every new request. One waiter at a time: it calls [`Stop::heard`].
    pub fn wake(&self) -> BorrowedFd<'_> {
        self.0.wake_read.as_fd()
    }

    /// Takes note of every wake-up so far, so that the descriptor can be waited for again.
    pub fn heard(&self) {
        let mut buffer = [0; 64];
        while matches!(read(&self.0.wake_read, &mut buffer), Ok(n) if n > 0) {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_comes_twice_at_once_counts_once() {
        let stop = Stop::new().expect("descriptors are there");
        assert_eq!(stop.request(), None);
        stop.ask(Signal::SIGINT);
        stop.ask(Signal::SIGINT);
        let request = stop.request().expect("was asked for");
        assert_eq!((request.signal, request.again), (Signal::SIGINT, false));
    }

    #[test]
    fn a_stop_after_an_interruption_counts_from_its_own_time() {
        let stop = Stop::new().expect("descriptors are there");
        stop.ask(Signal::SIGINT);
        let before = stop.request().expect("was asked for").at;
        stop.ask(Signal::SIGTERM);
        let request = stop.request().expect("was asked for");
        assert_eq!((request.signal, request.again), (Signal::SIGTERM, true));
        assert!(request.at > before);
        stop.ask(Signal::SIGINT);
        assert_eq!(stop.request(), Some(request));
    }
}
