//! `cron-list` through the real binary.

use crate::doctor::json;
use crate::support::{Sandbox, assert_in_order};
use crate::trees::{assert_same, tree};
use chrono::{DateTime, Timelike as _, Utc};
use std::fs;

fn sandbox() -> Sandbox {
    let mut sandbox = Sandbox::new();
    let crontab = sandbox.path("crontab").display().to_string();
    sandbox.set("CRONTAB_FILE", crontab).set("BACKUP_CRON", "0 */6 * * *").set("ROTATE_LOG_CRON", "0 0 * * 6");
    sandbox
}

#[test]
fn the_sections_stand_in_order_and_nothing_is_written() {
    let mut sandbox = sandbox();
    sandbox.set("RESTIC_FORGET_ARGS", "--keep-daily 7").set("PATH", "/none");
    let before = tree(&sandbox.path(""));
    let out = sandbox.run(&["cron-list"]).ends_with(0);
    assert_same(&before, &tree(&sandbox.path("")));
    assert_eq!(out.stderr, "");
    let (run, log) = (sandbox.path("run").display().to_string(), sandbox.path("log").display().to_string());
    assert_in_order(
        &out.stdout,
        &[
            "",
            "== Timezone ==",
            "TZ: UTC",
            "Current time: 2",
            "",
            "== Rendered Crontab ==",
            "# Source: environment preview (",
            &format!("0 */6 * * * /bin/locked_run backup {run}/cron.lock /bin/backup >> {log}/cron.log 2>&1"),
            &format!(
                "0 0 * * 6 /bin/locked_run rotate_log {run}/rotate_log.lock /bin/rotate_log >> {log}/cron.log 2>&1"
            ),
            "",
            "== Schedule Summary ==",
            "  backup       0 */6 * * *",
            "    -> every 6 hours at minute 0",
            "    command: /bin/backup",
            "    note: forgets old snapshots afterwards",
            "    next: 2",
            "  check        disabled",
            "  replicate    disabled",
            "  forget       disabled",
            "  prune        disabled",
            "  rotate_log   0 0 * * 6",
            "    -> weekly/daily midnight pattern (0 0 * * 6)",
            "",
            "== Retention Notes ==",
            "Inline forget: ",
        ],
    );
    assert!(out.stdout.contains(" UTC\n"), "{}", out.stdout);
}

#[test]
fn a_rendered_crontab_is_shown_as_it_is_and_a_difference_is_noted() {
    let mut sandbox = sandbox();
    let text = "# by hand\n0 3 * * * /bin/locked_run backup x /bin/backup\n\n5 * * * * something else\n";
    fs::write(sandbox.path("crontab"), text).expect("can be written");
    let out = sandbox.run(&["cron-list"]).ends_with(0).stdout;
    let path = sandbox.path("crontab").display().to_string();
    assert!(out.contains(&format!("\n# Source: {path}\n{text}\n== Schedule Summary ==\n")), "{out}");
    assert!(out.contains("    note: not in force: the scheduler has loaded '0 3 * * *'\n"), "{out}");
    sandbox.set("BACKUP_CRON", "");
    let out = sandbox.run(&["cron-list"]).ends_with(0).stdout;
    assert!(out.contains("  backup       disabled\n    note: not in force: the scheduler has loaded '0 3"), "{out}");
}

#[test]
fn the_next_five_times_are_given_with_zone_and_shift() {
    let mut sandbox = sandbox();
    sandbox.set("TZ", "Europe/Amsterdam").set("SCHEDULE_SPLAY", "1h");
    let document = json(&sandbox.run(&["cron-list", "--json"]).ends_with(0));
    assert_eq!(
        (&document["schema"], &document["command"]),
        (&"restic-backup-helper.cron-list/1".into(), &"cron-list".into())
    );
    assert_eq!(document["timezone"]["zone"], "Europe/Amsterdam");
    let job = &document["jobs"][0];
    let shift = job["shift_seconds"].as_u64().expect("is a number");
    assert!(shift > 0 && shift < 3600, "choose another host: {shift}");
    let times: Vec<DateTime<chrono::FixedOffset>> = job["next"]
        .as_array()
        .expect("is a list")
        .iter()
        .map(|time| DateTime::parse_from_rfc3339(time.as_str().expect("is text")).expect("is RFC 3339"))
        .collect();
    assert_eq!(times.len(), 5);
    assert!(times[0] > Utc::now() && times.is_sorted());
    for time in times {
        assert_eq!((time.hour() % 6, u64::from(time.minute() * 60 + time.second())), (0, shift), "{time}");
    }
    let text = sandbox.run(&["cron-list"]).ends_with(0).stdout;
    assert!(text.contains(" later, on this host (SCHEDULE_SPLAY)\n"), "{text}");
}

#[test]
fn what_is_wrong_stands_in_its_place() {
    let mut sandbox = sandbox();
    sandbox.set("CHECK_CRON", "0 25 * * *").set("PRUNE_CRON", "0 2 30 2 *").set("FORGET_CRON", "@reboot");
    let out = sandbox.run(&["cron-list"]).ends_with(0).stdout;
    assert_in_order(
        &out,
        &[
            "  check        0 25 * * *",
            "    error: CHECK_CRON ",
            "  forget       @reboot",
            "    note: RESTIC_FORGET_ARGS is empty: every run fails",
            "    next: whenever the container starts",
            "  prune        0 2 30 2 *",
            "    error: PRUNE_CRON never comes: month '2' has no day '30': the job never runs by schedule",
            "Standalone forget: FORGET_CRON='@reboot'",
        ],
    );
    sandbox.set("TZ", "Mars/Olympus");
    let out = sandbox.run(&["cron-list"]).ends_with(0).stdout;
    assert!(out.contains("\nerror: TZ='Mars/Olympus' is no time zone: "), "{out}");
    assert!(!out.contains("next: 2"), "{out}");
    sandbox.unset("TZ");
    assert!(sandbox.run(&["cron-list"]).ends_with(0).stdout.contains("\nTZ: <unset>\n"));
}

#[test]
fn the_job_file_that_counts_is_named() {
    let mut sandbox = sandbox();
    sandbox.set("SYNC_CRON", "30 1 * * *").set("SYNC_JOB_FILE", "/config/old-jobs.txt");
    let out = sandbox.run(&["cron-list"]).ends_with(0).stdout;
    assert!(out.contains("  replicate    30 1 * * *\n"), "{out}");
    assert!(out.contains("    note: job file /config/old-jobs.txt\n"), "{out}");
}

#[test]
fn other_words_are_ignored_with_a_note() {
    let sandbox = sandbox();
    let out = sandbox.run(&["cron-list", "all", "--verbose", "--json"]).ends_with(0);
    assert_eq!(json(&out)["command"], "cron-list");
    assert_eq!(out.stderr, "ℹ️ boathook cron-list ignores 'all'\nℹ️ boathook cron-list ignores '--verbose'\n");
    assert!(sandbox.run(&["cron-list", "--help"]).ends_with(0).stdout.contains("next five times"));
}
