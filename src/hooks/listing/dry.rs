//! `hooks test --dry-run`: what the hooks of a run that ends in a given way would do, rendered, and which would be skipped.

use super::super::action::{describe, problem_of, render};
use super::super::lines::shown;
use super::super::template::SecretValues;
use super::super::{Action, Hook, Phase, Plan, Policy};
use super::pretend::{Place, Pretended};
use crate::masking::Secrets;
use crate::settings::Environment;
use std::fmt::Write as _;

/// What a dry run needs to know of this container.
#[derive(Clone, Copy)]
pub struct Here<'a> {
    /// What templates read by `env` and `file`.
    pub values: &'a SecretValues,
    /// Where programs are looked for.
    pub environment: &'a Environment,
    /// What is never shown.
    pub secrets: &'a Secrets,
}

/// A line for each hook of the phases, in running order: what would be done, with every template rendered and masked, or why
/// it would not be; and whether anything cannot run.
pub fn dry(plan: &Plan, run: &Pretended<'_>, here: &Here<'_>) -> (String, bool) {
    let mut text = String::new();
    let mut fails = false;
    for phase in &run.phases {
        for (index, hook) in plan.phase(*phase).iter().enumerate() {
            fails |= of_hook(&mut text, hook, run, &Place::of(plan, *phase, index), here);
        }
    }
    if text.is_empty() {
        text.push_str("no hooks would run\n");
    }
    (text, fails)
}

/// Whether it cannot run.
fn of_hook(text: &mut String, hook: &Hook, run: &Pretended<'_>, place: &Place, here: &Here<'_>) -> bool {
    let source = match &hook.action {
        Action::Script(_) => hook.source.clone(),
        _ => format!("{} '{}'", hook.source, hook.name),
    };
    if let Some(why) = why_skipped(hook, run.status) {
        let _ = writeln!(text, "would be skipped: {source}: {why}");
        return false;
    }
    if let Some(problem) = &hook.problem {
        let _ = writeln!(text, "cannot run {source}: {}", problem.what);
        return true;
    }
    if let Action::Script(_) = &hook.action {
        let argument = if hook.phase == Phase::Post { format!(" {}", run.exit_code) } else { String::new() };
        let _ = writeln!(text, "would run {source}{argument}");
        return false;
    }
    match render(&hook.action, hook, &run.data(hook, place), here.values) {
        Ok(rendered) => {
            let _ = writeln!(text, "would run {source}:");
            // Masked before it is quoted: a secret of several lines would not be found any more.
            for line in describe(&rendered, &|text| here.secrets.mask(text).into_owned()) {
                let line = format!("    {}", shown(line.as_bytes()));
                let _ = writeln!(text, "{}", line.trim_end());
            }
            let problem = problem_of(&rendered, here.environment);
            if let Some(problem) = &problem {
                let _ = writeln!(text, "cannot run {source}: it {}: {}", problem.what, problem.mend);
            }
            problem.is_some()
        }
        Err(why) => {
            let _ = writeln!(text, "cannot run {source}: {}", shown(why.as_bytes()));
            true
        }
    }
}

/// Why a post hook would not run after a run that stands so.
fn why_skipped(hook: &Hook, status: &str) -> Option<String> {
    if hook.phase != Phase::Post {
        return None;
    }
    let is_good = matches!(status, "success" | "warning");
    let is_bad = matches!(status, "failure" | "interrupted");
    let runs = match hook.policy {
        Policy::Always => true,
        Policy::OnSuccess => is_good,
        // A run that is not retried has no attempt left.
        Policy::OnFailure | Policy::OnFinalRetryFailure => is_bad,
    };
    (!runs).then(|| format!("executionPolicy is {} and the run stands at {status}", hook.policy.word()))
}
