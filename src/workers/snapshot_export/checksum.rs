//! The SHA-256 beside an archive, as `sha256sum -c` reads it.

use super::archive::Nameless;
use crate::run::Debts;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// `<archive>.sha256`.
pub fn path_of(archive: &Path) -> PathBuf {
    let mut name = OsString::from(archive);
    name.push(".sha256");
    PathBuf::from(name)
}

/// The hash in hexadecimal digits.
pub fn hexadecimal(hash: &[u8; 32]) -> String {
    use std::fmt::Write as _;
    hash.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Writes the sum of an archive, which gets its name after the archive has its own.
///
/// # Errors
/// When it cannot be written.
pub fn write<'a, 'b>(archive: &Path, hash: &[u8; 32], debts: &'a Debts<'b>) -> io::Result<Nameless<'a, 'b>> {
    let sum = Nameless::new(&path_of(archive), debts)?;
    let mut file = sum.file();
    file.write_all(&line(archive, hash))?;
    file.sync_all()?;
    Ok(sum)
}

/// A name with a newline or backslash is escaped, and a backslash before the line says so.
fn line(archive: &Path, hash: &[u8; 32]) -> Vec<u8> {
    let name = archive.file_name().unwrap_or_default().as_bytes();
    let mut line = Vec::new();
    if name.iter().any(|byte| matches!(byte, b'\\' | b'\n' | b'\r')) {
        line.push(b'\\');
    }
    line.extend_from_slice(hexadecimal(hash).as_bytes());
    line.extend_from_slice(b"  ");
    for byte in name {
        match byte {
            b'\\' => line.extend_from_slice(b"\\\\"),
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            _ => line.push(*byte),
        }
    }
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::super::archive::Existing;
    use super::*;
    use std::fs;
    use std::process::Command;

    #[test]
    fn sha256sum_reads_it_whatever_the_archive_is_called() {
        use sha2::{Digest as _, Sha256};
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in ["plain.tar.gz", "back\\slash and\nnewline", "näme"] {
            let archive = folder.path().join(name);
            fs::write(&archive, "content").expect("can be written");
            let hash = Sha256::digest("content").into();
            let debts = Debts::of_nobody();
            let named = || write(&archive, &hash, &debts).and_then(|sum| sum.name(Existing::Keep));
            named().expect("can be written");
            let sum = path_of(&archive);
            let checked = Command::new("sha256sum").arg("-c").arg(&sum).current_dir(folder.path()).output();
            assert!(checked.expect("is there").status.success(), "{name:?}");
            assert!(named().is_err());
        }
    }
}
