//! The proof is itself proved: each fault that can be put into the program is found.

use crate::points::{Deed, Seen};
use crate::runs::{Choice, torture};
use crate::scene::{Program, Scenario};
use std::path::{Path, PathBuf};
use std::process::Command;

type Takes = fn(&Seen, Deed) -> bool;

/// The fault, where it must be found, by doing what, and how what is found begins.
const TABLE: [(&str, Scenario, Takes, &[&str]); 8] = [
    ("no-sync", Scenario::Backup, by_power, &["undo", "post hooks", "recovery"]),
    ("no-rename", Scenario::Backup, in_reports, &["summary: not whole", "metrics: not whole"]),
    ("no-claim", Scenario::Hold, worker_killed, &["at the same time"]),
    ("undo-before-end", Scenario::Backup, worker_killed, &["undo: undo-freeze started while", "at the same time"]),
    ("lock-early", Scenario::Backup, nothing, &["lock: nobody held"]),
    ("post-forgotten", Scenario::Backup, worker_killed, &["post hooks"]),
    ("settled-early", Scenario::Backup, all_killed, &["undo", "post hooks"]),
    ("read-while-alive", Scenario::Inner, nothing, &["undo", "at the same time", "recovery", "post hooks"]),
];

fn is_main(seen: &Seen) -> bool {
    seen.place.role == "worker" && seen.place.thread == 0
}

fn by_power(seen: &Seen, deed: Deed) -> bool {
    is_main(seen) && deed == Deed::Power
}

fn in_reports(seen: &Seen, deed: Deed) -> bool {
    let of_a_report = seen.met.path.contains("/log/") || seen.met.path.contains("/metrics/");
    // Reports are written by a thread of their own.
    seen.place.role == "worker" && of_a_report && matches!(deed, Deed::All | Deed::Power)
}

fn worker_killed(seen: &Seen, deed: Deed) -> bool {
    is_main(seen) && deed == Deed::Kill
}

fn all_killed(seen: &Seen, deed: Deed) -> bool {
    is_main(seen) && deed == Deed::All
}

fn nothing(_: &Seen, _: Deed) -> bool {
    false
}

/// The program with the faults in it, built in a folder of its own.
fn built() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = root.join("target/seeded");
    let status = Command::new(cargo)
        .args(["build", "--locked", "--quiet", "--features", "seeded-faults", "--bin", "boathook", "--target-dir"])
        .arg(&target)
        .current_dir(root)
        .status();
    assert!(status.is_ok_and(|status| status.success()), "the program with seeded faults cannot be built");
    target.join("debug/boathook")
}

#[test]
fn torture_finds_each_seeded_fault() {
    if crate::is_skipped(None) {
        return;
    }
    let path = built();
    let asked = std::env::var("TORTURE_FAULT").ok().filter(|fault| !fault.is_empty());
    let rows: Vec<_> = TABLE.iter().filter(|row| asked.as_deref().is_none_or(|fault| fault == row.0)).collect();
    assert!(!rows.is_empty(), "TORTURE_FAULT={}: there is no such fault", asked.unwrap_or_default());
    let mut missed = Vec::new();
    for (fault, scenario, takes, beginnings) in rows {
        let is_it = |what: &str| beginnings.iter().any(|beginning| what.starts_with(beginning));
        let choice = Choice::Until(takes, beginnings);
        match torture(*scenario, &Program { path: path.clone(), fault: Some(fault) }, &choice) {
            Ok(report) => match report.violations.iter().find(|(_, what)| is_it(what)) {
                Some((at, what)) => {
                    let runs: usize = report.runs.values().sum();
                    println!("{fault}: found after {runs} runs ({:.1} s): {at}: {what}", report.took.as_secs_f64());
                }
                None => missed.push(format!("{fault}: not found\n{}", report.tell(*scenario))),
            },
            // So wrong that even a calm run does not end well.
            Err(error) => println!("{fault}: found without a deed: {error}"),
        }
        if crate::is_full() {
            // The same runs without the fault: what was found is the fault's.
            let report =
                torture(*scenario, &Program { path: path.clone(), fault: None }, &choice).expect("can be played");
            if let Some((at, what)) = report.violations.iter().find(|(_, what)| is_it(what)) {
                missed.push(format!("{fault}: what finds it is found without it, too: {at}: {what}"));
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn the_table_of_seeded_faults_has_each_once() {
    let mut names: Vec<&str> = TABLE.iter().map(|row| row.0).collect();
    names.sort_unstable();
    let mut all: Vec<&str> = boathook::settings::seeded::Fault::ALL.iter().map(|fault| fault.word()).collect();
    all.sort_unstable();
    assert_eq!(names, all);
}
