//! Taking the lock file, and letting it go.

use super::Holder;
use crate::process::is_ignored;
use fs2::FileExt as _;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
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
        /// `create`, `open`, `lock`.
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
            Self::Held { .. } => "wait for it with --wait, or let that run finish".to_owned(),
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
const LARGEST: u64 = 512;
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
    let mut patience: Option<Patience> = None;
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
                    None => patience.insert(Patience::new().map_err(|source| system("wait for", path, source))?),
                };
                if let Some(signal) = patience.wait(TRY_EVERY) {
                    return Err(LockError::Interrupted { signal });
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(system("lock", path, source)),
        }
    }
}

fn system(action: &'static str, path: &Path, source: io::Error) -> LockError {
    LockError::System { action, path: path.to_owned(), source }
}

/// Opens without truncating and without following a link, and refuses what holds anything but a holder's line: a
/// mistyped path must not cost somebody a file.
fn open(path: &Path) -> Result<File, LockError> {
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
    if facts.len() > 0 && holder(&file).is_none() {
        return Err(foreign("it holds something else than a lock's holder"));
    }
    Ok(file)
}

fn still_there(path: &Path, file: &File) -> bool {
    match (fs::symlink_metadata(path), file.metadata()) {
        (Ok(named), Ok(open)) => (named.dev(), named.ino()) == (open.dev(), open.ino()),
        _ => false,
    }
}

fn holder(file: &File) -> Option<Holder> {
    let mut content = vec![0; LARGEST as usize];
    let count = file.read_at(&mut content, 0).ok()?;
    if file.metadata().is_ok_and(|facts| facts.len() > LARGEST) {
        return None;
    }
    Holder::parse(std::str::from_utf8(&content[..count]).ok()?)
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

/// Waits for a moment, or for a signal: the first process of a container would never hear one by its default action.
struct Patience {
    signals: SignalFd,
    before: SigSet,
}

impl Patience {
    fn new() -> io::Result<Self> {
        let mut heard = SigSet::empty();
        for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT] {
            if !is_ignored(signal) || signal != Signal::SIGHUP {
                heard.add(signal);
            }
        }
        let before = heard.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        Ok(Self { signals: SignalFd::with_flags(&heard, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?, before })
    }

    fn wait(&self, time: Duration) -> Option<Signal> {
        let mut fds = [PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        let _ = poll(&mut fds, PollTimeout::try_from(time).unwrap_or(PollTimeout::ZERO));
        let heard = self.signals.read_signal().ok().flatten()?;
        Signal::try_from(heard.ssi_signo as i32).ok()
    }
}

impl Drop for Patience {
    fn drop(&mut self) {
        let _ = self.before.thread_set_mask();
    }
}

impl Lock {
    /// Says in the file who holds it. A full disk costs only this line.
    pub fn say(&self, holder: &Holder) {
        let line = holder.line();
        if self.file.set_len(0).is_ok() && self.file.write_all_at(line.as_bytes(), 0).is_err() {
            let _ = self.file.set_len(0);
        }
    }

    /// Lets go: clears the line, then closes.
    pub fn release(self) {
        let _ = self.file.set_len(0);
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
    fn a_descriptor_of_another_file_is_not_taken_for_the_lock() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let other = acquire(&folder.path().join("other.lock"), Acquire::AtOnce, None).expect("is free");
        let path = folder.path().join("backup.lock");
        assert!(adopt(&path, other.number()).is_none());
        let lock = acquire(&path, Acquire::AtOnce, None).expect("is free");
        assert!(adopt(&path, lock.number()).is_some());
    }
}
