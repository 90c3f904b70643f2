//! The locks of a run: an flock that lives exactly as long as the run, and says who holds it.
//!
//! One is the job's, for one run of a job at a time (`file.rs`); the other is the repository's, so that runs that restic
//! would turn away wait for each other in order (`repository.rs`). Both are held by keeper and worker, never by an engine
//! or a hook: restic hands inherited descriptors on to its password command, a hook to its tunnel.

mod file;
mod holder;
mod locked_run;
mod mode;
mod patience;
mod place;
mod repository;
mod ticket;
mod watch;

pub use file::{Acquire, Lock, LockError, acquire};
pub use holder::Holder;
pub use locked_run::locked_run;
pub use mode::RepositoryLock;
pub use place::Place;
pub use repository::{Repository, RepositoryHold, Wanted, repository_key};
pub use ticket::Turn;
