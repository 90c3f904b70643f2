//! `hooks test` where something cannot run: what it says, and how it ends.

use crate::support::Sandbox;
use std::fs;

const BROKEN: &str = "hooks:\n  postBackup:\n    - name: tell\n      exec: {command: [\"true\"]}\n      tmieout: 5\n";

fn with_file(text: &str) -> Sandbox {
    let sandbox = Sandbox::with_stand_in_engine();
    fs::write(sandbox.path("hooks/hooks.yaml"), text).expect("can be written");
    sandbox
}

#[test]
fn a_broken_hooks_file_is_said_first_and_fails_every_test() {
    let sandbox = with_file(BROKEN);
    sandbox.hook("post-backup.sh", "echo post >> $T/notes");
    let place = format!("{}:5:7: ", sandbox.path("hooks/hooks.yaml").display());
    for words in [&["post-backup", "--dry-run"][..], &["backup", "--dry-run"], &["post-backup"], &["pre-backup"]] {
        let out = sandbox.run(&[&["hooks", "test"], words].concat()).ends_with(1).all();
        let at = out.find(&place).unwrap_or_else(|| panic!("{words:?}: {out}"));
        assert!(out[at..].contains("'tmieout'") && out[at..].contains("gives no hooks until"), "{words:?}: {out}");
        assert!(out.find("post-backup.sh").is_none_or(|hook| at < hook), "{words:?}: {out}");
    }
    assert_eq!(sandbox.notes(), "post\n", "the hooks that can run do");
    // A worker that it cannot concern.
    fs::write(sandbox.path("hooks/hooks.yaml"), "hooks: {}\n").expect("can be written");
    let velero = "apiVersion: velero.io/v1\nkind: Backup\nmetadata: {name: a}\nspec: {hooks: {resorces: []}}\n";
    fs::write(sandbox.path("hooks/velero.yaml"), velero).expect("can be written");
    sandbox.run(&["hooks", "test", "post-backup"]).ends_with(1);
    for words in [&["post-prune"][..], &["prune", "--dry-run"]] {
        let out = sandbox.run(&[&["hooks", "test"], words].concat()).ends_with(0).all();
        assert!(!out.contains("resorces"), "{out}");
    }
}

#[test]
fn a_dry_test_fails_where_a_hook_cannot_run_or_be_rendered() {
    for (action, why) in [
        ("exec: {command: [/nowhere/to-be-found]}", "/nowhere/to-be-found, which cannot be used"),
        ("exec: {command: [echo, '{{ .Status.Error | mustRegexFind \"(\" }}']}", "mustRegexFind"),
        ("exec: {command: [echo, '{{ file \"/nowhere/token\" }}']}", "/nowhere/token cannot be read"),
    ] {
        let sandbox = with_file(&format!("hooks:\n  preBackup:\n    - name: a\n      {action}\n"));
        let out = sandbox.run(&["hooks", "test", "backup", "--dry-run"]).ends_with(1).stdout;
        assert!(out.contains("cannot run ") && out.contains(why), "{out}");
    }
}

#[test]
fn what_a_dry_test_shows_can_be_given_to_a_shell_and_masks_secrets_of_several_lines() {
    let sandbox = Sandbox::with_stand_in_engine();
    let key = sandbox.path("key");
    fs::write(&key, "FIRST-LINE-OF-KEY\nSECOND-LINE-OF-KEY\n").expect("can be written");
    let text = format!(
        "hooks:\n  preBackup:\n    - name: a\n      exec:\n        command: [printf, \"%s|\", \"it's\\none\\ttwo\\\\n\\e[0m\"]\n    \
         - name: b\n      exec: {{command: [echo, '{{{{ file \"{}\" }}}}']}}\n",
        key.display()
    );
    fs::write(sandbox.path("hooks/hooks.yaml"), text).expect("can be written");
    let out = sandbox.run(&["hooks", "test", "backup", "--dry-run"]).ends_with(0).stdout;
    let line = out.lines().find(|line| line.contains("printf")).unwrap_or_else(|| panic!("{out}"));
    assert_eq!(line.trim(), r"printf '%s|' $'it\'s\none\ttwo\\n\x1b[0m'");
    let again = sandbox.run_program("bash", &["-c", line]).ends_with(0).stdout;
    assert_eq!(again, "it's\none\ttwo\\n\u{1b}[0m|");
    assert!(!out.contains("LINE-OF-KEY") && out.contains("***"), "{out}");
}
