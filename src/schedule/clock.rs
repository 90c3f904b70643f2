//! What happens to times when clocks are put forward and back.
//!
//! Put forward, the clock on the wall leaves times out; put back, it shows some twice. The rules and their reasons are in
//! `docs/design/schedule.md`.

use super::Zone;
use super::calendar::Calendar;
use super::zone::Gap;
use chrono::{DateTime, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike as _, Utc};

/// What an expression means where the clock on the wall jumps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// Its minute or hour is a wildcard: it asks for a rhythm, so it comes whenever the clock shows one of its times.
    Rhythm,
    /// It asks for times of the day: each comes once, whatever the clock does.
    Times,
}

/// The first time of the calendar after `after`.
pub(super) fn next_after(
    calendar: &Calendar,
    manner: Manner,
    after: DateTime<Utc>,
    zone: Zone,
) -> Option<DateTime<Utc>> {
    let shown = zone.wall(after)?;
    let minute = shown.with_second(0)?.with_nanosecond(0)?;
    let found = search(calendar, manner, minute.checked_add_signed(TimeDelta::minutes(1))?, after, zone);
    if manner == Manner::Rhythm
        && let Some(turn) = zone.turned_back(after)
        && found.is_none_or(|found| found >= turn)
    {
        // The clock is put back first: what it showed before, it shows again.
        return search(calendar, manner, zone.wall(turn)?, turn - TimeDelta::nanoseconds(1), zone);
    }
    found
}

/// The first instant after `after` at which a time from `from` on comes.
fn search(
    calendar: &Calendar,
    manner: Manner,
    mut from: NaiveDateTime,
    after: DateTime<Utc>,
    zone: Zone,
) -> Option<DateTime<Utc>> {
    loop {
        let wall = calendar.at_or_after(from)?;
        let comes = match zone.showing(wall) {
            LocalResult::Single(time) => time,
            LocalResult::Ambiguous(first, second) => {
                if manner == Manner::Rhythm && first <= after {
                    second
                } else {
                    first
                }
            }
            LocalResult::None => {
                let gap = zone.gap(wall)?;
                let midnight = wall.date().succ_opt()?.and_time(NaiveTime::MIN);
                if manner == Manner::Rhythm && !takes_all_of(&gap, calendar, wall.date()) {
                    from = gap.end.min(midnight);
                    continue;
                }
                gap.at
            }
        };
        if comes > after {
            return Some(comes);
        }
        from = wall.checked_add_signed(TimeDelta::minutes(1))?;
    }
}

/// Whether all times of a day, one of which lies in this gap, lie in it.
fn takes_all_of(gap: &Gap, calendar: &Calendar, day: NaiveDate) -> bool {
    let earlier = calendar.at_or_after(day.and_time(NaiveTime::MIN)).is_some_and(|first| first < gap.start);
    let later = calendar.at_or_after(gap.end).is_some_and(|next| next.date() == day);
    !earlier && !later
}

#[cfg(test)]
mod tests {
    use super::super::Expression;
    use super::super::field::FIELDS;
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// The times after `from` (a local time) as the clock on the wall shows them, day and zone left out: `03:00+02:00`.
    fn times(expression: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let zone = Zone::named(zone).expect("is a zone");
        let expression = Expression::parse(expression).expect("can be read");
        let mut after = zone.instant(from.parse().expect("is a time")).expect("is within all times");
        let mut times = Vec::new();
        for _ in 0..count {
            after = expression.next_after(after, &zone).expect("comes again");
            times.push(zone.local(after).format("%d %R%:z").to_string());
        }
        times
    }

    #[track_caller]
    fn assert_times(expression: &str, zone: &str, from: &str, expected: &[&str]) {
        assert_eq!(times(expression, zone, from, expected.len()), expected, "{expression} in {zone}");
    }

    const AMSTERDAM: &str = "Europe/Amsterdam";
    const SPRING: &str = "2026-03-29T00:00:00";
    const AUTUMN: &str = "2026-10-25T01:30:00";

    #[test]
    fn a_time_in_the_gap_comes_once_at_its_end() {
        let next_day = |time: &'static str| ["29 03:00+02:00", time];
        assert_times("30 2 * * *", AMSTERDAM, SPRING, &next_day("30 02:30+02:00"));
        assert_times("0,20,40 2 * * *", AMSTERDAM, SPRING, &next_day("30 02:00+02:00"));
        assert_times("30 2,3 * * *", AMSTERDAM, SPRING, &next_day("29 03:30+02:00"));
        // Already there.
        assert_times("0 2,3 * * *", AMSTERDAM, SPRING, &next_day("30 02:00+02:00"));
        assert_times("30 1-4 * * *", AMSTERDAM, SPRING, &["29 01:30+01:00", "29 03:00+02:00", "29 03:30+02:00"]);
    }

    #[test]
    fn a_rhythm_leaves_the_gap_out() {
        assert_times("*/30 * * * *", AMSTERDAM, "2026-03-29T01:00:00", &["29 01:30+01:00", "29 03:00+02:00"]);
        assert_times("15 * * * *", AMSTERDAM, "2026-03-29T01:00:00", &["29 01:15+01:00", "29 03:15+02:00"]);
        assert_times("*/20 2,4 * * *", AMSTERDAM, SPRING, &["29 04:00+02:00", "29 04:20+02:00"]);
        assert_times("45 */2 * * *", AMSTERDAM, SPRING, &["29 00:45+01:00", "29 04:45+02:00"]);
    }

    #[test]
    fn a_rhythm_whose_day_would_be_lost_comes_once_at_the_end_of_the_gap() {
        assert_times("*/20 2 * * *", AMSTERDAM, SPRING, &["29 03:00+02:00", "30 02:00+02:00"]);
        assert_times("* 2 29 3 *", AMSTERDAM, SPRING, &["29 03:00+02:00", "29 02:00+02:00"]);
    }

    #[test]
    fn a_time_that_is_shown_twice_comes_once() {
        assert_times("30 2 * * *", AMSTERDAM, AUTUMN, &["25 02:30+02:00", "26 02:30+01:00"]);
        assert_times("0,30 2,3 * * *", AMSTERDAM, AUTUMN, &["25 02:00+02:00", "25 02:30+02:00", "25 03:00+01:00"]);
        // Asked in the second of the two hours.
        let zone = Zone::named(AMSTERDAM).expect("is a zone");
        let next = Expression::parse("30 2 * * *").expect("can be read");
        let next = next.next_after("2026-10-25T01:10:00Z".parse().expect("is a time"), &zone);
        assert_eq!(next.map(|time| time.to_rfc3339()).as_deref(), Some("2026-10-26T01:30:00+00:00"));
    }

    #[test]
    fn a_rhythm_goes_on_through_both_hours() {
        let both = ["25 02:00+02:00", "25 02:30+02:00", "25 02:00+01:00", "25 02:30+01:00", "25 03:00+01:00"];
        assert_times("*/30 * * * *", AMSTERDAM, AUTUMN, &both);
        assert_times("20 * * * *", AMSTERDAM, AUTUMN, &["25 02:20+02:00", "25 02:20+01:00", "25 03:20+01:00"]);
        assert_times(
            "*/40 2 * * *",
            AMSTERDAM,
            AUTUMN,
            &["25 02:00+02:00", "25 02:40+02:00", "25 02:00+01:00", "25 02:40+01:00", "26 02:00+01:00"],
        );
    }

    #[test]
    fn half_an_hour_is_enough() {
        let zone = "Australia/Lord_Howe";
        assert_times("15 2 * * *", zone, "2026-10-04T00:00:00", &["04 02:30+11:00", "05 02:15+11:00"]);
        assert_times("*/10 * * * *", zone, "2026-10-04T01:40:00", &["04 01:50+10:30", "04 02:30+11:00"]);
        assert_times("45 1 * * *", zone, "2026-04-05T01:00:00", &["05 01:45+11:00", "06 01:45+10:30"]);
        assert_times(
            "*/15 * * * *",
            zone,
            "2026-04-05T01:30:00",
            &["05 01:45+11:00", "05 01:30+10:30", "05 01:45+10:30"],
        );
    }

    #[test]
    fn a_day_that_begins_in_a_gap_has_its_midnight_at_the_end_of_it() {
        assert_times("@daily", "America/Sao_Paulo", "2018-11-03T12:00:00", &["04 01:00-02:00", "05 00:00-02:00"]);
        assert_times("0 0 * * *", "Africa/Cairo", "2026-04-23T12:00:00", &["24 01:00+03:00", "25 00:00+03:00"]);
        assert_times("@hourly", "Africa/Cairo", "2026-04-23T22:30:00", &["23 23:00+02:00", "24 01:00+03:00"]);
        // Put back over midnight: Saturday has 23:30 twice, and its midnight comes once.
        assert_times("30 23 * * 6", "America/Sao_Paulo", "2018-02-17T12:00:00", &["17 23:30-02:00", "24 23:30-03:00"]);
        assert_times(
            "*/30 23 * * 6",
            "America/Sao_Paulo",
            "2018-02-17T23:00:00",
            &["17 23:30-02:00", "17 23:00-03:00", "17 23:30-03:00"],
        );
    }

    #[test]
    fn a_day_that_is_left_out_has_one_run() {
        let skipped = |expression, expected: &[&str]| {
            assert_times(expression, "Pacific/Apia", "2011-12-29T12:30:00", expected);
        };
        skipped("0 3 * * *", &["31 00:00+14:00", "31 03:00+14:00", "01 03:00+14:00"]);
        skipped("0 3 30 12 *", &["31 00:00+14:00", "30 03:00+14:00"]);
        skipped("0 3 31 12 *", &["31 03:00+14:00"]);
        skipped("0 */12 * * *", &["31 00:00+14:00", "31 12:00+14:00"]);
        skipped("15 */12 * * *", &["31 00:00+14:00", "31 00:15+14:00", "31 12:15+14:00"]);
    }

    #[test]
    fn seconds_of_old_zones_are_no_trouble() {
        // Monrovia was put forward from 00:00:00 to 00:44:30.
        let monrovia = ["07 00:44+00:00", "08 00:00+00:00"];
        assert_times("0 0 * * *", "Africa/Monrovia", "1972-01-06T12:00:00", &monrovia);
        // Juneau went from one side of the date line to the other, and had a day twice.
        let juneau = ["18 12:00+15:02", "19 12:00+15:02", "20 12:00-08:58"];
        assert_times("0 12 * * *", "America/Juneau", "1867-10-18T00:00:00", &juneau);
    }

    /// Days around which clocks change in many ways: zone and a time shortly before.
    const CHANGES: [(&str, &str); 10] = [
        ("Europe/Amsterdam", "2026-03-28T00:00:00Z"),
        ("Europe/Amsterdam", "2026-10-24T00:00:00Z"),
        ("Australia/Lord_Howe", "2026-10-02T12:00:00Z"),
        ("Australia/Lord_Howe", "2026-04-03T12:00:00Z"),
        ("America/Sao_Paulo", "2018-11-03T00:00:00Z"),
        ("America/Sao_Paulo", "2018-02-17T00:00:00Z"),
        ("Africa/Cairo", "2026-04-23T00:00:00Z"),
        ("Pacific/Apia", "2011-12-29T00:00:00Z"),
        ("America/Caracas", "2007-12-08T00:00:00Z"),
        ("Asia/Pyongyang", "2018-05-03T00:00:00Z"),
    ];

    fn word(words: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
        prop::sample::select(words)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn both_manners_are_what_a_look_at_every_minute_says(
            change in prop::sample::select(&CHANGES[..]),
            minutes in word(&["*", "*/20", "0", "7,37", "15-45/15", "59"]),
            hours in word(&["*", "*/3", "2", "0", "1-3", "23,0"]),
            days in word(&["*", "*", "29,30", "*/2"]),
        ) {
            let zone = Zone::named(change.0).expect("is a zone");
            let start: DateTime<Utc> = change.1.parse().expect("is a time");
            let end = start + TimeDelta::days(4);
            let fields = [minutes, hours, days, "*", "*"];
            let mut at = 0;
            let fields = FIELDS.each_ref().map(|field| { at += 1; field.parse(fields[at - 1]).expect("can be read") });
            let calendar = Calendar::new(&fields);
            let walls = every_wall(&calendar, start.naive_utc() - TimeDelta::days(2), end.naive_utc() + TimeDelta::days(2));
            for manner in [Manner::Rhythm, Manner::Times] {
                let mut found = Vec::new();
                let mut after = start;
                while let Some(next) = next_after(&calendar, manner, after, zone).filter(|next| *next <= end) {
                    // Asked from anywhere between, the answer is the same.
                    let between = after + (next - after) / 2;
                    prop_assert_eq!(next_after(&calendar, manner, between, zone), Some(next));
                    found.push(next);
                    after = next;
                }
                let expected: BTreeSet<_> = match manner {
                    // Every minute at which the clock shows one of the times.
                    Manner::Rhythm => (0..=4 * 1440)
                        .map(|minute| start + TimeDelta::minutes(minute))
                        .filter(|time| walls.contains(&zone.wall(*time).expect("is within all times")))
                        .chain(made_up_for(&walls, zone))
                        .collect(),
                    // Every time that the calendar has, whether the clock shows it or not.
                    Manner::Times => walls.iter().filter_map(|wall| zone.instant(*wall)).collect(),
                };
                let expected: Vec<_> = expected.into_iter().filter(|time| *time > start && *time <= end).collect();
                prop_assert_eq!(found, expected, "{:?}", manner);
            }
        }
    }

    fn every_wall(calendar: &Calendar, from: NaiveDateTime, until: NaiveDateTime) -> BTreeSet<NaiveDateTime> {
        let next = |from: NaiveDateTime| calendar.at_or_after(from).filter(|wall| *wall < until);
        std::iter::successors(next(from), |wall| next(*wall + TimeDelta::minutes(1))).collect()
    }

    /// The end of the gap, if there is one and a day has all its times in it.
    fn made_up_for(walls: &BTreeSet<NaiveDateTime>, zone: Zone) -> Option<DateTime<Utc>> {
        let (left_out, shown): (Vec<NaiveDateTime>, Vec<NaiveDateTime>) =
            walls.iter().partition(|wall| matches!(zone.showing(**wall), LocalResult::None));
        let is_lost = |wall: &&NaiveDateTime| !shown.iter().any(|shown| shown.date() == wall.date());
        left_out.iter().find(is_lost).and_then(|wall| zone.instant(*wall))
    }
}
