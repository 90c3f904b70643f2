//! Snapshots as a table for people: columns by display width, without anything that a terminal would obey.

use super::snapshots::Snapshot;

const WIDTHS: [usize; 5] = [3, 8, 19, 12, 13];
const HEAD: [&str; 6] = ["#", "SNAPSHOT", "TIME", "HOST", "TAGS", "PATHS"];

/// The head of two lines and a row for each of the first `limit` snapshots, numbered from 1.
pub fn render(snapshots: &[Snapshot], limit: usize) -> String {
    let mut text = line(&HEAD.map(str::to_owned));
    let rule = |width: usize| "-".repeat(width);
    let mut rules: Vec<String> = WIDTHS.iter().copied().map(rule).collect();
    rules.push(rule(HEAD[5].len()));
    text.push_str(&line(&rules));
    for (index, snapshot) in snapshots.iter().take(limit).enumerate() {
        text.push_str(&line(&[
            (index + 1).to_string(),
            snapshot.short().to_owned(),
            snapshot.time.chars().take(WIDTHS[2]).collect(),
            snapshot.hostname.clone(),
            snapshot.tags.join(","),
            snapshot.paths.join(","),
        ]));
    }
    text
}

fn line(cells: &[String]) -> String {
    let mut text = String::from(" ");
    for (index, cell) in cells.iter().enumerate() {
        let cell = shown(cell);
        text.push(' ');
        text.push_str(&cell);
        // Blanks at the end of a line are nobody's column.
        if index + 1 < cells.len() {
            let pad = WIDTHS.get(index).map_or(0, |width| width.saturating_sub(width_of(&cell)));
            text.extend(std::iter::repeat_n(' ', pad));
        }
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// Text from a repository or a person as it may be shown: what a terminal would obey (control characters, changes of
/// the writing direction) becomes a question mark.
pub fn shown(text: &str) -> String {
    text.chars().map(|c| if is_obeyed(c) { '?' } else { c }).collect()
}

fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// How many columns a terminal takes for `text`.
pub fn width_of(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// Zero for what joins the character before it, two for what East Asian fonts and emoji draw wide (Unicode's
/// EastAsianWidth.txt, by its large blocks).
fn char_width(c: char) -> usize {
    match u32::from(c) {
        0x0300..=0x036F
        | 0x0483..=0x0489
        | 0x0591..=0x05BD
        | 0x0610..=0x061A
        | 0x064B..=0x065F
        | 0x1AB0..=0x1AFF
        | 0x1DC0..=0x1DFF
        | 0x200B..=0x200D
        | 0x20D0..=0x20FF
        | 0xFE00..=0xFE0F
        | 0xFE20..=0xFE2F
        | 0xFEFF
        | 0xE0100..=0xE01EF => 0,
        0x1100..=0x115F
        | 0x2E80..=0x303E
        | 0x3041..=0xA4CF
        | 0xA960..=0xA97F
        | 0xAC00..=0xD7A3
        | 0xF900..=0xFAFF
        | 0xFE30..=0xFE6F
        | 0xFF00..=0xFF60
        | 0xFFE0..=0xFFE6
        | 0x1F300..=0x1F64F
        | 0x1F680..=0x1F6FF
        | 0x1F900..=0x1F9FF
        | 0x1FA70..=0x1FAFF
        | 0x20000..=0x3FFFD => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workers::restore::snapshots::parse;

    #[test]
    fn columns_are_aligned_by_display_width() {
        let json = r#"[
            {"time":"2026-05-01T06:00:00.5+02:00","hostname":"機械","tags":["a","b"],"paths":["/データ","/x y"],
             "id":"aaaaaaaabbbb","short_id":"aaaaaaaa"},
            {"time":"2026-04-01T06:00:00Z","hostname":"node-a","paths":["/data"],"id":"ccccccccdddd","short_id":"cccccccc"}
        ]"#;
        let table = render(&parse(json.as_bytes()).expect("is JSON"), usize::MAX);
        assert_eq!(
            table,
            "  #   SNAPSHOT TIME                HOST         TAGS          PATHS\n\
             \x20 --- -------- ------------------- ------------ ------------- -----\n\
             \x20 1   aaaaaaaa 2026-05-01T06:00:00 機械         a,b           /データ,/x y\n\
             \x20 2   cccccccc 2026-04-01T06:00:00 node-a                     /data\n"
        );
    }

    #[test]
    fn the_limit_counts_rows() {
        let row = |n: u32| {
            format!(
                r#"{{"time":"2026-05-{n:02}T06:00:00Z","hostname":"h","paths":["/"],"id":"{n:08}ff","short_id":"{n:08}"}}"#
            )
        };
        let json = format!("[{}]", (1..=12).map(row).collect::<Vec<_>>().join(","));
        let snapshots = parse(json.as_bytes()).expect("is JSON");
        assert_eq!(render(&snapshots, 10).lines().count(), 2 + 10);
    }

    #[test]
    fn a_terminal_is_given_nothing_to_obey() {
        assert_eq!(shown("a\x1b[31mb\r\n\u{9b}2J\u{202e}c\td\u{7f}"), "a?[31mb???2J?c?d?");
        assert_eq!(shown("größe 大 ✅"), "größe 大 ✅");
    }
}
