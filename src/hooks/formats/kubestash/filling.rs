//! `${name}` and `${name:=default}` in the texts of an action, filled with the values of parameters and variables.
//!
//! KubeStash's documents do not say how a value comes into an action; this is how its library resolves a Function. A value is
//! never code: within a template it is written so that it renders to itself.

use super::super::super::document::{Entry, Node, Yaml};
use super::super::super::template::Template;
use std::collections::BTreeMap;

/// The values of one hook, by name.
pub(super) type Values = BTreeMap<String, String>;

/// Fills the texts of an action.
#[derive(Debug)]
pub(super) struct Filling<'a> {
    values: &'a Values,
    /// Every text that could not be filled: where it stands, and why.
    pub(super) wrong: Vec<(Node, String)>,
    /// Every value that was filled in: the field, the name and the value.
    pub(super) filled: Vec<(String, String, String)>,
}

impl<'a> Filling<'a> {
    /// With these values.
    pub(super) fn with(values: &'a Values) -> Self {
        Self { values, wrong: Vec::new(), filled: Vec::new() }
    }

    /// The action with every text filled. `path` is its place within the action: empty for all of it.
    pub(super) fn of(&mut self, node: &Node, path: &str) -> Node {
        let value = match &node.value {
            Yaml::Str(text) => Yaml::Str(self.text(text, node, path)),
            Yaml::List(items) => {
                let items = items.iter().enumerate().map(|(at, item)| self.of(item, &format!("{path}[{at}]")));
                Yaml::List(items.collect())
            }
            Yaml::Map(entries) => {
                let dot = if path.is_empty() { "" } else { "." };
                let filled = entries.iter().map(|entry| {
                    let value = self.of(&entry.value, &format!("{path}{dot}{}", entry.key));
                    Entry { at: entry.at, key: entry.key.clone(), value }
                });
                Yaml::Map(filled.collect())
            }
            other => other.clone(),
        };
        Node::new(node.at, value)
    }

    fn text(&mut self, text: &str, node: &Node, path: &str) -> String {
        let is_rendered = path.starts_with("exec.command[") || path == "httpPost.body";
        let mut used = Vec::new();
        let plain = fill(text, self.values, false, &mut used);
        // A text that is no template must not become one.
        let filled = match plain {
            Ok(plain) if is_rendered && Template::is_in(&plain) => fill(text, self.values, true, &mut Vec::new()),
            other => other,
        };
        self.filled.extend(used.into_iter().map(|(name, value)| (path.to_owned(), name, value)));
        filled.unwrap_or_else(|wrong| {
            self.wrong.push((node.clone(), wrong));
            text.to_owned()
        })
    }
}

/// Where in a template a place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Text,
    Action,
    Quotes,
    RawQuotes,
    Comment,
}

impl Inside {
    /// After the beginning of `rest`; with how many bytes of it belong together.
    fn next(self, rest: &str) -> (Self, usize) {
        let one = rest.chars().next().map_or(0, char::len_utf8);
        let opens_comment = || {
            let after = rest[2..].strip_prefix("- ").unwrap_or(&rest[2..]);
            after.trim_start().starts_with("/*")
        };
        match self {
            Self::Text if rest.starts_with("{{") => (if opens_comment() { Self::Comment } else { Self::Action }, 2),
            Self::Action if rest.starts_with("}}") => (Self::Text, 2),
            Self::Action if rest.starts_with('"') => (Self::Quotes, 1),
            Self::Action if rest.starts_with('`') => (Self::RawQuotes, 1),
            Self::Quotes if rest.starts_with('\\') => (self, 1 + rest[1..].chars().next().map_or(0, char::len_utf8)),
            Self::Quotes if rest.starts_with('"') => (Self::Action, 1),
            Self::RawQuotes if rest.starts_with('`') => (Self::Action, 1),
            Self::Comment if rest.starts_with("*/") => (Self::Action, 2),
            _ => (self, one),
        }
    }
}

/// Fills one text. In one that is rendered, a value is written so that it renders to itself.
fn fill(text: &str, values: &Values, rendered: bool, used: &mut Vec<(String, String)>) -> Result<String, String> {
    let mut out = String::new();
    let mut inside = Inside::Text;
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("$${") {
            out.push_str("${");
            rest = after;
            continue;
        }
        if let Some(after) = rest.strip_prefix("${") {
            let (words, behind) = after.split_once('}').ok_or("holds a '${' without its '}'")?;
            let (name, default) = words.split_once(":=").map_or((words, None), |(name, value)| (name, Some(value)));
            if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')) {
                return Err(format!("holds '${{{words}}}', which is neither ${{name}} nor ${{name:=default}}"));
            }
            let value = values.get(name).map(String::as_str).or(default);
            let value = value.ok_or_else(|| format!("holds '${{{name}}}', and there is no value of that name"))?;
            used.push((name.to_owned(), value.to_owned()));
            rest = behind;
            if rendered {
                put(&mut out, value, name, inside, rest)?;
            } else {
                out.push_str(value);
            }
            continue;
        }
        let (next, length) =
            if rendered { inside.next(rest) } else { (inside, rest.chars().next().map_or(1, char::len_utf8)) };
        out.push_str(&rest[..length]);
        inside = next;
        rest = &rest[length..];
    }
    Ok(out)
}

/// Puts a value into a template, as a literal.
fn put(out: &mut String, value: &str, name: &str, inside: Inside, rest: &str) -> Result<(), String> {
    let problem = match inside {
        Inside::Text => {
            // Nothing between two braces joins them.
            let joins = value.is_empty() && out.ends_with('{') && rest.starts_with('{');
            if !value.contains('{') && !joins {
                out.push_str(value);
                return Ok(());
            }
            // A brace right before an action would belong to its delimiter.
            let before = out.len() - out.trim_end_matches('{').len();
            out.truncate(out.len() - before);
            out.extend(["{{ \"", &"{".repeat(before), &quoted(value), "\" }}"]);
            return Ok(());
        }
        Inside::Quotes => {
            out.push_str(&quoted(value));
            return Ok(());
        }
        Inside::RawQuotes if value.contains('`') => "whose value has a ` between two of them",
        Inside::RawQuotes => {
            out.push_str(value);
            return Ok(());
        }
        Inside::Comment => return Ok(()),
        Inside::Action => "in a template's action without quotes around it",
    };
    Err(format!("holds '${{{name}}}' {problem}"))
}

/// What stands between the quotes of a Go string.
fn quoted(value: &str) -> String {
    let mut out = String::new();
    for c in value.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.extend(["\\u", &format!("{:04x}", c as u32)]),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str, rendered: bool) -> String {
        filled(text, rendered).expect_err("cannot be filled")
    }

    fn filled(text: &str, rendered: bool) -> Result<String, String> {
        let pairs = [("mode", "on"), ("code", "{{ .Name }}"), ("q", "a\"b`\\\n"), ("brace", "{"), ("none", "")];
        let values = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        fill(text, &values, rendered, &mut Vec::new())
    }

    #[test]
    fn names_and_defaults_are_filled_and_what_is_escaped_is_kept() {
        assert_eq!(
            filled("set ${mode} ${grace:=5} ${mode:=off} $mode $${HOME} $$x", false).as_deref(),
            Ok("set on 5 on $mode ${HOME} $$x")
        );
        assert_eq!(filled("${e:=}|${e:=a:=b}", false).as_deref(), Ok("|a:=b"));
    }

    #[test]
    fn what_has_no_value_is_said() {
        assert_eq!(wrong("${HOME}", false), "holds '${HOME}', and there is no value of that name");
        assert!(wrong("${x%.*}", false).contains("neither"));
        assert!(wrong("${x:-y}", false).contains("neither"));
        assert!(wrong("a ${x", false).contains("without its '}'"));
    }

    #[test]
    fn a_value_never_becomes_code() {
        assert_eq!(filled("${code} {{ .X }}", true).as_deref(), Ok("{{ \"{{ .Name }}\" }} {{ .X }}"));
        assert_eq!(filled("${brace}${brace} .Name }}", true).as_deref(), Ok("{{ \"{\" }}{{ \"{\" }} .Name }}"));
        assert_eq!(filled("{${brace} x", true).as_deref(), Ok("{{ \"{{\" }} x"));
        assert_eq!(filled("{${none}{ .Name }}", true).as_deref(), Ok("{{ \"{\" }}{ .Name }}"));
        assert_eq!(filled("{{ eq .P \"${q}\" }}", true).as_deref(), Ok("{{ eq .P \"a\\\"b`\\\\\\n\" }}"));
        assert_eq!(filled("{{ eq .P `${mode}` }}", true).as_deref(), Ok("{{ eq .P `on` }}"));
        assert!(wrong("{{ eq .P `${q}` }}", true).contains('`'));
        assert!(wrong("{{ ${mode} }}", true).contains("without quotes"));
        assert_eq!(filled("{{/* ${code} \" */}}${mode}", true).as_deref(), Ok("{{/*  \" */}}on"));
        assert_eq!(filled("{{ \"}}\" }}${mode}", true).as_deref(), Ok("{{ \"}}\" }}on"));
    }
}
