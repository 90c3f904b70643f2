//! What is asked of the kernel about a process that has stopped.

use crate::calls::{Leads, Met};
use crate::points::Deed;
use crate::registers::Call;
use std::fs;

/// Whether this can come of the call here.
pub fn can(tid: i32, name: &str, call: Call, deed: Deed) -> bool {
    let Deed::Fail(failure) = deed else { return true };
    describe(tid, name, call).failures().is_ok_and(|failures| failures.contains(&failure))
}

/// The numbers of its process and of its parent.
pub fn family_of(tid: i32) -> (i32, i32) {
    let status = fs::read_to_string(format!("/proc/{tid}/status")).unwrap_or_default();
    let number = |key: &str| status.lines().find_map(|line| line.strip_prefix(key))?.trim().parse().ok();
    (number("Tgid:").unwrap_or(tid), number("PPid:").unwrap_or(0))
}

/// What a call is about, for whoever reads of it, and for which errors it can give.
pub fn describe(tid: i32, name: &str, call: Call) -> Met {
    let path_at = match name {
        "open" | "stat" | "lstat" | "access" | "readlink" | "statfs" | "mkdir" | "rmdir" | "unlink" | "chmod"
        | "chown" | "chdir" | "execve" | "rename" | "link" | "symlink" => Some(0),
        "openat" | "newfstatat" | "statx" | "faccessat" | "faccessat2" | "readlinkat" | "mkdirat" | "unlinkat"
        | "renameat" | "renameat2" | "fchmodat" | "fchownat" | "linkat" | "utimensat" => Some(1),
        _ => None,
    };
    let (mut path, mut leads, mut nonblocking) = (String::new(), Leads::Elsewhere, false);
    if let Some(at) = path_at {
        path = string_at(tid, call.arguments[at]);
    }
    let has_descriptor = !matches!(
        name,
        "poll"
            | "ppoll"
            | "select"
            | "mmap"
            | "kill"
            | "tgkill"
            | "wait4"
            | "waitid"
            | "prctl"
            | "rt_sigaction"
            | "clone"
            | "clone3"
            | "socket"
            | "socketpair"
            | "exit_group"
    );
    if path.is_empty() && has_descriptor {
        let at = format!("/proc/{tid}/fd/{}", call.arguments[0] as i32);
        path = fs::read_link(&at).map(|path| path.display().to_string()).unwrap_or_default();
        leads = match fs::metadata(&at) {
            _ if path.starts_with("socket:") || path.starts_with("pipe:") => Leads::Stream,
            Ok(facts) if facts.is_file() => Leads::File,
            Ok(facts) if facts.is_dir() => Leads::Folder,
            _ => Leads::Elsewhere,
        };
        let about = fs::read_to_string(format!("/proc/{tid}/fdinfo/{}", call.arguments[0] as i32)).unwrap_or_default();
        let flags = about.lines().find_map(|line| i32::from_str_radix(line.strip_prefix("flags:")?.trim(), 8).ok());
        let at_once = matches!(name, "recvfrom" | "sendto") && call.arguments[3] as i32 & libc::MSG_DONTWAIT != 0;
        nonblocking = at_once || flags.is_some_and(|flags| flags & libc::O_NONBLOCK != 0);
    }
    Met { name: name.to_owned(), call, leads, nonblocking, path }
}

fn string_at(tid: i32, address: u64) -> String {
    use std::os::unix::fs::FileExt as _;
    let mut bytes = [0; 256];
    let read = fs::File::open(format!("/proc/{tid}/mem")).and_then(|memory| memory.read_at(&mut bytes, address));
    let bytes = &bytes[..read.unwrap_or(0)];
    String::from_utf8_lossy(bytes.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
}
