//! What a run tells people: webhook and mail, when they go out, and what it costs when they do not get through.

use crate::loopback::{Http, Mail, Smtp, base64, nobody};
use crate::support::{Sandbox, wait_for, write_executable};
use serde_json::{Map, Value};
use std::fs;

/// A `sendmail` that keeps the last mail in `mail`, and every subject in `subjects`.
fn with_sendmail(sandbox: &mut Sandbox) {
    write_executable(
        &sandbox.path("bin/sendmail"),
        "#!/bin/sh\n# Takes a mail as the real one does.\n[ \"$*\" = '-t -i' ] || exit 64\ncat > \"$LOG_DIR/../mail.part\"\n\
         mv \"$LOG_DIR/../mail.part\" \"$LOG_DIR/../mail\"\necho queued as 17\nexit \"${SENDMAIL_EXIT:-0}\"\n",
    );
    sandbox.set("MAILX_RCPT", "ops@example.org");
}

#[track_caller]
fn mail(sandbox: &Sandbox) -> Mail {
    let path = sandbox.path("mail");
    let mail = Mail::parse(&fs::read_to_string(&path).expect("a mail was sent"));
    fs::remove_file(path).expect("was there");
    mail
}

#[test]
fn the_webhook_carries_the_scalars_of_the_summary() {
    let server = Http::answering("204 No Content");
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("WEBHOOK_URL", server.url("/hook/path?thread=1")).set("WEBHOOK_HEADER_AUTH", "Bearer  abcdefgh=");
    sandbox.hook("post-backup.sh", "exit 7");
    let out = sandbox.run(&["backup"]).ends_with(0).stdout;
    let request = server.request();
    assert_eq!(request.line, "POST /hook/path?thread=1 HTTP/1.1");
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("authorization"), Some("Bearer  abcdefgh="));
    let text = fs::read_to_string(sandbox.path("log/last-backup.json")).expect("is there");
    let (scalars, _) = text.split_once(",\n  \"work\": ").expect("is there");
    assert_eq!(request.body, format!("{scalars}\n}}"));
    let body: Map<String, Value> = serde_json::from_str(&request.body).expect("is JSON");
    assert_eq!((&body["status"], &body["hooks_verdict"]), (&"warning".into(), &"failed".into()));
    assert_eq!((&body["reason"], &body["exit_code"]), (&"post-backup exit 7".into(), &0.into()));
    let shown = server.url("/...");
    let posting = format!(
        "📡 Posting backup webhook to {shown} (timeout 10s, auth header set)...\n✅ Webhook delivered (HTTP 2xx)\n"
    );
    assert!(out.contains(&posting), "{out}");
    assert!(server.others().is_empty());
}

#[test]
fn a_webhook_for_trouble_alone_is_silent_on_success_and_skip() {
    let server = Http::answering("200 OK");
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("WEBHOOK_URL", server.url("/hook")).set("WEBHOOK_ON_ERROR", "ON").set("HOOK_SKIP_ON", "75");
    sandbox.hook("pre-backup.sh", "exit ${PRE_EXIT:-0}");
    for (pre, engine, code, status) in
        [("0", "0", 0, None), ("75", "0", 0, None), ("1", "0", 0, Some("warning")), ("0", "3", 3, Some("failure"))]
    {
        sandbox.set("PRE_EXIT", pre).set("ENGINE_EXIT", engine);
        let out = sandbox.run(&["backup"]).ends_with(code).stdout;
        let bodies: Vec<Value> =
            server.others().iter().map(|request| serde_json::from_str(&request.body).expect("is JSON")).collect();
        let statuses: Vec<Option<&str>> = bodies.iter().map(|body| body["status"].as_str()).collect();
        assert_eq!(statuses, status.map(Some).into_iter().collect::<Vec<_>>(), "{out}");
        assert_eq!(out.contains("📡"), status.is_some(), "{out}");
    }
}

#[test]
fn a_webhook_that_does_not_get_through_costs_one_error_line() {
    let failing = Http::answering("500 Internal Server Error");
    let moved = Http::answering("302 Found");
    let silent = Http::silent();
    let gone = format!("http://{}/", nobody());
    let mut sandbox = Sandbox::with_stand_in_engine();
    for (url, code) in [(failing.url("/a"), 22), (moved.url("/b"), 22), (silent.url("/c"), 28), (gone, 7)] {
        let timeout = if code == 28 { "1" } else { "20" };
        sandbox.set("WEBHOOK_URL", url.clone()).set("WEBHOOK_TIMEOUT", timeout);
        let out = sandbox.run(&["backup"]).ends_with(0).stdout;
        let (host, _) = url[7..].split_once('/').expect("has a path");
        let shown = format!("http://{host}/...");
        let error = format!("❌ Webhook delivery to {shown} failed (curl exit {code}): ");
        let ours = |line: &&str| line.contains("ebhook to") || line.starts_with("❌");
        let lines: Vec<&str> = out.lines().filter(ours).collect();
        assert_eq!(lines.len(), 2, "{out}");
        assert_eq!(lines[0], format!("📡 Posting backup webhook to {shown} (timeout {timeout}s)..."));
        assert!(lines[1].starts_with(&error), "{out}");
        assert!(sandbox.log("backup").contains(&error));
        assert_eq!(sandbox.summary("backup")["status"], "success");
    }
    assert_eq!(failing.others().len(), 2, "a fault of the server may pass: it is tried twice");
    assert_eq!(moved.others().len(), 1);
}

#[test]
fn a_bad_webhook_timeout_is_ten_seconds_with_the_contracts_line() {
    let server = Http::answering("200 OK");
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("WEBHOOK_URL", server.url("/hook"));
    for bad in ["0", "10s", "-1", "soon"] {
        let out = sandbox.set("WEBHOOK_TIMEOUT", bad).run(&["backup"]).ends_with(0).stdout;
        let line = format!("⚠️ WEBHOOK_TIMEOUT='{bad}' is not a positive integer; using 10s.");
        assert!(out.lines().any(|have| have == line), "{out}");
        assert!(out.contains("(timeout 10s)..."), "{out}");
        assert_eq!(server.request().line, "POST /hook HTTP/1.1");
        assert_eq!(sandbox.summary("backup")["status"], "success");
    }
}

#[test]
fn the_mails_subject_says_how_it_went_and_which_hook_is_to_blame() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    with_sendmail(&mut sandbox);
    sandbox.set("HOOK_SKIP_ON", "75");
    sandbox.hook("pre-backup.10-dump.sh", "exit ${PRE_EXIT:-0}").hook("post-backup.sh", "exit ${POST_EXIT:-0}");
    let done = "4 B new (snap 0a1b2c3d)";
    let repository = sandbox.path("repo").display().to_string();
    for (settings, code, subject) in [
        (vec![], 0, format!("[OK] Backup test-host · 0s · {done}")),
        (vec![("POST_EXIT", "1")], 0, format!("[WARN] Backup test-host · 0s · {done} · hook post-backup failed")),
        (vec![("PRE_EXIT", "1")], 0, format!("[WARN] Backup test-host · 0s · {done} · hook pre-backup.10-dump failed")),
        (vec![("PRE_EXIT", "75")], 0, "[SKIPPED] Backup test-host · 0s".to_owned()),
        (vec![("ENGINE_EXIT", "11")], 11, format!("[FAIL 11] Backup test-host · 0s · {done}")),
        (vec![("RESTIC_TAG", "")], 2, format!("[FAIL 2] Backup test-host · 0s · {repository}")),
        (
            vec![("HOOK_ON_ERROR", "Fail"), ("PRE_EXIT", "1")],
            120,
            "[FAIL 120] Backup test-host · 0s · hook pre-backup.10-dump failed".to_owned(),
        ),
        (
            vec![("HOOK_ON_ERROR", "Fail"), ("POST_EXIT", "1")],
            121,
            format!("[FAIL 121] Backup test-host · 0s · {done} · hook post-backup failed"),
        ),
    ] {
        for (name, value) in &settings {
            sandbox.set(name, *value);
        }
        let out = sandbox.run(&["backup"]).ends_with(code).stdout;
        for (name, _) in &settings {
            sandbox.unset(name);
        }
        let mail = mail(&sandbox);
        assert_eq!(mail.header("Subject"), subject, "{settings:?}");
        assert_eq!(mail.header("To"), "ops@example.org");
        let lines = "📧 Sending email notification to ops@example.org...\n✅ Mail notification successfully sent\n";
        assert!(out.contains(lines), "{out}");
    }
}

#[test]
fn the_mail_is_the_log_with_what_was_sent_before_it() {
    let server = Http::answering("200 OK");
    let mut sandbox = Sandbox::with_stand_in_engine();
    with_sendmail(&mut sandbox);
    sandbox.set("WEBHOOK_URL", server.url("/hook"));
    sandbox.hook("post-backup.sh", "echo grüße");
    sandbox.run(&["backup"]).ends_with(0);
    let log = sandbox.log("backup");
    let (before, after) = log.split_once("✅ Mail notification successfully sent").expect("is said");
    assert_eq!(after, "\n");
    assert_eq!(mail(&sandbox).body.trim_end(), before.trim_end());
    for line in ["[post-backup] grüße", "✅ Webhook delivered (HTTP 2xx)", "📧 Sending email notification to"] {
        assert!(before.contains(line), "{line} is missing in\n{before}");
    }
    let transcript = fs::read_to_string(sandbox.path("log/backup-mail-last.log")).expect("is there");
    assert!(transcript.contains("queued as 17\nresult: sent\n"), "{transcript}");
}

#[test]
fn a_mail_for_trouble_alone_is_not_sent_on_success() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    with_sendmail(&mut sandbox);
    sandbox.set("MAILX_ON_ERROR", "on");
    let out = sandbox.run(&["backup"]).ends_with(0).stdout;
    assert!(!out.contains("📧") && !sandbox.path("mail").exists(), "{out}");
    sandbox.set("ENGINE_EXIT", "1").run(&["backup"]).ends_with(1);
    assert!(mail(&sandbox).header("Subject").starts_with("[FAIL 1] "));
}

#[test]
fn a_mail_that_cannot_be_sent_costs_one_error_line() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    with_sendmail(&mut sandbox);
    sandbox.set("SENDMAIL_EXIT", "75");
    let out = sandbox.run(&["backup"]).ends_with(0).stdout;
    let transcript = sandbox.path("log/backup-mail-last.log").display().to_string();
    let line = format!("❌ Sending mail notification FAILED. Check {transcript} for further information.");
    assert_eq!(out.lines().filter(|have| have.starts_with(&line)).count(), 1, "{out}");
    assert_eq!(out.lines().filter(|have| have.starts_with('❌')).count(), 1, "{out}");
    assert_eq!(sandbox.summary("backup")["status"], "success");
    assert!(fs::read_to_string(&transcript).expect("is there").contains("queued as 17\nresult: not sent (75): "));
}

#[test]
fn a_mail_goes_to_the_server_that_smtp_url_names() {
    let server = Smtp::new();
    let mut sandbox = Sandbox::with_stand_in_engine();
    with_sendmail(&mut sandbox);
    sandbox.set("SMTP_URL", server.url("me%40example.org:p%40ss%2Fword@"));
    sandbox.set("MAILX_RCPT", "ops@example.org, boss@example.org").set("ENGINE_EXIT", "3");
    sandbox.run(&["backup"]).ends_with(3);
    let talk = server.talk();
    let said = |start: &str| talk.iter().filter(|line| line.starts_with(start)).cloned().collect::<Vec<_>>();
    let login = said("AUTH PLAIN ")[0].clone();
    assert_eq!(base64(&login["AUTH PLAIN ".len()..]), "\0me@example.org\0p@ss/word");
    assert!(said("MAIL FROM:")[0].starts_with("MAIL FROM:<me@example.org>"), "{talk:?}");
    assert_eq!(said("RCPT TO:"), ["RCPT TO:<ops@example.org>", "RCPT TO:<boss@example.org>"]);
    let mail = Mail::of_talk(&talk);
    assert!(mail.header("Subject").starts_with("[FAIL 3] Backup test-host · "), "{mail:?}");
    assert_eq!(mail.header("From"), "me@example.org");
    assert!(mail.body.contains("❌ Backup Failed with Status 3\n"), "{mail:?}");
    assert!(!sandbox.path("mail").exists(), "sendmail was used beside");
}

#[test]
fn notifications_come_after_the_post_hooks() {
    let server = Http::answering("200 OK");
    let mut sandbox = Sandbox::with_stand_in_engine();
    with_sendmail(&mut sandbox);
    sandbox.set("WEBHOOK_URL", server.url("/hook")).set("HOOK_ON_ERROR", "Fail");
    sandbox.hook("post-backup.sh", "[ -e $T/mail ] && echo mail >> $T/notes; grep -c 📡 $RUN_LOG >> $T/notes; exit 5");
    sandbox.run(&["backup"]).ends_with(121);
    assert_eq!(sandbox.notes(), "0\n");
    let body: Value = serde_json::from_str(&server.request().body).expect("is JSON");
    assert_eq!((&body["status"], &body["exit_code"]), (&"failure".into(), &121.into()));
    assert_eq!(body["reason"], "post-backup exit 5");
    assert!(mail(&sandbox).header("Subject").ends_with(" · hook post-backup failed"));
}

/// A run whose post hook waits until it is told to go on, after which it ends with `code`.
fn with_waiting_post_hook(server: &Http, code: i32) -> Sandbox {
    let mut sandbox = Sandbox::with_stand_in_engine();
    with_sendmail(&mut sandbox);
    sandbox.set("WEBHOOK_URL", server.url("/hook")).set("NOTIFY_AFTER", "1s").set("HOOK_ON_ERROR", "Fail");
    sandbox.hook("post-backup.sh", &format!("while [ ! -e $T/go ]; do sleep 0.02; done; exit {code}"));
    sandbox
}

#[test]
fn a_post_hook_that_hangs_does_not_hold_the_notifications_back() {
    let server = Http::answering("200 OK");
    let sandbox = with_waiting_post_hook(&server, 5);
    let running = sandbox.start(&["backup"]);
    let early: Value = serde_json::from_str(&server.request().body).expect("is JSON");
    assert_eq!((&early["status"], &early["exit_code"]), (&"success".into(), &0.into()));
    assert_eq!(early["reason"], "post hook post-backup still running");
    wait_for("the first mail", || sandbox.path("mail").exists().then_some(()));
    let first = mail(&sandbox);
    assert!(first.header("Subject").starts_with("[OK] Backup "), "{first:?}");
    let line = "⏰ Hook post-backup is still running; notifications go out with what is known.";
    assert!(first.body.contains(line), "{first:?}");
    fs::write(sandbox.path("go"), "").expect("can be written");
    running.finish().ends_with(121);
    // The verdict has changed.
    let late: Value = serde_json::from_str(&server.request().body).expect("is JSON");
    assert_eq!((&late["status"], &late["reason"]), (&"failure".into(), &"post-backup exit 5".into()));
    assert!(mail(&sandbox).header("Subject").starts_with("[FAIL 121] Backup "));
    assert!(server.others().is_empty());
}

#[test]
fn an_unchanged_verdict_is_not_sent_twice() {
    let server = Http::answering("200 OK");
    let sandbox = with_waiting_post_hook(&server, 0);
    let running = sandbox.start(&["backup"]);
    server.request();
    wait_for("the first mail", || sandbox.path("mail").exists().then_some(()));
    mail(&sandbox);
    fs::write(sandbox.path("go"), "").expect("can be written");
    running.finish().ends_with(0);
    assert!(server.others().is_empty());
    assert!(!sandbox.path("mail").exists());
    assert_eq!(sandbox.summary("backup")["reason"], "");
}
