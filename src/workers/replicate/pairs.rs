//! Which pairs of folders bisync has brought together before, remembered in `STATE_DIR`.
//!
//! Without its listings a first run looks to rclone like one whose listings were lost. In the second a resync may
//! bring back what was deleted on one side, and somebody should know.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// The pairs that are known: one line each, a number that stands for both ends.
pub(super) struct Pairs {
    file: PathBuf,
    known: Mutex<BTreeSet<String>>,
}

impl Pairs {
    /// Reads what is remembered; nothing if that cannot be read.
    pub(super) fn read(state: &Path) -> Self {
        let file = state.join("replicate-pairs");
        let text = fs::read_to_string(&file).unwrap_or_default();
        Self { file, known: Mutex::new(text.lines().map(str::to_owned).collect()) }
    }

    /// Whether bisync has worked for this pair before.
    pub(super) fn knows(&self, source: &str, destination: &str) -> bool {
        self.known().contains(&key(source, destination))
    }

    /// Remembers the pair.
    ///
    /// # Errors
    /// When that cannot be written: a later run may then take a pair for a new one.
    pub(super) fn remember(&self, source: &str, destination: &str) -> io::Result<()> {
        let mut known = self.known();
        if !known.insert(key(source, destination)) {
            return Ok(());
        }
        if let Some(folder) = self.file.parent() {
            fs::create_dir_all(folder)?;
        }
        let beside = self.file.with_extension("new");
        let text: String = known.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        let written = fs::File::create(&beside)
            .and_then(|mut open| open.write_all(text.as_bytes()).and_then(|()| open.sync_all()))
            .and_then(|()| fs::rename(&beside, &self.file));
        if written.is_err() {
            let _ = fs::remove_file(&beside);
        }
        written
    }

    fn known(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// FNV-1a over both ends: they may hold passwords, and no other program has to understand it.
fn key(source: &str, destination: &str) -> String {
    let bytes = source.bytes().chain([0]).chain(destination.bytes());
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_known_once_it_is_remembered() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let state = folder.path().join("state");
        assert!(!Pairs::read(&state).knows("/a", "nas:b"));
        Pairs::read(&state).remember("/a", "nas:b").expect("is writable");
        Pairs::read(&state).remember("/c", "nas:b").expect("is writable");
        let pairs = Pairs::read(&state);
        assert!(pairs.knows("/a", "nas:b") && pairs.knows("/c", "nas:b"));
        assert!(!pairs.knows("nas:b", "/a") && !pairs.knows("/an", "as:b"));
        assert!(!fs::read_to_string(state.join("replicate-pairs")).expect("is there").contains("nas"));
    }
}
