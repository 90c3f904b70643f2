//! One hook with all its attempts.
//!
//! Whoever calls may see to the further attempts itself: undos are tried again only after each of them has had its first.

use super::claims::Claims;
use super::ledger::Pen;
use super::occasion::Occasion;
use super::outcome::said;
use super::reports::record_of;
use super::state::Record;
use super::{budget, leftovers};
use crate::hooks::template::SecretValues;
use crate::hooks::{Hook, HookEnd, HookStatus, OutputFiles, Phase, Runner};
use crate::masking::say;
use crate::process::{Alarm, Request, Stop, Supervisor};
use crate::report::{Attempt, HookRecord};
use crate::settings::Settings;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The longest wait before a further attempt; a longer `retryDelay` is kept as it is and does not double.
const LONGEST_DELAY: Duration = Duration::from_secs(5 * 60);
/// A wait is longer or shorter by at most this part of it, so that what failed together is not tried again together.
const JITTER: f64 = 0.2;

/// What a hook is carried out with.
pub(super) struct Means<'a> {
    pub settings: &'a Settings,
    pub stop: &'a Stop,
    /// Where `HOOK_OUTPUT` lies; `None` for none.
    pub folder: Option<&'a OutputFiles>,
    pub secret_values: &'a SecretValues,
    /// Notes each attempt's beginning, and its end if another follows.
    pub pen: &'a Pen,
    /// The hook's place in the plan.
    pub place: usize,
    /// Has whoever adopted it end what a dead supervisor left.
    pub end_orphans: &'a dyn Fn(Duration),
    /// When notifications are due, whatever the hook does.
    pub alarm_at: Option<Instant>,
    /// Sends them.
    pub ring: &'a mut dyn FnMut(),
    /// No further attempt begins after this: the hook's effect is to be taken back then.
    pub until: Option<Instant>,
    /// The hook has an undo, which never starts while something of the hook lives.
    pub has_undo: bool,
    /// One attempt only: who calls sees to further ones.
    pub is_single: bool,
    /// The word of the hook's undo: no attempt starts once somebody undoes it, and nobody undoes it while one runs.
    pub turn: Option<(&'a Claims, usize)>,
    /// Those that may still drain what hooks left running.
    pub supervisors: Vec<Supervisor>,
}

/// What came of a hook's attempts so far.
#[derive(Default)]
pub(super) struct Progress {
    /// How often it was really started.
    pub started: u32,
    /// Each attempt that has ended, in order.
    pub tries: Vec<Attempt>,
    /// What they handed on, for its own undo.
    for_undo: BTreeMap<String, String>,
    /// The end of the last one, and when the next is due. `None` if the next is the first of this process.
    failed: Option<(HookEnd, Instant)>,
}

impl Progress {
    /// As a predecessor left it: the attempt that it died in is done again.
    pub fn left(record: &HookRecord) -> Self {
        let started = record.attempts.min(record.tries.len() as u32);
        Self { started, tries: record.tries.clone(), ..Self::default() }
    }
}

/// What came of a hook.
pub(super) enum Came {
    /// Nothing more is to be tried.
    Ended(Carried),
    /// It failed, and is to be tried again.
    Again(Progress),
}

/// What came of a hook in the end.
pub(super) struct Carried {
    /// The end of its last attempt.
    pub end: HookEnd,
    /// How often it was really started.
    pub started: u32,
    /// Each attempt, in order.
    pub tries: Vec<Attempt>,
    /// What all its attempts handed on, for its own undo.
    pub for_undo: Vec<(String, String)>,
}

impl Carried {
    /// Writes down what came of it.
    pub fn note_in(&self, record: &mut HookRecord) {
        note_end(record, &self.end, self.started, &self.tries);
        if self.tries.len() < 2 {
            record.tries.clear();
        }
    }
}

/// Says what an undo that failed for good has left: the effect of the hook of this name.
pub(super) fn say_what_is_left(of: &str, record: &HookRecord) {
    if matches!(record.status.as_str(), "failed" | "timed_out") {
        say::error(format!("❌ the effect of '{of}' may still be there: {}", said(record)));
    }
}

/// Writes down how the last attempt ended, and which there were.
fn note_end(record: &mut HookRecord, end: &HookEnd, started: u32, tries: &[Attempt]) {
    end.status.word().clone_into(&mut record.status);
    if end.called_off.is_some() {
        "completed".clone_into(&mut record.status);
    }
    record.exit_code = Some(end.exit_code);
    record.signal = end.signal;
    record.timed_out = record.status == "timed_out";
    record.duration_ms = end.duration.as_millis() as u64;
    end.called_off.as_ref().unwrap_or(&end.reason).clone_into(&mut record.reason);
    end.output_tail.clone_into(&mut record.output_tail);
    record.attempts = started;
    record.tries = tries.to_vec();
}

/// Runs `hook` until it ends well, or nothing more is to be tried; or once, after `progress`.
pub(super) fn carry_out(hook: &Hook, occasion: &Occasion, means: &mut Means<'_>, progress: Progress) -> Came {
    let settings = means.settings;
    let stop_after = settings.limits.stop;
    let mut runner = Runner {
        environment: &settings.environment,
        secrets: settings.secrets.clone(),
        stop: means.stop,
        outputs: means.folder,
        secret_values: means.secret_values,
        supervisors: std::mem::take(&mut means.supervisors),
    };
    let mut alarm_at = means.alarm_at;
    let Progress { mut started, mut tries, mut for_undo, mut failed } = progress;
    let (pen, place) = (means.pen, means.place);
    let note = |record: HookRecord| pen.note(Record::Hook(place, Box::new(record)));
    let note_ahead = |record: HookRecord| pen.note_ahead(Record::Hook(place, Box::new(record)));
    let mut is_first = true;
    let end = loop {
        if let Some((end, at)) = failed.take() {
            if !is_first && means.is_single {
                means.supervisors = std::mem::take(&mut runner.supervisors);
                return Came::Again(Progress { started, tries, for_undo, failed: Some((end, at)) });
            }
            while Instant::now() < at && !is_over(hook, stop_after, means.stop, at) {
                let next = alarm_at.map_or(at, |alarm| alarm.min(at));
                wait_for(means.stop, next);
                if alarm_at.is_some_and(|alarm| Instant::now() >= alarm) {
                    alarm_at = None;
                    (means.ring)();
                }
            }
            if is_over(hook, stop_after, means.stop, at) {
                say_over(hook);
                break end;
            }
        }
        is_first = false;
        let attempt = tries.len() as u32 + 1;
        if !means.turn.is_none_or(|(claims, undo)| claims.hook_begins(undo)) {
            break HookEnd::could_not_run("its undo has begun: its hold limit has passed", Duration::ZERO);
        }
        note_ahead(HookRecord { attempts: attempt, tries: tries.clone(), ..record_of(hook, "running") });
        if means.has_undo {
            // From here on a file system may be frozen.
            pen.hold(true);
        }
        let told = occasion.told(settings, attempt);
        let data = occasion.data(settings, hook, &told);
        let began = Instant::now();
        let rule = |request: &Request| match hook.phase {
            Phase::Pre => budget::pre_hook(stop_after, hook.kill_after, request),
            Phase::Undo => budget::undo(stop_after, began, request),
            Phase::Post => budget::post_hook(stop_after, request),
        };
        let mut has_rung = false;
        let mut once = || {
            has_rung = true;
            (means.ring)();
        };
        let alarm = alarm_at.map(|at| Alarm { at, ring: &mut once });
        let known: Vec<Pid> = runner.supervisors.iter().map(Supervisor::pid).collect();
        let mut end = runner.run(hook, &told, &data, &rule, alarm);
        if has_rung {
            alarm_at = None;
        }
        if end.supervisor_died {
            (means.end_orphans)(hook.kill_after);
            // Without a keeper it may have come to somebody above us.
            leftovers::end_told(&occasion.run_id, &hook.name, hook.kill_after);
            // It may have gone on until now, and what it has made is to be undone.
            if let Some(outputs) = means.folder {
                end.values_for_undo = outputs.handed_on(hook, occasion.index, attempt, &settings.secrets);
            }
        } else if means.has_undo && end.status == HookStatus::Failed {
            for supervisor in runner.supervisors.iter().map(Supervisor::pid).filter(|pid| !known.contains(pid)) {
                leftovers::end_below(supervisor, &hook.name, hook.kill_after);
            }
        }
        started += u32::from(end.started);
        if means.has_undo && !end.values_for_undo.is_empty() {
            for_undo.extend(end.values_for_undo.iter().cloned());
            // Before anything is noted of its end: a worker may die at any moment.
            means.pen.note_ahead(Record::UndoValues(means.place, for_undo.clone().into_iter().collect()));
        }
        if let Some((claims, undo)) = means.turn {
            claims.hook_has_ended(undo);
        }
        tries.push(Attempt {
            exit_code: end.exit_code,
            duration_ms: end.duration.as_millis() as u64,
            reason: end.called_off.clone().unwrap_or_else(|| end.reason.clone()),
        });
        // What could not be started will not be at the next attempt either; but of an undo nothing is left untried.
        let may_help = end.started || hook.phase == Phase::Undo;
        let is_worth_it = end.status != HookStatus::Completed && may_help && !end.stopped;
        if !is_worth_it || attempt > hook.retries {
            break end;
        }
        let wait = delay(hook.retry_delay, attempt, random());
        let at = Instant::now() + wait;
        if is_over(hook, stop_after, means.stop, at) {
            say_over(hook);
            break end;
        }
        if means.until.is_some_and(|until| at >= until) {
            say::warn(format!("🔁 Hook {}: no further attempt: its hold limit passes first", hook.name));
            break end;
        }
        let mut record = record_of(hook, "running");
        note_end(&mut record, &end, started, &tries);
        "running".clone_into(&mut record.status);
        note(record);
        say::warn(format!(
            "🔁 Hook {}: attempt {attempt} of {} failed; the next {}in {:.1}s",
            hook.name,
            u64::from(hook.retries) + 1,
            if means.is_single { "at the earliest " } else { "" },
            wait.as_secs_f64()
        ));
        failed = Some((end, at));
    };
    means.supervisors = std::mem::take(&mut runner.supervisors);
    Came::Ended(Carried { end, started, tries, for_undo: for_undo.into_iter().collect() })
}

/// Whether a stop leaves no further attempt at that time: none of a hook, and of an undo none that the budget has no time for.
fn is_over(hook: &Hook, stop_after: Duration, stop: &Stop, at: Instant) -> bool {
    let at = at.max(Instant::now());
    stop.request().is_some_and(|request| hook.phase != Phase::Undo || budget::post_hook(stop_after, &request).0 <= at)
}

fn say_over(hook: &Hook) {
    if hook.phase == Phase::Undo {
        say::warn(format!("🔁 Hook {}: no further attempt: no time is left before the stop (STOP_TIMEOUT)", hook.name));
    }
}

/// Waits until then, or until somebody asks for a stop.
fn wait_for(stop: &Stop, at: Instant) {
    let time = at.saturating_duration_since(Instant::now()) + Duration::from_micros(999);
    let timeout = PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX);
    let mut fds = [PollFd::new(stop.wake(), PollFlags::POLLIN)];
    if poll(&mut fds, timeout).is_ok_and(|count| count > 0) {
        stop.heard();
    }
}

/// How long is waited after attempt number `attempt`: `first`, doubled for each further attempt up to 5 minutes, and a
/// fifth more or less by `random` (from 0 to 1).
fn delay(first: Duration, attempt: u32, random: f64) -> Duration {
    let doubled = first.saturating_mul(1_u32.checked_shl(attempt - 1).unwrap_or(u32::MAX));
    doubled.min(LONGEST_DELAY.max(first)).mul_f64(1.0 - JITTER + 2.0 * JITTER * random)
}

/// A number from 0 to 1.
fn random() -> f64 {
    let mut bytes = [0_u8; 4];
    // SAFETY: writes at most the four bytes that it is given.
    let got = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), libc::GRND_NONBLOCK) };
    if got == 4 { f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX) } else { 0.5 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_its_bound_and_varies_by_a_fifth() {
        let first = Duration::from_secs(5);
        let waits: Vec<u64> = [1, 2, 3, 7, 40].map(|attempt| delay(first, attempt, 0.5).as_secs()).to_vec();
        assert_eq!(waits, [5, 10, 20, 300, 300]);
        assert_eq!((delay(first, 1, 0.0).as_secs(), delay(first, 1, 1.0).as_secs()), (4, 6));
        let long = Duration::from_secs(3600);
        assert_eq!(delay(long, 3, 0.5), long);
        assert_eq!(delay(Duration::ZERO, 3, 0.7), Duration::ZERO);
        assert!((0..100).map(|_| random()).all(|number| (0.0..=1.0).contains(&number)));
    }
}
