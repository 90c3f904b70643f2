//! `hooks check`: everything that would keep a hook from running, each with its mend.

use super::super::load::is_awaited;
use super::super::{Declarations, Directory, Discovery, HooksFile, StrangerKind};
use super::Trouble;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Everything that would keep a hook from running, each with its mend, and whether there is anything. An entry that
/// only looks like a hook counts: whoever put it there expects it to run.
pub fn check(discovery: &Discovery, declared: &Declarations, troubles: &[Trouble], folder: &Path) -> (String, bool) {
    let mut text = String::new();
    let mut wrong = false;
    match &discovery.directory {
        Directory::Present => {}
        Directory::Missing => {
            let _ = writeln!(text, "❌ {} is not there: mount a folder, or set HOOKS_DIR", folder.display());
            wrong = true;
        }
        Directory::Unreadable(why) => {
            let _ = writeln!(text, "❌ {} cannot be read: {why}", folder.display());
            wrong = true;
        }
    }
    wrong |= of_scripts(&mut text, discovery, folder);
    for file in &declared.files {
        wrong |= of_file(&mut text, file);
    }
    for Trouble { name, source, problem, undo_of, .. } in troubles {
        wrong = true;
        let _ = match undo_of {
            None => writeln!(text, "❌ {source} '{name}' {}: {}", problem.what, problem.mend),
            Some(hook) => writeln!(
                text,
                "❌ {source} '{name}' {}, so '{hook}' is not started, either: {}",
                problem.what, problem.mend
            ),
        };
    }
    wrong |= of_others(&mut text, discovery, declared, folder);
    if text.is_empty() {
        let _ = writeln!(text, "ℹ️ No hooks in {}.", folder.display());
    }
    (text, wrong)
}

fn of_scripts(text: &mut String, discovery: &Discovery, folder: &Path) -> bool {
    let mut wrong = false;
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
    wrong
}

fn of_file(text: &mut String, file: &HooksFile) -> bool {
    let path = file.path.display();
    for mistake in &file.mistakes {
        let _ = writeln!(text, "❌ {path}:{}: {}: {}", mistake.at, mistake.what, mistake.mend);
    }
    if file.mistakes.is_empty() {
        let _ = writeln!(text, "✅ {path}: {}", count_of(file));
    } else {
        let _ = writeln!(text, "❌ {path} gives no hooks until it has no mistake");
    }
    for hook in &file.hooks {
        let name = hook.name.as_deref().or(hook.script.as_deref()).unwrap_or("a hook");
        for doubt in &hook.warnings {
            let _ = writeln!(text, "⚠️ {path}:{} '{name}' {}: {}", hook.origin.at.line, doubt.what, doubt.mend);
        }
    }
    !file.mistakes.is_empty()
}

/// Every mistake of the files that may concern a worker, as [`check`] says them; empty if there is none.
pub fn broken_for(worker: &str, declared: &Declarations) -> String {
    let mut text = String::new();
    let concerns = |file: &&HooksFile| file.concerns.is_empty() || file.concerns.contains(&worker);
    for file in declared.files.iter().filter(|file| !file.mistakes.is_empty()).filter(concerns) {
        of_file(&mut text, file);
    }
    text
}

/// `5 hooks (native)`, `1 hook (Stash BackupConfiguration apps/wiki)`; `no hooks` of a file with nothing in it.
pub fn count_of(file: &HooksFile) -> String {
    if file.documents.is_empty() {
        return "no hooks".to_owned();
    }
    let number = file.hooks.len();
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} hook{plural} ({})", file.documents.join(", "))
}

fn of_others(text: &mut String, discovery: &Discovery, declared: &Declarations, folder: &Path) -> bool {
    let mut wrong = false;
    for (path, reason) in &declared.unknown {
        // Whoever wrote a file of hooks waits for them.
        let awaited = is_awaited(reason);
        let mark = if awaited { "❌" } else { "⚠️" };
        wrong |= awaited;
        let _ = writeln!(text, "{mark} {} gives no hooks: it {reason}", path.display());
    }
    let is_told = |path: PathBuf| {
        declared.files.iter().any(|file| file.path == path) || declared.unknown.iter().any(|(known, _)| *known == path)
    };
    for stranger in discovery.strangers.iter().filter(|stranger| !is_told(folder.join(&stranger.file))) {
        let nearest = stranger.nearest.as_ref().map(|name| format!("; did you mean {name}?")).unwrap_or_default();
        let attempt = stranger.kind == StrangerKind::Attempt;
        let mark = if attempt { "❌" } else { "ℹ️" };
        wrong |= attempt;
        let _ = writeln!(text, "{mark} {} {}{nearest}", stranger.file, stranger.reason);
    }
    wrong
}
