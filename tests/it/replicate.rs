//! `replicate`: the job file, rclone's command lines, what is said and reported. With the real rclone.

use crate::support::{BOATHOOK, Sandbox, assert_in_order, write_executable};
use crate::terminal::AtTerminal;
use crate::with_rclone::{before_rclone, calls, read, sandbox, write, write_jobs};
use std::fs;
use std::os::unix::fs::symlink;

#[test]
fn sync_and_copy_go_one_way_each_in_its_words() {
    let mut sandbox = sandbox("$T/a;$T/b;sync;--exclude 'a b'\n$T/a;$T/c;COPY\n");
    sandbox.set("REPLICATE_JOB_ARGS", "--exclude x");
    for (file, text) in [("a/one", "1"), ("a/x", "2"), ("a/a b", "3"), ("b/gone", "4"), ("c/stays", "5")] {
        write(&sandbox, file, text);
    }
    let out = sandbox.run(&["replicate"]).ends_with(0).stdout;
    assert_eq!(calls(&sandbox), ["sync $T/a $T/b --exclude x --exclude a b", "copy $T/a $T/c --exclude x"]);
    let (a, b, c) = (sandbox.path("a"), sandbox.path("b"), sandbox.path("c"));
    let lines = [
        "ℹ️ Hook pre-replicate not found".to_owned(),
        "🔄 Starting Replicate at ".to_owned(),
        format!("➡️ Performing sync of {} -> {}...", a.display(), b.display()),
        "✅ Sync Successful".to_owned(),
        "🏁 Finished sync at ".to_owned(),
        format!("📥 Performing copy of {} -> {}...", a.display(), c.display()),
        "✅ Copy Successful".to_owned(),
        "🏁 Finished copy at ".to_owned(),
        "ℹ️ Hook post-replicate not found".to_owned(),
        format!("  ✅ 1 {} -> {}", a.display(), b.display()),
    ];
    assert_in_order(&out, &lines.each_ref().map(String::as_str));
    let header = ["RELEASE: ", "REPLICATE_CRON: ", "REPLICATE_JOB_FILE: ", "REPLICATE_JOB_ARGS: --exclude x"];
    assert_in_order(&sandbox.log("replicate"), &header);
    assert!(!out.contains("REPLICATE_JOB_FILE: "), "the header is for the log alone");
    assert_in_order(&sandbox.log("replicate"), &["Finished sync at ", "Finished copy at "]);
    assert!(sandbox.path("b/one").exists() && !sandbox.path("b/gone").exists() && !sandbox.path("b/a b").exists());
    assert!(sandbox.path("c/stays").exists() && sandbox.path("c/a b").exists() && !sandbox.path("c/x").exists());
    let summary = sandbox.summary("replicate");
    assert_eq!(summary["replicate_jobs_processed"], "2");
    assert_eq!(summary["replicate_jobs_failed"], "0");
    assert_eq!(summary["jobs"][0]["files_transferred"], 1);
    assert_eq!(summary["jobs"][0]["bytes_transferred"], 1);
    assert_eq!((&summary["jobs"][1]["mode"], &summary["jobs"][1]["status"]), (&"copy".into(), &"completed".into()));
    assert_eq!(summary["stats"]["files_transferred"], 3);
    let text = read(&sandbox, "log/last-replicate.json");
    assert_eq!(text.lines().filter(|line| line.contains("\"mode\"")).count(), 2, "one job a line:\n{text}");
    assert!(!sandbox.log("replicate").contains("Transferred:"), "nobody asked for statistics in the log");
}

#[test]
fn lines_are_read_however_they_are_written() {
    let jobs = "\u{feff}# a comment\r\n  # another; indented\r\n \t \r\n\r\n $T/a ; $T/b ; Copy \r\n$T/a;$T/c;copy";
    let sandbox = sandbox(jobs);
    write(&sandbox, "a/one", "1");
    sandbox.run(&["replicate"]).ends_with(0);
    assert_eq!(calls(&sandbox), ["copy $T/a $T/b", "copy $T/a $T/c"]);
    assert_eq!(sandbox.summary("replicate")["replicate_jobs_processed"], "2");
}

#[test]
fn a_line_that_is_no_job_is_2_and_the_others_run() {
    let sandbox = sandbox("$T/a\n$T/a;$T/b;move\n$T/a;$T/b;copy\n");
    sandbox.hook("post-replicate.sh", "echo post $1 $RUN_STATUS >> $T/notes");
    write(&sandbox, "a/one", "1");
    let out = sandbox.run(&["replicate"]).ends_with(2).stdout;
    let (a, b) = (sandbox.path("a"), sandbox.path("b"));
    assert!(out.contains(&format!("⚠️ Invalid line: {} (the destination is empty)", a.display())), "{out}");
    let line = format!(
        "⚠️ Invalid replicate mode 'move' for line: {};{};move (allowed: bisync, sync, copy). Skipping.",
        a.display(),
        b.display()
    );
    assert!(out.lines().any(|found| found == line), "{out}");
    assert_eq!(read(&sandbox, "b/one"), "1");
    let summary = sandbox.summary("replicate");
    assert_eq!((&summary["replicate_jobs_processed"], &summary["replicate_jobs_failed"]), (&"3".into(), &"2".into()));
    assert_eq!(summary["jobs"][0]["line"], a.display().to_string());
    assert!(sandbox.error_log("replicate").is_some());
    assert_eq!(sandbox.notes(), "post 2 failure\n");
}

#[test]
fn a_job_file_that_is_none_goes_through_the_whole_run() {
    for (jobs, line) in [
        (None, "❌ The replicate job file is empty or does not exist"),
        (Some(""), "❌ The replicate job file is empty or does not exist"),
        (Some("# jobs\n/a /b\n"), "❌ The replicate job file does not contain semicolons for separation"),
    ] {
        let sandbox = sandbox("");
        match jobs {
            Some(jobs) => write_jobs(&sandbox, jobs),
            None => fs::remove_file(sandbox.path("config/replicate_jobs.txt")).expect("is there"),
        }
        sandbox.hook("pre-replicate.sh", "echo pre >> $T/notes");
        sandbox.hook("post-replicate.sh", "echo post $1 >> $T/notes");
        let out = sandbox.run(&["replicate"]).ends_with(1).stdout;
        assert!(out.lines().any(|found| found == line), "{out}");
        let summary = sandbox.summary("replicate");
        assert_eq!((&summary["exit_code"], &summary["replicate_jobs_processed"]), (&1.into(), &"0".into()));
        assert_eq!((&summary["status"], &summary["replicate_jobs_failed"]), (&"failure".into(), &"0".into()));
        assert_eq!(sandbox.notes(), "pre\npost 1\n");
        assert_eq!(calls(&sandbox), [""; 0]);
    }
}

#[test]
fn a_job_file_that_cannot_be_read_is_named() {
    let mut sandbox = sandbox("");
    let folder = sandbox.path("config").display().to_string();
    let out = sandbox.set("REPLICATE_JOB_FILE", folder.clone()).run(&["replicate"]).ends_with(1).stdout;
    assert!(out.contains(&format!("❌ The replicate job file cannot be read: {folder} is not a file")), "{out}");
}

#[test]
fn rclones_own_code_passes_through_and_the_first_one_counts() {
    let sandbox = sandbox("$T/none;$T/b;sync;--retries 1\n$T/a;nowhere:x;copy\n$T/a;$T/b;copy\n");
    write(&sandbox, "a/one", "1");
    let out = sandbox.run(&["replicate"]).ends_with(3).stdout;
    assert!(out.contains("❌ Sync Failed with Status 3") && out.contains("❌ Copy Failed with Status 1"), "{out}");
    assert_eq!(read(&sandbox, "b/one"), "1", "the jobs behind it run");
    let summary = sandbox.summary("replicate");
    assert_eq!((&summary["jobs"][1]["exit_code"], &summary["jobs"][2]["exit_code"]), (&1.into(), &0.into()));
    let reason = summary["reason"].as_str().expect("is text");
    assert!(
        reason.contains("rclone ended with status 3: Failed to sync") && reason.ends_with("(and 1 more)"),
        "{reason}"
    );
}

#[test]
fn a_missing_rclone_is_named() {
    let mut sandbox = sandbox("$T/a;$T/b;copy\n");
    fs::remove_file(sandbox.path("bin/rclone")).expect("is there");
    let only = sandbox.path("bin").display().to_string();
    sandbox.set("PATH", only);
    let out = sandbox.run(&["replicate"]).ends_with(127).stdout;
    assert!(out.contains("❌ rclone not found in PATH"), "{out}");
}

#[test]
fn rclone_has_an_empty_standard_input() {
    let sandbox = sandbox("$T/a;$T/b;copy\n$T/a;$T/c;copy\n");
    before_rclone(&sandbox, "cat >> $T/input");
    sandbox.run(&["replicate"]).ends_with(0);
    assert_eq!((read(&sandbox, "input").as_str(), calls(&sandbox).len()), ("", 2));
}

#[test]
fn no_spelling_of_resync_reaches_rclone() {
    let mut sandbox = sandbox("$T/a;$T/b;;--resync;x -v1 --resync=true --resync-mode newer\n");
    sandbox.set("REPLICATE_JOB_ARGS", "-1 --fast-list --resync").set("RCLONE_RESYNC", "true");
    before_rclone(&sandbox, "echo \"variable:$RCLONE_RESYNC\" >> $T/variables");
    for file in ["a/one", "b/one"] {
        write(&sandbox, file, "1");
    }
    sandbox.run(&["replicate"]).ends_with(0);
    calls(&sandbox);
    let out = sandbox.run(&["replicate"]).ends_with(0).stdout;
    assert_eq!(calls(&sandbox), ["bisync $T/a $T/b --fast-list -v"]);
    assert!(read(&sandbox, "variables").lines().all(|line| line == "variable:"));
    for (words, place) in [
        ("-1 --resync", "REPLICATE_JOB_ARGS"),
        ("--resync;x -v1 --resync=true --resync-mode newer", "the job file"),
        ("RCLONE_RESYNC", "the environment"),
    ] {
        assert!(out.contains(&format!("⚠️ {words} in {place} is left out: ")), "{words} in\n{out}");
    }
}

#[test]
fn secrets_of_the_job_file_are_in_no_output() {
    let jobs = "$T/a;:s3,provider=Minio,access_key_id=m,secret_access_key=s3cret-five,endpoint=\"http://127.0.0.1:1\":x;move\n\
                $T/a;$T/b;move;--header 'X-Any: s3cret-six\n$T/a;$T/b;copy;--http-headers X-Any,s3cret-seven --nope\n:sftp,host=127.0.0.1,port=1,user=u,pass=s3cret-one:/x;$T/b;copy\n\
                https://u:s3cret-two@h.example/x;$T/b;move\n\
                $T/a;$T/b;copy;--header 'Authorization: Bearer s3cret-three' --ftp-pass=s3cret-four --nope\n";
    let mut sandbox = sandbox(jobs);
    before_rclone(&sandbox, "echo \"$@\"");
    for parallel in ["1", "3"] {
        let shown = sandbox.set("REPLICATE_PARALLEL", parallel).run(&["replicate"]).all();
        let all = format!("{shown}{}{}", sandbox.log("replicate"), read(&sandbox, "log/last-replicate.json"));
        assert!(!all.contains("s3cret"), "{all}");
        for part in ["pass=***:/x", "u:***@h.example/x;", "--ftp-pass=***"] {
            assert!(all.contains(part), "{part} is not in\n{all}");
        }
    }
}

#[test]
fn the_old_name_and_the_old_variables_work_and_say_so() {
    let mut sandbox = sandbox("");
    write(&sandbox, "a/one", "1");
    let old = sandbox.path("config/old.txt").display().to_string();
    let jobs = format!("{};{};copy\n", sandbox.path("a").display(), sandbox.path("b").display());
    fs::write(&old, jobs).expect("can be written");
    sandbox.set("SYNC_JOB_FILE", old);
    let link = sandbox.path("bin/bisync");
    symlink(BOATHOOK, &link).expect("can be linked");
    let out = sandbox.run_program(&link, &[]).ends_with(0).stdout;
    for line in [
        "⚠️ SYNC_JOB_FILE is deprecated; rename to REPLICATE_JOB_FILE (will be removed in 3.0.0).",
        "⚠️ /bin/bisync is deprecated; use /bin/replicate (compat alias will be removed in 3.0.0).",
    ] {
        for text in [&out, &sandbox.log("replicate")] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
    assert_eq!(read(&sandbox, "b/one"), "1");
    let out = sandbox.run(&["replicate"]).ends_with(0).stdout;
    assert!(!out.contains("/bin/bisync"), "{out}");
}

#[test]
fn without_verbose_only_errors_are_on_the_console() {
    let mut sandbox = sandbox("$T/none;$T/b;copy\n$T/a;$T/b;copy\n");
    for parallel in ["1", "2"] {
        sandbox.set("REPLICATE_VERBOSE", "off").set("REPLICATE_PARALLEL", parallel);
        let out = sandbox.run(&["replicate"]).ends_with(3).stdout;
        assert!(out.contains("❌ Copy Failed with Status 3"), "{out}");
        assert!(!out.contains("Performing copy") && !out.contains("Starting Replicate"), "{out}");
        let log = sandbox.log("replicate");
        assert!(log.contains("📥 Performing copy") && log.contains("✅ Copy Successful"), "{log}");
    }
}

#[test]
fn mail_is_sent_only_when_something_failed() {
    let mut sandbox = sandbox("$T/a;$T/b;copy\n");
    write_executable(&sandbox.path("bin/sendmail"), "#!/bin/sh\ngrep -i '^Subject:' >> \"$LOG_DIR/../subjects\"\n");
    sandbox.set("MAILX_RCPT", "ops@example.org").set("MAILX_ON_ERROR", "OFF");
    sandbox.run(&["replicate"]).ends_with(0);
    assert_eq!(read(&sandbox, "subjects"), "");
    write_jobs(&sandbox, "$T/a;$T/b;copy\n$T/none;$T/b;copy\n");
    sandbox.run(&["replicate"]).ends_with(3);
    let subjects = read(&sandbox, "subjects");
    assert!(subjects.contains("[FAIL 3] Replicate test-host") && subjects.lines().count() == 1, "{subjects}");
}

#[test]
fn metrics_have_the_counts() {
    let mut sandbox = sandbox("$T/a;$T/b;copy\n$T/none;$T/b;copy\n");
    let folder = sandbox.path("metrics").display().to_string();
    fs::create_dir(&folder).expect("can be made");
    sandbox.set("METRICS_DIR", folder).run(&["replicate"]).ends_with(3);
    let metrics = read(&sandbox, "metrics/restic_replicate.prom");
    for line in [
        "restic_replicate_last_replicate_jobs_processed{hostname=\"test-host\"} 2",
        "restic_replicate_last_replicate_jobs_failed{hostname=\"test-host\"} 1",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
    }
}

#[test]
fn whoever_asks_rclone_for_statistics_gets_them_in_the_log() {
    let sandbox = sandbox("$T/a;$T/b;copy;-v\n");
    write(&sandbox, "a/one", "1");
    sandbox.run(&["replicate"]).ends_with(0);
    let log = sandbox.log("replicate");
    assert_in_order(&log, &["Transferred:   \t          1 B / 1 B, 100%", "Transferred:            1 / 1, 100%"]);
    assert_eq!(sandbox.summary("replicate")["jobs"][0]["files_transferred"], 1);
}

#[test]
fn a_terminal_shows_a_bar() {
    let mut sandbox = sandbox("$T/a;$T/b;copy;--bwlimit 400k\n");
    sandbox.set("TERM", "xterm");
    fs::write(sandbox.path("a/large"), vec![7; 2_000_000]).expect("can be written");
    // A new pseudo terminal has no columns.
    let script = format!("stty rows 40 cols 100; exec {BOATHOOK} replicate");
    let mut terminal = AtTerminal::start_program(sandbox.command("sh", &["-c", &script]));
    terminal.expect("Performing copy of");
    terminal.expect("of 1 files, ");
    terminal.expect("✅ Copy Successful");
    assert_eq!(terminal.ends().0, 0);
}

#[test]
fn a_word_list_that_cannot_be_read_refuses_the_work() {
    let mut sandbox = sandbox("$T/a;$T/b;copy\n");
    let out = sandbox.set("REPLICATE_JOB_ARGS", "--exclude it's").run(&["replicate"]).ends_with(2).stdout;
    assert!(out.contains("❌ REPLICATE_JOB_ARGS="), "{out}");
    assert_eq!(calls(&sandbox), [""; 0]);
    assert_eq!(sandbox.summary("replicate")["replicate_jobs_processed"], "0");
}

/// The same lines are jobs for `doctor`.
#[test]
fn doctor_reads_the_job_file_as_the_worker_does() {
    let jobs = "\u{feff}  # indented\r\n /a ; nas:/b ; SYNC \r\n/a;/b;move\r\n/c;/d";
    let sandbox: Sandbox = sandbox(jobs);
    let out = sandbox.run(&["doctor", "--no-probe"]).stdout;
    for line in [
        "[INFO] Replicate job 1: /a -> nas:/b (sync)",
        "[WARN] Replicate job 2 malformed: /a;/b;move (the mode 'move' is none of bisync, sync, copy)",
        "[INFO] Replicate job 3: /c -> /d (bisync)",
        "[WARN] Replicate job file: 3 active job(s), 1 malformed",
    ] {
        assert!(out.lines().any(|found| found == line), "{line} is not in\n{out}");
    }
}
