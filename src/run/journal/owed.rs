//! What a run owes, as its records say. Pure: given facts, decide.

use super::super::debts::Debt;
use super::super::outcome;
use super::super::state::State;
use super::super::trial::Trial;
use crate::hooks::{Hook, Plan};
use std::path::Path;

/// Why a hook is noted as started of which nothing was written.
pub const UNWRITTEN: &str = "may have been started: its start could not be written down any more";
/// The same where records of the journal cannot be read.
pub const UNREADABLE: &str = "its record is damaged, so it may have been started";
const GUESSES: [&str; 2] = [UNWRITTEN, UNREADABLE];

/// Something that is still to be done for a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owed {
    /// The effect of a pre hook is to be taken back.
    Undo {
        /// The undo's place in the plan.
        place: usize,
        /// The pre hook's name.
        hook: String,
        /// The undo's own.
        undo: String,
        /// That its hook was started is not noted, but possible.
        maybe: bool,
        /// It was tried, and has failed for good.
        failed: bool,
    },
    /// What the work made is to be cleared away.
    Debt(Debt),
    /// The summary is not written as it will stand.
    Summary,
    /// A post hook has not ended, and was not skipped.
    Post {
        /// Its place in the plan.
        place: usize,
        /// Its name.
        name: String,
    },
    /// Webhook and mail have not told of the run as it ended.
    Notification,
}

impl Owed {
    /// What it is, in words: `the undo of 'freeze-db' (undo-freeze-db)`.
    pub fn sentence(&self) -> String {
        match self {
            Self::Undo { hook, undo, maybe, failed, .. } => {
                let more = match (failed, maybe) {
                    (true, _) => ", which failed",
                    (false, true) => ": the hook may have been started",
                    (false, false) => "",
                };
                format!("the undo of '{hook}' ({undo}){more}")
            }
            Self::Debt(Debt::Folder(path)) => format!("the removal of the folder {}", path.display()),
            Self::Debt(Debt::File(path)) if is_ticket(path) => "its ticket in the repository's queue".to_owned(),
            Self::Debt(Debt::File(path)) => format!("the removal of the file {}", path.display()),
            Self::Debt(Debt::Mount(path)) => format!("the end of the mount at {}", path.display()),
            Self::Summary => "the summary".to_owned(),
            Self::Post { name, .. } => format!("the post hook '{name}'"),
            Self::Notification => "the notification".to_owned(),
        }
    }
}

/// Whether a file is a run's ticket for a repository (`src/lock/ticket.rs`).
fn is_ticket(path: &Path) -> bool {
    path.parent().and_then(Path::extension).is_some_and(|extension| extension == "queue")
}

/// What is owed, in the order in which it is to be done. Policies are not asked: a post hook is owed until it has ended or
/// is noted as skipped. A run that has not begun owes nothing.
pub fn owed(plan: &Plan, state: &State, trial: Option<&Trial>) -> Vec<Owed> {
    if !state.begun {
        return Vec::new();
    }
    let mut owed = Vec::new();
    if !trial.is_some_and(|trial| trial.keep) {
        for (index, undo) in plan.undos.iter().enumerate() {
            owed.extend(owed_undo(plan, state, trial, plan.pre.len() + index, undo));
        }
    }
    owed.extend(state.debts.iter().cloned().map(Owed::Debt));
    let is_over = state.sealed.is_some();
    if trial.is_none() && !(state.summary_written && is_over) {
        owed.push(Owed::Summary);
    }
    // Who says no at the terminal has no hook run, and nobody is told.
    let is_cancelled = state.cancelled.is_some();
    if !is_over && !is_cancelled && trial.is_none_or(|trial| trial.post) {
        let first = plan.pre.len() + plan.undos.len();
        let posts = plan.post.iter().enumerate().map(|(index, hook)| (first + index, hook));
        let open = posts.filter(|(place, _)| status(state, *place).is_none_or(|status| status == "running"));
        owed.extend(open.map(|(place, hook)| Owed::Post { place, name: hook.name.clone() }));
    }
    if trial.is_none() && !is_cancelled {
        let hooks: Vec<&Hook> = plan.all().collect();
        // Notifications that went out before the end are followed by others, if the run ended otherwise.
        if state.notified != Some(outcome::outcome(&hooks, state).status) {
            owed.push(Owed::Notification);
        }
    }
    owed
}

/// Whether nothing is owed.
pub fn is_settled(plan: &Plan, state: &State, trial: Option<&Trial>) -> bool {
    owed(plan, state, trial).is_empty()
}

/// Whether the pre hook at this place may have been started although nothing is noted of it: within the hold window
/// records do not wait for the disk, and a disk that fails takes none. It was not, if a later step of the pre hooks' own
/// process is noted: its records stand in their order.
///
/// Whoever takes over notes such a hook as started before any step of its own: afterwards this is no longer asked.
pub fn may_have_started(plan: &Plan, state: &State, trial: Option<&Trial>, place: usize) -> bool {
    let is_known = status(state, place).is_some();
    // What comes first waits for the disk.
    let is_within = plan.undos.iter().filter_map(|undo| undo.undo_of).any(|of| of < place && was_started(state, of));
    if !state.begun || !is_within || place >= plan.pre.len() || is_known || trial.is_some_and(|trial| !trial.pre) {
        return false;
    }
    // An undo is no later step: at a hold limit another process notes it, while pre hooks go on.
    let first_post = plan.pre.len() + plan.undos.len();
    let mut later = (place + 1..plan.pre.len()).chain(first_post..first_post + plan.post.len());
    let is_passed = state.cancelled.is_some()
        || state.called_off.is_some()
        || state.clock.is_some()
        || state.work.is_some()
        || state.sealed.is_some()
        || later.any(|place| status(state, place).is_some());
    !is_passed
}

fn owed_undo(plan: &Plan, state: &State, trial: Option<&Trial>, place: usize, undo: &Hook) -> Option<Owed> {
    let of = undo.undo_of?;
    let hook = plan.pre.get(of)?.name.clone();
    let owed = |maybe, failed| Owed::Undo { place, hook, undo: undo.name.clone(), maybe, failed };
    match status(state, place) {
        Some("completed" | "skipped") => None,
        Some("failed" | "timed_out") => Some(owed(false, true)),
        Some(_) => Some(owed(false, false)),
        None if was_started(state, of) => Some(owed(is_guess(state, of), false)),
        None => may_have_started(plan, state, trial, of).then(|| owed(true, false)),
    }
}

/// Whether that the hook was started is no more than a guess, and noted as one.
fn is_guess(state: &State, place: usize) -> bool {
    let record = state.hooks.get(place).and_then(Option::as_ref);
    record.is_some_and(|record| GUESSES.contains(&record.reason.as_str()))
}

fn was_started(state: &State, place: usize) -> bool {
    state.hooks.get(place).and_then(Option::as_ref).is_some_and(|record| record.attempts > 0)
}

fn status(state: &State, place: usize) -> Option<&str> {
    state.hooks.get(place)?.as_ref().map(|record| record.status.as_str())
}
