//! `SETTINGS_FILE`, through the real binary.

use crate::support::{BOATHOOK, Sandbox};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

const FILE: &str = "config/boathook.env";

#[test]
fn what_the_file_says_counts_from_the_next_run_on() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("pre-backup.sh", "echo $RESTIC_TAG $MINE >> $T/notes");
    sandbox.set("RESTIC_TAG", "outside").run(&["backup"]).ends_with(0);
    let text =
        "# changed while it runs\nexport RESTIC_TAG='filed away'\r\nMINE=\"a # b\"\nRESTIC_JOB_ARGS=--exclude x\n";
    fs::write(sandbox.path(FILE), text).expect("can be written");
    sandbox.run(&["backup"]).ends_with(0);
    // Also below `locked_run`, which knows nothing of it.
    let backup = sandbox.path("bin/backup");
    std::os::unix::fs::symlink(BOATHOOK, &backup).expect("can be linked");
    let lock = sandbox.path("run/cron.lock").display().to_string();
    sandbox.run(&["locked_run", "backup", &lock, &backup.display().to_string()]).ends_with(0);
    fs::remove_file(sandbox.path(FILE)).expect("is there");
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "outside\nfiled away a # b\nfiled away a # b\noutside\n");
    let root = sandbox.path("data").display().to_string();
    let calls = sandbox.engine_log();
    let calls: Vec<_> = calls.lines().collect();
    assert_eq!(calls[0], format!("backup --json --tag=outside {root}"));
    assert_eq!(calls[1], format!("backup --json --exclude x --tag=filed away {root}"));
    assert_eq!((calls[2], calls[3]), (calls[1], calls[0]));
}

#[test]
fn a_bad_line_is_said_without_its_value_and_costs_nothing_else() {
    let sandbox = Sandbox::with_stand_in_engine();
    fs::write(sandbox.path(FILE), "RESTIC_TAG=filed\nhunter22\nRUN_DIR=/elsewhere\n").expect("can be written");
    let out = sandbox.run(&["backup"]).ends_with(0);
    let path = sandbox.path(FILE).display().to_string();
    for line in [
        format!(
            "❌ SETTINGS_FILE='{path}' line 2: has no '='; the line does not count: write NAME=value, or # before a comment."
        ),
        format!(
            "❌ SETTINGS_FILE='{path}' line 3: RUN_DIR cannot be set here; the line does not count: set it in the \
             container's environment, if at all."
        ),
    ] {
        assert!(out.stdout.lines().any(|have| have == line), "{line} in\n{}", out.stdout);
    }
    assert_eq!(sandbox.summary("backup")["status"], "warning");
    assert!(sandbox.engine_log().contains("--tag=filed ") && !out.all().contains("hunter22"));
}

#[test]
fn a_file_that_is_named_and_not_there_is_said() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    let out = sandbox.set("SETTINGS_FILE", "/no/such/file").run(&["backup"]).ends_with(0);
    assert!(
        out.stdout.contains("❌ SETTINGS_FILE='/no/such/file' is not readable (No such file or directory"),
        "{}",
        out.stdout
    );
    assert_eq!(sandbox.summary("backup")["status"], "warning");
}

#[test]
fn its_secrets_are_masked_and_doctor_names_what_it_sets() {
    let mut sandbox = Sandbox::with_stand_in_engine();
    sandbox.unset("RESTIC_PASSWORD").hook("pre-backup.sh", "echo it is $RESTIC_PASSWORD");
    let file = sandbox.path(FILE);
    fs::write(&file, "RESTIC_PASSWORD=s3cret-of-mine\nTZ=Asia/Tokyo\n").expect("can be written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("is ours");
    let out = sandbox.run(&["backup"]).ends_with(0);
    assert!(out.stdout.contains("it is ***") && !out.all().contains("s3cret-of-mine"), "{}", out.all());
    assert!(sandbox.summary("backup")["started_at"].as_str().is_some_and(|time| time.ends_with("+0900")));
    let path = file.display().to_string();
    let told = format!("SETTINGS_FILE: read ({path}), sets RESTIC_PASSWORD, TZ");
    let warned = format!("SETTINGS_FILE: others may read it ({path}), and it holds RESTIC_PASSWORD: chmod o-r");
    let doctor = sandbox.run(&["doctor", "--no-probe"]);
    assert!(doctor.stdout.contains(&told) && !doctor.stdout.contains("others may read it"), "{}", doctor.stdout);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("is ours");
    let doctor = sandbox.run(&["doctor", "--no-probe"]);
    assert!(doctor.stdout.contains(&format!("[WARN] {warned}")), "{}", doctor.stdout);
    assert!(!doctor.all().contains("s3cret-of-mine"));
}
