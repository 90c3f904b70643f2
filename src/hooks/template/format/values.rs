//! Any value by any verb.
//!
//! What is left to write is kept in a list rather than in calls: lists in lists must not exhaust the thread's stack.

use super::super::Value;
use super::quote::{can_back_quote, quote, quote_ascii};
use super::sheet::{Sheet, Spec};
use super::{float, integer};
use chrono::{DateTime, FixedOffset, TimeDelta};

/// Writes an argument of `printf` or `print`.
pub(super) fn argument(sheet: &mut Sheet, spec: Spec, value: &Value, verb: char) {
    match (value, verb) {
        (Value::Nil, 'T' | 'v') => sheet.pad(spec, "<nil>"),
        (Value::Nil, _) => sheet.push_str(&format!("%!{verb}(<nil>)")),
        (_, 'T') => {
            string(sheet, spec, value.type_name(), 's');
        }
        (_, 'p') => {
            sheet.push_str(&format!("%!p({}=", value.type_name()));
            nested(sheet, spec, value, 'v', true);
            sheet.push_str(")");
        }
        _ => nested(sheet, spec, value, verb, true),
    }
}

/// Writes a value as a template's action does: what a pointer points to.
pub(super) fn indirect(sheet: &mut Sheet, value: &Value) {
    nested(sheet, Spec::default(), value, 'v', false);
}

enum Part<'a> {
    Value(&'a Value),
    Key(&'a str),
    Mark(&'a str),
}

fn nested(sheet: &mut Sheet, spec: Spec, value: &Value, verb: char, pointer: bool) {
    let mut left = vec![Part::Value(value)];
    let mut ampersand = pointer;
    while let Some(part) = left.pop() {
        if sheet.is_full() {
            return;
        }
        match part {
            Part::Mark(mark) => sheet.push_str(mark),
            Part::Key(key) => scalar(sheet, spec, &Value::text(key), verb),
            Part::Value(Value::List(items)) => {
                let close = if spec.sharp_v { "}" } else { "]" };
                sheet.push_str(if spec.sharp_v { "[]interface {}{" } else { "[" });
                left.push(Part::Mark(close));
                separated(&mut left, spec, items.iter(), |left, item| left.push(Part::Value(item)));
            }
            Part::Value(Value::Map(entries)) => {
                let close = if spec.sharp_v { "}" } else { "]" };
                sheet.push_str(if spec.sharp_v { "map[string]interface {}{" } else { "map[" });
                left.push(Part::Mark(close));
                separated(&mut left, spec, entries.iter(), |left, (key, value)| {
                    left.push(Part::Value(value));
                    left.push(Part::Mark(":"));
                    left.push(Part::Key(key));
                });
            }
            Part::Value(Value::Struct(record)) => {
                let name = record.type_name.strip_prefix('*');
                if name.is_some() && ampersand {
                    sheet.push_str("&");
                }
                if spec.sharp_v {
                    sheet.push_str(name.unwrap_or(&record.type_name));
                }
                sheet.push_str("{");
                left.push(Part::Mark("}"));
                separated(&mut left, spec, record.fields.iter(), |left, field| {
                    left.push(Part::Value(&field.value));
                    if spec.sharp_v || spec.plus_v {
                        left.push(Part::Mark(":"));
                        left.push(Part::Mark(field.name));
                    }
                });
            }
            Part::Value(Value::Nil) => sheet.push_str(if spec.sharp_v { "interface {}(nil)" } else { "<nil>" }),
            Part::Value(scalar_value) => scalar(sheet, spec, scalar_value, verb),
        }
        ampersand = true;
    }
}

/// Puts items and what stands between them on the list, the first one last.
fn separated<'a, T>(
    left: &mut Vec<Part<'a>>,
    spec: Spec,
    items: impl DoubleEndedIterator<Item = T> + ExactSizeIterator,
    push: impl Fn(&mut Vec<Part<'a>>, T),
) {
    let count = items.len();
    for (index, item) in items.rev().enumerate() {
        push(left, item);
        if index + 1 < count {
            left.push(Part::Mark(if spec.sharp_v { ", " } else { " " }));
        }
    }
}

fn scalar(sheet: &mut Sheet, spec: Spec, value: &Value, verb: char) {
    let known = match value {
        Value::Bool(truth) if matches!(verb, 't' | 'v') => {
            sheet.pad(spec, if *truth { "true" } else { "false" });
            true
        }
        Value::Int(number) => integer::write(sheet, spec, *number, verb),
        Value::Float(number) => float::write(sheet, spec, *number, verb),
        Value::Text(text) => string(sheet, spec, text, verb),
        Value::Time(nanoseconds, offset) => string(sheet, spec, &time(*nanoseconds, *offset), verb),
        _ => false,
    };
    if !known {
        sheet.push_str(&format!("%!{verb}({}=", value.type_name()));
        // Every value but those that are written elsewhere knows this verb.
        scalar(sheet, spec, value, 'v');
        sheet.push_str(")");
    }
}

fn string(sheet: &mut Sheet, spec: Spec, text: &str, verb: char) -> bool {
    let cut = match spec.precision.and_then(|precision| text.char_indices().nth(precision)) {
        Some((end, _)) => &text[..end],
        None => text,
    };
    match verb {
        'v' if !spec.sharp_v => sheet.pad(spec, cut),
        's' => sheet.pad(spec, cut),
        'q' | 'v' if spec.sharp && can_back_quote(cut) => sheet.pad(spec, &format!("`{cut}`")),
        'q' | 'v' if spec.plus => sheet.pad(spec, &quote_ascii(cut)),
        'q' | 'v' => sheet.pad(spec, &quote(cut)),
        'x' | 'X' => hexadecimal(sheet, spec, text, verb),
        _ => return false,
    }
    true
}

/// The bytes of a text; the precision counts bytes, too.
fn hexadecimal(sheet: &mut Sheet, spec: Spec, text: &str, verb: char) {
    let bytes = &text.as_bytes()[..text.len().min(spec.precision.unwrap_or(text.len()))];
    let prefix = match (spec.sharp, verb) {
        (true, 'x') => "0x",
        (true, _) => "0X",
        _ => "",
    };
    let between = if spec.space { format!(" {prefix}") } else { String::new() };
    let mut shown = String::with_capacity(bytes.len() * 2);
    for (index, byte) in bytes.iter().enumerate() {
        if shown.len() > super::super::budget::BYTES {
            break;
        }
        shown.push_str(if index == 0 { prefix } else { &between });
        let digits = if verb == 'x' { b"0123456789abcdef" } else { b"0123456789ABCDEF" };
        shown.extend([byte >> 4, byte & 15].map(|digit| char::from(digits[usize::from(digit)])));
    }
    sheet.pad(spec, &shown);
}

/// As `time.Time` writes itself: `2024-05-01 02:03:04.5 +0000 UTC`.
fn time(nanoseconds: i128, offset: i32) -> String {
    let Some(zone) = FixedOffset::east_opt(offset) else {
        return format!("{nanoseconds}");
    };
    let seconds = nanoseconds.div_euclid(1_000_000_000);
    let moment = i64::try_from(seconds)
        .ok()
        .and_then(TimeDelta::try_seconds)
        .and_then(|since| DateTime::UNIX_EPOCH.checked_add_signed(since));
    let Some(moment) = moment else {
        return format!("{nanoseconds}");
    };
    let fraction = nanoseconds.rem_euclid(1_000_000_000);
    let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:09}") };
    let fraction = fraction.trim_end_matches('0');
    let moment = moment.with_timezone(&zone);
    let name = if offset == 0 { "UTC".to_owned() } else { moment.format("%z").to_string() };
    format!("{}{fraction} {} {name}", moment.format("%Y-%m-%d %H:%M:%S"), moment.format("%z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_go_does() {
        assert_eq!(time(1_714_528_984_500_000_000, 0), "2024-05-01 02:03:04.5 +0000 UTC");
        assert_eq!(time(1_714_528_984_000_000_000, 7200), "2024-05-01 04:03:04 +0200 +0200");
    }

    #[test]
    fn a_time_beyond_the_calendar_is_a_number() {
        assert_eq!(time(i128::MAX, 0), i128::MAX.to_string());
        assert_eq!(time(0, i32::MAX), "0");
    }
}
