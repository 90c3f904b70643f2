//! The words of a template.

use super::format::quote;

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    LeftDelimiter,
    RightDelimiter,
    Space,
    Pipe,
    Assign,
    Declare,
    Comma,
    LeftParen,
    RightParen,
    Bool,
    Character,
    Number,
    Complex,
    Quoted,
    Raw,
    Dot,
    Field,
    Variable,
    Identifier,
    Nil,
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Range,
    Template,
    With,
    /// A character that is nowhere allowed.
    Stray,
    /// The template ends.
    Eof,
    /// What is wrong here; nothing follows.
    Wrong(String),
}

/// A word with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// What it is.
    pub(super) kind: Kind,
    /// Where it begins, in bytes.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
}

impl Kind {
    /// What a word of letters is.
    pub(super) fn of_word(word: &str) -> Self {
        match word {
            "true" | "false" => Self::Bool,
            "nil" => Self::Nil,
            "block" => Self::Block,
            "break" => Self::Break,
            "continue" => Self::Continue,
            "define" => Self::Define,
            "else" => Self::Else,
            "end" => Self::End,
            "if" => Self::If,
            "range" => Self::Range,
            "template" => Self::Template,
            "with" => Self::With,
            _ => Self::Identifier,
        }
    }

    /// Whether an operand can begin with it.
    pub(super) fn begins_operand(&self) -> bool {
        matches!(
            self,
            Self::Bool
                | Self::Character
                | Self::Complex
                | Self::Dot
                | Self::Field
                | Self::Identifier
                | Self::Number
                | Self::Nil
                | Self::Raw
                | Self::Quoted
                | Self::Variable
                | Self::LeftParen
        )
    }

    fn is_keyword(&self) -> bool {
        matches!(
            self,
            Self::Dot
                | Self::Nil
                | Self::Block
                | Self::Break
                | Self::Continue
                | Self::Define
                | Self::Else
                | Self::End
                | Self::If
                | Self::Range
                | Self::Template
                | Self::With
        )
    }
}

impl Token {
    /// As Go names it in its messages.
    pub(super) fn shown(&self, source: &str) -> String {
        let text = &source[self.start..self.end];
        match &self.kind {
            Kind::Eof => "EOF".to_owned(),
            Kind::Wrong(what) => what.clone(),
            kind if kind.is_keyword() => format!("<{text}>"),
            _ if text.len() > 10 => format!("{}...", quote(text.chars().take(10).collect::<String>().as_str())),
            _ => quote(text),
        }
    }
}
