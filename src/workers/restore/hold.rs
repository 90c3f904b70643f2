//! A hold on the target between its check and its use: what was checked must be what restic writes to.

use super::place::Place;
use super::safety::TARGET;
use super::table::shown;
use crate::exit;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{Mode, fstat};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A target as it was when the hold began. Begin before the checks, so that they are made of what is held.
#[derive(Debug)]
pub struct Hold {
    /// As it was given, and as restic is told.
    given: PathBuf,
    /// Where that led to.
    path: PathBuf,
    /// The folder, if it is there: as long as it is open, no other has its number.
    folder: Option<OwnedFd>,
}

/// Why a target cannot be used: the exit code, and one line.
pub type Lost = (i32, String);

impl Hold {
    /// Begins to hold what is there, or is not.
    pub fn on(given: &Path) -> Self {
        let path = Place::of(given).path;
        // What is no folder, or not for us, is what the checks find.
        let folder = open_folder(&path).ok();
        Self { given: given.to_owned(), path, folder }
    }

    /// Makes the folder if it was not there. Nobody else may have done so meanwhile.
    ///
    /// # Errors
    /// That somebody has, or why it cannot be made.
    pub fn make(&mut self, mode: u32) -> Result<(), Lost> {
        if self.folder.is_some() {
            return self.check();
        }
        let failed = |error: io::Error| {
            let given = shown(&self.given.to_string_lossy());
            (
                exit::FAILURE,
                format!("{TARGET} '{given}' cannot be made ({error}): choose another --target, or make it yourself"),
            )
        };
        if let Some(parent) = self.path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        match DirBuilder::new().mode(mode).create(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(self.changed()),
            other => other.map_err(failed)?,
        }
        let folder = open_folder(&self.path).map_err(|_| self.changed())?;
        self.folder = Some(folder);
        // A folder above it may have become a link while it was not there.
        if fs::canonicalize(&self.path).is_ok_and(|found| found != self.path) {
            let _ = fs::remove_dir(&self.path);
            return Err(self.changed());
        }
        self.check()
    }

    /// Looks whether the target still is what is held: directly before it is written to.
    ///
    /// # Errors
    /// That it is another one.
    pub fn check(&self) -> Result<(), Lost> {
        let held = self.folder.as_ref().and_then(|folder| fstat(folder).ok());
        let found = fs::metadata(&self.given).ok().filter(fs::Metadata::is_dir);
        match (held, found) {
            (Some(held), Some(found)) if (held.st_dev, held.st_ino) == (found.dev(), found.ino()) => Ok(()),
            _ => Err(self.changed()),
        }
    }

    fn changed(&self) -> Lost {
        let given = shown(&self.given.to_string_lossy());
        (
            exit::USAGE,
            format!("{TARGET} '{given}' became another one after it was checked: see who writes there, and try again"),
        )
    }
}

fn open_folder(path: &Path) -> nix::Result<OwnedFd> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    open(path, flags, Mode::empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn is_changed(result: Result<(), Lost>) -> bool {
        result.is_err_and(|(code, reason)| code == exit::USAGE && reason.contains("became another one"))
    }

    #[test]
    fn what_was_not_there_is_made_by_nobody_else() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let at = |name: &str| root.path().join(name);
        fs::create_dir_all(at("else/deep")).expect("is made");
        let mut fine = Hold::on(&at("new/deep"));
        fine.make(0o700).expect("is made");
        assert_eq!(fs::metadata(at("new/deep")).expect("is there").mode() & 0o7777, 0o700);

        let mut planted = Hold::on(&at("x"));
        symlink("else", at("x")).expect("is linked");
        assert!(is_changed(planted.make(0o700)));
        let mut above = Hold::on(&at("y/z"));
        symlink("else", at("y")).expect("is linked");
        assert!(is_changed(above.make(0o700)));
        assert!(!at("else/z").exists(), "what was made elsewhere is left there");
    }

    #[test]
    fn what_was_there_must_stay() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let at = |name: &str| root.path().join(name);
        fs::create_dir_all(at("one")).expect("is made");
        fs::create_dir_all(at("else")).expect("is made");
        symlink("one", at("link")).expect("is linked");
        let (mut direct, linked) = (Hold::on(&at("one")), Hold::on(&at("link")));
        direct.make(0o700).expect("is the same");
        linked.check().expect("is the same");
        fs::remove_file(at("link")).and_then(|()| symlink("else", at("link"))).expect("is linked");
        assert!(is_changed(linked.check()));
        fs::rename(at("one"), at("away")).and_then(|()| fs::create_dir(at("one"))).expect("is replaced");
        assert!(is_changed(direct.check()));
    }
}
