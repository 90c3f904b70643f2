//! Reading the native form: every mistake is found, named with its place, and reported together with the others.

use super::super::document::{At, Node, Yaml};
use super::super::{Declared, HooksFile, Owner, Phase};
use super::check::{Checker, names_a_script};
use super::fields::FILE;
use super::path::Path;
use super::says_fail;
use super::{hook, phases};
use crate::hooks::model::Origin;
use crate::hooks::near;
use std::collections::HashMap;

/// Reads a document into `file`: hooks, mistakes, and what a mistake in it means.
pub fn read(file: &mut HooksFile, node: &Node, workers: &[&'static str]) {
    file.documents.push("native".to_owned());
    file.means_fail |= says_fail::anywhere(node);
    let mut found = Found { workers, checker: Checker::default(), hooks: Vec::new(), scripts: HashMap::new() };
    // Several native documents of one file are one list of hooks.
    for hook in &file.hooks {
        if let Some(script) = &hook.script {
            found.scripts.insert(script.clone(), hook.origin.at.line);
        }
    }
    found.top(file, node);
    file.mistakes.extend(found.checker.finished());
    file.hooks.extend(found.hooks);
}

struct Found<'a> {
    workers: &'a [&'static str],
    checker: Checker,
    hooks: Vec<Declared>,
    /// The scripts that have settings, with the lines of their entries.
    scripts: HashMap<String, usize>,
}

impl Found<'_> {
    fn top(&mut self, file: &HooksFile, node: &Node) {
        if !matches!(node.value, Yaml::Map(_)) {
            let what = format!("the file is {}", node.kind());
            return self.checker.mistake(node.at, what, "write 'hooks:' and the phases below it");
        }
        let unknown =
            node.entries().iter().filter(|entry| FILE.field(&entry.key).is_none() && !entry.key.starts_with("x-"));
        for entry in unknown {
            if self.checker.is_one_more(entry.at) {
                continue;
            }
            let key = &entry.key;
            let mend = if phases::is_meant(key, self.workers) {
                "write it below 'hooks:'".to_owned()
            } else if let Some(near) = near::nearest(key, FILE.names()) {
                format!("did you mean '{near}'?")
            } else {
                "take it away, or let its name begin with x-".to_owned()
            };
            self.checker.mistake(entry.at, format!("unknown key '{key}' at the top of the file"), mend);
        }
        match node.entry("hooks").map(|entry| (entry, &entry.value.value)) {
            None | Some((_, Yaml::Null | Yaml::Map(_))) => {}
            Some((entry, _)) => {
                let what = format!("hooks is {}", entry.value.kind());
                self.checker.mistake(entry.value.at, what, "write phases below it: 'preBackup:' and a list");
            }
        }
        self.phases(file, node);
    }

    fn phases(&mut self, file: &HooksFile, node: &Node) {
        let keys = phases::all(self.workers);
        for entry in node.get("hooks").map(Node::entries).unwrap_or_default() {
            let known = keys.iter().find(|(key, _, _)| *key == entry.key);
            let (owner, phase) = if let Some((_, phase, owner)) = known {
                (*owner, *phase)
            } else {
                if !self.checker.is_one_more(entry.at) {
                    self.checker.push(phases::unknown(entry, self.workers, &keys));
                }
                // The hooks of a misspelt phase are read for their own mistakes.
                let is_post = entry.key.to_lowercase().starts_with("post");
                (Owner::All, if is_post { Phase::Post } else { Phase::Pre })
            };
            match &entry.value.value {
                Yaml::Null => {}
                Yaml::List(items) => {
                    let root = Path::Root(&entry.key);
                    for (place, item) in items.iter().enumerate() {
                        let origin = Origin { file: file.path.clone(), at: item.at, document: String::new() };
                        let declared = Declared::new(owner, phase, None, origin);
                        let path = root.item(place);
                        let hook = hook::read(&mut self.checker, item, &path, declared);
                        if known.is_some() {
                            self.script(&hook, item, &path);
                        }
                        self.hooks.push(hook);
                    }
                }
                Yaml::Map(_) => {
                    let what = format!("{} is a mapping", entry.key);
                    self.checker.mistake(
                        entry.value.at,
                        what,
                        "write '- ' before the first key: it is a list of hooks",
                    );
                }
                _ => {
                    let what = format!("{} is {}", entry.key, entry.value.kind());
                    let mend = match entry.value.text() {
                        Some(script) if names_a_script(script) => format!("write a list: [{{script: {script}}}]"),
                        _ => "write a list of hooks, each beginning with '- '".to_owned(),
                    };
                    self.checker.mistake(entry.value.at, what, mend);
                }
            }
        }
    }

    /// A `script` must be the file name of a hook of this phase, and have one entry.
    fn script(&mut self, hook: &Declared, node: &Node, path: &Path<'_>) {
        let Some(script) = &hook.script else { return };
        let at = node.get("script").map_or(node.at, |value| value.at);
        if let Some(mistake) = hook::script_mistake(script, hook.phase, hook.owner, self.workers, at, path) {
            self.checker.push(mistake);
        } else if let Some(line) = self.scripts.insert(script.clone(), at.line) {
            let what = format!("{path}.script '{script}' has settings twice, first in line {line}");
            self.checker.mistake(at, what, "make one entry of the two");
        }
    }
}

/// The place of a value of a mapping, or of the mapping itself.
pub(super) fn place(node: &Node, key: &str) -> At {
    node.entry(key).map_or(node.at, |entry| entry.at)
}
