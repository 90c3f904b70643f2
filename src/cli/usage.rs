//! Usage errors in the words that users of the reference image know.

use crate::exit;
use crate::masking::Secrets;
use clap::error::{ContextKind, ErrorKind};
use std::io::{self, Write};

/// Says what is wrong with the words of a command, or gives its help; returns the exit code.
pub fn report(command: &str, error: &clap::Error, secrets: &Secrets) -> i32 {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let _ = error.print();
            exit::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            exit::USAGE
        }
        ErrorKind::UnknownArgument => {
            let word = error.get(ContextKind::InvalidArg).map(ToString::to_string).unwrap_or_default();
            refuse(&format!("Unknown argument: {word}\nRun {command} --help for usage."), secrets)
        }
        _ => {
            let text = error.render().to_string();
            let text = text.strip_prefix("error: ").unwrap_or(&text);
            let first = text.split("\n\nUsage:").next().unwrap_or(text).split("\n\nFor more").next().unwrap_or(text);
            refuse(&format!("{}\nRun {command} --help for usage.", first.trim_end()), secrets)
        }
    }
}

/// Says why a command is not carried out, without what was typed by mistake; returns the exit code.
pub fn refuse(message: &str, secrets: &Secrets) -> i32 {
    let _ = writeln!(io::stderr(), "❌ {}", secrets.mask(message));
    exit::USAGE
}
