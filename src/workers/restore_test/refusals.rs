//! What is refused before anything is made. Each refusal is recorded as a run that failed.

use super::canary::Canary;
use super::draw;
use super::plan::{Plan, Target, temporary};
use crate::engine::Restic;
use crate::exit;
use crate::run::{Cancelled, WorkContext};
use crate::workers::restore::ask::DRY_RUN_SINCE;
use crate::workers::restore::disk::{self, Unusable};
use crate::workers::restore::plan::snapshot;
use crate::workers::restore::safety::{self, Kind};
use crate::workers::restore::table::shown;
use std::path::Path;

/// Why it is not done: the exit code, and one line.
pub type Refusal = (i32, String);

/// Refuses what must not or cannot be done, in the order of the contract; gives the canaries, if they are any.
///
/// # Errors
/// The first refusal.
pub fn check(plan: &Plan, cx: &WorkContext<'_>, canaries: Result<Vec<Canary>, String>) -> Result<Vec<Canary>, Refusal> {
    let usage = |message: String| (exit::USAGE, message);
    check_target(plan, cx)?;
    let canaries = canaries.map_err(usage)?;
    if let Err(Cancelled::Refused { message, code }) = snapshot(&plan.snapshot) {
        return Err((code, message.trim_start_matches("❌ ").to_owned()));
    }
    if plan.is_sampled() {
        check_sample(plan, canaries.len() as u64).map_err(usage)?;
    }
    if plan.dry_run {
        check_dry_run(cx).map_err(usage)?;
    }
    Ok(canaries)
}

fn check_target(plan: &Plan, cx: &WorkContext<'_>) -> Result<(), Refusal> {
    let moved = cx.values.get("BACKUP_ROOT_DIR").map_or("", String::as_str);
    match &plan.target {
        Target::Automatic(_) => check_temporary(temporary(cx.settings), plan, cx, moved),
        Target::Named(target) if target.is_empty() => {
            Err((exit::USAGE, "--target '' is empty: name the folder to restore into".to_owned()))
        }
        Target::Named(target) => {
            safety::check_usable(target).map_err(|message| (exit::FAILURE, message))?;
            // A folder that is only crowded may be an empty disk; nothing else is lifted.
            let counts = |kind| kind != Kind::Crowded || !plan.force;
            if let Some(said) = safety::refusal(safety::TARGET, target, cx.settings, moved, &counts) {
                return Err((exit::USAGE, format!("{said}: choose another --target, or none for a folder of its own")));
            }
            if plan.dry_run { Ok(()) } else { check_still_empty(plan) }
        }
    }
}

/// Refuses a target that must be empty and is not.
///
/// # Errors
/// The refusal.
pub fn check_still_empty(plan: &Plan) -> Result<(), Refusal> {
    if plan.force {
        return Ok(());
    }
    safety::check_empty(&plan.shown_folder()).map_err(|message| (exit::USAGE, message))
}

/// The folder that automatic folders are made in: it need not be empty, and may be the system's.
fn check_temporary(folder: &Path, plan: &Plan, cx: &WorkContext<'_>, moved: &str) -> Result<(), Refusal> {
    let given = shown(&folder.to_string_lossy());
    let why = match disk::usable(folder) {
        Ok(()) if folder.is_dir() => None,
        Ok(()) => Some("is not there".to_owned()),
        Err(Unusable::NoFolder) => Some("is not a folder".to_owned()),
        Err(Unusable::NotWritable(error)) => Some(format!("is not writable ({error})")),
        Err(Unusable::NotCreatable(error)) => Some(format!("is not there ({error})")),
    };
    if let Some(why) = why {
        let message = format!("'{given}', where a temporary folder is to be made, {why}: set TMPDIR, or give --target");
        return Err((exit::FAILURE, message));
    }
    let counts = |kind| matches!(kind, Kind::Source | Kind::Own);
    let what = "the temporary folder";
    safety::refusal(what, &plan.shown_folder(), cx.settings, moved, &counts)
        .map_or(Ok(()), |said| Err((exit::USAGE, format!("{said}: set TMPDIR to another folder, or give --target"))))
}

fn check_sample(plan: &Plan, canaries: u64) -> Result<(), String> {
    if plan.snapshot.contains(':') {
        return Err(format!(
            "--sample cannot draw from a part of a snapshot ('{}'): give the id alone, and the part as --path",
            shown(&plan.snapshot)
        ));
    }
    let most = plan.sample.saturating_add(canaries);
    if plan.min_files_told && plan.min_files > most {
        return Err(format!(
            "--min-files {} can never be met: with --sample {} and {canaries} canary file(s), {most} file(s) come back \
             at most; give a lower --min-files, or a larger --sample",
            plan.min_files, plan.sample
        ));
    }
    draw::patterns(plan).map(|_| ())
}

/// One that cannot be asked for its version is taken as new.
fn check_dry_run(cx: &WorkContext<'_>) -> Result<(), String> {
    let (major, minor) = DRY_RUN_SINCE;
    match Restic::locate(cx.settings, &cx.environment).version() {
        Some(version) if !version.at_least(major, minor) => Err(format!(
            "--dry-run needs restic {major}.{minor} or later, and this is restic {version}: update restic, or run \
             the test without it"
        )),
        _ => Ok(()),
    }
}
