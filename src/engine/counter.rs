//! restic's counters in text: `[0:03] 83.33%  10 / 12 packs`.
//!
//! restic prints them off a terminal when it is asked for a progress rate. Without one it prints only the last of
//! each, so that alone goes to the log; the others drive the progress.

/// One reading of a counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// How many are done.
    pub done: u64,
    /// Of how many, if that is known.
    pub total: Option<u64>,
    /// Of what: `packs`, `snapshots`, `files deleted`.
    pub unit: String,
}

impl Counter {
    /// Reads a line; `None` if it is no counter.
    pub fn parse(line: &str) -> Option<Self> {
        let (time, rest) = line.strip_prefix('[')?.split_once("] ")?;
        if !time.contains(':') || !time.bytes().all(|byte| byte.is_ascii_digit() || byte == b':') {
            return None;
        }
        let mut words = rest.split_whitespace().peekable();
        let with_total = words.next_if(|word| word.ends_with('%')).is_some();
        let done = words.next()?.parse().ok()?;
        let total = if with_total {
            (words.next()? == "/").then_some(())?;
            Some(words.next()?.parse().ok()?)
        } else {
            None
        };
        let unit = words.collect::<Vec<_>>().join(" ");
        (!unit.is_empty()).then_some(Self { done, total, unit })
    }

    /// Whether it has reached its end.
    fn is_complete(&self) -> bool {
        self.total.is_none_or(|total| self.done >= total)
    }

    /// Whether `other` is a later reading of the same counter.
    fn is_same(&self, other: &Self) -> bool {
        self.total == other.total && self.unit == other.unit && other.done >= self.done
    }
}

/// Lets through every line but the readings of counters that are not their last.
#[derive(Debug, Default)]
pub struct Counters {
    held: Option<(Counter, String)>,
}

impl Counters {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a line of standard output; hands on what belongs into the log, and gives the reading if it was one.
    pub fn take(&mut self, line: &str, log: &mut dyn FnMut(&str)) -> Option<Counter> {
        let reading = Counter::parse(line);
        match (&reading, &self.held) {
            (Some(new), Some((old, _))) if old.is_same(new) => {}
            // A counter that has not reached its end may be interrupted by a finding and go on.
            (None, Some((old, _))) if !old.is_complete() => {}
            _ => self.finish(log),
        }
        match &reading {
            Some(counter) => self.held = Some((counter.clone(), line.to_owned())),
            None => log(line),
        }
        reading
    }

    /// Hands on the last reading, at the end of the output.
    pub fn finish(&mut self, log: &mut dyn FnMut(&str)) {
        if let Some((_, line)) = self.held.take() {
            log(&line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn logged(lines: &[&str]) -> Vec<String> {
        let mut log = Vec::new();
        let mut counters = Counters::new();
        for line in lines {
            counters.take(line, &mut |line| log.push(line.to_owned()));
        }
        counters.finish(&mut |line| log.push(line.to_owned()));
        log
    }

    #[test]
    fn counters_are_read_with_and_without_a_total() {
        let counter = |done, total, unit: &str| Some(Counter { done, total, unit: unit.into() });
        assert_eq!(Counter::parse("[0:03] 83.33%  10 / 12 packs"), counter(10, Some(12), "packs"));
        assert_eq!(Counter::parse("[1:00:03] 100.00%  6 / 6 files deleted"), counter(6, Some(6), "files deleted"));
        assert_eq!(Counter::parse("[0:03] 10 index files loaded"), counter(10, None, "index files loaded"));
        for line in ["", "check all packs", "[0:03] 83.33%", "[a] 1 / 2 x", "[{\"keep\": 1}] x", "[0:01] 5"] {
            assert_eq!(Counter::parse(line), None, "{line}");
        }
    }

    #[test]
    fn only_the_last_reading_of_each_counter_is_logged() {
        let log = logged(&[
            "check snapshots, trees and blobs",
            "[0:00] 0.00%  0 / 6 snapshots",
            "[0:00] 100.00%  6 / 6 snapshots",
            "",
            "read all data",
            "[0:01] 66.67%  8 / 12 packs",
            "[0:04] 100.00%  12 / 12 packs",
            "[0:04] 100.00%  12 / 12 packs",
            "[0:04] 100.00%  7 / 7 indexes processed",
            "no errors were found",
        ]);
        assert_eq!(
            log,
            [
                "check snapshots, trees and blobs",
                "[0:00] 100.00%  6 / 6 snapshots",
                "",
                "read all data",
                "[0:04] 100.00%  12 / 12 packs",
                "[0:04] 100.00%  7 / 7 indexes processed",
                "no errors were found",
            ]
        );
    }

    #[test]
    fn a_finding_between_two_readings_logs_no_reading_early() {
        let log = logged(&["[0:01] 50.00%  1 / 2 packs", "pack 0a1b: damaged", "[0:02] 100.00%  2 / 2 packs"]);
        assert_eq!(log, ["pack 0a1b: damaged", "[0:02] 100.00%  2 / 2 packs"]);
    }

    #[test]
    fn a_counter_that_stops_short_is_logged_where_it_stopped() {
        assert_eq!(logged(&["[0:00] 90.91%  10 / 11 packs processed"]), ["[0:00] 90.91%  10 / 11 packs processed"]);
    }

    proptest! {
        #[test]
        fn no_line_makes_the_reader_panic(line: String) {
            let _ = Counter::parse(&line);
            let _ = Counter::parse(&format!("[0:00] {line}"));
        }
    }
}
