//! `httpGet` and `httpPost` of a handler.

use super::super::super::document::Node;
use super::super::super::model::{Http, Scheme, Tls};
use super::super::super::native::http::is_token;
use super::super::super::{Action, Text};
use super::super::kubernetes::set;
use super::{Probe, Prober};

impl Prober<'_> {
    pub(super) fn http(&mut self, node: &Node, posts: bool, place: &str) -> Probe {
        let mut keys = vec!["host", "port", "path", "scheme", "httpHeaders"];
        if posts {
            keys.extend(["body", "form"]);
        }
        self.fields.only(node, &keys, place);
        let (mut notes, mut warnings) = (Vec::new(), Vec::new());
        let scheme = self.scheme(node, place);
        if scheme == Scheme::Https {
            notes.push(format!("the certificate is verified; {} did not verify it", self.system));
        }
        let host = self.host(node, place, &mut notes, &mut warnings);
        let port = self.port(node, place);
        let path = self.path(node, place, &mut notes);
        let headers = self.headers(node, place, posts, &mut notes);
        let (mut body, mut form) = (None, Vec::new());
        if posts {
            form = self.form(node, place, &mut notes);
            body = set(node, "body").map(|node| self.rendered(node, &format!("{place}.body"), &mut notes));
            if !form.is_empty() && body.take().is_some_and(|body| !body.source().is_empty()) {
                notes.push(format!("{place} has a form and a body: the form is sent, as {} did", self.system));
            }
        }
        let http = Http { scheme, host, port, path, headers, body, form, tls: Tls::Verify };
        let action = if posts { Action::HttpPost(http) } else { Action::HttpGet(http) };
        Probe { action, notes, warnings }
    }

    /// There is no default: without one these systems ask an address that leads nowhere.
    fn scheme(&mut self, node: &Node, place: &str) -> Scheme {
        let words = [("HTTP", Scheme::Http), ("HTTPS", Scheme::Https)];
        if self.fields.text(node, "scheme", place).is_none_or(str::is_empty) {
            let what = format!("{place}.scheme is missing");
            self.fields.wrong(node.at, what, "write scheme: HTTP or scheme: HTTPS");
            return Scheme::Http;
        }
        self.fields.word(node, "scheme", place, &words).unwrap_or_default()
    }

    fn path(&mut self, node: &Node, place: &str, notes: &mut Vec<String>) -> Text {
        let path = self.literal(node, "path", place, notes);
        // A blank is sent as %20.
        if path.source().chars().any(|c| c != ' ' && (c.is_whitespace() || c.is_control())) {
            let at = set(node, "path").map_or(node.at, |path| path.at);
            self.fields.wrong(at, format!("{place}.path has a line end or a tab in it"), "write it on one line");
        }
        match path.source() {
            "" => path,
            text if text.starts_with('/') => path,
            text => Text::plain(format!("/{text}")),
        }
    }

    fn headers(&mut self, node: &Node, place: &str, posts: bool, notes: &mut Vec<String>) -> Vec<(Text, Text)> {
        let mut headers = Vec::new();
        for (at, item) in self.fields.list(node, "httpHeaders", place).iter().enumerate() {
            let place = format!("{place}.httpHeaders[{at}]");
            self.fields.only(item, &["name", "value"], &place);
            let name = self.literal(item, "name", &place, notes);
            if name.source().is_empty() {
                self.fields.wrong(item.at, format!("{place}.name is missing"), "write the header's name");
            }
            if posts && name.source().eq_ignore_ascii_case("Content-Type") {
                notes.push(format!("Content-Type is sent as it is set; {} replaced it by one of its own", self.system));
            }
            let value = self.literal(item, "value", &place, notes);
            if !name.source().is_empty() && !name.source().bytes().all(is_token) {
                let at = set(item, "name").map_or(item.at, |name| name.at);
                let shown: String =
                    name.source().chars().take(60).map(|c| if c.is_control() { ' ' } else { c }).collect();
                let mend = "write a name such as Content-Type, without colon and blanks";
                self.fields.wrong(at, format!("{place}.name '{shown}' is no name of a header"), mend);
            }
            if value.source().contains(['\r', '\n', '\0']) {
                let at = set(item, "value").map_or(item.at, |value| value.at);
                let what = format!("{place}.value has a line end or a NUL character in it");
                self.fields.wrong(at, what, "write it on one line");
            }
            headers.push((name, value));
        }
        headers
    }

    fn form(&mut self, node: &Node, place: &str, notes: &mut Vec<String>) -> Vec<(Text, Vec<Text>)> {
        let mut form = Vec::new();
        for (at, item) in self.fields.list(node, "form", place).iter().enumerate() {
            let place = format!("{place}.form[{at}]");
            self.fields.only(item, &["key", "values"], &place);
            let key = self.literal(item, "key", &place, notes);
            if key.source().is_empty() {
                self.fields.wrong(item.at, format!("{place}.key is missing"), "write the key");
            }
            let values = self.fields.list(item, "values", &place).iter().enumerate();
            let values = values.map(|(of, value)| {
                let text = self.fields.of_text(value, &format!("{place}.values[{of}]"));
                Text::plain(text.unwrap_or_default())
            });
            form.push((key, values.collect()));
        }
        form
    }
}
