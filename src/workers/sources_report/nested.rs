//! The lists behind `exit_code` in the summary.

use super::figures::Figures;
use super::inventory::Inventory;
use super::paths::shown;
use serde_json::{Value, json};

/// The list `sources`.
pub(super) fn sources(inventory: &Inventory, figures: Option<&[Figures]>) -> Value {
    let rows = inventory.sources.iter().enumerate().map(|(place, row)| {
        let found = figures.map(|figures| &figures[place]);
        json!({
            "path": row.path,
            "readable": row.readable,
            "type": row.kind,
            "files": number(found.map(|found| found.files)),
            "bytes": number(found.map(|found| found.bytes)),
            "excluded": number(found.map(|found| found.excluded)),
            "errors": found.map_or(u64::from(!row.readable), |found| found.errors + u64::from(row.kind == "missing")),
            "unreadable": unreadable(found),
            "notes": row.notes,
        })
    });
    rows.collect()
}

/// The list `files_from`.
pub(super) fn lists(inventory: &Inventory, figures: Option<&[Figures]>) -> Value {
    let rows = inventory.lists.iter().enumerate().map(|(place, row)| {
        let found = figures.map(|figures| &figures[place]);
        json!({
            "path": row.path,
            "readable": row.list.readable,
            "lines": row.list.lines,
            "missing_entries": row.list.missing,
            "files": number(found.map(|found| found.files)),
            "bytes": number(found.map(|found| found.bytes)),
            "missing": row.list.first_missing.iter().map(|entry| shown(entry)).collect::<Vec<_>>(),
            "problems": row.list.problems,
            "unreadable": unreadable(found),
        })
    });
    rows.collect()
}

/// The list `exclude_files`.
pub(super) fn excludes(inventory: &Inventory) -> Value {
    let rows = inventory.excludes.iter().map(|row| {
        let problems: Vec<&String> = row.list.problem.iter().chain(&row.refused).collect();
        json!({
            "path": row.path,
            "readable": row.list.readable,
            "patterns": row.list.patterns.len(),
            "problems": problems,
        })
    });
    rows.collect()
}

/// -1 for what was not looked for.
fn number(found: Option<u64>) -> i64 {
    found.map_or(-1, |number| number as i64)
}

fn unreadable(found: Option<&Figures>) -> Value {
    let rows = found.into_iter().flat_map(|found| &found.first);
    rows.map(|failure| json!({"path": shown(&failure.path), "reason": failure.reason})).collect()
}
