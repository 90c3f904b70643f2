//! What the tests of this worker share: a scripted terminal, and a scene with what a whole restore left there.

use super::arguments::RestoreArgs;
use super::ask::DRY_RUN_SINCE;
use super::terminal::{Input, Terminal};
use super::work::Restore;
use crate::engine::Restic;
use crate::engine::scene::{self, Scene};
use crate::masking::heard::heard;
use crate::process::Stop;
use crate::run::{Asked, Cancelled, Work, WorkContext, Worked};
use crate::settings::{self, Settings};
use clap::Parser;
use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// The arguments as the command line gives them.
pub fn arguments(words: &[&str]) -> RestoreArgs {
    RestoreArgs::try_parse_from(std::iter::once(&"restore").chain(words)).expect("the words are well-formed")
}

/// Settings with every folder below `root`, host `node-a`, tag `automated`.
pub fn settings(root: &Path) -> Settings {
    settings::read(&scene::environment(root))
}

/// What a scripted terminal has shown.
pub type Shown = Arc<Mutex<String>>;

/// A terminal whose answers are known beforehand; when they are used up, the input has ended.
pub struct Scripted {
    answers: VecDeque<Input>,
    interactive: bool,
    shown: Shown,
    broken: bool,
}

impl Scripted {
    /// A person who gives these answers.
    pub fn person(answers: &[&str]) -> Self {
        let answers = answers.iter().map(|answer| Input::Line((*answer).to_owned())).collect();
        Self { answers, interactive: true, shown: Shown::default(), broken: false }
    }

    /// Nobody.
    pub fn nobody() -> Self {
        Self { interactive: false, ..Self::person(&[]) }
    }

    /// Nobody, and the reader of the output has gone.
    pub fn gone() -> Self {
        Self { broken: true, ..Self::nobody() }
    }

    /// Something else than a line, after the answers.
    pub fn then(mut self, input: Input) -> Self {
        self.answers.push_back(input);
        self
    }

    /// What is shown, also after the terminal was given away.
    pub fn shown(&self) -> Shown {
        Arc::clone(&self.shown)
    }
}

impl Terminal for Scripted {
    fn is_interactive(&self) -> bool {
        self.interactive
    }

    fn show(&mut self, text: &str) -> std::io::Result<()> {
        if self.broken {
            return Err(std::io::ErrorKind::BrokenPipe.into());
        }
        self.shown.lock().expect("nobody panicked").push_str(text);
        Ok(())
    }

    fn read_line(&mut self, _: &Stop) -> std::io::Result<Input> {
        Ok(self.answers.pop_front().unwrap_or(Input::End))
    }
}

/// A scene to restore in.
pub(super) struct Ground(Scene);

impl Deref for Ground {
    type Target = Scene;

    fn deref(&self) -> &Scene {
        &self.0
    }
}

impl DerefMut for Ground {
    fn deref_mut(&mut self) -> &mut Scene {
        &mut self.0
    }
}

/// What a whole restore left, as far as it got.
pub struct Outcome {
    /// What `ask` said.
    pub asked: Result<Asked, Cancelled>,
    /// What `run` said, if it came to that.
    pub worked: Option<Worked>,
    /// The summary's keys.
    pub extras: Vec<(String, String)>,
    /// `RUN_SNAPSHOT`.
    pub snapshot: String,
    /// The mail's details.
    pub details: String,
    /// What the terminal showed.
    pub shown: String,
    /// Every line, as `kind: text`.
    pub lines: Vec<String>,
}

impl Outcome {
    /// One of the summary's keys.
    pub fn extra(&self, key: &str) -> Option<&str> {
        self.extras.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The code and message of a refusal.
    pub fn refusal(&self) -> (i32, &str) {
        match &self.asked {
            Err(Cancelled::Refused { message, code }) => (*code, message),
            other => panic!("not refused: {other:?}"),
        }
    }

    /// The exit code of the work.
    pub fn code(&self) -> i32 {
        self.worked.as_ref().unwrap_or_else(|| panic!("no work: {:?}", self.asked)).code
    }

    /// Whether a line holds this.
    pub fn says(&self, part: &str) -> bool {
        self.lines.iter().any(|line| line.contains(part))
    }
}

impl Ground {
    /// Without a repository.
    pub fn bare() -> Self {
        Self(Scene::new())
    }

    /// With an empty repository.
    pub fn with_repository() -> Self {
        Self(Scene::with_repository())
    }

    /// With a stand-in for restic: the body of a shell script, whose calls are noted.
    pub fn with_stub(body: &str) -> Self {
        let ground = Self::bare();
        ground.replace_restic(&format!("echo \"$@\" >> \"{}\"\n{body}", ground.path("calls").display()));
        ground
    }

    /// A path below the folder, as text.
    pub fn text(&self, name: &str) -> String {
        self.path(name).to_string_lossy().into_owned()
    }

    /// The calls of the stand-in, a line each.
    pub fn calls(&self) -> Vec<String> {
        fs::read_to_string(self.path("calls")).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// Backs up `files` (path below `source`, content) as one more snapshot.
    pub fn backup(&self, host: &str, tag: &str, time: &str, files: &[(&str, &str)]) {
        let _ = fs::remove_dir_all(self.path("source"));
        for (name, content) in files {
            let file = self.path("source").join(name);
            fs::create_dir_all(file.parent().expect("is below the folder")).expect("is made");
            fs::write(file, content).expect("is written");
        }
        let words = ["backup", "--host", host, "--tag", tag, "--time", time, "source"];
        let output = self.command(words).current_dir(self.path("")).output().expect("restic is there");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The short ids of all snapshots, oldest first.
    pub fn ids(&self) -> Vec<String> {
        let listing = self.restic(["snapshots", "--json"]);
        let mut all = super::snapshots::parse(listing.as_bytes()).expect("is JSON");
        all.sort_by(|one, other| one.time.cmp(&other.time));
        all.iter().map(|snapshot| snapshot.short().to_owned()).collect()
    }

    /// Whether the restic here has a dry run for restore.
    pub fn offers_a_dry_run(&self) -> bool {
        let version = Restic::locate(&self.settings, &self.settings.environment).version();
        let (major, minor) = DRY_RUN_SINCE;
        version.expect("restic is there").at_least(major, minor)
    }

    /// A whole restore, without hooks.
    pub fn restore(&self, words: &[&str], terminal: Scripted) -> Outcome {
        self.restore_with(words, terminal, &Stop::new().expect("descriptors are there"), &BTreeMap::new())
    }

    /// The same with a stop of the caller's, and values of pre hooks.
    pub fn restore_with(
        &self,
        words: &[&str],
        terminal: Scripted,
        stop: &Stop,
        values: &BTreeMap<String, String>,
    ) -> Outcome {
        let shown = terminal.shown();
        let mut restore = Restore::new(arguments(words)).asking(Box::new(terminal));
        let mut cx = WorkContext {
            job: &crate::workers::find("restore").expect("is in the table").job,
            settings: &self.settings,
            environment: self.settings.environment.clone(),
            values,
            stop,
            log_path: self.path("log/restore-last.log"),
            extras: Vec::new(),
            stats: serde_json::Map::new(),
            snapshot: String::new(),
            steps: Vec::new(),
            debts: crate::run::Debts::of_nobody(),
            repository: None,
        };
        let ((asked, worked), lines) = heard(|| {
            let asked = restore.ask(&self.settings, stop);
            let worked = matches!(asked, Ok(Asked::Proceed)).then(|| restore.run(&mut cx));
            (asked, worked)
        });
        let details = restore.details(&cx);
        let extras = match &asked {
            Err(Cancelled::ByOperator { extras }) => extras.clone(),
            _ => cx.extras,
        };
        let shown = shown.lock().expect("nobody panicked").clone();
        Outcome { asked, worked, extras, snapshot: cx.snapshot, details, shown, lines }
    }
}
