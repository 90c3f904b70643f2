//! Faults that are put in on purpose: the tests that must find them are tried with them (`tests/torture`).
//!
//! Only with the feature `seeded-faults`, and then only the one that `BOATHOOK_SEEDED_FAULT` names. Otherwise every
//! question here is `false` when the program is built.

/// What is left out, or done at the wrong time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The journal is written, but not synced.
    NoSync,
    /// Reports are written in their own place, not beside it.
    NoRename,
    /// Nobody claims an undo before running it.
    NoClaim,
    /// An undo does not wait for its hook's end.
    UndoBeforeEnd,
    /// The job's lock is let go when the work is over.
    LockEarly,
    /// A successor and a recovery run no post hooks.
    PostForgotten,
    /// The journal is settled when the work is over, before the undos.
    SettledEarly,
    /// A journal is taken for a dead run's without asking whether that lives.
    ReadWhileAlive,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::NoSync,
        Self::NoRename,
        Self::NoClaim,
        Self::UndoBeforeEnd,
        Self::LockEarly,
        Self::PostForgotten,
        Self::SettledEarly,
        Self::ReadWhileAlive,
    ];

    /// As `BOATHOOK_SEEDED_FAULT` names it.
    pub fn word(self) -> &'static str {
        match self {
            Self::NoSync => "no-sync",
            Self::NoRename => "no-rename",
            Self::NoClaim => "no-claim",
            Self::UndoBeforeEnd => "undo-before-end",
            Self::LockEarly => "lock-early",
            Self::PostForgotten => "post-forgotten",
            Self::SettledEarly => "settled-early",
            Self::ReadWhileAlive => "read-while-alive",
        }
    }
}

/// Whether this fault is put in.
pub fn seeded(fault: Fault) -> bool {
    cfg!(feature = "seeded-faults") && std::env::var("BOATHOOK_SEEDED_FAULT").is_ok_and(|word| word == fault.word())
}
