//! restic's patterns for `--exclude` and `--include` (restic's manual: Excluding Files).
//!
//! A pattern is cut at its slashes; each part matches one name by the rules of Go's `filepath.Match`. One that begins
//! with a slash is matched from the root, any other one anywhere. `**` stands for any number of folders. What is below a
//! match is matched, too. `!` before a pattern takes back what those before it have matched.
//!
//! A list is asked about every path of a walk: nothing is allocated for a path that is not deeper than `DEEP`.

mod glob;

pub use glob::Glob;

use std::cell::RefCell;

/// The names of a path up to here need no memory of their own.
const DEEP: usize = 48;

thread_local! {
    /// The path in lower case.
    static FOLDED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Whether upper and lower case are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// They differ.
    Sensitive,
    /// They are the same, as for `--iexclude`.
    Insensitive,
}

/// A list of patterns, in the order that counts.
#[derive(Debug, Clone, Default)]
pub struct Patterns {
    list: Vec<Pattern>,
    /// One of them takes back.
    negated: bool,
    /// One of them does not tell upper from lower case.
    folds: bool,
}

#[derive(Debug, Clone)]
struct Pattern {
    negated: bool,
    fold: bool,
    /// It begins at the root.
    rooted: bool,
    /// It has a `**`.
    folders: bool,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// `**`.
    Folders,
    /// One name.
    Name(Glob),
}

/// What a list of patterns says of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The path is matched.
    pub matched: bool,
    /// Something below it may be.
    pub below: bool,
}

impl Patterns {
    /// Adds a pattern as it is written on restic's command line; an empty one is none.
    ///
    /// # Errors
    /// What is wrong with it, where its syntax is.
    pub fn add(&mut self, pattern: &str, case: Case) -> Result<(), String> {
        self.add_bytes(pattern.as_bytes(), case)
    }

    /// The same for a pattern that is not UTF-8 everywhere, as one in a file may be.
    ///
    /// # Errors
    /// What is wrong with it, where its syntax is.
    pub fn add_bytes(&mut self, pattern: &[u8], case: Case) -> Result<(), String> {
        if pattern.is_empty() {
            return Ok(());
        }
        let (negated, text) = pattern.strip_prefix(b"!").map_or((false, pattern), |rest| (true, rest));
        let fold = case == Case::Insensitive;
        let mut folded = Vec::new();
        let text = if fold {
            lower(text, &mut folded);
            &folded
        } else {
            text
        };
        let mut parts = Vec::new();
        for part in clean(text) {
            parts.push(if part == b"**" {
                Part::Folders
            } else {
                Part::Name(Glob::compile(part).ok_or_else(|| {
                    format!(
                        "pattern '{}' is not well-formed: close its brackets, and let no backslash end it",
                        String::from_utf8_lossy(pattern)
                    )
                })?)
            });
        }
        let rooted = text.starts_with(b"/");
        let folders = parts.contains(&Part::Folders);
        self.negated |= negated;
        self.folds |= fold;
        self.list.push(Pattern { negated, fold, rooted, folders, parts });
        Ok(())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether a path (from the root, in bytes) is matched.
    pub fn matches(&self, path: &[u8]) -> bool {
        self.verdict(path).matched
    }

    /// Whether a path is matched of which it is known that its folder is not: what a walk asks that goes into no folder
    /// that is matched.
    pub fn matches_below_unmatched(&self, path: &[u8]) -> bool {
        if self.negated {
            return self.matches(path);
        }
        self.with_folded(path, |folded| {
            self.list.iter().any(|pattern| {
                let path = if pattern.fold { folded } else { path };
                // A match that ends before the last name would be one of the folder.
                if pattern.folders { with_names(path, |names| pattern.matches(names)) } else { pattern.ends(path) }
            })
        })
    }

    /// What the list says of a path from the root.
    pub fn verdict(&self, path: &[u8]) -> Verdict {
        let mut verdict = Verdict { matched: false, below: false };
        self.with_folded(path, |folded| {
            with_names(path, |names| {
                with_names(folded, |folded| {
                    for pattern in &self.list {
                        let names = if pattern.fold { folded } else { names };
                        let (matched, below) = (pattern.matches(names), pattern.may_match_below(names));
                        if pattern.negated {
                            verdict.matched &= !matched;
                            verdict.below &= !matched;
                        } else {
                            verdict.matched |= matched;
                            verdict.below |= below;
                        }
                    }
                });
            });
        });
        verdict
    }

    /// Gives the path in lower case, or nothing where no pattern asks for it.
    fn with_folded<T>(&self, path: &[u8], ask: impl FnOnce(&[u8]) -> T) -> T {
        if !self.folds {
            return ask(b"");
        }
        FOLDED.with_borrow_mut(|folded| {
            folded.clear();
            lower(path, folded);
            ask(folded)
        })
    }
}

impl Pattern {
    fn matches(&self, names: &[&[u8]]) -> bool {
        // restic counts the root as a part and as a name.
        let (parts, all) = (self.parts.len() + usize::from(self.rooted), names.len() + 1);
        if self.rooted {
            return begins(&self.parts, names, parts, all);
        }
        if !self.parts.iter().any(|part| *part != Part::Folders) {
            return !self.parts.is_empty() && !names.is_empty();
        }
        (0..names.len()).any(|start| begins(&self.parts, &names[start..], parts, all))
    }

    /// Whether a pattern without `**` matches the path with its last part on the last name.
    fn ends(&self, path: &[u8]) -> bool {
        let mut names = path.rsplit(|byte| *byte == b'/');
        let fits = self.parts.iter().rev().all(|part| match (part, names.next()) {
            (Part::Name(glob), Some(name)) => !name.is_empty() && glob.matches(name),
            _ => false,
        });
        fits && if self.rooted { self.parts.is_empty() || names.next() == Some(b"") } else { !self.parts.is_empty() }
    }

    fn may_match_below(&self, names: &[&[u8]]) -> bool {
        if !self.rooted {
            return true;
        }
        // What stands before the first `**` can be told from the names alone.
        let fixed = self.parts.iter().position(|part| *part == Part::Folders).unwrap_or(self.parts.len());
        let length = names.len().min(fixed);
        begins(&self.parts[..length], &names[..length], length, length)
    }
}

/// Whether the first of the names are what the parts say. `count` is how many parts the pattern has once every `**`
/// before these is spelled out, `all` how many names the path has: restic lets a `**` stand for as many folders as
/// leave room for all other parts, each other `**` among them.
fn begins(parts: &[Part], names: &[&[u8]], count: usize, all: usize) -> bool {
    match parts.split_first() {
        None => true,
        Some((Part::Name(glob), parts)) => {
            names.split_first().is_some_and(|(name, names)| glob.matches(name) && begins(parts, names, count, all))
        }
        Some((Part::Folders, parts)) => {
            let Some(most) = (all + 1).checked_sub(count) else { return false };
            (0..=most.min(names.len())).any(|number| begins(parts, &names[number..], count - 1 + number, all))
        }
    }
}

/// The parts of a path, as Go's `filepath.Clean` leaves them; `.` for one without.
fn clean(text: &[u8]) -> Vec<&[u8]> {
    let rooted = text.starts_with(b"/");
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in text.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".") {
        if part == b".." && parts.last().is_some_and(|last| *last != b"..") {
            parts.pop();
        } else if part != b".." || !rooted {
            parts.push(part);
        }
    }
    if parts.is_empty() && !rooted {
        parts.push(b".");
    }
    parts
}

/// Gives the names of a path below the root.
fn with_names<T>(path: &[u8], ask: impl FnOnce(&[&[u8]]) -> T) -> T {
    let mut few: [&[u8]; DEEP] = [b""; DEEP];
    let mut count = 0;
    for name in path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
        if count == DEEP {
            let all: Vec<&[u8]> = path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()).collect();
            return ask(&all);
        }
        few[count] = name;
        count += 1;
    }
    ask(&few[..count])
}

/// Lower case as Go's `strings.ToLower` has it: one character for one, and each byte that is no UTF-8 becomes U+FFFD
/// once there is anything beyond ASCII.
fn lower(text: &[u8], into: &mut Vec<u8>) {
    if text.is_ascii() {
        into.extend(text.iter().map(u8::to_ascii_lowercase));
        return;
    }
    let mut rest = text;
    while let Some((code, length)) = glob::first_character(rest) {
        rest = &rest[length..];
        let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        let mut buffer = [0; 4];
        // The one character with a longer form, `İ`, is `i` in Go.
        let low = character.to_lowercase().next().unwrap_or(character);
        into.extend_from_slice(low.encode_utf8(&mut buffer).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(patterns: &[&str], case: Case) -> Patterns {
        let mut list = Patterns::default();
        for pattern in patterns {
            list.add(pattern, case).expect("is well-formed");
        }
        list
    }

    fn verdict(patterns: &[&str], path: &str) -> (bool, bool) {
        let Verdict { matched, below } = list(patterns, Case::Sensitive).verdict(path.as_bytes());
        (matched, below)
    }

    #[test]
    fn a_relative_pattern_matches_anywhere_and_an_absolute_one_from_the_root() {
        for (pattern, path, expected) in [
            ("*.txt", "/a/b.txt", true),
            ("a", "/x/a/deep/below", true),
            ("a/b", "/x/a/b", true),
            ("a/b", "/x/a/c/b", false),
            ("/a", "/a/b", true),
            ("/a", "/x/a", false),
            ("/a/**/c", "/a/c", true),
            ("/a/**/c", "/a/x/y/c/z", true),
            ("/a/**", "/b", false),
            ("/a/**", "/a", true),
            ("/**", "/", true),
            ("**", "/", false),
            ("**", "/a", true),
            ("a/**", "/x/a", true),
            ("a?c[0-9]", "/abc7", true),
            ("[^a]", "/a", false),
            ("a\\*", "/a*", true),
            ("a\\*", "/ab", false),
            ("/", "/anything", true),
            ("/a/../b/", "/b", true),
            ("./a/", "/x/a", true),
            ("*", "/", false),
            ("", "/a", false),
            (".", "/a", false),
            // No room is left for the second `**` (restic's own way of counting).
            ("/**/a/**", "/x/y/a", false),
            ("/**/a/**", "/x/y/a/z", true),
        ] {
            assert_eq!(verdict(&[pattern], path).0, expected, "{pattern} {path}");
        }
    }

    #[test]
    fn what_may_match_below_is_known_for_absolute_patterns() {
        assert_eq!(verdict(&["/a/b/c"], "/a/b"), (false, true));
        assert_eq!(verdict(&["/a/b/c"], "/a/x"), (false, false));
        assert_eq!(verdict(&["/a/**/c"], "/a/x/y"), (false, true));
        assert_eq!(verdict(&["c"], "/a/x/y"), (false, true));
    }

    #[test]
    fn a_negated_pattern_takes_back() {
        assert!(!verdict(&["*.log", "!keep.log"], "/a/keep.log").0);
        assert!(verdict(&["!keep.log", "*.log"], "/a/keep.log").0);
    }

    #[test]
    fn a_pattern_that_is_not_well_formed_is_refused() {
        for pattern in ["[", "a[b", "[]", "a\\", "x/[z-"] {
            assert!(Patterns::default().add(pattern, Case::Sensitive).is_err(), "{pattern}");
        }
    }

    #[test]
    fn case_is_folded_as_in_go() {
        for (pattern, path) in [("*.JPG", "/A/b.Jpg"), ("ÄRGER", "/ärger"), ("Σας", "/ΣΑς"), ("İ", "/i")] {
            assert!(list(&[pattern], Case::Insensitive).matches(path.as_bytes()), "{pattern} {path}");
        }
        assert!(!list(&["*.JPG"], Case::Sensitive).matches(b"/b.jpg"));
    }

    #[test]
    fn a_path_deeper_than_the_room_for_names_is_matched_too() {
        let path = format!("{}/end", "/d".repeat(3 * DEEP));
        assert!(verdict(&["d/end"], &path).0);
        assert!(!verdict(&["/d/end"], &path).0);
    }

    proptest! {
        /// Whoever goes down from the root asks the short question, and gets the same answer.
        #[test]
        fn a_walk_may_ask_the_short_question(
            pattern in r"/?([ab*?]{1,2}|\*\*)(/([ab*?]{1,2}|\*\*)){0,3}",
            path in "(/[ab]{1,2}){1,5}",
        ) {
            let list = list(&[&pattern], Case::Sensitive);
            let (folder, _) = path.rsplit_once('/').expect("begins with one");
            let folder = if folder.is_empty() { "/" } else { folder };
            if !list.matches(folder.as_bytes()) {
                prop_assert_eq!(list.matches_below_unmatched(path.as_bytes()), list.matches(path.as_bytes()));
            }
        }
    }
}
