//! `SETTINGS_FILE`: settings that may change while the container runs, since its environment cannot.
//!
//! Lines are those of compose's `env_file`. What they set wins over the environment: the image's own defaults are there.

use super::named_file::{MOST, beginning};
use super::secrets::is_secret;
use super::{Effect, Environment, Mistake, Settings, SettingsFile, origin};
use std::ffi::OsStr;
use std::io;
use std::path::Path;

const VARIABLE: &str = "SETTINGS_FILE";
/// Its name in the folder of the configuration where nothing else is said.
const DEFAULT: &str = "boathook.env";

/// What the file says, on top of the environment.
pub(super) struct Read {
    /// The environment with the file's settings in it.
    pub environment: Environment,
    /// What became of the file.
    pub file: SettingsFile,
    /// What is wrong in it; the other lines count.
    pub mistakes: Vec<Mistake>,
}

/// Reads the file that the environment names, or the one in `CONFIG_DIR` if there is one.
pub(super) fn apply(environment: &Environment) -> Read {
    let mut environment = environment.clone();
    let given = |name| environment.raw(name).filter(|given| !given.is_empty());
    let default = Path::new("/").join(given("CONFIG_DIR").unwrap_or(OsStr::new("config"))).join(DEFAULT);
    // Naming the default says no more than not naming it.
    let chosen = given(VARIABLE).map(|given| Path::new("/").join(given)).filter(|path| *path != default);
    let path = chosen.clone().unwrap_or(default);
    let mut mistakes = Vec::new();
    let content = match beginning(&path) {
        Ok(content) => content,
        Err(error) if chosen.is_none() && is_missing(&error) => {
            return Read { environment, file: SettingsFile::Missing, mistakes };
        }
        Err(error) => {
            let problem = format!("is not readable ({error}); the environment alone counts");
            mistakes.push(mistake(&path, problem, "mount the file and let this user read it"));
            return Read { environment, file: SettingsFile::Missing, mistakes };
        }
    };
    if path.metadata().is_ok_and(|facts| facts.len() > MOST) {
        let problem = format!("is longer than {} KiB; what is behind them does not count", MOST / 1024);
        mistakes.push(mistake(&path, problem, "write a shorter file"));
    }
    let (mut names, mut secret) = (Vec::new(), Vec::new());
    for (number, line) in content.split(|byte| *byte == b'\n').enumerate() {
        match parse(line) {
            Ok(None) => {}
            Ok(Some((name, value))) => {
                if is_secret(&name, &value) {
                    secret.push(name.clone());
                }
                environment.set(name.as_str(), value);
                names.push(name);
            }
            Err(Bad { what, mend }) => {
                let problem = format!("line {}: {what}; the line does not count", number + 1);
                mistakes.push(mistake(&path, problem, mend));
            }
        }
    }
    for list in [&mut names, &mut secret] {
        list.sort();
        list.dedup();
    }
    Read { environment, file: SettingsFile::Read { path, names, secret }, mistakes }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn mistake(path: &Path, problem: String, mend: &str) -> Mistake {
    let value = super::table::one_line(&path.to_string_lossy());
    Mistake { variable: VARIABLE, value, problem, mend: mend.to_owned(), effect: Effect::Loud }
}

/// The first process of a container reads it once, and a run that counted on another would be killed in its post hooks.
const STOP_TIMEOUT: &str = "STOP_TIMEOUT";

/// What is wrong with a line. A value is never shown: who knows what it is.
#[derive(Debug, PartialEq, Eq)]
struct Bad {
    what: String,
    mend: &'static str,
}

const ASSIGNMENT: &str = "write NAME=value, or # before a comment";

/// One line: nothing, or a name and its value.
fn parse(line: &[u8]) -> Result<Option<(String, String)>, Bad> {
    let bad = |what: &str, mend| Err(Bad { what: what.to_owned(), mend });
    let Ok(line) = str::from_utf8(line) else { return bad("is not UTF-8", "write it in UTF-8") };
    if line.contains('\0') {
        return bad("holds a zero byte", "write it as text");
    }
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let line = line.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t'])).unwrap_or(line);
    let Some((name, value)) = line.split_once('=') else { return bad("has no '='", ASSIGNMENT) };
    let name = name.trim();
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(letters) || name.starts_with(|c: char| c.is_ascii_digit()) {
        return bad("has no name of a variable before its '='", ASSIGNMENT);
    }
    if name == STOP_TIMEOUT {
        let what = format!("{name} cannot be set here: a container that runs keeps to the one it was started with");
        return Err(Bad { what, mend: "set it in the container's environment" });
    }
    if is_fixed(name) {
        let what = format!("{name} cannot be set here");
        return Err(Bad { what, mend: "set it in the container's environment, if at all" });
    }
    match value_of(value.trim()) {
        Some(value) => Ok(Some((name.to_owned(), value))),
        None => bad(
            &format!("{name} has a quote that is not closed at the end"),
            "put the whole value between one pair of quotes",
        ),
    }
}

/// What says where this file is, what a program is and where runs are found, and what belongs to one run or hook.
fn is_fixed(name: &str) -> bool {
    [VARIABLE, "CONFIG_DIR", "PATH"].contains(&name)
        || ["LD_", "RUN_", "BOATHOOK_"].iter().any(|family| name.starts_with(family))
        || origin::OF_A_HOOK.contains(&name)
}

/// The value without the quotes around it, or up to a comment; `None` if a quote is not closed. Between double quotes a
/// backslash stands before a quote, a backslash, or the letter of a line break or tab; between single ones everything
/// stands for itself.
fn value_of(text: &str) -> Option<String> {
    let Some(quote @ ('"' | '\'')) = text.chars().next() else { return Some(without_comment(text).to_owned()) };
    let mut value = String::new();
    let mut rest = text[1..].chars();
    while let Some(c) = rest.next() {
        if c == quote {
            let behind = rest.as_str().trim_start();
            return (behind.is_empty() || behind.starts_with('#')).then_some(value);
        }
        if c != '\\' || quote == '\'' {
            value.push(c);
            continue;
        }
        match rest.next() {
            Some('n') => value.push('\n'),
            Some('r') => value.push('\r'),
            Some('t') => value.push('\t'),
            Some(escaped @ ('"' | '\\')) => value.push(escaped),
            Some(other) => value.extend(['\\', other]),
            None => return None,
        }
    }
    None
}

/// A `#` begins a comment where a blank stands before it.
fn without_comment(text: &str) -> &str {
    let begins = |(at, _): &(usize, &str)| *at == 0 || text[..*at].ends_with([' ', '\t']);
    text.match_indices('#').find(begins).map_or(text, |(at, _)| text[..at].trim_end())
}

/// Has this process tell times in the zone that the file names, as it does with one in its environment. For the start
/// of the program, while it has one thread.
pub fn adopt_zone(settings: &Settings) {
    adopt(&settings.file, &settings.environment);
}

/// The same where nothing else of the settings is needed: reads that file alone.
pub fn adopt_zone_of_file(environment: &Environment) {
    let read = apply(environment);
    adopt(&read.file, &read.environment);
}

fn adopt(file: &SettingsFile, environment: &Environment) {
    let SettingsFile::Read { names, .. } = file else { return };
    if let Some(zone) = environment.raw("TZ").filter(|_| names.iter().any(|name| name == "TZ")) {
        // SAFETY: nobody reads the environment at the same time, since there is no other thread.
        unsafe { std::env::set_var("TZ", zone) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::read;
    use proptest::prelude::*;
    use std::fs;

    fn value(line: &str) -> Option<String> {
        parse(line.as_bytes()).ok().flatten().map(|(_, value)| value)
    }

    fn with(text: &[u8], more: &[(&str, &str)]) -> Settings {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join(DEFAULT), text).expect("can be written");
        let config = folder.path().to_string_lossy().into_owned();
        let pairs = [("RESTIC_REPOSITORY", "/srv/r"), ("RESTIC_PASSWORD", "pw"), ("CONFIG_DIR", &*config)];
        read(&pairs.iter().chain(more).copied().collect())
    }

    #[test]
    fn a_line_is_read_as_compose_reads_it() {
        for (line, expected) in [
            ("A=b c", "b c"),
            (" A = b ", "b"),
            ("export A=b", "b"),
            ("export\tA=b\r", "b"),
            ("A=", ""),
            ("A='b # c' # d", "b # c"),
            ("A=\"b\"", "b"),
            (r#"A="--exclude \"a b\" \\ \d\n""#, "--exclude \"a b\" \\ \\d\n"),
            (r"A='\n $B'", r"\n $B"),
            ("A=b # c", "b"),
            ("A=b#c", "b#c"),
            ("A=# c", ""),
            ("A=$B ${C}", "$B ${C}"),
            ("A=b=c", "b=c"),
            ("A=it's", "it's"),
        ] {
            assert_eq!(value(line).as_deref(), Some(expected), "{line}");
        }
        for line in ["", "  ", "# A=b", "\t# A", "\r"] {
            assert_eq!(parse(line.as_bytes()), Ok(None), "{line:?}");
        }
        for line in ["A", "=b", "1A=b", "A B=c", "A='b", "A=\"b\\\"", "A='b'c", "exportA b=c"] {
            assert!(parse(line.as_bytes()).is_err(), "{line}");
        }
    }

    #[test]
    fn what_belongs_elsewhere_cannot_be_set() {
        for name in [
            "SETTINGS_FILE",
            "CONFIG_DIR",
            "PATH",
            "STOP_TIMEOUT",
            "LD_PRELOAD",
            "RUN_DIR",
            "RUN_ID",
            "RUN_PARENT_ID",
            "HOOK_NAME",
            "HOOK_OUTPUT",
            "BOATHOOK_LOCK_FD",
        ] {
            assert!(parse(format!("{name}=x").as_bytes()).is_err(), "{name}");
        }
        for name in ["HOOK_TIMEOUT", "HOOKS_DIR", "LOG_DIR", "PATHS"] {
            assert!(parse(format!("{name}=x").as_bytes()).is_ok(), "{name}");
        }
    }

    #[test]
    fn its_lines_win_over_the_environment_and_reach_children() {
        let text = b"\xef\xbb\xbfRESTIC_TAG=filed\r\nexport BACKUP_CRON='0 1 * * *'\r\nMY_OWN=x\r\n";
        let settings = with(text, &[("RESTIC_TAG", "outside"), ("BACKUP_CRON", "0 */6 * * *")]);
        assert_eq!((settings.repository.tag.as_str(), settings.schedules.backup.as_str()), ("filed", "0 1 * * *"));
        assert_eq!(settings.environment.text("MY_OWN").as_deref(), Some("x"));
        assert_eq!(settings.environment.text("RESTIC_TAG").as_deref(), Some("filed"));
        assert!(settings.mistakes.is_empty(), "{:?}", settings.mistakes);
        let SettingsFile::Read { names, secret, .. } = &settings.file else { panic!("was not read") };
        assert_eq!((names.join(" "), secret.len()), ("BACKUP_CRON MY_OWN RESTIC_TAG".to_owned(), 0));
    }

    #[test]
    fn its_secrets_are_secrets() {
        let settings = with(b"RESTIC_PASSWORD=s3cret-of-mine\nMY_API_TOKEN=t0ken-of-mine\nA=1\nSMTP_URL=smtp://h\nX=https://me:pass-of-mine@h", &[]);
        assert_eq!(settings.secrets.mask("s3cret-of-mine t0ken-of-mine pass-of-mine"), "*** *** ***");
        let SettingsFile::Read { secret, .. } = &settings.file else { panic!("was not read") };
        assert_eq!(secret, &["MY_API_TOKEN", "RESTIC_PASSWORD", "X"]);
    }

    #[test]
    fn a_bad_line_is_named_without_what_it_says_and_the_others_count() {
        let text = b"RESTIC_TAG=one\nhunter22\nRUN_DIR=/x\nLOG_LEVEL=debug\n\xff=x\nSTOP_TIMEOUT=60s";
        let settings = with(text, &[("STOP_TIMEOUT", "20s")]);
        assert_eq!((settings.repository.tag.as_str(), settings.log.level), ("one", tracing::Level::DEBUG));
        assert_eq!(settings.limits.stop, std::time::Duration::from_secs(20));
        let said: Vec<_> = settings.mistakes.iter().map(|mistake| mistake.problem.as_str()).collect();
        assert_eq!(
            said,
            [
                "line 2: has no '='; the line does not count",
                "line 3: RUN_DIR cannot be set here; the line does not count",
                "line 5: is not UTF-8; the line does not count",
                "line 6: STOP_TIMEOUT cannot be set here: a container that runs keeps to the one it was started with; the line does not count",
            ]
        );
        assert!(
            settings.mistakes.iter().all(|mistake| mistake.effect == Effect::Loud && mistake.value.ends_with(DEFAULT))
        );
    }

    #[test]
    fn a_file_that_is_named_must_be_there() {
        let missing = read(&[("RESTIC_REPOSITORY", "/r"), ("RESTIC_PASSWORD", "pw")].into_iter().collect());
        assert!(missing.mistakes.is_empty() && missing.file == SettingsFile::Missing);
        let named = with(b"RESTIC_TAG=filed\n", &[(VARIABLE, "/no/such/file")]);
        let found: Vec<_> = named.mistakes.iter().map(|mistake| (mistake.variable, mistake.effect)).collect();
        assert_eq!((found, named.repository.tag.as_str()), (vec![(VARIABLE, Effect::Loud)], "automated"));
        let long = with(&[b"A=b\n".repeat(20_000), b"RESTIC_TAG=late\n".to_vec()].concat(), &[]);
        assert!(long.mistakes[0].problem.starts_with("is longer than 64 KiB"), "{:?}", long.mistakes);
    }

    proptest! {
        #[test]
        fn any_line_is_read_without_a_panic(line in prop::collection::vec(any::<u8>(), 0..40), text in r#"A=[ '"\\#a\n]{0,12}"#) {
            let _ = parse(&line);
            let _ = parse(text.as_bytes());
        }
    }
}
