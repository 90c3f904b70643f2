//! Which hooks run, in which order, and what they are told.

use crate::support::Sandbox;
use std::fs;

#[test]
fn hooks_run_in_order_around_the_work() {
    let sandbox = Sandbox::with_stand_in_engine();
    for name in
        ["pre-all", "pre-backup", "pre-backup.20-b", "pre-backup.10-a", "post-backup", "post-backup.5-x", "post-all"]
    {
        sandbox.hook(
            &format!("{name}.sh"),
            &format!("echo {name} $# $1 >> $T/notes; cat $T/engine.log >> $T/notes 2>/dev/null"),
        );
    }
    for idle in ["pre-backup.old.sh", "pre-check.sh", ".pre-backup.sh", "pre-backup", "pre-backup.sh.txt"] {
        sandbox.hook(idle, "echo MUST NOT RUN >> $T/notes");
    }
    sandbox.run(&["backup"]).ends_with(0);
    let names: Vec<String> = sandbox
        .notes()
        .lines()
        .map(|line| line.split_whitespace().take(3).collect::<Vec<_>>().join(" "))
        .map(
            |line| {
                if line.contains("backup --json") || line.starts_with("backup") { "ENGINE".to_owned() } else { line }
            },
        )
        .collect();
    let mut seen: Vec<&str> = Vec::new();
    for name in &names {
        if seen.last() != Some(&name.as_str()) && !(name == "ENGINE" && seen.contains(&"ENGINE")) {
            seen.push(name);
        }
    }
    let expected = [
        "pre-all 0",
        "pre-backup 0",
        "pre-backup.10-a 0",
        "pre-backup.20-b 0",
        "post-backup 1 0",
        "ENGINE",
        "post-backup.5-x 1 0",
        "post-all 1 0",
    ];
    assert_eq!(seen, expected, "{}", sandbox.notes());
}

#[test]
fn a_hook_is_told_what_the_specification_lists() {
    let sandbox = Sandbox::with_stand_in_engine();
    let dump = "env | grep -E '^(HOOK_|RUN_)' | sort > $T/$HOOK_NAME.env; pwd > $T/$HOOK_NAME.pwd; readlink /proc/self/fd/0 > $T/$HOOK_NAME.stdin; ls /proc/$$/fd > $T/$HOOK_NAME.list; sort -n $T/$HOOK_NAME.list | tr '\\n' ' ' > $T/$HOOK_NAME.fds";
    sandbox.hook("pre-backup.sh", dump).hook("post-backup.sh", dump);
    sandbox.run(&["backup"]).ends_with(0);
    let summary = sandbox.summary("backup");
    let read = |part: &str| fs::read_to_string(sandbox.path(part)).expect("is there");
    let run_id = summary["run_id"].as_str().expect("is text");
    let pre = read("pre-backup.env");
    for line in [
        "HOOK_NAME=pre-backup",
        "HOOK_PHASE=pre",
        "HOOK_WORKER=backup",
        "HOOK_INDEX=1",
        "HOOK_COUNT=1",
        "HOOK_ATTEMPT=1",
        &format!("RUN_ID={run_id}"),
        "RUN_TRIGGER=manual",
        &format!("RUN_LOG={}", sandbox.path("log/backup-last.log").display()),
        &format!("RUN_TARGET={}", sandbox.path("data").display()),
    ] {
        assert!(pre.lines().any(|have| have == line), "{line} is missing in\n{pre}");
    }
    for name in ["RUN_EXIT_CODE", "RUN_STATUS", "RUN_ERROR", "RUN_SNAPSHOT", "RUN_SUMMARY", "HOOK_RECOVERY"] {
        assert!(!pre.contains(name), "a pre hook is told {name}:\n{pre}");
    }
    assert!(pre.contains("HOOK_OUTPUT="));
    let post = read("post-backup.env");
    for line in [
        "RUN_EXIT_CODE=0",
        "RUN_STATUS=success",
        "RUN_ERROR=",
        "RUN_SNAPSHOT=0a1b2c3d4e5f60718293a4b5c6d7e8f900112233445566778899aabbccddeeff",
        &format!("RUN_SUMMARY={}", sandbox.path("log/last-backup.json").display()),
    ] {
        assert!(post.lines().any(|have| have == line), "{line} is missing in\n{post}");
    }
    assert_eq!((read("pre-backup.pwd").as_str(), read("pre-backup.stdin").as_str()), ("/\n", "/dev/null\n"));
    // 0, 1, 2, and what the shell itself has opened for its script and keeps while it redirects.
    let fds = read("pre-backup.fds");
    assert!(fds.split_whitespace().all(|fd| matches!(fd, "0" | "1" | "2" | "10" | "11" | "3" | "255")), "{fds}");
}

#[test]
fn the_summary_is_on_disk_before_the_first_post_hook() {
    let sandbox = Sandbox::with_stand_in_engine();
    fs::write(sandbox.path("log/last-backup.json"), "{\"run_id\": \"yesterday\"}\n").expect("can be written");
    sandbox.hook("post-backup.sh", "cp \"$RUN_SUMMARY\" $T/seen.json; echo $RUN_ID > $T/id");
    sandbox.run(&["backup"]).ends_with(0);
    let seen = fs::read_to_string(sandbox.path("seen.json")).expect("was copied");
    let id = fs::read_to_string(sandbox.path("id")).expect("was noted");
    let seen: serde_json::Value = serde_json::from_str(&seen).expect("is whole");
    assert_eq!(seen["run_id"], id.trim());
    assert_eq!(seen["work"]["status"], "completed");
    assert_eq!(seen["hooks"][0]["status"], "pending");
    assert_eq!(sandbox.summary("backup")["hooks"][0]["status"], "completed");
}

#[test]
fn a_worker_that_a_hook_starts_is_a_run_of_its_own() {
    let sandbox = Sandbox::with_stand_in_engine();
    sandbox.hook("post-backup.sh", &format!("echo $RUN_ID > $T/outer; {} check", crate::support::BOATHOOK));
    sandbox.hook(
        "pre-check.sh",
        "echo $RUN_PARENT_ID > $T/parent; echo $RUN_ID > $T/inner; echo $HOOK_WORKER > $T/worker",
    );
    sandbox.run(&["backup"]).ends_with(0);
    let read = |part: &str| fs::read_to_string(sandbox.path(part)).expect("is noted");
    assert_eq!(read("parent"), read("outer"));
    assert_ne!(read("inner"), read("outer"));
    assert_eq!(read("worker"), "check\n");
}

#[test]
fn hooks_linked_as_a_configmap_does_are_run() {
    let sandbox = Sandbox::with_stand_in_engine();
    fs::create_dir(sandbox.path("hooks/..2026_01_01")).expect("can be made");
    sandbox.hook("..2026_01_01/pre-backup.sh", "echo ran >> $T/notes");
    std::os::unix::fs::symlink("..2026_01_01", sandbox.path("hooks/..data")).expect("can be linked");
    std::os::unix::fs::symlink("..data/pre-backup.sh", sandbox.path("hooks/pre-backup.sh")).expect("can be linked");
    sandbox.run(&["backup"]).ends_with(0);
    assert_eq!(sandbox.notes(), "ran\n");
}

#[test]
fn a_missing_hook_is_logged_as_before() {
    let sandbox = Sandbox::with_stand_in_engine();
    let out = sandbox.run(&["backup"]).ends_with(0).stdout;
    let expected = format!("ℹ️ Hook pre-backup not found ({})", sandbox.path("hooks/pre-backup.sh").display());
    assert!(out.lines().any(|line| line == expected), "{out}");
    assert!(sandbox.log("backup").contains(&expected));
    assert_eq!(sandbox.summary("backup")["hooks_verdict"], "none");
}
