//! The folder that is restored into: made, looked at for room, and taken away.

use super::plan::{Plan, Target, temporary};
use crate::engine::bytes;
use crate::exit;
use crate::masking::say;
use crate::run::{Debt, WorkContext};
use crate::workers::restore::hold::{Hold, Lost};
use crate::workers::restore::table::shown;
use nix::sys::statvfs::statvfs;
use std::fs::{self, DirBuilder};
use std::hash::{BuildHasher, RandomState};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// Who may enter a folder that is made here: what is restored may be secret.
const OWNERS_ALONE: u32 = 0o700;

/// What became of the folder, as summaries have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleanup {
    /// It was removed.
    Cleaned,
    /// It stays.
    Kept,
    /// It should be gone, and is not.
    Failed,
    /// It was never made.
    Absent,
}

impl Cleanup {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cleaned => "cleaned",
            Self::Kept => "kept",
            Self::Failed => "cleanup-failed",
            Self::Absent => "absent",
        }
    }

    /// How it stands with the folder where nothing will be done about it any more.
    pub fn of(plan: &Plan) -> Self {
        match &plan.target {
            Target::Named(_) => Self::Kept,
            Target::Automatic(folder) if fs::symlink_metadata(folder).is_err() => Self::Absent,
            Target::Automatic(_) if plan.keep => Self::Kept,
            Target::Automatic(_) => Self::Failed,
        }
    }
}

/// The random end of a folder's name, as `mktemp` makes it.
pub fn suffix() -> String {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut random = self::random();
    (0..6)
        .map(|_| {
            let letter = LETTERS[(random % 62) as usize];
            random /= 62;
            char::from(letter)
        })
        .collect()
}

/// A number that nobody can foretell: the keys of the standard library's hash tables come from the kernel.
pub fn random() -> u64 {
    RandomState::new().hash_one(0)
}

/// Makes the folder, its owner's alone, if it was not there when `hold` began; one of this run alone is noted first.
///
/// # Errors
/// Why it cannot be made, or that somebody else has made it.
pub fn make(plan: &Plan, cx: &WorkContext<'_>, hold: &mut Hold) -> Result<(), Lost> {
    match &plan.target {
        Target::Named(_) => hold.make(OWNERS_ALONE),
        Target::Automatic(folder) => {
            let debt = Debt::Folder(folder.clone());
            // What is to stay is nobody's debt.
            if !plan.keep {
                cx.debts.owe(&debt);
            }
            DirBuilder::new().mode(OWNERS_ALONE).create(folder).map_err(|error| {
                cx.debts.forget(&debt);
                let reason = format!(
                    "the folder '{}' for what is restored cannot be made ({error}): set TMPDIR to a folder that can \
                     be written to, or give --target",
                    shown(&folder.to_string_lossy())
                );
                (exit::FAILURE, reason)
            })?;
            *hold = Hold::on(folder);
            Ok(())
        }
    }
}

/// Takes the folder away, or says where it stays. Gives what went wrong with that, too.
pub fn clear(plan: &Plan, cx: &WorkContext<'_>) -> (Cleanup, Option<String>) {
    let folder = plan.folder();
    let path = shown(&plan.shown_folder());
    if fs::symlink_metadata(folder).is_err() {
        return (Cleanup::of(plan), None);
    }
    if plan.keep || !plan.is_automatic() {
        if !plan.dry_run {
            say::info(format!("📁 What was restored is kept in {path}"));
        }
        return (Cleanup::Kept, None);
    }
    match cx.debts.pay(&Debt::Folder(folder.to_owned())) {
        Ok(()) => (Cleanup::Cleaned, None),
        Err(error) => {
            let warning = format!("{path} could not be removed ({error}): remove it yourself");
            say::warn(format!("⚠️ {warning}"));
            (Cleanup::Failed, Some(warning))
        }
    }
}

/// Warns if `needed` bytes do not fit where the folder is or will be.
pub fn warn_of_space(plan: &Plan, cx: &WorkContext<'_>, needed: Option<u64>) {
    let place = if plan.is_automatic() { temporary(cx.settings) } else { plan.folder() };
    let Some(free) = place.ancestors().find_map(free) else { return };
    match needed {
        Some(needed) if needed > free => say::warn(format!(
            "⚠️ {} are to be restored, and {} are free at {}: give --path or --sample, or a --target with more room",
            bytes(needed),
            bytes(free),
            shown(&place.to_string_lossy())
        )),
        Some(needed) => say::log_only(format!("{} are to be restored, {} are free", bytes(needed), bytes(free))),
        None => say::log_only(format!("How much is to be restored is not known before; {} are free", bytes(free))),
    }
}

/// What is free there for us.
fn free(place: &Path) -> Option<u64> {
    let facts = statvfs(place).ok()?;
    Some(facts.blocks_available().saturating_mul(facts.fragment_size()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_end_in_six_letters_that_differ() {
        let (one, two) = (suffix(), suffix());
        assert_eq!((one.len(), two.len()), (6, 6));
        assert_ne!(one, two);
    }

    #[test]
    fn room_is_known_where_there_is_a_file_system() {
        assert!(free(Path::new("/")).is_some_and(|free| free > 0));
        assert_eq!(free(Path::new("/no/such/place")), None);
    }
}
