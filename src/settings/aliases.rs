//! Deprecated names of variables, and which of the two counts (contract: environment, section 7).

use super::Environment;

/// Old name, new name, and the value of the new one that counts as not set, since the image sets it.
const ALIASES: [(&str, &str, &str); 5] = [
    ("SYNC_CRON", "REPLICATE_CRON", ""),
    ("SYNC_JOB_FILE", "REPLICATE_JOB_FILE", "/config/replicate_jobs.txt"),
    ("SYNC_JOB_ARGS", "REPLICATE_JOB_ARGS", ""),
    ("SYNC_VERBOSE", "REPLICATE_VERBOSE", "ON"),
    ("SYNC_BISYNC_CHECK_ACCESS", "REPLICATE_BISYNC_CHECK_ACCESS", "OFF"),
];

/// The deprecated variables that take effect: old name and new name.
///
/// An old name counts when it is not empty and the new one is empty or what the image sets: nobody can tell whether
/// a person set it to that.
pub(super) fn in_effect(environment: &Environment) -> Vec<(&'static str, &'static str)> {
    let counts = |(old, new, default): &(&'static str, &'static str, &str)| {
        let given = environment.text_or_empty(new);
        !environment.text_or_empty(old).is_empty() && (given.is_empty() || given == *default)
    };
    ALIASES.iter().filter(|alias| counts(alias)).map(|(old, new, _)| (*old, *new)).collect()
}

/// The name under which the value of `new` is to be read.
pub(super) fn effective(in_effect: &[(&'static str, &'static str)], new: &'static str) -> &'static str {
    in_effect.iter().find(|(_, name)| *name == new).map_or(new, |(old, _)| *old)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(pairs: &[(&str, &str)]) -> Vec<&'static str> {
        in_effect(&pairs.iter().copied().collect()).into_iter().map(|(old, _)| old).collect()
    }

    #[test]
    fn an_old_name_counts_where_the_new_one_says_nothing_of_its_own() {
        assert_eq!(names(&[("SYNC_CRON", "0 1 * * *")]), ["SYNC_CRON"]);
        assert_eq!(names(&[("SYNC_CRON", "0 1 * * *"), ("REPLICATE_CRON", "0 2 * * *")]), [""; 0]);
        assert_eq!(names(&[("SYNC_VERBOSE", "OFF"), ("REPLICATE_VERBOSE", "ON")]), ["SYNC_VERBOSE"]);
        assert_eq!(names(&[("SYNC_VERBOSE", "OFF"), ("REPLICATE_VERBOSE", "on")]), [""; 0]);
        assert_eq!(
            names(&[("SYNC_JOB_FILE", "/x"), ("REPLICATE_JOB_FILE", "/config/replicate_jobs.txt")]),
            ["SYNC_JOB_FILE"]
        );
        assert_eq!(names(&[("SYNC_JOB_ARGS", "")]), [""; 0]);
    }
}
