//! Actions of the native form, and the rules for their values.

use super::super::document::{Node, Yaml};
use super::super::model::{Exec, Port, Tcp};
use super::super::{Action, Finding, Text};
use super::check::Checker;
use super::decode::place;
use super::path::Path;
use super::quoting::{self, Exposed};
use super::{http, texts};
use std::collections::BTreeMap;

/// What is said of a definition that another system's was printed as.
#[derive(Debug, Clone, Copy)]
pub(super) struct Printed {
    /// It has fields that only such definitions have.
    pub(super) at_all: bool,
    /// It says where the other system would run it.
    pub(super) with_executor: bool,
}

/// Reads the first action of a hook or undo.
pub(super) fn read(
    checker: &mut Checker,
    node: &Node,
    path: &Path<'_>,
    Printed { at_all: printed, with_executor }: Printed,
    warnings: &mut Vec<Finding>,
) -> Option<Action> {
    let mut found = None;
    for entry in node.entries() {
        let value = &entry.value;
        if !matches!(value.value, Yaml::Map(_)) {
            continue;
        }
        let path = path.key(&entry.key);
        let action = match entry.key.as_str() {
            "exec" => Action::Exec(exec(checker, value, &path, with_executor, warnings)),
            "httpGet" => Action::HttpGet(http::read(checker, value, &path, printed, warnings)),
            "httpPost" => Action::HttpPost(http::read(checker, value, &path, printed, warnings)),
            "tcpSocket" => {
                let host = http::host(checker, value, &path);
                let port = port(checker, value, &path, printed).unwrap_or(Port::Number(1));
                Action::TcpSocket(Tcp { host, port })
            }
            _ => continue,
        };
        found = found.or(Some(action));
    }
    found
}

/// A value that is a text or a template; `None` if it is not there.
pub(super) fn field(checker: &mut Checker, node: &Node, key: &str, path: &Path<'_>) -> Option<Text> {
    node.get(key).map(|value| texts::read(checker, value, &path.key(key)))
}

fn exec(checker: &mut Checker, node: &Node, path: &Path<'_>, with_executor: bool, warnings: &mut Vec<Finding>) -> Exec {
    let words = path.key("command");
    let list = node.get("command");
    let items = list.map(Node::items).unwrap_or_default();
    let command = items.iter().enumerate().map(|(at, item)| texts::read(checker, item, &words.item(at))).collect();
    let exec = Exec {
        command,
        shell: super::hook::text(node, "shell"),
        container: super::hook::text(node, "container"),
        user: field(checker, node, "user", path),
        working_dir: field(checker, node, "workingDir", path),
        env: env(checker, node, path, with_executor),
    };
    if let Some(list) = list.filter(|list| matches!(list.value, Yaml::List(_))) {
        let first = exec.command.first().map(Text::source);
        if first.is_none_or(|word| word.trim().is_empty()) && items.first().is_none_or(|item| item.text().is_some()) {
            let what = if first.is_none() { "is empty" } else { "begins with an empty word" };
            checker.mistake(
                list.at,
                format!("{words} {what}"),
                "write the program and its arguments: [\"sync\", \"-f\"]",
            );
        }
        if let Some(shell) = exec.shell.as_ref().filter(|_| exec.command.len() > 1) {
            let what = format!("{words} has {} words for one text of {shell}", exec.command.len());
            checker.mistake(list.at, what, "join them to one text, or take shell away");
        }
    }
    for key in ["shell", "container", "user", "workingDir"] {
        if node.get(key).and_then(Node::text).is_some_and(|text| text.trim().is_empty()) {
            checker.mistake(
                node.get(key).map_or(node.at, |value| value.at),
                format!("{path}.{key} is empty"),
                "take it away",
            );
        }
    }
    let single = ["shell", "container", "user", "workingDir"].iter().filter_map(|key| node.get(key));
    for value in items.iter().chain(single).filter(|value| value.text().is_some_and(|text| text.contains('\0'))) {
        checker.mistake(
            value.at,
            format!("{path} has a NUL character in a text"),
            "take it away: no program can get one",
        );
    }
    exposed(checker, &exec, items, &words, with_executor, warnings);
    exec
}

/// What a template puts into a shell's program must be quoted: error texts hold file names from the data. Another system's
/// definition was accepted with a warning, and is as it was printed.
fn exposed(
    checker: &mut Checker,
    exec: &Exec,
    items: &[Node],
    words: &Path<'_>,
    with_executor: bool,
    warnings: &mut Vec<Finding>,
) {
    let Some((place, found)) = quoting::exposed(exec) else { return };
    let Some(item) = items.get(place) else { return };
    for Exposed { action, what, mend } in found {
        let (at, within) = texts::place(item, action.line, action.column);
        let place = format!("{}{within}", words.item(place));
        if with_executor {
            let what = format!("has {} in {place} (line {}), which {what}", action.action, at.line);
            warnings.push(Finding { what, mend });
        } else {
            checker.mistake(at, format!("{} in {place} {what}", action.action), mend);
        }
    }
}

fn env(checker: &mut Checker, node: &Node, path: &Path<'_>, with_executor: bool) -> Vec<(String, Text)> {
    let list = path.key("env");
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut variables = Vec::new();
    for (at, item) in node.get("env").map(Node::items).unwrap_or_default().iter().enumerate() {
        let path = list.item(at);
        let value = field(checker, item, "value", &path);
        if item.get("value").and_then(Node::text).is_some_and(|text| text.contains('\0')) {
            checker.mistake(place(item, "value"), format!("{path}.value has a NUL character in it"), "take it away");
        }
        let Some(node) = item.get("name") else { continue };
        let Some(name) = node.text() else { continue };
        // Kubernetes takes more names than a shell does.
        let is_theirs = with_executor && !name.is_empty() && !name.contains(['=', '\0']);
        if !is_name(name) && !is_theirs {
            let shown: String = name.chars().take(60).map(|c| if c.is_control() { ' ' } else { c }).collect();
            let what = format!("{path}.name '{shown}' is no name of a variable");
            checker.mistake(node.at, what, "write letters, digits and _, with no digit at the beginning");
        } else if let Some(line) = seen.insert(name, node.at.line) {
            let what = format!("{path}.name '{name}' stands twice, first in line {line}");
            checker.mistake(node.at, what, "keep one of the two");
        }
        variables.extend(value.map(|value| (name.to_owned(), value)));
    }
    variables
}

fn is_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.starts_with(|first: char| !first.is_ascii_digit())
}

/// The port. Its name means something in the other system only.
pub(super) fn port(checker: &mut Checker, node: &Node, path: &Path<'_>, printed: bool) -> Option<Port> {
    let value = node.get("port")?;
    match &value.value {
        Yaml::Int(number, _) => u16::try_from(*number).ok().map(Port::Number),
        Yaml::Str(name) if printed => Some(Port::Name(name.clone())),
        Yaml::Str(name) if super::check::is_port_name(name) => {
            checker.mistake(value.at, format!("{path}.port is the text '{name}'"), "write a number from 1 to 65535");
            None
        }
        _ => None,
    }
}
