//! How much restic is asked to say by the words that the operator gave it.

/// What the operator's words say about output.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Voice {
    /// `--json` was asked for: the raw lines belong into the log.
    pub json: bool,
    /// 0 with `-q`, 1 by default, one more for each `-v`.
    pub level: u32,
    /// The snapshot named with `--parent`.
    pub parent: Option<String>,
}

/// Short flags of `restic backup` that take a value, which may follow as a word of its own.
const SHORT_WITH_VALUE: &str = "eHgrpo";

impl Voice {
    /// Reads the words as restic's flag parser would, as far as they bear on output.
    pub fn of<S: AsRef<str>>(words: &[S]) -> Self {
        let mut voice = Self { level: 1, ..Self::default() };
        let mut quiet = false;
        let mut words = words.iter().map(AsRef::as_ref);
        while let Some(word) = words.next() {
            if word == "--" {
                break;
            }
            if let Some(long) = word.strip_prefix("--") {
                let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
                match name {
                    "json" => voice.json = is_true(value),
                    "quiet" => quiet = is_true(value),
                    "verbose" => match value {
                        Some(value) => voice.level = 1 + value.parse().unwrap_or(1).min(3),
                        None => voice.level += 1,
                    },
                    "parent" => voice.parent = value.map(str::to_owned).or_else(|| words.next().map(str::to_owned)),
                    _ => {}
                }
            } else if let Some(cluster) = word.strip_prefix('-') {
                for (place, flag) in cluster.char_indices() {
                    match flag {
                        'q' => quiet = true,
                        'v' => voice.level += 1,
                        _ if SHORT_WITH_VALUE.contains(flag) => {
                            if place + flag.len_utf8() == cluster.len() {
                                words.next();
                            }
                            break;
                        }
                        _ => {}
                    }
                }
            }
        }
        if quiet {
            voice.level = 0;
        }
        voice
    }
}

fn is_true(value: Option<&str>) -> bool {
    // Go's strconv.ParseBool.
    value.is_none_or(|value| matches!(value, "1" | "t" | "T" | "true" | "TRUE" | "True"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(words: &[&str]) -> u32 {
        Voice::of(words).level
    }

    #[test]
    fn verbosity_counts_as_restic_counts() {
        assert_eq!(level(&[]), 1);
        assert_eq!((level(&["-v"]), level(&["-vv"]), level(&["-v", "--verbose"])), (2, 3, 3));
        assert_eq!((level(&["--verbose=2"]), level(&["-nv"])), (3, 2));
        assert_eq!((level(&["-q"]), level(&["--quiet"]), level(&["--quiet=false"])), (0, 0, 1));
    }

    #[test]
    fn the_value_of_a_flag_is_not_a_flag() {
        assert_eq!(level(&["-e", "-v"]), 1);
        assert_eq!(level(&["-evvv"]), 1);
        assert_eq!(level(&["--", "-v"]), 1);
    }

    #[test]
    fn json_and_parent_are_found_in_both_spellings() {
        assert!(Voice::of(&["--json"]).json && Voice::of(&["--json=true"]).json);
        assert!(!Voice::of(&["--json=false"]).json);
        for words in [&["--parent", "abc"][..], &["--parent=abc"]] {
            assert_eq!(Voice::of(words).parent.as_deref(), Some("abc"));
        }
    }
}
