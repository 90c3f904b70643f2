//! Everything before the run: listing, questions, refusals, preview. Nothing is written here.

use super::arguments::RestoreArgs;
use super::listing::{self, Rows, restic_for_any};
use super::plan::{Plan, filters, refused, usage};
use super::prompts::{self, Dialogue, Over};
use super::safety;
use super::snapshots::{self, HOST_TAG_SINCE, Snapshot};
use super::table::shown;
use super::terminal::Terminal;
use crate::engine::Restic;
use crate::exit;
use crate::masking::say;
use crate::process::Stop;
use crate::run::Cancelled;
use crate::settings::Settings;
use crate::workers::skeleton::bounds_of;

/// The first restic whose `restore` has a dry run.
pub const DRY_RUN_SINCE: (u32, u32) = (0, 17);

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It was a listing, and is over with this exit code.
    Listed(i32),
    /// This is to be done.
    Restore(Box<Plan>),
}

/// Lists, or asks and refuses.
///
/// # Errors
/// [`Cancelled`], as the pipeline wants it.
pub fn decide(
    arguments: &RestoreArgs,
    terminal: &mut dyn Terminal,
    settings: &Settings,
    stop: &Stop,
) -> Result<Decision, Cancelled> {
    let interactive = terminal.is_interactive() && !arguments.yes;
    let mut dialogue = Dialogue::new(terminal, settings, stop);
    if arguments.list {
        let rows = if arguments.all { Rows::All } else { Rows::Recent };
        let code = listing::list(&mut dialogue, settings, &filters(arguments, settings)?, rows, stop)?;
        return Ok(Decision::Listed(code));
    }
    let mut plan = Plan::new(arguments, settings)?;
    let mut questions = Questions { arguments, settings, stop, dialogue };
    let outcome = if interactive { questions.with_a_person(&mut plan) } else { questions.with_nobody(&mut plan) };
    match outcome {
        Ok(()) => Ok(Decision::Restore(Box::new(plan))),
        Err(Over::Refused(cancelled)) => Err(cancelled),
        Err(Over::Quit) => {
            say::warn("🛑 Restore cancelled by operator.");
            Err(Cancelled::ByOperator { extras: plan.extras_when_cancelled(settings) })
        }
    }
}

struct Questions<'a> {
    arguments: &'a RestoreArgs,
    settings: &'a Settings,
    stop: &'a Stop,
    dialogue: Dialogue<'a>,
}

impl Questions<'_> {
    fn with_a_person(&mut self, plan: &mut Plan) -> Result<(), Over> {
        if plan.dry_run {
            self.refuse_impossible_dry_run()?;
        }
        if self.has_id() {
            self.tell(&format!("📌 Snapshot pre-selected via --id: {}\n", shown(&plan.snapshot)));
        } else {
            let found = self.matching(plan)?;
            let limit = self.arguments.all.then_some(usize::MAX);
            plan.snapshot = prompts::pick_snapshot(&mut self.dialogue, plan, self.settings, &found, limit)?;
        }
        if self.arguments.target.is_none() {
            plan.target = prompts::ask_target(&mut self.dialogue, &plan.target)?;
        }
        if !plan.dry_run {
            self.offer_dry_run(plan)?;
        }
        self.refuse_unsafe(plan)?;
        self.preview(plan);
        prompts::ask_proceed(&mut self.dialogue)
    }

    fn with_nobody(&mut self, plan: &mut Plan) -> Result<(), Over> {
        if plan.dry_run {
            self.refuse_impossible_dry_run()?;
        }
        if plan.filters.since.is_some() && !self.has_id() {
            let found = self.matching(plan)?;
            plan.snapshot = prompts::newest(plan, &found);
        }
        self.refuse_unsafe(plan)?;
        self.preview(plan);
        if plan.yes {
            self.tell("(--yes: skipping Proceed? confirmation)\n");
        }
        Ok(())
    }

    fn has_id(&self) -> bool {
        self.arguments.id.as_deref().is_some_and(|id| !id.is_empty())
    }

    /// The matching snapshots, at least one.
    fn matching(&self, plan: &Plan) -> Result<Vec<Snapshot>, Over> {
        let restic = Restic::locate(self.settings, &plan.filters.environment(&self.settings.environment));
        let bounds = bounds_of(self.settings, self.stop);
        let found = snapshots::matching(&restic, &plan.filters, &bounds)
            .map_err(|error| refused(format!("listing the snapshots failed: {error}"), exit::FAILURE))?;
        if found.is_empty() {
            let any = restic_for_any(self.settings, &plan.filters);
            let why = snapshots::explain_nothing(&any, &plan.filters, &bounds, HOST_TAG_SINCE);
            let message = format!("no snapshots matched: {}; {why}", plan.filters.shown_with_since());
            return Err(refused(message, exit::FAILURE).into());
        }
        Ok(found)
    }

    fn offer_dry_run(&mut self, plan: &mut Plan) -> Result<(), Over> {
        if let Some(version) = self.too_old_for_a_dry_run() {
            self.tell(&format!("ℹ️ No dry run is offered: {version} has none (0.17 and later have).\n"));
            return Ok(());
        }
        plan.dry_run = prompts::ask_dry_run(&mut self.dialogue)?;
        if plan.dry_run && plan.verify {
            plan.verify = false;
            self.tell("ℹ️ --verify is left out: a dry run writes nothing that could be verified.\n");
        }
        Ok(())
    }

    fn refuse_impossible_dry_run(&self) -> Result<(), Over> {
        match self.too_old_for_a_dry_run() {
            None => Ok(()),
            Some(version) => Err(usage(format!(
                "--dry-run needs restic 0.17 or later, and this is {version}: update restic, or restore into an empty \
                 --target instead"
            ))
            .into()),
        }
    }

    /// The version, if it is too old. One that cannot be read is taken as new.
    fn too_old_for_a_dry_run(&self) -> Option<String> {
        let version = Restic::locate(self.settings, &self.settings.environment).version()?;
        let (major, minor) = DRY_RUN_SINCE;
        (!version.at_least(major, minor)).then(|| format!("restic {version}"))
    }

    fn refuse_unsafe(&self, plan: &Plan) -> Result<(), Over> {
        safety::check(plan, self.settings).map_err(|message| refused(message, exit::FAILURE).into())
    }

    fn preview(&mut self, plan: &Plan) {
        let words = shown(&plan.words().join(" "));
        self.tell(&format!("\nAbout to run: restic restore {words}\n"));
        if plan.dry_run {
            self.tell("(dry-run; no files will be written)\n");
        }
    }

    /// Shows what nobody has to read for the work to be right.
    fn tell(&mut self, text: &str) {
        let _ = self.dialogue.show(text);
    }
}
