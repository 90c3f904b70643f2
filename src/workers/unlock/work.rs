//! The worker itself.

use super::arguments::UnlockArgs;
use super::consent::{self, Consent};
use super::table::{self, Judged};
use crate::engine::{Output, Restic, ResticLock, Verdict, repository_locks, run_text};
use crate::exit;
use crate::masking::say;
use crate::process::Stop;
use crate::run::{Asked, Cancelled, RepositoryLock, Work, WorkContext, Worked};
use crate::settings::Settings;
use crate::workers::restore::plan::on_off;
use crate::workers::restore::{SystemTerminal, Terminal};
use crate::workers::skeleton::{self, Frame};
use clap::{Args, FromArgMatches};
use serde_json::Value;
use std::collections::BTreeMap;

/// An unlock, from its arguments to its end.
pub struct Unlock {
    arguments: UnlockArgs,
    terminal: Box<dyn Terminal + Send>,
    consent: Consent,
}

/// Adds the flags of `unlock` to a command.
pub fn augment(command: clap::Command) -> clap::Command {
    UnlockArgs::augment_args(command)
}

/// Makes the work of the flags that were given.
///
/// # Errors
/// When the flags are not those of [`augment`].
pub fn make(matches: &clap::ArgMatches) -> Result<Box<dyn Work>, clap::Error> {
    Ok(Box::new(Unlock::new(UnlockArgs::from_arg_matches(matches)?)))
}

/// How many locks there are, where that is not known.
const UNKNOWN: &str = "unknown";

impl Unlock {
    /// An unlock with these arguments, that asks at the terminal of the process.
    pub fn new(arguments: UnlockArgs) -> Self {
        let consent = if arguments.yes { Consent::All } else { Consent::None };
        Self { arguments, terminal: Box::new(SystemTerminal::default()), consent }
    }

    fn is_interactive(&self) -> bool {
        self.arguments.remove_all && !self.arguments.yes && !self.arguments.dry_run && self.terminal.is_interactive()
    }

    fn extras(&self, settings: &Settings, before: &str, after: &str) -> Vec<(String, String)> {
        [
            ("repository", settings.repository.shown.as_str()),
            ("remove_all", on_off(self.arguments.remove_all)),
            ("dry_run", on_off(self.arguments.dry_run)),
            ("locks_before", before),
            ("locks_after", after),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// Why these locks are not touched, with the mend.
    fn refusal(&self, locks: &[Judged]) -> Option<Worked> {
        if !self.arguments.remove_all {
            return inherited(locks);
        }
        let missing = self.consent.missing_for(locks);
        let why = match (&self.consent, missing.first()) {
            (Consent::None, _) => {
                "--remove-all takes locks away from commands that may still run, and nobody can be asked here: give --yes, \
                 or leave --remove-all out for those that are stale"
                    .to_owned()
            }
            (_, None) => return None,
            (_, Some(lock)) => format!(
                "lock {} is in use and was not among those that were shown before ({}): ask again, or give --yes",
                lock.lock.short(),
                lock.reason()
            ),
        };
        Some(Worked::with_code(exit::USAGE, why))
    }

    fn act(&self, cx: &WorkContext<'_>, restic: &Restic) -> Worked {
        let words: &[&str] = if self.arguments.remove_all { &["--remove-all"] } else { &[] };
        let outcome = run_text(&restic.spec("unlock", words), &skeleton::bounds(cx), &mut |output| match output {
            Output::Stdout(line) | Output::Stderr(line) => say::log_only(line),
            Output::Tick => {}
        });
        skeleton::say_not_started(&outcome);
        Worked::with_code(outcome.code(), outcome.reason())
    }
}

/// Restic asks whether a lock's process is there by sending it SIGHUP, which ends a run of ours, a shell, most daemons.
/// It removes all stale locks or none: there is no way to leave one out. A restic in a PID namespace of its own would
/// signal nobody, but would take the locks of every run of this host for stale.
fn inherited(locks: &[Judged]) -> Option<Worked> {
    let all: Vec<&Judged> = locks.iter().filter(|lock| matches!(lock.verdict, Verdict::Inherited(_))).collect();
    let lock = all.first()?;
    let when = all.iter().filter_map(|lock| lock.lock.stale_from()).max();
    // Restic looks at the age before it looks at the process.
    let when = when.map(|when| when.format("%H:%M:%S").to_string()).unwrap_or_default();
    let mend = match locks
        .iter()
        .find(|lock| !lock.verdict.is_stale() && !matches!(lock.verdict, Verdict::Inherited(_)))
    {
        None => format!("no lock is in use, so 'unlock --remove-all' is safe; or run unlock again after {when}"),
        Some(other) => format!(
            "run unlock again after {when}, when it is stale by its age; --remove-all would also remove lock {} ({})",
            other.lock.short(),
            other.reason()
        ),
    };
    Some(Worked::with_code(
        exit::FAILURE,
        format!(
            "no lock was removed: restic unlock would send SIGHUP to a process that has nothing to do with lock {} ({}). \
             What to do: {mend}",
            lock.lock.short(),
            lock.reason()
        ),
    ))
}

impl Work for Unlock {
    fn repository_lock(&self, _: &Settings) -> RepositoryLock {
        // It is there for when others have it.
        RepositoryLock::None
    }

    fn asks(&self, _: &Settings) -> bool {
        self.is_interactive()
    }

    fn ask(&mut self, settings: &Settings, stop: &Stop) -> Result<Asked, Cancelled> {
        // What is wrong with the settings is for the run to say.
        if !self.is_interactive() || settings.mistakes.iter().any(|mistake| mistake.stops("unlock")) {
            return Ok(Asked::Proceed);
        }
        if let Some(consent) = consent::ask(&mut *self.terminal, settings, stop)? {
            self.consent = consent;
            return Ok(Asked::Proceed);
        }
        say::warn("🛑 Unlock cancelled by operator.");
        Err(Cancelled::ByOperator { extras: self.extras_without_work(settings) })
    }

    fn target(&self, settings: &Settings, _: &BTreeMap<String, String>) -> String {
        settings.repository.shown.clone()
    }

    fn run(&mut self, cx: &mut WorkContext<'_>) -> Worked {
        let settings = cx.settings;
        let frame = Frame::open(
            "🔓",
            "unlock",
            &[
                ("RELEASE", &settings.identity.release),
                ("RESTIC_REPOSITORY", &settings.repository.shown),
                ("RESTIC_CACERT", &settings.repository.cacert_given),
                ("REMOVE_ALL", on_off(self.arguments.remove_all)),
                ("DRY_RUN", on_off(self.arguments.dry_run)),
                ("RESTIC_AUTO_UNLOCK", on_off(settings.repository.auto_unlock)),
            ],
        );
        cx.extras = self.extras_without_work(settings);
        let worked = skeleton::refuse(cx, &[]).map_or_else(|| self.unlock(cx), failed);
        frame.close();
        worked
    }

    fn details(&self, cx: &WorkContext<'_>) -> String {
        cx.settings.repository.shown.clone()
    }

    fn extras_without_work(&self, settings: &Settings) -> Vec<(String, String)> {
        self.extras(settings, UNKNOWN, UNKNOWN)
    }
}

impl Unlock {
    fn unlock(&self, cx: &mut WorkContext<'_>) -> Worked {
        let settings = cx.settings;
        let restic = Restic::locate(settings, &cx.environment);
        let before = match repository_locks(&restic, &skeleton::bounds(cx), &[]) {
            Ok(locks) => locks,
            Err(outcome) => {
                let reason = outcome.reason();
                say::error(format!("❌ The locks cannot be listed: {reason}"));
                return failed(Worked::with_code(outcome.code(), reason));
            }
        };
        let count = before.len().to_string();
        say::info(format!("🔎 Locks before: {count}"));
        let judged = table::judge(&before, settings);
        table::lines(&judged).iter().for_each(say::info);
        let stale = judged.iter().filter(|lock| lock.verdict.is_stale()).count();
        cx.stat("stale_before", stale);
        if self.arguments.dry_run {
            say::info("🧪 Dry-run mode: not invoking 'restic unlock'.");
            cx.extras = self.extras(settings, &count, &count);
            record(cx, &judged, Some(&before));
            say::info(format!("✅ Unlock dry-run completed (locks={count})"));
            return Worked::with_code(exit::SUCCESS, "");
        }
        if let Some(refused) = self.refusal(&judged) {
            cx.extras = self.extras(settings, &count, &count);
            record(cx, &judged, Some(&before));
            say::error(format!("❌ {}", refused.reason));
            return failed(refused);
        }
        if self.arguments.remove_all {
            for lock in judged.iter().filter(|lock| lock.is_alive()) {
                say::warn(format!(
                    "⚠️ Lock {} is in use and removed all the same: {}",
                    lock.lock.short(),
                    lock.reason()
                ));
            }
        }
        let mut worked = self.act(cx, &restic);
        let after = repository_locks(&restic, &skeleton::bounds(cx), &before);
        let left = after.as_ref().map_or_else(|_| UNKNOWN.to_owned(), |locks| locks.len().to_string());
        cx.extras = self.extras(settings, &count, &left);
        record(cx, &judged, after.as_deref().ok());
        if worked.code != exit::SUCCESS {
            return failed(worked);
        }
        say::info(format!("✅ Unlock successful (locks {count} → {left})"));
        match after {
            Ok(after) => say_what_is_left(&table::judge(&after, settings)),
            Err(outcome) => {
                let warning = format!("what is left cannot be listed: {}", outcome.reason());
                say::warn(format!("⚠️ {warning}"));
                worked.warnings.push(warning);
            }
        }
        worked
    }
}

fn failed(worked: Worked) -> Worked {
    say::error(format!("❌ Unlock failed with Status {}", worked.code));
    worked
}

/// What was found, and what is left of it where that is known.
fn record(cx: &mut WorkContext<'_>, before: &[Judged], after: Option<&[ResticLock]>) {
    let is_left = |lock: &Judged| after.map(|after| after.iter().any(|left| left.id == lock.lock.id));
    let rows: Vec<Value> = before.iter().map(|lock| lock.json(is_left(lock))).collect();
    if after.is_some() {
        cx.stat("locks_removed", before.iter().filter(|lock| is_left(lock) == Some(false)).count());
    }
    cx.stat("locks", rows);
}

fn say_what_is_left(locks: &[Judged]) {
    if locks.is_empty() {
        return;
    }
    say::info(format!("🔎 Locks left: {}", locks.len()));
    table::lines(locks).iter().for_each(say::info);
    for lock in locks {
        let (short, reason) = (lock.lock.short(), lock.reason());
        match &lock.verdict {
            Verdict::Alive(_) => say::info(format!(
                "ℹ️ {short} is in use ({reason}): let that end. If it is gone for certain, use --remove-all, or wait until the \
                 lock is 30 minutes old"
            )),
            Verdict::Unreadable(_) => say::warn(format!(
                "⚠️ {short} {reason}: restic leaves it. If no other lock is in use, --remove-all removes it"
            )),
            Verdict::Inherited(_) | Verdict::Stale(_) => {
                say::info(format!("ℹ️ {short} became stale meanwhile, or is new ({reason}): run unlock again"));
            }
        }
    }
}
