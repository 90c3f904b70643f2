//! The small process that one hook runs under.
//!
//! It alone adopts what the hook starts, reports the hook's exit at once, goes on draining the output while leftovers
//! live (waiting for end-of-file would hang on them, closing our end would kill them by SIGPIPE), and at a limit ends
//! everything below it. It holds no lock and none of its caller's output, ignores what a terminal or an operator
//! sends, and obeys its channel; the channel's end means that the worker is dead, so the hook is ended too.

use super::channel::{Channel, Frame, pack, unpack};
use super::ourselves::{SOCKET_FD, TOKEN_FD};
use super::tree::{Progress, TreeEnder};
use super::{Exit, Identity, Spec, spawn};
use crate::settings::Environment;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, signal, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, pipe2, read};
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::{Duration, Instant};

/// The hidden command that the binary is started with to become a supervisor.
pub const COMMAND: &str = "hook-supervisor";
/// The process's name while the hook runs.
pub const NAME_RUNNING: &str = "boathook-hook";
/// The process's name when only leftovers live below it.
pub const NAME_DRAINING: &str = "boathook-drain";

/// Frames to the supervisor.
pub(super) const START: u8 = 1;
pub(super) const END: u8 = 2;
/// Frames from the supervisor.
pub(super) const OUTPUT: u8 = 3;
pub(super) const ENDED: u8 = 4;

/// What is kept of the end of a hook's output, beyond what its summary shows, so that a secret that straddles the cut
/// is still whole when it is masked.
pub const TAIL: usize = (64 + 16) * 1024;

/// A hook to be run under a supervisor.
#[derive(Debug, Clone)]
pub struct Order {
    /// What to start.
    pub spec: Spec,
    /// As whom; as ourselves if `None`.
    pub user: Option<Identity>,
    /// Its limit; `None` is no limit.
    pub timeout: Option<Duration>,
    /// From SIGTERM to SIGKILL at the limit.
    pub kill_after: Duration,
    /// How many bytes of output are handed on as they come; what is beyond is counted.
    pub forward: u64,
}

/// What came of a hook.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    /// How its process ended; `None` if it could not be started, or could not be ended.
    pub exit: Option<Exit>,
    /// Why it could not be started, as the system says.
    pub cannot_run: Option<String>,
    /// It ran into its limit.
    pub timed_out: bool,
    /// It was ended because the worker asked, or died.
    pub stopped: bool,
    /// How many bytes were not handed on.
    pub dropped: u64,
    /// The end of its output.
    pub tail: Vec<u8>,
    /// What could not be ended: number and state.
    pub left: Vec<(i32, char)>,
    /// The supervisor itself died: nothing more is known.
    pub supervisor_died: bool,
}

pub(super) fn encode_order(order: &Order) -> Vec<u8> {
    let numbers = format!(
        "{} {} {} {}",
        order.timeout.map_or_else(|| "-".to_owned(), |limit| limit.as_millis().to_string()),
        order.kill_after.as_millis(),
        order.forward,
        order.user.as_ref().map_or_else(|| "-".to_owned(), Identity::encode)
    );
    let directory = order.spec.directory.as_ref().map(|path| path.as_os_str().as_bytes().to_vec()).unwrap_or_default();
    let count = order.spec.args.len().to_string();
    let mut strings: Vec<&[u8]> =
        vec![numbers.as_bytes(), order.spec.program.as_os_str().as_bytes(), &directory, count.as_bytes()];
    strings.extend(order.spec.args.iter().map(|arg| arg.as_bytes()));
    for (name, value) in order.spec.environment.iter() {
        strings.push(name.as_bytes());
        strings.push(value.as_bytes());
    }
    pack(&strings)
}

fn decode_order(body: &[u8]) -> Option<Order> {
    let mut strings = unpack(body)?.into_iter();
    let numbers = String::from_utf8(strings.next()?).ok()?;
    let mut numbers = numbers.split(' ');
    let timeout = match numbers.next()? {
        "-" => None,
        millis => Some(Duration::from_millis(millis.parse().ok()?)),
    };
    let kill_after = Duration::from_millis(numbers.next()?.parse().ok()?);
    let forward = numbers.next()?.parse().ok()?;
    let user = match numbers.next()? {
        "-" => None,
        identity => Some(Identity::decode(identity)?),
    };
    let program = OsString::from_vec(strings.next()?).into();
    let directory = Some(strings.next()?).filter(|path| !path.is_empty()).map(|path| OsString::from_vec(path).into());
    let count: usize = String::from_utf8(strings.next()?).ok()?.parse().ok()?;
    let args = strings.by_ref().take(count).map(OsString::from_vec).collect();
    let mut pairs = Vec::new();
    while let (Some(name), Some(value)) = (strings.next(), strings.next()) {
        pairs.push((OsString::from_vec(name), OsString::from_vec(value)));
    }
    let spec =
        Spec { program, args, environment: pairs.into_iter().collect::<Environment>(), directory, dies_with_us: None };
    Some(Order { spec, user, timeout, kill_after, forward })
}

pub(super) fn encode_ended(ended: &Ended) -> Vec<u8> {
    let exit = match ended.exit {
        None => "-".to_owned(),
        Some(Exit::Code(code)) => format!("c{code}"),
        Some(Exit::Signal(signal)) => format!("s{signal}"),
    };
    let left: Vec<String> = ended.left.iter().map(|(pid, state)| format!("{pid}{state}")).collect();
    let facts = format!(
        "{exit} {} {} {} {}",
        u8::from(ended.timed_out),
        u8::from(ended.stopped),
        ended.dropped,
        left.join(",")
    );
    let why = ended.cannot_run.clone().unwrap_or_default();
    pack(&[facts.as_bytes(), why.as_bytes(), &ended.tail])
}

pub(super) fn decode_ended(body: &[u8]) -> Option<Ended> {
    let mut strings = unpack(body)?.into_iter();
    let facts = String::from_utf8(strings.next()?).ok()?;
    let mut facts = facts.split(' ');
    let exit = match facts.next()?.split_at_checked(1)? {
        ("c", code) => Some(Exit::Code(code.parse().ok()?)),
        ("s", signal) => Some(Exit::Signal(signal.parse().ok()?)),
        _ => None,
    };
    let timed_out = facts.next()? == "1";
    let stopped = facts.next()? == "1";
    let dropped = facts.next()?.parse().ok()?;
    let left = facts
        .next()?
        .split(',')
        .filter_map(|one| {
            let state = one.chars().last()?;
            Some((one.strip_suffix(state)?.parse().ok()?, state))
        })
        .collect();
    let cannot_run = Some(String::from_utf8_lossy(&strings.next()?).into_owned()).filter(|why| !why.is_empty());
    let tail = strings.next()?;
    Some(Ended { exit, cannot_run, timed_out, stopped, dropped, tail, left, supervisor_died: false })
}

/// Becomes the supervisor: takes the order from the channel at descriptor 3, and returns when nothing is left to do.
///
/// # Errors
/// When the process was not started by a worker, or lacks what every process has (descriptors, signals).
pub fn main() -> io::Result<()> {
    for ignored in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGPIPE] {
        // SAFETY: ignoring runs no code of ours.
        unsafe { signal(ignored, SigHandler::SigIgn) }?;
    }
    let mut child_ended = SigSet::empty();
    child_ended.add(Signal::SIGCHLD);
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(&child_ended), None)?;
    nix::sys::prctl::set_child_subreaper(true)?;
    set_name(NAME_RUNNING);
    // SAFETY: the worker hands the channel over at this number, and nobody else here uses it.
    let mut channel = Channel::over(unsafe { OwnedFd::from_raw_fd(SOCKET_FD) });
    fcntl(channel.as_fd(), FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC))?;
    let token = handed_over(TOKEN_FD);
    let mut further = Vec::new();
    let order = loop {
        further.extend(channel.receive_waiting());
        if let Some((START, body)) = further.first() {
            break decode_order(body).ok_or_else(|| io::Error::other("the order cannot be read"))?;
        }
        if channel.is_closed() {
            return Ok(());
        }
    };
    further.extend(channel.receive());
    if channel.is_closed() {
        // Whoever ordered it is dead, and somebody else may be about to do the same.
        return Ok(());
    }
    let signals = SignalFd::with_flags(&child_ended, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
    let mut supervisor = Supervisor::start(channel, signals, order, token)?;
    supervisor.obey(further);
    supervisor.watch();
    Ok(())
}

/// What was handed over at this number, if anything was.
fn handed_over(number: i32) -> Option<OwnedFd> {
    // SAFETY: asks for a flag of a descriptor, which need not be open.
    if unsafe { libc::fcntl(number, libc::F_GETFD) } < 0 {
        return None;
    }
    // SAFETY: it is open, and whoever started us gave it to us alone: everything else was closed on exec.
    let handed = unsafe { OwnedFd::from_raw_fd(number) };
    let _ = fcntl(&handed, FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC));
    Some(handed)
}

fn set_name(name: &str) {
    let name = std::ffi::CString::new(name).unwrap_or_default();
    let _ = nix::sys::prctl::set_name(&name);
}

struct Supervisor {
    channel: Channel,
    signals: SignalFd,
    order: Order,
    output: Option<OwnedFd>,
    leader: Option<Pid>,
    exit: Option<Exit>,
    deadline: Option<Instant>,
    ending: Option<TreeEnder>,
    ended: Ended,
    reported: bool,
    forwarded: u64,
    children_left: bool,
    buffer: Vec<u8>,
    /// Says for as long as it is open that the run is alive: its hook runs.
    token: Option<OwnedFd>,
}

impl Supervisor {
    fn start(mut channel: Channel, signals: SignalFd, order: Order, token: Option<OwnedFd>) -> io::Result<Self> {
        let (output, write_end) = pipe2(OFlag::O_CLOEXEC)?;
        // Fewer switches between us and a hook that prints much; without the right to it the default will do.
        let _ = fcntl(&output, FcntlArg::F_SETPIPE_SZ(1024 * 1024));
        fcntl(&output, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let mut ended = Ended::default();
        let leader = match start_hook(&order.spec, order.user.as_ref(), write_end) {
            Ok(pid) => Some(pid),
            Err(error) => {
                ended.cannot_run = Some(error.to_string());
                channel.send(ENDED, &encode_ended(&ended));
                channel.flush_all();
                None
            }
        };
        let deadline = order.timeout.map(|limit| Instant::now() + limit);
        Ok(Self {
            channel,
            signals,
            order,
            output: Some(output),
            leader,
            exit: None,
            deadline,
            ending: None,
            ended,
            reported: leader.is_none(),
            forwarded: 0,
            children_left: leader.is_some(),
            buffer: vec![0; 128 * 1024],
            token,
        })
    }

    fn watch(mut self) {
        loop {
            let timeout = self.advance();
            // Looked at after the last child was reaped: nothing else would ever wake us.
            if self.is_done() {
                break;
            }
            self.wait(timeout);
        }
        self.channel.flush_all();
    }

    /// Whether nothing below us is left, nor anything that writes to the hook's pipe.
    fn is_done(&self) -> bool {
        self.reported && !self.children_left && (self.output.is_none() || self.leader.is_none())
    }

    /// Does what is due by the clock and by what is known; says how long nothing else will be.
    fn advance(&mut self) -> Option<Duration> {
        self.reap();
        if self.reported {
            return None;
        }
        if self.ending.is_none() {
            if self.exit.is_some() {
                self.report();
                return None;
            }
            let now = Instant::now();
            match self.deadline {
                Some(deadline) if now >= deadline => {
                    self.ended.timed_out = true;
                    self.ending = Some(TreeEnder::begin(self.order.kill_after, Vec::new()));
                }
                Some(deadline) => return Some(deadline - now),
                None => return None,
            }
        }
        match self.ending.as_mut().map_or(Progress::Gone, TreeEnder::step) {
            Progress::Wait(time) => Some(time),
            Progress::Gone => {
                self.reap();
                self.report();
                None
            }
            Progress::Left(left) => {
                self.ended.left = left;
                self.report();
                None
            }
        }
    }

    fn wait(&mut self, timeout: Option<Duration>) {
        // Rounded up: a deadline that is a fraction of a millisecond away must not be polled for.
        let timeout = timeout.map_or(PollTimeout::NONE, |time| {
            PollTimeout::try_from(time + Duration::from_micros(999)).unwrap_or(PollTimeout::MAX)
        });
        let (mut from_channel, mut from_output) = (false, false);
        {
            let mut fds = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
            let output_at = self.output.as_ref().map(|output| {
                fds.push(PollFd::new(output.as_fd(), PollFlags::POLLIN));
                fds.len() - 1
            });
            let channel_at = (!self.channel.is_closed()).then(|| {
                let mut wanted = PollFlags::POLLIN;
                if self.channel.waiting() > 0 {
                    wanted |= PollFlags::POLLOUT;
                }
                fds.push(PollFd::new(self.channel.as_fd(), wanted));
                fds.len() - 1
            });
            match poll(&mut fds, timeout) {
                Ok(_) | Err(Errno::EINTR) => {}
                // The system is short of memory; the hook runs all the same.
                Err(_) => std::thread::sleep(Duration::from_millis(5)),
            }
            let ready =
                |at: Option<usize>| at.is_some_and(|at| fds[at].revents().is_some_and(|events| !events.is_empty()));
            from_output |= ready(output_at);
            from_channel |= ready(channel_at);
        }
        while matches!(self.signals.read_signal(), Ok(Some(_))) {}
        if from_output {
            self.read_output();
        }
        if from_channel {
            self.channel.flush();
            let frames = self.channel.receive();
            self.obey(frames);
        }
    }

    fn obey(&mut self, frames: Vec<Frame>) {
        for (kind, body) in frames {
            if kind == END && !self.reported {
                let millis = <[u8; 8]>::try_from(body.as_slice()).map_or(0, u64::from_le_bytes);
                self.end(Duration::from_millis(millis));
            }
        }
        if self.channel.is_closed() && !self.reported {
            // The worker is dead: nobody would ever end this hook.
            self.end(self.order.kill_after);
        }
    }

    fn end(&mut self, grace: Duration) {
        if let Some(ending) = &mut self.ending {
            ending.hurry(grace);
        } else {
            self.ended.stopped = true;
            self.ending = Some(TreeEnder::begin(grace, Vec::new()));
        }
    }

    fn reap(&mut self) {
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) => self.note_exit(pid, Exit::Code(code)),
                Ok(WaitStatus::Signaled(pid, signal, _)) => self.note_exit(pid, Exit::Signal(signal as i32)),
                Ok(WaitStatus::StillAlive) => return,
                Err(Errno::EINTR) | Ok(_) => {}
                Err(_) => {
                    self.children_left = false;
                    return;
                }
            }
        }
    }

    fn note_exit(&mut self, pid: Pid, exit: Exit) {
        if Some(pid) == self.leader {
            self.exit = Some(exit);
        }
    }

    fn report(&mut self) {
        // What the hook itself wrote is in the pipe by now; a leftover may go on for ever, so one pipe's worth will do.
        for _ in 0..16 {
            if !self.read_output() {
                break;
            }
        }
        self.ended.exit = self.exit;
        self.channel.send(ENDED, &encode_ended(&self.ended));
        self.ended.tail = Vec::new();
        self.reported = true;
        // What the hook has left may live for ever.
        self.token = None;
        set_name(NAME_DRAINING);
    }

    /// Reads one mouthful; says whether there may be more.
    fn read_output(&mut self) -> bool {
        let Some(output) = &self.output else { return false };
        let count = match read(output, &mut self.buffer) {
            Ok(0) => {
                self.output = None;
                return false;
            }
            Ok(count) => count,
            Err(Errno::EINTR) => return true,
            Err(_) => return false,
        };
        if self.reported {
            return true;
        }
        let piece = &self.buffer[..count];
        let room = usize::try_from(self.order.forward - self.forwarded).unwrap_or(usize::MAX);
        let (forward, drop) = piece.split_at(room.min(count));
        if !forward.is_empty() {
            self.forwarded += forward.len() as u64;
            self.channel.send(OUTPUT, forward);
        }
        self.ended.dropped += drop.len() as u64;
        let kept = &piece[piece.len().saturating_sub(TAIL)..];
        let tail = &mut self.ended.tail;
        tail.extend_from_slice(kept);
        if tail.len() > 2 * TAIL {
            tail.drain(..tail.len() - TAIL);
        }
        true
    }
}

/// Starts the hook; a script without an interpreter line is run by `/bin/sh`, as shells do.
fn start_hook(spec: &Spec, user: Option<&Identity>, output: OwnedFd) -> io::Result<Pid> {
    let child = match spawn::spawn_into(spec, user, output.try_clone()?) {
        Err(error) if error.raw_os_error() == Some(libc::ENOEXEC) => {
            let mut args = vec![OsString::from(spec.program.as_os_str())];
            args.extend(spec.args.iter().cloned());
            spawn::spawn_into(&Spec { program: "/bin/sh".into(), args, ..spec.clone() }, user, output)?
        }
        other => other?,
    };
    // Reaped with everything else that comes to us: one waiter a process.
    Ok(Pid::from_raw(child.id() as i32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_and_its_end_survive_the_channel() {
        let order = Order {
            spec: Spec {
                program: "/hooks/post-backup.sh".into(),
                args: vec!["0".into()],
                environment: [("A", "b\nc"), ("EMPTY", "")].into_iter().collect(),
                directory: Some("/".into()),
                dies_with_us: None,
            },
            user: Some(Identity { user: 1000, group: 100, groups: vec![100, 27] }),
            timeout: Some(Duration::from_millis(1500)),
            kill_after: Duration::from_secs(10),
            forward: 99,
        };
        let back = decode_order(&encode_order(&order)).expect("is well-formed");
        assert_eq!(format!("{back:?}"), format!("{order:?}"));
        let ended = Ended {
            exit: Some(Exit::Signal(9)),
            timed_out: true,
            dropped: 7,
            tail: b"\xfflast".to_vec(),
            left: vec![(12, 'D'), (13, 'S')],
            ..Ended::default()
        };
        assert_eq!(decode_ended(&encode_ended(&ended)), Some(ended));
    }
}
