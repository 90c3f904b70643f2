//! One mistake in a setting: what is wrong, where, and how to mend it.

use std::fmt;

/// What a mistake costs (`docs/environment.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The named workers cannot do their work: they end with exit code 2, after summary and post hooks.
    Work(&'static [&'static str]),
    /// The work does not need it: the run goes on, says so loudly, and ends as `warning`; `doctor` fails.
    Loud,
    /// A documented fallback is in force: one warning line, and `doctor` warns.
    Fallback,
}

/// One mistake in a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The variable that holds the value.
    pub variable: &'static str,
    /// The value as it may be shown: masked where secret.
    pub value: String,
    /// What is wrong, as a fragment: `is not a duration`.
    pub problem: String,
    /// What to write instead, as a sentence without a period.
    pub mend: String,
    /// What it costs.
    pub effect: Effect,
}

impl Mistake {
    /// Whether this mistake keeps `worker` from its work.
    pub fn stops(&self, worker: &str) -> bool {
        matches!(self.effect, Effect::Work(workers) if workers.contains(&worker))
    }

    /// The line that a run prints. Two of them are what programs that read logs already know (contract: environment,
    /// sections 2 and 5).
    pub fn line(&self) -> String {
        match (self.variable, self.effect) {
            ("WEBHOOK_TIMEOUT", Effect::Fallback) => format!("⚠️ {}='{}' {}.", self.variable, self.value, self.problem),
            ("RESTIC_CACERT", Effect::Fallback) => {
                format!("⚠️ RESTIC_CACERT is set but file is not readable: {}; --cacert flag not added.", self.value)
            }
            (_, Effect::Fallback) => format!("⚠️ {self}."),
            (_, Effect::Work(_) | Effect::Loud) => format!("❌ {self}."),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}='{}' {}: {}", self.variable, self.value, self.problem, self.mend)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(variable: &'static str, problem: &str, effect: Effect) -> Mistake {
        Mistake { variable, value: "x".to_owned(), problem: problem.to_owned(), mend: "write y".to_owned(), effect }
    }

    #[test]
    fn a_mistake_stops_the_workers_that_it_names() {
        let mistake = mistake("RESTIC_CHECK_ARGS", "is wrong", Effect::Work(&["check"]));
        assert!(mistake.stops("check") && !mistake.stops("backup"));
    }

    #[test]
    fn its_line_says_value_problem_and_mend() {
        assert_eq!(mistake("STOP_TIMEOUT", "is wrong", Effect::Loud).line(), "❌ STOP_TIMEOUT='x' is wrong: write y.");
        assert_eq!(
            mistake("LOG_VERBOSE", "is wrong", Effect::Fallback).line(),
            "⚠️ LOG_VERBOSE='x' is wrong: write y."
        );
    }

    #[test]
    fn lines_that_others_read_are_as_they_were() {
        let bad = mistake("WEBHOOK_TIMEOUT", "is not a positive integer; using 10s", Effect::Fallback);
        assert_eq!(bad.line(), "⚠️ WEBHOOK_TIMEOUT='x' is not a positive integer; using 10s.");
        let bad = mistake("RESTIC_CACERT", "is not readable", Effect::Fallback);
        assert_eq!(bad.line(), "⚠️ RESTIC_CACERT is set but file is not readable: x; --cacert flag not added.");
    }
}
