//! A point: a system call of one process of a run, and what is done there.

use crate::calls::{Failure, Leads, Met};
use crate::registers::Call;
use std::fmt;

/// Which call: the nth of its name in one thread of one process. Not the nth of all: where one thread asks once more than
/// in the run before, the others' numbers stay.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// `keeper`, `worker`, `worker2`, `hook1` (a supervisor), `worker>1` (forked, and not yet a program), `cleaner1`.
    pub role: String,
    /// 0 is the first, the others in the order in which they were made.
    pub thread: u32,
    pub call: String,
    /// From 1.
    pub nth: u32,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// The call fails.
    Fail(Failure),
    /// The process gets SIGKILL before the call.
    Kill,
    /// Keeper and all that are forked from it get it; supervisors, hooks and the engine live.
    Both,
    /// Everything gets it, as at a container's end.
    All,
    /// As `All`, and files fall back to what was synced.
    Power,
}

impl Deed {
    pub const KILLS: [Self; 4] = [Self::Kill, Self::Both, Self::All, Self::Power];

    pub fn word(self) -> &'static str {
        match self {
            Self::Fail(failure) => failure.word(),
            Self::Kill => "kill",
            Self::Both => "both",
            Self::All => "all",
            Self::Power => "power",
        }
    }

    /// Of what `word` gives, at a call of this name.
    pub fn parse(call: &str, word: &str) -> Option<Self> {
        let kill = Self::KILLS.into_iter().find(|kill| kill.word() == word);
        kill.or_else(|| Failure::parse(call, word).map(Self::Fail))
    }

    /// Under which heading it is counted.
    pub fn kind(self) -> &'static str {
        if matches!(self, Self::Fail(_)) { "failed calls" } else { self.word() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}:{}:{}", self.role, self.thread, self.call, self.nth)
    }
}

impl Place {
    /// Of what `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let (role, thread) = parts.next()?.rsplit_once('.')?;
        let place = Self {
            role: role.to_owned(),
            thread: thread.parse().ok()?,
            call: parts.next()?.to_owned(),
            nth: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(place)
    }
}

/// A call that a recording has met, in its place.
#[derive(Debug, Clone)]
pub struct Seen {
    pub place: Place,
    pub met: Met,
    /// The name of the thread at that time.
    pub comm: String,
}

impl Seen {
    /// One that this recording has not met, but another one has: `worker.0:openat:3:kill`.
    pub fn parse(text: &str) -> Option<(Self, Deed)> {
        let (place, word) = text.rsplit_once(':')?;
        let place = Place::parse(place)?;
        let deed = Deed::parse(&place.call, word)?;
        let call = Call { number: -1, arguments: [0; 6] };
        let met =
            Met { name: place.call.clone(), call, leads: Leads::Elsewhere, nonblocking: false, path: String::new() };
        Some((Self { place, met, comm: String::new() }, deed))
    }

    /// Everything that can be done here.
    pub fn deeds(&self) -> Vec<Deed> {
        let mut deeds: Vec<Deed> = self.met.failures().unwrap_or_default().into_iter().map(Deed::Fail).collect();
        if self.met.is_seen() {
            let main =
                self.place.role == "keeper" || self.place.role.starts_with("worker") && !self.place.role.contains('>');
            deeds.extend(Deed::KILLS.into_iter().filter(|deed| *deed != Deed::Both || main));
        }
        deeds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_can_be_read_again() {
        for text in ["worker.0:openat:3", "worker>12.0:dup2:1", "hook3.1:recvfrom:20"] {
            assert_eq!(Place::parse(text).map(|place| place.to_string()).as_deref(), Some(text));
        }
        let (seen, deed) = Seen::parse("hook3.1:recvfrom:20:EINTR").expect("is one");
        assert_eq!((seen.place.nth, deed), (20, Deed::Fail(Failure::Error("EINTR", libc::EINTR))));
        assert_eq!(Place::parse("worker:openat:3"), None);
        assert_eq!(Place::parse("worker.0:openat:3:4"), None);
    }
}
