//! Settings through the real binary: every mistake at once, and what each of them costs.

use crate::support::{BOATHOOK, Sandbox};
use serde_json::{Value, json};
use std::fs;

/// A bad value for a setting that no backup needs, and the line that says so.
const BESIDE_THE_WORK: [(&str, &str, &str); 9] = [
    (
        "HOOK_TIMEOUT",
        "soon",
        "❌ HOOK_TIMEOUT='soon' is not a duration; hooks run without a limit: write whole seconds, or a time such as 90s, \
         5m, 1h30m or 2d.",
    ),
    (
        "HOOK_KILL_AFTER",
        "-1",
        "❌ HOOK_KILL_AFTER='-1' is not a duration; using 10s: write whole seconds, or a time such as 90s, 5m, 1h30m or 2d.",
    ),
    ("HOOK_ON_ERROR", "Stop", "❌ HOOK_ON_ERROR='Stop' is not known; using Continue: write one of Continue, Fail."),
    (
        "HOOK_SKIP_ON",
        "75,x",
        "❌ HOOK_SKIP_ON='75,x' is not a list of exit codes; no script calls a run off: write numbers from 1 to 255 with \
         commas between them.",
    ),
    (
        "SMTP_URL",
        "mail.example:hunter22",
        "❌ SMTP_URL='***' is not the URL of a mail server; no mail is sent: write smtp://host:port or \
         smtps://user:password@host:port.",
    ),
    ("STOP_TIMEOUT", "1s", "❌ STOP_TIMEOUT='1s' is less than 4s; using 9s: write a longer time."),
    (
        "NOTIFY_AFTER",
        "never",
        "❌ NOTIFY_AFTER='never' is not a duration; using 300s: write whole seconds, or a time such as 90s, 5m, 1h30m or 2d.",
    ),
    (
        "RESTIC_CHECK_ARGS",
        "\"a b",
        "❌ RESTIC_CHECK_ARGS='\"a b' has an opening \" at character 1 that is never closed: close each quote or write a \
         backslash before it, and write in UTF-8.",
    ),
    (
        "RUN_TRIGGER",
        "cron",
        "❌ RUN_TRIGGER='cron' is not known; using manual: write one of schedule, manual, api, recovery.",
    ),
];

/// A bad value that has a fallback, and the line that says so.
const WITH_A_FALLBACK: [(&str, &str, &str); 5] = [
    ("LOG_VERBOSE", "loud", "⚠️ LOG_VERBOSE='loud' is not a switch; using ON: write ON or OFF."),
    ("RESTIC_AUTO_UNLOCK", "maybe", "⚠️ RESTIC_AUTO_UNLOCK='maybe' is not a switch; using OFF: write ON or OFF."),
    ("WEBHOOK_TIMEOUT", "10s", "⚠️ WEBHOOK_TIMEOUT='10s' is not a positive integer; using 10s."),
    (
        "RESTIC_CACERT",
        "/no/such/ca.pem",
        "⚠️ RESTIC_CACERT is set but file is not readable: /no/such/ca.pem; --cacert flag not added.",
    ),
    (
        "RUN_DIR",
        "RELATIVE",
        "⚠️ RUN_DIR='RELATIVE' is not an absolute path; using /RELATIVE: write the path from the root.",
    ),
];

/// The folder of the sandbox's runs as a path that is not absolute.
fn relative(sandbox: &Sandbox, text: &str) -> String {
    let path = sandbox.path("run").display().to_string();
    text.replace("RELATIVE", path.trim_start_matches('/'))
}

#[test]
fn every_mistake_is_said_at_once_and_none_of_them_costs_the_backup() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("post-backup.sh", "echo post $1 $RUN_STATUS >> $T/notes");
    let lines: Vec<String> = BESIDE_THE_WORK
        .iter()
        .chain(&WITH_A_FALLBACK)
        .map(|(variable, value, line)| {
            let value = relative(&sandbox, value);
            sandbox.set(variable, value);
            relative(&sandbox, line)
        })
        .collect();
    let out = sandbox.run(&["backup"]).ends_with(0).stdout;
    let log = sandbox.log("backup");
    for line in &lines {
        assert_eq!(out.lines().filter(|have| have == line).count(), 1, "{line} in\n{out}");
        assert!(log.lines().any(|have| have == line), "{line} in\n{log}");
    }
    // Before anything else is done.
    let (before, _) = out.split_once("🚀 Running hook").or(out.split_once("🔄 Starting")).expect("it began");
    assert!(lines.iter().all(|line| before.contains(line.as_str())), "{before}");
    assert_eq!(sandbox.notes(), "post 0 warning\n");
    let summary = sandbox.summary("backup");
    assert_eq!((&summary["status"], &summary["work"]["status"]), (&"warning".into(), &"completed".into()));
    assert!(sandbox.engine_log().contains("backup --json"));
    assert!(!format!("{out}{log}{summary}").contains("hunter22"));
}

#[test]
fn each_mistake_costs_what_its_setting_is_worth() {
    for (table, status) in [(&BESIDE_THE_WORK[..], "warning"), (&WITH_A_FALLBACK[..], "success")] {
        for (variable, value, line) in table {
            let mut sandbox = Sandbox::with_stand_in_engine();
            let value = relative(&sandbox, value);
            let out = sandbox.set(variable, value).run(&["backup"]).ends_with(0).stdout;
            assert!(out.lines().any(|have| have == relative(&sandbox, line)), "{out}");
            let summary = sandbox.summary("backup");
            assert_eq!(summary["status"], status, "{variable}: {summary}");
            let reason = summary["reason"].as_str().expect("is text");
            assert_eq!(reason.starts_with(variable), status == "warning", "{variable}: {reason}");
        }
    }
}

#[test]
fn doctor_and_config_check_report_the_same_mistakes_together() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    for (variable, value, _) in BESIDE_THE_WORK.iter().chain(&WITH_A_FALLBACK) {
        let value = relative(&sandbox, value);
        sandbox.set(variable, value);
    }
    sandbox.set("RESTIC_TAG", "").set("RESTIC_JOB_ARGS", "--exclude 'open").set("RESTIC_FORGETARGS", "--keep-last 3");
    let text = sandbox.run(&["config-check"]).ends_with(1);
    let document: Value =
        serde_json::from_str(&sandbox.run(&["config-check", "--json"]).ends_with(1).stdout).expect("is JSON");
    let doctor = sandbox.run(&["doctor", "--no-probe"]).ends_with(1).stdout;
    let checks = document["checks"].as_array().expect("is a list");
    let names = |table: &[(&'static str, &str, &str)]| table.iter().map(|(name, _, _)| *name).collect::<Vec<_>>();
    let failing = [names(&BESIDE_THE_WORK), vec!["RESTIC_TAG", "RESTIC_JOB_ARGS"]].concat();
    // An unreadable bundle is an error for `config-check` by its contract.
    let warned: Vec<_> = names(&WITH_A_FALLBACK).into_iter().filter(|name| *name != "RESTIC_CACERT").collect();
    for (wanted, word, mark) in
        [(failing, "fail", "ERROR"), ([warned, vec!["RESTIC_FORGETARGS"]].concat(), "warn", "WARN")]
    {
        for variable in wanted {
            let found: Vec<_> =
                checks.iter().filter(|check| check["key"] == variable && check["status"] == word).collect();
            assert_eq!(found.len(), 1, "{variable}: {document:#}");
            let message = found[0]["message"].as_str().expect("is text");
            assert!(message.starts_with(variable), "{message}");
            assert!(
                text.stderr.contains(&format!("[config-check] {mark}: {message}\n")),
                "{message} in\n{}",
                text.stderr
            );
            let line = format!("[{}] {}", word.to_uppercase(), message.trim_end_matches('.'));
            assert!(doctor.contains(&line), "{line} in\n{doctor}");
        }
    }
    assert_eq!(document["exit_code"], 1);
    assert!(!format!("{}{document}{doctor}", text.all()).contains("hunter22"));
}

#[test]
fn only_what_the_work_needs_ends_it_with_2() {
    let unreadable = "/no/such/file";
    for (variable, value, problem) in [
        ("RESTIC_REPOSITORY", "", "RESTIC_REPOSITORY='' is empty: "),
        ("RESTIC_REPOSITORY_FILE", unreadable, "RESTIC_REPOSITORY_FILE='/no/such/file' is not readable "),
        ("RESTIC_PASSWORD", "", "RESTIC_PASSWORD='' is empty, and neither RESTIC_PASSWORD_FILE nor "),
        ("RESTIC_TAG", "", "RESTIC_TAG is unset or empty"),
        ("RESTIC_JOB_ARGS", "it's", "RESTIC_JOB_ARGS='it's' has an opening ' at character 3 that is never closed: "),
    ] {
        let mut sandbox = Sandbox::with_stand_in_engine();
        sandbox.hook("pre-backup.sh", "echo pre >> $T/notes");
        sandbox.hook("post-backup.sh", "echo post-backup $1 $RUN_STATUS $RUN_ERROR >> $T/notes");
        let out = sandbox.set(variable, value).run(&["backup"]).ends_with(2).stdout;
        assert!(out.lines().any(|line| line.starts_with(&format!("❌ {problem}"))), "{out}");
        assert!(sandbox.notes().starts_with(&format!("pre\npost-backup 2 failure {problem}")), "{}", sandbox.notes());
        assert_eq!(sandbox.engine_log(), "", "{variable}");
        let summary = sandbox.summary("backup");
        assert_eq!((&summary["exit_code"], &summary["status"]), (&2.into(), &"failure".into()));
        assert!(summary["reason"].as_str().is_some_and(|why| why.starts_with(problem)), "{summary}");
    }
}

#[test]
fn all_that_stops_the_work_is_said_together() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("RESTIC_TAG", "").set("RESTIC_JOB_ARGS", "'").set("RESTIC_REPOSITORY", "").set("RESTIC_PASSWORD", "");
    let out = sandbox.run(&["backup"]).ends_with(2).stdout;
    let reason = sandbox.summary("backup")["reason"].as_str().expect("is text").to_owned();
    for variable in ["RESTIC_TAG", "RESTIC_JOB_ARGS", "RESTIC_REPOSITORY", "RESTIC_PASSWORD"] {
        let lines = out.lines().filter(|line| line.starts_with(&format!("❌ {variable}"))).count();
        assert_eq!(lines, 1, "{variable}: {out}");
        assert!(reason.contains(variable), "{variable}: {reason}");
    }
}

#[test]
fn a_switch_is_read_in_every_spelling_and_case() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("ENGINE_EXIT", "1");
    let cases = |word: &str| {
        [word.to_uppercase(), word.to_lowercase(), format!(" {}{} ", &word[..1], word[1..].to_lowercase())]
    };
    for (words, on) in [(["ON", "TRUE", "YES", "1"], true), (["OFF", "FALSE", "NO", "0"], false)] {
        for word in words.iter().flat_map(|word| cases(word)) {
            let _ = fs::remove_file(sandbox.path("engine.log"));
            sandbox.set("RESTIC_AUTO_UNLOCK", word.clone()).set("LOG_VERBOSE", word.clone());
            let out = sandbox.run(&["check"]).ends_with(1).stdout;
            // The locks are looked at first; where that fails, too, they are left alone.
            let calls = if on { "check\nlist locks --no-lock --no-cache\n" } else { "check\n" };
            assert_eq!(sandbox.engine_log(), calls, "{word:?}");
            assert_eq!(out.contains("🔍 Starting Check"), on, "{word:?}: {out}");
            assert!(out.contains("❌ Check Failed with Status 1\n"), "errors are always shown: {out}");
            assert!(!out.contains("is not a switch"), "{out}");
            assert!(sandbox.log("check").contains("🔍 Starting Check"), "the log stays complete");
        }
    }
}

#[test]
fn a_deprecated_name_takes_effect_with_a_warning() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let jobs = sandbox.path("config/jobs.txt").display().to_string();
    for (old, value) in [
        ("SYNC_CRON", "0 1 * * *"),
        ("SYNC_JOB_FILE", jobs.as_str()),
        ("SYNC_JOB_ARGS", "--fast-list"),
        ("SYNC_VERBOSE", "OFF"),
        ("SYNC_BISYNC_CHECK_ACCESS", "ON"),
    ] {
        let new = old.replace("SYNC", "REPLICATE").replacen("REPLICATE_BIREPLICATE", "REPLICATE_BISYNC", 1);
        let document: Value =
            serde_json::from_str(&sandbox.set(old, value).run(&["doctor", "--json", "--no-probe"]).stdout)
                .expect("is JSON");
        let message = format!("{old} is deprecated; effective {new} comes from {old}.");
        let warned = |document: &Value| {
            document["checks"].as_array().expect("is a list").iter().any(|check| {
                check["message"] == message
                    && check["status"].as_str().is_some_and(|word| word.eq_ignore_ascii_case("warn"))
            })
        };
        assert!(warned(&document), "{message} in {:#}", document["checks"]);
        assert_eq!(
            document["replicate"]["effective"][format!("effective {new}")],
            value,
            "{:#}",
            document["replicate"]
        );
        // A value of its own that is not the image's default wins.
        let own = if new.ends_with("CRON") { "0 2 * * *" } else { "/other" };
        let document: Value =
            serde_json::from_str(&sandbox.set(&new, own).run(&["doctor", "--json", "--no-probe"]).stdout)
                .expect("is JSON");
        assert!(!warned(&document), "{message}");
        sandbox.unset(old).unset(&new);
    }
}

#[test]
fn the_repository_file_wins_and_children_see_one_of_the_two() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let file = sandbox.path("config/repository");
    fs::write(&file, "# the real one\n\n  rest:http://alice:s3cretpw@repo.example/r \r\n").expect("can be written");
    sandbox.set("RESTIC_REPOSITORY_FILE", file.display().to_string());
    sandbox.hook("pre-backup.sh", "[ \"$RESTIC_REPOSITORY\" = rest:http://alice:s3cretpw@repo.example/r ] && echo seen; echo ${RESTIC_REPOSITORY_FILE-unset}");
    let out = sandbox.run(&["backup"]).ends_with(0).stdout;
    assert!(out.contains("[pre-backup] seen\n[pre-backup] unset\n"), "{out}");
    let warning =
        format!("⚠️ RESTIC_REPOSITORY='{}' is not used: RESTIC_REPOSITORY_FILE wins: ", sandbox.path("repo").display());
    assert!(out.lines().any(|line| line.starts_with(&warning)), "{out}");
    let summary = sandbox.summary("backup");
    assert_eq!(
        (&summary["repository"], &summary["status"]),
        (&"rest:http://alice:***@repo.example/r".into(), &"success".into())
    );
}

#[test]
fn the_trigger_and_the_parent_of_a_run_are_the_callers() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let told = "echo $HOOK_WORKER $RUN_TRIGGER parent=${RUN_PARENT_ID-none} >> $T/notes";
    sandbox.hook("pre-check.sh", &format!("{told}; {BOATHOOK} prune > /dev/null; echo $RUN_ID > $T/check.id"));
    sandbox.hook(
        "pre-prune.sh",
        &format!("{told}; [ \"$RUN_PARENT_ID\" != \"$RUN_ID\" ] && echo $RUN_PARENT_ID > $T/parent.id"),
    );
    sandbox.set("RUN_TRIGGER", "schedule").run(&["check"]).ends_with(0);
    let read = |part: &str| fs::read_to_string(sandbox.path(part)).expect("is noted");
    let check = read("check.id");
    assert_eq!(read("parent.id"), check);
    assert_eq!(sandbox.notes(), format!("check schedule parent=none\nprune manual parent={}\n", check.trim()));
    let triggers = ["check", "prune"].map(|job| sandbox.summary(job)["trigger"].clone());
    assert_eq!(triggers, [json!("schedule"), json!("manual")]);
    assert_eq!(sandbox.summary("check")["run_id"], check.trim());

    sandbox.unset("RUN_TRIGGER").set("RUN_PARENT_ID", "somebody-else").run(&["prune"]).ends_with(0);
    assert!(sandbox.notes().ends_with("prune manual parent=somebody-else\n"), "{}", sandbox.notes());
}

#[test]
fn json_lines_for_machines_name_the_run_and_the_hook() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("LOG_FORMAT", "json").set("HOOK_TIMEOUT", "soon");
    sandbox.hook("pre-backup.sh", "echo 'said \"so\"'");
    let out = sandbox.run(&["backup"]).ends_with(0).stdout;
    let lines: Vec<Value> =
        out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    let said = lines.iter().find(|line| line["message"] == "said \"so\"").expect("is there");
    assert_eq!((&said["hook"], &said["level"]), (&"pre-backup".into(), &"info".into()));
    assert_eq!(said["run_id"], sandbox.summary("backup")["run_id"]);
    let wrong = lines
        .iter()
        .find(|line| line["message"].as_str().is_some_and(|text| text.contains("HOOK_TIMEOUT")))
        .expect("is there");
    assert_eq!(wrong["level"], "error");
    assert!(sandbox.log("backup").contains("[pre-backup] said \"so\"\n"), "the log stays text");
}
