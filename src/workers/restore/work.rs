//! The worker itself: what the pipeline calls, and the restore proper.

use super::arguments::RestoreArgs;
use super::ask::{self, Decision};
use super::disk;
use super::hold::Hold;
use super::listing::restic_for_any;
use super::owner;
use super::plan::{LATEST, Plan, on_off};
use super::safety;
use super::snapshots::{self, HOST_TAG_SINCE};
use super::summary::{self, Said, Summary};
use super::table::shown;
use super::terminal::{SystemTerminal, Terminal};
use crate::engine::{Output, Progress, Restic, plainly, run_text};
use crate::exit;
use crate::masking::say;
use crate::process::Stop;
use crate::run::{Asked, Cancelled, RepositoryLock, Work, WorkContext, Worked};
use crate::settings::Settings;
use crate::workers::skeleton::{self, Frame};
use clap::{Args, FromArgMatches};
use std::collections::BTreeMap;
use std::path::Path;

/// A restore, from its arguments to its end.
pub struct Restore {
    arguments: RestoreArgs,
    terminal: Box<dyn Terminal + Send>,
    plan: Option<Plan>,
    summary: Option<Summary>,
    matched_nothing: bool,
}

/// What restic left.
struct Restored {
    code: i32,
    reason: String,
    summary: Option<Summary>,
}

/// Adds the flags of `restore` to a command.
pub fn augment(command: clap::Command) -> clap::Command {
    RestoreArgs::augment_args(command)
}

/// Makes a restore of the flags that were given.
///
/// # Errors
/// When the flags are not those of [`augment`].
pub fn make(matches: &clap::ArgMatches) -> Result<Box<dyn Work>, clap::Error> {
    Ok(Box::new(Restore::new(RestoreArgs::from_arg_matches(matches)?)))
}

impl Restore {
    /// A restore with these arguments, that asks at the terminal of the process.
    pub fn new(arguments: RestoreArgs) -> Self {
        let terminal = Box::new(SystemTerminal::default());
        Self { arguments, terminal, plan: None, summary: None, matched_nothing: false }
    }

    /// Asks there instead.
    #[must_use]
    pub fn asking(mut self, terminal: Box<dyn Terminal + Send>) -> Self {
        self.terminal = terminal;
        self
    }

    /// What was decided, or what the arguments alone say.
    fn plan(&self, settings: &Settings) -> Option<Plan> {
        self.plan.clone().or_else(|| Plan::new(&self.arguments, settings).ok())
    }
}

impl Work for Restore {
    fn repository_lock(&self, _: &Settings) -> RepositoryLock {
        // A listing asks without a lock.
        if self.arguments.list { RepositoryLock::None } else { RepositoryLock::Shared }
    }

    fn asks(&self, _: &Settings) -> bool {
        self.terminal.is_interactive() && !self.arguments.yes && !self.arguments.list
    }

    fn ask(&mut self, settings: &Settings, stop: &Stop) -> Result<Asked, Cancelled> {
        match ask::decide(&self.arguments, &mut *self.terminal, settings, stop)? {
            Decision::Listed(code) => Ok(Asked::Done(code)),
            Decision::Restore(plan) => {
                self.plan = Some(*plan);
                Ok(Asked::Proceed)
            }
        }
    }

    fn target(&self, settings: &Settings, _: &BTreeMap<String, String>) -> String {
        self.plan(settings).map(|plan| plan.target).unwrap_or_default()
    }

    fn run(&mut self, cx: &mut WorkContext<'_>) -> Worked {
        let Some(plan) = self.plan(cx.settings) else {
            return Worked::with_code(exit::USAGE, "the arguments of the restore are wrong");
        };
        let frame = open(&plan, cx.settings);
        cx.extras.extend(plan.extras(cx.settings));
        if let Some(refused) = skeleton::refuse(cx, &[]) {
            return refused;
        }

        let empty_before = disk::is_empty(Path::new(&plan.target)).unwrap_or(false);
        let restored = match prepare(&plan, cx) {
            Ok(()) => call(&plan, cx),
            Err(reason) => {
                say::error(format!("❌ {reason}"));
                Restored { code: exit::FAILURE, reason, summary: None }
            }
        };
        skeleton::finished(TITLE);

        let Restored { code, reason, summary } = restored;
        if let Some(summary) = &summary {
            record(summary, cx);
        }
        let mut worked = Worked::with_code(code, reason);
        if worked.code == exit::SUCCESS {
            self.matched_nothing = matched_nothing(&plan, summary.as_ref(), empty_before);
        }
        if self.matched_nothing {
            cx.extra("include_zero_match", "true");
            worked = Worked::with_code(exit::INCOMPLETE, includes_matched_nothing(&plan));
            say::error(format!("❌ {}", worked.reason));
        }
        self.summary = summary;
        skeleton::result(TITLE, worked.code);
        if plan.dry_run && worked.code == exit::SUCCESS {
            say::info("ℹ️ That was a dry run: nothing was restored. Without it, the same call restores.");
        }
        if worked.code == exit::SUCCESS {
            worked.warnings.extend(change_owner(&plan, cx.stop));
        }
        frame.close();
        self.plan = Some(plan);
        worked
    }

    fn details(&self, cx: &WorkContext<'_>) -> String {
        let Some(plan) = self.plan(cx.settings) else { return String::new() };
        let mut details = match &self.summary {
            Some(summary) => format!("{} files ({}) → {}", summary.files, summary.size, plan.target),
            None => plan.target.clone(),
        };
        if self.matched_nothing {
            details.insert_str(0, "include matched 0 · ");
        }
        if plan.dry_run {
            details.insert_str(0, "DRY-RUN · ");
        }
        details
    }

    fn extras_without_work(&self, settings: &Settings) -> Vec<(String, String)> {
        self.plan(settings).map(|plan| plan.extras(settings)).unwrap_or_default()
    }
}

/// In the lines around the work.
const TITLE: &str = "Restore";

fn open(plan: &Plan, settings: &Settings) -> Frame {
    let owner = plan.owner.as_ref().map_or("", |owner| &owner.given);
    let header = [
        ("RELEASE", settings.identity.release.as_str()),
        ("RESTIC_REPOSITORY", &settings.repository.shown),
        ("RESTIC_CACERT", &settings.repository.cacert_given),
        ("SNAPSHOT", &plan.snapshot),
        ("TARGET", &plan.target),
        ("TAG_FILTER", &plan.filters.tag),
        ("HOST_FILTER", &plan.filters.host),
        ("INCLUDE_PATHS", &plan.includes.join(" ")),
        ("EXCLUDE_PATHS", &plan.excludes.join(" ")),
        ("DRY_RUN", plan.dry_run_word()),
        ("VERIFY", on_off(plan.verify)),
        ("VERBOSE", on_off(plan.verbose)),
        ("FORCE", on_off(plan.force)),
        ("ASSUME_YES", on_off(plan.yes)),
        ("CHOWN_SPEC", owner),
    ]
    .map(|(key, value)| (key, shown(value)));
    Frame::open("♻️", TITLE, &header.each_ref().map(|(key, value)| (*key, value.as_str())))
}

/// Looks again at what may have changed since the refusals (a pre hook may move the source or swap a link), finds out
/// which snapshot `latest` is, and makes the target.
fn prepare(plan: &Plan, cx: &mut WorkContext<'_>) -> Result<(), String> {
    let moved = cx.values.get("BACKUP_ROOT_DIR").map_or("", String::as_str);
    let mut hold = Hold::on(Path::new(&plan.target));
    safety::check_place(plan, cx.settings, moved)?;
    if plan.snapshot == LATEST {
        let filters = &plan.filters;
        let restic = Restic::locate(cx.settings, &filters.environment(&cx.environment));
        let bounds = skeleton::bounds(cx);
        match snapshots::newest(&restic, filters, &bounds) {
            Ok(Some(snapshot)) => cx.snapshot = snapshot.id,
            Ok(None) => {
                let why =
                    snapshots::explain_nothing(&restic_for_any(cx.settings, filters), filters, &bounds, HOST_TAG_SINCE);
                return Err(format!("no snapshots matched: {}; {why}", filters.shown_with_since()));
            }
            // The restore will fail for the same reason, with restic's own code for it.
            Err(error) => say::log_only(format!("Which snapshot 'latest' is, is not known: {error}")),
        }
    } else {
        // `ID:folder` restores a part of a snapshot.
        plan.snapshot.split(':').next().unwrap_or_default().clone_into(&mut cx.snapshot);
    }
    if plan.dry_run {
        return Ok(());
    }
    // As anybody's folder is made: the process's mask decides who may enter.
    hold.make(0o777).map_err(|(_, reason)| reason)
}

/// Runs restic and listens to it.
fn call(plan: &Plan, cx: &mut WorkContext<'_>) -> Restored {
    if let Some(request) = cx.stop.request() {
        let code = exit::of_signal(request.signal as i32);
        return Restored { code, reason: "interrupted before restic began".to_owned(), summary: None };
    }
    let mut restic = Restic::locate(cx.settings, &plan.filters.environment(&cx.environment));
    let mut progress = Progress::new(cx.job.name, &cx.settings.log);
    let mut words = plan.words();
    words.extend(Restic::without_lock(cx.settings).map(str::to_owned));
    if !plan.verbose {
        // What is printed for people file by file has no JSON form in every version; a restic before 0.16 ignores this.
        words.push("--json".to_owned());
        progress.pace(&mut restic.environment);
    }
    let bounds = skeleton::bounds(cx);
    let mut summary = None;
    let snapshot = &mut cx.snapshot;
    let outcome = run_text(&restic.spec("restore", &words), &bounds, &mut |output| match output {
        Output::Stdout(line) => match summary::understand(line) {
            Said::Summary(said) => {
                tell(plan, &if plan.verbose { line.to_owned() } else { said.text() });
                summary = Some(said);
            }
            Said::Status(status) => progress.status(status),
            Said::Restoring(id) => {
                tell(plan, line);
                // restic may write fewer digits than are known already.
                if !snapshot.starts_with(&id) {
                    *snapshot = id;
                }
            }
            Said::Other => tell(plan, line),
        },
        Output::Stderr(line) => plainly(line).lines().for_each(|line| tell(plan, line)),
        Output::Tick => progress.tick(),
    });
    drop(progress);
    skeleton::say_not_started(&outcome);
    Restored { code: outcome.code(), reason: outcome.reason(), summary }
}

/// restic's own lines: to the log, and to the person who asked for them.
fn tell(plan: &Plan, line: &str) {
    say::log_only(line);
    if plan.verbose {
        say::console_only(line);
    }
}

fn record(summary: &Summary, cx: &mut WorkContext<'_>) {
    cx.extra("files_restored", summary.files.to_string());
    cx.extra("bytes_restored", &*summary.size);
    cx.extra("elapsed_human", &*summary.elapsed);
    cx.stat("files_restored", summary.files);
    cx.stat("files_skipped", summary.skipped);
    for (key, value) in [("files_total", summary.total), ("bytes_restored", summary.bytes)] {
        if let Some(value) = value {
            cx.stat(key, value);
        }
    }
}

/// Whether the includes matched nothing, as far as it can be known.
fn matched_nothing(plan: &Plan, summary: Option<&Summary>, empty_before: bool) -> bool {
    if plan.includes.is_empty() {
        return false;
    }
    if let Some(summary) = summary {
        return summary.is_of_nothing();
    }
    // A restic without a summary (before 0.16) makes no folder in vain: what is empty still got nothing.
    if empty_before && !plan.dry_run {
        return disk::is_empty(Path::new(&plan.target)).unwrap_or(false);
    }
    say::log_only("restic gave no summary and the target was not empty: whether the includes matched is not known");
    false
}

fn includes_matched_nothing(plan: &Plan) -> String {
    let includes: Vec<String> = plan.includes.iter().map(|include| format!("'{include}'")).collect();
    format!(
        "the includes matched nothing in snapshot {}: {}; paths are those of the snapshot (restic ls {} shows them)",
        plan.snapshot,
        includes.join(", "),
        plan.snapshot
    )
}

/// Changes owners if that is wanted; what went wrong there is a warning, since everything was restored.
fn change_owner(plan: &Plan, stop: &Stop) -> Option<String> {
    let owner = plan.owner.as_ref()?;
    if plan.dry_run {
        return None;
    }
    say::info(format!("👤 Changing owner of {} to {}...", plan.target, owner.given));
    let changed = owner::change(owner, Path::new(&plan.target), stop);
    let warning = if changed.stopped {
        format!("changing the owner to {} was stopped after {} entries", owner.given, changed.entries)
    } else if changed.failed > 0 {
        format!(
            "changing the owner to {} failed for {} of {} entries, first {}",
            owner.given, changed.failed, changed.entries, changed.first
        )
    } else {
        say::info(format!("✅ Owner changed to {} ({} entries)", owner.given, changed.entries));
        return None;
    };
    say::warn(format!("⚠️ {warning}"));
    Some(warning)
}
