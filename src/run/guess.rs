//! What follows from the records of a dead run's journal beyond what they say. Pure: whoever recovers the run starts from
//! it, and whoever only looks names the same.

use super::journal::{self, UNREADABLE, UNWRITTEN};
use super::state::{Record, State};
use super::trial::Trial;
use crate::hooks::Plan;
use crate::report::HookRecord;

/// What these records add up to.
pub(super) fn state_of(plan: &Plan, records: &[Record]) -> State {
    let mut state = State::new(plan.all().count());
    records.iter().cloned().for_each(|record| state.apply(record));
    state
}

/// The damage of a journal with so many records lost, as something that is owed.
pub(super) fn damaged(lost: usize) -> String {
    format!("what {lost} damaged record{} of its journal said", if lost == 1 { "" } else { "s" })
}

/// Adds what follows: where records are lost, that the run had begun; that hooks may have been started whose start is not
/// known.
pub(super) fn complete(plan: &Plan, trial: Option<&Trial>, records: &mut Vec<Record>, lost: usize) {
    if lost > 0 && !state_of(plan, records).begun {
        // Its hooks are undone, and not run.
        records.insert(0, Record::Begun);
    }
    let state = state_of(plan, records);
    if lost > state.damaged {
        records.push(Record::Damaged(lost));
    }
    for place in plan.undos.iter().filter_map(|undo| undo.undo_of) {
        let Some(hook) = plan.pre.get(place) else { continue };
        let is_lost = lost > 0 && state.hooks.get(place).is_some_and(Option::is_none);
        let reason = match is_lost {
            true => UNREADABLE,
            false if journal::may_have_started(plan, &state, trial, place) => UNWRITTEN,
            false => continue,
        };
        let known = super::reports::record_of(hook, "failed");
        let record = HookRecord { attempts: 1, reason: reason.to_owned(), exit_code: Some(-1), ..known };
        records.push(Record::Hook(place, Box::new(record)));
    }
}
