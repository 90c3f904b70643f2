//! The loop of init: it sleeps until something happens, and at rest nothing does.

use super::runs::{Reach, is_registered};
use super::service::{Scheduler, how};
use super::signals::{self, Meaning, send};
use super::stopping::Stopping;
use super::{Config, door, front::Front, reap, say::say};
use crate::exit;
use crate::masking::Secrets;
use crate::process::Exit;
use crate::process::handover::{INIT_SOCKET, SCHEDULER_SOCKET};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signalfd::SignalFd;
use nix::unistd::{Pid, getpid};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The state of init; a stop is in `stopping`.
pub(super) struct Init {
    pub(super) run_dir: PathBuf,
    pub(super) stop: Duration,
    pub(super) secrets: Arc<Secrets>,
    pub(super) reach: Reach,
    signals: SignalFd,
    door: Option<OwnedFd>,
    pub(super) scheduler: Option<Scheduler>,
    /// A SIGHUP that came before the scheduler was ready to hear it.
    reload: bool,
    pub(super) front: Option<Front>,
    /// The container's exit code, if the boot decided it.
    pub(super) boot_failed: Option<i32>,
    pub(super) stopping: Option<Stopping>,
}

/// Runs init in this process.
pub fn run(config: Config) -> i32 {
    let secrets = Arc::clone(&config.secrets);
    match Init::new(config) {
        Ok(mut init) => init.go(),
        Err(Refusal::Occupied(line)) => {
            say(&secrets, &line);
            exit::FAILURE
        }
        Err(Refusal::System(error)) => {
            say(&secrets, &format!("❌ the container cannot start: {error}"));
            exit::FAILURE
        }
    }
}

enum Refusal {
    Occupied(String),
    System(io::Error),
}

impl<E: Into<io::Error>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::System(error.into())
    }
}

impl Init {
    fn new(config: Config) -> Result<Self, Refusal> {
        let Config { run_dir, stop, scheduler, command, secrets } = config;
        let signals = signals::hear()?;
        let is_first = getpid().as_raw() == 1;
        if !is_first {
            nix::sys::prctl::set_child_subreaper(true)?;
        }
        let path = run_dir.join(INIT_SOCKET);
        let neighbour = door::ask(&path, Instant::now() + Duration::from_secs(1)).is_ok();
        if neighbour && !is_first && scheduler.is_some() {
            let run_dir = run_dir.display();
            return Err(Refusal::Occupied(format!(
                "❌ not started: another container process answers in RUN_DIR '{run_dir}', and its schedule is in force; stop that one, or give this one a RUN_DIR of its own"
            )));
        }
        let reach = match (is_first, &scheduler) {
            (true, _) => Reach::Container,
            (false, Some(_)) => Reach::BelowAndRegistered,
            (false, None) => Reach::Below,
        };
        // A one-shot command beside a container (`docker exec`) leaves that one's door alone.
        let door = if neighbour && !is_first {
            None
        } else {
            if neighbour {
                let run_dir = run_dir.display();
                say(
                    &secrets,
                    &format!(
                        "⚠️ another container answers in RUN_DIR '{run_dir}', which must not be shared: its health check will fail; give each container a RUN_DIR of its own"
                    ),
                );
            }
            let opened = std::fs::create_dir_all(&run_dir).and_then(|()| door::open(&path));
            opened.map_err(|error| say(&secrets, &no_door(&path, &error))).ok()
        };
        let scheduler = match scheduler {
            Some(spec) => {
                let path = run_dir.join(SCHEDULER_SOCKET);
                let door = door::open(&path).or_else(|error| {
                    say(&secrets, &no_door(&path, &error));
                    door::hidden()
                })?;
                Some(Scheduler::new(spec, door)?)
            }
            None => None,
        };
        let front = command.map(Front::new);
        let (reload, boot_failed, stopping) = (false, None, None);
        Ok(Self { run_dir, stop, secrets, reach, signals, door, scheduler, reload, front, boot_failed, stopping })
    }

    pub(super) fn say(&self, line: &str) {
        say(&self.secrets, line);
    }

    fn go(&mut self) -> i32 {
        loop {
            while let Some((pid, change)) = reap::next() {
                self.child_changed(pid, change);
            }
            self.start_what_is_due();
            if let Some(code) = self.stop_further() {
                return code;
            }
            self.wait();
        }
    }

    fn child_changed(&mut self, pid: Pid, change: reap::Change) {
        let is_scheduler = self.scheduler.as_ref().is_some_and(|scheduler| scheduler.pid() == Some(pid));
        let is_command = self.front.as_ref().is_some_and(|front| front.pid() == Some(pid));
        match change {
            reap::Change::Ended(exit) if is_scheduler => self.scheduler_ended(exit),
            reap::Change::Ended(exit) if is_command => {
                if let Some(front) = &mut self.front {
                    front.ended(exit);
                }
                self.begin_stop(libc::SIGTERM);
            }
            reap::Change::Stopped(signal) if is_command => {
                if let Some(front) = &mut self.front {
                    front.was_stopped(signal);
                }
            }
            // An orphan: to take note of it is all that is owed.
            reap::Change::Ended(_) | reap::Change::Stopped(_) => {}
        }
    }

    fn scheduler_ended(&mut self, exit: Exit) {
        // It may have been ready, and died before that was heard.
        let Some(scheduler) = &mut self.scheduler else { return };
        scheduler.listen();
        let ready = scheduler.ready;
        let pause = scheduler.ended();
        if self.stopping.is_some() {
            return;
        }
        if ready {
            let pause = pause.as_secs();
            self.say(&format!(
                "⚠️ the scheduler {}; it is started again in {pause} s, and then starts what was due meanwhile",
                how(exit)
            ));
            return;
        }
        // A code of its own comes with a reason that it has said itself.
        if matches!(exit, Exit::Signal(_)) {
            self.say(&format!("❌ the scheduler {} before the container was ready", how(exit)));
        }
        self.boot_failed = Some(exit.code());
        self.begin_stop(libc::SIGTERM);
    }

    fn start_what_is_due(&mut self) {
        if self.stopping.is_some() {
            return;
        }
        if let Some(scheduler) = &mut self.scheduler
            && scheduler.due().is_some_and(|due| due <= Instant::now())
            && let Err(error) = scheduler.start()
        {
            let ready = scheduler.ready;
            let pause = scheduler.ended().as_secs();
            if ready {
                self.say(&format!("⚠️ the scheduler cannot be started: {error}; the next try is in {pause} s"));
            } else {
                self.say(&format!("❌ the scheduler cannot be started: {error}"));
                self.boot_failed = Some(exit::FAILURE);
                self.begin_stop(libc::SIGTERM);
                return;
            }
        }
        let is_up = self.scheduler.as_ref().is_none_or(|scheduler| scheduler.ready);
        if is_up
            && let Some(front) = &mut self.front
            && let Err(line) = front.start()
        {
            self.say(&line);
            self.begin_stop(libc::SIGTERM);
        }
    }

    /// Sleeps until a signal, a word of the scheduler, a caller, the end of a run, or the next moment that counts.
    fn wait(&mut self) {
        let timeout = match self.next_moment() {
            None => PollTimeout::NONE,
            // Up to the next millisecond, or the last one would spin.
            Some(at) => {
                let left = at.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
                PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
            }
        };
        let control = self.scheduler.as_ref().and_then(Scheduler::control);
        let door = self.door.as_ref().map(AsFd::as_fd);
        let runs = self.stopping.iter().flat_map(Stopping::ends);
        let mut fds: Vec<PollFd<'_>> = [Some(self.signals.as_fd()), control, door]
            .into_iter()
            .flatten()
            .chain(runs.map(AsFd::as_fd))
            .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
            .collect();
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            // Out of kernel memory for a moment: better late than at full speed.
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
        drop(fds);
        if let Some(scheduler) = &mut self.scheduler {
            scheduler.listen();
        }
        self.hear();
        self.reload_when_ready();
        if let Some(door) = &self.door {
            door::answer(door, &self.state());
        }
    }

    fn next_moment(&self) -> Option<Instant> {
        match &self.stopping {
            None => self.scheduler.as_ref().and_then(Scheduler::due),
            Some(stopping) => Some(stopping.next_moment()),
        }
    }

    fn hear(&mut self) {
        while let Ok(Some(heard)) = self.signals.read_signal() {
            let signal = heard.ssi_signo as i32;
            match Meaning::of(signal) {
                Meaning::Stop if self.stopping.is_none() => self.begin_stop(signal),
                Meaning::Stop => self.ask_again(signal),
                Meaning::Reload => self.reload = true,
                Meaning::Command => self.tell_command(signal),
                Meaning::Awake => {
                    if let Some(front) = &mut self.front {
                        front.go_on_if_in_front();
                    }
                }
                Meaning::Children | Meaning::Nothing => {}
            }
        }
    }

    /// Hands a signal to the command, unless that is a run: it would die of it.
    fn tell_command(&self, signal: i32) {
        if let Some(pid) = self.front.as_ref().and_then(Front::pid)
            && !is_registered(&self.run_dir, pid)
        {
            send(pid, signal);
        }
    }

    /// Hands SIGHUP on. At its start, in each of its lives, the scheduler would die of it.
    fn reload_when_ready(&mut self) {
        if self.reload
            && let Some(pid) = self.scheduler.as_ref().and_then(Scheduler::hears)
        {
            send(pid, libc::SIGHUP);
            self.reload = false;
        }
    }

    /// One line of JSON for who asks how we are.
    fn state(&self) -> String {
        let number = |pid: Option<Pid>| pid.map_or_else(|| "null".to_owned(), |pid| pid.to_string());
        let scheduler = number(self.scheduler.as_ref().and_then(Scheduler::pid));
        let command = number(self.front.as_ref().and_then(Front::pid));
        let schedule = self.scheduler.is_some();
        let ready = self.scheduler.as_ref().is_none_or(|scheduler| scheduler.ready);
        let stopping = self.stopping.is_some();
        let pid = getpid();
        format!(
            "{{\"pid\":{pid},\"schedule\":{schedule},\"scheduler\":{scheduler},\"command\":{command},\"ready\":{ready},\"stopping\":{stopping}}}\n"
        )
    }
}

fn no_door(path: &std::path::Path, error: &io::Error) -> String {
    format!("⚠️ no socket at '{}': {error}; `boathook alive` will not work: RUN_DIR must be writable", path.display())
}
