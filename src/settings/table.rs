//! The table of all variables: name, default, how the value is read, who reads it, how it may be shown.
//!
//! `docs/environment.md` has a row for each row of [`VARIABLES`], and a test compares the two.

mod hints;
mod rows;

pub use hints::hints;
pub use rows::VARIABLES;

use crate::masking::{self, MASK, Secrets};

/// How a value is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// As it is.
    Text,
    /// A repository's location.
    Location,
    /// An URL.
    Url,
    /// One folder or file that we write to or look into.
    Path,
    /// One file that is read.
    File,
    /// ON or OFF.
    Switch,
    /// Seconds, or a number with a unit.
    Duration,
    /// Whole seconds, at least 1.
    Seconds,
    /// Words, with quotes.
    Words,
    /// Five fields of a cron expression; empty is off.
    Cron,
    /// A whole number.
    Number,
    /// Exit codes with commas or blanks between them.
    ExitCodes,
    /// One of a few words.
    Choice,
}

impl Class {
    /// Its name in the documentation.
    pub fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Location => "location",
            Self::Url => "URL",
            Self::Path => "path",
            Self::File => "file",
            Self::Switch => "switch",
            Self::Duration => "duration",
            Self::Seconds => "seconds",
            Self::Words => "word list",
            Self::Cron => "cron",
            Self::Number => "number",
            Self::ExitCodes => "exit codes",
            Self::Choice => "choice",
        }
    }
}

/// How a value may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    /// As it is, but for what is known to be secret.
    Open,
    /// Never.
    Secret,
    /// As a repository, without its password.
    Repository,
    /// As scheme and authority.
    Endpoint,
}

/// One variable.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Its value when it is not set, as the image and the code have it; empty if none.
    pub default: &'static str,
    /// How the value is read.
    pub class: Class,
    /// How the value may be shown.
    pub secrecy: Secrecy,
    /// Who reads it: workers and commands, `hooks`, `reports`, or an engine.
    pub used_by: &'static str,
    /// What it means, in one sentence.
    pub meaning: &'static str,
}

/// The longest value that is shown, in characters.
const SHOWN: usize = 200;

impl Variable {
    /// `value` as it may be shown: without secrets, on one line, cut after 200 characters.
    pub fn shown(&self, value: &str, secrets: &Secrets) -> String {
        let open = match self.secrecy {
            _ if value.is_empty() => String::new(),
            Secrecy::Open => value.to_owned(),
            Secrecy::Secret => MASK.to_owned(),
            Secrecy::Repository => masking::repository(value),
            Secrecy::Endpoint => masking::endpoint(value),
        };
        one_line(&secrets.mask(&open))
    }

    /// Its row in the documentation.
    pub fn row(&self) -> String {
        let default = if self.default.is_empty() { "–".to_owned() } else { format!("`{}`", self.default) };
        let (class, used_by) = (self.class.word(), self.used_by);
        format!("| `{}` | {default} | {class} | {used_by} | {} |", self.name, self.meaning)
    }
}

/// The text on one line, cut after 200 characters.
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for (index, c) in text.chars().enumerate() {
        if index == SHOWN {
            line.push('…');
            break;
        }
        if c.is_control() { line.extend(c.escape_default()) } else { line.push(c) }
    }
    line
}

/// The variable of this name.
pub fn find(name: &str) -> Option<&'static Variable> {
    VARIABLES.iter().find(|variable| variable.name == name)
}

/// The place of a variable in the table; behind the end if it is not there.
pub fn place(name: &str) -> usize {
    VARIABLES.iter().position(|variable| variable.name == name).unwrap_or(VARIABLES.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_name_is_there_once() {
        let names: BTreeSet<_> = VARIABLES.iter().map(|variable| variable.name).collect();
        assert_eq!(names.len(), VARIABLES.len());
    }

    #[test]
    fn a_variable_that_is_named_like_a_secret_is_shown_as_one() {
        for variable in VARIABLES.iter().filter(|variable| masking::names_a_secret(variable.name)) {
            assert_eq!(variable.secrecy, Secrecy::Secret, "{}", variable.name);
        }
    }

    #[test]
    fn a_value_is_shown_without_secrets_on_one_line() {
        let mut secrets = Secrets::new();
        secrets.add("s3cret");
        let shown = |name: &str, value: &str| find(name).map(|variable| variable.shown(value, &secrets));
        assert_eq!(shown("RESTIC_PASSWORD", "ab").as_deref(), Some("***"));
        assert_eq!(shown("RESTIC_PASSWORD", "").as_deref(), Some(""));
        assert_eq!(shown("RESTIC_REPOSITORY", "rest:https://a:b@c/d").as_deref(), Some("rest:https://a:***@c/d"));
        assert_eq!(shown("WEBHOOK_URL", "https://h/abc").as_deref(), Some("https://h/..."));
        assert_eq!(shown("RESTIC_TAG", "x s3cret\ny").as_deref(), Some("x ***\\ny"));
        assert_eq!(shown("RESTIC_TAG", &"a".repeat(300)).map(|text| text.chars().count()), Some(201));
    }
}
