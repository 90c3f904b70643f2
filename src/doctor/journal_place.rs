//! Whether a run could write its journal into `STATE_DIR`, and whether that outlives the container: judged by looking.

use crate::hooks::{Access, may, reason};
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::geteuid;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Where journals lie.
pub(super) fn home(state: &Path) -> PathBuf {
    state.join("journal")
}

/// The folder of journals, or the nearest above it that is there: it would be made there.
fn nearest(state: &Path) -> PathBuf {
    let home = home(state);
    home.ancestors().find(|path| path.symlink_metadata().is_ok()).unwrap_or(Path::new("/")).to_owned()
}

/// Why no journal could be written here, with the mend; `None` if nothing speaks against it.
pub(super) fn obstacle(state: &Path) -> Option<String> {
    let (home, place) = (home(state), nearest(state));
    let shown = place.display();
    let facts = match place.symlink_metadata() {
        // Above it a link is followed; it is none itself: what lies there is run.
        Ok(facts) if facts.is_symlink() && place != home => place.metadata(),
        other => other,
    };
    let facts = match facts {
        Ok(facts) => facts,
        Err(error) => return Some(format!("{shown} cannot be looked at ({}): set STATE_DIR", reason(&error))),
    };
    if !facts.is_dir() {
        return Some(format!("{shown} is no folder: move it away, or set STATE_DIR"));
    }
    let us = geteuid().as_raw();
    if place == home && facts.uid() != us {
        return Some(format!(
            "{shown} belongs to user {}, not to {us}: give it to {us}, or set STATE_DIR",
            facts.uid()
        ));
    }
    let system = statvfs(&place).ok();
    if system.is_some_and(|system| system.flags().contains(FsFlags::ST_RDONLY)) {
        return Some(format!("{shown} is mounted read-only: mount it for writing, or point STATE_DIR elsewhere"));
    }
    if !may(&place, Access::Write) || !may(&place, Access::Execute) {
        return Some(format!("user {us} may not write into {shown}: give it to {us}, or set STATE_DIR"));
    }
    if let Some(system) = system {
        // The kernel keeps a part of some file systems for root.
        let blocks = if us == 0 { system.blocks_free() } else { system.blocks_available() };
        let inodes = if us == 0 { system.files_free() } else { system.files_available() };
        let full = if system.blocks() > 0 && blocks == 0 {
            Some("has no room left")
        } else if system.files() > 0 && inodes == 0 {
            Some("has no room for another file")
        } else {
            None
        };
        if let Some(full) = full {
            return Some(format!("{shown} {full}: free some, or point STATE_DIR elsewhere"));
        }
    }
    unlockable(&place).map(|error| {
        let why = reason(&error);
        format!(
            "nothing in {shown} can be locked ({why}): its file system knows no flock; point STATE_DIR at one that does"
        )
    })
}

/// What the system says where it knows no locks. A file tells more than its folder: the locks of those are the kernel's own
/// on some systems.
fn unlockable(place: &Path) -> Option<io::Error> {
    let file = fs::read_dir(place).into_iter().flatten().flatten().find_map(|entry| {
        let facts = entry.metadata().ok().filter(|facts| facts.is_file() && facts.uid() == geteuid().as_raw());
        facts.and_then(|_| open(&entry.path()))
    });
    let Err(TryLockError::Error(error)) = file.or_else(|| open(place))?.try_lock_shared() else { return None };
    // Let go when it is closed.
    let refused = [libc::ENOLCK, libc::EOPNOTSUPP, libc::ENOSYS, libc::EINVAL];
    error.raw_os_error().is_some_and(|number| refused.contains(&number)).then_some(error)
}

fn open(path: &Path) -> Option<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path).ok()
}

/// Kinds of file system that go with their container (statfs(2)): overlayfs, tmpfs, aufs, ramfs.
const FLEETING: [u32; 4] = [0x794c_7630, 0x0102_1994, 0x6175_6673, 0x8584_58f6];

/// Whether what lies in `STATE_DIR` goes with the container.
pub(super) fn goes_with_the_container(state: &Path) -> bool {
    let device = |path: &Path| path.metadata().map(|facts| facts.dev()).ok();
    let root = Path::new("/");
    let kind = rustix::fs::statfs(root).map_or(0, |system| system.f_type as u32);
    is_fleeting(kind, device(root), device(&nearest(state)))
}

/// Whether a place on `device` goes with a root file system of this kind on this device. Outside of a container the root
/// is on a disk.
fn is_fleeting(kind: u32, root: Option<u64>, device: Option<u64>) -> bool {
    FLEETING.contains(&kind) && root.is_some() && root == device
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_folder_that_is_ours_or_can_be_made_is_in_order() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(obstacle(folder.path()), None);
        assert_eq!(obstacle(&folder.path().join("not/there/yet")), None);
        fs::create_dir(folder.path().join("journal")).expect("is made");
        fs::write(folder.path().join("journal/x.journal"), "").expect("is written");
        assert_eq!(obstacle(folder.path()), None);
    }

    #[test]
    fn what_is_in_the_way_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        fs::write(&file, "").expect("is written");
        assert!(obstacle(&file).expect("is a file").contains("file is no folder: move it away"));
        symlink("/tmp", folder.path().join("journal")).expect("is linked");
        assert!(obstacle(folder.path()).expect("is a link").contains("journal is no folder"));
        // A link above is as good as the folder.
        let link = folder.path().join("link");
        fs::create_dir(folder.path().join("real")).expect("is made");
        symlink(folder.path().join("real"), &link).expect("is linked");
        assert_eq!(obstacle(&link), None);
    }

    #[test]
    fn only_what_lies_on_the_root_of_a_container_goes_with_it() {
        for (kind, root, device, fleeting) in [
            (0x794c_7630, Some(1), Some(1), true),
            (0x0102_1994, Some(1), Some(1), true),
            (0x794c_7630, Some(1), Some(2), false),
            // A disk.
            (0xef53, Some(1), Some(1), false),
            (0x794c_7630, None, None, false),
        ] {
            assert_eq!(is_fleeting(kind, root, device), fleeting, "{kind:x} {root:?} {device:?}");
        }
    }
}
