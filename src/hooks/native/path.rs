//! Where in the file's meaning a value stands: `preBackup[0].exec.command[2]`.

use std::fmt;

/// A path, built on the way down and written only when something is wrong.
#[derive(Debug, Clone, Copy)]
pub(super) enum Path<'a> {
    /// The beginning: a phase, or the file itself.
    Root(&'a str),
    /// A key of what stands above.
    Key(&'a Path<'a>, &'a str),
    /// An item of what stands above.
    Item(&'a Path<'a>, usize),
}

impl<'a> Path<'a> {
    /// The value of a key of it.
    pub(super) fn key(&'a self, key: &'a str) -> Self {
        Path::Key(self, key)
    }

    /// An item of it.
    pub(super) fn item(&'a self, place: usize) -> Self {
        Path::Item(self, place)
    }

    /// The key that leads to it, past places in lists.
    pub(super) fn word(&self) -> &'a str {
        match self {
            Path::Root(word) | Path::Key(_, word) => word,
            Path::Item(above, _) => above.word(),
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root(word) => f.write_str(word),
            Path::Key(above, key) => write!(f, "{above}.{key}"),
            Path::Item(above, place) => write!(f, "{above}[{place}]"),
        }
    }
}
