//! The records of a run without what a later one says anew: what a successor or a recovery says again.

use super::state::Record;
use std::collections::BTreeSet;

/// How much of hooks' output is said again: the summary of a run that is recovered twice may lack it.
const MOST_OUTPUT: usize = 256 * 1024;

/// The same state, in as few words as it takes: each recovery says all of it once more.
pub(super) fn compact(records: &[Record]) -> Vec<Record> {
    let (mut places, mut values, mut troubles) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut output = 0;
    let mut kept: Vec<Record> = Vec::new();
    for record in records.iter().rev() {
        match record {
            Record::Hook(place, hook) if places.insert(*place) => {
                let mut hook = hook.clone();
                output += hook.output_tail.len();
                if output > MOST_OUTPUT {
                    hook.output_tail.clear();
                    hook.tries.clear();
                }
                kept.push(Record::Hook(*place, hook));
            }
            Record::UndoValues(place, _) if values.insert(*place) => kept.push(record.clone()),
            Record::Trouble(what) | Record::HeldTooLong(what) if troubles.insert(what.clone()) => {
                kept.push(record.clone());
            }
            Record::Hook(..) | Record::UndoValues(..) | Record::Trouble(_) | Record::HeldTooLong(_) => {}
            other => kept.push(other.clone()),
        }
    }
    kept.reverse();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::HookRecord;

    fn hook(status: &str) -> Record {
        let record = serde_json::json!({
            "name": "a", "source": "a.sh", "phase": "pre", "action": "script", "status": status, "exit_code": null,
            "signal": null, "timed_out": false, "attempts": 1, "duration_ms": 0, "reason": "",
            "output_tail": "x".repeat(200 * 1024),
        });
        let record: HookRecord = serde_json::from_value(record).expect("is one");
        Record::Hook(0, Box::new(record))
    }

    #[test]
    fn what_is_said_again_and_again_does_not_grow() {
        let mut records = vec![Record::Begun];
        for _ in 0..50 {
            records.extend([hook("running"), hook("failed"), Record::Trouble("again".to_owned())]);
            records = compact(&records);
        }
        assert_eq!(records.len(), 3);
        assert!(matches!(&records[1], Record::Hook(0, hook) if hook.status == "failed"), "{records:?}");
    }
}
