//! `forget`: restic removes snapshots that the retention policy does not keep. As a worker, and as a step of a backup.

use super::locking;
use super::skeleton::{self, Frame};
use crate::engine::{ForgetTally, Meaning, Outcome, Restic};
use crate::exit;
use crate::masking::say;
use crate::run::{RepositoryLock, Work, WorkContext, Worked};
use crate::settings::Settings;
use std::collections::BTreeMap;

/// The work of `forget`.
#[derive(Debug, Default)]
pub struct Forget;

impl Work for Forget {
    fn repository_lock(&self, settings: &Settings) -> RepositoryLock {
        locking::forget(&settings.jobs.forget.words)
    }

    fn target(&self, settings: &Settings, _: &BTreeMap<String, String>) -> String {
        settings.repository.shown.clone()
    }

    fn run(&mut self, cx: &mut WorkContext<'_>) -> Worked {
        let settings = cx.settings;
        let frame = Frame::open(
            "🧹",
            "Forget",
            &[
                ("RELEASE", &settings.identity.release),
                ("FORGET_CRON", &settings.schedules.forget),
                ("RESTIC_FORGET_ARGS", &settings.jobs.forget.raw),
                ("RESTIC_CACERT", &settings.repository.cacert_given),
                ("RESTIC_REPOSITORY", &settings.repository.shown),
            ],
        );
        cx.extra("repository", settings.repository.shown.clone());
        let without_policy = settings.jobs.forget.raw.trim().is_empty();
        let told: &[&str] = if without_policy { &["RESTIC_FORGET_ARGS"] } else { &[] };
        let refused = skeleton::refuse(cx, told);
        if without_policy {
            say::error(
                "❌ No retention policy configured. Set RESTIC_FORGET_ARGS, for example to \
                 '--keep-daily 7 --keep-weekly 4'; without one nothing is forgotten.",
            );
            return Worked::with_code(exit::USAGE, "no retention policy: RESTIC_FORGET_ARGS is empty");
        }
        if let Some(refused) = refused {
            return refused;
        }
        let outcome = forget_snapshots(cx);
        frame.close();
        let deferred = outcome.meaning == Meaning::Locked;
        Worked { deferred, ..Worked::with_code(outcome.code(), outcome.reason()) }
    }

    fn details(&self, cx: &WorkContext<'_>) -> String {
        cx.settings.repository.shown.clone()
    }

    fn extras_without_work(&self, settings: &Settings) -> Vec<(String, String)> {
        vec![("repository".into(), settings.repository.shown.clone())]
    }
}

/// Applies the policy, with all lines, counts and what follows a failure (contract: workers, sections 5 step 8, 8.1).
pub(super) fn forget_snapshots(cx: &mut WorkContext<'_>) -> Outcome {
    let policy = &cx.settings.jobs.forget;
    say::info(format!("🧹 Forgetting old snapshots based on: {}", policy.words.join(" ")));
    let restic = Restic::locate(cx.settings, &cx.environment);
    let mut tally = ForgetTally::default();
    let outcome = skeleton::run_counted(cx, restic.clone(), "forget", &policy.words, &mut tally);
    if outcome.meaning == Meaning::Locked {
        // Somebody else works on the repository. That is no fault of it, and its lock is not ours to remove.
        skeleton::finished("Forget");
        say::info(format!(
            "⏭ Forget skipped: repository was locked by another host (exit {}). The next run tries again.",
            outcome.code()
        ));
    } else {
        skeleton::verdict("Forget", &outcome);
        skeleton::unlock(cx, &restic, &outcome);
    }
    // A trial run names what it would remove, and removes nothing.
    let trial = policy.words.iter().any(|word| word == "-n" || word == "--dry-run" || word == "--dry-run=true");
    if outcome.is_ok() && !trial {
        cx.stat("snapshots_kept", tally.kept);
        cx.stat("snapshots_removed", tally.removed);
    }
    outcome
}
