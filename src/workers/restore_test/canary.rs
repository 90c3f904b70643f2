//! Canaries: files that must have come back with a known SHA-256. How they are written down.

use crate::workers::restore::table::shown;
use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canary {
    /// Its path in the snapshot; bytes, since names need not be UTF-8.
    pub path: OsString,
    /// 64 hex digits in lower case.
    pub expected: String,
}

/// The longest list, in bytes: some hundred thousand files.
const LONGEST_LIST: u64 = 16 * 1024 * 1024;

/// All canaries, or everything that is wrong with them in one line.
pub fn all(specs: &[String], file: Option<&str>) -> Result<Vec<Canary>, String> {
    let (mut canaries, mut wrong) = (Vec::new(), Vec::new());
    for spec in specs {
        match of_spec(spec) {
            Ok(canary) => canaries.push(canary),
            Err(error) => wrong.push(error),
        }
    }
    match file.map(|file| (file, read_list(file))) {
        None => {}
        Some((file, Ok(list))) => match of_list(&list) {
            Ok(more) => canaries.extend(more),
            Err(errors) => {
                wrong.extend(errors.into_iter().map(|error| format!("canary file '{}', {error}", shown(file))));
            }
        },
        Some((file, Err(error))) => wrong.push(format!(
            "canary file '{}' cannot be read ({error}): name a list as sha256sum writes it",
            shown(file)
        )),
    }
    if wrong.is_empty() { Ok(canaries) } else { Err(wrong.join("; ")) }
}

/// What a list has in it. Not of a pipe or a device: those may never end.
fn read_list(file: &str) -> Result<Vec<u8>, String> {
    let text = |error: std::io::Error| error.to_string();
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(file);
    let list = opened.map_err(text)?;
    if !list.metadata().map_err(text)?.is_file() {
        return Err("it is no regular file".to_owned());
    }
    let mut bytes = Vec::new();
    list.take(LONGEST_LIST + 1).read_to_end(&mut bytes).map_err(text)?;
    if bytes.len() as u64 > LONGEST_LIST {
        return Err("it is larger than 16 MiB".to_owned());
    }
    Ok(bytes)
}

/// `PATH=SHA256`, cut at the last `=`: paths may have some, too.
fn of_spec(spec: &str) -> Result<Canary, String> {
    let wrong = |what: &str| format!("canary '{}' {what}: write PATH=SHA256, with 64 hex digits", shown(spec));
    let (path, hash) = spec.rsplit_once('=').ok_or_else(|| wrong("has no '='"))?;
    let expected = sha256(hash.as_bytes()).ok_or_else(|| wrong("has no SHA-256 after its last '='"))?;
    check_path(path.as_bytes()).map_err(wrong)?;
    Ok(Canary { path: path.into(), expected })
}

/// The lines of a list as `sha256sum` writes it.
fn of_list(list: &[u8]) -> Result<Vec<Canary>, Vec<String>> {
    let (mut canaries, mut wrong) = (Vec::new(), Vec::new());
    let list = list.strip_prefix(b"\xef\xbb\xbf").unwrap_or(list);
    for (index, line) in list.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line).trim_ascii_start();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        match of_line(line) {
            Ok(canary) => canaries.push(canary),
            Err(what) => wrong.push(format!("line {} {what}: write a SHA-256, two blanks and a path", index + 1)),
        }
    }
    if wrong.is_empty() { Ok(canaries) } else { Err(wrong) }
}

/// `HASH  path`, `HASH *path`, and `\HASH  path` with `\\`, `\n` and `\r` in the path.
fn of_line(line: &[u8]) -> Result<Canary, &'static str> {
    let (escaped, line) = line.strip_prefix(b"\\").map_or((false, line), |rest| (true, rest));
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let end = line.iter().position(&is_blank).ok_or("has no path")?;
    let (hash, rest) = line.split_at(end);
    let expected = sha256(hash).ok_or("does not begin with 64 hex digits")?;
    // As it is written, the name begins after two bytes, and may begin with blanks of its own.
    let path = match rest {
        [b' ', b' ' | b'*', path @ ..] | [b'\t', b'*', path @ ..] => path,
        _ => &rest[rest.iter().position(|byte| !is_blank(byte)).unwrap_or(rest.len())..],
    };
    let path = if escaped { unescape(path).ok_or("has a '\\' in its path that means nothing")? } else { path.to_vec() };
    check_path(&path)?;
    Ok(Canary { path: OsString::from_vec(path), expected })
}

fn unescape(path: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(path.len());
    let mut bytes = path.iter();
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'\\' => match bytes.next()? {
                b'\\' => b'\\',
                b'n' => b'\n',
                b'r' => b'\r',
                _ => return None,
            },
            byte => *byte,
        });
    }
    Some(plain)
}

fn sha256(text: &[u8]) -> Option<String> {
    let is_one = text.len() == 64 && text.iter().all(u8::is_ascii_hexdigit);
    is_one.then(|| String::from_utf8_lossy(text).to_ascii_lowercase())
}

fn check_path(path: &[u8]) -> Result<(), &'static str> {
    if path.is_empty() {
        Err("has no path")
    } else if path.contains(&0) {
        Err("has a zero byte in its path")
    } else if path.split(|byte| *byte == b'/').any(|name| name == b"..") {
        Err("has '..' in its path, which could lead out of what was restored")
    } else {
        Ok(())
    }
}

/// A path for lines and reports.
pub fn text(path: &OsStr) -> String {
    String::from_utf8_lossy(path.as_bytes()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef";

    fn paths(list: &str) -> Vec<String> {
        let list = list.replace("HASH", HASH);
        of_list(list.as_bytes()).expect(&list).iter().map(|canary| text(&canary.path)).collect()
    }

    #[test]
    fn a_spec_is_cut_at_its_last_equals_sign() {
        let canary = of_spec(&format!("/a=b/c={HASH}")).expect("is one");
        assert_eq!((text(&canary.path).as_str(), canary.expected), ("/a=b/c", HASH.to_ascii_lowercase()));
    }

    #[test]
    fn what_is_no_canary_is_named() {
        let short = &HASH[1..];
        for (spec, what) in [
            ("/a".to_owned(), "has no '='"),
            (format!("/a={short}"), "has no SHA-256"),
            (format!("/a={short}g"), "has no SHA-256"),
            (format!("={HASH}"), "has no path"),
            (format!("/a/../b={HASH}"), "has '..'"),
        ] {
            let error = of_spec(&spec).expect_err(&spec);
            assert!(error.contains(what) && error.contains("PATH=SHA256"), "{error}");
        }
        // All of them at once.
        let error = all(&["x".to_owned(), "y".to_owned()], Some("/no/such/list")).expect_err("all are wrong");
        assert!(error.contains("'x'") && error.contains("'y'") && error.contains("'/no/such/list' cannot be read"));
    }

    #[test]
    fn a_list_is_read_as_sha256sum_writes_it() {
        assert_eq!(
            paths("\n  # remark\nHASH  /a b\r\n \tHASH */bin\nHASH  two  blanks \nHASH /one\nHASH\t/tab\n"),
            ["/a b", "/bin", "two  blanks ", "/one", "/tab"]
        );
        assert_eq!(paths("\\HASH  /a\\\\b\\nc\\rd\nHASH  /a\\nb"), ["/a\\b\nc\rd", "/a\\nb"]);
        assert_eq!(paths("\u{feff}HASH  *x"), ["*x"]);
        assert_eq!(
            paths("HASH   lead\nHASH *  two\nHASH \t/loose\nHASH\t \t/too"),
            [" lead", "  two", "/loose", "/too"]
        );
        assert_eq!(of_list(b"# nothing\r\n\r\n"), Ok(Vec::new()));
    }

    /// A pipe would be waited for for ever, and a device fills the memory.
    #[test]
    fn a_list_is_a_regular_file_of_some_size() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = |name: &str| folder.path().join(name).display().to_string();
        nix::unistd::mkfifo(at("pipe").as_str(), nix::sys::stat::Mode::S_IRWXU).expect("is made");
        std::fs::File::create(at("large")).and_then(|file| file.set_len(LONGEST_LIST + 1)).expect("is made");
        for (file, what) in [
            (at("pipe"), "no regular file"),
            ("/dev/zero".to_owned(), "no regular file"),
            (at("."), "no regular file"),
            (at("large"), "larger than 16 MiB"),
        ] {
            let error = all(&[], Some(&file)).expect_err(&file);
            assert!(error.contains("cannot be read") && error.contains(what), "{error}");
        }
    }

    #[test]
    fn every_wrong_line_is_named_by_its_number() {
        let list = format!("{HASH}  /a\nnope  /b\n{HASH}\n\\{HASH}  /c\\x\n{HASH}  ../d\n");
        let errors = of_list(list.as_bytes()).expect_err("is wrong");
        assert_eq!(errors.len(), 4);
        for (error, number) in errors.iter().zip([2, 3, 4, 5]) {
            assert!(error.starts_with(&format!("line {number} ")), "{error}");
        }
    }

    #[test]
    fn a_name_need_not_be_text() {
        let list = [HASH.as_bytes(), b"  /a\xff\x01"].concat();
        assert_eq!(of_list(&list).expect("is one")[0].path.as_bytes(), b"/a\xff\x01");
    }
}
