//! `forget` as a worker and as a step of a backup.

use super::*;
use crate::engine::scene::words;
use crate::workers::check::Check;
use crate::workers::forget::Forget;

#[test]
fn forget_keeps_what_the_policy_says_and_counts() {
    let mut scene = Scene::with_repository();
    scene.source("one", "1");
    for _ in 0..3 {
        backup(&scene);
    }
    scene.settings.jobs.forget = words("--keep-last 1");
    let ran = run(&scene, &mut Forget, "forget");
    assert_eq!(ran.worked, Worked::with_code(0, ""));
    assert!(ran.has("info: 🧹 Forgetting old snapshots based on: --keep-last 1"));
    assert!(ran.has("log: keep 1 snapshots:") && ran.has("info: ✅ Forget Successful"));
    assert!(ran.has_begin("info: 🏁 Finished forget at "));
    assert_eq!((&ran.stats["snapshots_kept"], &ran.stats["snapshots_removed"]), (&1.into(), &2.into()));
    assert_eq!(ran.extras, [("repository".to_owned(), scene.settings.repository.shown.clone())]);
    assert_eq!(snapshots(&scene), 1);
}

#[test]
fn a_lock_makes_forget_a_soft_skip_without_an_unlock() {
    let mut scene = Scene::with_repository();
    scene.settings.repository.auto_unlock = true;
    scene.settings.jobs.forget = words("--keep-last 1");
    let held = scene.hold_lock();
    let ran = run(&scene, &mut Forget, "forget");
    assert!([1, 11].contains(&ran.worked.code), "{}", ran.worked.code);
    assert!(ran.worked.reason.starts_with("the repository is locked"), "{}", ran.worked.reason);
    let line = format!("info: ⏭ Forget skipped: repository was locked by another host (exit {}).", ran.worked.code);
    assert!(ran.has_begin(&line), "{:#?}", ran.lines);
    assert!(!ran.has_begin("error: ") && !ran.has_begin("info: 🔓"), "{:#?}", ran.lines);

    // A check is no soft skip: it fails, and the operator's wish to unlock holds. The live lock stays.
    let ran = run(&scene, &mut Check::default(), "check");
    assert!(ran.has(&format!("error: ❌ Check Failed with Status {}", ran.worked.code)), "{:#?}", ran.lines);
    assert!(ran.has("info: 🔓 Unlocking repository (RESTIC_AUTO_UNLOCK=ON)..."));
    assert_eq!(scene.locks(), 1);
    drop(held);
}

#[test]
fn an_inline_forget_is_a_step_of_the_backup() {
    let mut scene = Scene::with_repository();
    scene.source("one", "1");
    backup(&scene);
    scene.settings.jobs.forget = words("--keep-last 1");
    let ran = backup(&scene);
    assert_eq!((ran.worked.code, ran.worked.warnings.len()), (0, 0));
    assert_eq!(ran.extra("forget_exit_code"), Some("0"));
    assert_eq!(ran.extras[3].0, "forget_exit_code", "behind the tag, before the snapshot");
    assert_eq!((ran.steps[0].name.as_str(), ran.steps[0].status.as_str()), ("forget", "completed"));
    assert_eq!(snapshots(&scene), 1);
}

#[test]
fn a_failed_inline_forget_is_a_warning_and_the_backup_is_good() {
    let mut scene = Scene::with_repository();
    scene.source("one", "1");
    scene.settings.jobs.forget = words("--no-such-flag");
    let ran = backup(&scene);
    assert_eq!((ran.worked.code, ran.worked.reason.as_str()), (0, ""));
    assert_eq!(ran.worked.warnings.len(), 1);
    assert!(ran.worked.warnings[0].starts_with("forget failed: "), "{:?}", ran.worked.warnings);
    assert!(ran.has("info: ✅ Backup Successful") && ran.has("error: ❌ Forget Failed with Status 1"));
    assert_eq!((ran.steps[0].status.as_str(), ran.extra("forget_exit_code")), ("failed", Some("1")));

    scene.settings.jobs.forget.words.clear();
    scene.settings.jobs.forget.error = Some("a quote is not closed".into());
    let ran = backup(&scene);
    assert_eq!((ran.worked.code, ran.steps[0].status.as_str()), (0, "skipped"));
    assert_eq!(ran.extra("forget_exit_code"), None);
    assert!(ran.has("error: ⚠️ Forget skipped: RESTIC_FORGET_ARGS cannot be read: a quote is not closed"));
}

#[test]
fn with_a_schedule_of_its_own_forget_is_left_to_it() {
    let mut scene = Scene::with_repository();
    scene.source("one", "1");
    scene.settings.jobs.forget = words("--keep-last 1");
    scene.settings.schedules.forget = "0 3 * * *".into();
    let ran = backup(&scene);
    assert!(ran.has_begin("info: ⏭ Skipping inline forget: FORGET_CRON is set ('0 3 * * *')"), "{:#?}", ran.lines);
    assert_eq!((ran.steps.len(), ran.worked.warnings.len()), (0, 0));
}
