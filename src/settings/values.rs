//! Values that several variables share: switches, durations, exit codes.

use std::time::Duration;

/// The longest duration that is accepted: longer ones overflow the clocks that they are added to.
pub const LONGEST: Duration = Duration::from_secs(36_500 * 24 * 60 * 60);

/// Units in the order in which a duration must name them, with their length in milliseconds.
const UNITS: &[(&str, u64)] = &[("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// A duration that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not a duration")]
pub struct DurationError;

/// A switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// ON, TRUE, YES, 1.
    On,
    /// OFF, FALSE, NO, 0.
    Off,
}

impl Switch {
    /// Whether it is on.
    pub fn is_on(self) -> bool {
        self == Self::On
    }

    /// `ON` or `OFF`.
    pub fn word(self) -> &'static str {
        match self {
            Self::On => "ON",
            Self::Off => "OFF",
        }
    }
}

/// Reads a switch, whatever its case; `None` if it is none.
pub fn switch(text: &str) -> Option<Switch> {
    let is_one_of = |words: [&str; 4]| words.iter().any(|word| word.eq_ignore_ascii_case(text.trim()));
    if is_one_of(["ON", "TRUE", "YES", "1"]) {
        Some(Switch::On)
    } else if is_one_of(["OFF", "FALSE", "NO", "0"]) {
        Some(Switch::Off)
    } else {
        None
    }
}

/// Reads whole seconds, or a duration such as `90s`, `5m`, `1h30m`, `2d`, `500ms`: whole numbers with their units,
/// from large to small, each unit once. At most 36500 days.
///
/// # Errors
/// When it is neither, or too long.
pub fn duration(text: &str) -> Result<Duration, DurationError> {
    let text = text.trim();
    if let Ok(seconds) = number(text) {
        return limited(seconds.checked_mul(1000));
    }
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (count, after) = rest.split_at(digits);
        let letters = after.len() - after.trim_start_matches(|c: char| c.is_ascii_lowercase()).len();
        let (unit, after) = after.split_at(letters);
        // The iterator goes on behind the unit it found, so that units only get smaller.
        let (_, length) = units.find(|(name, _)| *name == unit).ok_or(DurationError)?;
        let part = number(count)?.checked_mul(*length).ok_or(DurationError)?;
        total = total.checked_add(part).ok_or(DurationError)?;
        rest = after;
    }
    limited(if text.is_empty() { None } else { Some(total) })
}

fn limited(milliseconds: Option<u64>) -> Result<Duration, DurationError> {
    milliseconds.map(Duration::from_millis).filter(|duration| *duration <= LONGEST).ok_or(DurationError)
}

/// Digits alone: the standard parser takes a `+`, too.
fn number(text: &str) -> Result<u64, DurationError> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(DurationError);
    }
    text.parse().map_err(|_| DurationError)
}

/// Reads a positive whole number, digits alone and no leading zero; `None` if it is none.
pub(super) fn positive(text: &str) -> Option<u64> {
    number(text).ok().filter(|value| *value > 0 && !text.starts_with('0'))
}

/// Reads exit codes from 1 to 255, with commas or blanks between them; `None` if one of them is none.
pub(super) fn exit_codes(text: &str) -> Option<Vec<i32>> {
    let words = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty());
    let mut codes = Vec::new();
    for word in words {
        let code =
            number(word).ok().and_then(|code| i32::try_from(code).ok()).filter(|code| (1..=255).contains(code))?;
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    Some(codes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_switch_is_read_in_any_case() {
        for text in ["ON", "on", " On ", "TRUE", "yes", "1"] {
            assert_eq!(switch(text), Some(Switch::On), "{text:?}");
        }
        for text in ["OFF", "off", "False", "no", "0\n"] {
            assert_eq!(switch(text), Some(Switch::Off), "{text:?}");
        }
        for text in ["", "onn", "2", "enabled", "o n"] {
            assert_eq!(switch(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_duration_is_seconds_or_numbers_with_units() {
        for (text, seconds) in [
            ("0", 0),
            ("00", 0),
            ("007", 7),
            ("90", 90),
            ("90s", 90),
            ("5m", 300),
            ("1h30m", 5400),
            ("2d", 172_800),
            (" 5s ", 5),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text:?}");
        }
        assert_eq!(duration("1s500ms"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("36500d"), Ok(LONGEST));
    }

    #[test]
    fn anything_else_is_no_duration() {
        for text in [
            "", "s", "1.5", "-1", "+1", "5x", "5M", "5 m", "30m1h", "1m1m", "1h30", "m5", "٣s", "1e3", "0x10", "5ms1s",
            "5µs",
        ] {
            assert_eq!(duration(text), Err(DurationError), "{text:?}");
        }
    }

    #[test]
    fn too_long_a_duration_is_an_error_and_does_not_wrap() {
        for text in [
            "18446744073709551616",
            "18446744073709551615",
            "213503982334601d",
            "36501d",
            "36500d1ms",
            "99999999999999h",
        ] {
            assert_eq!(duration(text), Err(DurationError), "{text:?}");
        }
    }

    #[test]
    fn exit_codes_are_told_apart_by_commas_or_blanks() {
        assert_eq!(exit_codes("75"), Some(vec![75]));
        assert_eq!(exit_codes(" 75, 76\t77 75"), Some(vec![75, 76, 77]));
        for text in ["0", "256", "-1", "75;76", "x", "75,x"] {
            assert_eq!(exit_codes(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_positive_number_has_no_sign_and_no_leading_zero() {
        assert_eq!(positive("10"), Some(10));
        for text in ["0", "010", "+1", "1.5", "10s", " 1", "", "18446744073709551616"] {
            assert_eq!(positive(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_written_duration_is_read_back(h in 0_u64..1000, m in 0_u64..1000, s in 0_u64..100_000) {
            prop_assert_eq!(duration(&format!("{h}h{m}m{s}s")), Ok(Duration::from_secs(h * 3600 + m * 60 + s)));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "[0-9dhms. +-]{0,30}") {
            let _ = duration(&text);
            let _ = exit_codes(&text);
        }
    }
}
