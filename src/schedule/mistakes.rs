//! Which schedules cannot be read.

use super::zone::{NO_ZONE, ZONES};
use super::{Expression, Zone};
use crate::settings::table::{self, Class, VARIABLES};
use crate::settings::{Effect, Mistake, Settings};

const EXPRESSIONS: &str = "write five fields such as '30 2 * * *', or a name such as @daily";

/// Every schedule that cannot be read, and `TZ` if it names no zone, in the order of the table. No work depends on them.
pub fn mistakes(settings: &Settings) -> Vec<Mistake> {
    VARIABLES
        .iter()
        .filter_map(|variable| match variable.class {
            Class::Cron => schedule(settings, variable.name),
            _ if variable.name == "TZ" => zone(settings),
            _ => None,
        })
        .collect()
}

fn schedule(settings: &Settings, variable: &'static str) -> Option<Mistake> {
    let given = settings.schedules.of(variable);
    if given.trim().is_empty() {
        return None;
    }
    let problem = Expression::parse(given).err()?;
    let cost = match variable {
        "FORGET_CRON" => "forget never runs by schedule, and backups leave forgetting to it, so old snapshots stay",
        "BACKUP_CRON" => "a container does not start with it",
        _ => "the job never runs by schedule",
    };
    // The value may have come by an old name.
    let mut old_names = settings.jobs.deprecated.iter();
    let holder = old_names.find(|(_, new)| *new == variable).map_or(variable, |(old, _)| *old);
    // A piece of a secret is not known for one.
    let holds_a_secret = settings.secrets.mask(given) != given;
    let problem = if holds_a_secret { "cannot be read".to_owned() } else { table::one_line(&problem) };
    Some(mistake(settings, holder, given, format!("{problem}; {cost}"), EXPRESSIONS))
}

fn zone(settings: &Settings) -> Option<Mistake> {
    let given = settings.schedules.zone.as_deref();
    Zone::of_setting(given).err()?;
    Some(mistake(
        settings,
        "TZ",
        given.unwrap_or_default(),
        format!("{NO_ZONE}; a container does not start with it"),
        ZONES,
    ))
}

fn mistake(settings: &Settings, variable: &'static str, given: &str, problem: String, mend: &str) -> Mistake {
    let shown = |value| table::find(variable).map(|variable| variable.shown(value, &settings.secrets));
    let (value, mend) = (shown(given).unwrap_or_default(), mend.to_owned());
    Mistake { variable, value, problem, mend, effect: Effect::Loud }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings;

    fn found(pairs: &[(&str, &str)]) -> Vec<String> {
        let sound = [("RESTIC_REPOSITORY", "/srv/restic"), ("RESTIC_PASSWORD", "s3cret-of-mine")];
        let settings = settings::read(&sound.iter().chain(pairs).copied().collect());
        let found = mistakes(&settings);
        assert!(found.iter().all(|mistake| mistake.effect == Effect::Loud));
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_can_be_read_is_no_mistake() {
        assert_eq!(found(&[]), [""; 0]);
        let off = [("BACKUP_CRON", ""), ("CHECK_CRON", " "), ("TZ", "")];
        assert_eq!(found(&off), [""; 0]);
        let sound = [("BACKUP_CRON", "\t@daily\n"), ("UNLOCK_CRON", "@reboot"), ("TZ", "America/New_York")];
        assert_eq!(found(&sound), [""; 0]);
    }

    #[test]
    fn each_names_variable_value_field_cost_and_mend() {
        assert_eq!(
            found(&[("TZ", "CET-1CEST"), ("RESTORE_TEST_CRON", "0 0 30 2 *"), ("CHECK_CRON", "0 25 * * *")]),
            [
                "CHECK_CRON='0 25 * * *' has '25' as hour, which is not in 0-23; the job never runs by schedule: write \
                 five fields such as '30 2 * * *', or a name such as @daily",
                "RESTORE_TEST_CRON='0 0 30 2 *' never comes: month '2' has no day '30'; the job never runs by schedule: \
                 write five fields such as '30 2 * * *', or a name such as @daily",
                "TZ='CET-1CEST' is no time zone; a container does not start with it: write an IANA name such as Europe/Amsterdam or UTC",
            ]
        );
    }

    #[test]
    fn a_forget_that_never_runs_says_that_backups_do_not_forget_either() {
        let found = found(&[("FORGET_CRON", "nightly")]);
        assert!(found[0].contains("backups leave forgetting to it, so old snapshots stay: write"), "{found:?}");
    }

    #[test]
    fn an_old_name_is_named_where_the_value_came_by_it() {
        let found = found(&[("SYNC_CRON", "soon")]);
        assert!(found.len() == 1 && found[0].starts_with("SYNC_CRON='soon' has 1 field instead of 5"), "{found:?}");
    }

    #[test]
    fn neither_secrets_nor_control_signs_are_shown() {
        let found = found(&[("CHECK_CRON", "0 0 s3cret-of-mine * *"), ("PRUNE_CRON", "0 \x1b[2J * * *")]);
        assert!(found[0].starts_with("CHECK_CRON='0 0 *** * *' cannot be read; the job"), "{found:?}");
        assert!(!found[1].contains('\x1b') && found[1].contains("never runs by schedule"), "{found:?}");
    }
}
