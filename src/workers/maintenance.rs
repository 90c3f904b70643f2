//! What check and prune share: one restic command with the operator's words, or with restic's defaults.

use super::skeleton::{self, Frame};
use crate::engine::{Restic, Tally};
use crate::masking::say;
use crate::run::{RepositoryLock, Work, WorkContext, Worked};
use crate::settings::{Settings, WordList};
use std::collections::BTreeMap;

/// A worker that is one restic command, of which `T` is counted.
pub struct Maintenance<T> {
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
}

impl<T: Tally + Default> Work for Maintenance<T> {
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
        let restic = Restic::locate(settings, &cx.environment);
        let mut tally = T::default();
        let outcome = skeleton::run_counted(cx, restic.clone(), self.sub, &words.words, &mut tally);
        frame.verdict(&outcome);
        skeleton::unlock(cx, &restic, &outcome);
        frame.close();
        (self.report)(&tally, cx);
        Worked::with_code(outcome.code(), outcome.reason())
    }

    fn details(&self, cx: &WorkContext<'_>) -> String {
        cx.settings.repository.shown.clone()
    }

    fn extras_without_work(&self, settings: &Settings) -> Vec<(String, String)> {
        vec![("repository".into(), settings.repository.shown.clone())]
    }
}
