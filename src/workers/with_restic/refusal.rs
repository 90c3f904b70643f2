//! What a worker refuses to begin with, and what a pre hook may mend.

use super::*;
use crate::settings::{Effect, Mistake};
use crate::workers::forget::Forget;

fn mistake(variable: &'static str, value: &str) -> Mistake {
    Mistake {
        variable,
        value: value.into(),
        problem: "is wrong".into(),
        mend: "mend it".into(),
        effect: Effect::Work(&["backup"]),
    }
}

#[test]
fn a_forget_without_a_policy_is_refused() {
    let scene = Scene::new();
    let ran = run(&scene, &mut Forget, "forget");
    assert_eq!(ran.worked.code, 2);
    assert!(ran.has_begin("error: ❌ No retention policy configured."));
    assert!(!ran.has_begin("info: 🏁"), "{:#?}", ran.lines);
}

#[test]
fn an_empty_tag_is_refused_in_the_contracts_words() {
    let mut scene = Scene::with_repository();
    scene.settings.repository.tag.clear();
    scene.settings.mistakes.push(mistake("RESTIC_TAG", ""));
    let ran = backup(&scene);
    assert_eq!(ran.worked.code, 2);
    let errors: Vec<&String> = ran.lines.iter().filter(|line| line.starts_with("error: ")).collect();
    assert!(errors.len() == 1 && errors[0].starts_with("error: ❌ RESTIC_TAG is unset or empty."), "{errors:?}");
    assert!(!ran.has_begin("info: 🏁"));
    assert_eq!(snapshots(&scene), 0);
}

#[test]
fn what_a_pre_hook_hands_on_overrides_settings_and_their_mistakes() {
    let mut scene = Scene::with_repository();
    scene.settings.repository.tag.clear();
    scene.settings.jobs.backup_root = "/nowhere".into();
    scene.settings.mistakes = vec![mistake("RESTIC_TAG", ""), mistake("BACKUP_ROOT_DIR", "/nowhere")];
    scene.source("one", "1");
    let root = scene.path("data").to_string_lossy().into_owned();
    let values = BTreeMap::from([
        ("BACKUP_ROOT_DIR".to_owned(), root.clone()),
        ("RESTIC_TAG".to_owned(), "from-a-hook".to_owned()),
    ]);
    let stop = Stop::new().expect("descriptors are there");
    let ran = run_with(&scene, &mut Backup::default(), "backup", &values, &stop);
    assert_eq!(ran.worked, Worked::with_code(0, ""), "{:#?}", ran.lines);
    assert_eq!((ran.extra("backup_root_dir"), ran.extra("restic_tag")), (Some(&*root), Some("from-a-hook")));
    assert!(scene.restic(["snapshots", "--tag=from-a-hook"]).contains(&root));
}

#[test]
fn a_mistake_that_stops_the_worker_is_said_and_restic_is_not_started() {
    let mut scene = Scene::with_repository();
    scene.replace_restic("echo MUST NOT RUN; exit 0");
    scene.settings.mistakes.push(mistake("RESTIC_JOB_ARGS", "'open"));
    let ran = backup(&scene);
    assert_eq!((ran.worked.code, ran.worked.reason.as_str()), (2, "RESTIC_JOB_ARGS=''open' is wrong: mend it"));
    assert!(ran.has("error: ❌ RESTIC_JOB_ARGS=''open' is wrong: mend it"));
    assert!(!ran.lines.iter().any(|line| line.contains("MUST NOT RUN")));
}
