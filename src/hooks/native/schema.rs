//! The JSON Schema of the native form, for editors.

use super::super::{Owner, Phase};
use super::fields::{ACTIONS, FILE, Field, HOOK, Kind, SHAPES, Shape};
use super::phases;
use serde_json::{Map, Value, json};

/// The JSON Schema of the native form (draft 2020-12). What one value alone cannot show (a template that does not parse, a
/// script that is no hook's) is found by `boathook hooks check`.
pub fn schema(workers: &[&'static str]) -> Value {
    let mut definitions = Map::new();
    for shape in SHAPES.iter().filter(|shape| shape.name != FILE.name && shape.name != HOOK.name) {
        definitions.insert(shape.name.to_owned(), object(shape, None));
    }
    for phase in [Phase::Pre, Phase::Post] {
        definitions.insert(format!("{}Hook", phase.word()), object(&HOOK, Some(phase)));
    }
    let mut properties = Map::new();
    for (key, phase, owner) in phases::all(workers) {
        let when = if phase == Phase::Pre { "before" } else { "after" };
        let whose = match owner {
            Owner::All => "every worker's work".to_owned(),
            Owner::Worker(worker) => format!("the work of {worker}"),
        };
        let of = format!("#/$defs/{}Hook", phase.word());
        let description = format!("Hooks {when} {whose}, in running order");
        properties.insert(key, json!({"description": description, "type": ["array", "null"], "items": {"$ref": of}}));
    }
    let hooks = FILE.field("hooks").map_or("", |field| field.doc);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "hooks.yaml of Boathook",
        "type": ["object", "null"],
        "properties": {
            "$schema": {"type": "string"},
            "hooks": {
                "description": hooks,
                "type": ["object", "null"],
                "properties": properties,
                "additionalProperties": false,
            },
        },
        "patternProperties": {"^x-": {}},
        "additionalProperties": false,
        "$defs": definitions,
    })
}

fn object(shape: &'static Shape, phase: Option<Phase>) -> Value {
    let fields: Vec<&Field> = shape
        .fields
        .iter()
        .filter(|field| field.only.is_none_or(|only| phase.is_none_or(|phase| phase == only)))
        .collect();
    let properties: Map<String, Value> =
        fields.iter().map(|field| (field.name.to_owned(), described(shape, field))).collect();
    let required: Vec<&str> = fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    let actions: Vec<Value> = ACTIONS
        .iter()
        .filter(|action| shape.field(action).is_some())
        .map(|action| json!({"title": action, "required": [action]}))
        .collect();
    if actions.len() > 1 {
        schema["oneOf"] = json!(actions);
    }
    if fields.iter().any(|field| field.name == "holdLimit") {
        schema["dependentRequired"] = json!({"holdLimit": ["undo"]});
    }
    if shape.field("body").is_some() {
        schema["not"] = json!({"required": ["body", "form"]});
    }
    schema
}

fn described(shape: &Shape, field: &Field) -> Value {
    let mut schema = value(field.kind);
    let default = field.default.replace('`', "");
    let default = if default.is_empty() { String::new() } else { format!(". Default: {default}") };
    schema["description"] = json!(format!("{}{default}", field.doc.replace('`', "")));
    restrict(shape, field, &mut schema);
    schema
}

/// What the type of a field does not say: rules of the decoder that hold for its text alone.
fn restrict(shape: &Shape, field: &Field, schema: &mut Value) {
    // Not blank, in one line; printable is what the decoder means by it.
    let one_line =
        "^[^\\u0000-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f][^\\u0000-\\u001f\\u007f-\\u009f]*$";
    let pattern = match (shape.name, field.name) {
        ("hook", "name") => one_line,
        ("exec", "shell" | "container" | "user" | "workingDir") => "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$",
        // In a definition that was written for another system a name may have other letters.
        ("env", "name") => "^[^=\\u0000]+$",
        ("env", "value") => "^[^\\u0000]*$",
        // What stands within an action may be anything.
        ("httpGet" | "httpPost" | "tcpSocket", "host") => "^[^\\s/?#@\\[]+$|\\{\\{",
        ("httpGet" | "httpPost", "path") => "^[^\\s]*$|\\{\\{",
        ("httpHeaders", "name") => "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$|\\{\\{",
        ("httpHeaders", "value") => "^[^\\r\\n\\u0000]*$|\\{\\{",
        ("exec", "command") => {
            schema["minItems"] = json!(1);
            schema["prefixItems"] = json!([{"type": "string", "pattern": "[^\\s]"}]);
            schema["items"]["pattern"] = json!("^[^\\u0000]*$");
            return;
        }
        _ => return,
    };
    schema["pattern"] = json!(pattern);
}

fn value(kind: Kind) -> Value {
    match kind {
        Kind::Text | Kind::Template => json!({"type": "string"}),
        Kind::Duration => json!({"anyOf": [
            {"type": "integer", "minimum": 0},
            {"type": "string", "minLength": 1, "pattern": "^\\s*([0-9]+|([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)\\s*$"},
        ]}),
        Kind::Count => json!({"type": "integer", "minimum": 0, "maximum": u32::MAX}),
        Kind::Flag => json!({"type": "boolean"}),
        // The words for completion, the patterns since they are read whatever their case.
        Kind::Word(words) => {
            let patterns: Vec<String> = words.iter().map(|word| any_case(word)).collect();
            json!({"anyOf": [{"enum": words}, {"type": "string", "pattern": format!("^({})$", patterns.join("|"))}]})
        }
        Kind::ExitCode => json!({"type": "integer", "minimum": 1, "maximum": 255}),
        Kind::Port => json!({"anyOf": [
            {"type": "integer", "minimum": 1, "maximum": 65535},
            {"type": "string", "maxLength": 15, "pattern": "^[a-z0-9-]*[a-z][a-z0-9-]*$"},
        ]}),
        Kind::Any => json!({}),
        Kind::List(of) => json!({"type": "array", "items": value(*of)}),
        Kind::Object(shape) => json!({"$ref": format!("#/$defs/{}", shape.name)}),
    }
}

/// A pattern that matches a word whatever its case; JSON Schema has no flag for that.
fn any_case(word: &str) -> String {
    word.chars().flat_map(|c| ['[', c.to_ascii_uppercase(), c.to_ascii_lowercase(), ']']).collect()
}
