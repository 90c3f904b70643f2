//! The repository: where it is, how it is opened, and `RESTIC_REPOSITORY_FILE` (contract: environment, section 8).

use super::named_file::{beginning, is_readable};
use super::reader::Reader;
use super::values::Switch;
use super::{Effect, Environment, Password, Repository, RepositoryFile};
use crate::masking;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The workers that open the repository.
const WORKERS: &[&str] = &[
    "backup",
    "check",
    "prune",
    "forget",
    "restore",
    "restore-test",
    "snapshot-export",
    "forget-preview",
    "mount-snapshot",
    "unlock",
    "init-repo",
];

const LOCATION: &str = "RESTIC_REPOSITORY";
const FILE: &str = "RESTIC_REPOSITORY_FILE";
const CERTIFICATES: &str = "RESTIC_CACERT";

/// What the image sets where nothing else is set: it gives way to a file in silence.
const OF_THE_IMAGE: &str = "/mnt/restic";

/// What keeps restic from asking for a password at all.
const WITHOUT_PASSWORD: &str = "--insecure-no-password";

/// Reads the file that holds the location, and puts what it says in its place: restic refuses both variables at once.
pub(super) fn resolve(environment: &mut Environment) -> RepositoryFile {
    let Some(given) = environment.raw(FILE).filter(|given| !given.is_empty()) else {
        // Restic takes a variable that is set but empty for unset; what comes after it may not.
        environment.remove(FILE);
        return RepositoryFile::Unset;
    };
    let path = PathBuf::from(given);
    match beginning(&path) {
        Err(error) => RepositoryFile::Unreadable(path, error.to_string()),
        Ok(content) => match location_in(&content) {
            None => RepositoryFile::Empty(path),
            Some(location) => {
                environment.set(LOCATION, location);
                environment.remove(FILE);
                RepositoryFile::Resolved(path)
            }
        },
    }
}

/// The first line that is neither blank nor a comment, without blanks around it.
fn location_in(content: &[u8]) -> Option<OsString> {
    let mut lines = content.split(|byte| matches!(byte, b'\n' | b'\r')).map(<[u8]>::trim_ascii);
    lines.find(|line| !line.is_empty() && !line.starts_with(b"#")).map(|line| OsStr::from_bytes(line).to_owned())
}

/// Reads what belongs to the repository. `environment` is the one for children, with the file resolved; `words` are
/// those of every command that opens the repository.
pub(super) fn read<'w>(
    reader: &mut Reader<'_>,
    environment: &Environment,
    file: RepositoryFile,
    words: impl IntoIterator<Item = &'w String>,
) -> Repository {
    let location = environment.text_or_empty(LOCATION);
    check_location(reader, &location, &file);
    let password = password(environment);
    if password == Password::Missing && !words.into_iter().any(|word| opens_without_password(word)) {
        let problem = "is empty, and neither RESTIC_PASSWORD_FILE nor RESTIC_PASSWORD_COMMAND is set";
        reader.mistake("RESTIC_PASSWORD", problem, "set one of the three", Effect::Work(WORKERS));
    }
    let tag = tag(reader);
    let (cacert, cacert_given) = certificates(reader);
    Repository {
        shown: masking::repository(&location),
        location,
        file,
        password,
        tag,
        cacert,
        cacert_given,
        auto_unlock: reader.switch("RESTIC_AUTO_UNLOCK", Switch::Off),
        check_status: reader.switch("RESTIC_CHECK_REPOSITORY_STATUS", Switch::On),
    }
}

pub(super) fn opens_without_password(word: &str) -> bool {
    word == WITHOUT_PASSWORD || word.strip_prefix(WITHOUT_PASSWORD) == Some("=true")
}

fn check_location(reader: &mut Reader<'_>, location: &str, file: &RepositoryFile) {
    match file {
        RepositoryFile::Unreadable(_, reason) => {
            let problem = format!("is not readable ({reason})");
            reader.mistake(FILE, problem, "mount the file and let this user read it", Effect::Work(WORKERS));
        }
        RepositoryFile::Empty(_) => {
            let mend = "write the repository's location into its first line";
            reader.mistake(FILE, "contains no repository URL", mend, Effect::Work(WORKERS));
        }
        RepositoryFile::Resolved(_) => {
            let before = reader.text(LOCATION);
            if !before.is_empty() && before != OF_THE_IMAGE && before != location {
                let problem = format!("is not used: {FILE} wins");
                reader.mistake(LOCATION, problem, "set only one of the two", Effect::Fallback);
            }
        }
        RepositoryFile::Unset if location.trim().is_empty() => {
            let mend = "set it to the repository's location, or set RESTIC_REPOSITORY_FILE";
            reader.mistake(LOCATION, "is empty", mend, Effect::Work(WORKERS));
        }
        RepositoryFile::Unset => {}
    }
}

fn password(environment: &Environment) -> Password {
    let given = |name| environment.raw(name).filter(|given| !given.is_empty());
    if let Some(path) = given("RESTIC_PASSWORD_FILE").map(Path::new) {
        Password::File(path.to_owned(), is_readable(path))
    } else if given("RESTIC_PASSWORD").is_some() {
        Password::Environment
    } else if given("RESTIC_PASSWORD_COMMAND").is_some() {
        Password::Command
    } else {
        Password::Missing
    }
}

fn tag(reader: &mut Reader<'_>) -> String {
    const NAME: &str = "RESTIC_TAG";
    reader.must_be_text(NAME, &["backup"]);
    let tag = reader.environment.text(NAME).unwrap_or_else(|| "automated".to_owned());
    if tag.is_empty() {
        let mend = "set it to a tag, or leave it unset for 'automated'";
        reader.mistake(NAME, "is empty", mend, Effect::Work(&["backup"]));
    }
    tag
}

fn certificates(reader: &mut Reader<'_>) -> (Option<PathBuf>, String) {
    let given = reader.text(CERTIFICATES);
    let Some(raw) = reader.environment.raw(CERTIFICATES).filter(|raw| !raw.is_empty()) else {
        return (None, given);
    };
    // One file, or several with commas between them, as restic itself takes them.
    let each_is_readable = || given.contains(',') && given.split(',').all(|path| is_readable(Path::new(path)));
    if is_readable(Path::new(raw)) || each_is_readable() {
        return (Some(raw.into()), given);
    }
    let problem = "is set but file is not readable; --cacert flag not added";
    reader.mistake(CERTIFICATES, problem, "mount the file and let this user read it", Effect::Fallback);
    (None, given)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Settings, read};
    use std::fs;

    fn with(pairs: &[(&str, &str)]) -> Settings {
        read(&pairs.iter().copied().collect())
    }

    fn wrong(settings: &Settings) -> Vec<(&'static str, bool)> {
        settings.mistakes.iter().map(|mistake| (mistake.variable, mistake.stops("backup"))).collect()
    }

    fn location(content: &str) -> Option<String> {
        location_in(content.as_bytes()).map(|location| location.to_string_lossy().into_owned())
    }

    #[test]
    fn the_location_is_the_first_line_that_says_something() {
        assert_eq!(
            location("\n  # my repository\n\t rest:https://h/r \r\nother\n").as_deref(),
            Some("rest:https://h/r")
        );
        assert_eq!(location("/srv/restic").as_deref(), Some("/srv/restic"));
        assert_eq!(location("# nothing\n\n"), None);
        assert_eq!(location(""), None);
    }

    #[test]
    fn only_the_option_itself_does_without_a_password() {
        assert!(opens_without_password("--insecure-no-password"));
        assert!(opens_without_password("--insecure-no-password=true"));
        assert!(!opens_without_password("--insecure-no-password=false"));
        assert!(!opens_without_password("insecure-no-password"));
    }

    #[test]
    fn the_file_is_resolved_for_children() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("repository");
        fs::write(&path, "# mine\nrest:https://alice:s3cret@h/r\r\n").expect("a file");
        let file = path.to_string_lossy();
        let password = ("RESTIC_PASSWORD", "x");
        for (before, mistakes) in [
            ("/mnt/restic", vec![]),
            ("", vec![]),
            ("rest:https://alice:s3cret@h/r", vec![]),
            ("/srv/other", vec![(LOCATION, false)]),
        ] {
            let settings = with(&[(FILE, &file), (LOCATION, before), password]);
            assert_eq!(settings.repository.file, RepositoryFile::Resolved(path.clone()));
            assert_eq!(settings.repository.location, "rest:https://alice:s3cret@h/r");
            assert_eq!(settings.repository.shown, "rest:https://alice:***@h/r");
            assert_eq!(settings.environment.text(LOCATION).as_deref(), Some("rest:https://alice:s3cret@h/r"));
            assert_eq!(settings.environment.text(FILE), None);
            assert_eq!(settings.secrets.mask("s3cret"), "***");
            assert_eq!(wrong(&settings), mistakes, "{before}");
        }
    }

    #[test]
    fn a_file_without_a_location_stops_the_work() {
        let folder = tempfile::tempdir().expect("a folder");
        let empty = folder.path().join("empty");
        fs::write(&empty, "# nothing\n").expect("a file");
        for path in [empty, folder.path().join("missing")] {
            let settings =
                with(&[(FILE, &path.to_string_lossy()), (LOCATION, "/mnt/restic"), ("RESTIC_PASSWORD", "x")]);
            assert_eq!(wrong(&settings), [(FILE, true)]);
            assert!(!settings.mistakes[0].stops("replicate"));
            assert!(!matches!(settings.repository.file, RepositoryFile::Unset | RepositoryFile::Resolved(_)));
        }
    }

    #[test]
    fn restic_cannot_work_without_a_location_or_a_password() {
        assert_eq!(wrong(&with(&[])), [(LOCATION, true), ("RESTIC_PASSWORD", true)]);
        assert_eq!(wrong(&with(&[(LOCATION, ""), ("RESTIC_PASSWORD_COMMAND", "pass")])), [(LOCATION, true)]);
    }

    #[test]
    fn the_password_comes_from_one_of_three_places() {
        let of = |pairs: &[(&str, &str)]| with(pairs).repository.password;
        let (file, text) = (("RESTIC_PASSWORD_FILE", "/no/such/file"), ("RESTIC_PASSWORD", "x"));
        assert_eq!(of(&[file, text]), Password::File("/no/such/file".into(), false));
        assert_eq!(of(&[text, ("RESTIC_PASSWORD_COMMAND", "pass")]), Password::Environment);
        assert_eq!(of(&[("RESTIC_PASSWORD_COMMAND", "pass")]), Password::Command);
        assert_eq!(of(&[("RESTIC_PASSWORD_FILE", ""), ("RESTIC_PASSWORD", "")]), Password::Missing);
    }

    #[test]
    fn a_repository_without_a_password_needs_none() {
        let settings = with(&[(LOCATION, "/srv"), ("RESTIC_JOB_ARGS", "--insecure-no-password")]);
        assert_eq!(wrong(&settings), []);
    }

    #[test]
    fn an_empty_tag_stops_the_backup_alone() {
        let sound = [(LOCATION, "/srv"), ("RESTIC_PASSWORD", "x")];
        assert_eq!(with(&sound).repository.tag, "automated");
        let settings = with(&[sound.as_slice(), &[("RESTIC_TAG", "")]].concat());
        assert_eq!((settings.repository.tag.as_str(), wrong(&settings)), ("", vec![("RESTIC_TAG", true)]));
        assert!(!settings.mistakes[0].stops("restore"));
    }

    #[test]
    fn certificates_that_cannot_be_read_are_left_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ca.pem");
        fs::write(&path, "x").expect("a file");
        let certificates = |given: &str| {
            let repository = with(&[(CERTIFICATES, given)]).repository;
            assert_eq!(repository.cacert_given, given);
            repository.cacert
        };
        assert_eq!(certificates(&path.to_string_lossy()), Some(path.clone()));
        let both = format!("{0},{0}", path.display());
        assert_eq!(certificates(&both), Some(both.clone().into()));
        assert_eq!(certificates(&folder.path().to_string_lossy()), None);
        assert_eq!(certificates(&format!("{},/no/such/file", path.display())), None);
        assert_eq!(certificates(""), None);
        let settings = with(&[(LOCATION, "/srv"), ("RESTIC_PASSWORD", "x"), (CERTIFICATES, "/no/such/file")]);
        assert_eq!(settings.mistakes[0].effect, Effect::Fallback);
    }
}
