//! A hooks file of any content is read, or has mistakes; what was read can be written and means the same when it is read again.

use boathook::hooks::document::At;
use boathook::hooks::model::{Exec, Http, Origin, Tcp};
use boathook::hooks::template::{SecretValues, Template, Value};
use boathook::hooks::{Action, Declared, HooksFile, Text, Undo, listing, load, native};
use boathook::workers;
use std::io::{Seek as _, Write as _};
use std::path::PathBuf;
use tempfile::NamedTempFile;

/// Holds one input against that.
pub fn check(data: &[u8]) {
    let Some(file) = read(data) else { return };
    assert!(file.mistakes.is_empty() || file.hooks.is_empty(), "a file with a mistake gives hooks: {file:?}");
    assert!(file.mistakes.iter().all(|mistake| mistake.at.line > 0 && mistake.at.column > 0), "{:?}", file.mistakes);
    let Ok(written) = listing::show(&file) else { return };
    let again = read(written.as_bytes()).expect("has just been written");
    if !again.mistakes.is_empty() {
        // What another system allows may be a mistake in the native form: an unquoted template for a shell.
        let is_native = file.documents.iter().all(|document| document == "native");
        assert!(!is_native, "is not taken back: {:?}\n{written}", again.mistakes);
        return;
    }
    let (one, other) = (meanings(&file), meanings(&again));
    assert_eq!(one, other, "means something else when it is read again:\n{written}");
    let twice = native::write(&again);
    assert_eq!(meanings(&read(twice.as_bytes()).expect("has just been written")), one, "{twice}");
}

/// Reads these bytes as a hooks file, by the way of every other.
fn read(data: &[u8]) -> Option<HooksFile> {
    let mut copy = NamedTempFile::new().expect("there is room");
    copy.write_all(data).and_then(|()| copy.rewind()).expect("there is room");
    load::read_file(copy.path(), &workers::names())
}

/// What the hooks of a file mean: all but where they stand and what is remarked on them.
fn meanings(file: &HooksFile) -> Vec<Declared> {
    let mut hooks: Vec<Declared> = file.hooks.iter().map(meaning).collect();
    // The order counts within each phase alone.
    hooks.sort_by_key(|hook| (native::key(hook.phase, hook.owner), hook.phase));
    hooks
}

fn meaning(hook: &Declared) -> Declared {
    Declared {
        action: hook.action.as_ref().map(action),
        undo: hook.undo.as_ref().map(|undo| Undo { action: action(&undo.action), timeout: undo.timeout }),
        origin: Origin { file: PathBuf::new(), at: At::START, document: String::new() },
        notes: Vec::new(),
        warnings: Vec::new(),
        ..hook.clone()
    }
}

/// A template of another system may be parsed by other rules: it is compared as it was written. A text of a system without
/// templates is written as one that prints it.
fn text(text: &Text) -> Text {
    let printed = text.template().and_then(|template| template.render(&Value::Nil, &SecretValues::default()).ok());
    let is_constant = |printed: &String| printed.contains("{{") || !Template::is_in(text.source());
    Text::plain(printed.filter(is_constant).unwrap_or_else(|| text.source().to_owned()))
}

fn action(action: &Action) -> Action {
    match action {
        Action::Script(path) => Action::Script(path.clone()),
        Action::Exec(exec) => Action::Exec(Exec {
            command: exec.command.iter().map(text).collect(),
            user: exec.user.as_ref().map(text),
            working_dir: exec.working_dir.as_ref().map(text),
            env: exec.env.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
            ..exec.clone()
        }),
        Action::HttpGet(request) => Action::HttpGet(http(request)),
        Action::HttpPost(request) => Action::HttpPost(http(request)),
        Action::TcpSocket(tcp) => Action::TcpSocket(Tcp { host: text(&tcp.host), ..tcp.clone() }),
    }
}

fn http(http: &Http) -> Http {
    Http {
        host: text(&http.host),
        // A blank is sent as %20, and written so.
        path: Text::plain(text(&http.path).source().replace(' ', "%20")),
        headers: http.headers.iter().map(|(name, value)| (text(name), text(value))).collect(),
        body: http.body.as_ref().map(text),
        form: http.form.iter().map(|(key, values)| (text(key), values.iter().map(text).collect())).collect(),
        ..http.clone()
    }
}
