//! What came back: the files below the target that this run has written.
//!
//! In a target that held something before, a file counts if it is new or if its status has changed since: restic sets
//! mode and times of each file that it restores, also of one that was there already and the same, and nobody can set
//! the time of that change.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What lay below a folder, each with its inode and the time of its last change.
#[derive(Debug, Default)]
pub struct Before(HashMap<PathBuf, (u64, i64, i64)>);

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Regular files.
    pub files: u64,
    /// Their sizes together.
    pub bytes: u64,
    /// Entries of any kind.
    pub entries: u64,
    /// The first folder that could not be looked into, with the reason; empty if there was none.
    pub unread: String,
}

/// What lies below `folder` now; links are not followed. What cannot be looked into now cannot be so later either.
pub fn before(folder: &Path) -> Before {
    let mut before = Before::default();
    walk(folder, &mut |path, facts| {
        before.0.insert(path, identity(facts));
    });
    before
}

/// What lies below `folder` and did not lie there before, or has been changed since.
pub fn since(folder: &Path, before: &Before) -> Counted {
    let mut counted = Counted::default();
    let unread = walk(folder, &mut |path, facts| {
        if before.0.get(&path).is_some_and(|then| *then == identity(facts)) {
            return;
        }
        counted.entries += 1;
        if facts.is_file() {
            counted.files += 1;
            counted.bytes += facts.len();
        }
    });
    counted.unread = unread.map(|error| error.to_string()).unwrap_or_default();
    counted
}

fn identity(facts: &fs::Metadata) -> (u64, i64, i64) {
    (facts.ino(), facts.ctime(), facts.ctime_nsec())
}

/// Shows every entry below `folder` with its path from the root; gives the first error, and goes on.
fn walk(folder: &Path, each: &mut dyn FnMut(PathBuf, &fs::Metadata)) -> Option<io::Error> {
    let mut ahead = vec![folder.to_owned()];
    let mut first = None;
    while let Some(folder) = ahead.pop() {
        let looked = fs::read_dir(&folder).and_then(|entries| {
            for entry in entries {
                let entry = entry?;
                let facts = entry.metadata()?;
                if facts.is_dir() {
                    ahead.push(entry.path());
                }
                each(entry.path(), &facts);
            }
            Ok(())
        });
        if let Err(error) = looked {
            first.get_or_insert_with(|| io::Error::new(error.kind(), format!("{}: {error}", folder.display())));
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn only_what_is_new_or_changed_counts() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let at = |name: &str| root.path().join(name);
        fs::create_dir(at("old")).expect("is made");
        fs::write(at("old/same"), "12").expect("is written");
        fs::write(at("old/again"), "345").expect("is written");
        let before = before(root.path());
        assert_eq!(since(root.path(), &before), Counted::default());

        fs::write(at("new"), "6789").expect("is written");
        symlink("/etc", at("link")).expect("is linked");
        // The clock of the file system ticks every few milliseconds.
        while since(root.path(), &before).files < 2 {
            fs::set_permissions(at("old/again"), fs::Permissions::from_mode(0o640)).expect("is changed");
        }
        let counted = since(root.path(), &before);
        assert_eq!((counted.files, counted.bytes, counted.entries), (2, 7, 3));
        assert_eq!(since(root.path(), &Before::default()).files, 3);
    }

    #[test]
    fn a_folder_that_cannot_be_read_is_named() {
        let counted = since(Path::new("/no/such/folder"), &Before::default());
        assert!(counted.unread.starts_with("/no/such/folder: "), "{}", counted.unread);
    }
}
