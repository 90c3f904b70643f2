//! The handler that Stash and KubeStash share: `exec`, `httpGet`, `httpPost`, `tcpSocket`, `containerName`.

mod http;
mod text;

use super::super::document::{At, Node, Yaml};
use super::super::model::{Exec, ExecutorKind, Port, Tcp};
use super::super::native::check::is_port_name;
use super::super::native::http::no_host;
use super::super::native::quoting::{self, Exposed};
use super::super::{Action, Finding, Text};
use super::kubernetes::{Fields, set};

/// The fields of a handler.
pub(super) const FIELDS: [&str; 5] = ["exec", "httpGet", "httpPost", "tcpSocket", "containerName"];

/// One action of a handler, and what there is to say about it.
#[derive(Debug)]
pub(super) struct Probe {
    /// What is done.
    pub(super) action: Action,
    /// As [`super::super::Declared::notes`].
    pub(super) notes: Vec<String>,
    /// As [`super::super::Declared::warnings`].
    pub(super) warnings: Vec<Finding>,
}

/// A handler: all of its actions, in the order in which the prober carries them out.
#[derive(Debug)]
pub(super) struct Handler {
    /// Its actions.
    pub(super) probes: Vec<Probe>,
    /// The container for `exec`, and for looking up the name of a port.
    pub(super) container: Option<String>,
}

/// Reads handlers of one system.
#[derive(Debug)]
pub(super) struct Prober<'a> {
    /// Where mistakes go.
    pub(super) fields: &'a mut Fields,
    /// Whose handler it is: `Stash`.
    pub(super) system: &'static str,
    /// What carries it out there.
    pub(super) executor: ExecutorKind,
}

impl Prober<'_> {
    /// Reads the handler `node`, whose other fields are not looked at; `at` is the place of its key.
    pub(super) fn handler(&mut self, node: &Node, at: At, place: &str) -> Handler {
        let mut probes = Vec::new();
        for word in ["exec", "httpGet", "httpPost", "tcpSocket"] {
            let Some(value) = set(node, word) else { continue };
            let place = format!("{place}.{word}");
            probes.push(match word {
                "exec" => self.exec(value, &place),
                "tcpSocket" => self.tcp(value, &place),
                _ => self.http(value, word == "httpPost", &place),
            });
        }
        if probes.is_empty() {
            let what = format!("{place} has no action");
            self.fields.wrong(at, what, "give it one of exec, httpGet, httpPost, tcpSocket, or take it out");
        }
        let container = self.fields.text(node, "containerName", place).filter(|name| !name.is_empty());
        Handler { probes, container: container.map(str::to_owned) }
    }

    fn exec(&mut self, node: &Node, place: &str) -> Probe {
        self.fields.only(node, &["command"], place);
        let (mut notes, mut warnings) = (Vec::new(), Vec::new());
        let items = self.fields.list(node, "command", place);
        let mut command = Vec::new();
        for (at, item) in items.iter().enumerate() {
            command.push(self.rendered(item, &format!("{place}.command[{at}]"), &mut notes));
        }
        if command.is_empty() {
            self.fields.wrong(node.at, format!("{place}.command is empty"), "write the program and its arguments");
        }
        if let Some((first, node)) = command.first().zip(items.first())
            && first.source().trim().is_empty()
            && node.text().is_some()
        {
            let what = format!("{place}.command begins with an empty word");
            self.fields.wrong(node.at, what, "write the program and its arguments");
        }
        for item in items.iter().filter(|item| item.text().is_some_and(|text| text.contains('\0'))) {
            let what = format!("{place}.command has a NUL character in a text");
            self.fields.wrong(item.at, what, "take it away: no program can get one");
        }
        let exec = Exec { command, ..Exec::default() };
        for Exposed { action, what, mend } in quoting::exposed(&exec).into_iter().flat_map(|(_, found)| found) {
            let what = format!("has {} in the program of a shell, which {what}", action.action);
            warnings.push(Finding { what, mend: format!("{mend}; error texts hold file names from the data") });
        }
        if self.executor == ExecutorKind::Operator {
            notes.push("the operator is this container here: the command runs in it".to_owned());
        }
        Probe { action: Action::Exec(exec), notes, warnings }
    }

    fn tcp(&mut self, node: &Node, place: &str) -> Probe {
        self.fields.only(node, &["host", "port"], place);
        let (mut notes, mut warnings) = (Vec::new(), Vec::new());
        let host = self.host(node, place, &mut notes, &mut warnings);
        let port = self.port(node, place).unwrap_or(Port::Number(0));
        Probe { action: Action::TcpSocket(Tcp { host, port }), notes, warnings }
    }

    /// The host. One that is not set is the address of the executor's pod, which only the cluster knows: it stays empty.
    fn host(&mut self, node: &Node, place: &str, notes: &mut Vec<String>, warnings: &mut Vec<Finding>) -> Text {
        let host = self.literal(node, "host", place, notes);
        let of_pod = self.executor != ExecutorKind::Operator;
        // Brackets around an address are allowed there.
        let bare = host.source().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host.source());
        if !bare.is_empty()
            && let Some((what, mend)) = no_host(bare, true)
        {
            let at = set(node, "host").map_or(node.at, |host| host.at);
            self.fields.wrong(at, format!("{place}.host {what}"), mend);
        }
        match host.source() {
            "" if of_pod => {
                notes.push(
                    "it has no host, which means the pod; HOOKS_FOREIGN_EXEC=here asks this container".to_owned(),
                );
            }
            "" => {
                notes.push("it has no host, which means the operator: here, this container".to_owned());
                return Text::plain("127.0.0.1");
            }
            "localhost" | "127.0.0.1" | "::1" | "[::1]" if of_pod => warnings.push(Finding {
                what: format!(
                    "asks {}, which was the pod of {} and is this container here",
                    host.source(),
                    self.system
                ),
                mend: "write the address of the pod's Service, unless this container runs in that pod".to_owned(),
            }),
            _ => {}
        }
        host
    }

    /// The port: a number, also in quotes, or the name of a container's port.
    fn port(&mut self, node: &Node, place: &str) -> Option<Port> {
        let place = format!("{place}.port");
        let Some(value) = set(node, "port") else {
            self.fields.wrong(node.at, format!("{place} is missing"), "write a number from 1 to 65535");
            return None;
        };
        let port = match &value.value {
            Yaml::Int(number, _) => u16::try_from(*number).ok().filter(|port| *port > 0).map(Port::Number),
            Yaml::Str(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                text.parse().ok().filter(|port| *port > 0).map(Port::Number)
            }
            Yaml::Str(name) if is_port_name(name) => Some(Port::Name(name.clone())),
            _ => None,
        };
        if port.is_none() {
            let what = match value.text() {
                Some(text) => format!("{place} is '{text}'"),
                None => format!("{place} is {}", value.kind()),
            };
            self.fields.wrong(value.at, what, "write a number from 1 to 65535, or the name of a port");
        }
        port
    }
}

#[cfg(test)]
mod tests;
