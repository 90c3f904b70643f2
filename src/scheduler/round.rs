//! The loop: wait for the next time, for signals, for init, for what runs say; start what is due.
//!
//! It waits in one place, for as long as nothing happens, and does nothing that may block: files are written by
//! threads of their own.

mod starts;

use super::due::{self, Times};
use super::handed::{Handed, Told};
use super::journal::Journal;
use super::memory::{self, Recorder};
use super::outlet::{Format, Outlet};
use super::recovery::{self, Watched};
use super::timetable::{self, Before, Timetable};
use super::wishes::Wishes;
use super::{Plan, Start, crontab, door, welcome};
use crate::exit;
use crate::process::handover::FINISH;
use crate::settings::{self, Environment, Settings};
use chrono::{DateTime, Utc};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use nix::unistd::read;
use std::collections::BTreeMap;
use std::io::{self, PipeReader, Write as _};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Child;
use std::time::{Duration, Instant};

/// How often outputs that are behind are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How long the end waits for the state to be written.
const LAST_STATE: Duration = Duration::from_secs(2);
/// What is read at once of what runs say.
const MOUTHFUL: usize = 64 * 1024;

/// Everything that the loop is given.
pub(super) struct Scene {
    pub plan: Plan,
    pub environment: Environment,
    pub settings: Settings,
    pub wishes: Wishes,
    pub handed: Handed,
    /// When this process began.
    pub begun: DateTime<Utc>,
}

/// The loop.
pub(super) struct Round {
    scene: Scene,
    timetable: Timetable,
    journal: Journal,
    recorder: Recorder,
    timer: TimerFd,
    running: Vec<Going>,
    /// What runs that were killed have left.
    watched: Watched,
    /// The run that has not taken its place yet, and until when it is waited for.
    place: Option<(PipeReader, Instant)>,
    /// How long the pause was after the last start, which has failed.
    pause: Option<Duration>,
    /// Until when nothing is started because of that.
    pause_until: Option<Instant>,
    /// What jobs were settled up to before the clock was put back by far.
    floors: BTreeMap<usize, DateTime<Utc>>,
    /// When something may be due; `None` if it has to be found out.
    next: Option<DateTime<Utc>>,
    stopping: bool,
    init: Init,
}

/// A process that was started and has not ended.
struct Going {
    label: String,
    /// The job whose run it is; `None` for a recovery.
    job: Option<&'static str>,
    child: Child,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Init {
    There,
    /// It wants us to write what is left, and to end.
    SaidFinish,
    Gone,
}

impl Round {
    /// Settles from when each job counts, and says "ready". `recovery` is one that the boot has begun.
    ///
    /// # Errors
    /// When the system gives no timer.
    pub fn new(scene: Scene, started: Start, console: Outlet, recovery: Option<Child>) -> io::Result<Self> {
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        let timer = TimerFd::new(ClockId::CLOCK_REALTIME, flags)?;
        let settings = &scene.settings;
        let jobs = (scene.plan.jobs)(settings);
        let kept = scene.handed.ledger.kept().filter(|_| started == Start::Again);
        let before = kept.and_then(|kept| Before::from_bytes(&kept, &jobs));
        let as_it_was = before.as_ref().filter(|before| timetable::is_file_amiss(settings, before));
        let (timetable, mistakes) = match as_it_was {
            Some(before) => (before.as_timetable(jobs), Vec::new()),
            None => timetable::read(settings, jobs, before.as_ref()),
        };
        let as_it_was = as_it_was.is_some();
        let format = Format { zone: timetable.zone, json: settings.log.json };
        let journal = Journal::open(settings.paths.log.join("cron.log"), format, console);
        let recorder = recorder(&scene)?;
        let mut round = Self {
            timetable,
            journal,
            recorder,
            timer,
            running: recovery.map(Going::recovery).into_iter().collect(),
            watched: Watched::default(),
            place: None,
            pause: None,
            pause_until: None,
            floors: BTreeMap::new(),
            next: None,
            stopping: false,
            init: Init::There,
            scene,
        };
        match started {
            Start::First => round.count_from_the_start(),
            Start::Again => {
                round.say("⚠️ The scheduler has died and was started again; what fell due meanwhile is started now.");
                for line in welcome::wrong(&round.scene.settings, &mistakes, Vec::new()) {
                    round.say(&line);
                }
                if as_it_was {
                    round.say(timetable::FILE_AMISS);
                }
                let changes = before.as_ref().map(|before| round.timetable.changes(before)).unwrap_or_default();
                let stale = !changes.is_empty();
                let crontab =
                    stale.then(|| crontab::write(&round.scene.settings, round.scene.plan, &round.timetable).err());
                for line in changes.into_iter().chain(crontab.flatten()) {
                    round.say(&line);
                }
                round.go_on_counting(before.as_ref());
                // Runs that the dead one has started may die with nobody to hear of it.
                round.watched.add(recovery::journals(&round.scene.settings.paths.state, None), None);
            }
        }
        round.keep_schedule();
        round.record();
        round.scene.handed.ready();
        Ok(round)
    }

    /// Goes on until the end, and gives the exit code.
    pub fn go_on(mut self) -> i32 {
        let mut buffer = vec![0; MOUTHFUL];
        loop {
            self.reap();
            if let Some(line) = self.scene.wishes.take_stray() {
                self.say(&line);
            }
            self.stopping |= self.scene.wishes.stop() || self.init != Init::There;
            if !self.stopping {
                self.recover_what_is_dead();
                self.start_what_is_due();
                // What was due by the old schedule is started by it.
                if self.place.is_none() && self.scene.wishes.take_reload() {
                    self.reload();
                    self.start_what_is_due();
                }
            }
            match self.init {
                Init::SaidFinish => return self.finish(&mut buffer, exit::SUCCESS),
                Init::Gone if self.running.is_empty() => {
                    let code = if self.scene.wishes.stop() { exit::SUCCESS } else { exit::FAILURE };
                    return self.finish(&mut buffer, code);
                }
                _ => {}
            }
            if self.set_timer() == Err(Errno::ECANCELED) {
                // The clock was set since what is next was found out.
                self.next = None;
                continue;
            }
            self.wait(&mut buffer);
        }
    }

    fn say(&mut self, line: &str) {
        let line = self.scene.settings.secrets.mask(line).into_owned();
        self.journal.say(&line);
    }

    fn stamp(&self, time: DateTime<Utc>) -> String {
        welcome::stamp(time, &self.timetable)
    }

    /// At the start of a container, jobs count from the start of its boot, or from what its last one has left.
    fn count_from_the_start(&mut self) {
        let path = self.scene.settings.paths.state.join(memory::FILE);
        let known = match memory::read(&path) {
            Ok(known) if self.scene.settings.schedules.catch_up => known,
            Err(error) if self.scene.settings.schedules.catch_up => {
                let path = path.display();
                self.say(&format!("⚠️ {path} cannot be read ({error}): CATCH_UP does not know what was missed."));
                memory::Settled::new()
            }
            _ => memory::Settled::new(),
        };
        for (place, row) in self.timetable.rows.iter().enumerate() {
            let owed = row.entry.as_ref().is_some_and(|entry| entry.expression.at_reboot());
            let times = self.timetable.described(place);
            let same = known.get(row.job.name).filter(|counted| Some(&counted.times) == times.as_ref());
            let settled = same.map_or(self.scene.begun, |counted| counted.until);
            self.scene.handed.ledger.settle(place, (!owed).then_some(settled));
        }
    }

    /// After a death or a reload, jobs count on from where they were, but for those whose times have changed.
    fn go_on_counting(&mut self, before: Option<&Before>) {
        let (now, ledger) = (Utc::now(), &self.scene.handed.ledger);
        for (place, row) in self.timetable.rows.iter().enumerate() {
            let times = match before {
                Some(before) if !self.timetable.same_times(place, before) => Times::Changed,
                _ if row.entry.as_ref().is_some_and(|entry| entry.expression.at_reboot()) => Times::AtReboot,
                _ => Times::AsBefore,
            };
            loop {
                let settled = ledger.settled(place);
                // What a predecessor has forked may take its record at any moment.
                if ledger.settle_on(place, settled, due::carried_over(settled, times, now)) {
                    break;
                }
            }
        }
    }

    fn keep_schedule(&self) {
        self.scene.handed.ledger.keep(&self.timetable.to_bytes());
    }

    /// Has it written down up to when each job is settled.
    fn record(&self) {
        let on = self.timetable.rows.iter().enumerate().filter(|(_, row)| row.entry.is_some());
        let settled = on.filter_map(|(place, row)| {
            let until = self.scene.handed.ledger.settled(place)?;
            Some((row.job.name.to_owned(), memory::Counted { until, times: self.timetable.described(place)? }))
        });
        self.recorder.record(settled.collect());
    }

    fn reload(&mut self) {
        let new = settings::read(&self.scene.environment);
        let before = self.timetable.as_before();
        if timetable::is_file_amiss(&new, &before) {
            // The old settings stay as a whole: what they know to be secret is in the environment of runs.
            for line in welcome::wrong(&new, &[], Vec::new()) {
                self.journal.say(&new.secrets.mask(&line));
            }
            self.say(timetable::FILE_AMISS);
            return;
        }
        let (timetable, mistakes) = timetable::read(&new, (self.scene.plan.jobs)(&new), Some(&before));
        let mut lines = welcome::wrong(&new, &mistakes, Vec::new());
        if !mistakes.is_empty() {
            lines.push("❌ What cannot be read leaves in force what was there before.".to_owned());
        }
        let changes = timetable.changes(&before);
        lines.push("🔄 The settings were read again; runs that have begun go on with theirs.".to_owned());
        if changes.is_empty() {
            lines.push("ℹ️ The schedule is unchanged.".to_owned());
        }
        lines.extend(changes);
        (self.scene.settings, self.timetable, self.next) = (new, timetable, None);
        let format = Format { zone: self.timetable.zone, json: self.scene.settings.log.json };
        self.journal.set_format(format);
        self.go_on_counting(Some(&before));
        self.keep_schedule();
        lines.extend(crontab::write(&self.scene.settings, self.scene.plan, &self.timetable).err());
        for line in lines {
            self.say(&line);
        }
        self.record();
    }

    fn reap(&mut self) {
        let mut lines = Vec::new();
        let state = self.scene.settings.paths.state.clone();
        let watched = &mut self.watched;
        self.running.retain_mut(|Going { label, job, child }| match child.try_wait() {
            Ok(None) => true,
            Ok(Some(status)) => {
                match (*job, status.signal()) {
                    (None, _) => lines.extend(recovery::came(exit_code(status))),
                    // How a run ended is for itself to say, unless it could not.
                    (Some(job), Some(signal)) => {
                        let pid = child.id();
                        lines.push(format!("⚠️ {label}: its process {pid} was killed by signal {signal}."));
                        watched.add(recovery::journals(&state, Some(job)), Some(job));
                    }
                    (Some(_), None) => {}
                }
                false
            }
            Err(_) => false,
        });
        for line in lines {
            self.say(&line);
        }
    }

    /// Has done what runs owe of which nothing lives any more.
    fn recover_what_is_dead(&mut self) {
        for job in self.watched.take_dead(Instant::now()) {
            let what = job.map_or_else(|| "runs".to_owned(), |job| format!("the run of {job}"));
            self.say(&format!("🔄 What {what} left undone when it was killed is done now."));
            let handed = &self.scene.handed;
            match recovery::start(&self.scene.settings, job, handed.log_write.as_fd()) {
                Ok((child, _)) => self.running.push(Going::recovery(child)),
                Err(error) => self.say(&recovery::not_started(&error)),
            }
        }
    }

    /// Sets the timer to the next time. It also goes off when the clock is set.
    ///
    /// # Errors
    /// ECANCELED if that was not heard of yet.
    fn set_timer(&self) -> nix::Result<()> {
        let at = self.next.filter(|at| !self.stopping && *at < DateTime::<Utc>::MAX_UTC);
        match at {
            Some(at) => {
                let flags = TimerSetTimeFlags::TFD_TIMER_ABSTIME | TimerSetTimeFlags::TFD_TIMER_CANCEL_ON_SET;
                self.timer.set(Expiration::OneShot(TimeSpec::new(at.timestamp(), 0)), flags)
            }
            None => self.timer.unset(),
        }
    }

    /// Waits until something happens, and takes note of it.
    fn wait(&mut self, buffer: &mut [u8]) {
        let pressed = self.journal.is_pressed();
        let Scene { wishes, handed, .. } = &self.scene;
        let place = self.place.as_ref().map(|(reader, _)| reader.as_fd());
        let fds = [
            Some(wishes.bell()),
            Some(self.timer.as_fd()),
            Some(handed.door.as_fd()),
            (!pressed).then(|| handed.log.as_fd()),
            (self.init != Init::Gone).then(|| handed.control.as_fd()),
            place,
        ];
        let mut polled: Vec<PollFd<'_>> =
            fds.into_iter().flatten().map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        match poll(&mut polled, self.timeout(pressed)) {
            Ok(_) => {}
            Err(Errno::EINTR) => return,
            // Out of memory: what is there will be there in a moment.
            Err(_) => std::thread::sleep(LOOK_EVERY),
        }
        let mut results = polled.into_iter().map(|fd| fd.any().unwrap_or(true));
        let [bell, timer, door, log, control, place] = fds.map(|fd| fd.is_some() && results.next().unwrap_or_default());
        if bell {
            wishes.heard();
        }
        if timer {
            // Whether it went off or the clock was set: what is due is found out anew.
            let _ = self.timer.wait();
            self.next = None;
        }
        if door {
            let next = self.upcoming(Utc::now()).filter(|_| !self.stopping);
            let next = next.map(|(job, at)| (job.name, self.timetable.zone.local(at)));
            let state = door::State { begun: self.scene.begun, ready: true, stopping: self.stopping, next };
            door::answer(&self.scene.handed.door, &state);
        }
        if log {
            self.hear(buffer);
        }
        if control {
            match self.scene.handed.told() {
                Told::Byte(FINISH) => self.init = Init::SaidFinish,
                Told::Gone => self.init = Init::Gone,
                Told::Byte(_) | Told::Nothing => {}
            }
        }
        if place {
            self.place = None;
        }
        self.journal.quiet(Instant::now());
    }

    fn timeout(&self, pressed: bool) -> PollTimeout {
        let now = Instant::now();
        let ends = [
            // Where nothing is started any more, nobody takes note that they have passed.
            self.place.as_ref().map(|(_, until)| *until).filter(|_| !self.stopping),
            self.pause_until.filter(|_| !self.stopping),
            self.watched.look_at().filter(|_| !self.stopping),
            self.journal.quiet_at(),
            pressed.then(|| now + LOOK_EVERY),
        ];
        let Some(first) = ends.into_iter().flatten().min() else { return PollTimeout::NONE };
        // Rounded up: waking a moment early would only mean to wait once more.
        let wait = first.saturating_duration_since(now) + Duration::from_millis(1);
        PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX)
    }

    /// Takes a mouthful of what runs say; `false` if there is none.
    fn hear(&mut self, buffer: &mut [u8]) -> bool {
        match read(&self.scene.handed.log, buffer) {
            Ok(count) if count > 0 => {
                self.journal.hear(&buffer[..count]);
                true
            }
            _ => false,
        }
    }

    /// Writes what is left, and ends.
    fn finish(mut self, buffer: &mut [u8], code: i32) -> i32 {
        while self.hear(buffer) {
            while self.journal.is_pressed() {
                std::thread::sleep(LOOK_EVERY);
            }
        }
        self.journal.finish();
        self.recorder.finish(LAST_STATE);
        code
    }
}

impl Going {
    fn recovery(child: Child) -> Self {
        Self { label: "recovery".to_owned(), job: None, child }
    }
}

/// As a shell counts.
fn exit_code(status: std::process::ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| exit::of_signal(status.signal().unwrap_or_default()))
}

/// The recorder says its trouble as runs do, through the pipe.
fn recorder(scene: &Scene) -> io::Result<Recorder> {
    let pipe = scene.handed.log_write.try_clone()?;
    let (secrets, wanted) = (scene.settings.secrets.clone(), scene.settings.schedules.catch_up);
    let mut pipe = std::fs::File::from(pipe);
    Ok(Recorder::new(scene.settings.paths.state.join(memory::FILE), move |line| {
        if wanted {
            // At once: others write to this pipe, too.
            let _ = pipe.write_all(format!("{}\n", secrets.mask(&line)).as_bytes());
        }
    }))
}
