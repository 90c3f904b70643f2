//! Go's regular expressions, written as the crate `regex` reads them.
//!
//! Both are RE2's, but `\d`, `\s`, `\w` and `\b` of Go know ASCII alone, a class of Go holds no classes, and Go takes a
//! brace that is no count, `\<` and `\Q...\E` for plain text.

use super::go::put;
use regex::{Regex, RegexBuilder};

/// The longest pattern, in bytes.
const LONGEST: usize = 4096;
/// What a pattern may take in memory, in bytes, and what a byte that it is held against then costs in eighths of a step.
const SIZES: [(usize, usize); 2] = [(32 * 1024, 1), (512 * 1024, 32)];

/// A pattern, and what it costs.
pub(super) struct Pattern {
    pub(super) regex: Regex,
    /// Of a byte that it is held against, in eighths of a step.
    pub(super) cost: usize,
}

/// Compiles a pattern of Go's.
pub(super) fn compile(pattern: &str) -> Result<Pattern, String> {
    let wrong = |why: &str| format!("error parsing regexp: {why}: `{pattern}`");
    if pattern.len() > LONGEST {
        return Err(format!("the regular expression has more than {LONGEST} bytes"));
    }
    let translated = translate(pattern).map_err(wrong)?;
    for (size, cost) in SIZES {
        let built = RegexBuilder::new(&translated).octal(true).size_limit(size).dfa_size_limit(1 << 20).build();
        match built {
            Ok(regex) => return Ok(Pattern { regex, cost }),
            Err(regex::Error::CompiledTooBig(_)) => {}
            Err(error) => {
                let error = error.to_string();
                let why = error.lines().last().unwrap_or_default();
                return Err(wrong(why.strip_prefix("error: ").unwrap_or(why)));
            }
        }
    }
    Err(wrong("expression too large"))
}

const DIGITS: &str = "0-9";
const SPACES: &str = r"\t\n\x0C\r ";
const LETTERS: &str = "0-9A-Za-z_";

fn translate(pattern: &str) -> Result<String, &'static str> {
    let mut out = String::with_capacity(pattern.len() * 2);
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        rest = match c {
            '\\' => escape(&mut out, after)?,
            '[' => class(&mut out, after)?,
            '{' if is_count(after) => {
                out.push('{');
                after
            }
            '{' | '}' if c == '{' || !ends_count(&out) => {
                out.extend(['\\', c]);
                after
            }
            c => {
                out.push(c);
                after
            }
        };
    }
    Ok(out)
}

/// Whether `{` begins a count: `2}`, `2,}`, `2,3}`.
fn is_count(after: &str) -> bool {
    let Some((count, _)) = after.split_once('}') else { return false };
    let (least, most) = count.split_once(',').unwrap_or((count, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !least.is_empty() && is_number(least) && is_number(most)
}

/// Whether a `}` ends a count that was written out.
fn ends_count(out: &str) -> bool {
    let head = out.trim_end_matches(|c: char| c.is_ascii_digit() || c == ',');
    head.ends_with('{') && !head.ends_with(r"\{") && head.len() < out.len()
}

/// What follows a `\` outside of a class.
fn escape<'p>(out: &mut String, after: &'p str) -> Result<&'p str, &'static str> {
    let c = after.chars().next().ok_or("trailing backslash at end of expression")?;
    let rest = &after[c.len_utf8()..];
    match c {
        'd' => put(out, format_args!("[{DIGITS}]")),
        'D' => put(out, format_args!("[^{DIGITS}]")),
        's' => put(out, format_args!("[{SPACES}]")),
        'S' => put(out, format_args!("[^{SPACES}]")),
        'w' => put(out, format_args!("[{LETTERS}]")),
        'W' => put(out, format_args!("[^{LETTERS}]")),
        'b' => out.push_str(r"(?-u:\b)"),
        'Q' => {
            let (literal, rest) = rest.split_once(r"\E").unwrap_or((rest, ""));
            out.push_str(&regex::escape(literal));
            return Ok(rest);
        }
        'A' | 'z' | 'B' => out.extend(['\\', c]),
        'p' | 'P' => return property(out, c, rest),
        _ => {
            let (c, rest) = escaped(after)?;
            literal(out, c);
            return Ok(rest);
        }
    }
    Ok(rest)
}

/// `\pL`, `\p{Greek}`, as they are.
fn property<'p>(out: &mut String, c: char, rest: &'p str) -> Result<&'p str, &'static str> {
    let end =
        if rest.starts_with('{') { rest.find('}').map(|at| at + 1) } else { rest.chars().next().map(char::len_utf8) };
    let end = end.ok_or("invalid character class range")?;
    out.extend(['\\', c]);
    out.push_str(&rest[..end]);
    Ok(&rest[end..])
}

/// A character that is escaped: `\n`, `\x41`, `\x{1F44D}`, `\101`, `\.`.
fn escaped(after: &str) -> Result<(char, &str), &'static str> {
    const WRONG: &str = "invalid escape sequence";
    let c = after.chars().next().ok_or("trailing backslash at end of expression")?;
    let rest = &after[c.len_utf8()..];
    let of = |digits: &str, radix| {
        let number = u32::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with('+'));
        number.and_then(char::from_u32).ok_or(WRONG)
    };
    Ok(match c {
        'a' => ('\x07', rest),
        'f' => ('\x0c', rest),
        'n' => ('\n', rest),
        'r' => ('\r', rest),
        't' => ('\t', rest),
        'v' => ('\x0b', rest),
        'x' => {
            let (digits, rest) = match rest.strip_prefix('{') {
                Some(braced) => braced.split_once('}').ok_or(WRONG)?,
                None => rest.split_at_checked(2).ok_or(WRONG)?,
            };
            (of(digits, 16)?, rest)
        }
        '0' | '1'..='7' => {
            let count = after.bytes().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
            // A single digit but nought would be a reference, which there is not.
            if c != '0' && count == 1 {
                return Err(WRONG);
            }
            (of(&after[..count], 8)?, &after[count..])
        }
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => (c, rest),
        _ => return Err(WRONG),
    })
}

fn literal(out: &mut String, c: char) {
    put(out, format_args!("\\x{{{:X}}}", u32::from(c)));
}

/// What follows a `[`, up to behind its `]`.
fn class<'p>(out: &mut String, after: &'p str) -> Result<&'p str, &'static str> {
    const MISSING: &str = "missing closing ]";
    out.push('[');
    let mut rest = after;
    if let Some(negated) = rest.strip_prefix('^') {
        out.push('^');
        rest = negated;
    }
    let mut is_first = true;
    loop {
        if let Some(end) = rest.strip_prefix(']').filter(|_| !is_first) {
            out.push(']');
            return Ok(end);
        }
        is_first = false;
        if rest.starts_with("[:")
            && let Some(end) = rest.find(":]")
        {
            out.push_str(&rest[..end + 2]);
            rest = &rest[end + 2..];
            continue;
        }
        if let Some(after) = rest.strip_prefix('\\') {
            let set = match after.chars().next() {
                Some('d') => Some((DIGITS, "")),
                Some('s') => Some((SPACES, "")),
                Some('w') => Some((LETTERS, "")),
                Some('D') => Some((DIGITS, "^")),
                Some('S') => Some((SPACES, "^")),
                Some('W') => Some((LETTERS, "^")),
                _ => None,
            };
            if let Some((set, negated)) = set {
                put(out, format_args!("[{negated}{set}]"));
                rest = &after[1..];
                continue;
            }
            if let Some(c @ ('p' | 'P')) = after.chars().next() {
                rest = property(out, c, &after[1..])?;
                continue;
            }
        }
        let (from, after) = in_class(rest).map_err(|why| why.unwrap_or(MISSING))?;
        literal(out, from);
        rest = after;
        if let Some(after) = rest.strip_prefix('-').filter(|after| !after.starts_with(']')) {
            let (to, after) = in_class(after).map_err(|why| why.unwrap_or(MISSING))?;
            if to < from {
                return Err("invalid character class range");
            }
            out.push('-');
            literal(out, to);
            rest = after;
        }
    }
}

/// A character of a class; `None` where the pattern ends.
fn in_class(rest: &str) -> Result<(char, &str), Option<&'static str>> {
    match rest.strip_prefix('\\') {
        Some(after) => escaped(after).map_err(Some),
        None => rest.chars().next().map(|c| (c, &rest[c.len_utf8()..])).ok_or(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_in_go() {
        for (pattern, text, expected) in [
            (r"^\w+$", "é", false),
            (r"^\W$", "é", true),
            (r"^\d$", "٣", false),
            (r"a\b", "aé", true),
            ("[[a]]", "[]", true),
            ("^[a&&b]+$", "a&b", true),
            ("^[a--]+$", "a-", false),
            ("^[+--]+$", "+,-", true),
            ("^[]a]+$", "]a", true),
            ("^[a-]+$", "a-", true),
            ("^a{,2}$", "a{,2}", true),
            ("^a{2}$", "aa", true),
            ("^{x}$", "{x}", true),
            (r"^\<\>$", "<>", true),
            (r"^\Qa.b*\E+$", "a.b**", true),
            (r"^\x41\x{1F44D}\101$", "A👍A", true),
            (r"^[\d\D]$", "x", true),
            (r"^[^\s\pL]$", "1", true),
            ("^[[:alpha:]_]+$", "a_", true),
            ("(?i)ÄB", "äb", true),
        ] {
            match compile(pattern) {
                Ok(found) => assert_eq!(found.regex.is_match(text), expected, "{pattern}"),
                Err(_) => assert!(!expected, "{pattern}"),
            }
        }
    }

    #[test]
    fn what_is_no_pattern_is_said() {
        for (pattern, why) in [
            ("[a", "error parsing regexp: missing closing ]: `[a`"),
            ("\\", "error parsing regexp: trailing backslash at end of expression: `\\`"),
            (r"\8", r"error parsing regexp: invalid escape sequence: `\8`"),
            ("[b-a]", "error parsing regexp: invalid character class range: `[b-a]`"),
            ("((a{1000}){1000}){1000}", "error parsing regexp: expression too large: `((a{1000}){1000}){1000}`"),
        ] {
            assert_eq!(compile(pattern).err().as_deref(), Some(why), "{pattern}");
        }
        for pattern in ["(", "*", "(?=a)", r"(a)\1", "a**?)", "(?P<n", &"(".repeat(2000)] {
            assert!(compile(pattern).is_err(), "{pattern}");
        }
        assert!(compile(&"a".repeat(5000)).is_err());
    }
}
