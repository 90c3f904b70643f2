//! What restic's end means.

use super::Complaint;
use crate::exit;
use crate::process::Exit;
use std::io;
use std::path::Path;
use std::time::Duration;

/// What an end means, whatever the version of restic calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Everything went well.
    Ok,
    /// Part of the work could not be done: for a backup, some source files could not be read.
    Incomplete,
    /// The repository does not exist.
    NoRepository,
    /// Somebody else has locked the repository.
    Locked,
    /// The password opens no key of the repository.
    WrongPassword,
    /// Ended on request.
    Interrupted,
    /// No answer within the limit.
    TimedOut,
    /// The program could not be started.
    NotStarted,
    /// Any other failure.
    Failed,
}

/// What came of running restic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How the process ended; as a shell would say it for a program that could not be started (126, 127).
    pub exit: Exit,
    /// What that means.
    pub meaning: Meaning,
    /// What restic said on it, in one line; empty if nothing. Not masked.
    pub message: String,
}

impl Outcome {
    /// Reads an end. The codes 10, 11 and 12 exist since 0.17; before, what was said tells.
    pub fn of(exit: Exit, complaint: &Complaint, stopped: Stopped) -> Self {
        let code = exit.code();
        let meaning = match (code, stopped) {
            (exit::SUCCESS, _) => Meaning::Ok,
            (_, Stopped::AtLimit) => Meaning::TimedOut,
            (_, Stopped::OnRequest) | (130, Stopped::No) => Meaning::Interrupted,
            // 0.18 ends an interrupted backup with 1.
            (exit::FAILURE, _) if complaint.interrupted => Meaning::Interrupted,
            (exit::INCOMPLETE, _) => Meaning::Incomplete,
            (exit::NO_REPOSITORY, _) => Meaning::NoRepository,
            (exit::REPOSITORY_LOCKED, _) => Meaning::Locked,
            (exit::WRONG_PASSWORD, _) => Meaning::WrongPassword,
            (exit::FAILURE, _) if complaint.locked => Meaning::Locked,
            (exit::FAILURE, _) if complaint.wrong_password => Meaning::WrongPassword,
            (exit::FAILURE, _) if complaint.no_repository => Meaning::NoRepository,
            _ => Meaning::Failed,
        };
        Self { exit, meaning, message: complaint.message() }
    }

    /// The outcome of a program that could not be started.
    pub fn not_started(program: &Path, error: &io::Error) -> Self {
        let name = program.display();
        let (code, message) = match error.kind() {
            io::ErrorKind::NotFound if program.components().count() == 1 => {
                (exit::NOT_FOUND, format!("{name} not found in PATH"))
            }
            io::ErrorKind::NotFound => (exit::NOT_FOUND, format!("{name} not found")),
            io::ErrorKind::PermissionDenied => (exit::CANNOT_EXECUTE, format!("{name} cannot be executed: {error}")),
            _ if error.raw_os_error() == Some(libc::ENOEXEC) => {
                (exit::CANNOT_EXECUTE, format!("{name} cannot be executed: {error}"))
            }
            _ => (exit::FAILURE, format!("{name} could not be started: {error}")),
        };
        Self { exit: Exit::Code(code), meaning: Meaning::NotStarted, message }
    }

    /// The exit code, as a shell would give it.
    pub fn code(&self) -> i32 {
        self.exit.code()
    }

    /// Whether everything went well.
    pub fn is_ok(&self) -> bool {
        self.meaning == Meaning::Ok
    }

    /// One line why it is not well; empty if it is.
    pub fn reason(&self) -> String {
        let phrase = match self.meaning {
            Meaning::Ok => return String::new(),
            Meaning::Incomplete => "not everything could be done",
            Meaning::NoRepository => "the repository does not exist",
            Meaning::Locked => "the repository is locked",
            Meaning::WrongPassword => "the password is wrong",
            // What it says then is only that it cleans up.
            Meaning::Interrupted => return "restic was interrupted".to_owned(),
            Meaning::TimedOut => "restic gave no answer in time",
            Meaning::NotStarted => return self.message.clone(),
            Meaning::Failed => match self.exit {
                Exit::Code(code) => &*format!("restic ended with status {code}"),
                Exit::Signal(signal) => &*format!("restic was killed by signal {signal}"),
            },
        };
        match self.message.as_str() {
            "" => phrase.to_owned(),
            // 0.18 says some of it in the same words.
            message if message.contains(phrase.trim_start_matches("the ")) => message.to_owned(),
            message => format!("{phrase}: {message}"),
        }
    }
}

/// Whether somebody brought an end about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// Nobody: it ended by itself.
    No,
    /// A stop was asked for before the end.
    OnRequest,
    /// The command's own limit had passed.
    AtLimit,
}

impl Stopped {
    /// From what is known at the end.
    pub(super) fn from(requested: Option<crate::process::Request>, took: Duration, limit: Option<Duration>) -> Self {
        if requested.is_some() {
            Self::OnRequest
        } else if limit.is_some_and(|limit| took >= limit) {
            Self::AtLimit
        } else {
            Self::No
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(code: i32, said: &str) -> Meaning {
        let mut complaint = Complaint::new();
        complaint.hear(said);
        Outcome::of(Exit::Code(code), &complaint, Stopped::No).meaning
    }

    #[test]
    fn the_codes_of_0_17_and_the_words_of_0_14_mean_the_same() {
        let locked = "unable to create lock in backend: repository is already locked by PID 7 on node";
        assert_eq!((meaning(11, ""), meaning(1, locked)), (Meaning::Locked, Meaning::Locked));
        let password = "Fatal: wrong password or no key found";
        assert_eq!((meaning(12, ""), meaning(1, password)), (Meaning::WrongPassword, Meaning::WrongPassword));
        let missing = "Fatal: unable to open config file: stat /r/config: no such file or directory";
        assert_eq!((meaning(10, ""), meaning(1, missing)), (Meaning::NoRepository, Meaning::NoRepository));
        assert_eq!((meaning(3, ""), meaning(1, "Fatal: other"), meaning(0, locked)), {
            (Meaning::Incomplete, Meaning::Failed, Meaning::Ok)
        });
    }

    #[test]
    fn an_interruption_is_one_whatever_code_restic_gives() {
        assert_eq!(meaning(130, ""), Meaning::Interrupted);
        let said = "signal interrupt received, cleaning up\nFatal: unable to save snapshot: context canceled";
        assert_eq!(meaning(1, said), Meaning::Interrupted);
        let outcome = Outcome::of(Exit::Signal(9), &Complaint::new(), Stopped::OnRequest);
        assert_eq!((outcome.meaning, outcome.code()), (Meaning::Interrupted, 137));
    }

    #[test]
    fn the_code_passes_through_unchanged() {
        let mut complaint = Complaint::new();
        complaint.hear("Fatal: wrong password or no key found");
        let outcome = Outcome::of(Exit::Code(1), &complaint, Stopped::No);
        assert_eq!(outcome.code(), 1);
        assert_eq!(outcome.reason(), "the password is wrong: wrong password or no key found");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = io::Error::from(io::ErrorKind::NotFound);
        let outcome = Outcome::not_started(Path::new("restic"), &error);
        assert_eq!((outcome.code(), outcome.reason().as_str()), (127, "restic not found in PATH"));
    }
}
