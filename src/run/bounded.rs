//! Writes that may never end: on a frozen file system each of them waits for the thaw, and cannot be ended.
//!
//! One thread for each file system, made when it is first written to. What is written there is written in order: a
//! summary that waited for the thaw never takes the place of a later one. Whoever asks for a write waits no longer than
//! it says.

use crate::process::own_descriptors;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

/// A write has no answer in time, or was not tried, since an earlier one to that file system still has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoAnswer(pub Duration);

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "no answer within {}s: is its file system frozen?", self.0.as_secs_f64())
    }
}

/// How much a write matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It comes again later: left out where an earlier one has no answer.
    Early,
    /// The last of its kind: tried all the same. Where an earlier one has no answer, the first of these alone is waited
    /// for, and for a part of the time only ([`AGAIN`]).
    Last,
}

/// Which part of its limit is waited for where an earlier write has had no answer.
const AGAIN: u32 = 6;

/// The threads that write.
#[derive(Default)]
pub struct Writers(BTreeMap<u64, Writer>);

type Job = Box<dyn FnOnce() + Send>;

struct Writer {
    jobs: Sender<Job>,
    /// Jobs that have no answer yet.
    open: Arc<AtomicUsize>,
    /// One of [`Turn::Last`] has been waited for in vain.
    given_up: bool,
}

impl Writers {
    /// Does `write`, which writes into `folder` or below it, and gives what it gives, unless that takes longer than
    /// `limit`. It then goes on as long as this process lives.
    ///
    /// # Errors
    /// When there is no answer in time.
    pub fn write<T: Send + 'static>(
        &mut self,
        folder: &Path,
        turn: Turn,
        limit: Duration,
        write: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NoAnswer> {
        let writer = match self.0.entry(file_system_of(folder)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => match Writer::start() {
                Some(writer) => new.insert(writer),
                // The system has no thread left: better to be stuck perhaps than to leave nothing for sure.
                None => return Ok(write()),
            },
        };
        writer.write(turn, limit, write)
    }
}

impl Writer {
    fn start() -> Option<Self> {
        let (jobs, wait) = channel::<Job>();
        let thread = std::thread::Builder::new().name("files".into());
        let work = move || {
            // It may hang in the kernel: then it must hold no lock, nor anybody's socket.
            own_descriptors(&[]);
            for job in wait {
                job();
            }
        };
        thread.spawn(work).ok()?;
        Some(Self { jobs, open: Arc::default(), given_up: false })
    }

    fn write<T: Send + 'static>(
        &mut self,
        turn: Turn,
        limit: Duration,
        write: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NoAnswer> {
        let is_stuck = self.open.load(Ordering::Acquire) > 0;
        if is_stuck && turn == Turn::Early {
            return Err(NoAnswer(limit));
        }
        let (done, wait) = channel();
        let open = Arc::clone(&self.open);
        open.fetch_add(1, Ordering::AcqRel);
        let job = move || {
            let result = write();
            open.fetch_sub(1, Ordering::AcqRel);
            // Whoever has given up is not told.
            let _ = done.send(result);
        };
        let patience = match (is_stuck, self.given_up) {
            (false, _) => limit,
            (true, false) => limit / AGAIN,
            (true, true) => Duration::ZERO,
        };
        let sent = self.jobs.send(Box::new(job));
        let answer = sent.ok().and_then(|()| wait.recv_timeout(patience).ok());
        self.given_up |= answer.is_none() && turn == Turn::Last;
        answer.ok_or(NoAnswer(limit))
    }
}

/// The number of the file system that a folder is on, or would be once it is made. Looking waits for no thaw.
fn file_system_of(folder: &Path) -> u64 {
    folder.ancestors().find_map(|above| fs::metadata(above).ok()).map_or(0, |facts| facts.dev())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::sync::mpsc::Receiver;

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(60);

    /// Two file systems that every Linux has, and the longest that a test waits for a write that ends.
    const HERE: &str = "/";
    const THERE: &str = "/proc";

    type Notes = Arc<Mutex<Vec<&'static str>>>;

    /// Writers whose thread for [`HERE`] waits until the sender is gone, and what was written.
    fn stuck() -> (Writers, Notes, Sender<()>) {
        let (mut writers, notes) = (Writers::default(), Notes::default());
        let (thaw, frozen): (_, Receiver<()>) = channel();
        let done = note(&notes, "stuck");
        let write = move || {
            let _ = frozen.recv();
            done();
        };
        assert_eq!(writers.write(Path::new(HERE), Turn::Early, SHORT, write), Err(NoAnswer(SHORT)));
        (writers, notes, thaw)
    }

    fn note(notes: &Notes, what: &'static str) -> impl FnOnce() + Send + 'static {
        let notes = Arc::clone(notes);
        move || notes.lock().expect("nobody panics").push(what)
    }

    #[test]
    fn a_write_that_ends_gives_what_it_gives() {
        let mut writers = Writers::default();
        for turn in [Turn::Early, Turn::Last] {
            assert_eq!(
                writers.write(Path::new("/nowhere/at/all"), turn, LONG, || Err::<(), _>("full")),
                Ok(Err("full"))
            );
        }
        assert_eq!(writers.0.len(), 1, "a folder that is yet to be made is on the file system above it");
    }

    #[test]
    fn what_has_no_answer_is_given_up_and_only_the_last_is_tried_again() {
        let (mut writers, notes, thaw) = stuck();
        let here = Path::new(HERE);
        // Not tried: it would wait for a minute.
        assert_eq!(writers.write(here, Turn::Early, LONG, note(&notes, "early")), Err(NoAnswer(LONG)));
        assert_eq!(writers.write(here, Turn::Last, SHORT, note(&notes, "last")), Err(NoAnswer(SHORT)));
        // Neither is that waited for: one has been.
        assert_eq!(writers.write(here, Turn::Last, LONG, note(&notes, "another")), Err(NoAnswer(LONG)));
        assert!(notes.lock().expect("nobody panics").is_empty());
        drop(thaw);
    }

    #[test]
    fn what_is_written_after_the_thaw_is_written_in_order() {
        let (mut writers, notes, thaw) = stuck();
        let here = Path::new(HERE);
        let later = std::thread::spawn(move || {
            std::thread::sleep(SHORT);
            drop(thaw);
        });
        assert_eq!(writers.write(here, Turn::Last, LONG, note(&notes, "last")), Ok(()));
        later.join().expect("ends");
        assert_eq!(*notes.lock().expect("nobody panics"), ["stuck", "last"]);
        assert_eq!(writers.write(here, Turn::Early, LONG, || 7), Ok(7), "it answers again");
    }

    #[test]
    fn another_file_system_is_not_held_up() {
        let (mut writers, _, thaw) = stuck();
        assert_eq!(writers.write(Path::new(THERE), Turn::Early, LONG, || 7), Ok(7));
        drop(thaw);
    }

    #[test]
    fn it_says_what_may_be_the_matter() {
        let said = NoAnswer(Duration::from_secs(30)).to_string();
        assert_eq!(said, "no answer within 30s: is its file system frozen?");
    }
}
