//! The worker's side of a hook: starts its supervisor, hears what it says, tells it to end.

use super::channel::Channel;
use super::ourselves::{Distance, start_ourselves};
use super::supervisor::{self, COMMAND, Ended, Order};
use super::{Request, Stop};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Pid;
use std::io;
use std::process::Child;
use std::time::{Duration, Instant};

/// When a hook is to be ended for the sake of a stop: from when on, and with what grace.
pub type StopRule<'a> = dyn Fn(&Request) -> (Instant, Duration) + 'a;

/// Something to do once at a given time while the hook runs.
pub struct Alarm<'a> {
    /// When.
    pub at: Instant,
    /// What.
    pub ring: &'a mut dyn FnMut(),
}

/// How long a system that is short of memory is left alone.
const SHORT_OF_MEMORY: Duration = Duration::from_millis(5);
/// How long after limit and grace a supervisor may stay silent before it is taken for stuck.
const SILENCE: Duration = Duration::from_secs(10);
/// The same once it was told to end its hook, beyond the grace: its sweep takes at most 2 s.
const SILENCE_WHEN_TOLD: Duration = Duration::from_secs(3);

/// Runs a hook under a supervisor to its end. `output` gets what it prints, as it comes.
///
/// # Errors
/// When the supervisor cannot be started; a hook that cannot be started is an [`Ended`].
pub fn supervise(
    order: &Order,
    stop: &Stop,
    rule: &StopRule<'_>,
    mut alarm: Option<Alarm<'_>>,
    output: &mut dyn FnMut(&[u8]),
) -> io::Result<(Ended, Supervisor)> {
    let (mut channel, theirs) = Channel::pair()?;
    let mut child = start_ourselves(COMMAND, theirs.into_socket(), Distance::Group)?;
    channel.send(supervisor::START, &supervisor::encode_order(order));
    let mut silent_at = order.timeout.map(|limit| Instant::now() + limit + order.kill_after + SILENCE);
    let mut told: Option<Instant> = None;
    loop {
        let now = Instant::now();
        if let Some(request) = stop.request() {
            let (from, grace) = rule(&request);
            let kill_at = from + grace;
            if now >= from && told.is_none_or(|told| kill_at < told) {
                let grace = kill_at.saturating_duration_since(now).as_millis() as u64;
                channel.send(supervisor::END, &grace.to_le_bytes());
                told = Some(kill_at);
                let at = kill_at.max(now) + SILENCE_WHEN_TOLD;
                silent_at = Some(silent_at.map_or(at, |known| known.min(at)));
            }
        }
        if alarm.as_ref().is_some_and(|alarm| now >= alarm.at)
            && let Some(alarm) = alarm.take()
        {
            (alarm.ring)();
        }
        if silent_at.is_some_and(|at| now >= at) {
            // It was stopped or is stuck; its end is noticed as any other.
            let _ = child.kill();
        }
        for (kind, body) in channel.receive() {
            match kind {
                supervisor::OUTPUT => output(&body),
                supervisor::ENDED => {
                    if let Some(ended) = supervisor::decode_ended(&body) {
                        return Ok((ended, Supervisor(child)));
                    }
                }
                _ => {}
            }
        }
        if channel.is_closed() {
            let _ = child.wait();
            return Ok((Ended { supervisor_died: true, ..Ended::default() }, Supervisor(child)));
        }
        let mut wake_at = [silent_at, alarm.as_ref().map(|alarm| alarm.at)].into_iter().flatten().min();
        if let (Some(request), None) = (stop.request(), told) {
            wake_at = Some(wake_at.map_or(rule(&request).0, |at| at.min(rule(&request).0)));
        }
        wait(&mut channel, stop, wake_at);
    }
}

/// The supervisor of a hook that has ended: it may go on draining what the hook left running.
pub struct Supervisor(Child);

impl Supervisor {
    /// Its number.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.0.id() as i32)
    }

    /// Takes note of its end, if it has ended.
    pub fn is_gone(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }
}

fn wait(channel: &mut Channel, stop: &Stop, wake_at: Option<Instant>) {
    let timeout = wake_at.map_or(PollTimeout::NONE, |at| {
        let time = at.saturating_duration_since(Instant::now()) + Duration::from_micros(999);
        PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX)
    });
    let mut wanted = PollFlags::POLLIN;
    if channel.waiting() > 0 {
        wanted |= PollFlags::POLLOUT;
    }
    let stopped = {
        let mut fds = [PollFd::new(channel.as_fd(), wanted), PollFd::new(stop.wake(), PollFlags::POLLIN)];
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            // The system is short of memory; the hook runs all the same.
            Err(_) => std::thread::sleep(SHORT_OF_MEMORY),
        }
        fds[1].revents().is_some_and(|events| !events.is_empty())
    };
    if stopped {
        stop.heard();
    }
    channel.flush();
}
