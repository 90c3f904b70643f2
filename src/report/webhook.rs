//! The webhook.

use super::masked::masked;
use super::post::{Attempt, Letter, curl};
use super::sent::{Failure, is_trouble, seconds};
use super::{Document, Sent, json};
use crate::masking::{self, Secrets, say};
use crate::settings::{Environment, Notify};
use std::time::{Duration, Instant};

/// How long after a failure that may pass by itself the second and last attempt is made, if there is time for it.
const PAUSE: Duration = Duration::from_secs(1);

/// No request takes longer than a day, whatever the setting: times that far away cannot be reckoned with.
const MOST: Duration = Duration::from_secs(24 * 60 * 60);

/// Posts the summary. Says what it does and what came of it; `limit` shortens the setting's own (a stop is due).
/// Does nothing when no webhook is set or this outcome is not to be sent. Proxies are those of `environment`.
pub fn send(
    notify: &Notify,
    document: &Document,
    environment: &Environment,
    secrets: &Secrets,
    limit: Option<Duration>,
) -> Sent {
    if notify.webhook_url.is_empty() {
        return Sent::Off;
    }
    if notify.webhook_on_error && !is_trouble(document) {
        return Sent::NotDue;
    }
    let limit = limit.unwrap_or(MOST).min(notify.webhook_timeout).min(MOST);
    let shown = masking::endpoint(&notify.webhook_url);
    let auth = if notify.webhook_auth.is_empty() { "" } else { ", auth header set" };
    say::info(format!("📡 Posting {} webhook to {shown} (timeout {}{auth})...", document.job, seconds(limit)));
    let body = json::webhook(&masked(document, secrets));
    match Letter::new(&notify.webhook_url, &notify.webhook_auth, &body, environment, secrets)
        .and_then(|letter| deliver(&letter, limit))
    {
        Ok(()) => {
            say::info("✅ Webhook delivered (HTTP 2xx)");
            Sent::Delivered
        }
        Err(Failure { code, reason }) => {
            // The words `curl exit` and its codes are what people search their logs for.
            let reason = secrets.mask(&reason);
            say::error(format!("❌ Webhook delivery to {shown} failed (curl exit {code}): {reason}"));
            Sent::Failed(code)
        }
    }
}

fn deliver(letter: &Letter<'_>, limit: Duration) -> Result<(), Failure> {
    let deadline = Instant::now() + limit;
    if limit.is_zero() {
        return Err(Failure::new(curl::TIMED_OUT, "no time was left for it"));
    }
    let Err(Attempt { failure, passing }) = letter.post(limit) else { return Ok(()) };
    let left = deadline.saturating_duration_since(Instant::now());
    // An attempt that cannot get an answer in time says less than the first one did.
    if !passing || left < 2 * PAUSE {
        return Err(failure);
    }
    say::log_only(format!("🔄 Webhook not delivered, one more attempt in {}: {}", seconds(PAUSE), failure.reason));
    std::thread::sleep(PAUSE);
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(failure);
    }
    letter.post(left).map_err(|attempt| attempt.failure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masking::heard::heard;
    use crate::report::peer::{self, Http};
    use crate::report::{Status, fixture};

    fn notify(url: String) -> Notify {
        Notify { webhook_url: url, ..fixture::notify(&[("WEBHOOK_TIMEOUT", "20")]) }
    }

    fn sent(notify: &Notify) -> (Sent, Vec<String>) {
        sent_with(notify, &Environment::default(), None)
    }

    fn sent_with(notify: &Notify, environment: &Environment, limit: Option<Duration>) -> (Sent, Vec<String>) {
        heard(|| send(notify, &fixture::document(), environment, &Secrets::new(), limit))
    }

    /// Sends to a server that gives these answers, and gives the last line.
    fn answered(answers: &[&str]) -> (Sent, String) {
        let server = Http::answering(answers);
        let (sent, mut lines) = sent(&notify(server.url("/hook")));
        (sent, lines.pop().unwrap_or_default())
    }

    #[test]
    fn a_summary_is_posted_with_its_headers() {
        let server = Http::answering(&["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"]);
        let mut notify = notify(server.url("/hook?tok=1"));
        notify.webhook_auth = "Bearer  x=".to_owned();
        let (sent, lines) = sent(&notify);
        assert_eq!(sent, Sent::Delivered);
        let shown = masking::endpoint(&notify.webhook_url);
        let first = format!("info: 📡 Posting backup webhook to {shown} (timeout 20s, auth header set)...");
        assert_eq!(lines, [first.as_str(), "info: ✅ Webhook delivered (HTTP 2xx)"]);
        let request = server.request();
        assert!(request.starts_with("POST /hook?tok=1 HTTP/1.1\r\n"), "{request}");
        let (head, body) = request.split_once("\r\n\r\n").expect("has a head");
        let headers: Vec<_> = head.lines().map(str::to_ascii_lowercase).collect();
        assert!(headers.contains(&"content-type: application/json".to_owned()), "{head}");
        assert!(head.contains(": Bearer  x="), "{head}");
        assert!(headers.contains(&format!("content-length: {}", body.len())), "{head}");
        assert_eq!(body, json::webhook(&fixture::document()));
    }

    #[test]
    fn user_and_password_of_the_address_are_sent_as_basic_authorization() {
        let server = Http::answering(&["HTTP/1.1 204 No Content\r\n\r\n"]);
        let url = server.url("/").replace("://", "://Aladdin:open%20sesame@");
        let (sent, lines) = sent(&notify(url));
        assert_eq!(sent, Sent::Delivered, "{lines:?}");
        let request = server.request();
        assert!(request.contains(": Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"), "{request}");
        assert!(!request.contains("Aladdin"), "{request}");
    }

    #[test]
    fn every_2xx_is_delivered() {
        let delivered = (Sent::Delivered, "info: ✅ Webhook delivered (HTTP 2xx)".to_owned());
        assert_eq!(answered(&["HTTP/1.1 204 No Content\r\n\r\n"]), delivered);
        assert_eq!(answered(&["HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"]), delivered);
    }

    #[test]
    fn a_redirect_is_a_failure_that_names_the_new_host() {
        let (sent, line) =
            answered(&["HTTP/1.1 301 Moved Permanently\r\nLocation: https://new.example/s3cret\r\n\r\n"]);
        assert_eq!(sent, Sent::Failed(22));
        let end = "failed (curl exit 22): the server answered HTTP 301 Moved Permanently, a redirect to new.example; \
                   redirects are not followed: put the final address into WEBHOOK_URL";
        assert!(line.starts_with("error: ❌ Webhook delivery to ") && line.ends_with(end), "{line}");
    }

    #[test]
    fn a_refusal_is_quoted_with_its_mend() {
        let (sent, line) = answered(&["HTTP/1.1 404 Not Found\r\nContent-Length: 13\r\n\r\nno\nsuch\u{1b}hook"]);
        assert_eq!(sent, Sent::Failed(22));
        assert!(
            line.ends_with("(curl exit 22): the server answered HTTP 404 Not Found; check WEBHOOK_URL: no such hook"),
            "{line}"
        );
    }

    #[test]
    fn what_may_pass_by_itself_is_tried_once_more() {
        let answers = ["HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"];
        let server = Http::answering(&answers);
        let (sent, lines) = sent(&notify(server.url("/")));
        assert_eq!(sent, Sent::Delivered);
        assert!(lines[1].starts_with("log: 🔄 Webhook not delivered, one more attempt in 1s: "), "{lines:?}");
        assert_eq!(server.request(), server.request());
    }

    #[test]
    fn a_server_error_is_told_after_two_attempts() {
        let error = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\noops";
        let server = Http::answering(&[error, error, "HTTP/1.1 200 OK\r\n\r\n"]);
        let (sent, lines) = sent(&notify(server.url("/")));
        assert_eq!(sent, Sent::Failed(22));
        assert!(lines[2].contains("HTTP 500") && lines[2].ends_with("server's side: oops"), "{lines:?}");
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn a_refused_connection_is_curls_7() {
        let (sent, lines) = sent(&notify(format!("http://{}/", peer::nobody())));
        assert_eq!(sent, Sent::Failed(7));
        assert!(lines[2].contains("(curl exit 7): no connection to the server ("), "{lines:?}");
    }

    #[test]
    fn a_silent_peer_is_left_at_the_limit() {
        let server = Http::silent();
        let started = Instant::now();
        let limit = Duration::from_millis(300);
        let (sent, lines) = sent_with(&notify(server.url("/")), &Environment::default(), Some(limit));
        assert_eq!(sent, Sent::Failed(28));
        assert!(started.elapsed() >= limit && started.elapsed() < Duration::from_secs(10));
        assert!(lines[0].ends_with("(timeout 0.3s)..."), "{lines:?}");
        assert!(lines[1].contains("(curl exit 28): no answer within 0.3s; "), "{lines:?}");
    }

    #[test]
    fn a_peer_that_dribbles_is_left_at_the_limit() {
        let server = Http::dribbling("HTTP/1.1 500 x\r\nContent-Length: 1000000\r\n\r\n");
        let started = Instant::now();
        let limit = Duration::from_millis(400);
        let (sent, lines) = sent_with(&notify(server.url("/")), &Environment::default(), Some(limit));
        assert_eq!(sent, Sent::Failed(22), "{lines:?}");
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_huge_answer_is_not_read_to_its_end() {
        let server = Http::endless("HTTP/1.1 400 Bad Request\r\n\r\n");
        let (sent, lines) = sent(&notify(server.url("/")));
        assert_eq!(sent, Sent::Failed(22));
        assert!(lines[1].ends_with("xxx…") && lines[1].len() < 600, "{lines:?}");
        let server = Http::endless("HTTP/1.1 200 OK\r\n\r\n");
        assert_eq!(sent_with(&notify(server.url("/")), &Environment::default(), None).0, Sent::Delivered);
        let server = Http::endless("HTTP/1.1 200 OK\r\nX: ");
        assert_eq!(sent_with(&notify(server.url("/")), &Environment::default(), None).0, Sent::Failed(56));
    }

    #[test]
    fn what_does_not_speak_http_or_tls_is_told_apart() {
        assert_eq!(answered(&["220 mail.example ESMTP\r\n"]).0, Sent::Failed(8));
        assert_eq!(answered(&[""]).0, Sent::Failed(52));
        let server = Http::answering(&["HTTP/1.1 400 Bad Request\r\n\r\n"]);
        let (sent, lines) = sent(&notify(server.url("/").replace("http://", "https://")));
        // A machine without a CA store (77) has no TLS to try.
        assert!(matches!(sent, Sent::Failed(35 | 77)), "{lines:?}");
    }

    #[test]
    fn an_unknown_host_is_curls_6() {
        let (sent, lines) = sent(&notify("http://no-such-host.invalid/".to_owned()));
        assert_eq!(sent, Sent::Failed(6));
        assert!(lines.last().is_some_and(|line| line.contains("no-such-host.invalid")), "{lines:?}");
    }

    #[test]
    fn a_bad_address_is_one_error_line() {
        let (sent, lines) = sent(&notify("https://ho st/".to_owned()));
        assert_eq!(sent, Sent::Failed(3));
        assert!(lines.len() == 2 && lines[1].starts_with("error: ❌ "), "{lines:?}");
    }

    #[test]
    fn a_proxy_of_the_environment_is_asked_for_a_tunnel() {
        let proxy = Http::answering(&["HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"]);
        let environment = [("HTTPS_PROXY", proxy.url(""))].into_iter().collect();
        let (sent, lines) = sent_with(&notify("https://hook.invalid/x".to_owned()), &environment, None);
        assert_eq!(sent, Sent::Failed(56), "{lines:?}");
        assert!(proxy.request().starts_with("CONNECT hook.invalid:443 HTTP/1.1\r\n"));
    }

    #[test]
    fn only_trouble_is_sent_when_asked_so() {
        let mut notify = notify(format!("http://{}/", peer::nobody()));
        notify.webhook_on_error = true;
        let with = |status, exit_code| {
            let document = Document { exit_code, status, ..fixture::document() };
            let limit = Some(Duration::ZERO);
            heard(|| send(&notify, &document, &Environment::default(), &Secrets::new(), limit))
        };
        assert_eq!(with(Status::Success, 0), (Sent::NotDue, vec![]));
        assert_eq!(with(Status::Skipped, 0), (Sent::NotDue, vec![]));
        for (status, code) in [(Status::Warning, 0), (Status::Failure, 1), (Status::Interrupted, 143)] {
            assert_eq!(with(status, code).0, Sent::Failed(28));
        }
    }

    #[test]
    fn a_limit_without_end_is_no_trouble() {
        let server = Http::answering(&["HTTP/1.1 200 OK\r\n\r\n"]);
        let mut notify = notify(server.url("/"));
        notify.webhook_timeout = Duration::MAX;
        assert_eq!(sent_with(&notify, &Environment::default(), Some(Duration::MAX)).0, Sent::Delivered);
    }

    #[test]
    fn nothing_is_said_when_no_webhook_is_set() {
        assert_eq!(sent(&notify(String::new())), (Sent::Off, vec![]));
    }

    #[test]
    fn secrets_reach_neither_the_other_side_nor_the_log() {
        let server = Http::answering(&["HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nbad node-a"]);
        let mut secrets = Secrets::new();
        secrets.add("node-a");
        let notify = notify(server.url("/"));
        let (_, lines) = heard(|| send(&notify, &fixture::document(), &Environment::default(), &secrets, None));
        assert!(server.request().contains("\"hostname\": \"***\""));
        assert!(!lines.concat().contains("node-a"), "{lines:?}");
    }
}
