//! Made-up settings and folders for tests.

use crate::engine::scene;
use crate::settings::{self, Settings};
use chrono::{DateTime, Local, TimeZone};
use serde_json::Value;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The password in all of them.
pub(super) const PASSWORD: &str = "correct-horse-battery";

/// A folder with `hooks`, `config`, `log`, `run`, `state`, `data` in it.
pub(super) fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("there is room");
    for name in ["hooks", "config", "log", "run", "state", "data"] {
        fs::create_dir(folder.path().join(name)).expect("there is room");
    }
    folder
}

/// A time in the past.
pub(super) fn now() -> DateTime<Local> {
    Local.timestamp_opt(1_767_323_045, 0).single().expect("is a time")
}

/// Writes a script into the hooks folder below `root`.
pub(super) fn hook(root: &Path, file: &str, mode: u32) -> PathBuf {
    let path = root.join("hooks").join(file);
    fs::write(&path, "#!/bin/sh\n").expect("there is room");
    fs::set_permissions(&path, Permissions::from_mode(mode)).expect("is ours");
    path
}

/// Settings that are in order, with everything below `root` but for the repository.
pub(super) fn settings(root: &Path) -> Settings {
    let mut environment = scene::environment(root);
    for (name, value) in [
        ("PATH", "/usr/bin:/bin"),
        ("HOSTNAME", "keelhaul"),
        ("RESTIC_BACKUP_HELPER_RELEASE", "1.2.3"),
        ("RESTIC_REPOSITORY", "/mnt/restic"),
        ("RESTIC_PASSWORD", PASSWORD),
        ("RESTIC_TAG", "automated"),
        ("BACKUP_CRON", "0 */6 * * *"),
    ] {
        environment.set(name, value);
    }
    settings::read(&environment)
}

/// Asserts that an object has these keys in this order, each of this type (several separated by `|`).
#[track_caller]
pub(super) fn assert_shape(object: &Value, shape: &[(&str, &str)]) {
    let object = object.as_object().expect("is an object");
    let keys: Vec<&str> = object.keys().map(String::as_str).collect();
    assert_eq!(keys, shape.iter().map(|(key, _)| *key).collect::<Vec<_>>());
    for (key, kinds) in shape {
        let kind = match &object[*key] {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        assert!(kinds.split('|').any(|wanted| wanted == kind), "{key} is {kind}, not {kinds}");
    }
}

/// What every document begins with.
const ENVELOPE: [(&str, &str); 9] = [
    ("schema", "string"),
    ("command", "string"),
    ("release", "string"),
    ("hostname", "string"),
    ("generated_at", "string"),
    ("generated_epoch", "number"),
    ("warnings", "number"),
    ("errors", "number"),
    ("exit_code", "number"),
];

/// The same for a whole document, behind what every one of them begins with.
#[track_caller]
pub(super) fn assert_document(document: &Value, shape: &[(&str, &str)]) {
    assert_shape(document, &[&ENVELOPE, shape].concat());
}
