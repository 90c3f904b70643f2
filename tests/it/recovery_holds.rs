//! Hold limits where keeper, worker and undoer are killed in turn: what was frozen is thawed, by one at a time.

use crate::declared_scene::{declare, file, held, plain, sh};
use crate::recovery_scene::{assert_settled, wait_until_dead};
use crate::support::{Running, Sandbox, send, wait_for, write_executable};
use crate::undo::child_of;
use std::fs;

/// The hooks `a` and `freeze`, which is held for so long at most; the engine ends when `thawed` is there, the undo of
/// `freeze` when `go` is.
fn scene(limit: &str) -> Sandbox {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let wait = sandbox.path("bin/wait-for-thaw");
    write_executable(&wait, "#!/bin/sh\nwhile [ ! -e \"$LOG_DIR/../thawed\" ]; do sleep 0.02; done\n");
    sandbox.set("ENGINE_WAITS", "wait-for-thaw").set("HOOK_KILL_AFTER", "1");
    sandbox.set("ENGINE_STARTED", sandbox.path("started").display().to_string());
    let undo = sh("echo begin >> @T/notes; while [ ! -e @T/go ]; do sleep 0.02; done; echo end >> @T/notes");
    let freeze = format!("    - {{name: freeze, {}, holdLimit: {limit}, undo: {{{undo}}}}}\n", sh("exit 0"));
    declare(&sandbox, &file(&[held("a", "exit 0", ""), freeze], &[plain("post", "echo post >> @T/notes", "")]));
    sandbox
}

/// A run whose undo is being run, since the limit has passed: the run, its worker and its undoer.
fn undoing(sandbox: &Sandbox) -> (Running, i32, i32) {
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    wait_for("the undo", || sandbox.notes().contains("begin").then_some(()));
    let (worker, undoer) = (child_of(running.pid(), "boathook"), child_of(running.pid(), "boathook-undo"));
    (running, worker, undoer)
}

fn touch(sandbox: &Sandbox, part: &str) {
    fs::write(sandbox.path(part), "").expect("can be written");
}

fn kill_keeper(mut running: Running) {
    running.signal(libc::SIGKILL);
    running.end();
}

#[test]
fn without_a_keeper_the_worker_keeps_the_time() {
    let sandbox = scene("1500ms");
    touch(&sandbox, "go");
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    assert_eq!(sandbox.notes(), "", "the limit has passed before the keeper was killed");
    kill_keeper(running);
    wait_for("the undo", || sandbox.notes().contains("end").then_some(()));
    touch(&sandbox, "thawed");
    sandbox.expect_no_process();
    assert_eq!(sandbox.notes(), "begin\nend\nundo-a\npost\n");
    assert_eq!(sandbox.summary("backup")["status"], "warning");
    assert_settled(&sandbox);
}

#[test]
fn an_undoer_finishes_without_its_keeper() {
    let sandbox = scene("50ms");
    let (running, _, _) = undoing(&sandbox);
    kill_keeper(running);
    touch(&sandbox, "thawed");
    touch(&sandbox, "go");
    sandbox.expect_no_process();
    assert_eq!(sandbox.notes(), "begin\nend\nundo-a\npost\n");
    assert_settled(&sandbox);
}

#[test]
fn what_a_killed_undoer_had_is_done_by_the_worker_that_has_no_keeper() {
    let sandbox = scene("50ms");
    let (running, _, undoer) = undoing(&sandbox);
    kill_keeper(running);
    send(undoer, libc::SIGKILL);
    touch(&sandbox, "thawed");
    wait_for("the undo again", || sandbox.notes().contains("begin\nbegin").then_some(()));
    touch(&sandbox, "go");
    sandbox.expect_no_process();
    assert_eq!(sandbox.notes(), "begin\nbegin\nend\nundo-a\npost\n");
    assert_settled(&sandbox);
}

#[test]
fn an_undoer_that_is_left_alone_finishes_and_a_recovery_does_the_rest() {
    let sandbox = scene("50ms");
    let (mut running, worker, undoer) = undoing(&sandbox);
    running.signal(libc::SIGSTOP);
    send(worker, libc::SIGKILL);
    running.signal(libc::SIGKILL);
    running.end();
    wait_until_dead(worker);
    // Something of the run lives, and has its lock: nobody begins another undo beside it.
    let early = sandbox.run(&["hooks", "recover"]);
    assert_eq!(sandbox.notes(), "begin\n", "{}", early.all());
    touch(&sandbox, "thawed");
    touch(&sandbox, "go");
    wait_until_dead(undoer);
    sandbox.expect_no_process();
    sandbox.run(&["hooks", "recover"]).ends_with(0);
    // Its end may not have been noted by anybody.
    let notes = sandbox.notes();
    assert!(
        ["begin\nend\nundo-a\npost\n", "begin\nend\nbegin\nend\nundo-a\npost\n"].contains(&notes.as_str()),
        "{notes}"
    );
    assert_settled(&sandbox);
}

#[test]
fn what_all_three_had_is_done_by_a_recovery() {
    let sandbox = scene("50ms");
    let (mut running, worker, undoer) = undoing(&sandbox);
    running.signal(libc::SIGSTOP);
    for pid in [worker, undoer, running.pid()] {
        send(pid, libc::SIGKILL);
    }
    running.end();
    wait_until_dead(worker);
    wait_until_dead(undoer);
    touch(&sandbox, "thawed");
    touch(&sandbox, "go");
    sandbox.run(&["hooks", "recover"]).ends_with(0);
    let notes = sandbox.notes();
    assert!(notes.starts_with("begin\n") && notes.ends_with("begin\nend\nundo-a\npost\n"), "{notes}");
    assert_settled(&sandbox);
}

#[test]
fn a_worker_that_is_stopped_before_its_hook_ends_does_not_keep_it_frozen() {
    // The worker is stopped while its hook runs: nobody reads the hook's end, and the worker has the word of the undo.
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("HOOK_KILL_AFTER", "1");
    let undo = sh("echo thawed >> @T/notes");
    let program = "echo $$ > @T/started; while [ ! -e @T/go ]; do sleep 0.02; done; echo frozen >> @T/notes";
    let freeze = format!("    - {{name: freeze, {}, holdLimit: 300ms, undo: {{{undo}}}}}\n", sh(program));
    declare(&sandbox, &file(&[freeze], &[plain("post", "echo post >> @T/notes", "")]));
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    let worker = child_of(running.pid(), "boathook");
    send(worker, libc::SIGSTOP);
    touch(&sandbox, "go");
    running.finish();
    let notes = sandbox.notes();
    assert!(notes.ends_with("thawed\npost\n"), "{notes}");
    assert!(!notes.contains("thawed\nfrozen"), "{notes}");
    assert_settled(&sandbox);
}
