//! The undoer: a process that the keeper forks when the hold limit of a pre hook has passed.
//!
//! It runs one undo while the worker goes on, whatever state that is in, and tells the keeper each step.

use super::keeper::Run;
use super::ledger::Ledger;
use super::pipeline::Pipeline;
use crate::masking::say;
use std::os::fd::OwnedFd;

/// The process's name.
pub(super) const NAME: &str = "boathook-undo";

/// Undoes number `index` of the undos, unless somebody else does. Gives the exit code.
pub(super) fn main(run: &Run, ledger: Ledger, stop: OwnedFd, index: usize) -> i32 {
    let name = std::ffi::CString::new(NAME).unwrap_or_default();
    let _ = nix::sys::prctl::set_name(&name);
    ledger.pen().hold(true);
    let pipeline = match Pipeline::new(run, ledger, stop) {
        Ok(pipeline) => pipeline,
        Err(error) => return super::keeper::cannot_start(run, &error),
    };
    pipeline.open_log_later();
    let undo = &run.plan.undos[index];
    let hook = undo.undo_of.and_then(|of| run.plan.pre.get(of));
    let Some(hook) = hook else { return 0 };
    let order = match pipeline.order(index, hook, undo, hook.hold_limit) {
        Ok(order) => order,
        Err(error) => {
            say::error(format!("❌ {} cannot be undone at its hold limit: {error}", hook.name));
            return 1;
        }
    };
    let state = pipeline.ledger.state();
    let values = undo.undo_of.and_then(|of| state.undo_values.get(&of)).cloned().unwrap_or_default();
    let work_is_over = state.work.is_some();
    order.carry_out(values, work_is_over);
    pipeline.output.flush();
    0
}
