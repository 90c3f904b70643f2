//! The thread that writes a journal: nothing waits for it unless it asks to.

use super::super::state::Record;
use super::format::{LARGEST, line};
use super::masked::masked;
use super::trouble::told;
use crate::masking::Secrets;
use crate::process::own_descriptors;
use crate::report::HookRecord;
use crate::settings::seeded::{Fault, seeded};
use nix::sys::signal::SigSet;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The most that waits for a disk that takes nothing, in bytes.
const MOST_WAITING: usize = 16 * 1024 * 1024;
/// From this size on a journal does without what hooks have printed: one that is too large is not read.
const LARGE: u64 = LARGEST / 2;
/// From this size on also without the further attempts of hooks.
const TOO_LARGE: u64 = LARGEST / 8 * 7;

/// Queues records for a journal. Clones share the thread, which ends with the last of them.
#[derive(Clone)]
pub struct Writer {
    handle: Arc<Handle>,
}

/// What ends the thread when nobody has a writer any more.
struct Handle {
    shared: Arc<Shared>,
    secrets: Arc<Secrets>,
}

struct Shared {
    path: PathBuf,
    desk: Mutex<Desk>,
    /// There is something to do for the thread.
    asked: Condvar,
    /// The thread has done something, or cannot.
    done: Condvar,
}

/// Held for moments only, and never while the disk is waited for.
#[derive(Default)]
struct Desk {
    waiting: VecDeque<Vec<u8>>,
    /// Bytes that are noted and not written.
    bytes: usize,
    /// The journal's size with all that is noted.
    size: u64,
    /// How many records have been noted, and how many of them are on disk.
    noted: u64,
    synced: u64,
    /// How many somebody waits for.
    wanted: u64,
    /// The first error: kind and text.
    error: Option<(io::ErrorKind, String)>,
    closed: bool,
}

impl Shared {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, error: &io::Error) {
        let mut desk = self.desk();
        desk.error.get_or_insert_with(|| (error.kind(), error.to_string()));
        desk.waiting = VecDeque::new();
        desk.bytes = 0;
        drop(desk);
        self.done.notify_all();
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // The thread may be stuck in the disk: it is not waited for.
        self.shared.desk().closed = true;
        self.shared.asked.notify_all();
    }
}

impl Writer {
    pub(super) fn start(file: &File, path: &Path, secrets: Arc<Secrets>) -> io::Result<Self> {
        let file = file.try_clone().map_err(|error| told("write", path, &error))?;
        let size = file.metadata().map_or(0, |facts| facts.len());
        let desk = Mutex::new(Desk { size, ..Desk::default() });
        let shared = Arc::new(Shared { path: path.to_owned(), desk, asked: Condvar::new(), done: Condvar::new() });
        let theirs = Arc::clone(&shared);
        let number = file.as_raw_fd();
        let (said, wait) = sync_channel(1);
        std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || {
                // Signals are for others; a limit on the size of files is an error here, and does not end the process.
                let _ = SigSet::all().thread_block();
                // It may hang in the kernel: then it must hold no lock, nor anybody's socket.
                let _ = said.send(own_descriptors(&[file.as_raw_fd()]));
                if let Err(error) = work(&theirs, &file) {
                    theirs.fail(&error);
                }
            })
            .map_err(|error| told("write", path, &error))?;
        if wait.recv().unwrap_or_default() {
            // The thread has a copy of its own.
            // SAFETY: this number is of a descriptor that was made for the thread, and that nothing here knows any more.
            drop(unsafe { OwnedFd::from_raw_fd(number) });
        }
        Ok(Self { handle: Arc::new(Handle { shared, secrets }) })
    }

    /// Queues a record. Waits for nothing.
    pub fn note(&self, record: &Record) {
        let Handle { shared, secrets } = &*self.handle;
        let size = {
            let desk = shared.desk();
            if desk.error.is_some() {
                return;
            }
            desk.size
        };
        let Some(record) = fitting(masked(record, secrets), size) else { return };
        let line = match line(&record) {
            Ok(line) => line,
            Err(error) => return shared.fail(&told("write", &shared.path, &error)),
        };
        let mut desk = shared.desk();
        if desk.error.is_some() {
            return;
        }
        if desk.bytes + line.len() > MOST_WAITING {
            drop(desk);
            let what = format!("the disk of {} takes nothing: 16 MiB of records wait for it", shared.path.display());
            return shared.fail(&io::Error::new(io::ErrorKind::TimedOut, what));
        }
        desk.noted += 1;
        desk.bytes += line.len();
        desk.size += line.len() as u64;
        desk.waiting.push_back(line);
        drop(desk);
        shared.asked.notify_all();
    }

    /// Has every record so far put on disk. Waits for nothing.
    pub fn ask_sync(&self) {
        let shared = &self.handle.shared;
        let mut desk = shared.desk();
        desk.wanted = desk.wanted.max(desk.noted);
        drop(desk);
        shared.asked.notify_all();
    }

    /// Waits until every record so far is on disk (one fsync for all of them), for at most `patience`.
    ///
    /// # Errors
    /// Why they are not. The first error stays: what comes after it is not written any more, and each call gives it.
    /// `TimedOut` when the disk has taken longer; it goes on, and a later call may find that it has succeeded.
    pub fn sync(&self, patience: Duration) -> io::Result<()> {
        let shared = &self.handle.shared;
        let until = Instant::now() + patience;
        let mut desk = shared.desk();
        let target = desk.noted;
        desk.wanted = desk.wanted.max(target);
        shared.asked.notify_all();
        loop {
            if let Some((kind, text)) = &desk.error {
                return Err(io::Error::new(*kind, text.clone()));
            }
            if desk.synced >= target {
                return Ok(());
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let (path, time) = (shared.path.display(), patience.as_secs_f64());
                let what = format!("{path} is not on disk after {time:.1}s: see what its disk waits for");
                return Err(io::Error::new(io::ErrorKind::TimedOut, what));
            }
            desk = shared.done.wait_timeout(desk, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// The record as a journal of this size bears it; `None` if it does without it.
fn fitting(record: Record, size: u64) -> Option<Record> {
    match record {
        Record::Hook(_, hook) if size > TOO_LARGE && hook.status == "running" && hook.attempts > 1 => None,
        Record::Hook(place, hook) if size > LARGE => {
            let hook = HookRecord { output_tail: String::new(), tries: Vec::new(), ..*hook };
            Some(Record::Hook(place, Box::new(hook)))
        }
        other => Some(other),
    }
}

/// What the thread does until nobody needs it any more.
fn work(shared: &Shared, file: &File) -> io::Result<()> {
    let told = |action: &str, error: &io::Error| told(action, &shared.path, error);
    // A torn line of somebody who has died must not swallow ours.
    let mut gap = ends_within_a_line(file);
    loop {
        let (batch, noted, wanted) = {
            let mut desk = shared.desk();
            while desk.waiting.is_empty() && desk.wanted <= desk.synced {
                if desk.closed || desk.error.is_some() {
                    return Ok(());
                }
                desk = shared.asked.wait(desk).unwrap_or_else(PoisonError::into_inner);
            }
            (std::mem::take(&mut desk.waiting), desk.noted, desk.wanted)
        };
        for mut line in batch {
            let length = line.len();
            if std::mem::take(&mut gap) {
                line.insert(0, b'\n');
            }
            append(file, &line).map_err(|error| told("write", &error))?;
            let mut desk = shared.desk();
            if desk.error.is_some() {
                return Ok(());
            }
            desk.bytes = desk.bytes.saturating_sub(length);
        }
        let synced = shared.desk().synced;
        if wanted > synced {
            if !seeded(Fault::NoSync) {
                file.sync_data().map_err(|error| told("sync", &error))?;
            }
            shared.desk().synced = noted;
            shared.done.notify_all();
        }
    }
}

fn ends_within_a_line(file: &File) -> bool {
    let Ok(size) = file.metadata().map(|facts| facts.len()) else { return false };
    let mut last = [b'\n'];
    size > 0 && file.read_exact_at(&mut last, size - 1).is_ok() && last != *b"\n"
}

/// Writes a line at the end: one write, if the system takes it whole. Of a line that cannot be written whole nothing is
/// left, as far as that can be had.
fn append(mut file: &File, line: &[u8]) -> io::Result<()> {
    let mut written = 0;
    while written < line.len() {
        let error = match file.write(&line[written..]) {
            Ok(0) => io::ErrorKind::WriteZero.into(),
            Ok(count) => {
                written += count;
                continue;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => error,
        };
        take_back(file, &line[..written]);
        return Err(error);
    }
    Ok(())
}

/// Cuts off the beginning of a line, if it still is the end of the file: another process may have written behind it.
fn take_back(file: &File, begun: &[u8]) {
    let Ok(size) = file.metadata().map(|facts| facts.len()) else { return };
    let Some(start) = size.checked_sub(begun.len() as u64).filter(|_| !begun.is_empty()) else { return };
    let mut there = vec![0; begun.len()];
    if file.read_exact_at(&mut there, start).is_ok() && there == begun {
        let _ = file.set_len(start);
    }
}
