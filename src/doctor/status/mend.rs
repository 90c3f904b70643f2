//! What to do about a run that failed, by its exit code.

use super::last::Summary;
use crate::exit;
use std::path::Path;

/// Why a run failed, as it says itself, or as its exit code says.
pub(super) fn reason(summary: &Summary) -> String {
    if summary.reason.is_empty() { sentence(summary.exit_code) } else { summary.reason.clone() }
}

/// What the exit code means, in a few words; empty if it could mean anything.
fn sentence(code: i64) -> String {
    let known = |row: &&exit::ExitCode| i64::from(row.code) == code && code != 1;
    exit::TABLE.iter().find(known).map(|row| row.sentence.to_owned()).unwrap_or_default()
}

/// What to do.
pub(super) fn of_exit(code: i64, error_log: &Path) -> String {
    let log = error_log.display();
    match i32::try_from(code).unwrap_or(exit::FAILURE) {
        exit::USAGE => "run `boathook config-check` and correct the settings that it names".to_owned(),
        exit::INCOMPLETE => format!("see in {log} which files; exclude them, or let this user read them"),
        exit::NO_REPOSITORY => "correct RESTIC_REPOSITORY, or make the repository with `restic init`".to_owned(),
        exit::REPOSITORY_LOCKED => {
            "let the program that holds the repository finish; if it was killed, run `restic unlock`".to_owned()
        }
        exit::WRONG_PASSWORD => "correct RESTIC_PASSWORD_FILE, RESTIC_PASSWORD or RESTIC_PASSWORD_COMMAND".to_owned(),
        exit::PRE_HOOK_FAILED | exit::POST_HOOK_FAILED | exit::TIMED_OUT => {
            format!("look at {log}, then run `boathook hooks check`")
        }
        exit::CANNOT_EXECUTE | exit::NOT_FOUND => "run `boathook doctor`: a program is missing".to_owned(),
        129..=143 => format!("look at {log} for what was cut short; the next run does it anew"),
        _ => format!("look at {log}, then run `boathook doctor`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_with_a_meaning_have_a_mend_of_their_own() {
        let log = Path::new("/var/log/check-error-last.log");
        assert!(of_exit(12, log).contains("RESTIC_PASSWORD_FILE"));
        assert!(of_exit(120, log).contains("hooks check"));
        assert_eq!(of_exit(1, log), "look at /var/log/check-error-last.log, then run `boathook doctor`");
        assert_eq!(of_exit(1 << 40, log), of_exit(1, log));
    }

    #[test]
    fn one_means_nothing_by_itself() {
        assert_eq!((sentence(1), sentence(77)), (String::new(), String::new()));
        assert!(sentence(12).starts_with("the password is wrong"));
    }
}
