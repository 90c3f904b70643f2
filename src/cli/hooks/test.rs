//! `hooks test`: the hooks of a worker for real, or what they would do.

use super::super::usage;
use super::super::workers::Waiting;
use crate::hooks::{self, Declarations, Phase, listing};
use crate::report::Status;
use crate::run::trial::{Trial, TrialWork};
use crate::run::{self, Command};
use crate::settings::Settings;
use crate::workers::{self, Worker, crontab};
use chrono::{Local, SecondsFormat};

/// The worker that is meant, and whether its pre and its post hooks are.
pub(super) fn which(what: &str) -> Option<(&'static Worker, bool, bool)> {
    if let Some(worker) = workers::find(what) {
        return Some((worker, true, true));
    }
    if let Some(worker) = what.strip_prefix("pre-").and_then(workers::find) {
        return Some((worker, true, false));
    }
    let worker = what.strip_prefix("post-").and_then(workers::find)?;
    Some((worker, false, true))
}

/// Runs the hooks as in a run that ends as given.
pub(super) fn run(settings: Settings, worker: &'static Worker, trial: Trial, waiting: &Waiting) -> i32 {
    let acquire = match waiting.acquire() {
        Ok(acquire) => acquire,
        Err(message) => return usage::refuse(&message, &settings.secrets),
    };
    let work = Box::new(TrialWork { target: target(&settings, worker), trial: trial.clone() });
    run::keep(Command {
        job: &worker.job,
        work,
        settings,
        workers: workers::names(),
        acquire,
        place: crontab::place(worker.job.name),
        trial: Some(trial),
    })
}

/// What such a run would do, and whether anything in it cannot run.
pub(super) fn dry(settings: &Settings, declared: &Declarations, worker: &Worker, trial: &Trial) -> (String, bool) {
    let name = worker.job.name;
    let plan = hooks::plan(settings, name, &workers::names(), declared);
    let by_code = if trial.exit_code == 0 { Status::Success } else { Status::Failure };
    let phases = [(Phase::Pre, trial.pre), (Phase::Undo, trial.pre && !trial.keep), (Phase::Post, trial.post)];
    let pretended = listing::Pretended {
        worker: name,
        phases: phases.into_iter().filter_map(|(phase, wanted)| wanted.then_some(phase)).collect(),
        status: trial.status.unwrap_or(by_code).word(),
        exit_code: trial.exit_code,
        error: &trial.error,
        target: &target(settings, worker),
        log: &settings.paths.log.join(format!("{name}-last.log")),
        trigger: &settings.trigger,
        started_at: &Local::now().to_rfc3339_opts(SecondsFormat::Secs, false),
        namespace: &hooks::namespace(settings),
        hostname: &settings.identity.hostname,
        repository: &settings.repository.shown,
    };
    let here =
        listing::Here { values: &declared.secrets, environment: &settings.environment, secrets: &settings.secrets };
    let broken = listing::broken_for(name, declared);
    let (text, fails) = listing::dry(&plan, &pretended, &here);
    (format!("{broken}{text}"), fails || !broken.is_empty())
}

fn target(settings: &Settings, worker: &Worker) -> String {
    match worker.job.name {
        "backup" => settings.jobs.backup_root.clone(),
        "restore" => settings.paths.restore.display().to_string(),
        _ => settings.repository.shown.clone(),
    }
}
