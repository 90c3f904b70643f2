//! Init as the first process of a namespace: every orphan is its own, and so is the last sweep.

use crate::init_stage::{READY, Stage, may_be_first};
use crate::support::{BOATHOOK, Sandbox, wait_for};
use std::fs;
use std::time::{Duration, Instant};

/// Every process of the namespace that this one is in, as numbers there and states.
fn in_the_namespace_of(pid: i32) -> Vec<(i32, char)> {
    let namespace = fs::read_link(format!("/proc/{pid}/ns/pid")).expect("lives");
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| fs::read_link(format!("/proc/{pid}/ns/pid")).is_ok_and(|other| other == namespace))
        .filter_map(|pid| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            Some((pid, stat.rsplit(") ").next()?.chars().next()?))
        })
        .collect()
}

#[test]
fn a_thousand_orphans_are_reaped() {
    if !may_be_first("a_thousand_orphans_are_reaped") {
        return;
    }
    let sandbox = Sandbox::new();
    let orphans = "i=0; while [ $i -lt 1000 ]; do (sh -c 'echo $PPID >> '$T/parents &); i=$((i+1)); done; sleep 0.3
        until [ $(grep -c . $T/parents) = 1000 ]; do sleep 0.05; done; echo made >> $T/notes; read x";
    let stage = Stage::new(&sandbox).first().scheduler(READY).script(&format!("{orphans} < $T/never"));
    let _never = std::process::Command::new("mkfifo").arg(sandbox.path("never")).status().expect("mkfifo is there");
    let init = stage.start();
    sandbox.wait_for_note("made");
    let pid = init.pid();
    // Init, the scheduler with its own child, and the command: whatever else was there is gone, not a zombie.
    wait_for("every orphan to be reaped", || (in_the_namespace_of(pid).len() == 4).then_some(()));
    let states = in_the_namespace_of(pid);
    assert!(states.iter().all(|(_, state)| *state != 'Z'), "{states:?}");
    init.signal(15);
    init.finish().ends_with(143);
}

#[test]
fn what_was_started_from_outside_is_asked_to_end_before_the_namespace_goes() {
    if !may_be_first("what_was_started_from_outside_is_asked_to_end_before_the_namespace_goes") {
        return;
    }
    let sandbox = Sandbox::new();
    let init = Stage::new(&sandbox).first().scheduler(READY).start();
    wait_for("the scheduler", || sandbox.path("finish").exists().then_some(()));
    // As `docker exec` does: its parent is in another namespace.
    let script = "trap 'echo asked >> $0/notes; exit 9' TERM; echo in >> $0/notes; while :; do sleep 0.02; done";
    let folder = sandbox.path("").display().to_string();
    let pid = init.pid().to_string();
    let inside = sandbox.start_program("nsenter", &["-t", &pid, "-p", "-m", "sh", "-c", script, &folder]);
    sandbox.wait_for_note("in");
    let asked = Instant::now();
    init.signal(15);
    init.finish().ends_with(0);
    assert!(asked.elapsed() < Duration::from_secs(5));
    assert_in_order_once(&sandbox.notes());
    inside.finish();
    sandbox.expect_no_process();
}

#[track_caller]
fn assert_in_order_once(notes: &str) {
    let lines: Vec<&str> = notes.lines().filter(|line| ["asked", "scheduler TERM"].contains(line)).collect();
    assert_eq!(lines, ["scheduler TERM", "asked"]);
}

#[test]
fn a_stop_reaches_a_run_that_was_started_from_outside() {
    if !may_be_first("a_stop_reaches_a_run_that_was_started_from_outside") {
        return;
    }
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("post-backup.sh", "sleep 0.5; echo post $1 $RUN_STATUS >> $T/notes");
    let started = sandbox.path("started").display().to_string();
    sandbox.set("ENGINE_WAITS", "setsid sleep 1000").set("ENGINE_STARTED", started);
    let init = Stage::new(&sandbox).first().scheduler(READY).start();
    wait_for("the scheduler", || sandbox.path("finish").exists().then_some(()));
    let pid = init.pid().to_string();
    let backup = sandbox.start_program("nsenter", &["-t", &pid, "-p", "-m", BOATHOOK, "backup"]);
    sandbox.wait_for_file("started");
    init.signal(15);
    init.finish().ends_with(0);
    assert!(sandbox.notes().contains("post 143 interrupted\nscheduler finishes by F\n"), "{}", sandbox.notes());
    backup.finish().ends_with(143);
}

#[test]
fn the_real_program_is_the_first_process_of_a_one_shot_command() {
    if !may_be_first("the_real_program_is_the_first_process_of_a_one_shot_command") {
        return;
    }
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-backup.sh", "echo init is $(tr '\\0' ' ' < /proc/1/cmdline) >> $T/notes");
    let words = ["--pid", "--fork", "--mount-proc", BOATHOOK, "entry.sh", "backup"];
    sandbox.run_program("unshare", &words).ends_with(0);
    assert_eq!(sandbox.notes(), format!("init is {BOATHOOK} entry.sh backup\n"));
    sandbox.expect_no_process();
}
