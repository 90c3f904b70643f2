//! Opening a file below a folder without following any link, so that nothing outside can pass for what was restored.

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Why there is no file to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoFile {
    /// There is none of that name, or something else; the reason.
    Missing(String),
    /// It is there, and cannot be read; the reason.
    Unreadable(String),
}

/// Opens the regular file `path` below `root`. Every name on the way is looked at, and none of them may be a link or
/// `..`; `root` itself may be a link.
pub fn open(root: &Path, path: &[u8]) -> Result<File, NoFile> {
    let folder = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let mut at = openat(AT_FDCWD, root, folder, Mode::empty()).map_err(|error| failure(error, "it"))?;
    let mut names = path.split(|byte| *byte == b'/').filter(|name| !matches!(*name, b"" | b".")).peekable();
    if path.ends_with(b"/") || names.peek().is_none() {
        return Err(NoFile::Missing("it is no file's path".to_owned()));
    }
    loop {
        let name = names.next().unwrap_or_default();
        let called = if names.peek().is_some() {
            format!("'{}' on the way", String::from_utf8_lossy(name))
        } else {
            "it".to_owned()
        };
        if name == b".." {
            return Err(NoFile::Missing("'..' leads out of what was restored".to_owned()));
        }
        let facts = fstatat(&at, name, AtFlags::AT_SYMLINK_NOFOLLOW).map_err(|error| failure(error, &called))?;
        let kind = kind(&facts);
        if names.peek().is_none() {
            if kind != SFlag::S_IFREG {
                return Err(NoFile::Missing(format!("it is {}", word(kind))));
            }
            return open_file(&at, name, &facts);
        }
        if kind != SFlag::S_IFDIR {
            return Err(NoFile::Missing(format!("{called} is {}", word(kind))));
        }
        at = openat(&at, name, folder | OFlag::O_NOFOLLOW, Mode::empty()).map_err(|error| failure(error, &called))?;
    }
}

fn open_file(folder: &OwnedFd, name: &[u8], expected: &FileStat) -> Result<File, NoFile> {
    // Not blocking: somebody may have put a pipe there in the meantime.
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let file = openat(folder, name, flags, Mode::empty()).map_err(|error| failure(error, "it"))?;
    let facts = fstat(&file).map_err(|error| failure(error, "it"))?;
    if (facts.st_dev, facts.st_ino) != (expected.st_dev, expected.st_ino) {
        return Err(NoFile::Missing("it was replaced while it was opened".to_owned()));
    }
    Ok(File::from(file))
}

fn failure(error: Errno, called: &str) -> NoFile {
    match error {
        Errno::ENOENT | Errno::ENAMETOOLONG if called == "it" => NoFile::Missing("it is not there".to_owned()),
        Errno::ENOENT | Errno::ENAMETOOLONG => NoFile::Missing(format!("{called} is not there")),
        Errno::ELOOP | Errno::ENOTDIR => NoFile::Missing(format!("{called} was replaced while it was opened")),
        error => NoFile::Unreadable(format!("{called} cannot be read: {}", error.desc())),
    }
}

fn kind(facts: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(facts.st_mode) & SFlag::S_IFMT
}

fn word(kind: SFlag) -> &'static str {
    match kind {
        SFlag::S_IFLNK => "a symbolic link, which is not followed",
        SFlag::S_IFDIR => "a folder",
        SFlag::S_IFREG => "a file, no folder",
        _ => "no regular file",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Read;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_what_really_lies_below_is_opened() {
        let base = tempfile::tempdir().expect("a temporary folder");
        let root = base.path().join("root");
        fs::create_dir_all(root.join("a/b")).expect("is made");
        fs::write(root.join("a/b/file"), "inside").expect("is written");
        fs::write(base.path().join("outside"), "outside").expect("is written");
        symlink(base.path().join("outside"), root.join("absolute")).expect("is linked");
        symlink("../outside", root.join("relative")).expect("is linked");
        symlink("a", root.join("folder")).expect("is linked");
        symlink("/", root.join("slash")).expect("is linked");
        nix::unistd::mkfifo(&root.join("pipe"), Mode::S_IRWXU).expect("is made");
        symlink(&root, base.path().join("root-link")).expect("is linked");

        for path in ["/a/b/file", "a/b/file", "//a/./b//file"] {
            for root in [&root, &base.path().join("root-link")] {
                let mut text = String::new();
                open(root, path.as_bytes()).expect(path).read_to_string(&mut text).expect("can be read");
                assert_eq!(text, "inside", "{path}");
            }
        }
        for (path, reason) in [
            ("/absolute", "it is a symbolic link"),
            ("/relative", "it is a symbolic link"),
            ("/folder/b/file", "'folder' on the way is a symbolic link"),
            ("/slash/etc/passwd", "'slash' on the way is a symbolic link"),
            ("/../outside", "'..' leads out"),
            ("/a/../../outside", "'..' leads out"),
            ("/a/b", "it is a folder"),
            ("/a/b/file/x", "'file' on the way is a file"),
            ("/pipe", "it is no regular file"),
            ("/none", "it is not there"),
            ("/none/x", "'none' on the way is not there"),
            ("/", "it is no file's path"),
            ("/a/b/file/", "it is no file's path"),
        ] {
            match open(&root, path.as_bytes()) {
                Err(NoFile::Missing(said)) => assert!(said.contains(reason), "{path}: {said}"),
                other => panic!("{path}: {other:?}"),
            }
        }
    }
}
