//! What becomes of a run: its verdicts, its freshness, who hears of it and when.

use crate::support::{BOATHOOK, Sandbox, wait_for, write_executable};
use std::fs;
use std::time::{Duration, Instant};

#[test]
fn a_step_after_work_that_failed_or_never_began_is_skipped_in_these_words() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("RESTIC_FORGET_ARGS", "--keep-last 3").set("ENGINE_EXIT", "1");
    let out = sandbox.run(&["backup"]).ends_with(1).stdout;
    let task = |out: &str| {
        let line = out.lines().find(|line| line.starts_with("  ⏭️ forget"));
        line.unwrap_or_else(|| panic!("forget is no task: {out}"))
            .split_whitespace()
            .skip(2)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(task(&out), "Task skipped due to critical task failure: backup");
    // A program that is not there, and one that crashes.
    let script = fs::read_to_string(sandbox.path("bin/restic")).expect("is there");
    write_executable(
        &sandbox.path("bin/restic"),
        &script.replace("echo \"$@\" >>", "[ \"$1\" = backup ] && kill -SEGV $$\necho \"$@\" >>"),
    );
    let out = sandbox.run(&["backup"]).ends_with(139).stdout;
    assert_eq!(task(&out), "Task skipped due to critical task exception: backup");
    sandbox.set("PATH", "/none");
    let out = sandbox.run(&["backup"]).ends_with(127).stdout;
    assert_eq!(task(&out), "Task skipped due to critical task exception: backup");
}

#[test]
fn work_and_surroundings_have_separate_verdicts() {
    type Verdicts = [&'static str; 3];
    let cases: [(&str, &str, &[&str], Verdicts, i32); 6] = [
        ("exit 0", "0", &[], ["success", "completed", "ok"], 0),
        ("exit 1", "0", &[], ["warning", "completed", "failed"], 0),
        ("sleep 1000", "0", &["HOOK_TIMEOUT"], ["warning", "completed", "timed_out"], 0),
        ("exit 0", "3", &[], ["failure", "failed", "ok"], 3),
        ("exit 75", "0", &["HOOK_SKIP_ON"], ["skipped", "skipped", "ok"], 0),
        ("exit 1", "0", &["HOOK_ON_ERROR"], ["failure", "skipped", "failed"], 120),
    ];
    for (hook, engine, settings, [status, work, hooks], code) in cases {
        let mut sandbox = Sandbox::with_stand_in_engine();
        sandbox.set("ENGINE_EXIT", engine).set("HOOK_KILL_AFTER", "1");
        for setting in settings {
            sandbox.set(
                setting,
                match *setting {
                    "HOOK_TIMEOUT" => "1",
                    "HOOK_SKIP_ON" => "75",
                    _ => "Fail",
                },
            );
        }
        sandbox.hook("pre-backup.sh", hook);
        sandbox.run(&["backup"]).ends_with(code);
        let summary = sandbox.summary("backup");
        let found = [&summary["status"], &summary["work"]["status"], &summary["hooks_verdict"]];
        assert_eq!(found, [status, work, hooks], "{hook} {engine} {settings:?}");
        assert_eq!(summary["exit_code"], code);
    }
}

#[test]
fn a_wrong_setting_of_the_work_ends_with_2_after_its_post_hooks() {
    for (variable, value) in [("RESTIC_TAG", ""), ("RESTIC_REPOSITORY", ""), ("RESTIC_JOB_ARGS", "'open")] {
        let mut sandbox = Sandbox::with_stand_in_engine();
        sandbox.hook("post-backup.sh", "echo $1 $RUN_STATUS $(grep -c '\"exit_code\": 2,' $RUN_SUMMARY) >> $T/notes");
        let out = sandbox.set(variable, value).run(&["backup"]).ends_with(2).all();
        assert!(out.lines().any(|line| line.starts_with("❌ ") && line.contains(variable)), "{variable}: {out}");
        assert_eq!(sandbox.notes(), "2 failure 1\n", "{variable}");
        assert_eq!(sandbox.engine_log(), "", "{variable}");
    }
}

#[test]
fn a_wrong_setting_of_the_reports_costs_a_warning_and_not_the_backup() {
    let wrong = [("SMTP_URL", "mailto:x"), ("STOP_TIMEOUT", "soon"), ("HOOK_SKIP_ON", "many"), ("NOTIFY_AFTER", "-1")];
    for (variable, value) in wrong {
        let mut sandbox = Sandbox::with_stand_in_engine();
        let out = sandbox.set(variable, value).run(&["backup"]).ends_with(0).all();
        assert!(out.lines().any(|line| line.starts_with("❌ ") && line.contains(variable)), "{variable}: {out}");
        let summary = sandbox.summary("backup");
        assert_eq!((&summary["status"], &summary["work"]["status"]), (&"warning".into(), &"completed".into()));
        sandbox.run(&["doctor", "--no-probe"]).ends_with(1);
    }
}

#[test]
fn a_run_that_was_called_off_is_not_fresh() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let metrics = sandbox.path("metrics").display().to_string();
    sandbox.set("METRICS_DIR", metrics).set("HOOK_SKIP_ON", "75");
    let gauge = |name: &str| {
        let text = fs::read_to_string(sandbox.path("metrics/restic_backup.prom")).expect("is there");
        let line = text.lines().find(|line| line.starts_with(&format!("restic_backup_{name}{{"))).expect("is there");
        line.rsplit(' ').next().expect("has a value").to_owned()
    };
    sandbox.run(&["backup"]).ends_with(0);
    let (first, since) = (sandbox.summary("backup"), gauge("last_success_timestamp"));
    assert_eq!(gauge("last_success"), "1");
    sandbox.hook("pre-backup.sh", "exit 75").run(&["backup"]).ends_with(0);
    let second = sandbox.summary("backup");
    assert_eq!(second["status"], "skipped");
    assert!(first["last_success_at"].is_string());
    assert_eq!(second["last_success_at"], first["last_success_at"]);
    assert_eq!((gauge("last_success"), gauge("last_success_timestamp")), ("0".to_owned(), since));
    assert_eq!(gauge("last_exit_code"), "0");
}

#[test]
fn metrics_are_there_before_the_post_hooks_and_brought_up_to_date_after_them() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let metrics = sandbox.path("metrics").display().to_string();
    sandbox.set("METRICS_DIR", metrics);
    sandbox
        .hook("pre-backup.sh", "exit 0")
        .hook("post-backup.sh", "cp $METRICS_DIR/restic_backup.prom $T/seen; exit 4");
    sandbox.run(&["backup"]).ends_with(0);
    let read = |part: &str| fs::read_to_string(sandbox.path(part)).expect("is there");
    let (seen, after) = (read("seen"), read("metrics/restic_backup.prom"));
    let status = |status: &str| format!("restic_backup_last_status{{hostname=\"test-host\",status=\"{status}\"}} 1");
    assert!(seen.contains(&status("success")) && seen.contains("hook=\"pre-backup\""), "{seen}");
    assert!(!seen.contains("hook=\"post-backup\""), "{seen}");
    assert!(after.contains(&status("warning")), "{after}");
    let code = "restic_backup_hook_exit_code{hostname=\"test-host\",hook=\"post-backup\",phase=\"post\"} 4";
    assert!(after.contains(code), "{after}");
}

/// A stand-in for sendmail that notes the subject, and whether the worker's lock is held.
fn with_mail(sandbox: &mut Sandbox) {
    let script = format!(
        "#!/bin/sh\n# A stand-in for sendmail.\nT=\"$LOG_DIR/..\"\n\
         held=$({BOATHOOK} locked_run backup true | grep -c 'skipped: previous run still active')\n\
         echo \"mail held=$held $(grep -a '^Subject: ' | cut -d ' ' -f 2-4)\" >> \"$T/notes\"\n"
    );
    write_executable(&sandbox.path("bin/sendmail"), &script);
    sandbox.set("MAILX_RCPT", "ops@backup.example").set("MAILX_ON_ERROR", "OFF");
}

#[test]
fn notifications_come_last_and_under_the_lock() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    with_mail(&mut sandbox);
    sandbox.hook("post-backup.sh", "echo post >> $T/notes; exit 1").hook("post-all.sh", "echo all >> $T/notes");
    let out = sandbox.run(&["backup"]).ends_with(0).stdout;
    // It knows of the failed post hook.
    assert_eq!(sandbox.notes(), "post\nall\nmail held=1 [WARN] Backup test-host\n");
    assert!(out.lines().last().is_some_and(|line| line.trim_start().starts_with("✅ mail")), "{out}");
    // On errors alone: a warning is one, a success is none.
    fs::remove_file(sandbox.path("notes")).expect("is there");
    sandbox.set("MAILX_ON_ERROR", "ON").run(&["backup"]).ends_with(0);
    assert!(sandbox.notes().contains("mail held=1 [WARN]"), "{}", sandbox.notes());
    fs::remove_file(sandbox.path("notes")).expect("is there");
    sandbox.hook("post-backup.sh", "echo post >> $T/notes").run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "post\nall\n");
}

#[test]
fn notifications_go_out_while_a_post_hook_takes_too_long() {
    for (end, mails) in [("exit 0", 1), ("exit 1", 2)] {
        let mut sandbox = Sandbox::with_stand_in_engine();
        with_mail(&mut sandbox);
        sandbox.set("NOTIFY_AFTER", "1");
        sandbox.hook(
            "post-backup.sh",
            &format!("while [ ! -e $T/go ]; do sleep 0.02; done; echo through >> $T/notes; {end}"),
        );
        let running = sandbox.start(&["backup"]);
        // Only a mail lets the hook end.
        wait_for("a mail", || sandbox.notes().contains("mail held=1 [OK]").then_some(()));
        fs::write(sandbox.path("go"), "").expect("can be written");
        let out = running.finish().ends_with(0).stdout;
        assert!(
            out.contains("⏰ Hook post-backup is still running; notifications go out with what is known."),
            "{out}"
        );
        let notes = sandbox.notes();
        assert_eq!(notes.matches("mail ").count(), mails, "{end}: {notes}");
        if mails == 2 {
            assert!(notes.ends_with("through\nmail held=1 [WARN] Backup test-host\n"), "{notes}");
        }
    }
}

#[test]
fn post_hooks_that_have_no_time_left_are_skipped_with_the_reason() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("STOP_TIMEOUT", "4");
    sandbox.hook("post-backup.10-long.sh", "echo $$ > $T/started; exec sleep 1000");
    sandbox.hook("post-backup.20-late.sh", "echo MUST NOT RUN >> $T/notes");
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    let asked = Instant::now();
    running.signal(15);
    running.finish().ends_with(0);
    assert!(asked.elapsed() < Duration::from_secs(4), "took {:?}", asked.elapsed());
    assert_eq!(sandbox.notes(), "");
    let hook = &sandbox.summary("backup")["hooks"][1];
    assert_eq!(
        (&hook["status"], &hook["reason"]),
        (&"skipped".into(), &"no time was left before the stop (STOP_TIMEOUT)".into())
    );
    sandbox.expect_no_process();
}
