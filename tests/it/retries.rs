//! Further attempts of hooks.

use crate::declared_scene::{declare, file, held, hook_of, plain, sh};
use crate::support::{Sandbox, send, wait_for};
use crate::undo::child_of;

#[test]
fn a_hook_is_tried_again_and_each_attempt_is_recorded() {
    let sandbox = Sandbox::with_stand_in_engine();
    let program = "echo $HOOK_ATTEMPT >> @T/notes; [ $HOOK_ATTEMPT = 3 ] || exit 4";
    declare(&sandbox, &file(&[plain("a", program, "retries: 3; retryDelay: 0; onError: Fail")], &[]));
    let out = sandbox.run(&["backup"]).ends_with(0).all();
    assert_eq!(sandbox.notes(), "1\n2\n3\n");
    assert!(out.contains("🔁 Hook a: attempt 1 of 4 failed; the next in 0.0s"), "{out}");
    let summary = sandbox.summary("backup");
    let hook = hook_of(&summary, "a");
    assert_eq!((&hook["status"], &hook["attempts"]), (&"completed".into(), &3.into()));
    let tries = hook["tries"].as_array().expect("a list");
    let of = |key: &str| tries.iter().map(|one| one[key].clone()).collect::<Vec<_>>();
    assert_eq!(
        (of("exit_code"), of("reason")),
        (vec![4.into(), 4.into(), 0.into()], vec!["exit 4".into(), "exit 4".into(), "".into()])
    );
    assert_eq!(summary["status"], "success");
}

#[test]
fn the_last_attempt_decides() {
    let sandbox = Sandbox::with_stand_in_engine();
    let program = "echo $HOOK_ATTEMPT >> @T/notes; exec sleep 1000";
    declare(&sandbox, &file(&[plain("a", program, "retries: 1; retryDelay: 0; timeout: 50ms; onError: Fail")], &[]));
    sandbox.run(&["backup"]).ends_with(124);
    assert_eq!(sandbox.notes(), "1\n2\n");
    sandbox.expect_no_process();
}

#[test]
fn neither_a_skip_code_nor_what_cannot_run_is_tried_again() {
    let sandbox = Sandbox::with_stand_in_engine();
    let missing = "    - {name: x, exec: {command: [/no/such]}, retries: 2, retryDelay: 0}\n".to_owned();
    let skips = plain("a", "echo $HOOK_ATTEMPT >> @T/notes; exit 75", "skipOn: [75]; retries: 2; retryDelay: 0");
    declare(&sandbox, &file(&[missing, skips], &[]));
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "1\n");
    let summary = sandbox.summary("backup");
    assert_eq!((&hook_of(&summary, "x")["attempts"], &summary["status"]), (&0.into(), &"skipped".into()));
    assert!(hook_of(&summary, "a").get("tries").is_none());
}

#[test]
fn a_stop_ends_the_wait_for_a_further_attempt() {
    for (signal, code) in [(2, 130), (15, 143)] {
        let sandbox = Sandbox::with_stand_in_engine();
        let program = "echo $HOOK_ATTEMPT >> @T/notes; exit 1";
        declare(&sandbox, &file(&[plain("a", program, "retries: 5; retryDelay: 1h")], &[]));
        let running = sandbox.start(&["backup"]);
        wait_for("the wait", || sandbox.log("backup").contains("🔁").then_some(()));
        running.signal(signal);
        running.finish().ends_with(code);
        assert_eq!(sandbox.notes(), "1\n");
    }
}

#[test]
fn a_failure_may_stop_its_phase_and_nothing_else() {
    let sandbox = Sandbox::with_stand_in_engine();
    let note = "echo $HOOK_NAME >> @T/notes";
    let pre = [plain("a", "exit 1", "stopPhaseOnError: true"), plain("b", note, "")];
    let post = [plain("c", note, ""), plain("d", "exit 1", "stopPhaseOnError: true"), plain("e", note, "")];
    declare(&sandbox, &file(&pre, &post));
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "c\n");
    let summary = sandbox.summary("backup");
    assert_eq!(summary["work"]["status"], "completed");
    for (hook, by) in [("b", "a"), ("e", "d")] {
        let reason = format!("Task skipped due to hook failure (stopPhaseOnError): {by}");
        assert_eq!(hook_of(&summary, hook)["reason"], reason.as_str());
    }
}

#[test]
fn a_hold_limit_that_passes_before_the_next_attempt_is_said() {
    let sandbox = Sandbox::with_stand_in_engine();
    let program = "echo $HOOK_ATTEMPT >> @T/notes; exit 1";
    declare(&sandbox, &file(&[held("a", program, "retries: 5; retryDelay: 3h; holdLimit: 1h")], &[]));
    let out = sandbox.run(&["backup"]).ends_with(0).all();
    assert_eq!(sandbox.notes(), "1\nundo-a\n");
    assert!(out.contains("🔁 Hook a: no further attempt: its hold limit passes first"), "{out}");
}

#[test]
fn a_killed_workers_successor_knows_the_attempts_before() {
    let ended = "ended, since the worker was killed by signal 9";
    for (delay, ends) in [("0", vec![(4, "exit 4"), (143, ended)]), ("1h", vec![])] {
        let sandbox = Sandbox::with_stand_in_engine();
        let undo = sh("echo $HOOK_NAME [$W1] >> @T/notes");
        let program =
            "[ $HOOK_ATTEMPT = 1 ] || { echo $$ > @T/started; exec sleep 1000; }; echo W1=a > $HOOK_OUTPUT; exit 4";
        let further = format!("retries: 1, retryDelay: {delay}");
        let b = format!("    - {{name: b, {}, {further}, undo: {{{undo}}}}}\n", sh(program));
        declare(&sandbox, &file(&[b], &[]));
        let running = sandbox.start(&["backup"]);
        if delay == "0" {
            sandbox.wait_for_file("started");
        } else {
            wait_for("the wait", || sandbox.log("backup").contains("🔁").then_some(()));
        }
        send(child_of(running.pid(), "boathook"), 9);
        running.finish().ends_with(137);
        assert_eq!(sandbox.notes(), "undo-b [a]\n", "{delay}");
        let summary = sandbox.summary("backup");
        let hook = hook_of(&summary, "b");
        let (code, reason) = match ends.last() {
            Some((code, reason)) => (*code, (*reason).to_owned()),
            None => (4, "exit 4; not tried again, since the worker was killed by signal 9".to_owned()),
        };
        assert_eq!((&hook["exit_code"], &hook["reason"]), (&code.into(), &reason.as_str().into()), "{delay}");
        let tries = hook["tries"].as_array().cloned().unwrap_or_default();
        let tries: Vec<_> = tries.iter().map(|one| (one["exit_code"].clone(), one["reason"].clone())).collect();
        let ends: Vec<_> = ends.iter().map(|(code, reason)| ((*code).into(), (*reason).into())).collect();
        assert_eq!(tries, ends, "{delay}");
    }
}
