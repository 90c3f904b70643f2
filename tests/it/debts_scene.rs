//! Runs that were killed with all their processes, and have left a journal.

use crate::declared_scene::{declare, file, plain, sh};
use crate::support::{Running, Sandbox, send, wait_for};
use crate::undo::child_of;
use std::fs;
use std::path::PathBuf;

/// A pre hook `freeze` and its undo, a post hook `tell`, and an engine that waits. The undo and the post hook note how they
/// are told; the undo fails while `no-thaw` is there.
pub fn frozen() -> Sandbox {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let freeze = sh("echo frozen >> @T/notes");
    let thaw = sh("[ ! -e @T/no-thaw ] || exit 1; echo thawed $RUN_TRIGGER $RUN_STATUS >> @T/notes");
    let held = format!("    - name: freeze\n      {freeze}\n      undo: {{{thaw}}}\n");
    declare(&sandbox, &file(&[held], &[plain("tell", "echo told $RUN_STATUS >> @T/notes", "")]));
    let started = sandbox.path("started").display().to_string();
    let metrics = sandbox.path("metrics").display().to_string();
    sandbox.set("HOOK_KILL_AFTER", "1").set("METRICS_DIR", metrics);
    sandbox.set("ENGINE_WAITS", "sleep 1000").set("ENGINE_STARTED", started);
    sandbox
}

/// Kills a backup's keeper and worker together, while its engine works, and waits until nothing of it lives.
pub fn kill(sandbox: &Sandbox, running: Running) -> String {
    sandbox.wait_for_file("started");
    let worker = child_of(running.pid(), "boathook");
    // Stopped first, so that neither sees the other die.
    for signal in [libc::SIGSTOP, libc::SIGKILL] {
        send(running.pid(), signal);
        send(worker, signal);
    }
    running.finish();
    // The kernel asks the engine to end. What that has started is nobody's any more, and keeps its outputs open.
    wait_for("the engine to end", || sandbox.engine_log().ends_with("interrupted\n").then_some(()));
    wait_for("the end of what it has left", || {
        let left = sandbox.processes();
        let of_engine = left.iter().filter(|(_, words)| words.starts_with("sleep "));
        of_engine.for_each(|(pid, _)| send(*pid, libc::SIGKILL));
        left.is_empty().then_some(())
    });
    fs::remove_file(sandbox.path("started")).expect("is there");
    let [journal] = journals(sandbox).try_into().expect("one run was killed");
    journal.file_stem().expect("has a name").to_string_lossy().into_owned()
}

/// A run of `backup` that froze, and was killed; its id.
pub fn killed(sandbox: &Sandbox) -> String {
    let running = sandbox.start(&["backup"]);
    kill(sandbox, running)
}

/// The journals that lie there.
pub fn journals(sandbox: &Sandbox) -> Vec<PathBuf> {
    let entries = fs::read_dir(sandbox.path("state/journal")).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "journal")).collect()
}

/// Waits until the hooks have noted this.
#[track_caller]
pub fn expect_notes(sandbox: &Sandbox, notes: &str) {
    wait_for(&format!("{notes:?} instead of {:?}", sandbox.notes()), || (sandbox.notes() == notes).then_some(()));
}

/// What they have noted once everything is made up for.
pub const MADE_UP: &str = "frozen\nthawed recovery interrupted\ntold interrupted\n";
