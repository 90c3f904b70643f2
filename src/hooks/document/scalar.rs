//! What a scalar is: by the core schema of YAML 1.2, or by its tag.

use super::{At, Unreadable, Yaml};
use granit_parser::Tag;

/// A plain scalar by the core schema (YAML 1.2.2, 10.3.2).
pub(super) fn core(text: &str) -> Yaml {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Yaml::Null,
        "true" | "True" | "TRUE" => return Yaml::Bool(true),
        "false" | "False" | "FALSE" => return Yaml::Bool(false),
        _ => {}
    }
    // Most texts begin with a letter.
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-')) {
        return Yaml::Str(text.to_owned());
    }
    let whole = match text.get(..2) {
        Some("0x") => i64::from_str_radix(&text[2..], 16).ok().filter(|_| !text[2..].starts_with(['+', '-'])),
        Some("0o") => i64::from_str_radix(&text[2..], 8).ok().filter(|_| !text[2..].starts_with(['+', '-'])),
        _ => text.parse().ok(),
    };
    if let Some(number) = whole {
        return Yaml::Int(number, text.to_owned());
    }
    let is_number = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'))
        && text.bytes().any(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if is_number => Yaml::Float(number, text.to_owned()),
        _ => Yaml::Str(text.to_owned()),
    }
}

/// Whether a plain scalar is a text: here, and where YAML 1.1 is read, which knows more words for true and false, and
/// more kinds of numbers.
pub(in super::super) fn resolves_to_text(text: &str) -> bool {
    const OLD: [&str; 8] = ["y", "n", "yes", "no", "on", "off", "null", "="];
    matches!(core(text), Yaml::Str(_))
        && !OLD.iter().any(|word| word.eq_ignore_ascii_case(text))
        && !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))
}

/// A scalar with a tag.
pub(super) fn tagged(text: &str, tag: &Tag, at: At) -> Result<Yaml, Unreadable> {
    let Some(kind) = tag.core_suffix() else {
        // `!` alone says that it is no number.
        let is_bare = matches!((tag.handle(), tag.suffix()), ("", "!") | ("!", ""));
        return if is_bare { Ok(Yaml::Str(text.to_owned())) } else { Err(unknown_tag(tag, at)) };
    };
    let value = core(text);
    let fits = match (kind, &value) {
        ("str", _) => return Ok(Yaml::Str(text.to_owned())),
        ("int", value) => matches!(value, Yaml::Int(..)),
        ("float", value) => matches!(value, Yaml::Int(..) | Yaml::Float(..)),
        ("bool", value) => matches!(value, Yaml::Bool(_)),
        ("null", value) => *value == Yaml::Null,
        _ => return Err(unknown_tag(tag, at)),
    };
    let shown: String = text.chars().take(40).filter(|c| !c.is_control()).collect();
    if fits { Ok(value) } else { Err(Unreadable { at, what: format!("'{shown}' is no !!{kind}") }) }
}

/// A tag that is not of the core schema, or not for such a value.
pub(super) fn unknown_tag(tag: &Tag, at: At) -> Unreadable {
    Unreadable { at, what: format!("the tag '{}{}' means nothing here", tag.original_handle(), tag.suffix()) }
}
