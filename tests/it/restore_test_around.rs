//! `restore-test`: dry runs, hooks, the schedule, the room for it, and folders that are hard to remove.

use crate::restore_test_scene::{TWO, assert_keys, back_up, canary, each, filled, key, source, temporary};
use crate::support::Sandbox;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

/// The documentation's promise: a dry run makes no folder. restic before 0.17 has none.
#[test]
fn a_dry_run_makes_no_folder_and_checks_nothing() {
    for mut sandbox in each() {
        sandbox.set("RESTORE_TEST_VERIFY", "ON");
        sandbox.hook("pre-restore-test.sh", "echo $RUN_TARGET >> $T/notes");
        let target = sandbox.path("new").display().to_string();
        for words in [
            &["restore-test", "--dry-run", "--canary", &canary(&sandbox)][..],
            &["restore-test", "--dry-run", "--target", &target],
        ] {
            if sandbox.restic_version() < (0, 17) {
                let out = sandbox.run(words).ends_with(2).all();
                assert!(out.contains("--dry-run needs restic 0.17 or later, and this is restic 0.14"), "{out}");
            } else {
                let out = sandbox.run(words).ends_with(0).stdout;
                assert!(out.contains(" --dry-run\n") && !out.contains("--verify"), "{out}");
                assert!(out.contains("✅ Restore-test dry-run completed (no verification performed)."), "{out}");
            }
            let named = words.contains(&"--target");
            assert_keys(
                &sandbox,
                &[
                    ("dry_run", "ON"),
                    ("verification", "skipped"),
                    ("canary_total", if named { "0" } else { "1" }),
                    ("canary_passed", "0"),
                    ("cleanup_status", if named { "kept" } else { "absent" }),
                ],
            );
            assert!(temporary(&sandbox).is_empty() && !sandbox.path("new").exists());
        }
        // Patterns that match nothing are found without writing, too.
        if sandbox.restic_version() >= (0, 17) {
            sandbox.run(&["restore-test", "--dry-run", "--path", "/nope"]).ends_with(3);
        }
    }
}

/// Hooks are told the folder and the snapshot; the pre hooks come before the folder is made, the post hooks after it
/// is gone.
#[test]
fn hooks_are_told_folder_and_snapshot() {
    for sandbox in each() {
        sandbox.hook("pre-restore-test.sh", "echo pre $# $RUN_TARGET $(ls $T/tmp | wc -l) >> $T/notes");
        sandbox.hook("post-restore-test.sh", "echo post $1 $RUN_TARGET $RUN_SNAPSHOT $(ls $T/tmp | wc -l) >> $T/notes");
        sandbox.run(&["restore-test"]).ends_with(0);
        let target = key(&sandbox.summary("restore-test"), "target");
        let id = key(&sandbox.snapshots()[0], "id");
        assert_eq!(sandbox.notes(), format!("pre 0 {target} 0\npost 0 {target} {id} 0\n"));
    }
}

/// A check that was asked for in vain is no plain success.
#[test]
fn a_switch_that_is_none_makes_a_warning() {
    for mut sandbox in each() {
        sandbox.set("RESTORE_TEST_VERIFY", "0N");
        let out = sandbox.run(&["restore-test"]).ends_with(0).all();
        let line = "❌ RESTORE_TEST_VERIFY='0N' is not a switch; using OFF: write ON or OFF.";
        assert!(out.lines().any(|found| found == line), "{out}");
        assert_eq!(key(&sandbox.summary("restore-test"), "status"), "warning");
    }
}

/// What the schedule starts has no flags: everything comes from the settings.
#[test]
fn a_scheduled_test_works_by_its_settings_alone() {
    for mut sandbox in each() {
        let list = sandbox.path("list");
        fs::write(&list, format!("{TWO} *{}\r\n", source(&sandbox, "docs/two.txt"))).expect("can be written");
        let (path, canary) = (source(&sandbox, "docs"), canary(&sandbox));
        sandbox
            .set("RUN_TRIGGER", "schedule")
            .set("RESTORE_TEST_PATH", path)
            .set("RESTORE_TEST_CANARY", canary)
            .set("RESTORE_TEST_CANARY_FILE", list.display().to_string())
            .set("RESTORE_TEST_MIN_FILES", "2")
            .set("RESTORE_TEST_VERIFY", "ON");
        sandbox.run(&["restore-test"]).ends_with(0);
        let summary = assert_keys(&sandbox, &[("files_restored", "2"), ("canary_passed", "2"), ("verify", "ON")]);
        assert_eq!(summary["trigger"], "schedule");
        assert_eq!(temporary(&sandbox), [""; 0]);
    }
}

/// Folders that are closed to their own owner are removed, too.
#[test]
fn closed_folders_are_removed() {
    for sandbox in Sandbox::with_each_repository() {
        let closed = sandbox.path("data/closed");
        fs::create_dir_all(closed.join("deep")).expect("can be made");
        fs::write(closed.join("deep/file"), "x").expect("can be written");
        symlink("/", closed.join("link")).expect("can be linked");
        let sandbox = filled(sandbox);
        let mode = |path: &std::path::Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("can be changed");
        };
        mode(&closed.join("deep"), 0);
        mode(&closed, 0o500);
        back_up(&sandbox);
        // As somebody without privileges, if this is somebody with.
        let root = sandbox.path("").display().to_string();
        if nix::unistd::geteuid().is_root() {
            sandbox.run_program("chown", &["-R", "65534:65534", &root]).ends_with(0);
            let words = ["--reuid=65534", "--regid=65534", "--clear-groups", crate::support::BOATHOOK, "restore-test"];
            sandbox.run_program("setpriv", &words).ends_with(0);
        } else {
            sandbox.run(&["restore-test"]).ends_with(0);
        }
        assert_keys(&sandbox, &[("cleanup_status", "cleaned")]);
        assert_eq!(temporary(&sandbox), [""; 0]);
        mode(&closed, 0o700);
        mode(&closed.join("deep"), 0o700);
    }
}

/// What cannot fit is said before: a restic of 0.17 or later notes the size of a snapshot. Only for the whole of it.
#[test]
fn a_snapshot_that_cannot_fit_is_warned_of() {
    let mut sandbox = Sandbox::new();
    crate::stand_in::newer(&mut sandbox);
    let script = fs::read_to_string(sandbox.path("bin/restic")).expect("is there");
    let sized =
        script.replace("\"short_id\"", "\"summary\":{\"total_bytes_processed\":9000000000000000000},\"short_id\"");
    assert_ne!(script, sized);
    crate::support::write_executable(&sandbox.path("bin/restic"), &sized);
    let out = sandbox.run(&["restore-test"]).ends_with(0).all();
    assert!(out.contains("are to be restored, and ") && out.contains("or a --target with more room"), "{out}");
    let out = sandbox.run(&["restore-test", "--path", "/srv"]).ends_with(0).all();
    assert!(!out.contains("with more room"), "{out}");
}
