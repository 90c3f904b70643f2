//! The nearest right word to one that is wrong.

/// How many letters may be wrong, missing or swapped in a word that is still meant.
pub const NEAR: usize = 2;

/// How many letters must be put in, taken out, changed or swapped with their neighbour to make `from` into `to`;
/// `usize::MAX` if their lengths alone are further apart than [`NEAR`].
pub fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    if from.len().abs_diff(to.len()) > NEAR {
        return usize::MAX;
    }
    let mut rows: Vec<Vec<usize>> = vec![(0..=to.len()).collect()];
    for i in 1..=from.len() {
        let mut row = vec![i];
        for j in 1..=to.len() {
            let same = usize::from(from[i - 1] != to[j - 1]);
            let mut least = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + same);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

/// The nearest of `words` to `given`: one that differs in case, hyphens and underscores alone, or in at most
/// [`NEAR`] letters, and then in fewer than half of its own.
pub fn nearest<'a>(given: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = bare(given);
    let near =
        words.into_iter().map(|word| (distance(&plain, &bare(word)), word)).min_by_key(|(letters, _)| *letters)?;
    let (letters, word) = near;
    (letters <= NEAR && letters * 2 < word.chars().count()).then_some(word)
}

/// Lower case, without the signs that people put between the parts of a word.
fn bare(word: &str) -> String {
    // A word of any length may be given; none that is right is near a long one.
    word.chars().take(100).filter(|c| !matches!(c, '-' | '_' | ' ' | '.')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swapped_neighbours_count_as_one_mistake() {
        assert_eq!(distance("pre-bakcup", "pre-backup"), 1);
        assert_eq!(distance("pre-check", "pre-check"), 0);
        assert_eq!(distance("prepare", "pre-all"), 3);
    }

    #[test]
    fn the_nearest_word_is_found_whatever_its_case_and_signs() {
        let words = ["timeout", "onError", "exec", "name"];
        for (given, expected) in [
            ("tmieout", Some("timeout")),
            ("on_error", Some("onError")),
            ("ON-ERROR", Some("onError")),
            ("exce", Some("exec")),
            ("nmae", Some("name")),
            ("image", None),
            ("", None),
            ("n", None),
        ] {
            assert_eq!(nearest(given, words), expected, "{given}");
        }
        assert_eq!(nearest(&"x".repeat(1_000_000), words), None);
    }
}
