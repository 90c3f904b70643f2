//! The workers: one file each, and one table of all of them.

pub mod backup;
pub mod check;
pub mod crontab;
#[cfg(test)]
mod documented;
pub mod forget;
mod locking;
pub mod maintenance;
pub mod prune;
pub mod replicate;
pub mod restore;
pub mod rotate_log;
mod skeleton;
mod table;
#[cfg(test)]
mod with_restic;

pub use table::{Command, OLD_NAMES, WORKERS, Worker, find, find_by_old_name, names};
