//! What others say, in a message of ours.

/// One line without control characters, at most `most` characters long.
pub fn quotable(text: &str, most: usize) -> String {
    let line: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(most + 1).collect();
    if line.chars().count() > most { line.chars().take(most).chain(['…']).collect() } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quotation_is_one_short_line() {
        assert_eq!(quotable("a\nb\u{1b}c\n", 10), "a b c");
        assert_eq!(quotable("äöü", 2), "äö…");
    }
}
