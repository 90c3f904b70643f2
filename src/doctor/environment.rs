//! Section `Effective environment`: the variables that people ask about first, as they take effect.

use super::Finding;
use super::page::Section;
use crate::masking;
use crate::settings::{RepositoryFile, Settings};

/// The variables, in the order in which other programs have known them since the reference image.
const VARIABLES: [&str; 38] = [
    "RESTIC_REPOSITORY",
    "RESTIC_REPOSITORY_FILE",
    "RESTIC_PASSWORD_FILE",
    "RESTIC_PASSWORD",
    "RESTIC_TAG",
    "RESTIC_CACHE_DIR",
    "TMPDIR",
    "RESTIC_CHECK_REPOSITORY_STATUS",
    "RESTIC_AUTO_UNLOCK",
    "RESTIC_CACERT",
    "NFS_TARGET",
    "BACKUP_CRON",
    "BACKUP_ROOT_DIR",
    "RESTIC_JOB_ARGS",
    "RESTIC_FORGET_ARGS",
    "RESTIC_INIT_ARGS",
    "CHECK_CRON",
    "RESTIC_CHECK_ARGS",
    "FORGET_CRON",
    "PRUNE_CRON",
    "RESTIC_PRUNE_ARGS",
    "RCLONE_CONFIG",
    "REPLICATE_JOB_FILE",
    "REPLICATE_JOB_ARGS",
    "REPLICATE_CRON",
    "REPLICATE_VERBOSE",
    "REPLICATE_BISYNC_CHECK_ACCESS",
    "HOOK_TIMEOUT",
    "MAILX_RCPT",
    "MAILX_ON_ERROR",
    "WEBHOOK_URL",
    "WEBHOOK_HEADER_AUTH",
    "WEBHOOK_TIMEOUT",
    "WEBHOOK_ON_ERROR",
    "METRICS_DIR",
    "ROTATE_LOG_CRON",
    "CRON_LOG_MAX_SIZE",
    "MAX_CRON_LOG_ARCHIVES",
];

const EMPTY: &str = "<empty>";
const HIDDEN: &str = "<set, hidden>";

/// Every variable with its value as it may be shown, secrets inside longer values aside.
pub(super) fn values(settings: &Settings) -> Vec<(&'static str, String)> {
    VARIABLES.iter().map(|variable| (*variable, value(settings, variable))).collect()
}

fn value(settings: &Settings, variable: &str) -> String {
    if let Some(effective) = effective(settings, variable) {
        return effective;
    }
    let given = settings.environment.text_or_empty(variable);
    match variable {
        "RESTIC_REPOSITORY" => settings.repository.shown.clone(),
        "RESTIC_REPOSITORY_FILE" if matches!(settings.repository.file, RepositoryFile::Resolved(_)) => EMPTY.to_owned(),
        _ if given.is_empty() => EMPTY.to_owned(),
        "RESTIC_PASSWORD" | "WEBHOOK_HEADER_AUTH" => HIDDEN.to_owned(),
        "WEBHOOK_URL" => masking::endpoint(&given),
        _ => given,
    }
}

/// The five settings of `replicate` that have an older name each.
pub(super) fn replicate(settings: &Settings) -> [(&'static str, String); 5] {
    let variables = [
        "REPLICATE_CRON",
        "REPLICATE_JOB_FILE",
        "REPLICATE_JOB_ARGS",
        "REPLICATE_VERBOSE",
        "REPLICATE_BISYNC_CHECK_ACCESS",
    ];
    variables.map(|variable| (variable, effective(settings, variable).unwrap_or_default()))
}

fn effective(settings: &Settings, variable: &str) -> Option<String> {
    let jobs = &settings.jobs;
    let switch = |on: bool| if on { "ON".to_owned() } else { "OFF".to_owned() };
    match variable {
        "REPLICATE_CRON" => Some(settings.schedules.replicate.clone()),
        "REPLICATE_JOB_FILE" => Some(jobs.replicate_file.display().to_string()),
        "REPLICATE_JOB_ARGS" => Some(jobs.replicate.raw.clone()),
        "REPLICATE_VERBOSE" => Some(switch(jobs.replicate_verbose)),
        "REPLICATE_BISYNC_CHECK_ACCESS" => Some(switch(jobs.replicate_check_access)),
        _ => None,
    }
}

/// The section: older names that take effect, then the values.
pub(super) fn section(settings: &Settings) -> Section {
    let mut section = Section::new("Effective environment");
    section.findings(
        settings
            .jobs
            .deprecated
            .iter()
            .map(|(old, new)| Finding::warn(format!("{old} is deprecated; effective {new} comes from {old}."))),
    );
    for (variable, value) in values(settings) {
        section.value(variable, value);
    }
    section
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn shown(settings: &Settings, variable: &str) -> String {
        values(settings).into_iter().find(|(name, _)| *name == variable).expect("is listed").1
    }

    #[test]
    fn secrets_are_said_to_be_set() {
        let folder = sample::folder();
        let mut settings = sample::settings(folder.path());
        assert_eq!(shown(&settings, "WEBHOOK_HEADER_AUTH"), "<empty>");
        settings.environment.set("WEBHOOK_HEADER_AUTH", "Bearer x");
        assert_eq!(shown(&settings, "WEBHOOK_HEADER_AUTH"), "<set, hidden>");
        assert_eq!(shown(&settings, "RESTIC_PASSWORD"), "<set, hidden>");
    }

    #[test]
    fn an_unset_repository_is_blank_and_a_resolved_file_empty() {
        let folder = sample::folder();
        let mut settings = sample::settings(folder.path());
        settings.repository.shown = String::new();
        settings.environment.set("RESTIC_REPOSITORY_FILE", "/run/secrets/repo");
        assert_eq!(shown(&settings, "RESTIC_REPOSITORY"), "");
        assert_eq!(shown(&settings, "RESTIC_REPOSITORY_FILE"), "/run/secrets/repo");
        settings.repository.file = RepositoryFile::Resolved("/run/secrets/repo".into());
        assert_eq!(shown(&settings, "RESTIC_REPOSITORY_FILE"), "<empty>");
    }

    #[test]
    fn an_older_name_that_takes_effect_is_a_warning() {
        let folder = sample::folder();
        let mut settings = sample::settings(folder.path());
        settings.jobs.deprecated = vec![("SYNC_CRON", "REPLICATE_CRON")];
        settings.schedules.replicate = "0 1 * * *".to_owned();
        let section = section(&settings);
        let (_, finding) = section.checks().next().expect("is found");
        assert_eq!(finding.message, "SYNC_CRON is deprecated; effective REPLICATE_CRON comes from SYNC_CRON.");
        assert_eq!(shown(&settings, "REPLICATE_CRON"), "0 1 * * *");
    }
}
