//! `boathook hooks show`, and declared hooks in `hooks list`, `hooks check` and `hooks test --dry-run`.

use crate::support::Sandbox;
use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::process::Stdio;

const FILE: &str = "hooks:
  preBackup:
    - name: freeze-db
      exec:
        command: [touch, frozen]
      onError: Fail
      timeout: 30s
      undo:
        exec:
          command: [rm, -f, frozen]
      holdLimit: 10m
  postBackup:
    - name: tell
      executionPolicy: OnFailure
      retries: 3
      retryDelay: 2s
      httpPost:
        host: 127.0.0.1
        port: 9
        path: /x
        body: 'failed'
";

/// A sandbox with this file as `hooks.yaml`.
fn with_file(text: &str) -> Sandbox {
    let sandbox = Sandbox::with_stand_in_engine();
    fs::write(sandbox.path("hooks/hooks.yaml"), text).expect("can be written");
    sandbox
}

/// A line of `text` that holds all of these.
#[track_caller]
fn assert_line(text: &str, parts: &[&str]) {
    assert!(text.lines().any(|line| parts.iter().all(|part| line.contains(part))), "{parts:?} in\n{text}");
}

#[test]
fn show_prints_what_hooks_yaml_takes_back() {
    let sandbox = with_file(FILE);
    let path = sandbox.path("hooks/hooks.yaml").display().to_string();
    let shown = sandbox.run(&["hooks", "show", &path]).ends_with(0);
    assert_eq!(shown.stderr, "");
    for part in ["preBackup:", "freeze-db", "holdLimit:", "postBackup:", "OnFailure", "/x"] {
        assert!(shown.stdout.contains(part), "{part} in\n{}", shown.stdout);
    }
    // What is shown is a hooks file, and means what it was made of.
    let again = sandbox.path("again.yaml");
    fs::write(&again, &shown.stdout).expect("can be written");
    let twice = sandbox.run(&["hooks", "show", &again.display().to_string()]).ends_with(0);
    assert_eq!(twice.stdout, shown.stdout);
    let input = show_input(&sandbox, FILE);
    assert_eq!((input.0, input.1), (0, shown.stdout));
}

/// Exit code and both outputs of `hooks show -` with this on standard input.
fn show_input(sandbox: &Sandbox, text: &str) -> (i32, String, String) {
    let mut command = sandbox.command(crate::support::BOATHOOK, &["hooks", "show", "-"]);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("can be started");
    child.stdin.take().expect("is piped").write_all(text.as_bytes()).expect("is taken");
    let ended = child.wait_with_output().expect("ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("is text");
    (ended.status.code().expect("ends by itself"), text(ended.stdout), text(ended.stderr))
}

#[test]
fn show_says_every_mistake_with_its_place_and_prints_no_hooks() {
    let text = "hooks:\n  preBackup:\n    - name: a\n      exec: {command: [\"true\"]}\n      tmieout: 5\n    - name: b\n      frobnicate: 1\n";
    let sandbox = with_file(text);
    let path = sandbox.path("hooks/hooks.yaml").display().to_string();
    let shown = sandbox.run(&["hooks", "show", &path]).ends_with(1);
    assert_eq!(shown.stdout, "");
    assert_line(&shown.stderr, &[&format!("{path}:5:7: "), "'tmieout'", "; "]);
    assert_line(&shown.stderr, &[&format!("{path}:7:7: "), "'frobnicate'"]);
    let (code, _, said) = show_input(&sandbox, text);
    assert_eq!(code, 1);
    assert_line(&said, &["-:5:7: ", "'tmieout'"]);
    // One file that is in order is shown though another is not.
    let good = sandbox.path("good.yaml");
    fs::write(&good, FILE).expect("can be written");
    let shown = sandbox.run(&["hooks", "show", &path, &good.display().to_string()]).ends_with(1);
    assert!(shown.stdout.contains("freeze-db") && shown.stderr.contains("'tmieout'"), "{}", shown.all());
}

#[test]
fn show_of_a_file_of_no_known_form_says_which_forms_there_are() {
    let sandbox = Sandbox::new();
    let path = sandbox.path("data.yaml");
    fs::write(&path, "colour: blue\n").expect("can be written");
    let shown = sandbox.run(&["hooks", "show", &path.display().to_string()]).ends_with(1);
    for word in ["is of no known form", "preBackup", "Stash", "KubeStash", "Velero", "Borgitory"] {
        assert!(shown.stderr.contains(word), "{word} in {}", shown.stderr);
    }
    let shown = sandbox.run(&["hooks", "show", "/none/hooks.yaml"]).ends_with(1);
    assert_eq!(shown.stderr, "/none/hooks.yaml does not exist\n");
    sandbox.run(&["hooks", "show"]).ends_with(2);
}

#[test]
fn a_file_with_nothing_but_comments_has_no_hooks_and_no_mistake() {
    let sandbox = with_file("# to be written\n");
    let path = sandbox.path("hooks/hooks.yaml").display().to_string();
    let shown = sandbox.run(&["hooks", "show", &path]).ends_with(0);
    assert_eq!((shown.stdout.as_str(), shown.stderr.as_str()), (&*format!("# {path} has no hooks\nhooks: {{}}\n"), ""));
    let out = sandbox.run(&["hooks", "check"]).ends_with(0).stdout;
    assert_eq!(out, format!("✅ {path}: no hooks\n"));
}

#[test]
fn check_fails_for_a_native_file_under_another_name() {
    let sandbox = Sandbox::with_stand_in_engine();
    for name in ["hooks.yml", "Hooks.yaml", "mine.yaml"] {
        let path = sandbox.path("hooks").join(name);
        fs::write(&path, FILE).expect("can be written");
        let out = sandbox.run(&["hooks", "check"]).ends_with(1).stdout;
        assert_line(&out, &["❌ ", name, "is of the native form", "rename it to hooks.yaml, or set HOOKS_FILE"]);
        fs::remove_file(&path).expect("is there");
    }
    // What cannot be read and is called so, too; what is called otherwise may be anybody's data.
    fs::write(sandbox.path("hooks/data.yaml"), "a: [\n").expect("can be written");
    sandbox.run(&["hooks", "check"]).ends_with(0);
    fs::write(sandbox.path("hooks/hooks.yml"), "a: [\n").expect("can be written");
    let out = sandbox.run(&["hooks", "check"]).ends_with(1).stdout;
    assert_line(&out, &["❌ ", "hooks.yml gives no hooks"]);
    let out = sandbox.run(&["backup"]).ends_with(0).all();
    assert_line(&out, &["❌ ", "hooks.yml gives no hooks"]);
    assert_eq!(sandbox.summary("backup")["status"], "warning", "a run says so, too");
}

#[test]
fn check_says_that_the_manifest_of_a_config_map_is_not_its_keys() {
    let sandbox = Sandbox::with_stand_in_engine();
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: boathook-hooks}\ndata: {hooks.yaml: \"\"}\n";
    fs::write(sandbox.path("hooks/map.yaml"), text).expect("can be written");
    let out = sandbox.run(&["hooks", "check"]).ends_with(0).stdout;
    assert_line(
        &out,
        &["map.yaml gives no hooks", "ConfigMap boathook-hooks; its keys belong in the folder, not the manifest"],
    );
}

#[test]
fn check_warns_of_variables_that_templates_read_and_nobody_has_set() {
    let mut sandbox = with_file(
        "hooks:
  preBackup:
    - name: tell
      exec:
        command: [echo, '{{ env \"CHAT_A\" }}']
      undo: {exec: {command: [echo, '{{ env \"CHAT_B\" }}', '{{ env \"CHAT_C\" }}']}}
",
    );
    sandbox.set("CHAT_A", "a-long-secret").set("CHAT_C", "");
    let out = sandbox.run(&["hooks", "check"]).ends_with(0).stdout;
    assert_line(&out, &["⚠️ ", "{{ env \"CHAT_B\" }}", "CHAT_B is not set"]);
    assert!(!out.contains("CHAT_A") && !out.contains("CHAT_C"), "{out}");
}

#[test]
fn list_has_the_place_of_a_hook_that_cannot_run() {
    let sandbox = with_file(
        "hooks:\n  preBackup:\n    - name: far\n      exec: {container: db, command: [\"true\"]}\n      onError: Fail\n",
    );
    let out = sandbox.run(&["hooks", "list", "backup"]).ends_with(0).stdout;
    assert_line(&out, &["far", "hooks.yaml:3", "CANNOT RUN: runs in the container 'db'"]);
}

#[test]
fn show_masks_secrets() {
    let sandbox = Sandbox::new();
    let path = sandbox.path("hooks.yaml");
    let text = "hooks:\n  preBackup:\n    - name: a\n      exec: {command: [echo, correct-horse-battery]}\n";
    fs::write(&path, text).expect("can be written");
    let shown = sandbox.run(&["hooks", "show", &path.display().to_string()]).ends_with(0);
    assert!(shown.stdout.contains("***") && !shown.stdout.contains("battery"), "{}", shown.stdout);
}

#[test]
fn list_has_declared_hooks_undos_and_policies_with_file_and_line() {
    let sandbox = with_file(FILE);
    sandbox.hook("pre-backup.sh", "exit 0");
    let out = sandbox.run(&["hooks", "list", "backup"]).ends_with(0).stdout;
    let path = sandbox.path("hooks/hooks.yaml").display().to_string();
    assert_line(&out, &["pre 1 ", "pre-backup", "no limit, onError Continue "]);
    assert_line(
        &out,
        &["pre 2 ", "freeze-db", "limit 30s, onError Fail", "holdLimit 600s", "undo", &format!("{path}:3")],
    );
    assert_line(&out, &["undo 1 ", "freeze-db", &format!("{path}:")]);
    assert_line(&out, &["post 1 ", "tell", "executionPolicy OnFailure, retries 3 (the first after 2s)"]);
    let places: Vec<usize> =
        ["pre 2 ", "undo 1 ", "post 1 "].iter().map(|part| out.find(part).expect("is there")).collect();
    assert!(places.is_sorted(), "{out}");
    let json: Value =
        serde_json::from_str(&sandbox.run(&["hooks", "list", "backup", "--json"]).stdout).expect("is JSON");
    let (freeze, tell) = (&json[0]["pre"][1], &json[0]["post"][0]);
    assert_eq!(
        (&freeze["action"], &freeze["undo"], &freeze["hold_limit_seconds"]),
        (&"exec".into(), &json[0]["undos"][0]["name"], &600.0.into())
    );
    assert_eq!(json[0]["undos"][0]["phase"], "undo");
    assert_eq!(
        (&tell["execution_policy"], &tell["retries"], &tell["retry_delay_seconds"], &tell["stop_phase_on_error"]),
        (&"OnFailure".into(), &3.into(), &2.0.into(), &false.into())
    );
    for key in ["context", "executor", "problem"] {
        assert_eq!(tell[key], Value::Null, "{key}");
    }
    assert_eq!(tell["warnings"], Value::Array(Vec::new()));
}

#[test]
fn check_names_every_mistake_of_every_file_and_hooks_that_cannot_run() {
    let sandbox = with_file(FILE);
    let path = sandbox.path("hooks/hooks.yaml").display().to_string();
    let out = sandbox.run(&["hooks", "check"]).ends_with(0).stdout;
    assert_line(&out, &[&format!("✅ {path}: 2 hooks (native)")]);
    assert!(!out.contains("is data"), "{out}");
    fs::write(sandbox.path("hooks/data.json"), "{\"colour\": \"blue\"}").expect("can be written");
    let out = sandbox.run(&["hooks", "check"]).ends_with(0).stdout;
    assert_line(&out, &["⚠️ ", "data.json gives no hooks: it is of no known form"]);
    let elsewhere = "hooks:\n  postCheck:\n    - name: far\n      exec: {container: db, command: [\"true\"]}\n  preAll:\n    - name: everywhere\n      exec: {container: db, command: [\"true\"]}\n";
    fs::write(&path, elsewhere).expect("can be written");
    let out = sandbox.run(&["hooks", "check"]).ends_with(1).stdout;
    assert_line(&out, &["❌ ", "hooks.yaml:3 ", "'far'", "container 'db'"]);
    assert_eq!(out.matches("'everywhere'").count(), 1, "{out}");
    fs::write(&path, "hooks:\n  preBackup:\n    - nmae: a\n      exec: {command: [\"true\"]}\n  preBakcup: []\n")
        .expect("can be written");
    let out = sandbox.run(&["hooks", "check"]).ends_with(1).stdout;
    assert_line(&out, &[&format!("❌ {path}:3:7: "), "'nmae'"]);
    assert_line(&out, &[&format!("❌ {path}:5:"), "'preBakcup'"]);
    assert_line(&out, &["gives no hooks until it has no mistake"]);
}

#[test]
fn a_dry_test_shows_requests_and_commands_rendered_and_what_would_be_skipped() {
    let mut sandbox = with_file(
        "hooks:
  preBackup:
    - name: freeze-db
      exec: {command: [fsfreeze, --freeze, /data], env: [{name: LEVEL, value: high}]}
      undo: {exec: {command: [fsfreeze, --unfreeze, /data]}}
  postBackup:
    - name: tell
      executionPolicy: OnFailure
      httpPost:
        scheme: HTTPS
        host: hooks.example
        path: '/services/{{ env \"HOOK_PATH_OF_CHAT\" }}'
        httpHeaders: [{name: Content-Type, value: application/json}]
        body: '{\"text\": {{ toJson .Status.Error }}}'
    - name: all-well
      executionPolicy: OnSuccess
      tcpSocket: {host: 127.0.0.1, port: 9}
",
    );
    sandbox.set("HOOK_PATH_OF_CHAT", "T0P-S3CRET-PATH");
    let out = sandbox
        .run(&["hooks", "test", "backup", "--dry-run", "--exit-code", "1", "--error", "disk \"full\""])
        .ends_with(0)
        .stdout;
    assert_line(&out, &["would run ", "'freeze-db':"]);
    assert_line(&out, &["    ", "fsfreeze", "--freeze", "/data"]);
    assert_line(&out, &["    ", "--unfreeze"]);
    assert_line(&out, &["would run ", "'tell':"]);
    assert_line(&out, &["POST https://hooks.example/services/***"]);
    assert_line(&out, &[r#"{"text": "disk \"full\""}"#]);
    assert!(!out.contains("T0P-S3CRET-PATH"), "{out}");
    assert_line(
        &out,
        &["would be skipped: ", "'all-well'", "executionPolicy is OnSuccess and the run stands at failure"],
    );
    // A run that ends well, and whose effects stay.
    let out = sandbox.run(&["hooks", "test", "backup", "--dry-run", "--keep"]).ends_with(0).stdout;
    assert_line(&out, &["would be skipped: ", "'tell'", "executionPolicy is OnFailure and the run stands at success"]);
    assert!(!out.contains("--unfreeze"), "{out}");
    assert_line(&out, &["would run ", "'all-well':"]);
    // Nothing of a phase that was not asked for.
    let out = sandbox.run(&["hooks", "test", "post-backup", "--dry-run"]).ends_with(0).stdout;
    assert!(!out.contains("freeze"), "{out}");
}

const TEMPLATE: &str = "apiVersion: core.kubestash.com/v1alpha1\nkind: HookTemplate\nmetadata: {name: quiesce, namespace: a}\nspec:\n  \
                        action: {exec: {command: [quiesce-WORD]}}\n  executor: {type: Operator}\n";
const SESSION: &str = "apiVersion: core.kubestash.com/v1alpha1\nkind: BackupConfiguration\nmetadata: {name: b, namespace: a}\nspec:\n  \
                       sessions: [{name: s, hooks: {preBackup: [{name: q, hookTemplate: {name: quiesce}}]}}]\n";

#[test]
fn show_takes_definitions_that_are_referred_to_from_files_beside_it_and_shows_its_own_alone() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("new")).expect("can be made");
    let session = sandbox.path("new/session.yaml").display().to_string();
    fs::write(&session, SESSION).expect("can be written");
    let out = sandbox.run(&["hooks", "show", &session]).ends_with(1).stderr;
    assert!(out.contains("'a/quiesce' is in none of the files"), "{out}");

    let template = |word: &str| TEMPLATE.replace("WORD", word);
    let show = || {
        let out = sandbox.run(&["hooks", "show", &session]).ends_with(0).stdout;
        assert_eq!(out.matches("name: q\n").count(), 1, "{out}");
        assert!(!out.contains("elsewhere"), "{out}");
        out
    };
    // From the hooks folder; files there that have nothing to do with it say nothing.
    fs::write(sandbox.path("hooks/t.yaml"), template("installed")).expect("can be written");
    fs::write(sandbox.path("hooks/c.yaml"), SESSION.replace("name: b", "name: elsewhere")).expect("can be written");
    fs::write(sandbox.path("hooks/d.yaml"), "hooks: {preBakcup: 1}\n").expect("can be written");
    assert!(show().contains("quiesce-installed"));
    let (code, stdout, stderr) = show_input(&sandbox, SESSION);
    assert!(code == 0 && stdout.contains("quiesce-installed"), "{stderr}");
    // What lies beside it is meant rather.
    fs::write(sandbox.path("new/t.yaml"), template("beside")).expect("can be written");
    assert!(show().contains("quiesce-beside"));
    let (_, stdout, _) = show_input(&sandbox, SESSION);
    assert!(stdout.contains("quiesce-installed"), "{stdout}");
    // Two of them beside it: nobody knows which is meant.
    fs::write(sandbox.path("new/u.yaml"), template("again")).expect("can be written");
    let out = sandbox.run(&["hooks", "show", &session]).ends_with(1).stderr;
    for file in ["new/t.yaml line 1", "new/u.yaml line 1"] {
        assert!(out.contains(file), "{out}");
    }
}
