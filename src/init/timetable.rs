//! How the time of a stop is shared out.
//!
//! Runs know when it ends and are ready a second before (`docs/hooks.md`: Signals). What init needs for itself comes
//! behind that, and is short: the scheduler writes what is in the pipe, and what is left over is killed.

use std::time::{Duration, Instant};

/// What init keeps for itself of a stop's time, at most.
const OWN: Duration = Duration::from_millis(600);
/// From SIGTERM to SIGKILL for what is left over when everything else has ended in time.
const GRACE: Duration = Duration::from_secs(1);

/// The moments of one stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timetable {
    /// Until then runs and command may take.
    pub runs_until: Instant,
    /// Until then the scheduler may take to write the log.
    pub scheduler_until: Instant,
    /// Then SIGKILL is sent, at the latest.
    pub kill_at: Instant,
    /// The end, whatever is left.
    pub end: Instant,
}

impl Timetable {
    /// Of a stop that was asked for at `start` and may take `stop`.
    pub fn new(start: Instant, stop: Duration) -> Self {
        let own = OWN.min(stop / 4);
        let before_the_end = |time| start + stop.saturating_sub(time);
        Self {
            runs_until: before_the_end(own),
            scheduler_until: before_the_end(own * 2 / 3),
            kill_at: before_the_end(own / 3),
            end: start + stop,
        }
    }

    /// When what is left over is killed, if it was asked to end at `asked`.
    pub fn kill_leftovers_at(&self, asked: Instant) -> Instant {
        self.kill_at.min(asked + GRACE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_have_the_whole_time_that_their_own_budget_counts_on() {
        let start = Instant::now();
        let table = Timetable::new(start, Duration::from_secs(9));
        // Their last step, notifications, may take until a second before the end.
        assert!(table.runs_until > start + Duration::from_secs(8));
        assert!(table.runs_until < table.scheduler_until && table.scheduler_until < table.kill_at);
        assert_eq!(table.end, start + Duration::from_secs(9));
        assert_eq!(table.kill_leftovers_at(start), start + Duration::from_secs(1));
        assert_eq!(table.kill_leftovers_at(table.runs_until), table.kill_at);
    }

    #[test]
    fn a_short_time_is_shared_too() {
        let start = Instant::now();
        let table = Timetable::new(start, Duration::from_millis(400));
        assert_eq!(table.runs_until, start + Duration::from_millis(300));
        let none = Timetable::new(start, Duration::ZERO);
        assert_eq!((none.runs_until, none.end), (start, start));
    }
}
