//! Word lists: quotes group, a backslash escapes only a blank, a quote or a backslash, newlines separate.
//!
//! Nothing is expanded and nothing is a comment. Between single quotes everything stands for itself. A backslash at
//! the end of a line joins the next line, so that a list can be written over several lines as in a shell.

/// Why a word list cannot be split.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// A quote is never closed.
    #[error("has an opening {quote} at character {at} that is never closed")]
    Unclosed {
        /// The quote.
        quote: char,
        /// Its place, counted in characters from 1.
        at: usize,
    },
}

/// The words of a list.
///
/// # Errors
/// When a quote is never closed.
pub fn split(raw: &str) -> Result<Vec<String>, WordsError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted: Option<(char, usize)> = None;
    let mut rest = raw.chars().enumerate().peekable();
    while let Some((at, c)) = rest.next() {
        match (c, quoted) {
            (_, Some((quote, _))) if c == quote => quoted = None,
            ('\\', None | Some(('"', _))) => {
                let next = rest.peek().map(|(_, next)| *next);
                if next == Some('\n') && quoted.is_none() {
                    rest.next();
                } else {
                    let escaped = next.filter(|next| matches!(next, ' ' | '\t' | '"' | '\'' | '\\'));
                    if escaped.is_some() {
                        rest.next();
                    }
                    word.get_or_insert_default().push(escaped.unwrap_or(c));
                }
            }
            ('"' | '\'', None) => {
                quoted = Some((c, at + 1));
                word.get_or_insert_default();
            }
            (' ' | '\t' | '\n' | '\r', None) => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    if let Some((quote, at)) = quoted {
        return Err(WordsError::Unclosed { quote, at });
    }
    words.extend(word);
    Ok(words)
}

/// A word in such quotes that [`split`] reads it back.
pub fn quote(word: &str) -> String {
    if !word.is_empty() && !word.contains([' ', '\t', '\n', '\r', '\'', '"', '\\']) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// A sentence without a period that shows both readings where a plain split at blanks of the first line, as scripts
/// do it, gives other words than [`split`]; `None` where they agree or the list is in error. Mask before showing.
pub fn differs_from_plain(raw: &str) -> Option<String> {
    let words = split(raw).ok()?;
    let plain: Vec<&str> =
        raw.lines().next().unwrap_or_default().split([' ', '\t']).filter(|w| !w.is_empty()).collect();
    (words != plain).then(|| {
        format!(
            "is read as {}; a plain split at the blanks of its first line would give {}",
            in_brackets(&words),
            in_brackets(&plain)
        )
    })
}

fn in_brackets(words: &[impl AsRef<str>]) -> String {
    if words.is_empty() {
        return "no words".to_owned();
    }
    words.iter().map(|word| format!("[{}]", word.as_ref())).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(raw: &str) -> Vec<String> {
        split(raw).unwrap_or_else(|error| panic!("{raw:?} {error}"))
    }

    #[test]
    fn blanks_and_newlines_separate() {
        assert_eq!(
            words("--keep-last 3\n--keep-daily\t7\r\n  --prune "),
            ["--keep-last", "3", "--keep-daily", "7", "--prune"]
        );
        assert_eq!(words(" \n\t "), [""; 0]);
    }

    #[test]
    fn quotes_group() {
        assert_eq!(
            words(r#"--exclude "a b" 'c  d' --x="e f"g '' """#),
            ["--exclude", "a b", "c  d", "--x=e fg", "", ""]
        );
        assert_eq!(words("'a\nb' \"it's\" '\"'"), ["a\nb", "it's", "\""]);
    }

    #[test]
    fn a_backslash_escapes_a_blank_a_quote_or_a_backslash_and_nothing_else() {
        assert_eq!(words(r#"a\ b it\'s \"x\" c:\\d C:\dir \n"#), ["a b", "it's", "\"x\"", r"c:\d", r"C:\dir", r"\n"]);
        assert_eq!(words(r#""a\"b" "C:\dir\\" '\a\\' end\"#), ["a\"b", r"C:\dir\", r"\a\\", r"end\"]);
    }

    #[test]
    fn a_backslash_at_the_end_of_a_line_joins_the_next() {
        assert_eq!(words("--exclude a \\\n  --exclude b\\\nc"), ["--exclude", "a", "--exclude", "bc"]);
    }

    #[test]
    fn nothing_is_expanded_and_nothing_is_a_comment() {
        assert_eq!(words("# $HOME *.tmp ~ `x`"), ["#", "$HOME", "*.tmp", "~", "`x`"]);
    }

    #[test]
    fn an_unclosed_quote_is_an_error_with_its_place() {
        assert_eq!(split("--exclude it's"), Err(WordsError::Unclosed { quote: '\'', at: 13 }));
        assert_eq!(split("\"a\\\""), Err(WordsError::Unclosed { quote: '"', at: 1 }));
    }

    #[test]
    fn a_different_reading_is_shown_with_both() {
        assert_eq!(differs_from_plain("--keep-last  3 "), None);
        assert_eq!(
            differs_from_plain("--exclude \"a b\"").as_deref(),
            Some(
                "is read as [--exclude] [a b]; a plain split at the blanks of its first line would give [--exclude] [\"a] [b\"]"
            )
        );
        assert!(differs_from_plain("--keep-last 3\n--prune").is_some());
        assert_eq!(differs_from_plain("it's"), None, "an error is reported as such");
    }

    proptest! {
        #[test]
        fn any_text_is_split_without_a_panic(raw in any::<String>()) {
            let _ = split(&raw);
            let _ = differs_from_plain(&raw);
        }

        #[test]
        fn quotes_and_backslashes_never_panic(raw in r#"[ \t\n\r'"\\a]{0,12}"#) {
            let _ = split(&raw);
        }

        #[test]
        fn quoted_words_come_back(list in prop::collection::vec(any::<String>(), 0..6)) {
            let raw = list.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(words(&raw), list);
        }

        #[test]
        fn difficult_quoted_words_come_back(list in prop::collection::vec(r#"[ \t\n\r'"\\a]{0,8}"#, 0..6)) {
            let raw = list.iter().map(|word| quote(word)).collect::<Vec<_>>().join("\n");
            prop_assert_eq!(words(&raw), list);
        }
    }
}
