//! The plan of a run: which hooks it has, in which order, and by which rules. Made once, at the start of the run.

use super::{Directory, Discovery, Finding, Owner, Phase, Script, discover};
use crate::settings::Settings;
use std::path::PathBuf;
use std::time::Duration;

/// What a failure of the hook costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// It is recorded, and the run goes on.
    Continue,
    /// The run fails; said of a pre hook, the work is not done.
    Fail,
}

/// One hook of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// `pre-backup.10-dump`.
    pub name: String,
    /// Before or after the work.
    pub phase: Phase,
    /// The script.
    pub path: PathBuf,
    /// What its failure costs.
    pub on_error: OnError,
    /// Its limit; `None` is no limit.
    pub timeout: Option<Duration>,
    /// From SIGTERM to SIGKILL at its limit.
    pub kill_after: Duration,
    /// Exit codes of a pre hook that call the run off.
    pub skip_on: Vec<i32>,
    /// Why it cannot run, if so: it counts as a failed hook, 126.
    pub problem: Option<Finding>,
    /// The problem is the missing execute bit alone.
    pub not_executable: bool,
    /// What is doubtful about it.
    pub warnings: Vec<Finding>,
}

impl Hook {
    /// What `hooks[].action` says.
    pub fn action(&self) -> &'static str {
        "script"
    }
}

/// All hooks of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Before the work, in running order.
    pub pre: Vec<Hook>,
    /// After the work, in running order.
    pub post: Vec<Hook>,
    /// The worker's own hooks that are not there: their names and where they would lie.
    pub absent: Vec<(Phase, String, PathBuf)>,
    /// Everything that was found, for whoever reports on it.
    pub discovery: Discovery,
}

impl Plan {
    /// The hooks of a phase.
    pub fn phase(&self, phase: Phase) -> &[Hook] {
        match phase {
            Phase::Pre => &self.pre,
            Phase::Post => &self.post,
        }
    }

    /// All hooks, in running order.
    pub fn all(&self) -> impl Iterator<Item = &Hook> {
        self.pre.iter().chain(&self.post)
    }
}

/// Plans the hooks of `worker`. `workers` are the names of all workers, for telling hooks from other files.
pub fn plan(settings: &Settings, worker: &str, workers: &[&'static str]) -> Plan {
    let path = settings.environment.text_or_empty("PATH");
    let discovery = discover(&settings.paths.hooks, workers, settings.hooks.strict, &path);
    let of = |phase: Phase, owner: Owner| {
        discovery
            .scripts
            .iter()
            .filter(move |script| script.phase == phase && script.owner == owner)
            .map(|script| hook(script, settings))
            .collect::<Vec<_>>()
    };
    let own = workers.iter().find(|known| **known == worker).map_or(Owner::All, |known| Owner::Worker(known));
    // Hooks of every worker enclose the worker's own.
    let mut pre = of(Phase::Pre, Owner::All);
    pre.extend(of(Phase::Pre, own));
    let mut post = of(Phase::Post, own);
    post.extend(of(Phase::Post, Owner::All));
    let absent = [(Phase::Pre, &pre), (Phase::Post, &post)]
        .into_iter()
        .map(|(phase, hooks)| (phase, format!("{}-{worker}", phase.word()), hooks))
        .filter(|(_, name, hooks)| discovery.directory != Directory::Present || !hooks.iter().any(|h| h.name == *name))
        .map(|(phase, name, _)| {
            let path = settings.paths.hooks.join(format!("{name}.sh"));
            (phase, name, path)
        })
        .collect();
    Plan { pre, post, absent, discovery }
}

fn hook(script: &Script, settings: &Settings) -> Hook {
    let defaults = &settings.hooks;
    Hook {
        name: script.name.clone(),
        phase: script.phase,
        path: script.path.clone(),
        on_error: if defaults.fail_on_error { OnError::Fail } else { OnError::Continue },
        timeout: defaults.timeout,
        kill_after: defaults.kill_after,
        skip_on: if script.phase == Phase::Pre { defaults.skip_on.clone() } else { Vec::new() },
        problem: script.problem.clone(),
        not_executable: script.not_executable,
        warnings: script.warnings.clone(),
    }
}
