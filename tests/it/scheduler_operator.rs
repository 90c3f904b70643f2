//! The schedules of the operator commands: they are kept as those of the other workers are.

use crate::doctor::json;
use crate::init_stand_in::Init;
use crate::support::{Sandbox, wait_for};
use serde_json::Value;
use std::fs;

/// Each variable with its worker, in the order of the crontab. A mount and a new repository are for people alone.
const OPERATOR: [(&str, &str); 7] = [
    ("RESTORE_CRON", "restore"),
    ("SNAPSHOT_EXPORT_CRON", "snapshot-export"),
    ("FORGET_PREVIEW_CRON", "forget-preview"),
    ("UNLOCK_CRON", "unlock"),
    ("SOURCES_REPORT_CRON", "sources-report"),
    ("NOTIFY_TEST_CRON", "notify-test"),
    ("RESTORE_TEST_CRON", "restore-test"),
];

/// Nothing is due before New Year.
fn quiet() -> Sandbox {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let crontab = sandbox.path("crontab").display().to_string();
    sandbox.set("CRONTAB_FILE", crontab).set("BACKUP_CRON", "0 0 1 1 *").set("ROTATE_LOG_CRON", "");
    sandbox.set("RESTIC_CHECK_REPOSITORY_STATUS", "OFF");
    sandbox
}

/// Every one of them is in the boot's lines, the crontab, `cron-list`, `status` and `doctor`, without a complaint.
#[test]
fn every_operator_command_that_needs_nobody_can_be_scheduled() {
    let mut sandbox = quiet();
    for (number, (variable, _)) in OPERATOR.iter().enumerate() {
        sandbox.set(variable, format!("{number} 1 1 1 *"));
    }
    let init = Init::new(&sandbox);
    let scheduler = init.boot(&sandbox);
    // It is ready before all that it has said has come here.
    scheduler.expect("✅ Container started successfully.\n");
    let said = scheduler.said();
    let crontab = fs::read_to_string(sandbox.path("crontab")).expect("is written");
    let document = json(&sandbox.run(&["status", "--json"]).ends_with(0));
    let listed = sandbox.run(&["cron-list"]).ends_with(0).stdout;
    let doctor = json(&sandbox.run(&["doctor", "--json"]));
    let rows = document["schedules"].as_array().expect("is a list");
    for (number, (variable, job)) in OPERATOR.iter().enumerate() {
        let expression = format!("{number} 1 1 1 *");
        let line = format!("⏰ Setting up {job} cron job with expression: {expression}");
        assert!(said.lines().any(|found| found == line), "{line}\n{said}");
        let lock = sandbox.path(format!("run/{job}.lock")).display().to_string();
        let line = format!("{expression} /bin/locked_run {job} {lock} /bin/{job} >> ");
        assert!(crontab.lines().nth(number + 1).is_some_and(|found| found.starts_with(&line)), "{line}\n{crontab}");
        assert!(listed.contains(&line) && listed.contains(&format!("    command: /bin/{job}\n")), "{listed}");
        let row = &rows[6 + number];
        assert_eq!((&row["job"], &row["variable"]), (&(*job).into(), &(*variable).into()));
        assert_eq!((&row["enabled"], &row["loaded"], &row["next_at"].is_string()), (&true.into(), &true.into(), &true));
        let row = &document["jobs"][5 + number];
        assert_eq!((&row["job"], &row["status"], &row["core"]), (&(*job).into(), &"missing".into(), &false.into()));
        let detail = row["detail"].as_str().expect("is text");
        assert!(detail.starts_with("waiting for the first run at 2"), "{detail}");
        let complaint = |check: &&Value| {
            matches!(check["status"].as_str(), Some("warn" | "fail")) && check["message"].to_string().contains(variable)
        };
        let complaints: Vec<&Value> =
            doctor["checks"].as_array().expect("is a list").iter().filter(complaint).collect();
        assert!(complaints.is_empty(), "{complaints:?}");
    }
    assert!(!said.contains('❌') && !said.contains('⚠'), "{said}");
    assert_eq!(document["findings"], Value::Array(Vec::new()), "{document:#}");
    scheduler.finish();
}

/// Its time comes, and it runs as a run of the schedule, under its lock, into `cron.log`.
#[test]
fn a_scheduled_operator_command_runs_at_its_time() {
    let mut sandbox = quiet();
    sandbox.set("SOURCES_REPORT_CRON", "@reboot").hook("pre-sources-report.sh", "echo $RUN_TRIGGER >> $T/notes");
    let init = Init::new(&sandbox);
    let scheduler = init.boot(&sandbox);
    let log = || fs::read_to_string(sandbox.path("log/cron.log")).unwrap_or_default();
    wait_for("the end of the run", || log().lines().any(|line| line.starts_with("📋 Run ")).then_some(()));
    let summary = sandbox.summary("sources-report");
    assert_eq!((&summary["job"], &summary["trigger"]), (&"sources-report".into(), &"schedule".into()));
    assert_eq!(sandbox.notes(), "schedule\n");
    let settled = || (!sandbox.is_locked("sources-report.lock")).then_some(());
    wait_for("the lock to be free", settled);
    scheduler.finish();
}

/// What nobody could answer has no schedule, and a variable that would give it one is none.
#[test]
fn a_mount_and_a_new_repository_have_no_schedule() {
    let mut sandbox = quiet();
    sandbox.set("MOUNT_SNAPSHOT_CRON", "0 1 1 1 *").set("INIT_REPO_CRON", "0 1 1 1 *");
    let listed = sandbox.run(&["cron-list"]).ends_with(0).stdout;
    assert!(!listed.contains("mount-snapshot") && !listed.contains("init-repo"), "{listed}");
}
