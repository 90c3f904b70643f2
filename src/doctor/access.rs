//! What the running user may do with the files and folders that settings name.

use crate::hooks::{Access, may};
use std::path::Path;

/// Whether it is something that can be read as a file.
pub(super) fn readable(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| !found.is_dir()) && may(path, Access::Read)
}

/// Whether it is a folder whose entries can be read.
pub(super) fn readable_folder(path: &Path) -> bool {
    path.is_dir() && may(path, Access::Read) && may(path, Access::Execute)
}

/// How a folder that is to be written into stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Folder {
    /// Ready.
    Writable,
    /// There, but not for us to write into, or no folder.
    Closed,
    /// Not there, and can be made.
    Creatable,
    /// Not there, and cannot be made.
    Missing,
}

impl Folder {
    pub(super) fn look(path: &Path) -> Self {
        if path.symlink_metadata().is_ok() {
            return if is_open(path) { Self::Writable } else { Self::Closed };
        }
        match path.ancestors().skip(1).find(|above| above.symlink_metadata().is_ok()) {
            Some(above) if is_open(above) => Self::Creatable,
            _ => Self::Missing,
        }
    }
}

fn is_open(folder: &Path) -> bool {
    folder.is_dir() && may(folder, Access::Write) && may(folder, Access::Execute)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_folder_below_one_that_is_there_can_be_made() {
        let folder = tempfile::tempdir().expect("there is room");
        fs::write(folder.path().join("file"), "x").expect("there is room");
        assert_eq!(Folder::look(folder.path()), Folder::Writable);
        assert_eq!(Folder::look(&folder.path().join("a/b/c")), Folder::Creatable);
        assert_eq!(Folder::look(&folder.path().join("file")), Folder::Closed);
        assert_eq!(Folder::look(&folder.path().join("file/a")), Folder::Missing);
    }

    #[test]
    fn a_folder_is_no_file_that_can_be_read() {
        let folder = tempfile::tempdir().expect("there is room");
        assert!(!readable(folder.path()) && readable_folder(folder.path()));
        assert!(!readable(&folder.path().join("none")));
    }
}
