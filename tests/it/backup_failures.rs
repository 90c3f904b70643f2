//! A `backup` that fails: restic's codes, locks, mistakes that stop the work, and an interruption.

use crate::repository::Code;
use crate::support::{Sandbox, assert_in_order, wait_for};
use std::fs;

#[test]
fn restics_own_codes_pass_through_with_the_contracts_lines() {
    for mut sandbox in Sandbox::with_each_repository() {
        sandbox.hook("post-backup.sh", "echo post $1 $RUN_STATUS: $RUN_ERROR >> $T/notes");
        let sound = sandbox.path("repo").display().to_string();
        let nowhere = sandbox.path("nowhere").display().to_string();
        let modern = sandbox.restic_version() >= (0, 17);
        for (variable, value, code, reason) in [
            ("RESTIC_PASSWORD", "another-password", Code::WrongPassword, "the password is wrong"),
            ("RESTIC_REPOSITORY", &nowhere, Code::NoRepository, "the repository does not exist"),
            (
                "RESTIC_JOB_ARGS",
                "--no-such-flag",
                Code::Other,
                "restic ended with status 1: unknown flag: --no-such-flag",
            ),
            ("RESTIC_JOB_ARGS", "/proc/self/mem", Code::Incomplete, "read /proc/self/mem: "),
        ] {
            let code = code.of(modern);
            sandbox.set("RESTIC_PASSWORD", "correct-horse-battery").set("RESTIC_REPOSITORY", sound.clone());
            sandbox.unset("RESTIC_JOB_ARGS").set(variable, value);
            let out = sandbox.run(&["backup"]).ends_with(code).stdout;
            assert_in_order(
                &out,
                &[
                    "📦 Performing backup of ",
                    &format!("❌ Backup Failed with Status {code}"),
                    "ℹ️ Skipping automatic 'restic unlock' (RESTIC_AUTO_UNLOCK!=ON)",
                    "🏁 Finished backup at ",
                    "🚀 Running hook post-backup...",
                ],
            );
            let summary = sandbox.summary("backup");
            assert_eq!((&summary["exit_code"], &summary["status"]), (&code.into(), &"failure".into()));
            let why = summary["reason"].as_str().expect("is text");
            assert!(why.contains(reason.trim_start_matches("the ")), "{variable}: {why}");
            let work = &summary["work"];
            assert_eq!(
                (&work["status"], &work["exit_code"], &work["reason"]),
                (&"failed".into(), &code.into(), &why.into())
            );
            let told = sandbox.notes().lines().last().map(str::to_owned);
            assert_eq!(told, Some(format!("post {code} failure: {why}")));
            let (log, kept) = (sandbox.log("backup"), sandbox.error_log("backup").expect("is kept"));
            assert!(log.starts_with(&kept), "the kept log is another one:\n{kept}");
            assert_in_order(&kept, &["Finished backup at ", &format!("❌ Backup Failed with Status {code}")]);
            assert!(!kept.contains("post-backup"), "{kept}");
        }
    }
}

#[test]
fn restic_of_0_17_and_later_has_codes_of_its_own() {
    let Some(mut sandbox) = Sandbox::with_new_repository() else { return };
    let nowhere = sandbox.path("nowhere").display().to_string();
    sandbox.set("RESTIC_REPOSITORY", nowhere).run(&["backup"]).ends_with(10);
    let repository = sandbox.path("repo").display().to_string();
    sandbox.set("RESTIC_REPOSITORY", repository);
    let holder = sandbox.hold_exclusive_lock();
    sandbox.run(&["backup"]).ends_with(11);
    holder.kill();
    sandbox.set("RESTIC_PASSWORD", "another-password").run(&["backup"]).ends_with(12);
}

#[test]
fn a_locked_repository_fails_the_backup_and_the_lock_is_left_alone() {
    for sandbox in Sandbox::with_each_repository() {
        let holder = sandbox.hold_exclusive_lock();
        let code = Code::Locked.of(sandbox.restic_version() >= (0, 17));
        let out = sandbox.run(&["backup"]).ends_with(code).stdout;
        assert!(out.contains(&format!("❌ Backup Failed with Status {code}\n")), "{out}");
        assert!(!out.contains("🔓"), "{out}");
        let reason = sandbox.summary("backup")["reason"].as_str().expect("is text").to_owned();
        assert!(reason.contains("repository is") && reason.contains("locked"), "{reason}");
        assert_eq!(sandbox.repository_locks(), 1, "the holder's lock, and none of ours");
        holder.kill();
    }
}

#[test]
fn a_stale_lock_is_removed_where_that_is_wanted() {
    for mut sandbox in Sandbox::with_each_repository() {
        let holder = sandbox.hold_exclusive_lock();
        holder.kill();
        assert_eq!(sandbox.repository_locks(), 1);
        sandbox.set("RESTIC_AUTO_UNLOCK", "on");
        let code = Code::Locked.of(sandbox.restic_version() >= (0, 17));
        let out = sandbox.run(&["backup"]).ends_with(code).stdout;
        let locked = format!("❌ Backup Failed with Status {code}");
        assert_in_order(
            &out,
            &[&locked, "🔓 Unlocking repository (RESTIC_AUTO_UNLOCK=ON)...", "successfully removed", "🏁"],
        );
        let log = sandbox.log("backup");
        assert_in_order(&log, &[&locked, "🔓 Unlocking repository (RESTIC_AUTO_UNLOCK=ON)...", "🏁"]);
        assert!(!log.contains("successfully removed"), "restic unlock belongs on the console alone:\n{log}");
        assert_eq!(sandbox.repository_locks(), 0);
        let out = sandbox.run(&["backup"]).ends_with(0).stdout;
        assert!(!out.contains("unlock") && !out.contains("🔓"), "{out}");
    }
}

#[test]
fn an_empty_tag_ends_with_2_after_summary_and_post_hook() {
    let mut sandbox = Sandbox::with_repository();
    sandbox.hook("pre-backup.sh", "echo pre >> $T/notes").hook("post-backup.sh", "echo post-backup $1 >> $T/notes");
    sandbox.run(&["backup"]).ends_with(0);
    let before = sandbox.summary("backup")["last_success_at"].clone();
    sandbox.set("RESTIC_TAG", "");
    let out = sandbox.run(&["backup"]).ends_with(2).stdout;
    assert_in_order(
        &out,
        &["📦 Performing backup of ", "❌ RESTIC_TAG is unset or empty.", "🚀 Running hook post-backup..."],
    );
    assert!(!out.contains("🏁") && !out.contains("Backup Failed"), "{out}");
    assert_eq!(sandbox.notes(), "pre\npost-backup 0\npre\npost-backup 2\n");
    let summary = sandbox.summary("backup");
    assert_eq!((&summary["exit_code"], &summary["status"]), (&2.into(), &"failure".into()));
    assert_eq!(summary["reason"], "RESTIC_TAG is unset or empty");
    assert_eq!((&summary["restic_tag"], &summary["last_success_at"]), (&"".into(), &before));
    assert_eq!(sandbox.snapshots().len(), 1);
}

#[test]
fn words_with_an_open_quote_end_with_2_and_nothing_is_saved() {
    let mut sandbox = Sandbox::with_repository();
    sandbox.hook("post-backup.sh", "echo post-backup $1 >> $T/notes");
    sandbox.set("RESTIC_JOB_ARGS", "--exclude it's");
    let out = sandbox.run(&["backup"]).ends_with(2).stdout;
    let line = "❌ RESTIC_JOB_ARGS='--exclude it's' has an opening ' at character 13 that is never closed: \
                close each quote or write a backslash before it";
    assert_in_order(&out, &[line]);
    assert_eq!(sandbox.notes(), "post-backup 2\n");
    assert!(sandbox.summary("backup")["reason"].as_str().is_some_and(|why| why.starts_with("RESTIC_JOB_ARGS=")));
    assert_eq!(sandbox.snapshots().len(), 0);
}

#[test]
fn logs_are_cleared_at_the_start_and_the_error_log_outlives_a_success() {
    let mut sandbox = Sandbox::with_repository();
    for log in ["backup-last.log", "backup-mail-last.log"] {
        fs::write(sandbox.path("log").join(log), "yesterday\n").expect("can be written");
    }
    sandbox.hook("pre-backup.sh", "cat $LOG_DIR/backup-mail-last.log; grep -c yesterday $RUN_LOG");
    sandbox.set("RESTIC_JOB_ARGS", "--no-such-flag").run(&["backup"]).ends_with(1);
    assert!(!sandbox.log("backup").contains("yesterday"), "{}", sandbox.log("backup"));
    assert!(!sandbox.path("log/backup-mail-last.log").exists());
    let kept = sandbox.error_log("backup").expect("is kept");
    assert!(kept.contains("unknown flag: --no-such-flag"), "{kept}");
    sandbox.unset("RESTIC_JOB_ARGS").run(&["backup"]).ends_with(0);
    assert!(!sandbox.log("backup").contains("--no-such-flag"));
    assert_eq!(sandbox.error_log("backup").as_ref(), Some(&kept));
}

#[test]
fn an_interrupted_backup_leaves_no_lock_on_the_repository() {
    for (signal, code) in [(2, 130), (15, 143)] {
        for mut sandbox in Sandbox::with_each_repository() {
            let noise = ["-c", "head -c 40000000 /dev/urandom > \"$BACKUP_ROOT_DIR/large\""];
            sandbox.run_program("sh", &noise).ends_with(0);
            // Slow enough to be met at work; a pack that is on its way is sent to its end, in half a second.
            sandbox.set("RESTIC_JOB_ARGS", "--limit-upload 8000 --pack-size 4 --no-cache");
            sandbox.hook("post-backup.sh", "echo $1 $RUN_STATUS >> $T/notes");
            let running = sandbox.start(&["backup"]);
            // Only then it knows of its own lock: 0.14 forgets one that it has just made.
            let stored = ["-c", "find \"$RESTIC_REPOSITORY/data\" -type f | grep ."];
            wait_for("restic to upload", || sandbox.run_program("sh", &stored).status.success().then_some(()));
            running.signal(signal);
            let out = running.finish().ends_with(code);
            assert_eq!(sandbox.restic(&["list", "locks", "--no-lock"]).ends_with(0).stdout, "", "{}", out.all());
            assert!(!out.stdout.contains("🔓"), "{}", out.stdout);
            assert_eq!(sandbox.summary("backup")["work"]["status"], "interrupted");
            assert_eq!(sandbox.notes(), format!("{code} interrupted\n"));
            assert_eq!(fs::read_dir(sandbox.path("repo/snapshots")).expect("is there").count(), 0);
            sandbox.expect_no_process();
        }
    }
}
