//! Reads single values from the snapshot, and keeps what is wrong with them.

use super::values::{Switch, duration, switch};
use super::{Effect, Environment, Mistake, WordList, table, words};
use crate::masking::Secrets;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The mend for a duration.
pub(super) const DURATIONS: &str = "write whole seconds, or a time such as 90s, 5m, 1h30m or 2d";

/// The mend for a word list.
pub(super) const WORD_LISTS: &str = "close each quote or write a backslash before it, and write in UTF-8";

/// What is wrong with bytes.
const NO_TEXT: &str = "is not UTF-8";

/// Reads single values. An empty value is the same as none.
pub(super) struct Reader<'a> {
    /// The snapshot as it came.
    pub environment: &'a Environment,
    /// What must not be shown in a mistake.
    pub secrets: &'a Secrets,
    /// All mistakes so far.
    pub mistakes: Vec<Mistake>,
}

impl<'a> Reader<'a> {
    pub fn new(environment: &'a Environment, secrets: &'a Secrets) -> Self {
        Self { environment, secrets, mistakes: Vec::new() }
    }

    /// The value as it is, empty if unset.
    pub fn text(&self, name: &str) -> String {
        self.environment.text_or_empty(name)
    }

    /// The value without blanks around it; `None` if nothing is left.
    pub fn given(&self, name: &str) -> Option<String> {
        self.environment.text(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// Keeps a mistake in the value of `variable`.
    pub fn mistake(&mut self, variable: &'static str, problem: impl Into<String>, mend: &str, effect: Effect) {
        let value = self.text(variable);
        let shown = table::find(variable).map(|variable| variable.shown(&value, self.secrets)).unwrap_or_default();
        let (problem, mend) = (problem.into(), mend.to_owned());
        self.mistakes.push(Mistake { variable, value: shown, problem, mend, effect });
    }

    /// Keeps a mistake that no work depends on.
    pub fn loud(&mut self, variable: &'static str, problem: impl Into<String>, mend: &str) {
        self.mistake(variable, problem, mend, Effect::Loud);
    }

    /// A switch; a value that is none keeps the default, with a warning.
    pub fn switch(&mut self, name: &'static str, default: Switch) -> bool {
        self.switch_or(name, default, Effect::Fallback)
    }

    /// A switch on which the worth of a run depends: a value that is none keeps the default, and is loud.
    pub fn loud_switch(&mut self, name: &'static str, default: Switch) -> bool {
        self.switch_or(name, default, Effect::Loud)
    }

    fn switch_or(&mut self, name: &'static str, default: Switch, effect: Effect) -> bool {
        let Some(given) = self.given(name) else { return default.is_on() };
        let read = switch(&given);
        if read.is_none() {
            let problem = format!("is not a switch; using {}", default.word());
            self.mistake(name, problem, "write ON or OFF", effect);
        }
        read.unwrap_or(default).is_on()
    }

    /// A duration of at least `least`; anything else is loud and keeps the default.
    pub fn duration(&mut self, name: &'static str, default: Duration, least: Duration) -> Duration {
        let Some(given) = self.given(name) else { return default };
        match duration(&given) {
            Ok(read) if read >= least => return read,
            Ok(_) => {
                let problem = format!("is less than {}s; using {}s", least.as_secs(), default.as_secs());
                self.loud(name, problem, "write a longer time");
            }
            Err(error) => self.loud(name, format!("{error}; using {}s", default.as_secs()), DURATIONS),
        }
        default
    }

    /// A number of at least 1; anything else is loud and keeps the default.
    pub fn count(&mut self, name: &'static str, default: usize) -> usize {
        let Some(given) = self.given(name) else { return default };
        let digits = given.bytes().all(|byte| byte.is_ascii_digit());
        match given.parse::<usize>() {
            Ok(number) if digits && number > 0 => number,
            _ => {
                self.loud(name, format!("is no number from 1 up; using {default}"), "write a whole number such as 4");
                default
            }
        }
    }

    /// A whole number that `workers` cannot do without where it is none.
    pub fn number(&mut self, name: &'static str, default: u64, workers: &'static [&'static str]) -> u64 {
        let Some(given) = self.given(name) else { return default };
        match given.parse() {
            Ok(number) if given.bytes().all(|byte| byte.is_ascii_digit()) => number,
            _ => {
                let mend = "write a whole number such as 10, or 0";
                self.mistake(name, "is no whole number", mend, Effect::Work(workers));
                default
            }
        }
    }

    /// In how many parts something is done; `None` for not at all. restic tells 256 of them apart at most.
    pub fn parts(&mut self, name: &'static str, workers: &'static [&'static str]) -> Option<u32> {
        let given = self.given(name)?;
        let parts =
            given.parse().ok().filter(|parts| given.bytes().all(|b| b.is_ascii_digit()) && (2..=256).contains(parts));
        if parts.is_none() {
            let mend = "write a whole number from 2 to 256, or leave it empty";
            self.mistake(name, "is no number of parts", mend, Effect::Work(workers));
        }
        parts
    }

    /// One of a few words, whatever their case; `None` if unset. Anything else is loud and the same as unset.
    pub fn choice(
        &mut self,
        name: &'static str,
        words: &[&'static str],
        default: &'static str,
    ) -> Option<&'static str> {
        let given = self.given(name)?;
        let found = words.iter().copied().find(|word| word.eq_ignore_ascii_case(&given));
        if found.is_none() {
            self.loud(name, format!("is not known; using {default}"), &format!("write one of {}", words.join(", ")));
        }
        found
    }

    /// A path; a relative one is meant from the root, where every worker and hook works.
    pub fn path(&mut self, name: &'static str, default: impl AsRef<Path>) -> PathBuf {
        let Some(given) = self.environment.raw(name).filter(|given| !given.is_empty()) else {
            return default.as_ref().to_owned();
        };
        let path = Path::new("/").join(given);
        if Path::new(given).is_relative() {
            let shown = table::one_line(&self.secrets.mask(&path.to_string_lossy()));
            let problem = format!("is not an absolute path; using {shown}");
            self.mistake(name, problem, "write the path from the root", Effect::Fallback);
        }
        path
    }

    /// A word list that `workers` cannot do without.
    pub fn words(&mut self, name: &'static str, workers: &'static [&'static str]) -> WordList {
        let raw = self.text(name);
        let is_text = self.environment.raw(name).is_none_or(|raw| raw.to_str().is_some());
        let read =
            if is_text { words::split(&raw).map_err(|error| error.to_string()) } else { Err(NO_TEXT.to_owned()) };
        match read {
            Ok(words) => WordList { raw, words, error: None },
            Err(error) => {
                self.mistake(name, error.as_str(), WORD_LISTS, Effect::Work(workers));
                WordList { raw, words: Vec::new(), error: Some(error) }
            }
        }
    }

    /// Keeps a mistake where the value is no text: it would reach restic as something else.
    pub fn must_be_text(&mut self, name: &'static str, workers: &'static [&'static str]) {
        if self.environment.raw(name).is_some_and(|raw| raw.to_str().is_none()) {
            self.mistake(name, NO_TEXT, "write it in UTF-8", Effect::Work(workers));
        }
    }
}
