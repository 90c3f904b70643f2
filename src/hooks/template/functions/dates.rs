//! Times and durations.

use super::super::value::Value;
use super::call::{Answer, Call};
use super::durations::{self, SECOND};
use super::layout;
use chrono::{DateTime, FixedOffset, Local, NaiveDateTime, Offset, TimeZone, Utc};
use chrono_tz::{OffsetName, Tz};

/// The longest layout, in bytes: a piece of two letters may be written with nine.
const LONGEST_LAYOUT: usize = 1024;

/// A zone that a template names.
enum Zone {
    /// The container's.
    Local,
    /// One by name.
    Named(Tz),
}

impl Zone {
    /// Of a name; UTC where it names none.
    fn named(name: &str) -> Self {
        if name == "Local" { Self::Local } else { Self::Named(name.parse().unwrap_or(Tz::UTC)) }
    }

    /// A time on this zone's clock, and the zone's name then: `CEST`.
    fn at(&self, time: DateTime<Utc>) -> (DateTime<FixedOffset>, Option<String>) {
        let named = |zone: Tz| {
            let there = time.with_timezone(&zone);
            let name = there.offset().abbreviation().map(ToOwned::to_owned);
            // Zones without a name have their offset for one in chrono-tz, `+03`, as in Go.
            (time.with_timezone(&there.offset().fix()), name)
        };
        match self {
            Self::Named(zone) => named(*zone),
            Self::Local => {
                let here = time.with_timezone(&Local).fixed_offset();
                // TZ may say otherwise than the system.
                let system = iana_time_zone::get_timezone().ok().and_then(|name| name.parse().ok()).map(named);
                match system {
                    Some((there, name)) if there.offset() == here.offset() => (here, name),
                    _ if here.offset().local_minus_utc() == 0 => (here, Some("UTC".to_owned())),
                    _ => (here, None),
                }
            }
        }
    }
}

pub(super) fn now(_: &Call<'_>) -> Answer {
    Ok(layout::value(Local::now().fixed_offset()))
}

/// `date LAYOUT TIME`.
pub(super) fn date(call: &Call<'_>) -> Answer {
    shown(call, call.text(0)?, call.value(1), "Local")
}

/// `dateInZone LAYOUT TIME ZONE`.
pub(super) fn date_in_zone(call: &Call<'_>) -> Answer {
    shown(call, call.text(0)?, call.value(1), call.text(2)?)
}

pub(super) fn html_date(call: &Call<'_>) -> Answer {
    shown(call, "2006-01-02", call.value(0), "Local")
}

pub(super) fn html_date_in_zone(call: &Call<'_>) -> Answer {
    shown(call, "2006-01-02", call.value(0), call.text(1)?)
}

fn shown(call: &Call<'_>, layout: &str, value: &Value, zone: &str) -> Answer {
    if layout.len() > LONGEST_LAYOUT {
        return Err(format!("the layout has more than {LONGEST_LAYOUT} bytes"));
    }
    call.spend(layout.len())?;
    let (time, name) = Zone::named(zone).at(instant(value)?);
    call.made(layout::format(layout, &time, name.as_deref()))
}

/// A time, or seconds since 1970. As in Sprig, anything else is now.
fn instant(value: &Value) -> Result<DateTime<Utc>, String> {
    let time = match value {
        Value::Time(nanos, _) => layout::time(*nanos, 0),
        Value::Int(seconds) => layout::time(i128::from(*seconds) * i128::from(SECOND), 0),
        _ => return Ok(Utc::now()),
    };
    // The ends of what a time can be have no day on another clock.
    let time = time.map(|time| time.with_timezone(&Utc));
    let is_near = |time: &DateTime<Utc>| {
        let wall = time.naive_utc();
        wall.checked_add_offset(FARTHEST).is_some() && wall.checked_sub_offset(FARTHEST).is_some()
    };
    time.filter(is_near).ok_or_else(|| TOO_FAR.to_owned())
}

const TOO_FAR: &str = "the time is too far away";
/// No clock is farther from Greenwich.
const FARTHEST: FixedOffset = match FixedOffset::east_opt(86399) {
    Some(offset) => offset,
    None => panic!("is an offset"),
};

pub(super) fn ago(call: &Call<'_>) -> Answer {
    let since = Utc::now().signed_duration_since(instant(call.value(0))?);
    let seconds = (since.num_milliseconds() + 500).div_euclid(1000);
    Ok(Value::text(durations::shown(seconds.saturating_mul(SECOND))))
}

/// Of seconds, as a number or a text.
pub(super) fn duration(call: &Call<'_>) -> Answer {
    let seconds = match call.value(0) {
        Value::Int(seconds) => *seconds,
        Value::Text(text) => super::go::atoi(text),
        _ => 0,
    };
    Ok(Value::text(durations::shown(seconds.wrapping_mul(SECOND))))
}

/// Of nanoseconds, a duration's text, or a time that is past.
pub(super) fn duration_round(call: &Call<'_>) -> Answer {
    let nanos = match call.value(0) {
        Value::Int(nanos) => *nanos,
        Value::Text(text) => durations::parse(text).unwrap_or(0),
        value @ Value::Time(..) => {
            Utc::now().signed_duration_since(instant(value)?).num_nanoseconds().unwrap_or(i64::MAX)
        }
        _ => 0,
    };
    Ok(Value::text(durations::rounded(nanos)))
}

/// `dateModify "-1h" TIME`; a text that is no duration changes nothing.
pub(super) fn date_modify(call: &Call<'_>) -> Answer {
    let (nanos, offset) = call.time(1)?;
    moved(nanos, durations::parse(call.text(0)?).unwrap_or(0), offset)
}

pub(super) fn must_date_modify(call: &Call<'_>) -> Answer {
    let text = call.text(0)?;
    let (nanos, offset) = call.time(1)?;
    let by = durations::parse(text).ok_or_else(|| format!("time: invalid duration {}", super::go::quoted(text)))?;
    moved(nanos, by, offset)
}

fn moved(nanos: i128, by: i64, offset: i32) -> Answer {
    let moved = nanos.saturating_add(by.into());
    layout::time(moved, offset).map(|_| Value::Time(moved, offset)).ok_or_else(|| TOO_FAR.to_owned())
}

/// `toDate LAYOUT TEXT`; year 1 where the text is none in this layout.
pub(super) fn to_date(call: &Call<'_>) -> Answer {
    const YEAR_ONE: i128 = -62_135_596_800 * SECOND as i128;
    Ok(read(call)?.unwrap_or(Value::Time(YEAR_ONE, 0)))
}

pub(super) fn must_to_date(call: &Call<'_>) -> Answer {
    read(call)?
}

fn read(call: &Call<'_>) -> Result<Answer, String> {
    let (layout, text) = (call.text(0)?, call.text(1)?);
    if layout.len() > LONGEST_LAYOUT {
        return Err(format!("the layout has more than {LONGEST_LAYOUT} bytes"));
    }
    call.spend(layout.len())?;
    let local = |wall: NaiveDateTime| {
        Local.offset_from_local_datetime(&wall).earliest().unwrap_or_else(|| Local.offset_from_utc_datetime(&wall))
    };
    Ok(layout::parse(layout, text, local).map(layout::value))
}

pub(super) fn unix_epoch(call: &Call<'_>) -> Answer {
    let (nanos, _) = call.time(0)?;
    Ok(Value::text(nanos.div_euclid(SECOND.into()).to_string()))
}
