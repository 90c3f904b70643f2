//! Lines out of bytes that come in pieces.

use std::borrow::Cow;

/// Where a line is cut: one item of `--json` with a long name is a few KiB; what is longer is no line.
const LONGEST: usize = 1024 * 1024;

/// Puts lines together from pieces of output, whatever the pieces are cut at.
///
/// A carriage return ends a line, too, as in progress output. Bytes that are not UTF-8 are replaced, terminal sequences
/// are taken out, and a line over 1 MiB is cut.
#[derive(Debug, Default)]
pub struct Lines {
    pending: Vec<u8>,
    skipping: bool,
    /// The last byte was a carriage return.
    returned: bool,
}

impl Lines {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a piece, and hands on every line that it completes.
    pub fn push(&mut self, piece: &[u8], line: &mut dyn FnMut(&str)) {
        for part in piece.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let (body, end) = match part.split_last() {
                Some((end @ (b'\n' | b'\r'), body)) => (body, Some(*end)),
                _ => (part, None),
            };
            if !body.is_empty() {
                self.returned = false;
                self.extend(body, line);
            }
            match end {
                // The line has ended with the carriage return before it.
                Some(b'\n') if self.returned => self.returned = false,
                Some(end) => {
                    self.end(line);
                    self.returned = end == b'\r';
                }
                None => {}
            }
        }
    }

    /// Hands on what is left without an end of its line.
    pub fn finish(&mut self, line: &mut dyn FnMut(&str)) {
        if !self.pending.is_empty() {
            self.end(line);
        }
        self.skipping = false;
    }

    fn extend(&mut self, part: &[u8], line: &mut dyn FnMut(&str)) {
        if self.skipping {
            return;
        }
        let room = LONGEST - self.pending.len();
        self.pending.extend_from_slice(&part[..part.len().min(room)]);
        if part.len() > room {
            hand_on(&self.pending, line);
            self.pending.clear();
            self.skipping = true;
        }
    }

    fn end(&mut self, line: &mut dyn FnMut(&str)) {
        if !self.skipping {
            hand_on(&self.pending, line);
        }
        self.pending.clear();
        self.skipping = false;
    }
}

fn hand_on(bytes: &[u8], line: &mut dyn FnMut(&str)) {
    let text = String::from_utf8_lossy(bytes);
    line(&without_controls(&text));
}

/// Takes terminal sequences (`ESC [ 2 K` before restic's farewell) and other control characters out of a line.
fn without_controls(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| c.is_control() && c != '\t') {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            // ECMA-48: a control sequence ends with the first character from `@` to `~`, a system command (a window's
            // title) with BEL or `ESC \`.
            if chars.next_if_eq(&'[').is_some() {
                while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {}
            } else if chars.next_if_eq(&']').is_some() {
                while let Some(c) = chars.next() {
                    if c == '\u{7}' || (c == '\u{1b}' && chars.next_if_eq(&'\\').is_some()) {
                        break;
                    }
                }
            }
        } else if !c.is_control() || c == '\t' {
            clean.push(c);
        }
    }
    Cow::Owned(clean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines_of(pieces: &[&[u8]]) -> Vec<String> {
        let mut found = Vec::new();
        let mut lines = Lines::new();
        for piece in pieces {
            lines.push(piece, &mut |line| found.push(line.to_owned()));
        }
        lines.finish(&mut |line| found.push(line.to_owned()));
        found
    }

    #[test]
    fn a_line_cut_over_two_reads_is_one_line() {
        assert_eq!(lines_of(&[b"{\"a\":", b"1}\nnext\n", b"last"]), ["{\"a\":1}", "next", "last"]);
    }

    #[test]
    fn an_empty_line_is_a_line_and_an_empty_end_is_none() {
        assert_eq!(lines_of(&[b"a\n\nb\n"]), ["a", "", "b"]);
    }

    #[test]
    fn a_line_over_the_limit_is_cut_and_the_next_one_is_whole() {
        let mut long = vec![b'x'; LONGEST + 10];
        long.extend_from_slice(b"tail\nnext\n");
        let found = lines_of(&[&long[..LONGEST - 3], &long[LONGEST - 3..]]);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].len(), found[1].as_str()), (LONGEST, "next"));
    }

    #[test]
    fn terminal_sequences_are_taken_out() {
        let found =
            lines_of(&[b"\x1b[2K\x1b[1;31msignal interrupt\x1b[0m received\x1b]0;title\x07, cleaning up\x08\n"]);
        assert_eq!(found, ["signal interrupt received, cleaning up"]);
    }

    #[test]
    fn a_carriage_return_ends_a_line_and_together_with_a_newline_one_alone() {
        assert_eq!(lines_of(&[b"10%\r20%\r", b"\nend\r\n\r\nx"]), ["10%", "20%", "end", "", "x"]);
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_give_the_same_lines(bytes: Vec<u8>, cuts in proptest::collection::vec(0usize..64, 0..8)) {
            let whole = lines_of(&[&bytes]);
            let mut pieces = Vec::new();
            let mut rest = bytes.as_slice();
            for cut in cuts {
                let (head, tail) = rest.split_at(cut.min(rest.len()));
                pieces.push(head);
                rest = tail;
            }
            pieces.push(rest);
            prop_assert_eq!(whole, lines_of(&pieces));
        }
    }
}
