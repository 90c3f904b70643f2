//! Something that may never end, done by a child that nobody has to wait for.
//!
//! On a frozen file system a write hangs in the kernel, and a thread that hangs keeps its whole process. A child of its own
//! keeps nobody: it holds none of our descriptors, and is somebody else's once we have ended.

use super::descriptors::own_descriptors;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};
use std::time::{Duration, Instant};

/// How often the child's end is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Does it in a child, and waits for that no longer than `limit`. Whether it was done. To be called by a process of one
/// thread; where no child can be had it is done here.
pub fn apart(limit: Duration, what: impl FnOnce()) -> bool {
    // SAFETY: the caller has one thread, so the child may do whatever a program may do.
    match unsafe { fork() } {
        Ok(ForkResult::Child) => {
            own_descriptors(&[]);
            what();
            // SAFETY: ends this process at once; what was to be written is written.
            unsafe { libc::_exit(0) }
        }
        Ok(ForkResult::Parent { child }) => {
            let until = Instant::now() + limit;
            loop {
                match waitpid(child, Some(WaitPidFlag::WNOHANG)) {
                    Ok(WaitStatus::StillAlive) if Instant::now() < until => std::thread::sleep(LOOK_EVERY),
                    Ok(WaitStatus::StillAlive) => return false,
                    _ => return true,
                }
            }
        }
        Err(_) => {
            what();
            true
        }
    }
}
