//! The start of a child: a clean process that inherits nothing it was not given.

use crate::settings::Environment;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, sigaction, sigprocmask};
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What to start.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The program; looked up in the `PATH` of `environment` if it has no slash.
    pub program: PathBuf,
    /// Its arguments, without its name.
    pub args: Vec<OsString>,
    /// The whole environment it gets.
    pub environment: Environment,
    /// Its working directory; ours if `None`.
    pub directory: Option<PathBuf>,
}

/// A file that a sibling's fork still holds open for writing cannot be executed for a moment (ETXTBSY).
const TEXT_BUSY_FOR: Duration = Duration::from_secs(1);

/// Starts a child with both outputs piped, an empty standard input, its own process group, every signal at its
/// default and unblocked, and no descriptor beyond the three.
///
/// # Errors
/// When it cannot be executed; the system's error says why.
pub fn spawn(spec: &Spec) -> io::Result<Child> {
    start(spec, Stdio::null(), Stdio::piped(), Stdio::piped())
}

/// As [`spawn`], with `input` as its standard input.
pub(super) fn spawn_with_input(spec: &Spec, input: OwnedFd) -> io::Result<Child> {
    start(spec, input.into(), Stdio::piped(), Stdio::piped())
}

/// As [`spawn`], with both outputs going into one pipe of the caller's.
pub(super) fn spawn_into(spec: &Spec, output: OwnedFd) -> io::Result<Child> {
    let second = output.try_clone()?;
    start(spec, Stdio::null(), output.into(), second.into())
}

fn start(spec: &Spec, stdin: Stdio, stdout: Stdio, stderr: Stdio) -> io::Result<Child> {
    let mut command = Command::new(&spec.program);
    command.args(&spec.args).env_clear().envs(spec.environment.iter());
    command.stdin(stdin).stdout(stdout).stderr(stderr).process_group(0);
    if let Some(directory) = &spec.directory {
        command.current_dir(directory);
    }
    // SAFETY: only system calls that are safe between fork and exec are made.
    unsafe {
        command.pre_exec(|| {
            reset_signals();
            close_on_exec_from(3);
            Ok(())
        });
    }
    retry_while_busy(|| command.spawn())
}

/// Calls `start` again for up to a second while the file is busy.
pub fn retry_while_busy<T>(mut start: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let deadline = Instant::now() + TEXT_BUSY_FOR;
    loop {
        match start() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(5));
            }
            other => return other,
        }
    }
}

/// Puts every signal back to its default and unblocks all: the standard library restores neither the mask nor the
/// signals that are ignored. Safe between fork and exec.
pub(crate) fn reset_signals() {
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    for signal in Signal::iterator() {
        if !matches!(signal, Signal::SIGKILL | Signal::SIGSTOP) {
            // SAFETY: the default action runs no code of ours.
            let _ = unsafe { sigaction(signal, &default) };
        }
    }
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None);
}

/// Has the kernel tell us of our children's ends. Whether SIGCHLD is ignored is inherited, and a parent that ignores it
/// would have ours reaped unseen: nobody would learn how a child ended. For the start of the program.
pub fn hear_of_children() {
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    // SAFETY: the default action runs no code of ours.
    let _ = unsafe { sigaction(Signal::SIGCHLD, &default) };
}

/// Whether we were started with this signal ignored, as nohup(1) does.
pub fn is_ignored(signal: Signal) -> bool {
    // SAFETY: all zeroes are a valid action, and a null pointer changes nothing.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: writes one action to where one is.
    let asked = unsafe { libc::sigaction(signal as i32, std::ptr::null(), &raw mut action) };
    asked == 0 && action.sa_sigaction == libc::SIG_IGN
}

/// Marks every descriptor from `first` on as not to be inherited. Safe between fork and exec.
pub(crate) fn close_on_exec_from(first: u32) {
    // SAFETY: close_range takes three integers; CLOSE_RANGE_CLOEXEC closes nothing here.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    if done != 0 {
        // Linux before 5.11: what others handed us are low numbers; our own are marked anyway.
        for fd in first..256 {
            // SAFETY: a descriptor that is not open gives EBADF.
            unsafe { libc::fcntl(fd as i32, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
    }
}
