//! `snapshot-export`: a snapshot, or a part of it, as one compressed archive.
//!
//! It streams: restic's tar goes through a filter (`stream`) into compressors (`squeeze`) into a file that has no
//! name until it is whole (`archive`). There is no work folder, and no second copy of the data on disk.

mod archive;
mod arguments;
mod checksum;
mod dump;
mod format;
mod header;
mod listing;
mod pax;
mod place;
mod plan;
mod select;
mod space;
mod squeeze;
mod stream;
mod verify;
mod work;
mod writer;

pub use arguments::SnapshotExportArgs;
pub use work::{SnapshotExport, augment, make};
