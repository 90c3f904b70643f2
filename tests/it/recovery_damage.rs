//! Journals that cannot be read, or not wholly, and disks that take none: said, and never taken for "nothing owed".

use crate::declared_scene::{declare, file, hook_of, plain, sh};
use crate::http_peer::{NO_CONTENT, Peer};
use crate::recovery_scene::{Scene, assert_settled, entries, journals, kill_both, recovered};
use crate::support::{BOATHOOK, Sandbox};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// A scene with a run that was killed in its work, and its journal.
fn crashed() -> (Scene, String, PathBuf) {
    let scene = Scene::new();
    let run = scene.crashed_in("work");
    let journal = scene.sandbox.path(format!("state/journal/{run}.journal"));
    (scene, run, journal)
}

fn lines(journal: &Path) -> Vec<String> {
    fs::read_to_string(journal).expect("is there").lines().map(|line| format!("{line}\n")).collect()
}

fn sealed(json: &str) -> String {
    format!("{:08x} {json}\n", crc32fast::hash(json.as_bytes()))
}

#[test]
fn a_journal_that_cannot_be_read_is_reported_and_stays() {
    for case in ["empty", "newer", "no header", "half a header", "binary", "a folder", "a link", "of others"] {
        let (scene, run, journal) = crashed();
        let text = lines(&journal);
        let why = match case {
            "empty" => (fs::write(&journal, "").expect("can be written"), "it is empty").1,
            "newer" => {
                let json = text[0][9..].trim_end().replace("\"boathook_journal\":1", "\"boathook_journal\":2");
                fs::write(&journal, sealed(&json) + &text[1..].concat()).expect("can be written");
                "it is of version 2, this program reads 1"
            }
            "no header" => (fs::write(&journal, text[1..].concat()).expect("can be written"), "its first line").1,
            "half a header" => (fs::write(&journal, &text[0][..50]).expect("can be written"), "its first line").1,
            "binary" => (fs::write(&journal, [0, 255, 10, 7, 10]).expect("can be written"), "its first line").1,
            "a folder" => {
                fs::remove_file(&journal).expect("is there");
                fs::create_dir(&journal).expect("can be made");
                "it is a folder"
            }
            "a link" => {
                fs::rename(&journal, scene.sandbox.path("elsewhere")).expect("is there");
                std::os::unix::fs::symlink(scene.sandbox.path("elsewhere"), &journal).expect("can be made");
                "it is a symbolic link"
            }
            _ => {
                fs::set_permissions(&journal, fs::Permissions::from_mode(0o666)).expect("is ours");
                "others may write it"
            }
        };
        let out = scene.recover().ends_with(1);
        let said = format!("❌ What run {run} owes is not known: {}: {why}", journal.display());
        assert!(out.stderr.contains(&said), "{case}: {}", out.all());
        assert_eq!(scene.sandbox.notes(), "a\nm\nb\n", "{case}");
        // The next run does its own, and says so.
        let out = scene.sandbox.run(&["backup"]).ends_with(0);
        let summary = scene.sandbox.summary("backup");
        assert_eq!(summary["status"], "warning", "{case}: {}", out.all());
        assert!(summary["reason"].as_str().is_some_and(|reason| reason.contains(why)), "{case}: {summary}");
        assert_eq!(journals(&scene.sandbox), [run.as_str()], "{case}");
        let document = scene.sandbox.run(&["hooks", "recover", "--json"]).ends_with(1).stdout;
        let document: serde_json::Value = serde_json::from_str(&document).expect("is JSON");
        assert_eq!(document["runs"][0]["status"], "unreadable", "{case}");
    }
}

#[test]
fn what_was_torn_when_its_run_was_killed_was_not_done() {
    let (scene, run, journal) = crashed();
    // The start of the work: `b` is the last that is known.
    let text = lines(&journal);
    let kept = text.iter().position(|line| line.contains("WorkStarted")).expect("is there");
    fs::write(&journal, text[..kept].concat() + &text[kept][..30]).expect("can be written");
    scene.recover().ends_with(0);
    let all = ["undo-b", "undo-a", "first", "post"].map(|name| recovered(name, &run, "1 2")).concat();
    assert_eq!(scene.sandbox.notes(), format!("a\nm\nb\n{all}"));
    assert_settled(&scene.sandbox);
}

#[test]
fn each_line_of_a_journal_may_be_damaged() {
    let (scene, run, journal) = crashed();
    let text = lines(&journal);
    let backup = fs::read(&journal).expect("is there");
    for damaged in 1..text.len() {
        fs::write(&journal, &backup).expect("can be written");
        let folder = scene.sandbox.path(format!("run/runs/{run}"));
        fs::create_dir_all(folder).expect("can be made");
        let _ = fs::remove_file(scene.sandbox.path("notes"));
        let mut text = text.clone();
        // One letter.
        text[damaged].replace_range(12..13, "#");
        fs::write(&journal, text.concat()).expect("can be written");
        let is_last = damaged + 1 == text.len();
        // Who only looks names what the recovery will do.
        let seen = scene.sandbox.run(&["doctor", "--no-probe"]).stdout;
        for part in ["the undo of 'b' (undo-b)", "the undo of 'a' (undo-a)"] {
            assert!(seen.contains(part), "line {damaged}: {}{seen}", text[damaged]);
        }
        let out = scene.recover().ends_with(i32::from(!is_last));
        let notes = scene.sandbox.notes();
        // Nothing is run that is none of a recovery, and each undo at most once.
        let first: Vec<&str> = notes.lines().map(|line| line.split(' ').next().expect("has a word")).collect();
        assert_eq!(
            first,
            ["undo-b", "undo-a", "first", "post"],
            "line {damaged}: {}{notes}{}",
            text[damaged],
            out.all()
        );
        if !is_last {
            assert!(out.stderr.contains("1 damaged record of its journal"), "{}", out.all());
            assert!(journal.with_extension("damaged").exists(), "line {damaged}");
            let reason = scene.sandbox.summary("backup")["reason"].as_str().unwrap_or_default().to_owned();
            assert!(reason.ends_with("; 1 record of its journal is damaged"), "line {damaged}: {reason}");
        }
        assert_settled(&scene.sandbox);
    }
}

#[test]
fn a_damaged_journal_makes_the_next_run_a_warning_once() {
    let (scene, _, journal) = crashed();
    let mut text = lines(&journal);
    text[3].replace_range(12..13, "#");
    fs::write(&journal, text.concat()).expect("can be written");
    scene.sandbox.run(&["backup"]).ends_with(0);
    let summary = scene.sandbox.summary("backup");
    assert_eq!(summary["status"], "warning");
    assert!(summary["reason"].as_str().is_some_and(|why| why.contains("1 damaged record of its journal")), "{summary}");
    scene.sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(scene.sandbox.summary("backup")["status"], "success");
    assert_settled(&scene.sandbox);
}

#[test]
fn no_file_in_state_dir_holds_a_secret_and_hooks_that_need_one_are_looked_up() {
    const SECRET: &str = "correct-horse-battery";
    const ENCODED: &str = "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5";
    let peer = Peer::new(|stream, _| drop(std::io::Write::write_all(stream, NO_CONTENT.as_bytes())));
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("ENGINE_STARTED", sandbox.path("started").display().to_string()).set("ENGINE_WAITS", "sleep 1000");
    let call = |path: &str| {
        format!(
            "httpPost: {{host: 127.0.0.1, port: {}, path: /{path}, body: {ENCODED}, \
             httpHeaders: [{{name: X-Key, value: {SECRET}}}]}}",
            peer.port()
        )
    };
    let says = format!("echo {SECRET} {ENCODED}; echo KEY_ID=7 > $HOOK_OUTPUT; echo {SECRET} >&2; exit 3");
    let a = format!("    - {{name: a, {}, undo: {{{}}}}}\n", sh(&says), call("thaw"));
    let post = format!("    - {{name: tell, {}}}\n", call("tell"));
    let yaml = file(&[a], &[post, plain("post", "echo post >> @T/notes", "")]);
    declare(&sandbox, &yaml);
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    kill_both(running);
    sandbox.processes().iter().for_each(|(pid, _)| crate::support::send(*pid, libc::SIGKILL));
    assert_no_secret(&sandbox.path("state"), &[SECRET, ENCODED]);
    // Without the definition they cannot be done: said, and owed.
    declare(&sandbox, "hooks: {}\n");
    let out = sandbox.run(&["hooks", "recover"]).ends_with(1);
    assert!(out.all().contains("is kept by name alone in its run's journal"), "{}", out.all());
    assert!(out.stderr.contains("still owes: the undo of 'a'"), "{}", out.all());
    assert_eq!(peer.requests().len(), 0);
    declare(&sandbox, &yaml);
    let out = sandbox.run(&["hooks", "recover"]).ends_with(0);
    let lines: Vec<String> = peer.requests().into_iter().map(|asked| asked.line).collect();
    assert_eq!(lines, ["POST /thaw HTTP/1.1"], "{}", out.all());
    assert_no_secret(&sandbox.path("state"), &[SECRET, ENCODED]);
    assert_settled(&sandbox);
}

#[track_caller]
fn assert_no_secret(folder: &Path, secrets: &[&str]) {
    for path in entries(folder) {
        if path.is_dir() {
            assert_no_secret(&path, secrets);
            continue;
        }
        let bytes = fs::read(&path).expect("can be read");
        let text = String::from_utf8_lossy(&bytes);
        for secret in secrets {
            assert!(!text.contains(secret), "{secret} in {}: {text}", path.display());
        }
    }
}

#[test]
fn hooks_that_hold_a_secret_run_from_the_present_file() {
    const SECRET: &str = "correct-horse-battery";
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("ENGINE_STARTED", sandbox.path("started").display().to_string()).set("ENGINE_WAITS", "sleep 1000");
    let undo = sh(&format!("echo undone with {SECRET} >> @T/notes"));
    let a = format!("    - {{name: a, {}, undo: {{{undo}}}}}\n", sh("true"));
    declare(&sandbox, &file(&[a], &[plain("post", &format!("echo post with {SECRET} >> @T/notes"), "")]));
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    kill_both(running);
    sandbox.processes().iter().for_each(|(pid, _)| crate::support::send(*pid, libc::SIGKILL));
    assert_no_secret(&sandbox.path("state"), &[SECRET]);
    sandbox.run(&["hooks", "recover"]).ends_with(0);
    assert_eq!(sandbox.notes(), format!("undone with {SECRET}\npost with {SECRET}\n"));
    assert_settled(&sandbox);
}

#[test]
fn without_a_journal_the_run_goes_on_as_a_warning() {
    for case in ["a file in its place", "read-only"] {
        let scene = Scene::new();
        let state = scene.sandbox.path("state");
        let out = if case == "read-only" {
            let script = format!("mount -t tmpfs -o ro none '{}' && exec '{BOATHOOK}' backup", state.display());
            let out = scene.sandbox.run_program("unshare", &["-m", "sh", "-c", &script]);
            if out.stderr.contains("unshare:") || out.stderr.contains("mount:") {
                eprintln!("skipped: nothing can be mounted here");
                continue;
            }
            out
        } else {
            fs::remove_dir_all(&state).expect("is there");
            fs::write(&state, "").expect("can be written");
            scene.sandbox.run(&["backup"])
        }
        .ends_with(0);
        let summary = scene.sandbox.summary("backup");
        let reason = summary["reason"].as_str().expect("a text");
        assert!(reason.starts_with("the journal of this run cannot be written: "), "{case}: {reason}");
        assert_eq!(summary["status"], "warning", "{case}");
        assert!(out.all().contains(&format!("❌ {reason}")), "{case}: {}", out.all());
        for name in ["a", "b", "undo-b", "undo-a", "first", "post"] {
            assert_eq!(hook_of(&summary, name)["status"], "completed", "{case}");
        }
        scene.sandbox.expect_no_process();
    }
}

#[test]
fn a_folder_of_journals_that_cannot_be_read_is_not_nothing() {
    let (scene, _, _) = crashed();
    let home = scene.sandbox.path("state/journal");
    fs::rename(&home, scene.sandbox.path("state/elsewhere")).expect("is there");
    fs::write(&home, "").expect("can be written");
    let out = scene.recover().ends_with(1);
    assert!(out.stderr.contains("❌ What is owed cannot be known: cannot read "), "{}", out.all());
    scene.sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(scene.sandbox.summary("backup")["status"], "warning");
}
