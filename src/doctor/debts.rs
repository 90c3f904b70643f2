//! Section `Open debts`: what dead runs owe, and whether a run that is killed could leave word of it.

use super::declared::Declared;
use super::document::shown;
use super::page::Section;
use super::status::age;
use super::{Finding, journal_place};
use crate::hooks;
use crate::masking::Secrets;
use crate::report;
use crate::run::{self, Owing, RecoveryEntry, Stands};
use crate::settings::Settings;
use crate::workers;
use chrono::{DateTime, Local, TimeDelta};
use serde_json::{Value, json};

/// How long a recovery is told of.
const LATELY: TimeDelta = TimeDelta::days(7);

/// What is owed, as far as it is known.
pub(super) struct Debts {
    /// What nobody does, the oldest first; why that is not known.
    pub(super) open: Result<Vec<Owing>, String>,
    /// The recoveries of late, the oldest first.
    pub(super) recoveries: Vec<RecoveryEntry>,
}

impl Debts {
    /// Looks; changes nothing.
    pub(super) fn read(settings: &Settings, now: DateTime<Local>) -> Self {
        let state = &settings.paths.state;
        let mut recoveries = run::recoveries(state);
        recoveries.retain(|one| now.signed_duration_since(one.finished_at) <= LATELY);
        let open = run::owing(state).map_err(|error| error.to_string());
        Self { open: open.map(|all| all.into_iter().filter(Owing::is_open).collect()), recoveries }
    }
}

/// Whether a run that is killed can leave word of what it owes.
pub(super) struct Prospect {
    /// Whether a pre hook of any worker has an undo.
    is_undo_declared: bool,
    /// Why no journal can be written.
    obstacle: Option<String>,
    goes_with_the_container: bool,
}

impl Prospect {
    pub(super) fn read(settings: &Settings, declared: &Declared) -> Self {
        let names = workers::names();
        let has_undo = |worker: &&str| !hooks::plan(settings, worker, &names, &declared.files).undos.is_empty();
        Self {
            is_undo_declared: names.iter().any(has_undo),
            obstacle: journal_place::obstacle(&settings.paths.state),
            goes_with_the_container: journal_place::goes_with_the_container(&settings.paths.state),
        }
    }
}

/// How long ago, in words; empty if that is not known.
fn ago(owing: &Owing, now: DateTime<Local>) -> String {
    let seconds = owing.started_at.map(|at| now.signed_duration_since(at).num_seconds());
    seconds.map_or_else(String::new, |seconds| format!(", {} ago", age(seconds)))
}

/// Whose journal this program cannot work off, and what it is then.
fn stranger(owing: &Owing) -> Option<String> {
    if workers::find(&owing.job).is_some() {
        return None;
    }
    Some(if owing.is_named() {
        format!("its worker '{}' is not known to this program", owing.job)
    } else {
        format!("{} is no journal's name", owing.path.display())
    })
}

/// What a run owes, as a predicate, or why nobody knows.
pub(super) fn what(owing: &Owing) -> String {
    let what = match &owing.stands {
        Stands::Owes(what) => format!("owes {}", what.join("; ")),
        Stands::Unreadable(why) => {
            let path = owing.path.display().to_string();
            // Some reasons name it.
            let place = if why.contains(&path) { String::new() } else { format!(" ({path})") };
            format!("has left a journal; what it owes is not known: {why}{place}")
        }
        Stands::Alive => "is alive".to_owned(),
    };
    stranger(owing).map_or(what.clone(), |stranger| format!("{what}; {stranger}"))
}

/// What helps.
pub(super) fn mend(owing: &Owing) -> String {
    let forget = format!("`boathook hooks recover --forget {}`", owing.run);
    match &owing.stands {
        _ if stranger(owing).is_some() && !owing.is_named() => "move it away".to_owned(),
        _ if stranger(owing).is_some() => "use the boathook that wrote it".to_owned(),
        Stands::Unreadable(_) => format!("if it was undone by hand: {forget}"),
        Stands::Owes(_) | Stands::Alive => {
            format!("`boathook hooks recover` does it now; after it was done by hand: {forget}")
        }
    }
}

/// All of it in a line.
fn line(owing: &Owing, now: DateTime<Local>) -> String {
    let mend = mend(owing);
    match stranger(owing) {
        Some(stranger) if !owing.is_named() => format!("{stranger}: {mend}"),
        _ => {
            let is_known = matches!(owing.stands, Stands::Owes(_));
            let (dead, before) = if is_known { ("is dead and ", ": ") } else { ("", "; ") };
            let job = if owing.job.is_empty() { "of no worker" } else { &owing.job };
            format!("run {} ({job}{}) {dead}{}{before}{mend}", owing.run, ago(owing, now), what(owing))
        }
    }
}

/// The section.
pub(super) fn section(settings: &Settings, debts: &Debts, prospect: &Prospect, now: DateTime<Local>) -> Section {
    let mut section = Section::new("Open debts");
    let state = settings.paths.state.display();
    let place = journal_place::home(&settings.paths.state);
    let place = match &prospect.obstacle {
        None => Finding::ok(format!("runs can keep a journal ({})", place.display())),
        Some(why) => {
            let message = format!("no run can keep a journal, so what it owes when it is killed is forgotten: {why}");
            if prospect.is_undo_declared { Finding::fail(message) } else { Finding::warn(message) }
        }
    };
    section.findings([place]);
    if prospect.is_undo_declared && prospect.goes_with_the_container {
        section.findings([Finding::warn(format!(
            "STATE_DIR ({state}) goes with the container, and with it what a killed run owes: mount a volume there"
        ))]);
    }
    match &debts.open {
        Err(why) => section.findings([Finding::fail(format!("what dead runs owe is not known: {why}"))]),
        Ok(open) if open.is_empty() => section.findings([Finding::ok("no dead run owes anything")]),
        Ok(open) => section.findings(open.iter().map(|one| Finding::fail(line(one, now)))),
    }
    section.findings(debts.recoveries.iter().map(|one| {
        let steps = one.undos.iter().chain(&one.post_hooks).map(|step| format!("{} {}", step.name, step.status));
        let steps = [one.status.clone()].into_iter().chain(steps).collect::<Vec<_>>().join(", ");
        let time = one.finished_at.format("%Y-%m-%d %H:%M");
        Finding::info(format!("run {} ({}): recovery at {time}: {steps}", one.parent, one.job))
    }));
    section
}

/// The same for the JSON document.
pub(super) fn document(settings: &Settings, debts: &Debts, prospect: &Prospect, now: DateTime<Local>) -> Value {
    let secrets = &settings.secrets;
    let text = |text: &String| shown(secrets, text);
    let open = debts.open.iter().flatten();
    json!({
        "undo_declared": prospect.is_undo_declared,
        "journal_folder": shown(secrets, &journal_place::home(&settings.paths.state).display().to_string()),
        "journal_problem": prospect.obstacle.as_ref().map(text),
        "goes_with_container": prospect.goes_with_the_container,
        "problem": debts.open.as_ref().err().map(text),
        "open": open.map(|one| of_debt(secrets, one, now)).collect::<Value>(),
        "recoveries": debts.recoveries.iter().map(|one| of_recovery(secrets, one)).collect::<Value>(),
    })
}

/// A run that owes something.
pub(super) fn of_debt(secrets: &Secrets, owing: &Owing, now: DateTime<Local>) -> Value {
    let (owed, problem) = match &owing.stands {
        Stands::Owes(what) => (what.iter().map(|one| shown(secrets, one)).collect(), Value::Null),
        Stands::Unreadable(why) => (Value::Array(Vec::new()), shown(secrets, why)),
        Stands::Alive => (Value::Array(Vec::new()), Value::Null),
    };
    json!({
        "run_id": shown(secrets, &owing.run),
        "job": shown(secrets, &owing.job),
        "started_at": owing.started_at.map(|at| at.format(report::TIME).to_string()),
        "age_seconds": owing.started_at.map(|at| now.signed_duration_since(at).num_seconds()),
        "owed": owed,
        "problem": problem,
        "journal": shown(secrets, &owing.path.display().to_string()),
    })
}

/// A recovery, as a run of its own.
pub(super) fn of_recovery(secrets: &Secrets, entry: &RecoveryEntry) -> Value {
    let steps = |steps: &[run::RecoveryStep]| -> Value {
        steps.iter().map(|step| json!({"name": shown(secrets, &step.name), "status": step.status})).collect()
    };
    json!({
        "run_id": entry.id,
        "trigger": entry.trigger,
        "parent": entry.parent,
        "job": entry.job,
        "started_at": entry.started_at.format(report::TIME).to_string(),
        "finished_at": entry.finished_at.format(report::TIME).to_string(),
        "status": entry.status,
        "run_status": entry.run_status,
        "undos": steps(&entry.undos),
        "post_hooks": steps(&entry.post_hooks),
        "owed": entry.owed.iter().map(|one| shown(secrets, one)).collect::<Value>(),
    })
}
