//! `status` for people: tables in the form that they know, each finding with its reason and what to do, within 80
//! columns.

use super::judge::State;
use super::last::{self, Last};
use super::words::{age, moment, span, wrap};
use super::{Clock, Finding, Job, Status, owed};
use crate::doctor::page::printable;
use crate::settings::Settings;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

/// How wide a terminal is taken for.
const WIDTH: usize = 80;
/// Width of a label in the head.
const LABEL: usize = 20;

/// The whole text. Writing to a string does not fail.
pub(super) fn render(settings: &Settings, status: &Status) -> String {
    let shown = |text: &str| printable(&settings.secrets.mask(text));
    let mut out = format!("restic-backup-helper status: {}\n", status.verdict());
    let counts = format!("{}/{}", status.count(super::Severity::Warn), status.count(super::Severity::Fail));
    let time = status.clock.local(status.clock.now).format("%Y-%m-%d %a %H:%M:%S %z").to_string();
    for (label, value) in [
        ("release:", settings.identity.release.as_str()),
        ("hostname:", settings.identity.hostname.as_str()),
        ("time:", time.as_str()),
        ("repository:", settings.repository.shown.as_str()),
        ("warnings/failures:", counts.as_str()),
    ] {
        let _ = writeln!(out, "{}", format!("{label:<LABEL$}{}", shown(value)).trim_end());
    }
    schedules(&mut out, status, &shown);
    jobs(&mut out, status, &shown);
    recent(&mut out, settings, status, &shown);
    owed::tables(&mut out, status, &shown);
    findings(&mut out, &status.findings, &shown);
    out
}

fn schedules(out: &mut String, status: &Status, shown: &dyn Fn(&str) -> String) {
    let lines = status.lines;
    let _ =
        writeln!(out, "\n== Schedules ==\n{:<LABEL$}{} ({lines} line(s))", "crontab source:", shown(&status.source()));
    let job = status.rows.iter().map(|row| row.job.len()).max().unwrap_or_default().max(10);
    let cron = status.rows.iter().map(|row| row.cron.chars().count()).max().unwrap_or_default().max(16);
    let _ = writeln!(out, "  {:<job$} {:<8} {:<cron$} next", "job", "state", "cron");
    for row in &status.rows {
        let state = if row.cron.is_empty() { "disabled" } else { "enabled" };
        let expression = if row.cron.is_empty() { "-" } else { &row.cron };
        let next = row.next.map_or("-".to_owned(), |next| until(next, &status.clock));
        let _ = writeln!(out, "  {:<job$} {state:<8} {:<cron$} {next}", row.job, shown(expression));
    }
}

fn until(next: chrono::DateTime<chrono::Utc>, clock: &Clock) -> String {
    format!("{} (in {})", moment(next, clock), span(next - clock.now))
}

fn jobs(out: &mut String, status: &Status, shown: &dyn Fn(&str) -> String) {
    let width = status.jobs.iter().map(|(job, _)| job.name.len()).max().unwrap_or_default().max(10);
    let _ =
        writeln!(out, "\n== Core Job Ages ==\n  {:<width$} {:<10} {:<8} {:<10} detail", "job", "status", "exit", "age");
    for (job, verdict) in &status.jobs {
        let (code, age) = code_and_age(job, verdict.state, &status.clock);
        let row = format!("  {:<width$} {:<10} {code:<8} {age:<10} ", job.name, verdict.state.word());
        let indent = row.chars().count();
        let mut detail =
            shown(&verdict.detail).split("; ").flat_map(|part| wrap(part, WIDTH - indent)).collect::<Vec<_>>();
        let first = if detail.is_empty() { String::new() } else { detail.remove(0) };
        let _ = writeln!(out, "{row}{first}");
        for line in detail {
            let _ = writeln!(out, "{:indent$}{line}", "");
        }
    }
    for reading in status.jobs.iter().filter_map(|(job, _)| job.reading.as_ref()) {
        let _ = writeln!(out, "  {}", shown(&reading.line(&status.clock)));
    }
}

/// Exit code and age of a job's last run; `-` where they say nothing.
fn code_and_age(job: &Job, state: State, clock: &Clock) -> (String, String) {
    match &job.last.summary {
        Some(Ok(summary)) if state != State::Disabled => {
            (summary.exit_code.to_string(), age_of(&job.last, clock).map_or("unknown".to_owned(), age))
        }
        _ => ("-".to_owned(), "-".to_owned()),
    }
}

/// Seconds since the run of a summary ended; `None` if that is not known, or lies in the future.
pub(super) fn age_of(last: &Last, clock: &Clock) -> Option<i64> {
    let finished = match &last.summary {
        Some(Ok(summary)) => summary.finished,
        Some(Err(_)) => last.modified,
        None => None,
    };
    // Two hosts' clocks may differ by a moment.
    finished.map(|time| (clock.now - time).num_seconds()).filter(|age| *age > -60).map(|age| age.max(0))
}

fn recent(out: &mut String, settings: &Settings, status: &Status, shown: &dyn Fn(&str) -> String) {
    let known: BTreeSet<&str> = status.recent.iter().map(|(job, _)| *job).collect();
    let others = others(settings, &known);
    let files: Vec<(&str, &Last)> = status
        .recent
        .iter()
        .map(|(job, last)| (*job, last))
        .chain(others.iter().map(|(job, last)| (job.as_str(), last)))
        .filter(|(_, last)| last.summary.is_some())
        .collect();
    let name = |job: &str| format!("last-{job}.json");
    let width = files.iter().map(|(job, _)| name(job).chars().count()).max().unwrap_or_default().max(22);
    let _ = writeln!(out, "\n== Recent JSON ==\n  {:<width$} {:<8} {:<8} path", "file", "exit", "age");
    for (job, last) in &files {
        let code = last.summary.iter().flatten().map(|summary| summary.exit_code.to_string()).next();
        let code = code.unwrap_or_else(|| "?".to_owned());
        let age = age_of(last, &status.clock).map_or("unknown".to_owned(), age);
        let path = shown(&last.path.display().to_string());
        let _ = writeln!(out, "  {:<width$} {code:<8} {age:<8} {path}", shown(&name(job)));
    }
    if files.is_empty() {
        let _ =
            writeln!(out, "  no run has left a summary in {} yet", shown(&settings.paths.log.display().to_string()));
    }
}

/// Summaries of others than our workers.
fn others(settings: &Settings, known: &BTreeSet<&str>) -> Vec<(String, Last)> {
    let names = fs::read_dir(&settings.paths.log).into_iter().flatten().flatten();
    let mut jobs: Vec<String> = names
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let job = name.strip_prefix("last-")?.strip_suffix(".json")?;
            (!known.contains(job)).then(|| job.to_owned())
        })
        .collect();
    jobs.sort_unstable();
    jobs.into_iter().map(|job| (last::read(&settings.paths.log, &job), job)).map(|(last, job)| (job, last)).collect()
}

fn findings(out: &mut String, findings: &[Finding], shown: &dyn Fn(&str) -> String) {
    if findings.is_empty() {
        return;
    }
    out.push_str("\n== Findings ==\n");
    for finding in findings {
        let tag = finding.level.tag();
        let _ = writeln!(out, "  {tag} {}", shown(&finding.head()));
        for (mark, part) in [("why:  ", &finding.reason), ("mend: ", &finding.mend)] {
            if part.is_empty() {
                continue;
            }
            let indent = tag.len() + 3;
            for (number, line) in wrap(&shown(part), WIDTH - indent - mark.len()).into_iter().enumerate() {
                let mark = if number == 0 { mark } else { "      " };
                let _ = writeln!(out, "{:indent$}{mark}{line}", "");
            }
        }
    }
}
