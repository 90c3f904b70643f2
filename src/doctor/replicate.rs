//! Section `Replicate`: the effective settings and the job file, of which nothing is contacted.

use super::page::Section;
use super::{Finding, environment};
use crate::hooks::reason;
use crate::masking;
use crate::settings::Settings;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// How large a job file may be.
const LARGEST: u64 = 1024 * 1024;

/// One row of the job file that is neither blank nor a comment. Both its ends are masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Row {
    /// `SOURCE;DESTINATION[;MODE[;EXTRA]]`.
    Job { source: String, destination: String, mode: &'static str },
    /// Something else: the row, and why it is no job.
    Malformed { row: String, why: String },
}

/// What became of the job file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum JobFile {
    Missing,
    Unreadable(String),
    Read(Vec<Row>),
}

const MODES: [&str; 3] = ["bisync", "sync", "copy"];

/// Reads a job file's text: fields are trimmed, any line end does, the mode may have any case.
pub(super) fn parse(text: &str) -> Vec<Row> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).map(row).collect()
}

fn row(line: &str) -> Row {
    let mut fields = line.splitn(4, ';').map(str::trim);
    let (source, destination) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
    let given = fields.next().filter(|mode| !mode.is_empty()).unwrap_or("bisync");
    let why = if source.is_empty() {
        "the source is empty".to_owned()
    } else if destination.is_empty() {
        "the destination is empty".to_owned()
    } else if let Some(mode) = MODES.into_iter().find(|mode| mode.eq_ignore_ascii_case(given)) {
        return Row::Job { source: masking::repository(source), destination: masking::repository(destination), mode };
    } else {
        format!("the mode '{given}' is none of {}", MODES.join(", "))
    };
    let row = line.split(';').map(|field| masking::repository(field.trim())).collect::<Vec<_>>().join(";");
    Row::Malformed { row, why }
}

impl JobFile {
    pub(super) fn read(path: &Path) -> Self {
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
            Ok(_) => Self::Read(parse(&String::from_utf8_lossy(&bytes))),
        }
    }

    /// All rows.
    pub(super) fn rows(&self) -> &[Row] {
        if let Self::Read(rows) = self { rows } else { &[] }
    }

    /// How many rows are no jobs.
    pub(super) fn malformed(&self) -> usize {
        self.rows().iter().filter(|row| matches!(row, Row::Malformed { .. })).count()
    }
}

/// Whether anything replicates by schedule.
pub(super) fn is_scheduled(settings: &Settings) -> bool {
    !settings.schedules.replicate.trim().is_empty()
}

/// The section.
pub(super) fn section(settings: &Settings, file: &JobFile) -> Section {
    let mut section = Section::new("Replicate");
    for (variable, value) in environment::replicate(settings) {
        section.value(format!("effective {variable}"), value);
    }
    let path = settings.jobs.replicate_file.display();
    section.findings(match file {
        JobFile::Missing if is_scheduled(settings) => {
            vec![Finding::warn(format!("REPLICATE_CRON is set, but the job file is missing ({path})"))]
        }
        JobFile::Missing => {
            vec![Finding::info(format!("Replicate job file: not present, replicate disabled ({path})"))]
        }
        JobFile::Unreadable(why) => vec![Finding::warn(format!("Replicate job file: not readable ({path}): {why}"))],
        JobFile::Read(rows) if rows.is_empty() => {
            vec![Finding::warn(format!("Replicate job file: readable, but no active jobs ({path})"))]
        }
        JobFile::Read(rows) => of_rows(rows, file.malformed()),
    });
    section
}

fn of_rows(rows: &[Row], malformed: usize) -> Vec<Finding> {
    let numbered = (1..).zip(rows).map(|(number, row)| match row {
        Row::Job { source, destination, mode } => {
            Finding::info(format!("Replicate job {number}: {source} -> {destination} ({mode})"))
        }
        Row::Malformed { row, why } => Finding::warn(format!("Replicate job {number} malformed: {row} ({why})")),
    });
    let total = format!("Replicate job file: {} active job(s), {malformed} malformed", rows.len());
    numbered.chain([if malformed == 0 { Finding::ok(total) } else { Finding::warn(total) }]).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Severity, sample};
    use super::*;
    use std::fs;

    fn job(source: &str, destination: &str, mode: &'static str) -> Row {
        Row::Job { source: source.to_owned(), destination: destination.to_owned(), mode }
    }

    #[test]
    fn rows_are_trimmed_and_comments_skipped() {
        let text = "\u{feff}# first\r\n\r\n  # indented\n /a ; nas:/b \r\n/c;/d;SYNC\r\n/e;/f;;--resync;x\n/g;/h; Copy";
        assert_eq!(
            parse(text),
            [
                job("/a", "nas:/b", "bisync"),
                job("/c", "/d", "sync"),
                job("/e", "/f", "bisync"),
                job("/g", "/h", "copy")
            ]
        );
    }

    #[test]
    fn what_is_missing_or_wrong_in_a_row_is_said() {
        for (line, why) in [
            ("/a", "the destination is empty"),
            (";/b", "the source is empty"),
            ("/a;/b;move", "the mode 'move' is none of bisync, sync, copy"),
        ] {
            assert_eq!(parse(line), [Row::Malformed { row: line.to_owned(), why: why.to_owned() }]);
        }
    }

    #[test]
    fn the_jobs_are_counted_with_the_malformed_ones() {
        let found = of_rows(&parse("/a;/b\n/c\n"), 1);
        assert_eq!(
            found,
            [
                Finding::info("Replicate job 1: /a -> /b (bisync)"),
                Finding::warn("Replicate job 2 malformed: /c (the destination is empty)"),
                Finding::warn("Replicate job file: 2 active job(s), 1 malformed"),
            ]
        );
    }

    #[test]
    fn a_missing_file_matters_only_with_a_schedule() {
        let folder = sample::folder();
        let mut settings = sample::settings(folder.path());
        let severity =
            |settings: &Settings, file: &JobFile| section(settings, file).checks().next().expect("is found").1.severity;
        assert_eq!(severity(&settings, &JobFile::Missing), Severity::Info);
        settings.schedules.replicate = "@daily".to_owned();
        assert_eq!(severity(&settings, &JobFile::Missing), Severity::Warn);
        assert_eq!(severity(&settings, &JobFile::Read(Vec::new())), Severity::Warn);
    }

    #[test]
    fn what_is_no_file_is_not_read() {
        let folder = sample::folder();
        assert_eq!(JobFile::read(&folder.path().join("none")), JobFile::Missing);
        assert_eq!(JobFile::read(folder.path()), JobFile::Unreadable("is not a file".to_owned()));
        let fifo = folder.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("there is room");
        assert_eq!(JobFile::read(&fifo), JobFile::Unreadable("is not a file".to_owned()));
        let file = folder.path().join("jobs");
        fs::write(&file, "a".repeat(LARGEST as usize + 1)).expect("there is room");
        assert_eq!(JobFile::read(&file), JobFile::Unreadable("is larger than 1 MiB".to_owned()));
    }
}
