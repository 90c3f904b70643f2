//! A job with its expression and its shift; which of its times were missed.

use super::{Expression, Zone};
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

/// A job's schedule.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Whose.
    pub job: &'static str,
    /// When.
    pub expression: Expression,
    /// How much later than that.
    pub shift: Duration,
}

impl Entry {
    /// The first time after `after`, the shift included; `None` if there is none.
    pub fn next_after(&self, after: DateTime<Utc>, zone: &Zone) -> Option<DateTime<Utc>> {
        let shift = TimeDelta::from_std(self.shift).ok()?;
        let unshifted = after.checked_sub_signed(shift)?;
        self.expression.next_after(unshifted, zone)?.checked_add_signed(shift)
    }
}

/// The last of the entry's times after `last` and not after `now`: what has been missed, if anything. However many there
/// were, one is made up for.
pub fn missed(entry: &Entry, last: DateTime<Utc>, now: DateTime<Utc>, zone: &Zone) -> Option<DateTime<Utc>> {
    let due = |after| entry.next_after(after, zone).filter(|time| *time <= now);
    let mut found = due(last)?;
    // There is none after this one.
    let mut none_after = now;
    // A year of minutes is too long to walk through: each look halves what is left.
    while found < none_after {
        let middle = found + (none_after - found) / 2;
        match due(middle) {
            Some(time) => found = time,
            None => none_after = middle,
        }
    }
    Some(found)
}

/// How much a job of this host is shifted: below `splay`, in whole seconds, always the same for the same host and job.
pub fn shift(host: &str, job: &str, splay: Duration) -> Duration {
    if splay.as_secs() == 0 {
        return Duration::ZERO;
    }
    // FNV-1a: stable from release to release, which the standard library's hashes are not.
    let bytes = host.bytes().chain([0]).chain(job.bytes());
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    Duration::from_secs(hash % splay.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(expression: &str, shift: u64) -> Entry {
        let expression = Expression::parse(expression).expect("can be read");
        Entry { job: "backup", expression, shift: Duration::from_secs(shift) }
    }

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().expect("is a time")
    }

    fn zone() -> Zone {
        Zone::named("Europe/Amsterdam").expect("is a zone")
    }

    #[test]
    fn the_shift_comes_on_top() {
        let entry = entry("0 3 * * *", 599);
        let next = |after| entry.next_after(time(after), &zone());
        assert_eq!(next("2026-11-21T02:09:58Z"), Some(time("2026-11-21T02:09:59Z")));
        assert_eq!(next("2026-11-21T02:09:59Z"), Some(time("2026-11-22T02:09:59Z")));
        let everlasting = Entry { shift: Duration::MAX, ..entry };
        assert_eq!(everlasting.next_after(time("2026-11-21T02:09:58Z"), &zone()), None);
    }

    #[test]
    fn the_last_of_all_missed_times_counts() {
        let missed_of = |expression, last, now| missed(&entry(expression, 60), time(last), time(now), &zone());
        let (last, now) = ("2025-11-21T00:00:00Z", "2026-11-21T10:30:30Z");
        assert_eq!(missed_of("* * * * *", last, now), Some(time("2026-11-21T10:30:00Z")));
        assert_eq!(missed_of("0 3 * * *", last, now), Some(time("2026-11-21T02:01:00Z")));
        assert_eq!(missed_of("0 3 29 2 *", last, now), None);
        assert_eq!(missed_of("@yearly", last, now), Some(time("2025-12-31T23:01:00Z")));
        assert_eq!(missed_of("@reboot", last, now), None);
        // A time that is now is due.
        assert_eq!(missed_of("* * * * *", last, "2026-11-21T10:30:00Z"), Some(time("2026-11-21T10:30:00Z")));
        assert_eq!(missed_of("* * * * *", now, last), None);
        assert_eq!(missed_of("* * * * *", now, now), None);
    }

    #[test]
    fn a_job_is_always_shifted_by_the_same_time_and_hosts_by_others() {
        let splay = Duration::from_secs(600);
        // It must stay so from release to release.
        assert_eq!(shift("node-a", "backup", splay), Duration::from_secs(219));
        assert_eq!(shift("node-a", "backup", Duration::from_millis(900)), Duration::ZERO);
        let shifts: std::collections::BTreeSet<_> =
            (0..100).map(|host| shift(&format!("node-{host}"), "backup", splay)).collect();
        assert!(shifts.len() > 80 && shifts.iter().all(|shift| *shift < splay), "{shifts:?}");
        // Neither can be taken for the other.
        assert_ne!(shift("ab", "c", splay), shift("a", "bc", splay));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn what_was_missed_is_what_a_walk_finds(
            expression in prop::sample::select(&["*/13 * * * *", "7 3 * * *", "0 */5 1,9 * fri", "30 2 25-31 3,10 *"][..]),
            shift in 0..900_u64,
            last in 1_700_000_000..1_800_000_000_i64,
            down in 0..600_000_i64,
        ) {
            let (entry, zone) = (entry(expression, shift), zone());
            let at = |second| DateTime::from_timestamp(second, 0).expect("is a time");
            let (last, now) = (at(last), at(last + down));
            let mut walked = None;
            let mut next = entry.next_after(last, &zone);
            while let Some(time) = next.filter(|time| *time <= now) {
                walked = Some(time);
                next = entry.next_after(time, &zone);
            }
            prop_assert_eq!(missed(&entry, last, now, &zone), walked);
        }
    }
}
