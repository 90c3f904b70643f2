//! Every script of `hooks-examples/` is run here. What it talks to is a listener on the loopback interface or a fake
//! program on `PATH` that records its arguments; a program that a test does not expect records `MUST NOT RUN`.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// Every script, each run by at least one test below.
const EXAMPLES: &[&str] = &[
    "btrfs-snapshot/post-backup.sh",
    "btrfs-snapshot/pre-backup.sh",
    "cache-warming/pre-backup.sh",
    "container-stop/post-backup.sh",
    "container-stop/pre-backup.sh",
    "dashboard-event/post-backup.sh",
    "disk-and-load-report/post-backup.sh",
    "disk-not-plugged-in/pre-backup.sh",
    "free-space/pre-backup.sh",
    "fsfreeze/post-backup.sh",
    "fsfreeze/pre-backup.sh",
    "guest-quiesce/post-backup.sh",
    "guest-quiesce/pre-backup.sh",
    "health-check-ping/post-backup.sh",
    "health-check-ping/pre-backup.sh",
    "host-service/post-backup.sh",
    "host-service/pre-backup.sh",
    "integrity-check/post-check.sh",
    "lvm-snapshot/post-backup.sh",
    "lvm-snapshot/pre-backup.sh",
    "mariadb-dump/post-backup.sh",
    "mariadb-dump/pre-backup.sh",
    "nfs-share/post-backup.sh",
    "nfs-share/pre-backup.sh",
    "owner-after-restore/post-restore.sh",
    "pagerduty-event/post-backup.sh",
    "post-backup.sh",
    "postgres-dump/post-backup.sh",
    "postgres-dump/pre-backup.sh",
    "pre-backup.sh",
    "python-summary/post-backup.sh",
    "slack-on-failure/post-backup.sh",
    "upstream-lock/post-backup.sh",
    "upstream-lock/pre-backup.sh",
];

/// Programs that change the machine or reach another one: a hook finds a fake of each, never the real one.
const GUARDED: &[&str] = &[
    "btrfs",
    "chown",
    "docker",
    "fsfreeze",
    "lvcreate",
    "lvremove",
    "lvs",
    "mariadb-dump",
    "mount",
    "mountpoint",
    "pg_dump",
    "pg_dumpall",
    "pg_restore",
    "psql",
    "restic",
    "ssh",
    "umount",
    "virsh",
];

const RUN_ID: &str = "20260301T020000Z-backup-0a1b2c3d";
const SECRET: &str = "s3cr3t-0815";

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("hooks-examples")
}

fn scripts_below(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).expect("the folder can be listed") {
        let path = entry.expect("the entry can be read").path();
        if path.is_dir() {
            found.extend(scripts_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "sh") {
            let name = path.strip_prefix(examples()).expect("it lies below the examples");
            found.insert(name.to_str().expect("names are UTF-8").to_owned());
        }
    }
    found
}

fn installed(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").expect("PATH is set");
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.metadata().is_ok_and(|meta| meta.is_file() && meta.mode() & 0o111 != 0))
}

/// A program without which the tests say nothing: a missing one must not look like a passed test.
fn needed(program: &str) -> PathBuf {
    installed(program).unwrap_or_else(|| panic!("install {program}: the tests of hooks-examples need it"))
}

/// A place of its own for each test: fakes, logs, state and temporary files lie in one folder that goes with it.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        for folder in ["bin", "log", "state", "run", "tmp", "home", "cache"] {
            fs::create_dir(bench.path(folder)).expect("a folder of the bench");
        }
        bench.executable(
            "guard",
            &format!(
                "#!/bin/sh\nprintf '%s\\n' \"MUST NOT RUN ${{0##*/}} $*\" >>'{}'\nexit 99\n",
                bench.path("calls").display()
            ),
        );
        for program in GUARDED {
            symlink(bench.path("guard"), bench.path("bin").join(program)).expect("a link to the guard");
        }
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A path as the text that environment variables and records have.
    fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("temporary paths are UTF-8").to_owned()
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("it has a parent")).expect("the folder can be made");
        fs::write(&path, content).expect("the file can be written");
        path
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn listed(&self, name: &str) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.path(name))
            .expect("the folder can be listed")
            .map(|entry| entry.expect("the entry can be read").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// Written by a child that has ended: were this process to hold it open for writing, a fork of another test could
    /// keep it so, and running it would fail with "Text file busy".
    fn executable(&self, name: &str, content: &str) {
        let mut child = Command::new("/bin/sh")
            .args(["-c", "rm -f \"$1\" && cat >\"$1\" && chmod 755 \"$1\"", "sh"])
            .arg(self.path(name))
            .stdin(Stdio::piped())
            .spawn()
            .expect("the shell starts");
        child.stdin.take().expect("it has an input").write_all(content.as_bytes()).expect("it reads the text");
        assert!(child.wait().expect("it ends").success(), "could not write {name}");
    }

    /// A fake program that records its call and then does `body`, in which `$bench` is this bench's folder.
    fn fake(&self, program: &str, body: &str) -> &Self {
        let bench = self.folder.path().display();
        self.executable(
            &format!("bin/{program}"),
            &format!("#!/bin/sh\nbench='{bench}'\nprintf '%s\\n' \"{program} $*\" >>\"$bench/calls\"\n{body}\n"),
        );
        self
    }

    /// The real program, with its calls recorded.
    fn spied(&self, program: &str) -> &Self {
        self.fake(program, &format!("exec '{}' \"$@\"", needed(program).display()))
    }

    /// For hooks that send something: with the real curl and jq, whose arguments are looked at.
    fn for_http() -> Self {
        let bench = Self::new();
        bench.spied("curl").spied("jq");
        bench
    }

    /// Mounts as far as hooks see them: one mount point that is mounted while the file `mounted` is there.
    fn with_mounts(&self) -> &Self {
        self.fake("mount", ": >\"$bench/mounted\"")
            .fake("umount", "rm -f \"$bench/mounted\"")
            .fake("mountpoint", "test -e \"$bench/mounted\"")
    }

    fn calls(&self) -> Vec<String> {
        self.read("calls").lines().map(str::to_owned).collect()
    }

    fn calls_of(&self, program: &str) -> Vec<String> {
        let start = format!("{program} ");
        self.calls().into_iter().filter(|call| call.starts_with(&start)).collect()
    }

    fn forget_calls(&self) {
        fs::write(self.path("calls"), "").expect("the record can be emptied");
    }

    fn hook(&self, example: &str) -> Hook {
        let mut command = Command::new(examples().join(example));
        let path = std::env::var("PATH").expect("PATH is set");
        command
            .env_clear()
            .env("PATH", format!("{}:{path}", self.text("bin")))
            .env("LC_ALL", "C")
            .env("HOSTNAME", "node-a")
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env("LOG_DIR", self.path("log"))
            .env("STATE_DIR", self.path("state"))
            .env("RUN_DIR", self.path("run"))
            .env("RESTIC_CACHE_DIR", self.path("cache"))
            .env("RUN_ID", RUN_ID)
            .current_dir("/")
            .stdin(Stdio::null());
        Hook { command }
    }
}

struct Hook {
    command: Command,
}

impl Hook {
    fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// As a post hook is called: with the exit code as the only argument, and the run in the environment.
    fn after(mut self, status: &str, code: i32) -> Self {
        self.command.arg(code.to_string()).env("RUN_STATUS", status).env("RUN_EXIT_CODE", code.to_string());
        self
    }

    fn arg(mut self, argument: &str) -> Self {
        self.command.arg(argument);
        self
    }

    fn run(mut self) -> Ended {
        let output = self.command.output().expect("the hook starts");
        Ended {
            code: output.status.code().expect("no signal ended the hook"),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs the hook, which must succeed.
    fn succeeds(self) -> Ended {
        let ended = self.run();
        assert_eq!(ended.code, 0, "{ended:?}");
        ended
    }

    /// Runs the hook, which must fail, and not because a program is missing or must not run.
    fn fails(self) -> Ended {
        let ended = self.run();
        assert!(![0, 99, 126, 127].contains(&ended.code), "{ended:?}");
        ended
    }
}

#[derive(Debug)]
struct Ended {
    code: i32,
    out: String,
    err: String,
}

impl Ended {
    fn keeps(&self, secret: &str, bench: &Bench) {
        assert!(!self.out.contains(secret) && !self.err.contains(secret), "the secret was printed: {self:?}");
        for call in bench.calls() {
            assert!(!call.contains(secret), "the secret is on a command line: {call}");
        }
    }
}

#[derive(Clone, Debug)]
struct Request {
    line: String,
    headers: Vec<String>,
    body: String,
}

impl Request {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn has_header(&self, header: &str) -> bool {
        self.headers.iter().any(|line| line.eq_ignore_ascii_case(header))
    }
}

/// Answers every request with one status, and records it before it answers.
struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn answering(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it has an address");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let closing = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let (requests, closing) = (Arc::clone(&requests), Arc::clone(&closing));
            move || {
                while let Ok((stream, _)) = listener.accept() {
                    if closing.load(Ordering::SeqCst) {
                        break;
                    }
                    // A client that goes away in the middle is not what is tested here.
                    drop(serve(&stream, status, &requests));
                }
            }
        });
        Self { address, requests, closing, thread: Some(thread) }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no other test holds it").clone()
    }

    fn only_request(&self) -> Request {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.remove(0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        // Wakes the thread, which then sees that it is over.
        let woken = TcpStream::connect(self.address).is_ok();
        if let Some(thread) = self.thread.take()
            && woken
        {
            drop(thread.join());
        }
    }
}

fn serve(stream: &TcpStream, status: u16, requests: &Mutex<Vec<Request>>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? == 0 || header.trim().is_empty() {
            break;
        }
        headers.push(header.trim().to_owned());
    }
    let value = |name: &str| {
        headers.iter().find_map(|header| {
            let (key, value) = header.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    if value("expect").is_some() {
        (&mut &*stream).write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let length = value("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    requests.lock().expect("no panic while it was held").push(Request {
        line: line.trim().to_owned(),
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    (&mut &*stream)
        .write_all(format!("HTTP/1.1 {status} answer\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").as_bytes())
}

fn summary(run_id: &str) -> String {
    let summary = json!({
        "job": "backup", "hostname": "node-a", "started_at": "2026-03-01T03:00:00+0100", "duration_seconds": 41,
        "repository": "rest:https://alice:***@repo.example/main", "backup_root_dir": "/data", "snapshot_id": "1a2b3c4d",
        "bytes_added": "1.234 MiB", "exit_code": 3, "run_id": run_id, "trigger": "schedule", "status": "failure",
        "last_success_at": "2026-02-28T03:00:41+0100", "hooks_verdict": "timed_out",
        "work": {"status": "failed", "exit_code": 3, "reason": "some files of <the source> could not be read & saved"},
        "stats": {"files_new": 3},
        "hooks": [
            {"name": "pre-backup.10-dump", "phase": "pre", "status": "completed", "exit_code": 0, "duration_ms": 1500},
            {"name": "pre-backup.20-stop", "phase": "pre", "status": "timed_out", "exit_code": 124, "duration_ms": 60000},
        ],
    });
    serde_json::to_string_pretty(&summary).expect("it is JSON")
}

// The folder as a whole

#[test]
fn every_script_has_its_mode_its_shebang_and_its_header() {
    for name in scripts_below(&examples()) {
        let path = examples().join(&name);
        let mode = path.metadata().expect("it is there").permissions().mode() & 0o7777;
        assert_eq!(mode, 0o755, "{name} has mode {mode:o}");
        let text = fs::read_to_string(&path).expect("it is text");
        assert!(["#!/bin/sh\n", "#!/usr/bin/env python3\n"].iter().any(|first| text.starts_with(first)), "{name}");
        let header: Vec<&str> = text.lines().take_while(|line| line.starts_with('#')).collect();
        for word in ["# Does: ", "# Needs: ", "# Install as: ", "# Critical: "] {
            let count = header.iter().filter(|line| line.starts_with(word)).count();
            assert_eq!(count, 1, "the header of {name} says '{word}' {count} times");
        }
        assert!(!text.contains('\r'), "{name} has a carriage return");
    }
}

#[test]
fn readme_has_one_row_for_every_script() {
    let readme = fs::read_to_string(examples().join("README.md")).expect("there is a README.md");
    let rows: Vec<&str> = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let mut sorted = rows.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, Vec::from_iter(&scripts_below(&examples())));
}

/// A script's header and the table tell the same file name.
#[test]
fn readme_installs_a_script_under_the_name_that_its_header_says() {
    let readme = fs::read_to_string(examples().join("README.md")).expect("there is a README.md");
    for row in readme.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.trim_matches(['|', ' ']).split(" | ").collect();
        assert_eq!(cells.len(), 5, "{row}");
        let (script, name) = (cells[0].trim_matches('`'), cells[4].trim_matches('`'));
        if script.contains('/') {
            let text = fs::read_to_string(examples().join(script)).expect("it is text");
            let header = text.lines().find(|line| line.starts_with("# Install as: ")).expect("it has that line");
            assert!(header.contains(&format!("or {name} ")), "{script}: {header}");
        }
    }
}

#[test]
fn every_script_is_run_by_a_test() {
    let listed: BTreeSet<String> = EXAMPLES.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(listed, scripts_below(&examples()));
    let tests = include_str!("hooks_examples.rs");
    for name in EXAMPLES {
        assert!(tests.contains(&format!(".hook(\"{name}\")")), "no test runs {name}");
    }
}

#[test]
fn mounting_the_whole_folder_activates_the_two_greetings_only() {
    let mut files: Vec<String> = fs::read_dir(examples())
        .expect("the folder can be listed")
        .map(|entry| entry.expect("the entry can be read"))
        .filter(|entry| entry.path().is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    files.sort();
    assert_eq!(files, ["README.md", "post-backup.sh", "pre-backup.sh"]);
}

#[test]
fn shellcheck_finds_nothing_in_the_examples() {
    let Some(shellcheck) = installed("shellcheck") else {
        println!("skipped: shellcheck not installed");
        return;
    };
    let output = Command::new(shellcheck).args(EXAMPLES).current_dir(examples()).output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn greetings_print_and_call_nothing() {
    let bench = Bench::new();
    let ended = bench.hook("pre-backup.sh").env("HOOK_NAME", "pre-backup").succeeds();
    assert!(
        ended.out.starts_with(&format!("hello from the hook pre-backup: the backup {RUN_ID} starts\n")),
        "{ended:?}"
    );
    let ended = bench.hook("post-backup.sh").env("HOOK_NAME", "post-backup").after("failure", 3).succeeds();
    assert_eq!(ended.out, format!("hello from the hook post-backup: the backup {RUN_ID} ended with exit code 3\n"));
    bench.hook("post-backup.sh").without("RUN_ID").succeeds();
    assert_eq!(bench.calls(), Vec::<String>::new());
}

// Slack

#[test]
fn slack_message_is_sent_only_after_a_failure() {
    let bench = Bench::for_http();
    let server = Server::answering(200);
    let url = server.url(&format!("/services/{SECRET}"));
    for (status, code) in [("success", 0), ("warning", 0), ("skipped", 0)] {
        bench.hook("slack-on-failure/post-backup.sh").env("SLACK_WEBHOOK_URL", &url).after(status, code).succeeds();
    }
    assert!(server.requests().is_empty(), "{:?}", server.requests());
    for (count, (status, code)) in [("failure", 3), ("interrupted", 143), ("failure", 0)].into_iter().enumerate() {
        bench.hook("slack-on-failure/post-backup.sh").env("SLACK_WEBHOOK_URL", &url).after(status, code).succeeds();
        assert_eq!(server.requests().len(), count + 1);
    }
}

#[test]
fn slack_hook_goes_by_the_argument_when_nothing_else_is_known() {
    let bench = Bench::for_http();
    let server = Server::answering(200);
    for (code, count) in [("0", 0), ("1", 1)] {
        let hook = bench.hook("slack-on-failure/post-backup.sh").without("RUN_ID").arg(code);
        hook.env("SLACK_WEBHOOK_URL", server.url("/")).succeeds();
        assert_eq!(server.requests().len(), count);
    }
}

#[test]
fn slack_message_has_the_facts_of_the_summary_and_the_address_stays_off_command_lines() {
    let bench = Bench::for_http();
    let server = Server::answering(200);
    let ended = bench
        .hook("slack-on-failure/post-backup.sh")
        .env("SLACK_WEBHOOK_URL", server.url(&format!("/services/{SECRET}")))
        .env("RUN_SUMMARY", bench.write("log/this-run.json", &summary(RUN_ID)))
        .after("failure", 3)
        .succeeds();
    let request = server.only_request();
    assert_eq!(request.line, format!("POST /services/{SECRET} HTTP/1.1"));
    assert!(request.has_header("Content-Type: application/json"), "{request:?}");
    assert_eq!(
        request.json(),
        json!({"text": format!(
            ":rotating_light: *backup* on *node-a*: failure, exit code 3\n\
             *Reason:* some files of &lt;the source&gt; could not be read &amp; saved\n\
             *Repository:* rest:https://alice:***@repo.example/main\n\
             *Source:* /data\n\
             *Hooks that failed:* pre-backup.20-stop (timed_out)\n\
             *Last success:* 2026-02-28T03:00:41+0100\n\
             *Run:* {RUN_ID}"
        )})
    );
    ended.keeps(SECRET, &bench);
}

#[test]
fn slack_message_is_sent_without_a_summary() {
    let bench = Bench::for_http();
    let server = Server::answering(200);
    bench
        .hook("slack-on-failure/post-backup.sh")
        .env("SLACK_WEBHOOK_URL", server.url("/"))
        .env("RUN_ERROR", "quote \" backslash \\ dollar $HOME `id` tab \t umlaut ä")
        .after("failure", 1)
        .succeeds();
    assert_eq!(
        server.only_request().json(),
        json!({"text": format!(
            ":rotating_light: *backup* on *node-a*: failure, exit code 1\n\
             *Reason:* quote \" backslash \\ dollar $HOME `id` tab \t umlaut ä\n\
             *Run:* {RUN_ID}"
        )})
    );
}

#[test]
fn slack_hook_takes_the_last_summary_for_this_run_only_if_it_is() {
    let bench = Bench::for_http();
    for (run_id, expected) in [(RUN_ID, true), ("20260228T020000Z-backup-ffffffff", false)] {
        let server = Server::answering(200);
        bench.write("log/last-backup.json", &summary(run_id));
        let hook = bench.hook("slack-on-failure/post-backup.sh").env("SLACK_WEBHOOK_URL", server.url("/"));
        hook.after("failure", 1).succeeds();
        assert_eq!(server.only_request().body.contains("repo.example"), expected, "{run_id}");
    }
    // Without an id to compare there is nothing else to go by.
    let server = Server::answering(200);
    let hook = bench.hook("slack-on-failure/post-backup.sh").env("SLACK_WEBHOOK_URL", server.url("/"));
    hook.without("RUN_ID").arg("1").succeeds();
    assert!(server.only_request().body.contains("repo.example"));
}

#[test]
fn slack_hook_bears_a_summary_that_is_no_json() {
    let bench = Bench::for_http();
    let server = Server::answering(200);
    let hook = bench.hook("slack-on-failure/post-backup.sh").env("SLACK_WEBHOOK_URL", server.url("/"));
    hook.env("RUN_SUMMARY", bench.write("log/broken.json", "{\"job\": \"ba")).after("failure", 1).succeeds();
    assert!(server.only_request().body.contains("failure, exit code 1"));
}

#[test]
fn slack_address_is_read_from_a_file_and_a_refusal_fails_the_hook() {
    let bench = Bench::for_http();
    let server = Server::answering(404);
    let file = bench.write("slack", &format!("{}\n", server.url(&format!("/{SECRET}"))));
    let hook = bench.hook("slack-on-failure/post-backup.sh").env("SLACK_WEBHOOK_URL_FILE", file);
    let ended = hook.after("failure", 1).fails();
    assert_eq!(server.only_request().line, format!("POST /{SECRET} HTTP/1.1"));
    ended.keeps(SECRET, &bench);
    bench.hook("slack-on-failure/post-backup.sh").after("failure", 1).fails();
}

// PagerDuty

#[test]
fn pagerduty_is_triggered_by_a_failure_and_resolved_by_a_success_of_the_same_key() {
    let bench = Bench::for_http();
    let server = Server::answering(202);
    let mut keys = Vec::new();
    for (status, code, action) in [
        ("failure", 3, "trigger"),
        ("interrupted", 143, "trigger"),
        ("success", 0, "resolve"),
        ("warning", 0, "resolve"),
    ] {
        let ended = bench
            .hook("pagerduty-event/post-backup.sh")
            .env("PAGERDUTY_URL", server.url("/v2/enqueue"))
            .env("PAGERDUTY_ROUTING_KEY", SECRET)
            .after(status, code)
            .succeeds();
        ended.keeps(SECRET, &bench);
        assert_eq!(server.requests().len(), keys.len() + 1, "{status}");
        let request = server.requests().remove(keys.len());
        assert_eq!(request.line, "POST /v2/enqueue HTTP/1.1");
        assert_eq!(request.json()["event_action"], action, "{status}");
        assert_eq!(request.json()["routing_key"], SECRET);
        keys.push(request.json()["dedup_key"].clone());
    }
    assert_eq!(keys, vec![json!("boathook/node-a/backup"); 4]);
}

#[test]
fn pagerduty_hears_nothing_of_a_run_that_was_called_off() {
    let bench = Bench::for_http();
    let server = Server::answering(202);
    let hook = bench.hook("pagerduty-event/post-backup.sh").env("PAGERDUTY_URL", server.url("/"));
    hook.env("PAGERDUTY_ROUTING_KEY", SECRET).after("skipped", 0).succeeds();
    assert!(server.requests().is_empty());
}

#[test]
fn pagerduty_event_has_the_fields_that_the_service_demands() {
    let bench = Bench::for_http();
    let server = Server::answering(202);
    bench
        .hook("pagerduty-event/post-backup.sh")
        .env("PAGERDUTY_URL", server.url("/"))
        .env("PAGERDUTY_ROUTING_KEY_FILE", bench.write("key", "from-a-file\n"))
        .env("PAGERDUTY_SEVERITY", "critical")
        .env("HOOK_WORKER", "check")
        .env("RUN_TARGET", "/data")
        .env("RUN_ERROR", "x".repeat(4096))
        .after("failure", 1)
        .succeeds();
    let event = server.only_request().json();
    assert_eq!(event["routing_key"], "from-a-file");
    assert_eq!(event["dedup_key"], "boathook/node-a/check");
    let payload = &event["payload"];
    let text = payload["summary"].as_str().expect("it is a string");
    assert!(text.starts_with("check on node-a: failure, exit code 1: xxx") && text.len() == 1000, "{text}");
    assert_eq!([&payload["source"], &payload["severity"], &payload["component"]], ["node-a", "critical", "check"]);
    assert_eq!(payload["custom_details"]["run_id"], RUN_ID);
    assert_eq!(payload["custom_details"]["target"], "/data");
}

#[test]
fn pagerduty_refusal_or_a_missing_key_fails_the_hook() {
    let bench = Bench::for_http();
    let server = Server::answering(400);
    let hook = bench.hook("pagerduty-event/post-backup.sh").env("PAGERDUTY_URL", server.url("/"));
    hook.env("PAGERDUTY_ROUTING_KEY", SECRET).after("failure", 1).fails().keeps(SECRET, &bench);
    let hook = bench.hook("pagerduty-event/post-backup.sh").env("PAGERDUTY_URL", server.url("/"));
    hook.after("failure", 1).fails();
    assert_eq!(server.requests().len(), 1);
}

// Health check

#[test]
fn health_check_is_told_of_the_start_and_of_every_kind_of_end() {
    let bench = Bench::for_http();
    let server = Server::answering(200);
    let url = server.url(&format!("/ping/{SECRET}"));
    bench.hook("health-check-ping/pre-backup.sh").env("HEALTHCHECK_PING_URL", &url).succeeds().keeps(SECRET, &bench);
    for (status, code) in
        [("success", 0), ("warning", 0), ("skipped", 0), ("failure", 3), ("interrupted", 143), ("failure", 0)]
    {
        let hook = bench.hook("health-check-ping/post-backup.sh").env("HEALTHCHECK_PING_URL", &url);
        hook.env("RUN_ERROR", "@/etc/hostname").after(status, code).succeeds().keeps(SECRET, &bench);
    }
    let seen: Vec<(String, String)> =
        server.requests().into_iter().map(|request| (request.line, request.body)).collect();
    let expected = [
        ("/start", RUN_ID),
        ("", "success, exit code 0: @/etc/hostname"),
        ("", "warning, exit code 0: @/etc/hostname"),
        ("/log", "skipped, exit code 0: @/etc/hostname"),
        ("/3", "failure, exit code 3: @/etc/hostname"),
        ("/143", "interrupted, exit code 143: @/etc/hostname"),
        ("/fail", "failure, exit code 0: @/etc/hostname"),
    ];
    let expected = expected.map(|(path, body)| (format!("POST /ping/{SECRET}{path} HTTP/1.1"), body.to_owned()));
    assert_eq!(seen, expected);
}

#[test]
fn health_check_address_is_read_from_a_file_and_cannot_smuggle_options() {
    let bench = Bench::for_http();
    let server = Server::answering(200);
    let file = bench.write("ping", &format!("{}\n", server.url("/from-a-file/")));
    bench.hook("health-check-ping/pre-backup.sh").env("HEALTHCHECK_PING_URL_FILE", &file).succeeds();
    bench.hook("health-check-ping/post-backup.sh").env("HEALTHCHECK_PING_URL_FILE", &file).arg("0").succeeds();
    let lines: Vec<String> = server.requests().into_iter().map(|request| request.line).collect();
    assert_eq!(lines, ["POST /from-a-file/start HTTP/1.1", "POST /from-a-file HTTP/1.1"]);

    let smuggled = format!("{}\"\noutput = \"{}", server.url("/"), bench.text("written"));
    bench.hook("health-check-ping/pre-backup.sh").env("HEALTHCHECK_PING_URL", &smuggled).fails();
    bench.hook("health-check-ping/post-backup.sh").env("HEALTHCHECK_PING_URL", &smuggled).arg("0").fails();
    assert_eq!(server.requests().len(), 2);
    assert!(!bench.path("written").exists());
}

#[test]
fn health_check_that_refuses_fails_the_hook() {
    let bench = Bench::for_http();
    let server = Server::answering(500);
    bench.hook("health-check-ping/pre-backup.sh").env("HEALTHCHECK_PING_URL", server.url("/")).fails();
    bench.hook("health-check-ping/post-backup.sh").env("HEALTHCHECK_PING_URL", server.url("/")).arg("0").fails();
}

// Dashboard

#[test]
fn dashboard_gets_one_event_with_the_token_in_a_header_and_on_no_command_line() {
    let bench = Bench::for_http();
    let server = Server::answering(200);
    let ended = bench
        .hook("dashboard-event/post-backup.sh")
        .env("DASHBOARD_URL", server.url("/api/annotations"))
        .env("DASHBOARD_TOKEN_FILE", bench.write("token", &format!("{SECRET}\n")))
        .env("RUN_SUMMARY", bench.write("log/this-run.json", &summary(RUN_ID)))
        .env("RUN_SNAPSHOT", "5e6f7a8b")
        .after("failure", 3)
        .succeeds();
    let request = server.only_request();
    assert_eq!(request.line, "POST /api/annotations HTTP/1.1");
    assert!(request.has_header(&format!("Authorization: Bearer {SECRET}")), "{request:?}");
    let event = request.json();
    assert_eq!(event["text"], "backup on node-a: failure");
    assert_eq!(event["tags"], json!(["boathook", "backup", "failure"]));
    assert_eq!(event["run_id"], RUN_ID);
    assert_eq!(event["exit_code"], 3);
    assert_eq!(event["error"], "some files of <the source> could not be read & saved");
    assert_eq!(event["snapshot"], "5e6f7a8b");
    assert_eq!(event["duration_seconds"], 41);
    assert_eq!(event["stats"], json!({"files_new": 3}));
    ended.keeps(SECRET, &bench);
}

#[test]
fn dashboard_gets_its_event_without_a_summary_and_a_refusal_fails_the_hook() {
    let bench = Bench::for_http();
    let server = Server::answering(401);
    let hook = bench.hook("dashboard-event/post-backup.sh").env("DASHBOARD_URL", server.url("/"));
    let ended = hook.env("DASHBOARD_TOKEN", SECRET).after("success", 0).fails();
    ended.keeps(SECRET, &bench);
    let event = server.only_request().json();
    assert_eq!(event["text"], "backup on node-a: success");
    assert_eq!(event["duration_seconds"], Value::Null);
    bench.hook("dashboard-event/post-backup.sh").env("DASHBOARD_URL", server.url("/")).after("success", 0).fails();
    assert_eq!(server.requests().len(), 1);
}

// File-system freeze. `/proc` stands for a file system that none of the bench's folders lies on.

#[test]
fn freeze_and_thaw_call_fsfreeze_once_each() {
    let bench = Bench::new();
    bench.fake("fsfreeze", "");
    bench.hook("fsfreeze/pre-backup.sh").env("FREEZE_PATH", "/proc").succeeds();
    assert_eq!(bench.calls(), ["fsfreeze --freeze /proc"]);
    bench.forget_calls();
    bench.hook("fsfreeze/post-backup.sh").env("FREEZE_PATH", "/proc").after("success", 0).succeeds();
    assert_eq!(bench.calls(), ["fsfreeze --unfreeze /proc"]);
}

#[test]
fn file_system_that_holds_logs_state_or_cache_is_never_frozen() {
    let bench = Bench::new();
    bench.fake("fsfreeze", "");
    let ended = bench.hook("fsfreeze/pre-backup.sh").env("FREEZE_PATH", bench.path("log")).fails();
    assert!(ended.err.contains("refusing to freeze"), "{ended:?}");
    for variable in
        ["LOG_DIR", "STATE_DIR", "RUN_DIR", "TMPDIR", "RESTIC_CACHE_DIR", "METRICS_DIR", "RESTIC_REPOSITORY"]
    {
        let hook = bench.hook("fsfreeze/pre-backup.sh").env("FREEZE_PATH", "/proc").env(variable, "/proc/self");
        let ended = hook.fails();
        assert!(ended.err.contains("/proc/self lies on the same file system"), "{variable}: {ended:?}");
    }
    assert_eq!(bench.calls(), Vec::<String>::new());
}

#[test]
fn freeze_that_fails_is_thawed_at_once() {
    let bench = Bench::new();
    bench.fake("fsfreeze", "test \"$1\" != --freeze");
    assert_eq!(bench.hook("fsfreeze/pre-backup.sh").env("FREEZE_PATH", "/proc").run().code, 1);
    assert_eq!(bench.calls(), ["fsfreeze --freeze /proc", "fsfreeze --unfreeze /proc"]);
}

#[test]
fn freeze_that_is_ended_by_a_signal_is_thawed_at_once() {
    let bench = Bench::new();
    bench.fake("fsfreeze", "test \"$1\" != --freeze || kill -TERM \"$PPID\"");
    assert_eq!(bench.hook("fsfreeze/pre-backup.sh").env("FREEZE_PATH", "/proc").run().code, 143);
    assert_eq!(bench.calls(), ["fsfreeze --freeze /proc", "fsfreeze --unfreeze /proc"]);
}

#[test]
fn thaw_is_called_even_if_the_run_failed_or_the_freeze_never_ran() {
    let bench = Bench::new();
    bench.fake("fsfreeze", "echo 'fsfreeze: /proc: unfreeze failed: Invalid argument' >&2; exit 1");
    for hook in [
        bench.hook("fsfreeze/post-backup.sh").after("failure", 120),
        bench.hook("fsfreeze/post-backup.sh").after("interrupted", 143),
        // As an undo it gets no argument.
        bench.hook("fsfreeze/post-backup.sh"),
    ] {
        let ended = hook.env("FREEZE_PATH", "/proc").succeeds();
        assert_eq!(ended.out, "/proc was not frozen\n");
    }
    assert_eq!(bench.calls(), vec!["fsfreeze --unfreeze /proc"; 3]);
}

#[test]
fn thaw_that_fails_fails_the_hook() {
    let bench = Bench::new();
    bench.fake("fsfreeze", "echo 'fsfreeze: /proc: unfreeze failed: Operation not permitted' >&2; exit 1");
    let ended = bench.hook("fsfreeze/post-backup.sh").env("FREEZE_PATH", "/proc").after("success", 0).fails();
    assert!(ended.err.contains("Operation not permitted") && ended.err.contains("could not thaw /proc"), "{ended:?}");
}

// Guest agent

#[test]
fn guest_is_frozen_before_and_thawed_after() {
    let bench = Bench::new();
    bench.fake("virsh", "");
    bench.hook("guest-quiesce/pre-backup.sh").env("GUEST_DOMAIN", "vm-1").succeeds();
    let hook = bench.hook("guest-quiesce/post-backup.sh").env("GUEST_DOMAIN", "vm-1");
    hook.env("GUEST_URI", "qemu+ssh://backup@hypervisor.example/system").after("failure", 1).succeeds();
    assert_eq!(
        bench.calls(),
        ["virsh domfsfreeze vm-1", "virsh --connect qemu+ssh://backup@hypervisor.example/system domfsthaw vm-1",]
    );
}

#[test]
fn guest_is_reached_by_ssh_when_asked_for() {
    let bench = Bench::new();
    bench.fake("ssh", "");
    for phase in ["pre", "post"] {
        let hook = match phase {
            "pre" => bench.hook("guest-quiesce/pre-backup.sh"),
            _ => bench.hook("guest-quiesce/post-backup.sh"),
        };
        hook.env("GUEST_DOMAIN", "vm-1").env("GUEST_SSH", "backup@hypervisor.example").succeeds();
    }
    let ends: Vec<String> =
        bench.calls().iter().filter_map(|call| Some(call.split_once(" -- ")?.1.to_owned())).collect();
    assert_eq!(
        ends,
        ["backup@hypervisor.example virsh domfsfreeze vm-1", "backup@hypervisor.example virsh domfsthaw vm-1"]
    );
    assert!(bench.calls().iter().all(|call| call.contains("BatchMode=yes")), "{:?}", bench.calls());
}

#[test]
fn guest_freeze_that_fails_or_is_ended_is_thawed_at_once() {
    for (body, code) in [
        ("test \"$1\" != domfsfreeze", 1),
        ("test \"$1\" != domfsfreeze || kill -TERM \"$(cat \"$bench/hook\")\"", 143),
    ] {
        let bench = Bench::new();
        // Between the hook and virsh stands timeout, so the hook's process is its parent.
        bench.fake("timeout", "echo \"$PPID\" >\"$bench/hook\"; shift; \"$@\"").fake("virsh", body);
        let ended = bench.hook("guest-quiesce/pre-backup.sh").env("GUEST_DOMAIN", "vm-1").run();
        assert_eq!(ended.code, code, "{ended:?}");
        assert_eq!(bench.calls_of("virsh"), ["virsh domfsfreeze vm-1", "virsh domfsthaw vm-1"]);
    }
}

#[test]
fn guest_thaw_is_tried_three_times() {
    let bench = Bench::new();
    bench.fake("virsh", "test \"$(grep -c '^virsh ' \"$bench/calls\")\" -ge 3");
    let thaw = |bench: &Bench| {
        let hook = bench.hook("guest-quiesce/post-backup.sh").env("GUEST_DOMAIN", "vm-1");
        hook.env("GUEST_RETRY_DELAY", "0")
    };
    thaw(&bench).succeeds();
    assert_eq!(bench.calls_of("virsh").len(), 3);

    bench.forget_calls();
    bench.fake("virsh", "exit 1");
    let ended = thaw(&bench).fails();
    assert!(ended.err.contains("could not thaw vm-1"), "{ended:?}");
    assert_eq!(bench.calls_of("virsh").len(), 3);
}

#[test]
fn guest_name_that_a_remote_shell_would_read_is_refused() {
    let bench = Bench::new();
    for name in ["vm; reboot", "$(reboot)", "--all", "vm 1"] {
        bench.hook("guest-quiesce/pre-backup.sh").env("GUEST_DOMAIN", name).fails();
        bench.hook("guest-quiesce/post-backup.sh").env("GUEST_DOMAIN", name).fails();
    }
    assert_eq!(bench.calls(), Vec::<String>::new());
}

// PostgreSQL

fn postgres(bench: &Bench) {
    bench
        .fake("psql", "printf 'shop\\nwith blank=1\\n'")
        .fake(
            "pg_dump",
            "for a; do case $a in --file=*) printf 'PGDMP %s' \"$PGDATABASE\" >\"${a#--file=}\" ;; esac; done",
        )
        .fake("pg_restore", "test -s \"$2\"")
        .fake("pg_dumpall", "for a; do case $a in --file=*) echo 'CREATE ROLE shop' >\"${a#--file=}\" ;; esac; done");
}

fn postgres_dump(bench: &Bench) -> Hook {
    let password = bench.write("pgpass", &format!("db:5432:*:backup:{SECRET}\n"));
    let hook = bench.hook("postgres-dump/pre-backup.sh").env("PG_DUMP_DIR", bench.path("dumps"));
    hook.env("PGPASSFILE", password).env("PGHOST", "db").env("PGUSER", "backup")
}

#[test]
fn postgres_databases_are_dumped_each_under_its_name() {
    let bench = Bench::new();
    postgres(&bench);
    bench.write("dumps/gone.pgdump", "of a database that is no more");
    bench.write("dumps/.shop.partial", "of a run that crashed");
    postgres_dump(&bench).succeeds().keeps(SECRET, &bench);
    assert_eq!(bench.listed("dumps"), ["globals.pgsql", "shop.pgdump", "with blank=1.pgdump"]);
    assert_eq!(bench.read("dumps/with blank=1.pgdump"), "PGDMP with blank=1");
    let mode = bench.path("dumps/shop.pgdump").metadata().expect("it is there").mode() & 0o777;
    assert_eq!(mode, 0o600);
    assert_eq!(bench.calls_of("pg_dump").len(), 2);
    for program in ["psql", "pg_dump", "pg_dumpall"] {
        assert!(bench.calls_of(program).iter().all(|call| call.contains("--no-password")), "{program} could ask");
    }
}

#[test]
fn postgres_databases_can_be_named_and_globals_left_out() {
    let bench = Bench::new();
    postgres(&bench);
    postgres_dump(&bench).env("PG_DUMP_DATABASES", "shop  wiki").env("PG_DUMP_GLOBALS", "OFF").succeeds();
    assert_eq!(bench.listed("dumps"), ["shop.pgdump", "wiki.pgdump"]);
    assert!(bench.calls_of("psql").is_empty() && bench.calls_of("pg_dumpall").is_empty());
}

#[test]
fn postgres_dump_that_fails_in_any_way_fails_loudly_and_leaves_no_half_dump() {
    for (program, body) in [
        ("psql", "exit 2"),
        ("psql", "exit 0"),
        ("pg_dump", "for a; do case $a in --file=*) echo half >\"${a#--file=}\" ;; esac; done; exit 1"),
        ("pg_dump", "for a; do case $a in --file=*) : >\"${a#--file=}\" ;; esac; done"),
        ("pg_restore", "exit 1"),
    ] {
        let bench = Bench::new();
        postgres(&bench);
        bench.fake(program, body).write("dumps/shop.pgdump", "yesterday's");
        let ended = postgres_dump(&bench).fails();
        assert_eq!(bench.listed("dumps"), Vec::<String>::new(), "{program} {body}: {ended:?}");
    }
    for body in ["exit 1", "for a; do case $a in --file=*) : >\"${a#--file=}\" ;; esac; done"] {
        let bench = Bench::new();
        postgres(&bench);
        bench.fake("pg_dumpall", body);
        postgres_dump(&bench).fails();
        assert_eq!(bench.listed("dumps"), ["shop.pgdump", "with blank=1.pgdump"], "{body}");
    }
}

#[test]
fn postgres_database_that_no_file_can_be_named_after_fails_the_hook() {
    for name in ["../../etc", "a/b", ".hidden"] {
        let bench = Bench::new();
        postgres(&bench);
        bench.fake("psql", &format!("echo '{name}'"));
        let ended = postgres_dump(&bench).fails();
        assert!(ended.err.contains("cannot name a file after the database"), "{ended:?}");
        assert!(bench.calls_of("pg_dump").is_empty(), "{:?}", bench.calls());
    }
}

#[test]
fn postgres_password_file_that_is_missing_fails_before_anything_is_called() {
    let bench = Bench::new();
    let ended = postgres_dump(&bench).env("PGPASSFILE", bench.path("nowhere")).fails();
    assert!(ended.err.contains("cannot read PGPASSFILE"), "{ended:?}");
    assert_eq!(bench.calls(), Vec::<String>::new());
}

#[test]
fn postgres_staging_is_cleaned_of_dumps_and_of_nothing_else() {
    let bench = Bench::new();
    let clean = || bench.hook("postgres-dump/post-backup.sh").env("PG_DUMP_DIR", bench.path("dumps"));
    // The pre hook never ran: there is no folder.
    clean().after("failure", 120).succeeds();
    for name in ["shop.pgdump", "globals.pgsql", ".wiki.partial", "notes.txt"] {
        bench.write(&format!("dumps/{name}"), "x");
    }
    clean().after("success", 0).succeeds();
    assert_eq!(bench.listed("dumps"), ["notes.txt"]);
    clean().succeeds();
}

// MariaDB

const COMPLETE_DUMP: &str = "for a; do case $a in --result-file=*) \
     printf '%s\\n' 'CREATE TABLE t;' '-- Dump completed on 2026-03-01' >\"${a#--result-file=}\" ;; esac; done";

fn mariadb_dump(bench: &Bench) -> Hook {
    let options = bench.write("client.cnf", &format!("[client]\npassword={SECRET}\n"));
    let hook = bench.hook("mariadb-dump/pre-backup.sh").env("MARIADB_DUMP_DIR", bench.path("dumps"));
    hook.env("MARIADB_DEFAULTS_FILE", options)
}

#[test]
fn mariadb_is_dumped_with_its_option_file_as_the_first_argument() {
    let bench = Bench::new();
    bench.fake("mariadb-dump", COMPLETE_DUMP).write("dumps/mariadb.sql", "yesterday's");
    mariadb_dump(&bench).succeeds().keeps(SECRET, &bench);
    assert_eq!(bench.listed("dumps"), ["mariadb.sql"]);
    assert!(bench.read("dumps/mariadb.sql").starts_with("CREATE TABLE"));
    let mode = bench.path("dumps/mariadb.sql").metadata().expect("it is there").mode() & 0o777;
    assert_eq!(mode, 0o600);
    mariadb_dump(&bench).env("MARIADB_DATABASES", "shop wiki").succeeds();
    let first = format!("mariadb-dump --defaults-extra-file={} --single-transaction ", bench.text("client.cnf"));
    let calls = bench.calls();
    assert!(calls.len() == 2 && calls.iter().all(|call| call.starts_with(&first)), "{calls:?}");
    assert!(calls[0].ends_with(" --all-databases") && calls[1].ends_with(" --databases shop wiki"), "{calls:?}");
}

#[test]
fn mariadb_dump_that_fails_or_has_no_end_fails_loudly_and_leaves_nothing() {
    for body in [
        "for a; do case $a in --result-file=*) echo 'CREATE TABLE t;' >\"${a#--result-file=}\" ;; esac; done",
        "for a; do case $a in --result-file=*) : >\"${a#--result-file=}\" ;; esac; done",
        &format!("{COMPLETE_DUMP}\nexit 2"),
    ] {
        let bench = Bench::new();
        bench.fake("mariadb-dump", body).write("dumps/mariadb.sql", "yesterday's");
        mariadb_dump(&bench).fails();
        assert_eq!(bench.listed("dumps"), Vec::<String>::new(), "{body}");
    }
    let bench = Bench::new();
    let ended = mariadb_dump(&bench).env("MARIADB_DEFAULTS_FILE", bench.path("nowhere")).fails();
    assert!(ended.err.contains("cannot read MARIADB_DEFAULTS_FILE"), "{ended:?}");
    assert_eq!(bench.calls(), Vec::<String>::new());
}

#[test]
fn mariadb_staging_is_cleaned_of_its_dump_and_of_nothing_else() {
    let bench = Bench::new();
    let clean = || bench.hook("mariadb-dump/post-backup.sh").env("MARIADB_DUMP_DIR", bench.path("dumps"));
    clean().after("failure", 120).succeeds();
    for name in ["mariadb.sql", ".mariadb.partial", "other.sql"] {
        bench.write(&format!("dumps/{name}"), "x");
    }
    clean().after("success", 0).succeeds();
    assert_eq!(bench.listed("dumps"), ["other.sql"]);
}

// Containers. A container runs while there is a file `containers/<name>`.

const DOCKER: &str = "case $1 in
inspect) test -e \"$bench/containers/$4\" && echo true || echo false ;;
stop) rm \"$bench/containers/$4\" ;;
start) : >\"$bench/containers/$2\" ;;
esac";

fn docker(bench: &Bench, running: &[&str]) {
    bench.fake("docker", DOCKER);
    for name in running {
        bench.write(&format!("containers/{name}"), "");
    }
}

fn without_looks(bench: &Bench) -> Vec<String> {
    bench.calls().into_iter().filter(|call| !call.starts_with("docker inspect ")).collect()
}

#[test]
fn only_containers_that_were_stopped_are_started_again_last_first() {
    let bench = Bench::new();
    docker(&bench, &["web", "db"]);
    let hook = bench.hook("container-stop/pre-backup.sh").env("CONTAINERS", "web cron db");
    hook.env("CONTAINER_STOP_GRACE", "7").succeeds();
    assert_eq!(bench.listed("containers"), Vec::<String>::new());
    assert_eq!(without_looks(&bench), ["docker stop -t 7 web", "docker stop -t 7 db"]);
    bench.forget_calls();
    bench.hook("container-stop/post-backup.sh").after("failure", 1).succeeds();
    assert_eq!(bench.calls(), ["docker start db", "docker start web"]);
    bench.forget_calls();
    bench.hook("container-stop/post-backup.sh").succeeds();
    assert_eq!(bench.calls(), Vec::<String>::new(), "the second time there is nothing left to start");
}

#[test]
fn no_container_is_started_when_the_stop_never_ran() {
    let bench = Bench::new();
    bench.hook("container-stop/post-backup.sh").after("failure", 120).succeeds();
    assert_eq!(bench.calls(), Vec::<String>::new());
}

#[test]
fn stop_that_fails_half_way_has_what_it_stopped_started_again() {
    let bench = Bench::new();
    docker(&bench, &["web", "db", "mail"]);
    bench.fake("docker", &format!("test \"$1 $4\" != 'stop db' || exit 1\n{DOCKER}"));
    bench.hook("container-stop/pre-backup.sh").env("CONTAINERS", "web db mail").fails();
    assert!(!bench.path("containers/web").exists() && bench.path("containers/mail").exists());
    bench.hook("container-stop/post-backup.sh").after("failure", 120).succeeds();
    assert_eq!(bench.listed("containers"), ["db", "mail", "web"]);
}

#[test]
fn container_that_cannot_be_started_stays_noted_for_the_next_time() {
    let bench = Bench::new();
    docker(&bench, &["web", "db"]);
    bench.hook("container-stop/pre-backup.sh").env("CONTAINERS", "web db").succeeds();
    bench.fake("docker", &format!("test \"$1 $2\" != 'start db' || exit 1\n{DOCKER}"));
    let ended = bench.hook("container-stop/post-backup.sh").after("success", 0).fails();
    assert!(ended.err.contains("could not start db"), "{ended:?}");
    assert_eq!(bench.listed("containers"), ["web"]);
    // A further run finds it down, and still owes it the start.
    docker(&bench, &[]);
    bench.hook("container-stop/pre-backup.sh").env("CONTAINERS", "web db").succeeds();
    bench.hook("container-stop/post-backup.sh").after("success", 0).succeeds();
    assert_eq!(bench.listed("containers"), ["db", "web"]);
}

#[test]
fn container_that_does_not_exist_fails_the_hook() {
    let bench = Bench::new();
    bench.fake("docker", "echo 'Error: No such object' >&2; exit 1");
    bench.hook("container-stop/pre-backup.sh").env("CONTAINERS", "web").fails();
    assert!(without_looks(&bench).is_empty());
}

// A host's services. A service has the state that the file `services/<name>` says; without one it is inactive.

const SYSTEMCTL: &str = "for last; do :; done
set -- ${last#sudo -n }
case $2 in
is-active) state=$(cat \"$bench/services/$3\" 2>/dev/null || echo inactive); echo \"$state\"; test \"$state\" = active || exit 3 ;;
stop) rm -f \"$bench/services/$3\" ;;
start) echo active >\"$bench/services/$3\" ;;
esac";

fn commands_of_ssh(bench: &Bench) -> Vec<String> {
    let remote = |call: &String| Some(call.split_once(" -- backup@host.example ")?.1.to_owned());
    bench.calls().iter().filter_map(remote).filter(|command| !command.contains("is-active")).collect()
}

fn stop_services(bench: &Bench, names: &str) -> Hook {
    let hook = bench.hook("host-service/pre-backup.sh").env("SERVICE_HOST", "backup@host.example");
    hook.env("SERVICE_NAMES", names)
}

fn start_services(bench: &Bench) -> Hook {
    bench.hook("host-service/post-backup.sh").env("SERVICE_HOST", "backup@host.example")
}

#[test]
fn only_services_that_were_stopped_are_started_again_last_first() {
    let bench = Bench::new();
    bench.fake("ssh", SYSTEMCTL);
    for (service, state) in [("app", "active"), ("worker@1", "activating"), ("mail", "failed"), ("old", "deactivating")]
    {
        bench.write(&format!("services/{service}"), &format!("{state}\n"));
    }
    stop_services(&bench, "app mail worker@1 cron old").succeeds();
    assert_eq!(commands_of_ssh(&bench), ["systemctl stop app", "systemctl stop worker@1", "systemctl stop old"]);
    bench.forget_calls();
    start_services(&bench).after("failure", 1).succeeds();
    assert_eq!(commands_of_ssh(&bench), ["systemctl start worker@1", "systemctl start app"]);
    bench.forget_calls();
    start_services(&bench).succeeds();
    assert_eq!(bench.calls(), Vec::<String>::new(), "the second time there is nothing left to start");
}

#[test]
fn ssh_asks_nobody_trusts_no_unknown_host_and_takes_key_port_and_sudo() {
    let bench = Bench::new();
    bench.fake("ssh", SYSTEMCTL).write("services/app", "active\n");
    let settings = [
        ("SERVICE_SSH_KEY", "/run/secrets/the key"),
        ("SERVICE_SSH_PORT", "2222"),
        ("SERVICE_KNOWN_HOSTS", "/config/known_hosts"),
        ("SERVICE_SUDO", "ON"),
    ];
    let with = |hook: Hook| settings.iter().fold(hook, |hook, (name, value)| hook.env(name, value));
    with(stop_services(&bench, "app")).succeeds();
    with(start_services(&bench)).succeeds();
    assert_eq!(commands_of_ssh(&bench), ["sudo -n systemctl stop app", "sudo -n systemctl start app"]);
    for call in bench.calls() {
        for word in [
            "BatchMode=yes",
            "StrictHostKeyChecking=yes",
            "ConnectTimeout=10",
            "-p 2222 -i /run/secrets/the key -o UserKnownHostsFile=/config/known_hosts --",
        ] {
            assert!(call.contains(word), "{call}");
        }
    }
}

#[test]
fn no_service_is_started_when_the_stop_never_ran() {
    let bench = Bench::new();
    start_services(&bench).after("failure", 120).succeeds();
    assert_eq!(bench.calls(), Vec::<String>::new());
}

#[test]
fn host_that_cannot_be_reached_fails_the_stop_and_leaves_the_start_owed() {
    let bench = Bench::new();
    bench.fake("ssh", SYSTEMCTL).write("services/app", "active\n");
    stop_services(&bench, "app").succeeds();
    bench.fake("ssh", "exit 255");
    let ended = stop_services(&bench, "app").fails();
    assert!(ended.err.contains("cannot reach backup@host.example"), "{ended:?}");
    start_services(&bench).after("failure", 120).fails();
    bench.fake("ssh", SYSTEMCTL);
    start_services(&bench).succeeds();
    assert_eq!(bench.read("services/app"), "active\n");
}

#[test]
fn service_whose_state_or_name_makes_no_sense_is_refused() {
    let bench = Bench::new();
    for name in ["app; reboot", "$(reboot)", "--all"] {
        stop_services(&bench, name).fails();
    }
    assert_eq!(bench.calls(), Vec::<String>::new());
    bench.fake("ssh", "exit 4");
    let ended = stop_services(&bench, "app").fails();
    assert!(ended.err.contains("cannot tell whether app runs"), "{ended:?}");
}

// Space, disk, report

const DF_HEAD: &str = "echo 'Filesystem 1024-blocks Used Available Capacity Mounted on'";

#[test]
fn too_little_free_space_fails_the_run() {
    let bench = Bench::new();
    bench.fake("df", &format!("{DF_HEAD}\necho '//server/my share 7 4194304 2097152 2097152 50% /mnt/my share'"));
    let check = |minimum: &str| {
        let hook = bench.hook("free-space/pre-backup.sh").env("FREE_SPACE_PATHS", "/proc:/sys");
        hook.env("FREE_SPACE_MIN_MIB", minimum)
    };
    assert_eq!(check("2048").succeeds().out, "2048 MiB free on /proc\n2048 MiB free on /sys\n");
    let ended = check("2049").run();
    assert_eq!(ended.code, 1);
    assert_eq!(
        ended.err,
        "only 2048 MiB free on /proc, 2049 are needed\nonly 2048 MiB free on /sys, 2049 are needed\n"
    );
    assert_eq!(check("lots").run().code, 2);
    bench.fake("df", "echo 'df: no such device' >&2; exit 1");
    assert_eq!(check("0").run().code, 1, "what cannot be told is not enough");
}

#[test]
fn free_space_is_looked_up_where_restic_writes_also_for_folders_to_come() {
    let bench = Bench::new();
    bench.spied("df");
    bench
        .hook("free-space/pre-backup.sh")
        .env("FREE_SPACE_MIN_MIB", "0")
        .env("RESTIC_CACHE_DIR", bench.path("cache/to/come"))
        .env("RESTIC_REPOSITORY", bench.path("log"))
        .succeeds();
    let looked = ["cache", "tmp", "log"].map(|name| format!("df -Pk -- {}", bench.text(name)));
    assert_eq!(bench.calls(), looked);
}

#[test]
fn disk_that_is_not_plugged_in_calls_the_run_off_with_the_reason_as_last_line() {
    let bench = Bench::new();
    let look = || bench.hook("disk-not-plugged-in/pre-backup.sh").env("DISK_PATH", bench.path("disk"));
    let absent = format!("the disk is not plugged in: there is no {}/.boathook-disk\n", bench.text("disk"));
    let ended = look().run();
    assert_eq!((ended.code, &ended.out), (75, &absent));
    // The folder that the disk is mounted on is there without it as well.
    fs::create_dir(bench.path("disk")).expect("the folder can be made");
    let ended = look().run();
    assert_eq!((ended.code, &ended.out), (75, &absent));
    bench.write("disk/.boathook-disk", "");
    look().succeeds();
    assert_eq!(look().env("DISK_MARKER", "other").run().code, 75);
}

#[test]
fn disk_that_cannot_be_read_fails_the_hook() {
    let bench = Bench::new();
    fs::create_dir(bench.path("disk")).expect("the folder can be made");
    bench.fake("ls", "echo 'ls: Input/output error' >&2; exit 2");
    let ended = bench.hook("disk-not-plugged-in/pre-backup.sh").env("DISK_PATH", bench.path("disk")).run();
    assert_eq!(ended.code, 1, "{ended:?}");
}

#[test]
fn report_prints_load_and_disks_and_fails_for_nothing() {
    let bench = Bench::new();
    bench.fake("df", &format!("{DF_HEAD}\necho '/dev/sda1 4194304 1048576 3145728 25% /data'"));
    let hook = bench.hook("disk-and-load-report/post-backup.sh").env("REPORT_PATHS", "/data:/cache");
    let ended = hook.after("failure", 1).succeeds();
    assert!(ended.out.starts_with("load (1, 5, 15 minutes; running/all): "), "{ended:?}");
    for path in ["/data", "/cache"] {
        assert!(ended.out.contains(&format!("{path}: 1024 of 4096 MiB used, 3072 free (25%)\n")), "{ended:?}");
    }
    bench.fake("df", "exit 1");
    let ended = bench.hook("disk-and-load-report/post-backup.sh").env("BACKUP_ROOT_DIR", "/data").succeeds();
    assert!(ended.out.contains("/data: cannot be looked at\n"), "{ended:?}");
}

// NFS

fn mount_share(bench: &Bench) -> Hook {
    let hook = bench.hook("nfs-share/pre-backup.sh").env("NFS_SHARE", "server.example:/export");
    hook.env("NFS_MOUNT_POINT", bench.path("share"))
}

fn changes_of_mounts(bench: &Bench) -> Vec<String> {
    bench.calls().into_iter().filter(|call| !call.starts_with("mountpoint ")).collect()
}

#[test]
fn nfs_share_is_mounted_before_and_unmounted_after() {
    let bench = Bench::new();
    bench.with_mounts();
    mount_share(&bench).succeeds();
    bench.hook("nfs-share/post-backup.sh").after("failure", 1).succeeds();
    bench.hook("nfs-share/post-backup.sh").succeeds();
    let share = bench.text("share");
    assert_eq!(
        changes_of_mounts(&bench),
        [
            format!("mount -t nfs -o ro,soft,timeo=100,retrans=3 server.example:/export {share}"),
            format!("umount {share}"),
        ]
    );
    assert_eq!(bench.listed("state/example-hooks"), Vec::<String>::new());
}

#[test]
fn nfs_share_that_was_mounted_already_stays_mounted() {
    let bench = Bench::new();
    bench.with_mounts().write("mounted", "");
    mount_share(&bench).succeeds();
    bench.hook("nfs-share/post-backup.sh").after("success", 0).succeeds();
    assert_eq!(changes_of_mounts(&bench), Vec::<String>::new());
}

#[test]
fn nfs_mount_that_fails_fails_the_hook_and_leaves_nothing_to_unmount() {
    let bench = Bench::new();
    bench.with_mounts().fake("mount", "exit 32");
    assert_eq!(mount_share(&bench).run().code, 32);
    bench.hook("nfs-share/post-backup.sh").after("failure", 120).succeeds();
    assert!(bench.calls_of("umount").is_empty(), "{:?}", bench.calls());
}

#[test]
fn nfs_share_that_is_busy_is_unmounted_lazily() {
    let bench = Bench::new();
    bench.with_mounts();
    mount_share(&bench).succeeds();
    bench.fake("umount", "test \"$1\" = -l");
    bench.hook("nfs-share/post-backup.sh").after("success", 0).succeeds();
    assert_eq!(bench.calls_of("umount").pop(), Some(format!("umount -l {}", bench.text("share"))));

    mount_share(&bench).succeeds();
    bench.fake("umount", "exit 1").write("mounted", "");
    bench.write("state/example-hooks/mounted-nfs-share", &bench.text("share"));
    bench.hook("nfs-share/post-backup.sh").after("success", 0).fails();
    assert_eq!(bench.listed("state/example-hooks"), ["mounted-nfs-share"], "it stays noted for the next time");
}

// LVM. The volumes of the group are the lines of the file `volumes`.

fn lvm(bench: &Bench, volumes: &str) {
    bench
        .with_mounts()
        .fake("lvs", "cat \"$bench/volumes\"")
        .fake("lvcreate", "echo '  data_boathook=data' >>\"$bench/volumes\"")
        .fake("lvremove", "sed -i /data_boathook/d \"$bench/volumes\"")
        .write("volumes", volumes);
}

fn take_lvm_snapshot(bench: &Bench) -> Hook {
    fs::create_dir_all(bench.path("mnt/app")).expect("the mount point can be made");
    let hook = bench.hook("lvm-snapshot/pre-backup.sh").env("LVM_GROUP", "vg").env("LVM_VOLUME", "data");
    hook.env("LVM_MOUNT_POINT", bench.path("mnt")).env("HOOK_OUTPUT", bench.path("output"))
}

fn remove_lvm_snapshot(bench: &Bench) -> Hook {
    let hook = bench.hook("lvm-snapshot/post-backup.sh").env("LVM_GROUP", "vg").env("LVM_VOLUME", "data");
    hook.env("LVM_MOUNT_POINT", bench.path("mnt"))
}

fn changes_of_volumes(bench: &Bench) -> Vec<String> {
    changes_of_mounts(bench).into_iter().filter(|call| !call.starts_with("lvs ")).collect()
}

#[test]
fn backup_is_pointed_at_the_lvm_snapshot_which_is_removed_afterwards() {
    let bench = Bench::new();
    lvm(&bench, "  data=\n  data2=\n");
    take_lvm_snapshot(&bench).env("LVM_MOUNT_OPTIONS", "ro,nouuid").succeeds();
    let mount_point = bench.text("mnt");
    assert_eq!(bench.read("output"), format!("BACKUP_ROOT_DIR={mount_point}\n"));
    remove_lvm_snapshot(&bench).after("failure", 1).succeeds();
    assert_eq!(
        changes_of_volumes(&bench),
        [
            "lvcreate --snapshot --size 5G --name data_boathook vg/data".to_owned(),
            format!("mount -o ro,nouuid /dev/vg/data_boathook {mount_point}"),
            format!("umount {mount_point}"),
            "lvremove --yes vg/data_boathook".to_owned(),
        ]
    );
    assert_eq!(bench.read("volumes"), "  data=\n  data2=\n");
}

#[test]
fn lvm_snapshot_can_be_backed_up_in_part() {
    let bench = Bench::new();
    lvm(&bench, "  data=\n");
    take_lvm_snapshot(&bench).env("LVM_SUBFOLDER", "app").succeeds();
    assert_eq!(bench.read("output"), format!("BACKUP_ROOT_DIR={}/app\n", bench.text("mnt")));
    let bench = Bench::new();
    lvm(&bench, "  data=\n");
    take_lvm_snapshot(&bench).env("LVM_SUBFOLDER", "nowhere").fails();
    assert_eq!(bench.read("output"), "");
}

#[test]
fn lvm_snapshot_that_a_crash_left_is_replaced() {
    let bench = Bench::new();
    lvm(&bench, "  data=\n  data_boathook=data \n");
    bench.write("mounted", "");
    take_lvm_snapshot(&bench).succeeds();
    let programs: Vec<String> =
        changes_of_volumes(&bench).iter().filter_map(|call| Some(call.split_once(' ')?.0.to_owned())).collect();
    assert_eq!(programs, ["umount", "lvremove", "lvcreate", "mount"]);
}

#[test]
fn lvm_snapshot_that_fails_half_way_points_the_backup_at_nothing_and_is_removed() {
    let bench = Bench::new();
    lvm(&bench, "  data=\n");
    bench.fake("mount", "exit 32");
    take_lvm_snapshot(&bench).fails();
    assert_eq!(bench.read("output"), "");
    remove_lvm_snapshot(&bench).after("failure", 120).succeeds();
    assert_eq!(changes_of_volumes(&bench).pop().as_deref(), Some("lvremove --yes vg/data_boathook"));
    assert!(bench.calls_of("umount").is_empty());
}

#[test]
fn lvm_volume_that_is_not_our_snapshot_is_never_removed() {
    // None, one that is no snapshot, one of another volume.
    for volumes in ["  data=\n", "  data=\n  data_boathook=\n", "  data=\n  data_boathook=other\n"] {
        let bench = Bench::new();
        lvm(&bench, volumes);
        remove_lvm_snapshot(&bench).after("failure", 120).succeeds();
        assert_eq!(changes_of_volumes(&bench), Vec::<String>::new(), "{volumes}");
    }
    let bench = Bench::new();
    bench.fake("lvs", "exit 5");
    remove_lvm_snapshot(&bench).after("success", 0).fails();
    take_lvm_snapshot(&bench).fails();
    assert_eq!(changes_of_volumes(&bench), Vec::<String>::new());
}

// btrfs

fn btrfs(bench: &Bench) {
    bench.fake("btrfs", "case $2 in snapshot) mkdir \"$5\" ;; delete) rmdir \"$3\" ;; esac");
    fs::create_dir_all(bench.path("data")).expect("the subvolume can be made");
}

fn take_btrfs_snapshot(bench: &Bench) -> Hook {
    let hook = bench.hook("btrfs-snapshot/pre-backup.sh").env("BTRFS_SUBVOLUME", bench.path("data"));
    hook.env("HOOK_OUTPUT", bench.path("output"))
}

#[test]
fn backup_is_pointed_at_the_btrfs_snapshot_which_is_removed_afterwards() {
    let bench = Bench::new();
    btrfs(&bench);
    take_btrfs_snapshot(&bench).succeeds();
    let (data, snapshot) = (bench.text("data"), bench.text("data/.boathook-snapshot"));
    assert_eq!(bench.read("output"), format!("BACKUP_ROOT_DIR={snapshot}\n"));
    for _ in 0..2 {
        bench.hook("btrfs-snapshot/post-backup.sh").env("BTRFS_SUBVOLUME", &data).after("failure", 1).succeeds();
    }
    assert_eq!(
        bench.calls(),
        [format!("btrfs subvolume snapshot -r {data} {snapshot}"), format!("btrfs subvolume delete {snapshot}")]
    );
}

#[test]
fn btrfs_snapshot_that_a_crash_left_is_replaced_and_a_failed_one_points_at_nothing() {
    let bench = Bench::new();
    btrfs(&bench);
    bench.write("elsewhere/keep", "");
    fs::create_dir(bench.path("elsewhere/snapshot")).expect("the left-over can be made");
    let hook = take_btrfs_snapshot(&bench).env("BTRFS_SNAPSHOT", bench.path("elsewhere/snapshot"));
    hook.succeeds();
    assert!(bench.calls()[0].starts_with("btrfs subvolume delete "), "{:?}", bench.calls());
    assert_eq!(bench.read("output"), format!("BACKUP_ROOT_DIR={}\n", bench.text("elsewhere/snapshot")));

    let bench = Bench::new();
    btrfs(&bench);
    bench.fake("btrfs", "exit 1");
    take_btrfs_snapshot(&bench).fails();
    assert_eq!(bench.read("output"), "");
    let hook = bench.hook("btrfs-snapshot/post-backup.sh").env("BTRFS_SUBVOLUME", bench.path("data"));
    hook.after("failure", 120).succeeds();
    assert_eq!(bench.calls().len(), 1, "{:?}", bench.calls());
}

// Upstream lock

fn lock(bench: &Bench, server: &Server) -> Hook {
    bench.hook("upstream-lock/pre-backup.sh").env("UPSTREAM_LOCK_URL", server.url("/lock"))
}

fn unlock(bench: &Bench, server: &Server) -> Hook {
    bench.hook("upstream-lock/post-backup.sh").env("UPSTREAM_UNLOCK_URL", server.url("/unlock"))
}

#[test]
fn upstream_is_locked_and_unlocked_by_the_same_owner_with_the_token_on_no_command_line() {
    let bench = Bench::for_http();
    let server = Server::answering(200);
    lock(&bench, &server).env("UPSTREAM_TOKEN", SECRET).succeeds().keeps(SECRET, &bench);
    let token = bench.write("token", &format!("{SECRET}\n"));
    unlock(&bench, &server).env("UPSTREAM_TOKEN_FILE", token).after("failure", 1).succeeds().keeps(SECRET, &bench);
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].line, "POST /lock HTTP/1.1");
    assert_eq!(requests[0].json(), json!({"owner": RUN_ID, "reason": "backup", "ttl_seconds": 21600}));
    assert_eq!(requests[1].line, "POST /unlock HTTP/1.1");
    assert_eq!(requests[1].json(), json!({"owner": RUN_ID}));
    assert!(requests.iter().all(|request| request.has_header(&format!("Authorization: Bearer {SECRET}"))));
}

#[test]
fn upstream_lock_that_somebody_else_holds_ends_with_75_and_any_other_answer_with_1() {
    let bench = Bench::for_http();
    for (status, code) in [(201, 0), (409, 75), (423, 75), (302, 1), (401, 1), (500, 1)] {
        let server = Server::answering(status);
        let ended = lock(&bench, &server).run();
        assert_eq!(ended.code, code, "{status}: {ended:?}");
        assert!(!server.only_request().headers.iter().any(|header| header.starts_with("Authorization")));
    }
}

#[test]
fn upstream_unlock_bears_that_there_is_no_lock_and_fails_if_it_may_still_be_locked() {
    let bench = Bench::for_http();
    for (status, good) in [(204, true), (404, true), (409, true), (410, true), (401, false), (503, false)] {
        let server = Server::answering(status);
        let ended = unlock(&bench, &server).after("failure", 120).run();
        assert_eq!(ended.code == 0, good, "{status}: {ended:?}");
        assert_eq!(server.requests().len(), 1);
    }
}

// Cache warming

#[test]
fn cache_is_warmed_over_every_path_within_a_limit() {
    let bench = Bench::new();
    bench.write("data/a/file", "x");
    bench.spied("find").spied("timeout");
    let data = bench.text("data");
    let ended = bench.hook("cache-warming/pre-backup.sh").env("BACKUP_ROOT_DIR", &data).succeeds();
    assert_eq!(ended.out, format!("warmed {data}\n"));
    assert_eq!(
        bench.calls(),
        [format!("timeout 300 find {data} -xdev -size +0"), format!("find {data} -xdev -size +0")]
    );
    let paths = format!("{data}:{}", bench.text("log"));
    let ended = bench.hook("cache-warming/pre-backup.sh").env("CACHE_WARM_PATHS", paths).succeeds();
    assert_eq!(ended.out, format!("warmed {data}\nwarmed {}\n", bench.text("log")));
}

#[test]
fn cache_warming_gives_up_quietly_and_fails_only_without_a_source() {
    let bench = Bench::new();
    for (code, words) in [(124, "gave up on"), (143, "gave up on"), (1, "but for what could not be read")] {
        bench.fake("timeout", &format!("exit {code}"));
        let ended = bench.hook("cache-warming/pre-backup.sh").env("BACKUP_ROOT_DIR", bench.path("log")).succeeds();
        assert!(ended.out.contains(words), "{ended:?}");
    }
    bench.hook("cache-warming/pre-backup.sh").env("BACKUP_ROOT_DIR", bench.path("nowhere")).fails();
    bench.hook("cache-warming/pre-backup.sh").fails();
}

// Integrity. The snapshot is the folder `snapshot`; SHA-256 of "hello\n" and of nothing at all.

const HELLO: &str = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn integrity(bench: &Bench, list: &str) -> Hook {
    bench.fake("restic", "for last; do :; done; cat \"$bench/snapshot$last\"");
    bench.write("snapshot/data/with  blanks.txt", "hello\n");
    bench.write("snapshot/data/empty", "");
    bench.hook("integrity-check/post-check.sh").env("INTEGRITY_LIST", bench.write("list", list))
}

#[test]
fn files_of_the_list_are_read_back_and_compared() {
    let bench = Bench::new();
    let list = format!("# sums\n\n{}  /data/with  blanks.txt\n{EMPTY} */data/empty", HELLO.to_uppercase());
    let hook = integrity(&bench, &list).env("RESTIC_TAG", "automated").env("INTEGRITY_HOST", "node-a");
    let ended = hook.after("success", 0).succeeds();
    assert_eq!(ended.out, "2 files read back, 0 bad\n");
    assert_eq!(
        bench.calls(),
        [
            "restic dump --host node-a --tag automated latest /data/with  blanks.txt",
            "restic dump --host node-a --tag automated latest /data/empty",
        ]
    );
    assert_eq!(bench.listed("tmp"), Vec::<String>::new());
}

#[test]
fn file_that_differs_or_cannot_be_read_back_fails_the_hook() {
    let bench = Bench::new();
    let list = format!("{EMPTY}  /data/with  blanks.txt\n{EMPTY}  /data/gone\n{EMPTY}  /data/empty\n");
    let ended = integrity(&bench, &list).after("success", 0).run();
    assert_eq!(ended.code, 1);
    assert_eq!(ended.out, "3 files read back, 2 bad\n");
    assert!(ended.err.contains("differs: /data/with  blanks.txt\n"), "{ended:?}");
    assert!(ended.err.contains("cannot be read back: /data/gone\n"), "{ended:?}");
    assert_eq!(bench.listed("tmp"), Vec::<String>::new());
}

#[test]
fn integrity_list_that_names_nothing_or_is_missing_fails_the_hook() {
    let bench = Bench::new();
    let ended = integrity(&bench, "# only a comment\n").after("success", 0).run();
    assert_eq!(ended.code, 1, "{ended:?}");
    let ended = integrity(&bench, "").env("INTEGRITY_LIST", bench.path("nowhere")).after("success", 0).run();
    assert_eq!(ended.code, 2, "{ended:?}");
    assert_eq!(bench.hook("integrity-check/post-check.sh").after("success", 0).run().code, 2);
}

#[test]
fn nothing_is_read_back_after_a_run_that_failed_or_was_called_off() {
    let bench = Bench::new();
    for (status, code) in [("failure", 1), ("failure", 120), ("skipped", 0)] {
        integrity(&bench, &format!("{EMPTY}  /data/empty\n")).after(status, code).succeeds();
    }
    assert_eq!(bench.calls(), Vec::<String>::new());
}

#[test]
fn external_integrity_command_decides_by_its_exit_code() {
    let bench = Bench::new();
    bench.fake("verify", "");
    let run = |bench: &Bench| {
        let hook = bench.hook("integrity-check/post-check.sh").env("INTEGRITY_COMMAND", bench.path("bin/verify"));
        hook.env("INTEGRITY_SNAPSHOT", "1a2b3c4d").after("success", 0)
    };
    run(&bench).succeeds();
    assert_eq!(bench.calls(), ["verify 1a2b3c4d"]);
    bench.fake("verify", "exit 3");
    assert_eq!(run(&bench).run().code, 1);
}

// Owners

fn owners(bench: &Bench, list: &str) -> Hook {
    for file in ["data/app/file", "data/a=b/file", "other/file"] {
        bench.write(&format!("target/{file}"), "");
    }
    let hook = bench.hook("owner-after-restore/post-restore.sh").env("RUN_TARGET", bench.path("target"));
    hook.env("OWNER_LIST", bench.write("owners", list))
}

/// As the hook names it: temporary folders may lie behind a link.
fn real(path: &Path) -> String {
    path.canonicalize().expect("it is there").to_str().expect("it is UTF-8").to_owned()
}

#[test]
fn owners_are_changed_path_by_path_in_the_order_of_the_list() {
    let bench = Bench::new();
    bench.fake("chown", "");
    let absolute = bench.text("target/other");
    let list = format!("# restored paths\n\ndata/app=1000:1001\n{absolute}=33:33\ndata/a=b=0:0");
    owners(&bench, &list).after("success", 0).succeeds();
    let target = real(&bench.path("target"));
    assert_eq!(
        bench.calls(),
        [
            format!("chown -R -h 1000:1001 {target}/data/app"),
            format!("chown -R -h 33:33 {target}/other"),
            format!("chown -R -h 0:0 {target}/data/a=b"),
        ]
    );
}

#[test]
fn real_chown_takes_the_arguments() {
    let bench = Bench::new();
    bench.spied("chown");
    let meta = bench.folder.path().metadata().expect("it is there");
    owners(&bench, &format!("data={}:{}\n", meta.uid(), meta.gid())).after("success", 0).succeeds();
    let file = bench.path("target/data/app/file").metadata().expect("it is there");
    assert_eq!((file.uid(), file.gid()), (meta.uid(), meta.gid()));
}

#[test]
fn owner_list_with_any_mistake_changes_nothing() {
    for line in ["data/app", "data/app=app:app", "data/app=1000", "data/app=:1", "data/app=1:2:3", "1000:1000", "=1:1"]
    {
        let bench = Bench::new();
        let ended = owners(&bench, &format!("other=1:1\n{line}\n")).after("success", 0).run();
        assert_eq!(ended.code, 2, "{line}: {ended:?}");
        assert_eq!(bench.calls(), Vec::<String>::new(), "{line}");
    }
}

#[test]
fn owners_outside_the_target_are_never_changed() {
    for line in
        ["../outside=1:1", "data/../../outside=1:1", "link=1:1", "link/file=1:1", "/proc=1:1", "../target-2=1:1"]
    {
        let bench = Bench::new();
        bench.write("outside/file", "");
        bench.write("target-2/file", "");
        let hook = owners(&bench, &format!("other=1:1\n{line}\n"));
        symlink(bench.path("outside"), bench.path("target/link")).expect("the link can be made");
        let ended = hook.after("success", 0).run();
        assert_eq!(ended.code, 2, "{line}: {ended:?}");
        assert_eq!(bench.calls(), Vec::<String>::new(), "{line}");
    }
}

#[test]
fn path_that_was_not_restored_fails_the_hook_after_the_others_were_done() {
    let bench = Bench::new();
    bench.fake("chown", "");
    let ended = owners(&bench, "gone=1:1\nother=2:2\n").after("success", 0).run();
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("was not restored: "), "{ended:?}");
    assert_eq!(bench.calls(), [format!("chown -R -h 2:2 {}/other", real(&bench.path("target")))]);
}

#[test]
fn owners_stay_after_a_restore_that_failed_was_called_off_or_was_a_dry_run() {
    let bench = Bench::new();
    for (status, code) in [("failure", 1), ("interrupted", 143), ("skipped", 0)] {
        owners(&bench, "other=1:1\n").after(status, code).succeeds();
    }
    let dry = bench.write("summary", "{\n  \"job\": \"restore\",\n  \"dry_run\": \"ON\"\n}\n");
    owners(&bench, "gone=1:1\n").env("RUN_SUMMARY", dry).after("success", 0).succeeds();
    assert_eq!(bench.calls(), Vec::<String>::new());
}

// Python

#[test]
fn python_hook_prints_the_slowest_hook_first_and_adds_a_line_for_each_run() {
    needed("python3");
    let bench = Bench::new();
    let hook = bench.hook("python-summary/post-backup.sh").after("failure", 3);
    let ended = hook.env("RUN_SUMMARY", bench.write("summary", &summary(RUN_ID))).succeeds();
    let lines: Vec<&str> = ended.out.lines().collect();
    assert_eq!(
        lines,
        [
            "failure, exit code 3, 41 s",
            "     60.0 s  timed_out  pre-backup.20-stop",
            "      1.5 s  completed  pre-backup.10-dump",
        ]
    );
    // Without a summary it goes by the environment.
    bench.hook("python-summary/post-backup.sh").after("success", 0).succeeds();
    let table: Vec<String> = bench.read("log/backup-runs.csv").lines().map(str::to_owned).collect();
    assert_eq!(
        table,
        [
            "run_id,hostname,started_at,duration_seconds,status,exit_code,snapshot_id,bytes_added,hooks_verdict"
                .to_owned(),
            format!("{RUN_ID},node-a,2026-03-01T03:00:00+0100,41,failure,3,1a2b3c4d,1.234 MiB,timed_out"),
            format!("{RUN_ID},,,,success,0,,,"),
        ]
    );
}

#[test]
fn python_hook_bears_a_broken_summary_and_fails_if_the_table_cannot_be_written() {
    needed("python3");
    let bench = Bench::new();
    for text in ["{\"job\": ", "[1, 2]", "{\"hooks\": null}"] {
        let hook = bench.hook("python-summary/post-backup.sh").arg("1").without("RUN_ID");
        let hook = hook.env("RUN_SUMMARY", bench.write("summary", text)).env("RUNS_CSV", bench.path("runs.csv"));
        assert_eq!(hook.succeeds().out, "unknown status, exit code 1, ? s\n");
    }
    assert_eq!(bench.read("runs.csv").lines().count(), 4);
    bench.hook("python-summary/post-backup.sh").env("RUNS_CSV", bench.path("nowhere/runs.csv")).fails();
}
