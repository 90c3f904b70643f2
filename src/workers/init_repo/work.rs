//! The worker itself.

use super::arguments::InitRepoArgs;
use super::look::{Found, Look, look};
use super::words::refusal;
use crate::engine::{Output, Restic, run_text};
use crate::exit;
use crate::masking::say;
use crate::process::Stop;
use crate::run::{Asked, Cancelled, RepositoryLock, Work, WorkContext, Worked};
use crate::settings::{Settings, words};
use crate::workers::confirmation::{self, Answer};
use crate::workers::restore::plan::on_off;
use crate::workers::restore::table::shown;
use crate::workers::restore::{SystemTerminal, Terminal};
use crate::workers::skeleton::{self, Frame};
use clap::{Args, FromArgMatches};
use std::collections::BTreeMap;
use std::io::{IsTerminal, stdin};

/// A new repository, from the arguments to its end.
pub struct InitRepo {
    arguments: InitRepoArgs,
    terminal: Box<dyn Terminal + Send>,
    consent: Consent,
}

/// Who wants the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Consent {
    /// Nobody could be asked.
    Missing,
    /// Nobody was asked, though somebody sits there: what was found before the pre hooks left nothing to ask.
    NotAsked,
    /// `--yes`.
    Assumed,
    /// A person typed the word.
    Typed,
}

/// Adds the flags of `init-repo` to a command.
pub fn augment(command: clap::Command) -> clap::Command {
    InitRepoArgs::augment_args(command)
}

/// Makes the work of the flags that were given.
///
/// # Errors
/// When the flags are not those of [`augment`].
pub fn make(matches: &clap::ArgMatches) -> Result<Box<dyn Work>, clap::Error> {
    Ok(Box::new(InitRepo::new(InitRepoArgs::from_arg_matches(matches)?)))
}

/// The word that says yes.
const INIT: &str = "init";

/// Said before a look, which may take its time.
const LOOKING: &str = "🔍 Looking whether the repository exists...";

/// The summary's `probe_exit_code` where nothing was looked at.
const NOT_LOOKED: i32 = -1;

impl InitRepo {
    /// A new repository with these arguments; asks at the terminal of the process.
    pub fn new(arguments: InitRepoArgs) -> Self {
        let consent = if arguments.yes { Consent::Assumed } else { Consent::Missing };
        Self { arguments, terminal: Box::new(SystemTerminal::default()), consent }
    }

    /// A person can answer where standard input is a terminal, also one who reads through a pipe.
    fn is_interactive(&self) -> bool {
        let somebody = self.terminal.is_interactive() || stdin().is_terminal();
        somebody && !self.arguments.yes && !self.arguments.dry_run
    }

    /// What follows `restic init`.
    fn words(&self, settings: &Settings) -> Vec<String> {
        settings.jobs.init.words.iter().chain(&self.arguments.words).cloned().collect()
    }

    fn extras(&self, settings: &Settings, looked: Option<&Look>) -> Vec<(String, String)> {
        let is_confirmed = matches!(self.consent, Consent::Typed)
            || self.consent == Consent::Assumed && looked.is_some_and(|look| look.found == Found::Missing);
        let code = looked.map_or(NOT_LOOKED, |look| look.code).to_string();
        [
            ("repository", settings.repository.shown.as_str()),
            ("dry_run", on_off(self.arguments.dry_run)),
            ("assume_yes", on_off(self.arguments.yes)),
            ("confirmed", on_off(is_confirmed && !self.arguments.dry_run)),
            ("repo_existed", looked.map_or("unknown", Look::existed)),
            ("probe_exit_code", &code),
            ("init_args", &self.words(settings).join(" ")),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// The plan, two lines.
    fn plan(&self, settings: &Settings) -> [String; 2] {
        let restic = Restic::locate(settings, &settings.environment);
        let spec = restic.spec("init", self.words(settings));
        let quoted: Vec<String> = spec.args.iter().map(|word| words::quote(&word.to_string_lossy())).collect();
        [
            format!("Planned command: restic {}", shown(&quoted.join(" "))),
            format!("(the repository URL comes from $RESTIC_REPOSITORY = {})", settings.repository.shown),
        ]
    }

    fn question(&self, settings: &Settings) -> String {
        let [command, whence] = self.plan(settings);
        format!(
            "{command}\n{whence}\n\n\
             ⚠️ About to create a new restic repository:\n   {}\n\
             ⚠️ It is encrypted with the password that is set now. Without that password nobody can ever read what is backed \
             up: there is no way to recover it. Keep a copy of it elsewhere before you go on.\n\n\
             Type '{INIT}' to confirm, anything else to cancel: ",
            settings.repository.shown
        )
    }
}

impl Work for InitRepo {
    fn repository_lock(&self, _: &Settings) -> RepositoryLock {
        // restic init takes none: there is nothing yet that could be locked.
        RepositoryLock::None
    }

    fn asks(&self, _: &Settings) -> bool {
        self.is_interactive()
    }

    fn ask(&mut self, settings: &Settings, stop: &Stop) -> Result<Asked, Cancelled> {
        // What is wrong with the settings is for the run to say.
        let is_wrong =
            settings.mistakes.iter().any(|mistake| mistake.stops("init-repo")) || self.refuse(settings).is_some();
        if !self.is_interactive() || is_wrong {
            return Ok(Asked::Proceed);
        }
        self.consent = Consent::NotAsked;
        let _ = self.terminal.show(&format!("{LOOKING}\n"));
        let looked = look(settings, &skeleton::bounds_of(settings, stop));
        if looked.found != Found::Missing {
            // There is nothing to ask. The pre hooks have their chance to mend what cannot be looked at.
            return Ok(Asked::Proceed);
        }
        let question = self.question(settings);
        match confirmation::ask(&mut *self.terminal, settings, stop, &question, INIT)? {
            Answer::Yes => {
                self.consent = Consent::Typed;
                Ok(Asked::Proceed)
            }
            answer => {
                let what = "the repository was not created";
                say::warn(format!("🛑 Init-repo cancelled by operator ({what})."));
                let extras = self.extras(settings, Some(&looked));
                Err(match answer {
                    Answer::Interrupted => Cancelled::ByOperator { extras },
                    _ => Cancelled::Declined { extras, reason: format!("cancelled by operator: {what}") },
                })
            }
        }
    }

    fn target(&self, settings: &Settings, _: &BTreeMap<String, String>) -> String {
        settings.repository.shown.clone()
    }

    fn run(&mut self, cx: &mut WorkContext<'_>) -> Worked {
        let settings = cx.settings;
        let title = if self.arguments.dry_run { "init-repo DRY-RUN" } else { "init-repo" };
        let frame = Frame::open(if self.arguments.dry_run { "🧪" } else { "🆕" }, title, &[]);
        self.say_settings(settings);
        cx.extras = self.extras_without_work(settings);
        let worked = match skeleton::refuse(cx, &[]).or_else(|| self.refuse_words(settings)) {
            Some(refused) => {
                result(refused.code);
                refused
            }
            None => self.look_and_create(cx),
        };
        frame.close();
        worked
    }

    fn details(&self, cx: &WorkContext<'_>) -> String {
        cx.settings.repository.shown.clone()
    }

    fn extras_without_work(&self, settings: &Settings) -> Vec<(String, String)> {
        self.extras(settings, None)
    }
}

impl InitRepo {
    fn say_settings(&self, settings: &Settings) {
        let or_none = |text: &str| if text.is_empty() { "<none>".to_owned() } else { shown(text) };
        say::info(format!("Release: {}", settings.identity.release));
        say::info(format!("Repository: {}", settings.repository.shown));
        say::info(format!("RESTIC_CACERT: {}", or_none(&settings.repository.cacert_given)));
        say::info(format!("RESTIC_INIT_ARGS: {}", or_none(&settings.jobs.init.words.join(" "))));
        if !self.arguments.words.is_empty() {
            say::info(format!("CLI passthrough: {}", shown(&self.arguments.words.join(" "))));
        }
        say::info(format!("Dry-run: {}", on_off(self.arguments.dry_run)));
        say::info(format!("Assume-yes: {}", on_off(self.arguments.yes)));
    }

    fn look_and_create(&self, cx: &mut WorkContext<'_>) -> Worked {
        let settings = cx.settings;
        say::info(LOOKING);
        let looked = look(settings, &skeleton::bounds(cx));
        looked.stderr.lines().for_each(say::log_only);
        cx.extras = self.extras(settings, Some(&looked));
        match (&looked.found, self.arguments.dry_run) {
            (Found::Unclear(why), _) => Self::unclear(cx, &looked, why),
            (Found::Exists, true) => {
                say::info("Verdict: the repository exists; a real run would REFUSE (exit 3).");
                tried(&looked)
            }
            (Found::Missing, true) => {
                self.plan(settings).iter().for_each(say::info);
                say::info("Verdict: the repository does not exist; a real run would CREATE it.");
                tried(&looked)
            }
            (Found::Exists, false) => {
                say::info("ℹ️  Init-repo skipped: repository already exists (exit 3).");
                let mut worked = Worked::with_code(exit::INCOMPLETE, "the repository exists already");
                // Nothing went wrong that a log would have to be kept of.
                worked.deferred = true;
                worked
            }
            (Found::Missing, false) => self.create(cx),
        }
    }

    fn unclear(cx: &WorkContext<'_>, looked: &Look, why: &str) -> Worked {
        say::error(format!("❌ Whether the repository exists is not known (probe exit {}): {why}", looked.code));
        let code = match cx.stop.request() {
            Some(request) => exit::of_signal(request.signal as i32),
            None => exit::USAGE,
        };
        result(code);
        Worked::with_code(code, why)
    }

    fn create(&self, cx: &WorkContext<'_>) -> Worked {
        let settings = cx.settings;
        let plan = self.plan(settings);
        match self.consent {
            // It was shown with the question.
            Consent::Typed => plan.iter().for_each(say::log_only),
            _ => plan.iter().for_each(say::info),
        }
        let refusal = match self.consent {
            Consent::Typed => None,
            Consent::Assumed => {
                say::info("(--yes: skipping the confirmation)");
                None
            }
            Consent::Missing => Some("creating a repository needs --yes where nobody can be asked (no terminal)"),
            Consent::NotAsked => Some(
                "the repository is missing, and that could not be seen before the pre hooks ran, when somebody could be asked: \
                 give --yes if it is to be created",
            ),
        };
        if let Some(refusal) = refusal {
            say::error(format!("❌ {refusal}"));
            result(exit::USAGE);
            return Worked::with_code(exit::USAGE, refusal);
        }
        let restic = Restic::locate(settings, &cx.environment);
        let spec = restic.spec("init", self.words(settings));
        let outcome = run_text(&spec, &skeleton::bounds(cx), &mut |output| match output {
            Output::Stdout(line) | Output::Stderr(line) => say::log_only(line),
            Output::Tick => {}
        });
        if outcome.is_ok() {
            return look_again(cx);
        }
        say::error(format!("❌ restic init: {}", shown(&outcome.reason())));
        result(outcome.code());
        Worked::with_code(outcome.code(), outcome.reason())
    }

    /// What is wrong with the words for `restic init`, in one line.
    fn refuse(&self, settings: &Settings) -> Option<String> {
        [("RESTIC_INIT_ARGS", &settings.jobs.init.words), ("the words behind --", &self.arguments.words)]
            .into_iter()
            .find_map(|(source, words)| refusal(words).map(|problem| format!("{source}: {problem}")))
    }

    fn refuse_words(&self, settings: &Settings) -> Option<Worked> {
        let problem = self.refuse(settings)?;
        say::error(format!("❌ {}", shown(&problem)));
        Some(Worked::with_code(exit::USAGE, problem))
    }
}

/// restic's own word that it has created a repository is not enough: success is that the repository answers.
fn look_again(cx: &WorkContext<'_>) -> Worked {
    let looked = look(cx.settings, &skeleton::bounds(cx));
    looked.stderr.lines().for_each(say::log_only);
    match looked.found {
        Found::Exists => {
            result(exit::SUCCESS);
            Worked::with_code(exit::SUCCESS, "")
        }
        Found::Missing => {
            let why = format!(
                "restic init ended with 0, but there is no repository at {}: look at its output in the log",
                cx.settings.repository.shown
            );
            say::error(format!("❌ {why}"));
            result(exit::FAILURE);
            Worked::with_code(exit::FAILURE, why)
        }
        Found::Unclear(why) => {
            let warning = format!("the new repository could not be looked at (probe exit {}): {why}", looked.code);
            say::warn(format!("⚠️ {warning}"));
            result(exit::SUCCESS);
            let mut worked = Worked::with_code(exit::SUCCESS, "");
            worked.warnings.push(warning);
            worked
        }
    }
}

fn tried(looked: &Look) -> Worked {
    say::info(format!("✅ Init-repo dry-run completed (repo_existed={}).", looked.existed()));
    Worked::with_code(exit::SUCCESS, "")
}

fn result(code: i32) {
    if code == exit::SUCCESS {
        say::info("✅ Init-repo successful: the repository is created. Keep a copy of its password elsewhere.");
    } else {
        say::error(format!("❌ Init-repo failed with Status {code}"));
    }
}
