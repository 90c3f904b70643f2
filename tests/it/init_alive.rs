//! `boathook alive`, and how init is at rest.

use crate::init_stage::{READY, Stage};
use crate::support::{Sandbox, send, wait_for};
use std::fs;
use std::time::{Duration, Instant};

/// A stand-in for the scheduler that answers at its door.
const ANSWERING: &str = r#"exec python3 -c '
import os, socket
door = socket.socket(fileno=7)
os.write(5, b"R")
while True:
    caller, _ = door.accept()
    # Who has given up waiting is still in the queue.
    try: caller.sendall(b"{\"pid\":%d,\"next\":{\"job\":\"backup\",\"at\":\"2026-11-22T02:00:00+01:00\"}}\n" % os.getpid())
    except BrokenPipeError: pass
    caller.close()
'"#;

#[test]
fn a_container_is_alive_while_init_and_scheduler_answer() {
    let sandbox = Sandbox::new();
    let finished = sandbox.run(&["alive"]).ends_with(1);
    assert!(finished.stdout.starts_with("not alive: init cannot be asked at"), "{}", finished.stdout);
    // What an earlier container has left.
    drop(std::os::unix::net::UnixListener::bind(sandbox.path("run/init.sock")).expect("can be bound"));
    drop(std::os::unix::net::UnixListener::bind(sandbox.path("run/scheduler.sock")).expect("can be bound"));
    let init = Stage::new(&sandbox).scheduler(&format!("until [ -e $T/go ]; do sleep 0.01; done\n{ANSWERING}")).start();
    let starting = wait_for("an answer", || {
        let finished = sandbox.run(&["alive"]);
        (finished.code() == 0).then_some(finished.stdout)
    });
    let pid = init.pid();
    assert_eq!(starting, format!("starting: init ({pid}) answers, the schedule is not in force yet\n"));
    fs::write(sandbox.path("go"), "").expect("can be written");
    let alive = wait_for("both", || {
        let finished = sandbox.run(&["alive"]).ends_with(0);
        finished.stdout.starts_with("alive").then_some(finished.stdout)
    });
    let scheduler = sandbox.lives()[0].1;
    let next = "next: backup at 2026-11-22T02:00:00+01:00";
    assert_eq!(alive, format!("alive: init ({pid}) and scheduler ({scheduler}) answer; {next}\n"));
    let json: serde_json::Value =
        serde_json::from_str(&sandbox.run(&["alive", "--json"]).ends_with(0).stdout).expect("JSON");
    assert_eq!(
        (&json["alive"], &json["init"]["pid"], &json["scheduler"]["next"]["job"]),
        (&true.into(), &pid.into(), &"backup".into())
    );
    // It hangs: the door is open, and nobody answers.
    send(scheduler, libc::SIGSTOP);
    let asked = Instant::now();
    let finished = sandbox.run(&["alive"]).ends_with(1);
    assert!(asked.elapsed() < Duration::from_secs(5), "took {:?}", asked.elapsed());
    assert!(
        finished.stdout.contains(&format!("the scheduler ({scheduler}) does not answer within 3 s")),
        "{}",
        finished.stdout
    );
    send(scheduler, 9);
    wait_for("its successor", || {
        let finished = sandbox.run(&["alive"]);
        (finished.code() == 0 && !finished.stdout.contains(&scheduler.to_string())).then_some(())
    });
    init.signal(15);
    init.finish().ends_with(0);
    sandbox.run(&["alive"]).ends_with(1);
}

#[test]
fn a_second_schedule_beside_a_living_one_is_refused_and_a_one_shot_command_is_not() {
    let sandbox = Sandbox::with_stand_in_engine();
    let init = Stage::new(&sandbox).scheduler(READY).start();
    wait_for("the scheduler", || sandbox.path("finish").exists().then_some(()));
    let run = sandbox.start_run("");
    let finished = sandbox.run(&["entry.sh"]).ends_with(1);
    assert!(finished.stderr.contains("another container process answers in RUN_DIR"), "{}", finished.stderr);
    sandbox.run(&["entry.sh", "check"]).ends_with(0);
    // It has neither taken the door away nor ended somebody else's run.
    assert!(sandbox.run(&["alive", "--json"]).stdout.contains(&format!("\"pid\":{}", init.pid())));
    assert!(!sandbox.notes().contains("run TERM"), "{}", sandbox.notes());
    init.signal(15);
    init.finish().ends_with(0);
    run.finish().ends_with(143);
}

#[test]
fn a_run_dir_that_cannot_be_written_to_costs_the_health_check_and_nothing_else() {
    let mut sandbox = Sandbox::new();
    fs::write(sandbox.path("file"), "").expect("can be written");
    let run_dir = sandbox.path("file/run").display().to_string();
    sandbox.set("RUN_DIR", run_dir);
    let finished = sandbox.run(&["entry.sh", "hooks", "list"]).ends_with(0);
    assert!(finished.stderr.contains("`boathook alive` will not work"), "{}", finished.stderr);
}

#[test]
fn at_rest_init_does_not_wake_up() {
    let sandbox = Sandbox::new();
    let init = Stage::new(&sandbox).scheduler(READY).script("echo up >> $T/notes; exec sleep 1000").start();
    sandbox.wait_for_note("up");
    wait_for("the command", || {
        sandbox.processes().iter().any(|(_, words)| words.starts_with("sleep 1000")).then_some(())
    });
    let status = format!("/proc/{}/status", init.pid());
    let switches = || {
        let text = fs::read_to_string(&status).expect("lives");
        text.lines().filter(|line| line.contains("ctxt_switches")).map(str::to_owned).collect::<Vec<_>>()
    };
    // The last wake-up of its start may still be under way.
    let before = wait_for("quiet", || {
        let before = switches();
        std::thread::sleep(Duration::from_millis(200));
        (switches() == before).then_some(before)
    });
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!(switches(), before);
    init.signal(15);
    init.finish().ends_with(143);
}
