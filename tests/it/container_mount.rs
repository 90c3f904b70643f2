//! `mount-snapshot` in a container of the image: what it needs, that others in the container can look, and that
//! `docker stop` is its normal end.

use crate::containers::{Container, Plan, image};
use crate::mount_snapshot::can_mount;
use std::fs;

/// What an operator gives the container, as docs/mount-snapshot.md says.
const RIGHTS: [&str; 6] = ["--cap-add", "SYS_ADMIN", "--device", "/dev/fuse", "--security-opt", "apparmor=unconfined"];

/// A container with one snapshot; its hook tells how the mount ended, in a folder that outlives it.
fn container(image: String, options: &[&str]) -> Container {
    let container = Plan::new(image)
        .options(options)
        .hook(
            "post-mount-snapshot.sh",
            "grep -q ' /fusemount ' /proc/self/mountinfo && m=mounted || m=free\necho after $1 as $RUN_STATUS $m",
        )
        .start(&[]);
    container.wait_until_ready();
    container.exec(&["/bin/backup"]).ends_with(0);
    container
}

#[test]
fn a_stop_of_the_container_is_its_normal_end() {
    let Some(image) = image() else { return };
    if !can_mount() {
        return;
    }
    let container = container(image, &RIGHTS);
    container.exec_detached(&["/bin/mount-snapshot"]);
    let file = "/fusemount/snapshots/latest/data/one.txt";
    let seen = container.wait_for("the mount", || {
        Some(container.exec(&["cat", file])).filter(|cat| cat.status.success()).map(|cat| cat.stdout)
    });
    assert_eq!(seen, "one\n");
    let (took, code) = container.stop(30);
    assert_eq!(code, 0, "{}", container.logs());
    assert!(took.as_secs() < 15, "the stop took {took:?}\n{}", container.logs());
    let summary = container.summary("mount-snapshot");
    assert_eq!((&summary["status"], &summary["exit_code"]), (&"success".into(), &0.into()), "{summary}");
    let log = container.file("/var/log/mount-snapshot-last.log");
    assert_eq!(log.matches("[post-mount-snapshot] after 0 as success free").count(), 1, "{log}");
    assert_eq!(container.names_in("/mnt/restic/locks"), [""; 0]);
    assert_eq!(container.names_in("/fusemount"), [""; 0]);
    let list = fs::read_to_string("/proc/self/mountinfo").expect("is there");
    assert!(!list.contains("/fusemount "), "{list}");
}

#[test]
fn without_rights_it_says_all_that_is_missing() {
    let Some(image) = image() else { return };
    let container = container(image, &[]);
    let finished = container.exec(&["/bin/mount-snapshot"]).ends_with(2);
    let all = finished.all();
    assert!(all.contains("/dev/fuse is not there") && all.contains("CAP_SYS_ADMIN is missing"), "{all}");
    assert_eq!(container.summary("mount-snapshot")["exit_code"], 2);
}
