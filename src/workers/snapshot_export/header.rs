//! One header block of a tar stream (POSIX.1-1988 "ustar", with what GNU and Go write into it).

use std::ops::Range;

/// A tar stream is made of blocks of this size.
pub const BLOCK: usize = 512;

const NAME: Range<usize> = 0..100;
const MODE: Range<usize> = 100..108;
const UID: Range<usize> = 108..116;
const GID: Range<usize> = 116..124;
const SIZE: Range<usize> = 124..136;
const MTIME: Range<usize> = 136..148;
const CHECKSUM: Range<usize> = 148..156;
const KIND: usize = 156;
const LINK: Range<usize> = 157..257;
const MAGIC: Range<usize> = 257..265;
const PREFIX: Range<usize> = 345..500;

/// A folder.
pub const FOLDER: u8 = b'5';
/// A second name of a file that came before.
pub const HARD_LINK: u8 = b'1';
/// Records for the member that follows (pax).
pub const PAX: u8 = b'x';
/// The name of the member that follows (GNU).
pub const LONG_NAME: u8 = b'L';
/// The link target of the member that follows (GNU).
pub const LONG_LINK: u8 = b'K';

/// One header block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header([u8; BLOCK]);

impl Header {
    /// Reads a block.
    ///
    /// # Errors
    /// When it is no header: its checksum does not fit.
    pub fn read(block: &[u8; BLOCK]) -> Result<Self, String> {
        let header = Self(*block);
        if header.number(CHECKSUM) == Some(u64::from(header.sum())) {
            Ok(header)
        } else {
            Err("what restic sent is no tar archive: a header's checksum does not fit".to_owned())
        }
    }

    /// A header of a member that has no data in it.
    pub fn new(name: &[u8], kind: u8) -> Self {
        let mut header = Self([0; BLOCK]);
        header.0[MAGIC].copy_from_slice(b"ustar\x0000");
        header.0[KIND] = kind;
        header.put(NAME, name.get(..NAME.len()).unwrap_or(name));
        for field in [MODE, UID, GID, SIZE, MTIME] {
            header.set_number(field, 0);
        }
        header
    }

    /// The block, with a checksum that fits.
    pub fn finished(mut self) -> [u8; BLOCK] {
        let sum = format!("{:06o}\0 ", self.sum());
        self.put(CHECKSUM, sum.as_bytes());
        self.0
    }

    /// What kind of a member it is.
    pub fn kind(&self) -> u8 {
        self.0[KIND]
    }

    /// How many bytes follow; `None` if that cannot be read.
    pub fn size(&self) -> Option<u64> {
        self.number(SIZE)
    }

    /// Says how many bytes follow.
    pub fn set_size(&mut self, size: u64) {
        self.set_number(SIZE, size);
    }

    /// Mode, owner and group, and time of change in seconds since 1970; false if one of them has no room.
    pub fn set_facts(&mut self, mode: u32, uid: u64, gid: u64, mtime: i64) -> bool {
        self.set_number(MODE, u64::from(mode))
            & self.set_number(UID, uid)
            & self.set_number(GID, gid)
            & u64::try_from(mtime).is_ok_and(|mtime| self.set_number(MTIME, mtime))
    }

    /// The name, put together from both of its fields.
    pub fn name(&self) -> Vec<u8> {
        let name = text(&self.0[NAME]);
        match text(&self.0[PREFIX]) {
            prefix if !prefix.is_empty() && self.is_posix() => [prefix, b"/", name].concat(),
            _ => name.to_vec(),
        }
    }

    /// Puts a name into its field, or into both of them; false (and nothing changes) if it has no room there.
    pub fn set_name(&mut self, name: &[u8]) -> bool {
        let (prefix, rest) = match name {
            _ if name.len() <= NAME.len() => (&b""[..], name),
            _ if !self.is_posix() => return false,
            _ => {
                // As late as possible: the name proper must not be empty.
                let fits = |at: &usize| *at <= PREFIX.len() && (1..=NAME.len()).contains(&(name.len() - at - 1));
                let cuts = (0..name.len() - 1).rev().filter(|at| name[*at] == b'/');
                match cuts.into_iter().find(fits) {
                    Some(at) => (&name[..at], &name[at + 1..]),
                    None => return false,
                }
            }
        };
        if self.is_posix() {
            self.put(PREFIX, prefix);
        }
        self.put(NAME, rest);
        true
    }

    /// The target of a link.
    pub fn link(&self) -> &[u8] {
        text(&self.0[LINK])
    }

    /// Puts the target of a link into its field; false (and nothing changes) if it has no room there.
    pub fn set_link(&mut self, target: &[u8]) -> bool {
        let fits = target.len() <= LINK.len();
        if fits {
            self.put(LINK, target);
        }
        fits
    }

    /// GNU's variant uses the prefix for other things.
    fn is_posix(&self) -> bool {
        self.0[MAGIC] == *b"ustar\x0000"
    }

    fn put(&mut self, field: Range<usize>, value: &[u8]) {
        let field = &mut self.0[field];
        field.fill(0);
        field[..value.len()].copy_from_slice(value);
    }

    fn set_number(&mut self, field: Range<usize>, number: u64) -> bool {
        let digits = field.len() - 1;
        let text = format!("{number:0digits$o}");
        let fits = text.len() == digits;
        if fits {
            self.put(field, text.as_bytes());
        }
        fits
    }

    /// Octal digits, or (GNU) binary if the first bit is set.
    fn number(&self, field: Range<usize>) -> Option<u64> {
        let field = &self.0[field];
        if field[0] & 0x80 != 0 {
            let (high, low) = field.split_at(field.len() - 8);
            let is_small =
                high.split_first().is_some_and(|(mark, rest)| *mark == 0x80 && rest.iter().all(|byte| *byte == 0));
            return is_small.then(|| low.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)));
        }
        let digits = std::str::from_utf8(text(field)).ok()?.trim();
        if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
    }

    /// The sum of all bytes, with blanks where the sum itself stands.
    fn sum(&self) -> u32 {
        let bytes = self.0.iter().enumerate();
        bytes.map(|(at, byte)| u32::from(if CHECKSUM.contains(&at) { b' ' } else { *byte })).sum()
    }
}

fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// How many bytes follow data of this size, up to the next block.
pub fn padding(size: u64) -> u64 {
    (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_into_one_field_or_two() {
        let mut header = Header::new(b"a", b'0');
        let name = |header: &Header| Header::read(&header.clone().finished()).expect("is one").name();
        let exact = [b"./".to_vec(), vec![b'x'; 98]].concat();
        let longer = [b"./".to_vec(), vec![b'x'; 99]].concat();
        let deep = [vec![b'd'; 150], b"/".to_vec(), vec![b'x'; 100]].concat();
        for fits in [&exact, &longer, &deep, &b"./short/".to_vec()] {
            assert!(header.set_name(fits));
            assert_eq!(&name(&header), fits);
        }
        for long in [[b"./".to_vec(), vec![b'x'; 101]].concat(), [vec![b'd'; 156], b"/x".to_vec()].concat()] {
            assert!(!header.set_name(&long));
        }
        assert_eq!(name(&header), b"./short/");
    }

    #[test]
    fn what_is_no_header_is_told() {
        assert!(Header::read(&[b'x'; BLOCK]).is_err());
        assert!(Header::read(&[0xff; BLOCK]).is_err());
        let mut block = Header::new(b"name", b'0').finished();
        block[0] ^= 1;
        assert!(Header::read(&block).is_err());
    }

    #[test]
    fn large_sizes_are_binary() {
        let mut header = Header::new(b"a", b'0');
        header.0[SIZE].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 1]);
        assert_eq!(header.size(), Some((3 << 32) + 1));
        header.0[SIZE][1] = 1;
        assert_eq!(header.size(), None);
    }
}
