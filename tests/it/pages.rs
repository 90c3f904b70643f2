//! The pages "coming from ...": what stands before, and what stands after.

use crate::support::Sandbox;
use boathook::hooks::model::{Action, Declared};
use boathook::hooks::{HooksFile, OnError, Text, load};
use std::fs;
use std::path::{Path, PathBuf};

/// The blocks of a page in these languages, in their order.
pub fn blocks(page: &str, languages: &[&str]) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/hooks").join(page);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut blocks: Vec<String> = Vec::new();
    let mut open = None;
    for line in text.lines() {
        match (open, line.strip_prefix("```")) {
            (None, Some(language)) => {
                open = Some(languages.contains(&language));
                blocks.extend((open == Some(true)).then(String::new));
            }
            (Some(_), Some(_)) => open = None,
            (Some(true), None) => {
                let block = blocks.last_mut().expect("has begun");
                block.push_str(line);
                block.push('\n');
            }
            _ => {}
        }
    }
    blocks
}

/// Writes a file into the hooks folder.
pub fn put(sandbox: &Sandbox, file: &str, text: &str) -> PathBuf {
    let path = sandbox.path("hooks").join(file);
    fs::write(&path, text).expect("can be written");
    path
}

/// What a file declares, without where it stands and what is said about it.
#[track_caller]
pub fn meaning(path: &Path) -> Vec<String> {
    let HooksFile { hooks, mistakes, .. } = load::read_file(path, &boathook::workers::names()).expect("is there");
    assert_eq!(mistakes, [], "{}", path.display());
    hooks.iter().map(line).collect()
}

fn line(hook: &Declared) -> String {
    let Some(Action::Exec(exec)) = &hook.action else { panic!("is no command: {hook:?}") };
    let texts = |texts: &[Text]| texts.iter().map(|text| text.source().to_owned()).collect::<Vec<_>>();
    let env: Vec<(&str, &str)> = exec.env.iter().map(|(name, text)| (name.as_str(), text.source())).collect();
    let directory = exec.working_dir.as_ref().map(Text::source);
    format!(
        "{:?} {:?} {:?} {:?} {:?} {directory:?} {env:?} {:?} {:?} {} {:?} {:?} {:?}",
        hook.owner,
        hook.phase,
        hook.name,
        texts(&exec.command),
        exec.shell,
        hook.timeout,
        hook.on_error.unwrap_or(OnError::Continue),
        hook.stop_phase_on_error,
        hook.policy,
        hook.executor,
        hook.container_name,
    )
}

/// That the two blocks of a page mean the same, and that `hooks show` turns the one into the other.
#[track_caller]
pub fn assert_same(sandbox: &Sandbox, before: &Path, after: &str) {
    let native = sandbox.path("after.yaml");
    fs::write(&native, after).expect("can be written");
    let expected = meaning(&native);
    assert_eq!(meaning(before), expected);
    let shown = sandbox.run(&["hooks", "show", &before.display().to_string()]).ends_with(0).stdout;
    fs::write(&native, &shown).expect("can be written");
    assert_eq!(meaning(&native), expected, "{shown}");
}
