//! Values as Go's `fmt` writes them.
//!
//! No text grows beyond what a rendering may put out: past it the text is cut, and whoever counts it refuses it.

mod float;
mod integer;
mod printf;
mod quote;
mod sheet;
mod values;

pub(super) use printf::sprintf;
pub(super) use quote::{is_printable, quote};

use super::Value;
use sheet::{Sheet, Spec};

/// The text that a template prints for `value`: `map[a:1 b:2]`.
pub(super) fn to_text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.to_string(),
        Value::Nil => "<no value>".to_owned(),
        _ => {
            let mut sheet = Sheet::default();
            values::indirect(&mut sheet, value);
            sheet.text
        }
    }
}

/// As [`to_text`], short enough for a message.
pub(super) fn brief(value: &Value) -> String {
    const CHARACTERS: usize = 200;
    let text = to_text(value);
    match text.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// Go's `Sprint`: a space between two of which neither is a text.
pub(super) fn sprint(arguments: &[Value]) -> String {
    let mut sheet = Sheet::default();
    let mut text_before = true;
    for argument in arguments {
        let is_text = matches!(argument, Value::Text(_));
        if !is_text && !text_before {
            sheet.push_str(" ");
        }
        values::argument(&mut sheet, Spec::default(), argument, 'v');
        text_before = is_text;
    }
    sheet.text
}

/// Go's `Sprintln`: a space between any two, and a newline.
pub(super) fn sprintln(arguments: &[Value]) -> String {
    let mut sheet = Sheet::default();
    for (index, argument) in arguments.iter().enumerate() {
        if index > 0 {
            sheet.push_str(" ");
        }
        values::argument(&mut sheet, Spec::default(), argument, 'v');
    }
    sheet.push_str("\n");
    sheet.text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_stand_between_what_is_no_text() {
        let arguments = [Value::Int(1), Value::Int(2), Value::text("a"), Value::Int(3), Value::Nil];
        assert_eq!(sprint(&arguments), "1 2a3 <nil>");
        assert_eq!(sprintln(&arguments), "1 2 a 3 <nil>\n");
    }

    #[test]
    fn maps_are_sorted() {
        let map = Value::map([("b".to_owned(), Value::Nil), ("a".to_owned(), Value::list(vec![Value::Int(1)]))]);
        assert_eq!(to_text(&map), "map[a:[1] b:<nil>]");
    }
}
