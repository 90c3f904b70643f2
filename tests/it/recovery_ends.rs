//! What a recovery waits for, what it cannot do, and what it does again.

use crate::declared_scene::{declare, file, held, hook_of, plain, sh};
use crate::recovery_scene::{
    Scene, assert_settled, entries, journals, kill_both, nothing_owed, recovered, recoveries, wait_until_dead,
};
use crate::support::{Running, Sandbox, send, wait_for};
use crate::undo::child_of;
use std::fs;

const POST: &str = "echo post $RUN_STATUS >> @T/notes";

/// A sandbox whose hook `b` does `program`, with an undo that does `undo`.
fn with(program: &str, further: &str, undo: &str) -> Sandbox {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("HOOK_KILL_AFTER", "5");
    let b = format!("    - {{name: b, {}, {further}undo: {{{undo}}}}}\n", sh(program));
    declare(&sandbox, &file(&[b], &[plain("post", POST, "")]));
    sandbox
}

fn started(sandbox: &Sandbox) -> Running {
    let running = sandbox.start(&["backup"]);
    sandbox.wait_for_file("started");
    running
}

#[test]
fn a_hook_that_is_being_ended_is_waited_for() {
    for words in [&["hooks", "recover"][..], &["backup"]] {
        let undo = sh("echo undone $RUN_STATUS >> @T/notes");
        let program = "trap \"sleep 1; echo ended >> @T/notes; exit 1\" TERM; [ -e @T/started ] && exit 0; \
                       echo $$ > @T/started; while :; do sleep 0.02; done";
        let sandbox = with(program, "", &undo);
        kill_both(started(&sandbox));
        let out = sandbox.run(words).ends_with(0);
        let notes = sandbox.notes();
        assert!(notes.starts_with("ended\nundone interrupted\npost interrupted\n"), "{notes}{}", out.all());
        assert_settled(&sandbox);
    }
}

#[test]
fn what_is_left_of_a_hook_is_ended_before_its_undo() {
    let undo = sh("grep -q State:.[RSDT] /proc/$(cat @T/started)/status 2>/dev/null && echo TOO EARLY >> @T/notes; \
                   echo undone >> @T/notes");
    let sandbox = with("echo $$ > @T/started; while :; do sleep 0.02; done", "", &undo);
    let mut running = started(&sandbox);
    let worker = child_of(running.pid(), "boathook");
    // Nobody is left who would end the hook.
    for pid in [running.pid(), worker] {
        send(pid, libc::SIGSTOP);
    }
    for pid in [child_of(worker, "boathook-hook"), worker, running.pid()] {
        send(pid, libc::SIGKILL);
    }
    running.end();
    wait_until_dead(worker);
    sandbox.run(&["hooks", "recover"]).ends_with(0);
    assert_eq!(sandbox.notes(), "undone\npost interrupted\n");
    assert_settled(&sandbox);
}

/// A run that was killed in its work; `a` cannot be undone as long as the file `broken` is there.
fn with_a_broken_undo() -> (Sandbox, String) {
    let undo = sh("[ -e @T/broken ] && exit 7; echo undone $RUN_ID $RUN_STATUS $HOOK_RECOVERY >> @T/notes");
    let mut sandbox = with("true", "", &undo);
    sandbox.set("ENGINE_STARTED", sandbox.path("started").display().to_string());
    sandbox.set("ENGINE_WAITS", "sleep 1000");
    fs::write(sandbox.path("broken"), "").expect("can be written");
    let running = started(&sandbox);
    let [run] = <[String; 1]>::try_from(journals(&sandbox)).expect("one run has a journal");
    kill_both(running);
    for (pid, words) in sandbox.processes() {
        if words.contains("sleep") {
            send(pid, libc::SIGKILL);
        }
    }
    sandbox.set("ENGINE_WAITS", "");
    (sandbox, run)
}

#[test]
fn an_undo_that_fails_for_good_is_owed_until_it_succeeds() {
    let (sandbox, run) = with_a_broken_undo();
    let out = sandbox.run(&["hooks", "recover"]).ends_with(1);
    let owed = format!("❌ Run {run} still owes: the undo of 'b' (undo-b), which failed.\n");
    assert!(out.stderr.ends_with(&owed), "{}", out.all());
    assert_eq!(sandbox.notes(), "post interrupted\n");
    let summary = sandbox.summary("backup");
    assert_eq!(hook_of(&summary, "undo-b")["status"], "failed");
    assert!(
        summary["reason"].as_str().is_some_and(|why| why.contains("the effect of b may still be there")),
        "{summary}"
    );
    // The next run says so, does its own, and owes as much.
    let out = sandbox.run(&["backup"]).ends_with(0);
    let summary = sandbox.summary("backup");
    assert_eq!(summary["status"], "warning", "{}", out.all());
    let reason = summary["reason"].as_str().unwrap_or_default();
    assert!(reason.starts_with(&format!("run {run} still owes: ")), "its own undo failed, too: {reason}");
    let announced = format!("⚠️ Run {run}, begun ");
    let said = out.all();
    let line = said.lines().find(|line| line.contains(&announced)).expect("the recovery is announced");
    assert!(line.contains(", still owes something. Recovery "), "{line}");
    assert!(journals(&sandbox).contains(&run));
    assert!(
        out.all().contains(&format!("run {run} still owes: the undo of 'b' (undo-b), which failed")),
        "{}",
        out.all()
    );
    assert_eq!(recoveries(&sandbox).iter().filter(|one| one["status"] == "failure").count(), 2);
    fs::remove_file(sandbox.path("broken")).expect("is there");
    fs::write(sandbox.path("notes"), "").expect("can be written");
    let own = summary["run_id"].as_str().expect("a text").to_owned();
    let out = sandbox.run(&["backup"]).ends_with(0);
    let notes = sandbox.notes();
    // A run that was a warning stays one, and nobody runs its post hooks again.
    let undone = format!("undone {run} interrupted 1\nundone {own} warning 1\nundone ");
    assert!(notes.starts_with(&undone) && notes.matches("post").count() == 1, "{notes}{}", out.all());
    assert_eq!(sandbox.summary("backup")["status"], "success", "{}", out.all());
    assert_settled(&sandbox);
}

#[test]
fn what_is_forgotten_is_done_no_more() {
    let (sandbox, run) = with_a_broken_undo();
    sandbox.run(&["hooks", "recover", "--run", &run]).ends_with(1);
    let left = sandbox.path(format!("run/runs/{run}"));
    assert!(left.exists(), "the folder of a run that still owes something");
    let document = sandbox.run(&["hooks", "recover", "--forget", &run, "--json"]).ends_with(0).stdout;
    let document: serde_json::Value = serde_json::from_str(&document).expect("is JSON");
    let kept_as = sandbox.path(format!("state/journal/{run}.forgotten")).display().to_string();
    let expected = serde_json::json!({"run": run, "status": "forgotten", "kept_as": kept_as, "exit_code": 0});
    assert_eq!(document, expected);
    assert!(!left.exists(), "it goes with the journal");
    assert!(sandbox.path(format!("state/journal/{run}.forgotten")).exists());
    let said = sandbox.run(&["hooks", "recover"]).ends_with(0).stdout;
    assert_eq!(said, nothing_owed(&sandbox));
    // What an id is not, and one that has left nothing.
    for word in ["nope", "../../etc/passwd", ""] {
        let said = sandbox.run(&["hooks", "recover", "--run", word]).ends_with(2).stderr;
        assert!(said.contains(&format!("--run='{word}' is no run's id")), "{said}");
        assert!(said.contains("boathook hooks recover --help"), "{said}");
    }
    let said = sandbox.run(&["hooks", "recover", "--run", &run]).ends_with(0).stdout;
    let folder = sandbox.path("state/journal");
    let expected = format!("✅ No journal of run {run} in {}: settled, forgotten, or never there.\n", folder.display());
    assert_eq!(said, expected);
    let again = sandbox.run(&["hooks", "recover", "--forget", &run]).ends_with(1).stderr;
    assert!(again.contains(&format!("run {run} owes nothing")), "{again}");
}

#[test]
fn a_living_run_is_not_forgotten() {
    let scene = Scene::new();
    let crash = scene.waiting_in("work");
    let said = scene.sandbox.run(&["hooks", "recover", "--forget", &crash.run]).ends_with(1).stderr;
    assert!(said.contains("is alive"), "{said}");
    scene.go_on("work");
    crash.running.finish().ends_with(0);
    assert_settled(&scene.sandbox);
}

#[test]
fn a_trial_that_was_killed_is_undone_and_one_that_keeps_is_not() {
    for keep in [false, true] {
        let scene = Scene::new();
        let before = scene.sandbox.summary("backup");
        scene.halt("b");
        let words: &[&str] = if keep { &["--keep"] } else { &[] };
        let running = scene.sandbox.start(&[&["hooks", "test", "pre-backup"], words].concat());
        scene.wait_until_halted("b");
        let [run] = <[String; 1]>::try_from(journals(&scene.sandbox)).expect("it has a journal");
        scene.kill(running, "b");
        let out = scene.recover().ends_with(0);
        let notes = scene.sandbox.notes();
        let undone: Vec<&str> = notes.lines().skip(3).map(|line| line.split(' ').next().expect("has a word")).collect();
        let expected: &[&str] = if keep { &[] } else { &["undo-b", "undo-a"] };
        assert_eq!(undone, expected, "{keep}: {run}: {}", out.all());
        assert_eq!(scene.sandbox.summary("backup"), before, "{keep}");
        assert_eq!(scene.told(), [], "{keep}");
        assert_settled(&scene.sandbox);
    }
}

#[test]
fn the_summary_of_a_later_run_stays() {
    let scene = Scene::new();
    let run = scene.crashed_in("work");
    let journal = scene.sandbox.path(format!("state/journal/{run}.journal"));
    let aside = scene.sandbox.path("aside");
    fs::rename(&journal, &aside).expect("is there");
    // An id is of its second.
    wait_for("the next second", || (chrono::Local::now().format("%S").to_string() != run[13..15]).then_some(()));
    scene.sandbox.run(&["backup"]).ends_with(0);
    let later = scene.sandbox.summary("backup");
    let log = scene.sandbox.log("backup");
    fs::rename(&aside, &journal).expect("is there");
    fs::remove_file(scene.sandbox.path("notes")).expect("is there");
    scene.told();
    scene.recover().ends_with(0);
    let all = ["undo-b", "undo-a", "first", "post"].map(|name| recovered(name, &run, "1 2")).concat();
    assert_eq!(scene.sandbox.notes(), all);
    assert_eq!((scene.sandbox.summary("backup"), scene.sandbox.log("backup")), (later, log));
    assert_eq!(scene.told(), [(run, "interrupted".to_owned())]);
    assert_settled(&scene.sandbox);
}

#[test]
fn hooks_that_have_changed_since_are_those_of_their_run() {
    for now in ["hooks:\n  preBackup: [\n", "hooks: {}\n", ""] {
        let scene = Scene::new();
        let run = scene.crashed_in("work");
        let path = scene.sandbox.path("hooks/hooks.yaml");
        if now.is_empty() {
            fs::remove_file(&path).expect("is there");
        } else {
            fs::write(&path, now).expect("can be written");
        }
        let out = scene.recover().ends_with(0);
        let notes = scene.sandbox.notes();
        let all = ["undo-b", "undo-a", "first", "post"].map(|name| recovered(name, &run, "1 2")).concat();
        assert_eq!(notes, format!("a\nm\nb\n{all}"), "{now:?}: {}", out.all());
        assert_settled(&scene.sandbox);
    }
}

#[test]
fn a_post_script_that_is_gone_fails_and_the_others_run() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.set("ENGINE_STARTED", sandbox.path("started").display().to_string());
    sandbox.set("ENGINE_WAITS", "sleep 1000");
    declare(&sandbox, &file(&[held("a", "true", "")], &[]));
    sandbox
        .hook("post-backup.1-gone.sh", "echo gone >> $T/notes")
        .hook("post-backup.2-there.sh", "echo there >> $T/notes");
    kill_both(started(&sandbox));
    sandbox.processes().iter().for_each(|(pid, _)| send(*pid, libc::SIGKILL));
    fs::remove_file(sandbox.path("hooks/post-backup.1-gone.sh")).expect("is there");
    let out = sandbox.run(&["hooks", "recover"]).ends_with(0);
    assert_eq!(sandbox.notes(), "undo-a\nthere\n", "{}", out.all());
    assert_eq!(sandbox.summary("backup")["status"], "interrupted");
    assert_settled(&sandbox);
}

#[test]
fn what_two_recoveries_are_asked_for_is_done_run_by_run() {
    let scene = Scene::new();
    let first = scene.crashed_in("work");
    let journal = scene.sandbox.path(format!("state/journal/{first}.journal"));
    let aside = scene.sandbox.path("aside");
    fs::rename(&journal, &aside).expect("is there");
    wait_for("the next second", || (chrono::Local::now().format("%S").to_string() != first[13..15]).then_some(()));
    let second = scene.crashed_in("work");
    fs::rename(&aside, &journal).expect("is there");
    fs::remove_file(scene.sandbox.path("notes")).expect("is there");
    scene.recover().ends_with(0);
    let all = |run: &str| ["undo-b", "undo-a", "first", "post"].map(|name| recovered(name, run, "1 2")).concat();
    assert_eq!(scene.sandbox.notes(), all(&first) + &all(&second));
    assert_eq!(scene.sandbox.summary("backup")["run_id"], second.as_str());
    assert_eq!(entries(&scene.sandbox.path("state/journal")).len(), 0);
    assert_settled(&scene.sandbox);
}

#[test]
fn a_notification_that_a_stop_left_no_time_for_goes_out_at_the_next_start() {
    for words in [&["hooks", "recover"][..], &["backup"]] {
        let mut scene = Scene::new();
        scene.sandbox.set("STOP_TIMEOUT", "4").set("WEBHOOK_TIMEOUT", "600");
        let crash = scene.waiting_in("notification");
        crash.running.signal(libc::SIGTERM);
        let out = crash.running.finish().ends_with(0);
        let said = "❌ Notifications were given up: no time was left before the stop (STOP_TIMEOUT); the next start sends them";
        assert!(out.all().contains(said), "{}", out.all());
        assert_eq!(journals(&scene.sandbox), [crash.run.as_str()]);
        scene.go_on("notification");
        fs::remove_file(scene.sandbox.path("notes")).expect("is there");
        scene.told();
        let out = scene.sandbox.run(words).ends_with(0);
        assert_eq!(scene.told()[0], (crash.run.clone(), "success".to_owned()), "{}", out.all());
        assert!(!scene.sandbox.notes().contains(&crash.run), "{}", scene.sandbox.notes());
        assert_settled(&scene.sandbox);
    }
}
