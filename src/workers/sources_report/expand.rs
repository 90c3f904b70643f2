//! Go's `filepath.Glob` and `os.Expand`: what restic does with the lines of its lists.

use super::paths::{clean, join};
use crate::engine::patterns::Glob;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

/// What there is that a pattern matches, sorted in each folder; `None` if it is not well-formed.
pub(super) fn glob(pattern: &[u8]) -> Option<Vec<Vec<u8>>> {
    Glob::compile(pattern)?;
    if !has_meta(pattern) {
        let there = path(pattern).symlink_metadata().is_ok();
        return Some(if there { vec![pattern.to_vec()] } else { Vec::new() });
    }
    let (folder, name) = match pattern.iter().rposition(|byte| *byte == b'/') {
        None => (&b"."[..], pattern),
        Some(0) => (&b"/"[..], &pattern[1..]),
        Some(at) => (&pattern[..at], &pattern[at + 1..]),
    };
    let name = Glob::compile(name)?;
    let folders = if has_meta(folder) { glob(folder)? } else { vec![folder.to_vec()] };
    Some(folders.iter().flat_map(|folder| in_folder(folder, &name)).collect())
}

fn in_folder(folder: &[u8], name: &Glob) -> Vec<Vec<u8>> {
    let Ok(entries) = fs::read_dir(path(folder)) else { return Vec::new() };
    let mut names: Vec<Vec<u8>> = entries.flatten().map(|entry| entry.file_name().into_vec()).collect();
    names.retain(|found| name.matches(found));
    names.sort_unstable();
    names.into_iter().map(|name| clean(&join(folder, &name))).collect()
}

fn has_meta(pattern: &[u8]) -> bool {
    pattern.iter().any(|byte| matches!(byte, b'*' | b'?' | b'[' | b'\\'))
}

pub(super) fn path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

/// Puts variables in the place of `$NAME` and `${NAME}`; `$$` is a dollar.
pub(super) fn variables(line: &[u8], value: impl Fn(&OsStr) -> Vec<u8>) -> Vec<u8> {
    let mut expanded = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        if *byte != b'$' || tail.is_empty() {
            expanded.push(*byte);
            continue;
        }
        let (name, length) = name(tail);
        rest = &tail[length..];
        match name {
            b"" if length == 0 => expanded.push(b'$'),
            // Bad syntax, such as `${}`, is dropped.
            b"" => {}
            b"$" => expanded.push(b'$'),
            name => expanded.extend(value(OsStr::from_bytes(name))),
        }
    }
    expanded
}

/// The name at the beginning of what follows a dollar, and how much of that it takes.
fn name(text: &[u8]) -> (&[u8], usize) {
    let special = |byte: u8| matches!(byte, b'*' | b'#' | b'$' | b'@' | b'!' | b'?' | b'-' | b'0'..=b'9');
    match text {
        [b'{', one, b'}', ..] if special(*one) => (&text[1..2], 3),
        [b'{', ..] => match text.iter().position(|byte| *byte == b'}') {
            Some(end) => (&text[1..end], end + 1),
            None => (b"", 1),
        },
        [one, ..] if special(*one) => (&text[..1], 1),
        _ => {
            let end = text.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
            let end = end.unwrap_or(text.len());
            (&text[..end], end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_expanded_as_in_go() {
        let value = |name: &OsStr| if name == "HOME" { b"/root".to_vec() } else { Vec::new() };
        for (line, expected) in [
            ("$HOME/x", "/root/x"),
            ("${HOME}x", "/rootx"),
            ("$HOMEx", ""),
            ("$$HOME", "$HOME"),
            ("a$", "a$"),
            ("$/a", "$/a"),
            ("${}a", "a"),
            ("${HOME", "HOME"),
            ("$1a", "a"),
            ("${1}a", "a"),
            ("plain", "plain"),
        ] {
            assert_eq!(String::from_utf8_lossy(&variables(line.as_bytes(), value)), expected, "{line}");
        }
    }

    #[test]
    fn a_pattern_finds_what_there_is_sorted() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["b1", "a1", ".h1", "sub/c1", "sub/[x]"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("has one")).expect("can be made");
            fs::write(path, "").expect("can be written");
        }
        let found = |pattern: &str| {
            let whole = format!("{}/{pattern}", folder.path().display());
            let found = glob(whole.as_bytes())?;
            let prefix = folder.path().as_os_str().len() + 1;
            Some(found.iter().map(|path| String::from_utf8_lossy(&path[prefix..]).into_owned()).collect::<Vec<_>>())
        };
        assert_eq!(found("*1"), Some(vec![".h1".into(), "a1".into(), "b1".into()]));
        assert_eq!(found("*/*1"), Some(vec!["sub/c1".into()]));
        assert_eq!(found("sub/\\[x]"), Some(vec!["sub/[x]".into()]));
        assert_eq!(found("a1"), Some(vec!["a1".into()]));
        assert_eq!(found("none*"), Some(vec![]));
        assert_eq!(found("a1/*"), Some(vec![]));
        assert_eq!(found("["), None);
    }
}
