//! Texts as YAML that every reader takes for the same text.

use super::super::document::resolves_to_text;
use std::fmt::Write as _;

/// How a text is written.
#[derive(Debug, PartialEq)]
pub(super) enum Written {
    /// On one line, as it is or in double quotes.
    Line(String),
    /// As a block: its header (`|`, `|-`) and its lines, to be indented.
    Block(&'static str, Vec<String>),
}

/// Writes a text: plain where nobody can take it for anything else, as a block where it has several lines and a block
/// keeps them as they are, else in double quotes.
pub(super) fn write(text: &str) -> Written {
    if is_plain(text) {
        return Written::Line(text.to_owned());
    }
    if let Some(header) = block_header(text) {
        return Written::Block(header, text.lines().map(str::to_owned).collect());
    }
    Written::Line(quoted(text))
}

/// In double quotes, as JSON writes it; YAML asks for more escapes.
pub(super) fn quoted(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    let mut written = String::with_capacity(json.len());
    for c in json.chars() {
        if is_unprintable(c) {
            let _ = write!(written, "\\u{:04x}", u32::from(c));
        } else {
            written.push(c);
        }
    }
    written
}

/// What JSON leaves as it is and YAML does not hold, or takes for a line end.
fn is_unprintable(c: char) -> bool {
    matches!(c, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn is_plain(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || " _./-+@%=:,".contains(c);
    text.len() <= 200
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '_'))
        && text.chars().all(fits)
        && !text.contains(": ")
        && !text.ends_with([':', ' '])
        && resolves_to_text(text)
}

/// `|` for a text that ends in one line end, `|-` for one that ends in none; `None` where a block would not keep it.
fn block_header(text: &str) -> Option<&'static str> {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let keeps = body.contains('\n')
        && !body.ends_with('\n')
        && !body.starts_with([' ', '\t', '\n'])
        && text.chars().all(|c| c == '\n' || c == '\t' || !c.is_control() && !is_unprintable(c))
        // Blanks alone on a line may be taken for indentation.
        && body.split('\n').all(|line| line.is_empty() || !line.trim().is_empty());
    keeps.then_some(if text.ends_with('\n') { "|" } else { "|-" })
}
