//! Init and its scheduler: what it is handed, and what its end means.

use crate::init_stage::{READY, Stage};
use crate::support::{Sandbox, send, wait_for};
use std::fs;
use std::time::{Duration, Instant};

#[test]
fn the_scheduler_finds_what_it_is_handed_at_the_agreed_numbers() {
    let sandbox = Sandbox::new();
    let script = format!("(cd /proc/$$/fd; for n in *; do echo $n $(readlink $n); done) > $T/fds\n{READY}");
    let init = Stage::new(&sandbox).scheduler(&script).start();
    sandbox.wait_for_file("lives");
    let fds = wait_for("the list", || {
        fs::read_to_string(sandbox.path("fds")).ok().filter(|text| text.contains("\n7 ") && text.ends_with('\n'))
    });
    let kinds: Vec<(&str, &str)> = fds
        .lines()
        .filter_map(|line| line.split_once(' '))
        // The script itself, as the shell has it open.
        .filter(|(_, to)| !to.ends_with("bin/scheduler"))
        .map(|(number, to)| (number, to.split([':', ' ']).next().unwrap_or_default()))
        .collect();
    let expected = [
        ("0", "/dev/null"),
        ("1", "pipe"),
        ("2", "pipe"),
        ("3", "pipe"),
        ("4", "pipe"),
        ("5", "socket"),
        ("6", "/memfd"),
        ("7", "socket"),
    ];
    assert_eq!(kinds, expected);
    init.signal(15);
    init.finish().ends_with(0);
}

#[test]
fn before_it_is_ready_its_exit_code_is_the_containers() {
    let sandbox = Sandbox::new();
    let stage = Stage::new(&sandbox).scheduler("exit 7").script("echo MUST NOT RUN >> $T/notes");
    stage.run().ends_with(7);
    assert_eq!((sandbox.notes(), sandbox.lives().len()), (String::new(), 1));
}

#[test]
fn a_scheduler_that_cannot_be_executed_ends_the_container_with_a_reason() {
    let sandbox = Sandbox::new();
    let stage = Stage::new(&sandbox).scheduler("");
    fs::remove_file(sandbox.path("bin/scheduler")).expect("is there");
    let finished = stage.run().ends_with(1);
    assert!(finished.stderr.contains("the scheduler cannot be started: No such file"), "{}", finished.stderr);
}

#[test]
fn a_killed_scheduler_starts_again_and_nothing_that_it_was_handed_is_lost() {
    let sandbox = Sandbox::new();
    let script = format!(
        r#"if [ "$1" = first ]; then
    echo 'backup 02:00' > /proc/self/fd/6
    echo 'written for the log' >&4
    # A worker of its own.
    sh -c 'trap "echo worker hears >> $0/notes" TERM HUP; echo $$ > $0/worker; while :; do sleep 0.05; done' "$T" &
else
    head -n1 <&3 > $T/read; cat /proc/self/fd/6 >> $T/read
fi
{READY}"#
    );
    let init = Stage::new(&sandbox).scheduler(&script).start();
    let worker: i32 = sandbox.wait_for_file("worker").trim().parse().expect("a number");
    wait_for("the first scheduler", || sandbox.path("finish").exists().then_some(()));
    let killed = Instant::now();
    send(sandbox.lives()[0].1, 9);
    let read = wait_for("the second", || {
        fs::read_to_string(sandbox.path("read")).ok().filter(|text| text.lines().count() == 2)
    });
    assert!(killed.elapsed() >= Duration::from_millis(900), "not at once");
    assert_eq!(read, "written for the log\nbackup 02:00\n");
    let lives = sandbox.lives();
    assert_eq!(lives.iter().map(|(how, _)| how.as_str()).collect::<Vec<_>>(), ["first", "again"]);
    // Its worker is init's now, and heard nothing of it.
    let stat = fs::read_to_string(format!("/proc/{worker}/stat")).expect("lives");
    assert_eq!(stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)), Some(&*init.pid().to_string()));
    assert_eq!(sandbox.notes(), "");
    init.signal(15);
    let finished = init.finish().ends_with(0);
    assert!(finished.stderr.contains("the scheduler was ended by signal 9; it is started again in 1 s"));
    sandbox.expect_no_process();
}

#[test]
fn a_scheduler_that_dies_as_soon_as_it_is_ready_is_started_again_too() {
    let sandbox = Sandbox::new();
    let script = format!("[ $1 = again ] || {{ printf R >&5; exit 3; }}\n{READY}");
    let init = Stage::new(&sandbox).scheduler(&script).start();
    wait_for("a second life", || (sandbox.lives().len() == 2).then_some(()));
    wait_for("its start", || sandbox.path("finish").exists().then_some(()));
    init.signal(15);
    init.finish().ends_with(0);
}

#[test]
fn what_nobody_is_left_to_log_goes_to_the_containers_output() {
    let sandbox = Sandbox::new();
    let init = Stage::new(&sandbox).scheduler("echo 'the last words of a run' >&4; printf R >&5; exit 3").start();
    wait_for("its end", || sandbox.lives().first().filter(|(_, pid)| !alive(*pid)).map(|_| ()));
    init.signal(15);
    let finished = init.finish().ends_with(0);
    assert_eq!((finished.stdout.as_str(), sandbox.lives().len()), ("the last words of a run\n", 1));
}

fn alive(pid: i32) -> bool {
    fs::metadata(format!("/proc/{pid}")).is_ok()
}
