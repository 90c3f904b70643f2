//! Section `Runtime`: who and when we are, and which programs are there.

use super::page::Section;
use super::{Finding, replicate};
use crate::engine::{NoVersion, TOOL_LIMIT, tool_version};
use crate::settings::Settings;
use chrono::{DateTime, Local};

/// The programs, and how each says its version.
const PROGRAMS: [(&str, &[&str]); 3] = [("restic", &["version"]), ("rclone", &["version"]), ("bash", &["--version"])];

/// What a program says, or why it does not.
pub(super) type Version = Result<String, NoVersion>;

/// The versions of [`PROGRAMS`], in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Versions(pub(super) [Version; 3]);

impl Versions {
    /// Asks all programs side by side.
    pub(super) fn ask(settings: &Settings) -> Self {
        let mut environment = settings.environment.clone();
        // Where none is named, rclone makes a folder for its configuration, and looking writes nothing. This is its own
        // word for "none" (rclone.org/docs: --config).
        environment.set("RCLONE_CONFIG", "/notfound");
        let environment = &environment;
        std::thread::scope(|scope| {
            let asked = PROGRAMS.map(|(program, args)| {
                std::thread::Builder::new().spawn_scoped(scope, || tool_version(program, args, environment))
            });
            // Where there is no room for a thread there is none for a program.
            let not_asked = Err(NoVersion::Failed(crate::exit::CANNOT_EXECUTE));
            Self(asked.map(|thread| thread.ok().and_then(|thread| thread.join().ok()).unwrap_or(not_asked.clone())))
        })
    }

    /// `restic_version` and so on, for the JSON document.
    pub(super) fn words(&self) -> impl Iterator<Item = (String, String)> {
        PROGRAMS.iter().zip(&self.0).map(|((program, _), version)| {
            (format!("{program}_version"), version.clone().unwrap_or_else(|_| "unavailable".to_owned()))
        })
    }
}

/// `release`, `hostname`, `date`, `timezone`.
pub(super) fn values(settings: &Settings, now: DateTime<Local>) -> [(&'static str, String); 4] {
    let zone = settings.environment.text("TZ").filter(|zone| !zone.is_empty());
    [
        ("release", settings.identity.release.clone()),
        ("hostname", settings.identity.hostname.clone()),
        ("date", now.format("%Y-%m-%d %a %H:%M:%S %z").to_string()),
        ("timezone", zone.unwrap_or_else(|| "<unset>".to_owned())),
    ]
}

/// The section.
pub(super) fn section(settings: &Settings, versions: &Versions, now: DateTime<Local>) -> Section {
    let mut section = Section::new("Runtime");
    for (key, value) in values(settings, now) {
        section.value(key, value);
    }
    section.findings(PROGRAMS.iter().zip(&versions.0).map(|((program, _), version)| {
        let trouble = match version {
            Ok(line) => return Finding::ok(format!("{program}: {line}")),
            Err(NoVersion::Failed(code)) => format!("{program}: unavailable (exit {code})"),
            Err(NoVersion::Silent) => format!("{program}: unavailable (no answer within {}s)", TOOL_LIMIT.as_secs()),
        };
        match *program {
            "rclone" if !needs_rclone(settings) => {
                Finding::info(format!("{trouble}; neither the repository nor a replication needs it"))
            }
            // A hook that names it and cannot run has a finding of its own.
            "bash" => Finding::info(format!("{trouble}; only scripts that name it need it")),
            _ => Finding::warn(trouble),
        }
    }));
    section
}

fn needs_rclone(settings: &Settings) -> bool {
    settings.repository.location.starts_with("rclone:") || replicate::is_scheduled(settings)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::doctor::Severity;

    fn severities(settings: &Settings, versions: [Version; 3]) -> Vec<Severity> {
        let section = section(settings, &Versions(versions), sample::now());
        section.checks().map(|(_, finding)| finding.severity).collect()
    }

    #[test]
    fn a_missing_rclone_is_a_warning_only_where_it_is_needed() {
        let folder = sample::folder();
        let mut settings = sample::settings(folder.path());
        let missing = || [1, 127, 127].map(|code| Err(NoVersion::Failed(code)));
        assert_eq!(severities(&settings, missing()), [Severity::Warn, Severity::Info, Severity::Info]);
        settings.repository.location = "rclone:vault:main".to_owned();
        assert_eq!(severities(&settings, missing()), [Severity::Warn, Severity::Warn, Severity::Info]);
        settings.repository.location = "/srv/restic".to_owned();
        settings.schedules.replicate = "0 1 * * *".to_owned();
        assert_eq!(severities(&settings, missing()), [Severity::Warn, Severity::Warn, Severity::Info]);
    }

    #[test]
    fn a_silent_program_is_unavailable() {
        let versions = Versions([Err(NoVersion::Silent), Ok("rclone v1".into()), Err(NoVersion::Failed(127))]);
        let words: Vec<_> = versions.words().collect();
        assert_eq!(words[0], ("restic_version".to_owned(), "unavailable".to_owned()));
        assert_eq!(words[1].1, "rclone v1");
        let folder = sample::folder();
        let section = section(&sample::settings(folder.path()), &versions, sample::now());
        let first = section.checks().next().expect("there is one").1;
        assert_eq!(first.message, "restic: unavailable (no answer within 10s)");
    }
}
