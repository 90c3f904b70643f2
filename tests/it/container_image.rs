//! The image, on a real engine: what it is made of, and that what it holds works as any user and without a writable root.

use crate::containers::{Plan, docker, image};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The folders of the image that are written to, as somebody with a read-only root mounts them.
const WRITABLE: [&str; 5] = ["/run", "/tmp", "/var/log", "/.cache", "/var/lib/boathook"];
/// Makes a repository and a backup, and then looks at the set-up.
const BACKUP: &str = "restic init -q && /bin/backup && /bin/check && restic snapshots --json && /bin/doctor";

#[test]
fn the_image_is_configured_as_the_reference() {
    let Some(image) = image() else { return };
    let config = docker(&["image", "inspect", "--format", "{{json .Config}}", &image]).ends_with(0).stdout;
    let config: Value = serde_json::from_str(&config).expect("is JSON");
    assert_eq!(config["Entrypoint"], json!(["/entry.sh"]));
    // Debian's image has one of its own, which must not be inherited.
    assert_eq!(config["Cmd"], Value::Null);
    assert_eq!(config["Volumes"], json!({ "/data": {} }));
    assert_eq!(config["WorkingDir"], "/");
    assert_eq!(config["User"].as_str().unwrap_or_default(), "");
    assert_eq!(config["StopSignal"], "SIGTERM");
    assert_eq!(config["Healthcheck"]["Test"], json!(["CMD", "/usr/local/bin/boathook", "alive"]));
    for (label, value) in [
        ("title", "Boathook"),
        ("licenses", "Apache-2.0"),
        ("version", "test"),
        ("base.name", "docker.io/library/debian:trixie-slim"),
    ] {
        assert_eq!(config["Labels"][format!("org.opencontainers.image.{label}")], value, "{label}");
    }
    let environment = config["Env"].as_array().expect("is a list");
    assert!(environment.contains(&json!("RESTIC_BACKUP_HELPER_RELEASE=test")), "{environment:?}");
    assert!(environment.contains(&json!("BACKUP_CRON=0 */6 * * *")), "{environment:?}");
}

#[test]
fn every_tool_is_there_and_what_built_the_image_is_not() {
    let Some(image) = image() else { return };
    let script = "set -e
        restic version; rclone version; fusermount3 --version; ssh -V; curl --version; jq --version; bash --version
        /sbin/mount.nfs -V; test -x /usr/sbin/sendmail; test -r /etc/ssl/certs/ca-certificates.crt
        test -f /usr/share/zoneinfo/Europe/Amsterdam
        for tool in unzip gcc cargo python3 wget; do ! command -v $tool || exit 9; done
        ls /var/lib/apt/lists; ls -A /var/log; echo done";
    let ended = Plan::new(image).one_shot("/bin/sh", &["-c", script]).ends_with(0);
    // Nothing lies in the lists or in the log folder, which a new volume would begin with.
    let last: Vec<&str> = ended.stdout.lines().rev().take(2).collect();
    assert!(last[0] == "done" && last[1].starts_with("mount.nfs: "), "{}", ended.stdout);
}

#[test]
fn a_mail_without_a_mail_server_is_refused_by_name() {
    let Some(image) = image() else { return };
    let ended = Plan::new(image).one_shot("/bin/sh", &["-c", "echo hello | sendmail somebody@example.org"]);
    let ended = ended.ends_with(78);
    assert_eq!(ended.stderr.trim(), "sendmail: account default not found in /etc/msmtprc");
}

#[test]
fn a_worker_runs_in_place_of_the_entry_point_with_its_hooks() {
    let Some(image) = image() else { return };
    let plan = Plan::new(image)
        .hook("pre-backup.sh", "echo before $RUN_TARGET")
        .hook("post-backup.sh", "echo after $1")
        .set("HOSTNAME", "test-host");
    let ended = plan.one_shot("/bin/sh", &["-c", BACKUP]).ends_with(0);
    for line in ["[pre-backup] before /data", "[post-backup] after 0", "hooks/pre-backup.sh: executable"] {
        assert!(ended.stdout.contains(line), "{line} is missing in {}", ended.all());
    }
    assert!(ended.stdout.contains(r#""hostname":"test-host""#), "{}", ended.stdout);
}

#[test]
fn it_works_with_a_read_only_root() {
    let Some(image) = image() else { return };
    // The repository is a volume without a name, as anybody's may be.
    let mut plan = Plan::new(image).options(&["--read-only", "-v", "/mnt/restic"]);
    for place in WRITABLE {
        plan = plan.options(&["--tmpfs", place]);
    }
    let script = format!("! touch /etc/written && {BACKUP}");
    let ended = plan.one_shot("/bin/sh", &["-c", &script]).ends_with(0);
    assert!(ended.stdout.contains("✅ Backup Successful"), "{}", ended.all());
    let warnings: Vec<&str> = ended.stdout.lines().filter(|line| line.contains("not writable")).collect();
    assert_eq!(warnings, [""; 0]);
}

#[test]
fn any_user_can_work_without_preparation() {
    let Some(image) = image() else { return };
    // One that the image knows, with its group and with root's; and one that nobody knows.
    for user in ["1000", "1000:1000", "4711:4711"] {
        let plan = Plan::new(image.clone()).options(&["--user", user, "-v", "/mnt/restic", "-v", "/var/log"]);
        let ended = plan.one_shot("/bin/sh", &["-c", &format!("id -u; {BACKUP}")]).ends_with(0);
        assert!(ended.stdout.starts_with(user.split(':').next().unwrap_or_default()), "{user}: {}", ended.stdout);
        assert!(ended.stdout.contains("✅ Backup Successful"), "{user}: {}", ended.all());
    }
    // ssh refuses a user without a name.
    let named = Plan::new(image).options(&["--user", "1000"]).one_shot("/usr/bin/id", &["-un"]).ends_with(0);
    assert_eq!(named.stdout, "boathook\n");
}

#[test]
fn another_user_works_with_a_read_only_root() {
    let Some(image) = image() else { return };
    let mut plan = Plan::new(image).options(&["--user", "1000:1000", "--read-only", "-v", "/mnt/restic"]);
    for place in WRITABLE {
        // Without a mode a tmpfs is root's alone, but for /tmp.
        plan = plan.options(&["--tmpfs", &format!("{place}:mode=1777")]);
    }
    let ended = plan.one_shot("/bin/sh", &["-c", BACKUP]).ends_with(0);
    assert!(ended.stdout.contains("✅ Backup Successful"), "{}", ended.all());
}

#[test]
fn every_link_leads_to_the_program_and_only_they_do() {
    let Some(image) = image() else { return };
    let script = "for link in /entry.sh /bin/*; do
        [ \"$(readlink \"$link\")\" != /usr/local/bin/boathook ] || echo \"${link##*/}\"; done";
    let found = Plan::new(image).one_shot("/bin/sh", &["-c", script]).ends_with(0).stdout;
    let found: BTreeSet<&str> = found.lines().collect();
    let mut expected: BTreeSet<&str> = boathook::cli::commands().into_iter().chain(["replicate"]).collect();
    expected.remove("scheduler-process");
    assert_eq!(found, expected);
}
