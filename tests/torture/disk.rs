//! What a power cut leaves: of each file what it held when it was last synced, of each folder its entries when that was.
//!
//! The strictest reading of the manual: an entry that was made, renamed or removed after its folder was last synced is
//! as it was before, and a file that was never synced is empty. A real file system loses less.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// A file or folder, also if its number is given to another one later.
type Node = (u64, Option<std::time::SystemTime>);

#[derive(Debug, Clone)]
enum Entry {
    File(Node, u32),
    Folder(Node, u32),
    Link(PathBuf),
}

/// What is on the disk for good.
#[derive(Debug, Default)]
pub struct Disk {
    roots: Vec<PathBuf>,
    files: HashMap<Node, Vec<u8>>,
    folders: HashMap<Node, BTreeMap<OsString, Entry>>,
    /// How often something was synced.
    pub syncs: u32,
}

fn node(facts: &fs::Metadata) -> Node {
    (facts.ino(), facts.created().ok())
}

impl Disk {
    /// Everything below these folders is on the disk now.
    pub fn new(roots: &[PathBuf]) -> Self {
        let mut disk = Self { roots: roots.to_vec(), ..Self::default() };
        disk.sync_all();
        disk.syncs = 0;
        disk
    }

    /// As `sync(2)`.
    pub fn sync_all(&mut self) {
        for root in self.roots.clone() {
            self.sync_below(&root);
        }
    }

    fn sync_below(&mut self, path: &Path) {
        let _ = self.sync(path);
        let Ok(facts) = fs::symlink_metadata(path) else { return };
        if facts.is_dir() {
            for entry in fs::read_dir(path).into_iter().flatten().flatten() {
                self.sync_below(&entry.path());
            }
        }
    }

    /// The process `pid` has synced this descriptor.
    pub fn sync_descriptor(&mut self, pid: i32, descriptor: i32) {
        let at = PathBuf::from(format!("/proc/{pid}/fd/{descriptor}"));
        let Ok(leads_to) = fs::read_link(&at) else { return };
        if self.roots.iter().any(|root| leads_to.starts_with(root)) {
            let _ = self.sync(&at);
        }
    }

    fn sync(&mut self, path: &Path) -> io::Result<()> {
        let facts = fs::metadata(path)?;
        self.syncs += 1;
        if facts.is_file() {
            self.files.insert(node(&facts), fs::read(path)?);
        } else if facts.is_dir() {
            let mut entries = BTreeMap::new();
            for entry in fs::read_dir(path)? {
                let entry = entry?;
                // Not followed.
                let Ok(facts) = entry.metadata() else { continue };
                let kept = match facts.file_type() {
                    kind if kind.is_dir() => Entry::Folder(node(&facts), facts.permissions().mode()),
                    kind if kind.is_file() => Entry::File(node(&facts), facts.permissions().mode()),
                    kind if kind.is_symlink() => Entry::Link(fs::read_link(entry.path())?),
                    _ => continue,
                };
                entries.insert(entry.file_name(), kept);
            }
            self.folders.insert(node(&facts), entries);
        }
        Ok(())
    }

    /// Makes the folders what a power cut leaves of them. Nobody may write to them any more.
    pub fn restore(&self) -> io::Result<()> {
        for root in &self.roots {
            let of = node(&fs::metadata(root)?);
            for entry in fs::read_dir(root)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    fs::remove_dir_all(entry.path())?;
                } else {
                    fs::remove_file(entry.path())?;
                }
            }
            self.fill(root, of)?;
        }
        Ok(())
    }

    fn fill(&self, folder: &Path, of: Node) -> io::Result<()> {
        for (name, entry) in self.folders.get(&of).into_iter().flatten() {
            let path = folder.join(name);
            match entry {
                Entry::Folder(node, mode) => {
                    fs::create_dir(&path)?;
                    self.fill(&path, *node)?;
                    fs::set_permissions(&path, fs::Permissions::from_mode(*mode))?;
                }
                Entry::File(node, mode) => {
                    fs::write(&path, self.files.get(node).map_or(&[][..], Vec::as_slice))?;
                    fs::set_permissions(&path, fs::Permissions::from_mode(*mode))?;
                }
                Entry::Link(to) => std::os::unix::fs::symlink(to, &path)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::fd::AsRawFd as _;

    fn sync(disk: &mut Disk, file: &File) {
        disk.sync_descriptor(std::process::id() as i32, file.as_raw_fd());
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .expect("can be read")
            .map(|entry| entry.expect("can be read").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_was_not_synced_is_lost_and_what_was_is_there() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = |name: &str| folder.path().join(name);
        fs::write(at("old"), "before").expect("is written");
        fs::write(at("gone"), "gone").expect("is written");
        let mut disk = Disk::new(&[folder.path().to_owned()]);
        // Written, synced, written again; removed and renamed without the folder's sync; made without any.
        fs::write(at("old"), "first").expect("is written");
        sync(&mut disk, &File::open(at("old")).expect("is there"));
        fs::write(at("old"), "second").expect("is written");
        fs::remove_file(at("gone")).expect("is removed");
        fs::write(at("beside"), "new").expect("is written");
        sync(&mut disk, &File::open(at("beside")).expect("is there"));
        fs::rename(at("beside"), at("new")).expect("is renamed");
        disk.restore().expect("can be written");
        assert_eq!(names(folder.path()), ["gone", "old"]);
        assert_eq!(fs::read_to_string(at("old")).expect("is there"), "first");
        assert_eq!(fs::read_to_string(at("gone")).expect("is there"), "gone");
    }

    #[test]
    fn a_rename_is_kept_with_the_folders_sync_and_a_file_without_its_own_is_empty() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = |name: &str| folder.path().join(name);
        let mut disk = Disk::new(&[folder.path().to_owned()]);
        fs::write(at("a"), "a").expect("is written");
        sync(&mut disk, &File::open(at("a")).expect("is there"));
        fs::rename(at("a"), at("b")).expect("is renamed");
        fs::write(at("c"), "never synced").expect("is written");
        fs::create_dir(at("folder")).expect("is made");
        sync(&mut disk, &File::open(folder.path()).expect("is there"));
        fs::write(at("folder/d"), "d").expect("is written");
        disk.restore().expect("can be written");
        assert_eq!(names(folder.path()), ["b", "c", "folder"]);
        assert_eq!(fs::read_to_string(at("b")).expect("is there"), "a");
        assert_eq!(fs::read_to_string(at("c")).expect("is there"), "");
        assert_eq!(names(&at("folder")), [""; 0]);
    }
}
