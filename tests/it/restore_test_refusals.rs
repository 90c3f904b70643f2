//! `restore-test`: what is refused, and that each refusal is recorded (weaknesses 3, 15, 28).

use crate::loopback::Http;
use crate::restore_test_scene::{TWO, assert_keys, canary, filled, key, temporary};
use crate::support::Sandbox;
use crate::trees::{changes, tree};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

/// Runs into a refusal: recorded, with nothing made and no engine asked. Gives its reason.
#[track_caller]
fn refused(sandbox: &Sandbox, words: &[&str], code: i32) -> String {
    let _ = fs::remove_file(sandbox.path("log/last-restore-test.json"));
    let words = [&["restore-test"], words].concat();
    let out = sandbox.run(&words).ends_with(code).all();
    let summary = assert_keys(
        sandbox,
        &[("verification", "skipped"), ("files_restored", "0"), ("min_files_met", "true"), ("status", "failure")],
    );
    assert_eq!(summary["exit_code"], code, "{words:?}");
    assert_eq!(summary["canary_results"], serde_json::json!([]));
    let reason = key(&summary, "reason");
    assert!(out.contains(&format!("❌ {reason}")), "{words:?}: {reason} is not in\n{out}");
    assert!(out.contains(&format!("❌ Restore-test failed with Status {code} (files=0, canary_failed=0/")), "{out}");
    assert!(sandbox.error_log("restore-test").is_some_and(|log| log.contains(&reason)));
    assert!(temporary(sandbox).is_empty(), "{words:?} left something");
    assert!(!sandbox.engine_log().contains("restore"), "{words:?}");
    reason
}

/// Weakness 3: a place is refused however it is spelled; `--force` does not lift it.
#[test]
fn places_are_refused_by_where_they_lead_also_with_force() {
    let sandbox = Sandbox::with_stand_in_engine();
    let at = |part: &str| sandbox.path(part).display().to_string();
    symlink(sandbox.path("data"), sandbox.path("link")).expect("can be linked");
    let before = tree(&sandbox.path("data"));
    let data = at("data");
    let cases = [
        (data.clone(), "BACKUP_ROOT_DIR"),
        (format!("{data}/"), "BACKUP_ROOT_DIR"),
        (format!("{data}/."), "BACKUP_ROOT_DIR"),
        (format!("/{data}"), "BACKUP_ROOT_DIR"),
        (format!("{data}/new"), "lies inside"),
        (at("link"), "BACKUP_ROOT_DIR"),
        (at("link/new"), "lies inside"),
        (sandbox.path("").display().to_string(), "holds"),
        ("/".to_owned(), "holds"),
        ("//".to_owned(), "holds"),
        ("/etc".to_owned(), "a system folder"),
        ("/usr/x".to_owned(), "a system folder"),
        (at("log"), "LOG_DIR"),
        (at("state/x"), "STATE_DIR"),
        (at("run/x"), "RUN_DIR"),
        (at("hooks"), "HOOKS_DIR"),
        (at("config"), "CONFIG_DIR"),
        (at("repo/x"), "the repository"),
    ];
    for (target, what) in &cases {
        for force in [&[][..], &["--force"]] {
            let reason = refused(&sandbox, &[&["--target", target], force].concat(), 2);
            assert!(reason.contains(&format!("'{target}'")) && reason.contains(what), "{target}: {reason}");
        }
    }
    assert!(changes(&before, &tree(&sandbox.path("data"))).is_empty());
    assert!(!sandbox.path("state/x").exists() && !sandbox.path("repo").exists());
    assert_keys(&sandbox, &[("cleanup_status", "kept"), ("target_autotmp", "OFF")]);
    // /data counts, whatever is backed up.
    if !Path::new("/data").exists() {
        assert!(
            refused(&sandbox, &["--target", "/data/x"], if cfg!(unix) && is_root() { 2 } else { 1 }).contains("/data")
        );
    }
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// A source that a pre hook hands on counts, too.
#[test]
fn a_source_that_a_hook_moved_is_refused() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-restore-test.sh", "echo BACKUP_ROOT_DIR=$T/snap > $HOOK_OUTPUT; mkdir -p $T/snap");
    let target = sandbox.path("snap/new").display().to_string();
    assert!(refused(&sandbox, &["--target", &target], 2).contains("BACKUP_ROOT_DIR"));
    assert!(!sandbox.path("snap/new").exists());
}

/// Between the check and restic's start, somebody puts something else in the target's place.
#[test]
fn a_target_that_became_another_one_is_refused() {
    let mut sandbox = Sandbox::new();
    crate::stand_in::newer(&mut sandbox);
    let script = fs::read_to_string(sandbox.path("bin/restic")).expect("is there");
    let at = |part: &str| sandbox.path(part).display().to_string();
    fs::create_dir_all(sandbox.path("theirs/deep")).expect("can be made");
    let before = tree(&sandbox.path("theirs"));
    for (part, there, plant, what) in [
        ("w/x", false, "mkdir $T/w; ln -s $T/theirs $T/w/x", "became another one"),
        ("w/x", false, "ln -s $T/theirs $T/w", "became another one"),
        ("w/x", true, "mv $T/w/x $T/w/y; ln -s $T/theirs $T/w/x", "became another one"),
        ("w/x", true, "mkdir $T/w/x/new", "is not empty"),
    ] {
        let _ = fs::remove_file(sandbox.path("w"));
        let _ = fs::remove_dir_all(sandbox.path("w"));
        if there {
            fs::create_dir_all(sandbox.path(part)).expect("can be made");
        }
        let planted = format!("snapshots)\n    T=$LOG_DIR/..; {plant}\n");
        let changed = script.replacen("snapshots)\n", &planted, 1);
        assert_ne!(changed, script);
        crate::support::write_executable(&sandbox.path("bin/restic"), &changed);
        let reason = refused(&sandbox, &["--target", &at(part)], 2);
        assert!(reason.contains(what), "{plant}: {reason}");
        assert!(changes(&before, &tree(&sandbox.path("theirs"))).is_empty(), "{plant}");
    }
}

#[test]
fn a_target_that_is_not_empty_wants_force() {
    for sandbox in Sandbox::with_each_repository().into_iter().map(filled) {
        let target = sandbox.path("target");
        fs::create_dir(&target).expect("can be made");
        fs::write(target.join(".hidden"), "x").expect("can be written");
        let target = target.to_str().expect("is text");
        let reason = refused(&sandbox, &["--target", target], 2);
        assert!(reason.contains("is not empty") && reason.contains("--force"), "{reason}");
        sandbox.run(&["restore-test", "--target", target, "--force"]).ends_with(0);
    }
}

/// Targets that cannot be used: exit code 1.
#[test]
fn what_cannot_be_written_to_is_a_failure() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    fs::write(sandbox.path("file"), "").expect("can be written");
    for part in ["file", "file/below"] {
        refused(&sandbox, &["--target", &sandbox.path(part).display().to_string()], 1);
    }
    let tmp = sandbox.path("tmp").display().to_string();
    for (place, what) in [("none", "is not there"), ("file", "is not a folder")] {
        sandbox.set("TMPDIR", sandbox.path(place).display().to_string());
        let reason = refused(&sandbox, &[], 1);
        assert!(reason.contains(what) && reason.contains("TMPDIR"), "{reason}");
    }
    // A folder of its own among what is backed up would be backed up.
    sandbox.set("TMPDIR", sandbox.path("data").display().to_string());
    assert!(refused(&sandbox, &[], 2).contains("BACKUP_ROOT_DIR"));
    sandbox.set("TMPDIR", tmp);
    let reason = refused(&sandbox, &["--target", ""], 2);
    assert!(reason.contains("--target '' is empty"), "{reason}");
}

/// Canaries that are none, and settings that are wrong. A flag stands for its setting.
#[test]
fn configuration_that_is_wrong_is_refused() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let list = sandbox.path("list");
    fs::write(&list, format!("{TWO}  /a\nnope  /b\n")).expect("can be written");
    let list = list.display().to_string();
    fs::write(sandbox.path("empty"), "").expect("can be written");
    let empty = sandbox.path("empty").display().to_string();
    let pipe = sandbox.path("pipe").display().to_string();
    nix::unistd::mkfifo(pipe.as_str(), nix::sys::stat::Mode::S_IRWXU).expect("can be made");
    let dots = format!("/data/../../etc/passwd={TWO}");
    for (words, what) in [
        (&["--canary", "/a"][..], "canary '/a' has no '='"),
        (&["--canary", "/a=12"], "canary '/a=12' has no SHA-256"),
        (&["--canary", &dots], "has '..' in its path"),
        (&["--canary-file", "/no/such/list"], "canary file '/no/such/list' cannot be read"),
        (&["--canary-file", &list], "line 2 "),
        (&["--canary-file", &pipe], "it is no regular file"),
        (&["--sample", "2", "--min-files", "3"], "--min-files 3 can never be met"),
        (&["--id=-x"], "snapshot '-x' is no snapshot"),
        (&["--sample", "3", "--path", "/a[b"], "pattern '/a[b' is not well-formed"),
        (&["--sample", "3", "--id", "abc:/sub"], "--sample cannot draw from a part"),
    ] {
        let reason = refused(&sandbox, words, 2);
        assert!(reason.contains(what), "{reason}");
    }
    assert_keys(&sandbox, &[("cleanup_status", "absent")]);
    for (name, value, flag) in [
        ("RESTORE_TEST_MIN_FILES", "many", ["--min-files", "1"]),
        ("RESTORE_TEST_SAMPLE", "-1", ["--sample", "0"]),
        ("RESTORE_TEST_CANARY", "/a=1", ["", ""]),
        ("RESTORE_TEST_CANARY_FILE", "/no/such/list", ["--canary-file", &empty]),
        ("RESTORE_TEST_PATH", "'open", ["", ""]),
        ("RESTIC_REPOSITORY", "", ["", ""]),
    ] {
        let before = sandbox.path("repo").display().to_string();
        sandbox.set(name, value);
        let reason = refused(&sandbox, &[], 2);
        assert!(name == "RESTORE_TEST_CANARY" || reason.contains(value), "{reason}");
        if !flag[0].is_empty() {
            // The stand-in has no snapshots: that is how far it gets.
            let out = sandbox.run(&["restore-test", flag[0], flag[1]]).all();
            assert!(!out.contains(name) && !out.contains("/no/such/list"), "{out}");
        }
        sandbox.unset(name);
        if name == "RESTIC_REPOSITORY" {
            sandbox.set(name, before);
        }
    }
}

/// Weaknesses 15 and 28: a refusal takes the place of yesterday's success everywhere.
#[test]
fn a_refusal_replaces_the_last_success() {
    for mut sandbox in Sandbox::with_each_repository().into_iter().map(filled) {
        let server = Http::answering("200 OK");
        let metrics = sandbox.path("metrics").display().to_string();
        sandbox.set("METRICS_DIR", &metrics).set("WEBHOOK_URL", server.url("/hook"));
        sandbox.hook("post-restore-test.sh", "echo $1 $RUN_STATUS >> $T/notes");
        let metric = |sandbox: &Sandbox| {
            let text = fs::read_to_string(sandbox.path("metrics/restic_restore_test.prom")).expect("is written");
            let line =
                text.lines().find(|line| line.starts_with("restic_restore_test_last_exit_code{")).expect("is there");
            line.rsplit(' ').next().expect("has a value").to_owned()
        };
        sandbox.run(&["restore-test", "--canary", &canary(&sandbox)]).ends_with(0);
        assert_eq!((metric(&sandbox).as_str(), sandbox.error_log("restore-test")), ("0", None));
        sandbox.run(&["restore-test", "--canary", "wrong"]).ends_with(2);
        let summary = assert_keys(&sandbox, &[("status", "failure"), ("verification", "skipped")]);
        assert_eq!((&summary["exit_code"], metric(&sandbox).as_str()), (&2.into(), "2"));
        assert!(summary["last_success_at"].is_string());
        assert!(sandbox.error_log("restore-test").is_some_and(|log| log.contains("canary 'wrong'")));
        assert_eq!(sandbox.notes(), "0 success\n2 failure\n");
        let bodies: Vec<serde_json::Value> =
            server.others().iter().map(|request| serde_json::from_str(&request.body).expect("is JSON")).collect();
        let codes: Vec<_> = bodies.iter().map(|body| body["exit_code"].as_i64()).collect();
        assert_eq!(codes, [Some(0), Some(2)]);
        // The webhook never carries the array.
        assert!(bodies.iter().all(|body| body.get("canary_results").is_none()), "{bodies:?}");
    }
}

/// Wrong words are no run.
#[test]
fn usage_errors_of_words_leave_no_trace() {
    let sandbox = Sandbox::with_stand_in_engine();
    for words in [&["--nope"][..], &["--min-files", "x"], &["--sample=-1"], &["--target"], &["word"]] {
        sandbox.run(&[&["restore-test"], words].concat()).ends_with(2);
        assert!(!sandbox.path("log/last-restore-test.json").exists(), "{words:?}");
    }
}
