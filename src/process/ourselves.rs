//! The program itself, started anew under a hidden command, with one socket: a supervisor, a cleaner.

use super::spawn::{close_on_exec_from, reset_signals, retry_while_busy};
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::unistd::{dup2_raw, setsid};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// The descriptor that the socket is handed over at.
pub const SOCKET_FD: i32 = 3;

/// What a terminal or an operator sends.
pub const SENT_BY_PEOPLE: [Signal; 4] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT];

/// How near it is to the one who starts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distance {
    /// A process group of its own.
    Group,
    /// A session of its own, and deaf to [`SENT_BY_PEOPLE`] from its first moment on.
    Session,
}

/// Starts `boathook <command>` in `/`, with an empty environment, without our streams, and with `socket` at
/// [`SOCKET_FD`]; no other descriptor.
///
/// # Errors
/// When it cannot be executed.
pub fn start_ourselves(command: &str, socket: OwnedFd, distance: Distance) -> io::Result<Child> {
    let mut program = Command::new("/proc/self/exe");
    program.arg0("boathook").arg(command).env_clear().current_dir("/");
    // None of the caller's own output: `$(docker exec ...)` would wait for its end.
    program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if distance == Distance::Group {
        program.process_group(0);
    }
    let number = socket.as_raw_fd();
    // SAFETY: only system calls that are safe between fork and exec are made.
    unsafe {
        program.pre_exec(move || {
            reset_signals();
            if distance == Distance::Session {
                setsid()?;
                for ignored in SENT_BY_PEOPLE {
                    signal(ignored, SigHandler::SigIgn)?;
                }
            }
            close_on_exec_from(3);
            if number == SOCKET_FD {
                libc::fcntl(number, libc::F_SETFD, 0);
            } else {
                let borrowed = std::os::fd::BorrowedFd::borrow_raw(number);
                let copy = dup2_raw(borrowed, SOCKET_FD)?;
                // It belongs to the program that is about to start.
                std::mem::forget(copy);
            }
            Ok(())
        });
    }
    let child = retry_while_busy(|| program.spawn());
    drop(socket);
    child
}
