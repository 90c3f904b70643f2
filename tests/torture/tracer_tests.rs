//! The tracer does what it says: tried with small programs of the shell.

use crate::calls::Failure;
use crate::points::{Deed, Place};
use crate::tracer::{Aim, Order, Trace, follow};
use crate::watchdog::Watchdog;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

struct Tried {
    trace: Trace,
    said: String,
    took: Duration,
}

fn follow_shell(script: &str, aim: Aim<'_>, patience: Duration) -> Tried {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("out");
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]).stdin(Stdio::null());
    command.stdout(fs::File::create(&out).expect("can be made")).stderr(Stdio::null());
    let shell: PathBuf = fs::canonicalize("/bin/sh").expect("is there");
    let order = Order { command, program: &shell, aim, record: true, roots: &[] };
    let began = Instant::now();
    let trace = follow(order, &Watchdog::new(patience)).expect("can be followed");
    Tried { trace, said: fs::read_to_string(out).expect("is there"), took: began.elapsed() }
}

fn at(place: &str) -> Place {
    Place::parse(place).expect("is one")
}

const LONG: Duration = Duration::from_secs(20);

fn is_skipped() -> bool {
    if !crate::registers::SUPPORTED {
        println!("skipped: the tracer (Linux on x86_64 and aarch64 only)");
    }
    !crate::registers::SUPPORTED
}

#[test]
fn the_nth_write_fails_and_no_other() {
    if is_skipped() {
        return;
    }
    let failure = Deed::Fail(Failure::Error("EIO", libc::EIO));
    let script = "echo a; echo b || echo failed; echo c";
    let tried = follow_shell(script, Aim::At(&at("keeper.0:write:2"), failure), LONG);
    assert!(tried.trace.met);
    // What the shell says of it is a write, too, but on the other output.
    assert_eq!(tried.said, "a\nfailed\nc\n");
    assert_eq!(tried.trace.code(), 0);
}

#[test]
fn half_a_write_is_taken() {
    if is_skipped() {
        return;
    }
    let tried = follow_shell("echo 123456", Aim::At(&at("keeper.0:write:1"), Deed::Fail(Failure::Short)), LONG);
    assert!(tried.said.starts_with("123"), "{:?}", tried.said);
    let writes = tried.trace.seen.iter().filter(|seen| seen.place.call == "write").count();
    assert!(writes == 1 && tried.said == "123" || writes == 2 && tried.said == "123456\n", "{:?}", tried.said);
}

#[test]
fn a_process_is_killed_before_the_call() {
    if is_skipped() {
        return;
    }
    let tried = follow_shell("echo a; echo b; echo c", Aim::At(&at("keeper.0:write:2"), Deed::Kill), LONG);
    assert_eq!((tried.said.as_str(), tried.trace.code()), ("a\n", 137));
}

#[test]
fn a_fork_is_told_from_its_parent_and_killed_alone() {
    if is_skipped() {
        return;
    }
    let script = "(echo a; echo b); echo $?";
    let tried = follow_shell(script, Aim::At(&at("worker.0:write:2"), Deed::Kill), LONG);
    assert_eq!((tried.said.as_str(), tried.trace.code()), ("a\n137\n", 0));
}

#[test]
fn everything_is_killed_at_once_also_what_left_the_session() {
    if is_skipped() {
        return;
    }
    let script = "setsid sleep 1000 & (sleep 1000; echo b) & echo a; wait";
    let tried = follow_shell(script, Aim::At(&at("keeper.0:write:1"), Deed::All), LONG);
    assert_eq!((tried.said.as_str(), tried.trace.code()), ("", 137));
    assert!(tried.took < LONG && tried.trace.hung.is_empty(), "{:?}", tried.trace.hung);
}

#[test]
fn what_hangs_is_ended_and_named() {
    if is_skipped() {
        return;
    }
    let tried = follow_shell("sleep 1000; echo a", Aim::Nothing, Duration::from_millis(300));
    assert!(tried.trace.hung.iter().any(|one| one.starts_with("sleep (sleep 1000)")), "{:?}", tried.trace.hung);
}

#[test]
fn what_was_not_synced_when_the_power_is_cut_is_lost() {
    if is_skipped() {
        return;
    }
    let dd = fs::canonicalize("/bin/dd").expect("is there");
    for (how, left) in [("conv=notrunc", "before"), ("conv=fsync", "new")] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::write(&from, "new").expect("is written");
        fs::write(&to, "before").expect("is written");
        let mut command = Command::new(&dd);
        command.arg(format!("if={}", from.display())).arg(format!("of={}", to.display())).arg(how);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let (roots, never) = ([folder.path().to_owned()], at("keeper.0:exit_group:99"));
        let order = Order { command, program: &dd, aim: Aim::At(&never, Deed::Power), record: false, roots: &roots };
        let trace = follow(order, &Watchdog::new(LONG)).expect("can be followed");
        assert!(fs::read_to_string(&to).expect("is there").starts_with("new"));
        trace.disk.expect("was looked at").restore().expect("can be written");
        assert_eq!(fs::read_to_string(&to).expect("is there"), left, "{how}");
    }
}
