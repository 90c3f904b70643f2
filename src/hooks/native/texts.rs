//! Texts of the native form: templates, and where in the file a mistake in one stands.

use super::super::Text;
use super::super::document::Node;
use super::super::template::{Template, Trust};
use super::check::Checker;
use super::path::Path;

/// Reads a text; a template that does not parse is a mistake.
pub(super) fn read(checker: &mut Checker, node: &Node, path: &Path<'_>) -> Text {
    let Some(text) = node.text() else { return Text::plain("") };
    if !Template::is_in(text) {
        return Text::plain(text);
    }
    match Template::parse(text, Trust::Own) {
        Ok(template) => Text::Template(template),
        Err(error) => {
            let (at, within) = place(node, error.line, error.column);
            let what = format!("the template of {path} does not parse{within}: {}", error.what);
            checker.mistake(at, what, "mend it, or write a {{ that is none as {{\"{{\"}}");
            Text::plain(text)
        }
    }
}

/// The place in the file of a place in a text; where the file does not show the text as it is, the beginning of the text,
/// and words that name the line.
pub(super) fn place(node: &Node, line: usize, column: usize) -> (super::super::document::At, String) {
    match node.place_in_text(line, column) {
        Some(at) => (at, String::new()),
        None if line > 1 => (node.at, format!(" (line {line} of the text)")),
        None => (node.at, String::new()),
    }
}

/// A text with an `x` for each of its actions: what stands there whatever they print.
pub(super) fn outside_actions(text: &Text) -> String {
    let source = text.source();
    if text.template().is_none() {
        return source.to_owned();
    }
    let mut outside = String::new();
    let mut rest = source;
    while let Some(begin) = rest.find("{{") {
        outside.push_str(&rest[..begin]);
        outside.push('x');
        rest = &rest[begin + 2..];
        let Some(end) = end_of_action(rest) else { return outside };
        rest = &rest[end..];
    }
    outside + rest
}

/// Where the text after an action begins; a `}}` in quotes or in a comment does not end it.
fn end_of_action(inside: &str) -> Option<usize> {
    let trimmed = inside.strip_prefix("- ").unwrap_or(inside).trim_start();
    if let Some(comment) = trimmed.strip_prefix("/*") {
        let after = comment.find("*/")? + 2;
        let close = comment[after..].find("}}")?;
        return Some(inside.len() - comment.len() + after + close + 2);
    }
    let mut quote = None;
    let mut letters = inside.char_indices();
    while let Some((place, letter)) = letters.next() {
        match (quote, letter) {
            (Some('"'), '\\') => {
                letters.next();
            }
            (Some(open), letter) if open == letter => quote = None,
            (None, '"' | '`') => quote = Some(letter),
            (None, '}') if inside[place..].starts_with("}}") => return Some(place + 2),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_outside_of_actions_is_told_apart() {
        for (source, expected) in [
            ("a{{ .X }}b", "axb"),
            ("{{ \"}} \" }}/{{ `}}` }}", "x/x"),
            ("{{/* it's \" */}}b c", "xb c"),
            ("{{ .X", "x"),
            ("{{ \"\\\"}} \" }}z", "xz"),
        ] {
            let text = Template::parse(source, Trust::Own).map_or_else(|_| Text::plain(source), Text::Template);
            if text.template().is_some() {
                assert_eq!(outside_actions(&text), expected, "{source}");
            }
        }
        assert_eq!(outside_actions(&Text::plain("a b")), "a b");
    }
}
