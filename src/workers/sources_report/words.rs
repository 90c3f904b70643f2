//! The words of `restic backup`, read as its flag parser reads them.

/// Long flags that take a value which is of no interest here.
const LONG_WITH_VALUE: &[&str] = &[
    "cacert",
    "compression",
    "group-by",
    "host",
    "hostname",
    "http-user-agent",
    "key-hint",
    "limit-download",
    "limit-upload",
    "option",
    "pack-size",
    "parent",
    "password-command",
    "password-file",
    "read-concurrency",
    "repo",
    "repository-file",
    "retry-lock",
    "stdin-filename",
    "stuck-request-timeout",
    "tag",
    "time",
    "tls-client-cert",
];

/// Short flags that take a value, by what they are short for.
const SHORT_WITH_VALUE: &[(u8, &str)] =
    &[(b'e', "exclude"), (b'g', "group-by"), (b'H', "host"), (b'o', "option"), (b'p', "password-file"), (b'r', "repo")];

/// What the words say about what is saved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct BackupWords {
    pub paths: Vec<String>,
    pub files_from: Vec<String>,
    pub files_from_verbatim: Vec<String>,
    pub files_from_raw: Vec<String>,
    pub exclude: Vec<String>,
    pub iexclude: Vec<String>,
    pub exclude_file: Vec<String>,
    pub iexclude_file: Vec<String>,
    pub exclude_if_present: Vec<String>,
    pub exclude_caches: bool,
    /// The last value given; empty for no limit.
    pub exclude_larger_than: String,
    pub one_file_system: bool,
    pub no_cache: bool,
    /// Where the cache is said to be.
    pub cache_dir: Option<String>,
    /// Data come from standard input or a command, not from paths.
    pub stdin: bool,
    ignored: Ignored,
}

impl BackupWords {
    /// Reads the words after `restic backup`.
    pub(super) fn of(words: &[String]) -> Self {
        let mut read = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if word == "--" {
                read.paths.extend(words.by_ref().cloned());
            } else if let Some(long) = word.strip_prefix("--") {
                let (name, glued) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
                if let Some(list) = read.valued(name) {
                    if let Some(value) = glued.map(str::to_owned).or_else(|| words.next().cloned()) {
                        list.push(value);
                    }
                } else {
                    read.switch(name, glued);
                }
            } else if word.len() > 1 && word.starts_with('-') {
                read.cluster(&word[1..], &mut words);
            } else {
                read.paths.push(word.clone());
            }
        }
        read
    }

    /// Several short flags in one word; the first that takes a value takes the rest of it, or the next word.
    fn cluster<'a>(&mut self, cluster: &str, words: &mut impl Iterator<Item = &'a String>) {
        for (at, flag) in cluster.char_indices() {
            let rest = &cluster[at + flag.len_utf8()..];
            let glued = rest.strip_prefix('=');
            if let Some((_, name)) = SHORT_WITH_VALUE.iter().find(|(short, _)| char::from(*short) == flag) {
                let value =
                    if rest.is_empty() { words.next().cloned() } else { Some(glued.unwrap_or(rest).to_owned()) };
                if let (Some(list), Some(value)) = (self.valued(name), value) {
                    list.push(value);
                }
                return;
            }
            if flag == 'x' {
                self.switch("one-file-system", glued);
            }
            if glued.is_some() {
                return;
            }
        }
    }

    /// Where the values of a flag go; `None` for one that takes none.
    fn valued(&mut self, name: &str) -> Option<&mut dyn Take> {
        Some(match name {
            "files-from" => &mut self.files_from,
            "files-from-verbatim" => &mut self.files_from_verbatim,
            "files-from-raw" => &mut self.files_from_raw,
            "exclude" => &mut self.exclude,
            "iexclude" => &mut self.iexclude,
            "exclude-file" => &mut self.exclude_file,
            "iexclude-file" => &mut self.iexclude_file,
            "exclude-if-present" => &mut self.exclude_if_present,
            "exclude-larger-than" => &mut self.exclude_larger_than,
            "cache-dir" => &mut self.cache_dir,
            other if LONG_WITH_VALUE.contains(&other) => &mut self.ignored,
            _ => return None,
        })
    }

    fn switch(&mut self, name: &str, value: Option<&str>) {
        // Go's strconv.ParseBool.
        let on = value.is_none_or(|value| matches!(value, "1" | "t" | "T" | "true" | "TRUE" | "True"));
        match name {
            "exclude-caches" => self.exclude_caches = on,
            "one-file-system" => self.one_file_system = on,
            "no-cache" => self.no_cache = on,
            "stdin" | "stdin-from-command" => self.stdin |= on,
            _ => {}
        }
    }
}

/// Something that takes the value of a flag.
trait Take {
    fn push(&mut self, value: String);
}

impl Take for Vec<String> {
    fn push(&mut self, value: String) {
        Vec::push(self, value);
    }
}

impl Take for String {
    fn push(&mut self, value: String) {
        *self = value;
    }
}

impl Take for Option<String> {
    fn push(&mut self, value: String) {
        *self = Some(value);
    }
}

/// Where a value goes that is of no interest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Ignored;

impl Take for Ignored {
    fn push(&mut self, _: String) {}
}

/// A size as restic reads it for `--exclude-larger-than`: bytes, or with one of `b`, `k`, `m`, `g`, `t` behind.
pub(super) fn size(text: &str) -> Option<u64> {
    let unit = match text.as_bytes().last()?.to_ascii_lowercase() {
        b'b' => Some(1),
        b'k' => Some(1 << 10),
        b'm' => Some(1 << 20),
        b'g' => Some(1 << 30),
        b't' => Some(1_u64 << 40),
        _ => None,
    };
    let number = if unit.is_some() { &text[..text.len() - 1] } else { text };
    let number: i64 = number.parse().ok()?;
    u64::try_from(number).ok()?.checked_mul(unit.unwrap_or(1)).filter(|size| i64::try_from(*size).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> BackupWords {
        BackupWords::of(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_value_is_found_in_every_spelling() {
        for words in [&["--exclude", "x"][..], &["--exclude=x"], &["-e", "x"], &["-ex"], &["-e=x"], &["-vfe", "x"]] {
            assert_eq!(read(words).exclude, ["x"], "{words:?}");
        }
        let read = read(&["-xe", "one", "--exclude", "two", "/a"]);
        assert!(read.one_file_system);
        assert_eq!((read.exclude, read.paths), (vec!["one".to_owned(), "two".to_owned()], vec!["/a".to_owned()]));
    }

    #[test]
    fn the_value_of_another_flag_is_no_source() {
        for flag in LONG_WITH_VALUE {
            assert_eq!(read(&[&format!("--{flag}"), "/value", "/a"]).paths, ["/a"], "--{flag}");
            assert_eq!(read(&[&format!("--{flag}=/value"), "/a"]).paths, ["/a"], "--{flag}=");
        }
        for (flag, _) in SHORT_WITH_VALUE {
            assert_eq!(read(&[&format!("-{}", char::from(*flag)), "/value", "/a"]).paths, ["/a"]);
        }
        for flag in ["--verbose", "-v", "-n", "-q", "--dry-run", "--with-atime", "--ignore-inode", "--no-scan"] {
            assert_eq!(read(&[flag, "/a"]).paths, ["/a"], "{flag}");
        }
    }

    #[test]
    fn after_two_dashes_everything_is_a_source() {
        assert_eq!(read(&["/a", "--", "-x", "--exclude"]).paths, ["/a", "-x", "--exclude"]);
        assert_eq!(read(&["-"]).paths, ["-"]);
    }

    #[test]
    fn a_switch_may_be_switched_off() {
        assert!(!read(&["-x", "--one-file-system=false"]).one_file_system);
        assert!(!read(&["-x=false"]).one_file_system);
        assert!(read(&["--exclude-caches"]).exclude_caches && !read(&["--exclude-caches=0"]).exclude_caches);
        assert_eq!(read(&["--exclude-larger-than", "1M", "--exclude-larger-than=2M"]).exclude_larger_than, "2M");
    }

    #[test]
    fn sizes_are_read_as_restic_reads_them() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("12", Some(12)),
            ("12b", Some(12)),
            ("1k", Some(1024)),
            ("2M", Some(2 << 20)),
            ("1T", Some(1 << 40)),
            ("+3", Some(3)),
            ("1Kb", None),
            ("x", None),
            ("", None),
            ("k", None),
            ("-1", None),
            ("1.5M", None),
            ("9999999999T", None),
        ] {
            assert_eq!(size(text), bytes, "{text}");
        }
    }
}
