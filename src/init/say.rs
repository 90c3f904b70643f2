//! Lines of init's own: the first process must not wait for whoever reads its output.

use crate::masking::Secrets;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::write;
use std::io;
use std::os::fd::AsFd;

/// No pipe that is ready to be written to takes less without blocking.
const PIECE: usize = 4096;

/// Prints a line on standard error, unless nobody reads there.
pub fn say(secrets: &Secrets, line: &str) {
    let mut text = secrets.mask(line).into_owned();
    text.push('\n');
    pass_on(&io::stderr(), text.as_bytes());
}

/// Writes what can be written without waiting; the rest is lost.
pub fn pass_on(to: &impl AsFd, bytes: &[u8]) {
    for piece in bytes.chunks(PIECE) {
        let mut ready = [PollFd::new(to.as_fd(), PollFlags::POLLOUT)];
        let is_ready = poll(&mut ready, PollTimeout::ZERO).is_ok_and(|count| count > 0);
        if !is_ready || write(to, piece).is_err() {
            return;
        }
    }
}
