//! A question that one certain word alone says yes to.

use super::restore::{Input, Terminal};
use crate::exit;
use crate::process::Stop;
use crate::run::Cancelled;
use crate::settings::Settings;

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The word was typed.
    Yes,
    /// Anything else was, or the input has ended.
    No,
    /// Ctrl-C.
    Interrupted,
}

/// Shows `text` and waits for the word.
///
/// # Errors
/// A refusal when a signal other than that of Ctrl-C came, or the terminal cannot be used.
pub fn ask(
    terminal: &mut dyn Terminal,
    settings: &Settings,
    stop: &Stop,
    text: &str,
    word: &str,
) -> Result<Answer, Cancelled> {
    let refused = |message: String, code| Cancelled::Refused { message: format!("❌ {message}"), code };
    terminal.show(&settings.secrets.mask(text)).map_err(|error| {
        refused(format!("cannot write to standard output ({error}): nothing was done"), exit::FAILURE)
    })?;
    let input = terminal.read_line(stop);
    if !matches!(input, Ok(Input::Line(_))) {
        // The cursor still stands behind the question.
        let _ = terminal.show("\n");
    }
    match input {
        Ok(Input::Line(line)) if line.trim() == word => Ok(Answer::Yes),
        Ok(Input::Line(_) | Input::End) => Ok(Answer::No),
        Ok(Input::Interrupted(libc::SIGINT)) => Ok(Answer::Interrupted),
        Ok(Input::Interrupted(signal)) => {
            Err(refused("interrupted at the question: nothing was done".to_owned(), exit::of_signal(signal)))
        }
        Err(error) => Err(refused(
            format!("standard input cannot be read ({error}): nothing was done; give --yes"),
            exit::FAILURE,
        )),
    }
}
