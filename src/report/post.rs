//! One HTTP request of the webhook, and what its failure means in the codes of curl.

use super::sent::{Failure, seconds};
use crate::http::{self, Asking, Progress, Trouble, UserInfo, mend_of_certificate, proxy_for, quotable};
use crate::masking::Secrets;
use crate::settings::Environment;
use std::io::Read;
use std::time::{Duration, Instant};
use ureq::http::{HeaderValue, Response, Uri, header};
use ureq::{Body, Proxy};

/// curl's own numbers (its manual: EXIT CODES).
pub(super) mod curl {
    pub const UNSUPPORTED_PROTOCOL: i32 = 1;
    pub const BAD_URL: i32 = 3;
    pub const PROXY_NOT_FOUND: i32 = 5;
    pub const HOST_NOT_FOUND: i32 = 6;
    pub const NO_CONNECTION: i32 = 7;
    pub const STRANGE_ANSWER: i32 = 8;
    pub const HTTP_ERROR: i32 = 22;
    pub const TIMED_OUT: i32 = 28;
    pub const TLS: i32 = 35;
    pub const BAD_ARGUMENT: i32 = 43;
    pub const NO_ANSWER: i32 = 52;
    pub const CUT_OFF: i32 = 56;
    pub const CERTIFICATE: i32 = 60;
    pub const NO_CA_STORE: i32 = 77;
}

/// How much of a refusal is quoted: what the other side says is wrong stands at its beginning.
const QUOTED: usize = 200;
/// How much of it is read, in bytes.
const READ_AT_MOST: u64 = 16 * 1024;

/// What is to be posted, and to whom.
pub(super) struct Letter<'a> {
    uri: Uri,
    authorization: Option<HeaderValue>,
    proxy: Option<Proxy>,
    body: &'a str,
    secrets: &'a Secrets,
}

/// A failure, and whether trying again may help.
pub(super) struct Attempt {
    pub failure: Failure,
    pub passing: bool,
}

impl<'a> Letter<'a> {
    /// Reads the address and everything else that can be wrong without anybody else's doing.
    ///
    /// # Errors
    /// When something is.
    pub(super) fn new(
        url: &str,
        auth: &str,
        body: &'a str,
        environment: &Environment,
        secrets: &'a Secrets,
    ) -> Result<Self, Failure> {
        let (uri, info) = target(url)?;
        let given = (!auth.is_empty()).then(|| auth.to_owned()).or_else(|| info.map(|info| info.basic()));
        let authorization = given.map(|value| HeaderValue::from_str(&value)).transpose().map_err(|_| {
            let problem = "WEBHOOK_HEADER_AUTH holds a line break or another control character; write it on one line";
            Failure::new(curl::BAD_ARGUMENT, problem)
        })?;
        let proxy = proxy_for(&uri, environment).map_err(|why| Failure::new(curl::PROXY_NOT_FOUND, why))?;
        Ok(Self { uri, authorization, proxy, body, secrets })
    }

    /// Sends it and waits for the answer, `limit` at most.
    ///
    /// # Errors
    /// When the other side did not take it.
    pub(super) fn post(&self, limit: Duration) -> Result<(), Attempt> {
        let started = Instant::now();
        let asking = Asking {
            limit: Some(limit),
            body_limit: None,
            proxy: self.proxy.clone(),
            verify: true,
            progress: Progress::default(),
        };
        let agent = asking.agent();
        let mut request = agent.post(&self.uri).header(header::CONTENT_TYPE, "application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        match request.send(self.body) {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => {
                let passing = response.status().is_server_error();
                let failure = Failure::new(curl::HTTP_ERROR, refusal(response, self.secrets));
                Err(Attempt { failure, passing })
            }
            Err(error) => {
                let failure = explain(&error, limit, self.proxy.is_some());
                // A limit that has passed is passed for a second attempt, too.
                let early = started.elapsed() < limit;
                let passing = early && matches!(failure.code, curl::HOST_NOT_FOUND | curl::NO_CONNECTION);
                Err(Attempt { failure, passing })
            }
        }
    }
}

/// The address without user and password. As curl does it, one without a scheme is taken for `http`, and what stands
/// behind `#` is not sent.
pub(super) fn target(url: &str) -> Result<(Uri, Option<UserInfo>), Failure> {
    let bad = |what: &str| Failure::new(curl::BAD_URL, format!("WEBHOOK_URL is not a usable address: it {what}"));
    let url = url.trim();
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let scheme = scheme.to_ascii_lowercase();
    if scheme.is_empty() || scheme.chars().any(|c| !c.is_ascii_alphanumeric()) {
        return Err(bad("does not begin with https:// or http://"));
    }
    if scheme != "http" && scheme != "https" {
        let problem = format!("WEBHOOK_URL begins with {scheme}://, which is no way to post; use https:// or http://");
        return Err(Failure::new(curl::UNSUPPORTED_PROTOCOL, problem));
    }
    let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (info, host) = UserInfo::split(authority).map_err(|_| bad("has a user or password that is no UTF-8 text"))?;
    if host.is_empty() || host.starts_with(':') {
        return Err(bad("names no host"));
    }
    if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(bad("holds a blank or a control character; write %20 for a blank"));
    }
    let uri: Uri =
        format!("{scheme}://{host}{path}").parse().map_err(|error| bad(&format!("cannot be read ({error})")))?;
    // The library takes a port that it cannot read for none, and would go to the usual one.
    let port = host.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.ends_with(']'));
    if port.is_some_and(|port| !matches!(port.parse::<u16>(), Ok(1..))) {
        return Err(bad("has a port that is not between 1 and 65535"));
    }
    Ok((uri, info))
}

/// What an answer other than 2xx means.
fn refusal(response: Response<Body>, secrets: &Secrets) -> String {
    let status = response.status();
    let named = match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_str().to_owned(),
    };
    if status.is_redirection() {
        let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
        return format!("the server answered HTTP {named}, {}", moved(location));
    }
    let mend = match status.as_u16() {
        401 | 403 => "; check WEBHOOK_HEADER_AUTH, or user and password in WEBHOOK_URL",
        404 | 405 | 410 => "; check WEBHOOK_URL",
        429 => "; it wants fewer requests",
        500.. => "; the fault is on the server's side",
        _ => "",
    };
    let mut said = Vec::new();
    // What cannot be read is not quoted.
    let _ = response.into_body().into_reader().take(READ_AT_MOST).read_to_end(&mut said);
    // Masked before it is cut: half a secret is not found any more.
    let said = quotable(&secrets.mask(&String::from_utf8_lossy(&said)), QUOTED);
    let said = if said.is_empty() { said } else { format!(": {said}") };
    format!("the server answered HTTP {named}{mend}{said}")
}

/// A redirect is not followed: the reference image does not, and a POST that becomes a GET delivers nothing. Only the
/// host of the new address is shown, its path may be a secret.
fn moved(location: Option<&str>) -> String {
    let host = location.and_then(|location| {
        let rest = location.split_once("://").map(|(_, rest)| rest).or_else(|| location.strip_prefix("//"))?;
        let authority = rest.split(['/', '?', '#']).next()?;
        Some(authority.rsplit_once('@').map_or(authority, |(_, host)| host))
    });
    let to = match (location, host) {
        (None, _) => "a redirect to nowhere".to_owned(),
        (Some(_), None) => "a redirect to another path of the same host".to_owned(),
        (Some(_), Some(host)) => format!("a redirect to {}", quotable(host, QUOTED)),
    };
    format!("{to}; redirects are not followed: put the final address into WEBHOOK_URL")
}

fn explain(error: &ureq::Error, limit: Duration, through_proxy: bool) -> Failure {
    let peer = if through_proxy { "the proxy or the server" } else { "the server" };
    let reach = if through_proxy {
        "check the proxy's address, and host and port in WEBHOOK_URL"
    } else {
        "check host and port in WEBHOOK_URL"
    };
    match Trouble::of(error) {
        Trouble::TimedOut => {
            let mend = "if it is only slow, raise WEBHOOK_TIMEOUT";
            Failure::new(curl::TIMED_OUT, format!("no answer within {}; {mend}", seconds(limit)))
        }
        Trouble::NotFound(what) => Failure::new(curl::HOST_NOT_FOUND, format!("{what}; {reach}")),
        Trouble::NoConnection(why) => {
            Failure::new(curl::NO_CONNECTION, format!("no connection to {peer} ({why}); {reach}"))
        }
        Trouble::NoAnswer => Failure::new(curl::NO_ANSWER, format!("{peer} closed the connection without an answer")),
        Trouble::CutOff(why) => Failure::new(curl::CUT_OFF, format!("{peer} cut the connection off ({why})")),
        Trouble::Proxy(why) => Failure::new(curl::CUT_OFF, format!("the proxy does not let us through ({why})")),
        Trouble::NoCaStore => Failure::new(curl::NO_CA_STORE, http::no_ca_store()),
        Trouble::Certificate(why) => {
            let problem = format!("the server's certificate is not accepted ({why}); {}", mend_of_certificate(&why));
            Failure::new(curl::CERTIFICATE, problem)
        }
        Trouble::Tls(why) => {
            let mend = "does it speak TLS on this port, or is it http://?";
            Failure::new(curl::TLS, format!("no TLS connection to the server ({why}); {mend}"))
        }
        Trouble::NotHttp(why) => {
            Failure::new(curl::STRANGE_ANSWER, format!("what answers there does not speak HTTP ({why})"))
        }
        Trouble::BadAddress(why) => Failure::new(curl::BAD_URL, format!("WEBHOOK_URL is not a usable address ({why})")),
        Trouble::Other(why) => Failure::new(curl::CUT_OFF, why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<(String, Option<String>), i32> {
        target(url)
            .map(|(uri, info)| (uri.to_string(), info.map(|info| format!("{}:{:?}", info.user, info.password))))
            .map_err(|failure| failure.code)
    }

    #[test]
    fn addresses_are_read_as_curl_reads_them() {
        let plain = |url: &str| Ok((url.to_owned(), None));
        assert_eq!(read("https://h.example/a?b=c#d"), plain("https://h.example/a?b=c"));
        assert_eq!(read("HTTPS://h.example/x\n"), plain("https://h.example/x"));
        assert_eq!(read("h.example/x"), plain("http://h.example/x"));
        assert_eq!(read("http://[::1]:8080/x"), plain("http://[::1]:8080/x"));
        let with = Ok(("https://h/x".to_owned(), Some("me:Some(\"p@w\")".to_owned())));
        assert_eq!(read("https://me:p%40w@h/x"), with);
    }

    #[test]
    fn a_bad_address_is_an_error_that_does_not_show_it() {
        for url in ["", "https://", "https:///s3cret", "https://:80/s3cret", "https://h:99999/s3cret", "https://h:0/x"]
        {
            assert_eq!(read(url), Err(3), "{url}");
        }
        for url in ["https://h/s3cret x", "https://h\u{1}/s3cret", "://s3cret", "s3 cret", "https://a b/s3cret"] {
            let failure = target(url).map(|_| ()).expect_err(url);
            assert_eq!(failure.code, 3, "{url}");
            assert!(!failure.reason.contains("cret"), "{}", failure.reason);
        }
        assert_eq!(read("ftp://h/x"), Err(1));
    }

    #[test]
    fn an_authorization_of_two_lines_is_refused() {
        let failure =
            Letter::new("http://h", "Bearer a\nX: b", "", &Environment::default(), &Secrets::new()).map(|_| ());
        assert_eq!(failure.map_err(|failure| failure.code), Err(43));
    }

    #[test]
    fn a_redirect_shows_the_host_alone() {
        let shown = |location| moved(location).split_once(';').map(|(to, _)| to.to_owned()).unwrap_or_default();
        assert_eq!(shown(Some("https://me:pw@new.example:8443/tok?en")), "a redirect to new.example:8443");
        assert_eq!(shown(Some("//new.example/tok")), "a redirect to new.example");
        assert_eq!(shown(Some("/tok")), "a redirect to another path of the same host");
        assert_eq!(shown(None), "a redirect to nowhere");
    }

    #[test]
    fn a_socks_proxy_is_refused_in_words() {
        let environment = [("ALL_PROXY", "socks5://p:1080")].into_iter().collect();
        let failure =
            Letter::new("https://h", "", "", &environment, &Secrets::new()).map(|_| ()).expect_err("is refused");
        assert_eq!(failure.code, 5);
        assert!(failure.reason.contains("SOCKS"), "{}", failure.reason);
    }
}
