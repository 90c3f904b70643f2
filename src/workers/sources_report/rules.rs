//! What the next backup leaves out, by restic's own rules.

use super::paths::{clean, is_within};
use super::words::{BackupWords, size};
use crate::engine::patterns::{Case, Patterns};
use rustix::fs::{AtFlags, Mode, OFlags, openat, statat};
use std::os::fd::{BorrowedFd, OwnedFd};

/// The file that marks a cache, and how it begins (<https://bford.info/cachedir/>).
const CACHE_TAG: &str = "CACHEDIR.TAG";
const CACHE_HEADER: &str = "Signature: 8a477f597d28d172789f06886806bc55";

/// A file that leaves out the folder it lies in, but for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag {
    pub name: String,
    /// How it must begin; empty for any.
    pub header: String,
}

/// All rules.
#[derive(Debug, Default)]
pub(super) struct Rules {
    exact: Patterns,
    folded: Patterns,
    tags: Vec<Tag>,
    /// In bytes.
    larger_than: Option<u64>,
    /// With `--one-file-system`: each source with the number of its file system.
    file_systems: Option<Vec<(Vec<u8>, u64)>>,
    /// restic leaves out its own cache.
    cache: Option<Vec<u8>>,
}

/// Whose turn it is to be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A source: nobody has looked at the folders above it.
    Source,
    /// Something in a folder that is not left out.
    Below,
}

impl Rules {
    /// The rules of these words, and all that restic would refuse in them. Patterns of files are added afterwards.
    pub(super) fn of(words: &BackupWords) -> (Self, Vec<String>) {
        let mut rules = Self::default();
        let mut refused = Vec::new();
        for (flag, list, patterns, case) in [
            ("--exclude", &words.exclude, &mut rules.exact, Case::Sensitive),
            ("--iexclude", &words.iexclude, &mut rules.folded, Case::Insensitive),
        ] {
            for pattern in list {
                refused.extend(patterns.add(pattern, case).err().map(|error| format!("{flag}: {error}")));
            }
        }
        if words.exclude_caches {
            rules.tags.push(Tag { name: CACHE_TAG.into(), header: CACHE_HEADER.into() });
        }
        for tag in &words.exclude_if_present {
            let (name, header) = tag.split_once(':').unwrap_or((tag, ""));
            if name.is_empty() {
                refused.push(format!("--exclude-if-present='{tag}' names no file: write NAME or NAME:HEADER"));
            }
            rules.tags.push(Tag { name: name.into(), header: header.into() });
        }
        if !words.exclude_larger_than.is_empty() {
            rules.larger_than = size(&words.exclude_larger_than);
            if rules.larger_than.is_none() {
                refused.push(format!(
                    "--exclude-larger-than='{}' is no size: write bytes, or a number with k, m, g or t behind it",
                    words.exclude_larger_than
                ));
            }
        }
        (rules, refused)
    }

    /// Adds a pattern of a file.
    pub(super) fn add(&mut self, pattern: &[u8], case: Case) -> Result<(), String> {
        match case {
            Case::Sensitive => self.exact.add_bytes(pattern, case),
            Case::Insensitive => self.folded.add_bytes(pattern, case),
        }
    }

    /// Leaves out restic's cache. One that is no path from the root is never met.
    pub(super) fn leave_out_cache(&mut self, folder: &[u8]) {
        self.cache = folder.starts_with(b"/").then(|| clean(folder));
    }

    /// Stays on the file systems of these sources.
    pub(super) fn stay_on(&mut self, sources: Vec<(Vec<u8>, u64)>) {
        self.file_systems = Some(sources);
    }

    /// Whether file systems count.
    pub(super) fn by_file_system(&self) -> bool {
        self.file_systems.is_some()
    }

    /// Whether a path is left out by its name.
    pub(super) fn leaves_out(&self, path: &[u8], place: Place) -> bool {
        let matched = |patterns: &Patterns| match place {
            _ if patterns.is_empty() => false,
            Place::Source => patterns.matches(path),
            Place::Below => patterns.matches_below_unmatched(path),
        };
        matched(&self.exact) || matched(&self.folded) || self.cache.as_ref().is_some_and(|cache| is_within(path, cache))
    }

    /// Whether a file is left out by its size, in bytes.
    pub(super) fn is_too_large(&self, size: u64) -> bool {
        self.larger_than.is_some_and(|limit| size > limit)
    }

    /// Whether something is left out since it is on another file system than its source. A folder that something is
    /// mounted on stays, without its content. `folder` is where it lies, with that one's file system.
    pub(super) fn is_elsewhere(&self, path: &[u8], device: u64, is_folder: bool, folder: (&[u8], u64)) -> bool {
        let Some(sources) = &self.file_systems else { return false };
        let allowed = |path: &[u8], device: u64| {
            let nearest = sources.iter().filter(|(source, _)| is_within(path, source));
            nearest.max_by_key(|(source, _)| source.len()).is_some_and(|(_, of_source)| *of_source == device)
        };
        !(allowed(path, device) || is_folder && allowed(folder.0, folder.1))
    }

    /// The tags that lie in a folder: all but themselves is left out there.
    pub(super) fn tags_in(&self, folder: BorrowedFd<'_>) -> Vec<&[u8]> {
        self.tags.iter().filter(|tag| tag.lies_in(folder)).map(|tag| tag.name.as_bytes()).collect()
    }

    /// Whether there are tags to look for.
    pub(super) fn has_tags(&self) -> bool {
        !self.tags.is_empty()
    }
}

impl Tag {
    fn lies_in(&self, folder: BorrowedFd<'_>) -> bool {
        if self.header.is_empty() {
            return statat(folder, &*self.name, AtFlags::SYMLINK_NOFOLLOW).is_ok();
        }
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let Ok(file) = openat(folder, &*self.name, flags, Mode::empty()) else { return false };
        let mut header = vec![0; self.header.len()];
        read_whole(file, &mut header) && header == self.header.as_bytes()
    }
}

fn read_whole(file: OwnedFd, buffer: &mut [u8]) -> bool {
    use std::io::Read as _;
    std::fs::File::from(file).read_exact(buffer).is_ok()
}
