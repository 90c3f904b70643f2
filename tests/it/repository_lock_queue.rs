//! The line before a repository: who goes first, and what the scheduler hears of it.

use crate::support::{BOATHOOK, Sandbox, wait_for};
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use std::fs::{self, File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;

fn commands(sandbox: &Sandbox) -> Vec<String> {
    let log = sandbox.engine_log();
    log.lines().filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
}

#[test]
fn jobs_of_the_same_minute_go_in_the_order_of_the_crontab() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("FORGET_CRON", "0 1 * * *").set("RESTIC_FORGET_ARGS", "--keep-last 1");
    let (backup, _) = sandbox.start_held(&["backup"]);
    let mut waiting = Vec::new();
    for job in ["prune", "forget", "check"] {
        waiting.push(sandbox.start_scheduled(job, &["BOATHOOK_DUE=1763719200"]));
        sandbox.wait_for_ticket(&format!("{job} wants=exclusive"));
    }
    sandbox.let_go("backup");
    backup.finish().ends_with(0);
    for job in waiting {
        job.finish().ends_with(0);
    }
    assert_eq!(commands(&sandbox), ["backup", "check", "forget", "prune"]);
}

#[test]
fn who_was_due_earlier_goes_first_and_a_direct_call_counts_from_now() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("FORGET_CRON", "0 1 * * *").set("RESTIC_FORGET_ARGS", "--keep-last 1");
    let (backup, _) = sandbox.start_held(&["backup"]);
    let direct = sandbox.start(&["check", "--wait"]);
    sandbox.wait_for_ticket("check wants=exclusive");
    let later = sandbox.start_scheduled("forget", &["BOATHOOK_DUE=1763719260"]);
    sandbox.wait_for_ticket("forget wants=exclusive");
    let earlier = sandbox.start_scheduled("prune", &["BOATHOOK_DUE=1763719200"]);
    sandbox.wait_for_ticket("prune wants=exclusive");
    sandbox.let_go("backup");
    for run in [backup, direct, later, earlier] {
        run.finish().ends_with(0);
    }
    assert_eq!(commands(&sandbox), ["backup", "prune", "forget", "check"]);
}

#[test]
fn backup_and_restore_share_and_do_not_starve_a_check_that_waits() {
    let sandbox = Sandbox::with_repository();
    sandbox.run(&["backup"]).ends_with(0);
    let target = sandbox.path("back").display().to_string();
    let restore = ["restore", "--yes", "--force", "--host", "", "--target", &target];
    let (backup, _) = sandbox.start_held(&["backup"]);
    sandbox.run(&restore).ends_with(0);
    sandbox.hook("pre-check.sh", "echo check >> $T/notes");
    sandbox.hook("pre-restore.sh", "echo restore >> $T/notes");
    let check = sandbox.start(&["check", "--wait"]);
    sandbox.wait_for_ticket("check wants=exclusive");
    // It could go beside the backup, but then the check would wait for ever longer.
    let out = sandbox.run(&restore).ends_with(75);
    assert!(out.stderr.contains("is held by backup"), "{}", out.stderr);
    // A listing takes no lock.
    sandbox.run(&["restore", "--list", "--host", ""]).ends_with(0);
    let mut patient = restore.to_vec();
    patient.push("--wait");
    let restore = sandbox.start(&patient);
    sandbox.wait_for_ticket("restore wants=shared");
    sandbox.let_go("backup");
    for run in [backup, check, restore] {
        run.finish().ends_with(0);
    }
    assert_eq!(sandbox.notes(), "check\nrestore\n");
}

#[test]
fn those_who_share_come_in_together() {
    let sandbox = Sandbox::with_repository();
    sandbox.run(&["backup"]).ends_with(0);
    let (check, _) = sandbox.start_held(&["check"]);
    let target = sandbox.path("back").display().to_string();
    sandbox.hook("pre-backup.sh", super::repository_lock::HELD).hook("pre-restore.sh", super::repository_lock::HELD);
    let backup = sandbox.start_scheduled("backup", &[]);
    sandbox.wait_for_ticket("backup wants=shared");
    let restore = sandbox.start(&["restore", "--yes", "--force", "--host", "", "--target", &target, "--wait"]);
    sandbox.wait_for_ticket("restore wants=shared");
    sandbox.let_go("check");
    check.finish().ends_with(0);
    // Both are in their pre hooks.
    sandbox.wait_for_file("held-backup");
    sandbox.wait_for_file("held-restore");
    sandbox.let_go("restore");
    restore.finish().ends_with(0);
    sandbox.let_go("backup");
    backup.finish().ends_with(0);
}

#[test]
fn a_waiter_that_dies_leaves_the_line() {
    let sandbox = Sandbox::with_stand_in_engine();
    let (backup, _) = sandbox.start_held(&["backup"]);
    let first = sandbox.start_scheduled("check", &["BOATHOOK_DUE=1763719200"]);
    sandbox.wait_for_ticket("check wants=exclusive");
    let second = sandbox.start_scheduled("prune", &["BOATHOOK_DUE=1763719200"]);
    sandbox.wait_for_ticket("prune wants=exclusive");
    first.signal(9);
    first.finish().ends_with(137);
    sandbox.let_go("backup");
    backup.finish().ends_with(0);
    second.finish().ends_with(0);
    assert_eq!(commands(&sandbox), ["backup", "prune"]);
    assert_eq!(sandbox.tickets(), [""; 0]);
}

#[test]
fn the_forget_of_a_backup_has_the_repository_alone_or_is_skipped() {
    let mut sandbox = Sandbox::with_repository();
    sandbox.run(&["backup"]).ends_with(0);
    sandbox.set("RESTIC_FORGET_ARGS", "--keep-last 1");
    let target = sandbox.path("back").display().to_string();
    let (restore, run) = sandbox.start_held(&["restore", "--yes", "--force", "--host", "", "--target", &target]);
    let out = sandbox.run(&["backup"]).ends_with(0);
    let summary = sandbox.summary("backup");
    assert_eq!(summary["status"], "warning", "{summary}");
    let reason = summary["reason"].as_str().expect("is text");
    assert!(reason.starts_with("forget skipped: repository ") && reason.contains(&run), "{reason}");
    assert!(out.stdout.contains("⏭ Forget skipped: repository "), "{}", out.stdout);
    assert_eq!(snapshots(&sandbox), 2);
    // One of the schedule waits for it.
    let backup = sandbox.start_scheduled("backup", &[]);
    sandbox.wait_for_ticket("backup wants=exclusive");
    assert_eq!(sandbox.repository_lock().as_deref(), Some("READ"), "the restore's alone");
    sandbox.let_go("restore");
    restore.finish().ends_with(0);
    let out = backup.finish().ends_with(0);
    assert!(out.stdout.contains("⏳ forget is waiting: repository "), "{}", out.stdout);
    assert_eq!(sandbox.summary("backup")["status"], "success");
    assert_eq!(snapshots(&sandbox), 1);
    assert_eq!((sandbox.tickets(), sandbox.repository_lock()), (vec![], None));
}

#[test]
fn a_stop_while_the_forget_waits_ends_the_waiting() {
    let mut sandbox = Sandbox::with_repository();
    sandbox.run(&["backup"]).ends_with(0);
    sandbox.set("RESTIC_FORGET_ARGS", "--keep-last 1");
    let target = sandbox.path("back").display().to_string();
    let (restore, _) = sandbox.start_held(&["restore", "--yes", "--force", "--host", "", "--target", &target]);
    let backup = sandbox.start_scheduled("backup", &[]);
    sandbox.wait_for_ticket("backup wants=exclusive");
    backup.signal(15);
    backup.finish().ends_with(0);
    let summary = sandbox.summary("backup");
    assert_eq!(summary["reason"], "forget skipped: a stop was asked for", "{summary}");
    sandbox.let_go("restore");
    restore.finish().ends_with(0);
}

fn snapshots(sandbox: &Sandbox) -> usize {
    let out = sandbox.restic(&["snapshots", "--json"]).ends_with(0);
    serde_json::from_str::<Vec<serde_json::Value>>(&out.stdout).expect("is JSON").len()
}

/// A pipe that the scheduler would wait on, and how a job is started with its writing end as descriptor 9.
struct Line {
    path: String,
    reader: File,
}

impl Line {
    fn new(sandbox: &Sandbox) -> Self {
        let path = sandbox.path("line");
        nix::unistd::mkfifo(&path, Mode::S_IRWXU).expect("can be made");
        let nonblocking = OFlag::O_NONBLOCK.bits();
        let reader = OpenOptions::new().read(true).custom_flags(nonblocking).open(&path).expect("can be opened");
        Self { path: path.display().to_string(), reader }
    }

    fn start(&self, sandbox: &Sandbox, job: &str) -> crate::support::Running {
        let lock = sandbox.path(format!("run/{}.lock", if job == "backup" { "cron" } else { job }));
        let script = format!(
            "exec 9> '{0}'; printf x >&9; export BOATHOOK_PLACE_FD=9 RUN_TRIGGER=schedule; \
             exec '{BOATHOOK}' locked_run {job} '{1}' '{2}'",
            self.path,
            lock.display(),
            sandbox.path(format!("bin/{job}")).display()
        );
        let _ = std::os::unix::fs::symlink(BOATHOOK, sandbox.path(format!("bin/{job}")));
        sandbox.start_program("sh", &["-c", &script])
    }

    /// Waits for the end of the pipe, and makes sure that nobody has its other end.
    #[track_caller]
    fn wait_for_end(&mut self, sandbox: &Sandbox) {
        let mut begun = false;
        wait_for("the place", || match self.reader.read(&mut [0]) {
            Ok(0) => begun.then_some(()),
            Ok(_) => {
                begun = true;
                None
            }
            Err(_) => None,
        });
        for (pid, command) in sandbox.processes() {
            let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
            for descriptor in descriptors {
                let to = fs::read_link(descriptor.path()).unwrap_or_default();
                assert_ne!(to.display().to_string(), self.path, "{command} holds the place");
            }
        }
    }
}

#[test]
fn the_place_is_given_up_with_the_lock_with_a_ticket_and_with_a_skip() {
    let sandbox = Sandbox::with_stand_in_engine();
    let mut line = Line::new(&sandbox);
    sandbox.hook("pre-backup.sh", super::repository_lock::HELD);
    let backup = line.start(&sandbox, "backup");
    line.wait_for_end(&sandbox);
    sandbox.wait_for_file("held-backup");
    // With hook, supervisor, keeper and worker there.
    let mut again = Line { path: line.path.clone(), reader: line.reader.try_clone().expect("can be cloned") };
    let check = line.start(&sandbox, "check");
    again.wait_for_end(&sandbox);
    sandbox.wait_for_ticket("check wants=exclusive");
    let skipped = line.start(&sandbox, "check");
    line.wait_for_end(&sandbox);
    assert!(skipped.finish().ends_with(0).stdout.contains("⏭ check skipped"));
    sandbox.let_go("backup");
    backup.finish().ends_with(0);
    check.finish().ends_with(0);
}

#[test]
fn neither_place_nor_time_is_told_to_hooks() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-backup.sh", "env | grep BOATHOOK_ >> $T/notes");
    let mut line = Line::new(&sandbox);
    let backup = line.start(&sandbox, "backup");
    line.wait_for_end(&sandbox);
    backup.finish().ends_with(0);
    sandbox.start_scheduled("backup", &["BOATHOOK_DUE=1763719200"]).finish().ends_with(0);
    assert_eq!(sandbox.notes(), "");
}
