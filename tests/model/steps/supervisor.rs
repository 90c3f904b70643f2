//! A supervisor and its hook: `src/process/supervisor.rs`.

use super::super::explore::Next;
use super::super::guards::Setting;
use super::super::state::{State, hook_of, stage, stage_of};
use super::name;

const WHO: [&str; 4] = ["S of W", "S of U", "S of R1", "S of R2"];

pub fn steps(state: &State, slot: usize, setting: &Setting, next: &mut Next) {
    let there = state.slots[slot];
    let what = name(hook_of(there));
    let is_alone = state.owner_is_gone(slot, setting);
    let mut s = *state;
    match stage_of(there) {
        stage::START => {
            s.begin_hook(slot);
            next.add(WHO[slot], "starts", what, s);
            if is_alone {
                let mut s = *state;
                s.slots[slot] = 0;
                next.add(WHO[slot], "sees the death of its owner, and does not start", what, s);
            }
        }
        stage::RUN => {
            s.end_hook(slot);
            if is_alone || slot == 0 && state.worker == 0 {
                s.forget_report(slot);
            }
            next.add(WHO[slot], "sees the end of", what, s);
            if is_alone {
                let mut s = *state;
                s.end_early(slot);
                next.add(WHO[slot], "sees the death of its owner, and ends", what, s);
            }
        }
        stage::ORPHAN => {
            s.slots[slot] = 0;
            next.add("the orphan", "ends by itself:", what, s);
        }
        _ => {}
    }
}
