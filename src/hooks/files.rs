//! The files that may declare hooks: which there are, what stands in them, and who else may change it.

use super::document::{At, LARGEST};
use super::permissions::{others_may_change, others_may_replace, reason};
use super::{FileMistake, Finding};
use nix::fcntl::OFlag;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Whether a file of the hooks folder may hold definitions, by its name.
pub(super) fn is_candidate(file: &OsStr) -> bool {
    let file = file.as_encoded_bytes();
    !file.starts_with(b".") && [&b".yaml"[..], b".yml", b".json"].iter().any(|ending| file.ends_with(ending))
}

/// Every file of the hooks folder that may hold definitions, in byte order of names; folders are none.
pub(super) fn candidates(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let files = entries.filter(|entry| is_candidate(&entry.file_name())).map(|entry| entry.path());
    let mut files: Vec<PathBuf> = files.filter(|path| !path.is_dir()).collect();
    files.sort();
    files
}

/// A file that was read.
pub(super) struct Text {
    pub(super) text: String,
    pub(super) facts: Metadata,
}

/// Why a file could not be read.
pub(super) enum Unread {
    /// It is not there.
    Missing,
    /// Nobody can say what is in it.
    Closed(FileMistake),
    /// It holds no text that could be read; what it looks like is there to tell what it was meant for.
    NoText(FileMistake, String),
}

impl Unread {
    fn closed(what: String, mend: impl Into<String>) -> Self {
        Self::Closed(FileMistake { at: At::START, what, mend: mend.into() })
    }
}

/// Reads a file, at most a byte more than may be in it. Never waits, should it have become a fifo.
pub(super) fn read(path: &Path) -> Result<Text, Unread> {
    let flags = (OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = file.map_err(|error| cannot_open(path, &error))?;
    let facts = file.metadata().map_err(|error| cannot_open(path, &error))?;
    if !facts.is_file() {
        let what = if facts.is_dir() { "is a folder, not a file" } else { "is no regular file" };
        return Err(Unread::closed(
            what.to_owned(),
            format!("put a file in its place, or take {} away", path.display()),
        ));
    }
    let bytes = bytes(file).map_err(|error| cannot_open(path, &error))?;
    if bytes.len() > LARGEST {
        // The reader of documents refuses it by its length.
        return Ok(Text { text: String::from_utf8_lossy(&bytes).into_owned(), facts });
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Text { text, facts }),
        Err(error) => Err(no_text(error.as_bytes(), error.utf8_error().valid_up_to())),
    }
}

/// The largest secret file, in bytes.
const LARGEST_SECRET: usize = 1 << 20;

/// Reads a file for the template function `file`, without the one line end that editors put at its end. Never waits.
///
/// # Errors
/// Why it is not read, with its path.
pub(super) fn secret(path: &Path) -> Result<String, String> {
    let shown = path.display();
    if !path.is_absolute() {
        return Err(format!(
            "'{shown}' is no absolute path, and no folder is known that it could begin in: write the absolute path"
        ));
    }
    let flags = (OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits();
    let cannot = |error: io::Error| format!("{shown} cannot be read: {}", reason(&error));
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(cannot)?;
    let facts = file.metadata().map_err(cannot)?;
    if !facts.is_file() {
        let what = if facts.is_dir() { "is a folder, not a file" } else { "is no regular file" };
        return Err(format!("{shown} {what}"));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST_SECRET as u64 + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() > LARGEST_SECRET {
        return Err(format!("{shown} has more than {LARGEST_SECRET} bytes"));
    }
    let mut text = String::from_utf8(bytes).map_err(|_| format!("{shown} is no text in UTF-8"))?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

fn bytes(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(LARGEST as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn cannot_open(path: &Path, error: &io::Error) -> Unread {
    let link = fs::read_link(path).ok();
    match (error.kind(), link) {
        (ErrorKind::NotFound, None) => Unread::Missing,
        (ErrorKind::NotFound, Some(target)) => Unread::closed(
            format!("is a link to {}, which does not exist", target.display()),
            format!("mend the link, or take {} away", path.display()),
        ),
        (ErrorKind::PermissionDenied, _) => {
            Unread::closed(format!("cannot be read: {}", reason(error)), format!("chmod a+r {}", path.display()))
        }
        _ => Unread::closed(
            format!("cannot be read: {}", reason(error)),
            format!("make it readable, or take {} away", path.display()),
        ),
    }
}

/// Says where a file stops being UTF-8.
fn no_text(bytes: &[u8], sound: usize) -> Unread {
    let swap = bytes.starts_with(&[0xfe, 0xff]);
    if swap || bytes.starts_with(&[0xff, 0xfe]) {
        let pair = |pair: &[u8]| if swap { [pair[1], pair[0]] } else { [pair[0], pair[1]] };
        let units: Vec<u16> = bytes.chunks_exact(2).map(|two| u16::from_le_bytes(pair(two))).collect();
        let mistake =
            FileMistake { at: At::START, what: "is written in UTF-16".to_owned(), mend: "save it as UTF-8".to_owned() };
        return Unread::NoText(mistake, String::from_utf16_lossy(&units));
    }
    let before = String::from_utf8_lossy(&bytes[..sound]);
    let at = At {
        line: before.matches('\n').count() + 1,
        column: before.rsplit('\n').next().unwrap_or_default().chars().count() + 1,
    };
    let what = format!("has the byte 0x{:02x}, which is no UTF-8", bytes.get(sound).copied().unwrap_or_default());
    let mistake = FileMistake { at, what, mend: "save it as UTF-8".to_owned() };
    Unread::NoText(mistake, String::from_utf8_lossy(bytes).into_owned())
}

/// Which file it is, whatever its name and whatever leads to it.
pub(super) fn identity(facts: &Metadata) -> (u64, u64) {
    (facts.dev(), facts.ino())
}

/// Who beside root and the running user may change a file, or put another in its place. What there is to say about the
/// hooks folder itself is said once, and counts here only with `strict`.
pub(super) fn doubts(path: &Path, facts: &Metadata, hooks: &Path, strict: bool) -> Vec<Finding> {
    let mut doubts: Vec<Finding> = others_may_change(path, facts).into_iter().collect();
    let of_hooks = hooks.canonicalize().ok().and_then(|folder| others_may_replace(&folder));
    let folders =
        [path.parent().map(Path::to_owned), path.canonicalize().ok().and_then(|p| p.parent().map(Path::to_owned))];
    for folder in folders.into_iter().flatten().filter_map(|folder| folder.canonicalize().ok()) {
        let found = others_may_replace(&folder).filter(|found| strict || of_hooks.as_ref() != Some(found));
        doubts.extend(found.filter(|found| !doubts.contains(found)));
    }
    doubts
}
