//! When to try again for a lock that somebody holds: when something changes around it, and now and then.

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::Duration;

/// The first pause after a change: the kernel tells of a closed file a moment before it lets the lock go.
const SHORTEST: Duration = Duration::from_millis(1);
/// The longest pause. What is missed (a file that was removed, say) costs no more than that.
const LONGEST: Duration = Duration::from_secs(10);
/// The same where the kernel tells nothing, since all watches are taken.
const LONGEST_BLIND: Duration = Duration::from_secs(1);
/// How much longer each pause without a change is than the one before.
const GROWTH: u32 = 4;

/// Changes around a lock.
pub(super) struct Watch {
    changes: Option<Inotify>,
    pause: Duration,
}

impl Watch {
    /// Watches a folder of tickets and the lock's file.
    pub fn new(folder: &Path, file: &Path) -> Self {
        let told = AddWatchFlags::IN_MODIFY
            | AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_DELETE_SELF;
        let changes = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)
            .ok()
            .filter(|changes| changes.add_watch(folder, told).is_ok() && changes.add_watch(file, told).is_ok());
        Self { changes, pause: SHORTEST }
    }

    /// Becomes readable at a change.
    pub fn news(&self) -> Option<BorrowedFd<'_>> {
        self.changes.as_ref().map(Inotify::as_fd)
    }

    /// How long to wait now.
    pub fn pause(&self) -> Duration {
        self.pause
    }

    /// Takes note of all changes so far; without one the next pause is longer.
    pub fn heard(&mut self) {
        let mut changed = false;
        while self.changes.as_ref().is_some_and(|changes| changes.read_events().is_ok_and(|events| !events.is_empty()))
        {
            changed = true;
        }
        let longest = if self.changes.is_some() { LONGEST } else { LONGEST_BLIND };
        self.pause = if changed { SHORTEST } else { (self.pause * GROWTH).min(longest) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_until_something_changes() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("lock");
        std::fs::write(&file, "").expect("can be written");
        let tickets = folder.path().join("tickets");
        std::fs::create_dir(&tickets).expect("can be made");
        let mut watch = Watch::new(&tickets, &file);
        assert!(watch.news().is_some());
        for _ in 0..12 {
            watch.heard();
        }
        assert_eq!(watch.pause(), LONGEST);
        std::fs::write(tickets.join("one"), "x").expect("can be written");
        watch.heard();
        assert_eq!(watch.pause(), SHORTEST);
        watch.heard();
        assert_eq!(watch.pause(), SHORTEST * GROWTH);
    }
}
