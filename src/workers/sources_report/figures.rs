//! What a walk finds.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How many unreadable entries are named for each source.
pub(super) const NAMED: usize = 5;

/// An entry that cannot be read, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Failure {
    pub path: Vec<u8>,
    pub reason: String,
}

/// Figures of one source, one list, or of all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Figures {
    pub files: u64,
    pub bytes: u64,
    /// Entries that the rules leave out; a folder counts as one.
    pub excluded: u64,
    pub errors: u64,
    /// The first in the order of their paths, so that two runs name the same.
    pub first: BTreeSet<Failure>,
}

impl Figures {
    pub(super) fn fail(&mut self, failure: Failure) {
        self.errors += 1;
        self.name(failure);
    }

    fn name(&mut self, failure: Failure) {
        self.first.insert(failure);
        if self.first.len() > NAMED {
            self.first.pop_last();
        }
    }

    pub(super) fn add(&mut self, other: &Self, files: u64) {
        self.files += files;
        self.bytes += other.bytes;
        self.excluded += other.excluded;
        self.errors += other.errors;
        other.first.iter().for_each(|failure| self.name(failure.clone()));
    }
}

/// Who asks for what lies somewhere: a source or a list, and the depth that it is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Asker {
    pub group: usize,
    pub base: u32,
}

/// The figures of what the same sources and lists ask for.
#[derive(Debug)]
pub(super) struct Share {
    askers: Vec<Asker>,
    /// Files for each asker, by its depth limit.
    files_of: Vec<AtomicU64>,
    files: AtomicU64,
    bytes: AtomicU64,
    excluded: AtomicU64,
    failures: Mutex<Figures>,
}

impl Share {
    pub(super) fn new(askers: Vec<Asker>) -> Self {
        Self {
            files_of: askers.iter().map(|_| AtomicU64::new(0)).collect(),
            askers,
            files: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            excluded: AtomicU64::new(0),
            failures: Mutex::default(),
        }
    }

    /// Adds files that all lie at the same depth, their bytes, and what was left out beside them.
    pub(super) fn add(&self, files: u64, bytes: u64, excluded: u64, depth: u32, limit: Option<u32>) {
        let mut counted = false;
        for (asker, files_of) in self.askers.iter().zip(&self.files_of) {
            if limit.is_none_or(|limit| depth.saturating_sub(asker.base) <= limit) {
                files_of.fetch_add(files, Relaxed);
                counted = true;
            }
        }
        if counted {
            self.files.fetch_add(files, Relaxed);
        }
        self.bytes.fetch_add(bytes, Relaxed);
        self.excluded.fetch_add(excluded, Relaxed);
    }

    pub(super) fn fail(&self, path: &[u8], error: impl Into<std::io::Error>) {
        let reason = reason(&error.into());
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).fail(Failure { path: path.to_vec(), reason });
    }

    /// Adds this share to those who asked for it, and once to `total`.
    pub(super) fn settle(&self, groups: &mut [Figures], total: &mut Figures) {
        let mut own = self.failures.lock().unwrap_or_else(PoisonError::into_inner).clone();
        own.bytes = self.bytes.load(Relaxed);
        own.excluded = self.excluded.load(Relaxed);
        for (asker, files) in self.askers.iter().zip(&self.files_of) {
            groups[asker.group].add(&own, files.load(Relaxed));
        }
        total.add(&own, self.files.load(Relaxed));
    }
}

/// The system's words without its number: `Permission denied`.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
