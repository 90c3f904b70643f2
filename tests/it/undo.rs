//! What pre hooks did is taken back: in reverse, once, whatever became of them, and never while one of them lives.

use crate::declared_scene::{declare, file, held, hook_of, plain, ran, sh};
use crate::support::{Running, Sandbox, send, wait_for};
use std::fs;

const POST: &str = "echo post $RUN_STATUS >> @T/notes";

/// A run with the hooks `a` and `b`, both with an undo, and a post hook; `b` does `program`.
fn scene(program: &str, further: &str) -> Sandbox {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("HOOK_KILL_AFTER", "1");
    let pre = [held("a", "echo a >> @T/notes", ""), held("b", program, further)];
    declare(&sandbox, &file(&pre, &[plain("post", POST, "")]));
    sandbox
}

fn engine_waits(sandbox: &mut Sandbox) -> Running {
    let started = sandbox.path("started").display().to_string();
    sandbox.set("ENGINE_WAITS", "setsid sleep 1000").set("ENGINE_STARTED", started);
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    running
}

fn name_of(pid: i32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned()
}

pub fn child_of(parent: i32, name: &str) -> i32 {
    wait_for(name, || {
        fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"))
            .ok()?
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok())
            .find(|pid: &i32| name_of(*pid) == name)
    })
}

#[test]
fn undos_run_after_the_work_in_reverse_and_before_summary_and_post_hooks() {
    let sandbox = scene("echo b >> @T/notes", "");
    let undo = sh("echo $HOOK_NAME $HOOK_PHASE $HOOK_INDEX of $HOOK_COUNT $RUN_STATUS $RUN_EXIT_CODE [$RUN_SUMMARY] \
                   $(wc -l < @T/engine.log) $(ls @T/log/last-backup.json 2>/dev/null | wc -l) >> @T/notes");
    let pre = |name: &str| format!("    - {{name: {name}, {}, undo: {{{undo}}}}}\n", sh("echo $HOOK_NAME >> @T/notes"));
    declare(&sandbox, &file(&[pre("a"), pre("b")], &[plain("post", POST, "")]));
    let out = sandbox.run(&["backup"]).ends_with(0).stdout;
    let expected = "a\nb\nundo-b undo 1 of 2 success 0 [] 1 0\nundo-a undo 2 of 2 success 0 [] 1 0\npost success\n";
    assert_eq!(sandbox.notes(), expected);
    let summary = sandbox.summary("backup");
    assert_eq!(ran(&summary), ["a", "b", "undo-b", "undo-a", "post"]);
    assert_eq!((&summary["status"], &hook_of(&summary, "undo-b")["phase"]), (&"success".into(), &"undo".into()));
    let rows: Vec<&str> = out.lines().skip_while(|line| !line.starts_with("📋")).skip(1).collect();
    let names: Vec<&str> = rows.iter().filter_map(|row| row.split_whitespace().nth(1)).collect();
    assert_eq!(names, ["a", "b", "backup", "undo-b", "undo-a", "post"], "{out}");
}

#[test]
fn a_pre_hook_that_fails_or_times_out_is_undone_whether_the_run_goes_on_or_not() {
    for (program, further, code, status) in [
        ("echo b >> @T/notes; exit 3", "", 0, "warning"),
        ("echo b >> @T/notes; exit 3", "onError: Fail", 120, "failure"),
        ("echo b >> @T/notes; exec sleep 1000", "timeout: 200ms", 0, "warning"),
        ("echo b >> @T/notes; exec sleep 1000", "timeout: 200ms; onError: Fail", 124, "failure"),
    ] {
        let sandbox = scene(program, further);
        sandbox.run(&["backup"]).ends_with(code);
        assert_eq!(sandbox.notes(), format!("a\nb\nundo-b\nundo-a\npost {status}\n"), "{program} {further}");
        sandbox.expect_no_process();
    }
}

/// A hook whose helper goes on after SIGTERM, and an undo that says whether that still lives.
fn with_helper(sandbox: &Sandbox, end: &str, further: &str) {
    let program = format!(
        "(trap : TERM; echo x > @T/armed; while :; do sleep 0.02; done) & echo $! > @T/helper; \
                           while [ ! -e @T/armed ]; do sleep 0.01; done; echo $$ > @T/started; {end}"
    );
    let undo = sh("kill -0 $(cat @T/helper) 2>/dev/null && echo TOO EARLY >> @T/notes; echo undone >> @T/notes");
    let pre = format!("    - name: b\n      {}\n      {further}\n      undo: {{{undo}}}\n", sh(&program));
    declare(sandbox, &file(&[pre], &[plain("post", POST, "")]));
}

#[test]
fn an_undo_never_starts_while_its_hook_lives() {
    // A hook that gives up while its helper goes on: killed by somebody, timed out, ended by itself.
    for (end, further, kill) in
        [("wait", "onError: Continue", true), ("wait", "timeout: 500ms", false), ("exit 3", "onError: Continue", false)]
    {
        let mut sandbox = Sandbox::with_stand_in_engine();
        sandbox.set("HOOK_KILL_AFTER", "300ms");
        with_helper(&sandbox, end, further);
        let running = sandbox.start(&["backup"]);
        let hook: i32 = sandbox.wait_for_file("started").trim().parse().expect("a number");
        if kill {
            send(hook, 9);
        }
        running.finish().ends_with(0);
        assert_eq!(sandbox.notes(), "undone\npost warning\n", "{end} {further}");
        sandbox.expect_no_process();
    }
}

#[test]
fn a_hook_whose_supervisor_is_killed_is_undone_after_its_end() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("HOOK_KILL_AFTER", "300ms");
    with_helper(&sandbox, "wait", "onError: Fail");
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    send(child_of(child_of(running.pid(), "boathook"), "boathook-hook"), 9);
    running.finish().ends_with(120);
    assert_eq!(sandbox.notes(), "undone\npost failure\n");
    sandbox.expect_no_process();
}

#[test]
fn what_was_not_started_is_not_undone() {
    let sandbox = scene("exit 3", "onError: Fail");
    let missing = format!(
        "    - {{name: x, exec: {{command: [/no/such]}}, undo: {{{}}}}}\n",
        sh("echo MUST NOT RUN >> @T/notes")
    );
    let pre = [
        missing,
        held("a", "exit 0", ""),
        plain("stop", "exit 1", "onError: Fail"),
        held("c", "echo MUST NOT RUN >> @T/notes", ""),
    ];
    declare(&sandbox, &file(&pre, &[plain("post", POST, "")]));
    sandbox.run(&["backup"]).ends_with(120);
    assert_eq!(sandbox.notes(), "undo-a\npost failure\n");
    let summary = sandbox.summary("backup");
    assert_eq!(hook_of(&summary, "undo-c")["status"], "skipped");
    assert_eq!(hook_of(&summary, "undo-x")["reason"], "Task skipped: x was not started, so there is nothing to undo");
    assert_eq!(hook_of(&summary, "x")["exit_code"], 126);
}

#[test]
fn failed_work_is_undone() {
    let mut sandbox = scene("echo b >> @T/notes", "");
    sandbox.set("ENGINE_EXIT", "3").run(&["backup"]).ends_with(3);
    assert_eq!(sandbox.notes(), "a\nb\nundo-b\nundo-a\npost failure\n");
}

#[test]
fn interrupted_work_is_undone() {
    for (signal, code) in [(2, 130), (15, 143)] {
        let mut sandbox = scene("echo b >> @T/notes", "");
        let running = engine_waits(&mut sandbox);
        running.signal(signal);
        running.finish().ends_with(code);
        assert_eq!(sandbox.notes(), "a\nb\nundo-b\nundo-a\npost interrupted\n");
        sandbox.expect_no_process();
    }
}

#[test]
fn a_pre_hook_that_calls_the_run_off_is_undone_and_always_hooks_run() {
    let sandbox = scene("exit 0", "");
    let pre = [held("a", "exit 0", ""), held("b", "echo no disk; exit 75", "skipOn: [75]"), held("c", "exit 0", "")];
    let post = [
        plain("always", POST, ""),
        plain("good", POST, "executionPolicy: OnSuccess"),
        plain("bad", POST, "executionPolicy: OnFailure"),
    ];
    declare(&sandbox, &file(&pre, &post));
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "undo-b\nundo-a\npost skipped\n");
    let summary = sandbox.summary("backup");
    assert_eq!((&summary["status"], &summary["reason"]), (&"skipped".into(), &"no disk".into()));
    assert_eq!(ran(&summary), ["a", "b", "undo-b", "undo-a", "always"]);
}

#[test]
fn a_hook_whose_undo_cannot_run_is_not_started() {
    let sandbox = scene("exit 0", "");
    let held = format!(
        "    - {{name: freeze, {}, undo: {{exec: {{command: [/no/such/thaw]}}}}}}\n",
        sh("echo MUST NOT RUN >> @T/notes")
    );
    declare(&sandbox, &file(&[held], &[plain("post", POST, "")]));
    let out = sandbox.run(&["backup"]).ends_with(0).all();
    assert!(out.contains("❌ Hook freeze is not started"), "{out}");
    assert_eq!(sandbox.notes(), "post warning\n");
    let summary = sandbox.summary("backup");
    let hook = hook_of(&summary, "freeze");
    assert_eq!((&hook["status"], &hook["exit_code"], &hook["attempts"]), (&"failed".into(), &126.into(), &0.into()));
    assert!(hook["reason"].as_str().is_some_and(|why| why.starts_with("cannot run: its undo cannot run: ")), "{hook}");
    assert_eq!(hook_of(&summary, "undo-freeze")["status"], "skipped");
}

#[test]
fn an_undo_that_fails_is_tried_three_times_and_costs_a_warning() {
    let sandbox = Sandbox::with_stand_in_engine();
    let undo = sh("echo $HOOK_NAME $HOOK_ATTEMPT >> @T/notes; exit $((5 + HOOK_ATTEMPT))");
    let pre = format!("    - {{name: b, {}, undo: {{{undo}}}}}\n", sh("exit 0"));
    declare(&sandbox, &file(&[held("a", "exit 0", ""), pre], &[plain("post", POST, "executionPolicy: OnSuccess")]));
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "undo-b 1\nundo-a\nundo-b 2\nundo-b 3\npost warning\n");
    let summary = sandbox.summary("backup");
    let undo = hook_of(&summary, "undo-b");
    assert_eq!((&summary["status"], &summary["hooks_verdict"]), (&"warning".into(), &"failed".into()));
    assert_eq!((&undo["attempts"], &undo["exit_code"]), (&3.into(), &8.into()));
    let codes: Vec<_> = undo["tries"].as_array().expect("a list").iter().map(|one| one["exit_code"].clone()).collect();
    assert_eq!(codes, [6, 7, 8]);
}

#[test]
fn trying_hooks_undoes_what_was_started_and_names_the_post_hooks_of_a_real_run() {
    let sandbox = scene("echo b >> @T/notes", "");
    let pre = [held("a", "echo a >> @T/notes", ""), held("b", "echo b >> @T/notes; exit 1", "onError: Fail")];
    let post = [plain("always", POST, ""), plain("good", POST, "executionPolicy: OnSuccess")];
    declare(&sandbox, &file(&pre, &post));
    let out = sandbox.run(&["hooks", "test", "pre-backup"]).ends_with(1).stdout;
    assert_eq!(sandbox.notes(), "a\nb\nundo-b\nundo-a\n");
    assert!(out.contains("A real run would now run always (not run by this test)."), "{out}");
    assert!(out.contains("A real run that stands at failure would not run good."), "{out}");
}
