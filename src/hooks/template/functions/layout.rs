//! Go's layouts of times: a layout shows how `Mon Jan 2 15:04:05 MST 2006` would be written.

use super::super::value::Value;
use chrono::{DateTime, Datelike, FixedOffset, Timelike};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// A part of a layout.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Part<'l> {
    /// Stands for itself.
    Literal(&'l str),
    /// Stands for a piece of the time, named as it was written.
    Piece(&'l str),
    /// A fraction of a second: how it was written.
    Fraction(&'l str),
}

/// What a layout may name. A longer name that begins alike comes first.
const PIECES: &[&str] = &[
    "January",
    "Jan",
    "Monday",
    "Mon",
    "MST",
    "002",
    "01",
    "02",
    "03",
    "04",
    "05",
    "06",
    "15",
    "1",
    "2006",
    "2",
    "_2",
    "__2",
    "3",
    "4",
    "5",
    "PM",
    "pm",
    "-07:00:00",
    "-070000",
    "-07:00",
    "-0700",
    "-07",
    "Z07:00:00",
    "Z070000",
    "Z07:00",
    "Z0700",
    "Z07",
];

/// The first piece of a layout: what stands before it, the piece, what follows.
fn next(layout: &str) -> Option<(&str, Part<'_>, &str)> {
    for (at, _) in layout.char_indices() {
        let rest = &layout[at..];
        let cut = |piece: &'static str| (&layout[..at], Part::Piece(piece), &rest[piece.len()..]);
        if let Some(piece) = PIECES.iter().find(|piece| rest.starts_with(**piece)) {
            // `Januar` and `Month` are words, not pieces.
            let is_word = matches!(*piece, "Jan" | "Mon") && rest[3..].starts_with(|c: char| c.is_ascii_lowercase());
            // `_2006` is an underscore and a year.
            let is_year = *piece == "_2" && rest.starts_with("_2006");
            if !is_word && !is_year {
                return Some(cut(piece));
            }
        }
        if rest.starts_with(['.', ',']) {
            let digit = rest[1..].chars().next().filter(|c| matches!(c, '0' | '9'));
            if let Some(digit) = digit {
                let end = rest[1..].find(|c| c != digit).map_or(rest.len(), |end| end + 1);
                if !rest[end..].starts_with(|c: char| c.is_ascii_digit()) {
                    return Some((&layout[..at], Part::Fraction(&rest[..end]), &rest[end..]));
                }
            }
        }
    }
    None
}

fn parts(mut layout: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    while let Some((before, piece, rest)) = next(layout) {
        if !before.is_empty() {
            parts.push(Part::Literal(before));
        }
        parts.push(piece);
        layout = rest;
    }
    if !layout.is_empty() {
        parts.push(Part::Literal(layout));
    }
    parts
}

/// Nanoseconds since 1970 as a time; `None` farther away than 262,000 years.
pub(super) fn time(nanos: i128, offset: i32) -> Option<DateTime<FixedOffset>> {
    let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).ok()?;
    let nanos = nanos.rem_euclid(1_000_000_000) as u32;
    let offset = FixedOffset::east_opt(offset)?;
    let utc = DateTime::from_timestamp(seconds, nanos)?;
    utc.naive_utc().checked_add_offset(offset)?;
    Some(utc.with_timezone(&offset))
}

/// A time as a value.
pub(super) fn value(time: DateTime<FixedOffset>) -> Value {
    let nanos = i128::from(time.timestamp()) * 1_000_000_000 + i128::from(time.timestamp_subsec_nanos());
    Value::Time(nanos, time.offset().local_minus_utc())
}

/// As JSON has it; `None` outside of the years 0 to 9999.
pub(super) fn rfc3339(nanos: i128, offset: i32) -> Option<String> {
    let time = time(nanos, offset).filter(|time| (0..=9999).contains(&time.year()))?;
    Some(format("2006-01-02T15:04:05.999999999Z07:00", &time, None))
}

/// A time in a layout; `zone` is the name of its zone, such as `CEST`.
pub(super) fn format(layout: &str, time: &DateTime<FixedOffset>, zone: Option<&str>) -> String {
    let mut out = String::new();
    for part in parts(layout) {
        match part {
            Part::Literal(text) => out.push_str(text),
            Part::Fraction(text) => fraction(&mut out, text, time.nanosecond() % 1_000_000_000),
            Part::Piece(name) => piece(&mut out, name, time, zone),
        }
    }
    out
}

fn piece(out: &mut String, name: &str, time: &DateTime<FixedOffset>, zone: Option<&str>) {
    let month = MONTHS[time.month0() as usize];
    let day = DAYS[time.weekday().num_days_from_sunday() as usize];
    let hour12 = if time.hour().is_multiple_of(12) { 12 } else { time.hour() % 12 };
    let offset = time.offset().local_minus_utc();
    let year = time.year();
    let sign = if year < 0 { "-" } else { "" };
    let text = match name {
        "2006" => format!("{sign}{:04}", year.unsigned_abs()),
        "06" => format!("{:02}", year.max(0) % 100),
        "January" => month.to_owned(),
        "Jan" => month[..3].to_owned(),
        "1" => time.month().to_string(),
        "01" => format!("{:02}", time.month()),
        "Monday" => day.to_owned(),
        "Mon" => day[..3].to_owned(),
        "2" => time.day().to_string(),
        "_2" => format!("{:>2}", time.day()),
        "02" => format!("{:02}", time.day()),
        "__2" => format!("{:>3}", time.ordinal()),
        "002" => format!("{:03}", time.ordinal()),
        "15" => format!("{:02}", time.hour()),
        "3" => hour12.to_string(),
        "03" => format!("{hour12:02}"),
        "4" => time.minute().to_string(),
        "04" => format!("{:02}", time.minute()),
        "5" => time.second().to_string(),
        "05" => format!("{:02}", time.second()),
        "PM" => if time.hour() < 12 { "AM" } else { "PM" }.to_owned(),
        "pm" => if time.hour() < 12 { "am" } else { "pm" }.to_owned(),
        // A zone without a name shows its offset.
        "MST" => zone.map_or_else(|| numeric("-0700", offset), ToOwned::to_owned),
        name if name.starts_with('Z') && offset == 0 => "Z".to_owned(),
        name => numeric(name, offset),
    };
    out.push_str(&text);
}

fn numeric(name: &str, offset: i32) -> String {
    let size = offset.unsigned_abs();
    let (hours, minutes, seconds) = (size / 3600, size / 60 % 60, size % 60);
    let sign = if offset < 0 { '-' } else { '+' };
    match &name[1..] {
        "07" => format!("{sign}{hours:02}"),
        "0700" => format!("{sign}{hours:02}{minutes:02}"),
        "07:00" => format!("{sign}{hours:02}:{minutes:02}"),
        "070000" => format!("{sign}{hours:02}{minutes:02}{seconds:02}"),
        _ => format!("{sign}{hours:02}:{minutes:02}:{seconds:02}"),
    }
}

/// `.000` shows so many digits, `.999` leaves noughts at the end out.
fn fraction(out: &mut String, name: &str, nanos: u32) {
    let digits = (name.len() - 1).min(9);
    let all = format!("{nanos:09}");
    let shown = if name.contains('9') { all[..digits].trim_end_matches('0') } else { &all[..digits] };
    if !shown.is_empty() {
        out.push_str(&name[..1]);
        out.push_str(shown);
    }
    // More than nine are asked for.
    if name.contains('0') {
        out.extend(std::iter::repeat_n('0', name.len() - 1 - digits));
    }
}

/// What was read of a time.
#[derive(Debug, Default)]
struct Read {
    year: Option<i32>,
    month: Option<u32>,
    day: Option<u32>,
    ordinal: Option<u32>,
    hour: u32,
    minute: u32,
    second: u32,
    nanos: u32,
    afternoon: Option<bool>,
    offset: Option<i32>,
    /// The name of a zone: `UTC`.
    zone: Option<String>,
}

/// A time that was written in a layout, and where it says nothing of its zone, `local`'s offset for the time on the wall.
///
/// # Errors
/// As Go says it.
pub(super) fn parse(
    layout: &str,
    text: &str,
    local: impl Fn(chrono::NaiveDateTime) -> FixedOffset,
) -> Result<DateTime<FixedOffset>, String> {
    let whole = |what: &str| format!("parsing time {}{what}", super::go::quoted(text));
    let cannot = |rest: &str, piece: &str| {
        let [text, layout, rest, piece] = [text, layout, rest, piece].map(super::go::quoted);
        format!("parsing time {text} as {layout}: cannot parse {rest} as {piece}")
    };
    let mut read = Read::default();
    let mut rest = text;
    let parts = parts(layout);
    for (at, part) in parts.iter().enumerate() {
        match *part {
            Part::Literal(literal) => rest = rest.strip_prefix(literal).ok_or_else(|| cannot(rest, literal))?,
            Part::Fraction(name) => {
                let digits = rest[rest.len().min(1)..].bytes().take_while(u8::is_ascii_digit).count();
                let is_there = rest.starts_with(['.', ',']) && digits > 0;
                if name.contains('0') && (!is_there || digits != name.len() - 1) {
                    return Err(cannot(rest, name));
                }
                if is_there {
                    (read.nanos, rest) = nanos(rest, digits);
                }
            }
            Part::Piece(name) => {
                rest = read.piece(name, rest).ok_or_else(|| cannot(rest, name))?;
                // Go takes a fraction behind the seconds though the layout has none.
                let follows = matches!(parts.get(at + 1), Some(Part::Fraction(_)));
                let digits = rest[rest.len().min(1)..].bytes().take_while(u8::is_ascii_digit).count();
                if matches!(name, "5" | "05") && !follows && rest.starts_with(['.', ',']) && digits > 0 {
                    (read.nanos, rest) = nanos(rest, digits);
                }
            }
        }
    }
    if !rest.is_empty() {
        return Err(whole(&format!(": extra text: {}", super::go::quoted(rest))));
    }
    let out = |what: &str| whole(&format!(": {what} out of range"));
    let wall = read.wall().map_err(out)?;
    let offset = match (read.offset, read.zone.as_deref()) {
        (Some(offset), _) => FixedOffset::east_opt(offset).ok_or_else(|| out("time zone offset"))?,
        (None, Some("UTC")) => FixedOffset::east_opt(0).expect("is no offset"),
        _ => local(wall),
    };
    let utc = wall.checked_sub_offset(offset).ok_or_else(|| out("year"))?;
    Ok(DateTime::from_naive_utc_and_offset(utc, offset))
}

/// The nanoseconds of a fraction with its point, and what follows.
fn nanos(text: &str, digits: usize) -> (u32, &str) {
    let nine = format!("{:0<9}", &text[1..=digits]);
    (nine[..9].parse().unwrap_or(0), &text[digits + 1..])
}

impl Read {
    fn wall(&self) -> Result<chrono::NaiveDateTime, &'static str> {
        let hour = match self.afternoon {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let year = self.year.unwrap_or(0);
        let date = match self.ordinal {
            Some(ordinal) => chrono::NaiveDate::from_yo_opt(year, ordinal).ok_or("day-of-year")?,
            None => {
                chrono::NaiveDate::from_ymd_opt(year, self.month.unwrap_or(1), self.day.unwrap_or(1)).ok_or("day")?
            }
        };
        let time = chrono::NaiveTime::from_hms_nano_opt(hour, self.minute, self.second, self.nanos);
        Ok(date.and_time(time.ok_or("time of day")?))
    }

    /// Reads a piece; gives what follows it.
    fn piece<'t>(&mut self, name: &str, text: &'t str) -> Option<&'t str> {
        let name_of = |names: &[&str], length: usize| {
            names.iter().enumerate().find_map(|(at, name)| {
                let name = &name[..length.min(name.len())];
                let head = text.get(..name.len())?;
                head.eq_ignore_ascii_case(name).then(|| (at as u32, &text[name.len()..]))
            })
        };
        let ranged = |found: Option<(u32, &'t str)>, range: std::ops::RangeInclusive<u32>| {
            found.filter(|(number, _)| range.contains(number))
        };
        let padded = text.trim_start_matches(' ');
        let rest;
        match name {
            "2006" => {
                let (year, more) = digits(text, 4, 4)?;
                (self.year, rest) = (Some(year as i32), more);
            }
            "06" => {
                let (year, more) = digits(text, 2, 2)?;
                (self.year, rest) = (Some(year as i32 + if year >= 69 { 1900 } else { 2000 }), more);
            }
            "January" | "Jan" => {
                let (month, more) = name_of(&MONTHS, if name == "Jan" { 3 } else { usize::MAX })?;
                (self.month, rest) = (Some(month + 1), more);
            }
            "Monday" | "Mon" => rest = name_of(&DAYS, if name == "Mon" { 3 } else { usize::MAX })?.1,
            "1" | "01" => {
                let (month, more) = ranged(digits(text, name.len(), 2), 1..=12)?;
                (self.month, rest) = (Some(month), more);
            }
            "2" | "_2" | "02" => {
                let text = if name == "_2" { padded } else { text };
                let (day, more) = digits(text, if name == "02" { 2 } else { 1 }, 2)?;
                (self.day, rest) = (Some(day), more);
            }
            "002" | "__2" => {
                let text = if name == "__2" { padded } else { text };
                let (day, more) = digits(text, if name == "002" { 3 } else { 1 }, 3)?;
                (self.ordinal, rest) = (Some(day), more);
            }
            "15" => (self.hour, rest) = ranged(digits(text, 1, 2), 0..=23)?,
            "3" | "03" => (self.hour, rest) = ranged(digits(text, name.len(), 2), 0..=12)?,
            "4" | "04" => (self.minute, rest) = ranged(digits(text, name.len(), 2), 0..=59)?,
            "5" | "05" => (self.second, rest) = ranged(digits(text, name.len(), 2), 0..=59)?,
            "PM" | "pm" => {
                let (head, more) = text.split_at_checked(2)?;
                let (morning, evening) = if name == "PM" { ("AM", "PM") } else { ("am", "pm") };
                if head != morning && head != evening {
                    return None;
                }
                (self.afternoon, rest) = (Some(head == evening), more);
            }
            "MST" => {
                let end = text.find(|c: char| !c.is_ascii_uppercase()).unwrap_or(text.len());
                if !(3..=5).contains(&end) {
                    return None;
                }
                (self.zone, rest) = (Some(text[..end].to_owned()), &text[end..]);
            }
            name if name.starts_with('Z') && text.starts_with('Z') => {
                (self.offset, rest) = (Some(0), &text[1..]);
            }
            name => {
                let (offset, more) = numeric_offset(&name[1..], text)?;
                (self.offset, rest) = (Some(offset), more);
            }
        }
        Some(rest)
    }
}

/// A number of so many digits.
fn digits(text: &str, least: usize, most: usize) -> Option<(u32, &str)> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    (count >= least).then(|| Some((text[..count].parse().ok()?, &text[count..]))).flatten()
}

fn numeric_offset<'t>(form: &str, text: &'t str) -> Option<(i32, &'t str)> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let mut rest = text.strip_prefix(['+', '-'])?;
    let mut seconds = 0;
    for (at, unit) in [3600, 60, 1].into_iter().enumerate() {
        if form.replace(':', "").len() <= at * 2 {
            break;
        }
        if at > 0 && form.contains(':') {
            rest = rest.strip_prefix(':')?;
        }
        let (number, more) = digits(rest, 2, 2)?;
        seconds += number as i32 * unit;
        rest = more;
    }
    Some((sign * seconds, rest))
}
