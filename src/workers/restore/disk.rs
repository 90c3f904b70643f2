//! The target folder on disk: whether it could be used, and what lies in it. Looking changes nothing.

use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::{AccessFlags, faccessat};
use std::fs;
use std::io;
use std::path::Path;

/// Why a folder cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unusable {
    /// It is there, and no folder.
    NoFolder,
    /// It is there, and may not be written to.
    NotWritable(String),
    /// It is not there, and cannot be made.
    NotCreatable(String),
}

/// Whether `folder` can be written to, or made, without doing either.
pub fn usable(folder: &Path) -> Result<(), Unusable> {
    match fs::metadata(folder) {
        Ok(found) if !found.is_dir() => Err(Unusable::NoFolder),
        Ok(_) => writable(folder).map_err(Unusable::NotWritable),
        Err(error) if error.kind() == io::ErrorKind::NotFound => creatable(folder).map_err(Unusable::NotCreatable),
        Err(error) => Err(Unusable::NotCreatable(error.to_string())),
    }
}

/// The nearest folder above that is there decides.
fn creatable(folder: &Path) -> Result<(), String> {
    // A link to nothing counts as there: no folder can be made in its place.
    let Some(parent) = folder.ancestors().find(|parent| fs::symlink_metadata(parent).is_ok()) else {
        return Err("no folder above it is there".to_owned());
    };
    match fs::metadata(parent) {
        Ok(found) if !found.is_dir() => Err(format!("{} is not a folder", parent.display())),
        Ok(_) => writable(parent).map_err(|error| format!("{}: {error}", parent.display())),
        Err(error) => Err(format!("{}: {error}", parent.display())),
    }
}

fn writable(folder: &Path) -> Result<(), String> {
    faccessat(AT_FDCWD, folder, AccessFlags::W_OK | AccessFlags::X_OK, AtFlags::AT_EACCESS)
        .map_err(|error| error.desc().to_owned())
}

/// Whether anything lies in `folder`; a folder that is not there is empty.
///
/// # Errors
/// When it cannot be read.
pub fn is_empty(folder: &Path) -> io::Result<bool> {
    match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().transpose().map(|entry| entry.is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_makes_nothing() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let target = root.path().join("a/b/c");
        assert_eq!(usable(&target), Ok(()));
        assert!(is_empty(&target).expect("is nothing"));
        assert!(!root.path().join("a").exists());
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let file = root.path().join("file");
        fs::write(&file, "x").expect("is written");
        assert_eq!(usable(&file), Err(Unusable::NoFolder));
        assert!(matches!(usable(&file.join("below")), Err(Unusable::NotCreatable(_))));
        std::os::unix::fs::symlink("nothing", root.path().join("dangling")).expect("is linked");
        assert!(matches!(usable(&root.path().join("dangling")), Err(Unusable::NotCreatable(_))));
        assert!(!is_empty(root.path()).expect("can be read"));
    }
}
