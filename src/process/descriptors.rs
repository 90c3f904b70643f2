//! A table of descriptors of a thread's own.
//!
//! A thread that hangs in the kernel (writing to a frozen file system) outlives the SIGKILL of its process, and with it
//! every descriptor that the two share: locks stay held, and nobody hears the end of a socket. One with a table of its own
//! holds on to nothing but what it writes to.

use std::os::fd::RawFd;

/// `CLOSE_RANGE_UNSHARE` of close_range(2), since Linux 5.9: the caller has its own table from then on.
const UNSHARE: libc::c_uint = 1 << 1;

/// Gives the calling thread a table of its own, with `keep` in it and nothing behind its standard streams: whoever reads
/// those of the process waits for their end. Whether that was possible:
/// an old kernel, or a filter of system calls, may not allow it. From then on they are below `/proc/thread-self`; what
/// `/proc/self` has are those of the other threads.
pub fn own_descriptors(keep: &[RawFd]) -> bool {
    let mut keep: Vec<libc::c_uint> = keep.iter().filter_map(|fd| libc::c_uint::try_from(*fd).ok()).collect();
    keep.retain(|fd| *fd > 2);
    keep.sort_unstable();
    keep.dedup();
    let mut from = 3;
    for fd in keep.into_iter().map(Some).chain([None]) {
        let to = fd.map_or(libc::c_uint::MAX, |fd| fd - 1);
        // SAFETY: the descriptors of this thread's own table; who calls vouches that the thread uses no other.
        if to >= from && unsafe { libc::syscall(libc::SYS_close_range, from, to, UNSHARE) } != 0 {
            return false;
        }
        from = fd.map_or(libc::c_uint::MAX, |fd| fd + 1);
    }
    // SAFETY: a constant path, and numbers of this thread's own table.
    unsafe {
        let nothing = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC);
        if nothing >= 0 {
            for stream in 0..3 {
                libc::dup2(nothing, stream);
            }
            libc::close(nothing);
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::{Read as _, Write as _};
    use std::os::fd::AsRawFd;
    use std::sync::mpsc::channel;

    #[test]
    fn a_thread_with_its_own_table_keeps_nobodys_pipe_open() {
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        let (mut kept, theirs) = std::io::pipe().expect("a pipe");
        let (told, wait) = channel();
        let (go_on, waits) = channel::<()>();
        let mut theirs = File::from(std::os::fd::OwnedFd::from(theirs));
        let thread = std::thread::spawn(move || {
            told.send(own_descriptors(&[theirs.as_raw_fd()])).expect("is heard");
            waits.recv().expect("is told");
            theirs.write_all(b"x").expect("is open");
        });
        if !wait.recv().expect("is told") {
            println!("skipped: this kernel has no close_range");
            drop(go_on);
            return;
        }
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("ends, though the thread lives");
        go_on.send(()).expect("is heard");
        let mut byte = [0];
        kept.read_exact(&mut byte).expect("was kept");
        thread.join().expect("ends well");
    }
}
