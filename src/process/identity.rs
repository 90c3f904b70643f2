//! Who a child runs as.

use nix::unistd::{Gid, Group, Uid, User, getegid, geteuid, getgrouplist, setgid, setuid};
use std::ffi::CString;
use std::io;

/// The system takes this number for none at all.
const NO_ONE: &str = "4294967295 stands for nobody at all, so write a number below it";

/// A user with groups, by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user: u32,
    /// Its group.
    pub group: u32,
    /// Its supplementary groups.
    pub groups: Vec<u32>,
}

impl Identity {
    /// Reads `user` or `user:group`, each a name or a number. With a group, the user has that one alone; without, those that
    /// the system's lists give it.
    ///
    /// # Errors
    /// What is wrong, as a predicate of the text.
    pub fn read(text: &str) -> Result<Self, String> {
        let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
        let entry = known(User::from_name(user), user)?;
        let number = user.parse::<u32>().ok();
        let entry = match (entry, number) {
            (None, Some(number)) => known(User::from_uid(Uid::from_raw(number)), user)?,
            (entry, _) => entry,
        };
        let uid = match (&entry, number) {
            (Some(entry), _) => entry.uid.as_raw(),
            (None, Some(number)) => number,
            (None, None) => return Err(format!("names no user of this container: '{user}'")),
        };
        if uid == u32::MAX {
            return Err(format!("names no user: {NO_ONE}"));
        }
        if let Some(group) = group {
            let found = known(Group::from_name(group), group)?.map(|entry| entry.gid.as_raw());
            let Some(gid) = found.or_else(|| group.parse().ok()) else {
                return Err(format!("names no group of this container: '{group}'"));
            };
            if gid == u32::MAX {
                return Err(format!("names no group: {NO_ONE}"));
            }
            return Ok(Self { user: uid, group: gid, groups: vec![gid] });
        }
        let Some(entry) = entry else {
            return Err(format!("has no group: this container knows no user {uid}, so write {uid}:GROUP"));
        };
        let gid = entry.gid;
        let name = CString::new(entry.name).map_err(|_| "holds a NUL".to_owned())?;
        let groups = getgrouplist(&name, gid).map_err(|error| format!("has groups that cannot be read: {error}"))?;
        Ok(Self { user: uid, group: gid.as_raw(), groups: groups.into_iter().map(Gid::as_raw).collect() })
    }

    /// Whether that is who we are, so that nothing has to change.
    pub fn is_ours(&self) -> bool {
        (self.user, self.group) == (geteuid().as_raw(), getegid().as_raw())
    }

    /// The capabilities that we lack for becoming that; none for who we are already.
    pub fn lacking(&self) -> Vec<Capability> {
        if self.is_ours() {
            return Vec::new();
        }
        let other_user = (self.user != geteuid().as_raw()).then_some(Capability::SetUid);
        // The supplementary groups are set in any case.
        let needed = other_user.into_iter().chain([Capability::SetGid]);
        needed.filter(|capability| !capability.is_ours()).collect()
    }

    /// Whether we may send signals to what runs as that.
    pub fn may_be_ended(&self) -> bool {
        self.user == geteuid().as_raw() || Capability::Kill.is_ours()
    }

    /// Becomes that. Safe between fork and exec.
    pub(super) fn take_on(&self) -> io::Result<()> {
        // Groups first: the user may not change them any more.
        // SAFETY: as many numbers are read as the list has.
        if unsafe { libc::setgroups(self.groups.len(), self.groups.as_ptr()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        setgid(Gid::from_raw(self.group))?;
        setuid(Uid::from_raw(self.user))?;
        Ok(())
    }

    /// For a channel: numbers with commas.
    pub(super) fn encode(&self) -> String {
        let numbers = [self.user, self.group].into_iter().chain(self.groups.iter().copied());
        numbers.map(|number| number.to_string()).collect::<Vec<_>>().join(",")
    }

    pub(super) fn decode(text: &str) -> Option<Self> {
        let mut numbers = text.split(',').map(|number| number.parse().ok());
        Some(Self { user: numbers.next()??, group: numbers.next()??, groups: numbers.collect::<Option<_>>()? })
    }
}

/// What the kernel asks of whoever starts and ends children of other users (`capabilities(7)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// `CAP_KILL`.
    Kill,
    /// `CAP_SETGID`.
    SetGid,
    /// `CAP_SETUID`.
    SetUid,
}

impl Capability {
    /// As containers are given it: `SETUID`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Kill => "KILL",
            Self::SetGid => "SETGID",
            Self::SetUid => "SETUID",
        }
    }

    /// Its number in `linux/capability.h`.
    fn number(self) -> u32 {
        match self {
            Self::Kill => 5,
            Self::SetGid => 6,
            Self::SetUid => 7,
        }
    }

    /// Whether we have it. A container's root may lack it, and another user may have it.
    fn is_ours(self) -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        effective(&status).map_or_else(|| geteuid().is_root(), |set| set & (1 << self.number()) != 0)
    }
}

/// The effective capabilities of a process, from its `/proc/<pid>/status`.
fn effective(status: &str) -> Option<u64> {
    let set = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(set.trim(), 16).ok()
}

fn known<T>(found: nix::Result<Option<T>>, name: &str) -> Result<Option<T>, String> {
    found.map_err(|error| format!("cannot be looked up: '{name}': {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_a_name_or_a_number() {
        let root = Identity::read("root").expect("is there");
        assert_eq!((root.user, root.group), (0, 0));
        assert_eq!(Identity::read("0"), Ok(root));
        let numbers = Identity { user: 4711, group: 4712, groups: vec![4712] };
        assert_eq!(Identity::read("4711:4712"), Ok(numbers));
        assert_eq!(Identity::read("root:root"), Ok(Identity { user: 0, group: 0, groups: vec![0] }));
    }

    #[test]
    fn capabilities_are_read_by_their_numbers() {
        let status = "Name:\tx\nCapPrm:\t000001ffffffffff\nCapEff:\t0000000000000040\n";
        assert_eq!(effective(status), Some(1 << Capability::SetGid.number()));
        assert_eq!((effective("Name:\tx\n"), effective("CapEff:\tno\n")), (None, None));
        assert!(effective(&std::fs::read_to_string("/proc/self/status").expect("is there")).is_some());
    }

    #[test]
    fn who_is_unknown_is_named() {
        for (text, why) in [
            ("no-such-user", "names no user of this container: 'no-such-user'"),
            ("root:no-such-group", "names no group of this container: 'no-such-group'"),
            ("4711", "write 4711:GROUP"),
            ("", "names no user"),
            ("4294967295:4711", "names no user: 4294967295 stands for nobody"),
            ("4711:4294967295", "names no group: 4294967295 stands for nobody"),
        ] {
            let error = Identity::read(text).expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
