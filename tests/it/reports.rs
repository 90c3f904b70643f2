//! What a run leaves for programs: summary and metrics; and what it costs when they cannot be written.

use crate::support::{BOATHOOK, Finished, Sandbox, write_executable};
use chrono::DateTime;
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;

/// A time as the reports write it, in seconds of the epoch.
fn epoch(time: &Value) -> i64 {
    let text = time.as_str().expect("a time");
    DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%z").unwrap_or_else(|error| panic!("{text}: {error}")).timestamp()
}

fn summary_text(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.path("log/last-backup.json")).expect("is there")
}

#[test]
fn the_summary_has_every_field_in_its_place() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-backup.sh", "printf 'no \"quota\"\\n\\033[31mred\\t\\\\\\n'; exit 3");
    sandbox.hook("post-backup.sh", "echo done").hook("post-backup.20-late.sh", "kill -9 $$");
    sandbox.run(&["backup"]).ends_with(0);
    let expected = r#"{
  "job": "backup",
  "hostname": "test-host",
  "release": "unknown",
  "started_at": "<time>",
  "finished_at": "<time>",
  "duration_seconds": 0,
  "repository": "$T/repo",
  "backup_root_dir": "$T/data",
  "restic_tag": "automated",
  "snapshot_id": "0a1b2c3d",
  "files_new": "1",
  "files_changed": "0",
  "files_unmodified": "0",
  "bytes_added": "4 B",
  "bytes_stored": "3 B",
  "exit_code": 0,
  "run_id": "<run>",
  "trigger": "manual",
  "status": "warning",
  "reason": "pre-backup exit 3",
  "last_success_at": "<time>",
  "hooks_verdict": "failed",
  "work": {"status":"completed","exit_code":0,"reason":""},
  "stats": {"files_new":1,"files_changed":0,"files_unmodified":0,"dirs_new":0,"dirs_changed":0,"dirs_unmodified":0,"bytes_added":4,"bytes_stored":3,"files_processed":1,"bytes_processed":4,"duration":0.1},
  "hooks": [
    {"name":"pre-backup","source":"$T/hooks/pre-backup.sh","phase":"pre","action":"script","status":"failed","exit_code":3,"signal":null,"timed_out":false,"attempts":1,"duration_ms":0,"reason":"exit 3","output_tail":"no \"quota\"\n\u001b[31mred\t\\\n"},
    {"name":"post-backup","source":"$T/hooks/post-backup.sh","phase":"post","action":"script","status":"completed","exit_code":0,"signal":null,"timed_out":false,"attempts":1,"duration_ms":0,"reason":"","output_tail":"done\n"},
    {"name":"post-backup.20-late","source":"$T/hooks/post-backup.20-late.sh","phase":"post","action":"script","status":"failed","exit_code":137,"signal":9,"timed_out":false,"attempts":1,"duration_ms":0,"reason":"killed by signal 9","output_tail":""}
  ]
}
"#;
    let text = summary_text(&sandbox);
    assert_eq!(sandbox.redacted(&text), expected);
    assert_eq!(
        text.lines().filter(|line| line.contains("\"exit_code\": ")).collect::<Vec<_>>(),
        ["  \"exit_code\": 0,"]
    );
    let summary = sandbox.summary("backup");
    assert!(epoch(&summary["started_at"]) <= epoch(&summary["finished_at"]));
    assert_eq!(summary["last_success_at"], summary["finished_at"]);
}

#[test]
fn the_time_of_the_last_success_outlives_failures_and_skips() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("HOOK_SKIP_ON", "75").hook("pre-backup.sh", "exit ${PRE_EXIT:-0}");
    sandbox.run(&["backup"]).ends_with(0);
    let long_ago = "2020-01-02T03:04:05+0000";
    let text = summary_text(&sandbox);
    let success = sandbox.summary("backup")["last_success_at"].as_str().expect("is text").to_owned();
    let with =
        text.replace(&format!("\"last_success_at\": \"{success}\""), &format!("\"last_success_at\": \"{long_ago}\""));
    assert_ne!(with, text);
    fs::write(sandbox.path("log/last-backup.json"), with).expect("can be written");
    for (variable, value, code, status) in
        [("ENGINE_EXIT", "1", 1, "failure"), ("RESTIC_TAG", "", 2, "failure"), ("PRE_EXIT", "75", 0, "skipped")]
    {
        sandbox.set(variable, value).run(&["backup"]).ends_with(code);
        sandbox.unset(variable);
        let summary = sandbox.summary("backup");
        assert_eq!((&summary["status"], &summary["last_success_at"]), (&status.into(), &long_ago.into()));
    }
    sandbox.run(&["backup"]).ends_with(0);
    let summary = sandbox.summary("backup");
    assert_eq!(summary["last_success_at"], summary["finished_at"]);
}

#[test]
fn a_summary_of_the_reference_image_knows_a_success_too() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let old = "{\n  \"job\": \"backup\",\n  \"finished_at\": \"2024-05-06T07:08:09+0200\",\n  \"exit_code\": 0\n}\n";
    fs::write(sandbox.path("log/last-backup.json"), old).expect("can be written");
    sandbox.set("ENGINE_EXIT", "1").run(&["backup"]).ends_with(1);
    assert_eq!(sandbox.summary("backup")["last_success_at"], "2024-05-06T05:08:09+0000");
}

#[test]
fn the_metrics_page_has_every_gauge_and_each_hook() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let folder = sandbox.path("metrics/deep").display().to_string();
    sandbox.set("METRICS_DIR", folder).set("RESTIC_TAG", "2024").set("HOSTNAME", "a\\b\"c");
    sandbox.hook("pre-backup.sh", "exit 3").hook("post-backup.sh", "exit 0");
    sandbox.run(&["backup"]).ends_with(0);
    let page = fs::read_to_string(sandbox.path("metrics/deep/restic_backup.prom")).expect("is there");
    let summary = sandbox.summary("backup");
    let (started, finished) = (epoch(&summary["started_at"]), epoch(&summary["finished_at"]));
    let seconds = |index: usize| {
        let milliseconds = summary["hooks"][index]["duration_ms"].as_u64().expect("is a number");
        format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
    };
    let (pre, post) = (seconds(0), seconds(1));
    let mut expected = String::new();
    let mut gauge = |name: &str, help: &str, samples: &[(&str, String)]| {
        let _ = write!(expected, "# HELP restic_backup_{name} {help}\n# TYPE restic_backup_{name} gauge\n");
        for (labels, value) in samples {
            let _ = writeln!(expected, "restic_backup_{name}{{hostname=\"a\\\\b\\\"c\"{labels}}} {value}");
        }
    };
    let mut plain = |name: &str, help: &str, value: i64| gauge(name, help, &[("", value.to_string())]);
    plain("last_exit_code", "Exit code of last backup run.", 0);
    plain("last_success", "1 when last run exited 0, else 0.", 1);
    let duration = summary["duration_seconds"].as_i64().expect("is a number");
    plain("last_duration_seconds", "Duration of the last backup run in seconds.", duration);
    plain("last_started_timestamp", "Epoch seconds at which the last backup run started.", started);
    plain("last_finished_timestamp", "Epoch seconds at which the last backup run finished.", finished);
    for (key, value) in [("files_new", 1), ("files_changed", 0), ("files_unmodified", 0)] {
        plain(&format!("last_{key}"), &format!("{key} for the last backup run (numeric extra)."), value);
    }
    let help = "Epoch seconds at which a backup run last did its work; 0 if none ever did.";
    plain("last_success_timestamp", help, finished);
    let statuses = [("success", 0), ("warning", 1), ("failure", 0), ("skipped", 0), ("interrupted", 0)];
    let statuses = statuses.map(|(status, value)| (format!(",status=\"{status}\""), value.to_string()));
    let samples: Vec<_> = statuses.iter().map(|(labels, value)| (labels.as_str(), value.clone())).collect();
    gauge("last_status", "1 for the status of the last backup run, 0 for the others.", &samples);
    let mut of_hooks = |name: &str, help: &str, before: &str, after: &str| {
        let labels = [",hook=\"pre-backup\",phase=\"pre\"", ",hook=\"post-backup\",phase=\"post\""];
        let samples = [(labels[0], before.to_owned()), (labels[1], after.to_owned())];
        gauge(&format!("hook_{name}"), &format!("{help} in the last backup run."), &samples);
    };
    of_hooks("exit_code", "Exit code of the hook", "3", "0");
    of_hooks("duration_seconds", "Duration of the hook's last attempt in seconds", &pre, &post);
    of_hooks("timed_out", "1 when the hook ran into its time limit, else 0,", "0", "0");
    of_hooks("success", "1 when the hook ended well, else 0,", "0", "1");
    assert_eq!(page, expected);
}

#[test]
fn a_skipped_run_is_no_success_in_the_metrics() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let folder = sandbox.path("metrics").display().to_string();
    sandbox.set("METRICS_DIR", folder).set("HOOK_SKIP_ON", "75").run(&["backup"]).ends_with(0);
    let success = epoch(&sandbox.summary("backup")["last_success_at"]);
    sandbox.hook("pre-backup.sh", "exit 75").hook("post-backup.sh", "cp $METRICS_DIR/restic_backup.prom $T/seen.prom");
    sandbox.run(&["backup"]).ends_with(0);
    for page in ["metrics/restic_backup.prom", "seen.prom"] {
        let page = fs::read_to_string(sandbox.path(page)).expect("is there");
        for (gauge, value) in [("exit_code", 0), ("success", 0), ("success_timestamp", success)] {
            let line = format!("restic_backup_last_{gauge}{{hostname=\"test-host\"}} {value}");
            assert!(page.lines().any(|have| have == line), "{line} is missing in\n{page}");
        }
        assert!(page.contains("restic_backup_last_status{hostname=\"test-host\",status=\"skipped\"} 1\n"), "{page}");
    }
}

#[test]
fn a_folder_for_metrics_that_cannot_be_used_is_a_warning_line() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    fs::create_dir_all(sandbox.path("metrics/restic_backup.prom")).expect("can be made");
    for (folder, problem) in [("data/one.txt/below", "could not be created; "), ("metrics", "is not writable; ")] {
        let folder = sandbox.path(folder).display().to_string();
        sandbox.set("METRICS_DIR", folder.clone());
        let out = sandbox.run(&["backup"]).ends_with(0).stdout;
        let line = format!("⚠️ METRICS_DIR='{folder}' {problem}");
        assert_eq!(out.lines().filter(|have| have.starts_with(&line)).count(), 1, "{out}");
        assert_eq!(sandbox.summary("backup")["status"], "success");
    }
}

#[test]
fn a_log_folder_below_a_file_costs_the_reports_alone() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let folder = sandbox.path("data/one.txt/log").display().to_string();
    // The stand-in notes its words beside the log folder.
    write_executable(
        &sandbox.path("bin/restic"),
        &format!("#!/bin/sh\necho ran >> {}\n", sandbox.path("engine.log").display()),
    );
    sandbox.set("LOG_DIR", folder.clone());
    sandbox.hook("pre-backup.sh", "echo pre >> $T/notes");
    sandbox.hook("post-backup.sh", "echo post $1 $RUN_STATUS summary=${RUN_SUMMARY-unset} >> $T/notes");
    let out = sandbox.run(&["backup"]).ends_with(0).stdout;
    assert_eq!(sandbox.notes(), "pre\npost 0 warning summary=unset\n");
    assert_eq!(sandbox.engine_log(), "ran\n");
    let errors: Vec<&str> = out.lines().filter(|line| line.starts_with('❌')).collect();
    assert_eq!(errors.len(), 2, "one for the log and one for the summary: {out}");
    assert!(errors[0].starts_with(&format!("❌ the log {folder}/backup-last.log cannot be written: ")), "{out}");
    assert!(errors[1].starts_with(&format!("❌ The summary {folder}/last-backup.json cannot be written: ")), "{out}");
}

/// Runs a backup in a mount namespace of its own, with a small file system over the log folder that `prepare` spoils;
/// `None`, with a line that says so, where that is not allowed here. What lay there afterwards is in `after`.
fn on_a_spoilt_log_folder(sandbox: &Sandbox, prepare: &str) -> Option<Finished> {
    let script = format!(
        "mount -t tmpfs -o size=64k,mode=755 none \"$LOG_DIR\" || exit 250\ncp \"$LOG_DIR/../before.json\" \
         \"$LOG_DIR/last-backup.json\"\n{prepare}\n{BOATHOOK} backup\ncode=$?\ncp -r \"$LOG_DIR\" \"$LOG_DIR/../after\"\nexit $code\n"
    );
    let user = ["--mount", "sh", "-c", &script];
    let out = if nix::unistd::geteuid().is_root() {
        sandbox.run_program("unshare", &user)
    } else {
        sandbox.run_program("unshare", &[&["--map-root-user"], user.as_slice()].concat())
    };
    if out.code() == 250 || out.stderr.starts_with("unshare:") {
        println!("skipped: no file system can be mounted here ({})", out.stderr.trim());
        return None;
    }
    Some(out)
}

#[test]
fn a_full_or_read_only_log_folder_never_costs_the_backup_or_the_earlier_summary() {
    for (prepare, why) in [
        ("dd if=/dev/zero of=\"$LOG_DIR/filler\" bs=1024 2>/dev/null", "No space left on device"),
        ("mount -o remount,bind,ro \"$LOG_DIR\" || exit 250", "Read-only file system"),
    ] {
        let mut sandbox = Sandbox::with_stand_in_engine();
        let engine = format!("#!/bin/sh\necho ran >> {}\nexit 3\n", sandbox.path("engine.log").display());
        write_executable(&sandbox.path("bin/restic"), &engine);
        let before = "{\n  \"run_id\": \"yesterday\",\n  \"last_success_at\": \"2020-01-02T03:04:05+0000\"\n}\n";
        fs::write(sandbox.path("before.json"), before).expect("can be written");
        let folder = sandbox.path("metrics").display().to_string();
        sandbox.set("METRICS_DIR", folder);
        sandbox.hook("pre-backup.sh", "i=0; while [ $i -lt 200 ]; do echo line $i; i=$((i+1)); done");
        sandbox.hook("post-backup.sh", "echo post $1 summary=${RUN_SUMMARY-unset} >> $T/notes");
        let Some(out) = on_a_spoilt_log_folder(&sandbox, prepare) else { return };
        let out = out.ends_with(3).stdout;
        assert_eq!((sandbox.engine_log().as_str(), sandbox.notes().as_str()), ("ran\n", "post 3 summary=unset\n"));
        let about =
            |what: &str| out.lines().filter(|line| line.starts_with('❌') && line.contains(what)).collect::<Vec<_>>();
        for what in ["backup-last.log", "The summary "] {
            let lines = about(what);
            assert!(lines.len() == 1 && lines[0].contains(why), "{what}: {out}");
        }
        assert!(out.contains("[pre-backup] line 199\n"), "{out}");
        assert_eq!(fs::read_to_string(sandbox.path("after/last-backup.json")).expect("is there"), before);
        let names: Vec<_> = fs::read_dir(sandbox.path("after")).expect("is there").flatten().collect();
        let left = names.iter().filter(|entry| entry.file_name().to_string_lossy().contains(".tmp")).count();
        assert_eq!(left, 0, "{names:?}");
        // What lies elsewhere is written, and knows of the last success.
        let page = fs::read_to_string(sandbox.path("metrics/restic_backup.prom")).expect("is there");
        assert!(page.contains("restic_backup_last_success_timestamp{hostname=\"test-host\"} 1577934245\n"), "{page}");
    }
}

#[test]
fn a_closed_or_full_standard_output_costs_nothing() {
    for redirection in [">&-", ">&- 2>&-", ">/dev/full", "<&- >&- 2>&-"] {
        let sandbox = Sandbox::with_stand_in_engine();
        sandbox.hook("pre-backup.sh", "echo said; ls -l /proc/$$/fd/1 >> $T/notes");
        sandbox.hook("post-backup.sh", "echo post $1 >> $T/notes");
        let script = format!("exec {BOATHOOK} backup {redirection}");
        sandbox.run_program("sh", &["-c", &script]).ends_with(0);
        assert!(sandbox.notes().ends_with("post 0\n"), "{redirection}: {}", sandbox.notes());
        assert!(sandbox.log("backup").contains("[pre-backup] said\n"), "{redirection}");
        assert_eq!(sandbox.summary("backup")["status"], "success", "{redirection}");
        for file in ["run/cron.lock", "log/last-backup.json"] {
            let text = fs::read_to_string(sandbox.path(file)).expect("is there");
            assert!(!text.contains("Hook"), "{redirection}: the console went into {file}");
        }
    }
}
