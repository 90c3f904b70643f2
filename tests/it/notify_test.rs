//! `notify-test`: a webhook and a mail to real listeners on the loopback (contract: operator-commands, sections 1.8, 1.9,
//! 10; reports, section 2.14; weakness 18).

use crate::loopback::{Http, Mail, Smtp};
use crate::support::{Finished, Sandbox, assert_in_order, write_executable};
use serde_json::{Map, Value};

const KEYS: [&str; 18] = [
    "target_mode",
    "dry_run",
    "mail_requested",
    "webhook_requested",
    "mail_configured",
    "webhook_configured",
    "mail_result",
    "webhook_result",
    "mail_rc",
    "webhook_rc",
    "webhook_url",
    "webhook_auth_header_set",
    "mail_on_error",
    "webhook_on_error",
    "webhook_timeout",
    "subject",
    "message",
    "duration_so_far_seconds",
];

/// Without repository and password: the test needs neither.
pub fn without_repository() -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.unset("RESTIC_REPOSITORY").unset("RESTIC_PASSWORD").set("RESTIC_BACKUP_HELPER_RELEASE", "1.2.3");
    sandbox
}

pub fn with_both(http: &Http, smtp: &Smtp) -> Sandbox {
    let mut sandbox = without_repository();
    sandbox.set("WEBHOOK_URL", http.url("/hook/secret-path-1?t=secret-token-2")).set("MAILX_RCPT", "ops@example.org");
    sandbox.set("SMTP_URL", smtp.url(""));
    sandbox
}

/// A mail program that does this with what it reads.
pub fn with_sendmail(body: &str) -> Sandbox {
    let mut sandbox = without_repository();
    write_executable(&sandbox.path("bin/sendmail"), &format!("#!/bin/sh\n{body}\n"));
    sandbox.set("MAILX_RCPT", "ops@example.org");
    sandbox
}

fn extras(summary: &Value) -> Vec<&str> {
    KEYS.iter().map(|key| summary[*key].as_str().unwrap_or("(no string)")).collect()
}

/// The results and codes of mail and webhook.
#[track_caller]
pub fn results(sandbox: &Sandbox) -> [String; 4] {
    let summary = sandbox.summary("notify-test");
    ["mail_result", "mail_rc", "webhook_result", "webhook_rc"]
        .map(|key| summary[key].as_str().expect("a text").to_owned())
}

#[track_caller]
pub fn has_line(finished: &Finished, start: &str) -> String {
    let found = finished.stdout.lines().find(|line| line.starts_with(start));
    found.unwrap_or_else(|| panic!("{start} is missing in\n{}", finished.all())).to_owned()
}

#[test]
fn webhook_and_mail_are_sent_in_this_order_and_reported() {
    let (http, smtp) = (Http::answering("200 OK"), Smtp::new());
    let mut sandbox = with_both(&http, &smtp);
    sandbox.set("WEBHOOK_HEADER_AUTH", "Bearer secret-auth-3").set("WEBHOOK_TIMEOUT", "20");
    let words = ["notify-test", "--subject", "Plumbing", "--message=does it arrive?"];
    let out = sandbox.run(&words).ends_with(0);
    let shown = http.url("/...");
    assert_in_order(
        &out.stdout,
        &[
            "📣 Starting notify-test at ",
            "Release               : 1.2.3",
            "Target mode           : auto",
            "Dry-run               : OFF",
            "MAILX_RCPT            : ops@example.org",
            "MAILX_ON_ERROR        : OFF",
            &format!("WEBHOOK_URL           : {shown}"),
            "WEBHOOK_ON_ERROR      : OFF",
            "WEBHOOK_TIMEOUT       : 20",
            "WEBHOOK_HEADER_AUTH   : set (value masked)",
            "Operator message      : does it arrive?",
            "This is a test of the notifications",
            "  - webhook: ON",
            "  - mail: ON",
            &format!("📡 Posting notify-test webhook to {shown} (timeout 20s, auth header set)..."),
            "✅ Webhook delivered (HTTP 2xx)",
            "📧 Sending email notification to ops@example.org...",
            "✅ Mail notification successfully sent",
            "✅ Notify test successful: delivered webhook and mail",
            "🏁 Finished notify-test at ",
        ],
    );
    let summary = sandbox.summary("notify-test");
    let keys: Vec<&str> = summary.as_object().expect("is an object").keys().map(String::as_str).collect();
    assert_eq!(keys[..6], ["job", "hostname", "release", "started_at", "finished_at", "duration_seconds"]);
    assert_eq!(keys[6..24], KEYS);
    assert_eq!(keys[24], "exit_code");
    let mut expected = vec!["auto", "OFF", "ON", "ON", "ON", "ON", "delivered", "delivered", "0", "0"];
    expected.extend([&*shown, "ON", "OFF", "OFF", "20", "Plumbing", "does it arrive?", "0"]);
    assert_eq!(extras(&summary), expected);
    assert_eq!((&summary["exit_code"], &summary["status"]), (&0.into(), &"success".into()));

    let request = http.request();
    assert_eq!(request.line, "POST /hook/secret-path-1?t=secret-token-2 HTTP/1.1");
    assert_eq!(request.header("authorization"), Some("Bearer secret-auth-3"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    let mail = Mail::of_talk(&smtp.talk());
    assert_eq!(mail.header("Subject"), "[OK] Plumbing test-host · 0s · manual notification plumbing test");
    // The log so far.
    let log = sandbox.log("notify-test");
    assert!(log.starts_with(mail.body.trim_end()), "{mail:?}");
    assert!(mail.body.contains("does it arrive?") && mail.body.contains("✅ Webhook delivered"), "{mail:?}");
    // Nobody is told of the test beside.
    assert!(http.others().is_empty() && smtp.others().is_empty());
}

/// Weakness 18: the body that arrives does not claim that it has not.
#[test]
fn the_webhook_says_of_itself_that_it_is_delivered() {
    let (http, smtp) = (Http::answering("200 OK"), Smtp::new());
    let sandbox = with_both(&http, &smtp);
    for (words, mail) in [(&["notify-test"][..], "pending"), (&["notify-test", "--webhook"], "skipped")] {
        sandbox.run(words).ends_with(0);
        let body: Map<String, Value> = serde_json::from_str(&http.request().body).expect("is JSON");
        let summary = sandbox.summary("notify-test");
        for key in body.keys().filter(|key| !key.ends_with("_at") && !key.contains("duration")) {
            match &**key {
                "mail_result" => assert_eq!(body[key], mail),
                _ => assert_eq!(body[key], summary[key], "{key}"),
            }
        }
        assert_eq!((&body["webhook_result"], &body["webhook_rc"]), (&"delivered".into(), &"0".into()));
        assert_eq!((&body["status"], &body["exit_code"]), (&"success".into(), &0.into()));
        assert!(body["run_id"].as_str().is_some_and(|id| id.contains("-notify-test-")));
        let ours: Vec<&str> = body.keys().map(String::as_str).collect();
        assert_eq!(ours[6..25], [&KEYS[..], &["exit_code"]].concat());
    }
}

#[test]
fn each_target_can_be_tested_alone() {
    let (http, smtp) = (Http::answering("204 No Content"), Smtp::new());
    let sandbox = with_both(&http, &smtp);
    sandbox.run(&["notify-test", "--all", "--webhook", "--mail"]).ends_with(0);
    assert_eq!(results(&sandbox), ["delivered", "0", "skipped", "0"]);
    assert!(http.others().is_empty());
    smtp.talk();
    sandbox.run(&["notify-test", "--mail", "--webhook"]).ends_with(0);
    assert_eq!(results(&sandbox), ["skipped", "0", "delivered", "0"]);
    http.request();
    assert!(smtp.others().is_empty());
    assert_eq!(sandbox.summary("notify-test")["target_mode"], "webhook");
}

/// Both deliveries ignore the settings for trouble alone, and a pre hook's failure does not change what they say.
#[test]
fn settings_for_trouble_alone_do_not_count() {
    let (http, smtp) = (Http::answering("200 OK"), Smtp::new());
    let mut sandbox = with_both(&http, &smtp);
    sandbox.set("MAILX_ON_ERROR", "on").set("WEBHOOK_ON_ERROR", "ON").hook("pre-notify-test.sh", "exit 3");
    sandbox.run(&["notify-test"]).ends_with(0);
    assert_eq!(results(&sandbox), ["delivered", "0", "delivered", "0"]);
    let summary = sandbox.summary("notify-test");
    assert_eq!((&summary["mail_on_error"], &summary["webhook_on_error"]), (&"on".into(), &"ON".into()));
    assert_eq!(summary["status"], "warning");
    let body: Value = serde_json::from_str(&http.request().body).expect("is JSON");
    assert_eq!((&body["status"], &body["exit_code"], &body["reason"]), (&"success".into(), &0.into(), &"".into()));
    assert!(Mail::of_talk(&smtp.talk()).header("Subject").starts_with("[OK] Notify test test-host · "));
    assert!(http.others().is_empty() && smtp.others().is_empty(), "the warning is not told beside");
}

#[test]
fn a_dry_run_checks_and_sends_nothing() {
    let (http, smtp) = (Http::answering("200 OK"), Smtp::new());
    let mut sandbox = with_both(&http, &smtp);
    let out = sandbox.run(&["notify-test", "--all", "--dry-run"]).ends_with(0);
    has_line(
        &out,
        &format!(
            "✅ Dry run: nothing was sent. Without --dry-run: a webhook to {}, and a mail to ops@",
            http.url("/...")
        ),
    );
    assert_eq!(results(&sandbox), ["dry-run", "0", "dry-run", "0"]);
    assert_eq!(sandbox.summary("notify-test")["dry_run"], "ON");
    sandbox.run(&["notify-test", "--mail", "--dry-run"]).ends_with(0);
    assert_eq!(results(&sandbox), ["dry-run", "0", "skipped", "0"]);
    sandbox.unset("MAILX_RCPT");
    sandbox.run(&["notify-test", "--all", "--dry-run"]).ends_with(2);
    assert!(http.others().is_empty() && smtp.others().is_empty());
}

#[test]
fn what_is_not_set_up_is_told_and_recorded() {
    let mut sandbox = without_repository();
    sandbox.hook("post-notify-test.sh", "echo \"$1\" >> $T/notes");
    let out = sandbox.run(&["notify-test"]).ends_with(2);
    has_line(&out, "❌ Nothing to test: set MAILX_RCPT (mail) or WEBHOOK_URL (webhook).");
    let summary = sandbox.summary("notify-test");
    assert_eq!((&summary["exit_code"], &summary["status"]), (&2.into(), &"failure".into()));
    assert_eq!(extras(&summary)[..11], ["auto", "OFF", "OFF", "OFF", "OFF", "OFF", "skipped", "skipped", "0", "0", ""]);
    assert_eq!(extras(&summary)[11..], ["OFF", "OFF", "OFF", "10", "Notify test", "", "0"]);
    let out = sandbox.run(&["notify-test", "--all"]).ends_with(2);
    has_line(&out, "❌ The webhook is not set up: set WEBHOOK_URL");
    has_line(&out, "❌ The mail is not set up: set MAILX_RCPT");
    assert_eq!(sandbox.summary("notify-test")["mail_requested"], "ON");
    sandbox.set("MAILX_RCPT", "ops@example.org").set("SMTP_URL", "mail.example:25");
    let out = sandbox.run(&["notify-test"]).ends_with(2);
    has_line(&out, "❌ SMTP_URL='");
    assert_eq!(sandbox.notes(), "2\n2\n2\n");
    let out = sandbox.run(&["notify-test", "--wrong"]).ends_with(2);
    assert!(out.stderr.contains("--wrong") && out.stdout.is_empty(), "{}", out.all());
    assert_eq!(sandbox.notes(), "2\n2\n2\n", "no run");
}

#[test]
fn a_critical_pre_hook_keeps_it_from_sending() {
    let (http, smtp) = (Http::answering("200 OK"), Smtp::new());
    let mut sandbox = with_both(&http, &smtp);
    sandbox.set("HOOK_ON_ERROR", "Fail").hook("pre-notify-test.sh", "exit 1");
    sandbox.run(&["notify-test", "--all"]).ends_with(120);
    assert_eq!(results(&sandbox), ["skipped", "0", "skipped", "0"]);
    assert_eq!(sandbox.summary("notify-test")["target_mode"], "all");
    assert!(http.others().is_empty() && smtp.others().is_empty());
}

/// On its schedule it runs without flags.
#[test]
fn it_has_a_schedule_of_its_own() {
    let http = Http::answering("200 OK");
    let mut sandbox = without_repository();
    sandbox.set("WEBHOOK_URL", http.url("/x")).set("NOTIFY_TEST_CRON", "0 8 1 * *");
    let out = sandbox.run(&["cron-list"]).ends_with(0).stdout;
    assert!(out.contains("notify-test") && out.contains("0 8 1 * *"), "{out}");
    sandbox.set("RUN_TRIGGER", "schedule").run(&["notify-test"]).ends_with(0);
    let body: Value = serde_json::from_str(&http.request().body).expect("is JSON");
    assert_eq!((&body["trigger"], &body["target_mode"]), (&"schedule".into(), &"auto".into()));
}

/// Contract, section 10: an empty word is no value, an empty one after `=` is.
#[test]
fn an_empty_word_is_no_text() {
    let sandbox = Sandbox::with_stand_in_engine();
    for flag in ["--subject", "--message"] {
        let refused = sandbox.run(&["notify-test", "--dry-run", flag, ""]).ends_with(2);
        assert!(
            refused.stdout.is_empty() && refused.stderr.contains(&format!("{flag} needs a value")),
            "{}",
            refused.stderr
        );
        assert!(!sandbox.path("log/last-notify-test.json").exists());
    }
    sandbox.run(&["notify-test", "--dry-run", "--subject=", "--message="]);
    let summary = sandbox.summary("notify-test");
    assert_eq!((&summary["subject"], &summary["message"]), (&"".into(), &"".into()));
}
