//! The stop of a container: what it reaches, in which order, and how long it takes.

use crate::init_stage::{READY, Stage};
use crate::support::{BOATHOOK, Sandbox, assert_in_order, wait_for};
use std::fs;
use std::time::{Duration, Instant};

#[test]
fn the_scheduler_finishes_after_the_last_run() {
    let sandbox = Sandbox::new();
    let init = Stage::new(&sandbox).scheduler(READY).start();
    wait_for("the scheduler", || sandbox.path("finish").exists().then_some(()));
    let run = sandbox.start_run("ended() { sleep 0.5; echo run over >> $T/notes; rm -r $R; exit 143; }");
    init.signal(15);
    init.finish().ends_with(0);
    run.finish().ends_with(143);
    assert_in_order(&sandbox.notes(), &["run TERM", "run over", "scheduler finishes by F"]);
}

#[test]
fn a_run_that_init_did_not_start_runs_its_post_hooks_before_the_container_ends() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("post-backup.sh", "sleep 0.5; echo post $1 $RUN_STATUS >> $T/notes");
    let started = sandbox.path("started").display().to_string();
    sandbox.set("ENGINE_WAITS", "setsid sleep 1000").set("ENGINE_STARTED", started);
    let init = Stage::new(&sandbox).scheduler(READY).start();
    // As `docker exec -d` does: its parent is not init.
    let backup = sandbox.start_program(BOATHOOK, &["backup"]);
    sandbox.wait_for_file("started");
    init.signal(15);
    init.finish().ends_with(0);
    let notes = sandbox.notes();
    assert_in_order(&notes, &["post 143 interrupted", "scheduler finishes by F"]);
    backup.finish().ends_with(143);
    sandbox.expect_no_process();
}

#[test]
fn a_worker_whose_keeper_was_killed_is_waited_for_too() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("post-backup.sh", "sleep 1.5; echo post $1 $RUN_STATUS >> $T/notes");
    let started = sandbox.path("started").display().to_string();
    sandbox.set("ENGINE_WAITS", "sleep 1000").set("ENGINE_STARTED", started);
    // The real init, which knows its own program; as a one-shot command it starts the run.
    let init = sandbox.start(&["entry.sh", "boathook", "backup"]);
    sandbox.wait_for_file("started");
    let keeper = fs::read_to_string(format!("/proc/{0}/task/{0}/children", init.pid())).expect("lives");
    crate::support::send(keeper.trim().parse().expect("one child"), 9);
    // The command is gone, and with it the container ends.
    init.finish().ends_with(137);
    assert_eq!(sandbox.notes(), "post 143 interrupted\n");
    sandbox.expect_no_process();
}

#[test]
fn a_command_of_ours_that_a_post_hook_runs_is_left_to_that_hook() {
    let sandbox = Sandbox::with_stand_in_engine();
    let doctor = format!(
        "ENGINE_WAITS='sleep 2' ENGINE_STARTED=$T/started {BOATHOOK} doctor > $T/report 2>&1; echo doctor $? >> $T/notes"
    );
    sandbox.hook("post-backup.sh", &doctor);
    let init = sandbox.start(&["entry.sh", "backup"]);
    sandbox.wait_for_file("started");
    init.signal(15);
    init.finish();
    let notes = sandbox.notes();
    assert!(notes.starts_with("doctor ") && notes != "doctor 143\n", "{notes:?}");
    sandbox.expect_no_process();
}

#[test]
fn a_run_that_registers_during_the_stop_is_told_too() {
    let sandbox = Sandbox::new();
    let init = Stage::new(&sandbox).scheduler(READY).start();
    wait_for("the scheduler", || sandbox.path("finish").exists().then_some(()));
    let slow = sandbox.start_run("ended() { until [ -e $T/go ]; do sleep 0.01; done; rm -r $R; exit 143; }");
    init.signal(15);
    sandbox.wait_for_note("run TERM");
    let late = sandbox.start_run("ended() { echo late over >> $T/notes; rm -r $R; exit 143; }");
    late.finish().ends_with(143);
    fs::write(sandbox.path("go"), "").expect("can be written");
    slow.finish().ends_with(143);
    init.finish().ends_with(0);
}

#[test]
fn a_run_that_hangs_is_killed_within_the_time() {
    let sandbox = Sandbox::new();
    let stop = Duration::from_secs(2);
    let init = Stage::new(&sandbox).scheduler(READY).script("trap '' TERM; exec sleep 1000").stop(stop).start();
    wait_for("the command", || {
        sandbox.processes().iter().any(|(_, words)| words.starts_with("sleep 1000")).then_some(())
    });
    let asked = Instant::now();
    init.signal(15);
    let finished = init.finish().ends_with(137);
    let took = asked.elapsed();
    assert!(took > Duration::from_millis(1200) && took <= Duration::from_millis(2300), "took {took:?}");
    assert!(
        finished.stderr.contains("not ended within STOP_TIMEOUT (2 s), killed: the command"),
        "{}",
        finished.stderr
    );
    sandbox.expect_no_process();
}

#[test]
fn nothing_is_started_during_a_stop() {
    let sandbox = Sandbox::new();
    let script = "trap 'kill -9 $$' TERM; printf R >&5; while :; do sleep 0.01; done";
    let init = Stage::new(&sandbox).scheduler(script).start();
    sandbox.wait_for_file("lives");
    let slow = sandbox.start_run("ended() { sleep 1.5; rm -r $R; exit 143; }");
    init.signal(15);
    init.finish().ends_with(0);
    slow.finish().ends_with(143);
    assert_eq!(sandbox.lives().len(), 1);
}

#[test]
fn the_command_of_a_container_that_is_stopped_during_its_boot_is_not_started() {
    let sandbox = Sandbox::new();
    let stage = Stage::new(&sandbox).scheduler("sleep 1000").script("echo MUST NOT RUN >> $T/notes");
    let init = stage.start();
    sandbox.wait_for_file("lives");
    init.signal(15);
    init.finish().ends_with(143);
    assert_eq!(sandbox.notes(), "");
    sandbox.expect_no_process();
}

#[test]
fn the_container_ends_with_its_command_and_leaves_nothing() {
    let sandbox = Sandbox::new();
    let stage = Stage::new(&sandbox).scheduler(READY);
    let finished = stage.script("(setsid sh -c 'trap \"\" TERM; sleep 1000' &) ; sleep 0.2; echo said; exit 42").run();
    assert_eq!(finished.ends_with(42).stdout, "said\n");
    sandbox.expect_no_process();
    assert!(sandbox.notes().contains("scheduler finishes by F"));
}

#[test]
fn a_command_that_dies_of_a_signal_gives_the_code_that_a_shell_would() {
    let sandbox = Sandbox::new();
    Stage::new(&sandbox).script("kill -USR1 $$").run().ends_with(138);
    // nix has no name for a real-time signal.
    Stage::new(&sandbox).script("kill -40 $$").run().ends_with(168);
}

#[test]
fn a_command_that_cannot_be_executed_is_said_with_the_code_of_a_shell() {
    let sandbox = Sandbox::new();
    let finished = Stage::new(&sandbox).scheduler(READY).command(&["bakcup"]).run().ends_with(127);
    assert!(finished.stderr.contains("cannot execute the command 'bakcup': No such file"), "{}", finished.stderr);
    fs::write(sandbox.path("plain"), "#!/bin/sh\n").expect("can be written");
    let plain = sandbox.path("plain").display().to_string();
    let finished = Stage::new(&sandbox).command(&[&plain]).run().ends_with(126);
    assert!(finished.stderr.contains("Permission denied"), "{}", finished.stderr);
}
