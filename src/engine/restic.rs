//! restic's program and how it is called.

use crate::process::Spec;
use crate::settings::{Environment, Settings};
use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::unistd::{AccessFlags, access};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// restic as it is called here: the program, and what every call has in common.
#[derive(Debug, Clone)]
pub struct Restic {
    /// Where it was found; the bare name if it was not, so that starting it says so.
    pub program: PathBuf,
    /// The bundle of certificates, if one is set and readable.
    pub cacert: Option<PathBuf>,
    /// What it is given: repository and password reach it this way alone.
    pub environment: Environment,
    /// Where its version is remembered.
    pub(super) state: PathBuf,
}

impl Restic {
    /// Looks for restic in the `PATH` of the environment that it will be given.
    pub fn locate(settings: &Settings, environment: &Environment) -> Self {
        Self {
            program: find("restic", environment).unwrap_or_else(|| PathBuf::from("restic")),
            cacert: settings.repository.cacert.clone(),
            environment: environment.clone(),
            state: settings.paths.state.clone(),
        }
    }

    /// `restic [--cacert F] <sub> <words…>` (contract: workers, section 1.4).
    pub fn spec<S: AsRef<OsStr>>(&self, sub: &str, words: impl IntoIterator<Item = S>) -> Spec {
        let mut args = Vec::<OsString>::new();
        if let Some(cacert) = &self.cacert {
            args.extend(["--cacert".into(), cacert.clone().into_os_string()]);
        }
        args.push(sub.into());
        args.extend(words.into_iter().map(|word| word.as_ref().to_owned()));
        Spec {
            program: self.program.clone(),
            args,
            environment: self.environment.clone(),
            directory: None,
            // What it does on SIGINT at any time: take its lock away, unmount, end.
            dies_with_us: Some(Signal::SIGINT),
        }
    }

    /// The word that keeps a command which only reads from writing a lock, where that cannot be written: the repository
    /// is a folder on a file system that is mounted read-only. restic would try for a quarter of an hour.
    pub fn without_lock(settings: &Settings) -> Option<&'static str> {
        let location = &settings.repository.location;
        let folder = Path::new(location.strip_prefix("local:").unwrap_or(location)).join("locks");
        (folder.is_absolute() && access(&folder, AccessFlags::W_OK) == Err(Errno::EROFS)).then_some("--no-lock")
    }
}

/// The first executable of this name in the environment's `PATH`.
pub(super) fn find(name: &str, environment: &Environment) -> Option<PathBuf> {
    let path = environment.raw("PATH")?;
    path.as_bytes()
        .split(|byte| *byte == b':')
        .map(|folder| if folder.is_empty() { Path::new(".") } else { Path::new(OsStr::from_bytes(folder)) })
        .map(|folder| folder.join(name))
        .find(|file| file.is_file() && access(file.as_path(), AccessFlags::X_OK).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn restic(cacert: Option<&str>) -> Restic {
        Restic {
            program: "restic".into(),
            cacert: cacert.map(PathBuf::from),
            environment: Environment::default(),
            state: PathBuf::new(),
        }
    }

    #[test]
    fn the_bundle_goes_before_the_command() {
        let spec = restic(Some("/ca.pem")).spec("check", ["--read-data"]);
        assert_eq!(spec.args, ["--cacert", "/ca.pem", "check", "--read-data"]);
        assert_eq!(restic(None).spec("unlock", [""; 0]).args, ["unlock"]);
    }

    #[test]
    fn a_program_is_found_where_the_environment_says() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let environment = |path: String| Environment::from_iter([("PATH", path)]);
        let path = environment(format!("/nowhere:{}", folder.path().display()));
        std::fs::write(folder.path().join("tool"), "").expect("is writable");
        assert_eq!(find("tool", &path), None, "it is not executable");
        std::os::unix::fs::symlink("/bin/sh", folder.path().join("shell")).expect("is writable");
        assert_eq!(find("shell", &path), Some(folder.path().join("shell")));
        assert_eq!(find("shell", &Environment::default()), None);
    }
}
