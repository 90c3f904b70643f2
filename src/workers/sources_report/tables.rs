//! The report for people.

use super::figures::Figures;
use super::inventory::{ExcludeRow, ListRow, SourceRow};
use super::paths::shown;

/// The width of the column of paths, in characters.
const PATH: usize = 48;

/// A size with two decimals: `12 B`, `1.50 MiB`.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let (mut value, mut unit) = (bytes as f64 / 1024.0, 0);
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.2} {}", UNITS[unit])
}

/// The sources. `figures` is `None` where nothing was walked.
pub(super) fn sources(rows: &[SourceRow], figures: Option<&[Figures]>) -> Vec<String> {
    let mut lines = vec![String::new(), "Source inventory:".to_owned()];
    lines.push(source("PATH", "READABLE", "TYPE", "FILES", "SIZE"));
    for (place, row) in rows.iter().enumerate() {
        let found = figures.map(|figures| &figures[place]);
        let count = |text: &dyn Fn(&Figures) -> String| found.map_or_else(|| "skipped".to_owned(), text);
        let (files, bytes) = (count(&|found| found.files.to_string()), count(&|found| size(found.bytes)));
        lines.push(source(&row.path, &row.readable.to_string(), row.kind, &files, &bytes));
        lines.extend(row.notes.iter().map(|note| format!("    ⚠️ {note}")));
        lines.extend(found.into_iter().flat_map(unreadable));
    }
    lines
}

fn source(path: &str, readable: &str, kind: &str, files: &str, bytes: &str) -> String {
    format!("{} {readable:<9} {kind:<10} {files:>10} {bytes:>12}", cell(path))
}

/// The lists of sources.
pub(super) fn lists(rows: &[ListRow], figures: Option<&[Figures]>) -> Vec<String> {
    if rows.is_empty() {
        return Vec::new();
    }
    let line = |path: &str, readable: &str, entries: &str, missing: &str| {
        format!("{} {readable:<9} {entries:>8} {missing:>16}", cell(path))
    };
    let mut lines = vec![String::new(), "--files-from inventory:".to_owned()];
    lines.push(line("PATH", "READABLE", "LINES", "MISSING_ENTRIES"));
    for (place, ListRow { path, list }) in rows.iter().enumerate() {
        let (readable, entries) = (list.readable.to_string(), list.lines.to_string());
        lines.push(line(path, &readable, &entries, &list.missing.to_string()));
        lines.extend(list.problems.iter().map(|problem| format!("    ❌ {problem}")));
        lines.extend(list.first_missing.iter().map(|entry| format!("    ❌ missing: {}", shown(entry))));
        lines.extend(more(list.missing, list.first_missing.len()));
        if let Some(found) = figures.map(|figures| &figures[place]) {
            let targets = list.targets.len();
            lines.push(format!("    {targets} path(s), {} files, {}", found.files, size(found.bytes)));
            lines.extend(unreadable(found));
        }
    }
    lines
}

/// The lists of patterns.
pub(super) fn excludes(rows: &[ExcludeRow]) -> Vec<String> {
    if rows.is_empty() {
        return Vec::new();
    }
    let line = |path: &str, readable: &str, patterns: &str| format!("{} {readable:<9} {patterns:>8}", cell(path));
    let mut lines = vec![String::new(), "--exclude-file inventory:".to_owned()];
    lines.push(line("PATH", "READABLE", "PATTERNS"));
    for ExcludeRow { path, list, refused } in rows {
        lines.push(line(path, &list.readable.to_string(), &list.patterns.len().to_string()));
        lines.extend(list.problem.iter().map(|problem| format!("    ❌ {problem}")));
        lines.extend(refused.iter().map(|problem| format!("    ❌ restic refuses it: {problem}")));
    }
    lines
}

fn unreadable(found: &Figures) -> Vec<String> {
    let named = found.first.iter().map(|failure| format!("    ❌ {}: {}", shown(&failure.path), failure.reason));
    named.chain(more(found.errors, found.first.len())).collect()
}

fn more(all: u64, named: usize) -> Option<String> {
    let left = all.saturating_sub(named as u64);
    (left > 0).then(|| format!("    ... and {left} more."))
}

/// A path cut and padded to its column.
fn cell(text: &str) -> String {
    let text: String = text.chars().take(PATH).collect();
    format!("{text:<PATH$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_two_decimals_above_bytes() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KiB"),
            (1536, "1.50 KiB"),
            (5 << 30, "5.00 GiB"),
            (3 << 50, "3.00 PiB"),
            (u64::MAX, "16384.00 PiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn a_path_is_cut_and_padded_to_its_column() {
        let row = |path: String| SourceRow { path, readable: true, kind: "directory", ..SourceRow::default() };
        let lines = sources(&[row("/a".into()), row(format!("/{}", "é".repeat(60)))], None);
        assert_eq!(lines[2], format!("{:<48} READABLE  TYPE            FILES         SIZE", "PATH"));
        assert_eq!(lines[3], format!("{:<48} true      directory     skipped      skipped", "/a"));
        assert!(lines[4].starts_with(&format!("/{} true", "é".repeat(47))), "{}", lines[4]);
    }

    #[test]
    fn five_are_named_and_the_rest_counted() {
        let mut found = Figures::default();
        for number in (0..8).rev() {
            found.fail(super::super::figures::Failure {
                path: format!("/x{number}").into_bytes(),
                reason: "Permission denied".into(),
            });
        }
        let lines = unreadable(&found);
        assert_eq!((lines.len(), lines[0].as_str()), (6, "    ❌ /x0: Permission denied"));
        assert_eq!(lines[5], "    ... and 3 more.");
    }
}
