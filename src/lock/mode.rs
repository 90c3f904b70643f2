//! How a run uses the repository, seen from those who want to use it, too.

/// What a run takes of its repository. It follows restic's own lock: two runs that restic lets work side by side share
/// it, two that it would turn away from each other do not meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepositoryLock {
    /// Nothing: no engine works on the repository, or restic was told to take no lock.
    None,
    /// Beside others that share it: backup, restore.
    Shared,
    /// Alone: check, forget, prune.
    Exclusive,
}

impl RepositoryLock {
    /// Whether two runs may use the repository at the same time.
    pub fn goes_with(self, other: Self) -> bool {
        self == Self::None || other == Self::None || (self, other) == (Self::Shared, Self::Shared)
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Shared => "shared",
            Self::Exclusive => "exclusive",
        }
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        [Self::Shared, Self::Exclusive].into_iter().find(|mode| mode.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::RepositoryLock::{Exclusive, None, Shared};

    #[test]
    fn only_shared_ones_go_together() {
        assert!(Shared.goes_with(Shared) && None.goes_with(Exclusive) && Exclusive.goes_with(None));
        assert!(!Shared.goes_with(Exclusive) && !Exclusive.goes_with(Shared) && !Exclusive.goes_with(Exclusive));
    }
}
