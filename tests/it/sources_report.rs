//! `sources-report`, through the real binary on real folders (contract: operator commands, section 8 and weakness 17).

use crate::support::{BOATHOOK, Sandbox, assert_in_order, wait_for};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::symlink;

/// A tree with six files of 63 bytes.
fn with_tree() -> Sandbox {
    let sandbox = Sandbox::new();
    for (file, length) in [("data/a/two", 2), ("data/a/b/three", 3), ("data/a/b/deep/four", 4), ("data/x.o", 50)] {
        let path = sandbox.path(file);
        fs::create_dir_all(path.parent().expect("has one")).expect("can be made");
        fs::write(path, vec![b'x'; length]).expect("can be written");
    }
    fs::write(sandbox.path("data/empty"), "").expect("can be written");
    sandbox
}

fn at(sandbox: &Sandbox, part: &str) -> String {
    sandbox.path(part).display().to_string()
}

#[track_caller]
fn totals(sandbox: &Sandbox) -> (String, String, String) {
    let summary = sandbox.summary("sources-report");
    let text = |key: &str| summary[key].as_str().unwrap_or_else(|| panic!("{key} is no text")).to_owned();
    (text("total_files"), text("total_bytes"), text("errors_count"))
}

fn three(files: &str, bytes: &str, errors: &str) -> (String, String, String) {
    (files.into(), bytes.into(), errors.into())
}

/// Smoke test (section 13), steps, scope block, tables, totals line, keys in their order, arrays behind `exit_code`.
#[test]
fn the_report_is_the_contracts() {
    let mut sandbox = with_tree();
    fs::write(sandbox.path("excludes"), "# c\n\n  *.o\nkeep").expect("can be written");
    fs::write(sandbox.path("list"), format!("{}\n/no/such/place", at(&sandbox, "data/a"))).expect("can be written");
    let words = format!("--exclude-file {} --files-from={}", at(&sandbox, "excludes"), at(&sandbox, "list"));
    sandbox.set("RESTIC_JOB_ARGS", &*words).set("RESTIC_BACKUP_HELPER_RELEASE", "9.8.7");
    let out = sandbox.run(&["sources-report", "--depth=2"]).ends_with(0).stdout;
    let data = at(&sandbox, "data");
    let log = at(&sandbox, "log/sources-report-last.log");
    assert_in_order(
        &out,
        &[
            "📋 Starting sources report at 2",
            "Release:            9.8.7",
            &format!("Repository:         {}", at(&sandbox, "repo")),
            &format!("BACKUP_ROOT_DIR:    {data}"),
            &format!("RESTIC_JOB_ARGS:    {words}"),
            "Mode:               count and size",
            "Depth limit:        2",
            "📂 Scope:",
            "  Sources:          1",
            "  Files-from lists: 1",
            "  Exclude files:    1",
            &format!("🔎 Sizing {data} ..."),
            "Source inventory:",
            &format!("{:<48} READABLE  TYPE ", "PATH"),
            &format!("{:<48} true      directory           3         13 B", data.chars().take(48).collect::<String>()),
            "--files-from inventory:",
            &format!("{:<48} READABLE     LINES  MISSING_ENTRIES", "PATH"),
            "    ❌ missing: /no/such/place",
            "--exclude-file inventory:",
            &format!("{:<48} READABLE  PATTERNS", "PATH"),
            "Totals: 1 source(s), 1 files-from, 1 exclude-file(s), 4 files, 13 B (13 bytes), 1 error(s).",
            &format!("⚠️ Sources report completed with 1 unreadable / missing entry. Inspect {log}."),
            "🏁 Finished sources report at 2",
        ],
    );
    let text = fs::read_to_string(sandbox.path("log/last-sources-report.json")).expect("is written");
    let keys = [
        "duration_seconds",
        "backup_root_dir",
        "sources_count",
        "files_from_count",
        "exclude_files_count",
        "total_files",
        "total_bytes",
        "errors_count",
        "no_size",
        "depth_limit",
        "exit_code",
        "sources",
        "files_from",
        "exclude_files",
    ];
    let keys: Vec<String> = keys.iter().map(|key| format!("  \"{key}\": ")).collect();
    assert_in_order(&text, &keys.iter().map(String::as_str).collect::<Vec<_>>());
    let summary = sandbox.summary("sources-report");
    assert_eq!((&summary["no_size"], &summary["depth_limit"]), (&json!("OFF"), &json!("2")));
    // `four` lies three levels below the source, and two below the entry of the list: it is counted there.
    let source = &summary["sources"][0];
    assert_eq!(
        (&source["path"], &source["readable"], &source["type"]),
        (&json!(data), &json!(true), &json!("directory"))
    );
    assert_eq!((&source["files"], &source["bytes"]), (&json!(4 - 1), &json!(13)));
    let list = &summary["files_from"][0];
    assert_eq!((&list["readable"], &list["lines"], &list["missing_entries"]), (&json!(true), &json!(2), &json!(1)));
    let exclude = &summary["exclude_files"][0];
    assert_eq!((&exclude["readable"], &exclude["patterns"]), (&json!(true), &json!(2)));
    assert_eq!(summary["stats"]["entries_excluded"], json!(1));
}

/// "No restic call, no credentials needed."
#[test]
fn neither_repository_nor_password_nor_engine_is_needed() {
    let mut sandbox = with_tree();
    crate::support::write_executable(
        &sandbox.path("bin/restic"),
        "#!/bin/sh\necho \"$@\" >> \"$LOG_DIR/../engine.log\"\nexit 9\n",
    );
    sandbox.unset("RESTIC_REPOSITORY").unset("RESTIC_PASSWORD");
    let out = sandbox.run(&["sources-report"]).ends_with(0).stdout;
    assert!(out.contains("✅ Sources report completed cleanly ("), "{out}");
    assert!(out.contains("Repository:         (empty)"), "{out}");
    assert_eq!(sandbox.engine_log(), "");
    assert_eq!(totals(&sandbox), three("6", "63", "0"));
}

/// `--no-size`: no walk, `skipped`, -1; what is there is still looked at.
#[test]
fn without_sizes_nothing_is_walked() {
    let sandbox = with_tree();
    let missing = at(&sandbox, "gone");
    let out = sandbox.run(&["sources-report", "--no-size", "--source", &missing]).ends_with(0).stdout;
    assert!(out.lines().any(|line| line.ends_with("true      directory     skipped      skipped")), "{out}");
    assert!(!out.contains("Sizing"), "{out}");
    let summary = sandbox.summary("sources-report");
    assert_eq!((&summary["sources"][0]["files"], &summary["sources"][0]["bytes"]), (&json!(-1), &json!(-1)));
    assert_eq!((&summary["sources"][1]["type"], &summary["no_size"]), (&json!("missing"), &json!("ON")));
    assert_eq!(totals(&sandbox), three("0", "0", "1"));
    let line = "Totals: 2 source(s), 0 files-from, 0 exclude-file(s), size and files not counted, 1 error(s).";
    assert!(out.lines().any(|found| found == line), "{out}");
    let out = sandbox.run(&["sources-report", "--no-size"]).ends_with(0).stdout;
    assert!(out.contains("completed cleanly (") && !out.contains(" 0 B"), "{out}");
    assert_eq!(out.matches("size and files not counted").count(), 2, "{out}");
}

/// Exit 2, recorded, with the tail of a run; bad flags are not recorded.
#[test]
fn nothing_to_report_on_and_words_that_restic_refuses_are_configuration_errors() {
    let mut sandbox = with_tree();
    sandbox.hook("post-sources-report.sh", "echo post $1 >> $T/notes");
    let data = at(&sandbox, "data");
    for (root, words, reason) in [
        ("", "", "no source"),
        ("", "--exclude x", "no source"),
        (&*data, "--exclude 'a", "RESTIC_JOB_ARGS"),
        (&*data, "--exclude a[", "not well-formed"),
        (&*data, "--exclude-larger-than=big", "is no size"),
        (&*data, "--exclude-if-present :x", "names no file"),
    ] {
        let _ = fs::remove_file(sandbox.path("notes"));
        sandbox.set("BACKUP_ROOT_DIR", root).set("RESTIC_JOB_ARGS", words);
        let out = sandbox.run(&["sources-report"]).ends_with(2).all();
        assert!(out.contains("❌") && out.contains(reason), "{words}: {out}");
        let summary = sandbox.summary("sources-report");
        assert_eq!((&summary["exit_code"], &summary["sources"]), (&json!(2), &json!([])), "{words}");
        assert!(summary["reason"].as_str().is_some_and(|told| told.contains(reason)), "{summary:#}");
        assert_eq!(sandbox.notes(), "post 2\n", "{words}");
    }
    fs::remove_file(sandbox.path("log/last-sources-report.json")).expect("is there");
    for words in [&["--depth", "0"][..], &["--depth"], &["--source"], &["--files-from="]] {
        let finished = sandbox.run(&[&["sources-report"], words].concat()).ends_with(2);
        assert_eq!(finished.stdout, "");
        assert!(!finished.stderr.is_empty());
    }
    assert!(!sandbox.path("log/last-sources-report.json").exists());
}

/// Weakness 17: errors never abort it, an unreadable part is never a silent 0. Also the metrics of `errors_count`
/// (section 1.7, "docs differ").
#[test]
fn what_cannot_be_read_is_counted_and_named() {
    let mut sandbox = with_tree();
    if !nix::unistd::geteuid().is_root() {
        return println!("skipped: cannot become another user without being root");
    }
    for name in 0..7 {
        let folder = sandbox.path(format!("data/a/locked{name}"));
        fs::create_dir(&folder).expect("can be made");
        fs::write(folder.join("hidden"), "hidden").expect("can be written");
    }
    fs::write(sandbox.path("data/private"), "private").expect("can be written");
    sandbox.set("METRICS_DIR", at(&sandbox, "metrics"));
    fs::create_dir(sandbox.path("metrics")).expect("can be made");
    let base = at(&sandbox, "");
    let script = format!(
        "chmod 0 '{base}data/private' '{base}'data/a/locked* && chown -R 65534 '{base}' && \
         exec setpriv --reuid=65534 --clear-groups '{BOATHOOK}' sources-report"
    );
    let out = sandbox.run_program("sh", &["-c", &script]).ends_with(0).stdout;
    assert_eq!(totals(&sandbox), three("6", "63", "8"));
    let row = &sandbox.summary("sources-report")["sources"][0];
    assert_eq!((&row["errors"], row["unreadable"].as_array().map(Vec::len)), (&json!(8), Some(5)));
    let first = format!("{base}data/a/locked0");
    assert_eq!(row["unreadable"][0], json!({"path": first, "reason": "Permission denied"}));
    assert!(out.contains(&format!("    ❌ {first}: Permission denied")), "{out}");
    assert!(out.contains("    ... and 3 more."), "{out}");
    assert!(out.contains("completed with 8 unreadable / missing entries"), "{out}");
    let metrics = fs::read_to_string(sandbox.path("metrics/restic_sources_report.prom")).expect("is written");
    assert!(metrics.contains("restic_sources_report_last_errors_count{hostname=\"test-host\"} 8"), "{metrics}");
    assert!(metrics.contains("restic_sources_report_last_total_bytes{hostname=\"test-host\"} 63"), "{metrics}");
}

/// A missing source is one error, and the others are reported.
#[test]
fn a_missing_source_does_not_end_the_report() {
    let mut sandbox = with_tree();
    let gone = at(&sandbox, "gone");
    sandbox.set("RESTIC_JOB_ARGS", &*gone);
    sandbox.run(&["sources-report"]).ends_with(0);
    let summary = sandbox.summary("sources-report");
    assert_eq!(
        (&summary["sources"][1]["type"], &summary["sources"][1]["readable"]),
        (&json!("missing"), &json!(false))
    );
    assert_eq!(totals(&sandbox), three("6", "63", "1"));
}

/// Weakness 17: overlapping sources were counted twice.
#[test]
fn overlapping_sources_are_counted_once() {
    let mut sandbox = with_tree();
    let (a, b) = (at(&sandbox, "data/a"), at(&sandbox, "data/a/b"));
    sandbox.set("RESTIC_JOB_ARGS", format!("{a} {b}/"));
    let out = sandbox.run(&["sources-report", "--source", &format!("{a}//")]).ends_with(0).stdout;
    let files: Vec<Value> = sandbox.summary("sources-report")["sources"]
        .as_array()
        .expect("is a list")
        .iter()
        .map(|row| row["files"].clone())
        .collect();
    assert_eq!(files, [json!(6), json!(3), json!(2)]);
    assert_eq!(totals(&sandbox), three("6", "63", "0"));
    assert!(out.contains(&format!("lies within {}", at(&sandbox, "data"))), "{out}");
}

/// Weakness 17: a symlinked source reported 0 files and said nothing. restic saves the link alone, so 0 is right.
#[test]
fn a_source_that_is_a_link_says_that_only_the_link_is_saved() {
    let mut sandbox = with_tree();
    let link = at(&sandbox, "link");
    symlink(sandbox.path("data"), &link).expect("can be linked");
    sandbox.set("BACKUP_ROOT_DIR", format!("{link}/"));
    let out = sandbox.run(&["sources-report"]).ends_with(0).stdout;
    assert!(out.contains(&format!("is a link to {}", at(&sandbox, "data"))), "{out}");
    assert_eq!(sandbox.summary("sources-report")["sources"][0]["type"], json!("symlink"));
    assert_eq!(totals(&sandbox), three("0", "0", "0"));
}

/// One place under two names is reported once; what pre hooks hand on counts.
#[test]
fn the_root_of_a_pre_hook_counts_and_the_same_place_is_reported_once() {
    let sandbox = with_tree();
    symlink(sandbox.path("data"), sandbox.path("alias")).expect("can be linked");
    sandbox.hook("pre-sources-report.sh", "echo BACKUP_ROOT_DIR=$T/data/a >> $HOOK_OUTPUT");
    let again = at(&sandbox, "alias/a");
    let out = sandbox.run(&["sources-report", "--source", &again]).ends_with(0).stdout;
    let summary = sandbox.summary("sources-report");
    assert_eq!((&summary["backup_root_dir"], &summary["sources_count"]), (&json!(at(&sandbox, "data/a")), &json!("1")));
    assert_eq!(totals(&sandbox), three("3", "9", "0"));
    assert!(out.contains("is the same place as"), "{out}");
}

/// A source that the rules leave out as a whole says so.
#[test]
fn a_source_that_is_left_out_says_so() {
    let mut sandbox = with_tree();
    sandbox.set("RESTIC_JOB_ARGS", "--exclude data");
    let out = sandbox.run(&["sources-report"]).ends_with(0).stdout;
    assert!(out.contains("is left out as a whole"), "{out}");
    assert_eq!(totals(&sandbox), three("0", "0", "0"));
}

/// Weakness 17: a last line without newline, indented comments, patterns, NUL lists.
#[test]
fn every_kind_of_list_is_understood() {
    let mut sandbox = with_tree();
    let data = at(&sandbox, "data");
    fs::write(sandbox.path("patterns"), format!("  # c\n{data}/*.o\n{data}/none*\n{data}/gone")).expect("fits");
    fs::write(sandbox.path("verbatim"), format!("{data}/empty\n#no comment")).expect("fits");
    fs::write(sandbox.path("raw"), format!("{data}/a/two\0{data}/missing\0")).expect("fits");
    let file = |name: &str| at(&sandbox, name);
    let words = format!(
        "--files-from {} --files-from-verbatim={} --files-from-raw {} --files-from {}",
        file("patterns"),
        file("verbatim"),
        file("raw"),
        file("no-such-list")
    );
    sandbox.set("BACKUP_ROOT_DIR", "").set("RESTIC_JOB_ARGS", words);
    sandbox.run(&["sources-report"]).ends_with(0);
    let rows = sandbox.summary("sources-report")["files_from"].clone();
    let of = |row: &Value| ["readable", "lines", "missing_entries", "files"].map(|key| row[key].clone());
    assert_eq!(of(&rows[0]), [json!(true), json!(3), json!(2), json!(1)]);
    assert_eq!(of(&rows[1]), [json!(false), json!(0), json!(0), json!(0)]);
    assert_eq!(of(&rows[2]), [json!(true), json!(2), json!(1), json!(1)]);
    assert_eq!(of(&rows[3]), [json!(true), json!(2), json!(1), json!(1)]);
    // Two entries, one entry, one entry; and a list that cannot be read.
    assert_eq!(totals(&sandbox), three("3", "52", "5"));
}

/// restic leaves out its cache (0.14 and 0.18), wherever it is said to be.
#[test]
fn restics_own_cache_is_left_out() {
    for mut sandbox in Sandbox::with_each_repository() {
        let cache = at(&sandbox, "data/cache");
        sandbox.set("RESTIC_CACHE_DIR", &*cache);
        sandbox.run(&["backup"]).ends_with(0);
        assert!(sandbox.path("data/cache").is_dir());
        sandbox.run(&["sources-report"]).ends_with(0);
        assert_eq!(totals(&sandbox), three("1", "4", "0"));
        let counted = sandbox.summary("backup")["stats"]["files_processed"].clone();
        assert_eq!(counted, json!(1));
    }
}

/// An interrupted report has no totals that could be taken for real ones. (That a stop ends the walk is tested beside it.)
#[test]
fn an_interrupted_report_has_no_totals() {
    let sandbox = with_tree();
    sandbox.hook("pre-sources-report.sh", "echo x > $T/started; exec sleep 1000");
    let running = sandbox.start(&["sources-report"]);
    wait_for("the hook", || sandbox.path("started").exists().then_some(()));
    running.signal(15);
    running.finish().ends_with(143);
    let summary = sandbox.summary("sources-report");
    assert_eq!((&summary["status"], summary.get("total_files")), (&json!("interrupted"), None));
    assert_eq!(summary["depth_limit"], json!("unlimited"));
}
