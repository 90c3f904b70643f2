//! The forms in which a secret turns up: raw, JSON-escaped, percent-encoded, in base64.

use std::fmt::Write as _;

/// One form of a secret, as it is searched for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Needle {
    /// The bytes to find.
    pub bytes: Vec<u8>,
    /// One base64 digit before it holds bits of the secret, too.
    pub digit_before: bool,
    /// One base64 digit after it holds bits of the secret, too.
    pub digit_after: bool,
}

impl Needle {
    fn exact(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), digit_before: false, digit_after: false }
    }
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Widths at which tools break base64 into lines.
const WRAPPED_AT: [usize; 2] = [64, 76];

/// Every form of `secret` that encoders write exactly so. Encoders that escape more or less than these are met by
/// decoding the text instead (`decode`).
pub(super) fn forms(secret: &[u8]) -> Vec<Needle> {
    let mut forms = vec![Needle::exact(secret)];
    let text = String::from_utf8_lossy(secret);
    forms.push(Needle::exact(text.as_bytes()));
    let quoted = serde_json::Value::from(text.as_ref()).to_string();
    forms.push(Needle::exact(&quoted.as_bytes()[1..quoted.len() - 1]));
    if secret.iter().any(|byte| !is_unreserved(*byte)) {
        for blank in ["%20", "+"] {
            forms.push(Needle::exact(percent(secret, blank, Hex::Upper)));
            forms.push(Needle::exact(percent(secret, blank, Hex::Lower)));
        }
    }
    for skip in 0..3 {
        forms.extend(inside_base64(secret, skip));
    }
    forms.retain(|needle| !needle.bytes.is_empty());
    forms.sort();
    forms.dedup();
    forms
}

#[derive(Clone, Copy)]
enum Hex {
    Upper,
    Lower,
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

fn percent(secret: &[u8], blank: &str, hex: Hex) -> String {
    let mut encoded = String::with_capacity(secret.len() * 3);
    for byte in secret {
        // Writing to a string cannot fail.
        let _ = match (byte, hex) {
            (byte, _) if is_unreserved(*byte) => write!(encoded, "{}", char::from(*byte)),
            (b' ', _) => write!(encoded, "{blank}"),
            (byte, Hex::Upper) => write!(encoded, "%{byte:02X}"),
            (byte, Hex::Lower) => write!(encoded, "%{byte:02x}"),
        };
    }
    encoded
}

/// `secret` as it looks inside a base64 text, `skip` bytes after the start of a group of three: the digits that hold
/// nothing but its bits. In the standard and the URL-safe alphabet, also percent-encoded, also broken into lines.
fn inside_base64(secret: &[u8], skip: usize) -> Vec<Needle> {
    let mut padded = vec![0; skip];
    padded.extend_from_slice(secret);
    let digits = base64(&padded);
    let first = (skip * 8).div_ceil(6);
    let last = padded.len() * 8 / 6;
    let (digit_before, digit_after) = (!(skip * 8).is_multiple_of(6), !(padded.len() * 8).is_multiple_of(6));
    let inner = &digits[first..last];
    let mut needles = Vec::new();
    let url_safe = inner.replace('+', "-").replace('/', "_");
    for digits in
        [inner, &inner.replace('+', "%2B").replace('/', "%2F"), &inner.replace('+', "%2b").replace('/', "%2f")]
    {
        needles.push(Needle { bytes: digits.as_bytes().to_vec(), digit_before, digit_after });
    }
    needles.push(Needle { bytes: url_safe.into_bytes(), digit_before, digit_after });
    if skip == 0 {
        for width in WRAPPED_AT.into_iter().filter(|width| inner.len() > *width) {
            let lines = inner.as_bytes().chunks(width).filter(|line| line.len() >= super::secrets::SHORTEST);
            needles.extend(lines.map(Needle::exact));
        }
    }
    needles
}

/// Base64 of the standard alphabet, with padding (RFC 4648, section 4).
pub fn to_base64(bytes: &[u8]) -> String {
    let mut text = base64(bytes);
    text.extend(std::iter::repeat_n('=', text.len().next_multiple_of(4) - text.len()));
    text
}

/// The same without padding.
fn base64(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for digit in 0..=group.len() {
            digits.push(char::from(STANDARD[(bits >> (18 - 6 * digit) & 63) as usize]));
        }
    }
    digits
}

/// Whether a byte is a digit of either base64 alphabet.
pub(super) fn is_base64_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// Decodes base64 of either alphabet, with or without padding; `None` if it is none.
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for digit in text.trim_end_matches('=').bytes() {
        let standard = match digit {
            b'-' => b'+',
            b'_' => b'/',
            other => other,
        };
        let value = STANDARD.iter().position(|known| *known == standard)?;
        bits = (bits << 6 | value as u32) & 0xfff;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(secret: &str) -> Vec<String> {
        forms(secret.as_bytes()).into_iter().map(|needle| String::from_utf8_lossy(&needle.bytes).into_owned()).collect()
    }

    #[test]
    fn a_plain_secret_has_few_forms() {
        let forms = texts("s3cret");
        assert_eq!(forms.len(), 4, "{forms:?}");
        assert!(forms.contains(&"s3cret".to_owned()) && forms.contains(&"czNjcmV0".to_owned()), "{forms:?}");
    }

    #[test]
    fn special_characters_are_escaped_in_each_way() {
        let forms = texts("p\"s /é");
        for form in ["p\\\"s /é", "p%22s%20%2F%C3%A9", "p%22s+%2F%C3%A9", "p%22s%20%2f%c3%a9", "p%22s+%2f%c3%a9"] {
            assert!(forms.contains(&form.to_owned()), "{form} in {forms:?}");
        }
    }

    #[test]
    fn base64_is_the_known_one() {
        assert_eq!(base64(b"alice:s3cret"), "YWxpY2U6czNjcmV0");
        assert_eq!(base64(b"a"), "YQ");
        assert_eq!(base64(&[0xfb, 0xff]), "+/8");
        assert_eq!(["", "f", "fo", "foo"].map(|text| to_base64(text.as_bytes())), ["", "Zg==", "Zm8=", "Zm9v"]);
        assert_eq!(from_base64("YWxpY2U6czNjcmV0").as_deref(), Some(&b"alice:s3cret"[..]));
        assert_eq!(from_base64("YQ==").as_deref(), Some(&b"a"[..]));
        assert_eq!(from_base64("-_8").as_deref(), Some(&[0xfb, 0xff][..]));
        assert_eq!(from_base64("not base64"), None);
    }
}
