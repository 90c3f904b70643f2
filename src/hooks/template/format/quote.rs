//! Texts and characters in quotes, as Go writes constants.

use std::fmt::Write as _;

/// `"a\n"`.
pub(in super::super) fn quote(text: &str) -> String {
    quoted(text.chars(), '"', false)
}

/// `"\u00e9"`.
pub(super) fn quote_ascii(text: &str) -> String {
    quoted(text.chars(), '"', true)
}

/// `'a'`.
pub(super) fn quote_character(character: char, ascii: bool) -> String {
    quoted(std::iter::once(character), '\'', ascii)
}

/// Whether `text` could stand in back quotes.
pub(super) fn can_back_quote(text: &str) -> bool {
    text.chars().all(|character| match character {
        '\t' => true,
        '`' | '\u{7f}' | '\u{feff}' => false,
        other => other >= ' ',
    })
}

/// Whether Go prints the character as it is.
pub(in super::super) fn is_printable(character: char) -> bool {
    if character.is_ascii() {
        return matches!(character, ' '..='~');
    }
    // Behind another character only what cannot be printed is escaped; a combining mark at the beginning would be, too.
    let mut buffer = [0; 5];
    buffer[0] = b'a';
    let end = 1 + character.encode_utf8(&mut buffer[1..]).len();
    std::str::from_utf8(&buffer[..end]).is_ok_and(|text| text.escape_debug().count() == 2)
}

fn quoted(characters: impl Iterator<Item = char>, mark: char, ascii: bool) -> String {
    let mut text = String::new();
    text.push(mark);
    for character in characters {
        match character {
            _ if character == mark || character == '\\' => text.extend(['\\', character]),
            '\u{7}' => text.push_str("\\a"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{b}' => text.push_str("\\v"),
            _ if is_printable(character) && (character.is_ascii() || !ascii) => text.push(character),
            _ => {
                let number = u32::from(character);
                let written = match number {
                    0..0x80 => write!(text, "\\x{number:02x}"),
                    0x80..0x1_0000 => write!(text, "\\u{number:04x}"),
                    _ => write!(text, "\\U{number:08x}"),
                };
                written.expect("a text can be written to");
            }
        }
    }
    text.push(mark);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_be_printed_is_escaped() {
        assert_eq!(
            quote("a\"\\\n\u{1}\u{7f}\u{e9}\u{301}\u{200b}\u{1f600}\u{e0001}'"),
            concat!(r#""a\"\\\n\x01\x7f"#, "\u{e9}\u{301}", r"\u200b", "\u{1f600}", r#"\U000e0001'""#)
        );
        assert_eq!(quote_ascii("\u{e9}\u{1f600}"), r#""\u00e9\U0001f600""#);
        assert_eq!(quote_character('\'', false), r"'\''");
    }
}
