//! Which hooks a run has, in which order and under which names, where a hooks file is among them.

use crate::declared_scene::{declare, file, hook_of, plain, ran};
use crate::support::Sandbox;
use std::fs;

fn names(sandbox: &Sandbox) -> Vec<String> {
    let summary = sandbox.summary("backup");
    let hooks = summary["hooks"].as_array().expect("a list");
    hooks.iter().map(|hook| hook["name"].as_str().expect("a text").to_owned()).collect()
}

#[test]
fn scripts_come_before_declared_hooks_and_every_workers_hooks_enclose_the_workers_own() {
    let sandbox = Sandbox::with_stand_in_engine();
    for script in ["pre-all.sh", "pre-backup.sh", "post-backup.sh", "post-all.sh"] {
        sandbox.hook(script, "exit 0");
    }
    let exec = "{exec: {command: [/bin/true]}}";
    let list = |key: &str, name: &str| {
        format!("  {key}:\n    - {{name: {name}, exec: {{command: [/bin/true]}}}}\n    - {exec}\n    - {exec}\n")
    };
    let text = ["preBackup", "preAll", "postAll", "postBackup"].map(|key| list(key, "same")).concat();
    declare(&sandbox, &format!("hooks:\n{text}"));
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(
        names(&sandbox),
        [
            "pre-all",
            "same",
            "pre-all.exec",
            "pre-all.exec-2",
            "pre-backup",
            "same-2",
            "pre-backup.exec",
            "pre-backup.exec-2",
            "post-backup",
            "same-3",
            "post-backup.exec",
            "post-backup.exec-2",
            "post-all",
            "same-4",
            "post-all.exec",
            "post-all.exec-2"
        ]
    );
    assert_eq!(ran(&sandbox.summary("backup")).len(), 16);
}

#[test]
fn a_script_entry_gives_a_script_its_settings_in_its_own_place() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("HOOK_ON_ERROR", "Fail").set("HOOK_TIMEOUT", "1h");
    sandbox.hook("pre-backup.10-dump.sh", "echo $HOOK_NAME >> $T/notes; exec sleep 1000");
    sandbox.hook("pre-backup.20-stop.sh", "echo $HOOK_NAME $HOOK_INDEX >> $T/notes");
    let undo = "undo: {exec: {command: [/bin/sh, -c, 'echo $HOOK_NAME >> @T/notes']}}";
    let entry =
        format!("    - {{script: pre-backup.10-dump.sh, name: dump, timeout: 100ms, onError: Continue, {undo}}}\n");
    declare(&sandbox, &file(&[plain("last", "echo last >> @T/notes", ""), entry], &[]));
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "dump\npre-backup.20-stop 2\nlast\nundo-dump\n");
    let summary = sandbox.summary("backup");
    let dump = hook_of(&summary, "dump");
    assert_eq!((&dump["status"], &dump["action"]), (&"timed_out".into(), &"script".into()));
    assert!(dump["source"].as_str().is_some_and(|path| path.ends_with("/hooks/pre-backup.10-dump.sh")), "{dump}");
}

#[test]
fn settings_for_a_script_that_is_not_there_are_a_hook_that_cannot_run() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-backup.10-dump.sh", "exit 0");
    let entry = "    - {script: pre-backup.10-dmup.sh, onError: Fail}\n".to_owned();
    declare(&sandbox, &file(&[plain("last", "echo MUST NOT RUN >> @T/notes", ""), entry], &[]));
    let out = sandbox.run(&["backup"]).ends_with(120).all();
    assert!(out.contains("did you mean 'pre-backup.10-dump.sh'?"), "{out}");
    assert_eq!(names(&sandbox), ["pre-backup.10-dump", "pre-backup.10-dmup", "last"]);
    assert_eq!(
        (sandbox.notes().as_str(), &hook_of(&sandbox.summary("backup"), "pre-backup.10-dmup")["exit_code"]),
        ("", &126.into())
    );
}

#[test]
fn a_file_with_mistakes_gives_none_of_its_hooks_and_counts_as_a_failed_pre_hook() {
    for (on_error, further, code, status) in
        [("Continue", "", 0, "warning"), ("Fail", "", 120, "failure"), ("Continue", "onError: Fail", 120, "failure")]
    {
        let mut sandbox = Sandbox::with_stand_in_engine();
        sandbox.set("HOOK_ON_ERROR", on_error);
        sandbox
            .hook("pre-backup.sh", "echo pre >> $T/notes")
            .hook("post-backup.sh", "echo post $RUN_STATUS >> $T/notes");
        let sound = plain("sound", "echo MUST NOT RUN >> @T/notes", further);
        let broken: Vec<String> = (0..25).map(|number| plain("x", "true", &format!("wrong{number}: 1"))).collect();
        declare(&sandbox, &file(&[vec![sound], broken].concat(), &[]));
        let out = sandbox.run(&["backup"]).ends_with(code).all();
        assert_eq!(sandbox.notes(), format!("pre\npost {status}\n"));
        assert_eq!(names(&sandbox), ["pre-backup", "hooks.yaml", "post-backup"]);
        let told = out
            .lines()
            .filter(|line| line.starts_with("❌ ") && line.contains("hooks.yaml:") && line.contains("wrong"));
        assert_eq!(told.count(), 20, "{out}");
        assert!(out.contains("and 5 more: boathook hooks check"), "{out}");
        assert_eq!(hook_of(&sandbox.summary("backup"), "hooks.yaml")["exit_code"], 126);
    }
}

#[test]
fn a_hooks_file_that_is_named_has_to_be_there() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.summary("backup")["status"], "success");
    let out = sandbox.set("HOOKS_FILE", "mine.yaml").run(&["backup"]).ends_with(0).all();
    assert!(out.contains("mine.yaml") && out.contains("is not there"), "{out}");
    assert_eq!(sandbox.summary("backup")["status"], "warning");
    fs::write(sandbox.path("hooks/mine.yaml"), "hooks: {}\n").expect("can be written");
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.summary("backup")["status"], "success");
}

#[test]
fn what_belongs_into_another_container_is_refused_with_its_place() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let hook = "    - name: theirs\n      exec: {command: [/bin/sh, -c, 'echo here >> @T/notes']}\n      containerName: db\n      \
                executor: {type: Pod, selector: app=wiki, namespaces: [apps]}\n";
    declare(&sandbox, &file(&[hook.to_owned()], &[]));
    sandbox.run(&["backup"]).ends_with(0);
    let summary = sandbox.summary("backup");
    let reason = hook_of(&summary, "theirs")["reason"].as_str().expect("a text").to_owned();
    assert!(reason.contains("the container 'db' of the pods app=wiki in the namespace apps"), "{reason}");
    assert_eq!(sandbox.notes(), "");
    sandbox.set("HOOKS_FOREIGN_EXEC", "here").run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "here\n");
}
