//! One expression: five fields, or one of the `@` names.

use super::Zone;
use super::calendar::Calendar;
use super::clock::{self, Manner};
use super::field::{FIELDS, Values};
use chrono::{DateTime, Utc};

/// The names, and what they stand for.
const NAMES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// The name that stands for no time.
const REBOOT: &str = "@reboot";

/// The days of each month in its longest year.
const LONGEST: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// An expression that can be read.
#[derive(Debug, Clone)]
pub struct Expression {
    text: String,
    /// `None` for the start of the container.
    times: Option<(Calendar, Manner)>,
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// Says what is wrong, as a predicate that names the field: `has '25' as hour, which is not in 0-23`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.contains(['\n', '\r']) {
            return Err("has more than one line".to_owned());
        }
        let times = if text.starts_with('@') { of_name(text)? } else { Some(of_fields(text)?) };
        Ok(Self { text: text.to_owned(), times })
    }

    /// As it was given, without blanks around it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it means the start of the container, and no time at all.
    pub fn at_reboot(&self) -> bool {
        self.times.is_none()
    }

    /// The first time after `after`; `None` for `@reboot`, and where there is none before the year 10000.
    pub fn next_after(&self, after: DateTime<Utc>, zone: &Zone) -> Option<DateTime<Utc>> {
        let (calendar, manner) = self.times.as_ref()?;
        clock::next_after(calendar, *manner, after, *zone)
    }
}

fn of_name(text: &str) -> Result<Option<(Calendar, Manner)>, String> {
    if text.eq_ignore_ascii_case(REBOOT) {
        return Ok(None);
    }
    let Some((_, fields)) = NAMES.iter().find(|(name, _)| text.eq_ignore_ascii_case(name)) else {
        let names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).chain([REBOOT]).collect();
        return Err(format!("is none of {}", names.join(", ")));
    };
    of_fields(fields).map(Some)
}

fn of_fields(text: &str) -> Result<(Calendar, Manner), String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let Ok(words) = <[&str; 5]>::try_from(words.as_slice()) else {
        return Err(format!(
            "has {} field{} instead of 5 (minute, hour, day of the month, month, day of the week)",
            words.len(),
            if words.len() == 1 { "" } else { "s" }
        ));
    };
    let mut fields = [Values::default(); 5];
    for (index, word) in words.iter().enumerate() {
        fields[index] = FIELDS[index].parse(word)?;
    }
    let [minutes, hours, days, months, weekdays] = fields;
    let exists = |month: &u32| FIELDS[2].range().any(|day| days.has(day) && day <= LONGEST[*month as usize - 1]);
    if FIELDS[4].is_full(weekdays) && !FIELDS[3].range().filter(|month| months.has(*month)).any(|month| exists(&month))
    {
        return Err(format!("never comes: month '{}' has no day '{}'", words[3], words[2]));
    }
    let manner = if minutes.wildcard || hours.wildcard { Manner::Rhythm } else { Manner::Times };
    Ok((Calendar::new(&fields), manner))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn problem(text: &str) -> String {
        Expression::parse(text).err().unwrap_or_default()
    }

    #[test]
    fn ordinary_expressions_are_read() {
        for expression in [
            "0 */6 * * *",
            "0 0 * * 6",
            "*/15 8-18 * * mon-fri",
            "5,10 22-4 1,15 JAN-mar 7",
            "0 0-23/2 1-31 * *",
            "0 0 29 2 *",
            "0 0 31 2,3 *",
            "0 0 30 2 mon",
            "\t0 3  * * * \n",
            "@daily",
            "@Midnight",
            "@reboot",
        ] {
            assert_eq!(problem(expression), "", "{expression}");
        }
        assert_eq!(Expression::parse(" 0 3 * * *\n").map(|read| read.text().to_owned()), Ok("0 3 * * *".to_owned()));
    }

    #[test]
    fn the_field_that_is_wrong_is_named() {
        for (expression, expected) in [
            ("60 * * * *", "has '60' as minute, which is not in 0-59"),
            ("0 24 * * *", "has '24' as hour, which is not in 0-23"),
            ("0 0 0 * *", "has '0' as day of the month, which is not in 1-31"),
            ("0 0 * foo *", "has 'foo' as month, which is not in 1-12"),
            ("0 0 * * 8", "has '8' as day of the week, which is not in 0-7"),
            ("0 0 * * mon,", "has '' as day of the week, which is not in 0-7"),
            ("+1 * * * *", "has '+1' as minute, which is not in 0-59"),
            ("*/0 * * * *", "has '*/0' as minute, and '0' is not a step"),
            ("*/+5 * * * *", "has '*/+5' as minute, and '+5' is not a step"),
            ("0 */4/2 * * *", "has '*/4/2' as hour, and '4/2' is not a step"),
            ("0 0 * * 1-x", "has 'x' as day of the week, which is not in 0-7"),
            ("0 0 1-2-3 * *", "has '2-3' as day of the month, which is not in 1-31"),
            ("0 0 ? * *", "has '?' as day of the month, which is not in 1-31"),
            ("0 0 L * *", "has 'L' as day of the month, which is not in 1-31"),
            ("0 0 * * fri#2", "has 'fri#2' as day of the week, which is not in 0-7"),
            ("0 4294967296 * * *", "has '4294967296' as hour, which is not in 0-23"),
        ] {
            assert_eq!(problem(expression), expected, "{expression}");
        }
    }

    #[test]
    fn the_number_of_fields_is_checked() {
        for (expression, count) in [("0 0 * *", "4 fields"), ("0 0 0 * * *", "6 fields"), ("6h", "1 field "), ("", "0")]
        {
            let problem = problem(expression);
            assert!(problem.starts_with(&format!("has {count}")), "{problem}");
        }
        assert_eq!(problem("0 0 * * *\n* * * * * x"), "has more than one line");
        let names = "is none of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly, @reboot";
        assert_eq!((problem("@every 5m"), problem("@")), (names.to_owned(), names.to_owned()));
    }

    #[test]
    fn a_day_that_never_comes_is_an_error() {
        assert_eq!(problem("0 0 30 2 *"), "never comes: month '2' has no day '30'");
        assert_eq!(problem("0 0 31 4,jun */1"), "never comes: month '4,jun' has no day '31'");
        assert_eq!(problem("0 0 30,31 feb *"), "never comes: month 'feb' has no day '30,31'");
    }

    #[test]
    fn each_name_stands_for_its_fields() {
        let from = "2026-11-21T10:17:00Z".parse().expect("is a time");
        for (name, expected) in [
            ("@yearly", "2027-01-01T00:00:00+00:00"),
            ("@annually", "2027-01-01T00:00:00+00:00"),
            ("@monthly", "2026-12-01T00:00:00+00:00"),
            ("@WEEKLY", "2026-11-22T00:00:00+00:00"),
            ("@daily", "2026-11-22T00:00:00+00:00"),
            ("@midnight", "2026-11-22T00:00:00+00:00"),
            ("@hourly", "2026-11-21T11:00:00+00:00"),
        ] {
            let next = Expression::parse(name).expect(name).next_after(from, &Zone::UTC);
            assert_eq!(next.map(|time| time.to_rfc3339()).as_deref(), Some(expected), "{name}");
        }
        let reboot = Expression::parse("@Reboot").expect("is a name");
        assert!(reboot.at_reboot() && reboot.next_after(from, &Zone::UTC).is_none());
    }

    fn words() -> impl Strategy<Value = String> {
        let field = prop_oneof![
            3 => "[0-9]{1,2}",
            2 => r"(\*|[0-9]{1,2}|[a-z]{3})([-/,][0-9]{1,2}){0,3}",
            1 => r"\*(/[0-9]{1,3})?",
            1 => "[ -~äß]{0,6}",
        ];
        prop::collection::vec(field, 4..7).prop_map(|fields| fields.join(" "))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn whatever_is_given_there_is_an_answer_and_it_lies_ahead(
            text in prop_oneof![8 => words(), 1 => any::<String>(), 1 => "@[a-z]{0,8}"],
            zone in prop::sample::select(&chrono_tz::TZ_VARIANTS[..]),
            time in prop_oneof![any::<i64>(), -70_000_000_000..260_000_000_000_i64, 0..4_102_444_800_i64],
            nanos in 0..1_000_000_000_u32,
        ) {
            let time = DateTime::from_timestamp(time, nanos).unwrap_or(DateTime::<Utc>::MAX_UTC);
            let zone = Zone::named(zone.name()).expect("is a zone");
            match Expression::parse(&text) {
                Err(problem) => prop_assert!(!problem.is_empty()),
                Ok(expression) => {
                    let next = expression.next_after(time, &zone);
                    prop_assert!(next.is_none_or(|next| next > time), "{next:?} is not after {time}");
                }
            }
        }
    }
}
