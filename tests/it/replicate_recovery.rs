//! When `replicate` resyncs a pair, and when it never does. With the real rclone.

use crate::support::{Sandbox, assert_in_order};
use crate::with_rclone::{before_rclone, calls, read, sandbox, write};
use std::fs;
use std::time::{Duration, SystemTime};

const BISYNC: &str = "bisync $T/a $T/b";
const RECOVERY: [&str; 3] = ["copy $T/a $T/b --update", "copy $T/b $T/a --update", "bisync $T/a $T/b --resync"];

/// A pair that has run once, with `one` to `six` on both sides.
fn known_pair() -> Sandbox {
    let sandbox = sandbox("$T/a;$T/b\n");
    for name in ["one", "two", "three", "four", "five", "six", "RCLONE_TEST"] {
        write(&sandbox, &format!("a/{name}"), name);
    }
    sandbox.run(&["replicate"]).ends_with(0);
    assert_eq!(read(&sandbox, "b/RCLONE_TEST"), "RCLONE_TEST");
    calls(&sandbox);
    sandbox
}

/// Deletes on one side; the next run has to carry that over, and would not after a resync.
#[track_caller]
fn expect_that_deletions_are_carried_over(sandbox: &mut Sandbox) {
    fs::remove_file(sandbox.path("b/six")).expect("is there");
    sandbox.unset("REPLICATE_BISYNC_CHECK_ACCESS").run(&["replicate"]).ends_with(0);
    assert_eq!(calls(sandbox), [BISYNC]);
    assert!(!sandbox.path("a/six").exists() && !sandbox.path("b/six").exists(), "a deleted file is back");
    assert_eq!(sandbox.summary("replicate")["status"], "success");
}

#[test]
fn a_first_run_brings_both_sides_together_and_is_a_plain_success() {
    let mut sandbox = sandbox("$T/a;$T/b;bisync;--filters-file $T/filters --force\n");
    write(&sandbox, "filters", "- *.tmp\n");
    for (file, text) in [("a/one", "1"), ("b/two", "2"), ("a/both", "older"), ("b/both", "newer"), ("a/x.tmp", "x")] {
        write(&sandbox, file, text);
    }
    let old = SystemTime::now() - Duration::from_secs(3600);
    fs::File::options()
        .write(true)
        .open(sandbox.path("a/both"))
        .and_then(|file| file.set_modified(old))
        .expect("is ours");
    sandbox.hook("post-replicate.sh", "echo post $1 $RUN_STATUS >> $T/notes");
    let out = sandbox.run(&["replicate"]).ends_with(0).stdout;
    assert_eq!(
        calls(&sandbox),
        [
            "bisync $T/a $T/b --filters-file $T/filters --force",
            "copy $T/a $T/b --update --filter-from $T/filters",
            "copy $T/b $T/a --update --filter-from $T/filters",
            "bisync $T/a $T/b --resync --filters-file $T/filters --force",
        ]
    );
    for (file, text) in [("b/one", "1"), ("a/two", "2"), ("a/both", "newer"), ("b/both", "newer"), ("b/x.tmp", "")] {
        assert_eq!(read(&sandbox, file), text, "{file}");
    }
    let lines = [
        "🔀 Performing bisync of ",
        "🚨 Starting recovery procedure for ",
        "🔄 Step 1: Updating from ",
        "🔄 Step 2: Updating from ",
        "🔄 Step 3: Performing full resync between ",
        "✅ Recovery Successful - All steps completed",
        "📊 Recovery Exitcode Summary: Source→Dest=0, Dest→Source=0, Resync=0",
        "🏁 Finished bisync at ",
    ];
    assert_in_order(&out, &lines);
    assert!(!out.contains('❌'), "{out}");
    let summary = sandbox.summary("replicate");
    assert_eq!((&summary["status"], &summary["replicate_jobs_failed"]), (&"success".into(), &"0".into()));
    assert_eq!((&summary["jobs"][0]["first_run"], &summary["jobs"][0]["recovered"]), (&true.into(), &false.into()));
    assert_eq!(sandbox.notes(), "post 0 success\n");
    assert!(sandbox.error_log("replicate").is_none());
    sandbox.set("REPLICATE_VERBOSE", "OFF");
    let out = sandbox.run(&["replicate"]).ends_with(0).stdout;
    assert_eq!(calls(&sandbox).len(), 1, "{out}");
}

#[test]
fn a_source_that_cannot_be_read_is_not_filled_from_the_destination() {
    let sandbox = sandbox("$T/none;$T/b\n");
    write(&sandbox, "b/one", "1");
    let out = sandbox.run(&["replicate"]).ends_with(3).stdout;
    assert_eq!(calls(&sandbox), ["bisync $T/none $T/b", "copy $T/none $T/b --update"]);
    assert!(out.contains("❌ Recovery Failed - source-to-destination update failed with status 3"), "{out}");
    assert!(out.contains("📊 Recovery Exitcode Summary: Source→Dest=3, Dest→Source=-, Resync=2"), "{out}");
    assert!(!sandbox.path("none").exists());
    assert_eq!(sandbox.summary("replicate")["replicate_jobs_failed"], "1");
}

#[test]
fn a_transient_error_never_resyncs() {
    let mut sandbox = known_pair();
    for code in [1, 2, 3, 5, 6, 7, 9] {
        let said = "Failed to bisync: dial tcp: connection refused";
        before_rclone(&sandbox, &format!("echo '{said}' >&2; exit {code}"));
        let out = sandbox.run(&["replicate"]).ends_with(code).stdout;
        assert_eq!(calls(&sandbox), [BISYNC], "{out}");
        assert!(out.contains(&format!("❌ Bisync Failed with Status {code}")), "{out}");
    }
    let summary = sandbox.summary("replicate");
    assert_eq!(summary["work"]["reason"].as_str().map(|reason| reason.contains("connection refused")), Some(true));
    before_rclone(&sandbox, "");
    expect_that_deletions_are_carried_over(&mut sandbox);
}

#[test]
fn a_transient_error_of_a_first_run_copies_nothing() {
    let sandbox = sandbox("$T/a;nowhere:x\n$T/b;:sftp,host=127.0.0.1,port=1,user=u,pass=x:/x\n");
    sandbox.run(&["replicate"]).ends_with(1);
    let subs: Vec<String> =
        calls(&sandbox).iter().map(|call| call.split(' ').next().unwrap_or_default().into()).collect();
    assert_eq!(subs, ["bisync", "bisync"]);
}

#[test]
fn a_folder_that_vanished_never_resyncs() {
    let mut sandbox = known_pair();
    fs::rename(sandbox.path("a"), sandbox.path("away")).expect("is there");
    sandbox.run(&["replicate"]).ends_with(3);
    assert_eq!(calls(&sandbox), [BISYNC]);
    assert!(!sandbox.path("a").exists());
    fs::rename(sandbox.path("away"), sandbox.path("a")).expect("is there");
    expect_that_deletions_are_carried_over(&mut sandbox);
}

#[test]
fn a_failed_access_check_never_resyncs_neither_now_nor_the_next_time() {
    let mut sandbox = known_pair();
    sandbox.set("REPLICATE_BISYNC_CHECK_ACCESS", "ON");
    fs::remove_file(sandbox.path("b/RCLONE_TEST")).expect("is there");
    for _ in 0..2 {
        let out = sandbox.run(&["replicate"]).ends_with(2).stdout;
        assert_eq!(calls(&sandbox), ["bisync $T/a $T/b --check-access"]);
        assert!(out.contains("❌ Nothing was copied and no resync is made: the access check failed."), "{out}");
    }
    let log = sandbox.log("replicate");
    assert!(log.contains("REPLICATE_BISYNC_CHECK_ACCESS: ON (--check-access added to bisync runs)"), "{log}");
    write(&sandbox, "b/RCLONE_TEST", "RCLONE_TEST");
    expect_that_deletions_are_carried_over(&mut sandbox);
}

#[test]
fn a_side_that_is_suddenly_empty_is_not_filled_and_not_taken_for_deleted() {
    let mut sandbox = known_pair();
    // A disk that is not mounted.
    fs::rename(sandbox.path("a"), sandbox.path("away")).expect("is there");
    fs::create_dir(sandbox.path("a")).expect("can be made");
    let out = sandbox.run(&["replicate"]).ends_with(2).stdout;
    assert_eq!(calls(&sandbox), [BISYNC]);
    assert!(out.contains("a side is empty that held files. Is it not mounted?"), "{out}");
    assert_eq!(fs::read_dir(sandbox.path("a")).expect("is there").count(), 0);
    assert_eq!(read(&sandbox, "b/one"), "one");
    fs::remove_dir(sandbox.path("a")).expect("is empty");
    fs::rename(sandbox.path("away"), sandbox.path("a")).expect("is there");
    expect_that_deletions_are_carried_over(&mut sandbox);
}

#[test]
fn a_pair_behind_an_alias_is_put_back_as_well() {
    let mut sandbox = known_pair();
    let config = format!("[other]\ntype = alias\nremote = {}\n", sandbox.path("b").display());
    write(&sandbox, "config/rclone.conf", &config);
    crate::with_rclone::write_jobs(&sandbox, "$T/a;other:\n");
    sandbox.set("REPLICATE_BISYNC_CHECK_ACCESS", "ON").run(&["replicate"]).ends_with(0);
    fs::remove_file(sandbox.path("b/RCLONE_TEST")).expect("is there");
    sandbox.run(&["replicate"]).ends_with(2);
    calls(&sandbox);
    write(&sandbox, "b/RCLONE_TEST", "RCLONE_TEST");
    fs::remove_file(sandbox.path("b/six")).expect("is there");
    sandbox.run(&["replicate"]).ends_with(0);
    assert_eq!(calls(&sandbox), ["bisync $T/a other: --check-access"]);
    assert!(!sandbox.path("a/six").exists());
}

#[test]
fn lost_listings_are_recovered_with_a_warning() {
    let mut sandbox = known_pair();
    sandbox.set("REPLICATE_BISYNC_CHECK_ACCESS", "ON").set("REPLICATE_VERBOSE", "OFF");
    sandbox.hook("post-replicate.sh", "echo post $1 $RUN_STATUS >> $T/notes");
    fs::remove_dir_all(sandbox.path("state/bisync")).expect("is there");
    fs::remove_file(sandbox.path("b/six")).expect("is there");
    let out = sandbox.run(&["replicate"]).ends_with(0).stdout;
    let [to, from, resync] = RECOVERY.map(str::to_owned);
    assert_eq!(
        calls(&sandbox),
        [format!("{BISYNC} --check-access"), list("a"), list("b"), to, from, format!("{resync} --check-access"),],
        "the contract's steps"
    );
    let lines = [
        "❌ Bisync Failed with Status 2",
        "🚨 Starting recovery procedure for ",
        "✅ Recovery Successful - All steps completed",
    ];
    assert_in_order(&out, &lines);
    let summary = sandbox.summary("replicate");
    assert_eq!((&summary["status"], &summary["exit_code"]), (&"warning".into(), &0.into()));
    assert_eq!((&summary["jobs"][0]["recovered"], &summary["replicate_jobs_failed"]), (&true.into(), &"0".into()));
    assert_eq!(summary["stats"]["replicate_jobs_recovered"], 1);
    let reason = summary["reason"].as_str().expect("is text");
    assert!(reason.contains("was recovered by a resync: what was deleted on one side"), "{reason}");
    assert_eq!(sandbox.notes(), "post 0 warning\n");
}

fn list(side: &str) -> String {
    format!("lsf $T/{side} -R --files-only --progress=false --format=p")
}

#[test]
fn a_side_that_is_not_mounted_is_not_filled_when_the_listings_are_lost() {
    let sandbox = known_pair();
    fs::remove_dir_all(sandbox.path("state/bisync")).expect("is there");
    fs::rename(sandbox.path("a"), sandbox.path("away")).expect("is there");
    fs::create_dir_all(sandbox.path("a/empty")).expect("can be made");
    let out = sandbox.run(&["replicate"]).ends_with(2).stdout;
    assert_eq!(calls(&sandbox), [BISYNC.to_owned(), list("a"), list("b")]);
    assert!(out.contains("is empty and the other side is not. Mount it;"), "{out}");
    assert!(!sandbox.path("a/one").exists());
}

#[test]
fn a_first_run_without_the_check_file_copies_nothing() {
    let mut sandbox = sandbox("$T/a;$T/b;;--check-access --check-filename CHECK\n");
    write(&sandbox, "a/CHECK", "1");
    let out = sandbox.run(&["replicate"]).ends_with(2).stdout;
    assert!(out.contains("has no check file CHECK. Is it not mounted?"), "{out}");
    assert!(!sandbox.path("b/CHECK").exists());
    write(&sandbox, "b/CHECK", "1");
    sandbox.set("RCLONE_LOG_FILE", "/dev/null").run(&["replicate"]).ends_with(0);
}

#[test]
fn a_listing_that_was_cut_off_is_not_one_of_an_empty_folder() {
    let sandbox = known_pair();
    for entry in fs::read_dir(sandbox.path("state/bisync")).expect("is there").flatten() {
        fs::write(entry.path(), "").expect("is ours");
    }
    sandbox.run(&["replicate"]).ends_with(0);
    assert_eq!(sandbox.summary("replicate")["status"], "warning");
}

#[test]
fn a_pair_that_rclone_has_set_aside_is_known_without_our_memory() {
    let sandbox = known_pair();
    let folder = sandbox.path("state/bisync");
    for entry in fs::read_dir(folder).expect("is there").flatten() {
        let path = entry.path();
        fs::rename(&path, path.with_extension("lst-err")).expect("is ours");
    }
    fs::remove_file(sandbox.path("state/replicate-pairs")).expect("is there");
    sandbox.run(&["replicate"]).ends_with(0);
    assert_eq!(sandbox.summary("replicate")["status"], "warning");
}

#[test]
fn two_empty_folders_are_no_reason_to_warn_every_night() {
    let sandbox = sandbox("$T/a;$T/b\n");
    for _ in 0..3 {
        sandbox.run(&["replicate"]).ends_with(0);
        assert_eq!(sandbox.summary("replicate")["status"], "success");
    }
    write(&sandbox, "b/one", "1");
    sandbox.run(&["replicate"]).ends_with(0);
    assert_eq!(
        (sandbox.summary("replicate")["status"].clone(), read(&sandbox, "a/one")),
        ("success".into(), "1".into())
    );
}

#[test]
fn a_lock_file_that_was_left_is_named_with_the_mend() {
    let mut sandbox = known_pair();
    let folder = sandbox.path("state/bisync");
    let listing = fs::read_dir(&folder).expect("is there").flatten().find_map(|entry| {
        entry.file_name().to_str()?.strip_suffix(".path1.lst").map(|pair| folder.join(format!("{pair}.lck")))
    });
    let lock = listing.expect("has listings");
    fs::write(&lock, "4711").expect("can be written");
    let out = sandbox.run(&["replicate"]).ends_with(1).stdout;
    assert_eq!(calls(&sandbox), [BISYNC]);
    assert!(out.contains(&format!("If none runs, remove it: rm '{}'", lock.display())), "{out}");
    fs::remove_file(&lock).expect("is there");
    expect_that_deletions_are_carried_over(&mut sandbox);
}

#[test]
fn a_dry_run_of_a_first_run_is_not_remembered() {
    let mut sandbox = sandbox("$T/a;$T/b\n");
    write(&sandbox, "a/one", "1");
    sandbox.set("REPLICATE_JOB_ARGS", "--dry-run").run(&["replicate"]).ends_with(0);
    assert!(!sandbox.path("b/one").exists());
    sandbox.unset("REPLICATE_JOB_ARGS").run(&["replicate"]).ends_with(0);
    assert_eq!(sandbox.summary("replicate")["status"], "success");
}
