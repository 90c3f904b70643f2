//! The crontab that the scheduler writes when it has loaded its schedules, read back.

use super::recent;
use chrono::{DateTime, Utc};
use std::io::Read;
use std::path::Path;
use std::time::UNIX_EPOCH;

/// How large a crontab may be.
const LARGEST: u64 = 1024 * 1024;

/// What the scheduler has loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Loaded {
    /// The file as it is.
    pub(super) text: String,
    /// When it was written: with the start of the container, or with the last reload.
    pub(super) written: Option<DateTime<Utc>>,
}

impl Loaded {
    /// The crontab at `path`; `None` where there is none that can be read: outside of the container that runs the
    /// schedule.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let (file, _) = recent::open(path).ok()?;
        let written = file.metadata().and_then(|facts| facts.modified()).ok();
        let written = written.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let written = written.and_then(|since| DateTime::from_timestamp(i64::try_from(since.as_secs()).ok()?, 0));
        let mut bytes = Vec::new();
        file.take(LARGEST).read_to_end(&mut bytes).ok()?;
        Some(Self { text: String::from_utf8_lossy(&bytes).into_owned(), written })
    }

    /// The expression that `job` has, with one blank between its fields; `None` if it has no line.
    pub(super) fn expression(&self, job: &str) -> Option<String> {
        self.text.lines().find_map(|line| {
            let (named, expression) = entry(line)?;
            (named == job).then_some(expression)
        })
    }
}

/// Job and expression of `EXPRESSION .../locked_run JOB ...`.
fn entry(line: &str) -> Option<(&str, String)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    if words.first()?.starts_with('#') {
        return None;
    }
    let command = words.iter().position(|word| word.rsplit('/').next() == Some("locked_run"))?;
    Some((words.get(command + 1)?, words[..command].join(" ")))
}

/// The expression with one blank between its fields, to be compared.
pub(super) fn tidy(expression: &str) -> String {
    expression.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How many lines are not blank.
pub(super) fn count(text: &str) -> usize {
    text.lines().filter(|line| !line.trim().is_empty()).count()
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::workers::crontab::rendered;

    #[test]
    fn what_the_scheduler_writes_is_read_back() {
        let folder = sample::folder();
        let mut settings = sample::settings(folder.path());
        settings.schedules.check = " 0  3 * * 1-5 ".to_owned();
        settings.schedules.rotate_log = "@daily".to_owned();
        let path = folder.path().join("crontab");
        std::fs::write(&path, format!("# ours\n\n{}", rendered(&settings))).expect("there is room");
        let loaded = Loaded::read(&path).expect("is there");
        assert_eq!(loaded.expression("backup").as_deref(), Some("0 */6 * * *"));
        assert_eq!(loaded.expression("check").as_deref(), Some("0 3 * * 1-5"));
        assert_eq!(loaded.expression("rotate_log").as_deref(), Some("@daily"));
        assert_eq!(loaded.expression("prune"), None);
        assert_eq!(count(&loaded.text), 4);
        assert!(loaded.written.is_some());
    }

    #[test]
    fn comments_and_strange_lines_hold_no_job() {
        for line in ["# 0 0 * * * /bin/locked_run backup x", "", "0 0 * * * run-parts /etc/daily", "@daily locked_run"]
        {
            assert_eq!(entry(line), None, "{line}");
        }
        assert_eq!(entry("@daily locked_run backup x y"), Some(("backup", "@daily".to_owned())));
    }

    #[test]
    fn without_a_file_nothing_is_loaded() {
        let folder = sample::folder();
        assert_eq!(Loaded::read(&folder.path().join("none")), None);
        assert_eq!(Loaded::read(folder.path()), None);
    }
}
