//! `restore` where nobody is asked: with the real restic, and with a stand-in where its version matters.

use crate::stand_in;
use crate::support::Sandbox;
use crate::trees::{assert_same, files, tree};
use std::fs;
use std::os::unix::fs::symlink;

/// Two snapshots of the host and tag that `restore` looks for unless it is told otherwise; the newer one lacks
/// `gone.txt`. A third one is of another host, with another tag.
fn with_snapshots() -> Sandbox {
    let sandbox = Sandbox::with_repository();
    fs::create_dir(sandbox.path("data/docs")).expect("can be made");
    fs::write(sandbox.path("data/docs/two.txt"), "two\n").expect("can be written");
    fs::write(sandbox.path("data/gone.txt"), "gone\n").expect("can be written");
    back_up(&sandbox, "test-host", "automated", "2026-05-01 06:00:00");
    fs::remove_file(sandbox.path("data/gone.txt")).expect("is there");
    back_up(&sandbox, "test-host", "automated", "2026-05-03 06:00:00");
    fs::write(sandbox.path("data/other.txt"), "other\n").expect("can be written");
    back_up(&sandbox, "other-host", "manual", "2026-05-05 06:00:00");
    sandbox
}

fn back_up(sandbox: &Sandbox, host: &str, tag: &str, time: &str) {
    let data = sandbox.path("data").display().to_string();
    sandbox.restic(&["backup", "--host", host, "--tag", tag, "--time", time, &data]).ends_with(0);
}

/// The ids of all snapshots, oldest first.
fn ids(sandbox: &Sandbox) -> Vec<String> {
    let listing = sandbox.restic(&["snapshots", "--json"]).ends_with(0).stdout;
    let listing: serde_json::Value = serde_json::from_str(&listing).expect("is JSON");
    let mut rows: Vec<(String, String)> = listing
        .as_array()
        .expect("is a list")
        .iter()
        .map(|row| (row["time"].to_string(), row["short_id"].as_str().expect("is text").to_owned()))
        .collect();
    rows.sort();
    rows.into_iter().map(|(_, id)| id).collect()
}

/// What was restored of the source, by paths from there.
fn restored(sandbox: &Sandbox, target: &str) -> Vec<String> {
    files(&restored_source(sandbox, target))
}

fn restored_source(sandbox: &Sandbox, target: &str) -> std::path::PathBuf {
    sandbox.path(target).join(sandbox.path("data").strip_prefix("/").expect("is absolute"))
}

/// Hooks that note that they ran, and with what.
pub fn noting_hooks(sandbox: &Sandbox) {
    sandbox.hook("pre-restore.sh", "echo pre $# $RUN_TARGET >> $T/notes");
    sandbox.hook("post-restore.sh", "echo post $# $1 $RUN_STATUS $RUN_TARGET >> $T/notes");
}

/// Whatever happened, no run was begun: no log, no summary, no hook, nothing registered, the lock free again.
#[track_caller]
pub fn assert_no_trace(sandbox: &Sandbox) {
    assert_eq!(files(&sandbox.path("log")), [""; 0], "something was logged");
    assert_eq!(sandbox.notes(), "", "a hook ran");
    assert_eq!(files(&sandbox.path("run/runs")), [""; 0]);
    assert!(!sandbox.is_locked("restore.lock"));
}

#[test]
fn restore_brings_the_tree_back_byte_by_byte() {
    let sandbox = Sandbox::with_repository();
    let data = sandbox.path("data");
    fs::create_dir_all(data.join("a folder/deep")).expect("can be made");
    fs::create_dir(data.join("empty folder")).expect("can be made");
    fs::write(data.join("a folder/deep/bytes"), (0..=255_u8).cycle().take(300_000).collect::<Vec<_>>()).expect("fits");
    fs::write(data.join("empty"), "").expect("can be written");
    fs::write(data.join("a folder/naïve – 名前 'quoted'"), "x\n").expect("can be written");
    symlink("a folder/deep", data.join("link")).expect("can be linked");
    symlink("nowhere", data.join("dangling")).expect("can be linked");
    sandbox.run_program("chmod", &["4750", &data.join("empty").display().to_string()]).ends_with(0);
    sandbox.run_program("chmod", &["500", &data.join("empty folder").display().to_string()]).ends_with(0);
    let before = tree(&data);
    assert_eq!(before.len(), 9);

    sandbox.run(&["backup"]).ends_with(0);
    let out = sandbox.run(&["restore", "--yes", "--host", ""]).ends_with(0).stdout;
    assert_same(&before, &tree(&restored_source(&sandbox, "restore")));
    for line in ["♻️ Starting Restore at 2", "✅ Restore Successful", "🏁 Finished restore at 2"] {
        assert!(out.lines().any(|found| found.starts_with(line)), "{line} is missing in\n{out}");
    }
    // Nobody else can take these away.
    sandbox.run_program("chmod", &["-R", "u+w", &sandbox.path("").display().to_string()]);
}

#[test]
fn hooks_around_a_restore_are_told_its_target_its_snapshot_and_its_end() {
    let sandbox = with_snapshots();
    sandbox.hook("pre-restore.sh", "echo pre $# $RUN_TARGET $(ls -A $T/restore 2>/dev/null | wc -l) >> $T/notes");
    sandbox.hook(
        "post-restore.sh",
        "echo post $# $1 $RUN_STATUS $RUN_TARGET $RUN_SNAPSHOT $(ls -A $T/restore | wc -l) >> $T/notes",
    );
    sandbox.run(&["restore", "--yes"]).ends_with(0);
    let target = sandbox.path("restore").display().to_string();
    let short = &ids(&sandbox)[1];
    let snapshots = sandbox.snapshots();
    let latest = snapshots.iter().find_map(|row| row["id"].as_str().filter(|id| id.starts_with(short)));
    let latest = latest.expect("is there");
    assert_eq!(latest.len(), 64);
    assert_eq!(sandbox.notes(), format!("pre 0 {target} 0\npost 1 0 success {target} {latest} 1\n"));

    // The target that was asked for, and a snapshot that was named.
    let other = sandbox.path("other").display().to_string();
    noting_hooks(&sandbox);
    fs::remove_file(sandbox.path("notes")).expect("is there");
    let oldest = ids(&sandbox)[0].clone();
    sandbox.run(&["restore", "--target", &other, "--id", &oldest]).ends_with(0);
    assert_eq!(sandbox.notes(), format!("pre 0 {other}\npost 1 0 success {other}\n"));
    assert_eq!(sandbox.summary("restore")["snapshot"], oldest.as_str());
    assert_eq!(restored(&sandbox, "other"), ["docs/two.txt", "gone.txt", "one.txt"]);
}

#[test]
fn a_post_hook_gets_the_code_of_a_restore_that_failed() {
    let sandbox = with_snapshots();
    noting_hooks(&sandbox);
    let target = sandbox.path("restore").display().to_string();
    let out = sandbox.run(&["restore", "--yes", "--id", "12345678"]).ends_with(1).all();
    assert_eq!(sandbox.notes(), format!("pre 0 {target}\npost 1 1 failure {target}\n"));
    assert!(out.contains("❌ Restore Failed with Status 1"), "{out}");
    let summary = sandbox.summary("restore");
    assert_eq!((&summary["exit_code"], &summary["snapshot"]), (&1.into(), &"12345678".into()));
    assert_eq!((&summary["status"], &summary["work"]["status"]), (&"failure".into(), &"failed".into()));
    let reason = summary["reason"].as_str().expect("is text");
    assert!(reason.starts_with("restic ended with status 1: ") && reason.contains("12345678"), "{reason}");
    assert!(summary["last_success_at"].is_null());
    assert_eq!(files(&sandbox.path("restore")), [""; 0]);
    // What restic said is kept until the next failure.
    let kept = fs::read_to_string(sandbox.path("log/restore-error-last.log")).expect("is kept");
    assert!(kept.contains("12345678"), "{kept}");
}

#[test]
fn a_critical_pre_hook_keeps_a_restore_from_writing() {
    let mut sandbox = with_snapshots();
    noting_hooks(&sandbox);
    sandbox.set("HOOK_ON_ERROR", "Fail").hook("pre-restore.10-ready.sh", "echo not ready; exit 1");
    sandbox.run(&["restore", "--yes"]).ends_with(120);
    let target = sandbox.path("restore").display().to_string();
    assert_eq!(sandbox.notes(), format!("pre 0 {target}\npost 1 120 failure {target}\n"));
    assert!(!sandbox.path("restore").exists(), "the target was made");
    let summary = sandbox.summary("restore");
    assert_eq!((&summary["work"]["status"], &summary["exit_code"]), (&"skipped".into(), &120.into()));
    // What was to be restored is told all the same.
    assert_eq!((&summary["snapshot"], &summary["target"]), (&"latest".into(), &target.as_str().into()));
}

#[test]
fn filters_choose_the_snapshot_and_patterns_what_of_it() {
    let sandbox = with_snapshots();
    sandbox.hook("post-restore.sh", "echo $RUN_SNAPSHOT > $T/notes");
    let ids = ids(&sandbox);
    let data = sandbox.path("data").display().to_string();
    let (docs, one) = (format!("{data}/docs"), format!("{data}/one.txt"));
    let cases: [(&[&str], usize, &[&str]); 9] = [
        (&[], 1, &["docs/two.txt", "one.txt"]),
        (&["--host", "", "--tag="], 2, &["docs/two.txt", "one.txt", "other.txt"]),
        (&["--host=other-host", "--tag", "manual"], 2, &["docs/two.txt", "one.txt", "other.txt"]),
        (&["--id", &ids[0]], 0, &["docs/two.txt", "gone.txt", "one.txt"]),
        (&["--since", "2026-05-02"], 1, &["docs/two.txt", "one.txt"]),
        // The last one counts.
        (&["--id", &ids[2], "--id", &ids[0]], 0, &["docs/two.txt", "gone.txt", "one.txt"]),
        (&["--include", &docs, "--include", &one], 1, &["docs/two.txt", "one.txt"]),
        (&["--include", "*.nothing", "--include", &docs], 1, &["docs/two.txt"]),
        (&["--exclude", "docs"], 1, &["one.txt"]),
    ];
    for (place, (words, snapshot, expected)) in cases.into_iter().enumerate() {
        let part = format!("target {place}");
        let target = sandbox.path(&part).display().to_string();
        sandbox.run(&[&["restore", "--yes", "--target", &target], words].concat()).ends_with(0);
        assert_eq!(restored(&sandbox, &part), expected, "{words:?}");
        // An id that was given stays as it was given.
        assert!(sandbox.notes().trim().starts_with(&ids[snapshot]), "{words:?}: {}", sandbox.notes());
    }
}

#[test]
fn a_filter_that_matches_nothing_says_what_there_is() {
    let mut sandbox = with_snapshots();
    sandbox.set("HOSTNAME", "3f2a91c0");
    let out = sandbox.run(&["restore", "--yes"]).ends_with(1).all();
    let expected = "❌ no snapshots matched: tag='automated' host='3f2a91c0' since='*'; without these filters there are \
                    3 snapshots (hosts: other-host, test-host; tags: automated, manual); choose with --host, --tag \
                    and --since, \"\" for any";
    assert!(out.contains(expected), "{out}");
    assert!(!sandbox.path("restore").exists(), "the target was made");
}

#[test]
fn a_listing_shows_the_newest_first_and_leaves_no_trace() {
    let mut sandbox = with_snapshots();
    noting_hooks(&sandbox);
    // Nor is the repository touched: it may be read-only, or locked by a prune.
    let before = tree(&sandbox.path("repo"));
    let ids = ids(&sandbox);
    let data = sandbox.path("data").display().to_string();
    let out = sandbox.run(&["restore", "--list", "--host", "", "--tag", ""]).ends_with(0);
    let expected = format!(
        "📋 Matching snapshots in {}:\n  \
         #   SNAPSHOT TIME                HOST         TAGS          PATHS\n  \
         --- -------- ------------------- ------------ ------------- -----\n  \
         1   {} 2026-05-05T06:00:00 other-host   manual        {data}\n  \
         2   {} 2026-05-03T06:00:00 test-host    automated     {data}\n  \
         3   {} 2026-05-01T06:00:00 test-host    automated     {data}\n",
        sandbox.path("repo").display(),
        ids[2],
        ids[1],
        ids[0]
    );
    assert_eq!((out.stdout, out.stderr.as_str()), (expected, ""));

    let ours = sandbox.run(&["restore", "--list", "--since=2026-05-02", "--all"]).ends_with(0).stdout;
    assert!(ours.contains(&ids[1]) && !ours.contains(&ids[0]) && !ours.contains(&ids[2]), "{ours}");
    let none = sandbox.run(&["restore", "--list", "--host", "nobody"]).ends_with(0).stdout;
    assert!(none.contains("\n  (no snapshots matched: tag='automated' host='nobody' since='*')\n"), "{none}");

    sandbox.set("RESTIC_PASSWORD", "a-wrong-password");
    let wrong = sandbox.run(&["restore", "--list"]).ends_with(1);
    assert!(wrong.stderr.starts_with("❌ listing the snapshots failed: "), "{}", wrong.stderr);
    assert!(wrong.stderr.contains("wrong password"), "{}", wrong.stderr);
    assert_eq!(wrong.stdout, "");
    assert_same(&before, &tree(&sandbox.path("repo")));
    assert_no_trace(&sandbox);
    assert!(!sandbox.path("restore").exists());
}

#[test]
fn includes_that_match_nothing_end_with_3() {
    let mut sandbox = with_snapshots();
    noting_hooks(&sandbox);
    let out = sandbox.run(&["restore", "--yes", "--include", "/no/such/file"]).ends_with(3).all();
    assert!(out.contains("❌ the includes matched nothing in snapshot latest: '/no/such/file'"), "{out}");
    assert!(out.contains("❌ Restore Failed with Status 3"), "{out}");
    let summary = sandbox.summary("restore");
    assert_eq!((&summary["include_zero_match"], &summary["exit_code"]), (&"true".into(), &3.into()));
    assert!(sandbox.notes().contains("post 1 3 failure "), "{}", sandbox.notes());

    // As restic says it since 0.16: nothing written. What is there already, unchanged, is a match.
    stand_in::newer(&mut sandbox);
    let target = sandbox.path("second").display().to_string();
    let restore = ["restore", "--yes", "--force", "--include", "/srv/x", "--target", &target];
    sandbox.set("ENGINE_SUMMARY", r#"{"message_type":"summary","total_files":0}"#).run(&restore).ends_with(3);
    let skipped = r#"{"message_type":"summary","total_files":1,"files_skipped":1,"bytes_skipped":4}"#;
    sandbox.set("ENGINE_SUMMARY", skipped).run(&restore).ends_with(0);
    assert!(sandbox.summary("restore").get("include_zero_match").is_none());
}

#[test]
fn statistics_of_an_earlier_run_never_count() {
    let sandbox = with_snapshots();
    sandbox.run(&["restore", "--yes", "--include", "/no/such/file"]).ends_with(3);
    // As the log would be if it were appended to, and as somebody may have left it.
    let log = sandbox.path("log/restore-last.log");
    fs::write(&log, "Summary: Restored 0 files/dirs (0 B) in 0:00\n").expect("can be written");
    let one = sandbox.path("data/one.txt").display().to_string();
    sandbox.run(&["restore", "--yes", "--include", &one]).ends_with(0);
    let summary = sandbox.summary("restore");
    assert!(summary.get("include_zero_match").is_none(), "{summary}");
    assert_ne!(summary["files_restored"], "0", "{summary}");
    let log = sandbox.log("restore");
    assert!(!log.contains("Restored 0 files/dirs") && !log.contains("/no/such/file"), "{log}");
    assert_eq!(log.matches("♻️ Starting Restore").count(), 1, "{log}");
}

#[test]
fn the_summary_tells_what_was_asked_for_and_what_came_of_it() {
    let mut sandbox = Sandbox::new();
    stand_in::newer(&mut sandbox);
    sandbox.run(&["restore", "--yes"]).ends_with(0);
    let summary = sandbox.summary("restore");
    let keys: Vec<&str> = summary.as_object().expect("is an object").keys().map(String::as_str).collect();
    let ours = [
        "job",
        "hostname",
        "release",
        "started_at",
        "finished_at",
        "duration_seconds",
        "repository",
        "snapshot",
        "target",
        "dry_run",
        "tag_filter",
        "host_filter",
        "files_restored",
        "bytes_restored",
        "elapsed_human",
        "exit_code",
    ];
    assert_eq!(keys[..ours.len()], ours);
    for (key, value) in [
        ("repository", sandbox.path("repo").display().to_string()),
        ("snapshot", "latest".to_owned()),
        ("target", sandbox.path("restore").display().to_string()),
        ("dry_run", "OFF".to_owned()),
        ("tag_filter", "automated".to_owned()),
        ("host_filter", "test-host".to_owned()),
        ("files_restored", "2".to_owned()),
        ("bytes_restored", "1.500 KiB".to_owned()),
        ("elapsed_human", "1:05".to_owned()),
    ] {
        assert_eq!(summary[key], value, "{key}");
    }
    assert_eq!((&summary["stats"]["files_restored"], &summary["stats"]["bytes_restored"]), (&2.into(), &1536.into()));
    assert!(sandbox.log("restore").contains("Summary: Restored 2 files/dirs (1.500 KiB) in 1:05"));
    // A dry run writes nothing, needs no empty target, and says so; without filters there are no keys of them.
    let before = tree(&sandbox.path("restore"));
    let out = sandbox.run(&["restore", "--yes", "--dry-run", "--tag", "", "--host="]).ends_with(0).stdout;
    assert!(out.contains("(dry-run; no files will be written)"), "{out}");
    assert_same(&before, &tree(&sandbox.path("restore")));
    let summary = sandbox.summary("restore");
    assert_eq!(
        (&summary["dry_run"], summary.get("tag_filter"), summary.get("host_filter")),
        (&"ON".into(), None, None)
    );
}

#[test]
fn a_newer_restic_counts_for_itself() {
    let Some(restic) = stand_in::real_newer() else {
        // What this restic cannot do, the stand-in has shown.
        return;
    };
    let sandbox = Sandbox::new();
    symlink(restic, sandbox.path("bin/restic")).expect("can be linked");
    sandbox.restic(&["init"]).ends_with(0);
    back_up(&sandbox, "test-host", "automated", "2026-05-01 06:00:00");
    sandbox.run(&["restore", "--yes", "--dry-run"]).ends_with(0);
    assert!(!sandbox.path("restore").exists(), "a dry run made its target");
    sandbox.run(&["restore", "--yes", "--verify"]).ends_with(0);
    assert_eq!(restored(&sandbox, "restore"), ["one.txt"]);
    let summary = sandbox.summary("restore");
    // The file, and the folders above it.
    let depth = sandbox.path("data").components().count();
    assert_eq!(summary["files_restored"], depth.to_string(), "{summary}");
    assert_eq!(summary["bytes_restored"], "4 B");
    sandbox.run(&["restore", "--yes", "--force", "--include", "/no/such/file"]).ends_with(3);
    let mut wrong = sandbox;
    wrong.set("RESTIC_PASSWORD", "a-wrong-password");
    wrong.run(&["restore", "--yes", "--force"]).ends_with(12);
}

#[test]
fn owners_are_changed_after_the_restore_and_a_failure_there_is_a_warning() {
    let mut sandbox = Sandbox::new();
    stand_in::newer(&mut sandbox);
    sandbox.hook("post-restore.sh", "stat -c %u:%g $T/restore/srv/new.txt >> $T/notes");
    let owner = "4711:4712";
    let out = sandbox.run(&["restore", "--yes", "--owner", owner]).ends_with(0).all();
    let restored = sandbox.notes();
    if nix::unistd::Uid::effective().is_root() {
        assert_eq!(restored, "4711:4712\n");
        assert!(out.contains("✅ Owner changed to 4711:4712 (3 entries)"), "{out}");
        assert_eq!(sandbox.summary("restore")["status"], "success");
    } else {
        assert!(!restored.contains("4711"), "{restored}");
        assert!(out.contains("⚠️ changing the owner to 4711:4712 failed for 3 of 3 entries, first "), "{out}");
        assert_eq!(sandbox.summary("restore")["status"], "warning");
    }
    assert_eq!(sandbox.summary("restore")["work"]["status"], "completed");
}

#[test]
fn a_log_folder_that_cannot_be_written_costs_the_reports_and_not_the_restore() {
    let mut sandbox = with_snapshots();
    noting_hooks(&sandbox);
    let log = sandbox.path("data/one.txt/log").display().to_string();
    let out = sandbox.set("LOG_DIR", log).run(&["restore", "--yes"]).ends_with(0).all();
    assert_eq!(restored(&sandbox, "restore"), ["docs/two.txt", "one.txt"]);
    assert!(sandbox.notes().contains("post 1 0 warning "), "{}", sandbox.notes());
    assert!(out.contains("✅ Restore Successful") && out.contains("cannot be written"), "{out}");
}

#[test]
fn a_repository_that_is_not_set_ends_with_2_after_summary_and_post_hook() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    noting_hooks(&sandbox);
    let out = sandbox.set("RESTIC_REPOSITORY", "").run(&["restore", "--yes", "--id", "abc"]).ends_with(2).all();
    assert!(out.contains("RESTIC_REPOSITORY='' is empty"), "{out}");
    assert!(sandbox.notes().contains("post 1 2 failure "), "{}", sandbox.notes());
    assert_eq!(sandbox.summary("restore")["exit_code"], 2);
    assert!(!sandbox.engine_log().contains("restore "), "{}", sandbox.engine_log());
    assert!(!sandbox.path("restore").exists(), "the target was made");
}
