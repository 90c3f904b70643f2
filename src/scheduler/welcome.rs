//! The lines of a boot that stand around its work (contract: workers, section 4.2).

use super::timetable::Timetable;
use crate::settings::{Mistake, Settings};
use chrono::{DateTime, Utc};
use std::time::Duration;

/// The jobs that are said to be off, too. The others are news to nobody.
const CONTRACT: [&str; 6] = ["backup", "check", "replicate", "forget", "prune", "rotate_log"];

/// A time as workers print it.
pub(super) fn stamp(time: DateTime<Utc>, timetable: &Timetable) -> String {
    timetable.zone.local(time).format("%Y-%m-%d %a %H:%M:%S").to_string()
}

/// Deprecated variables, banner, host, time and release.
pub(super) fn banner(settings: &Settings, timetable: &Timetable, now: DateTime<Utc>) -> Vec<String> {
    let deprecated = settings.jobs.deprecated.iter();
    let deprecated =
        deprecated.map(|(old, new)| format!("⚠️ {old} is deprecated; rename to {new} (will be removed in 3.0.0)."));
    let host = &settings.identity.hostname;
    let banner = [
        "🌟 ──────────────────────────────────────────────".to_owned(),
        format!("🌟  Boathook {}: restic backups with hooks", env!("CARGO_PKG_VERSION")),
        "🌟 ──────────────────────────────────────────────".to_owned(),
        String::new(),
        format!("🚀 Starting container Restic Backup Helper '{host}' on: {}...", stamp(now, timetable)),
        format!("📦 Release: {}", settings.identity.release),
        String::new(),
    ];
    deprecated.chain(banner).collect()
}

/// What is wrong with settings and schedule, all of it; `complaints` may say some of it again.
pub(super) fn wrong(settings: &Settings, of_schedule: &[Mistake], complaints: Vec<String>) -> Vec<String> {
    let mut lines: Vec<String> = settings.mistakes.iter().chain(of_schedule).map(Mistake::line).collect();
    let said = |complaint: &String| {
        let variable = |mistake: &Mistake| complaint.contains(mistake.variable);
        settings.mistakes.iter().chain(of_schedule).any(variable)
    };
    lines.extend(complaints.into_iter().filter(|complaint| !said(complaint)));
    lines
}

/// Whether the container cannot start like this: without its backup, or with every time shifted.
pub(super) fn is_fatal(mistake: &Mistake) -> bool {
    matches!(mistake.variable, "BACKUP_CRON" | "TZ")
}

/// What is scheduled and what is not.
pub(super) fn schedule(timetable: &Timetable, now: DateTime<Utc>) -> Vec<String> {
    let mut lines = Vec::new();
    for row in &timetable.rows {
        let job = &row.job;
        match &row.entry {
            Some(entry) => {
                let expression = entry.expression.text();
                lines.push(format!("⏰ Setting up {} cron job with expression: {expression}", job.label));
                if entry.shift > Duration::ZERO {
                    let seconds = entry.shift.as_secs();
                    lines.push(format!("ℹ️ SCHEDULE_SPLAY: {} runs {seconds} s later than that", job.label));
                }
                if !entry.expression.at_reboot() && entry.next_after(now, &timetable.zone).is_none() {
                    lines.push(format!("⚠️ {}='{expression}' names a day that never comes.", job.variable));
                }
            }
            None if job.expression.is_empty() && CONTRACT.contains(&job.name) => {
                let remark = if job.name == "forget" {
                    "; backups forget by RESTIC_FORGET_ARGS instead, if that is set"
                } else {
                    ""
                };
                lines.push(format!("ℹ️ {} cron disabled ({} empty){remark}", capital(&job.label), job.variable));
            }
            // A mistake has been said.
            None => {}
        }
    }
    lines
}

fn capital(label: &str) -> String {
    let mut rest = label.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_default()
}
