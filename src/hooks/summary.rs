//! The summary that templates see (`docs/hooks/templates.md`).

use super::model::ObjectRef;
use super::template::{Field, Value};
use super::{Context, Told};
use crate::settings::Settings;
use serde_json::{Map, Value as Json};
use std::time::Duration;

/// What templates see of a run beyond what hooks are told in their environment.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The namespace of native hooks: the pod's, else the host name.
    pub namespace: &'a str,
    /// `Running`, `Succeeded`, `Failed`, `Skipped`.
    pub phase: &'a str,
    /// Of the work; of the run so far before it has ended.
    pub duration: Duration,
    /// Attempts of the run that are left.
    pub retry_left: i64,
    /// Who we are.
    pub hostname: &'a str,
    /// The repository, masked.
    pub repository: &'a str,
    /// Typed statistics of the work.
    pub stats: &'a Map<String, Json>,
    /// The hooks of the run as the summary has them.
    pub hooks: Json,
    /// Place among all tasks of the run, from 0: pre hooks, work, undos, post hooks.
    pub task_index: usize,
}

/// The name in JSON of a field that another spelling of the same has already.
const NOT_IN_JSON: &str = "-";

/// The namespace of native hooks: the pod's, by `POD_NAMESPACE` or as Kubernetes mounts it, else the host name.
pub fn namespace(settings: &Settings) -> String {
    const MOUNTED: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
    let given = settings.environment.text("POD_NAMESPACE").filter(|name| !name.is_empty());
    let mounted = || std::fs::read_to_string(MOUNTED).ok().map(|text| text.trim().to_owned());
    given.or_else(|| mounted().filter(|name| !name.is_empty())).unwrap_or_else(|| settings.identity.hostname.clone())
}

/// The data of a template.
pub fn summary(told: &Told<'_>, facts: &Facts<'_>, context: Option<&Context>) -> Value {
    let context = context.cloned().unwrap_or_default();
    let namespace = context.namespace.unwrap_or_else(|| facts.namespace.to_owned());
    let invoker = context.invoker.unwrap_or_else(|| ObjectRef {
        kind: if told.trigger == "schedule" { "Schedule" } else { "Manual" }.to_owned(),
        name: told.worker.to_owned(),
        namespace: namespace.clone(),
        ..ObjectRef::default()
    });
    let target = context.target.unwrap_or_else(|| ObjectRef {
        kind: "Path".to_owned(),
        name: told.target.to_owned(),
        namespace: namespace.clone(),
        ..ObjectRef::default()
    });
    let standing = told.standing.as_ref();
    let status = vec![
        text("Phase", "phase", facts.phase),
        text("Duration", "duration", &as_go_prints(facts.duration)),
        text("Error", "error", &one_line(standing.map_or("", |standing| standing.error))),
    ];
    let values = told.values.iter().map(|(name, value)| (name.clone(), Value::text(value)));
    Value::record(
        "*v1beta1.Summary",
        vec![
            text("Name", "name", told.run_id),
            text("Namespace", "namespace", &namespace),
            field("Invoker", "invoker", object("v1.TypedLocalObjectReference", &invoker)),
            field("Target", "target", object("v1beta1.TargetRef", &target)),
            field("Status", "status", Value::record("v1beta1.TargetStatus", status)),
            number("RetryLeft", "retryLeft", facts.retry_left),
            text("Worker", "worker", told.worker),
            number("ExitCode", "exitCode", standing.map_or(0, |standing| standing.exit_code.into())),
            text("Hostname", "hostname", facts.hostname),
            text("Repository", "repository", facts.repository),
            text("Snapshot", "snapshot", standing.map_or("", |standing| standing.snapshot)),
            field("Stats", "stats", Value::map(facts.stats.iter().map(|(name, stat)| (name.clone(), of_json(stat))))),
            field("Hooks", "hooks", Value::list(hooks(&facts.hooks))),
            field("Values", "values", Value::map(values)),
            number("TaskIndex", "taskIndex", facts.task_index as i64),
            text("Trigger", "trigger", told.trigger),
        ],
    )
}

fn field(name: &'static str, json: &'static str, value: Value) -> Field {
    Field { name, json, value }
}

fn text(name: &'static str, json: &'static str, text: &str) -> Field {
    field(name, json, Value::text(text))
}

fn number(name: &'static str, json: &'static str, number: i64) -> Field {
    field(name, json, Value::Int(number))
}

/// Both spellings of the version: Stash documents `ApiVersion` and has `APIVersion`.
fn object(type_name: &str, object: &ObjectRef) -> Value {
    Value::record(
        type_name,
        vec![
            text("APIGroup", "apiGroup", &object.api_group),
            text("APIVersion", "apiVersion", &object.api_version),
            text("ApiVersion", NOT_IN_JSON, &object.api_version),
            text("Kind", "kind", &object.kind),
            text("Name", "name", &object.name),
            text("Namespace", "namespace", &object.namespace),
        ],
    )
}

/// The hooks that have an entry in the summary, those that are still to come among them (`pending`).
fn hooks(hooks: &Json) -> Vec<Value> {
    let hook = |hook: &Json| {
        let word = |key: &str| hook[key].as_str().unwrap_or_default().to_owned();
        Value::record(
            "boathook.Hook",
            vec![
                text("Name", "name", &word("name")),
                text("Phase", "phase", &word("phase")),
                text("Status", "status", &word("status")),
                field("ExitCode", "exitCode", of_json(&hook["exit_code"])),
                text("Reason", "reason", &word("reason")),
            ],
        )
    };
    hooks.as_array().into_iter().flatten().map(hook).collect()
}

fn of_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(is) => Value::Bool(*is),
        // Statistics are counts: a whole number prints as one, however large.
        Json::Number(number) => {
            number.as_i64().map_or_else(|| Value::Float(number.as_f64().unwrap_or_default()), Value::Int)
        }
        Json::String(text) => Value::text(text),
        Json::Array(items) => Value::list(items.iter().map(of_json).collect()),
        Json::Object(entries) => Value::map(entries.iter().map(|(key, value)| (key.clone(), of_json(value)))),
    }
}

/// `1h0m5s`, `1m5s`, `10s`, `0s`: rounded to seconds.
fn as_go_prints(duration: Duration) -> String {
    let seconds = duration.as_secs() + u64::from(duration.subsec_millis() >= 500);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds}s"),
        (hours, minutes, seconds) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

fn one_line(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::Standing;
    use super::super::template::{SecretValues, Template, Trust};
    use super::*;
    use serde_json::json;
    use std::collections::BTreeMap;
    use std::path::Path;

    fn seen(trigger: &str, context: Option<&Context>, template: &str) -> String {
        let values = BTreeMap::from([("DUMP".to_owned(), "/tmp/a b".to_owned())]);
        let told = Told {
            worker: "backup",
            run_id: "20260704-1",
            trigger,
            started_at: "",
            log: Path::new("/log"),
            target: "/data",
            index: 1,
            count: 1,
            attempt: 1,
            standing: Some(Standing {
                exit_code: 3,
                status: "failure",
                error: "two\nlines\n",
                snapshot: "4bb8e4c1",
                summary: None,
            }),
            output: None,
            values: &values,
            recovery: false,
        };
        let stats = json!({"files_new": 3, "ratio": 0.5, "total_bytes": 5_000_000_000_i64});
        let facts = Facts {
            namespace: "host-1",
            phase: "Failed",
            duration: Duration::from_millis(65_400),
            retry_left: 2,
            hostname: "host-1",
            repository: "s3:https://***@s3/x",
            stats: stats.as_object().expect("is an object"),
            hooks: json!([
                {"name": "freeze", "phase": "pre", "status": "failed", "exit_code": 7, "reason": "exit 7"},
                {"name": "tell", "phase": "post", "status": "pending", "exit_code": null, "reason": ""}
            ]),
            task_index: 4,
        };
        let template = Template::parse(template, Trust::Own).expect("parses");
        let data = summary(&told, &facts, context);
        template.render(&data, &SecretValues::default()).unwrap_or_else(|error| format!("! {}", error.what))
    }

    #[test]
    fn a_native_hook_sees_the_run() {
        for (template, expected) in [
            ("{{ .Name }} {{ .Namespace }} {{ .RetryLeft }}", "20260704-1 host-1 2"),
            (
                "[{{ .Invoker.APIGroup }}{{ .Invoker.ApiVersion }}] {{ .Invoker.Kind }} {{ .Invoker.Name }}",
                "[] Schedule backup",
            ),
            (
                "[{{ .Target.APIVersion }}{{ .Target.ApiVersion }}] {{ .Target.Kind }} {{ .Target.Name }}",
                "[] Path /data",
            ),
            ("{{ .Invoker.Namespace }} {{ .Target.Namespace }}", "host-1 host-1"),
            ("{{ .Status.Phase }} {{ .Status.Duration }} {{ .Status.Error }}|", "Failed 1m5s two lines|"),
            ("{{ .Worker }} {{ .ExitCode }} {{ .Hostname }} {{ .Repository }}", "backup 3 host-1 s3:https://***@s3/x"),
            ("{{ .Snapshot }} {{ .TaskIndex }} {{ .Trigger }}", "4bb8e4c1 4 schedule"),
            ("{{ .Stats.files_new }} {{ .Stats.ratio }} {{ .Stats.total_bytes }}", "3 0.5 5000000000"),
            ("{{ .Values.DUMP }} {{ .Values.NONE }}", "/tmp/a b <no value>"),
            (
                "{{ (index .Hooks 0).Name }} {{ (index .Hooks 0).Status }} {{ (index .Hooks 0).ExitCode }}",
                "freeze failed 7",
            ),
            ("{{ range .Hooks }}{{ .Phase }}:{{ .Reason }};{{ end }}", "pre:exit 7;post:;"),
        ] {
            assert_eq!(seen("schedule", None, template), expected, "{template}");
        }
        assert_eq!(seen("api", None, "{{ .Invoker.Kind }}"), "Manual");
    }

    #[test]
    fn a_definition_says_who_it_is_for() {
        let object = |kind: &str| ObjectRef {
            api_group: "apps".to_owned(),
            api_version: "apps/v1".to_owned(),
            kind: kind.to_owned(),
            name: "wiki".to_owned(),
            namespace: "web".to_owned(),
        };
        let context = Context {
            namespace: Some("web".to_owned()),
            invoker: Some(object("BackupConfiguration")),
            target: Some(object("Deployment")),
        };
        let template =
            "{{ .Namespace }} {{ .Invoker.APIGroup }} {{ .Invoker.Kind }} {{ .Target.ApiVersion }} {{ .Target.Name }}";
        assert_eq!(seen("schedule", Some(&context), template), "web apps BackupConfiguration apps/v1 wiki");
        let json = r#"{"apiGroup":"apps","apiVersion":"apps/v1","kind":"Deployment","name":"wiki","namespace":"web"}"#;
        assert_eq!(seen("schedule", Some(&context), "{{ toJson .Target }}"), json);
    }

    #[test]
    fn a_field_that_is_not_there_is_an_error() {
        let error = seen("schedule", None, "{{ .Target.Nmae }}");
        assert!(error.contains("can't evaluate field Nmae in type v1beta1.TargetRef"), "{error}");
    }

    #[test]
    fn a_duration_is_printed_as_go_prints_it() {
        for (millis, expected) in [
            (0, "0s"),
            (499, "0s"),
            (500, "1s"),
            (10_000, "10s"),
            (60_000, "1m0s"),
            (3_605_000, "1h0m5s"),
            (90_000_000, "25h0m0s"),
        ] {
            assert_eq!(as_go_prints(Duration::from_millis(millis)), expected);
        }
    }
}
