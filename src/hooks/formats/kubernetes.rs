//! What definitions for Kubernetes have in common: objects and lists of them, fields, durations.

use super::super::document::{At, Entry, Node, Yaml};
use super::super::near::distance;
use super::super::{Declared, FileMistake};
use super::Found;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One object of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Object<'a> {
    /// Whose it is: `Stash`.
    pub(super) system: &'static str,
    /// The file that it stands in.
    pub(super) file: &'a Path,
    /// The whole of it.
    pub(super) node: &'a Node,
}

impl<'a> Object<'a> {
    /// `stash.appscode.com/v1beta1`.
    pub(super) fn api_version(&self) -> &'a str {
        self.node.get("apiVersion").and_then(Node::text).unwrap_or_default()
    }

    /// `BackupConfiguration`.
    pub(super) fn kind(&self) -> &'a str {
        self.node.get("kind").and_then(Node::text).unwrap_or_default()
    }

    /// Its name; empty if it has none.
    pub(super) fn name(&self) -> &'a str {
        self.node.at_path(&["metadata", "name"]).and_then(Node::text).unwrap_or_default()
    }

    /// Its namespace, if the document says so.
    pub(super) fn namespace(&self) -> Option<&'a str> {
        self.node.at_path(&["metadata", "namespace"]).and_then(Node::text).filter(|name| !name.is_empty())
    }

    /// As people call it: `Stash BackupConfiguration apps/wiki`.
    pub(super) fn title(&self) -> String {
        let namespace = self.namespace().map(|namespace| format!("{namespace}/")).unwrap_or_default();
        format!("{} {} {namespace}{}", self.system, self.kind(), self.name()).trim_end().to_owned()
    }
}

/// Every object of these documents, those within lists (`kind: List`, as `kubectl get -o yaml` prints several) included.
pub(super) fn objects<'a>(system: &'static str, documents: &[(&'a Path, &'a Node)]) -> Vec<Object<'a>> {
    let each = documents.iter().flat_map(|(file, node)| parts(node).into_iter().map(move |node| (*file, node)));
    each.map(|(file, node)| Object { system, file, node }).collect()
}

/// Whether a document, or an object of the list that it is, is of an API group.
pub(super) fn is_of_group(node: &Node, is_it: impl Fn(&str) -> bool) -> bool {
    parts(node).into_iter().any(|node| is_it(node.get("apiVersion").and_then(Node::text).unwrap_or_default()))
}

fn parts(node: &Node) -> Vec<&Node> {
    let is_list = node.get("kind").and_then(Node::text).is_some_and(|kind| kind.ends_with("List"));
    match node.get("items") {
        Some(items) if is_list => items.items().iter().collect(),
        _ => vec![node],
    }
}

/// What was found so far, by file, in the order of the files.
#[derive(Debug, Default)]
pub(super) struct Files(pub(super) Vec<(PathBuf, Found)>);

impl Files {
    /// What was found in this file.
    pub(super) fn of(&mut self, file: &Path) -> &mut Found {
        let place = self.0.iter().position(|(path, _)| path == file).unwrap_or_else(|| {
            self.0.push((file.to_owned(), Found::default()));
            self.0.len() - 1
        });
        &mut self.0[place].1
    }

    /// Every hook, in running order within each owner and phase.
    pub(super) fn hooks(&mut self) -> impl DoubleEndedIterator<Item = &mut Declared> {
        self.0.iter_mut().flat_map(|(_, found)| &mut found.hooks)
    }

    /// All of it: mistakes in the order of the file, each once, and no two hooks of a phase with one name.
    pub(super) fn finished(mut self) -> Vec<(PathBuf, Found)> {
        let mut taken = BTreeSet::new();
        // From which number on a name may be free.
        let mut numbers: BTreeMap<(String, String), u32> = BTreeMap::new();
        for hook in self.hooks() {
            let Some(wanted) = hook.name.take() else { continue };
            let phase = format!("{:?} {:?}", hook.owner, hook.phase);
            let number = numbers.entry((phase.clone(), wanted.clone())).or_insert(2);
            let mut name = wanted.clone();
            while !taken.insert((phase.clone(), name.clone())) {
                name = format!("{wanted}-{number}");
                *number += 1;
            }
            hook.name = Some(name);
        }
        for (_, found) in &mut self.0 {
            found.mistakes.sort();
            found.mistakes.dedup();
            found.concerns.sort_unstable();
            found.concerns.dedup();
        }
        self.0
    }
}

/// The field of an object; one that is `null` is not set, as in Kubernetes.
pub(super) fn set<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    node.get(key).filter(|node| !node.is_null())
}

/// Reads fields, and collects what is wrong with them.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// What is wrong.
    pub(super) mistakes: Vec<FileMistake>,
}

impl Fields {
    /// Notes a mistake.
    pub(super) fn wrong(&mut self, at: At, what: impl Into<String>, mend: impl Into<String>) {
        self.mistakes.push(FileMistake { at, what: what.into(), mend: mend.into() });
    }

    /// That `node` is a mapping and has no other fields than these. A field that has no counterpart here is never ignored.
    pub(super) fn only(&mut self, node: &Node, keys: &[&str], place: &str) {
        if !matches!(node.value, Yaml::Map(_)) {
            self.wrong(
                node.at,
                format!("{place} is {}", node.kind()),
                format!("write a mapping with {}", listed(keys)),
            );
        }
        for Entry { at, key, .. } in node.entries().iter().filter(|entry| !keys.contains(&entry.key.as_str())) {
            let mend = nearest(key, keys).map_or_else(
                || format!("leave it out; here are {}", listed(keys)),
                |near| format!("did you mean '{near}'?"),
            );
            self.wrong(*at, format!("unknown field '{key}' in {place}"), mend);
        }
    }

    /// A text; a number or a truth value has to be quoted, as in Kubernetes.
    pub(super) fn text<'a>(&mut self, node: &'a Node, key: &str, place: &str) -> Option<&'a str> {
        self.of_text(set(node, key)?, &format!("{place}.{key}"))
    }

    /// As [`Fields::text`], of the value itself.
    pub(super) fn of_text<'a>(&mut self, node: &'a Node, place: &str) -> Option<&'a str> {
        let text = node.text();
        if text.is_none() {
            let mend = match &node.value {
                Yaml::Int(_, written) | Yaml::Float(_, written) => format!("put it in quotes: \"{written}\""),
                Yaml::Bool(value) => format!("put it in quotes: \"{value}\""),
                _ => "write a text".to_owned(),
            };
            self.wrong(node.at, format!("{place} is {}", node.kind()), mend);
        }
        text
    }

    /// The items of a list; none if it is not set.
    pub(super) fn list<'a>(&mut self, node: &'a Node, key: &str, place: &str) -> &'a [Node] {
        let Some(list) = set(node, key) else { return &[] };
        if !matches!(list.value, Yaml::List(_)) {
            let mend = "write a list, each item with a dash before it";
            self.wrong(list.at, format!("{place}.{key} is {}", list.kind()), mend);
        }
        list.items()
    }

    /// One of some words, whatever its case; an empty one is not set.
    pub(super) fn word<T: Copy>(&mut self, node: &Node, key: &str, place: &str, words: &[(&str, T)]) -> Option<T> {
        let given = self.text(node, key, place).filter(|text| !text.is_empty())?;
        let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(given));
        if found.is_none() {
            let at = set(node, key).map_or(At::START, |node| node.at);
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.wrong(at, format!("{place}.{key} is '{given}'"), format!("use {}", alternatives(&known)));
        }
        found.map(|(_, value)| *value)
    }

    /// Variables (`EnvVar`) with a value of their own. A value that only the cluster knows (`valueFrom`) is a mistake.
    pub(super) fn variables(&mut self, node: &Node, key: &str, place: &str) -> Vec<(String, String)> {
        let mut variables = Vec::new();
        for (at, item) in self.list(node, key, place).iter().enumerate() {
            let place = format!("{place}.{key}[{at}]");
            self.only(item, &["name", "value", "valueFrom"], &place);
            let name = self.text(item, "name", &place).unwrap_or_default();
            if let Some(from) = item.entry("valueFrom").filter(|entry| !entry.value.is_null()) {
                let what =
                    format!("{place}.valueFrom ('{name}') is a value of the cluster, which cannot be read from here");
                self.wrong(
                    from.at,
                    what,
                    format!("set {name} in the environment of this container, and take it out here"),
                );
            } else if name.is_empty() || name.contains('=') || name.contains(char::is_control) {
                let shown = name.replace(char::is_control, " ");
                self.wrong(item.at, format!("{place}.name is '{shown}'"), "write the name of a variable");
            } else {
                variables.push((name.to_owned(), self.text(item, "value", &place).unwrap_or_default().to_owned()));
            }
        }
        variables
    }
}

/// Finds fields that have lost their hooks by a slip in what is otherwise not read: `hook`, or a phase without `hooks`.
pub(super) fn slips(fields: &mut Fields, node: &Node, phases: &[&str], place: &str) {
    for Entry { at, key, .. } in node.entries().iter().filter(|entry| entry.key != "hooks") {
        let what = format!("unknown field '{key}' in {place}");
        if nearest(key, &["hooks"]).is_some() {
            fields.wrong(*at, what, "did you mean 'hooks'?");
        } else if let Some(phase) = nearest(key, phases) {
            fields.wrong(*at, what, format!("write {phase} below {place}.hooks"));
        }
    }
}

/// The word that was probably meant, if one is near.
pub(super) fn nearest<'a>(word: &str, words: &[&'a str]) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let all = words.iter().map(|known| (distance(&lower, &known.to_lowercase()), *known));
    let (far, known) = all.min()?;
    (far <= 2 && far * 2 < known.len()).then_some(known)
}

fn listed(keys: &[&str]) -> String {
    keys.join(", ")
}

fn alternatives(words: &[&str]) -> String {
    match words {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => words.concat(),
    }
}

/// A duration as Go writes one: `45s`, `1h30m`, `1.5m`, `300ms`. A bare number has no unit, and is none.
pub(super) fn go_duration(text: &str) -> Option<Duration> {
    // Of two units with one beginning the longer stands first.
    const UNITS: [(&str, f64); 8] =
        [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("μs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
        let (number, after) = rest.split_at(digits);
        let (unit, length) = UNITS.iter().find(|(unit, _)| after.starts_with(unit))?;
        seconds += number.parse::<f64>().ok()? * length;
        rest = &after[unit.len()..];
    }
    (!text.is_empty()).then(|| Duration::try_from_secs_f64(seconds).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::super::super::document;
    use super::*;

    fn mistakes(text: &str, read: impl Fn(&mut Fields, &Node)) -> Vec<String> {
        let documents = document::read(text).expect("is YAML");
        let mut fields = Fields::default();
        read(&mut fields, &documents[0]);
        fields.mistakes.iter().map(|mistake| format!("{}: {}: {}", mistake.at, mistake.what, mistake.mend)).collect()
    }

    #[test]
    fn an_unknown_field_is_named_with_its_place_and_the_nearest_word() {
        let found = mistakes("exec:\n  comand: [x]\n  zzz: 1\n", |fields, node| {
            fields.only(node.get("exec").expect("is there"), &["command"], "spec.exec");
        });
        assert_eq!(
            found,
            [
                "2:3: unknown field 'comand' in spec.exec: did you mean 'command'?",
                "3:3: unknown field 'zzz' in spec.exec: leave it out; here are command"
            ]
        );
    }

    #[test]
    fn values_of_another_type_say_how_to_write_them() {
        let found = mistakes("{a: 5, b: true, c: {}, d: x, e: null}", |fields, node| {
            assert_eq!(fields.text(node, "a", "it"), None);
            assert_eq!(fields.text(node, "b", "it"), None);
            assert_eq!(fields.text(node, "e", "it"), None);
            assert!(fields.list(node, "c", "it").is_empty());
            assert_eq!(fields.word(node, "d", "it", &[("One", 1), ("Two", 2), ("Three", 3)]), None);
        });
        assert_eq!(
            found,
            [
                "1:5: it.a is the number 5: put it in quotes: \"5\"",
                "1:11: it.b is true: put it in quotes: \"true\"",
                "1:20: it.c is a mapping: write a list, each item with a dash before it",
                "1:27: it.d is 'x': use One, Two or Three"
            ]
        );
    }

    #[test]
    fn a_variable_from_elsewhere_is_a_mistake_with_the_mend() {
        let text = "v:\n- {name: LEVEL, value: '2'}\n- name: TOKEN\n  valueFrom: {secretKeyRef: {name: a, key: b}}\n";
        let found = mistakes(text, |fields, node| {
            assert_eq!(fields.variables(node, "v", "it"), [("LEVEL".to_owned(), "2".to_owned())]);
        });
        assert_eq!(
            found,
            ["4:3: it.v[1].valueFrom ('TOKEN') is a value of the cluster, which cannot be read from here: \
              set TOKEN in the environment of this container, and take it out here"]
        );
    }

    #[test]
    fn a_slip_outside_of_the_hooks_is_found_and_everyday_fields_are_not() {
        let text = "{hook: {}, prebackup: {}, schedule: x, rules: [], tasks: [], target: {}, ttl: 1}";
        let found = mistakes(text, |fields, node| slips(fields, node, &["preBackup", "postBackup"], "spec"));
        assert_eq!(
            found,
            [
                "1:2: unknown field 'hook' in spec: did you mean 'hooks'?",
                "1:12: unknown field 'prebackup' in spec: write preBackup below spec.hooks"
            ]
        );
    }

    #[test]
    fn durations_are_read_as_go_reads_them() {
        let milliseconds = |text| go_duration(text).map(|duration| duration.as_millis());
        assert_eq!(milliseconds("45s"), Some(45_000));
        assert_eq!(milliseconds("1h30m"), Some(5_400_000));
        assert_eq!(milliseconds("1.5m"), Some(90_000));
        assert_eq!(milliseconds("300ms"), Some(300));
        for wrong in ["45", "", "s", "-5s", "5 s", "1d", "1e400h", "1..5s"] {
            assert_eq!(milliseconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn objects_of_a_list_count_each() {
        let text =
            "{apiVersion: v1, kind: List, items: [{apiVersion: a/v1, kind: X, metadata: {name: n, namespace: s}}]}";
        let documents = document::read(text).expect("is YAML");
        assert!(is_of_group(&documents[0], |group| group == "a/v1"));
        let found = objects("Sys", &[(Path::new("f"), &documents[0])]);
        assert_eq!(found.iter().map(Object::title).collect::<Vec<_>>(), ["Sys X s/n"]);
    }
}
