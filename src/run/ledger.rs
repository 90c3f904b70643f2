//! The worker's book of its run: what it notes is known to the keeper at once.

use super::cleaner::{self, Cleaner};
use super::journal::Writer;
use super::state::{Record, State};
use super::undoer;
use crate::masking::say;
use crate::process::channel::Channel;
use crate::process::supervisor::{NAME_DRAINING, NAME_RUNNING};
use crate::process::tree::{Progress, TreeEnder};
use crate::process::{children_of, name_of};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{Pid, getpid};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Frames from worker to keeper.
pub(super) const RECORD: u8 = 10;
pub(super) const END_ORPHANS: u8 = 11;
pub(super) const AWAIT_ENGINE: u8 = 13;
/// Frames from keeper to worker; also [`RECORD`], of an undoer.
pub(super) const ORPHANS_ENDED: u8 = 12;
pub(super) const ENGINE_ENDED: u8 = 14;

/// How long the disk may take to have what a journal says. What it takes longer is not waited for any more in this run.
const DISK_PATIENCE: Duration = Duration::from_secs(10);

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
    journal: Option<Arc<Ahead>>,
}

/// The journal, as far as a step may wait for it.
struct Ahead {
    writer: Writer,
    /// A file system may be frozen: nothing waits for a disk.
    holding: AtomicBool,
    /// It was waited for in vain, and that is said.
    given_up: AtomicBool,
}

/// The way to the keeper, for several threads.
struct Line {
    channel: Mutex<Channel>,
    /// The channel's own socket, to be waited for without holding the channel: another thread may have to note the start
    /// of an undo meanwhile. `None` if we are out of descriptors.
    socket: Option<OwnedFd>,
    /// One question at a time: answers do not say whose they are.
    asking: Mutex<()>,
    /// What has come of them.
    answers: Mutex<Vec<u8>>,
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

    fn wait(&self, time: Option<Duration>) {
        let timeout = time.map_or(PollTimeout::NONE, |time| PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX));
        if let Some(socket) = &self.socket {
            let _ = poll(&mut [PollFd::new(socket.as_fd(), PollFlags::POLLIN)], timeout);
        } else {
            std::thread::sleep(LISTEN_EVERY);
        }
    }
}

impl Pen {
    /// Notes a step. If the keeper is dead the worker goes on alone.
    pub fn note(&self, record: Record) {
        self.tell(&record);
        if let Some(journal) = &self.journal {
            journal.writer.note(&record);
        }
        // Nobody reads a book that is closed.
        let _ = self.book.send(record);
    }

    /// Notes a step that is about to be taken, and waits until the disk has it, unless a file system may be frozen. If
    /// the disk does not take it the run goes on: keeper and worker know it.
    pub fn note_ahead(&self, record: Record) {
        self.note(record);
        self.sync();
    }

    /// Waits until the disk has every step so far, unless a file system may be frozen.
    pub fn sync(&self) {
        let Some(journal) = &self.journal else { return };
        if journal.holding.load(Ordering::Relaxed) || journal.given_up.load(Ordering::Relaxed) {
            // The disk is to have it as soon as it can; nobody waits for that.
            journal.writer.ask_sync();
            return;
        }
        if let Err(error) = journal.writer.sync(DISK_PATIENCE) {
            journal.given_up.store(true, Ordering::Relaxed);
            let what = journal_trouble(&error.to_string());
            say::error(format!("❌ {what}"));
            self.note(Record::Trouble(what));
        }
    }

    /// From now on, until it is called with `false`, a file system may be frozen.
    pub fn hold(&self, holding: bool) {
        if let Some(journal) = &self.journal {
            journal.holding.store(holding, Ordering::Relaxed);
        }
    }

    /// Takes what the keeper has sent: steps of others into the book, answers to whoever asks. Whether it is there.
    fn hear(&self) -> bool {
        let (frames, closed) = {
            let mut channel = self.line.channel();
            (channel.receive(), channel.is_closed())
        };
        for (kind, body) in frames {
            if kind == RECORD {
                if let Ok(record) = serde_json::from_slice::<Record>(&body) {
                    // Who noted it may not have come to writing it; twice does no harm.
                    if let (Some(journal), Record::Hook(..)) = (&self.journal, &record) {
                        journal.writer.note(&record);
                    }
                    let _ = self.book.send(record);
                }
            } else {
                self.line.answers.lock().unwrap_or_else(PoisonError::into_inner).push(kind);
            }
        }
        !closed
    }

    /// Waits for news of the keeper, or this long.
    pub fn wait(&self, time: Duration) {
        self.line.wait(Some(time));
    }

    /// Asks the keeper, and waits for its answer. Whether there was a keeper to give it.
    fn ask(&self, question: u8, body: &[u8], answer: u8) -> bool {
        let _asking = self.line.asking.lock().unwrap_or_else(PoisonError::into_inner);
        self.line.send(question, body);
        loop {
            let is_there = self.hear();
            {
                let mut answers = self.line.answers.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(at) = answers.iter().position(|kind| *kind == answer) {
                    answers.remove(at);
                    return true;
                }
            }
            if !is_there {
                return false;
            }
            self.line.wait(None);
        }
    }

    fn tell(&self, record: &Record) {
        if let Ok(body) = serde_json::to_vec(record) {
            self.line.send(RECORD, &body);
        }
    }

    /// Has the keeper, who adopted it, end what a dead supervisor or an interrupted engine left. Waits for that, since an
    /// undo must not start before. Whether there was a keeper to do it.
    pub fn end_orphans(&self, grace: Duration) -> bool {
        self.ask(END_ORPHANS, &(grace.as_millis() as u64).to_le_bytes(), ORPHANS_ENDED)
    }

    /// Waits until the engine of a dead predecessor has ended.
    pub fn await_engine(&self) {
        self.ask(AWAIT_ENGINE, &[], ENGINE_ENDED);
    }
}

/// What is said of a journal that cannot be written.
pub(super) fn journal_trouble(why: &str) -> String {
    format!(
        "the journal of this run cannot be written: {why}. Should all its processes be killed, nothing would know what is \
         to be undone"
    )
}

impl Ledger {
    /// A book that goes on from `state`.
    pub(super) fn new(state: State, keeper: Channel, cleaner: Option<Cleaner>, journal: Option<Writer>) -> Self {
        let socket = keeper.as_fd().try_clone_to_owned().ok();
        let line = Line { channel: Mutex::new(keeper), socket, asking: Mutex::new(()), answers: Mutex::default() };
        let (book, noted) = channel();
        let journal = journal.map(|writer| {
            Arc::new(Ahead { writer, holding: AtomicBool::new(false), given_up: AtomicBool::new(false) })
        });
        Self { state, pen: Pen { line: Arc::new(line), book, journal }, noted, cleaner }
    }

    /// A pen for this book.
    pub(super) fn pen(&self) -> Pen {
        self.pen.clone()
    }

    /// Takes over what pens have noted.
    pub(super) fn look(&mut self) {
        self.pen.hear();
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
        !self.pen.hear()
    }

    /// Notes a step. If the keeper is dead the worker goes on alone.
    pub fn note(&mut self, record: Record) {
        self.look();
        self.pen.tell(&record);
        if let Some(journal) = &self.pen.journal {
            journal.writer.note(&record);
        }
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

    /// As [`Pen::note_ahead`].
    pub(super) fn note_ahead(&mut self, record: Record) {
        self.note(record);
        self.pen.sync();
        self.look();
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

/// Our children that are supervisors of hooks or undoers, and what lives below them is theirs; and the cleaner, who goes
/// last.
pub(super) fn supervisors() -> Vec<Pid> {
    children_of(getpid())
        .into_iter()
        .map(|process| process.pid)
        .filter(|pid| matches!(name_of(*pid).as_str(), NAME_RUNNING | NAME_DRAINING | cleaner::NAME | undoer::NAME))
        .collect()
}
