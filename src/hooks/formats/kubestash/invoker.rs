//! What refers to templates of hooks: the sessions of a backup, and a restore.

use super::super::super::document::{Entry, Node};
use super::super::super::model::ObjectRef;
use super::super::super::{Context, Declared, Phase};
use super::super::kubernetes::{Files, Object, set, slips};
use super::hook_template::Templates;
use super::session::Reader;
use super::{GROUP, SYSTEM};

/// Where a blueprint has what it makes.
const TEMPLATE: &str = "backupConfigurationTemplate";

/// Reads an object into what was found in its file; mistakes in a template go to the template's file.
pub(super) fn read(object: &Object<'_>, worker: &'static str, templates: &mut Templates<'_>, files: &mut Files) {
    let keys = if worker == "restore" { ["preRestore", "postRestore"] } else { ["preBackup", "postBackup"] };
    let Some(spec) = set(object.node, "spec") else {
        files.of(object.file).notes.push(format!("{} has no spec, and so no hooks", object.title()));
        return;
    };
    let mut reader = Reader::new(object, worker, context(object, spec), templates);
    slips(&mut reader.fields, spec, &keys, "spec");
    let mut sessions = Vec::new();
    if worker == "restore" {
        sessions.push((spec, "spec".to_owned()));
    } else {
        let within = set(spec, TEMPLATE).map(|node| (node, "spec.backupConfigurationTemplate"));
        for (node, place) in within.into_iter().chain([(spec, "spec")]) {
            let each = reader.fields.list(node, "sessions", place).iter().enumerate();
            sessions.extend(each.map(|(at, node)| (node, format!("{place}.sessions[{at}]"))));
        }
    }
    let (mut pre, mut post) = (Vec::new(), Vec::new());
    for (session, place) in &sessions {
        if worker == "backup" {
            slips(&mut reader.fields, session, &keys, place);
        }
        let Some(hooks) = set(session, "hooks") else { continue };
        let place = format!("{place}.hooks");
        reader.fields.only(hooks, &keys, &place);
        for (key, phase, all) in [(keys[0], Phase::Pre, &mut pre), (keys[1], Phase::Post, &mut post)] {
            let known = all.len();
            for hook in reader.list(hooks, key, phase, &place) {
                match all[..known].iter_mut().find(|one| is_same(one, &hook)) {
                    Some(one) => one.notes.push(format!("{place}.{key} has it, too; it runs once")),
                    None => all.push(hook),
                }
            }
        }
    }
    let (mistakes, of_templates) = reader.finish();
    let mut notes = of_document(object, spec, &sessions);
    if pre.is_empty() && post.is_empty() {
        notes.push(format!("{} defines no hooks", object.title()));
    }
    for (file, mistake) in of_templates {
        files.of(&file).mistakes.push(mistake);
    }
    let found = files.of(object.file);
    found.mistakes.extend(mistakes);
    found.notes.extend(notes);
    found.hooks.extend(pre);
    found.hooks.extend(post);
}

/// Whether two hooks do the same in the same way, wherever they stand.
fn is_same(one: &Declared, other: &Declared) -> bool {
    // Every field is named, so that a new one is not forgotten.
    let Declared {
        owner,
        phase,
        name,
        script,
        action,
        timeout,
        on_error,
        stop_phase_on_error,
        policy,
        retries,
        retry_delay,
        skip_on,
        undo,
        hold_limit,
        context,
        executor,
        container_name,
        origin: _,
        notes: _,
        warnings,
    } = one;
    *name == other.name
        && (*owner, *phase, *policy, *retries) == (other.owner, other.phase, other.policy, other.retries)
        && (*timeout, *on_error, *retry_delay, *hold_limit)
            == (other.timeout, other.on_error, other.retry_delay, other.hold_limit)
        && *stop_phase_on_error == other.stop_phase_on_error
        && *action == other.action
        && (script, skip_on, undo) == (&other.script, &other.skip_on, &other.undo)
        && (context, executor, container_name) == (&other.context, &other.executor, &other.container_name)
        && *warnings == other.warnings
}

fn of_document(object: &Object<'_>, spec: &Node, sessions: &[(&Node, String)]) -> Vec<String> {
    let title = object.title();
    let mut notes = Vec::new();
    let mut fields = Vec::new();
    for (node, place) in [(Some(spec), "spec"), (set(spec, TEMPLATE), "spec.backupConfigurationTemplate")] {
        let entries = node.map(Node::entries).unwrap_or_default();
        let unread = |entry: &&Entry| !["hooks", "sessions", TEMPLATE].contains(&entry.key.as_str());
        let unread = entries.iter().filter(unread).filter(|entry| !entry.value.is_null());
        fields.extend(unread.map(|entry| format!("{place}.{}", entry.key)));
    }
    if !fields.is_empty() {
        notes.push(format!("{title}: {} define no hooks and are not read", fields.join(", ")));
    }
    let hooked = sessions.iter().filter(|(session, _)| set(session, "hooks").is_some());
    let names: Vec<&str> =
        hooked.map(|(session, place)| set(session, "name").and_then(Node::text).unwrap_or(place)).collect();
    if sessions.len() > 1 && !names.is_empty() {
        notes.push(format!(
            "{title}: its sessions have schedules of their own in {SYSTEM}; here every backup runs the hooks of {}, in this order",
            names.join(", ")
        ));
    }
    if object.kind() == "BackupBatch" {
        notes.push(format!(
            "{title}: the targets of the batch are one run here, and templates see the path as the target"
        ));
    }
    if object.kind() == "BackupBlueprint" {
        notes.push(format!(
            "{title}: {SYSTEM} makes a BackupConfiguration of it for every annotated workload; here its hooks belong to every \
             backup, and templates see the blueprint as the invoker"
        ));
    }
    notes
}

fn context(object: &Object<'_>, spec: &Node) -> Context {
    let namespace = object.namespace().map(str::to_owned);
    let target = set(spec, "target").map(|node| {
        let of = |key: &str| set(node, key).and_then(Node::text).unwrap_or_default().to_owned();
        let own = Some(of("namespace")).filter(|name| !name.is_empty());
        ObjectRef {
            api_group: of("apiGroup"),
            api_version: String::new(),
            kind: of("kind"),
            name: of("name"),
            namespace: own.or_else(|| namespace.clone()).unwrap_or_default(),
        }
    });
    let invoker = ObjectRef {
        api_group: GROUP.to_owned(),
        api_version: object.api_version().to_owned(),
        kind: object.kind().to_owned(),
        name: object.name().to_owned(),
        namespace: namespace.clone().unwrap_or_default(),
    };
    Context { namespace, invoker: Some(invoker), target }
}
