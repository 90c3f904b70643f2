//! The outcome of a run from what is known of it. Pure: given facts, decide (`docs/hooks.md`: When a hook fails).

use super::state::State;
use crate::exit;
use crate::hooks::{Hook, OnError, Phase};
use crate::report::{HookRecord, Status, WorkRecord};
use std::fmt::Write as _;

/// Why a run is `interrupted` that nobody lived to finish.
pub(super) const CUT_SHORT: &str = "cut short: its processes were killed, or their container or machine ended";

/// The same behind what became of a hook.
pub(super) const BECAUSE_CUT_SHORT: &str =
    ": the run was cut short (its processes were killed, or their container or machine ended)";

/// How many records of a journal are damaged, as a subject: `1 record of its journal is`.
pub(super) fn damaged_records(lost: usize) -> String {
    if lost == 1 { "1 record of its journal is".to_owned() } else { format!("{lost} records of its journal are") }
}

/// How a run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The run's status.
    pub status: Status,
    /// The process's exit code.
    pub code: i32,
    /// One line why it is not a plain success.
    pub reason: String,
}

/// The first pre hook whose failure forbids the work.
pub fn forbidding<'a>(hooks: &[&'a Hook], state: &'a State) -> Option<&'a HookRecord> {
    failures(hooks, state, Phase::Pre)
        .into_iter()
        .find(|(hook, _)| hook.on_error == OnError::Fail)
        .map(|(_, record)| record)
}

/// The hooks of a phase that have failed, in order.
pub fn failures<'a>(hooks: &[&'a Hook], state: &'a State, phase: Phase) -> Vec<(&'a Hook, &'a HookRecord)> {
    hooks
        .iter()
        .zip(&state.hooks)
        .filter(|(hook, _)| hook.phase == phase)
        .filter_map(|(hook, record)| Some((*hook, record.as_ref()?)))
        .filter(|(_, record)| matches!(record.status.as_str(), "failed" | "timed_out"))
        .collect()
}

/// How the run stands now. A failed undo is named after whatever else the run failed of, and so is a damaged journal.
pub fn outcome(hooks: &[&Hook], state: &State) -> Outcome {
    let mut outcome = verdict(hooks, state);
    if !matches!(outcome.status, Status::Success | Status::Warning) {
        for (undo, record) in failures(hooks, state, Phase::Undo) {
            let of = undo.undo_of.and_then(|of| hooks.get(of)).map_or("its hook", |hook| hook.name.as_str());
            // Writing to a string does not fail.
            let _ = write!(outcome.reason, "; {} failed: the effect of {of} may still be there", record.name);
        }
        if state.damaged > 0 {
            let _ = write!(outcome.reason, "; {} damaged", damaged_records(state.damaged));
        }
    }
    outcome
}

fn verdict(hooks: &[&Hook], state: &State) -> Outcome {
    let outcome = |status, code, reason: String| Outcome { status, code, reason };
    if let Some(signal) = state.interrupted {
        let name = nix::sys::signal::Signal::try_from(signal).map_or("a signal", nix::sys::signal::Signal::as_str);
        return outcome(Status::Interrupted, exit::of_signal(signal), format!("ended by {name}"));
    }
    if state.crashed {
        let known = state.work.as_ref().map_or(0, |work| work.code);
        let code = if known == 0 { exit::of_signal(libc::SIGKILL) } else { known };
        return outcome(Status::Interrupted, code, CUT_SHORT.to_owned());
    }
    if let Some(how) = state.died.filter(|_| state.work.as_ref().is_none_or(|work| work.killed)) {
        let (code, why) = death(how);
        return outcome(Status::Interrupted, code, why);
    }
    if let Some(record) = forbidding(hooks, state) {
        let code = if record.timed_out { exit::TIMED_OUT } else { exit::PRE_HOOK_FAILED };
        return outcome(Status::Failure, code, said(record));
    }
    if let Some(reason) = &state.called_off {
        return outcome(Status::Skipped, exit::SUCCESS, reason.clone());
    }
    if let Some(work) = state.work.as_ref().filter(|work| work.code != 0) {
        return outcome(Status::Failure, work.code, work.reason.clone());
    }
    let post = failures(hooks, state, Phase::Post);
    if let Some((_, record)) = post.iter().find(|(hook, _)| hook.on_error == OnError::Fail) {
        return outcome(Status::Failure, exit::POST_HOOK_FAILED, said(record));
    }
    // First what earlier runs have left, then what may still be there of this one, then what is not what it should be.
    let undos = failures(hooks, state, Phase::Undo).into_iter().map(|(_, record)| said(record));
    let around = (state.owed_still.iter().cloned().chain(undos))
        .chain(state.held_too_long.iter().cloned())
        .chain(failures(hooks, state, Phase::Pre).into_iter().chain(post).map(|(_, record)| said(record)))
        .chain(state.work.iter().flat_map(|work| work.warnings.iter().cloned()))
        .chain((state.damaged > 0).then(|| format!("{} damaged", damaged_records(state.damaged))))
        .chain(state.trouble.iter().cloned())
        .next();
    match around {
        Some(reason) => outcome(Status::Warning, exit::SUCCESS, reason),
        None => outcome(Status::Success, exit::SUCCESS, String::new()),
    }
}

/// What a failed hook is said to have done: its reason as a predicate of its name, or after a colon where it is a sentence
/// of its own.
pub fn said(record: &HookRecord) -> String {
    const PREDICATES: [&str; 7] = ["exit ", "timed out", "cannot run", "killed by", "ended", "given up", "has "];
    let is_predicate = PREDICATES.iter().any(|start| record.reason.starts_with(start));
    format!("{}{} {}", record.name, if is_predicate { "" } else { ":" }, record.reason)
}

/// What a worker's death is called, and its exit code.
pub fn death(how: i32) -> (i32, String) {
    if how > 255 {
        (how - 256, format!("the worker ended by itself with code {} before its run was over", how - 256))
    } else {
        (exit::of_signal(how), format!("the worker was killed by signal {how}"))
    }
}

/// The verdict on the work alone.
pub fn work_record(state: &State) -> WorkRecord {
    let (status, exit_code, reason) = match &state.work {
        None if state.clock.is_some() => ("running", None, String::new()),
        None => ("pending", None, String::new()),
        Some(work) if !work.started && !work.killed => ("skipped", None, work.reason.clone()),
        Some(work) if work.killed || (state.interrupted.is_some() && work.code != 0) => {
            ("interrupted", Some(work.code), work.reason.clone())
        }
        Some(work) if work.code == 0 => ("completed", Some(0), String::new()),
        Some(work) => ("failed", Some(work.code), work.reason.clone()),
    };
    WorkRecord { status: status.to_owned(), exit_code, reason }
}

/// `ok`, `failed`, `timed_out`, `none`.
pub fn hooks_verdict(state: &State) -> &'static str {
    let mut ran = state.hooks.iter().flatten().filter(|hook| hook.status != "skipped").peekable();
    if ran.peek().is_none() {
        return "none";
    }
    let verdicts: Vec<&HookRecord> = ran.collect();
    if verdicts.iter().any(|hook| hook.status == "timed_out") {
        "timed_out"
    } else if verdicts.iter().any(|hook| hook.status == "failed") {
        "failed"
    } else {
        "ok"
    }
}

/// Whether the work was really done: what `last_success_at` counts.
pub fn work_succeeded(state: &State) -> bool {
    state.work.as_ref().is_some_and(|work| work.started && work.code == 0)
}
