//! The job file: `SOURCE;DESTINATION[;MODE[;WORDS]]`, one job a line. The one parser for the worker and for `doctor`.

use crate::masking::{self, Secrets};
use crate::settings::{add_secrets_of_words, words};
use nix::errno::Errno;
use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// How large a job file may be, in bytes.
pub const LARGEST: u64 = 1024 * 1024;

/// What rclone does for a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Changes go both ways.
    Bisync,
    /// The destination becomes as the source is.
    Sync,
    /// What is new or changed in the source goes to the destination.
    Copy,
}

impl Mode {
    /// All modes, the default first.
    pub const ALL: [Self; 3] = [Self::Bisync, Self::Sync, Self::Copy];

    /// As it is written, and what rclone calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Bisync => "bisync",
            Self::Sync => "sync",
            Self::Copy => "copy",
        }
    }
}

/// One job.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where from; passwords and all: mask before showing.
    pub source: String,
    /// Where to, as well.
    pub destination: String,
    /// What is done.
    pub mode: Mode,
    /// Further words for rclone.
    pub words: Vec<String>,
}

impl Entry {
    /// The source as it may be shown.
    pub fn shown_source(&self) -> String {
        masking::repository(&self.source)
    }

    /// The destination as it may be shown.
    pub fn shown_destination(&self) -> String {
        masking::repository(&self.destination)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {} ({})", self.shown_source(), self.shown_destination(), self.mode.word())
    }
}

/// Why a line is no job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// The mode, as it was given, is none.
    Mode(String),
    /// Something else, as a clause: `the source is empty`.
    Other(String),
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mode(given) => {
                write!(f, "the mode '{given}' is none of {}", Mode::ALL.map(Mode::word).join(", "))
            }
            Self::Other(what) => f.write_str(what),
        }
    }
}

/// One line of the job file that is neither blank nor a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// A job.
    Job(Entry),
    /// Something else.
    Malformed {
        /// The line as it may be shown.
        row: String,
        /// Why it is no job.
        flaw: Flaw,
    },
}

/// What became of the job file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobFile {
    /// It is not there.
    Missing,
    /// It is, and cannot be read: why.
    Unreadable(String),
    /// Without a character in it.
    Empty,
    /// Not one `;` in it, not even in a comment.
    NoSeparator(Vec<Row>),
    /// A list of jobs.
    Read(Vec<Row>),
}

impl JobFile {
    /// Reads it.
    pub fn read(path: &Path) -> Self {
        // A fifo must not keep us waiting for its writer.
        let file = match OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Self::Missing,
            Err(error) => return Self::Unreadable(reason(&error)),
        };
        if !file.metadata().is_ok_and(|found| found.is_file()) {
            return Self::Unreadable("is not a file".to_owned());
        }
        let mut bytes = Vec::new();
        match file.take(LARGEST + 1).read_to_end(&mut bytes) {
            Err(error) => Self::Unreadable(reason(&error)),
            Ok(size) if size as u64 > LARGEST => Self::Unreadable("is larger than 1 MiB".to_owned()),
            Ok(0) => Self::Empty,
            Ok(_) => {
                let rows = parse(&String::from_utf8_lossy(&bytes));
                if bytes.contains(&b';') { Self::Read(rows) } else { Self::NoSeparator(rows) }
            }
        }
    }

    /// All rows.
    pub fn rows(&self) -> &[Row] {
        match self {
            Self::Read(rows) | Self::NoSeparator(rows) => rows,
            Self::Missing | Self::Unreadable(_) | Self::Empty => &[],
        }
    }

    /// How many rows are no jobs.
    pub fn malformed(&self) -> usize {
        self.rows().iter().filter(|row| matches!(row, Row::Malformed { .. })).count()
    }
}

fn reason(error: &io::Error) -> String {
    error.raw_os_error().map_or_else(|| error.to_string(), |number| Errno::from_raw(number).desc().to_owned())
}

/// Reads a job file's text: fields are trimmed, any line end does, the mode may have any case.
pub fn parse(text: &str) -> Vec<Row> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).map(row).collect()
}

fn row(line: &str) -> Row {
    match entry(line) {
        Ok(entry) => Row::Job(entry),
        Err(flaw) => Row::Malformed { row: shown(line), flaw },
    }
}

fn entry(line: &str) -> Result<Entry, Flaw> {
    let mut fields = line.splitn(4, ';').map(str::trim);
    let mut next = || fields.next().unwrap_or_default();
    let (source, destination, given, extra) = (next(), next(), next(), next());
    for (end, name) in [(source, "source"), (destination, "destination")] {
        if end.is_empty() {
            return Err(Flaw::Other(format!("the {name} is empty")));
        }
        if end.starts_with('-') {
            return Err(Flaw::Other(format!("the {name} begins with '-', which rclone takes for an option")));
        }
        if end.contains('\u{fffd}') {
            return Err(Flaw::Other(format!("the {name} is not UTF-8")));
        }
    }
    let is_meant = |mode: &Mode| given.is_empty() || mode.word().eq_ignore_ascii_case(given);
    let mode = Mode::ALL.into_iter().find(is_meant).ok_or_else(|| Flaw::Mode(given.to_owned()))?;
    let words = words::split(extra).map_err(|error| Flaw::Other(format!("its fourth field {error}")))?;
    Ok(Entry { source: source.to_owned(), destination: destination.to_owned(), mode, words })
}

/// What is secret in a location, which may hold blanks.
pub(super) fn add_secrets_of_location(secrets: &mut Secrets, location: &str) {
    for secret in location.split_whitespace().flat_map(masking::secrets_of_location) {
        secrets.add(&secret);
    }
}

/// A line without the secrets in it, also where they hold a `;` and the fields are not what they seem.
fn shown(line: &str) -> String {
    let mut secrets = Secrets::new();
    add_secrets_of_location(&mut secrets, line);
    add_secrets_of_words(&mut secrets, &line.replace(';', " "));
    let fields = secrets.mask(line).split(';').map(|field| masking::repository(field.trim())).collect::<Vec<_>>();
    fields.join(";")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;

    fn job(source: &str, destination: &str, mode: Mode, words: &[&str]) -> Row {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        Row::Job(Entry { source: source.to_owned(), destination: destination.to_owned(), mode, words })
    }

    #[test]
    fn rows_are_trimmed_and_comments_skipped() {
        let text = "\u{feff}# first\r\n\r\n  # indented\n \t \n /a ; nas:/b \r\n/c;/d;SYNC\r\n\
                    /e;/f;;--resync;x 'a b'\n/g;/h; Copy";
        assert_eq!(
            parse(text),
            [
                job("/a", "nas:/b", Mode::Bisync, &[]),
                job("/c", "/d", Mode::Sync, &[]),
                job("/e", "/f", Mode::Bisync, &["--resync;x", "a b"]),
                job("/g", "/h", Mode::Copy, &[]),
            ]
        );
    }

    #[test]
    fn what_is_missing_or_wrong_in_a_row_is_said() {
        for (line, why) in [
            ("/a", "the destination is empty"),
            (";/b", "the source is empty"),
            ("/a;--drive-x", "the destination begins with '-', which rclone takes for an option"),
            ("/a;/b;move", "the mode 'move' is none of bisync, sync, copy"),
            ("/a;/b;;--x 'y", "its fourth field has an opening ' at character 5 that is never closed"),
        ] {
            let found = parse(line);
            let [Row::Malformed { row, flaw }] = found.as_slice() else { panic!("{found:?}") };
            assert_eq!((row.as_str(), flaw.to_string().as_str()), (line, why));
        }
    }

    #[test]
    fn a_row_that_is_shown_has_no_secret() {
        for (line, row) in [
            ("https://u:s3cret@h/x;", "https://u:***@h/x;"),
            (":sftp,host=nas,pass=s3cret:/srv;/b;move", ":sftp,host=nas,pass=***:/srv;/b;move"),
            (":sftp,host=nas,pass=\"s3;cret\":/srv;/b;move", ":sftp,host=nas,pass=***:/srv;/b;move"),
            ("/a;/b;move;--sftp-pass=s3cret", "/a;/b;move;--sftp-pass=***"),
            ("/a;/b;move;--sftp-pass s3cret", "/a;/b;move;--sftp-pass ***"),
        ] {
            assert!(
                matches!(&parse(line)[..], [Row::Malformed { row: shown, .. }] if shown == row),
                "{:?}",
                parse(line)
            );
        }
    }

    #[test]
    fn what_is_no_file_is_not_read() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let not_a_file = JobFile::Unreadable("is not a file".to_owned());
        assert_eq!(JobFile::read(&folder.path().join("none")), JobFile::Missing);
        assert_eq!(JobFile::read(folder.path()), not_a_file);
        let fifo = folder.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("there is room");
        assert_eq!(JobFile::read(&fifo), not_a_file);
        let file = folder.path().join("jobs");
        fs::write(&file, "a".repeat(LARGEST as usize + 1)).expect("there is room");
        assert_eq!(JobFile::read(&file), JobFile::Unreadable("is larger than 1 MiB".to_owned()));
        for (text, read) in [
            ("", JobFile::Empty),
            ("# jobs\n", JobFile::NoSeparator(Vec::new())),
            ("# a;b\n", JobFile::Read(Vec::new())),
        ] {
            fs::write(&file, text).expect("there is room");
            assert_eq!(JobFile::read(&file), read);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in any::<String>(), line in "[a:;,='\" @/-]{0,24}") {
            let _ = (parse(&text), parse(&line));
        }
    }
}
