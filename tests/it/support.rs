//! A sandbox for the real binary: folders, settings, hooks and an engine in; exit code, output and files out.

use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The binary under test.
pub const BOATHOOK: &str = env!("CARGO_BIN_EXE_boathook");
/// What marks every process that a sandbox started, by inheritance.
const MARK: &str = "SANDBOX_MARK";
/// Nothing in a test takes longer unless it is stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with everything that a worker needs, and nothing of the machine's.
pub struct Sandbox {
    folder: TempDir,
    environment: BTreeMap<String, String>,
}

/// What a command left on its outputs, and how it ended.
#[derive(Debug)]
pub struct Finished {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

/// The exit code of a status, as a shell counts.
pub fn code_of(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

impl Finished {
    /// The exit code, as a shell counts.
    pub fn code(&self) -> i32 {
        code_of(self.status)
    }

    /// Both outputs, for messages of assertions.
    pub fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Asserts the exit code, showing the outputs if it differs.
    #[track_caller]
    pub fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code(), code, "{}", self.all());
        self
    }
}

/// A command that has been started.
pub struct Running {
    child: Child,
    stdout: Option<std::thread::JoinHandle<String>>,
    stderr: Option<std::thread::JoinHandle<String>>,
}

impl Running {
    /// A child whose outputs are read by somebody else.
    pub fn of(child: Child) -> Self {
        Self { child, stdout: None, stderr: None }
    }

    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    pub fn signal(&self, signal: i32) {
        send(self.pid(), signal);
    }

    /// Waits for its end, for at most a minute.
    #[track_caller]
    pub fn finish(mut self) -> Finished {
        let status = self.end();
        let text = |reader: Option<std::thread::JoinHandle<String>>| {
            reader.map(|reader| reader.join().expect("reads to the end")).unwrap_or_default()
        };
        Finished { status, stdout: text(self.stdout.take()), stderr: text(self.stderr.take()) }
    }

    /// Waits for the end of the process alone: what it left may hold its outputs.
    #[track_caller]
    pub fn end(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("can be waited for") {
                return status;
            }
            if Instant::now() > deadline {
                let tree = tree_of(self.pid());
                let _ = self.child.kill();
                panic!("did not end within {PATIENCE:?}:\n{tree}");
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Sends a signal; a process that is gone is fine.
pub fn send(pid: i32, signal: i32) {
    let signal = nix::sys::signal::Signal::try_from(signal).expect("a signal");
    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal);
}

/// Waits until `done` gives something; fails with `what` after a minute.
#[track_caller]
pub fn wait_for<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = done() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Writes an executable through a child process that has ended: a descriptor that a sibling's fork inherits would
/// give "Text file busy".
pub fn write_executable(path: &Path, text: &str) {
    let mut child = Command::new("/bin/sh")
        .args(["-c", "cat > \"$1\" && chmod 755 \"$1\"", "sh"])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .expect("sh is there");
    child.stdin.take().expect("is piped").write_all(text.as_bytes()).expect("is taken");
    assert!(child.wait().expect("ends").success(), "{} cannot be written", path.display());
}

/// Asserts that these lines stand in the text in this order; each is a line's beginning.
#[track_caller]
pub fn assert_in_order(text: &str, beginnings: &[&str]) {
    let mut lines = text.lines();
    for beginning in beginnings {
        assert!(
            lines.any(|line| line.starts_with(beginning)),
            "{beginning} is missing, or stands elsewhere, in\n{text}"
        );
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Sandbox {
    /// Folders and settings; the repository is named but not made.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("boathook-it-").tempdir().expect("a temporary folder");
        let mut sandbox = Self { folder, environment: BTreeMap::new() };
        let mut environment = BTreeMap::new();
        let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".to_owned());
        environment.insert("PATH".to_owned(), format!("{}:{path}", sandbox.path("bin").display()));
        environment.insert("HOME".to_owned(), sandbox.path("home").display().to_string());
        environment.insert("TZ".to_owned(), "UTC".to_owned());
        environment.insert("HOSTNAME".to_owned(), "test-host".to_owned());
        environment.insert("RESTIC_PASSWORD".to_owned(), "correct-horse-battery".to_owned());
        environment.insert(MARK.to_owned(), sandbox.folder.path().display().to_string());
        for (name, part) in [
            ("HOOKS_DIR", "hooks"),
            ("CONFIG_DIR", "config"),
            ("LOG_DIR", "log"),
            ("RUN_DIR", "run"),
            ("STATE_DIR", "state"),
            ("RESTORE_DIR", "restore"),
            ("BACKUP_ROOT_DIR", "data"),
            ("RESTIC_REPOSITORY", "repo"),
            ("RESTIC_CACHE_DIR", "cache"),
            ("TMPDIR", "tmp"),
        ] {
            environment.insert(name.to_owned(), sandbox.path(part).display().to_string());
        }
        for part in ["bin", "home", "hooks", "config", "log", "run", "state", "data", "cache", "tmp"] {
            fs::create_dir(sandbox.path(part)).expect("can be made");
        }
        fs::write(sandbox.path("data/one.txt"), "one\n").expect("can be written");
        sandbox.environment = environment;
        sandbox
    }

    /// With a stand-in for restic that answers at once: what is tested is ours alone. It logs its words, and prints a
    /// summary in restic's form; `ENGINE_*` make it slow or fail.
    pub fn with_stand_in_engine() -> Self {
        let sandbox = Self::new();
        write_executable(
            &sandbox.path("bin/restic"),
            r#"#!/bin/sh
# A stand-in for restic.
[ "$1" = version ] && { echo "restic 0.18.0 compiled with go1.24 on linux/amd64"; exit 0; }
echo "$@" >> "$LOG_DIR/../engine.log"
if [ -n "$ENGINE_WAITS" ]; then
    # What it leaves behind ($ENGINE_WAITS) is ended by whoever adopts it.
    trap 'echo interrupted >> "$LOG_DIR/../engine.log"; exit 130' INT
    $ENGINE_WAITS & waiter=$!
    echo $$ > "$ENGINE_STARTED"
    wait "$waiter"
fi
[ -n "$ENGINE_SAYS" ] && echo "$ENGINE_SAYS"
case "$*" in *backup*)
    echo '{"message_type":"summary","files_new":1,"files_changed":0,"files_unmodified":0,"dirs_new":0,"dirs_changed":0,"dirs_unmodified":0,"data_blobs":1,"tree_blobs":1,"data_added":4,"data_added_packed":3,"total_files_processed":1,"total_bytes_processed":4,"total_duration":0.1,"snapshot_id":"0a1b2c3d4e5f60718293a4b5c6d7e8f900112233445566778899aabbccddeeff"}' ;;
esac
exit "${ENGINE_EXIT:-0}"
"#,
        );
        sandbox
    }

    /// With a real repository made by the real restic.
    pub fn with_repository() -> Self {
        let sandbox = Self::new();
        sandbox.restic(&["init"]).ends_with(0);
        sandbox
    }

    /// A path within.
    pub fn path(&self, part: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(part)
    }

    /// Sets a variable for all commands that follow.
    pub fn set(&mut self, name: &str, value: impl Into<String>) -> &mut Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    /// Unsets a variable.
    pub fn unset(&mut self, name: &str) -> &mut Self {
        self.environment.remove(name);
        self
    }

    /// Mounts a hook: its file name, and its body without the interpreter line. `$T` is the sandbox's folder.
    pub fn hook(&self, file: &str, body: &str) -> &Self {
        let text = format!("#!/bin/sh\nT={}\n{body}\n", self.folder.path().display());
        write_executable(&self.path("hooks").join(file), &text);
        self
    }

    /// What hooks noted in the sandbox's `notes`.
    pub fn notes(&self) -> String {
        fs::read_to_string(self.path("notes")).unwrap_or_default()
    }

    /// A program in the sandbox's environment that is not started yet, for a caller who starts it in a way of its own.
    pub fn command(&self, program: impl AsRef<OsStr>, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).env_clear().envs(&self.environment).current_dir("/");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts this command, and reads what it prints.
    pub fn spawn(mut command: Command) -> Running {
        // In a group of its own, so that a test can signal it as a terminal would.
        let mut child = command.process_group(0).spawn().expect("can be started");
        let read = |output: Option<Box<dyn std::io::Read + Send>>| {
            output.map(|mut output| {
                std::thread::spawn(move || {
                    let mut bytes = Vec::new();
                    let _ = output.read_to_end(&mut bytes);
                    String::from_utf8_lossy(&bytes).into_owned()
                })
            })
        };
        let stdout = read(child.stdout.take().map(|output| Box::new(output) as _));
        let stderr = read(child.stderr.take().map(|output| Box::new(output) as _));
        Running { child, stdout, stderr }
    }

    /// Starts `boathook` with these words.
    pub fn start(&self, args: &[&str]) -> Running {
        Self::spawn(self.command(BOATHOOK, args))
    }

    /// Runs `boathook` with these words.
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> Finished {
        self.start(args).finish()
    }

    /// Starts any program in the sandbox's environment.
    pub fn start_program(&self, program: impl AsRef<OsStr>, args: &[&str]) -> Running {
        Self::spawn(self.command(program, args))
    }

    /// Runs any program in the sandbox's environment.
    #[track_caller]
    pub fn run_program(&self, program: impl AsRef<OsStr>, args: &[&str]) -> Finished {
        Self::spawn(self.command(program, args)).finish()
    }

    /// Runs the real restic on the sandbox's repository.
    #[track_caller]
    pub fn restic(&self, args: &[&str]) -> Finished {
        self.run_program("restic", args)
    }

    /// The words that the stand-in engine was started with, a line each.
    pub fn engine_log(&self) -> String {
        fs::read_to_string(self.path("engine.log")).unwrap_or_default()
    }

    /// `last-<job>.json`, parsed.
    #[track_caller]
    pub fn summary(&self, job: &str) -> Value {
        let path = self.path(format!("log/last-{job}.json"));
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}\n{text}", path.display()))
    }

    /// The per-run log.
    pub fn log(&self, job: &str) -> String {
        fs::read_to_string(self.path(format!("log/{job}-last.log"))).unwrap_or_default()
    }

    /// The log of the last run that went wrong; `None` if none did.
    pub fn error_log(&self, job: &str) -> Option<String> {
        fs::read_to_string(self.path(format!("log/{job}-error-last.log"))).ok()
    }

    /// Waits for a file to have something in it, and gives that.
    #[track_caller]
    pub fn wait_for_file(&self, part: &str) -> String {
        wait_for(part, || fs::read_to_string(self.path(part)).ok().filter(|text| text.ends_with('\n')))
    }

    /// Every living process that this sandbox started, whoever its parent is now: number and command line.
    pub fn processes(&self) -> Vec<(i32, String)> {
        let mark = format!("{MARK}={}", self.folder.path().display()).into_bytes();
        let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
        entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
            .filter(|pid| {
                fs::read(format!("/proc/{pid}/environ"))
                    .is_ok_and(|environ| environ.split(|byte| *byte == 0).any(|variable| variable == mark))
            })
            .map(|pid| {
                let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                (pid, String::from_utf8_lossy(&words).replace('\0', " "))
            })
            .collect()
    }

    /// Waits until none of them lives.
    #[track_caller]
    pub fn expect_no_process(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let left = self.processes();
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "still alive: {left:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether somebody holds the lock of this job.
    pub fn is_locked(&self, lock: &str) -> bool {
        use std::os::unix::fs::MetadataExt as _;
        let Ok(facts) = fs::metadata(self.path("run").join(lock)) else { return false };
        let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
        locks.lines().any(|line| line.contains(&format!(":{} ", facts.ino())) && line.contains("FLOCK"))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        for (pid, _) in self.processes() {
            send(pid, 9);
        }
        // What is mounted below could not be removed.
        let list = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        for point in list
            .lines()
            .filter_map(|line| line.split(' ').nth(4))
            .filter(|p| Path::new(p).starts_with(self.folder.path()))
        {
            let _ = Command::new("umount").args(["-l", point]).status();
        }
    }
}

/// The tree below a process, for messages.
pub fn tree_of(pid: i32) -> String {
    let output = Command::new("ps").args(["--forest", "-eo", "pid,ppid,stat,args"]).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    format!(
        "(looking for {pid})\n{}",
        text.lines().filter(|line| line.contains("boathook")).collect::<Vec<_>>().join("\n")
    )
}
