//! The keeper: `src/run/keeper.rs`, `attend.rs`, `timers.rs`, `remains.rs`, and the making of the journal
//! (`src/run/journal/create.rs`).

use super::super::explore::Next;
use super::super::guards::Setting;
use super::super::state::{State, hook, hook_of, journal, keeper, record, stage, stage_of, undoer, word, worker};
use super::{end_worker, is_seen_dead, works};

const WHO: &str = "K";
/// How many undoers there may be for one undo: one less than in the program.
const UNDOERS: u8 = 2;

pub fn steps(state: &State, setting: &Setting, next: &mut Next) {
    let mut s = *state;
    match state.keeper {
        keeper::MAKE => {
            s.journal = journal::MADE;
            s.keeper = if setting.guards.header_synced { keeper::SYNC } else { keeper::FORK };
            next.add(WHO, "makes and locks the journal", "", s);
        }
        keeper::SYNC => {
            s.journal = journal::DURABLE;
            s.keeper = keeper::FORK;
            next.add(WHO, "syncs the journal's header and its folder", "", s);
        }
        keeper::FORK => {
            s.worker = worker::TAKE1;
            s.keeper = keeper::WATCH;
            next.add(WHO, "forks W", "", s);
        }
        keeper::WATCH => watch(state, setting, next),
        _ => {}
    }
}

fn watch(state: &State, setting: &Setting, next: &mut Next) {
    orphans(state, next);
    undoer_and_limit(state, setting, next);
    if state.worker == 0 {
        after_the_worker(state, setting, next);
    }
    if state.worker == worker::ENDED {
        let mut s = *state;
        s.remove_journal();
        s.keeper = 0;
        next.add(WHO, "removes the journal, and ends with W's exit code", "", s);
    }
}

/// What a dead supervisor left comes to the keeper, who ends it.
fn orphans(state: &State, next: &mut Next) {
    for slot in 0..2 {
        if stage_of(state.slots[slot]) == stage::ORPHAN {
            let mut s = *state;
            s.end_early(slot);
            next.add(WHO, "ends what a dead supervisor left:", super::name(hook_of(state.slots[slot])), s);
        }
    }
}

fn undoer_and_limit(state: &State, setting: &Setting, next: &mut Next) {
    let guards = &setting.guards;
    let is_held = state.memory & record::PRE1 != 0 && state.memory & record::UNDO1 == 0;
    if works(state) && is_held && !state.past_limit {
        let mut s = *state;
        s.past_limit = true;
        next.add(WHO, "sees that the hold limit of pre1 has passed", "", s);
    }
    // Its hook has ended, or W is stopped, which it may be at any time.
    let is_free = state.words[0] == word::FREE || !guards.claim;
    if works(state) && is_held && state.past_limit && is_free && state.undoer == 0 && state.undoers < UNDOERS {
        let mut s = *state;
        s.undoers += 1;
        s.undoer = undoer::CLAIM;
        next.add(WHO, "forks U for undo1", "", s);
    }
    if is_seen_dead(state, setting) && (state.slots[1] == 0 || !guards.undoer_tree_gone) {
        let mut s = *state;
        s.words[0] = word::FREE;
        s.undoer = 0;
        next.add(WHO, "frees the claim of the dead U", "", s);
    }
    // W has the word past the limit, and does not get on.
    let has_word = matches!(state.words[0], word::HOOK | word::WORKER);
    let undoes = hook_of(state.slots[0]) == hook::UNDO1;
    if works(state) && state.past_limit && has_word && !undoes {
        let mut s = *state;
        if guards.death_is_certain {
            end_worker(&mut s, setting);
            next.add(WHO, "kills W, which has the word of undo1 past the limit", "", s);
        } else {
            s.words[0] = word::FREE;
            next.add(WHO, "frees the word of undo1, which W has past the limit", "", s);
        }
    }
}

fn after_the_worker(state: &State, setting: &Setting, next: &mut Next) {
    let guards = &setting.guards;
    if state.stuck != 0 && !guards.as_good_as_dead {
        return;
    }
    if state.slots[0] != 0 && guards.wait_for_end {
        return;
    }
    let mut s = *state;
    if state.memory & record::PRE1 == 0 {
        s.remove_journal();
        s.keeper = 0;
        next.add(WHO, "ends: nothing was begun", "", s);
        return;
    }
    for held in &mut s.words {
        if matches!(*held, word::HOOK | word::WORKER) {
            *held = word::FREE;
        }
    }
    s.worker = worker::TAKE_OVER;
    s.anew = if guards.restate { s.memory } else { 0 };
    next.add(WHO, "frees the claims of the dead W and forks a successor W2", "", s);
}
