//! What is reported on: the sources and lists of the next backup, and those that were asked for beside them.

use super::arguments::SourcesReportArgs;
use super::lists::Kind;
use super::paths::clean;
use super::words::BackupWords;
use crate::engine::patterns::Case;
use crate::settings::Environment;
use std::path::Path;

/// A source of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    pub path: String,
    /// Asked for by a flag, not by the backup.
    pub beside: bool,
}

/// Everything that is looked at.
#[derive(Debug, Default)]
pub(super) struct Scope {
    pub words: BackupWords,
    pub sources: Vec<Source>,
    pub lists: Vec<(String, Kind)>,
    pub exclude_files: Vec<(String, Case)>,
}

impl Scope {
    /// Reads the command that the backup runs (its words, its tag, its root), and the flags.
    pub(super) fn of(words: &[String], tag: &str, root: &str, arguments: &SourcesReportArgs) -> Self {
        let mut command = words.to_vec();
        command.push(format!("--tag={tag}"));
        let mut read = BackupWords::of(&command);
        let mut scope = Self::default();
        let mut paths = std::mem::take(&mut read.paths);
        if !root.is_empty() {
            paths.insert(0, root.to_owned());
        }
        if read.stdin {
            // What is saved then is no file; restic takes the words for a command, or refuses them.
            paths.clear();
        }
        for path in paths {
            scope.add(Source { path, beside: false });
        }
        for path in &arguments.source {
            scope.add(Source { path: path.clone(), beside: true });
        }
        for (files, kind) in [
            (&read.files_from, Kind::Patterns),
            (&read.files_from_verbatim, Kind::Verbatim),
            (&read.files_from_raw, Kind::Raw),
            (&arguments.files_from, Kind::Patterns),
        ] {
            // An empty name is no file to restic.
            scope.lists.extend(files.iter().filter(|file| !file.is_empty()).map(|file| (file.clone(), kind)));
        }
        for (files, case) in [(&read.exclude_file, Case::Sensitive), (&read.iexclude_file, Case::Insensitive)] {
            scope.exclude_files.extend(files.iter().map(|file| (file.clone(), case)));
        }
        scope.words = read;
        scope
    }

    /// Whether there is nothing to report on.
    pub(super) fn is_empty(&self) -> bool {
        self.sources.is_empty() && self.lists.is_empty()
    }

    /// Adds a source that is not there yet, however many slashes it is written with.
    fn add(&mut self, source: Source) {
        let cleaned = clean(source.path.as_bytes());
        if !self.sources.iter().any(|known| clean(known.path.as_bytes()) == cleaned) {
            self.sources.push(source);
        }
    }

    /// The folder of restic's cache, which a backup leaves out.
    pub(super) fn cache(&self, environment: &Environment) -> Option<String> {
        let given = |name| environment.text(name).filter(|value| !value.is_empty());
        if self.words.no_cache {
            return None;
        }
        let named = self.words.cache_dir.clone().filter(|folder| !folder.is_empty());
        named.or_else(|| given("RESTIC_CACHE_DIR")).or_else(|| {
            let caches = given("XDG_CACHE_HOME").or_else(|| given("HOME").map(|home| format!("{home}/.cache")))?;
            Some(Path::new(&caches).join("restic").display().to_string())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(words: &[&str], root: &str, flags: &[&str]) -> Scope {
        let arguments = SourcesReportArgs {
            source: flags.iter().map(|flag| (*flag).to_owned()).collect(),
            ..SourcesReportArgs::default()
        };
        Scope::of(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), "automated", root, &arguments)
    }

    fn paths(scope: &Scope) -> Vec<&str> {
        scope.sources.iter().map(|source| source.path.as_str()).collect()
    }

    #[test]
    fn sources_are_the_root_the_paths_in_the_words_and_those_of_flags() {
        let all = scope(&["-e", "x", "/b", "/a/"], "/a", &["/c", "/b//", "/c"]);
        assert_eq!(paths(&all), ["/a", "/b", "/c"]);
        assert!(all.sources[2].beside && !all.sources[1].beside);
        assert!(scope(&["--exclude", "x"], "", &[]).is_empty());
        assert_eq!(paths(&scope(&["--stdin"], "/a", &["/c"])), ["/c"]);
    }

    #[test]
    fn what_the_backup_puts_behind_the_words_is_read_as_restic_reads_it() {
        assert_eq!(paths(&scope(&["--", "/b"], "/a", &[])), ["/a", "/b", "--tag=automated"]);
        assert_eq!(scope(&["--exclude"], "/a", &[]).words.exclude, ["--tag=automated"]);
    }

    #[test]
    fn lists_come_in_the_contracts_order() {
        let scope = scope(
            &["--files-from-raw", "r", "--files-from=p", "--files-from-verbatim", "v", "--files-from", ""],
            "",
            &[],
        );
        let lists: Vec<&str> = scope.lists.iter().map(|(file, _)| file.as_str()).collect();
        assert_eq!(lists, ["p", "v", "r"]);
    }

    #[test]
    fn the_cache_is_where_restic_puts_it() {
        let environment = |pairs: &[(&str, &str)]| pairs.iter().copied().collect::<Environment>();
        let home = environment(&[("HOME", "/root")]);
        assert_eq!(scope(&[], "/a", &[]).cache(&home).as_deref(), Some("/root/.cache/restic"));
        let both = environment(&[("HOME", "/root"), ("RESTIC_CACHE_DIR", "/cache")]);
        assert_eq!(scope(&[], "/a", &[]).cache(&both).as_deref(), Some("/cache"));
        assert_eq!(scope(&["--cache-dir", "/c"], "/a", &[]).cache(&both).as_deref(), Some("/c"));
        assert_eq!(scope(&["--no-cache"], "/a", &[]).cache(&both), None);
        assert_eq!(scope(&[], "/a", &[]).cache(&environment(&[])), None);
    }
}
