//! `status` as one JSON document, schema `restic-backup-helper.status/1`: the keys of the reference image first and in
//! its order, ours behind them; one key a line, one nested object a line.

use super::judge::{State, Verdict};
use super::last::Last;
use super::text::age_of;
use super::words::age;
use super::{Clock, Finding, Job, Plan, Row, Status, owed};
use crate::doctor::document::{envelope, shown};
use crate::doctor::{Severity, debts};
use crate::masking::Secrets;
use crate::report;
use crate::settings::Settings;
use chrono::{DateTime, Local, Utc};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// The whole document, with a newline at its end.
pub(super) fn render(settings: &Settings, status: &Status) -> String {
    let mut document = lines(&document(settings, status));
    document.push('\n');
    document
}

fn document(settings: &Settings, status: &Status) -> Map<String, Value> {
    let (secrets, clock) = (&settings.secrets, &status.clock);
    let mut document = envelope(settings, "status", clock.now.with_timezone(&Local));
    document.insert("generated_at".to_owned(), time(Some(clock.now), clock));
    let mut add = |key: &str, value: Value| document.insert(key.to_owned(), value);
    add("verdict", status.verdict().into());
    add("warnings", status.count(Severity::Warn).into());
    add("failures", status.count(Severity::Fail).into());
    add("exit_code", status.exit_code().into());
    add(
        "runtime",
        json!({
            "tz": shown(secrets, settings.schedules.zone.as_deref().unwrap_or_default()),
            "repository": shown(secrets, &settings.repository.shown),
            "zone": clock.zone.map(|zone| zone.name()),
            "splay_seconds": settings.schedules.splay.as_secs(),
            "runs_visible": clock.visible,
        }),
    );
    add(
        "crontab",
        json!({
            "source": shown(secrets, &status.source()),
            "path": shown(secrets, &status.crontab.display().to_string()),
            "line_count": status.lines,
            "written_at": time(clock.loaded, clock),
        }),
    );
    add("schedules", status.rows.iter().map(|row| of_row(secrets, row, clock)).collect());
    add("jobs", status.jobs.iter().map(|(job, verdict)| of_job(secrets, job, verdict, clock)).collect());
    add("recent_json", status.recent.iter().map(|(job, last)| of_recent(secrets, job, last, clock)).collect());
    add("findings", status.findings.iter().map(|finding| of_finding(secrets, finding)).collect());
    let now = clock.now.with_timezone(&Local);
    let open = status.debts.open.as_ref().ok();
    add("open_debts_count", open.map(Vec::len).into());
    add("oldest_debt_age_seconds", owed::oldest(status).into());
    add("open_debts", open.into_iter().flatten().map(|one| debts::of_debt(secrets, one, now)).collect());
    add("recoveries", status.debts.recoveries.iter().map(|one| debts::of_recovery(secrets, one)).collect());
    document
}

fn time(time: Option<DateTime<Utc>>, clock: &Clock) -> Value {
    time.map(|time| clock.local(time).format(report::TIME).to_string()).into()
}

fn of_row(secrets: &Secrets, row: &Row, clock: &Clock) -> Value {
    json!({
        "job": row.job,
        "enabled": !row.cron.is_empty(),
        "cron": shown(secrets, &row.cron),
        "command": format!("/bin/{}", row.job),
        "variable": row.variable,
        "loaded": row.loaded,
        "next_at": time(row.next, clock),
    })
}

fn of_job(secrets: &Secrets, job: &Job, verdict: &Verdict, clock: &Clock) -> Value {
    let summary = job.last.summary.iter().flatten().next().filter(|_| verdict.state != State::Disabled);
    let problem = job.last.summary.as_ref().and_then(|summary| summary.as_ref().err());
    let seconds = summary.and_then(|_| age_of(&job.last, clock));
    let success_age = summary.and_then(|summary| summary.last_success).map(|time| (clock.now - time).num_seconds());
    let shift = if let Plan::Times(entry) = &job.plan { entry.shift.as_secs() } else { 0 };
    let running = job.going.as_ref().map(|going| {
        json!({
            "run_id": going.run,
            "pid": going.pid,
            "since": time(going.since, clock),
            "seconds": going.since.map(|since| (clock.now - since).num_seconds()),
        })
    });
    json!({
        "job": job.name,
        "enabled": !job.cron.is_empty(),
        "core": job.core,
        "status": verdict.state.word(),
        "cron": shown(secrets, &job.cron),
        "path": shown(secrets, &job.last.path.display().to_string()),
        "present": job.last.summary.is_some(),
        "exit_code": summary.map_or(String::new(), |summary| summary.exit_code.to_string()),
        "age_seconds": seconds.map_or(String::new(), |seconds| seconds.to_string()),
        "age_human": summary.map_or(String::new(), |_| human(seconds)),
        "finished_at": shown(secrets, summary.map_or("", |summary| &summary.finished_at)),
        "detail": shown(secrets, &verdict.detail),
        "last_exit_code": summary.map(|summary| summary.exit_code),
        "last_age_seconds": seconds,
        "last_status": summary.map(|summary| shown(secrets, &summary.status)),
        "last_reason": summary.map(|summary| shown(secrets, &summary.reason)),
        "last_duration_seconds": summary.and_then(|summary| summary.duration_seconds),
        "last_success_at": time(summary.and_then(|summary| summary.last_success), clock),
        "last_success_age_seconds": success_age,
        "expected_at": time(verdict.expected, clock),
        "stale_at": time(verdict.deadline, clock),
        "next_at": time(verdict.next, clock),
        "shift_seconds": shift,
        "running": running,
        "problem": problem.map(|problem| shown(secrets, problem)),
        "rotation": job.reading.as_ref().map(|reading| reading.document(clock)),
    })
}

fn human(seconds: Option<i64>) -> String {
    seconds.map_or("unknown".to_owned(), age)
}

fn of_recent(secrets: &Secrets, job: &str, last: &Last, clock: &Clock) -> Value {
    let summary = last.summary.iter().flatten().next();
    let problem = last.summary.as_ref().and_then(|summary| summary.as_ref().err());
    let seconds = age_of(last, clock);
    json!({
        "job": job,
        "path": shown(secrets, &last.path.display().to_string()),
        "present": last.summary.is_some(),
        "exit_code": summary.map_or(String::new(), |summary| summary.exit_code.to_string()),
        "age_seconds": seconds.map_or(String::new(), |seconds| seconds.to_string()),
        "age_human": last.summary.as_ref().map_or(String::new(), |_| human(seconds)),
        "last_exit_code": summary.map(|summary| summary.exit_code),
        "last_age_seconds": seconds,
        "last_status": summary.map(|summary| shown(secrets, &summary.status)),
        "problem": problem.map(|problem| shown(secrets, problem)),
    })
}

fn of_finding(secrets: &Secrets, finding: &Finding) -> Value {
    json!({
        "level": if finding.level == Severity::Fail { "FAIL" } else { "WARN" },
        "message": shown(secrets, &finding.message()),
        "job": Some(finding.job).filter(|job| !job.is_empty()),
        "reason": shown(secrets, &finding.reason),
        "mend": shown(secrets, &finding.mend),
    })
}

/// One key a line, and one element of a list: old readers match lines.
fn lines(document: &Map<String, Value>) -> String {
    let mut text = String::from("{\n");
    for (number, (key, value)) in document.iter().enumerate() {
        let value = match value {
            Value::Array(items) if !items.is_empty() => {
                let items: Vec<String> = items.iter().map(|item| format!("    {item}")).collect();
                format!("[\n{}\n  ]", items.join(",\n"))
            }
            value => value.to_string(),
        };
        let comma = if number + 1 < document.len() { "," } else { "" };
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {}: {value}{comma}", Value::from(key.as_str()));
    }
    text.push('}');
    text
}
