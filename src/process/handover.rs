//! What init hands to the scheduler, and what they say to each other.
//!
//! Init makes all of it, so that it outlives any scheduler. Each descriptor has a fixed number in the scheduler; all are
//! close-on-exec there from its first moment on.

/// Where the scheduler reads what runs and init say, line by line, for `cron.log`.
pub const LOG_READ: i32 = 3;
/// Where runs of the schedule write to: the other end of [`LOG_READ`].
pub const LOG_WRITE: i32 = 4;
/// A stream socket to init: the scheduler sends [`READY`], init sends [`FINISH`].
pub const CONTROL: i32 = 5;
/// A file in memory that belongs to init: which due times were started last. A scheduler that follows a dead one reads
/// there what needs not be started again.
pub const LEDGER: i32 = 6;
/// A listening Unix socket, `RUN_DIR/scheduler.sock`: whoever connects is told how the scheduler is.
pub const DOOR: i32 = 7;

/// The hidden command: `boathook scheduler-process first` at the start of the container, `… again` after a death.
pub const COMMAND: &str = "scheduler-process";

/// The boot is over and the schedule in force.
pub const READY: u8 = b'R';
/// Nothing will be written to the log any more but what is in the pipe: write that, and end.
pub const FINISH: u8 = b'F';

/// The name of the socket in `RUN_DIR` at which the scheduler answers.
pub const SCHEDULER_SOCKET: &str = "scheduler.sock";
/// The name of the socket in `RUN_DIR` at which init answers.
pub const INIT_SOCKET: &str = "init.sock";
