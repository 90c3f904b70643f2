//! What is to be saved, as restic arranges it: a tree, in which a target that lies in another one is that one's part.

use super::expand::path;
use super::figures::{Asker, Failure, Share};
use super::paths::{absolute, clean, join};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt as _;

/// One place that is walked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    /// From the root.
    pub path: Vec<u8>,
    /// Whose share it is.
    pub share: usize,
}

/// All targets.
#[derive(Debug)]
pub(super) struct Targets {
    /// Where this process is: paths that do not begin at the root begin there.
    here: Vec<u8>,
    /// restic keeps what begins elsewhere apart: by its first parts, `/`, `.` or some `..`.
    roots: BTreeMap<Vec<u8>, Node>,
    failures: Vec<(usize, Failure)>,
}

#[derive(Debug, Default)]
struct Node {
    target: Option<Vec<u8>>,
    askers: Vec<Asker>,
    children: BTreeMap<Vec<u8>, Node>,
}

impl Targets {
    pub(super) fn new(here: Vec<u8>) -> Self {
        Self { here, roots: BTreeMap::new(), failures: Vec::new() }
    }

    /// Adds a target for somebody.
    pub(super) fn add(&mut self, given: &[u8], asker: Asker) {
        let cleaned = clean(given);
        let (root, parts) = components(&cleaned);
        if parts.is_empty() {
            // A whole root has no name to be saved under: its entries are saved.
            match names_in(&absolute(&cleaned, &self.here)) {
                Ok(names) => names.iter().for_each(|name| self.add(&join(&cleaned, name), asker)),
                Err(error) => self.fail(asker.group, absolute(&cleaned, &self.here), &error),
            }
            return;
        }
        let mut node = self.roots.entry(root).or_default();
        for part in parts {
            node = node.children.entry(part.to_vec()).or_default();
        }
        node.target.get_or_insert_with(|| absolute(&cleaned, &self.here));
        if !node.askers.contains(&asker) {
            node.askers.push(asker);
        }
    }

    /// Each place to be walked, the shares, and who failed before.
    pub(super) fn into_leaves(mut self) -> (Vec<Leaf>, Vec<Share>, Vec<(usize, Failure)>) {
        let mut leaves = Leaves { leaves: Vec::new(), shares: HashMap::new() };
        for (_, node) in std::mem::take(&mut self.roots) {
            self.spread(node, &[], &mut leaves);
        }
        let mut shares: Vec<(Vec<Asker>, usize)> = leaves.shares.into_iter().collect();
        shares.sort_unstable_by_key(|(_, number)| *number);
        (leaves.leaves, shares.into_iter().map(|(askers, _)| Share::new(askers)).collect(), self.failures)
    }

    fn spread(&mut self, mut node: Node, above: &[Asker], leaves: &mut Leaves) {
        let mut askers = above.to_vec();
        askers.extend(node.askers.iter().filter(|asker| !above.contains(asker)));
        if let Some(target) = node.target {
            if node.children.is_empty() {
                leaves.add(target, askers);
                return;
            }
            // Some of its entries are targets themselves: all of them become targets.
            match names_in(&target) {
                Ok(names) => {
                    for name in names {
                        let path = join(&target, &name);
                        node.children.entry(name).or_default().target.get_or_insert(path);
                    }
                }
                Err(error) => askers.iter().for_each(|asker| self.fail(asker.group, target.clone(), &error)),
            }
        }
        for (_, child) in node.children {
            self.spread(child, &askers, leaves);
        }
    }

    fn fail(&mut self, group: usize, path: Vec<u8>, error: &io::Error) {
        self.failures.push((group, Failure { path, reason: error.to_string() }));
    }
}

struct Leaves {
    leaves: Vec<Leaf>,
    shares: HashMap<Vec<Asker>, usize>,
}

impl Leaves {
    fn add(&mut self, path: Vec<u8>, mut askers: Vec<Asker>) {
        askers.sort_unstable();
        let next = self.shares.len();
        let share = *self.shares.entry(askers).or_insert(next);
        self.leaves.push(Leaf { path, share });
    }
}

/// Where a cleaned path begins, and its parts from there.
fn components(cleaned: &[u8]) -> (Vec<u8>, Vec<&[u8]>) {
    let parts = cleaned.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".");
    if cleaned.starts_with(b"/") {
        return (b"/".to_vec(), parts.collect());
    }
    let (up, parts): (Vec<&[u8]>, Vec<&[u8]>) = parts.partition(|part| *part == b"..");
    (if up.is_empty() { b".".to_vec() } else { up.join(&b'/') }, parts)
}

fn names_in(folder: &[u8]) -> io::Result<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path(folder))? {
        names.push(entry?.file_name().into_vec());
    }
    names.sort_unstable();
    Ok(names)
}
