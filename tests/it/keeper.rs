//! Each of keeper, worker and supervisor killed, in every phase: the run is finished, and nothing is left.

use crate::support::{Running, Sandbox, send, wait_for};
use std::fs;

/// Where a run stands when somebody dies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum At {
    Pre,
    Work,
    Post,
}

/// A run that waits in one phase until it is told to go on; `started` says that it is there.
fn waiting(at: At) -> (Sandbox, Running) {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("HOOK_KILL_AFTER", "1");
    let wait = "echo $$ > $T/started; while [ ! -e $T/go ]; do sleep 0.02; done; echo through >> $T/notes";
    sandbox.hook("pre-backup.sh", if at == At::Pre { wait } else { "echo pre >> $T/notes" });
    sandbox.hook("post-backup.10-a.sh", if at == At::Post { wait } else { "echo a >> $T/notes" });
    sandbox.hook("post-backup.20-b.sh", "echo b $1 $RUN_STATUS >> $T/notes");
    if at == At::Work {
        let started = sandbox.path("started").display().to_string();
        sandbox.set("ENGINE_WAITS", "setsid sleep 1000").set("ENGINE_STARTED", started);
    }
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    (sandbox, running)
}

/// The worker: the keeper's only child that is the keeper's own program under its own words.
fn worker_of(keeper: i32) -> i32 {
    wait_for("the worker", || {
        fs::read_to_string(format!("/proc/{keeper}/task/{keeper}/children"))
            .ok()?
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok())
            .find(|pid: &i32| name_of(*pid) == "boathook")
    })
}

fn name_of(pid: i32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned()
}

fn supervisor_of(worker: i32) -> i32 {
    wait_for("the supervisor", || {
        fs::read_to_string(format!("/proc/{worker}/task/{worker}/children"))
            .ok()?
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok())
            .find(|pid: &i32| name_of(*pid) == "boathook-hook")
    })
}

fn assert_clean(sandbox: &Sandbox) {
    sandbox.expect_no_process();
    wait_for("the lock to be free", || (!sandbox.is_locked("cron.lock")).then_some(()));
    let left = fs::read_dir(sandbox.path("log"))
        .expect("is there")
        .flatten()
        .filter(|entry| entry.path().to_string_lossy().contains(".tmp"))
        .count();
    assert_eq!(left, 0, "a temporary file was left");
}

#[test]
fn a_worker_killed_in_a_pre_hook_has_its_post_hooks_run() {
    let (sandbox, running) = waiting(At::Pre);
    send(worker_of(running.pid()), 9);
    running.finish().ends_with(137);
    assert_eq!(sandbox.notes(), "a\nb 137 interrupted\n");
    let summary = sandbox.summary("backup");
    assert_eq!((&summary["status"], &summary["exit_code"]), (&"interrupted".into(), &137.into()));
    assert_eq!(summary["hooks"][0]["status"], "failed");
    assert_eq!(sandbox.engine_log(), "");
    assert_clean(&sandbox);
}

#[test]
fn a_worker_killed_during_the_work_has_its_engine_ended_and_its_post_hooks_run() {
    let (sandbox, running) = waiting(At::Work);
    send(worker_of(running.pid()), 9);
    running.finish().ends_with(137);
    assert_eq!(sandbox.notes(), "pre\na\nb 137 interrupted\n");
    assert!(
        sandbox.engine_log().ends_with("interrupted\n"),
        "the engine was not asked by SIGINT: {}",
        sandbox.engine_log()
    );
    assert_eq!(sandbox.summary("backup")["work"]["status"], "interrupted");
    assert_clean(&sandbox);
}

#[test]
fn a_worker_killed_in_a_post_hook_keeps_the_outcome_of_its_work() {
    let (sandbox, running) = waiting(At::Post);
    let worker = worker_of(running.pid());
    send(worker, 9);
    wait_for("the successor", || Some(worker_of(running.pid())).filter(|pid| *pid != worker));
    fs::write(sandbox.path("go"), "").expect("can be written");
    running.finish().ends_with(0);
    // The hook that the worker died in is run again.
    assert_eq!(sandbox.notes(), "pre\nthrough\nb 0 warning\n");
    let summary = sandbox.summary("backup");
    assert_eq!((&summary["status"], &summary["work"]["status"]), (&"warning".into(), &"completed".into()));
    assert_clean(&sandbox);
}

#[test]
fn a_successor_that_is_killed_too_has_a_successor() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("HOOK_KILL_AFTER", "1");
    let wait = "[ $HOOK_ATTEMPT$HOOK_RECOVERY = 1 ] || [ ! -e $T/again ] || exit 0; echo $$ > $T/$HOOK_NAME; while [ ! -e $T/go ]; do sleep 0.02; done";
    sandbox
        .hook("pre-backup.sh", wait)
        .hook("post-backup.1-a.sh", wait)
        .hook("post-backup.2-b.sh", "echo b $1 >> $T/notes");
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("pre-backup");
    let first = worker_of(running.pid());
    send(first, 9);
    sandbox.wait_for_file("post-backup.1-a");
    let second = wait_for("the successor", || Some(worker_of(running.pid())).filter(|pid| *pid != first));
    fs::write(sandbox.path("again"), "").expect("can be written");
    send(second, 9);
    running.finish().ends_with(137);
    assert_eq!(sandbox.notes(), "b 137\n");
    assert_clean(&sandbox);
}

#[test]
fn a_killed_keeper_leaves_a_worker_that_finishes_by_itself_under_the_lock() {
    for at in [At::Pre, At::Work, At::Post] {
        let (sandbox, mut running) = waiting(at);
        let worker = worker_of(running.pid());
        send(running.pid(), 9);
        assert_eq!(running.end().code(), None);
        assert!(sandbox.is_locked("cron.lock"), "{at:?}: the worker lost the lock with its keeper");
        sandbox.run(&["backup"]).ends_with(75);
        if at == At::Work {
            // The engine waits for ever: the worker hears signals by itself now.
            send(worker, 15);
        }
        fs::write(sandbox.path("go"), "").expect("can be written");
        wait_for("the run to end", || (!sandbox.is_locked("cron.lock")).then_some(()));
        let notes = sandbox.notes();
        let last = notes.lines().last().expect("ran");
        assert_eq!(last, if at == At::Work { "b 143 interrupted" } else { "b 0 success" }, "{at:?}: {notes}");
        assert_eq!(sandbox.summary("backup")["exit_code"], if at == At::Work { 143 } else { 0 });
        assert_clean(&sandbox);
    }
}

#[test]
fn a_killed_supervisor_fails_its_hook_and_the_keeper_ends_what_it_left() {
    for at in [At::Pre, At::Post] {
        let (sandbox, running) = waiting(at);
        let hook: i32 = sandbox.wait_for_file("started").trim().parse().expect("a number");
        send(supervisor_of(worker_of(running.pid())), 9);
        running.finish().ends_with(0);
        assert!(!std::path::Path::new(&format!("/proc/{hook}")).exists(), "{at:?}: the hook still lives");
        let summary = sandbox.summary("backup");
        let place = usize::from(at == At::Post);
        assert_eq!(summary["hooks"][place]["signal"], 9, "{summary}");
        assert_eq!((&summary["status"], &summary["work"]["status"]), (&"warning".into(), &"completed".into()));
        assert!(sandbox.notes().ends_with("b 0 warning\n"), "{}", sandbox.notes());
        assert_clean(&sandbox);
    }
}

#[test]
fn the_leftover_of_an_earlier_hook_survives_the_death_of_another_ones_supervisor() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("HOOK_KILL_AFTER", "1");
    sandbox.hook("pre-backup.1-tunnel.sh", "setsid sleep 1000 &");
    sandbox.hook("pre-backup.2-wait.sh", "echo $$ > $T/started; sleep 2000");
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    send(supervisor_of(worker_of(running.pid())), 9);
    running.finish().ends_with(0);
    let commands: Vec<String> = sandbox.processes().into_iter().map(|(_, words)| words).collect();
    assert!(commands.iter().any(|words| words.contains("sleep 1000")), "{commands:?}");
    assert!(!commands.iter().any(|words| words.contains("sleep 2000")), "{commands:?}");
}

#[test]
fn a_supervisor_obeys_neither_terminal_nor_operator() {
    let (sandbox, running) = waiting(At::Pre);
    let supervisor = supervisor_of(worker_of(running.pid()));
    for signal in [1, 2, 3, 13, 15] {
        send(supervisor, signal);
    }
    fs::write(sandbox.path("go"), "").expect("can be written");
    running.finish().ends_with(0);
    assert_eq!(sandbox.notes(), "through\na\nb 0 success\n");
}

#[test]
fn a_worker_killed_while_it_notifies_keeps_code_and_summary_and_the_notification_goes_out() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback is there");
    sandbox.set("WEBHOOK_URL", format!("http://{}/hook", listener.local_addr().expect("is bound")));
    sandbox.hook("post-backup.sh", "echo post $1 >> $T/notes");
    let running = sandbox.start(&["backup"]);
    // The first connection is taken and never answered: the worker waits in it.
    let (_silent, _) = listener.accept().expect("is called");
    send(worker_of(running.pid()), 9);
    let (mut answered, _) = listener.accept().expect("is called again");
    let mut request = [0; 4096];
    let count = std::io::Read::read(&mut answered, &mut request).expect("is written to");
    assert!(String::from_utf8_lossy(&request[..count]).starts_with("POST /hook "));
    std::io::Write::write_all(&mut answered, b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").expect("is read");
    drop(answered);
    running.finish().ends_with(0);
    assert_eq!((sandbox.notes().as_str(), &sandbox.summary("backup")["status"]), ("post 0\n", &"success".into()));
    assert_clean(&sandbox);
}
