//! The fields of the native form: one table, from which the decoder, its suggestions, the JSON Schema and the reference
//! in `docs/hooks/native.md` derive.

use super::super::Phase;

/// What a field takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// A text that is taken as it stands.
    Text,
    /// A text, or a template.
    Template,
    /// Seconds, or `90s`, `5m`, `1h30m`.
    Duration,
    /// A whole number from 0.
    Count,
    /// `true` or `false`.
    Flag,
    /// One of these words, whatever its case.
    Word(&'static [&'static str]),
    /// An exit code from 1 to 255.
    ExitCode,
    /// A port from 1 to 65535; in a definition that was written for another system also a port's name.
    Port,
    /// Anything that is not read here.
    Any,
    /// A list of these.
    List(&'static Kind),
    /// A mapping.
    Object(&'static Shape),
}

/// One field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Field {
    /// Its key.
    pub(super) name: &'static str,
    /// What it takes.
    pub(super) kind: Kind,
    /// What counts if it is left out, for people; empty for nothing.
    pub(super) default: &'static str,
    /// A sentence without a period that says what it does.
    pub(super) doc: &'static str,
    /// The one phase whose hooks may have it.
    pub(super) only: Option<Phase>,
    /// Whether it must be there.
    pub(super) required: bool,
}

/// A mapping with its fields.
#[derive(Debug, PartialEq)]
pub(super) struct Shape {
    /// What the schema and the reference call it.
    pub(super) name: &'static str,
    /// Its fields, in the order of the documentation.
    pub(super) fields: &'static [Field],
}

impl Shape {
    /// The field of this name.
    pub(super) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The names of its fields.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().map(|field| field.name)
    }
}

impl Kind {
    /// What it is, for the reference.
    pub(super) fn words(self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Template => "template".to_owned(),
            Self::Duration => "duration".to_owned(),
            Self::Count => "whole number from 0".to_owned(),
            Self::Flag => "`true`, `false`".to_owned(),
            Self::Word(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
            Self::ExitCode => "number from 1 to 255".to_owned(),
            Self::Port => "number from 1 to 65535".to_owned(),
            Self::Any => "anything".to_owned(),
            Self::List(kind) => format!("list: {}", kind.words()),
            Self::Object(shape) => format!("[`{}`](#{})", shape.name, shape.name.to_lowercase()),
        }
    }
}

const fn field(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Field {
    Field { name, kind, default, doc, only: None, required: false }
}

const fn required(name: &'static str, kind: Kind, doc: &'static str) -> Field {
    Field { name, kind, default: "", doc, only: None, required: true }
}

const fn only(phase: Phase, name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Field {
    Field { name, kind, default, doc, only: Some(phase), required: false }
}

/// The actions, in the order of the documentation; `script` is none of an undo.
pub(super) const ACTIONS: [&str; 5] = ["script", "exec", "httpGet", "httpPost", "tcpSocket"];

const EXEC_FIELD: Field = field("exec", Kind::Object(&EXEC), "", "Runs a command; exit code 0 is success");
const HTTP_GET_FIELD: Field =
    field("httpGet", Kind::Object(&HTTP_GET), "", "Asks by HTTP; a status from 200 to 399 is success");
const HTTP_POST_FIELD: Field =
    field("httpPost", Kind::Object(&HTTP_POST), "", "Tells by HTTP; a status from 200 to 399 is success");
const TCP_SOCKET_FIELD: Field =
    field("tcpSocket", Kind::Object(&TCP_SOCKET), "", "Connects by TCP; that the port accepts is success");

/// One hook.
pub(super) static HOOK: Shape = Shape {
    name: "hook",
    fields: &[
        field("name", Kind::Text, "phase and action", "What the hook is called in logs, summary and messages"),
        field("script", Kind::Text, "", "The script in `HOOKS_DIR` that these are settings for, by its file's name"),
        EXEC_FIELD,
        HTTP_GET_FIELD,
        HTTP_POST_FIELD,
        TCP_SOCKET_FIELD,
        field(
            "timeout",
            Kind::Duration,
            "`HOOK_TIMEOUT`; 5m for requests if that is 0",
            "How long each attempt may take; `0` is no limit for commands and scripts, and 5 minutes for requests and connections",
        ),
        field(
            "onError",
            Kind::Word(&["Continue", "Fail"]),
            "`Continue`; `HOOK_ON_ERROR` for scripts",
            "What a failure costs: nothing but a `warning`, or the run",
        ),
        field("stopPhaseOnError", Kind::Flag, "`false`", "A failure skips the later hooks of the phase, nothing else"),
        only(
            Phase::Post,
            "executionPolicy",
            Kind::Word(&["Always", "OnSuccess", "OnFailure", "OnFinalRetryFailure"]),
            "`Always`",
            "When the hook runs, by how the run stands",
        ),
        field("retries", Kind::Count, "`0`", "How many further attempts a failure gets"),
        field("retryDelay", Kind::Duration, "`5s`", "The wait before the second attempt; it doubles with each"),
        only(
            Phase::Pre,
            "skipOn",
            Kind::List(&Kind::ExitCode),
            "none; `HOOK_SKIP_ON` for scripts",
            "Exit codes that call the run off: status `skipped`, exit code 0",
        ),
        only(
            Phase::Pre,
            "undo",
            Kind::Object(&UNDO),
            "",
            "What takes the effect back: runs after the work whenever the hook was started, perhaps twice",
        ),
        only(
            Phase::Pre,
            "holdLimit",
            Kind::Duration,
            "none",
            "How long the effect may last: past it the undo runs while the work goes on, and the run is a `warning`",
        ),
        field("context", Kind::Object(&CONTEXT), "", "What templates see as `.Namespace`, `.Invoker` and `.Target`"),
        field("executor", Kind::Object(&EXECUTOR), "", "Where the hook would run in the system it was written for"),
        field("containerName", Kind::Text, "the first one", "The container there"),
    ],
};

/// What takes a pre hook's effect back.
pub(super) static UNDO: Shape = Shape {
    name: "undo",
    fields: &[
        EXEC_FIELD,
        HTTP_GET_FIELD,
        HTTP_POST_FIELD,
        TCP_SOCKET_FIELD,
        field("timeout", Kind::Duration, "`5m`", "How long each attempt may take; `0` is 5 minutes, too"),
    ],
};

/// A command.
pub(super) static EXEC: Shape = Shape {
    name: "exec",
    fields: &[
        required(
            "command",
            Kind::List(&Kind::Template),
            "The program and its arguments; no shell, unless one is named",
        ),
        field("shell", Kind::Text, "none", "The shell that the one text of `command` is handed to, as `SHELL -c TEXT`"),
        field("container", Kind::Text, "this one", "Another container, by name"),
        field("user", Kind::Template, "ours", "The user, by name or number, or `user:group`"),
        field("workingDir", Kind::Template, "`/`", "The working directory"),
        field("env", Kind::List(&Kind::Object(&ENV)), "", "Variables that are added to the hook's environment"),
    ],
};

/// A variable.
pub(super) static ENV: Shape = Shape {
    name: "env",
    fields: &[required("name", Kind::Text, "The variable's name"), required("value", Kind::Template, "Its value")],
};

const HOST: Field =
    field("host", Kind::Template, "`localhost`", "A name or an address, without scheme, port, path and brackets");
const PORT: Field = field("port", Kind::Port, "80, 443 for `HTTPS`", "The port");
const PATH: Field = field("path", Kind::Template, "`/`", "Path and query");
const SCHEME: Field = field("scheme", Kind::Word(&["HTTP", "HTTPS"]), "`HTTP`", "With TLS or without");
static OF_HEADERS: Kind = Kind::Object(&HEADER);
const HEADERS: Field =
    field("httpHeaders", Kind::List(&OF_HEADERS), "", "Headers, sent as they are set; a name may stand twice");
const TLS: Field = field(
    "insecureSkipTLSVerify",
    Kind::Flag,
    "`false`",
    "Whoever answers is believed: the certificate is not verified, and `doctor` warns",
);

/// A question by HTTP.
pub(super) static HTTP_GET: Shape = Shape { name: "httpGet", fields: &[HOST, PORT, PATH, SCHEME, HEADERS, TLS] };

/// A message by HTTP.
pub(super) static HTTP_POST: Shape = Shape {
    name: "httpPost",
    fields: &[
        HOST,
        PORT,
        PATH,
        SCHEME,
        HEADERS,
        field("body", Kind::Template, "", "What is posted"),
        field(
            "form",
            Kind::List(&Kind::Object(&FORM)),
            "",
            "What is posted as `application/x-www-form-urlencoded`, in place of a body",
        ),
        TLS,
    ],
};

/// A header.
pub(super) static HEADER: Shape = Shape {
    name: "httpHeaders",
    fields: &[required("name", Kind::Template, "The header's name"), required("value", Kind::Template, "Its value")],
};

/// A key of a form.
pub(super) static FORM: Shape = Shape {
    name: "form",
    fields: &[
        required("key", Kind::Template, "The key"),
        required("values", Kind::List(&Kind::Template), "Its values: the key is sent once with each"),
    ],
};

/// A connection.
pub(super) static TCP_SOCKET: Shape =
    Shape { name: "tcpSocket", fields: &[HOST, required("port", Kind::Port, "The port")] };

/// What templates see.
pub(super) static CONTEXT: Shape = Shape {
    name: "context",
    fields: &[
        field("namespace", Kind::Text, "the pod's, else the host name", "`.Namespace`"),
        field("invoker", Kind::Object(&OBJECT), "the run", "`.Invoker`"),
        field("target", Kind::Object(&OBJECT), "what is read or written", "`.Target`"),
    ],
};

/// An object of another system.
pub(super) static OBJECT: Shape = Shape {
    name: "object",
    fields: &[
        field("apiGroup", Kind::Text, "", "`.APIGroup`"),
        field("apiVersion", Kind::Text, "", "`.APIVersion`, `.ApiVersion`"),
        field("kind", Kind::Text, "", "`.Kind`"),
        field("name", Kind::Text, "", "`.Name`"),
        field("namespace", Kind::Text, "", "`.Namespace`"),
    ],
};

/// Where a hook would run in its own system.
pub(super) static EXECUTOR: Shape = Shape {
    name: "executor",
    fields: &[
        required(
            "type",
            Kind::Word(&["Pod", "Operator", "Function"]),
            "A container of a pod, this container, or a job",
        ),
        field("selector", Kind::Text, "all pods", "The pods, by label"),
        field("namespaces", Kind::List(&Kind::Text), "the document's own", "Their namespaces"),
        field("owner", Kind::Text, "", "The workload that owns them"),
        field("strategy", Kind::Text, "", "`ExecuteOnOne` or `ExecuteOnAll`"),
        field("function", Kind::Text, "", "The function's name"),
    ],
};

/// The top of the file.
pub(super) static FILE: Shape = Shape {
    name: "file",
    fields: &[
        field("hooks", Kind::Any, "no hooks", "The hooks, by phase"),
        field("$schema", Kind::Any, "", "Where an editor finds the schema; not read"),
    ],
};

/// Every mapping of the reference, in its order.
pub(super) static SHAPES: [&Shape; 13] = [
    &HOOK,
    &UNDO,
    &EXEC,
    &ENV,
    &HTTP_GET,
    &HTTP_POST,
    &HEADER,
    &FORM,
    &TCP_SOCKET,
    &CONTEXT,
    &OBJECT,
    &EXECUTOR,
    &FILE,
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_field_is_documented_once_and_every_mapping_is_listed() {
        for shape in SHAPES {
            let names: BTreeSet<&str> = shape.names().collect();
            assert_eq!(names.len(), shape.fields.len(), "{}", shape.name);
            for field in shape.fields {
                assert!(!field.doc.is_empty() && !field.doc.ends_with('.'), "{}.{}", shape.name, field.name);
                let of = match field.kind {
                    Kind::Object(of) => of,
                    Kind::List(Kind::Object(of)) => *of,
                    _ => continue,
                };
                assert!(SHAPES.iter().any(|known| known.name == of.name), "{}", of.name);
            }
        }
        let names: BTreeSet<&str> = SHAPES.iter().map(|shape| shape.name).collect();
        assert_eq!(names.len(), SHAPES.len());
        assert!(ACTIONS.iter().all(|action| HOOK.field(action).is_some()));
    }
}
