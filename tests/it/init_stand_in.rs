//! A stand-in for init: it has what a scheduler is handed, and starts schedulers with it.

use crate::support::{BOATHOOK, Running, Sandbox, wait_for};
use nix::sys::memfd::{MFdFlags, memfd_create};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt as _;
use std::sync::{Arc, Mutex};

/// The number of the first descriptor, as `process::handover` has it.
const FIRST: i32 = 3;

/// What init keeps for its schedulers.
pub struct Init {
    log_read: OwnedFd,
    log_write: OwnedFd,
    ledger: OwnedFd,
    door: UnixListener,
}

/// A scheduler that was started.
pub struct Scheduler {
    pub running: Running,
    pub control: UnixStream,
    said: Arc<Mutex<Vec<u8>>>,
    reader: std::thread::JoinHandle<()>,
}

impl Init {
    pub fn new(sandbox: &Sandbox) -> Self {
        let (log_read, log_write) = std::io::pipe().expect("a pipe");
        let ledger = memfd_create(c"ledger", MFdFlags::MFD_CLOEXEC).expect("memory");
        let door = UnixListener::bind(sandbox.path("run/scheduler.sock")).expect("a door");
        Self { log_read: log_read.into(), log_write: log_write.into(), ledger, door }
    }

    /// Starts a scheduler: `first` or `again`.
    pub fn start(&self, sandbox: &Sandbox, how: &str) -> Scheduler {
        let (control, its_control) = UnixStream::pair().expect("a socket");
        let fds = [
            self.log_read.as_fd(),
            self.log_write.as_fd(),
            its_control.as_fd(),
            self.ledger.as_fd(),
            self.door.as_fd(),
        ];
        // High enough not to lie where they go to.
        let high = |fd: BorrowedFd<'_>| {
            nix::fcntl::fcntl(fd, nix::fcntl::FcntlArg::F_DUPFD_CLOEXEC(100)).expect("a descriptor")
        };
        let high = fds.map(high);
        let mut command = sandbox.command(BOATHOOK, &["scheduler-process", how]);
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        command.stdout(writer.try_clone().expect("a descriptor")).stderr(writer).process_group(0);
        // SAFETY: dup2 is safe between fork and exec.
        unsafe {
            command.pre_exec(move || {
                for (number, fd) in (FIRST..).zip(high) {
                    if libc::dup2(fd, number) < 0 {
                        return Err(std::io::Error::last_os_error());
                    }
                }
                Ok(())
            });
        }
        let child = command.spawn().expect("can be started");
        drop(command);
        for fd in high {
            nix::unistd::close(fd).expect("is open");
        }
        let said = Arc::<Mutex<Vec<u8>>>::default();
        let heard = Arc::clone(&said);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                heard.lock().expect("is sound").extend(&buffer[..count]);
            }
        });
        Scheduler { running: Running::of(child), control, said, reader }
    }

    /// Starts the first scheduler and waits until its schedule is in force.
    #[track_caller]
    pub fn boot(&self, sandbox: &Sandbox) -> Scheduler {
        let scheduler = self.start(sandbox, "first");
        scheduler.expect_ready();
        scheduler
    }

    /// Writes to the pipe that runs write to.
    pub fn log(&self, text: &[u8]) {
        let copy = self.log_write.try_clone().expect("a descriptor");
        File::from(copy).write_all(text).expect("is taken");
    }

    /// Up to when the job of this place is settled, in seconds since 1970.
    pub fn settled(&self, place: u64) -> i64 {
        let mut slot = [0; 8];
        let _ = self.ledger_file().read_exact_at(&mut slot, place * 8);
        i64::from_le_bytes(slot)
    }

    /// Settles it, as an earlier scheduler would have.
    pub fn settle(&self, place: u64, seconds: i64) {
        self.ledger_file().write_all_at(&seconds.to_le_bytes(), place * 8).expect("is writable");
    }

    fn ledger_file(&self) -> File {
        self.ledger.try_clone().expect("a descriptor").into()
    }

    /// What the scheduler answers at the door.
    #[track_caller]
    pub fn ask(&self) -> serde_json::Value {
        let address = self.door.local_addr().expect("has one");
        let mut visitor = UnixStream::connect_addr(&address).expect("is listened at");
        let mut answer = String::new();
        visitor.read_to_string(&mut answer).expect("is text");
        assert!(answer.ends_with('\n'), "{answer:?}");
        serde_json::from_str(&answer).expect("is a document")
    }
}

impl Scheduler {
    /// All that it printed so far.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&self.said.lock().expect("is sound")).into_owned()
    }

    /// Waits until it says that the schedule is in force.
    #[track_caller]
    pub fn expect_ready(&self) {
        let mut byte = [0];
        let count = (&self.control).read(&mut byte).expect("is readable");
        assert_eq!((count, byte[0]), (1, b'R'), "{}", self.said());
    }

    /// Waits until it has printed this.
    #[track_caller]
    pub fn expect(&self, text: &str) {
        wait_for(&format!("{text:?} in what it says"), || self.said().contains(text).then_some(()));
    }

    /// Has it write what is left and end, and gives all that it printed.
    #[track_caller]
    pub fn finish(self) -> String {
        (&self.control).write_all(b"F").expect("is taken");
        let (code, said) = self.end();
        assert_eq!(code, 0, "{said}");
        said
    }

    /// Waits for its end, and gives its exit code and all that it printed.
    #[track_caller]
    pub fn end(self) -> (i32, String) {
        let code = self.running.finish().code();
        self.reader.join().expect("reads to the end");
        let text = self.said.lock().expect("is sound");
        (code, String::from_utf8_lossy(&text).into_owned())
    }

    /// Kills it as nothing else would.
    pub fn kill(self) {
        self.running.signal(9);
        self.end();
    }
}
