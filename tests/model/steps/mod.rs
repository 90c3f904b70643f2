//! What may happen next: the steps of each process, and crashes.

mod crash;
mod keeper;
mod recovery;
mod supervisor;
mod undoer;
mod worker;

use super::explore::Next;
use super::guards::Setting;
use super::state::{State, first, hook, record, undoer as undoer_at, word, worker as worker_at};

/// All steps from a state.
pub fn all(state: &State, setting: &Setting, next: &mut Next) {
    next.found.clear();
    keeper::steps(state, setting, next);
    worker::steps(state, setting, next);
    undoer::steps(state, setting, next);
    for slot in 0..4 {
        supervisor::steps(state, slot, setting, next);
    }
    for index in 0..2 {
        recovery::steps(state, index, setting, next);
    }
    if state.hangs() && !state.is_frozen(setting) {
        let mut s = *state;
        s.file |= s.stuck | s.undoer_stuck;
        s.stuck = 0;
        s.undoer_stuck = 0;
        s.undoer_hangs = false;
        next.add("kernel:", "the file system is thawed: what hung in a write finishes it and dies", "", s);
    }
    next.lively = next.found.len();
    if state.crashes < setting.crashes {
        crash::steps(state, setting, next);
    }
}

/// What a hook is called.
pub fn name(what: u8) -> &'static str {
    match what {
        hook::PRE1 => "pre1",
        hook::PRE2 => "pre2",
        hook::UNDO1 => "undo1",
        hook::UNDO2 => "undo2",
        _ => "post",
    }
}

/// What a record is called.
fn name_of_record(bit: u8) -> &'static str {
    use super::state::record::{POST, PRE1, PRE2, SEALED, UNDO1, UNDO2, WORK_ENDED};
    match bit {
        PRE1 => "'pre1 starts'",
        PRE2 => "'pre2 starts'",
        WORK_ENDED => "'work ended'",
        UNDO2 => "'undo2 ended'",
        UNDO1 => "'undo1 ended'",
        POST => "'post ended'",
        SEALED => "'sealed'",
        _ => "all that it knows",
    }
}

/// The worker is gone, with what it had not written. Of one that hangs in a write a thread is left.
fn end_worker(state: &mut State, setting: &Setting) {
    if state.is_frozen(setting) {
        state.stuck |= if state.anew != 0 { state.anew } else { first(state.queue) };
    }
    state.worker = 0;
    state.anew = 0;
    state.queue = 0;
    state.forget_report(0);
    if state.is_thread {
        state.undoer = 0;
        state.is_thread = false;
        state.forget_report(1);
    }
}

/// The undoer is gone. Of one that hangs in a write a thread is left.
fn end_undoer(state: &mut State, setting: &Setting) {
    if state.is_frozen(setting) && state.undoer != undoer_at::CLAIM {
        state.undoer_hangs = true;
        if state.undoer == undoer_at::WRITE {
            state.undoer_stuck = record::UNDO1;
        }
    }
    state.undoer = if state.words[0] == word::UNDOER { undoer_at::DEAD } else { 0 };
    state.forget_report(1);
}

/// Whether a worker executes anything.
fn works(state: &State) -> bool {
    state.worker != 0 && state.worker != worker_at::ENDED
}

/// Whether somebody of the run has its journal and the job's lock open.
fn lives(state: &State, setting: &Setting) -> bool {
    let hangs = state.hangs() && !setting.guards.own_descriptors;
    state.keeper != 0 || state.worker != 0 || state.undoer_lives() || hangs
}

/// Whether the end of the undoer is noticed: a thread of it that hangs keeps it from being waited for.
fn is_seen_dead(state: &State, setting: &Setting) -> bool {
    state.undoer == undoer_at::DEAD && (!state.undoer_hangs || setting.guards.dead_undoer_seen)
}
