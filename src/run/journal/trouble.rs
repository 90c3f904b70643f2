//! What is said of a journal that the system refuses.

use std::io;
use std::path::Path;

/// The error with what was tried, where, and the mend. `action` is a verb: `write`, `lock`.
pub(super) fn told(action: &str, path: &Path, error: &io::Error) -> io::Error {
    let text = format!("cannot {action} {}: {error}: {}", path.display(), mend(action, error));
    io::Error::new(error.kind(), text)
}

fn mend(action: &str, error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::ENOLCK | libc::EOPNOTSUPP | libc::ENOSYS | libc::EINVAL) if action == "lock" => {
            "its file system knows no flock: point STATE_DIR at one that does (a local disk, a volume)"
        }
        Some(libc::ENOSPC | libc::EDQUOT) => "free some space there, or point STATE_DIR elsewhere",
        Some(libc::EROFS) => "mount it for writing, or point STATE_DIR elsewhere",
        Some(libc::EACCES | libc::EPERM) => "make it a folder of this user that it may write, or set STATE_DIR",
        Some(libc::EMFILE | libc::ENFILE) => "raise the limit of open files",
        Some(libc::EFBIG) => "raise the limit on the size of files",
        Some(libc::EEXIST | libc::ELOOP | libc::ENOTDIR) => "move away what lies there, or set STATE_DIR",
        _ => "see whether that disk works, or point STATE_DIR elsewhere",
    }
}
