//! The tasks of a run as a table for people: mark, name, time, reason.

use super::state::State;
use crate::hooks::Hook;
use crate::report::{HookRecord, WorkRecord};

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    status: String,
    name: String,
    milliseconds: Option<u64>,
    reason: String,
}

/// The marks that users know (`docs/hooks.md`: Words).
fn mark(status: &str) -> &'static str {
    match status {
        "completed" => "✅",
        "skipped" => "⏭️",
        "pending" => "⏸️",
        "running" => "▶️",
        _ => "❌",
    }
}

/// The table's lines, without a heading. `notifications` are (name, status, reason).
pub fn table(
    hooks: &[&Hook],
    state: &State,
    job: &str,
    work: WorkRecord,
    notifications: &[(String, String, String)],
) -> Vec<String> {
    let hook_row = |(hook, record): (&&Hook, &Option<HookRecord>)| match record {
        Some(record) => Row {
            status: record.status.clone(),
            name: record.name.clone(),
            milliseconds: (record.attempts > 0).then_some(record.duration_ms),
            reason: with_attempts(hook, record),
        },
        None => Row { status: "pending".into(), name: hook.name.clone(), milliseconds: None, reason: String::new() },
    };
    let phase = |wanted| hooks.iter().zip(&state.hooks).filter(move |(hook, _)| hook.phase == wanted).map(hook_row);
    let mut rows: Vec<Row> = phase(crate::hooks::Phase::Pre).collect();
    let milliseconds = work.exit_code.and(state.work.as_ref()).map(|work| work.milliseconds);
    rows.push(Row {
        status: if work.status == "interrupted" { "failed".into() } else { work.status },
        name: job.to_owned(),
        milliseconds,
        reason: work.reason,
    });
    for step in state.work.iter().flat_map(|work| &work.steps) {
        rows.push(Row {
            status: step.status.clone(),
            name: step.name.clone(),
            milliseconds: (step.status != "skipped").then_some(step.duration_ms),
            reason: step.reason.clone(),
        });
    }
    rows.extend(phase(crate::hooks::Phase::Undo));
    rows.extend(phase(crate::hooks::Phase::Post));
    for (name, status, reason) in notifications {
        rows.push(Row { status: status.clone(), name: name.clone(), milliseconds: None, reason: reason.clone() });
    }
    let width = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
    rows.iter().map(|row| line(row, width)).collect()
}

/// The reason, and how often it was tried, if more than once: `exit 1 (attempt 3 of 3)`.
fn with_attempts(hook: &Hook, record: &HookRecord) -> String {
    let made = (record.attempts as usize).max(record.tries.len());
    if made < 2 {
        return record.reason.clone();
    }
    let blank = if record.reason.is_empty() { "" } else { " " };
    format!("{}{blank}(attempt {made} of {})", record.reason, u64::from(hook.retries) + 1)
}

fn line(row: &Row, width: usize) -> String {
    let time = row.milliseconds.map(duration).unwrap_or_default();
    let line = format!("  {} {:width$}  {time:>8}  {}", mark(&row.status), row.name, row.reason);
    line.trim_end().to_owned()
}

/// `0.25s`, `42.0s`, `5m12s`, `2h14m`.
fn duration(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        0..10 => format!("{:.2}s", milliseconds as f64 / 1000.0),
        10..60 => format!("{:.1}s", milliseconds as f64 / 1000.0),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well_at_every_size() {
        let shown: Vec<String> = [0, 250, 42_000, 312_000, 8_040_000].into_iter().map(duration).collect();
        assert_eq!(shown, ["0.00s", "0.25s", "42.0s", "5m12s", "2h14m"]);
    }
}
