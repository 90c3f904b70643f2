//! Regular expressions.

use super::super::value::Value;
use super::call::{Answer, Call, LARGEST};
use super::pattern::{Pattern, compile};
use regex::Captures;

/// What compiling costs, in steps, per [`Pattern::cost`].
const COMPILING: usize = 100;

pub(super) fn is_match(call: &Call<'_>) -> Answer {
    // Sprig takes a pattern that is none for one that nothing matches.
    match compiled(call) {
        Ok(pattern) => found(call, &pattern, call.text(1)?),
        Err(_) => Ok(Value::Bool(false)),
    }
}

pub(super) fn must_match(call: &Call<'_>) -> Answer {
    found(call, &compiled(call)?, call.text(1)?)
}

fn found(call: &Call<'_>, pattern: &Pattern, text: &str) -> Answer {
    pay(call, pattern, text.len())?;
    Ok(Value::Bool(pattern.regex.is_match(text)))
}

pub(super) fn find(call: &Call<'_>) -> Answer {
    let (pattern, text) = (compiled(call)?, call.text(1)?);
    pay(call, &pattern, text.len())?;
    call.made(pattern.regex.find(text).map_or("", |found| found.as_str()))
}

/// `regexFindAll PATTERN TEXT COUNT`; all of them for a negative count.
pub(super) fn find_all(call: &Call<'_>) -> Answer {
    let (pattern, text) = (compiled(call)?, call.text(1)?);
    let found = places(call, &pattern, text, limit(call.int(2)?))?;
    call.made_texts(found.into_iter().map(|(from, to)| &text[from..to]))
}

/// `regexSplit PATTERN TEXT COUNT`.
pub(super) fn split(call: &Call<'_>) -> Answer {
    let (pattern, text) = (compiled(call)?, call.text(1)?);
    let limit = limit(call.int(2)?);
    if limit == Some(0) {
        return call.made_list(Vec::new());
    }
    if text.is_empty() && !call.text(0)?.is_empty() {
        return call.made_texts([""]);
    }
    let (mut parts, mut begin, mut end) = (Vec::new(), 0, 0);
    for (from, to) in places(call, &pattern, text, limit)? {
        if limit.is_some_and(|limit| parts.len() + 1 == limit) {
            break;
        }
        end = from;
        if to != 0 {
            parts.push(&text[begin..end]);
        }
        begin = to;
    }
    if end != text.len() {
        parts.push(&text[begin..]);
    }
    call.made_texts(parts)
}

pub(super) fn replace_all(call: &Call<'_>) -> Answer {
    replaced(call, expand)
}

pub(super) fn replace_all_literal(call: &Call<'_>) -> Answer {
    replaced(call, |_, _, replacement, out| out.push_str(replacement))
}

pub(super) fn quote_meta(call: &Call<'_>) -> Answer {
    let text = call.text(0)?;
    call.room(text.len())?;
    let mut quoted = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    call.made(quoted)
}

fn compiled(call: &Call<'_>) -> Result<Pattern, String> {
    call.spend(COMPILING)?;
    let pattern = compile(call.text(0)?)?;
    call.spend(COMPILING * (pattern.cost - 1))?;
    Ok(pattern)
}

/// Pays for a search through `bytes` bytes.
fn pay(call: &Call<'_>, pattern: &Pattern, bytes: usize) -> Result<(), String> {
    call.spend(1 + bytes.saturating_mul(pattern.cost) / 8 / 8)
}

fn limit(count: i64) -> Option<usize> {
    usize::try_from(count).ok()
}

/// Where the pattern is found. What is left of the text may be searched to its end again and again: each search is paid
/// for.
fn places(call: &Call<'_>, pattern: &Pattern, text: &str, limit: Option<usize>) -> Result<Vec<(usize, usize)>, String> {
    let mut places = Vec::new();
    let mut found = pattern.regex.find_iter(text);
    let mut begin = 0;
    while limit.is_none_or(|limit| places.len() < limit) {
        pay(call, pattern, text.len() - begin)?;
        let Some(next) = found.next() else { break };
        call.item(places.len())?;
        begin = next.end();
        places.push((next.start(), next.end()));
    }
    Ok(places)
}

fn replaced(call: &Call<'_>, replace: impl Fn(&Pattern, &Captures<'_>, &str, &mut String)) -> Answer {
    let (pattern, text, replacement) = (compiled(call)?, call.text(1)?, call.text(2)?);
    let mut out = String::new();
    let mut begin = 0;
    let mut found = pattern.regex.captures_iter(text);
    loop {
        pay(call, &pattern, text.len() - begin)?;
        let Some(captures) = found.next() else { break };
        let whole = captures.get_match();
        out.push_str(&text[begin..whole.start()]);
        replace(&pattern, &captures, replacement, &mut out);
        begin = whole.end();
        call.spend(1 + replacement.len() / 8)?;
        if out.len() > LARGEST {
            break;
        }
    }
    out.push_str(&text[begin..]);
    call.made(out)
}

/// Go's `$1`, `${1}`, `$name`, `$$`; a `$` before anything else is itself.
fn expand(pattern: &Pattern, found: &Captures<'_>, replacement: &str, out: &mut String) {
    let mut rest = replacement;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if out.len() > LARGEST {
            return;
        }
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let is_word = |c: char| c == '_' || c.is_alphanumeric();
        let word = |text: &str| text.find(|c| !is_word(c)).unwrap_or(text.len());
        let (name, after) = match after.strip_prefix('{') {
            Some(braced) if braced[word(braced)..].starts_with('}') => {
                let end = word(braced);
                (&braced[..end], &braced[end + 1..])
            }
            Some(_) => ("", after),
            None => after.split_at(word(after)),
        };
        rest = after;
        if name.is_empty() {
            out.push('$');
            continue;
        }
        let is_number = name.bytes().all(|byte| byte.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
        let group = if is_number {
            name.parse().ok().and_then(|number: usize| found.get(number))
        } else {
            let mut names = pattern.regex.capture_names().enumerate().filter(|(_, of)| *of == Some(name));
            names.find_map(|(number, _)| found.get(number))
        };
        out.push_str(group.map_or("", |group| group.as_str()));
    }
    out.push_str(rest);
}
