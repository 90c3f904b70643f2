//! What is to be sent, and what would keep it from being sent before anything is tried.

use super::arguments::{Mode, NotifyTestArgs};
use crate::masking;
use crate::settings::{Effect, Settings};

/// What is sent where no subject is given.
const SUBJECT: &str = "Notify test";

/// One of the two ways to tell somebody.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Target {
    /// It is to be tested.
    pub requested: bool,
    /// It has an address.
    pub configured: bool,
}

/// The test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub mode: Mode,
    pub dry_run: bool,
    pub mail: Target,
    pub webhook: Target,
    /// As given, or the default.
    pub subject: String,
    pub message: String,
    /// `MAILX_RCPT` as given.
    pub recipient: String,
    /// `WEBHOOK_URL` as it may be shown; empty if there is none.
    pub webhook_url: String,
    pub has_auth_header: bool,
    /// These three as given, or their default.
    pub mail_on_error: String,
    pub webhook_on_error: String,
    pub webhook_timeout: String,
}

impl Plan {
    pub(super) fn new(arguments: &NotifyTestArgs, settings: &Settings) -> Self {
        let mode = arguments.mode();
        let given = |name: &str| settings.environment.text_or_empty(name);
        let or =
            |name: &str, default: &str| Some(given(name)).filter(|v| !v.is_empty()).unwrap_or_else(|| default.into());
        let url = &settings.notify.webhook_url;
        let recipient = given("MAILX_RCPT");
        let target = |wanted: Mode, configured: bool| Target {
            requested: mode == wanted || mode == Mode::All || mode == Mode::Auto && configured,
            configured,
        };
        Self {
            mode,
            dry_run: arguments.dry_run,
            // One that cannot be used is set up all the same: it is what the test is to find.
            mail: target(Mode::Mail, !recipient.trim().is_empty()),
            webhook: target(Mode::Webhook, !url.is_empty()),
            subject: arguments.subject.clone().unwrap_or_else(|| SUBJECT.to_owned()),
            message: arguments.message.clone().unwrap_or_default(),
            recipient,
            webhook_url: if url.is_empty() { String::new() } else { masking::endpoint(url) },
            has_auth_header: !settings.notify.webhook_auth.is_empty(),
            mail_on_error: or("MAILX_ON_ERROR", "OFF"),
            webhook_on_error: or("WEBHOOK_ON_ERROR", "OFF"),
            webhook_timeout: or("WEBHOOK_TIMEOUT", "10"),
        }
    }

    /// What keeps the test from being one, a line each.
    pub(super) fn problems(&self, settings: &Settings) -> Vec<String> {
        if !self.mail.requested && !self.webhook.requested {
            return vec!["Nothing to test: set MAILX_RCPT (mail) or WEBHOOK_URL (webhook)".to_owned()];
        }
        let mut problems = Vec::new();
        if self.webhook.requested && !self.webhook.configured {
            problems.push("The webhook is not set up: set WEBHOOK_URL to the address to post to".to_owned());
        }
        if self.mail.requested && !self.mail.configured {
            problems.push("The mail is not set up: set MAILX_RCPT to the recipient".to_owned());
        } else if self.mail.requested && settings.notify.mail_recipient.is_empty() {
            // Settings that no mail can be sent with leave no recipient.
            let of_mail = |variable: &str| matches!(variable, "MAILX_RCPT" | "SMTP_URL");
            let wrong = settings.mistakes.iter().find(|wrong| wrong.effect == Effect::Loud && of_mail(wrong.variable));
            problems
                .push(wrong.map_or_else(|| "No mail can be sent: check MAILX_RCPT".to_owned(), ToString::to_string));
        }
        problems
    }

    /// What stands in the mail's subject in the place of a worker's name.
    pub(super) fn title(&self) -> &str {
        let given = self.subject.trim();
        if given.is_empty() { SUBJECT } else { given }
    }
}

/// `ON` or `OFF`.
pub(super) fn on_off(on: bool) -> &'static str {
    if on { "ON" } else { "OFF" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Environment, read};
    use clap::Parser;

    const MAIL: (&str, &str) = ("MAILX_RCPT", "ops@example.org");
    const WEBHOOK: (&str, &str) = ("WEBHOOK_URL", "https://hook.example/secret-path");

    fn with(words: &[&str], pairs: &[(&str, &str)]) -> (Plan, Vec<String>) {
        let settings = read(&pairs.iter().copied().collect::<Environment>());
        let arguments = NotifyTestArgs::try_parse_from([&["notify-test"], words].concat()).expect("is well-formed");
        let plan = Plan::new(&arguments, &settings);
        let problems = plan.problems(&settings);
        (plan, problems)
    }

    #[test]
    fn auto_tests_what_is_set_up_and_the_others_what_they_say() {
        let requested = |words: &[&str], pairs: &[(&str, &str)]| {
            let (plan, problems) = with(words, pairs);
            (plan.mail.requested, plan.webhook.requested, problems.len())
        };
        assert_eq!(requested(&[], &[]), (false, false, 1));
        assert_eq!(requested(&[], &[MAIL]), (true, false, 0));
        assert_eq!(requested(&[], &[WEBHOOK]), (false, true, 0));
        assert_eq!(requested(&[], &[MAIL, WEBHOOK]), (true, true, 0));
        assert_eq!(requested(&["--mail"], &[MAIL, WEBHOOK]), (true, false, 0));
        assert_eq!(requested(&["--webhook"], &[MAIL]), (false, true, 1));
        assert_eq!(requested(&["--all"], &[]), (true, true, 2));
        assert_eq!(requested(&["--all", "--dry-run"], &[WEBHOOK]), (true, true, 1));
    }

    #[test]
    fn a_mail_that_the_settings_have_switched_off_is_set_up_and_wrong() {
        let (plan, problems) = with(&[], &[MAIL, ("SMTP_URL", "mail.example")]);
        assert!(plan.mail.configured && plan.mail.requested);
        assert!(problems.len() == 1 && problems[0].starts_with("SMTP_URL="), "{problems:?}");
        let (_, problems) = with(&[], &[("MAILX_RCPT", "-oQ/tmp")]);
        assert!(problems[0].starts_with("MAILX_RCPT='-oQ/tmp' is not a mail address"), "{problems:?}");
    }

    #[test]
    fn an_empty_subject_leaves_the_mail_its_own() {
        assert_eq!(with(&["--subject="], &[]).0.title(), "Notify test");
        assert_eq!(with(&["--subject= x "], &[]).0.title(), "x");
        assert_eq!(with(&["--subject="], &[]).0.subject, "");
    }
}
