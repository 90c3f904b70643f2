//! What to do about a run that failed, by its exit code.

use super::last::Summary;
use crate::exit;
use std::path::Path;

/// Why a run failed, as it says itself, or as its exit code says.
pub(super) fn reason(job: &str, summary: &Summary) -> String {
    if !summary.reason.is_empty() {
        return summary.reason.clone();
    }
    if summary.exit_code == i64::from(exit::INCOMPLETE) {
        incomplete(job).0.to_owned()
    } else {
        sentence(summary.exit_code)
    }
}

/// The code that means another thing for each job: what, and what to do. Empty if it could mean anything.
fn incomplete(job: &str) -> (&'static str, &'static str) {
    match job {
        "backup" => {
            ("some source files could not be read", "see in LOG which files; exclude them, or let this user read them")
        }
        "restore" | "restore-test" | "snapshot-export" => {
            ("the paths that were asked for match nothing", "look at LOG, and for the paths with `restic ls latest`")
        }
        "init-repo" => ("the repository is there already", "nothing: `boathook doctor` says whether it can be used"),
        _ => ("", "look at LOG, then run `boathook doctor`"),
    }
}

/// What the exit code means, in a few words; empty if it could mean anything.
fn sentence(code: i64) -> String {
    let known = |row: &&exit::ExitCode| i64::from(row.code) == code && code != 1;
    exit::TABLE.iter().find(known).map(|row| row.sentence.to_owned()).unwrap_or_default()
}

/// Workers whose exit code 2 comes from flags and targets as well as from settings.
const REFUSING: [&str; 8] = [
    "mount-snapshot",
    "forget-preview",
    "snapshot-export",
    "restore-test",
    "unlock",
    "init-repo",
    "notify-test",
    "sources-report",
];

/// What to do.
pub(super) fn of_exit(job: &str, code: i64, error_log: &Path) -> String {
    let log = error_log.display();
    match i32::try_from(code).unwrap_or(exit::FAILURE) {
        exit::USAGE if REFUSING.contains(&job) => {
            format!("read the reason in {log}; if it is a setting, run `boathook config-check`")
        }
        exit::USAGE => "run `boathook config-check` and correct the settings that it names".to_owned(),
        exit::INCOMPLETE => incomplete(job).1.replace("LOG", &log.to_string()),
        exit::NO_REPOSITORY => "correct RESTIC_REPOSITORY, or make the repository with `boathook init-repo`".to_owned(),
        exit::REPOSITORY_LOCKED => {
            "let the program that holds the repository finish; if it was killed, run `boathook unlock`".to_owned()
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
        assert!(of_exit("check", 12, log).contains("RESTIC_PASSWORD_FILE"));
        assert!(of_exit("check", 120, log).contains("hooks check"));
        assert_eq!(of_exit("check", 1, log), "look at /var/log/check-error-last.log, then run `boathook doctor`");
        assert_eq!(of_exit("check", 1 << 40, log), of_exit("check", 1, log));
    }

    #[test]
    fn three_means_another_thing_for_each_job() {
        let log = Path::new("/var/log/x-last.log");
        assert!(of_exit("backup", 3, log).starts_with("see in /var/log/x-last.log which files"));
        assert!(of_exit("restore-test", 3, log).contains("restic ls"));
        assert!(of_exit("init-repo", 3, log).starts_with("nothing: "));
        assert_eq!(of_exit("replicate", 3, log), of_exit("replicate", 1, log));
    }

    #[test]
    fn two_is_not_always_a_setting() {
        let log = Path::new("/var/log/x-last.log");
        assert!(of_exit("backup", 2, log).starts_with("run `boathook config-check`"));
        for job in REFUSING {
            let mend = "read the reason in /var/log/x-last.log; if it is a setting, run `boathook config-check`";
            assert_eq!(of_exit(job, 2, log), mend);
            assert!(crate::workers::names().contains(&job), "{job}");
        }
    }

    #[test]
    fn one_means_nothing_by_itself() {
        assert_eq!((sentence(1), sentence(77)), (String::new(), String::new()));
        assert!(sentence(12).starts_with("the password is wrong"));
    }
}
