//! A state of the model: a few bytes for each process, the journal three times (memory, file, disk), and the reality.

use super::guards::Setting;

/// A record of the journal, one bit each, in the order in which one writer writes them.
pub mod record {
    pub const PRE1: u8 = 1;
    pub const PRE2: u8 = 2;
    pub const WORK_ENDED: u8 = 4;
    pub const UNDO2: u8 = 8;
    pub const UNDO1: u8 = 16;
    pub const POST: u8 = 32;
    pub const SEALED: u8 = 64;
}

/// What a supervisor runs.
pub mod hook {
    pub const PRE1: u8 = 1;
    pub const PRE2: u8 = 2;
    pub const UNDO1: u8 = 3;
    pub const UNDO2: u8 = 4;
    pub const POST: u8 = 5;
}

/// How far a supervisor is.
pub mod stage {
    /// It has its order.
    pub const START: u8 = 0x10;
    /// Its hook runs.
    pub const RUN: u8 = 0x20;
    /// Its hook has ended, and its owner has not heard of it yet.
    pub const END: u8 = 0x30;
    /// The hook runs, and its supervisor is dead.
    pub const ORPHAN: u8 = 0x40;
}

/// The word of an undo in the table of claims.
pub mod word {
    pub const FREE: u8 = 0;
    pub const HOOK: u8 = 1;
    pub const WORKER: u8 = 2;
    pub const UNDOER: u8 = 3;
    pub const DONE: u8 = 4;
}

/// Where the keeper is; 0 is gone.
pub mod keeper {
    pub const MAKE: u8 = 1;
    pub const SYNC: u8 = 2;
    pub const FORK: u8 = 3;
    pub const WATCH: u8 = 4;
}

/// Where the worker is; 0 is gone.
pub mod worker {
    pub const TAKE1: u8 = 1;
    pub const NOTE1: u8 = 2;
    pub const SYNC1: u8 = 3;
    pub const START1: u8 = 4;
    pub const WAIT1: u8 = 5;
    pub const NOTE2: u8 = 6;
    pub const START2: u8 = 7;
    pub const WAIT2: u8 = 8;
    pub const WORK: u8 = 9;
    pub const CLAIM_UNDO2: u8 = 10;
    pub const START_UNDO2: u8 = 11;
    pub const WAIT_UNDO2: u8 = 12;
    pub const CLAIM_UNDO1: u8 = 13;
    pub const START_UNDO1: u8 = 14;
    pub const WAIT_UNDO1: u8 = 15;
    pub const SYNC_POST: u8 = 16;
    pub const START_POST: u8 = 17;
    pub const WAIT_POST: u8 = 18;
    pub const SEAL: u8 = 19;
    pub const DRAIN: u8 = 20;
    pub const LEAVE: u8 = 21;
    pub const ENDED: u8 = 22;
    pub const TAKE_OVER: u8 = 23;
}

/// Where the undoer is; 0 is none.
pub mod undoer {
    pub const CLAIM: u8 = 1;
    pub const START: u8 = 2;
    pub const WAIT: u8 = 3;
    pub const WRITE: u8 = 4;
    /// Killed, and nobody has cleared up after it yet.
    pub const DEAD: u8 = 5;
}

/// Where a recovery is; 0 is none.
pub mod recovery {
    pub const OPENED: u8 = 1;
    pub const SWEEP: u8 = 2;
    pub const UNDO2: u8 = 3;
    pub const WAIT_UNDO2: u8 = 4;
    pub const UNDO1: u8 = 5;
    pub const WAIT_UNDO1: u8 = 6;
    pub const POST: u8 = 7;
    pub const WAIT_POST: u8 = 8;
    pub const SEAL: u8 = 9;
    pub const REMOVE: u8 = 10;
}

/// What there is of the journal's file.
pub mod journal {
    pub const NONE: u8 = 0;
    /// A power cut loses it.
    pub const MADE: u8 = 1;
    pub const DURABLE: u8 = 2;
    /// A power cut may bring it back.
    pub const REMOVED: u8 = 3;
}

/// What became of a hook's effect, in reality.
pub mod effect {
    pub const NONE: u8 = 0;
    pub const ON: u8 = 1;
    pub const OFF: u8 = 2;
}

/// What must not happen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Broken {
    #[default]
    Nothing,
    /// Two undos of one hook at a time.
    TwoUndos,
    /// An undo while its own hook runs.
    UndoWhileHookRuns,
    /// A run that lives, or is recovered already, is recovered.
    RecoveredAlive,
    /// A post hook runs before the undos.
    PostBeforeUndo,
    /// The journal goes while something is owed.
    RemovedWhileOwed,
    /// A run that has told its end is made up for.
    FinishedMadeUpFor,
    /// Everything has ended, and something is owed.
    LostDebt,
    /// Nothing can happen any more, and it is no end.
    Deadlock,
    /// An end can't be reached any more without a crash.
    Livelock,
}

/// A recovery (the next start, the scheduler, `hooks recover`) with its worker.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Recovery {
    pub at: u8,
    pub memory: u8,
    /// What is to be said again, in one line, before anything else.
    pub anew: u8,
    pub queue: u8,
}

/// Everything.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct State {
    pub keeper: u8,
    pub worker: u8,
    pub undoer: u8,
    /// It is no process, but a thread of a worker without a keeper.
    pub is_thread: bool,
    /// By hook.
    pub words: [u8; 2],
    /// The supervisors of the worker, the undoer and the two recoveries: hook and stage.
    pub slots: [u8; 4],
    /// What keeper and worker know.
    pub memory: u8,
    /// What the worker's writer has not written: first what is said again, in one line, then the queue.
    pub anew: u8,
    pub queue: u8,
    /// What was being written by a killed worker of which a thread hangs in it.
    pub stuck: u8,
    /// The same of an undoer; its first records have no bit.
    pub undoer_hangs: bool,
    pub undoer_stuck: u8,
    /// What is written, and what of it a power cut leaves.
    pub file: u8,
    pub disk: u8,
    pub journal: u8,
    /// A line of it can't be read.
    pub lost: bool,
    /// In the run's container, and in another one.
    pub recoveries: [Recovery; 2],
    /// pre1 is at its second attempt.
    pub again: bool,
    /// The hold limit has passed.
    pub past_limit: bool,
    /// How many undoers there were.
    pub undoers: u8,
    /// By hook, in reality.
    pub effects: [u8; 2],
    /// The post hook has run, in reality.
    pub post_ran: bool,
    /// The run has told its end.
    pub finished: bool,
    pub crashes: u8,
    pub broken: Broken,
}

/// The lowest bit.
pub fn first(bits: u8) -> u8 {
    bits & bits.wrapping_neg()
}

/// What a supervisor runs, without how far it is.
pub fn hook_of(slot: u8) -> u8 {
    slot & 0x0f
}

/// How far a supervisor is, without what it runs.
pub fn stage_of(slot: u8) -> u8 {
    slot & 0xf0
}

/// Whether a hook really runs there.
fn is_running(slot: u8) -> bool {
    matches!(stage_of(slot), stage::RUN | stage::ORPHAN)
}

impl State {
    pub fn start() -> Self {
        Self { keeper: keeper::MAKE, ..Self::default() }
    }

    /// Whether whoever writes to the journal's file system hangs.
    pub fn is_frozen(&self, setting: &Setting) -> bool {
        setting.frozen && (self.effects[0] == effect::ON || self.effects[1] == effect::ON)
    }

    pub fn undoer_lives(&self) -> bool {
        self.undoer != 0 && self.undoer != undoer::DEAD
    }

    /// Whether a thread of somebody killed hangs in a write, and keeps what it has open.
    pub fn hangs(&self) -> bool {
        self.stuck != 0 || self.undoer_hangs
    }

    /// Whether a supervisor (not just its orphan) is there, with a hook that has not ended.
    pub fn supervised(&self, slot: usize) -> bool {
        matches!(stage_of(self.slots[slot]), stage::START | stage::RUN)
    }

    /// Whether the one that a supervisor obeys is gone, as far as the supervisor can see.
    pub fn owner_is_gone(&self, slot: usize, setting: &Setting) -> bool {
        let is_open = self.hangs() && !setting.guards.own_descriptors;
        match slot {
            0 => self.worker == 0 && !is_open,
            1 => !self.undoer_lives() && !is_open,
            _ => self.recoveries[slot - 2].at == 0,
        }
    }

    pub fn note(&mut self, bit: u8) {
        self.memory |= bit;
        if self.anew != 0 || self.file & bit == 0 {
            self.queue |= bit;
        }
    }

    /// The worker's writer writes its next line. Gives what, as far as it is new.
    pub fn write(&mut self) -> u8 {
        if self.anew != 0 {
            // From its first step on: what stands before it does not count any more.
            self.file = std::mem::take(&mut self.anew);
            return 0;
        }
        let bit = first(self.queue);
        self.queue &= !bit;
        self.file |= bit;
        bit
    }

    /// Everything noted so far is on disk.
    pub fn sync(&mut self) {
        while self.anew | self.queue != 0 {
            self.write();
        }
        self.disk = self.file;
    }

    pub fn is_owed(&self) -> bool {
        self.effects.contains(&effect::ON) || (self.effects[0] != effect::NONE && !self.post_ran)
    }

    pub fn remove_journal(&mut self) {
        if self.is_owed() {
            self.broken = Broken::RemovedWhileOwed;
        }
        self.journal = journal::REMOVED;
    }

    /// A supervisor is started for a hook.
    pub fn give_order(&mut self, slot: usize, what: u8) {
        let there = self.slots[slot];
        if there != 0 {
            self.judge(what, there);
        }
        // With a damaged journal nobody can know.
        if slot >= 2 && self.finished && !self.lost {
            self.broken = Broken::FinishedMadeUpFor;
        }
        self.slots[slot] = what | stage::START;
    }

    /// A supervisor starts its hook.
    pub fn begin_hook(&mut self, slot: usize) {
        let what = hook_of(self.slots[slot]);
        for other in 0..4 {
            if other != slot && is_running(self.slots[other]) {
                self.judge(what, self.slots[other]);
            }
        }
        match what {
            hook::PRE1 | hook::PRE2 => self.effects[usize::from(what - hook::PRE1)] = effect::ON,
            hook::POST => {
                if self.effects.contains(&effect::ON) {
                    self.broken = Broken::PostBeforeUndo;
                }
                self.post_ran = true;
            }
            _ => {}
        }
        self.slots[slot] = what | stage::RUN;
    }

    /// What may not run beside what.
    fn judge(&mut self, what: u8, there: u8) {
        let there = hook_of(there);
        let (undo, pre) = match what {
            hook::UNDO1 => (hook::UNDO1, hook::PRE1),
            hook::UNDO2 => (hook::UNDO2, hook::PRE2),
            hook::PRE1 => (0, hook::UNDO1),
            hook::PRE2 => (0, hook::UNDO2),
            _ => return,
        };
        if there == undo {
            self.broken = Broken::TwoUndos;
        } else if there == pre {
            self.broken = Broken::UndoWhileHookRuns;
        }
    }

    /// A hook ends by itself, and well.
    pub fn end_hook(&mut self, slot: usize) {
        let what = hook_of(self.slots[slot]);
        match what {
            hook::UNDO1 => self.take_back(0),
            hook::UNDO2 => self.take_back(1),
            _ => {}
        }
        self.slots[slot] = what | stage::END;
    }

    fn take_back(&mut self, of: usize) {
        if self.effects[of] == effect::ON {
            self.effects[of] = effect::OFF;
        }
    }

    /// The owner of a supervisor is gone: nobody hears any more how its hook has ended.
    pub fn forget_report(&mut self, slot: usize) {
        if stage_of(self.slots[slot]) == stage::END {
            self.slots[slot] = 0;
        }
    }

    /// A hook is ended before its time: what it was to do is not done.
    pub fn end_early(&mut self, slot: usize) {
        if self.slots[slot] == hook::POST | stage::RUN {
            self.post_ran = false;
        }
        self.slots[slot] = 0;
    }

    /// What is of no meaning any more is set to one value, so that there are fewer states.
    pub fn settle(&mut self) {
        if self.keeper == 0 && self.worker == worker::ENDED {
            self.worker = 0;
        }
        if self.keeper == 0 && self.worker == 0 {
            self.memory = 0;
            self.anew = 0;
            self.queue = 0;
            self.again = false;
            if !self.undoer_lives() {
                self.undoer = 0;
                self.is_thread = false;
                self.words = [0; 2];
                self.past_limit = false;
                self.undoers = 0;
            }
        }
    }
}
