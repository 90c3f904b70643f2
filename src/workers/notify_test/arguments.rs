//! The flags of `notify-test`, and its help text.

use clap::Parser;

const NOTES: &str = "\
Needs neither repository nor password. Sends in the very way that runs send, with their proxies, certificates, sendmail \
or SMTP_URL; MAILX_ON_ERROR and WEBHOOK_ON_ERROR do not count here. No other notification tells of the test.

Settings: WEBHOOK_URL, WEBHOOK_HEADER_AUTH, WEBHOOK_TIMEOUT, MAILX_RCPT, SMTP_URL.

Examples:
  notify-test                                   whatever is set up
  notify-test --all                             both must be set up
  notify-test --webhook --message \"new token\"
  notify-test --mail --subject \"Hello from the NAS\"
  notify-test --all --dry-run                   only check what is set up
  NOTIFY_TEST_CRON=\"0 8 1 * *\"                  each month, without flags

Exit codes:
  0    everything that was selected is delivered, or dry run done
  1    a delivery failed; the line above says why
  2    bad usage, nothing to test, or what was selected is not set up
  75   not run: another notify-test runs
  120  a pre hook with onError Fail failed (124: timed out), so nothing was sent
  121  sent, but a post hook with onError Fail failed
  130  interrupted (143: by SIGTERM)";

/// What is tested.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Mode {
    /// What is set up.
    #[default]
    Auto,
    /// The mail.
    Mail,
    /// The webhook.
    Webhook,
    /// Both.
    All,
}

impl Mode {
    /// The word in lines and summaries.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Mail => "mail",
            Self::Webhook => "webhook",
            Self::All => "all",
        }
    }
}

/// The arguments of `notify-test`.
#[derive(Parser, Debug, Clone, Default, PartialEq, Eq)]
#[command(
    name = "notify-test",
    about = "Sends a webhook and a mail, to see that they arrive.",
    long_about = "Sends a webhook and a mail, to see that they arrive.\n\nOf --mail, --webhook and --all the last one \
                  counts; without any, what is set up is tested. A value may be given again: the last one counts. \
                  Values follow as the next word or after '='.",
    after_help = NOTES,
    args_override_self = true
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag, and the last of three counts")]
pub struct NotifyTestArgs {
    /// Test the mail [default: off, what is set up is tested]
    #[arg(long, overrides_with_all = ["webhook", "all"])]
    pub mail: bool,

    /// Test the webhook [default: off, what is set up is tested]
    #[arg(long, overrides_with_all = ["mail", "all"])]
    pub webhook: bool,

    /// Test both [default: off, what is set up is tested]
    #[arg(long, overrides_with_all = ["mail", "webhook"])]
    pub all: bool,

    /// Check and say what would be sent, and send nothing [default: off]
    #[arg(long)]
    pub dry_run: bool,

    /// Text in the mail's subject, and `subject` in the webhook [default: Notify test]
    #[arg(long, value_name = "TEXT")]
    pub subject: Option<String>,

    /// A line for the mail's text, and `message` in the webhook [default: none]
    #[arg(long, value_name = "TEXT")]
    pub message: Option<String>,
}

impl NotifyTestArgs {
    pub(super) fn mode(&self) -> Mode {
        match (self.mail, self.webhook, self.all) {
            (true, _, _) => Mode::Mail,
            (_, true, _) => Mode::Webhook,
            (_, _, true) => Mode::All,
            _ => Mode::Auto,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(words: &[&str]) -> Result<NotifyTestArgs, clap::Error> {
        NotifyTestArgs::try_parse_from(std::iter::once("notify-test").chain(words.iter().copied()))
    }

    #[test]
    fn the_last_of_mail_webhook_and_all_counts() {
        for (words, mode) in [
            (&[][..], Mode::Auto),
            (&["--mail"], Mode::Mail),
            (&["--all", "--mail", "--webhook"], Mode::Webhook),
            (&["--webhook", "--mail", "--all", "--all"], Mode::All),
            (&["--mail", "--all", "--dry-run", "--mail"], Mode::Mail),
        ] {
            assert_eq!(parse(words).expect("is well-formed").mode(), mode, "{words:?}");
        }
    }

    #[test]
    fn a_text_follows_as_a_word_or_after_an_equals_sign() {
        let apart = parse(&["--subject", "a b", "--message", "x"]).expect("is well-formed");
        assert_eq!(apart, parse(&["--subject=z", "--subject=a b", "--message=x"]).expect("is well-formed"));
        let empty = parse(&["--subject=", "--message="]).expect("is well-formed");
        assert_eq!((empty.subject.as_deref(), empty.message.as_deref()), (Some(""), Some("")));
    }

    #[test]
    fn usage_errors_are_refused() {
        for words in
            [&["--subject"][..], &["--message"], &["--message", "--dry-run"], &["--mail=x"], &["stray"], &["--no"]]
        {
            assert_eq!(parse(words).expect_err("is wrong").exit_code(), 2, "{words:?}");
        }
    }

    #[test]
    fn the_help_names_every_flag_with_its_default_and_the_exit_codes() {
        let help = NotifyTestArgs::command().render_long_help().to_string();
        for argument in NotifyTestArgs::command().get_arguments() {
            let flag = argument.get_long().expect("every argument is a flag");
            let start = help.find(&format!("      --{flag}")).expect(flag);
            let after: String = help[start..].lines().take(4).collect();
            assert!(after.contains("[default: "), "--{flag}: {after}");
        }
        assert!(help.contains("Exit codes:") && help.contains("Examples:") && help.contains("NOTIFY_TEST_CRON"));
    }

    #[test]
    fn the_documentation_has_a_row_for_every_flag() {
        let page = include_str!("../../../docs/notify-test.md");
        for argument in NotifyTestArgs::command().get_arguments() {
            let flag = argument.get_long().expect("every argument is a flag");
            assert!(page.lines().any(|line| line.starts_with(&format!("| `--{flag}"))), "--{flag}");
        }
    }
}
