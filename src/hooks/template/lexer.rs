//! From text to words.
//!
//! The first mistake is the last word: the parser meets it when all before it made sense.

use super::token::{Kind, Token};

/// The words of `source`; the last is [`Kind::Eof`] or [`Kind::Wrong`].
pub(super) fn lex(source: &str) -> Vec<Token> {
    let mut lexer = Lexer { source, at: 0, tokens: Vec::new() };
    let end = match lexer.texts() {
        Ok(()) => Token { kind: Kind::Eof, start: source.len(), end: source.len() },
        Err(Wrong { start, what }) => Token { kind: Kind::Wrong(what), start, end: start },
    };
    lexer.tokens.push(end);
    lexer.tokens
}

struct Wrong {
    start: usize,
    what: String,
}

struct Lexer<'a> {
    source: &'a str,
    at: usize,
    tokens: Vec<Token>,
}

const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];
const COMMENT: &str = "/*";
const COMMENT_END: &str = "*/";
/// The minus of `{{- ` with the space that must follow it.
const TRIM: usize = 2;

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.source[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn accept(&mut self, valid: &str) -> bool {
        let accepted = self.peek().is_some_and(|next| valid.contains(next));
        if accepted {
            self.next();
        }
        accepted
    }

    fn accept_run(&mut self, valid: &str) {
        while self.accept(valid) {}
    }

    fn push(&mut self, kind: Kind, start: usize) {
        self.tokens.push(Token { kind, start, end: self.at });
    }

    fn texts(&mut self) -> Result<(), Wrong> {
        loop {
            let start = self.at;
            let Some(found) = self.rest().find("{{") else {
                self.at = self.source.len();
                if self.at > start {
                    self.push(Kind::Text, start);
                }
                return Ok(());
            };
            let delimiter = start + found;
            let inside = &self.source[delimiter + 2..];
            let trimmed = inside.strip_prefix('-').is_some_and(|after| after.starts_with(SPACES));
            let text = &self.source[start..delimiter];
            let text = if trimmed { text.trim_end_matches(SPACES) } else { text };
            self.at = start + text.len();
            if !text.is_empty() {
                self.push(Kind::Text, start);
            }
            let skipped = if trimmed { TRIM } else { 0 };
            self.at = delimiter + 2 + skipped;
            if self.rest().starts_with(COMMENT) {
                self.comment()?;
            } else {
                self.tokens.push(Token { kind: Kind::LeftDelimiter, start: delimiter, end: delimiter + 2 });
                self.action()?;
            }
        }
    }

    fn comment(&mut self) -> Result<(), Wrong> {
        let start = self.at;
        let wrong = |what: &str| Wrong { start, what: what.to_owned() };
        self.at += COMMENT.len();
        let end = self.rest().find(COMMENT_END).ok_or_else(|| wrong("unclosed comment"))?;
        self.at += end + COMMENT_END.len();
        if !self.right_delimiter(None) {
            return Err(wrong("comment ends before closing delimiter"));
        }
        Ok(())
    }

    /// Takes `}}` or ` -}}`, and what the latter trims.
    fn right_delimiter(&mut self, token: Option<Kind>) -> bool {
        let trimmed = self.trimming_delimiter();
        if !trimmed && !self.rest().starts_with("}}") {
            return false;
        }
        let start = self.at + if trimmed { TRIM } else { 0 };
        self.at = start + 2;
        if let Some(kind) = token {
            self.push(kind, start);
        }
        if trimmed {
            self.at += self.rest().len() - self.rest().trim_start_matches(SPACES).len();
        }
        true
    }

    fn trimming_delimiter(&self) -> bool {
        self.rest().strip_prefix(SPACES).is_some_and(|after| after.starts_with("-}}"))
    }

    fn action(&mut self) -> Result<(), Wrong> {
        let mut parens = 0_usize;
        loop {
            let start = self.at;
            let wrong = |what: String| Err(Wrong { start, what });
            if self.trimming_delimiter() || self.rest().starts_with("}}") {
                if parens > 0 {
                    return wrong("unclosed left paren".to_owned());
                }
                self.right_delimiter(Some(Kind::RightDelimiter));
                return Ok(());
            }
            let Some(next) = self.next() else {
                return wrong("unclosed action".to_owned());
            };
            match next {
                _ if SPACES.contains(&next) => self.spaces(start),
                '=' => self.push(Kind::Assign, start),
                ':' => {
                    if self.next() != Some('=') {
                        return wrong("expected :=".to_owned());
                    }
                    self.push(Kind::Declare, start);
                }
                '|' => self.push(Kind::Pipe, start),
                ',' => self.push(Kind::Comma, start),
                '"' => self.quoted('"', Kind::Quoted, "unterminated quoted string", start)?,
                '\'' => self.quoted('\'', Kind::Character, "unterminated character constant", start)?,
                '`' => {
                    let Some(end) = self.rest().find('`') else {
                        return wrong("unterminated raw quoted string".to_owned());
                    };
                    self.at += end + 1;
                    self.push(Kind::Raw, start);
                }
                '$' => self.name(Kind::Variable, Kind::Variable, start)?,
                '.' if self.peek().is_some_and(|after| !after.is_ascii_digit()) => {
                    self.name(Kind::Dot, Kind::Field, start)?;
                }
                '.' | '+' | '-' | '0'..='9' => {
                    self.at = start;
                    self.number(start)?;
                }
                _ if is_alphanumeric(next) => {
                    self.word();
                    self.terminated(start)?;
                    let kind = Kind::of_word(&self.source[start..self.at]);
                    self.push(kind, start);
                }
                '(' => {
                    parens += 1;
                    self.push(Kind::LeftParen, start);
                }
                ')' => {
                    self.push(Kind::RightParen, start);
                    let Some(left) = parens.checked_sub(1) else {
                        return wrong(format!("unexpected right paren {}", code_point(next)));
                    };
                    parens = left;
                }
                ' '..='~' => self.push(Kind::Stray, start),
                _ => return wrong(format!("unrecognized character in action: {}", code_point(next))),
            }
        }
    }

    /// Spaces, but for the last one if it belongs to ` -}}`.
    fn spaces(&mut self, start: usize) {
        while self.peek().is_some_and(|next| SPACES.contains(&next)) {
            self.next();
        }
        if self.rest().starts_with("-}}") {
            self.at -= 1;
        }
        if self.at > start {
            self.push(Kind::Space, start);
        }
    }

    fn quoted(&mut self, quote: char, kind: Kind, unterminated: &str, start: usize) -> Result<(), Wrong> {
        loop {
            match self.next() {
                Some('\\') if self.peek().is_some_and(|next| next != '\n') => {
                    self.next();
                }
                Some('\\' | '\n') | None => return Err(Wrong { start, what: unterminated.to_owned() }),
                Some(next) if next == quote => break,
                Some(_) => {}
            }
        }
        self.push(kind, start);
        Ok(())
    }

    /// `.` or `$` alone, or with a name.
    fn name(&mut self, alone: Kind, named: Kind, start: usize) -> Result<(), Wrong> {
        if self.at_terminator() {
            self.push(alone, start);
            return Ok(());
        }
        self.word();
        self.terminated(start)?;
        self.push(named, start);
        Ok(())
    }

    fn word(&mut self) {
        while self.peek().is_some_and(is_alphanumeric) {
            self.next();
        }
    }

    fn terminated(&self, start: usize) -> Result<(), Wrong> {
        match self.peek() {
            Some(next) if !self.at_terminator() => {
                Err(Wrong { start, what: format!("bad character {}", code_point(next)) })
            }
            _ => Ok(()),
        }
    }

    fn at_terminator(&self) -> bool {
        self.rest().starts_with("}}")
            || self
                .peek()
                .is_none_or(|next| SPACES.contains(&next) || matches!(next, '.' | ',' | '|' | ':' | ')' | '('))
    }

    fn number(&mut self, start: usize) -> Result<(), Wrong> {
        let bad = |lexer: &Self| Wrong {
            start,
            what: format!("bad number syntax: {}", super::format::quote(&lexer.source[start..lexer.at])),
        };
        if !self.scan_number() {
            return Err(bad(self));
        }
        if !self.peek().is_some_and(|sign| sign == '+' || sign == '-') {
            self.push(Kind::Number, start);
            return Ok(());
        }
        if !self.scan_number() || !self.source[..self.at].ends_with('i') {
            return Err(bad(self));
        }
        self.push(Kind::Complex, start);
        Ok(())
    }

    fn scan_number(&mut self) -> bool {
        const DECIMAL: &str = "0123456789_";
        const HEXADECIMAL: &str = "0123456789abcdefABCDEF_";
        self.accept("+-");
        let mut digits = DECIMAL;
        if self.accept("0") {
            if self.accept("xX") {
                digits = HEXADECIMAL;
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        self.accept_run(digits);
        if self.accept(".") {
            self.accept_run(digits);
        }
        if (digits == DECIMAL && self.accept("eE")) || (digits == HEXADECIMAL && self.accept("pP")) {
            self.accept("+-");
            self.accept_run(DECIMAL);
        }
        self.accept("i");
        if self.peek().is_some_and(is_alphanumeric) {
            self.next();
            return false;
        }
        true
    }
}

fn is_alphanumeric(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

/// As Go's `%#U`: `U+0040 '@'`.
fn code_point(character: char) -> String {
    let number = u32::from(character);
    if super::format::is_printable(character) {
        format!("U+{number:04X} '{character}'")
    } else {
        format!("U+{number:04X}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(source: &str) -> Vec<Kind> {
        lex(source).into_iter().map(|token| token.kind).collect()
    }

    #[test]
    fn trim_markers_take_the_spaces_of_the_text() {
        let source = "a \n{{- .X -}}\t b";
        let texts: Vec<_> =
            lex(source).into_iter().filter(|token| token.kind == Kind::Text).map(|t| &source[t.start..t.end]).collect();
        assert_eq!(texts, ["a", "b"]);
    }

    #[test]
    fn a_minus_without_a_space_is_a_number() {
        assert_eq!(kinds("{{-1}}"), [Kind::LeftDelimiter, Kind::Number, Kind::RightDelimiter, Kind::Eof]);
    }

    #[test]
    fn comments_are_no_words() {
        assert_eq!(kinds("a{{/* x }} y */}}b"), [Kind::Text, Kind::Text, Kind::Eof]);
        assert_eq!(kinds("{{/* x"), [Kind::Wrong("unclosed comment".to_owned())]);
    }

    #[test]
    fn a_space_before_a_trimming_delimiter_is_no_space() {
        assert_eq!(kinds("{{1 -}}"), [Kind::LeftDelimiter, Kind::Number, Kind::RightDelimiter, Kind::Eof]);
        assert_eq!(
            kinds("{{1  -}}"),
            [Kind::LeftDelimiter, Kind::Number, Kind::Space, Kind::RightDelimiter, Kind::Eof]
        );
    }

    #[test]
    fn a_stray_character_is_named() {
        assert_eq!(kinds("{{.X\u{7f}}}").last(), Some(&Kind::Wrong("bad character U+007F".to_owned())));
        assert_eq!(kinds("{{)}}").last(), Some(&Kind::Wrong("unexpected right paren U+0029 ')'".to_owned())));
    }
}
