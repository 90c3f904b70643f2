//! Paths as bytes, cleaned as Go cleans them.

/// Go's `filepath.Clean`.
pub(super) fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.starts_with(b"/");
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".") {
        if part == b".." && parts.last().is_some_and(|last| *last != b"..") {
            parts.pop();
        } else if part != b".." || !rooted {
            parts.push(part);
        }
    }
    let joined = parts.join(&b'/');
    match (rooted, joined.is_empty()) {
        (true, _) => [b"/", joined.as_slice()].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}

/// A path from the root, seen from the folder `from`.
pub(super) fn absolute(path: &[u8], from: &[u8]) -> Vec<u8> {
    if path.starts_with(b"/") { clean(path) } else { clean(&[from, b"/", path].concat()) }
}

/// A name in a folder.
pub(super) fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let slash: &[u8] = if folder.ends_with(b"/") { b"" } else { b"/" };
    [folder, slash, name].concat()
}

/// The folder that a path from the root lies in.
pub(super) fn folder_of(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(0) | None => b"/",
        Some(at) => &path[..at],
    }
}

/// Whether a path is that folder, or lies in it.
pub(super) fn is_within(path: &[u8], folder: &[u8]) -> bool {
    folder == b"/" || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// How many names a cleaned path from the root has.
pub(super) fn depth(path: &[u8]) -> u32 {
    if path == b"/" { 0 } else { path.split(|byte| *byte == b'/').skip(1).count() as u32 }
}

/// For people and JSON.
pub(super) fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_as_go_does() {
        for (path, expected) in [
            ("/a//b/./c/", "/a/b/c"),
            ("/../a", "/a"),
            ("a/../..", ".."),
            ("../../x", "../../x"),
            ("", "."),
            ("./", "."),
            ("/", "/"),
            ("a/..", "."),
        ] {
            assert_eq!(shown(&clean(path.as_bytes())), expected, "{path}");
        }
        assert_eq!(absolute(b"../x", b"/a/b"), b"/a/x");
        assert_eq!((depth(b"/"), depth(b"/a"), depth(b"/a/b")), (0, 1, 2));
        assert_eq!((folder_of(b"/a"), folder_of(b"/a/b")), (&b"/"[..], &b"/a"[..]));
        assert!(is_within(b"/a/b", b"/a") && !is_within(b"/ab", b"/a") && is_within(b"/a", b"/a"));
    }
}
