//! The process that undoes pre1 at its hold limit, and the worker's own thread that does it without a keeper:
//! `src/run/undoer.rs`, `hold.rs`, `claims.rs`.

use super::super::explore::Next;
use super::super::guards::Setting;
use super::super::state::{State, hook, record, stage, stage_of, undoer, word};
use super::{end_undoer, works};

pub fn steps(state: &State, setting: &Setting, next: &mut Next) {
    let guards = &setting.guards;
    let who = if state.is_thread { "thread of W" } else { "U" };
    let mut s = *state;
    match state.undoer {
        undoer::CLAIM => {
            if state.words[0] == word::FREE || !guards.claim {
                s.words[0] = word::UNDOER;
                s.undoer = undoer::START;
                next.add(who, "claims", "undo1", s);
            } else {
                s.undoer = 0;
                s.is_thread = false;
                next.add(who, "ends: somebody has undo1", "", s);
            }
        }
        undoer::START => {
            s.give_order(1, hook::UNDO1);
            s.undoer = undoer::WAIT;
            next.add(who, "orders a supervisor to run", "undo1", s);
        }
        undoer::WAIT => match stage_of(state.slots[1]) {
            stage::END => {
                s.slots[1] = 0;
                s.words[0] = word::DONE;
                tell(&mut s, setting);
                next.add(who, "tells the end of", "undo1", s);
            }
            0 => {
                s.undoer = undoer::START;
                next.add(who, "tries again, since it failed:", "undo1", s);
            }
            stage::ORPHAN if state.keeper == 0 => {
                s.end_early(1);
                next.add(who, "finds and ends what a dead supervisor left:", "undo1", s);
            }
            _ => {}
        },
        undoer::WRITE => {
            if !state.is_frozen(setting) {
                s.file |= record::UNDO1;
                s.undoer = 0;
                next.add("writer of U", "writes 'undo1 ended', and U ends", "", s);
            }
            // It does not wait for its writer.
            let mut s = *state;
            end_undoer(&mut s, setting);
            next.add("U", "ends before 'undo1 ended' is written", "", s);
        }
        _ => {}
    }
}

/// The keeper hears of it, and the worker from the keeper. Without a keeper the word alone says it.
fn tell(s: &mut State, setting: &Setting) {
    if s.is_thread {
        s.note(record::UNDO1);
        s.undoer = 0;
        s.is_thread = false;
        return;
    }
    s.undoer = undoer::WRITE;
    if s.keeper == 0 {
        return;
    }
    if works(s) && setting.guards.heard_is_noted {
        s.note(record::UNDO1);
    }
    s.memory |= record::UNDO1;
}
