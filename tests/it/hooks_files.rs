//! Which files declare hooks, which are data, and what a file costs that cannot be read.

use crate::support::Sandbox;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

/// A Velero backup with one pre hook of this name.
fn velero(name: &str) -> String {
    format!(
        "apiVersion: velero.io/v1\nkind: Backup\nmetadata: {{name: {name}}}\nspec: {{hooks: {{resources: [{{name: {name}, \
         pre: [{{exec: {{command: [/bin/true], onError: Continue}}}}]}}]}}}}\n"
    )
}

/// A native file with one pre hook of this name.
fn native(name: &str) -> String {
    format!("hooks:\n  preBackup:\n    - name: {name}\n      exec: {{command: [/bin/true]}}\n")
}

fn put(sandbox: &Sandbox, file: &str, text: impl AsRef<[u8]>) {
    fs::write(sandbox.path("hooks").join(file), text).expect("can be written");
}

/// The hooks before a backup, in order; those that cannot run with what keeps them from it.
fn pre(sandbox: &Sandbox) -> Vec<String> {
    let out = sandbox.run(&["hooks", "list", "backup", "--json"]).ends_with(0).stdout;
    let json: Value = serde_json::from_str(&out).expect("is JSON");
    let hooks = json[0]["pre"].as_array().expect("is a list");
    let name = |hook: &Value| hook["name"].as_str().expect("is text").to_owned();
    let is_there = |hook: &&Value| {
        let problem = hook["problem"].as_str().unwrap_or_default();
        !problem.contains("mistake")
    };
    hooks.iter().filter(is_there).map(name).collect()
}

/// What keeps a file from giving its hooks, as a run says it.
fn broken(sandbox: &Sandbox) -> Vec<String> {
    let out = sandbox.run(&["hooks", "list", "backup", "--json"]).ends_with(0).stdout;
    let json: Value = serde_json::from_str(&out).expect("is JSON");
    let hooks = json[0]["pre"].as_array().expect("is a list");
    hooks
        .iter()
        .filter_map(|hook| hook["problem"].as_str())
        .filter(|why| why.contains("mistake"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_native_file_comes_first_and_the_others_in_byte_order() {
    let sandbox = Sandbox::new();
    put(&sandbox, "hooks.yaml", native("own"));
    for file in ["b.yml", "a.json", "B.yaml", "10x.yaml"] {
        put(&sandbox, file, velero(file.split('.').next().expect("has a dot")));
    }
    put(&sandbox, ".hidden.yaml", velero("hidden"));
    put(&sandbox, "c.txt", velero("text"));
    fs::create_dir(sandbox.path("hooks/d.yaml")).expect("can be made");
    assert_eq!(pre(&sandbox), ["own", "10x-pre", "B-pre", "a-pre", "b-pre"]);
}

#[test]
fn one_file_holds_several_documents_and_what_defines_no_hooks_is_left_alone() {
    let sandbox = Sandbox::new();
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n";
    let list = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: velero.io/v1, kind: Backup, metadata: {name: l}, spec: \
                {hooks: {resources: [{name: l, pre: [{exec: {command: [a]}}]}]}}}\n";
    put(&sandbox, "all.yaml", [&velero("a"), secret, &velero("b"), list].join("---\n"));
    put(&sandbox, "config.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n");
    put(&sandbox, "words.json", "[\"velero.io/v1 has hooks\"]");
    assert_eq!(pre(&sandbox), ["a-pre", "b-pre", "l-pre"]);
    assert_eq!(broken(&sandbox), Vec::<String>::new());
}

#[test]
fn a_config_map_is_read_through_its_links() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("hooks/..2026_01_02")).expect("can be made");
    symlink("..2026_01_02", sandbox.path("hooks/..data")).expect("can be linked");
    for (file, text) in [("hooks.yaml", native("own")), ("v.yaml", velero("v"))] {
        put(&sandbox, &format!("..2026_01_02/{file}"), text);
        symlink(format!("..data/{file}"), sandbox.path("hooks").join(file)).expect("can be linked");
    }
    assert_eq!(pre(&sandbox), ["own", "v-pre"]);
}

#[test]
fn a_file_is_read_once_whatever_leads_to_it() {
    let mut sandbox = Sandbox::new();
    put(&sandbox, "mine.yaml", native("own"));
    symlink("mine.yaml", sandbox.path("hooks/again.yaml")).expect("can be linked");
    fs::hard_link(sandbox.path("hooks/mine.yaml"), sandbox.path("hooks/hard.yaml")).expect("can be linked");
    sandbox.set("HOOKS_FILE", "mine.yaml");
    assert_eq!(pre(&sandbox), ["own"]);
    put(&sandbox, "v.yaml", velero("v"));
    symlink("v.yaml", sandbox.path("hooks/w.yaml")).expect("can be linked");
    assert_eq!(pre(&sandbox), ["own", "v-pre"]);
}

#[test]
fn definitions_of_other_systems_may_stand_in_the_hooks_file_beside_native_ones() {
    let sandbox = Sandbox::new();
    put(&sandbox, "hooks.yaml", velero("v") + "---\n" + &native("own"));
    assert_eq!(pre(&sandbox), ["own", "v-pre"]);
}

#[test]
fn a_native_file_of_another_name_is_not_read_and_spoils_what_stands_beside_it() {
    let sandbox = Sandbox::new();
    put(&sandbox, "hooks.yml", native("MUST-NOT-RUN"));
    assert_eq!((pre(&sandbox), broken(&sandbox)), (vec![], vec![]));
    put(&sandbox, "mixed.yaml", velero("v") + "---\n" + &native("MUST-NOT-RUN"));
    assert_eq!(pre(&sandbox), Vec::<String>::new());
    assert!(broken(&sandbox)[0].contains("a document of the native form, which is read in HOOKS_FILE alone"));
}

#[test]
fn a_file_that_is_named_has_to_be_there_and_to_declare_hooks() {
    let mut sandbox = Sandbox::new();
    assert_eq!(broken(&sandbox), Vec::<String>::new(), "the default need not be there");
    sandbox.set("HOOKS_FILE", "none.yaml");
    assert!(broken(&sandbox)[0].contains("none.yaml' is not there"), "{:?}", broken(&sandbox));
    for (text, why) in [
        ("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n", "no hooks are defined by Secret s"),
        ("hooks: [\n", "is no YAML"),
        ("hook:\n  preBackup: []\n", "unknown key 'hook'"),
    ] {
        put(&sandbox, "none.yaml", text);
        assert!(broken(&sandbox)[0].contains(why), "'{why}' is not in {:?}", broken(&sandbox));
    }
    put(&sandbox, "none.yaml", "");
    assert_eq!(broken(&sandbox), Vec::<String>::new(), "an empty file declares nothing");
}

#[test]
fn a_slip_in_a_definition_is_a_mistake_and_in_data_it_is_none() {
    let sandbox = Sandbox::new();
    put(&sandbox, "data.json", "{\"a\": [1,");
    put(&sandbox, "notes.yaml", b"caf\xe9: 1\n");
    put(&sandbox, "large.json", vec![b' '; 5 * 1024 * 1024]);
    assert_eq!((pre(&sandbox), broken(&sandbox)), (vec![], vec![]));
    put(&sandbox, "velero.yaml", velero("v") + "  bad: [\n");
    put(&sandbox, "latin.yaml", [b"# caf\xe9\n", velero("v").as_bytes()].concat());
    symlink("nowhere", sandbox.path("hooks/dangling.yaml")).expect("can be linked");
    let why = broken(&sandbox);
    assert_eq!(why.len(), 3, "{why:?}");
    assert!(why[0].contains("is a link to nowhere, which does not exist"), "{why:?}");
    assert!(why[1].contains("line 1: has the byte 0xe9, which is no UTF-8"), "{why:?}");
    assert!(why[2].contains("is no YAML"), "{why:?}");
}

#[test]
fn a_fifo_is_not_waited_for() {
    let sandbox = Sandbox::new();
    sandbox.run_program("mkfifo", &[&sandbox.path("hooks/f.yaml").display().to_string()]).ends_with(0);
    assert!(broken(&sandbox)[0].contains("is no regular file"), "{:?}", broken(&sandbox));
}

/// A native file with a hook that is given the content of a secret file.
fn reads(path: &str) -> String {
    format!("hooks:\n  preBackup:\n    - name: a\n      exec: {{command: [echo, 'got [{{{{ file \"{path}\" }}}}]']}}\n")
}

#[test]
fn a_secret_file_is_a_regular_file_of_bounded_size_with_an_absolute_path() {
    let sandbox = Sandbox::with_stand_in_engine();
    let fifo = sandbox.path("fifo").display().to_string();
    sandbox.run_program("mkfifo", &[&fifo]).ends_with(0);
    let large = sandbox.path("large").display().to_string();
    fs::write(&large, vec![b'a'; (1 << 20) + 1]).expect("can be written");
    let folder = sandbox.path("hooks").display().to_string();
    for (path, why) in [
        (large.as_str(), "has more than 1048576 bytes"),
        ("token", "write the absolute path"),
        (&folder, "is a folder"),
        ("/dev/null", "is no regular file"),
        (&fifo, "is no regular file"),
    ] {
        put(&sandbox, "hooks.yaml", reads(path));
        let out = sandbox.run(&["hooks", "check"]).ends_with(1).stdout;
        assert!(out.contains(why) && out.contains(path), "{path}: {out}");
    }
}

#[test]
fn one_line_end_at_the_end_of_a_secret_file_is_no_part_of_it() {
    let sandbox = Sandbox::with_stand_in_engine();
    symlink("token", sandbox.path("link")).expect("can be made");
    for (content, expected) in [("a\n", "a"), ("a\r\n", "a"), ("a", "a"), ("a\n\n", "a\n"), ("a \n", "a "), ("\n", "")]
    {
        fs::write(sandbox.path("token"), content).expect("can be written");
        put(
            &sandbox,
            "hooks.yaml",
            format!(
                "hooks:\n  preBackup:\n    - name: a\n      exec:\n        command: [sh, -c, 'printf %s \"$V\" > \"$T/got\"']\n        \
                 env: [{{name: V, value: '{{{{ file \"{0}\" }}}}'}}, {{name: T, value: {1}}}]\n",
                sandbox.path("link").display(),
                sandbox.path("").display(),
            ),
        );
        sandbox.run(&["hooks", "test", "pre-backup"]).ends_with(0);
        assert_eq!(fs::read_to_string(sandbox.path("got")).expect("is there"), expected, "{content:?}");
    }
}

#[test]
fn a_file_with_any_mistake_gives_none_of_its_hooks_and_counts_as_a_failed_one() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("HOOKS_FOREIGN_EXEC", "here");
    sandbox.hook("pre-backup.sh", "echo script >> $T/notes");
    let sound = velero("sound").replace("/bin/true", sandbox.path("hooks/pre-backup.sh").to_str().expect("is text"));
    put(&sandbox, "v.yaml", sound.clone() + "---\n" + &velero("v").replace("onError", "onEror"));
    let out = sandbox.run(&["backup"]).ends_with(120).all();
    assert_eq!(sandbox.notes(), "script\n", "{out}");
    assert_eq!(sandbox.engine_log(), "");
    let summary = sandbox.summary("backup");
    let hook = summary["hooks"].as_array().expect("is a list").iter().find(|hook| hook["name"] == "v.yaml");
    let hook = hook.unwrap_or_else(|| panic!("{summary}"));
    assert_eq!((&hook["status"], &hook["exit_code"]), (&"failed".into(), &126.into()));
    assert!(out.contains("unknown key 'onEror'") && out.contains("did you mean 'onError'?"), "{out}");
    // It says Continue everywhere: the run goes on. Another worker never had to do with it.
    put(&sandbox, "v.yaml", velero("v").replace("[/bin/true]", "/bin/true"));
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.summary("backup")["status"], "warning");
    sandbox.run(&["check"]).ends_with(0);
    assert_eq!(sandbox.summary("check")["hooks_verdict"], "none");
}

#[test]
fn a_broken_text_fails_the_run_where_its_system_means_that() {
    let sandbox = Sandbox::with_stand_in_engine();
    put(&sandbox, "v.yaml", velero("v").replace("onError: Continue", "timeout: 5m") + "  bad: [\n");
    sandbox.run(&["backup"]).ends_with(120);
    sandbox.run(&["check"]).ends_with(0);
    put(&sandbox, "v.yaml", "{\"pre_job_hooks\": [{\"name\": \"a\", \"command\": \"b\"}]");
    sandbox.run(&["backup"]).ends_with(0);
    put(&sandbox, "v.yaml", "{\"pre_job_hooks\": \"[{\\\"critical\\\": true}]\"");
    sandbox.run(&["backup"]).ends_with(120);
}

#[test]
fn a_file_that_others_may_change_is_doubtful_and_refused_when_strict() {
    let mut sandbox = Sandbox::new();
    put(&sandbox, "v.yaml", velero("v"));
    chmod(&sandbox, "o+w", &sandbox.path("hooks/v.yaml"));
    assert_eq!(pre(&sandbox), ["v-pre"]);
    sandbox.set("HOOKS_STRICT", "ON");
    assert_eq!(pre(&sandbox), Vec::<String>::new());
    let why = broken(&sandbox);
    assert!(why[0].contains("the file may be written by everybody (mode 0646), and HOOKS_STRICT is ON"), "{why:?}");
    chmod(&sandbox, "o-w", &sandbox.path("hooks/v.yaml"));
    assert_eq!(pre(&sandbox), ["v-pre"]);
    // Who can put another file in its place can change it.
    fs::create_dir(sandbox.path("open")).expect("can be made");
    fs::rename(sandbox.path("hooks/v.yaml"), sandbox.path("open/v.yaml")).expect("can be moved");
    symlink(sandbox.path("open/v.yaml"), sandbox.path("hooks/v.yaml")).expect("can be linked");
    chmod(&sandbox, "0777", &sandbox.path("open"));
    assert!(broken(&sandbox)[0].contains("into which everybody may write"), "{:?}", broken(&sandbox));
}

fn chmod(sandbox: &Sandbox, mode: &str, path: &Path) {
    sandbox.run_program("chmod", &[mode, &path.display().to_string()]).ends_with(0);
}
