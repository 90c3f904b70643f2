//! The times of an expression on a clock that is never put forward or back.

use super::field::Values;
use super::translate::translate;
use chrono::{Datelike as _, NaiveDate, NaiveDateTime, TimeDelta};

/// The years that the `cron` crate is asked about; it knows no others.
const KNOWN: std::ops::Range<i32> = 1970..2100;

/// The years that we answer for: RFC 3339 writes no others.
const YEARS: std::ops::RangeInclusive<i32> = 1..=9999;

/// Between two 29ths of February lie eight years at most (2096 and 2104).
const FARTHEST: usize = 8;

/// What an expression says, as the crate has it.
#[derive(Debug, Clone)]
pub(super) struct Calendar(Vec<cron::Schedule>);

impl Calendar {
    pub fn new(fields: &[Values; 5]) -> Self {
        Self(translate(fields))
    }

    /// The first of its times that is not before `wall`; `None` where there is none before the year 10000.
    pub fn at_or_after(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        self.0.iter().filter_map(|schedule| first_of(schedule, wall)).min()
    }
}

fn first_of(schedule: &cron::Schedule, wall: NaiveDateTime) -> Option<NaiveDateTime> {
    let mut from = wall;
    for _ in 0..=FARTHEST {
        let year = from.year();
        let asked = asked_instead_of(year)?;
        // What the crate gives lies after what it is given.
        let before = from.with_year(asked)?.checked_sub_signed(TimeDelta::seconds(1))?;
        let found = schedule.after(&before.and_utc()).next().map(|time| time.naive_utc());
        if let Some(found) = found.filter(|found| asked == year || found.year() == asked) {
            return found.with_year(found.year() + year - asked);
        }
        from = NaiveDate::from_ymd_opt(year + 1, 1, 1)?.and_hms_opt(0, 0, 0)?;
    }
    None
}

/// The year itself, or one that the crate knows and that has the same days.
fn asked_instead_of(year: i32) -> Option<i32> {
    if !YEARS.contains(&year) {
        return None;
    }
    let kind = |year| NaiveDate::from_ymd_opt(year, 1, 1).map(|day| (day.leap_year(), day.weekday()));
    // Every kind of year is among any 28 in a row without an exception.
    if KNOWN.contains(&year) { Some(year) } else { (2000..2028).find(|known| kind(*known) == kind(year)) }
}

#[cfg(test)]
mod tests {
    use super::super::field::FIELDS;
    use super::*;
    use proptest::prelude::*;

    fn calendar(text: &str) -> Calendar {
        let mut words = text.split(' ');
        Calendar::new(&FIELDS.each_ref().map(|field| field.parse(words.next().expect("five")).expect("can be read")))
    }

    fn wall(text: &str) -> NaiveDateTime {
        text.parse().expect("is a time")
    }

    #[track_caller]
    fn assert_next(expression: &str, from: &str, expected: &str) {
        let found = calendar(expression).at_or_after(wall(from)).map(|time| time.format("%FT%R:%S").to_string());
        assert_eq!(found.unwrap_or_default(), expected, "{expression} from {from}");
    }

    #[test]
    fn the_time_itself_counts() {
        assert_next("30 2 * * *", "2026-11-21T02:30:00", "2026-11-21T02:30:00");
        assert_next("30 2 * * *", "2026-11-21T02:30:01", "2026-11-22T02:30:00");
        assert_next("* * * * *", "2026-12-31T23:59:28", "2027-01-01T00:00:00");
    }

    #[test]
    fn days_are_those_of_either_field() {
        assert_next("0 0 13 * fri", "2026-11-14T00:00:00", "2026-11-20T00:00:00");
        assert_next("0 0 13 * fri", "2026-12-12T00:00:00", "2026-12-13T00:00:00");
        assert_next("0 0 * * 6", "2026-11-21T00:00:00", "2026-11-21T00:00:00");
        assert_next("0 0 29 2 mon", "2027-02-23T00:00:00", "2028-02-07T00:00:00");
    }

    #[test]
    fn years_that_the_crate_does_not_know_are_no_end() {
        assert_next("0 0 29 2 *", "2096-03-01T00:00:00", "2104-02-29T00:00:00");
        assert_next("0 12 1 1 *", "2099-01-02T00:00:00", "2100-01-01T12:00:00");
        assert_next("0 12 1 1 *", "2100-01-02T00:00:00", "2101-01-01T12:00:00");
        assert_next("0 0 * * mon", "4321-10-02T00:00:00", "4321-10-03T00:00:00");
        assert_next("0 0 29 2 *", "1896-03-01T00:00:00", "1904-02-29T00:00:00");
        assert_next("59 23 31 12 *", "9999-01-01T00:00:00", "9999-12-31T23:59:00");
        assert_next("0 0 1 1 *", "9999-01-02T00:00:00", "");
        assert_next("* * * * *", "0000-12-31T23:59:00", "");
        assert_next("* * * * *", "-9999-12-31T23:59:00", "");
    }

    /// The rule in its simplest words, minute by minute.
    fn matches(fields: &[Values; 5], at: NaiveDateTime) -> bool {
        use chrono::Timelike as _;
        let [minutes, hours, days, months, weekdays] = *fields;
        let (day, weekday) = (days.has(at.day()), weekdays.has(at.weekday().num_days_from_sunday()));
        let restricted = |field: usize| !FIELDS[field].is_full(fields[field]);
        let day = if restricted(2) && restricted(4) { day || weekday } else { day && weekday };
        minutes.has(at.minute()) && hours.has(at.hour()) && months.has(at.month()) && day
    }

    fn field(words: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
        prop::sample::select(words)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn it_says_what_a_look_at_every_minute_says(
            minutes in field(&["*", "0", "59", "*/20", "13,47", "50-10/7"]),
            hours in field(&["*", "0", "23", "*/5", "22-4", "7,19"]),
            days in field(&["*", "1", "29", "31", "*/9", "28-3"]),
            months in field(&["*", "1", "feb", "nov-feb", "*/5"]),
            weekdays in field(&["*", "0", "7", "fri-mon", "*/2", "3"]),
            start in 0_i64..4_100_000_000,
        ) {
            let words = [minutes, hours, days, months, weekdays];
            let mut at = 0;
            let fields = FIELDS.each_ref().map(|field| { at += 1; field.parse(words[at - 1]).expect("can be read") });
            let start = chrono::DateTime::from_timestamp(start - start % 60, 0).expect("is a time").naive_utc();
            let found = Calendar::new(&fields).at_or_after(start);
            // Sixty days are walked; what lies beyond must not have been before.
            let walked = (0..60 * 1440).map(|minute| start + TimeDelta::minutes(minute)).find(|at| matches(&fields, *at));
            if walked.is_some() {
                prop_assert_eq!(found, walked);
            } else {
                let beyond = |found| found >= start + TimeDelta::days(60) && matches(&fields, found);
                prop_assert!(found.is_none_or(beyond), "{:?}", found);
            }
        }
    }
}
