//! The reference of the native form, as `docs/hooks/native.md` has it.

use super::super::Phase;
use super::fields::SHAPES;
use std::fmt::Write as _;

/// One heading and one table a mapping, in Markdown.
pub fn reference() -> String {
    let mut text = String::new();
    for shape in SHAPES {
        let _ = writeln!(text, "### {}\n", shape.name);
        text.push_str("| field | takes | default | what it does |\n| --- | --- | --- | --- |\n");
        for field in shape.fields {
            let only = match field.only {
                Some(Phase::Pre) => " (pre hooks)",
                Some(_) => " (post hooks)",
                None => "",
            };
            let default = if field.required { "must be given" } else { field.default };
            let _ = writeln!(text, "| `{}`{only} | {} | {default} | {} |", field.name, field.kind.words(), field.doc);
        }
        text.push('\n');
    }
    text
}
