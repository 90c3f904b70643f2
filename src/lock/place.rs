//! The place in the line: what the scheduler waits on before it starts the next job of the same minute.
//!
//! It is the writing end of a pipe, named in `BOATHOOK_PLACE_FD`. As soon as a run has its lock or its ticket, or has
//! failed, nobody holds that end any more, and the reader sees the end of the file.

use crate::settings::Environment;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::stat::{SFlag, fstat};
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd};

/// The variable that tells a run which descriptor it is.
const DESCRIPTOR: &str = "BOATHOOK_PLACE_FD";

/// Our end of the pipe. Dropped, the next job is started.
pub struct Place {
    _end: Option<OwnedFd>,
}

impl Place {
    /// Takes over what was handed down. Called once, at start: a number that is no writing end of a pipe by then is
    /// somebody's mistake, and nothing of ours is closed for it.
    pub fn of(descriptor: Option<i32>) -> Self {
        let end = descriptor.filter(|number| is_end_of_a_pipe(*number)).map(|number| {
            // SAFETY: it is open, was handed to this process for this, and nobody else here knows of it.
            let end = unsafe { OwnedFd::from_raw_fd(number) };
            let _ = fcntl(&end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC));
            end
        });
        Self { _end: end }
    }
}

/// Has a program that this process becomes inherit what was handed down.
pub(super) fn hand_on(environment: &Environment) {
    let number = environment.text(DESCRIPTOR).and_then(|text| text.trim().parse().ok());
    if let Some(number) = number.filter(|number| is_end_of_a_pipe(*number)) {
        // SAFETY: it is open, and stays so: nobody here closes it.
        let _ = fcntl(unsafe { BorrowedFd::borrow_raw(number) }, FcntlArg::F_SETFD(FdFlag::empty()));
    }
}

fn is_end_of_a_pipe(number: i32) -> bool {
    // SAFETY: only asks the kernel whether the number is open.
    if number < 3 || unsafe { libc::fcntl(number, libc::F_GETFD) } < 0 {
        return false;
    }
    // SAFETY: it is open, and this process has one thread so far that could close it.
    let end = unsafe { BorrowedFd::borrow_raw(number) };
    let is_pipe =
        fstat(end).is_ok_and(|facts| SFlag::from_bits_truncate(facts.st_mode) & SFlag::S_IFMT == SFlag::S_IFIFO);
    let writes = fcntl(end, FcntlArg::F_GETFL)
        .is_ok_and(|flags| OFlag::from_bits_truncate(flags) & OFlag::O_ACCMODE == OFlag::O_WRONLY);
    is_pipe && writes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;
    use std::os::fd::{AsRawFd, IntoRawFd};

    #[test]
    fn a_dropped_place_is_the_end_of_the_pipe() {
        let (mut reader, writer) = std::io::pipe().expect("descriptors are there");
        let place = Place::of(Some(writer.into_raw_fd()));
        drop(place);
        assert_eq!(reader.read(&mut [0]).expect("ends"), 0);
    }

    #[test]
    fn what_is_no_writing_end_is_left_alone() {
        let (reader, _writer) = std::io::pipe().expect("descriptors are there");
        let file = tempfile::tempfile().expect("a file");
        for number in [-1, 0, 2, 9999, reader.as_raw_fd(), file.as_raw_fd()] {
            drop(Place::of(Some(number)));
        }
        assert!(file.metadata().is_ok() && fcntl(&reader, FcntlArg::F_GETFD).is_ok());
    }
}
