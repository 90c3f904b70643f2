//! `hooks list` and `hooks check`: what would run, and what keeps hooks from running.

use super::{Directory, Discovery, Hook, OnError, Plan, StrangerKind};
use crate::masking::Secrets;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// What would run for a worker, in order, with limit, policy and source.
pub fn list(worker: &str, plan: &Plan, folder: &Path) -> String {
    let mut text = format!("Hooks of {worker} in {}:\n", folder.display());
    match &plan.discovery.directory {
        Directory::Present => {}
        Directory::Missing => {
            let _ = writeln!(text, "  the folder is not there: mount one, or set HOOKS_DIR");
            return text;
        }
        Directory::Unreadable(why) => {
            let _ = writeln!(text, "  the folder cannot be read: {why}");
            return text;
        }
    }
    if plan.all().next().is_none() {
        let _ = writeln!(text, "  none");
    }
    let width = plan.all().map(|hook| hook.name.chars().count()).max().unwrap_or(0);
    for (place, hook) in plan.pre.iter().enumerate().chain(plan.post.iter().enumerate()) {
        let _ = write!(text, "  {:>4} {}  {:width$}  {}", hook.phase.word(), place + 1, hook.name, rules(hook));
        let _ = match &hook.problem {
            Some(problem) => writeln!(text, "  CANNOT RUN: {}", problem.what),
            None => writeln!(text, "  {}", hook.path.display()),
        };
    }
    text
}

fn rules(hook: &Hook) -> String {
    let limit = hook.timeout.map_or_else(|| "no limit".to_owned(), |limit| format!("limit {}s", limit.as_secs_f64()));
    let on_error = match hook.on_error {
        OnError::Continue => "onError Continue",
        OnError::Fail => "onError Fail",
    };
    let skip = if hook.skip_on.is_empty() {
        String::new()
    } else {
        let codes: Vec<String> = hook.skip_on.iter().map(ToString::to_string).collect();
        format!(", skipOn {}", codes.join(" "))
    };
    format!("{limit}, {on_error}{skip}")
}

/// The same for programs: one object a hook.
pub fn list_json(worker: &str, plan: &Plan, secrets: &Secrets) -> Value {
    let hook = |hook: &Hook| {
        json!({
            "name": secrets.mask(&hook.name),
            "phase": hook.phase.word(),
            "action": hook.action(),
            "source": secrets.mask(&hook.path.display().to_string()),
            "timeout_seconds": hook.timeout.map(|limit| limit.as_secs_f64()),
            "kill_after_seconds": hook.kill_after.as_secs_f64(),
            "on_error": if hook.on_error == OnError::Fail { "Fail" } else { "Continue" },
            "skip_on": hook.skip_on,
            "problem": hook.problem.as_ref().map(|problem| secrets.mask(&problem.what).into_owned()),
        })
    };
    json!({"worker": worker, "pre": plan.pre.iter().map(hook).collect::<Vec<_>>(), "post": plan.post.iter().map(hook).collect::<Vec<_>>()})
}

/// Everything that would keep a hook from running, each with its mend, and whether there is anything. An entry that
/// only looks like a hook counts: whoever put it there expects it to run.
pub fn check(discovery: &Discovery, folder: &Path) -> (String, bool) {
    let mut text = String::new();
    let mut wrong = false;
    match &discovery.directory {
        Directory::Present => {}
        Directory::Missing => {
            let _ = writeln!(text, "❌ {} is not there: mount a folder, or set HOOKS_DIR", folder.display());
            return (text, true);
        }
        Directory::Unreadable(why) => {
            let _ = writeln!(text, "❌ {} cannot be read: {why}", folder.display());
            return (text, true);
        }
    }
    for warning in &discovery.warnings {
        let _ = writeln!(text, "⚠️ {} {}: {}", folder.display(), warning.what, warning.mend);
    }
    for script in &discovery.scripts {
        match &script.problem {
            Some(problem) => {
                wrong = true;
                let _ = writeln!(text, "❌ {} {}: {}", script.path.display(), problem.what, problem.mend);
            }
            None => {
                let _ = writeln!(text, "✅ {}", script.path.display());
            }
        }
        for warning in &script.warnings {
            let _ = writeln!(text, "⚠️ {} {}: {}", script.path.display(), warning.what, warning.mend);
        }
    }
    for stranger in &discovery.strangers {
        let nearest = stranger.nearest.as_ref().map(|name| format!("; did you mean {name}?")).unwrap_or_default();
        let attempt = stranger.kind == StrangerKind::Attempt;
        let mark = if attempt { "❌" } else { "ℹ️" };
        wrong |= attempt;
        let _ = writeln!(text, "{mark} {} {}{nearest}", stranger.file, stranger.reason);
    }
    if text.is_empty() {
        let _ = writeln!(text, "ℹ️ No hooks in {}.", folder.display());
    }
    (text, wrong)
}
