//! The run: one pipeline for every worker, from the lock to the last report.
//!
//! A worker brings only its own [`Work`]; what a backup is, is not known here. The keeper (`keeper.rs`) is the process
//! that was started: it holds the lock and what is owed. Its child, the worker, goes through the pipeline
//! (`pipeline.rs`) and tells the keeper every step as a record (`state.rs`), so that the keeper can have a successor
//! finish what a killed worker left.

mod attempts;
mod budget;
pub mod cleaner;
mod closing;
mod debts;
mod delivery;
mod hold;
mod hook_steps;
mod identity;
mod job;
mod keeper;
mod ledger;
mod leftovers;
mod locks;
mod occasion;
mod outcome;
mod pipeline;
mod policy;
mod removal;
mod reports;
mod state;
mod tasks;
pub mod trial;
mod undo_steps;
mod work;

pub use crate::lock::{RepositoryLock, repository_key};
pub use budget::engine_grace;
pub use debts::{Debt, Debts};
pub use delivery::{GivenUp, deliver};
pub use job::Job;
pub use keeper::{Command, keep};
pub use work::{Asked, Cancelled, Draft, Step, Work, WorkContext, Worked};
