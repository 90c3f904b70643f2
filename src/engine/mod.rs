//! restic as a program: where it is, how it is called, what it says while it works, and what its end means.
//!
//! Nothing here knows of hooks, reports or runs. Whoever calls decides what a line is written to and what an outcome
//! is worth.

mod backup;
mod complaint;
mod counter;
mod lines;
mod message;
mod outcome;
mod probe;
pub mod progress;
mod rate;
mod restic;
mod running;
mod tally;
mod version;
mod voice;
mod wording;

#[cfg(test)]
pub(crate) mod scene;

pub use backup::{Backup, Source, Unreadable, backup};
pub use complaint::Complaint;
pub use counter::{Counter, Counters};
pub use lines::Lines;
pub use message::{ItemError, Message, Status, Summary, Verbose};
pub use outcome::{Meaning, Outcome};
pub use probe::{NoVersion, PROBE_LIMIT, Probe, TOOL_LIMIT, probe, tool_version};
pub use progress::Progress;
pub use restic::Restic;
pub use running::{Bounds, Output, run_lines, run_text, run_whole};
pub use tally::{CheckTally, ForgetTally, PruneTally, Tally, TextSummary};
pub use version::Version;
pub use voice::Voice;
pub use wording::{bytes, clock, plainly};
