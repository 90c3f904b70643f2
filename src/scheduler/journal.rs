//! `cron.log` and the console: what runs, init and the scheduler say.
//!
//! Each append holds a shared lock on `cron.log`: `rotate_log` loses no line of those who do.

use super::lines::Lines;
use super::outlet::{Format, Outlet, line_count};
use chrono::Utc;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long the beginning of a line waits for its end.
const QUIET: Duration = Duration::from_secs(1);

/// How long an append waits for whoever has `cron.log` locked.
const LOCKED: Duration = Duration::from_secs(2);
/// How often it looks whether it is free.
const TRY_EVERY: Duration = Duration::from_millis(2);

/// Where lines go.
pub(super) struct Journal {
    log: Outlet,
    console: Outlet,
    format: Arc<Mutex<Format>>,
    lines: Lines,
    /// When something was heard last.
    heard: Instant,
}

impl Journal {
    /// Opens the way to the log beside the one to the console; the log's file is opened by its thread, since its disk may be frozen.
    pub fn open(log: PathBuf, format: Format, console: Outlet) -> Self {
        let format = Arc::new(Mutex::new(format));
        let (inlet, shown) = (console.inlet(), Arc::clone(&format));
        let trouble = move |line: String| {
            inlet.put(&on_console(&shown, line.as_bytes()));
        };
        let log = Outlet::to(LogFile::new(log, Box::new(trouble)));
        Self { log, console, format, lines: Lines::default(), heard: Instant::now() }
    }

    /// Changes how lines look from now on.
    pub fn set_format(&mut self, format: Format) {
        *self.format.lock().unwrap_or_else(PoisonError::into_inner) = format;
    }

    /// Takes what came through the pipe.
    pub fn hear(&mut self, piece: &[u8]) {
        self.heard = Instant::now();
        let mut found = Vec::new();
        self.lines.push(piece, &mut |line| found.push(line.to_vec()));
        self.write(&found);
    }

    /// Says a line of the scheduler's own.
    pub fn say(&mut self, line: &str) {
        self.write(&[line.as_bytes().to_vec()]);
    }

    /// Until when the end of a begun line is waited for; `None` if there is none.
    pub fn quiet_at(&self) -> Option<Instant> {
        self.lines.is_partial().then(|| self.heard + QUIET)
    }

    /// Writes the beginning of a line whose end has not come in time.
    pub fn quiet(&mut self, now: Instant) {
        if self.quiet_at().is_some_and(|at| at <= now) {
            self.end_line();
        }
    }

    fn end_line(&mut self) {
        let mut found = Vec::new();
        self.lines.finish(&mut |line| found.push(line.to_vec()));
        self.write(&found);
    }

    /// Whether whoever writes should wait: an output is behind, and not given up.
    pub fn is_pressed(&mut self) -> bool {
        let now = Instant::now();
        let log = self.log.is_pressed(now);
        self.console.is_pressed(now) || log
    }

    /// Writes all there is, and ends.
    pub fn finish(mut self) {
        self.end_line();
        self.log.finish();
        self.console.finish();
    }

    fn write(&mut self, lines: &[Vec<u8>]) {
        if lines.is_empty() {
            return;
        }
        let (mut log, mut console) = (Vec::new(), Vec::new());
        let (format, now) = (*self.format.lock().unwrap_or_else(PoisonError::into_inner), Utc::now());
        for line in lines {
            log.extend(line);
            log.push(b'\n');
            format.add(&mut console, line, now);
        }
        self.log.put(&log, |lost| format!("{}\n", told(lost)).into_bytes());
        let shown = Arc::clone(&self.format);
        self.console.put(&console, |lost| on_console(&shown, told(lost).as_bytes()));
    }
}

fn told(lost: u64) -> String {
    format!("⚠️ {lost} lines were lost here, since nobody took them.")
}

fn on_console(format: &Mutex<Format>, line: &[u8]) -> Vec<u8> {
    let mut shown = Vec::new();
    format.lock().unwrap_or_else(PoisonError::into_inner).add(&mut shown, line, Utc::now());
    shown
}

/// `cron.log`, found anew when somebody has moved it away.
struct LogFile {
    path: PathBuf,
    open: Option<File>,
    lost: u64,
    /// The last line that was written is not a whole one.
    cut: bool,
    /// How long its lock is waited for.
    patience: Duration,
    trouble: Box<dyn FnMut(String) + Send>,
}

impl LogFile {
    fn new(path: PathBuf, trouble: Box<dyn FnMut(String) + Send>) -> Self {
        Self { path, open: None, lost: 0, cut: false, patience: LOCKED, trouble }
    }

    fn file(&mut self) -> io::Result<&mut File> {
        let same = |file: &File| {
            let (Ok(ours), Ok(there)) = (file.metadata(), fs::metadata(&self.path)) else { return false };
            (ours.dev(), ours.ino()) == (there.dev(), there.ino())
        };
        if !self.open.as_ref().is_some_and(same) {
            self.open = Some(File::options().append(true).create(true).open(&self.path)?);
        }
        self.open.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn append(&mut self, batch: &[u8]) -> io::Result<()> {
        let mut whole = Vec::new();
        if self.lost > 0 {
            let end = if self.cut { "\n" } else { "" };
            let note = format!("{end}⚠️ {} lines were lost here, since they could not be written.\n", self.lost);
            whole.extend(note.into_bytes());
        }
        whole.extend(batch);
        let mut rest = whole.as_slice();
        while !rest.is_empty() {
            let patience = self.patience;
            let file = self.file()?;
            let locked = lock(file, patience);
            let written = file.write(rest);
            if locked {
                let _ = file.unlock();
            }
            // Who keeps it locked for long is no rotation, and not waited for again until it was free.
            self.patience = if locked { LOCKED } else { Duration::ZERO };
            match written {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.cut = rest[count - 1] != b'\n';
                    rest = &rest[count..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Takes the shared lock of the log, so that a rotation does not cut off what is written just then; says whether it
/// did. Without it the line is written all the same: one may be lost then, all of them would be otherwise.
fn lock(file: &File, patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    loop {
        match file.try_lock_shared() {
            Ok(()) => return true,
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => std::thread::sleep(TRY_EVERY),
            Err(_) => return false,
        }
    }
}

impl Write for LogFile {
    fn write(&mut self, batch: &[u8]) -> io::Result<usize> {
        match self.append(batch) {
            Ok(()) => self.lost = 0,
            Err(error) => {
                if self.lost == 0 {
                    let path = self.path.display();
                    (self.trouble)(format!("❌ {path} cannot be written ({error}); its lines stand here alone."));
                }
                self.lost += line_count(batch);
            }
        }
        Ok(batch.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn a_log_that_was_moved_away_is_found_anew_and_one_that_was_emptied_is_gone_on_with() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("cron.log");
        let mut log = LogFile::new(path.clone(), Box::new(|line| panic!("{line}")));
        log.write_all(b"one\n").expect("never fails");
        fs::rename(&path, folder.path().join("old")).expect("is moved");
        log.write_all(b"two\n").expect("never fails");
        fs::rename(&path, folder.path().join("older")).expect("is moved");
        fs::write(&path, "").expect("is made anew by whoever moved it");
        log.write_all(b"two\n").expect("never fails");
        assert_eq!(fs::read_to_string(&path).expect("is there"), "two\n");
        File::options().write(true).open(&path).and_then(|file| file.set_len(0)).expect("is emptied");
        log.write_all(b"three\n").expect("never fails");
        assert_eq!(fs::read_to_string(&path).expect("is there"), "three\n");
        assert_eq!(fs::read_to_string(folder.path().join("old")).expect("is there"), "one\n");
    }

    #[test]
    fn what_cannot_be_written_is_said_once_counted_and_told_when_it_can_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("not/there/cron.log");
        let (said, heard) = channel();
        let trouble = Box::new(move |line| said.send(line).expect("is heard"));
        let mut log = LogFile::new(path.clone(), trouble);
        log.write_all(b"one\ntwo\n").expect("never fails");
        log.write_all(b"three\n").expect("never fails");
        fs::create_dir_all(path.parent().expect("has one")).expect("is made");
        log.write_all(b"four\n").expect("never fails");
        log.write_all(b"five\n").expect("never fails");
        let text = fs::read_to_string(&path).expect("is there");
        assert_eq!(text, "⚠️ 3 lines were lost here, since they could not be written.\nfour\nfive\n");
        let lines: Vec<String> = heard.try_iter().collect();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("cron.log cannot be written (No such file"), "{lines:?}");
    }

    /// A rotation where no blocks can be taken out of a file: a line that comes between its last look and its cut.
    #[test]
    fn what_is_appended_while_the_log_is_cut_is_not_lost() {
        let folder = tempfile::tempdir_in("/dev/shm").expect("a folder");
        let path = folder.path().join("cron.log");
        fs::write(&path, "").expect("is made");
        let mut log = LogFile::new(path.clone(), Box::new(|line| panic!("{line}")));
        let mut archived = String::new();
        std::thread::scope(|scope| {
            let writer = scope.spawn(move || {
                for number in 0..200 {
                    log.write_all(format!("line {number}\n").as_bytes()).expect("never fails");
                }
            });
            while !writer.is_finished() {
                let file = File::options().read(true).write(true).open(&path).expect("is there");
                file.lock().expect("can be locked");
                archived += &fs::read_to_string(&path).expect("is text");
                // A slow machine between the two system calls.
                std::thread::sleep(Duration::from_millis(1));
                file.set_len(0).expect("can be cut");
                drop(file);
                std::thread::sleep(TRY_EVERY * 3);
            }
        });
        archived += &fs::read_to_string(&path).expect("is text");
        let expected: String = (0..200).flat_map(|number| [format!("line {number}"), "\n".to_owned()]).collect();
        assert!(archived == expected, "lines are lost");
    }

    #[test]
    fn a_log_that_somebody_keeps_locked_is_written_all_the_same_and_waited_for_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("cron.log");
        let holder = File::create(&path).expect("is made");
        holder.lock().expect("can be locked");
        let mut log = LogFile::new(path.clone(), Box::new(|line| panic!("{line}")));
        let started = Instant::now();
        for _ in 0..5 {
            log.write_all(b"line\n").expect("never fails");
        }
        let took = started.elapsed();
        assert!(took >= LOCKED && took < LOCKED * 2, "{took:?}");
        assert_eq!(fs::read_to_string(&path).expect("is there").lines().count(), 5);
        holder.unlock().expect("is locked");
        log.write_all(b"line\n").expect("never fails");
        assert_eq!(log.patience, LOCKED);
    }
}
