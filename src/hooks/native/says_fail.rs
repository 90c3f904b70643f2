//! Whether a file says `onError: Fail` anywhere: then its mistakes cost the run, however broken it is.

use super::super::document::{Node, Yaml};
use super::super::near;

/// Whether it stands anywhere in a document, also below a key that is none; a misspelt `onError` counts.
pub(super) fn anywhere(node: &Node) -> bool {
    match &node.value {
        Yaml::List(items) => items.iter().any(anywhere),
        Yaml::Map(entries) => entries.iter().any(|entry| {
            let says = entry.value.text().is_some_and(|text| text.trim().eq_ignore_ascii_case("fail"));
            says && near::nearest(&entry.key, ["onError"]).is_some() || anywhere(&entry.value)
        }),
        _ => false,
    }
}

/// Whether it stands in a text that cannot be read as YAML, outside of lines that are comments.
pub fn says_fail(text: &str) -> bool {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let lower = lines.collect::<Vec<_>>().join("\n").to_ascii_lowercase();
    lower.match_indices("onerror").any(|(place, word)| {
        let rest = lower[place + word.len()..].trim_start_matches(['"', '\'']).trim_start();
        let Some(rest) = rest.strip_prefix(':') else { return false };
        let value = rest.trim_start().trim_start_matches(['"', '\'']);
        value.strip_prefix("fail").is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hooks::document;

    #[test]
    fn it_is_found_in_what_cannot_be_read() {
        for (text, expected) in [
            ("hooks: [\n  onError: Fail\n", true),
            ("{\"onError\" : \"FAIL\"", true),
            ("onError: 'fail'", true),
            ("onError:\n  Fail", true),
            ("onError: Continue\n", false),
            ("onError: failing", false),
            ("# onError: Fail\nonError: Continue", false),
            ("on error: Fail", false),
            ("onError", false),
            ("onError: é", false),
        ] {
            assert_eq!(says_fail(text), expected, "{text}");
        }
    }

    #[test]
    fn it_is_found_anywhere_in_a_document() {
        let found = |text: &str| anywhere(&document::read(text).expect("is YAML")[0]);
        assert!(found("hooks: {preBakcup: [{onError: fail}]}"));
        assert!(found("x: [{y: {onEror: 'FAIL'}}]"));
        assert!(!found("hooks: {preBackup: [{onError: Continue, name: Fail}]}"));
    }
}
