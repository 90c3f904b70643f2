//! From five fields to what the `cron` crate understands: the one place that knows its dialect.
//!
//! The crate wants a field of seconds, counts Sunday as 1, and lets a day pass only if both day fields do.

use super::field::{FIELDS, Values};
use std::str::FromStr as _;

/// The schedules of the crate that together have the times of the five fields.
///
/// Two where both day fields are restricted: a day may be of either. A field that names every value is not restricted.
pub(super) fn translate(fields: &[Values; 5]) -> Vec<cron::Schedule> {
    let [minutes, hours, days, months, _] = [0, 1, 2, 3, 4].map(|field| words(field, fields[field], 0));
    let weekdays = words(4, fields[4], 1);
    let days_of: Vec<(&str, &str)> = match (days.as_str(), weekdays.as_str()) {
        (days, "*") => vec![(days, "*")],
        ("*", weekdays) => vec![("*", weekdays)],
        (days, weekdays) => vec![(days, "*"), ("*", weekdays)],
    };
    let schedule = |(days, weekdays)| {
        let text = format!("0 {minutes} {hours} {days} {months} {weekdays}");
        cron::Schedule::from_str(&text).expect("lists of numbers within their ranges are read")
    };
    days_of.into_iter().map(schedule).collect()
}

/// The values as a list, each greater by `shift`; `*` if they are all there are.
fn words(field: usize, values: Values, shift: u32) -> String {
    let field = &FIELDS[field];
    if field.is_full(values) {
        return "*".to_owned();
    }
    let named: Vec<String> =
        field.range().filter(|value| values.has(*value)).map(|value| (value + shift).to_string()).collect();
    named.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(text: &str) -> Vec<String> {
        let mut words = text.split(' ');
        let fields = FIELDS.each_ref().map(|field| field.parse(words.next().expect("five")).expect("can be read"));
        translate(&fields).iter().map(|schedule| schedule.source().to_owned()).collect()
    }

    #[test]
    fn seconds_are_put_before_and_sunday_is_1() {
        assert_eq!(translated("*/20 22-1 * * *"), ["0 0,20,40 0,1,22,23 * * *"]);
        assert_eq!(translated("0 0 * * 6"), ["0 0 0 * * 7"]);
        assert_eq!(translated("0 0 * feb sun,mon"), ["0 0 0 * 2 1,2"]);
    }

    #[test]
    fn either_day_field_is_enough_where_both_are_restricted() {
        assert_eq!(translated("0 0 13 * fri"), ["0 0 0 13 * *", "0 0 0 * * 6"]);
        assert_eq!(translated("0 0 */15 * fri"), ["0 0 0 1,16,31 * *", "0 0 0 * * 6"]);
        assert_eq!(translated("0 0 13 * */3"), ["0 0 0 13 * *", "0 0 0 * * 1,4,7"]);
    }

    #[test]
    fn a_field_that_names_every_day_is_not_restricted() {
        for every in ["*", "*/1", "1-31"] {
            assert_eq!(translated(&format!("0 0 {every} * fri")), ["0 0 0 * * 6"], "{every}");
        }
        for every in ["*", "0-6", "1-7", "mon-sun"] {
            assert_eq!(translated(&format!("0 0 13 * {every}")), ["0 0 0 13 * *"], "{every}");
        }
    }
}
