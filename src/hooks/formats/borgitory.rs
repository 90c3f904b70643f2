//! Borgitory: `pre_job_hooks` and `post_job_hooks` of a schedule, as JSON arrays or as texts that hold one.
//!
//! A command is a shell's program as it stands; nothing of it is a template.

use super::super::document::{At, Entry, Node, Yaml};
use super::super::model::{Exec, Origin};
use super::super::near::nearest;
use super::super::template::{Template, Trust};
use super::super::{Action, Declared, FileMistake, OnError, Owner, Phase, Policy, Text};
use super::{Format, Found, is_one_line, no_line};
use crate::settings::duration;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Borgitory.
pub const FORMAT: Format = Format { name: "Borgitory", claims, mentioned_in, is_referred_to: |_| false, read };

const PHASES: &[(&str, Phase)] = &[("pre_job_hooks", Phase::Pre), ("post_job_hooks", Phase::Post)];
const KEYS: &[&str] = &[
    "name",
    "command",
    "timeout",
    "shell",
    "working_directory",
    "environment_vars",
    "continue_on_failure",
    "log_output",
    "critical",
    "run_on_job_failure",
];
const LIMIT: Duration = Duration::from_secs(300);
const SHELL: &str = "/bin/bash";
/// The variables that Borgitory sets itself.
const OWN_VARIABLES: &[&str] = &["BORGITORY_REPOSITORY_ID", "BORGITORY_TASK_INDEX", "BORGITORY_JOB_TYPE"];

/// Where the meaning differs from what Borgitory did, whatever the hook.
const NOTES: &[&str] = &[
    "the hooks belong to the worker backup; Borgitory's job was backup, prune, check and cloud sync in one",
    "each hook is a task of its own; Borgitory had one task for all hooks of a phase",
    "a hook has the container's environment and its own variables; Borgitory gave it the latter alone",
    "BORGITORY_JOB_TYPE is scheduled or manual, as documented; Borgitory always said composite",
    "a hook that timed out is ended with everything that it started; Borgitory ended its shell alone",
    "notifications go out after the post hooks and know of those that failed; Borgitory sent them before",
];

fn claims(node: &Node) -> bool {
    is_schedule(node) || node.items().iter().any(is_schedule)
}

fn is_schedule(node: &Node) -> bool {
    node.get("apiVersion").is_none() && node.entries().iter().any(|entry| is_phase(&entry.key))
}

/// Whether a key names the hooks of a phase, rightly written or not.
fn is_phase(key: &str) -> bool {
    ["pre_job_h", "post_job_h"].iter().any(|start| key.starts_with(start))
}

fn mentioned_in(text: &str) -> bool {
    PHASES.iter().any(|(key, _)| text.contains(key))
}

fn read(documents: &[(&Path, &Node)]) -> Vec<(PathBuf, Found)> {
    let mut all: Vec<(PathBuf, Found)> = Vec::new();
    for (file, node) in documents {
        if all.last().is_none_or(|(last, _)| last != file) {
            all.push(((*file).to_owned(), Found { concerns: vec!["backup"], ..Found::default() }));
        }
        let Some((_, found)) = all.last_mut() else { continue };
        let one = std::slice::from_ref(*node);
        let schedules = if matches!(node.value, Yaml::List(_)) { node.items() } else { one };
        for schedule in schedules {
            Reading { file, document: String::new(), found }.schedule(schedule);
        }
    }
    all
}

/// One schedule while it is read.
struct Reading<'a> {
    file: &'a Path,
    /// What it is called: `Borgitory schedule photos nightly`.
    document: String,
    found: &'a mut Found,
}

impl Reading<'_> {
    fn mistake(&mut self, at: At, what: impl Into<String>, mend: impl Into<String>) {
        self.found.mistakes.push(FileMistake { at, what: what.into(), mend: mend.into() });
    }

    fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.found.notes.contains(&note) {
            self.found.notes.push(note);
        }
    }

    fn schedule(&mut self, node: &Node) {
        let name = node.get("name").and_then(Node::text);
        if let Some(node) = node.get("name").filter(|_| name.is_some_and(|name| !is_one_line(name))) {
            self.found.mistakes.push(no_line(node.at, "name"));
        }
        self.document = name.map_or("Borgitory hooks".to_owned(), |name| format!("Borgitory schedule {name}"));
        self.found.documents.push(self.document.clone());
        self.note(format!("of the {} only the hooks and repository_id are read", self.document));
        let repository = self.repository(node);
        for entry in node.entries().iter().filter(|entry| is_phase(&entry.key)) {
            let Some((_, phase)) = PHASES.iter().find(|(key, _)| *key == entry.key) else {
                let words: Vec<&str> = PHASES.iter().map(|(key, _)| *key).collect();
                let near = nearest(&entry.key, words.iter().copied());
                let mend = near
                    .map_or_else(|| format!("use {}", words.join(" or ")), |near| format!("did you mean '{near}'?"));
                self.mistake(entry.at, format!("unknown key '{}'", entry.key), mend);
                continue;
            };
            let Some(list) = self.list(entry) else { continue };
            for (index, item) in list.items().iter().enumerate() {
                let path = format!("hook {} of {}", index + 1, entry.key);
                self.hook(item, &path, *phase, &repository);
            }
            if !list.items().is_empty() {
                for note in NOTES {
                    self.note(*note);
                }
            }
        }
    }

    /// What `BORGITORY_REPOSITORY_ID` is.
    fn repository(&mut self, node: &Node) -> String {
        match node.get("repository_id").map(|node| (node.at, node.kind(), &node.value)) {
            None | Some((_, _, Yaml::Null)) => String::new(),
            Some((_, _, Yaml::Int(_, written) | Yaml::Str(written))) => written.clone(),
            Some((at, kind, _)) => {
                self.mistake(at, format!("repository_id is {kind}"), "write its number");
                String::new()
            }
        }
    }

    /// The list of a phase; one inside a text has the text's place.
    fn list(&mut self, entry: &Entry) -> Option<Node> {
        let Entry { key, value, .. } = entry;
        let list = match &value.value {
            Yaml::Null => return None,
            Yaml::Str(text) if text.trim().is_empty() => return None,
            Yaml::Str(text) => match serde_json::from_str(text) {
                Ok(json) => node_of(json, value.at),
                Err(error) => {
                    // What it would have said is not known: it is looked for.
                    self.found.means_fail |= super::means_fail(text);
                    self.mistake(value.at, format!("the text of {key} is no JSON: {error}"), "mend the JSON in it");
                    return None;
                }
            },
            _ => value.clone(),
        };
        if matches!(list.value, Yaml::List(_)) {
            return Some(list);
        }
        self.mistake(value.at, format!("{key} is {}", list.kind()), "write a list of hooks");
        None
    }

    fn hook(&mut self, node: &Node, path: &str, phase: Phase, repository: &str) {
        if !matches!(node.value, Yaml::Map(_)) {
            self.mistake(node.at, format!("{path} is {}", node.kind()), "write an object with name and command");
            return;
        }
        for entry in node.entries().iter().filter(|entry| !KEYS.contains(&entry.key.as_str())) {
            let mend = match nearest(&entry.key, KEYS.iter().copied()) {
                Some(near) => format!("did you mean '{near}'?"),
                None => format!("use one of {}", KEYS.join(", ")),
            };
            self.mistake(entry.at, format!("unknown key '{}' in {path}", entry.key), mend);
        }
        let name = self.text(node, "name", path, Need::Required);
        if let Some(node) = node.get("name").filter(|_| name.as_deref().is_some_and(|name| !is_one_line(name))) {
            self.found.mistakes.push(no_line(node.at, &format!("name in {path}")));
        }
        let command = self.text(node, "command", path, Need::Required);
        let shell = self.text(node, "shell", path, Need::Default);
        let directory = self.text(node, "working_directory", path, Need::MayBeNull);
        let timeout = self.seconds(node, path);
        let variables = self.variables(node, path);
        let goes_on = self.truth(node, "continue_on_failure", path, true);
        let is_logged = self.truth(node, "log_output", path, true);
        let is_critical = self.truth(node, "critical", path, false);
        let runs_anyway = self.truth(node, "run_on_job_failure", path, false);
        self.found.means_fail |= is_critical;
        let (Some(name), Some(command)) = (name, command) else { return };
        let exec = Exec {
            command: vec![Text::plain(command)],
            shell: Some(shell.unwrap_or_else(|| SHELL.to_owned())),
            working_dir: directory.clone().map(Text::plain),
            env: variables.into_iter().chain(own_variables(repository)).collect(),
            ..Exec::default()
        };
        let origin = Origin { file: self.file.to_owned(), at: node.at, document: self.document.clone() };
        let mut hook = Declared::new(Owner::Worker("backup"), phase, Some(Action::Exec(exec)), origin);
        hook.name = Some(name);
        hook.timeout = Some(timeout.unwrap_or(LIMIT));
        hook.on_error = Some(if is_critical { OnError::Fail } else { OnError::Continue });
        hook.stop_phase_on_error = !goes_on;
        let mut differs = |how: &str| hook.notes.push(how.to_owned());
        if directory.is_some() {
            differs("it runs in its working_directory; Borgitory never went there");
        }
        if !is_logged {
            differs("log_output is false, and what it prints goes to the run's log all the same");
        }
        if runs_anyway && phase == Phase::Pre {
            differs("run_on_job_failure says nothing of a pre hook");
        }
        if runs_anyway && phase == Phase::Post {
            differs("it runs also after a failed backup, as run_on_job_failure says; Borgitory skipped it then");
        }
        if phase == Phase::Post {
            hook.policy = if runs_anyway { Policy::Always } else { Policy::OnSuccess };
        }
        self.found.hooks.push(hook);
    }

    fn text(&mut self, node: &Node, key: &str, path: &str, need: Need) -> Option<String> {
        let Some(value) = node.get(key) else {
            if need == Need::Required {
                self.mistake(node.at, format!("{path} has no {key}"), format!("add \"{key}\""));
            }
            return None;
        };
        match &value.value {
            Yaml::Null if need == Need::MayBeNull => None,
            Yaml::Str(text) if text.trim().is_empty() => {
                self.mistake(value.at, format!("{key} in {path} is empty"), "write a text into it");
                None
            }
            Yaml::Str(text) if text.contains('\0') => {
                self.mistake(value.at, format!("{key} in {path} holds a NUL"), "take it out");
                None
            }
            Yaml::Str(text) => Some(text.clone()),
            _ => {
                self.mistake(value.at, format!("{key} in {path} is {}", value.kind()), "write a text");
                None
            }
        }
    }

    fn seconds(&mut self, node: &Node, path: &str) -> Option<Duration> {
        let value = node.get("timeout")?;
        if let Yaml::Int(1.., written) = &value.value
            && let Ok(limit) = duration(written)
        {
            return Some(limit);
        }
        self.mistake(value.at, format!("timeout in {path} is {}", value.kind()), "write whole seconds, from 1 up");
        None
    }

    fn truth(&mut self, node: &Node, key: &str, path: &str, default: bool) -> bool {
        let Some(value) = node.get(key) else { return default };
        if let Yaml::Bool(value) = value.value {
            return value;
        }
        self.mistake(value.at, format!("{key} in {path} is {}", value.kind()), "write true or false");
        default
    }

    fn variables(&mut self, node: &Node, path: &str) -> Vec<(String, Text)> {
        let Some(value) = node.get("environment_vars") else { return Vec::new() };
        if !matches!(value.value, Yaml::Map(_)) {
            let what = format!("environment_vars in {path} is {}", value.kind());
            self.mistake(value.at, what, "write an object of names and texts");
        }
        let mut variables = Vec::new();
        for Entry { at, key, value } in value.entries() {
            let shown: String = key.chars().take(60).map(|c| if c.is_control() { ' ' } else { c }).collect();
            let of = format!("environment_vars.{shown} in {path}");
            if !is_variable(key) {
                let mend = "write letters, digits and _, with no digit at the beginning";
                self.mistake(*at, format!("{of} is no name of a variable"), mend);
            } else if OWN_VARIABLES.contains(&key.as_str()) {
                self.mistake(*at, format!("{of} is set by Borgitory itself"), "take it out");
            } else {
                match value.text() {
                    Some(text) if text.contains('\0') => {
                        self.mistake(value.at, format!("{of} holds a NUL"), "take it out");
                    }
                    Some(text) => variables.push((key.clone(), Text::plain(text))),
                    None => self.mistake(value.at, format!("{of} is {}", value.kind()), "write a text, in quotes"),
                }
            }
        }
        variables
    }
}

/// Whether shells take a text for the name of a variable.
fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether a text must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Required,
    Default,
    MayBeNull,
}

fn own_variables(repository: &str) -> impl Iterator<Item = (String, Text)> {
    let template = |text| Text::Template(Template::parse(text, Trust::Imported).expect("ours is a template"));
    let values = [
        Text::plain(repository),
        template("{{ .TaskIndex }}"),
        template("{{ if eq .Invoker.Kind \"Schedule\" }}scheduled{{ else }}manual{{ end }}"),
    ];
    OWN_VARIABLES.iter().map(|name| (*name).to_owned()).zip(values)
}

/// A JSON value as a tree, all of it at one place.
fn node_of(json: serde_json::Value, at: At) -> Node {
    use serde_json::Value;
    let value = match json {
        Value::Null => Yaml::Null,
        Value::Bool(value) => Yaml::Bool(value),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Yaml::Int(whole, number.to_string()),
            None => Yaml::Float(number.as_f64().unwrap_or(f64::NAN), number.to_string()),
        },
        Value::String(text) => Yaml::Str(text),
        Value::Array(items) => Yaml::List(items.into_iter().map(|item| node_of(item, at)).collect()),
        Value::Object(entries) => {
            let entry = |(key, value)| Entry { at, key, value: node_of(value, at) };
            Yaml::Map(entries.into_iter().map(entry).collect())
        }
    };
    Node::new(at, value)
}

#[cfg(test)]
mod tests {
    use super::super::sample::{fixture, mistakes, read, rows};
    use super::*;

    const VARIABLES: &str = "BORGITORY_TASK_INDEX:={{ .TaskIndex }};BORGITORY_JOB_TYPE:={{ if eq .Invoker.Kind \
                             \"Schedule\" }}scheduled{{ else }}manual{{ end }}";

    #[test]
    fn a_schedules_texts_hold_its_hooks() {
        let found = fixture(&FORMAT, "borgitory/schedule.json");
        let own = format!("BORGITORY_REPOSITORY_ID=3;{VARIABLES}");
        assert_eq!(
            rows(&found),
            [
                format!("Stop indexer pre-backup Fail 60s [systemctl stop photo-index] shell=/bin/bash env={own}"),
                format!(
                    "Warm cache pre-backup Continue 300s [/opt/warm.sh {{{{ deep }}}}] stops=yes shell=/bin/sh dir=/opt \
                     env=LEVEL=2;{own}"
                ),
                format!(
                    "Start indexer post-backup Continue 300s [systemctl start photo-index] shell=/bin/bash env={own}"
                ),
                format!("Tell post-backup Continue 300s [echo done] policy=OnSuccess shell=/bin/bash env={own}"),
            ]
        );
        assert_eq!(found.documents, ["Borgitory schedule photos nightly"]);
        assert_eq!((found.concerns.as_slice(), found.means_fail), (&["backup"][..], true));
        assert!(found.hooks.iter().all(|hook| hook.executor.is_none() && hook.context.is_none()));
        let notes: Vec<&str> = found.hooks.iter().flat_map(|hook| &hook.notes).map(String::as_str).collect();
        assert_eq!(
            notes,
            [
                "it runs in its working_directory; Borgitory never went there",
                "log_output is false, and what it prints goes to the run's log all the same",
                "it runs also after a failed backup, as run_on_job_failure says; Borgitory skipped it then",
            ]
        );
        assert_eq!(found.notes.len(), NOTES.len() + 1);
        assert_eq!(found.hooks[2].origin.at.line, 7, "the line of the text");
    }

    #[test]
    fn lists_of_schedules_yaml_and_bare_hooks_are_taken() {
        let found = fixture(&FORMAT, "borgitory/schedules.yaml");
        assert_eq!(found.documents, ["Borgitory schedule mail", "Borgitory schedule without hooks"]);
        let rows_of = rows(&found);
        assert_eq!(rows_of.len(), 2);
        assert!(rows_of[0].starts_with("Pause delivery pre-backup Fail 300s [postfix stop]"), "{rows_of:?}");
        assert!(rows_of[0].contains("BORGITORY_REPOSITORY_ID=7;"), "{rows_of:?}");
        assert_eq!(found.hooks[1].origin.at.line, 7);
        let found = fixture(&FORMAT, "borgitory/hooks-only.json");
        assert_eq!(found.documents, ["Borgitory hooks"]);
        assert!(rows(&found)[0].contains("BORGITORY_REPOSITORY_ID=;"), "{:?}", rows(&found));
        assert!(!found.means_fail);
    }

    #[test]
    fn what_has_no_hooks_of_borgitory_is_not_claimed() {
        for text in ["{\"name\": \"x\"}", "[1, 2]", "{\"hooks\": []}", "{apiVersion: v1, pre_job_hooks: []}"] {
            assert_eq!(read(&FORMAT, text), Found::default(), "{text}");
        }
    }

    #[test]
    fn mistakes_are_named_with_hook_field_and_mend() {
        let one = |inside: &str| format!("pre_job_hooks:\n- {{name: a, command: b, {inside}}}\n");
        for (text, expected) in [
            (one("timeout: \"60\""), "2:34 timeout in hook 1 of pre_job_hooks is the text '60': write whole seconds, from 1 up"),
            (one("timeout: 0"), "timeout in hook 1 of pre_job_hooks is the number 0"),
            (one("timeout: 1.5"), "is the number 1.5"),
            (one("shell: \"\""), "shell in hook 1 of pre_job_hooks is empty"),
            (one("shell: null"), "shell in hook 1 of pre_job_hooks is nothing"),
            (one("working_directory: 5"), "working_directory in hook 1 of pre_job_hooks is the number 5"),
            (one("environment_vars: [A]"), "environment_vars in hook 1 of pre_job_hooks is a list"),
            (one("environment_vars: {A: 1}"), "environment_vars.A in hook 1 of pre_job_hooks is the number 1"),
            (one("environment_vars: {A=B: c}"), "is no name of a variable"),
            (one("environment_vars: {A-B: c}"), "environment_vars.A-B in hook 1 of pre_job_hooks is no name of a variable"),
            (one("environment_vars: {1A: c}"), "is no name of a variable"),
            (one("environment_vars: {\"A\\nB\": c}"), "environment_vars.A B in hook 1 of pre_job_hooks is no name of a variable"),
            (
                "pre_job_hooks: [{name: \"a\\nb\", command: b}]\n".to_owned(),
                "name in hook 1 of pre_job_hooks has a line end or a control character in it: write one line",
            ),
            (
                "name: \"a\\e[2J\"\npre_job_hooks: [{name: a, command: b}]\n".to_owned(),
                "1:7 name has a line end or a control character in it: write one line",
            ),
            (one("environment_vars: {BORGITORY_TASK_INDEX: c}"), "is set by Borgitory itself"),
            (one("critical: \"yes\""), "critical in hook 1 of pre_job_hooks is the text 'yes': write true or false"),
            (one("continue_on_failure: 1"), "continue_on_failure in hook 1 of pre_job_hooks is the number 1"),
            (one("log_output: null"), "log_output in hook 1 of pre_job_hooks is nothing"),
            (one("run_on_job_failure: maybe"), "run_on_job_failure in hook 1"),
            (one("timout: 5"), "2:25 unknown key 'timout' in hook 1 of pre_job_hooks: did you mean 'timeout'?"),
            (one("retries: 5"), "unknown key 'retries' in hook 1 of pre_job_hooks: use one of name, command,"),
            ("pre_job_hooks: [{name: a}]\n".to_owned(), "hook 1 of pre_job_hooks has no command: add \"command\""),
            ("pre_job_hooks: [{name: \" \", command: b}]\n".to_owned(), "name in hook 1 of pre_job_hooks is empty"),
            ("pre_job_hooks: [echo]\n".to_owned(), "hook 1 of pre_job_hooks is the text 'echo'"),
            ("post_job_hooks: {name: a}\n".to_owned(), "post_job_hooks is a mapping: write a list of hooks"),
            ("a: 1\npost_job_hooks: \"[{]\"\n".to_owned(), "2:17 the text of post_job_hooks is no JSON: key must be a string"),
            ("pre_job_hoks: []\n".to_owned(), "1:1 unknown key 'pre_job_hoks': did you mean 'pre_job_hooks'?"),
            ("{repository_id: [3], pre_job_hooks: []}\n".to_owned(), "repository_id is a list: write its number"),
            (
                "{\"post_job_hooks\": \"[{\\\"name\\\":\\\"a\\\",\\\"command\\\":\\\"b\\\"},{\\\"name\\\":1,\\\"command\\\":\\\"c\\\"}]\"}"
                    .to_owned(),
                "1:20 name in hook 2 of post_job_hooks is the number 1: write a text",
            ),
        ] {
            let found = mistakes(&read(&FORMAT, &text));
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(found[0].contains(expected), "'{expected}' is not in {found:?}");
        }
    }
}
