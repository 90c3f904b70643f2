//! What the running user may do with a file, and who else may change it.

use super::Finding;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::{AccessFlags, access, faccessat, getegid, geteuid, getgid, getuid};
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What somebody wants to do with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read it.
    Read,
    /// Write to it, or into the folder.
    Write,
    /// Execute it, or look into the folder.
    Execute,
}

/// Whether the running user may do this. Asked of the kernel, which knows about root, capabilities, access lists and
/// read-only mounts.
pub fn may(path: &Path, wanted: Access) -> bool {
    let flags = match wanted {
        Access::Read => AccessFlags::R_OK,
        Access::Write => AccessFlags::W_OK,
        Access::Execute => AccessFlags::X_OK,
    };
    // access(2) judges by the real ids. The call that judges by the effective ones is newer, and some sandboxes
    // refuse it: only a process whose ids differ needs it.
    if getuid() == geteuid() && getgid() == getegid() {
        access(path, flags).is_ok()
    } else {
        faccessat(AT_FDCWD, path, flags, AtFlags::AT_EACCESS).is_ok()
    }
}

/// The system's words for an error, without its number.
pub fn reason(error: &io::Error) -> String {
    error.raw_os_error().map_or_else(|| error.to_string(), |number| Errno::from_raw(number).desc().to_owned())
}

/// The permission bits as people write them: `0644`.
pub(super) fn mode(metadata: &Metadata) -> String {
    format!("{:04o}", metadata.mode() & 0o7777)
}

/// What the mount that holds a file forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) no_exec: bool,
    pub(super) read_only: bool,
}

/// The mount that holds `path`; everything is allowed where the system does not say.
pub(super) fn mount(path: &Path) -> Mount {
    let flags = statvfs(path).map_or(FsFlags::empty(), |found| found.flags());
    Mount { no_exec: flags.contains(FsFlags::ST_NOEXEC), read_only: flags.contains(FsFlags::ST_RDONLY) }
}

/// Who beside root and the running user may change the file at `path`, if anybody.
pub(super) fn others_may_change(path: &Path, metadata: &Metadata) -> Option<Finding> {
    if metadata.mode() & 0o002 != 0 {
        return Some(Finding {
            what: format!("may be written by everybody (mode {})", mode(metadata)),
            mend: format!("chmod o-w {}", path.display()),
        });
    }
    foreign_owner(path, metadata)
}

fn foreign_owner(path: &Path, metadata: &Metadata) -> Option<Finding> {
    let owner = metadata.uid();
    (owner != 0 && owner != geteuid().as_raw()).then(|| Finding {
        what: format!("belongs to user {owner}, who is neither root nor the user that runs it"),
        mend: format!("chown {} {}", geteuid(), path.display()),
    })
}

/// Who may put other files in the place of those in `folder`: by writing into it, or by moving it or one of the
/// folders above it away. The first such folder is named. `folder` must be free of links.
pub(super) fn others_may_replace(folder: &Path) -> Option<Finding> {
    for (above, current) in folder.ancestors().enumerate() {
        let Ok(metadata) = current.metadata() else { continue };
        // Where the sticky bit is set nobody can move what is another's; new files, however, can be made.
        let is_open = metadata.mode() & 0o002 != 0 && (above == 0 || metadata.mode() & 0o1000 == 0);
        // A ConfigMap volume is a folder of mode 0777 that is mounted read-only.
        if is_open && !mount(current).read_only {
            return Some(Finding {
                what: format!(
                    "lies in {}, into which everybody may write (mode {})",
                    current.display(),
                    mode(&metadata)
                ),
                mend: format!("chmod o-w {}", current.display()),
            });
        }
        if let Some(found) = foreign_owner(current, &metadata) {
            return Some(Finding { what: format!("lies in {}, which {}", current.display(), found.what), ..found });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    fn with_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("is ours");
    }

    #[test]
    fn a_file_of_ours_is_nobody_elses() {
        let folder = tempfile::tempdir().expect("there is room");
        let file = folder.path().join("a");
        fs::write(&file, "").expect("there is room");
        with_mode(&file, 0o664);
        assert_eq!(others_may_change(&file, &file.metadata().expect("is there")), None);
        with_mode(&file, 0o666);
        let found = others_may_change(&file, &file.metadata().expect("is there")).expect("everybody may");
        assert_eq!(found.what, "may be written by everybody (mode 0666)");
    }

    #[test]
    fn a_sticky_folder_protects_what_lies_deeper_only() {
        let folder = tempfile::tempdir().expect("there is room");
        let outer = folder.path().canonicalize().expect("is there").join("outer");
        let inner = outer.join("inner");
        fs::create_dir_all(&inner).expect("there is room");
        with_mode(&outer, 0o1777);
        assert_eq!(others_may_replace(&inner), None);
        assert!(others_may_replace(&outer).is_some());
        with_mode(&outer, 0o777);
        let found = others_may_replace(&inner).expect("the outer one is open");
        assert!(found.what.contains("outer, into which everybody"), "{found:?}");
    }
}
