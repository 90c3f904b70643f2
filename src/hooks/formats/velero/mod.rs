//! Velero, formerly Heptio Ark: hooks in annotations of pods, and in the specs of `Backup`, `Schedule` and `Restore`.
//!
//! Nothing of it is a template: `{{` stands for itself.

mod annotations;
mod hook;
mod selection;
mod spec;
mod values;

use super::super::FileMistake;
use super::super::document::{At, Node};
use super::{Format, Found, names_of};
use annotations::Annotated;
use std::path::{Path, PathBuf};

/// Velero.
pub const FORMAT: Format = Format { name: "Velero", claims, mentioned_in, is_referred_to: |_| false, read };

/// The API groups, and the domains of the annotations: today's name and the first one.
const DOMAINS: &[&str] = &["velero.io", "ark.heptio.com"];

fn claims(node: &Node) -> bool {
    group(node).is_some() || annotations::is_annotated(node)
}

/// The API group of an object of Velero.
fn group(node: &Node) -> Option<&'static str> {
    node.get("kind").and_then(Node::text)?;
    let (group, _) = node.get("apiVersion").and_then(Node::text)?.split_once('/')?;
    DOMAINS.iter().copied().find(|known| *known == group)
}

fn mentioned_in(text: &str) -> bool {
    text.contains("hook") && DOMAINS.iter().any(|domain| text.contains(&format!("{domain}/")))
}

/// Whether a text that cannot be read has hooks of a backup, which fail the run unless they say otherwise.
pub(super) fn fails_unless_told(text: &str) -> bool {
    mentioned_in(text) && ["hook.backup.", "Backup", "Schedule"].iter().any(|word| text.contains(word))
}

fn read(documents: &[(&Path, &Node)]) -> Vec<(PathBuf, Found)> {
    let annotated: Vec<Annotated> = documents.iter().filter_map(|(_, node)| Annotated::of(node)).collect();
    let mut past = spec::Past::of(documents.iter().map(|(_, node)| *node));
    let mut all: Vec<(PathBuf, Found)> = Vec::new();
    for (file, node) in documents {
        if all.last().is_none_or(|(last, _)| last != file) {
            all.push(((*file).to_owned(), Found::default()));
        }
        let Some((_, found)) = all.last_mut() else { continue };
        found.mistakes.extend(names_of(node));
        let mut reading = Reading { file, document: String::new(), found };
        match group(node) {
            Some(group) => spec::read(&mut reading, node, group, &mut past, &annotated),
            None => annotations::read(&mut reading, node),
        }
    }
    all
}

/// One document while it is read.
struct Reading<'a> {
    file: &'a Path,
    /// What it is called: `Velero Backup velero/nightly`.
    document: String,
    found: &'a mut Found,
}

impl Reading<'_> {
    fn begin(&mut self, document: String) {
        self.found.documents.push(document.clone());
        self.document = document;
    }

    fn mistake(&mut self, at: At, what: impl Into<String>, mend: impl Into<String>) {
        self.found.mistakes.push(FileMistake { at, what: what.into(), mend: mend.into() });
    }

    /// Says something of the file as a whole, once.
    fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.found.notes.contains(&note) {
            self.found.notes.push(note);
        }
    }

    fn concerns(&mut self, worker: &'static str) {
        if !self.found.concerns.contains(&worker) {
            self.found.concerns.push(worker);
        }
    }
}

#[cfg(test)]
mod tests;
