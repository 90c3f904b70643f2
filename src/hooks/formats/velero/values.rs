//! The values that annotations and specs share: durations as Go writes them, what a failure costs, commands.

use super::super::super::OnError;
use super::super::super::near::nearest;
use std::time::Duration;

/// Why a text is no duration, as a fragment, and what to write instead.
pub(super) struct NoDuration {
    pub(super) what: &'static str,
    pub(super) mend: String,
}

/// The units of Go's durations, in nanoseconds; longer names first where one begins with another.
const UNITS: &[(&str, u128)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Reads a duration as Go does (`time.ParseDuration`): `1h30m`, `1.5s`, and `0`.
pub(super) fn duration(text: &str) -> Result<Duration, NoDuration> {
    let no = |what, mend: String| Err(NoDuration { what, mend });
    if text.starts_with('-') {
        return no("is negative", "write a time such as 30s or 5m".to_owned());
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        if after.is_empty() && number == text {
            return no("has no unit, and Velero takes its default instead", format!("write {text}s"));
        }
        let units = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(units);
        let unit = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, length)| *length);
        match unit.and_then(|unit| part(number, unit)).and_then(|part| total.checked_add(part)) {
            Some(sum) if sum <= i64::MAX as u128 => total = sum,
            _ => return no("is no duration", "write a time such as 30s, 5m or 1h30m".to_owned()),
        }
        rest = after;
    }
    if total == 0 && !text.contains('0') {
        return no("is no duration", "write a time such as 30s, 5m or 1h30m".to_owned());
    }
    Ok(Duration::from_nanos(total as u64))
}

/// `1`, `1.5`, `.5` times a unit.
fn part(number: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    // More digits than a nanosecond of the largest unit has say nothing.
    let fraction: String = fraction.chars().take(18).collect();
    let scale = 10u128.pow(fraction.len() as u32);
    let below: u128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    whole.checked_mul(unit)?.checked_add(below * unit / scale)
}

/// Reads what a failure costs: exact case, as Velero does.
pub(super) fn on_error(text: &str) -> Result<OnError, String> {
    let all = [OnError::Fail, OnError::Continue];
    if let Some(found) = all.into_iter().find(|one| one.word() == text) {
        return Ok(found);
    }
    let near = all.map(OnError::word).into_iter().find(|word| word.eq_ignore_ascii_case(text));
    let near = near.or_else(|| nearest(text, all.map(OnError::word)));
    Err(near.map_or_else(|| "write Fail or Continue".to_owned(), |word| format!("did you mean '{word}'?")))
}

/// The command of an annotation: a JSON array, or one word as it stands.
pub(super) fn command(text: &str) -> Result<Vec<String>, String> {
    if !text.starts_with('[') {
        return Ok(vec![text.to_owned()]);
    }
    match serde_json::from_str::<Vec<String>>(text) {
        Ok(words) if words.is_empty() => Err("is an empty list".to_owned()),
        Ok(words) => Ok(words),
        Err(error) => Err(format!("begins with '[' and is no JSON array of texts ({error})")),
    }
}

/// A truth value as Go reads one (`strconv.ParseBool`).
pub(super) fn truth(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        let milliseconds = |text| duration(text).map(|found| found.as_millis()).map_err(|error| error.what);
        for (text, expected) in [
            ("30s", 30_000),
            ("1h30m", 5_400_000),
            ("1.5s", 1500),
            (".5m", 30_000),
            ("250ms", 250),
            ("0", 0),
            ("0s", 0),
        ] {
            assert_eq!(milliseconds(text), Ok(expected), "{text}");
        }
        assert_eq!(duration("1us2µs").map(|found| found.as_nanos()).ok(), Some(3000));
        assert_eq!(milliseconds("300"), Err("has no unit, and Velero takes its default instead"));
        assert_eq!(duration("300").err().map(|error| error.mend), Some("write 300s".to_owned()));
        assert_eq!(milliseconds("-5s"), Err("is negative"));
        for text in ["", "s", "5", "5 m", "1d", "1h5", "1..5s", ".", "five", "9999999999999h", "+"] {
            assert!(milliseconds(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_failure_costs_what_stands_there_in_exact_case() {
        assert_eq!((on_error("Fail"), on_error("Continue")), (Ok(OnError::Fail), Ok(OnError::Continue)));
        assert_eq!(on_error("fail"), Err("did you mean 'Fail'?".to_owned()));
        assert_eq!(on_error("Contine"), Err("did you mean 'Continue'?".to_owned()));
        assert_eq!(on_error("Ignore"), Err("write Fail or Continue".to_owned()));
    }

    #[test]
    fn a_command_is_an_array_or_one_word() {
        assert_eq!(command(r#"["/bin/sh","-c","a b"]"#), Ok(vec!["/bin/sh".into(), "-c".into(), "a b".into()]));
        assert_eq!(command("/sbin/sync -f"), Ok(vec!["/sbin/sync -f".into()]));
        assert!(command("[]").is_err() && command("['/bin/sh']").is_err() && command("[1]").is_err());
    }
}
