//! Hooks: which there are, what would run, and running them (`docs/hooks.md`).
//!
//! Hooks know neither workers nor engines: the names of workers are handed in.

pub mod action;
mod discover;
pub mod document;
mod ended;
mod examine;
mod files;
#[cfg(test)]
mod fixture;
pub mod formats;
mod handed_on;
mod lines;
pub mod listing;
pub mod load;
pub mod model;
mod names;
pub mod native;
pub mod near;
mod output_files;
pub mod path_of_any_bytes;
mod permissions;
mod plan;
mod runner;
mod shebang;
mod strangers;
mod summary;
pub mod template;
mod told;

pub use discover::{Directory, Discovery, Finding, Owner, Phase, Script, Stranger, StrangerKind, discover};
pub use ended::{HookEnd, HookStatus};
pub use handed_on::read as read_handed_on;
pub use load::{Declarations, load};
pub use model::{Action, Context, Declared, FileMistake, HooksFile, OnError, Policy, Text, Undo};
pub use output_files::OutputFiles;
pub use permissions::{Access, may, reason};
pub use plan::{Hook, Plan, plan};
pub use runner::Runner;
pub use summary::{Facts, namespace, summary};
pub use told::{Standing, Told};
