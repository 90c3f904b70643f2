//! The end of what a dead worker left, before its successor begins.

use super::attend::{Child, Keeper, reap};
use super::keeper::Run;
use super::{budget, cleaner, undoer};
use crate::process::supervisor::{NAME_DRAINING, NAME_RUNNING};
use crate::process::tree::{Progress, TreeEnder};
use crate::process::{Process, Request, children_of, name_of};
use crate::settings::seeded::{Fault, seeded};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpid};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// How long a supervisor may take beyond its hook's grace to end the hook of a dead worker.
const SUPERVISOR_GRACE: Duration = Duration::from_secs(4);

impl Keeper {
    /// Ends what a dead worker left: its hook's supervisor sees its channel closed and ends the hook, which is waited
    /// for, since an undo must not begin before; the engine gets SIGINT, and ends while the successor undoes. What hooks
    /// left on purpose stays. `stuck`: a thread of the worker hangs in the kernel, and its children are its own still.
    pub(super) fn end_what_is_left(&mut self, run: &Run, worker: &Child, stuck: bool) {
        let stuck = stuck.then_some(worker.pid);
        let kill_after = run.settings.hooks.kill_after;
        let request = Request { signal: Signal::SIGTERM, at: Instant::now(), again: false };
        let grace = budget::engine_grace(run.settings.limits.stop, &request);
        let mut keep = self.not_to_be_ended();
        keep.retain(|pid| *pid != worker.pid);
        keep.extend(stuck.into_iter().flat_map(children_of).map(|one| one.pid).filter(|pid| is_supervisor(*pid)));
        self.engine = Some(TreeEnder::begin_with_engine(grace, keep, stuck));
        if seeded(Fault::UndoBeforeEnd) {
            return;
        }
        let give_up_at = Instant::now() + kill_after + SUPERVISOR_GRACE;
        loop {
            reap();
            self.note_signals();
            let busy = Self::running_supervisors(stuck);
            if busy.is_empty() {
                break;
            }
            if Instant::now() >= give_up_at {
                // A supervisor that is stopped or stuck: what is below it comes to us.
                self.end_with(&busy);
                break;
            }
            let mut fds = [PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
            let _ = poll(&mut fds, PollTimeout::from(20_u8));
        }
        reap();
    }

    /// The supervisors of the dead worker whose hooks run: ours by now, or its own if it is stuck.
    fn running_supervisors(stuck: Option<Pid>) -> Vec<Process> {
        let theirs = stuck.map(children_of).unwrap_or_default();
        let all = children_of(getpid()).into_iter().chain(theirs);
        all.filter(|process| !process.is_over() && name_of(process.pid) == NAME_RUNNING).collect()
    }

    /// Ends these supervisors and what they had below them.
    pub(super) fn end_with(&self, busy: &[Process]) {
        for process in busy {
            let _ = kill(process.pid, Signal::SIGKILL);
        }
        let mut keep = self.not_to_be_ended();
        keep.retain(|pid| !busy.iter().any(|process| process.pid == *pid));
        let mut rest = TreeEnder::begin(Duration::ZERO, keep);
        while let Progress::Wait(time) = rest.step() {
            reap();
            std::thread::sleep(time);
        }
    }
}

fn is_supervisor(pid: Pid) -> bool {
    matches!(name_of(pid).as_str(), NAME_RUNNING | NAME_DRAINING | cleaner::NAME | undoer::NAME)
}
