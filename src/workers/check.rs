//! `check`: restic looks whether the repository is sound.

use super::locking;
use super::maintenance::Maintenance;
use crate::engine::CheckTally;

/// The work of `check`.
pub type Check = Maintenance<CheckTally>;

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
        }
    }
}
