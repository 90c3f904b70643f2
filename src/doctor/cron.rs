//! A look at cron expressions: five fields, or one of the `@` names.

/// The names that stand for an expression.
const NAMES: [&str; 7] = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

struct Field {
    name: &'static str,
    first: u32,
    last: u32,
    /// What may stand for numbers, the first of them for `first`.
    words: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", first: 0, last: 59, words: &[] },
    Field { name: "hour", first: 0, last: 23, words: &[] },
    Field { name: "day of the month", first: 1, last: 31, words: &[] },
    Field { name: "month", first: 1, last: 12, words: &MONTHS },
    // 7 is Sunday as well.
    Field { name: "day of the week", first: 0, last: 7, words: &DAYS },
];

/// Whether an expression can be read.
///
/// # Errors
/// Says what is wrong, as a predicate that names the field: `has '25' as hour, which is not in 0-23`.
pub(super) fn check(expression: &str) -> Result<(), String> {
    if expression.contains(['\n', '\r']) {
        return Err("has more than one line".to_owned());
    }
    let expression = expression.trim();
    if expression.starts_with('@') {
        return if NAMES.contains(&expression.to_ascii_lowercase().as_str()) {
            Ok(())
        } else {
            Err(format!("is none of {}", NAMES.join(", ")))
        };
    }
    let fields: Vec<&str> = expression.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        return Err(format!(
            "has {} field{} instead of 5 (minute, hour, day of the month, month, day of the week)",
            fields.len(),
            if fields.len() == 1 { "" } else { "s" }
        ));
    }
    FIELDS.iter().zip(fields).try_for_each(|(field, text)| text.split(',').try_for_each(|item| field.item(item)))
}

impl Field {
    /// `*`, `5`, `1-5`, `mon-fri`, each with `/step` behind it or not. A range may run over the end (`22-4`).
    fn item(&self, item: &str) -> Result<(), String> {
        let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, Some(step)));
        if let Some(step) = step
            && !step.parse::<u32>().is_ok_and(|step| step > 0)
        {
            return Err(format!("has '{item}' as {}, and '{step}' is not a step", self.name));
        }
        if range == "*" {
            return Ok(());
        }
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        self.value(first)?;
        self.value(last)
    }

    fn value(&self, text: &str) -> Result<(), String> {
        if self.words.iter().any(|word| text.eq_ignore_ascii_case(word)) {
            return Ok(());
        }
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<u32>() {
            Ok(number) if is_number && (self.first..=self.last).contains(&number) => Ok(()),
            _ => Err(format!("has '{text}' as {}, which is not in {}-{}", self.name, self.first, self.last)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_expressions_are_read() {
        for expression in [
            "0 */6 * * *",
            "0 0 * * 6",
            "*/15 8-18 * * mon-fri",
            "5,10 22-4 1,15 JAN-mar 7",
            "0 0-23/2 1-31 * *",
            "\t0 3  * * * ",
            "@daily",
            "@Midnight",
        ] {
            assert_eq!(check(expression), Ok(()), "{expression}");
        }
    }

    #[test]
    fn the_field_that_is_wrong_is_named() {
        for (expression, problem) in [
            ("60 * * * *", "has '60' as minute, which is not in 0-59"),
            ("0 24 * * *", "has '24' as hour, which is not in 0-23"),
            ("0 0 0 * *", "has '0' as day of the month, which is not in 1-31"),
            ("0 0 * foo *", "has 'foo' as month, which is not in 1-12"),
            ("0 0 * * 8", "has '8' as day of the week, which is not in 0-7"),
            ("0 0 * * mon,", "has '' as day of the week, which is not in 0-7"),
            ("+1 * * * *", "has '+1' as minute, which is not in 0-59"),
            ("*/0 * * * *", "has '*/0' as minute, and '0' is not a step"),
            ("0 0 * * 1-x", "has 'x' as day of the week, which is not in 0-7"),
        ] {
            assert_eq!(check(expression), Err(problem.to_owned()), "{expression}");
        }
    }

    #[test]
    fn the_number_of_fields_is_checked() {
        for (expression, count) in [("0 0 * *", "4 fields"), ("0 0 0 * * *", "6 fields"), ("6h", "1 field ")] {
            let problem = check(expression).expect_err(expression);
            assert!(problem.starts_with(&format!("has {count}")), "{problem}");
        }
        assert_eq!(check("0 0 * * *\n* * * * * x"), Err("has more than one line".to_owned()));
        assert!(check("@reboot").is_err());
    }
}
