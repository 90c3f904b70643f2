//! What monitoring sees of runs that were killed: `boathook_debts.prom`.

use crate::debts_scene::{frozen, killed};
use crate::support::Sandbox;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

fn value(sandbox: &Sandbox, metric: &str, job: &str) -> Option<i64> {
    let text = fs::read_to_string(sandbox.path("metrics/boathook_debts.prom")).ok()?;
    let begins = format!("{metric}{{hostname=\"test-host\",job=\"{job}\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&begins)?.parse().ok())
}

#[test]
fn debts_are_counted_from_the_next_end_of_anything_until_they_are_paid() {
    let mut sandbox = frozen();
    let run = killed(&sandbox);
    assert_eq!(value(&sandbox, "boathook_open_debts", "backup"), None, "nobody was left to write");
    sandbox.unset("ENGINE_WAITS");
    // Another job knows of it, too.
    sandbox.run(&["check"]).ends_with(0);
    assert_eq!(value(&sandbox, "boathook_open_debts", "backup"), Some(1));
    assert_eq!(value(&sandbox, "boathook_open_debts", "check"), Some(0));
    let started = chrono::NaiveDateTime::parse_from_str(&run[..16], "%Y%m%dT%H%M%SZ").expect("is a time");
    let oldest = value(&sandbox, "boathook_oldest_debt_timestamp_seconds", "backup").expect("is there");
    assert!((oldest - started.and_utc().timestamp()).abs() <= 1, "{oldest} {run}");
    let age = value(&sandbox, "boathook_oldest_debt_age_seconds", "backup").expect("is there");
    assert!((0..600).contains(&age), "{age}");
    // One that fails stays.
    fs::write(sandbox.path("no-thaw"), "").expect("can be written");
    sandbox.run(&["hooks", "recover"]).ends_with(1);
    assert_eq!(value(&sandbox, "boathook_open_debts", "backup"), Some(1));
    fs::remove_file(sandbox.path("no-thaw")).expect("is there");
    sandbox.run(&["hooks", "recover"]).ends_with(0);
    assert_eq!(value(&sandbox, "boathook_open_debts", "backup"), Some(0));
    assert_eq!(value(&sandbox, "boathook_oldest_debt_timestamp_seconds", "backup"), Some(0));
    assert!(value(&sandbox, "boathook_last_recovery_timestamp_seconds", "backup").is_some_and(|time| time > oldest));
    let path = sandbox.path("metrics/boathook_debts.prom");
    assert_eq!(fs::metadata(&path).expect("is there").permissions().mode() & 0o777, 0o644);
    let text = fs::read_to_string(&path).expect("is there");
    for metric in ["open_debts", "oldest_debt_timestamp_seconds", "oldest_debt_age_seconds"] {
        assert!(text.contains(&format!("# TYPE boathook_{metric} gauge\n")), "{text}");
    }
    assert_eq!(fs::read_dir(sandbox.path("metrics")).expect("is there").flatten().filter(is_temporary).count(), 0);
}

fn is_temporary(entry: &fs::DirEntry) -> bool {
    entry.file_name().to_string_lossy().ends_with(".tmp")
}

#[test]
fn what_the_next_run_makes_up_for_is_none_and_what_is_forgotten_neither() {
    let mut sandbox = frozen();
    killed(&sandbox);
    sandbox.unset("ENGINE_WAITS");
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(value(&sandbox, "boathook_open_debts", "backup"), Some(0));
    sandbox.set("ENGINE_WAITS", "sleep 1000");
    let run = killed(&sandbox);
    sandbox.run(&["hooks", "recover", "--forget", &run]).ends_with(0);
    assert_eq!(value(&sandbox, "boathook_open_debts", "backup"), Some(0));
}

#[test]
fn without_a_folder_for_metrics_there_are_none() {
    let mut sandbox = frozen();
    sandbox.unset("METRICS_DIR").unset("ENGINE_WAITS");
    sandbox.run(&["backup"]).ends_with(0);
    assert!(!sandbox.path("metrics").exists());
}
