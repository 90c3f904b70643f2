//! Records without secrets. What comes from outside is masked by its value; our own words (statuses, phases, names, keys)
//! and numbers never are, so that a password `running` shreds no status.

use super::super::state::{Record, WorkEnd};
use super::super::work::Step;
use crate::masking::Secrets;
use crate::report::{Attempt, HookRecord};
use serde_json::Value;

/// The record as it may lie on a disk. What hooks hand on holds no secret (that is refused when it is read), and a path
/// that is to be cleared away has to stay what it is.
pub(super) fn masked(record: &Record, secrets: &Secrets) -> Record {
    let text = |text: &String| secrets.mask(text).into_owned();
    let pairs =
        |pairs: &[(String, String)]| pairs.iter().map(|(key, value)| (key.clone(), text(value))).collect::<Vec<_>>();
    match record {
        Record::Trouble(what) => Record::Trouble(text(what)),
        Record::OwedStill(what) => Record::OwedStill(text(what)),
        Record::HeldTooLong(what) => Record::HeldTooLong(text(what)),
        Record::CalledOff(reason) => Record::CalledOff(text(reason)),
        Record::Cancelled(extras) => Record::Cancelled(pairs(extras)),
        Record::Hook(place, hook) => {
            let hook = HookRecord {
                reason: text(&hook.reason),
                output_tail: text(&hook.output_tail),
                tries: hook.tries.iter().map(|one| Attempt { reason: text(&one.reason), ..one.clone() }).collect(),
                ..(**hook).clone()
            };
            Record::Hook(*place, Box::new(hook))
        }
        Record::WorkEnded(end) => Record::WorkEnded(Box::new(WorkEnd {
            reason: text(&end.reason),
            warnings: end.warnings.iter().map(text).collect(),
            extras: pairs(&end.extras),
            stats: end.stats.iter().map(|(key, value)| (key.clone(), in_value(value, secrets))).collect(),
            steps: end.steps.iter().map(|step| Step { reason: text(&step.reason), ..step.clone() }).collect(),
            details: text(&end.details),
            ..(**end).clone()
        })),
        Record::Target(target) => Record::Target(text(target)),
        Record::Anew(records) => Record::Anew(records.iter().map(|record| masked(record, secrets)).collect()),
        Record::Begun
        | Record::Recovering(_)
        | Record::Damaged(_)
        | Record::Values(_)
        | Record::UndoValues(..)
        | Record::Interrupted(_)
        | Record::WorkStarted(_)
        | Record::Owes(_)
        | Record::Paid(_)
        | Record::Died(_)
        | Record::SummaryWritten
        | Record::Notified(_)
        | Record::Sealed(_) => record.clone(),
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
    use super::super::fixture;
    use super::*;
    use serde_json::json;

    #[test]
    fn what_comes_from_outside_is_masked_and_our_words_are_not() {
        let mut secrets = Secrets::new();
        for secret in ["s3cret", "running", "completed", "undo-freeze", "Hook", "reason"] {
            secrets.add(secret);
        }
        let leak = || "a s3cret b".to_owned();
        let mut hook = fixture::record("undo-freeze", "running");
        (hook.reason, hook.output_tail) = (leak(), leak());
        hook.tries = vec![Attempt { exit_code: 1, duration_ms: 2, reason: leak() }];
        let end = WorkEnd {
            reason: leak(),
            warnings: vec![leak()],
            extras: vec![("s3cret".to_owned(), leak())],
            stats: [("reason".to_owned(), json!([{"s3cret": ["s3cret", 1, 0.5, true]}]))].into_iter().collect(),
            snapshot: "completed".to_owned(),
            steps: vec![Step {
                name: "forget".to_owned(),
                status: "completed".to_owned(),
                duration_ms: 1,
                reason: leak(),
            }],
            details: leak(),
            ..WorkEnd::default()
        };
        let records = [
            Record::Trouble(leak()),
            Record::OwedStill(leak()),
            Record::HeldTooLong(leak()),
            Record::CalledOff(leak()),
            Record::Cancelled(vec![("reason".to_owned(), leak())]),
            Record::Hook(3, Box::new(hook)),
            Record::WorkEnded(Box::new(end)),
        ];
        let shown: String = records
            .iter()
            .map(|record| serde_json::to_string(&masked(record, &secrets)).expect("is written") + "\n")
            .collect();
        assert_eq!(shown.matches("s3cret").count(), 2, "the two keys: {shown}");
        assert_eq!(shown.matches("a *** b").count(), 13, "{shown}");
        for word in
            ["\"status\":\"running\"", "\"name\":\"undo-freeze\"", "\"reason\":[{", "\"snapshot\":\"completed\""]
        {
            assert!(shown.contains(word), "{word}: {shown}");
        }
    }
}
