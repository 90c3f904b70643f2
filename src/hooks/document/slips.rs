//! Common slips in YAML, in words that say what to do.

use super::{At, DEEPEST, Unreadable};
use granit_parser::{ErrorKind, ScanError};

const MOUSTACHE: &str = "'{{' begins a mapping of YAML here: put the text in quotes";

/// Refuses characters that no YAML holds: NUL ends a text in some readers, escapes turn a terminal's colours on.
pub(super) fn characters(text: &str) -> Result<(), Unreadable> {
    let is_bad = |c: char| matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}' | '\u{fffe}' | '\u{ffff}');
    let Some(place) = text.find(is_bad) else { return Ok(()) };
    let before = &text[..place];
    let line = before.lines().count().max(1) + usize::from(before.ends_with('\n'));
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let bad = text[place..].chars().next().unwrap_or_default();
    let what = format!("the character U+{:04X} stands in it: write it as an escape in double quotes", u32::from(bad));
    Err(Unreadable { at: At { line, column }, what })
}

/// An error of the parser.
pub(super) fn explain(text: &str, error: &ScanError) -> Unreadable {
    let at = At { line: error.marker().line().max(1), column: error.marker().col() + 1 };
    let line = text.lines().nth(at.line - 1).unwrap_or_default();
    // A text goes on in the next line: the tab there is found while this one is read.
    let next = text.lines().nth(at.line).filter(|_| error.info().contains("tab")).unwrap_or_default();
    for (number, column) in [(at.line, tab(line)), (at.line + 1, tab(next))] {
        if let Some(column) = column {
            let what = "a tab indents this line, and YAML takes blanks alone".to_owned();
            return Unreadable { at: At { line: number, column }, what };
        }
    }
    if let Some(column) = moustache(line) {
        return Unreadable { at: At { line: at.line, column }, what: MOUSTACHE.to_owned() };
    }
    let here = line.chars().nth(at.column - 1);
    let what = match error.kind() {
        ErrorKind::UnclosedQuotedScalar | ErrorKind::DocumentIndicatorInQuotedScalar => {
            format!("the quote {} is opened here and never closed", here.unwrap_or('"'))
        }
        ErrorKind::InvalidQuotedScalarIndent => {
            "a text in quotes that begins above is not closed: close it, or indent its lines".to_owned()
        }
        ErrorKind::InvalidTrailingSingleQuotedScalar => {
            "a text in ' quotes ends too early here: write '' for a ' in it, or put the whole text in quotes".to_owned()
        }
        ErrorKind::InvalidTrailingDoubleQuotedScalar => {
            "a text in \" quotes ends too early here: write \\\" for a \" in it, or put the whole text in quotes"
                .to_owned()
        }
        ErrorKind::UnknownQuotedScalarEscape | ErrorKind::InvalidQuotedScalarHexEscape => {
            "a backslash in double quotes begins an escape: write \\\\, or use ' quotes".to_owned()
        }
        ErrorKind::UnclosedFlowCollection { open } => format!("'{open}' is opened here and never closed"),
        ErrorKind::UnexpectedCharacter { character } => {
            format!("a text cannot begin with '{character}': put the text in quotes")
        }
        ErrorKind::RecursionLimitExceeded => format!("values lie more than {DEEPEST} deep in one another"),
        ErrorKind::UnknownAnchor => "an alias of an anchor that is not there: put a text with * in quotes".to_owned(),
        _ => general(line, error),
    };
    Unreadable { at, what: one_line(&what) }
}

fn general(line: &str, error: &ScanError) -> String {
    let info = error.info();
    // `text: it is: so`, the most frequent of all.
    let value = line.split_once(": ").map(|(_, value)| value.trim_start()).unwrap_or_default();
    if !value.starts_with(['"', '\'', '{', '[', '|', '>', '&', '*', '!', '#']) && value.contains(": ") {
        return "a text with ': ' in it reads as a key here: put the text in quotes".to_owned();
    }
    if info.contains("indent")
        || info.contains("not allowed in this context")
        || info.contains("block mapping key")
        || info.contains("simple key")
    {
        return format!("{info}: is the line indented as its neighbours are, and does its key end in ':'?");
    }
    info
}

/// What went wrong while the tree was built.
pub(super) fn in_the_tree(text: &str, error: &Unreadable) -> Unreadable {
    let line = text.lines().nth(error.at.line - 1).unwrap_or_default();
    match moustache(line).filter(|_| error.what.ends_with("as a key")) {
        Some(column) => Unreadable { at: At { line: error.at.line, column }, what: MOUSTACHE.to_owned() },
        None => Unreadable { at: error.at, what: one_line(&error.what) },
    }
}

/// The column of a tab among the blanks before the first word of a line.
fn tab(line: &str) -> Option<usize> {
    let indentation = &line[..line.len() - line.trim_start().len()];
    indentation.find('\t').map(|place| indentation[..place].chars().count() + 1)
}

/// The column of a `{{` where a value begins.
fn moustache(line: &str) -> Option<usize> {
    line.match_indices("{{").map(|(place, _)| &line[..place]).find_map(|before| {
        let word = before.trim_end();
        let begins = word.is_empty() || word.ends_with(['[', ',', '{']) || before != word && word.ends_with([':', '-']);
        begins.then(|| before.chars().count() + 1)
    })
}

fn one_line(text: &str) -> String {
    text.replace(|c: char| c.is_control(), " ")
}
