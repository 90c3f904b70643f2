//! `src/run/recovery.rs`: a keeper with a worker of its own, in one process. The first is in the run's container and
//! needs the job's lock, the second is in another container on the same volume.

use super::super::explore::Next;
use super::super::guards::Setting;
use super::super::state::{
    Broken, Recovery, State, first, hook, hook_of, journal, record, recovery, stage, stage_of, worker,
};
use super::{lives, name, name_of_record};

const WHO: [&str; 2] = ["R1", "R2"];
const WRITER: [&str; 2] = ["writer of R1", "writer of R2"];

pub fn steps(state: &State, index: usize, setting: &Setting, next: &mut Next) {
    let Recovery { at, memory, anew, queue } = state.recoveries[index];
    let guards = &setting.guards;
    let slot = index + 2;
    if anew | queue != 0 && !state.is_frozen(setting) {
        let mut s = *state;
        let bit = write(&mut s, index);
        next.add(WRITER[index], "writes", name_of_record(bit), s);
    }
    let mut s = *state;
    let to = |s: &mut State, at: u8| s.recoveries[index].at = at;
    match at {
        0 if matches!(state.journal, journal::MADE | journal::DURABLE) => begin(state, index, setting, next),
        recovery::OPENED if may_take(state, index, setting) => {
            take(&mut s, index, memory, setting);
            next.add(WHO[index], "locks the journal", "", s);
        }
        recovery::SWEEP => {
            let visible = if index == 0 { 0..3 } else { 3..4 };
            let mut orphans = visible.filter(|slot| stage_of(state.slots[*slot]) == stage::ORPHAN && guards.sweep);
            if let Some(slot) = orphans.next() {
                s.end_early(slot);
                next.add(WHO[index], "finds and ends what the crashed run left:", name(hook_of(state.slots[slot])), s);
            } else {
                to(&mut s, recovery::UNDO2);
                next.add(WHO[index], "has ended what was left", "", s);
            }
        }
        recovery::UNDO2 | recovery::UNDO1 => {
            let (what, pre, undo) = undo_at(at);
            if memory & pre == 0 || memory & undo != 0 {
                to(&mut s, at + 2);
                next.add(WHO[index], "has nothing to do for", name(what), s);
            } else {
                s.give_order(slot, what);
                to(&mut s, at + 1);
                next.add(WHO[index], "orders a supervisor to run", name(what), s);
            }
        }
        recovery::WAIT_UNDO2 | recovery::WAIT_UNDO1 => {
            let (what, _, undo) = undo_at(at - 1);
            if state.slots[slot] == what | stage::END {
                s.slots[slot] = 0;
                note(&mut s, index, undo);
                to(&mut s, at + 1);
                next.add(WHO[index], "notes the end of", name(what), s);
            } else {
                failed(state, index, at - 1, next);
            }
        }
        recovery::POST => {
            if memory & (record::POST | record::SEALED) != 0 || !guards.post_made_up {
                to(&mut s, recovery::SEAL);
                next.add(WHO[index], "has nothing to do for", "post", s);
            } else if !state.is_frozen(setting) {
                sync(&mut s, index);
                if !guards.settled_before_removal {
                    s.remove_journal();
                }
                s.give_order(slot, hook::POST);
                to(&mut s, recovery::WAIT_POST);
                next.add(WHO[index], "syncs, and orders a supervisor to run", "post", s);
            }
        }
        recovery::WAIT_POST => {
            if state.slots[slot] == hook::POST | stage::END || state.slots[slot] == 0 {
                s.slots[slot] = 0;
                note(&mut s, index, record::POST);
                to(&mut s, recovery::SEAL);
                next.add(WHO[index], "notes the end of", "post", s);
            } else {
                failed(state, index, recovery::WAIT_POST, next);
            }
        }
        recovery::SEAL => {
            note(&mut s, index, record::SEALED);
            sync(&mut s, index);
            to(&mut s, recovery::REMOVE);
            next.add(WHO[index], "syncs 'sealed'", "", s);
        }
        recovery::REMOVE => {
            s.remove_journal();
            s.recoveries[index] = Recovery::default();
            next.add(WHO[index], "removes the journal, and ends", "", s);
        }
        _ => {}
    }
}

fn begin(state: &State, index: usize, setting: &Setting, next: &mut Next) {
    if index == 0 && lives(state, setting) {
        return;
    }
    let mut s = *state;
    if !setting.guards.read_after_lock {
        s.recoveries[index] = Recovery { at: recovery::OPENED, memory: state.file, ..Recovery::default() };
        next.add(WHO[index], "reads the journal", "", s);
    } else if may_take(state, index, setting) {
        take(&mut s, index, state.file, setting);
        next.add(WHO[index], "locks and reads the journal", "", s);
    }
}

/// Whether the flock can be had.
fn may_take(state: &State, index: usize, setting: &Setting) -> bool {
    let guards = &setting.guards;
    let other = 1 - index;
    let holds = |slot: usize| guards.supervisor_holds_flock && state.supervised(slot);
    let run = guards.alive_check && (lives(state, setting) || holds(0) || holds(1));
    let others = guards.exclusive && (state.recoveries[other].at > recovery::OPENED || holds(other + 2));
    let foreign = if index == 0 { 3..4 } else { 0..3 };
    let mut foreign = foreign.filter(|slot| stage_of(state.slots[*slot]) == stage::ORPHAN);
    let unseen = guards.no_foreign_orphans && foreign.next().is_some();
    !run && !others && !holds(index + 2) && !unseen
}

/// What the recovery takes for the state of the run.
fn take(s: &mut State, index: usize, read: u8, setting: &Setting) {
    let guards = &setting.guards;
    let living = s.keeper != 0 || !matches!(s.worker, 0 | worker::ENDED) || s.undoer_lives();
    if living || s.recoveries[1 - index].at > recovery::OPENED {
        s.broken = Broken::RecoveredAlive;
    }
    // What is lost may have been anything.
    let is_damaged = s.lost && guards.lost_counts;
    if !is_damaged && is_settled(read) {
        s.recoveries[index] = Recovery { at: recovery::REMOVE, memory: read, ..Recovery::default() };
        return;
    }
    let mut memory = read;
    let undos = if guards.undo_is_no_later_step { 0 } else { record::UNDO1 | record::UNDO2 };
    let later = record::WORK_ENDED | record::POST | record::SEALED | undos;
    if is_damaged {
        memory |= record::PRE1 | record::PRE2;
    } else if guards.maybe_started && read & later == 0 {
        memory |= record::PRE2;
    }
    s.recoveries[index] = Recovery { at: recovery::SWEEP, memory, anew: 0, queue: 0 };
    if guards.restate {
        s.recoveries[index].anew = memory;
    }
    note(s, index, record::WORK_ENDED);
}

/// Nothing was begun, or all of it is paid.
fn is_settled(read: u8) -> bool {
    let pays = |pre: u8, undo: u8| read & pre == 0 || read & undo != 0;
    let is_over = read & record::SEALED != 0;
    read & record::PRE1 == 0 || pays(record::PRE1, record::UNDO1) && pays(record::PRE2, record::UNDO2) && is_over
}

fn note(s: &mut State, index: usize, bit: u8) {
    let is_new = s.recoveries[index].anew != 0 || s.file & bit == 0;
    s.recoveries[index].memory |= bit;
    s.recoveries[index].queue |= if is_new { bit } else { 0 };
}

/// As the worker's writer.
fn write(s: &mut State, index: usize) -> u8 {
    let recovery = &mut s.recoveries[index];
    if recovery.anew != 0 {
        s.file = std::mem::take(&mut recovery.anew);
        return 0;
    }
    let bit = first(recovery.queue);
    recovery.queue &= !bit;
    s.file |= bit;
    bit
}

fn sync(s: &mut State, index: usize) {
    while s.recoveries[index].anew | s.recoveries[index].queue != 0 {
        write(s, index);
    }
    s.disk = s.file;
}

/// Its supervisor was killed.
fn failed(state: &State, index: usize, again: u8, next: &mut Next) {
    let mut s = *state;
    match stage_of(state.slots[index + 2]) {
        stage::ORPHAN => {
            s.end_early(index + 2);
            next.add(WHO[index], "ends what a dead supervisor left", "", s);
        }
        0 => {
            s.recoveries[index].at = again;
            next.add(WHO[index], "tries again, since it failed", "", s);
        }
        _ => {}
    }
}

fn undo_at(at: u8) -> (u8, u8, u8) {
    if at == recovery::UNDO2 {
        (hook::UNDO2, record::PRE2, record::UNDO2)
    } else {
        (hook::UNDO1, record::PRE1, record::UNDO1)
    }
}
