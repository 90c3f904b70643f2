//! `hooks show`: what a file means here, in the native form.

use super::super::formats::FORMATS;
use super::super::{HooksFile, document, native};
use std::path::Path;

/// The hooks of a file in running order, as `hooks.yaml` would have them, none if it holds nothing but comments; or, one a
/// line, what is wrong.
///
/// # Errors
/// Every mistake as `FILE:LINE:COLUMN: what; mend`.
pub fn show(file: &HooksFile) -> Result<String, Vec<String>> {
    if !file.mistakes.is_empty() {
        return Err(mistakes(file));
    }
    if file.documents.is_empty() {
        return Ok(format!("# {} has no hooks\nhooks: {{}}\n", file.path.display()));
    }
    Ok(native::write(file))
}

/// Every mistake of a file, as editors and people find its place.
fn mistakes(file: &HooksFile) -> Vec<String> {
    let path = file.path.display();
    file.mistakes.iter().map(|mistake| format!("{path}:{}: {}; {}", mistake.at, mistake.what, mistake.mend)).collect()
}

/// Whether a text is of a form that is read, or was meant to be.
pub fn is_of_a_known_form(text: &str) -> bool {
    match document::read(text) {
        Ok(nodes) => {
            nodes.iter().any(|node| native::claims(node) || FORMATS.iter().any(|format| (format.claims)(node)))
        }
        Err(_) => text.contains("hooks:") || FORMATS.iter().any(|format| (format.mentioned_in)(text)),
    }
}

/// That a file is of no form that is read, and which there are.
pub fn no_known_form(path: &Path) -> String {
    let systems: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
    format!(
        "{} is of no known form: write `hooks:` with phases such as `preBackup:` below it, or give a definition of {}",
        path.display(),
        systems.join(", ")
    )
}
