//! The worker itself: what the pipeline calls, and the order of the steps.

use super::arguments::RestoreTestArgs;
use super::canary::{self, Canary};
use super::canary_check;
use super::count::{self, Before, Counted};
use super::draw::{self, Draw};
use super::extras::{Findings, Verification};
use super::folder::{self, Cleanup};
use super::plan::Plan;
use super::refusals;
use super::restoring::{self, Meant, Restored};
use super::sample;
use crate::engine::Restic;
use crate::exit;
use crate::masking::say;
use crate::run::{RepositoryLock, Work, WorkContext, Worked};
use crate::settings::Settings;
use crate::workers::restore::hold::Hold;
use crate::workers::restore::plan::{of_patterns, on_off};
use crate::workers::restore::table::shown;
use crate::workers::skeleton::{self, Frame};
use clap::{Args, FromArgMatches};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The work of `restore-test`.
pub struct RestoreTest {
    arguments: RestoreTestArgs,
    /// Ends the name of an automatic folder. Drawn once, before the first hook: they are told the folder's name.
    suffix: String,
    findings: Findings,
}

/// Adds the flags of `restore-test` to a command.
pub fn augment(command: clap::Command) -> clap::Command {
    RestoreTestArgs::augment_args(command)
}

/// Makes the work of the flags that were given.
///
/// # Errors
/// When the flags are not those of [`augment`].
pub fn make(matches: &clap::ArgMatches) -> Result<Box<dyn Work>, clap::Error> {
    let arguments = RestoreTestArgs::from_arg_matches(matches)?;
    Ok(Box::new(RestoreTest { arguments, suffix: folder::suffix(), findings: Findings::default() }))
}

/// Why a step was the last one: the exit code, and one line.
type Ended = (i32, String);

impl RestoreTest {
    fn plan(&self, settings: &Settings, values: &BTreeMap<String, String>) -> Plan {
        Plan::new(&self.arguments, settings, values, &self.suffix)
    }
}

impl Work for RestoreTest {
    fn repository_lock(&self, _: &Settings) -> RepositoryLock {
        RepositoryLock::Shared
    }

    fn target(&self, settings: &Settings, values: &BTreeMap<String, String>) -> String {
        self.plan(settings, values).shown_folder()
    }

    fn run(&mut self, cx: &mut WorkContext<'_>) -> Worked {
        let plan = self.plan(cx.settings, cx.values);
        let mut test = Test { plan: &plan, findings: Findings::default(), made: false, hold: Hold::on(plan.folder()) };
        let canaries = canary::all(&plan.canaries, plan.canary_file.as_deref());
        test.findings.canaries = canaries.as_ref().map_or(0, Vec::len);
        let frame = open(&plan, &test.findings, cx.settings);

        let (code, reason) = match skeleton::refuse(cx, &plan.overridden) {
            Some(refused) => (refused.code, refused.reason),
            None => match refusals::check(&plan, cx, canaries).and_then(|canaries| test.run(&canaries, cx)) {
                Ok(()) => (exit::SUCCESS, String::new()),
                Err((code, reason)) => {
                    say::error(format!("❌ {reason}"));
                    (code, reason)
                }
            },
        };
        let mut worked = Worked::with_code(code, reason);
        test.say_result(code);
        let (cleanup, warning) = if test.made { folder::clear(&plan, cx) } else { (Cleanup::of(&plan), None) };
        worked.warnings.extend(warning);
        test.findings.cleanup = Some(cleanup);
        frame.close();
        self.findings = test.findings;
        self.findings.record(&plan, cx);
        worked
    }

    fn details(&self, cx: &WorkContext<'_>) -> String {
        self.findings.details(&self.plan(cx.settings, cx.values))
    }

    fn extras_without_work(&self, settings: &Settings) -> Vec<(String, String)> {
        let plan = self.plan(settings, &BTreeMap::new());
        let canaries = canary::all(&plan.canaries, plan.canary_file.as_deref()).map_or(0, |canaries| canaries.len());
        Findings { canaries, ..Findings::default() }.extras(&plan, settings)
    }
}

/// In the lines around the work.
const TITLE: &str = "Restore-test";

fn open(plan: &Plan, findings: &Findings, settings: &Settings) -> Frame {
    let header = [
        ("RELEASE", settings.identity.release.clone()),
        ("RESTIC_REPOSITORY", settings.repository.shown.clone()),
        ("RESTIC_CACERT", settings.repository.cacert_given.clone()),
        ("SNAPSHOT", plan.snapshot.clone()),
        ("TAG_FILTER", plan.filters.tag.clone()),
        ("HOST_FILTER", plan.filters.host.clone()),
        ("INCLUDE_PATHS", plan.paths.join(" ")),
        ("TARGET", plan.shown_folder()),
        ("TARGET_AUTOTMP", on_off(plan.is_automatic()).to_owned()),
        ("KEEP", on_off(plan.keep).to_owned()),
        ("DRY_RUN", on_off(plan.dry_run).to_owned()),
        ("VERIFY", on_off(plan.verify).to_owned()),
        ("MIN_FILES", plan.min_files.to_string()),
        ("CANARY_TOTAL", findings.canaries.to_string()),
        ("SAMPLE", plan.sample.to_string()),
    ]
    .map(|(key, value)| (key, shown(&value)));
    Frame::open("🩺", TITLE, &header.each_ref().map(|(key, value)| (*key, value.as_str())))
}

/// One test under way.
struct Test<'a> {
    plan: &'a Plan,
    findings: Findings,
    /// The folder is there, and ours to clear.
    made: bool,
    /// What was checked is what is restored into.
    hold: Hold,
}

impl Test<'_> {
    fn run(&mut self, canaries: &[Canary], cx: &mut WorkContext<'_>) -> Result<(), Ended> {
        let plan = self.plan;
        let mut meant = restoring::find(plan, cx).map_err(|reason| (exit::FAILURE, reason))?;
        not_stopped(cx)?;
        let draw = if plan.is_sampled() { Some(self.draw(&mut meant, cx)?) } else { None };
        let needed = match &draw {
            Some(draw) => Some(draw.files.iter().map(|file| file.size).sum()),
            None => meant.bytes.filter(|_| plan.paths.is_empty()),
        };
        let mut before = Before::default();
        if !plan.dry_run {
            folder::warn_of_space(plan, cx, needed);
            folder::make(plan, cx, &mut self.hold)?;
            self.made = true;
            before = count::before(plan.folder());
        }
        let sampled = draw.as_ref().map(|draw| draw.files.as_slice());
        for (call, paths) in restoring::includes(plan, sampled, canaries).iter().enumerate() {
            if draw.is_some() && paths.is_empty() {
                // Without a path restic would restore everything.
                break;
            }
            if !plan.dry_run {
                self.hold.check()?;
                if call == 0 {
                    refusals::check_still_empty(plan)?;
                }
            }
            let Restored { code, reason, summary } = restoring::restore(plan, cx, &meant.id, paths);
            self.findings.summary = restoring::together(self.findings.summary.take(), summary);
            if code != exit::SUCCESS {
                return Err((code, reason));
            }
        }
        let counted = if plan.dry_run { Counted::default() } else { count::since(plan.folder(), &before) };
        if draw.is_none() && self.has_matched_nothing(&counted) {
            return Err(self.matched_nothing());
        }
        if plan.dry_run {
            return Ok(());
        }
        self.verify(canaries, draw.as_ref(), &meant, &counted, cx)
    }

    /// Draws the sample, and says what from.
    fn draw(&mut self, meant: &mut Meant, cx: &mut WorkContext<'_>) -> Result<Draw, Ended> {
        let plan = self.plan;
        let (outcome, draw) = draw::draw(plan, cx, &meant.id);
        if !outcome.is_ok() {
            return Err((outcome.code(), outcome.reason()));
        }
        if !draw.id.is_empty() {
            cx.snapshot.clone_from(&draw.id);
            meant.id.clone_from(&draw.id);
        }
        if draw.files.is_empty() && !plan.paths.is_empty() {
            return Err(self.matched_nothing());
        }
        self.findings.drawn = draw.files.len();
        say::info(format!("🎲 Drew {} of {} file(s) (seed {:016x})", draw.files.len(), draw.among, draw.seed));
        if draw.among < plan.sample {
            say::info(format!("ℹ️ There are fewer files than the {} that were asked for: all are taken.", plan.sample));
        }
        if draw.unnamed > 0 {
            say::warn(format!(
                "⚠️ {} file(s) could not be drawn: their names are not UTF-8, and restic's listing does not tell them",
                draw.unnamed
            ));
        }
        Ok(draw)
    }

    /// Whether the paths matched nothing. A restic before 0.16 does not say so, but makes no folder in vain then.
    fn has_matched_nothing(&self, counted: &Counted) -> bool {
        match &self.findings.summary {
            _ if self.plan.paths.is_empty() => false,
            Some(summary) => summary.is_of_nothing(),
            None => counted.entries == 0 && !self.plan.dry_run,
        }
    }

    fn matched_nothing(&mut self) -> Ended {
        self.findings.matched_nothing = true;
        let paths: Vec<String> = self.plan.paths.iter().map(|path| format!("'{}'", shown(path))).collect();
        let reason = format!(
            "the paths matched nothing in snapshot {0}: {1}; paths are those of the snapshot (restic ls {0} shows them){2}",
            shown(&self.plan.snapshot),
            paths.join(", "),
            of_patterns(&self.plan.paths)
        );
        (exit::INCOMPLETE, reason)
    }

    fn verify(
        &mut self,
        canaries: &[Canary],
        draw: Option<&Draw>,
        meant: &Meant,
        counted: &Counted,
        cx: &WorkContext<'_>,
    ) -> Result<(), Ended> {
        let plan = self.plan;
        let findings = &mut self.findings;
        (findings.files, findings.bytes) = (counted.files, counted.bytes);
        if !counted.unread.is_empty() {
            say::warn(format!("⚠️ Not everything that came back could be counted: {}", shown(&counted.unread)));
        }
        let mut wrong = Vec::new();
        let min_files = plan.min_files_of(draw.map(|draw| draw.files.len() as u64));
        findings.too_few = findings.files < min_files;
        if findings.too_few {
            wrong.push(format!("{} file(s) came back, and at least {min_files} must", findings.files));
        }
        findings.canary_results = canary_check::check(canaries, plan.folder(), cx.stop);
        not_stopped(cx)?;
        if let Some(draw) = draw {
            let restic = Restic::locate(cx.settings, &cx.environment);
            findings.sample_results = sample::check(&draw.files, plan.folder(), &meant.id, &restic, cx);
            not_stopped(cx)?;
        }
        for (failed, total, what) in [
            (findings.canaries_failed(), findings.canaries, "canary file(s)"),
            (findings.sample_failed(), findings.drawn, "sampled file(s)"),
        ] {
            if failed > 0 {
                wrong.push(format!("{failed} of {total} {what} did not come back as they must"));
            }
        }
        if wrong.is_empty() {
            findings.verification = Verification::Passed;
            return Ok(());
        }
        findings.verification = Verification::Failed;
        Err((exit::FAILURE, wrong.join("; ")))
    }

    fn say_result(&self, code: i32) {
        let findings = &self.findings;
        if code != exit::SUCCESS {
            let mut counts =
                format!("files={}, canary_failed={}/{}", findings.files, findings.canaries_failed(), findings.canaries);
            if self.plan.is_sampled() {
                let _ = write!(counts, ", sample_failed={}/{}", findings.sample_failed(), findings.drawn);
            }
            say::error(format!("❌ Restore-test failed with Status {code} ({counts})."));
        } else if self.plan.dry_run {
            say::info("✅ Restore-test dry-run completed (no verification performed).");
        } else {
            let mut checked = format!("canaries {}/{} ok", findings.canaries_passed(), findings.canaries);
            if self.plan.is_sampled() {
                let _ = write!(checked, ", sample {}/{} ok", findings.sample_passed(), findings.drawn);
            }
            say::info(format!(
                "✅ Restore-test passed: {} file(s), {} byte(s) restored; {checked}.",
                findings.files, findings.bytes
            ));
        }
    }
}

/// Ends the test where a stop was asked for.
fn not_stopped(cx: &WorkContext<'_>) -> Result<(), Ended> {
    match cx.stop.request() {
        Some(request) => {
            Err((exit::of_signal(request.signal as i32), "interrupted before everything was checked".to_owned()))
        }
        None => Ok(()),
    }
}
