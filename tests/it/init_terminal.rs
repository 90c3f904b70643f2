//! The command of a container at a terminal: it has the foreground, and gives it back.

use crate::init_stage::{READY, Stage};
use crate::support::{Sandbox, wait_for};
use crate::terminal::{AtTerminal, CTRL_C};
use std::fs;

/// What Ctrl-Z sends.
const CTRL_Z: &str = "\x1a";

#[test]
fn an_interactive_shell_has_the_terminal_and_its_jobs_take_ctrl_c() {
    let mut sandbox = Sandbox::new();
    sandbox.set("PS1", "ready> ");
    let stage = Stage::new(&sandbox).scheduler(READY).command(&["sh", "-i"]);
    let mut terminal = stage.at_terminal();
    terminal.answers("ready> ", "cat > /dev/null; echo cat gave $?");
    // Only who is in front may read: it would be stopped, and the shell would say so.
    terminal.expect("cat gave $?");
    wait_for("cat", || sandbox.processes().iter().any(|(_, words)| words == "cat ").then_some(()));
    terminal.types(CTRL_C);
    terminal.answers("ready> ", "echo still $((40 + 2))");
    terminal.expect("still 42");
    terminal.answers("ready> ", "exit 5");
    let (code, shown) = terminal.ends();
    assert_eq!(code, 5, "{shown}");
    assert!(!shown.contains("job control"), "{shown}");
    // The scheduler has seen the stop at the end, and no Ctrl-C.
    assert_eq!(sandbox.notes(), "scheduler TERM\nscheduler finishes by F\n");
    sandbox.expect_no_process();
}

#[test]
fn ctrl_c_reaches_the_command_once_and_nobody_else() {
    let sandbox = Sandbox::new();
    let script = "trap 'echo command INT >> $T/notes' INT; trap 'echo over >> $T/notes; exit 4' TERM; echo up
        while :; do sleep 0.05; done";
    let mut terminal = Stage::new(&sandbox).scheduler(READY).script(script).at_terminal();
    terminal.expect("up");
    terminal.types(CTRL_C);
    sandbox.wait_for_note("command INT");
    let pid = terminal.pid();
    crate::support::send(pid, 15);
    assert_eq!(terminal.ends().0, 4);
    assert_eq!(sandbox.notes().matches("INT").count(), 1, "{}", sandbox.notes());
}

#[test]
fn ctrl_z_does_not_hang_the_container() {
    let sandbox = Sandbox::new();
    // Without a child: a shell that is stopped between vfork and exec does not look stopped to anybody.
    let script = "trap 'echo went on >> $T/notes' CONT; echo up; until [ -e $T/go ]; do :; done; exit 6";
    let mut terminal = Stage::new(&sandbox).script(script).at_terminal();
    terminal.expect("up");
    terminal.types(CTRL_Z);
    sandbox.wait_for_note("went on");
    fs::write(sandbox.path("go"), "").expect("can be written");
    assert_eq!(terminal.ends().0, 6);
}

#[test]
fn ctrl_c_at_a_schedule_alone_stops_the_container() {
    let sandbox = Sandbox::new();
    let mut terminal = Stage::new(&sandbox).scheduler(&format!("echo up\n{READY}")).at_terminal();
    terminal.expect("up");
    sandbox.wait_for_file("lives");
    wait_for("the scheduler", || sandbox.path("finish").exists().then_some(()));
    terminal.types(CTRL_C);
    assert_eq!(terminal.ends().0, 0);
    assert_eq!(sandbox.notes(), "scheduler INT\nscheduler finishes by F\n");
}

#[test]
fn the_shell_that_started_the_container_has_its_terminal_back() {
    let mut sandbox = Sandbox::new();
    sandbox.set("PS1", "outer> ");
    let mut terminal = AtTerminal::start_program(sandbox.command("sh", &["-i"]));
    terminal.answers("outer> ", &format!("{} entry.sh hooks list; echo gave $?", crate::support::BOATHOOK));
    terminal.expect("gave 0");
    terminal.answers("outer> ", "exit 3");
    let (code, shown) = terminal.ends();
    assert_eq!(code, 3, "{shown}");
}

#[test]
fn ctrl_c_at_a_one_shot_run_is_that_runs_interrupt() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("post-backup.sh", "echo post $1 $RUN_STATUS >> $T/notes");
    let started = sandbox.path("started").display().to_string();
    sandbox.set("ENGINE_WAITS", "setsid sleep 1000").set("ENGINE_STARTED", started);
    let mut terminal = AtTerminal::start(&sandbox, &["entry.sh", "backup"]);
    sandbox.wait_for_file("started");
    terminal.types(CTRL_C);
    let (code, shown) = terminal.ends();
    assert_eq!((code, sandbox.notes().as_str()), (130, "post 130 interrupted\n"), "{shown}");
    sandbox.expect_no_process();
}
