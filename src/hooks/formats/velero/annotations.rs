//! Hooks in the annotations of a pod, given as a `Pod` or as the manifest of what makes pods.

use super::super::super::document::{Entry, Node, Yaml};
use super::super::super::model::{Executor, ExecutorKind};
use super::super::super::near::nearest;
use super::super::super::{OnError, Phase};
use super::super::{is_object, title};
use super::hook::{Said, Time};
use super::{DOMAINS, Reading, values};

/// Where a pod lies in the manifests of what makes pods.
const MANIFESTS: &[(&str, &[&str])] = &[
    ("Pod", &[]),
    ("Deployment", &["spec", "template"]),
    ("StatefulSet", &["spec", "template"]),
    ("DaemonSet", &["spec", "template"]),
    ("ReplicaSet", &["spec", "template"]),
    ("ReplicationController", &["spec", "template"]),
    ("PodTemplate", &["template"]),
    ("Job", &["spec", "template"]),
    ("CronJob", &["spec", "jobTemplate", "spec", "template"]),
];

const OF_BACKUP: &[&str] = &["container", "command", "on-error", "timeout"];
const OF_RESTORE: &[&str] = &["container", "command", "on-error", "exec-timeout", "wait-timeout", "wait-for-ready"];

/// Where any other system has it that makes pods of a template, as Argo's Rollout.
const USUAL: &[&str] = &["spec", "template"];

/// The path from a manifest to its pod. An unknown kind has one where its pods have hooks.
fn path_to_pod(node: &Node) -> Option<&'static [&'static str]> {
    known_path(node).or_else(|| {
        let pod = node.at_path(USUAL).filter(|_| is_object(node))?;
        hook_entries(pod).next().map(|_| USUAL)
    })
}

fn known_path(node: &Node) -> Option<&'static [&'static str]> {
    let kind = node.get("kind").and_then(Node::text)?;
    MANIFESTS.iter().find(|(name, _)| *name == kind).map(|(_, path)| *path)
}

/// Every annotation of a hook, wherever it stands in an object of an unknown kind.
fn entries_anywhere(node: &Node) -> Vec<&Entry> {
    let mut found = Vec::new();
    for entry in node.entries().iter().filter(|entry| entry.key != "managedFields") {
        if is_hook_key(&entry.key) {
            found.push(entry);
        }
        found.extend(entries_anywhere(&entry.value));
    }
    found.extend(node.items().iter().flat_map(entries_anywhere));
    found
}

fn hook_entries(object: &Node) -> impl Iterator<Item = &Entry> {
    let annotations = object.at_path(&["metadata", "annotations"]);
    annotations.map(Node::entries).unwrap_or_default().iter().filter(|entry| is_hook_key(&entry.key))
}

/// Whether an annotation means a hook, rightly written or not.
fn is_hook_key(key: &str) -> bool {
    let Some((prefix, _)) = key.split_once('/') else { return false };
    prefix.contains("hook") && DOMAINS.iter().any(|domain| prefix.ends_with(domain))
}

/// Whether a manifest has hooks in its annotations, or means to.
pub(super) fn is_annotated(node: &Node) -> bool {
    let Some(path) = known_path(node) else { return is_object(node) && !entries_anywhere(node).is_empty() };
    let pod = node.at_path(path);
    pod.is_some_and(|pod| hook_entries(pod).next().is_some()) || hook_entries(node).next().is_some()
}

/// A manifest with hooks of its own: Velero ignores those of specs for its pods.
pub(super) struct Annotated {
    pub(super) title: String,
    pub(super) namespace: Option<String>,
    pub(super) labels: Vec<(String, String)>,
    /// The phases of a backup that it has hooks for.
    pub(super) phases: Vec<Phase>,
    pub(super) restore: bool,
}

impl Annotated {
    pub(super) fn of(node: &Node) -> Option<Self> {
        let pod = node.at_path(path_to_pod(node)?)?;
        let has = |start: &str| hook_entries(pod).any(|e| e.key.starts_with(start) && e.key.ends_with("/command"));
        let mut phases = Vec::new();
        if has("pre.hook.backup.") || has("hook.backup.") {
            phases.push(Phase::Pre);
        }
        if has("post.hook.backup.") {
            phases.push(Phase::Post);
        }
        let restore = has("post.hook.restore.");
        let labels = pod.at_path(&["metadata", "labels"]).map(Node::entries).unwrap_or_default();
        let labels =
            labels.iter().filter_map(|entry| Some((entry.key.clone(), entry.value.text()?.to_owned()))).collect();
        let namespace = node.at_path(&["metadata", "namespace"]).and_then(Node::text).map(str::to_owned);
        (restore || !phases.is_empty()).then(|| Self { title: title(node), namespace, labels, phases, restore })
    }
}

/// Which hook a prefix stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meant {
    Hook(Time),
    /// A pre hook of a backup, as it was written before there were post hooks.
    Oldest,
    Init,
}

/// Every prefix there is, what it means, in the order in which the first one that has a command counts.
fn prefixes() -> Vec<(String, Meant)> {
    let mut all = Vec::new();
    for domain in DOMAINS {
        all.push((format!("pre.hook.backup.{domain}"), Meant::Hook(Time::PreBackup)));
        all.push((format!("hook.backup.{domain}"), Meant::Oldest));
        all.push((format!("post.hook.backup.{domain}"), Meant::Hook(Time::PostBackup)));
    }
    // Ark had no hooks of restores.
    all.push(("post.hook.restore.velero.io".to_owned(), Meant::Hook(Time::PostRestore)));
    all.push(("init.hook.restore.velero.io".to_owned(), Meant::Init));
    all
}

/// The annotations of one hook.
struct Group<'a> {
    prefix: String,
    time: Time,
    fields: Vec<(&'a str, &'a Entry)>,
}

impl<'a> Group<'a> {
    fn get(&self, field: &str) -> Option<&'a Entry> {
        self.fields.iter().find(|(name, _)| *name == field).map(|(_, entry)| *entry)
    }

    fn command(&self) -> Option<&'a Entry> {
        self.get("command").filter(|entry| entry.value.text() != Some("") && !entry.value.is_null())
    }
}

pub(super) fn read(reading: &mut Reading<'_>, node: &Node) {
    reading.begin(format!("Velero annotations of {}", title(node)));
    let path = path_to_pod(node);
    if known_path(node).is_none() {
        elsewhere(reading, node, path);
    }
    let Some(path) = path else { return };
    reading
        .note(format!("of {} only the annotations of its pods and the names of its containers are read", title(node)));
    if !path.is_empty() {
        for entry in hook_entries(node) {
            reading.concerns(if entry.key.contains(".restore.") { "restore" } else { "backup" });
            reading.found.means_fail |= entry.key.contains("hook.backup.");
            reading.mistake(
                entry.at,
                format!("the annotation '{}' stands on the {}, not on its pods", entry.key, kind(node)),
                format!("move it to {}.metadata.annotations", path.join(".")),
            );
        }
    }
    let Some(pod) = node.at_path(path) else { return };
    let entries: Vec<&Entry> = hook_entries(pod).collect();
    let groups = groups(reading, &entries);
    for time in [Time::PreBackup, Time::PostBackup, Time::PostRestore] {
        let mut chosen: Option<&Group<'_>> = None;
        for group in groups.iter().filter(|group| group.time == time) {
            reading.concerns(time.worker());
            let on_error = group.get("on-error").and_then(|entry| entry.value.text());
            reading.found.means_fail |= on_error.unwrap_or(time.on_error().word()) != OnError::Continue.word();
            match chosen {
                _ if group.command().is_none() => {
                    let at = group.fields[0].1.at;
                    let what = format!("{} has no command, so there is no hook", group.prefix);
                    reading.mistake(at, what, format!("add {}/command, or take its annotations away", group.prefix));
                }
                None => chosen = Some(group),
                Some(first) => {
                    let why = format!("{} is left out, since {} is there", group.prefix, first.prefix);
                    reading.note(format!("{why}: a pod has one hook a phase"));
                }
            }
        }
        if let Some(group) = chosen {
            hook(reading, node, pod, group);
        }
    }
}

/// The hooks of an unknown kind that stand neither on its pods nor on itself.
fn elsewhere(reading: &mut Reading<'_>, node: &Node, path: Option<&[&str]>) {
    let pod = path.and_then(|path| node.at_path(path));
    let read: Vec<_> =
        pod.into_iter().flat_map(|pod| hook_entries(pod).chain(hook_entries(node))).map(|e| e.at).collect();
    let unread: Vec<&Entry> = entries_anywhere(node).into_iter().filter(|entry| !read.contains(&entry.at)).collect();
    for entry in &unread {
        reading.concerns(if entry.key.contains(".restore.") { "restore" } else { "backup" });
        reading.found.means_fail |= entry.key.contains("hook.backup.");
    }
    if let Some(first) = unread.first() {
        reading.mistake(
            first.at,
            format!("the {} has hook annotations, but its kind is not known", kind(node)),
            format!("give the manifest of its pods, or move them to {}.metadata.annotations", USUAL.join(".")),
        );
    }
}

fn kind(node: &Node) -> &str {
    node.get("kind").and_then(Node::text).unwrap_or("object")
}

/// The annotations by hook, in the order of [`prefixes`]; what fits nowhere is a mistake.
fn groups<'a>(reading: &mut Reading<'_>, entries: &[&'a Entry]) -> Vec<Group<'a>> {
    let known = prefixes();
    let mut refused_init = false;
    for entry in entries {
        let Some((prefix, _)) = entry.key.split_once('/') else { continue };
        match known.iter().find(|(known, _)| known == prefix) {
            Some((_, Meant::Init)) => {
                reading.concerns("restore");
                if !refused_init {
                    reading.mistake(
                        entry.at,
                        "'init.hook.restore.velero.io' adds a container to a pod that is restored, and no pod is \
                         restored here",
                        "take its annotations away, and do the same in a postRestore hook",
                    );
                }
                refused_init = true;
            }
            Some(_) => {}
            None => unknown_prefix(reading, entry, prefix, &known),
        }
    }
    let mut groups = Vec::new();
    for (prefix, meant) in &known {
        let time = match meant {
            Meant::Hook(time) => *time,
            Meant::Oldest => Time::PreBackup,
            Meant::Init => continue,
        };
        let of = |entry: &&'a Entry| {
            let (before, field) = entry.key.split_once('/')?;
            (before == prefix).then_some((field, *entry))
        };
        let mut fields: Vec<(&'a str, &'a Entry)> = entries.iter().filter_map(of).collect();
        fields.retain(|(field, entry)| is_known(reading, time, prefix, field, entry));
        if !fields.is_empty() {
            groups.push(Group { prefix: prefix.clone(), time, fields });
        } else if entries.iter().any(|entry| of(entry).is_some()) {
            // All of it is misspelt: that has been said.
            reading.concerns(time.worker());
            reading.found.means_fail |= time.on_error() == OnError::Fail;
        }
    }
    groups
}

fn unknown_prefix(reading: &mut Reading<'_>, entry: &Entry, prefix: &str, known: &[(String, Meant)]) {
    let is_restore = prefix.contains("restore");
    reading.concerns(if is_restore { "restore" } else { "backup" });
    reading.found.means_fail |= !is_restore;
    let words: Vec<&str> = known.iter().map(|(known, _)| known.as_str()).collect();
    let mend = match nearest(prefix, words.iter().copied()) {
        _ if prefix == "pre.hook.restore.velero.io" => {
            "Velero has no hooks before a restore: take it away, or declare a preRestore hook in hooks.yaml".to_owned()
        }
        Some(near) => format!("did you mean '{near}'?"),
        None => format!("use one of {}", words.join(", ")),
    };
    reading.mistake(entry.at, format!("unknown hook '{prefix}' in the annotation '{}'", entry.key), mend);
}

fn is_known(reading: &mut Reading<'_>, time: Time, prefix: &str, field: &str, entry: &Entry) -> bool {
    let fields = if time == Time::PostRestore { OF_RESTORE } else { OF_BACKUP };
    let known = fields.contains(&field);
    if !known {
        let mend = match (time, field) {
            (Time::PostRestore, "timeout") => {
                format!("Velero ignores it: write {prefix}/exec-timeout for the command's limit")
            }
            _ => match nearest(field, fields.iter().copied()) {
                Some(near) => format!("did you mean '{prefix}/{near}'?"),
                None => format!("use one of {}", fields.join(", ")),
            },
        };
        reading.mistake(entry.at, format!("unknown annotation '{}'", entry.key), mend);
    }
    known
}

/// The text of an annotation; a value that is none is a mistake.
fn text<'a>(reading: &mut Reading<'_>, entry: &'a Entry) -> Option<&'a str> {
    let text = entry.value.text();
    if text.is_none() {
        let written = match &entry.value.value {
            Yaml::Bool(value) => Some(value.to_string()),
            Yaml::Int(_, written) | Yaml::Float(_, written) => Some(written.clone()),
            _ => None,
        };
        let mend = match (entry.key.ends_with("timeout"), written) {
            (true, Some(written)) => format!("write \"{written}s\""),
            (false, Some(written)) => format!("write \"{written}\", in quotes"),
            (_, None) if entry.key.ends_with("/command") => "write the list in quotes: '[\"/bin/sync\"]'".to_owned(),
            (_, None) => "write a text".to_owned(),
        };
        let what = format!("the annotation '{}' is {}, and annotations are texts", entry.key, entry.value.kind());
        reading.mistake(entry.value.at, what, mend);
    }
    text
}

fn hook(reading: &mut Reading<'_>, node: &Node, pod: &Node, group: &Group<'_>) {
    let time = group.time;
    let Some(entry) = group.command() else { return };
    let command = text(reading, entry).and_then(|given| match values::command(given) {
        Ok(words) => Some(words),
        Err(why) => {
            reading.mistake(entry.value.at, format!("'{}' {why}", entry.key), "write '[\"/bin/sh\", \"-c\", \"...\"]'");
            None
        }
    });
    let on_error = group.get("on-error").and_then(|entry| {
        let given = text(reading, entry)?;
        let read = values::on_error(given);
        read.map_err(|mend| reading.mistake(entry.value.at, format!("'{}' is '{given}'", entry.key), mend)).ok()
    });
    let mut limit = |field: &str| {
        let entry = group.get(field)?;
        let given = text(reading, entry)?;
        let read = values::duration(given);
        let mistake = |error: values::NoDuration| {
            reading.mistake(entry.value.at, format!("'{}' is '{given}', which {}", entry.key, error.what), error.mend);
        };
        read.map_err(mistake).ok()
    };
    let timeout = limit(if time == Time::PostRestore { "exec-timeout" } else { "timeout" });
    limit("wait-timeout");
    if let Some(entry) = group.get("wait-for-ready")
        && let Some(given) = text(reading, entry)
        && values::truth(given).is_none()
    {
        reading.mistake(entry.value.at, format!("'{}' is '{given}'", entry.key), "write \"true\" or \"false\"");
    }
    let container = container(reading, pod, group);
    let name = node.at_path(&["metadata", "name"]).and_then(Node::text);
    let namespace = node.at_path(&["metadata", "namespace"]).and_then(Node::text);
    let mut executor = Executor::of(ExecutorKind::Pod);
    executor.namespaces.extend(namespace.map(str::to_owned));
    executor.owner = name.map(|name| format!("{}/{name}", kind(node)));
    executor.strategy = (kind(node) != "Pod").then(|| "ExecuteOnAll".to_owned());
    let Some(command) = command else { return };
    let name = format!("{}-{}", name.unwrap_or("pod"), time.phase().word());
    let said = Said {
        at: entry.at,
        name,
        time,
        command,
        container,
        on_error,
        timeout,
        executor,
        notes: Vec::new(),
        warnings: Vec::new(),
    };
    said.declare(reading);
}

/// The container that is named, or the pod's first one; one that the pod does not have is a mistake.
fn container(reading: &mut Reading<'_>, pod: &Node, group: &Group<'_>) -> Option<String> {
    let names = |key| {
        let items = pod.at_path(&["spec", key]).map(Node::items).unwrap_or_default();
        items.iter().filter_map(|item| Some((item, item.get("name")?.text()?)))
    };
    let main: Vec<&str> = names("containers").map(|(_, name)| name).collect();
    let is_sidecar = |item: &Node| item.get("restartPolicy").and_then(Node::text) == Some("Always");
    let sidecars = names("initContainers").filter(|(item, _)| is_sidecar(item)).map(|(_, name)| name);
    let entry = group.get("container").filter(|entry| entry.value.text() != Some(""));
    let Some(entry) = entry else { return main.first().map(|name| (*name).to_owned()) };
    let given = text(reading, entry)?;
    let all: Vec<&str> = main.iter().copied().chain(sidecars).collect();
    if !main.is_empty() && !all.contains(&given) {
        let mend = match nearest(given, all.iter().copied()) {
            Some(near) => format!("did you mean '{near}'?"),
            None => format!("use one of {}", all.join(", ")),
        };
        reading.mistake(entry.value.at, format!("'{}' is '{given}', which the pod does not have", entry.key), mend);
    }
    Some(given.to_owned())
}
