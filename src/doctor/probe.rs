//! Section `Repository probe`: whether restic can open the repository.

use super::page::{Entry, Section};
use super::{Finding, Severity};
use crate::engine::{self, Meaning};
use crate::settings::Settings;
use std::time::Duration;

/// Whether the repository is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// Ask, and wait this long at most.
    Within(Duration),
    /// Look at nothing beyond this container.
    Skip,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Probed {
    /// Not asked, and why.
    Skipped(&'static str),
    /// Asked.
    Asked(engine::Probe, Duration),
}

/// The word for an outcome in the JSON document.
fn word(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::NoRepository => "no_repository",
        Meaning::Locked => "locked",
        Meaning::WrongPassword => "wrong_password",
        Meaning::NotStarted => "not_started",
        _ => "unknown",
    }
}

/// What is wrong, as far as is known, and how to mend it.
fn sentence(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::NoRepository => {
            "The repository is missing or not initialised, and doctor never initialises it: \
             correct RESTIC_REPOSITORY, or make the repository with init-repo"
        }
        Meaning::Locked => {
            "The repository is locked by another program: wait until that has ended, or run unlock if it was killed"
        }
        Meaning::WrongPassword => {
            "The password is wrong: correct RESTIC_PASSWORD_FILE, RESTIC_PASSWORD or RESTIC_PASSWORD_COMMAND"
        }
        Meaning::NotStarted => "restic could not be started: install it where PATH leads to it",
        _ => "Check address, credentials and network of the repository",
    }
}

/// Asks the repository, unless there is none or nobody wants to know.
pub(super) fn ask(settings: &Settings, probe: Probe) -> Probed {
    match probe {
        _ if settings.repository.location.is_empty() => Probed::Skipped("RESTIC_REPOSITORY is empty"),
        Probe::Skip => Probed::Skipped("not asked for"),
        Probe::Within(limit) => Probed::Asked(engine::probe(settings, limit), limit),
    }
}

impl Probed {
    /// `ok`, `fail` or `skipped`.
    pub(super) fn status(&self) -> &'static str {
        match self {
            Self::Skipped(_) => "skipped",
            Self::Asked(answer, _) if answer.outcome.is_ok() => "ok",
            Self::Asked(..) => "fail",
        }
    }

    /// What restic's end means, in a word, if the repository did not answer well.
    pub(super) fn meaning(&self) -> Option<&'static str> {
        match self {
            Self::Asked(answer, _) if !answer.outcome.is_ok() => Some(word(answer.outcome.meaning)),
            _ => None,
        }
    }

    /// Whether the repository did not answer in time.
    pub(super) fn timed_out(&self) -> bool {
        matches!(self, Self::Asked(answer, _) if answer.outcome.meaning == Meaning::TimedOut)
    }

    /// What is wrong and how to mend it, if the repository did not answer well.
    pub(super) fn trouble(&self) -> Option<String> {
        let Self::Asked(engine::Probe { outcome, .. }, limit) = self else { return None };
        let what = match outcome.meaning {
            Meaning::Ok => return None,
            Meaning::TimedOut => format!("Repository probe had no answer within {}s.", limit.as_secs_f32()),
            _ => format!("Repository probe failed with restic exit {}.", outcome.code()),
        };
        Some(format!("{what} {}", sentence(outcome.meaning)))
    }
}

/// The section.
pub(super) fn section(settings: &Settings, probed: &Probed) -> Section {
    let mut section = Section::new("Repository probe");
    let shown = &settings.repository.shown;
    match (probed, probed.trouble()) {
        (Probed::Skipped(why), _) if settings.repository.location.is_empty() => {
            section.findings([Finding::warn(format!("Repository probe skipped: {why}"))]);
        }
        (Probed::Skipped(why), _) => {
            section.findings([Finding::info(format!("Repository probe skipped: {why}"))]);
        }
        (Probed::Asked(..), None) => {
            section.findings([Finding::ok(format!("restic cat config succeeded for {shown}"))]);
        }
        (Probed::Asked(answer, _), Some(trouble)) => {
            section.findings([Finding::fail(trouble)]);
            let lines: Vec<String> = answer.stderr.lines().map(str::to_owned).collect();
            if !lines.is_empty() {
                section.note(Severity::Info, "Probe stderr:");
                section.entries.push(Entry::Embedded(lines));
            }
        }
    }
    section
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::process::Exit;

    fn asked(meaning: Meaning, code: i32, stderr: &str) -> Probed {
        let outcome = engine::Outcome { exit: Exit::Code(code), meaning, message: String::new() };
        Probed::Asked(engine::Probe { outcome, stderr: stderr.to_owned() }, engine::PROBE_LIMIT)
    }

    #[test]
    fn what_is_wrong_has_a_word_and_a_mend() {
        for (meaning, word, mend) in [
            (Meaning::NoRepository, "no_repository", "init-repo"),
            (Meaning::Locked, "locked", "unlock"),
            (Meaning::WrongPassword, "wrong_password", "RESTIC_PASSWORD_FILE"),
            (Meaning::NotStarted, "not_started", "PATH"),
            (Meaning::Failed, "unknown", "network"),
        ] {
            let probed = asked(meaning, 1, "");
            assert_eq!((probed.status(), probed.meaning(), probed.timed_out()), ("fail", Some(word), false));
            assert!(probed.trouble().is_some_and(|trouble| trouble.contains(mend)), "{word}");
        }
        let probed = asked(Meaning::Ok, 0, "");
        assert_eq!((probed.status(), probed.meaning(), probed.trouble()), ("ok", None, None));
    }

    #[test]
    fn a_failed_probe_says_code_meaning_mend_and_what_restic_said() {
        let folder = sample::folder();
        let settings = sample::settings(folder.path());
        let section = section(&settings, &asked(Meaning::WrongPassword, 12, "a\nb"));
        let [Entry::Finding(finding), note, embedded] = section.entries.as_slice() else { panic!("{section:?}") };
        assert_eq!(
            finding.message,
            "Repository probe failed with restic exit 12. The password is wrong: correct \
             RESTIC_PASSWORD_FILE, RESTIC_PASSWORD or RESTIC_PASSWORD_COMMAND"
        );
        assert_eq!(*note, Entry::Note(Severity::Info, "Probe stderr:".to_owned()));
        assert_eq!(*embedded, Entry::Embedded(vec!["a".to_owned(), "b".to_owned()]));
    }

    #[test]
    fn a_repository_that_does_not_answer_is_not_called_missing() {
        let probed = asked(Meaning::TimedOut, 130, "");
        let trouble = probed.trouble().expect("it failed");
        assert!(trouble.starts_with("Repository probe had no answer within 30s. Check address"), "{trouble}");
        assert_eq!((probed.status(), probed.meaning(), probed.timed_out()), ("fail", Some("unknown"), true));
    }

    #[test]
    fn without_a_repository_nothing_is_asked() {
        let folder = sample::folder();
        let mut settings = sample::settings(folder.path());
        settings.repository.location = String::new();
        let probed = ask(&settings, Probe::Within(engine::PROBE_LIMIT));
        assert_eq!(probed, Probed::Skipped("RESTIC_REPOSITORY is empty"));
        let section = section(&settings, &probed);
        assert_eq!(section.checks().next().expect("is found").1.severity, Severity::Warn);
    }
}
