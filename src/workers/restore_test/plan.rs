//! What is to be restored and checked: the flags, and what the settings say where there is none.

use super::arguments::RestoreTestArgs;
use crate::settings::Settings;
use crate::workers::restore::plan::LATEST;
use crate::workers::restore::snapshots::Filters;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Everything that one test needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// `latest`, or an id as it was given.
    pub snapshot: String,
    /// Which snapshots `latest` is the newest of.
    pub filters: Filters,
    /// What alone is restored; empty for everything.
    pub paths: Vec<String>,
    /// Where to.
    pub target: Target,
    /// What was restored stays.
    pub keep: bool,
    /// A named target may hold something already.
    pub force: bool,
    /// Nothing is written.
    pub dry_run: bool,
    /// restic reads the files again.
    pub verify: bool,
    /// How many files must have come back.
    pub min_files: u64,
    /// A flag has said so: that is kept to, also where a sample cannot do it.
    pub min_files_told: bool,
    /// How many files are drawn; 0 for all of them.
    pub sample: u64,
    /// What the drawing begins with, if it is to be as it was before.
    pub seed: Option<u64>,
    /// `PATH=SHA256`, not taken apart yet.
    pub canaries: Vec<String>,
    /// A list of such files.
    pub canary_file: Option<String>,
    /// The settings that a flag stands for, whose mistakes do not matter.
    pub overridden: Vec<&'static str>,
}

/// Where to restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Where somebody said, and it stays.
    Named(String),
    /// A new folder of this name.
    Automatic(PathBuf),
}

/// What an automatic folder is called before its random end.
const PREFIX: &str = "restore-test.";

/// Where automatic folders are made unless `TMPDIR` says otherwise.
const TEMPORARY: &str = "/tmp";

impl Plan {
    /// The plan of these flags; `values` are what pre hooks have handed on, `suffix` ends an automatic folder's name.
    pub fn new(
        arguments: &RestoreTestArgs,
        settings: &Settings,
        values: &BTreeMap<String, String>,
        suffix: &str,
    ) -> Self {
        let of = &settings.restore_test;
        let target = match &arguments.target {
            Some(target) => Target::Named(target.clone()),
            None if of.target.is_empty() => Target::Automatic(temporary(settings).join(format!("{PREFIX}{suffix}"))),
            None => Target::Named(of.target.clone()),
        };
        let tag = values.get("RESTIC_TAG").unwrap_or(&settings.repository.tag);
        let overridden = [
            ("RESTORE_TEST_TARGET", arguments.target.is_some()),
            ("RESTORE_TEST_CANARY_FILE", arguments.canary_file.is_some()),
            ("RESTORE_TEST_MIN_FILES", arguments.min_files.is_some()),
            ("RESTORE_TEST_SAMPLE", arguments.sample.is_some()),
        ];
        let sample = arguments.sample.unwrap_or(of.sample);
        Self {
            snapshot: match arguments.id.as_deref() {
                None | Some("") => LATEST.to_owned(),
                Some(id) => id.to_owned(),
            },
            filters: Filters {
                tag: arguments.tag.clone().unwrap_or_else(|| tag.clone()),
                host: arguments.host.clone().unwrap_or_else(|| settings.identity.hostname.clone()),
                since: None,
            },
            paths: both(&of.paths.words, &arguments.path),
            target,
            keep: arguments.keep || of.keep,
            force: arguments.force,
            dry_run: arguments.dry_run,
            verify: arguments.verify || of.verify,
            min_files: arguments.min_files.unwrap_or(floor(of.min_files, sample)),
            min_files_told: arguments.min_files.is_some(),
            sample,
            seed: arguments.sample_seed,
            canaries: both(&of.canaries.words, &arguments.canary),
            canary_file: arguments
                .canary_file
                .clone()
                .or_else(|| Some(of.canary_file.clone()).filter(|file| !file.is_empty())),
            overridden: overridden.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect(),
        }
    }

    /// The folder that is restored into.
    pub fn folder(&self) -> &Path {
        match &self.target {
            Target::Named(folder) => Path::new(folder),
            Target::Automatic(folder) => folder,
        }
    }

    /// The same as text.
    pub fn shown_folder(&self) -> String {
        self.folder().to_string_lossy().into_owned()
    }

    /// Whether the folder is made for this run alone.
    pub fn is_automatic(&self) -> bool {
        matches!(self.target, Target::Automatic(_))
    }

    /// Whether a few files are drawn.
    pub fn is_sampled(&self) -> bool {
        self.sample > 0
    }

    /// How many files must have come back, if so many were drawn.
    pub fn min_files_of(&self, drawn: Option<u64>) -> u64 {
        match drawn {
            // Even of nothing to draw from, nothing is not enough.
            Some(drawn) if !self.min_files_told => self.min_files.min(drawn.max(1)),
            _ => self.min_files,
        }
    }

    /// Whether restic reads the files again: what was drawn is always read, what was not written never.
    pub fn is_verified(&self) -> bool {
        (self.verify || self.is_sampled()) && !self.dry_run
    }
}

/// What a setting that is meant for whole restores asks of a sample.
fn floor(min_files: u64, sample: u64) -> u64 {
    if sample > 0 { min_files.min(sample) } else { min_files }
}

/// The folder that automatic folders are made in.
pub fn temporary(settings: &Settings) -> &Path {
    let given = settings.paths.temporary.as_str();
    Path::new(if given.is_empty() { TEMPORARY } else { given })
}

/// What the settings name and what the flags add; an empty word names nothing.
fn both(settings: &[String], flags: &[String]) -> Vec<String> {
    settings.iter().chain(flags).filter(|word| !word.is_empty()).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn plan(variables: &[(&str, &str)], words: &[&str]) -> Plan {
        let mut environment = crate::settings::Environment::from_iter([("HOSTNAME", "node-a"), ("TMPDIR", "/t")]);
        for (name, value) in variables {
            environment.set(name, value);
        }
        let arguments = RestoreTestArgs::try_parse_from(std::iter::once(&"restore-test").chain(words)).expect("fine");
        Plan::new(&arguments, &crate::settings::read(&environment), &BTreeMap::new(), "Ab1")
    }

    #[test]
    fn nothing_said_is_the_latest_of_this_host_into_a_folder_of_its_own() {
        let plan = plan(&[], &[]);
        assert_eq!(plan.filters.words(), ["--tag", "automated", "--host", "node-a"]);
        assert_eq!(plan.target, Target::Automatic("/t/restore-test.Ab1".into()));
        assert_eq!((plan.snapshot.as_str(), plan.min_files, plan.sample), ("latest", 1, 0));
        assert!(!plan.keep && !plan.verify && plan.paths.is_empty() && plan.canary_file.is_none());
    }

    #[test]
    fn the_setting_asks_no_more_files_of_a_sample_than_are_drawn() {
        let variables = [("RESTORE_TEST_MIN_FILES", "3")];
        let set = plan(&variables, &["--sample", "2"]);
        assert_eq!((set.min_files, set.min_files_of(Some(1)), set.min_files_of(Some(0))), (2, 1, 1));
        assert_eq!(plan(&variables, &["--sample", "9"]).min_files_of(Some(5)), 3);
        let told = plan(&variables, &["--sample", "2", "--min-files", "4"]);
        assert_eq!((told.min_files, told.min_files_of(Some(1))), (4, 4));
        assert_eq!(plan(&variables, &[]).min_files_of(None), 3);
    }

    #[test]
    fn each_setting_has_its_flag_and_lists_add_up() {
        let variables = [
            ("RESTORE_TEST_PATH", "/a '/b c'"),
            ("RESTORE_TEST_TARGET", "/t1"),
            ("RESTORE_TEST_KEEP", "ON"),
            ("RESTORE_TEST_VERIFY", "ON"),
            ("RESTORE_TEST_MIN_FILES", "7"),
            ("RESTORE_TEST_CANARY", "/x=1 /y=2"),
            ("RESTORE_TEST_CANARY_FILE", "/f1"),
            ("RESTORE_TEST_SAMPLE", "9"),
        ];
        let given = plan(&variables, &[]);
        assert_eq!(given.paths, ["/a", "/b c"]);
        assert_eq!(given.target, Target::Named("/t1".to_owned()));
        assert!(given.keep && given.verify);
        assert_eq!((given.min_files, given.sample, given.canary_file.as_deref()), (7, 9, Some("/f1")));
        let words = "--path /p --path= --target /t2 --min-files 0 --canary /z=3 --canary-file /f2 --sample 0";
        let told = plan(&variables, &words.split(' ').collect::<Vec<_>>());
        assert_eq!(
            (told.paths, told.canaries),
            (
                vec!["/a".to_owned(), "/b c".to_owned(), "/p".to_owned()],
                vec!["/x=1".to_owned(), "/y=2".to_owned(), "/z=3".to_owned()]
            )
        );
        assert_eq!(told.target, Target::Named("/t2".to_owned()));
        assert_eq!((told.min_files, told.sample, told.canary_file.as_deref()), (0, 0, Some("/f2")));
    }
}
