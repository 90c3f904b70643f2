//! SIGKILL of each process, of keeper and worker together, of the container, and a power cut.

use super::super::explore::Next;
use super::super::guards::Setting;
use super::super::state::{Recovery, State, first, hook, hook_of, journal, stage, stage_of};
use super::{end_undoer, end_worker, name, works};

const WHO: &str = "CRASH:";

pub fn steps(state: &State, setting: &Setting, next: &mut Next) {
    let mut crashed = *state;
    crashed.crashes += 1;
    let crashed = &crashed;
    if state.keeper != 0 {
        let mut s = *crashed;
        s.keeper = 0;
        next.add(WHO, "SIGKILL of K", "", s);
    }
    if works(state) {
        let mut s = *crashed;
        end_worker(&mut s, setting);
        next.add(WHO, "SIGKILL of W", "", s);
        if state.keeper != 0 {
            s.keeper = 0;
            next.add(WHO, "SIGKILL of K and W", "", s);
        }
    }
    if state.undoer_lives() && !state.is_thread {
        let mut s = *crashed;
        end_undoer(&mut s, setting);
        next.add(WHO, "SIGKILL of U", "", s);
    }
    for slot in (0..4).filter(|slot| !matches!(stage_of(state.slots[*slot]), 0 | stage::ORPHAN)) {
        supervisor(crashed, slot, setting, next);
    }
    for index in (0..2).filter(|index| state.recoveries[*index].at != 0) {
        let mut s = *crashed;
        s.recoveries[index] = Recovery::default();
        s.forget_report(index + 2);
        next.add(WHO, if index == 0 { "SIGKILL of R1" } else { "SIGKILL of R2" }, "", s);
    }
    container(crashed, setting, next);
    power(crashed, next);
}

fn supervisor(crashed: &State, slot: usize, setting: &Setting, next: &mut Next) {
    let mut s = *crashed;
    let there = s.slots[slot];
    s.slots[slot] = if stage_of(there) == stage::RUN { hook_of(there) | stage::ORPHAN } else { 0 };
    if hook_of(there) == hook::POST {
        // Its worker takes it for failed, and it has had its turn. Without a worker it has not.
        s.post_ran = !s.owner_is_gone(slot, setting) || s.post_ran && stage_of(there) == stage::END;
    }
    next.add(WHO, "SIGKILL of the supervisor of", name(hook_of(there)), s);
}

/// All processes of the run's container. A thread that hangs in a write is left.
fn container(crashed: &State, setting: &Setting, next: &mut Next) {
    let anybody = crashed.keeper != 0 || crashed.worker != 0 || crashed.undoer != 0 || crashed.recoveries[0].at != 0;
    let mut s = *crashed;
    if !anybody {
        return;
    }
    end_worker(&mut s, setting);
    if s.undoer_lives() {
        end_undoer(&mut s, setting);
    }
    end_all(&mut s, 0..3);
    s.recoveries[0] = Recovery::default();
    next.add(WHO, "SIGKILL of all processes of the run's container", "", s);
}

fn power(crashed: &State, next: &mut Next) {
    let mut s = *crashed;
    end_all(&mut s, 0..4);
    s.recoveries = [Recovery::default(); 2];
    s.stuck = 0;
    s.undoer_stuck = 0;
    s.undoer_hangs = false;
    s.file = s.disk;
    match s.journal {
        journal::MADE => s.journal = journal::NONE,
        journal::REMOVED => {
            let mut back = s;
            back.journal = journal::DURABLE;
            next.add(WHO, "power cut, and the removed journal is there again", "", back);
        }
        _ => {}
    }
    next.add(WHO, "power cut", "", s);
    // Not the last line: that one was not written.
    let earlier = s.file & !last(s.file);
    for bit in (0..8).map(|at| 1 << at).filter(|bit| earlier & bit != 0) {
        let mut s = s;
        s.file &= !bit;
        s.disk = s.file;
        s.lost = true;
        next.add(WHO, "power cut, and a line can't be read any more:", super::name_of_record(first(bit)), s);
    }
}

fn last(bits: u8) -> u8 {
    (0..8).rev().map(|at| 1 << at).find(|bit| bits & bit != 0).unwrap_or_default()
}

fn end_all(s: &mut State, slots: std::ops::Range<usize>) {
    for slot in slots {
        if stage_of(s.slots[slot]) == stage::ORPHAN {
            s.slots[slot] = 0;
        }
        s.end_early(slot);
    }
    s.keeper = 0;
    s.worker = 0;
    s.undoer = 0;
    s.is_thread = false;
    s.anew = 0;
    s.queue = 0;
}
