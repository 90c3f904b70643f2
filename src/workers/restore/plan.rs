//! What is to be restored, whence, and where to: the arguments, checked and with their defaults.

use super::arguments::RestoreArgs;
use super::owner::{self, Owner};
use super::since;
use super::snapshots::{Filters, Since};
use super::table::shown;
use crate::exit;
use crate::run::Cancelled;
use crate::settings::Settings;

/// Everything that one restore needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// `latest`, or an id as it was given.
    pub snapshot: String,
    /// Where to.
    pub target: String,
    /// Which snapshots `latest` is the newest of.
    pub filters: Filters,
    /// What alone is restored; empty for everything.
    pub includes: Vec<String>,
    /// What is left out.
    pub excludes: Vec<String>,
    /// Whose the files are to be afterwards.
    pub owner: Option<Owner>,
    /// Nothing is written.
    pub dry_run: bool,
    /// restic reads the files again.
    pub verify: bool,
    /// restic tells of every file.
    pub verbose: bool,
    /// The refusals are lifted.
    pub force: bool,
    /// Nothing is asked.
    pub yes: bool,
}

/// The snapshot when none was named.
pub const LATEST: &str = "latest";

impl Plan {
    /// The plan that the arguments make, before anything was asked.
    ///
    /// # Errors
    /// A refusal (exit code 2) that names the flag, its value and the mend.
    pub fn new(arguments: &RestoreArgs, settings: &Settings) -> Result<Self, Cancelled> {
        let given = |values: &[String]| values.iter().filter(|value| !value.is_empty()).cloned().collect::<Vec<_>>();
        let plan = Self {
            snapshot: snapshot(arguments.id.as_deref().unwrap_or_default())?,
            target: match &arguments.target {
                Some(target) => target.clone(),
                None => settings.paths.restore.to_string_lossy().into_owned(),
            },
            filters: filters(arguments, settings)?,
            includes: given(&arguments.include),
            excludes: given(&arguments.exclude),
            owner: not_empty(arguments.owner.as_deref()).map(owner::parse).transpose().map_err(usage)?,
            dry_run: arguments.dry_run,
            verify: arguments.verify,
            verbose: arguments.verbose,
            force: arguments.force,
            yes: arguments.yes,
        };
        plan.check_combinations()?;
        Ok(plan)
    }

    /// restic would refuse these too, but only after the hooks have run.
    fn check_combinations(&self) -> Result<(), Cancelled> {
        if self.target.is_empty() {
            return Err(usage("--target '' is empty: name the folder to restore into"));
        }
        if self.dry_run && self.verify {
            return Err(usage(
                "--verify and --dry-run exclude each other, since a dry run writes nothing that could be verified: \
                 leave one of them out",
            ));
        }
        if let (Some(include), Some(exclude)) = (self.includes.first(), self.excludes.first()) {
            return Err(usage(format!(
                "--include '{}' and --exclude '{}' exclude each other in restic: give only includes, or only excludes",
                shown(include),
                shown(exclude)
            )));
        }
        Ok(())
    }

    /// What follows `restic restore`, in the order that is shown to the person.
    pub fn words(&self) -> Vec<String> {
        let mut words = vec![self.snapshot.clone(), "--target".to_owned(), self.target.clone()];
        words.extend(self.filters.words());
        for (flag, values) in [("--include", &self.includes), ("--exclude", &self.excludes)] {
            words.extend(values.iter().flat_map(|value| [flag.to_owned(), value.clone()]));
        }
        let switches = [(self.verify, "--verify"), (self.dry_run, "--dry-run"), (self.verbose, "--verbose=2")];
        words.extend(switches.into_iter().filter(|(on, _)| *on).map(|(_, flag)| flag.to_owned()));
        words
    }

    /// `ON` or `OFF` for the dry run, as summaries have it.
    pub fn dry_run_word(&self) -> &'static str {
        on_off(self.dry_run)
    }

    /// The keys of every summary of a restore that was to be done.
    pub fn extras(&self, settings: &Settings) -> Vec<(String, String)> {
        let mut extras = self.named(settings);
        extras.push(("dry_run".to_owned(), self.dry_run_word().to_owned()));
        for (key, value) in [("tag_filter", &self.filters.tag), ("host_filter", &self.filters.host)] {
            if !value.is_empty() {
                extras.push((key.to_owned(), value.clone()));
            }
        }
        extras
    }

    /// The keys of the summary of a restore that the person called off.
    pub fn extras_when_cancelled(&self, settings: &Settings) -> Vec<(String, String)> {
        let mut extras = self.named(settings);
        extras.push(("cancelled".to_owned(), "true".to_owned()));
        extras
    }

    fn named(&self, settings: &Settings) -> Vec<(String, String)> {
        [("repository", &settings.repository.shown), ("snapshot", &self.snapshot), ("target", &self.target)]
            .map(|(key, value)| (key.to_owned(), value.clone()))
            .to_vec()
    }
}

/// `ON` or `OFF`.
pub fn on_off(on: bool) -> &'static str {
    if on { "ON" } else { "OFF" }
}

/// What may be the matter with paths that matched nothing, as the end of a message: some may be meant as they are.
pub fn of_patterns(paths: &[String]) -> &'static str {
    if paths.iter().any(|path| path.contains(['*', '?', '[', '\\'])) {
        "; * ? [ \\ are signs of a pattern: put a \\ before one that is meant as it is"
    } else {
        ""
    }
}

/// Which snapshots are meant: an empty value is "any", none given is the settings' own.
///
/// # Errors
/// A refusal (exit code 2) when `--since` is no time.
pub fn filters(arguments: &RestoreArgs, settings: &Settings) -> Result<Filters, Cancelled> {
    let since = not_empty(arguments.since.as_deref())
        .map(|given| since::parse(given).map(|at| Since { given: given.to_owned(), at }))
        .transpose()
        .map_err(usage)?;
    Ok(Filters {
        tag: arguments.tag.clone().unwrap_or_else(|| settings.repository.tag.clone()),
        host: arguments.host.clone().unwrap_or_else(|| settings.identity.hostname.clone()),
        since,
    })
}

/// The snapshot that `id` names; `latest` if it is empty.
///
/// # Errors
/// A refusal (exit code 2) when restic would take it for something else than a snapshot.
pub fn snapshot(id: &str) -> Result<String, Cancelled> {
    if id.starts_with('-') || id.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(usage(format!(
            "snapshot '{}' is no snapshot: give 'latest', or an id as `restore --list` shows it",
            shown(id)
        )));
    }
    Ok(if id.is_empty() { LATEST.to_owned() } else { id.to_owned() })
}

fn not_empty(value: Option<&str>) -> Option<&str> {
    value.filter(|value| !value.is_empty())
}

/// A refusal of a value or of a combination.
pub fn usage(message: impl AsRef<str>) -> Cancelled {
    refused(message, exit::USAGE)
}

/// A refusal with this exit code.
pub fn refused(message: impl AsRef<str>, code: i32) -> Cancelled {
    Cancelled::Refused { message: format!("❌ {}", message.as_ref()), code }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workers::restore::testing::{self, arguments};
    use std::path::Path;

    fn plan(words: &[&str]) -> Result<Plan, Cancelled> {
        Plan::new(&arguments(words), &testing::settings(Path::new("/nowhere")))
    }

    #[test]
    fn defaults_come_from_the_settings_and_an_empty_value_is_any() {
        let plan_of_nothing = plan(&[]).expect("is allowed");
        assert_eq!(
            plan_of_nothing.words(),
            ["latest", "--target", "/nowhere/restore", "--tag", "automated", "--host", "node-a"]
        );
        let any = plan(&["--tag", "", "--host", "", "--id", "", "--owner", "", "--since", ""]).expect("is allowed");
        assert_eq!(any.words(), ["latest", "--target", "/nowhere/restore"]);
    }

    #[test]
    fn restic_gets_every_flag_in_the_known_order() {
        let words = plan(&[
            "--verbose",
            "--verify",
            "--include",
            "/a b",
            "--include",
            "",
            "--include",
            "*.txt",
            "--host",
            "h",
            "--tag",
            "t",
            "--target",
            "/out",
            "--id",
            "abc",
        ])
        .expect("is allowed")
        .words();
        assert_eq!(
            words,
            [
                "abc",
                "--target",
                "/out",
                "--tag",
                "t",
                "--host",
                "h",
                "--include",
                "/a b",
                "--include",
                "*.txt",
                "--verify",
                "--verbose=2"
            ]
        );
        let excluded = plan(&["--exclude=/x", "--dry-run"]).expect("is allowed").words();
        assert_eq!(excluded[7..], ["--exclude", "/x", "--dry-run"]);
    }

    #[test]
    fn what_restic_would_refuse_is_refused_beforehand() {
        let cases: [(&[&str], &str); 7] = [
            (&["--verify", "--dry-run"], "--verify and --dry-run"),
            (&["--include", "/a", "--exclude", "/b"], "--include '/a' and --exclude '/b'"),
            (&["--target", ""], "--target '' is empty"),
            (&["--since", "soon"], "--since 'soon' is not a time"),
            (&["--owner", "1000:"], "--owner '1000:'"),
            (&["--id=-x"], "snapshot '-x' is no snapshot"),
            (&["--id", "a b"], "snapshot 'a b'"),
        ];
        for (words, part) in cases {
            match plan(words) {
                Err(Cancelled::Refused { message, code: 2 }) => {
                    assert!(message.starts_with("❌ ") && message.contains(part), "{message}");
                }
                other => panic!("{words:?}: {other:?}"),
            }
        }
        assert!(plan(&["--include", "", "--exclude", "/b"]).is_ok());
    }
}
