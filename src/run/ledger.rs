//! The worker's book of its run: what it notes is known to the keeper at once.

use super::cleaner::{self, Cleaner};
use super::state::{Record, State};
use crate::masking::say;
use crate::process::channel::Channel;
use crate::process::supervisor::{NAME_DRAINING, NAME_RUNNING};
use crate::process::tree::{Progress, TreeEnder};
use crate::process::{children_of, name_of};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{Pid, getpid};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Frames from worker to keeper.
pub(super) const RECORD: u8 = 10;
pub(super) const END_ORPHANS: u8 = 11;
/// Frames from keeper to worker.
pub(super) const ORPHANS_ENDED: u8 = 12;

/// The state of the run, and the way to the keeper.
pub struct Ledger {
    state: State,
    pen: Pen,
    /// What pens have noted: known to the keeper, and not yet here.
    noted: Receiver<Record>,
    cleaner: Option<Cleaner>,
}

/// Notes steps from any thread. The keeper knows them at once, the book when it looks.
#[derive(Clone)]
pub(super) struct Pen {
    line: Arc<Line>,
    book: Sender<Record>,
}

/// The way to the keeper, for several threads.
struct Line {
    channel: Mutex<Channel>,
    /// The channel's own socket, to be waited for without holding the channel: another thread may have to note the start
    /// of an undo meanwhile. `None` if we are out of descriptors.
    socket: Option<OwnedFd>,
    /// One question at a time: answers do not say whose they are.
    asking: Mutex<()>,
}

/// How often the keeper is listened to where its socket cannot be waited for.
const LISTEN_EVERY: Duration = Duration::from_millis(10);

impl Line {
    fn channel(&self) -> MutexGuard<'_, Channel> {
        self.channel.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, kind: u8, body: &[u8]) {
        let mut channel = self.channel();
        channel.send(kind, body);
        channel.flush_all();
    }

    fn wait(&self) {
        if let Some(socket) = &self.socket {
            let _ = poll(&mut [PollFd::new(socket.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE);
        } else {
            std::thread::sleep(LISTEN_EVERY);
        }
    }
}

impl Pen {
    /// Notes a step. If the keeper is dead the worker goes on alone.
    pub fn note(&self, record: Record) {
        self.tell(&record);
        // Nobody reads a book that is closed.
        let _ = self.book.send(record);
    }

    fn tell(&self, record: &Record) {
        if let Ok(body) = serde_json::to_vec(record) {
            self.line.send(RECORD, &body);
        }
    }

    /// Has the keeper, who adopted it, end what a dead supervisor or an interrupted engine left. Waits for that, since an
    /// undo must not start before. Whether there was a keeper to do it.
    pub fn end_orphans(&self, grace: Duration) -> bool {
        let _asking = self.line.asking.lock().unwrap_or_else(PoisonError::into_inner);
        self.line.send(END_ORPHANS, &(grace.as_millis() as u64).to_le_bytes());
        loop {
            let (answers, closed) = {
                let mut channel = self.line.channel();
                (channel.receive(), channel.is_closed())
            };
            if answers.iter().any(|(kind, _)| *kind == ORPHANS_ENDED) {
                return true;
            }
            if closed {
                return false;
            }
            self.line.wait();
        }
    }
}

impl Ledger {
    /// A book that goes on from `state`.
    pub(super) fn new(state: State, keeper: Channel, cleaner: Option<Cleaner>) -> Self {
        let socket = keeper.as_fd().try_clone_to_owned().ok();
        let line = Line { channel: Mutex::new(keeper), socket, asking: Mutex::new(()) };
        let (book, noted) = channel();
        Self { state, pen: Pen { line: Arc::new(line), book }, noted, cleaner }
    }

    /// A pen for this book.
    pub(super) fn pen(&self) -> Pen {
        self.pen.clone()
    }

    /// Takes over what pens have noted.
    pub(super) fn look(&mut self) {
        while let Ok(record) = self.noted.try_recv() {
            self.state.apply(record);
        }
    }

    /// What is known.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether the keeper is dead.
    pub fn is_alone(&mut self) -> bool {
        let mut channel = self.pen.line.channel();
        channel.receive();
        channel.is_closed()
    }

    /// Notes a step. If the keeper is dead the worker goes on alone.
    pub fn note(&mut self, record: Record) {
        self.look();
        self.pen.tell(&record);
        match (&record, &mut self.cleaner) {
            (Record::Owes(debt), Some(cleaner)) => {
                if let Err(error) = cleaner.owes(debt) {
                    // It is there for a rare accident only: no reason not to work.
                    say::log_only(format!("No cleaner for {}: {error}", debt.path().display()));
                }
            }
            (Record::Paid(debt), Some(cleaner)) => cleaner.paid(debt),
            _ => {}
        }
        self.state.apply(record);
    }

    /// Has the cleaner end, where nobody else does that any more.
    pub(super) fn dismiss_cleaner(&mut self) {
        if let Some(cleaner) = &mut self.cleaner {
            cleaner.dismiss();
        }
    }

    /// As [`Pen::end_orphans`]; this process does it once the keeper is dead.
    pub fn end_orphans(&self, grace: Duration) {
        if !self.pen.end_orphans(grace) {
            end_own(grace);
        }
    }
}

/// Ends everything below this process but supervisors and their hooks.
pub(super) fn end_own(grace: Duration) {
    let mut ender = TreeEnder::begin(grace, supervisors());
    while let Progress::Wait(time) = ender.step() {
        std::thread::sleep(time);
    }
}

/// Our children that are supervisors of hooks, and what lives below them is theirs; and the cleaner, who goes last.
pub(super) fn supervisors() -> Vec<Pid> {
    children_of(getpid())
        .into_iter()
        .map(|process| process.pid)
        .filter(|pid| matches!(name_of(*pid).as_str(), NAME_RUNNING | NAME_DRAINING | cleaner::NAME))
        .collect()
}
