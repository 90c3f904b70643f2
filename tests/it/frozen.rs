//! Logs, state, metrics and data on a file system that a pre hook really freezes (`fsfreeze` on a loop-mounted ext4):
//! its undo runs all the same, in time.
//!
//! Whoever writes to a frozen file system cannot be ended before the thaw, so whatever becomes of a test, it is thawed:
//! by a watchdog, when the test's process is gone or a time is over.

use crate::containers::skip;
use crate::declared_scene::{declare, file, held, hook_of, plain, sh};
use crate::loopback::Http;
use crate::support::{Running, Sandbox, send, wait_for, write_executable};
use crate::undo::child_of;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Thaws what is mounted at `$1` once nobody holds its input any more, or after `$2` seconds, and takes it away.
const WATCHDOG: &str = "timeout $2 cat; fsfreeze --unfreeze $1; umount -l $1";

/// A file system of its own, in an image. Whoever holds this sees it thawed and gone when he is done.
struct Mount {
    watchdog: Child,
}

impl Mount {
    /// `None`, with the reason said, where this machine cannot do that.
    fn new(image: &Path, point: &Path, seconds: u32) -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            skip("only root may mount and freeze");
            return None;
        }
        let size = fs::File::create(image).and_then(|file| file.set_len(64 * 1024 * 1024));
        size.expect("there is room");
        fs::create_dir(point).expect("can be made");
        let steps: [(&str, &[&str]); 2] = [("mkfs.ext4", &["-q"]), ("mount", &["-o", "loop"])];
        for (number, (program, words)) in steps.into_iter().enumerate() {
            let mut command = Command::new(program);
            command.args(words).arg(image).args((number == 1).then_some(point));
            let why = match command.stdin(Stdio::null()).output() {
                Ok(ended) if ended.status.success() => continue,
                Ok(ended) => String::from_utf8_lossy(&ended.stderr).trim().to_owned(),
                Err(error) => error.to_string(),
            };
            skip(&format!("nothing can be mounted here ({program}: {why})"));
            return None;
        }
        let mut watchdog = Command::new("/bin/sh");
        watchdog.args(["-c", WATCHDOG, "sh"]).arg(point).arg(seconds.to_string());
        let quiet = watchdog.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Some(Self { watchdog: quiet.spawn().expect("sh is there") })
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}

/// A sandbox with its logs, state, metrics and data on a file system of their own. The repository is elsewhere, and so
/// are notes, hooks and programs.
struct Scene {
    // In this order: what hangs can be ended only after the thaw.
    _mount: Mount,
    sandbox: Sandbox,
}

/// A real backup that takes until it is told: `started` says where it is, `go` lets it go on.
const SLOW_RESTIC: &str = r#"#!/bin/sh
case " $* " in *" backup "*)
    echo started > @T/started
    while [ ! -e @T/go ]; do sleep 0.02; done ;;
esac
exec @RESTIC "$@"
"#;

const FREEZE: &str = "fsfreeze --freeze @M && echo frozen >> @T/notes";
const THAW: &str = "fsfreeze --unfreeze @M && echo thawed >> @T/notes";
const POST: &str = "echo post $RUN_STATUS >> @T/notes";

impl Scene {
    /// With these folders beside those that are always on it.
    fn new(further: &[(&str, &str)]) -> Option<Self> {
        let mut sandbox = Sandbox::with_repository();
        let point = sandbox.path("mnt");
        let mount = Mount::new(&sandbox.path("image"), &point, 120)?;
        let folders =
            [("LOG_DIR", "log"), ("STATE_DIR", "state"), ("METRICS_DIR", "metrics"), ("BACKUP_ROOT_DIR", "data")];
        for (name, part) in folders.iter().chain(further) {
            let folder = point.join(part);
            fs::create_dir(&folder).expect("can be made");
            sandbox.set(name, folder.display().to_string());
        }
        fs::write(point.join("data/one.txt"), "one\n").expect("can be written");
        Some(Self { _mount: mount, sandbox })
    }

    fn path(&self, part: &str) -> PathBuf {
        self.sandbox.path("mnt").join(part)
    }

    /// Declares these hooks; `@M` is the file system.
    fn declare(&self, pre: &[String], post: &[String]) {
        declare(&self.sandbox, &file(pre, post).replace("@M", "@T/mnt"));
    }

    /// Has the backup take until [`Scene::go`].
    fn slow(&self) {
        let paths = std::env::var("PATH").expect("is set");
        let restic = std::env::split_paths(&paths).map(|folder| folder.join("restic")).find(|path| path.exists());
        let text = SLOW_RESTIC
            .replace("@T", &self.sandbox.path("").display().to_string())
            .replace("@RESTIC", &restic.expect("is installed").display().to_string());
        write_executable(&self.sandbox.path("bin/restic"), &text);
    }

    fn go(&self) {
        fs::write(self.sandbox.path("go"), "").expect("can be written");
    }

    fn wait_for_note(&self, note: &str) {
        wait_for(note, || self.sandbox.notes().lines().any(|line| line == note).then_some(()));
    }

    /// Whether it is frozen now. Nothing waits for an answer: what is frozen cannot be frozen again (EBUSY).
    fn is_frozen(&self) -> bool {
        let fsfreeze = |what: &str| {
            let ended = Command::new("fsfreeze").arg(what).arg(self.path("")).output().expect("is installed");
            (ended.status.success(), String::from_utf8_lossy(&ended.stderr).into_owned())
        };
        let (frozen_by_us, said) = fsfreeze("--freeze");
        if frozen_by_us {
            assert!(fsfreeze("--unfreeze").0, "what was frozen can be thawed");
            return false;
        }
        assert!(said.contains("busy"), "{said}");
        true
    }

    #[track_caller]
    fn summary(&self) -> Value {
        let text = fs::read_to_string(self.path("log/last-backup.json")).expect("is there");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log/backup-last.log")).expect("is there")
    }

    /// Asserts what is there after a run that was thawed.
    #[track_caller]
    fn expect_whole(&self, status: &str, code: i32) {
        assert!(!self.is_frozen());
        let summary = self.summary();
        assert_eq!((&summary["status"], &summary["exit_code"]), (&status.into(), &code.into()), "{summary}");
        assert!(self.path("metrics/restic_backup.prom").exists());
        self.sandbox.expect_no_process();
        let hidden: Vec<_> = fs::read_dir(self.path("log"))
            .expect("is there")
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| name.starts_with('.'))
            .collect();
        assert_eq!(hidden, [""; 0], "half files");
    }
}

fn freeze(thaw: &str, further: &str) -> String {
    held_with("freeze", FREEZE, thaw, further)
}

/// A hook with this undo.
fn held_with(name: &str, program: &str, undo: &str, further: &str) -> String {
    held(name, program, further).replace(&sh("echo $HOOK_NAME >> @T/notes"), &sh(undo))
}

#[test]
fn it_is_thawed_at_the_end_of_the_work_and_nothing_is_lost() {
    let Some(scene) = Scene::new(&[]) else { return };
    let again = "echo try $HOOK_ATTEMPT ${HOOK_OUTPUT##*/} >> @T/notes; echo MY_TRY=$HOOK_ATTEMPT > $HOOK_OUTPUT; \
                 echo said within; [ $HOOK_ATTEMPT = 2 ]";
    let told = "echo told $MY_TRY ${HOOK_OUTPUT##*/} >> @T/notes";
    scene.declare(
        &[freeze(THAW, "holdLimit: 1h"), plain("again", again, "retries: 1; retryDelay: 1ms"), plain("told", told, "")],
        &[plain("post", POST, "")],
    );
    let out = scene.sandbox.run(&["backup"]).ends_with(0);
    let notes = "frozen\ntry 1 pre-2-1\ntry 2 pre-2-2\ntold 2 pre-3-1\nthawed\npost success\n";
    assert_eq!(scene.sandbox.notes(), notes);
    scene.expect_whole("success", 0);
    let log = scene.log();
    for line in out.stdout.lines().filter(|line| line.contains("Hook ") || line.contains("said within")) {
        assert!(log.contains(line), "not in the log: {line}\n{log}");
    }
    assert!(log.contains("[again] said within") && !log.contains("were lost here"), "{log}");
}

#[test]
fn it_is_thawed_with_the_runs_folder_and_the_locks_on_it() {
    let Some(scene) = Scene::new(&[("RUN_DIR", "run")]) else { return };
    let has_file = "[ -f $HOOK_OUTPUT ] && echo ${HOOK_OUTPUT##*/} >> @T/notes";
    scene.declare(&[freeze(THAW, "holdLimit: 1h"), plain("after", has_file, "")], &[plain("post", has_file, "")]);
    scene.sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(scene.sandbox.notes(), "frozen\npre-2-1\nthawed\npost-1-1\n");
    scene.expect_whole("success", 0);
    assert_eq!(fs::read_dir(scene.path("run/runs")).expect("is there").count(), 0);
    let queue = fs::read_dir(scene.path("run")).expect("is there").flatten();
    let queue = queue.map(|entry| entry.path()).find(|path| path.extension().is_some_and(|end| end == "queue"));
    let tickets = || fs::read_dir(queue.as_deref().expect("is there")).expect("is there").count();
    assert_eq!(tickets(), 0, "a ticket is left");
}

#[test]
fn it_is_thawed_at_its_hold_limit_while_the_work_goes_on() {
    let Some(scene) = Scene::new(&[]) else { return };
    scene.slow();
    scene.declare(&[freeze(THAW, "holdLimit: 300ms")], &[plain("post", POST, "")]);
    let running = scene.sandbox.start(&["backup"]);
    scene.sandbox.wait_for_file("started");
    scene.wait_for_note("thawed");
    assert!(!scene.is_frozen());
    scene.go();
    running.finish().ends_with(0);
    assert_eq!(scene.sandbox.notes(), "frozen\nthawed\npost warning\n");
    scene.expect_whole("warning", 0);
    let said = "'freeze' undone after 300ms, before the work ended: the data is not consistent";
    assert!(scene.log().contains(said), "{}", scene.log());
}

#[test]
fn it_is_thawed_at_once_when_the_worker_is_killed() {
    let Some(scene) = Scene::new(&[]) else { return };
    scene.slow();
    scene.declare(&[freeze(THAW, "holdLimit: 1h")], &[plain("post", POST, "")]);
    let running = scene.sandbox.start(&["backup"]);
    scene.sandbox.wait_for_file("started");
    let worker = child_of(running.pid(), "boathook");
    wait_for("a thread that waits for the thaw", || waits_for_the_disk(worker).then_some(()));
    send(worker, libc::SIGKILL);
    let killed = Instant::now();
    scene.wait_for_note("thawed");
    let took = killed.elapsed();
    println!("thawed {took:?} after the worker was killed");
    assert!(took < Duration::from_secs(3), "thawed after {took:?}");
    running.finish().ends_with(137);
    assert_eq!(scene.sandbox.notes(), "frozen\nthawed\npost interrupted\n");
    scene.expect_whole("interrupted", 137);
    assert!(scene.log().contains("✅ Hook undo-freeze"), "the successor writes to the log: {}", scene.log());
}

/// Whether a thread of this process is in state D.
fn waits_for_the_disk(pid: i32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    threads
        .filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok())
        .any(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('D')))
}

#[test]
fn it_is_thawed_after_hooks_that_print_more_than_is_held() {
    let Some(scene) = Scene::new(&[]) else { return };
    let loud = plain("loud", "seq 20000", "");
    scene.declare(&[freeze(THAW, "holdLimit: 1h"), loud.clone(), loud.replace("loud", "again")], &[]);
    let out = scene.sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(scene.sandbox.notes(), "frozen\nthawed\n");
    scene.expect_whole("success", 0);
    // The console is another output, and loses nothing.
    assert!(out.stdout.contains("[again] 20000\n") && !out.stdout.contains("lost here"));
    let log = scene.log();
    assert!(log.contains("lines were lost here, since nobody took them."), "the log says so");
    assert!(log.contains("✅ Hook freeze completed") && log.contains("[loud] 1\n"), "what was held is there");
    // Nobody waits a second time for what takes nothing.
    let took = hook_of(&scene.summary(), "again")["duration_ms"].as_u64().expect("a number");
    assert!(took < 1900, "{took} ms");
}

#[test]
fn a_run_whose_undo_fails_for_good_ends_and_tells_of_it() {
    let Some(mut scene) = Scene::new(&[]) else { return };
    let peer = Http::answering("204 No Content");
    scene.sandbox.set("WEBHOOK_URL", peer.url("/hook"));
    scene.declare(&[freeze("echo tried >> @T/notes; exit 7", "")], &[plain("post", POST, "")]);
    let running = scene.sandbox.start(&["backup"]);
    let told = wait_for("the webhook", || peer.others().pop());
    assert!(told.body.contains("undo-freeze") && told.body.contains("warning"), "{}", told.body);
    let (ended, frozen) = end_within(running, &scene);
    assert!(frozen, "it ends before anybody thaws: {}", ended.all());
    assert_eq!(ended.code(), 0, "{}", ended.all());
    assert_eq!(scene.sandbox.notes(), "frozen\ntried\ntried\ntried\npost warning\n");
    let out = ended.all();
    let summary = scene.path("log/last-backup.json").display().to_string();
    let metrics = scene.path("metrics").display().to_string();
    for line in [
        "❌ the effect of 'freeze' may still be there".to_owned(),
        format!("❌ The summary {summary} cannot be written: no answer within 30s: is its file system frozen?"),
        format!("⚠️ METRICS_DIR='{metrics}' is not writable; no metrics are written (no answer within 30s: is its"),
        "📋 Run".to_owned(),
    ] {
        assert_eq!(out.matches(&line).count(), 1, "{line}\n{out}");
    }
}

/// Waits for the end of the run, and says whether the file system was frozen by then.
fn end_within(running: Running, scene: &Scene) -> (crate::support::Finished, bool) {
    let ended = running.finish();
    (ended, scene.is_frozen())
}

#[test]
fn keeper_and_worker_killed_together_leave_a_frozen_file_system_that_a_recovery_thaws() {
    let Some(scene) = Scene::new(&[]) else { return };
    scene.slow();
    scene.declare(&[freeze(THAW, "holdLimit: 1h")], &[plain("post", POST, "")]);
    let running = scene.sandbox.start(&["backup"]);
    scene.sandbox.wait_for_file("started");
    let worker = child_of(running.pid(), "boathook");
    wait_for("a thread that waits for the thaw", || waits_for_the_disk(worker).then_some(()));
    running.signal(libc::SIGKILL);
    send(worker, libc::SIGKILL);
    // The worker hangs with that thread, and has let go of both locks all the same.
    let recovered = scene.sandbox.run(&["hooks", "recover"]);
    recovered.ends_with(0);
    running.finish();
    assert_eq!(scene.sandbox.notes(), "frozen\nthawed\npost interrupted\n");
    scene.expect_whole("interrupted", 137);
    let said = scene.sandbox.run(&["hooks", "recover"]).stdout;
    assert!(said.starts_with("✅ Nothing is owed (no journal in "), "{said}");
}
