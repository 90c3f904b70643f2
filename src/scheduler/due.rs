//! What is due: pure, with the time passed in.
//!
//! A job is settled up to a time: the due time that was started last, or the moment from which it counts. What is due
//! follows from that and from the clock alone, so it does not matter whether the clock was set, the machine slept, or
//! the scheduler was dead meanwhile. The rules, with their reasons, are in `docs/design/scheduler.md`.

use crate::schedule::{Entry, Zone, missed};
use chrono::{DateTime, TimeDelta, Utc};

/// How late a job is still started as if nothing had been, and how far a clock that was put back is waited for: what
/// cron daemons take for a change of the clock on the wall rather than a correction.
pub(super) const TOLERANCE: TimeDelta = TimeDelta::hours(3);

/// How late a start is before it is worth a line.
pub(super) const WORTH_A_LINE: TimeDelta = TimeDelta::seconds(60);

/// Whether a run that was missed by more than [`TOLERANCE`] is made up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CatchUp {
    /// `CATCH_UP=ON`.
    On,
    /// It is skipped, with a line.
    Off,
}

/// What is to be done about a job now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Wait,
    /// Start it for this due time, however many there were.
    Run(DateTime<Utc>),
    /// It was due then, and that is too long ago.
    Skip(DateTime<Utc>),
    /// It is settled up to a time that the clock was far beyond by mistake: count from now.
    CountFromNow,
}

/// What is to be done about a job that is settled up to `settled`.
pub(super) fn verdict(
    entry: &Entry,
    settled: DateTime<Utc>,
    now: DateTime<Utc>,
    zone: Zone,
    catch_up: CatchUp,
) -> Verdict {
    if settled - now > TOLERANCE {
        return Verdict::CountFromNow;
    }
    match last_due(entry, settled, now, zone) {
        None => Verdict::Wait,
        Some(due) if now - due > TOLERANCE && catch_up == CatchUp::Off => Verdict::Skip(due),
        Some(due) => Verdict::Run(due),
    }
}

/// The last due time after `settled` and not after `now`.
///
/// Looked for in windows that grow backwards from now: a clock that was set from 1970 to today has not to be followed
/// minute by minute.
fn last_due(entry: &Entry, settled: DateTime<Utc>, now: DateTime<Utc>, zone: Zone) -> Option<DateTime<Utc>> {
    let windows = [TimeDelta::hours(3), TimeDelta::days(1), TimeDelta::days(32), TimeDelta::days(370)];
    for window in windows {
        let from = now - window;
        if from <= settled {
            break;
        }
        if let Some(due) = missed(entry, from, now, &zone) {
            return Some(due);
        }
    }
    // What is left is rarer than once a year, or a short time.
    missed(entry, settled, now, &zone)
}

/// The next time at which something may be due.
pub(super) fn next(entry: &Entry, settled: DateTime<Utc>, now: DateTime<Utc>, zone: Zone) -> Option<DateTime<Utc>> {
    entry.next_after(settled.max(now), &zone)
}

/// What became of a job's times after the death of a scheduler, or a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Times {
    /// They are the same.
    AsBefore,
    /// They are the same: the start of the container, which may still be owed.
    AtReboot,
    /// They are others, or there were none.
    Changed,
}

/// Up to when a job is settled that goes on with these times: new ones do not count before they were in force.
pub(super) fn carried_over(settled: Option<DateTime<Utc>>, times: Times, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match (settled, times) {
        (None, Times::AtReboot) => None,
        (Some(settled), Times::AsBefore | Times::AtReboot) => Some(settled),
        (Some(settled), Times::Changed) => Some(settled.max(now)),
        (None, Times::AsBefore | Times::Changed) => Some(now),
    }
}

/// Up to when a job is settled whose clock is at `now`, and was at `floor` before it was put back by far: once it has come
/// there again, what ran before that is not made up for. A floor that lies in a future that was none is never reached.
pub(super) fn raised(settled: DateTime<Utc>, floor: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    (floor <= now).then(|| settled.max(floor))
}

/// Whose turn it is among jobs that are due: by the time, then by the place in the crontab.
pub(super) fn turn(place: usize, due: DateTime<Utc>) -> (DateTime<Utc>, usize) {
    (due, place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Expression;
    use proptest::prelude::*;
    use std::time::Duration;

    fn entry(expression: &str) -> Entry {
        Entry { job: "backup", expression: Expression::parse(expression).expect("is one"), shift: Duration::ZERO }
    }

    fn utc() -> Zone {
        Zone::named("UTC").expect("is one")
    }

    fn at(text: &str) -> DateTime<Utc> {
        format!("{text}:00Z").parse().expect("is a time")
    }

    fn daily(settled: &str, now: &str, catch_up: CatchUp) -> Verdict {
        verdict(&entry("0 2 * * *"), at(settled), at(now), utc(), catch_up)
    }

    #[test]
    fn a_job_runs_at_its_time_and_once() {
        assert_eq!(daily("2026-11-20T02:00", "2026-11-21T01:59", CatchUp::Off), Verdict::Wait);
        let due = Verdict::Run(at("2026-11-21T02:00"));
        assert_eq!(daily("2026-11-20T02:00", "2026-11-21T02:00", CatchUp::Off), due);
        assert_eq!(daily("2026-11-21T02:00", "2026-11-21T02:00", CatchUp::Off), Verdict::Wait);
    }

    #[test]
    fn a_jump_forward_runs_once_what_it_passed() {
        let hourly = entry("0 * * * *");
        let verdict = verdict(&hourly, at("2026-11-01T00:00"), at("2026-11-21T09:30"), utc(), CatchUp::Off);
        assert_eq!(verdict, Verdict::Run(at("2026-11-21T09:00")));
    }

    #[test]
    fn what_is_later_than_the_tolerance_is_a_matter_of_catch_up() {
        let run = Verdict::Run(at("2026-11-21T02:00"));
        assert_eq!(daily("2026-11-20T02:00", "2026-11-21T05:00", CatchUp::Off), run);
        let skip = Verdict::Skip(at("2026-11-21T02:00"));
        assert_eq!(daily("2026-11-20T02:00", "2026-11-21T05:01", CatchUp::Off), skip);
        assert_eq!(daily("2026-11-20T02:00", "2026-11-21T05:01", CatchUp::On), run);
    }

    #[test]
    fn a_clock_that_is_put_back_a_little_runs_nothing_again() {
        assert_eq!(daily("2026-11-21T02:00", "2026-11-21T01:30", CatchUp::On), Verdict::Wait);
        assert_eq!(daily("2026-11-21T02:00", "2026-11-20T23:00", CatchUp::On), Verdict::Wait);
        let next = next(&entry("0 2 * * *"), at("2026-11-21T02:00"), at("2026-11-21T01:30"), utc());
        assert_eq!(next, Some(at("2026-11-22T02:00")));
    }

    #[test]
    fn a_clock_that_was_wrong_by_far_does_not_stop_the_schedule() {
        assert_eq!(daily("2031-01-01T02:00", "2026-11-21T01:30", CatchUp::Off), Verdict::CountFromNow);
    }

    #[test]
    fn a_clock_that_comes_from_1970_is_not_followed_minute_by_minute() {
        let now = at("2026-11-21T09:30");
        for (expression, due) in
            [("* * * * *", "2026-11-21T09:30"), ("0 2 1 1 *", "2026-01-01T02:00"), ("0 2 29 2 *", "2024-02-29T02:00")]
        {
            let begun = std::time::Instant::now();
            assert_eq!(last_due(&entry(expression), at("1970-01-01T00:00"), now, utc()), Some(at(due)));
            assert!(begun.elapsed() < Duration::from_secs(5), "{expression}");
        }
    }

    #[test]
    fn new_times_count_from_when_they_are_in_force_and_old_ones_go_on() {
        let (then, now) = (at("2026-11-21T02:00"), at("2026-11-21T09:30"));
        assert_eq!(carried_over(Some(then), Times::AsBefore, now), Some(then));
        assert_eq!(carried_over(Some(then), Times::Changed, now), Some(now));
        assert_eq!(carried_over(Some(now), Times::Changed, then), Some(now), "the clock was put back");
        assert_eq!(carried_over(None, Times::AtReboot, now), None, "it is still owed");
        assert_eq!(carried_over(None, Times::Changed, now), Some(now), "the container has started long ago");
    }

    #[test]
    fn a_clock_that_comes_up_late_and_is_set_forward_runs_nothing_again() {
        let (ran, boot, set) = (at("2026-11-21T02:00"), at("2026-11-20T20:00"), at("2026-11-21T02:30"));
        assert_eq!(daily("2026-11-21T02:00", "2026-11-20T20:00", CatchUp::On), Verdict::CountFromNow);
        assert_eq!(raised(boot, ran, boot), None, "the clock may be right, and the record wrong");
        assert_eq!(raised(boot, ran, set), Some(ran));
        assert_eq!(verdict(&entry("0 2 * * *"), ran, set, utc(), CatchUp::On), Verdict::Wait);
        assert_eq!(raised(set, ran, set), Some(set), "what has run since counts");
    }

    #[test]
    fn jobs_of_the_same_time_start_in_the_crontabs_order() {
        let (early, late) = (at("2026-11-21T02:00"), at("2026-11-21T02:01"));
        let mut due = [(2, early), (0, late), (1, early)];
        due.sort_by_key(|(place, due)| turn(*place, *due));
        assert_eq!(due.map(|(place, _)| place), [1, 2, 0]);
    }

    /// The loop in small: looks at the clock at these seconds, and gives the due times that it started.
    fn run_through(entry: &Entry, begun: i64, looks: &[i64]) -> Vec<i64> {
        let time = |seconds| DateTime::from_timestamp(seconds, 0).expect("is a time");
        let mut settled = time(begun);
        let mut started = Vec::new();
        for now in looks.iter().map(|seconds| time(*seconds)) {
            match verdict(entry, settled, now, utc(), CatchUp::Off) {
                Verdict::Wait => {}
                Verdict::Run(due) => {
                    started.push(due.timestamp());
                    settled = due;
                }
                Verdict::Skip(due) => settled = due,
                Verdict::CountFromNow => settled = now,
            }
        }
        started
    }

    proptest! {
        /// Whenever it looks, however often it was dead in between: every due time within the tolerance is made up
        /// for by a start, none is started twice.
        #[test]
        fn nothing_is_lost_and_nothing_runs_twice(
            every in 1_u32..30,
            mut looks in prop::collection::vec(0_i64..2 * 86_400, 1..200),
        ) {
            let begun = 1_795_000_020;
            let entry = entry(&format!("*/{every} * * * *"));
            looks.sort_unstable();
            let looks: Vec<i64> = looks.into_iter().map(|second| begun + second).collect();
            let started = run_through(&entry, begun, &looks);
            prop_assert!(started.windows(2).all(|pair| pair[0] < pair[1]), "twice: {started:?}");
            let zone = utc();
            let mut next = entry.next_after(DateTime::from_timestamp(begun, 0).expect("is a time"), &zone);
            while let Some(due) = next.map(|due| due.timestamp()) {
                let Some(look) = looks.iter().find(|look| **look >= due) else { break };
                // The first look after it starts it, or one for a later time in its stead.
                let covered = started.iter().any(|start| *start >= due && start <= look);
                prop_assert!(covered || look - due > 3 * 3600, "{due} was lost: {started:?}");
                next = entry.next_after(DateTime::from_timestamp(due, 0).expect("is a time"), &zone);
            }
        }

        /// A clock that goes to and fro within the tolerance starts no due time twice.
        #[test]
        fn a_restless_clock_starts_nothing_twice(looks in prop::collection::vec(0_i64..10_000, 1..200)) {
            let begun = 1_795_000_020;
            let looks: Vec<i64> = looks.into_iter().map(|second| begun + second).collect();
            let mut started = run_through(&entry("*/7 * * * *"), begun, &looks);
            let count = started.len();
            started.sort_unstable();
            started.dedup();
            prop_assert_eq!(started.len(), count);
        }
    }
}
