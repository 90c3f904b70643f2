//! Section `Configuration checks`: repository, password, sources, folders, and every other setting.

use super::access::{Folder, readable, readable_folder};
use super::page::Section;
use super::{Finding, Severity, mistakes};
use crate::settings::{Password, RepositoryFile, Settings, SettingsFile};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// A finding with the key that it has in `config-check`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Keyed {
    pub(super) key: String,
    pub(super) finding: Finding,
}

impl Keyed {
    pub(super) fn new(key: impl Into<String>, finding: Finding) -> Self {
        Self { key: key.into(), finding }
    }
}

/// The section.
pub(super) fn section(settings: &Settings) -> Section {
    let mut section = Section::new("Configuration checks");
    let mut told = core(settings);
    told.push(Keyed::new("BACKUP_PATHS", backup_root(settings)));
    let bundle = Keyed::new("RESTIC_CACERT", cacert(settings));
    let others = mistakes::findings(settings, &covered(told.iter().chain([&bundle])));
    section.findings(told.into_iter().map(|keyed| keyed.finding));
    section.findings(settings_file(settings));
    section.findings(file_options(settings));
    section.findings([rclone_config(settings), bundle.finding]);
    section.findings(folders(settings));
    section.findings(others.into_iter().filter(|keyed| !is_of_hooks(&keyed.key)).map(|keyed| keyed.finding));
    section
}

/// The file that settings come from beside the environment, if there is one: which, but not what they are set to.
fn settings_file(settings: &Settings) -> Vec<Finding> {
    let SettingsFile::Read { path, names, secret } = &settings.file else { return Vec::new() };
    let shown = path.display();
    let sets = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    let mut findings = vec![Finding::ok(format!("SETTINGS_FILE: read ({shown}), sets {sets}"))];
    if !secret.is_empty() && path.metadata().is_ok_and(|facts| facts.mode() & OTHERS_READ != 0) {
        let held = secret.join(", ");
        findings.push(Finding::warn(format!(
            "SETTINGS_FILE: others may read it ({shown}), and it holds {held}: chmod o-r"
        )));
    }
    findings
}

/// The right of everybody else to read a file (inode(7)).
const OTHERS_READ: u32 = 0o004;

/// Whether a variable is told of in the section `Hooks`.
pub(super) fn is_of_hooks(variable: &str) -> bool {
    variable.starts_with("HOOK")
}

/// Repository, password, tag.
pub(super) fn core(settings: &Settings) -> Vec<Keyed> {
    vec![repository(settings), password(settings), tag(settings)]
}

/// The variables of which these findings already say that something is wrong.
pub(super) fn covered<'a>(findings: impl IntoIterator<Item = &'a Keyed>) -> Vec<&'a str> {
    let bad = findings.into_iter().filter(|keyed| keyed.finding.is_bad());
    bad.map(|keyed| if keyed.key == "BACKUP_PATHS" { "BACKUP_ROOT_DIR" } else { keyed.key.as_str() }).collect()
}

fn repository(settings: &Settings) -> Keyed {
    let repository = &settings.repository;
    match &repository.file {
        RepositoryFile::Unreadable(path, why) => Keyed::new(
            "RESTIC_REPOSITORY_FILE",
            Finding::fail(format!("RESTIC_REPOSITORY_FILE: not readable ({}): {why}", path.display())),
        ),
        RepositoryFile::Empty(path) => Keyed::new(
            "RESTIC_REPOSITORY_FILE",
            Finding::fail(format!("RESTIC_REPOSITORY_FILE: no repository in it ({})", path.display())),
        ),
        RepositoryFile::Unset | RepositoryFile::Resolved(_) if repository.location.is_empty() => {
            Keyed::new("RESTIC_REPOSITORY", Finding::fail("RESTIC_REPOSITORY is empty."))
        }
        RepositoryFile::Unset | RepositoryFile::Resolved(_) => {
            Keyed::new("RESTIC_REPOSITORY", Finding::ok(format!("RESTIC_REPOSITORY is set to {}", repository.shown)))
        }
    }
}

fn password(settings: &Settings) -> Keyed {
    match &settings.repository.password {
        Password::File(path, true) => Keyed::new(
            "RESTIC_PASSWORD_FILE",
            Finding::ok(format!("RESTIC_PASSWORD_FILE: readable ({})", path.display())),
        ),
        Password::File(path, false) => Keyed::new(
            "RESTIC_PASSWORD_FILE",
            Finding::fail(format!("RESTIC_PASSWORD_FILE: not readable ({})", path.display())),
        ),
        Password::Environment => Keyed::new("RESTIC_PASSWORD", Finding::ok("RESTIC_PASSWORD is set (hidden).")),
        Password::Command => Keyed::new("RESTIC_PASSWORD", Finding::ok("RESTIC_PASSWORD_COMMAND is set (hidden).")),
        Password::Missing => Keyed::new(
            "RESTIC_PASSWORD",
            Finding::fail("RESTIC_PASSWORD_FILE, RESTIC_PASSWORD and RESTIC_PASSWORD_COMMAND are all empty."),
        ),
    }
}

fn tag(settings: &Settings) -> Keyed {
    let tag = &settings.repository.tag;
    Keyed::new(
        "RESTIC_TAG",
        if tag.is_empty() {
            Finding::fail("RESTIC_TAG is empty.")
        } else {
            Finding::ok(format!("RESTIC_TAG is set ({tag})."))
        },
    )
}

/// Whether there is anything to back up, without looking whether it is there.
pub(super) fn backup_paths(settings: &Settings) -> Finding {
    let root = &settings.jobs.backup_root;
    let has_words = !settings.jobs.backup.raw.trim().is_empty();
    match (root.is_empty(), has_words) {
        (true, true) => Finding::ok("BACKUP_ROOT_DIR is empty; the paths come from RESTIC_JOB_ARGS."),
        (true, false) => Finding::fail("BACKUP_ROOT_DIR and RESTIC_JOB_ARGS are both empty."),
        (false, _) => Finding::ok(format!("BACKUP_ROOT_DIR is set ({root}).")),
    }
}

fn backup_root(settings: &Settings) -> Finding {
    let root = &settings.jobs.backup_root;
    if root.is_empty() {
        backup_paths(settings)
    } else if readable_folder(Path::new(root)) {
        Finding::ok(format!("BACKUP_ROOT_DIR is readable ({root})."))
    } else {
        Finding::warn(format!("BACKUP_ROOT_DIR is not a readable directory ({root})."))
    }
}

/// Files that restic reads lists from. Without its list of sources a backup fails, without a list of excludes as well,
/// but then nothing is lost.
const FILE_OPTIONS: [(&str, Severity); 5] = [
    ("--files-from", Severity::Fail),
    ("--files-from-verbatim", Severity::Fail),
    ("--files-from-raw", Severity::Fail),
    ("--exclude-file", Severity::Warn),
    ("--iexclude-file", Severity::Warn),
];

fn file_options(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    let words = &settings.jobs.backup.words;
    for (option, severity) in FILE_OPTIONS {
        for (place, word) in words.iter().enumerate() {
            let value = match word.strip_prefix(option) {
                Some("") => words.get(place + 1).map(String::as_str),
                Some(glued) => glued.strip_prefix('='),
                None => None,
            };
            findings.extend(value.map(|value| {
                if readable(Path::new(value)) {
                    Finding::ok(format!("RESTIC_JOB_ARGS {option}: readable ({value})"))
                } else {
                    Finding { severity, message: format!("RESTIC_JOB_ARGS {option}: not readable ({value})") }
                }
            }));
        }
    }
    findings
}

/// The rclone configuration, as far as the repository needs it.
pub(super) fn rclone_config(settings: &Settings) -> Finding {
    let path = settings.paths.rclone_config.display();
    let shown = &settings.repository.shown;
    match shown.split_once(':').map_or(shown.as_str(), |(kind, _)| kind) {
        "rclone" if readable(&settings.paths.rclone_config) => Finding::ok(format!("RCLONE_CONFIG: readable ({path})")),
        "rclone" => Finding::fail(format!("RCLONE_CONFIG: not readable ({path})")),
        kind => Finding::info(format!("RCLONE_CONFIG: not required for repository type {kind}")),
    }
}

/// The CA bundle. restic reads the variable itself, so that one it cannot read costs every run.
pub(super) fn cacert(settings: &Settings) -> Finding {
    let given = settings.repository.cacert_given.as_str();
    if given.is_empty() {
        Finding::info("RESTIC_CACERT: not configured")
    } else if readable(Path::new(given)) || given.split(',').all(|one| readable(Path::new(one))) {
        Finding::ok(format!("RESTIC_CACERT: readable ({given})"))
    } else {
        Finding::fail(format!("RESTIC_CACERT: not readable ({given})"))
    }
}

/// Whether somebody makes a folder that is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    IsMade,
    StaysMissing,
}

fn folders(settings: &Settings) -> Vec<Finding> {
    let paths = &settings.paths;
    let log = paths.log.display().to_string();
    let metrics = settings.notify.metrics_dir.as_ref().map_or_else(String::new, |path| path.display().to_string());
    let (run, state) = (paths.run.display().to_string(), paths.state.display().to_string());
    [
        ("RESTIC_CACHE_DIR", paths.cache.as_str(), Missing::IsMade),
        ("TMPDIR", paths.temporary.as_str(), Missing::StaysMissing),
        (log.as_str(), log.as_str(), Missing::StaysMissing),
        ("METRICS_DIR", metrics.as_str(), Missing::IsMade),
        ("RUN_DIR", run.as_str(), Missing::IsMade),
        ("STATE_DIR", state.as_str(), Missing::IsMade),
    ]
    .into_iter()
    .map(|(label, path, missing)| folder(label, path, missing))
    .collect()
}

fn folder(label: &str, path: &str, missing: Missing) -> Finding {
    if path.is_empty() {
        return Finding::info(format!("{label}: not configured"));
    }
    match Folder::look(Path::new(path)) {
        Folder::Writable => Finding::ok(format!("{label}: writable ({path})")),
        Folder::Closed => Finding::warn(format!("{label}: exists but is not writable ({path})")),
        Folder::Creatable if missing == Missing::IsMade => {
            Finding::info(format!("{label}: not there yet, and made when it is needed ({path})"))
        }
        Folder::Creatable | Folder::Missing => Finding::warn(format!("{label}: directory missing ({path})")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use std::fs;

    #[test]
    fn a_password_command_is_a_password() {
        let folder = sample::folder();
        let mut settings = sample::settings(folder.path());
        settings.repository.password = Password::Command;
        assert_eq!(password(&settings).finding, Finding::ok("RESTIC_PASSWORD_COMMAND is set (hidden)."));
        settings.repository.password = Password::Missing;
        assert_eq!(password(&settings).finding.severity, Severity::Fail);
        settings.repository.password = Password::File("/run/pw".into(), false);
        assert_eq!(password(&settings).finding, Finding::fail("RESTIC_PASSWORD_FILE: not readable (/run/pw)"));
    }

    #[test]
    fn a_repository_file_without_one_replaces_the_repositorys_row() {
        let folder = sample::folder();
        let mut settings = sample::settings(folder.path());
        settings.repository.file = RepositoryFile::Empty("/run/repo".into());
        let found = repository(&settings);
        assert_eq!((found.key.as_str(), found.finding.severity), ("RESTIC_REPOSITORY_FILE", Severity::Fail));
    }

    #[test]
    fn lists_of_sources_fail_and_lists_of_excludes_warn() {
        let folder = sample::folder();
        let mut settings = sample::settings(folder.path());
        let list = folder.path().join("list");
        fs::write(&list, "/data\n").expect("there is room");
        let list = list.display();
        settings.jobs.backup.words =
            format!("--files-from={list} --files-from /none --exclude-file /no --files-from-raw")
                .split(' ')
                .map(str::to_owned)
                .collect();
        assert_eq!(
            file_options(&settings),
            [
                Finding::ok(format!("RESTIC_JOB_ARGS --files-from: readable ({list})")),
                Finding::fail("RESTIC_JOB_ARGS --files-from: not readable (/none)"),
                Finding::warn("RESTIC_JOB_ARGS --exclude-file: not readable (/no)"),
            ]
        );
    }

    #[test]
    fn folders_that_are_made_when_needed_are_no_warnings() {
        let folder = sample::folder();
        let path = folder.path().join("a/b").display().to_string();
        assert_eq!(folder_severity("RESTIC_CACHE_DIR", &path, Missing::IsMade), Severity::Info);
        assert_eq!(folder_severity("TMPDIR", &path, Missing::StaysMissing), Severity::Warn);
        let file = folder.path().join("file");
        fs::write(&file, "x").expect("there is room");
        let below = file.join("metrics").display().to_string();
        assert_eq!(folder_severity("METRICS_DIR", &below, Missing::IsMade), Severity::Warn);
    }

    fn folder_severity(label: &str, path: &str, missing: Missing) -> Severity {
        folder(label, path, missing).severity
    }

    #[test]
    fn a_list_of_bundles_is_readable_if_each_is() {
        let folder = sample::folder();
        let mut settings = sample::settings(folder.path());
        let one = folder.path().join("one.pem");
        fs::write(&one, "x").expect("there is room");
        settings.repository.cacert_given = format!("{},{}", one.display(), one.display());
        assert_eq!(cacert(&settings).severity, Severity::Ok);
        settings.repository.cacert_given = format!("{},/none", one.display());
        assert_eq!(cacert(&settings).severity, Severity::Fail);
    }

    #[test]
    fn only_an_rclone_repository_needs_rclones_configuration() {
        let folder = sample::folder();
        let mut settings = sample::settings(folder.path());
        settings.repository.shown = "/mnt/restic".to_owned();
        assert_eq!(
            rclone_config(&settings),
            Finding::info("RCLONE_CONFIG: not required for repository type /mnt/restic")
        );
        settings.repository.shown = "rclone:vault:main".to_owned();
        assert_eq!(rclone_config(&settings).severity, Severity::Fail);
    }
}
