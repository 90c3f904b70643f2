//! Signals in every phase: post hooks run in every case, and the exit code says what happened.

use crate::support::{Running, Sandbox, send};
use std::fs;
use std::time::{Duration, Instant};

fn hooks(sandbox: &Sandbox) {
    sandbox.hook("post-backup.sh", "echo post $1 $RUN_STATUS >> $T/notes");
}

fn engine_running(sandbox: &mut Sandbox) -> Running {
    let started = sandbox.path("started").display().to_string();
    sandbox.set("ENGINE_WAITS", "setsid sleep 1000").set("ENGINE_STARTED", started);
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    running
}

#[test]
fn each_signal_during_the_work_interrupts_it_and_names_itself_in_the_code() {
    for (signal, code) in [(1, 129), (2, 130), (3, 131), (15, 143)] {
        let mut sandbox = Sandbox::with_stand_in_engine();
        hooks(&sandbox);
        let running = engine_running(&mut sandbox);
        running.signal(signal);
        running.finish().ends_with(code);
        assert_eq!(sandbox.notes(), format!("post {code} interrupted\n"));
        assert!(sandbox.engine_log().ends_with("interrupted\n"), "the engine was not asked by SIGINT");
        let summary = sandbox.summary("backup");
        assert_eq!((&summary["status"], &summary["work"]["status"]), (&"interrupted".into(), &"interrupted".into()));
        sandbox.expect_no_process();
    }
}

#[test]
fn a_ctrl_c_that_reaches_the_whole_group_counts_once() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    hooks(&sandbox);
    sandbox.hook("post-backup.2-slow.sh", "sleep 0.5; echo slow >> $T/notes");
    let running = engine_running(&mut sandbox);
    send(-running.pid(), 2);
    running.finish().ends_with(130);
    assert_eq!(sandbox.notes(), "post 130 interrupted\nslow\n");
}

#[test]
fn a_signal_in_a_pre_hook_ends_it_and_skips_the_work() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    hooks(&sandbox);
    sandbox.set("STOP_TIMEOUT", "6");
    sandbox.hook(
        "pre-backup.sh",
        "trap 'echo trapped >> $T/notes' TERM; echo $$ > $T/started; sleep 1000 & wait; sleep 1000",
    );
    sandbox.hook("pre-backup.2-b.sh", "echo MUST NOT RUN >> $T/notes");
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    let asked = Instant::now();
    running.signal(15);
    running.finish().ends_with(143);
    assert!(asked.elapsed() < Duration::from_secs(6), "took {:?}", asked.elapsed());
    assert_eq!(sandbox.notes(), "trapped\npost 143 interrupted\n");
    assert_eq!(sandbox.engine_log(), "");
    assert_eq!(sandbox.summary("backup")["work"]["status"], "skipped");
    sandbox.expect_no_process();
}

#[test]
fn a_signal_in_a_post_hook_leaves_outcome_and_exit_code() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook(
        "post-backup.1-a.sh",
        "echo $$ > $T/started; while [ ! -e $T/go ]; do sleep 0.02; done; echo a >> $T/notes",
    );
    sandbox.hook("post-backup.2-b.sh", "echo b $1 $RUN_STATUS >> $T/notes");
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    running.signal(2);
    fs::write(sandbox.path("go"), "").expect("can be written");
    running.finish().ends_with(0);
    assert_eq!(sandbox.notes(), "a\nb 0 success\n");
    assert_eq!(sandbox.summary("backup")["status"], "success");
}

#[test]
fn sigterm_gives_post_hooks_a_total_budget() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("STOP_TIMEOUT", "4");
    sandbox.hook("post-backup.sh", "trap '' TERM; echo $$ > $T/started; sleep 1000; sleep 1000");
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    let asked = Instant::now();
    running.signal(15);
    running.finish().ends_with(0);
    assert!(asked.elapsed() < Duration::from_secs(4), "took {:?}", asked.elapsed());
    assert_eq!(sandbox.summary("backup")["hooks"][0]["status"], "failed");
    sandbox.expect_no_process();
}

#[test]
fn a_second_signal_cuts_the_engines_grace_short_but_not_the_post_hooks() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    hooks(&sandbox);
    crate::support::write_executable(
        &sandbox.path("bin/restic"),
        "#!/bin/sh\n# A stand-in for a restic that does not end.\n[ \"$1\" = version ] && { echo restic 0.18.0 compiled; exit 0; }\ntrap 'echo asked > \"$ENGINE_STARTED.asked\"' INT\necho $$ > \"$ENGINE_STARTED\"\nwhile :; do sleep 1000; done\n",
    );
    let running = engine_running(&mut sandbox);
    let asked = Instant::now();
    running.signal(2);
    // The first is known to be heard when the engine was asked; only a later one is a second.
    std::thread::sleep(Duration::from_millis(600));
    running.signal(2);
    running.finish().ends_with(130);
    assert!(asked.elapsed() < Duration::from_secs(20), "took {:?}", asked.elapsed());
    assert_eq!(sandbox.notes(), "post 130 interrupted\n");
    sandbox.expect_no_process();
}

#[test]
fn a_signal_while_waiting_for_the_lock_ends_at_once_without_a_run() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let holder = engine_running(&mut sandbox);
    sandbox.hook("post-backup.sh", "echo MUST NOT RUN >> $T/notes");
    let waiting = sandbox.start(&["backup", "--wait"]);
    crate::support::wait_for("the second to open the lock", || {
        let links = fs::read_dir(format!("/proc/{}/fd", waiting.pid())).ok()?;
        links.flatten().any(|link| fs::read_link(link.path()).is_ok_and(|to| to.ends_with("cron.lock"))).then_some(())
    });
    waiting.signal(15);
    assert_eq!(waiting.finish().code(), 143);
    assert_eq!(sandbox.notes(), "");
    holder.signal(2);
    holder.finish().ends_with(130);
}

#[test]
fn a_signal_while_waiting_for_the_lock_is_heard_by_the_first_process_of_a_container() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let holder = engine_running(&mut sandbox);
    let unshare = ["--user", "--map-root-user", "--pid", "--fork", "--kill-child"];
    if sandbox.run_program("unshare", &[&unshare[..], &["true"]].concat()).code() != 0 {
        println!("skipped: no PID namespace of our own can be made here");
        holder.signal(2);
        holder.finish();
        return;
    }
    let outer =
        sandbox.start_program("unshare", &[&unshare[..], &[crate::support::BOATHOOK, "backup", "--wait"]].concat());
    let waiting = crate::support::wait_for("the second to open the lock", || {
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", outer.pid())).ok()?;
        let pid: i32 = children.split_whitespace().next()?.parse().ok()?;
        let links = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
        // The lock is open, and it waits with signals caught.
        let link = |name: &str| {
            fs::read_dir(format!("/proc/{pid}/fd")).is_ok_and(|links| {
                links
                    .flatten()
                    .any(|link| fs::read_link(link.path()).is_ok_and(|to| to.to_string_lossy().contains(name)))
            })
        };
        drop(links);
        (link("cron.lock") && link("signalfd")).then_some(pid)
    });
    send(waiting, 15);
    assert_eq!(outer.finish().code(), 143);
    holder.signal(2);
    holder.finish().ends_with(130);
}

#[test]
fn a_stop_that_comes_during_notifications_does_not_wait_for_them_for_ever() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback is there");
    sandbox.set("WEBHOOK_URL", format!("http://{}/", listener.local_addr().expect("is bound")));
    sandbox.set("WEBHOOK_TIMEOUT", "600").set("STOP_TIMEOUT", "4");
    let running = sandbox.start(&["backup"]);
    let (_silent, _) = listener.accept().expect("is called");
    let asked = Instant::now();
    running.signal(15);
    let out = running.finish().ends_with(0).all();
    assert!(asked.elapsed() < Duration::from_secs(4), "took {:?}", asked.elapsed());
    assert!(out.contains("Notifications were given up"), "{out}");
}
