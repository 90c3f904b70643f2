//! The boot of a container: everything before the schedule. What killed runs owe is done as soon as hooks can run.
//!
//! The work is done in a thread of its own, since a mount or a repository may hang: this one goes on hearing signals
//! and answering at the door. A stop ends the boot at once, with 0: whoever asked for it has what they wanted, and a
//! restart policy must not take it for a failure.

use super::console::Console;
use super::handed::{Handed, Told};
use super::outlet::Outlet;
use super::timetable::{self, Timetable};
use super::wishes::Wishes;
use super::{Plan, crontab, door, install, mount, recovery, repository, welcome};
use crate::exit;
use crate::process::Stop;
use crate::process::handover::FINISH;
use crate::settings::{Mistake, Settings};
use chrono::{DateTime, Utc};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::process::Child;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a stopped boot may take to end what it has started. Init sweeps up what is left.
const GRACE: Duration = Duration::from_secs(3);

/// Boots the container; returns the way to standard output once the schedule may begin, and a recovery that goes on.
///
/// # Errors
/// The exit code of the container, if there will be no schedule.
pub(super) fn boot(
    settings: &Settings,
    plan: Plan,
    wishes: &Wishes,
    handed: &Handed,
    begun: DateTime<Utc>,
) -> Result<(Outlet, Option<Child>), i32> {
    let console = Arc::new(Console::open(settings));
    let booted = go_through(settings, plan, wishes, handed, begun, &console);
    let outlet = console.take().ok_or(exit::FAILURE)?;
    match booted {
        Ok(recovery) => Ok((outlet, recovery)),
        Err(code) => {
            outlet.finish();
            Err(code)
        }
    }
}

fn go_through(
    settings: &Settings,
    plan: Plan,
    wishes: &Wishes,
    handed: &Handed,
    begun: DateTime<Utc>,
    console: &Arc<Console>,
) -> Result<Option<Child>, i32> {
    let (timetable, mistakes) = timetable::read(settings, (plan.jobs)(settings), None);
    let Ok(stop) = Stop::new() else { return Err(exit::FAILURE) };
    let Ok((over, end)) = io::pipe() else { return Err(exit::FAILURE) };
    let console_there = Arc::clone(console);
    let Ok(pipe) = recovery::Pipe::of(handed) else { return Err(exit::FAILURE) };
    let sequence = Sequence {
        settings: settings.clone(),
        plan,
        timetable,
        mistakes,
        stop: stop.clone(),
        begun,
        console: console_there,
        pipe,
    };
    let work = std::thread::Builder::new().name("boot".to_owned()).spawn(move || {
        let _end = end;
        sequence.carry_out()
    });
    let Ok(work) = work else { return Err(exit::FAILURE) };
    let (mut asked, mut finish) = (None, false);
    while !work.is_finished() {
        if let Some(line) = wishes.take_stray() {
            console.say(&line);
        }
        if asked.is_none() && (finish || wishes.stop()) {
            asked = Some(Instant::now());
            stop.ask(Signal::SIGTERM);
        }
        if asked.is_some_and(|asked| asked.elapsed() >= GRACE) {
            break;
        }
        let mut fds = [wishes.bell(), over.as_fd(), handed.door.as_fd(), handed.control.as_fd()]
            .map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        // Between the end of the pipe and that of its thread lies a moment.
        let timeout = if asked.is_some() { PollTimeout::from(20_u8) } else { PollTimeout::NONE };
        if let Err(error) = poll(&mut fds, timeout)
            && error != Errno::EINTR
        {
            return Err(exit::FAILURE);
        }
        let ready = fds.map(|fd| fd.any().unwrap_or(true));
        wishes.heard();
        if ready[1] {
            break;
        }
        if ready[2] {
            door::answer(&handed.door, &door::State { begun, ready: false, stopping: asked.is_some(), next: None });
        }
        if ready[3] {
            match handed.told() {
                Told::Gone => return Err(exit::FAILURE),
                // It is said once: whoever has heard it must remember it.
                Told::Byte(FINISH) => finish = true,
                Told::Byte(_) | Told::Nothing => {}
            }
        }
    }
    result(work, asked.is_some() || finish, console)
}

fn result(
    work: JoinHandle<Result<Option<Child>, i32>>,
    stopped: bool,
    console: &Console,
) -> Result<Option<Child>, i32> {
    if stopped {
        console.say("ℹ️ Stopped during the start; nothing was scheduled.");
        return Err(exit::SUCCESS);
    }
    work.join().unwrap_or(Err(exit::FAILURE))
}

/// What a boot does, in the order of the contract.
struct Sequence {
    settings: Settings,
    plan: Plan,
    timetable: Timetable,
    mistakes: Vec<Mistake>,
    stop: Stop,
    begun: DateTime<Utc>,
    console: Arc<Console>,
    pipe: recovery::Pipe,
}

impl Sequence {
    fn carry_out(self) -> Result<Option<Child>, i32> {
        let Self { settings, plan, timetable, mistakes, stop, begun, console, pipe } = self;
        let mut say = |line: &str| console.say(line);
        let opening = welcome::banner(&settings, &timetable, begun);
        let wrong = welcome::wrong(&settings, &mistakes, (plan.complaints)(&settings));
        opening.iter().chain(&wrong).for_each(|line| say(line));
        if mistakes.iter().any(welcome::is_fatal) {
            say("❌ The container does not start with a BACKUP_CRON or TZ that cannot be read.");
            return Err(exit::USAGE);
        }
        let mounted = mounted(&settings, &stop, &mut say);
        going_on(&stop)?;
        if mounted.is_ok() {
            install::install(&settings, &stop, &mut say);
            going_on(&stop)?;
        }
        // Hooks may need what was installed. Where the boot comes no further, a thaw must not wait for the next one.
        let recovery = recovery::at_boot(&settings, &stop, &pipe, &mut say);
        going_on(&stop)?;
        mounted?;
        repository::look(&settings, &stop, &mut say)?;
        going_on(&stop)?;
        for line in welcome::schedule(&timetable, begun) {
            say(&line);
        }
        if let Err(line) = crontab::write(&settings, plan, &timetable) {
            say(&line);
        }
        make_log(&settings, &mut say);
        say("✅ Container started successfully.");
        Ok(recovery)
    }
}

/// What is stopped does nothing more; how it ends is said by whoever asked.
fn going_on(stop: &Stop) -> Result<(), i32> {
    if stop.request().is_some() { Err(exit::SUCCESS) } else { Ok(()) }
}

fn mounted(settings: &Settings, stop: &Stop, say: &mut dyn FnMut(&str)) -> Result<(), i32> {
    let Err(line) = mount::mount_unless_stopped(settings, stop, say) else { return Ok(()) };
    // Who stopped it knows.
    if stop.request().is_none() {
        say(&line);
    }
    Err(exit::FAILURE)
}

/// Readiness probes look for it.
fn make_log(settings: &Settings, say: &mut dyn FnMut(&str)) {
    let path = settings.paths.log.join("cron.log");
    let made = std::fs::create_dir_all(&settings.paths.log)
        .and_then(|()| File::options().append(true).create(true).open(&path));
    if let Err(error) = made {
        say(&format!("⚠️ {} cannot be written ({error}); lines stand in the container's log alone.", path.display()));
    }
}
