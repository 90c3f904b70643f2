//! Looking without touching: whether the repository answers, and which version a tool has.

use super::restic::find;
use super::{Bounds, Meaning, Outcome, Output, Restic, run_text};
use crate::process::{Spec, Stop};
use crate::settings::{Environment, Settings};
use std::path::PathBuf;
use std::time::Duration;

/// How long the repository may take to answer.
pub const PROBE_LIMIT: Duration = Duration::from_secs(30);
/// How long a tool may take to say its version.
pub const TOOL_LIMIT: Duration = Duration::from_secs(10);

/// How much is kept of what restic says on standard error, in bytes.
const KEPT: usize = 64 * 1024;

/// What the repository answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// What came of it.
    pub outcome: Outcome,
    /// What restic said on standard error, or why it could not be started; masked, empty if nothing.
    pub stderr: String,
}

impl Probe {
    fn new(mut outcome: Outcome, stderr: &str, settings: &Settings) -> Self {
        let mask = |text: &str| settings.secrets.mask(text.trim_end()).into_owned();
        let stderr = mask(if outcome.meaning == Meaning::NotStarted { &outcome.message } else { stderr });
        outcome.message = mask(&outcome.message);
        Self { outcome, stderr }
    }
}

/// Why a tool has not said its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoVersion {
    /// It ended with this code, or could not be started (126, 127).
    Failed(i32),
    /// It did not answer within [`TOOL_LIMIT`].
    Silent,
}

/// Asks for the repository's configuration, without a lock and without a cache: nothing is written anywhere.
pub fn probe(settings: &Settings, limit: Duration) -> Probe {
    match Stop::new() {
        Ok(stop) => probe_until(settings, &Bounds::within(limit, &stop)),
        Err(error) => Probe::new(Outcome::not_started(&spec(settings).program, &error), "", settings),
    }
}

fn spec(settings: &Settings) -> Spec {
    Restic::locate(settings, &settings.environment).spec("cat", ["config", "--no-lock", "--no-cache"])
}

/// As [`probe`], for a caller who may be asked to stop meanwhile.
pub fn probe_until(settings: &Settings, bounds: &Bounds<'_>) -> Probe {
    let mut stderr = String::new();
    let outcome = run_text(&spec(settings), bounds, &mut |output| {
        // A line that does not fit is left out as a whole: half a secret would not be recognised.
        if let Output::Stderr(line) = output
            && stderr.len() + line.len() < KEPT
        {
            stderr.push_str(line);
            stderr.push('\n');
        }
    });
    Probe::new(outcome, &stderr, settings)
}

/// The first line that a tool prints to standard output for these arguments: its version, as a rule.
///
/// # Errors
/// When it fails, or does not answer in time.
pub fn tool_version(program: &str, args: &[&str], environment: &Environment) -> Result<String, NoVersion> {
    version_within(TOOL_LIMIT, program, args, environment)
}

fn version_within(
    limit: Duration,
    program: &str,
    args: &[&str],
    environment: &Environment,
) -> Result<String, NoVersion> {
    let stop = Stop::new().map_err(|_| NoVersion::Failed(crate::exit::CANNOT_EXECUTE))?;
    let bounds = Bounds::within(limit, &stop);
    let spec = Spec {
        program: find(program, environment).unwrap_or_else(|| PathBuf::from(program)),
        args: args.iter().map(Into::into).collect(),
        environment: environment.clone(),
        directory: None,
        dies_with_us: None,
    };
    let mut first = None;
    let outcome = run_text(&spec, &bounds, &mut |output| {
        if let Output::Stdout(line) = output
            && !line.trim().is_empty()
        {
            first.get_or_insert_with(|| line.trim().to_owned());
        }
    });
    match outcome.meaning {
        Meaning::Ok => Ok(first.unwrap_or_default()),
        Meaning::TimedOut => Err(NoVersion::Silent),
        _ => Err(NoVersion::Failed(outcome.code())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::{Scene, script};
    use super::*;

    #[test]
    fn a_repository_that_answers_is_ok_and_left_without_a_lock() {
        let scene = Scene::with_repository();
        let probe = probe(&scene.settings, PROBE_LIMIT);
        assert_eq!((probe.outcome.meaning, probe.stderr.as_str()), (Meaning::Ok, ""));
        assert_eq!(scene.locks(), 0);
    }

    #[test]
    fn a_missing_repository_is_told_with_restics_words() {
        let scene = Scene::new();
        let probe = probe(&scene.settings, PROBE_LIMIT);
        assert_eq!(probe.outcome.meaning, Meaning::NoRepository);
        assert!(probe.stderr.contains("Is there a repository at the following location?"), "{}", probe.stderr);
    }

    #[test]
    fn nothing_is_written_and_no_secret_is_told() {
        let mut scene = Scene::new();
        scene.set("PASSED_ON", "battery staple");
        scene.replace_restic("echo \"$*\" >&2; echo \"Fatal: $PASSED_ON\" >&2; exit 1");
        let probe = probe(&scene.settings, PROBE_LIMIT);
        assert_eq!(probe.stderr, "cat config --no-lock --no-cache\nFatal: ***");
        assert_eq!(probe.outcome.reason(), "restic ended with status 1: ***");
    }

    #[test]
    fn a_restic_that_cannot_be_started_is_said() {
        let mut scene = Scene::new();
        scene.set("PATH", "/nowhere");
        let probe = probe(&scene.settings, PROBE_LIMIT);
        assert_eq!((probe.outcome.code(), probe.stderr.as_str()), (127, "restic not found in PATH"));
    }

    #[test]
    fn a_repository_that_never_answers_is_given_up() {
        let scene = Scene::new();
        scene.replace_restic("exec sleep 60");
        let probe = probe(&scene.settings, Duration::from_millis(200));
        assert_eq!(probe.outcome.meaning, Meaning::TimedOut);
    }

    #[test]
    fn a_tool_says_its_version_or_why_not() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let environment = Environment::from_iter([("PATH", format!("{}:/usr/bin:/bin", folder.path().display()))]);
        script(&folder.path().join("tool"), "echo a warning >&2; echo; echo \"tool $1 1.2\"; echo more");
        script(&folder.path().join("sick"), "echo broken; exit 3");
        script(&folder.path().join("mute"), "echo half; exec sleep 60");
        assert_eq!(tool_version("tool", &["version"], &environment), Ok("tool version 1.2".into()));
        assert_eq!(tool_version("sick", &[], &environment), Err(NoVersion::Failed(3)));
        assert_eq!(tool_version("no-such-tool", &[], &environment), Err(NoVersion::Failed(127)));
        let short = Duration::from_millis(200);
        assert_eq!(version_within(short, "mute", &[], &environment), Err(NoVersion::Silent));
    }
}
