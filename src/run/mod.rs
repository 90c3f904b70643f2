//! The run: one pipeline for every worker, from the lock to the last report.
//!
//! A worker brings only its own [`Work`]; what a backup is, is not known here. The keeper (`keeper.rs`) is the process
//! that was started: it holds the lock and what is owed. Its child, the worker, goes through the pipeline
//! (`pipeline.rs`) and tells the keeper every step as a record (`state.rs`), so that the keeper can have a successor
//! finish what a killed worker left.

mod ahead;
mod attempts;
mod attend;
mod bounded;
mod budget;
mod claims;
pub mod cleaner;
mod closing;
mod compact;
mod debts;
mod delivery;
mod exported;
mod guess;
mod hold;
mod hook_steps;
mod identity;
mod job;
mod journal;
mod keeper;
mod ledger;
mod leftovers;
mod locks;
mod occasion;
mod outcome;
mod owing;
mod pipeline;
mod policy;
mod recoveries;
mod recovery;
mod remains;
mod removal;
mod reports;
mod state;
mod tasks;
mod timers;
pub mod trial;
mod undo_steps;
mod undoer;
mod work;

pub use crate::lock::{RepositoryLock, repository_key};
pub use budget::engine_grace;
pub use debts::{Debt, Debts};
pub use delivery::{GivenUp, deliver};
pub use exported::export_debts;
pub use identity::is_id;
pub use job::Job;
pub use keeper::{Command, keep};
pub use owing::{Owing, Stands, clear_half_made, forget, journals_lie_in, owing};
pub use recoveries::{Entry as RecoveryEntry, Step as RecoveryStep, list as recoveries};
pub use recovery::{Came, Recover, clear_unowed, recover};
pub use work::{Asked, Cancelled, Draft, Step, Work, WorkContext, Worked};
