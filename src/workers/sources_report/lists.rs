//! The files that restic's flags name: lists of sources, and lists of patterns.

use super::expand::{self, path};
use std::ffi::OsStr;
use std::fs;
use std::io;

/// How many missing entries are named.
pub(super) const NAMED: usize = 5;

/// How a list of sources is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `--files-from`: a pattern a line, with comments.
    Patterns,
    /// `--files-from-verbatim`: a path a line.
    Verbatim,
    /// `--files-from-raw`: paths, each with a NUL behind it.
    Raw,
}

/// A list of sources, read.
#[derive(Debug, Default)]
pub(super) struct SourceList {
    pub readable: bool,
    /// Entries that say something.
    pub lines: u64,
    /// What they stand for, as far as it is there.
    pub targets: Vec<Vec<u8>>,
    /// Entries that stand for nothing: how many, and the first of them.
    pub missing: u64,
    pub first_missing: Vec<Vec<u8>>,
    /// Why restic would refuse the list as a whole.
    pub problems: Vec<String>,
}

/// A list of patterns, read.
#[derive(Debug, Default)]
pub(super) struct PatternList {
    pub readable: bool,
    pub patterns: Vec<Vec<u8>>,
    /// Why it cannot be read.
    pub problem: Option<String>,
}

/// Reads a list of sources; `-`, standard input, is empty in a run.
pub(super) fn sources(file: &str, kind: Kind) -> SourceList {
    let mut list = SourceList { readable: true, ..SourceList::default() };
    let data = match contents(file) {
        Ok(data) => data,
        Err(error) => {
            list.readable = false;
            list.problems.push(format!("cannot be read: {error}"));
            return list;
        }
    };
    match kind {
        Kind::Raw => raw(&data, &mut list),
        Kind::Verbatim => {
            let text = decoded(data);
            lines(&text).filter(|line| !line.is_empty()).for_each(|line| list.literal(line));
        }
        Kind::Patterns => {
            let text = decoded(data);
            for line in lines(&text).map(trimmed).filter(|line| says_something(line)) {
                list.pattern(line);
            }
        }
    }
    list
}

impl SourceList {
    fn literal(&mut self, entry: &[u8]) {
        self.lines += 1;
        if path(entry).symlink_metadata().is_ok() {
            self.targets.push(entry.to_vec());
        } else {
            self.miss(entry);
        }
    }

    fn pattern(&mut self, entry: &[u8]) {
        self.lines += 1;
        match expand::glob(entry) {
            Some(found) if found.is_empty() => self.miss(entry),
            Some(found) => self.targets.extend(found),
            None => {
                let entry = String::from_utf8_lossy(entry);
                self.problems.push(format!(
                    "restic refuses it: pattern '{entry}' is not well-formed: close its brackets, and let no backslash \
                     end it"
                ));
            }
        }
    }

    fn miss(&mut self, entry: &[u8]) {
        self.missing += 1;
        if self.first_missing.len() < NAMED {
            self.first_missing.push(entry.to_vec());
        }
    }
}

fn raw(data: &[u8], list: &mut SourceList) {
    let Some(entries) = data.strip_suffix(b"\0") else {
        if !data.is_empty() {
            list.problems.push("restic refuses it: the last name has no NUL behind it".to_owned());
        }
        data.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()).for_each(|entry| list.literal(entry));
        return;
    };
    for entry in entries.split(|byte| *byte == 0) {
        if entry.is_empty() {
            list.problems.push("restic refuses it: it holds an empty name".to_owned());
        } else {
            list.literal(entry);
        }
    }
}

/// Reads a list of patterns, with `value` for the variables in it.
pub(super) fn patterns(file: &str, value: impl Fn(&OsStr) -> Vec<u8>) -> PatternList {
    match contents(file) {
        Ok(data) => {
            let text = decoded(data);
            let said = lines(&text).map(trimmed).filter(|line| says_something(line));
            let patterns = said.map(|line| expand::variables(line, &value)).collect();
            PatternList { readable: true, patterns, problem: None }
        }
        Err(error) => PatternList { problem: Some(format!("cannot be read: {error}")), ..PatternList::default() },
    }
}

fn contents(file: &str) -> io::Result<Vec<u8>> {
    if file == "-" { Ok(Vec::new()) } else { fs::read(file) }
}

/// The text of a file, which may be UTF-16 or begin with a mark.
fn decoded(data: Vec<u8>) -> Vec<u8> {
    let utf16 = |pairs: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = pairs.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        let text: String = char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        text.into_bytes()
    };
    match data.as_slice() {
        [0xef, 0xbb, 0xbf, text @ ..] => text.to_vec(),
        [0xff, 0xfe, pairs @ ..] => utf16(pairs, u16::from_le_bytes),
        [0xfe, 0xff, pairs @ ..] => utf16(pairs, u16::from_be_bytes),
        _ => data,
    }
}

/// The lines, also a last one without a newline; a carriage return before the newline is no part of them.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

fn trimmed(line: &[u8]) -> &[u8] {
    std::str::from_utf8(line).map_or_else(|_| line.trim_ascii(), |line| line.trim().as_bytes())
}

fn says_something(line: &[u8]) -> bool {
    !line.is_empty() && !line.starts_with(b"#")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &[u8]) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("list");
        fs::write(&path, content).expect("can be written");
        let shown = path.display().to_string();
        (folder, shown)
    }

    #[test]
    fn a_list_of_patterns_knows_comments_blanks_and_a_last_line_without_newline() {
        let (folder, list) = file(b"");
        fs::write(folder.path().join("there"), "").expect("can be written");
        let here = folder.path().display();
        let text = format!("# c\n   # indented\n\n  {here}/the* \r\n{here}/none*\n{here}/gone");
        fs::write(&list, text).expect("can be written");
        let read = sources(&list, Kind::Patterns);
        assert_eq!((read.readable, read.lines, read.missing, read.targets.len()), (true, 3, 2, 1));
        assert_eq!(read.first_missing[1], format!("{here}/gone").as_bytes());
        assert!(read.problems.is_empty());
    }

    #[test]
    fn a_verbatim_list_is_taken_as_it_is_and_a_raw_one_is_cut_at_nul() {
        let (_folder, list) = file(b"#x\n\n /etc\n/etc/passwd\n");
        let read = sources(&list, Kind::Verbatim);
        assert_eq!((read.lines, read.missing, read.targets.len()), (3, 2, 1));
        let (_folder, list) = file(b"/etc\0/etc/passwd\0/no\nsuch\0");
        let read = sources(&list, Kind::Raw);
        assert_eq!((read.lines, read.missing, read.targets.len(), read.problems.len()), (3, 1, 2, 0));
        for wrong in [&b"/etc\0/tmp"[..], b"/etc\0\0/tmp\0"] {
            let (_folder, list) = file(wrong);
            assert_eq!(sources(&list, Kind::Raw).problems.len(), 1);
        }
    }

    #[test]
    fn patterns_lose_blanks_and_comments_and_get_their_variables() {
        let (_folder, list) = file(b" *.o \r\n# x\n\n  #y\n$WHAT/z\n!keep");
        let read = patterns(&list, |_| b"a".to_vec());
        assert_eq!(read.patterns, [&b"*.o"[..], b"a/z", b"!keep"]);
        let (_folder, list) = file(b"\xff\xfeo\0n\0e\0\n\0");
        assert_eq!(patterns(&list, |_| Vec::new()).patterns, [b"one"]);
        assert!(!patterns("/no/such/list", |_| Vec::new()).readable);
        assert!(patterns("-", |_| Vec::new()).readable);
    }
}
