//! `locked_run`, and the lock of a worker that is called directly.

use crate::support::{BOATHOOK, Sandbox, wait_for};
use std::fs;

#[test]
fn a_held_lock_skips_with_the_exact_line_and_exit_0() {
    let sandbox = Sandbox::with_stand_in_engine();
    let lock = sandbox.path("deep/er/job.lock").display().to_string();
    let holder =
        sandbox.start(&["locked_run", "job", &lock, "sh", "-c", "echo > \"$LOG_DIR/../held\"; exec sleep 1000"]);
    sandbox.wait_for_file("held");
    let out = sandbox.run(&["locked_run", "job", &lock, "sh", "-c", "echo MUST NOT RUN"]).ends_with(0);
    let (time, line) = out.stdout.trim_end().split_once("] ").expect("has a time");
    assert_eq!(line, format!("⏭ job skipped: previous run still active (lock {lock})"));
    assert_eq!(time.len(), "[2026-05-11 Mon 09:30:00".len());
    assert_eq!(out.stderr, "");
    holder.signal(9);
    holder.finish();
}

#[test]
fn exit_code_signals_and_words_are_the_commands_own() {
    let sandbox = Sandbox::with_stand_in_engine();
    let lock = sandbox.path("job.lock").display().to_string();
    let out = sandbox.run(&["locked_run", "job", &lock, "sh", "-c", "echo \"$1|$2\"; exit 7", "sh", "a b", "-x"]);
    assert_eq!((out.stdout.as_str(), out.code()), ("a b|-x\n", 7));
    let running = sandbox.start(&["locked_run", "job", &lock, "sleep", "1000"]);
    wait_for("sleep", || {
        fs::read_to_string(format!("/proc/{}/comm", running.pid())).ok().filter(|name| name == "sleep\n")
    });
    running.signal(15);
    assert_eq!(running.finish().code(), 143);
    sandbox.run(&["locked_run", "job", &lock, "/no/such/command"]).ends_with(127);
    let data = sandbox.path("data/one.txt").display().to_string();
    sandbox.run(&["locked_run", "job", &lock, &data]).ends_with(126);
}

#[test]
fn any_other_failure_to_lock_is_an_error_and_no_skip() {
    let sandbox = Sandbox::with_stand_in_engine();
    for (path, what) in [("data", "folder"), ("data/one.txt", "something else"), ("data/one.txt/lock", "cannot")] {
        let path = sandbox.path(path).display().to_string();
        let out = sandbox.run(&["locked_run", "job", &path, "echo", "MUST NOT RUN"]).ends_with(1);
        assert!(out.stderr.contains("❌ job aborted: ") && out.stderr.contains(what), "{}", out.stderr);
        assert_eq!(out.stdout, "");
    }
    assert_eq!(fs::read_to_string(sandbox.path("data/one.txt")).expect("is there"), "one\n");
    let out = sandbox.run(&["locked_run", "job"]).ends_with(2);
    assert!(out.stderr.contains("Usage: locked_run JOB LOCK COMMAND"), "{}", out.stderr);
}

#[test]
fn with_two_words_the_lock_is_the_workers_own() {
    let sandbox = Sandbox::with_stand_in_engine();
    for (job, lock) in [("backup", "cron.lock"), ("check", "check.lock"), ("restore-test", "restore-test.lock")] {
        sandbox.run(&["locked_run", job, "true"]).ends_with(0);
        assert!(sandbox.path("run").join(lock).exists(), "{job}");
    }
    let out = sandbox.run(&["locked_run", "bakcup", "true"]).ends_with(2);
    assert!(out.stderr.contains("'bakcup' is no worker"), "{}", out.stderr);
}

#[test]
fn a_worker_takes_the_lock_over_and_hands_it_to_nobody() {
    let sandbox = Sandbox::with_stand_in_engine();
    let command = sandbox.path("bin/backup");
    std::os::unix::fs::symlink(BOATHOOK, &command).expect("can be linked");
    sandbox
        .hook("pre-backup.sh", "cp $RUN_DIR/cron.lock $T/line; env | grep BOATHOOK_ >> $T/notes; setsid sleep 1000 &");
    let lock = sandbox.path("run/cron.lock").display().to_string();
    let backup = command.display().to_string();
    sandbox.run(&["locked_run", "backup", &lock, &backup]).ends_with(0);
    let run_id = sandbox.summary("backup")["run_id"].as_str().expect("is text").to_owned();
    let line = fs::read_to_string(sandbox.path("line")).expect("was copied");
    assert!(line.starts_with("boathook pid=") && line.contains(&format!(" run={run_id} since=")), "{line}");
    assert_eq!(sandbox.notes(), "", "the descriptor's number is told to hooks");
    assert!(!sandbox.is_locked("cron.lock"), "a daemon of a hook holds the lock");
    assert_eq!(fs::read_to_string(&lock).expect("stays"), "", "the holder's line was not cleared");
}

#[test]
fn a_direct_call_says_who_holds_the_lock_and_exits_75() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-backup.sh", "echo $RUN_ID > $T/started; while [ ! -e $T/go ]; do sleep 0.02; done");
    let holder = sandbox.start(&["backup"]);
    let run_id = sandbox.wait_for_file("started");
    let out = sandbox.run(&["backup"]).ends_with(75);
    assert!(
        out.stderr.contains(&format!("held by run {} (pid ", run_id.trim())) && out.stderr.contains(" since 2"),
        "{}",
        out.stderr
    );
    let out = sandbox.run(&["backup", "--wait=soon"]).ends_with(2);
    assert!(out.stderr.contains("--wait='soon'"), "{}", out.stderr);
    sandbox.run(&["backup", "--wait=1s"]).ends_with(75);
    let waiting = sandbox.start(&["backup", "--wait"]);
    fs::write(sandbox.path("go"), "").expect("can be written");
    holder.finish().ends_with(0);
    waiting.finish().ends_with(0);
}

#[test]
fn a_forged_descriptor_does_not_count() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-backup.sh", "echo > $T/started; while [ ! -e $T/go ]; do sleep 0.02; done");
    let holder = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    for forged in ["0", "1", "99", "-1", "x"] {
        sandbox.set("BOATHOOK_LOCK_FD", forged);
        sandbox.run(&["backup"]).ends_with(75);
    }
    fs::write(sandbox.path("go"), "").expect("can be written");
    holder.finish().ends_with(0);
}

#[test]
fn a_skip_tells_the_time_in_the_zone_of_the_settings_file() {
    let mut sandbox = Sandbox::new();
    let file = sandbox.path("zone.env");
    std::fs::write(&file, "TZ=Asia/Tokyo\n").expect("can be written");
    sandbox.set("SETTINGS_FILE", file.display().to_string());
    let path = sandbox.path("held.lock");
    let held = std::fs::File::create(&path).expect("can be made");
    held.lock().expect("can be locked");
    let time = || sandbox.run_program("env", &["TZ=Asia/Tokyo", "date", "+%Y-%m-%d %a %H:%M"]).ends_with(0).stdout;
    let before = time();
    let out = sandbox.run(&["locked_run", "x", &path.display().to_string(), "true"]).ends_with(0).stdout;
    let around = [before, time()];
    assert!(around.iter().any(|time| out.starts_with(&format!("[{}", time.trim()))), "{out}: {around:?}");
}
