//! `prune`: restic removes data that no snapshot needs any more.

use super::locking;
use super::maintenance::Maintenance;
use crate::engine::{PruneTally, Restic};

/// The work of `prune`.
pub type Prune = Maintenance<PruneTally>;

impl Default for Prune {
    fn default() -> Self {
        Self {
            glyph: "🧹",
            title: "Prune",
            doing: "Pruning repository",
            sub: "prune",
            schedule: ("PRUNE_CRON", |settings| &settings.schedules.prune),
            arguments: ("RESTIC_PRUNE_ARGS", |settings| &settings.jobs.prune),
            lock: |settings| {
                let version = || Restic::locate(settings, &settings.environment).version();
                locking::prune(&settings.jobs.prune.words, version)
            },
            report: |tally, cx| {
                for (key, count) in [("blobs_removed", tally.blobs_removed), ("blobs_remaining", tally.blobs_remaining)]
                {
                    if let Some(count) = count {
                        cx.stat(key, count);
                    }
                }
            },
            beside: (),
        }
    }
}
