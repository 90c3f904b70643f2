//! Hooks, made of a reference and the template that it refers to.

use super::super::super::document::{At, Node, Yaml};
use super::super::super::model::{Exec, Executor, ExecutorKind};
use super::super::super::native::shell;
use super::super::super::{Action, Context, Declared, Finding, OnError, Owner, Phase, Text};
use super::super::kubernetes::{Fields, Object, nearest, set};
use super::super::prober::{Probe, Prober};
use super::SYSTEM;
use super::filling::{Filling, Values};
use super::hook_template::{HookTemplate, Usage};
use super::session::Info;

/// Makes hooks of one reference and its template.
pub(super) struct Making<'a, 't> {
    pub(super) object: &'a Object<'a>,
    pub(super) worker: &'static str,
    pub(super) context: &'a Context,
    pub(super) fields: &'a mut Fields,
    pub(super) template: &'a HookTemplate<'t>,
    pub(super) in_template: Fields,
}

impl Making<'_, '_> {
    pub(super) fn hooks(&mut self, node: &Node, at: At, info: &Info, place: &str) -> Vec<Declared> {
        let mut values = self.params(node, at, place);
        for (name, value) in info.variables.iter().chain(&self.template.env) {
            values.entry(name.clone()).or_insert_with(|| value.clone());
        }
        let kind = self.template.executor.kind;
        for key in ["volumes", "volumeMounts", "runtimeSettings"] {
            if let Some(entry) = node.entry(key).filter(|entry| !entry.value.is_null())
                && kind != ExecutorKind::Function
            {
                let what =
                    format!("{place}.{key} is for executor type Function, and {} has {}", self.name(), kind.word());
                self.fields.wrong(entry.at, what, "take it out");
            }
        }
        if self.template.is_broken {
            return Vec::new();
        }
        let mut notes = self.notes(node, info);
        let (probes, container, of_shell) = self.probes(&values, &mut notes);
        let count = probes.len();
        let each = probes.into_iter().enumerate().map(|(at, Probe { action, notes: of_probe, warnings })| {
            let name = info.name.clone().unwrap_or_else(|| self.template.object.name().to_owned());
            let several = if count > 1 { format!(".{}", action.word()) } else { String::new() };
            let mut hook = Declared::new(Owner::Worker(self.worker), info.phase, None, info.origin.clone());
            hook.name = Some(format!("{name}{several}"));
            hook.timeout = info.timeout;
            hook.on_error = Some(OnError::Fail);
            hook.policy = info.policy;
            hook.retries = info.retries;
            hook.context = Some(self.context.clone());
            hook.executor = Some(Executor {
                namespaces: self.context.namespace.iter().filter(|_| kind == ExecutorKind::Pod).cloned().collect(),
                ..self.template.executor.clone()
            });
            hook.container_name.clone_from(&container);
            hook.notes = of_probe;
            hook.notes.extend(notes.iter().cloned());
            if matches!(action, Action::Exec(_)) {
                hook.notes.extend(of_shell.iter().cloned());
            }
            if count > 1 && at + 1 < count && info.phase == Phase::Post {
                hook.notes.push(format!("in {SYSTEM} its failure stops the rest of this template; here the rest runs"));
            }
            hook.warnings = warnings;
            hook.warnings.extend(misplaced(info, self.template.object.name()));
            hook.action = Some(self.with_environment(action, info));
            hook
        });
        each.collect()
    }

    fn name(&self) -> String {
        format!("HookTemplate {}", self.template.full_name())
    }

    /// The values of the template's parameters.
    fn params(&mut self, node: &Node, at: At, place: &str) -> Values {
        let mut values = Values::new();
        let given = set(node, "params");
        if let Some(wrong) = given.filter(|node| !matches!(node.value, Yaml::Map(_))) {
            let what = format!("{place}.params is {}", wrong.kind());
            self.fields.wrong(wrong.at, what, "write a mapping: {name: value}");
        }
        let known: Vec<&str> = self.template.params.iter().map(|param| param.name).collect();
        for entry in given.map(Node::entries).unwrap_or_default() {
            if !known.contains(&entry.key.as_str()) {
                let what = format!("{place}.params.{} is no param of {}", entry.key, self.name());
                let mend = match nearest(&entry.key, &known) {
                    Some(near) => format!("did you mean '{near}'?"),
                    None if known.is_empty() => "leave it out; the template has no params".to_owned(),
                    None => format!("leave it out; there are {}", known.join(", ")),
                };
                self.fields.wrong(entry.at, what, mend);
                continue;
            }
            let value = match &entry.value.value {
                Yaml::Null => continue,
                Yaml::Str(text) | Yaml::Int(_, text) | Yaml::Float(_, text) => text.clone(),
                Yaml::Bool(value) => value.to_string(),
                Yaml::List(_) | Yaml::Map(_) => {
                    let what = format!("{place}.params.{} is {}", entry.key, entry.value.kind());
                    self.fields.wrong(entry.at, what, "write a text");
                    String::new()
                }
            };
            values.insert(entry.key.clone(), value);
        }
        for param in &self.template.params {
            match param.default {
                _ if values.contains_key(param.name) => {}
                Some(default) => {
                    values.insert(param.name.to_owned(), default.to_owned());
                }
                None if param.required => {
                    let what = format!("{place}.params has no '{}', which {} requires", param.name, self.name());
                    self.fields.wrong(
                        given.map_or(at, |node| node.at),
                        what,
                        format!("write params: {{{}: ...}}", param.name),
                    );
                }
                None => {}
            }
        }
        // What is required and missing has been said: one mistake is enough.
        for param in self.template.params.iter().filter(|param| param.required) {
            values.entry(param.name.to_owned()).or_default();
        }
        values
    }

    /// The template's actions with the values filled in, their container, and what there is to say of a shell.
    fn probes(&mut self, values: &Values, notes: &mut Vec<String>) -> (Vec<Probe>, Option<String>, Vec<String>) {
        let template = self.template;
        let Some(action) = template.action else {
            let function = template.executor.function.as_deref().unwrap_or_default();
            notes.push(format!("the Function '{function}' is a job of {SYSTEM}, of which nothing is known here"));
            let action = Action::Exec(of_function(function));
            return (vec![Probe { action, notes: Vec::new(), warnings: Vec::new() }], None, Vec::new());
        };
        let mut filling = Filling::with(values);
        let filled = filling.of(action, "");
        for (node, wrong) in &filling.wrong {
            let mut names: Vec<&str> = template.params.iter().map(|param| param.name).collect();
            names.extend(
                values.keys().map(String::as_str).filter(|name| !template.params.iter().any(|p| p.name == *name)),
            );
            let there =
                if names.is_empty() { "there is none".to_owned() } else { format!("there are {}", names.join(", ")) };
            let mend = format!(
                "declare a param and give it a value ({there}); for a variable of the shell write $$ before the brace"
            );
            self.in_template.wrong(node.at, format!("spec.action {wrong}"), mend);
        }
        if !filling.filled.is_empty() {
            notes.push(format!(
                "a value of params or variables comes in place of ${{name}}; {SYSTEM}'s documents do not say how it does"
            ));
        }
        let unused = values.keys().filter(|name| !filling.filled.iter().any(|(_, used, _)| used == *name));
        let unused = unused.filter(|name| template.params.iter().any(|param| param.name == **name));
        notes.extend(unused.map(|name| format!("nothing in the action uses the param '{name}'")));
        let at = action.at;
        let mut prober = Prober { fields: &mut self.in_template, system: SYSTEM, executor: template.executor.kind };
        let handler = prober.handler(&filled, at, "spec.action");
        (handler.probes, handler.container, in_shell(action, &filling))
    }

    fn with_environment(&self, action: Action, info: &Info) -> Action {
        let Action::Exec(mut exec) = action else { return action };
        let own = info.variables.iter();
        let of_function =
            self.template.env.iter().filter(|(name, _)| !info.variables.iter().any(|(own, _)| own == name));
        exec.env = own.chain(of_function).map(|(name, value)| (name.clone(), Text::plain(value.clone()))).collect();
        Action::Exec(exec)
    }

    fn notes(&self, node: &Node, info: &Info) -> Vec<String> {
        let mut notes = Vec::new();
        let template = self.template;
        let is_elsewhere =
            template.object.namespace().is_some() && template.object.namespace() != self.object.namespace();
        if is_elsewhere && template.usage != Usage::All {
            let rule = if template.usage == Usage::Same { "Same" } else { "Selector" };
            notes.push(format!(
                "usagePolicy of {} is {rule}, by which {SYSTEM} may refuse it here; we do not",
                self.name()
            ));
        }
        if template.executor.strategy.as_deref() == Some("ExecuteOnAll") {
            notes.push("ExecuteOnAll means every pod; with HOOKS_FOREIGN_EXEC=here it runs once".to_owned());
        }
        if info.retries > 0 {
            notes.push(format!("{SYSTEM} knows no time between attempts; here it is 5s, and doubles"));
        }
        let has_volumes = ["volumes", "volumeMounts", "runtimeSettings"].iter().any(|key| set(node, key).is_some());
        if template.executor.kind == ExecutorKind::Function && (has_volumes || template.has_volumes) {
            notes.push("volumes and settings of the job have no counterpart here".to_owned());
        }
        notes
    }
}

/// Stands for what a Function does: fails and says so, also where commands of other systems are to run in this container.
fn of_function(name: &str) -> Exec {
    let says = "echo \"the KubeStash Function '$1' is a job of its own and cannot run here: write an exec instead\" >&2; exit 126";
    let words = ["/bin/sh", "-c", says, "sh", name];
    Exec { command: words.into_iter().map(Text::plain).collect(), ..Exec::default() }
}

/// Values that a shell reads as part of its program, where they are more than a plain word.
fn in_shell(action: &Node, filling: &Filling<'_>) -> Vec<String> {
    let words = action.at_path(&["exec", "command"]).map(Node::items).unwrap_or_default();
    let sources: Vec<&str> = words.iter().map(|word| word.text().unwrap_or_default()).collect();
    let Some(program) = shell::program_in(&sources) else { return Vec::new() };
    let field = format!("exec.command[{program}]");
    let is_plain = |value: &str| value.chars().all(|c| c.is_alphanumeric() || "_-./:@%+=,".contains(c));
    let risky = filling.filled.iter().filter(|(path, _, value)| *path == field && !is_plain(value));
    let say = |(_, name, _): &(String, String, String)| {
        format!("the shell reads the value of '{name}' as part of its program")
    };
    risky.map(say).collect()
}

/// A sample of KubeStash has a hook for before the restore below `postRestore`, and people have copied it.
fn misplaced(info: &Info, template: &str) -> Option<Finding> {
    let (here, there) = if info.phase == Phase::Pre { ("pre", "post") } else { ("post", "pre") };
    let says = |name: &str, word: &str| {
        let mut words = name.split(|c: char| !c.is_ascii_alphanumeric()).map(str::to_ascii_lowercase);
        words.any(|part| {
            part.strip_prefix(word).is_some_and(|rest| ["", "backup", "restore", "hook", "hooks"].contains(&rest))
        })
    };
    let names = [info.name.as_deref().unwrap_or_default(), template];
    let is_so = names.iter().any(|name| says(name, there)) && !names.iter().any(|name| says(name, here));
    is_so.then(|| Finding {
        what: format!(
            "is called as if it belonged {}",
            if there == "pre" { "before the work" } else { "after the work" }
        ),
        mend: format!("put it below the key that begins with {there}, if that is meant"),
    })
}
