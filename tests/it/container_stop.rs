//! `docker stop` while a backup runs, whoever started it.

use crate::containers::{Container, Plan, image};
use std::fs;
use std::io::Read as _;

/// What restic needs half a minute for, at the speed that [`slowly`] gives it.
const MEBIBYTES: u64 = 6;

/// A container whose backups take long, with a post hook that tells of their end.
fn slowly(image: String) -> Plan {
    let plan = Plan::new(image)
        .set("RESTIC_JOB_ARGS", "--limit-upload 100")
        .hook("pre-backup.sh", "echo before")
        .hook("post-backup.sh", "echo after $1 as $RUN_STATUS");
    let mut random = Vec::new();
    let source = fs::File::open("/dev/urandom").expect("is there");
    source.take(MEBIBYTES << 20).read_to_end(&mut random).expect("can be read");
    fs::write(plan.path("data/random"), random).expect("can be written");
    plan
}

/// Stops the container while restic writes, and looks at what is left.
#[track_caller]
fn stop_in_the_work(container: &Container) {
    container.pid_of("restic backup");
    container.wait_for("restic's lock", || (!container.names_in("/mnt/restic/locks").is_empty()).then_some(()));
    let (took, code) = container.stop(30);
    assert_eq!(code, 0, "{}", container.logs());
    // STOP_TIMEOUT, and some time for the engine to tell.
    assert!(took.as_secs() < 15, "the stop took {took:?}\n{}", container.logs());
    let summary = container.summary("backup");
    assert_eq!(summary["status"], "interrupted", "{summary}");
    let log = container.file("/var/log/backup-last.log");
    assert_eq!(log.matches("[post-backup] after 143 as interrupted").count(), 1, "{log}");
    // The repository is open for the next run, and so is the job.
    assert_eq!(container.names_in("/mnt/restic/locks"), [""; 0]);
    assert_eq!(container.names_in("/run/runs"), [""; 0]);
    assert_eq!(container.file("/run/cron.lock").trim(), "");
}

#[test]
fn a_stop_in_a_scheduled_backup_runs_its_post_hooks_and_leaves_no_lock() {
    let Some(image) = image() else { return };
    let container = slowly(image).set("BACKUP_CRON", "* * * * *").start(&[]);
    container.wait_until_ready();
    stop_in_the_work(&container);
    let logs = container.logs();
    assert!(logs.contains("[post-backup] after 143 as interrupted"), "{logs}");
}

#[test]
fn a_stop_reaches_a_backup_that_was_started_from_outside() {
    let Some(image) = image() else { return };
    let container = slowly(image).start(&[]);
    container.wait_until_ready();
    // Its parent is not in the tree of the container's first process.
    container.exec_detached(&["/bin/backup"]);
    stop_in_the_work(&container);
}
