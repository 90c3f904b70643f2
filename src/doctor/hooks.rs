//! Section `Hooks`: a line for every hook that could be there, then everything that would keep one from running.

use super::configuration::is_of_hooks;
use super::declared::{self, Declared};
use super::page::{Entry, Section};
use super::recent::Recent;
use super::{Finding, mistakes};
use crate::hooks::{self, Directory, Discovery, OnError, Owner, Phase, Script, StrangerKind};
use crate::settings::Settings;
use crate::workers::WORKERS;

/// Looks through the hooks folder as a run would.
pub(super) fn discover(settings: &Settings) -> Discovery {
    let workers: Vec<&'static str> = WORKERS.iter().map(|worker| worker.job.name).collect();
    let path = settings.environment.text_or_empty("PATH");
    hooks::discover(&settings.paths.hooks, &workers, settings.hooks.strict, &path)
}

/// Every hook that could be there, in the order of the workers, those of every worker last.
fn places() -> impl Iterator<Item = (Phase, Owner)> {
    let owners = WORKERS.iter().map(|worker| Owner::Worker(worker.job.name)).chain([Owner::All]);
    owners.flat_map(|owner| [(Phase::Pre, owner), (Phase::Post, owner)])
}

fn stem(phase: Phase, owner: Owner) -> String {
    let word = match owner {
        Owner::Worker(worker) => worker,
        Owner::All => "all",
    };
    format!("{}-{word}", phase.word())
}

/// The scripts of this place, the one without a suffix first.
fn scripts_of(discovery: &Discovery, phase: Phase, owner: Owner) -> impl Iterator<Item = &Script> {
    discovery.scripts.iter().filter(move |script| script.phase == phase && script.owner == owner)
}

fn word(script: &Script) -> &'static str {
    if script.problem.is_none() { "executable" } else { "not executable" }
}

/// `(pre-backup, executable)` for the scripts without a suffix that are there; those of every worker aside.
pub(super) fn present(discovery: &Discovery) -> Vec<(String, bool)> {
    places()
        .filter(|(_, owner)| *owner != Owner::All)
        .filter_map(|(phase, owner)| {
            let stem = stem(phase, owner);
            let script = scripts_of(discovery, phase, owner).find(|script| script.name == stem)?;
            Some((stem, script.problem.is_none()))
        })
        .collect()
}

/// A line for every hook that could be there, and for each with a suffix that is.
fn lines(discovery: &Discovery) -> Vec<Entry> {
    let mut lines = Vec::new();
    for (phase, owner) in places() {
        let stem = stem(phase, owner);
        let base = scripts_of(discovery, phase, owner).find(|script| script.name == stem);
        lines.push(Entry::Own(format!("hooks/{stem}.sh: {}", base.map_or("not found", word))));
        let suffixed = scripts_of(discovery, phase, owner).filter(|script| script.name != stem);
        lines.extend(suffixed.map(|script| Entry::Line(format!("hooks/{}.sh: {}", script.name, word(script)))));
    }
    lines
}

/// Everything that there is to say about the hooks folder, what is declared there, and the settings of hooks.
fn findings(settings: &Settings, discovery: &Discovery, declared: &Declared, recent: &[Recent]) -> Vec<Finding> {
    let folder = settings.paths.hooks.display();
    let mut findings = Vec::new();
    match &discovery.directory {
        Directory::Missing => {
            let message = format!("Hook directory {folder} is not mounted.");
            // Who names a folder wants it to be there.
            let is_named = !settings.environment.text_or_empty("HOOKS_DIR").is_empty();
            findings.push(if is_named { Finding::warn(message) } else { Finding::info(message) });
        }
        Directory::Unreadable(why) => {
            findings.push(Finding::fail(format!("Hook directory {folder} cannot be read: {why}")));
        }
        Directory::Present if discovery.scripts.is_empty() => {
            findings.push(Finding::info(format!("No known hook scripts found in {folder}.")));
        }
        Directory::Present => {}
    }
    for (phase, owner) in places() {
        for script in scripts_of(discovery, phase, owner) {
            findings.push(of_script(declared.cost_of(settings, script), script));
            let path = script.path.display();
            let doubts = script.warnings.iter();
            findings.extend(doubts.map(|doubt| Finding::warn(format!("{path} {}: {}", doubt.what, doubt.mend))));
        }
    }
    let doubts = discovery.warnings.iter();
    findings.extend(doubts.map(|doubt| Finding::warn(format!("Every hook {}: {}", doubt.what, doubt.mend))));
    findings.extend(declared::findings(settings, declared, recent));
    for stranger in &discovery.strangers {
        let path = settings.paths.hooks.join(&stranger.file);
        if declared.tells_of(&path) {
            continue;
        }
        let nearest = stranger.nearest.as_ref().map(|name| format!("; the nearest right name is {name}"));
        let message = format!("{} will not run: it {}{}", path.display(), stranger.reason, nearest.unwrap_or_default());
        findings.push(match stranger.kind {
            StrangerKind::Attempt => Finding::warn(message),
            StrangerKind::Other => Finding::info(message),
        });
    }
    findings.extend(of_settings(settings));
    findings
}

fn of_script(cost: OnError, script: &Script) -> Finding {
    let path = script.path.display();
    let Some(problem) = &script.problem else { return Finding::ok(format!("{path} is executable")) };
    let but = if script.not_executable { "exists but " } else { "" };
    let message = format!("{path} {but}{}: {}", problem.what, problem.mend);
    // A hook that cannot run counts as one that failed: with `Fail` it costs the run its work.
    if cost == OnError::Fail { Finding::fail(message) } else { Finding::warn(message) }
}

fn of_settings(settings: &Settings) -> impl Iterator<Item = Finding> {
    mistakes::findings(settings, &[]).into_iter().filter(|keyed| is_of_hooks(&keyed.key)).map(|keyed| keyed.finding)
}

/// The section.
pub(super) fn section(settings: &Settings, discovery: &Discovery, declared: &Declared, recent: &[Recent]) -> Section {
    let mut section = Section::new("Hooks");
    section.entries.push(Entry::Bare("HOOK_TIMEOUT", settings.hooks.timeout_given.clone()));
    section.entries.extend(lines(discovery));
    section.findings(findings(settings, discovery, declared, recent));
    section
}

#[cfg(test)]
mod tests {
    use super::super::{Severity, sample};
    use super::*;
    use crate::settings::{Effect, Mistake};

    fn messages(settings: &Settings) -> Vec<(Severity, String)> {
        let discovery = discover(settings);
        let findings = findings(settings, &discovery, &Declared::read(settings, &discovery), &[]);
        findings.into_iter().map(|finding| (finding.severity, finding.message)).collect()
    }

    #[test]
    fn every_hook_that_could_be_there_has_a_line() {
        let folder = sample::folder();
        let settings = sample::settings(folder.path());
        sample::hook(folder.path(), "pre-backup.sh", 0o755);
        sample::hook(folder.path(), "pre-backup.10-dump.sh", 0o755);
        sample::hook(folder.path(), "post-backup.20-x.sh", 0o644);
        let discovery = discover(&settings);
        let section = section(&settings, &discovery, &Declared::read(&settings, &discovery), &[]);
        let lines: Vec<_> = section
            .entries
            .iter()
            .map_while(|entry| match entry {
                Entry::Bare(key, value) => Some(format!("{key}: {value}")),
                Entry::Own(line) | Entry::Line(line) => Some(line.clone()),
                _ => None,
            })
            .collect();
        assert_eq!(lines.len(), 1 + 2 * WORKERS.len() + 2 + 2);
        assert_eq!(
            lines[..6],
            [
                "HOOK_TIMEOUT: 0",
                "hooks/pre-backup.sh: executable",
                "hooks/pre-backup.10-dump.sh: executable",
                "hooks/post-backup.sh: not found",
                "hooks/post-backup.20-x.sh: not executable",
                "hooks/pre-check.sh: not found",
            ]
        );
        assert_eq!(lines.last().map(String::as_str), Some("hooks/post-all.sh: not found"));
    }

    #[test]
    fn a_script_that_cannot_run_warns_and_fails_where_it_would_cost_the_work() {
        let folder = sample::folder();
        let mut settings = sample::settings(folder.path());
        let path = sample::hook(folder.path(), "pre-backup.sh", 0o644);
        let path = path.display();
        let message = format!("{path} exists but is not executable (mode 0644): chmod +x {path}");
        assert_eq!(messages(&settings), [(Severity::Warn, message.clone())]);
        settings.hooks.fail_on_error = true;
        assert_eq!(messages(&settings), [(Severity::Fail, message)]);
    }

    #[test]
    fn what_a_script_costs_is_what_its_entry_in_a_hooks_file_says() {
        let folder = sample::folder();
        let mut settings = sample::settings(folder.path());
        sample::hook(folder.path(), "pre-backup.sh", 0o644);
        sample::hook(folder.path(), "pre-all.sh", 0o644);
        let file = folder.path().join("hooks/hooks.yaml");
        let severities = |settings: &Settings, fails: &str, goes_on: &str| {
            let text = format!(
                "hooks:\n  {fails}: [{{script: {}, onError: Fail}}]\n  {goes_on}: [{{script: {}, onError: Continue}}]\n",
                if fails == "preAll" { "pre-all.sh" } else { "pre-backup.sh" },
                if goes_on == "preAll" { "pre-all.sh" } else { "pre-backup.sh" },
            );
            std::fs::write(&file, text).expect("there is room");
            let all = messages(settings);
            ["pre-backup.sh", "pre-all.sh"].map(|name| {
                let of_it =
                    all.iter().find(|(_, message)| message.contains(&format!("{name} exists but is not executable")));
                of_it.map(|(severity, _)| *severity)
            })
        };
        let (fail, warn) = (Some(Severity::Fail), Some(Severity::Warn));
        assert_eq!(severities(&settings, "preBackup", "preAll"), [fail, warn]);
        assert_eq!(severities(&settings, "preAll", "preBackup"), [warn, fail]);
        settings.hooks.fail_on_error = true;
        assert_eq!(severities(&settings, "preBackup", "preAll"), [fail, warn]);
    }

    #[test]
    fn a_name_that_is_nearly_right_warns_and_data_informs() {
        let folder = sample::folder();
        let settings = sample::settings(folder.path());
        let near = sample::hook(folder.path(), "pre-bakcup.sh", 0o755);
        let data = sample::hook(folder.path(), "hooks.csv", 0o644);
        let hooks = settings.paths.hooks.display();
        assert_eq!(
            messages(&settings),
            [
                (Severity::Info, format!("No known hook scripts found in {hooks}.")),
                (Severity::Info, format!("{} will not run: it is data, which scripts may read", data.display())),
                (
                    Severity::Warn,
                    format!(
                        "{} will not run: it is called `pre-bakcup`, which is no hook; the nearest right name is \
                         pre-backup.sh",
                        near.display()
                    )
                ),
            ]
        );
    }

    #[test]
    fn a_folder_that_is_not_mounted_is_no_fault_unless_it_was_named() {
        let folder = sample::folder();
        let mut settings = sample::settings(folder.path());
        settings.paths.hooks = "/none/hooks".into();
        settings.environment.remove("HOOKS_DIR");
        assert_eq!(messages(&settings), [(Severity::Info, "Hook directory /none/hooks is not mounted.".to_owned())]);
        settings.environment.set("HOOKS_DIR", "/none/hooks");
        assert_eq!(messages(&settings)[0].0, Severity::Warn);
    }

    #[test]
    fn a_time_limit_that_is_not_understood_fails_here() {
        let folder = sample::folder();
        let mut settings = sample::settings(folder.path());
        settings.mistakes.push(Mistake {
            variable: "HOOK_TIMEOUT",
            value: "soon".to_owned(),
            problem: "is not a duration".to_owned(),
            mend: "write seconds, or 5m".to_owned(),
            effect: Effect::Loud,
        });
        let message = "HOOK_TIMEOUT='soon' is not a duration: write seconds, or 5m".to_owned();
        assert!(messages(&settings).contains(&(Severity::Fail, message.clone())));
        let elsewhere = super::super::configuration::section(&settings);
        assert!(elsewhere.checks().all(|(_, finding)| finding.message != message), "is told of once");
    }

    #[test]
    fn only_plain_scripts_of_one_worker_are_present() {
        let folder = sample::folder();
        let settings = sample::settings(folder.path());
        for file in ["post-check.sh", "pre-backup.sh", "pre-all.sh", "pre-prune.10-a.sh"] {
            sample::hook(folder.path(), file, 0o755);
        }
        let present = present(&discover(&settings));
        assert_eq!(present, [("pre-backup".to_owned(), true), ("post-check".to_owned(), true)]);
    }
}
