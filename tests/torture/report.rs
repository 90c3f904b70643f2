//! What came of playing a scenario, and how it is told.

use crate::points::{Deed, Seen};
use crate::scene::Scenario;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// What came of it.
#[derive(Debug, Default)]
pub struct Report {
    /// Calls that are points.
    pub points: usize,
    /// Runs by what was done.
    pub runs: BTreeMap<&'static str, usize>,
    pub not_met: Vec<String>,
    /// Calls at which nothing can fail, by name, with the reason; and those that are not counted.
    pub left_out: BTreeMap<(String, &'static str), usize>,
    /// Where, and what.
    pub violations: Vec<(String, String)>,
    /// The calls of the calm run, for whoever asks.
    pub seen: Vec<Seen>,
    pub took: Duration,
    pub at_a_time: usize,
    /// Runs that did not end.
    pub hangs: usize,
}

impl Report {
    /// What a person reads.
    pub fn tell(&self, scenario: Scenario) -> String {
        let runs: usize = self.runs.values().sum();
        let kinds: Vec<String> = self.runs.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        let mut roles: BTreeMap<&str, usize> = BTreeMap::new();
        for seen in &self.seen {
            let role = seen.place.role.trim_end_matches(|end: char| end.is_ascii_digit() || end == '>');
            *roles.entry(if seen.place.role.contains('>') { "before exec" } else { role }).or_default() += 1;
        }
        let roles: Vec<String> = roles.iter().map(|(role, count)| format!("{role} {count}")).collect();
        let mut text = format!(
            "torture {}: {} points ({}), {runs} runs in {:.0} s ({:.0} ms each, {} at a time): {}; {} not met, {} violations\n",
            scenario.word(),
            self.points,
            roles.join(", "),
            self.took.as_secs_f64(),
            self.took.as_secs_f64() * 1000.0 * self.at_a_time as f64 / runs.max(1) as f64,
            self.at_a_time,
            kinds.join(", "),
            self.not_met.len(),
            self.violations.len(),
        );
        if std::env::var_os("TORTURE_LIST").is_some() {
            for seen in &self.seen {
                let words: Vec<&str> = seen.deeds().into_iter().map(Deed::word).collect();
                let _ = writeln!(text, "  {} [{}] {} ({})", seen.place, seen.comm, words.join(" "), seen.met.path);
            }
            for at in &self.not_met {
                let _ = writeln!(text, "  not met: {at}");
            }
            for ((call, why), count) in &self.left_out {
                let _ = writeln!(text, "  left out: {count} {call}: {why}");
            }
        }
        for (at, what) in &self.violations {
            let _ = write!(
                text,
                "violation: {at}: {what}\n  TORTURE_ONLY='{at}' cargo test --test torture -- --nocapture\n"
            );
        }
        text
    }
}
