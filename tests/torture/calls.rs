//! What can be done at a system call: with which errors it can really fail, whether a kill before it is a case of its own.

use crate::registers::Call;

/// What a descriptor leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leads {
    File,
    Folder,
    /// A socket or a pipe.
    Stream,
    /// None, or a descriptor of another kind.
    Elsewhere,
}

/// A system call as it was met.
#[derive(Debug, Clone)]
pub struct Met {
    pub name: String,
    pub call: Call,
    pub leads: Leads,
    /// Its descriptor never waits.
    pub nonblocking: bool,
    /// The path that it names, or where its descriptor leads to.
    pub path: String,
}

/// An error, as `errno(3)` names it, or a write that takes only the first half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    Error(&'static str, i32),
    /// Done, and then said to have failed: a descriptor is closed also by a close that fails.
    After(&'static str, i32),
    Short,
}

impl Failure {
    /// As a point names it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error(word, _) | Self::After(word, _) => word,
            Self::Short => "short",
        }
    }
}

/// The errors that are used, by their words.
const WORDS: [(&str, i32); 22] = [
    ("EACCES", libc::EACCES),
    ("EADDRINUSE", libc::EADDRINUSE),
    ("EAGAIN", libc::EAGAIN),
    ("ECONNREFUSED", libc::ECONNREFUSED),
    ("EINTR", libc::EINTR),
    ("EIO", libc::EIO),
    ("EMFILE", libc::EMFILE),
    ("ENFILE", libc::ENFILE),
    ("ENOBUFS", libc::ENOBUFS),
    ("ENOENT", libc::ENOENT),
    ("ENOLCK", libc::ENOLCK),
    ("ENOMEM", libc::ENOMEM),
    ("ENOSPC", libc::ENOSPC),
    ("EPERM", libc::EPERM),
    ("EPIPE", libc::EPIPE),
    ("EROFS", libc::EROFS),
    ("ESRCH", libc::ESRCH),
    ("ETXTBSY", libc::ETXTBSY),
    ("EBUSY", libc::EBUSY),
    ("ECONNRESET", libc::ECONNRESET),
    ("EDQUOT", libc::EDQUOT),
    ("ELOOP", libc::ELOOP),
];

impl Failure {
    /// What `word` says of a call of this name.
    pub fn parse(call: &str, word: &str) -> Option<Self> {
        if word == "short" {
            return Some(Self::Short);
        }
        let (word, number) = WORDS.iter().find(|(known, _)| *known == word)?;
        Some(if call == "close" { Self::After(word, *number) } else { Self::Error(word, *number) })
    }
}

macro_rules! errors {
    ($($name:ident),*) => { vec![$(Failure::Error(stringify!($name), libc::$name)),*] };
}

/// Calls that are no points at all, with the reason. Where the reason is one of how a thread happens to be scheduled,
/// counting them would move the numbers of others.
pub const NOT_COUNTED: [(&str, &str); 24] = [
    ("futex", "how often a thread waits for a lock is chance; it cannot fail where it is used rightly"),
    ("sched_yield", "chance, and cannot fail"),
    ("restart_syscall", "the kernel's own, after a stop"),
    ("rt_sigreturn", "the kernel's own, after a handler"),
    ("set_robust_list", "the C library's, at the start of a thread; its failure is not looked at"),
    ("set_tid_address", "as set_robust_list"),
    ("rseq", "as set_robust_list"),
    ("arch_prctl", "the loader's"),
    ("brk", "the allocator's: a Rust program ends when it gets no memory"),
    ("mremap", "as brk"),
    ("munmap", "as brk"),
    ("mprotect", "as brk; also the guard page of a thread's stack"),
    ("madvise", "as brk"),
    ("clock_gettime", "cannot fail with the clocks that are asked for"),
    ("getpid", "cannot fail"),
    ("getppid", "cannot fail"),
    ("gettid", "cannot fail"),
    ("getuid", "cannot fail"),
    ("geteuid", "cannot fail"),
    ("getgid", "cannot fail"),
    ("getegid", "cannot fail"),
    ("sched_getaffinity", "the runtime's, for the size of a stack; its failure is not looked at"),
    ("sigaltstack", "the runtime's, at the start of a thread"),
    ("exit", "the end of a thread: cannot fail, and nobody sees it"),
];

/// Why a call is no point, if so.
pub fn not_counted(name: &str, call: &Call) -> Option<&'static str> {
    // Shared memory is asked for by ourselves; everything else is the allocator's or a thread's stack.
    if name == "mmap" && call.arguments[3] & libc::MAP_SHARED as u64 == 0 {
        return Some("the allocator's: a Rust program ends when it gets no memory");
    }
    // The standard library's own look, in debug builds only.
    if name == "fcntl" && call.arguments[1] as i32 == libc::F_GETFD {
        return Some("cannot fail");
    }
    NOT_COUNTED.iter().find(|(known, _)| *known == name).map(|(_, why)| *why)
}

impl Met {
    fn argument(&self, number: usize) -> i32 {
        self.call.arguments[number] as i32
    }

    fn opens_for_writing(&self) -> bool {
        let flags = match self.name.as_str() {
            "open" => self.argument(1),
            "openat" => self.argument(2),
            _ => return self.name == "openat2",
        };
        flags & (libc::O_CREAT | libc::O_TRUNC) != 0 || flags & libc::O_ACCMODE != libc::O_RDONLY
    }

    fn does_not_wait(&self) -> bool {
        match self.name.as_str() {
            "wait4" => self.argument(2) & libc::WNOHANG != 0,
            "waitid" => self.argument(3) & libc::WNOHANG != 0,
            "flock" => self.argument(1) & libc::LOCK_NB != 0,
            _ => false,
        }
    }

    /// The errors that it can really give here (section 2 of the manual), or why there is none.
    #[expect(clippy::match_same_arms, reason = "by kinds of calls, as one looks them up")]
    pub fn failures(&self) -> Result<Vec<Failure>, &'static str> {
        Ok(match self.name.as_str() {
            "open" | "openat" | "openat2" if self.opens_for_writing() => errors![EACCES, EMFILE, EIO, ENOSPC, EROFS],
            "open" | "openat" | "openat2" => errors![EACCES, EMFILE, EIO],
            "read" | "readv" | "pread64" if self.leads == Leads::File => errors![EIO],
            // That the other side is gone comes with its end, so the kills make it: no EPIPE and no ECONNRESET.
            "read" | "readv" | "recvfrom" | "recvmsg" if self.nonblocking => errors![EAGAIN],
            "read" | "readv" | "recvfrom" | "recvmsg" => errors![EINTR],
            "write" | "writev" | "pwrite64" if self.leads == Leads::File => {
                let mut failures = errors![EIO, ENOSPC];
                if self.name != "writev" && self.call.arguments[2] > 1 {
                    failures.push(Failure::Short);
                }
                failures
            }
            "write" | "writev" if self.nonblocking => errors![EAGAIN],
            "write" | "writev" => errors![EINTR],
            "sendto" | "sendmsg" if self.nonblocking => errors![EAGAIN, ENOBUFS],
            "sendto" | "sendmsg" => errors![EINTR, ENOBUFS],
            "close" if self.leads == Leads::File => vec![Failure::After("EIO", libc::EIO)],
            "close" => return Err("of a folder, a pipe or a socket: gives no error that a program could act on"),
            "fsync" | "fdatasync" => errors![EIO, ENOSPC],
            "ftruncate" | "fallocate" => errors![EIO, ENOSPC],
            "copy_file_range" | "sendfile" => errors![EIO, ENOSPC],
            "rename" | "renameat" | "renameat2" | "link" | "linkat" | "symlink" | "symlinkat" => {
                errors![EACCES, EIO, ENOSPC, EROFS]
            }
            "mkdir" | "mkdirat" => errors![EACCES, ENOSPC, EROFS],
            "unlink" | "unlinkat" | "rmdir" => errors![EACCES, EIO, EROFS],
            "chmod" | "fchmod" | "fchmodat" | "chown" | "fchown" | "fchownat" | "utimensat" => errors![EPERM, EROFS],
            "stat" | "lstat" | "newfstatat" | "statx" | "access" | "faccessat" | "faccessat2" | "readlink"
            | "readlinkat" | "statfs" => errors![EACCES, EIO],
            "fstat" | "fstatfs" | "getdents" | "getdents64" => errors![EIO],
            "chdir" | "fchdir" => errors![EACCES, EIO],
            "socket" | "socketpair" | "pipe" | "pipe2" | "eventfd2" | "signalfd4" | "timerfd_create"
            | "epoll_create1" | "inotify_init1" | "memfd_create" | "pidfd_open" => errors![EMFILE, ENFILE, ENOMEM],
            "dup" => errors![EMFILE],
            "fcntl" => match self.argument(1) {
                libc::F_DUPFD | libc::F_DUPFD_CLOEXEC => errors![EMFILE],
                libc::F_SETPIPE_SZ => errors![EPERM, ENOMEM],
                libc::F_SETLK => errors![ENOLCK],
                libc::F_SETLKW => errors![ENOLCK, EINTR],
                _ => return Err("flags of an open descriptor: cannot fail"),
            },
            "flock" if self.does_not_wait() => errors![ENOLCK],
            "flock" => errors![ENOLCK, EINTR],
            "clone" | "clone3" | "fork" | "vfork" => errors![EAGAIN, ENOMEM],
            "execve" => errors![EACCES, ENOMEM, ETXTBSY, EIO],
            "poll" | "ppoll" | "select" | "epoll_wait" | "epoll_pwait" => errors![EINTR, ENOMEM],
            "epoll_ctl" => errors![ENOMEM],
            "wait4" | "waitid" if self.does_not_wait() => return Err("does not wait: fails only without a child"),
            "wait4" | "waitid" | "nanosleep" | "clock_nanosleep" => errors![EINTR],
            "kill" | "tkill" | "tgkill" | "pidfd_send_signal" => errors![EPERM, ESRCH],
            "mmap" => errors![ENOMEM],
            "connect" => errors![ECONNREFUSED, EINTR],
            "bind" => errors![EADDRINUSE, EACCES],
            "setgroups" | "setresuid" | "setuid" | "setgid" => errors![EPERM],
            "rt_sigaction" | "rt_sigprocmask" | "rt_sigpending" => return Err("cannot fail with valid signals"),
            "rt_sigtimedwait" => errors![EINTR],
            "prctl" => return Err("names, subreaper, signal at the parent's end: cannot fail"),
            "setpgid" | "setsid" => return Err("of a child that was just forked: cannot fail"),
            "dup2" | "dup3" => return Err("onto a number below the limit: cannot fail"),
            "close_range" => return Err("ENOSYS before Linux 5.11 only; the way without it is the same for all"),
            "lseek" | "ioctl" | "fadvise64" | "umask" | "uname" | "sysinfo" | "getcwd" | "getrandom" | "getgroups"
            | "getrlimit" | "prlimit64" | "getsockopt" | "setsockopt" | "getsockname" | "getpeername" | "shutdown"
            | "timerfd_settime" | "listen" | "getpgid" | "getresuid" => {
                return Err("fails only if it is used wrongly, or is not looked at");
            }
            "exit_group" => return Err("cannot fail"),
            _ => return Err(UNKNOWN),
        })
    }

    /// Whether a kill before it differs from one before the next call: whether others can see what it does, or it waits
    /// for others. What only changes the process itself leaves the world as it was.
    pub fn is_seen(&self) -> bool {
        match self.name.as_str() {
            "open" | "openat" | "openat2" => self.opens_for_writing(),
            "read" | "readv" | "pread64" => self.leads != Leads::File,
            "fcntl" => matches!(self.argument(1), libc::F_SETLK | libc::F_SETLKW),
            "stat" | "lstat" | "newfstatat" | "statx" | "fstat" | "access" | "faccessat" | "faccessat2"
            | "readlink" | "readlinkat" | "statfs" | "fstatfs" | "getdents" | "getdents64" | "getcwd" | "lseek"
            | "rt_sigaction" | "rt_sigprocmask" | "rt_sigpending" | "dup" | "dup2" | "dup3" | "pipe" | "pipe2"
            | "socket" | "socketpair" | "eventfd2" | "signalfd4" | "timerfd_create" | "epoll_create1" | "epoll_ctl"
            | "inotify_init1" | "memfd_create" | "pidfd_open" | "mmap" | "getrandom" | "chdir" | "fchdir"
            | "close_range" | "prlimit64" | "getrlimit" | "umask" | "uname" | "sysinfo" | "getgroups"
            | "getsockopt" | "setsockopt" | "getsockname" | "getpeername" | "fadvise64" | "getpgid" | "getresuid" => {
                false
            }
            _ => true,
        }
    }

    /// Whether it is one of those at which a state becomes another for good: always in the short form.
    pub fn is_turning_point(&self) -> bool {
        matches!(
            self.name.as_str(),
            "fsync"
                | "fdatasync"
                | "rename"
                | "renameat"
                | "renameat2"
                | "unlink"
                | "unlinkat"
                | "rmdir"
                | "flock"
                | "fork"
                | "vfork"
                | "clone"
                | "clone3"
                | "exit_group"
                | "ftruncate"
        )
    }
}

/// Of a call that is not in the table.
pub const UNKNOWN: &str = "not in the table";

#[cfg(test)]
mod tests {
    use super::*;

    fn met(name: &str, arguments: [u64; 6], leads: Leads) -> Met {
        Met {
            name: name.to_owned(),
            call: Call { number: 0, arguments },
            leads,
            nonblocking: false,
            path: String::new(),
        }
    }

    fn words(met: &Met) -> Vec<&'static str> {
        met.failures().expect("is in the table").into_iter().map(Failure::word).collect()
    }

    #[test]
    fn what_is_opened_for_reading_does_not_find_a_full_disk() {
        let reading = met("openat", [0, 0, 0, 0, 0, 0], Leads::Elsewhere);
        let making = met("openat", [0, 0, (libc::O_WRONLY | libc::O_CREAT) as u64, 0, 0, 0], Leads::Elsewhere);
        assert_eq!((words(&reading), reading.is_seen()), (vec!["EACCES", "EMFILE", "EIO"], false));
        assert!(words(&making).contains(&"ENOSPC") && making.is_seen());
    }

    #[test]
    fn only_a_file_takes_half_a_write() {
        assert!(words(&met("write", [1, 0, 10, 0, 0, 0], Leads::File)).contains(&"short"));
        assert_eq!(words(&met("write", [1, 0, 10, 0, 0, 0], Leads::Stream)), ["EINTR"]);
    }

    #[test]
    fn memory_of_the_allocator_is_no_point_and_shared_memory_is() {
        let call = |flags: i32| Call { number: 0, arguments: [0, 0, 0, flags as u64, 0, 0] };
        assert!(not_counted("mmap", &call(libc::MAP_PRIVATE | libc::MAP_ANONYMOUS)).is_some());
        assert!(not_counted("mmap", &call(libc::MAP_SHARED | libc::MAP_ANONYMOUS)).is_none());
    }

    #[test]
    fn a_call_that_nobody_has_thought_of_is_said() {
        assert_eq!(met("quotactl", [0; 6], Leads::Elsewhere).failures(), Err(UNKNOWN));
    }
}
