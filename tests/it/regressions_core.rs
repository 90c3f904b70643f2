//! What once went wrong around the pipeline: signals at unlucky moments, outputs that nobody reads, inherited oddities.

use crate::support::{BOATHOOK, Running, Sandbox, send, wait_for};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use std::fs;
use std::time::{Duration, Instant};

/// A hook that says that it is there, and that only SIGKILL ends.
const STUBBORN: &str = "echo $$ > $T/$HOOK_NAME; trap '' TERM; sleep 1000; sleep 1000; sleep 1000";

fn children_of(pid: i32) -> Vec<i32> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// The child of this name.
fn child_named(parent: i32, name: &str) -> i32 {
    wait_for(name, || {
        let named = |pid: &i32| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim() == name);
        children_of(parent).into_iter().find(named)
    })
}

fn worker_of(keeper: &Running) -> i32 {
    child_named(keeper.pid(), "boathook")
}

#[test]
fn an_ignored_sigchld_of_the_parent_costs_neither_the_engine_nor_the_keeper() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("post-backup.sh", "echo post $1 >> $T/notes");
    sandbox.run_program("env", &["--ignore-signal=CHLD", BOATHOOK, "backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "post 0\n");
}

#[test]
fn a_stop_that_follows_an_interruption_gives_post_hooks_a_budget() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("STOP_TIMEOUT", "4").hook("post-backup.sh", STUBBORN);
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("post-backup");
    running.signal(2);
    let asked = Instant::now();
    running.signal(15);
    running.finish().ends_with(0);
    assert!(asked.elapsed() < Duration::from_secs(6), "took {:?}", asked.elapsed());
    sandbox.expect_no_process();
}

#[test]
fn a_stop_that_comes_while_the_keeper_clears_up_reaches_the_successor() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("STOP_TIMEOUT", "4").set("HOOK_KILL_AFTER", "2");
    sandbox.hook("pre-backup.sh", STUBBORN).hook("post-backup.sh", STUBBORN);
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("pre-backup");
    let worker = worker_of(&running);
    send(worker, 9);
    wait_for("the worker to be waited for", || (!children_of(running.pid()).contains(&worker)).then_some(()));
    running.signal(15);
    running.finish().ends_with(137);
    assert_eq!(sandbox.summary("backup")["hooks"][1]["reason"], "ended, since the run was asked to stop");
    sandbox.expect_no_process();
}

#[test]
fn a_stop_that_a_killed_worker_had_heard_reaches_its_successor() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("STOP_TIMEOUT", "4").hook("post-backup.1-a.sh", STUBBORN).hook("post-backup.2-b.sh", STUBBORN);
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("post-backup.1-a");
    let worker = worker_of(&running);
    running.signal(15);
    // The keeper hands signals on in the order in which they come: a child's death is noticed after it.
    send(worker, 9);
    running.finish().ends_with(0);
    sandbox.expect_no_process();
}

#[test]
fn a_supervisor_that_is_stopped_does_not_keep_a_stop_waiting() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("HOOK_KILL_AFTER", "1");
    sandbox.hook("pre-backup.sh", "echo $$ > $T/started; sleep 1000");
    sandbox.hook("post-backup.sh", "echo post $1 $RUN_STATUS >> $T/notes");
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    send(child_named(worker_of(&running), "boathook-hook"), 19);
    running.signal(15);
    running.finish().ends_with(143);
    assert_eq!(sandbox.notes(), "post 143 interrupted\n");
    sandbox.expect_no_process();
}

#[test]
fn a_worker_that_lost_its_keeper_removes_the_folder_of_the_run() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-backup.sh", "echo $$ > $T/started; while [ ! -e $T/go ]; do sleep 0.02; done");
    let mut running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    send(running.pid(), 9);
    running.end();
    fs::write(sandbox.path("go"), "").expect("can be written");
    wait_for("the run to end", || (!sandbox.is_locked("cron.lock")).then_some(()));
    assert_eq!(fs::read_dir(sandbox.path("run/runs")).expect("is there").count(), 0);
}

#[test]
fn the_supervisors_of_hooks_that_have_ended_are_waited_for() {
    let sandbox = Sandbox::with_stand_in_engine();
    for number in 10..40 {
        sandbox.hook(&format!("pre-backup.{number}.sh"), "true");
    }
    sandbox.hook(
        "post-backup.sh",
        "worker=$(sed -n 's/^PPid:[[:space:]]*//p' /proc/$PPID/status)
         for child in $(cat /proc/$worker/task/$worker/children); do
             grep -q '^State:.*Z' /proc/$child/status && echo $child >> $T/notes
         done",
    );
    sandbox.run(&["backup"]).ends_with(0);
    let zombies = sandbox.notes().lines().count();
    assert!(zombies < 10, "{zombies} of 30 were never waited for");
}

#[test]
fn the_reason_why_a_hook_calls_the_run_off_drives_no_terminal() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("HOOK_SKIP_ON", "75").hook("pre-backup.sh", r"printf '\033[31mnot plugged in\007\n'; exit 75");
    let finished = sandbox.run(&["backup"]).ends_with(0);
    assert!(!finished.all().contains(['\u{1b}', '\u{7}']), "{:?}", finished.all());
    assert!(!sandbox.log("backup").contains(['\u{1b}', '\u{7}']), "{:?}", sandbox.log("backup"));
    assert!(sandbox.summary("backup")["reason"].as_str().is_some_and(|reason| reason.contains("not plugged in")));
}

#[test]
fn no_part_of_a_secret_in_a_bad_line_of_hook_output_is_shown() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let secret = "0123456789abcdef".repeat(4);
    sandbox.set("RESTIC_PASSWORD", secret.as_str());
    sandbox.hook("pre-backup.sh", "echo \"$RESTIC_PASSWORD=1\" > $HOOK_OUTPUT");
    let out = sandbox.run(&["backup"]).ends_with(0).all();
    let summary = sandbox.summary("backup").to_string();
    for shown in [out, sandbox.log("backup"), summary] {
        assert!(!shown.contains(&secret[..12]), "{shown}");
    }
}

#[test]
fn a_hang_up_that_nohup_ignores_does_not_end_the_run() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let started = sandbox.path("started").display().to_string();
    let wait = sandbox.path("wait").display().to_string();
    crate::support::write_executable(
        &sandbox.path("wait"),
        "#!/bin/sh\nwhile [ ! -e \"$LOG_DIR/../go\" ]; do sleep 0.02; done\n",
    );
    sandbox.set("ENGINE_WAITS", wait).set("ENGINE_STARTED", started);
    let running = sandbox.start_program("env", &["--ignore-signal=HUP", BOATHOOK, "backup"]);
    sandbox.wait_for_file("started");
    let worker = worker_of(&running);
    running.signal(1);
    send(worker, 1);
    fs::write(sandbox.path("go"), "").expect("can be written");
    running.finish().ends_with(0);
}

#[test]
fn a_run_that_lacks_descriptors_says_so() {
    for limit in 5..24 {
        let sandbox = Sandbox::with_stand_in_engine();
        sandbox.hook("post-backup.sh", "true");
        let finished = sandbox.run_program("sh", &["-c", &format!("ulimit -n {limit}; exec {BOATHOOK} backup")]);
        let out = finished.all();
        assert!(finished.code() == 0 || out.contains('❌') || out.contains("cannot"), "{limit}: silent");
        assert!(!out.contains("panicked"), "{limit}: {out}");
    }
}

#[test]
fn a_console_that_nobody_reads_holds_up_neither_the_run_nor_its_end() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-backup.sh", "seq 100000");
    sandbox.hook("post-backup.sh", "echo post $1 >> $T/notes");
    let pipe = sandbox.path("pipe").display().to_string();
    // The run itself holds the pipe open for reading, and never reads.
    let script = format!("mkfifo {pipe} && exec 7<>{pipe} && exec {BOATHOOK} backup >&7");
    let asked = Instant::now();
    sandbox.run_program("sh", &["-c", &script]).ends_with(0);
    assert!(asked.elapsed() < Duration::from_secs(20), "took {:?}", asked.elapsed());
    assert_eq!(sandbox.notes(), "post 0\n");
    let log = sandbox.log("backup");
    assert!(log.contains("[pre-backup] 99999\n") && log.contains("Hook post-backup completed"), "the log lacks lines");
    sandbox.expect_no_process();
}

#[test]
fn a_sendmail_that_a_stop_has_no_time_for_is_not_left_behind() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    crate::support::write_executable(
        &sandbox.path("bin/sendmail"),
        "#!/bin/sh\ntrap '' TERM\ncat > /dev/null\necho $$ > \"$LOG_DIR/../mailing\"\nsleep 1000\n",
    );
    sandbox.set("MAILX_RCPT", "somebody@example.org").set("STOP_TIMEOUT", "3");
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("mailing");
    running.signal(15);
    running.finish().ends_with(0);
    sandbox.expect_no_process();
}

#[test]
fn a_disk_that_takes_nothing_costs_reports_alone_and_leaves_no_folder_of_the_run() {
    let sandbox = Sandbox::with_stand_in_engine();
    crate::support::write_executable(&sandbox.path("bin/restic"), "#!/bin/sh\necho restic 0.18.0 compiled\n");
    sandbox.hook("pre-backup.sh", "echo before").hook("post-backup.sh", "echo after");
    // Every write to a file fails, as on a full disk.
    let script = format!("trap '' XFSZ; ulimit -f 0; exec {BOATHOOK} backup");
    let out = sandbox.run_program("sh", &["-c", &script]).ends_with(0).all();
    assert!(out.contains("[pre-backup] before\n") && out.contains("[post-backup] after\n"), "{out}");
    assert!(out.contains("cannot be registered") && out.contains("warning\n"), "{out}");
    assert_eq!(fs::read_dir(sandbox.path("run/runs")).expect("is there").count(), 0);
}

#[test]
fn a_terminal_that_goes_away_ends_the_run_that_leads_its_session() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-backup.sh", "echo $$ > $T/started; sleep 1000");
    sandbox.hook("post-backup.sh", "echo post $1 >> $T/notes");
    let terminal = nix::pty::openpty(None, None).expect("a terminal");
    for end in [&terminal.master, &terminal.slave] {
        // Held by a child, it would never go away.
        fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).expect("is open");
    }
    let name = nix::unistd::ttyname(&terminal.slave).expect("has a name").display().to_string();
    let script = format!("exec setsid --wait --ctty {BOATHOOK} backup < {name}");
    let running = sandbox.start_program("sh", &["-c", &script]);
    sandbox.wait_for_file("started");
    drop(terminal);
    running.finish().ends_with(129);
    assert_eq!(sandbox.notes(), "post 129\n");
}

/// Waits for the end of the process whose number is in `part`: a supervisor, whose environment bears no mark.
fn expect_gone(sandbox: &Sandbox, part: &str) {
    let pid = sandbox.wait_for_file(part).trim().to_owned();
    wait_for("the supervisor to end", || (!std::path::Path::new(&format!("/proc/{pid}")).exists()).then_some(()));
}

#[test]
fn a_supervisor_ends_with_the_last_that_its_hook_left_running() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-backup.sh", "echo $PPID > $T/supervisor; while [ ! -e $T/go ]; do sleep 0.02; done &");
    sandbox.run(&["backup"]).ends_with(0);
    fs::write(sandbox.path("go"), "").expect("can be written");
    expect_gone(&sandbox, "supervisor");
}

#[test]
fn a_supervisor_whose_worker_was_killed_ends_once_it_has_ended_its_hook() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("HOOK_KILL_AFTER", "1");
    sandbox.hook("pre-backup.sh", "echo $PPID > $T/supervisor; sleep 1000");
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("supervisor");
    send(worker_of(&running), 9);
    running.finish().ends_with(137);
    expect_gone(&sandbox, "supervisor");
}
