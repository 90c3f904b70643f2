//! `hooks test`: the hooks of a worker for real, as in a run that ends in a given way, without the work.

use super::{Asked, Cancelled, RepositoryLock, Work, WorkContext, Worked};
use crate::process::Stop;
use crate::report::Status;
use crate::settings::Settings;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a trial pretends, and which phases it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// Run the pre hooks.
    pub pre: bool,
    /// Run the post hooks.
    pub post: bool,
    /// The exit code that the work is said to have ended with.
    pub exit_code: i32,
    /// The status that the run is said to have; as the exit code says if `None`.
    pub status: Option<Status>,
    /// Why, for `RUN_ERROR`.
    pub error: String,
    /// Leave the effects of pre hooks: run no undo.
    pub keep: bool,
}

/// The work of a trial: none, with the end that was asked for.
pub struct TrialWork {
    /// Whose run is tried.
    pub target: String,
    /// How it is said to end.
    pub trial: Trial,
}

impl Work for TrialWork {
    fn repository_lock(&self, _: &Settings) -> RepositoryLock {
        RepositoryLock::None
    }

    fn ask(&mut self, _: &Settings, _: &Stop) -> Result<Asked, Cancelled> {
        Ok(Asked::Proceed)
    }

    fn target(&self, _: &Settings, _: &BTreeMap<String, String>) -> String {
        self.target.clone()
    }

    fn run(&mut self, _: &mut WorkContext<'_>) -> Worked {
        Worked::with_code(self.trial.exit_code, self.trial.error.clone())
    }

    fn details(&self, _: &WorkContext<'_>) -> String {
        String::new()
    }

    fn extras_without_work(&self, _: &Settings) -> Vec<(String, String)> {
        Vec::new()
    }
}
