//! What a hook starts: ended with it at a limit, left alone when it ended in time, never in anybody's way.

use crate::support::{Sandbox, wait_for};
use std::fs;
use std::time::{Duration, Instant};

fn one_second() -> Sandbox {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("HOOK_TIMEOUT", "1").set("HOOK_KILL_AFTER", "1");
    sandbox
}

#[test]
fn a_timed_out_hook_is_told_apart_from_one_that_exits_124() {
    let sandbox = one_second();
    sandbox.hook("pre-backup.sh", "sleep 1000").hook("post-backup.sh", "exit 124");
    let out = sandbox.run(&["backup"]).ends_with(0).all();
    assert!(out.contains("❌ Hook pre-backup timed out after 1s (exit 124, ran 1s)"), "{out}");
    assert!(out.contains("❌ Hook post-backup failed in 0s (exit 124)"), "{out}");
    let hooks = sandbox.summary("backup")["hooks"].clone();
    assert_eq!((&hooks[0]["status"], &hooks[0]["timed_out"]), (&"timed_out".into(), &true.into()));
    assert_eq!((&hooks[1]["status"], &hooks[1]["timed_out"]), (&"failed".into(), &false.into()));
    assert_eq!((&hooks[0]["exit_code"], &hooks[1]["exit_code"]), (&124.into(), &124.into()));
    assert_eq!(sandbox.summary("backup")["hooks_verdict"], "timed_out");
    sandbox.expect_no_process();
}

#[test]
fn timeout_ends_a_hook_that_ignores_sigterm() {
    let sandbox = one_second();
    sandbox.hook("pre-backup.sh", "trap '' TERM\nwhile :; do sleep 1000; done");
    sandbox.run(&["backup"]).ends_with(0);
    sandbox.expect_no_process();
    assert_eq!(sandbox.summary("backup")["hooks"][0]["status"], "timed_out");
}

#[test]
fn timeout_lets_a_trap_clean_up_once() {
    let sandbox = one_second();
    sandbox.hook("pre-backup.sh", "trap 'echo cleaned >> $T/notes; exit 3' TERM\nsleep 1000 &\nwait");
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "cleaned\n");
    assert_eq!(sandbox.summary("backup")["hooks"][0]["exit_code"], 124);
    sandbox.expect_no_process();
}

#[test]
fn timeout_ends_a_double_forked_child_in_a_session_of_its_own() {
    let sandbox = one_second();
    sandbox.hook("pre-backup.sh", "(setsid sh -c 'trap \"\" TERM; sleep 1000 & wait; sleep 1000' &) &\nsleep 1000");
    sandbox.run(&["backup"]).ends_with(0);
    sandbox.expect_no_process();
}

#[test]
fn timeout_ends_a_hook_that_stopped_itself() {
    let sandbox = one_second();
    sandbox.hook("pre-backup.sh", "kill -STOP $$");
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.summary("backup")["hooks"][0]["status"], "timed_out");
    sandbox.expect_no_process();
}

#[test]
fn timeout_ends_five_hundred_children() {
    let sandbox = one_second();
    sandbox.hook("pre-backup.sh", "i=0\nwhile [ $i -lt 500 ]; do sleep 1000 & i=$((i+1)); done\nwait");
    sandbox.run(&["backup"]).ends_with(0);
    sandbox.expect_no_process();
}

#[test]
fn background_child_does_not_hold_the_run() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-backup.sh", "sleep 1000 &\necho $! > $T/left");
    let started = Instant::now();
    sandbox.run(&["backup"]).ends_with(0);
    assert!(started.elapsed() < Duration::from_secs(30));
    let left = fs::read_to_string(sandbox.path("left")).expect("is noted");
    let alive: Vec<String> = sandbox.processes().iter().map(|(pid, _)| pid.to_string()).collect();
    assert!(alive.contains(&left.trim().to_owned()), "it was left on purpose, and is gone");
    assert!(!sandbox.is_locked("cron.lock"), "a leftover holds the lock");
    sandbox.run(&["backup"]).ends_with(0);
}

#[test]
fn a_leftover_that_goes_on_printing_does_not_die_of_it() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook(
        "pre-backup.sh",
        "(i=0; while [ ! -e $T/enough ]; do echo line $i; i=$((i+1)); [ $i -eq 100000 ] && echo far > $T/far; done; echo ended > $T/ended) &",
    );
    sandbox.run(&["backup"]).ends_with(0);
    sandbox.wait_for_file("far");
    fs::write(sandbox.path("enough"), "").expect("can be written");
    assert_eq!(sandbox.wait_for_file("ended"), "ended\n", "it died of SIGPIPE");
    sandbox.expect_no_process();
}

#[test]
fn the_leftover_of_one_hook_survives_the_timeout_of_another() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("HOOK_TIMEOUT", "1").set("HOOK_KILL_AFTER", "1");
    sandbox.hook("pre-backup.10-tunnel.sh", "setsid sleep 1000 &\necho $! > $T/left");
    sandbox.hook("pre-backup.20-stuck.sh", "sleep 2000");
    sandbox.run(&["backup"]).ends_with(0);
    let commands: Vec<String> = sandbox.processes().into_iter().map(|(_, words)| words).collect();
    assert!(commands.iter().any(|words| words.contains("sleep 1000")), "{commands:?}");
    assert!(!commands.iter().any(|words| words.contains("sleep 2000")), "{commands:?}");
}

#[test]
fn a_hook_that_closes_its_outputs_is_waited_for() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-backup.sh", "exec >/dev/null 2>&1 </dev/null\nsleep 0.3\necho done >> $T/notes\nexit 5");
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "done\n");
    assert_eq!(sandbox.summary("backup")["hooks"][0]["exit_code"], 5);
}

#[test]
fn binary_output_is_shown_and_not_fatal() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-backup.sh", r"printf 'a\377\000b\n'; head -c 100000 /dev/urandom; echo; echo end");
    let out = sandbox.run(&["backup"]).ends_with(0);
    assert!(out.stdout.contains("[pre-backup] a\u{fffd}\u{fffd}b"), "{}", &out.stdout[..400.min(out.stdout.len())]);
    assert!(sandbox.log("backup").contains("[pre-backup] end"));
    assert_eq!(sandbox.summary("backup")["hooks"][0]["status"], "completed");
}

#[test]
fn a_gibibyte_of_output_is_bounded_in_log_and_summary() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-backup.sh", "head -c 1073741824 /dev/zero | tr '\\0' 'x'\necho; echo the-end");
    sandbox.run(&["backup"]).ends_with(0);
    let size = fs::metadata(sandbox.path("log/backup-last.log")).expect("is there").len();
    assert!((9 << 20..11 << 20).contains(&size), "the log has {size} bytes");
    let summary = sandbox.summary("backup");
    let tail = summary["hooks"][0]["output_tail"].as_str().expect("is text");
    assert!(tail.len() <= 64 * 1024 && tail.ends_with("the-end\n"), "{} bytes", tail.len());
    assert!(sandbox.log("backup").contains("further bytes of output are not logged"));
}

#[test]
fn an_interrupted_console_reader_costs_nothing() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-backup.sh", "i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done");
    let script = format!("{} backup | head -n 1; echo \"${{PIPESTATUS[0]}}\"", crate::support::BOATHOOK);
    let out = sandbox.run_program("bash", &["-c", &script]).ends_with(0);
    assert!(out.stdout.ends_with("0\n"), "{}", out.all());
    assert!(sandbox.log("backup").contains("line 4999"));
}

#[test]
fn a_script_without_interpreter_line_is_run_by_sh() {
    let sandbox = Sandbox::with_stand_in_engine();
    crate::support::write_executable(
        &sandbox.path("hooks/post-backup.sh"),
        "echo \"code=$1\" >> \"$LOG_DIR/../notes\"\n",
    );
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "code=0\n");
}

#[test]
fn a_hook_replaced_while_it_is_busy_is_retried() {
    let sandbox = Sandbox::with_stand_in_engine();
    // The interpreter itself is held open for writing for a moment, as a copy in progress holds it.
    crate::support::write_executable(&sandbox.path("bin/shell"), "");
    fs::copy("/bin/sh", sandbox.path("bin/shell")).expect("can be copied");
    let script = format!("#!{}\necho ran >> \"$LOG_DIR/../notes\"\n", sandbox.path("bin/shell").display());
    crate::support::write_executable(&sandbox.path("hooks/pre-backup.sh"), &script);
    let holder = fs::OpenOptions::new().append(true).open(sandbox.path("bin/shell")).expect("can be opened");
    let running = sandbox.start(&["backup"]);
    // Its supervisor is there: from now on it meets the busy file.
    wait_for("the hook's supervisor", || {
        fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
            let name = fs::read_to_string(entry.path().join("comm")).ok()?;
            let ours = fs::read_to_string(entry.path().join("stat")).ok()?;
            (name.trim() == "boathook-hook" && !ours.contains(") Z ")).then_some(())
        })
    });
    drop(holder);
    running.finish().ends_with(0);
    assert_eq!(sandbox.notes(), "ran\n");
}
