//! What a work makes that must not outlive it: a mount, a folder with restored files, a file that is not finished.
//!
//! The work says so before it makes it ([`Debts::owe`]) and when it is gone ([`Debts::pay`]). The keeper knows both, and
//! the successor of a killed worker pays what is still owed before the post hooks run. A cleaner (`cleaner.rs`) knows it
//! too, and pays if keeper and worker die together. What a work has forgotten to pay is paid when it is over.

use super::ledger::Ledger;
use super::removal::remove_folder;
use super::state::Record;
use crate::hooks::path_of_any_bytes;
use crate::process::mounts;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Something to be cleared away. Paying twice does no harm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Debt {
    /// A folder, with all that is in it.
    Folder(#[serde(with = "path_of_any_bytes")] PathBuf),
    /// A file.
    File(#[serde(with = "path_of_any_bytes")] PathBuf),
    /// What a process serves there (FUSE). The path has no links in it.
    Mount(#[serde(with = "path_of_any_bytes")] PathBuf),
}

impl Debt {
    /// Clears it away. That it is not there is no error. A folder goes with all that is in it, also without permissions;
    /// no link is followed, and what is mounted below stays. A mount that is used is taken out of the tree of folders.
    ///
    /// # Errors
    /// Why it is still there.
    pub fn settle(&self) -> io::Result<()> {
        let gone = |result: io::Result<()>| match result {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        };
        match self {
            Self::Folder(path) => remove_folder(path),
            Self::File(path) => gone(fs::remove_file(path)),
            Self::Mount(path) => mounts::unmount(path).map(|_| ()),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        match self {
            Self::Folder(path) | Self::File(path) | Self::Mount(path) => path,
        }
    }
}

/// The debts of one work.
pub struct Debts<'a> {
    ledger: Option<RefCell<&'a mut Ledger>>,
}

impl<'a> Debts<'a> {
    /// Those that are noted in this book.
    pub(super) fn noted_in(ledger: &'a mut Ledger) -> Self {
        Self { ledger: Some(RefCell::new(ledger)) }
    }

    /// Those of a work that nobody keeps a book of.
    pub fn of_nobody() -> Self {
        Self { ledger: None }
    }

    /// Notes what is about to be made.
    pub fn owe(&self, debt: &Debt) {
        self.note(Record::Owes(debt.clone()));
    }

    /// Clears it away, and notes that.
    ///
    /// # Errors
    /// Why it is still there; it stays owed.
    pub fn pay(&self, debt: &Debt) -> io::Result<()> {
        debt.settle()?;
        self.forget(debt);
        Ok(())
    }

    /// Notes that it is no debt any more: it is to stay, or somebody else has cleared it away.
    pub fn forget(&self, debt: &Debt) {
        self.note(Record::Paid(debt.clone()));
    }

    fn note(&self, record: Record) {
        if let Some(ledger) = &self.ledger {
            ledger.borrow_mut().note(record);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn a_path_of_any_bytes_survives_the_way_to_keeper_and_cleaner() {
        let debt = Debt::Folder(OsStr::from_bytes(b"/tmp/\xff \n").into());
        let body = serde_json::to_vec(&Record::Owes(debt.clone())).expect("is written");
        let Ok(Record::Owes(back)) = serde_json::from_slice(&body) else { panic!("is not read") };
        assert_eq!(back, debt);
    }
}
