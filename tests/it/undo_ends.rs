//! Undos at a stop, and where the worker is killed: owed ones run, done ones do not run again.

use crate::declared_scene::{declare, file, held, hook_of, plain, ran, sh};
use crate::support::{Running, Sandbox, send, wait_for, write_executable};
use crate::undo::child_of;
use std::fs;
use std::time::{Duration, Instant};

const POST: &str = "echo post $RUN_STATUS >> @T/notes";
const WAIT: &str = "echo $$ > @T/started; while [ ! -e @T/go ]; do sleep 0.02; done";

/// Which step of the run waits until `go` is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum At {
    Pre,
    Work,
    Undo,
    Post,
}

fn waiting(at: At) -> (Sandbox, Running) {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("HOOK_KILL_AFTER", "1");
    let wait = |here: At| if at == here { WAIT } else { "true" };
    let undo = sh(&format!("echo begin $HOOK_NAME >> @T/notes; {}; echo $HOOK_NAME >> @T/notes", wait(At::Undo)));
    let b = format!("    - {{name: b, {}, undo: {{{undo}}}}}\n", sh(&format!("echo b >> @T/notes; {}", wait(At::Pre))));
    let pre = [held("a", "echo a >> @T/notes", ""), b, held("c", wait(At::Pre), "")];
    let post = [plain("first", wait(At::Post), ""), plain("post", POST, "")];
    declare(&sandbox, &file(&pre, &post));
    if at == At::Work {
        let started = sandbox.path("started").display().to_string();
        sandbox.set("ENGINE_WAITS", "setsid sleep 1000").set("ENGINE_STARTED", started);
    }
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    (sandbox, running)
}

#[test]
fn a_worker_killed_anywhere_has_what_it_owes_undone_once() {
    let undone = "begin undo-b\nundo-b\nundo-a\n";
    for (at, code, notes) in [
        (At::Pre, 137, format!("a\nb\n{undone}post interrupted\n")),
        (At::Work, 137, format!("a\nb\nundo-c\n{undone}post interrupted\n")),
        // It had only begun: an undo must bear to be done twice.
        (At::Undo, 0, format!("a\nb\nundo-c\nbegin undo-b\n{undone}post warning\n")),
        (At::Post, 0, format!("a\nb\nundo-c\n{undone}post warning\n")),
    ] {
        let (sandbox, running) = waiting(at);
        let worker = child_of(running.pid(), "boathook");
        send(worker, 9);
        wait_for("the successor", || {
            let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", running.pid())).ok()?;
            (!children.split_whitespace().any(|pid| pid == worker.to_string())).then_some(())
        });
        fs::write(sandbox.path("go"), "").expect("can be written");
        running.finish().ends_with(code);
        assert_eq!(sandbox.notes(), notes, "{at:?}");
        sandbox.expect_no_process();
    }
}

#[test]
fn a_killed_keeper_leaves_a_worker_that_undoes() {
    let (sandbox, mut running) = waiting(At::Undo);
    send(running.pid(), 9);
    running.end();
    fs::write(sandbox.path("go"), "").expect("can be written");
    wait_for("the run to end", || (!sandbox.is_locked("cron.lock")).then_some(()));
    assert_eq!(sandbox.notes(), "a\nb\nundo-c\nbegin undo-b\nundo-b\nundo-a\npost success\n");
    sandbox.expect_no_process();
}

#[test]
fn a_second_signal_does_not_cut_an_undo_short() {
    let (sandbox, running) = waiting(At::Undo);
    running.signal(2);
    // Only a later one is a second.
    std::thread::sleep(Duration::from_millis(400));
    running.signal(2);
    std::thread::sleep(Duration::from_millis(100));
    fs::write(sandbox.path("go"), "").expect("can be written");
    running.finish().ends_with(0);
    assert_eq!(sandbox.notes(), "a\nb\nundo-c\nbegin undo-b\nundo-b\nundo-a\npost success\n");
}

#[test]
fn an_undo_that_hangs_at_a_stop_leaves_the_others_a_moment() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let started = sandbox.path("started").display().to_string();
    sandbox.set("STOP_TIMEOUT", "4").set("ENGINE_WAITS", "setsid sleep 1000").set("ENGINE_STARTED", started);
    let undo = sh("echo hangs >> @T/notes; trap : TERM; while :; do sleep 0.05; done");
    let b = format!("    - {{name: b, {}, undo: {{{undo}}}}}\n", sh("exit 0"));
    declare(&sandbox, &file(&[held("a", "exit 0", ""), b], &[plain("post", "echo MUST NOT RUN >> @T/notes", "")]));
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    let asked = Instant::now();
    running.signal(15);
    running.finish().ends_with(143);
    assert!(asked.elapsed() < Duration::from_secs(4), "took {:?}", asked.elapsed());
    assert_eq!(sandbox.notes(), "hangs\nundo-a\n");
    let summary = sandbox.summary("backup");
    assert_eq!(hook_of(&summary, "undo-b")["attempts"], 1);
    assert_eq!(hook_of(&summary, "post")["reason"], "no time was left before the stop (STOP_TIMEOUT)");
    sandbox.expect_no_process();
}

#[test]
fn notifications_go_out_while_an_undo_takes_too_long() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let script = "#!/bin/sh\n# A stand-in for sendmail.\n\
                  echo \"mail $(grep -a '^Subject: ' | cut -d ' ' -f 2-4)\" >> \"$LOG_DIR/../notes\"\n";
    write_executable(&sandbox.path("bin/sendmail"), script);
    sandbox.set("MAILX_RCPT", "ops@backup.example").set("MAILX_ON_ERROR", "OFF").set("NOTIFY_AFTER", "0");
    let undo = sh("while ! grep -q mail @T/notes 2>/dev/null; do sleep 0.02; done; echo undone >> @T/notes");
    declare(&sandbox, &file(&[format!("    - {{name: b, {}, undo: {{{undo}}}}}\n", sh("exit 0"))], &[]));
    let out = sandbox.run(&["backup"]).ends_with(0).stdout;
    assert!(out.contains("⏰ Hook undo-b is still running; notifications go out with what is known."), "{out}");
    assert_eq!(sandbox.notes(), "mail [OK] Backup test-host\nundone\n");
}

const FAILS: &str = "echo $HOOK_NAME $HOOK_ATTEMPT >> @T/notes; exit 1";

fn with_failing_undos() -> Sandbox {
    let sandbox = Sandbox::with_stand_in_engine();
    let failing = |name: &str| format!("    - {{name: {name}, {}, undo: {{{}}}}}\n", sh("exit 0"), sh(FAILS));
    declare(&sandbox, &file(&[held("a", "exit 0", ""), failing("b"), failing("c"), failing("d")], &[]));
    sandbox
}

#[test]
fn each_undo_has_its_first_attempt_before_any_has_its_second() {
    let sandbox = with_failing_undos();
    sandbox.run(&["backup"]).ends_with(0);
    let rounds = "undo-d 1\nundo-c 1\nundo-b 1\nundo-a\nundo-d 2\nundo-c 2\nundo-b 2\nundo-d 3\nundo-c 3\nundo-b 3\n";
    assert_eq!(sandbox.notes(), rounds);
    let summary = sandbox.summary("backup");
    for name in ["undo-b", "undo-c", "undo-d"] {
        let undo = hook_of(&summary, name);
        assert_eq!((&undo["status"], &undo["attempts"]), (&"failed".into(), &3.into()));
        assert_eq!(undo["tries"].as_array().map(Vec::len), Some(3));
    }
    assert_eq!(ran(&summary), ["a", "b", "c", "d", "undo-d", "undo-c", "undo-b", "undo-a"]);
}

#[test]
fn a_failed_undo_is_not_waited_for_where_a_stop_leaves_no_time() {
    let mut sandbox = with_failing_undos();
    let started = sandbox.path("started").display().to_string();
    sandbox.set("STOP_TIMEOUT", "4").set("ENGINE_WAITS", "setsid sleep 1000").set("ENGINE_STARTED", started);
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    running.signal(15);
    let out = running.finish().ends_with(143).all();
    // 1.5 s of the budget are left for undos: enough for a second attempt after 1 s, never for a third after 2 s more.
    let notes = sandbox.notes();
    assert!(notes.starts_with("undo-d 1\nundo-c 1\nundo-b 1\nundo-a\n") && !notes.contains(" 3"), "{notes}");
    let said = "🔁 Hook undo-d: no further attempt: no time is left before the stop (STOP_TIMEOUT)";
    assert!(out.contains(said), "{out}");
}

#[test]
fn an_undo_that_could_not_be_started_is_tried_again() {
    let sandbox = Sandbox::with_stand_in_engine();
    write_executable(&sandbox.path("thaw"), "#!/bin/sh\necho thawed >> \"$LOG_DIR/../notes\"\n");
    let a =
        format!("    - {{name: a, {}, undo: {{{}}}}}\n", sh("exit 0"), sh("echo back >> @T/notes; cp @T/away @T/thaw"));
    let undo = "exec: {command: ['@T/thaw']}";
    let b = format!("    - {{name: b, {}, undo: {{{undo}}}}}\n", sh("mv @T/thaw @T/away"));
    declare(&sandbox, &file(&[a, b], &[]));
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "back\nthawed\n");
    assert_eq!(hook_of(&sandbox.summary("backup"), "undo-b")["status"], "completed");
}
