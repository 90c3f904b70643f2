//! The four flows that Borgitory's users know, task by task.

use crate::support::{Finished, Sandbox};
use std::fs;

const HOOK: &str = "Task skipped due to critical hook failure: ";
const WORK: &str = "Task skipped due to critical task failure: backup";

/// A schedule with two pre hooks, the first one critical, and two post hooks, the first one to run in any case; each
/// writes its name. The command of the hook called `fails` fails.
fn schedule(fails: &str) -> Sandbox {
    let sandbox = Sandbox::with_stand_in_engine();
    let hook = |name: &str, more: &str| {
        let end = if name == fails { "; exit 3" } else { "" };
        format!(
            "{{\"name\": \"{name}\", \"command\": \"echo {name} >> $LOG_DIR/../notes{end}\", \"shell\": \"/bin/sh\"{more}}}"
        )
    };
    let text = format!(
        "{{\"repository_id\": 3, \"pre_job_hooks\": [{}, {}], \"post_job_hooks\": [{}, {}]}}",
        hook("Stop app", ", \"critical\": true"),
        hook("Dump database", ""),
        hook("Start app", ", \"run_on_job_failure\": true"),
        hook("Tell", "")
    );
    fs::write(sandbox.path("hooks/photos.json"), text).expect("can be written");
    sandbox
}

/// The tasks that a run ends by printing: mark, name and reason, without the time.
#[track_caller]
fn assert_tasks(out: &Finished, heading: &str, expected: &[(&str, &str, &str)]) {
    let mut lines = out.stdout.lines().skip_while(|line| !line.starts_with("📋 Run "));
    let first = lines.next().unwrap_or_else(|| panic!("{}", out.all()));
    assert!(first.ends_with(heading), "{first}");
    let rows: Vec<&str> = lines.take_while(|line| line.starts_with("  ")).collect();
    assert_eq!(rows.len(), expected.len(), "{rows:#?}");
    for (row, (mark, name, reason)) in rows.iter().zip(expected) {
        assert!(row.trim_start().starts_with(&format!("{mark} {name}")), "{name} is not {mark} in {rows:#?}");
        assert!(row.ends_with(reason), "'{reason}' is not the end of '{row}'");
        assert_eq!(row.contains("skipped"), *mark == "⏭️", "{row}");
    }
}

#[test]
fn all_well() {
    let sandbox = schedule("none");
    let out = sandbox.run(&["backup"]).ends_with(0);
    let tasks = [
        ("✅", "Stop app", ""),
        ("✅", "Dump database", ""),
        ("✅", "backup", ""),
        ("✅", "Start app", ""),
        ("✅", "Tell", ""),
    ];
    assert_tasks(&out, ": success", &tasks);
    assert_eq!(sandbox.notes(), "Stop app\nDump database\nStart app\nTell\n");
    assert_eq!(sandbox.summary("backup")["hooks_verdict"], "ok");
}

#[test]
fn a_critical_pre_hook_fails() {
    let sandbox = schedule("Stop app");
    let out = sandbox.run(&["backup"]).ends_with(120);
    let reason = format!("{HOOK}Stop app");
    let tasks = [
        ("❌", "Stop app", "exit 3"),
        ("⏭️", "Dump database", &*reason),
        ("⏭️", "backup", &*reason),
        ("✅", "Start app", ""),
        ("⏭️", "Tell", &*reason),
    ];
    assert_tasks(&out, ": failure", &tasks);
    assert_eq!((sandbox.notes().as_str(), sandbox.engine_log().as_str()), ("Stop app\nStart app\n", ""));
    let summary = sandbox.summary("backup");
    assert_eq!((&summary["work"]["status"], &summary["exit_code"]), (&"skipped".into(), &120.into()));
}

#[test]
fn the_backup_fails() {
    let mut sandbox = schedule("none");
    sandbox.set("ENGINE_EXIT", "1");
    let out = sandbox.run(&["backup"]).ends_with(1);
    let tasks = [
        ("✅", "Stop app", ""),
        ("✅", "Dump database", ""),
        ("❌", "backup", ""),
        ("✅", "Start app", ""),
        ("⏭️", "Tell", WORK),
    ];
    assert_tasks(&out, ": failure", &tasks);
    assert_eq!(sandbox.notes(), "Stop app\nDump database\nStart app\n");
    assert_eq!(sandbox.summary("backup")["hooks_verdict"], "ok");
}

#[test]
fn a_hook_that_is_not_critical_fails() {
    let sandbox = schedule("Dump database");
    let out = sandbox.run(&["backup"]).ends_with(0);
    let tasks = [
        ("✅", "Stop app", ""),
        ("❌", "Dump database", "exit 3"),
        ("✅", "backup", ""),
        ("✅", "Start app", ""),
        ("✅", "Tell", ""),
    ];
    assert_tasks(&out, ": warning", &tasks);
    assert_eq!(sandbox.notes(), "Stop app\nDump database\nStart app\nTell\n");
    let summary = sandbox.summary("backup");
    assert_eq!((&summary["work"]["status"], &summary["hooks_verdict"]), (&"completed".into(), &"failed".into()));
}
