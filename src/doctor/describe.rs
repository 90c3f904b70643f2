//! A cron expression in words, as the reference image says it.

/// What the expression means, field by field.
pub(super) fn describe(expression: &str) -> String {
    let fields: Vec<&str> = expression.split_whitespace().collect();
    let [minute, hour, day, month, weekday] = fields.as_slice() else {
        return format!("custom/non-5-field expression: {expression}");
    };
    match (step(minute), step(hour), *day, *month, *weekday) {
        (None, Some(hours), "*", "*", "*") if *minute == "0" => format!("every {hours} hours at minute 0"),
        (Some(minutes), None, "*", "*", "*") if *hour == "*" => format!("every {minutes} minutes"),
        (None, None, "*", "*", _) if (*minute, *hour) == ("0", "0") => {
            format!("weekly/daily midnight pattern ({expression})")
        }
        _ => format!(
            "minute={}; hour={}; day-of-month={}; month={}; day-of-week={}",
            field(minute),
            field(hour),
            field(day),
            field(month),
            field(weekday)
        ),
    }
}

/// The `N` of `*/N`.
fn step(field: &str) -> Option<&str> {
    field.strip_prefix("*/").filter(|step| !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit()))
}

fn field(text: &str) -> String {
    match (text, step(text)) {
        ("*", _) => "every".to_owned(),
        (_, Some(step)) => format!("every {step}"),
        (other, None) => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::describe;

    #[test]
    fn expressions_are_said_as_people_know_them() {
        for (expression, said) in [
            ("0 */6 * * *", "every 6 hours at minute 0"),
            ("*/15 * * * *", "every 15 minutes"),
            ("0 0 * * 6", "weekly/daily midnight pattern (0 0 * * 6)"),
            ("0 0 * * *", "weekly/daily midnight pattern (0 0 * * *)"),
            ("30 2 * * 1-5", "minute=30; hour=2; day-of-month=every; month=every; day-of-week=1-5"),
            ("5 */6 1 * *", "minute=5; hour=every 6; day-of-month=1; month=every; day-of-week=every"),
            ("@daily", "custom/non-5-field expression: @daily"),
        ] {
            assert_eq!(describe(expression), said);
        }
    }
}
