//! Pages about coming from another system: their blocks of YAML, and what a hooks file means.

use boathook::hooks::model::{Executor, Port};
use boathook::hooks::{Action, Declared, OnError, load};
use boathook::workers::WORKERS;
use std::fs;
use std::path::Path;

/// A page with blocks of YAML.
pub struct Page(String);

impl Page {
    pub fn read(page: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
        Self(fs::read_to_string(&path).unwrap_or_else(|error| panic!("{page}: {error}")))
    }

    /// The block that begins with this line.
    #[track_caller]
    pub fn block(&self, first: &str) -> String {
        let opening = format!("```yaml\n{first}\n");
        let (_, after) = self.0.split_once(&opening).unwrap_or_else(|| panic!("the page has no block {first}"));
        let (block, _) = after.split_once("\n```").expect("the block ends");
        format!("{block}\n")
    }
}

/// What a hooks file of this name means, hook by hook: everything but where it stands and what is noted about it.
#[track_caller]
pub fn hooks_of(name: &str, text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    fs::write(&path, text).expect("can be written");
    let workers: Vec<&'static str> = WORKERS.iter().map(|worker| worker.job.name).collect();
    let file = load::read_file(&path, &workers).expect("is there");
    assert_eq!(file.mistakes, [], "{text}");
    assert!(!file.hooks.is_empty(), "{text}");
    file.hooks.iter().map(meaning).collect()
}

fn meaning(hook: &Declared) -> String {
    let action = hook.action.as_ref().expect("has an action");
    let texts: Vec<(String, bool, String)> = action
        .texts()
        .into_iter()
        .map(|(field, text)| (field, text.template().is_some(), text.source().to_owned()))
        .collect();
    let address = match action {
        Action::HttpGet(http) | Action::HttpPost(http) => format!("{:?} {:?} {:?}", http.scheme, http.port, http.tls),
        Action::TcpSocket(tcp) => format!("{:?}", Some::<&Port>(&tcp.port)),
        _ => String::new(),
    };
    let executor: Option<&Executor> = hook.executor.as_ref();
    format!(
        "{:?} {:?} {:?}\n{:?} {} {:?} {} {:?} {:?}\n{} {address} {texts:?}\n{executor:?} {:?}\n{:?}",
        hook.owner,
        hook.phase,
        hook.name,
        hook.on_error.map(OnError::word),
        hook.stop_phase_on_error,
        hook.policy,
        hook.retries,
        hook.timeout,
        hook.undo,
        action.word(),
        hook.container_name,
        hook.context,
    )
}
