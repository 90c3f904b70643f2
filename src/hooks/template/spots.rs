//! What the actions of a template print that read a secret: a secret in another form (`{{ env "X" | b64enc | upper }}`) is
//! still one.

use super::lexer::lex;
use super::token::{Kind, Token};
use super::{SecretValues, Template, Value};

/// What says nothing about a secret, whatever it was made from.
const SAYS_NOTHING: [&str; 4] = ["true", "false", "<nil>", "<no value>"];

impl Template {
    /// What each action prints that reads a secret, alone or through a variable or the `.` of a block, and that needs no
    /// data. What it prints without any secret (a default) is left out.
    pub fn spots(&self, secrets: &SecretValues) -> Vec<String> {
        if self.secret_sources().is_empty() {
            return Vec::new();
        }
        let none = SecretValues(secrets.0.keys().map(|source| (source.clone(), Ok(String::new()))).collect());
        // Without a single field: whoever needs one fails.
        let data = Value::record("nothing", Vec::new());
        let print = |source: &str, secrets: &SecretValues| {
            // What an action alone cannot do, it does not print alone either.
            let template = Self::parse(source, self.trust).ok()?;
            template.render(&data, secrets).ok().map(|text| text.trim().to_owned())
        };
        let spots = sources(&self.source).into_iter().filter_map(|source| {
            let text = print(&source, secrets)?;
            let says = !SAYS_NOTHING.contains(&text.as_str()) && print(&source, &none).as_ref() != Some(&text);
            says.then_some(text)
        });
        spots.collect()
    }
}

/// A block that is open: its head, if its `.` or its variables may hold a secret.
type Open<'a> = Option<&'a str>;

/// For each action that reads a secret: a template of it and of what it needs before it.
fn sources(source: &str) -> Vec<String> {
    let tokens = lex(source);
    let (mut declared, mut variables) = (String::new(), Vec::new());
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut found = Vec::new();
    for action in actions(&tokens) {
        let (Some(first), Some(last)) = (action.first(), action.last()) else { continue };
        let text = &source[first.start..last.end];
        let words: Vec<&Token> =
            action[1..].iter().filter(|token| !matches!(token.kind, Kind::Space | Kind::RightDelimiter)).collect();
        let word = |token: &Token| &source[token.start..token.end];
        let is_within = open.iter().any(Option::is_some);
        let reads = words.iter().any(|token| match token.kind {
            Kind::Identifier => matches!(word(token), "env" | "file"),
            Kind::Variable => variables.contains(&word(token)),
            Kind::Dot | Kind::Field => is_within,
            _ => false,
        });
        let assigns = words.iter().any(|token| matches!(token.kind, Kind::Declare | Kind::Assign));
        if reads && assigns {
            let all = words.iter().take_while(|token| !matches!(token.kind, Kind::Declare | Kind::Assign));
            variables.extend(all.filter(|token| token.kind == Kind::Variable).map(|token| word(token)));
        }
        match words.first().map(|token| &token.kind) {
            Some(Kind::If | Kind::With | Kind::Range) => open.push(reads.then_some(text)),
            Some(Kind::Block | Kind::Define) => open.push(None),
            Some(Kind::End) => {
                open.pop();
            }
            // There `.` is what it was before, and the head's variables hold nothing.
            Some(Kind::Else) => {
                if let Some(open) = open.last_mut() {
                    *open = None;
                }
            }
            Some(Kind::Template | Kind::Break | Kind::Continue) | None => {}
            Some(_) if !reads => {}
            Some(_) if assigns => declared.push_str(text),
            Some(_) => {
                let heads: Vec<&str> = open.iter().flatten().copied().collect();
                // Lines are told apart afterwards: what a loop prints is one each.
                found.push(format!("{declared}{}{text}\n{}", heads.concat(), "{{end}}".repeat(heads.len())));
            }
        }
    }
    found
}

/// The words of each action, with its delimiters.
fn actions(tokens: &[Token]) -> impl Iterator<Item = &[Token]> {
    tokens.split_inclusive(|token| token.kind == Kind::RightDelimiter).filter_map(|words| {
        let start = words.iter().position(|token| token.kind == Kind::LeftDelimiter)?;
        Some(&words[start..])
    })
}

#[cfg(test)]
mod tests {
    use super::super::{SecretSource, Trust};
    use super::*;

    fn spots(source: &str) -> Vec<String> {
        let values = [(SecretSource::Env("X".to_owned()), Ok("Correct,Horse".to_owned()))];
        let template = Template::parse(source, Trust::Own).expect("is a template");
        template.spots(&SecretValues(values.into_iter().collect()))
    }

    #[test]
    fn what_an_action_makes_of_a_secret_is_found() {
        for (source, prints) in [
            ("a {{ env \"X\" | upper }} b {{ .Status }}", &["CORRECT,HORSE"][..]),
            ("{{- trunc 9 (env \"X\") -}}", &["Correct,H"]),
            ("{{ $x := env \"X\" }}{{ $x | upper }}{{ $y := lower $x }}{{ $y }}", &["CORRECT,HORSE", "correct,horse"]),
            ("{{ with env \"X\" }}{{ . | upper }}{{ .Other }}{{ else }}{{ . }}{{ end }}{{ . }}", &["CORRECT,HORSE"]),
            ("{{ with $x := env \"X\" }}{{ trunc 7 $x }}{{ end }}", &["Correct"]),
        ] {
            assert_eq!(spots(source), prints, "{source}");
        }
    }

    #[test]
    fn what_tells_nothing_or_needs_data_is_not() {
        for source in [
            "{{ .Status }}{{ \"env\" }}",
            "{{ env \"X\" | eq \"a\" }}",
            "{{ env \"Y\" | default \"localhost\" }}",
            "{{ if env \"X\" }}{{ \"words\" }}{{ end }}",
            "{{ printf \"%s %s\" (env \"X\") .Status.Phase }}",
        ] {
            assert!(spots(source).is_empty(), "{source}: {:?}", spots(source));
        }
    }
}
