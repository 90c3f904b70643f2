//! Time zones by their IANA names, and where their clocks are put forward or back.

use chrono::{DateTime, FixedOffset, LocalResult, NaiveDateTime, Offset as _, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

/// No zone is farther from UTC than this, in hours.
const FARTHEST: i64 = 26;

/// A time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(Tz);

/// What the clock on the wall leaves out when it is put forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gap {
    /// The first time that it does not show.
    pub start: NaiveDateTime,
    /// What it shows instead.
    pub end: NaiveDateTime,
    /// When it is put forward.
    pub at: DateTime<Utc>,
}

impl Zone {
    /// The zone that is meant where another one cannot be read.
    pub const UTC: Self = Self(Tz::UTC);

    /// The zone of this IANA name.
    ///
    /// # Errors
    /// Says what is wrong, as a predicate: `is no time zone: write an IANA name such as Europe/Amsterdam or UTC`.
    pub fn named(name: &str) -> Result<Self, String> {
        name.parse().map(Self).map_err(|_| format!("{NO_ZONE}: {ZONES}"))
    }

    /// The zone that `TZ` names. Not set, it is the system's; set but empty, UTC.
    ///
    /// # Errors
    /// As [`Zone::named`].
    pub fn of_setting(given: Option<&str>) -> Result<Self, String> {
        match given {
            Some("") => Ok(Self::UTC),
            Some(name) => Self::named(name),
            None => Ok(iana_time_zone::get_timezone().ok().and_then(|name| name.parse().ok()).map_or(Self::UTC, Self)),
        }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.0.name()
    }

    /// What the clock on the wall shows at this time.
    pub fn local(&self, time: DateTime<Utc>) -> DateTime<FixedOffset> {
        time.with_timezone(&self.offset(time))
    }

    /// The first instant at which the clock on the wall shows this; when it is put forward over it, that moment. `None`
    /// at the very ends of what a time can be.
    pub fn instant(&self, wall: NaiveDateTime) -> Option<DateTime<Utc>> {
        match self.showing(wall) {
            LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => Some(time),
            LocalResult::None => self.gap(wall).map(|gap| gap.at),
        }
    }

    /// The instants at which the clock on the wall shows this: one, two where it is put back over it, none in a gap.
    pub(super) fn showing(self, wall: NaiveDateTime) -> LocalResult<DateTime<Utc>> {
        self.0.from_local_datetime(&wall).map(|time| time.with_timezone(&Utc))
    }

    /// What the clock on the wall shows; `None` at the very ends of what a time can be.
    pub(super) fn wall(self, time: DateTime<Utc>) -> Option<NaiveDateTime> {
        time.naive_utc().checked_add_offset(self.offset(time))
    }

    /// The gap around a time that the clock on the wall never shows.
    pub(super) fn gap(self, wall: NaiveDateTime) -> Option<Gap> {
        let far = TimeDelta::hours(FARTHEST);
        let (before, after) = (wall.and_utc().checked_sub_signed(far)?, wall.and_utc().checked_add_signed(far)?);
        let at = first(before, after, |time| self.wall(time).is_some_and(|shown| shown >= wall));
        let start = at.naive_utc().checked_add_offset(self.offset(at - TimeDelta::seconds(1)))?;
        Some(Gap { start, end: self.wall(at)?, at })
    }

    /// When the clock on the wall is put back to or before what it shows at `time`, so that it will show that again.
    pub(super) fn turned_back(self, time: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let LocalResult::Ambiguous(_, second) = self.showing(self.wall(time)?) else { return None };
        let offset = self.offset(time);
        (time < second).then(|| first(time, second, |at| self.offset(at) != offset))
    }

    fn offset(self, time: DateTime<Utc>) -> FixedOffset {
        self.0.offset_from_utc_datetime(&time.naive_utc()).fix()
    }
}

pub(super) const NO_ZONE: &str = "is no time zone";
pub(super) const ZONES: &str = "write an IANA name such as Europe/Amsterdam or UTC";

/// The first whole second after `before` of which something is true that is not true of `before`, is of `after`, and
/// changes once.
fn first(before: DateTime<Utc>, after: DateTime<Utc>, is_true: impl Fn(DateTime<Utc>) -> bool) -> DateTime<Utc> {
    let (mut before, mut after) = (before.timestamp(), after.timestamp());
    let time = |second| DateTime::from_timestamp(second, 0).expect("lies between two times");
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        if is_true(time(middle)) { after = middle } else { before = middle }
    }
    time(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Zone {
        Zone::named(name).expect("is a zone")
    }

    fn wall(text: &str) -> NaiveDateTime {
        text.parse().expect("is a time")
    }

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().expect("is a time")
    }

    #[test]
    fn a_zone_has_its_iana_name() {
        for name in ["Europe/Amsterdam", "UTC", "Etc/GMT+5", "US/Eastern", "Australia/Lord_Howe"] {
            assert_eq!(Zone::named(name).map(|zone| zone.name()), Ok(name));
        }
        let problem = "is no time zone: write an IANA name such as Europe/Amsterdam or UTC";
        for name in ["", "Europe/Amsterdm", "CET-1CEST", ":Europe/Amsterdam", "europe/amsterdam", "+01:00", " UTC", "ä"]
        {
            assert_eq!(Zone::named(name), Err(problem.to_owned()), "{name}");
        }
    }

    #[test]
    fn set_but_empty_is_utc() {
        assert_eq!(Zone::of_setting(Some("")), Ok(Zone::UTC));
        assert_eq!(Zone::of_setting(Some("Asia/Tokyo")).map(|zone| zone.name()), Ok("Asia/Tokyo"));
        assert!(Zone::of_setting(Some("Tokyo")).is_err());
        assert!(Zone::of_setting(None).is_ok());
    }

    #[test]
    fn gaps_are_found_with_their_ends() {
        for (name, shown, start, end, at) in [
            ("Europe/Amsterdam", "2026-03-29T02:30:00", "02:00:00", "2026-03-29T03:00:00", "2026-03-29T01:00:00Z"),
            ("Australia/Lord_Howe", "2026-10-04T02:00:00", "02:00:00", "2026-10-04T02:30:00", "2026-10-03T15:30:00Z"),
            ("America/Sao_Paulo", "2018-11-04T00:59:59", "00:00:00", "2018-11-04T01:00:00", "2018-11-04T03:00:00Z"),
            ("Africa/Cairo", "2026-04-24T00:00:00", "00:00:00", "2026-04-24T01:00:00", "2026-04-23T22:00:00Z"),
            ("Pacific/Apia", "2011-12-30T12:00:00", "00:00:00", "2011-12-31T00:00:00", "2011-12-30T10:00:00Z"),
        ] {
            let zone = zone(name);
            let date = &shown[..10];
            let gap = Gap { start: wall(&format!("{date}T{start}")), end: wall(end), at: time(at) };
            assert_eq!(zone.gap(wall(shown)), Some(gap), "{name}");
            assert_eq!(zone.instant(wall(shown)), Some(time(at)), "{name}");
        }
    }

    #[test]
    fn a_clock_that_will_show_the_same_again_is_known() {
        let zone = zone("Europe/Amsterdam");
        let back = Some(time("2026-10-25T01:00:00Z"));
        for (at, expected) in [
            ("2026-10-24T23:59:59Z", None),
            ("2026-10-25T00:00:00Z", back),
            ("2026-10-25T00:59:59.5Z", back),
            ("2026-10-25T01:00:00Z", None),
            ("2026-10-25T02:00:00Z", None),
        ] {
            assert_eq!(zone.turned_back(time(at)), expected, "{at}");
        }
        assert_eq!(zone.instant(wall("2026-10-25T02:30:00")), Some(time("2026-10-25T00:30:00Z")));
    }

    #[test]
    fn the_ends_of_time_are_no_panic() {
        for zone in ["Pacific/Apia", "America/Juneau", "Asia/Manila"].map(zone) {
            for time in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
                let _ = (zone.local(time), zone.wall(time), zone.turned_back(time));
                let _ = (zone.instant(time.naive_utc()), zone.gap(time.naive_utc()));
            }
        }
    }
}
