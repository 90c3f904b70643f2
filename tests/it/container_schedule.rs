//! What the schedule of a container does at its times, with hooks that are mounted.

use crate::containers::{Container, Plan, image};
use crate::support::{assert_in_order, write_executable};
use chrono::{DateTime, Timelike as _, Utc};
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::time::Duration;

/// A finished backup's line in `cron.log`.
const FINISHED: &str = "🏁 Finished backup";

/// The snapshots' tags, one a snapshot: how many backups were made.
fn snapshots(container: &Container) -> usize {
    let listed = container.exec(&["restic", "snapshots", "--json", "--no-lock"]).ends_with(0).stdout;
    let listed: serde_json::Value = serde_json::from_str(&listed).expect("is JSON");
    listed.as_array().map_or(0, Vec::len)
}

#[test]
fn a_scheduled_backup_runs_in_its_minute_with_its_hooks_in_order() {
    let Some(image) = image() else { return };
    let container = Plan::new(image)
        .set("BACKUP_CRON", "* * * * *")
        .hook("pre-all.sh", "echo started by $RUN_TRIGGER at $(date +%S)")
        .hook("pre-backup.sh", "echo second")
        .hook("pre-backup.10-third.sh", "echo third")
        .hook("post-backup.sh", "echo fourth with $1 and $RUN_STATUS")
        .hook("post-all.sh", "echo fifth")
        .start(&[]);
    container.wait_until_ready();
    container.wait_for("a finished backup", || container.cron_log().contains(FINISHED).then_some(()));
    let log = container.wait_for("the last hook", || {
        let log = container.cron_log();
        log.contains("[post-all] fifth").then_some(log)
    });
    assert_in_order(
        &log,
        &[
            "[pre-all] started by schedule at ",
            "[pre-backup] second",
            "[pre-backup.10-third] third",
            FINISHED,
            "[post-backup] fourth with 0 and success",
            "[post-all] fifth",
        ],
    );
    let second = log.split("started by schedule at ").nth(1).and_then(|rest| rest.get(..2)).expect("is a number");
    assert!(second.parse::<u32>().expect("is a number") < 10, "it was {second} s late, or not at its minute");
    // The same lines, with times, are what `docker logs` shows.
    let logs = container.logs();
    let line = logs.lines().find(|line| line.ends_with("[pre-backup] second")).expect("is mirrored");
    let time = line.split_whitespace().next().unwrap_or_default();
    assert!(DateTime::parse_from_rfc3339(time).is_ok(), "{line}");
}

/// A new version of a volume as the kubelet makes them: a folder with the files, to which `..data` is turned at once.
fn publish(volume: &Path, version: u32, mode: u32, body: &str) {
    let folder = format!("..2026_11_20_{version}");
    fs::create_dir_all(volume.join(&folder)).expect("can be made");
    let file = volume.join(&folder).join("pre-backup.sh");
    write_executable(&file, &format!("#!/bin/sh\n{body}\n"));
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("is ours");
    symlink(&folder, volume.join("..data_tmp")).expect("can be made");
    fs::rename(volume.join("..data_tmp"), volume.join("..data")).expect("can be renamed");
    if !volume.join("pre-backup.sh").exists() {
        symlink("..data/pre-backup.sh", volume.join("pre-backup.sh")).expect("can be made");
    }
}

#[test]
fn hooks_of_a_config_map_are_told_apart_by_their_mode_and_may_be_swapped_in_a_run() {
    let Some(image) = image() else { return };
    let plan = Plan::new(image).set("BACKUP_CRON", "* * * * *").hooks_from("volume");
    let volume = plan.path("volume");
    publish(&volume, 1, 0o644, "echo MUST NOT RUN");
    let container = plan.start(&[]);
    container.wait_for("a finished backup", || container.cron_log().contains(FINISHED).then_some(()));
    let told = "is not executable (/hooks/pre-backup.sh); skipping.";
    for text in [container.cron_log(), container.logs()] {
        assert!(text.lines().any(|line| line.contains('❌') && line.contains(told)), "{text}");
        assert!(!text.contains("MUST NOT RUN"), "{text}");
    }
    container.wait_for("the settled summary", || (container.summary("backup")["status"] == "warning").then_some(()));
    assert!(snapshots(&container) >= 1, "the backup is made all the same");

    // The mode is mended; and the volume changes while the hook runs, which goes on with what it began with.
    publish(&volume, 2, 0o755, "echo second version\nwhile ! [ -e /data/go ]; do sleep 0.1; done\necho second ends");
    container.wait_for("the second version", || container.cron_log().contains("second version").then_some(()));
    publish(&volume, 3, 0o755, "echo third version");
    fs::remove_dir_all(volume.join("..2026_11_20_2")).expect("is there");
    fs::write(container.path("data/go"), "").expect("can be written");
    container.wait_for("the end of the second", || container.cron_log().contains("second ends").then_some(()));
    container.wait_for("the third version", || container.cron_log().contains("third version").then_some(()));
    assert_eq!(container.stop(20).1, 0);
}

#[test]
fn a_run_that_was_missed_while_the_container_was_down_is_made_up_for_once() {
    let Some(image) = image() else { return };
    // Two times, and then none for most of an hour: whatever runs after them was made up for.
    let now = Utc::now();
    let first = if now.second() > 40 { now.minute() + 2 } else { now.minute() + 1 };
    let expression = format!("{},{} * * * *", first % 60, (first + 1) % 60);
    let container = Plan::new(image).set("BACKUP_CRON", &expression).set("CATCH_UP", "ON").start(&[]);
    container.wait_for("the first backup", || container.cron_log().contains(FINISHED).then_some(()));
    assert_eq!(container.stop(20).1, 0);
    assert_eq!(Utc::now().minute(), first % 60, "the machine is too slow for this test");
    while Utc::now().minute() == first % 60 || Utc::now().second() < 2 {
        std::thread::sleep(Duration::from_millis(200));
    }
    container.docker(&["start"]).ends_with(0);
    let finished = || container.cron_log().matches(FINISHED).count();
    container.wait_for("the backup that was missed", || (finished() == 2).then_some(()));
    assert_eq!(snapshots(&container), 2);

    // A restart in which nothing was missed makes up for nothing.
    container.docker(&["restart", "-t", "20"]).ends_with(0);
    container.wait_for("the third start", || {
        (container.logs().matches("Container started successfully").count() == 3).then_some(())
    });
    container.exec(&["boathook", "alive"]).ends_with(0);
    assert_eq!((finished(), snapshots(&container)), (2, 2), "{}", container.logs());
}
