//! `restore-test` that is ended from outside: nothing of what was restored is left (weakness 15).

use crate::restore_test_scene::{assert_keys, key, temporary};
use crate::support::{Running, Sandbox, send, wait_for, write_executable};
use crate::trees::files;
use std::fs;

/// A stand-in for restic that holds in the middle of a restore, with a secret already written.
fn holding() -> Sandbox {
    let sandbox = Sandbox::new();
    let id = "b".repeat(64);
    write_executable(
        &sandbox.path("bin/restic"),
        &format!(
            r#"#!/bin/sh
# A stand-in for restic.
case "$1" in
version) echo "restic 0.18.0 compiled with go1.24 on linux/amd64"; exit 0 ;;
snapshots) echo '[{{"time":"2026-05-02T06:00:00Z","hostname":"test-host","tags":["automated"],"paths":["/srv"],"id":"{id}"}}]' ;;
restore)
    mkdir -p "$4/srv/closed/deep"
    echo secret > "$4/srv/closed/deep/file"
    chmod 000 "$4/srv/closed/deep"; chmod 500 "$4/srv/closed"
    trap 'echo interrupted >> "$LOG_DIR/../engine.log"; exit 130' INT
    sleep 1000 & waiter=$!
    echo "$4" > "$LOG_DIR/../started"
    wait "$waiter" ;;
esac
"#
        ),
    );
    sandbox.hook("post-restore-test.sh", "echo $1 $RUN_STATUS $(ls $T/tmp | wc -l) >> $T/notes");
    sandbox
}

fn worker_of(running: &Running) -> i32 {
    let keeper = running.pid();
    wait_for("the worker", || {
        let children = fs::read_to_string(format!("/proc/{keeper}/task/{keeper}/children")).ok()?;
        children.split_whitespace().next()?.parse().ok()
    })
}

/// The restore is under way, and its folder is there.
fn under_way(sandbox: &Sandbox, words: &[&str]) -> Running {
    let running = sandbox.start(&[&["restore-test"], words].concat());
    let folder = sandbox.wait_for_file("started");
    assert!(fs::metadata(folder.trim_end()).expect("is there").is_dir());
    running
}

#[test]
fn a_signal_ends_restic_and_leaves_no_folder() {
    for (signal, code) in [(15, 143), (2, 130)] {
        let sandbox = holding();
        let running = under_way(&sandbox, &[]);
        running.signal(signal);
        running.finish().ends_with(code);
        assert!(sandbox.engine_log().contains("interrupted"), "restic was not asked by SIGINT");
        assert_eq!(temporary(&sandbox), [""; 0]);
        assert_eq!(sandbox.notes(), format!("{code} interrupted 0\n"));
        assert_keys(&sandbox, &[("status", "interrupted"), ("cleanup_status", "cleaned"), ("verification", "skipped")]);
        sandbox.expect_no_process();
        assert!(!sandbox.is_locked("restore-test.lock"));
    }
}

#[test]
fn a_killed_worker_has_its_folder_removed_by_its_successor() {
    let sandbox = holding();
    let running = under_way(&sandbox, &[]);
    send(worker_of(&running), 9);
    running.finish().ends_with(137);
    assert_eq!(temporary(&sandbox), [""; 0]);
    assert_eq!(sandbox.notes(), "137 interrupted 0\n");
    let summary = assert_keys(&sandbox, &[("cleanup_status", "absent"), ("target_autotmp", "ON")]);
    // The name that the hooks and the summary know is the folder's own.
    let told = fs::read_to_string(sandbox.path("started")).expect("was written");
    assert_eq!(key(&summary, "target"), told.trim_end());
    sandbox.expect_no_process();
}

/// What is to be kept is kept on every way out, and named.
#[test]
fn what_is_to_be_kept_is_kept_also_after_a_signal_and_a_kill() {
    for signal in [15, 9] {
        let sandbox = holding();
        let running = under_way(&sandbox, &["--keep"]);
        if signal == 9 {
            send(worker_of(&running), 9);
        } else {
            running.signal(signal);
        }
        running.finish().ends_with(if signal == 9 { 137 } else { 143 });
        let summary = assert_keys(&sandbox, &[("cleanup_status", "kept"), ("keep", "ON")]);
        let folder = std::path::PathBuf::from(key(&summary, "target"));
        sandbox.run_program("chmod", &["-R", "u+rwX", folder.to_str().expect("is text")]).ends_with(0);
        assert_eq!(files(&folder), ["srv/closed/deep/file"]);
    }
}

/// A named target is never removed.
#[test]
fn a_named_target_stays_after_a_signal() {
    let sandbox = holding();
    let target = sandbox.path("target");
    let running = under_way(&sandbox, &["--target", target.to_str().expect("is text")]);
    running.signal(15);
    running.finish().ends_with(143);
    assert!(target.join("srv").is_dir());
    assert_keys(&sandbox, &[("cleanup_status", "kept")]);
    sandbox.run_program("chmod", &["-R", "u+rwX", target.to_str().expect("is text")]).ends_with(0);
}

/// A critical pre hook keeps the test from beginning: the keys are there all the same.
#[test]
fn a_failed_critical_pre_hook_makes_nothing() {
    let mut sandbox = holding();
    sandbox.set("HOOK_ON_ERROR", "Fail").hook("pre-restore-test.sh", "exit 1");
    sandbox.run(&["restore-test"]).ends_with(120);
    assert_keys(&sandbox, &[("cleanup_status", "absent"), ("verification", "skipped"), ("canary_total", "0")]);
    assert!(temporary(&sandbox).is_empty() && !sandbox.path("started").exists());
}
