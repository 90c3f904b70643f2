//! What a hook is told: its environment. The names are normative (`docs/hooks.md`: What a hook is told).

use super::Phase;
use crate::settings::Environment;
use std::collections::BTreeMap;
use std::path::Path;

/// How the run stands: told to undos and post hooks.
#[derive(Debug, Clone)]
pub struct Standing<'a> {
    /// The worker's exit code so far.
    pub exit_code: i32,
    /// The run's status so far.
    pub status: &'a str,
    /// One line why; empty if there is nothing to say.
    pub error: &'a str,
    /// The snapshot's id; empty if there is none.
    pub snapshot: &'a str,
    /// This run's own summary, told to post hooks alone; `None` if it could not be written.
    pub summary: Option<&'a Path>,
}

/// Everything that a hook is told.
#[derive(Debug, Clone)]
pub struct Told<'a> {
    /// The worker's name.
    pub worker: &'a str,
    /// The run's id.
    pub run_id: &'a str,
    /// What started it.
    pub trigger: &'a str,
    /// RFC 3339.
    pub started_at: &'a str,
    /// The run's log.
    pub log: &'a Path,
    /// What is read or written.
    pub target: &'a str,
    /// Place among the hooks of the phase, from 1.
    pub index: usize,
    /// How many there are.
    pub count: usize,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// How the run stands, for undos and post hooks.
    pub standing: Option<Standing<'a>>,
    /// The file for values to hand on; `None` if it could not be made.
    pub output: Option<&'a Path>,
    /// What earlier hooks handed on.
    pub values: &'a BTreeMap<String, String>,
    /// Whether a crashed run's hook is made up for.
    pub recovery: bool,
}

/// The most that `RUN_ERROR` says, in bytes.
const LONGEST_ERROR: usize = 4096;

impl Told<'_> {
    /// The environment of the hook called `name`: the container's, with what it is told.
    pub fn environment(&self, base: &Environment, name: &str, phase: Phase) -> Environment {
        let mut environment = base.clone();
        for (name, value) in self.values {
            environment.set(name, value);
        }
        environment.set("HOOK_NAME", name);
        environment.set("HOOK_PHASE", phase.word());
        environment.set("HOOK_WORKER", self.worker);
        environment.set("HOOK_INDEX", self.index.to_string());
        environment.set("HOOK_COUNT", self.count.to_string());
        environment.set("HOOK_ATTEMPT", self.attempt.to_string());
        environment.set("RUN_ID", self.run_id);
        environment.set("RUN_TRIGGER", self.trigger);
        environment.set("RUN_STARTED_AT", self.started_at);
        environment.set("RUN_LOG", self.log);
        environment.set("RUN_TARGET", self.target);
        if let Some(standing) = &self.standing {
            environment.set("RUN_EXIT_CODE", standing.exit_code.to_string());
            environment.set("RUN_STATUS", standing.status);
            environment.set("RUN_ERROR", one_line(standing.error));
            environment.set("RUN_SNAPSHOT", standing.snapshot);
            // Undos run before it is written: what lies there is of an earlier run.
            if let Some(summary) = standing.summary.filter(|_| phase == Phase::Post) {
                environment.set("RUN_SUMMARY", summary);
            }
        }
        if let Some(output) = self.output {
            environment.set("HOOK_OUTPUT", output);
        }
        if self.recovery {
            environment.set("HOOK_RECOVERY", "1");
        }
        environment
    }
}

/// A text as one line of bounded length, without NUL, which no environment can hold.
fn one_line(text: &str) -> String {
    let mut line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.truncate(line.floor_char_boundary(LONGEST_ERROR));
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_of_at_most_four_kibibytes() {
        assert_eq!(one_line("a\nb\0c"), "a b c");
        assert_eq!(one_line(&"é".repeat(4000)).len(), 4096);
    }
}
