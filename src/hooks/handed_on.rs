//! Values that a hook hands on: `NAME=value` lines in its `HOOK_OUTPUT`.

use crate::masking::Secrets;
use crate::settings::table;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The most that a hook may hand on, in bytes.
const LARGEST: u64 = 64 * 1024;

/// What the work honours although its family is refused.
const HONOURED: [&str; 2] = ["BACKUP_ROOT_DIR", "RESTIC_TAG"];

/// Names that the loader, shells, interpreters, engines or cloud clients read: a hook that could set them could make the
/// worker run or trust something else. Our own settings are refused by their table.
const REFUSED: &[&str] = &[
    "PATH",
    "IFS",
    "ENV",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "SHELLOPTS",
    "BASHOPTS",
    "CDPATH",
    "GLOBIGNORE",
    "PS4",
    "TZ",
    "TZDIR",
    "LANG",
    "LANGUAGE",
    "NLSPATH",
    "LOCPATH",
    "GCONV_PATH",
    "GLIBC_TUNABLES",
    "HOSTALIASES",
    "LOCALDOMAIN",
    "RES_OPTIONS",
    "GETCONF_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "FTP_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "REQUEST_METHOD",
    "JAVA_TOOL_OPTIONS",
    "CLASSPATH",
    "PWD",
    "OLDPWD",
    "EDITOR",
    "VISUAL",
    "PAGER",
    "TERM",
    "GODEBUG",
    "GOMAXPROCS",
    "GOGC",
    "GOMEMLIMIT",
    "GOTRACEBACK",
    "GOROOT",
    "GOPATH",
    "GOCOVERDIR",
    "KUBECONFIG",
    "DOCKER_HOST",
    "DOCKER_CONFIG",
    "HOSTNAME",
];

/// The same for whole families.
const REFUSED_PREFIXES: &[&str] = &[
    "LD_",
    "LC_",
    "BASH_",
    "MALLOC_",
    "PYTHON",
    "PERL",
    "RUBY",
    "NODE_",
    "XDG_",
    "SSL_",
    "SSH_",
    "GIT_",
    "CURL_",
    "RESTIC_",
    "RCLONE_",
    "AWS_",
    "B2_",
    "AZURE_",
    "GOOGLE_",
    "ST_",
    "OS_",
    "SWIFT_",
    "HOOK",
    "RUN_",
    "BOATHOOK_",
    "BORGITORY_",
    "WEBHOOK_",
    "MAILX_",
    "SYNC_",
    "KUBERNETES_",
];

/// Reads what a hook handed on, once, after it has ended.
///
/// # Errors
/// A sentence that names the line and the mend. None of the lines counts then.
pub fn read(path: &Path, secrets: &Secrets) -> Result<Vec<(String, String)>, String> {
    let file = match OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path) {
        Ok(file) => file,
        // It was made for the hook; that it took it away says that it has nothing to hand on.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) if error.raw_os_error() == Some(libc::ELOOP) => {
            return Err("HOOK_OUTPUT has become a symbolic link: write to the file itself".to_owned());
        }
        Err(error) => return Err(format!("HOOK_OUTPUT cannot be read: {error}")),
    };
    if !file.metadata().is_ok_and(|facts| facts.is_file()) {
        return Err("HOOK_OUTPUT is no regular file any more: write to the file itself".to_owned());
    }
    let mut content = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut content).map_err(|error| format!("HOOK_OUTPUT cannot be read: {error}"))?;
    if content.len() as u64 > LARGEST {
        return Err(format!("HOOK_OUTPUT holds more than {LARGEST} bytes: hand on paths, not data"));
    }
    let text = String::from_utf8(content).map_err(|_| "HOOK_OUTPUT is not UTF-8 text".to_owned())?;
    parse(&text, secrets)
}

fn parse(text: &str, secrets: &Secrets) -> Result<Vec<(String, String)>, String> {
    let mut values = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let refuse = |why: &str| Err(format!("HOOK_OUTPUT line {}: {why}", number + 1));
        let Some((name, value)) = line.split_once('=') else {
            return refuse("is not NAME=value");
        };
        if !is_name(name) {
            // Masked as a whole: a secret that holds a '=', or is cut for being long, is not found any more.
            let masked = secrets.mask(line);
            let name = masked.split('=').next().unwrap_or_default();
            return refuse(&format!("'{}' is no name: use A-Z, 0-9 and _, beginning with a letter", shown(name)));
        }
        if !HONOURED.contains(&name) && is_refused(name) {
            return refuse(&format!(
                "{name} is read by others (loader, shell, engines, Boathook) and cannot be handed on: choose a name of \
                 your own, such as MY_{name}"
            ));
        }
        if value.contains(['\0', '\r']) {
            return refuse(&format!("the value of {name} holds a NUL or a carriage return"));
        }
        if secrets.found_in(value) {
            return refuse(&format!("the value of {name} holds a known secret: hand on the path of a file instead"));
        }
        values.push((name.to_owned(), value.to_owned()));
    }
    Ok(values)
}

fn shown(name: &str) -> String {
    name.chars().take(40).map(|c| if c.is_control() { '?' } else { c }).collect()
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

fn is_refused(name: &str) -> bool {
    REFUSED.contains(&name)
        || REFUSED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || table::find(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_and_values_are_taken_as_they_are() {
        let values = parse("BACKUP_ROOT_DIR=/mnt/a b\n\nMY_NOTE= x=y \nRESTIC_TAG=\n", &Secrets::new());
        let expected = [("BACKUP_ROOT_DIR", "/mnt/a b"), ("MY_NOTE", " x=y "), ("RESTIC_TAG", "")];
        assert_eq!(values, Ok(expected.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()));
    }

    #[test]
    fn one_bad_line_costs_all_lines_and_is_named() {
        for (line, why) in [
            ("no assignment", "is not NAME=value"),
            ("lower=1", "is no name"),
            ("1ST=1", "is no name"),
            ("LD_PRELOAD=/x", "read by others"),
            ("PATH=/x", "read by others"),
            ("RESTIC_REPOSITORY=/x", "read by others"),
            ("HOOK_TIMEOUT=1", "read by others"),
            ("RUN_ID=1", "read by others"),
            ("HTTPS_PROXY=x", "read by others"),
            ("CHECK_CRON=x", "read by others"),
            ("STATE_DIR=/x", "read by others"),
            ("NOTE=a\rb", "carriage return"),
        ] {
            let error = parse(&format!("GOOD=1\n{line}\n"), &Secrets::new()).expect_err(line);
            assert!(error.starts_with("HOOK_OUTPUT line 2: ") && error.contains(why), "{line}: {error}");
        }
    }

    #[test]
    fn no_part_of_a_secret_is_quoted() {
        let long = "0123456789abcdef".repeat(4);
        for secret in [long.as_str(), "c2VjcmV0IHdvcmQ="] {
            let mut secrets = Secrets::new();
            secrets.add(secret);
            let error = parse(&format!("{secret}=1\n"), &secrets).expect_err("is no name");
            assert!(!error.contains(&secret[..12]), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_content_panics(text in ".{0,400}") {
            let _ = parse(&text, &Secrets::new());
        }
    }
}
