//! What `status` says of runs that were killed.

use crate::debts_scene::{MADE_UP, frozen, killed};
use crate::support::Sandbox;
use serde_json::Value;
use std::fs;

fn status(sandbox: &Sandbox) -> Value {
    let finished = sandbox.run(&["status", "--json"]);
    serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {}", finished.all()))
}

#[test]
fn an_open_debt_is_a_failure_and_its_recovery_is_listed_as_a_run() {
    let mut sandbox = frozen();
    sandbox.set("BACKUP_CRON", "");
    let quiet = sandbox.run(&["status"]).ends_with(0).stdout;
    assert!(!quiet.contains("Open Debts") && !quiet.contains("Recoveries"), "{quiet}");
    let run = killed(&sandbox);
    let text = sandbox.run(&["status"]).ends_with(1).stdout;
    for part in [
        "restic-backup-helper status: FAIL\n",
        "\n== Open Debts ==\n  1 dead run(s) owe something, the oldest 0m old\n",
        &format!("  {run}\n    the undo of 'freeze' (undo-freeze); "),
        "; the summary; the post hook 'tell'; the notification\n",
        "  [FAIL] backup: a run owes something still\n",
        &format!("`boathook hooks recover --forget {run}`"),
    ] {
        assert!(text.contains(part), "{part:?} is missing in\n{text}");
    }
    let document = status(&sandbox);
    assert_eq!((&document["exit_code"], &document["open_debts_count"]), (&1.into(), &1.into()));
    assert!(document["oldest_debt_age_seconds"].as_i64().is_some_and(|age| (0..600).contains(&age)), "{document}");
    let debt = &document["open_debts"][0];
    assert_eq!((&debt["run_id"], &debt["job"]), (&run.as_str().into(), &"backup".into()));
    // Beside those four the run's place in the repository's queue.
    assert_eq!(debt["owed"].as_array().map(Vec::len), Some(5), "{debt}");
    sandbox.run(&["hooks", "recover"]).ends_with(0);
    assert_eq!(sandbox.notes(), MADE_UP);
    let document = status(&sandbox);
    assert_eq!((&document["open_debts_count"], &document["open_debts"]), (&0.into(), &Value::Array(Vec::new())));
    assert_eq!(document["oldest_debt_age_seconds"], Value::Null);
    let recovery = &document["recoveries"][0];
    let about = ["trigger", "parent", "job", "status", "run_status"].map(|key| recovery[key].as_str().unwrap_or("-"));
    assert_eq!(about, ["recovery", run.as_str(), "backup", "success", "interrupted"]);
    assert_ne!(recovery["run_id"], run.as_str());
    assert_eq!(recovery["undos"], serde_json::json!([{"name": "undo-freeze", "status": "completed"}]));
    let text = sandbox.run(&["status"]).stdout;
    assert!(text.contains("\n== Recoveries ==\n") && text.contains(&format!("backup of {run}\n")), "{text}");
}

#[test]
fn what_is_forgotten_is_no_debt_any_more() {
    let mut sandbox = frozen();
    sandbox.set("BACKUP_CRON", "");
    let run = killed(&sandbox);
    fs::write(sandbox.path("no-thaw"), "").expect("can be written");
    sandbox.run(&["hooks", "recover"]).ends_with(1);
    let document = status(&sandbox);
    assert_eq!(
        document["open_debts"][0]["owed"],
        serde_json::json!(["the undo of 'freeze' (undo-freeze), which failed"])
    );
    assert_eq!(document["recoveries"][0]["status"], "failure");
    sandbox.run(&["hooks", "recover", "--forget", &run]).ends_with(0);
    assert_eq!(status(&sandbox)["open_debts_count"], 0);
}

#[test]
fn a_journal_folder_that_cannot_be_read_is_a_failure() {
    let mut sandbox = frozen();
    sandbox.set("BACKUP_CRON", "");
    fs::write(sandbox.path("state/journal"), "").expect("can be written");
    let text = sandbox.run(&["status"]).ends_with(1).stdout;
    assert!(text.contains("[FAIL] what dead runs owe is not known"), "{text}");
    let document = status(&sandbox);
    assert_eq!((&document["open_debts_count"], &document["open_debts"]), (&Value::Null, &Value::Array(Vec::new())));
}
