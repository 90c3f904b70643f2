//! The plan of a run: which hooks it has, in which order, and by which rules. Made once, at the start of the run.

use super::action::REQUEST_LIMIT;
use super::model::{Executor, ExecutorKind, Http, Port, Tcp};
use super::names::stem;
use super::near::nearest;
use super::{
    Action, Context, Declarations, Declared, Directory, Discovery, Finding, HooksFile, OnError, Owner, Phase, Policy,
    Script, Text, Undo, discover,
};
use crate::settings::Settings;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

/// One hook of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hook {
    /// `pre-backup.10-dump`, `freeze-db`, `undo-freeze-db`.
    pub name: String,
    /// Before the work, after it, or between them to take an effect back.
    pub phase: Phase,
    /// Where it comes from: the path of a script, `hooks.yaml:12` with the folder, and the document it stands in.
    pub source: String,
    /// What it does.
    pub action: Action,
    /// What its failure costs.
    pub on_error: OnError,
    /// A failure skips the later hooks of the phase.
    pub stop_phase_on_error: bool,
    /// When a post hook runs.
    pub policy: Policy,
    /// Further attempts.
    pub retries: u32,
    /// Before the second attempt; doubles.
    pub retry_delay: Duration,
    /// The limit of each attempt; `None` is no limit.
    pub timeout: Option<Duration>,
    /// From SIGTERM to SIGKILL at its limit.
    pub kill_after: Duration,
    /// Exit codes of a pre hook that call the run off.
    pub skip_on: Vec<i32>,
    /// Of an undo: the place of its hook among the pre hooks.
    pub undo_of: Option<usize>,
    /// How long the effect of a pre hook with an undo may last.
    pub hold_limit: Option<Duration>,
    /// What templates see.
    pub context: Option<Context>,
    /// Where it would run in the system that it was written for.
    pub executor: Option<Executor>,
    /// The container there.
    pub container_name: Option<String>,
    /// Why it cannot run, if so: it counts as a failed hook, 126.
    pub problem: Option<Finding>,
    /// The problem is the missing execute bit alone.
    pub not_executable: bool,
    /// It stands for a whole hooks file with a mistake in it.
    pub is_broken_file: bool,
    /// What is doubtful about it.
    pub warnings: Vec<Finding>,
}

impl Hook {
    /// What reports say of what it does: a key of the native form, or `file` for a hooks file with a mistake in it.
    pub fn action_word(&self) -> &'static str {
        if self.is_broken_file { "file" } else { self.action.word() }
    }
}

/// All hooks of a run. Written down it is without what was found beside them: that is empty when it is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Before the work, in running order.
    pub pre: Vec<Hook>,
    /// What takes the pre hooks' effects back, in running order: the last pre hook's first.
    pub undos: Vec<Hook>,
    /// After the work, in running order.
    pub post: Vec<Hook>,
    /// The worker's own hooks that are not there: their names and where they would lie.
    #[serde(with = "absent")]
    pub absent: Vec<(Phase, String, PathBuf)>,
    /// Everything that was found, for whoever reports on it.
    #[serde(skip)]
    pub discovery: Discovery,
}

impl Plan {
    /// The hooks of a phase.
    pub fn phase(&self, phase: Phase) -> &[Hook] {
        match phase {
            Phase::Pre => &self.pre,
            Phase::Undo => &self.undos,
            Phase::Post => &self.post,
        }
    }

    /// All hooks, in running order.
    pub fn all(&self) -> impl Iterator<Item = &Hook> {
        self.pre.iter().chain(&self.undos).chain(&self.post)
    }
}

/// [`Plan::absent`] in writing.
mod absent {
    use crate::hooks::{Phase, path_of_any_bytes};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::path::PathBuf;

    #[derive(Serialize, Deserialize)]
    struct Absent(Phase, String, #[serde(with = "path_of_any_bytes")] PathBuf);

    pub fn serialize<S: Serializer>(absent: &[(Phase, String, PathBuf)], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(absent.iter().cloned().map(|(phase, name, path)| Absent(phase, name, path)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<(Phase, String, PathBuf)>, D::Error> {
        let absent: Vec<Absent> = Vec::deserialize(from)?;
        Ok(absent.into_iter().map(|Absent(phase, name, path)| (phase, name, path)).collect())
    }
}

/// The limit of undos that have none of their own.
const UNDO_LIMIT: Duration = Duration::from_secs(5 * 60);
/// How often a failed undo is tried again.
const UNDO_RETRIES: u32 = 2;
/// Before the second attempt of an undo: its effect is still there meanwhile.
const UNDO_RETRY_DELAY: Duration = Duration::from_secs(1);
/// Before the second attempt of a hook that says nothing else.
const RETRY_DELAY: Duration = Duration::from_secs(5);

/// Plans the hooks of `worker`. `workers` are the names of all workers, for telling hooks from other files.
pub fn plan(settings: &Settings, worker: &str, workers: &[&'static str], declared: &Declarations) -> Plan {
    let path = settings.environment.text_or_empty("PATH");
    let discovery = discover(&settings.paths.hooks, workers, settings.hooks.strict, &path);
    let own = workers.iter().find(|known| **known == worker).map_or(Owner::All, |known| Owner::Worker(known));
    let planner = Planner { settings, declared, discovery: &discovery };
    // Hooks of every worker enclose the worker's own.
    let mut pre = planner.group(Phase::Pre, Owner::All, None);
    pre.extend(planner.group(Phase::Pre, own, Some(worker)));
    let mut post = planner.group(Phase::Post, own, None);
    post.extend(planner.group(Phase::Post, Owner::All, None));
    let mut names = Names::default();
    names.take(&mut pre);
    names.take(&mut post);
    let mut undos: Vec<Hook> = pre.iter().enumerate().filter_map(|(place, one)| planner.undo(place, one)).collect();
    undos.reverse();
    for undo in &mut undos {
        undo.name = names.unique(&undo.name);
    }
    let is_there = |name: &str| discovery.scripts.iter().any(|script| script.name == name);
    let absent = [Phase::Pre, Phase::Post]
        .into_iter()
        .map(|phase| (phase, stem(phase, own)))
        .filter(|(_, name)| discovery.directory != Directory::Present || !is_there(name))
        .map(|(phase, name)| {
            let path = settings.paths.hooks.join(format!("{name}.sh"));
            (phase, name, path)
        })
        .collect();
    let hooks = |planned: Vec<Planned>| planned.into_iter().map(|one| one.hook).collect();
    Plan { pre: hooks(pre), undos, post: hooks(post), absent, discovery }
}

/// A hook on its way into the plan.
struct Planned {
    hook: Hook,
    undo: Option<Undo>,
    /// What its undo is declared by.
    declared: Option<Declared>,
}

impl Planned {
    fn plain(hook: Hook) -> Self {
        Self { hook, undo: None, declared: None }
    }
}

struct Planner<'a> {
    settings: &'a Settings,
    declared: &'a Declarations,
    discovery: &'a Discovery,
}

impl Planner<'_> {
    /// The hooks of one owner and phase: its scripts, each with its settings; settings whose script is not there; what
    /// files declare, in their order. A file with mistakes stands in its own place, where `broken_for` names the worker.
    fn group(&self, phase: Phase, owner: Owner, broken_for: Option<&str>) -> Vec<Planned> {
        let is_ours = |hook: &&Declared| hook.phase == phase && hook.owner == owner;
        let mut entries: Vec<&Declared> =
            self.declared.hooks().filter(is_ours).filter(|hook| hook.script.is_some()).collect();
        let mut hooks = Vec::new();
        for script in self.discovery.scripts.iter().filter(|one| one.phase == phase && one.owner == owner) {
            let file = script.path.file_name().unwrap_or_default();
            let of_it = |entry: &&Declared| entry.script.as_deref().is_some_and(|name| file == name);
            let hook = of_script(script, self.settings);
            match entries.iter().position(of_it) {
                Some(at) => hooks.push(with_settings(hook, entries.remove(at), self.settings)),
                None => hooks.push(Planned::plain(hook)),
            }
        }
        hooks.extend(entries.into_iter().map(|entry| self.without_script(entry)));
        for file in &self.declared.files {
            let concerns = |worker: &str| file.concerns.is_empty() || file.concerns.contains(&worker);
            if !file.mistakes.is_empty() {
                let here = broken_for.is_some_and(concerns);
                hooks.extend(here.then(|| Planned::plain(of_broken(file, self.settings))));
                continue;
            }
            for hook in file.hooks.iter().filter(is_ours).filter(|hook| hook.script.is_none()) {
                if let Some(action) = &hook.action {
                    let planned = of_declared(hook, action.clone(), self.settings);
                    hooks.push(Planned { hook: planned, undo: hook.undo.clone(), declared: Some(hook.clone()) });
                }
            }
        }
        hooks
    }

    /// Settings for a script that is not there, or that has settings already: a hook that cannot run.
    fn without_script(&self, entry: &Declared) -> Planned {
        let file = entry.script.clone().unwrap_or_default();
        let folder = &self.settings.paths.hooks;
        let scripts = || self.discovery.scripts.iter().filter_map(|script| script.path.file_name()?.to_str());
        let finding = if scripts().any(|name| name == file) {
            Finding {
                what: format!("is a second entry for '{file}', or stands in a phase that is not the script's own"),
                mend: "keep one entry, in the phase that the script's name says".to_owned(),
            }
        } else {
            let others = self.discovery.strangers.iter().map(|stranger| stranger.file.as_str());
            let what = format!("gives settings to '{file}', which is not in {}", folder.display());
            let mend = match nearest(&file, scripts().chain(others)) {
                Some(near) => format!("did you mean '{near}'? Else put the script there, or take the entry out"),
                None => "put the script there, or take the entry out".to_owned(),
            };
            Finding { what, mend }
        };
        let mut hook = of_declared(entry, Action::Script(folder.join(&file)), self.settings);
        hook.name = entry.name.clone().unwrap_or_else(|| file.strip_suffix(".sh").unwrap_or(&file).to_owned());
        hook.problem = Some(finding);
        Planned { hook, undo: entry.undo.clone(), declared: Some(entry.clone()) }
    }

    /// What takes the effect of the pre hook at `place` back, if it has an undo.
    fn undo(&self, place: usize, of: &Planned) -> Option<Hook> {
        let (undo, declared) = (of.undo.as_ref()?, of.declared.as_ref()?);
        Some(Hook {
            name: format!("undo-{}", of.hook.name),
            phase: Phase::Undo,
            action: undo.action.clone(),
            on_error: OnError::Continue,
            stop_phase_on_error: false,
            policy: Policy::Always,
            retries: UNDO_RETRIES,
            retry_delay: UNDO_RETRY_DELAY,
            // It runs while everything waits for it: never without a limit.
            timeout: undo.timeout.filter(|limit| !limit.is_zero()).or(Some(UNDO_LIMIT)),
            skip_on: Vec::new(),
            undo_of: Some(place),
            hold_limit: None,
            problem: elsewhere(declared, &undo.action, self.settings),
            not_executable: false,
            is_broken_file: false,
            warnings: Vec::new(),
            ..of.hook.clone()
        })
    }
}

/// The names that are taken, so that each hook of a plan has its own.
#[derive(Default)]
struct Names {
    taken: BTreeSet<String>,
    /// From which number on a name may be free.
    numbers: BTreeMap<String, u32>,
}

impl Names {
    fn take(&mut self, hooks: &mut [Planned]) {
        for one in hooks {
            one.hook.name = self.unique(&one.hook.name);
        }
    }

    /// `name`, or `name-2`, `name-3` where that is taken.
    fn unique(&mut self, name: &str) -> String {
        let mut unique = name.to_owned();
        let number = self.numbers.entry(name.to_owned()).or_insert(2);
        while !self.taken.insert(unique.clone()) {
            unique = format!("{name}-{number}");
            *number += 1;
        }
        unique
    }
}

fn of_script(script: &Script, settings: &Settings) -> Hook {
    let defaults = &settings.hooks;
    Hook {
        name: script.name.clone(),
        phase: script.phase,
        source: script.path.display().to_string(),
        action: Action::Script(script.path.clone()),
        on_error: if defaults.fail_on_error { OnError::Fail } else { OnError::Continue },
        stop_phase_on_error: false,
        policy: Policy::Always,
        retries: 0,
        retry_delay: RETRY_DELAY,
        timeout: defaults.timeout,
        kill_after: defaults.kill_after,
        skip_on: if script.phase == Phase::Pre { defaults.skip_on.clone() } else { Vec::new() },
        undo_of: None,
        hold_limit: None,
        context: None,
        executor: None,
        container_name: None,
        problem: script.problem.clone(),
        not_executable: script.not_executable,
        is_broken_file: false,
        warnings: script.warnings.clone(),
    }
}

/// A script with the settings that a file gives to it: what they do not say is as for any script.
fn with_settings(script: Hook, entry: &Declared, settings: &Settings) -> Planned {
    let from = of_declared(entry, script.action.clone(), settings);
    let hook = Hook {
        name: entry.name.clone().unwrap_or_else(|| script.name.clone()),
        on_error: entry.on_error.unwrap_or(script.on_error),
        skip_on: entry.skip_on.clone().unwrap_or_else(|| script.skip_on.clone()),
        warnings: script.warnings.iter().chain(&entry.warnings).cloned().collect(),
        problem: script.problem,
        source: script.source,
        not_executable: script.not_executable,
        is_broken_file: false,
        ..from
    };
    Planned { hook, undo: entry.undo.clone(), declared: Some(entry.clone()) }
}

fn of_declared(hook: &Declared, action: Action, settings: &Settings) -> Hook {
    let document = &hook.origin.document;
    let of = if document.is_empty() { String::new() } else { format!(" ({document})") };
    let source = format!("{}:{}{of}", hook.origin.file.display(), hook.origin.at.line);
    let own = (!action.is_process()).then_some(REQUEST_LIMIT);
    let problem = elsewhere(hook, &action, settings);
    Hook {
        name: hook.name.clone().unwrap_or_else(|| format!("{}.{}", stem(hook.phase, hook.owner), action.word())),
        phase: hook.phase,
        source,
        action: carried_out_here(action),
        on_error: hook.on_error.unwrap_or(OnError::Continue),
        stop_phase_on_error: hook.stop_phase_on_error,
        policy: hook.policy,
        retries: hook.retries,
        retry_delay: hook.retry_delay.unwrap_or(RETRY_DELAY),
        // An explicit 0 is the kind's own limit: none for processes, and never none for what depends on others.
        timeout: hook.timeout.or(settings.hooks.timeout).filter(|limit| !limit.is_zero()).or(own),
        kill_after: settings.hooks.kill_after,
        skip_on: hook.skip_on.clone().unwrap_or_default(),
        undo_of: None,
        hold_limit: hook.hold_limit,
        context: hook.context.clone(),
        executor: hook.executor.clone(),
        container_name: hook.container_name.clone(),
        problem,
        not_executable: false,
        is_broken_file: false,
        warnings: hook.warnings.clone(),
    }
}

/// The action as it is carried out here: the host that another system takes for the pod's own is this container.
fn carried_out_here(action: Action) -> Action {
    let own = |host: Text| if host.source().is_empty() { Text::plain("127.0.0.1") } else { host };
    match action {
        Action::HttpGet(http) => Action::HttpGet(Http { host: own(http.host), ..http }),
        Action::HttpPost(http) => Action::HttpPost(Http { host: own(http.host), ..http }),
        Action::TcpSocket(tcp) => Action::TcpSocket(Tcp { host: own(tcp.host), ..tcp }),
        other => other,
    }
}

/// Why an action that belongs into another container is not carried out here, if so.
fn elsewhere(hook: &Declared, action: &Action, settings: &Settings) -> Option<Finding> {
    let executor = hook.executor.as_ref().filter(|executor| executor.kind != ExecutorKind::Operator);
    let (host, port) = match action {
        Action::Script(_) => return None,
        Action::Exec(exec) => {
            if let Some(container) = &exec.container {
                let what = format!("runs in the container '{container}', which cannot be reached from this one");
                return Some(Finding { what, mend: "leave 'container' out to run it in this container".to_owned() });
            }
            (None, None)
        }
        Action::HttpGet(http) | Action::HttpPost(http) => (Some(&http.host), http.port.as_ref()),
        Action::TcpSocket(tcp) => (Some(&tcp.host), Some(&tcp.port)),
    };
    if let Some(Port::Name(name)) = port {
        let what = format!("asks the port '{name}' of a container, whose number is not known here");
        return Some(Finding { what, mend: "write the port's number".to_owned() });
    }
    // A host that is given is asked from here; without one it is the pod's own address.
    if host.is_some_and(|host| !host.source().is_empty()) {
        return None;
    }
    let executor = executor?;
    if host.is_some() {
        return (!settings.hooks.foreign_exec_here).then(|| Finding {
            what: format!("asks {}, whose address is not known here", place_of(executor, hook)),
            mend: "write its host, or set HOOKS_FOREIGN_EXEC=here to ask this container".to_owned(),
        });
    }
    (!settings.hooks.foreign_exec_here).then(|| Finding {
        what: format!("runs in {}, which cannot be reached from here", place_of(executor, hook)),
        mend: "set HOOKS_FOREIGN_EXEC=here to run it in this container".to_owned(),
    })
}

/// `the container 'db' of one of the pods app=wiki of Deployment/wiki in the namespace apps`.
fn place_of(executor: &Executor, hook: &Declared) -> String {
    let mut place = match &executor.function {
        Some(function) => format!("the function '{function}'"),
        None if executor.kind == ExecutorKind::Function => "a function".to_owned(),
        None => {
            let container = hook.container_name.as_ref().map(|name| format!("the container '{name}' of "));
            let pods =
                if executor.strategy.as_deref() == Some("ExecuteOnOne") { "one of the pods" } else { "the pods" };
            let labels = executor.selector.as_ref().map(|labels| format!(" {labels}"));
            format!("{}{pods}{}", container.unwrap_or_default(), labels.unwrap_or_default())
        }
    };
    if let Some(owner) = &executor.owner {
        _ = write!(place, " of {owner}");
    }
    match executor.namespaces.as_slice() {
        [] => {}
        [one] => _ = write!(place, " in the namespace {one}"),
        several => _ = write!(place, " in the namespaces {}", several.join(", ")),
    }
    place
}

/// A file with mistakes counts as one pre hook that cannot run.
fn of_broken(file: &HooksFile, settings: &Settings) -> Hook {
    let name = file.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (what, mend) = file.mistakes.first().map_or_else(Default::default, |mistake| {
        let more = match file.mistakes.len() - 1 {
            0 => String::new(),
            count => format!(" (and {count} more)"),
        };
        (format!("has a mistake in line {}: {}{more}", mistake.at.line, mistake.what), mistake.mend.clone())
    });
    let fails = settings.hooks.fail_on_error || file.means_fail;
    Hook {
        name,
        phase: Phase::Pre,
        source: file.path.display().to_string(),
        action: Action::Script(file.path.clone()),
        on_error: if fails { OnError::Fail } else { OnError::Continue },
        stop_phase_on_error: false,
        policy: Policy::Always,
        retries: 0,
        retry_delay: RETRY_DELAY,
        timeout: None,
        kill_after: settings.hooks.kill_after,
        skip_on: Vec::new(),
        undo_of: None,
        hold_limit: None,
        context: None,
        executor: None,
        container_name: None,
        problem: Some(Finding { what, mend }),
        not_executable: false,
        is_broken_file: true,
        warnings: Vec::new(),
    }
}
