//! Finding the journals that runs have left, and telling the living from the dead.

use super::super::state::Record;
use super::create::{is_locked, still_there, try_lock};
use super::format::LARGEST;
use super::trouble::told;
use super::{Header, Journal, folder, read};
use crate::settings::seeded::{Fault, seeded};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a lock is tried for: somebody who only looks may have it for a moment.
const PATIENCE: Duration = Duration::from_millis(200);
/// How often.
const TRY_EVERY: Duration = Duration::from_millis(10);

/// What is wrong with a journal that can be read otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Damage {
    /// Its last record is not whole: the write was cut short.
    pub torn: bool,
    /// How many records in the middle cannot be read.
    pub lost: usize,
}

/// A journal as it lies there; nothing is locked or changed.
#[derive(Debug)]
pub struct Found {
    /// Where.
    pub path: PathBuf,
    /// The run's id, from the file's name.
    pub run_id: String,
    /// The worker, from the file's name; empty if that is no run's id.
    pub job: String,
    /// Whether something of the run still lives. Not known, and `false`, where the content is an error.
    pub alive: bool,
    /// What it says.
    pub content: Result<(Box<Header>, Vec<Record>, Damage), String>,
}

/// The journal of a dead run, locked by us.
#[derive(Debug)]
pub struct Dead {
    /// To be gone on with.
    pub journal: Journal,
    /// Its first record.
    pub header: Header,
    /// The rest.
    pub records: Vec<Record>,
    /// What is wrong with it.
    pub damage: Damage,
}

/// What came of taking a journal.
#[derive(Debug)]
pub enum Taken {
    /// It is ours.
    Dead(Box<Dead>),
    /// Its run lives, or somebody recovers it.
    Alive,
    /// It is gone by now.
    Gone,
    /// It cannot be read, or is of a newer version, or cannot be locked: why, as a predicate. It stays as it is.
    Unreadable(String),
}

/// All journals in `STATE_DIR`, by their age. None if the folder is not there.
///
/// # Errors
/// When the folder cannot be read.
pub fn look(state: &Path) -> io::Result<Vec<Found>> {
    let home = folder(state);
    let entries = match fs::read_dir(&home) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(told("read", &home, &error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| told("read", &home, &error))?.path();
        let is_hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        if !is_hidden && path.extension().is_some_and(|extension| extension == "journal") {
            paths.push(path);
        }
    }
    // After the folder: who is not in it then has begun since, and its lock is tried.
    let table = fs::read_to_string("/proc/locks").unwrap_or_default();
    let mut found: Vec<Found> = paths.into_iter().filter_map(|path| found(path, &table)).collect();
    // An id begins with the time, to the second.
    found.sort_by_cached_key(|found| {
        let second = found.run_id.split('-').next().unwrap_or_default().to_owned();
        (second, found.content.as_ref().ok().map(|(header, ..)| header.started_at), found.run_id.clone())
    });
    Ok(found)
}

/// One journal, as [`look`]; `None` if it is not there.
pub fn look_at(path: &Path) -> Option<Found> {
    found(path.to_owned(), &fs::read_to_string("/proc/locks").unwrap_or_default())
}

fn found(path: PathBuf, table: &str) -> Option<Found> {
    let run_id = super::run_of(&path);
    let job = super::job_of(&run_id).to_owned();
    let (alive, content) = match open(&path, false) {
        Ok(None) => return None,
        Ok(Some(file)) => match is_alive(&file, table) {
            // Judged before it is read: what a dead run has left does not change.
            Ok(alive) => (alive && !seeded(Fault::ReadWhileAlive), content(&file)),
            Err(error) => (false, Err(told("lock", &path, &error).to_string())),
        },
        Err(reason) => (false, Err(reason)),
    };
    let content = content.map(|(header, records, damage)| (Box::new(header), records, damage));
    Some(Found { path, run_id, job, alive, content })
}

/// Takes a journal for recovery: locks it, and reads it.
pub fn take(path: &Path) -> Taken {
    let file = match open(path, true) {
        Ok(Some(file)) => file,
        Ok(None) => return Taken::Gone,
        Err(reason) => return Taken::Unreadable(reason),
    };
    if !seeded(Fault::ReadWhileAlive) {
        match lock(&file) {
            Ok(true) => {}
            Ok(false) => return Taken::Alive,
            Err(error) => return Taken::Unreadable(told("lock", path, &error).to_string()),
        }
    }
    if !still_there(path, &file) {
        return Taken::Gone;
    }
    match content(&file) {
        Ok((header, records, damage)) => match Journal::over(file, path.to_owned()) {
            Ok(journal) => Taken::Dead(Box::new(Dead { journal, header, records, damage })),
            Err(error) => Taken::Unreadable(error.to_string()),
        },
        Err(reason) => Taken::Unreadable(reason),
    }
}

/// Opens a journal of ours; `None` if it is not there. An error is the reason why it is none, as a predicate.
fn open(path: &Path, to_write: bool) -> Result<Option<File>, String> {
    let refused = |error: &io::Error| match error.kind() {
        io::ErrorKind::NotFound => Ok(None),
        _ => Err(told("open", path, error).to_string()),
    };
    let facts = match fs::symlink_metadata(path) {
        Ok(facts) => facts,
        Err(error) => return refused(&error),
    };
    // Before it is opened: to open a device may do something.
    what_is_wrong(&facts)?;
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = match OpenOptions::new().read(true).append(to_write).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) => return refused(&error),
    };
    what_is_wrong(&file.metadata().map_err(|error| told("look at", path, &error).to_string())?)?;
    Ok(Some(file))
}

/// What a journal says is run: only one that nobody else can have written is believed.
fn what_is_wrong(facts: &fs::Metadata) -> Result<(), String> {
    let kind = facts.file_type();
    let us = nix::unistd::geteuid().as_raw();
    if kind.is_symlink() {
        Err("it is a symbolic link: move it away".to_owned())
    } else if kind.is_dir() {
        Err("it is a folder: move it away".to_owned())
    } else if kind.is_fifo() || kind.is_socket() || !kind.is_file() {
        Err("it is a pipe, a socket or a device: move it away".to_owned())
    } else if facts.uid() != us {
        Err(format!("it belongs to user {}, and this program runs as {us}: run it as that user", facts.uid()))
    } else if facts.mode() & 0o022 != 0 {
        let mode = facts.mode() & 0o7777;
        Err(format!("others may write it (mode {mode:04o}): see what it says, then take that right away"))
    } else {
        Ok(())
    }
}

fn content(file: &File) -> Result<(Header, Vec<Record>, Damage), String> {
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| format!("it cannot be read: {error}"))?;
    if bytes.len() as u64 > LARGEST {
        return Err("it is larger than 64 MiB".to_owned());
    }
    read::read(&bytes)
}

fn lock(file: &File) -> io::Result<bool> {
    let until = Instant::now() + PATIENCE;
    loop {
        if try_lock(file)? {
            return Ok(true);
        }
        if Instant::now() >= until {
            return Ok(false);
        }
        std::thread::sleep(TRY_EVERY);
    }
}

/// Whether something of its run lives. The kernel's table tells without touching the lock, but not of a lock that was taken
/// in another container, or by a process that has died since and left it to another.
fn is_alive(file: &File, table: &str) -> io::Result<bool> {
    let facts = file.metadata()?;
    if is_in_table(table, facts.dev(), facts.ino()) {
        return Ok(true);
    }
    is_locked(file)
}

/// Whether the kernel's table (proc(5): locks) has this file locked.
fn is_in_table(table: &str, device: u64, inode: u64) -> bool {
    let file = format!("{:02x}:{:02x}:{inode}", libc::major(device), libc::minor(device));
    table.lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        matches!(words.as_slice(), [_, "FLOCK", _, "WRITE", _, of, ..] if *of == file)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_not_in_the_table_is_found_by_trying_it() {
        let folder = tempfile::tempdir().expect("there is room");
        let path = folder.path().join("x.journal");
        let file = File::create(&path).expect("there is room");
        assert!(!is_alive(&file, "").expect("can be tried"));
        let other = File::open(&path).expect("is there");
        fs2::FileExt::lock_exclusive(&other).expect("is free");
        assert!(is_alive(&file, "").expect("can be tried"));
        drop(other);
        // Nothing of the trial is left.
        assert!(!is_alive(&file, "").expect("can be tried") && try_lock(&file).expect("can be tried"));
    }

    #[test]
    fn the_kernels_table_tells_of_this_file_and_of_who_has_it() {
        let table = "1: POSIX  ADVISORY  WRITE 7 08:01:42 0 EOF\n2: FLOCK  ADVISORY  WRITE 8 fd:1f:43 0 EOF\n\
                     2: -> FLOCK  ADVISORY  WRITE 9 08:01:44 0 EOF\n3: FLOCK  ADVISORY  READ 8 08:01:45 0 EOF\n";
        assert!(is_in_table(table, libc::makedev(0xfd, 0x1f), 43));
        for inode in [42, 43, 44, 45] {
            assert!(!is_in_table(table, libc::makedev(8, 1), inode), "{inode}");
        }
    }
}
