//! Whom init hands each signal to.

use crate::init_stage::{READY, Stage};
use crate::support::{Sandbox, send, wait_for};

/// A command that notes its signals, and ends with 3 at SIGTERM.
const COMMAND: &str = r#"for signal in HUP USR1 USR2 WINCH INT; do trap "echo command $signal >> $T/notes" $signal; done
trap 'echo command TERM >> $T/notes; exit 3' TERM
echo command started >> $T/notes
while :; do sleep 1000 & wait $!; done"#;

/// The notes of one kind.
fn of(sandbox: &Sandbox, who: &str) -> Vec<String> {
    let notes = sandbox.notes();
    let mut words: Vec<String> =
        notes.lines().filter_map(|line| line.strip_prefix(who)).map(|rest| rest.trim().to_owned()).collect();
    words.retain(|word| !word.starts_with("registered") && word != "started");
    words
}

#[test]
fn a_hang_up_reaches_the_scheduler_alone_and_what_runs_die_of_the_command_alone() {
    let sandbox = Sandbox::new();
    let init = Stage::new(&sandbox).scheduler(READY).script(COMMAND).start();
    sandbox.wait_for_note("command started");
    let run = sandbox.start_run("");
    init.signal(libc::SIGHUP);
    sandbox.wait_for_note("scheduler HUP");
    for (signal, name) in [(libc::SIGUSR1, "USR1"), (libc::SIGUSR2, "USR2"), (libc::SIGWINCH, "WINCH")] {
        init.signal(signal);
        sandbox.wait_for_note(&format!("command {name}"));
    }
    init.signal(libc::SIGTERM);
    init.finish().ends_with(3);
    run.finish().ends_with(143);
    assert_eq!(of(&sandbox, "scheduler"), ["HUP", "TERM", "finishes by F"]);
    assert_eq!(of(&sandbox, "command"), ["USR1", "USR2", "WINCH", "TERM"]);
    assert_eq!(of(&sandbox, "run"), ["TERM"]);
}

#[test]
fn a_hang_up_during_the_boot_waits_until_the_scheduler_can_hear_it() {
    let sandbox = Sandbox::new();
    let script = format!("until [ -e $T/go ]; do sleep 0.01; done\n{READY}");
    let init = Stage::new(&sandbox).scheduler(&script).start();
    sandbox.wait_for_file("lives");
    init.signal(libc::SIGHUP);
    std::fs::write(sandbox.path("go"), "").expect("can be written");
    sandbox.wait_for_note("scheduler HUP");
    init.signal(libc::SIGTERM);
    init.finish().ends_with(0);
}

#[test]
fn a_hang_up_waits_for_each_life_of_the_scheduler() {
    let sandbox = Sandbox::new();
    let script = format!("[ $1 = first ] || until [ -e $T/go ]; do sleep 0.01; done\n{READY}");
    let init = Stage::new(&sandbox).scheduler(&script).start();
    wait_for("the first scheduler", || sandbox.path("finish").exists().then_some(()));
    send(sandbox.lives()[0].1, 9);
    wait_for("the second", || (sandbox.lives().len() == 2).then_some(()));
    init.signal(libc::SIGHUP);
    // Init reads its signals before it answers: it has heard this one by then.
    let said = sandbox.run(&["alive", "--json"]).stdout;
    assert!(said.contains(r#""ready":true"#), "the container was ready once: {said}");
    std::fs::write(sandbox.path("go"), "").expect("can be written");
    sandbox.wait_for_note("scheduler HUP");
    assert_eq!(sandbox.lives().len(), 2);
    init.signal(libc::SIGTERM);
    init.finish().ends_with(0);
}

#[test]
fn an_interrupt_is_handed_on_and_tells_runs_that_their_time_counts() {
    let sandbox = Sandbox::new();
    let init = Stage::new(&sandbox).scheduler(READY).script(COMMAND).start();
    sandbox.wait_for_note("command started");
    let run = sandbox.start_run("");
    init.signal(libc::SIGINT);
    run.finish().ends_with(143);
    // The command of this test lets an interrupt pass.
    sandbox.wait_for_note("command INT");
    init.signal(libc::SIGTERM);
    init.finish().ends_with(3);
    assert_eq!(of(&sandbox, "run"), ["TERM"]);
    assert_eq!(of(&sandbox, "scheduler"), ["INT", "TERM", "finishes by F"]);
}

#[test]
fn a_second_request_is_handed_on_too() {
    let sandbox = Sandbox::new();
    let init = Stage::new(&sandbox).scheduler(READY).start();
    sandbox.wait_for_file("lives");
    let run = sandbox.start_run("ended() { [ -e $T/asked ] && { rm -r $R; exit 143; }; echo x > $T/asked; }");
    init.signal(libc::SIGTERM);
    sandbox.wait_for_file("asked");
    assert_eq!(of(&sandbox, "run"), ["TERM"]);
    init.signal(libc::SIGTERM);
    run.finish().ends_with(143);
    init.finish().ends_with(0);
    assert_eq!(of(&sandbox, "run"), ["TERM", "TERM"]);
}
