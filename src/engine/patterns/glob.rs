//! Go's `filepath.Match` for one name: what restic's patterns are made of.

/// A glob for one name, read once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(Kind);

/// Most globs are of a kind that needs no search.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Literal(Box<[u8]>),
    /// `*`
    Any,
    /// `name*`
    Prefix(Box<[u8]>),
    /// `*.ext`
    Suffix(Box<[u8]>),
    General(Box<[Token]>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Byte(u8),
    /// `?`: one character; a byte that is no UTF-8 counts as one.
    One,
    /// `*`: any number of bytes.
    Star,
    Class {
        negated: bool,
        ranges: Box<[(u32, u32)]>,
    },
}

impl Glob {
    /// Reads a glob; `None` if it is not well-formed.
    pub fn compile(pattern: &[u8]) -> Option<Self> {
        let mut tokens = Vec::new();
        let mut rest = pattern;
        while let Some((first, tail)) = rest.split_first() {
            rest = tail;
            tokens.push(match first {
                b'*' => Token::Star,
                b'?' => Token::One,
                b'[' => {
                    let (class, tail) = class(tail)?;
                    rest = tail;
                    class
                }
                b'\\' => {
                    let (literal, tail) = tail.split_first()?;
                    rest = tail;
                    Token::Byte(*literal)
                }
                literal => Token::Byte(*literal),
            });
        }
        // Several stars in a row are one.
        tokens.dedup_by(|a, b| *a == Token::Star && *b == Token::Star);
        Some(Self(Kind::of(tokens)))
    }

    /// Whether the name is matched as a whole.
    pub fn matches(&self, name: &[u8]) -> bool {
        match &self.0 {
            Kind::Literal(literal) => **literal == *name,
            Kind::Any => true,
            Kind::Prefix(prefix) => name.starts_with(prefix),
            Kind::Suffix(suffix) => name.ends_with(suffix),
            Kind::General(tokens) => search(tokens, name),
        }
    }
}

impl Kind {
    fn of(tokens: Vec<Token>) -> Self {
        let literal = |tokens: &[Token]| {
            tokens.iter().map(|token| if let Token::Byte(byte) = token { Some(*byte) } else { None }).collect()
        };
        let whole: Option<Box<[u8]>> = literal(&tokens);
        if let Some(whole) = whole {
            return Self::Literal(whole);
        }
        match tokens.as_slice() {
            [Token::Star] => return Self::Any,
            [Token::Star, rest @ ..] => {
                if let Some(suffix) = literal(rest) {
                    return Self::Suffix(suffix);
                }
            }
            [rest @ .., Token::Star] => {
                if let Some(prefix) = literal(rest) {
                    return Self::Prefix(prefix);
                }
            }
            _ => {}
        }
        Self::General(tokens.into())
    }
}

/// Go takes the leftmost place for what follows each star, and never goes back to an earlier one; so do we, which also
/// bounds the time.
fn search(tokens: &[Token], name: &[u8]) -> bool {
    let (mut token, mut at) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        let step = match tokens.get(token) {
            None if at == name.len() => return true,
            None => None,
            Some(Token::Star) => {
                star = Some((token + 1, at));
                token += 1;
                continue;
            }
            Some(Token::Byte(byte)) => (name.get(at) == Some(byte)).then_some(1),
            Some(Token::One) => first_character(&name[at..]).map(|(_, length)| length),
            Some(Token::Class { negated, ranges }) => first_character(&name[at..])
                .filter(|(character, _)| ranges.iter().any(|(low, high)| (low..=high).contains(&character)) != *negated)
                .map(|(_, length)| length),
        };
        match (step, star) {
            (Some(length), _) => {
                token += 1;
                at += length;
            }
            (None, Some((after, from))) if from < name.len() => {
                star = Some((after, from + 1));
                token = after;
                at = from + 1;
            }
            (None, _) => return false,
        }
    }
}

/// A class after its bracket, and what follows it.
fn class(mut pattern: &[u8]) -> Option<(Token, &[u8])> {
    let negated = pattern.first() == Some(&b'^');
    if negated {
        pattern = &pattern[1..];
    }
    let mut ranges = Vec::new();
    loop {
        if pattern.first() == Some(&b']') && !ranges.is_empty() {
            return Some((Token::Class { negated, ranges: ranges.into() }, &pattern[1..]));
        }
        let (low, rest) = of_class(pattern)?;
        let (high, rest) = match rest.strip_prefix(b"-") {
            Some(rest) => of_class(rest)?,
            None => (low, rest),
        };
        ranges.push((low, high));
        pattern = rest;
    }
}

/// One character of a class, which may have a backslash before it.
fn of_class(pattern: &[u8]) -> Option<(u32, &[u8])> {
    let pattern = match pattern.first()? {
        b'-' | b']' => return None,
        b'\\' => &pattern[1..],
        _ => pattern,
    };
    let (character, length) = first_character(pattern)?;
    if character == u32::from(char::REPLACEMENT_CHARACTER) && length == 1 {
        return None;
    }
    let rest = &pattern[length..];
    (!rest.is_empty()).then_some((character, rest))
}

/// The first character and its length; a byte that is no UTF-8 counts as one of its own.
pub(super) fn first_character(text: &[u8]) -> Option<(u32, usize)> {
    let first = *text.first()?;
    let length = match first {
        0..0x80 => return Some((u32::from(first), 1)),
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    let whole = text.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok());
    Some(match whole.and_then(|text| text.chars().next()) {
        Some(character) => (u32::from(character), length),
        None => (u32::from(char::REPLACEMENT_CHARACTER), 1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of the table in the tests of Go's `path/filepath` that bear on one name.
    #[test]
    fn names_match_as_in_go() {
        for (pattern, name, expected) in [
            ("abc", "abc", true),
            ("*", "abc", true),
            ("*c", "abc", true),
            ("a*", "a", true),
            ("a*", "abc", true),
            ("a*b*c*d*e*", "axbxcxdxe", true),
            ("a*b*c*d*e*", "axbxcxdxexxx", true),
            ("a*b?c*x", "abxbbxdbxebxczzx", true),
            ("a*b?c*x", "abxbbxdbxebxczzy", false),
            ("ab[c]", "abc", true),
            ("ab[b-d]", "abc", true),
            ("ab[e-g]", "abc", false),
            ("ab[^c]", "abc", false),
            ("ab[^b-d]", "abc", false),
            ("ab[^e-g]", "abc", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "ab", false),
            ("a?b", "a☺b", true),
            ("a[^a]b", "a☺b", true),
            ("a???b", "a☺b", false),
            ("[a-ζ]*", "α", true),
            ("*[a-ζ]", "A", false),
            ("[\\]a]", "]", true),
            ("[\\-x]", "-", true),
            ("[x\\-]", "z", false),
            ("*x", "xxx", true),
            ("a**b", "axxb", true),
        ] {
            let glob = Glob::compile(pattern.as_bytes()).expect("is well-formed");
            assert_eq!(glob.matches(name.as_bytes()), expected, "{pattern} {name}");
        }
        assert!(Glob::compile(b"a?b").expect("is well-formed").matches(b"a\xffb"));
    }

    #[test]
    fn what_go_calls_a_bad_pattern_is_refused() {
        for pattern in ["[]a]", "[-]", "[x-]", "[-x]", "\\", "[a-b-c]", "[", "[^", "[^bc", "a[", "a*[", "*x[-"] {
            assert_eq!(Glob::compile(pattern.as_bytes()), None, "{pattern}");
        }
        assert_eq!(Glob::compile(b"[\xff]"), None);
    }

    #[test]
    fn many_stars_take_no_long_time() {
        let glob = Glob::compile("*a*a*a*a*a*a*a*a*a*a*a*a*b".as_bytes()).expect("is well-formed");
        assert!(!glob.matches(&[b'a'; 255]));
    }
}
