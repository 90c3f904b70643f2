//! `check`: restic looks whether the repository is sound, and reads a part of its data at each run if it is told to.
//!
//! `rotation.rs` is what is known of the parts, `turn.rs` is what a run does with it.

mod rotation;
mod turn;

use super::locking;
use super::maintenance::Maintenance;
use crate::engine::CheckTally;
pub use rotation::{Known, Moment, Rotation};
use turn::Turn;

/// The work of `check`.
pub type Check = Maintenance<CheckTally, Turn>;

impl Default for Check {
    fn default() -> Self {
        Self {
            glyph: "🔍",
            title: "Check",
            doing: "Verifying repository integrity",
            sub: "check",
            schedule: ("CHECK_CRON", |settings| &settings.schedules.check),
            arguments: ("RESTIC_CHECK_ARGS", |settings| &settings.jobs.check),
            lock: |settings| locking::check(&settings.jobs.check.words),
            report: |tally, cx| cx.stat("errors", tally.errors),
            beside: Turn::default(),
        }
    }
}
