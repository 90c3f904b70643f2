//! The archives: `cron_log_<YYYYMMDD_HHMMSS>.tar.gz`, each with one member `cron.log`.

use chrono::{DateTime, Local};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

const BEGIN: &str = "cron_log_";
const END: &str = ".tar.gz";

/// A name beside the log that nobody has yet: the time, and a number if two rotations fall into one second.
pub(super) fn free_name(log: &Path, now: DateTime<Local>) -> PathBuf {
    let time = now.format("%Y%m%d_%H%M%S");
    let mut path = log.with_file_name(format!("{BEGIN}{time}{END}"));
    for number in 2.. {
        if !path.exists() {
            break;
        }
        path = log.with_file_name(format!("{BEGIN}{time}_{number:02}{END}"));
    }
    path
}

/// The archives in a folder, oldest first: by the time in their names, which no copying changes.
pub(super) fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names: Vec<String> = fs::read_dir(folder)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| time_of(name).is_some())
        .collect();
    // A number sorts behind none.
    names.sort_by(|one, other| time_of(one).cmp(&time_of(other)));
    Ok(names)
}

/// `20260511_093000`, perhaps with `_02` behind it; `None` for a file that is no archive of ours.
fn time_of(name: &str) -> Option<&str> {
    let time = name.strip_prefix(BEGIN)?.strip_suffix(END)?;
    let fits = time.bytes().enumerate().all(|(at, byte)| match at {
        8 | 15 => byte == b'_',
        _ => byte.is_ascii_digit(),
    });
    (fits && (time.len() == 15 || time.len() > 16)).then_some(time)
}

/// Writes the first `length` bytes of the log into an archive: beside, synced, renamed. A partial one is removed.
pub(super) fn write(archive: &Path, log: &File, length: u64) -> io::Result<()> {
    let beside = archive.with_extension("gz.tmp");
    let written = write_to(&beside, log, length).and_then(|()| fs::rename(&beside, archive));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    if let Some(folder) = archive.parent() {
        // The name is to survive a power cut as well as the content does.
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
    written
}

fn write_to(path: &Path, log: &File, length: u64) -> io::Result<()> {
    let facts = log.metadata()?;
    let file = File::create(path)?;
    // Whoever may read the log may read its archive, and nobody else.
    file.set_permissions(fs::Permissions::from_mode(facts.mode() & 0o777))?;
    let mut tar = tar::Builder::new(GzEncoder::new(file, Compression::default()));
    let mut header = tar::Header::new_gnu();
    header.set_size(length);
    header.set_mode(facts.mode() & 0o777);
    header.set_mtime(u64::try_from(facts.mtime()).unwrap_or(0));
    header.set_uid(u64::from(facts.uid()));
    header.set_gid(u64::from(facts.gid()));
    tar.append_data(&mut header, "cron.log", From { file: log, at: 0, left: length })?;
    tar.into_inner()?.finish()?.sync_all()
}

/// Exactly so many bytes of a file: one that has become shorter is an error, not a shorter archive.
struct From<'a> {
    file: &'a File,
    at: u64,
    left: u64,
}

impl Read for From<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let count = self.file.read_at(&mut buffer[..most], self.at)?;
        if count == 0 && most > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "somebody else has shortened the log"));
        }
        self.at += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_are_ordered_by_the_time_in_their_names() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let expected = [
            "cron_log_20251231_235959.tar.gz",
            "cron_log_20260511_093000.tar.gz",
            "cron_log_20260511_093000_02.tar.gz",
            "cron_log_20260511_093001.tar.gz",
        ];
        for name in expected.iter().rev().chain(&["cron_log_old.tar.gz", "cron_log_20260511_093000.tar.gz.tmp"]) {
            fs::write(folder.path().join(name), "").expect("is writable");
        }
        assert_eq!(names(folder.path()).expect("is readable"), expected);
    }

    #[test]
    fn a_name_that_is_taken_gets_a_number() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let log = folder.path().join("cron.log");
        let now = Local::now();
        let mut seen = Vec::new();
        for _ in 0..3 {
            let name = free_name(&log, now);
            fs::write(&name, "").expect("is writable");
            seen.push(name.file_name().expect("has one").to_string_lossy().into_owned());
        }
        assert!(seen[1].ends_with("_02.tar.gz") && seen[2].ends_with("_03.tar.gz"), "{seen:?}");
        assert_eq!(names(folder.path()).expect("is readable"), seen);
    }

    #[test]
    fn a_log_that_was_shortened_gives_no_archive() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let log = folder.path().join("cron.log");
        fs::write(&log, "short").expect("is writable");
        let archive = folder.path().join("cron_log_20260511_093000.tar.gz");
        assert!(write(&archive, &File::open(&log).expect("is there"), 100).is_err());
        assert_eq!(fs::read_dir(folder.path()).expect("is readable").count(), 1);
    }
}
