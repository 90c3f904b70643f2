//! Durations as Go reads and prints them.

/// A nanosecond, a second, ... in nanoseconds.
pub(super) const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// `1h5m2.5s`; `None` for what is no duration, or one of more than 292 years.
pub(super) fn parse(text: &str) -> Option<i64> {
    let (is_negative, mut rest) = match text.strip_prefix(['+', '-']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut sum = 0_i128;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, more) = rest.split_at(end);
        let end = more.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(more.len());
        let (unit, more) = more.split_at(end);
        rest = more;
        let unit = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1000,
            "ms" => 1_000_000,
            "s" => SECOND,
            "m" => MINUTE,
            "h" => HOUR,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.len() + fraction.len() == 0 || fraction.contains('.') {
            return None;
        }
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        sum = sum.checked_add(whole.checked_mul(unit.into())?)?;
        let fraction = &fraction[..fraction.len().min(18)];
        if !fraction.is_empty() {
            let digits: i128 = fraction.parse().ok()?;
            sum += digits * i128::from(unit) / 10_i128.pow(fraction.len() as u32);
        }
    }
    i64::try_from(if is_negative { -sum } else { sum }).ok()
}

/// `1h5m2.5s`, `1.5ms`, `0s`.
pub(super) fn shown(nanos: i64) -> String {
    let size = nanos.unsigned_abs();
    let sign = if nanos < 0 { "-" } else { "" };
    let decimal = |whole: u64, of: u64| {
        let digits = of.ilog10() as usize;
        let fraction = format!("{:0digits$}", whole % of);
        match fraction.trim_end_matches('0') {
            "" => (whole / of).to_string(),
            fraction => format!("{}.{fraction}", whole / of),
        }
    };
    let second = SECOND as u64;
    match size {
        0 => "0s".to_owned(),
        1..1000 => format!("{sign}{size}ns"),
        1000..1_000_000 => format!("{sign}{}µs", decimal(size, 1000)),
        1_000_000..1_000_000_000 => format!("{sign}{}ms", decimal(size, 1_000_000)),
        _ => {
            let (hours, minutes) = (size / HOUR as u64, size / MINUTE as u64 % 60);
            let seconds = decimal(size % MINUTE as u64, second);
            match (hours, minutes) {
                (0, 0) => format!("{sign}{seconds}s"),
                (0, _) => format!("{sign}{minutes}m{seconds}s"),
                _ => format!("{sign}{hours}h{minutes}m{seconds}s"),
            }
        }
    }
}

/// The largest unit of it, cut off: `2h` for `2h50m`.
pub(super) fn rounded(nanos: i64) -> String {
    let size = nanos.unsigned_abs();
    let day = 24 * HOUR as u64;
    let units = [
        (365 * day, "y"),
        (30 * day, "mo"),
        (day, "d"),
        (HOUR as u64, "h"),
        (MINUTE as u64, "m"),
        (SECOND as u64, "s"),
    ];
    let unit = units.into_iter().find(|(unit, _)| size > *unit);
    unit.map_or_else(|| "0s".to_owned(), |(unit, name)| format!("{}{name}", size / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_read_and_printed() {
        for text in ["1h5m2.5s", "-1m0s", "1.5ms", "2µs", "7ns", "0s", "2562047h47m16.854775807s"] {
            assert_eq!(parse(text).map(shown).as_deref(), Some(text));
        }
        assert_eq!(parse("1.5h"), Some(HOUR + HOUR / 2));
        assert_eq!(parse(".5s"), Some(SECOND / 2));
        for text in
            ["", "1", "-", "s", "1.s.", "1d", "1..s", "300y", "99999999999999999999999999999999999999999h", "2562048h"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(shown(i64::MIN), "-2562047h47m16.854775808s");
    }
}
