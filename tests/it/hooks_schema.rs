//! `boathook hooks schema`: the JSON Schema of the native form, as it is kept in the docs.

use crate::support::Sandbox;
use boathook::workers::WORKERS;
use serde_json::Value;
use std::path::Path;

/// Where editors find it.
const KEPT: &str = "docs/hooks/hooks.schema.json";

fn schema() -> (String, Value) {
    let text = Sandbox::new().run(&["hooks", "schema"]).ends_with(0).stdout;
    let value = serde_json::from_str(&text).expect("is JSON");
    (text, value)
}

#[test]
fn the_schema_is_one_document_that_names_its_draft() {
    let (text, schema) = schema();
    assert!(text.ends_with("}\n"), "{text}");
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["type"], serde_json::json!(["object", "null"]), "an empty file is one without hooks");
}

#[test]
fn the_schema_has_every_phase_of_every_worker_and_no_other() {
    let (_, schema) = schema();
    let mut expected: Vec<String> =
        WORKERS.iter().map(|worker| worker.job.name).chain(["all"]).flat_map(phases).collect();
    let phases = schema.pointer("/properties/hooks/properties").and_then(Value::as_object).expect("lists the phases");
    let mut known: Vec<String> = phases.keys().cloned().collect();
    known.sort();
    expected.sort();
    assert_eq!(known, expected);
}

/// `preSnapshotExport`, `postSnapshotExport`.
fn phases(worker: &str) -> [String; 2] {
    let camel: String = worker.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect();
    ["pre", "post"].map(|phase| format!("{phase}{camel}"))
}

#[test]
fn the_schema_that_is_kept_is_the_one_that_is_printed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(KEPT);
    let kept = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{KEPT}: {error}"));
    assert_eq!(kept, schema().0, "print it anew: boathook hooks schema > {KEPT}");
}
