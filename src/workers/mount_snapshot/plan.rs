//! What is mounted, and where: flags, settings and what pre hooks have handed on, put together.

use super::arguments::MountSnapshotArgs;
use crate::settings::Settings;
use crate::workers::restore::place::Place;
use crate::workers::restore::plan::on_off;
use crate::workers::restore::snapshots::Filters;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where snapshots are mounted if nothing else is said.
const TARGET: &str = "/fusemount";

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// As given.
    pub target: String,
    /// Where that is, without links.
    pub point: PathBuf,
    /// Empty with `--repo-wide`.
    pub filters: Filters,
    /// A snapshot must hold all of them.
    pub paths: Vec<String>,
    /// Every host and tag.
    pub repo_wide: bool,
    /// For other users, too.
    pub allow_other: bool,
    /// Refusals are lifted.
    pub force: bool,
    /// The source, where a pre hook has moved it; else empty.
    pub moved_source: String,
}

impl Plan {
    /// `values` are what pre hooks have handed on.
    pub fn new(arguments: &MountSnapshotArgs, settings: &Settings, values: &BTreeMap<String, String>) -> Self {
        let target = arguments.target.clone().unwrap_or_else(|| TARGET.to_owned());
        let point = if target.is_empty() { PathBuf::new() } else { Place::of(Path::new(&target)).path };
        let repo_wide = arguments.repo_wide;
        let own = |given: &Option<String>, default: &String| match given {
            _ if repo_wide => String::new(),
            Some(given) => given.clone(),
            None => default.clone(),
        };
        let tag = values.get("RESTIC_TAG").unwrap_or(&settings.repository.tag);
        Self {
            target,
            point,
            filters: Filters {
                tag: own(&arguments.tag, tag),
                host: own(&arguments.host, &settings.identity.hostname),
                since: None,
            },
            paths: arguments.path.iter().filter(|path| !path.is_empty()).cloned().collect(),
            repo_wide,
            allow_other: arguments.allow_other,
            force: arguments.force,
            moved_source: values.get("BACKUP_ROOT_DIR").cloned().unwrap_or_default(),
        }
    }

    /// restic's words after `mount` (contract: operator commands, section 6).
    pub fn words(&self) -> Vec<std::ffi::OsString> {
        let mut words: Vec<std::ffi::OsString> = Vec::new();
        if !self.repo_wide {
            words.extend(["--host".into(), (&self.filters.host).into(), "--tag".into(), (&self.filters.tag).into()]);
        }
        words.extend(self.paths.iter().flat_map(|path| ["--path".into(), path.into()]));
        words.extend(self.allow_other.then(|| "--allow-other".into()));
        words.push(self.point.clone().into());
        words
    }

    /// Which snapshots, in one line.
    pub fn scope(&self) -> String {
        if self.repo_wide {
            "⚠️ Mounting repository-wide tree (--repo-wide).".to_owned()
        } else {
            let Filters { host, tag, .. } = &self.filters;
            format!("🔎 Mounting host/tag-scoped tree (host='{host}', tag='{tag}').")
        }
    }

    /// The summary's keys.
    pub fn extras(&self, settings: &Settings) -> Vec<(String, String)> {
        let mut extras = vec![
            ("repository", settings.repository.shown.clone()),
            ("target", self.target.clone()),
            ("repo_wide", on_off(self.repo_wide).to_owned()),
            ("allow_other", on_off(self.allow_other).to_owned()),
        ];
        if !self.repo_wide {
            extras.push(("host_filter", self.filters.host.clone()));
            extras.push(("tag_filter", self.filters.tag.clone()));
        }
        if !self.paths.is_empty() {
            extras.push(("path_filters", self.paths.join(" ")));
        }
        extras.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}
