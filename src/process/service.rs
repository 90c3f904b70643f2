//! Children of the first process: a service with descriptors at fixed numbers, and the command that a person gave, with
//! the streams and the terminal of the caller.

use super::Spec;
use super::spawn::{close_on_exec_from, reset_signals, retry_while_busy};
use super::terminal::Terminal;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, getpid};
use std::convert::Infallible;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

fn command(spec: &Spec, called: Option<&OsStr>) -> Command {
    let mut command = Command::new(&spec.program);
    command.args(&spec.args).env_clear().envs(spec.environment.iter());
    if let Some(called) = called {
        command.arg0(called);
    }
    if let Some(directory) = &spec.directory {
        command.current_dir(directory);
    }
    command
}

/// Starts a child in a process group of its own, with an empty standard input, our outputs, and `handed` at the numbers
/// `first`, `first` + 1, ...; no other descriptor. It is its caller's to wait for, by number.
///
/// # Errors
/// When it cannot be executed, or descriptors run out.
pub fn spawn_service(spec: &Spec, handed: &[BorrowedFd<'_>], first: i32) -> io::Result<Pid> {
    let behind = first + handed.len() as i32;
    // The numbers are taken while the child starts: else the standard library's own pipe to it might be one of them.
    let _taken = take_numbers_below(behind)?;
    let copies = handed
        .iter()
        .map(|fd| {
            let number = fcntl(fd, FcntlArg::F_DUPFD_CLOEXEC(behind))?;
            // SAFETY: a new descriptor that nobody else owns.
            Ok(unsafe { OwnedFd::from_raw_fd(number) })
        })
        .collect::<io::Result<Vec<_>>>()?;
    let numbers: Vec<i32> = copies.iter().map(AsRawFd::as_raw_fd).collect();
    let mut command = command(spec, None);
    command.stdin(Stdio::null()).process_group(0);
    // SAFETY: only system calls that are safe between fork and exec are made.
    unsafe {
        command.pre_exec(move || {
            reset_signals();
            // It writes to a terminal whose foreground is another's: that must not stop it.
            let ignore = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
            sigaction(Signal::SIGTTOU, &ignore)?;
            close_on_exec_from(3);
            for (place, number) in numbers.iter().enumerate() {
                if libc::dup2(*number, first + place as i32) < 0 {
                    return Err(io::Error::last_os_error());
                }
            }
            Ok(())
        });
    }
    Ok(Pid::from_raw(retry_while_busy(|| command.spawn())?.id() as i32))
}

/// Holds every free number below `behind`.
fn take_numbers_below(behind: i32) -> io::Result<Vec<OwnedFd>> {
    let mut taken = Vec::new();
    loop {
        let fd = open("/dev/null", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?;
        if fd.as_raw_fd() >= behind {
            return Ok(taken);
        }
        taken.push(fd);
    }
}

/// Starts the command of a person: our standard streams, and every descriptor that we were given ourselves; a process
/// group of its own, which gets the foreground of `terminal`. `called` is the name it sees itself called by. It is its
/// caller's to wait for, by number.
///
/// # Errors
/// When it cannot be executed; the system's error says why.
pub fn spawn_in_front(spec: &Spec, called: Option<&OsStr>, terminal: Option<Terminal>) -> io::Result<Pid> {
    let mut command = command(spec, called);
    command.process_group(0);
    // SAFETY: only system calls that are safe between fork and exec are made.
    unsafe {
        command.pre_exec(move || {
            // Before its first instruction, or its first look at the terminal would stop it.
            if let Some(terminal) = terminal {
                terminal.give_to(getpid());
            }
            reset_signals();
            Ok(())
        });
    }
    Ok(Pid::from_raw(retry_while_busy(|| command.spawn())?.id() as i32))
}

/// Becomes this program, with our streams; returns only if that is not possible.
pub fn become_program(spec: &Spec, called: Option<&OsStr>) -> io::Error {
    let mut command = command(spec, called);
    let failed: io::Result<Infallible> = retry_while_busy(|| Err(command.exec()));
    let Err(error) = failed;
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Environment;
    use nix::sys::wait::{WaitStatus, waitpid};
    use nix::unistd::{pipe2, read};
    use std::os::fd::AsFd;

    fn shell(script: &str) -> Spec {
        Spec {
            program: "/bin/sh".into(),
            args: ["-c", script].map(Into::into).to_vec(),
            environment: Environment::default(),
            directory: None,
            dies_with_us: None,
        }
    }

    #[test]
    fn descriptors_stand_at_their_numbers_and_no_other_is_there() {
        let (read_one, write_one) = pipe2(OFlag::empty()).expect("descriptors are there");
        let (read_two, write_two) = pipe2(OFlag::empty()).expect("descriptors are there");
        let spec = shell("[ -e /proc/self/fd/5 ] || echo one >&3; echo two >&4");
        let pid = spawn_service(&spec, &[write_one.as_fd(), write_two.as_fd()], 3).expect("sh is there");
        assert_eq!(waitpid(pid, None), Ok(WaitStatus::Exited(pid, 0)));
        let mut bytes = [0; 16];
        assert_eq!(read(&read_one, &mut bytes), Ok(4));
        assert_eq!(&bytes[..4], b"one\n");
        assert_eq!(read(&read_two, &mut bytes), Ok(4));
        assert_eq!(&bytes[..4], b"two\n");
    }

    #[test]
    fn a_service_that_cannot_be_executed_is_an_error_also_with_descriptors() {
        let (_read, write) = pipe2(OFlag::O_CLOEXEC).expect("descriptors are there");
        let spec = Spec { program: "/nowhere/service".into(), ..shell("") };
        let error = spawn_service(&spec, &[write.as_fd()], 3).expect_err("does not exist");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_command_sees_itself_called_by_the_given_name() {
        let spec = shell("[ \"$(tr '\\0' ' ' < /proc/$$/cmdline | cut -d' ' -f1)\" = bisync ]");
        let spec = Spec { environment: [("PATH", "/usr/bin:/bin")].into_iter().collect(), ..spec };
        let pid = spawn_in_front(&spec, Some(OsStr::new("bisync")), None).expect("sh is there");
        assert_eq!(waitpid(pid, None), Ok(WaitStatus::Exited(pid, 0)));
    }
}
