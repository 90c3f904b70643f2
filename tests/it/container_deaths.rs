//! Processes of a container that are killed, one at a time: no due run is lost, and nothing runs twice.

use crate::containers::{Container, Plan, image};
use std::collections::BTreeMap;

/// Where hooks note what they have seen.
const NOTES: &str = "/var/log/notes";

/// A container with a backup each minute that takes some seconds, and hooks that note each run.
fn each_minute(image: String) -> Container {
    let container = Plan::new(image)
        .set("BACKUP_CRON", "* * * * *")
        .hook("pre-backup.sh", &format!("echo $RUN_ID pre >> {NOTES}\nsleep 8"))
        .hook("post-backup.sh", &format!("echo $RUN_ID post >> {NOTES}"))
        .start(&[]);
    container.wait_until_ready();
    container
}

/// What was noted, by the minute of the run: `20261120T1507`.
fn noted(container: &Container) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in container.file(NOTES).lines() {
        found.entry(line.get(..13).unwrap_or_default().to_owned()).or_default().push(line.to_owned());
    }
    found
}

/// Keeper and worker of the running backup: the worker is the keeper's child.
fn keeper_and_worker(container: &Container) -> (i32, i32) {
    container.wait_for("a running backup", || {
        let processes = container.processes();
        let backups: Vec<_> = processes.iter().filter(|(.., words)| words.starts_with("/bin/backup")).collect();
        let worker = backups.iter().find(|(_, parent, ..)| backups.iter().any(|(pid, ..)| pid == parent))?;
        // The hook has begun: from now on something is owed.
        processes.iter().any(|(.., words)| words.starts_with("sleep 8")).then_some((worker.1, worker.0))
    })
}

/// Waits until two runs have noted their end, the one that was disturbed and the next; each minute has one run, each run
/// one pre and one post hook, and no minute between is left out.
#[track_caller]
fn assert_nothing_is_lost_or_doubled(container: &Container) {
    let minutes = container.wait_for("two runs", || {
        let minutes = noted(container);
        let ended = minutes.values().flatten().filter(|note| note.ends_with(" post")).count();
        (ended >= 2).then_some(minutes)
    });
    for (minute, notes) in &minutes {
        let ids: Vec<&str> = notes.iter().filter_map(|note| note.split(' ').next()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "{minute}: {notes:?}\n{}", container.logs());
        let kinds: Vec<&str> = notes.iter().filter_map(|note| note.split(' ').nth(1)).collect();
        assert_eq!(kinds, ["pre", "post"], "{minute}: {notes:?}\n{}", container.logs());
    }
    let numbers: Vec<i64> = minutes
        .keys()
        .map(|minute| {
            let time = chrono::NaiveDateTime::parse_from_str(&format!("{minute}00"), "%Y%m%dT%H%M%S");
            time.expect("is a time").and_utc().timestamp() / 60
        })
        .collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{minutes:?}\n{}", container.logs());
    container.exec(&["boathook", "alive"]).ends_with(0);
    assert_eq!(container.stop(20).1, 0, "{}", container.logs());
    assert_eq!(container.names_in("/mnt/restic/locks"), [""; 0]);
}

#[test]
fn a_killed_worker_costs_its_own_run_alone() {
    let Some(image) = image() else { return };
    let container = each_minute(image);
    let (_, worker) = keeper_and_worker(&container);
    container.signal(worker, "KILL");
    assert_nothing_is_lost_or_doubled(&container);
}

#[test]
fn a_killed_keeper_costs_nothing() {
    let Some(image) = image() else { return };
    let container = each_minute(image);
    let (keeper, _) = keeper_and_worker(&container);
    container.signal(keeper, "KILL");
    assert_nothing_is_lost_or_doubled(&container);
}

#[test]
fn a_killed_scheduler_comes_back_while_its_runs_go_on() {
    let Some(image) = image() else { return };
    let container = each_minute(image);
    keeper_and_worker(&container);
    let scheduler = |container: &Container| {
        let processes = container.processes();
        processes.into_iter().find(|(.., words)| words.contains("scheduler-process")).map(|(pid, ..)| pid)
    };
    let killed = container.wait_for("the scheduler", || scheduler(&container));
    container.signal(killed, "KILL");
    container.wait_for("another scheduler", || scheduler(&container).filter(|pid| *pid != killed));
    assert_nothing_is_lost_or_doubled(&container);
    // It came back without the ceremony of a start.
    assert_eq!(container.logs().matches("🚀 Starting container").count(), 1);
}
