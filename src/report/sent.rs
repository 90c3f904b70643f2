//! What became of a notification.

use super::{Document, Status};
use crate::http::{self, GaveUp};
use std::time::Duration;

/// What became of a notification. Runs ignore it; `notify-test` reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// No address is set.
    Off,
    /// This outcome is not to be sent.
    NotDue,
    /// The other side took it.
    Delivered,
    /// It did not get there: the code that curl (webhook) or the mail program would have ended with.
    Failed(i32),
}

/// Why something could not be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// The code that curl or the mail program would have ended with.
    pub code: i32,
    /// What is wrong and how to mend it, in one line.
    pub reason: String,
}

impl Failure {
    pub(super) fn new(code: i32, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }
}

/// Whether a notification that is for trouble only has anything to say.
pub(super) fn is_trouble(document: &Document) -> bool {
    matches!(document.status, Status::Warning | Status::Failure | Status::Interrupted) || document.exit_code != 0
}

/// `10s`, `2.5s`.
pub(super) fn seconds(limit: Duration) -> String {
    if limit.subsec_millis() == 0 { format!("{}s", limit.as_secs()) } else { format!("{:.1}s", limit.as_secs_f64()) }
}

/// Does `work` and waits for it no longer than `limit`.
///
/// # Errors
/// When it takes longer, or when the system has no thread left.
pub(super) fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    http::within(limit, work).map_err(|why| match why {
        GaveUp::Limit => gave_up(limit),
        GaveUp::NoThread(error) => Failure::new(EX_OSERR, format!("the system has no thread left: {error}")),
    })
}

/// What is said when the limit has passed.
pub(super) fn gave_up(limit: Duration) -> Failure {
    Failure::new(crate::exit::TIMED_OUT, format!("not done within {}", seconds(limit)))
}

/// Of sysexits.h: the system itself failed.
const EX_OSERR: i32 = 71;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn trouble_is_whatever_did_not_end_well() {
        let with = |status, exit_code| is_trouble(&Document { exit_code, status, ..fixture::document() });
        assert!(!with(Status::Success, 0));
        assert!(!with(Status::Skipped, 0));
        assert!(with(Status::Warning, 0));
        assert!(with(Status::Failure, 1));
        assert!(with(Status::Interrupted, 143));
        assert!(with(Status::Skipped, 75));
    }

    #[test]
    fn work_that_hangs_is_given_up_at_the_limit() {
        let (keep, wait) = std::sync::mpsc::channel::<()>();
        let limit = Duration::from_millis(20);
        assert_eq!(within(limit, move || wait.recv().is_err()), Err(gave_up(limit)));
        drop(keep);
        assert_eq!(within(Duration::from_secs(20), || 7), Ok(7));
    }

    #[test]
    fn a_limit_is_shown_in_seconds() {
        assert_eq!(seconds(Duration::from_secs(10)), "10s");
        assert_eq!(seconds(Duration::from_millis(2500)), "2.5s");
    }
}
