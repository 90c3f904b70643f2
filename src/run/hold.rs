//! The hold limit of a pre hook: past it its undo runs at once, while the work goes on.
//!
//! The keeper keeps the time, and forks an undoer (`undoer.rs`) that carries the order out. Without a keeper the worker
//! keeps it, on one thread: the orders were made before their hooks started, so that nothing is waited for. Whoever
//! undoes claims it first (`claims.rs`).

use super::attempts::{Came, Carried, Means, Progress, carry_out, say_what_is_left};
use super::claims::Claims;
use super::ledger::Pen;
use super::occasion::{Occasion, Stands};
use super::reports::record_of;
use super::state::Record;
use crate::hooks::Hook;
use crate::hooks::template::SecretValues;
use crate::masking::say;
use crate::process::Stop;
use crate::report::{HookRecord, Status, UNDONE_EARLY};
use crate::settings::Settings;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Everything for an early undo.
pub(super) struct Order {
    /// The pre hook's name.
    pub of: String,
    /// How long its effect may last; `None` if it has no limit, and the worker hangs at a stop.
    pub limit: Option<Duration>,
    /// What takes it back.
    pub undo: Hook,
    /// The place of that in the plan.
    pub place: usize,
    /// The place of that among the undos.
    pub index: usize,
    /// What it is told, but for what its hook hands on.
    pub occasion: Occasion,
    /// When the run's clock began, for how long it has taken by then.
    pub run_began: Instant,
    pub settings: Settings,
    pub secret_values: SecretValues,
    pub pen: Pen,
    /// A stop of its own: each has one waiter.
    pub stop: Stop,
    pub claims: Arc<Claims>,
    /// How far somebody who died in it had come.
    pub left: Progress,
}

/// The holds of a worker: kept by it alone if its keeper dies.
#[derive(Default)]
pub(super) struct Holds {
    held: Mutex<BTreeMap<usize, Held>>,
    changed: Condvar,
    work_is_over: AtomicBool,
}

struct Held {
    order: Order,
    due: Instant,
    /// What its hook has handed on, once that has ended.
    values: Option<Vec<(String, String)>>,
}

impl Holds {
    fn held(&self) -> MutexGuard<'_, BTreeMap<usize, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A hold begins: its hook starts now. Gives when it ends.
    pub fn begin(&self, order: Order) -> Instant {
        let due = Instant::now() + order.limit.unwrap_or_default();
        self.held().insert(order.index, Held { order, due, values: None });
        due
    }

    /// The hook of undo number `index` has ended, and has handed this on to it; `None` if it was not started.
    pub fn hook_has_ended(&self, index: usize, values: Option<Vec<(String, String)>>) {
        let mut held = self.held();
        match (held.get_mut(&index), values) {
            (Some(one), Some(values)) => one.values = Some(values),
            (Some(_), None) => drop(held.remove(&index)),
            (None, _) => {}
        }
        self.changed.notify_all();
    }

    /// From now on an undo is none that came before the end of the work.
    pub fn work_is_over(&self) {
        self.work_is_over.store(true, Ordering::Relaxed);
    }

    /// Keeps the time of all holds, in the place of a dead keeper. Never returns.
    pub fn keep(&self) {
        let mut held = self.held();
        loop {
            let next = held.iter().filter(|(_, one)| one.values.is_some()).min_by_key(|(_, one)| one.due);
            let next = next.map(|(index, one)| (*index, one.due.saturating_duration_since(Instant::now())));
            held = match next {
                None => self.changed.wait(held).unwrap_or_else(PoisonError::into_inner),
                Some((_, left)) if !left.is_zero() => {
                    self.changed.wait_timeout(held, left).unwrap_or_else(PoisonError::into_inner).0
                }
                Some((index, _)) => {
                    let due = held.remove(&index);
                    drop(held);
                    if let Some(Held { order, values, .. }) = due {
                        order.carry_out(values.unwrap_or_default(), self.work_is_over.load(Ordering::Relaxed));
                    }
                    self.held()
                }
            };
        }
    }
}

impl Order {
    /// Undoes it, unless somebody else does; `values` are what its hook has handed on. Whether it was done here.
    pub fn carry_out(mut self, values: Vec<(String, String)>, work_is_over: bool) -> bool {
        if !self.claims.claim(self.index) {
            return false;
        }
        let span = tracing::info_span!("hook", hook = %self.undo.name);
        let _entered = span.enter();
        self.occasion.values.extend(values);
        self.occasion.duration = self.run_began.elapsed();
        let when = self.limit.map_or_else(|| "at the stop".to_owned(), |limit| format!("after {}", spoken(limit)));
        let early = (!work_is_over).then(|| format!("{when}, {UNDONE_EARLY}"));
        let trouble = early.as_ref().map(|when| format!("'{}' undone {when}", self.of));
        if let Some(trouble) = &trouble {
            if let Some(stands) = &mut self.occasion.stands {
                stands.error.clone_from(trouble);
            }
            self.pen.note(Record::HeldTooLong(self.settings.secrets.mask(trouble).into_owned()));
            say::warn(format!("⏰ {trouble}."));
        }
        let (pen, place) = (&self.pen, self.place);
        self.claims.started(self.index);
        let mut means = Means {
            settings: &self.settings,
            stop: &self.stop,
            // No file on the way of an undo.
            folder: None,
            secret_values: &self.secret_values,
            pen,
            place,
            // Without a keeper it would be the engine of this process that is ended.
            end_orphans: &|grace| {
                pen.end_orphans(grace);
            },
            alarm_at: None,
            ring: &mut || {},
            until: None,
            has_undo: false,
            is_single: true,
            turn: None,
            supervisors: Vec::new(),
        };
        let mut progress = std::mem::take(&mut self.left);
        let carried = loop {
            match carry_out(&self.undo, &self.occasion, &mut means, progress) {
                Came::Ended(carried) => break carried,
                Came::Again(so_far) => progress = so_far,
            }
        };
        let mut record = record_of(&self.undo, "running");
        note(&mut record, &carried, early.as_deref());
        say_what_is_left(&self.of, &record);
        let is_well = record.status == "completed";
        pen.note(Record::Hook(place, Box::new(record)));
        self.claims.ended(self.index, is_well);
        true
    }
}

/// Writes down what came of an early undo: the summary says of it that the data is not consistent.
fn note(record: &mut HookRecord, carried: &Carried, early: Option<&str>) {
    carried.note_in(record);
    if let Some(when) = early {
        let what = format!("undone {when}");
        record.reason = if record.reason.is_empty() { what } else { format!("{}; {what}", record.reason) };
    }
}

/// How a run stands in which something is undone before its work has ended.
pub(super) fn standing_of_early() -> Stands {
    Stands { exit_code: 0, status: Status::Warning, error: String::new(), snapshot: String::new(), summary: None }
}

/// `10m`, `1h30m`, `1m5s`, `500ms`.
fn spoken(time: Duration) -> String {
    let (seconds, millis) = (time.as_secs(), time.subsec_millis());
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s"), (u64::from(millis), "ms")];
    let mut spoken = String::new();
    for (count, unit) in parts.iter().filter(|(count, _)| *count > 0) {
        // Writing to a string does not fail.
        let _ = write!(spoken, "{count}{unit}");
    }
    if spoken.is_empty() { "0s".to_owned() } else { spoken }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_said_as_people_write_it() {
        let times = [600_000, 5_400_000, 65_000, 500, 0];
        let said: Vec<String> = times.into_iter().map(|time| spoken(Duration::from_millis(time))).collect();
        assert_eq!(said, ["10m", "1h30m", "1m5s", "500ms", "0s"]);
    }
}
