//! Every command's flags and help; which command the process was called as.
//!
//! No logic lives here: a command is parsed and handed to its room.

mod alive;
mod cron_list;
mod entry;
mod hooks;
mod rotate_log;
mod route;
mod schedule;
mod status;
mod usage;
mod workers;

pub use route::{commands, run};
