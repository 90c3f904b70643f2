//! `httpGet` and `httpPost`: one request, with the redirects on its own host.

use super::Request;
use super::location::{Target, port, target};
use super::waiting::Abandon;
use crate::http::{Asking, Progress, Stage, Trouble, mend_of_certificate, no_ca_store, proxy_for};
use crate::masking::Secrets;
use crate::settings::Environment;
use std::io::Read;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use ureq::http::{Response, StatusCode, Uri, header};
use ureq::{Agent, Body};

/// How many redirects are followed.
const REDIRECTS: usize = 10;
/// How long the body of an answer is waited for once its head is there: it is shown, and decides nothing.
const BODY: Duration = Duration::from_secs(1);

/// Why a request did not succeed. Not masked.
#[derive(Debug)]
pub(super) enum Failure {
    /// It failed.
    Failed(String),
    /// The limit passed first: at what.
    TimedOut(String),
}

/// What was answered, whatever came of it.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// What is worth a line each: statuses, and redirects.
    pub(super) lines: Vec<String>,
    /// The beginning of the body.
    pub(super) body: Vec<u8>,
    /// The status, if it is a failure.
    pub(super) failed: Option<String>,
}

/// A request on its way, for whoever may give it up.
#[derive(Debug, Default)]
pub(super) struct OnItsWay {
    pub(super) progress: Progress,
    hop: Mutex<Hop>,
}

/// The request that is made now.
#[derive(Debug, Default)]
enum Hop {
    /// None yet.
    #[default]
    None,
    /// By this client.
    By(Agent),
    /// None any more.
    GivenUp,
}

impl OnItsWay {
    /// Notes who makes the next request; an error if none is to be made any more.
    fn note(&self, agent: &Agent) -> Result<(), Failure> {
        let mut hop = self.hop.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*hop, Hop::GivenUp) {
            return Err(Failure::TimedOut("it was given up between two redirects".to_owned()));
        }
        *hop = Hop::By(agent.clone());
        Ok(())
    }
}

impl Abandon for OnItsWay {
    fn abandon(&self) -> bool {
        let is_answered = self.progress.stage() == Stage::Answered;
        let hop = std::mem::replace(&mut *self.hop.lock().unwrap_or_else(PoisonError::into_inner), Hop::GivenUp);
        if let Hop::By(agent) = hop {
            // The connection is closed, so that nothing of it arrives after it was given up.
            agent.shutdown();
        }
        is_answered
    }
}

/// Sends `request`, and reads `at_most` bytes of the answer. The head must have come within `limit`. What is one of
/// `secrets` is sent to no other service of the host.
pub(super) fn send(
    request: &Request,
    environment: &Environment,
    secrets: &Secrets,
    limit: Option<Duration>,
    at_most: usize,
    way: &OnItsWay,
) -> Result<Answer, Failure> {
    let deadline = limit.map(|limit| Instant::now() + limit);
    let mut uri: Uri = request
        .url
        .parse()
        .map_err(|error| Failure::Failed(format!("its address cannot be used ({error}); check host and path")))?;
    let mut sent = Sent { method: request.method, body: request.body.as_deref(), secrets, is_same_place: true };
    let mut answer = Answer::default();
    loop {
        let here = place(&uri);
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let response = hop(request, &sent, &uri, environment, left, way)?;
        let status = response.status();
        let location = response
            .headers()
            .get(header::LOCATION)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let Some(location) = location.filter(|_| matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)) else {
            answer.lines.push(format!("HTTP {}", named(status)));
            if !(200..400).contains(&status.as_u16()) {
                answer.failed = Some(format!("{here} answered HTTP {}", named(status)));
            }
            answer.body = beginning(response, at_most);
            return Ok(answer);
        };
        match target(&uri, &location) {
            Target::Other(host) => {
                answer.lines.push(format!("HTTP {}: to another host ({host}), which is not followed", named(status)));
                return Ok(answer);
            }
            Target::Clear => {
                answer.lines.push(format!("HTTP {}: from HTTPS to HTTP, which is not followed", named(status)));
                return Ok(answer);
            }
            Target::Beside(next) if sent.repeats_its_body(status) => {
                answer.lines.push(format!(
                    "HTTP {}: to {}, where what was posted is not sent; not followed",
                    named(status),
                    place(&next)
                ));
                return Ok(answer);
            }
            Target::Unusable(why) => {
                return Err(Failure::Failed(format!(
                    "{here} answered HTTP {} with a redirect to {why}; write the final address into the hook",
                    named(status)
                )));
            }
            Target::Same(_) | Target::Beside(_) if answer.lines.len() == REDIRECTS => {
                return Err(Failure::Failed(format!(
                    "{here} redirected more than {REDIRECTS} times; write the final address into the hook"
                )));
            }
            Target::Same(next) => {
                answer.lines.push(format!("HTTP {}: followed on the same host", named(status)));
                sent.redirected(status);
                uri = next;
            }
            Target::Beside(next) => {
                answer.lines.push(format!(
                    "HTTP {}: followed to {} on the same host, without credentials",
                    named(status),
                    place(&next)
                ));
                sent.redirected(status);
                sent.is_same_place = false;
                uri = next;
            }
        }
    }
}

/// What of the request is still sent after redirects.
struct Sent<'a> {
    method: &'static str,
    body: Option<&'a str>,
    secrets: &'a Secrets,
    /// Whether it goes to the scheme, host and port of the hook itself, as everything before it.
    is_same_place: bool,
}

impl Sent<'_> {
    /// As browsers do it: only 307 and 308 repeat a POST.
    fn redirected(&mut self, status: StatusCode) {
        if !repeats(status) {
            self.method = "GET";
            self.body = None;
        }
    }

    fn repeats_its_body(&self, status: StatusCode) -> bool {
        self.body.is_some() && repeats(status)
    }

    /// Whether a header is still sent. What is for one service is not for another one on the same host.
    fn has(&self, name: &str, value: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let is_for_one = matches!(name.as_str(), "host" | "authorization" | "cookie" | "proxy-authorization");
        if !self.is_same_place && (is_for_one || self.secrets.found_in(value)) {
            return false;
        }
        let of_the_body = name.starts_with("content-") || matches!(name.as_str(), "transfer-encoding" | "expect");
        self.method == "POST" || !of_the_body
    }
}

/// Whether a redirect wants the same request again (RFC 9110, sections 15.4.8 and 15.4.9).
fn repeats(status: StatusCode) -> bool {
    matches!(status.as_u16(), 307 | 308)
}

fn hop(
    request: &Request,
    sent: &Sent<'_>,
    uri: &Uri,
    environment: &Environment,
    left: Option<Duration>,
    way: &OnItsWay,
) -> Result<Response<Body>, Failure> {
    let proxy = proxy_for(uri, environment).map_err(Failure::Failed)?;
    let through_proxy = proxy.as_ref().map(|proxy| {
        let host = proxy.host();
        format!("{host}:{}", proxy.port())
    });
    let progress = way.progress.clone();
    progress.reach(Stage::LookingUp);
    // The limit is for the head; a body may be read a little beyond it.
    let limit = left.map(|left| left + BODY);
    let agent = Asking { limit, body_limit: Some(BODY), proxy, verify: request.verify, progress }.agent();
    way.note(&agent)?;
    let headers = || request.headers.iter().filter(|(name, value)| sent.has(name, value));
    let result = if sent.method == "POST" {
        let with = headers().fold(agent.post(uri), |with, (name, value)| with.header_raw(name, value.as_bytes()));
        with.send(sent.body.unwrap_or_default())
    } else {
        let with = headers().fold(agent.get(uri), |with, (name, value)| with.header_raw(name, value.as_bytes()));
        with.call()
    };
    match result {
        Ok(response) => {
            way.progress.reach(Stage::Answered);
            Ok(response)
        }
        Err(error) => Err(explain(Trouble::of(&error), uri, through_proxy.as_deref(), way.progress.stage())),
    }
}

/// The beginning of a body; what cannot be read is not shown.
fn beginning(response: Response<Body>, at_most: usize) -> Vec<u8> {
    let mut body = Vec::new();
    let _ = response.into_body().into_reader().take(at_most as u64).read_to_end(&mut body);
    body
}

fn named(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_str().to_owned(),
    }
}

/// `host:port`: all of an address that is shown, since its path may be a secret.
pub(super) fn place(uri: &Uri) -> String {
    format!("{}:{}", uri.host().unwrap_or_default(), port(uri))
}

/// What was waited for when the limit passed.
pub(super) fn late(place: &str, stage: Stage) -> String {
    match stage {
        Stage::LookingUp => format!("the address of {place} was not found in time; check the name and the name server"),
        Stage::Connecting => {
            format!("no connection to {place}: nothing answers there; check host and port, and firewalls between")
        }
        Stage::Securing => {
            format!("{place} took the connection, but does not answer to TLS; if it does not speak it, use scheme HTTP")
        }
        Stage::Asking | Stage::Answered => {
            format!("{place} took the connection, but did not answer; if it is only slow, raise the hook's timeout")
        }
    }
}

fn explain(trouble: Trouble, uri: &Uri, proxy: Option<&str>, stage: Stage) -> Failure {
    let place = place(uri);
    let is_tls = uri.scheme_str() == Some("https");
    let peer = proxy.map_or_else(|| place.clone(), |proxy| format!("{place} through the proxy {proxy}"));
    let plain = if is_tls { "" } else { "; if it speaks TLS on this port, use scheme HTTPS" };
    Failure::Failed(match trouble {
        Trouble::TimedOut => return Failure::TimedOut(late(&peer, stage)),
        Trouble::NotFound(what) => format!("{what}; check the name of the host"),
        Trouble::NoConnection(why) if why.contains("refused") => {
            let who = proxy.map_or_else(|| place.clone(), |proxy| format!("the proxy {proxy}"));
            format!("{who} refuses the connection; does the service run, and is the port right?")
        }
        Trouble::NoConnection(why) => format!("no connection to {peer} ({why}); check host and port"),
        Trouble::NoAnswer => format!("{peer} closed the connection without an answer{plain}"),
        Trouble::CutOff(why) => format!("{peer} cut the connection off ({why}){plain}"),
        Trouble::Proxy(why) => format!(
            "the proxy {} does not let us through to {place} ({why}); have it allow CONNECT to port {}, or name the host in \
             NO_PROXY if it is to be asked directly",
            proxy.unwrap_or_default(),
            port(uri)
        ),
        Trouble::NoCaStore => no_ca_store().to_owned(),
        Trouble::Certificate(why) => {
            format!("the certificate of {place} is not accepted ({why}); {}", mend_of_certificate(&why))
        }
        Trouble::Tls(why) => {
            format!("no TLS connection to {peer} ({why}); if it does not speak TLS on this port, use scheme HTTP")
        }
        Trouble::NotHttp(why) => format!("what answers at {peer} does not speak HTTP ({why}){plain}"),
        Trouble::BadAddress(why) => format!("its address cannot be used ({why}); check host and path"),
        Trouble::Other(why) => format!("the request to {peer} failed: {why}"),
    })
}
