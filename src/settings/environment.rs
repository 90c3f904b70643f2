//! The snapshot of the process environment, and the only place that takes it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// A set of environment variables: the snapshot at start, or what a child is given.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// Takes the snapshot of this process. Called once, at start.
    pub fn capture() -> Self {
        Self(std::env::vars_os().collect())
    }

    /// The value as text, with bytes that are not UTF-8 replaced; `None` if unset.
    pub fn text(&self, name: &str) -> Option<String> {
        self.0.get(OsStr::new(name)).map(|value| value.to_string_lossy().into_owned())
    }

    /// The value as text, empty if unset.
    pub fn text_or_empty(&self, name: &str) -> String {
        self.text(name).unwrap_or_default()
    }

    /// The value as it is.
    pub fn raw(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// Sets a variable for children.
    pub fn set(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) {
        self.0.insert(name.into(), value.into());
    }

    /// Takes a variable away from children.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(OsStr::new(name));
    }

    /// All variables, in byte order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}
