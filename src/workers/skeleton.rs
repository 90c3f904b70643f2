//! What backup, check, prune and forget have in common: the lines around the engine's own, how restic is run for
//! them, and what follows a failure (contract: workers, sections 1.5 and 8.2).

use crate::engine::{
    Bounds, Counters, Meaning, Outcome, Output, Progress, Restic, Tally, first_inherited, repository_locks, run_text,
};
use crate::exit;
use crate::masking::say;
use crate::process::Stop;
use crate::run::{WorkContext, Worked, engine_grace};
use crate::settings::{Mistake, Settings};
use chrono::Local;
use std::time::{Duration, Instant};

/// The lines around a work.
pub(super) struct Frame {
    title: &'static str,
    started: Instant,
}

impl Frame {
    /// Says that the work begins, with `header` for the log alone.
    pub(super) fn open(glyph: &str, title: &'static str, header: &[(&str, &str)]) -> Self {
        say::info(format!("{glyph} Starting {title} at {}", timestamp()));
        for (name, value) in header {
            // A value of several lines must not pass for several settings.
            say::log_only(format!("{name}: {}", value.trim_end().replace('\n', " ")));
        }
        Self { title, started: Instant::now() }
    }

    /// Says what came of the work's command.
    pub(super) fn verdict(&self, outcome: &Outcome) {
        verdict(self.title, outcome);
    }

    /// Says that the work is over, and how long it took.
    pub(super) fn close(&self) {
        let seconds = self.started.elapsed().as_secs();
        let name = self.title.to_lowercase();
        // Minutes are not folded into hours: a hook that reads them would have to know.
        say::info(format!("🏁 Finished {name} at {} after {}m {}s", timestamp(), seconds / 60, seconds % 60));
    }
}

/// Says that the engine is over, and that it did well or failed.
pub(super) fn verdict(title: &str, outcome: &Outcome) {
    finished(title);
    say_not_started(outcome);
    result(title, outcome.code());
}

/// Says why the engine could not be started, if it could not.
pub(super) fn say_not_started(outcome: &Outcome) {
    if outcome.meaning == Meaning::NotStarted {
        say::error(format!("❌ {}", outcome.message));
    }
}

/// Says that the work did well or failed.
pub(super) fn result(title: &str, code: i32) {
    if code == exit::SUCCESS {
        say::info(format!("✅ {title} Successful"));
    } else {
        say::error(format!("❌ {title} Failed with Status {code}"));
    }
}

/// Says, in the log alone, that an engine command is over.
pub(super) fn finished(title: &str) {
    say::log_only(finished_at_log(title));
}

/// The line of the log that says so.
pub(super) fn finished_at_log(title: &str) -> String {
    format!("Finished {} at {}", title.to_lowercase(), timestamp())
}

/// Local time as the lines have it: `2026-05-11 Mon 09:30:00`.
pub(super) fn timestamp() -> String {
    Local::now().format("%Y-%m-%d %a %H:%M:%S").to_string()
}

/// Says the mistakes that keep this work from being done, if there are any. Variables that a pre hook has handed on,
/// and those in `told`, whose mistake the worker has words of its own for, do not count.
pub(super) fn refuse(cx: &WorkContext<'_>, told: &[&str]) -> Option<Worked> {
    let counts = |mistake: &&Mistake| {
        mistake.stops(cx.job.name) && !cx.values.contains_key(mistake.variable) && !told.contains(&mistake.variable)
    };
    let mistakes: Vec<String> = cx.settings.mistakes.iter().filter(counts).map(ToString::to_string).collect();
    for mistake in &mistakes {
        say::error(format!("❌ {mistake}"));
    }
    (!mistakes.is_empty()).then(|| Worked::with_code(exit::USAGE, mistakes.join("; ")))
}

/// What bounds the engine in this run.
pub(super) fn bounds<'a>(cx: &WorkContext<'a>) -> Bounds<'a> {
    bounds_of(cx.settings, cx.stop)
}

/// What bounds the engine, also before a run.
pub(super) fn bounds_of<'a>(settings: &Settings, stop: &'a Stop) -> Bounds<'a> {
    Bounds { stop, budget: settings.limits.stop, grace: engine_grace, limit: None }
}

/// Runs a command that restic counts in text for: its lines go to the log, its counters drive the progress.
pub(super) fn run_counted<T: Tally>(
    cx: &WorkContext<'_>,
    mut restic: Restic,
    sub: &str,
    words: &[String],
    tally: &mut T,
) -> Outcome {
    let mut progress = Progress::new(sub, &cx.settings.log);
    progress.pace(&mut restic.environment);
    let mut counters = Counters::new();
    let outcome = run_text(&restic.spec(sub, words), &bounds(cx), &mut |output| match output {
        Output::Stdout(line) => {
            tally.hear(line);
            if let Some(counter) = counters.take(line, &mut |line| say::log_only(line)) {
                progress.counter(counter);
            }
        }
        Output::Stderr(line) => {
            tally.hear(line);
            say::log_only(line);
        }
        Output::Tick => progress.tick(),
    });
    counters.finish(&mut |line| say::log_only(line));
    outcome
}

/// What follows a failed command: `restic unlock`, where the operator wants it. What it prints goes to the console.
///
/// Never after an interruption: restic has taken its own lock away, or it was killed and somebody should look.
pub(super) fn unlock(cx: &WorkContext<'_>, restic: &Restic, outcome: &Outcome) {
    match outcome.meaning {
        Meaning::Ok | Meaning::NotStarted => {}
        _ if !cx.settings.repository.auto_unlock => {
            say::info(
                "ℹ️ Skipping automatic 'restic unlock' (RESTIC_AUTO_UNLOCK!=ON); if a stale lock is left, \
                 run 'unlock'.",
            );
        }
        Meaning::Interrupted => say::info("ℹ️ Skipping automatic 'restic unlock': the run was interrupted."),
        _ if cx.stop.request().is_some() => {
            say::info("ℹ️ Skipping automatic 'restic unlock': a stop was asked for.");
        }
        _ => {
            say::info("🔓 Unlocking repository (RESTIC_AUTO_UNLOCK=ON)...");
            if let Err(why) = may_unlock(cx, restic) {
                say::warn(format!("⚠️ 'restic unlock' is not run: {why}"));
                return;
            }
            run_text(&restic.spec("unlock", [""; 0]), &bounds(cx), &mut |output| {
                if let Output::Stdout(line) | Output::Stderr(line) = output {
                    say::console_only(line);
                }
            });
        }
    }
}

/// Whether `restic unlock` would signal nobody whom the locks have nothing to do with; if it would, why and what to do.
fn may_unlock(cx: &WorkContext<'_>, restic: &Restic) -> Result<(), String> {
    let locks = repository_locks(restic, &bounds(cx), &[])
        .map_err(|outcome| format!("the locks cannot be listed ({})", outcome.reason()))?;
    match first_inherited(&locks) {
        None => Ok(()),
        Some((lock, why)) => Err(format!(
            "it would send SIGHUP to a process that has nothing to do with lock {} ({why}); run 'unlock', which says what \
             to do",
            lock.short()
        )),
    }
}

/// Milliseconds, as reports have them.
pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
