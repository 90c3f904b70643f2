//! Who runs an undo: one word for each in memory that keeper, worker, successors and undoers share.
//!
//! Whoever runs an undo claims it first, so that it is never run by two at a time. The keeper frees what the dead had
//! claimed. Modelled in `tests/model` (docs/design/journal.md).

use crate::settings::seeded::{Fault, seeded};
use nix::unistd::{Pid, gettid};
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

/// How far whoever has claimed an undo is with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// Nobody's.
    Free,
    /// The hook itself is run by this thread: its undo must wait.
    Hook(Pid),
    /// This thread is about to run it.
    Claimed(Pid),
    /// This thread runs it.
    Started(Pid),
    /// It has ended, and that is noted: whether well.
    Ended(bool),
}

const CLAIMED: u64 = 1;
const STARTED: u64 = 2;
const DONE: u64 = 3;
const FAILED: u64 = 4;
const HOOK: u64 = 5;
const STAGE_BITS: u32 = 8;

/// The claims of a run. Shared with every process that is forked after it was made.
#[derive(Debug)]
pub(super) struct Claims {
    words: NonNull<AtomicU64>,
    count: usize,
}

// SAFETY: the memory is shared between processes, and made of atomic words alone.
unsafe impl Send for Claims {}
// SAFETY: as above.
unsafe impl Sync for Claims {}

fn word(pid: Pid, stage: u64) -> u64 {
    u64::from(pid.as_raw() as u32) << STAGE_BITS | stage
}

impl Claims {
    /// Free words for so many undos.
    ///
    /// # Errors
    /// When the system has no memory left.
    pub fn new(count: usize) -> io::Result<Self> {
        if count == 0 {
            return Ok(Self::none());
        }
        let bytes = count * size_of::<AtomicU64>();
        let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        // SAFETY: new memory, of nobody else.
        let memory = unsafe { libc::mmap(std::ptr::null_mut(), bytes, protection, flags, -1, 0) };
        if memory == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let words = NonNull::new(memory.cast()).ok_or_else(|| io::Error::other("no memory"))?;
        Ok(Self { words, count })
    }

    /// For a run that has not begun.
    pub fn none() -> Self {
        Self { words: NonNull::dangling(), count: 0 }
    }

    fn at(&self, index: usize) -> &AtomicU64 {
        assert!(index < self.count, "an undo of the plan");
        // SAFETY: within the mapping, aligned to pages, zeroed by the kernel, and mapped for as long as we live.
        unsafe { self.words.add(index).as_ref() }
    }

    /// How far undo number `index` is.
    pub fn of(&self, index: usize) -> Claim {
        let word = self.at(index).load(Ordering::Acquire);
        let pid = Pid::from_raw((word >> STAGE_BITS) as i32);
        match word & ((1 << STAGE_BITS) - 1) {
            HOOK => Claim::Hook(pid),
            CLAIMED => Claim::Claimed(pid),
            STARTED => Claim::Started(pid),
            DONE => Claim::Ended(true),
            FAILED => Claim::Ended(false),
            _ => Claim::Free,
        }
    }

    fn change(&self, index: usize, from: u64, to: u64) -> bool {
        self.at(index).compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// The hook of undo number `index` is about to run. `false` if somebody undoes it, or has: it must not run then.
    pub fn hook_begins(&self, index: usize) -> bool {
        self.change(index, 0, word(gettid(), HOOK))
            || matches!(self.of(index), Claim::Hook(_))
            || seeded(Fault::NoClaim)
    }

    /// It has ended, with all that must have ended before its undo, and that is noted.
    pub fn hook_has_ended(&self, index: usize) {
        self.change(index, word(gettid(), HOOK), 0);
    }

    /// Claims it for this thread. `true` also if it is ours already.
    pub fn claim(&self, index: usize) -> bool {
        self.change(index, 0, word(gettid(), CLAIMED)) || self.is_ours(index) || seeded(Fault::NoClaim)
    }

    fn is_ours(&self, index: usize) -> bool {
        matches!(self.of(index), Claim::Claimed(pid) | Claim::Started(pid) if pid == gettid())
    }

    /// This thread, which has claimed it, runs it from now on.
    pub fn started(&self, index: usize) {
        self.at(index).store(word(gettid(), STARTED), Ordering::Release);
    }

    /// It has ended, and that is noted.
    pub fn ended(&self, index: usize, well: bool) {
        self.at(index).store(word(gettid(), if well { DONE } else { FAILED }), Ordering::Release);
    }

    /// Frees what `dead`, which will never run again, had claimed and has not ended.
    pub fn free(&self, dead: Pid) {
        for index in 0..self.count {
            for stage in [CLAIMED, STARTED, HOOK] {
                self.change(index, word(dead, stage), 0);
            }
        }
    }
}

impl Drop for Claims {
    fn drop(&mut self) {
        let bytes = self.count * size_of::<AtomicU64>();
        if bytes > 0 {
            // SAFETY: mapped by us, and nobody has a word of it any more.
            unsafe { libc::munmap(self.words.as_ptr().cast(), bytes) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_undo_has_one_who_runs_it_until_that_is_dead() {
        let claims = Claims::new(2).expect("there is memory");
        assert_eq!(claims.of(1), Claim::Free);
        assert!(claims.claim(1) && claims.claim(1));
        claims.started(1);
        assert_eq!(claims.of(1), Claim::Started(gettid()));
        claims.free(gettid());
        assert_eq!(claims.of(1), Claim::Free);
        claims.at(1).store(word(Pid::from_raw(1), CLAIMED), Ordering::Release);
        assert!(!claims.claim(1));
        assert!(claims.hook_begins(0) && !claims.claim(0));
        claims.hook_has_ended(0);
        assert!(claims.claim(0) && !claims.hook_begins(0));
        claims.ended(0, false);
        claims.free(gettid());
        assert_eq!(claims.of(0), Claim::Ended(false));
    }
}
