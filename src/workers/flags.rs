//! Flags of an engine among the words that users give for it.

/// The names of the flags that a word sets, as restic reads it: one long name, or the letters of a bundle (`-qr/x`). The
/// letters in `with_value` take the rest of the word as their value.
pub fn names_in<'w>(word: &'w str, with_value: &str) -> Vec<&'w str> {
    if let Some(long) = word.strip_prefix("--") {
        return long.split('=').take(1).collect();
    }
    let letters = word.strip_prefix('-').unwrap_or_default();
    let mut names = Vec::new();
    for (place, letter) in letters.char_indices().take_while(|(_, letter)| *letter != '=') {
        names.push(&letters[place..place + letter.len_utf8()]);
        if with_value.contains(letter) {
            break;
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::names_in;

    #[test]
    fn a_word_sets_one_long_flag_or_a_bundle_of_short_ones() {
        assert_eq!(names_in("--repo=/x=y", "r"), ["repo"]);
        assert_eq!(names_in("-qr/h", "r"), ["q", "r"]);
        assert_eq!(names_in("-n=h", "r"), ["n"]);
        assert!(names_in("r", "r").is_empty() && names_in("-", "r").is_empty() && names_in("", "r").is_empty());
    }
}
