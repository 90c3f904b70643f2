//! How settings that hold secrets show themselves to whoever prints them for debugging: without the secrets.

use super::{Environment, Notify, Repository, WordList};
use crate::masking::{MASK, endpoint};
use std::fmt::{Debug, Formatter, Result};

impl Debug for Environment {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_set().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

impl Debug for Repository {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("Repository")
            .field("shown", &self.shown)
            .field("file", &self.file)
            .field("password", &self.password)
            .field("tag", &self.tag)
            .field("cacert", &self.cacert_given)
            .field("auto_unlock", &self.auto_unlock)
            .field("check_status", &self.check_status)
            .finish_non_exhaustive()
    }
}

impl Debug for WordList {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("WordList").field("words", &self.words.len()).field("error", &self.error).finish_non_exhaustive()
    }
}

impl Debug for Notify {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let unless_empty = |value: &str, shown: String| if value.is_empty() { String::new() } else { shown };
        f.debug_struct("Notify")
            .field("webhook_url", &unless_empty(&self.webhook_url, endpoint(&self.webhook_url)))
            .field("webhook_auth", &unless_empty(&self.webhook_auth, MASK.to_owned()))
            .field("webhook_timeout", &self.webhook_timeout)
            .field("webhook_on_error", &self.webhook_on_error)
            .field("mail_recipient", &self.mail_recipient)
            .field("mail_on_error", &self.mail_on_error)
            .field("smtp_url", &unless_empty(&self.smtp_url, MASK.to_owned()))
            .field("metrics_dir", &self.metrics_dir)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::{Environment, read};

    #[test]
    fn no_secret_shows_in_what_is_printed_for_debugging() {
        let environment: Environment = [
            ("RESTIC_REPOSITORY", "rest:https://alice:s3cret@h/r"),
            ("RESTIC_PASSWORD", "s3cret"),
            ("RESTIC_JOB_ARGS", "--x s3cret"),
            ("WEBHOOK_URL", "https://h/s3cret"),
            ("WEBHOOK_HEADER_AUTH", "Bearer s3cret"),
            ("SMTP_URL", "smtp://me:s3cret@h"),
            ("WEBHOOK_TIMEOUT", "s3cret"),
        ]
        .into_iter()
        .collect();
        let shown = format!("{:?}", read(&environment));
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(shown.contains("rest:https://alice:***@h/r"), "{shown}");
    }
}
