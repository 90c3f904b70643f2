//! Keeper and worker killed together, in every step of a run: the next run, or `hooks recover`, does what is owed, once.

use crate::recovery_scene::{Scene, assert_settled, recovered, recoveries};

/// Where the run is killed, and what its hooks have noted by then.
const PLACES: [(&str, &str); 8] = [
    ("a", "a\n"),
    ("m", "a\nm\n"),
    ("b", "a\nm\nb\n"),
    ("work", "a\nm\nb\n"),
    ("undo-b", "a\nm\nb\n"),
    ("undo-a", "a\nm\nb\nundo-b RUN success 0 manual - 1 2\n"),
    ("first", "a\nm\nb\nundo-b RUN success 0 manual - 1 2\nundo-a RUN success 0 manual - 1 2\n"),
    (
        "notification",
        "a\nm\nb\nundo-b RUN success 0 manual - 1 2\nundo-a RUN success 0 manual - 1 2\n\
         first RUN success 0 manual - 1 2\npost RUN success 0 manual - 1 2\n",
    ),
];

/// What a recovery has noted of a run that was killed there.
fn made_up_for(place: &str, run: &str) -> String {
    // What a hook hands on reaches everybody if it ended well, else its own undo alone.
    let line = |name: &str, values: &str| recovered(name, run, values);
    let posts = |values: &str| line("first", values) + &line("post", values);
    match place {
        // The start of `b` could have been queued only: it is undone as well.
        "a" => line("undo-b", "- -") + &line("undo-a", "1 -") + &posts("- -"),
        "m" => line("undo-b", "1 -") + &line("undo-a", "1 -") + &posts("1 -"),
        "b" => line("undo-b", "1 2") + &line("undo-a", "1 -") + &posts("1 -"),
        "work" | "undo-b" => line("undo-b", "1 2") + &line("undo-a", "1 2") + &posts("1 2"),
        "undo-a" => line("undo-a", "1 2") + &posts("1 2"),
        "first" => posts("1 2"),
        _ => String::new(),
    }
}

fn status_of(place: &str) -> &'static str {
    if place == "notification" { "success" } else { "interrupted" }
}

#[track_caller]
fn assert_recovered(scene: &Scene, place: &str, run: &str) {
    let entries = recoveries(&scene.sandbox);
    let [entry] = entries.as_slice() else { panic!("{place}: {entries:?}") };
    let expected = (&run.into(), &"recovery".into(), &"success".into(), &status_of(place).into());
    assert_eq!((&entry["parent"], &entry["trigger"], &entry["status"], &entry["run_status"]), expected, "{place}");
    assert_ne!(entry["id"], run);
}

#[test]
fn the_next_run_recovers_first_and_then_does_its_own() {
    for (place, before) in PLACES {
        let scene = Scene::new();
        let success = scene.sandbox.summary("backup")["last_success_at"].clone();
        let run = scene.crashed_in(place);
        scene.told();
        let out = scene.sandbox.run(&["backup"]).ends_with(0);
        let summary = scene.sandbox.summary("backup");
        let new = summary["run_id"].as_str().expect("a text").to_owned();
        let own = format!(
            "a\nm\nb\nundo-b {new} success 0 manual - 1 2\nundo-a {new} success 0 manual - 1 2\n\
             first {new} success 0 manual - 1 2\npost {new} success 0 manual - 1 2\n"
        );
        let notes = before.replace("RUN", &run) + &made_up_for(place, &run) + &own;
        assert_eq!(scene.sandbox.notes(), notes, "{place}: {}", out.all());
        assert_eq!(summary["status"], "success", "{place}");
        assert!(out.all().contains(&format!("⚠️ Run {run}, begun ")), "{place}: {}", out.all());
        // What the new run found: the summary of the one that was killed.
        let crashed = scene.seen_by(&new);
        assert_eq!(
            (&crashed["run_id"], &crashed["status"]),
            (&run.clone().into(), &status_of(place).into()),
            "{place}"
        );
        // Where the work had ended well that was a success of its own.
        if matches!(place, "a" | "m" | "b" | "work") {
            assert_eq!(crashed["last_success_at"], success, "{place}");
        }
        let told = [(run.clone(), status_of(place).to_owned()), (new, "success".to_owned())];
        assert_eq!(scene.told(), told, "{place}");
        assert_recovered(&scene, place, &run);
        assert_settled(&scene.sandbox);
    }
}

#[test]
fn hooks_recover_does_what_is_owed() {
    for (place, before) in PLACES {
        let scene = Scene::new();
        let run = scene.crashed_in(place);
        scene.told();
        let out = scene.recover().ends_with(0);
        let notes = before.replace("RUN", &run) + &made_up_for(place, &run);
        assert_eq!(scene.sandbox.notes(), notes, "{place}: {}", out.all());
        assert!(out.stdout.ends_with(&format!("✅ Run {run}: nothing is owed any more.\n")), "{}", out.all());
        let summary = scene.sandbox.summary("backup");
        assert_eq!(
            (&summary["run_id"], &summary["status"]),
            (&run.clone().into(), &status_of(place).into()),
            "{place}"
        );
        let code = if place == "notification" { 0 } else { 137 };
        assert_eq!((&summary["exit_code"], &summary["trigger"]), (&code.into(), &"manual".into()), "{place}");
        assert_eq!(scene.told(), [(run.clone(), status_of(place).to_owned())], "{place}");
        assert_recovered(&scene, place, &run);
        assert_settled(&scene.sandbox);
    }
}
