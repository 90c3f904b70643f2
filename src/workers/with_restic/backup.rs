//! What a backup logs, reports and leaves.

use super::*;
use crate::engine::scene::{until, words};
use crate::workers::check::Check;
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

/// Lines without what differs between two backups of equal files: ids, times, digits of what was added (folders have
/// times, too), and what was stored (0.14 does not tell it with `--json`).
fn comparable<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mask = |line: &str| {
        if let Some(rest) = line.strip_prefix("snapshot ") {
            let (id, rest) = rest.split_once(' ').unwrap_or((rest, ""));
            assert!(id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{line}");
            return format!("snapshot ID {rest}");
        }
        if line.starts_with("using parent snapshot") {
            return "using parent snapshot".to_owned();
        }
        if let Some(rest) = line.strip_prefix("Added to the repository: ") {
            let mut words = rest.split_whitespace();
            let (size, unit) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            assert!(size.parse::<f64>().is_ok(), "{line}");
            return format!("Added to the repository: SIZE {unit}");
        }
        line.split_once(" in ").map_or(line, |(before, _)| before).to_owned()
    };
    lines.into_iter().map(mask).collect()
}

#[test]
fn a_backup_logs_what_restic_would_print() {
    let scene = Scene::with_repository();
    let text = Scene::with_repository();
    for scene in [&scene, &text] {
        scene.source("one", Scene::noise(30_000));
        scene.source("sub/two", "two");
    }
    let root = &text.settings.jobs.backup_root;
    for round in 0..2 {
        let ran = backup(&scene);
        let printed = text.restic(["backup", "--tag=automated", root]);
        assert_eq!(ran.worked, Worked::with_code(0, ""), "{:#?}", ran.lines);
        assert_eq!(comparable(ran.logged()), comparable(printed.lines()), "round {round}");
        for scene in [&scene, &text] {
            scene.source("three", Scene::noise(5_000));
        }
    }
    assert_eq!(snapshots(&scene), 2);
}

#[test]
fn the_lines_of_a_backup_come_in_the_contracts_order() {
    let scene = Scene::with_repository();
    scene.source("one", "1");
    let ran = backup(&scene);
    let begins = [
        "info: 🔄 Starting Backup at 2",
        "log: RELEASE: 1.0.0-test",
        "log: BACKUP_CRON: 0 */6 * * *",
        "log: BACKUP_ROOT_DIR: ",
        "log: RESTIC_TAG: automated",
        "log: RESTIC_FORGET_ARGS: ",
        "log: RESTIC_JOB_ARGS: ",
        "log: RESTIC_CACERT: ",
        "log: RESTIC_REPOSITORY: ",
        "info: 📦 Performing backup of ",
        "log: Files: ",
        "log: Finished backup at 2",
        "info: ✅ Backup Successful",
        "info: 🏁 Finished backup at 2",
    ];
    let mut lines = ran.lines.iter();
    for begin in begins {
        assert!(lines.any(|line| line.starts_with(begin)), "{begin}: {:#?}", ran.lines);
    }
    assert!(ran.lines.last().is_some_and(|line| line.contains(" after 0m ") && line.ends_with('s')));
}

#[test]
fn a_backup_reports_the_contracts_fields_and_typed_statistics() {
    let scene = Scene::with_repository();
    scene.source("one", Scene::noise(30_000));
    let ran = backup(&scene);
    let keys: Vec<&str> = ran.extras.iter().map(|(key, _)| key.as_str()).collect();
    let mut expected = vec![
        "repository",
        "backup_root_dir",
        "restic_tag",
        "snapshot_id",
        "files_new",
        "files_changed",
        "files_unmodified",
        "bytes_added",
    ];
    // 0.14 does not tell what was stored.
    expected.extend(ran.stats.contains_key("bytes_stored").then_some("bytes_stored"));
    assert_eq!(keys, expected);
    assert_eq!(ran.extra("files_new"), Some("1"));
    assert_eq!(ran.stats["files_new"], 1);
    assert_eq!(ran.stats["bytes_processed"], 30_000);
    assert!(ran.extra("bytes_added").is_some_and(|size| size.ends_with(" KiB")));
    let id = ran.extra("snapshot_id").expect("was saved");
    assert!(id.len() == 8 && ran.snapshot.starts_with(id), "{id} {}", ran.snapshot);
    assert_eq!(ran.details, format!("{} new (snap {id})", ran.extra("bytes_added").unwrap_or_default()));
    assert!(scene.restic(["snapshots"]).contains(id));
}

#[test]
fn quiet_and_json_and_verbose_words_are_honoured() {
    let mut scene = Scene::with_repository();
    scene.source("one", "1");
    let mut with = |raw: &str| {
        scene.settings.jobs.backup = words(raw);
        let ran = backup(&scene);
        assert_eq!(ran.worked.code, 0, "{raw}: {:#?}", ran.lines);
        assert!(ran.extra("snapshot_id").is_some(), "{raw}");
        ran.logged().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(with("-q"), [""; 0]);
    let json = with("--json");
    assert!(json.last().is_some_and(|line| line.starts_with("{\"message_type\":\"summary\"")), "{json:?}");
    let verbose = with("-vv --force");
    assert_eq!(verbose[0], "open repository");
    for begin in ["start backup on [", "scan finished in ", "new       /", "Data Blobs: ", "snapshot "] {
        assert!(verbose.iter().any(|line| line.starts_with(begin)), "{begin}: {verbose:#?}");
    }
}

#[test]
fn an_unreadable_file_is_a_failure_with_code_3_that_names_it() {
    let mut scene = Scene::with_repository();
    scene.source("one", "1");
    // Reading at the beginning of a process's memory is an error also for root.
    let file = format!("/proc/{}/mem", std::process::id());
    scene.settings.jobs.backup = words(&file);
    let ran = backup(&scene);
    assert_eq!(ran.worked.code, 3);
    assert!(ran.worked.reason.starts_with("1 source file could not be read: "), "{}", ran.worked.reason);
    assert!(ran.worked.reason.contains(&file), "{}", ran.worked.reason);
    assert!(ran.has("error: ❌ Backup Failed with Status 3"));
    assert!(ran.has_begin("info: ℹ️ Skipping automatic 'restic unlock' (RESTIC_AUTO_UNLOCK!=ON)"));
    assert!(ran.has_begin("log: error: ") && ran.has("log: Warning: at least one source file could not be read"));
    assert!(ran.extra("snapshot_id").is_some(), "the others were saved");
}

#[test]
fn a_wrong_password_and_a_missing_repository_are_told_apart() {
    let mut scene = Scene::with_repository();
    scene.source("one", "1");
    scene.set("RESTIC_PASSWORD", "another");
    let ran = backup(&scene);
    assert!([1, 12].contains(&ran.worked.code), "{}", ran.worked.code);
    assert_eq!(ran.worked.reason, "the password is wrong: wrong password or no key found");
    assert!(ran.has("log: Fatal: wrong password or no key found"));
    assert_eq!(ran.details, scene.settings.repository.shown);

    let scene = Scene::new();
    for ran in [backup(&scene), run(&scene, &mut Check::default(), "check")] {
        assert!([1, 10].contains(&ran.worked.code), "{}", ran.worked.code);
        assert!(ran.worked.reason.contains("repository does not exist"), "{}", ran.worked.reason);
        assert!(ran.has("log: Is there a repository at the following location?"));
    }
}

#[test]
fn a_missing_restic_is_one_clear_line_and_127() {
    let mut scene = Scene::new();
    scene.set("PATH", "/nowhere");
    let ran = backup(&scene);
    assert_eq!(ran.worked, Worked::with_code(127, "restic not found in PATH"));
    assert!(ran.has("error: ❌ restic not found in PATH"));
    assert!(ran.has("error: ❌ Backup Failed with Status 127"));
}

#[test]
fn a_stop_during_a_backup_leaves_no_lock() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut scene = Scene::with_repository();
        scene.settings.repository.auto_unlock = true;
        scene.source("big", Scene::noise(500_000));
        scene.settings.jobs.backup = words("--limit-upload 200");
        // 0.18 ends a throttled upload before it listens: give it the two seconds, on a busy machine too.
        scene.settings.limits.stop = Duration::from_secs(45);
        scene.settings.jobs.forget = words("--keep-last 1");
        let stop = Stop::new().expect("descriptors are there");
        let started = Instant::now();
        let ran = std::thread::scope(|threads| {
            threads.spawn(|| {
                // By then it has its lock, and knows that it has.
                until("the backup writes data", || scene.data_files() > 0);
                stop.ask(signal);
            });
            run_with(&scene, &mut Backup::default(), "backup", &BTreeMap::new(), &stop)
        });
        assert!(started.elapsed() < Duration::from_secs(30));
        assert_ne!(ran.worked.code, 0);
        assert_eq!(ran.worked.reason, "restic was interrupted");
        assert!(ran.has("info: ℹ️ Skipping automatic 'restic unlock': the run was interrupted."), "{:#?}", ran.lines);
        assert!(!ran.has_begin("info: 🔓"));
        assert_eq!(scene.restic(["list", "locks", "--no-lock"]), "", "{signal}");
        assert_eq!((ran.steps[0].name.as_str(), ran.steps[0].status.as_str()), ("forget", "skipped"));
    }
}

#[test]
fn restic_is_called_as_the_contract_says() {
    let mut scene = Scene::new();
    scene.replace_restic(
        "printf 'args:'; printf ' <%s>' \"$@\"; echo\n\
         echo 'Files:           4 new,     0 changed,    12 unmodified'\n\
         echo 'Added to the repository: 1.234 MiB (567.890 KiB stored)'\necho 'snapshot 0a1b2c3d saved'",
    );
    scene.settings.repository.cacert = Some("/ca.pem".into());
    scene.settings.jobs.backup = words("--exclude /x");
    scene.settings.jobs.backup_root = "/a b".into();
    let ran = backup(&scene);
    assert!(
        ran.has("log: args: <--cacert> </ca.pem> <backup> <--json> <--exclude> </x> <--tag=automated> </a b>"),
        "{:#?}",
        ran.lines
    );
    // A stand-in that prints text is understood all the same.
    assert_eq!((ran.extra("snapshot_id"), ran.extra("files_unmodified")), (Some("0a1b2c3d"), Some("12")));
    assert_eq!((ran.extra("bytes_added"), ran.extra("bytes_stored")), (Some("1.234 MiB"), Some("567.890 KiB")));
}

#[test]
fn no_worker_starts_restic_more_often_than_it_must() {
    let mut scene = Scene::new();
    let count = scene.path("starts");
    scene.replace_restic(&format!("echo \"$1\" >>'{}'", count.display()));
    scene.settings.jobs.forget = words("--keep-last 1");
    backup(&scene);
    run(&scene, &mut Check::default(), "check");
    let starts = std::fs::read_to_string(count).expect("restic was started");
    assert_eq!(starts, "backup\nforget\ncheck\n");
}
