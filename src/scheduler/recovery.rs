//! What runs that were killed have left undone: `boathook hooks recover`, started at the boot, and when a run is killed.
//!
//! The scheduler only looks at names and locks. What is owed, and how it is done, is known to that command.

use super::handed::Handed;
use super::lines::Lines;
use super::start::ours;
use crate::exit;
use crate::process::{Launch, Stop, launch};
use crate::settings::Settings;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::read;
use std::ffi::OsString;
use std::fs::{self, OpenOptions, TryLockError};
use std::io::{self, PipeReader};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

/// How long a boot waits for it.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a boot looks whether it has ended, if nothing tells.
const TICK: Duration = Duration::from_millis(250);
/// How soon is looked again at a journal that is alive, at first and at last.
const FIRST_LOOK: Duration = Duration::from_millis(100);
const LAST_LOOK: Duration = Duration::from_secs(5);

/// The journals that runs have left, or those of one job: what `run::journal` calls `STATE_DIR/journal/<run id>.journal`.
pub(super) fn journals(state: &Path, job: Option<&str>) -> Vec<PathBuf> {
    let entries = fs::read_dir(state.join("journal")).into_iter().flatten().flatten();
    let is_wanted = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Some(run) = name.strip_suffix(".journal").filter(|run| !run.starts_with('.')) else { return false };
        let of = run.split_once('-').and_then(|(_, rest)| rest.rsplit_once('-')).map(|(job, _)| job);
        job.is_none() || of == job
    };
    entries.map(|entry| entry.path()).filter(is_wanted).collect()
}

/// How a journal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    Gone,
    /// Something of its run lives: that has it locked.
    Alive,
    /// Nothing does, or nobody can tell.
    Dead,
}

fn look(journal: &Path) -> Stands {
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(journal);
    match opened.map(|file| file.try_lock_shared()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Stands::Gone,
        Ok(Err(TryLockError::WouldBlock)) => Stands::Alive,
        _ => Stands::Dead,
    }
}

/// Journals of runs that were killed, until nothing of those lives.
#[derive(Debug, Default)]
pub(super) struct Watched(Vec<One>);

#[derive(Debug)]
struct One {
    journal: PathBuf,
    job: Option<&'static str>,
    at: Instant,
    pause: Duration,
}

impl Watched {
    /// Looks at these from now on. Their job, if all of them are of one.
    pub fn add(&mut self, journals: Vec<PathBuf>, job: Option<&'static str>) {
        for journal in journals {
            self.0.retain(|one| one.journal != journal);
            self.0.push(One { journal, job, at: Instant::now(), pause: FIRST_LOOK });
        }
    }

    /// When is to be looked next.
    pub fn look_at(&self) -> Option<Instant> {
        self.0.iter().map(|one| one.at).min()
    }

    /// The jobs of which a run is dead by now, each once; they are watched no more.
    pub fn take_dead(&mut self, now: Instant) -> Vec<Option<&'static str>> {
        let mut dead = Vec::new();
        self.0.retain_mut(|one| {
            if one.at > now {
                return true;
            }
            match look(&one.journal) {
                Stands::Gone => false,
                Stands::Dead => {
                    dead.push(one.job);
                    false
                }
                Stands::Alive => {
                    one.at = now + one.pause;
                    one.pause = (one.pause * 2).min(LAST_LOOK);
                    true
                }
            }
        });
        dead.sort_unstable();
        dead.dedup();
        dead
    }
}

/// Starts it, for all jobs or for one. The pipe ends when it does.
///
/// # Errors
/// When it cannot be started.
pub(super) fn start(settings: &Settings, job: Option<&str>, output: BorrowedFd<'_>) -> io::Result<(Child, PipeReader)> {
    let (over, keeps) = io::pipe()?;
    let mut args: Vec<OsString> = ["hooks", "recover"].map(OsString::from).to_vec();
    args.extend(job.map(|job| format!("--job={job}").into()));
    let launched = Launch {
        program: ours(Path::new("/bin/boathook")),
        name: "boathook".into(),
        args,
        environment: settings.environment.clone(),
        output,
        kept: keeps.as_fd(),
    };
    Ok((launch(&launched, || Ok(()))?, over))
}

/// What is said of one that has ended with this code; how it was, it has said itself.
pub(super) fn came(code: i32) -> Option<String> {
    match code {
        // Whoever has the lock does it first.
        exit::SUCCESS | exit::LOCKED => None,
        code => Some(format!(
            "❌ Not all that killed runs owe could be done (exit code {code}): see the lines above. `boathook doctor` shows \
             what is owed, `boathook hooks recover` tries again, and so does the next run."
        )),
    }
}

/// What is said of one that cannot be started.
pub(super) fn not_started(error: &io::Error) -> String {
    format!("❌ What killed runs owe is not done: `boathook hooks recover` could not be started ({error}).")
}

/// The pipe that runs write to, for the boot: nobody else reads it yet.
pub(super) struct Pipe {
    log: OwnedFd,
    log_write: OwnedFd,
}

impl Pipe {
    /// Shares what was handed to us.
    ///
    /// # Errors
    /// When the system has no descriptors left.
    pub fn of(handed: &Handed) -> io::Result<Self> {
        Ok(Self { log: handed.log.try_clone()?, log_write: handed.log_write.try_clone()? })
    }

    fn hear(&self, lines: &mut Lines, say: &mut dyn FnMut(&str)) {
        let mut buffer = [0; 8 * 1024];
        while let Ok(count @ 1..) = read(&self.log, &mut buffer) {
            lines.push(&buffer[..count], &mut |line| say(&String::from_utf8_lossy(line)));
        }
    }
}

/// Does what killed runs owe, and waits for it within bounds: gives the process if it goes on after that. Whatever comes of
/// it, the boot goes on.
pub(super) fn at_boot(settings: &Settings, stop: &Stop, pipe: &Pipe, say: &mut dyn FnMut(&str)) -> Option<Child> {
    if !journals(&settings.paths.state, None).iter().any(|journal| look(journal) == Stands::Dead) {
        return None;
    }
    say("🔄 A run was killed and has left something undone: that is done first.");
    let (mut child, over) = match start(settings, None, pipe.log_write.as_fd()) {
        Ok(started) => started,
        Err(error) => {
            say(&not_started(&error));
            return None;
        }
    };
    let until = Instant::now() + PATIENCE;
    let mut lines = Lines::default();
    loop {
        let ended = child.try_wait();
        // After that, so that its last words are there.
        pipe.hear(&mut lines, say);
        if !matches!(ended, Ok(None)) {
            lines.finish(&mut |line| say(&String::from_utf8_lossy(line)));
            let code = ended.ok().flatten().map(|status| status.code().unwrap_or(exit::FAILURE));
            if let Some(line) = code.and_then(came) {
                say(&line);
            }
            return None;
        }
        if stop.request().is_some() {
            return Some(child);
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            lines.finish(&mut |line| say(&String::from_utf8_lossy(line)));
            let seconds = PATIENCE.as_secs();
            say(&format!("⚠️ That takes longer than {seconds} s: it goes on beside the schedule."));
            return Some(child);
        }
        let mut fds = [pipe.log.as_fd(), over.as_fd(), stop.wake()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        let _ = poll(&mut fds, PollTimeout::try_from(left.min(TICK)).unwrap_or(PollTimeout::MAX));
        if fds[1].any().unwrap_or(false) {
            // Between the end of the pipe and that of its process lies a moment.
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn journals_are_found_by_their_job_and_half_made_ones_are_none() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(journals(folder.path(), None), Vec::<PathBuf>::new());
        fs::create_dir(folder.path().join("journal")).expect("is made");
        let make = |name: &str| fs::write(folder.path().join("journal").join(name), "").expect("is written");
        let (one, two) =
            ("20260511T073000Z-restore-test-0a1b2c3d.journal", "20260511T073000Z-restore-0a1b2c3d.journal");
        for name in [one, two, ".20260511T073000Z-check-0a1b2c3d.new", "20260511T073000Z-check-0a1b2c3d.forgotten"] {
            make(name);
        }
        assert_eq!(journals(folder.path(), None).len(), 2);
        assert_eq!(journals(folder.path(), Some("restore-test")), [folder.path().join("journal").join(one)]);
        assert_eq!(journals(folder.path(), Some("check")), Vec::<PathBuf>::new());
    }

    #[test]
    fn a_run_is_dead_once_its_journal_is_let_go_and_taken_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.journal");
        let file = File::create(&path).expect("is made");
        file.lock().expect("is locked");
        let mut watched = Watched::default();
        watched.add(vec![path.clone(), folder.path().join("gone")], Some("backup"));
        let now = Instant::now();
        assert_eq!(watched.take_dead(now), []);
        assert_eq!(watched.look_at(), Some(now + FIRST_LOOK));
        drop(file);
        assert_eq!(watched.take_dead(now), [], "it is not looked at all the time");
        assert_eq!(watched.take_dead(now + FIRST_LOOK), [Some("backup")]);
        assert_eq!((watched.take_dead(now + LAST_LOOK), watched.look_at()), (vec![], None));
    }

    #[test]
    fn only_what_is_still_owed_is_said_loudly() {
        assert_eq!((came(exit::SUCCESS), came(exit::LOCKED)), (None, None));
        assert!(came(exit::FAILURE).expect("is said").starts_with("❌ "));
    }
}
