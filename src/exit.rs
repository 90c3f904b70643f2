//! Every exit code that a command of ours can end with, each with its sentence.
//!
//! Codes of restic and rclone pass through unchanged; those of restic are listed because operators meet them as
//! ours. `docs/exit-codes.md` holds the same table, and a test compares the two.

/// One exit code and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitCode {
    /// The number that the process ends with.
    pub code: i32,
    /// Whose code it is: `boathook`, or the engine that it is passed through from.
    pub origin: Origin,
    /// What it means, as one sentence for a person.
    pub sentence: &'static str,
}

/// Who decides on an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A rule of ours (`hooks.md`: Exit codes).
    Boathook,
    /// restic's own code, passed through (its documentation: Exit codes; 10, 11 and 12 exist since 0.17).
    Restic,
}

/// Everything went well, or a pre hook called the run off.
pub const SUCCESS: i32 = 0;
/// The engine failed for a reason that it has no code of its own for, or a refusal before the run.
pub const FAILURE: i32 = 1;
/// Bad configuration or usage of what the work itself needs.
pub const USAGE: i32 = 2;
/// Some source data could not be read (backup), what was asked for matches nothing (restore, restore-test,
/// snapshot-export), or there is nothing to make (init-repo).
pub const INCOMPLETE: i32 = 3;
/// restic: the repository does not exist.
pub const NO_REPOSITORY: i32 = 10;
/// restic: the repository is locked.
pub const REPOSITORY_LOCKED: i32 = 11;
/// restic: wrong password.
pub const WRONG_PASSWORD: i32 = 12;
/// Not run: another run holds one of its locks (`EX_TEMPFAIL` of sysexits.h).
pub const LOCKED: i32 = 75;
/// A pre hook with `onError: Fail` failed: the work was not done.
pub const PRE_HOOK_FAILED: i32 = 120;
/// The work succeeded, a post hook with `onError: Fail` failed or timed out.
pub const POST_HOOK_FAILED: i32 = 121;
/// A pre hook with `onError: Fail` ran into its time limit; also the code of any hook that did.
pub const TIMED_OUT: i32 = 124;
/// A hook or command that is there cannot be executed.
pub const CANNOT_EXECUTE: i32 = 126;
/// A command does not exist.
pub const NOT_FOUND: i32 = 127;

/// What a process that died of `signal` is said to have ended with, as shells count.
pub fn of_signal(signal: i32) -> i32 {
    128 + signal
}

/// Every code, in ascending order.
pub const TABLE: &[ExitCode] = &[
    ExitCode {
        code: SUCCESS,
        origin: Origin::Boathook,
        sentence: "the work was done, or a pre hook called the run off (HOOK_SKIP_ON), or `locked_run` skipped a run whose lock is held",
    },
    ExitCode {
        code: FAILURE,
        origin: Origin::Restic,
        sentence: "the engine failed, or a command refused before its run began",
    },
    ExitCode {
        code: USAGE,
        origin: Origin::Boathook,
        sentence: "bad usage, or bad configuration of what the work itself needs",
    },
    ExitCode {
        code: INCOMPLETE,
        origin: Origin::Restic,
        sentence: "some source files could not be read (backup), the paths that were asked for match nothing (restore, restore-test, snapshot-export), or the repository is there already (init-repo)",
    },
    ExitCode {
        code: NO_REPOSITORY,
        origin: Origin::Restic,
        sentence: "the repository does not exist (restic 0.17 and later)",
    },
    ExitCode {
        code: REPOSITORY_LOCKED,
        origin: Origin::Restic,
        sentence: "the repository is locked (restic 0.17 and later)",
    },
    ExitCode {
        code: WRONG_PASSWORD,
        origin: Origin::Restic,
        sentence: "the password is wrong (restic 0.17 and later)",
    },
    ExitCode {
        code: LOCKED,
        origin: Origin::Boathook,
        sentence: "not run: another run holds the job's lock, or uses the repository in a way that this one cannot run beside",
    },
    ExitCode {
        code: PRE_HOOK_FAILED,
        origin: Origin::Boathook,
        sentence: "a pre hook with onError Fail failed, so the work was not done",
    },
    ExitCode {
        code: POST_HOOK_FAILED,
        origin: Origin::Boathook,
        sentence: "the work succeeded, a post hook with onError Fail failed or timed out",
    },
    ExitCode {
        code: TIMED_OUT,
        origin: Origin::Boathook,
        sentence: "a pre hook with onError Fail timed out, so the work was not done",
    },
    ExitCode {
        code: CANNOT_EXECUTE,
        origin: Origin::Boathook,
        sentence: "a command (of `locked_run` or of the container), restic or a hook is there and cannot be executed",
    },
    ExitCode {
        code: NOT_FOUND,
        origin: Origin::Boathook,
        sentence: "a command (of `locked_run` or of the container) or restic does not exist",
    },
    ExitCode { code: 129, origin: Origin::Boathook, sentence: "ended by SIGHUP, after undos and post hooks have run" },
    ExitCode {
        code: 130,
        origin: Origin::Boathook,
        sentence: "ended by SIGINT, or cancelled at a prompt, after undos and post hooks have run",
    },
    ExitCode { code: 131, origin: Origin::Boathook, sentence: "ended by SIGQUIT, after undos and post hooks have run" },
    ExitCode {
        code: 137,
        origin: Origin::Boathook,
        sentence: "the worker was killed by SIGKILL; the keeper ran undos and post hooks and wrote the summary, or a recovery did",
    },
    ExitCode { code: 143, origin: Origin::Boathook, sentence: "ended by SIGTERM, after undos and post hooks have run" },
];
