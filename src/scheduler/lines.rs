//! Lines out of the pipe that all runs write to.

/// Where a line is cut, in bytes: what is longer is no line, and a queue of them would fill memory.
const LONGEST: usize = 16 * 1024;

/// Puts lines together from pieces, byte for byte; only what is too long is cut, between characters.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pending: Vec<u8>,
}

impl Lines {
    /// Takes a piece, and hands on every line that it completes, without its end.
    pub fn push(&mut self, piece: &[u8], line: &mut dyn FnMut(&[u8])) {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            match part.split_last() {
                Some((b'\n', body)) => {
                    self.extend(body, line);
                    line(&self.pending);
                    self.pending.clear();
                }
                _ => self.extend(part, line),
            }
        }
    }

    /// Whether there is a beginning of a line.
    pub fn is_partial(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Hands on what is left without an end of its line.
    pub fn finish(&mut self, line: &mut dyn FnMut(&[u8])) {
        if self.is_partial() {
            line(&self.pending);
            self.pending.clear();
        }
    }

    fn extend(&mut self, part: &[u8], line: &mut dyn FnMut(&[u8])) {
        self.pending.extend_from_slice(part);
        while self.pending.len() > LONGEST {
            let is_start = |place: &usize| self.pending[*place] & 0xc0 != 0x80;
            let end = (LONGEST - 3..=LONGEST).rev().find(is_start).unwrap_or(LONGEST);
            line(&self.pending[..end]);
            self.pending.drain(..end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        for piece in pieces {
            lines.push(piece, &mut |line| found.push(line.to_vec()));
        }
        lines.finish(&mut |line| found.push(line.to_vec()));
        found
    }

    #[test]
    fn lines_are_the_same_whatever_the_pieces_are() {
        let text = b"one\n\ntwo \xff\r\nthree".as_slice();
        let expected = [b"one".as_slice(), b"", b"two \xff\r", b"three"];
        assert_eq!(lines(&[text]), expected);
        for at in 0..text.len() {
            assert_eq!(lines(&[&text[..at], &text[at..]]), expected, "cut at {at}");
        }
    }

    #[test]
    fn a_line_that_is_too_long_comes_in_pieces_and_whole() {
        let text = "é".repeat(LONGEST);
        let found = lines(&[b"x", text.as_bytes(), b"\nnext\n"]);
        assert!(found.iter().all(|line| line.len() <= LONGEST && std::str::from_utf8(line).is_ok()));
        assert_eq!(found[..found.len() - 1].concat(), format!("x{text}").into_bytes());
        assert_eq!(found.last().map(Vec::as_slice), Some(b"next".as_slice()));
    }
}
