//! `restore-test`, through the real binary on real repositories (contract: operator commands, section 3).

use crate::restore_test_scene::{TWO, assert_keys, back_up, canary, each, key, keys, source, temporary};
use crate::support::assert_in_order;
use crate::trees::files;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// Section 13: the minimum that the reference's smoke test asserts.
#[test]
fn the_smoke_test_of_the_reference_passes() {
    for sandbox in each() {
        let done = sandbox.run(&["restore-test", "--min-files", "1", "--canary", &canary(&sandbox)]).ends_with(0);
        let summary = assert_keys(
            &sandbox,
            &[
                ("verification", "passed"),
                ("files_restored", "3"),
                ("bytes_restored", "14"),
                ("min_files_met", "true"),
                ("canary_total", "1"),
                ("canary_passed", "1"),
                ("canary_failed", "0"),
                ("target_autotmp", "ON"),
                ("cleanup_status", "cleaned"),
                ("include_paths_count", "0"),
            ],
        );
        let expected = serde_json::json!([{
            "path": source(&sandbox, "docs/two.txt"), "expected_sha256": TWO, "actual_sha256": TWO,
            "status": "passed", "message": "",
        }]);
        assert_eq!(summary["canary_results"], expected);
        assert_eq!(temporary(&sandbox), [""; 0]);
        let two = source(&sandbox, "docs/two.txt");
        assert_in_order(
            &done.stdout,
            &[
                "🩺 Starting Restore-test at 2",
                "About to run: restic restore ",
                "🔐 Verifying 1 canary checksum(s) ...",
                &format!("  ✅ {two}: sha256 ok"),
                "✅ Restore-test passed: 3 file(s), 14 byte(s) restored; canaries 1/1 ok.",
                "🏁 Finished restore-test at 2",
            ],
        );
        let folder = key(&summary, "target");
        assert_in_order(
            &sandbox.log("restore-test"),
            &[
                "🩺 Starting",
                "RELEASE: ",
                "RESTIC_REPOSITORY: ",
                "RESTIC_CACERT: ",
                "SNAPSHOT: latest",
                "TAG_FILTER: automated",
                "HOST_FILTER: test-host",
                "INCLUDE_PATHS: ",
                &format!("TARGET: {folder}"),
                "TARGET_AUTOTMP: ON",
                "KEEP: OFF",
                "DRY_RUN: OFF",
                "VERIFY: OFF",
                "MIN_FILES: 1",
                "CANARY_TOTAL: 1",
                "🔐 Verifying",
                "✅ Restore-test passed",
                "🏁 Finished",
            ],
        );
    }
}

/// The extras stand in the contract's order, `canary_results` after `exit_code`, also when it is empty.
#[test]
fn the_keys_stand_in_the_order_of_the_contract() {
    for sandbox in each() {
        sandbox.run(&["restore-test"]).ends_with(0);
        let keys = keys(&sandbox);
        let at = |name: &str| keys.iter().position(|key| key == name).unwrap_or_else(|| panic!("{name} in {keys:?}"));
        let contract = "repository snapshot target target_autotmp keep dry_run verify min_files min_files_met \
                        files_restored bytes_restored verification canary_total canary_passed canary_failed \
                        cleanup_status include_paths_count tag_filter host_filter";
        let places: Vec<usize> = contract.split_whitespace().map(at).collect();
        assert_eq!(places, (places[0]..places[0] + places.len()).collect::<Vec<_>>(), "{keys:?}");
        assert_eq!(places[0], at("duration_seconds") + 1);
        assert!(at("canary_results") > at("exit_code"));
        let summary = sandbox.summary("restore-test");
        assert_eq!(summary["canary_results"], serde_json::json!([]));
        let has_summary = sandbox.restic_version() >= (0, 16);
        assert_eq!(summary.get("restic_files_restored").is_some(), has_summary, "{summary}");
        assert!(summary.get("sample_size").is_none() && summary.get("sample_results").is_none());
    }
}

/// Numeric extras are metrics, and the mail's details say files and canaries.
#[test]
fn counts_become_metrics() {
    for mut sandbox in each() {
        let metrics = sandbox.path("metrics").display().to_string();
        sandbox.set("METRICS_DIR", &metrics);
        sandbox.run(&["restore-test", "--canary", &canary(&sandbox)]).ends_with(0);
        let text = fs::read_to_string(sandbox.path("metrics/restic_restore_test.prom")).expect("is written");
        for (name, value) in [("files_restored", 3), ("bytes_restored", 14), ("canary_passed", 1), ("min_files", 1)] {
            let line = format!("restic_restore_test_last_{name}{{hostname=\"test-host\"}} {value}");
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
    }
}

/// `--path`, repeated, adds to `RESTORE_TEST_PATH`; patterns are restic's.
#[test]
fn paths_of_settings_and_flags_add_up() {
    for mut sandbox in each() {
        let one = source(&sandbox, "one.txt");
        sandbox.set("RESTORE_TEST_PATH", &one);
        sandbox.run(&["restore-test"]).ends_with(0);
        assert_keys(&sandbox, &[("files_restored", "1"), ("include_paths_count", "1")]);
        sandbox.run(&["restore-test", "--path", "*.txt", "--path", &source(&sandbox, "docs")]).ends_with(0);
        assert_keys(&sandbox, &[("files_restored", "3"), ("include_paths_count", "3")]);
    }
}

/// Weakness 8: the summary of a partial restore has another form; only a path that matches nothing ends with 3.
#[test]
fn paths_that_match_nothing_end_with_3() {
    for sandbox in each() {
        let out = sandbox.run(&["restore-test", "--path", "/no/such/path"]).ends_with(3).all();
        assert!(out.contains("'/no/such/path'") && !out.contains("signs of a pattern"), "{out}");
        let summary = assert_keys(
            &sandbox,
            &[("include_zero_match", "true"), ("verification", "skipped"), ("cleanup_status", "cleaned")],
        );
        assert_eq!(summary["exit_code"], 3);
        assert!(sandbox.error_log("restore-test").is_some_and(|log| log.contains("matched nothing")));
        let out = sandbox.run(&["restore-test", "--path", "/plan [old]"]).ends_with(3).all();
        assert!(out.contains("; * ? [ \\ are signs of a pattern: put a \\ before one"), "{out}");
        sandbox.run(&["restore-test", "--path", &source(&sandbox, "docs/two.txt")]).ends_with(0);
        let summary = assert_keys(&sandbox, &[("files_restored", "1"), ("bytes_restored", "4")]);
        assert!(summary.get("include_zero_match").is_none());
    }
}

/// Weakness 14: `--min-files` counts only what this run brought back; `--force` allows a target that is not empty.
#[test]
fn what_lay_in_a_forced_target_before_does_not_count() {
    for sandbox in each() {
        let target = sandbox.path("target");
        fs::create_dir_all(target.join("old")).expect("can be made");
        for number in 0..20 {
            fs::write(target.join(format!("old/{number}")), "old").expect("can be written");
        }
        let words = ["restore-test", "--target", target.to_str().expect("is text")];
        sandbox.run(&[&words[..], &["--force", "--min-files", "4"]].concat()).ends_with(1);
        let summary = assert_keys(
            &sandbox,
            &[
                ("files_restored", "3"),
                ("bytes_restored", "14"),
                ("min_files_met", "false"),
                ("verification", "failed"),
                ("cleanup_status", "kept"),
                ("target_autotmp", "OFF"),
            ],
        );
        assert!(key(&summary, "reason").contains("3 file(s) came back, and at least 4 must"), "{summary}");
        // What is there already and the same has come back all the same.
        sandbox.run(&[&words[..], &["--force", "--min-files", "3"]].concat()).ends_with(0);
        assert_keys(&sandbox, &[("files_restored", "3"), ("min_files_met", "true")]);
        // Weakness 8: a file that is already there and the same is a match.
        let two = source(&sandbox, "docs/two.txt");
        sandbox.run(&[&words[..], &["--force", "--path", &two]].concat()).ends_with(0);
        assert_keys(&sandbox, &[("files_restored", "1")]);
        assert_eq!(files(&target.join("old")).len(), 20, "old files are gone");
    }
}

/// `--min-files`, its twin, and 0.
#[test]
fn too_few_files_are_a_failure() {
    for mut sandbox in each() {
        sandbox.set("RESTORE_TEST_MIN_FILES", "4");
        let out = sandbox.run(&["restore-test"]).ends_with(1).all();
        assert!(out.contains("❌ Restore-test failed with Status 1 (files=3, canary_failed=0/0)."), "{out}");
        assert_keys(&sandbox, &[("min_files", "4"), ("min_files_met", "false"), ("cleanup_status", "cleaned")]);
        sandbox.run(&["restore-test", "--min-files", "3"]).ends_with(0);
        fs::create_dir(sandbox.path("data/empty")).expect("can be made");
        back_up(&sandbox);
        let empty = source(&sandbox, "empty");
        sandbox.run(&["restore-test", "--path", &empty, "--min-files=1"]).ends_with(1);
        sandbox.run(&["restore-test", "--path", &empty, "--min-files=0"]).ends_with(0);
        assert_keys(&sandbox, &[("files_restored", "0"), ("verification", "passed")]);
    }
}

/// `--keep` and its twin leave the tree and say where it is; a folder of its own is its owner's alone.
#[test]
fn what_is_kept_is_there_and_named() {
    for mut sandbox in each() {
        let out = sandbox.run(&["restore-test", "--keep"]).ends_with(0).stdout;
        let summary = assert_keys(&sandbox, &[("keep", "ON"), ("cleanup_status", "kept"), ("target_autotmp", "ON")]);
        let folder = std::path::PathBuf::from(key(&summary, "target"));
        assert!(out.contains(&format!("📁 What was restored is kept in {}", folder.display())), "{out}");
        assert_eq!(files(&folder).len(), 3);
        assert_eq!(fs::metadata(&folder).expect("is there").permissions().mode() & 0o7777, 0o700);
        let name = folder.file_name().and_then(|name| name.to_str()).expect("has a name");
        assert!(name.len() == "restore-test.".len() + 6 && name.starts_with("restore-test."), "{name}");
        sandbox.set("RESTORE_TEST_KEEP", "ON");
        sandbox.run(&["restore-test"]).ends_with(0);
        assert_eq!(temporary(&sandbox).len(), 2);
    }
}

/// `--target` and its twin: made if it is not there, and kept.
#[test]
fn a_named_target_is_made_and_kept() {
    for mut sandbox in each() {
        let (one, two) = (sandbox.path("t/one"), sandbox.path("t/two"));
        sandbox.set("RESTORE_TEST_TARGET", one.display().to_string());
        sandbox.run(&["restore-test"]).ends_with(0);
        assert_eq!(files(&one).len(), 3);
        assert_keys(&sandbox, &[("target", one.to_str().expect("is text")), ("cleanup_status", "kept")]);
        sandbox.run(&["restore-test", "--target", two.to_str().expect("is text"), "--min-files", "9"]).ends_with(1);
        assert_eq!(files(&two).len(), 3);
        assert_eq!(temporary(&sandbox), [""; 0]);
    }
}

/// `--verify` and its twin reach restic; `--yes` and `-y` are accepted; `--tag`, `--host` and `--id` choose.
#[test]
fn restic_is_called_as_the_contract_says() {
    for mut sandbox in each() {
        let id = key(&sandbox.snapshots()[0], "id");
        let out = sandbox.run(&["restore-test", "--verify", "--yes", "-y", "--path", "/a b"]).ends_with(3).stdout;
        let target = key(&sandbox.summary("restore-test"), "target");
        let line = format!(
            "About to run: restic restore {id} --target {target} --tag automated --host test-host --include /a b --verify"
        );
        assert!(out.lines().any(|found| found == line), "{line} in\n{out}");
        assert_keys(&sandbox, &[("verify", "ON"), ("tag_filter", "automated"), ("host_filter", "test-host")]);

        sandbox.set("RESTORE_TEST_VERIFY", "ON");
        let short = &id[..6];
        let out = sandbox.run(&["restore-test", "--id", short, "--tag", "", "--host="]).ends_with(0).stdout;
        let target = key(&sandbox.summary("restore-test"), "target");
        assert!(out.contains(&format!("About to run: restic restore {id} --target {target} --verify\n")), "{out}");
        let summary = assert_keys(&sandbox, &[("snapshot", short), ("verify", "ON")]);
        assert!(summary.get("tag_filter").is_none() && summary.get("host_filter").is_none());
    }
}

/// Weakness 29: that no snapshot is of this host is said, with what there is.
#[test]
fn no_matching_snapshot_is_a_failure_with_what_there_is() {
    for sandbox in each() {
        let out = sandbox.run(&["restore-test", "--host", "other"]).ends_with(1).all();
        assert!(out.contains("no snapshots matched: tag='automated' host='other'"), "{out}");
        assert!(out.contains("hosts: test-host; tags: automated"), "{out}");
        assert_keys(&sandbox, &[("cleanup_status", "absent"), ("verification", "skipped"), ("min_files_met", "true")]);
        sandbox.run(&["restore-test", "--tag", "other"]).ends_with(1);
        sandbox.run(&["restore-test", "--id", "12345678"]).ends_with(1);
        assert_keys(&sandbox, &[("cleanup_status", "cleaned"), ("files_restored", "0")]);
    }
}

/// restic's own codes pass through.
#[test]
fn a_wrong_password_has_restics_code() {
    for mut sandbox in each() {
        sandbox.set("RESTIC_PASSWORD", "wrong");
        let code = if sandbox.restic_version() >= (0, 17) { 12 } else { 1 };
        for more in [&[][..], &["--sample", "2"]] {
            sandbox.run(&[&["restore-test"][..], more].concat()).ends_with(code);
            let summary = assert_keys(&sandbox, &[("verification", "skipped"), ("min_files_met", "true")]);
            assert_eq!(summary["exit_code"], code);
        }
        assert_eq!(temporary(&sandbox), [""; 0]);
    }
}
