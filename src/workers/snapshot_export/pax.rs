//! The records of a pax header: `<length> <key>=<value>\n`, where a value is any bytes.

/// The name of the member.
pub const PATH: &[u8] = b"path";
/// The target of a link.
pub const LINK_PATH: &[u8] = b"linkpath";
/// How many bytes the member has.
pub const SIZE: &[u8] = b"size";

/// Keys and values, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Records(Vec<(Vec<u8>, Vec<u8>)>);

impl Records {
    /// Reads the records of a header; `None` if they are none.
    pub fn read(mut data: &[u8]) -> Option<Self> {
        let mut records = Vec::new();
        while !data.is_empty() {
            let blank = data.iter().position(|byte| *byte == b' ')?;
            let length: usize = std::str::from_utf8(&data[..blank]).ok()?.parse().ok()?;
            let record = data.get(blank + 1..length)?.strip_suffix(b"\n")?;
            let equals = record.iter().position(|byte| *byte == b'=')?;
            records.push((record[..equals].to_vec(), record[equals + 1..].to_vec()));
            data = &data[length..];
        }
        Some(Self(records))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a key: its last one counts.
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.0.iter().rev().find(|(known, _)| known == key).map(|(_, value)| value.as_slice())
    }

    /// Gives a key this value, in its old place if it has one.
    pub fn set(&mut self, key: &[u8], value: Vec<u8>) {
        match self.0.iter_mut().rev().find(|(known, _)| known == key) {
            Some(record) => record.1 = value,
            None => self.0.push((key.to_vec(), value)),
        }
    }

    /// Takes a key away.
    pub fn remove(&mut self, key: &[u8]) {
        self.0.retain(|(known, _)| known != key);
    }

    /// As they stand in a header.
    pub fn write(&self) -> Vec<u8> {
        let mut data = Vec::new();
        for (key, value) in &self.0 {
            // A blank, an equals sign, a newline; the length counts its own digits.
            let bare = key.len() + value.len() + 3;
            let mut length = bare + digits(bare);
            length = bare + digits(length);
            data.extend_from_slice(length.to_string().as_bytes());
            data.push(b' ');
            data.extend_from_slice(key);
            data.push(b'=');
            data.extend_from_slice(value);
            data.push(b'\n');
        }
        data
    }
}

fn digits(number: usize) -> usize {
    number.to_string().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_written_as_they_were_read() {
        let mut data = b"30 mtime=1350244992.023960108\n".to_vec();
        data.extend(b"24 SCHILY.xattr.a=\xff\n=\n\0\n");
        let records = Records::read(&data).expect("are records");
        assert_eq!(records.get(b"SCHILY.xattr.a"), Some(&b"\xff\n=\n\0"[..]));
        assert_eq!(records.write(), data);
        for broken in [&b"9 a=b\n"[..], b"x a=b\n", b"6 a=b", b"5 ab\n"] {
            assert_eq!(Records::read(broken), None, "{}", broken.escape_ascii());
        }
    }

    #[test]
    fn a_length_counts_its_own_digits() {
        for length in 0..300 {
            let mut records = Records::default();
            records.set(PATH, vec![b'x'; length]);
            let data = records.write();
            assert!(data.starts_with(format!("{} path=", data.len()).as_bytes()), "{length}");
            assert_eq!(Records::read(&data), Some(records));
        }
    }
}
