//! The outcome of a run from what is known of it. Pure: given facts, decide (`docs/hooks.md`: When a hook fails).

use super::state::State;
use crate::exit;
use crate::hooks::{Hook, OnError, Phase};
use crate::report::{HookRecord, Status, WorkRecord};

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

fn failures<'a>(hooks: &[&'a Hook], state: &'a State, phase: Phase) -> Vec<(&'a Hook, &'a HookRecord)> {
    hooks
        .iter()
        .zip(&state.hooks)
        .filter(|(hook, _)| hook.phase == phase)
        .filter_map(|(hook, record)| Some((*hook, record.as_ref()?)))
        .filter(|(_, record)| matches!(record.status.as_str(), "failed" | "timed_out"))
        .collect()
}

/// How the run stands now.
pub fn outcome(hooks: &[&Hook], state: &State) -> Outcome {
    let outcome = |status, code, reason: String| Outcome { status, code, reason };
    if let Some(signal) = state.interrupted {
        let name = nix::sys::signal::Signal::try_from(signal).map_or("a signal", nix::sys::signal::Signal::as_str);
        return outcome(Status::Interrupted, exit::of_signal(signal), format!("ended by {name}"));
    }
    if let Some(how) = state.died.filter(|_| state.work.as_ref().is_none_or(|work| work.killed)) {
        let (code, why) = death(how);
        return outcome(Status::Interrupted, code, why);
    }
    if let Some(record) = forbidding(hooks, state) {
        let code = if record.timed_out { exit::TIMED_OUT } else { exit::PRE_HOOK_FAILED };
        return outcome(Status::Failure, code, format!("{} {}", record.name, record.reason));
    }
    if let Some(reason) = &state.called_off {
        return outcome(Status::Skipped, exit::SUCCESS, reason.clone());
    }
    if let Some(work) = state.work.as_ref().filter(|work| work.code != 0) {
        return outcome(Status::Failure, work.code, work.reason.clone());
    }
    let post = failures(hooks, state, Phase::Post);
    if let Some((_, record)) = post.iter().find(|(hook, _)| hook.on_error == OnError::Fail) {
        return outcome(Status::Failure, exit::POST_HOOK_FAILED, format!("{} {}", record.name, record.reason));
    }
    let around = failures(hooks, state, Phase::Pre)
        .into_iter()
        .chain(post)
        .map(|(_, record)| format!("{} {}", record.name, record.reason))
        .chain(state.work.iter().flat_map(|work| work.warnings.iter().cloned()))
        .chain(state.trouble.iter().cloned())
        .next();
    match around {
        Some(reason) => outcome(Status::Warning, exit::SUCCESS, reason),
        None => outcome(Status::Success, exit::SUCCESS, String::new()),
    }
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
