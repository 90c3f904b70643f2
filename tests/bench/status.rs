//! `status` and `cron-list`: what monitoring asks every few seconds must cost nothing.

use crate::scene::Scene;
use crate::stopwatch::{Cost, Row, compare};
use std::fs;
use std::process::Command;

const BOATHOOK: &str = env!("CARGO_BIN_EXE_boathook");
/// The summaries that there may be.
const WORKERS: [&str; 14] = [
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
/// All that can be scheduled in the reference image.
const SCHEDULES: [(&str, &str); 6] = [
    ("BACKUP_CRON", "0 */6 * * *"),
    ("CHECK_CRON", "30 3 * * 1-5"),
    ("FORGET_CRON", "5,35 8-18 * * *"),
    ("PRUNE_CRON", "@monthly"),
    ("REPLICATE_CRON", "*/15 * * * *"),
    ("ROTATE_LOG_CRON", "0 0 29 2 *"),
];

/// Every schedule, and a summary of every worker that has seen ten hooks with something to say.
pub fn report(scene: &Scene) {
    let hook = format!(
        "    {{\"name\":\"pre-x\",\"status\":\"completed\",\"duration_ms\":9,\"output_tail\":\"{}\"}}",
        "x".repeat(4096)
    );
    let hooks = vec![hook; 10].join(",\n");
    for worker in WORKERS {
        let text = format!(
            "{{\n  \"job\": \"{worker}\",\n  \"finished_at\": \"2026-03-01T12:05:12+0100\",\n  \"duration_seconds\": 312,\n  \"exit_code\": 0,\n  \"status\": \"success\",\n  \"last_success_at\": \"2026-03-01T12:05:12+0100\",\n  \"hooks\": [\n{hooks}\n  ]\n}}\n"
        );
        fs::write(scene.path(format!("log/last-{worker}.json")), text).expect("can be written");
    }
    let asked = |words: &[&str]| {
        let mut command = scene.command(BOATHOOK);
        command.args(words).envs(SCHEDULES).env("TZ", "Europe/Amsterdam").env("SCHEDULE_SPLAY", "10m");
        Cost::of(&mut command)
    };
    let rows = [
        Row::new("true", Box::new(|| Cost::of(&mut Command::new("true")))),
        Row::new("status", Box::new(|| asked(&["status"]))),
        Row::new("status --json", Box::new(|| asked(&["status", "--json"]))),
        Row::new("cron-list", Box::new(|| asked(&["cron-list"]))),
    ];
    compare("status: six schedules, 14 summaries of 40 KiB", &rows, 40);
}
