//! Which members of a snapshot are exported, by restic's own patterns; and which folder holds them all.

use crate::engine::patterns::{Case, Patterns};
use crate::workers::restore::table::shown;

/// The patterns of `--include` and `--exclude`: first what is included, then what of that is left out.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    includes: Patterns,
    excludes: Patterns,
    literal: Option<Vec<String>>,
}

/// What becomes of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// It is exported.
    Take,
    /// A folder that is exported if something in it is.
    Parent,
    /// It is left out.
    Leave,
}

impl Selection {
    /// Reads the patterns.
    ///
    /// # Errors
    /// One line on the first that is not well-formed.
    pub fn new(includes: &[String], excludes: &[String]) -> Result<Self, String> {
        let read = |flag: &str, given: &[String]| {
            let mut patterns = Patterns::default();
            for pattern in given {
                patterns
                    .add(pattern, Case::Sensitive)
                    .map_err(|error| format!("{flag} '{}' cannot be used: {error}", shown(pattern)))?;
            }
            Ok::<_, String>(patterns)
        };
        let literal = includes.iter().map(|include| literal(include)).collect::<Option<Vec<String>>>();
        Ok(Self {
            includes: read("--include", includes)?,
            excludes: read("--exclude", excludes)?,
            literal: literal.filter(|paths| !paths.is_empty()),
        })
    }

    /// Whether it takes everything.
    pub fn is_everything(&self) -> bool {
        self.includes.is_empty() && self.excludes.is_empty()
    }

    /// Whether it may match nothing of what is there.
    pub fn has_includes(&self) -> bool {
        !self.includes.is_empty()
    }

    /// The deepest path that holds all that can match; `None` where that is everything.
    pub fn all_below(&self) -> Option<String> {
        let mut paths = self.literal.as_ref()?.iter();
        let mut common: Vec<&str> = paths.next()?.split('/').collect();
        for path in paths {
            let same = common.iter().zip(path.split('/')).take_while(|(one, other)| *one == other).count();
            common.truncate(same);
        }
        let path = common.join("/");
        (!path.is_empty()).then_some(path)
    }

    /// One walk through a snapshot, folders before what is in them.
    pub fn walk(&self) -> Walk<'_> {
        Walk { selection: self, left: None }
    }
}

/// Where a walk is.
pub struct Walk<'a> {
    selection: &'a Selection,
    /// Nothing below this path is looked at any more.
    left: Option<Vec<u8>>,
}

impl Walk<'_> {
    /// What becomes of the next member; its path begins with a slash and does not end with one.
    pub fn choose(&mut self, path: &[u8], is_folder: bool) -> Choice {
        if let Some(left) = &self.left {
            if is_below(path, left) {
                return Choice::Leave;
            }
            self.left = None;
        }
        let (includes, excludes) = (&self.selection.includes, &self.selection.excludes);
        if !excludes.is_empty() && excludes.matches(path) {
            return self.leave(path, is_folder);
        }
        if includes.is_empty() {
            return Choice::Take;
        }
        let verdict = includes.verdict(path);
        match () {
            () if verdict.matched => Choice::Take,
            () if is_folder && verdict.below => Choice::Parent,
            () => self.leave(path, is_folder),
        }
    }

    fn leave(&mut self, path: &[u8], is_folder: bool) -> Choice {
        if is_folder {
            self.left = Some(path.to_vec());
        }
        Choice::Leave
    }
}

/// Whether a path lies somewhere below a folder.
pub fn is_below(path: &[u8], folder: &[u8]) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with(b"/"))
}

/// An include that names exactly one path.
fn literal(include: &str) -> Option<String> {
    let plain = include.starts_with('/') && !include.contains(['*', '?', '[', '\\']);
    plain.then(|| clean(include)).flatten()
}

/// A path with one slash before each of its parts; `None` for the root.
pub fn clean(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    (!parts.is_empty()).then(|| format!("/{}", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(includes: &[&str], excludes: &[&str]) -> Selection {
        let own = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        Selection::new(&own(includes), &own(excludes)).expect("is well-formed")
    }

    /// What is taken (`+`), kept as a parent (`/`) or left (`-`) of a small tree.
    fn chosen(selection: &Selection) -> String {
        let tree = ["/a/", "/a/b/", "/a/b/x.txt", "/a/b/y.bin", "/a/bc", "/d/", "/d/b/", "/d/b/x.txt", "/x.txt"];
        let mut walk = selection.walk();
        let choose = |path: &str| match walk.choose(path.trim_end_matches('/').as_bytes(), path.ends_with('/')) {
            Choice::Take => '+',
            Choice::Parent => '/',
            Choice::Leave => '-',
        };
        tree.map(choose).iter().collect()
    }

    #[test]
    fn includes_come_first_and_excludes_take_from_them() {
        assert_eq!(chosen(&selection(&[], &[])), "+++++++++");
        assert_eq!(chosen(&selection(&["/a/b"], &[])), "/+++-----");
        assert_eq!(chosen(&selection(&["*.txt"], &[])), "//+--//++");
        assert_eq!(chosen(&selection(&[], &["b"])), "+---++--+");
        assert_eq!(chosen(&selection(&["/a"], &["*.bin"])), "+++-+----");
        // What is in a folder that is left out is left out, as restic does it.
        assert_eq!(chosen(&selection(&[], &["/a", "!/a/b"])), "-----++++");
        assert_eq!(chosen(&selection(&["/nothing"], &[])), "---------");
    }

    #[test]
    fn includes_that_name_paths_have_a_folder_in_common() {
        let below = |includes: &[&str]| selection(includes, &["x"]).all_below();
        assert_eq!(below(&["/data/docs/"]).as_deref(), Some("/data/docs"));
        assert_eq!(below(&["/data/docs/a", "/data//docs/b"]).as_deref(), Some("/data/docs"));
        assert_eq!(below(&["/data/docs", "/data/docs-2"]).as_deref(), Some("/data"));
        for everything in [&["/a", "/b"][..], &["/"], &["a"], &["/a/*"], &["/a", "b"], &["!/a"], &[]] {
            assert_eq!(below(everything), None, "{everything:?}");
        }
    }
}
