//! `unlock --remove-all`: whose locks it takes away, and who must want that.

use crate::support::{Sandbox, assert_in_order, wait_for};
use crate::terminal::{AtTerminal, CTRL_C};
use crate::unlock::{assert_extras, leave_lock, noting_hooks, wrap_restic};
use std::fs;
use std::io::Write as _;

/// Weakness 5: `--remove-all` took living locks away without a word.
#[test]
fn where_nobody_can_be_asked_remove_all_needs_yes() {
    for sandbox in Sandbox::with_each_repository() {
        noting_hooks(&sandbox);
        let holder = sandbox.hold_shared_lock();
        let out = sandbox.run(&["unlock", "--remove-all"]).ends_with(2).stdout;
        assert_in_order(
            &out,
            &["🔎 Locks before: 1", "❌ --remove-all takes locks away", "❌ Unlock failed with Status 2"],
        );
        assert_extras(&sandbox, ["ON", "OFF", "1", "1"]);
        assert_eq!((sandbox.repository_locks(), sandbox.notes().as_str()), (1, "pre\npost 2\n"));

        let out = sandbox.run(&["unlock", "--remove-all", "-y"]).ends_with(0).stdout;
        assert!(out.contains(" is in use and removed all the same: process "), "{out}");
        assert!(out.contains("✅ Unlock successful (locks 1 → 0)"), "{out}");
        assert_extras(&sandbox, ["ON", "OFF", "1", "0"]);
        assert_eq!(sandbox.summary("unlock")["stats"]["locks_removed"], 1);
        assert_eq!(sandbox.repository_locks(), 0);
        holder.kill();
    }
}

/// Issue: at a terminal `--remove-all` asks, with the locks shown and those in use named.
#[test]
fn at_a_terminal_remove_all_shows_the_locks_and_wants_a_yes() {
    for sandbox in Sandbox::with_each_repository() {
        noting_hooks(&sandbox);
        leave_lock(&sandbox);
        let holder = sandbox.hold_shared_lock();
        for answer in ["", "y", "YES", "no"] {
            let mut terminal = AtTerminal::start(&sandbox, &["unlock", "--remove-all"]);
            let shown = terminal.expect("Type 'yes' to remove all 2, anything else to cancel: ");
            assert!(shown.contains("🔎 Locks of ") && shown.contains("⚠️ 1 of them is in use"), "{shown}");
            assert_eq!(
                shown.matches("(restic) of this host has it").count(),
                2,
                "in the table, and named below\n{shown}"
            );
            terminal.types(&format!("{answer}\n"));
            let (code, text) = terminal.ends();
            assert_eq!(code, 130, "{text}");
            assert!(text.contains("🛑 Unlock cancelled by operator."), "{text}");
            let summary = sandbox.summary("unlock");
            assert_eq!((&summary["status"], &summary["exit_code"]), (&"interrupted".into(), &130.into()));
            assert_extras(&sandbox, ["ON", "OFF", "unknown", "unknown"]);
            assert_eq!((sandbox.repository_locks(), sandbox.notes().as_str()), (2, ""));
        }
        let mut terminal = AtTerminal::start(&sandbox, &["unlock", "--remove-all"]);
        terminal.expect("to cancel: ");
        fs::remove_file(sandbox.path("log/last-unlock.json")).expect("is there");
        terminal.types(CTRL_C);
        assert_eq!(terminal.ends().0, 130);
        assert_eq!(sandbox.summary("unlock")["status"], "interrupted");
        assert_extras(&sandbox, ["ON", "OFF", "unknown", "unknown"]);
        assert_eq!((sandbox.repository_locks(), sandbox.notes().as_str()), (2, ""));

        let mut terminal = AtTerminal::start(&sandbox, &["unlock", "--remove-all"]);
        terminal.answers("to cancel: ", "yes");
        let (code, text) = terminal.ends();
        assert_eq!(code, 0, "{text}");
        assert!(text.contains("✅ Unlock successful (locks 2 → 0)"), "{text}");
        assert_eq!((sandbox.repository_locks(), sandbox.notes().as_str()), (0, "pre\npost 0\n"));
        holder.kill();
        // Nothing to ask about: nobody is asked. Neither is anybody for plain unlock.
        for words in [&["unlock", "--remove-all"][..], &["unlock"]] {
            assert_eq!(AtTerminal::start(&sandbox, words).ends().0, 0);
        }
    }
}

/// What a person was shown is what they agreed to: a lock that comes afterwards is somebody else's work.
#[test]
fn a_lock_in_use_that_was_not_shown_is_not_removed() {
    let sandbox = Sandbox::with_repository();
    leave_lock(&sandbox);
    sandbox.hook("pre-unlock.sh", "echo ready > $T/ready; while [ ! -e $T/go ]; do sleep 0.02; done");
    let mut terminal = AtTerminal::start(&sandbox, &["unlock", "--remove-all"]);
    terminal.answers("to cancel: ", "yes");
    sandbox.wait_for_file("ready");
    let holder = sandbox.hold_shared_lock();
    fs::write(sandbox.path("go"), "").expect("can be written");
    let (code, text) = terminal.ends();
    assert_eq!(code, 2, "{text}");
    assert!(text.contains(" is in use and was not among those that were shown before"), "{text}");
    assert_eq!(sandbox.repository_locks(), 2);
    holder.kill();
}

/// A pre hook may be what makes the repository reachable: that it cannot be listed before ends nothing.
#[test]
fn a_repository_that_only_a_pre_hook_makes_reachable_is_unlocked() {
    let sandbox = Sandbox::with_repository();
    leave_lock(&sandbox);
    fs::rename(sandbox.path("repo"), sandbox.path("hidden")).expect("can be renamed");
    sandbox.hook("pre-unlock.sh", "mv $T/hidden $T/repo");
    let (code, text) = AtTerminal::start(&sandbox, &["unlock", "--remove-all"]).ends();
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("✅ Unlock successful (locks 1 → 0)"), "{text}");
}

/// A lock of a run of this container is named by its run.
#[test]
fn a_lock_of_a_run_of_ours_is_named_by_the_run() {
    for sandbox in Sandbox::with_each_repository() {
        let pipe = sandbox.path("pipe").display().to_string();
        sandbox.run_program("mkfifo", &[&pipe]).ends_with(0);
        wrap_restic(&sandbox, "[ \"$1\" = backup ] && exec \"$REAL\" backup --stdin --tag=held < $T/pipe");
        let backup = sandbox.start(&["backup"]);
        let mut writer = fs::OpenOptions::new().write(true).open(&pipe).expect("is there");
        wait_for("the lock of the backup", || (sandbox.repository_locks() == 1).then_some(()));
        let run = wait_for("the run", || {
            let runs = fs::read_dir(sandbox.path("run/runs")).ok()?;
            runs.flatten()
                .map(|run| run.file_name().to_string_lossy().into_owned())
                .find(|run| run.contains("-backup-"))
        });
        let mut terminal = AtTerminal::start(&sandbox, &["unlock", "--remove-all"]);
        let shown = terminal.expect("Type 'yes' to remove all 1, anything else to cancel: ");
        assert_eq!(shown.matches(&format!("has it, for run {run}")).count(), 2, "{shown}");
        terminal.types("no\n");
        assert_eq!(terminal.ends().0, 130);
        let out = sandbox.run(&["unlock"]).ends_with(0).stdout;
        assert!(out.contains(&format!("for run {run}")) && out.contains("(locks 1 → 1)"), "{out}");
        writer.write_all(b"done\n").expect("is taken");
        drop(writer);
        backup.finish().ends_with(0);
        assert_eq!(sandbox.repository_locks(), 0);
    }
}
