//! The worker's book of its run: what it notes is known to the keeper at once.

use super::cleaner::{self, Cleaner};
use super::state::{Record, State};
use crate::masking::say;
use crate::process::channel::Channel;
use crate::process::supervisor::{NAME_DRAINING, NAME_RUNNING};
use crate::process::tree::{Progress, TreeEnder};
use crate::process::{children_of, name_of};
use nix::unistd::{Pid, getpid};
use std::time::Duration;

/// Frames from worker to keeper.
pub(super) const RECORD: u8 = 10;
pub(super) const END_ORPHANS: u8 = 11;
/// Frames from keeper to worker.
pub(super) const ORPHANS_ENDED: u8 = 12;

/// The state of the run, and the way to the keeper.
pub struct Ledger {
    state: State,
    keeper: Channel,
    cleaner: Option<Cleaner>,
}

impl Ledger {
    /// A book that goes on from `state`.
    pub(super) fn new(state: State, keeper: Channel, cleaner: Option<Cleaner>) -> Self {
        Self { state, keeper, cleaner }
    }

    /// What is known.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether the keeper is dead.
    pub fn is_alone(&mut self) -> bool {
        self.keeper.receive();
        self.keeper.is_closed()
    }

    /// Notes a step. If the keeper is dead the worker goes on alone.
    pub fn note(&mut self, record: Record) {
        if let Ok(body) = serde_json::to_vec(&record) {
            self.keeper.send(RECORD, &body);
            self.keeper.flush_all();
        }
        match (&record, &mut self.cleaner) {
            (Record::Owes(debt), Some(cleaner)) => {
                if let Err(error) = cleaner.owes(debt) {
                    // It is there for a rare accident only: no reason not to work.
                    say::log_only(format!("No cleaner for {}: {error}", debt.path().display()));
                }
            }
            (Record::Paid(debt), Some(cleaner)) => cleaner.paid(debt),
            _ => {}
        }
        self.state.apply(record);
    }

    /// Has the cleaner end, where nobody else does that any more.
    pub(super) fn dismiss_cleaner(&mut self) {
        if let Some(cleaner) = &mut self.cleaner {
            cleaner.dismiss();
        }
    }

    /// Has whoever adopted it end what a dead supervisor or an interrupted engine left: the keeper, or this process
    /// once the keeper is dead. Waits for that, since an undo must not start before.
    pub fn end_orphans(&mut self, grace: Duration) {
        self.keeper.send(END_ORPHANS, &(grace.as_millis() as u64).to_le_bytes());
        self.keeper.flush_all();
        while !self.keeper.is_closed() {
            if self.keeper.receive_waiting().iter().any(|(kind, _)| *kind == ORPHANS_ENDED) {
                return;
            }
        }
        end_own(grace);
    }
}

/// Ends everything below this process but supervisors and their hooks.
pub(super) fn end_own(grace: Duration) {
    let mut ender = TreeEnder::begin(grace, supervisors());
    while let Progress::Wait(time) = ender.step() {
        std::thread::sleep(time);
    }
}

/// Our children that are supervisors of hooks, and what lives below them is theirs; and the cleaner, who goes last.
pub(super) fn supervisors() -> Vec<Pid> {
    children_of(getpid())
        .into_iter()
        .map(|process| process.pid)
        .filter(|pid| matches!(name_of(*pid).as_str(), NAME_RUNNING | NAME_DRAINING | cleaner::NAME))
        .collect()
}
