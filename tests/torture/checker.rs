//! What must hold after every run, whatever was done to it. Knows nothing of the product's code: reads what hooks wrote
//! down, the files that users read, exit codes and outputs.

use crate::evidence::Line;
use crate::points::Deed;
use crate::scene::{Ended, Recovery, Scenario};
use serde_json::Value;

/// Hooks and what takes them back.
const UNDOS: [(&str, &str); 2] = [("pre-backup", "undo-pre-backup"), ("freeze", "undo-freeze")];
const POST: [&str; 2] = ["post-backup", "tell"];
/// How a line begins that tells a person of trouble.
const MARKS: [&str; 6] = ["❌", "⚠", "🛑", "⏰", "⏭", "⏱"];
/// What the library says that writes lines, when it gets no thread although one was just to be had.
const APPENDER: &str = "failed to spawn `tracing-appender`";
/// The exit code of a process of a debug build that panics.
const PANIC: i32 = 101;
const EXIT_CODES: &str = include_str!("../../docs/exit-codes.md");

/// Everything that is known of a run.
#[derive(Debug)]
pub struct Facts {
    pub scenario: Scenario,
    /// Nothing is done in a calm run.
    pub deed: Option<Deed>,
    /// To whom; empty in a calm run.
    pub role: String,
    /// The failed call would have written to the console.
    pub on_console: bool,
    /// The failed call would have written to a journal.
    pub on_journal: bool,
    pub code: i32,
    pub hung: Vec<String>,
    /// Everything that was said: by the command, by recoveries, in the log.
    pub said: String,
    pub evidence: Vec<Line>,
    pub before: Option<Vec<u8>>,
    /// `last-backup.json`: right after the deed, and in the end.
    pub summary: [Option<Vec<u8>>; 2],
    /// The metrics: the same.
    pub metrics: [Option<String>; 2],
    pub kind_of_recovery: Recovery,
    pub recovery: Ended,
    /// A second recovery, and what it has made hooks write down.
    pub second: Option<(Ended, Vec<Line>)>,
    pub held_locks: Vec<String>,
    pub left: Vec<String>,
    pub strange_files: Vec<String>,
    /// The runs that are still registered.
    pub registered: Vec<String>,
}

/// Every violation, a sentence each.
pub fn check(facts: &Facts) -> Vec<String> {
    let mut found = Vec::new();
    let mut runs: Vec<&str> = Vec::new();
    for line in &facts.evidence {
        if line.run != "none" && !runs.contains(&line.run.as_str()) {
            runs.push(&line.run);
        }
    }
    for run in &runs {
        hooks_of(facts, run, &mut found);
    }
    for line in facts.evidence.iter().filter(|line| line.what.starts_with("recover ")) {
        if !matches!(line.what.as_str(), "recover 0" | "recover 75") {
            found.push(format!("recovery: one that the work asked for ended with {}", &line.what[8..]));
        }
    }
    ends(facts, runs.first().copied(), &mut found);
    files(facts, runs.first().copied(), &mut found);
    messages(facts, runs.first().copied(), &mut found);
    found
}

/// The lines of one hook in one run: place in the evidence, and line.
fn of<'a>(facts: &'a Facts, run: &'a str, name: &'a str) -> impl Iterator<Item = (usize, &'a Line)> {
    facts.evidence.iter().enumerate().filter(move |(_, line)| line.run == run && line.name == name)
}

/// Where each that has ended started and ended.
fn completed(facts: &Facts, run: &str, name: &str) -> Vec<(usize, usize)> {
    let starts = of(facts, run, name).filter(|(_, line)| line.what == "start");
    starts
        .filter_map(|(start, line)| {
            let end = of(facts, run, name).find(|(at, end)| *at > start && end.what == "end" && end.pid == line.pid)?;
            Some((start, end.0))
        })
        .collect()
}

fn hooks_of(facts: &Facts, run: &str, found: &mut Vec<String>) {
    for (hook, undo) in UNDOS {
        undone(facts, run, hook, undo, found);
    }
    let work_ends = of(facts, run, "work").filter(|(_, line)| line.what == "end").map(|(at, _)| at).last();
    let lives_on = match facts.deed {
        None | Some(Deed::Fail(_)) => true,
        Some(Deed::Kill) => !facts.role.starts_with("worker"),
        Some(_) => false,
    };
    if let Some(end) = work_ends
        && lives_on
        && facts.scenario != Scenario::Hold
    {
        for (_, undo) in UNDOS {
            if of(facts, run, undo).any(|(at, line)| line.what == "start" && at < end) {
                found.push(format!("undo: {undo} ran while the work went on"));
            }
        }
    }
    let begun = facts.evidence.iter().any(|line| line.run == run && line.what == "start");
    for post in POST {
        if begun && completed(facts, run, post).is_empty() && !is_excused(facts, run, post) {
            found.push(format!("post hooks: {post} has not run to its end"));
        }
        for (start, _) in of(facts, run, post).filter(|(_, line)| line.what == "start") {
            for (hook, undo) in UNDOS {
                let was_started = of(facts, run, hook).any(|(at, line)| line.what == "start" && at < start);
                let was_undone = completed(facts, run, undo).iter().any(|(_, end)| *end < start);
                if was_started && !was_undone && !is_unknown(facts, run, undo) {
                    found.push(format!("order: {post} started before {undo} had ended"));
                }
            }
        }
    }
    for (at, line) in facts.evidence.iter().enumerate().filter(|(_, line)| line.run == run) {
        match line.what.as_str() {
            "twice" => {
                found.push(format!("at the same time: {} started while it, or what it undoes, was running", line.name));
            }
            // With keeper and worker the lock is gone, and a hook is ended: it may look just then. That of a recovery
            // runs again.
            "unlocked"
                if facts.deed == Some(Deed::Both)
                    && (!line.recovery
                        || of(facts, run, &line.name).any(|(later, one)| later > at && one.what == "start")) => {}
            "unlocked" => found.push(format!("lock: nobody held the job's lock during {}", line.name)),
            "strange" => found.push(format!("summary: that which {} was pointed to is not its run's", line.name)),
            "lacks" => {
                let hook = line.name.trim_start_matches("undo-");
                let handed_on = of(facts, run, hook).any(|(_, line)| line.what == "handed");
                let said_so = matches!(facts.deed, Some(Deed::Fail(_)))
                    && status_of(facts, run, hook).is_some_and(|is| is == "failed");
                // Nothing waits for the disk while a file system may be frozen.
                let may_be_lost = facts.deed == Some(Deed::Power) && facts.scenario != Scenario::Recovery;
                if handed_on && !said_so && !may_be_lost {
                    found.push(format!("values: {} did not get what {hook} had handed on", line.name));
                }
            }
            _ => {}
        }
    }
}

fn undone(facts: &Facts, run: &str, hook: &str, undo: &str, found: &mut Vec<String>) {
    let Some((started, _)) = of(facts, run, hook).find(|(_, line)| line.what == "start") else { return };
    let last = of(facts, run, hook).map(|(at, _)| at).max().unwrap_or(started);
    let undos = completed(facts, run, undo);
    // A script runs also if the file cannot be read that says how to take it back.
    if is_unknown(facts, run, undo) {
        return;
    }
    if !undos.iter().any(|(start, _)| *start > started) {
        found.push(format!("undo: {hook} was started, and {undo} has not run to its end"));
    }
    if of(facts, run, undo).any(|(at, line)| line.what == "start" && at < last) {
        found.push(format!("undo: {undo} started while {hook} was still running"));
    }
    for (start, end) in undos {
        if of(facts, run, undo).any(|(at, line)| line.what == "start" && at > start && at < end) {
            found.push(format!("at the same time: {undo} was started again before it had ended"));
        }
    }
}

/// A hook that could not be carried out because of the very deed has failed, and the run says so: then it need not have
/// run to its end. Nor one that could not be found because of it, if the run says that it is not as it should be.
fn is_excused(facts: &Facts, run: &str, hook: &str) -> bool {
    let by_deed = match facts.deed {
        Some(Deed::Fail(_)) => true,
        Some(Deed::Kill) => facts.role.starts_with("hook") || facts.role.contains('>'),
        _ => false,
    };
    by_deed && status_of(facts, run, hook).is_some_and(|status| status == "failed") || is_unknown(facts, run, hook)
}

/// Whether a failed call kept the run from knowing of a hook, and the run says that it is not as it should be.
fn is_unknown(facts: &Facts, run: &str, hook: &str) -> bool {
    matches!(facts.deed, Some(Deed::Fail(_)))
        && facts.role == "keeper"
        && summary_of(facts, run).is_some_and(|summary| summary["status"] != "success" && summary["hooks"].is_array())
        && status_of(facts, run, hook).is_none()
}

fn summary_of(facts: &Facts, run: &str) -> Option<Value> {
    let parsed = facts.summary.iter().rev().flatten().filter_map(|bytes| serde_json::from_slice::<Value>(bytes).ok());
    parsed.into_iter().find(|summary| summary["run_id"] == run)
}

fn status_of(facts: &Facts, run: &str, hook: &str) -> Option<String> {
    let summary = summary_of(facts, run)?;
    let hooks = summary["hooks"].as_array()?;
    Some(hooks.iter().find(|one| one["name"] == hook)?["status"].as_str()?.to_owned())
}

/// The codes of the table in `docs/exit-codes.md`.
fn known_codes() -> Vec<i32> {
    EXIT_CODES.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok()).collect()
}

fn ends(facts: &Facts, run: Option<&str>, found: &mut Vec<String>) {
    for one in &facts.hung {
        found.push(format!("hangs: {one}"));
    }
    for one in &facts.left {
        found.push(format!("processes: left is {one}"));
    }
    for one in &facts.held_locks {
        found.push(format!("lock: {one} is still held"));
    }
    if facts.hung.is_empty() {
        let is_right = match facts.deed {
            None => facts.code == 0,
            Some(Deed::Fail(_)) => known_codes().contains(&facts.code) || is_of_appender(facts) && facts.code == PANIC,
            Some(Deed::Kill) if facts.role == "keeper" => facts.code == 137,
            Some(_) => matches!(facts.code, 0 | 137),
        };
        if !is_right {
            found.push(format!("exit code: {}", facts.code));
        }
        let lives = !matches!(facts.deed, Some(Deed::Both | Deed::All | Deed::Power)) && facts.role != "keeper";
        let told = facts.summary[0].as_deref().and_then(|bytes| serde_json::from_slice::<Value>(bytes).ok());
        if let Some(told) = told.filter(|told| {
            lives && facts.scenario != Scenario::Recovery && run.is_some_and(|run| told["run_id"] == run)
        }) && told["exit_code"] != facts.code
        {
            found.push(format!("exit code: {}, and the summary says {}", facts.code, told["exit_code"]));
        }
    }
    if facts.recovery.hung {
        found.push("hangs: the recovery".to_owned());
    } else if facts.recovery.code != 0 {
        found.push(format!("recovery: ended with {}", facts.recovery.code));
    }
    if let Some((ended, lines)) = &facts.second {
        if ended.code != 0 || ended.hung {
            found.push(format!("recovery: a second one ended with {}", ended.code));
        }
        if let Some(line) = lines.first() {
            found.push(format!("recovery: a second one still found something owed ({} {})", line.what, line.name));
        }
    }
}

fn files(facts: &Facts, run: Option<&str>, found: &mut Vec<String>) {
    for (summary, when) in facts.summary.iter().zip(["after the deed", "in the end"]) {
        match summary {
            None if facts.before.is_some() => found.push(format!("summary: the earlier one is gone {when}")),
            Some(bytes) if Some(bytes) != facts.before.as_ref() => {
                let whole = serde_json::from_slice::<Value>(bytes).is_ok_and(|summary| {
                    ["job", "run_id", "exit_code", "status", "hooks"].iter().all(|key| summary.get(key).is_some())
                });
                if !whole {
                    found.push(format!("summary: not whole {when} ({} bytes)", bytes.len()));
                }
            }
            _ => {}
        }
    }
    for (metrics, when) in facts.metrics.iter().zip(["after the deed", "in the end"]) {
        if metrics.as_deref().is_some_and(|text| !are_whole_metrics(text)) {
            found.push(format!("metrics: not whole {when}"));
        }
    }
    let excused = matches!(facts.deed, Some(Deed::Power | Deed::Fail(_)));
    if let Some(run) = run
        && !excused
        && POST.iter().any(|post| !completed(facts, run, post).is_empty())
        && summary_of(facts, run).is_none()
        && facts.kind_of_recovery == Recovery::Command
    {
        found.push("summary: the run has none, though its post hooks have run".to_owned());
    }
    for file in &facts.strange_files {
        found.push(format!("files: left is {file}"));
    }
    for run in &facts.registered {
        found.push(format!("files: run {run} is still registered"));
    }
}

fn are_whole_metrics(text: &str) -> bool {
    let is_sample = |line: &str| line.rsplit(' ').next().is_some_and(|value| value.parse::<f64>().is_ok());
    text.ends_with('\n') && text.lines().all(|line| line.is_empty() || line.starts_with('#') || is_sample(line))
}

/// Whether a failed call has made the library panic that has no other way to say that it got no thread.
fn is_of_appender(facts: &Facts) -> bool {
    facts.said.contains(APPENDER) && matches!(facts.deed, Some(Deed::Fail(_)))
}

fn messages(facts: &Facts, run: Option<&str>, found: &mut Vec<String>) {
    if facts.said.matches("panicked").count() > usize::from(is_of_appender(facts)) {
        let what = facts.said.lines().skip_while(|line| !line.contains("panicked")).take(2).collect::<Vec<_>>();
        found.push(format!("panic: {}", what.join(" ")));
    }
    let status = run.and_then(|run| summary_of(facts, run)).and_then(|it| Some(it["status"].as_str()?.to_owned()));
    let is_alive = facts.hung.is_empty() && facts.code != 137;
    let trouble = status.is_some_and(|status| status != "success") || is_alive && facts.code != 0 || facts.on_journal;
    let is_said = facts.said.lines().any(|line| MARKS.iter().any(|mark| line.contains(mark)));
    if trouble && !is_said && !facts.on_console && !is_of_appender(facts) {
        found.push("message: something went wrong, and no line says so".to_owned());
    }
}

#[cfg(test)]
mod tests;
