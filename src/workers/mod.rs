//! The workers: one file each, and one table of all of them.

pub mod backup;
pub mod check;
#[cfg(test)]
mod documented;
pub mod forget;
pub mod maintenance;
pub mod prune;
pub mod restore;
mod skeleton;
mod table;
#[cfg(test)]
mod with_restic;

pub use table::{Command, WORKERS, Worker, find, names};
