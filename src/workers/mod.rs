//! The workers: one file each, and one table of all of them.

pub mod backup;
pub mod check;
mod confirmation;
pub mod crontab;
#[cfg(test)]
mod documented;
mod flags;
pub mod forget;
pub mod forget_preview;
pub mod init_repo;
mod locking;
pub mod maintenance;
pub mod mount_snapshot;
pub mod notify_test;
pub mod prune;
pub mod replicate;
pub mod restore;
pub mod restore_test;
pub mod rotate_log;
mod skeleton;
pub mod snapshot_export;
pub mod sources_report;
mod table;
pub mod unlock;
#[cfg(test)]
mod with_restic;

pub use table::{Command, OLD_NAMES, WORKERS, Worker, find, find_by_old_name, names};
