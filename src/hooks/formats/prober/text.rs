//! Texts of a handler: templates in two places, literal everywhere else.

use super::super::super::Text;
use super::super::super::document::Node;
use super::super::super::template::{Template, Trust};
use super::Prober;

impl Prober<'_> {
    /// A text that the system renders, where it holds a template. What is rendered is trimmed there; so is the text here.
    pub(super) fn rendered(&mut self, node: &Node, place: &str, notes: &mut Vec<String>) -> Text {
        let Some(text) = self.fields.of_text(node, place) else { return Text::plain("") };
        if !Template::is_in(text) {
            return Text::plain(text);
        }
        let text = text.trim();
        if text.starts_with("{{") || ends_with_action(text) {
            notes.push(format!(
                "{} takes white space off the ends of what {place} renders to; here what an action prints there is kept",
                self.system
            ));
        }
        match Template::parse(text, Trust::Imported) {
            Ok(template) => Text::Template(template),
            Err(error) => {
                let what =
                    format!("the template of {place}, line {}, column {}: {}", error.line, error.column, error.what);
                self.fields.wrong(node.at, what, "mend the template");
                Text::plain(text)
            }
        }
    }

    /// A text that the system takes as it stands, also with a `{{` in it; empty if it is not set.
    pub(super) fn literal(&mut self, node: &Node, key: &str, place: &str, notes: &mut Vec<String>) -> Text {
        let text = self.fields.text(node, key, place).unwrap_or_default();
        if Template::is_in(text) {
            let system = self.system;
            notes.push(format!(
                "{place}.{key} is sent as it stands: {system} renders exec.command and httpPost.body alone"
            ));
        }
        Text::plain(text)
    }
}

/// Whether an action stands at the end of a text: in `{"a": {{ .B }}}` the last brace is a literal one.
fn ends_with_action(text: &str) -> bool {
    let last = text.rfind("{{").unwrap_or_default();
    text[last..].find("}}").is_some_and(|end| last + end + 2 == text.len())
}
