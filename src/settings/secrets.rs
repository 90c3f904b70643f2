//! Which variables and files hold secrets.

use super::named_file;
use super::table::{self, Class, Secrecy};
use super::values::switch;
use super::words;
use super::{Environment, Settings};
use crate::masking::{
    Secrets, from_base64, names_a_secret, names_a_secret_file, secrets_of_location, secrets_of_webhook,
};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

/// Passwords that restic reads and the table does not list.
const PASSWORDS: &[&str] = &["RESTIC_FROM_PASSWORD", "RESTIC_PASSWORD2", "RESTIC_REST_PASSWORD"];

/// Locations that may hold a password though there is no `://` in them.
const LOCATIONS: &[&str] = &["RESTIC_REPOSITORY", "RESTIC_REPOSITORY2", "RESTIC_FROM_REPOSITORY", "NFS_TARGET"];

/// The shortest credentials behind `Bearer` or `Basic` in a variable that isn't named like a secret, in bytes.
const CREDENTIALS: usize = 8;

/// Collects the secrets of the snapshot, of the files that it names, and of the repository's location (which may come
/// from a file).
pub(super) fn collect(environment: &Environment, location: &str) -> Secrets {
    let mut secrets = Secrets::new();
    for (name, value) in environment.iter().filter(|(_, value)| !value.is_empty()) {
        let name = name.to_string_lossy();
        let text = value.to_string_lossy();
        if is_always_secret(&name) || names_a_secret(&name) && !is_innocent(value, &text) {
            add_value(&mut secrets, &name, value.as_bytes());
        } else if names_a_secret_file(&name) {
            add_file(&mut secrets, &name, Path::new(value));
        } else {
            add_credentials(&mut secrets, &name, &text, CREDENTIALS);
        }
        if table::find(&name).is_some_and(|variable| variable.class == Class::Words) {
            add_options(&mut secrets, &name, &text);
        }
        if LOCATIONS.contains(&&*name) || text.contains("://") {
            let parts = if is_webhook(&name) { secrets_of_webhook(&text) } else { secrets_of_location(&text) };
            for part in parts {
                secrets.add_from(&name, part.as_bytes());
            }
        }
    }
    for part in secrets_of_location(location) {
        secrets.add_from("RESTIC_REPOSITORY", part.as_bytes());
    }
    secrets
}

/// Adds what is secret among the words of a list that stands in a file: the values of options that are named like
/// secrets, and the passwords of locations.
pub fn add_secrets_of_words(secrets: &mut Secrets, text: &str) {
    add_options(secrets, "a word list", text);
    for secret in secrets_of_location(text) {
        secrets.add(&secret);
    }
}

/// The same for the words of our own command line, behind the command's name.
pub fn add_secrets_of_command_line(settings: &mut Settings, args: &[OsString]) {
    let words: Vec<String> = args.iter().skip(1).map(|word| words::quote(&word.to_string_lossy())).collect();
    if words.is_empty() {
        return;
    }
    let mut secrets = (*settings.secrets).clone();
    add_options(&mut secrets, "the command line", &words.join(" "));
    for word in args.iter().skip(1) {
        for secret in secrets_of_location(&word.to_string_lossy()) {
            secrets.add(&secret);
        }
    }
    settings.secrets = Arc::new(secrets);
}

fn is_always_secret(name: &str) -> bool {
    PASSWORDS.contains(&name) || table::find(name).is_some_and(|variable| variable.secrecy == Secrecy::Secret)
}

/// Whether this value of this variable is a secret, or an address with one in it.
pub(super) fn is_secret(name: &str, value: &str) -> bool {
    let named = is_always_secret(name) || names_a_secret(name) && !is_innocent(OsStr::new(value), value);
    let part = || if is_webhook(name) { secrets_of_webhook(value) } else { secrets_of_location(value) };
    let is_address = LOCATIONS.contains(&name) || value.contains("://");
    !value.is_empty() && (named || is_address && part().into_iter().next().is_some())
}

fn is_webhook(name: &str) -> bool {
    name.split('_').any(|part| part == "WEBHOOK")
}

/// Whether a value is no secret although its name says so: a switch, or the path of something that is there.
fn is_innocent(value: &OsStr, text: &str) -> bool {
    switch(text).is_some() || text.starts_with('/') && Path::new(value).exists()
}

/// A secret, and the secrets in it: credentials behind their kind, the members of a JSON object.
fn add_value(secrets: &mut Secrets, name: &str, value: &[u8]) {
    secrets.add_from(name, value);
    let Ok(text) = str::from_utf8(value) else { return };
    add_credentials(secrets, name, text, 1);
    if text.trim_start().starts_with('{')
        && let Ok(serde_json::Value::Object(members)) = serde_json::from_str(text)
    {
        for (key, member) in members.iter().filter(|(key, _)| names_a_secret(key)) {
            if let Some(member) = member.as_str() {
                secrets.add_from(&format!("{name} ({key})"), member.as_bytes());
            }
        }
    }
}

/// `Bearer xyz` and `Basic xyz`: the credentials by themselves, and the password in them.
fn add_credentials(secrets: &mut Secrets, name: &str, text: &str, least: usize) {
    let mut words = text.split_whitespace();
    let (Some(kind), Some(credentials), None) = (words.next(), words.next(), words.next()) else { return };
    if credentials.len() < least || !["bearer", "basic", "token"].contains(&kind.to_ascii_lowercase().as_str()) {
        return;
    }
    secrets.add_from(name, credentials.as_bytes());
    if kind.eq_ignore_ascii_case("basic")
        && let Some(pair) = from_base64(credentials)
    {
        secrets.add_from(name, &pair);
        if let Some(colon) = pair.iter().position(|byte| *byte == b':') {
            secrets.add_from(name, &pair[colon + 1..]);
        }
    }
}

/// The values of options that are named like secrets, as `--sftp-pass=xyz` or `--sftp-pass xyz`, and credentials in
/// headers.
fn add_options(secrets: &mut Secrets, name: &str, text: &str) {
    let words = words::split(text).unwrap_or_else(|_| text.split_whitespace().map(str::to_owned).collect());
    let mut option = "";
    add_headers(secrets, name, &words);
    for word in &words {
        let (key, value) = word.split_once('=').unwrap_or((option, word));
        if names_a_secret(key) && !value.starts_with('-') {
            secrets.add_from(name, value.as_bytes());
        }
        if let Some((header, value)) = word.split_once(':') {
            let header = header.rsplit('=').next().unwrap_or_default();
            add_credentials(secrets, name, value, if names_a_secret(header) { 1 } else { CREDENTIALS });
        }
        option = if word.starts_with("--") { word } else { "" };
    }
}

/// The values of headers in a list of rclone's words; to the next option where quotes are not closed.
fn add_headers(secrets: &mut Secrets, name: &str, words: &[String]) {
    const HEADERS: [&str; 4] = ["--header", "--http-headers", "--header-upload", "--header-download"];
    for (index, word) in words.iter().enumerate() {
        let (key, value) = word.split_once('=').map_or((word.as_str(), None), |(key, value)| (key, Some(value)));
        if !HEADERS.contains(&key) {
            continue;
        }
        let behind = words[index + 1..].iter().map(String::as_str).take_while(|word| !word.starts_with("--"));
        let is_open = value.or(words.get(index + 1).map(String::as_str)).is_some_and(|v| v.starts_with(['"', '\'']));
        let count = if is_open { usize::MAX } else { usize::from(value.is_none()) };
        let text = value.into_iter().chain(behind.take(count)).collect::<Vec<_>>().join(" ");
        let text = text.trim_matches(['"', '\'']);
        if key == "--http-headers" {
            text.split(',').skip(1).step_by(2).for_each(|value| secrets.add_from(name, value.as_bytes()));
        } else {
            let value = text.split_once(':').map_or(text, |(_, value)| value);
            secrets.add_from(name, value.as_bytes());
            add_credentials(secrets, name, value, 1);
        }
    }
}

/// All that a secret's file holds, and each line of it.
fn add_file(secrets: &mut Secrets, name: &str, path: &Path) {
    match named_file::beginning(path) {
        Ok(content) => add_value(secrets, name, &content),
        Err(_) => secrets.add_unread(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn of(pairs: &[(&str, &str)]) -> Secrets {
        collect(&pairs.iter().copied().collect(), "")
    }

    #[test]
    fn a_value_is_secret_by_its_name() {
        let secrets =
            of(&[("OS_PASSWORD", "swift-pw"), ("AWS_ACCESS_KEY_ID", "AKIA0001"), ("RESTIC_TAG", "automated")]);
        assert_eq!(secrets.mask("swift-pw AKIA0001 automated"), "*** *** automated");
    }

    #[test]
    fn switches_and_paths_that_exist_are_no_secrets() {
        let secrets = of(&[
            ("ALLOW_EMPTY_PASSWORD", "true"),
            ("SSH_PRIVATE_KEY", "/proc/self"),
            ("X_KEY", "/no/such/path/at/all"),
            ("PWD", "/work"),
            ("RESTIC_KEY_HINT", "0123abcd"),
            ("RESTIC_PASSWORD_COMMAND", "cat /secret"),
        ]);
        assert_eq!(
            secrets.mask("true /proc/self /work 0123abcd cat /secret"),
            "true /proc/self /work 0123abcd cat /secret"
        );
        assert_eq!(secrets.mask("/no/such/path/at/all"), "***");
    }

    #[test]
    fn the_repository_password_is_secret_whatever_it_is() {
        assert_eq!(of(&[("RESTIC_PASSWORD", "true")]).mask("true"), "***");
        assert_eq!(of(&[("RESTIC_PASSWORD", "/proc/self")]).mask("/proc/self"), "***");
    }

    #[test]
    fn a_secret_too_short_to_be_searched_for_is_named() {
        let secrets = of(&[("RESTIC_PASSWORD", "abc"), ("RESTIC_REPOSITORY", "sftp:bob:pw@nas:/srv")]);
        assert_eq!(secrets.mask("abc pw"), "abc pw");
        assert_eq!(secrets.short(), ["RESTIC_PASSWORD", "RESTIC_REPOSITORY"]);
    }

    #[test]
    fn the_file_of_a_secret_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("password");
        fs::write(&path, "first line\r\nsecond line\n").expect("a file");
        let path = path.to_string_lossy();
        let secrets = of(&[("RESTIC_PASSWORD_FILE", &path), ("OS_PASSWORD_FILE", "/no/such/file")]);
        assert_eq!(secrets.mask("a first line, a second line"), "a ***, a ***");
        assert_eq!(secrets.mask(&path), path);
        assert_eq!(secrets.unread(), ["OS_PASSWORD_FILE"]);
    }

    #[test]
    fn urls_are_looked_into_whatever_the_variable() {
        let secrets = of(&[
            ("HTTPS_PROXY", "http://me:pr0xy@proxy:3128"),
            ("SMTP_URL", "smtps://me:m%40il@mail.example:465"),
            ("WEBHOOK_URL", "https://hooks.example/services/B0123456789"),
            ("OS_AUTH_URL", "https://keystone.example/v3"),
            ("REPLICATE_JOB_ARGS", "--x=http://u:first@h,http://v:second@h"),
        ]);
        assert_eq!(secrets.mask("pr0xy m@il m%40il B0123456789 first second"), "*** *** *** *** *** ***");
        assert_eq!(secrets.mask("https://keystone.example/v3 proxy:3128"), "https://keystone.example/v3 proxy:3128");
    }

    #[test]
    fn credentials_are_secret_by_themselves() {
        let secrets =
            of(&[("WEBHOOK_HEADER_AUTH", "Basic YWxpY2U6czNjcmV0"), ("X", "Bearer abcdefgh"), ("Y", "Basic text")]);
        assert_eq!(secrets.mask("YWxpY2U6czNjcmV0 alice:s3cret s3cret abcdefgh text"), "*** *** *** *** text");
    }

    #[test]
    fn options_that_are_named_like_secrets_hold_them() {
        let words = "--sftp-pass first --s3-secret-access-key='sec ond' --rc-no-auth --fast-list \
                     --header 'Authorization: Bearer third' --password-file /x --keep-tag tagged";
        let secrets = of(&[("REPLICATE_JOB_ARGS", words)]);
        assert_eq!(
            secrets.mask(words),
            "--sftp-pass *** --s3-secret-access-key='***' --rc-no-auth --fast-list \
             --header 'Authorization: ***' --password-file /x --keep-tag tagged"
        );
    }

    #[test]
    fn the_secrets_in_a_json_value_are_secret_by_themselves() {
        let secrets = of(&[("RCLONE_CONFIG_X_TOKEN", r#"{"access_token":"abc/def","token_type":"Bearer"}"#)]);
        assert_eq!(secrets.mask("abc/def Bearer"), "*** Bearer");
    }

    #[test]
    fn a_location_from_a_file_is_looked_into() {
        let secrets = collect(&Environment::default(), "rest:https://alice:s3cret@host/r");
        assert_eq!(secrets.mask("s3cret"), "***");
    }
}
