//! The table of all workers. Command names, hook names, locks, log files, summaries, metrics, doctor's rows and the
//! documentation's table follow from it.

use super::{backup::Backup, check::Check, forget::Forget, prune::Prune, replicate::Replicate};
use super::{
    forget_preview, init_repo, mount_snapshot, notify_test, restore, restore_test, snapshot_export, sources_report,
    unlock,
};
use crate::run::{Job, Work};
use clap::ArgMatches;

/// One worker.
pub struct Worker {
    /// Its names.
    pub job: Job,
    /// The variable that holds its schedule; empty if it has none.
    pub schedule: &'static str,
    /// Its command.
    pub command: Command,
}

/// The command of a worker.
pub struct Command {
    /// One line of help.
    pub about: &'static str,
    /// Adds the flags of its own.
    pub augment: fn(clap::Command) -> clap::Command,
    /// Flags that an empty word after them is no value for; `--flag=` is an empty one.
    pub never_empty: &'static [&'static str],
    /// Makes its work from the flags.
    pub make: fn(&ArgMatches) -> Result<Box<dyn Work>, clap::Error>,
}

const fn job(name: &'static str, title: &'static str, lock: &'static str, gauges: &'static [&'static str]) -> Job {
    Job { name, title, lock, gauges }
}

const fn plain(about: &'static str, make: fn(&ArgMatches) -> Result<Box<dyn Work>, clap::Error>) -> Command {
    Command { about, augment: |command| command, never_empty: &[], make }
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
        command: plain(REPLICATE_ABOUT, |_| Ok(Box::new(Replicate::by_old_name("bisync")))),
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
        command: plain("Back up BACKUP_ROOT_DIR with restic, then forget by RESTIC_FORGET_ARGS", |_| {
            Ok(Box::new(Backup::default()))
        }),
    },
    Worker {
        job: job("check", "Check", "check.lock", &[]),
        schedule: "CHECK_CRON",
        command: plain("Check the repository with restic", |_| Ok(Box::new(Check::default()))),
    },
    Worker {
        job: job("prune", "Prune", "prune.lock", &[]),
        schedule: "PRUNE_CRON",
        command: plain("Remove from the repository what no snapshot needs", |_| Ok(Box::new(Prune::default()))),
    },
    Worker {
        job: job("forget", "Forget", "forget.lock", &[]),
        schedule: "FORGET_CRON",
        command: plain("Apply the retention policy RESTIC_FORGET_ARGS", |_| Ok(Box::new(Forget))),
    },
    Worker {
        job: REPLICATE,
        schedule: "REPLICATE_CRON",
        command: plain(REPLICATE_ABOUT, |_| Ok(Box::new(Replicate::default()))),
    },
    Worker {
        job: job("restore", "Restore", "restore.lock", &["files_restored"]),
        schedule: "RESTORE_CRON",
        command: Command {
            about: "Restore a snapshot, or a part of it",
            augment: restore::augment,
            never_empty: &[],
            make: restore::make,
        },
    },
    Worker {
        job: job(
            "snapshot-export",
            "Snapshot export",
            "snapshot-export.lock",
            &["files_restored", "archive_size_bytes"],
        ),
        schedule: "SNAPSHOT_EXPORT_CRON",
        command: Command {
            about: "Write a snapshot, or a part of it, as one compressed archive",
            augment: snapshot_export::augment,
            never_empty: &[],
            make: snapshot_export::make,
        },
    },
    Worker {
        job: job("forget-preview", "Forget preview", "forget-preview.lock", &[]),
        schedule: "FORGET_PREVIEW_CRON",
        command: Command {
            about: "Show what the retention policy would keep and remove, without removing anything",
            augment: forget_preview::augment,
            never_empty: &[],
            make: forget_preview::make,
        },
    },
    Worker {
        job: job("mount-snapshot", "Mount snapshot", "mount-snapshot.lock", &[]),
        schedule: "",
        command: Command {
            about: "Mount the snapshots as a folder to look around in",
            augment: mount_snapshot::augment,
            never_empty: &[],
            make: mount_snapshot::make,
        },
    },
    Worker {
        job: job("unlock", "Unlock", "unlock.lock", &["locks_before", "locks_after"]),
        schedule: "UNLOCK_CRON",
        command: Command {
            about: "Show the locks of the repository, and remove those that are stale",
            augment: unlock::augment,
            never_empty: &[],
            make: unlock::make,
        },
    },
    Worker {
        job: job(
            "sources-report",
            "Sources report",
            "sources-report.lock",
            &["sources_count", "files_from_count", "exclude_files_count", "total_files", "total_bytes", "errors_count"],
        ),
        schedule: "SOURCES_REPORT_CRON",
        command: Command {
            about: "Count what the next backup would read, by its own rules",
            augment: sources_report::augment,
            never_empty: &[],
            make: sources_report::make,
        },
    },
    Worker {
        job: job("init-repo", "Init-repo", "init-repo.lock", &[]),
        schedule: "",
        command: Command {
            about: "Create the repository",
            augment: init_repo::augment,
            never_empty: &[],
            make: init_repo::make,
        },
    },
    Worker {
        job: job("notify-test", "Notify test", "notify-test.lock", &[]),
        schedule: "NOTIFY_TEST_CRON",
        command: Command {
            about: "Send a webhook and a mail, to see that they arrive",
            augment: notify_test::augment,
            never_empty: &["--subject", "--message"],
            make: notify_test::make,
        },
    },
    Worker {
        job: job(
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
        schedule: "RESTORE_TEST_CRON",
        command: Command {
            about: "Restore a snapshot, or a part of it, to see that it can be done, and check what came back",
            augment: restore_test::augment,
            never_empty: &[],
            make: restore_test::make,
        },
    },
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
