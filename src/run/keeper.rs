//! The keeper: the process that was started. It holds the lock and what the run owes, and outlives its worker.
//!
//! One thread, no output of its own, no file on its way. Should the worker die, the keeper adopts what it left (it is
//! the subreaper), ends the running hook and the engine, and has a successor finish the run: summary, post hooks, seal.
//! Should the keeper die, the worker, which holds the lock too, goes on by itself.

use super::attend::Keeper;
use super::claims::Claims;
use super::journal::{Header, Journal, Owed, is_settled, owed};
use super::recovery::{self, Recovery};
use super::state::State;
use super::trial::Trial;
use super::{Job, Work, exported, identity, locks};
use crate::exit;
use crate::hooks::template::SecretValues;
use crate::hooks::{HooksFile, Plan};
use crate::lock::{Acquire, Holder, Place, RepositoryHold};
use crate::process::registry::Registered;
use crate::process::{self, is_ignored};
use crate::settings::{Console, Settings};
use chrono::Local;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::getpid;
use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A worker's command as it was called.
pub struct Command {
    /// Whose.
    pub job: &'static Job,
    /// Its work.
    pub work: Box<dyn Work>,
    /// All settings.
    pub settings: Settings,
    /// The names of all workers, for finding hooks.
    pub workers: Vec<&'static str>,
    /// What to do when the job's lock or the repository's is held.
    pub acquire: Acquire,
    /// The job's place among those of the same minute.
    pub place: usize,
    /// Only try the hooks: no log, no summary, no report.
    pub trial: Option<Trial>,
}

/// How long the last writes of a run may take before it is ended without them.
pub(super) const WRITE_LIMIT: Duration = Duration::from_secs(30);
/// The longest that a step of the work waits for the repository where post hooks come after it: they start again what
/// pre hooks have stopped.
const STEP_WAIT: Duration = Duration::from_secs(60);

/// Everything of a run that does not change: known to keeper, worker and successors alike.
pub(super) struct Run {
    pub job: &'static Job,
    pub settings: Settings,
    pub plan: Plan,
    pub id: String,
    pub started_at: chrono::DateTime<Local>,
    pub folder: Option<std::path::PathBuf>,
    /// Why there is no folder, if there is none.
    pub folder_error: Option<String>,
    /// Only the hooks are tried.
    pub trial: Option<Trial>,
    /// Whether webhook and mail tell of it.
    pub is_notified: bool,
    /// The lock of the repository, until the work is over.
    pub repository: Option<RepositoryHold>,
    /// What templates read by `env` and `file`.
    pub secret_values: SecretValues,
    /// What is said of files that look like hooks files and give no hooks.
    pub awaited: Vec<String>,
    /// The namespace of native hooks, for templates.
    pub namespace: String,
    /// The hooks files that have mistakes, as far as they may concern this worker.
    pub broken: Vec<HooksFile>,
    /// Who or what started the run, for its reports; hooks of a recovery are told that.
    pub trigger: String,
    /// Who undoes what.
    pub claims: Arc<Claims>,
    /// What would be owed if all died now.
    pub journal: Option<Journal>,
    /// Why there is no journal, if there is none.
    pub journal_error: Option<String>,
    /// What earlier runs of the job owe still.
    pub owed_still: Vec<String>,
    /// The run is a dead one, and this is who makes up for what it owes.
    pub recovery: Option<Recovery>,
}

impl Run {
    /// The work with its steps is over: whoever waits for the repository may have it. Undos and post hooks may use it,
    /// too.
    pub fn release_repository(&self) {
        if let Some(hold) = &self.repository {
            hold.release();
        }
    }

    /// Where hooks hand values on: a run that is recovered has had a folder of its own.
    pub fn values_folder(&self) -> Option<&PathBuf> {
        self.recovery.as_ref().map_or(self.folder.as_ref(), |recovery| recovery.values.as_ref())
    }

    /// Whether no later run of the job has left its reports: then those of this run are the last ones.
    pub fn has_the_last_word(&self) -> bool {
        self.recovery.as_ref().is_none_or(|recovery| !recovery.is_overtaken)
    }

    /// What the run owes, in words.
    pub fn owes(&self, state: &State) -> Vec<String> {
        owed(&self.plan, state, self.trial.as_ref()).iter().map(Owed::sentence).collect()
    }

    /// Takes the journal away if nothing is owed any more. Whether that is so.
    pub fn settle(&self, state: &State) -> bool {
        let is_settled = is_settled(&self.plan, state, self.trial.as_ref());
        if let (true, Some(journal)) = (is_settled, &self.journal) {
            // What it says is settled all the same.
            let _ = journal.remove();
        }
        is_settled
    }
}

/// Takes the locks, keeps the run, and returns its exit code. Called while the process has one thread.
pub fn keep(command: Command) -> i32 {
    let asked = Instant::now();
    let place = Place::of(command.settings.place_descriptor);
    let lock = match locks::of_the_job(&command) {
        Ok(lock) => lock,
        Err(code) => return code,
    };
    let mut command = command;
    if command.work.keeps_stdout() {
        command.settings.log.console = Console::Stderr;
    }
    let (stopped, owed_still) = recovery::before_a_run(&command, &lock);
    if let Some(signal) = stopped {
        lock.release();
        return exit::of_signal(signal);
    }
    let repository = match locks::of_the_repository(&command, &lock, place, asked) {
        Ok(repository) => repository,
        Err(code) => {
            lock.release();
            return code;
        }
    };
    let Command { job, mut work, mut settings, workers, trial, .. } = command;
    let id = identity::new_id(job.name);
    lock.say(&Holder::ourselves(&id));
    // From here on there is something to clear away.
    let signals = hear_signals();
    let declared = crate::hooks::load(&settings, &workers);
    declared.mask_in(&mut settings);
    let plan = crate::hooks::plan(&settings, job.name, &workers, &declared);
    let awaited = declared.awaited();
    let secret_values = declared.secrets;
    let concerns = |file: &HooksFile| file.concerns.is_empty() || file.concerns.contains(&job.name);
    let broken = declared.files.into_iter().filter(|file| !file.mistakes.is_empty() && concerns(file)).collect();
    let repository = repository.map(|mut hold| {
        hold.say(&id);
        if !plan.post.is_empty() {
            hold.limit_step_wait(STEP_WAIT);
        }
        hold
    });
    let registered = Registered::new(&settings.paths.run, &id);
    let claims = Claims::new(plan.undos.len());
    let mut run = Run {
        job,
        plan,
        id,
        started_at: Local::now(),
        folder: registered.as_ref().ok().map(|registered| registered.folder().to_owned()),
        folder_error: registered.as_ref().err().map(ToString::to_string),
        namespace: crate::hooks::namespace(&settings),
        trigger: settings.trigger.clone(),
        settings,
        trial,
        broken,
        is_notified: work.is_notified(),
        repository,
        secret_values,
        awaited,
        claims: Arc::new(Claims::none()),
        journal: None,
        journal_error: None,
        owed_still,
        recovery: None,
    };
    let target = work.target(&run.settings, &BTreeMap::new());
    match Journal::create(&run.settings.paths.state, &header(&run, target), &run.settings.secrets) {
        Ok(journal) => run.journal = Some(journal),
        Err(error) => run.journal_error = Some(error.to_string()),
    }
    let ready = claims.map(|claims| run.claims = Arc::new(claims)).and(signals);
    let code = match ready.and_then(|signals| Keeper::new(&run, signals)) {
        Ok(mut keeper) => {
            let code = keeper.watch(&run, work.as_mut(), &lock);
            // An undo that has failed may have left them frozen.
            process::apart(WRITE_LIMIT, || {
                // Before the journal goes: without that nobody would look for it.
                if let Ok(registered) = &registered {
                    registered.remove();
                }
                run.settle(&keeper.state);
            });
            code
        }
        Err(error) => {
            run.settle(&State::default());
            if let Ok(registered) = &registered {
                registered.remove();
            }
            let _ = writeln!(io::stderr(), "❌ {} not run: the keeper cannot start: {error}", job.name);
            exit::FAILURE
        }
    };
    run.release_repository();
    lock.release();
    // Nothing is held any more that others wait for: this may be the folder of another file system that hangs.
    run.journal = None;
    // Why there are no metrics, the run has said of its own.
    process::apart(WRITE_LIMIT, || {
        let _ = exported::export_debts(&run.settings, Some(run.job.name));
    });
    code
}

/// What the journal says of a run before its first step.
fn header(run: &Run, target: String) -> Header {
    Header {
        run_id: run.id.clone(),
        job: run.job.name.to_owned(),
        trigger: run.trigger.clone(),
        parent: run.settings.parent_run.clone(),
        started_at: run.started_at,
        hostname: run.settings.identity.hostname.clone(),
        target,
        namespace: run.namespace.clone(),
        trial: run.trial.clone(),
        is_notified: run.is_notified,
        pid_namespace: process::pid_namespace(),
        keeper: getpid().as_raw(),
        folder: run.folder.clone(),
        plan: run.plan.clone(),
    }
}

/// Says that a process of a run cannot start, where there is no other way to say it. Gives its exit code.
pub(super) fn cannot_start(run: &Run, error: &io::Error) -> i32 {
    let _ = writeln!(io::stderr(), "❌ {}: the worker cannot start: {error}", run.job.name);
    exit::FAILURE
}

/// Has signals wait to be read, those that come before there is a worker, too. A hang-up that we were started to ignore
/// (nohup) stays ignored.
pub(super) fn hear_signals() -> io::Result<SignalFd> {
    let mut heard = SigSet::empty();
    for signal in [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT] {
        if signal != Signal::SIGHUP || !is_ignored(signal) {
            heard.add(signal);
        }
    }
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(&heard), None)?;
    Ok(SignalFd::with_flags(&heard, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?)
}
