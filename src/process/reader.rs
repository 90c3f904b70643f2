//! Who goes on reading a child's outputs once we are dead.
//!
//! A child that is told to end at our death still has something to do: restic removes its lock, says that it cleans up,
//! and is perhaps in the middle of writing data that nobody will take any more. Go ends a program that writes to a broken
//! pipe on its standard outputs, and one that writes to a full pipe waits for ever. So a twin of the child, forked before
//! it becomes its program, holds the other ends. As long as we live it only waits; then it reads, and keeps nothing.
//!
//! All of this runs between fork and exec: system calls only, no memory is asked for.

use nix::unistd::Pid;

/// Where the twin has what it needs.
const STDOUT: i32 = 0;
const STDERR: i32 = 1;
const LIFE: i32 = 2;
/// How often is looked whether we live, where the kernel does not tell (before Linux 5.3): in milliseconds.
const LOOK_EVERY: i32 = 500;

/// Leaves the twin behind. `outputs` are the reading ends of standard output and standard error.
///
/// # Safety
/// Only for a process that was forked by `parent` and has not become its program yet, with its outputs at 1 and 2.
pub(super) unsafe fn leave_behind(parent: Pid, outputs: [i32; 2]) {
    // SAFETY: fork without what the C library does around it, which is not for here; the copy makes system calls only.
    unsafe {
        if libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) == 0 {
            become_reader(parent.as_raw(), outputs);
        }
    }
}

/// # Safety
/// As [`leave_behind`].
unsafe fn become_reader(parent: i32, [stdout, stderr]: [i32; 2]) -> ! {
    // SAFETY: numbers, and memory of this function's own.
    unsafe {
        let mut all = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const all, std::ptr::null_mut());
        let life = libc::syscall(libc::SYS_pidfd_open, parent, 0) as i32;
        libc::dup2(stdout, STDOUT);
        libc::dup2(stderr, STDERR);
        if life >= 0 {
            libc::dup2(life, LIFE);
        } else {
            libc::close(LIFE);
        }
        // Locks and sockets of ours, and the pipe on which the start of the child is told.
        if libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0) != 0 {
            for fd in 3..1024 {
                libc::close(fd);
            }
        }
        libc::prctl(libc::PR_SET_NAME, c"boathook-read".as_ptr());
        let open = wait_for_the_end(parent, life >= 0);
        read_all(open);
        libc::_exit(0)
    }
}

fn watched(fd: i32, events: i16) -> libc::pollfd {
    libc::pollfd { fd, events, revents: 0 }
}

/// Waits until the parent is gone; ends with the child's outputs before that.
///
/// # Safety
/// As [`leave_behind`].
unsafe fn wait_for_the_end(parent: i32, is_told: bool) -> [libc::pollfd; 2] {
    let mut fds = [watched(STDOUT, 0), watched(STDERR, 0), watched(if is_told { LIFE } else { -1 }, libc::POLLIN)];
    loop {
        // SAFETY: three entries are there.
        let _ = unsafe { libc::poll(fds.as_mut_ptr(), 3, if is_told { -1 } else { LOOK_EVERY }) };
        for output in &mut fds[..2] {
            if output.fd >= 0 && output.revents != 0 {
                // Nobody writes to it any more; what is in it is the parent's.
                output.fd = -1;
            }
        }
        if fds[0].fd < 0 && fds[1].fd < 0 {
            // SAFETY: ends this process.
            unsafe { libc::_exit(0) };
        }
        // SAFETY: signal 0 only asks.
        let cannot_be_asked = || unsafe { libc::kill(parent, 0) != 0 };
        if fds[2].revents != 0 || (!is_told && cannot_be_asked()) {
            return [watched(fds[0].fd, libc::POLLIN), watched(fds[1].fd, libc::POLLIN)];
        }
    }
}

/// Reads what comes until nobody writes any more.
///
/// # Safety
/// As [`leave_behind`].
unsafe fn read_all(mut outputs: [libc::pollfd; 2]) {
    let mut buffer = [0_u8; 4096];
    while outputs.iter().any(|output| output.fd >= 0) {
        // SAFETY: two entries are there.
        if unsafe { libc::poll(outputs.as_mut_ptr(), 2, -1) } <= 0 {
            continue;
        }
        for output in &mut outputs {
            if output.fd >= 0 && output.revents != 0 {
                // SAFETY: reads into memory of this function's own.
                let count = unsafe { libc::read(output.fd, buffer.as_mut_ptr().cast(), buffer.len()) };
                // The parent's end of the pipe may have been set not to wait; both are the same open file.
                // SAFETY: asks for the error of the call before.
                let is_over = count == 0 || count < 0 && unsafe { *libc::__errno_location() } != libc::EAGAIN;
                if is_over {
                    output.fd = -1;
                }
            }
        }
    }
}
