//! What is known of a run, as the sum of its records.
//!
//! The worker applies each record to its own state and sends it to the keeper, which does the same: both know the same
//! at every moment, and whoever goes on has all of it. The journal (`journal/`) holds them, too, for when both are dead.

use super::Step;
use super::debts::Debt;
use crate::report::{HookRecord, Status};
use chrono::{DateTime, Local};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// One step of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Record {
    /// The questions are answered: from here on the run is recorded and owes its post hooks.
    Begun,
    /// What is wrong around the work: a setting that it does not need, a log that cannot be written.
    Trouble(String),
    /// What an earlier run of the job owes still.
    OwedStill(String),
    /// So many records of the run's journal could not be read.
    Damaged(usize),
    /// The effect of a hook is taken back before the work has ended, since its hold limit has passed.
    HeldTooLong(String),
    /// A hook has been started, ended or skipped: its place in the plan, and what is known of it.
    Hook(usize, Box<HookRecord>),
    /// Values that a hook handed on.
    Values(Vec<(String, String)>),
    /// What the pre hook at this place handed on however it ended: for its own undo.
    UndoValues(usize, Vec<(String, String)>),
    /// A pre hook called the run off, for this reason.
    CalledOff(String),
    /// A signal came before the work had ended.
    Interrupted(i32),
    /// The clock of the work runs.
    WorkStarted(DateTime<Local>),
    /// The work is over, or will not be done.
    WorkEnded(Box<WorkEnd>),
    /// The work has made something that must not outlive it.
    Owes(Debt),
    /// It is gone again.
    Paid(Debt),
    /// The worker died of this signal, or ended with this code (above 255: code + 256), before the run was sealed.
    Died(i32),
    /// The summary is on disk.
    SummaryWritten,
    /// Notifications have gone out for a run of this status.
    Notified(Status),
    /// Nothing changes the outcome any more.
    Sealed(i32),
    /// The person at the terminal said no.
    Cancelled(Vec<(String, String)>),
    /// What is read or written, once that is settled.
    Target(String),
    /// Everything that is known, from its first step on: what comes before in a journal is of a dead writer, and may have
    /// gaps.
    Anew(Vec<Record>),
    /// Nobody of the run lived to finish it: the recovery of this id does.
    Recovering(String),
}

/// What came of the work.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkEnd {
    /// Whether it was started at all.
    pub started: bool,
    /// The worker died before it was over.
    pub killed: bool,
    /// Its own exit code.
    pub code: i32,
    /// One line why it failed or was not done.
    pub reason: String,
    /// What went wrong beside it.
    pub warnings: Vec<String>,
    /// Put off to the next run, for somebody else's lock.
    pub deferred: bool,
    /// The contract's extra keys.
    pub extras: Vec<(String, String)>,
    /// Typed statistics.
    pub stats: Map<String, Value>,
    /// The snapshot's id.
    pub snapshot: String,
    /// Steps beside the main one.
    pub steps: Vec<Step>,
    /// For the mail's subject.
    pub details: String,
    /// When it ended.
    pub finished_at: Option<DateTime<Local>>,
    /// How long it took, by the monotonic clock.
    pub milliseconds: u64,
}

/// What is known of a run.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// See [`Record::Begun`].
    pub begun: bool,
    /// See [`Record::Trouble`].
    pub trouble: Vec<String>,
    /// See [`Record::OwedStill`].
    pub owed_still: Vec<String>,
    /// See [`Record::Damaged`]; the most that was seen.
    pub damaged: usize,
    /// See [`Record::HeldTooLong`].
    pub held_too_long: Vec<String>,
    /// By place in the plan; `None` is pending.
    pub hooks: Vec<Option<HookRecord>>,
    /// See [`Record::Values`].
    pub values: BTreeMap<String, String>,
    /// See [`Record::UndoValues`].
    pub undo_values: BTreeMap<usize, Vec<(String, String)>>,
    /// See [`Record::CalledOff`].
    pub called_off: Option<String>,
    /// See [`Record::Interrupted`].
    pub interrupted: Option<i32>,
    /// See [`Record::WorkStarted`].
    pub clock: Option<DateTime<Local>>,
    /// See [`Record::WorkEnded`].
    pub work: Option<WorkEnd>,
    /// See [`Record::Owes`]; what has been paid is no longer among them.
    pub debts: Vec<Debt>,
    /// See [`Record::Died`].
    pub died: Option<i32>,
    /// See [`Record::SummaryWritten`].
    pub summary_written: bool,
    /// See [`Record::Notified`].
    pub notified: Option<Status>,
    /// See [`Record::Sealed`].
    pub sealed: Option<i32>,
    /// See [`Record::Cancelled`].
    pub cancelled: Option<Vec<(String, String)>>,
    /// See [`Record::Target`].
    pub target: Option<String>,
    /// See [`Record::Recovering`]; the first one.
    pub recovering: Option<String>,
    /// Nobody lived to seal the run: it was cut short.
    pub crashed: bool,
}

impl State {
    /// A run with so many hooks in its plan.
    pub fn new(hooks: usize) -> Self {
        Self { hooks: vec![None; hooks], ..Self::default() }
    }

    /// Takes note of a step.
    pub fn apply(&mut self, record: Record) {
        match record {
            Record::Begun => self.begun = true,
            Record::Trouble(what) => self.trouble.push(what),
            Record::OwedStill(what) => self.owed_still.push(what),
            Record::Damaged(lost) => self.damaged = self.damaged.max(lost),
            Record::HeldTooLong(what) => self.held_too_long.push(what),
            Record::Hook(place, hook) => {
                if let Some(known) = self.hooks.get_mut(place) {
                    *known = Some(*hook);
                }
            }
            Record::Values(values) => self.values.extend(values),
            Record::UndoValues(place, values) => {
                self.undo_values.insert(place, values);
            }
            Record::CalledOff(reason) => self.called_off = Some(reason),
            Record::Interrupted(signal) => self.interrupted = Some(signal),
            Record::WorkStarted(at) => self.clock = Some(at),
            Record::WorkEnded(end) => self.work = Some(*end),
            Record::Owes(debt) => self.debts.push(debt),
            Record::Paid(debt) => self.debts.retain(|owed| *owed != debt),
            Record::Died(how) => self.died = Some(how),
            Record::SummaryWritten => self.summary_written = true,
            Record::Notified(status) => self.notified = Some(status),
            Record::Sealed(code) => self.sealed = Some(code),
            Record::Cancelled(extras) => self.cancelled = Some(extras),
            Record::Target(target) => self.target = Some(target),
            Record::Anew(records) => {
                *self = Self::new(self.hooks.len());
                for record in records {
                    self.apply(record);
                }
            }
            Record::Recovering(by) => {
                self.crashed |= self.sealed.is_none();
                // Who was told of it knows nothing of what comes now.
                self.notified = None;
                self.recovering.get_or_insert(by);
            }
        }
    }
}
