//! The command that was given to the container, and the terminal it has.

use super::Command;
use super::signals::send;
use crate::exit;
use crate::process::Exit;
use crate::process::service::spawn_in_front;
use crate::process::terminal::Terminal;
use nix::unistd::Pid;
use std::io;

/// Where the command stands.
#[derive(Debug)]
enum State {
    Waiting(Command),
    Running(Pid),
    Over(i32),
}

/// The command, from before its start to its exit code.
#[derive(Debug)]
pub struct Front {
    state: State,
    terminal: Option<Terminal>,
    /// It was stopped while the terminal was another's.
    stopped: bool,
}

impl Front {
    /// Not started yet.
    pub fn new(command: Command) -> Self {
        Self { state: State::Waiting(command), terminal: None, stopped: false }
    }

    /// Its process, while there is one.
    pub fn pid(&self) -> Option<Pid> {
        if let State::Running(pid) = self.state { Some(pid) } else { None }
    }

    /// Its exit code, once it has one.
    pub fn code(&self) -> Option<i32> {
        if let State::Over(code) = self.state { Some(code) } else { None }
    }

    /// Starts it, unless that was done; gives what is to be said if it cannot be.
    pub fn start(&mut self) -> Result<(), String> {
        let State::Waiting(command) = &self.state else { return Ok(()) };
        self.terminal = Terminal::in_our_hands();
        let error = match spawn_in_front(&command.spec, command.called.as_deref(), self.terminal) {
            Ok(pid) => {
                self.state = State::Running(pid);
                return Ok(());
            }
            Err(error) => error,
        };
        let program = command.spec.program.display();
        let line = format!(
            "❌ cannot execute the command '{program}': {error}; the words given to the container are one of Boathook's commands, or a program in it with its arguments"
        );
        let code = if error.kind() == io::ErrorKind::NotFound { exit::NOT_FOUND } else { exit::CANNOT_EXECUTE };
        self.take_back();
        self.state = State::Over(code);
        Err(line)
    }

    /// It has ended.
    pub fn ended(&mut self, exit: Exit) {
        self.state = State::Over(exit.code());
        self.take_back();
    }

    fn take_back(&mut self) {
        if let Some(terminal) = self.terminal.take() {
            terminal.take_back();
        }
    }

    /// It was stopped by `signal`. Nobody in a container could wake it, so what a terminal stops goes on at once.
    pub fn was_stopped(&mut self, signal: i32) {
        match signal {
            libc::SIGTSTP => self.go_on(),
            // It wanted the terminal, and was not in front.
            libc::SIGTTIN | libc::SIGTTOU => {
                self.stopped = true;
                self.go_on_if_in_front();
            }
            // Somebody stopped it on purpose, who will have it go on.
            _ => {}
        }
    }

    /// We may be in front again: then it is, and goes on.
    pub fn go_on_if_in_front(&mut self) {
        let Some(pid) = self.pid().filter(|_| self.stopped) else { return };
        let terminal = self.terminal.or_else(Terminal::in_our_hands);
        let Some(terminal) = terminal.filter(|terminal| terminal.is_free()) else { return };
        terminal.give_to(pid);
        self.terminal = Some(terminal);
        self.go_on();
    }

    fn go_on(&mut self) {
        self.stopped = false;
        if let Some(pid) = self.pid() {
            // All of its group: the terminal has stopped all of it.
            send(Pid::from_raw(-pid.as_raw()), libc::SIGCONT);
        }
    }
}
