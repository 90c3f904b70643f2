//! Texts made safe for where they go: HTML, JavaScript, addresses, shells.

use super::format::is_printable;
use std::fmt::Write as _;

/// For HTML.
pub(super) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\0' => escaped.push('\u{fffd}'),
            '"' => escaped.push_str("&#34;"),
            '\'' => escaped.push_str("&#39;"),
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// For a text within JavaScript.
pub(super) fn js(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' | '\'' | '"' => escaped.extend(['\\', character]),
            '<' | '>' | '&' | '=' | '\0'..' ' => code(&mut escaped, character),
            _ if character.is_ascii() || is_printable(character) => escaped.push(character),
            _ => code(&mut escaped, character),
        }
    }
    escaped
}

fn code(escaped: &mut String, character: char) {
    write!(escaped, "\\u{:04X}", u32::from(character)).expect("a text can be written to");
}

/// For the query of an address.
pub(super) fn query(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => escaped.push('+'),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => escaped.push(char::from(byte)),
            _ => write!(escaped, "%{byte:02X}").expect("a text can be written to"),
        }
    }
    escaped
}

/// One word of a POSIX shell, whatever is in it.
///
/// # Errors
/// A NUL: no program can be handed one.
pub(super) fn shell(text: &str) -> Result<String, String> {
    if text.contains('\0') {
        return Err("the text has a NUL byte, which no command can be given".to_owned());
    }
    Ok(format!("'{}'", text.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_sees_one_word() {
        assert_eq!(shell("a 'b' $(c)\n"), Ok(r"'a '\''b'\'' $(c)".to_owned() + "\n'"));
        assert_eq!(shell(""), Ok("''".to_owned()));
        assert!(shell("a\0b").is_err());
    }
}
