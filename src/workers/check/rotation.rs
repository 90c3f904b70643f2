//! What is known of the parts of the data: which one is next, and when all of them have been read.
//!
//! restic puts a pack into a part by the first byte of its name, modulo the number of parts: new packs are spread over
//! all parts, and none ever changes its own. So a round of all parts reads every pack that was there when it began.

use crate::report;
use crate::run::repository_key;
use chrono::{DateTime, Local, Utc};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// The form of the file that this program writes.
const VERSION: u32 = 1;
/// More than this is no file of ours, in bytes.
const LARGEST: u64 = 64 * 1024;

/// A time, written as in all reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Moment(DateTime<Utc>);

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.0.with_timezone(&Local).format(report::TIME).to_string()
    }
}

impl TryFrom<String> for Moment {
    type Error = chrono::ParseError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        DateTime::parse_from_str(&text, report::TIME).map(|time| Self(time.with_timezone(&Utc)))
    }
}

impl Moment {
    /// The time itself.
    pub fn time(self) -> DateTime<Utc> {
        self.0
    }

    /// As it is written in reports.
    pub fn text(self) -> String {
        self.into()
    }

    /// The day, by the clock of this place.
    pub fn day(self) -> String {
        self.0.with_timezone(&Local).format("%Y-%m-%d").to_string()
    }
}

/// The run before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    /// The part that it was to read.
    pub part: u32,
    /// What restic ended with.
    pub exit_code: i32,
    /// When it ended.
    pub finished_at: Moment,
}

/// How far the reading of all data has come, for one repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    version: u32,
    /// Which repository it is about, for people.
    repository: String,
    /// In how many parts it is read.
    pub parts: u32,
    /// The part of the next run, from 1 on.
    pub next_part: u32,
    /// When the round began; `None` between two of them.
    pub round_started_at: Option<Moment>,
    /// When the last round ended, whatever its number of parts was; `None` if none did yet.
    pub full_round_finished_at: Option<Moment>,
    /// When the first round of this number of parts began.
    pub since: Moment,
    /// The last run.
    pub last: Option<LastRun>,
}

/// How a run goes on from what is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begins {
    /// With the next part of a round.
    WithinARound,
    /// With a new round, as one was over or there was none.
    ARound,
    /// With a new round, as there were so many parts before.
    AsPartsWere(u32),
    /// With a new round, as what was known cannot be read: this is why.
    Unknowing(String),
}

/// What a file says: nothing if it is not there, or why it cannot be read.
pub type Known = Result<Option<Rotation>, String>;

impl Rotation {
    /// Where it is kept for the repository that is shown so.
    pub fn file(state: &Path, shown: &str) -> PathBuf {
        state.join(format!("check-rotation-{}.json", repository_key(shown)))
    }

    /// Reads it.
    ///
    /// # Errors
    /// When the file is there and cannot be read, or is none of ours, in a few words.
    pub fn read(file: &Path) -> Known {
        let facts = match fs::metadata(file) {
            Ok(facts) => facts,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(error.to_string()),
        };
        // Neither a pipe, which nobody may ever write to, nor something without an end.
        if !facts.is_file() {
            return Err("is not a file".to_owned());
        }
        let mut text = String::new();
        let open = File::open(file).and_then(|file| file.take(LARGEST).read_to_string(&mut text));
        open.map_err(|error| error.to_string())?;
        let read: Self = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        if read.version != VERSION {
            return Err(format!("version {} is not known", read.version));
        }
        if !(1..=read.parts).contains(&read.next_part) {
            return Err(format!("there is no part {} of {}", read.next_part, read.parts));
        }
        Ok(Some(read))
    }

    /// What a run that begins now has to go on with.
    pub fn begin(known: Known, shown: &str, parts: u32, now: DateTime<Utc>) -> (Self, Begins) {
        let now = Moment(now);
        let fresh = |full_round_finished_at| Self {
            version: VERSION,
            repository: shown.to_owned(),
            parts,
            next_part: 1,
            round_started_at: Some(now),
            full_round_finished_at,
            since: now,
            last: None,
        };
        match known {
            Err(why) => (fresh(None), Begins::Unknowing(why)),
            Ok(None) => (fresh(None), Begins::ARound),
            Ok(Some(old)) if old.parts != parts => (fresh(old.full_round_finished_at), Begins::AsPartsWere(old.parts)),
            Ok(Some(mut old)) => {
                let begins = if old.round_started_at.is_some() { Begins::WithinARound } else { Begins::ARound };
                old.round_started_at.get_or_insert(now);
                (old, begins)
            }
        }
    }

    /// Notes that a run ended with `code`. Gives when the round began, if it is over.
    pub fn end(&mut self, code: i32, now: DateTime<Utc>) -> Option<Moment> {
        let now = Moment(now);
        self.last = Some(LastRun { part: self.next_part, exit_code: code, finished_at: now });
        if code != 0 {
            return None;
        }
        if self.next_part < self.parts {
            self.next_part += 1;
            return None;
        }
        self.next_part = 1;
        self.full_round_finished_at = Some(now);
        self.round_started_at.take()
    }

    /// Writes it in the place of what was there.
    ///
    /// # Errors
    /// When it cannot be written; what was there stays.
    pub fn write(&self, file: &Path) -> io::Result<()> {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        report::replace(file, text.as_bytes())
    }

    /// Since when all data should be read again: the end of the last round, or the begin of the first one.
    pub fn unread_since(&self) -> DateTime<Utc> {
        self.full_round_finished_at.unwrap_or(self.since).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_777_600_000 + number * 86_400, 0).expect("is a time")
    }

    fn moment(number: i64) -> Moment {
        Moment(day(number))
    }

    fn begun(known: Known, parts: u32, on: i64) -> (Rotation, Begins) {
        Rotation::begin(known, "/srv/r", parts, day(on))
    }

    #[test]
    fn a_round_reads_each_part_once_and_a_failed_run_repeats_its_own() {
        let (mut rotation, begins) = begun(Ok(None), 3, 0);
        assert_eq!((rotation.next_part, begins), (1, Begins::ARound));
        assert_eq!(rotation.end(0, day(0)), None);
        for (on, code, next) in [(1, 1, 2), (2, 130, 2), (3, 0, 3)] {
            let (mut again, begins) = begun(Ok(Some(rotation)), 3, on);
            assert_eq!((again.round_started_at, begins), (Some(moment(0)), Begins::WithinARound));
            assert_eq!(again.end(code, day(on)), None);
            assert_eq!((again.next_part, again.full_round_finished_at), (next, None));
            assert_eq!(again.last, Some(LastRun { part: 2, exit_code: code, finished_at: moment(on) }));
            rotation = again;
        }
        assert_eq!(rotation.unread_since(), day(0));
        let (mut rotation, _) = begun(Ok(Some(rotation)), 3, 4);
        assert_eq!(rotation.end(0, day(4)), Some(moment(0)));
        assert_eq!((rotation.next_part, rotation.round_started_at), (1, None));
        assert_eq!(rotation.unread_since(), day(4));
        let (rotation, begins) = begun(Ok(Some(rotation)), 3, 5);
        assert_eq!((rotation.round_started_at, begins), (Some(moment(5)), Begins::ARound));
        assert_eq!(rotation.full_round_finished_at, Some(moment(4)));
    }

    #[test]
    fn another_number_of_parts_is_another_round() {
        let (mut rotation, _) = begun(Ok(None), 2, 0);
        rotation.end(0, day(0));
        rotation.end(0, day(1));
        let (other, begins) = begun(Ok(Some(rotation)), 4, 2);
        assert_eq!((other.next_part, other.parts, begins), (1, 4, Begins::AsPartsWere(2)));
        // What was read in whole was so, in however many parts.
        assert_eq!((other.full_round_finished_at, other.since), (Some(moment(1)), moment(2)));
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().expect("there is room");
        let file = Rotation::file(&folder.path().join("state"), "rest:https://alice:***@h/r");
        assert_eq!(Rotation::read(&file), Ok(None));
        let (mut rotation, _) = begun(Ok(None), 2, 0);
        rotation.end(1, day(0));
        rotation.write(&file).expect("there is room");
        assert_eq!(Rotation::read(&file), Ok(Some(rotation)));
    }

    #[test]
    fn what_is_none_of_ours_says_why() {
        let folder = tempfile::tempdir().expect("there is room");
        let file = folder.path().join("rotation.json");
        assert_eq!(Rotation::read(folder.path()), Err("is not a file".to_owned()));
        let (rotation, _) = begun(Ok(None), 2, 0);
        let sound = serde_json::to_string(&rotation).expect("is JSON");
        for (text, why) in [
            (String::new(), "EOF"),
            (sound[..40].to_owned(), "EOF"),
            ("[]".to_owned(), "invalid"),
            (sound.replace("\"version\":1", "\"version\":2"), "version 2 is not known"),
            (sound.replace("\"next_part\":1", "\"next_part\":3"), "there is no part 3 of 2"),
            (sound.replace("\"next_part\":1", "\"next_part\":0"), "there is no part 0 of 2"),
            (sound.replace(&rotation.since.text(), "yesterday"), "invalid characters"),
        ] {
            fs::write(&file, &text).expect("there is room");
            let problem = Rotation::read(&file).expect_err(&text);
            assert!(problem.contains(why), "{text}: {problem}");
        }
        let (fresh, begins) = begun(Err("EOF".to_owned()), 2, 0);
        assert_eq!((fresh.next_part, begins), (1, Begins::Unknowing("EOF".to_owned())));
    }
}
