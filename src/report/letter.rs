//! A mail as it travels (RFC 5322, MIME).

use chrono::{DateTime, Local};
use lettre::address::Address;
use lettre::message::Body;
use lettre::message::header::{ContentType, HeaderName, HeaderValue, Headers, MIME_VERSION_1_0, Subject};
use std::fmt::Write as _;

/// What a mail says, and to whom.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    /// The sender; `None` leaves it to the mail program's own configuration.
    pub from: Option<String>,
    /// Plain addresses; for a mail program also the names of local users.
    pub to: Vec<String>,
    pub subject: String,
    pub body: String,
    /// When it was written.
    pub date: DateTime<Local>,
    /// What tells it apart from all other mails, without the host.
    pub id: String,
    /// A name for us that is fit for an address.
    pub domain: String,
}

impl Letter {
    /// The whole mail, lines ended by CR and LF.
    pub(super) fn format(&self) -> Vec<u8> {
        let body = Body::new(if self.body.is_empty() { "(the log is empty)\n".to_owned() } else { self.body.clone() });
        let mut headers = Headers::new();
        if let Some(from) = &self.from {
            headers.insert_raw(raw("From", from.clone()));
        }
        headers.insert_raw(raw("To", self.to.join(", ")));
        headers.set(Subject::from(self.subject.clone()));
        headers.insert_raw(raw("Date", self.date.to_rfc2822()));
        headers.insert_raw(raw("Message-ID", format!("<{}@{}>", self.id, self.domain)));
        // Nobody's holiday notice shall answer a machine (RFC 3834).
        headers.insert_raw(raw("Auto-Submitted", "auto-generated".to_owned()));
        headers.set(MIME_VERSION_1_0);
        headers.set(ContentType::TEXT_PLAIN);
        headers.set(body.encoding());
        let mut mail = String::new();
        let _ = write!(mail, "{headers}\r\n");
        let mut mail = mail.into_bytes();
        mail.extend_from_slice(body.as_ref());
        mail
    }
}

fn raw(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}

/// The recipients in `MAILX_RCPT`: separated by commas or blanks, each also as `Name <address>`; and what in it cannot
/// be one.
pub(super) fn recipients(list: &str) -> (Vec<String>, Vec<String>) {
    let mut found = Vec::new();
    for piece in list.split([',', ';']) {
        match piece.split_once('<').and_then(|(_, rest)| rest.split_once('>')) {
            Some((address, _)) => found.push(address.trim()),
            None => found.extend(piece.split_whitespace()),
        }
    }
    // What is no address in itself could end the header, or begin another one.
    let (good, bad): (Vec<&str>, Vec<&str>) = found.into_iter().partition(|recipient| {
        let fits = |c: char| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '(' | ')' | '"' | '\\' | ':');
        !recipient.is_empty()
            && recipient.chars().all(fits)
            && (!recipient.contains('@') || recipient.parse::<Address>().is_ok())
    });
    let owned = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect();
    (owned(good), owned(bad))
}

/// The host's name as the part of an address behind the `@`.
pub(super) fn domain(hostname: &str) -> String {
    let fit: String = hostname.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.')).collect();
    let fit = fit.trim_matches(['-', '.']);
    let usable = format!("boathook@{fit}").parse::<Address>().is_ok();
    if usable { fit.to_owned() } else { "localhost".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    fn letter() -> Letter {
        Letter {
            from: None,
            to: vec!["root".to_owned(), "ops@example.org".to_owned()],
            subject: "[OK] Backup node-a · 5m12s".to_owned(),
            body: "line\n".to_owned(),
            date: fixture::noon(),
            id: "1.2".to_owned(),
            domain: "node-a".to_owned(),
        }
    }

    #[test]
    fn a_mail_has_the_headers_of_mime() {
        let mail = String::from_utf8(letter().format()).expect("is ASCII");
        assert!(mail.is_ascii());
        let (head, body) = mail.split_once("\r\n\r\n").expect("has a head");
        let headers: Vec<_> = head.split("\r\n").collect();
        for expected in [
            "To: root, ops@example.org",
            "Message-ID: <1.2@node-a>",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: 7bit",
        ] {
            assert!(headers.contains(&expected), "{expected} in {head}");
        }
        assert!(head.contains("Date: Sun, 1 Mar 2026 12:00:00 "), "{head}");
        assert!(!head.contains("From:"), "the mail program has its own: {head}");
        assert!(head.contains("Subject: [OK] Backup node-a =?utf-8?b?"), "{head}");
        assert_eq!(body, "line\r\n");
    }

    #[test]
    fn long_lines_and_other_letters_are_encoded() {
        let mut letter = letter();
        letter.body = format!("grün\n{}\n", "x".repeat(5000));
        let mail = String::from_utf8(letter.format()).expect("is ASCII");
        assert!(mail.is_ascii());
        assert!(mail.split("\r\n").all(|line| line.len() <= 998));
        assert!(!mail.contains("7bit") && !mail.contains("8bit"), "{mail}");
    }

    #[test]
    fn recipients_are_separated_by_commas_and_blanks() {
        let good = |list: &str| {
            let (good, bad) = recipients(list);
            assert!(bad.is_empty(), "{bad:?}");
            good
        };
        assert_eq!(good("a@x.example"), ["a@x.example"]);
        assert_eq!(good(" a@x.example,b@x.example  root\n"), ["a@x.example", "b@x.example", "root"]);
        assert_eq!(good("Ops Team <ops@x.example>, b@x.example"), ["ops@x.example", "b@x.example"]);
        assert_eq!(good("-oQ/tmp@x.example"), ["-oQ/tmp@x.example"], "stands in a header, never among options");
        assert!(good(" , ").is_empty());
    }

    #[test]
    fn what_is_no_address_is_named() {
        let (good, bad) = recipients("a@x.example, b@, ä@x.example, <a@x.example\r\nBcc: c@x.example>");
        assert_eq!(good, ["a@x.example"]);
        assert_eq!(bad, ["b@", "ä@x.example", "a@x.example\r\nBcc: c@x.example"]);
    }

    #[test]
    fn any_host_name_gives_an_address() {
        assert_eq!(domain("node-a.example"), "node-a.example");
        assert_eq!(domain("my host_1"), "myhost1");
        assert_eq!(domain("-·-"), "localhost");
        assert_eq!(domain(""), "localhost");
        assert_eq!(domain("a..b"), "localhost");
    }
}
