//! What restic prints for people, made from what it says with `--json`: people's hooks search the log for it.

use super::{ItemError, Message, Summary, Verbose, Voice};
use std::borrow::Cow;

/// A size as restic prints it: `0 B`, `1.234 MiB`.
pub fn bytes(count: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.iter().find(|(size, _)| count >= *size) {
        Some((size, unit)) => format!("{:.3} {unit}", count as f64 / *size as f64),
        None => format!("{count} B"),
    }
}

/// A duration as restic prints it: `0:07`, `1:02:03`.
pub fn clock(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// A name as restic prints it: in quotes if it holds something that would break the line.
fn quoted(name: &str) -> String {
    if name.chars().any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER) {
        format!("\"{}\"", name.escape_debug())
    } else {
        name.to_owned()
    }
}

/// The lines before the first file, as far as they can be told from outside.
pub(super) fn opening(voice: &Voice, root: &str) -> Vec<String> {
    if voice.level < 2 {
        return Vec::new();
    }
    let mut lines = vec!["open repository".to_owned(), "load index files".to_owned()];
    if !root.is_empty() {
        lines.push(format!("start scan on [{root}]"));
        lines.push(format!("start backup on [{root}]"));
    }
    lines
}

/// The line on one item (`-vv`); `None` for an action that restic prints nothing on.
pub(super) fn item(verbose: &Verbose) -> Option<String> {
    let item = quoted(&verbose.item);
    let is_dir = verbose.item.ends_with('/');
    let (added, stored) = (bytes(verbose.data_size), bytes(verbose.data_size_in_repo));
    let (seconds, metadata) = (verbose.duration, bytes(verbose.metadata_size_in_repo));
    match (verbose.action.as_str(), is_dir) {
        ("unchanged", _) => Some(format!("unchanged {item}")),
        ("new", false) => Some(format!("new       {item}, saved in {seconds:.3}s ({added} added)")),
        ("modified", false) => {
            Some(format!("modified  {item}, saved in {seconds:.3}s ({added} added, {stored} stored)"))
        }
        ("new" | "modified", true) => Some(format!(
            "{:<9} {item}, saved in {seconds:.3}s ({added} added, {stored} stored, {metadata} metadata)",
            verbose.action
        )),
        ("scan_finished", _) => Some(format!("scan finished in {seconds:.3}s: {} files, {added}", verbose.total_files)),
        _ => None,
    }
}

/// The line on something that went wrong with one item.
pub(super) fn error(error: &ItemError) -> String {
    let ItemError { text, during, item } = error;
    match during.as_str() {
        "scan" => format!("scan: {text}"),
        "restore" if !item.is_empty() => format!("ignoring error for {item}: {text}"),
        _ => format!("error: {text}"),
    }
}

/// A line of standard error as it would be without `--json`; several lines for some reasons of an end.
pub fn plainly(line: &str) -> Cow<'_, str> {
    match Message::parse(line) {
        Some(Message::Error(item)) => Cow::Owned(error(&item)),
        Some(Message::ExitError(text)) => Cow::Owned(text.trim_end().to_owned()),
        _ => Cow::Borrowed(line),
    }
}

/// Which snapshot the files were compared with. restic keeps the id to itself under `--json`, so it is named only
/// where the operator named it; whether there was one at all shows in what it recognised.
fn parent(summary: &Summary, voice: &Voice) -> String {
    let known = |counts: [u64; 3]| counts[1] + counts[2] > 0;
    match (&voice.parent, summary.files.is_some_and(known) || known(summary.dirs)) {
        (_, false) => "no parent snapshot found, will read all files".to_owned(),
        (Some(parent), true) => format!("using parent snapshot {}", parent.chars().take(8).collect::<String>()),
        (None, true) => "using parent snapshot".to_owned(),
    }
}

/// The lines after the last file. `took` stands in for a duration that restic does not give.
pub(super) fn closing(summary: &Summary, voice: &Voice, took: u64) -> Vec<String> {
    let mut lines = Vec::new();
    if voice.level == 0 {
        return lines;
    }
    lines.push(parent(summary, voice));
    lines.push(String::new());
    let three = |counts: [u64; 3]| format!("{:5} new, {:5} changed, {:5} unmodified", counts[0], counts[1], counts[2]);
    lines.push(format!("Files:       {}", three(summary.files.unwrap_or_default())));
    lines.push(format!("Dirs:        {}", three(summary.dirs)));
    if voice.level >= 2 {
        lines.push(format!("Data Blobs:  {:5} new", summary.data_blobs));
        lines.push(format!("Tree Blobs:  {:5} new", summary.tree_blobs));
    }
    if let Some(added) = summary.data_added {
        let verb = if summary.dry_run { "Would add" } else { "Added" };
        let stored = summary.data_added_packed.map(|packed| format!(" ({:<5} stored)", bytes(packed)));
        let line = format!("{verb} to the repository: {:<5}{}", bytes(added), stored.unwrap_or_default());
        lines.push(line.trim_end().to_owned());
    }
    lines.push(String::new());
    let took = summary.duration.map_or(took, |seconds| seconds as u64);
    let size = bytes(summary.bytes_processed);
    lines.push(format!("processed {} files, {size} in {}", summary.files_processed, clock(took)));
    if !summary.dry_run {
        lines.push(if summary.snapshot.is_empty() {
            "skipped creating snapshot".to_owned()
        } else {
            format!("snapshot {} saved", summary.snapshot.chars().take(8).collect::<String>())
        });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_restics() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(90_004), "87.895 KiB");
        assert_eq!(bytes(3_000_000), "2.861 MiB");
        assert_eq!(bytes(1 << 40), "1.000 TiB");
        assert_eq!((clock(7), clock(754), clock(3723)), ("0:07".into(), "12:34".into(), "1:02:03".into()));
    }

    #[test]
    fn a_summary_reads_as_restic_prints_it() {
        let summary = Summary {
            files: Some([2, 1, 5]),
            dirs: [0, 1, 1],
            data_added: Some(0),
            data_added_packed: Some(0),
            files_processed: 8,
            bytes_processed: 90_015,
            duration: Some(61.9),
            snapshot: "7cbf6ac4a363c809".into(),
            ..Summary::default()
        };
        let lines = closing(&summary, &Voice { level: 1, ..Voice::default() }, 5);
        assert_eq!(
            lines,
            [
                "using parent snapshot",
                "",
                "Files:           2 new,     1 changed,     5 unmodified",
                "Dirs:            0 new,     1 changed,     1 unmodified",
                "Added to the repository: 0 B   (0 B   stored)",
                "",
                "processed 8 files, 87.905 KiB in 1:01",
                "snapshot 7cbf6ac4 saved",
            ]
        );
    }

    #[test]
    fn without_a_stored_size_none_is_claimed() {
        let summary = Summary { data_added: Some(2048), files: Some([1, 0, 0]), ..Summary::default() };
        let lines = closing(&summary, &Voice { level: 1, ..Voice::default() }, 0);
        assert!(lines.contains(&"Added to the repository: 2.000 KiB".to_owned()), "{lines:?}");
        assert_eq!(lines[0], "no parent snapshot found, will read all files");
        assert_eq!(lines.last().map(String::as_str), Some("skipped creating snapshot"));
    }

    #[test]
    fn a_dry_run_saves_nothing() {
        let summary = Summary { dry_run: true, data_added: Some(1), snapshot: "91b01240".into(), ..Summary::default() };
        let lines = closing(&summary, &Voice { level: 1, ..Voice::default() }, 0);
        assert!(lines.contains(&"Would add to the repository: 1 B".to_owned()), "{lines:?}");
        assert!(!lines.iter().any(|line| line.contains("saved")), "{lines:?}");
    }

    #[test]
    fn a_name_with_a_line_break_stays_on_its_line() {
        let verbose = Verbose { action: "unchanged".into(), item: "/a\nb".into(), ..Verbose::default() };
        assert_eq!(item(&verbose).as_deref(), Some("unchanged \"/a\\nb\""));
    }

    #[test]
    fn errors_read_the_same_with_json_and_without() {
        let error = r#"{"message_type":"error","error":{"message":"remove /o/a: directory not empty"},"during":"restore","item":"/a"}"#;
        assert_eq!(plainly(error), "ignoring error for /a: remove /o/a: directory not empty");
        let end = r#"{"message_type":"exit_error","code":1,"message":"Fatal: There were 1 errors\n"}"#;
        assert_eq!(plainly(end), "Fatal: There were 1 errors");
        assert_eq!(plainly("warning: {x}"), "warning: {x}");
    }

    #[test]
    fn items_read_as_restic_prints_them() {
        let dir = Verbose {
            action: "modified".into(),
            item: "/src/".into(),
            duration: 0.0046,
            metadata_size_in_repo: 538,
            ..Verbose::default()
        };
        assert_eq!(
            item(&dir).as_deref(),
            Some("modified  /src/, saved in 0.005s (0 B added, 0 B stored, 538 B metadata)")
        );
        let file = Verbose { action: "new".into(), item: "/src/b".into(), data_size: 2, ..Verbose::default() };
        assert_eq!(item(&file).as_deref(), Some("new       /src/b, saved in 0.000s (2 B added)"));
    }
}
