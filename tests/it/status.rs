//! `status` through the real binary: real runs, and what lies there when it is asked.

use crate::doctor::{WORKERS, json};
use crate::support::{BOATHOOK, Finished, Sandbox};
use crate::trees::{assert_same, tree};
use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::Value;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::time::SystemTime;

/// A container with a schedule that has been in force for long.
fn scheduled(variables: &[(&str, &str)]) -> Sandbox {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let crontab = sandbox.path("crontab");
    sandbox.set("CRONTAB_FILE", crontab.display().to_string()).set("ROTATE_LOG_CRON", "");
    for (variable, expression) in variables {
        sandbox.set(variable, *expression);
    }
    let listed = sandbox.run(&["cron-list", "--json"]).ends_with(0);
    let lines = json(&listed)["crontab"]["lines"].as_array().expect("is a list").clone();
    let lines: Vec<&str> = lines.iter().map(|line| line.as_str().expect("is text")).collect();
    fs::write(&crontab, format!("{}\n", lines.join("\n"))).expect("can be written");
    let long_ago = SystemTime::now() - std::time::Duration::from_secs(400 * 86_400);
    File::options().append(true).open(&crontab).and_then(|file| file.set_modified(long_ago)).expect("is ours");
    fs::create_dir_all(sandbox.path("run/runs")).expect("can be made");
    sandbox
}

/// Writes the summary of a run that ended well so long ago.
fn ended_well(sandbox: &Sandbox, job: &str, ago: TimeDelta) {
    let time = (Utc::now() - ago).format("%Y-%m-%dT%H:%M:%S+0000");
    let text = format!(
        "{{\n  \"job\": \"{job}\",\n  \"finished_at\": \"{time}\",\n  \"duration_seconds\": 60,\n  \"exit_code\": 0,\n  \"last_success_at\": \"{time}\"\n}}\n"
    );
    fs::write(sandbox.path(format!("log/last-{job}.json")), text).expect("can be written");
}

fn messages(document: &Value) -> Vec<String> {
    let findings = document["findings"].as_array().expect("is a list");
    findings.iter().map(|finding| finding["message"].as_str().expect("is text").to_owned()).collect()
}

fn of(sandbox: &Sandbox, code: i32) -> Value {
    let out = sandbox.run(&["status", "--json"]).ends_with(code);
    assert_eq!(out.stderr, "");
    json(&out)
}

#[test]
fn after_a_backup_all_is_well_under_every_name() {
    let sandbox = scheduled(&[("BACKUP_CRON", "0 2 * * *")]);
    sandbox.run(&["backup"]).ends_with(0);
    let link = sandbox.path("bin/health-summary");
    symlink(BOATHOOK, &link).expect("can be linked");
    let before = tree(&sandbox.path(""));
    let document = of(&sandbox, 0);
    assert_eq!(document["verdict"], "OK", "{document:#}");
    assert_eq!(document["command"], "status");
    let job = &document["jobs"][0];
    assert_eq!((&job["status"], &job["present"], &job["exit_code"]), (&"ok".into(), &true.into(), &"0".into()));
    assert_eq!((&job["last_exit_code"], &job["last_status"]), (&0.into(), &"success".into()));
    assert_eq!(job["last_success_at"], sandbox.summary("backup")["last_success_at"]);
    assert_eq!(document["crontab"]["line_count"], 1);
    let recent: Vec<&str> =
        document["recent_json"].as_array().expect("is a list").iter().filter_map(|file| file["job"].as_str()).collect();
    assert_eq!(recent, WORKERS);
    let out = sandbox.run_program(&link, &["-j"]).ends_with(0);
    assert_eq!(json(&out)["command"], "status");
    let text = sandbox.run(&["health-summary"]).ends_with(0);
    assert!(text.stdout.starts_with("restic-backup-helper status: OK\nrelease:            "), "{}", text.stdout);
    assert!(!text.stdout.contains("== Findings =="), "{}", text.stdout);
    assert_same(&before, &tree(&sandbox.path("")));
    assert_eq!(sandbox.engine_log().lines().count(), 1, "restic was asked");
}

#[test]
fn a_missing_run_is_a_warning_with_reason_and_mend() {
    let sandbox = scheduled(&[("BACKUP_CRON", "0 */6 * * *")]);
    ended_well(&sandbox, "backup", TimeDelta::hours(30));
    let document = of(&sandbox, 0);
    assert_eq!((&document["verdict"], &document["jobs"][0]["status"]), (&"WARN".into(), &"stale".into()));
    let finding = &document["findings"][0];
    assert_eq!((&finding["level"], &finding["job"]), (&"WARN".into(), &"backup".into()));
    let message = finding["message"].as_str().expect("is text");
    assert!(message.starts_with("backup: last successful run looks stale (1d 6h, cron '0 */6 * * *'): "), "{message}");
    assert!(message.contains("(BACKUP_CRON '0 */6 * * *'); look at "), "{message}");
    assert!(message.ends_with("/log/cron.log, then run `boathook doctor`"), "{message}");
    // The same within the interval.
    ended_well(&sandbox, "backup", TimeDelta::minutes(5));
    assert_eq!(of(&sandbox, 0)["verdict"], "OK");
}

#[test]
fn a_failed_run_is_a_failure_with_what_the_run_said() {
    let mut sandbox = scheduled(&[("BACKUP_CRON", "0 2 * * *")]);
    sandbox.run(&["backup"]).ends_with(0);
    sandbox.set("ENGINE_EXIT", "12");
    sandbox.run(&["backup"]).ends_with(12);
    let document = of(&sandbox, 1);
    assert_eq!((&document["verdict"], &document["exit_code"]), (&"FAIL".into(), &1.into()));
    let job = &document["jobs"][0];
    assert_eq!((&job["status"], &job["exit_code"], &job["last_exit_code"]), (&"fail".into(), &"12".into(), &12.into()));
    let message = &messages(&document)[0];
    let path = sandbox.path("log/last-backup.json").display().to_string();
    assert!(message.starts_with(&format!("backup: last run failed with exit 12 ({path}): ")), "{message}");
    assert!(message.contains("; last success 2") && message.contains("RESTIC_PASSWORD_FILE"), "{message}");
    let text = sandbox.run(&["status"]).ends_with(1).stdout;
    assert!(text.contains(&format!("  [FAIL] backup: last run failed with exit 12 ({path})\n")), "{text}");
}

#[test]
fn a_failed_hook_is_named() {
    let sandbox = scheduled(&[("BACKUP_CRON", "0 2 * * *")]);
    sandbox.hook("post-backup.20-tidy.sh", "exit 7");
    sandbox.run(&["backup"]).ends_with(0);
    let document = of(&sandbox, 0);
    assert_eq!((&document["verdict"], &document["jobs"][0]["status"]), (&"WARN".into(), &"ok".into()));
    let messages = messages(&document);
    assert!(messages[0].starts_with("backup: hook post-backup.20-tidy failed in the last run: "), "{messages:?}");
}

#[test]
fn a_run_that_was_called_off_is_not_fresh() {
    let mut sandbox = scheduled(&[("BACKUP_CRON", "0 */6 * * *")]);
    ended_well(&sandbox, "backup", TimeDelta::hours(30));
    sandbox.set("HOOK_SKIP_ON", "75").hook("pre-backup.sh", "echo the disk is not plugged in; exit 75");
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.summary("backup")["status"], "skipped");
    let document = of(&sandbox, 0);
    assert_eq!(document["jobs"][0]["status"], "stale");
    let messages = messages(&document);
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert!(messages[0].contains("the last run was skipped: the disk is not plugged in; look at "), "{messages:?}");
}

#[test]
fn a_run_that_is_going_on_is_shown_and_is_no_reason_to_worry() {
    let sandbox = scheduled(&[("BACKUP_CRON", "0 */6 * * *")]);
    ended_well(&sandbox, "backup", TimeDelta::hours(30));
    sandbox.hook("pre-backup.sh", "echo $RUN_ID > $T/started; while [ ! -e $T/go ]; do sleep 0.02; done");
    let running = sandbox.start(&["backup"]);
    let id = sandbox.wait_for_file("started").trim().to_owned();
    let document = of(&sandbox, 0);
    let job = &document["jobs"][0];
    assert_eq!((&document["verdict"], &job["status"]), (&"OK".into(), &"ok".into()), "{document:#}");
    assert_eq!((&job["running"]["run_id"], &job["running"]["pid"]), (&id.into(), &running.pid().into()));
    assert!(sandbox.run(&["status"]).ends_with(0).stdout.contains("running since 2"));
    // Should its folder be gone, the lock still says so.
    fs::rename(sandbox.path("run/runs"), sandbox.path("run/gone")).expect("is ours");
    assert_eq!(of(&sandbox, 0)["jobs"][0]["running"]["pid"], running.pid());
    fs::rename(sandbox.path("run/gone"), sandbox.path("run/runs")).expect("is ours");
    fs::write(sandbox.path("go"), "").expect("can be written");
    running.finish().ends_with(0);
    let job = &of(&sandbox, 0)["jobs"][0];
    assert_eq!((&job["running"], &job["status"]), (&Value::Null, &"ok".into()));
}

#[test]
fn a_job_waits_for_its_first_time_without_a_warning() {
    let sandbox = scheduled(&[("BACKUP_CRON", "0 2 * * *")]);
    assert!(messages(&of(&sandbox, 0))[0].starts_with("backup: enabled but "));
    // Loaded just now.
    File::options()
        .append(true)
        .open(sandbox.path("crontab"))
        .and_then(|file| file.set_modified(SystemTime::now()))
        .expect("is ours");
    let document = of(&sandbox, 0);
    assert_eq!((&document["verdict"], &document["jobs"][0]["status"]), (&"OK".into(), &"missing".into()));
    let detail = document["jobs"][0]["detail"].as_str().expect("is text");
    assert!(detail.starts_with("waiting for the first run at 2"), "{detail}");
}

#[test]
fn without_a_crontab_and_with_no_schedule_at_all_it_still_answers() {
    let mut sandbox = Sandbox::new();
    for variable in ["BACKUP_CRON", "ROTATE_LOG_CRON", "RESTIC_REPOSITORY", "TZ"] {
        sandbox.set(variable, "");
    }
    sandbox
        .set("CRONTAB_FILE", "/none/root")
        .set("LOG_DIR", "/none/log")
        .set("RUN_DIR", "/none/run")
        .set("PATH", "/none");
    let document = of(&sandbox, 0);
    assert_eq!((&document["verdict"], &document["crontab"]["source"]), (&"OK".into(), &"environment-preview".into()));
    assert_eq!(document["crontab"]["line_count"], 0);
    let text = sandbox.run(&["status"]).ends_with(0).stdout;
    assert!(text.contains("crontab source:     environment-preview (0 line(s))\n"), "{text}");
}

#[test]
fn half_a_summary_is_not_taken_for_a_success() {
    let sandbox = scheduled(&[("BACKUP_CRON", "0 2 * * *"), ("CHECK_CRON", "0 2 * * *")]);
    sandbox.run(&["backup"]).ends_with(0);
    let path = sandbox.path("log/last-backup.json");
    let whole = fs::read(&path).expect("is there");
    fs::write(&path, &whole[..whole.len() / 2]).expect("is ours");
    fs::write(sandbox.path("log/last-check.json"), "{\"job\": \"check\",\n\"exit_code\": 0}{").expect("can be written");
    let document = of(&sandbox, 0);
    let messages = messages(&document);
    assert!(messages[0].starts_with(&format!("backup: {} is cut short: ", path.display())), "{messages:?}");
    assert!(messages[1].contains("last-check.json is no summary: "), "{messages:?}");
    for job in document["jobs"].as_array().expect("is a list").iter().take(2) {
        assert_eq!((&job["status"], &job["present"], &job["exit_code"]), (&"missing".into(), &true.into(), &"".into()));
    }
}

#[test]
fn each_key_stands_on_a_line_of_its_own() {
    let sandbox = scheduled(&[("BACKUP_CRON", "0 2 * * *"), ("RESTORE_CRON", "@weekly")]);
    let text = sandbox.run(&["status", "--json"]).ends_with(0).stdout;
    let document: Value = serde_json::from_str(&text).expect("is JSON");
    let keys: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("  \"")?.split('"').next()).collect();
    let expected: Vec<&str> = document.as_object().expect("is an object").keys().map(String::as_str).collect();
    assert_eq!(keys, expected);
    let objects = text.lines().filter(|line| line.starts_with("    {")).count();
    let lists = ["schedules", "jobs", "recent_json", "findings"];
    assert_eq!(objects, lists.iter().map(|key| document[*key].as_array().map_or(0, Vec::len)).sum::<usize>());
    // The job beyond the six stands behind them.
    assert_eq!((&document["schedules"][6]["job"], &document["jobs"][5]["job"]), (&"restore".into(), &"restore".into()));
    assert_eq!((&document["jobs"][5]["core"], &document["schedules"][5]["job"]), (&false.into(), &"rotate_log".into()));
    // As people look at it.
    let jq = sandbox.run_program("sh", &["-c", "\"$0\" status --json | jq -r '.jobs[0].cron'", BOATHOOK]).ends_with(0);
    assert_eq!(jq.stdout, "0 2 * * *\n");
}

#[test]
fn what_it_does_not_know_is_refused() {
    let sandbox = Sandbox::new();
    for words in [&["status", "--jsn"][..], &["status", "all"], &["health-summary", "--json", "x"]] {
        let Finished { stdout, stderr, .. } = sandbox.run(words).ends_with(2);
        assert_eq!(stdout, "");
        assert!(stderr.starts_with("❌ Unknown argument: ") && stderr.contains("--help for usage."), "{stderr}");
    }
    assert!(sandbox.run(&["status", "--help"]).ends_with(0).stdout.contains("--json"));
}

#[test]
fn no_secret_is_shown() {
    let mut sandbox = scheduled(&[("BACKUP_CRON", "0 2 * * *")]);
    sandbox.set("RESTIC_REPOSITORY", "rest:https://me:hidden-word@backup.example/x");
    let text = r#"{"job": "backup", "exit_code": 1, "reason": "correct-horse-battery and hidden-word"}"#;
    fs::write(sandbox.path("log/last-backup.json"), text).expect("can be written");
    for words in [&["status"][..], &["status", "--json"]] {
        let all = sandbox.run(words).ends_with(1).all();
        assert!(all.contains("*** and ***"), "{all}");
        assert!(!all.contains("correct-horse") && !all.contains("hidden-word"), "{all}");
    }
}

#[test]
fn a_time_can_be_read_as_it_is_written() {
    let sandbox = scheduled(&[("BACKUP_CRON", "0 2 * * *")]);
    sandbox.run(&["backup"]).ends_with(0);
    let document = of(&sandbox, 0);
    let next = document["jobs"][0]["next_at"].as_str().expect("is text");
    let next = chrono::DateTime::parse_from_str(next, "%Y-%m-%dT%H:%M:%S%z").expect("is a time");
    assert!(next > Utc::now() && next < Utc::now() + TimeDelta::days(2));
    assert!(next.to_rfc3339_opts(SecondsFormat::Secs, true).contains("T02:00:00"), "{next}");
}
