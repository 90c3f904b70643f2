//! Containers of the image under test, on a real engine.

use crate::support::{Finished, wait_for, write_executable};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Names the image that `make test` has built.
const IMAGE: &str = "BOATHOOK_TEST_IMAGE";
/// Marks what tests have made; its value is the process of the test.
const LABEL: &str = "boathook-test";
/// The password of every repository here.
pub const PASSWORD: &str = "correct-horse-battery";
/// Longer than from one minute's beginning to the next, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(150);

/// The image under test; `None`, with a line that names the test, where there is no engine to build it.
pub fn image() -> Option<String> {
    let named = std::env::var(IMAGE).unwrap_or_default();
    if !named.is_empty() {
        return Some(named);
    }
    skip("there is no image to test: `make test` builds it where a container engine answers");
    None
}

/// Says that the running test is skipped, and why. Where everything must be there, that is a failure.
pub fn skip(why: &str) {
    let test = std::env::args().skip(1).find(|word| word.contains("::")).unwrap_or_default();
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{test} must not be skipped: {why}");
    eprintln!("skipped: {test}: {why}");
}

/// Runs a program to its end; its standard input is empty.
#[track_caller]
pub fn run(command: &mut Command) -> Finished {
    let ended = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    Finished {
        status: ended.status,
        stdout: String::from_utf8_lossy(&ended.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&ended.stderr).into_owned(),
    }
}

/// `docker` with these words.
#[track_caller]
pub fn docker(words: &[&str]) -> Finished {
    run(Command::new("docker").args(words))
}

/// Removes the containers of tests that were killed.
fn sweep() {
    let format = format!("{{{{.ID}}}} {{{{.Label \"{LABEL}\"}}}}");
    let list = docker(&["ps", "-a", "--filter", &format!("label={LABEL}"), "--format", &format]).stdout;
    for (id, owner) in list.lines().filter_map(|line| line.split_once(' ')) {
        if !Path::new("/proc").join(owner).exists() {
            docker(&["rm", "-f", "-v", id]);
        }
    }
}

/// A container before it is started.
pub struct Plan {
    image: String,
    folder: TempDir,
    environment: BTreeMap<String, String>,
    options: Vec<String>,
    read_hooks_from: String,
}

impl Plan {
    /// A container with a hooks folder and one file of data; by itself nothing is scheduled but what the test sets.
    pub fn new(image: String) -> Self {
        sweep();
        let folder = tempfile::Builder::new().prefix("boathook-container-").tempdir().expect("a temporary folder");
        let mut plan = Self {
            image,
            folder,
            environment: BTreeMap::new(),
            options: Vec::new(),
            read_hooks_from: "hooks".to_owned(),
        };
        for part in ["hooks", "data"] {
            fs::create_dir(plan.path(part)).expect("can be made");
        }
        // The container may run as another user than the test.
        fs::set_permissions(plan.folder.path(), fs::Permissions::from_mode(0o755)).expect("is ours");
        fs::write(plan.path("data/one.txt"), "one\n").expect("can be written");
        for (name, value) in [
            ("RESTIC_PASSWORD", PASSWORD),
            ("BACKUP_ROOT_DIR", "/data"),
            ("BACKUP_CRON", ""),
            ("ROTATE_LOG_CRON", ""),
            ("TZ", "UTC"),
        ] {
            plan.environment.insert(name.to_owned(), value.to_owned());
        }
        plan
    }

    /// A path in the folder that `hooks` and `data` lie in.
    pub fn path(&self, part: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(part)
    }

    /// Sets a variable.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Words for `docker run`, before the image.
    pub fn options(mut self, words: &[&str]) -> Self {
        self.options.extend(words.iter().map(|word| (*word).to_owned()));
        self
    }

    /// Mounts a hook: its file name, and its body without the interpreter line.
    pub fn hook(self, file: &str, body: &str) -> Self {
        write_executable(&self.path("hooks").join(file), &format!("#!/bin/sh\n{body}\n"));
        self
    }

    /// Mounts another folder as `/hooks`.
    pub fn hooks_from(mut self, part: &str) -> Self {
        part.clone_into(&mut self.read_hooks_from);
        self
    }

    /// The words of `docker run` up to those for the container's command.
    fn words(&self, name: &str) -> Vec<String> {
        let mut words: Vec<String> = ["run", "--name", name, "--hostname", "test-host"].map(str::to_owned).to_vec();
        words.extend(["--label".to_owned(), format!("{LABEL}={}", std::process::id())]);
        for (name, value) in &self.environment {
            words.extend(["-e".to_owned(), format!("{name}={value}")]);
        }
        for (part, place) in [(self.read_hooks_from.as_str(), "/hooks"), ("data", "/data")] {
            words.extend(["-v".to_owned(), format!("{}:{place}:ro", self.path(part).display())]);
        }
        words.extend(self.options.iter().cloned());
        words
    }

    fn name(&self) -> String {
        let folder = self.folder.path().file_name().unwrap_or_default();
        folder.to_string_lossy().replace('.', "")
    }

    /// Runs a container to its end, in which `program` takes the place of `/entry.sh`.
    #[track_caller]
    pub fn one_shot(self, program: &str, args: &[&str]) -> Finished {
        let container = Container { name: self.name(), plan: self };
        let mut words = container.plan.words(&container.name);
        words.extend(["--entrypoint".to_owned(), program.to_owned(), container.plan.image.clone()]);
        run(Command::new("docker").args(words).args(args))
    }

    /// `docker run` in the foreground with these words for the container, as a command that is not started yet.
    pub fn in_foreground(self, args: &[&str]) -> (Container, Command) {
        let container = Container { name: self.name(), plan: self };
        let mut command = Command::new("docker");
        command.args(container.plan.words(&container.name)).arg(&container.plan.image).args(args);
        (container, command)
    }

    /// Starts the container in the background, as it is meant to run: `/entry.sh` with these words.
    #[track_caller]
    pub fn start(self, args: &[&str]) -> Container {
        let container = Container { name: self.name(), plan: self };
        let mut words = container.plan.words(&container.name);
        words.extend(["-d".to_owned(), container.plan.image.clone()]);
        run(Command::new("docker").args(words).args(args)).ends_with(0);
        container
    }
}

/// A container; removed with its volumes when it is dropped.
pub struct Container {
    name: String,
    plan: Plan,
}

impl Container {
    /// A path in the folder that `hooks` and `data` lie in.
    pub fn path(&self, part: impl AsRef<Path>) -> PathBuf {
        self.plan.path(part)
    }

    /// `docker` with these words and the container's name behind them.
    #[track_caller]
    pub fn docker(&self, words: &[&str]) -> Finished {
        docker(&[words, &[&self.name]].concat())
    }

    /// Runs a command in the container to its end.
    #[track_caller]
    pub fn exec(&self, words: &[&str]) -> Finished {
        docker(&[&["exec", &self.name], words].concat())
    }

    /// Starts a command in the container that nobody waits for.
    #[track_caller]
    pub fn exec_detached(&self, words: &[&str]) {
        docker(&[&["exec", "-d", &self.name], words].concat()).ends_with(0);
    }

    /// What `docker logs` gives, both outputs.
    pub fn logs(&self) -> String {
        self.docker(&["logs"]).all()
    }

    /// A file in the container, which may have ended; empty if it is not there.
    pub fn file(&self, path: &str) -> String {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let copy = folder.path().join("copy");
        docker(&["cp", "-L", &format!("{}:{path}", self.name), &copy.display().to_string()]);
        fs::read(copy).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// The names in a folder of the container, which may have ended.
    pub fn names_in(&self, path: &str) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let copy = folder.path().join("copy");
        docker(&["cp", &format!("{}:{path}", self.name), &copy.display().to_string()]);
        let Ok(entries) = fs::read_dir(copy) else { return Vec::new() };
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    /// What `cron.log` has.
    pub fn cron_log(&self) -> String {
        self.file("/var/log/cron.log")
    }

    /// A job's last summary.
    #[track_caller]
    pub fn summary(&self, job: &str) -> serde_json::Value {
        let text = self.file(&format!("/var/log/last-{job}.json"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text:?}\n{}", self.logs()))
    }

    /// Waits until `done` gives something, for more than a minute; fails with `what` and the logs.
    #[track_caller]
    pub fn wait_for<T>(&self, what: &str, mut done: impl FnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = done() {
                return found;
            }
            assert!(Instant::now() < deadline, "waited in vain for {what}\n{}", self.logs());
            // Each look is a process of its own, and the machine has other tests to run.
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Waits until the container's log has this.
    #[track_caller]
    pub fn wait_for_log(&self, part: &str) {
        self.wait_for(&format!("'{part}'"), || self.logs().contains(part).then_some(()));
    }

    /// Waits until it runs its schedule.
    #[track_caller]
    pub fn wait_until_ready(&self) {
        self.wait_for_log("Container started successfully");
    }

    /// Waits for the container's end, and gives its exit code.
    #[track_caller]
    pub fn end(&self) -> i32 {
        wait_for("the container's end", || {
            let state = self.docker(&["inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}"]).stdout;
            state.trim().strip_prefix("exited ").map(|code| code.parse().expect("is a number"))
        })
    }

    /// `docker stop`, with a limit in seconds; gives how long it took, and the container's exit code.
    #[track_caller]
    pub fn stop(&self, limit: u32) -> (Duration, i32) {
        let started = Instant::now();
        self.docker(&["stop", "-t", &limit.to_string()]).ends_with(0);
        (started.elapsed(), self.end())
    }

    /// Every process in the container: number within it, parent, state, command line.
    pub fn processes(&self) -> Vec<(i32, i32, char, String)> {
        let script = r#"for p in /proc/[0-9]*; do
            read -r pid rest < "$p/stat" 2>/dev/null || continue
            rest=${rest##*) }; state=${rest%% *}; rest=${rest#* }
            printf '%s %s %s ' "$pid" "${rest%% *}" "$state"
            tr '\0\n' '  ' < "$p/cmdline"; echo
        done"#;
        let listed = self.exec(&["sh", "-c", script]).stdout;
        listed
            .lines()
            .filter_map(|line| {
                let mut words = line.splitn(4, ' ');
                let (pid, parent) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
                Some((pid, parent, words.next()?.chars().next()?, words.next().unwrap_or_default().trim().to_owned()))
            })
            .collect()
    }

    /// The number of the process within the container that has this in its command line.
    #[track_caller]
    pub fn pid_of(&self, part: &str) -> i32 {
        self.wait_for(&format!("a process '{part}'"), || {
            self.processes().into_iter().find(|(.., words)| words.contains(part)).map(|(pid, ..)| pid)
        })
    }

    /// Sends a signal to a process within.
    #[track_caller]
    pub fn signal(&self, pid: i32, signal: &str) {
        self.exec(&["sh", "-c", &format!("kill -s {signal} {pid}")]).ends_with(0);
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        docker(&["rm", "-f", "-v", &self.name]);
    }
}
