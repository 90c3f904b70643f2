//! What runs owe that nobody is doing, for whoever looks: nothing is locked, nothing is changed.

use super::journal::{self, Taken, folder, owed};
use super::{guess, identity, recovery};
use chrono::{DateTime, Local};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A run that has left a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owing {
    /// Its id.
    pub run: String,
    /// Its worker.
    pub job: String,
    /// When it was started, as its journal or its id says; `None` if neither does.
    pub started_at: Option<DateTime<Local>>,
    /// Its journal.
    pub path: PathBuf,
    /// How it stands.
    pub stands: Stands,
}

/// How a run stands that has left a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stands {
    /// Something of it lives, or somebody recovers it.
    Alive,
    /// It is dead, and owes this, in words; nothing if only its journal was not removed in time.
    Owes(Vec<String>),
    /// What it owes is not known: why, as a predicate.
    Unreadable(String),
}

impl Owing {
    /// Whether its journal is named as one is.
    pub fn is_named(&self) -> bool {
        identity::is_id(&self.run)
    }

    /// Whether something is owed that nobody does.
    pub fn is_open(&self) -> bool {
        match &self.stands {
            Stands::Alive => false,
            Stands::Owes(what) => !what.is_empty(),
            Stands::Unreadable(_) => true,
        }
    }
}

/// All runs that have left a journal in `STATE_DIR`, the oldest first.
///
/// # Errors
/// When the folder cannot be read.
pub fn owing(state: &Path) -> io::Result<Vec<Owing>> {
    let one = |found: journal::Found| {
        let started_at = found.content.as_ref().ok().map(|(header, ..)| header.started_at);
        let started_at = started_at.or_else(|| identity::time_of(&found.run_id));
        let stands = match found.content {
            _ if found.alive => Stands::Alive,
            Err(why) => Stands::Unreadable(why),
            Ok((header, mut records, damage)) => {
                // As who recovers it will see it.
                guess::complete(&header.plan, header.trial.as_ref(), &mut records, damage.lost);
                let state = guess::state_of(&header.plan, &records);
                let owed = owed(&header.plan, &state, header.trial.as_ref());
                let mut what: Vec<String> = owed.iter().map(journal::Owed::sentence).collect();
                if damage.lost > 0 {
                    what.push(guess::damaged(damage.lost));
                }
                Stands::Owes(what)
            }
        };
        Owing { run: found.run_id, job: found.job, started_at, path: found.path, stands }
    };
    Ok(journal::look(state)?.into_iter().map(one).collect())
}

/// Clears away the files of a moment that runs and recoveries have left that were killed at their very start or end:
/// nothing is owed for them.
pub fn clear_half_made(state: &Path) {
    journal::clear(state);
    crate::report::remove_stale(&super::recoveries::path(state));
}

/// Where journals lie in this `STATE_DIR`.
pub fn journals_lie_in(state: &Path) -> PathBuf {
    folder(state)
}

/// Puts the journal of a dead run aside, as `<run id>.forgotten` beside it: nothing of it is done any more. What it has left
/// in `RUN_DIR` goes.
///
/// # Errors
/// Why not, as a sentence without a period.
pub fn forget(state: &Path, run_dir: &Path, run: &str) -> Result<PathBuf, String> {
    let path = folder(state).join(format!("{run}.journal"));
    if run.is_empty() || run.contains('/') {
        return Err(format!("'{run}' is no run: give an id that `boathook hooks recover` has named"));
    }
    let held = match journal::take(&path) {
        Taken::Gone => return Err(format!("run {run} owes nothing: {} is not there", path.display())),
        Taken::Alive => return Err(format!("run {run} is alive, or somebody recovers it: wait for its end")),
        Taken::Dead(dead) => Some(dead),
        Taken::Unreadable(_) => None,
    };
    let aside = path.with_extension("forgotten");
    fs::rename(&path, &aside).map_err(|error| format!("{} cannot be put aside: {error}", path.display()))?;
    if identity::is_id(run) {
        let records = held.as_ref().map_or(&[][..], |dead| &dead.records);
        for id in recovery::recoveries_in(records).into_iter().chain([run]).filter(|id| identity::is_id(id)) {
            let _ = fs::remove_dir_all(run_dir.join("runs").join(id));
        }
    }
    Ok(aside)
}
