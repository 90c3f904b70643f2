//! The forget that follows a `backup`: when it runs, what it says, and that it never costs the backup.

use crate::repository::Code;
use crate::support::{Sandbox, assert_in_order};

#[test]
fn old_snapshots_are_forgotten_in_the_same_run() {
    for mut sandbox in Sandbox::with_each_repository() {
        sandbox.set("RESTIC_FORGET_ARGS", "--keep-last 1");
        sandbox.run(&["backup"]).ends_with(0);
        let out = sandbox.run(&["backup"]).ends_with(0).stdout;
        let lines = [
            "✅ Backup Successful",
            "🧹 Forgetting old snapshots based on: --keep-last 1",
            "✅ Forget Successful",
            "🏁",
        ];
        assert_in_order(&out, &lines);
        let log = sandbox.log("backup");
        assert_in_order(
            &log,
            &[lines[0], lines[1], "Applying Policy", "remove 1 snapshots", "Finished forget at ", lines[2], lines[3]],
        );
        let summary = sandbox.summary("backup");
        assert_eq!((&summary["forget_exit_code"], &summary["status"]), (&"0".into(), &"success".into()));
        let stats = &summary["stats"];
        assert_eq!((&stats["snapshots_kept"], &stats["snapshots_removed"]), (&1.into(), &1.into()));
        assert_eq!(sandbox.snapshots().len(), 1);
        assert_eq!(sandbox.snapshots()[0]["short_id"], summary["snapshot_id"], "the new one stays");
    }
}

#[test]
fn a_forget_that_does_not_run_says_why_or_nothing() {
    let mut sandbox = Sandbox::with_repository();
    let out = sandbox.run(&["backup"]).ends_with(0).stdout;
    assert!(!out.to_lowercase().contains("forget"), "no policy is nothing to speak of: {out}");

    sandbox.set("RESTIC_FORGET_ARGS", "--keep-last 1").set("FORGET_CRON", "0 3 * * *");
    let out = sandbox.run(&["backup"]).ends_with(0).stdout;
    let line = "⏭ Skipping inline forget: FORGET_CRON is set ('0 3 * * *')";
    assert_in_order(&out, &["✅ Backup Successful", line, "🏁"]);
    assert_eq!((sandbox.snapshots().len(), &sandbox.summary("backup")["status"]), (2, &"success".into()));

    sandbox.unset("FORGET_CRON").set("RESTIC_JOB_ARGS", "/proc/self/mem");
    let out = sandbox.run(&["backup"]).ends_with(3).stdout;
    assert!(!out.contains("🧹"), "an incomplete backup forgets nothing: {out}");
    assert_eq!(sandbox.snapshots().len(), 3);
    assert_eq!(sandbox.summary("backup").get("forget_exit_code"), None);
}

#[test]
fn a_failed_forget_never_changes_the_code_of_the_backup() {
    for mut sandbox in Sandbox::with_each_repository() {
        sandbox.set("RESTIC_FORGET_ARGS", "--keep-nonsense 1");
        sandbox.hook("post-backup.sh", "echo $1 $RUN_STATUS >> $T/notes");
        let out = sandbox.run(&["backup"]).ends_with(0).stdout;
        assert_in_order(
            &out,
            &[
                "✅ Backup Successful",
                "🧹 ",
                "❌ Forget Failed with Status 1",
                "ℹ️ Skipping automatic 'restic unlock'",
                "🏁",
            ],
        );
        let summary = sandbox.summary("backup");
        assert_eq!((&summary["forget_exit_code"], &summary["exit_code"]), (&"1".into(), &0.into()));
        assert_eq!((&summary["status"], &summary["work"]["status"]), (&"warning".into(), &"completed".into()));
        assert!(
            summary["reason"].as_str().is_some_and(|why| why.contains("unknown flag: --keep-nonsense")),
            "{summary}"
        );
        assert!(sandbox.error_log("backup").expect("is kept").contains("unknown flag: --keep-nonsense"));
        assert_eq!(sandbox.notes(), "0 warning\n");
    }
}

#[test]
fn a_forget_that_meets_a_lock_is_skipped_without_an_error_log() {
    for mut sandbox in Sandbox::with_each_repository() {
        sandbox.set("RESTIC_FORGET_ARGS", "--keep-last 1").set("RESTIC_AUTO_UNLOCK", "ON");
        let holder = sandbox.hold_shared_lock();
        let code = Code::Locked.of(sandbox.restic_version() >= (0, 17));
        let out = sandbox.run(&["backup"]).ends_with(0).stdout;
        let line = format!("⏭ Forget skipped: repository was locked by another host (exit {code}).");
        assert_in_order(&out, &["✅ Backup Successful", "🧹 ", &line, "🏁"]);
        assert!(!out.contains("🔓") && !out.contains("Forget Failed"), "{out}");
        assert_in_order(&sandbox.log("backup"), &["🧹 ", "Finished forget at ", &line]);
        let summary = sandbox.summary("backup");
        assert_eq!((&summary["forget_exit_code"], &summary["status"]), (&code.to_string().into(), &"warning".into()));
        assert_eq!(sandbox.error_log("backup"), None);
        assert_eq!(sandbox.repository_locks(), 1, "the lock of the other one");
        holder.kill();
    }
}
