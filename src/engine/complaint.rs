//! What restic complains of while it works, remembered as far as it explains its end.

use super::wording::plainly;
use crate::masking::say;

/// Longest message that is kept, in characters: a reason is one line of a report.
const LONGEST: usize = 1000;

/// What the system says of a full disk.
const NO_SPACE: &str = "no space left on device";

/// The lines of standard error that explain an end.
#[derive(Debug, Clone, Default)]
pub struct Complaint {
    fatal: Option<String>,
    telling: Option<String>,
    full: Option<String>,
    last: String,
    retries: bool,
    pub(super) locked: bool,
    pub(super) wrong_password: bool,
    pub(super) no_repository: bool,
    pub(super) interrupted: bool,
}

impl Complaint {
    /// Nothing heard yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes note of a line of standard error, JSON or not, or of a message that stands for several.
    pub fn hear(&mut self, text: &str) {
        for line in plainly(text).lines().filter(|line| !line.trim().is_empty()) {
            self.hear_line(line);
        }
    }

    fn hear_line(&mut self, line: &str) {
        self.tell_of_retries(line);
        let short = || line.trim().chars().take(LONGEST).collect::<String>();
        let mut telling = true;
        if line.contains("repository is already locked") {
            self.locked = true;
        } else if line.contains("wrong password or no key found") {
            self.wrong_password = true;
        } else if is_missing_repository(line) {
            self.no_repository = true;
        } else if line.contains("signal interrupt received") {
            self.interrupted = true;
        } else {
            telling = false;
        }
        if telling && self.telling.is_none() {
            self.telling = Some(short());
        }
        if self.fatal.is_none()
            && let Some(fatal) = line.strip_prefix("Fatal: ")
        {
            self.fatal = Some(fatal.trim().chars().take(LONGEST).collect());
        }
        if self.full.is_none() && line.to_ascii_lowercase().contains(NO_SPACE) {
            self.full = Some(short());
        }
        self.last = short();
    }

    /// restic tries for a quarter of an hour what its storage refuses, and says so in the log alone: whoever waits is to
    /// know why, once.
    fn tell_of_retries(&mut self, line: &str) {
        if !self.retries && line.contains("returned error, retrying after") {
            self.retries = true;
            say::warn(format!("⏳ restic tries again what its storage refuses: {}", line.trim()));
        }
    }

    /// The line that says most: restic's own `Fatal:`, a line of a known meaning, or the last one. A full disk is the
    /// cause where restic only counts its errors, so the first word on it is added.
    pub fn message(&self) -> String {
        let said = self.fatal.as_deref().or(self.telling.as_deref()).unwrap_or(&self.last);
        match &self.full {
            Some(full) if !said.to_ascii_lowercase().contains(NO_SPACE) => format!("{said} ({full})"),
            _ => said.to_owned(),
        }
    }
}

/// Before 0.17 restic says the same of a repository that is not there and of one that it cannot reach; the system's or
/// the server's own words tell them apart.
fn is_missing_repository(line: &str) -> bool {
    const ABSENT: [&str; 7] =
        ["no such file", "not found", "Not Found", "does not exist", "404", "NoSuchBucket", "NoSuchKey"];
    line.contains("repository does not exist")
        || (line.contains("unable to open config file")
            && !line.contains("Access Key")
            && ABSENT.iter().any(|word| line.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(text: &str) -> Complaint {
        let mut complaint = Complaint::new();
        complaint.hear(text);
        complaint
    }

    #[test]
    fn the_fatal_line_is_the_message_and_not_what_follows_it() {
        let complaint = heard(
            "Fatal: unable to open config file: stat /r/config: no such file or directory\n\
             Is there a repository at the following location?\n/r",
        );
        assert!(complaint.no_repository);
        assert_eq!(complaint.message(), "unable to open config file: stat /r/config: no such file or directory");
    }

    #[test]
    fn a_lock_is_told_without_a_fatal_line() {
        let complaint = heard(
            "unable to create lock in backend: repository is already locked by PID 7 on node by root (UID 0, GID 0)\n\
             lock was created at 2026-01-02 03:04:05 (2s ago)\nthe `unlock` command can be used to remove stale locks",
        );
        assert!(complaint.locked);
        assert!(complaint.message().starts_with("unable to create lock"), "{}", complaint.message());
    }

    #[test]
    fn a_repository_that_cannot_be_reached_is_not_called_missing() {
        for why in ["Head \"https://repo.example/config\": dial tcp: connection refused", "permission denied"] {
            let told = "Is there a repository at the following location?\nhttps://repo.example";
            assert!(!heard(&format!("Fatal: unable to open config file: {why}\n{told}")).no_repository, "{why}");
        }
    }

    #[test]
    fn what_is_said_as_json_counts_as_well() {
        let complaint =
            heard(r#"{"message_type":"exit_error","code":12,"message":"Fatal: wrong password or no key found"}"#);
        assert!(complaint.wrong_password);
        assert_eq!(complaint.message(), "wrong password or no key found");
    }

    #[test]
    fn without_a_fatal_line_the_last_one_speaks() {
        assert_eq!(heard("one\n\nunknown flag: --bogus\n").message(), "unknown flag: --bogus");
        assert_eq!(Complaint::new().message(), "");
    }

    /// Since 0.17 an error is JSON; before, restic only says that it goes on.
    #[test]
    fn a_full_disk_is_named_where_restic_only_counts() {
        let said = "ignoring error for /a: write /t/a: no space left on device\n\
                    ignoring error for /b: open /t/b: No space left on device\nFatal: There were 95 errors\n";
        let message = heard(said).message();
        assert_eq!(message, "There were 95 errors (ignoring error for /a: write /t/a: no space left on device)");
        assert_eq!(heard("Fatal: write: no space left on device").message(), "write: no space left on device");
    }
}
