//! What Go says of a value: its type, its kind, whether it is empty, the number in it; and its way with characters.

use super::super::value::Value;
use std::fmt::{Arguments, Write};

/// As `%T` prints it.
pub(super) fn type_name(value: &Value) -> &str {
    match value {
        Value::Nil => "<nil>",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "float64",
        Value::Text(_) => "string",
        Value::List(_) => "[]interface {}",
        Value::Map(_) => "map[string]interface {}",
        Value::Struct(record) => &record.type_name,
        Value::Time(..) => "time.Time",
    }
}

/// As `reflect.Kind` is called.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Nil => "invalid",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "float64",
        Value::Text(_) => "string",
        Value::List(_) => "slice",
        Value::Map(_) => "map",
        Value::Struct(record) if record.type_name.starts_with('*') => "ptr",
        Value::Struct(_) | Value::Time(..) => "struct",
    }
}

/// Whether Sprig calls it empty.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Nil => true,
        Value::Bool(is) => !is,
        Value::Int(number) => *number == 0,
        Value::Float(number) => *number == 0.0,
        Value::Text(text) => text.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        Value::Struct(_) | Value::Time(..) => false,
    }
}

/// The `int64` in a value; 0 if there is none.
pub(super) fn int64(value: &Value) -> i64 {
    match value {
        Value::Int(number) => *number,
        Value::Float(number) => *number as i64,
        Value::Bool(is) => i64::from(*is),
        Value::Text(text) => int_literal(without_zero_decimals(text)).unwrap_or(0),
        Value::Nil | Value::List(_) | Value::Map(_) | Value::Struct(_) | Value::Time(..) => 0,
    }
}

/// The `float64` in a value; 0 if there is none.
pub(super) fn float64(value: &Value) -> f64 {
    match value {
        Value::Int(number) => *number as f64,
        Value::Float(number) => *number,
        Value::Bool(is) => f64::from(u8::from(*is)),
        // A number that is too large for a float64 is none, where Rust would say infinite.
        Value::Text(text) => {
            let number = text.parse::<f64>().unwrap_or(0.0);
            if number.is_infinite() && text.contains(|c: char| c.is_ascii_digit()) { 0.0 } else { number }
        }
        Value::Nil | Value::List(_) | Value::Map(_) | Value::Struct(_) | Value::Time(..) => 0.0,
    }
}

/// `10` for `10.00`.
fn without_zero_decimals(text: &str) -> &str {
    match text.trim_end_matches('0').strip_suffix('.') {
        Some(whole) if text.ends_with('0') => whole,
        _ => text,
    }
}

/// A whole number as Go writes it in a program: `-7`, `0x1F`, `0o17`, `017`, `0b1`, `1_000`.
fn int_literal(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        _ if lower.len() > 1 && lower.starts_with('0') => (8, &lower[1..]),
        _ => (10, &*lower),
    };
    // An underscore stands after a prefix or between digits.
    let prefixed = radix != 10;
    let is_bad = digits.ends_with('_') || digits.contains("__") || (!prefixed && digits.starts_with('_'));
    let digits = digits.replace('_', "");
    if is_bad || digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    i64::from_str_radix(&format!("{}{digits}", if negative { "-" } else { "" }), radix).ok()
}

/// `strconv.Atoi` of which nobody reads the error.
pub(super) fn atoi(text: &str) -> i64 {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    let farthest = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    text.parse().unwrap_or(farthest)
}

/// The upper case of a character, where that is one character.
pub(super) fn upper(c: char) -> char {
    single(c, c.to_uppercase())
}

/// The lower case of a character.
pub(super) fn lower(c: char) -> char {
    if c == 'İ' { 'i' } else { single(c, c.to_lowercase()) }
}

fn single(c: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

/// Writes at the end of a text.
pub(super) fn put(text: &mut String, what: Arguments<'_>) {
    text.write_fmt(what).expect("a String takes any text");
}

/// A text in quotes as Go's `%q` writes it.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\x07' => quoted.push_str("\\a"),
            '\x08' => quoted.push_str("\\b"),
            '\x0c' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\x0b' => quoted.push_str("\\v"),
            c if is_print(c) => quoted.push(c),
            c if c < ' ' || c == '\x7f' => put(&mut quoted, format_args!("\\x{:02x}", u32::from(c))),
            c if c <= '\u{ffff}' => put(&mut quoted, format_args!("\\u{:04x}", u32::from(c))),
            c => put(&mut quoted, format_args!("\\U{:08x}", u32::from(c))),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether Go prints the character as it is. What is escaped for being no letter of its own at the start of a text is not
/// meant: hence the letter before it.
fn is_print(c: char) -> bool {
    c == '\'' || ['a', c].iter().collect::<String>().escape_debug().nth(1) == Some(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        for (text, number) in [
            ("7", 7),
            ("-7", -7),
            ("+7", 7),
            ("0x1F", 31),
            ("-0b11", -3),
            ("0o17", 15),
            ("017", 15),
            ("08", 0),
            ("10.00", 10),
            ("100", 100),
            ("10.5", 0),
            ("10.", 0),
            ("1_000", 1000),
            ("_1", 0),
            ("0x", 0),
            ("--7", 0),
            ("9223372036854775808", 0),
            ("", 0),
            ("é", 0),
        ] {
            assert_eq!(int64(&Value::text(text)), number, "{text}");
        }
        assert_eq!(float64(&Value::text("1e400")).to_bits(), 0);
        assert_eq!(atoi("99999999999999999999"), i64::MAX);
        assert_eq!(atoi("-99999999999999999999"), i64::MIN);
        assert_eq!(atoi(" 1"), 0);
    }

    #[test]
    fn quoted_escapes_what_cannot_be_printed() {
        assert_eq!(quoted("a\"\\\n\u{1}\u{7f}é👍\u{301}"), "\"a\\\"\\\\\\n\\x01\\x7fé👍\u{301}\"");
        assert_eq!(quoted("\u{200b}\u{a0}\u{e0001}'"), "\"\\u200b\\u00a0\\U000e0001'\"");
    }

    #[test]
    fn a_character_stays_one() {
        assert_eq!(("ßİéÉ").chars().map(upper).collect::<String>(), "ßİÉÉ");
        assert_eq!(("ßİéÉΣ").chars().map(lower).collect::<String>(), "ßiééσ");
    }
}
