//! Upper and lower case, and the cases of names.

use super::go::{lower, upper};

/// `Hello World` for `hello world`.
pub(super) fn title(text: &str) -> String {
    let mut before = ' ';
    text.chars()
        .map(|c| {
            let begins = is_separator(before);
            before = c;
            if begins { upper(c) } else { c }
        })
        .collect()
}

fn is_separator(c: char) -> bool {
    if c.is_ascii() { !c.is_ascii_alphanumeric() && c != '_' } else { !c.is_alphanumeric() && c.is_whitespace() }
}

/// `hELLO wORLD` for `HELLO WORLD`.
pub(super) fn untitle(text: &str) -> String {
    let mut begins = true;
    text.chars()
        .map(|c| {
            let first = begins && !c.is_whitespace();
            begins = c.is_whitespace();
            if first { lower(c) } else { c }
        })
        .collect()
}

/// `tHIS` for `This`.
pub(super) fn swapped(text: &str) -> String {
    text.chars().map(|c| if c.is_uppercase() { lower(c) } else { upper(c) }).collect()
}

/// `FBB` for `foo bar baz`, without a change of case.
pub(super) fn initials(text: &str) -> String {
    text.split_whitespace().filter_map(|word| word.chars().next()).collect()
}

/// `HttpServer` for `http_server`; connectors at the ends stay, and all but one of several.
pub(super) fn camel(text: &str) -> String {
    let mut chars = text.chars();
    let mut camel = String::with_capacity(text.len());
    let mut last = None;
    for c in chars.by_ref() {
        last = Some(c);
        if !is_connector(c) {
            last = Some(upper(c));
            break;
        }
        camel.push(c);
    }
    let Some(mut before) = last else { return camel };
    let rest = chars.as_str();
    if rest.is_empty() {
        // A text of connectors alone has its last one twice, as in Go.
        camel.push(before);
        return camel;
    }
    for c in chars {
        match (is_connector(before), is_connector(c)) {
            (true, true) => {
                camel.push(before);
                before = c;
            }
            (true, false) => before = upper(c),
            (false, _) => {
                camel.push(before);
                before = lower(c);
            }
        }
    }
    camel.push(before);
    camel
}

fn is_connector(c: char) -> bool {
    c == '-' || c == '_' || c.is_whitespace()
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Number,
    Capitals,
    Letters,
    Connector,
    Mark,
    Other,
}

fn kind(c: char) -> Kind {
    match c {
        c if is_connector(c) => Kind::Connector,
        c if is_mark(c) => Kind::Mark,
        c if c.is_uppercase() => Kind::Capitals,
        c if c.is_alphabetic() => Kind::Letters,
        c if c.is_numeric() => Kind::Number,
        _ => Kind::Other,
    }
}

/// Punctuation as Unicode has it: of ASCII all but `$+<=>^`|~`, which are symbols.
fn is_mark(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_punctuation() && !"$+<=>^`|~".contains(c)
    } else {
        matches!(c, '¡' | '§' | '«' | '¶' | '·' | '»' | '¿' | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{203e}')
    }
}

/// The words of a text: capitals before small letters belong to the word of these but for all but the last.
fn words(text: &str) -> Vec<(Kind, &str)> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let of = kind(first);
        let run = |same: &dyn Fn(char) -> bool, from: usize| {
            rest[from..].char_indices().find(|(_, c)| !same(*c)).map_or(rest.len(), |(at, _)| from + at)
        };
        let small = |c: char| c.is_alphabetic() && !c.is_uppercase();
        let end = match of {
            Kind::Capitals => {
                let second = first.len_utf8();
                match rest[second..].chars().next() {
                    Some(c) if c.is_uppercase() => {
                        let end = run(&char::is_uppercase, 0);
                        let next_is_small = rest[end..].chars().next().is_some_and(small);
                        let last = rest[..end].char_indices().next_back().map_or(end, |(at, _)| at);
                        if next_is_small { last } else { end }
                    }
                    Some(c) if small(c) => run(&small, second),
                    _ => second,
                }
            }
            Kind::Letters => run(&small, 0),
            Kind::Other => {
                run(&|c| !(is_connector(c) || c.is_alphabetic() || c.is_numeric() || is_mark(c)), first.len_utf8())
            }
            _ => run(&|c| kind(c) == of, 0),
        };
        words.push((of, &rest[..end]));
        rest = &rest[end..];
    }
    words
}

/// `http_server` for `HTTPServer`, with the connector given.
pub(super) fn connected(text: &str, connector: char) -> String {
    let words = words(text);
    let mut out = String::with_capacity(text.len() + 8);
    let put = |out: &mut String, (kind, word): (Kind, &str)| match kind {
        Kind::Capitals => out.extend(word.chars().map(lower)),
        Kind::Connector => out.extend(word.chars().map(|_| connector)),
        _ => out.push_str(word),
    };
    let joins = |kind: Kind| matches!(kind, Kind::Letters | Kind::Number);
    let parts = |kind: Kind| !matches!(kind, Kind::Connector | Kind::Mark);
    // Writes the letters and numbers that follow a number without a connector between them.
    let run = |out: &mut String, at: &mut usize| {
        while let Some(word) = words.get(*at).filter(|word| joins(word.0)) {
            put(out, *word);
            *at += 1;
        }
        if words.get(*at).is_some_and(|word| parts(word.0)) {
            out.push(connector);
        }
    };
    let mut at = 0;
    while at < words.len() {
        let (kind, _) = words[at];
        put(&mut out, words[at]);
        at += 1;
        let Some((next, _)) = words.get(at).copied() else { break };
        match kind {
            Kind::Number => run(&mut out, &mut at),
            Kind::Connector | Kind::Mark => {}
            _ if next != Kind::Number => {
                if parts(next) {
                    out.push(connector);
                }
            }
            _ => match words.get(at + 1).copied() {
                None => {}
                // Small letters after a number: the number begins a word with them.
                Some((Kind::Letters, _)) => {
                    out.push(connector);
                    run(&mut out, &mut at);
                }
                Some((after, _)) => {
                    put(&mut out, words[at]);
                    at += 1;
                    if parts(after) {
                        out.push(connector);
                    }
                }
            },
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_connected() {
        for (text, expected) in [
            ("FirstName", "first_name"),
            ("HTTPServer", "http_server"),
            ("NoHTTPS", "no_https"),
            ("GO_PATH", "go_path"),
            ("http2xx", "http_2xx"),
            ("HTTP20xOK", "http_20x_ok"),
            ("Duration2m3s", "duration_2m3s"),
            ("Bld4Floor3rd", "bld4_floor_3rd"),
            ("ÄÖü", "ä_öü"),
            ("", ""),
        ] {
            assert_eq!(connected(text, '_'), expected, "{text}");
        }
    }
}
