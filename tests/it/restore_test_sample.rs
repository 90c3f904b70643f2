//! `restore-test --sample`: files drawn at random, compared with the repository and with their source.

use crate::restore_test_scene::{TWO, assert_keys, back_up, canary, each, filled, key, keys, source, temporary};
use crate::support::{Sandbox, write_executable};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;

fn results(sandbox: &Sandbox) -> Vec<Value> {
    sandbox.summary("restore-test")["sample_results"].as_array().expect("is an array").clone()
}

/// Puts a script before the real restic, which does `then` after each restore into `$4`.
fn after_each_restore(sandbox: &Sandbox, then: &str) {
    let real = sandbox.path("real-restic");
    if !real.exists() {
        let found = sandbox.run_program("sh", &["-c", "readlink -f \"$(command -v restic)\""]).ends_with(0).stdout;
        std::os::unix::fs::symlink(found.trim_end(), &real).expect("can be linked");
    }
    let _ = fs::remove_file(sandbox.path("bin/restic"));
    let text = format!(
        "#!/bin/sh\necho \"$@\" >> \"$LOG_DIR/../engine.log\"\n{} \"$@\"; code=$?\n[ \"$1\" = restore ] && {{ {then}\n}}\nexit $code\n",
        real.display()
    );
    write_executable(&sandbox.path("bin/restic"), &text);
}

#[test]
fn as_many_files_as_asked_for_are_restored_and_compared() {
    for sandbox in each() {
        let out = sandbox.run(&["restore-test", "--sample", "2"]).ends_with(0).stdout;
        assert!(out.lines().any(|line| line.starts_with("🎲 Drew 2 of 3 file(s) (seed ")), "{out}");
        assert!(out.contains(" --verify\n"), "{out}");
        assert!(out.contains("byte(s) restored; canaries 0/0 ok, sample 2/2 ok."), "{out}");
        assert_keys(
            &sandbox,
            &[
                ("files_restored", "2"),
                ("verification", "passed"),
                ("sample_size", "2"),
                ("sample_passed", "2"),
                ("sample_failed", "0"),
                ("cleanup_status", "cleaned"),
            ],
        );
        let found = results(&sandbox);
        assert_eq!(found.len(), 2);
        for result in &found {
            let keys: Vec<&str> = result.as_object().expect("is an object").keys().map(String::as_str).collect();
            let expected = "path size sha256_restored sha256_dumped sha256_source status message";
            assert_eq!(keys.join(" "), expected);
            assert_eq!(result["sha256_restored"], result["sha256_dumped"]);
            assert_eq!(result["sha256_restored"], result["sha256_source"], "the source is unchanged");
            assert_eq!((&result["status"], &result["message"]), (&"passed".into(), &"".into()));
        }
        // Ours come after the contract's.
        let keys = keys(&sandbox);
        let at = |name: &str| keys.iter().position(|key| key == name).expect("is there");
        assert!(at("sample_size") > at("host_filter") && at("sample_failed") < at("exit_code"));
        assert!(at("sample_results") == at("canary_results") + 1);
        assert_eq!(temporary(&sandbox), [""; 0]);
    }
}

/// Fewer files than asked for: all, also those whose names are patterns. The setting stands for the flag.
#[test]
fn fewer_files_are_all_taken_whatever_their_names() {
    for sandbox in Sandbox::with_each_repository() {
        fs::write(sandbox.path("data/three *[x]?\\.txt-not"), "no\n").expect("can be written");
        fs::write(sandbox.path("data/!neg \u{85}\u{7f}\n"), "odd\n").expect("can be written");
        std::os::unix::fs::symlink("one.txt", sandbox.path("data/link")).expect("can be linked");
        let mut sandbox = filled(sandbox);
        sandbox.set("RESTORE_TEST_SAMPLE", "100");
        let out = sandbox.run(&["restore-test"]).ends_with(0).stdout;
        assert!(out.contains("ℹ️ There are fewer files than the 100 that were asked for: all are taken."), "{out}");
        let paths: BTreeSet<String> =
            results(&sandbox).iter().map(|result| result["path"].as_str().expect("is text").to_owned()).collect();
        assert_eq!(paths.len(), 5);
        assert!(paths.contains(&source(&sandbox, "docs/three *[x]?\\.txt")), "{paths:?}");
        assert!(paths.contains(&source(&sandbox, "!neg \u{85}\u{7f}\n")), "{paths:?}");
        assert_keys(&sandbox, &[("files_restored", "5"), ("sample_passed", "5")]);
    }
}

/// The sample is drawn below the paths; canaries come back, too, wherever they are.
#[test]
fn a_sample_is_drawn_below_the_paths_and_canaries_come_too() {
    for sandbox in each() {
        let one = source(&sandbox, "one.txt");
        sandbox.run(&["restore-test", "--sample", "9", "--path", &one, "--canary", &canary(&sandbox)]).ends_with(0);
        assert_keys(&sandbox, &[("sample_size", "1"), ("canary_passed", "1"), ("files_restored", "2")]);
        assert_eq!(results(&sandbox)[0]["path"], one.as_str());
        sandbox.run(&["restore-test", "--sample", "9", "--path", "/no/such"]).ends_with(3);
        assert_keys(&sandbox, &[("include_zero_match", "true"), ("cleanup_status", "absent"), ("sample_size", "0")]);
    }
}

/// The setting that suits whole restores does not fail every sample; a seed draws the same files again.
#[test]
fn a_sample_is_enough_for_the_setting_and_can_be_repeated() {
    for mut sandbox in each() {
        sandbox.set("RESTORE_TEST_MIN_FILES", "3");
        let out = sandbox.run(&["restore-test", "--sample", "1"]).ends_with(0).stdout;
        assert_keys(&sandbox, &[("files_restored", "1"), ("min_files", "1"), ("min_files_met", "true")]);
        let seed = out.split("(seed ").nth(1).and_then(|rest| rest.split(')').next()).expect("is told").to_owned();
        let drawn = results(&sandbox);
        for _ in 0..3 {
            sandbox.run(&["restore-test", "--sample", "1", "--sample-seed", &seed]).ends_with(0);
            assert_eq!(results(&sandbox), drawn);
        }
        sandbox.run(&["restore-test", "--sample", "1", "--min-files", "1"]).ends_with(0);
        sandbox.run(&["restore-test", "--sample", "1", "--min-files", "2", "--canary", &canary(&sandbox)]);
        assert_eq!(key(&sandbox.summary("restore-test"), "min_files"), "2");
    }
}

/// A restore that brings back something else than the repository has is found, without any canary.
#[test]
fn a_damaged_restore_is_found() {
    for sandbox in each() {
        after_each_restore(&sandbox, "find \"$4\" -name two.txt -exec sh -c 'printf owt > \"$1\"' sh {} \\;");
        let out = sandbox.run(&["restore-test", "--sample", "3"]).ends_with(1).all();
        let two = source(&sandbox, "docs/two.txt");
        assert!(
            out.contains(&format!("  ❌ {two}: mismatch: what was restored differs from what restic dump gives")),
            "{out}"
        );
        let summary = assert_keys(
            &sandbox,
            &[
                ("verification", "failed"),
                ("sample_passed", "2"),
                ("sample_failed", "1"),
                ("cleanup_status", "cleaned"),
            ],
        );
        assert_eq!(summary["reason"], "1 of 3 sampled file(s) did not come back as they must");
        let wrong = results(&sandbox).into_iter().find(|result| result["status"] == "mismatch").expect("is there");
        assert_eq!((&wrong["path"], &wrong["sha256_dumped"]), (&two.as_str().into(), &TWO.into()));

        // A file that is gone, and one that became a link.
        after_each_restore(&sandbox, "find \"$4\" -name two.txt -exec rm {} \\; -exec ln -s /dev/null {} \\;");
        sandbox.run(&["restore-test", "--sample", "3"]).ends_with(1);
        assert!(results(&sandbox).iter().any(|result| result["status"] == "missing"));
    }
}

/// A source with the size and time of the snapshot and other bytes is damaged; one that was changed is not compared.
#[test]
fn the_source_is_compared_where_it_is_unchanged() {
    for sandbox in each() {
        let two = source(&sandbox, "docs/two.txt");
        sandbox
            .run_program(
                "sh",
                &[
                    "-c",
                    "touch -r \"$1\" \"$1.t\"; printf 'owt\\n' > \"$1\"; touch -r \"$1.t\" \"$1\"; rm \"$1.t\"",
                    "sh",
                    &two,
                ],
            )
            .ends_with(0);
        let one = source(&sandbox, "one.txt");
        fs::write(&one, "changed\n").expect("can be written");
        let out = sandbox.run(&["restore-test", "--sample", "3"]).ends_with(1).all();
        assert!(
            out.contains(&format!("  ❌ {two}: mismatch: the source differs, although its size and time")),
            "{out}"
        );
        assert!(
            out.contains(&format!("  ✅ {one}: same as in the repository (no unchanged source to compare)")),
            "{out}"
        );
        for result in results(&sandbox) {
            let path = result["path"].as_str().expect("is text");
            assert_eq!(result["sha256_source"] == "", path == one, "{result}");
            assert_eq!(result["status"] == "mismatch", path == two, "{result}");
            assert_eq!(result["sha256_restored"], result["sha256_dumped"]);
        }
    }
}

/// Names that are no text are told, and not taken for others.
#[test]
fn names_that_are_no_text_are_left_out_and_counted() {
    use std::os::unix::ffi::OsStrExt;
    for sandbox in Sandbox::with_each_repository() {
        let name = std::ffi::OsStr::from_bytes(b"bad\xff");
        fs::write(sandbox.path("data").join(name), "bad\n").expect("can be written");
        let sandbox = filled(sandbox);
        let out = sandbox.run(&["restore-test", "--sample", "9"]).ends_with(0).all();
        assert!(out.contains("⚠️ 1 file(s) could not be drawn"), "{out}");
        assert_keys(&sandbox, &[("sample_size", "3")]);
    }
}

/// More paths than one command line holds go to several calls of restic, which add up.
#[test]
fn a_long_list_of_paths_goes_to_several_calls() {
    for sandbox in Sandbox::with_each_repository() {
        let long = sandbox.path("data").join("x".repeat(200));
        fs::create_dir(&long).expect("can be made");
        let mut list = String::new();
        for number in 0..300 {
            let path = long.join(format!("{}{number:03}", "y".repeat(200)));
            fs::write(&path, "two\n").expect("can be written");
            writeln!(list, "{TWO}  {}", path.display()).expect("fits");
        }
        fs::write(sandbox.path("list"), list).expect("can be written");
        back_up(&sandbox);
        after_each_restore(&sandbox, ":");
        let list = sandbox.path("list").display().to_string();
        let out = sandbox.run(&["restore-test", "--sample", "1", "--canary-file", &list]).ends_with(0).stdout;
        assert!(out.contains("more) --verify\n"), "a long preview is cut: {out}");
        assert_keys(&sandbox, &[("canary_passed", "300"), ("sample_passed", "1")]);
        assert_eq!(sandbox.engine_log().lines().filter(|line| line.starts_with("restore ")).count(), 2);
    }
}

/// A stop while restic dumps: the engine is ended, the folder removed, the run interrupted.
#[test]
fn a_signal_during_the_comparison_leaves_nothing() {
    for sandbox in each() {
        after_each_restore(&sandbox, ":");
        let script = fs::read_to_string(sandbox.path("bin/restic")).expect("is there");
        let held = "[ \"$1\" = dump ] && { trap 'exit 130' INT; sleep 1000 & w=$!; echo $$ > \"$LOG_DIR/../started\"; wait \"$w\"; }\n";
        let (first, rest) = script.split_once('\n').expect("has lines");
        write_executable(&sandbox.path("bin/restic"), &format!("{first}\n{held}{rest}"));
        let running = sandbox.start(&["restore-test", "--sample", "2"]);
        sandbox.wait_for_file("started");
        assert_eq!(temporary(&sandbox).len(), 1);
        running.signal(15);
        running.finish().ends_with(143);
        assert_keys(
            &sandbox,
            &[
                ("status", "interrupted"),
                ("verification", "skipped"),
                ("cleanup_status", "cleaned"),
                ("sample_failed", "0"),
            ],
        );
        assert_eq!(temporary(&sandbox), [""; 0]);
        sandbox.expect_no_process();
    }
}
