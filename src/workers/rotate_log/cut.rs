//! Taking archived lines out of a log that others append to all the while, through files that they hold open.
//!
//! Where the file system can do it (ext4, xfs) the kernel takes whole blocks out of the front of the file in one step,
//! between two appends: nothing can be lost. The cut falls into the middle of a line; that line goes into the archive
//! as a whole, and what would be left of it is overwritten by a note of the same length before. The lines of the last
//! block that is not whole stay for the next rotation.
//!
//! Elsewhere what was appended since is moved to the front, and the file cut behind it. Between the last look at the
//! file's length and the cut lie two system calls: what is appended just then is lost, unless who appends holds a
//! shared lock (flock) on the file meanwhile.

use nix::fcntl::{FallocateFlags, fallocate};
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::time::{Duration, Instant};

/// How much is moved at a time, in bytes.
const PIECE: usize = 64 * 1024;
/// How long one append may hold the log's lock.
const APPENDING: Duration = Duration::from_secs(2);

/// Where the log is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    /// The end of the last line that is archived.
    end: u64,
    /// As much of that as are whole blocks of the file system.
    blocks: u64,
}

impl Cut {
    /// Plans a cut of a log of this size: behind the line in which the last whole block ends, or in a small log
    /// behind the last line.
    pub(super) fn plan(log: &File, size: u64) -> io::Result<Self> {
        let whole = last_line_end(log, size)?;
        let block = log.metadata()?.blksize().max(1);
        let blocks = whole / block * block;
        if blocks == 0 {
            return Ok(Self { end: whole, blocks: 0 });
        }
        Ok(Self { end: line_end_from(log, blocks, whole)?, blocks })
    }

    /// How many bytes are to be archived.
    pub(super) fn archived(self) -> u64 {
        self.end
    }

    /// Takes what was archived, as `name`, out of the log.
    pub(super) fn carry_out(self, log: &File, name: &str) -> io::Result<()> {
        if self.blocks > 0 {
            let note = note(name, (self.end - self.blocks) as usize);
            // Those who append never write here.
            log.write_all_at(&note, self.blocks)?;
            let length = self.blocks as libc::off_t;
            if fallocate(log, FallocateFlags::FALLOC_FL_COLLAPSE_RANGE, 0, length).is_ok() {
                return Ok(());
            }
        }
        move_to_front(log, self.end)
    }
}

/// The end of the last whole line in the first `size` bytes; `size` if there is none.
fn last_line_end(log: &File, size: u64) -> io::Result<u64> {
    let mut buffer = vec![0; PIECE];
    let mut end = size;
    while end > 0 {
        let start = end.saturating_sub(PIECE as u64);
        let piece = &mut buffer[..(end - start) as usize];
        log.read_exact_at(piece, start)?;
        if let Some(at) = piece.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(size)
}

/// The end of the line that holds the byte before `from`; `most` is one.
fn line_end_from(log: &File, from: u64, most: u64) -> io::Result<u64> {
    let mut buffer = vec![0; PIECE];
    let mut at = from - 1;
    while at < most {
        let piece = &mut buffer[..PIECE.min((most - at) as usize)];
        log.read_exact_at(piece, at)?;
        if let Some(found) = piece.iter().position(|byte| *byte == b'\n') {
            return Ok(at + found as u64 + 1);
        }
        at += piece.len() as u64;
    }
    Ok(most)
}

/// A line of exactly this length that stands where the rest of an archived one stood.
fn note(name: &str, length: usize) -> Vec<u8> {
    let text = format!("📋 Rotated: {name}");
    let mut line = if text.len() < length { text.into_bytes() } else { Vec::new() };
    line.resize(length, b' ');
    if let Some(last) = line.last_mut() {
        *last = b'\n';
    }
    line
}

/// Takes a file's lock, and waits for it for so long.
pub(super) fn lock(file: &File, patience: Duration) -> io::Result<()> {
    let deadline = Instant::now() + patience;
    loop {
        match fs2::FileExt::try_lock_exclusive(file) {
            Err(error) if error.raw_os_error() == fs2::lock_contended_error().raw_os_error() => {
                if Instant::now() >= deadline {
                    return Err(io::Error::new(io::ErrorKind::TimedOut, "another process holds its lock"));
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            other => return other,
        }
    }
}

/// Moves what was appended behind `from` to the front, and cuts the file behind it.
fn move_to_front(log: &File, from: u64) -> io::Result<()> {
    // Who holds it for long does not append, and is not waited for.
    let locked = lock(log, APPENDING);
    let done = moved_to_front(log, from);
    if locked.is_ok() {
        let _ = fs2::FileExt::unlock(log);
    }
    done
}

fn moved_to_front(log: &File, from: u64) -> io::Result<()> {
    let mut buffer = vec![0; PIECE];
    let mut moved = 0;
    loop {
        let count = log.read_at(&mut buffer, from + moved)?;
        if count > 0 {
            log.write_all_at(&buffer[..count], moved)?;
            moved += count as u64;
        } else if log.metadata()?.len() == from + moved {
            return log.set_len(moved);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write as _;

    fn log(text: &str) -> (tempfile::TempDir, File) {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("cron.log");
        fs::write(&path, text).expect("is writable");
        (folder, File::options().read(true).write(true).open(path).expect("is there"))
    }

    fn lines(count: usize) -> String {
        (0..count).flat_map(|number| [format!("line {number} of many"), "\n".to_owned()]).collect()
    }

    fn text(folder: &tempfile::TempDir) -> String {
        fs::read_to_string(folder.path().join("cron.log")).expect("is there")
    }

    #[test]
    fn a_cut_falls_behind_a_whole_line() {
        let (_folder, file) = log("one\ntwo\nunfinished");
        let cut = Cut::plan(&file, 18).expect("is readable");
        assert_eq!((cut.archived(), cut.blocks), (8, 0));
        let (_folder, file) = log("no end of a line");
        assert_eq!(Cut::plan(&file, 16).expect("is readable").archived(), 16);
    }

    #[test]
    fn what_was_appended_since_is_all_that_is_left() {
        for count in [10, 1000, 20_000] {
            let before = lines(count);
            let (folder, file) = log(&before);
            let cut = Cut::plan(&file, before.len() as u64).expect("is readable");
            let mut appending = File::options().append(true).open(folder.path().join("cron.log")).expect("is there");
            appending.write_all(b"since\n").expect("is writable");
            cut.carry_out(&file, "cron_log_x.tar.gz").expect("can be cut");
            let whole = format!("{before}since\n");
            let after = text(&folder);
            let kept = after.strip_prefix("📋 Rotated: cron_log_x.tar.gz");
            let kept = kept.map_or(after.as_str(), |rest| rest.trim_start());
            assert_eq!(kept.trim_start(), whole[cut.archived() as usize..].trim_start(), "{count}");
            assert!(after.ends_with("since\n"));
            // Whoever holds it open goes on at its new end.
            appending.write_all(b"later\n").expect("is writable");
            assert!(text(&folder).ends_with("since\nlater\n"));
        }
    }

    #[test]
    fn moving_to_the_front_keeps_what_is_longer_than_the_gap() {
        let before = lines(3);
        let since = lines(9000);
        let (folder, file) = log(&format!("{before}{since}"));
        move_to_front(&file, before.len() as u64).expect("can be cut");
        assert_eq!(text(&folder), since);
    }

    /// Where blocks cannot be taken out: those who append under a shared lock lose nothing either.
    #[test]
    fn moving_to_the_front_loses_no_line_of_those_who_lock() {
        const COUNT: usize = 3000;
        let (folder, file) = log("");
        let path = folder.path().join("cron.log");
        let mut archived = String::new();
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let mut log = File::options().append(true).open(&path).expect("is there");
                for number in 0..COUNT {
                    fs2::FileExt::lock_shared(&log).expect("can be locked");
                    writeln!(log, "line {number}").expect("is taken");
                    fs2::FileExt::unlock(&log).expect("is locked");
                }
            });
            while !writer.is_finished() {
                let size = file.metadata().expect("is there").len();
                let end = last_line_end(&file, size).expect("is readable");
                let mut piece = vec![0; end as usize];
                file.read_exact_at(&mut piece, 0).expect("is readable");
                archived += &String::from_utf8(piece).expect("is text");
                move_to_front(&file, end).expect("can be cut");
            }
        });
        archived += &text(&folder);
        let expected: String = (0..COUNT).flat_map(|number| [format!("line {number}"), "\n".to_owned()]).collect();
        assert!(archived == expected, "lines are lost, torn, or there twice");
    }

    #[test]
    fn a_note_is_one_line_of_its_length() {
        for length in [1, 2, 5, 40, 400] {
            let note = note("cron_log_x.tar.gz", length);
            assert_eq!((note.len(), String::from_utf8_lossy(&note).lines().count()), (length, 1));
            assert_eq!(note.last(), Some(&b'\n'));
        }
        assert!(note("x", 0).is_empty());
    }
}
