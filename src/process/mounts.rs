//! What is mounted where, and how it is taken away.

use super::{Ending, Exit, Spec, Stop, name_of, run};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::mount::{MntFlags, umount2};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::unistd::{Pid, pipe2};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

const LIST: &str = "/proc/self/mountinfo";
/// Where `fusermount` may lie: whoever clears away may have no environment.
const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The longest that `fusermount -u -z` may take: it waits for nothing.
const FUSERMOUNT_LIMIT: Duration = Duration::from_secs(5);
/// More mounts upon each other than anybody makes: what cannot be taken away must not be tried for ever.
const STACKED: usize = 16;

/// One mount as the kernel lists it (proc(5): mountinfo).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Where.
    pub point: PathBuf,
    /// The type of its file system: `ext4`, `fuse`, `fuse.sshfs`.
    pub kind: String,
    /// What is mounted there, as it calls itself: `restic`.
    pub source: String,
}

impl Mount {
    /// Whether a process serves it.
    pub fn is_fuse(&self) -> bool {
        self.kind == "fuse" || self.kind.starts_with("fuse.")
    }
}

/// All mounts that this process sees; what is mounted later stands later.
///
/// # Errors
/// When there is no `/proc`.
pub fn mounts() -> io::Result<Vec<Mount>> {
    Ok(parse(&fs::read(LIST)?))
}

fn parse(list: &[u8]) -> Vec<Mount> {
    let line = |line: &[u8]| {
        let fields: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
        // How many optional fields there are, differs; a lone dash ends them.
        let dash = fields.iter().skip(6).position(|field| *field == b"-")? + 6;
        let text = |field: &[u8]| String::from_utf8_lossy(&unescaped(field)).into_owned();
        Some(Mount {
            point: OsString::from_vec(unescaped(fields.get(4)?)).into(),
            kind: text(fields.get(dash + 1)?),
            source: text(fields.get(dash + 2)?),
        })
    };
    list.split(|byte| *byte == b'\n').filter_map(line).collect()
}

/// Blanks and the like are written as `\040`.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, tail @ ..] = rest {
        let digits = tail.get(..3).filter(|digits| *first == b'\\' && digits.iter().all(|c| (b'0'..=b'7').contains(c)));
        if let Some(digits) = digits {
            plain.push(digits.iter().fold(0, |byte: u8, digit| byte.wrapping_mul(8).wrapping_add(digit - b'0')));
            rest = &tail[3..];
        } else {
            plain.push(*first);
            rest = tail;
        }
    }
    plain
}

/// What is seen at this very place, if something is mounted there: the last of those upon each other.
pub fn top_at(point: &Path) -> Option<Mount> {
    mounts().ok()?.into_iter().rfind(|mount| mount.point == point)
}

/// How a mount went away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmounted {
    /// It was not there any more.
    Before,
    /// Nobody used it.
    Plainly,
    /// Somebody uses it: it is gone from the tree of folders, and goes away when they let go of it.
    Lazily,
}

/// Takes away what processes serve at this place, dead or alive. Anything else that is mounted there stays. `point` has
/// no links in it.
///
/// # Errors
/// When it is still there.
pub fn unmount(point: &Path) -> io::Result<Unmounted> {
    let mut how = Unmounted::Before;
    for _ in 0..STACKED {
        if !top_at(point).is_some_and(|mount| mount.is_fuse()) {
            return Ok(how);
        }
        match take_away(point, false) {
            Ok(()) => how = if how == Unmounted::Lazily { how } else { Unmounted::Plainly },
            Err(_) => match take_away(point, true) {
                Ok(()) => how = Unmounted::Lazily,
                // Whoever serves it may have taken it away meanwhile.
                Err(error) if top_at(point).is_some_and(|mount| mount.is_fuse()) => return Err(error),
                Err(_) => {}
            },
        }
    }
    Err(io::Error::other("it is mounted again and again"))
}

fn take_away(point: &Path, lazily: bool) -> io::Result<()> {
    let flags = if lazily { MntFlags::MNT_DETACH } else { MntFlags::empty() };
    match umount2(point, flags | MntFlags::UMOUNT_NOFOLLOW) {
        // Users other than root may only by the program that has mounted it.
        Err(Errno::EPERM) => by_fusermount(point, lazily),
        other => Ok(other?),
    }
}

fn by_fusermount(point: &Path, lazily: bool) -> io::Result<()> {
    let stop = Stop::new()?;
    let ending = Ending { signal: Signal::SIGTERM, grace: &|_| Duration::ZERO, limit: Some(FUSERMOUNT_LIMIT) };
    let mut last = io::Error::from_raw_os_error(libc::EPERM);
    for program in ["fusermount3", "fusermount"] {
        let mut args: Vec<OsString> = vec!["-u".into()];
        args.extend(lazily.then(|| "-z".into()));
        args.extend(["--".into(), point.as_os_str().to_owned()]);
        let environment = [("PATH", SYSTEM_PATH)].into_iter().collect();
        let spec = Spec { program: program.into(), args, environment, directory: None, dies_with_us: None };
        match run(&spec, &stop, &ending, &mut |_| {}) {
            Ok(Exit::Code(0)) => return Ok(()),
            Ok(_) => last = io::Error::other(format!("{program} could not unmount it")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Who is somewhere below this place, or has something open there, as far as can be seen: number and name.
pub fn users_of(point: &Path) -> Vec<(Pid, String)> {
    let is_below = |link: PathBuf| fs::read_link(link).is_ok_and(|to| to.starts_with(point));
    let uses = |process: &Path| {
        ["cwd", "root"].iter().any(|name| is_below(process.join(name)))
            || fs::read_dir(process.join("fd")).is_ok_and(|open| open.flatten().any(|entry| is_below(entry.path())))
    };
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| Some((Pid::from_raw(entry.file_name().to_str()?.parse().ok()?), entry.path())))
        .filter(|(_, process)| uses(process))
        .map(|(pid, _)| (pid, name_of(pid)))
        .collect()
}

/// Notices that something is mounted at a place, from a thread of its own that the kernel wakes; it ends with this value.
#[derive(Debug)]
pub struct Watch {
    seen: Arc<AtomicBool>,
    end: Option<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Begins to watch for what a process serves at `point`.
    ///
    /// # Errors
    /// When descriptors or threads run out, or there is no `/proc`.
    pub fn begin(point: &Path) -> io::Result<Self> {
        // Opened before the first look: what changes in between is told.
        let list = fs::File::open(LIST)?;
        let (ended, end) = pipe2(OFlag::O_CLOEXEC)?;
        let seen = Arc::new(AtomicBool::new(false));
        let (told, point) = (Arc::clone(&seen), point.to_owned());
        let thread = std::thread::Builder::new().name("mount".into()).spawn(move || {
            while !top_at(&point).is_some_and(|mount| mount.is_fuse()) {
                let change = PollFd::new(list.as_fd(), PollFlags::POLLPRI);
                let mut fds = [change, PollFd::new(ended.as_fd(), PollFlags::POLLIN)];
                let polled = poll(&mut fds, PollTimeout::NONE);
                let is_over = fds[1].revents().is_some_and(|events| !events.is_empty());
                if is_over || matches!(polled, Err(error) if error != Errno::EINTR) {
                    return;
                }
            }
            told.store(true, Ordering::SeqCst);
        })?;
        Ok(Self { seen, end: Some(end), thread: Some(thread) })
    }

    /// Whether it has been there.
    pub fn has_seen(&self) -> bool {
        self.seen.load(Ordering::SeqCst)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_read_with_its_escapes_and_optional_fields() {
        let list = b"36 35 0:43 / / rw shared:1 master:2 - overlay overlay rw\n\
            43 27 0:39 / /mnt/a\\040b\\134c ro,nosuid - fuse restic ro,user_id=0\n\
            44 43 0:40 / /x rw - fuse.sshfs me@there:/ rw\nnonsense\n";
        let found = parse(list);
        let mount = |point: &str, kind: &str, source: &str| Mount {
            point: point.into(),
            kind: kind.to_owned(),
            source: source.to_owned(),
        };
        assert_eq!(
            found,
            [
                mount("/", "overlay", "overlay"),
                mount("/mnt/a b\\c", "fuse", "restic"),
                mount("/x", "fuse.sshfs", "me@there:/")
            ]
        );
        assert_eq!(found.iter().map(Mount::is_fuse).collect::<Vec<_>>(), [false, true, true]);
        assert!(!mount("/x", "fuseblk", "/dev/sda1").is_fuse());
    }

    #[test]
    fn what_nobody_serves_is_left_alone() {
        assert_eq!(unmount(Path::new("/proc")).expect("is no matter"), Unmounted::Before);
        assert!(top_at(Path::new("/proc")).is_some());
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert_eq!(unmount(folder.path()).expect("is no matter"), Unmounted::Before);
    }

    #[test]
    fn who_has_something_open_is_found() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().canonicalize().expect("is there");
        assert_eq!(users_of(&path), []);
        let _open = fs::File::create(path.join("file")).expect("is written");
        assert_eq!(users_of(&path)[0].0, nix::unistd::getpid());
    }

    #[test]
    fn a_watch_that_sees_nothing_ends() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let watch = Watch::begin(folder.path()).expect("descriptors are there");
        assert!(!watch.has_seen());
    }
}
