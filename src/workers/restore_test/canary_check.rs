//! Whether the canaries came back as they were.

use super::beneath::{self, NoFile};
use super::canary::{Canary, text};
use super::digest;
use crate::masking::say;
use crate::process::Stop;
use crate::workers::restore::table::shown;
use serde_json::{Value, json};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What became of a file that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is what it should be.
    Passed,
    /// It is not.
    Mismatch,
    /// It did not come back, or not as a file.
    Missing,
    /// It came back and cannot be read.
    HashFailed,
    /// It could not be read from the repository again.
    DumpFailed,
}

impl Status {
    /// The word in summaries.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Mismatch => "mismatch",
            Self::Missing => "missing",
            Self::HashFailed => "hash-failed",
            Self::DumpFailed => "dump-failed",
        }
    }
}

/// What came of one canary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanaryResult {
    path: String,
    expected: String,
    actual: String,
    /// What became of it.
    pub status: Status,
    message: String,
}

impl CanaryResult {
    /// As the summary has it.
    pub fn json(&self) -> Value {
        json!({
            "path": self.path,
            "expected_sha256": self.expected,
            "actual_sha256": self.actual,
            "status": self.status.word(),
            "message": self.message,
        })
    }
}

/// The digest of the file `path` below `root`; else what became of it, and why.
pub fn digest_of(root: &Path, path: &[u8], stop: &Stop) -> Result<String, (Status, String)> {
    let file = beneath::open(root, path).map_err(|error| match error {
        NoFile::Missing(why) => (Status::Missing, why),
        NoFile::Unreadable(why) => (Status::HashFailed, why),
    })?;
    digest::sha256(file, stop).map_err(|error| (Status::HashFailed, error.to_string()))
}

/// Looks at all canaries below `root`, and says what is with each; nothing where a stop is asked for meanwhile.
pub fn check(canaries: &[Canary], root: &Path, stop: &Stop) -> Vec<CanaryResult> {
    if canaries.is_empty() {
        return Vec::new();
    }
    say::info(format!("🔐 Verifying {} canary checksum(s) ...", canaries.len()));
    let results = digest::in_parallel(canaries, |canary| one(canary, root, stop));
    if stop.request().is_some() {
        // What was broken off says nothing about the files.
        return Vec::new();
    }
    for result in &results {
        let path = shown(&result.path);
        if result.status == Status::Passed {
            say::info(format!("  ✅ {path}: sha256 ok"));
        } else {
            say::error(format!("  ❌ {path}: {}: {}", result.status.word(), shown(&result.message)));
        }
    }
    results
}

fn one(canary: &Canary, root: &Path, stop: &Stop) -> CanaryResult {
    let (actual, status, message) = match digest_of(root, canary.path.as_bytes(), stop) {
        Ok(actual) if actual == canary.expected => (actual, Status::Passed, String::new()),
        Ok(actual) => {
            let message = format!("expected {}, and it is {actual}", canary.expected);
            (actual, Status::Mismatch, message)
        }
        Err((status, message)) => (String::new(), status, message),
    };
    CanaryResult { path: text(&canary.path), expected: canary.expected.clone(), actual, status, message }
}
