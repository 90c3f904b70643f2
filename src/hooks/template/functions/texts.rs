//! Texts: cutting, joining, looking into them.

use super::super::value::Value;
use super::call::{Answer, Call};
use super::go;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A text of the text that is the only argument.
pub(super) fn mapped(call: &Call<'_>, map: impl Fn(&str) -> String) -> Answer {
    let text = call.text(0)?;
    call.room(text.len())?;
    call.made(map(text))
}

pub(super) fn trim(call: &Call<'_>) -> Answer {
    call.made(call.text(0)?.trim())
}

/// `trimAll "$" "$5"`.
pub(super) fn trim_all(call: &Call<'_>) -> Answer {
    let (set, text) = (call.text(0)?, call.text(1)?);
    call.spend(text.len() / 64 * (1 + set.len() / 64))?;
    call.made(text.trim_matches(|c| set.contains(c)))
}

pub(super) fn trim_prefix(call: &Call<'_>) -> Answer {
    let (prefix, text) = (call.text(0)?, call.text(1)?);
    call.made(text.strip_prefix(prefix).unwrap_or(text))
}

pub(super) fn trim_suffix(call: &Call<'_>) -> Answer {
    let (suffix, text) = (call.text(0)?, call.text(1)?);
    call.made(text.strip_suffix(suffix).unwrap_or(text))
}

pub(super) fn contains(call: &Call<'_>) -> Answer {
    let (part, text) = (call.text(0)?, call.text(1)?);
    call.room(text.len())?;
    Ok(Value::Bool(text.contains(part)))
}

pub(super) fn has_prefix(call: &Call<'_>) -> Answer {
    Ok(Value::Bool(call.text(1)?.starts_with(call.text(0)?)))
}

pub(super) fn has_suffix(call: &Call<'_>) -> Answer {
    Ok(Value::Bool(call.text(1)?.ends_with(call.text(0)?)))
}

/// Cuts at a number of bytes, as Go does, but never within a character.
pub(super) fn trunc(call: &Call<'_>) -> Answer {
    let (count, text) = (call.int(0)?, call.text(1)?);
    let bytes = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if bytes >= text.len() {
        return call.made(text);
    }
    call.made(if count < 0 {
        &text[text.ceil_char_boundary(text.len() - bytes)..]
    } else {
        &text[..text.floor_char_boundary(bytes)]
    })
}

/// As [`trunc`] for the places.
pub(super) fn substr(call: &Call<'_>) -> Answer {
    let (start, end, text) = (call.int(0)?, call.int(1)?, call.text(2)?);
    let length = text.len() as i64;
    let (from, to) = if start < 0 {
        (0, end)
    } else if end < 0 || end > length {
        (start, length)
    } else {
        (start, end)
    };
    if to < 0 || to > length {
        return Err(format!("runtime error: slice bounds out of range [:{to}] with length {length}"));
    }
    if from > to {
        return Err(format!("runtime error: slice bounds out of range [{from}:{to}]"));
    }
    call.made(&text[text.floor_char_boundary(from as usize)..text.floor_char_boundary(to as usize)])
}

pub(super) fn abbrev(call: &Call<'_>) -> Answer {
    let (width, text) = (call.int(0)?, call.text(1)?);
    if width < 4 { call.made(text) } else { call.made(abbreviated(text, 0, width)) }
}

pub(super) fn abbrev_both(call: &Call<'_>) -> Answer {
    let (left, right, text) = (call.int(0)?, call.int(1)?, call.text(2)?);
    if right < 4 || (left > 0 && right < 7) { call.made(text) } else { call.made(abbreviated(text, left, right)) }
}

/// At most `width` bytes of a text from `offset` on, with dots where something is left out.
fn abbreviated(text: &str, offset: i64, width: i64) -> Cow<'_, str> {
    let Some(kept) = usize::try_from(width - 3).ok().filter(|kept| kept + 3 < text.len()) else {
        return Cow::Borrowed(text);
    };
    let offset = usize::try_from(offset).unwrap_or(0).min(text.len() - kept);
    if offset <= 4 {
        return Cow::Owned(format!("{}...", &text[..text.floor_char_boundary(kept)]));
    }
    if offset + kept < text.len() {
        let from = &text[text.ceil_char_boundary(offset)..];
        return Cow::Owned(format!("...{}", abbreviated(from, 0, width - 3)));
    }
    Cow::Owned(format!("...{}", &text[text.ceil_char_boundary(text.len() - kept)..]))
}

pub(super) fn replace(call: &Call<'_>) -> Answer {
    let (old, new, text) = (call.text(0)?, call.text(1)?, call.text(2)?);
    call.room(text.len())?;
    let count = text.matches(old).count();
    call.room((text.len() - count * old.len()).saturating_add(count.saturating_mul(new.len())))?;
    call.made(text.replace(old, new))
}

pub(super) fn repeat(call: &Call<'_>) -> Answer {
    let (count, text) = (call.int(0)?, call.text(1)?);
    let Ok(count) = usize::try_from(count) else { return Err("strings: negative Repeat count".to_owned()) };
    call.room(count.saturating_mul(text.len()))?;
    // Without this a count without end would be counted through for the empty text.
    call.made(if text.is_empty() { String::new() } else { text.repeat(count) })
}

pub(super) fn indent(call: &Call<'_>) -> Answer {
    indented(call, "")
}

pub(super) fn nindent(call: &Call<'_>) -> Answer {
    indented(call, "\n")
}

fn indented(call: &Call<'_>, before: &str) -> Answer {
    let (spaces, text) = (call.int(0)?, call.text(1)?);
    let Ok(spaces) = usize::try_from(spaces) else { return Err("strings: negative Repeat count".to_owned()) };
    call.room(text.len())?;
    let lines = 1 + text.matches('\n').count();
    call.room(text.len().saturating_add(lines.saturating_mul(spaces)))?;
    let pad = " ".repeat(spaces);
    call.made(format!("{before}{pad}{}", text.replace('\n', &format!("\n{pad}"))))
}

pub(super) fn join(call: &Call<'_>) -> Answer {
    let (separator, texts) = (call.text(0)?, call.texts(call.value(1))?);
    let bytes = texts.iter().fold(0, |bytes: usize, text| bytes.saturating_add(text.len()));
    call.room(bytes.saturating_add(separator.len().saturating_mul(texts.len().saturating_sub(1))))?;
    call.made(texts.join(separator))
}

/// Go's `strings.SplitN`: no text between characters where the separator is empty; no limit for `None`.
fn parts<'t>(call: &Call<'_>, text: &'t str, separator: &str, limit: Option<usize>) -> Result<Vec<&'t str>, String> {
    call.room(text.len())?;
    let mut parts = Vec::new();
    let mut rest = Some(text).filter(|_| limit != Some(0));
    if separator.is_empty() && text.is_empty() {
        rest = None;
    }
    while let Some(text) = rest {
        call.item(parts.len())?;
        let cut = match separator {
            _ if limit.is_some_and(|limit| parts.len() + 1 == limit) => None,
            "" => text.char_indices().nth(1).map(|(at, _)| text.split_at(at)),
            separator => text.split_once(separator),
        };
        parts.push(cut.map_or(text, |(part, _)| part));
        rest = cut.map(|(_, rest)| rest);
    }
    Ok(parts)
}

pub(super) fn split_list(call: &Call<'_>) -> Answer {
    call.made_texts(parts(call, call.text(1)?, call.text(0)?, None)?)
}

pub(super) fn split(call: &Call<'_>) -> Answer {
    numbered(call, &parts(call, call.text(1)?, call.text(0)?, None)?)
}

pub(super) fn splitn(call: &Call<'_>) -> Answer {
    let limit = usize::try_from(call.int(1)?).ok();
    numbered(call, &parts(call, call.text(2)?, call.text(0)?, limit)?)
}

/// `_0`, `_1`, ...
fn numbered(call: &Call<'_>, parts: &[&str]) -> Answer {
    let entries = parts.iter().enumerate().map(|(at, part)| (format!("_{at}"), Value::text(part)));
    call.made_map(entries.collect::<BTreeMap<_, _>>())
}

pub(super) fn plural(call: &Call<'_>) -> Answer {
    let (one, many) = (call.text(0)?, call.text(1)?);
    call.made(if call.int(2)? == 1 { one } else { many })
}

pub(super) fn quote(call: &Call<'_>) -> Answer {
    in_quotes(call, go::quoted)
}

pub(super) fn squote(call: &Call<'_>) -> Answer {
    in_quotes(call, |text| format!("'{text}'"))
}

fn in_quotes(call: &Call<'_>, quoted: impl Fn(&str) -> String) -> Answer {
    let mut texts = Vec::new();
    for value in call.all().iter().filter(|value| !matches!(value, Value::Nil)) {
        let text = call.shown(value)?;
        call.room(text.len())?;
        let text = quoted(&text);
        call.room(text.len())?;
        texts.push(text);
    }
    call.made(texts.join(" "))
}

pub(super) fn cat(call: &Call<'_>) -> Answer {
    let given = call.all().iter().filter(|value| !matches!(value, Value::Nil));
    let texts = given.map(|value| call.shown(value)).collect::<Result<Vec<_>, _>>()?;
    call.room(texts.iter().fold(0, |bytes: usize, text| bytes.saturating_add(text.len() + 1)))?;
    call.made(texts.join(" "))
}

pub(super) fn to_string(call: &Call<'_>) -> Answer {
    call.made(call.shown(call.value(0))?)
}

pub(super) fn to_strings(call: &Call<'_>) -> Answer {
    call.made_texts(call.texts(call.value(0))?)
}
