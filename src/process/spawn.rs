//! The start of a child: a clean process that inherits nothing it was not given.

use super::identity::Identity;
use super::reader::leave_behind;
use crate::settings::Environment;
use nix::fcntl::OFlag;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, sigaction, sigprocmask};
use nix::unistd::{Pid, getpid, getppid, pipe2};
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
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
    /// What the kernel sends it once the thread that has started it is gone, however that ended: for what must not go on
    /// by itself. `None` leaves it to itself. A program with rights of its own (setuid, file capabilities) loses it.
    /// Its outputs are read on then: its last words must neither kill it nor keep it waiting.
    pub dies_with_us: Option<Signal>,
}

/// A file that a sibling's fork still holds open for writing cannot be executed for a moment (ETXTBSY).
const TEXT_BUSY_FOR: Duration = Duration::from_secs(1);

/// Starts a child with both outputs piped, an empty standard input, its own process group, every signal at its
/// default and unblocked, and no descriptor beyond the three.
///
/// # Errors
/// When it cannot be executed; the system's error says why.
pub fn spawn(spec: &Spec) -> io::Result<Child> {
    piped(spec, Stdio::null())
}

/// As [`spawn`], with `input` as its standard input.
pub(super) fn spawn_with_input(spec: &Spec, input: OwnedFd) -> io::Result<Child> {
    piped(spec, input.into())
}

/// As [`spawn`], as another user, with both outputs going into one pipe of the caller's.
pub(super) fn spawn_into(spec: &Spec, user: Option<&Identity>, output: OwnedFd) -> io::Result<Child> {
    let second = output.try_clone()?;
    start(spec, Stdio::null(), output.into(), second.into(), Extra { read_on: None, user: user.cloned() })
}

/// What only some children have.
#[derive(Default)]
struct Extra {
    /// The outputs that somebody else reads on.
    read_on: Option<[i32; 2]>,
    user: Option<Identity>,
}

fn piped(spec: &Spec, input: Stdio) -> io::Result<Child> {
    let (out_read, out_write) = pipe2(OFlag::O_CLOEXEC)?;
    let (err_read, err_write) = pipe2(OFlag::O_CLOEXEC)?;
    let read_on = spec.dies_with_us.map(|_| [out_read.as_raw_fd(), err_read.as_raw_fd()]);
    let extra = Extra { read_on, ..Extra::default() };
    let mut child = start(spec, input, out_write.into(), err_write.into(), extra)?;
    child.stdout = Some(out_read.into());
    child.stderr = Some(err_read.into());
    Ok(child)
}

fn start(spec: &Spec, stdin: Stdio, stdout: Stdio, stderr: Stdio, extra: Extra) -> io::Result<Child> {
    let mut command = Command::new(&spec.program);
    command.args(&spec.args).env_clear().envs(spec.environment.iter());
    command.stdin(stdin).stdout(stdout).stderr(stderr).process_group(0);
    if let Some(directory) = &spec.directory {
        command.current_dir(directory);
    }
    let (signal, parent) = (spec.dies_with_us, getpid());
    // SAFETY: only system calls that are safe between fork and exec are made.
    unsafe {
        command.pre_exec(move || {
            reset_signals();
            close_on_exec_from(3);
            if let Some(outputs) = extra.read_on {
                leave_behind(parent, outputs);
            }
            if let Some(user) = &extra.user {
                user.take_on()?;
            }
            signal.map_or(Ok(()), |signal| die_with(parent, signal))
        });
    }
    retry_while_busy(|| command.spawn())
}

/// Has the kernel send `signal` at the parent's end; an error if that has come already, since nobody would send it then.
/// Safe between fork and exec.
fn die_with(parent: Pid, signal: Signal) -> io::Result<()> {
    nix::sys::prctl::set_pdeathsig(signal)?;
    if getppid() == parent { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::ESRCH)) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    fn shell(script: &str, dies_with_us: Option<Signal>) -> Spec {
        Spec {
            program: "/bin/sh".into(),
            args: ["-c", script].map(Into::into).to_vec(),
            environment: [("PATH", "/usr/bin:/bin")].into_iter().collect(),
            directory: None,
            dies_with_us,
        }
    }

    #[test]
    fn what_dies_with_us_hears_of_the_end_of_the_thread_that_has_started_it() {
        let script = "trap 'echo asked; exit 3' INT; echo begun; while :; do sleep 0.01; done";
        let start = move || {
            let mut child = spawn(&shell(script, Some(Signal::SIGINT))).expect("sh is there");
            let mut begun = [0; 6];
            child.stdout.as_mut().expect("is piped").read_exact(&mut begun).expect("says so");
            child
        };
        let mut child = std::thread::spawn(start).join().expect("does not panic");
        assert_eq!(child.wait().expect("ends").code(), Some(3));
    }

    /// As restic, which says that it cleans up before it does.
    #[test]
    fn its_last_words_do_not_kill_it() {
        let script = "read line; echo a; echo b; echo c >&2; exit 7";
        let (read, write) = pipe2(OFlag::O_CLOEXEC).expect("descriptors are there");
        let mut child = spawn_with_input(&shell(script, Some(Signal::SIGINT)), read).expect("sh is there");
        drop((child.stdout.take(), child.stderr.take()));
        drop(write);
        assert_eq!(child.wait().expect("ends").code(), Some(7));
    }
}
