//! `restore`: brings files of a snapshot back, with questions for a person at a terminal and refusals of what would
//! destroy something.
//!
//! The order is: arguments, `--list`, questions, refusals, preview and "Proceed?" (all of it before the pre hooks, in
//! `ask`), then the work. Nothing is created before the work begins.

mod arguments;
pub(super) mod ask;
pub(super) mod disk;
pub(super) mod hold;
pub(super) mod listing;
mod owner;
pub(super) mod place;
pub(super) mod plan;
pub(super) mod prompts;
pub(super) mod safety;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod scenarios_by_version;
mod since;
pub(super) mod snapshots;
pub(super) mod summary;
pub(super) mod table;
mod terminal;
#[cfg(test)]
mod testing;
mod work;

pub use arguments::RestoreArgs;
pub use terminal::{Input, SystemTerminal, Terminal};
pub use work::{Restore, augment, make};
