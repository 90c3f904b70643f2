//! `--owner`: who the restored files are to belong to.
//!
//! Everything goes through open folders and never follows a link, so that nothing outside the target changes, also
//! when somebody swaps a folder for a link meanwhile.

use super::table::shown;
use crate::process::Stop;
use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat};
use nix::sys::stat::Mode;
use nix::unistd::{Gid, Group, Uid, User, fchownat};
use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A user and a group; at least one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    uid: Option<Uid>,
    gid: Option<Gid>,
    /// As it was given.
    pub given: String,
}

/// Reads `UID:GID`, `UID` or `:GID`; names are looked up.
///
/// # Errors
/// A sentence that names the value and what to write instead.
pub fn parse(text: &str) -> Result<Owner, String> {
    let wrong = |what: &str| {
        format!("--owner '{}' {what}: write UID:GID, such as 1000:1000 (UID and :GID alone are allowed)", shown(text))
    };
    let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
    if group == Some("") || (user.is_empty() && group.is_none()) {
        return Err(wrong("is not a user and a group"));
    }
    let uid = match user {
        "" => None,
        _ => Some(number(user).map(Uid::from_raw).or_else(|| Some(User::from_name(user).ok()??.uid)))
            .map(|uid| uid.ok_or_else(|| wrong("names a user that is not known here")))
            .transpose()?,
    };
    let gid = match group {
        None => None,
        Some(name) => Some(number(name).map(Gid::from_raw).or_else(|| Some(Group::from_name(name).ok()??.gid)))
            .map(|gid| gid.ok_or_else(|| wrong("names a group that is not known here")))
            .transpose()?,
    };
    Ok(Owner { uid, gid, given: text.to_owned() })
}

/// A number that the kernel takes: the highest one means "leave it" to it.
fn number(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number != u32::MAX)
}

/// What came of a change of owners.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Changed {
    /// How many entries were met.
    pub entries: u64,
    /// How many of them could not be changed, or not be looked into.
    pub failed: u64,
    /// The first failure, with its path.
    pub first: String,
    /// Whether a stop cut it short.
    pub stopped: bool,
}

impl Changed {
    fn note(&mut self, path: &Path, error: Errno) {
        self.failed += 1;
        if self.first.is_empty() {
            self.first = format!("{}: {}", path.display(), error.desc());
        }
    }
}

/// Gives `target` and everything below it to `owner`.
pub fn change(owner: &Owner, target: &Path, stop: &Stop) -> Changed {
    let mut changed = Changed { entries: 1, ..Changed::default() };
    // The target itself may be a link: restic followed it too.
    match openat(AT_FDCWD, target, OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty()) {
        Ok(folder) => {
            if let Err(error) = nix::unistd::fchown(&folder, owner.uid, owner.gid) {
                changed.note(target, error);
            }
            below(owner, &folder, &mut target.to_owned(), stop, &mut changed);
        }
        Err(error) => changed.note(target, error),
    }
    changed
}

/// Changes what is below `folder`; `path` is its path for messages, and the same again afterwards.
fn below(owner: &Owner, folder: &OwnedFd, path: &mut PathBuf, stop: &Stop, changed: &mut Changed) {
    // Reading a folder takes its descriptor, changing what is in it needs one too.
    let listing = folder.try_clone().map_err(|_| Errno::EMFILE).and_then(Dir::from_fd);
    let mut listing = match listing {
        Ok(listing) => listing,
        Err(error) => return changed.note(path, error),
    };
    for entry in listing.iter() {
        if stop.request().is_some() {
            changed.stopped = true;
            return;
        }
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return changed.note(path, error),
        };
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        path.push(std::ffi::OsStr::from_bytes(name.to_bytes()));
        changed.entries += 1;
        if let Err(error) = fchownat(folder.as_fd(), name, owner.uid, owner.gid, AtFlags::AT_SYMLINK_NOFOLLOW) {
            changed.note(path, error);
        }
        if matches!(entry.file_type(), Some(Type::Directory) | None) {
            match open_folder(folder.as_fd(), name) {
                Ok(Some(inner)) => below(owner, &inner, path, stop, changed),
                Ok(None) => {}
                Err(error) => changed.note(path, error),
            }
        }
        path.pop();
    }
}

/// The folder `name` in `parent`; `None` if it is something else by now.
fn open_folder(parent: BorrowedFd<'_>, name: &CStr) -> nix::Result<Option<OwnedFd>> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    match openat(parent, name, flags, Mode::empty()) {
        Ok(folder) => Ok(Some(folder)),
        Err(Errno::ENOTDIR | Errno::ELOOP) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, symlink};

    fn ids(text: &str) -> (Option<u32>, Option<u32>) {
        let owner = parse(text).expect(text);
        (owner.uid.map(Uid::as_raw), owner.gid.map(Gid::as_raw))
    }

    #[test]
    fn numbers_and_names_are_read() {
        assert_eq!(ids("1000:1001"), (Some(1000), Some(1001)));
        assert_eq!(ids("1000"), (Some(1000), None));
        assert_eq!(ids(":7"), (None, Some(7)));
        assert_eq!(ids("root:root"), (Some(0), Some(0)));
    }

    #[test]
    fn what_is_no_owner_is_refused_with_the_value() {
        for text in ["", ":", "1000:", "-1:0", "+1:0", "1:2:3", "4294967295:0", "no such user:0", "0:no-such-group"] {
            let error = parse(text).expect_err(text);
            assert!(error.starts_with(&format!("--owner '{text}'")) && error.contains("1000:1000"), "{error}");
        }
    }

    #[test]
    fn links_are_changed_themselves_and_never_followed() {
        // The test runs without privileges too: then it gives everything to the owner that it has.
        let (uid, gid) = if Uid::effective().is_root() {
            (4711, 4712)
        } else {
            (Uid::effective().as_raw(), nix::unistd::getegid().as_raw())
        };
        let root = tempfile::tempdir().expect("a temporary folder");
        let (target, outside) = (root.path().join("target"), root.path().join("outside"));
        fs::create_dir_all(target.join("a/b")).expect("is made");
        fs::create_dir(&outside).expect("is made");
        fs::write(target.join("a/b/file"), "x").expect("is written");
        fs::write(outside.join("kept"), "x").expect("is written");
        symlink(&outside, target.join("a/link")).expect("is linked");
        symlink("/nowhere/at/all", target.join("dangling")).expect("is linked");
        let before = fs::metadata(outside.join("kept")).expect("is there").uid();

        let stop = Stop::new().expect("descriptors are there");
        let changed = change(&parse(&format!("{uid}:{gid}")).expect("is an owner"), &target, &stop);

        assert_eq!(changed, Changed { entries: 6, ..Changed::default() });
        for path in ["", "a", "a/b", "a/b/file", "a/link", "dangling"] {
            let found = fs::symlink_metadata(target.join(path)).expect(path);
            assert_eq!((found.uid(), found.gid()), (uid, gid), "{path}");
        }
        assert_eq!(fs::metadata(outside.join("kept")).expect("is there").uid(), before);
    }

    #[test]
    fn a_folder_that_became_a_link_is_not_entered() {
        let root = tempfile::tempdir().expect("a temporary folder");
        symlink("/", root.path().join("link")).expect("is linked");
        let parent = fs::File::open(root.path()).expect("can be read");
        assert!(matches!(open_folder(parent.as_fd(), c"link"), Ok(None)));
    }

    #[test]
    fn failures_are_counted_and_the_first_is_told() {
        let stop = Stop::new().expect("descriptors are there");
        let owner = parse("1:1").expect("is an owner");
        let changed = change(&owner, Path::new("/nowhere/at/all"), &stop);
        assert_eq!((changed.entries, changed.failed), (1, 1));
        assert!(changed.first.starts_with("/nowhere/at/all: "), "{}", changed.first);
    }

    #[test]
    fn a_stop_cuts_it_short() {
        let root = tempfile::tempdir().expect("a temporary folder");
        fs::write(root.path().join("file"), "x").expect("is written");
        let stop = Stop::new().expect("descriptors are there");
        stop.ask(nix::sys::signal::Signal::SIGTERM);
        let me = format!("{}:{}", Uid::effective(), nix::unistd::getegid());
        assert!(change(&parse(&me).expect("is an owner"), root.path(), &stop).stopped);
    }
}
