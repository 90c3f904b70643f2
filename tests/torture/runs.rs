//! Plays a scenario once for every point, several at a time, and tells what came of it.

use crate::calls::{Failure, UNKNOWN};
use crate::checker::{Facts, check};
use crate::points::{Deed, Seen};
use crate::report::Report;
use crate::scene::{Program, Recovery, Scenario, Scene};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often a point that was not met is tried again: threads race.
const FURTHER_TRIES: u32 = 2;
/// What a process may take to end that a recovery has left.
const LEFT_PATIENCE: Duration = Duration::from_secs(5);

/// A run that takes longer is said, so that it can be looked at.
const SLOW: Duration = Duration::from_secs(5);

/// After so many runs that hung it is given up: each takes its time.
const MOST_HANGS: usize = 20;

/// Which points are tried.
pub enum Choice<'a> {
    All,
    /// Those at which a state turns (by kills), and of the others one of so many.
    OneOf(u64),
    /// This one, as a report names it, and everything about it is shown.
    Only(&'a str),
    /// Those of the processes that are programs: what happens between fork and exec is the same in each scenario.
    Programs,
    /// Those that this takes, until a violation begins so.
    Until(&'a (dyn Fn(&Seen, Deed) -> bool + Sync), &'a [&'a str]),
}

/// What came of one run.
struct Verdict {
    met: bool,
    violations: Vec<String>,
    shown: String,
}

/// One run: the deed, the recovery, the look at what is there then.
fn play(scene: &Scene, at: Option<(&Seen, Deed)>, record: Option<&mut Report>) -> io::Result<Verdict> {
    scene.reset()?;
    let before = scene.summary();
    let (trace, tried) = scene.play(at.map(|(seen, deed)| (&seen.place, deed)), record.is_some())?;
    if let Some(report) = record {
        report.seen.clone_from(&trace.seen);
        report.left_out = trace.not_counted.iter().map(|(what, count)| (what.clone(), *count)).collect();
    } else if at.is_some() && !trace.met && trace.hung.is_empty() {
        return Ok(Verdict { met: false, violations: Vec::new(), shown: String::new() });
    }
    if let Some(disk) = &trace.disk {
        disk.restore()?;
    }
    let after = (scene.summary(), scene.metrics());
    let mut said = tried + &scene.log();
    let dies = at.is_some_and(|(_, deed)| !matches!(deed, Deed::Fail(_)));
    let recovery = if scene.recovery == Recovery::Command || dies { scene.recover()? } else { <_>::default() };
    said = said + &recovery.output + &scene.log();
    let count = scene.evidence().len();
    let second = if scene.recovery == Recovery::Command {
        let ended = scene.recover()?;
        Some((ended, scene.evidence().split_off(count)))
    } else {
        None
    };
    let left = scene.left(LEFT_PATIENCE);
    if !left.is_empty() {
        scene.end_all();
    }
    let facts = Facts {
        scenario: scene.scenario,
        deed: at.map(|(_, deed)| deed),
        role: at.map(|(seen, _)| seen.place.role.clone()).unwrap_or_default(),
        on_console: trace.on_console,
        on_journal: at.is_some_and(|(seen, deed)| is_journal_lost(seen, deed)),
        code: trace.code(),
        hung: trace.hung,
        said,
        evidence: scene.evidence(),
        before,
        summary: [after.0, scene.summary()],
        metrics: [after.1, scene.metrics()],
        kind_of_recovery: scene.recovery,
        recovery,
        second,
        held_locks: scene.held_locks(),
        left,
        strange_files: scene.strange_files(),
        registered: scene.registered(),
    };
    let shown = show(&facts, &scene.tree());
    Ok(Verdict { met: true, violations: check(&facts), shown })
}

/// Whether a failure has cost a part of a journal, so that it must be said.
fn is_journal_lost(seen: &Seen, deed: Deed) -> bool {
    let writes = matches!(
        seen.place.call.as_str(),
        "write" | "writev" | "pwrite64" | "fsync" | "fdatasync" | "rename" | "mkdir"
    );
    let fails = matches!(deed, Deed::Fail(Failure::Error("EIO" | "ENOSPC" | "EROFS" | "EACCES", _)));
    writes && fails && seen.met.path.contains("/state/journal")
}

fn show(facts: &Facts, tree: &str) -> String {
    let evidence: String = facts.evidence.iter().fold(String::new(), |text, line| {
        let recovery = if line.recovery { " (recovery)" } else { "" };
        text + &format!("  {} {} {} {}{recovery}\n", line.what, line.name, line.run, line.pid)
    });
    let [first, last] = facts.summary.each_ref().map(|bytes| match bytes {
        Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        None => "none\n".to_owned(),
    });
    format!(
        "exit code {}\nevidence:\n{evidence}said:\n{}\nsummary after the deed:\n{first}summary in the end:\n{last}files: {tree}\n",
        facts.code, facts.said
    )
}

/// Plays a scenario as often as the choice wants it.
///
/// # Errors
/// When there is no sandbox, or nothing can be followed.
pub fn torture(scenario: Scenario, program: &Program, choice: &Choice<'_>) -> io::Result<Report> {
    let began = Instant::now();
    let mut report = Report::default();
    let scene = Scene::new(scenario, program)?;
    let calm = play(&scene, None, Some(&mut report))?;
    let name = |at: &str| format!("{}/{at}", scenario.word());
    report.violations.extend(calm.violations.into_iter().map(|what| (name("calm"), what)));
    if let Choice::Only(wanted) = choice
        && *wanted == name("calm")
    {
        println!("{}", calm.shown);
    }
    let mut points: Vec<(Seen, Deed)> = Vec::new();
    for seen in std::mem::take(&mut report.seen) {
        report.points += 1;
        if let Err(why) = seen.met.failures() {
            *report.left_out.entry((seen.place.call.clone(), why)).or_default() += 1;
            if why == UNKNOWN {
                report
                    .violations
                    .push((name(&seen.place.to_string()), format!("table: {} is not in it", seen.place.call)));
            }
        }
        points.extend(seen.deeds().into_iter().map(|deed| (seen.clone(), deed)));
        report.seen.push(seen);
    }
    let points = chosen(points, choice, scenario);
    let at_a_time = at_a_time().min(points.len().max(1));
    report.at_a_time = at_a_time;
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let shared = Mutex::new((&mut report, Ok(())));
    let lock = || shared.lock().unwrap_or_else(PoisonError::into_inner);
    let work = |scene: io::Result<Scene>| {
        let one = || {
            let scene = scene?;
            while !stop.load(Ordering::Relaxed)
                && let Some((seen, deed)) = points.get(next.fetch_add(1, Ordering::Relaxed))
            {
                let at = format!("{}:{}", name(&seen.place.to_string()), deed.word());
                let began = Instant::now();
                let mut verdict = play(&scene, Some((seen, *deed)), None)?;
                for _ in 0..FURTHER_TRIES {
                    if !verdict.met {
                        verdict = play(&scene, Some((seen, *deed)), None)?;
                    }
                }
                if began.elapsed() > SLOW {
                    println!("  slow: {at} took {:.1} s", began.elapsed().as_secs_f64());
                }
                let mut guard = lock();
                let report = &mut *guard.0;
                if verdict.met {
                    *report.runs.entry(deed.kind()).or_default() += 1;
                } else {
                    report.not_met.push(at.clone());
                }
                if matches!(choice, Choice::Only(_)) {
                    println!("{at} ({})\n{}", seen.met.path, verdict.shown);
                }
                if verdict.violations.iter().any(|what| what.starts_with("hangs")) {
                    report.hangs += 1;
                    if report.hangs >= MOST_HANGS {
                        println!("  {}: stopped, since {MOST_HANGS} runs have hung", scenario.word());
                        stop.store(true, Ordering::Relaxed);
                    }
                }
                if let Choice::Until(_, beginnings) = choice
                    && verdict
                        .violations
                        .iter()
                        .any(|one| beginnings.iter().any(|beginning| one.starts_with(beginning)))
                {
                    stop.store(true, Ordering::Relaxed);
                }
                if matches!(choice, Choice::All | Choice::Programs) {
                    // It takes long, and may be stopped before its end.
                    verdict.violations.iter().for_each(|what| println!("  {at}: {what}"));
                }
                report.violations.extend(verdict.violations.into_iter().map(|what| (at.clone(), what)));
                let runs: usize = report.runs.values().sum();
                if runs.is_multiple_of(500) && runs > 0 && matches!(choice, Choice::All | Choice::Programs) {
                    println!(
                        "  {}: {runs} of {} runs, {} violations",
                        scenario.word(),
                        points.len(),
                        report.violations.len()
                    );
                }
            }
            Ok(())
        };
        let result: io::Result<()> = one();
        if result.is_err() {
            stop.store(true, Ordering::Relaxed);
            lock().1 = result;
        }
    };
    std::thread::scope(|threads| {
        for _ in 1..at_a_time {
            threads.spawn(|| work(Scene::new(scenario, program)));
        }
        work(Ok(scene));
    });
    let failed = shared.into_inner().unwrap_or_else(PoisonError::into_inner).1;
    failed?;
    report.took = began.elapsed();
    Ok(report)
}

fn at_a_time() -> usize {
    let asked = std::env::var("TORTURE_JOBS").ok().and_then(|number| number.parse().ok());
    asked.unwrap_or_else(|| std::thread::available_parallelism().map_or(2, |cores| cores.get() + 1).clamp(2, 4))
}

fn chosen(points: Vec<(Seen, Deed)>, choice: &Choice<'_>, scenario: Scenario) -> Vec<(Seen, Deed)> {
    match choice {
        Choice::All => points,
        Choice::Programs => points.into_iter().filter(|(seen, _)| !seen.place.role.contains('>')).collect(),
        Choice::Only(wanted) => {
            let wanted =
                wanted.strip_prefix(scenario.word()).and_then(|rest| rest.strip_prefix('/')).unwrap_or_default();
            let name = |(seen, deed): &(Seen, Deed)| format!("{}:{}", seen.place, deed.word());
            let found = points.into_iter().find(|point| name(point) == wanted);
            found.or_else(|| Seen::parse(wanted)).into_iter().collect()
        }
        Choice::Until(takes, _) => points.into_iter().filter(|(seen, deed)| takes(seen, *deed)).collect(),
        Choice::OneOf(every) => {
            let (mut sure, others): (Vec<_>, Vec<_>) = points.into_iter().partition(|(seen, deed)| {
                let main = seen.place.role == "keeper" || seen.place.role == "worker";
                main && seen.met.is_turning_point() && matches!(deed, Deed::Kill | Deed::Power)
            });
            // By name, so that a recording with one call more gives the same choice.
            sure.extend(others.into_iter().filter(|(seen, deed)| {
                let name = format!("{}:{}", seen.place, deed.word());
                // FNV-1a, 64 bits.
                let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
                });
                (hash >> 7).is_multiple_of(*every)
            }));
            sure
        }
    }
}
