//! Boathook: container workers for restic backups, with hooks that can be trusted.
//!
//! One binary serves every command; the name it is called by selects the command (`cli`). The rooms and the
//! direction in which they may look at each other are drawn in `docs/architecture.md`, and a test holds them.

pub mod cli;
pub mod doctor;
pub mod engine;
pub mod exit;
pub mod hooks;
pub mod http;
pub mod init;
pub mod lock;
pub mod masking;
pub mod process;
pub mod report;
pub mod run;
pub mod schedule;
pub mod scheduler;
pub mod settings;
pub mod workers;
