//! What was found in files, as a text that tests compare with `tests/fixtures/*/*.txt`.

use super::super::document;
use super::super::model::{Executor, ObjectRef, Port, Scheme, Tls};
use super::super::{Action, Declared, Text};
use super::{Format, Found};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Reads these fixtures together, as files of one folder.
pub(super) fn read(format: &Format, folder: &str, names: &[&str]) -> Vec<(PathBuf, Found)> {
    let files: Vec<(PathBuf, String)> = names
        .iter()
        .map(|name| {
            let path = fixtures(folder).join(name);
            (PathBuf::from(name), fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}")))
        })
        .collect();
    let files: Vec<(&str, &str)> =
        files.iter().map(|(path, text)| (path.to_str().expect("is text"), text.as_str())).collect();
    read_texts(format, &files)
}

/// Reads these texts together, as files of one folder.
pub(super) fn read_texts(format: &Format, files: &[(&str, &str)]) -> Vec<(PathBuf, Found)> {
    let parsed: Vec<(&Path, Vec<document::Node>)> =
        files.iter().map(|(name, text)| (Path::new(*name), document::read(text).expect("is YAML"))).collect();
    let all = parsed.iter().flat_map(|(path, nodes)| nodes.iter().map(|node| (*path, node)));
    let claimed: Vec<_> = all.filter(|(_, node)| (format.claims)(node)).collect();
    (format.read)(&claimed)
}

/// Holds what was found in fixtures against the text of that name.
pub(super) fn assert_described(format: &Format, folder: &str, names: &[&str], expected: &str) {
    let found: String = read(format, folder, names).iter().map(described).collect();
    let path = fixtures(folder).join(expected);
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{} differs from what was found:\n{found}", path.display());
}

fn fixtures(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder)
}

fn described((path, found): &(PathBuf, Found)) -> String {
    let mut out = String::new();
    let fails = if found.means_fail { "; means Fail" } else { "" };
    let _ = writeln!(
        out,
        "{}: {}; concerns {}{fails}",
        path.display(),
        found.documents.join(", "),
        found.concerns.join(", ")
    );
    for mistake in &found.mistakes {
        let _ = writeln!(out, "mistake {}: {}: {}", mistake.at, mistake.what, mistake.mend);
    }
    for hook in &found.hooks {
        out.push_str(&of_hook(hook));
    }
    for note in &found.notes {
        let _ = writeln!(out, "note {note}");
    }
    out
}

fn of_hook(hook: &Declared) -> String {
    let mut out = String::new();
    let name = hook.name.as_deref().unwrap_or("-");
    let _ = writeln!(out, "{:?} {:?} {name} ({} {})", hook.owner, hook.phase, hook.origin.at, hook.origin.document);
    let limit = hook.timeout.map_or("-".to_owned(), |limit| format!("{limit:?}"));
    let on_error = hook.on_error.map_or("-", super::super::OnError::word);
    let stop = if hook.stop_phase_on_error { ", stops" } else { "" };
    let _ = writeln!(out, "  {on_error}, {}, limit {limit}, retries {}{stop}", hook.policy.word(), hook.retries);
    let action = hook.action.as_ref().expect("has one");
    let _ = writeln!(out, "  {}{}", action.word(), of_request(action));
    for (field, text) in action.texts() {
        let how = if matches!(text, Text::Template(_)) { "renders" } else { "is" };
        let _ = writeln!(out, "    {field} {how} {:?}", text.source());
    }
    if let Some(executor) = &hook.executor {
        let _ = writeln!(
            out,
            "  by {}{}",
            of_executor(executor),
            hook.container_name.as_ref().map(|name| format!(", container {name}")).unwrap_or_default()
        );
    }
    if let Some(context) = &hook.context {
        let object = |object: &Option<ObjectRef>| object.as_ref().map_or("-".to_owned(), of_object);
        let namespace = context.namespace.as_deref().unwrap_or("-");
        let _ = writeln!(out, "  in {namespace}, of {}, for {}", object(&context.invoker), object(&context.target));
    }
    for note in &hook.notes {
        let _ = writeln!(out, "  note {note}");
    }
    for warning in &hook.warnings {
        let _ = writeln!(out, "  warning {}: {}", warning.what, warning.mend);
    }
    out
}

fn of_request(action: &Action) -> String {
    let port = |port: &Port| match port {
        Port::Number(number) => number.to_string(),
        Port::Name(name) => format!("named {name}"),
    };
    match action {
        Action::HttpGet(http) | Action::HttpPost(http) => {
            let scheme = if http.scheme == Scheme::Https { "HTTPS" } else { "HTTP" };
            let tls = if http.tls == Tls::Verify { "" } else { ", unverified" };
            format!(" {scheme}, port {}{tls}", http.port.as_ref().map_or("-".to_owned(), port))
        }
        Action::TcpSocket(tcp) => format!(" port {}", port(&tcp.port)),
        _ => String::new(),
    }
}

fn of_executor(executor: &Executor) -> String {
    let mut out = executor.kind.word().to_owned();
    let own = [
        ("selector", &executor.selector),
        ("owner", &executor.owner),
        ("strategy", &executor.strategy),
        ("function", &executor.function),
    ];
    for (word, value) in own {
        if let Some(value) = value {
            let _ = write!(out, ", {word} {value}");
        }
    }
    if !executor.namespaces.is_empty() {
        let _ = write!(out, ", namespaces {}", executor.namespaces.join(" "));
    }
    out
}

fn of_object(object: &ObjectRef) -> String {
    let ObjectRef { api_group, api_version, kind, name, namespace } = object;
    format!("{kind} {namespace}/{name} [{api_group}; {api_version}]")
}
