//! What a work had made when all its processes were killed, the cleaner among them, is cleared away by a recovery.

use crate::mount_snapshot::{is_mounted, mounted, sandboxes};
use crate::recovery_scene::{assert_settled, entries, journals, wait_until_dead};
use crate::support::{Running, Sandbox, send, wait_for, write_executable};
use crate::undo::child_of;
use std::fs;

/// A sandbox with a snapshot, whose restic waits while `wait` is there after it has read one.
fn with_slow_restic() -> Sandbox {
    let sandbox = Sandbox::with_repository();
    let data = sandbox.path("data").display().to_string();
    sandbox.restic(&["backup", "--host", "test-host", "--tag", "automated", &data]).ends_with(0);
    let real = sandbox.run_program("sh", &["-c", "command -v restic"]).ends_with(0).stdout;
    let script = "#!/bin/sh\ncase \" $* \" in *\" dump \"*)\n\
                  if [ -e $LOG_DIR/../wait ]; then REAL \"$@\"; echo $$ > $LOG_DIR/../started; fi\n\
                  while [ -e $LOG_DIR/../wait ]; do sleep 0.02; done ;;\nesac\nexec REAL \"$@\"\n";
    write_executable(&sandbox.path("bin/restic"), &script.replace("REAL", real.trim()));
    sandbox
}

/// Kills everything of a run at the same time: nobody sees anybody's end.
fn kill_all(sandbox: &Sandbox, mut running: Running) {
    let worker = child_of(running.pid(), "boathook");
    // It is there once something is owed.
    let children = fs::read_to_string(format!("/proc/{worker}/task/{worker}/children")).unwrap_or_default();
    let is_cleaner =
        |pid: &i32| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "boathook-clean\n");
    let cleaner: Vec<i32> = children.split_whitespace().filter_map(|pid| pid.parse().ok()).filter(is_cleaner).collect();
    for pid in [running.pid(), worker] {
        send(pid, libc::SIGSTOP);
    }
    let others =
        sandbox.processes().into_iter().map(|(pid, _)| pid).filter(|pid| ![running.pid(), worker].contains(pid));
    let all: Vec<i32> = [cleaner, others.collect(), vec![worker, running.pid()]].concat();
    for pid in &all {
        send(*pid, libc::SIGKILL);
    }
    running.end();
    all.into_iter().for_each(wait_until_dead);
}

#[test]
fn standard_output_has_the_archive_alone_where_a_recovery_comes_first() {
    let sandbox = with_slow_restic();
    fs::write(sandbox.path("wait"), "").expect("can be written");
    sandbox.hook(
        "post-snapshot-export.sh",
        "echo post $RUN_STATUS $RUN_TRIGGER; echo $RUN_STATUS $RUN_TRIGGER >> $T/notes",
    );
    let target = sandbox.path("out.tar.gz").display().to_string();
    let running = sandbox.start(&["snapshot-export", "--output", &target]);
    sandbox.wait_for_file("started");
    kill_all(&sandbox, running);
    assert_eq!(journals(&sandbox).len(), 1);
    fs::remove_file(sandbox.path("wait")).expect("is there");
    let archive = sandbox.path("clean.tar.gz");
    let script = format!("exec '{}' snapshot-export --output - > '{}'", crate::support::BOATHOOK, archive.display());
    let out = sandbox.run_program("sh", &["-c", &script]).ends_with(0);
    assert!(out.stderr.contains("⚠️ Run "), "{}", out.all());
    sandbox.run_program("tar", &["tzf", &archive.display().to_string()]).ends_with(0);
    let left = entries(&sandbox.path("")).into_iter().filter(|path| path.to_string_lossy().ends_with(".part")).count();
    assert_eq!((left, sandbox.path("out.tar.gz").exists()), (0, false));
    assert_eq!(sandbox.notes(), "interrupted recovery\nsuccess manual\n");
    assert_settled(&sandbox);
}

#[test]
fn a_dead_mount_is_taken_away() {
    for sandbox in sandboxes() {
        let mounted = mounted(&sandbox, &[]);
        let point = mounted.point.clone();
        kill_all(&sandbox, mounted.running);
        assert!(is_mounted(&point), "it went with its processes");
        sandbox.run(&["hooks", "recover"]).ends_with(0);
        wait_for("the end of the mount", || (!is_mounted(&point)).then_some(()));
        assert_eq!(sandbox.notes(), format!("post 137 interrupted free {}\n", point.display()));
        assert_settled(&sandbox);
    }
}
