//! The template language gives the bytes that Go gives: `tests/golden/templates/README.md`.

use boathook::hooks::template::{Field, SecretValues, Template, Trust, Value};
use serde_json::Value as Json;

/// Where we differ from Go on purpose: the template, and why.
const DIFFERENT: &[(&str, &str)] = &[
    ("{{ $x = }}", "an assignment to what is no variable is found when the template is parsed"),
    ("{{range .words}}{{range $.none}}{{else}}{{break}}{{end}}x{{end}}y", "a break ends the loop that it stands in"),
    ("{{len .x}}", "Go's message is one of its reflection"),
    ("{{len nil}}", "Go's message is one of its reflection"),
    ("{{index .l 5}}", "as for any other index that is out of range"),
    ("{{eq .l .l}}", "Go's message shows the values in a broken way"),
    ("{{eq .m .m}}", "Go's message shows the values in a broken way"),
];

fn record(name: &str, fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let fields = fields.into_iter().map(|(name, value)| Field { name, json: name, value }).collect();
    Value::record(name, fields)
}

fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => {
            number.as_i64().map_or_else(|| Value::Float(number.as_f64().expect("it is a number")), Value::Int)
        }
        Json::String(text) => Value::text(text),
        Json::Array(items) => Value::list(items.iter().map(value).collect()),
        Json::Object(entries) => Value::map(entries.iter().map(|(key, json)| (key.clone(), value(json)))),
    }
}

/// The data sets of `core/main.go`.
fn data(set: &str) -> Value {
    let text = |text: &str| Value::text(text);
    match set {
        "nil" => Value::Nil,
        "text" => text("plain"),
        "list" => value(&serde_json::json!([1, 2, 3])),
        "summary" => record(
            "v1beta1.Summary",
            [
                ("Name", text("run-1")),
                ("Namespace", text("prod")),
                (
                    "Invoker",
                    record(
                        "*v1beta1.Invoker",
                        [("APIGroup", Value::Nil), ("Kind", text("BackupConfiguration")), ("Name", text("nightly"))],
                    ),
                ),
                (
                    "Target",
                    record(
                        "*v1beta1.Target",
                        [("APIGroup", text("apps")), ("Kind", text("Deployment")), ("Name", text("ledger"))],
                    ),
                ),
                (
                    "Status",
                    record(
                        "v1beta1.Status",
                        [
                            ("Phase", text("Failed")),
                            ("Duration", text("10s")),
                            ("Error", text(r#"it's "broken" <at> line\n2"#)),
                        ],
                    ),
                ),
                ("Missing", Value::Nil),
                ("RetryLeft", Value::Int(2)),
                (
                    "Hooks",
                    value(&serde_json::json!([
                        {"Name": "freeze", "Seconds": 1.5, "Critical": true},
                        {"Name": "thaw", "Seconds": 20, "Critical": false},
                    ])),
                ),
            ],
        ),
        "map" => value(&serde_json::json!({
            "s": "text", "empty": "", "i": 42, "n": -7, "zero": 0, "f": 1.5, "big": 123_456_789.0, "t": true, "b": false,
            "null": null, "l": [1, "two", 3.5, null, true], "none": [],
            "m": {"b": 2, "a": 1, "c": {"d": "deep"}}, "e": {},
            "u": "h\u{e9}llo \u{4e16}\u{754c}", "lines": "a\nb\tc", "html": r#"<a href="x">'&'</a>"#,
            "words": ["alpha", "beta", "gamma"], "nested": [[1, 2], [3, [4]]],
        })),
        other => panic!("no data set {other}"),
    }
}

#[test]
fn templates_give_what_go_gives() {
    let cases: Vec<Json> =
        serde_json::from_str(include_str!("../golden/templates/core.json")).expect("the golden file is JSON");
    assert!(cases.len() > 300, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let text = |key: &str| case[key].as_str();
        let template = text("template").expect("every case has a template");
        if DIFFERENT.iter().any(|(known, _)| *known == template) {
            continue;
        }
        let parsed = Template::parse(template, Trust::Own);
        let found = match &parsed {
            Err(error) => Err(error.what.clone()),
            Ok(parsed) => parsed
                .render(&data(text("data").expect("every case has data")), &SecretValues::default())
                .map_err(|error| error.what),
        };
        let right = match (&found, text("output"), text("error")) {
            (Ok(found), Some(output), None) => found == output,
            // Behind Go's words of a mistake in the text ours may say more.
            (Err(found), None, Some(error)) if parsed.is_err() && case["parse"] == true => found.starts_with(error),
            (Err(found), None, Some(error)) if parsed.is_ok() && case["parse"] != true => found == error,
            _ => false,
        };
        if !right {
            wrong.push(format!("{template}\n  go:   {}{}\n  here: {found:?}", case["output"], case["error"]));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
