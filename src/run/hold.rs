//! The hold limit of a pre hook: past it its undo runs at once, while the work goes on.
//!
//! One thread a hold, armed before its hook starts. It has all that the undo needs in memory and waits for no file. The
//! turn to undo is taken under a lock, by the thread or by the pipeline, never by both. What it does it notes with a
//! pen, so that the keeper, and a successor with it, knows of each step.

use super::attempts::{Came, Carried, Means, Progress, carry_out, say_what_is_left};
use super::ledger::Pen;
use super::occasion::{Occasion, Stands};
use super::reports::record_of;
use super::state::Record;
use crate::hooks::Hook;
use crate::hooks::template::SecretValues;
use crate::masking::say;
use crate::process::{Stop, Supervisor};
use crate::report::{HookRecord, Status, UNDONE_EARLY};
use crate::settings::Settings;
use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Everything for an early undo.
pub(super) struct Order {
    /// The pre hook's name.
    pub of: String,
    /// How long its effect may last.
    pub limit: Duration,
    /// What takes it back.
    pub undo: Hook,
    /// The place of that in the plan.
    pub place: usize,
    /// What it is told, but for what its hook hands on.
    pub occasion: Occasion,
    /// When the run's clock began, for how long it has taken by then.
    pub run_began: Instant,
    pub settings: Settings,
    pub secret_values: SecretValues,
    pub pen: Pen,
    /// A stop of its own: each has one waiter.
    pub stop: Stop,
}

/// A hold that is watched.
pub(super) struct Hold {
    shared: Arc<Shared>,
    /// When the undo is due.
    pub due: Instant,
}

struct Shared {
    table: Mutex<Table>,
    changed: Condvar,
}

struct Table {
    stage: Stage,
    work_is_over: bool,
}

enum Stage {
    /// The hook is still running: its undo must wait for its end.
    Starting,
    /// The hook has ended, and has handed this on.
    Held(Vec<(String, String)>),
    /// The pipeline undoes it, or there is nothing to undo.
    Taken,
    /// The thread undoes it.
    Undoing,
    /// It has failed once, and will try again: who comes after it in the order waits no longer.
    Retrying,
    /// The thread has undone it.
    Undone(Vec<Supervisor>),
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, change: impl FnOnce(&mut Table)) {
        change(&mut self.table());
        self.changed.notify_all();
    }

    /// Waits until the undo is due and its hook has ended; gives what that handed on, and whether the work was over.
    /// `None` if somebody else undoes it.
    fn wait_for_turn(&self, due: Instant) -> Option<(Vec<(String, String)>, bool)> {
        let mut table = self.table();
        loop {
            let left = due.saturating_duration_since(Instant::now());
            table = match &mut table.stage {
                Stage::Starting => self.changed.wait(table).unwrap_or_else(PoisonError::into_inner),
                Stage::Held(_) if !left.is_zero() => {
                    self.changed.wait_timeout(table, left).unwrap_or_else(PoisonError::into_inner).0
                }
                Stage::Held(values) => {
                    let values = std::mem::take(values);
                    table.stage = Stage::Undoing;
                    return Some((values, table.work_is_over));
                }
                Stage::Taken | Stage::Undoing | Stage::Retrying | Stage::Undone(_) => return None,
            };
        }
    }
}

impl Hold {
    /// Has the hold watched from now on.
    ///
    /// # Errors
    /// When the system has no thread left: then its hook must not start.
    pub fn arm(order: Order) -> io::Result<Self> {
        let due = Instant::now() + order.limit;
        let table = Table { stage: Stage::Starting, work_is_over: false };
        let shared = Arc::new(Shared { table: Mutex::new(table), changed: Condvar::new() });
        let theirs = Arc::clone(&shared);
        std::thread::Builder::new().name("hold".into()).spawn(move || {
            let Some((values, work_is_over)) = theirs.wait_for_turn(due) else { return };
            let done = Undoing { shared: &theirs, supervisors: Vec::new() };
            order.carry_out(values, work_is_over, done);
        })?;
        Ok(Self { shared, due })
    }

    /// The hook has ended, and has handed this on to its undo.
    pub fn hook_has_ended(&self, values: Vec<(String, String)>) {
        self.shared.set(|table| {
            if matches!(table.stage, Stage::Starting) {
                table.stage = Stage::Held(values);
            }
        });
    }

    /// From now on an undo is none that came before the end of the work.
    pub fn work_is_over(&self) {
        self.shared.set(|table| table.work_is_over = true);
    }

    /// Takes the turn to undo it, or to leave it. `false` if the thread has it already.
    pub fn take(&self) -> bool {
        let mut taken = false;
        self.shared.set(|table| {
            taken = matches!(table.stage, Stage::Starting | Stage::Held(_) | Stage::Taken);
            if taken {
                table.stage = Stage::Taken;
            }
        });
        taken
    }

    /// Waits until the thread has undone it, or has tried to if `once`, or until then. Gives its supervisors, once.
    pub fn wait(&self, once: bool, until: Option<Instant>) -> Option<Vec<Supervisor>> {
        let mut table = self.shared.table();
        loop {
            if let Stage::Undone(supervisors) = &mut table.stage {
                return Some(std::mem::take(supervisors));
            }
            if once && matches!(table.stage, Stage::Retrying) {
                return Some(Vec::new());
            }
            let changed = &self.shared.changed;
            table = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                Some(Duration::ZERO) => return None,
                Some(left) => changed.wait_timeout(table, left).unwrap_or_else(PoisonError::into_inner).0,
                None => changed.wait(table).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

/// The thread's turn: however it ends, nobody waits for it in vain.
struct Undoing<'a> {
    shared: &'a Shared,
    supervisors: Vec<Supervisor>,
}

impl Drop for Undoing<'_> {
    fn drop(&mut self) {
        let supervisors = std::mem::take(&mut self.supervisors);
        self.shared.set(|table| table.stage = Stage::Undone(supervisors));
    }
}

impl Order {
    fn carry_out(mut self, values: Vec<(String, String)>, work_is_over: bool, mut done: Undoing<'_>) {
        let span = tracing::info_span!("hook", hook = %self.undo.name);
        let _entered = span.enter();
        self.occasion.values.extend(values);
        self.occasion.duration = self.run_began.elapsed();
        let early = (!work_is_over).then(|| format!("after {}, {UNDONE_EARLY}", spoken(self.limit)));
        let trouble = early.as_ref().map(|when| format!("'{}' undone {when}", self.of));
        if let Some(trouble) = &trouble {
            if let Some(stands) = &mut self.occasion.stands {
                stands.error.clone_from(trouble);
            }
            self.pen.note(Record::HeldTooLong(self.settings.secrets.mask(trouble).into_owned()));
            say::warn(format!("⏰ {trouble}."));
        }
        let (pen, place) = (&self.pen, self.place);
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
            supervisors: Vec::new(),
        };
        let mut progress = Progress::default();
        let carried = loop {
            match carry_out(&self.undo, &self.occasion, &mut means, progress) {
                Came::Ended(carried) => break carried,
                Came::Again(so_far) => progress = so_far,
            }
            done.shared.set(|table| table.stage = Stage::Retrying);
        };
        done.supervisors = means.supervisors;
        let mut record = record_of(&self.undo, "running");
        note(&mut record, &carried, early.as_deref());
        say_what_is_left(&self.of, &record);
        pen.note(Record::Hook(place, Box::new(record)));
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
