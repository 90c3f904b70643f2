//! Which due times are settled: a memory that belongs to init, and outlives any scheduler.
//!
//! A slot for each job, in the order of the crontab, holds the due time (seconds since 1970) that was started last, or
//! that the job begins to count from; 0 is a start of the container that is still owed to `@reboot`. The process that
//! is to become a run changes its slot itself, between fork and exec, and only from what the scheduler had read there:
//! so a started job is always recorded, an unrecorded one was never started, and of two that were forked for the same
//! time (by a scheduler that then died, and by the next) one goes on.
//!
//! Behind the slots lies the schedule in force, for the scheduler that follows a dead one.

use chrono::{DateTime, Utc};
use nix::unistd::ftruncate;
use std::fs::File;
use std::io;
use std::num::NonZero;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::ptr;
use std::sync::atomic::{AtomicI64, Ordering};

/// How many jobs there may be.
const SLOTS: usize = 256;
const SLOTS_SIZE: usize = SLOTS * size_of::<AtomicI64>();
/// What the schedule in force may take, in bytes.
const ROOM: usize = 64 * 1024;
/// The length and the check sum before it.
const HEAD: usize = 16;

/// The memory.
pub(super) struct Ledger {
    slots: &'static [AtomicI64],
    file: File,
}

/// The right to start one job for one due time; used by the process that is to become the run.
pub(super) struct Claim {
    slot: &'static AtomicI64,
    before: i64,
    due: i64,
}

impl Claim {
    /// Records the start. Safe between fork and exec.
    ///
    /// # Errors
    /// EALREADY if somebody else has it on record.
    pub fn make(&self) -> io::Result<()> {
        match self.slot.compare_exchange(self.before, self.due, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => Ok(()),
            Err(_) => Err(io::Error::from_raw_os_error(libc::EALREADY)),
        }
    }

    /// Takes the record back: the process that made it could not become the run.
    pub fn take_back(&self) {
        let _ = self.slot.compare_exchange(self.due, self.before, Ordering::SeqCst, Ordering::SeqCst);
    }
}

impl Ledger {
    /// Maps the memory; a fresh one is empty.
    ///
    /// # Errors
    /// When it is no memory that can be shared.
    pub fn open(file: OwnedFd) -> io::Result<Self> {
        let file = File::from(file);
        if file.metadata()?.len() < (SLOTS_SIZE + ROOM) as u64 {
            ftruncate(file.as_fd(), (SLOTS_SIZE + ROOM) as i64)?;
        }
        let length = NonZero::new(SLOTS_SIZE).expect("there are slots");
        // SAFETY: a new mapping at a place that the kernel chooses; nothing else lies there.
        let start = unsafe {
            let access = libc::PROT_READ | libc::PROT_WRITE;
            libc::mmap(ptr::null_mut(), length.get(), access, libc::MAP_SHARED, file.as_raw_fd(), 0)
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the mapping is as large as the slots, is never unmapped, begins at a page, and is zero or what another
        // scheduler stored atomically; the file is not made smaller by anybody.
        let slots = unsafe { std::slice::from_raw_parts(start.cast::<AtomicI64>(), SLOTS) };
        Ok(Self { slots, file })
    }

    /// Up to when the job of this place is settled; `None` if its slot is empty.
    pub fn settled(&self, place: usize) -> Option<DateTime<Utc>> {
        let seconds = self.slots.get(place)?.load(Ordering::SeqCst);
        if seconds == 0 { None } else { DateTime::from_timestamp(seconds, 0) }
    }

    /// Settles the job of this place up to `to` as long as it is settled up to `from`; `false` if somebody has started it
    /// meanwhile, whose record stands.
    pub fn settle_on(&self, place: usize, from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) -> bool {
        let number = |time: Option<DateTime<Utc>>| time.map_or(0, |time| time.timestamp());
        let (from, to) = (number(from), number(to));
        let change = |slot: &AtomicI64| slot.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        from == to || self.slots.get(place).is_none_or(change)
    }

    /// Settles the job of this place up to `time`, whatever was there; `None` empties its slot.
    pub fn settle(&self, place: usize, time: Option<DateTime<Utc>>) {
        if let Some(slot) = self.slots.get(place) {
            slot.store(time.map_or(0, |time| time.timestamp()), Ordering::SeqCst);
        }
    }

    /// The right to start the job of this place for `due`, as long as it is settled as it was when that was decided.
    pub fn claim(&self, place: usize, settled: Option<DateTime<Utc>>, due: DateTime<Utc>) -> Claim {
        let slot = self.slots.get(place).expect("there are more slots than jobs");
        Claim { slot, before: settled.map_or(0, |time| time.timestamp()), due: due.timestamp() }
    }

    /// Keeps the schedule in force for a successor; one that does not fit is not kept.
    pub fn keep(&self, schedule: &[u8]) {
        if schedule.len() > ROOM - HEAD {
            return;
        }
        let mut record = Vec::with_capacity(HEAD + schedule.len());
        record.extend((schedule.len() as u64).to_le_bytes());
        record.extend(check_sum(schedule).to_le_bytes());
        record.extend(schedule);
        let _ = self.file.write_all_at(&record, SLOTS_SIZE as u64);
    }

    /// The schedule that was in force; `None` if none was kept, or only half of one.
    pub fn kept(&self) -> Option<Vec<u8>> {
        let mut head = [0; HEAD];
        self.file.read_exact_at(&mut head, SLOTS_SIZE as u64).ok()?;
        let (length, sum) = head.split_at(8);
        let length = u64::from_le_bytes(length.try_into().ok()?) as usize;
        if length == 0 || length > ROOM - HEAD {
            return None;
        }
        let mut schedule = vec![0; length];
        self.file.read_exact_at(&mut schedule, (SLOTS_SIZE + HEAD) as u64).ok()?;
        (check_sum(&schedule).to_le_bytes() == sum).then_some(schedule)
    }
}

/// FNV-1a: tells a whole record from one that its writer's death has cut.
fn check_sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::scheduler) fn fresh() -> Ledger {
        let file = tempfile::tempfile().expect("a temporary file");
        Ledger::open(file.into()).expect("can be mapped")
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).expect("is a time")
    }

    #[test]
    fn of_two_claims_for_the_same_time_one_is_made() {
        let ledger = fresh();
        ledger.settle(3, Some(at(100)));
        let claim = || ledger.claim(3, Some(at(100)), at(160));
        let (first, second) = (claim(), claim());
        assert!(first.make().is_ok());
        assert_eq!(second.make().expect_err("is taken").raw_os_error(), Some(libc::EALREADY));
        assert!(claim().make().is_err(), "what was decided before the start is void");
        assert_eq!(ledger.settled(3), Some(at(160)));
        assert_eq!(ledger.settled(2), None);
    }

    #[test]
    fn a_successor_that_settles_a_job_undoes_no_start_of_its_predecessors() {
        let ledger = fresh();
        ledger.settle(0, Some(at(100)));
        let seen = ledger.settled(0);
        ledger.claim(0, seen, at(160)).make().expect("is free");
        assert!(!ledger.settle_on(0, seen, Some(at(120))), "it was started meanwhile");
        assert!(ledger.settle_on(0, seen, seen), "nothing is stored");
        assert_eq!(ledger.settled(0), Some(at(160)));
        assert!(ledger.settle_on(0, Some(at(160)), None));
        assert_eq!(ledger.settled(0), None);
    }

    #[test]
    fn a_claim_that_is_taken_back_can_be_made_again() {
        let ledger = fresh();
        ledger.settle(0, Some(at(100)));
        let claim = ledger.claim(0, Some(at(100)), at(160));
        claim.make().expect("is free");
        claim.take_back();
        assert_eq!(ledger.settled(0), Some(at(100)));
        claim.make().expect("is free again");
    }

    #[test]
    fn a_successor_finds_what_was_kept_and_nothing_that_was_cut() {
        let ledger = fresh();
        assert_eq!(ledger.kept(), None);
        ledger.keep(b"a longer schedule");
        ledger.keep(b"schedule");
        assert_eq!(ledger.kept().as_deref(), Some(b"schedule".as_slice()));
        ledger.file.write_all_at(b"X", (SLOTS_SIZE + HEAD) as u64).expect("is writable");
        assert_eq!(ledger.kept(), None);
    }
}
