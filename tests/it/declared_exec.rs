//! Declared hooks that run a command.

use crate::support::{Sandbox, assert_in_order};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

#[track_caller]
fn declare(sandbox: &Sandbox, text: &str) {
    let text = text.replace("$T", &sandbox.path("").display().to_string());
    fs::write(sandbox.path("hooks/hooks.yaml"), format!("hooks:\n{text}")).expect("can be written");
}

fn end(record: &Value) -> (&str, i64, &str) {
    let text = |key: &str| record[key].as_str().unwrap_or_default();
    (text("status"), record["exit_code"].as_i64().unwrap_or(-1), text("reason"))
}

#[test]
fn a_command_gets_its_words_its_environment_and_its_folder() {
    let sandbox = Sandbox::with_stand_in_engine();
    declare(
        &sandbox,
        "  preBackup:
    - name: bare
      exec: {command: [sh, -c, 'echo \"$# $PWD $HOOK_NAME $HOOK_INDEX $OWN $HOME\" >> $T/notes', zero, 'a b', '$HOME']}
    - name: placed
      exec: {command: [sh, -c, 'echo \"$PWD $OWN $LOG_LEVEL\" >> $T/notes'], workingDir: $T/data, env: [{name: OWN, value: 'x y'}, {name: LOG_LEVEL, value: mine}]}
  postBackup:
    - name: after
      exec: {command: [sh, -c, 'echo \"$# $RUN_EXIT_CODE ${RUN_SUMMARY:+summary}\" >> $T/notes']}
",
    );
    sandbox.run(&["backup"]).ends_with(0);
    let (home, data) = (sandbox.path("home"), sandbox.path("data"));
    let expected = format!("2 / bare 1  {}\n{} x y mine\n0 0 summary\n", home.display(), data.display());
    assert_eq!(sandbox.notes(), expected);
    let actions: Vec<Value> = sandbox.summary("backup")["hooks"]
        .as_array()
        .expect("are there")
        .iter()
        .map(|hook| hook["action"].clone())
        .collect();
    assert_eq!(actions, ["exec", "exec", "exec"]);
}

#[test]
fn a_command_hands_values_on_and_fails_as_a_script_does() {
    let sandbox = Sandbox::with_stand_in_engine();
    declare(
        &sandbox,
        "  preBackup:
    - name: gives
      exec: {command: [sh, -c, 'echo MY_NOTE=kept > $HOOK_OUTPUT; echo said']}
    - name: fails
      exec: {command: [sh, -c, 'echo MY_OTHER=lost > $HOOK_OUTPUT; exit 3']}
    - name: hangs
      timeout: 1s
      exec: {command: [sh, -c, 'sleep 1000 & setsid sleep 1000 & wait']}
    - name: reads
      exec: {command: [sh, -c, 'echo \"$MY_NOTE ${MY_OTHER-unset}\" >> $T/notes']}
",
    );
    let out = sandbox.run(&["backup"]).ends_with(0).stdout;
    assert_eq!(sandbox.notes(), "kept unset\n");
    let hooks = sandbox.summary("backup")["hooks"].clone();
    assert_eq!(end(&hooks[1]), ("failed", 3, "exit 3"));
    assert_eq!(end(&hooks[2]), ("timed_out", 124, "timed out after 1s"));
    sandbox.expect_no_process();
    assert_in_order(&out, &["🚀 Running hook gives...", "[gives] said", "✅ Hook gives completed in 0s (exit 0)"]);
}

#[test]
fn what_cannot_run_is_found_before_it_is_started() {
    let sandbox = Sandbox::with_stand_in_engine();
    fs::write(sandbox.path("bin/lies"), "").expect("can be written");
    declare(
        &sandbox,
        "  preBackup:
    - {name: gone, exec: {command: [no-such-program]}}
    - {name: lies, exec: {command: [lies]}}
    - {name: placed, exec: {command: ['true'], workingDir: /nowhere}}
    - {name: user, exec: {command: ['true'], user: no-such-user}}
    - {name: nul, exec: {command: ['true', '{{ \"a\\x00b\" }}']}}
",
    );
    let out = sandbox.run(&["backup"]).ends_with(0).all();
    let hooks = sandbox.summary("backup")["hooks"].clone();
    for (at, what) in [
        "has the program 'no-such-program', which is in no folder of its PATH",
        "has the program ",
        "has the working directory /nowhere, which cannot be used: ",
        "has a user that names no user of this container: 'no-such-user'",
        "exec.command[1] holds a NUL",
    ]
    .iter()
    .enumerate()
    {
        let (word, code, reason) = end(&hooks[at]);
        assert_eq!((word, code), ("failed", 126), "{reason}");
        assert!(reason.starts_with(&format!("cannot run: {what}")), "{reason}");
    }
    assert!(end(&hooks[0]).2.ends_with("of its PATH"), "{}", hooks[0]);
    assert!(end(&hooks[1]).2.ends_with("/bin/lies, which is not executable"), "{}", hooks[1]);
    let source = format!("{}:3", sandbox.path("hooks/hooks.yaml").display());
    assert!(out.contains(&format!("❌ Hook gone cannot run ({source}): has the program")), "{out}");
    assert!(out.contains("   install it, or write its whole path"), "{out}");
}

#[test]
fn a_command_runs_as_another_user_with_its_groups() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: only root may become another user");
        return;
    }
    let sandbox = Sandbox::with_stand_in_engine();
    fs::set_permissions(sandbox.path(""), fs::Permissions::from_mode(0o755)).expect("is ours");
    declare(
        &sandbox,
        "  preBackup:
    - name: named
      exec: {user: nobody, command: [sh, -c, 'echo WHO=$(id -un):$(id -G | wc -w):$HOME > $HOOK_OUTPUT']}
    - name: numbered
      exec: {user: '4711:4712', command: [sh, -c, 'echo OTHER=$(id -u):$(id -g):$(id -G) > $HOOK_OUTPUT; ls $(dirname $HOOK_OUTPUT) || echo hidden']}
    - name: lonely
      exec: {user: '4711', command: ['true']}
    - name: ourselves
      exec: {user: root, command: [sh, -c, 'echo \"$(id -u) $WHO $OTHER\" >> $T/notes']}
",
    );
    let out = sandbox.run(&["backup"]).ends_with(0).stdout;
    assert_eq!(sandbox.notes(), format!("0 nobody:1:{} 4711:4712:4712\n", sandbox.path("home").display()));
    assert!(out.contains("[numbered] hidden"), "{out}");
    let hooks = sandbox.summary("backup")["hooks"].clone();
    let (word, code, reason) = end(&hooks[2]);
    assert_eq!((word, code), ("failed", 126));
    assert!(reason.contains("write 4711:GROUP"), "{reason}");
}
