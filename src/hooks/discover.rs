//! Which scripts lie in the hooks folder, which of them can run, and why the others cannot.

use super::examine::Examiner;
use super::permissions::reason;
use super::{files, names, strangers};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// When a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Before the work.
    Pre,
    /// After the work, before the summary is written: takes a pre hook's effect back. Nobody binds a hook to it.
    Undo,
    /// After the work and its undos.
    Post,
}

impl Phase {
    /// `pre`, `undo` or `post`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pre => "pre",
            Self::Undo => "undo",
            Self::Post => "post",
        }
    }
}

/// Whose hook it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Every worker's: `pre-all.sh`.
    All,
    /// This worker's.
    Worker(&'static str),
}

/// Something wrong with a script or entry, and the mend.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Finding {
    /// What is wrong, as a predicate: `is not executable (mode 0644)`.
    pub what: String,
    /// What to do about it, as a sentence without a period.
    pub mend: String,
}

/// A script whose name makes it a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The file's name without `.sh`: `pre-backup.10-dump`.
    pub name: String,
    /// Its phase.
    pub phase: Phase,
    /// Whose hook it is.
    pub owner: Owner,
    /// Where it lies.
    pub path: PathBuf,
    /// Why it cannot run, if so. It counts as a failed hook (126).
    pub problem: Option<Finding>,
    /// Whether the problem is the missing execute bit alone (`not executable` in doctor's list).
    pub not_executable: bool,
    /// What is doubtful about it though it runs.
    pub warnings: Vec<Finding>,
}

/// An entry that will not run, since its name makes it no hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stranger {
    /// Its name in the folder.
    pub file: String,
    /// Why it will not run, as a predicate: ``has no `.sh` at its end``.
    pub reason: String,
    /// The nearest right name, if one is near.
    pub nearest: Option<String>,
    /// Whether somebody is likely to wait for it in vain.
    pub kind: StrangerKind,
}

/// What an entry that is no hook is likely to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StrangerKind {
    /// Its name looks like a hook's.
    Attempt,
    /// Data, notes, scripts that hooks call.
    Other,
}

/// The state of the hooks folder itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Directory {
    /// It is there and was read.
    Present,
    /// It is not there.
    Missing,
    /// It cannot be read, and why.
    Unreadable(String),
}

/// All that lies in the hooks folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// The folder.
    pub directory: Directory,
    /// Every hook, in byte order of file names, but `P-W.sh` before each `P-W.<suffix>.sh`.
    pub scripts: Vec<Script>,
    /// Every other entry, in byte order, but for the files that may declare hooks.
    pub strangers: Vec<Stranger>,
    /// What is doubtful about the folder itself (with `strict` it is a problem of each script instead).
    pub warnings: Vec<Finding>,
}

impl Default for Discovery {
    /// Nothing is known of any folder.
    fn default() -> Self {
        Self::without_scripts(Directory::Missing)
    }
}

impl Discovery {
    fn without_scripts(directory: Directory) -> Self {
        Self { directory, scripts: Vec::new(), strangers: Vec::new(), warnings: Vec::new() }
    }
}

/// Looks through `directory` without running anything. `workers` are the names that hooks may have; `strict` refuses
/// scripts that others may write; `path` is the `PATH` that hooks will have, in which `#!/usr/bin/env` looks.
pub fn discover(directory: &Path, workers: &[&'static str], strict: bool, path: &str) -> Discovery {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Discovery::without_scripts(Directory::Missing);
        }
        Err(error) => return Discovery::without_scripts(Directory::Unreadable(reason(&error))),
    };
    let mut examiner = Examiner::new(directory, strict, path);
    let mut found = Discovery::without_scripts(Directory::Present);
    let mut scripts = Vec::new();
    let mut others = Vec::new();
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                found.directory = Directory::Unreadable(reason(&error));
                break;
            }
        };
        let file = entry.file_name();
        let file = file.as_bytes();
        // `..data` and its folders in a ConfigMap volume; editors' swap files; what people hide on purpose.
        if file.starts_with(b".") {
            continue;
        }
        if let Some(name) = names::read(file, workers) {
            scripts.push((name.place(file), examiner.script(name, entry.path())));
        } else {
            let is_folder = match entry.file_type() {
                Ok(kind) if kind.is_symlink() => entry.path().is_dir(),
                kind => kind.is_ok_and(|kind| kind.is_dir()),
            };
            // What may declare hooks is told by what stands in it, not by its name.
            if !is_folder && files::is_candidate(&entry.file_name()) {
                continue;
            }
            others.push((file.to_vec(), strangers::explain(file, is_folder, workers)));
        }
    }
    scripts.sort_by(|one, other| one.0.cmp(&other.0));
    others.sort_by(|one, other| one.0.cmp(&other.0));
    found.scripts = scripts.into_iter().map(|(_, script)| script).collect();
    found.strangers = others.into_iter().map(|(_, stranger)| stranger).collect();
    found.warnings = if strict { Vec::new() } else { examiner.folder().cloned().into_iter().collect() };
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::ffi::OsStr;
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::time::Instant;

    const WORKERS: &[&str] = &["backup", "check", "restore", "restore-test"];
    const PATH: &str = "/usr/bin:/bin";

    fn executable(folder: &Path, file: &str) {
        let path = folder.join(file);
        fs::write(&path, "#!/bin/sh\n").expect("there is room");
        fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("is ours");
    }

    fn names(found: &Discovery) -> Vec<&str> {
        found.scripts.iter().map(|script| script.name.as_str()).collect()
    }

    #[test]
    fn hooks_stand_in_their_order() {
        let folder = tempfile::tempdir().expect("there is room");
        for file in ["pre-backup.20-b.sh", "pre-backup.sh", "pre-all.sh", "pre-backup.10-a.sh", "post-backup.sh"] {
            executable(folder.path(), file);
        }
        let found = discover(folder.path(), WORKERS, false, PATH);
        assert_eq!(found.directory, Directory::Present);
        assert_eq!(names(&found), ["post-backup", "pre-all", "pre-backup", "pre-backup.10-a", "pre-backup.20-b"]);
        assert!(found.scripts.iter().all(|script| script.problem.is_none() && script.warnings.is_empty()));
        assert_eq!(found.scripts[1].owner, Owner::All);
        assert_eq!(found.scripts[2].path, folder.path().join("pre-backup.sh"));
        assert_eq!((found.strangers, found.warnings), (Vec::new(), Vec::new()));
    }

    #[test]
    fn a_folder_that_is_not_there_is_missing_and_a_file_in_its_place_is_not() {
        let folder = tempfile::tempdir().expect("there is room");
        assert_eq!(discover(&folder.path().join("none"), WORKERS, false, PATH).directory, Directory::Missing);
        executable(folder.path(), "file");
        let file = discover(&folder.path().join("file"), WORKERS, false, PATH).directory;
        assert!(matches!(file, Directory::Unreadable(_)), "{file:?}");
    }

    #[test]
    fn a_folder_that_cannot_be_read_says_why() {
        let folder = tempfile::tempdir().expect("there is room");
        symlink("b", folder.path().join("a")).expect("there is room");
        symlink("a", folder.path().join("b")).expect("there is room");
        let found = discover(&folder.path().join("a"), WORKERS, false, PATH);
        assert_eq!(found.directory, Directory::Unreadable("Too many symbolic links encountered".to_owned()));
    }

    #[test]
    fn a_config_map_volume_holds_hooks_and_no_strangers() {
        let folder = tempfile::tempdir().expect("there is room");
        let data = folder.path().join("..2026_01_02");
        fs::create_dir(&data).expect("there is room");
        symlink("..2026_01_02", folder.path().join("..data")).expect("there is room");
        executable(&data, "pre-backup.sh");
        symlink("..data/pre-backup.sh", folder.path().join("pre-backup.sh")).expect("there is room");
        let found = discover(folder.path(), WORKERS, false, PATH);
        assert_eq!(names(&found), ["pre-backup"]);
        assert_eq!((&found.scripts[0].problem, found.strangers.len()), (&None, 0));
    }

    #[test]
    fn strangers_are_listed_in_byte_order_and_folders_known_through_links() {
        let folder = tempfile::tempdir().expect("there is room");
        for file in ["pre-bakcup.sh", "README.md", "hooks.yaml", "stash.yml", "words.json", "hooks.YAML"] {
            executable(folder.path(), file);
        }
        fs::create_dir(folder.path().join("lib")).expect("there is room");
        fs::create_dir(folder.path().join("old.yaml")).expect("there is room");
        symlink("lib", folder.path().join("pre-backup.d")).expect("there is room");
        let found = discover(folder.path(), WORKERS, false, PATH);
        let files: Vec<_> = found.strangers.iter().map(|stranger| stranger.file.as_str()).collect();
        assert_eq!(files, ["README.md", "hooks.YAML", "lib", "old.yaml", "pre-backup.d", "pre-bakcup.sh"]);
        assert!(found.strangers[4].reason.starts_with("is a folder"), "{:?}", found.strangers[3]);
    }

    #[test]
    fn an_open_folder_is_a_warning_or_with_strict_every_hooks_problem() {
        let folder = tempfile::tempdir().expect("there is room");
        executable(folder.path(), "pre-backup.sh");
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).expect("is ours");
        let found = discover(folder.path(), WORKERS, false, PATH);
        assert_eq!((found.warnings.len(), &found.scripts[0].problem), (1, &None));
        let found = discover(folder.path(), WORKERS, true, PATH);
        let problem = found.scripts[0].problem.as_ref().expect("is refused");
        assert!(problem.what.ends_with("and HOOKS_STRICT is ON"), "{problem:?}");
        assert!(found.warnings.is_empty() && !found.scripts[0].not_executable);
    }

    #[test]
    fn an_ordinary_folder_takes_less_than_a_millisecond() {
        let folder = tempfile::tempdir().expect("there is room");
        for file in ["pre-backup.sh", "post-backup.sh", "pre-check.sh", "post-check.sh", "README.md"] {
            executable(folder.path(), file);
        }
        // The best of many: a busy machine makes single ones slow.
        let once = || {
            let start = Instant::now();
            assert_eq!(discover(folder.path(), WORKERS, false, PATH).scripts.len(), 4);
            start.elapsed()
        };
        let best = (0..200).map(|_| once()).min().expect("ran");
        assert!(best.as_micros() < 1000, "{best:?}");
    }

    fn any_name() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            prop::sample::select(vec![
                &b"pre-"[..],
                b"post-",
                b"PRE_",
                b"backup",
                b"all",
                b"restore-test",
                b".",
                b".sh",
                b".10",
                b".py",
                b"~",
                b" "
            ])
            .prop_map(<[u8]>::to_vec),
            prop::collection::vec(1u8.., 1..4),
        ];
        prop::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_entry_is_told_once_whatever_its_name(files in prop::collection::btree_set(any_name(), 0..12)) {
            let folder = tempfile::tempdir().expect("there is room");
            let mut expected = 0;
            for file in &files {
                if file.contains(&b'/') || file.starts_with(b".") {
                    continue;
                }
                fs::write(folder.path().join(OsStr::from_bytes(file)), file).expect("is a name");
                expected += 1;
            }
            for strict in [false, true] {
                let found = discover(folder.path(), WORKERS, strict, PATH);
                prop_assert_eq!(found.scripts.len() + found.strangers.len(), expected);
                prop_assert!(found.scripts.iter().all(|script| script.problem.is_some()), "none has an execute bit");
                prop_assert!(found.strangers.iter().all(|stranger| !stranger.reason.is_empty()));
            }
        }
    }
}
