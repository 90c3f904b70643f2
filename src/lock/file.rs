//! Taking the lock file, and letting it go.

use super::Holder;
use super::patience::Patience;
use fs2::FileExt as _;
use nix::sys::signal::Signal;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::fs::{FileExt as _, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A held lock. Dropping it lets go as soon as no other process shares the open file; [`Lock::release`] also says in
/// the file that nobody holds it.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

/// How to meet a lock that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acquire {
    /// Fail at once.
    AtOnce,
    /// Wait for it, up to this time; `None` is without end.
    Wait(Option<Duration>),
}

/// Why a lock is not ours.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another run holds it.
    #[error("{} is held{}", path.display(), holder.as_ref().map(|holder| format!(" by {holder}")).unwrap_or_default())]
    Held {
        /// The lock file.
        path: PathBuf,
        /// Who, as far as the file says.
        holder: Option<Holder>,
    },
    /// Other runs use the repository, or wait for it and go first.
    #[error("{what}")]
    InUse {
        /// Which repository, and who they are.
        what: String,
    },
    /// The path leads to something that is no lock file of ours.
    #[error("{} is no lock file: {what}", path.display())]
    Foreign {
        /// The path.
        path: PathBuf,
        /// What it is instead.
        what: String,
    },
    /// A signal came while waiting.
    #[error("ended by {signal} while waiting for the lock")]
    Interrupted {
        /// The signal.
        signal: Signal,
    },
    /// The system refuses.
    #[error("cannot {action} {}: {source}", path.display())]
    System {
        /// `create`, `open`, `read`, `lock`.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl LockError {
    /// How to mend it.
    pub fn hint(&self) -> String {
        match self {
            Self::Held { .. } | Self::InUse { .. } => "wait for it with --wait, or let that run finish".to_owned(),
            Self::Interrupted { .. } => "call it again".to_owned(),
            Self::Foreign { .. } => "choose another path, or move that file away".to_owned(),
            Self::System { source, .. } if source.raw_os_error() == Some(libc::ENOLCK) => {
                "its file system does not support flock: point RUN_DIR at one that does (a tmpfs)".to_owned()
            }
            Self::System { path, .. } => format!(
                "make {} a folder that this user may write, or set RUN_DIR",
                path.parent().unwrap_or(Path::new("/")).display()
            ),
        }
    }
}

/// The longest content that can be a holder's line.
pub(super) const LARGEST: u64 = 512;
/// How often a held lock is tried again while waiting for it.
const TRY_EVERY: Duration = Duration::from_millis(50);

/// Takes the lock at `path`. `inherited` is a descriptor that `locked_run` may have handed down: it counts only if it
/// is the same file and locking it again succeeds.
///
/// # Errors
/// When it is held, is no lock file, or the system refuses.
pub fn acquire(path: &Path, how: Acquire, inherited: Option<i32>) -> Result<Lock, LockError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|source| system("create", parent, source))?;
    }
    if let Some(lock) = inherited.and_then(|fd| adopt(path, fd)) {
        return Ok(lock);
    }
    let started = Instant::now();
    let mut patience: Option<Patience<'_>> = None;
    loop {
        let file = open(path)?;
        match file.try_lock_exclusive() {
            Ok(()) if still_there(path, &file) => return Ok(Lock { file }),
            // Somebody removed the file while we opened it: the lock that others will take is another one.
            Ok(()) => {}
            Err(error) if error.raw_os_error() == fs2::lock_contended_error().raw_os_error() => {
                let in_time = match how {
                    Acquire::AtOnce => false,
                    Acquire::Wait(limit) => limit.is_none_or(|limit| started.elapsed() < limit),
                };
                if !in_time {
                    return Err(LockError::Held { path: path.to_owned(), holder: holder(&file) });
                }
                let patience = match &patience {
                    Some(patience) => patience,
                    None => patience.insert(Patience::of_signals().map_err(|source| system("wait for", path, source))?),
                };
                if let Some(signal) = patience.wait(TRY_EVERY, None) {
                    return Err(LockError::Interrupted { signal });
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(system("lock", path, source)),
        }
    }
}

pub(super) fn system(action: &'static str, path: &Path, source: io::Error) -> LockError {
    LockError::System { action, path: path.to_owned(), source }
}

/// Opens without truncating and without following a link, and refuses what holds anything but a holder's line: a
/// mistyped path must not cost somebody a file.
pub(super) fn open(path: &Path) -> Result<File, LockError> {
    let foreign = |what: &str| LockError::Foreign { path: path.to_owned(), what: what.to_owned() };
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o644)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
        .map_err(|error| match error.raw_os_error() {
            Some(libc::ELOOP) => foreign("it is a symbolic link"),
            Some(libc::EISDIR) => foreign("it is a folder"),
            Some(libc::ENXIO) => foreign("it is a pipe or a device"),
            _ => system("open", path, error),
        })?;
    let facts = file.metadata().map_err(|error| system("open", path, error))?;
    if !facts.is_file() {
        return Err(foreign("it is a pipe or a device"));
    }
    // A holder may write its line, or clear it, at any moment: only what is the same twice is somebody else's.
    let mut before = None;
    loop {
        let content = content(&file).map_err(|error| system("read", path, error))?;
        if content.is_empty() || parse(&content).is_some() {
            return Ok(file);
        }
        if before.as_ref() == Some(&content) {
            return Err(foreign("it holds something else than a lock's holder"));
        }
        before = Some(content);
    }
}

pub(super) fn still_there(path: &Path, file: &File) -> bool {
    match (fs::symlink_metadata(path), file.metadata()) {
        (Ok(named), Ok(open)) => (named.dev(), named.ino()) == (open.dev(), open.ino()),
        _ => false,
    }
}

fn holder(file: &File) -> Option<Holder> {
    parse(&content(file).ok()?)
}

/// What a lock file holds, and of a longer one its beginning. Read in one step: what is judged is what was there at one
/// moment.
fn content(file: &File) -> io::Result<Vec<u8>> {
    let mut content = vec![0; LARGEST as usize + 1];
    let count = file.read_at(&mut content, 0)?;
    content.truncate(count);
    Ok(content)
}

fn parse(content: &[u8]) -> Option<Holder> {
    let line = std::str::from_utf8(content).ok().filter(|line| line.len() as u64 <= LARGEST)?;
    Holder::parse(line)
}

fn adopt(path: &Path, fd: i32) -> Option<Lock> {
    if fd < 3 {
        return None;
    }
    // SAFETY: only asks the kernel whether the number is open.
    if unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
        return None;
    }
    // SAFETY: it is open, and is duplicated before anybody could close it: this process has one thread so far.
    let ours = unsafe { BorrowedFd::borrow_raw(fd) }.try_clone_to_owned().ok()?;
    let file = File::from(ours);
    if !still_there(path, &file) || file.try_lock_exclusive().is_err() {
        return None;
    }
    // The number that was handed down must not go on to hooks and engines.
    // SAFETY: marks a number that is known to be open.
    unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    Some(Lock { file })
}

impl Lock {
    /// Says in the file who holds it. A full disk costs only this line.
    pub fn say(&self, holder: &Holder) {
        let line = holder.line();
        if self.file.set_len(0).is_ok() && self.file.write_all_at(line.as_bytes(), 0).is_err() {
            let _ = self.file.set_len(0);
        }
    }

    /// Lets go: clears the line, unlocks, closes.
    pub fn release(self) {
        let _ = self.file.set_len(0);
        // Also where a process that hangs in the kernel shares the open file.
        let _ = fs2::FileExt::unlock(&self.file);
    }

    /// Lets go while others share it: a fault that is put in on purpose.
    pub fn let_go_early(&self) {
        let _ = fs2::FileExt::unlock(&self.file);
    }

    /// The descriptor's number, for a program that is to inherit it.
    pub fn number(&self) -> i32 {
        self.file.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_names_its_holder() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("deep/backup.lock");
        let lock = acquire(&path, Acquire::AtOnce, None).expect("is free");
        lock.say(&Holder::ourselves("run-1"));
        match acquire(&path, Acquire::AtOnce, None) {
            Err(LockError::Held { holder: Some(holder), .. }) => assert_eq!(holder.run, "run-1"),
            other => panic!("not held: {other:?}"),
        }
        lock.release();
        assert_eq!(fs::read(&path).expect("stays"), b"");
        acquire(&path, Acquire::AtOnce, None).expect("is free again");
    }

    #[test]
    fn a_file_that_is_no_lock_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("notes.txt");
        fs::write(&path, "dear diary").expect("can be written");
        assert!(matches!(acquire(&path, Acquire::AtOnce, None), Err(LockError::Foreign { .. })));
        assert_eq!(fs::read(&path).expect("is there"), b"dear diary");
        let link = folder.path().join("link.lock");
        std::os::unix::fs::symlink(&path, &link).expect("can be linked");
        assert!(matches!(acquire(&link, Acquire::AtOnce, None), Err(LockError::Foreign { .. })));
    }

    #[test]
    fn a_holder_that_writes_and_clears_its_line_is_never_a_foreign_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("backup.lock");
        let lock = acquire(&path, Acquire::AtOnce, None).expect("is free");
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let holder = Holder::ourselves("run-1");
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    lock.say(&holder);
                    let _ = lock.file.set_len(0);
                }
            });
            let met: Vec<String> =
                (0..50_000).filter_map(|_| open(&path).err()).map(|error| error.to_string()).collect();
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            assert_eq!(met, [""; 0]);
        });
    }

    #[test]
    fn a_descriptor_of_another_file_is_not_taken_for_the_lock() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let other = acquire(&folder.path().join("other.lock"), Acquire::AtOnce, None).expect("is free");
        let path = folder.path().join("backup.lock");
        assert!(adopt(&path, other.number()).is_none());
        let lock = acquire(&path, Acquire::AtOnce, None).expect("is free");
        assert!(adopt(&path, lock.number()).is_some());
    }
}
