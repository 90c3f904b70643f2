//! Hooks: which there are, what would run, and running them (`docs/hooks.md`).
//!
//! Hooks know neither workers nor engines: the names of workers are handed in.

mod discover;
mod examine;
mod handed_on;
mod lines;
pub mod listing;
mod names;
mod permissions;
mod plan;
mod runner;
mod shebang;
mod strangers;
mod told;

pub use discover::{Directory, Discovery, Finding, Owner, Phase, Script, Stranger, StrangerKind, discover};
pub use handed_on::read as read_handed_on;
pub use permissions::{Access, may, reason};
pub use plan::{Hook, OnError, Plan, plan};
pub use runner::{HookEnd, HookStatus, Runner};
pub use told::{Standing, Told};
