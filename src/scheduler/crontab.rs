//! The rendered crontab: for readers only, nothing runs from it.

use super::timetable::Timetable;
use super::{Plan, beside};
use crate::settings::Settings;
use std::fmt::Write as _;

/// Writes the crontab of the schedule in force to `CRONTAB_FILE`.
///
/// # Errors
/// One line for people: the schedule does not depend on the file.
pub(super) fn write(settings: &Settings, plan: Plan, timetable: &Timetable) -> Result<(), String> {
    let path = &settings.paths.crontab;
    let text = in_force(&(plan.crontab)(settings), timetable);
    beside::replace(path, text.as_bytes(), 0o600).map_err(|error| {
        format!("⚠️ The crontab {} cannot be written ({error}); the schedule does not need it.", path.display())
    })
}

/// The settings' crontab as far as it is in force: without jobs that are off because of a mistake, and with the old
/// expression where the new one is none.
fn in_force(rendered: &str, timetable: &Timetable) -> String {
    let mut text = String::new();
    for row in timetable.rows.iter().filter(|row| row.entry.is_some()) {
        let command = format!(" /bin/locked_run {} ", row.job.name);
        let Some(rest) = rendered.lines().find_map(|line| line.find(&command).map(|at| &line[at..])) else { continue };
        let _ = writeln!(text, "{}{rest}", row.expression());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::timetable::tests::timetable;
    use super::*;

    #[test]
    fn a_line_stands_for_each_job_in_force_with_the_expression_in_force() {
        let (old, _) = timetable(&[("TZ", "UTC"), ("BACKUP_CRON", "0 2 * * *")], None);
        let bad = [("TZ", "UTC"), ("BACKUP_CRON", "never"), ("CHECK_CRON", "99 * * * *")];
        let (new, _) = timetable(&bad, Some(&old.as_before()));
        let rendered = "never /bin/locked_run backup /run/cron.lock /bin/backup >> x\n\
                        99 * * * * /bin/locked_run check /run/check.lock /bin/check >> x\n";
        assert_eq!(in_force(rendered, &new), "0 2 * * * /bin/locked_run backup /run/cron.lock /bin/backup >> x\n");
    }
}
