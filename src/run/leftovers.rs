//! The end of what a failed hook left running, before its undo: a freeze that ends after its thaw stays frozen.
//!
//! What a hook that ended well has left, it left on purpose; what one that was killed or gave up has left, nobody meant.

use crate::masking::say;
use crate::process::{Process, descendants_of, told};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::time::{Duration, Instant};

/// How long SIGKILL is repeated for what forks while it is being killed.
const SWEEP_FOR: Duration = Duration::from_secs(2);
/// How often it is looked at while it ends.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Ends everything below this supervisor, whose hook has ended: SIGTERM and SIGCONT once, SIGKILL after `grace`. What
/// cannot be ended is said, and not waited for.
pub(super) fn end_below(supervisor: Pid, hook: &str, grace: Duration) {
    end(hook, grace, || descendants_of(supervisor).into_iter().filter(|process| !process.is_over()).collect());
}

/// Ends, in the same way, everything that says in its environment that it belongs to this hook of this run: what nobody
/// above it is left to end.
pub(super) fn end_told(run: &str, hook: &str, grace: Duration) {
    end(hook, grace, || told(&[("RUN_ID", run), ("HOOK_NAME", hook)]));
}

fn end(hook: &str, grace: Duration, alive: impl Fn() -> Vec<Process>) {
    for process in alive() {
        let _ = kill(process.pid, Signal::SIGTERM);
        let _ = kill(process.pid, Signal::SIGCONT);
    }
    let kill_at = Instant::now() + grace;
    loop {
        let left = alive();
        if left.is_empty() {
            return;
        }
        if Instant::now() >= kill_at + SWEEP_FOR {
            let left: Vec<String> = left.iter().map(|one| format!("{} (state {})", one.pid, one.state)).collect();
            say::error(format!("❌ Hook {hook}: could not be ended: process {}", left.join(", ")));
            return;
        }
        if Instant::now() >= kill_at {
            for process in &left {
                let _ = kill(process.pid, Signal::SIGKILL);
            }
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
