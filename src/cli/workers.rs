//! The workers' commands: flags that every worker has, and those of its own from the table.

use super::usage;
use crate::lock::Acquire;
use crate::run;
use crate::settings::{self, Settings};
use crate::workers::{self, Worker, crontab};
use clap::{Args, FromArgMatches};
use std::ffi::OsString;

/// What every worker takes.
#[derive(Debug, Clone, Args)]
pub struct Waiting {
    /// Wait for the locks that it takes (docs/workers.md#lock-files) if another run holds one of them, for at most
    /// DURATION (such as 90s, 5m, 1h; without end if none is given), instead of ending at once with exit code 75
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    wait: Option<String>,
}

impl Waiting {
    /// # Errors
    /// When the duration cannot be read.
    pub fn acquire(&self) -> Result<Acquire, String> {
        match self.wait.as_deref() {
            None => Ok(Acquire::AtOnce),
            Some("") => Ok(Acquire::Wait(None)),
            Some(text) => settings::duration(text)
                .map(|limit| Acquire::Wait(Some(limit)))
                .map_err(|error| format!("--wait='{text}' {error}: write seconds, or a duration such as 90s, 5m, 1h")),
        }
    }
}

const EXIT_CODES: &str = "Exit codes:
  0    done, or called off by a pre hook
  2    bad usage or configuration
  75   not run: another run holds a lock
  120  a critical pre hook failed (124: timed out)
  121  a critical post hook failed
  129, 130, 131, 143   ended by a signal
  any other code is restic's own (replicate: rclone's)
More: docs/workers.md, docs/hooks.md, docs/environment.md";

/// The command of a worker, with its flags and help.
pub fn command(worker: &Worker) -> clap::Command {
    let own = &worker.command;
    // What `Waiting` brings along includes a description of itself: the worker's own comes after it.
    let command = Waiting::augment_args(clap::Command::new(worker.job.name)).about(own.about).after_help(EXIT_CODES);
    (own.augment)(command).disable_version_flag(true)
}

/// The first of `flags` that an empty word follows. To clap that is the same as `--flag=`.
fn empty_word(words: &[OsString], flags: &[&'static str]) -> Option<&'static str> {
    words
        .windows(2)
        .filter(|pair| pair[1].is_empty())
        .find_map(|pair| flags.iter().copied().find(|flag| pair[0] == *flag))
}

/// Runs a worker's command to its exit code. `shown` is how the user would ask for its help.
pub fn run(worker: &'static Worker, shown: &str, args: Vec<OsString>, mut settings: Settings) -> i32 {
    // A password among the words is no better known to others than one of the environment.
    settings::add_secrets_of_command_line(&mut settings, &args);
    let empty = empty_word(&args, worker.command.never_empty);
    let parsed = command(worker).try_get_matches_from(args).and_then(|matches| {
        let waiting = Waiting::from_arg_matches(&matches)?;
        Ok((waiting, (worker.command.make)(&matches)?))
    });
    let (waiting, work) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return usage::report(shown, &error, &settings.secrets),
    };
    if let Some(flag) = empty {
        let message = format!("{flag} needs a value, and '' is none: write {flag}= for an empty one");
        return usage::refuse(&message, &settings.secrets);
    }
    let acquire = match waiting.acquire() {
        Ok(acquire) => acquire,
        Err(message) => return usage::refuse(&message, &settings.secrets),
    };
    let place = crontab::place(worker.job.name);
    run::keep(run::Command { job: &worker.job, work, settings, workers: workers::names(), acquire, place, trial: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workers::WORKERS;

    #[test]
    fn an_empty_word_is_no_value_of_some_flags() {
        let find = |words: &[&str]| {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            empty_word(&words, &["--subject", "--message"])
        };
        assert_eq!(find(&["notify-test", "--subject=x", "--message", ""]), Some("--message"));
        assert_eq!(find(&["notify-test", "--subject=", "--message", "x"]), None);
        assert_eq!(find(&["notify-test", "--host", ""]), None);
    }

    /// clap breaks what is wider than the terminal, also in the middle of a table.
    #[test]
    fn examples_and_exit_codes_fit_into_80_columns_and_all_codes_are_there() {
        let engines = ["forget-preview", "unlock", "mount-snapshot", "snapshot-export", "restore-test", "restore"];
        let others = ["notify-test", "sources-report", "init-repo"];
        for worker in WORKERS {
            let name = worker.job.name;
            let after = command(worker).get_after_help().expect("has one").to_string();
            for line in after.lines().filter(|line| line.starts_with(' ') || line.contains("  ")) {
                assert!(line.chars().count() <= 80, "{name}: {line}");
            }
            let own = |code: &str| after.lines().any(|line| line.contains(code));
            if engines.contains(&name) || others.contains(&name) {
                for code in ["\n  0  ", "\n  2  ", "\n  75 ", "\n  120 ", "(124: ", "\n  121 ", "\n  130 ", "(143: "] {
                    assert!(after.contains(code), "{name}: {code}");
                }
            }
            if engines.contains(&name) {
                assert!(own("  126 ") && own("(127: "), "{name}");
            }
        }
    }
}
