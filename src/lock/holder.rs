//! The one line in a lock file: who holds it.

use chrono::{DateTime, Local, SecondsFormat};
use std::fmt;

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The process, as numbered where it runs (another container numbers differently).
    pub pid: i32,
    /// Its run; empty while there is none yet.
    pub run: String,
    /// Since when.
    pub since: DateTime<Local>,
}

impl Holder {
    /// What stands in the place of a run's id while `hooks recover` makes up for dead runs of the job.
    pub const RECOVERY: &str = "recovery";

    /// Whether it makes up for dead runs, and is no run of the job.
    pub fn is_recovery(&self) -> bool {
        self.run == Self::RECOVERY
    }

    /// This process, from now on.
    pub fn ourselves(run: &str) -> Self {
        Self { pid: nix::unistd::getpid().as_raw(), run: run.to_owned(), since: Local::now() }
    }

    /// The line as it stands in the file.
    pub fn line(&self) -> String {
        let run = if self.run.is_empty() { "-" } else { &self.run };
        format!(
            "boathook pid={} run={run} since={}\n",
            self.pid,
            self.since.to_rfc3339_opts(SecondsFormat::Secs, false)
        )
    }

    /// Reads such a line; `None` if it is anything else.
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("boathook pid=")?.split_ascii_whitespace();
        let pid = words.next()?.parse().ok()?;
        let run = words.next()?.strip_prefix("run=")?;
        let since = words.next()?.strip_prefix("since=")?;
        let since = DateTime::parse_from_rfc3339(since).ok()?.with_timezone(&Local);
        let run = if run == "-" { String::new() } else { run.to_owned() };
        words.next().is_none().then_some(Self { pid, run, since })
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_recovery() {
            write!(f, "the recovery of a run that was killed (pid {})", self.pid)?;
        } else if self.run.is_empty() {
            write!(f, "pid {}", self.pid)?;
        } else {
            write!(f, "run {} (pid {})", self.run, self.pid)?;
        }
        write!(f, " since {}", self.since.format("%Y-%m-%d %H:%M:%S"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_read_back_from_its_line() {
        let holder = Holder::ourselves("20260511T093000Z-backup-0a1b2c3d");
        let back = Holder::parse(&holder.line()).expect("is our own line");
        assert_eq!((back.pid, back.run), (holder.pid, holder.run));
        assert_eq!(Holder::parse("4711\n"), None);
        assert_eq!(Holder::parse("boathook pid=1 run=- since=2026-05-11T09:30:00+02:00 more"), None);
    }
}
