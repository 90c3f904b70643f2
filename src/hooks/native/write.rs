//! Writing hooks in the native form, as `hooks show` prints them.

use super::super::model::{Exec, Executor, Http, ObjectRef, Port, Tcp, Tls};
use super::super::{Action, Context, Declared, HooksFile, Owner, Phase, Policy, Text};
use super::http::scheme_word;
use super::key;
use super::scalar::{self, Written};
use std::fmt::Write as _;
use std::time::Duration;

/// A command is written on one line up to this many characters.
const WIDTH: usize = 100;

/// The hooks of a file in the native form, which [`super::read`] accepts back, with comments where the meaning differs
/// from what their own system did.
pub fn write(file: &HooksFile) -> String {
    let mut out = String::new();
    for note in &file.notes {
        comment(&mut out, 0, note);
    }
    if file.hooks.is_empty() {
        out.push_str("hooks: {}\n");
        return out;
    }
    out.push_str("hooks:\n");
    for (phase, owner) in phases(&file.hooks) {
        line(&mut out, 2, &format!("{}:", key(phase, owner)));
        for hook in file.hooks.iter().filter(|hook| hook.phase == phase && hook.owner == owner) {
            if !hook.origin.document.is_empty() {
                comment(&mut out, 4, &format!("{}, line {}", hook.origin.document, hook.origin.at.line));
            }
            for note in &hook.notes {
                comment(&mut out, 4, note);
            }
            for warning in &hook.warnings {
                comment(&mut out, 4, &format!("warning: {}: {}", warning.what, warning.mend));
            }
            item(&mut out, 4, &of_hook(hook));
        }
    }
    out
}

/// Phases in running order: pre hooks of every worker first, post hooks of every worker last.
fn phases(hooks: &[Declared]) -> Vec<(Phase, Owner)> {
    let mut found: Vec<(Phase, Owner)> = Vec::new();
    for hook in hooks {
        if !found.contains(&(hook.phase, hook.owner)) {
            found.push((hook.phase, hook.owner));
        }
    }
    found.sort_by_key(|(phase, owner)| (*phase, (*owner == Owner::All) == (*phase == Phase::Post)));
    found
}

/// What is written for a value.
enum Tree {
    /// On the key's line: a number, a word.
    Word(String),
    /// A text.
    Text(String),
    List(Vec<Tree>),
    Map(Vec<(&'static str, Tree)>),
}

fn of_hook(hook: &Declared) -> Tree {
    let mut map = Vec::new();
    let mut put = |key, value: Option<Tree>| map.extend(value.map(|value| (key, value)));
    put("name", hook.name.as_deref().map(plain));
    put("script", hook.script.as_deref().map(plain));
    if let Some((word, action)) = hook.action.as_ref().map(of_action) {
        put(word, Some(action));
    }
    put("timeout", hook.timeout.map(span));
    put("onError", hook.on_error.map(|value| word(value.word())));
    put("stopPhaseOnError", hook.stop_phase_on_error.then(|| word("true")));
    put("executionPolicy", (hook.policy != Policy::Always).then(|| word(hook.policy.word())));
    put("retries", (hook.retries > 0).then(|| word(&hook.retries.to_string())));
    put("retryDelay", hook.retry_delay.map(span));
    put(
        "skipOn",
        hook.skip_on.as_ref().map(|codes| Tree::List(codes.iter().map(|code| word(&code.to_string())).collect())),
    );
    if let Some(undo) = &hook.undo {
        let (word, action) = of_action(&undo.action);
        let timeout = undo.timeout.map(|limit| ("timeout", span(limit)));
        put("undo", Some(Tree::Map([(word, action)].into_iter().chain(timeout).collect())));
    }
    put("holdLimit", hook.hold_limit.map(span));
    put("context", hook.context.as_ref().map(of_context));
    put("executor", hook.executor.as_ref().map(of_executor));
    put("containerName", hook.container_name.as_deref().map(plain));
    Tree::Map(map)
}

fn of_action(action: &Action) -> (&'static str, Tree) {
    let tree = match action {
        Action::Script(path) => plain(&path.file_name().unwrap_or_default().to_string_lossy()),
        Action::Exec(exec) => of_exec(exec),
        Action::HttpGet(http) | Action::HttpPost(http) => of_http(http),
        Action::TcpSocket(Tcp { host, port }) => {
            Tree::Map(of_host(host).into_iter().chain([("port", of_port(port))]).collect())
        }
    };
    (action.word(), tree)
}

fn of_exec(exec: &Exec) -> Tree {
    let mut map = vec![("command", Tree::List(exec.command.iter().map(template).collect()))];
    let mut put = |key, value: Option<Tree>| map.extend(value.map(|value| (key, value)));
    put("shell", exec.shell.as_deref().map(plain));
    put("container", exec.container.as_deref().map(plain));
    put("user", exec.user.as_ref().map(template));
    put("workingDir", exec.working_dir.as_ref().map(template));
    let env = exec.env.iter().map(|(name, value)| Tree::Map(vec![("name", plain(name)), ("value", template(value))]));
    put("env", (!exec.env.is_empty()).then(|| Tree::List(env.collect())));
    Tree::Map(map)
}

fn of_http(http: &Http) -> Tree {
    let mut map: Vec<(&'static str, Tree)> = vec![("scheme", word(scheme_word(http.scheme)))];
    map.extend(of_host(&http.host));
    let mut put = |key, value: Option<Tree>| map.extend(value.map(|value| (key, value)));
    put("port", http.port.as_ref().map(of_port));
    put("path", (!http.path.source().is_empty()).then(|| of_path(&http.path)));
    let pair = |(name, value): &(Text, Text)| Tree::Map(vec![("name", template(name)), ("value", template(value))]);
    put("httpHeaders", (!http.headers.is_empty()).then(|| Tree::List(http.headers.iter().map(pair).collect())));
    put("body", http.body.as_ref().map(template));
    let key = |(key, values): &(Text, Vec<Text>)| {
        Tree::Map(vec![("key", template(key)), ("values", Tree::List(values.iter().map(template).collect()))])
    };
    put("form", (!http.form.is_empty()).then(|| Tree::List(http.form.iter().map(key).collect())));
    put("insecureSkipTLSVerify", (http.tls == Tls::SkipVerify).then(|| word("true")));
    Tree::Map(map)
}

/// An empty host is none: it is what counts if nothing is said. Brackets around an address are other systems' way.
fn of_host(host: &Text) -> Option<(&'static str, Tree)> {
    let bare = host.source().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let host = match (host, bare) {
        (Text::Plain(_), Some(bare)) => Text::plain(bare),
        _ => host.clone(),
    };
    (!host.source().is_empty()).then(|| ("host", template(&host)))
}

/// A blank is written as it is sent.
fn of_path(path: &Text) -> Tree {
    match path {
        Text::Plain(path) => template(&Text::Plain(path.replace(' ', "%20"))),
        Text::Template(_) => template(path),
    }
}

fn of_port(port: &Port) -> Tree {
    match port {
        Port::Number(number) => word(&number.to_string()),
        Port::Name(name) => plain(name),
    }
}

fn of_context(context: &Context) -> Tree {
    let namespace = context.namespace.as_deref().map(|text| ("namespace", plain(text)));
    let invoker = context.invoker.as_ref().map(|object| ("invoker", of_object(object)));
    let target = context.target.as_ref().map(|object| ("target", of_object(object)));
    Tree::Map([namespace, invoker, target].into_iter().flatten().collect())
}

fn of_object(object: &ObjectRef) -> Tree {
    let fields = [
        ("apiGroup", &object.api_group),
        ("apiVersion", &object.api_version),
        ("kind", &object.kind),
        ("name", &object.name),
        ("namespace", &object.namespace),
    ];
    Tree::Map(fields.into_iter().filter(|(_, text)| !text.is_empty()).map(|(key, text)| (key, plain(text))).collect())
}

fn of_executor(executor: &Executor) -> Tree {
    let mut map = vec![("type", word(executor.kind.word()))];
    let mut put = |key, value: Option<Tree>| map.extend(value.map(|value| (key, value)));
    put("selector", executor.selector.as_deref().map(plain));
    let namespaces = executor.namespaces.iter().map(|name| plain(name));
    put("namespaces", (!executor.namespaces.is_empty()).then(|| Tree::List(namespaces.collect())));
    put("owner", executor.owner.as_deref().map(plain));
    put("strategy", executor.strategy.as_deref().map(plain));
    put("function", executor.function.as_deref().map(plain));
    Tree::Map(map)
}

fn word(word: &str) -> Tree {
    Tree::Word(word.to_owned())
}

fn plain(text: &str) -> Tree {
    Tree::Text(text.to_owned())
}

/// A text that may be a template. In one that is none, what looks like the beginning of an action is written as an
/// action that prints it.
fn template(text: &Text) -> Tree {
    Tree::Text(match text {
        Text::Plain(text) => text.replace("{{", "{{\"{{\"}}"),
        Text::Template(template) => template.source().to_owned(),
    })
}

/// A duration in the units that [`crate::settings::duration`] reads; what is less than a millisecond counts as one.
fn span(duration: Duration) -> Tree {
    let mut rest = duration.as_nanos().div_ceil(1_000_000);
    if rest == 0 {
        return word("0");
    }
    let mut written = String::new();
    for (unit, length) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
        let count = rest / length;
        rest %= length;
        if count > 0 {
            let _ = write!(written, "{count}{unit}");
        }
    }
    Tree::Word(written)
}

fn line(out: &mut String, indent: usize, text: &str) {
    out.extend(std::iter::repeat_n(' ', indent));
    out.push_str(text);
    out.push('\n');
}

/// One line, whatever stands in it.
fn comment(out: &mut String, indent: usize, text: &str) {
    let text = text.replace(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}'), " ");
    line(out, indent, &format!("# {text}"));
}

/// An item of a list, its dash at `indent`.
fn item(out: &mut String, indent: usize, tree: &Tree) {
    match tree {
        Tree::Map(map) if !map.is_empty() => {
            let begin = out.len();
            entries(out, indent + 2, map);
            // The first key stands behind the dash.
            out.replace_range(begin + indent..=begin + indent, "-");
        }
        _ => value(out, indent, "-", tree),
    }
}

fn entries(out: &mut String, indent: usize, map: &[(&'static str, Tree)]) {
    for (key, tree) in map {
        value(out, indent, &format!("{key}:"), tree);
    }
}

/// A value behind its key or dash.
fn value(out: &mut String, indent: usize, before: &str, tree: &Tree) {
    match tree {
        Tree::Word(word) => line(out, indent, &format!("{before} {word}")),
        Tree::Text(text) => match scalar::write(text) {
            Written::Line(text) => line(out, indent, &format!("{before} {text}")),
            Written::Block(header, lines) => {
                line(out, indent, &format!("{before} {header}"));
                for text in lines {
                    line(out, if text.is_empty() { 0 } else { indent + 2 }, &text);
                }
            }
        },
        Tree::List(items) => {
            if let Some(list) = on_one_line(items) {
                return line(out, indent, &format!("{before} {list}"));
            }
            line(out, indent, before);
            for tree in items {
                item(out, indent + 2, tree);
            }
        }
        Tree::Map(map) if map.is_empty() => line(out, indent, &format!("{before} {{}}")),
        Tree::Map(map) => {
            line(out, indent, before);
            entries(out, indent + 2, map);
        }
    }
}

/// `["fsfreeze", "--freeze"]`, where it is short and has no texts of several lines.
fn on_one_line(items: &[Tree]) -> Option<String> {
    let words = items.iter().map(|item| match item {
        Tree::Word(word) => Some(word.clone()),
        Tree::Text(text) if !text.contains('\n') => Some(scalar::quoted(text)),
        _ => None,
    });
    let list = format!("[{}]", words.collect::<Option<Vec<_>>>()?.join(", "));
    (list.chars().count() <= WIDTH).then_some(list)
}
