//! `restore-test`: canaries, and what must not pass for one (weakness 14).

use crate::restore_test_scene::{TWO, assert_keys, each, filled, source, temporary};
use crate::support::Sandbox;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

/// Path, status and message of each result.
fn results(summary: &Value) -> Vec<(String, String, String)> {
    let text = |result: &Value, name: &str| result[name].as_str().expect("is text").to_owned();
    let list = summary["canary_results"].as_array().expect("is an array");
    for result in list {
        let keys: Vec<&str> = result.as_object().expect("is an object").keys().map(String::as_str).collect();
        assert_eq!(keys, ["path", "expected_sha256", "actual_sha256", "status", "message"]);
    }
    list.iter().map(|result| (text(result, "path"), text(result, "status"), text(result, "message"))).collect()
}

/// All canaries are always looked at; each status has its message.
#[test]
fn every_canary_is_looked_at_and_any_failure_fails_the_test() {
    for mut sandbox in each() {
        let (one, two) = (source(&sandbox, "one.txt"), source(&sandbox, "docs/two.txt"));
        let (docs, none) = (source(&sandbox, "docs"), source(&sandbox, "none"));
        sandbox.set("RESTORE_TEST_CANARY", format!("{none}={TWO} {docs}={TWO}"));
        let upper = format!("{two}={}", TWO.to_uppercase());
        let relative = format!("{}={TWO}", &two[1..]);
        let words = ["restore-test", "--canary", &format!("{one}={TWO}"), "--canary", &upper, "--canary", &relative];
        let out = sandbox.run(&words).ends_with(1).all();
        let summary = assert_keys(
            &sandbox,
            &[
                ("verification", "failed"),
                ("canary_total", "5"),
                ("canary_passed", "2"),
                ("canary_failed", "3"),
                ("files_restored", "3"),
                ("cleanup_status", "cleaned"),
            ],
        );
        let found = results(&summary);
        let statuses: Vec<(&str, &str)> =
            found.iter().map(|(path, status, _)| (path.as_str(), status.as_str())).collect();
        assert_eq!(
            statuses,
            [
                (none.as_str(), "missing"),
                (&docs, "missing"),
                (&one, "mismatch"),
                (&two, "passed"),
                (&two[1..], "passed")
            ]
        );
        assert_eq!(found[0].2, "it is not there");
        assert_eq!(found[1].2, "it is a folder");
        assert!(found[2].2.contains(TWO), "{found:?}");
        assert!(found[3].2.is_empty());
        assert!(out.contains("❌ Restore-test failed with Status 1 (files=3, canary_failed=3/5)."), "{out}");
        assert!(out.contains(&format!("  ❌ {none}: missing: it is not there")), "{out}");
        assert_eq!(summary["canary_results"][2]["expected_sha256"], TWO);
        assert_eq!(summary["canary_results"][0]["actual_sha256"], "");
    }
}

/// Weakness 14: a link in the snapshot leads to the live file, which must not be hashed in place of what came back.
#[test]
fn links_are_not_followed_out_of_what_was_restored() {
    for sandbox in Sandbox::with_each_repository() {
        let data = sandbox.path("data");
        fs::create_dir(sandbox.path("outside")).expect("can be made");
        fs::write(sandbox.path("outside/two.txt"), "two\n").expect("can be written");
        symlink(sandbox.path("outside/two.txt"), data.join("absolute")).expect("can be linked");
        symlink(sandbox.path("outside"), data.join("folder")).expect("can be linked");
        symlink("docs/two.txt", data.join("relative")).expect("can be linked");
        let sandbox = filled(sandbox);
        let mut words = vec!["restore-test".to_owned()];
        for part in ["absolute", "folder/two.txt", "relative"] {
            words.extend(["--canary".to_owned(), format!("{}={TWO}", source(&sandbox, part))]);
        }
        sandbox.run(&words.iter().map(String::as_str).collect::<Vec<_>>()).ends_with(1);
        let found = results(&sandbox.summary("restore-test"));
        for (path, status, message) in &found {
            assert!(status == "missing" && message.contains("is a symbolic link"), "{path}: {status}: {message}");
        }
        assert_eq!(found.len(), 3);
    }
}

/// Weakness 14: a link that lay in a forced target leads nowhere, either.
#[test]
fn a_planted_link_in_a_forced_target_is_not_followed() {
    for sandbox in each() {
        let target = sandbox.path("target");
        fs::create_dir(&target).expect("can be made");
        fs::create_dir(sandbox.path("elsewhere")).expect("can be made");
        fs::write(sandbox.path("elsewhere/two.txt"), "two\n").expect("can be written");
        symlink(sandbox.path("elsewhere"), target.join("planted")).expect("can be linked");
        let target = target.display().to_string();
        let planted = format!("/planted/two.txt={TWO}");
        sandbox.run(&["restore-test", "--force", "--target", &target, "--canary", &planted]).ends_with(1);
        let found = results(&sandbox.summary("restore-test"));
        assert!(found[0].1 == "missing" && found[0].2.contains("'planted' on the way is a symbolic link"), "{found:?}");
    }
}

/// Weakness 14: `*` markers, CR, escaped names, inner blanks, control characters; the summary stays valid JSON.
#[test]
fn a_list_of_sha256sum_is_read_as_it_is_and_any_name_is_valid_json() {
    for sandbox in Sandbox::with_each_repository() {
        let names = ["two  blanks.txt", "back\\slash", "new\nline", "control\u{1}\u{1b}[31m", "eq=ual"];
        for name in names {
            fs::write(sandbox.path("data").join(name), "two\n").expect("can be written");
        }
        let sandbox = filled(sandbox);
        let script = "cd \"$1\" && { sha256sum *blanks* back* | sed 's/$/\\r/'; echo '# remark'; echo; \
                      sha256sum -b new* control*; } | sed \"s|\\( [ *]\\)|\\1$1/|\" > \"$2\"";
        let (data, list) = (sandbox.path("data").display().to_string(), sandbox.path("list").display().to_string());
        sandbox.run_program("sh", &["-c", script, "sh", &data, &list]).ends_with(0);
        let control = format!("{}={TWO}", source(&sandbox, "control\u{1}\u{1b}[31m"));
        let equal = format!("{}={TWO}", source(&sandbox, "eq=ual"));
        let words = ["restore-test", "--canary-file", &list, "--canary", &control, "--canary", &equal];
        let out = sandbox.run(&words).ends_with(0).all();
        assert!(!out.contains('\u{1}') && !out.contains("\u{1b}[31m"), "{out}");
        let found = results(&assert_keys(&sandbox, &[("canary_passed", "6"), ("canary_total", "6")]));
        let mut paths: Vec<&str> =
            found.iter().map(|(path, ..)| path.rsplit('/').next().expect("has a name")).collect();
        paths.sort_unstable();
        paths.dedup();
        let mut expected = names;
        expected.sort_unstable();
        assert_eq!(paths, expected);
    }
}

/// A file that came back and cannot be read is told apart from one that did not come back.
#[test]
fn a_canary_that_cannot_be_read_is_hash_failed() {
    if !nix::unistd::geteuid().is_root() {
        // Only with privileges can it be backed up, and only without them not be read.
        return;
    }
    for sandbox in Sandbox::with_each_repository() {
        let closed = sandbox.path("data/closed");
        fs::write(&closed, "two\n").expect("can be written");
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).expect("can be changed");
        let sandbox = filled(sandbox);
        sandbox.run_program("chown", &["-R", "65534:65534", &sandbox.path("").display().to_string()]).ends_with(0);
        let canary = format!("{}={TWO}", source(&sandbox, "closed"));
        let drop = ["--reuid=65534", "--regid=65534", "--clear-groups", crate::support::BOATHOOK];
        sandbox.run_program("setpriv", &[&drop[..], &["restore-test", "--canary", &canary]].concat()).ends_with(1);
        let found = results(&sandbox.summary("restore-test"));
        assert!(found[0].1 == "hash-failed" && found[0].2.contains("Permission denied"), "{found:?}");
        assert_eq!(temporary(&sandbox), [""; 0]);
    }
}

/// `--canary-file` stands for its setting, the last one counts.
#[test]
fn a_canary_file_replaces_the_setting() {
    let mut sandbox = filled(Sandbox::with_repository());
    let list = sandbox.path("list");
    fs::write(&list, format!("{TWO}  {}\n", source(&sandbox, "docs/two.txt"))).expect("can be written");
    let list = list.display().to_string();
    sandbox.set("RESTORE_TEST_CANARY_FILE", "/no/such/list");
    sandbox.run(&["restore-test", "--canary-file", "/none", "--canary-file", &list]).ends_with(0);
    assert_keys(&sandbox, &[("canary_total", "1"), ("canary_passed", "1")]);
}
