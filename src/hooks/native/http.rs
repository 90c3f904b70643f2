//! Requests of the native form: host, path and headers that no server would understand are found at start.

use super::super::document::Node;
use super::super::model::{Http, Scheme, Tls};
use super::super::template::Template;
use super::super::{Finding, Text};
use super::action::{field, port};
use super::check::Checker;
use super::decode::place;
use super::hook::{flag, word};
use super::path::Path;
use super::texts::{self, outside_actions};
use std::net::Ipv6Addr;

pub(super) fn read(
    checker: &mut Checker,
    node: &Node,
    path: &Path<'_>,
    printed: bool,
    warnings: &mut Vec<Finding>,
) -> Http {
    let schemes = [Scheme::Http, Scheme::Https];
    let scheme = word(node, "scheme", &schemes, scheme_word).unwrap_or_default();
    let http = Http {
        scheme,
        host: host(checker, node, path),
        port: port(checker, node, path, printed),
        path: where_to(checker, node, path),
        headers: headers(checker, node, path),
        body: field(checker, node, "body", path),
        form: form(checker, node, path),
        tls: if flag(node, "insecureSkipTLSVerify") { Tls::SkipVerify } else { Tls::Verify },
    };
    if path.word() == "httpPost" && node.get("body").is_some() && node.get("form").is_some() {
        let what = format!("{path} has a body and a form");
        checker.mistake(place(node, "form"), what, "keep one of the two");
    }
    if http.tls == Tls::SkipVerify {
        let line = place(node, "insecureSkipTLSVerify").line;
        warnings.push(if scheme == Scheme::Https {
            Finding {
                what: format!(
                    "does not verify the certificate of {} (insecureSkipTLSVerify, line {line})",
                    http.host.source()
                ),
                mend: "take insecureSkipTLSVerify away, and give the container the certificate's authority".to_owned(),
            }
        } else {
            Finding {
                what: format!(
                    "has insecureSkipTLSVerify (line {line}), and its scheme is HTTP, which has no certificate"
                ),
                mend: "write 'scheme: HTTPS', or take insecureSkipTLSVerify away".to_owned(),
            }
        });
    }
    http
}

pub(super) fn scheme_word(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Http => "HTTP",
        Scheme::Https => "HTTPS",
    }
}

/// The host; `localhost` if none is given.
pub(super) fn host(checker: &mut Checker, node: &Node, path: &Path<'_>) -> Text {
    let Some(host) = field(checker, node, "host", path) else { return Text::plain("localhost") };
    let at = node.get("host").map_or(node.at, |value| value.at);
    if node.get("host").is_some_and(|value| value.text().is_some())
        && !is_broken(&host)
        && let Some((what, mend)) = no_host(&outside_actions(&host), host.template().is_none())
    {
        checker.mistake(at, format!("{path}.host {what}"), mend);
    }
    host
}

/// Why a text is no host, and the mend.
pub(in crate::hooks) fn no_host(text: &str, is_exact: bool) -> Option<(String, String)> {
    let general = || "write a name or an address alone; scheme, port and path have fields of their own".to_owned();
    let mend = |fields: Option<String>| fields.filter(|_| is_exact).unwrap_or_else(general);
    let shown = if is_exact { format!(" '{text}'") } else { String::new() };
    let wrong = |what: &str, fields| Some((format!("{} {what}", shown.trim()).trim().to_owned(), mend(fields)));
    if text.is_empty() {
        return Some(("is empty".to_owned(), "take it away for localhost".to_owned()));
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Some(("has a blank or a line end in it".to_owned(), general()));
    }
    if text.contains("://") {
        return wrong("has a scheme in it", fields_of(text));
    }
    if text.contains(['/', '?', '#']) {
        return wrong("has a path in it", fields_of(text));
    }
    if text.contains('@') {
        let mend = "send the user in a header: httpHeaders: [{name: Authorization, value: ...}]";
        return Some(("has a user in it".to_owned(), mend.to_owned()));
    }
    if text.starts_with('[') {
        let address = text.trim_start_matches('[').split(']').next().unwrap_or_default();
        return wrong("has brackets", Some(format!("write 'host: \"{address}\"'")));
    }
    let address = text.split('%').next().unwrap_or_default();
    if text.contains(':') && address.parse::<Ipv6Addr>().is_err() {
        return wrong("has a port in it", fields_of(text));
    }
    None
}

/// `scheme: HTTPS, host: x, port: 8080, path: /y` of an address.
fn fields_of(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://").map_or((None, address), |(scheme, rest)| (Some(scheme), rest));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (host, port) = authority.rsplit_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    let plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    if !plain(host) || port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return None;
    }
    let mut fields = Vec::new();
    if let Some(scheme) = scheme {
        let known = ["HTTP", "HTTPS"].into_iter().find(|word| word.eq_ignore_ascii_case(scheme))?;
        fields.push(format!("scheme: {known}"));
    }
    fields.push(format!("host: {host}"));
    fields.extend(port.map(|port| format!("port: {port}")));
    if path.len() > 1 {
        // What follows the path may be a token.
        let (path, query) = path.split_at(path.find(['?', '#']).unwrap_or(path.len()));
        fields.push(format!("path: {path}{}", if query.is_empty() { "" } else { "?..." }));
    }
    Some(format!("write {}", fields.join(", ")))
}

/// Whether a text is meant to be a template and does not parse, which has been said.
fn is_broken(text: &Text) -> bool {
    text.template().is_none() && Template::is_in(text.source())
}

fn where_to(checker: &mut Checker, node: &Node, path: &Path<'_>) -> Text {
    let Some(to) = field(checker, node, "path", path) else { return Text::plain("") };
    let at = node.get("path").map_or(node.at, |value| value.at);
    let outside = outside_actions(&to);
    let lower = outside.to_ascii_lowercase();
    if lower.starts_with("http://") || lower.starts_with("https://") {
        let mend = "write path and query alone; scheme, host and port have fields of their own";
        checker.mistake(at, format!("{path}.path has a whole address in it"), mend);
    } else if !is_broken(&to) && outside.chars().any(|c| c.is_whitespace() || c.is_control()) {
        checker.mistake(at, format!("{path}.path has a blank or a line end in it"), "write %20 for a blank");
    }
    to
}

fn headers(checker: &mut Checker, node: &Node, path: &Path<'_>) -> Vec<(Text, Text)> {
    let list = path.key("httpHeaders");
    let mut headers = Vec::new();
    for (at, item) in node.get("httpHeaders").map(Node::items).unwrap_or_default().iter().enumerate() {
        let path = list.item(at);
        let name = field(checker, item, "name", &path);
        let value = field(checker, item, "value", &path);
        if let Some(name) = name.as_ref().filter(|_| item.get("name").is_some_and(|name| name.text().is_some())) {
            let outside = outside_actions(name);
            if outside.is_empty() || !outside.bytes().all(is_token) {
                let at = item.get("name").map_or(item.at, |name| name.at);
                let shown: String = outside.chars().take(60).map(|c| if c.is_control() { ' ' } else { c }).collect();
                let mend = "write a name such as Content-Type, without colon and blanks";
                checker.mistake(at, format!("{path}.name '{shown}' is no name of a header"), mend);
            }
        }
        if value.as_ref().is_some_and(|value| outside_actions(value).contains(['\r', '\n', '\0'])) {
            let at = item.get("value").map_or(item.at, |value| value.at);
            let mend = "write it on one line; a block after '|' ends in one, a block after '>-' does not";
            checker.mistake(at, format!("{path}.value has a line end or a NUL character in it"), mend);
        }
        headers.extend(name.zip(value));
    }
    headers
}

/// A character of a token (RFC 9110, 5.6.2).
pub(in crate::hooks) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn form(checker: &mut Checker, node: &Node, path: &Path<'_>) -> Vec<(Text, Vec<Text>)> {
    let list = path.key("form");
    let mut form = Vec::new();
    for (at, item) in node.get("form").map(Node::items).unwrap_or_default().iter().enumerate() {
        let path = list.item(at);
        let key = field(checker, item, "key", &path);
        let values = path.key("values");
        let items = item.get("values").map(Node::items).unwrap_or_default().iter().enumerate();
        let values = items.map(|(at, item)| texts::read(checker, item, &values.item(at))).collect();
        form.extend(key.map(|key| (key, values)));
    }
    form
}
