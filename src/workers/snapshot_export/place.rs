//! Where an archive must not be written, judged by where a path really leads.

use super::checksum;
use super::plan::folder_of;
use crate::settings::Settings;
use crate::workers::restore::disk::{self, Unusable};
use crate::workers::restore::place::{Place, Relation};
use crate::workers::restore::safety::{DATA, local_repository, own_folders};
use crate::workers::restore::table::shown;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What the refusals depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Nothing is written.
    DryRun,
    /// What is there stays.
    Careful,
    /// What is there is replaced.
    Force,
}

/// Folders that were made for an archive. Those that are empty go again, unless [`Made::keep`] is called.
#[derive(Debug, Default)]
pub struct Made(Vec<PathBuf>);

impl Made {
    /// Makes a folder and those above it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn folder(&mut self, folder: &Path) -> io::Result<()> {
        let above: Vec<&Path> = folder.ancestors().take_while(|above| fs::metadata(above).is_err()).collect();
        for above in above.into_iter().rev() {
            match fs::create_dir(above) {
                Ok(()) => self.0.push(above.to_owned()),
                // Somebody else has made it meanwhile, or it is spelled `a/..`.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && above.is_dir() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// There is an archive: they stay.
    pub fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for folder in self.0.iter().rev() {
            // One that somebody has put something into is not removed.
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Refuses an archive by where it lies and what is there; `moved` is the source when a pre hook moved it, else empty.
/// Makes nothing.
///
/// # Errors
/// One line, without its mark.
pub fn check(archive: &Path, settings: &Settings, moved: &str, manner: Manner) -> Result<(), String> {
    let folder = folder_of(archive);
    let place = Place::of(folder);
    let inside = |other: &Path| matches!(place.relation(&Place::of(other)), Relation::Same | Relation::Inside);
    let refused = |other: &Path, what: &str, mend: &str| {
        let led_to = if place.path == folder { String::new() } else { format!(" (in '{}')", name(&place.path)) };
        Err(format!(
            "the archive '{}'{led_to} would lie in '{}' ({what}): choose another --output{mend}",
            name(archive),
            name(other)
        ))
    };
    for (other, what) in own_folders(settings) {
        if inside(other) {
            return refused(other, what, "");
        }
    }
    if let Some(repository) = local_repository(&settings.repository.location).map(Path::new)
        && inside(repository)
    {
        return refused(repository, "the repository", "");
    }
    for source in [moved, &settings.jobs.backup_root, DATA].map(Path::new) {
        // Everything lies in `/`: as a source it refuses nothing.
        let counts = manner != Manner::Force && source.is_absolute() && source != Path::new("/");
        if counts && inside(source) {
            return refused(source, "which is backed up", ", or add --force to write there all the same");
        }
    }
    usable(folder, archive)?;
    free(archive, manner)
}

fn usable(folder: &Path, archive: &Path) -> Result<(), String> {
    let why = match disk::usable(folder) {
        Ok(()) => return Ok(()),
        Err(Unusable::NoFolder) => "is not a folder".to_owned(),
        Err(Unusable::NotWritable(error)) => format!("is not writable ({error})"),
        Err(Unusable::NotCreatable(error)) => format!("cannot be made ({error})"),
    };
    Err(format!(
        "the folder '{}' of the archive '{}' {why}: choose another --output, or mend that",
        name(folder),
        name(archive)
    ))
}

/// Whether the names of the archive and of its sum may be taken.
fn free(archive: &Path, manner: Manner) -> Result<(), String> {
    for path in [archive.to_owned(), checksum::path_of(archive)] {
        let Ok(found) = fs::symlink_metadata(&path) else { continue };
        let what = match found.file_type() {
            kind if kind.is_file() && manner != Manner::Careful => continue,
            kind if kind.is_file() => "is there already: choose another --output, or add --force to replace it",
            kind if kind.is_symlink() => "is a link, which is not followed: choose another --output, or remove it",
            kind if kind.is_dir() => "is a folder: choose another --output",
            _ => "is no regular file: choose another --output, or - for standard output",
        };
        return Err(format!("'{}' {what}", name(&path)));
    }
    Ok(())
}

fn name(path: &Path) -> String {
    shown(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn ground() -> (tempfile::TempDir, Settings) {
        let root = tempfile::tempdir().expect("a temporary folder");
        let settings = crate::settings::read(&crate::engine::scene::environment(root.path()));
        for folder in ["data/deep", "repository", "log", "out"] {
            fs::create_dir_all(root.path().join(folder)).expect("is made");
        }
        (root, settings)
    }

    #[test]
    fn only_what_was_made_and_is_empty_goes_again() {
        let (root, _) = ground();
        let deep = root.path().join("out/a/b/../c/d");
        let mut made = Made::default();
        made.folder(&deep).expect("is made");
        assert!(root.path().join("out/a/c/d").is_dir());
        drop(made);
        assert!(root.path().join("out").is_dir() && !root.path().join("out/a").exists());
        let mut made = Made::default();
        made.folder(&root.path().join("out/a/b")).expect("is made");
        fs::write(root.path().join("out/a/mine"), "").expect("is written");
        drop(made);
        assert!(root.path().join("out/a/mine").exists() && !root.path().join("out/a/b").exists());
    }

    #[test]
    fn what_is_backed_up_is_refused_however_it_is_spelled() {
        let (root, settings) = ground();
        symlink(root.path().join("data"), root.path().join("link")).expect("is linked");
        for part in ["data/x", "data/./x", "data/deep/x", "data/new/x", "link/x", "out/../data/x"] {
            let archive = root.path().join(part);
            let message = check(&archive, &settings, "", Manner::Careful).expect_err(part);
            assert!(message.contains("backed up") && message.contains("--force"), "{message}");
            assert!(check(&archive, &settings, "", Manner::DryRun).is_err());
            assert_eq!(check(&archive, &settings, "", Manner::Force), Ok(()));
        }
        assert!(check(Path::new("/data/x"), &settings, "", Manner::Careful).is_err());
        let out = root.path().join("out/x");
        assert_eq!(check(&out, &settings, "", Manner::Careful), Ok(()));
        let moved = root.path().join("out").to_string_lossy().into_owned();
        assert!(check(&out, &settings, &moved, Manner::Careful).is_err(), "a hook moved the source");
        assert_eq!(check(&out, &settings, "/", Manner::Careful), Ok(()));
        assert_eq!(check(&root.path().join("data-2/x"), &settings, "", Manner::Careful), Ok(()));
    }

    #[test]
    fn our_own_folders_and_the_repository_are_refused_in_any_case() {
        let (root, settings) = ground();
        for (part, what) in [
            ("log/x", "LOG_DIR"),
            ("run/x", "RUN_DIR"),
            ("state/x", "STATE_DIR"),
            ("hooks/x", "HOOKS_DIR"),
            ("config/x", "CONFIG_DIR"),
            ("repository/x", "repository"),
        ] {
            let message = check(&root.path().join(part), &settings, "", Manner::Force).expect_err(part);
            assert!(message.contains(what), "{message}");
        }
    }

    #[test]
    fn what_has_the_name_already_is_refused() {
        let (root, settings) = ground();
        let archive = root.path().join("out/a");
        let checked = |manner| check(&archive, &settings, "", manner);
        fs::write(&archive, "").expect("is written");
        assert!(checked(Manner::Careful).expect_err("is there").contains("--force"));
        assert_eq!((checked(Manner::Force), checked(Manner::DryRun)), (Ok(()), Ok(())));
        fs::rename(&archive, root.path().join("out/a.sha256")).expect("is renamed");
        assert!(checked(Manner::Careful).expect_err("is there").contains("a.sha256"));
        symlink("/nowhere", &archive).expect("is linked");
        assert!(checked(Manner::Force).expect_err("is a link").contains("link"));
        fs::remove_file(&archive).expect("is there");
        fs::create_dir(&archive).expect("is made");
        assert!(checked(Manner::Force).expect_err("is a folder").contains("folder"));
        assert!(check(&root.path().join("out/a.sha256/x"), &settings, "", Manner::Force).is_err());
        assert!(!root.path().join("new").exists());
    }
}
