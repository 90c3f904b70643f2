//! What init has handed to us, under its fixed numbers.

use super::ledger::Ledger;
use crate::process::handover::{CONTROL, DOOR, LEDGER, LOG_READ, LOG_WRITE, READY};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::socket::{MsgFlags, recv, send};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// The descriptors of `process::handover`.
pub(super) struct Handed {
    /// What runs and init say.
    pub log: OwnedFd,
    /// Where runs say it.
    pub log_write: OwnedFd,
    /// The socket to init.
    pub control: OwnedFd,
    /// Which due times are settled.
    pub ledger: Ledger,
    /// Where people ask how we are.
    pub door: OwnedFd,
}

/// What init says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// Nothing.
    Nothing,
    /// These bytes, of which one may be `FINISH`.
    Byte(u8),
    /// It is gone.
    Gone,
}

impl Handed {
    /// Takes the descriptors; call once.
    ///
    /// # Errors
    /// When one of them is not there.
    pub fn take() -> io::Result<Self> {
        let [log, log_write, control, ledger, door] = [LOG_READ, LOG_WRITE, CONTROL, LEDGER, DOOR].map(own);
        let handed =
            Self { log: log?, log_write: log_write?, control: control?, ledger: Ledger::open(ledger?)?, door: door? };
        for fd in [&handed.log, &handed.control, &handed.door] {
            let flags = OFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFL)?);
            fcntl(fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        }
        Ok(handed)
    }

    /// Says that the boot is over. A dead init is noticed when it is listened to.
    pub fn ready(&self) {
        let _ = send(self.control.as_raw_fd(), &[READY], MsgFlags::MSG_NOSIGNAL);
    }

    /// The next byte that init has sent, if there is one.
    pub fn told(&self) -> Told {
        let mut byte = [0];
        match recv(self.control.as_raw_fd(), &mut byte, MsgFlags::MSG_DONTWAIT) {
            Ok(1) => Told::Byte(byte[0]),
            Err(Errno::EAGAIN | Errno::EINTR) => Told::Nothing,
            _ => Told::Gone,
        }
    }
}

fn own(number: i32) -> io::Result<OwnedFd> {
    // SAFETY: one system call on a number, which need not be open.
    if unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) } != 0 {
        let error = io::Error::last_os_error();
        return Err(io::Error::new(error.kind(), format!("descriptor {number} is not there ({error})")));
    }
    // SAFETY: it is open, and nobody else in this process knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}
