//! What is to be exported, and where to: the arguments, checked and with their defaults.

use super::arguments::SnapshotExportArgs;
use super::format::Format;
use super::select::{self, Selection};
use crate::run::Cancelled;
use crate::settings::Settings;
use crate::workers::restore::plan::{LATEST, on_off, snapshot, usage};
use crate::workers::restore::snapshots::Filters;
use crate::workers::restore::table::shown;
use chrono::{DateTime, Local};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where the archive goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// To a file, by its absolute path.
    File(PathBuf),
    /// To standard output.
    Stdout,
}

/// Everything that one export needs to know.
#[derive(Debug, Clone)]
pub struct Plan {
    /// As it was given.
    pub given: String,
    /// `latest`, or an id.
    pub snapshot: String,
    /// The folder of `ID:folder`, absolute; paths in the archive begin there.
    pub below: Option<String>,
    /// Which snapshots `latest` is the newest of.
    pub filters: Filters,
    /// The includes.
    pub includes: Vec<String>,
    /// The excludes.
    pub excludes: Vec<String>,
    /// Both, as they are matched.
    pub selection: Selection,
    /// Where to.
    pub output: Output,
    /// How.
    pub format: Format,
    /// The work folder that was named in vain.
    pub work_dir: Option<String>,
    /// A note on it is due.
    pub workdir_flags: bool,
    /// Refusals are lifted.
    pub force: bool,
    /// Nothing is written.
    pub dry_run: bool,
    /// The archive is read again.
    pub verify: bool,
    /// Members are shown.
    pub verbose: bool,
}

impl Plan {
    /// The plan that the arguments make; `values` are what pre hooks have handed on, `now` is in the name of an archive
    /// that was not named.
    ///
    /// # Errors
    /// A refusal (exit code 2) that names the flag, its value and the mend.
    pub fn new(
        arguments: &SnapshotExportArgs,
        settings: &Settings,
        values: &BTreeMap<String, String>,
        now: DateTime<Local>,
    ) -> Result<Self, Cancelled> {
        let tag = values.get("RESTIC_TAG").unwrap_or(&settings.repository.tag);
        let given = match arguments.id.as_deref() {
            Some("") => return Err(usage("--id '' is empty: give 'latest', or an id as `restore --list` shows it")),
            Some(id) => snapshot(id)?,
            None => LATEST.to_owned(),
        };
        let (snapshot, below) = match given.split_once(':') {
            Some((id, folder)) => (if id.is_empty() { LATEST } else { id }, select::clean(folder)),
            None => (given.as_str(), None),
        };
        let patterns = |values: &[String]| values.iter().filter(|value| !value.is_empty()).cloned().collect::<Vec<_>>();
        let (includes, excludes) = (patterns(&arguments.include), patterns(&arguments.exclude));
        let selection = Selection::new(&includes, &excludes).map_err(usage)?;
        let format = format(arguments)?;
        let output = output(arguments, settings, &given, format, now)?;
        if output == Output::Stdout && arguments.verify && !arguments.dry_run {
            return Err(usage(
                "--verify and --output - exclude each other, since what went to standard output cannot be read again: \
                 leave one of them out",
            ));
        }
        Ok(Self {
            snapshot: snapshot.to_owned(),
            given: given.clone(),
            below,
            filters: Filters {
                tag: arguments.tag.clone().unwrap_or_else(|| tag.clone()),
                host: arguments.host.clone().unwrap_or_else(|| settings.identity.hostname.clone()),
                since: None,
            },
            includes,
            excludes,
            selection,
            output,
            format,
            workdir_flags: arguments.work_dir.is_some() || arguments.keep_workdir,
            work_dir: arguments.work_dir.clone(),
            force: arguments.force,
            dry_run: arguments.dry_run,
            verify: arguments.verify && !arguments.dry_run,
            verbose: arguments.verbose,
        })
    }

    /// The archive as reports name it: its path, or `-`.
    pub fn archive(&self) -> String {
        match &self.output {
            Output::File(path) => path.to_string_lossy().into_owned(),
            Output::Stdout => "-".to_owned(),
        }
    }

    /// The keys that every summary of an export begins with.
    pub fn extras(&self, settings: &Settings, matched_nothing: bool) -> Vec<(String, String)> {
        [
            ("snapshot", &*self.given),
            ("repository", &settings.repository.shown),
            ("archive", &self.archive()),
            ("work_dir", self.work_dir.as_deref().unwrap_or_default()),
            ("dry_run", on_off(self.dry_run)),
            ("include_zero_match", if matched_nothing { "true" } else { "false" }),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .to_vec()
    }
}

/// The form that was asked for, by a flag or by the archive's name.
fn format(arguments: &SnapshotExportArgs) -> Result<Format, Cancelled> {
    let output = arguments.output.as_deref().unwrap_or_default();
    match (Format::of_name(output), arguments.format) {
        (Ok(None), format) => Ok(format.unwrap_or_default()),
        (Ok(Some(named)), None) => Ok(named),
        (Ok(Some(named)), Some(asked)) if named == asked => Ok(asked),
        (Ok(Some(named)), Some(asked)) => Err(usage(format!(
            "--format {} and --output '{}' contradict each other, since that name says {}: change one of them",
            asked.name(),
            shown(output),
            named.name()
        ))),
        (Err(ending), _) => Err(usage(format!(
            "--output '{}' ends with {ending}, which cannot be written: let it end with .tar.gz, .tar.zst or .tar",
            shown(output)
        ))),
    }
}

fn output(
    arguments: &SnapshotExportArgs,
    settings: &Settings,
    id: &str,
    format: Format,
    now: DateTime<Local>,
) -> Result<Output, Cancelled> {
    let path = match arguments.output.as_deref() {
        Some("-") => return Ok(Output::Stdout),
        Some(given) if given.is_empty() || given.ends_with('/') || given.ends_with("/.") || given.ends_with("..") => {
            return Err(usage(
                format!("--output '{}' names no file: name the archive, or - ", shown(given)).trim_end(),
            ));
        }
        Some(given) => PathBuf::from(given),
        None => {
            let name = format!("snapshot-export-{}-{}.{}", label(id), now.format("%Y%m%d-%H%M%S"), format.name());
            settings.paths.restore.join(name)
        }
    };
    std::path::absolute(&path).map(Output::File).map_err(|error| {
        usage(format!("--output '{}' cannot be used ({error}): name an absolute path", path.display()))
    })
}

/// The id as a part of a file's name: each run of other characters than `A-Za-z0-9_.-` is one `-`.
fn label(id: &str) -> String {
    let mut label = String::new();
    let mut in_run = false;
    for character in id.chars() {
        let plain = character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | '-');
        if plain {
            label.push(character);
        } else if !in_run {
            label.push('-');
        }
        in_run = !plain;
    }
    label
}

/// The folder that a file is in.
pub fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    fn plan(words: &[&str]) -> Result<Plan, Cancelled> {
        let arguments = SnapshotExportArgs::try_parse_from(std::iter::once(&"snapshot-export").chain(words));
        let settings = crate::settings::read(&crate::engine::scene::environment(Path::new("/nowhere")));
        let now = DateTime::parse_from_rfc3339("2026-05-11T09:30:05+00:00").expect("is a time").with_timezone(&Local);
        Plan::new(&arguments.expect("is well-formed"), &settings, &BTreeMap::new(), now)
    }

    #[test]
    fn the_default_name_has_the_id_the_time_and_the_form() {
        let name = |words: &[&str]| plan(words).expect("is allowed").archive();
        assert!(name(&[]).starts_with("/nowhere/restore/snapshot-export-latest-20260511-"), "{}", name(&[]));
        assert!(name(&[]).ends_with(".tar.gz"));
        let odd = name(&["--id", "a:/b//ü/c_d.e", "--format", "tar.zst"]);
        assert!(odd.contains("snapshot-export-a-b-c_d.e-2026") && odd.ends_with(".tar.zst"), "{odd}");
    }

    #[test]
    fn an_id_may_name_a_folder() {
        let plan = plan(&["--id", "abc:data/docs/"]).expect("is allowed");
        assert_eq!((plan.snapshot.as_str(), plan.below.as_deref()), ("abc", Some("/data/docs")));
        assert_eq!(super::tests::plan(&["--id", "abc:/"]).expect("is allowed").below, None);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_code_2() {
        for (words, part) in [
            (&["--id", ""][..], "--id ''"),
            (&["--id=-x"], "'-x'"),
            (&["--output", ""], "--output ''"),
            (&["--output", "/a/"], "--output '/a/'"),
            (&["--output", "/a.tar.zst", "--format", "tar.gz"], "contradict"),
            (&["--output", "/a.tar.xz"], ".tar.xz"),
            (&["--output", "-", "--verify"], "--verify"),
            (&["--include", "/a["], "--include '/a['"),
        ] {
            match plan(words) {
                Err(Cancelled::Refused { message, code: 2 }) => assert!(message.contains(part), "{message}"),
                other => panic!("{words:?}: {other:?}"),
            }
        }
    }
}
