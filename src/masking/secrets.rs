//! The set of all secrets.

use super::MASK;
use super::encode::{Needle, forms};
use super::search::Search;
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

/// The shortest secret that is searched for, in bytes: anything shorter stands in every other word.
pub(super) const SHORTEST: usize = 4;

/// How many lines of one secret are searched for by themselves: a key of 64 KiB has 1000.
const LINES: usize = 1024;

/// The set of all secrets, prepared for searching.
///
/// The search is prepared when it is first needed. What is printed of the set itself is its size.
#[derive(Clone, Default)]
pub struct Secrets {
    needles: Vec<Needle>,
    longest: usize,
    short: Vec<String>,
    unread: Vec<String>,
    search: OnceLock<Search>,
}

impl Secrets {
    /// No secrets yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a secret; each line of a multi-line one.
    pub fn add(&mut self, secret: &str) {
        self.add_from("a value", secret.as_bytes());
    }

    /// Adds the secret that `source` (a variable) holds, and each line of a multi-line one. One that is too short to
    /// be searched for is noted in [`Secrets::short`].
    pub fn add_from(&mut self, source: &str, secret: &[u8]) {
        // The blanks around a secret are none of it; without them it is found with and without them.
        let trimmed = secret.trim_ascii();
        if trimmed.is_empty() {
            return;
        }
        if trimmed.len() < SHORTEST {
            if !self.short.iter().any(|known| known == source) {
                self.short.push(source.to_owned());
            }
            return;
        }
        self.add_piece(trimmed);
        if trimmed.contains(&b'\n') || trimmed.contains(&b'\r') {
            let lines = trimmed.split(|byte| matches!(byte, b'\n' | b'\r')).map(<[u8]>::trim_ascii);
            for line in lines.filter(|line| line.len() >= SHORTEST).take(LINES) {
                self.add_piece(line);
            }
        }
    }

    /// Notes that the file that `source` names could not be read, so that what is in it is not known.
    pub fn add_unread(&mut self, source: &str) {
        self.unread.push(source.to_owned());
    }

    fn add_piece(&mut self, secret: &[u8]) {
        let forms = forms(secret);
        let longest = forms.iter().map(|needle| needle.bytes.len()).max().unwrap_or(0);
        // An encoder may escape every byte, and there is a digit of base64 on either side.
        self.longest = self.longest.max(longest + 2).max(secret.len() * 3);
        self.needles.extend(forms);
        self.search = OnceLock::new();
    }

    /// The text without secrets.
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let places = self.places(text.as_bytes());
        if places.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut masked = String::with_capacity(text.len());
        let mut from = 0;
        for place in places {
            // A secret that is not UTF-8 may begin or end inside a character.
            let start = (from..=place.start).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(from);
            masked.push_str(&text[from..start]);
            masked.push_str(MASK);
            from = (place.end..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        }
        masked.push_str(&text[from..]);
        Cow::Owned(masked)
    }

    /// The bytes without secrets.
    pub fn mask_bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let places = self.places(bytes);
        if places.is_empty() {
            return Cow::Borrowed(bytes);
        }
        let mut masked = Vec::with_capacity(bytes.len());
        let mut from = 0;
        for place in places {
            masked.extend_from_slice(&bytes[from..place.start]);
            masked.extend_from_slice(MASK.as_bytes());
            from = place.end;
        }
        masked.extend_from_slice(&bytes[from..]);
        Cow::Owned(masked)
    }

    /// Whether the text holds a secret.
    pub fn found_in(&self, text: &str) -> bool {
        !self.places(text.as_bytes()).is_empty()
    }

    /// Where `bytes` may be cut, at `at` or near it, without cutting through a secret.
    pub fn cut(&self, bytes: &[u8], at: usize) -> usize {
        match self.places(bytes).into_iter().find(|place| place.start < at && at < place.end) {
            Some(place) if place.start > 0 => place.start,
            Some(place) => place.end,
            None => at,
        }
    }

    /// The longest form that is searched for, in bytes: the overlap for text that is cut.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// The variables whose secret is shorter than four bytes and therefore not masked; `doctor` warns of them.
    pub fn short(&self) -> &[String] {
        &self.short
    }

    /// The variables that name a secret's file which could not be read.
    pub fn unread(&self) -> &[String] {
        &self.unread
    }

    fn places(&self, text: &[u8]) -> Vec<Range<usize>> {
        if self.needles.is_empty() {
            return Vec::new();
        }
        self.search
            .get_or_init(|| {
                let mut needles = self.needles.clone();
                needles.sort();
                needles.dedup();
                Search::new(needles)
            })
            .places(text)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").field("forms", &self.needles.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(secrets: &[&str]) -> Secrets {
        let mut set = Secrets::new();
        for secret in secrets {
            set.add(secret);
        }
        set
    }

    #[test]
    fn a_secret_is_masked_wherever_it_stands() {
        let secrets = of(&["s3cret", "another one"]);
        assert_eq!(secrets.mask("a s3cret, s3crets3cret and another one."), "a ***, *** and ***.");
        assert!(matches!(secrets.mask("nothing"), Cow::Borrowed("nothing")));
        assert!(secrets.found_in("as3cretb") && !secrets.found_in("s3cre"));
    }

    #[test]
    fn no_tail_of_a_longer_secret_is_left() {
        assert_eq!(of(&["abcd", "abcdefgh"]).mask("xabcdefghx"), "x***x");
        assert_eq!(of(&["abcdef", "defghi"]).mask("xabcdefghix"), "x***x");
        assert_eq!(of(&["abcdefgh", "cdef"]).mask("xabcdefg abcdefgh"), "xab***g ***");
    }

    #[test]
    fn each_line_of_a_secret_is_one() {
        let secrets = of(&["-----BEGIN KEY-----\r\n  MIIEabcd\n}\n"]);
        assert_eq!(secrets.mask("got MIIEabcd }"), "got *** }");
        assert_eq!(secrets.mask("\"-----BEGIN KEY-----\\r\\n  MIIEabcd\\n}\""), "\"***\"");
    }

    #[test]
    fn escapes_of_every_kind_are_seen_through() {
        let secrets = of(&["p/s\"é<&w rd"]);
        for text in [
            r#"p/s"é<&w rd"#,
            r#"p/s\"é<&w rd"#,
            r#"p\/s\"\u00e9\u003C\u0026w rd"#,
            r"p/s\u0022\u00E9\x3c&w\u0020rd",
            "p%2Fs%22%C3%A9%3C%26w%20rd",
            "p/s%22%c3%a9%3c&w+rd",
            "p%252Fs%2522%25C3%25A9%253C%2526w%2520rd",
            "p/s%5C%22%C3%A9%3C%26w+rd",
        ] {
            assert_eq!(secrets.mask(&format!("<{text}>")), "<***>", "{text}");
        }
    }

    #[test]
    fn base64_hides_nothing_whatever_stands_before_it() {
        // alice:s3cret, ab:s3cret, :s3cret; then in the other alphabet.
        let secrets = of(&["s3cret"]);
        assert_eq!(secrets.mask("Basic YWxpY2U6czNjcmV0"), "Basic YWxpY2U6***");
        assert_eq!(secrets.mask("Basic YWI6czNjcmV0"), "Basic YWI6***");
        assert_eq!(secrets.mask("Basic OnMzY3JldA=="), "Basic O***==");
        assert_eq!(of(&["\u{3ff}\u{3ff}"]).mask("z7_Pvw z7/Pvw z7%2fPvw"), "*** *** ***");
    }

    #[test]
    fn a_long_key_is_found_as_a_whole_only() {
        let key = "k".repeat(10_000);
        let secrets = of(&[&key]);
        assert_eq!(secrets.mask(&key[..9_999]), key[..9_999]);
        assert_eq!(secrets.mask(&format!("a{key}")), "a***");
        assert_eq!(secrets.longest(), 30_000);
    }

    #[test]
    fn bytes_that_are_not_text_are_masked_too() {
        let mut secrets = Secrets::new();
        secrets.add_from("X", b"\xc3\xff\xfeab\xc3");
        assert_eq!(&*secrets.mask_bytes(b"<\xc3\xff\xfeab\xc3>\xff"), b"<***>\xff");
        assert_eq!(secrets.mask("<\u{fffd}\u{fffd}\u{fffd}ab\u{fffd}>"), "<***>");
        let mut half = Secrets::new();
        half.add_from("X", b"\xa9abc\xc3");
        assert_eq!(half.mask("<éabcé>"), "<***>");
    }

    #[test]
    fn a_short_secret_is_named_and_not_searched_for() {
        let mut secrets = Secrets::new();
        secrets.add_from("RESTIC_PASSWORD", b"abc");
        secrets.add_from("RESTIC_PASSWORD", b" abc\n");
        secrets.add_from("EMPTY", b" \n");
        assert_eq!(secrets.mask(" abc"), " abc");
        assert_eq!((secrets.short(), secrets.longest()), (&["RESTIC_PASSWORD".to_owned()][..], 0));
    }

    #[test]
    fn a_secret_that_is_added_later_counts() {
        let mut secrets = of(&["first"]);
        assert_eq!(secrets.mask("first second"), "*** second");
        secrets.add("second");
        assert_eq!(secrets.mask("first second"), "*** ***");
        assert_eq!(secrets.clone().mask("second"), "***");
        assert!(!format!("{secrets:?}").contains("second"));
    }

    /// Base64 by a way of its own: over a string of binary digits.
    fn base64(bytes: &[u8], last_two: [char; 2]) -> String {
        let digits: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(last_two).collect();
        let bits: Vec<u8> = bytes.iter().flat_map(|byte| format!("{byte:08b}").into_bytes()).collect();
        let groups = bits.chunks(6).map(|group| format!("{:0<6}", String::from_utf8_lossy(group)));
        groups.map(|group| digits[usize::from_str_radix(&group, 2).expect("binary")]).collect()
    }

    /// A secret that masks can be told from: a `*` of its own may stand beside one.
    fn secret() -> impl Strategy<Value = String> {
        prop_oneof![any::<String>(), "[ -~]{4,24}", "\\PC{4,16}", "[a-zA-Z0-9+/]{4,80}"]
            .prop_filter("long enough", |secret| secret.trim_ascii().len() >= SHORTEST && !secret.contains('*'))
    }

    /// Each byte escaped or not, in either case, as `choices` say.
    fn percent(secret: &str, choices: &[u8]) -> String {
        let must = |byte: u8| !byte.is_ascii() || matches!(byte, b'%' | b'+');
        let encode = |(byte, choice): (u8, &u8)| match choice % 3 {
            0 => format!("%{byte:02X}"),
            1 => format!("%{byte:02x}"),
            _ if must(byte) => format!("%{byte:02X}"),
            _ => char::from(byte).to_string(),
        };
        secret.bytes().zip(choices.iter().cycle()).map(encode).collect()
    }

    proptest! {
        #[test]
        fn a_secret_in_text_never_survives(secret in secret(), before in any::<String>(), after in any::<String>()) {
            let secrets = of(&[&secret]);
            let text = format!("{before}{secret}{after}");
            prop_assert!(!secrets.mask(&text).contains(secret.trim_ascii()));
            prop_assert!(!String::from_utf8_lossy(&secrets.mask_bytes(text.as_bytes())).contains(secret.trim_ascii()));
        }

        #[test]
        fn a_secret_in_json_never_survives(secret in secret(), before in any::<String>(), after in any::<String>()) {
            let escaped = |text: &str| serde_json::Value::from(text).to_string().trim_matches('"').to_owned();
            let text = serde_json::Value::from(format!("{before}{secret}{after}")).to_string();
            let masked = of(&[&secret]).mask(&text).into_owned();
            prop_assert!(!masked.contains(&escaped(secret.trim_ascii())), "{}", masked);
            let ascii: String = text.encode_utf16().map(|unit| match u8::try_from(unit) {
                Ok(byte) if byte.is_ascii() => char::from(byte).to_string(),
                _ => format!("\\u{unit:04x}"),
            }).collect();
            let masked = of(&[&secret]).mask(&ascii).into_owned();
            let back: String = serde_json::from_str(&masked).unwrap_or(masked);
            prop_assert!(!back.contains(secret.trim_ascii()), "{}", back);
        }

        #[test]
        fn a_secret_in_percent_never_survives(
            secret in secret(),
            choices in prop::collection::vec(any::<u8>(), 1..40),
            before in "[a-z/?=&]{0,8}",
            after in "[g-z/?=&]{0,8}",
        ) {
            let text = format!("{before}{}{after}", percent(secret.trim_ascii(), &choices));
            prop_assert_eq!(of(&[&secret]).mask(&text), format!("{before}{MASK}{after}"));
        }

        #[test]
        fn a_secret_in_base64_never_survives(
            secret in secret(),
            before in prop::collection::vec(any::<u8>(), 0..9),
            after in prop::collection::vec(any::<u8>(), 0..9),
        ) {
            let secret = secret.trim_ascii();
            for last_two in [['+', '/'], ['-', '_']] {
                let text = base64(&[&before, secret.as_bytes(), &after].concat(), last_two);
                let (from, to) = (before.len() * 8 / 6, ((before.len() + secret.len()) * 8).div_ceil(6));
                let masked = of(&[secret]).mask(&text).into_owned();
                prop_assert!(!masked.contains(&text[from..to]), "{} of {}", masked, text);
                prop_assert!(masked.contains(MASK));
            }
        }

        #[test]
        fn text_without_secrets_is_left_alone(secret in "[A-Z0-9]{8,20}", text in "[a-z .:/%\\\\+\"é\n]{0,200}") {
            let secrets = of(&[&secret]);
            prop_assert!(matches!(secrets.mask(&text), Cow::Borrowed(same) if same == text));
            prop_assert!(matches!(secrets.mask_bytes(text.as_bytes()), Cow::Borrowed(_)));
        }
    }
}
