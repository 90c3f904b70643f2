//! The scheduler has done what killed runs owe: at its boot, and at once when a run of its own is killed.

use crate::debts_scene::{MADE_UP, expect_notes, frozen, journals, killed};
use crate::init_stand_in::Init;
use crate::support::{Sandbox, assert_in_order, send, wait_for};
use std::fs;

/// One that boots with nothing scheduled.
fn quiet() -> Sandbox {
    let mut sandbox = frozen();
    let crontab = sandbox.path("crontab").display().to_string();
    sandbox.set("CRONTAB_FILE", crontab).set("BACKUP_CRON", "").set("ROTATE_LOG_CRON", "");
    sandbox.set("RESTIC_CHECK_REPOSITORY_STATUS", "OFF");
    sandbox
}

/// One whose backup starts with the container.
fn at_reboot() -> Sandbox {
    let mut sandbox = quiet();
    sandbox.set("BACKUP_CRON", "@reboot");
    sandbox
}

/// Keeper and worker of the only run, which has frozen and works.
fn processes(sandbox: &Sandbox) -> [i32; 2] {
    sandbox.wait_for_file("started");
    let folder = fs::read_dir(sandbox.path("run/runs")).expect("is there").flatten().next().expect("there is a run");
    let keeper = fs::read_to_string(folder.path().join("pid")).expect("is there");
    let keeper = keeper.split_whitespace().next().and_then(|pid| pid.parse().ok()).expect("is a number");
    // Its only child: what it started is called as the file is that it was started by.
    let worker = wait_for("the worker", || {
        let children = fs::read_to_string(format!("/proc/{keeper}/task/{keeper}/children")).ok()?;
        children.split_whitespace().next()?.parse().ok()
    });
    [keeper, worker]
}

#[test]
fn a_boot_undoes_what_a_killed_run_has_left_before_it_is_ready() {
    let sandbox = quiet();
    killed(&sandbox);
    let init = Init::new(&sandbox);
    let scheduler = init.boot(&sandbox);
    assert_eq!(sandbox.notes(), MADE_UP);
    assert_eq!(journals(&sandbox).len(), 0);
    assert_eq!(sandbox.summary("backup")["status"], "interrupted");
    assert!(sandbox.path("metrics/boathook_debts.prom").exists());
    let said = scheduler.finish();
    assert_in_order(
        &said,
        &[
            "🔄 A run was killed and has left something undone: that is done first.",
            "✅ Run ",
            "✅ Assuming repository ",
            "✅ Container started successfully.",
        ],
    );
}

#[test]
fn a_boot_that_comes_no_further_has_thawed_all_the_same() {
    let mut sandbox = quiet();
    killed(&sandbox);
    // The repository is asked for, and the stand-in engine fails.
    sandbox.set("RESTIC_CHECK_REPOSITORY_STATUS", "ON").unset("ENGINE_WAITS").set("ENGINE_EXIT", "12");
    let (code, said) = Init::new(&sandbox).start(&sandbox, "first").end();
    assert_eq!((code, sandbox.notes().as_str()), (1, MADE_UP), "{said}");
}

#[test]
fn a_recovery_that_fails_is_loud_and_keeps_no_container_from_being_ready() {
    let sandbox = quiet();
    killed(&sandbox);
    fs::write(sandbox.path("no-thaw"), "").expect("can be written");
    let said = Init::new(&sandbox).boot(&sandbox).finish();
    assert_in_order(
        &said,
        &[
            "❌ Run ",
            "❌ Not all that killed runs owe could be done (exit code 1)",
            "✅ Container started successfully.",
        ],
    );
    assert_eq!(journals(&sandbox).len(), 1, "it stays owed");
}

#[test]
fn a_boot_does_not_touch_a_run_that_is_alive() {
    let sandbox = quiet();
    // As in another container on the same volume.
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    let said = Init::new(&sandbox).boot(&sandbox).finish();
    assert!(!said.contains("was killed"), "{said}");
    assert_eq!((sandbox.notes().as_str(), journals(&sandbox).len()), ("frozen\n", 1));
    running.signal(15);
    running.finish().ends_with(143);
}

#[test]
fn a_scheduled_run_that_is_killed_whole_is_undone_at_once() {
    let sandbox = at_reboot();
    let init = Init::new(&sandbox);
    let scheduler = init.boot(&sandbox);
    for pid in processes(&sandbox) {
        send(pid, libc::SIGKILL);
    }
    expect_notes(&sandbox, MADE_UP);
    wait_for("the journal to go", || journals(&sandbox).is_empty().then_some(()));
    scheduler.expect("What the run of backup left undone when it was killed is done now.");
    scheduler.expect(": nothing is owed any more.");
    let said = scheduler.finish();
    assert!(said.contains("was killed by signal 9") && !said.contains("Not all that killed runs owe"), "{said}");
}

#[test]
fn a_worker_that_outlives_its_killed_keeper_is_left_alone_until_it_dies() {
    let sandbox = at_reboot();
    let init = Init::new(&sandbox);
    let scheduler = init.boot(&sandbox);
    let [keeper, worker] = processes(&sandbox);
    send(keeper, libc::SIGKILL);
    scheduler.expect("was killed by signal 9");
    assert_eq!(sandbox.notes(), "frozen\n");
    send(worker, libc::SIGKILL);
    expect_notes(&sandbox, MADE_UP);
    scheduler.finish();
}

#[test]
fn a_run_that_is_killed_with_its_scheduler_is_undone_by_the_next_one() {
    let sandbox = at_reboot();
    let init = Init::new(&sandbox);
    let scheduler = init.boot(&sandbox);
    let processes = processes(&sandbox);
    scheduler.kill();
    let again = init.start(&sandbox, "again");
    again.expect_ready();
    assert_eq!(sandbox.notes(), "frozen\n", "the run is alive");
    for pid in processes {
        send(pid, libc::SIGKILL);
    }
    expect_notes(&sandbox, MADE_UP);
    again.expect("🔄 What runs left undone when it was killed is done now.");
    again.finish();
}

#[test]
fn a_scheduled_run_waits_for_the_recovery_of_its_job() {
    let sandbox = quiet();
    let yaml = fs::read_to_string(sandbox.path("hooks/hooks.yaml")).expect("is there");
    let folder = sandbox.path("").display().to_string();
    let wait = format!("echo x > {folder}/undoing; while [ ! -e {folder}/go ]; do sleep 0.02; done; echo thawed");
    assert!(yaml.contains("echo thawed"), "{yaml}");
    fs::write(sandbox.path("hooks/hooks.yaml"), yaml.replace("echo thawed", &wait)).expect("can be written");
    killed(&sandbox);
    let recovery = sandbox.start(&["hooks", "recover"]);
    sandbox.wait_for_file("undoing");
    let lock = sandbox.path("run/cron.lock").display().to_string();
    let waiting = sandbox.start(&["locked_run", "backup", &lock, "/bin/sh", "-c", "echo done"]);
    let skipped = sandbox.run(&["backup"]).ends_with(75).all();
    assert!(skipped.contains("held by the recovery of a run that was killed (pid "), "{skipped}");
    fs::write(sandbox.path("go"), "").expect("can be written");
    recovery.finish().ends_with(0);
    let finished = waiting.finish().ends_with(0);
    assert!(finished.stdout.ends_with("done\n"), "{}", finished.all());
    assert!(
        finished.stdout.contains("⏳ backup waits for the recovery of a run that was killed"),
        "{}",
        finished.all()
    );
}
