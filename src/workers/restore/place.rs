//! Where a path really is, and how two places lie to each other.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// As many links as the kernel follows in one path.
const MAX_LINKS: usize = 40;

/// A place in the file system, there or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Absolute, without links, `.`, `..` and slashes too many.
    pub path: PathBuf,
    /// Device and inode of the place itself, if it is there: the same folder may be mounted twice.
    identity: Option<(u64, u64)>,
    /// The same of every folder above it.
    above: Vec<(u64, u64)>,
}

/// How one place lies to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// They are the same.
    Same,
    /// The first is somewhere inside the second.
    Inside,
    /// The second is somewhere inside the first.
    Around,
    /// Neither.
    Apart,
}

impl Place {
    /// Finds the place that `path` means; what is not there yet is taken as it is written.
    pub fn of(path: &Path) -> Self {
        let path = resolve(path);
        let identity = identity_of(&path);
        let above = path.ancestors().skip(1).filter_map(identity_of).collect();
        Self { path, identity, above }
    }

    /// How this place lies to `other`.
    pub fn relation(&self, other: &Self) -> Relation {
        if self.path == other.path || (self.identity.is_some() && self.identity == other.identity) {
            Relation::Same
        } else if self.lies_in(other) {
            Relation::Inside
        } else if other.lies_in(self) {
            Relation::Around
        } else {
            Relation::Apart
        }
    }

    fn lies_in(&self, other: &Self) -> bool {
        self.path.starts_with(&other.path) || other.identity.is_some_and(|identity| self.above.contains(&identity))
    }
}

fn identity_of(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// Follows every link on the way, also one whose target is not there.
fn resolve(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut found = PathBuf::from("/");
    let mut ahead: VecDeque<OsString> = names(&absolute).collect();
    let mut links = 0;
    while let Some(name) = ahead.pop_front() {
        if name == ".." {
            found.pop();
            continue;
        }
        let next = found.join(&name);
        match fs::read_link(&next) {
            Ok(link) if links < MAX_LINKS => {
                links += 1;
                if link.is_absolute() {
                    found = PathBuf::from("/");
                }
                for name in names(&link).collect::<Vec<_>>().into_iter().rev() {
                    ahead.push_front(name);
                }
            }
            _ => found = next,
        }
    }
    found
}

fn names(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn relation(one: &Path, other: &Path) -> Relation {
        Place::of(one).relation(&Place::of(other))
    }

    #[test]
    fn spelling_does_not_matter() {
        let data = Path::new("/no-such-data");
        for same in ["/no-such-data/", "//no-such-data", "/no-such-data/.", "/no-such-data/x/..", "/../no-such-data"] {
            assert_eq!(relation(Path::new(same), data), Relation::Same, "{same}");
        }
        assert_eq!(relation(Path::new("/no-such-data/x"), data), Relation::Inside);
        assert_eq!(relation(Path::new("/"), data), Relation::Around);
        assert_eq!(relation(Path::new("/no-such-data-2"), data), Relation::Apart);
    }

    #[test]
    fn links_lead_where_they_lead() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let at = |name: &str| root.path().join(name);
        fs::create_dir_all(at("data/deep")).expect("is made");
        symlink(at("data"), at("absolute")).expect("is linked");
        symlink("data/deep", at("relative")).expect("is linked");
        symlink("data/not-yet", at("dangling")).expect("is linked");
        symlink("loop", at("loop")).expect("is linked");
        assert_eq!(relation(&at("absolute"), &at("data")), Relation::Same);
        assert_eq!(relation(&at("absolute/new/folder"), &at("data")), Relation::Inside);
        assert_eq!(relation(&at("relative"), &at("data")), Relation::Inside);
        assert_eq!(relation(&at("relative/.."), &at("data")), Relation::Same);
        assert_eq!(relation(&at("dangling"), &at("data")), Relation::Inside);
        assert_eq!(relation(&at("data"), &at("relative")), Relation::Around);
        // A loop ends, and is nowhere near.
        assert_eq!(relation(&at("loop"), &at("data")), Relation::Apart);
    }

    #[test]
    fn the_same_folder_is_known_by_its_number() {
        // As after a bind mount: other paths, same device and inode.
        let one = Place { path: "/mnt/a".into(), identity: Some((1, 7)), above: vec![(1, 5), (1, 2)] };
        let same = Place { path: "/data".into(), identity: Some((1, 7)), above: vec![(1, 2)] };
        let parent = Place { path: "/host".into(), identity: Some((1, 5)), above: vec![(1, 2)] };
        assert_eq!(one.relation(&same), Relation::Same);
        assert_eq!(one.relation(&parent), Relation::Inside);
        assert_eq!(parent.relation(&one), Relation::Around);
    }
}
