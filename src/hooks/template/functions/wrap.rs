//! Breaking a text into lines.

use super::call::{Answer, Call};

/// Whether a word that is longer than a line is broken.
#[derive(Clone, Copy, PartialEq)]
enum LongWords {
    Kept,
    Broken,
}

pub(super) fn wrap(call: &Call<'_>) -> Answer {
    wrapped(call, call.int(0)?, "\n", call.text(1)?, LongWords::Kept)
}

pub(super) fn wrap_with(call: &Call<'_>) -> Answer {
    let separator = Some(call.text(1)?).filter(|separator| !separator.is_empty()).unwrap_or("\n");
    wrapped(call, call.int(0)?, separator, call.text(2)?, LongWords::Broken)
}

/// Widths count bytes, as in Sprig; a character is never broken.
fn wrapped(call: &Call<'_>, width: i64, separator: &str, text: &str, long_words: LongWords) -> Answer {
    let width = usize::try_from(width).unwrap_or(0).max(1);
    call.room(text.len())?;
    let mut lines = String::new();
    let mut rest = text;
    while rest.len() > width {
        if let Some(trimmed) = rest.strip_prefix(' ') {
            rest = trimmed;
            continue;
        }
        call.spend(1 + width.min(rest.len()) / 64)?;
        let space = rest.as_bytes()[..=width].iter().rposition(|byte| *byte == b' ');
        let (line, skipped) = match (space, long_words) {
            (Some(at), _) => (at, 1),
            (None, LongWords::Broken) => {
                let end = rest.floor_char_boundary(width);
                (if end == 0 { rest.ceil_char_boundary(width) } else { end }, 0)
            }
            (None, LongWords::Kept) => match rest.as_bytes()[width..].iter().position(|byte| *byte == b' ') {
                Some(at) => (width + at, 1),
                None => break,
            },
        };
        lines.push_str(&rest[..line]);
        lines.push_str(separator);
        call.room(lines.len().saturating_add(rest.len()) / 64)?;
        rest = &rest[line + skipped..];
        if lines.len() > super::call::LARGEST {
            break;
        }
    }
    lines.push_str(rest);
    call.made(lines)
}
