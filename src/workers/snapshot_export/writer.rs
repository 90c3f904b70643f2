//! The thread that writes: blocks in their order, the hash of all of them, and the end of the stream at last.

use super::squeeze::Part;
use crossbeam_channel::Receiver;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;

/// Where the stream goes.
pub enum Output {
    /// Into a file, which is synced at the end.
    File(File),
    /// To whoever reads standard output.
    Stdout(File),
}

/// What has been written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// How many bytes.
    pub bytes: u64,
    /// Their SHA-256.
    pub sha256: [u8; 32],
}

/// The last bytes are kept back until more come, or the end. A gzip member without its trailer, a Zstandard frame
/// without its checksum and a tar that ends within a block are all seen to be cut off: so what was not finished never
/// passes for whole, not even if this process is killed.
const KEPT_BACK: usize = 4;

/// Writes all parts. `None` if there was no end: then the stream is to be cut off.
pub fn write(parts: &Receiver<Part>, output: Output) -> Option<io::Result<Written>> {
    let mut stream = Stream { output, back: Vec::new(), bytes: 0, hash: Sha256::new() };
    for part in parts {
        let Part::Block(block) = part else { return Some(stream.end()) };
        let Ok(block) = block.recv() else { return Some(Err(io::Error::other("a compressor has died"))) };
        if let Err(error) = block.and_then(|block| stream.take(block)) {
            return Some(Err(error));
        }
    }
    None
}

struct Stream {
    output: Output,
    back: Vec<u8>,
    bytes: u64,
    hash: Sha256,
}

impl Stream {
    fn take(&mut self, mut block: Vec<u8>) -> io::Result<()> {
        if block.len() <= KEPT_BACK {
            self.back.append(&mut block);
            return Ok(());
        }
        let keep = block.split_off(block.len() - KEPT_BACK);
        // In one piece: between two, what is there would be whole for a moment.
        let mut piece = std::mem::replace(&mut self.back, keep);
        piece.append(&mut block);
        self.put(&piece)
    }

    fn end(mut self) -> io::Result<Written> {
        let back = std::mem::take(&mut self.back);
        self.put(&back)?;
        if let Output::File(file) = &self.output {
            file.sync_all()?;
        }
        Ok(Written { bytes: self.bytes, sha256: self.hash.finalize().into() })
    }

    fn put(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        let (Output::File(file) | Output::Stdout(file)) = &mut self.output;
        while !bytes.is_empty() {
            match file.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Whoever gave us standard output may have made it so.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let _ = poll(&mut [PollFd::new(file.as_fd(), PollFlags::POLLOUT)], PollTimeout::from(250_u8));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
