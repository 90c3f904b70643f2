//! Whether there is room for an archive.

use super::format::Format;
use crate::engine::bytes;
use crate::workers::restore::table::shown;
use nix::sys::statvfs::statvfs;
use std::path::Path;

/// With less than this the data is counted before anything is written, even if that takes a moment.
pub const SCARCE: u64 = 1 << 30;
/// No ordinary data is compressed further.
const AT_BEST: u64 = 10;

/// What there is to say on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Room {
    /// Nothing.
    Enough,
    /// It may be too little.
    Perhaps(String),
    /// It is too little.
    TooLittle(String),
}

/// Bytes that may still be written where this folder is; `None` if the system does not say.
pub fn free(folder: &Path) -> Option<u64> {
    let found = statvfs(folder).ok()?;
    Some(found.blocks_available().saturating_mul(found.fragment_size()))
}

/// Judges the room for data of so many bytes, before it is compressed (if it is).
pub fn judge(folder: &Path, free: Option<u64>, data: u64, format: Format) -> Room {
    let Some(free) = free else { return Room::Enough };
    let there = format!("{} free in '{}' for {} of data", bytes(free), shown(&folder.to_string_lossy()), bytes(data));
    let least = if format == Format::Tar { data } else { data / AT_BEST };
    if free < least {
        Room::TooLittle(format!(
            "there is too little space: {there}: choose another --output, export less with --include or --exclude, or \
             add --force to try all the same"
        ))
    } else if free < data {
        Room::Perhaps(format!("the space may be too little: {there}, before it is compressed"))
    } else {
        Room::Enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_the_data_is_the_least() {
        let judged = |free, data| judge(Path::new("/out"), Some(free), data, Format::TarGz);
        assert_eq!(judged(1000, 1000), Room::Enough);
        assert!(matches!(judged(999, 1000), Room::Perhaps(text) if text.contains("999 B free in '/out' for 1000 B")));
        assert!(matches!(judged(100, 1000), Room::Perhaps(_)));
        assert!(matches!(judged(99, 1000), Room::TooLittle(text) if text.contains("--force")));
        assert_eq!(judge(Path::new("/out"), None, u64::MAX, Format::Tar), Room::Enough);
        assert!(free(Path::new("/")).is_some());
        let plain = |free| judge(Path::new("/out"), Some(free), 1000, Format::Tar);
        assert!(matches!(plain(999), Room::TooLittle(_)), "nothing makes it smaller");
        assert_eq!(plain(1000), Room::Enough);
    }
}
