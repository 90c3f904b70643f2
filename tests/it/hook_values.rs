//! Values that hooks hand on through `HOOK_OUTPUT`.

use crate::support::Sandbox;

#[test]
fn a_pre_hook_points_the_backup_at_a_snapshot() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-backup.sh", "printf 'BACKUP_ROOT_DIR=%s/snap shot\\nRESTIC_TAG=nightly\\nMY_NOTE=kept\\n' $T > $HOOK_OUTPUT; mkdir -p \"$T/snap shot\"");
    sandbox.hook("post-backup.sh", "echo $MY_NOTE $RESTIC_TAG $RUN_TARGET >> $T/notes");
    sandbox.run(&["backup"]).ends_with(0);
    let snapshot = sandbox.path("snap shot").display().to_string();
    assert!(
        sandbox.engine_log().trim_end().ends_with(&format!("--tag=nightly {snapshot}")),
        "{}",
        sandbox.engine_log()
    );
    assert_eq!(sandbox.notes(), format!("kept nightly {snapshot}\n"));
    let summary = sandbox.summary("backup");
    assert_eq!((&summary["backup_root_dir"], &summary["restic_tag"]), (&snapshot.into(), &"nightly".into()));
}

#[test]
fn a_bad_line_fails_the_hook_and_none_of_its_lines_count() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-backup.sh", "printf 'MY_NOTE=x\\nLD_PRELOAD=/tmp/x.so\\n' > $HOOK_OUTPUT");
    sandbox.hook("post-backup.sh", "echo \"[$MY_NOTE]\" >> $T/notes");
    let out = sandbox.run(&["backup"]).ends_with(0).all();
    assert!(out.contains("HOOK_OUTPUT line 2: LD_PRELOAD"), "{out}");
    assert_eq!(sandbox.notes(), "[]\n");
    assert_eq!(sandbox.summary("backup")["hooks"][0]["status"], "failed");
}

#[test]
fn a_secret_is_not_handed_on() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-backup.sh", "echo MY_NOTE=a-$RESTIC_PASSWORD > $HOOK_OUTPUT");
    let out = sandbox.run(&["backup"]).ends_with(0).all();
    assert!(out.contains("holds a known secret") && !out.contains("correct-horse"), "{out}");
}

#[test]
fn a_hook_that_fails_hands_nothing_on() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-backup.sh", "echo MY_NOTE=x > $HOOK_OUTPUT; exit 1");
    sandbox.hook("post-backup.sh", "echo \"[$MY_NOTE]\" >> $T/notes");
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "[]\n");
}

#[test]
fn a_link_in_place_of_the_file_is_not_followed() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-backup.sh", "echo MY_NOTE=x > $T/other; ln -sf $T/other $HOOK_OUTPUT");
    let out = sandbox.run(&["backup"]).ends_with(0).all();
    assert!(out.contains("symbolic link"), "{out}");
    assert_eq!(sandbox.summary("backup")["hooks"][0]["status"], "failed");
}

#[test]
fn the_folder_of_the_run_is_gone_afterwards() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox
        .hook("pre-backup.sh", "stat -c %a $(dirname $HOOK_OUTPUT) >> $T/notes; stat -c %a $HOOK_OUTPUT >> $T/notes");
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "700\n600\n");
    let left = std::fs::read_dir(sandbox.path("run/runs")).expect("is there").count();
    assert_eq!(left, 0);
}
