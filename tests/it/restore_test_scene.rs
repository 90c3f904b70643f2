//! What the tests of `restore-test` share.

use crate::support::Sandbox;
use serde_json::Value;
use std::fs;

/// SHA-256 of `two\n`, the content of `data/docs/two.txt`.
pub const TWO: &str = "27dd8ed44a83ff94d557f9fd0412ed5a8cbca69ea04922d88c01184a07300a5a";

/// Three files in a snapshot of the host and tag that are looked for.
pub fn filled(sandbox: Sandbox) -> Sandbox {
    fs::create_dir(sandbox.path("data/docs")).expect("can be made");
    fs::write(sandbox.path("data/docs/two.txt"), "two\n").expect("can be written");
    fs::write(sandbox.path("data/docs/three *[x]?\\.txt"), "three\n").expect("can be written");
    back_up(&sandbox);
    sandbox
}

/// One for each restic at hand.
pub fn each() -> Vec<Sandbox> {
    Sandbox::with_each_repository().into_iter().map(filled).collect()
}

pub fn back_up(sandbox: &Sandbox) {
    let data = sandbox.path("data").display().to_string();
    sandbox.restic(&["backup", "--host", "test-host", "--tag", "automated", &data]).ends_with(0);
}

/// A path of the source, as the snapshot has it.
pub fn source(sandbox: &Sandbox, part: &str) -> String {
    sandbox.path("data").join(part).display().to_string()
}

/// A canary of `docs/two.txt`.
pub fn canary(sandbox: &Sandbox) -> String {
    format!("{}={TWO}", source(sandbox, "docs/two.txt"))
}

/// What lies in the folder that automatic folders are made in.
pub fn temporary(sandbox: &Sandbox) -> Vec<String> {
    let entries = fs::read_dir(sandbox.path("tmp")).expect("is there");
    entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// The text of a key of the summary.
#[track_caller]
pub fn key(summary: &Value, name: &str) -> String {
    summary[name].as_str().unwrap_or_else(|| panic!("{name} is no text in {summary}")).to_owned()
}

/// Asserts keys of the summary, `name value` each.
#[track_caller]
pub fn assert_keys(sandbox: &Sandbox, expected: &[(&str, &str)]) -> Value {
    let summary = sandbox.summary("restore-test");
    for (name, value) in expected {
        assert_eq!(key(&summary, name), *value, "{name} in {summary:#}");
    }
    summary
}

/// The keys of the summary, in its order.
pub fn keys(sandbox: &Sandbox) -> Vec<String> {
    let summary = sandbox.summary("restore-test");
    summary.as_object().expect("is an object").keys().cloned().collect()
}
