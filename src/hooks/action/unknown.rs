//! What of an action hangs on values that no hook has handed on yet: nobody can judge it before its turn.

use super::super::model::{Exec, Http, Tcp};
use super::super::template::Value;
use super::super::{Action, Text};
use std::collections::BTreeMap;

/// What cannot be judged of a command yet. Its user and folder are left out where they are not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Unknown {
    /// Which program it is, or where it lies.
    pub program: bool,
}

/// Stands in for what is not known: sound in every field.
const STAND_IN: &str = "unknown";

/// `action` with a stand-in for every text that hangs on values not known yet.
pub(super) fn known_part(action: &Action, data: &Value) -> (Action, Unknown) {
    let with = With { values: values(data) };
    let action = match action {
        Action::Script(_) => action.clone(),
        Action::Exec(exec) => return with.command(exec),
        Action::HttpGet(http) => Action::HttpGet(with.request(http)),
        Action::HttpPost(http) => Action::HttpPost(with.request(http)),
        Action::TcpSocket(tcp) => Action::TcpSocket(Tcp { host: with.text(&tcp.host), port: tcp.port.clone() }),
    };
    (action, Unknown::default())
}

/// `.Values`, where the data has it.
fn values(data: &Value) -> Option<&BTreeMap<String, Value>> {
    let Value::Struct(summary) = data else { return None };
    match &summary.fields.iter().find(|field| field.name == "Values")?.value {
        Value::Map(values) => Some(values),
        _ => None,
    }
}

struct With<'a> {
    values: Option<&'a BTreeMap<String, Value>>,
}

impl With<'_> {
    fn is_unknown(&self, text: &Text) -> bool {
        let Some(template) = text.template() else { return false };
        let named = |rest: &str| name_in(rest).is_some_and(|name| self.values.is_some_and(|v| v.contains_key(name)));
        // Whoever takes all of them may take what is not there yet.
        mentions(template.source()).any(|rest| !named(rest))
    }

    fn text(&self, text: &Text) -> Text {
        if self.is_unknown(text) { Text::plain(STAND_IN) } else { text.clone() }
    }

    fn command(&self, exec: &Exec) -> (Action, Unknown) {
        let is_unknown = |text: Option<&Text>| text.is_some_and(|text| self.is_unknown(text));
        let (program, path) = match &exec.shell {
            Some(shell) => (false, shell.as_str()),
            None => (is_unknown(exec.command.first()), exec.command.first().map_or("", Text::source)),
        };
        // An absolute path is one in whatever folder.
        let place = is_unknown(exec.working_dir.as_ref()) && !path.starts_with('/');
        let search = exec.env.iter().any(|(name, text)| name == "PATH" && self.is_unknown(text)) && !path.contains('/');
        let known = |text: &Option<Text>| text.clone().filter(|text| !self.is_unknown(text));
        let known_part = Exec {
            command: exec.command.iter().map(|text| self.text(text)).collect(),
            shell: exec.shell.clone(),
            container: exec.container.clone(),
            user: known(&exec.user),
            working_dir: known(&exec.working_dir),
            env: exec.env.iter().map(|(name, text)| (name.clone(), self.text(text))).collect(),
        };
        (Action::Exec(known_part), Unknown { program: program || place || search })
    }

    fn request(&self, http: &Http) -> Http {
        let list = |texts: &[Text]| texts.iter().map(|text| self.text(text)).collect();
        Http {
            host: self.text(&http.host),
            path: self.text(&http.path),
            headers: http.headers.iter().map(|(name, value)| (self.text(name), self.text(value))).collect(),
            body: http.body.as_ref().map(|body| self.text(body)),
            form: http.form.iter().map(|(key, values)| (self.text(key), list(values))).collect(),
            ..http.clone()
        }
    }
}

/// What follows each mention of `.Values` in a template.
fn mentions(source: &str) -> impl Iterator<Item = &str> {
    const NAME: &str = ".Values";
    let follows = |(at, _): (usize, &str)| source.get(at + NAME.len()..);
    let is_whole = |rest: &&str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    source.match_indices(NAME).filter_map(follows).filter(is_whole)
}

/// The one value that is asked for: `.Values.NAME`, `index .Values "NAME"`.
fn name_in(rest: &str) -> Option<&str> {
    if let Some(name) = rest.strip_prefix('.') {
        let end = name.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(name.len());
        return name.get(..end);
    }
    let rest = rest.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '`'))?;
    rest.get(1..)?.split(quote).next()
}

#[cfg(test)]
mod tests {
    use super::super::super::template::{Field, Template, Trust};
    use super::*;

    fn data(names: &[&str]) -> Value {
        let value = Value::map(names.iter().map(|name| ((*name).to_owned(), Value::text("v"))));
        Value::record("S", vec![Field { name: "Values", json: "values", value }])
    }

    fn text(source: &str) -> Text {
        Text::Template(Template::parse(source, Trust::Own).expect("is one"))
    }

    #[test]
    fn what_is_not_handed_on_yet_is_not_known() {
        for (source, known) in [
            ("{{ .Values.A }}", true),
            ("{{ base $.Values.A }}", true),
            ("{{ index .Values \"A\" }}", true),
            ("{{ .Values.AB }}", false),
            ("{{ .Values.A }}{{ .Values.B }}", false),
            ("{{ index $.Values `B` }}", false),
            ("{{ with .Values }}{{ .B }}{{ end }}", false),
            ("{{ range $name, $value := .Values }}{{ $name }}{{ end }}", false),
            ("{{ .Status.Error }}", true),
        ] {
            let data = data(&["A"]);
            assert_eq!(With { values: values(&data) }.is_unknown(&text(source)), !known, "{source}");
        }
        assert!(!With { values: None }.is_unknown(&Text::plain("{{ .Values.A")));
    }

    #[test]
    fn only_what_hangs_on_it_is_left_out() {
        let (plain, other) = (Text::plain("prog"), text("{{ .Values.A }}"));
        let judged = |exec: Exec| match known_part(&Action::Exec(exec), &data(&[])) {
            (Action::Exec(exec), unknown) => (exec, unknown.program),
            (other, _) => panic!("{other:?}"),
        };
        let args = Exec { command: vec![plain.clone(), other.clone()], user: Some(plain.clone()), ..Exec::default() };
        let (exec, unknown) = judged(args);
        assert_eq!(
            (exec.command, exec.user, unknown),
            (vec![plain.clone(), Text::plain(STAND_IN)], Some(plain.clone()), false)
        );
        assert!(judged(Exec { command: vec![other.clone()], ..Exec::default() }).1);
        let (exec, unknown) = judged(Exec {
            command: vec![plain.clone()],
            user: Some(other.clone()),
            working_dir: Some(other.clone()),
            ..Exec::default()
        });
        assert_eq!((exec.user, exec.working_dir, unknown), (None, None, true));
        let absolute =
            Exec { command: vec![Text::plain("/bin/a")], working_dir: Some(other.clone()), ..Exec::default() };
        assert!(!judged(absolute).1);
        let search = Exec { command: vec![plain], env: vec![("PATH".to_owned(), other.clone())], ..Exec::default() };
        assert!(judged(search).1);
        let shell = Exec { command: vec![other], shell: Some("/bin/sh".to_owned()), ..Exec::default() };
        assert!(!judged(shell).1);
    }
}
