//! The settings: one snapshot of the environment and of the files it names, read once into typed values.
//!
//! Nothing else in the program reads the process environment. Every mistake that is found is kept, named, and
//! reported together with the others; what a mistake costs is said by its [`Effect`].

mod aliases;
mod environment;
mod hidden;
mod hook_defaults;
mod mistake;
mod named_file;
mod origin;
mod read;
mod reader;
mod reports;
mod repository;
mod secrets;
pub mod seeded;
mod settings_file;
pub mod table;
mod values;
pub mod words;

pub use environment::Environment;
pub use mistake::{Effect, Mistake};
pub use read::read;
pub use secrets::{add_secrets_of_command_line, add_secrets_of_words};
pub use settings_file::{adopt_zone, adopt_zone_of_file};
pub use values::{DurationError, LONGEST, Switch, duration, switch};

use crate::masking::Secrets;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// All settings of one process.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What children are given: the environment as it came, with the lines of the settings file, the repository file resolved into
    /// `RESTIC_REPOSITORY`, and without the variables that belong to a hook or run we were started from.
    pub environment: Environment,
    /// What became of `SETTINGS_FILE`.
    pub file: SettingsFile,
    /// What must never be shown.
    pub secrets: Arc<Secrets>,
    /// Who we are in reports.
    pub identity: Identity,
    /// Where everything lies.
    pub paths: Paths,
    /// The repository and how it is opened.
    pub repository: Repository,
    /// What is backed up, and the words for each engine command.
    pub jobs: Jobs,
    /// What a test of restoring restores, and what it looks at.
    pub restore_test: RestoreTest,
    /// The schedules as given. Not parsed here.
    pub schedules: Schedules,
    /// When and how `cron.log` is rotated.
    pub rotation: Rotation,
    /// What is done when the container starts.
    pub start: Start,
    /// Defaults for hooks.
    pub hooks: HookDefaults,
    /// How long a stop may take, and when notifications go out.
    pub limits: Limits,
    /// Where reports go.
    pub notify: Notify,
    /// What is printed and how.
    pub log: Log,
    /// Who or what started the run: `RUN_TRIGGER` in {schedule, manual, api, recovery}, `manual` by default.
    pub trigger: String,
    /// The run whose hook started us, if one did (`RUN_ID` inherited from a hook).
    pub parent_run: Option<String>,
    /// Descriptor of a lock handed down by `locked_run` (`BOATHOOK_LOCK_FD`).
    pub lock_descriptor: Option<i32>,
    /// Descriptor whose closing tells the scheduler that the run has its place in the line (`BOATHOOK_PLACE_FD`).
    pub place_descriptor: Option<i32>,
    /// When the scheduler meant the run to start (`BOATHOOK_DUE`), in seconds since 1970.
    pub due: Option<u64>,
    /// Everything that is wrong, in the order of the table.
    pub mistakes: Vec<Mistake>,
}

/// What became of `SETTINGS_FILE`, or of the file that is looked for without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingsFile {
    /// It is not there, or cannot be read.
    Missing,
    /// It counts.
    Read {
        /// Where it lies.
        path: PathBuf,
        /// The variables that it sets, in the order of their names.
        names: Vec<String>,
        /// Those of them that hold secrets.
        secret: Vec<String>,
    },
}

/// Host and release, as reports name them.
#[derive(Debug, Clone)]
pub struct Identity {
    /// `HOSTNAME`, else the kernel's host name, else `unknown`.
    pub hostname: String,
    /// `RESTIC_BACKUP_HELPER_RELEASE`, else `unknown`.
    pub release: String,
}

/// Folders, each with a setting of its own so that everything also runs outside a container.
#[derive(Debug, Clone)]
pub struct Paths {
    /// `HOOKS_DIR`, `/hooks`.
    pub hooks: PathBuf,
    /// `CONFIG_DIR`, `/config`.
    pub config: PathBuf,
    /// `LOG_DIR`, `/var/log`.
    pub log: PathBuf,
    /// `RUN_DIR`, `/var/run`.
    pub run: PathBuf,
    /// `STATE_DIR`, `/var/lib/boathook`.
    pub state: PathBuf,
    /// `RESTORE_DIR`, `/restore`.
    pub restore: PathBuf,
    /// `RESTIC_CACHE_DIR` as given, empty when unset.
    pub cache: String,
    /// `TMPDIR` as given, empty when unset.
    pub temporary: String,
    /// `RCLONE_CONFIG`, `CONFIG_DIR`/rclone.conf by default.
    pub rclone_config: PathBuf,
    /// `CRONTAB_FILE`, `/var/spool/cron/crontabs/root`.
    pub crontab: PathBuf,
}

/// The repository and how it is opened.
#[derive(Clone)]
pub struct Repository {
    /// `RESTIC_REPOSITORY`, or what `RESTIC_REPOSITORY_FILE` resolved to. Unmasked: for the engine alone.
    pub location: String,
    /// The same for people and reports.
    pub shown: String,
    /// What became of `RESTIC_REPOSITORY_FILE`.
    pub file: RepositoryFile,
    /// Where the password comes from.
    pub password: Password,
    /// `RESTIC_TAG` (`automated` when unset, empty when set empty).
    pub tag: String,
    /// `RESTIC_CACERT` when it is set and readable.
    pub cacert: Option<PathBuf>,
    /// `RESTIC_CACERT` as given, empty when unset.
    pub cacert_given: String,
    /// `RESTIC_AUTO_UNLOCK`.
    pub auto_unlock: bool,
    /// `RESTIC_CHECK_REPOSITORY_STATUS`.
    pub check_status: bool,
}

/// What became of `RESTIC_REPOSITORY_FILE` (contract: environment, section 8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RepositoryFile {
    /// Not set.
    Unset,
    /// Resolved: the location is the file's.
    Resolved(PathBuf),
    /// Set, but not readable; the reason is the system's.
    Unreadable(PathBuf, String),
    /// Set and readable, but without a repository in it.
    Empty(PathBuf),
}

/// Where the repository's password comes from, in restic's own order of precedence for presence tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Password {
    /// `RESTIC_PASSWORD_FILE`, and whether it can be read.
    File(PathBuf, bool),
    /// `RESTIC_PASSWORD`.
    Environment,
    /// `RESTIC_PASSWORD_COMMAND`.
    Command,
    /// None of them.
    Missing,
}

/// A word list as it was given and as it is understood.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct WordList {
    /// As given, secrets and all: mask before showing.
    pub raw: String,
    /// The words; empty if the value is in error.
    pub words: Vec<String>,
    /// Why the value could not be split, if so.
    pub error: Option<String>,
}

/// What is backed up, and the words for each engine command.
#[derive(Debug, Clone)]
pub struct Jobs {
    /// `BACKUP_ROOT_DIR`, one path, empty when unset.
    pub backup_root: String,
    /// `RESTIC_JOB_ARGS`.
    pub backup: WordList,
    /// `RESTIC_FORGET_ARGS`.
    pub forget: WordList,
    /// `RESTIC_CHECK_ARGS`.
    pub check: WordList,
    /// `RESTIC_CHECK_ROTATE`: in how many runs all data is read; `None` reads none.
    pub check_rotate: Option<u32>,
    /// `RESTIC_PRUNE_ARGS`.
    pub prune: WordList,
    /// `RESTIC_INIT_ARGS`.
    pub init: WordList,
    /// `REPLICATE_JOB_FILE` after the deprecated alias.
    pub replicate_file: PathBuf,
    /// `REPLICATE_JOB_ARGS` after the deprecated alias.
    pub replicate: WordList,
    /// `REPLICATE_VERBOSE` after the deprecated alias.
    pub replicate_verbose: bool,
    /// `REPLICATE_BISYNC_CHECK_ACCESS` after the deprecated alias.
    pub replicate_check_access: bool,
    /// `REPLICATE_PARALLEL`, at least 1.
    pub replicate_parallel: usize,
    /// Deprecated variables that take effect: (old, new), in the contract's order.
    pub deprecated: Vec<(&'static str, &'static str)>,
}

/// What a test of restoring restores, and what it looks at, unless flags say otherwise.
#[derive(Debug, Clone)]
pub struct RestoreTest {
    /// `RESTORE_TEST_PATH`.
    pub paths: WordList,
    /// `RESTORE_TEST_TARGET` as given, empty for a folder of its own.
    pub target: String,
    /// `RESTORE_TEST_KEEP`.
    pub keep: bool,
    /// `RESTORE_TEST_VERIFY`.
    pub verify: bool,
    /// `RESTORE_TEST_MIN_FILES`.
    pub min_files: u64,
    /// `RESTORE_TEST_CANARY`, not taken apart yet.
    pub canaries: WordList,
    /// `RESTORE_TEST_CANARY_FILE` as given, empty for none.
    pub canary_file: String,
    /// `RESTORE_TEST_SAMPLE`, 0 for none.
    pub sample: u64,
}

/// The schedules as given; empty means off.
#[derive(Debug, Clone)]
pub struct Schedules {
    /// `BACKUP_CRON`.
    pub backup: String,
    /// `CHECK_CRON`.
    pub check: String,
    /// `FORGET_CRON`.
    pub forget: String,
    /// `PRUNE_CRON`.
    pub prune: String,
    /// `REPLICATE_CRON` after the deprecated alias.
    pub replicate: String,
    /// `ROTATE_LOG_CRON`.
    pub rotate_log: String,
    /// The schedules beyond those: variable and expression, in the order of the table.
    pub others: Vec<(&'static str, String)>,
    /// `TZ` as given; `None` if it is not set.
    pub zone: Option<String>,
    /// `SCHEDULE_SPLAY`.
    pub splay: Duration,
    /// `CATCH_UP`.
    pub catch_up: bool,
}

impl Schedules {
    /// The expression that `variable` has; empty if it has none, or is no schedule.
    pub fn of(&self, variable: &str) -> &str {
        match variable {
            "BACKUP_CRON" => &self.backup,
            "CHECK_CRON" => &self.check,
            "FORGET_CRON" => &self.forget,
            "PRUNE_CRON" => &self.prune,
            "REPLICATE_CRON" => &self.replicate,
            "ROTATE_LOG_CRON" => &self.rotate_log,
            other => self.others.iter().find(|(name, _)| *name == other).map_or("", |(_, expression)| expression),
        }
    }
}

/// When and how `cron.log` is rotated. No run needs it: what is wrong with a number is for `rotate_log` to say.
#[derive(Debug, Clone)]
pub struct Rotation {
    /// `CRON_LOG_MAX_SIZE` in bytes, 1 MiB by default; what was given where that is no positive number.
    pub max_size: Result<u64, String>,
    /// `MAX_CRON_LOG_ARCHIVES`, 5 by default; what was given where that is no positive number.
    pub archives: Result<u64, String>,
}

/// What is done when the container starts.
#[derive(Debug, Clone)]
pub struct Start {
    /// `NFS_TARGET` as given, empty when unset.
    pub nfs_target: String,
    /// `INSTALL_PACKAGES`.
    pub packages: WordList,
}

/// Defaults for hooks (`docs/hooks.md`).
#[derive(Debug, Clone)]
pub struct HookDefaults {
    /// `HOOK_TIMEOUT`; `None` is no limit.
    pub timeout: Option<Duration>,
    /// `HOOK_TIMEOUT` as given, `0` when unset.
    pub timeout_given: String,
    /// `HOOK_KILL_AFTER`: from SIGTERM to SIGKILL, 10 s by default.
    pub kill_after: Duration,
    /// `HOOK_ON_ERROR` is `Fail`.
    pub fail_on_error: bool,
    /// `HOOK_SKIP_ON`: exit codes of a pre hook that call the run off.
    pub skip_on: Vec<i32>,
    /// `HOOKS_STRICT`: scripts that others may write are refused.
    pub strict: bool,
    /// `HOOKS_FILE`, `hooks.yaml` in the hooks folder by default; a relative path begins there.
    pub file: PathBuf,
    /// `HOOKS_FILE` was given: the file has to be there.
    pub file_is_named: bool,
    /// `HOOKS_FOREIGN_EXEC` is `here`: what runs in a container of another system runs in this one.
    pub foreign_exec_here: bool,
}

/// How long a stop may take, and when notifications go out without waiting longer.
#[derive(Debug, Clone)]
pub struct Limits {
    /// `STOP_TIMEOUT`: from SIGTERM to the end of everything, 9 s by default.
    pub stop: Duration,
    /// `NOTIFY_AFTER`: 5 min by default.
    pub notify_after: Duration,
    /// `LOCK_WAIT`: 1 h by default.
    pub lock_wait: Duration,
}

/// Where reports go.
#[derive(Clone)]
pub struct Notify {
    /// `WEBHOOK_URL`, empty when off.
    pub webhook_url: String,
    /// `WEBHOOK_HEADER_AUTH`, empty when unset.
    pub webhook_auth: String,
    /// `WEBHOOK_TIMEOUT`, 10 s by default.
    pub webhook_timeout: Duration,
    /// `WEBHOOK_ON_ERROR`.
    pub webhook_on_error: bool,
    /// `MAILX_RCPT`, empty when off.
    pub mail_recipient: String,
    /// `MAILX_ON_ERROR`.
    pub mail_on_error: bool,
    /// `SMTP_URL`, empty when mail goes through `sendmail`.
    pub smtp_url: String,
    /// `METRICS_DIR`; `None` is off.
    pub metrics_dir: Option<PathBuf>,
}

/// What is printed and how.
#[derive(Debug, Clone)]
pub struct Log {
    /// `LOG_VERBOSE`: informational lines on standard output.
    pub verbose: bool,
    /// `LOG_LEVEL`: error, warn, info (default), debug, trace.
    pub level: tracing::Level,
    /// `LOG_FORMAT` is `json`.
    pub json: bool,
    /// Which output is the console. No setting: standard output may be for a command's own data.
    pub console: Console,
}

/// Where lines for people go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Console {
    /// Standard output.
    #[default]
    Stdout,
    /// Standard error.
    Stderr,
}
