//! Runs whose processes are all killed, and what a recovery of them leaves.

use crate::declared_scene::{declare, file, plain, sh};
use crate::http_peer::{Asked, NO_CONTENT, Peer};
use crate::support::{Finished, Running, Sandbox, send, wait_for, write_executable};
use crate::undo::child_of;
use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Waits as long as `wait-NAME` is there, and says before that it does.
const HALT: &str =
    "[ -e @T/wait-$HOOK_NAME ] && { echo $$ > @T/started; while [ -e @T/wait-$HOOK_NAME ]; do sleep 0.01; done; }";
/// What an undo and a post hook note of themselves: after their wait, so that one that is killed in it has no line.
const TOLD: &str = "echo $HOOK_NAME $RUN_ID $RUN_STATUS $RUN_EXIT_CODE $RUN_TRIGGER ${HOOK_RECOVERY:--} \
                    ${A_VALUE:--} ${B_VALUE:--} >> @T/notes";

/// A sandbox with the pre hooks `a`, `m` and `b` (`a` and `b` have undos and hand a value on), an engine, the post hooks
/// `first` and `post`, and a webhook; each waits while the file `wait-<name>` is there.
pub struct Scene {
    pub sandbox: Sandbox,
    peer: Peer,
    /// Whether the webhook answers nobody.
    deaf: Arc<AtomicBool>,
}

/// A run that waits somewhere.
pub struct Crash {
    pub run: String,
    pub running: Running,
}

fn pre(name: &str, value: &str) -> String {
    // What is noted last here is seen by whoever asks for it: the summary as the run found it.
    let program = format!(
        "echo $HOOK_NAME >> @T/notes; [ $HOOK_NAME = a ] && cp @T/log/last-backup.json @T/seen-$RUN_ID 2>/dev/null; \
         echo {value} > $HOOK_OUTPUT; {HALT}; true"
    );
    let undo = sh(&format!("{HALT}; {TOLD}"));
    format!("    - {{name: {name}, {}, undo: {{{undo}}}}}\n", sh(&program))
}

impl Scene {
    /// Has had one run, which was a success.
    pub fn new() -> Self {
        let mut sandbox = Sandbox::with_stand_in_engine();
        let deaf = Arc::new(AtomicBool::new(false));
        let is_deaf = Arc::clone(&deaf);
        let peer = Peer::new(move |stream, _| {
            if is_deaf.load(Ordering::Relaxed) {
                // Until the client has gone.
                let _ = std::io::Read::read(stream, &mut [0]);
            } else {
                let _ = stream.write_all(NO_CONTENT.as_bytes());
            }
        });
        sandbox.set("WEBHOOK_URL", format!("http://{}/hook", peer.address())).set("HOOK_KILL_AFTER", "2");
        let engine = "#!/bin/sh\n[ -e \"$LOG_DIR/../wait-work\" ] && while [ -e \"$LOG_DIR/../wait-work\" ]; do sleep 0.01; done\n";
        write_executable(&sandbox.path("bin/wait-for-work"), engine);
        sandbox.set("ENGINE_WAITS", "wait-for-work");
        sandbox.set("ENGINE_STARTED", sandbox.path("engine-started").display().to_string());
        let middle = plain("m", &format!("echo m >> @T/notes; {HALT}; true"), "");
        let post = ["first", "post"].map(|name| plain(name, &format!("{HALT}; {TOLD}"), ""));
        declare(&sandbox, &file(&[pre("a", "A_VALUE=1"), middle, pre("b", "B_VALUE=2")], &post));
        sandbox.run(&["backup"]).ends_with(0);
        let scene = Self { sandbox, peer, deaf };
        scene.forget();
        scene
    }

    /// Forgets what was noted and told so far.
    pub fn forget(&self) {
        for part in ["notes", "engine-started"] {
            let _ = fs::remove_file(self.sandbox.path(part));
        }
        self.peer.requests();
    }

    /// Has whoever is called that wait; `work` is the engine, `notification` the webhook.
    pub fn halt(&self, name: &str) {
        self.deaf.store(name == "notification", Ordering::Relaxed);
        let _ = fs::remove_file(self.sandbox.path("started"));
        let _ = fs::remove_file(self.sandbox.path("engine-started"));
        fs::write(self.sandbox.path(format!("wait-{name}")), "").expect("can be written");
    }

    /// Lets it go on.
    pub fn go_on(&self, name: &str) {
        self.deaf.store(false, Ordering::Relaxed);
        let _ = fs::remove_file(self.sandbox.path(format!("wait-{name}")));
    }

    /// Waits until whoever is called that waits.
    #[track_caller]
    pub fn wait_until_halted(&self, name: &str) {
        match name {
            "work" => {
                self.sandbox.wait_for_file("engine-started");
                wait_for("the journal", || {
                    let [run] = <[String; 1]>::try_from(journals(&self.sandbox)).ok()?;
                    let text = fs::read_to_string(self.sandbox.path(format!("state/journal/{run}.journal"))).ok()?;
                    text.contains("WorkStarted").then_some(())
                });
            }
            "notification" => wait_for("the webhook", || (!self.peer.requests().is_empty()).then_some(())),
            _ => drop(self.sandbox.wait_for_file("started")),
        }
        // While something is frozen nothing waits for the disk: what was done before may be queued still.
        if !matches!(name, "work" | "notification") {
            let said = format!("\"name\":\"{name}\"");
            wait_for("the journal", || {
                let [run] = <[String; 1]>::try_from(journals(&self.sandbox)).ok()?;
                let text = fs::read_to_string(self.sandbox.path(format!("state/journal/{run}.journal"))).ok()?;
                let is_known = |line: &str| line.contains(&said) && line.contains("\"status\":\"running\"");
                text.lines().skip(1).any(is_known).then_some(())
            });
        }
    }

    /// A run that waits there.
    #[track_caller]
    pub fn waiting_in(&self, name: &str) -> Crash {
        self.halt(name);
        let running = self.sandbox.start(&["backup"]);
        self.wait_until_halted(name);
        let [run] = <[String; 1]>::try_from(journals(&self.sandbox)).expect("one run has a journal");
        Crash { run, running }
    }

    /// A run that was killed there, keeper and worker. Gives its id.
    #[track_caller]
    pub fn crashed_in(&self, name: &str) -> String {
        let Crash { run, running } = self.waiting_in(name);
        self.kill(running, name);
        run
    }

    /// Kills keeper and worker of what waits there. The hook that waits is ended by its supervisor.
    #[track_caller]
    pub fn kill(&self, running: Running, name: &str) {
        kill_both(running);
        if let Ok(hook) = fs::read_to_string(self.sandbox.path("started")) {
            wait_until_dead(hook.trim().parse().expect("a number"));
        }
        self.go_on(name);
    }

    /// The runs that the webhook was told of since the last look, each with its status.
    pub fn told(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let body = |asked: Asked| -> Value { serde_json::from_str(&asked.body).expect("is JSON") };
        self.peer.requests().into_iter().map(body).map(|body| (text(&body["run_id"]), text(&body["status"]))).collect()
    }

    /// The summary that the run of this id found.
    pub fn seen_by(&self, run: &str) -> Value {
        let text = fs::read_to_string(self.sandbox.path(format!("seen-{run}"))).expect("was copied");
        serde_json::from_str(&text).expect("is JSON")
    }

    /// Runs `hooks recover`.
    #[track_caller]
    pub fn recover(&self) -> Finished {
        self.sandbox.run(&["hooks", "recover"])
    }
}

/// The line that a hook notes of itself within a recovery of a run that was cut short.
pub fn recovered(name: &str, run: &str, values: &str) -> String {
    format!("{name} {run} interrupted 137 recovery 1 {values}\n")
}

/// Kills keeper and worker at the same time: the keeper is stopped first, so that it starts no successor.
#[track_caller]
pub fn kill_both(mut running: Running) {
    let worker = child_of(running.pid(), "boathook");
    running.signal(libc::SIGSTOP);
    send(worker, libc::SIGKILL);
    running.signal(libc::SIGKILL);
    running.end();
    wait_until_dead(worker);
}

/// Waits until a process has ended with all its threads, whoever is to be told of it.
#[track_caller]
pub fn wait_until_dead(pid: i32) {
    wait_for(&format!("the end of {pid}"), || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let threads = entries(&std::path::PathBuf::from(format!("/proc/{pid}/task"))).len();
        (stat.is_empty() || threads < 2 && (stat.contains(") Z ") || stat.contains(") X "))).then_some(())
    });
}

/// The runs that have a journal.
pub fn journals(sandbox: &Sandbox) -> Vec<String> {
    let paths = entries(&sandbox.path("state/journal"));
    let names = paths.iter().filter(|path| path.extension().is_some_and(|end| end == "journal"));
    names.map(|path| path.file_stem().expect("has a name").to_string_lossy().into_owned()).collect()
}

/// What is in a folder, by name.
pub fn entries(folder: &std::path::Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// The entries of `recoveries.jsonl`.
pub fn recoveries(sandbox: &Sandbox) -> Vec<Value> {
    let text = fs::read_to_string(sandbox.path("state/recoveries.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("is JSON")).collect()
}

/// Asserts that nothing is owed, nothing is left of any run, and that `hooks recover` says so.
#[track_caller]
pub fn assert_settled(sandbox: &Sandbox) {
    sandbox.expect_no_process();
    assert_eq!(journals(sandbox), [""; 0]);
    assert_eq!(entries(&sandbox.path("run/runs")), [""; 0].map(PathBuf::from), "what is left of runs");
    let said = sandbox.run(&["hooks", "recover"]).ends_with(0);
    assert_eq!(said.stdout, nothing_owed(sandbox), "{}", said.stderr);
}

/// What `hooks recover` says where nothing is owed.
pub fn nothing_owed(sandbox: &Sandbox) -> String {
    format!("✅ Nothing is owed (no journal in {}).\n", sandbox.path("state/journal").display())
}
