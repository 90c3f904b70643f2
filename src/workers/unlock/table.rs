//! Locks as lines for people and as JSON.

use crate::engine::{ResticLock, Verdict};
use crate::process::ancestors_of;
use crate::process::registry::{Running, running};
use crate::settings::Settings;
use crate::workers::restore::table::{shown, width_of};
use chrono::{DateTime, Local};
use nix::unistd::Pid;
use serde_json::{Value, json};

/// A lock with what is thought of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The lock.
    pub lock: ResticLock,
    /// By restic's rule, at the time of looking.
    pub verdict: Verdict,
    /// The run of this container that has it, if one does.
    pub run: Option<String>,
    age: Option<i64>,
}

impl Judged {
    /// Whether it is in use, as far as can be known.
    pub fn is_alive(&self) -> bool {
        matches!(self.verdict, Verdict::Alive(_))
    }

    /// Who has it: the same for a lock and for the one that it was renewed by.
    pub fn maker(&self) -> Option<(String, i32)> {
        self.lock.owner.as_ref().ok().map(|owner| (owner.hostname.clone(), owner.pid))
    }

    /// Why it is stale or not, with the run of ours.
    pub fn reason(&self) -> String {
        let reason = shown(self.verdict.reason());
        match &self.run {
            Some(run) => format!("{reason}, for run {run}"),
            None => reason,
        }
    }

    /// One row of the summary's `locks`.
    pub fn json(&self, left: Option<bool>) -> Value {
        let owner = self.lock.owner.as_ref().ok();
        json!({
            "id": self.lock.id,
            "host": owner.map(|owner| &owner.hostname),
            "pid": owner.map(|owner| owner.pid),
            "user": owner.map(|owner| &owner.username),
            "exclusive": owner.map(|owner| owner.exclusive),
            "time": owner.map(|owner| owner.time.to_rfc3339()),
            "age_seconds": self.age,
            "stale": self.verdict.is_stale(),
            "reason": self.reason(),
            "left": left,
        })
    }
}

/// Judges the locks as they are now.
pub fn judge(locks: &[ResticLock], settings: &Settings) -> Vec<Judged> {
    let (now, runs) = (Local::now(), running(&settings.paths.run));
    locks
        .iter()
        .map(|lock| {
            let verdict = lock.verdict(now);
            let run = match (&verdict, &lock.owner) {
                (Verdict::Alive(_), Ok(owner)) if owner.hostname == crate::engine::this_host() => {
                    run_of(owner.pid, &runs)
                }
                _ => None,
            };
            let age = lock.owner.as_ref().ok().map(|owner| now.signed_duration_since(owner.time).num_seconds());
            Judged { lock: lock.clone(), verdict, run, age }
        })
        .collect()
}

fn run_of(pid: i32, runs: &[Running]) -> Option<String> {
    let above = ancestors_of(Pid::from_raw(pid));
    runs.iter().find(|run| above.contains(&run.pid)).map(|run| run.id.clone())
}

const HEAD: [&str; 8] = ["LOCK", "HOST", "PID", "USER", "KIND", "TIME", "AGE", "STALE"];

/// A head and a line for each lock; nothing if there are none.
pub fn lines(locks: &[Judged]) -> Vec<String> {
    if locks.is_empty() {
        return Vec::new();
    }
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.extend(locks.iter().map(row));
    let widths: Vec<usize> =
        (0..HEAD.len()).map(|column| rows.iter().map(|row| width_of(&row[column])).max().unwrap_or_default()).collect();
    let line = |row: &[String; 8]| {
        let cells =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell}{}", " ".repeat(width - width_of(cell))));
        format!("  {}", cells.collect::<Vec<_>>().join("  ")).trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

fn row(judged: &Judged) -> [String; 8] {
    let stale = match judged.verdict {
        Verdict::Stale(_) => "yes",
        // By restic's rule it is not, but nobody uses it.
        Verdict::Inherited(_) => "unknown",
        Verdict::Alive(_) | Verdict::Unreadable(_) => "no",
    };
    let stale = format!("{stale}: {}", judged.reason());
    let short = judged.lock.short().to_owned();
    let Ok(owner) = &judged.lock.owner else {
        let unknown = || "?".to_owned();
        return [short, unknown(), unknown(), unknown(), unknown(), unknown(), unknown(), stale];
    };
    let local: DateTime<Local> = owner.time.with_timezone(&Local);
    [
        short,
        shown(&owner.hostname),
        owner.pid.to_string(),
        shown(&owner.username),
        if owner.exclusive { "exclusive" } else { "shared" }.to_owned(),
        local.format("%Y-%m-%d %H:%M:%S").to_string(),
        age(judged.age.unwrap_or_default()),
        stale,
    ]
}

/// `42s`, `12m`, `3h 5m`, `2d 4h`.
fn age(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (days, hours, minutes) = (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, minutes) => format!("{minutes}m"),
        (0, hours, minutes) => format!("{hours}h {minutes}m"),
        (days, hours, _) => format!("{days}d {hours}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Owner;

    #[test]
    fn an_age_is_told_in_its_two_largest_units() {
        let ages = [-3, 59, 60, 3599, 3600, 90_061].map(age);
        assert_eq!(ages, ["0s", "59s", "1m", "59m", "1h 0m", "1d 1h"]);
    }

    #[test]
    fn what_a_terminal_would_obey_is_not_shown_and_columns_stand_below_each_other() {
        let owner = |hostname: &str, age: i64| Owner {
            time: (Local::now() - chrono::Duration::seconds(age)).fixed_offset(),
            exclusive: age > 9000,
            hostname: hostname.to_owned(),
            username: "root".to_owned(),
            pid: 7,
        };
        let lock = |id: &str, owner| ResticLock { id: id.repeat(8), owner };
        let settings = crate::settings::read(&crate::settings::Environment::from_iter([("RUN_DIR", "/nowhere")]));
        let locks = [
            lock("a", Ok(owner("evil\u{1b}[2J", 10_000))),
            lock("b", Ok(owner("a-longer-host-name", 60))),
            lock("c", Err("cannot be read: torn".to_owned())),
        ];
        let judged = judge(&locks, &settings);
        let lines = lines(&judged);
        assert_eq!(lines.len(), 4);
        assert!(lines[1].starts_with("  aaaaaaaa  evil?[2J") && lines[1].contains("  exclusive  "), "{lines:#?}");
        assert!(lines[1].ends_with("2h 46m  yes: older than 30 minutes"), "{lines:#?}");
        assert!(lines[3].ends_with("no: cannot be read: torn"), "{lines:#?}");
        let column = |line: &str| line.find("yes: ").or_else(|| line.find("no: ")).expect("is there");
        assert_eq!((column(&lines[1]), column(&lines[2])), (column(&lines[3]), column(&lines[3])));
        let json = judged[2].json(Some(true));
        assert_eq!(
            (json["pid"].is_null(), json["stale"].as_bool(), json["left"].as_bool()),
            (true, Some(false), Some(true))
        );
    }
}
