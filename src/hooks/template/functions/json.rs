//! JSON as Go's `encoding/json` writes it.

use super::super::value::Value;
use super::call::{Answer, Call, LARGEST};
use super::{go, layout};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// How a text is written.
#[derive(Clone, Copy, PartialEq)]
enum Style {
    /// `<`, `>` and `&` are escaped.
    Html,
    /// They are not.
    Raw,
    /// As `Html`, over several lines.
    Pretty,
}

pub(super) fn to_json(call: &Call<'_>) -> Answer {
    or_nothing(call, Style::Html)
}

pub(super) fn to_pretty_json(call: &Call<'_>) -> Answer {
    or_nothing(call, Style::Pretty)
}

pub(super) fn must_to_json(call: &Call<'_>) -> Answer {
    encoded(call, Style::Html)
}

pub(super) fn must_to_pretty_json(call: &Call<'_>) -> Answer {
    encoded(call, Style::Pretty)
}

/// Sprig says the error of this one alone among those without `must`.
pub(super) fn to_raw_json(call: &Call<'_>) -> Answer {
    encoded(call, Style::Raw)
}

pub(super) fn from_json(call: &Call<'_>) -> Answer {
    match decode(call.text(0)?) {
        Ok(value) => call.held(value),
        Err(_) => Ok(Value::Nil),
    }
}

pub(super) fn must_from_json(call: &Call<'_>) -> Answer {
    call.held(decode(call.text(0)?)?)
}

/// A value that JSON cannot hold (not a number, infinite) gives the empty text.
fn or_nothing(call: &Call<'_>, style: Style) -> Answer {
    if holds_no_number(call.value(0)) { Ok(Value::text("")) } else { encoded(call, style) }
}

fn holds_no_number(value: &Value) -> bool {
    match value {
        Value::Float(number) => !number.is_finite(),
        Value::List(items) => items.iter().any(holds_no_number),
        Value::Map(entries) => entries.values().any(holds_no_number),
        Value::Struct(record) => record.fields.iter().any(|field| holds_no_number(&field.value)),
        Value::Nil | Value::Bool(_) | Value::Int(_) | Value::Text(_) | Value::Time(..) => false,
    }
}

fn encoded(call: &Call<'_>, style: Style) -> Answer {
    call.held(call.value(0).clone())?;
    let mut writer = Writer { text: String::new(), style };
    writer.value(call.value(0), 0)?;
    call.made(writer.text)
}

struct Writer {
    text: String,
    style: Style,
}

impl Writer {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), String> {
        // Escapes and indentation make a text that fits into one that does not: `made` refuses it.
        if self.text.len() > LARGEST {
            return Ok(());
        }
        match value {
            Value::Nil => self.text.push_str("null"),
            Value::Bool(is) => self.text.push_str(if *is { "true" } else { "false" }),
            Value::Int(number) => self.text.push_str(&number.to_string()),
            Value::Float(number) => self.float(*number)?,
            Value::Text(text) => self.string(text),
            Value::List(items) => {
                let items = items.iter().map(|item| (None, item));
                self.entries(['[', ']'], items, depth)?;
            }
            Value::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| (Some(&**key), value));
                self.entries(['{', '}'], entries, depth)?;
            }
            Value::Struct(record) => {
                let fields = record.fields.iter().filter(|field| field.json != "-");
                self.entries(['{', '}'], fields.map(|field| (Some(field.json), &field.value)), depth)?;
            }
            Value::Time(nanos, offset) => {
                let text = layout::rfc3339(*nanos, *offset).ok_or("a year outside of [0,9999] cannot be written")?;
                self.string(&text);
            }
        }
        Ok(())
    }

    fn entries<'v>(
        &mut self,
        [open, close]: [char; 2],
        entries: impl Iterator<Item = (Option<&'v str>, &'v Value)>,
        depth: usize,
    ) -> Result<(), String> {
        self.text.push(open);
        let mut is_empty = true;
        for (key, value) in entries {
            if !is_empty {
                self.text.push(',');
            }
            is_empty = false;
            self.line(depth + 1);
            if let Some(key) = key {
                self.string(key);
                self.text.push_str(if self.style == Style::Pretty { ": " } else { ":" });
            }
            self.value(value, depth + 1)?;
        }
        if !is_empty {
            self.line(depth);
        }
        self.text.push(close);
        Ok(())
    }

    fn line(&mut self, depth: usize) {
        if self.style == Style::Pretty {
            self.text.push('\n');
            self.text.extend(std::iter::repeat_n("  ", depth));
        }
    }

    fn float(&mut self, number: f64) -> Result<(), String> {
        if !number.is_finite() {
            let name = if number.is_nan() {
                "NaN"
            } else if number > 0.0 {
                "+Inf"
            } else {
                "-Inf"
            };
            return Err(format!("json: unsupported value: {name}"));
        }
        let size = number.abs();
        if size != 0.0 && !(1e-6..1e21).contains(&size) {
            let text = format!("{number:e}");
            self.text.push_str(&if size < 1.0 { text } else { text.replace('e', "e+") });
        } else {
            self.text.push_str(&number.to_string());
        }
        Ok(())
    }

    fn string(&mut self, text: &str) {
        self.text.push('"');
        for c in text.chars() {
            match c {
                '"' | '\\' => self.text.extend(['\\', c]),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\t' => self.text.push_str("\\t"),
                '<' | '>' | '&' if self.style == Style::Raw => self.text.push(c),
                '\0'..' ' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    go::put(&mut self.text, format_args!("\\u{:04x}", u32::from(c)));
                }
                c => self.text.push(c),
            }
        }
        self.text.push('"');
    }
}

fn decode(text: &str) -> Result<Value, String> {
    if text.len() > LARGEST {
        return Err(format!("the text has more than {LARGEST} bytes"));
    }
    serde_json::from_str(text).map(of_json).map_err(|error| error.to_string())
}

/// Numbers are `float64`, as in Go.
fn of_json(json: Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(is) => Value::Bool(is),
        Json::Number(number) => Value::Float(number.as_f64().unwrap_or(0.0)),
        Json::String(text) => Value::text(text),
        Json::Array(items) => Value::list(items.into_iter().map(of_json).collect()),
        Json::Object(entries) => {
            let entries = entries.into_iter().map(|(key, value)| (key, of_json(value)));
            Value::Map(std::sync::Arc::new(entries.collect::<BTreeMap<_, _>>()))
        }
    }
}
