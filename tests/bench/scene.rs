//! A folder with hooks, data and an engine.

use crate::stopwatch::Cost;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

const BOATHOOK: &str = env!("CARGO_BIN_EXE_boathook");

pub struct Scene {
    folder: TempDir,
    /// The engine's own words for one backup, as `boathook backup` would give them.
    engine: Vec<String>,
}

impl Scene {
    /// With an engine that answers at once: a script, since it can be seen through.
    pub fn with_stand_in() -> Self {
        let scene = Self::new();
        scene.script(
            "bin/restic",
            "#!/bin/sh\n[ \"$1\" = version ] && echo 'restic 0.18.0 compiled with go on linux/amd64'\nexit 0\n",
        );
        scene
    }

    /// With the machine's restic and a repository.
    pub fn with_restic() -> Option<Self> {
        let scene = Self::new();
        let mut init = scene.command("restic");
        init.arg("init").stdout(Stdio::null()).stderr(Stdio::null());
        init.status().ok()?.success().then_some(scene)
    }

    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("boathook-bench-").tempdir().expect("a temporary folder");
        let scene = Self { folder, engine: Vec::new() };
        for part in ["bin", "hooks", "log", "run", "state", "data", "cache", "repo"] {
            fs::create_dir(scene.path(part)).expect("can be made");
        }
        for number in 0..100 {
            fs::write(scene.path(format!("data/{number}.txt")), format!("file {number}\n")).expect("can be written");
        }
        scene.script("hooks/pre-backup.sh", "#!/bin/sh\necho before\n");
        scene.script("hooks/post-backup.sh", "#!/bin/sh\necho after $1\n");
        let data = scene.path("data").display().to_string();
        let engine = ["backup", "--json", "--tag=automated", &data].map(str::to_owned).to_vec();
        Self { engine, ..scene }
    }

    pub fn path(&self, part: impl AsRef<std::path::Path>) -> PathBuf {
        self.folder.path().join(part)
    }

    fn script(&self, part: &str, text: &str) {
        let path = self.path(part);
        fs::write(&path, text).expect("can be written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("is ours");
    }

    /// A script beside the hooks.
    pub fn hook(&self, part: &str, body: &str) {
        self.script(part, &format!("#!/bin/sh\n{body}\n"));
    }

    /// Makes this the only hook.
    pub fn only_pre_hook(&self, body: &str) {
        let _ = fs::remove_file(self.path("hooks/post-backup.sh"));
        self.hook("hooks/pre-backup.sh", body);
    }

    /// A program in the scene's environment.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var("PATH").unwrap_or_default();
        command.env_clear().env("PATH", format!("{}:{path}", self.path("bin").display()));
        for (name, part) in [
            ("HOOKS_DIR", "hooks"),
            ("LOG_DIR", "log"),
            ("RUN_DIR", "run"),
            ("STATE_DIR", "state"),
            ("CONFIG_DIR", "config"),
            ("BACKUP_ROOT_DIR", "data"),
            ("RESTIC_CACHE_DIR", "cache"),
            ("RESTIC_REPOSITORY", "repo"),
        ] {
            command.env(name, self.path(part));
        }
        command.env("RESTIC_PASSWORD", "bench-password").env("RESTIC_PROGRESS_FPS", "1");
        command
    }

    pub fn boathook(&self, args: &[&str]) -> Cost {
        Cost::of(self.command(BOATHOOK).args(args))
    }

    /// The container's entrypoint, to be started.
    pub fn entry(&self) -> Command {
        let mut command = self.command(BOATHOOK);
        command.arg("entry.sh").env("CRONTAB_FILE", self.path("crontab"));
        command
    }

    /// A `boathook snapshot-export`, to be started and looked at.
    pub fn export(&self, args: &[&str]) -> Command {
        let mut command = self.command(BOATHOOK);
        command.arg("snapshot-export").args(args);
        command
    }

    /// A `boathook backup`, to be run or started.
    pub fn backup(&self) -> Command {
        let mut command = self.command(BOATHOOK);
        command.arg("backup").stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// A `boathook backup` that goes on, to be looked at.
    pub fn start_backup(&self) -> Child {
        self.backup().spawn().expect("can be started")
    }

    pub fn locked_backup(&self) -> Cost {
        let lock = self.path("run/cron.lock").display().to_string();
        let link = self.path("bin/backup");
        let _ = std::os::unix::fs::symlink(BOATHOOK, &link);
        let link = link.display().to_string();
        Cost::of(self.command(BOATHOOK).args(["locked_run", "backup", &lock, &link]))
    }

    /// Scripts and engine one after the other, with nothing around them.
    pub fn bare(&self) -> Cost {
        let pre = Cost::of(&mut self.command(&self.path("hooks/pre-backup.sh").display().to_string()));
        let engine = Cost::of(self.command("restic").args(&self.engine));
        let post = Cost::of(self.command(&self.path("hooks/post-backup.sh").display().to_string()).arg("0"));
        Cost { wall: pre.wall + engine.wall + post.wall, cpu: pre.cpu + engine.cpu + post.cpu }
    }

    /// The same as people write it in a crontab.
    pub fn pipeline(&self) -> Cost {
        let script = format!(
            "timeout 300 '{pre}'; restic {engine} > '{log}' 2>&1; rc=$?; timeout 300 '{post}' $rc; exit $rc",
            pre = self.path("hooks/pre-backup.sh").display(),
            post = self.path("hooks/post-backup.sh").display(),
            engine = self.engine.join(" "),
            log = self.path("log/pipeline.log").display(),
        );
        let lock = self.path("run/pipeline.lock");
        Cost::of(self.command("flock").arg("-n").arg(lock).args(["sh", "-c", &script]))
    }

    /// A process that holds `held.lock` until it is dropped.
    pub fn hold_lock(&self) -> Held {
        let lock = self.path("held.lock");
        let ready = self.path("held");
        let script = format!("echo > '{}'; exec sleep 1000", ready.display());
        let child = self.command("flock").arg(&lock).args(["-c", &script]).spawn().expect("flock is there");
        while !ready.exists() {
            std::thread::yield_now();
        }
        // `flock` makes the file empty, which is how the reference image leaves its locks too.
        Held(child)
    }
}

pub struct Held(Child);

impl Drop for Held {
    fn drop(&mut self) {
        let children = format!("/proc/{0}/task/{0}/children", self.0.id());
        for pid in fs::read_to_string(children).unwrap_or_default().split_whitespace() {
            if let Ok(pid) = pid.parse() {
                let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
            }
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
