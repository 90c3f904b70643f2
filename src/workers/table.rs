//! The table of all workers. Command names, hook names, locks, log files, summaries, metrics, doctor's rows and the
//! documentation's table follow from it.

use super::restore;
use super::{backup::Backup, check::Check, forget::Forget, prune::Prune, replicate::Replicate};
use crate::run::{Job, Work};
use clap::ArgMatches;

/// One worker.
pub struct Worker {
    /// Its names.
    pub job: Job,
    /// The variable that holds its schedule; empty if it has none.
    pub schedule: &'static str,
    /// Its command; `None` where only its names are taken (its hooks and reports are known to `doctor` and `hooks`).
    pub command: Option<Command>,
}

/// The command of a worker.
pub struct Command {
    /// One line of help.
    pub about: &'static str,
    /// Adds the flags of its own.
    pub augment: fn(clap::Command) -> clap::Command,
    /// Makes its work from the flags.
    pub make: fn(&ArgMatches) -> Result<Box<dyn Work>, clap::Error>,
}

const fn job(name: &'static str, title: &'static str, lock: &'static str, gauges: &'static [&'static str]) -> Job {
    Job { name, title, lock, gauges }
}

const fn plain(about: &'static str, make: fn(&ArgMatches) -> Result<Box<dyn Work>, clap::Error>) -> Command {
    Command { about, augment: |command| command, make }
}

const fn named(job: Job, schedule: &'static str) -> Worker {
    Worker { job, schedule, command: None }
}

const REPLICATE: Job =
    job("replicate", "Replicate", "replicate.lock", &["replicate_jobs_processed", "replicate_jobs_failed"]);
const REPLICATE_ABOUT: &str = "Bring folders and remotes into line with rclone, by the list in REPLICATE_JOB_FILE";

/// Old names of commands: each is the worker that it stands for, and says once that it is old.
pub static OLD_NAMES: &[(&str, Worker)] = &[(
    "bisync",
    Worker {
        job: REPLICATE,
        schedule: "REPLICATE_CRON",
        command: Some(plain(REPLICATE_ABOUT, |_| Ok(Box::new(Replicate::by_old_name("bisync"))))),
    },
)];

/// Every worker, in the order that `doctor` and `status` list their summaries in (contract: doctor, section 4).
pub static WORKERS: &[Worker] = &[
    Worker {
        job: job(
            "backup",
            "Backup",
            "cron.lock",
            &["forget_exit_code", "files_new", "files_changed", "files_unmodified"],
        ),
        schedule: "BACKUP_CRON",
        command: Some(plain("Back up BACKUP_ROOT_DIR with restic, then forget by RESTIC_FORGET_ARGS", |_| {
            Ok(Box::new(Backup::default()))
        })),
    },
    Worker {
        job: job("check", "Check", "check.lock", &[]),
        schedule: "CHECK_CRON",
        command: Some(plain("Check the repository with restic", |_| Ok(Box::new(Check::default())))),
    },
    Worker {
        job: job("prune", "Prune", "prune.lock", &[]),
        schedule: "PRUNE_CRON",
        command: Some(plain("Remove from the repository what no snapshot needs", |_| Ok(Box::new(Prune::default())))),
    },
    Worker {
        job: job("forget", "Forget", "forget.lock", &[]),
        schedule: "FORGET_CRON",
        command: Some(plain("Apply the retention policy RESTIC_FORGET_ARGS", |_| Ok(Box::new(Forget)))),
    },
    Worker {
        job: REPLICATE,
        schedule: "REPLICATE_CRON",
        command: Some(plain(REPLICATE_ABOUT, |_| Ok(Box::new(Replicate::default())))),
    },
    Worker {
        job: job("restore", "Restore", "restore.lock", &["files_restored"]),
        schedule: "RESTORE_CRON",
        command: Some(Command {
            about: "Restore a snapshot, or a part of it",
            augment: restore::augment,
            make: restore::make,
        }),
    },
    named(
        job("snapshot-export", "Snapshot export", "snapshot-export.lock", &["files_restored", "archive_size_bytes"]),
        "SNAPSHOT_EXPORT_CRON",
    ),
    named(job("forget-preview", "Forget preview", "forget-preview.lock", &[]), "FORGET_PREVIEW_CRON"),
    named(job("mount-snapshot", "Mount snapshot", "mount-snapshot.lock", &[]), ""),
    named(job("unlock", "Unlock", "unlock.lock", &[]), "UNLOCK_CRON"),
    named(job("sources-report", "Sources report", "sources-report.lock", &[]), "SOURCES_REPORT_CRON"),
    named(job("init-repo", "Init-repo", "init-repo.lock", &[]), ""),
    named(job("notify-test", "Notify test", "notify-test.lock", &[]), "NOTIFY_TEST_CRON"),
    named(
        job(
            "restore-test",
            "Restore-test",
            "restore-test.lock",
            &[
                "min_files",
                "files_restored",
                "bytes_restored",
                "canary_total",
                "canary_passed",
                "canary_failed",
                "include_paths_count",
                "restic_files_restored",
            ],
        ),
        "RESTORE_TEST_CRON",
    ),
];

/// The worker of this name.
pub fn find(name: &str) -> Option<&'static Worker> {
    WORKERS.iter().find(|worker| worker.job.name == name)
}

/// The worker that is meant by an old name of its command.
pub fn find_by_old_name(name: &str) -> Option<&'static Worker> {
    OLD_NAMES.iter().find(|(old, _)| *old == name).map(|(_, worker)| worker)
}

/// The names of all workers, in the table's order.
pub fn names() -> Vec<&'static str> {
    WORKERS.iter().map(|worker| worker.job.name).collect()
}
