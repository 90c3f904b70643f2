//! The recoveries of late: `STATE_DIR/recoveries.jsonl`, a line each, the last hundred.

use super::keeper::Run;
use super::outcome;
use super::recovery::outcomes;
use super::state::State;
use crate::hooks::Phase;
use chrono::{DateTime, Local};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// How many are kept.
const KEPT: usize = 100;
/// How much of the file is read: more than its lines have.
const READ_AT_MOST: u64 = 4 * 1024 * 1024;

/// A hook of a recovery with what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// As the summary has it.
    pub status: String,
}

/// One recovery, as an entry among runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its own id.
    pub id: String,
    /// `recovery`.
    pub trigger: String,
    /// The run that it made up for.
    pub parent: String,
    /// The worker.
    pub job: String,
    /// When it began.
    pub started_at: DateTime<Local>,
    /// When it ended.
    pub finished_at: DateTime<Local>,
    /// `success` if nothing is owed any more, else `failure`.
    pub status: String,
    /// How the recovered run stands now.
    pub run_status: String,
    /// The undos.
    pub undos: Vec<Step>,
    /// The post hooks.
    pub post_hooks: Vec<Step>,
    /// What is owed still, in words.
    pub owed: Vec<String>,
}

impl Entry {
    /// What became of `run`.
    pub(super) fn of(run: &Run, state: &State, id: String, started_at: DateTime<Local>, owed: &[String]) -> Self {
        let steps =
            |phase| outcomes(run, state, phase).into_iter().map(|(name, status)| Step { name, status }).collect();
        let hooks: Vec<_> = run.plan.all().collect();
        Self {
            id,
            trigger: "recovery".to_owned(),
            parent: run.id.clone(),
            job: run.job.name.to_owned(),
            started_at,
            finished_at: Local::now(),
            status: if owed.is_empty() { "success" } else { "failure" }.to_owned(),
            run_status: outcome::outcome(&hooks, state).status.word().to_owned(),
            undos: steps(Phase::Undo),
            post_hooks: steps(Phase::Post),
            owed: owed.to_vec(),
        }
    }
}

/// Where they are written.
pub fn path(state: &Path) -> PathBuf {
    state.join("recoveries.jsonl")
}

/// The recoveries of late, the oldest first. What cannot be read is left out.
pub fn list(state: &Path) -> Vec<Entry> {
    let mut text = Vec::new();
    let read = fs::File::open(path(state)).and_then(|file| {
        use std::io::Read as _;
        file.take(READ_AT_MOST).read_to_end(&mut text)
    });
    if read.is_err() {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(&text);
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Adds one. That it cannot be written costs this entry alone, with a line.
pub(super) fn note(state: &Path, entry: &Entry) {
    let mut all = list(state);
    all.push(entry.clone());
    let from = all.len().saturating_sub(KEPT);
    let lines: Vec<String> = all[from..].iter().filter_map(|one| serde_json::to_string(one).ok()).collect();
    if let Err(error) = crate::report::replace(&path(state), format!("{}\n", lines.join("\n")).as_bytes()) {
        let _ =
            writeln!(io::stderr(), "⚠️ The list of recoveries {} cannot be written: {error}", path(state).display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_hundred_are_kept() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let entry = |number: usize| Entry {
            id: number.to_string(),
            trigger: "recovery".to_owned(),
            parent: "x".to_owned(),
            job: "backup".to_owned(),
            started_at: Local::now(),
            finished_at: Local::now(),
            status: "success".to_owned(),
            run_status: "interrupted".to_owned(),
            undos: vec![Step { name: "undo-a".to_owned(), status: "completed".to_owned() }],
            post_hooks: Vec::new(),
            owed: Vec::new(),
        };
        assert_eq!(list(folder.path()), []);
        (0..KEPT + 3).for_each(|number| note(folder.path(), &entry(number)));
        let ids: Vec<String> = list(folder.path()).into_iter().map(|entry| entry.id).collect();
        assert_eq!((ids.len(), ids[0].as_str(), ids[KEPT - 1].as_str()), (KEPT, "3", "102"));
    }
}
