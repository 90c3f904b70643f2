//! `--list`: what there is, without a run.

use super::plan::refused;
use super::prompts::Dialogue;
use super::snapshots::{self, Filters, HOST_TAG_SINCE};
use super::table;
use crate::engine::Restic;
use crate::exit;
use crate::process::Stop;
use crate::run::Cancelled;
use crate::settings::Settings;
use crate::workers::skeleton::bounds_of;
use std::fmt::Write as _;
use std::io;

/// Rows without `--all`.
const ROWS: usize = 1000;

/// Which rows are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// All.
    All,
    /// The most recent ones.
    Recent,
}

/// Lists the matching snapshots.
///
/// # Errors
/// A refusal (exit code 1) when restic fails or the output cannot be written.
pub fn list(
    dialogue: &mut Dialogue<'_>,
    settings: &Settings,
    filters: &Filters,
    rows: Rows,
    stop: &Stop,
) -> Result<i32, Cancelled> {
    let restic = Restic::locate(settings, &filters.environment(&settings.environment));
    let bounds = bounds_of(settings, stop);
    let found = snapshots::matching(&restic, filters, &bounds)
        .map_err(|error| refused(format!("listing the snapshots failed: {error}"), exit::FAILURE))?;
    let limit = if rows == Rows::All { usize::MAX } else { ROWS };
    let mut text = format!("📋 Matching snapshots in {}:\n{}", settings.repository.shown, table::render(&found, limit));
    if found.is_empty() {
        let why = snapshots::explain_nothing(&restic_for_any(settings, filters), filters, &bounds, HOST_TAG_SINCE);
        let _ = writeln!(text, "  (no snapshots matched: {})\n  ({why})", filters.shown_with_since());
    } else if found.len() > limit {
        let _ = writeln!(text, "  (showing {limit} most recent of {}; --all shows every one)", found.len());
    }
    match dialogue.show(&text) {
        // Whoever reads has seen enough (`restore --list | head`).
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(exit::SUCCESS),
        Err(error) => Err(refused(format!("cannot write to standard output: {error}"), exit::FAILURE)),
        Ok(()) => Ok(exit::SUCCESS),
    }
}

/// restic without a host filter of its own.
pub fn restic_for_any(settings: &Settings, filters: &Filters) -> Restic {
    let any = Filters { host: String::new(), ..filters.clone() };
    Restic::locate(settings, &any.environment(&settings.environment))
}
