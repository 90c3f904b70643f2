//! Sockets in `RUN_DIR`: whoever connects is told one line of JSON, and no more.

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, Backlog, MsgFlags, SockFlag, SockType, UnixAddr, accept4, bind, connect, listen, recv, send, socket,
};
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

/// How many callers may wait.
const WAITING: i32 = 64;
/// No answer is longer.
const LONGEST: usize = 64 * 1024;

fn stream(flags: SockFlag) -> io::Result<OwnedFd> {
    Ok(socket(AddressFamily::Unix, SockType::Stream, flags | SockFlag::SOCK_CLOEXEC, None)?)
}

/// A listening socket at `path`, in the place of whatever an earlier container has left there.
///
/// # Errors
/// When the folder cannot be written to, or the path is longer than a socket's may be.
pub fn open(path: &Path) -> io::Result<OwnedFd> {
    let address = UnixAddr::new(path)?;
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    listening(&address)
}

/// A listening socket that nobody finds: where there can be none in `RUN_DIR`, the scheduler still has its door.
///
/// # Errors
/// When the process is out of descriptors.
pub fn hidden() -> io::Result<OwnedFd> {
    listening(&UnixAddr::new_unnamed())
}

fn listening(address: &UnixAddr) -> io::Result<OwnedFd> {
    let door = stream(SockFlag::empty())?;
    bind(door.as_raw_fd(), address)?;
    listen(&door, Backlog::new(WAITING)?)?;
    Ok(door)
}

/// Answers everybody who waits at the door.
pub fn answer(door: &OwnedFd, line: &str) {
    loop {
        let mut ready = [PollFd::new(door.as_fd(), PollFlags::POLLIN)];
        if !poll(&mut ready, PollTimeout::ZERO).is_ok_and(|count| count > 0) {
            return;
        }
        let Ok(caller) = accept4(door.as_raw_fd(), SockFlag::SOCK_CLOEXEC) else { return };
        // SAFETY: a new descriptor that nobody else owns.
        let caller = unsafe { OwnedFd::from_raw_fd(caller) };
        // An empty socket takes a line at once.
        let _ = send(caller.as_raw_fd(), line.as_bytes(), MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT);
    }
}

/// Connects to `path` and gives what is said there.
///
/// # Errors
/// When nobody listens there, or does not answer until `deadline`.
pub fn ask(path: &Path, deadline: Instant) -> io::Result<String> {
    let caller = stream(SockFlag::SOCK_NONBLOCK)?;
    let address = UnixAddr::new(path)?;
    loop {
        match connect(caller.as_raw_fd(), &address) {
            Ok(()) | Err(Errno::EISCONN) => break,
            Err(Errno::EINTR) => {}
            // Too many wait already: there is no event that says when one of them is served.
            Err(Errno::EAGAIN) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(10)),
            Err(Errno::EAGAIN) => return Err(io::ErrorKind::TimedOut.into()),
            Err(error) => return Err(error.into()),
        }
    }
    let mut said = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let mut ready = [PollFd::new(caller.as_fd(), PollFlags::POLLIN)];
        // Up to the next millisecond: a wait of none would spin.
        let wait = PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
        match poll(&mut ready, wait) {
            Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        match recv(caller.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
            Ok(0) => break,
            Ok(count) => said.extend_from_slice(&buffer[..count]),
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        if said.contains(&b'\n') || said.len() > LONGEST {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&said).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(300)
    }

    #[test]
    fn who_asks_is_answered_also_where_a_stale_socket_lay() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("init.sock");
        drop(open(&path).expect("can be opened"));
        let refused = ask(&path, soon()).expect_err("nobody listens any more");
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        let door = open(&path).expect("can be opened again");
        let asked = std::thread::spawn(move || ask(&path, Instant::now() + Duration::from_secs(20)));
        while !asked.is_finished() {
            answer(&door, "{\"pid\":1}\n");
        }
        assert_eq!(asked.join().expect("ends").expect("is answered"), "{\"pid\":1}");
    }

    #[test]
    fn who_does_not_answer_is_not_waited_for_for_ever() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("init.sock");
        let _door = open(&path).expect("can be opened");
        assert_eq!(ask(&path, soon()).expect_err("is silent").kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn a_hidden_door_is_a_door() {
        hidden().expect("needs no folder");
    }
}
