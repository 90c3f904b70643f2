//! For tests: restic in a folder of its own, and what was said.

use crate::masking;
use crate::settings::{self, Environment, Log, Settings, WordList};
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The repository's password.
pub(crate) const PASSWORD: &str = "battery staple";

/// A folder with room for a repository, and settings that point into it.
pub(crate) struct Scene {
    folder: tempfile::TempDir,
    pub(crate) settings: Settings,
}

impl Scene {
    /// Settings without a repository behind them.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let settings = settings::read(&environment(folder.path()));
        fs::create_dir(folder.path().join("data")).expect("is writable");
        Self { folder, settings }
    }

    /// The same with an empty repository.
    pub(crate) fn with_repository() -> Self {
        let scene = Self::new();
        scene.restic(["init"]);
        scene
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of source data.
    pub(crate) fn source(&self, name: &str, content: impl AsRef<[u8]>) {
        let file = self.path("data").join(name);
        fs::create_dir_all(file.parent().expect("is in the data folder")).expect("is writable");
        fs::write(file, content).expect("is writable");
    }

    /// As many bytes that nothing compresses.
    pub(crate) fn noise(count: usize) -> Vec<u8> {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        })
        .take(count)
        .collect()
    }

    /// Sets a variable of the engine's environment.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.settings.environment.set(name, value);
    }

    /// How many locks lie in the repository.
    pub(crate) fn locks(&self) -> usize {
        fs::read_dir(self.path("repository/locks")).map_or(0, Iterator::count)
    }

    /// How many files of data lie in the repository, half-written ones included.
    pub(crate) fn data_files(&self) -> usize {
        let folders = fs::read_dir(self.path("repository/data")).into_iter().flatten().flatten();
        folders.map(|folder| fs::read_dir(folder.path()).map_or(0, Iterator::count)).sum()
    }

    /// Runs restic to its end, outside of what is tested; gives its standard output.
    pub(crate) fn restic<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> String {
        let output = self.command(words).output().expect("restic is there");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// restic as a command of a test's own.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new("restic");
        command.args(words).env_clear().envs(self.settings.environment.iter()).stdin(Stdio::null());
        command
    }

    /// A backup that waits for its input, and so holds a lock until it is dropped.
    pub(crate) fn hold_lock(&self) -> Held {
        let mut command = self.command(["backup", "--stdin", "--tag=holder"]);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let held = Held(child.expect("restic is there"));
        until("the lock lies in the repository", || self.locks() > 0);
        held
    }

    /// Puts a stand-in before the real restic: a shell script.
    pub(crate) fn replace_restic(&self, body: &str) {
        script(&self.path("bin/restic"), body);
    }
}

/// See [`Scene::hold_lock`].
pub(crate) struct Held(std::process::Child);

impl Drop for Held {
    fn drop(&mut self) {
        // The end of its input lets it finish and take its lock away.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Waits for something that another process or thread does.
pub(crate) fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(std::time::Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Writes an executable script through a child that has ended: a file that this process wrote could still be open in
/// a sibling test's fork when it is executed.
pub(crate) fn script(path: &Path, body: &str) {
    fs::create_dir_all(path.parent().expect("is in a folder")).expect("is writable");
    let beside = path.with_extension("new");
    let mut child = Command::new("sh")
        .args(["-c", r#"cat >"$1" && chmod 755 "$1" && mv "$1" "$2""#, "sh"])
        .args([&beside, &PathBuf::from(path)])
        .stdin(Stdio::piped())
        .spawn()
        .expect("sh is there");
    child.stdin.take().expect("is piped").write_all(format!("#!/bin/sh\n{body}\n").as_bytes()).expect("sh reads");
    assert!(child.wait().expect("sh ends").success());
}

/// What is said while `body` runs: `kind: line` each.
pub(crate) fn heard(body: impl FnOnce()) -> Vec<String> {
    masking::heard::heard(body).1
}

/// Words as the settings have them.
pub(crate) fn words(raw: &str) -> WordList {
    settings::read(&Environment::from_iter([("RESTIC_JOB_ARGS", raw)])).jobs.backup
}

/// Informational lines on.
pub(crate) fn log_settings() -> Log {
    settings::read(&Environment::default()).log
}

/// An environment in which everything lies below `root`, that finds restic, and that gives a host, a tag and a
/// password.
pub(crate) fn environment(root: &Path) -> Environment {
    let mut environment = Environment::default();
    for (name, folder) in [
        ("HOME", "home"),
        ("HOOKS_DIR", "hooks"),
        ("CONFIG_DIR", "config"),
        ("LOG_DIR", "log"),
        ("RUN_DIR", "run"),
        ("STATE_DIR", "state"),
        ("RESTORE_DIR", "restore"),
        ("RESTIC_REPOSITORY", "repository"),
        ("RESTIC_CACHE_DIR", "cache"),
        ("BACKUP_ROOT_DIR", "data"),
    ] {
        environment.set(name, root.join(folder));
    }
    let path = format!("{}:{}", root.join("bin").display(), std::env::var("PATH").unwrap_or_default());
    for (name, value) in [
        ("PATH", path.as_str()),
        ("HOSTNAME", "node-a"),
        ("RESTIC_BACKUP_HELPER_RELEASE", "1.0.0-test"),
        ("RESTIC_PASSWORD", PASSWORD),
    ] {
        environment.set(name, value);
    }
    environment
}
