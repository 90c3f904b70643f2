//! `forget-preview`, with the real restic of both versions (contract: operator-commands, section 5; weaknesses 2, 6, 27,
//! 29, 30).

use crate::support::{Sandbox, assert_in_order};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Three snapshots of the host and tag that are looked for unless another is named, one of another host and tag.
fn with_each_history() -> Vec<Sandbox> {
    let sandboxes = Sandbox::with_each_repository();
    for sandbox in &sandboxes {
        for (host, tag, day) in [
            ("test-host", "automated", 1),
            ("test-host", "automated", 2),
            ("test-host", "automated", 3),
            ("nas", "x", 4),
        ] {
            let time = format!("2026-05-0{day} 06:00:00");
            let data = sandbox.path("data").display().to_string();
            let words = ["backup", "--quiet", "--host", host, "--tag", tag, "--time", &time, &data];
            sandbox.restic(&words).ends_with(0);
        }
    }
    sandboxes
}

/// Everything in the repository with its size and time: a lock that came and went leaves its trace in its folder's time.
fn traces(folder: &Path) -> BTreeMap<PathBuf, (u64, SystemTime)> {
    let mut found = BTreeMap::new();
    let mut ahead = vec![folder.to_owned()];
    while let Some(path) = ahead.pop() {
        let facts = fs::symlink_metadata(&path).expect("is there");
        if facts.is_dir() {
            ahead.extend(fs::read_dir(&path).expect("is a folder").flatten().map(|entry| entry.path()));
        }
        found.insert(path, (facts.len(), facts.modified().expect("is known")));
    }
    found
}

fn keys(summary: &Value) -> Vec<&str> {
    summary.as_object().expect("is an object").keys().map(String::as_str).collect()
}

/// Weakness 27: what would be kept and removed stands on the console, and in the log as restic prints it.
#[test]
fn the_list_is_shown_and_counted() {
    for mut sandbox in with_each_history() {
        sandbox.set("RESTIC_FORGET_ARGS", "--keep-last 1");
        let out = sandbox.run(&["forget-preview"]).ends_with(0);
        assert_in_order(
            &out.stdout,
            &[
                "🧹 Starting forget preview at ",
                "🔎 Running host/tag-scoped retention preview (host='test-host', tag='automated').",
                "ℹ️ forget and backup apply RESTIC_FORGET_ARGS without this filter",
                "Applying Policy: keep 1 latest snapshots",
                "snapshots for (host [test-host], paths [",
                "keep 1 snapshots:",
                "remove 2 snapshots:",
                "Would have removed the following snapshots:",
                "✅ Forget preview completed successfully",
                "📊 Would keep 1 and remove 2 of 3 snapshots in 1 group.",
                "🏁 Finished forget preview at ",
            ],
        );
        let log = sandbox.log("forget-preview");
        assert_in_order(
            &log,
            &[
                "🧹 Starting forget preview at ",
                "RELEASE: ",
                "RESTIC_REPOSITORY: ",
                "RESTIC_FORGET_ARGS: --keep-last 1",
                "POLICY_ARGS: --keep-last 1",
                "EXTRA_ARGS: ",
                "REPO_WIDE: OFF",
                "HOST_FILTER: test-host",
                "TAG_FILTER: automated",
                "RESTIC_CACERT: ",
                "🔎 Running ",
                "restic forget --dry-run --no-lock --verbose=1 --keep-last 1 --host test-host --tag automated --no-lock",
                "keep 1 snapshots:",
                "remove 2 snapshots:",
                "Finished forget preview at ",
                "✅ Forget preview completed successfully",
                "🏁 Finished forget preview at ",
            ],
        );
        let summary = sandbox.summary("forget-preview");
        let contract =
            ["repository", "repo_wide", "policy_args", "extra_args", "host_filter", "tag_filter", "exit_code"];
        assert_eq!(keys(&summary)[6..13], contract);
        let expected = ["OFF", "--keep-last 1", "", "test-host", "automated"];
        assert_eq!(contract[1..6].iter().map(|key| summary[*key].as_str()).collect::<Vec<_>>(), expected.map(Some));
        let stats = &summary["stats"];
        assert_eq!((&stats["snapshots_kept"], &stats["snapshots_removed"]), (&1.into(), &2.into()));
        assert_eq!((&stats["snapshot_groups"], &summary["status"]), (&1.into(), &"success".into()));
    }
}

#[test]
fn all_snapshots_are_in_question_with_repo_wide() {
    for mut sandbox in with_each_history() {
        sandbox.set("RESTIC_FORGET_ARGS", "--keep-last 1").set("RESTIC_TAG", "");
        let out = sandbox.run(&["forget-preview", "--repo-wide", "--host", "", "--tag", ""]).ends_with(0).stdout;
        assert!(out.contains("⚠️ Running repository-wide retention preview (--repo-wide).\n"), "{out}");
        assert!(out.contains("📊 Would keep 2 and remove 2 of 4 snapshots in 2 groups.\n"), "{out}");
        assert!(!out.contains("without this filter"), "{out}");
        let summary = sandbox.summary("forget-preview");
        assert_eq!(summary["repo_wide"], "ON");
        assert_eq!(keys(&summary)[9..11], ["extra_args", "exit_code"]);
        // It is what the real one does then.
        sandbox.unset("RESTIC_TAG").run(&["forget"]).ends_with(0);
        assert_eq!(sandbox.snapshots().len(), 2);
    }
}

#[test]
fn policy_host_and_tag_can_be_named() {
    for sandbox in with_each_history() {
        let words = ["forget-preview", "--host=nas", "--tag", "x", "--policy", "--keep-tag 'y z' --keep-last 2"];
        let out = sandbox.run(&[&words[..], &["--extra", "--compact --prune"]].concat()).ends_with(0).stdout;
        assert!(out.contains("(host='nas', tag='x')"), "{out}");
        assert!(out.contains("📊 Would keep 1 and remove 0 of 1 snapshots in 1 group.\n"), "{out}");
        assert!(!out.contains("without this filter"), "the policy is of the moment: {out}");
        let summary = sandbox.summary("forget-preview");
        assert_eq!(summary["policy_args"], "--keep-tag 'y z' --keep-last 2");
        assert_eq!((&summary["extra_args"], &summary["host_filter"]), (&"--compact --prune".into(), &"nas".into()));
    }
}

/// Weaknesses 2 and 6: no policy makes it more than a preview, and the repository is not written to, not even locked.
#[test]
fn nothing_is_ever_removed_or_locked() {
    for mut sandbox in with_each_history() {
        sandbox.run(&["forget-preview", "--policy", "--keep-last 1"]).ends_with(0);
        let before = traces(&sandbox.path("repo"));
        for (hostile, refused) in [
            ("--keep-last 1 --dry-run=false", Some("'--dry-run=false' undoes the dry run: leave it out.")),
            ("--dry-run=0 --keep-last 1", Some("'--dry-run=0' undoes")),
            ("--keep-last 1 -n=false", Some("'-n=false' undoes")),
            ("--keep-last 1 -qn=false", Some("'-qn=false' undoes")),
            ("--keep-last 1 -cn=F --no-lock=false", Some("'-cn=F' undoes")),
            ("--keep-last 1 --", Some("'--' ends the flags")),
            ("-- latest", Some("'--' ends the flags")),
            ("--help --keep-last 1", Some("'--help' shows the help")),
            ("--keep-last 1 -qh", Some("'-qh' shows the help")),
            ("--keep-last 1 --keep-tag", Some("'--keep-tag' stands at the end, without its value.")),
            ("--keep-last 1 -cl", Some("'-cl' stands at the end")),
            ("--keep-last 1 --no-lock=false", None),
            ("--keep-last 1 --prune --max-unused 0", None),
            ("--keep-last 1 --prune --repack-small", None),
            ("--keep-last 1 --dry-run -n", None),
            ("latest --keep-last 1", None),
        ] {
            for words in [
                vec!["forget-preview", "--repo-wide", "--policy", hostile],
                vec!["forget-preview", "--repo-wide", "--policy", "--keep-last 1", "--extra", hostile],
                vec!["forget-preview", "--repo-wide"],
            ] {
                sandbox.set("RESTIC_FORGET_ARGS", hostile);
                let out = sandbox.run(&words).ends_with(if refused.is_some() { 2 } else { 0 }).stdout;
                if let Some(refused) = refused {
                    let source = if words.contains(&"--extra") {
                        "--extra"
                    } else if words.contains(&"--policy") {
                        "--policy"
                    } else {
                        "RESTIC_FORGET_ARGS"
                    };
                    assert!(out.contains(&format!("❌ {source}: {refused}")), "{words:?}: {out}");
                    assert_eq!(sandbox.summary("forget-preview")["exit_code"], 2);
                }
                assert_eq!(traces(&sandbox.path("repo")), before, "{words:?}: {out}");
            }
        }
        assert_eq!(sandbox.snapshots().len(), 4);
    }
}

/// Weakness 6: whoever has the repository alone does not keep it from being looked at.
#[test]
fn it_works_beside_an_exclusive_lock_and_a_run_that_has_the_repository() {
    for mut sandbox in with_each_history() {
        let lock = sandbox.hold_exclusive_lock();
        sandbox.set("RESTIC_FORGET_ARGS", "--keep-last 1");
        sandbox.run(&["forget-preview"]).ends_with(0);
        lock.kill();
        // Our own lock of the repository, too.
        sandbox.hook("pre-check.sh", "echo > $T/started; while [ ! -e $T/go ]; do sleep 0.02; done");
        let check = sandbox.start(&["check"]);
        sandbox.wait_for_file("started");
        sandbox.run(&["forget-preview"]).ends_with(0);
        fs::write(sandbox.path("go"), "").expect("can be written");
        check.finish();
    }
}

#[test]
fn what_is_missing_is_told_at_once_and_recorded() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("RESTIC_TAG", "").hook("post-forget-preview.sh", "echo \"$1\" >> $T/notes");
    let out = sandbox.run(&["forget-preview", "--host", ""]).ends_with(2).stdout;
    assert_in_order(
        &out,
        &[
            "❌ No retention policy: RESTIC_FORGET_ARGS is empty. Set RESTIC_FORGET_ARGS or give --policy",
            "❌ The host to look for is empty: set HOSTNAME, give --host, or use --repo-wide.",
            "❌ The tag to look for is empty: set RESTIC_TAG, give --tag, or use --repo-wide.",
            "🏁 Finished forget preview at ",
        ],
    );
    let summary = sandbox.summary("forget-preview");
    assert_eq!(
        (&summary["exit_code"], &summary["host_filter"], &summary["tag_filter"]),
        (&2.into(), &"".into(), &"".into())
    );
    assert_eq!(sandbox.notes(), "2\n");
    assert_eq!(sandbox.engine_log(), "");

    // A policy that is given makes up for one that cannot be read; an empty one is none.
    sandbox.unset("RESTIC_TAG").set("RESTIC_FORGET_ARGS", "--keep-tag 'open");
    let out = sandbox.run(&["forget-preview"]).ends_with(2).stdout;
    assert!(out.contains("❌ RESTIC_FORGET_ARGS: has an opening ' at character 12 that is never closed."), "{out}");
    sandbox.run(&["forget-preview", "--policy", "--keep-last 1"]).ends_with(0);
    let out = sandbox.run(&["forget-preview", "--policy", ""]).ends_with(2).stdout;
    assert!(out.contains("❌ No retention policy: --policy is empty."), "{out}");

    sandbox.set("RESTIC_FORGET_ARGS", "--keep-last 1").set("RESTIC_REPOSITORY", "").unset("RESTIC_PASSWORD");
    let out = sandbox.run(&["forget-preview"]).ends_with(2).stdout;
    assert!(out.contains("❌ RESTIC_REPOSITORY='' is empty") && out.contains("❌ RESTIC_PASSWORD="), "{out}");
    let keys = ["repository", "repo_wide", "policy_args"];
    assert!(keys.iter().all(|key| sandbox.summary("forget-preview")[*key].is_string()));
}

/// A policy that keeps nothing: 0.18 refuses, 0.14 would remove everything or nothing, silently.
#[test]
fn a_policy_that_keeps_nothing_is_warned_of() {
    for sandbox in with_each_history() {
        let modern = sandbox.restic_version() >= (0, 17);
        let preview = |policy: &str, code: i32| {
            sandbox.run(&["forget-preview", "--policy", policy]).ends_with(if modern { code } else { 0 }).stdout
        };
        for policy in ["--prune", "--keep-last 0"] {
            let out = preview(policy, 1);
            assert!(out.contains("⚠️ The policy has no --keep rule that keeps anything: "), "{out}");
            assert!(out.contains("no policy was specified, no snapshots will be removed"), "{out}");
            assert_eq!(out.contains("📊 Nothing would be removed.\n"), !modern, "{out}");
        }
        let out = preview("--keep-tag nobody-has-it", 1);
        if modern {
            assert!(out.contains("refusing to delete last snapshot of snapshot group"), "{out}");
            assert!(out.contains("❌ Forget preview failed with Status 1\n"), "{out}");
            let out = preview("--unsafe-allow-remove-all", 0);
            assert!(!out.contains("no --keep rule") && out.contains("all 3 snapshots would be removed."), "{out}");
        } else {
            let line = "⚠️ Nothing would be kept of host [test-host], paths [";
            assert!(out.contains(line) && out.contains("]: all 3 snapshots would be removed.\n"), "{out}");
        }
        let out = preview("latest --keep-last 1", 0);
        assert!(out.contains("⚠️ 'latest' names a snapshot: ") && out.contains("remove 1 of 1 snapshots"), "{out}");
        assert_eq!(sandbox.snapshots().len(), 4);
    }
}

/// Weakness 29: where host and tag match nothing, that is said.
#[test]
fn a_scope_without_snapshots_is_told() {
    for sandbox in with_each_history() {
        let out = sandbox.run(&["forget-preview", "--host", "gone", "--policy", "-l1"]).ends_with(0).stdout;
        assert!(out.contains("⚠️ No snapshot has host 'gone' and tag 'automated': nothing would be removed."), "{out}");
        assert_eq!(sandbox.summary("forget-preview")["stats"]["snapshots_removed"], 0);
    }
}

#[test]
fn words_that_hide_the_list_do_not() {
    for sandbox in with_each_history() {
        for policy in ["--keep-last 1 -q", "--quiet --keep-last 1"] {
            let out = sandbox.run(&["forget-preview", "--policy", policy]).ends_with(0).stdout;
            assert!(out.contains("remove 2 snapshots:") && out.contains("--quiet is left out"), "{out}");
        }
        let out = sandbox.run(&["forget-preview", "--policy", "--keep-last 1 --json"]).ends_with(0).stdout;
        assert!(out.contains("[{\"") && out.contains("📊 Would keep 1 and remove 2 of 3 snapshots"), "{out}");
        let out = sandbox.run(&["forget-preview", "--policy", "--keep-last 1 --group-by ''"]).ends_with(0).stdout;
        assert!(out.contains("📊 Would keep 1 and remove 2 of 3 snapshots in 1 group."), "{out}");
    }
}

#[test]
fn restics_code_is_the_commands() {
    for mut sandbox in with_each_history() {
        let modern = sandbox.restic_version() >= (0, 17);
        sandbox.set("RESTIC_FORGET_ARGS", "--keep-last 1").set("RESTIC_PASSWORD", "another one");
        let code = if modern { 12 } else { 1 };
        let out = sandbox.run(&["forget-preview"]).ends_with(code).stdout;
        assert!(out.contains("wrong password"), "the reason stands on the console: {out}");
        assert!(out.contains(&format!("❌ Forget preview failed with Status {code}\n")), "{out}");
        let summary = sandbox.summary("forget-preview");
        assert_eq!((&summary["exit_code"], summary["stats"].get("snapshots_kept")), (&code.into(), None));
        assert!(sandbox.error_log("forget-preview").is_some_and(|log| log.contains("wrong password")));
    }
}

#[test]
fn restic_is_called_as_the_contract_says_and_hands_on_values_count() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("RESTIC_FORGET_ARGS", "--keep-daily 7\n--keep-weekly 4");
    sandbox.hook("pre-forget-preview.sh", "echo RESTIC_TAG=handed >> \"$HOOK_OUTPUT\"");
    sandbox.run(&["forget-preview", "--extra", "--path '/a b'"]).ends_with(0);
    let words = "forget --dry-run --no-lock --verbose=1 --keep-daily 7 --keep-weekly 4 --host test-host --tag handed \
                 --path /a b --no-lock --dry-run\n";
    assert_eq!(sandbox.engine_log(), words);
    assert_eq!(sandbox.summary("forget-preview")["tag_filter"], "handed");
    assert!(!sandbox.engine_log().contains("unlock"));
}

/// Weakness 30: what stands in words that were given as an argument is no less secret.
#[test]
fn secrets_among_the_words_are_masked() {
    let sandbox = Sandbox::with_stand_in_engine();
    let policy = "--keep-last 1 --cacert rest:https://me:open-sesame-1@h/x -o s3.secret_access_key=open-sesame-2";
    let out = sandbox.run(&["forget-preview", "--policy", policy, "--extra", "-q"]).ends_with(0);
    let written = ["log/last-forget-preview.json", "log/forget-preview-last.log"];
    let text: String = written.iter().map(|file| fs::read_to_string(sandbox.path(file)).expect("is there")).collect();
    assert!(!(text.clone() + &out.all()).contains("open-sesame"), "{text}");
    assert!(text.contains("--keep-last 1 --cacert rest:https://me:***@h/x"), "{text}");
    let refused = sandbox.run(&["forget-preview", "--policy", "-l1 -rrest:https://me:open-sesame-3@h/x"]).ends_with(2);
    assert!(!refused.all().contains("open-sesame"), "{}", refused.all());
}

#[test]
fn a_stop_ends_it() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("ENGINE_WAITS", "sleep 60");
    for (signal, code) in [(2, 130), (15, 143)] {
        let _ = fs::remove_file(sandbox.path("began"));
        let began = sandbox.path("began").display().to_string();
        sandbox.set("ENGINE_STARTED", began);
        let running = sandbox.start(&["forget-preview", "--policy", "--keep-last 1"]);
        sandbox.wait_for_file("began");
        running.signal(signal);
        running.finish().ends_with(code);
        assert_eq!(sandbox.summary("forget-preview")["status"], "interrupted");
        sandbox.expect_no_process();
    }
}

/// What is previewed is the repository that is reported, and nothing else happens.
#[test]
fn words_that_lead_elsewhere_are_refused() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    for words in ["-r/x", "--repo /x", "--repository-file=/x", "--password-command=date", "--cleanup-cache"] {
        let word = words.split(' ').next().expect("has one");
        let policy = format!("--keep-last 1 {words}");
        sandbox.set("RESTIC_FORGET_ARGS", "--keep-last 1");
        for (flag, given) in [("--policy", policy.as_str()), ("--extra", words)] {
            let out = sandbox.run(&["forget-preview", flag, given]).ends_with(2).stdout;
            assert!(out.contains(&format!("❌ {flag}: '{word}' ")), "{out}");
            assert_eq!(sandbox.summary("forget-preview")["exit_code"], 2);
        }
        sandbox.set("RESTIC_FORGET_ARGS", policy);
        let out = sandbox.run(&["forget-preview"]).ends_with(2).stdout;
        assert!(out.contains(&format!("❌ RESTIC_FORGET_ARGS: '{word}' ")), "{out}");
    }
    assert_eq!(sandbox.engine_log(), "");
}
