//! What it costs to find the next of many times, beside libraries that do the same in Python.

use boathook::schedule::{Entry, Expression, Zone, missed};
use chrono::{DateTime, TimeDelta, Utc};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Made by `tests/install.sh bench`.
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/oracle/bin/python");
const ENTRIES: u64 = 1000;
const TIMES: usize = 41;
const ZONE: &str = "Europe/Amsterdam";

/// Reads expressions, a line each, and prints the median of the microseconds for the next time over all of them.
const SCRIPT: &str = "
import sys
from datetime import datetime
from time import perf_counter
from zoneinfo import ZoneInfo
from croniter import croniter
from cronsim import CronSim
expressions = sys.stdin.read().splitlines()
now = datetime.fromtimestamp(int(sys.argv[2]), ZoneInfo(sys.argv[3]))
runs = []
for _ in range(5):
    if sys.argv[1] == 'croniter':
        asked = [croniter(expression, now).get_next for expression in expressions]
    else:
        asked = [CronSim(expression, now).__next__ for expression in expressions]
    started = perf_counter()
    min(ask() for ask in asked)
    runs.append(perf_counter() - started)
print(sorted(runs)[2] * 1e6)
";

/// Prints how long the next due time over 1,000 entries takes, and the last missed one of a year of minutes.
pub fn report() {
    println!("\nthe schedule: next due of {ENTRIES} entries in {ZONE} (median; expressions are parsed before)");
    let now: DateTime<Utc> = "2026-11-21T10:17:23Z".parse().expect("is a time");
    let zone = Zone::named(ZONE).expect("is a zone");
    let expressions: Vec<String> = (0..ENTRIES).map(expression).collect();
    let entries: Vec<Entry> = expressions
        .iter()
        .map(|text| Entry {
            job: "backup",
            expression: Expression::parse(text).expect("can be read"),
            shift: Duration::from_secs(7),
        })
        .collect();
    let next = median(|| {
        let next = entries.iter().filter_map(|entry| entry.next_after(now, &zone)).min();
        assert!(next.is_some_and(|next| next > now));
    });
    line("boathook", next);
    for library in ["croniter", "cronsim"] {
        match ask(library, &expressions, now) {
            Some(taken) => line(library, taken),
            None => println!("  {library:32} skipped: not installed (tests/install.sh bench)"),
        }
    }
    let minutely = Entry { expression: Expression::parse("* * * * *").expect("can be read"), ..entries[0].clone() };
    let last = now - TimeDelta::days(365);
    line("the last missed minute of a year", median(|| assert!(missed(&minutely, last, now, &zone).is_some())));
    line("parsing one of them", median(|| assert!(Expression::parse(&expressions[0]).is_ok())));
}

/// What people write, spread over the week.
fn expression(index: u64) -> String {
    let (minute, hour) = (index * 7 % 60, index * 5 % 24);
    match index % 6 {
        0 => format!("{minute} {hour} * * *"),
        1 => format!("*/{} * * * *", 5 + index % 26),
        2 => format!("{minute} {hour} * * {}", index % 7),
        3 => format!("{minute} */{} * * *", 2 + index % 6),
        4 => format!("{minute} {hour} {} * *", 1 + index % 28),
        _ => format!("{minute} {hour} 1,15 */3 mon-fri"),
    }
}

fn median(run: impl Fn()) -> Duration {
    let mut times: Vec<Duration> = (0..TIMES)
        .map(|_| {
            let started = Instant::now();
            run();
            started.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[TIMES / 2]
}

fn line(name: &str, taken: Duration) {
    println!("  {name:32} {:9.1} µs", taken.as_secs_f64() * 1e6);
}

fn ask(library: &str, expressions: &[String], now: DateTime<Utc>) -> Option<Duration> {
    let mut child = Command::new(PYTHON)
        .args(["-c", SCRIPT, library, &now.timestamp().to_string(), ZONE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(expressions.join("\n").as_bytes()).ok()?;
    let output = child.wait_with_output().ok()?;
    let taken: f64 = String::from_utf8_lossy(&output.stdout).trim().parse().ok()?;
    Some(Duration::from_secs_f64(taken / 1e6))
}
