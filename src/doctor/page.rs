//! The report as sections of entries, and its rendering as text.

use super::{Finding, Severity};
use crate::masking::Secrets;
use std::io::{self, Write};

/// Width of `<key>:` in front of a value.
const KEY: usize = 34;

/// One entry of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// `<key>:` and a value.
    Value(String, String),
    /// `<key>: <value>` without padding.
    Bare(&'static str, String),
    /// A line that consists of words of ours alone and is therefore not masked.
    Own(String),
    /// A line as it is.
    Line(String),
    /// Counted, and listed in the JSON document.
    Finding(Finding),
    /// A line in the shape of a finding that is shown in the text only.
    Note(Severity, String),
    /// Lines of something else, indented.
    Embedded(Vec<String>),
}

/// One section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) entries: Vec<Entry>,
}

impl Section {
    pub(super) fn new(title: &'static str) -> Self {
        Self { title, entries: Vec::new() }
    }

    pub(super) fn value(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.entries.push(Entry::Value(key.into(), value.into()));
    }

    pub(super) fn findings(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.entries.extend(findings.into_iter().map(Entry::Finding));
    }

    pub(super) fn note(&mut self, severity: Severity, line: impl Into<String>) {
        self.entries.push(Entry::Note(severity, line.into()));
    }

    /// The findings alone.
    pub(super) fn checks(&self) -> impl Iterator<Item = (&'static str, &Finding)> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Finding(finding) => Some((self.title, finding)),
            _ => None,
        })
    }
}

/// How many findings of this severity there are.
pub(super) fn count(sections: &[Section], severity: Severity) -> usize {
    sections.iter().flat_map(Section::checks).filter(|(_, finding)| finding.severity == severity).count()
}

/// Writes the text. Values, findings and what is embedded are masked.
pub(super) fn write(sections: &[Section], secrets: &Secrets, out: &mut dyn Write) -> io::Result<()> {
    let shown = |text: &str| printable(&secrets.mask(text));
    for section in sections {
        writeln!(out, "\n== {} ==", section.title)?;
        for entry in &section.entries {
            match entry {
                Entry::Value(key, value) => writeln!(out, "  {:<KEY$} {}", format!("{key}:"), shown(value))?,
                Entry::Bare(key, value) => writeln!(out, "{key}: {}", shown(value))?,
                Entry::Own(line) => writeln!(out, "{line}")?,
                Entry::Line(line) => writeln!(out, "{}", shown(line))?,
                Entry::Finding(Finding { severity, message }) | Entry::Note(severity, message) => {
                    writeln!(out, "{} {}", severity.tag(), shown(message))?;
                }
                Entry::Embedded(lines) => {
                    for line in lines {
                        writeln!(out, "  {}", shown(line))?;
                    }
                }
            }
        }
    }
    out.flush()
}

/// The text on one line: a value with a line break must not look like a finding, nor a file name give the terminal
/// orders.
pub(super) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() && letter != '\t' {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(section: Section, secrets: &Secrets) -> String {
        let mut out = Vec::new();
        write(&[section], secrets, &mut out).expect("memory takes all");
        String::from_utf8(out).expect("is text")
    }

    #[test]
    fn a_value_stands_behind_its_padded_key() {
        let mut section = Section::new("Runtime");
        section.value("release", "1.0");
        section.value("effective REPLICATE_BISYNC_CHECK_ACCESS", "OFF");
        assert_eq!(
            text(section, &Secrets::new()),
            "\n== Runtime ==\n  release:                           1.0\n  \
             effective REPLICATE_BISYNC_CHECK_ACCESS: OFF\n"
        );
    }

    #[test]
    fn a_secret_is_masked_in_values_findings_and_what_is_embedded() {
        let mut secrets = Secrets::new();
        secrets.add("hunter2hunter2");
        let mut section = Section::new("A");
        section.value("b", "hunter2hunter2");
        section.findings([Finding::warn("x hunter2hunter2 y")]);
        section.note(Severity::Info, "hunter2hunter2");
        section.entries.push(Entry::Embedded(vec!["(hunter2hunter2)".to_owned()]));
        assert!(!text(section, &secrets).contains("hunter2"));
    }

    #[test]
    fn a_line_break_in_a_value_cannot_forge_a_finding() {
        let mut section = Section::new("A");
        section.value("b", "c\n[OK] all is well\u{1b}[2J");
        let text = text(section, &Secrets::new());
        assert!(text.ends_with("c\\n[OK] all is well\\u{1b}[2J\n"), "{text}");
    }

    #[test]
    fn only_findings_are_counted() {
        let mut section = Section::new("A");
        section.findings([Finding::warn("a"), Finding::warn("b"), Finding::fail("c")]);
        section.note(Severity::Fail, "d");
        assert_eq!((count(&[section.clone()], Severity::Warn), count(&[section], Severity::Fail)), (2, 1));
    }
}
