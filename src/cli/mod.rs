//! Every command's flags and help; which command the process was called as.
//!
//! No logic lives here: a command is parsed and handed to its room.

mod hooks;
mod route;
mod usage;
mod workers;

pub use route::run;
