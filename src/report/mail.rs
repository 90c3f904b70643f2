//! The mail.

use super::excerpt::excerpt;
use super::letter::{Letter, domain, recipients};
use super::masked::masked;
use super::sendmail;
use super::sent::{Failure, is_trouble};
use super::smtp::Server;
use super::{Document, Sent, beside, subject};
use crate::exit;
use crate::http::quotable;
use crate::masking::{Secrets, say};
use crate::settings::{Environment, Notify};
use chrono::Local;
use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

/// A mail is not waited for any longer than this.
const LIMIT: Duration = Duration::from_secs(30);

/// How long the transcript may take to be written.
const KEPT_WITHIN: Duration = Duration::from_secs(10);

/// Says nothing but trouble, whatever the setting (contract: reports, section 4).
const ON_ERROR_ONLY: &str = "replicate";

/// The files of a mail.
pub struct Files<'a> {
    /// The run's log, which is mailed.
    pub log: &'a Path,
    /// What the mail program or server answered.
    pub transcript: &'a Path,
    /// Waits until every line so far is in the log.
    pub flush: &'a dyn Fn(),
}

/// Mails the per-run log. Says what it does and what came of it; takes `limit` at most (30 s).
/// Does nothing when no recipient is set or this outcome is not to be sent.
pub fn send(
    notify: &Notify,
    document: &Document,
    files: &Files<'_>,
    environment: &Environment,
    secrets: &Secrets,
    limit: Duration,
) -> Sent {
    if notify.mail_recipient.trim().is_empty() {
        return Sent::Off;
    }
    if (notify.mail_on_error || document.job == ON_ERROR_ONLY) && !is_trouble(document) {
        return Sent::NotDue;
    }
    let recipient = notify.mail_recipient.trim();
    say::info(format!("📧 Sending email notification to {}...", quotable(recipient, 500)));
    (files.flush)();
    let transcript = files.transcript;
    let mut notes = Vec::new();
    let result = write(notify, document, files.log, secrets)
        .and_then(|letter| deliver(notify, letter, environment, limit.min(LIMIT), &mut notes));
    let result =
        result.map_err(|Failure { code, reason }| Failure { code, reason: secrets.mask(&reason).into_owned() });
    notes.push(match &result {
        Ok(()) => "result: sent".to_owned(),
        Err(failure) => format!("result: not sent ({}): {}", failure.code, failure.reason),
    });
    keep(transcript, &notes, secrets);
    match result {
        Ok(()) => {
            say::info("✅ Mail notification successfully sent");
            Sent::Delivered
        }
        Err(Failure { code, reason }) => {
            let shown = transcript.display();
            say::error(format!(
                "❌ Sending mail notification FAILED. Check {shown} for further information. ({reason})"
            ));
            Sent::Failed(code)
        }
    }
}

fn write(notify: &Notify, document: &Document, log: &Path, secrets: &Secrets) -> Result<Letter, Failure> {
    let (to, bad) = recipients(&notify.mail_recipient);
    let bad: Vec<_> = bad.iter().map(|recipient| format!("'{}'", quotable(recipient, 100))).collect();
    if to.is_empty() {
        let problem = format!("MAILX_RCPT holds no usable address ({}); write user@domain", bad.join(", "));
        return Err(Failure::new(exit::USAGE, problem));
    }
    if !bad.is_empty() {
        // The others shall not go without.
        let problem = "cannot be a mail address and gets no mail; write user@domain in plain ASCII";
        say::error(format!("❌ notify_mail: MAILX_RCPT: {} {problem}", bad.join(", ")));
    }
    let body = excerpt(log, secrets).unwrap_or_else(|error| {
        let problem = format!("the log {} cannot be read ({error})", log.display());
        say::error(format!("❌ notify_mail: {problem}"));
        let reason = secrets.mask(&document.reason);
        format!("{problem}\nstatus: {}\nexit code: {}\n{reason}\n", document.status.word(), document.exit_code)
    });
    let now = Local::now();
    let document = masked(document, secrets);
    let id: String = document.run_id.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.')).collect();
    Ok(Letter {
        from: None,
        to,
        subject: subject(&document),
        body,
        date: now,
        // A run may send two mails, when its verdict changes after the first one.
        id: format!("{id}.{}", now.timestamp_micros()),
        domain: domain(&document.hostname),
    })
}

fn deliver(
    notify: &Notify,
    mut letter: Letter,
    environment: &Environment,
    limit: Duration,
    notes: &mut Vec<String>,
) -> Result<(), Failure> {
    notes.push(format!("date: {}", letter.date.to_rfc2822()));
    notes.push(format!("to: {}", letter.to.join(", ")));
    notes.push(format!("subject: {}", letter.subject));
    if limit.is_zero() {
        return Err(Failure::new(exit::TIMED_OUT, "no time was left for it"));
    }
    if notify.smtp_url.trim().is_empty() {
        let handed = sendmail::deliver(&letter.format(), environment, limit);
        notes.extend((!handed.output.trim().is_empty()).then(|| handed.output.trim_end().to_owned()));
        return handed.result;
    }
    let server = Server::read(&notify.smtp_url)?;
    let from = server.from(&letter.domain);
    notes.push(format!("from: {from}"));
    notes.push(format!("server: {}", server.shown()));
    letter.from = Some(from);
    notes.push(format!("answer: {}", server.deliver(&letter, limit)?));
    Ok(())
}

/// Writes down what came of it. What the person needs stands in the run's own lines as well, so this is not waited for
/// without end: the file system may be frozen.
fn keep(transcript: &Path, notes: &[String], secrets: &Secrets) {
    let text = secrets.mask(&notes.join("\n")).into_owned() + "\n";
    let (done, wait) = channel();
    let path = transcript.to_owned();
    let writer = std::thread::Builder::new().name("transcript".into());
    let started = writer.spawn(move || drop(done.send(beside::replace(&path, text.as_bytes()))));
    let why = match started.map(|_| wait.recv_timeout(KEPT_WITHIN)) {
        Ok(Ok(Ok(()))) => return,
        Ok(Ok(Err(error))) | Err(error) => error.to_string(),
        Ok(Err(_)) => format!("no answer within {}s: is its file system frozen?", KEPT_WITHIN.as_secs()),
    };
    say::warn(format!("⚠️ The mail's transcript {} cannot be written ({why})", transcript.display()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masking::heard::heard;
    use crate::report::peer::{self, Smtp, base64, header};
    use crate::report::{Status, fixture};
    use std::fs;
    use std::path::PathBuf;
    use std::time::Instant;

    /// A folder with a log, and what a mail is sent by.
    struct Sender {
        folder: tempfile::TempDir,
        notify: Notify,
        environment: Environment,
        document: Document,
        secrets: Secrets,
        limit: Duration,
    }

    impl Sender {
        fn new(smtp_url: String) -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            fs::write(folder.path().join("backup-last.log"), "first line\n.\nthe s3cret grün\n").expect("is written");
            let recipients = ("MAILX_RCPT", "ops@example.org, boss@example.org");
            let notify = Notify { smtp_url, ..fixture::notify(&[recipients]) };
            let mut secrets = Secrets::new();
            secrets.add("s3cret");
            let document = fixture::document();
            let limit = Duration::from_secs(20);
            Self { folder, notify, environment: Environment::default(), document, secrets, limit }
        }

        /// To a server on the loopback, without TLS.
        fn to(server: &Smtp, login: &str) -> Self {
            Self::new(format!("smtp://{login}127.0.0.1:{}?tls=none", server.port()))
        }

        /// By a `sendmail` that does this.
        fn by(script: &str) -> Self {
            let mut sender = Self::new(String::new());
            sender.environment = fixture::sendmail(sender.folder.path(), script);
            sender
        }

        fn send(&self) -> (Sent, Vec<String>) {
            let log = self.folder.path().join("backup-last.log");
            let files = Files { log: &log, transcript: &self.path(), flush: &|| {} };
            heard(|| send(&self.notify, &self.document, &files, &self.environment, &self.secrets, self.limit))
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("backup-mail-last.log")
        }

        fn transcript(&self) -> String {
            fs::read_to_string(self.path()).expect("is there")
        }
    }

    #[test]
    fn a_mail_goes_to_the_server_with_login_and_every_recipient() {
        let server = Smtp::new(None);
        let mut sender = Sender::to(&server, "me%40example.org:p%40w@");
        sender.document.details = "grün (snap 0a1b2c3d), and more text than fits into one line of a header".to_owned();
        let (sent, lines) = sender.send();
        assert_eq!(sent, Sent::Delivered, "{lines:?}");
        let to = "ops@example.org, boss@example.org";
        assert_eq!(
            lines,
            [
                format!("info: 📧 Sending email notification to {to}..."),
                "info: ✅ Mail notification successfully sent".to_owned()
            ]
        );
        let talk = server.talk();
        let commands: Vec<_> = talk.iter().filter(|line| line.contains("FROM:<") || line.contains("TO:<")).collect();
        assert!(talk[0].starts_with("EHLO node-a"), "{talk:?}");
        assert_eq!(base64(talk[1].strip_prefix("AUTH PLAIN ").expect("a login")), "\0me@example.org\0p@w");
        assert!(commands[0].starts_with("MAIL FROM:<me@example.org>"), "{commands:?}");
        assert_eq!(commands[1..], ["RCPT TO:<ops@example.org>", "RCPT TO:<boss@example.org>"]);
        assert_eq!(header(&talk, "From"), "me@example.org");
        assert_eq!(header(&talk, "To"), to);
        assert_eq!(header(&talk, "Subject"), subject(&sender.document));
        assert_eq!(header(&talk, "Content-Type"), "text/plain; charset=utf-8");
        let empty = talk.iter().position(String::is_empty).expect("the head ends");
        let end = talk.iter().position(|line| line == ".").expect("the mail ends");
        assert_eq!(header(&talk, "Content-Transfer-Encoding"), "quoted-printable");
        assert_eq!(talk[empty + 1..end], ["first line", "..", "the *** gr=C3=BCn"]);
        let transcript = sender.transcript();
        assert!(transcript.contains("answer: 250 2.0.0 queued as 4711\nresult: sent\n"), "{transcript}");
        assert!(!transcript.contains("p@w") && !transcript.contains("p%40w"), "{transcript}");
    }

    #[test]
    fn a_server_that_offers_no_tls_is_spoken_to_without() {
        let server = Smtp::new(None);
        let sender = Sender::new(format!("smtp://127.0.0.1:{}", server.port()));
        assert_eq!(sender.send().0, Sent::Delivered, "{}", sender.transcript());
        assert_eq!(header(&server.talk(), "From"), "boathook@node-a");
        let sender = Sender::new(format!("smtp://127.0.0.1:{}?tls=required", server.port()));
        assert!(matches!(sender.send().0, Sent::Failed(_)), "{}", sender.transcript());
        assert!(!server.talk().iter().any(|line| line.starts_with("MAIL")));
    }

    #[test]
    fn a_refusal_of_the_server_is_told_with_its_mend() {
        let server = Smtp::new(Some(("AUTH", "535 5.7.8 no, me@s3cret")));
        let sender = Sender::to(&server, "me:pw@");
        let (sent, lines) = sender.send();
        assert_eq!(sent, Sent::Failed(77));
        let start = format!(
            "error: ❌ Sending mail notification FAILED. Check {} for further information. (",
            sender.path().display()
        );
        assert!(lines[1].starts_with(&start), "{lines:?}");
        assert!(lines[1].contains("5.7.8 no, me@***") && lines[1].contains("check user and password"), "{lines:?}");
        assert!(sender.transcript().contains("result: not sent (77): "), "{}", sender.transcript());

        let server = Smtp::new(Some(("RCPT TO:<boss", "550 5.1.1 nobody here")));
        let (sent, lines) = Sender::to(&server, "").send();
        assert_eq!(sent, Sent::Failed(69));
        assert!(lines[1].contains("nobody here") && lines[1].contains("MAILX_RCPT"), "{lines:?}");
    }

    #[test]
    fn a_silent_or_missing_server_costs_no_more_than_the_limit() {
        let server = Smtp::silent();
        let mut sender = Sender::to(&server, "");
        sender.limit = Duration::from_millis(300);
        let started = Instant::now();
        let (sent, lines) = sender.send();
        assert!(matches!(sent, Sent::Failed(_)), "{lines:?}");
        assert!(started.elapsed() < Duration::from_secs(10));

        let sender = Sender::new(format!("smtp://{}?tls=none", peer::nobody()));
        let (sent, lines) = sender.send();
        assert_eq!(sent, Sent::Failed(69));
        assert!(lines[1].contains("check host and port"), "{lines:?}");
    }

    #[test]
    fn an_smtps_address_with_a_plain_server_behind_it_is_told() {
        let server = Smtp::new(None);
        let sender = Sender::new(format!("smtps://127.0.0.1:{}", server.port()));
        let (sent, lines) = sender.send();
        assert_eq!(sent, Sent::Failed(69));
        assert!(lines[1].contains("does it speak TLS on this port"), "{lines:?}");
    }

    #[test]
    fn a_mail_goes_through_sendmail() {
        let sender = Sender::by("cat >\"$OUT\"; echo queued");
        let (sent, lines) = sender.send();
        assert_eq!(sent, Sent::Delivered, "{lines:?}");
        let mail = fs::read_to_string(sender.folder.path().join("out")).expect("is there");
        let mail: Vec<_> = mail.split('\n').map(str::to_owned).collect();
        assert_eq!(header(&mail, "To"), "ops@example.org, boss@example.org");
        assert_eq!(header(&mail, "Subject"), subject(&sender.document));
        assert!(!mail.iter().any(|line| line.starts_with("From:") || line.ends_with('\r')), "{mail:?}");
        assert!(mail.ends_with(&["first line", ".", "the *** gr=C3=BCn", ""].map(str::to_owned)), "{mail:?}");
        assert!(sender.transcript().ends_with("\nqueued\nresult: sent\n"), "{}", sender.transcript());
    }

    #[test]
    fn a_sendmail_that_fails_or_is_missing_is_told() {
        let sender = Sender::by("echo the s3cret server; exit 75");
        let (sent, lines) = sender.send();
        assert_eq!(sent, Sent::Failed(75));
        assert!(lines[1].ends_with("exit code 75 (mail server not available for now): the *** server)"), "{lines:?}");
        assert!(!sender.transcript().contains("s3cret"), "{}", sender.transcript());
    }

    #[test]
    fn a_log_that_is_gone_is_told_and_the_mail_goes_out() {
        let mut sender = Sender::by("cat >\"$OUT\"");
        fs::remove_file(sender.folder.path().join("backup-last.log")).expect("was there");
        sender.document.status = Status::Failure;
        sender.document.exit_code = 1;
        sender.document.reason = "the s3cret is wrong".to_owned();
        let (sent, lines) = sender.send();
        assert_eq!(sent, Sent::Delivered);
        assert!(lines[1].starts_with("error: ❌ notify_mail: the log "), "{lines:?}");
        let mail = fs::read_to_string(sender.folder.path().join("out")).expect("is there");
        assert!(mail.contains("exit code: 1\nthe *** is wrong\n"), "{mail}");
    }

    #[test]
    fn a_recipient_that_cannot_be_one_keeps_no_other_from_the_mail() {
        let mut sender = Sender::by("cat >\"$OUT\"");
        sender.notify.mail_recipient = "ops@example.org,bo@ss@example.org".to_owned();
        let (sent, lines) = sender.send();
        assert_eq!(sent, Sent::Delivered);
        assert!(lines[1].contains("'bo@ss@example.org' cannot be a mail address"), "{lines:?}");
        sender.notify.mail_recipient = "bo@ss@example.org".to_owned();
        let (sent, lines) = sender.send();
        assert_eq!((sent, lines.len()), (Sent::Failed(2), 2));
    }

    #[test]
    fn only_trouble_is_sent_when_asked_so_and_always_of_replicate() {
        let mut sender = Sender::new("smtp://nobody.invalid".to_owned());
        sender.limit = Duration::ZERO;
        let mut sent = |job: &str, on_error, status| {
            sender.document.job = job.to_owned();
            sender.document.status = status;
            sender.document.exit_code = i32::from(matches!(status, Status::Failure | Status::Interrupted));
            sender.notify.mail_on_error = on_error;
            sender.send().0
        };
        let tried = Sent::Failed(124);
        assert_eq!(sent("backup", false, Status::Success), tried);
        assert_eq!(sent("backup", false, Status::Skipped), tried);
        assert_eq!(sent("backup", true, Status::Success), Sent::NotDue);
        assert_eq!(sent("backup", true, Status::Skipped), Sent::NotDue);
        assert_eq!(sent("replicate", false, Status::Success), Sent::NotDue);
        for status in [Status::Warning, Status::Failure, Status::Interrupted] {
            assert_eq!(sent("backup", true, status), tried);
            assert_eq!(sent("replicate", false, status), tried);
        }
    }

    #[test]
    fn nothing_is_said_when_nobody_is_to_get_mail() {
        let mut sender = Sender::new(String::new());
        sender.notify.mail_recipient = " ".to_owned();
        assert_eq!(sender.send(), (Sent::Off, vec![]));
        assert!(!sender.path().exists());
    }

    #[test]
    fn a_transcript_that_cannot_be_written_keeps_no_mail() {
        let sender = Sender::by("cat >/dev/null");
        fs::create_dir(sender.path()).expect("is in the way");
        let (sent, lines) = sender.send();
        assert_eq!(sent, Sent::Delivered);
        assert!(lines[1].starts_with("error: ⚠️ The mail's transcript "), "{lines:?}");
    }
}
