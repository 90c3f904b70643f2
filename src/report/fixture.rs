//! A run's summary to test with, and where it is sent.

use super::{Document, HookRecord, Status, WorkRecord};
use crate::settings::{self, Environment, Notify};
use chrono::{DateTime, Duration, Local, TimeZone};
use serde_json::json;
use std::path::Path;
use std::process::Command;

pub(super) fn noon() -> DateTime<Local> {
    Local.with_ymd_and_hms(2026, 3, 1, 12, 0, 0).single().expect("is a time")
}

/// Where reports go by these settings.
pub(super) fn notify(settings: &[(&str, &str)]) -> Notify {
    settings::read(&settings.iter().copied().collect::<Environment>()).notify
}

/// Puts a `sendmail` into `folder` that does this; an environment that finds it, with `OUT` for what it writes. The
/// script is written by a child that has ended: a file that we hold open for writing ourselves cannot be executed.
pub(super) fn sendmail(folder: &Path, script: &str) -> Environment {
    let write = "printf '%s\n' '#!/bin/sh' \"$2\" >\"$1\" && chmod 755 \"$1\"";
    let path = folder.join("sendmail");
    let status = Command::new("sh").args(["-c", write, "sh"]).arg(path).arg(script).status().expect("sh runs");
    assert!(status.success());
    let system = std::env::var("PATH").expect("is set");
    let path = format!("{}:{system}", folder.display());
    [("PATH", path), ("OUT", folder.join("out").display().to_string())].into_iter().collect()
}

/// A backup with a pre hook that went well.
pub(super) fn document() -> Document {
    let started_at = noon();
    let finished_at = started_at + Duration::seconds(312);
    let extras = [("repository", "rest:https://alice:***@repo.example/main"), ("backup_root_dir", "/data")];
    let extras = extras.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let more = [("restic_tag", "2024"), ("snapshot_id", "0a1b2c3d"), ("files_new", "3"), ("bytes_added", "20.1 MiB")];
    let more = more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let stats = [("files_new", json!(3)), ("bytes_added", json!(21_076_377)), ("dry_run", json!(false))];
    Document {
        job: "backup".to_owned(),
        title: "Backup".to_owned(),
        hostname: "node-a".to_owned(),
        release: "1.0.0-0.18.1".to_owned(),
        started_at,
        finished_at,
        duration_seconds: 312,
        extras: extras.chain(more).collect(),
        gauges: &["forget_exit_code", "files_new", "files_changed", "files_unmodified"],
        exit_code: 0,
        run_id: "20260301T110000Z-backup-0badcafe".to_owned(),
        trigger: "schedule".to_owned(),
        status: Status::Success,
        last_success_at: Some(finished_at),
        hooks_verdict: "ok".to_owned(),
        reason: String::new(),
        work: WorkRecord { status: "completed".to_owned(), exit_code: Some(0), reason: String::new() },
        stats: stats.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        hooks: vec![hook("pre-backup", "pre", "completed")],
        details: "20.1 MiB new (snap 0a1b2c3d)".to_owned(),
    }
}

pub(super) fn hook(name: &str, phase: &str, status: &str) -> HookRecord {
    let exit_code = match status {
        "completed" => Some(0),
        "failed" => Some(3),
        "timed_out" => Some(124),
        _ => None,
    };
    HookRecord {
        name: name.to_owned(),
        source: format!("/hooks/{name}.sh"),
        phase: phase.to_owned(),
        action: "script".to_owned(),
        status: status.to_owned(),
        exit_code,
        signal: None,
        timed_out: status == "timed_out",
        attempts: u32::from(exit_code.is_some()),
        duration_ms: if exit_code.is_some() { 1234 } else { 0 },
        reason: String::new(),
        output_tail: String::new(),
        tries: Vec::new(),
    }
}
