//! A file that gets its name when it is whole.
//!
//! Until then it has none (`O_TMPFILE`): whatever ends us, the kernel takes it away. Where the file system knows no such
//! files it has a hidden name, which is noted as a debt.

use crate::run::{Debt, Debts};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, RenameFlags, open, renameat2};
use nix::sys::stat::Mode;
use nix::unistd::linkat;
use std::fs::{self, File};
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// An archive holds what was readable for some alone, and whoever reads it reads all of that.
const MODE: u32 = 0o600;

/// What is done with a file that has the name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and the new one gets no name.
    Keep,
    /// The new one takes its place, at once.
    Replace,
}

/// A file without a name, or with a hidden one, that is removed unless [`Nameless::name`] is called.
pub struct Nameless<'a, 'b> {
    file: File,
    path: PathBuf,
    hidden: Option<PathBuf>,
    debts: &'a Debts<'b>,
}

impl<'a, 'b> Nameless<'a, 'b> {
    /// Makes a file that may become `path`, in the same folder.
    ///
    /// # Errors
    /// When nothing can be made there.
    pub fn new(path: &Path, debts: &'a Debts<'b>) -> io::Result<Self> {
        let folder = path.parent().unwrap_or(Path::new("/"));
        let mode = Mode::from_bits_truncate(MODE);
        let nameless = open(folder, OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC, mode);
        if let Ok(file) = nameless {
            return Ok(Self { file: file.into(), path: path.to_owned(), hidden: None, debts });
        }
        let (hidden, file) = hide(path, debts, &mut |hidden| {
            File::options().read(true).write(true).create_new(true).mode(MODE).open(hidden)
        })?;
        Ok(Self { file, path: path.to_owned(), hidden: Some(hidden), debts })
    }

    /// The file, for writing and reading.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Gives it a hidden name, from which it can take the place of another file at once. What can fail, fails here.
    ///
    /// # Errors
    /// When there can be none.
    pub fn stand_by(&mut self) -> io::Result<()> {
        if self.hidden.is_none() {
            let (hidden, ()) = hide(&self.path, self.debts, &mut |hidden| self.link(hidden))?;
            self.hidden = Some(hidden);
        }
        Ok(())
    }

    /// Gives it its name. What was written must have been synced.
    ///
    /// # Errors
    /// When it cannot be had ([`io::ErrorKind::AlreadyExists`]: somebody else has it); nothing is left then.
    pub fn name(mut self, existing: Existing) -> io::Result<()> {
        if existing == Existing::Replace {
            self.stand_by()?;
        }
        match (&self.hidden, existing) {
            (None, _) => self.link(&self.path)?,
            (Some(hidden), Existing::Replace) => fs::rename(hidden, &self.path)?,
            (Some(hidden), Existing::Keep) => rename_to_free(hidden, &self.path)?,
        }
        if let Some(hidden) = self.hidden.take() {
            self.debts.forget(&Debt::File(hidden));
        }
        // The name is to survive a power cut as well as the content does.
        let _ = self.path.parent().map(|folder| File::open(folder).and_then(|folder| folder.sync_all()));
        Ok(())
    }

    fn link(&self, to: &Path) -> io::Result<()> {
        let ours = PathBuf::from(format!("/proc/self/fd/{}", self.file.as_raw_fd()));
        Ok(linkat(AT_FDCWD, &ours, AT_FDCWD, to, AtFlags::AT_SYMLINK_FOLLOW)?)
    }
}

impl Drop for Nameless<'_, '_> {
    fn drop(&mut self) {
        if let Some(hidden) = self.hidden.take() {
            // What cannot be removed stays owed.
            let _ = self.debts.pay(&Debt::File(hidden));
        }
    }
}

fn rename_to_free(from: &Path, to: &Path) -> io::Result<()> {
    match renameat2(AT_FDCWD, from, AT_FDCWD, to, RenameFlags::RENAME_NOREPLACE) {
        // Not every file system knows this.
        Err(Errno::EINVAL | Errno::ENOSYS) => link_to_free(from, to),
        other => Ok(other?),
    }
}

/// A second name is never given in the place of another file; the first one goes then.
fn link_to_free(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // Not every file system knows second names either: there, looking first is all that can be done.
        Err(_) => match fs::symlink_metadata(to) {
            Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) => fs::rename(from, to),
        },
    }
}

/// Makes something under a hidden name that nobody can know before, in the folder of `path`. It is owed from then on.
/// A name that is taken is left alone, and another one tried.
fn hide<T>(path: &Path, debts: &Debts<'_>, make: &mut dyn FnMut(&Path) -> io::Result<T>) -> io::Result<(PathBuf, T)> {
    const TRIES: usize = 100;
    let mut taken = io::Error::from(io::ErrorKind::AlreadyExists);
    for _ in 0..TRIES {
        let hidden = path.with_file_name(format!(".snapshot-export-{:016x}.part", RandomState::new().hash_one(path)));
        debts.owe(&Debt::File(hidden.clone()));
        match make(&hidden) {
            Ok(result) => return Ok((hidden, result)),
            Err(error) => {
                debts.forget(&Debt::File(hidden));
                if error.kind() != io::ErrorKind::AlreadyExists {
                    return Err(error);
                }
                taken = error;
            }
        }
    }
    Err(taken)
}

/// A file that has been put under a hidden name, and gets its own one back unless [`Aside::done`] is called.
pub struct Aside<'a, 'b> {
    moved: Option<(PathBuf, PathBuf)>,
    debts: &'a Debts<'b>,
}

impl<'a, 'b> Aside<'a, 'b> {
    /// Puts it aside; that it is not there is no error.
    ///
    /// # Errors
    /// When it cannot be moved.
    pub fn put(path: &Path, debts: &'a Debts<'b>) -> io::Result<Self> {
        let moved = hide(path, debts, &mut |hidden| rename_to_free(path, hidden));
        match moved {
            Ok((hidden, ())) => Ok(Self { moved: Some((path.to_owned(), hidden)), debts }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self { moved: None, debts }),
            Err(error) => Err(error),
        }
    }

    /// It is not needed any more.
    ///
    /// # Errors
    /// Why it is still there; it stays owed.
    pub fn done(mut self) -> io::Result<()> {
        self.moved.take().map_or(Ok(()), |(_, hidden)| self.debts.pay(&Debt::File(hidden)))
    }
}

impl Drop for Aside<'_, '_> {
    fn drop(&mut self) {
        // What has its name by now is newer; where it cannot be had back, the debt stays.
        if let Some((path, hidden)) = self.moved.take()
            && rename_to_free(&hidden, &path).is_ok()
        {
            self.debts.forget(&Debt::File(hidden));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .expect("is there")
            .map(|entry| entry.expect("is there").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    fn nameless<'a, 'b>(path: &Path, debts: &'a Debts<'b>, hide: bool) -> Nameless<'a, 'b> {
        let mut made = Nameless::new(path, debts).expect("can be made");
        if hide {
            made.stand_by().expect("can be linked");
        }
        made.file().write_all(b"new").expect("can be written");
        made
    }

    #[test]
    fn a_hidden_name_that_is_taken_is_left_alone_and_another_one_tried() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut tried = Vec::new();
        let made = hide(&folder.path().join("archive"), &Debts::of_nobody(), &mut |hidden| {
            if tried.len() < 3 {
                fs::write(hidden, "somebody's").expect("can be written");
            }
            tried.push(hidden.to_owned());
            File::options().write(true).create_new(true).open(hidden)
        });
        let (hidden, _) = made.expect("the fourth is free");
        assert_eq!(tried.last(), Some(&hidden));
        tried.sort();
        tried.dedup();
        assert_eq!(tried.len(), 4);
        let others = tried.iter().filter(|path| fs::read(path).expect("is there") == b"somebody's").count();
        assert_eq!(others, 3);
    }

    #[test]
    fn what_has_come_to_be_is_not_overwritten_where_no_rename_can_promise_that() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::write(&from, "new").expect("can be written");
        fs::write(&to, "old").expect("can be written");
        assert_eq!(link_to_free(&from, &to).expect_err("is taken").kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&to).expect("is there"), b"old");
        fs::remove_file(&to).expect("is there");
        link_to_free(&from, &to).expect("is free");
        assert_eq!((names(folder.path()), fs::read(&to).expect("is there")), (vec!["to".into()], b"new".into()));
    }

    #[test]
    fn what_was_put_aside_comes_back_unless_it_is_done_with() {
        let debts = Debts::of_nobody();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("sum");
        drop(Aside::put(&path, &debts).expect("that there is none is no error"));
        fs::write(&path, "old").expect("can be written");
        let aside = Aside::put(&path, &debts).expect("can be moved");
        assert!(!path.exists());
        drop(aside);
        assert_eq!(names(folder.path()), ["sum"]);
        Aside::put(&path, &debts).expect("can be moved").done().expect("can be removed");
        assert_eq!(names(folder.path()), [""; 0]);
    }

    #[test]
    fn nobody_else_may_read_it() {
        use std::os::unix::fs::MetadataExt as _;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("archive");
        nameless(&path, &Debts::of_nobody(), false).name(Existing::Keep).expect("is free");
        assert_eq!(fs::metadata(&path).expect("is there").mode() & 0o177, 0);
    }

    #[test]
    fn it_has_its_name_only_when_it_is_whole_and_takes_nobody_elses() {
        let debts = Debts::of_nobody();
        for hide in [false, true] {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let path = folder.path().join("archive");
            let made = nameless(&path, &debts, hide);
            assert!(!path.exists());
            drop(made);
            assert_eq!(names(folder.path()), [""; 0]);
            nameless(&path, &debts, hide).name(Existing::Keep).expect("is free");
            assert_eq!(names(folder.path()), ["archive"]);

            fs::write(&path, "old").expect("can be written");
            let refused = nameless(&path, &debts, hide).name(Existing::Keep).expect_err("is taken");
            assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(
                (names(folder.path()), fs::read(&path).expect("is there")),
                (vec!["archive".into()], b"old".into())
            );
            nameless(&path, &debts, hide).name(Existing::Replace).expect("is replaced");
            assert_eq!(
                (names(folder.path()), fs::read(&path).expect("is there")),
                (vec!["archive".into()], b"new".into())
            );
        }
    }
}
