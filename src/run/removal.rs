//! The removal of a folder with all that is in it, by whoever may: through folders without permissions, never through a
//! link, and never into another file system that is mounted below.

use crate::process::mounts::mounts;
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, SFlag, fchmod, fstat, fstatat};
use nix::unistd::{UnlinkatFlags, unlinkat};
use std::ffi::{CStr, CString, OsStr};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Removes `folder`; that it is not there is no error. What can be removed is, also where something cannot.
///
/// # Errors
/// Why something of it is still there.
pub(super) fn remove_folder(folder: &Path) -> io::Result<()> {
    let whole = std::path::absolute(folder)?;
    let (Some(parent), Some(name)) = (whole.parent(), whole.file_name()) else {
        return Err(io::Error::other("the root is no folder to be removed"));
    };
    let parent = match openat(AT_FDCWD, parent, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty()) {
        Ok(parent) => parent,
        Err(Errno::ENOENT) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let root = std::fs::canonicalize(whole.parent().unwrap_or(Path::new("/")))?.join(name);
    let mut mounted: Vec<PathBuf> = mounts()?.into_iter().map(|mount| mount.point).collect();
    mounted.retain(|point| point.starts_with(&root));
    let mut removal = Removal { mounted, first_error: None };
    let name = CString::new(name.as_bytes())?;
    let above = FileSystem::of(parent.as_fd())?;
    removal.remove(parent.as_fd(), &name, &root, above);
    removal.first_error.map_or(Ok(()), Err)
}

struct Removal {
    /// The mount points within.
    mounted: Vec<PathBuf>,
    first_error: Option<io::Error>,
}

impl Removal {
    /// Removes one entry of `parent`, whatever it is. `above` is where `parent` is.
    fn remove(&mut self, parent: BorrowedFd<'_>, name: &CStr, path: &Path, above: FileSystem) {
        if let Err(error) = self.try_to_remove(parent, name, path, above) {
            let named = io::Error::new(error.kind(), format!("{}: {error}", path.display()));
            self.first_error.get_or_insert(named);
        }
    }

    fn try_to_remove(&mut self, parent: BorrowedFd<'_>, name: &CStr, path: &Path, above: FileSystem) -> io::Result<()> {
        let found = match fstatat(parent, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Err(Errno::ENOENT) => return Ok(()),
            other => other?,
        };
        let is_folder = SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT == SFlag::S_IFDIR;
        let is_mounted = || io::Error::new(io::ErrorKind::ResourceBusy, "something is mounted there");
        if self.mounted.iter().any(|point| point == path) {
            return Err(is_mounted());
        }
        if !is_folder {
            // A file that something was mounted on meanwhile is kept by the kernel.
            return gone(unlinkat(parent, name, UnlinkatFlags::NoRemoveDir));
        }
        let place = openat(parent, name, OFlag::O_PATH | ONLY_FOLDER, Mode::empty())?;
        if FileSystem::of(place.as_fd())? != above {
            return Err(is_mounted());
        }
        let folder = open(&place)?;
        let mut inside = Dir::from_fd(folder)?;
        let names: Vec<CString> = inside
            .iter()
            .filter_map(|entry| Some(entry.ok()?.file_name().to_owned()))
            .filter(|name| !matches!(name.to_bytes(), b"." | b".."))
            .collect();
        for name in names {
            let below = path.join(OsStr::from_bytes(name.to_bytes()));
            self.remove(inside.as_fd(), &name, &below, above);
        }
        match gone(unlinkat(parent, name, UnlinkatFlags::RemoveDir)) {
            // What is in the way has been told.
            Err(error) if error.raw_os_error() == Some(libc::ENOTEMPTY) && self.first_error.is_some() => Ok(()),
            other => other,
        }
    }
}

fn gone(result: nix::Result<()>) -> io::Result<()> {
    match result {
        Err(Errno::ENOENT) => Ok(()),
        other => Ok(other?),
    }
}

/// A link that has taken a folder's place is an error.
const ONLY_FOLDER: OFlag = OFlag::O_DIRECTORY.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// What a folder belongs to, as far as mounts go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FileSystem {
    /// The number of the mount.
    Mount(u64),
    /// Its device, where the kernel does not tell the mount. Files say nothing here: in an overlay they may have the
    /// device of a layer, while every folder has that of the overlay.
    Device(u64),
}

impl FileSystem {
    fn of(folder: BorrowedFd<'_>) -> io::Result<Self> {
        let facts =
            std::fs::read_to_string(format!("/proc/thread-self/fdinfo/{}", folder.as_raw_fd())).unwrap_or_default();
        let mount = facts.lines().find_map(|line| line.strip_prefix("mnt_id:")?.trim().parse().ok());
        Ok(match mount {
            Some(mount) => Self::Mount(mount),
            None => Self::Device(fstat(folder)?.st_dev),
        })
    }
}

/// Opens a folder to be read, with the rights that its owner needs in there.
fn open(place: &OwnedFd) -> io::Result<OwnedFd> {
    const OWNER: u32 = 0o700;
    if fstat(place)?.st_mode & OWNER != OWNER {
        // A descriptor of this kind cannot be changed itself, but what it stands for can. If that is forbidden, what
        // follows says so.
        let itself = format!("/proc/thread-self/fd/{}", place.as_raw_fd());
        let _ = nix::sys::stat::fchmodat(
            AT_FDCWD,
            itself.as_str(),
            Mode::from_bits_truncate(OWNER),
            nix::sys::stat::FchmodatFlags::FollowSymlink,
        );
    }
    let folder = openat(place, c".", OFlag::O_RDONLY | ONLY_FOLDER, Mode::empty())?;
    let _ = fchmod(&folder, Mode::from_bits_truncate(OWNER));
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn everything_in_it_goes_and_nothing_that_a_link_leads_to() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let at = |name: &str| root.path().join(name);
        fs::create_dir_all(at("work/deep/er")).expect("is made");
        fs::create_dir_all(at("else")).expect("is made");
        fs::write(at("else/kept"), "x").expect("is written");
        fs::write(at("work/deep/er/file"), "x").expect("is written");
        symlink(at("else"), at("work/deep/link")).expect("is linked");
        symlink("nowhere", at("work/dangling")).expect("is linked");
        fs::set_permissions(at("work/deep/er"), fs::Permissions::from_mode(0o0)).expect("is ours");
        fs::set_permissions(at("work/deep"), fs::Permissions::from_mode(0o0)).expect("is ours");
        remove_folder(&at("work")).expect("is removed");
        assert!(!at("work").exists());
        assert!(at("else/kept").exists());
        remove_folder(&at("work")).expect("is gone already");
        remove_folder(&at("no/such/parent")).expect("is gone already");
    }

    /// In an overlay (any container) files may have another device than their folder; only a mount stops it, also one
    /// of the same file system, and also one that the list of mounts did not have yet.
    #[test]
    fn an_overlay_is_emptied_and_a_mount_in_it_stays() {
        use nix::mount::{MsFlags, mount};
        let root = tempfile::tempdir().expect("a temporary folder");
        let at = |name: &str| root.path().join(name);
        let none = None::<&str>;
        let alone = || -> nix::Result<()> {
            // SAFETY: only this thread sees the mounts that it makes from here on.
            Errno::result(unsafe { libc::unshare(libc::CLONE_NEWNS) })?;
            mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
            for layer in ["lower", "upper", "merged"] {
                fs::create_dir(at(layer)).expect("is made");
            }
            mount(Some("tmpfs"), &at("lower"), Some("tmpfs"), MsFlags::empty(), none)?;
            mount(Some("tmpfs"), &at("upper"), Some("tmpfs"), MsFlags::empty(), none)?;
            for folder in ["lower/work/deep", "upper/up", "upper/work"] {
                fs::create_dir_all(at(folder)).expect("is made");
            }
            fs::write(at("lower/work/deep/old"), "secret").expect("is written");
            let layers = format!(
                "lowerdir={0}/lower,upperdir={0}/upper/up,workdir={0}/upper/work,xino=off",
                root.path().display()
            );
            mount(Some("overlay"), &at("merged"), Some("overlay"), MsFlags::empty(), Some(layers.as_str()))
        };
        let removed = |at: &dyn Fn(&str) -> PathBuf| {
            use std::os::unix::fs::MetadataExt as _;
            let device = |name: &str| fs::symlink_metadata(at(name)).expect("is there").dev();
            fs::write(at("merged/work/new"), "secret").expect("is written");
            assert_ne!(device("merged/work"), device("merged/work/new"), "the test shows nothing here");
            remove_folder(&at("merged/work")).expect("is removed");
            assert!(!at("merged/work").exists());

            fs::create_dir_all(at("merged/work/mounted")).expect("is made");
            fs::create_dir_all(at("merged/else")).expect("is made");
            fs::write(at("merged/else/kept"), "x").expect("is written");
            fs::write(at("merged/work/new"), "secret").expect("is written");
            mount(Some(&at("merged/else")), &at("merged/work/mounted"), none, MsFlags::MS_BIND, none).expect("may");
            let error = remove_folder(&at("merged/work")).expect_err("something is mounted");
            assert!(error.to_string().contains("work/mounted: something is mounted there"), "{error}");
            assert!(at("merged/else/kept").exists() && !at("merged/work/new").exists());
        };
        std::thread::scope(|scope| {
            // The mounts are this thread's alone, and go with it.
            scope.spawn(|| match alone() {
                Ok(()) => removed(&at),
                Err(error) => eprintln!("skipped: no overlay can be mounted here ({error})"),
            });
        });
    }

    #[test]
    fn a_link_in_its_place_goes_itself() {
        let root = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(root.path().join("else")).expect("is made");
        symlink("else", root.path().join("work")).expect("is linked");
        remove_folder(&root.path().join("work")).expect("is removed");
        assert!(root.path().join("else").exists() && fs::symlink_metadata(root.path().join("work")).is_err());
    }
}
