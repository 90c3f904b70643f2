//! `doctor` and `config-check` through the real binary.

use crate::support::{Finished, Sandbox};
use crate::trees::{assert_same, tree};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::symlink;

/// The workers in the order in which every list of hooks and summaries has them.
pub const WORKERS: [&str; 14] = [
    "backup",
    "check",
    "prune",
    "forget",
    "replicate",
    "restore",
    "snapshot-export",
    "forget-preview",
    "mount-snapshot",
    "unlock",
    "sources-report",
    "init-repo",
    "notify-test",
    "restore-test",
];

/// The variables that are shown, in their order.
pub const VARIABLES: [&str; 38] = [
    "RESTIC_REPOSITORY",
    "RESTIC_REPOSITORY_FILE",
    "RESTIC_PASSWORD_FILE",
    "RESTIC_PASSWORD",
    "RESTIC_TAG",
    "RESTIC_CACHE_DIR",
    "TMPDIR",
    "RESTIC_CHECK_REPOSITORY_STATUS",
    "RESTIC_AUTO_UNLOCK",
    "RESTIC_CACERT",
    "NFS_TARGET",
    "BACKUP_CRON",
    "BACKUP_ROOT_DIR",
    "RESTIC_JOB_ARGS",
    "RESTIC_FORGET_ARGS",
    "RESTIC_INIT_ARGS",
    "CHECK_CRON",
    "RESTIC_CHECK_ARGS",
    "FORGET_CRON",
    "PRUNE_CRON",
    "RESTIC_PRUNE_ARGS",
    "RCLONE_CONFIG",
    "REPLICATE_JOB_FILE",
    "REPLICATE_JOB_ARGS",
    "REPLICATE_CRON",
    "REPLICATE_VERBOSE",
    "REPLICATE_BISYNC_CHECK_ACCESS",
    "HOOK_TIMEOUT",
    "MAILX_RCPT",
    "MAILX_ON_ERROR",
    "WEBHOOK_URL",
    "WEBHOOK_HEADER_AUTH",
    "WEBHOOK_TIMEOUT",
    "WEBHOOK_ON_ERROR",
    "METRICS_DIR",
    "ROTATE_LOG_CRON",
    "CRON_LOG_MAX_SIZE",
    "MAX_CRON_LOG_ARCHIVES",
];

pub const SECTIONS: [&str; 10] = [
    "Runtime",
    "Effective environment",
    "Configuration checks",
    "Repository probe",
    "Replicate",
    "Hooks",
    "Recent JSON summaries",
    "Recent cron log",
    "Open debts",
    "Summary",
];

/// The lines of one section of a report.
pub fn section<'r>(report: &'r str, title: &str) -> Vec<&'r str> {
    let heading = format!("== {title} ==");
    let lines = report.lines().skip_while(|line| *line != heading).skip(1);
    lines.take_while(|line| !line.starts_with("== ")).filter(|line| !line.is_empty()).collect()
}

#[track_caller]
pub fn assert_says(report: &str, title: &str, line: &str) {
    let lines = section(report, title);
    assert!(lines.contains(&line), "'{line}' is not in\n{}", lines.join("\n"));
}

#[track_caller]
pub fn json(out: &Finished) -> Value {
    serde_json::from_str(&out.stdout).unwrap_or_else(|error| panic!("no document: {error}\n{}", out.all()))
}

/// That an object has exactly these keys in this order, and what each holds: `s`tring, `n`umber, `b`ool, `o`bject,
/// `a`rray, or `?` for one that may be null.
#[track_caller]
pub fn assert_shape(object: &Value, keys: &[(&str, char)]) {
    let object = object.as_object().unwrap_or_else(|| panic!("no object: {object}"));
    let found: Vec<&str> = object.keys().map(String::as_str).collect();
    assert_eq!(found, keys.iter().map(|(key, _)| *key).collect::<Vec<_>>());
    for (key, kind) in keys {
        let value = &object[*key];
        let fits = match kind {
            's' => value.is_string(),
            'n' => value.is_i64() || value.is_u64(),
            'b' => value.is_boolean(),
            'o' => value.is_object(),
            'a' => value.is_array(),
            _ => value.is_null() || value.is_i64() || value.is_string() || value.is_object(),
        };
        assert!(fits, "{key} is {value}");
    }
}

/// The checks of a document that are `warn` or `fail`.
pub fn bad(document: &Value) -> Vec<String> {
    let checks = document["checks"].as_array().expect("is a list");
    let bad = checks.iter().filter(|check| check["status"] == "warn" || check["status"] == "fail");
    bad.map(|check| format!("{}: {}", check["status"].as_str().unwrap_or(""), check["message"].as_str().unwrap_or("")))
        .collect()
}

/// A stand-in for restic, and nothing that there is anything to say about.
pub fn in_order() -> Sandbox {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("RESTIC_TAG", "automated");
    sandbox
}

#[test]
fn a_sound_set_up_with_a_real_repository_ends_with_0() {
    let sandbox = Sandbox::with_repository();
    sandbox.hook("pre-backup.sh", "echo MUST NOT RUN >> $T/notes");
    let repository = sandbox.path("repo").display().to_string();
    let before = tree(&sandbox.path(""));
    let out = sandbox.run(&["doctor"]).ends_with(0);
    assert_eq!(out.stderr, "");
    let titles: Vec<&str> =
        out.stdout.lines().filter_map(|line| line.strip_prefix("== ")?.strip_suffix(" ==")).collect();
    assert_eq!(titles, SECTIONS);
    assert_eq!(out.stdout.matches("\n\n== ").count(), SECTIONS.len() - 1, "{}", out.stdout);
    assert_says(&out.stdout, "Runtime", "  hostname:                          test-host");
    assert_says(&out.stdout, "Runtime", "  timezone:                          UTC");
    assert_says(&out.stdout, "Effective environment", "  RESTIC_PASSWORD:                   <set, hidden>");
    assert_says(&out.stdout, "Configuration checks", &format!("[OK] RESTIC_REPOSITORY is set to {repository}"));
    assert_says(&out.stdout, "Repository probe", &format!("[OK] restic cat config succeeded for {repository}"));
    assert_says(&out.stdout, "Summary", "  errors:                            0");
    assert!(out.stdout.ends_with("[OK] Doctor completed without hard errors.\n"), "{}", out.stdout);
    // Looking changes nothing: no file, no lock in the repository, no cache, no hook.
    assert_same(&before, &tree(&sandbox.path("")));

    let document = json(&sandbox.run(&["doctor", "--json"]).ends_with(0));
    assert_eq!((&document["exit_code"], &document["errors"]), (&0.into(), &0.into()));
    assert_eq!(document["repository_probe"]["status"], "ok");
    assert_eq!(document["repository_probe"]["repository"], repository.as_str());
    assert_eq!(document["repository_probe"]["restic_exit_code"], 0);
    assert_same(&before, &tree(&sandbox.path("")));
    sandbox.run(&["config-check"]).ends_with(0);
    assert_same(&before, &tree(&sandbox.path("")));
}

#[test]
fn every_variable_is_shown_in_its_order() {
    let mut sandbox = in_order();
    sandbox.set("WEBHOOK_URL", "https://hooks.example/services/T0/B0/abcdef").set("HOOK_TIMEOUT", "5m");
    let report = sandbox.run(&["doctor", "--no-probe"]).stdout;
    let shown: Vec<(&str, &str)> = section(&report, "Effective environment")
        .into_iter()
        .map(|line| line.strip_prefix("  ").and_then(|line| line.split_once(':')).expect("is a value"))
        .collect();
    assert_eq!(shown.iter().map(|(name, _)| *name).collect::<Vec<_>>(), VARIABLES);
    let value = |name: &str| shown.iter().find(|(known, _)| *known == name).expect("is shown").1.trim();
    assert_eq!((value("WEBHOOK_URL"), value("HOOK_TIMEOUT")), ("https://hooks.example/...", "5m"));
    assert_eq!((value("MAILX_RCPT"), value("REPLICATE_VERBOSE"), value("REPLICATE_CRON")), ("<empty>", "ON", ""));
    let document = json(&sandbox.run(&["doctor", "--no-probe", "--json"]));
    let environment = document["environment"].as_object().expect("is an object");
    for ((name, text), (key, json)) in shown.iter().zip(environment) {
        assert_eq!((*name, text.trim()), (key.as_str(), json.as_str().expect("is text")));
    }
    assert_eq!(environment.len(), VARIABLES.len());
}

#[test]
fn a_wrong_password_fails_with_its_meaning_and_what_restic_said() {
    let mut sandbox = Sandbox::with_repository();
    sandbox.set("RESTIC_PASSWORD", "a-wrong-password");
    let report = sandbox.run(&["doctor"]).ends_with(1).stdout;
    let probe = section(&report, "Repository probe");
    assert!(probe[0].starts_with("[FAIL] Repository probe failed with restic exit 1"), "{report}");
    assert!(probe[0].contains("The password is wrong: correct RESTIC_PASSWORD_FILE, RESTIC_PASSWORD or"), "{report}");
    assert_eq!(probe[1], "[INFO] Probe stderr:");
    assert!(probe[2].starts_with("  ") && probe[2].contains("wrong password"), "{report}");
    assert!(report.ends_with("[FAIL] Doctor found 1 error(s).\n"), "{report}");
    let document = json(&sandbox.run(&["doctor", "--json"]).ends_with(1));
    let probe = &document["repository_probe"];
    assert_eq!((&probe["status"], &probe["meaning"]), (&"fail".into(), &"wrong_password".into()));
    // 12 since restic 0.17, 1 before.
    assert!(matches!(probe["restic_exit_code"].as_i64(), Some(1 | 12)), "{probe}");
    assert!(probe["stderr"].as_str().is_some_and(|said| said.contains("wrong password")), "{probe}");
    assert_eq!((&document["errors"], &document["exit_code"]), (&1.into(), &1.into()));
    // Whoever does not ask does not know.
    let document = json(&sandbox.run(&["doctor", "--no-probe", "--json"]).ends_with(0));
    assert_eq!(document["repository_probe"]["status"], "skipped");
    assert_eq!(document["repository_probe"]["restic_exit_code"], Value::Null);
}

#[test]
fn a_missing_repository_fails_and_is_never_made() {
    let sandbox = Sandbox::new();
    let report = sandbox.run(&["doctor"]).ends_with(1).stdout;
    let probe = section(&report, "Repository probe")[0];
    assert!(probe.contains("The repository is missing or not initialised, and doctor never initialises it"), "{probe}");
    let document = json(&sandbox.run(&["doctor", "--json"]).ends_with(1));
    assert_eq!(document["repository_probe"]["meaning"], "no_repository");
    assert!(!sandbox.path("repo").exists());

    let mut sandbox = in_order();
    sandbox.set("RESTIC_REPOSITORY", "");
    let report = sandbox.run(&["doctor"]).ends_with(1).stdout;
    assert_says(&report, "Repository probe", "[WARN] Repository probe skipped: RESTIC_REPOSITORY is empty");
    assert_says(&report, "Configuration checks", "[FAIL] RESTIC_REPOSITORY is empty.");
    assert_eq!(sandbox.engine_log(), "", "restic was asked about nothing");
}

#[test]
fn the_repository_is_asked_without_a_lock_and_without_a_cache() {
    let sandbox = in_order();
    sandbox.run(&["doctor"]).ends_with(0);
    assert_eq!(sandbox.engine_log(), "cat config --no-lock --no-cache\n");
}

#[test]
fn a_variable_that_is_nearly_ours_is_named_with_the_right_one() {
    let mut sandbox = in_order();
    sandbox.set("HOOKS_TIMEOUT", "5").set("RESTIC_REPOSITRY", "/x").set("SOMETHING_ELSE", "y");
    let report = sandbox.run(&["doctor", "--no-probe"]).ends_with(0).stdout;
    let hint =
        |given: &str, meant: &str| format!("[WARN] {given} is no setting and has no effect: {meant} may be meant");
    assert_says(&report, "Hooks", &hint("HOOKS_TIMEOUT", "HOOK_TIMEOUT"));
    assert_says(&report, "Configuration checks", &hint("RESTIC_REPOSITRY", "RESTIC_REPOSITORY"));
    assert!(!report.contains("SOMETHING_ELSE"), "{report}");
    let out = sandbox.run(&["config-check"]).ends_with(0);
    assert!(out.stderr.contains("[config-check] WARN: HOOKS_TIMEOUT is no setting"), "{}", out.stderr);
}

#[test]
fn words_that_the_reference_would_split_otherwise_are_shown_both_ways() {
    let mut sandbox = in_order();
    sandbox.set("RESTIC_JOB_ARGS", "--exclude \"a b\"").set("RESTIC_CHECK_ARGS", "--read-data-subset 5%");
    let report = sandbox.run(&["doctor", "--no-probe"]).ends_with(0).stdout;
    let warning = "[WARN] RESTIC_JOB_ARGS: is read as [--exclude] [a b]; a plain split at the blanks of its first line \
                   would give [--exclude] [\"a] [b\"]";
    assert_says(&report, "Configuration checks", warning);
    assert!(!report.contains("RESTIC_CHECK_ARGS: is read as"), "{report}");
    // An open quote is a mistake, of which everything that is wrong is told at once.
    sandbox.set("RESTIC_JOB_ARGS", "'open").set("STOP_TIMEOUT", "soon").set("CHECK_CRON", "0 25 * * *");
    let report = sandbox.run(&["doctor", "--no-probe"]).ends_with(1).stdout;
    for variable in ["RESTIC_JOB_ARGS='", "STOP_TIMEOUT='soon'", "CHECK_CRON='0 25 * * *'"] {
        assert!(report.lines().any(|line| line.starts_with(&format!("[FAIL] {variable}"))), "{variable}: {report}");
    }
    assert_says(&report, "Summary", "  errors:                            3");
}

#[test]
fn a_secret_that_is_too_short_is_named_and_never_shown() {
    let mut sandbox = in_order();
    sandbox.set("RESTIC_PASSWORD", "q#7");
    let out = sandbox.run(&["doctor"]).ends_with(0);
    let warning = "[WARN] RESTIC_PASSWORD holds a secret that is too short to be masked where it is printed";
    assert_says(&out.stdout, "Configuration checks", warning);
    assert!(!out.all().contains("q#7"), "{}", out.all());
    assert!(!sandbox.run(&["doctor", "--json"]).all().contains("q#7"));
}

#[test]
fn secrets_with_signs_in_them_are_masked_everywhere() {
    let mut sandbox = in_order();
    sandbox.set("RESTIC_REPOSITORY", "rest:https://me:s3/cr@et@backup.example/x");
    sandbox.set("WEBHOOK_URL", "https://user:p@ss/w0rd@hooks.example/token-in-the-path");
    sandbox.set("RESTIC_JOB_ARGS", "--exclude correct-horse-battery");
    fs::write(sandbox.path("log/cron.log"), "it is correct-horse-battery\n").expect("can be written");
    fs::write(sandbox.path("log/last-backup.json"), "{\"job\": \"correct-horse-battery\"}\n").expect("can be written");
    for words in [&["doctor"][..], &["doctor", "--json"], &["config-check"], &["config-check", "--json"]] {
        let out = sandbox.run(words).all();
        for secret in ["s3/cr@et", "p@ss/w0rd", "token-in-the-path", "correct-horse-battery"] {
            assert!(!out.contains(secret), "{words:?} shows {secret}:\n{out}");
        }
        assert!(out.contains("me:***@backup.example") || !words.contains(&"doctor"), "{words:?}: {out}");
    }
}

#[test]
fn a_missing_bash_or_rclone_and_folders_to_come_are_no_faults() {
    let mut sandbox = in_order();
    let bin = sandbox.path("bin").display().to_string();
    symlink("/bin/sh", sandbox.path("bin/sh")).expect("can be linked");
    let metrics = sandbox.path("metrics").display().to_string();
    let cache = sandbox.path("cache to come").display().to_string();
    sandbox.set("PATH", bin).set("METRICS_DIR", metrics).set("RESTIC_CACHE_DIR", cache);
    let document = json(&sandbox.run(&["doctor", "--json"]).ends_with(0));
    assert_eq!(bad(&document), [""; 0]);
    assert_eq!(document["runtime"]["bash_version"], "unavailable");
    assert!(!sandbox.path("metrics").exists() && !sandbox.path("cache to come").exists());
    // A password command is a password.
    sandbox.unset("RESTIC_PASSWORD").set("RESTIC_PASSWORD_COMMAND", "echo correct-horse");
    sandbox.run(&["doctor"]).ends_with(0);
    sandbox.run(&["config-check"]).ends_with(0);
    sandbox.unset("RESTIC_PASSWORD_COMMAND");
    sandbox.run(&["doctor"]).ends_with(1);
    sandbox.run(&["config-check"]).ends_with(1);
}

#[test]
fn flags_are_taken_in_any_order_and_anything_else_is_refused() {
    let sandbox = in_order();
    for words in [&["doctor", "-j", "--no-probe"][..], &["doctor", "--no-probe", "--json"], &["doctor", "--json", "-j"]]
    {
        let document = json(&sandbox.run(words).ends_with(0));
        assert_eq!(document["schema"], "restic-backup-helper.doctor/1", "{words:?}");
    }
    json(&sandbox.run(&["config-check", "-j"]).ends_with(0));
    for (command, word) in [("doctor", "stray"), ("doctor", "--jsno"), ("config-check", "--no-probe")] {
        let out = sandbox.run(&[command, "--json", word]).ends_with(2);
        assert_eq!(out.stderr, format!("❌ Unknown argument: {word}\nRun boathook {command} --help for usage.\n"));
        assert_eq!(out.stdout, "");
    }
    // By a link of its name, as it is called in a container.
    let link = sandbox.path("bin/doctor");
    symlink(crate::support::BOATHOOK, &link).expect("can be linked");
    json(&sandbox.run_program(&link, &["--json"]).ends_with(0));
    let out = sandbox.run_program(&link, &["stray"]).ends_with(2);
    assert!(out.stderr.ends_with("Run /bin/doctor --help for usage.\n"), "{}", out.stderr);
}

#[test]
fn no_probe_leaves_the_repository_alone() {
    let mut sandbox = in_order();
    sandbox.set("ENGINE_EXIT", "11");
    let report = sandbox.run(&["doctor", "--no-probe"]).ends_with(0).stdout;
    assert_says(&report, "Repository probe", "[INFO] Repository probe skipped: not asked for");
    assert_eq!(sandbox.engine_log(), "");
    let report = sandbox.run(&["doctor"]).ends_with(1).stdout;
    let probe = section(&report, "Repository probe")[0];
    assert!(probe.contains("restic exit 11. The repository is locked by another program: wait until"), "{probe}");
}
