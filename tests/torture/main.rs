//! Fault injection: see `docs/design/torture.md`.

mod calls;
mod checker;
mod disk;
mod evidence;
mod faults;
mod look;
mod names;
mod points;
mod registers;
mod report;
mod runs;
mod sandbox;
mod scene;
mod tracer;
mod tracer_tests;
mod watchdog;

use runs::{Choice, torture};
use scene::{Program, Scenario};
use std::process::Command;

/// Of how many points the short form tries one, beside those at which a state turns.
const SHORT: [(Scenario, u64); 4] =
    [(Scenario::Backup, 24), (Scenario::Hold, 60), (Scenario::Inner, 200), (Scenario::Recovery, 40)];

fn program() -> Program {
    Program { path: env!("CARGO_BIN_EXE_boathook").into(), fault: None }
}

/// Whether this is not asked for, or cannot be done here; then it says so.
fn is_skipped(scenario: Option<Scenario>) -> bool {
    let other = |only: &str| scenario.is_none_or(|scenario| !only.starts_with(&format!("{}/", scenario.word())));
    if std::env::var("TORTURE_ONLY").is_ok_and(|only| other(&only)) {
        return true;
    }
    if !registers::SUPPORTED {
        println!("skipped: torture (system calls can be changed on Linux on x86_64 and aarch64 only)");
        return true;
    }
    if Command::new("flock").args(["-n", "/", "true"]).status().is_err() {
        println!("skipped: torture (its hooks need flock(1), of util-linux)");
        return true;
    }
    false
}

/// Whether every point is tried.
fn is_full() -> bool {
    std::env::var("TORTURE").is_ok_and(|how| how == "full")
}

fn play(scenario: Scenario) {
    if is_skipped(Some(scenario)) {
        return;
    }
    let only = std::env::var("TORTURE_ONLY").ok();
    let short = SHORT.iter().find(|(other, _)| *other == scenario).map_or(50, |(_, count)| *count);
    let choice = match &only {
        Some(only) => Choice::Only(only),
        None if is_full() => match scenario {
            Scenario::Backup | Scenario::Recovery => Choice::All,
            Scenario::Hold => Choice::Programs,
            // Its question is asked in every run of it; a tenth is enough to ask it at different moments.
            Scenario::Inner => Choice::OneOf(10),
        },
        None => Choice::OneOf(short),
    };
    let report = torture(scenario, &program(), &choice).expect("can be played");
    println!("{}", report.tell(scenario));
    assert!(report.points > 100, "only {} points: the start of main is not found any more", report.points);
    assert!(report.violations.is_empty(), "{} violations", report.violations.len());
}

#[test]
fn torture_backup() {
    play(Scenario::Backup);
}

#[test]
fn torture_hold() {
    play(Scenario::Hold);
}

#[test]
fn torture_inner() {
    play(Scenario::Inner);
}

#[test]
fn torture_recovery() {
    play(Scenario::Recovery);
}
