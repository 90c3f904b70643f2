//! Paths with slashes, as Go's package `path` has them: without a look at a file system.

/// The last element.
pub(super) fn base(path: &str) -> String {
    if path.is_empty() {
        return ".".to_owned();
    }
    match path.trim_end_matches('/').rsplit('/').next() {
        Some(last) if !last.is_empty() => last.to_owned(),
        _ => "/".to_owned(),
    }
}

/// All but the last element.
pub(super) fn dir(path: &str) -> String {
    clean(&path[..path.rfind('/').map_or(0, |at| at + 1)])
}

/// From the last point of the last element on.
pub(super) fn ext(path: &str) -> String {
    let last = path.rsplit('/').next().unwrap_or_default();
    last.rfind('.').map_or_else(String::new, |at| last[at..].to_owned())
}

/// The shortest path that is the same by its elements.
pub(super) fn clean(path: &str) -> String {
    let is_rooted = path.starts_with('/');
    let mut elements: Vec<&str> = Vec::new();
    for element in path.split('/') {
        match element {
            "" | "." => {}
            ".." if elements.last().is_some_and(|last| *last != "..") => {
                elements.pop();
            }
            ".." if is_rooted => {}
            element => elements.push(element),
        }
    }
    let relative = elements.join("/");
    match (is_rooted, relative.is_empty()) {
        (true, _) => format!("/{relative}"),
        (false, true) => ".".to_owned(),
        (false, false) => relative,
    }
}
