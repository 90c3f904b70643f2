//! The per-run log as a mail can bear it.

use crate::masking::Secrets;
use std::fs::OpenOptions;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// How much of the log's beginning is kept: what was asked for, and how it began.
const HEAD: u64 = 64 * 1024;
/// How much of its end is kept: how it ended.
const TAIL: u64 = 192 * 1024;

/// The log, without its middle if it is long, and without secrets.
///
/// # Errors
/// When it cannot be read.
pub(super) fn excerpt(log: &Path, secrets: &Secrets) -> io::Result<String> {
    let mut file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC).open(log)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let length = metadata.len();
    let mut read = |from: u64, most: u64| -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(from))?;
        (&mut file).take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    // A log that grows while it is read is cut where it ended.
    if length <= HEAD + TAIL {
        return Ok(readable(&read(0, length)?, secrets));
    }
    let (head, tail) = (read(0, HEAD)?, read(length - TAIL, TAIL)?);
    // A secret has no line end in it, so that between two lines none is cut in half.
    let (head, cut_short) = match head.iter().rposition(|byte| *byte == b'\n') {
        Some(end) => (&head[..=end], 0),
        None => (&head[..], secrets.longest()),
    };
    let (tail, cut_late) = match tail.iter().position(|byte| *byte == b'\n') {
        Some(end) if end + 1 < tail.len() => (&tail[end + 1..], 0),
        _ => (&tail[..], secrets.longest()),
    };
    let left_out = length - head.len() as u64 - tail.len() as u64;
    let (head, tail) = (readable(head, secrets), readable(tail, secrets));
    let end = (0..=head.len().saturating_sub(cut_short)).rfind(|at| head.is_char_boundary(*at)).unwrap_or(0);
    let start = (cut_late..tail.len()).find(|at| tail.is_char_boundary(*at)).unwrap_or(tail.len());
    let (head, tail) = (&head[..end], &tail[start..]);
    let line_end = if head.ends_with('\n') { "" } else { "\n" };
    Ok(format!(
        "{head}{line_end}[... {left_out} bytes are left out here, the whole log is {} ...]\n{tail}",
        log.display()
    ))
}

/// Text for a mail: masked, and without what only a terminal understands.
fn readable(bytes: &[u8], secrets: &Secrets) -> String {
    let text = String::from_utf8_lossy(bytes);
    // A lone carriage return is a progress line written over: a line of its own here.
    let text = secrets.mask(&text).replace("\r\n", "\n").replace('\r', "\n");
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn of(content: &[u8], secrets: &[&str]) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("backup-last.log");
        fs::write(&path, content).expect("is written");
        let mut set = Secrets::new();
        for secret in secrets {
            set.add(secret);
        }
        excerpt(&path, &set).expect("is read")
    }

    #[test]
    fn a_short_log_is_whole_masked_and_readable() {
        let log = b"\x1b[1mone\x1b[0m\r\ntwo 1%\rtwo 2%\n\xff s3cret\tx\n";
        assert_eq!(of(log, &["s3cret"]), "[1mone[0m\ntwo 1%\ntwo 2%\n\u{fffd} ***\tx\n");
        assert_eq!(of(b"", &[]), "");
    }

    #[test]
    fn a_long_log_loses_its_middle_between_two_lines() {
        let line = |n: usize| format!("{n:0>99}\n");
        let log: String = (0..10_000).map(line).collect();
        let text = of(log.as_bytes(), &[]);
        assert!(text.len() as u64 <= HEAD + TAIL + 200, "{}", text.len());
        assert!(text.starts_with(&line(0)) && text.ends_with(&line(9999)));
        let notes: Vec<_> = text.lines().filter(|line| line.starts_with("[... ")).collect();
        let kept = text.lines().filter(|line| line.len() == 99).count();
        assert_eq!(notes.len(), 1);
        assert_eq!(kept, text.lines().count() - 1, "no line is cut");
        assert!(
            notes[0].starts_with(&format!("[... {} bytes are left out here, ", 1_000_000 - kept * 100)),
            "{notes:?}"
        );
    }

    #[test]
    fn a_secret_at_the_cut_of_an_endless_line_is_not_shown_in_half() {
        let mut log = vec![b'x'; 1_000_000];
        log[HEAD as usize - 3..HEAD as usize + 3].copy_from_slice(b"s3cret");
        let tail = log.len() - TAIL as usize;
        log[tail - 3..tail + 3].copy_from_slice(b"s3cret");
        log[10..16].copy_from_slice(b"s3cret");
        let text = of(&log, &["s3cret"]);
        let shown: String = text.chars().filter(|c| *c != 'x').collect();
        assert!(shown.starts_with("***\n[... "), "{shown}");
        assert!(!text.contains("s3c") && !text.contains("\nret"), "{shown}");
    }

    #[test]
    fn what_is_no_file_is_an_error() {
        assert!(excerpt(Path::new("/"), &Secrets::new()).is_err());
        assert!(excerpt(Path::new("/nowhere/x"), &Secrets::new()).is_err());
    }
}
