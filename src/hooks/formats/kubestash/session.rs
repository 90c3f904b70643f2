//! The hooks of a session: each refers to a template and says how it is to run.

use super::super::super::document::{Node, Yaml};
use super::super::super::model::{Origin, Policy};
use super::super::super::{Context, Declared, FileMistake, Phase};
use super::super::kubernetes::{Fields, Object, go_duration, set};
use super::super::{is_one_line, no_line};
use super::hook_template::{Missing, Templates};
use super::making::Making;
use std::path::PathBuf;
use std::time::Duration;

/// Reads the hooks of one object.
pub(super) struct Reader<'a, 't> {
    object: &'a Object<'a>,
    worker: &'static str,
    context: Context,
    templates: &'a mut Templates<'t>,
    pub(super) fields: Fields,
    /// Mistakes in templates, which may stand in other files.
    of_templates: Vec<(PathBuf, FileMistake)>,
}

/// What a hook says beside its template.
pub(super) struct Info {
    pub(super) name: Option<String>,
    pub(super) phase: Phase,
    pub(super) origin: Origin,
    pub(super) policy: Policy,
    pub(super) retries: u32,
    pub(super) timeout: Option<Duration>,
    pub(super) variables: Vec<(String, String)>,
}

impl<'a, 't> Reader<'a, 't> {
    pub(super) fn new(
        object: &'a Object<'a>,
        worker: &'static str,
        context: Context,
        templates: &'a mut Templates<'t>,
    ) -> Self {
        Self { object, worker, context, templates, fields: Fields::default(), of_templates: Vec::new() }
    }

    /// What is wrong with the object, and with templates that it uses.
    pub(super) fn finish(self) -> (Vec<FileMistake>, Vec<(PathBuf, FileMistake)>) {
        (self.fields.mistakes, self.of_templates)
    }

    /// The hooks of a phase, in the order of the list.
    pub(super) fn list(&mut self, hooks: &Node, key: &str, phase: Phase, place: &str) -> Vec<Declared> {
        let items = self.fields.list(hooks, key, place).iter().enumerate();
        items.flat_map(|(at, node)| self.hook(node, phase, &format!("{place}.{key}[{at}]"))).collect()
    }

    fn hook(&mut self, node: &Node, phase: Phase, place: &str) -> Vec<Declared> {
        let keys = [
            "name",
            "hookTemplate",
            "params",
            "maxRetry",
            "timeout",
            "executionPolicy",
            "variables",
            "volumes",
            "volumeMounts",
            "runtimeSettings",
        ];
        self.fields.only(node, &keys, place);
        let document = self.object.title();
        let info = Info {
            name: self.fields.text(node, "name", place).filter(|name| !name.is_empty()).map(str::to_owned),
            phase,
            origin: Origin { file: self.object.file.to_owned(), at: node.at, document },
            policy: self.policy(node, phase, place),
            retries: self.retries(node, place),
            timeout: self.timeout(node, place),
            variables: self.fields.variables(node, "variables", place),
        };
        if let Some(name) = set(node, "name").filter(|name| name.text().is_some_and(|name| !is_one_line(name))) {
            self.fields.mistakes.push(no_line(name.at, &format!("{place}.name")));
        }
        let Some(reference) = set(node, "hookTemplate") else {
            let mend =
                "write hookTemplate: {name: ..., namespace: ...}; the action stands in a HookTemplate of its own";
            self.fields.wrong(node.at, format!("{place}.hookTemplate is missing"), mend);
            return Vec::new();
        };
        let at = reference.at;
        let place_of_reference = format!("{place}.hookTemplate");
        self.fields.only(reference, &["name", "namespace"], &place_of_reference);
        let name = self.fields.text(reference, "name", &place_of_reference).unwrap_or_default();
        let namespace = self.fields.text(reference, "namespace", &place_of_reference).filter(|name| !name.is_empty());
        let namespace = namespace.or(self.object.namespace());
        match self.templates.find(namespace, name, self.worker) {
            Ok(template) => {
                let mut making = Making {
                    object: self.object,
                    worker: self.worker,
                    context: &self.context,
                    fields: &mut self.fields,
                    template,
                    in_template: Fields::default(),
                };
                let hooks = making.hooks(node, at, &info, place);
                let mistakes = making.in_template.mistakes;
                let file = template.object.file;
                if (template.is_broken || !mistakes.is_empty()) && file != self.object.file {
                    let what = format!("{place} uses {}, which has a mistake", template.object.title());
                    self.fields.wrong(at, what, format!("mend {}", file.display()));
                }
                self.of_templates.extend(mistakes.into_iter().map(|mistake| (file.to_owned(), mistake)));
                hooks
            }
            Err(Missing::Doubtful(what)) => {
                self.fields.wrong(at, what, "keep the one that is meant");
                Vec::new()
            }
            Err(Missing::Nowhere(missing)) => {
                let names = self.templates.names();
                let there = if names.is_empty() { String::new() } else { format!("; there are {}", names.join(", ")) };
                let mend = "put its manifest into HOOKS_DIR, into this file or one beside it";
                self.fields.wrong(at, format!("{missing}{there}"), mend);
                Vec::new()
            }
        }
    }

    fn policy(&mut self, node: &Node, phase: Phase, place: &str) -> Policy {
        let words = [Policy::Always, Policy::OnSuccess, Policy::OnFailure].map(|policy| (policy.word(), policy));
        let policy = self.fields.word(node, "executionPolicy", place, &words).unwrap_or_default();
        if phase == Phase::Pre && policy != Policy::Always {
            let at = set(node, "executionPolicy").map_or(node.at, |node| node.at);
            let what = format!("{place}.executionPolicy is {}, and nothing has ended before the work", policy.word());
            self.fields.wrong(at, what, "take it out, or put the hook after the work");
            return Policy::Always;
        }
        policy
    }

    fn retries(&mut self, node: &Node, place: &str) -> u32 {
        let Some(value) = set(node, "maxRetry") else { return 0 };
        let count = if let Yaml::Int(count, _) = value.value { u32::try_from(count).ok() } else { None };
        if count.is_none() {
            let what = format!("{place}.maxRetry is {}", value.kind());
            self.fields.wrong(value.at, what, "write a whole number from 0 on");
        }
        count.unwrap_or(0)
    }

    fn timeout(&mut self, node: &Node, place: &str) -> Option<Duration> {
        let value = set(node, "timeout")?;
        let given = match &value.value {
            Yaml::Str(text) | Yaml::Int(_, text) | Yaml::Float(_, text) => text.trim(),
            _ => "",
        };
        let read = value.text().and_then(go_duration).filter(|limit| !limit.is_zero());
        if read.is_none() {
            let is_bare = !given.is_empty() && given.bytes().all(|byte| byte.is_ascii_digit());
            let mend = match given {
                "0" | "0s" => "leave it out for no limit of its own".to_owned(),
                _ if is_bare => format!("write the unit: {given}s"),
                _ => "write a duration with its unit, as 45s or 1h30m".to_owned(),
            };
            self.fields.wrong(value.at, format!("{place}.timeout is {}", value.kind()), mend);
        }
        read
    }
}
