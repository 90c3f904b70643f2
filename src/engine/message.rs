//! restic's `--json` lines, read tolerantly: a field that is missing or of another type is simply not known.
//!
//! Shapes: restic's manual, "Scripting". 0.14 differs: its summary lacks `data_added_packed` and gives a short
//! snapshot id, and its errors are Go's own error objects instead of `{"message": …}`.

use serde_json::{Map, Value};

/// One message of restic's.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// How far it is.
    Status(Status),
    /// What it did with one item, or that the scan is over (`-vv` only).
    Verbose(Verbose),
    /// What came of it.
    Summary(Box<Summary>),
    /// Something that went wrong with one item.
    Error(ItemError),
    /// Why it ends; may have several lines.
    ExitError(String),
}

/// How far restic is (backup, and restore from 0.16 on).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Status {
    /// Files read, restored, or found unchanged by a restore so far.
    pub files_done: u64,
    /// Files found so far; grows until the scan is over.
    pub total_files: u64,
    /// The same in bytes.
    pub bytes_done: u64,
    /// Bytes found so far.
    pub total_bytes: u64,
}

/// What restic did with one item.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verbose {
    /// `new`, `modified`, `unchanged`, `scan_finished`, ...
    pub action: String,
    /// Path; ends with a slash for folders.
    pub item: String,
    /// Seconds.
    pub duration: f64,
    /// Bytes of file content.
    pub data_size: u64,
    /// The same as stored.
    pub data_size_in_repo: u64,
    /// Bytes of the folder's listing as stored.
    pub metadata_size_in_repo: u64,
    /// Files found, with `scan_finished`.
    pub total_files: u64,
}

/// What came of a backup or a restore. Fields that this version of restic does not give are `None`; a restore leaves
/// out what is zero.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// Nothing was written.
    pub dry_run: bool,
    /// Files: new, changed, unmodified; `None` for a restore.
    pub files: Option<[u64; 3]>,
    /// Folders: new, changed, unmodified.
    pub dirs: [u64; 3],
    /// New blobs of file content.
    pub data_blobs: u64,
    /// New blobs of listings.
    pub tree_blobs: u64,
    /// Bytes that were new.
    pub data_added: Option<u64>,
    /// The same as stored (0.17 and later).
    pub data_added_packed: Option<u64>,
    /// Files that were looked at.
    pub files_processed: u64,
    /// Bytes that were looked at.
    pub bytes_processed: u64,
    /// Seconds; `None` where restic gives nonsense (`--skip-if-unchanged` in 0.18 counts from the year 1).
    pub duration: Option<f64>,
    /// Full id (short before 0.16); empty if no snapshot was made.
    pub snapshot: String,
    /// Restore: files and folders that were written.
    pub files_restored: u64,
    /// Restore: files that were there already, unchanged (0.17 and later).
    pub files_skipped: u64,
    /// Restore: files and folders that were looked at.
    pub files_total: Option<u64>,
    /// Restore: bytes that were written.
    pub bytes_restored: u64,
    /// check: errors found.
    pub errors: Option<u64>,
}

/// Something that went wrong with one item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemError {
    /// What went wrong, as restic says it on a terminal.
    pub text: String,
    /// `scan`, `archival`, `restore`; empty for check.
    pub during: String,
    /// The path; empty if it is no single item's.
    pub item: String,
}

/// The fields of one line.
struct Fields(Map<String, Value>);

impl Fields {
    fn text(&self, name: &str) -> String {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    fn count(&self, name: &str) -> Option<u64> {
        self.0.get(name).and_then(Value::as_u64)
    }

    fn number(&self, name: &str) -> u64 {
        self.count(name).unwrap_or(0)
    }

    /// What a restore is done with: written, or found unchanged.
    fn done(&self, what: &str) -> u64 {
        self.number(&format!("{what}_restored")).saturating_add(self.number(&format!("{what}_skipped")))
    }

    fn seconds(&self, name: &str) -> Option<f64> {
        self.0.get(name).and_then(Value::as_f64).filter(|seconds| *seconds >= 0.0)
    }

    fn three(&self, names: [&str; 3]) -> Option<[u64; 3]> {
        Some([self.count(names[0])?, self.number(names[1]), self.number(names[2])])
    }
}

impl Message {
    /// Reads one line; `None` if it is no message of a known type.
    pub fn parse(line: &str) -> Option<Self> {
        if !line.starts_with('{') {
            return None;
        }
        let fields = Fields(serde_json::from_str(line).ok()?);
        match fields.text("message_type").as_str() {
            // 0.14 says the end of the scan under the type `status`.
            "status" if fields.text("action").is_empty() => Some(Self::Status(Status {
                files_done: fields.count("files_done").unwrap_or_else(|| fields.done("files")),
                total_files: fields.number("total_files"),
                bytes_done: fields.count("bytes_done").unwrap_or_else(|| fields.done("bytes")),
                total_bytes: fields.number("total_bytes"),
            })),
            "status" | "verbose_status" => Some(Self::Verbose(Verbose {
                action: fields.text("action"),
                item: fields.text("item"),
                duration: fields.seconds("duration").unwrap_or(0.0),
                data_size: fields.number("data_size"),
                data_size_in_repo: fields.number("data_size_in_repo"),
                metadata_size_in_repo: fields.number("metadata_size_in_repo"),
                total_files: fields.number("total_files"),
            })),
            "summary" => Some(Self::Summary(Box::new(summary(&fields)))),
            "error" => Some(Self::Error(ItemError {
                text: error_text(&fields),
                during: fields.text("during"),
                item: fields.text("item"),
            })),
            "exit_error" => Some(Self::ExitError(fields.text("message"))),
            _ => None,
        }
    }
}

fn summary(fields: &Fields) -> Summary {
    Summary {
        dry_run: fields.0.get("dry_run").and_then(Value::as_bool).unwrap_or(false),
        files: fields.three(["files_new", "files_changed", "files_unmodified"]),
        dirs: fields.three(["dirs_new", "dirs_changed", "dirs_unmodified"]).unwrap_or_default(),
        data_blobs: fields.number("data_blobs"),
        tree_blobs: fields.number("tree_blobs"),
        data_added: fields.count("data_added"),
        data_added_packed: fields.count("data_added_packed"),
        files_processed: fields.number("total_files_processed"),
        bytes_processed: fields.number("total_bytes_processed"),
        duration: fields.seconds("total_duration").or_else(|| fields.seconds("seconds_elapsed")),
        snapshot: fields.text("snapshot_id"),
        files_restored: fields.number("files_restored"),
        files_skipped: fields.number("files_skipped"),
        files_total: fields.count("total_files"),
        bytes_restored: fields.number("bytes_restored"),
        errors: fields.count("num_errors"),
    }
}

/// The text of an error: `error.message` (0.17 and later), or what is left of Go's own error object.
fn error_text(fields: &Fields) -> String {
    let Some(error) = fields.0.get("error") else {
        return fields.text("message").trim_end().to_owned();
    };
    if let Some(text) = error.as_str().or_else(|| error.get("message").and_then(Value::as_str)) {
        return text.to_owned();
    }
    let part = |name: &str| error.get(name).and_then(Value::as_str);
    let cause = match error.get("Err") {
        Some(Value::Number(number)) => number.as_i64().map(system_error),
        Some(Value::String(text)) => Some(text.clone()),
        _ => None,
    };
    // Go prints a PathError as `op path: cause`, a SyscallError as `syscall: cause`.
    match (part("Op").or_else(|| part("Syscall")), part("Path"), cause) {
        (Some(op), Some(path), Some(cause)) => format!("{op} {path}: {cause}"),
        (Some(op), None, Some(cause)) => format!("{op}: {cause}"),
        _ => format!("{}: {error}", fields.text("item")),
    }
}

/// The system's text for an error number, in lower case as Go has it.
fn system_error(number: i64) -> String {
    let Ok(number) = i32::try_from(number) else { return format!("errno {number}") };
    let text = std::io::Error::from_raw_os_error(number).to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(line: &str) -> Message {
        Message::parse(line).expect("is a message")
    }

    #[test]
    fn a_summary_of_0_18_gives_sizes_and_the_full_id() {
        let line = r#"{"message_type":"summary","files_new":2,"files_changed":1,"files_unmodified":5,"dirs_new":0,
            "dirs_changed":1,"dirs_unmodified":1,"data_blobs":3,"tree_blobs":2,"data_added":33100,
            "data_added_packed":31276,"total_files_processed":8,"total_bytes_processed":90015,"total_duration":0.75,
            "backup_start":"2026-01-02T03:04:05Z","snapshot_id":"7cbf6ac4a363c809"}"#;
        let Message::Summary(summary) = parsed(line) else { panic!("is a summary") };
        assert_eq!(summary.files, Some([2, 1, 5]));
        assert_eq!((summary.data_added, summary.data_added_packed), (Some(33_100), Some(31_276)));
        assert_eq!((summary.snapshot.as_str(), summary.duration), ("7cbf6ac4a363c809", Some(0.75)));
    }

    #[test]
    fn a_duration_below_zero_is_not_known() {
        let line = r#"{"message_type":"summary","files_new":0,"total_duration":-9223372036.854776}"#;
        let Message::Summary(summary) = parsed(line) else { panic!("is a summary") };
        assert_eq!((summary.duration, summary.snapshot.as_str()), (None, ""));
    }

    #[test]
    fn errors_of_0_14_and_0_18_read_the_same() {
        let old =
            r#"{"message_type":"error","error":{"Op":"open","Path":"/x","Err":13},"during":"archival","item":"/x"}"#;
        let new = r#"{"message_type":"error","error":{"message":"open /x: permission denied"},"during":"archival","item":"/x"}"#;
        assert_eq!(parsed(old), parsed(new));
    }

    #[test]
    fn the_end_of_the_scan_is_no_status_in_0_14() {
        let line = r#"{"message_type":"status","action":"scan_finished","item":"","duration":0.2,"data_size":7,"total_files":3}"#;
        let Message::Verbose(verbose) = parsed(line) else { panic!("is verbose") };
        assert_eq!((verbose.action.as_str(), verbose.data_size, verbose.total_files), ("scan_finished", 7, 3));
    }

    #[test]
    fn a_restore_is_done_with_what_it_wrote_and_with_what_it_found_unchanged() {
        let line = r#"{"message_type":"status","total_files":9,"files_restored":2,"files_skipped":3,"total_bytes":10,
            "bytes_restored":4,"bytes_skipped":1}"#;
        let done = Status { files_done: 5, total_files: 9, bytes_done: 5, total_bytes: 10 };
        assert_eq!(parsed(line), Message::Status(done));
        let line = r#"{"message_type":"summary","seconds_elapsed":65,"total_files":7,"files_restored":6,
            "files_skipped":1,"total_bytes":2048,"bytes_restored":1536}"#;
        let Message::Summary(summary) = parsed(line) else { panic!("is a summary") };
        assert_eq!((summary.files_restored, summary.files_skipped, summary.files_total), (6, 1, Some(7)));
        assert_eq!((summary.bytes_restored, summary.duration), (1536, Some(65.0)));
    }

    #[test]
    fn what_is_no_message_is_none() {
        for line in ["", "snapshot 0a1b2c3d saved", "{", "[]", "{\"message_type\":\"unheard-of\"}", "{\"a\":1}"] {
            assert_eq!(Message::parse(line), None, "{line}");
        }
    }

    #[test]
    fn a_field_of_another_type_costs_only_itself() {
        let line = r#"{"message_type":"status","files_done":"many","bytes_done":5,"total_files":-3}"#;
        assert_eq!(parsed(line), Message::Status(Status { bytes_done: 5, ..Status::default() }));
    }

    proptest! {
        #[test]
        fn no_line_makes_the_parser_panic(line: String) {
            let _ = Message::parse(&line);
            let _ = Message::parse(&format!("{{{line}"));
        }

        #[test]
        fn no_error_object_makes_the_parser_panic(number: i64, op: String) {
            let error = serde_json::json!({"message_type": "error", "error": {"Op": op, "Err": number}});
            prop_assert!(matches!(Message::parse(&error.to_string()), Some(Message::Error(_))));
        }
    }
}
