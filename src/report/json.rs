//! The text of `last-<job>.json` and of the webhook's body.
//!
//! One key per line, because old readers match lines. What is new and nested stands on one line per object and without
//! a blank behind the colon, so that a search for `"exit_code": 0` finds the run's own and no other.

use super::Document;
use chrono::{DateTime, Local};
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// The form of every time (contract: reports, section 1): local, with the offset, without a colon in it.
pub const TIME: &str = "%Y-%m-%dT%H:%M:%S%z";

/// The whole summary, with a newline at its end.
pub(super) fn summary(document: &Document) -> String {
    // A list among the statistics is one of the contract's nested arrays: a key of its own, behind `exit_code`.
    let (lists, stats): (Map<_, _>, Map<_, _>) =
        document.stats.clone().into_iter().partition(|(_, value)| value.is_array());
    let nested = [
        ("work", serde_json::to_value(&document.work).unwrap_or_default()),
        ("stats", Value::Object(stats)),
        ("hooks", serde_json::to_value(&document.hooks).unwrap_or_default()),
    ];
    let mut keys = contract(document);
    for (key, value) in lists {
        if !is_ours(&key) {
            keys.insert(key, value);
        }
    }
    keys.extend(scalars(document));
    keys.extend(nested.map(|(key, value)| (key.to_owned(), value)));
    let mut text = lines(&keys);
    text.push('\n');
    text
}

/// What the webhook carries: the summary without what is nested, and without a newline at its end.
pub(super) fn webhook(document: &Document) -> String {
    let mut keys = contract(document);
    keys.extend(scalars(document));
    lines(&keys)
}

/// The keys that exist in every summary; an extra of the same name would hide one of them.
const OURS: &[&str] = &[
    "job",
    "hostname",
    "release",
    "started_at",
    "finished_at",
    "duration_seconds",
    "exit_code",
    "run_id",
    "trigger",
    "status",
    "reason",
    "last_success_at",
    "hooks_verdict",
    "work",
    "stats",
    "hooks",
];

fn is_ours(key: &str) -> bool {
    OURS.contains(&key)
}

fn contract(document: &Document) -> Map<String, Value> {
    let mut keys = Map::new();
    keys.insert("job".to_owned(), document.job.as_str().into());
    keys.insert("hostname".to_owned(), document.hostname.as_str().into());
    keys.insert("release".to_owned(), document.release.as_str().into());
    keys.insert("started_at".to_owned(), time(document.started_at));
    keys.insert("finished_at".to_owned(), time(document.finished_at));
    keys.insert("duration_seconds".to_owned(), document.duration_seconds.into());
    for (key, value) in &document.extras {
        if !is_ours(key) {
            keys.insert(key.clone(), value.as_str().into());
        }
    }
    keys.insert("exit_code".to_owned(), document.exit_code.into());
    keys
}

fn scalars(document: &Document) -> Map<String, Value> {
    let mut keys = Map::new();
    keys.insert("run_id".to_owned(), document.run_id.as_str().into());
    keys.insert("trigger".to_owned(), document.trigger.as_str().into());
    keys.insert("status".to_owned(), document.status.word().into());
    keys.insert("reason".to_owned(), document.reason.as_str().into());
    keys.insert("last_success_at".to_owned(), document.last_success_at.map_or(Value::Null, time));
    keys.insert("hooks_verdict".to_owned(), document.hooks_verdict.as_str().into());
    keys
}

fn time(time: DateTime<Local>) -> Value {
    time.format(TIME).to_string().into()
}

/// `{`, one key per line indented by two blanks, `}`.
fn lines(keys: &Map<String, Value>) -> String {
    let mut text = String::from("{\n");
    for (index, (key, value)) in keys.iter().enumerate() {
        let comma = if index + 1 < keys.len() { "," } else { "" };
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {}: {}{comma}", Value::from(key.as_str()), one_value(value));
    }
    text.push('}');
    escape_controls(&text)
}

/// A value on one line; an array with one line per element.
fn one_value(value: &Value) -> String {
    match value {
        Value::Array(items) if !items.is_empty() => {
            let items: Vec<_> = items.iter().map(|item| format!("    {item}")).collect();
            format!("[\n{}\n  ]", items.join(",\n"))
        }
        other => other.to_string(),
    }
}

/// JSON wants escapes below U+0020 only; the other control characters do their mischief on a terminal, and the two
/// Unicode line ends in readers that count lines by them. Outside of strings there are none.
fn escape_controls(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}') {
            let _ = write!(escaped, "\\u{:04x}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Status, WorkRecord, fixture};
    use proptest::prelude::*;
    use serde_json::json;

    /// A text of a place one hour east of Greenwich as this machine would write it.
    fn here(text: &str) -> String {
        text.replace("+0100", &fixture::noon().format("%z").to_string())
    }

    #[test]
    fn the_summary_has_every_key_in_its_place() {
        let mut document = fixture::document();
        document.stats.insert("canary_results".to_owned(), json!([{"path": "a", "status": "passed"}, {"path": "b"}]));
        document.hooks.push(fixture::hook("post-backup", "post", "skipped"));
        let expected = r#"{
  "job": "backup",
  "hostname": "node-a",
  "release": "1.0.0-0.18.1",
  "started_at": "2026-03-01T12:00:00+0100",
  "finished_at": "2026-03-01T12:05:12+0100",
  "duration_seconds": 312,
  "repository": "rest:https://alice:***@repo.example/main",
  "backup_root_dir": "/data",
  "restic_tag": "2024",
  "snapshot_id": "0a1b2c3d",
  "files_new": "3",
  "bytes_added": "20.1 MiB",
  "exit_code": 0,
  "canary_results": [
    {"path":"a","status":"passed"},
    {"path":"b"}
  ],
  "run_id": "20260301T110000Z-backup-0badcafe",
  "trigger": "schedule",
  "status": "success",
  "reason": "",
  "last_success_at": "2026-03-01T12:05:12+0100",
  "hooks_verdict": "ok",
  "work": {"status":"completed","exit_code":0,"reason":""},
  "stats": {"files_new":3,"bytes_added":21076377,"dry_run":false},
  "hooks": [
    {"name":"pre-backup","source":"/hooks/pre-backup.sh","phase":"pre","action":"script","status":"completed","exit_code":0,"signal":null,"timed_out":false,"attempts":1,"duration_ms":1234,"reason":"","output_tail":""},
    {"name":"post-backup","source":"/hooks/post-backup.sh","phase":"post","action":"script","status":"skipped","exit_code":null,"signal":null,"timed_out":false,"attempts":0,"duration_ms":0,"reason":"","output_tail":""}
  ]
}
"#;
        assert_eq!(summary(&document), here(expected));
    }

    #[test]
    fn the_webhook_carries_the_scalars_alone() {
        let mut document = fixture::document();
        document.last_success_at = None;
        document.stats.insert("sources".to_owned(), json!([]));
        let text = webhook(&document);
        let start = r#"{
  "job": "backup",
  "hostname": "node-a",
"#;
        let end = r#"  "exit_code": 0,
  "run_id": "20260301T110000Z-backup-0badcafe",
  "trigger": "schedule",
  "status": "success",
  "reason": "",
  "last_success_at": null,
  "hooks_verdict": "ok"
}"#;
        assert!(text.starts_with(start) && text.ends_with(end), "{text}");
        assert!(!text.contains("work") && !text.contains("stats") && !text.contains("sources"), "{text}");
    }

    #[test]
    fn the_documentation_shows_what_is_written() {
        let page = here(include_str!("../../docs/reports.md"));
        assert!(
            page.contains(&format!("```json\n{}```", summary(&fixture::document()))),
            "{}",
            summary(&fixture::document())
        );
        for key in OURS {
            assert!(page.contains(&format!("| `{key}` |")), "{key} has a row");
        }
    }

    #[test]
    fn an_extra_hides_none_of_our_keys() {
        let mut document = fixture::document();
        document.extras.push(("status".to_owned(), "mine".to_owned()));
        document.extras.push(("hooks".to_owned(), "mine".to_owned()));
        document.stats.insert("job".to_owned(), json!(["mine"]));
        assert!(!summary(&document).contains("mine"));
        assert!(!webhook(&document).contains("mine"));
    }

    #[test]
    fn no_control_character_is_written_raw() {
        let mut document = fixture::document();
        document.reason = "\u{1b}[31m\u{7f}\u{9b}\u{2028}\n\0".to_owned();
        document.hooks.clear();
        let text = summary(&document);
        assert!(text.contains(r#""reason": "\u001b[31m\u007f\u009b\u2028\n\u0000","#), "{text}");
        assert!(text.contains("  \"hooks\": []\n}\n"), "{text}");
    }

    fn any_text() -> impl Strategy<Value = String> {
        prop::collection::vec(any::<char>(), 0..24).prop_map(|chars| chars.into_iter().collect())
    }

    proptest! {
        #[test]
        fn any_text_comes_back_as_it_was(
            values in prop::collection::vec(any_text(), 12),
            key in any_text(),
            codes in any::<(i32, i64, Option<i32>, u64)>(),
        ) {
            let mut document = fixture::document();
            document.hostname = values[0].clone();
            document.release = values[1].clone();
            document.reason = values[2].clone();
            document.hooks_verdict = values[3].clone();
            document.run_id = values[4].clone();
            document.status = Status::Interrupted;
            document.exit_code = codes.0;
            document.duration_seconds = codes.1;
            let key = format!("x{key}");
            document.extras = vec![(key.clone(), values[5].clone()), ("archive".to_owned(), values[6].clone())];
            document.work = WorkRecord { status: values[7].clone(), exit_code: codes.2, reason: values[8].clone() };
            document.stats = Map::new();
            document.stats.insert(values[9].clone(), json!({ "in": values[9] }));
            document.hooks[0].name = values[10].clone();
            document.hooks[0].output_tail = values[11].clone();
            document.hooks[0].duration_ms = codes.3;

            let text = summary(&document);
            let read: Map<String, Value> = serde_json::from_str(&text).expect("is JSON");
            prop_assert_eq!(&read["hostname"], &values[0]);
            prop_assert_eq!(&read["release"], &values[1]);
            prop_assert_eq!(&read["reason"], &values[2]);
            prop_assert_eq!(&read["hooks_verdict"], &values[3]);
            prop_assert_eq!(&read["run_id"], &values[4]);
            prop_assert_eq!(&read["exit_code"], &json!(codes.0));
            prop_assert_eq!(&read["duration_seconds"], &json!(codes.1));
            prop_assert_eq!(&read[&key], &values[5]);
            prop_assert_eq!(&read["archive"], &values[6]);
            prop_assert_eq!(&read["work"], &serde_json::to_value(&document.work).expect("is a value"));
            prop_assert_eq!(&read["stats"], &Value::Object(document.stats.clone()));
            prop_assert_eq!(&read["hooks"], &serde_json::to_value(&document.hooks).expect("is a value"));

            let keys: Vec<_> = text.lines().filter(|line| line.starts_with("  \"")).collect();
            prop_assert_eq!(keys.len(), read.len());
            // The braces, the one hook, and the bracket behind it.
            prop_assert_eq!(text.lines().count(), read.len() + 4);
            prop_assert!(text.chars().all(|c| c == '\n' || !c.is_control()));

            let body: Map<String, Value> = serde_json::from_str(&webhook(&document)).expect("is JSON");
            prop_assert!(body.iter().all(|(key, value)| read[key] == *value && !value.is_object()));
            prop_assert_eq!(body.len(), read.len() - 3);
        }
    }
}
