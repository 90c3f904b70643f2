//! The worker itself.

use super::arguments::ForgetPreviewArgs;
use super::plan::{Order, Plan, shown};
use super::tally::Preview;
use crate::engine::{Counters, Outcome, Output, Progress, Restic, Tally, run_text};
use crate::exit;
use crate::masking::say;
use crate::run::{RepositoryLock, Work, WorkContext, Worked};
use crate::settings::{Settings, words};
use crate::workers::skeleton::{self, Frame};
use clap::{Args, FromArgMatches};
use std::collections::BTreeMap;

/// The work of `forget-preview`.
pub struct ForgetPreview {
    arguments: ForgetPreviewArgs,
}

/// Adds the flags of `forget-preview` to a command.
pub fn augment(command: clap::Command) -> clap::Command {
    ForgetPreviewArgs::augment_args(command)
}

/// Makes the work of the flags that were given.
///
/// # Errors
/// When the flags are not those of [`augment`].
pub fn make(matches: &clap::ArgMatches) -> Result<Box<dyn Work>, clap::Error> {
    Ok(Box::new(ForgetPreview { arguments: ForgetPreviewArgs::from_arg_matches(matches)? }))
}

impl Work for ForgetPreview {
    fn repository_lock(&self, _: &Settings) -> RepositoryLock {
        // restic takes none, and who removes snapshots meanwhile does it no harm but an error.
        RepositoryLock::None
    }

    fn target(&self, settings: &Settings, _: &BTreeMap<String, String>) -> String {
        settings.repository.shown.clone()
    }

    fn run(&mut self, cx: &mut WorkContext<'_>) -> Worked {
        let plan = Plan::new(&self.arguments, cx.settings, Some(cx.values));
        let frame = open(&plan, cx.settings);
        cx.extras.extend(plan.extras(cx.settings));
        // What is wrong with the policy is told once, with what else is wrong with it.
        let refused = skeleton::refuse(cx, &["RESTIC_FORGET_ARGS"]);
        let order = match (plan.order(), refused) {
            (Ok(order), None) => order,
            (order, refused) => {
                let problems = order.err().unwrap_or_default();
                for problem in &problems {
                    say::error(format!("❌ {problem}."));
                }
                frame.close();
                let reasons = refused.into_iter().map(|refused| refused.reason).chain(problems);
                return Worked::with_code(exit::USAGE, reasons.collect::<Vec<_>>().join("; "));
            }
        };
        say_scope(&plan);
        say_beforehand(&order);

        let mut preview = Preview::default();
        let outcome = call(cx, &order, &mut preview);
        skeleton::finished(TITLE);
        skeleton::say_not_started(&outcome);
        if outcome.is_ok() {
            say::info("✅ Forget preview completed successfully");
            say_counts(&plan, &order, &preview);
            let (kept, removed) = preview.totals();
            cx.stat("snapshots_kept", kept);
            cx.stat("snapshots_removed", removed);
            cx.stat("snapshot_groups", preview.groups.len());
        } else {
            say::error(format!("❌ Forget preview failed with Status {}", outcome.code()));
        }
        frame.close();
        Worked::with_code(outcome.code(), outcome.reason())
    }

    fn details(&self, cx: &WorkContext<'_>) -> String {
        cx.settings.repository.shown.clone()
    }

    fn extras_without_work(&self, settings: &Settings) -> Vec<(String, String)> {
        Plan::new(&self.arguments, settings, None).extras(settings)
    }
}

/// In the lines around the work.
const TITLE: &str = "forget preview";

fn open(plan: &Plan, settings: &Settings) -> Frame {
    let (host, tag) = if plan.repo_wide { ("", "") } else { (&*plan.host, &*plan.tag) };
    Frame::open(
        "🧹",
        TITLE,
        &[
            ("RELEASE", &settings.identity.release),
            ("RESTIC_REPOSITORY", &settings.repository.shown),
            ("RESTIC_FORGET_ARGS", &settings.jobs.forget.raw),
            ("POLICY_ARGS", &shown(&plan.policy)),
            ("EXTRA_ARGS", &shown(&plan.extra)),
            ("REPO_WIDE", plan.repo_wide_word()),
            ("HOST_FILTER", host),
            ("TAG_FILTER", tag),
            ("RESTIC_CACERT", &settings.repository.cacert_given),
        ],
    )
}

fn say_scope(plan: &Plan) {
    if plan.repo_wide {
        say::info("⚠️ Running repository-wide retention preview (--repo-wide).");
        return;
    }
    let (host, tag) = (&plan.host, &plan.tag);
    say::info(format!("🔎 Running host/tag-scoped retention preview (host='{host}', tag='{tag}')."));
    if plan.is_of_the_settings() {
        say::info(
            "ℹ️ forget and backup apply RESTIC_FORGET_ARGS without this filter of host and tag: --repo-wide shows \
             exactly what they do.",
        );
    }
}

/// What is likely not meant, before restic says so in its own way, or not at all.
fn say_beforehand(order: &Order) {
    let reading = &order.reading;
    if let [first, ..] = reading.snapshots.as_slice() {
        say::warn(format!(
            "⚠️ '{first}' names a snapshot: restic then leaves policy and filters out of account, and takes exactly the \
             snapshots that are named."
        ));
    } else if !reading.has_rule() && !reading.removes_all {
        say::warn(
            "⚠️ The policy has no --keep rule that keeps anything: restic refuses that, or before 0.17 removes nothing.",
        );
    }
    if reading.quiet {
        say::info("ℹ️ --quiet is left out: it would hide the list.");
    }
}

/// Runs restic, and shows what it lists.
fn call(cx: &WorkContext<'_>, order: &Order, preview: &mut Preview) -> Outcome {
    let mut restic = Restic::locate(cx.settings, &cx.environment);
    let line: Vec<String> = order.words.iter().map(|word| words::quote(word)).collect();
    say::log_only(format!("restic forget {}", shown(&line.join(" "))));
    let mut progress = Progress::new("forget", &cx.settings.log);
    progress.pace(&mut restic.environment);
    let mut counters = Counters::new();
    let outcome = run_text(&restic.spec("forget", &order.words), &skeleton::bounds(cx), &mut |output| match output {
        Output::Stdout(line) => {
            preview.hear(line);
            if let Some(counter) = counters.take(line, &mut |line| say::info(line)) {
                progress.counter(counter);
            }
        }
        Output::Stderr(line) => say::warn(line),
        Output::Tick => progress.tick(),
    });
    counters.finish(&mut |line| say::info(line));
    outcome
}

fn say_counts(plan: &Plan, order: &Order, preview: &Preview) {
    let (kept, removed) = preview.totals();
    if preview.groups.is_empty() {
        if !order.reading.has_rule() {
            say::info("📊 Nothing would be removed.");
        } else if plan.repo_wide {
            say::warn("⚠️ No snapshot is in question: nothing would be removed.");
        } else {
            say::warn(format!(
                "⚠️ No snapshot has host '{}' and tag '{}': nothing would be removed. What there is: restore --list \
                 --host \"\" --tag \"\"",
                plan.host, plan.tag
            ));
        }
        return;
    }
    let groups = preview.groups.len();
    let of = if groups == 1 { "1 group".to_owned() } else { format!("{groups} groups") };
    say::info(format!("📊 Would keep {kept} and remove {removed} of {} snapshots in {of}.", kept + removed));
    for group in preview.groups.iter().filter(|group| group.kept == 0) {
        let name = if group.name.is_empty() { String::new() } else { format!(" of {}", group.name) };
        say::warn(format!("⚠️ Nothing would be kept{name}: all {} snapshots would be removed.", group.removed));
    }
}
