//! The look at the repository before the first schedule, and its making where there is none (contract: workers,
//! section 4.2).

use crate::engine::{Bounds, Meaning, Output, Probe, Restic, probe_until, run_text};
use crate::exit;
use crate::process::{Request, Stop};
use crate::settings::Settings;
use std::time::Duration;

/// How long the repository may take to answer: rclone and object stores may be slow to begin, and the container has
/// nothing else to do yet.
const PROBE_LIMIT: Duration = Duration::from_secs(120);
/// How long its making may take.
const INIT_LIMIT: Duration = Duration::from_secs(300);
/// How long restic may take to end when the container is stopped meanwhile.
const GRACE: Duration = Duration::from_secs(2);

/// Sees to it that there is a repository.
///
/// # Errors
/// The exit code of the container.
pub(super) fn look(settings: &Settings, stop: &Stop, say: &mut dyn FnMut(&str)) -> Result<(), i32> {
    let repository = &settings.repository;
    let shown = &repository.shown;
    if !repository.check_status {
        say(&format!("✅ Assuming repository '{shown}' is online..."));
        return Ok(());
    }
    say("🔍 Checking repository status...");
    let answer = ask(settings, stop);
    let code = answer.outcome.code();
    say(&format!("ℹ️ Repository probe status: {code}"));
    match answer.outcome.meaning {
        Meaning::Ok => attached(shown, say),
        Meaning::NoRepository => {
            say(&format!("🆕 Restic repository '{shown}' does not exist (probe exit {code}). Running restic init."));
            return make(settings, stop, say);
        }
        meaning => {
            let what = what(meaning);
            say(&format!("❌ Repository probe failed for '{shown}' with exit code {code}; {what}."));
            if !answer.stderr.is_empty() {
                say("ℹ️ Restic stderr from probe:");
                answer.stderr.lines().for_each(&mut *say);
            }
            say(&format!("ℹ️ {}", hint(meaning)));
            return Err(exit::FAILURE);
        }
    }
    Ok(())
}

fn attached(shown: &str, say: &mut dyn FnMut(&str)) {
    say(&format!("✅ Restic repository '{shown}' attached and accessible."));
}

fn bounds(stop: &Stop, limit: Duration) -> Bounds<'_> {
    Bounds { stop, budget: GRACE, grace: |budget: Duration, _: &Request| budget, limit: Some(limit) }
}

fn ask(settings: &Settings, stop: &Stop) -> Probe {
    probe_until(settings, &bounds(stop, PROBE_LIMIT))
}

/// Makes the repository. Where that fails, another container may have made it at the same moment: it is looked at once
/// more. No lock is taken away: it would be that other container's.
fn make(settings: &Settings, stop: &Stop, say: &mut dyn FnMut(&str)) -> Result<(), i32> {
    let shown = &settings.repository.shown;
    let spec = Restic::locate(settings, &settings.environment).spec("init", [""; 0]);
    let made = run_text(&spec, &bounds(stop, INIT_LIMIT), &mut |output| match output {
        Output::Stdout(line) | Output::Stderr(line) => say(line),
        Output::Tick => {}
    });
    say(&format!("ℹ️ Repository initialization status: {}", made.code()));
    if made.is_ok() {
        return Ok(());
    }
    if stop.request().is_none() && ask(settings, stop).outcome.is_ok() {
        say("ℹ️ The repository is there now: another container has made it meanwhile.");
        attached(shown, say);
        return Ok(());
    }
    if made.meaning == Meaning::NotStarted {
        say(&made.message);
    }
    say(&format!("❌ Failed to initialize the repository: '{shown}'"));
    Err(exit::FAILURE)
}

fn what(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::WrongPassword => "the password is wrong",
        Meaning::Locked => "it is locked by another program",
        Meaning::TimedOut => "it gave no answer in time",
        Meaning::NotStarted => "restic could not be started",
        Meaning::Interrupted => "restic was interrupted",
        _ => "it cannot be opened",
    }
}

fn hint(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::WrongPassword => "Correct RESTIC_PASSWORD_FILE, RESTIC_PASSWORD or RESTIC_PASSWORD_COMMAND.",
        Meaning::Locked => "Wait until that has ended, or run unlock if it was killed.",
        Meaning::NotStarted => "Install restic where PATH leads to it.",
        _ => {
            "Check address, credentials and network of the repository; RESTIC_CHECK_REPOSITORY_STATUS=OFF starts without \
             this look."
        }
    }
}
