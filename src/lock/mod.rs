//! The lock of a job: an flock that lives exactly as long as the run, and says who holds it.
//!
//! The lock is held by keeper and worker, never by an engine or a hook: restic hands inherited descriptors on to its
//! password command, a hook to its tunnel.

mod file;
mod holder;
mod locked_run;

pub use file::{Acquire, Lock, LockError, acquire};
pub use holder::Holder;
pub use locked_run::locked_run;
