//! What check and prune share: one restic command with the operator's words, or with restic's defaults.

use super::skeleton::{self, Frame};
use crate::engine::{Outcome, Restic, Tally};
use crate::masking::say;
use crate::run::{RepositoryLock, Work, WorkContext, Worked};
use crate::settings::{Settings, WordList};
use std::collections::BTreeMap;

/// What a worker does around its command; nothing by default.
pub trait Beside {
    /// Before it: says what it has to, and gives words that come first.
    fn begin(&mut self, cx: &WorkContext<'_>) -> Vec<String>;

    /// After it: gives what went wrong beside the work.
    fn end(&mut self, cx: &mut WorkContext<'_>, outcome: &Outcome) -> Vec<String>;
}

impl Beside for () {
    fn begin(&mut self, _: &WorkContext<'_>) -> Vec<String> {
        Vec::new()
    }

    fn end(&mut self, _: &mut WorkContext<'_>, _: &Outcome) -> Vec<String> {
        Vec::new()
    }
}

/// A worker that is one restic command, of which `T` is counted, with `B` around it.
pub struct Maintenance<T, B = ()> {
    pub(super) glyph: &'static str,
    pub(super) title: &'static str,
    /// What it does, up to `using` or `with`: `Verifying repository integrity`.
    pub(super) doing: &'static str,
    pub(super) sub: &'static str,
    /// The variable of its schedule, and its value.
    pub(super) schedule: (&'static str, fn(&Settings) -> &str),
    /// The variable of its words, and their value.
    pub(super) arguments: (&'static str, fn(&Settings) -> &WordList),
    /// What restic takes of the repository.
    pub(super) lock: fn(&Settings) -> RepositoryLock,
    /// Reports what was counted.
    pub(super) report: fn(&T, &mut WorkContext<'_>),
    /// What is done around the command.
    pub(super) beside: B,
}

impl<T: Tally + Default, B: Beside> Work for Maintenance<T, B> {
    fn repository_lock(&self, settings: &Settings) -> RepositoryLock {
        (self.lock)(settings)
    }

    fn target(&self, settings: &Settings, _: &BTreeMap<String, String>) -> String {
        settings.repository.shown.clone()
    }

    /// Does the work (contract: workers, sections 6 and 7).
    fn run(&mut self, cx: &mut WorkContext<'_>) -> Worked {
        let settings = cx.settings;
        let (schedule, expression) = self.schedule;
        let (variable, words) = (self.arguments.0, (self.arguments.1)(settings));
        let frame = Frame::open(
            self.glyph,
            self.title,
            &[
                ("RELEASE", &settings.identity.release),
                (schedule, expression(settings)),
                (variable, &words.raw),
                ("RESTIC_CACERT", &settings.repository.cacert_given),
                ("RESTIC_REPOSITORY", &settings.repository.shown),
            ],
        );
        cx.extras.extend(self.extras_without_work(settings));
        if let Some(refused) = skeleton::refuse(cx, &[]) {
            return refused;
        }
        let by = if words.words.is_empty() { "with restic defaults".to_owned() } else { format!("using {variable}") };
        say::info(format!("{} {} {by}...", self.glyph, self.doing));
        let mut all = self.beside.begin(cx);
        all.extend_from_slice(&words.words);
        let restic = Restic::locate(settings, &cx.environment);
        let mut tally = T::default();
        let outcome = skeleton::run_counted(cx, restic.clone(), self.sub, &all, &mut tally);
        frame.verdict(&outcome);
        skeleton::unlock(cx, &restic, &outcome);
        (self.report)(&tally, cx);
        let warnings = self.beside.end(cx, &outcome);
        frame.close();
        Worked { warnings, ..Worked::with_code(outcome.code(), outcome.reason()) }
    }

    fn details(&self, cx: &WorkContext<'_>) -> String {
        cx.settings.repository.shown.clone()
    }

    fn extras_without_work(&self, settings: &Settings) -> Vec<(String, String)> {
        vec![("repository".into(), settings.repository.shown.clone())]
    }
}
