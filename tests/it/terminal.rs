//! A person at a terminal: the real binary with a pseudo terminal of its own, what it shows, and what is typed.

use crate::support::{BOATHOOK, Running, Sandbox, code_of, wait_for};
use nix::pty::openpty;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

/// What Ctrl-C sends.
pub const CTRL_C: &str = "\x03";
/// What Ctrl-D sends: at the beginning of a line it ends the input.
pub const CTRL_D: &str = "\x04";

/// A command at a terminal.
pub struct AtTerminal {
    running: Running,
    keyboard: File,
    shown: Arc<Mutex<String>>,
    read_to: usize,
}

impl AtTerminal {
    /// Starts `boathook` with these words; its three streams are the terminal.
    pub fn start(sandbox: &Sandbox, args: &[&str]) -> Self {
        Self::start_program(sandbox.command(BOATHOOK, args))
    }

    /// Starts a program; its three streams are the terminal.
    pub fn start_program(mut command: Command) -> Self {
        let terminal = openpty(None, None).expect("there are pseudo terminals");
        let stream = || Stdio::from(terminal.slave.try_clone().expect("descriptors are there"));
        command.stdin(stream()).stdout(stream()).stderr(stream());
        // SAFETY: both are plain system calls, which are allowed between fork and exec.
        unsafe {
            command.pre_exec(|| {
                // A session of its own, with this terminal: else Ctrl-C would reach nobody.
                if libc::setsid() < 0 || libc::ioctl(0, libc::TIOCSCTTY, 0) < 0 {
                    return Err(std::io::Error::last_os_error());
                }
                Ok(())
            });
        }
        let running = Running::of(command.spawn().expect("can be started"));
        // Those of the command must be the last, or the end of it could not be seen.
        drop(command);
        drop(terminal.slave);
        let shown = Arc::new(Mutex::new(String::new()));
        let mut screen = File::from(terminal.master.as_fd().try_clone_to_owned().expect("descriptors are there"));
        let text = Arc::clone(&shown);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            let mut whole = Vec::new();
            // EIO: nobody has the other side any more.
            while let Ok(count @ 1..) = screen.read(&mut bytes) {
                whole.extend_from_slice(&bytes[..count]);
                *text.lock().expect("nobody panicked") = String::from_utf8_lossy(&whole).replace("\r\n", "\n");
            }
        });
        Self { running, keyboard: File::from(terminal.master), shown, read_to: 0 }
    }

    /// The number of the process.
    pub fn pid(&self) -> i32 {
        self.running.pid()
    }

    /// Waits until `text` is shown, behind what was waited for before; gives all between.
    #[track_caller]
    pub fn expect(&mut self, text: &str) -> String {
        let (shown, from) = (Arc::clone(&self.shown), self.read_to);
        let look = || {
            let shown = shown.lock().expect("nobody panicked");
            let at = shown.get(from..)?.find(text)?;
            Some((shown[from..from + at].to_owned(), from + at + text.len()))
        };
        let (between, read_to) = wait_for(&format!("'{text}' on the terminal"), look);
        self.read_to = read_to;
        between
    }

    /// Types this.
    pub fn types(&mut self, keys: &str) -> &mut Self {
        self.keyboard.write_all(keys.as_bytes()).expect("the terminal takes it");
        self
    }

    /// Waits for the question, and answers it with a line.
    #[track_caller]
    pub fn answers(&mut self, question: &str, answer: &str) -> &mut Self {
        self.expect(question);
        self.types(&format!("{answer}\n"))
    }

    /// Waits for its end; gives the exit code and all that was shown.
    #[track_caller]
    pub fn ends(self) -> (i32, String) {
        let Self { mut running, keyboard, shown, .. } = self;
        let status = running.end();
        drop(keyboard);
        // What it has written is in the terminal before it has ended, but perhaps not read yet.
        let text = wait_for("the rest of what was shown", || {
            (Arc::strong_count(&shown) == 1).then(|| shown.lock().expect("nobody panicked").clone())
        });
        (code_of(status), text)
    }
}
