//! One-shot commands given to the container: the real program, with all their words, and no schedule.

use crate::support::{Finished, Sandbox, write_executable};
use std::fs;

/// The same command called directly and through the entrypoint.
fn both_ways(sandbox: &Sandbox, words: &[&str]) -> (Finished, Finished) {
    let mut through = vec!["entry.sh"];
    through.extend(words);
    (sandbox.run(words), sandbox.run(&through))
}

#[test]
fn a_document_is_all_that_is_printed() {
    let sandbox = Sandbox::new();
    for words in [&["config-check", "--json"][..], &["doctor", "--json", "--no-probe"]] {
        let (direct, through) = both_ways(&sandbox, words);
        assert_eq!(direct.code(), through.code(), "{words:?}: {}", through.all());
        let keys = |finished: &Finished| {
            let document: serde_json::Value = serde_json::from_str(&finished.stdout).expect("one document");
            document.as_object().expect("an object").keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(keys(&direct), keys(&through));
        assert_eq!(direct.stderr, through.stderr);
    }
}

#[test]
fn a_command_knows_the_name_it_was_called_by() {
    let sandbox = Sandbox::new();
    for word in ["check", "/bin/check"] {
        let finished = sandbox.run(&["entry.sh", word, "--bogus"]).ends_with(2);
        assert_eq!(finished.stderr, "❌ Unknown argument: --bogus\nRun /bin/check --help for usage.\n");
    }
    let finished = sandbox.run(&["entry.sh", "boathook", "check", "--bogus"]).ends_with(2);
    assert_eq!(finished.stderr, "❌ Unknown argument: --bogus\nRun boathook check --help for usage.\n");
}

#[test]
fn a_run_ends_the_container_with_its_code_and_no_schedule_is_made() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("ENGINE_EXIT", "3");
    sandbox.hook("post-backup.sh", "echo post $1 >> $T/notes");
    sandbox.run(&["entry.sh", "backup"]).ends_with(3);
    assert_eq!(sandbox.notes(), "post 3\n");
    assert!(!sandbox.path("log/cron.log").exists() && !sandbox.path("run/scheduler.sock").exists());
    sandbox.expect_no_process();
}

#[test]
fn a_stop_during_a_one_shot_run_is_that_runs_stop() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("post-backup.sh", "echo post $1 $RUN_STATUS >> $T/notes");
    let started = sandbox.path("started").display().to_string();
    sandbox.set("ENGINE_WAITS", "setsid sleep 1000").set("ENGINE_STARTED", started);
    for signal in [15, 2] {
        let _ = fs::remove_file(sandbox.path("started"));
        let running = sandbox.start(&["entry.sh", "backup"]);
        sandbox.wait_for_file("started");
        running.signal(1);
        running.signal(10);
        running.signal(signal);
        // Init's time counts from the request on, so the run is told SIGTERM, however the container was asked.
        running.finish().ends_with(143);
    }
    assert_eq!(sandbox.notes(), "post 143 interrupted\npost 143 interrupted\n");
    sandbox.expect_no_process();
}

/// A stand-in for `mount` that notes its words.
fn stand_in_mount(sandbox: &mut Sandbox, exit: i32) {
    sandbox.set("NFS_TARGET", "nas:/backups");
    let notes = sandbox.path("mounts").display().to_string();
    let text = format!("#!/bin/sh\n# A stand-in for mount.\necho \"$@\" >> {notes}\necho mounting >&2\nexit {exit}\n");
    write_executable(&sandbox.path("bin/mount"), &text);
}

#[test]
fn a_command_that_uses_the_repository_finds_it_mounted() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    stand_in_mount(&mut sandbox, 0);
    let finished = sandbox.run(&["entry.sh", "check"]).ends_with(0);
    let mounts = fs::read_to_string(sandbox.path("mounts")).expect("was mounted");
    assert_eq!(mounts, "-o nolock -v nas:/backups /mnt/restic\n");
    assert_eq!(finished.stderr.lines().next(), Some("📂 Mounting NFS based on NFS_TARGET: nas:/backups"));
    assert!(sandbox.engine_log().contains("check"), "{}", sandbox.engine_log());
    sandbox.run(&["entry.sh", "hooks", "list"]).ends_with(0);
    sandbox.run(&["entry.sh", "check", "--help"]).ends_with(0);
    assert_eq!(fs::read_to_string(sandbox.path("mounts")).expect("is there"), mounts, "mounted for nothing");
}

#[test]
fn a_mount_that_fails_ends_a_worker_and_is_a_line_beside_the_doctors() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    stand_in_mount(&mut sandbox, 32);
    let line = "❌ NFS mount failed for target 'nas:/backups' on /mnt/restic; aborting startup.";
    let finished = sandbox.run(&["entry.sh", "check"]).ends_with(1);
    assert!(finished.stderr.contains(line), "{}", finished.stderr);
    assert_eq!(sandbox.engine_log(), "");
    let finished = sandbox.run(&["entry.sh", "doctor", "--json", "--no-probe"]);
    assert!(finished.stderr.contains(line), "{}", finished.stderr);
    let _: serde_json::Value = serde_json::from_str(&finished.stdout).expect("one document");
}

#[test]
fn help_says_what_the_words_mean() {
    let sandbox = Sandbox::new();
    let help = sandbox.run(&["entry.sh", "--help"]).ends_with(0).stdout;
    for word in ["tail -fn0 /var/log/cron.log", "STOP_TIMEOUT", "126", "127", "docs/container.md"] {
        assert!(help.contains(word), "{word} is not in\n{help}");
    }
}
