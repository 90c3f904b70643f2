//! The tar stream of restic, as it comes: members are chosen and get `./` before their names; all else of them stays.

use super::header::{self, BLOCK, Header};
use super::pax::{self, Records};
use super::select::{Choice, Walk, is_below};
use std::collections::BTreeSet;

/// Names and attributes of one member are never longer: what is, is no tar.
const LARGEST_EXTENSION: u64 = 16 * 1024 * 1024;

/// Takes what is left of the stream.
pub trait Sink {
    /// A member begins; the path is that in the archive.
    fn member(&mut self, path: &[u8]);
    /// Bytes of the archive.
    fn bytes(&mut self, bytes: &[u8]);
}

/// What has gone through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Members, folders and parents included.
    pub members: u64,
    /// Bytes of files.
    pub bytes: u64,
    /// Members that were chosen for their own sake.
    pub chosen: u64,
}

/// The way through.
pub struct Filter<'a> {
    walk: Walk<'a>,
    /// What is taken from the beginning of each name: `data/docs/`.
    cut: Vec<u8>,
    /// Names that are no files, although they look like some.
    special: BTreeSet<Vec<u8>>,
    state: State,
    block: Vec<u8>,
    extensions: Extensions,
    /// Folders that nothing was taken from yet: path, and their bytes in the archive.
    parents: Vec<(Vec<u8>, Vec<u8>)>,
    count: Count,
}

enum State {
    /// A header is being read.
    Header,
    /// The data of a header that is about the next member.
    Extension { kind: u8, data: Vec<u8>, size: usize, left: u64 },
    /// The data of a member, with what fills its last block.
    Body { data: u64, padding: u64, choice: Choice },
    /// The first of the two empty blocks at the end has come.
    Ending,
    /// The stream is whole.
    Over,
}

/// What was said of the next member.
#[derive(Default)]
struct Extensions {
    records: Records,
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
}

impl<'a> Filter<'a> {
    /// Chooses by this walk. Names lose `below` (a clean path) at their beginning; paths in `special` are left out.
    pub fn new(walk: Walk<'a>, below: Option<&str>, special: &[String]) -> Self {
        let cut = below.map(|below| format!("{}/", below.trim_start_matches('/')).into_bytes()).unwrap_or_default();
        Self {
            walk,
            cut,
            special: special.iter().map(|path| plain(path.as_bytes()).to_vec()).collect(),
            state: State::Header,
            block: Vec::with_capacity(BLOCK),
            extensions: Extensions::default(),
            parents: Vec::new(),
            count: Count::default(),
        }
    }

    /// What has gone through so far.
    pub fn count(&self) -> Count {
        self.count
    }

    /// Whether the stream has come to its own end, and was not cut off.
    pub fn is_whole(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Takes the next piece of the stream.
    ///
    /// # Errors
    /// When it is no tar stream.
    pub fn feed(&mut self, mut piece: &[u8], sink: &mut dyn Sink) -> Result<(), String> {
        while !piece.is_empty() {
            match &mut self.state {
                State::Over => return Ok(()),
                State::Body { data, padding, choice } => {
                    let (length, is_data) = if *data > 0 { (data, true) } else { (padding, false) };
                    let taken = piece.len().min(usize::try_from(*length).unwrap_or(usize::MAX));
                    *length -= taken as u64;
                    if *choice == Choice::Take {
                        sink.bytes(&piece[..taken]);
                        self.count.bytes += if is_data { taken as u64 } else { 0 };
                    }
                    piece = &piece[taken..];
                    if let State::Body { data: 0, padding: 0, .. } = self.state {
                        self.state = State::Header;
                    }
                }
                State::Extension { data, left, .. } => {
                    let taken = piece.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= taken as u64;
                    data.extend_from_slice(&piece[..taken]);
                    piece = &piece[taken..];
                    if *left == 0 {
                        self.extension()?;
                    }
                }
                State::Header | State::Ending => {
                    let taken = piece.len().min(BLOCK - self.block.len());
                    self.block.extend_from_slice(&piece[..taken]);
                    piece = &piece[taken..];
                    if let Ok(block) = <&[u8; BLOCK]>::try_from(self.block.as_slice()) {
                        let block = *block;
                        self.block.clear();
                        self.header(&block, sink)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn header(&mut self, block: &[u8; BLOCK], sink: &mut dyn Sink) -> Result<(), String> {
        if block.iter().all(|byte| *byte == 0) {
            self.state = if matches!(self.state, State::Ending) { State::Over } else { State::Ending };
            return Ok(());
        }
        let header = Header::read(block)?;
        let unreadable = || "what restic sent is no tar archive: the size of a member cannot be read".to_owned();
        let size = header.size().ok_or_else(unreadable)?;
        if matches!(header.kind(), header::PAX | header::LONG_NAME | header::LONG_LINK) {
            if size > LARGEST_EXTENSION {
                return Err(unreadable());
            }
            let left = size + header::padding(size);
            self.state = State::Extension { kind: header.kind(), data: Vec::new(), size: size as usize, left };
            return if left == 0 { self.extension() } else { Ok(()) };
        }
        let extensions = std::mem::take(&mut self.extensions);
        let size = match extensions.records.get(pax::SIZE) {
            Some(text) => std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or_else(unreadable)?,
            None => size,
        };
        let choice = self.member(header, extensions, sink);
        let padding = header::padding(size);
        self.state = if size == 0 { State::Header } else { State::Body { data: size, padding, choice } };
        Ok(())
    }

    /// A header about the next member is complete.
    fn extension(&mut self) -> Result<(), String> {
        let State::Extension { kind, mut data, size, .. } = std::mem::replace(&mut self.state, State::Header) else {
            return Ok(());
        };
        data.truncate(size);
        let name = |data: Vec<u8>| Some(data.split(|byte| *byte == 0).next().unwrap_or_default().to_vec());
        match kind {
            header::LONG_NAME => self.extensions.long_name = name(data),
            header::LONG_LINK => self.extensions.long_link = name(data),
            _ => {
                self.extensions.records = Records::read(&data)
                    .ok_or("what restic sent is no tar archive: the attributes of a member cannot be read")?;
            }
        }
        Ok(())
    }

    fn member(&mut self, header: Header, mut extensions: Extensions, sink: &mut dyn Sink) -> Choice {
        let name = match (extensions.records.get(pax::PATH), extensions.long_name.take()) {
            (Some(path), _) => path.to_vec(),
            (None, Some(name)) => name,
            (None, None) => header.name(),
        };
        let is_folder = header.kind() == header::FOLDER;
        if self.special.contains(plain(&name)) {
            return Choice::Leave;
        }
        let Some(below) = plain(&name).strip_prefix(self.cut.as_slice()) else { return Choice::Leave };
        let below = below.strip_suffix(b"/").unwrap_or(below);
        if below.is_empty() {
            return Choice::Leave;
        }
        let path = [&b"/"[..], below].concat();
        let choice = self.walk.choose(&path, is_folder);
        if choice == Choice::Leave {
            return choice;
        }
        self.parents.retain(|(parent, _)| is_below(&path, parent));
        let named = [&b"./"[..], below, if is_folder { b"/" } else { b"" }].concat();
        let bytes = renamed(header, extensions, &named, &self.cut);
        if choice == Choice::Parent {
            self.parents.push((path, bytes));
            return choice;
        }
        for (parent, bytes) in std::mem::take(&mut self.parents) {
            sink.member(&[&b"."[..], &parent, b"/"].concat());
            sink.bytes(&bytes);
            self.count.members += 1;
        }
        sink.member(&named);
        sink.bytes(&bytes);
        self.count.members += 1;
        self.count.chosen += 1;
        choice
    }
}

/// A name without what may stand before its first part.
fn plain(mut name: &[u8]) -> &[u8] {
    while let Some(rest) = name.strip_prefix(b"./").or_else(|| name.strip_prefix(b"/")) {
        name = rest;
    }
    name
}

/// All blocks before the data of a member, with this name in them.
fn renamed(mut header: Header, extensions: Extensions, name: &[u8], cut: &[u8]) -> Vec<u8> {
    let Extensions { mut records, long_link, .. } = extensions;
    // A name that is not ASCII, or long, has stood in a record, and stays there; the field keeps what it can.
    if records.get(pax::PATH).is_some() || !header.set_name(name) {
        records.set(pax::PATH, name.to_vec());
    }
    if header.kind() == header::HARD_LINK {
        // The other name of a file that is in the archive, too.
        let target = match (records.get(pax::LINK_PATH), &long_link) {
            (Some(target), _) => target.to_vec(),
            (None, Some(target)) => target.clone(),
            (None, None) => header.link().to_vec(),
        };
        let target = plain(&target);
        let target = [&b"./"[..], target.strip_prefix(cut).unwrap_or(target)].concat();
        records.remove(pax::LINK_PATH);
        if !header.set_link(&target) {
            records.set(pax::LINK_PATH, target);
        }
    } else if let Some(target) = long_link {
        records.set(pax::LINK_PATH, target);
    }
    let mut bytes = Vec::with_capacity(3 * BLOCK);
    if !records.is_empty() {
        let data = records.write();
        let mut extension = Header::new(b"./PaxHeaders.0/member", header::PAX);
        extension.set_size(data.len() as u64);
        bytes.extend_from_slice(&extension.finished());
        bytes.extend_from_slice(&data);
        bytes.resize(bytes.len() + header::padding(data.len() as u64) as usize, 0);
    }
    bytes.extend_from_slice(&header.finished());
    bytes
}

/// What every tar stream ends with.
pub const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

#[cfg(test)]
mod tests {
    use super::super::select::Selection;
    use super::*;
    use std::io::Read as _;

    #[derive(Default)]
    struct Kept {
        names: Vec<String>,
        bytes: Vec<u8>,
    }

    impl Sink for Kept {
        fn member(&mut self, path: &[u8]) {
            self.names.push(String::from_utf8_lossy(path).into_owned());
        }
        fn bytes(&mut self, bytes: &[u8]) {
            self.bytes.extend_from_slice(bytes);
        }
    }

    fn add(builder: &mut tar::Builder<Vec<u8>>, name: &str, kind: tar::EntryType, data: &[u8]) {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(0o640);
        header.set_mtime(1_700_000_000);
        header.set_size(data.len() as u64);
        header.set_cksum();
        builder.append_data(&mut header, name, data).expect("is written");
    }

    fn source() -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        add(&mut builder, "a/", tar::EntryType::Directory, b"");
        add(&mut builder, "a/one", tar::EntryType::Regular, b"one");
        builder.append_pax_extensions([("SCHILY.xattr.user.x", &b"y=z"[..])]).expect("is written");
        add(&mut builder, "a/two", tar::EntryType::Regular, &[7; 1000]);
        let long = format!("a/{}/{}", "l".repeat(200), "m".repeat(200));
        add(&mut builder, &long, tar::EntryType::Regular, b"long");
        let mut link = tar::Header::new_ustar();
        link.set_entry_type(tar::EntryType::Link);
        link.set_size(0);
        builder.append_link(&mut link, "a/hard", "a/one").expect("is written");
        add(&mut builder, "b", tar::EntryType::Regular, b"b");
        builder.into_inner().expect("is finished")
    }

    /// Feeds the source in pieces of this size.
    fn through(includes: &[&str], below: Option<&str>, size: usize) -> (Kept, Count, bool) {
        let includes: Vec<String> = includes.iter().map(|text| (*text).to_owned()).collect();
        let selection = Selection::new(&includes, &[]).expect("is well-formed");
        let mut filter = Filter::new(selection.walk(), below, &[]);
        let mut kept = Kept::default();
        for piece in source().chunks(size) {
            filter.feed(piece, &mut kept).expect("is a tar");
        }
        kept.bytes.extend(END);
        (kept, filter.count(), filter.is_whole())
    }

    fn read(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
        let mut archive = tar::Archive::new(bytes);
        let entries = archive.entries().expect("is a tar");
        entries
            .map(|entry| {
                let mut entry = entry.expect("is whole");
                let mut data = Vec::new();
                entry.read_to_end(&mut data).expect("is whole");
                (String::from_utf8_lossy(&entry.path_bytes()).into_owned(), data)
            })
            .collect()
    }

    #[test]
    fn everything_goes_through_in_pieces_of_any_size() {
        for size in [1, 511, 512, 700, 65536] {
            let (kept, count, is_whole) = through(&[], None, size);
            assert!(is_whole);
            assert_eq!((count.members, count.bytes), (6, 1008));
            let members = read(&kept.bytes);
            let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
            let long = format!("./a/{}/{}", "l".repeat(200), "m".repeat(200));
            assert_eq!(names, ["./a/", "./a/one", "./a/two", &long, "./a/hard", "./b"]);
            assert_eq!(members[2].1, [7; 1000]);
            assert_eq!(kept.names, names);
        }
    }

    #[test]
    fn attributes_stay_and_hard_links_lead_to_the_new_names() {
        let (kept, ..) = through(&[], None, 4096);
        let mut archive = tar::Archive::new(&*kept.bytes);
        let mut seen = 0;
        for entry in archive.entries().expect("is a tar") {
            let mut entry = entry.expect("is whole");
            let name = entry.path_bytes().into_owned();
            if name == b"./a/two" {
                let records = entry.pax_extensions().expect("can be read").expect("are there");
                assert!(records.flatten().any(|r| r.key() == Ok("SCHILY.xattr.user.x") && r.value_bytes() == b"y=z"));
                assert_eq!(
                    (entry.header().mode().ok(), entry.header().mtime().ok()),
                    (Some(0o640), Some(1_700_000_000))
                );
                seen += 1;
            } else if name == b"./a/hard" {
                assert_eq!(entry.link_name_bytes().as_deref(), Some(&b"./a/one"[..]));
                seen += 1;
            }
        }
        assert_eq!(seen, 2);
    }

    #[test]
    fn a_part_comes_with_its_parents_or_from_its_own_folder() {
        let (kept, count, _) = through(&["/a/two"], None, 4096);
        assert_eq!(kept.names, ["./a/", "./a/two"]);
        assert_eq!((count.members, count.chosen, count.bytes), (2, 1, 1000));
        assert_eq!(read(&kept.bytes).len(), 2);
        let (kept, ..) = through(&["two"], Some("/a"), 4096);
        assert_eq!(kept.names, ["./two"]);
        let (kept, count, is_whole) = through(&["/nothing"], None, 4096);
        assert_eq!((kept.names.len(), count, is_whole), (0, Count::default(), true));
    }

    #[test]
    fn what_is_cut_off_is_not_whole_and_what_is_no_tar_is_refused() {
        let source = source();
        let selection = Selection::default();
        for length in [0, 100, 512, 1024, source.len() - 1024, source.len() - 512] {
            let mut filter = Filter::new(selection.walk(), None, &[]);
            filter.feed(&source[..length], &mut Kept::default()).expect("is one so far");
            assert!(!filter.is_whole(), "{length}");
        }
        let mut filter = Filter::new(selection.walk(), None, &[]);
        assert!(filter.feed(&[b'x'; 600], &mut Kept::default()).is_err());
    }
}
