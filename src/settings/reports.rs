//! Where reports go: webhook, mail, metrics.

use super::Notify;
use super::reader::Reader;
use super::values::{Switch, duration, positive};
use std::time::Duration;

const WEBHOOK: &str = "WEBHOOK_URL";
const WEBHOOK_TIMEOUT: &str = "WEBHOOK_TIMEOUT";
const RECIPIENT: &str = "MAILX_RCPT";
const SMTP: &str = "SMTP_URL";

/// How long a post may take by default.
const TEN_SECONDS: Duration = Duration::from_secs(10);

/// Reads where reports go. What cannot be used is off, and says so.
pub(super) fn read(reader: &mut Reader<'_>) -> Notify {
    let webhook_url = reader.text(WEBHOOK);
    if !webhook_url.is_empty() && !has_scheme(&webhook_url, &["http", "https"]) {
        reader.loud(WEBHOOK, "is neither http:// nor https://; nothing can be posted", "write the whole URL");
    }
    let webhook_timeout = webhook_timeout(reader);
    let webhook_on_error = reader.switch("WEBHOOK_ON_ERROR", Switch::Off);
    let mut mail_recipient = recipient(reader);
    let smtp_url = match reader.given(SMTP) {
        Some(url) if !is_mail_server(&url) => {
            let mend = "write smtp://host:port or smtps://user:password@host:port";
            reader.loud(SMTP, "is not the URL of a mail server; no mail is sent", mend);
            // Not through `sendmail` instead: the person wanted another way.
            mail_recipient.clear();
            String::new()
        }
        url => url.unwrap_or_default(),
    };
    let metrics = reader.path("METRICS_DIR", "");
    Notify {
        webhook_url,
        webhook_auth: reader.text("WEBHOOK_HEADER_AUTH"),
        webhook_timeout,
        webhook_on_error,
        mail_recipient,
        mail_on_error: reader.switch("MAILX_ON_ERROR", Switch::Off),
        smtp_url,
        metrics_dir: (!metrics.as_os_str().is_empty()).then_some(metrics),
    }
}

fn webhook_timeout(reader: &mut Reader<'_>) -> Duration {
    let given = reader.text(WEBHOOK_TIMEOUT);
    if given.is_empty() {
        return TEN_SECONDS;
    }
    // Not a duration: what was written for other images must mean the same here.
    let read = positive(&given).and_then(|_| duration(&given).ok());
    if read.is_none() {
        let mend = "write whole seconds, at least 1";
        reader.mistake(WEBHOOK_TIMEOUT, "is not a positive integer; using 10s", mend, super::Effect::Fallback);
    }
    read.unwrap_or(TEN_SECONDS)
}

/// The recipient, unless the mail program would take it for something else.
fn recipient(reader: &mut Reader<'_>) -> String {
    let given = reader.text(RECIPIENT);
    if given.starts_with('-') || given.contains(char::is_control) {
        reader.loud(RECIPIENT, "is not a mail address; no mail is sent", "write an address such as me@example.com");
        return String::new();
    }
    given
}

fn has_scheme(url: &str, schemes: &[&str]) -> bool {
    url.split_once("://").is_some_and(|(scheme, rest)| {
        schemes.iter().any(|known| known.eq_ignore_ascii_case(scheme)) && !rest.is_empty() && !rest.starts_with('/')
    })
}

/// `smtp://` or `smtps://`, a host, and a port that is one if it is there.
fn is_mail_server(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://").filter(|_| has_scheme(url, &["smtp", "smtps"])) else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (host, "25"),
    };
    !host.is_empty() && !host.contains(char::is_whitespace) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Effect, read};

    /// Where reports go in this environment, and what is wrong with it beside the work.
    fn notify(pairs: &[(&str, &str)]) -> (Notify, Vec<(&'static str, Effect)>) {
        let settings = read(&pairs.iter().copied().collect());
        let wrong = settings.mistakes.iter().filter(|mistake| !mistake.stops("backup"));
        (settings.notify, wrong.map(|mistake| (mistake.variable, mistake.effect)).collect())
    }

    #[test]
    fn a_mail_server_is_a_scheme_a_host_and_perhaps_a_port() {
        for url in [
            "smtp://mail.example",
            "smtps://me:p%40ss@mail.example:465",
            "SMTP://[::1]:25/",
            "smtp://user@mail:587?tls=required",
            "smtp://[::1]",
        ] {
            assert!(is_mail_server(url), "{url}");
        }
        for url in
            ["mail.example:25", "http://mail", "smtp://", "smtp://me@", "smtp://h:0", "smtp://h:x", "smtp://h:99999"]
        {
            assert!(!is_mail_server(url), "{url}");
        }
    }

    #[test]
    fn mail_is_off_where_its_server_cannot_be_read() {
        let to = (RECIPIENT, "me@example.com");
        let (sound, wrong) = notify(&[to, (SMTP, "smtp://mail.example:25")]);
        assert_eq!((sound.mail_recipient.as_str(), wrong), ("me@example.com", vec![]));
        let (broken, wrong) = notify(&[to, (SMTP, "mail.example")]);
        assert_eq!((broken.mail_recipient.as_str(), broken.smtp_url.as_str()), ("", ""));
        assert_eq!(wrong, [(SMTP, Effect::Loud)]);
    }

    #[test]
    fn a_recipient_is_no_option() {
        let (notify, wrong) = notify(&[(RECIPIENT, "-oQ/tmp")]);
        assert_eq!((notify.mail_recipient.as_str(), wrong), ("", vec![(RECIPIENT, Effect::Loud)]));
    }

    #[test]
    fn the_limit_of_a_post_falls_back_to_ten_seconds() {
        assert_eq!(notify(&[(WEBHOOK_TIMEOUT, "3")]).0.webhook_timeout, Duration::from_secs(3));
        for text in ["0", "10s", "-1", "1.5", " 5", "99999999999999999999"] {
            let (notify, wrong) = notify(&[(WEBHOOK_TIMEOUT, text)]);
            assert_eq!(notify.webhook_timeout, TEN_SECONDS, "{text:?}");
            assert_eq!(wrong, [(WEBHOOK_TIMEOUT, Effect::Fallback)], "{text:?}");
        }
        assert_eq!(notify(&[(WEBHOOK_TIMEOUT, "")]).1, []);
    }

    #[test]
    fn a_webhook_is_posted_by_http() {
        assert_eq!(notify(&[(WEBHOOK, "HTTPS://h/x")]).1, []);
        assert_eq!(notify(&[(WEBHOOK, "h/x")]).1, [(WEBHOOK, Effect::Loud)]);
    }
}
