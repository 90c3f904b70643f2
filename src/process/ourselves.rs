//! The program itself, started anew under a hidden command, with one socket: a supervisor, a cleaner.

use super::spawn::{close_on_exec_from, reset_signals, retry_while_busy};
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::unistd::{dup2_raw, setsid};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicI32, Ordering};

/// The descriptor that the socket is handed over at.
pub const SOCKET_FD: i32 = 3;

/// The descriptor that a token is handed over at, if there is one.
pub const TOKEN_FD: i32 = 4;

/// See [`lend_to_supervisors`]; -1 for none.
static TOKEN: AtomicI32 = AtomicI32::new(-1);

/// From now on every supervisor that this process starts holds this open file for as long as its hook runs; hooks never
/// do. Its lock then says that something of the run is alive, also after the death of whoever started it. The
/// descriptor stays the caller's, and open until the next call; `None` ends it.
pub fn lend_to_supervisors(token: Option<BorrowedFd<'_>>) {
    TOKEN.store(token.map_or(-1, |token| token.as_raw_fd()), Ordering::Relaxed);
}

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
/// [`SOCKET_FD`], and what is lent to supervisors at descriptor 4 if it is to be one; no other descriptor.
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
    let token = if distance == Distance::Group { TOKEN.load(Ordering::Relaxed) } else { -1 };
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
            if token < 0 {
                return place(number, SOCKET_FD);
            }
            // Neither may be closed by the way of the other.
            let socket = libc::fcntl(number, libc::F_DUPFD, TOKEN_FD + 1);
            let token = libc::fcntl(token, libc::F_DUPFD, TOKEN_FD + 1);
            if socket < 0 || token < 0 {
                return Err(io::Error::last_os_error());
            }
            place(socket, SOCKET_FD)?;
            place(token, TOKEN_FD)?;
            libc::close(socket);
            libc::close(token);
            Ok(())
        });
    }
    let child = retry_while_busy(|| program.spawn());
    drop(socket);
    child
}

/// Makes `to` the same open file as `from`, for the program that is about to start.
///
/// # Safety
/// `from` is open. Nobody in this process uses `to`. Safe between fork and exec.
unsafe fn place(from: i32, to: i32) -> io::Result<()> {
    if from == to {
        // SAFETY: changes a flag of a descriptor.
        unsafe { libc::fcntl(from, libc::F_SETFD, 0) };
        return Ok(());
    }
    // SAFETY: the caller vouches for both.
    let copy = unsafe { dup2_raw(BorrowedFd::borrow_raw(from), to) }?;
    std::mem::forget(copy);
    Ok(())
}
