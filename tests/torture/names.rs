//! System calls by name.

macro_rules! names {
    ($($name:ident => $constant:ident),* $(,)?) => {
        fn portable(number: i64) -> Option<&'static str> {
            match number {
                $(libc::$constant => Some(stringify!($name)),)*
                _ => None,
            }
        }
    };
}

names! {
    accept4 => SYS_accept4, bind => SYS_bind, brk => SYS_brk, chdir => SYS_chdir, clock_gettime => SYS_clock_gettime,
    clock_nanosleep => SYS_clock_nanosleep, clone => SYS_clone, clone3 => SYS_clone3, close => SYS_close,
    close_range => SYS_close_range, connect => SYS_connect, copy_file_range => SYS_copy_file_range, dup => SYS_dup,
    dup3 => SYS_dup3, epoll_create1 => SYS_epoll_create1, epoll_ctl => SYS_epoll_ctl, epoll_pwait => SYS_epoll_pwait,
    eventfd2 => SYS_eventfd2, execve => SYS_execve, exit => SYS_exit, exit_group => SYS_exit_group,
    faccessat => SYS_faccessat, faccessat2 => SYS_faccessat2, fallocate => SYS_fallocate, fadvise64 => SYS_fadvise64,
    fchdir => SYS_fchdir, fchmod => SYS_fchmod, fchmodat => SYS_fchmodat, fchown => SYS_fchown,
    fchownat => SYS_fchownat, fcntl => SYS_fcntl, fdatasync => SYS_fdatasync, flock => SYS_flock, fstat => SYS_fstat,
    fstatfs => SYS_fstatfs, fsync => SYS_fsync, ftruncate => SYS_ftruncate, futex => SYS_futex, getcwd => SYS_getcwd,
    getdents64 => SYS_getdents64, getegid => SYS_getegid, geteuid => SYS_geteuid, getgid => SYS_getgid,
    getgroups => SYS_getgroups, getpeername => SYS_getpeername, getpgid => SYS_getpgid, getpid => SYS_getpid,
    getppid => SYS_getppid, getrandom => SYS_getrandom, getresuid => SYS_getresuid, getrlimit => SYS_getrlimit,
    getsockname => SYS_getsockname, getsockopt => SYS_getsockopt, gettid => SYS_gettid, getuid => SYS_getuid,
    inotify_init1 => SYS_inotify_init1, ioctl => SYS_ioctl, kill => SYS_kill, linkat => SYS_linkat,
    listen => SYS_listen, lseek => SYS_lseek, madvise => SYS_madvise, memfd_create => SYS_memfd_create,
    mkdirat => SYS_mkdirat, mmap => SYS_mmap, mprotect => SYS_mprotect, mremap => SYS_mremap, munmap => SYS_munmap,
    nanosleep => SYS_nanosleep, openat => SYS_openat, openat2 => SYS_openat2, pidfd_open => SYS_pidfd_open,
    pidfd_send_signal => SYS_pidfd_send_signal, pipe2 => SYS_pipe2, ppoll => SYS_ppoll, prctl => SYS_prctl,
    pread64 => SYS_pread64, prlimit64 => SYS_prlimit64, pwrite64 => SYS_pwrite64, read => SYS_read,
    readlinkat => SYS_readlinkat, readv => SYS_readv, recvfrom => SYS_recvfrom, recvmsg => SYS_recvmsg,
    renameat => SYS_renameat, renameat2 => SYS_renameat2, restart_syscall => SYS_restart_syscall, rseq => SYS_rseq,
    rt_sigaction => SYS_rt_sigaction, rt_sigpending => SYS_rt_sigpending, rt_sigprocmask => SYS_rt_sigprocmask,
    rt_sigreturn => SYS_rt_sigreturn, rt_sigtimedwait => SYS_rt_sigtimedwait,
    sched_getaffinity => SYS_sched_getaffinity, sched_yield => SYS_sched_yield, sendfile => SYS_sendfile,
    sendmsg => SYS_sendmsg, sendto => SYS_sendto, set_robust_list => SYS_set_robust_list,
    set_tid_address => SYS_set_tid_address, setgid => SYS_setgid, setgroups => SYS_setgroups, setpgid => SYS_setpgid,
    setresuid => SYS_setresuid, setsid => SYS_setsid, setsockopt => SYS_setsockopt, setuid => SYS_setuid,
    shutdown => SYS_shutdown, sigaltstack => SYS_sigaltstack, signalfd4 => SYS_signalfd4, socket => SYS_socket,
    socketpair => SYS_socketpair, statfs => SYS_statfs, statx => SYS_statx, symlinkat => SYS_symlinkat,
    sync => SYS_sync, syncfs => SYS_syncfs, sysinfo => SYS_sysinfo, tgkill => SYS_tgkill,
    timerfd_create => SYS_timerfd_create, timerfd_settime => SYS_timerfd_settime, tkill => SYS_tkill,
    umask => SYS_umask, uname => SYS_uname, unlinkat => SYS_unlinkat, utimensat => SYS_utimensat, wait4 => SYS_wait4,
    waitid => SYS_waitid, write => SYS_write, writev => SYS_writev,
}

#[cfg(target_arch = "x86_64")]
fn of_this_machine(number: i64) -> Option<&'static str> {
    Some(match number {
        libc::SYS_access => "access",
        libc::SYS_arch_prctl => "arch_prctl",
        libc::SYS_chmod => "chmod",
        libc::SYS_chown => "chown",
        libc::SYS_dup2 => "dup2",
        libc::SYS_epoll_wait => "epoll_wait",
        libc::SYS_fork => "fork",
        libc::SYS_getdents => "getdents",
        libc::SYS_link => "link",
        libc::SYS_lstat => "lstat",
        libc::SYS_mkdir => "mkdir",
        libc::SYS_newfstatat => "newfstatat",
        libc::SYS_open => "open",
        libc::SYS_pipe => "pipe",
        libc::SYS_poll => "poll",
        libc::SYS_readlink => "readlink",
        libc::SYS_rename => "rename",
        libc::SYS_rmdir => "rmdir",
        libc::SYS_select => "select",
        libc::SYS_stat => "stat",
        libc::SYS_symlink => "symlink",
        libc::SYS_unlink => "unlink",
        libc::SYS_vfork => "vfork",
        _ => return None,
    })
}

#[cfg(target_arch = "aarch64")]
fn of_this_machine(number: i64) -> Option<&'static str> {
    (number == libc::SYS_newfstatat).then_some("newfstatat")
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn of_this_machine(_: i64) -> Option<&'static str> {
    None
}

/// The name of a system call; `call-<number>` for one that is not known here.
pub fn name_of(number: i64) -> String {
    portable(number).or_else(|| of_this_machine(number)).map_or_else(|| format!("call-{number}"), str::to_owned)
}
