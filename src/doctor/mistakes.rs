//! What is wrong with single settings: mistakes that were found when they were read (schedules among them), and what
//! nobody reads before it is needed (numbers of the log rotation, addresses).

use super::configuration::Keyed;
use super::{Finding, channels};
use crate::settings::{Effect, Mistake, Settings, table, words};

/// Every finding, but for those of variables in `covered`, of which others have told.
pub(super) fn findings(settings: &Settings, covered: &[&str]) -> Vec<Keyed> {
    let mut findings: Vec<Keyed> = settings.mistakes.iter().map(of_mistake).collect();
    let known: Vec<&str> = settings.mistakes.iter().map(|mistake| mistake.variable).collect();
    let not_known = |keyed: &Keyed| !known.contains(&keyed.key.as_str());
    findings.extend(numbers(settings).into_iter().filter(not_known));
    findings.extend(channels::findings(settings).into_iter().filter(not_known));
    findings.retain(|keyed| !covered.contains(&keyed.key.as_str()));
    findings.extend(word_lists(settings).into_iter().filter_map(|(variable, raw)| {
        words::differs_from_plain(raw).map(|how| Keyed::new(variable, Finding::warn(format!("{variable}: {how}"))))
    }));
    findings.extend(table::hints(&settings.environment).iter().map(of_hint));
    findings.extend(settings.secrets.short().iter().map(|variable| of_short_secret(variable)));
    findings
}

/// A mistake of what work or reports need is a failure; where a fallback is in force, a warning.
pub(super) fn of_mistake(mistake: &Mistake) -> Keyed {
    let finding = match mistake.effect {
        Effect::Work(_) | Effect::Loud => Finding::fail(mistake.to_string()),
        Effect::Fallback => Finding::warn(mistake.to_string()),
    };
    Keyed::new(mistake.variable, finding)
}

fn of_hint((given, known): &(String, &'static str)) -> Keyed {
    Keyed::new(given, Finding::warn(format!("{given} is no setting and has no effect: {known} may be meant")))
}

fn of_short_secret(variable: &str) -> Keyed {
    let message = format!("{variable} holds a secret that is too short to be masked where it is printed");
    Keyed::new(variable, Finding::warn(message))
}

fn word_lists(settings: &Settings) -> [(&'static str, &str); 6] {
    let jobs = &settings.jobs;
    [
        ("RESTIC_JOB_ARGS", jobs.backup.raw.as_str()),
        ("RESTIC_FORGET_ARGS", jobs.forget.raw.as_str()),
        ("RESTIC_CHECK_ARGS", jobs.check.raw.as_str()),
        ("RESTIC_PRUNE_ARGS", jobs.prune.raw.as_str()),
        ("RESTIC_INIT_ARGS", jobs.init.raw.as_str()),
        ("REPLICATE_JOB_ARGS", jobs.replicate.raw.as_str()),
    ]
}

/// Numbers that only one command reads: name, the least it may be, and what happens otherwise.
const NUMBERS: [(&str, u64, &str); 2] = [
    ("CRON_LOG_MAX_SIZE", 1, "rotate_log refuses to rotate"),
    ("MAX_CRON_LOG_ARCHIVES", 1, "rotate_log refuses to rotate"),
];

fn numbers(settings: &Settings) -> Vec<Keyed> {
    NUMBERS
        .into_iter()
        .filter_map(|(variable, least, otherwise)| {
            let given = settings.environment.text(variable).filter(|given| !given.is_empty())?;
            let is_number = given.bytes().all(|byte| byte.is_ascii_digit());
            if is_number && given.parse::<u64>().is_ok_and(|number| number >= least) {
                return None;
            }
            let message = format!("{variable}='{given}' is not a whole number from {least} on: {otherwise}");
            Some(Keyed::new(variable, Finding::fail(message)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Severity, sample};
    use super::*;

    fn mistake(variable: &'static str, effect: Effect) -> Mistake {
        Mistake { variable, value: "x".to_owned(), problem: "is wrong".to_owned(), mend: "write y".to_owned(), effect }
    }

    #[test]
    fn what_a_mistake_costs_says_how_grave_it_is() {
        for (effect, severity) in [
            (Effect::Work(&["backup"]), Severity::Fail),
            (Effect::Loud, Severity::Fail),
            (Effect::Fallback, Severity::Warn),
        ] {
            let found = of_mistake(&mistake("WEBHOOK_TIMEOUT", effect)).finding;
            assert_eq!((found.severity, found.message.as_str()), (severity, "WEBHOOK_TIMEOUT='x' is wrong: write y"));
        }
    }

    #[test]
    fn one_variable_is_told_of_once() {
        let folder = sample::folder();
        let mut settings = sample::settings(folder.path());
        settings.environment.set("CRON_LOG_MAX_SIZE", "1M");
        settings.mistakes =
            vec![mistake("CRON_LOG_MAX_SIZE", Effect::Loud), mistake("RESTIC_TAG", Effect::Work(&["backup"]))];
        let found = findings(&settings, &["RESTIC_TAG"]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].finding.message, "CRON_LOG_MAX_SIZE='x' is wrong: write y");
    }

    #[test]
    fn numbers_that_one_command_reads_are_checked() {
        let folder = sample::folder();
        let mut settings = sample::settings(folder.path());
        settings.environment.set("CRON_LOG_MAX_SIZE", "1M");
        settings.environment.set("MAX_CRON_LOG_ARCHIVES", "0");
        let found: Vec<_> = numbers(&settings).into_iter().map(|keyed| keyed.key).collect();
        assert_eq!(found, ["CRON_LOG_MAX_SIZE", "MAX_CRON_LOG_ARCHIVES"]);
    }

    #[test]
    fn hints_and_short_secrets_name_the_variable_only() {
        let hint = of_hint(&("HOOKS_TIMEOUT".to_owned(), "HOOK_TIMEOUT"));
        assert_eq!(hint.finding.message, "HOOKS_TIMEOUT is no setting and has no effect: HOOK_TIMEOUT may be meant");
        let short = of_short_secret("RESTIC_PASSWORD");
        assert_eq!((short.key.as_str(), short.finding.severity), ("RESTIC_PASSWORD", Severity::Warn));
    }
}
