//! Text as it reads once its escapes are undone, and where in the text each byte came from.
//!
//! Encoders do not agree on what they escape: one writes `/` as it is, another as `%2f` or `\/`. So beside the exact
//! forms of a secret that `encode` lists, the text itself is decoded and searched for the raw one.

use std::ops::Range;

/// Decoded bytes, each with the place in the text that it was read from.
pub(super) struct Decoded {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// For each of them: where it stands in the text.
    pub places: Vec<(usize, usize)>,
}

impl Decoded {
    fn with_room_for(text: &[u8]) -> Self {
        Self { bytes: Vec::with_capacity(text.len()), places: Vec::with_capacity(text.len()) }
    }

    fn push(&mut self, bytes: &[u8], place: Range<usize>) {
        self.bytes.extend_from_slice(bytes);
        self.places.extend(bytes.iter().map(|_| (place.start, place.end)));
    }
}

/// What a `+` is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Plus {
    /// A plus.
    Plus,
    /// A blank, as in a form.
    Blank,
}

/// Undoes percent-encoding; `None` if there is none in the text.
pub(super) fn percent(text: &[u8], plus: Plus) -> Option<Decoded> {
    let encoded = |at: usize| Some(hex(*text.get(at + 1)?)? << 4 | hex(*text.get(at + 2)?)?);
    let sign = |at: usize| text[at] == b'%' && encoded(at).is_some() || plus == Plus::Blank && text[at] == b'+';
    (0..text.len()).find(|at| sign(*at))?;
    let mut decoded = Decoded::with_room_for(text);
    let mut at = 0;
    while at < text.len() {
        let (byte, length) = match (text[at], plus) {
            (b'%', _) => encoded(at).map_or((b'%', 1), |byte| (byte, 3)),
            (b'+', Plus::Blank) => (b' ', 1),
            (byte, _) => (byte, 1),
        };
        decoded.push(&[byte], at..at + length);
        at += length;
    }
    Some(decoded)
}

/// The text with `%41` as `A`; a percent sign that begins no such thing stays. It may be no text any more.
pub fn percent_decoded(text: &str) -> Vec<u8> {
    percent(text.as_bytes(), Plus::Plus).map_or_else(|| text.as_bytes().to_vec(), |decoded| decoded.bytes)
}

/// Undoes the backslash escapes of JSON and of quoted strings in Go and Rust (`\xNN`, `\u{N}`); `None` if the text
/// has none. A backslash before anything else is left as it is.
pub(super) fn backslash(text: &[u8]) -> Option<Decoded> {
    if !text.contains(&b'\\') {
        return None;
    }
    let mut decoded = Decoded::with_room_for(text);
    let mut at = 0;
    while at < text.len() {
        let mut length = 1;
        if let Some((c, escape)) = escape(&text[at..]) {
            length = escape;
            decoded.push(c.encode_utf8(&mut [0; 4]).as_bytes(), at..at + length);
        } else {
            decoded.push(&text[at..=at], at..at + length);
        }
        at += length;
    }
    Some(decoded)
}

/// The character that the escape at the start of `text` stands for, and the escape's length.
fn escape(text: &[u8]) -> Option<(char, usize)> {
    let [b'\\', kind, rest @ ..] = text else { return None };
    let simple = match kind {
        b'"' | b'\\' | b'/' | b'\'' => char::from(*kind),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'x' => return Some((char::from(u8::try_from(number(rest.get(..2)?)?).ok().filter(u8::is_ascii)?), 4)),
        b'u' if rest.first() == Some(&b'{') => {
            let digits = rest[1..].iter().take(7).position(|byte| *byte == b'}')?;
            return Some((char::from_u32(number(&rest[1..=digits])?)?, digits + 4));
        }
        b'u' => return unicode(rest),
        _ => return None,
    };
    Some((simple, 2))
}

/// `\uXXXX`, or the two of a character beyond the first plane.
fn unicode(rest: &[u8]) -> Option<(char, usize)> {
    let high = number(rest.get(..4)?)?;
    if let Some(c) = char::from_u32(high) {
        return Some((c, 6));
    }
    let low = rest.get(4..10).filter(|low| low.starts_with(b"\\u")).and_then(|low| number(&low[2..]))?;
    let [c] = char::decode_utf16([high as u16, low as u16]).collect::<Result<Vec<_>, _>>().ok()?.try_into().ok()?;
    Some((c, 12))
}

fn number(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 6 {
        return None;
    }
    digits.iter().try_fold(0, |number, digit| Some(number << 4 | u32::from(hex(*digit)?)))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(decoded: Option<Decoded>) -> Option<String> {
        decoded.map(|decoded| {
            assert_eq!(decoded.bytes.len(), decoded.places.len());
            String::from_utf8_lossy(&decoded.bytes).into_owned()
        })
    }

    #[test]
    fn percent_signs_in_either_case_are_undone() {
        assert_eq!(text(percent(b"a%2fb%2Fc%", Plus::Plus)).as_deref(), Some("a/b/c%"));
        assert_eq!(text(percent(b"a+b", Plus::Plus)), None);
        assert_eq!(text(percent(b"a+b", Plus::Blank)).as_deref(), Some("a b"));
        assert_eq!(text(percent(b"100% of %", Plus::Plus)), None);
        assert_eq!(percent_decoded("p%2Fw%zz%"), b"p/w%zz%");
        assert_eq!((percent_decoded("a+b"), percent_decoded("%ff")), (b"a+b".to_vec(), vec![0xff]));
    }

    #[test]
    fn backslashes_are_undone() {
        assert_eq!(text(backslash(br#"a\"b\/c\\d\u00e9\ud83d\ude00\n"#)).as_deref(), Some("a\"b/c\\dé😀\n"));
        assert_eq!(text(backslash(br"\x41\u{e9}\u{1F600}")).as_deref(), Some("Aé😀"));
        assert_eq!(text(backslash(br"C:\Users\u12 \ud83d \u{} \")).as_deref(), Some(r"C:\Users\u12 \ud83d \u{} \"));
        assert_eq!(text(backslash(b"none")), None);
    }

    #[test]
    fn each_byte_knows_its_place() {
        let decoded = percent(b"a%20b", Plus::Plus).expect("an escape");
        assert_eq!(decoded.places, [(0, 1), (1, 4), (4, 5)]);
    }
}
