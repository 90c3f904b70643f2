//! The cleaner: a process that knows what a work owes, and pays it if keeper and worker die together.
//!
//! The worker starts it with its first debt. It holds neither lock nor console, ignores what people send, and waits for
//! its socket: keeper and worker hold the other end, so its end means that both are dead. Each message travels whole
//! (a socket of sequenced packets), so that a worker that is killed in the middle of one cannot spoil the next.

use super::debts::Debt;
use crate::exit;
use crate::process::{Distance, SENT_BY_PEOPLE, SOCKET_FD, mentioning, start_ourselves};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigHandler, signal};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, socketpair};
use serde::{Deserialize, Serialize};
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::process::Child;
use std::time::{Duration, Instant};

/// The hidden command that the binary is started with to become a cleaner.
pub const COMMAND: &str = "debt-cleaner";
/// The process's name.
pub(super) const NAME: &str = "boathook-clean";

/// How long the start and the end of a cleaner are waited for; both take a moment only.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long an engine that was told to end may go on writing into what is to be removed.
const ENGINE_PATIENCE: Duration = Duration::from_secs(10);
/// How often is looked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The longest message: two paths would fit.
const LONGEST: usize = 64 * 1024;

/// What a cleaner is told.
#[derive(Debug, Serialize, Deserialize)]
enum Word {
    Owes(Debt),
    Paid(Debt),
    /// The run is over.
    Over,
}

/// The way to the cleaner; keeper and worker have one each.
#[derive(Debug)]
pub(super) struct Cleaner {
    ours: OwnedFd,
    /// Its own end, until it is started.
    theirs: Option<OwnedFd>,
    child: Option<Child>,
}

impl Cleaner {
    /// The way to a cleaner that is not started yet.
    ///
    /// # Errors
    /// When the process is out of descriptors.
    pub fn new() -> io::Result<Self> {
        let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
        Ok(Self { ours, theirs: Some(theirs), child: None })
    }

    /// Another process starts it: this one only holds on to it.
    pub fn leave_to_the_worker(&mut self) {
        self.theirs = None;
    }

    /// Tells it what is about to be made; starts it first if need be.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn owes(&mut self, debt: &Debt) -> io::Result<()> {
        if let Some(theirs) = self.theirs.take() {
            self.child = Some(start_ourselves(COMMAND, theirs, Distance::Session)?);
            // Until it has its name, it would be taken for something that a hook has left.
            self.heard_within(PATIENCE);
        }
        self.tell(&Word::Owes(debt.clone()));
        Ok(())
    }

    /// Tells it what has been cleared away.
    pub fn paid(&self, debt: &Debt) {
        self.tell(&Word::Paid(debt.clone()));
    }

    /// Has it end, and waits for that.
    pub fn dismiss(&mut self) {
        self.theirs = None;
        self.tell(&Word::Over);
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            match self.heard_within(until - Instant::now()) {
                Some(0) | None => break,
                Some(_) => {}
            }
        }
        if let Some(child) = &mut self.child {
            // Its socket is closed, so its end is a moment away; one that is stuck is not waited for.
            while matches!(child.try_wait(), Ok(None)) && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    fn tell(&self, word: &Word) {
        if let Ok(body) = serde_json::to_vec(word) {
            while send(self.ours.as_raw_fd(), &body, MsgFlags::MSG_NOSIGNAL) == Err(Errno::EINTR) {}
        }
    }

    /// How many bytes came, 0 at its end; `None` if nothing came in time.
    fn heard_within(&self, time: Duration) -> Option<usize> {
        let mut fds = [PollFd::new(self.ours.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX)) {
            Ok(0) => None,
            Ok(_) => Some(recv(self.ours.as_raw_fd(), &mut [0; 8], MsgFlags::MSG_DONTWAIT).unwrap_or(0)),
            Err(_) => Some(1),
        }
    }
}

/// Becomes the cleaner: hears what is owed, and when everybody is gone, or the run is over, pays what still is. Gives the
/// exit code: 1 if something is left behind, or if the process was not started by a worker.
pub fn main() -> i32 {
    for ignored in SENT_BY_PEOPLE {
        // SAFETY: ignoring runs no code of ours.
        let _ = unsafe { signal(ignored, SigHandler::SigIgn) };
    }
    let name = std::ffi::CString::new(NAME).unwrap_or_default();
    let _ = nix::sys::prctl::set_name(&name);
    if !has_socket() {
        return exit::USAGE;
    }
    // SAFETY: the worker hands the socket over at this number, and nobody else here uses it.
    let socket = unsafe { OwnedFd::from_raw_fd(SOCKET_FD) };
    if fcntl(&socket, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).is_err() {
        return exit::FAILURE;
    }
    let _ = send(socket.as_raw_fd(), b"r", MsgFlags::MSG_NOSIGNAL);
    let mut owed: Vec<Debt> = Vec::new();
    let mut buffer = vec![0; LONGEST];
    let is_over = loop {
        match recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
            Ok(0) => break false,
            Ok(count) => match serde_json::from_slice(&buffer[..count]) {
                Ok(Word::Owes(debt)) => owed.push(debt),
                Ok(Word::Paid(debt)) => owed.retain(|other| *other != debt),
                Ok(Word::Over) => break true,
                Err(_) => {}
            },
            Err(Errno::EINTR) => {}
            Err(_) => break false,
        }
    };
    let left = owed.iter().filter(|debt| !is_paid(debt, is_over)).count();
    if left == 0 { exit::SUCCESS } else { exit::FAILURE }
}

/// Whether something was handed over.
fn has_socket() -> bool {
    // SAFETY: asks for a flag of a descriptor, which need not be open.
    unsafe { libc::fcntl(SOCKET_FD, libc::F_GETFD) >= 0 }
}

fn is_paid(debt: &Debt, is_over: bool) -> bool {
    let until = Instant::now() + ENGINE_PATIENCE;
    if matches!(debt, Debt::Folder(_)) && !is_over {
        // The engine was asked to end when the worker died. A mount needs no such patience: taking it away ends whoever
        // serves it, too.
        while !mentioning(debt.path()).is_empty() && Instant::now() < until {
            std::thread::sleep(LOOK_EVERY);
        }
    }
    loop {
        // What goes on writing may be ahead of us.
        if debt.settle().is_ok() {
            return true;
        }
        if is_over || Instant::now() >= until {
            return false;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
