//! The verdict on one job: pure, from what is known of it and the time.
//!
//! A job is stale once the time has passed at which its next success should have been there: the next scheduled time
//! after the last success, and how long a run takes, and some grace. A run that is going on is no reason to worry,
//! unless it takes far longer than usual.

use super::going::Going;
use super::last::{Last, Summary, in_two};
use super::mend;
use super::words::{duration, moment, span};
use super::{Clock, Finding, Job, Plan};
use crate::doctor::Severity;
use chrono::{DateTime, TimeDelta, Utc};
use std::fmt::Write as _;
use std::time::Duration;

/// How late a run may be beyond what is known of it: a busy machine, a slow start.
pub(super) const GRACE: TimeDelta = TimeDelta::minutes(10);
/// From how many times its usual duration on a run is said to hang.
const HANGS_AT: u32 = 3;
/// The same where no duration is known: a first backup may well take a night.
const LONGEST_FIRST: TimeDelta = TimeDelta::hours(24);
/// How far the clocks of two hosts may differ before a time counts as one in the future.
const SKEW: TimeDelta = TimeDelta::minutes(1);

/// How a job stands, in the words that programs know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Disabled,
    Missing,
    Fail,
    Stale,
    Ok,
}

impl State {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Missing => "missing",
            Self::Fail => "fail",
            Self::Stale => "stale",
            Self::Ok => "ok",
        }
    }
}

/// What is thought of a job.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Verdict {
    pub(super) state: State,
    pub(super) detail: String,
    /// When the next success after the last one, or the first one of all, was or is due to begin.
    pub(super) expected: Option<DateTime<Utc>>,
    /// From when on it is missed.
    pub(super) deadline: Option<DateTime<Utc>>,
    /// The next scheduled time from now on.
    pub(super) next: Option<DateTime<Utc>>,
    pub(super) findings: Vec<Finding>,
}

/// Judges a job. Writing to a string does not fail.
pub(super) fn judge(job: &Job, clock: &Clock) -> Verdict {
    let mut verdict = Verdict {
        state: State::Disabled,
        detail: "disabled".to_owned(),
        expected: None,
        deadline: None,
        next: clock.after(job, clock.now),
        findings: Vec::new(),
    };
    if matches!(job.plan, Plan::Off) {
        return verdict;
    }
    let hangs = job.going.as_ref().and_then(|going| hanging(job, going, clock));
    match &job.last.summary {
        None => never_ran(job, clock, &mut verdict),
        Some(Err(why)) => {
            verdict.state = State::Missing;
            verdict.detail = format!("last-{}.json {}", job.name, in_two(why).0);
            verdict.findings.push(unreadable(job.name, &job.last, why));
        }
        Some(Ok(summary)) => of_summary(job, summary, clock, hangs.is_none(), &mut verdict),
    }
    if let Some(going) = &job.going {
        let _ = write!(verdict.detail, "; {}", since(going, clock));
    }
    verdict.findings.extend(hangs);
    verdict
}

/// A summary that is none: how the run ended is not known.
pub(super) fn unreadable(job: &'static str, last: &Last, why: &str) -> Finding {
    let (what, more) = in_two(why);
    let separator = if more.is_empty() { "" } else { "; " };
    Finding {
        level: Severity::Warn,
        job,
        what: format!("{} {what}", last.path.display()),
        reason: format!("{more}{separator}how the last run ended is not known"),
        mend: format!("see that there is room in that folder, then run `boathook {job}` again"),
    }
}

/// A job that has left no summary: has its first time come yet?
fn never_ran(job: &Job, clock: &Clock, verdict: &mut Verdict) {
    verdict.state = State::Missing;
    verdict.detail = format!("enabled but {} is missing or empty", job.last.path.display());
    let at_start = matches!(&job.plan, Plan::Times(entry) if entry.expression.at_reboot());
    // A crontab is written at the start: before its first time nothing can be there.
    verdict.expected = clock.loaded.and_then(|loaded| if at_start { Some(loaded) } else { clock.after(job, loaded) });
    verdict.deadline = verdict.expected.and_then(|expected| expected.checked_add_signed(clock.slack()));
    let path = job.last.path.display();
    match (&job.going, verdict.deadline) {
        (Some(_), _) => "no run has ended yet".clone_into(&mut verdict.detail),
        (None, Some(deadline)) if clock.now <= deadline => {
            let first = verdict.expected.map(|expected| moment(expected, clock)).unwrap_or_default();
            verdict.detail = format!("waiting for the first run at {first}");
        }
        // What is wrong with the schedule is told of already.
        (None, None) if clock.loaded.is_some() || matches!(job.plan, Plan::Unreadable) => {}
        (None, _) => {
            let reason = match verdict.expected {
                Some(expected) => format!("the first run was due at {}", moment(expected, clock)),
                None => "no schedule is in force here, and no run has ended yet".to_owned(),
            };
            verdict.findings.push(job.warn(
                format!("enabled but {path} is missing or empty"),
                format!("{reason} ({})", job.schedule()),
                format!("look at {}, then run `boathook doctor`", clock.cron_log.display()),
            ));
        }
    }
}

fn of_summary(job: &Job, summary: &Summary, clock: &Clock, calm: bool, verdict: &mut Verdict) {
    let age = summary.finished.filter(|time| *time <= clock.now + SKEW);
    let age = age.map_or("unknown".to_owned(), |time| span(clock.now - time));
    verdict.state = State::Ok;
    verdict.detail = format!("last exit {}, age {age}", summary.exit_code);
    verdict.findings.extend(in_the_future(job, &job.last, summary, clock));
    let success = summary.last_success;
    if success.is_none_or(|time| time <= clock.now + SKEW) {
        // What never succeeded was due with the first time of its schedule, as far as that is known: a restart, which
        // loads the schedule anew, is no reason to begin again.
        let finished = summary.finished.filter(|time| *time <= clock.now + SKEW);
        let base = success.or_else(|| clock.loaded.into_iter().chain(finished).min());
        verdict.expected = base.and_then(|base| clock.after(job, base));
        let takes = TimeDelta::from_std(summary.usual.unwrap_or_default()).unwrap_or_default();
        verdict.deadline =
            verdict.expected.and_then(|at| at.checked_add_signed(takes)?.checked_add_signed(clock.slack()));
    }
    if summary.exit_code != 0 || matches!(summary.status.as_str(), "failure" | "interrupted") {
        verdict.state = State::Fail;
        verdict.findings.push(failed(job, summary, clock));
        return;
    }
    let is_going = job.going.is_some() && calm;
    if let Some((expected, deadline)) = verdict.expected.zip(verdict.deadline)
        && clock.now > deadline
        && !is_going
    {
        verdict.state = State::Stale;
        let since = success.map_or("never".to_owned(), |time| span(clock.now - time));
        let within = success.map_or(String::new(), |time| format!("; expected < {}", span(deadline - time)));
        verdict.detail = format!("last successful run age {since}{within}");
        verdict.findings.push(stale(job, summary, expected, clock));
    }
    if summary.status == "skipped" && verdict.state == State::Ok {
        verdict.detail.push_str(", skipped");
    }
    verdict.findings.extend(around(job, summary));
}

/// A run that takes far longer than usual.
fn hanging(job: &Job, going: &Going, clock: &Clock) -> Option<Finding> {
    let took = clock.now - going.since?;
    let usual: Option<Duration> = match &job.last.summary {
        Some(Ok(summary)) => summary.usual,
        _ => None,
    };
    let limit =
        usual.and_then(|usual| TimeDelta::from_std(usual.saturating_mul(HANGS_AT)).ok()).unwrap_or(LONGEST_FIRST);
    if took <= limit + GRACE + clock.lock_wait {
        return None;
    }
    let usual = match usual {
        Some(usual) => format!("the last good one took {}", duration(usual)),
        None => "no good run has left a duration to compare with".to_owned(),
    };
    Some(job.warn(
        format!("{} and may hang", since(going, clock)),
        usual,
        format!("look at {}; to end it: kill {}", job.log.display(), going.pid),
    ))
}

fn since(going: &Going, clock: &Clock) -> String {
    match going.since {
        Some(since) => format!("running since {} ({})", moment(since, clock), span(clock.now - since)),
        None => "running".to_owned(),
    }
}

fn in_the_future(job: &Job, last: &Last, summary: &Summary, clock: &Clock) -> Option<Finding> {
    let first = if summary.finished_at.is_empty() { "the time of the file" } else { "finished_at" };
    let times = [(first, summary.finished), ("last_success_at", summary.last_success)];
    let (key, time) = times.into_iter().find_map(|(key, time)| Some((key, time.filter(|t| *t > clock.now + SKEW)?)))?;
    Some(job.warn(
        format!("{key} in {} lies in the future ({})", last.path.display(), moment(time, clock)),
        "the clock was wrong then, or is wrong now; until that time nobody can say whether a run is missing",
        "set the host's clock, then let the job run once",
    ))
}

fn failed(job: &Job, summary: &Summary, clock: &Clock) -> Finding {
    let success = match summary.last_success {
        Some(time) => format!("last success {}", moment(time, clock)),
        None => "no success is known".to_owned(),
    };
    let why = mend::reason(job.name, summary);
    let separator = if why.is_empty() { "" } else { "; " };
    let reason = format!("{why}{separator}{success}");
    Finding {
        level: Severity::Fail,
        job: job.name,
        what: format!("last run failed with exit {} ({})", summary.exit_code, job.last.path.display()),
        reason,
        mend: mend::of_exit(job.name, summary.exit_code, &job.error_log),
    }
}

fn stale(job: &Job, summary: &Summary, expected: DateTime<Utc>, clock: &Clock) -> Finding {
    let (age, success) = match summary.last_success {
        Some(time) => (span(clock.now - time), format!("no success since {}", moment(time, clock))),
        None => ("never".to_owned(), "its work was never done".to_owned()),
    };
    let mut reason = format!("{success}; expected at {} ({})", moment(expected, clock), job.schedule());
    let mut look = format!("look at {}, then run `boathook doctor`", clock.cron_log.display());
    if summary.status == "skipped" {
        let _ = write!(reason, "; the last run was skipped: {}", summary.reason);
        look = format!("look at {} for what called it off", job.log.display());
    } else if let Some(loaded) = clock.loaded.filter(|loaded| *loaded > expected) {
        let _ = write!(reason, "; the schedule was loaded at {}", moment(loaded, clock));
        if let Some(next) = clock.after(job, clock.now) {
            look = format!("wait for the run at {}, or run `boathook {}` now", moment(next, clock), job.name);
        }
    }
    job.warn(format!("last successful run looks stale ({age}, cron '{}')", job.cron), reason, look)
}

/// What went wrong around work that was done.
fn around(job: &Job, summary: &Summary) -> Vec<Finding> {
    if summary.status != "warning" {
        return Vec::new();
    }
    let look = format!("look at {}, then run `boathook hooks check`", job.log.display());
    let hooks = summary.failed_hooks.iter().map(|(name, why)| {
        let what = format!("hook {name} failed in the last run");
        job.warn(what, if why.is_empty() { "the run says no more" } else { why }, look.clone())
    });
    let mut findings: Vec<Finding> = hooks.collect();
    if findings.is_empty() {
        let look = format!("look at {}, then run `boathook doctor`", job.log.display());
        findings.push(job.warn("last run ended with a warning", summary.reason.clone(), look));
    }
    findings
}
