//! The model of a run, its journal and its recovery: see `docs/design/journal.md`.
//!
//! Every order of every step is tried, with crashes at every one. With all rules of the design nothing breaks; without
//! any one of them something does, and the shortest way to it is printed (`cargo test --test model -- --nocapture`).

mod explore;
mod guards;
mod state;
mod steps;

use explore::{explore, steps_taken};
use guards::{Guards, Setting};
use state::Broken;

/// Whether the pre hooks freeze the file system that the journal lies on.
const ORDINARY: bool = false;
const FROZEN: bool = true;

fn holds(frozen: bool, crashes: u8) {
    let found = explore(&Setting { guards: Guards::ALL, frozen, crashes });
    println!("{crashes} crashes, frozen {frozen}: {} states, {:?} broken", found.states, found.broken);
    assert_eq!(found.broken, Broken::Nothing, "{} states, shortest way:\n{}", found.states, found.trace);
    assert!(found.states > 10_000, "the model has lost its states: {}", found.states);
}

#[test]
fn the_design_holds() {
    holds(ORDINARY, 3);
}

#[test]
fn the_design_holds_with_the_journal_on_the_frozen_file_system() {
    holds(FROZEN, 3);
}

#[test]
#[ignore = "for make torture"]
fn the_design_holds_through_five_crashes() {
    holds(ORDINARY, 5);
    holds(FROZEN, 5);
}

/// What must come to pass somewhere, or the rest proves nothing.
const MUST_HAPPEN: [&str; 31] = [
    "CRASH: SIGKILL of K and W",
    "CRASH: SIGKILL of R1",
    "CRASH: SIGKILL of all processes of the run's container",
    "CRASH: SIGKILL of the supervisor of",
    "CRASH: power cut, and a line can't be read any more:",
    "CRASH: power cut, and the removed journal is there again",
    "K ends what a dead supervisor left:",
    "K ends: nothing was begun",
    "K forks U for undo1",
    "K frees the claim of the dead U",
    "K frees the claims of the dead W and forks a successor W2",
    "K kills W, which has the word of undo1 past the limit",
    "K removes the journal, and ends with W's exit code",
    "R1 finds and ends what the crashed run left:",
    "R1 locks and reads the journal",
    "R2 notes the end of",
    "R2 removes the journal, and ends",
    "S of R2 sees the death of its owner, and ends",
    "S of W sees the death of its owner, and does not start",
    "U ends before 'undo1 ended' is written",
    "U ends: somebody has undo1",
    "U tells the end of",
    "W does not start pre1 again: it is being undone",
    "W finds and ends what the dead U left:",
    "W frees the claim of the dead U",
    "W hears that pre1 has failed, and tries again",
    "W removes the journal, and ends",
    "W sees by its word, and notes, the end of",
    "kernel: the file system is thawed: what hung in a write finishes it and dies",
    "thread of W claims",
    "thread of W tells the end of",
];

#[test]
fn everything_happens_somewhere() {
    let taken = steps_taken(&Setting { guards: Guards::ALL, frozen: FROZEN, crashes: 3 });
    let missing: Vec<&str> = MUST_HAPPEN.into_iter().filter(|step| !taken.contains(*step)).collect();
    assert!(missing.is_empty(), "never: {missing:#?}\ntaken: {taken:#?}");
}

fn breaks(what: &str, guards: Guards, (frozen, crashes): (bool, u8), expected: Broken) {
    let found = explore(&Setting { guards, frozen, crashes });
    println!("Without '{what}', {} states: {:?}\n{}", found.states, found.broken, found.trace);
    assert_eq!(found.broken, expected, "without '{what}':\n{}", found.trace);
    if let Some(fewer) = crashes.checked_sub(1) {
        let found = explore(&Setting { guards, frozen, crashes: fewer });
        assert_eq!(found.broken, Broken::Nothing, "without '{what}' and with {fewer} crashes:\n{}", found.trace);
    }
}

/// A test for each rule: without it, there, with so many crashes (and no fewer), this breaks.
macro_rules! without {
    ($($guard:ident: $frozen:ident, $crashes:literal => $broken:ident;)*) => {
        mod without {
            use super::*;
            $(
                #[test]
                fn $guard() {
                    let guards = Guards { $guard: false, ..Guards::ALL };
                    breaks(stringify!($guard), guards, ($frozen, $crashes), Broken::$broken);
                }
            )*
        }
    };
}

without! {
    header_synced: ORDINARY, 1 => LostDebt;
    sync_before_start: ORDINARY, 1 => RemovedWhileOwed;
    maybe_started: ORDINARY, 1 => PostBeforeUndo;
    undo_is_no_later_step: ORDINARY, 1 => PostBeforeUndo;
    restate: ORDINARY, 1 => FinishedMadeUpFor;
    lost_counts: ORDINARY, 1 => RemovedWhileOwed;
    heard_is_noted: ORDINARY, 1 => FinishedMadeUpFor;
    claim: ORDINARY, 0 => UndoWhileHookRuns;
    hook_holds_word: ORDINARY, 0 => UndoWhileHookRuns;
    wait_for_end: ORDINARY, 0 => UndoWhileHookRuns;
    supervisor_holds_flock: ORDINARY, 1 => UndoWhileHookRuns;
    alive_check: ORDINARY, 0 => RecoveredAlive;
    exclusive: ORDINARY, 1 => RecoveredAlive;
    read_after_lock: ORDINARY, 0 => FinishedMadeUpFor;
    settled_before_removal: ORDINARY, 0 => RemovedWhileOwed;
    drained_before_end: ORDINARY, 1 => FinishedMadeUpFor;
    death_is_certain: ORDINARY, 0 => UndoWhileHookRuns;
    undoer_tree_gone: ORDINARY, 1 => TwoUndos;
    worker_frees: ORDINARY, 2 => Deadlock;
    post_made_up: ORDINARY, 1 => RemovedWhileOwed;
    sweep: ORDINARY, 2 => UndoWhileHookRuns;
    as_good_as_dead: FROZEN, 0 => Deadlock;
    dead_undoer_seen: FROZEN, 1 => Deadlock;
    own_descriptors: FROZEN, 1 => Deadlock;
    no_foreign_orphans: ORDINARY, 2 => UndoWhileHookRuns;
}
