//! The person at the terminal: what is shown to them, and what they answer.

use crate::process::Stop;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd};

/// What came from the keyboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A line, without its end.
    Line(String),
    /// The input has ended.
    End,
    /// This signal came instead.
    Interrupted(i32),
}

/// Where questions are asked.
pub trait Terminal {
    /// Whether a person sits there: standard input and output both are terminals.
    fn is_interactive(&self) -> bool;

    /// Shows text as it is, at once.
    ///
    /// # Errors
    /// When it cannot be written.
    fn show(&mut self, text: &str) -> io::Result<()>;

    /// Waits for a line, or until `stop` is asked for.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read_line(&mut self, stop: &Stop) -> io::Result<Input>;
}

/// The terminal that the process has.
#[derive(Default)]
pub struct SystemTerminal {
    read: Vec<u8>,
    ended: bool,
}

impl SystemTerminal {
    fn read_line_from(&mut self, input: BorrowedFd<'_>, stop: &Stop) -> io::Result<Input> {
        loop {
            if let Some(request) = stop.request() {
                return Ok(Input::Interrupted(request.signal as i32));
            }
            if let Some(line) = self.next_line() {
                return Ok(Input::Line(line));
            }
            if self.ended {
                return Ok(Input::End);
            }
            // A caught signal restarts a plain read: Ctrl-C would be unheard.
            let mut fds = [PollFd::new(input, PollFlags::POLLIN), PollFd::new(stop.wake(), PollFlags::POLLIN)];
            match poll(&mut fds, PollTimeout::NONE) {
                Ok(_) => {}
                Err(Errno::EINTR) => continue,
                Err(error) => return Err(error.into()),
            }
            if fds[0].revents().is_none_or(|events| events.is_empty()) {
                continue;
            }
            // Not through a buffered reader: what it had read ahead, poll would wait for in vain.
            let mut bytes = [0; 4096];
            match nix::unistd::read(input, &mut bytes) {
                Ok(0) => self.ended = true,
                Ok(count) => self.read.extend_from_slice(&bytes[..count]),
                Err(Errno::EINTR | Errno::EAGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn next_line(&mut self) -> Option<String> {
        let end = self.read.iter().position(|byte| *byte == b'\n')?;
        let line: Vec<u8> = self.read.drain(..=end).collect();
        Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())
    }
}

impl Terminal for SystemTerminal {
    fn is_interactive(&self) -> bool {
        io::stdin().is_terminal() && io::stdout().is_terminal()
    }

    fn show(&mut self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    fn read_line(&mut self, stop: &Stop) -> io::Result<Input> {
        self.read_line_from(io::stdin().as_fd(), stop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_ends_the_waiting_for_a_line() {
        let stop = Stop::new().expect("descriptors are there");
        // Nobody writes, and nobody closes: only the stop can end it.
        let (input, _open) = nix::unistd::pipe().expect("descriptors are there");
        let asked = stop.clone();
        let mut terminal = SystemTerminal::default();
        let waiting = std::thread::spawn(move || terminal.read_line_from(input.as_fd(), &stop));
        asked.ask(nix::sys::signal::Signal::SIGINT);
        let input = waiting.join().expect("does not panic").expect("nothing is read");
        assert_eq!(input, Input::Interrupted(2));
    }

    #[test]
    fn lines_come_one_by_one_however_they_were_typed() {
        let stop = Stop::new().expect("descriptors are there");
        let (input, output) = nix::unistd::pipe().expect("descriptors are there");
        nix::unistd::write(&output, b"one\r\n\ntw\xc3\xb6\nno end").expect("fits");
        drop(output);
        let mut terminal = SystemTerminal::default();
        let mut next = || terminal.read_line_from(input.as_fd(), &stop).expect("is readable");
        for line in ["one", "", "twö"] {
            assert_eq!(next(), Input::Line(line.to_owned()));
        }
        assert_eq!((next(), next()), (Input::End, Input::End));
    }
}
