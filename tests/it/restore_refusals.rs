//! What `restore` refuses where nobody is asked: each with its words, its exit code, and no trace of it.

use crate::restore::{assert_no_trace, noting_hooks};
use crate::stand_in;
use crate::support::{BOATHOOK, Finished, Sandbox};
use crate::trees::{changes, files, tree};
use std::fs;
use std::os::unix::fs::symlink;

/// A refusal: its words, its exit code, its one line on standard error, and no trace of it.
#[track_caller]
fn assert_refused(sandbox: &Sandbox, words: &[&str], code: i32, parts: &[&str]) {
    let Finished { stdout, stderr, .. } = sandbox.run(&[&["restore", "--yes"], words].concat()).ends_with(code);
    assert!(stderr.starts_with("❌ ") && stderr.lines().count() == 1, "{words:?}: {stderr}");
    for part in parts {
        assert!(stderr.contains(part), "{words:?}: '{part}' is not in: {stderr}");
    }
    assert_eq!(stdout, "", "{words:?}");
    assert_no_trace(sandbox);
}

#[test]
fn a_target_that_would_destroy_something_is_refused_without_a_trace() {
    let mut sandbox = Sandbox::new();
    stand_in::newer(&mut sandbox);
    noting_hooks(&sandbox);
    symlink("data", sandbox.path("link")).expect("can be linked");
    fs::create_dir_all(sandbox.path("full")).expect("can be made");
    fs::write(sandbox.path("full/.mine"), "kept").expect("can be written");
    let before = tree(&sandbox.path(""));
    let path = |part: &str| sandbox.path(part).display().to_string();
    let cases: &[(String, &str)] = &[
        (path("data"), "BACKUP_ROOT_DIR, which is backed up"),
        (path("data/."), "BACKUP_ROOT_DIR, which is backed up"),
        (path("data/new/deep"), "lies inside"),
        (path("hooks/../data/x"), "BACKUP_ROOT_DIR, which is backed up"),
        (path("link"), "(that is '"),
        (path("."), "holds"),
        ("/data".to_owned(), "the folder that is backed up"),
        ("//data/new".to_owned(), "the folder that is backed up"),
        (path("log/x"), "LOG_DIR"),
        (path("state"), "STATE_DIR"),
        (path("hooks"), "HOOKS_DIR"),
        (path("config/x"), "CONFIG_DIR"),
        (path("run/x"), "RUN_DIR"),
        (path("repo/x"), "the repository"),
        ("/".to_owned(), "holds"),
        ("/etc/boathook".to_owned(), "a system folder"),
        ("/usr/local/x/..".to_owned(), "a system folder"),
        ("/srv".to_owned(), "a system folder"),
        (path("full"), "is not empty"),
    ];
    for (target, part) in cases {
        assert_refused(&sandbox, &["--target", target], 1, &["restore target '", part, "--force"]);
    }
    // The lock file and what is remembered of restic aside, nothing was made.
    let mut made = changes(&before, &tree(&sandbox.path("")));
    made.retain(|path| !["run", "state", "engine.log"].iter().any(|ours| path.starts_with(ours)));
    assert!(made.is_empty(), "{made:?}");
    assert!(!sandbox.engine_log().contains("restore "), "{}", sandbox.engine_log());

    // With --force it is the operator's word.
    let full = path("full");
    sandbox.run(&["restore", "--yes", "--force", "--target", &full]).ends_with(0);
    assert_eq!(files(&sandbox.path("full")), [".mine", "srv/new.txt"]);
}

#[test]
fn a_target_that_cannot_be_used_is_refused_even_with_force() {
    let sandbox = Sandbox::with_stand_in_engine();
    noting_hooks(&sandbox);
    let file = sandbox.path("data/one.txt").display().to_string();
    assert_refused(&sandbox, &["--force", "--target", &file], 1, &["is not a folder", "choose another --target"]);
    let below = format!("{file}/below");
    assert_refused(&sandbox, &["--force", "--target", &below], 1, &["restore target '", "choose another --target"]);
    assert!(!sandbox.engine_log().contains("restore "));
    // Nobody can make a folder there. Root is not refused for it beforehand, and finds out when the run has begun.
    let out = sandbox.run(&["restore", "--yes", "--force", "--target", "/proc/boathook"]).ends_with(1).all();
    assert!(out.contains("restore target '/proc/boathook' cannot be made"), "{out}");
    assert!(!sandbox.engine_log().contains("restore "));
}

#[test]
fn words_that_make_no_sense_together_are_refused_before_any_hook() {
    let sandbox = Sandbox::new();
    stand_in::older(&sandbox);
    noting_hooks(&sandbox);
    let cases: [(&[&str], &[&str]); 8] = [
        (&["--target", ""], &["--target '' is empty", "name the folder"]),
        (&["--verify", "--dry-run"], &["--verify and --dry-run exclude each other", "leave one of them out"]),
        (&["--include", "/a", "--exclude", "/b"], &["--include '/a' and --exclude '/b'", "only includes"]),
        (&["--since", "soon"], &["--since 'soon' is not a time"]),
        (&["--owner", "1000:"], &["--owner '1000:'"]),
        (&["--id=-x"], &["snapshot '-x' is no snapshot", "restore --list"]),
        (&["--id", "a b"], &["snapshot 'a b' is no snapshot"]),
        (&["--dry-run"], &["--dry-run needs restic 0.17 or later", "restic 0.14", "update restic"]),
    ];
    for (words, parts) in cases {
        assert_refused(&sandbox, words, 2, parts);
    }
    assert!(!sandbox.path("restore").exists(), "the target was made");
}

#[test]
fn usage_errors_are_two_lines_on_standard_error_and_exit_2() {
    let sandbox = Sandbox::with_stand_in_engine();
    noting_hooks(&sandbox);
    let link = sandbox.path("bin/restore");
    symlink(BOATHOOK, &link).expect("can be linked");
    let cases: [(&[&str], &str); 6] = [
        (&["--nope"], "❌ Unknown argument: --nope"),
        (&["--yes", "stray"], "❌ Unknown argument: stray"),
        (&["-x"], "❌ Unknown argument: -x"),
        (&["--id"], "❌ a value is required for '--id <ID>' but none was supplied"),
        (&["--target", "--force"], "❌ a value is required for '--target <DIR>' but none was supplied"),
        (&["--nope", "--help"], "❌ Unknown argument: --nope"),
    ];
    for (words, first) in cases {
        for (out, shown) in [
            (sandbox.run(&[&["restore"], words].concat()), "boathook restore"),
            (sandbox.run_program(&link, words), "/bin/restore"),
        ] {
            let out = out.ends_with(2);
            assert_eq!(out.stderr, format!("{first}\nRun {shown} --help for usage.\n"), "{words:?}");
            assert_eq!(out.stdout, "", "{words:?}");
            assert_no_trace(&sandbox);
        }
    }
    let help = sandbox.run_program(&link, &["--help"]).ends_with(0);
    assert!(help.stdout.contains("Exit codes:") && help.stderr.is_empty(), "{}", help.all());
    assert_no_trace(&sandbox);
}

#[test]
fn a_restore_that_another_one_keeps_waiting_says_so_and_asks_nothing() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-restore.sh", "echo $RUN_ID > $T/started; while [ ! -e $T/go ]; do sleep 0.02; done");
    let holder = sandbox.start(&["restore", "--yes", "--id", "abc"]);
    let run_id = sandbox.wait_for_file("started");
    let out = sandbox.run(&["restore", "--yes"]).ends_with(75);
    assert!(out.stderr.contains(&format!("held by run {} (pid ", run_id.trim())), "{}", out.stderr);
    assert_eq!(out.stdout, "");
    fs::write(sandbox.path("go"), "").expect("can be written");
    holder.finish().ends_with(0);
}
