//! Whether the files of a sample came back as the repository has them, and as they still are at their source.

use super::canary_check::{Status, digest_of};
use super::digest::{self, Hasher};
use super::draw::Drawn;
use crate::engine::{Restic, run_pieces};
use crate::masking::say;
use crate::process::Stop;
use crate::run::WorkContext;
use crate::workers::restore::table::shown;
use crate::workers::skeleton;
use serde_json::{Value, json};
use std::fs::{Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// What came of one file of the sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleResult {
    path: String,
    size: u64,
    restored: String,
    dumped: String,
    source: String,
    /// What became of it.
    pub status: Status,
    message: String,
}

impl SampleResult {
    /// As the summary has it.
    pub fn json(&self) -> Value {
        json!({
            "path": self.path,
            "size": self.size.to_string(),
            "sha256_restored": self.restored,
            "sha256_dumped": self.dumped,
            "sha256_source": self.source,
            "status": self.status.word(),
            "message": self.message,
        })
    }
}

/// Looks at all files of the sample below `root`, and says what is with each. Ends early when a stop is asked for.
pub fn check(files: &[Drawn], root: &Path, id: &str, restic: &Restic, cx: &WorkContext<'_>) -> Vec<SampleResult> {
    if files.is_empty() {
        return Vec::new();
    }
    say::info(format!("🎲 Verifying {} sampled file(s) against the repository and the source ...", files.len()));
    let on_disk = digest::in_parallel(files, |file| {
        (digest_of(root, file.path.as_bytes(), cx.stop), source(file, cx.stop).unwrap_or_default())
    });
    let mut results = Vec::with_capacity(files.len());
    for (file, (restored, source)) in files.iter().zip(on_disk) {
        if cx.stop.request().is_some() {
            break;
        }
        // The engine is called from this thread alone, one after the other.
        let dumped = dump(file, id, restic, cx);
        if cx.stop.request().is_some() {
            // What was broken off says nothing about the file.
            break;
        }
        let result = judge(file, restored, dumped, source);
        tell(&result);
        results.push(result);
    }
    results
}

/// The digest of the file as `restic dump` gives it: read from the repository by another way than a restore.
fn dump(file: &Drawn, id: &str, restic: &Restic, cx: &WorkContext<'_>) -> Result<String, String> {
    let mut hasher = Hasher::default();
    let outcome = run_pieces(
        &restic.spec("dump", [id, file.path.as_str()].into_iter().chain(Restic::without_lock(cx.settings))),
        &skeleton::bounds(cx),
        &mut |piece| hasher.take(piece),
        &mut |line| say::log_only(line),
    );
    if outcome.is_ok() { Ok(hasher.finish()) } else { Err(outcome.reason()) }
}

/// The digest of the source, if that is still the file that was backed up, by its size and time.
fn source(file: &Drawn, stop: &Stop) -> Option<String> {
    let mtime = file.mtime?;
    let is_unchanged = |facts: &Metadata| {
        facts.is_file()
            && facts.len() == file.size
            && (facts.mtime(), facts.mtime_nsec()) == (mtime.timestamp(), i64::from(mtime.timestamp_subsec_nanos()))
    };
    let open = || -> io::Result<Option<String>> {
        // A pipe may stand there by now: looking must not wait for it.
        let source =
            OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(&file.path)?;
        let before = source.metadata()?;
        if !is_unchanged(&before) {
            return Ok(None);
        }
        let digest = digest::sha256(&source, stop)?;
        let after = source.metadata()?;
        let same = (before.ctime(), before.ctime_nsec()) == (after.ctime(), after.ctime_nsec());
        Ok(Some(digest).filter(|_| same && is_unchanged(&after)))
    };
    // A source that is not there, or not for us, is none.
    open().ok().flatten()
}

fn judge(
    file: &Drawn,
    restored: Result<String, (Status, String)>,
    dumped: Result<String, String>,
    source: String,
) -> SampleResult {
    let (status, message) = match (&restored, &dumped) {
        (Err((status, why)), _) => (*status, why.clone()),
        (Ok(_), Err(why)) => (Status::DumpFailed, why.clone()),
        (Ok(restored), Ok(dumped)) if restored != dumped => {
            (Status::Mismatch, "what was restored differs from what restic dump gives".to_owned())
        }
        (Ok(restored), Ok(_)) if !source.is_empty() && *restored != source => (
            Status::Mismatch,
            "the source differs, although its size and time are those of the snapshot: one of both is damaged"
                .to_owned(),
        ),
        _ => (Status::Passed, String::new()),
    };
    SampleResult {
        path: file.path.clone(),
        size: file.size,
        restored: restored.unwrap_or_default(),
        dumped: dumped.unwrap_or_default(),
        source,
        status,
        message,
    }
}

fn tell(result: &SampleResult) {
    let path = shown(&result.path);
    if result.status != Status::Passed {
        say::error(format!("  ❌ {path}: {}: {}", result.status.word(), shown(&result.message)));
    } else if result.source.is_empty() {
        say::info(format!("  ✅ {path}: same as in the repository (no unchanged source to compare)"));
    } else {
        say::info(format!("  ✅ {path}: same as in the repository and at the source"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use std::fs;

    fn drawn(path: &Path) -> Drawn {
        let facts = fs::metadata(path).expect("is there");
        let mtime = DateTime::from_timestamp(facts.mtime(), facts.mtime_nsec() as u32).expect("is a time");
        Drawn { path: path.to_string_lossy().into_owned(), size: facts.len(), mtime: Some(mtime.fixed_offset()) }
    }

    #[test]
    fn only_an_unchanged_source_is_compared() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let path = root.path().join("file");
        fs::write(&path, "abc").expect("is written");
        let stop = Stop::new().expect("descriptors are there");
        let file = drawn(&path);
        assert!(source(&file, &stop).is_some_and(|digest| digest.starts_with("ba7816bf")));
        assert_eq!(source(&Drawn { size: 4, ..file.clone() }, &stop), None);
        assert_eq!(
            source(&Drawn { mtime: DateTime::from_timestamp(1, 0).map(Into::into), ..file.clone() }, &stop),
            None
        );
        assert_eq!(source(&Drawn { mtime: None, ..file.clone() }, &stop), None);
        assert_eq!(source(&Drawn { path: "/no/such".to_owned(), ..file }, &stop), None);
        std::os::unix::fs::symlink("file", root.path().join("link")).expect("is linked");
        assert_eq!(source(&drawn(&root.path().join("link")), &stop), None, "a link is followed");
    }

    #[test]
    fn the_message_says_which_of_both_differs() {
        let file = Drawn { path: "/f".to_owned(), size: 1, mtime: None };
        let judged = |restored: &str, dumped: &str, source: &str| {
            let result = judge(&file, Ok(restored.to_owned()), Ok(dumped.to_owned()), source.to_owned());
            (result.status, result.message)
        };
        assert_eq!(judged("a", "a", ""), (Status::Passed, String::new()));
        assert_eq!(judged("a", "a", "a"), (Status::Passed, String::new()));
        let (status, message) = judged("a", "b", "a");
        assert!(status == Status::Mismatch && message.contains("restic dump"), "{message}");
        let (status, message) = judged("a", "a", "b");
        assert!(status == Status::Mismatch && message.contains("source"), "{message}");
        let failed = judge(&file, Ok("a".to_owned()), Err("locked".to_owned()), String::new());
        assert_eq!((failed.status, failed.message.as_str()), (Status::DumpFailed, "locked"));
        let missing = judge(&file, Err((Status::Missing, "gone".to_owned())), Ok("a".to_owned()), String::new());
        assert_eq!((missing.status, missing.message.as_str()), (Status::Missing, "gone"));
    }
}
