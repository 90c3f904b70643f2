//! `last-<job>.json`.

use super::masked::masked;
use super::{Document, beside, json};
use crate::masking::Secrets;
use chrono::{DateTime, Local};
use serde_json::{Map, Value};
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Writes the summary: beside, synced, renamed.
///
/// # Errors
/// When it cannot be written; an earlier summary then stands untouched.
pub fn write(path: &Path, document: &Document, secrets: &Secrets) -> io::Result<()> {
    beside::replace(path, json::summary(&masked(document, secrets)).as_bytes())
}

/// How much of a summary is read. What a long list of hooks printed may lie beyond; the scalars stand before it.
const READ_AT_MOST: u64 = 1024 * 1024;

/// `last_success_at` of the summary at `path`, as far as it can be read (also of one that the reference image wrote).
pub fn last_success(path: &Path) -> Option<DateTime<Local>> {
    let keys = head(path)?;
    match keys.get("last_success_at") {
        Some(time) => time.as_str().and_then(parse),
        // A document of the reference image: it knows the last run only.
        None if keys.get("exit_code")?.as_i64() == Some(0) => parse(keys.get("finished_at")?.as_str()?),
        None => None,
    }
}

fn head(path: &Path) -> Option<Map<String, Value>> {
    // A pipe in the summary's place must not keep a run waiting.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC).open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(READ_AT_MOST).read_to_end(&mut bytes).ok()?;
    Some(scalars(&String::from_utf8_lossy(&bytes)))
}

/// The id of the run that the summary at `path` is of; `None` if there is none, or it is of the reference image.
pub fn run_id(path: &Path) -> Option<String> {
    head(path)?.get("run_id")?.as_str().map(str::to_owned)
}

/// The top-level keys of a document; of one that is no JSON as a whole (cut off, or with raw control characters, as
/// the reference image may write it) those that stand alone on their lines.
fn scalars(text: &str) -> Map<String, Value> {
    if let Ok(keys) = serde_json::from_str(text) {
        return keys;
    }
    let mut keys = Map::new();
    // What is nested is indented deeper.
    for line in text.lines().filter(|line| line.starts_with("  \"")) {
        let line = line.trim().trim_end_matches(',');
        if let Ok(pair) = serde_json::from_str::<Map<String, Value>>(&format!("{{{line}}}")) {
            keys.extend(pair);
        }
    }
    keys
}

fn parse(time: &str) -> Option<DateTime<Local>> {
    let parsed = DateTime::parse_from_str(time, json::TIME).or_else(|_| DateTime::parse_from_rfc3339(time));
    Some(parsed.ok()?.with_timezone(&Local))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;
    use std::fs;

    fn last_success_of(content: impl AsRef<[u8]>) -> Option<DateTime<Local>> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("last-check.json");
        fs::write(&path, content).expect("is written");
        last_success(&path)
    }

    fn at(time: &str) -> DateTime<Local> {
        DateTime::parse_from_rfc3339(time).expect("is a time").with_timezone(&Local)
    }

    const REFERENCE: &str = r#"{
  "job": "check",
  "hostname": "node-a",
  "finished_at": "2026-03-01T04:00:41+0100",
  "repository": "x",
  "exit_code": 0
}
"#;

    #[test]
    fn what_was_written_is_read_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("last-backup.json");
        let mut document = fixture::document();
        write(&path, &document, &Secrets::new()).expect("is written");
        assert_eq!(last_success(&path), document.last_success_at);
        document.last_success_at = None;
        document.exit_code = 0;
        write(&path, &document, &Secrets::new()).expect("is written");
        assert_eq!(last_success(&path), None, "a run that was called off ends with 0, too");
    }

    #[test]
    fn secrets_do_not_reach_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("last-backup.json");
        let mut secrets = Secrets::new();
        secrets.add("hooks");
        let mut document = fixture::document();
        document.reason = "the word is hooks".to_owned();
        write(&path, &document, &secrets).expect("is written");
        let text = fs::read_to_string(&path).expect("is there");
        assert!(text.contains(r#""reason": "the word is ***","#), "{text}");
        assert!(text.contains("  \"hooks\": [\n"), "keys stay: {text}");
        assert!(text.contains(r#""source":"/***/pre-backup.sh""#), "{text}");
    }

    #[test]
    fn a_document_of_the_reference_image_counts_if_it_is_a_success() {
        assert_eq!(last_success_of(REFERENCE), Some(at("2026-03-01T04:00:41+01:00")));
        assert_eq!(last_success_of(REFERENCE.replace("_code\": 0", "_code\": 3")), None);
    }

    #[test]
    fn raw_control_characters_and_broken_text_are_read_past() {
        let broken = REFERENCE.replace("\"x\"", "\"\u{1b}x\"").into_bytes();
        assert_eq!(last_success_of(&broken), Some(at("2026-03-01T04:00:41+01:00")));
        let not_utf8: Vec<u8> = broken.iter().map(|byte| if *byte == 0x1b { 0xff } else { *byte }).collect();
        assert_eq!(last_success_of(not_utf8), Some(at("2026-03-01T04:00:41+01:00")));
    }

    #[test]
    fn a_nested_exit_code_is_not_the_runs() {
        let broken =
            REFERENCE.replace("  \"exit_code\": 0\n", "  \"work\": {\"exit_code\":0},\n    \"exit_code\": 0\n");
        assert_eq!(last_success_of(broken.replace("\"x\"", "\"\u{1b}\"")), None);
    }

    #[test]
    fn a_document_longer_than_is_read_is_understood_by_its_head() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("last-backup.json");
        let mut document = fixture::document();
        document.hooks[0].output_tail = "\u{1b}".repeat(300_000);
        write(&path, &document, &Secrets::new()).expect("is written");
        assert!(fs::metadata(&path).expect("is there").len() > READ_AT_MOST);
        assert_eq!(last_success(&path), document.last_success_at);
    }

    #[test]
    fn garbage_is_no_success() {
        for garbage in ["", "{", "[]", "null", "{\"last_success_at\": 7}", "{\"last_success_at\": \"yesterday\"}"] {
            assert_eq!(last_success_of(garbage), None, "{garbage}");
        }
        assert_eq!(last_success_of([0xff; 4096]), None);
        assert_eq!(last_success(Path::new("/nowhere/last-backup.json")), None);
        assert_eq!(last_success(Path::new("/")), None);
    }

    #[test]
    fn a_pipe_in_its_place_keeps_nobody_waiting() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("last-backup.json");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("is made");
        assert_eq!(last_success(&path), None);
    }
}
