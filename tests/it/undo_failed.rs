//! Undos that cannot run, that fail, that are made up for: nothing stays frozen without a word.

use crate::declared_scene::{declare, file, held, hook_of, plain, sh};
use crate::support::{BOATHOOK, Finished, Sandbox, send};
use crate::undo::child_of;
use std::process::{Command, Stdio};

/// Runs the backup as root without these capabilities; `None` where that cannot be had.
fn run_without(sandbox: &Sandbox, capabilities: &str) -> Option<Finished> {
    let dropped = ["--bounding-set", capabilities, "--inh-caps", capabilities];
    let mut probe = Command::new("setpriv");
    let probe = probe.args(dropped).arg("true").stderr(Stdio::null()).status();
    if !nix::unistd::geteuid().is_root() || !probe.is_ok_and(|status| status.success()) {
        eprintln!("skipped: capabilities are dropped by root and with setpriv");
        return None;
    }
    let args: Vec<&str> = dropped.into_iter().chain([BOATHOOK, "backup"]).collect();
    Some(sandbox.run_program("setpriv", &args))
}

#[test]
fn nothing_is_frozen_whose_undo_may_not_become_its_user() {
    for (dropped, lacking, mend) in [
        ("-setuid,-setgid", "lacks CAP_SETUID and CAP_SETGID", "cap_add: [SETUID, SETGID]"),
        ("-setgid", "lacks CAP_SETGID", "cap_add: [SETGID]"),
    ] {
        let sandbox = Sandbox::with_stand_in_engine();
        let freeze = sh("echo frozen >> @T/notes");
        let undo = "exec: {user: nobody, command: ['true']}";
        declare(&sandbox, &file(&[format!("    - {{name: freeze, {freeze}, undo: {{{undo}}}}}\n")], &[]));
        let Some(run) = run_without(&sandbox, dropped) else { return };
        let out = run.ends_with(0).all();
        assert_eq!(sandbox.notes(), "", "{dropped}");
        let summary = sandbox.summary("backup");
        let reason = hook_of(&summary, "freeze")["reason"].as_str().expect("a text").to_owned();
        assert!(reason.contains(lacking) && reason.contains("its undo cannot run"), "{reason}");
        assert!(out.contains(mend), "{out}");
    }
}

#[test]
fn a_hook_that_cannot_be_ended_is_announced() {
    let sandbox = Sandbox::with_stand_in_engine();
    let hooks = ["nobody", "root"]
        .map(|user| format!("    - {{name: of-{user}, exec: {{user: {user}, command: ['true']}}}}\n"));
    declare(&sandbox, &file(&hooks, &[]));
    let Some(run) = run_without(&sandbox, "-kill") else { return };
    let out = run.ends_with(0).all();
    let warned: Vec<&str> = out.lines().filter(|line| line.contains("CAP_KILL")).collect();
    assert!(warned.len() == 1 && warned[0].contains("Hook of-nobody runs as user "), "{out}");
}

#[test]
fn an_undo_is_not_judged_by_values_that_are_not_there_yet() {
    let sandbox = Sandbox::with_stand_in_engine();
    let freeze = sh("echo SNAP=vg/one > $HOOK_OUTPUT");
    let undo = sh("echo {{ base .Values.SNAP | shquote }} >> @T/notes");
    let pre = [
        format!("    - {{name: freeze, {freeze}, undo: {{{undo}}}}}\n"),
        format!(
            "    - {{name: mount, {}, undo: {{exec: {{command: ['{{{{ .Values.TOOL }}}}', '@T/made'], workingDir: '{{{{ .Values.AT }}}}'}}}}}}\n",
            sh("printf \"TOOL=touch\\nAT=/tmp\\n\" > $HOOK_OUTPUT")
        ),
    ];
    let post = [plain("post", "echo post {{ base .Values.SNAP | shquote }} >> @T/notes", "")];
    declare(&sandbox, &file(&pre, &post));
    let check = sandbox.run(&["hooks", "check"]);
    assert!(!check.all().contains("cannot be rendered") && !check.all().contains("no value"), "{}", check.all());
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "one\npost one\n");
    assert!(sandbox.path("made").exists());
    assert_eq!(sandbox.summary("backup")["status"], "success");
}

#[test]
fn what_does_not_hang_on_values_is_still_judged() {
    let sandbox = Sandbox::with_stand_in_engine();
    let freeze = sh("echo frozen >> @T/notes");
    let undo = "exec: {user: no-such-user, command: [echo, '{{ base .Values.SNAP }}']}";
    declare(&sandbox, &file(&[format!("    - {{name: freeze, {freeze}, undo: {{{undo}}}}}\n")], &[]));
    let out = sandbox.run(&["backup"]).ends_with(0).all();
    assert!(sandbox.notes().is_empty() && out.contains("no user of this container: 'no-such-user'"), "{out}");
}

/// A hook whose undo fails, among others.
fn with_failing_undo(pre: &str, post: &str) -> Sandbox {
    let sandbox = Sandbox::with_stand_in_engine();
    let freeze = format!("    - {{name: freeze, {}, undo: {{{}}}}}\n", sh("exit 0"), sh("exit 5"));
    declare(&sandbox, &file(&[freeze, pre.to_owned()], &[post.to_owned()]));
    sandbox
}

#[test]
fn a_failed_undo_goes_before_other_failures_and_after_what_the_run_failed_of() {
    let left = "; undo-freeze failed: the effect of freeze may still be there";
    for (on_error, code, reason) in
        [("Continue", 0, "undo-freeze exit 5".to_owned()), ("Fail", 120, format!("quiet exit 3{left}"))]
    {
        let sandbox = with_failing_undo(&plain("quiet", "exit 3", &format!("onError: {on_error}")), "");
        let out = sandbox.run(&["backup"]).ends_with(code).stdout;
        assert_eq!(sandbox.summary("backup")["reason"], reason.as_str());
        let said = "❌ the effect of 'freeze' may still be there: undo-freeze exit 5";
        assert_eq!(out.matches(said).count(), 1, "{out}");
        assert!(sandbox.log("backup").contains(said));
        let row = out.lines().rfind(|line| line.contains(" undo-freeze ")).expect("is in the table");
        assert!(row.ends_with("exit 5 (attempt 3 of 3)"), "{row}");
    }
    let sandbox = with_failing_undo("", &plain("post", "exit 3", "onError: Fail"));
    sandbox.run(&["backup"]).ends_with(121);
    assert_eq!(sandbox.summary("backup")["reason"], format!("post exit 3{left}").as_str());
}

#[test]
fn undo_and_post_hooks_of_a_killed_worker_are_told_that_they_are_made_up_for() {
    let note = "echo $HOOK_NAME [$HOOK_RECOVERY] >> @T/notes";
    for (is_killed, told, status) in [(false, "[]", 0), (true, "[1]", 137)] {
        let mut sandbox = Sandbox::with_stand_in_engine();
        let pre = format!("    - {{name: a, {}, undo: {{{}}}}}\n", sh(note), sh(note));
        declare(&sandbox, &file(&[pre], &[plain("post", note, "")]));
        if is_killed {
            let started = sandbox.path("started").display().to_string();
            sandbox.set("ENGINE_WAITS", "setsid sleep 1000").set("ENGINE_STARTED", started);
        }
        let running = sandbox.start(&["backup"]);
        if is_killed {
            sandbox.wait_for_file("started");
            send(child_of(running.pid(), "boathook"), 9);
        }
        running.finish().ends_with(status);
        assert_eq!(sandbox.notes(), format!("a []\nundo-a {told}\npost {told}\n"));
    }
}

#[test]
fn what_a_request_came_to_stands_after_a_colon() {
    let sandbox = Sandbox::with_stand_in_engine();
    // Nothing listens where a listener was just now.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("is bound").port();
    drop(listener);
    let page = format!("    - {{name: page, tcpSocket: {{host: 127.0.0.1, port: {port}}}}}\n");
    declare(&sandbox, &file(&[page, held("b", "exit 0", "")], &[plain("post", "echo \"$RUN_ERROR\" >> @T/notes", "")]));
    sandbox.run(&["backup"]).ends_with(0);
    let reason = sandbox.summary("backup")["reason"].as_str().expect("a text").to_owned();
    assert!(reason.starts_with(&format!("page: 127.0.0.1:{port} refuses")), "{reason}");
    assert_eq!(sandbox.notes(), format!("undo-b\n{reason}\n"));
}
