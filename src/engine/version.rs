//! restic's version, asked for once per program file and remembered.
//!
//! Asking costs a start of restic, so the answer lies in `STATE_DIR` with what identifies the file it came from.

use super::{Restic, tool_version};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A version of restic: major, minor, patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32, pub u32);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

impl Version {
    /// Reads `restic 0.18.1 compiled with go1.25.1 on linux/amd64`, or the bare number.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let number = text.strip_prefix("restic ").unwrap_or(text).split_whitespace().next()?;
        // A build from source calls itself `0.18.1-dev`.
        let mut parts = number.split(['.', '-', '+']).map(str::parse::<u32>);
        let (major, minor) = (parts.next()?.ok()?, parts.next()?.ok()?);
        Some(Self(major, minor, parts.next().and_then(Result::ok).unwrap_or(0)))
    }

    /// Whether it is this one or a later one.
    pub fn at_least(self, major: u32, minor: u32) -> bool {
        self >= Self(major, minor, 0)
    }
}

/// The remembered answer.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    program: PathBuf,
    inode: u64,
    size: u64,
    modified_ns: i64,
    version: String,
}

impl Restic {
    /// The installed version; `None` if it does not tell.
    ///
    /// What is remembered is used while path, inode, size and time of the file are the same. A remembered answer that
    /// cannot be read or written costs a start of restic, nothing else.
    pub fn version(&self) -> Option<Version> {
        let mut now = self.identity();
        let file = self.state.join("restic-version.json");
        if let Some(now) = &now
            && let Some(known) = recall(&file, now)
        {
            return Some(known);
        }
        let text = self.ask_version()?;
        let version = Version::parse(&text)?;
        if let Some(now) = &mut now {
            now.version = text;
            // Nothing depends on it but time.
            let _ = remember(&self.state, &file, now);
        }
        Some(version)
    }

    fn identity(&self) -> Option<Remembered> {
        let data = fs::metadata(&self.program).ok()?;
        let modified_ns = data.mtime().saturating_mul(1_000_000_000).saturating_add(data.mtime_nsec());
        let program = self.program.clone();
        Some(Remembered { program, inode: data.ino(), size: data.size(), modified_ns, version: String::new() })
    }

    fn ask_version(&self) -> Option<String> {
        tool_version(self.program.to_str()?, &["version"], &self.environment).ok()
    }
}

fn recall(file: &Path, now: &Remembered) -> Option<Version> {
    let known: Remembered = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    let same = (&known.program, known.inode, known.size, known.modified_ns)
        == (&now.program, now.inode, now.size, now.modified_ns);
    if same { Version::parse(&known.version) } else { None }
}

fn remember(folder: &Path, file: &Path, now: &Remembered) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let beside = folder.join(format!(".restic-version.json.{}", std::process::id()));
    let written = fs::File::create(&beside)
        .and_then(|mut open| open.write_all(serde_json::to_string(now)?.as_bytes()))
        .and_then(|()| fs::rename(&beside, file));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::super::scene::script;
    use super::*;
    use crate::settings::Environment;

    fn counting(folder: &Path) -> Restic {
        let count = folder.join("starts");
        let program = folder.join("restic");
        script(&program, &format!("echo . >>'{}'\necho 'restic 0.16.4 compiled with go1.22'", count.display()));
        let environment = Environment::from_iter([("PATH", "/usr/bin:/bin")]);
        Restic { program, cacert: None, environment, state: folder.join("state") }
    }

    fn starts(folder: &Path) -> usize {
        fs::read_to_string(folder.join("starts")).unwrap_or_default().lines().count()
    }

    #[test]
    fn versions_compare_by_number() {
        let version = Version::parse("restic 0.14.0 compiled with go1.19.8 on linux/amd64").expect("is a version");
        assert_eq!(version, Version(0, 14, 0));
        assert!(!version.at_least(0, 16) && version.at_least(0, 14) && version.at_least(0, 9));
        assert!(Version::parse("0.18.1-dev").expect("is a version").at_least(0, 18));
        assert_eq!((Version::parse(""), Version::parse("bash: restic")), (None, None));
    }

    #[test]
    fn a_remembered_version_costs_no_start() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let restic = counting(folder.path());
        assert_eq!(restic.version(), Some(Version(0, 16, 4)));
        assert_eq!(restic.version(), Some(Version(0, 16, 4)));
        assert_eq!(starts(folder.path()), 1);
    }

    #[test]
    fn another_file_at_the_same_path_is_asked_again() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let restic = counting(folder.path());
        restic.version();
        script(&restic.program, "echo restic 0.18.1");
        assert_eq!(restic.version(), Some(Version(0, 18, 1)));
    }

    #[test]
    fn a_broken_memory_is_ignored_and_mended() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let restic = counting(folder.path());
        fs::create_dir_all(&restic.state).expect("is writable");
        fs::write(restic.state.join("restic-version.json"), b"{\"program\":\xff").expect("is writable");
        assert_eq!(restic.version(), Some(Version(0, 16, 4)));
        assert_eq!(restic.version(), Some(Version(0, 16, 4)));
        assert_eq!(starts(folder.path()), 1);
    }

    #[test]
    fn a_memory_that_cannot_be_written_costs_only_a_start() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let mut restic = counting(folder.path());
        restic.state = folder.path().join("restic").join("below-a-file");
        assert_eq!(restic.version(), Some(Version(0, 16, 4)));
        assert_eq!(restic.version(), Some(Version(0, 16, 4)));
        assert_eq!(starts(folder.path()), 2);
    }
}
