//! The forms of an archive, and how a block of it is compressed.

use clap::ValueEnum;
use std::io::{self, Read};

/// How an archive is compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// gzip, which everything reads.
    #[default]
    #[value(name = "tar.gz", alias = "tgz", alias = "gz")]
    TarGz,
    /// Zstandard: smaller, and several times as fast.
    #[value(name = "tar.zst", alias = "tzst", alias = "zst")]
    TarZst,
    /// Not at all.
    #[value(name = "tar")]
    Tar,
}

/// Level of libdeflate: what it makes of half text, half noise is about as large as what `gzip -6` makes, in a third of
/// the time.
const GZIP_LEVEL: i32 = 3;
/// What `zstd` itself takes when nothing is said.
const ZSTD_LEVEL: i32 = 3;

/// Names that promise another form.
const OTHERS: [&str; 9] = [".tar.xz", ".txz", ".tar.bz2", ".tbz", ".tbz2", ".tar.lz4", ".tar.lzma", ".zip", ".7z"];

impl Format {
    /// As it is written: `tar.gz`.
    pub fn name(self) -> &'static str {
        match self {
            Self::TarGz => "tar.gz",
            Self::TarZst => "tar.zst",
            Self::Tar => "tar",
        }
    }

    /// The form that the end of a file's name says, if it says one.
    ///
    /// # Errors
    /// The ending of a form that is none of ours.
    pub fn of_name(name: &str) -> Result<Option<Self>, &'static str> {
        let name = name.to_ascii_lowercase();
        let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
        match () {
            () if ends(&[".tar.gz", ".tgz", ".gz"]) => Ok(Some(Self::TarGz)),
            () if ends(&[".tar.zst", ".tzst", ".zst"]) => Ok(Some(Self::TarZst)),
            () if ends(&[".tar"]) => Ok(Some(Self::Tar)),
            () => OTHERS.iter().find(|other| name.ends_with(*other)).map_or(Ok(None), |other| Err(other)),
        }
    }

    /// How many bytes are compressed at once, each block by itself. A larger one loses less at its ends.
    pub fn block(self) -> usize {
        match self {
            Self::TarGz | Self::Tar => 512 * 1024,
            Self::TarZst => 1024 * 1024,
        }
    }

    /// How many threads are of use: beyond that, the engine is what is waited for, and memory is all that grows.
    pub fn most_threads(self) -> usize {
        match self {
            Self::TarGz => 8,
            Self::TarZst => 4,
            Self::Tar => 1,
        }
    }

    /// What compresses one block after the other.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn compressor(self) -> io::Result<Compressor> {
        Ok(match self {
            Self::TarGz => {
                let level = libdeflater::CompressionLvl::new(GZIP_LEVEL).map_err(|_| io::Error::other("bad level"))?;
                Compressor::Gzip(libdeflater::Compressor::new(level))
            }
            Self::TarZst => {
                let mut compressor = zstd::bulk::Compressor::new(ZSTD_LEVEL)?;
                compressor.include_checksum(true)?;
                Compressor::Zstd(compressor)
            }
            Self::Tar => Compressor::Nothing,
        })
    }

    /// Reads the tar out of an archive.
    ///
    /// # Errors
    /// When the decompressor cannot be made.
    pub fn reader<'a>(self, from: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
        Ok(match self {
            Self::TarGz => Box::new(flate2::read::MultiGzDecoder::new(from)),
            Self::TarZst => Box::new(zstd::stream::read::Decoder::new(from)?),
            Self::Tar => Box::new(from),
        })
    }
}

/// Makes of each block a member (gzip) or frame (Zstandard) of its own: one after the other they are one stream, for
/// every reader.
pub enum Compressor {
    /// One gzip member a block.
    Gzip(libdeflater::Compressor),
    /// One frame a block, with a checksum.
    Zstd(zstd::bulk::Compressor<'static>),
    /// The block itself.
    Nothing,
}

impl Compressor {
    /// Compresses a block.
    ///
    /// # Errors
    /// When the library fails, which it has no cause for.
    pub fn compress(&mut self, block: Vec<u8>) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip(compressor) => {
                let mut out = vec![0; compressor.gzip_compress_bound(block.len())];
                let length = compressor
                    .gzip_compress(&block, &mut out)
                    .map_err(|error| io::Error::other(format!("gzip: {error}")))?;
                out.truncate(length);
                Ok(out)
            }
            Self::Zstd(compressor) => compressor.compress(&block),
            Self::Nothing => Ok(block),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_one_after_the_other_are_one_stream() {
        for format in [Format::TarGz, Format::TarZst, Format::Tar] {
            let mut compressor = format.compressor().expect("is made");
            let mut stream = Vec::new();
            for block in [b"one".to_vec(), Vec::new(), vec![7; 100_000]] {
                stream.extend(compressor.compress(block).expect("is compressed"));
            }
            let mut back = Vec::new();
            format.reader(&*stream).expect("is made").read_to_end(&mut back).expect("is whole");
            assert_eq!(back.len(), 100_003, "{format:?}");
            assert!(back.starts_with(b"one\x07"));
        }
    }

    #[test]
    fn a_name_says_its_form() {
        let says = |name| Format::of_name(name).map(|format| format.map(Format::name));
        assert_eq!(says("/a/b.tar.gz"), Ok(Some("tar.gz")));
        assert_eq!(says("b.TGZ"), Ok(Some("tar.gz")));
        assert_eq!(says("b.tar.zst"), Ok(Some("tar.zst")));
        assert_eq!(says("b.tar"), Ok(Some("tar")));
        assert_eq!(says("/tar.gz/b"), Ok(None));
        assert_eq!(says("b.tar.xz"), Err(".tar.xz"));
    }
}
