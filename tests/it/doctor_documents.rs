//! The JSON documents of `doctor` and `config-check`, and the lines of `config-check`, through the real binary.

use crate::doctor::{SECTIONS, VARIABLES, WORKERS, assert_shape, bad, in_order, json};
use crate::support::Sandbox;
use serde_json::Value;
use std::fs;

#[test]
fn the_document_has_the_keys_and_types_of_the_contract_in_order() {
    let sandbox = Sandbox::with_repository();
    sandbox.hook("pre-backup.sh", "exit 0").hook("pre-bakcup.sh", "exit 0");
    fs::write(sandbox.path("hooks/post-backup.sh"), "#!/bin/sh\n").expect("can be written");
    sandbox.run(&["backup"]).ends_with(0);
    let out = sandbox.run(&["doctor", "--json"]).ends_with(0);
    assert_eq!(out.stderr, "");
    let document = json(&out);
    assert_shape(
        &document,
        &[
            ("schema", 's'),
            ("command", 's'),
            ("release", 's'),
            ("hostname", 's'),
            ("generated_at", 's'),
            ("generated_epoch", 'n'),
            ("warnings", 'n'),
            ("errors", 'n'),
            ("exit_code", 'n'),
            ("runtime", 'o'),
            ("environment", 'o'),
            ("repository_probe", 'o'),
            ("replicate", 'o'),
            ("hooks", 'o'),
            ("recent_json", 'a'),
            ("checks", 'a'),
            ("settings", 'a'),
            ("debts", 'o'),
        ],
    );
    assert_eq!(
        (&document["schema"], &document["command"]),
        (&"restic-backup-helper.doctor/1".into(), &"doctor".into())
    );
    let versions = ["restic_version", "rclone_version", "bash_version"];
    let runtime: Vec<(&str, char)> =
        ["release", "hostname", "date", "timezone"].into_iter().chain(versions).map(|key| (key, 's')).collect();
    assert_shape(&document["runtime"], &runtime);
    assert!(document["runtime"]["restic_version"].as_str().is_some_and(|said| said.starts_with("restic 0.")));
    let probe = ["status", "repository", "restic_exit_code", "timed_out", "meaning", "stderr"];
    assert_shape(
        &document["repository_probe"],
        &std::array::from_fn::<_, 6, _>(|place| (probe[place], b"ssnb?s"[place] as char)),
    );
    let prefixed = VARIABLES.iter().filter(|name| name.starts_with("REPLICATE_")).collect::<Vec<_>>();
    let effective = document["replicate"]["effective"].as_object().expect("is an object");
    for name in prefixed {
        assert!(effective[&format!("effective {name}")].is_string(), "{name}");
    }
    assert_eq!(effective.len(), 5);
    assert_eq!(
        (&document["replicate"]["jobs_count"], &document["replicate"]["malformed_count"]),
        (&0.into(), &0.into())
    );

    let hooks = &document["hooks"];
    let keys = ["hook_timeout", "directory_mounted", "present", "directory", "scripts", "strangers", "warnings"];
    let added = ["files", "unknown_files", "cannot_run", "failed_undos"];
    let keys: Vec<(&str, char)> = keys.into_iter().chain(added).zip("sbasaaaaaaa".chars()).collect();
    assert_shape(hooks, &keys);
    assert_eq!(hooks["present"][0], serde_json::json!({"phase": "pre-backup", "executable": true}));
    assert_eq!(hooks["present"][1], serde_json::json!({"phase": "post-backup", "executable": false}));
    assert_eq!(hooks["present"].as_array().map(Vec::len), Some(2));

    let recent = document["recent_json"].as_array().expect("is a list");
    let paths: Vec<&str> = recent.iter().map(|file| file["path"].as_str().expect("is text")).collect();
    let log = sandbox.path("log").display().to_string();
    assert_eq!(paths, WORKERS.map(|worker| format!("{log}/last-{worker}.json")));
    for file in recent {
        let keys = ["path", "present", "size_bytes", "exit_code", "status", "age_seconds", "problem"];
        assert_shape(file, &std::array::from_fn::<_, 7, _>(|place| (keys[place], b"sbn????"[place] as char)));
    }
    let size = fs::metadata(sandbox.path("log/last-backup.json")).expect("is there").len();
    assert_eq!((&recent[0]["present"], &recent[0]["size_bytes"]), (&true.into(), &size.into()));
    assert_eq!((&recent[0]["exit_code"], &recent[0]["status"]), (&0.into(), &"warning".into()));
    assert_eq!((&recent[1]["present"], &recent[1]["size_bytes"]), (&false.into(), &0.into()));

    let checks = document["checks"].as_array().expect("is a list");
    for check in checks {
        assert_shape(check, &[("section", 's'), ("status", 's'), ("message", 's')]);
        let section = check["section"].as_str().expect("is text");
        assert!(SECTIONS[..6].contains(&section) || section == "Open debts", "{section}");
    }
    let count = |status: &str| checks.iter().filter(|check| check["status"] == status).count();
    assert_eq!((&document["warnings"], &document["errors"]), (&count("warn").into(), &count("fail").into()));
    assert!(count("warn") >= 2, "{checks:?}");
}

#[test]
fn the_document_is_one_whatever_is_wrong() {
    let mut sandbox = in_order();
    sandbox.set("RESTIC_CACERT", "/none/ca.pem").set("RESTIC_JOB_ARGS", "a\u{1}b\nc\"\\").set("HOOK_TIMEOUT", "\t");
    fs::write(sandbox.path("log/last-check.json"), "{\"job\"").expect("can be written");
    let out = sandbox.run(&["doctor", "--json"]).ends_with(1);
    let document = json(&out);
    assert!(bad(&document).contains(&"fail: RESTIC_CACERT: not readable (/none/ca.pem)".to_owned()), "{document:#}");
    assert_eq!(document["environment"]["RESTIC_JOB_ARGS"], "a\u{1}b\nc\"\\");
    let recent = &document["recent_json"][1];
    assert!(recent["problem"].as_str().is_some_and(|why| why.starts_with("is not JSON")), "{recent}");
    assert_eq!((&recent["present"], &recent["exit_code"]), (&true.into(), &Value::Null));
    // The same in config-check.
    let out = sandbox.run(&["config-check", "--json"]).ends_with(1);
    assert!(
        bad(&json(&out)).contains(&"fail: RESTIC_CACERT: not readable (/none/ca.pem)".to_owned()),
        "{}",
        out.stdout
    );
    // Even without a single program.
    sandbox.set("PATH", "/none");
    let document = json(&sandbox.run(&["doctor", "--json"]).ends_with(1));
    assert_eq!(document["repository_probe"]["meaning"], "not_started");
    assert_eq!(document["runtime"]["bash_version"], "unavailable");
}

#[test]
fn config_check_says_ok_or_what_is_wrong_on_standard_error() {
    let mut sandbox = in_order();
    let out = sandbox.run(&["config-check"]).ends_with(0);
    assert_eq!(out.stdout, "[config-check] Validating configuration...\n[config-check] OK.\n");
    assert_eq!(out.stderr, "");
    assert_eq!(sandbox.engine_log(), "", "restic was asked");
    for variable in ["RESTIC_REPOSITORY", "RESTIC_PASSWORD", "RESTIC_TAG", "BACKUP_ROOT_DIR"] {
        sandbox.set(variable, "");
    }
    let out = sandbox.run(&["config-check"]).ends_with(1);
    assert_eq!(out.stdout, "[config-check] Validating configuration...\n");
    let errors: Vec<&str> = out.stderr.lines().collect();
    assert_eq!(errors.len(), 4, "{}", out.stderr);
    for (line, variable) in errors.iter().zip(["RESTIC_REPOSITORY", "RESTIC_PASSWORD", "RESTIC_TAG", "BACKUP_ROOT_DIR"])
    {
        assert!(line.starts_with("[config-check] ERROR: ") && line.contains(variable), "{line}");
    }
    // A count is a count, an exit code is 0 or 1.
    let document = json(&sandbox.run(&["config-check", "--json"]).ends_with(1));
    assert_eq!((&document["errors"], &document["exit_code"]), (&4.into(), &1.into()));
}

#[test]
fn config_checks_document_has_its_keys_and_types_in_order() {
    let mut sandbox = in_order();
    let file = sandbox.path("config/repository");
    fs::write(&file, "# the repository\n  rest:https://me:hidden-word@backup.example/x  \n").expect("can be written");
    sandbox.set("RESTIC_REPOSITORY_FILE", file.display().to_string()).set("RESTIC_REPOSITORY", "");
    let out = sandbox.run(&["config-check", "--json"]).ends_with(0);
    assert_eq!(out.stderr, "");
    let document = json(&out);
    assert_shape(
        &document,
        &[
            ("schema", 's'),
            ("command", 's'),
            ("release", 's'),
            ("hostname", 's'),
            ("generated_at", 's'),
            ("generated_epoch", 'n'),
            ("warnings", 'n'),
            ("errors", 'n'),
            ("exit_code", 'n'),
            ("checks", 'a'),
            ("settings", 'a'),
        ],
    );
    assert_eq!(document["schema"], "restic-backup-helper.config-check/1");
    assert_eq!(document["command"], "config-check");
    let checks = document["checks"].as_array().expect("is a list");
    for check in checks {
        assert_shape(check, &[("key", 's'), ("status", 's'), ("message", 's')]);
    }
    let keys: Vec<&str> = checks.iter().map(|check| check["key"].as_str().expect("is text")).collect();
    assert_eq!(keys, ["RESTIC_REPOSITORY", "RESTIC_PASSWORD", "RESTIC_TAG", "BACKUP_PATHS"]);
    assert_eq!(checks[0]["message"], "RESTIC_REPOSITORY is set to rest:https://me:***@backup.example/x.");
    // A file without a repository replaces that row.
    fs::write(&file, "# nothing\n").expect("can be written");
    let document = json(&sandbox.run(&["config-check", "--json"]).ends_with(1));
    assert_eq!(document["checks"][0]["key"], "RESTIC_REPOSITORY_FILE");
    assert_eq!(document["checks"][0]["status"], "fail");
}
