//! Which snapshot it is, and restic's part of the work.

use super::canary::Canary;
use super::draw::{Drawn, literally};
use super::plan::Plan;
use crate::engine::{Output, Progress, Restic, plainly, run_text};
use crate::exit;
use crate::masking::say;
use crate::run::WorkContext;
use crate::workers::restore::listing::restic_for_any;
use crate::workers::restore::plan::LATEST;
use crate::workers::restore::snapshots::{self, HOST_TAG, ListingError};
use crate::workers::restore::summary::{self, Said, Summary};
use crate::workers::restore::table::shown;
use crate::workers::skeleton;
use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// How long the paths of one call may be together: the kernel gives all words of a command 128 KiB at the least.
const LONGEST: usize = 96 * 1024;

/// How many paths the console shows of a call.
const SHOWN: usize = 8;

/// The snapshot that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meant {
    /// What restic is told: the whole id where it is known.
    pub id: String,
    /// How many bytes it has, where restic has noted it.
    pub bytes: Option<u64>,
}

/// Finds out which snapshot is meant, so that every call speaks of the same one, whatever is backed up meanwhile.
///
/// # Errors
/// That no snapshot matched, and what there is.
pub fn find(plan: &Plan, cx: &mut WorkContext<'_>) -> Result<Meant, String> {
    let filters = &plan.filters;
    let bounds = skeleton::bounds(cx);
    let any = restic_for_any(cx.settings, filters);
    let (found, part) = if plan.snapshot == LATEST {
        let restic = Restic::locate(cx.settings, &filters.environment(&cx.environment));
        (snapshots::newest(&restic, filters, &bounds), None)
    } else {
        // `ID:folder` restores a part of a snapshot.
        let (id, part) = plan.snapshot.split_once(':').map_or((&*plan.snapshot, None), |(id, part)| (id, Some(part)));
        if id == LATEST {
            (Ok(None), part)
        } else {
            id.clone_into(&mut cx.snapshot);
            (snapshots::by_id(&any, id, &bounds), part)
        }
    };
    let as_given = Meant { id: plan.snapshot.clone(), bytes: None };
    match found {
        Ok(Some(snapshot)) => {
            snapshot.id.clone_into(&mut cx.snapshot);
            Ok(match part {
                Some(part) => Meant { id: format!("{}:{part}", snapshot.id), bytes: None },
                None => Meant { bytes: snapshot.bytes(), id: snapshot.id },
            })
        }
        Ok(None) if plan.snapshot == LATEST => {
            let why = snapshots::explain_nothing(&any, filters, &bounds, HOST_TAG);
            Err(format!("no snapshots matched: {}; {why}", filters.shown()))
        }
        // restic says what is wrong with the id, and with which code.
        Ok(None) => Ok(as_given),
        Err(ListingError::Failed(error)) => {
            say::log_only(format!("Which snapshot '{}' is, is not known: {error}", plan.snapshot));
            Ok(as_given)
        }
        Err(error) => Err(error.to_string()),
    }
}

/// What restic left.
#[derive(Debug, Default)]
pub struct Restored {
    /// Its exit code.
    pub code: i32,
    /// Why it failed; empty if it did not.
    pub reason: String,
    /// What it says it did, where it says so.
    pub summary: Option<Summary>,
}

/// The paths that alone are restored, a list for each call of restic; one empty list for everything.
pub fn includes(plan: &Plan, sample: Option<&[Drawn]>, canaries: &[Canary]) -> Vec<Vec<OsString>> {
    let Some(sample) = sample else { return vec![plan.paths.iter().map(OsString::from).collect()] };
    let mut all: Vec<Vec<u8>> = sample.iter().map(|file| literally(file.path.as_bytes())).collect();
    all.extend(canaries.iter().map(|canary| literally(canary.path.as_bytes())));
    all.sort();
    all.dedup();
    let mut calls = vec![Vec::new()];
    let mut length = 0;
    for path in all {
        length += path.len() + "--include".len() + 2;
        if length > LONGEST && calls.last().is_some_and(|call| !call.is_empty()) {
            calls.push(Vec::new());
            length = path.len();
        }
        if let Some(call) = calls.last_mut() {
            call.push(OsString::from_vec(path));
        }
    }
    calls
}

/// Runs restic, and listens to it.
pub fn restore(plan: &Plan, cx: &mut WorkContext<'_>, id: &str, paths: &[OsString]) -> Restored {
    if let Some(request) = cx.stop.request() {
        let code = exit::of_signal(request.signal as i32);
        return Restored { code, reason: "interrupted before restic began".to_owned(), summary: None };
    }
    let mut words: Vec<OsString> = vec![id.into(), "--target".into(), plan.folder().into()];
    words.extend(plan.filters.words().into_iter().map(OsString::from));
    let mut preview = shown(&words.join(OsStr::new(" ")).to_string_lossy());
    for (index, path) in paths.iter().enumerate() {
        if index < SHOWN {
            let _ = write!(preview, " --include {}", shown(&path.to_string_lossy()));
        } else if index == SHOWN {
            let _ = write!(preview, " ... ({} more)", paths.len() - SHOWN);
        }
        words.extend(["--include".into(), path.clone()]);
    }
    for (on, flag) in [(plan.is_verified(), "--verify"), (plan.dry_run, "--dry-run")] {
        if on {
            words.push(flag.into());
            let _ = write!(preview, " {flag}");
        }
    }
    say::console_only(format!("About to run: restic restore {preview}"));

    words.extend(Restic::without_lock(cx.settings).map(OsString::from));
    // A restic before 0.16 ignores this.
    words.push("--json".into());
    let mut restic = Restic::locate(cx.settings, &plan.filters.environment(&cx.environment));
    let mut progress = Progress::new(cx.job.name, &cx.settings.log);
    progress.pace(&mut restic.environment);
    let bounds = skeleton::bounds(cx);
    let mut summary = None;
    let snapshot = &mut cx.snapshot;
    let outcome = run_text(&restic.spec("restore", &words), &bounds, &mut |output| match output {
        Output::Stdout(line) => match summary::understand(line) {
            Said::Summary(said) => {
                say::log_only(said.text());
                summary = Some(said);
            }
            Said::Status(status) => progress.status(status),
            Said::Restoring(id) => {
                say::log_only(line);
                // restic may write fewer digits than are known already.
                if !snapshot.starts_with(&id) {
                    *snapshot = id;
                }
            }
            Said::Other => say::log_only(line),
        },
        Output::Stderr(line) => plainly(line).lines().for_each(say::log_only),
        Output::Tick => progress.tick(),
    });
    drop(progress);
    Restored { code: outcome.code(), reason: outcome.reason(), summary }
}

/// What several calls did together.
pub fn together(one: Option<Summary>, other: Option<Summary>) -> Option<Summary> {
    let (Some(one), Some(other)) = (one.clone(), other.clone()) else { return one.or(other) };
    let bytes = one.bytes.zip(other.bytes).map(|(one, other)| one + other);
    Some(Summary {
        files: one.files + other.files,
        skipped: one.skipped + other.skipped,
        total: one.total.zip(other.total).map(|(one, other)| one + other),
        size: bytes.map_or(other.size, crate::engine::bytes),
        bytes,
        elapsed: other.elapsed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_long_names_go_to_several_calls() {
        let settings = crate::settings::read(&crate::settings::Environment::default());
        let plan =
            Plan::new(&super::super::RestoreTestArgs::default(), &settings, &std::collections::BTreeMap::new(), "x");
        let name = |number: usize| format!("/{}/{number:04}", "x".repeat(200));
        let sample: Vec<Drawn> = (0..2000).map(|number| Drawn { path: name(number), size: 0, mtime: None }).collect();
        let calls = includes(&plan, Some(&sample), &[]);
        assert!(calls.len() > 3, "{}", calls.len());
        assert_eq!(calls.iter().map(Vec::len).sum::<usize>(), 2000);
        for call in &calls {
            let length: usize = call.iter().map(|path| path.len() + "--include".len() + 2).sum();
            assert!(length <= LONGEST + 300, "{length}");
        }
        assert_eq!(includes(&plan, None, &[]), [Vec::<OsString>::new()]);
        // A canary that was drawn is asked for once.
        let canary = Canary { path: name(1).into(), expected: String::new() };
        assert_eq!(includes(&plan, Some(&sample[..2]), &[canary]).concat().len(), 2);
    }
}
