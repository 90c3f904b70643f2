//! Declared hooks and undos that could not run here, found without starting anything.

use super::super::action::cannot_run;
use super::super::template::SecretSource;
use super::super::{Action, Declarations, Discovery, Finding, Hook, OnError, Phase, Plan, plan};
use super::pretend::{Place, Pretended};
use crate::settings::Settings;

/// A hook or undo that cannot run, of which nothing in the folder's list tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub source: String,
    /// What is wrong.
    pub problem: Finding,
    /// What its failure costs.
    pub on_error: OnError,
    /// It takes the effect of this hook back, which is not started because of that.
    pub undo_of: Option<String>,
}

/// Every hook and undo of every worker that cannot run, once each: what is known when a run is planned, and what rendering
/// it shows. Scripts that cannot run, and files with mistakes, are told of by their own lists.
pub fn troubles(
    settings: &Settings,
    workers: &[&'static str],
    declared: &Declarations,
    discovery: &Discovery,
) -> Vec<Trouble> {
    let mut found: Vec<Trouble> = Vec::new();
    for worker in workers {
        let plan = plan(settings, worker, workers, declared);
        let log = settings.paths.log.join(format!("{worker}-last.log"));
        let run = Pretended {
            worker,
            phases: Vec::new(),
            status: "success",
            exit_code: 0,
            error: "",
            target: "/",
            log: &log,
            trigger: "manual",
            started_at: "2026-01-01T00:00:00+00:00",
            namespace: &settings.identity.hostname,
            hostname: &settings.identity.hostname,
            repository: &settings.repository.shown,
        };
        for phase in [Phase::Pre, Phase::Undo, Phase::Post] {
            for (index, hook) in plan.phase(phase).iter().enumerate() {
                if is_told(hook, discovery, declared) {
                    continue;
                }
                let looked = || {
                    let data = run.data(hook, &Place::of(&plan, phase, index));
                    cannot_run(&hook.action, hook, &data, &declared.secrets, &settings.environment)
                };
                let Some(problem) = hook.problem.clone().or_else(looked) else { continue };
                let trouble = of_hook(hook, &plan, problem);
                // Hooks of every worker are in every plan.
                if !found.contains(&trouble) {
                    found.push(trouble);
                }
            }
        }
    }
    found
}

/// The variables that templates read by `env` and that are not set: their place stays empty, and nothing fails.
pub fn unset(settings: &Settings, declared: &Declarations) -> Vec<String> {
    let sources = declared.secrets.0.keys();
    sources
        .filter_map(|source| match source {
            SecretSource::Env(name) if settings.environment.text(name).is_none() => Some(format!(
                "a template reads {{{{ env \"{name}\" }}}}, and {name} is not set: it gives an empty text; set {name}, or take it out"
            )),
            SecretSource::Env(_) | SecretSource::File(_) => None,
        })
        .collect()
}

fn of_hook(hook: &Hook, plan: &Plan, problem: Finding) -> Trouble {
    let undone = hook.undo_of.and_then(|place| plan.pre.get(place));
    Trouble {
        name: hook.name.clone(),
        source: hook.source.clone(),
        problem,
        on_error: undone.unwrap_or(hook).on_error,
        undo_of: undone.map(|hook| hook.name.clone()),
    }
}

fn is_told(hook: &Hook, discovery: &Discovery, declared: &Declarations) -> bool {
    let Action::Script(path) = &hook.action else { return false };
    discovery.scripts.iter().any(|script| script.path == *path && script.problem == hook.problem)
        || declared.files.iter().any(|file| file.path == *path && !file.mistakes.is_empty())
}
