//! A hook to test with.

use super::{Action, Hook, OnError, Phase, Policy};
use std::time::Duration;

/// A pre hook that does this, with nothing else said about it.
pub(super) fn hook(action: Action) -> Hook {
    Hook {
        name: "pre.test".to_owned(),
        phase: Phase::Pre,
        source: "/hooks/hooks.yaml:3".to_owned(),
        action,
        on_error: OnError::Continue,
        stop_phase_on_error: false,
        policy: Policy::Always,
        retries: 0,
        retry_delay: Duration::from_secs(5),
        timeout: None,
        kill_after: Duration::from_secs(10),
        skip_on: Vec::new(),
        undo_of: None,
        hold_limit: None,
        context: None,
        executor: None,
        container_name: None,
        problem: None,
        not_executable: false,
        is_broken_file: false,
        warnings: Vec::new(),
    }
}
