//! The ways that reports take: webhook and mail, as far as can be told without sending anything.

use super::Finding;
use super::access::readable;
use super::configuration::Keyed;
use crate::report;
use crate::settings::{Environment, Settings};
use std::path::Path;

/// Configuration of the mail program that the image uses to have.
const MSMTP: &str = "/etc/msmtprc";

/// What is wrong with a channel that is switched on.
pub(super) fn findings(settings: &Settings) -> Vec<Keyed> {
    let notify = &settings.notify;
    let mut findings = Vec::new();
    if !notify.webhook_url.is_empty() {
        findings.extend(webhook(&notify.webhook_url));
    }
    if !notify.mail_recipient.is_empty() {
        findings.extend(recipient(&notify.mail_recipient));
        findings.extend(if notify.smtp_url.is_empty() {
            sendmail(&settings.environment)
        } else {
            smtp(&notify.smtp_url)
        });
    }
    findings
}

fn webhook(url: &str) -> Option<Keyed> {
    let problem = report::webhook_problem(url)?;
    Some(Keyed::new("WEBHOOK_URL", Finding::fail(format!("No webhook is delivered: {problem}"))))
}

fn smtp(url: &str) -> Option<Keyed> {
    let problem = report::mail_server_problem(url)?;
    Some(Keyed::new("SMTP_URL", Finding::fail(format!("No mail is delivered: {problem}"))))
}

fn recipient(recipients: &str) -> Option<Keyed> {
    let bad = report::bad_recipients(recipients);
    let named: Vec<String> = bad.iter().map(|recipient| format!("'{recipient}'")).collect();
    (!bad.is_empty()).then(|| {
        let message = format!("MAILX_RCPT: {} cannot be a mail address: write user@domain", named.join(", "));
        Keyed::new("MAILX_RCPT", Finding::fail(message))
    })
}

fn sendmail(environment: &Environment) -> Option<Keyed> {
    let key = "MAILX_RCPT";
    let Some(found) = report::sendmail_program(environment) else {
        let message = "MAILX_RCPT is set, but there is no sendmail program: set SMTP_URL, or install one";
        return Some(Keyed::new(key, Finding::warn(message)));
    };
    let is_msmtp = found.canonicalize().is_ok_and(|real| real.file_name().is_some_and(|name| name == "msmtp"));
    (is_msmtp && !readable(Path::new(MSMTP))).then(|| {
        let message = format!("MAILX_RCPT is set, but {MSMTP} cannot be read: sendmail (msmtp) knows no mail server");
        Keyed::new(key, Finding::warn(message))
    })
}

#[cfg(test)]
mod tests {
    use super::super::Severity;
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn an_address_that_a_report_would_not_take_is_a_failure_and_is_not_shown() {
        let judged = [
            webhook("https://:80/hunter2"),
            webhook("ftp://host/hunter2"),
            webhook("https://host/hunter2 b"),
            smtp("hunter2hunter2"),
            smtp("smtp://hunter2@mail.example"),
        ];
        for found in judged {
            let finding = found.expect("is wrong").finding;
            assert_eq!(finding.severity, Severity::Fail);
            assert!(!finding.message.contains("hunter2"), "{}", finding.message);
        }
        assert_eq!((webhook("HTTP://host"), smtp("smtps://user:pw@mail.example:465")), (None, None));
    }

    #[test]
    fn recipients_are_those_of_the_mail() {
        for list in ["root", "a@example.org, b@example.org", "a@example.org b@example.org", "Ann <a@example.org>"] {
            assert_eq!(recipient(list), None, "{list}");
        }
        let found = recipient("a@example.org, b@").expect("is wrong").finding.message;
        assert!(found.contains("'b@' cannot be"), "{found}");
    }

    #[test]
    fn a_mail_program_without_its_configuration_is_doubtful() {
        let folder = tempfile::tempdir().expect("there is room");
        let program = folder.path().join("msmtp");
        fs::write(&program, "#!/bin/sh\n").expect("there is room");
        fs::set_permissions(&program, Permissions::from_mode(0o755)).expect("is ours");
        symlink("msmtp", folder.path().join("sendmail")).expect("there is room");
        let environment = Environment::from_iter([("PATH", folder.path())]);
        assert_eq!(sendmail(&environment).is_some(), !readable(Path::new(MSMTP)));
    }
}
