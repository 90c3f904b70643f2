//! Sandboxes with a hooks file.

use crate::support::Sandbox;
use serde_json::Value;
use std::fs;

/// Writes `hooks.yaml`. `@T` is the sandbox's folder.
pub fn declare(sandbox: &Sandbox, yaml: &str) {
    let folder = sandbox.path("").display().to_string();
    let text = yaml.replace("@T", folder.trim_end_matches('/'));
    fs::write(sandbox.path("hooks/hooks.yaml"), text).expect("can be written");
}

/// An `exec` of this shell program, on one line. It holds no single quote.
pub fn sh(program: &str) -> String {
    format!("exec: {{command: [/bin/sh, -c, '{program}']}}")
}

/// A hook of this name, with an undo that notes itself.
pub fn held(name: &str, program: &str, further: &str) -> String {
    let undo = sh("echo $HOOK_NAME >> @T/notes");
    format!("    - name: {name}\n      {}\n      undo: {{{undo}}}\n{}", sh(program), lines(further))
}

/// A hook of this name without one.
pub fn plain(name: &str, program: &str, further: &str) -> String {
    format!("    - name: {name}\n      {}\n{}", sh(program), lines(further))
}

fn lines(further: &str) -> String {
    let lines = further.split(';').map(str::trim).filter(|line| !line.is_empty());
    lines.fold(String::new(), |text, line| text + "      " + line + "\n")
}

/// A file with these hooks.
pub fn file(pre: &[String], post: &[String]) -> String {
    let list = |key: &str, hooks: &[String]| match hooks {
        [] => String::new(),
        hooks => format!("  {key}:\n{}", hooks.concat()),
    };
    format!("hooks:\n{}{}", list("preBackup", pre), list("postBackup", post))
}

/// The hook of this name in the summary.
#[track_caller]
pub fn hook_of<'a>(summary: &'a Value, name: &str) -> &'a Value {
    let hooks = summary["hooks"].as_array().expect("is a list");
    hooks.iter().find(|hook| hook["name"] == name).unwrap_or_else(|| panic!("no {name} in {summary}"))
}

/// The names of the hooks that really ran, in the summary's order.
pub fn ran(summary: &Value) -> Vec<String> {
    let hooks = summary["hooks"].as_array().expect("is a list");
    let ran = hooks.iter().filter(|hook| hook["attempts"] != 0);
    ran.map(|hook| hook["name"].as_str().expect("is a text").to_owned()).collect()
}
