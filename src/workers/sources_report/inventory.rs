//! What there is: sources and lists as they lie on the disk, before anything is walked.

use super::expand::path;
use super::figures::Asker;
use super::lists::{self, PatternList, SourceList};
use super::paths::{absolute, depth, is_within, shown};
use super::rules::Rules;
use super::scope::Scope;
use super::targets::Targets;
use crate::masking::say;
use crate::settings::Environment;
use rustix::fs::{Access, access};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;

/// A source of its own.
#[derive(Debug, Default)]
pub(super) struct SourceRow {
    pub path: String,
    /// From the root.
    pub absolute: Vec<u8>,
    pub readable: bool,
    pub kind: &'static str,
    /// What a person should know of it.
    pub notes: Vec<String>,
    /// Its file system and number there; `None` if it is missing.
    pub identity: Option<(u64, u64)>,
}

/// A list of sources.
#[derive(Debug)]
pub(super) struct ListRow {
    pub path: String,
    pub list: SourceList,
}

/// A list of patterns.
#[derive(Debug)]
pub(super) struct ExcludeRow {
    pub path: String,
    pub list: PatternList,
    /// The patterns that restic refuses.
    pub refused: Vec<String>,
}

/// Everything that was looked at.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    pub sources: Vec<SourceRow>,
    pub lists: Vec<ListRow>,
    pub excludes: Vec<ExcludeRow>,
}

impl Inventory {
    /// Looks at everything in the scope, and adds the patterns of files to the rules.
    pub(super) fn take(scope: &Scope, rules: &mut Rules, environment: &Environment, here: &[u8]) -> Self {
        let mut inventory = Self::default();
        for source in &scope.sources {
            let row = source_row(&source.path, here);
            let same = inventory.sources.iter().find(|known| {
                known.absolute == row.absolute || row.kind == "directory" && known.identity == row.identity
            });
            match same.filter(|_| source.beside) {
                Some(known) => {
                    say::info(format!("ℹ️ {} is the same place as {}: reported once", row.path, known.path));
                }
                None => inventory.sources.push(row),
            }
        }
        inventory.note_overlaps();
        for (file, kind) in &scope.lists {
            inventory.lists.push(ListRow { path: file.clone(), list: lists::sources(file, *kind) });
        }
        let value = |name: &std::ffi::OsStr| {
            name.to_str()
                .and_then(|name| environment.raw(name))
                .map(|value| value.as_bytes().to_vec())
                .unwrap_or_default()
        };
        for (file, case) in &scope.exclude_files {
            let list = lists::patterns(file, value);
            let refused = list.patterns.iter().filter_map(|pattern| rules.add(pattern, *case).err()).collect();
            inventory.excludes.push(ExcludeRow { path: file.clone(), list, refused });
        }
        inventory
    }

    /// The targets of the backup, in a tree.
    pub(super) fn targets(&self, here: &[u8]) -> Targets {
        let mut targets = Targets::new(here.to_vec());
        for (group, row) in self.sources.iter().enumerate().filter(|(_, row)| row.kind != "missing") {
            targets.add(row.path.as_bytes(), Asker { group, base: depth(&row.absolute) });
        }
        for (place, row) in self.lists.iter().enumerate() {
            let group = self.sources.len() + place;
            for target in &row.list.targets {
                targets.add(target, Asker { group, base: depth(&absolute(target, here)) });
            }
        }
        targets
    }

    /// Each target with the number of its file system.
    pub(super) fn file_systems(&self, here: &[u8]) -> Vec<(Vec<u8>, u64)> {
        let of_lists = self.lists.iter().flat_map(|row| &row.list.targets).map(|target| absolute(target, here));
        let of_sources = self.sources.iter().map(|row| row.absolute.clone());
        of_sources
            .chain(of_lists)
            .filter_map(|target| {
                let facts = fs::symlink_metadata(path(&target)).ok()?;
                Some((target, facts.dev()))
            })
            .collect()
    }

    fn note_overlaps(&mut self) {
        let places: Vec<(Vec<u8>, String)> =
            self.sources.iter().map(|row| (row.absolute.clone(), row.path.clone())).collect();
        for row in &mut self.sources {
            let outer = places.iter().find(|(place, _)| *place != row.absolute && is_within(&row.absolute, place));
            if let Some((_, outer)) = outer {
                row.notes.push(format!("lies within {outer}: the totals count it once"));
            }
        }
    }
}

fn source_row(given: &str, here: &[u8]) -> SourceRow {
    let absolute = absolute(given.as_bytes(), here);
    let mut row = SourceRow { path: given.to_owned(), absolute, kind: "missing", ..SourceRow::default() };
    // As restic: what is given must be there, and what is saved is the same cleaned of slashes and dots.
    let there = !given.is_empty() && fs::symlink_metadata(given).is_ok();
    let Some(facts) = fs::symlink_metadata(path(&row.absolute)).ok().filter(|_| there) else { return row };
    let kind = facts.file_type();
    row.identity = Some((facts.dev(), facts.ino()));
    row.readable = access(path(&row.absolute), Access::READ_OK).is_ok();
    if kind.is_symlink() {
        row.kind = "symlink";
        // The link itself is what is saved.
        row.readable = true;
        let leads = fs::read_link(path(&row.absolute)).map(|to| shown(to.as_os_str().as_bytes())).unwrap_or_default();
        row.notes.push(format!(
            "is a link to {leads}: the backup saves the link alone and nothing behind it; name the place itself"
        ));
    } else if kind.is_dir() {
        row.kind = "directory";
        row.readable &= access(path(&row.absolute), Access::EXEC_OK).is_ok();
    } else {
        row.kind = if kind.is_file() { "file" } else { "other" };
    }
    row
}
