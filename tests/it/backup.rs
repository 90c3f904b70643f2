//! `backup` on real repositories: its lines and their order, what it tells of the snapshot, and what it costs.

use crate::support::{Sandbox, assert_in_order, write_executable};
use std::fs;

/// What stands in a log between the start of the engine and its end.
#[track_caller]
fn engine_lines(log: &str) -> Vec<String> {
    let (_, after) = log.split_once("📦 Performing backup").expect("began");
    let (lines, _) = after.split_once("\nFinished backup at ").expect("ended");
    lines.lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn the_lines_of_a_backup_are_the_contracts() {
    for sandbox in Sandbox::with_each_repository() {
        sandbox.hook("pre-backup.sh", "echo before").hook("post-backup.sh", "echo after $1");
        let out = sandbox.run(&["backup"]).ends_with(0);
        let console = "\
🚀 Running hook pre-backup...
[pre-backup] before
✅ Hook pre-backup completed in 0s (exit 0)
🔄 Starting Backup at <ts>
📦 Performing backup of $T/data...
✅ Backup Successful
🏁 Finished backup at <ts> after 0m 0s
🚀 Running hook post-backup...
[post-backup] after 0
✅ Hook post-backup completed in 0s (exit 0)
📋 Run <run>: success
  ✅ pre-backup      0.00s
  ✅ backup          0.00s
  ✅ post-backup     0.00s
";
        assert_eq!(sandbox.redacted(&out.stdout), console);
        assert_eq!(out.stderr, "");

        let log = sandbox.redacted(&sandbox.log("backup"));
        let header = "\
RELEASE: unknown
BACKUP_CRON: 0 */6 * * *
BACKUP_ROOT_DIR: $T/data
RESTIC_TAG: automated
RESTIC_FORGET_ARGS: 
RESTIC_JOB_ARGS: 
RESTIC_CACERT: 
RESTIC_REPOSITORY: $T/repo
";
        let (before, after) = console.split_once("📦").expect("is there");
        let begin = format!("{before}{header}📦 Performing backup of $T/data...\n");
        let (_, after) = after.split_once('\n').expect("is a line");
        let end = format!("\nFinished backup at <ts>\n{after}");
        assert!(log.starts_with(&begin), "{log}");
        assert!(log.ends_with(&end), "{log}");
        assert_in_order(
            &log[begin.len()..log.len() - end.len()],
            &[
                "no parent snapshot found, will read all files",
                "Files:           1 new,     0 changed,     0 unmodified",
                "Dirs: ",
                "Added to the repository: ",
                "processed 1 files, 4 B in 0:00",
                "snapshot <id> saved",
            ],
        );
    }
}

#[test]
fn the_log_says_what_restic_itself_would_print() {
    for mut sandbox in Sandbox::with_each_repository() {
        fs::create_dir(sandbox.path("data/sub")).expect("can be made");
        fs::write(sandbox.path("data/sub/large"), "x".repeat(300_000)).expect("can be written");
        let data = sandbox.path("data").display().to_string();
        let pristine = sandbox.path("repo").display().to_string();
        let packed = sandbox.restic_version() >= (0, 17);
        for (words, lines) in [("", 5), ("-v", 7), ("--verbose=2", 11), ("-q", 0)] {
            let twin = |name: &str| {
                let path = sandbox.path(format!("{name}{words}")).display().to_string();
                sandbox.run_program("cp", &["-r", &pristine, &path]).ends_with(0);
                path
            };
            let (ours, theirs) = (twin("ours"), twin("theirs"));
            sandbox.set("RESTIC_JOB_ARGS", words).set("RESTIC_REPOSITORY", ours).run(&["backup"]).ends_with(0);
            sandbox.set("RESTIC_REPOSITORY", theirs);
            let words: Vec<&str> = words.split_whitespace().collect();
            let words = [&["backup", "--tag=automated"], &*words, &[&*data]].concat();
            let told = comparable(&sandbox.redacted(&sandbox.restic(&words).ends_with(0).stdout), packed);
            let log = engine_lines(&sandbox.redacted(&sandbox.log("backup"))).join("\n");
            assert_eq!(comparable(&log, packed), told, "{words:?}");
            assert_eq!(told.len(), lines, "{words:?}: {told:#?}");
        }
    }
}

/// The lines on what was saved, without sizes that depend on the folders above; where restic looked, and what it opened,
/// is not compared.
fn comparable(text: &str, packed: bool) -> Vec<String> {
    const LINES: [&str; 7] = ["Files:", "Dirs:", "Data Blobs:", "Tree Blobs:", "Added to", "processed ", "snapshot "];
    let is_item = |line: &str| ["new ", "modified ", "unchanged "].iter().any(|start| line.starts_with(start));
    let mut lines: Vec<String> = text
        .lines()
        .filter(|line| LINES.iter().any(|start| line.starts_with(start)) || is_item(line) && line.contains("$T/data/"))
        .map(|line| {
            // 0.14 does not tell a program how much was stored.
            let line = if packed { line } else { line.split(" (").next().unwrap_or(line).trim_end() };
            match line {
                _ if line.starts_with("Added") => line.replace(|c: char| c.is_ascii_digit(), "").replace(" B", " KiB"),
                _ if is_item(line) => line.split(", saved in").next().unwrap_or(line).to_owned(),
                _ => line.to_owned(),
            }
        })
        .collect();
    // Files are saved side by side.
    lines.sort();
    lines
}

#[test]
fn the_snapshot_is_the_one_that_the_summary_and_the_post_hook_name() {
    for mut sandbox in Sandbox::with_each_repository() {
        sandbox.set("RESTIC_TAG", "daily");
        sandbox.hook("post-backup.sh", "echo $RUN_SNAPSHOT >> $T/notes");
        sandbox.run(&["backup"]).ends_with(0);
        fs::write(sandbox.path("data/two.txt"), "two\n").expect("can be written");
        sandbox.run(&["backup"]).ends_with(0);
        let snapshots = sandbox.snapshots();
        assert_eq!(snapshots.len(), 2);
        let last = &snapshots[1];
        assert_eq!(last["tags"], serde_json::json!(["daily"]));
        assert_eq!(last["paths"], serde_json::json!([sandbox.path("data")]));
        let summary = sandbox.summary("backup");
        assert_eq!(summary["snapshot_id"], last["short_id"]);
        let told = sandbox.notes().lines().last().expect("ran").to_owned();
        let id = last["id"].as_str().expect("is text");
        let length = if sandbox.restic_version() >= (0, 16) { 64 } else { 8 };
        assert_eq!(told, id[..length]);
        let counts =
            ["files_new", "files_changed", "files_unmodified"].map(|key| summary[key].as_str().expect("is text"));
        assert_eq!(counts, ["1", "0", "1"]);
        assert_eq!((&summary["restic_tag"], &summary["stats"]["files_new"]), (&"daily".into(), &1.into()));
        assert!(summary["bytes_added"].as_str().is_some_and(|size| size.ends_with(" B") || size.ends_with("iB")));
        assert_eq!(summary["bytes_stored"].is_string(), sandbox.restic_version() >= (0, 17), "{summary}");
        assert!(sandbox.log("backup").lines().any(|line| line == "using parent snapshot"), "{}", sandbox.log("backup"));
    }
}

#[test]
fn words_with_quotes_and_newlines_reach_restic_as_they_are_meant() {
    let mut sandbox = Sandbox::with_repository();
    for (folder, file) in [("My Files", "secret.txt"), ("kept", "a.txt")] {
        fs::create_dir(sandbox.path("data").join(folder)).expect("can be made");
        fs::write(sandbox.path("data").join(folder).join(file), "x").expect("can be written");
    }
    sandbox.set("RESTIC_JOB_ARGS", "--exclude \"My Files\"\n--tag='two words'\n\n  --exclude one\\.txt ");
    sandbox.run(&["backup"]).ends_with(0);
    let snapshots = sandbox.snapshots();
    assert_eq!(snapshots[0]["tags"], serde_json::json!(["two words", "automated"]));
    let saved = sandbox.redacted(&sandbox.restic(&["ls", "latest"]).ends_with(0).stdout);
    let saved: Vec<&str> = saved.lines().filter_map(|line| line.strip_prefix("$T/data")).collect();
    // The backslash before the dot has come through to restic, for which it means the dot itself.
    assert_eq!(saved, ["", "/kept", "/kept/a.txt"]);
}

#[test]
fn json_in_the_words_puts_the_raw_lines_into_the_log() {
    for mut sandbox in Sandbox::with_each_repository() {
        sandbox.set("RESTIC_JOB_ARGS", "--json");
        sandbox.run(&["backup"]).ends_with(0);
        let lines = engine_lines(&sandbox.log("backup"));
        let messages: Vec<serde_json::Value> =
            lines.iter().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
        let last = messages.last().expect("something was said");
        assert_eq!((&last["message_type"], &last["files_new"]), (&"summary".into(), &1.into()));
        assert_eq!(sandbox.summary("backup")["files_new"], "1");
    }
}

#[test]
fn a_quiet_backup_is_silent_and_counted_all_the_same() {
    for mut sandbox in Sandbox::with_each_repository() {
        sandbox.set("RESTIC_JOB_ARGS", "-q");
        sandbox.run(&["backup"]).ends_with(0);
        assert_eq!(engine_lines(&sandbox.log("backup")), [""; 0]);
        let summary = sandbox.summary("backup");
        assert_eq!(
            (&summary["files_new"], &summary["snapshot_id"]),
            (&"1".into(), &sandbox.snapshots()[0]["short_id"])
        );
    }
}

#[test]
fn what_is_saved_is_said_for_each_kind_of_source() {
    let mut sandbox = Sandbox::with_repository();
    let data = sandbox.path("data").display().to_string();
    sandbox.unset("BACKUP_ROOT_DIR").set("RESTIC_JOB_ARGS", data);
    let out = sandbox.run(&["backup"]).ends_with(0).stdout;
    assert_in_order(
        &out,
        &["🔄 Starting Backup at ", "📦 Performing backup using RESTIC_JOB_ARGS...", "✅ Backup Successful"],
    );
    assert_eq!(sandbox.summary("backup")["backup_root_dir"], "");

    sandbox.unset("RESTIC_JOB_ARGS");
    let out = sandbox.run(&["backup"]).ends_with(1).stdout;
    assert_in_order(
        &out,
        &[
            "⚠️ WARNING: BACKUP_ROOT_DIR and RESTIC_JOB_ARGS are both empty",
            "📦 Performing backup with restic defaults...",
            "❌ Backup Failed with Status 1",
        ],
    );
    assert_eq!(sandbox.snapshots().len(), 1);
}

#[test]
fn the_time_of_a_pre_hook_is_none_of_the_backups() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-backup.sh", "sleep 2; date +%s > $T/ended");
    sandbox.run(&["backup"]).ends_with(0);
    let ended: i64 = fs::read_to_string(sandbox.path("ended")).expect("ran").trim().parse().expect("a number");
    let summary = sandbox.summary("backup");
    let started = summary["started_at"].as_str().expect("is text");
    let started = chrono::DateTime::parse_from_str(started, "%Y-%m-%dT%H:%M:%S%z").expect("a time").timestamp();
    assert!(started >= ended, "the clock ran during the pre hook: {summary}");
    let order = sandbox.log("backup");
    assert_in_order(&order, &["✅ Hook pre-backup completed in 2s (exit 0)", "🔄 Starting Backup at "]);
}

#[test]
fn restic_is_started_no_more_often_than_the_work_needs() {
    let mut sandbox = Sandbox::new();
    write_executable(
        &sandbox.path("bin/restic"),
        "#!/bin/sh\n# A stand-in that notes every start.\necho \"$*\" >> \"$LOG_DIR/../engine.log\"\n\
         [ \"$1\" = version ] && echo 'restic 0.18.0 compiled with go1.24 on linux/amd64'\n\
         case \"$*\" in *--no-such-flag*) exit 1 ;; esac\nexit 0\n",
    );
    let data = sandbox.path("data").display().to_string();
    let backup = format!("backup --json --tag=automated {data}");
    let starts_of = |sandbox: &mut Sandbox, job: &str, code: i32| {
        let _ = fs::remove_file(sandbox.path("engine.log"));
        sandbox.run(&[job]).ends_with(code);
        let log = sandbox.engine_log();
        log.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(starts_of(&mut sandbox, "backup", 0), [backup.as_str()]);
    sandbox.set("RESTIC_FORGET_ARGS", "--keep-last 3");
    assert_eq!(starts_of(&mut sandbox, "backup", 0), [backup.as_str(), "forget --keep-last 3"]);
    assert_eq!(starts_of(&mut sandbox, "forget", 0), ["forget --keep-last 3"]);
    assert_eq!(starts_of(&mut sandbox, "check", 0), ["check"]);
    assert_eq!(starts_of(&mut sandbox, "prune", 0), ["prune"]);
    sandbox.set("RESTIC_CHECK_ARGS", "--no-such-flag").set("RESTIC_AUTO_UNLOCK", "yes");
    // Whose locks they are is looked at before restic tests them by a signal.
    let unlocked = ["check --no-such-flag", "list locks --no-lock --no-cache", "unlock"];
    assert_eq!(starts_of(&mut sandbox, "check", 1), unlocked);
    let authorities = sandbox.path("data/one.txt").display().to_string();
    sandbox.set("RESTIC_CACERT", authorities.clone());
    assert_eq!(starts_of(&mut sandbox, "prune", 0), [format!("--cacert {authorities} prune")]);
}

#[test]
fn the_version_of_restic_is_asked_for_once_at_most() {
    let sandbox = Sandbox::with_repository();
    let real = sandbox.run_program("sh", &["-c", "command -v restic"]).ends_with(0).stdout;
    let script = format!("#!/bin/sh\necho \"$1\" >> \"$LOG_DIR/../engine.log\"\nexec {} \"$@\"\n", real.trim());
    write_executable(&sandbox.path("bin/restic"), &script);
    for job in ["backup", "check", "prune", "backup"] {
        sandbox.run(&[job]).ends_with(0);
    }
    for _ in 0..2 {
        sandbox.run(&["restore", "--yes", "--host", "", "--verify", "--force"]).ends_with(0);
        sandbox.run(&["restore", "--yes", "--host", "", "--dry-run", "--force"]);
    }
    let log = sandbox.engine_log();
    assert!(log.lines().filter(|word| *word == "version").count() <= 1, "{log}");
    assert!(log.lines().any(|word| word == "backup") && log.lines().any(|word| word == "restore"), "{log}");
}

#[test]
fn the_host_is_hostname_and_the_times_are_local() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("HOSTNAME", "node-b").set("TZ", "XYZ-5:30");
    sandbox
        .hook("pre-backup.sh", "date '+%Y-%m-%d %a %H:%M' > $T/clock; LC_ALL=C date '+%Y-%m-%d %a %H:%M' > $T/clock");
    sandbox.run(&["backup"]).ends_with(0);
    let summary = sandbox.summary("backup");
    assert_eq!(summary["hostname"], "node-b");
    for key in ["started_at", "finished_at", "last_success_at"] {
        assert!(
            summary[key].as_str().is_some_and(|time| time.ends_with("+0530") && time.len() == 24),
            "{key}: {summary}"
        );
    }
    let log = sandbox.log("backup");
    let line = log.lines().find_map(|line| line.strip_prefix("🔄 Starting Backup at ")).expect("is there");
    let clock = fs::read_to_string(sandbox.path("clock")).expect("ran");
    // The minute may have passed in between.
    assert_eq!(line[..14], clock[..14], "{line} {clock}");
    let hour_and_minute = |text: &str| {
        let mut parts = text[15..20].split(':').map(|part| part.parse::<i32>().expect("a number"));
        parts.next().expect("hour") * 60 + parts.next().expect("minute")
    };
    assert!((0..=1).contains(&(hour_and_minute(line) - hour_and_minute(&clock)).rem_euclid(1440)), "{line} {clock}");

    sandbox.unset("HOSTNAME").run(&["backup"]).ends_with(0);
    let own = sandbox.run_program("uname", &["-n"]).stdout;
    assert_eq!(sandbox.summary("backup")["hostname"], own.trim());
}
