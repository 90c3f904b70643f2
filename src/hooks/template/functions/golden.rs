//! The functions against what Go's `text/template` with Sprig gave for the same templates
//! (`tests/golden/templates/README.md`).

use super::super::{Field, SecretValues, Template, Trust, Value};
use serde::Deserialize;
use serde_json::Value as Json;

const CASES: &str = include_str!("../../../../tests/golden/templates/sprig.json");
const DATA: &str = include_str!("../../../../tests/golden/templates/data.json");

#[derive(Deserialize)]
struct Case {
    name: String,
    template: String,
    data: String,
    output: Option<String>,
    error: Option<String>,
}

/// Where Go says in other words what is wrong with an argument: it knows which one is a literal, and what stood in a list
/// or mapping.
const OTHER_WORDS: &[&str] = &["; found ", "can't handle ", "got interface {}"];

fn text(json: &Json) -> Value {
    Value::text(json.as_str().expect("is a text"))
}

fn record(type_name: &str, fields: &[(&'static str, &'static str)], json: &Json) -> Value {
    let field = |(name, key): &(&'static str, &'static str)| Field { name, json: key, value: text(&json[*key]) };
    Value::record(type_name, fields.iter().map(field).collect())
}

/// The summary of Stash, field by field.
fn stash(json: &Json) -> Value {
    let invoker = [("APIGroup", "apiGroup"), ("Kind", "kind"), ("Name", "name")];
    let target = [("APIVersion", "apiVersion"), ("Kind", "kind"), ("Name", "name"), ("Namespace", "namespace")];
    let status = [("Phase", "phase"), ("Duration", "duration"), ("Error", "error")];
    let field = |name, json, value| Field { name, json, value };
    Value::record(
        "*v1beta1.Summary",
        vec![
            field("Name", "name", text(&json["name"])),
            field("Namespace", "namespace", text(&json["namespace"])),
            field("Invoker", "invoker", record("v1beta1.TypedLocalObjectReference", &invoker, &json["invoker"])),
            field("Target", "target", record("v1beta1.TargetRef", &target, &json["target"])),
            field("Status", "status", record("v1beta1.TargetStatus", &status, &json["status"])),
            field("RetryLeft", "retryLeft", Value::Int(json["retryLeft"].as_i64().expect("is a number"))),
        ],
    )
}

/// As Go reads JSON: every number is a `float64`.
fn arbitrary(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(is) => Value::Bool(*is),
        Json::Number(number) => Value::Float(number.as_f64().expect("is a number")),
        Json::String(text) => Value::text(text),
        Json::Array(items) => Value::list(items.iter().map(arbitrary).collect()),
        Json::Object(entries) => Value::map(entries.iter().map(|(key, value)| (key.clone(), arbitrary(value)))),
    }
}

fn rendered(case: &Case, data: &Value) -> Result<String, String> {
    let template = Template::parse(&case.template, Trust::Own).map_err(|error| error.what)?;
    template.render(data, &SecretValues::default()).map_err(|error| error.what)
}

/// Whether our words are Go's, the place in the template left out.
fn is_said(ours: &str, go: &str) -> bool {
    let ours = ours
        .rsplit_once("error calling ")
        .map_or(ours, |(_, after)| after.split_once(": ").map_or(after, |(_, why)| why));
    go.contains(ours) || OTHER_WORDS.iter().any(|words| go.contains(words))
}

#[test]
fn every_template_gives_what_go_gives() {
    let data: Json = serde_json::from_str(DATA).expect("is JSON");
    let cases: Vec<Case> = serde_json::from_str(CASES).expect("is JSON");
    assert!(cases.len() >= 250, "{}", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let data = if case.data == "summary" { stash(&data["summary"]) } else { arbitrary(&data[&case.data]) };
        let found = rendered(case, &data);
        let is_right = match (&found, &case.output, &case.error) {
            (Ok(found), Some(output), _) => found == output,
            (Err(found), _, Some(error)) => is_said(found, error),
            _ => false,
        };
        if !is_right {
            let go = case.output.as_ref().map_or_else(|| Err(case.error.clone()), Ok);
            wrong.push(format!("{}: {}\n  Go:   {go:?}\n  ours: {found:?}", case.name, case.template));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
