//! How much time each step has once a stop was asked for (`docs/hooks.md`: Signals).
//!
//! SIGINT comes from a person at a terminal, who leaves each hook its own limit; every other signal starts the budget
//! S (`STOP_TIMEOUT`): the engine until S/3, then undos, then post hooks until S - 2.5 s (SIGTERM, SIGKILL 1 s later), then the
//! summary, and notifications until S - 1 s.

use crate::process::Request;
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

/// Grace of an engine that a person interrupts: time for a slow repository to have its lock removed.
const INTERRUPT_GRACE: Duration = Duration::from_secs(30);
/// From SIGTERM to SIGKILL for a post hook under the budget.
const POST_KILL_AFTER: Duration = Duration::from_secs(1);

/// What an undo has at least, whenever its turn comes: one that was hung before it must not leave a file system frozen.
const UNDO_MOMENT: Duration = Duration::from_secs(1);

fn has_budget(request: &Request) -> bool {
    request.signal != Signal::SIGINT
}

/// How long an engine may take to end, counted from the request.
pub fn engine_grace(stop: Duration, request: &Request) -> Duration {
    if has_budget(request) { stop / 3 } else { INTERRUPT_GRACE }
}

/// When and with what grace a running pre hook is ended: at once, as at a time-out; under the budget until S/3.
pub fn pre_hook(stop: Duration, kill_after: Duration, request: &Request) -> (Instant, Duration) {
    let grace = if request.again {
        Duration::ZERO
    } else if has_budget(request) {
        kill_after.min(stop / 3)
    } else {
        kill_after
    };
    (request.at, grace)
}

/// When and with what grace a running post hook is ended: under the budget at S - 2.5 s, else by its own limit alone.
pub fn post_hook(stop: Duration, request: &Request) -> (Instant, Duration) {
    if has_budget(request) {
        (request.at + stop.saturating_sub(Duration::from_millis(2500)), POST_KILL_AFTER)
    } else {
        (request.at + Duration::from_secs(365 * 24 * 3600), POST_KILL_AFTER)
    }
}

/// When and with what grace a running undo is ended: as a post hook, but for the moment that each undo has from its
/// start. A second signal does not cut it short.
pub fn undo(stop: Duration, started: Instant, request: &Request) -> (Instant, Duration) {
    let (at, grace) = post_hook(stop, request);
    (at.max(started + UNDO_MOMENT), grace)
}

/// How long notifications may still take; `None` is no other limit than their own.
pub fn notifications(stop: Duration, request: Option<&Request>) -> Option<Duration> {
    let request = request.filter(|request| has_budget(request))?;
    let until = request.at + stop.saturating_sub(Duration::from_secs(1));
    Some(until.saturating_duration_since(Instant::now()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(9);

    fn request(signal: Signal) -> Request {
        Request { signal, at: Instant::now(), again: false }
    }

    #[test]
    fn sigterm_shares_the_budget_out() {
        let term = request(Signal::SIGTERM);
        assert_eq!(engine_grace(S, &term), Duration::from_secs(3));
        assert_eq!(pre_hook(S, Duration::from_secs(10), &term), (term.at, Duration::from_secs(3)));
        assert_eq!(post_hook(S, &term), (term.at + Duration::from_millis(6500), Duration::from_secs(1)));
        assert_eq!(undo(S, term.at, &term).0, term.at + Duration::from_millis(6500));
        let late = term.at + Duration::from_secs(8);
        assert_eq!(undo(S, late, &Request { again: true, ..term }).0, late + UNDO_MOMENT);
        assert!(notifications(S, Some(&term)).is_some_and(|left| left <= Duration::from_secs(8)));
    }

    #[test]
    fn sigint_leaves_each_hook_its_own_limit() {
        let int = request(Signal::SIGINT);
        assert_eq!(pre_hook(S, Duration::from_secs(10), &int).1, Duration::from_secs(10));
        assert!(post_hook(S, &int).0 > Instant::now() + Duration::from_secs(3600));
        assert_eq!(notifications(S, Some(&int)), None);
    }

    #[test]
    fn a_second_signal_cuts_the_grace_short() {
        let again = Request { again: true, ..request(Signal::SIGINT) };
        assert_eq!(pre_hook(S, Duration::from_secs(10), &again).1, Duration::ZERO);
    }
}
