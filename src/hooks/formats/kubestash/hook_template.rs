//! `HookTemplate`: an action with parameters, and what executes it.

use super::super::super::FileMistake;
use super::super::super::document::{Entry, Node, Yaml};
use super::super::super::model::{Executor, ExecutorKind};
use super::super::kubernetes::{Fields, Files, Object, set};
use super::super::prober;
use std::collections::{BTreeMap, BTreeSet};

/// A parameter that a template declares.
#[derive(Debug)]
pub(super) struct Param<'a> {
    pub(super) name: &'a str,
    pub(super) required: bool,
    pub(super) default: Option<&'a str>,
}

/// Which namespaces may use a template.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Usage {
    /// Its own.
    #[default]
    Same,
    /// All of them.
    All,
    /// Those with certain labels.
    Selector,
}

/// A template of a hook.
#[derive(Debug)]
pub(super) struct HookTemplate<'a> {
    pub(super) object: Object<'a>,
    pub(super) usage: Usage,
    pub(super) params: Vec<Param<'a>>,
    /// What it does; a function may need none.
    pub(super) action: Option<&'a Node>,
    pub(super) executor: Executor,
    /// The environment of the function's job.
    pub(super) env: Vec<(String, String)>,
    /// The function's job has volumes, which there are none of here.
    pub(super) has_volumes: bool,
    /// There are mistakes in it: nothing may be made of it.
    pub(super) is_broken: bool,
}

impl<'a> HookTemplate<'a> {
    /// Reads one; what is wrong with it is added to `mistakes`.
    pub(super) fn read(object: &Object<'a>, mistakes: &mut Vec<FileMistake>) -> Self {
        let mut fields = Fields::default();
        let mut template = Self {
            object: *object,
            usage: Usage::Same,
            params: Vec::new(),
            action: None,
            executor: Executor::of(ExecutorKind::Operator),
            env: Vec::new(),
            has_volumes: false,
            is_broken: false,
        };
        if let Some(spec) = set(object.node, "spec") {
            fields.only(spec, &["usagePolicy", "params", "action", "executor"], "spec");
            template.usage = usage(&mut fields, spec);
            template.params = params(&mut fields, spec);
            template.executor(&mut fields, spec);
            template.action = set(spec, "action");
            if let Some(action) = template.action {
                fields.only(action, &prober::FIELDS, "spec.action");
            } else if template.executor.kind != ExecutorKind::Function {
                fields.wrong(
                    spec.at,
                    "spec.action is missing",
                    "write an action: exec, httpGet, httpPost or tcpSocket",
                );
            }
        } else {
            fields.wrong(object.node.at, "spec is missing", "write spec with action and executor");
        }
        template.is_broken = !fields.mistakes.is_empty();
        mistakes.append(&mut fields.mistakes);
        template
    }

    /// `billing/ledger-quiesce`.
    pub(super) fn full_name(&self) -> String {
        full_name(self.object.namespace(), self.object.name())
    }

    fn executor(&mut self, fields: &mut Fields, spec: &'a Node) {
        let kinds = [ExecutorKind::Pod, ExecutorKind::Operator, ExecutorKind::Function].map(|kind| (kind.word(), kind));
        let Some(node) = set(spec, "executor") else {
            fields.wrong(spec.at, "spec.executor is missing", "write executor: {type: Pod, Operator or Function}");
            return;
        };
        fields.only(node, &["type", "pod", "function"], "spec.executor");
        if set(node, "type").is_none() {
            fields.wrong(node.at, "spec.executor.type is missing", "write Pod, Operator or Function");
        }
        let Some(kind) = fields.word(node, "type", "spec.executor", &kinds) else { return };
        self.executor = Executor::of(kind);
        match (kind, set(node, "pod"), set(node, "function")) {
            (ExecutorKind::Pod, Some(pod), _) => self.pod(fields, pod),
            (ExecutorKind::Pod, None, _) => {
                fields.wrong(node.at, "spec.executor.pod is missing", "write pod: {selector: app=...}");
            }
            (ExecutorKind::Function, _, Some(function)) => self.function(fields, function),
            (ExecutorKind::Function, _, None) => {
                fields.wrong(node.at, "spec.executor.function is missing", "write function: {name: ...}");
            }
            (ExecutorKind::Operator, _, _) => {}
        }
    }

    fn pod(&mut self, fields: &mut Fields, node: &Node) {
        let place = "spec.executor.pod";
        fields.only(node, &["selector", "owner", "strategy"], place);
        let selector = fields.text(node, "selector", place).unwrap_or_default();
        let parts: Vec<&str> = selector.split(',').map(str::trim).collect();
        if parts.iter().all(|part| part.contains('=')) {
            self.executor.selector = Some(parts.join(","));
        } else if set(node, "selector").is_none_or(|node| node.text().is_some()) {
            let at = set(node, "selector").map_or(node.at, |node| node.at);
            fields.wrong(
                at,
                format!("{place}.selector is '{selector}'"),
                "write label=value, several with commas between",
            );
        }
        if let Some(owner) = set(node, "owner") {
            let place = format!("{place}.owner");
            let keys = ["apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion"];
            fields.only(owner, &keys, &place);
            let kind = fields.text(owner, "kind", &place).unwrap_or_default();
            let name = fields.text(owner, "name", &place).unwrap_or_default();
            self.executor.owner = Some(format!("{kind}/{name}"));
        }
        let strategies = ["ExecuteOnOne", "ExecuteOnAll"].map(|word| (word, word));
        self.executor.strategy = fields.word(node, "strategy", place, &strategies).map(str::to_owned);
    }

    fn function(&mut self, fields: &mut Fields, node: &Node) {
        let place = "spec.executor.function";
        fields.only(node, &["name", "env", "volumes", "volumeMounts"], place);
        self.executor.function = fields.text(node, "name", place).map(str::to_owned);
        if self.executor.function.as_deref().is_none_or(str::is_empty) {
            fields.wrong(node.at, format!("{place}.name is missing"), "write the name of the Function");
        }
        self.env = fields.variables(node, "env", place);
        self.has_volumes = set(node, "volumes").or(set(node, "volumeMounts")).is_some();
    }
}

fn usage(fields: &mut Fields, spec: &Node) -> Usage {
    let Some(policy) = set(spec, "usagePolicy") else { return Usage::Same };
    fields.only(policy, &["allowedNamespaces"], "spec.usagePolicy");
    let Some(allowed) = set(policy, "allowedNamespaces") else { return Usage::Same };
    let place = "spec.usagePolicy.allowedNamespaces";
    fields.only(allowed, &["from", "selector"], place);
    let words = [("Same", Usage::Same), ("All", Usage::All), ("Selector", Usage::Selector)];
    let usage = fields.word(allowed, "from", place, &words).unwrap_or_default();
    if usage == Usage::Selector && set(allowed, "selector").is_none() {
        fields.wrong(allowed.at, format!("{place}.selector is missing"), "write the labels of the namespaces");
    }
    usage
}

fn params<'a>(fields: &mut Fields, spec: &'a Node) -> Vec<Param<'a>> {
    let mut params: Vec<Param<'a>> = Vec::new();
    for (at, node) in fields.list(spec, "params", "spec").iter().enumerate() {
        let place = format!("spec.params[{at}]");
        fields.only(node, &["name", "usage", "required", "default"], &place);
        fields.text(node, "usage", &place);
        let name = fields.text(node, "name", &place).unwrap_or_default();
        if name.is_empty() || params.iter().any(|known| known.name == name) {
            fields.wrong(node.at, format!("{place}.name is '{name}'"), "give every param a name of its own");
        }
        let required = match set(node, "required").map(|node| (&node.value, node)) {
            None => false,
            Some((Yaml::Bool(value), _)) => *value,
            Some((_, wrong)) => {
                fields.wrong(wrong.at, format!("{place}.required is {}", wrong.kind()), "write true or false");
                false
            }
        };
        let default = fields.text(node, "default", &place);
        params.push(Param { name, required, default });
    }
    params
}

fn full_name(namespace: Option<&str>, name: &str) -> String {
    let full = namespace.map_or_else(|| name.to_owned(), |namespace| format!("{namespace}/{name}"));
    full.replace(char::is_control, " ")
}

/// Why no template is taken.
pub(super) enum Missing {
    /// There is none that it could be, or several.
    Nowhere(String),
    /// Several have this very name, and are not the same.
    Doubtful(String),
}

/// Whether two values say the same, wherever and however they are written.
fn is_same(one: Option<&Node>, other: Option<&Node>) -> bool {
    let (one, other) = match (one, other) {
        (Some(one), Some(other)) => (one, other),
        (one, other) => return one.is_none() && other.is_none(),
    };
    match (&one.value, &other.value) {
        (Yaml::List(one), Yaml::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(Some(one), Some(other)))
        }
        (Yaml::Map(one), Yaml::Map(entries)) => {
            let has = |entry: &Entry| is_same(Some(&entry.value), other.get(&entry.key));
            one.len() == entries.len() && one.iter().all(has)
        }
        (one, other) => one == other,
    }
}

/// All templates of all files.
#[derive(Debug, Default)]
pub(super) struct Templates<'a> {
    all: Vec<HookTemplate<'a>>,
    /// Their places by name.
    by_name: BTreeMap<&'a str, Vec<usize>>,
    /// Which of them are referred to, by their places, and for which workers.
    used: BTreeSet<(usize, &'static str)>,
}

impl<'a> Templates<'a> {
    /// Adds one.
    pub(super) fn add(&mut self, template: HookTemplate<'a>) {
        self.by_name.entry(template.object.name()).or_default().push(self.all.len());
        self.all.push(template);
    }

    /// The template of this name. Where one of the two does not say its namespace, as what is applied with `kubectl -n`
    /// does not, the name alone decides if it is the only one.
    ///
    /// # Errors
    /// That there is none, or that there are several and they are not the same.
    pub(super) fn find(
        &mut self,
        namespace: Option<&str>,
        name: &str,
        worker: &'static str,
    ) -> Result<&HookTemplate<'a>, Missing> {
        let named: &[usize] = self.by_name.get(name).map(Vec::as_slice).unwrap_or_default();
        let namespace_of = |at: &usize| self.all[*at].object.namespace();
        let exact: Vec<usize> = named.iter().copied().filter(|at| namespace_of(at) == namespace).collect();
        if let [first, others @ ..] = exact.as_slice() {
            // Also those that are not taken belong to this worker.
            self.used.extend(exact.iter().map(|at| (*at, worker)));
            let spec = |at: usize| set(self.all[at].object.node, "spec");
            return match others.iter().find(|other| !is_same(spec(*first), spec(**other))) {
                None => Ok(&self.all[*first]),
                Some(other) => {
                    let place = |at: usize| {
                        let object = &self.all[at].object;
                        format!("{} line {}", object.file.display(), object.node.at.line)
                    };
                    let wanted = full_name(namespace, name);
                    let (first, other) = (place(*first), place(*other));
                    let what = format!("HookTemplate '{wanted}' is defined in {first} and in {other}, which differ");
                    Err(Missing::Doubtful(what))
                }
            };
        }
        let near = |at: &&usize| namespace.is_none() || namespace_of(at).is_none();
        let nearly: Vec<usize> = named.iter().filter(near).copied().collect();
        let wanted = full_name(namespace, name);
        match nearly.as_slice() {
            [] => Err(Missing::Nowhere(format!("HookTemplate '{wanted}' is in none of the files here"))),
            [at] => {
                self.used.insert((*at, worker));
                Ok(&self.all[*at])
            }
            several => Err(Missing::Nowhere(format!("HookTemplate '{wanted}' may be any of {}", several.len()))),
        }
    }

    /// The names of all templates, to say what there is.
    pub(super) fn names(&self) -> Vec<String> {
        self.all.iter().map(HookTemplate::full_name).collect()
    }

    /// Says of each file with templates what it concerns, and which of them nobody refers to.
    pub(super) fn settle(&self, files: &mut Files) {
        for (at, template) in self.all.iter().enumerate() {
            let found = files.of(template.object.file);
            let workers: Vec<&'static str> =
                self.used.range((at, "")..(at + 1, "")).map(|(_, worker)| *worker).collect();
            if workers.is_empty() {
                found.notes.push(format!("{} is referred to by no hook here", template.object.title()));
                found.concerns.extend(["backup", "restore"]);
            }
            found.concerns.extend(workers);
        }
    }
}
