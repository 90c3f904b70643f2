//! The hook definitions of other systems: one file a system, one model behind all of them.

mod borgitory;
#[cfg(test)]
mod described;
mod kubernetes;
mod kubestash;
mod prober;
#[cfg(test)]
mod sample;
mod stash;
mod velero;

use super::document::{At, Entry, Node, Yaml};
use super::{Declared, FileMistake};
use std::path::{Path, PathBuf};

/// What a parser finds in the documents of one file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// What the documents are called: `Stash BackupConfiguration apps/wiki`.
    pub documents: Vec<String>,
    /// Their hooks in running order within each owner and phase.
    pub hooks: Vec<Declared>,
    /// Everything that is wrong with them.
    pub mistakes: Vec<FileMistake>,
    /// Whether a mistake is one with `Fail`.
    pub means_fail: bool,
    /// The workers that they may concern.
    pub concerns: Vec<&'static str>,
    /// What is not read of them, and where they differ as a whole: sentences without a period.
    pub notes: Vec<String>,
}

/// Reads documents with their files, and gives for each file what is in it.
pub type Reader = fn(&[(&Path, &Node)]) -> Vec<(PathBuf, Found)>;

/// A system whose definitions are taken.
#[derive(Debug)]
pub struct Format {
    /// Its name.
    pub name: &'static str,
    /// Whether a document is of this system, by `apiVersion` and `kind` or by shape.
    pub claims: fn(&Node) -> bool,
    /// Whether a text that cannot be read was meant for this system: a file that has lost its hooks by a slip is no data.
    pub mentioned_in: fn(&str) -> bool,
    /// Whether a document of it only defines what others refer to, which may stand in another file.
    pub is_referred_to: fn(&Node) -> bool,
    /// Reads all documents that it claims, of all files in their order, and gives for each of these files what is in it:
    /// a definition may refer to one in another file.
    pub read: Reader,
}

/// All of them, in the order of the documentation.
pub const FORMATS: &[&Format] = &[&stash::FORMAT, &kubestash::FORMAT, &velero::FORMAT, &borgitory::FORMAT];

/// The system that a document belongs to.
pub fn of(node: &Node) -> Option<&'static Format> {
    FORMATS.iter().copied().find(|format| (format.claims)(node))
}

/// The first system that a text which cannot be read was meant for.
pub fn mentioned_in(text: &str) -> Option<&'static Format> {
    FORMATS.iter().copied().find(|format| (format.mentioned_in)(text))
}

/// Whether the hooks in a text that cannot be read would have been ones with `Fail`: it says so somewhere, or it was
/// meant for a system where a failing hook fails the run.
pub fn means_fail(text: &str) -> bool {
    let plain: String =
        text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '"' | '\'' | '\\' | '-' | '_')).collect();
    let plain = plain.to_lowercase();
    let says = ["onerror:fail", "critical:true"].iter().any(|words| plain.contains(words));
    let of = |name: &str| FORMATS.iter().any(|format| format.name == name && (format.mentioned_in)(text));
    says || of("Stash") || of("KubeStash") || of("Velero") && velero::fails_unless_told(text)
}

/// Whether a document is an object of Kubernetes.
pub fn is_object(node: &Node) -> bool {
    let is_text = |key| node.get(key).and_then(Node::text).is_some();
    is_text("apiVersion") && is_text("kind")
}

/// Whether a document may refer to one in another file.
pub fn may_refer(node: &Node) -> bool {
    of(node).is_some_and(|format| format.name == kubestash::FORMAT.name && !(format.is_referred_to)(node))
}

/// Whether a document only defines what others refer to.
pub fn is_referred_to(node: &Node) -> bool {
    of(node).is_some_and(|format| (format.is_referred_to)(node))
}

/// Whether a name is fit for messages and logs: it is one line, and nothing in it drives a terminal.
fn is_one_line(name: &str) -> bool {
    !name.chars().any(char::is_control)
}

/// The mistake of a name that is not [one line](is_one_line).
fn no_line(at: At, field: &str) -> FileMistake {
    let what = format!("{field} has a line end or a control character in it");
    FileMistake { at, what, mend: "write one line".to_owned() }
}

/// The mistakes in the name and namespace of an object of Kubernetes, by which hooks are called.
fn names_of(node: &Node) -> impl Iterator<Item = FileMistake> {
    ["name", "namespace"].into_iter().filter_map(|key| {
        let name = node.at_path(&["metadata", key])?;
        (!is_one_line(name.text()?)).then(|| no_line(name.at, &format!("metadata.{key}")))
    })
}

/// What is found, with a mistake for every name that is not one line and that its parser let pass: names are made of
/// parts, such as the name of a member's target.
pub fn named(mut found: Found) -> Found {
    if found.mistakes.is_empty() {
        let wrong = |hook: &&Declared| {
            let name = hook.name.as_deref().unwrap_or_default();
            !is_one_line(name) || !is_one_line(&hook.origin.document)
        };
        let mistakes =
            found.hooks.iter().filter(wrong).map(|hook| no_line(hook.origin.at, "what this hook is called by"));
        found.mistakes = mistakes.collect();
    }
    found
}

/// What an object of Kubernetes is called: `Deployment apps/wiki`.
pub fn title(node: &Node) -> String {
    let kind = node.get("kind").and_then(Node::text).unwrap_or("object");
    let of = |key| node.at_path(&["metadata", key]).and_then(Node::text);
    match (of("namespace"), of("name")) {
        (Some(namespace), Some(name)) => format!("{kind} {namespace}/{name}"),
        (None, Some(name)) => format!("{kind} {name}"),
        _ => kind.to_owned(),
    }
}

/// The documents of a file with every list of objects (`kubectl get -o yaml`) taken apart.
pub fn unfold(nodes: Vec<Node>) -> Vec<Node> {
    nodes
        .into_iter()
        .flat_map(|node| {
            let Some(kind) = list_of(&node) else { return vec![node] };
            let version = node.entry("apiVersion").cloned();
            let items = node.get("items").map(Node::items).unwrap_or_default();
            let of_kind = |item: &Node| of_kind(item, kind, version.as_ref());
            unfold(items.iter().map(of_kind).collect())
        })
        .collect()
}

/// What a list holds: the kind of its items, empty if each says its own.
fn list_of(node: &Node) -> Option<&str> {
    let kind = node.get("kind").and_then(Node::text)?.strip_suffix("List")?;
    node.get("apiVersion").and_then(Node::text)?;
    node.get("items").filter(|items| matches!(items.value, Yaml::List(_))).map(|_| kind)
}

/// An item of a list with its kind, which a typed list names but once.
fn of_kind(item: &Node, kind: &str, version: Option<&Entry>) -> Node {
    let mut item = item.clone();
    if let Yaml::Map(entries) = &mut item.value
        && !kind.is_empty()
        && !entries.iter().any(|entry| entry.key == "kind")
    {
        let value = Node::new(item.at, Yaml::Str(kind.to_owned()));
        entries.push(Entry { at: item.at, key: "kind".to_owned(), value });
        if !entries.iter().any(|entry| entry.key == "apiVersion") {
            entries.extend(version.cloned());
        }
    }
    item
}

#[cfg(test)]
mod tests {
    use super::super::document;
    use super::*;

    #[test]
    fn lists_are_taken_apart_and_typed_ones_name_their_items() {
        let text = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret}\n- apiVersion: velero.io/v1\n  \
                    kind: BackupList\n  items:\n  - metadata: {name: nightly, namespace: velero}\n---\nkind: List\n";
        let nodes = unfold(document::read(text).expect("is YAML"));
        let titles: Vec<String> = nodes.iter().map(title).collect();
        assert_eq!(titles, ["Secret", "Backup velero/nightly", "List"]);
        assert_eq!(nodes[1].get("apiVersion").and_then(Node::text), Some("velero.io/v1"));
    }

    #[test]
    fn a_broken_text_means_fail_where_it_or_its_system_says_so() {
        for text in [
            "onError: Fail",
            "\"onError\" : \"fail\"",
            "pre.hook.backup.velero.io/on-error: Fail",
            "pre_job_hooks: \"[{\\\"critical\\\": true}]\"",
            "pre.hook.backup.velero.io/command: sync",
            "apiVersion: velero.io/v1\nkind: Backup\nhooks:",
        ] {
            assert!(means_fail(text), "{text}");
        }
        for text in
            ["onError: Continue", "apiVersion: velero.io/v1\nkind: Restore\nhooks:", "pre_job_hooks: [{", "failover: 1"]
        {
            assert!(!means_fail(text), "{text}");
        }
    }
}
