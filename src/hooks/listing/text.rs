//! `hooks list`: what would run for a worker, in order.

use super::super::{Directory, Plan};
use super::rules::rules;
use std::fmt::Write as _;
use std::path::Path;

/// What would run for a worker, in order, with limit, policy and source.
pub fn list(worker: &str, plan: &Plan, folder: &Path) -> String {
    let mut text = format!("Hooks of {worker} in {}:\n", folder.display());
    match &plan.discovery.directory {
        Directory::Present if plan.all().next().is_none() => text.push_str("  none\n"),
        Directory::Present => {}
        Directory::Missing => text.push_str("  the folder is not there: mount one, or set HOOKS_DIR\n"),
        Directory::Unreadable(why) => {
            let _ = writeln!(text, "  the folder cannot be read: {why}");
        }
    }
    // HOOKS_FILE may lie elsewhere.
    let width = plan.all().map(|hook| hook.name.chars().count()).max().unwrap_or(0);
    for hooks in [&plan.pre, &plan.undos, &plan.post] {
        for (place, hook) in hooks.iter().enumerate() {
            let (phase, name) = (hook.phase.word(), &hook.name);
            let _ = write!(text, "  {phase:>4} {}  {name:width$}  {}", place + 1, rules(hook, plan));
            let _ = match &hook.problem {
                Some(problem) => writeln!(text, "  {}  CANNOT RUN: {}", hook.source, problem.what),
                None => writeln!(text, "  {}", hook.source),
            };
        }
    }
    text
}
