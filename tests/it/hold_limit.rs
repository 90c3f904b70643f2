//! Past its hold limit a hook is undone at once, while the work goes on: once, and the run says so.

use crate::declared_scene::{declare, file, held, hook_of, plain, sh};
use crate::support::{Running, Sandbox, send, wait_for, write_executable};
use crate::undo::child_of;
use std::fs;

const POST: &str = "echo post $RUN_STATUS $RUN_ERROR >> @T/notes";
const SAID: &str = "'freeze' undone after 50ms, before the work ended: the data is not consistent";

/// The hooks `a` and `freeze`, which is held for 50 ms at most, and an engine that ends when `thawed` is there.
fn scene(freeze: &str, undo: &str) -> Sandbox {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let wait = sandbox.path("bin/wait-for-thaw");
    write_executable(&wait, "#!/bin/sh\nwhile [ ! -e \"$LOG_DIR/../thawed\" ]; do sleep 0.02; done\n");
    sandbox.set("ENGINE_WAITS", "wait-for-thaw").set("HOOK_KILL_AFTER", "1");
    sandbox.set("ENGINE_STARTED", sandbox.path("started").display().to_string());
    let freeze = format!("    - {{name: freeze, {}, holdLimit: 50ms, undo: {{{}}}}}\n", sh(freeze), sh(undo));
    declare(&sandbox, &file(&[held("a", "exit 0", ""), freeze], &[plain("post", POST, "")]));
    sandbox
}

fn worker_is_gone(running: &Running, worker: i32) {
    wait_for("the successor", || {
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", running.pid())).ok()?;
        (!children.split_whitespace().any(|pid| pid == worker.to_string())).then_some(())
    });
}

#[test]
fn it_is_undone_once_while_the_work_goes_on() {
    let sandbox = scene("exit 0", "echo $HOOK_NAME $RUN_STATUS $RUN_ERROR >> @T/notes; echo x > @T/thawed");
    let out = sandbox.run(&["backup"]).ends_with(0).all();
    assert_eq!(sandbox.notes(), format!("undo-freeze warning {SAID}\nundo-a\npost warning {SAID}\n"));
    assert!(out.contains(&format!("⏰ {SAID}.")), "{out}");
    let summary = sandbox.summary("backup");
    assert_eq!((&summary["status"], &summary["reason"]), (&"warning".into(), &SAID.into()));
    assert_eq!(summary["work"]["status"], "completed");
    let undo = hook_of(&summary, "undo-freeze");
    let reason = "undone after 50ms, before the work ended: the data is not consistent";
    assert_eq!((&undo["status"], &undo["reason"], &undo["attempts"]), (&"completed".into(), &reason.into(), &1.into()));
    assert!(sandbox.log("backup").contains(SAID));
}

#[test]
fn a_hook_that_outlasts_its_limit_is_undone_as_soon_as_it_has_ended() {
    // The hook takes longer than its limit, which is the case; what is asserted is the order.
    let sandbox = scene(
        "sleep 0.3; echo frozen >> @T/notes; echo MY_SNAPSHOT=7 > $HOOK_OUTPUT",
        "echo thawed $MY_SNAPSHOT >> @T/notes; echo x > @T/thawed",
    );
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), format!("frozen\nthawed 7\nundo-a\npost warning {SAID}\n"));
}

#[test]
fn the_run_waits_for_an_early_undo_that_outlasts_the_work() {
    let sandbox =
        scene("exit 0", "echo x > @T/thawed; while [ ! -e @T/go ]; do sleep 0.02; done; echo thawed >> @T/notes");
    let running = sandbox.start(&["backup"]);
    wait_for("the end of the work", || sandbox.log("backup").contains("⏳ Hook undo-freeze").then_some(()));
    fs::write(sandbox.path("go"), "").expect("can be written");
    running.finish().ends_with(0);
    assert_eq!(sandbox.notes(), format!("thawed\nundo-a\npost warning {SAID}\n"));
}

#[test]
fn nobody_waits_for_an_early_undo_that_has_ended() {
    let sandbox = scene("exit 0", "exit 0");
    let running = sandbox.start(&["backup"]);
    wait_for("the undo", || sandbox.log("backup").contains("Hook undo-freeze completed").then_some(()));
    fs::write(sandbox.path("thawed"), "").expect("can be written");
    let out = running.finish().ends_with(0).all();
    assert!(!out.contains("⏳"), "{out}");
}

#[test]
fn within_its_limit_it_is_undone_in_its_turn() {
    let sandbox = Sandbox::with_stand_in_engine();
    let pre = [held("a", "exit 0", "holdLimit: 1h"), held("b", "exit 0", "holdLimit: 1h")];
    declare(&sandbox, &file(&pre, &[plain("post", POST, "")]));
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "undo-b\nundo-a\npost success\n");
}

#[test]
fn a_worker_killed_after_an_early_undo_does_not_have_it_done_again() {
    let sandbox = scene("exit 0", "echo $HOOK_NAME >> @T/notes");
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    wait_for("the end of the undo", || sandbox.log("backup").contains("✅ Hook undo-freeze").then_some(()));
    let worker = child_of(running.pid(), "boathook");
    // The line is printed right before the end is noted.
    std::thread::sleep(std::time::Duration::from_millis(200));
    send(worker, 9);
    worker_is_gone(&running, worker);
    running.finish().ends_with(137);
    assert_eq!(sandbox.notes(), "undo-freeze\nundo-a\npost interrupted the worker was killed by signal 9\n");
    sandbox.expect_no_process();
}

#[test]
fn an_early_undo_goes_on_when_the_worker_is_killed() {
    let sandbox =
        scene("exit 0", "echo begin >> @T/notes; while [ ! -e @T/go ]; do sleep 0.02; done; echo end >> @T/notes");
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    wait_for("the undo", || sandbox.notes().contains("begin").then_some(()));
    let worker = child_of(running.pid(), "boathook");
    send(worker, 9);
    worker_is_gone(&running, worker);
    fs::write(sandbox.path("go"), "").expect("can be written");
    running.finish().ends_with(137);
    assert_eq!(sandbox.notes(), "begin\nend\nundo-a\npost interrupted the worker was killed by signal 9\n");
    sandbox.expect_no_process();
}

#[test]
fn whoever_is_killed_in_an_early_undo_has_it_done_again() {
    let mut sandbox =
        scene("exit 0", "echo begin >> @T/notes; while [ ! -e @T/go ]; do sleep 0.02; done; echo end >> @T/notes");
    sandbox.set("HOOK_KILL_AFTER", "1");
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    wait_for("the undo", || sandbox.notes().contains("begin").then_some(()));
    send(child_of(running.pid(), "boathook-undo"), 9);
    wait_for("the undo again", || sandbox.notes().contains("begin\nbegin").then_some(()));
    fs::write(sandbox.path("go"), "").expect("can be written");
    wait_for("the end of the undo", || sandbox.notes().contains("end").then_some(()));
    running.signal(2);
    running.finish().ends_with(130);
    assert_eq!(sandbox.notes(), "begin\nbegin\nend\nundo-a\npost interrupted ended by SIGINT\n");
    sandbox.expect_no_process();
}

#[test]
fn a_stopped_worker_does_not_keep_a_file_system_frozen() {
    let sandbox = scene("exit 0", "echo $HOOK_NAME >> @T/notes");
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    let worker = child_of(running.pid(), "boathook");
    send(worker, libc::SIGSTOP);
    wait_for("the undo", || sandbox.notes().contains("undo-freeze").then_some(()));
    send(worker, libc::SIGCONT);
    running.signal(2);
    running.finish().ends_with(130);
    assert_eq!(sandbox.notes(), "undo-freeze\nundo-a\npost interrupted ended by SIGINT\n");
}

#[test]
fn an_early_undo_hears_of_a_stop_and_is_waited_for() {
    let sandbox =
        scene("exit 0", "echo begin >> @T/notes; while [ ! -e @T/go ]; do sleep 0.02; done; echo end >> @T/notes");
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    wait_for("the undo", || sandbox.notes().contains("begin").then_some(()));
    running.signal(2);
    wait_for("the end of the work", || sandbox.log("backup").contains("⏳ Hook undo-freeze").then_some(()));
    fs::write(sandbox.path("go"), "").expect("can be written");
    running.finish().ends_with(130);
    assert_eq!(sandbox.notes(), "begin\nend\nundo-a\npost interrupted ended by SIGINT\n");
}
