//! `--verify`: an archive is read back from the disk and compared with what was written.

use super::format::Format;
use super::select::Selection;
use super::stream::{Count, Filter, Sink};
use super::writer::Written;
use crate::process::Stop;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, Read, Seek as _};

/// Compares the archive's bytes, and the members and bytes in it.
///
/// # Errors
/// What differs, or why it cannot be read.
pub fn verify(file: &File, format: Format, written: &Written, count: Count, stop: &Stop) -> Result<(), String> {
    let mut file = file;
    file.rewind().map_err(|error| format!("the archive cannot be read again: {error}"))?;
    let mut hashing = Hashing { file, hash: Sha256::new(), bytes: 0, stop };
    let read = read(format, &mut hashing);
    let (members, bytes) = read.map_err(|error| format!("the archive cannot be read back: {error}"))?;
    // What comes after the end of the tar is to be what was written, too.
    io::copy(&mut hashing, &mut io::sink()).map_err(|error| format!("the archive cannot be read back: {error}"))?;
    let sha256: [u8; 32] = hashing.hash.finalize().into();
    if (hashing.bytes, sha256) != (written.bytes, written.sha256) {
        return Err("the archive on disk differs from what was written: its disk or memory fails".to_owned());
    }
    if (members, bytes) != (count.members, count.bytes) {
        return Err(format!(
            "the archive holds {members} members with {bytes} bytes instead of {} with {}",
            count.members, count.bytes
        ));
    }
    Ok(())
}

fn read(format: Format, from: &mut Hashing<'_>) -> io::Result<(u64, u64)> {
    let mut tar = format.reader(from)?;
    let everything = Selection::default();
    let mut filter = Filter::new(everything.walk(), None, &[]);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match tar.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => filter.feed(&buffer[..count], &mut Nowhere).map_err(io::Error::other)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    if !filter.is_whole() {
        return Err(io::Error::other("it ends too early"));
    }
    let Count { members, bytes, .. } = filter.count();
    Ok((members, bytes))
}

struct Nowhere;

impl Sink for Nowhere {
    fn member(&mut self, _: &[u8]) {}
    fn bytes(&mut self, _: &[u8]) {}
}

struct Hashing<'a> {
    file: &'a File,
    hash: Sha256,
    bytes: u64,
    stop: &'a Stop,
}

impl Read for Hashing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.request().is_some() {
            return Err(io::Error::other("a stop was asked for"));
        }
        let count = self.file.read(buffer)?;
        self.hash.update(&buffer[..count]);
        self.bytes += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::super::header::{self, Header};
    use super::super::pax::{self, Records};
    use super::super::stream::END;
    use super::*;
    use std::io::Write as _;

    /// A value of any bytes comes before the size: who splits records at newlines does not find it.
    #[test]
    fn an_attribute_with_newlines_does_not_hide_the_size() {
        let mut records = Records::default();
        records.set(b"SCHILY.xattr.user.note", b"a\n99 b\n\n".to_vec());
        records.set(pax::SIZE, b"700".to_vec());
        let records = records.write();
        let mut extension = Header::new(b"PaxHeaders.0/member", header::PAX);
        extension.set_size(records.len() as u64);
        let mut tar = extension.finished().to_vec();
        tar.extend(&records);
        tar.resize(1024, 0);
        tar.extend(Header::new(b"./file", b'0').finished());
        tar.extend([7; 700]);
        tar.resize(1024 + 512 + 1024, 0);
        tar.extend(END);
        let file = tempfile::tempfile().expect("a temporary file");
        (&file).write_all(&tar).expect("can be written");
        let written = Written { bytes: tar.len() as u64, sha256: Sha256::digest(&tar).into() };
        let stop = Stop::new().expect("descriptors are there");
        let verified =
            |members, bytes| verify(&file, Format::Tar, &written, Count { members, bytes, chosen: members }, &stop);
        assert_eq!(verified(1, 700), Ok(()));
        assert!(verified(1, 701).is_err() && verified(2, 700).is_err());
        (&file).write_all(b"more").expect("can be written");
        assert!(verified(1, 700).is_err());
    }
}
