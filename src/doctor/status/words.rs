//! Ages, times and lines as `status` writes them.

use super::Clock;
use chrono::{DateTime, TimeDelta, Utc};
use std::fmt::Write as _;

/// `3d 4h`, `2h 5m`, `7m`; nobody wants to know it closer.
pub(super) fn age(seconds: i64) -> String {
    let minutes = seconds.max(0) / 60;
    let (days, hours) = (minutes / 1440, minutes / 60 % 24);
    match (days, hours) {
        (0, 0) => format!("{minutes}m"),
        (0, hours) => format!("{hours}h {}m", minutes % 60),
        (days, hours) => format!("{days}d {hours}h"),
    }
}

/// The same for a span of time.
pub(super) fn span(time: TimeDelta) -> String {
    age(time.num_seconds())
}

/// How long a run takes: seconds matter there.
pub(super) fn duration(time: std::time::Duration) -> String {
    if time.as_secs() < 60 { format!("{}s", time.as_secs()) } else { age(time.as_secs() as i64) }
}

/// A time for people.
pub(super) fn moment(time: DateTime<Utc>, clock: &Clock) -> String {
    clock.local(time).format("%Y-%m-%d %H:%M").to_string()
}

/// The text broken into lines of at most `width` characters, between words; a longer word stays whole, and so does a
/// command between backticks.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words(text) {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                let _ = write!(line, " {word}");
            }
            _ => lines.push(word),
        }
    }
    lines
}

/// The words of a text, a command between backticks being one.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for (place, part) in text.split('`').enumerate() {
        if place % 2 == 1 {
            let command = format!("`{part}`");
            match words.last_mut() {
                Some(word) => word.push_str(&command),
                None => words.push(command),
            }
        } else {
            for (number, word) in part.split(' ').enumerate() {
                match words.last_mut() {
                    Some(last) if number == 0 => last.push_str(word),
                    _ => words.push(word.to_owned()),
                }
            }
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_two_units_at_most() {
        for (seconds, text) in
            [(0, "0m"), (59, "0m"), (420, "7m"), (7_500, "2h 5m"), (7_200, "2h 0m"), (274_000, "3d 4h"), (-5, "0m")]
        {
            assert_eq!(age(seconds), text);
        }
    }

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("/a/very/long/path is missing", 8), ["/a/very/long/path", "is", "missing"]);
        assert_eq!(wrap("", 8), [""]);
        assert_eq!(wrap("then run `boathook doctor` again", 20), ["then run", "`boathook doctor`", "again"]);
    }
}
