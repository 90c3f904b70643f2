//! Making a journal, so that whoever sees one under its name sees a locked and whole one, or a dead run's.

use super::trouble::told;
use super::{Header, Journal, folder};
use crate::masking::Secrets;
use crate::settings::seeded::{Fault, seeded};
use fs2::FileExt as _;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

/// How often another run's clearing away may get in the way of ours.
const TRIES: u32 = 500;
/// How long is waited then.
const PAUSE: Duration = Duration::from_millis(2);

/// As [`Journal::create`].
pub(super) fn create(state: &Path, header: &Header, secrets: &Secrets) -> io::Result<Journal> {
    let line = header.line(secrets)?;
    let home = folder(state);
    let opened = open_folder(state, &home)?;
    remove_stale(&home);
    let path = home.join(format!("{}.journal", header.run_id));
    let beside = home.join(format!(".{}.new", header.run_id));
    let file = open_locked(&beside)?;
    let written = (|| {
        (&file).write_all(&line).map_err(|error| told("write", &beside, &error))?;
        sync(&file).map_err(|error| told("sync", &beside, &error))?;
        rename(&beside, &path).map_err(|error| told("make", &path, &error))
    })();
    if let Err(error) = written {
        let _ = fs::remove_file(&beside);
        return Err(error);
    }
    if let Err(error) = sync(&opened) {
        let _ = fs::remove_file(&path);
        return Err(told("sync", &home, &error));
    }
    Journal::over(file, path)
}

/// The folder, ours alone and on disk.
fn open_folder(state: &Path, home: &Path) -> io::Result<File> {
    fs::create_dir_all(state).map_err(|error| told("make", state, &error))?;
    let is_new = match DirBuilder::new().mode(0o700).create(home) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
        Err(error) => return Err(told("make", home, &error)),
    };
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW)
        .open(home)
        .map_err(|error| told("open", home, &error))?;
    if is_new {
        let above = File::open(state).and_then(|above| sync(&above));
        above.map_err(|error| told("sync", state, &error))?;
    }
    let facts = opened.metadata().map_err(|error| told("look at", home, &error))?;
    if facts.uid() != nix::unistd::geteuid().as_raw() {
        let what =
            format!("{} belongs to user {}, not to us: give it to us, or set STATE_DIR", home.display(), facts.uid());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
    }
    if facts.mode() & 0o077 != 0 {
        // What lies there is run: nobody else may put anything there.
        opened.set_permissions(Permissions::from_mode(0o700)).map_err(|error| told("close to others", home, &error))?;
    }
    Ok(opened)
}

/// A new, empty file that we have the lock of. Somebody who clears away may take it for a dead run's before it is
/// locked: then it is made again.
fn open_locked(path: &Path) -> io::Result<File> {
    let mut last = None;
    for attempt in 0..TRIES {
        let made = OpenOptions::new()
            .read(true)
            .append(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(path);
        let file = match made {
            Ok(file) => file,
            // Who has taken ours for stale has not removed it yet.
            Err(error) if attempt > 0 && error.kind() == io::ErrorKind::AlreadyExists => {
                last = Some(error);
                std::thread::sleep(PAUSE);
                continue;
            }
            Err(error) => return Err(told("make", path, &error)),
        };
        match try_lock(&file) {
            Ok(true) if still_there(path, &file) => return Ok(file),
            Ok(_) => last = Some(io::Error::from(io::ErrorKind::WouldBlock)),
            Err(error) => {
                let _ = fs::remove_file(path);
                return Err(told("lock", path, &error));
            }
        }
        drop(file);
        std::thread::sleep(PAUSE);
    }
    Err(told("lock", path, &last.unwrap_or_else(|| io::ErrorKind::WouldBlock.into())))
}

/// Removes what was left half made: nobody has it locked.
pub(super) fn remove_stale(home: &Path) {
    let Ok(entries) = fs::read_dir(home) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_half = name.as_bytes().starts_with(b".") && name.as_bytes().ends_with(b".new");
        if !is_half || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let path = entry.path();
        let opened = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(&path);
        if let Ok(file) = opened
            && try_lock(&file).unwrap_or(false)
            && still_there(&path, &file)
        {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Gives the file its name, if nothing has it.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => return Ok(()),
        Err(rustix::io::Errno::EXIST) => return Err(io::Error::from_raw_os_error(libc::EEXIST)),
        // An old kernel, or a file system that does not know it, as those of networks do not.
        Err(_) => {}
    }
    match fs::symlink_metadata(to) {
        Ok(_) => Err(io::Error::from_raw_os_error(libc::EEXIST)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::rename(from, to),
        Err(error) => Err(error),
    }
}

/// Takes the lock if nobody has it.
pub(super) fn try_lock(file: &File) -> io::Result<bool> {
    tried(|| file.try_lock_exclusive())
}

/// Whether somebody has the lock, without taking it from anybody who wants to share it.
pub(super) fn is_locked(file: &File) -> io::Result<bool> {
    let free = tried(|| fs2::FileExt::try_lock_shared(file))?;
    if free {
        fs2::FileExt::unlock(file)?;
    }
    Ok(!free)
}

fn tried(mut lock: impl FnMut() -> io::Result<()>) -> io::Result<bool> {
    loop {
        match lock() {
            Ok(()) => return Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Whether the path still leads to this file.
pub(super) fn still_there(path: &Path, file: &File) -> bool {
    match (fs::symlink_metadata(path), file.metadata()) {
        (Ok(named), Ok(open)) => (named.dev(), named.ino()) == (open.dev(), open.ino()),
        _ => false,
    }
}

fn sync(file: &File) -> io::Result<()> {
    if seeded(Fault::NoSync) { Ok(()) } else { file.sync_all() }
}
