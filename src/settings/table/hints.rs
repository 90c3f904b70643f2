//! Unknown variables that look like one of ours: a setting that is misspelt is otherwise ignored in silence.

use super::VARIABLES;
use crate::settings::Environment;
use crate::settings::origin;

/// What restic reads by itself, and what the container may have for commands that are not here.
const KNOWN_ELSEWHERE: &[&str] = &[
    "HOOKS_FILE",
    "HOOKS_FOREIGN_EXEC",
    "RESTIC_COMPRESSION",
    "RESTIC_DEBUG",
    "RESTIC_FEATURES",
    "RESTIC_HOST",
    "RESTIC_HTTP_USER_AGENT",
    "RESTIC_KEY_HINT",
    "RESTIC_KEY_HINT2",
    "RESTIC_PACK_SIZE",
    "RESTIC_PASSWORD2",
    "RESTIC_PASSWORD_COMMAND2",
    "RESTIC_PASSWORD_FILE2",
    "RESTIC_PROGRESS_FPS",
    "RESTIC_READ_CONCURRENCY",
    "RESTIC_REPOSITORY2",
    "RESTIC_REPOSITORY_FILE2",
    "RESTIC_TLS_CLIENT_CERT",
    "RESTORE_TEST_CANARY",
    "RESTORE_TEST_CANARY_FILE",
    "RESTORE_TEST_KEEP",
    "RESTORE_TEST_MIN_FILES",
    "RESTORE_TEST_PATH",
    "RESTORE_TEST_TARGET",
    "RESTORE_TEST_VERIFY",
];

/// Families of variables that restic, rclone and the clients of clouds read.
const FAMILIES: &[&str] = &[
    "RESTIC_FROM_",
    "RESTIC_REST_",
    "RCLONE_",
    "AWS_",
    "AZURE_",
    "B2_",
    "GOOGLE_",
    "GCS_",
    "GS_",
    "MINIO_",
    "OS_",
    "ST_",
    "S3_",
    "KUBERNETES_",
    "DOCKER_",
    "XDG_",
    "GIT_",
    "LC_",
    "SSL_",
];

/// First parts that people add to a name, leave out or mix up.
const PREFIXES: &[&str] =
    &["RESTIC", "BOATHOOK", "BACKUP", "HOOK", "HOOKS", "WEBHOOK", "MAILX", "MAIL", "REPLICATE", "SYNC", "RUN", "LOG"];

/// The shortest beginning of a name that is taken for it, in bytes.
const BEGINNING: usize = 8;

/// Each unknown variable that looks like one of ours, with the nearest right name, in the order of their names.
pub fn hints(environment: &Environment) -> Vec<(String, &'static str)> {
    let names = environment.iter().filter_map(|(name, _)| name.to_str());
    names.filter(|name| !is_known(name)).filter_map(|name| Some((name.to_owned(), nearest(name)?))).collect()
}

fn is_known(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    VARIABLES.iter().any(|variable| variable.name == name)
        || origin::OF_A_HOOK.contains(&name)
        || name == origin::PARENT
        || KNOWN_ELSEWHERE.contains(&name)
        || FAMILIES.iter().any(|family| upper.starts_with(family))
}

fn nearest(name: &str) -> Option<&'static str> {
    let upper = name.to_ascii_uppercase().replace('-', "_");
    let scored = VARIABLES.iter().filter_map(|variable| Some((score(&upper, variable.name)?, variable.name)));
    scored.min_by_key(|(score, _)| *score).map(|(_, name)| name)
}

/// How unlike the two are: the kind of likeness first, then the distance. `None` if they are not alike.
fn score(unknown: &str, known: &str) -> Option<(u8, usize)> {
    let distance = distance(unknown, known);
    let mistyped = match known.len() {
        0..=5 => 0,
        6..=9 => 1,
        10..=15 => 2,
        _ => 3,
    };
    if distance <= mistyped {
        return Some((0, distance));
    }
    let is_beginning = unknown.len() >= BEGINNING && known.starts_with(unknown);
    if is_beginning || without_prefix(unknown) == Some(known) {
        return Some((1, distance));
    }
    // A name of two words at least, but no folder: CACHE_DIR is everybody's.
    let tail = without_prefix(known).filter(|tail| tail.contains('_') && !tail.ends_with("_DIR"))?;
    (tail == unknown || without_prefix(unknown) == Some(tail)).then_some((2, distance))
}

fn without_prefix(name: &str) -> Option<&str> {
    name.split_once('_').filter(|(first, _)| PREFIXES.contains(first)).map(|(_, rest)| rest)
}

/// How many letters must be put in, taken out, changed or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    // Too unlike in length to matter; keeps a name of many kilobytes from costing anything.
    if a.len().abs_diff(b.len()) > b.len() {
        return usize::MAX;
    }
    let mut before = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let changed = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = changed.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(name: &str) -> Option<&'static str> {
        hints(&[(name, "x")].into_iter().collect()).first().map(|(unknown, nearest)| {
            assert_eq!(unknown, name);
            *nearest
        })
    }

    #[test]
    fn a_misspelt_name_gets_the_nearest_right_one() {
        for (unknown, nearest) in [
            ("RESTIC_REPOSITROY", "RESTIC_REPOSITORY"),
            ("RESTIC_REPO", "RESTIC_REPOSITORY"),
            ("RESTIC_PASSWORDFILE", "RESTIC_PASSWORD_FILE"),
            ("RESTIC_PASS", "RESTIC_PASSWORD"),
            ("restic_tag", "RESTIC_TAG"),
            ("BACKUP_ROOT", "BACKUP_ROOT_DIR"),
            ("BACKUP_ROOT_DIRS", "BACKUP_ROOT_DIR"),
            ("RESTIC_BACKUP_CRON", "BACKUP_CRON"),
            ("FORGET_ARGS", "RESTIC_FORGET_ARGS"),
            ("BACKUP_FORGET_ARGS", "RESTIC_FORGET_ARGS"),
            ("RESTIC_JOB_ARG", "RESTIC_JOB_ARGS"),
            ("MAIL_RCPT", "MAILX_RCPT"),
            ("HOOKS_TIMEOUT", "HOOK_TIMEOUT"),
            ("HOOK_DIR", "HOOKS_DIR"),
            ("WEBHOOKURL", "WEBHOOK_URL"),
            ("LOGLEVEL", "LOG_LEVEL"),
            ("RESTIC-TAG", "RESTIC_TAG"),
        ] {
            assert_eq!(hint(unknown), Some(nearest), "{unknown}");
        }
    }

    #[test]
    fn what_others_read_gets_none() {
        for name in [
            "RESTIC_HOST",
            "RESTIC_COMPRESSION",
            "RESTIC_PACK_SIZE",
            "RESTIC_READ_CONCURRENCY",
            "RESTIC_PROGRESS_FPS",
            "RESTIC_KEY_HINT",
            "RESTIC_FEATURES",
            "RESTIC_PASSWORD2",
            "RESTIC_FROM_REPOSITORY",
            "RESTIC_TLS_CLIENT_CERT",
            "RESTORE_TEST_PATH",
            "HOOKS_FILE",
            "RESTIC_REST_USERNAME",
            "RESTIC_REPOSITORY_FILE",
            "RCLONE_CONFIG_PASS",
            "AWS_ACCESS_KEY_ID",
            "OS_AUTH_TYPE",
        ] {
            assert_eq!(hint(name), None, "{name}");
        }
    }

    #[test]
    fn our_own_and_everyday_names_get_none() {
        for name in [
            "PATH",
            "HOME",
            "USER",
            "SHELL",
            "TERM",
            "LANG",
            "TZ",
            "PWD",
            "SHLVL",
            "HOOK_NAME",
            "RUN_ID",
            "RUN_DIR",
            "RUN_PARENT_ID",
            "CACHE_DIR",
            "DATA_DIR",
            "HTTP_PROXY",
            "LS_COLORS",
            "SLACK_WEBHOOK_URL_2",
            "POSTGRES_HOST",
            "MY_LOG_DIR",
            "LOGNAME",
            "HOSTTYPE",
            "",
            "=",
        ] {
            assert_eq!(hint(name), None, "{name}");
        }
        for variable in VARIABLES {
            assert_eq!(hint(variable.name), None, "{}", variable.name);
        }
    }
}
