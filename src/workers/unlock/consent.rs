//! What somebody must want before locks are taken away from commands that run.

use super::table::{self, Judged};
use crate::engine::{Restic, repository_locks};
use crate::process::Stop;
use crate::run::Cancelled;
use crate::settings::Settings;
use crate::workers::confirmation::{self, Answer};
use crate::workers::restore::Terminal;
use crate::workers::skeleton::bounds_of;
use std::fmt::Write as _;

/// Whose locks may be taken away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Consent {
    /// Nobody has said anything.
    #[default]
    None,
    /// All: `--yes`.
    All,
    /// Those of these makers: a person was shown them. A renewed lock has another id, but the same maker.
    Shown(Vec<(String, i32)>),
}

impl Consent {
    /// The locks in use that it does not cover.
    pub fn missing_for<'l>(&self, locks: &'l [Judged]) -> Vec<&'l Judged> {
        let covers = |lock: &Judged| match self {
            Self::None => false,
            Self::All => true,
            Self::Shown(makers) => lock.maker().is_some_and(|maker| makers.contains(&maker)),
        };
        locks.iter().filter(|lock| lock.is_alive() && !covers(lock)).collect()
    }
}

/// The word that says yes.
const YES: &str = "yes";

/// Shows the locks and asks. `Ok(None)` if the person said no. Where they cannot be listed nobody is asked: a pre hook
/// may be what makes the repository reachable, and the run says why they could not be.
///
/// # Errors
/// A refusal when a signal came, or the terminal cannot be used.
pub fn ask(terminal: &mut dyn Terminal, settings: &Settings, stop: &Stop) -> Result<Option<Consent>, Cancelled> {
    // A repository that cannot be reached answers late.
    let _ = terminal.show("🔍 Looking at the locks...\n");
    let restic = Restic::locate(settings, &settings.environment);
    let Ok(locks) = repository_locks(&restic, &bounds_of(settings, stop), &[]) else {
        return Ok(Some(Consent::Shown(Vec::new())));
    };
    let judged = table::judge(&locks, settings);
    let consent = Consent::Shown(judged.iter().filter_map(Judged::maker).collect());
    if judged.is_empty() {
        return Ok(Some(consent));
    }
    match confirmation::ask(terminal, settings, stop, &question(&judged, &settings.repository.shown), YES)? {
        Answer::Yes => Ok(Some(consent)),
        Answer::No | Answer::Interrupted => Ok(None),
    }
}

fn question(locks: &[Judged], repository: &str) -> String {
    let mut text = format!("🔎 Locks of {repository}:\n");
    for line in table::lines(locks) {
        let _ = writeln!(text, "{line}");
    }
    text.push('\n');
    let alive: Vec<&Judged> = locks.iter().filter(|lock| lock.is_alive()).collect();
    if !alive.is_empty() {
        let _ = writeln!(
            text,
            "⚠️ {} in use. Whoever has one works on as if the repository were theirs:",
            how_many(alive.len())
        );
        for lock in alive {
            let _ = writeln!(text, "   {}: {}", lock.lock.short(), lock.reason());
        }
        text.push_str("   A prune beside a backup can cost data. Plain `unlock` removes the stale ones only.\n");
    }
    let _ = write!(text, "Type '{YES}' to remove all {}, anything else to cancel: ", locks.len());
    text
}

fn how_many(count: usize) -> String {
    if count == 1 { "1 of them is".to_owned() } else { format!("{count} of them are") }
}
