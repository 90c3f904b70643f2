//! `boathook hooks list`, `check` and `test`.

use crate::support::Sandbox;
use std::fs;

#[test]
fn list_shows_what_would_run_in_order() {
    let mut sandbox = Sandbox::new();
    sandbox.set("HOOK_TIMEOUT", "5m").set("HOOK_ON_ERROR", "Fail");
    for name in ["pre-backup.20-b", "pre-backup", "pre-all", "post-backup", "post-check"] {
        sandbox.hook(&format!("{name}.sh"), "echo MUST NOT RUN >> $T/notes");
    }
    let out = sandbox.run(&["hooks", "list", "backup"]).ends_with(0).stdout;
    let rows: Vec<String> =
        out.lines().skip(1).map(|line| line.split_whitespace().take(3).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(rows, ["pre 1 pre-all", "pre 2 pre-backup", "pre 3 pre-backup.20-b", "post 1 post-backup"], "{out}");
    assert!(out.contains("limit 300s, onError Fail"), "{out}");
    let out = sandbox.run(&["hooks", "list"]).ends_with(0).stdout;
    assert!(out.contains("Hooks of check in "), "{out}");
    let json: serde_json::Value =
        serde_json::from_str(&sandbox.run(&["hooks", "list", "backup", "--json"]).stdout).expect("is JSON");
    assert_eq!(json[0]["pre"][2]["name"], "pre-backup.20-b");
    assert_eq!(sandbox.notes(), "");
}

#[test]
fn check_names_everything_that_would_keep_a_hook_from_running() {
    let sandbox = Sandbox::new();
    sandbox.hook("pre-backup.sh", "exit 0");
    sandbox.run(&["hooks", "check"]).ends_with(0);
    fs::write(sandbox.path("hooks/post-backup.sh"), "#!/bin/sh\n").expect("can be written");
    sandbox.hook("pre-bakcup.sh", "exit 0");
    let out = sandbox.run(&["hooks", "check"]).ends_with(1).stdout;
    assert!(out.contains("post-backup.sh") && out.contains("chmod"), "{out}");
    assert!(out.contains("pre-bakcup.sh") && out.contains("did you mean pre-backup.sh?"), "{out}");
}

#[test]
fn test_really_runs_the_hooks_of_a_phase_as_in_such_a_run() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-backup.sh", "echo pre >> $T/notes");
    sandbox.hook("post-backup.sh", "echo post $1 $RUN_STATUS $RUN_ERROR $(grep -c run_id $RUN_SUMMARY) >> $T/notes");
    let out = sandbox.run(&["hooks", "test", "pre-backup"]).ends_with(0).stdout;
    assert_eq!(sandbox.notes(), "pre\n");
    assert!(out.contains("A real run would now run post-backup"), "{out}");
    sandbox
        .run(&["hooks", "test", "post-backup", "--exit-code", "3", "--status", "failure", "--error", "disk full"])
        .ends_with(0);
    assert_eq!(sandbox.notes(), "pre\npost 3 failure disk full 1\n");
    sandbox.run(&["hooks", "test", "backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "pre\npost 3 failure disk full 1\npre\npost 0 success 1\n");
    assert_eq!(sandbox.engine_log(), "");
    assert_eq!(
        fs::read_dir(sandbox.path("log")).expect("is there").count(),
        0,
        "a trial left a trace in the log folder"
    );
}

#[test]
fn test_fails_as_its_hooks_do_and_takes_the_workers_lock() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("HOOK_TIMEOUT", "1").set("HOOK_KILL_AFTER", "1");
    sandbox.hook("pre-backup.sh", "exit 3").hook("post-backup.sh", "sleep 1000");
    sandbox.run(&["hooks", "test", "pre-backup"]).ends_with(1);
    sandbox.run(&["hooks", "test", "post-backup"]).ends_with(124);
    sandbox.unset("HOOK_TIMEOUT");
    sandbox.hook("pre-backup.sh", "echo > $T/started; while [ ! -e $T/go ]; do sleep 0.02; done");
    sandbox.hook("post-backup.sh", "exit 0");
    let holder = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    sandbox.run(&["hooks", "test", "backup"]).ends_with(75);
    fs::write(sandbox.path("go"), "").expect("can be written");
    holder.finish().ends_with(0);
}

#[test]
fn a_dry_test_runs_nothing_and_an_unknown_worker_is_named() {
    let sandbox = Sandbox::new();
    sandbox.hook("post-backup.sh", "echo MUST NOT RUN >> $T/notes");
    let out = sandbox.run(&["hooks", "test", "backup", "--dry-run", "--exit-code", "4"]).ends_with(0).stdout;
    assert!(out.trim_end().ends_with("post-backup.sh 4"), "{out}");
    assert_eq!(sandbox.notes(), "");
    let out = sandbox.run(&["hooks", "test", "bakcup"]).ends_with(2);
    assert!(out.stderr.contains("'bakcup' is no worker"), "{}", out.stderr);
}
