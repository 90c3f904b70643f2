//! Go's template language (text/template) over the summary of a run, with the functions of Go and those of Sprig that
//! people use in message bodies.
//!
//! Depth, steps and output are bounded: no input can crash or hang the process.

mod budget;
mod builtins;
mod compare;
mod escape;
mod format;
mod functions;
mod lexer;
mod literal;
mod machine;
mod parser;
mod pipeline;
mod program;
mod reflected;
#[cfg(test)]
mod soup;
mod spots;
mod token;
mod value;
mod weight;

pub use value::{Field, Struct, Value};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Whether a template may read secrets: `env` and `file` exist in the operator's own file only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trust {
    /// The operator's own file.
    Own,
    /// A definition that comes from elsewhere.
    Imported,
}

/// A template that has been parsed. Written down it is its source and its trust: it is parsed again when it is read, and
/// never trusted more than it was.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(into = "Written", try_from = "Written")]
pub struct Template {
    source: String,
    trust: Trust,
    parsed: Arc<parser::Parsed>,
}

/// A template in writing.
#[derive(Serialize, Deserialize)]
struct Written {
    source: String,
    trust: Trust,
}

impl From<Template> for Written {
    fn from(template: Template) -> Self {
        Self { source: template.source, trust: template.trust }
    }
}

impl TryFrom<Written> for Template {
    type Error = String;

    fn try_from(Written { source, trust }: Written) -> Result<Self, String> {
        Self::parse(&source, trust).map_err(|error| {
            format!("a template does not parse (line {}, column {}): {}", error.line, error.column, error.what)
        })
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        (&self.source, self.trust) == (&other.source, other.trust)
    }
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// The line in the text, from 1.
    pub line: usize,
    /// The column in it, from 1, in characters.
    pub column: usize,
    /// What is wrong, as Go says it where Go says it: `function "fooo" not defined`.
    pub what: String,
}

/// Why a template could not be rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderError {
    /// As Go says it: `can't evaluate field ApiVersion in type *v1beta1.TargetRef`.
    pub what: String,
}

/// What a template reads besides the summary: found when it is parsed, so that it can be masked before anything is shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretSource {
    /// `{{ env "NAME" }}`.
    Env(String),
    /// `{{ file "/path" }}`.
    File(String),
}

/// The values of [`SecretSource`]s, read once at the start of the run; an error is said when the template needs it.
#[derive(Debug, Clone, Default)]
pub struct SecretValues(pub BTreeMap<SecretSource, Result<String, String>>);

/// An action that prints something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    /// As in [`ParseError`].
    pub line: usize,
    /// As in [`ParseError`].
    pub column: usize,
    /// The action as it was written: `{{ .Status.Error }}`.
    pub action: String,
    /// Whether it ends in `shquote`.
    pub quoted: bool,
}

/// A piece of a template, for looking at what stands around its actions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text that is printed as it stands; also what an action prints that prints the same in every run.
    Text(Box<str>),
    /// An action that prints.
    Printed(Printed),
    /// `{{ template "name" . }}`: what is defined elsewhere is printed here.
    Called(Printed),
    /// A block begins.
    Begin(Block),
    /// `else`, `else if`: the other branch of the innermost block.
    Else,
    /// The innermost block ends.
    End,
    /// `break`, `continue`: leaves the innermost loop, or its round.
    Leave,
}

/// What a block does with the text within.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// Prints it or not: `if`, `with`, `block`.
    Choice,
    /// Prints it any number of times: `range`.
    Loop,
    /// Prints it elsewhere: `define`.
    Define,
}

impl Template {
    /// Whether a text has anything to render.
    pub fn is_in(text: &str) -> bool {
        text.contains("{{")
    }

    /// Parses a text. All functions are known then: a name that is none is an error.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(source: &str, trust: Trust) -> Result<Self, ParseError> {
        let parsed = Arc::new(parser::parse(source, trust)?);
        Ok(Self { source: source.to_owned(), trust, parsed })
    }

    /// As it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Renders it over `data`.
    ///
    /// # Errors
    /// As Go's `Execute`, and when a bound is reached.
    pub fn render(&self, data: &Value, secrets: &SecretValues) -> Result<String, RenderError> {
        machine::run(&self.parsed.program, data, secrets).map_err(|what| RenderError { what })
    }

    /// Every `env` and `file` of it. Their argument is a text in quotes: [`Template::parse`] refuses anything else.
    pub fn secret_sources(&self) -> Vec<SecretSource> {
        self.parsed.secrets.clone()
    }

    /// Texts, actions and blocks, in the order of the source.
    pub fn pieces(&self) -> &[Piece] {
        &self.parsed.pieces
    }

    /// Every action that prints something and does not end in `shquote`.
    pub fn unquoted(&self) -> impl Iterator<Item = &Printed> {
        self.parsed.pieces.iter().filter_map(|piece| match piece {
            Piece::Printed(printed) if !printed.quoted => Some(printed),
            _ => None,
        })
    }
}
