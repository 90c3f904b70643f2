//! Whole restores with a script in the place of restic, that speaks as 0.18 or as 0.14 does.

use super::terminal::Input;
use super::testing::{Ground, Outcome, Scripted};
use crate::exit;
use crate::process::Stop;
use crate::run::Cancelled;
use nix::sys::signal::Signal;
use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

fn quietly(ground: &Ground, words: &[&str]) -> Outcome {
    ground.restore(words, Scripted::nobody())
}

/// As restic 0.18 speaks JSON; one snapshot of three, one restored file of two.
const NEW_RESTIC: &str = r#"
case "$1" in
version) echo 'restic 0.18.1 compiled with go1.25 on linux/amd64' ;;
snapshots) echo '[{"time":"2026-05-01T06:00:00Z","hostname":"node-a","tags":["automated"],"paths":["/data"],"id":"aaaaaaaabbbb","short_id":"aaaaaaaa"}]' ;;
restore)
  echo '{"message_type":"status","percent_done":0.5,"total_files":2,"total_bytes":2048,"bytes_restored":1024}'
  echo '{"message_type":"summary","seconds_elapsed":65,"total_files":3,"files_restored":2,"total_bytes":2048,"bytes_restored":1536}' ;;
esac
"#;

/// As restic 0.14 speaks: no JSON for restore, no summary, no dry run.
const OLD_RESTIC: &str = r#"
case "$1" in
version) echo 'restic 0.14.0 compiled with go1.19.8 on linux/amd64' ;;
snapshots) echo '[{"time":"2026-05-01T06:00:00Z","hostname":"node-a","paths":["/data"],"id":"aaaaaaaabbbb","short_id":"aaaaaaaa"}]' ;;
restore) echo 'restoring <Snapshot aaaaaaaa of [/data] at 2026-05-01 06:00:00 +0000 UTC by root@node-a> to there' ;;
esac
"#;

/// The same as `NEW_RESTIC`, but for what it says at `restore`.
fn new_restic_says(restore: &str) -> Ground {
    let answers = NEW_RESTIC.split("restore)").next().unwrap_or_default();
    Ground::with_stub(&format!("{answers}restore) {restore} ;;\nesac"))
}

#[test]
fn a_listing_is_cut_at_a_thousand_rows() {
    let row = r#"{\"time\":\"2026-05-01T06:00:00Z\",\"id\":\"aaaaaaaaaa\",\"short_id\":\"aaaaaaaa\"}"#;
    let ground = Ground::with_stub(&format!(
        "printf '['; i=1; while [ $i -lt 1200 ]; do echo \"{row},\"; i=$((i+1)); done; echo \"{row}]\""
    ));
    let cut = quietly(&ground, &["--list"]);
    assert_eq!(cut.shown.lines().count(), 3 + 1000 + 1);
    assert!(cut.shown.ends_with("  (showing 1000 most recent of 1200; --all shows every one)\n"));
    assert_eq!(quietly(&ground, &["--list", "--all"]).shown.lines().count(), 3 + 1200);
}

#[test]
fn a_person_may_call_it_off_at_every_question() {
    let ground = Ground::with_stub(NEW_RESTIC);
    let cases: [(&[&str], &[&str], &str); 5] = [
        (&[], &["q"], "latest"),
        (&[], &["1", "Q"], "aaaaaaaa"),
        (&[], &["", "", "quit"], "latest"),
        (&[], &["", "", "", ""], "latest"),
        (&["--id", "abc", "--target", &ground.text("restore"), "--dry-run"], &["n"], "abc"),
    ];
    for (words, answers, snapshot) in cases {
        let outcome = ground.restore(words, Scripted::person(answers));
        assert!(matches!(outcome.asked, Err(Cancelled::ByOperator { .. })), "{answers:?}: {:?}", outcome.asked);
        let target = ground.text("restore");
        let repository = ground.text("repository");
        let expected =
            [("repository", repository.as_str()), ("snapshot", snapshot), ("target", &target), ("cancelled", "true")];
        assert_eq!(outcome.extras, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
        assert_eq!(outcome.lines, ["error: 🛑 Restore cancelled by operator."]);
    }
    assert!(!ground.path("restore").exists());
    assert!(!ground.calls().iter().any(|call| call.starts_with("restore")));
}

#[test]
fn the_input_that_ends_is_no_silent_end() {
    let ground = Ground::with_stub(NEW_RESTIC);
    for answers in [&[][..], &["1"], &["1", ""], &["1", "", "n"]] {
        let outcome = ground.restore(&[], Scripted::person(answers));
        let (code, message) = outcome.refusal();
        assert_eq!(code, 1, "{answers:?}");
        assert!(message.contains("the input ended at '"), "{message}");
    }
    let interrupted = ground.restore(&[], Scripted::person(&["1"]).then(Input::Interrupted(2)));
    assert_eq!(interrupted.refusal().0, 130);
}

#[test]
fn statistics_come_from_the_json_summary() {
    let ground = Ground::with_stub(NEW_RESTIC);
    let outcome = quietly(&ground, &["--include", "/data/docs"]);
    assert_eq!(outcome.code(), 0, "{:?}", outcome.lines);
    for (key, value) in [("files_restored", "2"), ("bytes_restored", "1.500 KiB"), ("elapsed_human", "1:05")] {
        assert_eq!(outcome.extra(key), Some(value), "{key}");
    }
    assert_eq!(outcome.snapshot, "aaaaaaaabbbb");
    assert_eq!(outcome.details, format!("2 files (1.500 KiB) → {}", ground.text("restore")));
    assert!(outcome.says("log: Summary: Restored 2 files/dirs (1.500 KiB) in 1:05"));
    assert!(!outcome.says("message_type"), "{:?}", outcome.lines);
    let target = ground.text("restore");
    assert_eq!(
        ground.calls(),
        [
            "snapshots --json --no-lock --tag automated --host node-a --latest 1".to_owned(),
            format!("restore latest --target {target} --tag automated --host node-a --include /data/docs --json"),
        ]
    );
}

#[test]
fn a_dry_run_first_is_the_default_and_makes_nothing() {
    let ground = Ground::with_stub(NEW_RESTIC);
    let outcome = ground.restore(&["--verify"], Scripted::person(&["", "", "", "y"]));
    assert_eq!(outcome.code(), 0, "{:?}", outcome.asked);
    assert_eq!(outcome.extra("dry_run"), Some("ON"));
    assert!(outcome.details.starts_with("DRY-RUN · 2 files"), "{}", outcome.details);
    assert!(outcome.shown.contains("--verify is left out"), "{}", outcome.shown);
    assert!(outcome.shown.contains("(dry-run; no files will be written)\nProceed? [y/N/q]: "), "{}", outcome.shown);
    let call = ground.calls().pop().expect("was called");
    assert!(call.contains("--dry-run") && !call.contains("--verify"), "{call}");
    assert!(!ground.path("restore").exists());

    let real = ground.restore(&["--verify"], Scripted::person(&["", "", "n", "y"]));
    assert_eq!(real.extra("dry_run"), Some("OFF"));
    assert!(ground.calls().pop().expect("was called").contains("--verify --json"));
    assert!(ground.path("restore").is_dir());
}

#[test]
fn a_dry_run_changes_no_owner_and_may_look_at_a_full_target() {
    let ground = Ground::with_stub(NEW_RESTIC);
    fs::create_dir(ground.path("restore")).expect("is made");
    fs::write(ground.path("restore/mine"), "").expect("is written");
    let outcome = quietly(&ground, &["--dry-run", "--owner", "1:1"]);
    assert_eq!(outcome.code(), 0);
    assert!(!outcome.says("Changing owner"));
    assert_eq!(quietly(&ground, &[]).refusal().0, 1);
}

#[test]
fn unchanged_files_are_a_match_and_nothing_is_none() {
    let summary = |files: u64, skipped: u64| {
        format!(r#"echo '{{"message_type":"summary","files_restored":{files},"files_skipped":{skipped}}}'"#)
    };
    let same = quietly(&new_restic_says(&summary(0, 1)), &["--include", "/a"]);
    assert_eq!((same.code(), same.extra("include_zero_match")), (0, None));
    let nothing = quietly(&new_restic_says(&summary(0, 0)), &["--include", "/a"]);
    assert_eq!((nothing.code(), nothing.extra("include_zero_match")), (3, Some("true")));
    assert!(nothing.details.starts_with("include matched 0 · 0 files (0 B) → "), "{}", nothing.details);
    let dry = quietly(&new_restic_says(&summary(0, 0)), &["--include", "/a", "--dry-run"]);
    assert_eq!(dry.code(), 3);
    assert!(dry.details.starts_with("DRY-RUN · include matched 0 · "), "{}", dry.details);
    // Without an include an empty snapshot is no failure.
    assert_eq!(quietly(&new_restic_says(&summary(0, 0)), &[]).code(), 0);
}

#[test]
fn verbose_output_is_streamed_without_escapes() {
    let ground = new_restic_says(
        r"printf '\033[2Krestored  /a with size 4 B\r\n\033[2KSummary: Restored 1 / 2 files/dirs (4 B / 4 B) in 0:00\n'",
    );
    let outcome = quietly(&ground, &["-v"]);
    assert_eq!(outcome.code(), 0);
    let call = ground.calls().pop().expect("was called");
    assert!(call.ends_with("--verbose=2"), "{call}");
    for line in ["restored  /a with size 4 B", "Summary: Restored 1 / 2 files/dirs (4 B / 4 B) in 0:00"] {
        assert!(outcome.lines.contains(&format!("console: {line}")), "{:?}", outcome.lines);
        assert!(outcome.lines.contains(&format!("log: {line}")), "{:?}", outcome.lines);
    }
    assert_eq!((outcome.extra("files_restored"), outcome.extra("bytes_restored")), (Some("1"), Some("4 B")));
}

#[test]
fn restics_code_passes_through_with_its_reason() {
    let ground =
        new_restic_says(r#"echo '{"message_type":"exit_error","code":12,"message":"Fatal: no key"}' >&2; exit 12"#);
    let outcome = quietly(&ground, &["--owner", "1:1"]);
    let worked = outcome.worked.as_ref().expect("has run");
    assert_eq!((worked.code, worked.reason.as_str()), (12, "the password is wrong: no key"));
    assert!(outcome.says("log: Fatal: no key") && outcome.says("error: ❌ Restore Failed with Status 12"));
    assert!(!outcome.says("Changing owner"));
}

#[test]
fn a_lock_is_told_from_other_failures() {
    let ground = new_restic_says(
        r#"echo '{"message_type":"exit_error","code":11,"message":"unable to create lock in backend: repository is already locked exclusively by PID 7 on node"}' >&2; exit 11"#,
    );
    let outcome = quietly(&ground, &[]);
    assert_eq!(outcome.code(), exit::REPOSITORY_LOCKED);
    let reason = outcome.worked.as_ref().expect("has run").reason.clone();
    assert!(reason.starts_with("the repository is locked: unable to create lock"), "{reason}");
}

#[test]
fn restic_is_asked_how_far_it_is_unless_it_tells_file_by_file() {
    let ground = new_restic_says(r#"echo "pace: ${RESTIC_PROGRESS_FPS:-none}""#);
    assert!(!quietly(&ground, &[]).says("log: pace: none"));
    assert!(quietly(&ground, &["-v", "--force"]).says("log: pace: none"));
}

#[test]
fn settings_that_the_work_cannot_do_without_are_refused_before_restic() {
    let mut ground = Ground::with_stub("echo MUST NOT RUN");
    ground.settings.environment.remove("RESTIC_PASSWORD");
    ground.settings = crate::settings::read(&ground.settings.environment);
    let outcome = quietly(&ground, &["--yes"]);
    assert_eq!(outcome.code(), exit::USAGE);
    assert!(outcome.says("error: ❌ RESTIC_PASSWORD"), "{:?}", outcome.lines);
    assert_eq!(outcome.extra("target"), Some(ground.text("restore").as_str()));
    assert!(ground.calls().is_empty() && !ground.path("restore").exists());
}

#[test]
fn a_missing_restic_is_one_clear_error() {
    let mut ground = Ground::bare();
    ground.set("PATH", "/nowhere");
    let outcome = quietly(&ground, &["--id", "abc"]);
    assert_eq!(outcome.code(), exit::NOT_FOUND);
    assert_eq!(outcome.worked.as_ref().expect("has run").reason, "restic not found in PATH");
    assert!(outcome.says("error: ❌ restic not found in PATH"), "{:?}", outcome.lines);
    let asked = ground.restore(&[], Scripted::person(&["MUST NOT BE READ"]));
    assert_eq!(asked.refusal(), (1, "❌ listing the snapshots failed: restic not found in PATH"));
}

#[test]
fn owners_are_changed_after_success_and_failures_are_a_warning() {
    let ground = new_restic_says(r#"shift; echo x > "$3/file""#);
    if !nix::unistd::Uid::effective().is_root() {
        let outcome = quietly(&ground, &["--owner", "1:1"]);
        assert_eq!(outcome.code(), 0);
        let warnings = outcome.worked.expect("has run").warnings;
        assert!(warnings[0].contains("failed for 2 of 2 entries, first "), "{warnings:?}");
        return;
    }
    let outcome = quietly(&ground, &["--owner", "4711:4712"]);
    let worked = outcome.worked.as_ref().expect("has run");
    assert_eq!((worked.code, worked.warnings.len()), (0, 0));
    assert!(outcome.says("info: ✅ Owner changed to 4711:4712 (2 entries)"), "{:?}", outcome.lines);
    let found = fs::metadata(ground.path("restore/file")).expect("is restored");
    assert_eq!(
        (std::os::unix::fs::MetadataExt::uid(&found), std::os::unix::fs::MetadataExt::gid(&found)),
        (4711, 4712)
    );
}

#[test]
fn a_source_that_a_pre_hook_moved_is_not_restored_over() {
    let ground = Ground::with_stub(NEW_RESTIC);
    let stop = Stop::new().expect("descriptors are there");
    let values = BTreeMap::from([("BACKUP_ROOT_DIR".to_owned(), ground.text("restore"))]);
    let outcome = ground.restore_with(&["--yes"], Scripted::nobody(), &stop, &values);
    assert_eq!(outcome.code(), 1);
    assert!(outcome.says("BACKUP_ROOT_DIR"));
    assert!(ground.calls().is_empty() && !ground.path("restore").exists());
}

#[test]
fn a_stop_ends_restic_and_its_code_is_ours() {
    // The script shows that it runs, and waits without a child: the signal goes to restic alone.
    let ground = new_restic_says(
        r#"trap 'echo "interrupted" >&2; exit 130' INT; shift; : > "$3/running"; while :; do read -r _ < "$3/fifo"; done"#,
    );
    let target = ground.path("restore");
    fs::create_dir(&target).expect("is made");
    nix::unistd::mkfifo(&target.join("fifo"), nix::sys::stat::Mode::S_IRWXU).expect("is made");
    let stop = Stop::new().expect("descriptors are there");
    let asked = stop.clone();
    let running = target.join("running");
    let watcher = std::thread::spawn(move || {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !running.exists() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        asked.ask(Signal::SIGTERM);
    });
    let outcome = ground.restore_with(&["--force"], Scripted::nobody(), &stop, &BTreeMap::new());
    watcher.join().expect("does not panic");
    let worked = outcome.worked.as_ref().expect("has run");
    assert_eq!((worked.code, worked.reason.as_str()), (130, "restic was interrupted"));

    // A stop that came before restic began does not start it.
    let calls = ground.calls().len();
    let again = ground.restore_with(&["--force", "--id", "abc"], Scripted::nobody(), &stop, &BTreeMap::new());
    assert_eq!((again.code(), ground.calls().len()), (143, calls));
}

#[test]
fn an_old_restic_is_not_asked_for_a_dry_run() {
    let ground = Ground::with_stub(OLD_RESTIC);
    let refused = quietly(&ground, &["--dry-run"]);
    assert_eq!(refused.refusal().0, 2);
    let message = refused.refusal().1;
    assert!(message.contains("--dry-run needs restic 0.17 or later, and this is restic 0.14"), "{message}");
    let asked = ground.restore(&[], Scripted::person(&["", "", "n"]));
    assert!(matches!(asked.asked, Err(Cancelled::ByOperator { .. })), "{:?}", asked.asked);
    assert!(asked.shown.contains("No dry run is offered: restic 0.14") && !asked.shown.contains("Dry-run first?"));
    assert!(!ground.path("restore").exists());
}

#[test]
fn without_a_summary_a_target_that_was_not_empty_cannot_tell() {
    let ground = Ground::with_stub(OLD_RESTIC);
    let empty = quietly(&ground, &["--include", "/nothing"]);
    assert_eq!((empty.code(), empty.extra("include_zero_match")), (3, Some("true")));
    fs::write(ground.path("restore/mine"), "kept").expect("is written");
    let full = quietly(&ground, &["--force", "--include", "/nothing"]);
    assert_eq!((full.code(), full.extra("files_restored"), full.snapshot.as_str()), (0, None, "aaaaaaaabbbb"));
    assert!(full.says("log: restic gave no summary and the target was not empty"));
}
