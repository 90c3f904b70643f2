//! The door: whoever connects is told how the scheduler is, in one line, and let go.

use chrono::{DateTime, FixedOffset, SecondsFormat, Utc};
use nix::sys::socket::{MsgFlags, SockFlag, accept4, send};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// How the scheduler is.
pub(super) struct State {
    /// When this process began.
    pub begun: DateTime<Utc>,
    /// Whether the boot is over.
    pub ready: bool,
    /// Whether it starts nothing any more.
    pub stopping: bool,
    /// Which job starts next, and when.
    pub next: Option<(&'static str, DateTime<FixedOffset>)>,
}

impl State {
    fn line(&self) -> String {
        let time = |time: &DateTime<FixedOffset>| time.to_rfc3339_opts(SecondsFormat::Secs, false);
        let next = self.next.as_ref().map(|(job, at)| serde_json::json!({"job": job, "at": time(at)}));
        let state = serde_json::json!({
            "pid": std::process::id(),
            "since": self.begun.to_rfc3339_opts(SecondsFormat::Millis, true),
            "ready": self.ready,
            "stopping": self.stopping,
            "next": next,
        });
        format!("{state}\n")
    }
}

/// Answers everybody who waits at the door. Nobody is waited for: a line fits into any socket, and who has gone is gone.
pub(super) fn answer(door: &OwnedFd, state: &State) {
    while let Ok(visitor) = accept4(door.as_raw_fd(), SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK) {
        // SAFETY: a new descriptor that nobody else owns.
        let visitor = unsafe { OwnedFd::from_raw_fd(visitor) };
        let _ = send(visitor.as_raw_fd(), state.line().as_bytes(), MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT);
    }
}
