//! The summary without secrets.

use super::{Attempt, Document, HookRecord, WorkRecord};
use crate::masking::Secrets;
use serde_json::Value;

/// The document as it may leave the program. What comes from outside is masked; our own words (the job, the run's id,
/// statuses, verdicts, keys) never are, so that a password `backup` or `restic` shreds no report.
pub(super) fn masked(document: &Document, secrets: &Secrets) -> Document {
    let text = |text: &String| secrets.mask(text).into_owned();
    Document {
        hostname: text(&document.hostname),
        release: text(&document.release),
        extras: document.extras.iter().map(|(key, value)| (key.clone(), text(value))).collect(),
        reason: text(&document.reason),
        work: WorkRecord { reason: text(&document.work.reason), ..document.work.clone() },
        stats: document.stats.iter().map(|(key, value)| (key.clone(), in_value(value, secrets))).collect(),
        hooks: document
            .hooks
            .iter()
            .map(|hook| HookRecord {
                name: text(&hook.name),
                source: text(&hook.source),
                reason: text(&hook.reason),
                output_tail: text(&hook.output_tail),
                tries: hook.tries.iter().map(|one| Attempt { reason: text(&one.reason), ..one.clone() }).collect(),
                ..hook.clone()
            })
            .collect(),
        details: text(&document.details),
        ..document.clone()
    }
}

fn in_value(value: &Value, secrets: &Secrets) -> Value {
    match value {
        Value::String(text) => Value::String(secrets.mask(text).into_owned()),
        Value::Array(items) => items.iter().map(|item| in_value(item, secrets)).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(key, value)| (key.clone(), in_value(value, secrets))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;
    use serde_json::json;

    #[test]
    fn a_password_that_is_one_of_our_words_shreds_no_report() {
        let mut secrets = Secrets::new();
        secrets.add("backup");
        let document = masked(&fixture::document(), &secrets);
        assert_eq!(document.job, "backup");
        assert_eq!(document.run_id, fixture::document().run_id);
        assert!(document.extras.iter().any(|(key, value)| key == "backup_root_dir" && value == "/data"));
    }

    #[test]
    fn what_comes_from_outside_is_masked_wherever_it_is() {
        let mut secrets = Secrets::new();
        secrets.add("s3cret");
        let mut document = fixture::document();
        let leak = || "a s3cret b".to_owned();
        document.hostname = leak();
        document.release = leak();
        document.extras = vec![("s3cret".to_owned(), leak())];
        document.reason = leak();
        document.details = leak();
        document.work.reason = leak();
        document.stats.insert("list".to_owned(), json!([{"s3cret": ["s3cret", 1]}]));
        document.hooks[0].name = leak();
        document.hooks[0].source = leak();
        document.hooks[0].reason = leak();
        document.hooks[0].output_tail = leak();
        let masked = masked(&document, &secrets);
        let shown = format!("{masked:?}");
        assert_eq!(shown.matches("s3cret").count(), 2, "the two keys: {shown}");
        assert_eq!(masked.stats["list"], json!([{"s3cret": ["***", 1]}]));
    }
}
