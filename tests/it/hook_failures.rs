//! What a failing hook costs.

use crate::support::Sandbox;
use std::fs;

const CRITICAL: &str = "Task skipped due to critical hook failure: pre-backup";

#[test]
fn a_failed_hook_never_turns_a_good_backup_into_a_failed_one() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-backup.sh", "echo why >&2; exit 3").hook("post-backup.sh", "exit 4");
    let out = sandbox.run(&["backup"]).ends_with(0).all();
    assert!(out.contains("❌ Hook pre-backup failed in 0s (exit 3)"), "{out}");
    assert!(out.contains("[pre-backup] why"), "{out}");
    let summary = sandbox.summary("backup");
    assert_eq!((&summary["status"], &summary["exit_code"]), (&"warning".into(), &0.into()));
    assert_eq!((&summary["work"]["status"], &summary["hooks_verdict"]), (&"completed".into(), &"failed".into()));
    assert!(sandbox.engine_log().contains("backup"));
}

#[test]
fn a_critical_pre_hook_that_fails_forbids_the_work() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("HOOK_ON_ERROR", "fail");
    sandbox.hook("pre-backup.sh", "exit 3").hook("pre-backup.10-later.sh", "echo MUST NOT RUN >> $T/notes");
    sandbox.hook("post-backup.sh", "echo post $1 $RUN_STATUS $RUN_ERROR >> $T/notes");
    let out = sandbox.run(&["backup"]).ends_with(120).all();
    assert_eq!(sandbox.notes(), "post 120 failure pre-backup exit 3\n");
    assert_eq!(sandbox.engine_log(), "");
    let summary = sandbox.summary("backup");
    assert_eq!(summary["hooks"][1]["status"], "skipped");
    assert_eq!(summary["hooks"][1]["reason"], CRITICAL);
    assert_eq!((&summary["work"]["status"], &summary["work"]["reason"]), (&"skipped".into(), &CRITICAL.into()));
    assert!(
        out.contains(&format!("⏭️ backup                  {:>8}  {CRITICAL}", "").replace("  ", " "))
            || out.contains(CRITICAL),
        "{out}"
    );
    assert!(summary["last_success_at"].is_null());
}

#[test]
fn a_critical_pre_hook_that_times_out_ends_with_124() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("HOOK_ON_ERROR", "Fail").set("HOOK_TIMEOUT", "1").set("HOOK_KILL_AFTER", "1");
    sandbox.hook("pre-backup.sh", "sleep 1000").hook("post-backup.sh", "echo $1 >> $T/notes");
    sandbox.run(&["backup"]).ends_with(124);
    assert_eq!(sandbox.notes(), "124\n");
}

#[test]
fn a_critical_post_hook_that_fails_ends_with_121_and_the_later_ones_run() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("HOOK_ON_ERROR", "FAIL");
    sandbox.hook("post-backup.sh", "exit 9").hook("post-backup.2-b.sh", "echo $1 $RUN_STATUS >> $T/notes");
    sandbox.run(&["backup"]).ends_with(121);
    assert_eq!(sandbox.notes(), "121 failure\n");
    let summary = sandbox.summary("backup");
    assert_eq!((&summary["status"], &summary["work"]["status"]), (&"failure".into(), &"completed".into()));
    assert!(!summary["last_success_at"].is_null());
}

#[test]
fn the_works_own_code_stays_whatever_post_hooks_do() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("HOOK_ON_ERROR", "Fail").set("ENGINE_EXIT", "3");
    sandbox.hook("post-backup.sh", "echo $1 $RUN_STATUS >> $T/notes; exit 1");
    sandbox.run(&["backup"]).ends_with(3);
    assert_eq!(sandbox.notes(), "3 failure\n");
}

#[test]
fn a_skip_code_calls_the_run_off() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("HOOK_SKIP_ON", "75, 76");
    sandbox.hook("pre-backup.sh", "echo the disk is not plugged in; exit 75");
    sandbox.hook("pre-backup.1-b.sh", "echo MUST NOT RUN >> $T/notes");
    sandbox.hook("post-backup.sh", "echo post $1 $RUN_STATUS >> $T/notes");
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "post 0 skipped\n");
    assert_eq!(sandbox.engine_log(), "");
    let summary = sandbox.summary("backup");
    assert_eq!((&summary["status"], &summary["reason"]), (&"skipped".into(), &"the disk is not plugged in".into()));
}

#[test]
fn a_hook_that_is_not_executable_is_an_error_and_never_a_silent_skip() {
    let sandbox = Sandbox::with_stand_in_engine();
    let path = sandbox.path("hooks/pre-backup.sh");
    fs::write(&path, "#!/bin/sh\nexit 0\n").expect("can be written");
    let out = sandbox.run(&["backup"]).ends_with(0).all();
    let line = format!("❌ Hook pre-backup is not executable ({}); skipping.", path.display());
    assert!(out.contains(&line), "{out}");
    assert!(sandbox.log("backup").contains(&line));
    let summary = sandbox.summary("backup");
    assert_eq!((&summary["hooks"][0]["status"], &summary["hooks"][0]["exit_code"]), (&"failed".into(), &126.into()));
    assert_eq!(summary["status"], "warning");
    assert!(summary["hooks"][0]["reason"].as_str().is_some_and(|why| why.contains("not executable")), "{summary}");
}

#[test]
fn a_post_hook_that_cannot_run_is_announced_before_the_first_pre_hook() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-backup.sh", "exit 0");
    std::os::unix::fs::symlink("nowhere", sandbox.path("hooks/post-backup.sh")).expect("can be linked");
    let out = sandbox.run(&["backup"]).ends_with(0).stdout;
    let announced = out.find("Hook post-backup will not run").expect("is announced");
    let began = out.find("Running hook pre-backup").expect("began");
    assert!(announced < began, "{out}");
    assert_eq!(sandbox.summary("backup")["hooks"][1]["exit_code"], 126);
}

#[test]
fn a_strict_folder_refuses_a_script_that_others_may_write() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-backup.sh", "echo ran >> $T/notes");
    sandbox.run_program("chmod", &["o+w", &sandbox.path("hooks/pre-backup.sh").display().to_string()]).ends_with(0);
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "ran\n");
    sandbox.set("HOOKS_STRICT", "yes");
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "ran\n", "it ran again");
    assert_eq!(sandbox.summary("backup")["hooks"][0]["exit_code"], 126);
}

#[test]
fn a_bad_limit_is_said_loudly_and_the_run_goes_on_as_warning() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("HOOK_TIMEOUT", "soon");
    sandbox.hook("pre-backup.sh", "echo ran >> $T/notes");
    let out = sandbox.run(&["backup"]).ends_with(0).all();
    assert!(out.contains("HOOK_TIMEOUT='soon'"), "{out}");
    assert_eq!((sandbox.notes().as_str(), &sandbox.summary("backup")["status"]), ("ran\n", &"warning".into()));
}

#[test]
fn the_run_ends_by_printing_its_tasks() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("RESTIC_FORGET_ARGS", "--keep-last 3");
    sandbox.hook("pre-backup.sh", "exit 1").hook("post-backup.sh", "exit 0");
    let out = sandbox.run(&["backup"]).ends_with(0).stdout;
    let table: Vec<String> = out
        .lines()
        .skip_while(|line| !line.starts_with("📋 Run "))
        .map(|line| {
            line.split_whitespace()
                .filter(|word| !word.ends_with('s') || !word.contains('.'))
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    assert!(table[0].ends_with(": warning"), "{out}");
    assert_eq!(table[1..], ["❌ pre-backup exit 1", "✅ backup", "✅ forget", "✅ post-backup"], "{out}");
    assert!(sandbox.log("backup").contains("📋 Run "));
}
