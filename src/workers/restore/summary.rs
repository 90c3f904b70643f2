//! What restic says while it restores: its summary in both of its forms, and what else matters.
//!
//! restic 0.14 has neither a summary nor JSON for `restore`; JSON came with 0.16, what is skipped with 0.17.

use crate::engine::{self, Message, Status, bytes, clock};

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Files and folders that were written.
    pub files: u64,
    /// Files and folders that were there already, unchanged.
    pub skipped: u64,
    /// Files and folders that were looked at, where restic says so.
    pub total: Option<u64>,
    /// What was written, as restic shows sizes: `1.234 KiB`.
    pub size: String,
    /// The same in bytes, where restic says so.
    pub bytes: Option<u64>,
    /// `0:05` or `1:02:03`.
    pub elapsed: String,
}

impl From<&engine::Summary> for Summary {
    fn from(said: &engine::Summary) -> Self {
        Self {
            files: said.files_restored,
            skipped: said.files_skipped,
            total: said.files_total,
            size: bytes(said.bytes_restored),
            bytes: Some(said.bytes_restored),
            elapsed: clock(said.duration.unwrap_or_default() as u64),
        }
    }
}

impl Summary {
    /// Whether the includes matched nothing: nothing was written, and nothing was there already.
    pub fn is_of_nothing(&self) -> bool {
        self.files == 0 && self.skipped == 0
    }

    /// As restic writes it for people, so that the log reads the same either way.
    pub fn text(&self) -> String {
        let skipped = if self.skipped > 0 { format!(", skipped {} files/dirs", self.skipped) } else { String::new() };
        format!("Summary: Restored {} files/dirs ({}) in {}{skipped}", self.files, self.size, self.elapsed)
    }

    fn from_text(line: &str) -> Option<Self> {
        let rest = line.trim_start().strip_prefix("Summary: Restored ")?;
        let (count, rest) = rest.split_once(" files/dirs (")?;
        let (size, rest) = rest.split_once(") in ")?;
        let mut tail = rest.split(", ");
        let elapsed = tail.next()?.trim().to_owned();
        // Either N, or A / B: done and total, of files and of sizes alike.
        let mut counts = count.split(" / ").map(|n| n.trim().parse::<u64>());
        let files = counts.next()?.ok()?;
        let total = counts.next().transpose().ok()?;
        let skipped = tail
            .find_map(|part| part.strip_prefix("skipped ")?.split_whitespace().next()?.parse().ok())
            .unwrap_or_default();
        let size = size.split(" / ").next()?.trim().to_owned();
        Some(Self { files, skipped, total, size, bytes: None, elapsed })
    }
}

/// One line of standard output, understood.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    /// The summary.
    Summary(Summary),
    /// How far it is.
    Status(Status),
    /// Which snapshot it is, by its short id.
    Restoring(String),
    /// Anything else.
    Other,
}

/// Understands a line, JSON or not.
pub fn understand(line: &str) -> Said {
    match Message::parse(line) {
        Some(Message::Summary(said)) => return Said::Summary(Summary::from(&*said)),
        Some(Message::Status(status)) => return Said::Status(status),
        Some(_) => return Said::Other,
        None => {}
    }
    match (Summary::from_text(line), restoring(line)) {
        (Some(summary), _) => Said::Summary(summary),
        (None, Some(id)) => Said::Restoring(id.to_owned()),
        (None, None) => Said::Other,
    }
}

/// `restoring <Snapshot ID of ...` (until 0.15) and `restoring snapshot ID of ...`.
fn restoring(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("restoring <Snapshot ").or_else(|| line.strip_prefix("restoring snapshot "))?;
    let id = rest.split_whitespace().next()?;
    id.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(line: &str) -> Summary {
        match understand(line) {
            Said::Summary(summary) => summary,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn the_plain_summary_is_read() {
        let read = summary("Summary: Restored 12 files/dirs (1.234 KiB) in 1:02:03");
        assert_eq!((read.files, read.skipped, read.total), (12, 0, None));
        assert_eq!((read.size.as_str(), read.elapsed.as_str()), ("1.234 KiB", "1:02:03"));
        assert_eq!(read.text(), "Summary: Restored 12 files/dirs (1.234 KiB) in 1:02:03");
    }

    #[test]
    fn the_summary_with_totals_and_its_tails_is_read() {
        let read = summary(
            "Summary: Restored 2 / 5 files/dirs (4 B / 10.000 MiB) in 0:05, skipped 3 files/dirs 9.9 MiB, deleted 1 files/dirs",
        );
        assert_eq!((read.files, read.skipped, read.total), (2, 3, Some(5)));
        assert_eq!((read.size.as_str(), read.elapsed.as_str()), ("4 B", "0:05"));
    }

    #[test]
    fn an_unchanged_file_is_a_match_and_nothing_is_none() {
        assert!(
            !summary("Summary: Restored 0 / 1 files/dirs (0 B / 4 B) in 0:00, skipped 1 files/dirs 4 B")
                .is_of_nothing()
        );
        assert!(summary("Summary: Restored 0 files/dirs (0 B) in 0:00").is_of_nothing());
        assert!(summary("Summary: Restored 0 / 1 files/dirs (0 B) in 0:00").is_of_nothing());
    }

    #[test]
    fn the_json_summary_gives_the_same_text() {
        let read = summary(
            r#"{"message_type":"summary","seconds_elapsed":65,"total_files":7,"files_restored":6,"files_skipped":1,"total_bytes":2048,"bytes_restored":1536}"#,
        );
        assert_eq!((read.files, read.skipped, read.total, read.bytes), (6, 1, Some(7), Some(1536)));
        assert_eq!(read.text(), "Summary: Restored 6 files/dirs (1.500 KiB) in 1:05, skipped 1 files/dirs");
        assert!(summary(r#"{"message_type":"summary","total_files":0}"#).is_of_nothing());
    }

    #[test]
    fn progress_snapshots_and_plain_lines_are_told_apart() {
        let status =
            r#"{"message_type":"status","percent_done":0.5,"total_files":2,"total_bytes":10,"bytes_restored":4}"#;
        let half = Status { total_files: 2, bytes_done: 4, total_bytes: 10, ..Status::default() };
        assert_eq!(understand(status), Said::Status(half));
        for line in
            ["restoring <Snapshot d7407632 of [/x] at now> to out", "restoring snapshot d7407632 of [/x] to out"]
        {
            assert_eq!(understand(line), Said::Restoring("d7407632".to_owned()));
        }
        for line in ["verifying files", "Summary: Restored x files/dirs (y) in z", "{\"message_type\":\"error\"}"] {
            assert_eq!(understand(line), Said::Other, "{line}");
        }
    }
}
