//! `notify-test` where something does not get through, is stopped, or must not be shown (contract: operator-commands,
//! section 10; weakness 30).

use crate::loopback::{Http, Mail, Smtp, nobody};
use crate::notify_test::{has_line, results, with_both, with_sendmail, without_repository};
use serde_json::Value;
use std::fs;

/// Each failure of a webhook is told on the console, with curl's code and a mend; the mail is tried all the same.
#[test]
fn a_webhook_that_fails_is_explained_and_the_mail_is_sent() {
    let smtp = Smtp::new();
    let [refused, missing, broken, moved] =
        ["401 Unauthorized", "404 Not Found", "500 Internal Server Error", "302 Found"].map(Http::answering);
    let (silent, strange) = (Http::silent(), Smtp::new());
    for (url, code, mend) in [
        (refused.url("/x"), 22, "HTTP 401 Unauthorized; check WEBHOOK_HEADER_AUTH"),
        (missing.url("/x"), 22, "HTTP 404 Not Found; check WEBHOOK_URL"),
        (broken.url("/x"), 22, "HTTP 500 Internal Server Error; the fault is on the server's side"),
        (moved.url("/x"), 22, "redirects are not followed: put the final address into WEBHOOK_URL"),
        (format!("http://{}/x", nobody()), 7, "); check host and port in WEBHOOK_URL"),
        ("http://no-such-host.invalid/x".to_owned(), 6, "; check host and port in WEBHOOK_URL"),
        (silent.url("/x"), 28, "if it is only slow, raise WEBHOOK_TIMEOUT"),
        (strange.url("").replace("smtp:", "https:"), 35, "does it speak TLS on this port"),
        ("ftp://h.example/x".to_owned(), 1, "use https:// or http://"),
    ] {
        let mut sandbox = without_repository();
        let limit = if code == 28 { "1" } else { "20" };
        sandbox.set("WEBHOOK_URL", url.clone()).set("WEBHOOK_TIMEOUT", limit);
        sandbox.set("MAILX_RCPT", "ops@example.org").set("SMTP_URL", smtp.url(""));
        let out = sandbox.run(&["notify-test"]).ends_with(1);
        let line = has_line(&out, "❌ Webhook delivery to ");
        let has_no_store = line.contains("(curl exit 77)") && code == 35;
        assert!(line.contains(&format!("(curl exit {code}): ")) && line.contains(mend) || has_no_store, "{line}");
        let told = has_line(&out, "❌ Notify test failed: not delivered webhook (code ");
        assert!(told.ends_with("; delivered mail"), "{told}");
        let [mail, mail_rc, webhook, webhook_rc] = results(&sandbox);
        assert_eq!((&*mail, &*mail_rc, &*webhook), ("delivered", "0", "failed"));
        assert!(webhook_rc == code.to_string() || has_no_store, "{webhook_rc}");
        let summary = sandbox.summary("notify-test");
        assert_eq!((&summary["exit_code"], &summary["status"]), (&1.into(), &"failure".into()));
        let mail = Mail::of_talk(&smtp.talk());
        assert!(mail.header("Subject").starts_with("[OK] ") && mail.body.contains(&line), "{mail:?}");
    }
}

/// Each failure of a mail is told on the console, with the server's answer and a mend.
#[test]
fn a_mail_that_fails_is_explained_with_the_servers_answer() {
    let http = Http::answering("200 OK");
    let login = Smtp::refusing("AUTH", "535 5.7.8 bad credentials");
    let recipient = Smtp::refusing("RCPT", "550 5.1.1 nobody here");
    let later = Smtp::refusing("MAIL", "451 4.7.1 come back later");
    let plain = Smtp::new();
    for (url, code, answer, mend) in [
        (login.url("me:secret-pass-4@"), 77, "bad credentials", "check user and password in SMTP_URL"),
        (recipient.url(""), 69, "nobody here", "check MAILX_RCPT"),
        (later.url(""), 75, "come back later", "it may work later"),
        (format!("smtp://{}?tls=none", nobody()), 69, "refused", "check host and port in SMTP_URL"),
        ("smtp://no-such-host.invalid?tls=none".to_owned(), 69, "no-such-host.invalid:25", "check host and port"),
        (plain.url("").replace("smtp:", "smtps:").replace("?tls=none", ""), 69, "", "TLS"),
    ] {
        let mut sandbox = without_repository();
        sandbox.set("WEBHOOK_URL", http.url("/x")).set("MAILX_RCPT", "ops@example.org").set("SMTP_URL", url.clone());
        let out = sandbox.run(&["notify-test"]).ends_with(1);
        let line = has_line(&out, "❌ Sending mail notification FAILED. Check ");
        assert!(line.contains(answer) && line.contains(mend), "{line}");
        has_line(&out, "   subject: [OK] Notify test test-host");
        has_line(&out, &format!("   result: not sent ({code}): "));
        has_line(&out, &format!("❌ Notify test failed: not delivered mail (code {code}); delivered webhook"));
        assert_eq!(results(&sandbox), ["failed", &code.to_string(), "delivered", "0"]);
        assert!(!out.all().contains("secret-pass-4") && !sandbox.log("notify-test").contains("secret-pass-4"));
        let body: Value = serde_json::from_str(&http.request().body).expect("is JSON");
        assert_eq!(body["mail_result"], "pending");
    }
}

#[test]
fn a_mail_goes_through_sendmail_and_its_failure_is_explained() {
    let sandbox = with_sendmail("cat > \"$LOG_DIR/../mail\"; echo queued as 17");
    sandbox.run(&["notify-test"]).ends_with(0);
    assert_eq!(results(&sandbox), ["delivered", "0", "skipped", "0"]);
    let mail = Mail::parse(&fs::read_to_string(sandbox.path("mail")).expect("was sent"));
    assert_eq!(mail.header("Subject"), "[OK] Notify test test-host · 0s · manual notification plumbing test");
    let sandbox = with_sendmail("cat > /dev/null; echo hello; echo 'msmtp: account default not found' >&2; exit 78");
    let out = sandbox.run(&["notify-test"]).ends_with(1);
    let line = has_line(&out, "❌ Sending mail notification FAILED. Check ");
    assert!(line.contains("exit code 78 (its configuration is wrong or missing): msmtp: account default"), "{line}");
    has_line(&out, "   hello");
    assert_eq!(results(&sandbox), ["failed", "78", "skipped", "0"]);

    let mut sandbox = without_repository();
    let path = sandbox.path("bin").display().to_string();
    sandbox.set("MAILX_RCPT", "ops@example.org").set("PATH", path);
    let system = ["/usr/sbin/sendmail", "/sbin/sendmail", "/usr/lib/sendmail"];
    if !system.iter().any(|program| fs::metadata(program).is_ok()) {
        let out = sandbox.run(&["notify-test"]).ends_with(1);
        let line = has_line(&out, "❌ Sending mail notification FAILED. Check ");
        assert!(line.contains("there is no program `sendmail`; install one (msmtp) or set SMTP_URL"), "{line}");
        assert_eq!(results(&sandbox)[..2], ["failed", "127"]);
    }
}

/// Weakness 30, on every way out: console, log, summary, body, mail.
#[test]
fn secrets_are_masked_everywhere() {
    let (http, smtp) = (Http::answering("403 Forbidden"), Smtp::new());
    let mut sandbox = with_both(&http, &smtp);
    let url = http.url("/hook/secret-path-1?t=secret-token-2").replace("://", "://me:secret/pa@ss-5@");
    sandbox.set("WEBHOOK_URL", url).set("WEBHOOK_HEADER_AUTH", "Bearer secret-auth-3");
    let metrics = sandbox.path("metrics").display().to_string();
    sandbox.set("SMTP_URL", smtp.url("me:secret-pass-4@")).set("METRICS_DIR", metrics);
    let words = ["notify-test", "--message", "token secret-auth-3", "--subject", "S secret-pass-4"];
    let out = sandbox.run(&words);
    let mut text = out.all();
    let talk = smtp.talk();
    let mail = Mail::of_talk(&talk);
    text += &[format!("{mail:?}"), mail.header("Subject")].concat();
    for request in http.others() {
        text += &request.body;
    }
    for folder in ["log", "metrics"] {
        for file in fs::read_dir(sandbox.path(folder)).expect("is there").flatten() {
            text += &fs::read_to_string(file.path()).expect("is text");
        }
    }
    for secret in ["secret-path-1", "secret-token-2", "secret-auth-3", "secret-pass-4", "ss-5", "secret/pa"] {
        assert!(!text.contains(secret), "{secret} in\n{text}");
    }
    assert_eq!(mail.header("Subject"), "[OK] S *** test-host · 0s · manual notification plumbing test");
    assert_eq!(sandbox.summary("notify-test")["message"], "token ***");
}

/// A stop ends a delivery that does not end by itself, and what it has started.
#[test]
fn a_stop_ends_a_slow_delivery() {
    for (signal, code) in [(2, 130), (15, 143)] {
        let (http, smtp) = (Http::silent(), Smtp::new());
        let mut sandbox = with_both(&http, &smtp);
        sandbox.set("WEBHOOK_TIMEOUT", "3000").hook("post-notify-test.sh", "echo \"$1 $RUN_STATUS\" >> $T/notes");
        let running = sandbox.start(&["notify-test"]);
        http.request();
        running.signal(signal);
        let out = running.finish().ends_with(code);
        has_line(&out, "❌ The webhook was given up: a stop was asked for.");
        assert_eq!(results(&sandbox), ["skipped", "0", "failed", &code.to_string()]);
        assert_eq!(sandbox.notes(), format!("{code} interrupted\n"));
        assert!(smtp.others().is_empty(), "nothing is begun after a stop");

        let smtp = Smtp::silent();
        let mut sandbox = without_repository();
        sandbox.set("MAILX_RCPT", "ops@example.org").set("SMTP_URL", smtp.url(""));
        let running = sandbox.start(&["notify-test"]);
        smtp.talk();
        running.signal(signal);
        running.finish().ends_with(code);
        assert_eq!(results(&sandbox), ["failed", &code.to_string(), "skipped", "0"]);

        let sandbox =
            with_sendmail("trap '' TERM INT; echo begun > \"$LOG_DIR/../begun\"; sleep 1000 & wait; sleep 1000");
        let running = sandbox.start(&["notify-test"]);
        sandbox.wait_for_file("begun");
        running.signal(signal);
        running.finish().ends_with(code);
        assert_eq!(results(&sandbox)[..2], ["failed", &code.to_string()]);
        sandbox.expect_no_process();
    }
}
