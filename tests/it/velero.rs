//! Hooks that were written for Velero and Ark, through the real binary.

use crate::pages::{assert_same, blocks, put};
use crate::support::Sandbox;
use std::fs;
use std::path::Path;

fn fixture(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/velero").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names, status and exit code of the hooks of the last run, in order.
fn hooks(sandbox: &Sandbox, worker: &str) -> Vec<String> {
    let summary = sandbox.summary(worker);
    let hooks = summary["hooks"].as_array().expect("is a list");
    let word = |value: &serde_json::Value| value.to_string().trim_matches('"').to_owned();
    hooks
        .iter()
        .map(|hook| format!("{} {} {}", word(&hook["name"]), word(&hook["status"]), word(&hook["exit_code"])))
        .collect()
}

#[test]
fn a_command_for_another_container_fails_and_says_so_until_it_may_run_here() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let page = blocks("from-velero.md", &["yaml"]);
    let before = page[0].replace("/tmp/ledger", &sandbox.path("notes").display().to_string());
    put(&sandbox, "ledger.yaml", &before);
    let out = sandbox.run(&["backup"]).ends_with(120).all();
    assert!(out.contains("HOOKS_FOREIGN_EXEC=here"), "{out}");
    assert_eq!(hooks(&sandbox, "backup"), ["ledger-pre failed 126", "ledger-post failed 126"]);
    assert_eq!((sandbox.notes(), sandbox.engine_log()), (String::new(), String::new()));
    sandbox.set("HOOKS_FOREIGN_EXEC", "here").run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "freeze\nthaw\n");
    assert_eq!(hooks(&sandbox, "backup"), ["ledger-pre completed 0", "ledger-post completed 0"]);
}

#[test]
fn the_page_shows_the_same_hooks_before_and_after() {
    let sandbox = Sandbox::new();
    let page = blocks("from-velero.md", &["yaml"]);
    assert_eq!(page.len(), 2, "one before, one after");
    let before = put(&sandbox, "ledger.yaml", &page[0]);
    assert_same(&sandbox, &before, &page[1]);
}

#[test]
fn what_was_frozen_is_thawed_whatever_became_of_a_later_pre_hook() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("HOOKS_FOREIGN_EXEC", "here");
    let notes = sandbox.path("notes");
    let say = |word: &str| format!("exec: {{command: [/bin/sh, -c, 'echo {word} >> {}']}}", notes.display());
    let text = format!(
        "apiVersion: velero.io/v1\nkind: Schedule\nmetadata: {{name: s}}\nspec:\n  template:\n    hooks:\n      resources:\n      \
         - name: db\n        pre:\n        - {}\n        - exec: {{command: [/bin/false]}}\n        - {}\n        post:\n        \
         - {}\n",
        say("freeze"),
        say("MUST NOT RUN"),
        say("thaw")
    );
    put(&sandbox, "s.yaml", &text);
    // on-error is not given: Fail, as it is documented.
    sandbox.run(&["backup"]).ends_with(120);
    assert_eq!(sandbox.notes(), "freeze\nthaw\n");
    assert_eq!(
        hooks(&sandbox, "backup"),
        ["db-pre-1 completed 0", "db-pre-2 failed 1", "db-pre-3 skipped null", "db-post completed 0"]
    );
}

#[test]
fn every_form_is_listed_for_its_worker() {
    for (file, worker, phase, names) in [
        ("deployment.yaml", "backup", "pre", vec!["ledger-pre"]),
        ("deployment.yaml", "restore", "post", vec!["ledger-post"]),
        ("ark-pod.yaml", "backup", "pre", vec!["store-0-pre"]),
        ("backup.yaml", "backup", "post", vec!["quiesce-post", "announce-post"]),
        ("schedule-list.yaml", "backup", "pre", vec!["flush-pre"]),
        ("restore.yaml", "restore", "post", vec!["after-restore-post-1", "after-restore-post-2"]),
        ("ark-backup.yaml", "backup", "pre", vec!["old-style-pre"]),
        ("ark-backup.yaml", "backup", "post", vec!["tidy-post"]),
    ] {
        let sandbox = Sandbox::new();
        put(&sandbox, file, &fixture(file));
        let out = sandbox.run(&["hooks", "list", worker, "--json"]).ends_with(0).stdout;
        let json: serde_json::Value = serde_json::from_str(&out).expect("is JSON");
        let hooks = json[0][phase].as_array().expect("is a list");
        let found: Vec<&str> = hooks.iter().filter_map(|hook| hook["name"].as_str()).collect();
        assert_eq!(found, names, "{file} {worker} {phase}");
    }
}

#[test]
fn the_traps_of_velero_are_said_where_they_would_bite() {
    let sandbox = Sandbox::new();
    let path = put(&sandbox, "deployment.yaml", &fixture("deployment.yaml"));
    let shown = sandbox.run(&["hooks", "show", &path.display().to_string()]).ends_with(0).stdout;
    // Comments are broken into lines.
    let words = shown.replace(['\n', '#'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
    for said in ["what was frozen stayed frozen", "Velero itself went on as with Continue", "nothing is waited for"] {
        assert!(words.contains(said), "'{said}' is not in {shown}");
    }
}
