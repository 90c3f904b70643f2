//! Files that a variable names.

use nix::unistd::{AccessFlags, access};
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// How much of a file is read, in bytes.
pub(super) const MOST: u64 = 64 * 1024;

/// The first 64 KiB of a regular file. A pipe or a terminal is refused: reading would block, or take away what is
/// meant for restic.
pub(super) fn beginning(path: &Path) -> io::Result<Vec<u8>> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !metadata.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::with_capacity(metadata.len().min(MOST) as usize);
    file.take(MOST).read_to_end(&mut bytes)?;
    // Editors on Windows put a mark before the first line; restic skips it, too.
    Ok(bytes.strip_prefix(b"\xef\xbb\xbf").map(<[u8]>::to_vec).unwrap_or(bytes))
}

/// Whether we may read the file (or pipe); a folder is none.
pub(super) fn is_readable(path: &Path) -> bool {
    access(path, AccessFlags::R_OK).is_ok() && !path.is_dir()
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::stat::Mode;
    use std::fs;

    #[test]
    fn no_more_than_the_beginning_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        fs::write(&path, [b"\xef\xbb\xbf".to_vec(), vec![b'a'; 100_000]].concat()).expect("a file");
        assert_eq!(beginning(&path).expect("readable").len(), 65_536 - 3);
    }

    #[test]
    fn what_is_no_regular_file_is_refused_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, Mode::S_IRWXU).expect("a pipe");
        assert!(beginning(&pipe).is_err());
        assert!(beginning(folder.path()).is_err());
        assert!(beginning(&folder.path().join("missing")).is_err());
        assert!(is_readable(&pipe) && !is_readable(folder.path()));
    }
}
