//! Real repositories: one for each restic at hand, and locks that somebody else holds on them.

use crate::support::{Running, Sandbox, wait_for};
use serde_json::Value;
use std::fs;

/// The variable that names a restic of 0.17 or later. What such a one does differently is tested where one is at hand.
const NEW_RESTIC: &str = "BOATHOOK_TEST_RESTIC_NEW";

/// A process that holds a lock of the repository, and will neither go on nor end by itself.
pub struct LockHolder(Running);

impl LockHolder {
    /// Ends it; its lock stays behind.
    pub fn kill(self) {
        self.0.signal(9);
        self.0.finish();
    }
}

impl Sandbox {
    /// With a repository of the restic that [`NEW_RESTIC`] names, which stands first in `PATH`; `None`, with a line that
    /// says so, where none is named.
    pub fn with_new_repository() -> Option<Self> {
        let Some(program) = std::env::var_os(NEW_RESTIC) else {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{NEW_RESTIC} must be set where CI=true");
            println!("skipped: restic 0.18 ({NEW_RESTIC} is not set)");
            return None;
        };
        let sandbox = Self::new();
        std::os::unix::fs::symlink(program, sandbox.path("bin/restic")).expect("can be linked");
        assert!(sandbox.restic_version() >= (0, 17), "{NEW_RESTIC} names an old restic");
        sandbox.restic(&["init"]).ends_with(0);
        Some(sandbox)
    }

    /// A repository for each restic at hand: what holds of all versions is tested with each.
    pub fn with_each_repository() -> Vec<Self> {
        std::iter::once(Self::with_repository()).chain(Self::with_new_repository()).collect()
    }

    /// The version of the sandbox's restic: major and minor.
    #[track_caller]
    pub fn restic_version(&self) -> (u32, u32) {
        let text = self.restic(&["version"]).ends_with(0).stdout;
        let number = text.split_whitespace().nth(1).expect("restic X.Y.Z ...").to_owned();
        let mut parts = number.split('.').map(|part| part.parse().expect("a number"));
        (parts.next().expect("is there"), parts.next().expect("is there"))
    }

    /// Somebody who reads the repository, and lets others do so and add to it.
    pub fn hold_shared_lock(&self) -> LockHolder {
        self.hold_lock(&["list", "keys"])
    }

    /// Somebody who has the repository alone.
    pub fn hold_exclusive_lock(&self) -> LockHolder {
        self.hold_lock(&["check"])
    }

    /// A restic that is stopped in the moment in which it has its lock; one that was too fast is followed by another.
    fn hold_lock(&self, words: &[&str]) -> LockHolder {
        let before = self.repository_locks();
        loop {
            let restic = self.start_program("restic", words);
            let has_ended = || {
                let stat = fs::read_to_string(format!("/proc/{}/stat", restic.pid()));
                stat.map_or(true, |stat| stat.contains(") Z ")).then_some(())
            };
            wait_for("the repository's lock", || if self.repository_locks() > before { Some(()) } else { has_ended() });
            restic.signal(19);
            if has_ended().is_none() && self.repository_locks() > before {
                return LockHolder(restic);
            }
            restic.signal(9);
            restic.finish();
        }
    }

    /// How many locks there are on the repository.
    pub fn repository_locks(&self) -> usize {
        let locks = fs::read_dir(self.path("repo/locks")).expect("is a repository");
        // A lock that is being written has another name.
        locks.flatten().filter(|lock| !lock.file_name().to_string_lossy().contains("tmp")).count()
    }

    /// The snapshots, oldest first, as restic tells them.
    #[track_caller]
    pub fn snapshots(&self) -> Vec<Value> {
        let text = self.restic(&["snapshots", "--json", "--no-lock"]).ends_with(0).stdout;
        serde_json::from_str(&text).expect("is a list")
    }
}

/// Why restic fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    Other,
    Incomplete,
    NoRepository,
    Locked,
    WrongPassword,
}

impl Code {
    /// restic's exit code: three of them exist from 0.17 on.
    pub fn of(self, modern: bool) -> i32 {
        match self {
            Self::Incomplete => 3,
            Self::NoRepository if modern => 10,
            Self::Locked if modern => 11,
            Self::WrongPassword if modern => 12,
            _ => 1,
        }
    }
}
