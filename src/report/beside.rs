//! Files that other programs read: never seen half-written.

use crate::settings::seeded::{Fault, seeded};
use fs2::FileExt as _;
use nix::errno::Errno;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Reports are for other programs and users to read, whatever our own umask is.
const MODE: u32 = 0o644;

/// Tells apart what one process writes.
static COUNTER: AtomicU32 = AtomicU32::new(0);

/// Puts a file with `content` in the place of `path`: written under another name in the same folder, synced, renamed.
///
/// # Errors
/// When any of it fails; what was there before then stands untouched, and nothing is left beside it.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    if seeded(Fault::NoRename) {
        return content
            .chunks(64)
            .try_fold(File::create(path)?, |mut file, piece| file.write_all(piece).map(|()| file))
            .map(drop);
    }
    remove_stale(path);
    let (mut file, temporary) = create(path)?;
    // Not every file system has modes; what it shows then is its own affair.
    let _ = file.set_permissions(Permissions::from_mode(MODE));
    file.write_all(content)?;
    match file.sync_all() {
        // Some file systems in user space cannot sync.
        Err(error) if matches!(raw(&error), Some(Errno::EINVAL | Errno::ENOSYS | Errno::EOPNOTSUPP)) => {}
        other => other?,
    }
    drop(file);
    fs::rename(&temporary.0, path)?;
    std::mem::forget(temporary);
    // The new name survives a power loss only once the folder is on disk, too. It is there for readers already.
    if let Some(folder) = path.parent().and_then(|folder| File::open(or_here(folder)).ok()) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Removes what writers of this file that were killed have left beside it: nobody has it locked.
pub fn remove_stale(path: &Path) {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return };
    let Ok(entries) = fs::read_dir(or_here(folder)) else { return };
    let mut start = std::ffi::OsString::from(".");
    start.push(name);
    start.push(".");
    for entry in entries.flatten() {
        let beside = entry.file_name();
        let (beside, start) = (beside.as_encoded_bytes(), start.as_encoded_bytes());
        if !beside.starts_with(start)
            || !beside.ends_with(b".tmp")
            || !entry.file_type().is_ok_and(|kind| kind.is_file())
        {
            continue;
        }
        let opened = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(entry.path());
        if opened.is_ok_and(|file| file.try_lock_exclusive().is_ok()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn raw(error: &io::Error) -> Option<Errno> {
    error.raw_os_error().map(Errno::from_raw)
}

fn or_here(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}

/// Removed again unless it was renamed.
#[derive(Debug)]
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn create(path: &Path) -> io::Result<(File, Temporary)> {
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not the name of a file"))?;
    loop {
        // Two containers on one volume may both be process 7: the number alone is not enough.
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let mut beside = std::ffi::OsString::from(".");
        beside.push(name);
        beside.push(format!(".{}-{count}.tmp", std::process::id()));
        let beside = path.with_file_name(beside);
        match OpenOptions::new().write(true).create_new(true).mode(MODE).open(&beside) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && count < u32::MAX => {}
            Ok(file) => {
                // Without locks on this file system a killed writer's file stays there.
                let _ = file.try_lock_exclusive();
                match beside.symlink_metadata() {
                    // Another writer has cleared it away before it was locked.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    // What cannot be looked at is there.
                    _ => return Ok((file, Temporary(beside))),
                }
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .expect("is there")
            .map(|entry| entry.expect("is read").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("last-backup.json");
        fs::write(&path, "an older and longer one").expect("is written");
        let before = File::open(&path).expect("opens");
        replace(&path, b"new").expect("is replaced");
        assert_eq!(fs::read(&path).expect("reads"), b"new");
        assert_eq!(io::read_to_string(before).expect("reads"), "an older and longer one");
        assert_eq!(fs::metadata(&path).expect("is there").permissions().mode() & 0o7777, 0o644);
        assert_eq!(names(folder.path()), ["last-backup.json"]);
    }

    #[test]
    fn what_cannot_be_renamed_leaves_the_old_state() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("last-backup.json");
        fs::create_dir(&path).expect("a folder in the way");
        assert!(replace(&path, b"new").is_err());
        assert_eq!(names(folder.path()), ["last-backup.json"]);
        assert!(path.is_dir());
    }

    #[test]
    fn a_left_over_temporary_of_a_dead_namesake_is_no_obstacle() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x");
        let next = COUNTER.load(Ordering::Relaxed);
        for count in next..next + 8 {
            fs::write(folder.path().join(format!(".x.{}-{count}.tmp", std::process::id())), "").expect("is written");
        }
        replace(&path, b"new").expect("is written");
        assert_eq!(fs::read(&path).expect("reads"), b"new");
    }

    #[test]
    fn a_missing_folder_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = replace(&folder.path().join("not/there"), b"").expect_err("has no folder");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
