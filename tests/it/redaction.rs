//! What differs from run to run, taken out of a text so that the rest can be compared word by word.

use crate::support::Sandbox;

impl Sandbox {
    /// The text without what differs from run to run: the sandbox's folder is `$T`, times, ids and durations have one
    /// value.
    pub fn redacted(&self, text: &str) -> String {
        let folder = self.path("").display().to_string();
        let mut text = text.replace(folder.trim_end_matches('/'), "$T");
        for (shape, with) in [
            ("9999-99-99T99:99:99+9999", "<time>"),
            ("9999-99-99 AAA 99:99:99", "<ts>"),
            ("9999-99-99 99:99:99", "<when>"),
            ("99999999T999999Z-W-xxxxxxxx", "<run>"),
            ("snapshot xxxxxxxx saved", "snapshot <id> saved"),
            ("after Nm Ns", "after 0m 0s"),
            ("in Ns (exit", "in 0s (exit"),
            (" 9.99s", " 0.00s"),
            ("\"duration_ms\":N", "\"duration_ms\":0"),
            ("\"duration_seconds\": N", "\"duration_seconds\": 0"),
            ("in N:99", "in 0:00"),
        ] {
            text = replace_shape(&text, shape, with);
        }
        text
    }
}

/// Replaces whatever has this shape: `9` is a digit, `N` one or more of them, `x` a hexadecimal digit, `A` a letter, `W`
/// one or more small letters, everything else stands for itself.
fn replace_shape(text: &str, shape: &str, with: &str) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(length) = length_of_shape(rest, shape) {
            replaced.push_str(with);
            rest = &rest[length..];
        } else {
            replaced.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    replaced
}

fn length_of_shape(text: &str, shape: &str) -> Option<usize> {
    let mut rest = text;
    for symbol in shape.chars() {
        let fits = |c: char| match symbol {
            '9' | 'N' => c.is_ascii_digit(),
            'x' => c.is_ascii_digit() || ('a'..='f').contains(&c),
            'A' => c.is_ascii_alphabetic(),
            'W' => c.is_ascii_lowercase(),
            literal => c == literal,
        };
        let end = match symbol {
            'N' | 'W' => rest.find(|c| !fits(c)).unwrap_or(rest.len()),
            _ => rest.chars().next().filter(|c| fits(*c)).map_or(0, char::len_utf8),
        };
        if end == 0 {
            return None;
        }
        rest = &rest[end..];
    }
    Some(text.len() - rest.len())
}
