//! rclone as a program: where it is, how it is called, and running one command of it to its end.

use super::rclone_outcome::{Outcome, Telling};
use super::rclone_stats::{StatsBlocks, Transfers};
use super::restic::find;
use super::running::{Bounds, Output, run_lines};
use crate::process::Spec;
use crate::settings::Environment;
use std::path::PathBuf;
use std::time::Instant;

/// Variables by which rclone would resync on its own account: only we decide on that.
const RESYNC_VARIABLES: [&str; 2] = ["RCLONE_RESYNC", "RCLONE_RESYNC_MODE"];

/// Words and variables of somebody who has a say of their own in what rclone prints.
const OWN_WORDS: [&str; 11] = [
    "--verbose",
    "--quiet",
    "--progress",
    "--progress-terminal-title",
    "--stats",
    "--stats-log-level",
    "--stats-one-line",
    "--log-level",
    "--log-file",
    "--use-json-log",
    "--syslog",
];
const OWN_VARIABLES: [&str; 10] = [
    "RCLONE_VERBOSE",
    "RCLONE_QUIET",
    "RCLONE_PROGRESS",
    "RCLONE_STATS",
    "RCLONE_STATS_LOG_LEVEL",
    "RCLONE_STATS_ONE_LINE",
    "RCLONE_LOG_LEVEL",
    "RCLONE_LOG_FILE",
    "RCLONE_USE_JSON_LOG",
    "RCLONE_SYSLOG",
];
/// Variables by which rclone's words go elsewhere, or nowhere.
const SILENCING_VARIABLES: [&str; 3] = ["RCLONE_LOG_FILE", "RCLONE_SYSLOG", "RCLONE_LOG_LEVEL"];

/// Whether a log level leaves out errors, by which a bisync's end is understood.
pub fn is_below_error(level: &str) -> bool {
    ["CRITICAL", "ALERT", "EMERGENCY", "OFF"].iter().any(|known| known.eq_ignore_ascii_case(level.trim()))
}

/// How often rclone says how far it is, where it is asked to.
const PACE: &str = "2s";

/// rclone as it is called here.
#[derive(Debug, Clone)]
pub struct Rclone {
    program: PathBuf,
    environment: Environment,
    /// Variables that were taken away, since they would have rclone resync.
    pub withheld: Vec<&'static str>,
    /// Variables that bisync is not given, since its words would not be heard.
    pub silencing: Vec<&'static str>,
}

/// What rclone does while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard<'a> {
    /// A line of either output, for the log.
    Line(&'a str),
    /// How far it is.
    Stats(Transfers),
    /// Nothing for a moment.
    Tick,
}

impl Rclone {
    /// Looks for rclone in the `PATH` of the environment that it will be given.
    pub fn locate(environment: &Environment) -> Self {
        let mut environment = environment.clone();
        let withheld: Vec<_> =
            RESYNC_VARIABLES.into_iter().filter(|name| environment.raw(name).is_some_and(|v| !v.is_empty())).collect();
        for name in &withheld {
            environment.remove(name);
        }
        let silencing = SILENCING_VARIABLES
            .into_iter()
            .filter(|name| {
                let value = environment.text_or_empty(name);
                if *name == "RCLONE_LOG_LEVEL" { is_below_error(&value) } else { !value.is_empty() }
            })
            .collect();
        let program = find("rclone", &environment).unwrap_or_else(|| PathBuf::from("rclone"));
        Self { program, environment, withheld, silencing }
    }

    /// What it is given as environment.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Runs `rclone <words…>` to its end, with an empty standard input.
    ///
    /// It is ended by SIGINT, on which bisync removes its lock file. Statistics that nobody asked for are asked for
    /// here, and kept out of the lines: the log stays as rclone writes it by itself.
    pub fn run(&self, words: &[String], bounds: &Bounds<'_>, each: &mut dyn FnMut(Heard<'_>)) -> Outcome {
        let mut environment = self.environment.clone();
        if words.first().is_some_and(|word| word == "bisync") {
            self.silencing.iter().for_each(|name| environment.remove(name));
        }
        let ours = !self.has_say(words);
        if ours {
            environment.set("RCLONE_STATS", PACE);
            environment.set("RCLONE_STATS_LOG_LEVEL", "NOTICE");
        }
        let spec = Spec {
            program: self.program.clone(),
            args: words.iter().map(Into::into).collect(),
            environment,
            directory: None,
            dies_with_us: None,
        };
        let started = Instant::now();
        let (mut telling, mut blocks) = (Telling::default(), StatsBlocks::new(ours));
        let end = run_lines(&spec, bounds, &mut |output| match output {
            Output::Stdout(line) | Output::Stderr(line) => {
                blocks.take(line, &mut |line| {
                    telling.hear(line);
                    each(Heard::Line(line));
                });
                if let Some(transfers) = blocks.news() {
                    each(Heard::Stats(transfers));
                }
            }
            Output::Tick => each(Heard::Tick),
        });
        blocks.finish(&mut |line| {
            telling.hear(line);
            each(Heard::Line(line));
        });
        match end {
            Ok(exit) => Outcome::of(exit, &telling, bounds.stop.request().is_some(), blocks.told(), started.elapsed()),
            Err(error) => Outcome::not_started(&self.program, &error),
        }
    }

    /// The files below `side`, with these words; what rclone says beside them goes to `each`.
    pub fn files(
        &self,
        side: &str,
        words: &[String],
        bounds: &Bounds<'_>,
        each: &mut dyn FnMut(Heard<'_>),
    ) -> (Outcome, Vec<String>) {
        let begin = ["lsf", side, "-R", "--files-only"].map(str::to_owned);
        let end = ["--progress=false", "--format=p"].map(str::to_owned);
        let spec = Spec {
            program: self.program.clone(),
            args: begin.iter().chain(words).chain(&end).map(Into::into).collect(),
            environment: self.environment.clone(),
            directory: None,
            dies_with_us: None,
        };
        let started = Instant::now();
        let (mut telling, mut files) = (Telling::default(), Vec::new());
        let ended = run_lines(&spec, bounds, &mut |output| match output {
            Output::Stdout(line) => files.push(line.trim_end_matches(['\r', '\n']).to_owned()),
            Output::Stderr(line) => {
                telling.hear(line);
                each(Heard::Line(line));
            }
            Output::Tick => each(Heard::Tick),
        });
        let outcome = match ended {
            Ok(exit) => Outcome::of(exit, &telling, bounds.stop.request().is_some(), None, started.elapsed()),
            Err(error) => Outcome::not_started(&self.program, &error),
        };
        (outcome, files)
    }

    /// Whether words or variables say what rclone is to print.
    fn has_say(&self, words: &[String]) -> bool {
        let own = |word: &String| {
            let name = word.split('=').next().unwrap_or_default();
            OWN_WORDS.contains(&name) || is_short_say(word)
        };
        words.iter().any(own) || OWN_VARIABLES.iter().any(|name| self.environment.raw(name).is_some())
    }
}

/// `-v`, `-vv`, `-q`, `-P`, also among other short options.
fn is_short_say(word: &str) -> bool {
    let Some(letters) = word.strip_prefix('-') else { return false };
    !letters.is_empty() && letters.chars().all(|c| c.is_ascii_alphanumeric()) && letters.contains(['v', 'q', 'P'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rclone(pairs: &[(&str, &str)]) -> Rclone {
        Rclone::locate(&pairs.iter().copied().collect())
    }

    fn words(list: &[&str]) -> Vec<String> {
        list.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn whoever_has_a_say_in_what_rclone_prints_keeps_it() {
        let plain = rclone(&[]);
        for own in ["-v", "-vv", "-nv", "--verbose=2", "-P", "--stats=1m", "--log-level", "-q"] {
            assert!(plain.has_say(&words(&["sync", "/a", "/b", own])), "{own}");
        }
        assert!(!plain.has_say(&words(&["sync", "/a-v", "nas:v", "--fast-list", "-n", "--exclude", "-very long"])));
        assert!(rclone(&[("RCLONE_VERBOSE", "1")]).has_say(&[]));
    }

    #[test]
    fn rclone_does_not_resync_by_its_environment() {
        let rclone = rclone(&[("RCLONE_RESYNC", "true"), ("RCLONE_CONFIG", "/c")]);
        assert_eq!(rclone.withheld, ["RCLONE_RESYNC"]);
        assert!(rclone.environment.raw("RCLONE_RESYNC").is_none() && rclone.environment.raw("RCLONE_CONFIG").is_some());
    }
}
