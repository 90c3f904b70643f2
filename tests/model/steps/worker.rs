//! The worker and its successors: `src/run/hook_steps.rs`, `undo_steps.rs`, `claims.rs`, `closing.rs`, and its writer
//! (`src/run/journal/writer.rs`).

use super::super::explore::Next;
use super::super::guards::Setting;
use super::super::state::{State, hook, hook_of, record, stage, stage_of, undoer, word, worker};
use super::{is_seen_dead, name, name_of_record};

const WHO: &str = "W";

pub fn steps(state: &State, setting: &Setting, next: &mut Next) {
    if state.worker == 0 {
        return;
    }
    if state.anew | state.queue != 0 && !state.is_frozen(setting) {
        let mut s = *state;
        let bit = s.write();
        next.add("writer of W", "writes", name_of_record(bit), s);
    }
    own_limit(state, next);
    match state.worker {
        worker::TAKE1..=worker::WORK | worker::TAKE_OVER => pre_and_work(state, setting, next),
        worker::CLAIM_UNDO2..=worker::WAIT_UNDO1 => undos(state, setting, next),
        _ => closing(state, setting, next),
    }
}

/// Without a keeper a thread of its own keeps the time, once pre1 has ended for good.
fn own_limit(state: &State, next: &mut Next) {
    let is_held = state.words[0] == word::FREE && state.memory & record::UNDO1 == 0;
    let is_time = matches!(state.worker, worker::NOTE2..=worker::CLAIM_UNDO1);
    if state.keeper == 0 && state.undoer == 0 && is_time && is_held && state.undoers == 0 {
        let mut s = *state;
        s.undoer = undoer::CLAIM;
        s.is_thread = true;
        s.undoers = 1;
        next.add("thread of W", "sees that the hold limit of pre1 has passed", "", s);
    }
}

fn pre_and_work(state: &State, setting: &Setting, next: &mut Next) {
    let guards = &setting.guards;
    let mut s = *state;
    s.worker += 1;
    match state.worker {
        worker::TAKE1 => {
            if !guards.hook_holds_word {
                next.add(WHO, "goes to start pre1", "", s);
            } else if state.words[0] == word::FREE {
                s.words[0] = word::HOOK;
                next.add(WHO, "takes the word of undo1 for pre1", "", s);
            } else {
                s.worker = worker::NOTE2;
                next.add(WHO, "does not start pre1 again: it is being undone", "", s);
            }
        }
        worker::NOTE1 => {
            s.note(record::PRE1);
            if state.again || !guards.sync_before_start {
                s.worker = worker::START1;
            }
            next.add(WHO, "notes 'pre1 starts'", "", s);
        }
        worker::SYNC1 => {
            s.sync();
            next.add(WHO, "syncs 'pre1 starts'", "", s);
        }
        worker::START1 => {
            s.give_order(0, hook::PRE1);
            next.add(WHO, "orders a supervisor to run pre1", "", s);
        }
        worker::WAIT1 => {
            if ended(&mut s, setting, next) {
                if s.words[0] == word::HOOK {
                    s.words[0] = word::FREE;
                }
                next.add(WHO, "hears of the end of pre1", "", s);
                if !state.again {
                    s.again = true;
                    s.worker = worker::TAKE1;
                    next.add(WHO, "hears that pre1 has failed, and tries again", "", s);
                }
            }
        }
        worker::NOTE2 => {
            s.note(record::PRE2);
            next.add(WHO, "notes 'pre2 starts', and does not wait for the disk", "", s);
        }
        worker::START2 => {
            s.give_order(0, hook::PRE2);
            next.add(WHO, "orders a supervisor to run pre2", "", s);
        }
        worker::WAIT2 => {
            if ended(&mut s, setting, next) {
                next.add(WHO, "hears of the end of pre2", "", s);
            }
        }
        worker::WORK => {
            s.note(record::WORK_ENDED);
            next.add(WHO, "ends the work and notes that", "", s);
        }
        _ => {
            s.note(record::WORK_ENDED);
            s.worker = worker::CLAIM_UNDO2;
            next.add("W2", "takes over, and notes 'work ended'", "", s);
        }
    }
}

/// Whether the hook of the worker's supervisor has ended, so that the next step may be taken.
fn ended(state: &mut State, setting: &Setting, next: &mut Next) -> bool {
    let slot = state.slots[0];
    match stage_of(slot) {
        stage::END => state.slots[0] = 0,
        stage::ORPHAN if state.keeper == 0 && setting.guards.sweep => {
            let mut s = *state;
            s.worker -= 1;
            s.end_early(0);
            next.add(WHO, "finds and ends what a dead supervisor left:", name(hook_of(slot)), s);
            return false;
        }
        stage::ORPHAN if state.keeper == 0 => state.slots[0] = 0,
        stage::RUN | stage::ORPHAN if !setting.guards.wait_for_end => {}
        0 => {}
        _ => return false,
    }
    true
}

fn undos(state: &State, setting: &Setting, next: &mut Next) {
    let guards = &setting.guards;
    let mut s = *state;
    let second = state.worker <= worker::WAIT_UNDO2;
    let (index, what, pre, undo) = if second {
        (1, hook::UNDO2, record::PRE2, record::UNDO2)
    } else {
        (0, hook::UNDO1, record::PRE1, record::UNDO1)
    };
    let after = if second { worker::CLAIM_UNDO1 } else { worker::SYNC_POST };
    match state.worker {
        worker::CLAIM_UNDO2 | worker::CLAIM_UNDO1 => {
            if state.memory & pre == 0 || state.memory & undo != 0 {
                s.worker = after;
                next.add(WHO, "has nothing to do for", name(what), s);
            } else if state.words[index] == word::DONE {
                s.note(undo);
                s.worker = after;
                next.add(WHO, "sees by its word, and notes, the end of", name(what), s);
            } else if state.words[index] == word::FREE || !guards.claim {
                s.words[index] = word::WORKER;
                s.worker += 1;
                next.add(WHO, "claims", name(what), s);
            } else {
                free_after_undoer(state, setting, next);
            }
        }
        worker::START_UNDO2 | worker::START_UNDO1 => {
            s.worker += 1;
            s.give_order(0, what);
            next.add(WHO, "orders a supervisor to run", name(what), s);
        }
        _ => {
            let is_well = stage_of(state.slots[0]) == stage::END;
            if ended(&mut s, setting, next) {
                if is_well {
                    s.note(undo);
                    s.words[index] = word::DONE;
                    s.worker = after;
                    next.add(WHO, "notes the end of", name(what), s);
                } else {
                    s.worker -= 1;
                    next.add(WHO, "tries again, since it failed:", name(what), s);
                }
            }
        }
    }
}

/// Without the keeper, who would do it.
fn free_after_undoer(state: &State, setting: &Setting, next: &mut Next) {
    let is_ours = state.keeper == 0 && setting.guards.worker_frees;
    if !is_ours || !is_seen_dead(state, setting) || state.words[0] != word::UNDOER {
        return;
    }
    let mut s = *state;
    if stage_of(state.slots[1]) == stage::ORPHAN && setting.guards.undoer_tree_gone {
        s.end_early(1);
        next.add(WHO, "finds and ends what the dead U left:", name(hook_of(state.slots[1])), s);
    } else if state.slots[1] == 0 || !setting.guards.undoer_tree_gone {
        s.words[0] = word::FREE;
        s.undoer = 0;
        next.add(WHO, "frees the claim of the dead U", "", s);
    }
}

fn closing(state: &State, setting: &Setting, next: &mut Next) {
    let mut s = *state;
    s.worker += 1;
    match state.worker {
        worker::SYNC_POST => {
            if state.memory & record::POST != 0 {
                s.worker = worker::SEAL;
                next.add(WHO, "has nothing to do for", "post", s);
            } else if !state.is_frozen(setting) {
                s.sync();
                if !setting.guards.settled_before_removal {
                    s.remove_journal();
                }
                next.add(WHO, "syncs 'post starts'", "", s);
            }
        }
        worker::START_POST => {
            s.give_order(0, hook::POST);
            next.add(WHO, "orders a supervisor to run", "post", s);
        }
        worker::WAIT_POST => wait_for_post(s, setting, next),
        worker::SEAL => {
            s.note(record::SEALED);
            next.add(WHO, "notes 'sealed'", "", s);
        }
        worker::DRAIN => {
            if setting.guards.drained_before_end {
                s.sync();
            } else {
                s.anew = 0;
                s.queue = 0;
            }
            s.finished = true;
            next.add(WHO, "tells the end of the run", "", s);
        }
        worker::LEAVE => {
            if state.keeper == 0 {
                s.remove_journal();
                next.add(WHO, "removes the journal, and ends", "", s);
            } else {
                next.add(WHO, "ends", "", s);
            }
        }
        _ => {}
    }
}

fn wait_for_post(mut s: State, setting: &Setting, next: &mut Next) {
    if ended(&mut s, setting, next) {
        s.note(record::POST);
        next.add(WHO, "notes the end of", "post", s);
    }
}
