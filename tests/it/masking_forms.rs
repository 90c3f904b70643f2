//! The forms in which a program may print a secret, made by ways of their own.

use serde_json::Value;
use std::fmt::Write as _;

/// Every byte but letters and digits as `%XX`.
pub fn percent(text: &str) -> String {
    let encode = |byte: u8| match char::from(byte) {
        plain if plain.is_ascii_alphanumeric() => plain.to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect::<Vec<_>>().concat()
}

/// The same with small hexadecimal digits.
fn percent_in_small(text: &str) -> String {
    let mut pieces = text.split(|c: char| !c.is_ascii_alphanumeric()).map(str::to_owned);
    let mut encoded = pieces.next().unwrap_or_default();
    for (between, piece) in text.chars().filter(|c| !c.is_ascii_alphanumeric()).zip(pieces) {
        encoded.push_str(&percent(&between.to_string()).to_lowercase());
        encoded.push_str(&piece);
    }
    encoded
}

/// As JSON has it, without the quotes around it.
fn json(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// As JSON has it where only ASCII is written.
fn ascii_json(text: &str) -> String {
    json(text).encode_utf16().fold(String::new(), |mut escaped, unit| {
        match u8::try_from(unit).ok().filter(u8::is_ascii) {
            Some(byte) => escaped.push(char::from(byte)),
            None => drop(write!(escaped, "\\u{unit:04x}")),
        }
        escaped
    })
}

/// In base64, by way of a string of binary digits.
fn base64(bytes: &[u8], last_two: [char; 2]) -> String {
    let digits: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(last_two).collect();
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| format!("{byte:08b}").into_bytes()).collect();
    let groups = bits.chunks(6).map(|group| format!("{:0<6}", String::from_utf8_lossy(group)));
    groups.map(|group| digits[usize::from_str_radix(&group, 2).expect("is binary")]).collect()
}

/// The secret in base64 behind something else: the text, and those of its digits that nothing but the secret decides.
fn base64_behind(secret: &str, before: &str, last_two: [char; 2]) -> (String, String) {
    let text = base64(format!("{before}{secret}").as_bytes(), last_two);
    let (from, to) = ((before.len() * 8).div_ceil(6), (before.len() + secret.len()) * 8 / 6);
    let own = text[from..to].to_owned();
    (text, own)
}

/// What a program may print of a secret, and what of that must not be found.
pub fn forms(secret: &str) -> Vec<(String, String)> {
    let plain = [secret.to_owned(), json(secret), ascii_json(secret), percent(secret), percent_in_small(secret)];
    let mut forms: Vec<(String, String)> = plain.map(|form| (form.clone(), form)).into();
    for before in ["", "a", "me", "me:"] {
        for last_two in [['+', '/'], ['-', '_']] {
            forms.push(base64_behind(secret, before, last_two));
        }
    }
    forms
}
