//! The scheduler as init sees it: what it is handed, whether it is ready, and when it is started again.

use super::say::pass_on;
use crate::process::handover::{self, FINISH, LOG_READ, READY};
use crate::process::service::spawn_service;
use crate::process::{Exit, Spec};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, socketpair};
use nix::unistd::{Pid, pipe2, read};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// What the log's pipe holds while no scheduler reads it, in bytes: the most that an ordinary user may ask for.
const LOG_PIPE: i32 = 1024 * 1024;
/// The first pause before a scheduler is started again.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Who has lived as long did not die of its start.
const LIVED: Duration = Duration::from_secs(60);

/// How long to wait before the next start: longer after every early death.
#[derive(Debug)]
struct Pause(Duration);

impl Pause {
    fn after(&mut self, lived: Duration) -> Duration {
        let pause = if lived >= LIVED { FIRST_PAUSE } else { self.0 };
        self.0 = (pause * 2).min(LONGEST_PAUSE);
        pause
    }
}

/// What outlives every scheduler.
#[derive(Debug)]
struct Handover {
    log_read: OwnedFd,
    log_write: OwnedFd,
    ledger: OwnedFd,
    door: OwnedFd,
}

/// One life of it.
#[derive(Debug)]
struct Life {
    pid: Pid,
    control: OwnedFd,
    since: Instant,
    /// It has said so in this life: now it hears a SIGHUP, and does not die of it.
    ready: bool,
    /// It has closed its end, though it lives.
    silent: bool,
}

/// The scheduler, over all its lives.
#[derive(Debug)]
pub struct Scheduler {
    spec: Spec,
    handover: Handover,
    life: Option<Life>,
    next: Instant,
    pause: Pause,
    /// The boot is over: one of its lives was ready.
    pub ready: bool,
}

impl Scheduler {
    /// Not started yet; `door` is where it is to answer.
    ///
    /// # Errors
    /// When the process is out of descriptors.
    pub fn new(spec: Spec, door: OwnedFd) -> io::Result<Self> {
        let (log_read, log_write) = pipe2(OFlag::O_CLOEXEC)?;
        // A smaller pipe does, too: then runs wait sooner for a scheduler that is just being started again.
        let _ = fcntl(&log_write, FcntlArg::F_SETPIPE_SZ(LOG_PIPE));
        let ledger = memfd_create(c"boathook-ledger", MFdFlags::MFD_CLOEXEC)?;
        let handover = Handover { log_read, log_write, ledger, door };
        Ok(Self { spec, handover, life: None, next: Instant::now(), pause: Pause(FIRST_PAUSE), ready: false })
    }

    /// Its process, while there is one.
    pub fn pid(&self) -> Option<Pid> {
        self.life.as_ref().map(|life| life.pid)
    }

    /// Its process, if that hears a SIGHUP by now.
    pub fn hears(&self) -> Option<Pid> {
        self.life.as_ref().filter(|life| life.ready).map(|life| life.pid)
    }

    /// When it is to be started; `None` while it runs.
    pub fn due(&self) -> Option<Instant> {
        self.life.is_none().then_some(self.next)
    }

    /// Starts it.
    ///
    /// # Errors
    /// When it cannot be executed.
    pub fn start(&mut self) -> io::Result<()> {
        // A new pair for each life: nothing that was meant for a dead one is read by its successor.
        let (control, theirs) = socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)?;
        let mut spec = self.spec.clone();
        spec.args.push(if self.ready { "again" } else { "first" }.into());
        let Handover { log_read, log_write, ledger, door } = &self.handover;
        let handed = [log_read.as_fd(), log_write.as_fd(), theirs.as_fd(), ledger.as_fd(), door.as_fd()];
        let pid = spawn_service(&spec, &handed, LOG_READ)?;
        self.life = Some(Life { pid, control, since: Instant::now(), ready: false, silent: false });
        Ok(())
    }

    /// It has ended, or could not be started: says after what pause it is due again.
    pub fn ended(&mut self) -> Duration {
        let lived = self.life.take().map_or(Duration::ZERO, |life| life.since.elapsed());
        let pause = self.pause.after(lived);
        self.next = Instant::now() + pause;
        pause
    }

    /// Where it says something, as long as it may.
    pub fn control(&self) -> Option<BorrowedFd<'_>> {
        self.life.as_ref().filter(|life| !life.silent).map(|life| life.control.as_fd())
    }

    /// Reads what it said, if it said something.
    pub fn listen(&mut self) {
        let Some(life) = self.life.as_mut().filter(|life| !life.silent) else { return };
        let mut said = [0; 64];
        match recv(life.control.as_raw_fd(), &mut said, MsgFlags::MSG_DONTWAIT) {
            Ok(count @ 1..) => {
                life.ready |= said[..count].contains(&READY);
                self.ready |= life.ready;
            }
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            _ => life.silent = true,
        }
    }

    /// Tells it to write the rest of the log and to end.
    pub fn finish(&self) {
        if let Some(life) = &self.life {
            let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
            let _ = send(life.control.as_raw_fd(), &[FINISH], flags);
        }
    }

    /// Passes on what nobody is left to write to the log: at a stop without a scheduler, the container's output is the
    /// last place for it.
    pub fn spill(&self, to: &impl AsFd) {
        let mut buffer = [0; 4096];
        loop {
            let mut ready = [PollFd::new(self.handover.log_read.as_fd(), PollFlags::POLLIN)];
            if !poll(&mut ready, PollTimeout::ZERO).is_ok_and(|count| count > 0) {
                return;
            }
            match read(&self.handover.log_read, &mut buffer) {
                Ok(count @ 1..) => pass_on(to, &buffer[..count]),
                _ => return,
            }
        }
    }
}

/// How an end is said to people.
pub fn how(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("ended with exit code {code}"),
        Exit::Signal(signal) => format!("was ended by signal {signal}"),
    }
}

// The numbers that are handed over follow each other.
const _: () = assert!(
    handover::LOG_READ + 1 == handover::LOG_WRITE
        && handover::LOG_READ + 2 == handover::CONTROL
        && handover::LOG_READ + 3 == handover::LEDGER
        && handover::LOG_READ + 4 == handover::DOOR
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_to_a_minute_and_is_short_again_after_a_long_life() {
        let mut pause = Pause(FIRST_PAUSE);
        let early: Vec<u64> = (0..8).map(|_| pause.after(Duration::from_secs(2)).as_secs()).collect();
        assert_eq!(early, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(pause.after(LIVED).as_secs(), 1);
        assert_eq!(pause.after(Duration::ZERO).as_secs(), 2);
    }
}
