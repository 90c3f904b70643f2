//! Which hooks files there are, and what they say: the one place where they are read, for runs, `doctor`,
//! `config-check` and the commands of `hooks`.

use super::document::{self, At, Node};
use super::files::{self, Unread};
use super::template::{SecretSource, SecretValues, Template};
use super::{Action, Declared, FileMistake, Finding, HooksFile, formats, native};
use crate::settings::Settings;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Pieces that are shorter are not masked: they would be found in many words.
const SHORTEST_SPOT: usize = 4;

/// Everything that hooks files declare.
#[derive(Debug, Clone, Default)]
pub struct Declarations {
    /// The files in their order: the native one first, then the others by name.
    pub files: Vec<HooksFile>,
    /// Files that might hold definitions and hold none of a known form, with the reason.
    pub unknown: Vec<(PathBuf, String)>,
    /// What templates read by `env` and `file`.
    pub secrets: SecretValues,
}

impl Declarations {
    /// Every hook of every file that has no mistake.
    pub fn hooks(&self) -> impl Iterator<Item = &Declared> {
        self.files.iter().flat_map(|file| &file.hooks)
    }

    /// Every template of every hook.
    fn templates(&self) -> impl Iterator<Item = &Template> {
        let actions = self.hooks().flat_map(|hook| hook.action.iter().chain(hook.undo.iter().map(|undo| &undo.action)));
        actions.flat_map(Action::texts).filter_map(|(_, text)| text.template())
    }

    /// What a run says of files that are called as hooks files are, and give no hooks.
    pub fn awaited(&self) -> Vec<String> {
        let files = self.unknown.iter().filter(|(path, reason)| is_awaited(reason) && looks_native(path));
        files.map(|(path, reason)| format!("{} gives no hooks: {reason}", path.display())).collect()
    }

    /// Reads what the templates of a plan name that was made at another time, too.
    pub fn also_reads(&mut self, plan: &super::Plan, settings: &Settings) {
        let texts = plan.all().flat_map(|hook| hook.action.texts()).filter_map(|(_, text)| text.template());
        let sources: Vec<SecretSource> = texts.flat_map(Template::secret_sources).collect();
        for source in sources {
            let value = || value_of(&source, settings);
            self.secrets.0.entry(source.clone()).or_insert_with(value);
        }
    }

    /// Has everything masked that templates read by `env` and `file`, and what they make of it.
    pub fn mask_in(&self, settings: &mut Settings) {
        if self.secrets.0.is_empty() {
            return;
        }
        let mut secrets = (*settings.secrets).clone();
        for (source, value) in &self.secrets.0 {
            if let Ok(value) = value {
                let name = match source {
                    SecretSource::Env(name) => name,
                    SecretSource::File(path) => path,
                };
                for form in [value.clone(), value.to_lowercase(), value.to_uppercase()] {
                    secrets.add_from(name, form.as_bytes());
                }
            }
        }
        for spot in self.templates().flat_map(|template| template.spots(&self.secrets)) {
            // A piece that is too short to be searched for is no secret of its own to warn of.
            if spot.len() >= SHORTEST_SPOT {
                secrets.add(&spot);
            }
        }
        settings.secrets = Arc::new(secrets);
    }
}

/// Reads `HOOKS_FILE` and every definition in `HOOKS_DIR`.
pub fn load(settings: &Settings, workers: &[&'static str]) -> Declarations {
    let mut opened = Vec::new();
    let mut identities = Vec::new();
    let mut found = Declarations::default();
    let own = &settings.hooks.file;
    if let Some((file, identity)) = open(own, Role::Own, settings) {
        identities.extend(identity.map(|identity| (identity, own.clone())));
        opened.push(file);
    } else if settings.hooks.file_is_named {
        let what = format!("HOOKS_FILE='{}' is not there", own.display());
        let mend = "put it there, or mend HOOKS_FILE; a relative path begins in HOOKS_DIR".to_owned();
        let mut file = empty(own);
        file.mistakes.push(FileMistake { at: At::START, what, mend });
        found.files.push(file);
    }
    for path in files::candidates(&settings.paths.hooks).into_iter().filter(|path| path != own) {
        let Some((file, identity)) = open(&path, Role::Other, settings) else { continue };
        let twin = identities.iter().find(|(known, _)| Some(*known) == identity);
        match twin {
            // The same file under another name is not read twice: what freezes once must not freeze twice.
            Some((_, first)) if first == own => {}
            Some((_, first)) => {
                found.unknown.push((path, format!("is the same file as {}, and read as that", first.display())));
            }
            None => {
                identities.extend(identity.map(|identity| (identity, path)));
                opened.push(file);
            }
        }
    }
    let (files, unknown) = interpret(opened, workers);
    found.files.extend(files);
    found.unknown.extend(unknown);
    found.unknown.sort();
    found.secrets = secrets(&found, settings);
    found
}

/// Reads one file of any form by itself; `None` if it is not there.
pub fn read_file(path: &Path, workers: &[&'static str]) -> Option<HooksFile> {
    read_file_among(path, None, None, workers)
}

/// As [`read_file`]. Definitions that it refers to are taken also from the files in
/// `beside`, its own folder, and in the folder `hooks`, where those stand that are in use here: what lies beside it counts
/// before them.
pub fn read_file_among(
    path: &Path,
    beside: Option<&Path>,
    hooks: Option<&Path>,
    workers: &[&'static str],
) -> Option<HooksFile> {
    let read = files::read(path);
    if matches!(read, Err(Unread::Missing)) {
        return None;
    }
    let mut known: Vec<_> = read.as_ref().ok().map(|read| files::identity(&read.facts)).into_iter().collect();
    let own = Opened { path: path.to_owned(), role: Role::Own, content: content(read), doubts: Doubts::None };
    let refers = own.content.as_ref().is_ok_and(|nodes| nodes.iter().any(formats::may_refer));
    let mut opened = vec![own];
    for folder in beside.into_iter().chain(hooks).filter(|_| refers) {
        let nodes = opened.iter().filter_map(|file| file.content.as_ref().ok()).flatten();
        let taken: Vec<String> = nodes.filter(|node| formats::is_referred_to(node)).map(formats::title).collect();
        for path in files::candidates(folder) {
            let Ok(read) = files::read(&path) else { continue };
            let identity = files::identity(&read.facts);
            let Ok(mut nodes) = content(Ok(read)) else { continue };
            // In its own folder two of one name are two, as they will be in the hooks folder.
            let is_new = |node: &Node| beside == Some(folder) || !taken.contains(&formats::title(node));
            nodes.retain(|node| formats::is_referred_to(node) && is_new(node));
            if !known.contains(&identity) {
                known.push(identity);
                opened.push(Opened { path, role: Role::Other, content: Ok(nodes), doubts: Doubts::None });
            }
        }
    }
    interpret(opened, workers).0.into_iter().next()
}

/// Whether a file may hold native documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// It is `HOOKS_FILE`: everything in it is meant.
    Own,
    /// It lies in `HOOKS_DIR`, where scripts may keep data, too.
    Other,
}

/// A file that is there.
struct Opened {
    path: PathBuf,
    role: Role,
    content: Result<Vec<Node>, Broken>,
    doubts: Doubts,
}

/// Why a file gives no documents.
struct Broken {
    mistake: FileMistake,
    /// What can be seen of it; `None` if nothing.
    text: Option<String>,
}

/// Who else may change the file.
enum Doubts {
    None,
    Warn(Vec<Finding>),
    Refuse(Finding),
}

/// Reads a file, and says which one it is; `None` if it is not there.
fn open(path: &Path, role: Role, settings: &Settings) -> Option<(Opened, Option<(u64, u64)>)> {
    let read = files::read(path);
    if matches!(read, Err(Unread::Missing)) {
        return None;
    }
    let facts = read.as_ref().ok().map(|read| read.facts.clone());
    let strict = settings.hooks.strict;
    let doubts = facts.as_ref().map(|facts| files::doubts(path, facts, &settings.paths.hooks, strict));
    let mut doubts = doubts.unwrap_or_default();
    let doubts = match (strict, doubts.is_empty()) {
        (_, true) => Doubts::None,
        (false, _) => Doubts::Warn(doubts),
        (true, _) => Doubts::Refuse(doubts.swap_remove(0)),
    };
    let identity = facts.as_ref().map(files::identity);
    Some((Opened { path: path.to_owned(), role, content: content(read), doubts }, identity))
}

fn content(read: Result<files::Text, Unread>) -> Result<Vec<Node>, Broken> {
    match read {
        Ok(files::Text { text, .. }) => match document::read(&text) {
            Ok(nodes) => Ok(formats::unfold(nodes)),
            Err(error) => {
                let mend = "mend the YAML".to_owned();
                let mistake = FileMistake { at: error.at, what: format!("is no YAML: {}", error.what), mend };
                Err(Broken { mistake, text: Some(text) })
            }
        },
        Err(Unread::NoText(mistake, text)) => Err(Broken { mistake, text: Some(text) }),
        Err(Unread::Closed(mistake)) => Err(Broken { mistake, text: None }),
        Err(Unread::Missing) => {
            let what = "is not there".to_owned();
            let mistake = FileMistake { at: At::START, what, mend: "put it there".to_owned() };
            Err(Broken { mistake, text: None })
        }
    }
}

fn empty(path: &Path) -> HooksFile {
    HooksFile {
        path: path.to_owned(),
        documents: Vec::new(),
        hooks: Vec::new(),
        mistakes: Vec::new(),
        means_fail: false,
        concerns: Vec::new(),
        notes: Vec::new(),
    }
}

/// What the files say, in their order, and those that say nothing, with the reason.
fn interpret(opened: Vec<Opened>, workers: &[&'static str]) -> (Vec<HooksFile>, Vec<(PathBuf, String)>) {
    let mut found = definitions(&opened);
    let mut files = Vec::new();
    let mut unknown = Vec::new();
    for Opened { path, role, content, doubts } in opened {
        let mut file = empty(&path);
        let outcome = match content {
            Err(broken) => of_broken(&mut file, role, broken),
            Ok(nodes) => {
                for (_, found) in found.extract_if(.., |(of, _)| *of == path) {
                    take(&mut file, found);
                }
                of_documents(&mut file, role, &nodes, workers)
            }
        };
        if let Err(reason) = outcome {
            unknown.push((path, reason));
            continue;
        }
        doubt(&mut file, doubts);
        file.mistakes.sort();
        if !file.mistakes.is_empty() {
            file.hooks.clear();
        }
        files.push(file);
    }
    (files, unknown)
}

/// What the parsers of other systems find in all files, by file.
fn definitions(opened: &[Opened]) -> Vec<(PathBuf, formats::Found)> {
    let nodes = || {
        let read = opened.iter().filter_map(|file| Some((file.path.as_path(), file.content.as_ref().ok()?)));
        read.flat_map(|(path, nodes)| nodes.iter().map(move |node| (path, node)))
    };
    let mut all = Vec::new();
    for format in formats::FORMATS {
        let is_its = |(_, node): &(&Path, &Node)| formats::of(node).is_some_and(|of| of.name == format.name);
        let claimed: Vec<(&Path, &Node)> = nodes().filter(is_its).collect();
        if !claimed.is_empty() {
            let found = (format.read)(&claimed);
            all.extend(found.into_iter().map(|(path, found)| (path, formats::named(found))));
        }
    }
    all
}

fn take(file: &mut HooksFile, found: formats::Found) {
    file.documents.extend(found.documents);
    file.hooks.extend(found.hooks);
    file.mistakes.extend(found.mistakes);
    file.means_fail |= found.means_fail;
    file.notes.extend(found.notes);
    for worker in found.concerns {
        if !file.concerns.contains(&worker) {
            file.concerns.push(worker);
        }
    }
}

/// A file that gives no documents: a mistake where it was meant to declare hooks, or may have been, else the reason why
/// it is none of ours.
fn of_broken(file: &mut HooksFile, role: Role, broken: Broken) -> Result<(), String> {
    let Broken { mistake, text } = broken;
    let meant = text.as_ref().is_some_and(|text| formats::mentioned_in(text).is_some());
    if role == Role::Other && text.is_some() && !meant {
        let rename = if looks_native(&file.path) { format!("; {RENAME}") } else { String::new() };
        return Err(format!("is of no known form: line {} {}{rename}", mistake.at.line, mistake.what));
    }
    file.means_fail = text.as_ref().is_some_and(|text| formats::means_fail(text));
    if role == Role::Other && meant {
        // Other systems have hooks of these alone.
        file.concerns = vec!["backup", "restore"];
    }
    file.mistakes.push(mistake);
    Ok(())
}

/// Whether somebody is likely to wait for the hooks of a file that gives none, for this reason: it is of the native form
/// under another name, or cannot be read and is called so.
pub fn is_awaited(reason: &str) -> bool {
    reason.ends_with(RENAME)
}

/// What is to be done with a native file that is not read.
const RENAME: &str = "rename it to hooks.yaml, or set HOOKS_FILE";

/// `hooks.yml`, `my-hooks.yaml`.
fn looks_native(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem.to_string_lossy().to_lowercase().contains("hooks"))
}

/// The documents that belong to no other system: native ones, and what is none.
fn of_documents(file: &mut HooksFile, role: Role, nodes: &[Node], workers: &[&'static str]) -> Result<(), String> {
    let of_nobody: Vec<&Node> = nodes.iter().filter(|node| formats::of(node).is_none()).collect();
    let is_foreign = of_nobody.len() < nodes.len();
    let (objects, others): (Vec<&Node>, Vec<&Node>) = of_nobody.into_iter().partition(|node| formats::is_object(node));
    if role == Role::Other && !is_foreign {
        return Err(match (others.iter().any(|node| native::claims(node)), objects.is_empty()) {
            (true, _) => format!("is of the native form, which is read in HOOKS_FILE alone: {RENAME}"),
            (false, true) => "is of no known form".to_owned(),
            (false, false) => format!("defines no hooks: {}{}", titles(&objects), keys_of_a_config_map(&objects)),
        });
    }
    let foreign = std::mem::take(&mut file.hooks);
    for node in &others {
        match role {
            Role::Own => {
                // What has lost its `hooks:` by a slip is told so by the native form's own reader.
                native::read(file, node, workers);
            }
            Role::Other if native::claims(node) => file.mistakes.push(FileMistake {
                at: node.at,
                what: "a document of the native form, which is read in HOOKS_FILE alone".to_owned(),
                mend: "move it to hooks.yaml, or set HOOKS_FILE".to_owned(),
            }),
            Role::Other => {
                let line = node.at.line;
                file.notes.push(format!("the document that begins in line {line} is of no known form and not read"));
            }
        }
    }
    file.hooks.extend(foreign);
    if !objects.is_empty() {
        if !is_foreign && others.is_empty() {
            let what = format!("no hooks are defined by {}", titles(&objects));
            let mend = "put hooks into it, or name another file in HOOKS_FILE".to_owned();
            file.mistakes.push(FileMistake { at: objects[0].at, what, mend });
        }
        file.notes
            .extend(objects.iter().map(|node| format!("{} defines no hooks and is not read", formats::title(node))));
    }
    if !others.is_empty() && role == Role::Own {
        // A native document may concern every worker.
        file.concerns.clear();
    }
    Ok(())
}

/// What is to be done with a ConfigMap: mounted, its keys are files; its manifest is none of them.
fn keys_of_a_config_map(objects: &[&Node]) -> &'static str {
    let is_one = |node: &&Node| node.get("kind").and_then(Node::text) == Some("ConfigMap");
    if objects.iter().any(is_one) { "; its keys belong in the folder, not the manifest" } else { "" }
}

fn titles(objects: &[&Node]) -> String {
    objects.iter().map(|node| formats::title(node)).collect::<Vec<_>>().join(", ")
}

/// Has a file refused that others may change, or its first hook warn of it.
fn doubt(file: &mut HooksFile, doubts: Doubts) {
    match doubts {
        Doubts::None => {}
        Doubts::Refuse(doubt) => {
            let what = format!("the file {}, and HOOKS_STRICT is ON", doubt.what);
            file.mistakes.push(FileMistake { at: At::START, what, mend: doubt.mend });
        }
        Doubts::Warn(doubts) => {
            let path = file.path.display().to_string();
            if let Some(hook) = file.hooks.first_mut() {
                hook.warnings.extend(doubts.into_iter().map(|doubt| Finding {
                    what: format!("stands in {path}, which {}", doubt.what),
                    mend: doubt.mend,
                }));
            }
        }
    }
}

fn secrets(found: &Declarations, settings: &Settings) -> SecretValues {
    let sources = found.templates().flat_map(Template::secret_sources);
    let values: BTreeMap<_, _> = sources.map(|source| (source.clone(), value_of(&source, settings))).collect();
    SecretValues(values)
}

fn value_of(source: &SecretSource, settings: &Settings) -> Result<String, String> {
    match source {
        SecretSource::Env(name) => Ok(settings.environment.text_or_empty(name)),
        SecretSource::File(path) => files::secret(Path::new(path)),
    }
}
