//! What a worker brings to its run, and what it is given there.

use super::Job;
use super::debts::Debts;
use super::locks::waiting;
use crate::lock::{LockError, RepositoryHold, RepositoryLock};
use crate::masking::output::Flusher;
use crate::masking::say;
use crate::process::Stop;
use crate::report::Document;
use crate::settings::Settings;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A worker's own work. Everything around it (lock, hooks, reports, signals) is the pipeline's.
pub trait Work {
    /// What it takes of its repository while it works: what restic's own lock is for this command and these words.
    fn repository_lock(&self, settings: &Settings) -> RepositoryLock;

    /// Whether a person will be asked, who may take long to answer: others may have the repository meanwhile.
    fn asks(&self, settings: &Settings) -> bool {
        let _ = settings;
        false
    }

    /// Asks the person at the terminal what must be known before the pre hooks run, and refuses what can be refused
    /// without a run. Runs under the job's lock, in the worker process.
    ///
    /// # Errors
    /// [`Cancelled`] ends the command without a run.
    fn ask(&mut self, settings: &Settings, stop: &Stop) -> Result<Asked, Cancelled> {
        let _ = (settings, stop);
        Ok(Asked::Proceed)
    }

    /// What is read or written, for `RUN_TARGET`: the backup's source, the restore's target.
    /// `values` are what pre hooks have handed on so far.
    fn target(&self, settings: &Settings, values: &BTreeMap<String, String>) -> String;

    /// Is told how the run's reports would look if they went out now; called right before [`Work::run`].
    fn hear(&mut self, so_far: Draft) {
        let _ = so_far;
    }

    /// Does the work. Called once, after the pre hooks, unless they forbid it.
    fn run(&mut self, cx: &mut WorkContext<'_>) -> Worked;

    /// Whether standard output is for the work's own data: then every line, also of hooks, goes to standard error.
    fn keeps_stdout(&self) -> bool {
        false
    }

    /// Whether webhook and mail tell of the run: not of one that has been about sending them.
    fn is_notified(&self) -> bool {
        true
    }

    /// What the mail's subject says after the duration, once the work is over.
    fn details(&self, cx: &WorkContext<'_>) -> String;

    /// The contract's extras for a run whose work was not done (a failed critical hook, bad configuration found
    /// before it began): what is known without it.
    fn extras_without_work(&self, settings: &Settings) -> Vec<(String, String)>;
}

/// The reports of a run that is not over.
pub struct Draft {
    /// The summary as it stands.
    pub document: Document,
    /// Has every line so far written to the log.
    pub flusher: Flusher,
}

/// What came of the questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// The run begins.
    Proceed,
    /// The command is over without a run and without a trace: a listing, a help text.
    Done(i32),
}

/// Why a command ends before its run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cancelled {
    /// Refused: the message goes to standard error, the code is the process's; nothing is recorded.
    Refused {
        /// One or more lines.
        message: String,
        /// The exit code.
        code: i32,
    },
    /// The person at the terminal said no: recorded in the summary with these extras, exit code 130.
    ByOperator {
        /// The contract's extras of a cancelled run.
        extras: Vec<(String, String)>,
    },
    /// The person at the terminal said no to something that may as well not be done: recorded in the summary with these
    /// extras, status `skipped`, exit code 0. No hook runs.
    Declined {
        /// The contract's extras of such a run.
        extras: Vec<(String, String)>,
        /// One line why.
        reason: String,
    },
}

/// What came of the work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worked {
    /// The work's own exit code: restic's, rclone's, or 2 for bad configuration.
    pub code: i32,
    /// One line why it failed; empty if it did not. Masked by the pipeline.
    pub reason: String,
    /// What went wrong beside a work that succeeded (a failed inline forget): the run is a `warning`.
    pub warnings: Vec<String>,
    /// Somebody else's lock was in the way, and the next run makes up for it: nothing that a log is kept of.
    pub deferred: bool,
}

impl Worked {
    /// Work that ended with `code`.
    pub fn with_code(code: i32, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into(), warnings: Vec::new(), deferred: false }
    }
}

/// A step of the work beside its main one, as a task of the run (an inline forget).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Step {
    /// `forget`.
    pub name: String,
    /// `completed`, `failed` or `skipped`.
    pub status: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Why it was skipped or failed; empty otherwise.
    pub reason: String,
}

/// What a work is given, and where it leaves what it found.
pub struct WorkContext<'a> {
    /// Whose work it is.
    pub job: &'static Job,
    /// All settings.
    pub settings: &'a Settings,
    /// Environment for the engine: the container's, with what pre hooks handed on.
    pub environment: crate::settings::Environment,
    /// `NAME=value` handed on by pre hooks. `BACKUP_ROOT_DIR` and `RESTIC_TAG` override the settings.
    pub values: &'a BTreeMap<String, String>,
    /// Asks engines to stop.
    pub stop: &'a Stop,
    /// The per-run log, `LOG_DIR/<job>-last.log`.
    pub log_path: PathBuf,
    /// The contract's extra keys, in their order.
    pub extras: Vec<(String, String)>,
    /// Typed statistics.
    pub stats: Map<String, Value>,
    /// `RUN_SNAPSHOT`: the id of the snapshot made or restored; empty if none.
    pub snapshot: String,
    /// Steps beside the main one.
    pub steps: Vec<Step>,
    /// What would be left if this process died now.
    pub debts: Debts<'a>,
    /// The lock of the repository; `None` where a run that uses it has started this one.
    pub repository: Option<&'a RepositoryHold>,
}

impl WorkContext<'_> {
    /// Adds one of the contract's extra keys.
    pub fn extra(&mut self, key: &str, value: impl Into<String>) {
        self.extras.push((key.to_owned(), value.into()));
    }

    /// Takes the repository for this run alone, for a step that needs it so, after what needed less is over. Waits as
    /// the run may wait.
    ///
    /// # Errors
    /// Why it cannot be had, in one line.
    pub fn take_repository_alone(&self, step: &str) -> Result<(), String> {
        let Some(hold) = self.repository else { return Ok(()) };
        hold.convert(self.stop, &mut |who| say::info(waiting(step, who))).map_err(|error| match error {
            LockError::Interrupted { .. } => "a stop was asked for".to_owned(),
            other => other.to_string(),
        })
    }

    /// Adds a typed statistic.
    pub fn stat(&mut self, key: &str, value: impl Into<Value>) {
        self.stats.insert(key.to_owned(), value.into());
    }
}
