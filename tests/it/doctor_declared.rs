//! Declared hooks in `doctor` and `config-check`: the same reading as a run's.

use crate::doctor::{assert_says, in_order, json, section};
use crate::support::Sandbox;
use serde_json::Value;
use std::fs;

const GOOD: &str = "hooks:\n  preBackup:\n    - name: ready\n      exec: {command: [\"true\"]}\n  postBackup:\n    - name: told\n      exec: {command: [\"true\"]}\n";
const BAD: &str = "hooks:\n  preBackup:\n    - nmae: ready\n      exec: {command: [\"true\"]}\n";

fn write(sandbox: &Sandbox, text: &str) -> String {
    let path = sandbox.path("hooks/hooks.yaml");
    fs::write(&path, text).expect("can be written");
    path.display().to_string()
}

fn hooks_section(sandbox: &Sandbox, code: i32) -> Vec<String> {
    let report = sandbox.run(&["doctor", "--no-probe"]).ends_with(code).stdout;
    section(&report, "Hooks").into_iter().map(str::to_owned).collect()
}

#[test]
fn a_hooks_file_in_order_is_counted_and_is_no_stranger() {
    let sandbox = in_order();
    write(&sandbox, GOOD);
    let lines = hooks_section(&sandbox, 0);
    assert!(lines.contains(&"[INFO] hooks.yaml: 2 hooks (native)".to_owned()), "{lines:#?}");
    assert!(!lines.iter().any(|line| line.contains("will not run")), "{lines:#?}");
    let document = json(&sandbox.run(&["doctor", "--no-probe", "--json"]));
    assert_eq!(document["hooks"]["files"][0]["hooks"], 2);
    assert_eq!(document["hooks"]["files"][0]["documents"][0], "native");
    assert_eq!(document["hooks"]["strangers"], Value::Array(Vec::new()));
    sandbox.run(&["config-check"]).ends_with(0);
}

#[test]
fn each_mistake_fails_with_its_place_its_mend_and_what_it_costs() {
    let mut sandbox = in_order();
    let path = write(&sandbox, BAD);
    let report = sandbox.run(&["doctor", "--no-probe"]).ends_with(1).stdout;
    let lines = section(&report, "Hooks");
    let found = lines.iter().find(|line| line.contains(":3:7: ")).expect("has its place");
    assert!(found.starts_with(&format!("[FAIL] {path}:3:7: ")) && found.contains("'nmae'"), "{found}");
    assert_says(
        &report,
        "Hooks",
        &format!(
            "[FAIL] {path} has a mistake, so none of its hooks run, and each run of every worker is a warning at best"
        ),
    );
    sandbox.set("HOOK_ON_ERROR", "Fail");
    let report = sandbox.run(&["doctor", "--no-probe"]).ends_with(1).stdout;
    assert!(report.contains("the work of every worker is not done (exit code 120)"), "{report}");
    let document = json(&sandbox.run(&["doctor", "--no-probe", "--json"]));
    let mistake = &document["hooks"]["files"][0]["mistakes"][0];
    assert_eq!((&mistake["line"], &mistake["column"]), (&3.into(), &7.into()));
    // config-check reads the same file, and ends as for any other mistake.
    let checked = sandbox.run(&["config-check"]).ends_with(1);
    assert!(checked.stderr.contains(&format!("[config-check] ERROR: {path}:3:7: ")), "{}", checked.stderr);
    let document = json(&sandbox.run(&["config-check", "--json"]));
    let checks = document["checks"].as_array().expect("is a list");
    assert!(checks.iter().any(|check| check["key"] == "HOOKS_FILE" && check["status"] == "fail"), "{checks:#?}");
}

#[test]
fn a_file_of_no_known_form_is_a_warning() {
    let sandbox = in_order();
    fs::write(sandbox.path("hooks/data.yaml"), "colour: blue\n").expect("can be written");
    let lines = hooks_section(&sandbox, 0);
    let found: Vec<&String> = lines.iter().filter(|line| line.contains("data.yaml")).collect();
    assert_eq!(found.len(), 1, "{lines:#?}");
    assert!(found[0].starts_with("[WARN] ") && found[0].contains("is of no known form"), "{found:?}");
    let document = json(&sandbox.run(&["doctor", "--no-probe", "--json"]));
    assert!(document["hooks"]["unknown_files"][0]["path"].as_str().expect("is text").ends_with("data.yaml"));
}

#[test]
fn what_runs_elsewhere_and_what_trusts_anybody_is_named() {
    let sandbox = in_order();
    let path = write(
        &sandbox,
        "hooks:\n  preBackup:\n    - name: far\n      exec: {container: db, command: [\"true\"]}\n    - name: open\n      httpGet: {scheme: HTTPS, host: db, path: /, insecureSkipTLSVerify: true}\n",
    );
    let lines = hooks_section(&sandbox, 0);
    let line =
        |part: &str| lines.iter().find(|line| line.contains(part)).unwrap_or_else(|| panic!("{part}: {lines:#?}"));
    assert!(line("'far'").starts_with(&format!("[WARN] {path}:3 'far' ")), "{lines:#?}");
    assert!(line("insecureSkipTLSVerify").starts_with("[WARN] "), "{lines:#?}");
    // Where it would cost the work it is a failure.
    write(
        &sandbox,
        "hooks:\n  preBackup:\n    - name: far\n      onError: Fail\n      exec: {container: db, command: [\"true\"]}\n",
    );
    let lines = hooks_section(&sandbox, 1);
    assert!(lines.iter().any(|line| line.starts_with(&format!("[FAIL] {path}:3 'far' "))), "{lines:#?}");
    let document = json(&sandbox.run(&["doctor", "--no-probe", "--json"]));
    assert_eq!(document["hooks"]["cannot_run"][0]["name"], "far");
}

#[test]
fn an_undo_that_failed_in_the_last_run_is_a_failure_that_names_what_may_still_be_there() {
    let sandbox = in_order();
    let summary = r#"{"job": "backup", "exit_code": 0, "status": "warning", "hooks": [
        {"name": "freeze-db", "phase": "pre", "status": "completed"},
        {"name": "undo-freeze-db", "phase": "undo", "status": "timed_out", "reason": "timed out after 300s"},
        {"name": "undo-mount", "phase": "undo", "status": "completed", "reason": ""}]}"#;
    fs::write(sandbox.path("log/last-backup.json"), summary).expect("can be written");
    let lines = hooks_section(&sandbox, 1);
    let found: Vec<&String> = lines.iter().filter(|line| line.contains("may still be there")).collect();
    assert_eq!(
        found,
        [
            "[FAIL] the effect of 'freeze-db' may still be there: 'undo-freeze-db' failed in the last run of backup (timed out \
             after 300s); take it back by hand; `boathook hooks recover` tries it again"
        ]
    );
    let document = json(&sandbox.run(&["doctor", "--no-probe", "--json"]));
    assert_eq!(document["hooks"]["failed_undos"][0]["undo"], "undo-freeze-db");
}

#[test]
fn what_templates_read_is_masked() {
    let mut sandbox = in_order();
    sandbox.set("CHAT_PATH_OF_OURS", "T0P-S3CRET-PATH");
    write(
        &sandbox,
        "hooks:\n  postBackup:\n    - name: T0P-S3CRET-PATH\n      exec: {container: db, command: [echo, '{{ env \"CHAT_PATH_OF_OURS\" }}']}\n",
    );
    for words in [["doctor", "--no-probe"], ["hooks", "check"], ["hooks", "list"]] {
        let said = sandbox.run(&words).all();
        assert!(!said.contains("T0P-S3CRET-PATH") && said.contains("***"), "{words:?}: {said}");
    }
}

#[test]
fn a_native_file_under_another_name_fails_and_a_variable_that_is_not_set_warns() {
    let sandbox = in_order();
    let other = sandbox.path("hooks/hooks.yml");
    fs::write(&other, GOOD).expect("can be written");
    let lines = hooks_section(&sandbox, 1);
    let found = lines.iter().find(|line| line.contains("hooks.yml")).expect("is told");
    assert!(found.starts_with("[FAIL] ") && found.ends_with("rename it to hooks.yaml, or set HOOKS_FILE"), "{found}");
    fs::remove_file(&other).expect("is there");
    write(&sandbox, "hooks:\n  preBackup:\n    - exec: {command: [echo, '{{ env \"CHAT_PATH\" }}']}\n");
    let lines = hooks_section(&sandbox, 0);
    assert!(
        lines.iter().any(|line| line.starts_with("[WARN] ") && line.contains("CHAT_PATH is not set")),
        "{lines:#?}"
    );
}

#[test]
fn a_script_that_cannot_run_fails_where_its_entry_would_cost_the_work() {
    let sandbox = in_order();
    fs::write(sandbox.path("hooks/pre-backup.sh"), "#!/bin/sh\n").expect("can be written");
    write(&sandbox, "hooks:\n  preBackup:\n    - {script: pre-backup.sh, onError: Fail}\n");
    let lines = hooks_section(&sandbox, 1);
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("[FAIL] ") && line.contains("pre-backup.sh exists but is not executable")),
        "{lines:#?}"
    );
}
