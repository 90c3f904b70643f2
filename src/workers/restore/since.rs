//! `--since`: an instant, however it was written.

use chrono::{DateTime, FixedOffset, Local, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};

/// The date forms with a time but no zone; `T` has become a blank before.
const FORMS: &[&str] = &["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"];

/// Reads a date (its first instant here), or a time, local unless it says its zone.
///
/// # Errors
/// A sentence that names the value and what to write instead.
pub fn parse(text: &str) -> Result<DateTime<FixedOffset>, String> {
    let text = text.trim();
    read(text).ok_or_else(|| {
        format!(
            "--since '{}' is not a time: write YYYY-MM-DD, YYYY-MM-DDTHH:MM, or YYYY-MM-DDTHH:MM:SS with or without Z \
             or an offset such as +02:00",
            super::table::shown(text)
        )
    })
}

fn read(text: &str) -> Option<DateTime<FixedOffset>> {
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return here(date.and_time(NaiveTime::MIN));
    }
    let spaced = text.replacen(['T', 't'], " ", 1);
    if let Some(local) = FORMS.iter().find_map(|form| NaiveDateTime::parse_from_str(&spaced, form).ok()) {
        return here(local);
    }
    // An offset comes as `+02:00`, `+0200` or `Z`, and seconds may be left out.
    let zoned = spaced.strip_suffix(['Z', 'z']).map_or_else(|| spaced.clone(), |time| format!("{time}+00:00"));
    ["%Y-%m-%d %H:%M:%S%.f%z", "%Y-%m-%d %H:%M%z"].iter().find_map(|form| DateTime::parse_from_str(&zoned, form).ok())
}

/// The instant of a local time; the earlier one if the clock shows it twice.
fn here(local: NaiveDateTime) -> Option<DateTime<FixedOffset>> {
    Local
        .from_local_datetime(&local)
        .earliest()
        // A time that the clock skips in spring: an hour later it exists again.
        .or_else(|| Local.from_local_datetime(&(local + TimeDelta::hours(1))).earliest())
        .map(|time| time.fixed_offset())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_with_zones_are_instants() {
        let one = parse("2026-05-01T06:00:00+02:00").expect("is a time");
        for same in ["2026-05-01T04:00:00Z", "2026-05-01 04:00Z", "2026-05-01T06:00+0200", "2026-05-01T04:00:00.000z"] {
            assert_eq!(parse(same).expect("is a time"), one, "{same}");
        }
        assert!(parse("2026-05-01T06:00:00+03:00").expect("is a time") < one);
    }

    #[test]
    fn a_time_without_a_zone_is_local() {
        let expected = Local.with_ymd_and_hms(2026, 5, 1, 6, 30, 0).earliest().expect("exists");
        for text in ["2026-05-01T06:30", "2026-05-01 06:30:00", " 2026-05-01T06:30:00.0 "] {
            assert_eq!(parse(text).expect("is a time"), expected, "{text}");
        }
        let midnight = Local.with_ymd_and_hms(2026, 5, 1, 0, 0, 0).earliest().expect("exists");
        assert_eq!(parse("2026-05-01").expect("is a date"), midnight);
    }

    #[test]
    fn what_is_no_time_is_refused_with_the_value_and_the_forms() {
        for text in ["", "yesterday", "2026-13-01", "2026-02-30", "01.05.2026", "2026-05-01T25:00", "2026-05-01Tnoon"] {
            let error = parse(text).expect_err(text);
            assert!(error.contains(&format!("--since '{text}'")) && error.contains("YYYY-MM-DD"), "{error}");
        }
    }
}
