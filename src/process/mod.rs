//! Children: started clean, watched, and ended together with everything that they started.
//!
//! What a child is for is nobody's business here.

mod apart;
pub mod channel;
mod child;
mod descriptors;
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

pub use apart::apart;
pub use child::{Ending, Event, Exit, pidfd, run, run_with_input};
pub use descriptors::own_descriptors;
pub use identity::{Capability, Identity};
pub use launch::{Launch, launch};
pub use ourselves::{Distance, SENT_BY_PEOPLE, SOCKET_FD, lend_to_supervisors, start_ourselves};
pub use spawn::{Spec, hear_of_children, is_ignored, retry_while_busy, spawn};
pub use stop::{Request, Stop};
pub use supervised::{Alarm, StopRule, Supervisor, supervise};
pub use supervisor::{Ended, Order};
pub use table::{
    Process, ancestors_of, children_of, descendants_of, holding, is_as_good_as_dead, is_stopped, is_uninterruptible,
    mentioning, name_of, own_children, pid_namespace, started_at, told,
};
