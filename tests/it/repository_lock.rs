//! The lock of a repository: who takes it, how, and for how long.

use crate::support::{BOATHOOK, Finished, Running, Sandbox, send, wait_for, write_executable};
use std::fs;
use std::os::unix::fs::MetadataExt as _;

/// The body of a hook that says it is there and waits to be let go.
pub const HELD: &str = "echo $RUN_ID > $T/held-$HOOK_WORKER; while [ ! -e $T/go-$HOOK_WORKER ]; do sleep 0.01; done";

impl Sandbox {
    /// Starts a worker as the scheduler does, with further variables.
    pub fn start_scheduled(&self, job: &str, variables: &[&str]) -> Running {
        let lock = self.path(format!("run/{}.lock", if job == "backup" { "cron" } else { job })).display().to_string();
        let command = self.path(format!("bin/{job}"));
        if !command.exists() {
            std::os::unix::fs::symlink(BOATHOOK, &command).expect("can be linked");
        }
        let command = command.display().to_string();
        let mut words = vec!["RUN_TRIGGER=schedule"];
        words.extend(variables);
        words.extend([BOATHOOK, "locked_run", job, &lock, &command]);
        self.start_program("env", &words)
    }

    /// Starts a worker by hand whose pre hook holds it, and gives its run when it is there.
    pub fn start_held(&self, words: &[&str]) -> (Running, String) {
        self.hook(&format!("pre-{}.sh", words[0]), HELD);
        let running = self.start(words);
        let run = self.wait_for_file(&format!("held-{}", words[0]));
        (running, run.trim().to_owned())
    }

    /// Lets the hook of [`Sandbox::start_held`] go.
    pub fn let_go(&self, job: &str) {
        fs::write(self.path(format!("go-{job}")), "").expect("can be written");
    }

    /// The lines of all tickets, in the order of the line.
    pub fn tickets(&self) -> Vec<String> {
        let mut files: Vec<_> = (fs::read_dir(self.path("run")).into_iter().flatten().flatten())
            .filter(|entry| entry.file_name().to_string_lossy().ends_with(".queue"))
            .flat_map(|folder| fs::read_dir(folder.path()).into_iter().flatten().flatten())
            .map(|entry| entry.path())
            .collect();
        files.sort();
        files.iter().map(|file| fs::read_to_string(file).unwrap_or_default()).collect()
    }

    /// Waits until a job stands in the line.
    #[track_caller]
    pub fn wait_for_ticket(&self, beginning: &str) {
        wait_for(beginning, || self.tickets().iter().any(|line| line.starts_with(beginning)).then_some(()));
    }

    /// The lock of the repository as the kernel has it: `READ`, `WRITE` or nothing.
    pub fn repository_lock(&self) -> Option<String> {
        let locks = fs::read_to_string("/proc/locks").expect("is there");
        let file = (fs::read_dir(self.path("run")).ok()?.flatten()).find(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.strip_suffix(".lock").is_some_and(|name| name.starts_with("repository-"))
        })?;
        let inode = format!(":{} ", file.metadata().expect("is there").ino());
        let line = locks.lines().find(|line| line.contains(&inode) && line.contains("FLOCK"))?;
        line.split_whitespace().nth(3).map(str::to_owned)
    }

    fn runs(&self) -> usize {
        fs::read_dir(self.path("run/runs")).map_or(0, Iterator::count)
    }
}

/// What restic was called for, in order.
fn commands(sandbox: &Sandbox) -> Vec<String> {
    let log = sandbox.engine_log();
    log.lines().filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
}

#[test]
fn a_check_of_the_schedule_waits_for_a_backup_and_runs_after_it() {
    let sandbox = Sandbox::with_stand_in_engine();
    let (backup, run) = sandbox.start_held(&["backup"]);
    let check = sandbox.start_scheduled("check", &[]);
    sandbox.wait_for_ticket("check wants=exclusive");
    assert_eq!(sandbox.tickets()[0].split(' ').take(2).collect::<Vec<_>>(), ["backup", "has=shared"]);
    assert_eq!(sandbox.runs(), 1, "what waits is no run yet");
    assert!(!sandbox.path("log/check-last.log").exists() && sandbox.is_locked("check.lock"));
    assert_eq!(sandbox.repository_lock().as_deref(), Some("READ"));
    sandbox.let_go("backup");
    backup.finish().ends_with(0);
    let out = check.finish().ends_with(0);
    let repository = sandbox.path("repo").display().to_string();
    let line = format!("⏳ check is waiting: repository {repository} is held by backup, run {run} (pid ");
    assert_eq!(out.stdout.lines().filter(|have| have.starts_with(&line)).count(), 1, "{}", out.all());
    assert_eq!(commands(&sandbox), ["backup", "check"]);
    assert_eq!((sandbox.tickets(), sandbox.repository_lock()), (vec![], None));
}

#[test]
fn a_direct_call_says_who_has_the_repository_and_exits_75_unless_it_waits() {
    let sandbox = Sandbox::with_stand_in_engine();
    let (backup, run) = sandbox.start_held(&["backup"]);
    let out = sandbox.run(&["check"]).ends_with(75);
    let said = format!(" is held by backup, run {run} (pid {}) since 2", backup.pid());
    assert!(out.stderr.starts_with("❌ check not run: repository ") && out.stderr.contains(&said), "{}", out.stderr);
    assert!(out.stderr.contains("; wait for it with --wait, or let that run finish") && out.stdout.is_empty());
    sandbox.run(&["check", "--wait=1s"]).ends_with(75);
    assert!(!sandbox.path("log/last-check.json").exists() && !sandbox.is_locked("check.lock"));
    let waiting = sandbox.start(&["check", "--wait"]);
    sandbox.wait_for_ticket("check wants=exclusive");
    sandbox.let_go("backup");
    backup.finish().ends_with(0);
    waiting.finish().ends_with(0);
    assert_eq!(commands(&sandbox), ["backup", "check"]);
}

#[test]
fn a_repository_that_is_written_in_two_ways_is_one_and_two_do_not_meet() {
    let sandbox = Sandbox::with_stand_in_engine();
    let (backup, _) = sandbox.start_held(&["backup"]);
    let repository = sandbox.path("repo").display().to_string();
    let check =
        |location: &str| sandbox.run_program("env", &[&format!("RESTIC_REPOSITORY={location}"), BOATHOOK, "check"]);
    check(&format!("{repository}/")).ends_with(75);
    check(&format!("local:{repository}")).ends_with(75);
    check("rest:https://me:pass-word-of-mine@host/one").ends_with(0);
    check(&format!("{repository}-2")).ends_with(0);
    sandbox.let_go("backup");
    backup.finish().ends_with(0);
}

#[test]
fn no_lock_among_the_words_means_none() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("RESTIC_CHECK_ARGS", "--read-data --no-lock").set("RESTIC_FORGET_ARGS", "--no-lock --keep-last 1");
    sandbox.set("FORGET_CRON", "0 1 * * *");
    let (backup, _) = sandbox.start_held(&["backup"]);
    sandbox.run(&["check"]).ends_with(0);
    sandbox.run(&["forget"]).ends_with(75);
    sandbox.set("RESTIC_FORGET_ARGS", "--no-lock --dry-run --keep-last 1").run(&["forget"]).ends_with(0);
    sandbox.let_go("backup");
    backup.finish().ends_with(0);
}

#[test]
fn the_lock_is_held_from_before_the_pre_hooks_until_the_work_is_over() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    // The lock as the kernel has it, seen from everything that a run starts, and whether one of these has it open.
    let look = sandbox.path("bin/look");
    write_executable(
        &look,
        "#!/bin/sh\nlock=$(echo \"$RUN_DIR\"/repository-*.lock)\n\
         mode=$(grep \":$(stat -c %i \"$lock\") \" /proc/locks | awk '{print $4}')\n\
         echo \"$1 ${mode:-free}\" >> \"$LOG_DIR/../notes\"\n\
         ls -l /proc/self/fd | grep -q repository- && echo \"$1 INHERITED\" >> \"$LOG_DIR/../notes\"\nexit 0\n",
    );
    for job in ["backup", "check"] {
        sandbox.hook(&format!("pre-{job}.sh"), &format!("look pre-{job}"));
        sandbox.hook(&format!("post-{job}.sh"), &format!("look post-{job}"));
    }
    sandbox.set("RESTIC_FORGET_ARGS", "--keep-last 1").set("ENGINE_WAITS", "look engine");
    sandbox.set("ENGINE_STARTED", "/dev/null");
    sandbox.run(&["backup"]).ends_with(0);
    sandbox.run(&["check"]).ends_with(0);
    let seen = sandbox.notes();
    let expected = [
        "pre-backup READ",
        // The backup's own part, and the forget after it.
        "engine READ",
        "engine WRITE",
        "post-backup free",
        "pre-check WRITE",
        "engine WRITE",
        "post-check free",
    ];
    assert_eq!(seen.lines().collect::<Vec<_>>(), expected);
    assert_eq!(commands(&sandbox), ["backup", "forget", "check"]);
}

#[test]
fn a_hook_of_a_run_may_use_its_repository() {
    let sandbox = Sandbox::with_stand_in_engine();
    let call = |job: &str| format!("{BOATHOOK} {job} > $T/{job}.out 2>&1; echo {job} $? >> $T/notes");
    // Directly, and with a run in between that takes none.
    sandbox.hook("pre-backup.sh", &format!("{}\n{BOATHOOK} hooks test pre-forget", call("check")));
    sandbox.hook("pre-forget.sh", &call("prune"));
    sandbox.hook("pre-check.sh", "cat $RUN_DIR/repository-*.queue/* > $T/at-check");
    sandbox.hook("post-backup.sh", &format!("rm -f $T/at-check; {}", call("check")));
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "check 0\nprune 0\ncheck 0\n");
    let tickets = fs::read_to_string(sandbox.path("at-check")).expect("was copied");
    assert!(tickets.starts_with("check has=exclusive ") && tickets.lines().count() == 1, "{tickets}");
}

#[test]
fn a_parent_that_is_named_and_not_there_stands_for_nobody() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let (backup, run) = sandbox.start_held(&["backup"]);
    sandbox.set("RUN_PARENT_ID", "20260511T093000Z-backup-0a1b2c3d").run(&["check"]).ends_with(75);
    sandbox.set("RUN_PARENT_ID", run).run(&["check"]).ends_with(0);
    sandbox.let_go("backup");
    backup.finish().ends_with(0);
}

#[test]
fn a_killed_run_frees_its_repository() {
    let sandbox = Sandbox::with_stand_in_engine();
    let (backup, _) = sandbox.start_held(&["backup"]);
    let check = sandbox.start_scheduled("check", &[]);
    sandbox.wait_for_ticket("check wants=exclusive");
    let ours = |command: &str| command.contains("boathook backup");
    for (pid, _) in sandbox.processes().iter().filter(|(_, command)| ours(command)) {
        send(*pid, 9);
    }
    backup.finish().ends_with(137);
    check.finish().ends_with(0);
    assert_eq!(sandbox.tickets(), [""; 0]);
}

#[test]
fn the_successor_of_a_killed_worker_frees_it_before_the_post_hooks() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let started = sandbox.path("started").display().to_string();
    sandbox.set("ENGINE_WAITS", "sleep 1000").set("ENGINE_STARTED", started);
    sandbox.hook("post-backup.sh", &format!("ENGINE_WAITS= {BOATHOOK} check > $T/out 2>&1; echo check $? >> $T/notes"));
    let backup = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    assert_eq!(sandbox.repository_lock().as_deref(), Some("READ"));
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", backup.pid())).expect("is there");
    send(children.trim().parse().expect("one worker"), 9);
    backup.finish().ends_with(137);
    assert_eq!(sandbox.notes(), "check 0\n");
    assert_eq!((sandbox.tickets(), sandbox.repository_lock()), (vec![], None));
}

#[test]
fn a_worker_whose_keeper_is_killed_holds_on_and_lets_go() {
    let sandbox = Sandbox::with_stand_in_engine();
    let (mut backup, _) = sandbox.start_held(&["backup"]);
    backup.signal(9);
    backup.end();
    sandbox.run(&["check"]).ends_with(75);
    let check = sandbox.start_scheduled("check", &[]);
    sandbox.wait_for_ticket("check wants=exclusive");
    sandbox.let_go("backup");
    check.finish().ends_with(0);
    assert_eq!(commands(&sandbox), ["backup", "check"]);
    wait_for("the tickets to go", || sandbox.tickets().is_empty().then_some(()));
}

#[test]
fn a_signal_while_waiting_ends_the_command_at_once_and_leaves_no_trace() {
    for (signal, code) in [(15, 143), (2, 130), (1, 129)] {
        let sandbox = Sandbox::with_stand_in_engine();
        let (backup, _) = sandbox.start_held(&["backup"]);
        sandbox.hook("post-check.sh", "echo MUST NOT RUN >> $T/notes");
        let check = sandbox.start_scheduled("check", &[]);
        sandbox.wait_for_ticket("check wants=exclusive");
        check.signal(signal);
        let out = check.finish().ends_with(code);
        assert!(out.stderr.contains("while waiting for the lock"), "{}", out.stderr);
        assert_eq!((sandbox.tickets().len(), sandbox.runs(), sandbox.notes().as_str()), (1, 1, ""));
        assert!(!sandbox.path("log/check-last.log").exists() && !sandbox.path("log/last-check.json").exists());
        assert!(!sandbox.is_locked("check.lock"));
        assert_eq!(fs::read_to_string(sandbox.path("run/check.lock")).expect("is there"), "");
        sandbox.let_go("backup");
        backup.finish().ends_with(0);
    }
}

#[test]
fn past_lock_wait_a_run_of_the_schedule_is_an_error_and_75() {
    let sandbox = Sandbox::with_stand_in_engine();
    let (backup, run) = sandbox.start_held(&["backup"]);
    let out: Finished = sandbox.start_scheduled("check", &["LOCK_WAIT=300ms"]).finish().ends_with(75);
    let said = format!("is held by backup, run {run} (pid {}) since 2", backup.pid());
    assert!(out.stderr.starts_with("❌ check not run: ") && out.stderr.contains(&said), "{}", out.stderr);
    assert!(out.stderr.contains(", and LOCK_WAIT (0.3s) is over"), "{}", out.stderr);
    assert_eq!((sandbox.tickets().len(), sandbox.is_locked("check.lock")), (1, false));
    sandbox.let_go("backup");
    backup.finish().ends_with(0);
}

#[test]
fn a_run_dir_that_takes_no_lock_is_an_error_and_no_75() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.run(&["check"]).ends_with(0);
    for entry in fs::read_dir(sandbox.path("run")).expect("is there").flatten() {
        if entry.file_name().to_string_lossy().ends_with(".queue") {
            fs::remove_dir_all(entry.path()).expect("can be removed");
            fs::write(entry.path(), "").expect("can be written");
        }
    }
    let out = sandbox.run(&["check"]).ends_with(1);
    assert!(out.stderr.contains("❌ check not run: cannot create ") && out.stderr.contains(".queue"), "{}", out.stderr);
    assert!(!sandbox.is_locked("check.lock"));
}
