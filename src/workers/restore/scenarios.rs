//! Whole restores with the real restic, whatever version of it is here.

use super::testing::{Ground, Outcome, Scripted};
use crate::exit;
use crate::run::Asked;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const FILES: &[(&str, &str)] = &[("top.txt", "top\n"), ("docs/a.txt", "first\n"), ("docs/deep/b.txt", "second\n")];

/// One snapshot of `FILES`, host `node-a`, tag `automated`.
fn one_snapshot() -> Ground {
    let ground = Ground::with_repository();
    ground.backup("node-a", "automated", "2026-05-01 06:00:00", FILES);
    ground
}

fn quietly(ground: &Ground, words: &[&str]) -> Outcome {
    ground.restore(words, Scripted::nobody())
}

/// Every file below `folder`, by its path.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("can be read").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("is below").to_string_lossy().into_owned();
                found.insert(name, fs::read_to_string(&path).expect("is text"));
            }
        }
    }
    found
}

fn all_files() -> BTreeMap<String, String> {
    FILES.iter().map(|(name, content)| (format!("source/{name}"), (*content).to_owned())).collect()
}

#[test]
fn everything_comes_back_byte_for_byte() {
    let ground = one_snapshot();
    let outcome = quietly(&ground, &["--yes"]);
    assert_eq!(outcome.code(), 0, "{:?}", outcome.lines);
    assert_eq!(files(&ground.path("restore")), all_files());
    // All digits, as a backup gives them, also where restic writes fewer.
    assert_eq!((outcome.snapshot.len(), outcome.snapshot.starts_with(&ground.ids()[0])), (64, true));
    let keys: Vec<&str> = outcome.extras.iter().map(|(key, _)| key.as_str()).collect();
    // Whether counts follow depends on the version of restic.
    assert_eq!(keys[..6], ["repository", "snapshot", "target", "dry_run", "tag_filter", "host_filter"]);
    assert_eq!((outcome.extra("snapshot"), outcome.extra("dry_run")), (Some("latest"), Some("OFF")));
    assert!(outcome.details.ends_with(&ground.text("restore")), "{}", outcome.details);
    let target = ground.text("restore");
    assert_eq!(
        outcome.shown,
        format!(
            "\nAbout to run: restic restore latest --target {target} --tag automated --host node-a\n\
             (--yes: skipping Proceed? confirmation)\n"
        )
    );
    assert!(outcome.lines[0].starts_with("info: ♻️ Starting Restore at 20"), "{:?}", outcome.lines);
    assert!(outcome.says("log: RELEASE: 1.0.0-test") && outcome.says("log: ASSUME_YES: ON"));
    assert!(outcome.says("info: ✅ Restore Successful"));
    assert!(outcome.lines.last().is_some_and(|line| line.starts_with("info: 🏁 Finished restore at ")));
}

#[test]
fn includes_and_excludes_are_restics() {
    let ground = one_snapshot();
    let included = quietly(&ground, &["--include", "/source/docs/deep", "--include=*.nothing"]);
    assert_eq!(included.code(), 0);
    assert_eq!(files(&ground.path("restore")).into_keys().collect::<Vec<_>>(), ["source/docs/deep/b.txt"]);
    let target = ground.text("second");
    let excluded = quietly(&ground, &["--exclude", "docs", "--target", &target]);
    assert_eq!(excluded.code(), 0);
    assert_eq!(files(Path::new(&target)).into_keys().collect::<Vec<_>>(), ["source/top.txt"]);
}

#[test]
fn includes_that_match_nothing_are_found_with_or_without_a_summary() {
    let ground = one_snapshot();
    let outcome = quietly(&ground, &["--include", "/source/docs/nothing-here"]);
    assert_eq!(outcome.code(), exit::INCOMPLETE);
    assert_eq!(outcome.extra("include_zero_match"), Some("true"));
    assert!(outcome.says("error: ❌ the includes matched nothing in snapshot latest: '/source/docs/nothing-here'"));
    assert!(outcome.says("error: ❌ Restore Failed with Status 3"));
    assert!(outcome.details.starts_with("include matched 0 · "), "{}", outcome.details);
    // Afterwards a restore that succeeds is one: nothing of the run before counts.
    let next = quietly(&ground, &["--include", "/source/top.txt"]);
    assert_eq!((next.code(), next.extra("include_zero_match")), (0, None));
}

#[test]
fn refusals_make_nothing() {
    let ground = one_snapshot();
    let cases: [(&[&str], i32); 4] = [
        (&["--target", "/data/new"], 1),
        (&["--include", "/a", "--exclude", "/b"], 2),
        (&["--verify", "--dry-run"], 2),
        (&["--since", "yesterday"], 2),
    ];
    for (words, code) in cases {
        let outcome = quietly(&ground, words);
        assert_eq!(outcome.refusal().0, code, "{words:?}");
        assert!(outcome.refusal().1.starts_with("❌ ") && outcome.worked.is_none(), "{words:?}");
        assert!(outcome.lines.is_empty(), "{:?}", outcome.lines);
    }
    assert!(!ground.path("restore").exists());
}

#[test]
fn a_filter_that_matches_nothing_explains_itself() {
    let mut ground = one_snapshot();
    ground.backup("node-b", "manual", "2026-05-02 06:00:00", FILES);
    ground.settings.identity.hostname = "3f2a".to_owned();
    let outcome = quietly(&ground, &[]);
    assert_eq!(outcome.code(), exit::FAILURE);
    let reason = outcome.worked.as_ref().expect("has run").reason.clone();
    assert!(reason.contains("no snapshots matched: tag='automated' host='3f2a' since='*'"), "{reason}");
    assert!(reason.contains("there are 2 snapshots (hosts: node-a, node-b; tags: automated, manual)"), "{reason}");
    assert!(outcome.says("error: ❌ Restore Failed with Status 1"));
    assert!(!ground.path("restore").exists());
    let newest = ground.ids()[1].clone();
    // Any host, any tag: the newest of all, also if restic is told of a host by its own variable.
    ground.set("RESTIC_HOST", "somebody");
    let any = quietly(&ground, &["--host", "", "--tag="]);
    assert_eq!((any.code(), any.snapshot.starts_with(&newest)), (0, true));
    assert_eq!((any.extra("tag_filter"), any.extra("host_filter")), (None, None));
}

#[test]
fn since_without_an_id_takes_the_newest_that_is_not_older() {
    let ground = one_snapshot();
    ground.backup("node-a", "automated", "2026-05-03 06:00:00", &[("new.txt", "new\n")]);
    let outcome = quietly(&ground, &["--since", "2026-05-02"]);
    assert_eq!((outcome.code(), outcome.extra("snapshot")), (0, Some(ground.ids()[1].as_str())));
    assert_eq!(files(&ground.path("restore")).into_keys().collect::<Vec<_>>(), ["source/new.txt"]);
    let none = quietly(&ground, &["--since", "2026-05-04", "--target", &ground.text("other")]);
    let (code, message) = none.refusal();
    assert_eq!(code, 1);
    assert!(message.contains("since='2026-05-04'") && message.contains("there are 2 snapshots"), "{message}");
    // A snapshot that is named is named.
    let named = quietly(&ground, &["--since", "2026-05-04", "--id", &ground.ids()[0], "--target", &ground.text("old")]);
    assert_eq!(named.code(), 0);
    assert_eq!(files(&ground.path("old")), all_files());
}

#[test]
fn a_listing_leaves_no_trace() {
    let ground = one_snapshot();
    ground.backup("node-a", "automated", "2026-05-03 06:00:00", &[("new.txt", "new\n")]);
    let ids = ground.ids();
    let listing = quietly(&ground, &["--list"]);
    assert_eq!(listing.asked, Ok(Asked::Done(0)));
    let lines: Vec<&str> = listing.shown.lines().collect();
    assert_eq!(lines[0], format!("📋 Matching snapshots in {}:", ground.text("repository")));
    assert!(
        lines[3].starts_with(&format!("  1   {} 2026-05-03T06:00:00 node-a       automated     /", ids[1])),
        "{lines:?}"
    );
    assert!(lines[4].starts_with(&format!("  2   {} 2026-05-01T06:00:00", ids[0])), "{lines:?}");
    assert_eq!(lines.len(), 5);
    assert!(listing.lines.is_empty());

    let later = quietly(&ground, &["--list", "--since", "2026-05-02T00:00:00"]);
    assert!(later.shown.contains(&ids[1]) && !later.shown.contains(&ids[0]));

    let nothing = quietly(&ground, &["--list", "--host", "other", "--tag", ""]);
    assert_eq!(nothing.asked, Ok(Asked::Done(0)));
    assert!(
        nothing.shown.contains("\n  (no snapshots matched: tag='*' host='other' since='*')\n"),
        "{}",
        nothing.shown
    );
    assert!(
        nothing.shown.contains("(without these filters there are 2 snapshots (hosts: node-a;"),
        "{}",
        nothing.shown
    );

    let unread = ground.restore(&["--list"], Scripted::gone());
    assert_eq!(unread.asked, Ok(Asked::Done(0)));
}

#[test]
fn a_listing_that_fails_says_what_restic_said() {
    let mut ground = one_snapshot();
    ground.settings.environment.set("RESTIC_PASSWORD", "wrong");
    for (words, terminal) in [(&["--list"][..], Scripted::nobody()), (&[], Scripted::person(&["MUST NOT BE READ"]))] {
        let outcome = ground.restore(words, terminal);
        let (code, message) = outcome.refusal();
        assert_eq!(code, 1);
        assert!(message.contains("wrong password"), "{message}");
    }
    // Without questions it is a run, with restic's code.
    let run = quietly(&ground, &[]);
    assert!(matches!(run.code(), 1 | exit::WRONG_PASSWORD), "{}", run.code());
    assert!(run.worked.is_some_and(|worked| worked.reason.contains("wrong password")));
}

#[test]
fn a_person_chooses_and_proceeds() {
    let ground = one_snapshot();
    ground.backup("node-a", "automated", "2026-05-03 06:00:00", &[("new.txt", "new\n")]);
    let target = ground.text("chosen");
    let answers = if ground.offers_a_dry_run() { vec!["2", &target, "n", "y"] } else { vec!["2", &target, "y"] };
    let outcome = ground.restore(&[], Scripted::person(&answers));
    assert_eq!(outcome.code(), 0, "{}", outcome.shown);
    assert_eq!(outcome.extra("snapshot"), Some(ground.ids()[0].as_str()));
    assert_eq!(files(Path::new(&target)), all_files());
    assert!(outcome.shown.ends_with("\nProceed? [y/N/q]: "), "{}", outcome.shown);
}

#[test]
fn a_dry_run_makes_no_target_and_says_what_it_would_do() {
    let ground = one_snapshot();
    let outcome = quietly(&ground, &["--yes", "--dry-run"]);
    if !ground.offers_a_dry_run() {
        assert_eq!(outcome.refusal().0, exit::USAGE);
        return;
    }
    assert_eq!((outcome.code(), outcome.extra("dry_run")), (0, Some("ON")), "{:?}", outcome.lines);
    assert!(outcome.extra("files_restored").is_some_and(|files| files != "0"), "{:?}", outcome.extras);
    assert!(outcome.says("log: Summary: Restored "), "{:?}", outcome.lines);
    let nothing = quietly(&ground, &["--dry-run", "--include", "/source/docs/nothing-here"]);
    assert_eq!((nothing.code(), nothing.extra("include_zero_match")), (exit::INCOMPLETE, Some("true")));
    assert!(!ground.path("restore").exists());
}

#[test]
fn a_file_that_cannot_be_restored_is_named_in_the_log() {
    let ground = one_snapshot();
    // A folder with something in it stands where a file is to be.
    fs::create_dir_all(ground.path("restore/source/top.txt/full")).expect("is made");
    let outcome = quietly(&ground, &["--force"]);
    assert_eq!(outcome.code(), exit::FAILURE, "{:?}", outcome.lines);
    assert!(outcome.says("log: ignoring error for /source/top.txt: "), "{:?}", outcome.lines);
    assert_eq!(
        outcome.worked.as_ref().expect("has run").reason,
        "restic ended with status 1: There were 1 errors",
        "{:?}",
        outcome.lines
    );
    assert!(files(&ground.path("restore")).contains_key("source/docs/a.txt"));
}

#[test]
fn a_repository_that_is_not_there_is_told_from_a_wrong_password() {
    let mut ground = one_snapshot();
    ground.set("RESTIC_PASSWORD", "wrong");
    let wrong = quietly(&ground, &["--id", "latest"]);
    assert!([1, exit::WRONG_PASSWORD].contains(&wrong.code()), "{}", wrong.code());
    let reason = "the password is wrong: wrong password or no key found";
    assert_eq!(wrong.worked.as_ref().expect("has run").reason, reason);
    let ground = Ground::bare();
    let missing = quietly(&ground, &["--id", "abcdef"]);
    assert!([1, exit::NO_REPOSITORY].contains(&missing.code()), "{}", missing.code());
    assert!(missing.worked.is_some_and(|worked| worked.reason.contains("repository does not exist")));
    assert!(missing.lines.iter().any(|line| line == "log: Is there a repository at the following location?"));
}
