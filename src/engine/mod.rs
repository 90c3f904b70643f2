//! restic and rclone as programs: where they are, how they are called, what they say while they work, and what their
//! end means.
//!
//! Nothing here knows of hooks, reports or runs. Whoever calls decides what a line is written to and what an outcome
//! is worth.

mod backup;
mod complaint;
mod counter;
mod lines;
mod message;
mod outcome;
pub mod patterns;
mod probe;
pub mod progress;
mod rate;
pub mod rclone;
mod rclone_listings;
mod rclone_outcome;
mod rclone_stats;
mod repository_locks;
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
pub use probe::{NoVersion, PROBE_LIMIT, Probe, TOOL_LIMIT, probe, probe_until, tool_version};
pub use progress::Progress;
pub use rclone_listings::{Listings, keep_in_state};
pub use rclone_outcome::{Meaning as RcloneMeaning, Outcome as RcloneOutcome};
pub use rclone_stats::Transfers;
pub use repository_locks::{Owner, ResticLock, Verdict, first_inherited, repository_locks, this_host};
pub use restic::Restic;
pub use running::{Bounds, Output, Piece, run_lines, run_pieces, run_stream, run_text, run_whole};
pub use tally::{CheckTally, ForgetTally, PruneTally, Tally, TextSummary};
pub use version::Version;
pub use voice::Voice;
pub use wording::{bytes, clock, plainly};
