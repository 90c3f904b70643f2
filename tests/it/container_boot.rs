//! The start of a container: with a schedule, with a command, at a terminal, with little rights, and in vain.

use crate::containers::{PASSWORD, Plan, image, run};
use crate::terminal::{AtTerminal, CTRL_C};
use std::fs;

#[test]
fn every_command_has_help_under_its_own_name() {
    let Some(image) = image() else { return };
    let script = "for link in /bin/*; do
        [ \"$(readlink \"$link\")\" = /usr/local/bin/boathook ] || continue
        \"$link\" --help >/tmp/help 2>&1 && [ -s /tmp/help ] || echo \"$link: $(cat /tmp/help)\"
    done";
    let ended = Plan::new(image).one_shot("/bin/sh", &["-c", script]).ends_with(0);
    assert_eq!(ended.stdout, "");
}

#[test]
fn a_container_makes_its_repository_and_is_healthy_and_ends_with_0() {
    let Some(image) = image() else { return };
    let container = Plan::new(image).start(&[]);
    container.wait_until_ready();
    let logs = container.logs();
    for line in ["🚀 Starting container", "📦 Release: test", "🔍 Checking repository status", "Running restic init"]
    {
        assert!(logs.contains(line), "'{line}' is missing in\n{logs}");
    }
    container.exec(&["boathook", "alive"]).ends_with(0);
    container.exec(&["test", "-f", "/var/log/cron.log"]).ends_with(0);
    container.exec(&["restic", "cat", "config"]).ends_with(0);
    let (took, code) = container.stop(20);
    assert_eq!(code, 0, "{}", container.logs());
    assert!(took.as_secs() < 9, "nothing runs, and the stop took {took:?}");
}

#[test]
fn a_repository_that_cannot_be_opened_ends_the_container_once() {
    let Some(image) = image() else { return };
    let plan = Plan::new(image);
    // A repository, by its looks, without a key that fits.
    for part in ["repository", "repository/keys", "repository/locks", "repository/snapshots", "repository/data"] {
        fs::create_dir(plan.path(part)).expect("can be made");
    }
    fs::write(plan.path("repository/config"), "not a config").expect("can be written");
    let mount = format!("{}:/mnt/restic", plan.path("repository").display());
    let container = plan.set("BACKUP_CRON", "* * * * *").options(&["-v", &mount]).start(&[]);
    assert_eq!(container.end(), 1, "{}", container.logs());
    let logs = container.logs();
    assert_eq!(logs.matches("Repository probe failed for '/mnt/restic'").count(), 1, "{logs}");
    assert!(!logs.contains("Container started successfully"), "{logs}");
    assert!(!logs.contains(PASSWORD), "{logs}");
}

#[test]
fn a_command_runs_beside_the_schedule_and_gives_the_exit_code() {
    let Some(image) = image() else { return };
    let (_container, mut command) = Plan::new(image).in_foreground(&["sh", "-c", "echo from the command; exit 7"]);
    let ended = run(&mut command).ends_with(7);
    assert!(ended.stdout.contains("from the command\n"), "{}", ended.all());
}

#[test]
fn the_references_default_command_counts_as_none() {
    let Some(image) = image() else { return };
    let container = Plan::new(image).start(&["tail", "-fn0", "/var/log/cron.log"]);
    container.wait_until_ready();
    assert!(container.processes().iter().all(|(.., words)| !words.starts_with("tail")), "{:?}", container.processes());
    assert_eq!(container.stop(20).1, 0);
}

#[test]
fn a_one_shot_command_prints_its_own_output_alone() {
    let Some(image) = image() else { return };
    let (_container, mut command) = Plan::new(image).in_foreground(&["config-check", "--json"]);
    let ended = run(&mut command).ends_with(0);
    let document: serde_json::Value =
        serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {}", ended.all()));
    assert_eq!((&document["command"], &document["errors"]), (&"config-check".into(), &0.into()));
}

#[test]
fn a_shell_at_a_terminal_has_it() {
    let Some(image) = image() else { return };
    let plan = Plan::new(image).options(&["-it"]).set("PS1", "ready> ");
    let (container, command) = plan.in_foreground(&["sh"]);
    let mut terminal = AtTerminal::start_program(command);
    terminal.expect("ready> ");
    terminal.types("test -t 0 && echo at a terminal: $((6 * 7))\n");
    terminal.expect("at a terminal: 42");
    // A Ctrl-C ends what runs in the foreground, and neither the shell nor the container.
    terminal.types("sleep 1000\n");
    container.pid_of("sleep 1000");
    terminal.types(CTRL_C);
    terminal.types("echo still $((40 + 3))\n");
    terminal.expect("still 43");
    terminal.types("exit 5\n");
    assert_eq!(terminal.ends().0, 5);
}

#[test]
fn the_schedule_runs_with_a_read_only_root() {
    let Some(image) = image() else { return };
    let mut plan = Plan::new(image).options(&["--read-only", "-v", "/mnt/restic"]);
    for place in ["/run", "/tmp", "/var/log", "/.cache", "/var/lib/boathook", "/var/spool/cron/crontabs"] {
        plan = plan.options(&["--tmpfs", place]);
    }
    let container = plan.set("BACKUP_CRON", "0 3 * * *").start(&[]);
    container.wait_until_ready();
    container.exec(&["/bin/backup"]).ends_with(0);
    let listed = container.exec(&["cron-list"]).ends_with(0);
    assert!(listed.stdout.contains("# Source: /var/spool/cron/crontabs/root"), "{}", listed.stdout);
    assert_eq!(container.stop(20).1, 0);
}

#[test]
fn the_schedule_runs_as_another_user() {
    let Some(image) = image() else { return };
    let plan = Plan::new(image).options(&["--user", "1000:1000", "-v", "/mnt/restic", "-v", "/var/log"]);
    let container = plan.set("BACKUP_CRON", "* * * * *").start(&[]);
    container.wait_for("a scheduled backup", || container.cron_log().contains("🏁 Finished backup").then_some(()));
    assert_eq!(container.summary("backup")["exit_code"].to_string().trim_matches('"'), "0");
    assert_eq!(container.exec(&["id", "-u"]).stdout, "1000\n");
    assert_eq!(container.stop(20).1, 0);
}

#[test]
fn a_thousand_orphans_are_reaped() {
    let Some(image) = image() else { return };
    let container = Plan::new(image).start(&[]);
    container.wait_until_ready();
    // Each is left by a shell that is gone, so that it comes to the container's first process, and ends there.
    let script = "i=0; while [ $i -lt 1000 ]; do (sleep 0.3 &); i=$((i + 1)); done";
    container.exec(&["sh", "-c", script]).ends_with(0);
    let left =
        || container.processes().into_iter().filter(|(.., state, words)| *state == 'Z' || words.contains("sleep"));
    container.wait_for("the end of all orphans", || (left().count() == 0).then_some(()));
    container.exec(&["boathook", "alive"]).ends_with(0);
    assert_eq!(container.stop(20).1, 0);
}
