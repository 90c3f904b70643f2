//! Children: started clean, watched, and ended together with everything that they started.
//!
//! What a child is for is nobody's business here.

pub mod channel;
mod child;
pub mod handover;
mod identity;
mod launch;
pub mod mounts;
mod ourselves;
mod reader;
pub mod registry;
pub mod service;
mod spawn;
mod stop;
mod supervised;
pub mod supervisor;
mod table;
pub mod terminal;
pub mod tree;

pub use child::{Ending, Event, Exit, pidfd, run, run_with_input};
pub use identity::{Capability, Identity};
pub use launch::{Launch, launch};
pub use ourselves::{Distance, SENT_BY_PEOPLE, SOCKET_FD, start_ourselves};
pub use spawn::{Spec, hear_of_children, is_ignored, retry_while_busy, spawn};
pub use stop::{Request, Stop};
pub use supervised::{Alarm, StopRule, Supervisor, supervise};
pub use supervisor::{Ended, Order};
pub use table::{Process, ancestors_of, children_of, descendants_of, mentioning, name_of, own_children, started_at};
