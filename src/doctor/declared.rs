//! What hooks files declare, as the section `Hooks` and `config-check` tell of it: the same reading as a run's.

use super::configuration::Keyed;
use super::finding::Finding;
use super::recent::Recent;
use crate::exit;
use crate::hooks::listing::{self, Trouble};
use crate::hooks::model::{Action, Tls};
use crate::hooks::{self, Declarations, Discovery, HooksFile, OnError, Owner, Script};
use crate::settings::Settings;
use crate::workers;
use std::path::Path;

/// Everything that hooks files declare, and what of it could not run.
pub(super) struct Declared {
    pub(super) files: Declarations,
    pub(super) troubles: Vec<Trouble>,
}

impl Declared {
    /// Reads what a run would read.
    pub(super) fn read(settings: &Settings, discovery: &Discovery) -> Self {
        let names = workers::names();
        let files = hooks::load(settings, &names);
        let troubles = listing::troubles(settings, &names, &files, discovery);
        Self { files, troubles }
    }

    /// What the failure of a script costs: what its entry in a hooks file says, else what is said for all scripts.
    pub(super) fn cost_of(&self, settings: &Settings, script: &Script) -> OnError {
        let names = workers::names();
        let worker = match script.owner {
            Owner::Worker(worker) => worker,
            // Hooks of every worker are in every plan.
            Owner::All => names.first().copied().unwrap_or_default(),
        };
        let plan = hooks::plan(settings, worker, &names, &self.files);
        let of_it = |hook: &&hooks::Hook| matches!(&hook.action, Action::Script(path) if *path == script.path);
        let by_default = if settings.hooks.fail_on_error { OnError::Fail } else { OnError::Continue };
        plan.all().find(of_it).map_or(by_default, |hook| hook.on_error)
    }

    /// Whether this file of the hooks folder is told of here.
    pub(super) fn tells_of(&self, path: &Path) -> bool {
        self.files.files.iter().any(|file| file.path == path)
            || self.files.unknown.iter().any(|(known, _)| known == path)
    }
}

/// Everything that there is to say about hooks files, and about undos that the last runs owe.
pub(super) fn findings(settings: &Settings, declared: &Declared, recent: &[Recent]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &declared.files.files {
        findings.extend(mistakes(settings, file));
        if file.mistakes.is_empty() {
            findings.push(Finding::info(format!("{}: {}", shown(settings, &file.path), listing::count_of(file))));
            findings.extend(doubts(file));
        }
    }
    for (path, reason) in &declared.files.unknown {
        let message = format!("{} gives no hooks: it {reason}", path.display());
        let is_awaited = hooks::load::is_awaited(reason);
        findings.push(if is_awaited { Finding::fail(message) } else { Finding::warn(message) });
    }
    let unset = listing::unset(settings, &declared.files);
    findings.extend(unset.into_iter().map(Finding::warn));
    findings.extend(declared.troubles.iter().map(of_trouble));
    for file in recent {
        findings.extend(owed(file).map(Finding::fail));
    }
    findings
}

/// Each mistake in a hooks file, as `config-check` lists it.
pub(super) fn checks(settings: &Settings, declared: &Declarations) -> Vec<Keyed> {
    let files = declared.files.iter();
    files
        .flat_map(|file| {
            let variable = if file.path == settings.hooks.file { "HOOKS_FILE" } else { "HOOKS_DIR" };
            mistakes(settings, file).into_iter().map(move |finding| Keyed::new(variable, finding))
        })
        .collect()
}

/// What a broken file costs, and each mistake in it.
fn mistakes(settings: &Settings, file: &HooksFile) -> Vec<Finding> {
    if file.mistakes.is_empty() {
        return Vec::new();
    }
    let path = file.path.display();
    let whose = if file.concerns.is_empty() { "every worker".to_owned() } else { file.concerns.join(", ") };
    let cost = if settings.hooks.fail_on_error || file.means_fail {
        format!("the work of {whose} is not done (exit code {})", exit::PRE_HOOK_FAILED)
    } else {
        format!("each run of {whose} is a warning at best")
    };
    let mut findings = vec![Finding::fail(format!("{path} has a mistake, so none of its hooks run, and {cost}"))];
    findings.extend(file.mistakes.iter().map(|mistake| {
        let message = format!("{path}:{}: {}: {}", mistake.at, mistake.what, mistake.mend);
        Finding::fail(message)
    }));
    findings
}

/// What is doubtful about the hooks of a file, though they run.
fn doubts(file: &HooksFile) -> Vec<Finding> {
    let path = file.path.display();
    let mut findings = Vec::new();
    for hook in &file.hooks {
        let name = hook.name.as_deref().or(hook.script.as_deref()).unwrap_or("a hook without a name");
        let place = format!("{path}:{} '{name}'", hook.origin.at.line);
        findings.extend(hook.warnings.iter().map(|doubt| {
            let message = format!("{place} {}: {}", doubt.what, doubt.mend);
            Finding::warn(message)
        }));
        let actions = hook.action.iter().chain(hook.undo.iter().map(|undo| &undo.action));
        let is_open = actions.into_iter().any(|action| match action {
            Action::HttpGet(http) | Action::HttpPost(http) => http.tls == Tls::SkipVerify,
            _ => false,
        });
        let is_told = hook.warnings.iter().any(|doubt| doubt.what.contains("insecureSkipTLSVerify"));
        if is_open && !is_told {
            findings.push(Finding::warn(format!(
                "{place} does not verify whom it talks to (insecureSkipTLSVerify): give the server a certificate that this \
                 container trusts, and take the line out"
            )));
        }
    }
    findings
}

fn of_trouble(trouble: &Trouble) -> Finding {
    let Trouble { name, source, problem, on_error, undo_of } = trouble;
    let cost = undo_of.as_ref().map(|hook| format!(", so '{hook}' is not started, either")).unwrap_or_default();
    let message = format!("{source} '{name}' {}{cost}: {}", problem.what, problem.mend);
    // A hook that cannot run counts as one that failed: with `Fail` it costs the run its work.
    if *on_error == OnError::Fail { Finding::fail(message) } else { Finding::warn(message) }
}

/// The undos of a run that failed, and what that means.
fn owed(file: &Recent) -> impl Iterator<Item = String> {
    let summary = file.summary.as_ref().and_then(|summary| summary.as_ref().ok());
    summary.into_iter().flat_map(|summary| {
        summary.failed_undos.iter().map(|(undo, reason)| {
            let hook = undo.strip_prefix("undo-").unwrap_or(undo);
            let why = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
            format!(
                "the effect of '{hook}' may still be there: '{undo}' failed in the last run of {}{why}; take it back by hand; `boathook hooks recover` tries it \
                 again",
                summary.job
            )
        })
    })
}

/// A file of the hooks folder by its name, any other by its path.
fn shown(settings: &Settings, path: &Path) -> String {
    path.strip_prefix(&settings.paths.hooks).unwrap_or(path).display().to_string()
}
