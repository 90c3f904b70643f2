//! What lies below a folder, byte by byte: to compare two trees, and to see that nothing has changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// One entry of a tree, with all that a restore should bring back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// With its mode.
    Folder(u32),
    /// With its mode and its bytes.
    File(u32, Vec<u8>),
    /// With what it leads to.
    Link(PathBuf),
    /// A lock, a pipe, a socket.
    Other,
}

/// Every entry below `folder`, by its path from there; empty if the folder is not there.
pub fn tree(folder: &Path) -> BTreeMap<PathBuf, Entry> {
    let mut found = BTreeMap::new();
    add(folder, Path::new(""), &mut found);
    found
}

fn add(root: &Path, below: &Path, found: &mut BTreeMap<PathBuf, Entry>) {
    let Ok(entries) = fs::read_dir(root.join(below)) else { return };
    for entry in entries.flatten() {
        let part = below.join(entry.file_name());
        let path = entry.path();
        let facts = fs::symlink_metadata(&path).expect("is there");
        let mode = facts.permissions().mode() & 0o7777;
        let what = if facts.is_dir() {
            Entry::Folder(mode)
        } else if facts.is_symlink() {
            Entry::Link(fs::read_link(&path).expect("is a link"))
        } else if facts.is_file() {
            Entry::File(mode, fs::read(&path).expect("can be read"))
        } else {
            Entry::Other
        };
        let is_folder = matches!(what, Entry::Folder(_));
        found.insert(part.clone(), what);
        if is_folder {
            add(root, &part, found);
        }
    }
}

/// The paths of the files of a tree, with slashes.
pub fn files(folder: &Path) -> Vec<String> {
    let names = tree(folder).into_iter().filter(|(_, entry)| matches!(entry, Entry::File(..)));
    names.map(|(path, _)| String::from_utf8_lossy(&path.into_os_string().into_vec()).into_owned()).collect()
}

/// The paths that are in one of two trees alone, or differ.
pub fn changes(before: &BTreeMap<PathBuf, Entry>, after: &BTreeMap<PathBuf, Entry>) -> Vec<PathBuf> {
    let paths: BTreeSet<&PathBuf> = before.keys().chain(after.keys()).collect();
    paths.into_iter().filter(|path| before.get(*path) != after.get(*path)).cloned().collect()
}

/// Asserts that two trees are the same, and names what differs.
#[track_caller]
pub fn assert_same(before: &BTreeMap<PathBuf, Entry>, after: &BTreeMap<PathBuf, Entry>) {
    let changes = changes(before, after);
    assert!(changes.is_empty(), "these differ: {changes:?}");
}
