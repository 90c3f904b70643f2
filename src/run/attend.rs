//! What the keeper does while its run goes on: starts workers, hears what they note, hands signals on, keeps the time of
//! holds, and ends what the dead have left.

use super::cleaner::{self, Cleaner};
use super::compact::compact;
use super::journal::Writer;
use super::keeper::Run;
use super::ledger::{AWAIT_ENGINE, END_ORPHANS, ENGINE_ENDED, Ledger, ORPHANS_ENDED, RECORD, supervisors};
use super::pipeline::Pipeline;
use super::state::{Record, State};
use super::timers::Timers;
use super::{Work, undoer};
use crate::exit;
use crate::lock::{Holder, Lock};
use crate::process::channel::Channel;
use crate::process::tree::{Progress, TreeEnder};
use crate::process::{Exit, is_as_good_as_dead, name_of, own_children};
use crate::settings::seeded::{Fault, seeded};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signalfd::SignalFd;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, pipe2, write};
use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// How often a killed worker gets a successor before the keeper gives up.
const SUCCESSORS: u32 = 3;
/// How long a dead worker's socket is listened to: a child that it had just forked may hold it open for a moment.
const LAST_RECORDS: Duration = Duration::from_secs(2);
/// How long the end of a cleaner that has left is waited for.
const CLEANER_END: Duration = Duration::from_secs(1);
/// How often is looked whether a worker lives, where a thread of it may hang in the kernel: its end is not told then.
const LOOK_EVERY: Duration = Duration::from_millis(200);

pub(super) struct Keeper {
    pub signals: SignalFd,
    /// Every signal that asked for a stop so far: what one worker was told, or could not be told, its successor must
    /// know.
    pub asked: Vec<u8>,
    pub state: State,
    /// Every step, for the journal of a successor: what its predecessor had not written yet is nowhere else.
    records: Vec<Record>,
    /// What the keeper had adopted before the running hook was started: left on purpose, as far as is known.
    pub leftovers: Vec<Pid>,
    /// The way to whoever pays what the run owes, if we and the worker die together.
    cleaner: Option<Cleaner>,
    pub worker: Option<Child>,
    pub undoers: Vec<Undoer>,
    pub timers: Timers,
    /// The end of what dead supervisors left, and who asked for it.
    orphans: Option<(TreeEnder, Pid)>,
    /// Who has to wait until the one before has had its answer.
    asking: VecDeque<(Pid, Duration)>,
    /// The end of a dead worker's engine: its successor need not wait for that to undo.
    pub engine: Option<TreeEnder>,
    /// Who waits for that.
    awaiting_engine: Vec<Pid>,
    /// Since when the worker has been as good as dead.
    dead_since: Option<Instant>,
}

/// A worker or an undoer as its keeper sees it.
pub(super) struct Child {
    pub pid: Pid,
    pub channel: Channel,
    pub stop: OwnedFd,
}

/// An undoer.
pub(super) struct Undoer {
    pub child: Child,
    /// Which of the undos.
    pub index: usize,
    /// By then it has had all the time that its undo may take.
    pub until: Instant,
}

/// How a worker left.
enum Left {
    Ended(Exit),
    /// It will never run again, but a thread of it hangs in the kernel, so that it cannot be waited for.
    Stuck,
}

impl Keeper {
    pub fn new(run: &Run, signals: SignalFd) -> io::Result<Self> {
        nix::sys::prctl::set_child_subreaper(true)?;
        Ok(Self {
            signals,
            asked: Vec::new(),
            state: State::new(run.plan.all().count()),
            records: Vec::new(),
            leftovers: Vec::new(),
            cleaner: Cleaner::new().ok(),
            worker: None,
            undoers: Vec::new(),
            timers: Timers::default(),
            orphans: None,
            asking: VecDeque::new(),
            engine: None,
            awaiting_engine: Vec::new(),
            dead_since: None,
        })
    }

    /// Takes note of what is known of a run from its journal.
    pub fn knows(&mut self, records: Vec<Record>) {
        self.timers.take_over();
        for record in records {
            self.state.apply(record.clone());
            if let Record::Anew(all) = record {
                self.records = all;
            } else {
                self.records.push(record);
            }
        }
    }

    /// Keeps the run to its end, and gives its exit code.
    pub fn watch(&mut self, run: &Run, work: &mut dyn Work, lock: &Lock) -> i32 {
        // Once: its file may lie on a file system that is frozen later.
        // A recovery has said that it is one, or which run waits for it.
        if run.recovery.is_none() {
            lock.say(&Holder::ourselves(&run.id));
        }
        let code = self.watch_workers(run, work, lock);
        if let Some(cleaner) = &mut self.cleaner {
            cleaner.dismiss();
            // Its socket is closed: its end is a moment away.
            let until = Instant::now() + CLEANER_END;
            while own_children().iter().any(|pid| name_of(*pid) == cleaner::NAME) && Instant::now() < until {
                reap();
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        reap();
        code
    }

    fn watch_workers(&mut self, run: &Run, work: &mut dyn Work, lock: &Lock) -> i32 {
        for _ in 0..=SUCCESSORS {
            match self.start(run, work) {
                Ok(worker) => self.worker = Some(worker),
                Err(error) => {
                    let _ = writeln!(io::stderr(), "❌ {}: the worker cannot be started: {error}", run.job.name);
                    return self.state.sealed.unwrap_or(exit::FAILURE);
                }
            }
            let left = self.attend(run, lock);
            let exit = match left {
                Left::Ended(exit) => exit,
                Left::Stuck => Exit::Signal(libc::SIGKILL),
            };
            let is_reported = self.state.notified.is_some();
            match (self.state.sealed, exit) {
                (Some(code), Exit::Code(_)) => return code,
                (Some(code), Exit::Signal(_)) if is_reported => return code,
                // Sealed, but what comes after (the last reports) died.
                (Some(_), Exit::Signal(_)) => {}
                (None, Exit::Code(code)) if !self.state.begun => return code,
                (None, Exit::Code(code)) => self.note(Record::Died(code + 256)),
                (None, Exit::Signal(signal)) => self.note(Record::Died(signal)),
            }
            let Some(worker) = self.worker.take() else { break };
            self.end_what_is_left(run, &worker, matches!(left, Left::Stuck));
            run.claims.free(worker.pid);
            if !self.state.begun {
                // It died at its questions: nothing was begun, nothing is owed.
                return exit::of_signal(self.state.died.unwrap_or(libc::SIGKILL));
            }
        }
        let _ = writeln!(io::stderr(), "❌ {}: every successor of the worker died; giving up.", run.job.name);
        super::outcome::death(self.state.died.unwrap_or(libc::SIGKILL)).0
    }

    fn note(&mut self, record: Record) {
        self.state.apply(record.clone());
        self.records.push(record);
    }

    /// Forks the worker: it has everything that we have, without a start of its own.
    fn start(&mut self, run: &Run, work: &mut dyn Work) -> io::Result<Child> {
        let anew = self.state.begun.then(|| Record::Anew(compact(&self.records)));
        match self.fork()? {
            Forked::Parent(child) => {
                if let Some(cleaner) = &mut self.cleaner {
                    cleaner.leave_to_the_worker();
                }
                if let Some(engine) = &mut self.engine {
                    engine.keep(child.pid);
                }
                self.dead_since = None;
                Ok(child)
            }
            Forked::Child(channel, stop) => {
                let journal = writer(run);
                if let (Some(journal), Some(anew)) = (&journal, &anew) {
                    journal.note(anew);
                }
                let ledger = Ledger::new(self.state.clone(), channel, self.cleaner.take(), journal);
                let code = match Pipeline::new(run, ledger, stop) {
                    Ok(pipeline) => pipeline.go(work),
                    Err(error) => super::keeper::cannot_start(run, &error),
                };
                std::process::exit(code)
            }
        }
    }

    /// Forks an undoer for undo number `index`.
    pub fn start_undoer(&mut self, run: &Run, index: usize) -> io::Result<Child> {
        match self.fork()? {
            Forked::Parent(child) => {
                if let Some(engine) = &mut self.engine {
                    engine.keep(child.pid);
                }
                Ok(child)
            }
            Forked::Child(channel, stop) => {
                drop(self.cleaner.take());
                let ledger = Ledger::new(self.state.clone(), channel, None, writer(run));
                std::process::exit(undoer::main(run, ledger, stop, index))
            }
        }
    }

    fn fork(&mut self) -> io::Result<Forked> {
        let (channel, theirs) = Channel::pair()?;
        let (stop_theirs, stop) = pipe2(nix::fcntl::OFlag::O_CLOEXEC)?;
        self.note_signals();
        // SAFETY: this process has one thread, so the child may do whatever a program may do.
        match unsafe { fork() }? {
            ForkResult::Parent { child } => {
                let _ = write(&stop, &self.asked);
                Ok(Forked::Parent(Child { pid: child, channel, stop }))
            }
            ForkResult::Child => {
                // With these ends of ours open, nobody would notice our death.
                drop((channel, stop, self.worker.take(), std::mem::take(&mut self.undoers)));
                Ok(Forked::Child(theirs, stop_theirs))
            }
        }
    }

    /// Waits for the worker's end; meanwhile notes its records, hands signals on, keeps holds, and ends what dead
    /// supervisors left.
    fn attend(&mut self, run: &Run, lock: &Lock) -> Left {
        loop {
            self.hear(run);
            if self.state.work.is_some() && seeded(Fault::LockEarly) {
                lock.let_go_early();
            }
            if let (Some(_), Some(journal), true) = (&self.state.work, &run.journal, seeded(Fault::SettledEarly)) {
                let _ = journal.remove();
            }
            if let Some(left) = self.note_the_dead(run) {
                return left;
            }
            let due = [self.step_orphans(), self.step_engine(), self.keep_time(run), self.look_after_worker()];
            let timeout = due.into_iter().flatten().min().map_or(PollTimeout::NONE, |time| {
                PollTimeout::try_from(time + Duration::from_micros(999)).unwrap_or(PollTimeout::MAX)
            });
            self.wait(timeout);
            self.hand_signals_on(run);
        }
    }

    fn wait(&self, timeout: PollTimeout) {
        let mut fds = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        for child in self.children() {
            if !child.channel.is_closed() {
                let more = if child.channel.waiting() > 0 { PollFlags::POLLOUT } else { PollFlags::empty() };
                fds.push(PollFd::new(child.channel.as_fd(), PollFlags::POLLIN | more));
            }
        }
        let _ = poll(&mut fds, timeout);
    }

    fn children(&self) -> impl Iterator<Item = &Child> {
        self.worker.iter().chain(self.undoers.iter().map(|undoer| &undoer.child))
    }

    /// Waits for all that has ended. Gives how the worker left, if it did.
    fn note_the_dead(&mut self, run: &Run) -> Option<Left> {
        let mut left = None;
        let worker = self.worker.as_ref().map(|worker| worker.pid);
        for (pid, exit) in reap() {
            if Some(pid) == worker {
                left = Some(Left::Ended(exit));
            } else if let Some(at) = self.undoers.iter().position(|undoer| undoer.child.pid == pid) {
                self.hear(run);
                let undoer = self.undoers.remove(at);
                self.undoer_has_ended(run, &undoer);
            }
        }
        if left.is_none() && self.dead_since.is_some_and(|since| since.elapsed() >= LOOK_EVERY) {
            // Twice: a successor beside one that lives would undo what that goes on with.
            left = worker.filter(|pid| is_as_good_as_dead(*pid)).map(|_| Left::Stuck);
        }
        left.as_ref()?;
        // Its last records are in the socket.
        let until = Instant::now() + LAST_RECORDS;
        while matches!(left, Some(Left::Ended(_)))
            && self.worker.as_ref().is_some_and(|worker| !worker.channel.is_closed())
            && Instant::now() < until
        {
            self.wait(PollTimeout::from(50_u8));
            self.hear(run);
        }
        left
    }

    /// Whether the worker is as good as dead. Gives when to look again; `None` if its end will be told.
    fn look_after_worker(&mut self) -> Option<Duration> {
        let worker = self.worker.as_ref()?;
        if !self.may_be_frozen() && !worker.channel.is_closed() {
            return None;
        }
        let is_dead = is_as_good_as_dead(worker.pid);
        self.dead_since = is_dead.then(|| self.dead_since.unwrap_or_else(Instant::now));
        Some(LOOK_EVERY)
    }

    /// Whether a hook may have frozen a file system: from then on a thread may hang in the kernel.
    fn may_be_frozen(&self) -> bool {
        self.timers.holds()
    }

    pub(super) fn hear(&mut self, run: &Run) {
        let mut heard: Vec<(Pid, u8, Vec<u8>)> = Vec::new();
        let children = self.worker.iter_mut().chain(self.undoers.iter_mut().map(|undoer| &mut undoer.child));
        for child in children {
            child.channel.flush();
            heard.extend(child.channel.receive().into_iter().map(|(kind, body)| (child.pid, kind, body)));
        }
        for (from, kind, body) in heard {
            match kind {
                RECORD => self.hear_record(run, from, &body),
                END_ORPHANS => {
                    let millis = <[u8; 8]>::try_from(body.as_slice()).map_or(0, u64::from_le_bytes);
                    self.asking.push_back((from, Duration::from_millis(millis)));
                }
                AWAIT_ENGINE => self.awaiting_engine.push(from),
                _ => {}
            }
        }
    }

    fn hear_record(&mut self, run: &Run, from: Pid, body: &[u8]) {
        let Ok(record) = serde_json::from_slice::<Record>(body) else { return };
        let begins = match &record {
            // An undo may begin while the work goes on, which has begun before it.
            Record::Hook(_, hook) => hook.status == "running" && (hook.phase != "undo" || self.state.work.is_some()),
            Record::WorkStarted(_) => true,
            _ => false,
        };
        if begins {
            self.leftovers = own_children();
            let ours: Vec<Pid> = self.children().map(|child| child.pid).collect();
            self.leftovers.retain(|pid| !ours.contains(pid));
        }
        self.timers.hear(run, &record);
        self.note(record);
        if let Some(worker) = self.worker.as_mut().filter(|worker| worker.pid != from) {
            worker.channel.send(RECORD, body);
        }
    }

    fn answer(&mut self, to: Pid, answer: u8) {
        let children = self.worker.iter_mut().chain(self.undoers.iter_mut().map(|undoer| &mut undoer.child));
        for child in children.filter(|child| child.pid == to) {
            child.channel.send(answer, &[]);
        }
    }

    /// Goes on ending what dead supervisors left. Gives when to look again.
    fn step_orphans(&mut self) -> Option<Duration> {
        if self.orphans.is_none() {
            let (from, grace) = self.asking.pop_front()?;
            self.orphans = Some((TreeEnder::begin(grace, self.not_to_be_ended()), from));
        }
        match self.orphans.as_mut().map(|(ender, from)| (ender.step(), *from))? {
            (Progress::Wait(time), _) => Some(time),
            (Progress::Gone | Progress::Left(_), from) => {
                self.orphans = None;
                self.answer(from, ORPHANS_ENDED);
                Some(Duration::ZERO)
            }
        }
    }

    /// What lives below us on purpose: workers, undoers, supervisors, and what hooks have left before.
    pub fn not_to_be_ended(&self) -> Vec<Pid> {
        let mut keep = self.leftovers.clone();
        keep.extend(self.children().map(|child| child.pid));
        keep.extend(supervisors());
        keep
    }

    /// Goes on ending the engine of a dead worker. Gives when to look again.
    fn step_engine(&mut self) -> Option<Duration> {
        let time = match self.engine.as_mut().map(TreeEnder::step) {
            Some(Progress::Wait(time)) => Some(time),
            Some(Progress::Gone | Progress::Left(_)) | None => None,
        };
        if time.is_none() {
            self.engine = None;
            for pid in std::mem::take(&mut self.awaiting_engine) {
                self.answer(pid, ENGINE_ENDED);
            }
        }
        time
    }

    fn hand_signals_on(&mut self, run: &Run) {
        for (signal, code) in self.note_signals() {
            self.a_stop_is_asked_for(run);
            for child in self.children() {
                let is_worker = self.worker.as_ref().is_some_and(|worker| worker.pid == child.pid);
                // What is typed at the terminal, the worker got too: it is in our process group. A hang-up is for the
                // leader of the session alone.
                if code != libc::SI_KERNEL || i32::from(signal) == libc::SIGHUP || !is_worker {
                    let _ = write(&child.stop, &[signal]);
                }
            }
        }
    }

    /// Takes note of the signals that have come, and gives them with what sent them (sigaction(2): `si_code`).
    pub fn note_signals(&mut self) -> Vec<(u8, i32)> {
        let mut signals = Vec::new();
        while let Ok(Some(signal)) = self.signals.read_signal() {
            if signal.ssi_signo != libc::SIGCHLD as u32 {
                signals.push((signal.ssi_signo as u8, signal.ssi_code));
            }
        }
        for (signal, _) in &signals {
            if !self.asked.contains(signal) {
                self.asked.push(*signal);
            }
        }
        signals
    }
}

enum Forked {
    Parent(Child),
    Child(Channel, OwnedFd),
}

/// The writer of this process for the run's journal. Without one the run goes on.
fn writer(run: &Run) -> Option<Writer> {
    run.journal.as_ref()?.writer(run.settings.secrets.clone()).ok()
}

/// Waits for everything that has ended.
pub(super) fn reap() -> Vec<(Pid, Exit)> {
    let mut ended = Vec::new();
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) => ended.push((pid, Exit::Code(code))),
            Ok(WaitStatus::Signaled(pid, signal, _)) => ended.push((pid, Exit::Signal(signal as i32))),
            Ok(WaitStatus::StillAlive) => return ended,
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return ended,
        }
    }
}
