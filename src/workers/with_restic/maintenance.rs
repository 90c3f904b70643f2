//! `check` and `prune`.

use super::*;
use crate::engine::scene::words;
use crate::workers::check::Check;
use crate::workers::prune::Prune;

#[test]
fn check_and_prune_log_what_restic_prints() {
    let mut scene = Scene::with_repository();
    scene.source("one", Scene::noise(10_000));
    backup(&scene);
    let ran = run(&scene, &mut Check::default(), "check");
    assert_eq!(ran.worked, Worked::with_code(0, ""));
    assert!(ran.has("info: 🔍 Verifying repository integrity with restic defaults..."));
    assert!(ran.has("log: no errors were found") && ran.has("info: ✅ Check Successful"));
    assert_eq!(ran.stats["errors"], 0);
    // As without a progress rate: each counter once, at its end.
    let counters: Vec<&str> = ran.logged().into_iter().filter(|line| line.starts_with('[')).collect();
    assert!(counters.len() == 1 && counters[0].ends_with("100.00%  1 / 1 snapshots"), "{counters:?}");

    scene.settings.jobs.prune = words("--max-unused 0");
    let ran = run(&scene, &mut Prune::default(), "prune");
    assert_eq!(ran.worked, Worked::with_code(0, ""));
    assert!(ran.has("info: 🧹 Pruning repository using RESTIC_PRUNE_ARGS..."));
    assert!(ran.has("log: RESTIC_PRUNE_ARGS: --max-unused 0") && ran.has("info: ✅ Prune Successful"));
    assert_eq!(ran.stats["blobs_removed"], 0);
}

#[test]
fn a_damaged_repository_fails_the_check_and_is_unlocked_if_wanted() {
    let mut scene = Scene::with_repository();
    scene.settings.repository.auto_unlock = true;
    scene.replace_restic(
        "case \"$1\" in list) exit 0;; unlock) echo successfully removed 1 locks; exit 0;; esac\n\
        echo 'error for tree 475ad39a:' >&2; echo 'Fatal: repository contains errors' >&2; exit 1",
    );
    let ran = run(&scene, &mut Check::default(), "check");
    assert_eq!(ran.worked, Worked::with_code(1, "restic ended with status 1: repository contains errors"));
    assert_eq!(ran.stats["errors"], 1);
    assert!(ran.has("console: successfully removed 1 locks"), "{:#?}", ran.lines);
}
