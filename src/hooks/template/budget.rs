//! What one rendering may cost: steps, and bytes of text.

use std::cell::Cell;

/// The steps of one rendering: an instruction is one, an item that a function looks at is one.
pub(super) const STEPS: usize = 1_000_000;

/// The bytes of what a template puts out, and of every text on the way there.
pub(super) const BYTES: usize = 1024 * 1024;

/// Bytes of text that cost as much as one step, so that texts in a loop end as surely as the loop does.
const BYTES_A_STEP: usize = 64;

/// What is left of one rendering's steps.
#[derive(Debug)]
pub(super) struct Budget {
    left: Cell<usize>,
}

impl Budget {
    /// All of it.
    pub(super) fn new() -> Self {
        Self { left: Cell::new(STEPS) }
    }

    /// Takes `steps` away.
    ///
    /// # Errors
    /// When there are not so many left.
    pub(super) fn spend(&self, steps: usize) -> Result<(), String> {
        match self.left.get().checked_sub(steps) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(format!("the template takes more than {STEPS} steps: make its loops or lists smaller")),
        }
    }

    /// To be asked before a text of `bytes` is made.
    ///
    /// # Errors
    /// When it would be longer than 1 MiB, or there are no steps left for it.
    pub(super) fn output(&self, bytes: usize) -> Result<(), String> {
        if bytes > BYTES {
            return Err("the template makes a text longer than 1 MiB: shorten it, for example with trunc".to_owned());
        }
        self.spend(bytes / BYTES_A_STEP)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_end() {
        let budget = Budget::new();
        assert_eq!(budget.spend(STEPS), Ok(()));
        assert!(budget.spend(1).is_err_and(|error| error.contains("1000000 steps")));
    }

    #[test]
    fn a_text_of_a_mebibyte_is_the_longest() {
        let budget = Budget::new();
        assert_eq!(budget.output(BYTES), Ok(()));
        assert!(budget.output(BYTES + 1).is_err_and(|error| error.contains("1 MiB")));
        assert!((0..100).any(|_| budget.output(BYTES).is_err()), "texts in a loop end");
    }
}
