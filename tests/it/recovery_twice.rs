//! Recoveries that meet each other, a living run, a signal, or their own end: each step is taken once.

use crate::recovery_scene::{Scene, assert_settled, entries, journals, recovered, recoveries};
use crate::support::{BOATHOOK, Finished, Running, Sandbox, send, wait_for};
use crate::undo::child_of;
use std::fs;
use std::path::PathBuf;

/// What a whole recovery notes of a run that was killed in its work.
fn all_of(run: &str) -> String {
    ["undo-b", "undo-a", "first", "post"].map(|name| recovered(name, run, "1 2")).concat()
}

const BEFORE: &str = "a\nm\nb\n";

/// Starts `boathook` with these words as another container on the same volume would: a `RUN_DIR` of its own, numbers of
/// processes of its own. `None` where that cannot be had.
fn in_another_container(sandbox: &Sandbox, words: &[&str]) -> Option<Running> {
    let space = ["--pid", "--fork", "--kill-child", "--mount-proc"];
    if sandbox.run_program("unshare", &[&space[..], &["true"]].concat()).code() != 0 {
        eprintln!("skipped: a pid namespace of its own cannot be had");
        return None;
    }
    let mut command = sandbox.command("unshare", &[&space[..], &[BOATHOOK], words].concat());
    command.env("RUN_DIR", sandbox.path("other-run"));
    Some(Sandbox::spawn(command))
}

/// `hooks recover` that waits in the hook of this name.
fn recovering(scene: &Scene, halted: &str) -> Running {
    scene.halt(halted);
    let running = scene.sandbox.start(&["hooks", "recover"]);
    scene.wait_until_halted(halted);
    running
}

#[test]
fn a_recovery_in_another_container_is_waited_for_and_nothing_runs_twice() {
    let scene = Scene::new();
    let run = scene.crashed_in("work");
    let here = recovering(&scene, "undo-a");
    let Some(there) = in_another_container(&scene.sandbox, &["hooks", "recover"]) else { return };
    let Some(own) = in_another_container(&scene.sandbox, &["check"]) else { return };
    // Another job has nothing to wait for.
    own.finish().ends_with(0);
    scene.go_on("undo-a");
    here.finish().ends_with(0);
    there.finish().ends_with(0);
    assert_eq!(scene.sandbox.notes(), BEFORE.to_owned() + &all_of(&run));
    assert_settled(&scene.sandbox);
}

#[test]
fn a_run_waits_while_its_job_is_recovered_in_another_container() {
    let scene = Scene::new();
    scene.halt("work");
    let Some(mut crashed) = in_another_container(&scene.sandbox, &["backup"]) else { return };
    scene.wait_until_halted("work");
    let [run] = <[String; 1]>::try_from(journals(&scene.sandbox)).expect("one run has a journal");
    // With its first process the whole container goes.
    crashed.signal(libc::SIGKILL);
    crashed.end();
    scene.sandbox.expect_no_process();
    scene.go_on("work");
    scene.halt("undo-a");
    let Some(there) = in_another_container(&scene.sandbox, &["hooks", "recover"]) else { return };
    scene.wait_until_halted("undo-a");
    let here = scene.sandbox.start(&["backup"]);
    // It looks at the journal again and again, or begins its own run.
    let looks = |is_looking: bool| {
        wait_for("a look at the journal", || {
            let links = entries(&PathBuf::from(format!("/proc/{}/fd", here.pid())));
            let journal = format!("{run}.journal");
            let is_open = links.iter().any(|link| fs::read_link(link).is_ok_and(|to| to.ends_with(&journal)));
            let has_begun = scene.sandbox.notes().lines().filter(|line| *line == "a").count() > 1;
            (is_open == is_looking || has_begun).then_some(())
        });
    };
    [true, false, true].into_iter().for_each(looks);
    scene.go_on("undo-a");
    there.finish().ends_with(0);
    here.finish().ends_with(0);
    let notes = scene.sandbox.notes();
    assert!(notes.starts_with(&(BEFORE.to_owned() + &all_of(&run) + BEFORE)), "{notes}");
    let _ = fs::remove_dir_all(scene.sandbox.path("other-run"));
    assert_settled(&scene.sandbox);
}

#[test]
fn a_living_run_of_another_container_is_left_alone() {
    let scene = Scene::new();
    scene.halt("work");
    let Some(there) = in_another_container(&scene.sandbox, &["backup"]) else { return };
    scene.wait_until_halted("work");
    let [run] = <[String; 1]>::try_from(journals(&scene.sandbox)).expect("one run has a journal");
    let said = scene.recover().ends_with(0);
    assert_eq!(said.stdout, format!("⏳ Run {run} is alive, or somebody recovers it: left alone.\n"));
    assert_eq!(scene.sandbox.notes(), BEFORE);
    scene.go_on("work");
    there.finish().ends_with(0);
    assert_eq!(scene.sandbox.notes().matches("undo-b").count(), 1);
    assert_settled(&scene.sandbox);
}

#[test]
fn a_living_run_of_this_container_is_left_alone() {
    let scene = Scene::new();
    let crash = scene.waiting_in("work");
    let said = scene.recover().ends_with(0);
    assert_eq!(said.stdout, format!("⏳ Run {} is alive, or somebody recovers it: left alone.\n", crash.run));
    scene.go_on("work");
    crash.running.finish().ends_with(0);
    assert_settled(&scene.sandbox);
}

#[test]
fn a_recovery_that_is_killed_is_gone_on_with_where_it_stood() {
    for place in ["undo-b", "undo-a", "first", "post", "notification"] {
        let scene = Scene::new();
        let run = scene.crashed_in("work");
        let recovery = recovering(&scene, place);
        scene.kill(recovery, place);
        scene.recover().ends_with(0);
        assert_eq!(scene.sandbox.notes(), BEFORE.to_owned() + &all_of(&run), "{place}");
        let summary = scene.sandbox.summary("backup");
        assert_eq!((&summary["run_id"], &summary["status"]), (&run.into(), &"interrupted".into()), "{place}");
        assert_eq!(recoveries(&scene.sandbox).len(), 1, "{place}: a recovery that was killed has no end");
        assert_settled(&scene.sandbox);
    }
}

#[test]
fn the_next_run_goes_on_with_a_recovery_that_the_run_before_it_was_killed_in() {
    let scene = Scene::new();
    let run = scene.crashed_in("b");
    for _ in 0..2 {
        scene.halt("undo-a");
        let running = scene.sandbox.start(&["backup"]);
        scene.wait_until_halted("undo-a");
        scene.kill(running, "undo-a");
    }
    scene.sandbox.run(&["backup"]).ends_with(0);
    let undone = recovered("undo-b", &run, "1 2") + &recovered("undo-a", &run, "1 -");
    let posts = recovered("first", &run, "1 -") + &recovered("post", &run, "1 -");
    let notes = scene.sandbox.notes();
    assert!(notes.starts_with(&(BEFORE.to_owned() + &undone + &posts + BEFORE)), "{notes}");
    assert_settled(&scene.sandbox);
}

#[test]
fn a_killed_worker_of_a_recovery_has_a_successor() {
    let scene = Scene::new();
    let run = scene.crashed_in("work");
    let recovery = recovering(&scene, "undo-a");
    let worker = child_of(recovery.pid(), "boathook");
    send(worker, libc::SIGKILL);
    wait_for("the successor", || Some(child_of(recovery.pid(), "boathook")).filter(|pid| *pid != worker));
    scene.go_on("undo-a");
    recovery.finish().ends_with(0);
    assert_eq!(scene.sandbox.notes(), BEFORE.to_owned() + &all_of(&run));
    assert_settled(&scene.sandbox);
}

#[test]
fn a_killed_keeper_of_a_recovery_leaves_a_worker_that_ends_it() {
    let scene = Scene::new();
    let run = scene.crashed_in("work");
    let mut recovery = recovering(&scene, "undo-a");
    recovery.signal(libc::SIGKILL);
    recovery.end();
    scene.go_on("undo-a");
    scene.sandbox.expect_no_process();
    assert_eq!(scene.sandbox.notes(), BEFORE.to_owned() + &all_of(&run));
    assert_settled(&scene.sandbox);
}

#[test]
fn a_stop_while_a_worker_recovers_keeps_its_own_run_from_starting() {
    for (signal, code) in [(libc::SIGTERM, 143), (libc::SIGINT, 130)] {
        let mut scene = Scene::new();
        scene.sandbox.set("STOP_TIMEOUT", "4");
        let run = scene.crashed_in("work");
        scene.halt("undo-a");
        let running = scene.sandbox.start(&["backup"]);
        scene.wait_until_halted("undo-a");
        running.signal(signal);
        if signal == libc::SIGINT {
            // Nobody ends an undo for that.
            scene.go_on("undo-a");
        }
        let out: Finished = running.finish().ends_with(code);
        let notes = scene.sandbox.notes();
        assert_eq!(notes.lines().filter(|line| *line == "a").count(), 1, "{notes}\n{}", out.all());
        scene.go_on("undo-a");
        if signal == libc::SIGTERM {
            assert_eq!(journals(&scene.sandbox), [run.as_str()], "{notes}\n{}", out.all());
        }
        scene.recover().ends_with(0);
        let notes = scene.sandbox.notes();
        assert!(notes.contains(&recovered("undo-a", &run, "1 2")), "{notes}");
        assert_eq!(notes.matches("undo-b").count(), 1, "{notes}");
        assert_settled(&scene.sandbox);
    }
}

#[test]
fn two_recoveries_that_start_together_do_each_step_once() {
    for _ in 0..5 {
        let scene = Scene::new();
        let run = scene.crashed_in("work");
        let first = in_another_container(&scene.sandbox, &["hooks", "recover"]);
        let second = scene.sandbox.start(&["hooks", "recover"]);
        let Some(first) = first else { return };
        let (first, second) = (first.finish().ends_with(0), second.finish().ends_with(0));
        assert_eq!(scene.sandbox.notes(), BEFORE.to_owned() + &all_of(&run), "{}\n{}", first.all(), second.all());
        assert_eq!(entries(&scene.sandbox.path("other-run/runs")).len(), 0);
        assert_settled(&scene.sandbox);
    }
}
