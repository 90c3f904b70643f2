//! One child from start to end: its output handed on as it comes, its end brought about when asked for.
//!
//! The end of a child is the exit of its process, never the end of its output: a grandchild that holds the pipe is
//! not waited for.

use super::spawn::spawn_with_input;
use super::{Request, Spec, Stop, descendants_of, spawn};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{self, Read};
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

impl Exit {
    /// The code that a shell would give.
    pub fn code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => crate::exit::of_signal(signal),
        }
    }
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        status.code().map_or_else(|| Self::Signal(status.signal().unwrap_or(0)), Self::Code)
    }
}

/// What a running child does.
#[derive(Debug)]
pub enum Event<'a> {
    /// Bytes of its standard output, as they come.
    Stdout(&'a [u8]),
    /// Bytes of its standard error, as they come.
    Stderr(&'a [u8]),
    /// Nothing for the tick interval.
    Tick,
}

/// How a child is ended when a stop is asked for, or its limit passes.
pub struct Ending<'a> {
    /// The signal that asks it, sent to the process alone: what serves it (ssh, rclone) must outlive its clean-up.
    pub signal: Signal,
    /// How long after the request it may take; past that, SIGKILL for it and all that it started.
    pub grace: &'a dyn Fn(&Request) -> Duration,
    /// A limit of its own, if it has one.
    pub limit: Option<Duration>,
}

const TICK: Duration = Duration::from_millis(250);

/// Runs a child to its end. Its standard input is empty; both outputs are handed to `event` as they come.
///
/// # Errors
/// When it cannot be started.
pub fn run(spec: &Spec, stop: &Stop, ending: &Ending<'_>, event: &mut dyn FnMut(Event<'_>)) -> io::Result<Exit> {
    watch(spawn(spec)?, stop, ending, event)
}

/// As [`run`], with `input` as its standard input: a file, or anything else that needs nobody to go on writing to it.
///
/// # Errors
/// When it cannot be started.
pub fn run_with_input(
    spec: &Spec,
    input: OwnedFd,
    stop: &Stop,
    ending: &Ending<'_>,
    event: &mut dyn FnMut(Event<'_>),
) -> io::Result<Exit> {
    watch(spawn_with_input(spec, input)?, stop, ending, event)
}

fn watch(mut child: Child, stop: &Stop, ending: &Ending<'_>, event: &mut dyn FnMut(Event<'_>)) -> io::Result<Exit> {
    let pid = Pid::from_raw(child.id() as i32);
    let started = Instant::now();
    // Made once: clearing it for every piece of output would cost more than the piece.
    let mut buffer = vec![0; 64 * 1024];
    let mut outputs = [child.stdout.take().map(OwnedFd::from), child.stderr.take().map(OwnedFd::from)];
    for output in outputs.iter().flatten() {
        set_nonblocking(output)?;
    }
    // Without pidfd_open (before Linux 5.3, or under some sandboxes) the tick notices the exit.
    let pidfd = pidfd(pid);
    let mut asked_at: Option<Instant> = None;
    let mut killed = false;
    loop {
        if let Some(status) = child.try_wait()? {
            for (index, output) in outputs.iter_mut().enumerate() {
                drain(output, index, &mut buffer, event);
            }
            return Ok(status.into());
        }
        let now = Instant::now();
        let request = stop.request();
        let over_limit = ending.limit.is_some_and(|limit| started.elapsed() >= limit);
        if asked_at.is_none() && (request.is_some() || over_limit) {
            asked_at = Some(now);
            // The child has not been waited for, so its number is still its own.
            let _ = kill(pid, ending.signal);
            let _ = kill(pid, Signal::SIGCONT);
        }
        if let Some(asked_at) = asked_at {
            let deadline = request.as_ref().map_or(asked_at + KILL_AFTER_LIMIT, |request| {
                if request.again { asked_at } else { request.at + (ending.grace)(request) }
            });
            if now >= deadline && !killed {
                killed = true;
                kill_all(pid);
            }
        }
        let timeout = if asked_at.is_some() || pidfd.is_none() { Duration::from_millis(20) } else { TICK };
        let (ready, quiet) = wait(&outputs, stop, pidfd.as_ref(), timeout)?;
        if ready[2] {
            stop.heard();
        }
        for index in 0..2 {
            if ready[index] {
                read_some(&mut outputs[index], index, &mut buffer, event);
            }
        }
        if quiet {
            event(Event::Tick);
        }
    }
}

/// Grace of a child that ran into its own limit, when nobody asked for a stop.
const KILL_AFTER_LIMIT: Duration = Duration::from_secs(5);

fn wait(
    outputs: &[Option<OwnedFd>; 2],
    stop: &Stop,
    pidfd: Option<&OwnedFd>,
    timeout: Duration,
) -> io::Result<([bool; 3], bool)> {
    let mut fds = Vec::with_capacity(4);
    let mut places = Vec::with_capacity(4);
    for (index, output) in outputs.iter().enumerate() {
        if let Some(output) = output {
            fds.push(PollFd::new(output.as_fd(), PollFlags::POLLIN));
            places.push(index);
        }
    }
    fds.push(PollFd::new(stop.wake(), PollFlags::POLLIN));
    places.push(2);
    if let Some(pidfd) = pidfd {
        fds.push(PollFd::new(pidfd.as_fd(), PollFlags::POLLIN));
        places.push(3);
    }
    let millis = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
    let count = match poll(&mut fds, millis) {
        Ok(count) => count,
        Err(Errno::EINTR) => 1,
        Err(error) => return Err(error.into()),
    };
    let mut ready = [false; 3];
    for (fd, place) in fds.iter().zip(places) {
        if place < 3 && fd.revents().is_some_and(|events| !events.is_empty()) {
            ready[place] = true;
        }
    }
    Ok((ready, count == 0))
}

fn read_some(output: &mut Option<OwnedFd>, index: usize, buffer: &mut [u8], event: &mut dyn FnMut(Event<'_>)) {
    let Some(fd) = output.take() else { return };
    let mut file = std::fs::File::from(fd);
    match file.read(buffer) {
        Ok(0) => return,
        Ok(n) => event(if index == 0 { Event::Stdout(&buffer[..n]) } else { Event::Stderr(&buffer[..n]) }),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
        Err(_) => return,
    }
    *output = Some(file.into());
}

/// Hands on what is in the pipe now, without waiting for its end.
fn drain(output: &mut Option<OwnedFd>, index: usize, buffer: &mut [u8], event: &mut dyn FnMut(Event<'_>)) {
    // A grandchild may go on writing for ever; what the child itself wrote fits into the pipe.
    const PIPE: usize = 1024 * 1024;
    let mut total = 0;
    while total < PIPE && output.is_some() {
        let mut got = 0;
        read_some(output, index, buffer, &mut |piece| {
            if let Event::Stdout(bytes) | Event::Stderr(bytes) = &piece {
                got = bytes.len();
            }
            event(piece);
        });
        if got == 0 {
            return;
        }
        total += got;
    }
}

fn kill_all(pid: Pid) {
    for process in descendants_of(pid) {
        let _ = kill(process.pid, Signal::SIGKILL);
    }
    let _ = nix::sys::signal::killpg(pid, Signal::SIGKILL);
    let _ = kill(pid, Signal::SIGKILL);
}

fn set_nonblocking(fd: &OwnedFd) -> io::Result<()> {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    let flags = OFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFL)?);
    fcntl(fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    Ok(())
}

/// A descriptor that becomes readable when the process `pid` exits; `None` if it is gone, or the system has none (before
/// Linux 5.3, or under some sandboxes).
pub fn pidfd(pid: Pid) -> Option<OwnedFd> {
    // SAFETY: pidfd_open takes two integers and returns a new descriptor or -1.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) };
    // SAFETY: a non-negative result is a descriptor that nobody else owns.
    (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd as i32) })
}
