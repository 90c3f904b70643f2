//! The native hooks file: its page and its schema against the code, and its mistakes through the binary.

use crate::support::Sandbox;
use boathook::hooks::document::{self, Node, Yaml};
use boathook::hooks::{HooksFile, load, native};
use boon::{Compiler, Schemas};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const PAGE: &str = "docs/hooks/native.md";
const SCHEMA: &str = "docs/hooks/hooks.schema.json";

fn workers() -> Vec<&'static str> {
    boathook::workers::names()
}

fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE)).expect("is there")
}

/// The blocks of the page that begin with this line, each with the block after it.
fn blocks(begin: &str) -> Vec<(String, String)> {
    let page = page();
    let mut parts = page.split("\n```");
    let mut found = Vec::new();
    while let Some(part) = parts.next() {
        if let Some(text) = part.strip_prefix(begin).and_then(|text| text.strip_prefix('\n')) {
            let after: Vec<&str> = parts.clone().skip(1).take(1).collect();
            let after = after.first().and_then(|text| text.split_once('\n')).map_or("", |(_, text)| text);
            found.push((format!("{text}\n"), after.to_owned()));
            parts.next();
        }
    }
    found
}

fn read(text: &str) -> HooksFile {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("hooks.yaml");
    fs::write(&path, text).expect("can be written");
    load::read_file(&path, &workers()).expect("is there")
}

fn said(file: &HooksFile) -> String {
    let lines = file.mistakes.iter().map(|mistake| format!("{} {}: {}", mistake.at, mistake.what, mistake.mend));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_example_of_the_page_is_read_without_a_mistake() {
    let examples = blocks("yaml");
    assert!(examples.len() > 10, "{}", examples.len());
    for (example, _) in examples {
        let file = read(&example);
        assert_eq!(said(&file), "", "{example}");
        assert!(!file.hooks.is_empty(), "{example}");
    }
}

#[test]
fn every_wrong_example_of_the_page_says_what_the_page_says() {
    let examples = blocks("yaml wrong");
    assert_eq!(examples.len(), 2);
    for (example, expected) in examples {
        let file = read(&example);
        assert_eq!(said(&file), expected, "{example}");
        assert_eq!(file.hooks, []);
    }
}

#[test]
fn the_examples_show_every_field() {
    let text: String = blocks("yaml").into_iter().map(|(example, _)| example).collect();
    let reference = native::reference();
    for name in reference.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()) {
        // The first is taken for the editor's comment, the rest are shown as printed definitions.
        let shown =
            text.contains(&format!("{name}:")) || ["container", "namespaces", "owner", "function"].contains(&name);
        assert!(shown || page().contains(&format!("`{name}`")) || page().contains(&format!("`{name}: ")), "{name}");
    }
}

#[test]
fn the_reference_of_the_page_is_that_of_the_code() {
    let page = page();
    let (before, rest) = page.split_once("<!-- reference -->\n").expect("has its mark");
    let (written, after) = rest.split_once("<!-- /reference -->").expect("has its mark");
    let expected = format!("\n{}", native::reference());
    if written != expected {
        let file = kept("native.md", &format!("{before}<!-- reference -->\n{expected}<!-- /reference -->{after}"));
        panic!("{PAGE} differs from the code; it should be {}", file.display());
    }
}

#[test]
fn the_schema_of_the_docs_is_that_of_the_code() {
    let written = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(SCHEMA)).unwrap_or_default();
    let expected = format!("{:#}\n", native::schema(&workers()));
    assert!(
        written == expected,
        "{SCHEMA} differs from the code; it should be {}",
        kept("hooks.schema.json", &expected).display()
    );
}

/// What a page should be, for whoever mends it.
fn kept(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).expect("can be written");
    path
}

/// Whether the schema takes a document, as the validator says it.
fn fits(text: &str) -> Result<(), String> {
    let mut schemas = Schemas::new();
    let mut compiler = Compiler::new();
    compiler.add_resource("hooks.schema.json", native::schema(&workers())).expect("is a resource");
    let schema = compiler.compile("hooks.schema.json", &mut schemas).expect("is a schema");
    let documents = document::read(text).map_err(|error| error.what)?;
    let value = documents.first().map_or(Value::Null, json);
    schemas.validate(&value, schema).map_err(|error| error.to_string())
}

fn json(node: &Node) -> Value {
    match &node.value {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => Value::from(*value),
        Yaml::Int(value, _) => Value::from(*value),
        Yaml::Float(value, _) => Value::from(*value),
        Yaml::Str(text) => Value::from(text.as_str()),
        Yaml::List(items) => items.iter().map(json).collect(),
        Yaml::Map(entries) => entries.iter().map(|entry| (entry.key.clone(), json(&entry.value))).collect(),
    }
}

#[test]
fn the_schema_takes_what_is_right_and_refuses_what_is_wrong() {
    for (example, _) in blocks("yaml") {
        assert_eq!(fits(&example), Ok(()), "{example}");
    }
    for (example, _) in blocks("yaml wrong") {
        assert!(fits(&example).is_err(), "{example}");
    }
    for fine in
        ["", "hooks:\n", "hooks: {preAll: }\n", "hooks: {postAll: [{tcpSocket: {port: 1}, executionPolicy: ALWAYS}]}\n"]
    {
        assert_eq!(fits(fine), Ok(()), "{fine}");
        assert_eq!(said(&read(fine)), "", "{fine}");
    }
    for wrong in [
        "hooks: {preBakcup: []}",
        "hooks: []",
        "hoks: {}",
        "hooks: {preBackup: [{}]}",
        "hooks: {preBackup: [{exec: {command: []}}]}",
        "hooks: {preBackup: [{exec: {command: a}}]}",
        "hooks: {preBackup: [{exec: {command: [5]}}]}",
        "hooks: {preBackup: [{exec: {command: [a]}, script: pre-backup.sh}]}",
        "hooks: {preBackup: [{exec: {command: [a]}, executionPolicy: Always}]}",
        "hooks: {preBackup: [{exec: {command: [a]}, holdLimit: 5m}]}",
        "hooks: {preBackup: [{exec: {command: [a]}, undo: {script: a}}]}",
        "hooks: {preBackup: [{exec: {command: [a]}, skipOn: [0]}]}",
        "hooks: {preBackup: [{exec: {command: [a]}, timeout: 5 minutes}]}",
        "hooks: {preBackup: [{exec: {command: [a]}, timeout: 1.5}]}",
        "hooks: {preBackup: [{exec: {command: [a]}, timeout: ''}]}",
        "hooks: {preBackup: [{exec: {command: [a]}, retries: -1}]}",
        "hooks: {preBackup: [{exec: {command: [a]}, onError: Stop}]}",
        "hooks: {postBackup: [{exec: {command: [a]}, skipOn: [75]}]}",
        "hooks: {postBackup: [{httpPost: {body: a, form: []}}]}",
        "hooks: {postBackup: [{httpGet: {body: a}}]}",
        "hooks: {postBackup: [{httpGet: {port: 0}}]}",
        "hooks: {postBackup: [{httpGet: {scheme: FTP}}]}",
        "hooks: {postBackup: [{httpGet: {httpHeaders: {A: b}}}]}",
        "hooks: {postBackup: [{tcpSocket: {host: a}}]}",
        "x: {}",
    ] {
        assert!(fits(wrong).is_err(), "{wrong}");
        assert_ne!(said(&read(wrong)), "", "{wrong}");
    }
}

#[test]
fn a_broken_file_is_one_failed_hook_and_none_of_its_hooks_runs() {
    let sandbox = Sandbox::with_stand_in_engine();
    let text =
        "hooks:\n  preBackup:\n    - exec: {command: [sh, -c, 'echo MUST NOT RUN >> $T/notes']}\n  postBakcup: []\n";
    fs::write(sandbox.path("hooks/hooks.yaml"), text).expect("can be written");
    let out = sandbox.run(&["backup"]).ends_with(0).all();
    assert!(out.contains("line 4: unknown phase 'postBakcup'"), "{out}");
    assert_eq!(sandbox.summary("backup")["hooks"][0]["action"], "file");
    assert_eq!(sandbox.notes(), "");
    fs::write(sandbox.path("hooks/hooks.yaml"), text.replace("[]", "[{onError: fail}]")).expect("can be written");
    sandbox.run(&["backup"]).ends_with(120);
    assert_eq!(sandbox.notes(), "");
}
