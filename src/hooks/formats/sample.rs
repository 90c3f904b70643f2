//! Documents of other systems for tests, and what was found in them as lines that can be compared.

use super::super::document;
use super::super::{Action, Declared, Finding, Owner, Text};
use super::{Format, Found, of, unfold};
use std::fs;
use std::path::Path;

/// What `format` finds in this text.
pub(super) fn read(format: &Format, text: &str) -> Found {
    let nodes = unfold(document::read(text).expect("is YAML"));
    let path = Path::new("/hooks/a.yaml");
    let claimed: Vec<_> = nodes
        .iter()
        .filter(|node| of(node).is_some_and(|of| of.name == format.name))
        .map(|node| (path, node))
        .collect();
    let mut found = (format.read)(&claimed);
    assert!(found.len() <= 1, "one file, one answer: {found:?}");
    found.pop().map(|(_, found)| found).unwrap_or_default()
}

/// The same of a file below `tests/fixtures`.
pub(super) fn fixture(format: &Format, file: &str) -> Found {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(file);
    read(format, &fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// The mistakes as `line:column what: mend`.
pub(super) fn mistakes(found: &Found) -> Vec<String> {
    found.mistakes.iter().map(|mistake| format!("{} {}: {}", mistake.at, mistake.what, mistake.mend)).collect()
}

/// Everything that runs, in one line.
pub(super) fn row(hook: &Declared) -> String {
    let Some(Action::Exec(exec)) = &hook.action else { panic!("is no command: {hook:?}") };
    let worker = if let Owner::Worker(worker) = hook.owner { worker } else { "all" };
    let command: Vec<&str> = exec.command.iter().map(Text::source).collect();
    let mut row = format!(
        "{} {}-{worker} {} {}s [{}]",
        hook.name.as_deref().unwrap_or("-"),
        hook.phase.word(),
        hook.on_error.map_or("-", |on_error| on_error.word()),
        hook.timeout.map_or(-1.0, |limit| limit.as_secs_f64()),
        command.join("|"),
    );
    let mut add = |key: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            row.extend([" ", key, "=", &value]);
        }
    };
    add("policy", (hook.policy.word() != "Always").then(|| hook.policy.word().to_owned()));
    add("stops", hook.stop_phase_on_error.then(|| "yes".to_owned()));
    add("container", hook.container_name.clone());
    if let Some(executor) = &hook.executor {
        add("in", Some(executor.kind.word().to_owned()));
        add("selector", executor.selector.clone());
        add("namespaces", Some(executor.namespaces.join(",")));
        add("owner", executor.owner.clone());
        add("strategy", executor.strategy.clone());
    }
    add("shell", exec.shell.clone());
    add("dir", exec.working_dir.as_ref().map(|text| text.source().to_owned()));
    let variables = exec.env.iter().map(|(name, text)| {
        let mark = if text.template().is_some() { ":=" } else { "=" };
        format!("{name}{mark}{}", text.source())
    });
    add("env", Some(variables.collect::<Vec<_>>().join(";")));
    row
}

/// The rows of all hooks.
pub(super) fn rows(found: &Found) -> Vec<String> {
    assert_eq!(mistakes(found), Vec::<String>::new());
    found.hooks.iter().map(row).collect()
}

/// What is doubtful, as text.
pub(super) fn warnings(hook: &Declared) -> Vec<&str> {
    hook.warnings.iter().map(|Finding { what, .. }| what.as_str()).collect()
}
