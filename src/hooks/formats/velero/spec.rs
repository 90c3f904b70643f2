//! Hooks in the specs of `Backup`, `Schedule` and `Restore`.

use super::super::super::Finding;
use super::super::super::document::{Entry, Node, Yaml};
use super::super::super::near::nearest;
use super::super::super::{OnError, Phase};
use super::super::title;
use super::annotations::Annotated;
use super::hook::{Said, Time};
use super::selection::{Selection, known, texts};
use super::{Reading, group, values};

/// The kinds that hold hooks, and where.
const WITH_HOOKS: &[(&str, &[&str])] =
    &[("Backup", &["spec", "hooks"]), ("Schedule", &["spec", "template", "hooks"]), ("Restore", &["spec", "hooks"])];

/// Velero's other kinds.
const OTHER_KINDS: &[&str] = &[
    "BackupRepository",
    "BackupStorageLocation",
    "ConfigMap",
    "DataDownload",
    "DataUpload",
    "DeleteBackupRequest",
    "DownloadRequest",
    "PodVolumeBackup",
    "PodVolumeRestore",
    "ResticRepository",
    "ServerStatusRequest",
    "VolumeSnapshotLocation",
];

const OF_RESOURCE: &[&str] =
    &["name", "includedNamespaces", "excludedNamespaces", "includedResources", "excludedResources", "labelSelector"];

/// The schedules whose hooks are read, so that those of the backups that they made are not read again.
pub(super) struct Past {
    /// Namespace and name.
    schedules: Vec<(String, String)>,
}

impl Past {
    pub(super) fn of<'a>(documents: impl Iterator<Item = &'a Node>) -> Self {
        let is_schedule = |node: &&Node| group(node).is_some() && kind(node) == "Schedule";
        Self {
            schedules: documents.filter(is_schedule).map(|node| (of(node, "namespace"), of(node, "name"))).collect(),
        }
    }

    /// Whether a backup was made by a schedule whose hooks are read already; if not, they are from now on.
    fn has(&mut self, node: &Node) -> bool {
        let labels = node.at_path(&["metadata", "labels"]);
        let label = |key| labels.and_then(|labels| labels.get(key)).and_then(Node::text);
        let Some(schedule) = label("velero.io/schedule-name").or_else(|| label("ark-schedule")) else { return false };
        let schedule = (of(node, "namespace"), schedule.to_owned());
        let known = self.schedules.contains(&schedule);
        if !known {
            self.schedules.push(schedule);
        }
        known
    }
}

fn kind(node: &Node) -> &str {
    node.get("kind").and_then(Node::text).unwrap_or_default()
}

fn of(node: &Node, key: &str) -> String {
    node.at_path(&["metadata", key]).and_then(Node::text).unwrap_or_default().to_owned()
}

pub(super) fn read(reading: &mut Reading<'_>, node: &Node, group: &str, past: &mut Past, annotated: &[Annotated]) {
    let system = if group == "velero.io" { "Velero" } else { "Ark" };
    let title = title(node);
    reading.begin(format!("{system} {title}"));
    let Some((kind, path)) = WITH_HOOKS.iter().find(|(name, _)| *name == kind(node)).copied() else {
        other_kind(reading, node, &title);
        return;
    };
    let worker = if kind == "Restore" { "restore" } else { "backup" };
    reading.concerns(worker);
    let version = node.get("apiVersion").and_then(Node::text).unwrap_or_default();
    if version != format!("{group}/v1") {
        let at = node.get("apiVersion").map_or(node.at, |node| node.at);
        reading.mistake(at, format!("{title} is of the version '{version}'"), format!("write {group}/v1"));
    }
    if kind == "Backup" && past.has(node) {
        let why = "its schedule's hooks are read already";
        reading.note(format!("{title} is a backup that a schedule made, and is not read: {why}"));
        return;
    }
    reading.note(format!("of {title} only {} is read", path.join(".")));
    misplaced(reading, node, path, &title);
    let path_text = path.join(".");
    let Some(hooks) = node.at_path(path).filter(|node| !node.is_null()) else {
        reading.note(format!("{title} has no hooks"));
        return;
    };
    if !known(reading, hooks, &["resources"], &path_text) {
        return;
    }
    let Some(resources) = hooks.get("resources").filter(|node| !node.is_null()) else { return };
    if !matches!(resources.value, Yaml::List(_)) {
        let what = format!("{path_text}.resources is {}", resources.kind());
        reading.mistake(resources.at, what, "write a list");
    }
    for (index, node) in resources.items().iter().enumerate() {
        let path = format!("{path_text}.resources[{index}]");
        resource(reading, node, kind, &path, annotated);
    }
}

/// Hooks that stand where the other kind has them, and are not found there.
fn misplaced(reading: &mut Reading<'_>, node: &Node, path: &[&str], title: &str) {
    let elsewhere: [&[&str]; 3] = [&["hooks"], &["spec", "hooks"], &["spec", "template", "hooks"]];
    for other in elsewhere.into_iter().filter(|other| *other != path) {
        if let Some(found) = node.at_path(other) {
            let what = format!("{title} has {}, which Velero does not read", other.join("."));
            reading.mistake(found.at, what, format!("move it to {}", path.join(".")));
        }
    }
}

fn other_kind(reading: &mut Reading<'_>, node: &Node, title: &str) {
    let given = kind(node);
    let kinds: Vec<&str> = WITH_HOOKS.iter().map(|(name, _)| *name).chain(OTHER_KINDS.iter().copied()).collect();
    match nearest(given, kinds.iter().copied()) {
        Some(near) if !kinds.contains(&given) => {
            let at = node.get("kind").map_or(node.at, |node| node.at);
            reading.concerns("backup");
            reading.concerns("restore");
            reading.found.means_fail = true;
            reading.mistake(at, format!("unknown kind '{given}'"), format!("did you mean '{near}'?"));
        }
        _ => reading.note(format!("{title} defines no hooks and is not read")),
    }
}

fn resource(reading: &mut Reading<'_>, node: &Node, kind: &str, path: &str, annotated: &[Annotated]) {
    let lists: &[(&str, Time)] = match kind {
        "Restore" => &[("postHooks", Time::PostRestore)],
        // The old name of `pre`.
        _ => &[("pre", Time::PreBackup), ("hooks", Time::PreBackup), ("post", Time::PostBackup)],
    };
    let keys: Vec<&str> = OF_RESOURCE.iter().copied().chain(lists.iter().map(|(key, _)| *key)).collect();
    if !known(reading, node, &keys, path) {
        return;
    }
    let name = match node.get("name") {
        Some(Node { value: Yaml::Str(name), .. }) if !name.is_empty() => name.clone(),
        Some(other) if !other.is_null() && other.text().is_none() => {
            reading.mistake(other.at, format!("{path}.name is {}", other.kind()), "write a text, in quotes");
            String::new()
        }
        other => {
            let at = other.map_or(node.at, |node| node.at);
            reading.mistake(at, format!("{path} has no name"), "give it a name, which its hooks will have");
            String::new()
        }
    };
    if let (Some(_), Some(old)) = (node.get("pre"), node.entry("hooks")) {
        reading.mistake(old.at, format!("{path} has both 'pre' and 'hooks', its old name"), "keep 'pre' alone");
    }
    let selection = Selection::read(reading, node, path);
    for (key, time) in lists {
        let Some(list) = node.get(key).filter(|list| !list.is_null()) else { continue };
        let path = format!("{path}.{key}");
        if !matches!(list.value, Yaml::List(_)) {
            reading.mistake(list.at, format!("{path} is {}", list.kind()), "write a list");
        }
        let count = list.items().len();
        for (index, item) in list.items().iter().enumerate() {
            let number = if count > 1 { format!("-{}", index + 1) } else { String::new() };
            let name = format!("{name}-{}{number}", time.phase().word());
            let notes = notes(&selection, *time, annotated);
            hook(reading, item, &format!("{path}[{index}]"), Place { name, time: *time, selection: &selection }, notes);
        }
    }
}

/// What is to be said of every hook of a resource.
fn notes(selection: &Selection, time: Time, annotated: &[Annotated]) -> (Vec<String>, Vec<Finding>) {
    let mut notes = Vec::new();
    let mut warnings = Vec::new();
    if !selection.excluded.is_empty() {
        notes.push(format!("Velero did not run it in pods of {}", selection.excluded.join(", ")));
    }
    let has_own = |pods: &&Annotated| match time {
        Time::PreBackup => pods.phases.contains(&Phase::Pre),
        Time::PostBackup => pods.phases.contains(&Phase::Post),
        Time::PostRestore => pods.restore,
    };
    for pods in annotated.iter().filter(has_own).filter(|pods| selection.fits(pods)) {
        let title = &pods.title;
        notes.push(format!("Velero did not run it in the pods of {title}, which have annotations; here both run"));
        warnings.push(Finding {
            what: format!("runs beside the hook in the annotations of {title}, which Velero ran in its stead"),
            mend: "take one of the two away".to_owned(),
        });
    }
    (notes, warnings)
}

struct Place<'a> {
    name: String,
    time: Time,
    selection: &'a Selection,
}

fn hook(
    reading: &mut Reading<'_>,
    item: &Node,
    path: &str,
    place: Place<'_>,
    (notes, warnings): (Vec<String>, Vec<Finding>),
) {
    let Place { name, time, selection } = place;
    let is_restore = time == Time::PostRestore;
    if let Some(init) = item.entry("init").filter(|_| is_restore) {
        let what = format!("'init' in {path} adds containers to a pod that is restored, and no pod is restored here");
        reading.mistake(init.at, what, "take it away, and do the same in an exec hook");
        let others: Vec<Entry> = item.entries().iter().filter(|entry| entry.key != "init").cloned().collect();
        if others.is_empty() {
            return;
        }
    }
    let mut keys = vec!["exec"];
    keys.extend(is_restore.then_some("init"));
    if !known(reading, item, &keys, path) {
        return;
    }
    let path = format!("{path}.exec");
    let Some(exec) = item.get("exec") else {
        reading.mistake(item.at, format!("{path} is missing"), "write exec with a command");
        return;
    };
    let keys: &[&str] = if is_restore {
        &["container", "command", "onError", "execTimeout", "waitTimeout", "waitForReady"]
    } else {
        &["container", "command", "onError", "timeout"]
    };
    let given = exec.get("onError").filter(|node| !node.is_null() && node.text() != Some(""));
    let fails = given.and_then(Node::text).unwrap_or(time.on_error().word()) != OnError::Continue.word();
    reading.found.means_fail |= fails;
    if let Some(limit) = exec.entry("timeout").filter(|_| is_restore) {
        let what = format!("unknown key 'timeout' in {path}");
        reading.mistake(limit.at, what, "write execTimeout for the command's limit");
    }
    let allowed: Vec<&str> = keys.iter().copied().chain(is_restore.then_some("timeout")).collect();
    if !known(reading, exec, &allowed, &path) {
        return;
    }
    let on_error = given.and_then(|node| {
        let read = node.text().ok_or_else(|| "write Fail or Continue".to_owned()).and_then(values::on_error);
        read.map_err(|mend| reading.mistake(node.at, format!("onError in {path} is {}", node.kind()), mend)).ok()
    });
    let mut limit = |key: &str| {
        let node = exec.get(key).filter(|node| !node.is_null())?;
        let read = match &node.value {
            Yaml::Str(text) => values::duration(text),
            Yaml::Int(_, written) => values::duration(written),
            _ => values::duration("none"),
        };
        let mistake = |error: values::NoDuration| {
            reading.mistake(node.at, format!("{key} in {path} is {}, which {}", node.kind(), error.what), error.mend);
        };
        read.map_err(mistake).ok()
    };
    let timeout = limit(if is_restore { "execTimeout" } else { "timeout" });
    limit("waitTimeout");
    if let Some(node) = exec.get("waitForReady")
        && !matches!(node.value, Yaml::Bool(_) | Yaml::Null)
    {
        reading.mistake(node.at, format!("waitForReady in {path} is {}", node.kind()), "write true or false");
    }
    let container = exec.get("container").filter(|node| !node.is_null() && node.text() != Some(""));
    if let Some(node) = container.filter(|node| node.text().is_none()) {
        reading.mistake(node.at, format!("container in {path} is {}", node.kind()), "write a text");
    }
    let before = reading.found.mistakes.len();
    let command = texts(reading, exec.get("command"), &format!("{path}.command"));
    if command.is_empty() && reading.found.mistakes.len() == before {
        reading.mistake(exec.at, format!("{path} has no command"), "write a list of program and arguments");
    }
    let said = Said {
        at: item.at,
        name,
        time,
        command,
        container: container.and_then(Node::text).map(str::to_owned),
        on_error,
        timeout,
        executor: selection.executor(),
        notes,
        warnings,
    };
    said.declare(reading);
}
