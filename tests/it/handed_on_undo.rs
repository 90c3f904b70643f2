//! What a hook hands on reaches its own undo however the hook ended, and everybody else only if it ended well.

use crate::declared_scene::{declare, file, plain, sh};
use crate::support::Sandbox;

#[test]
fn a_failed_hook_hands_on_to_its_own_undo_alone() {
    for (end, further) in [("exit 1", "onError: Continue"), ("exec sleep 1000", "timeout: 300ms")] {
        let sandbox = Sandbox::with_stand_in_engine();
        let undo = sh("echo $HOOK_NAME [$MY_SNAPSHOT] [$SHARED] >> @T/notes");
        let hook = |name: &str, program: &str, further: &str| {
            format!("    - name: {name}\n      {}\n      undo: {{{undo}}}\n      {further}\n", sh(program))
        };
        let snap = format!("echo MY_SNAPSHOT=7 > $HOOK_OUTPUT; {end}");
        let pre = [hook("a", "echo SHARED=all > $HOOK_OUTPUT", "retries: 0"), hook("b", &snap, further)];
        declare(&sandbox, &file(&pre, &[plain("post", "echo post [$MY_SNAPSHOT] [$SHARED] >> @T/notes", "")]));
        sandbox.run(&["backup"]).ends_with(0);
        assert_eq!(sandbox.notes(), "undo-b [7] [all]\nundo-a [] [all]\npost [] [all]\n", "{end}");
    }
}

#[test]
fn a_killed_workers_successor_has_the_values_of_undos() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("ENGINE_WAITS", "setsid sleep 1000");
    sandbox.set("ENGINE_STARTED", sandbox.path("started").display().to_string());
    let undo = sh("echo $HOOK_NAME [$MY_SNAPSHOT] >> @T/notes");
    let b = format!("    - {{name: b, {}, undo: {{{undo}}}}}\n", sh("echo MY_SNAPSHOT=7 > $HOOK_OUTPUT; exit 1"));
    declare(&sandbox, &file(&[b], &[]));
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    crate::support::send(crate::undo::child_of(running.pid(), "boathook"), 9);
    running.finish().ends_with(137);
    assert_eq!(sandbox.notes(), "undo-b [7]\n");
}

#[test]
fn what_a_hook_had_handed_on_when_its_worker_was_killed_reaches_its_undo() {
    let sandbox = Sandbox::with_stand_in_engine();
    let undo = sh("echo $HOOK_NAME [$MY_SNAPSHOT] >> @T/notes");
    let program = "echo MY_SNAPSHOT=7 > $HOOK_OUTPUT; echo $$ > @T/started; exec sleep 1000";
    declare(&sandbox, &file(&[format!("    - {{name: b, {}, undo: {{{undo}}}}}\n", sh(program))], &[]));
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    crate::support::send(crate::undo::child_of(running.pid(), "boathook"), 9);
    running.finish().ends_with(137);
    assert_eq!(sandbox.notes(), "undo-b [7]\n");
}
