//! What a hook prints, as lines.

use crate::masking::Secrets;
use std::sync::Arc;

/// A line longer than this is shown in pieces.
const LONGEST: usize = 64 * 1024;
/// What is kept of a hook's output in its record, in bytes.
const KEPT: usize = 64 * 1024;

/// Puts lines together from pieces as they come; a secret that is split over two writes is whole again before it is
/// masked, also where an endless line is cut.
pub struct LineAssembler<'a> {
    secrets: Arc<Secrets>,
    line: Vec<u8>,
    emit: &'a mut dyn FnMut(&str),
}

impl<'a> LineAssembler<'a> {
    /// An assembler that gives each line to `emit`.
    pub fn new(secrets: Arc<Secrets>, emit: &'a mut dyn FnMut(&str)) -> Self {
        Self { secrets, line: Vec::new(), emit }
    }

    /// Takes the next piece.
    pub fn push(&mut self, mut piece: &[u8]) {
        while let Some(end) = piece.iter().position(|byte| *byte == b'\n') {
            self.line.extend_from_slice(&piece[..end]);
            piece = &piece[end + 1..];
            self.give_line();
        }
        self.line.extend_from_slice(piece);
        if self.line.len() > LONGEST + self.secrets.longest() {
            self.give_piece();
        }
    }

    /// Gives what has no line end.
    pub fn finish(&mut self) {
        if !self.line.is_empty() {
            self.give_line();
        }
    }

    fn give_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        (self.emit)(&shown(&self.secrets.mask_bytes(line)));
    }

    /// Gives the first part of an endless line, cut where no secret is cut: what begins before the end of this piece is
    /// whole within what is kept.
    fn give_piece(&mut self) {
        let at = self.line.len() - self.secrets.longest();
        let cut = self.secrets.cut(&self.line, at);
        let rest = self.line.split_off(cut);
        let piece = std::mem::replace(&mut self.line, rest);
        (self.emit)(&shown(&self.secrets.mask_bytes(&piece)));
    }
}

/// Bytes as a person may see them: what is not UTF-8, and control characters that would drive a terminal, are shown.
pub fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .map(|c| match c {
            '\t' => '\t',
            '\u{1b}' => '␛',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// The end of a hook's output for its record: masked, at most 64 KiB, beginning where nothing was cut.
pub fn tail(raw: &[u8], truncated: bool, secrets: &Secrets) -> String {
    let masked = secrets.mask(&String::from_utf8_lossy(raw)).into_owned();
    let mut from = masked.len().saturating_sub(KEPT);
    if truncated {
        // The beginning may be the end of a secret, which no search finds.
        from = from.max(secrets.longest().min(masked.len()));
    }
    masked[masked.ceil_char_boundary(from)..].to_owned()
}

/// The last line that says something.
pub fn last_line(text: &str) -> &str {
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(secret: &str, pieces: &[&[u8]]) -> Vec<String> {
        let mut secrets = Secrets::new();
        secrets.add(secret);
        let secrets = Arc::new(secrets);
        let mut lines = Vec::new();
        let mut emit = |line: &str| lines.push(secrets.mask(line).into_owned());
        let mut assembler = LineAssembler::new(Arc::clone(&secrets), &mut emit);
        for piece in pieces {
            assembler.push(piece);
        }
        assembler.finish();
        lines
    }

    #[test]
    fn a_secret_split_over_two_writes_is_masked() {
        assert_eq!(lines_of("s3cretword", &[b"a s3cr", b"etword b\nlast"]), ["a *** b", "last"]);
    }

    #[test]
    fn a_secret_across_the_cut_of_an_endless_line_is_masked() {
        let mut line = vec![b'x'; LONGEST - 5];
        line.extend_from_slice(b"s3cretword");
        line.extend(vec![b'y'; 2 * LONGEST]);
        let lines = lines_of("s3cretword", &[&line]);
        assert!(lines.len() > 1);
        let all = lines.concat();
        assert!(!all.contains("s3cr") && !all.contains("word") && all.contains("***"), "a part of it is shown");
    }

    #[test]
    fn bytes_that_are_not_text_are_shown_and_not_fatal() {
        assert_eq!(lines_of("none-such", &[b"a\xff\x1b[31m\x07b\r\n"]), ["a\u{fffd}␛[31m\u{fffd}b"]);
    }

    #[test]
    fn a_tail_that_was_cut_does_not_begin_with_the_end_of_a_secret() {
        let mut secrets = Secrets::new();
        secrets.add("s3cretword");
        let text = tail(b"etword and then", true, &secrets);
        assert!(!text.contains("etword"), "{text}");
        assert_eq!(tail(b"whole", false, &secrets), "whole");
    }
}
