//! The `#!` line: what the kernel makes of it (execve(2): Interpreter scripts), and whether it can.

use super::Finding;
use super::permissions::{Access, may, reason};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// How much of a file's beginning the kernel looks at (`BINPRM_BUF_SIZE`).
const KERNEL_READS: usize = 256;

/// Where programs are looked for when `PATH` is not set, as the C library does it.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// What a file begins with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beginning<'a> {
    /// Nothing: the file is empty.
    Empty,
    /// A program that the kernel runs itself.
    Binary,
    /// No `#!` line, or one without an interpreter.
    Text,
    /// A byte order mark, behind which the kernel does not see the `#!` line.
    ByteOrderMark,
    /// A `#!` line that the kernel does not read to its end.
    TooLong,
    /// A `#!` line.
    Interpreter {
        /// The path.
        program: &'a [u8],
        /// All that follows, in one piece.
        argument: Option<&'a [u8]>,
        /// Whether a carriage return stands at its end.
        carriage_return: bool,
    },
}

/// Reads the first bytes of a file as the kernel does.
pub(super) fn read(head: &[u8]) -> Beginning<'_> {
    if head.is_empty() {
        return Beginning::Empty;
    }
    if head.starts_with(b"\x7fELF") {
        return Beginning::Binary;
    }
    if head.starts_with(b"\xef\xbb\xbf#!") {
        return Beginning::ByteOrderMark;
    }
    let Some(rest) = head.strip_prefix(b"#!") else { return Beginning::Text };
    let line = match rest.iter().position(|byte| *byte == b'\n') {
        Some(end) if end + 2 < KERNEL_READS => &rest[..end],
        None if head.len() < KERNEL_READS => rest,
        _ => return Beginning::TooLong,
    };
    let carriage_return = line.ends_with(b"\r");
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = trimmed(line);
    if line.is_empty() {
        return Beginning::Text;
    }
    let end = line.iter().position(|byte| is_blank(*byte) || *byte == 0).unwrap_or(line.len());
    let argument = trimmed(&line[end..]);
    Beginning::Interpreter {
        program: &line[..end],
        argument: (!argument.is_empty()).then_some(argument),
        carriage_return,
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn trimmed(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_blank(*first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && is_blank(*last)
    {
        text = rest;
    }
    text
}

/// Why a script at `script` with this beginning cannot run, if so. `path` is the `PATH` it will have.
pub(super) fn problem(script: &Path, beginning: &Beginning<'_>, path: &str) -> Option<Finding> {
    match beginning {
        Beginning::Interpreter { program, carriage_return: true, .. } => Some(Finding {
            what: format!(
                "has a carriage return at the end of its #! line (Windows line ends): the kernel looks for '{}\\r'",
                String::from_utf8_lossy(program)
            ),
            mend: format!("sed -i 's/\\r$//' {}", script.display()),
        }),
        Beginning::Interpreter { program, argument, carriage_return: false } => interpreter(program, *argument, path),
        Beginning::TooLong => Some(Finding {
            what: format!("has a #! line of more than {} bytes, which the kernel does not read", KERNEL_READS - 1),
            mend: "shorten it".to_owned(),
        }),
        Beginning::Empty | Beginning::Binary | Beginning::Text | Beginning::ByteOrderMark => None,
    }
}

/// What is doubtful about a script with this beginning though it runs.
pub(super) fn warning(script: &Path, beginning: &Beginning<'_>) -> Option<Finding> {
    let add = "write #!/bin/sh as its first line".to_owned();
    match beginning {
        Beginning::Empty => Some(Finding {
            what: "is empty: it runs, and does nothing".to_owned(),
            mend: "write a script into it, or take it away".to_owned(),
        }),
        Beginning::Text => Some(Finding { what: "has no #! line: /bin/sh runs it".to_owned(), mend: add }),
        Beginning::ByteOrderMark => Some(Finding {
            what: "begins with a byte order mark, behind which its #! line is not seen: /bin/sh runs it".to_owned(),
            mend: format!("sed -i '1s/^\\xef\\xbb\\xbf//' {}", script.display()),
        }),
        Beginning::Binary | Beginning::TooLong | Beginning::Interpreter { .. } => None,
    }
}

fn interpreter(program: &[u8], argument: Option<&[u8]>, path: &str) -> Option<Finding> {
    // Hooks run in `/`: that is where a path without a slash in front is looked for.
    let file = Path::new("/").join(OsStr::from_bytes(program));
    let shown = String::from_utf8_lossy(program);
    if let Some(why) = not_runnable(&file) {
        let mend = match file.file_name().and_then(|name| look_up(name, path)) {
            Some(there) if why == MISSING => format!("write #!{}, where it is", there.display()),
            _ if why == MISSING => "install it in the image, or name an interpreter that is there".to_owned(),
            _ => "name an interpreter that can be executed".to_owned(),
        };
        return Some(Finding { what: format!("needs the interpreter {shown}, which {why}"), mend });
    }
    if file.file_name() == Some(OsStr::new("env")) { through_env(&shown, argument?, path) } else { None }
}

const MISSING: &str = "does not exist";

fn not_runnable(file: &Path) -> Option<String> {
    match fs::metadata(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some(MISSING.to_owned()),
        Err(error) => Some(format!("cannot be looked at ({})", reason(&error))),
        Ok(found) if found.is_dir() => Some("is a folder".to_owned()),
        Ok(_) if !may(file, Access::Execute) => Some("cannot be executed".to_owned()),
        Ok(_) => None,
    }
}

/// `env` looks for the program in `PATH`. The kernel hands it all that follows as one word.
fn through_env(env: &str, argument: &[u8], path: &str) -> Option<Finding> {
    let argument = String::from_utf8_lossy(argument);
    let words = match ["-S", "--split-string=", "-vS"].iter().find_map(|option| argument.strip_prefix(option)) {
        // Quotes, escapes and variables are env's own language: not judged here.
        Some(words) if words.contains(['"', '\'', '\\', '$', '#']) => return None,
        Some(words) => words.split_ascii_whitespace().collect::<Vec<_>>(),
        None if argument.starts_with('-') || argument.contains('=') => return None,
        None if argument.contains([' ', '\t']) => {
            return Some(Finding {
                what: format!("asks {env} for a program called '{argument}', since the kernel does not split the line"),
                mend: format!("write #!{env} -S {argument}, or name the interpreter without env"),
            });
        }
        None => vec![&*argument],
    };
    let program = words.into_iter().find(|word| !word.contains('='))?;
    if program.starts_with('-') {
        return None;
    }
    let found = if program.contains('/') {
        not_runnable(&Path::new("/").join(program)).is_none()
    } else {
        look_up(OsStr::new(program), path).is_some()
    };
    (!found).then(|| Finding {
        what: format!("needs the interpreter {program}, which {env} does not find in PATH"),
        mend: "install it in the image, or name an interpreter that is there".to_owned(),
    })
}

fn look_up(program: &OsStr, path: &str) -> Option<PathBuf> {
    let path = if path.is_empty() { DEFAULT_PATH } else { path };
    path.split(':')
        .map(|folder| Path::new("/").join(folder).join(program))
        .find(|file| file.is_file() && may(file, Access::Execute))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem_of(head: &[u8], path: &str) -> Option<Finding> {
        problem(Path::new("/hooks/pre-backup.sh"), &read(head), path)
    }

    #[test]
    fn the_line_is_cut_as_the_kernel_cuts_it() {
        assert_eq!(
            read(b"#! /bin/sh  -e x \necho"),
            Beginning::Interpreter { program: b"/bin/sh", argument: Some(b"-e x"), carriage_return: false }
        );
        assert_eq!(
            read(b"#!/bin/sh"),
            Beginning::Interpreter { program: b"/bin/sh", argument: None, carriage_return: false }
        );
        assert_eq!(read(b"#!  \necho"), Beginning::Text);
        assert_eq!(read(b"echo\n"), Beginning::Text);
        assert_eq!(read(b""), Beginning::Empty);
        assert_eq!(read(b"\x7fELF\x02"), Beginning::Binary);
        assert_eq!(read(b"\xef\xbb\xbf#!/bin/sh\n"), Beginning::ByteOrderMark);
        assert_eq!(read(&[b"#!/".to_vec(), vec![b'a'; 300]].concat()), Beginning::TooLong);
    }

    #[test]
    fn a_carriage_return_is_seen_with_and_without_an_argument() {
        for head in [&b"#!/bin/sh\r\necho\r\n"[..], b"#!/bin/sh -e\r\necho", b"#!/usr/bin/env sh\r\n"] {
            let found = problem_of(head, "/bin").expect("is found");
            assert!(found.what.contains("carriage return"), "{found:?}");
            assert_eq!(found.mend, "sed -i 's/\\r$//' /hooks/pre-backup.sh");
        }
    }

    #[test]
    fn a_missing_interpreter_is_named() {
        let found = problem_of(b"#!/opt/none/perl6\n", "/bin").expect("is found");
        assert_eq!(found.what, "needs the interpreter /opt/none/perl6, which does not exist");
        let found = problem_of(b"#!/opt/none/sh\n", "/bin").expect("is found");
        assert_eq!(found.mend, "write #!/bin/sh, where it is");
    }

    #[test]
    fn an_interpreter_that_is_a_folder_or_no_program_is_named() {
        let found = problem_of(b"#!/usr\n", "").expect("is found");
        assert!(found.what.ends_with("which is a folder"), "{found:?}");
        let found = problem_of(b"#!/etc/passwd\n", "").expect("is found");
        assert!(found.what.ends_with("which cannot be executed"), "{found:?}");
    }

    #[test]
    fn env_is_followed_into_the_path() {
        assert_eq!(problem_of(b"#!/usr/bin/env sh\n", ""), None);
        assert_eq!(problem_of(b"#!/usr/bin/env -S A=1 sh -eu\n", "/bin"), None);
        let found = problem_of(b"#!/usr/bin/env sh\n", "/nowhere").expect("is found");
        assert_eq!(found.what, "needs the interpreter sh, which /usr/bin/env does not find in PATH");
        let found = problem_of(b"#!/usr/bin/env -S nopython -u\n", "/bin").expect("is found");
        assert!(found.what.contains("nopython"), "{found:?}");
    }

    #[test]
    fn env_gets_the_rest_of_the_line_as_one_word() {
        let found = problem_of(b"#!/usr/bin/env sh -e\n", "/bin").expect("is found");
        assert!(found.what.contains("a program called 'sh -e'"), "{found:?}");
        assert!(found.mend.starts_with("write #!/usr/bin/env -S sh -e"), "{found:?}");
    }

    #[test]
    fn what_env_would_read_in_its_own_language_is_not_judged() {
        for head in [&b"#!/usr/bin/env -S \"my sh\" -e\n"[..], b"#!/usr/bin/env -i\n", b"#!/usr/bin/env A=1\n"] {
            assert_eq!(problem_of(head, "/bin"), None);
        }
    }
}
