//! Names that say of themselves that they hold a secret: of variables, of query parameters, of JSON keys.

/// Parts that mean a secret when they stand alone.
const WHOLE: &[&str] = &[
    "PASS",
    "PWD",
    "PW",
    "PSK",
    "KEY",
    "KEYS",
    "AUTH",
    "AUTHORIZATION",
    "CRED",
    "CREDS",
    "JWT",
    "SIG",
    "SIGNATURE",
    "BEARER",
];

/// Endings of a part that mean a secret: `PGPASSWORD`, `apikey`.
const ENDINGS: &[&str] = &[
    "PASSWORD",
    "PASSWORDS",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "SECRETS",
    "TOKEN",
    "TOKENS",
    "CREDENTIAL",
    "CREDENTIALS",
    "APIKEY",
    "ACCESSKEY",
    "SECRETKEY",
    "PRIVATEKEY",
    "ACCOUNTKEY",
];

/// Last parts that say that the value is about the secret, and not the secret: where it lies, how long it is.
const ABOUT: &[&str] = &[
    "FILE",
    "PATH",
    "DIR",
    "COMMAND",
    "CMD",
    "HINT",
    "TYPE",
    "METHOD",
    "MODE",
    "VERSION",
    "ALGORITHM",
    "SIZE",
    "LENGTH",
    "BITS",
    "COUNT",
    "TTL",
    "TIMEOUT",
    "EXPIRY",
    "URL",
    "URI",
    "ENDPOINT",
    "SOCK",
    "SOCKET",
    "HOST",
    "PORT",
    "REGION",
];

/// Whether `name` says that its value is a secret. Its parts are told apart by anything that is neither letter nor
/// digit, and by a capital after a small letter; digits at the end of a part don't count (`RESTIC_PASSWORD2`).
pub fn names_a_secret(name: &str) -> bool {
    // The two folders that every shell exports.
    if name == "PWD" || name == "OLDPWD" {
        return false;
    }
    parts(name).any(is_secret) && !parts(name).last().is_some_and(|last| is_one_of(ABOUT, last))
}

/// Whether `name` belongs to a file that holds a secret: `OS_PASSWORD_FILE`.
pub fn names_a_secret_file(name: &str) -> bool {
    parts(name).last().is_some_and(|last| last.eq_ignore_ascii_case("FILE")) && parts(name).any(is_secret)
}

fn is_secret(part: &str) -> bool {
    let ends_with = |ending: &&str| {
        let tail = part.len().checked_sub(ending.len()).and_then(|start| part.get(start..));
        tail.is_some_and(|tail| tail.eq_ignore_ascii_case(ending))
    };
    is_one_of(WHOLE, part) || ENDINGS.iter().any(ends_with)
}

fn is_one_of(words: &[&str], part: &str) -> bool {
    words.iter().any(|word| word.eq_ignore_ascii_case(part))
}

fn parts(name: &str) -> impl Iterator<Item = &str> {
    let mut rest = name;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut after_small = false;
        let end = rest.find(|c: char| {
            let ends = !c.is_alphanumeric() || after_small && c.is_uppercase();
            after_small = c.is_lowercase();
            ends
        });
        let (part, others) = rest.split_at(end.unwrap_or(rest.len()));
        rest = others.strip_prefix(|c: char| !c.is_alphanumeric()).unwrap_or(others);
        Some(part.trim_end_matches(|c: char| c.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_name_tells() {
        for name in [
            "OS_PASSWORD",
            "RESTIC_PASSWORD",
            "RESTIC_PASSWORD2",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_ACCESS_KEY_ID",
            "WEBHOOK_HEADER_AUTH",
            "B2_ACCOUNT_KEY",
            "GOOGLE_CREDENTIALS",
            "RCLONE_CONFIG_PASS",
            "RCLONE_CONFIG_VAULT_TOKEN",
            "PGPASSWORD",
            "MYSQL_PWD",
            "apikey",
            "accessToken",
            "X-Amz-Signature",
        ] {
            assert!(names_a_secret(name), "{name}");
        }
    }

    #[test]
    fn what_is_about_a_secret_is_none() {
        for name in [
            "PWD",
            "OLDPWD",
            "RESTIC_KEY_HINT",
            "RESTIC_PASSWORD_FILE",
            "RESTIC_PASSWORD_COMMAND",
            "OS_AUTH_URL",
            "SSH_AUTH_SOCK",
            "COMPASS_HEADING",
            "KEYBOARD",
            "AUTHOR",
            "HOSTNAME",
            "RESTIC_TAG",
            "",
        ] {
            assert!(!names_a_secret(name), "{name}");
        }
    }

    #[test]
    fn a_file_of_a_secret_is_known_by_its_name() {
        assert!(names_a_secret_file("OS_PASSWORD_FILE"));
        assert!(names_a_secret_file("RESTIC_PASSWORD_FILE2"));
        assert!(!names_a_secret_file("REPLICATE_JOB_FILE"));
        assert!(!names_a_secret_file("FILE"));
    }
}
