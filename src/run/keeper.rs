//! The keeper: the process that was started. It holds the lock and what the run owes, and outlives its worker.
//!
//! One thread, no output of its own, no file on its way. Should the worker die, the keeper adopts what it left (it is
//! the subreaper), ends the running hook and the engine, and has a successor finish the run: summary, post hooks, seal.
//! Should the keeper die, the worker, which holds the lock too, goes on by itself.

use super::cleaner::{self, Cleaner};
use super::ledger::{END_ORPHANS, Ledger, ORPHANS_ENDED, RECORD, supervisors};
use super::pipeline::Pipeline;
use super::state::{Record, State};
use super::trial::Trial;
use super::{Job, Work, budget, identity, locks};
use crate::exit;
use crate::hooks::template::SecretValues;
use crate::hooks::{HooksFile, Plan};
use crate::lock::{Acquire, Holder, Lock, Place, RepositoryHold};
use crate::process::channel::Channel;
use crate::process::registry::Registered;
use crate::process::supervisor::{NAME_DRAINING, NAME_RUNNING};
use crate::process::tree::{Progress, TreeEnder};
use crate::process::{Exit, Process, Request, children_of, is_ignored, name_of, own_children};
use crate::settings::{Console, Settings};
use chrono::Local;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, getpid, pipe2, write};
use std::io::{self, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// A worker's command as it was called.
pub struct Command {
    /// Whose.
    pub job: &'static Job,
    /// Its work.
    pub work: Box<dyn Work>,
    /// All settings.
    pub settings: Settings,
    /// The names of all workers, for finding hooks.
    pub workers: Vec<&'static str>,
    /// What to do when the job's lock or the repository's is held.
    pub acquire: Acquire,
    /// The job's place among those of the same minute.
    pub place: usize,
    /// Only try the hooks: no log, no summary, no report.
    pub trial: Option<Trial>,
}

/// The longest that a step of the work waits for the repository where post hooks come after it: they start again what
/// pre hooks have stopped.
const STEP_WAIT: Duration = Duration::from_secs(60);
/// How often a killed worker gets a successor before the keeper gives up.
const SUCCESSORS: u32 = 3;
/// How long a supervisor may take beyond its hook's grace to end the hook of a dead worker.
const SUPERVISOR_GRACE: Duration = Duration::from_secs(4);

/// How long a dead worker's socket is listened to: a child that it had just forked may hold it open for a moment.
const LAST_RECORDS: Duration = Duration::from_secs(2);

/// How long the end of a cleaner that has left is waited for.
const CLEANER_END: Duration = Duration::from_secs(1);

/// Everything of a run that does not change: known to keeper, worker and successors alike.
pub(super) struct Run {
    pub job: &'static Job,
    pub settings: Settings,
    pub plan: Plan,
    pub id: String,
    pub started_at: chrono::DateTime<Local>,
    pub folder: Option<std::path::PathBuf>,
    /// Why there is no folder, if there is none.
    pub folder_error: Option<String>,
    /// Only the hooks are tried.
    pub trial: Option<Trial>,
    /// Whether webhook and mail tell of it.
    pub is_notified: bool,
    /// The lock of the repository, until the work is over.
    pub repository: Option<RepositoryHold>,
    /// What templates read by `env` and `file`.
    pub secret_values: SecretValues,
    /// What is said of files that look like hooks files and give no hooks.
    pub awaited: Vec<String>,
    /// The namespace of native hooks, for templates.
    pub namespace: String,
    /// The hooks files that have mistakes, as far as they may concern this worker.
    pub broken: Vec<HooksFile>,
}

impl Run {
    /// The work with its steps is over: whoever waits for the repository may have it. Undos and post hooks may use it,
    /// too.
    pub fn release_repository(&self) {
        if let Some(hold) = &self.repository {
            hold.release();
        }
    }
}

/// Takes the locks, keeps the run, and returns its exit code. Called while the process has one thread.
pub fn keep(command: Command) -> i32 {
    let asked = Instant::now();
    let place = Place::of(command.settings.place_descriptor);
    let lock = match locks::of_the_job(&command) {
        Ok(lock) => lock,
        Err(code) => return code,
    };
    let repository = match locks::of_the_repository(&command, &lock, place, asked) {
        Ok(repository) => repository,
        Err(code) => {
            lock.release();
            return code;
        }
    };
    let Command { job, mut work, mut settings, workers, trial, .. } = command;
    if work.keeps_stdout() {
        settings.log.console = Console::Stderr;
    }
    let id = identity::new_id(job.name);
    lock.say(&Holder::ourselves(&id));
    // From here on there is something to clear away.
    let signals = hear_signals();
    let declared = crate::hooks::load(&settings, &workers);
    declared.mask_in(&mut settings);
    let plan = crate::hooks::plan(&settings, job.name, &workers, &declared);
    let awaited = declared.awaited();
    let secret_values = declared.secrets;
    let concerns = |file: &HooksFile| file.concerns.is_empty() || file.concerns.contains(&job.name);
    let broken = declared.files.into_iter().filter(|file| !file.mistakes.is_empty() && concerns(file)).collect();
    let repository = repository.map(|mut hold| {
        hold.say(&id);
        if !plan.post.is_empty() {
            hold.limit_step_wait(STEP_WAIT);
        }
        hold
    });
    let registered = Registered::new(&settings.paths.run, &id);
    let run = Run {
        job,
        plan,
        id,
        started_at: Local::now(),
        folder: registered.as_ref().ok().map(|registered| registered.folder().to_owned()),
        folder_error: registered.as_ref().err().map(ToString::to_string),
        namespace: crate::hooks::namespace(&settings),
        settings,
        trial,
        broken,
        is_notified: work.is_notified(),
        repository,
        secret_values,
        awaited,
    };
    let code = match signals.and_then(|signals| Keeper::new(&run, signals)) {
        Ok(keeper) => keeper.watch(&run, work.as_mut(), &lock),
        Err(error) => {
            let _ = writeln!(io::stderr(), "❌ {} not run: the keeper cannot start: {error}", job.name);
            exit::FAILURE
        }
    };
    run.release_repository();
    if let Ok(registered) = registered {
        registered.remove();
    }
    lock.release();
    code
}

/// Has signals wait to be read, those that come before there is a worker, too. A hang-up that we were started to ignore
/// (nohup) stays ignored.
fn hear_signals() -> io::Result<SignalFd> {
    let mut heard = SigSet::empty();
    for signal in [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT] {
        if signal != Signal::SIGHUP || !is_ignored(signal) {
            heard.add(signal);
        }
    }
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(&heard), None)?;
    Ok(SignalFd::with_flags(&heard, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?)
}

struct Keeper {
    signals: SignalFd,
    /// Every signal that asked for a stop so far: what one worker was told, or could not be told, its successor must
    /// know.
    asked: Vec<u8>,
    state: State,
    /// What the keeper had adopted before the running hook was started: left on purpose, as far as is known.
    leftovers: Vec<Pid>,
    /// The way to whoever pays what the run owes, if we and the worker die together.
    cleaner: Option<Cleaner>,
}

/// A worker as its keeper sees it.
struct Worker {
    pid: Pid,
    channel: Channel,
    stop: OwnedFd,
}

impl Keeper {
    fn new(run: &Run, signals: SignalFd) -> io::Result<Self> {
        nix::sys::prctl::set_child_subreaper(true)?;
        let state = State::new(run.plan.all().count());
        let cleaner = Cleaner::new().ok();
        Ok(Self { signals, asked: Vec::new(), state, leftovers: Vec::new(), cleaner })
    }

    fn watch(mut self, run: &Run, work: &mut dyn Work, lock: &Lock) -> i32 {
        let code = self.watch_workers(run, work, lock);
        if let Some(cleaner) = &mut self.cleaner {
            cleaner.dismiss();
            // Its socket is closed: its end is a moment away.
            let until = Instant::now() + CLEANER_END;
            while own_children().iter().any(|pid| name_of(*pid) == cleaner::NAME) && Instant::now() < until {
                reap_all();
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        reap_all();
        code
    }

    fn watch_workers(&mut self, run: &Run, work: &mut dyn Work, lock: &Lock) -> i32 {
        for _ in 0..=SUCCESSORS {
            let worker = match self.start(run, work) {
                Ok(worker) => worker,
                Err(error) => {
                    let _ = writeln!(io::stderr(), "❌ {}: the worker cannot be started: {error}", run.job.name);
                    return self.state.sealed.unwrap_or(exit::FAILURE);
                }
            };
            lock.say(&Holder::ourselves(&run.id));
            let how = self.attend(worker);
            match (self.state.sealed, how) {
                (Some(code), Exit::Code(_)) => return code,
                (Some(code), Exit::Signal(_)) if self.state.notified.is_some() => return code,
                // Sealed, but what comes after (the last reports) died.
                (Some(_), Exit::Signal(_)) => {}
                (None, Exit::Code(code)) if !self.state.begun => return code,
                (None, Exit::Code(code)) => self.state.apply(Record::Died(code + 256)),
                (None, Exit::Signal(signal)) => self.state.apply(Record::Died(signal)),
            }
            self.end_what_is_left(run);
            if !self.state.begun {
                // It died at its questions: nothing was begun, nothing is owed.
                return exit::of_signal(self.state.died.unwrap_or(libc::SIGKILL));
            }
        }
        let _ = writeln!(io::stderr(), "❌ {}: every successor of the worker died; giving up.", run.job.name);
        super::outcome::death(self.state.died.unwrap_or(libc::SIGKILL)).0
    }

    /// Forks the worker: it has everything that we have, without a start of its own.
    fn start(&mut self, run: &Run, work: &mut dyn Work) -> io::Result<Worker> {
        let (channel, theirs) = Channel::pair()?;
        let (stop_theirs, stop) = pipe2(nix::fcntl::OFlag::O_CLOEXEC)?;
        self.note_signals();
        // SAFETY: this process has one thread, so the child may do whatever a program may do.
        match unsafe { fork() }? {
            ForkResult::Parent { child } => {
                let _ = write(&stop, &self.asked);
                if let Some(cleaner) = &mut self.cleaner {
                    cleaner.leave_to_the_worker();
                }
                Ok(Worker { pid: child, channel, stop })
            }
            ForkResult::Child => {
                drop((channel, stop));
                let ledger = Ledger::new(self.state.clone(), theirs, self.cleaner.take());
                let code = match Pipeline::new(run, ledger, stop_theirs) {
                    Ok(pipeline) => pipeline.go(work),
                    Err(error) => {
                        let _ = writeln!(io::stderr(), "❌ {}: the worker cannot start: {error}", run.job.name);
                        exit::FAILURE
                    }
                };
                std::process::exit(code)
            }
        }
    }

    /// Waits for the worker's end; meanwhile notes its records, hands signals on, and ends what dead supervisors left.
    fn attend(&mut self, mut worker: Worker) -> Exit {
        let mut orphans: Option<TreeEnder> = None;
        loop {
            self.hear(&mut worker, &mut orphans);
            if let Some(exit) = reap(worker.pid) {
                // Its last records are in the socket.
                let until = Instant::now() + LAST_RECORDS;
                while !worker.channel.is_closed() && Instant::now() < until {
                    let mut fds = [PollFd::new(worker.channel.as_fd(), PollFlags::POLLIN)];
                    let _ = poll(&mut fds, PollTimeout::from(50_u8));
                    self.hear(&mut worker, &mut orphans);
                }
                return exit;
            }
            let mut timeout = PollTimeout::NONE;
            if let Some(ender) = &mut orphans {
                match ender.step() {
                    Progress::Wait(time) => timeout = PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX),
                    Progress::Gone | Progress::Left(_) => {
                        orphans = None;
                        worker.channel.send(ORPHANS_ENDED, &[]);
                    }
                }
            }
            {
                let mut fds = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
                if !worker.channel.is_closed() {
                    fds.push(PollFd::new(worker.channel.as_fd(), PollFlags::POLLIN));
                }
                let _ = poll(&mut fds, timeout);
            }
            self.hand_signals_on(&worker);
        }
    }

    fn hear(&mut self, worker: &mut Worker, orphans: &mut Option<TreeEnder>) {
        for (kind, body) in worker.channel.receive() {
            match kind {
                RECORD => {
                    if let Ok(record) = serde_json::from_slice(&body) {
                        let begins = match &record {
                            // An undo may begin while the work goes on, which has begun before it.
                            Record::Hook(_, hook) => {
                                hook.status == "running" && (hook.phase != "undo" || self.state.work.is_some())
                            }
                            Record::WorkStarted(_) => true,
                            _ => false,
                        };
                        if begins {
                            self.leftovers = own_children();
                            self.leftovers.retain(|pid| *pid != worker.pid);
                        }
                        self.state.apply(record);
                    }
                }
                END_ORPHANS => {
                    let millis = <[u8; 8]>::try_from(body.as_slice()).map_or(0, u64::from_le_bytes);
                    let mut keep = self.leftovers.clone();
                    keep.push(worker.pid);
                    keep.extend(supervisors());
                    *orphans = Some(TreeEnder::begin(Duration::from_millis(millis), keep));
                }
                _ => {}
            }
        }
    }

    fn hand_signals_on(&mut self, worker: &Worker) {
        for (signal, code) in self.note_signals() {
            // What is typed at the terminal, the worker got too: it is in our process group. A hang-up is for the leader
            // of the session alone.
            if code != libc::SI_KERNEL || i32::from(signal) == libc::SIGHUP {
                let _ = write(&worker.stop, &[signal]);
            }
        }
    }

    /// Takes note of the signals that have come, and gives them with what sent them (sigaction(2): `si_code`).
    fn note_signals(&mut self) -> Vec<(u8, i32)> {
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

    /// Ends what a dead worker left: its hook's supervisor sees its channel closed and ends the hook; the engine gets
    /// SIGINT. What hooks left on purpose stays.
    fn end_what_is_left(&mut self, run: &Run) {
        let kill_after = run.settings.hooks.kill_after;
        let request = Request { signal: Signal::SIGTERM, at: Instant::now(), again: false };
        let grace = budget::engine_grace(run.settings.limits.stop, &request);
        let mut keep = self.leftovers.clone();
        keep.extend(supervisors());
        let mut ender = TreeEnder::begin_with_engine(grace, keep);
        let give_up_at = Instant::now() + kill_after.max(grace) + SUPERVISOR_GRACE;
        let mut engine_gone = false;
        loop {
            reap_all();
            self.note_signals();
            engine_gone = engine_gone || !matches!(ender.step(), Progress::Wait(_));
            let busy: Vec<Process> =
                children_of(getpid()).into_iter().filter(|p| !p.is_over() && name_of(p.pid) == NAME_RUNNING).collect();
            if busy.is_empty() && engine_gone {
                break;
            }
            if Instant::now() >= give_up_at {
                // A supervisor that is stopped or stuck: what is below it comes to us.
                for process in &busy {
                    let _ = kill(process.pid, Signal::SIGKILL);
                }
                let mut keep = self.leftovers.clone();
                keep.extend(
                    children_of(getpid())
                        .iter()
                        .map(|p| p.pid)
                        .filter(|pid| matches!(name_of(*pid).as_str(), NAME_DRAINING | cleaner::NAME)),
                );
                let mut rest = TreeEnder::begin(Duration::ZERO, keep);
                while let Progress::Wait(time) = rest.step() {
                    reap_all();
                    std::thread::sleep(time);
                }
                break;
            }
            let mut fds = [PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
            let _ = poll(&mut fds, PollTimeout::from(20_u8));
        }
        reap_all();
    }
}

/// Waits for everything that has ended, and says how the worker did, if it is among it.
fn reap(worker: Pid) -> Option<Exit> {
    let mut exit = None;
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) if pid == worker => exit = Some(Exit::Code(code)),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == worker => exit = Some(Exit::Signal(signal as i32)),
            Ok(WaitStatus::StillAlive) => return exit,
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return exit,
        }
    }
}

fn reap_all() {
    let _ = reap(Pid::from_raw(-1));
}
