//! `backup`: restic saves the source, then forgets old snapshots if that is asked for in the same run.

use super::forget::forget_snapshots;
use super::locking;
use super::skeleton::{self, Frame};
use crate::engine::{self, Meaning, Outcome, Progress, Restic, Source, bytes};
use crate::exit;
use crate::masking::say;
use crate::process::Exit;
use crate::run::{RepositoryLock, Step, Work, WorkContext, Worked};
use crate::settings::Settings;
use std::collections::BTreeMap;
use std::time::Instant;

/// The work of `backup`.
#[derive(Debug, Default)]
pub struct Backup {
    details: String,
}

impl Work for Backup {
    fn repository_lock(&self, _: &Settings) -> RepositoryLock {
        RepositoryLock::Shared
    }

    fn target(&self, settings: &Settings, values: &BTreeMap<String, String>) -> String {
        if let Some(handed_on) = values.get("BACKUP_ROOT_DIR") {
            return handed_on.clone();
        }
        let jobs = &settings.jobs;
        if jobs.backup_root.is_empty() { jobs.backup.raw.clone() } else { jobs.backup_root.clone() }
    }

    fn run(&mut self, cx: &mut WorkContext<'_>) -> Worked {
        let settings = cx.settings;
        let root = handed_on(cx, "BACKUP_ROOT_DIR", &settings.jobs.backup_root);
        let tag = handed_on(cx, "RESTIC_TAG", &settings.repository.tag);
        let frame = open(settings, &root, &tag);
        let shown = settings.repository.shown.clone();
        cx.extras.extend(always(&shown, &root, &tag));
        announce(settings, &root);
        let refused = skeleton::refuse(cx, if tag.is_empty() { &["RESTIC_TAG"] } else { &[] });
        if tag.is_empty() {
            say::error(
                "❌ RESTIC_TAG is unset or empty. Set it to a name for these snapshots; without one the retention \
                 cannot tell them from others.",
            );
            let others = refused.map(|refused| format!("; {}", refused.reason)).unwrap_or_default();
            return Worked::with_code(exit::USAGE, format!("RESTIC_TAG is unset or empty{others}"));
        }
        if let Some(refused) = refused {
            return refused;
        }

        let mut restic = Restic::locate(settings, &cx.environment);
        let source = Source { words: &settings.jobs.backup.words, tag: &tag, root: &root };
        let result = {
            let mut progress = Progress::new("backup", &settings.log);
            progress.pace(&mut restic.environment);
            engine::backup(&restic, source, &skeleton::bounds(cx), &mut progress, &mut |line| say::log_only(line))
        };
        let outcome = &result.outcome;
        frame.verdict(outcome);
        skeleton::unlock(cx, &restic, outcome);

        let mut worked = Worked::with_code(outcome.code(), outcome.reason());
        if outcome.meaning == Meaning::Incomplete && result.unreadable.count > 0 {
            worked.reason = result.unreadable.sentence();
        }
        let found = Found::of(&result);
        forget_inline(cx, &mut worked, outcome);
        frame.close();
        found.report(cx, &result);
        self.details = found.details(&shown);
        worked
    }

    fn details(&self, cx: &WorkContext<'_>) -> String {
        if self.details.is_empty() { cx.settings.repository.shown.clone() } else { self.details.clone() }
    }

    fn extras_without_work(&self, settings: &Settings) -> Vec<(String, String)> {
        always(&settings.repository.shown, &settings.jobs.backup_root, &settings.repository.tag).into()
    }
}

/// A setting, or what a pre hook has handed on for it.
fn handed_on(cx: &WorkContext<'_>, name: &str, setting: &str) -> String {
    cx.values.get(name).map_or(setting, String::as_str).to_owned()
}

/// The extras that every summary has.
fn always(repository: &str, root: &str, tag: &str) -> [(String, String); 3] {
    [("repository", repository), ("backup_root_dir", root), ("restic_tag", tag)]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
}

fn open(settings: &Settings, root: &str, tag: &str) -> Frame {
    Frame::open(
        "🔄",
        "Backup",
        &[
            ("RELEASE", &settings.identity.release),
            ("BACKUP_CRON", &settings.schedules.backup),
            ("BACKUP_ROOT_DIR", root),
            ("RESTIC_TAG", tag),
            ("RESTIC_FORGET_ARGS", &settings.jobs.forget.raw),
            ("RESTIC_JOB_ARGS", &settings.jobs.backup.raw),
            ("RESTIC_CACERT", &settings.repository.cacert_given),
            ("RESTIC_REPOSITORY", &settings.repository.shown),
        ],
    )
}

/// Says what is going to be saved.
fn announce(settings: &Settings, root: &str) {
    let by_words = !settings.jobs.backup.raw.trim().is_empty();
    if root.is_empty() && !by_words {
        say::warn("⚠️ WARNING: BACKUP_ROOT_DIR and RESTIC_JOB_ARGS are both empty: restic is not told what to save.");
    }
    say::info(match (root, by_words) {
        ("", true) => "📦 Performing backup using RESTIC_JOB_ARGS...".to_owned(),
        ("", false) => "📦 Performing backup with restic defaults...".to_owned(),
        (root, _) => format!("📦 Performing backup of {root}..."),
    });
}

/// Forgets old snapshots after a backup that went well. What comes of it never changes the backup's code.
fn forget_inline(cx: &mut WorkContext<'_>, worked: &mut Worked, backup: &Outcome) {
    let policy = &cx.settings.jobs.forget;
    if policy.raw.trim().is_empty() {
        return;
    }
    let schedule = cx.settings.schedules.forget.trim();
    if !schedule.is_empty() {
        if worked.code == exit::SUCCESS {
            say::info(format!(
                "⏭ Skipping inline forget: FORGET_CRON is set ('{schedule}'), so the forget worker does it."
            ));
        }
        return;
    }
    if worked.code != exit::SUCCESS {
        // What the record says of a step that a failed one keeps from running (docs/hooks.md).
        cx.steps.push(skipped(match (backup.meaning, backup.exit) {
            (Meaning::NotStarted, _) | (Meaning::Failed, Exit::Signal(_)) => {
                "Task skipped due to critical task exception: backup"
            }
            _ => "Task skipped due to critical task failure: backup",
        }));
        return;
    }
    if let Some(error) = &policy.error {
        let reason = format!("RESTIC_FORGET_ARGS cannot be read: {error}");
        say::warn(format!("⚠️ Forget skipped: {reason}"));
        return skip(cx, worked, &reason);
    }
    if cx.stop.request().is_some() {
        say::info("⏭ Skipping inline forget: a stop was asked for. The next run does it.");
        return skip(cx, worked, "a stop was asked for");
    }
    if locking::forget(&policy.words) == RepositoryLock::Exclusive
        && let Err(reason) = cx.take_repository_alone("forget")
    {
        say::info(format!("⏭ Forget skipped: {reason}. The next run does it."));
        return skip(cx, worked, &reason);
    }
    let started = Instant::now();
    let outcome = forget_snapshots(cx);
    cx.extra("forget_exit_code", outcome.code().to_string());
    let status = match outcome.meaning {
        Meaning::Ok => "completed",
        Meaning::Locked => "skipped",
        _ => "failed",
    };
    let reason = outcome.reason();
    if !outcome.is_ok() {
        worked.warnings.push(format!("forget {status}: {reason}"));
    }
    let duration_ms = skeleton::milliseconds(started.elapsed());
    cx.steps.push(Step { name: "forget".into(), status: status.into(), duration_ms, reason });
}

fn skip(cx: &mut WorkContext<'_>, worked: &mut Worked, reason: &str) {
    worked.warnings.push(format!("forget skipped: {reason}"));
    cx.steps.push(skipped(reason));
}

fn skipped(reason: &str) -> Step {
    Step { name: "forget".into(), status: "skipped".into(), duration_ms: 0, reason: reason.into() }
}

/// What restic told of its backup, from its summary or, where there is none, from its text.
struct Found {
    snapshot: String,
    files: Option<[u64; 3]>,
    added: Option<String>,
    stored: Option<String>,
}

impl Found {
    fn of(result: &engine::Backup) -> Self {
        let Some(summary) = &result.summary else {
            let text = result.text.clone();
            let snapshot = text.snapshot.unwrap_or_default();
            return Self { snapshot, files: text.files, added: text.added, stored: text.stored };
        };
        if summary.dry_run {
            // restic gives an id that it never saved, and sizes that it would add.
            return Self { snapshot: String::new(), files: summary.files, added: None, stored: None };
        }
        Self {
            snapshot: summary.snapshot.clone(),
            files: summary.files,
            added: summary.data_added.map(bytes),
            stored: summary.data_added_packed.map(bytes),
        }
    }

    fn short_id(&self) -> String {
        self.snapshot.chars().take(8).collect()
    }

    /// Fills in the contract's extras (reports, section 2.1) and the typed statistics.
    fn report(&self, cx: &mut WorkContext<'_>, result: &engine::Backup) {
        const FILES: [&str; 3] = ["files_new", "files_changed", "files_unmodified"];
        const DIRS: [&str; 3] = ["dirs_new", "dirs_changed", "dirs_unmodified"];
        if !self.snapshot.is_empty() {
            cx.snapshot.clone_from(&self.snapshot);
            cx.extra("snapshot_id", self.short_id());
        }
        for (key, count) in FILES.iter().zip(self.files.into_iter().flatten()) {
            cx.extra(key, count.to_string());
            cx.stat(key, count);
        }
        for (key, size) in [("bytes_added", &self.added), ("bytes_stored", &self.stored)] {
            if let Some(size) = size {
                cx.extra(key, size.clone());
            }
        }
        if let Some(summary) = &result.summary {
            for (key, count) in DIRS.iter().zip(summary.dirs) {
                cx.stat(key, count);
            }
            for (key, size) in [("bytes_added", summary.data_added), ("bytes_stored", summary.data_added_packed)] {
                if let Some(size) = size {
                    cx.stat(key, size);
                }
            }
            cx.stat("files_processed", summary.files_processed);
            cx.stat("bytes_processed", summary.bytes_processed);
            if let Some(duration) = summary.duration {
                cx.stat("duration", duration);
            }
        }
        if result.unreadable.count > 0 {
            cx.stat("files_unreadable", result.unreadable.count);
        }
    }

    /// What the mail's subject says (contract: reports, section 4).
    fn details(&self, repository: &str) -> String {
        let new = match (&self.added, self.files) {
            (Some(added), _) => Some(format!("{added} new")),
            (None, Some([new, ..])) => Some(format!("{new} new files")),
            (None, None) => None,
        };
        let snapshot = (!self.snapshot.is_empty()).then(|| format!("(snap {})", self.short_id()));
        match (new, snapshot) {
            (Some(new), Some(snapshot)) => format!("{new} {snapshot}"),
            (Some(text), None) | (None, Some(text)) => text,
            (None, None) => repository.to_owned(),
        }
    }
}
