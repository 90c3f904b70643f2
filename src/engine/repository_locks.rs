//! restic's own locks in a repository: which there are, who made them, and what restic's rule says of each.
//!
//! Looking takes no lock and writes nothing, the cache included.

use super::{Bounds, Meaning, Outcome, Output, PROBE_LIMIT, Restic, run_text, run_whole};
use crate::process::{self, Stop, name_of};
use chrono::{DateTime, Duration, FixedOffset, Local};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::sysinfo::sysinfo;
use nix::unistd::{Pid, SysconfVar, gethostname, sysconf};
use serde::Deserialize;

/// The age past which restic calls every lock stale, in minutes. A restic at work renews its own every five.
const STALE_AFTER: i64 = 30;

/// More locks than that are counted, but not read: each costs a call of restic.
const MOST_READ: usize = 100;

/// How much later than its lock a process must have begun to be known for another one, in seconds: clocks are set.
const CLOCK_SLACK: i64 = 5;

/// What a lock says of its maker.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Owner {
    /// When it was made or last renewed.
    pub time: DateTime<FixedOffset>,
    /// Whether nobody else may use the repository.
    #[serde(default)]
    pub exclusive: bool,
    /// The kernel's name of the host.
    #[serde(default)]
    pub hostname: String,
    /// The user who ran restic.
    #[serde(default)]
    pub username: String,
    /// restic's process, as numbered on its host.
    #[serde(default)]
    pub pid: i32,
}

/// One lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResticLock {
    /// All 64 digits.
    pub id: String,
    /// What it says, or why that is not known, in one line.
    pub owner: Result<Owner, String>,
}

/// What is thought of a lock, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Stale by restic's rule: `restic unlock` removes it.
    Stale(String),
    /// In use, as far as restic can see.
    Alive(String),
    /// restic takes it for alive, since a process on this host has its maker's number; but that process has begun later.
    /// `restic unlock` sends that process SIGHUP to see whether it is there.
    Inherited(String),
    /// It cannot be read: `restic unlock` leaves it, and other commands fail because of it.
    Unreadable(String),
}

impl Verdict {
    /// Whether restic's rule calls it stale.
    pub fn is_stale(&self) -> bool {
        matches!(self, Self::Stale(_))
    }

    /// Why, in a few words.
    pub fn reason(&self) -> &str {
        match self {
            Self::Stale(why) | Self::Alive(why) | Self::Inherited(why) | Self::Unreadable(why) => why,
        }
    }
}

impl ResticLock {
    /// The id as people write it.
    pub fn short(&self) -> &str {
        self.id.get(..8).unwrap_or(&self.id)
    }

    /// When it becomes stale by its age, whoever has its maker's number.
    pub fn stale_from(&self) -> Option<DateTime<Local>> {
        let owner = self.owner.as_ref().ok()?;
        Some(owner.time.with_timezone(&Local) + Duration::minutes(STALE_AFTER))
    }

    /// What restic's rule says of it here and now (restic's `Lock.Stale`, the same in 0.14 and 0.18): stale is what is
    /// older than half an hour, or was made on this host by a process that cannot be signalled.
    pub fn verdict(&self, now: DateTime<Local>) -> Verdict {
        match &self.owner {
            Err(why) => Verdict::Unreadable(why.clone()),
            Ok(owner) => judge(owner, now, &this_host(), state_of),
        }
    }
}

/// What became of the process with a lock's number.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Maker {
    Gone,
    /// It belongs to somebody else: restic must not signal it, and takes that for gone.
    OutOfReach,
    /// Its name, and when it began.
    There(String, Option<DateTime<Local>>),
}

fn judge(owner: &Owner, now: DateTime<Local>, host: &str, state_of: impl Fn(i32) -> Maker) -> Verdict {
    let Owner { time, hostname, pid, .. } = owner;
    if now.signed_duration_since(time) > Duration::minutes(STALE_AFTER) {
        return Verdict::Stale(format!("older than {STALE_AFTER} minutes"));
    }
    if hostname != host {
        return Verdict::Alive(format!("younger than {STALE_AFTER} minutes, and made on another host ({hostname})"));
    }
    match state_of(*pid) {
        Maker::Gone => Verdict::Stale(format!("no process {pid} on this host")),
        Maker::OutOfReach => {
            Verdict::Stale(format!("process {pid} of this host is another user's: restic takes it for gone"))
        }
        // To another restic the signal is nothing.
        Maker::There(name, Some(began))
            if name != "restic" && began.signed_duration_since(time) > Duration::seconds(CLOCK_SLACK) =>
        {
            Verdict::Inherited(format!("its number {pid} belongs to another process now ({name})"))
        }
        Maker::There(name, _) => Verdict::Alive(format!("process {pid} ({name}) of this host has it")),
    }
}

fn state_of(pid: i32) -> Maker {
    if pid <= 0 {
        return Maker::Gone;
    }
    let pid = Pid::from_raw(pid);
    match kill(pid, None) {
        Ok(()) => Maker::There(name_of(pid), began(pid)),
        Err(Errno::EPERM) => Maker::OutOfReach,
        Err(_) => Maker::Gone,
    }
}

/// When a process began, to the second.
fn began(pid: Pid) -> Option<DateTime<Local>> {
    let ticks = i64::try_from(process::started_at(pid)?).ok()?;
    let a_second = sysconf(SysconfVar::CLK_TCK).ok()??;
    let up = Duration::from_std(sysinfo().ok()?.uptime()).ok()?;
    Some(Local::now() - up + Duration::seconds(ticks / a_second))
}

/// The kernel's name of this host, which restic compares; `HOSTNAME` may say something else.
pub fn this_host() -> String {
    gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The first lock that keeps `restic unlock` from being called, and why: restic would send SIGHUP to a process that has
/// nothing to do with it, which ends a run of ours, a shell, most daemons.
pub fn first_inherited(locks: &[ResticLock]) -> Option<(&ResticLock, String)> {
    let now = Local::now();
    locks.iter().find_map(|lock| match lock.verdict(now) {
        Verdict::Inherited(why) => Some((lock, why)),
        _ => None,
    })
}

/// Lists the locks, oldest first. What is in `known` is not read again: a lock never changes.
///
/// # Errors
/// How restic failed.
pub fn repository_locks(
    restic: &Restic,
    bounds: &Bounds<'_>,
    known: &[ResticLock],
) -> Result<Vec<ResticLock>, Outcome> {
    let mut locks = Vec::new();
    let mut ids = list(restic, bounds)?;
    let mut place = 0;
    while let Some(id) = ids.get(place).cloned() {
        place += 1;
        if let Some(lock) = known.iter().find(|lock| lock.id == id) {
            locks.push(lock.clone());
            continue;
        }
        if place > MOST_READ {
            let owner = Err(format!("not read: only the first {MOST_READ} locks are"));
            locks.push(ResticLock { id, owner });
            continue;
        }
        let mut owner = read(restic, bounds, &id, Patience::None);
        if owner.is_err() {
            // Removed by its maker since it was listed, most likely: before 0.17 restic looks for it for most of a minute.
            ids.truncate(place);
            let left = list(restic, bounds)?;
            let is_there = left.contains(&id);
            ids.extend(left.into_iter().filter(|left| !ids.contains(left)).collect::<Vec<_>>());
            if !is_there {
                continue;
            }
            owner = read(restic, bounds, &id, Patience::Some);
        }
        locks.push(ResticLock { id, owner });
    }
    locks.sort_by_key(|lock| lock.owner.as_ref().map_or(i64::MAX, |owner| owner.time.timestamp_millis()));
    Ok(locks)
}

fn list(restic: &Restic, bounds: &Bounds<'_>) -> Result<Vec<String>, Outcome> {
    let (outcome, listing) = run_whole(&restic.spec("list", ["locks", "--no-lock", "--no-cache"]), bounds);
    if !outcome.is_ok() {
        return Err(outcome);
    }
    let is_id = |line: &&str| !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_hexdigit());
    Ok(String::from_utf8_lossy(&listing).lines().map(str::trim).filter(is_id).map(str::to_owned).collect())
}

/// Whether restic may try again when it cannot load a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    None,
    Some,
}

fn read(restic: &Restic, bounds: &Bounds<'_>, id: &str, patience: Patience) -> Result<Owner, String> {
    // A stop of its own, which ends the one call.
    let own = Stop::new().map_err(|error| error.to_string())?;
    let limited = Bounds { stop: &own, limit: Some(PROBE_LIMIT), ..*bounds };
    let mut json = String::new();
    let outcome =
        run_text(&restic.spec("cat", ["lock", id, "--no-lock", "--no-cache"]), &limited, &mut |output| match output {
            Output::Stdout(line) => {
                json.push_str(line);
                json.push('\n');
            }
            Output::Stderr(line) if line.starts_with("Load(<lock/") && patience == Patience::None => {
                own.ask(Signal::SIGINT);
            }
            _ => {
                if let Some(request) = bounds.stop.request()
                    && own.request().is_none()
                {
                    own.ask(request.signal);
                }
            }
        });
    match outcome.meaning {
        Meaning::Ok => serde_json::from_str(&json).map_err(|error| format!("cannot be read as JSON: {error}")),
        _ => Err(format!("cannot be read: {}", outcome.reason())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(age: Duration, host: &str) -> (Owner, DateTime<Local>) {
        let now = Local::now();
        let owner = Owner {
            time: (now - age).fixed_offset(),
            exclusive: false,
            hostname: host.to_owned(),
            username: "root".to_owned(),
            pid: 42,
        };
        (owner, now)
    }

    fn verdict(age: Duration, host: &str, maker: &Maker) -> Verdict {
        let (owner, now) = owner(age, host);
        judge(&owner, now, "here", |pid| {
            assert_eq!(pid, 42);
            maker.clone()
        })
    }

    #[test]
    fn stale_is_what_is_old_or_has_no_process_here() {
        let young = Duration::minutes(30);
        let old = Duration::minutes(30) + Duration::seconds(1);
        let there = Maker::There("restic".to_owned(), None);
        assert!(verdict(old, "elsewhere", &there).is_stale());
        assert!(verdict(old, "here", &there).is_stale());
        assert!(verdict(young, "here", &Maker::Gone).is_stale());
        assert!(verdict(young, "here", &Maker::OutOfReach).is_stale());
        assert!(!verdict(young, "elsewhere", &Maker::Gone).is_stale(), "nobody can know here");
        assert_eq!(
            verdict(young, "here", &there),
            Verdict::Alive("process 42 (restic) of this host has it".to_owned())
        );
        // The clock of another host may be ahead.
        assert!(!verdict(Duration::minutes(-50), "elsewhere", &Maker::Gone).is_stale());
    }

    #[test]
    fn a_process_that_began_after_the_lock_is_not_its_maker() {
        let began = |age| Maker::There("cron".to_owned(), Some(Local::now() - age));
        let age = Duration::minutes(10);
        assert!(matches!(verdict(age, "here", &began(Duration::minutes(9))), Verdict::Inherited(_)));
        assert!(matches!(verdict(age, "here", &began(Duration::minutes(11))), Verdict::Alive(_)));
        assert!(
            matches!(verdict(age, "here", &began(age - Duration::seconds(2))), Verdict::Alive(_)),
            "the clock was set"
        );
    }

    #[test]
    fn the_kernel_knows_who_is_there() {
        let pid = std::process::id() as i32;
        let Maker::There(_, Some(began)) = state_of(pid) else { panic!("we are there") };
        let ago = Local::now().signed_duration_since(began).num_seconds();
        assert!((-2..600).contains(&ago), "began {ago} seconds ago");
        assert_eq!((state_of(i32::MAX), state_of(0), state_of(-1)), (Maker::Gone, Maker::Gone, Maker::Gone));
    }
}
