//! Which pods the hooks of a resource are for.

use super::super::super::document::{Node, Yaml};
use super::super::super::model::{Executor, ExecutorKind};
use super::super::super::near::nearest;
use super::Reading;
use super::annotations::Annotated;

/// The names by which Velero knows pods.
const PODS: &[&str] = &["pods", "pod", "po", "*"];

/// Which pods the hooks of a resource are for.
#[derive(Default)]
pub(super) struct Selection {
    included: Vec<String>,
    pub(super) excluded: Vec<String>,
    labels: Vec<(String, String)>,
    expressions: Vec<Expression>,
}

struct Expression {
    key: String,
    operator: &'static str,
    values: Vec<String>,
}

/// The operators of an expression, and whether they take values.
const OPERATORS: &[(&str, bool)] = &[("In", true), ("NotIn", true), ("Exists", false), ("DoesNotExist", false)];

impl Selection {
    /// Reads what a resource says about its pods; what is wrong is said.
    pub(super) fn read(reading: &mut Reading<'_>, resource: &Node, path: &str) -> Self {
        let mut list = |key: &str| texts(reading, resource.get(key), &format!("{path}.{key}"));
        let mut selection =
            Self { included: list("includedNamespaces"), excluded: list("excludedNamespaces"), ..Self::default() };
        let included = list("includedResources");
        let excluded = list("excludedResources");
        let has_pods = |names: &[String]| names.iter().any(|name| PODS.contains(&name.to_lowercase().as_str()));
        if !included.is_empty() && !has_pods(&included) {
            let at = resource.get("includedResources").map_or(resource.at, |node| node.at);
            let what = format!("{path}.includedResources has no pods, and hooks run in pods alone");
            reading.mistake(at, what, "add pods, or take the hooks away: Velero never ran them");
        }
        if has_pods(&excluded) {
            let at = resource.get("excludedResources").map_or(resource.at, |node| node.at);
            let what = format!("{path}.excludedResources has pods, and hooks run in pods alone");
            reading.mistake(at, what, "take pods out of it, or take the hooks away: Velero never ran them");
        }
        selection.included.retain(|name| name != "*");
        if let Some(node) = resource.get("labelSelector").filter(|node| !node.is_null()) {
            selection.read_labels(reading, node, &format!("{path}.labelSelector"));
        }
        selection
    }

    fn read_labels(&mut self, reading: &mut Reading<'_>, node: &Node, path: &str) {
        known(reading, node, &["matchLabels", "matchExpressions"], path);
        for entry in node.get("matchLabels").map(Node::entries).unwrap_or_default() {
            if let Some(value) = entry.value.text() {
                self.labels.push((entry.key.clone(), value.to_owned()));
            } else {
                let what = format!("{path}.matchLabels.{} is {}", entry.key, entry.value.kind());
                reading.mistake(entry.value.at, what, "write a text, in quotes");
            }
        }
        let items = node.get("matchExpressions").map(Node::items).unwrap_or_default();
        for (index, item) in items.iter().enumerate() {
            let path = format!("{path}.matchExpressions[{index}]");
            known(reading, item, &["key", "operator", "values"], &path);
            let key = item.get("key").and_then(Node::text).unwrap_or_default();
            let word = item.get("operator").and_then(Node::text).unwrap_or_default();
            let values = texts(reading, item.get("values"), &format!("{path}.values"));
            match OPERATORS.iter().find(|(name, _)| *name == word) {
                Some((operator, takes)) if !key.is_empty() && *takes != values.is_empty() => {
                    self.expressions.push(Expression { key: key.to_owned(), operator, values });
                }
                _ => reading.mistake(
                    item.at,
                    format!("{path} is no expression"),
                    "write key, operator (In or NotIn with values, Exists or DoesNotExist without)",
                ),
            }
        }
    }

    /// The selector as `kubectl` takes it: `app=ledger,tier in (db,web)`.
    fn text(&self) -> Option<String> {
        let labels = self.labels.iter().map(|(key, value)| format!("{key}={value}"));
        let expressions = self.expressions.iter().map(|Expression { key, operator, values }| match *operator {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "Exists" => key.clone(),
            _ => format!("!{key}"),
        });
        let all: Vec<String> = labels.chain(expressions).collect();
        (!all.is_empty()).then(|| all.join(","))
    }

    /// Where such a hook ran.
    pub(super) fn executor(&self) -> Executor {
        let mut executor = Executor::of(ExecutorKind::Pod);
        executor.selector = self.text();
        executor.namespaces.clone_from(&self.included);
        // In every pod that fits.
        executor.strategy = Some("ExecuteOnAll".to_owned());
        executor
    }

    /// Whether it fits the pods of a manifest; a namespace that the manifest does not name may be any.
    pub(super) fn fits(&self, pods: &Annotated) -> bool {
        let namespace_fits = pods.namespace.as_ref().is_none_or(|namespace| {
            (self.included.is_empty() || self.included.contains(namespace)) && !self.excluded.contains(namespace)
        });
        let label = |key: &str| pods.labels.iter().find(|(name, _)| name == key).map(|(_, value)| value);
        let labels_fit = self.labels.iter().all(|(key, value)| label(key) == Some(value));
        let expressions_fit = self.expressions.iter().all(|Expression { key, operator, values }| {
            let is_among = label(key).is_some_and(|value| values.contains(value));
            match *operator {
                "In" => is_among,
                "NotIn" => !is_among,
                "Exists" => label(key).is_some(),
                _ => label(key).is_none(),
            }
        });
        namespace_fits && labels_fit && expressions_fit
    }
}

/// A list of texts; nothing is none, and what is no text is a mistake.
pub(super) fn texts(reading: &mut Reading<'_>, node: Option<&Node>, path: &str) -> Vec<String> {
    let Some(node) = node.filter(|node| !node.is_null()) else { return Vec::new() };
    if !matches!(node.value, Yaml::List(_)) {
        reading.mistake(node.at, format!("{path} is {}", node.kind()), "write a list of texts");
    }
    let mut texts = Vec::new();
    for (index, item) in node.items().iter().enumerate() {
        match item.text() {
            Some(text) => texts.push(text.to_owned()),
            None => reading.mistake(item.at, format!("{path}[{index}] is {}", item.kind()), "write a text, in quotes"),
        }
    }
    texts
}

/// Says every key of a mapping that is not among `keys`, and that a value is no mapping.
pub(super) fn known(reading: &mut Reading<'_>, node: &Node, keys: &[&str], path: &str) -> bool {
    if !matches!(node.value, Yaml::Map(_)) {
        reading.mistake(node.at, format!("{path} is {}", node.kind()), "write a mapping");
        return false;
    }
    for entry in node.entries().iter().filter(|entry| !keys.contains(&entry.key.as_str())) {
        let mend = match nearest(&entry.key, keys.iter().copied()) {
            Some(near) => format!("did you mean '{near}'?"),
            None => format!("use one of {}", keys.join(", ")),
        };
        reading.mistake(entry.at, format!("unknown key '{}' in {path}", entry.key), mend);
    }
    true
}
