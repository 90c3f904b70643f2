//! Waiting for a request that a thread makes: until it is done, its limit has passed, or the run is to stop.

use crate::process::{Alarm, Stop, StopRule};
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::pipe2;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

/// How the waiting ended.
#[derive(Debug)]
pub(super) enum Waited<T> {
    /// The work is done.
    Done(T),
    /// The limit has passed.
    TimedOut,
    /// The run is to stop.
    Stopped,
}

/// Work that can be given up.
pub(super) trait Abandon {
    /// Makes the thread come back soon, if that can be done. Says whether what it has is an outcome by now, so that it is
    /// worth waiting for.
    fn abandon(&self) -> bool;
}

/// How long work that was given up may take to come back with the outcome that it has.
const COMES_BACK: Duration = Duration::from_secs(1);

/// Does `work` on a thread and waits for it, for `limit` at most. A request has no grace: where a stop would ask a process
/// to end, the request is given up. A thread that is given up goes on unheard until its own limits end it.
///
/// # Errors
/// When the system has no thread or descriptor left.
pub(super) fn wait<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
    limit: Option<Duration>,
    abandon: &dyn Abandon,
    stop: &Stop,
    rule: &StopRule<'_>,
    mut alarm: Option<Alarm<'_>>,
) -> io::Result<Waited<T>> {
    let (done, at_end) = pipe2(OFlag::O_CLOEXEC)?;
    let (sender, receiver) = sync_channel(1);
    std::thread::Builder::new().name("hook".to_owned()).spawn(move || {
        let _ = sender.send(work());
        drop(at_end);
    })?;
    let deadline = limit.map(|limit| Instant::now() + limit);
    loop {
        match receiver.try_recv() {
            Ok(result) => return Ok(Waited::Done(result)),
            Err(TryRecvError::Disconnected) => return Err(io::Error::other("its thread has died")),
            Err(TryRecvError::Empty) => {}
        }
        let now = Instant::now();
        let stop_at = stop.request().map(|request| rule(&request).0);
        if stop_at.is_some_and(|at| now >= at) {
            return Ok(given_up(&receiver, abandon).map_or(Waited::Stopped, Waited::Done));
        }
        if deadline.is_some_and(|at| now >= at) {
            return Ok(given_up(&receiver, abandon).map_or(Waited::TimedOut, Waited::Done));
        }
        if alarm.as_ref().is_some_and(|alarm| now >= alarm.at)
            && let Some(alarm) = alarm.take()
        {
            (alarm.ring)();
            continue;
        }
        let wake_at = [deadline, stop_at, alarm.as_ref().map(|alarm| alarm.at)].into_iter().flatten().min();
        sleep(&done, stop, wake_at)?;
    }
}

/// The outcome that there is although the rest of the answer was not waited for.
fn given_up<T>(receiver: &Receiver<T>, abandon: &dyn Abandon) -> Option<T> {
    if abandon.abandon() { receiver.recv_timeout(COMES_BACK).ok() } else { None }
}

fn sleep(done: &OwnedFd, stop: &Stop, wake_at: Option<Instant>) -> io::Result<()> {
    let timeout = wake_at.map_or(PollTimeout::NONE, |at| {
        // Rounded up: a time that is a fraction of a millisecond away must not be polled for.
        let time = at.saturating_duration_since(Instant::now()) + Duration::from_micros(999);
        PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX)
    });
    let mut fds = [PollFd::new(done.as_fd(), PollFlags::POLLIN), PollFd::new(stop.wake(), PollFlags::POLLIN)];
    match poll(&mut fds, timeout) {
        Ok(_) | Err(nix::errno::Errno::EINTR) => {}
        Err(error) => return Err(error.into()),
    }
    if fds[1].revents().is_some_and(|events| !events.is_empty()) {
        stop.heard();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::signal::Signal;
    use std::cell::Cell;
    use std::sync::mpsc::channel;

    struct HasOutcome(bool);

    impl Abandon for HasOutcome {
        fn abandon(&self) -> bool {
            self.0
        }
    }

    /// Lets the work end.
    struct Hurries(Cell<Option<std::sync::mpsc::Sender<()>>>);

    impl Abandon for Hurries {
        fn abandon(&self) -> bool {
            drop(self.0.take());
            true
        }
    }

    const LONG: Option<Duration> = Some(Duration::from_secs(60));

    fn at_once(request: &crate::process::Request) -> (Instant, Duration) {
        (request.at, Duration::ZERO)
    }

    #[test]
    fn work_is_waited_for_until_its_limit() {
        let stop = Stop::new().expect("descriptors are there");
        let done = wait(|| 7, LONG, &HasOutcome(false), &stop, &at_once, None).expect("a thread is there");
        assert!(matches!(done, Waited::Done(7)));
        let (keep, forever) = channel::<()>();
        let limit = Some(Duration::from_millis(20));
        let hangs = move || forever.recv().is_ok();
        let late = wait(hangs, limit, &HasOutcome(false), &stop, &at_once, None).expect("a thread is there");
        assert!(matches!(late, Waited::TimedOut));
        drop(keep);
    }

    #[test]
    fn a_stop_gives_work_up_at_once_and_an_alarm_rings_meanwhile() {
        let stop = Stop::new().expect("descriptors are there");
        let (keep, forever) = channel::<()>();
        let count = Cell::new(0);
        let asked = stop.clone();
        let mut ring = || {
            count.set(count.get() + 1);
            asked.ask(Signal::SIGTERM);
        };
        let alarm = Alarm { at: Instant::now() + Duration::from_millis(5), ring: &mut ring };
        let hangs = move || forever.recv().is_ok();
        let stopped = wait(hangs, LONG, &HasOutcome(false), &stop, &at_once, Some(alarm)).expect("a thread is there");
        assert!(matches!(stopped, Waited::Stopped));
        assert_eq!(count.get(), 1);
        drop(keep);
    }

    #[test]
    fn an_outcome_that_is_there_counts_although_the_limit_has_passed() {
        let stop = Stop::new().expect("descriptors are there");
        let (go_on, slow) = channel::<()>();
        let limit = Some(Duration::from_millis(5));
        let work = move || {
            let _ = slow.recv();
            7
        };
        let done =
            wait(work, limit, &Hurries(Cell::new(Some(go_on))), &stop, &at_once, None).expect("a thread is there");
        assert!(matches!(done, Waited::Done(7)));
    }
}
