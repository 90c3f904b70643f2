//! Tickets: who uses a repository, who waits for it, and in which order.
//!
//! A ticket is a file in a folder beside the lock. Its name is its place in the line; the line in it says what its
//! owner has or wants. Its owner holds it by `flock` for as long as it lives, so that a ticket whose owner was killed
//! is known for one, and cleared by whoever meets it.

use super::file::{LARGEST, still_there};
use super::{Holder, LockError, RepositoryLock};
use fs2::FileExt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// What places a run in the line: when it was due, its job's place in the crontab, and when it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn {
    /// Seconds since 1970.
    pub due: u64,
    /// The place of its job among those of the same minute.
    pub place: usize,
    /// Nanoseconds since the system's start.
    arrived: u64,
}

impl Turn {
    /// For a run that has come just now.
    pub fn new(due: u64, place: usize) -> Self {
        Self { due, place, arrived: since_start() }
    }

    /// As the name of a file; names sort as turns do.
    fn name(self) -> String {
        format!("{:020}.{:03}.{:020}.{}", self.due, self.place, self.arrived, std::process::id())
    }

    fn parse(name: &str) -> Option<Self> {
        let mut parts = name.split('.');
        let due = parts.next()?.parse().ok()?;
        let place = parts.next()?.parse().ok()?;
        Some(Self { due, place, arrived: parts.next()?.parse().ok()? })
    }
}

fn since_start() -> u64 {
    let clock = nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME);
    clock.map_or(0, |time| time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64)
}

/// What the owner of a ticket does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It uses the repository.
    Has,
    /// It waits for it.
    Wants,
    /// It will want it, and is in nobody's way until then.
    Later,
}

/// What a ticket says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Content {
    pub job: String,
    pub standing: Standing,
    pub mode: RepositoryLock,
    pub holder: Holder,
}

impl Content {
    fn line(&self) -> String {
        let standing = match self.standing {
            Standing::Has => "has",
            Standing::Wants => "wants",
            Standing::Later => "later",
        };
        format!("{} {standing}={} {}", self.job, self.mode.word(), self.holder.line())
    }

    fn parse(line: &str) -> Option<Self> {
        let (job, rest) = line.split_once(' ')?;
        let (state, rest) = rest.split_once(' ')?;
        let (standing, mode) = state.split_once('=')?;
        let standing = match standing {
            "has" => Standing::Has,
            "wants" => Standing::Wants,
            "later" => Standing::Later,
            _ => return None,
        };
        let (mode, holder) = (RepositoryLock::parse(mode)?, Holder::parse(rest)?);
        Some(Self { job: job.to_owned(), standing, mode, holder })
    }
}

/// A ticket of ours. Keeper and worker share it.
#[derive(Debug)]
pub(super) struct Ticket {
    file: File,
    path: PathBuf,
}

impl Ticket {
    /// Draws a ticket.
    pub fn draw(folder: &Path, turn: Turn, content: &Content) -> Result<Self, LockError> {
        let mut turn = turn;
        loop {
            let path = folder.join(turn.name());
            let system = |source| LockError::System { action: "create", path: path.clone(), source };
            match OpenOptions::new().read(true).write(true).create_new(true).mode(0o644).open(&path) {
                Ok(file) => {
                    let ticket = Self { file, path: path.clone() };
                    ticket.say(content);
                    // Who met it before it was locked has taken it for one of the dead.
                    if ticket.file.try_lock_exclusive().is_ok() && still_there(&path, &ticket.file) {
                        return Ok(ticket);
                    }
                    ticket.tear_up();
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                // The folder was removed since it was made.
                Err(error) if error.kind() == io::ErrorKind::NotFound => fs::create_dir_all(folder).map_err(system)?,
                Err(error) => return Err(system(error)),
            }
            turn.arrived += 1;
        }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes down what is so now. A full disk costs only this line: a ticket that cannot be read is taken for one
    /// that wants all.
    pub fn say(&self, content: &Content) {
        let line = content.line();
        if self.file.write_all_at(line.as_bytes(), 0).is_ok() {
            let _ = self.file.set_len(line.len() as u64);
        }
    }

    /// The owner is done.
    pub fn tear_up(&self) {
        let _ = fs::remove_file(&self.path);
    }

    /// As [`Ticket::tear_up`], by a thread that nobody waits for. If there is none left, others clear it when we are
    /// dead.
    pub fn tear_up_beside(&self) {
        let path = self.path.clone();
        let _ = std::thread::Builder::new().name("ticket".into()).spawn(move || fs::remove_file(path));
    }
}

/// A ticket of somebody who lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub turn: Turn,
    /// `None` if it cannot be read.
    pub content: Option<Content>,
}

impl Seen {
    /// Whether a run of this mode and turn must let the owner of this ticket go first.
    pub fn goes_before(&self, turn: Turn, mode: RepositoryLock) -> bool {
        self.turn < turn
            && self
                .content
                .as_ref()
                .is_none_or(|content| content.standing == Standing::Wants && !content.mode.goes_with(mode))
    }
}

/// Every ticket whose owner lives, but for `own`, in order. Those of the dead are cleared.
pub(super) fn look(folder: &Path, own: Option<&Ticket>) -> Vec<Seen> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut seen: Vec<Seen> = entries
        .filter_map(|entry| {
            let path = entry.path();
            let turn = Turn::parse(entry.file_name().to_str()?)?;
            if own.is_some_and(|own| own.path == path) {
                return None;
            }
            let file =
                OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(&path).ok()?;
            if FileExt::try_lock_shared(&file).is_ok() {
                let _ = fs::remove_file(&path);
                return None;
            }
            Some(Seen { turn, content: read(&file) })
        })
        .collect();
    seen.sort_by_key(|one| one.turn);
    seen
}

fn read(file: &File) -> Option<Content> {
    let mut content = vec![0; LARGEST as usize];
    let count = file.read_at(&mut content, 0).ok()?;
    let text = std::str::from_utf8(&content[..count]).ok()?;
    // What a longer line has left behind the end of this one is cut off a moment later.
    Content::parse(text.split_inclusive('\n').next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(standing: Standing, mode: RepositoryLock) -> Content {
        Content { job: "check".to_owned(), standing, mode, holder: Holder::ourselves("") }
    }

    #[test]
    fn names_sort_as_turns_do() {
        let turns = [(5, 3, 9), (5, 20, 1), (10, 0, 5), (10, 0, 11)];
        let turns = turns.map(|(due, place, arrived)| Turn { due, place, arrived });
        assert!(turns.is_sorted() && turns.map(Turn::name).is_sorted());
        assert!(turns.iter().all(|turn| Turn::parse(&turn.name()) == Some(*turn)));
    }

    #[test]
    fn a_ticket_says_what_its_owner_wants_until_that_one_is_gone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let folder = folder.path().join("queue");
        let wants = content(Standing::Wants, RepositoryLock::Exclusive);
        let turn = Turn::new(7, 1);
        let ticket = Ticket::draw(&folder, turn, &wants).expect("can be drawn");
        let seen = look(&folder, None);
        assert_eq!(
            seen.iter().map(|one| one.content.as_ref().map(Content::line)).collect::<Vec<_>>(),
            [Some(wants.line())]
        );
        assert!(look(&folder, Some(&ticket)).is_empty());
        assert!(seen[0].goes_before(Turn::new(7, 2), RepositoryLock::Shared));
        assert!(!seen[0].goes_before(Turn::new(6, 0), RepositoryLock::Shared));
        ticket.say(&content(Standing::Has, RepositoryLock::Shared));
        assert!(!look(&folder, None)[0].goes_before(Turn::new(7, 2), RepositoryLock::Exclusive));
        let path = ticket.path.clone();
        drop(ticket);
        assert!(path.exists() && look(&folder, None).is_empty() && !path.exists());
    }

    #[test]
    fn a_ticket_that_cannot_be_read_goes_first() {
        let seen = Seen { turn: Turn { due: 1, place: 0, arrived: 0 }, content: None };
        assert!(seen.goes_before(Turn::new(2, 0), RepositoryLock::Shared));
        assert_eq!(Content::parse("check wants=all boathook pid=1"), None);
    }
}
