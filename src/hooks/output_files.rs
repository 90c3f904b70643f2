//! The files that hooks hand values on by (`HOOK_OUTPUT`).
//!
//! A hook's file is made at its turn, but for pre hooks from the first one with an undo on: theirs are made before that
//! one starts. It may freeze the file system that they lie on, and who makes a file there waits for the thaw, which
//! would wait for him.

use super::template::{SecretValues, Value};
use super::{Action, Hook, Phase, Text, read_handed_on};
use crate::masking::Secrets;
use crate::process::Identity;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

/// For how many attempts of a hook files are made ahead. Nobody waits for more: with the longest delay that is a day.
const MOST_AHEAD: u32 = 100;

/// The folder of these files, in which only we can write.
#[derive(Debug)]
pub struct OutputFiles {
    folder: PathBuf,
    /// What was made ahead, by its path: for whom, or why not.
    ahead: Option<BTreeMap<PathBuf, Result<Owner, String>>>,
}

/// User and group of a file; ours if `None`.
type Owner = Option<(u32, u32)>;

impl OutputFiles {
    /// None is made so far.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), ahead: None }
    }

    /// Whether the files of pre hooks are made.
    pub fn are_made(&self) -> bool {
        self.ahead.is_some()
    }

    /// Makes the files of these pre hooks, each with its place from 1, for all their attempts. From now on no file is
    /// made for a pre hook. `data` gives what templates of a hook see: one that names its user is rendered now, too.
    pub fn make_ahead<'a>(
        &mut self,
        hooks: impl Iterator<Item = (usize, &'a Hook)>,
        data: impl Fn(usize, &Hook) -> Value,
        secrets: &SecretValues,
    ) {
        let mut made = BTreeMap::new();
        for (index, hook) in hooks.filter(|(_, hook)| hook.action.is_process() && hook.problem.is_none()) {
            let owner = owner_of(user_of(hook, || data(index, hook), secrets).as_ref());
            for attempt in 1..=hook.retries.saturating_add(1).min(MOST_AHEAD) {
                let path = self.path(hook, index, attempt);
                let result = self.make(&path, owner).map(|()| owner).map_err(|error| error.to_string());
                made.insert(path, result);
            }
        }
        self.ahead = Some(made);
    }

    /// The file of this attempt of a hook that runs as `user`, or the line that says why there is none.
    pub(super) fn of(
        &self,
        hook: &Hook,
        index: usize,
        attempt: u32,
        user: Option<&Identity>,
    ) -> Result<PathBuf, String> {
        let path = self.path(hook, index, attempt);
        let why = match self.ahead.as_ref().filter(|_| hook.phase == Phase::Pre) {
            None => self.make(&path, owner_of(user)).err().map(|error| error.to_string()),
            Some(made) => match made.get(&path) {
                Some(Ok(owner)) if *owner == owner_of(user) => None,
                Some(Ok(_)) => Some(
                    "its user was not known before the first hook with an undo was started: name it without what \
                     hooks hand on"
                        .to_owned(),
                ),
                Some(Err(why)) => Some(why.clone()),
                None => Some(format!(
                    "files are made before the first hook with an undo is started, and for {MOST_AHEAD} attempts at most"
                )),
            },
        };
        match why {
            None => Ok(path),
            Some(why) => {
                Err(format!("⚠️ HOOK_OUTPUT cannot be made for hook {} ({}): {why}", hook.name, path.display()))
            }
        }
    }

    /// What this attempt of a hook has handed on by now; nothing if that cannot be read.
    pub fn handed_on(&self, hook: &Hook, index: usize, attempt: u32, secrets: &Secrets) -> Vec<(String, String)> {
        read_handed_on(&self.path(hook, index, attempt), secrets).unwrap_or_default()
    }

    fn path(&self, hook: &Hook, index: usize, attempt: u32) -> PathBuf {
        self.folder.join(format!("{}-{index}-{attempt}", hook.phase.word()))
    }

    /// A hook that runs as another user owns its file, and may pass through the folder without seeing what else is in it.
    fn make(&self, path: &Path, owner: Owner) -> io::Result<()> {
        let file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        let Some((user, group)) = owner else { return Ok(()) };
        fchown(&file, Some(user), Some(group))?;
        fs::set_permissions(&self.folder, fs::Permissions::from_mode(0o711))
    }
}

fn owner_of(user: Option<&Identity>) -> Owner {
    user.map(|user| (user.user, user.group))
}

/// As whom a hook will run, as far as that is known by now; ourselves if `None`.
fn user_of(hook: &Hook, data: impl FnOnce() -> Value, secrets: &SecretValues) -> Option<Identity> {
    let Action::Exec(exec) = &hook.action else { return None };
    let name = match exec.user.as_ref()? {
        Text::Plain(name) => name.clone(),
        Text::Template(template) => template.render(&data(), secrets).ok()?,
    };
    Identity::read(&name).ok().filter(|user| !user.is_ours())
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::super::model::Exec;
    use super::super::template::{Template, Trust};
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    fn hook(user: Option<Text>, retries: u32) -> Hook {
        let command = vec![Text::Plain("true".to_owned())];
        let exec = Exec { command, shell: None, container: None, user, working_dir: None, env: Vec::new() };
        Hook { retries, ..fixture::hook(Action::Exec(exec)) }
    }

    fn ahead(folder: &Path, hooks: &[Hook]) -> OutputFiles {
        let mut files = OutputFiles::new(folder);
        let hooks = hooks.iter().enumerate().map(|(place, hook)| (place + 1, hook));
        files.make_ahead(hooks, |_, _| Value::Nil, &SecretValues::default());
        files
    }

    #[test]
    fn what_is_made_ahead_is_only_used_at_the_turn() {
        let folder = tempfile::tempdir().expect("a folder");
        let hooks = [hook(None, 1), hook(None, u32::MAX)];
        let files = ahead(folder.path(), &hooks);
        assert!(files.are_made());
        assert_eq!(fs::read_dir(folder.path()).expect("is there").count(), 2 + 100);
        for (index, attempt) in [(1, 1), (1, 2), (2, 100)] {
            let path = folder.path().join(format!("pre-{index}-{attempt}"));
            // Who opens it anew cuts it.
            fs::write(&path, "X=1\n").expect("is there");
            assert_eq!(files.of(&hooks[index - 1], index, attempt, None).as_ref(), Ok(&path));
            assert_eq!(fs::read(&path).expect("is there"), b"X=1\n");
        }
        for (index, attempt) in [(2, 101), (3, 1)] {
            let why = files.of(&hooks[1], index, attempt, None).expect_err("was not made");
            assert!(why.ends_with("and for 100 attempts at most"), "{why}");
            assert!(!folder.path().join(format!("pre-{index}-{attempt}")).exists());
        }
        let post = Hook { phase: Phase::Post, ..hook(None, 0) };
        assert!(files.of(&post, 1, 1, None).expect("is made at its turn").exists());
    }

    #[test]
    fn a_file_that_could_not_be_made_is_told_at_the_turn() {
        let folder = tempfile::tempdir().expect("a folder");
        let hook = hook(None, 0);
        let files = ahead(&folder.path().join("gone"), std::slice::from_ref(&hook));
        let why = files.of(&hook, 1, 1, None).expect_err("there is no folder");
        assert!(why.starts_with("⚠️ HOOK_OUTPUT cannot be made for hook pre.test ("), "{why}");
        assert!(why.ends_with("gone/pre-1-1): No such file or directory (os error 2)"), "{why}");
    }

    #[test]
    fn a_file_belongs_to_whom_its_hook_runs_as() {
        if !nix::unistd::geteuid().is_root() {
            eprintln!("skipped: only root may make files for others");
            return;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let rendered = |text: &str| Text::Template(Template::parse(text, Trust::Own).expect("parses"));
        let users = ["{{ printf \"%d\" 4711 }}:4712", "{{ .Values.WHO }}"].map(rendered);
        let hooks = [Some(Text::Plain("4711:4712".to_owned()))].into_iter().chain(users.map(Some));
        let hooks: Vec<Hook> = hooks.map(|user| hook(user, 0)).collect();
        let files = ahead(folder.path(), &hooks);
        let user = Identity::read("4711:4712").expect("is a number");
        for index in [1, 2] {
            let path = files.of(&hooks[index - 1], index, 1, Some(&user)).expect("is made");
            let facts = fs::metadata(path).expect("is there");
            assert_eq!((facts.uid(), facts.gid(), facts.mode() & 0o777), (4711, 4712, 0o600));
        }
        assert_eq!(fs::metadata(folder.path()).expect("is there").mode() & 0o777, 0o711);
        let why = files.of(&hooks[2], 3, 1, Some(&user)).expect_err("nobody knew");
        assert!(why.contains("its user was not known before"), "{why}");
        assert!(files.of(&hooks[2], 3, 1, None).is_ok(), "it turned out to be us");
    }
}
