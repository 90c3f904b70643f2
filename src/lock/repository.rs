//! The lock of a repository: what restic would turn away waits here instead, in order.
//!
//! The lock itself is an `flock` on `RUN_DIR/repository-<hash>.lock`, shared or not as restic's own is. Beside it lies
//! the folder `repository-<hash>.queue` with a ticket for each run that has the lock or waits for it.

use super::file::{open, still_there, system};
use super::patience::Patience;
use super::ticket::{Content, Seen, Standing, Ticket, look};
use super::watch::Watch;
use super::{Acquire, Holder, LockError, RepositoryLock, Turn};
use crate::process::Stop;
use chrono::Local;
use fs2::FileExt;
use nix::unistd::Pid;
use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A repository that runs of this container use.
#[derive(Debug, Clone)]
pub struct Repository {
    lock: PathBuf,
    queue: PathBuf,
    shown: String,
}

/// What a run wants.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// The name of its job.
    pub job: &'static str,
    /// What it takes.
    pub mode: RepositoryLock,
    /// Its place in the line.
    pub turn: Turn,
    /// Whether it waits.
    pub how: Acquire,
}

/// A held lock of a repository. Keeper and worker share it, and each of them can release it for both.
#[derive(Debug)]
pub struct RepositoryHold {
    repository: Repository,
    file: File,
    ticket: Ticket,
    wanted: Wanted,
    holder: Holder,
    /// The longest that a step waits to have it alone.
    step_wait: Option<Duration>,
    /// What was locked anew: the same open file, unless somebody removed the path meanwhile.
    anew: RefCell<Option<File>>,
    released: Cell<bool>,
}

impl Repository {
    /// The repository at a location, given as it is shown: a password in it says nothing about where it is, and the
    /// name of a file must not help anybody to guess it.
    pub fn new(run_dir: &Path, shown: &str) -> Self {
        let name = format!("repository-{}", repository_key(shown));
        let path = |kind: &str| run_dir.join(format!("{name}.{kind}"));
        Self { lock: path("lock"), queue: path("queue"), shown: shown.to_owned() }
    }

    /// The processes that were started for the runs that use it now.
    pub fn users(&self) -> Vec<Pid> {
        let has = |seen: &Seen| seen.content.as_ref().is_some_and(|content| content.standing == Standing::Has);
        let pid = |seen: &Seen| seen.content.as_ref().map(|content| Pid::from_raw(content.holder.pid));
        look(&self.queue, None).iter().filter(|seen| has(seen)).filter_map(pid).collect()
    }

    /// Takes the lock, or waits for it in the line. `waits` is called once if it does, with who is in the way: the
    /// ticket is drawn then.
    ///
    /// # Errors
    /// When others have it, a signal came, or the system refuses.
    pub fn take(&self, wanted: Wanted, waits: &mut dyn FnMut(&str)) -> Result<RepositoryHold, LockError> {
        let started = Instant::now();
        fs::create_dir_all(&self.queue).map_err(|source| system("create", &self.queue, source))?;
        let file = open(&self.lock)?;
        let content = |standing| Content {
            job: wanted.job.to_owned(),
            standing,
            mode: wanted.mode,
            holder: Holder::ourselves(""),
        };
        if self.attempt(&file, None, wanted.turn, wanted.mode)? {
            let ticket = Ticket::draw(&self.queue, wanted.turn, &content(Standing::Has))?;
            return Ok(self.held(file, ticket, wanted));
        }
        if wanted.how == Acquire::AtOnce {
            return Err(self.in_use(None, wanted.turn));
        }
        let patience = Patience::of_signals().map_err(|source| system("wait for", &self.lock, source))?;
        let ticket = Ticket::draw(&self.queue, wanted.turn, &content(Standing::Wants))?;
        waits(&self.describe(Some(&ticket), wanted.turn));
        match self.wait(file, &ticket, wanted, started, &patience) {
            Ok(file) => {
                ticket.say(&content(Standing::Has));
                Ok(self.held(file, ticket, wanted))
            }
            Err(error) => {
                ticket.tear_up();
                Err(error)
            }
        }
    }

    fn held(&self, file: File, ticket: Ticket, wanted: Wanted) -> RepositoryHold {
        RepositoryHold {
            repository: self.clone(),
            file,
            ticket,
            wanted,
            holder: Holder::ourselves(""),
            step_wait: None,
            anew: RefCell::new(None),
            released: Cell::new(false),
        }
    }

    /// Waits until the lock is ours. Gives the file that is locked: another one, if somebody removed the first.
    fn wait(
        &self,
        file: File,
        ticket: &Ticket,
        wanted: Wanted,
        started: Instant,
        patience: &Patience<'_>,
    ) -> Result<File, LockError> {
        let mut file = file;
        let mut watch = Watch::new(&self.queue, &self.lock);
        loop {
            if self.attempt(&file, Some(ticket), wanted.turn, wanted.mode)? {
                return Ok(file);
            }
            let left = match wanted.how {
                Acquire::AtOnce => Duration::ZERO,
                Acquire::Wait(limit) => limit.map_or(Duration::MAX, |limit| limit.saturating_sub(started.elapsed())),
            };
            if left.is_zero() {
                return Err(self.in_use(Some(ticket), wanted.turn));
            }
            if let Some(signal) = patience.wait(watch.pause().min(left), watch.news()) {
                return Err(LockError::Interrupted { signal });
            }
            watch.heard();
            if !still_there(&self.lock, &file) {
                file = open(&self.lock)?;
                watch = Watch::new(&self.queue, &self.lock);
            }
        }
    }

    /// Tries once: nobody who goes before us may be waiting, and the lock must be free for this mode.
    fn attempt(&self, file: &File, own: Option<&Ticket>, turn: Turn, mode: RepositoryLock) -> Result<bool, LockError> {
        if look(&self.queue, own).iter().any(|seen| seen.goes_before(turn, mode)) {
            return Ok(false);
        }
        let locked = match mode {
            RepositoryLock::Shared => FileExt::try_lock_shared(file),
            _ => FileExt::try_lock_exclusive(file),
        };
        match locked {
            Ok(()) if still_there(&self.lock, file) => Ok(true),
            Ok(()) => {
                let _ = FileExt::unlock(file);
                Ok(false)
            }
            Err(error) if error.raw_os_error() == fs2::lock_contended_error().raw_os_error() => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            Err(source) => Err(system("lock", &self.lock, source)),
        }
    }

    fn in_use(&self, own: Option<&Ticket>, turn: Turn) -> LockError {
        LockError::InUse { what: self.describe(own, turn) }
    }

    /// `repository /srv/restic is held by backup, run … (pid 4711) since …`.
    fn describe(&self, own: Option<&Ticket>, turn: Turn) -> String {
        let seen = look(&self.queue, own);
        let of = |standing| {
            let contents = seen.iter().filter_map(move |one| Some((one.turn, one.content.as_ref()?)));
            contents.filter(move |(_, content)| content.standing == standing)
        };
        let holders: Vec<_> = of(Standing::Has).map(|(_, content)| content).collect();
        let ahead: Vec<_> =
            of(Standing::Wants).filter(|(other, _)| *other < turn).map(|(_, content)| content).collect();
        let mut text = format!("repository {} is ", self.shown);
        let (how, who) = if holders.is_empty() { ("waited for", &ahead) } else { ("held", &holders) };
        match who.split_first() {
            None => text.push_str("held by another run"),
            Some((first, others)) => {
                let _ = write!(text, "{how} by {}, {}", first.job, first.holder);
                if !others.is_empty() {
                    let _ = write!(text, " and {} more", others.len());
                }
            }
        }
        text
    }
}

impl RepositoryHold {
    /// Says whose it is, once the run has a name.
    pub fn say(&mut self, run: &str) {
        run.clone_into(&mut self.holder.run);
        self.say_that(Standing::Has, self.wanted.mode);
    }

    /// The holder stays the process that took it: it outlives its worker.
    fn say_that(&self, standing: Standing, mode: RepositoryLock) {
        let holder = Holder { since: Local::now(), ..self.holder.clone() };
        self.ticket.say(&Content { job: self.wanted.job.to_owned(), standing, mode, holder });
    }

    /// Has a step that needs it alone wait for at most so long, however long the run may wait.
    pub fn limit_step_wait(&mut self, limit: Duration) {
        self.step_wait = Some(limit);
    }

    /// Lets others have it while a person is asked, for every process that shares it. [`RepositoryHold::take_back`]
    /// ends that.
    pub fn lend(&self) {
        let _ = FileExt::unlock(&self.file);
        // Those who wait hear of this: the lock must be free by then.
        self.say_that(Standing::Later, self.wanted.mode);
    }

    /// Takes what was lent, waiting as the run may wait, in the place in the line that it had. `waits` is called once if
    /// it has to wait.
    ///
    /// # Errors
    /// As [`RepositoryHold::convert`].
    pub fn take_back(&self, stop: &Stop, waits: &mut dyn FnMut(&str)) -> Result<(), LockError> {
        self.change(self.wanted, stop, waits)
    }

    /// Gives back what we have and takes the repository for us alone, waiting as the run may wait. It keeps its place in
    /// the line: what belongs to a run comes before the next run. `waits` is called once if it has to wait.
    ///
    /// # Errors
    /// When others have it, a stop was asked for, or the system refuses; nothing is held any more then.
    pub fn convert(&self, stop: &Stop, waits: &mut dyn FnMut(&str)) -> Result<(), LockError> {
        let how = match (self.wanted.how, self.step_wait) {
            (Acquire::Wait(limit), Some(most)) => Acquire::Wait(Some(limit.map_or(most, |limit| limit.min(most)))),
            (how, _) => how,
        };
        self.change(Wanted { mode: RepositoryLock::Exclusive, how, ..self.wanted }, stop, waits)
    }

    fn change(&self, wanted: Wanted, stop: &Stop, waits: &mut dyn FnMut(&str)) -> Result<(), LockError> {
        let changed = self.take_anew(wanted, stop, waits);
        match &changed {
            Ok(()) => self.say_that(Standing::Has, wanted.mode),
            Err(_) => self.release(),
        }
        changed
    }

    fn take_anew(&self, wanted: Wanted, stop: &Stop, waits: &mut dyn FnMut(&str)) -> Result<(), LockError> {
        let repository = &self.repository;
        let started = Instant::now();
        let (own, turn) = (Some(&self.ticket), wanted.turn);
        if repository.attempt(&self.file, own, turn, wanted.mode)? {
            return Ok(());
        }
        // The kernel has let go of what we had, unless it was not even asked.
        let _ = FileExt::unlock(&self.file);
        if wanted.how == Acquire::AtOnce {
            return Err(repository.in_use(own, turn));
        }
        self.say_that(Standing::Wants, wanted.mode);
        waits(&repository.describe(own, turn));
        // The open file that the keeper has, too.
        let ours = self.file.try_clone().map_err(|source| system("lock", &repository.lock, source))?;
        let locked = repository.wait(ours, &self.ticket, wanted, started, &Patience::Stop(stop))?;
        self.anew.replace(Some(locked));
        Ok(())
    }

    /// The file that stands for it in the line: gone once it is let go.
    pub fn ticket(&self) -> PathBuf {
        self.ticket.path().to_owned()
    }

    /// Lets go, for every process that shares it. A second time it does nothing.
    pub fn release(&self) {
        self.let_go(Ticket::tear_up);
    }

    /// As [`RepositoryHold::release`], but waits for no file: the one that says so may lie on a file system that is
    /// frozen until an undo that comes after this. Not for a process that is to fork.
    pub fn release_at_once(&self) {
        self.let_go(Ticket::tear_up_beside);
    }

    fn let_go(&self, tear_up: fn(&Ticket)) {
        if self.released.replace(true) {
            return;
        }
        let _ = FileExt::unlock(&self.file);
        if let Some(anew) = self.anew.take() {
            let _ = FileExt::unlock(&anew);
        }
        // Those who wait hear of this: the lock must be free by then.
        tear_up(&self.ticket);
    }
}

/// What names a repository in files of ours, given as it is shown: 16 digits that tell nothing of it.
pub fn repository_key(shown: &str) -> String {
    format!("{:016x}", hash(place_of(shown)))
}

/// Two ways to write a folder are one place.
fn place_of(shown: &str) -> &str {
    let path = shown.trim();
    let path = path.strip_prefix("local:").unwrap_or(path);
    let short = path.trim_end_matches('/');
    if short.is_empty() { path } else { short }
}

/// FNV-1a: the same in every build, so that an old and a new program meet at one file.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_told_by_where_it_is() {
        let of = |shown: &str| Repository::new(Path::new("/run"), shown).lock;
        assert_eq!(of("/srv/r"), of("/srv/r/"));
        assert_eq!(of("/srv/r"), of(" local:/srv/r"));
        assert_ne!(of("/srv/r"), of("/srv/r2"));
        assert_eq!(hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(of("/"), Path::new("/run/repository-af63a24c860189fe.lock"));
    }

    #[test]
    fn what_was_released_is_free_at_once() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let repository = Repository::new(folder.path(), "/srv/r");
        let wanted = |mode| Wanted { job: "check", mode, turn: Turn::new(1, 1), how: Acquire::AtOnce };
        let waits = &mut |_: &str| panic!("does not wait");
        let one = repository.take(wanted(RepositoryLock::Shared), waits).expect("is free");
        let two = repository.take(wanted(RepositoryLock::Shared), waits).expect("is shared");
        assert_eq!(repository.users(), [nix::unistd::getpid(); 2]);
        assert!(matches!(repository.take(wanted(RepositoryLock::Exclusive), waits), Err(LockError::InUse { .. })));
        one.release();
        two.release();
        two.release();
        let alone = repository.take(wanted(RepositoryLock::Exclusive), waits).expect("is free");
        drop(alone);
        assert!(repository.users().is_empty(), "a dropped one is as good as released");
    }

    #[test]
    fn what_is_lent_is_free_and_taken_back_in_its_old_place() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let repository = Repository::new(folder.path(), "/srv/r");
        let wanted = |mode| Wanted { job: "restore", mode, turn: Turn::new(1, 1), how: Acquire::AtOnce };
        let waits = &mut |_: &str| panic!("does not wait");
        let stop = Stop::new().expect("there is room");
        let lent = repository.take(wanted(RepositoryLock::Shared), waits).expect("is free");
        lent.lend();
        assert!(repository.users().is_empty());
        let alone = repository.take(wanted(RepositoryLock::Exclusive), waits).expect("is lent");
        alone.release();
        lent.take_back(&stop, waits).expect("is free");
        assert_eq!(repository.users().len(), 1);
        assert!(matches!(repository.take(wanted(RepositoryLock::Exclusive), waits), Err(LockError::InUse { .. })));
        lent.lend();
        let alone = repository.take(wanted(RepositoryLock::Exclusive), waits).expect("is lent");
        assert!(matches!(lent.take_back(&stop, waits), Err(LockError::InUse { .. })));
        alone.release();
    }

    #[test]
    fn a_step_waits_no_longer_than_its_limit() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let repository = Repository::new(folder.path(), "/srv/r");
        let how = Acquire::Wait(Some(Duration::from_secs(3600)));
        let wanted = Wanted { job: "backup", mode: RepositoryLock::Shared, turn: Turn::new(1, 1), how };
        let other = repository.take(wanted, &mut |_| {}).expect("is free");
        let mut hold = repository.take(wanted, &mut |_| {}).expect("is shared");
        hold.limit_step_wait(Duration::from_millis(50));
        let stop = Stop::new().expect("there is room");
        assert!(matches!(hold.convert(&stop, &mut |_| {}), Err(LockError::InUse { .. })));
        other.release();
    }
}
