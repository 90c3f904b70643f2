//! The start of a process that goes on without whoever started it: a run of the schedule.

use super::spawn::{close_on_exec_from, reset_signals};
use crate::settings::Environment;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// What to start.
pub struct Launch<'a> {
    /// The program, with a slash in it.
    pub program: PathBuf,
    /// What it is called in `ps`, and what it learns its command from.
    pub name: OsString,
    /// Its arguments, without its name.
    pub args: Vec<OsString>,
    /// The whole environment it gets.
    pub environment: Environment,
    /// Where both its outputs go.
    pub output: BorrowedFd<'a>,
    /// A descriptor that it has under the same number.
    pub kept: BorrowedFd<'a>,
}

/// Starts it in `/`, with an empty standard input, in a process group of its own, every signal at its default.
///
/// `claim` runs in the new process, before it becomes the program: an error there is the result here, and nothing is
/// started. It makes system calls only that are safe between fork and exec. So it happens if, and only if, the process is
/// there to go on, even where this one dies in between.
///
/// # Errors
/// When it cannot be started; the claim's own error, if that was it.
pub fn launch<C>(launch: &Launch<'_>, mut claim: C) -> io::Result<Child>
where
    C: FnMut() -> io::Result<()> + Send + Sync + 'static,
{
    let outputs = [launch.output.try_clone_to_owned()?, launch.output.try_clone_to_owned()?];
    let [stdout, stderr] = outputs.map(Stdio::from);
    let kept = launch.kept.as_raw_fd();
    let mut command = Command::new(&launch.program);
    command.arg0(&launch.name).args(&launch.args).env_clear().envs(launch.environment.iter());
    command.stdin(Stdio::null()).stdout(stdout).stderr(stderr).process_group(0).current_dir("/");
    // SAFETY: only system calls that are safe between fork and exec are made; the claim promises the same.
    unsafe {
        command.pre_exec(move || {
            reset_signals();
            close_on_exec_from(3);
            libc::fcntl(kept, libc::F_SETFD, 0);
            claim()
        });
    }
    command.spawn()
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::fcntl::{FcntlArg, FdFlag, fcntl};
    use std::io::{PipeReader, PipeWriter, Read as _};
    use std::os::fd::AsFd as _;

    fn launched(
        program: &str,
        claim: impl FnMut() -> io::Result<()> + Send + Sync + 'static,
    ) -> (io::Result<Child>, PipeReader, PipeWriter) {
        let (reader, writer) = io::pipe().expect("a pipe");
        let (_, kept) = io::pipe().expect("a pipe");
        // Numbers that a child could only have from us.
        let [output, kept] =
            [&writer, &kept].map(|pipe| fcntl(pipe, FcntlArg::F_DUPFD_CLOEXEC(70)).expect("a descriptor"));
        // SAFETY: both are new, and nobody else's.
        let [output, kept] =
            [output, kept].map(|fd| unsafe { <PipeWriter as std::os::fd::FromRawFd>::from_raw_fd(fd) });
        let script = "cd /proc/self/fd; for fd in *; do [ -e $fd ] && [ $fd -gt 2 ] && echo $fd; done; echo $0 $PWD";
        let child = launch(
            &Launch {
                program: program.into(),
                name: "a-name".into(),
                args: vec!["-c".into(), script.into()],
                environment: Environment::from_iter([("PATH", "/usr/bin:/bin")]),
                output: output.as_fd(),
                kept: kept.as_fd(),
            },
            claim,
        );
        (child, reader, kept)
    }

    #[test]
    fn it_has_its_three_descriptors_and_the_one_that_it_keeps() {
        let (child, mut reader, kept) = launched("/bin/sh", || Ok(()));
        child.expect("is started").wait().expect("ends");
        let mut said = vec![0; 4096];
        let count = reader.read(&mut said).expect("is there");
        let said = String::from_utf8_lossy(&said[..count]).into_owned();
        let numbers: Vec<i32> = said.lines().filter_map(|line| line.parse().ok()).filter(|fd| *fd >= 70).collect();
        assert_eq!(numbers, [kept.as_raw_fd()], "{said}");
        assert!(said.contains("a-name /proc/"), "{said}");
        let flags = FdFlag::from_bits_retain(fcntl(&kept, FcntlArg::F_GETFD).expect("is open"));
        assert!(flags.contains(FdFlag::FD_CLOEXEC), "no other child of ours gets it");
    }

    #[test]
    fn what_its_claim_refuses_is_not_started() {
        let (child, _, _) = launched("/bin/sh", || Err(io::Error::from_raw_os_error(libc::EALREADY)));
        assert_eq!(child.expect_err("is refused").raw_os_error(), Some(libc::EALREADY));
        let (child, _, _) = launched("/no/such/program", || Ok(()));
        assert_eq!(child.expect_err("does not exist").kind(), io::ErrorKind::NotFound);
    }
}
