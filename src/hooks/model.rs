//! What a hook is, wherever it was written: one model behind the native file and the definitions of other systems.

use super::document::At;
use super::template::Template;
use super::{Finding, Owner, Phase, path_of_any_bytes};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// What a failure of the hook costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnError {
    /// It is recorded, and the run goes on.
    Continue,
    /// The run fails; said of a pre hook, the work is not done.
    Fail,
}

impl OnError {
    /// As the native file writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Continue => "Continue",
            Self::Fail => "Fail",
        }
    }
}

/// Whether a post hook runs, by how the run stands when its turn comes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Policy {
    /// In any case.
    #[default]
    Always,
    /// For `success` and `warning`.
    OnSuccess,
    /// For `failure` and `interrupted`.
    OnFailure,
    /// As `OnFailure`, but only where no attempt of the run is left.
    OnFinalRetryFailure,
}

impl Policy {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::Always, Self::OnSuccess, Self::OnFailure, Self::OnFinalRetryFailure];

    /// As the native file writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::OnSuccess => "OnSuccess",
            Self::OnFailure => "OnFailure",
            Self::OnFinalRetryFailure => "OnFinalRetryFailure",
        }
    }
}

/// A text of a definition: as it stands, or a template that is rendered when the hook's turn comes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Text {
    /// As it stands.
    Plain(String),
    /// Rendered over the summary of the run.
    Template(Template),
}

impl Text {
    /// A text without a template in it.
    pub fn plain(text: impl Into<String>) -> Self {
        Self::Plain(text.into())
    }

    /// As it was written.
    pub fn source(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Template(template) => template.source(),
        }
    }

    /// The template, if it is one.
    pub fn template(&self) -> Option<&Template> {
        match self {
            Self::Plain(_) => None,
            Self::Template(template) => Some(template),
        }
    }
}

/// What a hook does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Action {
    /// Runs this file.
    Script(#[serde(with = "path_of_any_bytes")] PathBuf),
    /// Runs a command.
    Exec(Exec),
    /// Asks by HTTP.
    HttpGet(Http),
    /// Tells by HTTP.
    HttpPost(Http),
    /// Connects by TCP.
    TcpSocket(Tcp),
}

impl Action {
    /// What `hooks[].action` says, and the key of the native file.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Script(_) => "script",
            Self::Exec(_) => "exec",
            Self::HttpGet(_) => "httpGet",
            Self::HttpPost(_) => "httpPost",
            Self::TcpSocket(_) => "tcpSocket",
        }
    }

    /// Whether it has a supervisor process; the others are requests, which run in a thread.
    pub fn is_process(&self) -> bool {
        matches!(self, Self::Script(_) | Self::Exec(_))
    }

    /// Every text of it, with the path of the field that holds it (`exec.command[2]`, `httpPost.body`).
    pub fn texts(&self) -> Vec<(String, &Text)> {
        let mut texts = Vec::new();
        match self {
            Self::Script(_) => {}
            Self::Exec(exec) => {
                texts.extend(exec.command.iter().enumerate().map(|(at, text)| (format!("exec.command[{at}]"), text)));
                texts.extend(exec.user.iter().map(|text| ("exec.user".to_owned(), text)));
                texts.extend(exec.working_dir.iter().map(|text| ("exec.workingDir".to_owned(), text)));
                texts.extend(exec.env.iter().map(|(name, text)| (format!("exec.env[{name}]"), text)));
            }
            Self::HttpGet(http) | Self::HttpPost(http) => {
                let word = self.word();
                texts.push((format!("{word}.host"), &http.host));
                texts.push((format!("{word}.path"), &http.path));
                for (at, (name, value)) in http.headers.iter().enumerate() {
                    texts.push((format!("{word}.httpHeaders[{at}].name"), name));
                    texts.push((format!("{word}.httpHeaders[{at}].value"), value));
                }
                texts.extend(http.body.iter().map(|text| (format!("{word}.body"), text)));
                for (at, (key, values)) in http.form.iter().enumerate() {
                    texts.push((format!("{word}.form[{at}].key"), key));
                    let values = values.iter().enumerate();
                    texts.extend(values.map(|(of, text)| (format!("{word}.form[{at}].values[{of}]"), text)));
                }
            }
            Self::TcpSocket(tcp) => texts.push(("tcpSocket.host".to_owned(), &tcp.host)),
        }
        texts
    }
}

/// A command.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Exec {
    /// Program and arguments, no shell; with [`Exec::shell`] one text, which is that shell's program.
    pub command: Vec<Text>,
    /// The shell that the command is handed to as `SHELL -c COMMAND`.
    pub shell: Option<String>,
    /// Another container, by name: the native form's own field.
    pub container: Option<String>,
    /// The user, by name or number, `user:group`.
    pub user: Option<Text>,
    /// The working directory, `/` if `None`.
    pub working_dir: Option<Text>,
    /// Added to the environment.
    pub env: Vec<(String, Text)>,
}

/// A request by HTTP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Http {
    /// How.
    pub scheme: Scheme,
    /// Where: a name, or an address without brackets. `localhost` if the native form says nothing.
    pub host: Text,
    /// Which port; the scheme's own if `None`.
    pub port: Option<Port>,
    /// Path and query; `/` if it is empty.
    pub path: Text,
    /// Sent as they are set; a name may stand twice.
    pub headers: Vec<(Text, Text)>,
    /// What is posted.
    pub body: Option<Text>,
    /// What is posted as `application/x-www-form-urlencoded`: keys with their values, in the order given.
    pub form: Vec<(Text, Vec<Text>)>,
    /// Whether the certificate is verified.
    pub tls: Tls,
}

/// The scheme of an address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scheme {
    /// Without TLS.
    #[default]
    Http,
    /// With TLS.
    Https,
}

/// Whether a certificate is verified.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tls {
    /// It is.
    #[default]
    Verify,
    /// It is not (`insecureSkipTLSVerify`); `doctor` warns.
    SkipVerify,
}

/// A port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Port {
    /// Its number.
    Number(u16),
    /// The name of a container's port, which only the other system can look up: the hook cannot run here.
    Name(String),
}

/// A connection by TCP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tcp {
    /// As [`Http::host`].
    pub host: Text,
    /// Which port.
    pub port: Port,
}

/// What takes a pre hook's effect back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Undo {
    /// What is done.
    pub action: Action,
    /// Its limit; 5 minutes if `None`.
    pub timeout: Option<Duration>,
}

/// The object that a definition was written for, as templates see it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectRef {
    /// `apps`.
    pub api_group: String,
    /// `apps/v1`.
    pub api_version: String,
    /// `Deployment`.
    pub kind: String,
    /// `wiki`.
    pub name: String,
    /// `apps`.
    pub namespace: String,
}

/// What `.Namespace`, `.Invoker` and `.Target` of a template are, where a definition says so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// `.Namespace`.
    pub namespace: Option<String>,
    /// `.Invoker`.
    pub invoker: Option<ObjectRef>,
    /// `.Target`.
    pub target: Option<ObjectRef>,
}

/// Who runs the hook in the system that it was written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExecutorKind {
    /// A container of a pod of theirs.
    Pod,
    /// Their operator: here, this container.
    Operator,
    /// A job of theirs.
    Function,
}

impl ExecutorKind {
    /// As the native file writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pod => "Pod",
            Self::Operator => "Operator",
            Self::Function => "Function",
        }
    }
}

/// Where a hook would run in the system that it was written for. The native form prints it as `executor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Executor {
    /// What runs it.
    pub kind: ExecutorKind,
    /// The pods, by label: `app=ledger,tier=db`.
    pub selector: Option<String>,
    /// Their namespaces; empty for all, or for the document's own.
    pub namespaces: Vec<String>,
    /// The workload that owns them: `Deployment/wiki`.
    pub owner: Option<String>,
    /// `ExecuteOnOne` or `ExecuteOnAll`.
    pub strategy: Option<String>,
    /// The function's name.
    pub function: Option<String>,
}

impl Executor {
    /// An executor of which only the kind is known.
    pub fn of(kind: ExecutorKind) -> Self {
        Self { kind, selector: None, namespaces: Vec::new(), owner: None, strategy: None, function: None }
    }
}

/// Where a definition stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file.
    pub file: PathBuf,
    /// The place of the hook in it.
    pub at: At,
    /// The document of another system, `Stash BackupConfiguration apps/wiki`; empty for the native form.
    pub document: String,
}

/// A hook as a file declares it, before a run is planned: what the file says, and nothing else.
#[derive(Debug, Clone, PartialEq)]
pub struct Declared {
    /// Whose hook it is.
    pub owner: Owner,
    /// Before or after the work.
    pub phase: Phase,
    /// Its name, as given.
    pub name: Option<String>,
    /// The script that these are settings for, by its file's name; then there is no action.
    pub script: Option<String>,
    /// What it does; `None` for a script's settings alone.
    pub action: Option<Action>,
    /// Its limit; `Some(ZERO)` is none.
    pub timeout: Option<Duration>,
    /// What its failure costs; `None` is the default of its kind (`Continue`; for scripts `HOOK_ON_ERROR`).
    pub on_error: Option<OnError>,
    /// A failure skips the later hooks of the phase.
    pub stop_phase_on_error: bool,
    /// When a post hook runs.
    pub policy: Policy,
    /// Further attempts.
    pub retries: u32,
    /// Before the second attempt; doubles; `None` is 5 s.
    pub retry_delay: Option<Duration>,
    /// Exit codes of a pre hook that call the run off; `None` is the default of its kind (none; for scripts `HOOK_SKIP_ON`).
    pub skip_on: Option<Vec<i32>>,
    /// What takes its effect back.
    pub undo: Option<Undo>,
    /// How long its effect may last.
    pub hold_limit: Option<Duration>,
    /// What templates see.
    pub context: Option<Context>,
    /// Where it would run in its own system.
    pub executor: Option<Executor>,
    /// The container there; its first one if `None`.
    pub container_name: Option<String>,
    /// Where it stands.
    pub origin: Origin,
    /// Where the meaning differs from what its own system did, as sentences without a period: for `hooks show`.
    pub notes: Vec<String>,
    /// What is doubtful about it though it runs.
    pub warnings: Vec<Finding>,
}

impl Declared {
    /// A hook with nothing but what it must have.
    pub fn new(owner: Owner, phase: Phase, action: Option<Action>, origin: Origin) -> Self {
        Self {
            owner,
            phase,
            name: None,
            script: None,
            action,
            timeout: None,
            on_error: None,
            stop_phase_on_error: false,
            policy: Policy::Always,
            retries: 0,
            retry_delay: None,
            skip_on: None,
            undo: None,
            hold_limit: None,
            context: None,
            executor: None,
            container_name: None,
            origin,
            notes: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

/// A mistake in a hooks file. Any of them costs the file all of its hooks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileMistake {
    /// Where.
    pub at: At,
    /// What is wrong, as a fragment that names the thing and the value: `unknown key 'tmieout' in preBackup[0]`.
    pub what: String,
    /// What to do about it, as a fragment without a period: `did you mean 'timeout'?`.
    pub mend: String,
}

/// What one hooks file says.
#[derive(Debug, Clone, PartialEq)]
pub struct HooksFile {
    /// The file.
    pub path: PathBuf,
    /// The documents in it, as people call them: `native`, `Stash BackupConfiguration apps/wiki`.
    pub documents: Vec<String>,
    /// Its hooks in running order within each owner and phase; none if there is a mistake.
    pub hooks: Vec<Declared>,
    /// Everything that is wrong with it, in the order of the file.
    pub mistakes: Vec<FileMistake>,
    /// Whether its failure (a mistake) is one with `Fail`: it says `onError: Fail` somewhere, or its system means that.
    pub means_fail: bool,
    /// The workers that it may concern where it is broken: all of them if empty.
    pub concerns: Vec<&'static str>,
    /// What is not read of it, and where it differs as a whole, as sentences without a period: for `hooks show`.
    pub notes: Vec<String>,
}
